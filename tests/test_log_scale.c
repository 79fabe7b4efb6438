/*
 * The log scale on every backend: rows against logarithms that are not the library's, and prices that it refuses, by
 * renders, streams and series in chunks.
 *
 *   test_log_scale [TARGET...]      cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "oracle.h"
#include "series.h"
#include "tallow/stream.h"

static const double refused[] = {0.0, -0.0, -37.63, -1.0, -0x1p-1074, (double)-FLT_MAX};
#define REFUSED (sizeof refused / sizeof refused[0])

static tlw_engine *engine_of(const target *t, const target_limits *limits) {
  tlw_engine *engine = NULL;
  tlw_error error;
  if (target_open(t, limits, &engine, &error) != TLW_OK) fail_msg("%s: %s", t->name, error.message);
  return engine;
}

static void options_of(tlw_chart_options *options, int32_t width, int32_t height) {
  tlw_chart_options_init(options);
  options->width = width;
  options->height = height;
  options->scale = TLW_SCALE_LOG;
  options->grid = 0;
}

/* Candles that a log scale draws, gaps among them. */
static void open_candles(columns *data, int64_t n_rows, uint64_t seed) {
  rng r = {seed};
  columns_open(data, n_rows);
  fill_prices(data, 0, n_rows, PRICES_GAPS, &r);
  lift_prices(data, 0, n_rows, 0x1p-1000);
  fill_volumes(data, 0, n_rows, VOLUMES_PLAIN, &r);
  fill_times(data, 0, n_rows, TIMES_REGULAR, &r);
}

static double *price_column(const columns *data, int k) {
  double *const all[4] = {data->open, data->high, data->low, data->close};
  return all[k];
}

/* A candle of which one price is not for a log scale; row's own prices are no gap. */
static void spoil(columns *data, int64_t row, rng *r) {
  for (int k = 0; k < 4; k++) price_column(data, k)[row] = 5.0;
  price_column(data, (int)rng_below(r, 4))[row] = refused[rng_below(r, REFUSED)];
}

/* A gap with a price that is not for a log scale. */
static void spoil_gap(columns *data, int64_t row, rng *r) {
  const int k = (int)rng_below(r, 4);
  spoil(data, row, r);
  price_column(data, k)[row] = rng_below(r, 2) ? (double)NAN : (double)INFINITY;
  price_column(data, (k + 1) % 4)[row] = -1.0;
}

/* ---- rows ---- */

/* Where the rules put a price, by long doubles; between two rows where that is too near to tell. */
static long double place_of(double price, double high, double low, int32_t rows) {
  const long double part =
      (logl((long double)high) - logl((long double)price)) / (logl((long double)high) - logl((long double)low));
  return part * (long double)(rows - 1) + 0.5L;
}

static bool is_in_row(int32_t row, long double place) {
  const long double near = 1e-9L;
  return row == (int32_t)(place - near) || row == (int32_t)(place + near);
}

/* The first and last row of a column that are not background. */
static void extent_of(const guarded *g, int32_t x, int32_t *top, int32_t *bottom) {
  *top = -1;
  for (int32_t y = 0; y < g->height; y++) {
    if (g->raster.pixels[(size_t)y * g->row_stride + (size_t)x] == TLW_INK_BACKGROUND) continue;
    if (*top < 0) *top = y;
    *bottom = y;
  }
}

/* Candles of 5 columns without margins: the middle column is wick, the next one body. */
static void test_rows(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, &no_limits);
  for (uint64_t seed = 1; seed <= 40; seed++) {
    enum { N = 60, SLOT = 5, HEIGHT = 700 };
    rng r = {seed};
    columns data;
    columns_open(&data, N);
    const int spread = 1 << rng_below(&r, 9); /* powers of two */
    double high = 0.0, low = DBL_MAX;
    for (int64_t i = 0; i < N; i++) {
      double p[4];
      for (int k = 0; k < 4; k++) p[k] = ldexp(1.0 + rng_unit(&r), rng_between(&r, -spread, spread));
      data.open[i] = p[0];
      data.close[i] = p[1];
      data.high[i] = fmax(fmax(p[0], p[1]), p[2]);
      data.low[i] = fmin(fmin(p[0], p[1]), p[3]);
      high = fmax(high, data.high[i]);
      low = fmin(low, data.low[i]);
    }
    tlw_candles candles;
    columns_view(&data, &candles);
    tlw_chart_options options;
    options_of(&options, SLOT * N, HEIGHT);
    options.volume = 0;
    options.margin_left = options.margin_top = options.margin_right = options.margin_bottom = 0;
    guarded images;
    guarded_open(&images, &(guarded_shape){SLOT * N, HEIGHT, 1, 3, 0, 16, 16}, seed);
    tlw_error error;
    if (tlw_chart_render(engine, &candles, &options, &images.raster, &error) != TLW_OK) fail_msg("%s", error.message);
    const int32_t pad = HEIGHT / 20, rows = HEIGHT - 2 * pad;
    for (int32_t i = 0; i < N; i++) {
      int32_t top = -1, bottom = -1;
      extent_of(&images, SLOT * i + SLOT / 2, &top, &bottom);
      assert_true(is_in_row(top - pad, place_of(data.high[i], high, low, rows)));
      assert_true(is_in_row(bottom - pad, place_of(data.low[i], high, low, rows)));
      extent_of(&images, SLOT * i + SLOT / 2 + 1, &top, &bottom);
      assert_true(is_in_row(top - pad, place_of(fmax(data.open[i], data.close[i]), high, low, rows)));
      assert_true(is_in_row(bottom - pad, place_of(fmin(data.open[i], data.close[i]), high, low, rows)));
    }
    t->cases++;
    guarded_close(&images);
    columns_close(&data);
  }
  tlw_engine_close(&engine);
}

