/*
 * Rasters of charts in memory to PNG files in memory, in each coding, beside zlib alone; and candles in memory to PNG
 * files in memory, each chart of another window. One thread.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define WIDTH 1920
#define HEIGHT 1080
#define PIXELS ((size_t)WIDTH * HEIGHT)
#define SERIES_ROWS (INT64_C(1) << 20)
#define SPECKS 16 /* colours of a chart with noise: the highest 4 bits choose */
#define ONE_IN 64 /* pixels, where there is noise */
#define ROW_MOST (1 + WIDTH / 2)

static const struct shape {
  int64_t candles;
  bool noise;
} shapes[] = {{100, false}, {1000, false}, {10000, false}, {1000, true}};

enum work { FAST, SMALL, LIBPNG, ZLIB_1, ZLIB_6, CHART, DRAW, WORKS };
static const char *const work_names[WORKS] = {"fast",         "small (libdeflate)", "libpng",     "zlib 1 alone",
                                              "zlib 6 alone", "chart to PNG",       "chart alone"};

struct field {
  const struct shape *shape;
  const bench_series *series;
  tlw_engine *engine;
  tlw_chart_options chart;
  uint8_t rgb[3 * SPECKS];
  int32_t n_colors;
  uint8_t *pixels, *drawn, *png;
  size_t capacity;
  uint8_t *rows; /* filtered, for zlib */
  size_t rows_size;
  int64_t call; /* the next chart */
  size_t sizes[WORKS];
};

static void draw(struct field *field, uint8_t *pixels) {
  const int64_t n = field->shape->candles, first = bench_series_window(field->series, n, field->call++);
  tlw_candles candles;
  bench_series_candles(field->series, &candles);
  const void **columns[] = {&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume};
  for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) *columns[c] = (const double *)*columns[c] + first;
  candles.n_rows = n;
  const tlw_raster raster = {pixels, PIXELS, WIDTH, PIXELS};
  tlw_error error;
  bench_check(tlw_chart_render(field->engine, &candles, &field->chart, &raster, &error), &error);
}

static void encode(struct field *field, const uint8_t *pixels, tlw_png_coding coding, size_t *size) {
  const tlw_png_image image = {pixels, WIDTH, WIDTH, HEIGHT, field->rgb, field->n_colors};
  tlw_png_options options;
  tlw_png_options_init(&options);
  options.coding = coding;
  tlw_error error;
  bench_check(tlw_png_encode(&image, &options, field->png, field->capacity, size, &error), &error);
}

static void run_fast(void *context, int64_t calls) {
  struct field *field = context;
  for (int64_t i = 0; i < calls; i++) encode(field, field->pixels, TLW_PNG_FAST, &field->sizes[FAST]);
}

static void run_small(void *context, int64_t calls) {
  struct field *field = context;
  for (int64_t i = 0; i < calls; i++) encode(field, field->pixels, TLW_PNG_SMALL, &field->sizes[SMALL]);
}

static void run_libpng(void *context, int64_t calls) {
  struct field *field = context;
  for (int64_t i = 0; i < calls; i++) encode(field, field->pixels, TLW_PNG_LIBPNG, &field->sizes[LIBPNG]);
}

static void run_zlib(struct field *field, int64_t calls, int level, size_t *size) {
  for (int64_t i = 0; i < calls; i++) {
    uLongf packed = (uLongf)field->capacity;
    if (compress2(field->png, &packed, field->rows, (uLong)field->rows_size, level) != Z_OK)
      bench_die(EXIT_FAILURE, "zlib failed");
    *size = packed;
  }
}

static void run_zlib_1(void *context, int64_t calls) {
  struct field *field = context;
  run_zlib(field, calls, 1, &field->sizes[ZLIB_1]);
}

static void run_zlib_6(void *context, int64_t calls) {
  struct field *field = context;
  run_zlib(field, calls, 6, &field->sizes[ZLIB_6]);
}

static void run_chart(void *context, int64_t calls) {
  struct field *field = context;
  for (int64_t i = 0; i < calls; i++) {
    draw(field, field->drawn);
    encode(field, field->drawn, TLW_PNG_FAST, &field->sizes[CHART]);
  }
}

static void run_draw(void *context, int64_t calls) {
  struct field *field = context;
  for (int64_t i = 0; i < calls; i++) draw(field, field->drawn);
}

/* ---- cases ---- */

static void add_noise(uint8_t *pixels) {
  uint64_t random = 1;
  for (size_t i = 0; i < PIXELS; i++) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if ((random >> 33) % ONE_IN == 0) pixels[i] = (uint8_t)(random >> 60);
  }
}

