/*
 * Charts that become PNG files as they are drawn: byte for byte the files that tlw_png_encode makes of rendered charts,
 * on every tier, by any number of threads, within budgets; without memory for rasters, and with none left behind.
 *
 *   TALLOW_TEST_CASES=N             at most so many random cases
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "series.h"
#include "tallow/tallow.h"

#define CASES 60
#define FIRST_SEED 20260101
#define MOST_CHARTS 101
#define RANDOM_CHARTS 24
#define MOST_LINES 3
#define MOST_TIERS 4
#define CHANGES_OF_LAYOUT 3

/* Tiers of this CPU, by the names that TALLOW_CPU_TIER takes. */
static const char *tiers[MOST_TIERS];
static size_t n_tiers;

static int find_tiers(void **state) {
  static const char *const names[] = {"baseline", "avx2", "avx512"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    tlw_engine *engine;
    tlw_engine_options options;
    tlw_engine_options_init(&options);
    options.backend = TLW_BACKEND_CPU;
    setenv("TALLOW_CPU_TIER", names[i], 1);
    if (tlw_engine_open(&engine, &options, NULL) == TLW_OK) tiers[n_tiers++] = names[i];
    tlw_engine_close(&engine);
  }
  unsetenv("TALLOW_CPU_TIER");
  return n_tiers > 0 ? 0 : 1;
}

static void check(tlw_status status, const tlw_error *error) {
  if (status != TLW_OK) fail_msg("%s: %s", tlw_status_name(status), error->message);
}

static tlw_engine *open_engine(uint32_t threads, uint64_t budget) {
  tlw_engine *engine;
  tlw_engine_options options;
  tlw_error error;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = threads;
  if (budget > 0) options.host_budget = budget;
  check(tlw_engine_open(&engine, &options, &error), &error);
  return engine;
}

/* ---- charts ---- */

/* Series of one look, and the files that they must give. */
typedef struct batch {
  columns data;
  double *lines[MOST_LINES];
  const void *line_columns[MOST_LINES];
  int64_t offsets[MOST_CHARTS + 1];
  int64_t n_series;
  tlw_chart_options options;
  uint8_t *files[MOST_CHARTS];
  size_t sizes[MOST_CHARTS];
} batch;

static tlw_candles view(const batch *b) {
  tlw_candles candles;
  columns_view(&b->data, &candles);
  candles.offsets = b->offsets;
  candles.n_series = b->n_series;
  if (b->options.n_lines > 0) {
    candles.lines = b->line_columns;
    candles.n_lines = b->options.n_lines;
  }
  return candles;
}

static void random_options(tlw_chart_options *o, int32_t width, int32_t height, rng *r) {
  tlw_chart_options_init(o);
  o->width = width;
  o->height = height;
  o->theme = (tlw_theme)rng_below(r, 4);
  o->axis = (tlw_axis)rng_below(r, 2);
  o->volume = rng_below(r, 4) > 0;
  o->grid = rng_below(r, 4) > 0;
  o->labels = rng_below(r, 4) > 0;
  o->last_price = rng_below(r, 2) > 0;
  o->title = rng_below(r, 2) > 0 ? "A title of some length" : NULL;
  o->n_lines = rng_below(r, 3) == 0 ? 1 + (int32_t)rng_below(r, MOST_LINES) : 0;
}

/* Lines that follow the closes, with gaps. */
static void fill_lines(batch *b, rng *r) {
  for (int32_t k = 0; k < b->options.n_lines; k++) {
    b->lines[k] = malloc((size_t)(b->data.n_rows + 1) * sizeof **b->lines);
    assert_non_null(b->lines[k]);
    b->line_columns[k] = b->lines[k];
    for (int64_t i = 0; i < b->data.n_rows; i++)
      b->lines[k][i] = rng_below(r, 50) ? b->data.close[i] * (1 + 0.01 * k) : strtod("nan", NULL);
  }
}

/* What a render and tlw_png_encode make of them, by one thread. */
static void make_files(batch *b) {
  const size_t width = (size_t)b->options.width, size = width * (size_t)b->options.height;
  const size_t bound = tlw_png_bound(b->options.width, b->options.height);
  uint8_t *pixels = malloc(size), *file = malloc(bound), rgb[TLW_COLORS_MOST * 3];
  assert_non_null(pixels);
  assert_non_null(file);
  int32_t n_colors;
  tlw_error error;
  tlw_engine *engine = open_engine(1, 0);
  check(tlw_chart_palette(&b->options, rgb, &n_colors, &error), &error);
  const tlw_candles all = view(b);
  for (int64_t i = 0; i < b->n_series; i++) {
    tlw_candles one = all;
    one.offsets = b->offsets + i;
    one.n_series = 1;
    const tlw_raster raster = {pixels, size, width, size};
    const tlw_png_image image = {pixels, width, b->options.width, b->options.height, rgb, n_colors};
    memset(pixels, 0xee, size);
    check(tlw_chart_render(engine, &one, &b->options, &raster, &error), &error);
    check(tlw_png_encode(&image, NULL, file, bound, &b->sizes[i], &error), &error);
    b->files[i] = malloc(b->sizes[i]);
    assert_non_null(b->files[i]);
    memcpy(b->files[i], file, b->sizes[i]);
  }
  tlw_engine_close(&engine);
  free(pixels);
  free(file);
}