/* ---- refusals ---- */

enum { ROWS = 3000, SERIES = 5, WIDTH = 170, HEIGHT = 130 };
static const int64_t offsets[SERIES + 1] = {100, 900, 900, 960, 2500, 2990};

/* The columns as others may have them. */
typedef enum form { FORM_DOUBLES, FORM_RECORDS, FORM_FLOATS, FORMS } form;

typedef struct record {
  float before;
  double open, high, low, close, volume;
  float after;
} record;

/* A copy in the form, to be freed. */
static void *copy_as(form how, const columns *data, tlw_candles *candles) {
  columns_view(data, candles);
  if (how == FORM_DOUBLES) return NULL;
  record *records = calloc(ROWS, sizeof *records);
  assert_non_null(records);
  float *floats = (float *)records;
  const double *const all[5] = {data->open, data->high, data->low, data->close, data->volume};
  for (size_t i = 0; i < ROWS; i++) {
    records[i] = (record){0, all[0][i], all[1][i], all[2][i], all[3][i], all[4][i], 0};
    if (how == FORM_FLOATS)
      for (size_t k = 0; k < 5; k++) floats[5 * i + k] = (float)all[k][i];
  }
  candles->type = how == FORM_FLOATS ? TLW_TYPE_F32 : TLW_TYPE_F64;
  candles->stride = how == FORM_FLOATS ? 5 * sizeof(float) : sizeof(record);
  candles->open = how == FORM_FLOATS ? (void *)floats : &records->open;
  candles->high = how == FORM_FLOATS ? (void *)(floats + 1) : &records->high;
  candles->low = how == FORM_FLOATS ? (void *)(floats + 2) : &records->low;
  candles->close = how == FORM_FLOATS ? (void *)(floats + 3) : &records->close;
  candles->volume = how == FORM_FLOATS ? (void *)(floats + 4) : &records->volume;
  return records;
}

/* A batch with one or two rows that are refused, at random places; the first of them, or -1 if no series has it. */
static int64_t open_refused(columns *data, rng *r) {
  open_candles(data, ROWS, rng_next(r));
  lift_prices(data, 0, ROWS, 0x1p-100); /* no float becomes zero */
  for (int i = 0; i < 20; i++) spoil_gap(data, (int64_t)rng_below(r, ROWS), r);
  int64_t first = -1;
  for (int i = 0; i < 2; i++) {
    const int64_t row = (int64_t)rng_below(r, ROWS);
    spoil(data, row, r);
    if (row >= offsets[0] && row < offsets[SERIES] && (first < 0 || row < first)) first = row;
  }
  return first;
}

static void assert_refused(tlw_status status, const tlw_error *error, int64_t row) {
  char text[32];
  snprintf(text, sizeof text, "row %lld:", (long long)row);
  assert_int_equal(status, TLW_ERR_DATA);
  assert_int_equal(error->code, TLW_ERR_DATA);
  assert_int_equal(error->row, row);
  assert_int_equal(error->column, -1);
  assert_memory_equal(error->message, text, strlen(text));
  assert_non_null(strstr(error->message, "use the linear scale"));
}