/* The rows that all codings compress: packed, less the row above. */
static void filter_rows(struct field *field) {
  const int depth = field->n_colors > 4 ? 4 : 2, in_byte = 8 / depth;
  const size_t size = WIDTH / (size_t)in_byte;
  uint8_t rows[2][ROW_MOST] = {{0}};
  field->rows_size = (size + 1) * HEIGHT;
  for (size_t y = 0; y < HEIGHT; y++) {
    uint8_t *row = rows[y % 2], *out = field->rows + y * (size + 1);
    const uint8_t *above = rows[(y + 1) % 2], *pixels = field->pixels + y * WIDTH;
    *out++ = 2;
    for (size_t i = 0; i < size; i++) {
      row[i] = 0;
      for (int k = 0; k < in_byte; k++) row[i] = (uint8_t)(row[i] << depth | *pixels++);
      out[i] = (uint8_t)(row[i] - above[i]);
    }
  }
}

static void field_open(struct field *field, const struct shape *shape, const bench_series *series) {
  tlw_error error;
  tlw_engine_options options;
  *field = (struct field){.shape = shape, .series = series, .n_colors = shape->noise ? SPECKS : TLW_INK_COUNT};
  bench_engine_options(&options, TLW_BACKEND_CPU, NULL, 1);
  bench_check(tlw_engine_open(&field->engine, &options, &error), &error);
  tlw_chart_options_init(&field->chart);
  field->chart.width = WIDTH;
  field->chart.height = HEIGHT;
  bench_check(tlw_theme_palette(field->chart.theme, field->rgb, &error), &error);
  field->capacity = tlw_png_bound(WIDTH, HEIGHT);
  field->pixels = bench_alloc(PIXELS);
  field->drawn = bench_alloc(PIXELS);
  field->png = bench_alloc(field->capacity);
  field->rows = bench_alloc((size_t)ROW_MOST * HEIGHT);
  draw(field, field->pixels);
  if (shape->noise) add_noise(field->pixels);
  filter_rows(field);
}

static void field_close(struct field *field) {
  tlw_engine_close(&field->engine);
  free(field->pixels);
  free(field->drawn);
  free(field->png);
  free(field->rows);
}

static void print_work(const char *name, enum work i, const bench_work *works, const struct field *field) {
  const bench_summary summary = bench_summarise(&works[i]);
  printf("%-18s %-20s %10.1f %10.1f %10.0f %9zu %10.2f\n", i == FAST ? name : "", work_names[i], summary.median * 1e6,
         summary.best * 1e6, (double)PIXELS / summary.median / 1e6, field->sizes[i],
         bench_ratio(&works[i], &works[i < CHART ? FAST : DRAW]));
}

static void run_case(const char *name, struct field *field, double seconds, bench_json *json) {
  bench_work works[WORKS] = {
      [FAST] = {.run = run_fast},     [SMALL] = {.run = run_small},   [LIBPNG] = {.run = run_libpng},
      [ZLIB_1] = {.run = run_zlib_1}, [ZLIB_6] = {.run = run_zlib_6}, [CHART] = {.run = run_chart},
      [DRAW] = {.run = run_draw}};
  const size_t n = field->shape->noise ? CHART : WORKS;
  for (size_t i = 0; i < n; i++) works[i].context = field;
  bench_measure(works, n, seconds);
  for (size_t i = 0; i < n; i++) {
    char full[96];
    print_work(name, (enum work)i, works, field);
    snprintf(full, sizeof full, "png/%s/%s", name, work_names[i]);
    bench_json_begin(json, NULL, '{');
    bench_json_result(json, full, &works[i]);
    bench_json_number(json, "bytes", (double)field->sizes[i]);
    bench_json_number(json, "over_fast", bench_ratio(&works[i], &works[FAST]));
    bench_json_end(json, '}');
  }
  fflush(stdout);
}

int main(int argc, char **argv) {
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *filter = NULL, *path = NULL;
  const bench_option options[] = {BENCH_OPTION_SECONDS(&seconds), BENCH_OPTION_CASE(&filter), BENCH_OPTION_JSON(&path)};
  bench_parse(argc, argv, "Rasters and candles in memory to PNG files in memory, by one thread.", options,
              sizeof options / sizeof options[0]);
  bench_use_processor_time();
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_png", NULL);
  bench_series series;
  bench_series_open(&series, SERIES_ROWS);
  printf("columns  microseconds of processor time, MB of pixels a second, bytes of the file; ratio: to fast, of charts "
         "to\n"
         "         drawing alone. The raster of a case stays in a cache that has room for it\n\n");
  printf("%-18s %-20s %10s %10s %10s %9s %10s\n", "candles", "", "median us", "best us", "MB/s", "bytes", "ratio");
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    char name[64];
    snprintf(name, sizeof name, "%" PRId64 "%s", shapes[i].candles, shapes[i].noise ? " and noise" : "");
    if (!bench_wants(filter, name)) continue;
    struct field field;
    field_open(&field, &shapes[i], &series);
    run_case(name, &field, seconds, &json);
    field_close(&field);
  }
  bench_series_close(&series);
  bench_end(&json);
  return EXIT_SUCCESS;
}
