/*
 * Draws a thousand windows of one long series with one call, as for a training set: the series is not copied, and the
 * charts lie one after the other in memory.
 *
 *     render_batch
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tallow/tallow.h>

#define CHARTS 1000
#define WINDOW 50
#define ROWS (CHARTS * WINDOW)
#define SIDE 96

static double column[5][ROWS];
static int64_t offsets[CHARTS + 1];

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

int main(void) {
  fill();
  for (int i = 0; i <= CHARTS; i++) offsets[i] = (int64_t)i * WINDOW;

  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = column[0];
  candles.high = column[1];
  candles.low = column[2];
  candles.close = column[3];
  candles.volume = column[4];
  candles.n_rows = ROWS;
  candles.offsets = offsets;
  candles.n_series = CHARTS;

  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = options.height = SIDE;

  const size_t size = (size_t)CHARTS * SIDE * SIDE;
  uint8_t *pixels = malloc(size);
  const tlw_raster raster = {pixels, size, SIDE, (size_t)SIDE * SIDE};
  tlw_engine *engine = NULL;
  tlw_error error;
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_status status = pixels ? tlw_engine_open(&engine, NULL, &error) : TLW_ERR_MEMORY;
  if (status == TLW_OK) status = tlw_chart_render(engine, &candles, &options, &raster, &error);
  if (status == TLW_OK) status = tlw_engine_stats(engine, &stats, &error);
  tlw_engine_close(&engine);

  if (status == TLW_OK) {
    size_t inked = 0;
    for (size_t i = 0; i < size; i++) inked += pixels[i] >= TLW_INK_UP;
    printf("%" PRIu64 " charts of %" PRIu64 " candles in all; %zu of %zu pixels are candles or volume\n", stats.charts,
           stats.candles, inked, size);
  } else {
    fprintf(stderr, "%s\n", pixels ? error.message : "out of memory");
  }
  free(pixels);
  return status == TLW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