static void test_refused_rows(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, &no_limits);
  for (uint64_t seed = 1; seed <= 60; seed++) {
    rng r = {seed};
    columns data;
    const int64_t row = open_refused(&data, &r);
    tlw_candles candles;
    void *copy = copy_as((form)(seed % FORMS), &data, &candles);
    candles.offsets = offsets;
    candles.n_series = SERIES;
    tlw_chart_options options;
    options_of(&options, WIDTH, HEIGHT);
    options.axis = (tlw_axis)rng_below(&r, 2);
    guarded images;
    guarded_open(&images, &(guarded_shape){WIDTH, HEIGHT, SERIES, 3, 5, 16, 16}, seed);
    tlw_error error;
    const tlw_status checked = tlw_chart_check(&candles, &options, &error);
    if (row < 0)
      assert_int_equal(checked, TLW_OK);
    else
      assert_refused(checked, &error, row);
    const tlw_status drawn = tlw_chart_render(engine, &candles, &options, &images.raster, &error);
    if (row < 0)
      assert_int_equal(drawn, TLW_OK);
    else
      assert_refused(drawn, &error, row);
    assert_true(guarded_intact(&images));

    options.scale = TLW_SCALE_LINEAR;
    assert_int_equal(tlw_chart_check(&candles, &options, NULL), TLW_OK);
    assert_int_equal(tlw_chart_render(engine, &candles, &options, &images.raster, NULL), TLW_OK);
    t->cases++;
    guarded_close(&images);
    free(copy);
    columns_close(&data);
  }
  tlw_engine_close(&engine);
}

/* A series that is merged on the host before it is drawn. */
static void test_refused_where_rows_do_not_fit(void **state) {
  target *t = *state;
  enum { LONG = 400000 };
  columns data;
  open_candles(&data, LONG, 5);
  tlw_candles candles;
  columns_view(&data, &candles);
  tlw_chart_options options;
  options_of(&options, WIDTH, HEIGHT);
  guarded images;
  guarded_open(&images, &(guarded_shape){WIDTH, HEIGHT, 1, 0, 0, 16, 16}, 1);
  /* A column that is not contiguous needs a copy; 18 MB of them are more than the budget. */
  double *records = calloc((size_t)LONG * 5, sizeof *records);
  assert_non_null(records);
  const double *const all[5] = {data.open, data.high, data.low, data.close, data.volume};
  for (size_t i = 0; i < LONG; i++)
    for (size_t k = 0; k < 5; k++) records[5 * i + k] = all[k][i];
  candles.open = records;
  candles.high = records + 1;
  candles.low = records + 2;
  candles.close = records + 3;
  candles.volume = records + 4;
  candles.stride = 5 * sizeof(double);
  target_limits limits = no_limits;
  limits.host_budget = UINT64_C(6) << 20;
  limits.threads = 1;
  tlw_engine *engine = engine_of(t, &limits);
  tlw_error error;
  if (tlw_chart_render(engine, &candles, &options, &images.raster, &error) != TLW_OK) fail_msg("%s", error.message);
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  assert_int_equal(stats.reduced, LONG);
  uint8_t *expected = malloc(WIDTH * HEIGHT);
  assert_non_null(expected);
  oracle_render(&candles, 0, &options, expected);
  difference where;
  assert_true(guarded_equal(&images, 0, expected, &where));

  const int64_t rows[] = {0, 1, 255, 256, 123456, LONG - 1};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double before[5];
    memcpy(before, records + 5 * rows[i], sizeof before);
    for (int k = 0; k < 4; k++) records[5 * rows[i] + k] = k == 2 ? -1.0 : 1.0;
    assert_refused(tlw_chart_render(engine, &candles, &options, &images.raster, &error), &error, rows[i]);
    assert_true(guarded_intact(&images));
    memcpy(records + 5 * rows[i], before, sizeof before);
    t->cases++;
  }
  assert_int_equal(tlw_chart_render(engine, &candles, &options, &images.raster, &error), TLW_OK);
  assert_true(guarded_equal(&images, 0, expected, &where));
  free(expected);
  free(records);
  tlw_engine_close(&engine);
  guarded_close(&images);
  columns_close(&data);
}

/* ---- streams ---- */

/* What came out of a stream. */
typedef struct catch {
  int64_t charts;
  int released;
  uint8_t newest[WIDTH * HEIGHT];
}
catch;

static tlw_status take(void *user, const tlw_piece *piece, tlw_error *error) {
  catch *into = user;
  if (piece->chart != into->charts || piece->width != WIDTH || piece->height != HEIGHT) {
    error->message[0] = '?';
    error->message[1] = '\0';
    return TLW_ERR_INTERNAL;
  }
  for (int32_t y = 0; y < piece->rows; y++)
    memcpy(into->newest + (piece->y + y) * WIDTH, piece->data + (size_t)y * piece->row_stride, WIDTH);
  into->charts += piece->last;
  return TLW_OK;
}

