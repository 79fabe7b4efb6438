/*
 * Rasters of charts at 1080p in memory to PNG files in memory in each coding, beside zlib alone on the rows that all of
 * them compress; one thread.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define WIDTH 1920
#define HEIGHT 1080
#define PIXELS ((size_t)WIDTH * HEIGHT)
#define SPECKS 16 /* colours of a chart with noise: the highest 4 bits choose */
#define ONE_IN 64 /* pixels, where there is noise */
#define ROW_MOST (1 + WIDTH / 2)

enum { CANDLES, NOISE, CODING };
enum { FAST, SMALL, LIBPNG, ZLIB_1, ZLIB_6, CODINGS };
static const char *const coding_names[CODINGS] = {"fast", "small", "libpng", "zlib-1", "zlib-6"};

struct state {
  int64_t coding;
  uint8_t rgb[3 * SPECKS];
  int32_t n_colors;
  uint8_t *pixels, *png, *rows; /* rows: filtered, for zlib */
  size_t capacity, rows_size, size;
};

static tlw_status encode(struct state *s, tlw_error *error) {
  static const tlw_png_coding codings[] = {TLW_PNG_FAST, TLW_PNG_SMALL, TLW_PNG_LIBPNG};
  const tlw_png_image image = {s->pixels, WIDTH, WIDTH, HEIGHT, s->rgb, s->n_colors};
  tlw_png_options options;
  tlw_png_options_init(&options);
  options.coding = codings[s->coding];
  return tlw_png_encode(&image, &options, s->png, s->capacity, &s->size, error);
}

static tlw_status compress_rows(struct state *s, tlw_error *error) {
  uLongf packed = (uLongf)s->capacity;
  const int level = s->coding == ZLIB_1 ? 1 : 6;
  if (compress2(s->png, &packed, s->rows, (uLong)s->rows_size, level) != Z_OK)
    return bench_fail(error, TLW_ERR_MEMORY, "zlib can't compress a chart");
  s->size = packed;
  return TLW_OK;
}

static tlw_status run(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++)
    status = s->coding < ZLIB_1 ? encode(s, error) : compress_rows(s, error);
  return status;
}

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  struct state *s = state;
  const tlw_status status = run(s, 1, error);
  if (status == TLW_OK) *hash = bench_hash(BENCH_HASH_START, s->png, s->size);
  return status;
}

static void close_state(void *state) {
  struct state *s = state;
  free(s->pixels);
  free(s->png);
  free(s->rows);
  free(s);
}

static tlw_status draw(struct state *s, int64_t candles, tlw_error *error) {
  const tlw_candles *series = bench_series(error);
  if (!series) return error->code;
  tlw_candles window;
  tlw_chart_options chart;
  tlw_engine *engine;
  int64_t offsets[2], first;
  tlw_chart_options_init(&chart);
  chart.width = WIDTH;
  chart.height = HEIGHT;
  bench_series_window(series, candles, 1, 0, offsets, &window, &first);
  const tlw_raster raster = {s->pixels, PIXELS, WIDTH, PIXELS};
  tlw_status status = bench_engine_open(&(bench_lane){TLW_BACKEND_CPU, 1}, &engine, error);
  if (status == TLW_OK) status = tlw_chart_render(engine, &window, &chart, &raster, error);
  if (status == TLW_OK) status = tlw_theme_palette(chart.theme, s->rgb, error);
  tlw_engine_close(&engine);
  return status;
}

static void add_noise(uint8_t *pixels) {
  uint64_t random = 1;
  for (size_t i = 0; i < PIXELS; i++) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if ((random >> 33) % ONE_IN == 0) pixels[i] = (uint8_t)(random >> 60);
  }
}

/* The rows that all codings compress: packed, less the row above. */
static void filter_rows(struct state *s) {
  const int depth = s->n_colors > 4 ? 4 : 2, in_byte = 8 / depth;
  const size_t size = WIDTH / (size_t)in_byte;
  uint8_t rows[2][ROW_MOST] = {{0}};
  s->rows_size = (size + 1) * HEIGHT;
  for (size_t y = 0; y < HEIGHT; y++) {
    uint8_t *row = rows[y % 2], *out = s->rows + y * (size + 1);
    const uint8_t *above = rows[(y + 1) % 2], *pixels = s->pixels + y * WIDTH;
    *out++ = 2;
    for (size_t i = 0; i < size; i++) {
      row[i] = 0;
      for (int k = 0; k < in_byte; k++) row[i] = (uint8_t)(row[i] << depth | *pixels++);
      out[i] = (uint8_t)(row[i] - above[i]);
    }
  }
}

static tlw_status open_state(struct state *s, const bench_case *what, tlw_error *error) {
  s->capacity = tlw_png_bound(WIDTH, HEIGHT);
  s->pixels = bench_alloc(PIXELS, error);
  s->png = bench_alloc(s->capacity, error);
  s->rows = bench_alloc((size_t)ROW_MOST * HEIGHT, error);
  if (!s->pixels || !s->png || !s->rows) return TLW_ERR_MEMORY;
  const tlw_status status = draw(s, what->numbers[CANDLES], error);
  if (status != TLW_OK) return status;
  if (what->numbers[NOISE]) add_noise(s->pixels);
  filter_rows(s);
  return run(s, 1, error); /* which tells the size */
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  (void)lane;
  struct state *s = bench_alloc(sizeof *s, error);
  if (!s) return TLW_ERR_MEMORY;
  *s = (struct state){.coding = what->numbers[CODING], .n_colors = what->numbers[NOISE] ? SPECKS : TLW_INK_COUNT};
  const tlw_status status = open_state(s, what, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  const double read = s->coding < ZLIB_1 ? (double)PIXELS : (double)s->rows_size;
  *subject = (bench_subject){.state = s,
                             .run = run,
                             .hash = hash,
                             .close = close_state,
                             .item = "charts",
                             .items = 1,
                             .bytes = read + (double)s->size};
  return TLW_OK;
}

static void list(bench_cases *cases) {
  static const struct {
    int64_t candles;
    bool noise;
  } shapes[] = {{100, false}, {1000, false}, {10000, false}, {1000, true}};
  for (size_t i = 0; i < BENCH_COUNT(shapes); i++)
    for (int coding = 0; coding < CODINGS; coding++) {
      const bench_case add = {.lanes = BENCH_LANES_ALONE,
                              .usual = coding < ZLIB_1 && shapes[i].candles == 1000 && !shapes[i].noise,
                              .numbers = {shapes[i].candles, shapes[i].noise, coding}};
      bench_add(cases, &add, "encode/1080p/%lld%s/%s", (long long)shapes[i].candles, shapes[i].noise ? "-noise" : "",
                coding_names[coding]);
    }
}

const bench_suite bench_suite_encode = {"encode", "rasters in memory to PNG in memory", list, open_case};
