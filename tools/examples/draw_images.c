/*
 * A training set in memory: the JKX image of each window of 20 bars, as numbers from 0 to 1, and what the price did in
 * the 5 bars behind it.
 *
 *     draw_images
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tallow/tallow.h>

#define ROWS 1000
#define WINDOW 20
#define HORIZON 5
#define IMAGES (ROWS - HORIZON - WINDOW + 1) /* those that have a label */

static double column[5][ROWS];
static tlw_image_window windows[IMAGES];
static double labels[IMAGES];
static uint8_t reasons[IMAGES];

static void fill(void) {
  uint32_t noise = 1;
  double price = 1000;
  for (int i = 0; i < ROWS; i++) {
    noise = noise * 1664525u + 1013904223u;
    const double open = price, close = price + (double)(noise >> 24) / 16 - 8;
    column[0][i] = open;
    column[1][i] = (open > close ? open : close) + 1;
    column[2][i] = (open < close ? open : close) - 1;
    column[3][i] = close;
    column[4][i] = noise >> 20;
    price = close;
  }
}

static tlw_status draw(tlw_engine *engine, const tlw_image_options *options, void *images, size_t size,
                       tlw_error *error) {
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = column[0];
  candles.high = column[1];
  candles.low = column[2];
  candles.close = column[3];
  candles.volume = column[4];
  candles.n_rows = ROWS;

  for (int64_t i = 0; i < IMAGES; i++) {
    const int64_t last = WINDOW - 1 + i; /* nothing behind this row is in the image */
    windows[i] = (tlw_image_window){.series = 0, .last = last};
    labels[i] = column[3][last + HORIZON] / column[3][last] - 1;
  }
  return tlw_images_draw(engine, &candles, options, windows, IMAGES, images, size, reasons, error);
}

static void report(const tlw_image_shape *shape, const float *images) {
  const int64_t pixels = (int64_t)shape->height * shape->width;
  int64_t drawn = 0, up = 0, ink = 0;
  for (int64_t i = 0; i < IMAGES; i++) {
    drawn += reasons[i] == TLW_IMAGE_DRAWN;
    up += labels[i] > 0;
  }
  for (int64_t i = 0; i < IMAGES * pixels; i++) ink += images[i] > 0;
  printf("%" PRId64 " images of %d x %d x %d, %" PRId64 " of %" PRId64 " numbers above 0; %" PRId64 " labels above 0\n",
         drawn, shape->channels, shape->height, shape->width, ink, IMAGES * pixels, up);
}

int main(void) {
  fill();
  tlw_image_options options;
  tlw_image_options_init(&options); /* JKX */
  options.window = WINDOW;
  options.type = TLW_IMAGE_F32;

  tlw_image_shape shape = {0};
  tlw_engine *engine = NULL;
  tlw_error error = {0};
  float *images = NULL;
  tlw_status status = tlw_image_shape_of(&options, &shape, &error);
  if (status == TLW_OK && !(images = malloc(IMAGES * shape.size))) status = TLW_ERR_MEMORY;
  if (status == TLW_OK) status = tlw_engine_open(&engine, NULL, &error);
  if (status == TLW_OK) status = draw(engine, &options, images, IMAGES * shape.size, &error);
  tlw_engine_close(&engine);

  if (status == TLW_OK)
    report(&shape, images);
  else
    fprintf(stderr, "%s: %s\n", tlw_status_name(status), error.message);
  free(images);
  return status == TLW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