static void count_release(void *user) { ((catch *)user)->released++; }

static tlw_stream *stream_of(tlw_engine *engine, catch *into) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.sink = take;
  options.sink_user = into;
  tlw_stream *stream = NULL;
  tlw_error error;
  if (tlw_stream_open(&stream, &engine, 1, &options, &error) != TLW_OK) fail_msg("%s", error.message);
  return stream;
}

/* Every chart before the one that is refused is delivered, and none after it. */
static void test_refused_in_a_stream(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, &no_limits);
  for (int64_t series = 0; series < SERIES; series++) {
    if (offsets[series] == offsets[series + 1]) continue;
    rng r = {(uint64_t)series};
    columns data;
    open_candles(&data, ROWS, 7);
    const int64_t row = offsets[series] + 3;
    spoil_gap(&data, row - 1, &r);
    spoil(&data, row, &r);
    spoil(&data, offsets[SERIES] - 1, &r);
    tlw_candles candles;
    columns_view(&data, &candles);
    candles.offsets = offsets;
    candles.n_series = SERIES;
    tlw_chart_options options;
    options_of(&options, WIDTH, HEIGHT);
    catch into = {0};
    tlw_stream *stream = stream_of(engine, &into);
    tlw_error error;
    assert_int_equal(tlw_stream_push(stream, &candles, &options, count_release, &into, &error), TLW_OK);
    assert_refused(tlw_stream_finish(stream, &error), &error, row);
    assert_int_equal(into.charts, series);
    assert_refused(tlw_stream_push(stream, &candles, &options, NULL, &into, &error), &error, row);
    tlw_stream_close(&stream);
    assert_int_equal(into.released, 1);
    t->cases++;
    columns_close(&data);
  }
  tlw_engine_close(&engine);
}

/* Rows from..to - 1. */
static tlw_candles part_of(const columns *data, int64_t from, int64_t to) {
  tlw_candles part;
  columns_view(data, &part);
  part.open = data->open + from;
  part.high = data->high + from;
  part.low = data->low + from;
  part.close = data->close + from;
  part.volume = data->volume + from;
  part.time = data->time + from;
  part.n_rows = to - from;
  return part;
}

/* In chunks: the call that brings the row is refused, and so is every call after it. */
static void test_refused_in_chunks(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, &no_limits);
  const int64_t rows[] = {-1, 0, 1, 499, 500, 501, 1234, ROWS - 1};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rng r = {i};
    columns data;
    open_candles(&data, ROWS, 9);
    if (rows[i] >= 0) spoil(&data, rows[i], &r);
    spoil_gap(&data, 2, &r);
    tlw_chart_options options;
    options_of(&options, WIDTH, HEIGHT);
    catch into = {0};
    tlw_stream *stream = stream_of(engine, &into);
    tlw_error error;
    assert_int_equal(tlw_stream_series(stream, ROWS, NULL, &options, NULL, &error), TLW_OK);
    for (int64_t from = 0; from < ROWS; from += 500) {
      const tlw_candles part = part_of(&data, from, from + 500);
      const tlw_status status = tlw_stream_rows(stream, &part, &error);
      if (rows[i] < 0 || rows[i] >= from + 500)
        assert_int_equal(status, TLW_OK);
      else
        assert_refused(status, &error, rows[i]);
    }
    if (rows[i] >= 0) {
      assert_refused(tlw_stream_finish(stream, &error), &error, rows[i]);
      assert_int_equal(into.charts, 0);
    } else {
      static uint8_t expected[WIDTH * HEIGHT];
      assert_int_equal(tlw_stream_finish(stream, &error), TLW_OK);
      assert_int_equal(into.charts, 1);
      tlw_candles whole;
      columns_view(&data, &whole);
      oracle_render(&whole, 0, &options, expected);
      assert_memory_equal(into.newest, expected, sizeof expected);
    }
    tlw_stream_close(&stream);
    t->cases++;
    columns_close(&data);
  }
  tlw_engine_close(&engine);
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_rows, t),
      cmocka_unit_test_prestate(test_refused_rows, t),
      cmocka_unit_test_prestate(test_refused_where_rows_do_not_fit, t),
      cmocka_unit_test_prestate(test_refused_in_a_stream, t),
      cmocka_unit_test_prestate(test_refused_in_chunks, t),
  };
  return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}

int main(int argc, char **argv) {
  target_list list;
  int failed = 0;
  bool found = targets_find(&list, argc, argv);
  for (size_t i = 0; found && i < list.count; i++) failed += run_target(&list.targets[i]);
  bool ran = found && targets_report(&list);
  targets_close();
  return found && ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
