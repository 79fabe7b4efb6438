/* A program of a user of the installed library: draws three candles, reads a CSV file, writes a PNG file. */
#include <stdio.h>
#include <string.h>
#include <tallow/tallow.h>

#define SIDE 64

static int fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

int main(int argc, char **argv) {
  static uint8_t pixels[SIDE * SIDE];
  const double open[] = {1, 2, 3}, high[] = {3, 4, 4}, low[] = {0, 1, 1}, close[] = {2, 3, 2};
  tlw_error error;
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = open;
  candles.high = high;
  candles.low = low;
  candles.close = close;
  candles.n_rows = 3;
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = options.height = SIDE;
  options.volume = 0;
  const tlw_raster raster = {pixels, sizeof pixels, SIDE, sizeof pixels};
  uint8_t rgb[TLW_INK_COUNT * 3];

  if (argc != 2) return fail("usage", "consumer FILE.png");
  if (strcmp(tlw_version(), TLW_VERSION_STRING) != 0) return fail("another version", tlw_version());
  tlw_engine *engine;
  if (tlw_engine_open(&engine, &engine_options, &error) != TLW_OK) return fail("open", error.message);
  if (tlw_chart_render(engine, &candles, &options, &raster, &error) != TLW_OK) return fail("render", error.message);
  tlw_engine_close(&engine);
  if (!memchr(pixels, TLW_INK_UP, sizeof pixels) || !memchr(pixels, TLW_INK_DOWN, sizeof pixels))
    return fail("render", "there is no candle in the picture");

  tlw_table *table;
  if (tlw_csv_read("no such file", NULL, NULL, &table, &error) != TLW_ERR_NOT_FOUND) return fail("csv", "it was found");
  if (tlw_theme_palette(options.theme, rgb, &error) != TLW_OK) return fail("palette", error.message);
  const tlw_png_image image = {pixels, SIDE, SIDE, SIDE, rgb, TLW_INK_COUNT};
  if (tlw_png_write(&image, NULL, argv[1], &error) != TLW_OK) return fail("png", error.message);
  printf("consumed %s\n", tlw_version());
  return 0;
}