static void open_batch(batch *b, const tlw_chart_options *options, int64_t n_rows, int64_t n_series, rng *r) {
  *b = (batch){.n_series = n_series, .options = *options};
  columns_open(&b->data, n_rows);
  fill_prices(&b->data, 0, n_rows, rng_below(r, 2) ? PRICES_WALK : (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
  fill_volumes(&b->data, 0, n_rows, rng_below(r, 2) ? VOLUMES_PLAIN : (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  fill_times(&b->data, 0, n_rows, (time_kind)rng_below(r, TIME_KIND_COUNT), r);
  fill_lines(b, r);
  /* Some are empty. */
  for (int64_t i = 1; i < n_series; i++) {
    const int64_t before = b->offsets[i - 1];
    b->offsets[i] = rng_below(r, 8) ? before + (n_rows - before) / (n_series - i + 1) : before;
  }
  b->offsets[n_series] = n_rows;
  make_files(b);
}

static void close_batch(batch *b) {
  for (int64_t i = 0; i < b->n_series; i++) free(b->files[i]);
  for (int32_t k = 0; k < b->options.n_lines; k++) free(b->lines[k]);
  columns_close(&b->data);
}

/* ---- streams ---- */

/* What a stream must deliver. */
typedef struct expected {
  const batch *batches;
  int64_t n, at;    /* charts in all, delivered */
  int64_t in_parts; /* charts that came in several pieces */
  size_t got;       /* bytes of the chart that is in several */
  int64_t before;   /* charts of the stream before these */
} expected;

static const batch *batch_of(const expected *e, int64_t *chart) {
  const batch *b = e->batches;
  for (; *chart >= b->n_series; b++) *chart -= b->n_series;
  return b;
}

static tlw_status look(void *user, const tlw_piece *piece, tlw_error *error) {
  expected *e = user;
  (void)error;
  int64_t chart = e->at;
  const batch *b = batch_of(e, &chart);
  if (piece->chart != e->before + e->at || piece->first != (e->got == 0) || piece->size > b->sizes[chart] - e->got)
    return TLW_ERR_INTERNAL;
  if (memcmp(piece->data, b->files[chart] + e->got, piece->size) != 0) return TLW_ERR_INTERNAL;
  if (piece->first && !piece->last) e->in_parts++;
  e->got += piece->size;
  if (!piece->last) return TLW_OK;
  if (e->got != b->sizes[chart]) return TLW_ERR_INTERNAL;
  e->got = 0;
  e->at++;
  return TLW_OK;
}

static tlw_status stream_of(tlw_engine *engine, expected *e, uint32_t slots, uint32_t encoders, tlw_error *error) {
  tlw_stream *stream;
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  options.slots = slots;
  options.encoders = encoders;
  options.sink = look;
  options.sink_user = e;
  e->at = e->in_parts = 0;
  e->got = 0;
  tlw_status status = tlw_stream_open(&stream, &engine, 1, &options, error);
  if (status != TLW_OK) return status;
  for (int64_t left = e->n, i = 0; left > 0 && status == TLW_OK; left -= e->batches[i++].n_series) {
    const tlw_candles candles = view(&e->batches[i]);
    status = tlw_stream_push(stream, &candles, &e->batches[i].options, NULL, NULL, error);
  }
  if (status == TLW_OK) status = tlw_stream_finish(stream, error);
  tlw_stream_close(&stream);
  return status;
}

static void expect(tlw_engine *engine, expected *e, uint32_t slots, uint32_t encoders) {
  tlw_error error;
  check(stream_of(engine, e, slots, encoders, &error), &error);
  assert_int_equal(e->at, e->n);
}

/* ---- tests ---- */

static int64_t random_rows(rng *r) {
  static const uint64_t most[] = {1, 40, 3000, 100001};
  return (int64_t)rng_below(r, most[rng_below(r, 4)]);
}

static void run_random(uint64_t seed) {
  static const uint32_t threads[] = {1, 2, 5};
  rng r = {seed};
  batch batches[CHANGES_OF_LAYOUT];
  expected e = {.batches = batches};
  for (int i = 0; i < CHANGES_OF_LAYOUT; i++) {
    const bool large = rng_below(&r, 6) == 0;
    const int32_t most = large ? 1100 : 300;
    tlw_chart_options options;
    random_options(&options, rng_between(&r, TLW_CHART_MIN_SIDE, most), rng_between(&r, TLW_CHART_MIN_SIDE, most), &r);
    open_batch(&batches[i], &options, random_rows(&r), 1 + (int64_t)rng_below(&r, large ? 4 : RANDOM_CHARTS), &r);
    e.n += batches[i].n_series;
  }
  setenv("TALLOW_CPU_TIER", tiers[rng_below(&r, n_tiers)], 1);
  tlw_engine *engine = open_engine(threads[rng_below(&r, 3)], 0);
  const uint32_t slots = 2 + (uint32_t)rng_below(&r, 3), encoders = 1 + (uint32_t)rng_below(&r, 4);
  expect(engine, &e, slots, encoders);
  expect(engine, &e, slots, encoders);
  tlw_engine_close(&engine);
  /* Within less and less memory, down to bands and refusals. */
  for (uint64_t budget = UINT64_C(16) << 20;; budget -= budget / 4) {
    tlw_engine_options options;
    tlw_engine_options_init(&options);
    options.backend = TLW_BACKEND_CPU;
    options.threads = threads[rng_below(&r, 3)];
    options.host_budget = budget;
    tlw_error error;
    tlw_status status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) status = stream_of(engine, &e, slots, encoders, &error);
    tlw_engine_close(&engine);
    if (status == TLW_ERR_BUDGET) break;
    check(status, &error);
    assert_int_equal(e.at, e.n);
  }
  unsetenv("TALLOW_CPU_TIER");
  for (int i = 0; i < CHANGES_OF_LAYOUT; i++) close_batch(&batches[i]);
}

static void test_random(void **state) {
  (void)state;
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  for (uint64_t i = 0; i < (n < CASES ? n : CASES); i++) {
    const uint64_t seed = environment_number("TALLOW_TEST_SEED", FIRST_SEED) + i;
    print_message("seed %llu\n", (unsigned long long)seed);
    run_random(seed);
  }
}

/* Files are whole where rasters beside them would have no room, of which a stream wants two of twice the size. */
static void test_no_raster(void **state) {
  (void)state;
  rng r = {FIRST_SEED};
  batch b;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = 1920;
  options.height = 1080;
  open_batch(&b, &options, 3000, 3, &r);
  expected e = {.batches = &b, .n = b.n_series};
  tlw_engine *engine = open_engine(1, UINT64_C(3) * 1920 * 1080);
  expect(engine, &e, 2, 1);
  assert_int_equal(e.in_parts, 0);
  tlw_engine_close(&engine);
  engine = open_engine(1, UINT64_C(3) << 20);
  expect(engine, &e, 2, 1);
  assert_int_equal(e.in_parts, b.n_series);
  tlw_engine_close(&engine);
  close_batch(&b);
}

/* Pieces that were drawn, and of how many the threads could not take as many charts each. */
static int64_t count_pieces(const tlw_engine *engine, uint32_t threads, int64_t *uneven) {
  tlw_record *records = malloc(TLW_RECORDS * sizeof *records);
  assert_non_null(records);
  size_t n;
  int64_t pieces = 0;
  *uneven = 0;
  assert_int_equal(tlw_engine_records(engine, records, TLW_RECORDS, &n, NULL), TLW_OK);
  for (size_t i = 0; i < n; i++) {
    if (records[i].operation != TLW_OP_DRAW) continue;
    pieces++;
    *uneven += records[i].items % threads != 0;
  }
  free(records);
  return pieces;
}

static tlw_stream *open_stream(tlw_engine *engine, tlw_sink_fn sink, void *user) {
  tlw_stream *stream;
  tlw_stream_options options;
  tlw_error error;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  options.sink = sink;
  options.sink_user = user;
  check(tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
  return stream;
}

/* Threads meet at the end of a piece, so that there are few of these, all of which but the last have work for all. */
static void test_pieces(void **state) {
  static const uint32_t threads[] = {1, 2, 3};
  (void)state;
  rng r = {FIRST_SEED + 2};
  batch b;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = 300;
  options.height = 200;
  open_batch(&b, &options, 5000, MOST_CHARTS, &r);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    tlw_engine *engine = open_engine(threads[i], 0);
    expected e = {.batches = &b};
    tlw_stream *stream = open_stream(engine, look, &e);
    tlw_error error;
    /* What a lane draws first tells it what it can do. */
    tlw_candles candles = view(&b);
    candles.n_series = 1;
    check(tlw_stream_push(stream, &candles, &b.options, NULL, NULL, &error), &error);
    check(tlw_stream_finish(stream, &error), &error);
    assert_int_equal(e.at, 1);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_STATS, NULL), TLW_OK);
    candles.n_series = b.n_series;
    e.at = 0;
    e.before = 1;
    check(tlw_stream_push(stream, &candles, &b.options, NULL, NULL, &error), &error);
    check(tlw_stream_finish(stream, &error), &error);
    assert_int_equal(e.at, b.n_series);
    int64_t uneven;
    assert_in_range(count_pieces(engine, threads[i], &uneven), 1, 1 + b.n_series / (12 * threads[i]));
    assert_in_range(uneven, 0, 1);
    tlw_stream_close(&stream);
    tlw_engine_close(&engine);
  }
  close_batch(&b);
}

enum how { SLOWLY, BY_FAILURE, BY_CANCEL };

/* A sink that looks at what comes, and at one chart does something about it. */
struct ending {
  expected e;
  enum how how;
  int64_t last;
  tlw_stream *stream;
};

static tlw_status look_and_end(void *user, const tlw_piece *piece, tlw_error *error) {
  struct ending *ending = user;
  const tlw_status status = look(&ending->e, piece, error);
  if (ending->how == SLOWLY) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
  if (status != TLW_OK || ending->e.at != ending->last) return status;
  if (ending->how == BY_CANCEL) tlw_stream_cancel(ending->stream);
  return ending->how == BY_FAILURE ? TLW_ERR_IO : TLW_OK;
}

/* However slow the sink is and where it ends the stream: all before that chart in order, and none behind it. */
static void test_ends(void **state) {
  static const tlw_status due[] = {TLW_OK, TLW_ERR_IO, TLW_ERR_CANCELLED};
  (void)state;
  rng r = {FIRST_SEED + 3};
  batch b;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = 320;
  options.height = 180;
  open_batch(&b, &options, 4000, MOST_CHARTS, &r);
  for (int i = 0; i < 36; i++) {
    tlw_engine *engine = open_engine(1 + (uint32_t)rng_below(&r, 4), 0);
    struct ending ending = {
        .e = {.batches = &b}, .how = (enum how)(i % 3), .last = 1 + (int64_t)rng_below(&r, MOST_CHARTS)};
    ending.stream = open_stream(engine, look_and_end, &ending);
    const tlw_candles candles = view(&b);
    tlw_status status = tlw_stream_push(ending.stream, &candles, &b.options, NULL, NULL, NULL);
    if (status == TLW_OK) status = tlw_stream_finish(ending.stream, NULL);
    assert_int_equal(status, due[ending.how]);
    assert_int_equal(ending.e.at, ending.how == SLOWLY ? b.n_series : ending.last);
    tlw_stream_close(&ending.stream);
    tlw_engine_close(&engine);
  }
  close_batch(&b);
}

static uint64_t in_use(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats.host_bytes.current;
}

static tlw_status count(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  *(int64_t *)user += piece->last;
  return TLW_OK;
}

/* A thousand windows of one series by eight workers; nothing is left of them but what the engine keeps for the next. */
static void test_nothing_left(void **state) {
  (void)state;
  enum { WINDOWS = 1000, ROWS = 60 };
  rng r = {FIRST_SEED + 1};
  columns data;
  int64_t offsets[WINDOWS], counts[WINDOWS];
  columns_open(&data, WINDOWS + ROWS);
  fill_prices(&data, 0, data.n_rows, PRICES_WALK, &r);
  fill_volumes(&data, 0, data.n_rows, VOLUMES_PLAIN, &r);
  for (int i = 0; i < WINDOWS; i++) {
    offsets[i] = i;
    counts[i] = ROWS;
  }
  tlw_engine *engine = open_engine(8, 0);
  const uint64_t idle = in_use(engine);
  uint64_t kept = 0;
  for (int round = 0; round < 3; round++) {
    tlw_candles candles;
    columns_view(&data, &candles);
    candles.offsets = offsets;
    candles.counts = counts;
    candles.n_series = WINDOWS;
    tlw_chart_options chart;
    tlw_chart_options_init(&chart);
    chart.width = 320;
    chart.height = 200;
    tlw_stream *stream;
    tlw_stream_options options;
    tlw_error error;
    int64_t delivered = 0;
    tlw_stream_options_init(&options);
    options.format = TLW_STREAM_PNG;
    options.sink = count;
    options.sink_user = &delivered;
    check(tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
    check(tlw_stream_push(stream, &candles, &chart, NULL, NULL, &error), &error);
    check(tlw_stream_finish(stream, &error), &error);
    tlw_stream_close(&stream);
    assert_int_equal(delivered, WINDOWS);
    if (round == 0) kept = in_use(engine);
    assert_int_equal(in_use(engine), kept);
  }
  assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
  assert_int_equal(in_use(engine), idle);
  tlw_engine_close(&engine);
  columns_close(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random), cmocka_unit_test(test_no_raster),    cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_ends),   cmocka_unit_test(test_nothing_left),
  };
  return cmocka_run_group_tests(tests, find_tiers, NULL);
}
