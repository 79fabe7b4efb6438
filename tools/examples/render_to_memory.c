/*
 * Draws one chart into memory and writes it to a PNG file.
 *
 *     render_to_memory chart.png
 */
#include <stdio.h>
#include <stdlib.h>
#include <tallow/tallow.h>

#define ROWS 60
#define WIDTH 640
#define HEIGHT 360

static int fail(const char *what, const tlw_error *error) {
  fprintf(stderr, "%s: %s\n", what, error->message);
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s FILE.png\n", argv[0]);
    return EXIT_FAILURE;
  }

  /* The caller's own columns; Tallow reads them where they lie. */
  static double open[ROWS], high[ROWS], low[ROWS], close[ROWS], volume[ROWS];
  double price = 100;
  for (int i = 0; i < ROWS; i++) {
    open[i] = price;
    price += i * 37 % 11 - 4.5;
    close[i] = price;
    high[i] = (open[i] > close[i] ? open[i] : close[i]) + i % 5;
    low[i] = (open[i] < close[i] ? open[i] : close[i]) - i % 7;
    volume[i] = 1000 + i * 731 % 997;
  }
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = open;
  candles.high = high;
  candles.low = low;
  candles.close = close;
  candles.volume = volume;
  candles.n_rows = ROWS;

  tlw_error error;
  tlw_engine *engine;
  if (tlw_engine_open(&engine, NULL, &error) != TLW_OK) return fail("no engine", &error);

  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = WIDTH;
  options.height = HEIGHT;
  static uint8_t pixels[WIDTH * HEIGHT];
  const tlw_raster raster = {pixels, sizeof pixels, WIDTH, sizeof pixels};
  const tlw_status drawn = tlw_chart_render(engine, &candles, &options, &raster, &error);
  tlw_engine_close(&engine);
  if (drawn != TLW_OK) return fail("no chart", &error);

  uint8_t rgb[TLW_INK_COUNT * 3];
  if (tlw_theme_palette(options.theme, rgb, &error) != TLW_OK) return fail("no palette", &error);
  const tlw_png_image image = {pixels, WIDTH, WIDTH, HEIGHT, rgb, TLW_INK_COUNT};
  if (tlw_png_write(&image, NULL, argv[1], &error) != TLW_OK) return fail(argv[1], &error);
  printf("%s: %d candles, %d x %d\n", argv[1], ROWS, WIDTH, HEIGHT);
  return EXIT_SUCCESS;
}
