/*
 * Telemetry: totals by operation are what was done, stages are the sums of the spans that a trace receives, and spans
 * of a track follow each other within the calls that they are part of; beside slow traces, readers and resets. And
 * operations leave the floating-point environment of who calls them as it is.
 *
 *   test_telemetry [TARGET...]      cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             at most so many random cases
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fenv.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stream_kit.h"
#include "tallow/bars.h"
#include "tallow/images.h"
#include "tallow/telemetry.h"
#include "tallow/window.h"

#define FIRST_SEED 20251101
#define MOST_TRACKS 64
#define FLOATS (150 * 90 * 3)

/* ---- a trace ---- */

/* What a trace has seen of an engine. */
struct watch {
  pthread_mutex_t lock;
  uint64_t stages[TLW_OPERATION_COUNT][TLW_STAGES]; /* nanoseconds */
  int64_t items[TLW_OPERATION_COUNT][TLW_STAGES];
  uint64_t bytes[TLW_OPERATION_COUNT][TLW_STAGES];
  uint64_t spans;
  struct {
    uint32_t track;
    int64_t begin, end; /* of all its spans */
  } tracks[MOST_TRACKS];
  int n_tracks;
  long nap;          /* nanoseconds that the trace takes now and then */
  char trouble[200]; /* the first thing that was wrong */
};

static void watch_open(struct watch *w) {
  memset(w, 0, sizeof *w);
  pthread_mutex_init(&w->lock, NULL);
}

static void watch_close(struct watch *w) {
  pthread_mutex_destroy(&w->lock);
  if (w->trouble[0] != '\0') fail_msg("%s", w->trouble);
}

static bool is_known(uint32_t track) {
  return track <= TLW_TRACK_DOWNLOAD || track % TLW_TRACK_STREAM == TLW_TRACK_ROWS ||
         (track % TLW_TRACK_STREAM >= TLW_TRACK_ENCODER(0) &&
          track % TLW_TRACK_STREAM < TLW_TRACK_ENCODER(TLW_THREADS_MAX));
}

static bool is_encoder(uint32_t track) { return track % TLW_TRACK_STREAM >= TLW_TRACK_ENCODER(0); }

/* Whether who is on the track does such a stage. */
static bool suits(const tlw_span *s) {
  const bool encodes = s->stage == TLW_STAGE_ENCODE || s->stage == TLW_STAGE_DELIVER;
  if (s->track == TLW_TRACK_UPLOAD) return s->stage == TLW_STAGE_UPLOAD;
  if (s->track == TLW_TRACK_COMPUTE) return s->stage == TLW_STAGE_COMPUTE;
  if (s->track == TLW_TRACK_DOWNLOAD) return s->stage == TLW_STAGE_DOWNLOAD;
  if (is_encoder(s->track)) return s->operation == TLW_OP_STREAM && encodes;
  if (s->track != TLW_TRACK_HOST) return s->operation == TLW_OP_STREAM && s->stage == TLW_STAGE_PREPARE;
  return s->stage == TLW_STAGE_PREPARE || s->stage == TLW_STAGE_COMPUTE ||
         (s->operation == TLW_OP_RENDER && s->stage == TLW_STAGE_DELIVER) ||
         (s->operation == TLW_OP_IMAGES && s->stage == TLW_STAGE_DELIVER) ||
         (s->operation == TLW_OP_BARS && s->stage == TLW_STAGE_DELIVER);
}

static int find_track(struct watch *w, uint32_t track) {
  int i = 0;
  while (i < w->n_tracks && w->tracks[i].track != track) i++;
  if (i < w->n_tracks || i == MOST_TRACKS) return i;
  w->n_tracks++;
  w->tracks[i].track = track;
  w->tracks[i].begin = INT64_MAX;
  return i;
}

static const char *place(struct watch *w, const tlw_span *s) {
  if (s->operation < 0 || s->operation >= TLW_OPERATION_COUNT) return "no operation";
  if (s->stage < 0 || s->stage >= TLW_STAGES) return "no stage";
  if (!is_known(s->track)) return "no track";
  if (!suits(s)) return "a stage of another track";
  if (s->begin < 0 || s->duration > INT64_MAX || s->items < 0 || s->reserved != 0) return "no span";
  const int i = find_track(w, s->track);
  if (i == MOST_TRACKS) return "one track too many";
  if (s->begin < w->tracks[i].end) return "it begins before the one in front of it has ended";
  if (s->begin < w->tracks[i].begin) w->tracks[i].begin = s->begin;
  w->tracks[i].end = s->begin + (int64_t)s->duration;
  w->stages[s->operation][s->stage] += s->duration;
  w->items[s->operation][s->stage] += s->items;
  w->bytes[s->operation][s->stage] += s->bytes;
  return NULL;
}

static void see(void *user, const tlw_span *span) {
  struct watch *w = user;
  pthread_mutex_lock(&w->lock);
  const char *trouble = place(w, span);
  const bool naps = w->nap > 0 && w->spans++ % 8 == 0;
  if (trouble != NULL && w->trouble[0] == '\0')
    snprintf(w->trouble, sizeof w->trouble, "%s: operation %d, stage %d, track %u, %lld and %llu ns", trouble,
             (int)span->operation, (int)span->stage, span->track, (long long)span->begin,
             (unsigned long long)span->duration);
  pthread_mutex_unlock(&w->lock);
  if (naps) nanosleep(&(struct timespec){.tv_nsec = w->nap}, NULL);
}

/* ---- engines ---- */

static tlw_engine *open_engine(const target *t, uint32_t threads, uint64_t host_budget, struct watch *w) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = t->backend;
  options.threads = threads;
  options.host_budget = host_budget;
  if (w != NULL) {
    options.trace = see;
    options.trace_user = w;
  }
  tlw_engine *engine = NULL;
  tlw_error error;
  kit_ok(tlw_engine_open(&engine, &options, &error), &error);
  return engine;
}

static tlw_engine *watched(const target *t, uint32_t threads, struct watch *w) {
  return open_engine(t, threads, TLW_BUDGET_AUTO, w);
}

static tlw_operation_totals totals_of(const tlw_engine *engine, tlw_operation operation) {
  tlw_operation_totals totals = {.struct_size = sizeof totals};
  assert_int_equal(tlw_engine_operation(engine, operation, &totals, NULL), TLW_OK);
  return totals;
}

static void check_totals(const tlw_engine *engine, tlw_operation operation, uint64_t calls, uint64_t failures,
                         uint64_t items, uint64_t bytes) {
  const tlw_operation_totals totals = totals_of(engine, operation);
  assert_int_equal(totals.calls, calls);
  assert_int_equal(totals.failures, failures);
  assert_int_equal(totals.items, items);
  assert_int_equal(totals.bytes, bytes);
}

/* Where nothing runs: what totals, statistics and records say of each other, and of the spans. */
static void check_sums(const tlw_engine *engine, const struct watch *w) {
  uint64_t calls = 0, failures = 0;
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    const tlw_operation_totals totals = totals_of(engine, (tlw_operation)i);
    calls += totals.calls;
    failures += totals.failures;
    for (int j = 0; w != NULL && j < TLW_STAGES; j++)
      if (totals.stage[j] != w->stages[i][j])
        fail_msg("%s, %s: %llu ns, and %llu of spans", tlw_operation_name((tlw_operation)i),
                 tlw_stage_name((tlw_stage)j), (unsigned long long)totals.stage[j],
                 (unsigned long long)w->stages[i][j]);
  }
  const tlw_stats stats = kit_stats(engine);
  assert_int_equal(calls, stats.operations);
  assert_int_equal(failures, stats.failures);
}

/* The newest record of an operation. */
static tlw_record newest(const tlw_engine *engine, tlw_operation operation) {
  static tlw_record records[TLW_RECORDS];
  size_t n = 0;
  assert_int_equal(tlw_engine_records(engine, records, TLW_RECORDS, &n, NULL), TLW_OK);
  while (n > 0 && records[n - 1].operation != (int32_t)operation) n--;
  assert_true(n > 0);
  return records[n - 1];
}

/* Whether the spans of the thread with the turn lie within a record. */
static void check_within(const struct watch *w, const tlw_record *record) {
  int i = 0;
  while (i < w->n_tracks && w->tracks[i].track != TLW_TRACK_HOST) i++;
  assert_true(i < w->n_tracks);
  assert_true(w->tracks[i].begin >= record->time - (int64_t)record->duration);
  assert_true(w->tracks[i].end <= record->time);
}

/* ---- operations ---- */

/* Around a call: it leaves rounding and exceptions as they are. */
static int clear_exceptions(void) {
  feclearexcept(FE_ALL_EXCEPT);
  return fegetround();
}

static void check_environment(int rounding) {
  const int raised = fetestexcept(FE_ALL_EXCEPT), is = fegetround();
  assert_int_equal(raised, 0);
  assert_int_equal(is, rounding);
}

static void render(tlw_engine *engine, const kit_batch *b, tlw_status expected) {
  const size_t image = (size_t)b->options.width * (size_t)b->options.height, size = image * (size_t)b->n_series;
  uint8_t *pixels = malloc(size);
  assert_non_null(pixels);
  const tlw_raster raster = {
      .pixels = pixels, .size = size, .row_stride = (size_t)b->options.width, .image_stride = image};
  const tlw_candles candles = kit_view(b);
  tlw_error error;
  const int rounding = clear_exceptions();
  const tlw_status status = tlw_chart_render(engine, &candles, &b->options, &raster, &error);
  check_environment(rounding);
  free(pixels);
  if (expected == TLW_OK)
    kit_ok(status, &error);
  else
    kit_failed(status, expected, &error);
}

static void test_renders(void **state) {
  target *t = *state;
  const bool on_cpu = t->backend == TLW_BACKEND_CPU;
  for (int64_t n = 1; n <= 40; n += 39) {
    struct watch w;
    watch_open(&w);
    tlw_engine *engine = watched(t, 2, &w);
    kit_plan plan;
    const kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 150, 90, 4000, n);
    render(engine, b, TLW_OK);
    check_totals(engine, TLW_OP_RENDER, 1, 0, (uint64_t)n, (uint64_t)n * 150 * 90);
    const tlw_operation_totals drawn = totals_of(engine, TLW_OP_DRAW);
    assert_int_equal(drawn.items, n);
    assert_int_equal(drawn.bytes, n * 150 * 90);
    assert_true(drawn.calls > 0 && drawn.nanoseconds > 0);
    const tlw_record record = newest(engine, TLW_OP_RENDER);
    assert_int_equal(totals_of(engine, TLW_OP_RENDER).nanoseconds, record.duration);
    check_within(&w, &record);
    check_sums(engine, &w);
    assert_int_equal(w.items[TLW_OP_RENDER][TLW_STAGE_PREPARE], n);
    assert_int_equal(w.items[TLW_OP_RENDER][on_cpu ? TLW_STAGE_COMPUTE : TLW_STAGE_DELIVER], n);
    assert_int_equal(w.bytes[TLW_OP_RENDER][on_cpu ? TLW_STAGE_COMPUTE : TLW_STAGE_DELIVER], n * 150 * 90);
    if (on_cpu) assert_true(w.stages[TLW_OP_RENDER][TLW_STAGE_COMPUTE] > 0);
    kit_plan_close(&plan);
    tlw_engine_close(&engine);
    watch_close(&w);
    t->cases++;
  }
}

/* Times that go back fail within the operation. */
static void test_failures_are_apart(void **state) {
  target *t = *state;
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 1, &w);
  kit_plan plan;
  kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 60, 50, 30, 1);
  b->options.axis = TLW_AXIS_TIME;
  for (int64_t i = 0; i < b->data.n_rows; i++) b->data.time[i] = 60 * i;
  render(engine, b, TLW_OK);
  b->data.time[20] = 0;
  for (int i = 0; i < 3; i++) render(engine, b, TLW_ERR_DATA);
  check_totals(engine, TLW_OP_RENDER, 4, 3, 1, 60 * 50);
  check_sums(engine, &w);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* n_specs outputs over rows of one series. */
static void roll(tlw_engine *engine, int64_t n_rows, int32_t n_specs) {
  enum { MOST = 9 };
  double *numbers = malloc(sizeof(double) * (size_t)n_rows), *outputs[MOST];
  tlw_window_spec specs[MOST];
  assert_true(numbers != NULL && n_specs <= MOST);
  for (int64_t i = 0; i < n_rows; i++) numbers[i] = (double)(i % 13);
  for (int32_t k = 0; k < n_specs; k++) {
    tlw_window_spec_init(&specs[k], k < MOST - 1 ? TLW_WINDOW_MEAN : TLW_WINDOW_EMA, 3 + k);
    outputs[k] = malloc(sizeof(double) * (size_t)n_rows);
    assert_non_null(outputs[k]);
  }
  const void *inputs[] = {numbers};
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = inputs;
  batch.n_columns = 1;
  batch.n_rows = n_rows;
  tlw_error error;
  const int rounding = clear_exceptions();
  const tlw_status status = tlw_window_run(engine, &batch, specs, n_specs, outputs, &error);
  check_environment(rounding);
  kit_ok(status, &error);
  assert_true(outputs[0][4] == (2.0 + 3.0 + 4.0) / 3.0);
  for (int32_t k = 0; k < n_specs; k++) free(outputs[k]);
  free(numbers);
}

static void test_windows(void **state) {
  target *t = *state;
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 2, &w);
  roll(engine, 1000, 1);
  const tlw_record record = newest(engine, TLW_OP_WINDOW);
  if (t->backend == TLW_BACKEND_CPU) {
    check_within(&w, &record);
    assert_int_equal(w.items[TLW_OP_WINDOW][TLW_STAGE_COMPUTE], 1);
    assert_int_equal(w.bytes[TLW_OP_WINDOW][TLW_STAGE_COMPUTE], 8000);
    assert_true(w.stages[TLW_OP_WINDOW][TLW_STAGE_COMPUTE] > 0);
  }
  roll(engine, 70, 4);
  roll(engine, 500, 9);
  check_totals(engine, TLW_OP_WINDOW, 3, 0, 1 + 4 + 9, 8 * (1000 + 4 * 70 + 9 * 500));
  assert_int_equal(w.items[TLW_OP_WINDOW][TLW_STAGE_PREPARE], 9);
  check_sums(engine, &w);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* JKX images of 20 bars; charts as images, which are drawn and then made into numbers. */
static void draw_images(tlw_engine *engine, const kit_batch *b, tlw_image_style style, int64_t n) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.style = style;
  options.chart = &b->options;
  tlw_image_shape shape;
  kit_ok(tlw_image_shape_of(&options, &shape, NULL), NULL);
  tlw_image_window *windows = malloc(sizeof *windows * (size_t)n);
  uint8_t *images = malloc(shape.size * (size_t)n);
  assert_true(windows != NULL && images != NULL);
  for (int64_t i = 0; i < n; i++) windows[i] = (tlw_image_window){0, 19 + i};
  const tlw_candles candles = kit_view(b);
  const tlw_operation_totals before = totals_of(engine, TLW_OP_IMAGES);
  tlw_error error;
  const int rounding = clear_exceptions();
  const tlw_status status =
      tlw_images_draw(engine, &candles, &options, windows, n, images, shape.size * (size_t)n, NULL, &error);
  check_environment(rounding);
  kit_ok(status, &error);
  check_totals(engine, TLW_OP_IMAGES, before.calls + 1, 0, before.items + (uint64_t)n,
               before.bytes + shape.size * (uint64_t)n);
  free(images);
  free(windows);
}

static void test_images(void **state) {
  target *t = *state;
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 2, &w);
  kit_plan plan;
  const kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 60, 40, 400, 1);
  draw_images(engine, b, TLW_IMAGES_JKX, 1);
  draw_images(engine, b, TLW_IMAGES_JKX, 300);
  assert_int_equal(w.items[TLW_OP_IMAGES][TLW_STAGE_PREPARE], 301);
  if (t->backend == TLW_BACKEND_CPU) {
    assert_int_equal(w.items[TLW_OP_IMAGES][TLW_STAGE_COMPUTE], 301);
    const tlw_operation_totals images = totals_of(engine, TLW_OP_IMAGES);
    assert_int_equal(w.bytes[TLW_OP_IMAGES][TLW_STAGE_COMPUTE], images.bytes);
  }
  draw_images(engine, b, TLW_IMAGES_CHART, 50);
  assert_int_equal(totals_of(engine, TLW_OP_DRAW).items, 50);
  /* Pixels, and the numbers that are made of them. */
  if (t->backend == TLW_BACKEND_CPU) assert_int_equal(w.items[TLW_OP_IMAGES][TLW_STAGE_COMPUTE], 301 + 2 * 50);
  check_sums(engine, &w);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* A sink that keeps count of its own time. */
struct taker {
  int64_t bars;
  int64_t nanoseconds;
  tlw_status status; /* what it says */
};

static int64_t clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  struct taker *taker = user;
  const int64_t begun = clock_now();
  (void)bars;
  (void)error;
  nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  if (taker->status == TLW_OK) taker->bars += n;
  taker->nanoseconds += clock_now() - begun;
  return taker->status;
}

#define MOST_CHUNKS 3

/* Trades of each chunk, for bars of so many. The time that sinks took in all. */
static int64_t push_trades(tlw_engine *engine, int64_t n_chunks, int64_t n_rows, int64_t number, tlw_status sinks) {
  int64_t *data[3], nanoseconds = 0;
  struct taker takers[MOST_CHUNKS];
  tlw_bars *bars[MOST_CHUNKS];
  tlw_trades trades[MOST_CHUNKS];
  tlw_error error;
  for (int c = 0; c < 3; c++) {
    data[c] = malloc(sizeof(int64_t) * (size_t)n_rows);
    assert_non_null(data[c]);
    for (int64_t i = 0; i < n_rows; i++) data[c][i] = c == 0 ? 1700000000000 + i : 100000000 + i % 1000;
  }
  tlw_bars_options options;
  tlw_bars_options_init(&options, TLW_BARS_TICK, number);
  for (int64_t k = 0; k < n_chunks; k++) {
    takers[k] = (struct taker){.status = sinks};
    kit_ok(tlw_bars_open(&options, take_bars, &takers[k], NULL, &bars[k], &error), &error);
    tlw_trades_init(&trades[k]);
    trades[k].n_rows = n_rows;
    trades[k].time = data[0];
    trades[k].price = data[1];
    trades[k].quantity = data[2];
  }
  const int rounding = clear_exceptions();
  const tlw_status status = tlw_bars_run(engine, bars, trades, n_chunks, NULL, &error);
  check_environment(rounding);
  assert_int_equal(status, sinks);
  for (int64_t k = 0; k < n_chunks; k++) {
    assert_int_equal(takers[k].bars, sinks == TLW_OK ? n_rows / number : 0);
    nanoseconds += takers[k].nanoseconds;
    tlw_bars_close(&bars[k]);
  }
  for (int c = 0; c < 3; c++) free(data[c]);
  return nanoseconds;
}

static void test_bars(void **state) {
  target *t = *state;
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 2, &w);
  push_trades(engine, 3, 900, 10, TLW_OK);
  const tlw_record record = newest(engine, TLW_OP_BARS);
  check_within(&w, &record);
  assert_true(w.stages[TLW_OP_BARS][TLW_STAGE_COMPUTE] > 0);
  push_trades(engine, 1, kit_for(t, 400000, 600000), 100, TLW_OK);
  check_totals(engine, TLW_OP_BARS, 2, 0, 4, 0);
  check_sums(engine, &w);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* Which are told apart, also where a device joins rows, and where each thread has a sink. */
static void check_sinks(target *t, int64_t n_chunks, int64_t n_rows, uint32_t threads, uint32_t at_once) {
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, threads, &w);
  const uint64_t taken = (uint64_t)push_trades(engine, n_chunks, n_rows, 100, TLW_OK);
  const tlw_operation_totals totals = totals_of(engine, TLW_OP_BARS);
  assert_true(totals.stage[TLW_STAGE_DELIVER] >= taken / at_once);
  assert_true(totals.stage[TLW_STAGE_COMPUTE] > 0);
  assert_true(totals.stage[TLW_STAGE_PREPARE] <= totals.nanoseconds - taken / at_once);
  if (t->backend == TLW_BACKEND_CPU)
    assert_true(totals.stage[TLW_STAGE_COMPUTE] + totals.stage[TLW_STAGE_DELIVER] <= totals.nanoseconds);
  assert_int_equal(w.bytes[TLW_OP_BARS][TLW_STAGE_DELIVER], n_chunks * (n_rows / 100) * (int64_t)sizeof(tlw_bar));
  check_sums(engine, &w);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

static void test_sinks_of_bars(void **state) {
  target *t = *state;
  check_sinks(t, 1, 20000, 1, 1);
  check_sinks(t, 3, 20000, 1, 1);
  check_sinks(t, 1, kit_for(t, 300000, 600000), 2, 1);
  check_sinks(t, 3, 20000, 2, 2);
  check_sinks(t, 2, 30000, 3, 2);
}

/* A sink that fails on its first call is no delivery, and its thread has computed nothing that was of use. */
static void test_sinks_that_fail(void **state) {
  target *t = *state;
  for (int64_t n_chunks = 1; n_chunks <= MOST_CHUNKS; n_chunks += 2) {
    struct watch w;
    watch_open(&w);
    tlw_engine *engine = watched(t, 2, &w);
    push_trades(engine, n_chunks, 20000, 100, TLW_ERR_IO);
    check_totals(engine, TLW_OP_BARS, 1, 1, 0, 0);
    assert_int_equal(w.items[TLW_OP_BARS][TLW_STAGE_COMPUTE], 0);
    assert_int_equal(w.bytes[TLW_OP_BARS][TLW_STAGE_DELIVER], 0);
    check_sums(engine, &w);
    tlw_engine_close(&engine);
    watch_close(&w);
    t->cases++;
  }
}

/* The least budget in which an engine opens has no room for the scratch of a median. */
static void test_refused_windows(void **state) {
  target *t = *state;
  enum { ROWS = 5000 };
  static double numbers[ROWS], output[ROWS];
  if (t->backend != TLW_BACKEND_CPU) return;
  for (int i = 0; i < ROWS; i++) numbers[i] = i % 17;
  struct watch w;
  watch_open(&w);
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = t->backend;
  options.threads = 1;
  options.host_budget = 1;
  options.trace = see;
  options.trace_user = &w;
  tlw_engine *engine = NULL;
  tlw_error error;
  tlw_status status;
  while ((status = tlw_engine_open(&engine, &options, &error)) == TLW_ERR_BUDGET) options.host_budget = error.bytes;
  kit_ok(status, &error);
  const void *inputs[] = {numbers};
  double *outputs[] = {output};
  tlw_window_spec spec;
  tlw_window_batch batch;
  tlw_window_spec_init(&spec, TLW_WINDOW_MEDIAN, 500);
  tlw_window_batch_init(&batch);
  batch.columns = inputs;
  batch.n_columns = 1;
  batch.n_rows = ROWS;
  kit_failed(tlw_window_run(engine, &batch, &spec, 1, outputs, &error), TLW_ERR_BUDGET, &error);
  check_totals(engine, TLW_OP_WINDOW, 1, 1, 0, 0);
  assert_int_equal(w.stages[TLW_OP_WINDOW][TLW_STAGE_COMPUTE], 0);
  assert_int_equal(w.items[TLW_OP_WINDOW][TLW_STAGE_COMPUTE], 0);
  assert_int_equal(w.bytes[TLW_OP_WINDOW][TLW_STAGE_COMPUTE], 0);
  check_sums(engine, &w);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* Of a chart, as numbers that are rounded. */
static void draw_floats(tlw_engine *engine, const kit_batch *b, float floats[]) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.style = TLW_IMAGES_CHART;
  options.type = TLW_IMAGE_F32;
  options.chart = &b->options;
  const tlw_image_window window = {0, 30};
  const tlw_candles candles = kit_view(b);
  tlw_error error;
  kit_ok(tlw_images_draw(engine, &candles, &options, &window, 1, floats, FLOATS * sizeof *floats, NULL, &error),
         &error);
}

/* In each rounding, of which results are independent; other tests see it in the usual one. */
static void test_environment_of_the_caller(void **state) {
  target *t = *state;
  static float expected[FLOATS], floats[FLOATS];
  static const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  kit_plan plan;
  const kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 150, 90, 4000, 3);
  tlw_engine *engine = watched(t, 2, NULL);
  draw_floats(engine, b, expected);
  for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++) {
    assert_int_equal(fesetround(roundings[i]), 0);
    render(engine, b, TLW_OK);
    roll(engine, 700, 9);
    draw_images(engine, b, TLW_IMAGES_JKX, 20);
    draw_images(engine, b, TLW_IMAGES_CHART, 2);
    push_trades(engine, 3, 900, 10, TLW_OK);
    draw_floats(engine, b, floats);
    fesetround(FE_TONEAREST);
    assert_memory_equal(floats, expected, sizeof floats);
  }
  tlw_engine_close(&engine);
  kit_plan_close(&plan);
  t->cases++;
}

static void test_buffers(void **state) {
  target *t = *state;
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 1, &w);
  uint8_t bytes[5000];
  memset(bytes, 7, sizeof bytes);
  tlw_buffer buffer;
  tlw_error error;
  kit_ok(tlw_buffer_alloc(engine, sizeof bytes, &buffer, &error), &error);
  for (int i = 0; i < 3; i++) kit_ok(tlw_buffer_write(engine, buffer, 0, bytes, sizeof bytes, &error), &error);
  kit_ok(tlw_buffer_read(engine, buffer, 100, bytes, 900, &error), &error);
  kit_failed(tlw_buffer_read(engine, buffer, 4999, bytes, 2, &error), TLW_ERR_ARGUMENT, &error);
  check_totals(engine, TLW_OP_BUFFER_WRITE, 3, 0, 3, 15000);
  check_totals(engine, TLW_OP_BUFFER_READ, 2, 1, 1, 900);
  const bool on_cpu = t->backend == TLW_BACKEND_CPU;
  assert_int_equal(w.bytes[TLW_OP_BUFFER_WRITE][TLW_STAGE_UPLOAD], on_cpu ? 0 : 15000);
  assert_int_equal(w.bytes[TLW_OP_BUFFER_READ][TLW_STAGE_DOWNLOAD], on_cpu ? 0 : 900);
  check_sums(engine, &w);
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* ---- resets ---- */

static void test_reset(void **state) {
  target *t = *state;
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 2, &w);
  kit_plan plan;
  const kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 80, 60, 300, 5);
  render(engine, b, TLW_OK);
  roll(engine, 300, 9);
  kit_ok(tlw_engine_reset(engine, TLW_RESET_STATS, NULL), NULL);
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    const tlw_operation_totals zero = {.struct_size = sizeof zero}, totals = totals_of(engine, (tlw_operation)i);
    assert_memory_equal(&totals, &zero, sizeof zero);
  }
  memset(w.stages, 0, sizeof w.stages);
  render(engine, b, TLW_OK);
  check_totals(engine, TLW_OP_RENDER, 1, 0, 5, 5 * 80 * 60);
  check_sums(engine, &w);
  kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), NULL);
  check_totals(engine, TLW_OP_RENDER, 1, 0, 5, 5 * 80 * 60);
  check_totals(engine, TLW_OP_RESET, 1, 0, TLW_RESET_MEMORY, 0);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* ---- streams ---- */

/* Bytes that the sink was given. */
static tlw_status count_bytes(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  *(uint64_t *)run->hook_user += piece->size;
  return TLW_OK;
}

#define MOST_ENGINES 2

struct watched_engines {
  struct watch watches[MOST_ENGINES];
  tlw_engine *engines[MOST_ENGINES];
  size_t n;
};

static void engines_open(struct watched_engines *e, const target *t, size_t n, uint64_t host_budget) {
  e->n = n;
  for (size_t i = 0; i < n; i++) {
    watch_open(&e->watches[i]);
    e->engines[i] = open_engine(t, 2, host_budget, &e->watches[i]);
  }
}

static void engines_close(struct watched_engines *e) {
  for (size_t i = 0; i < e->n; i++) {
    tlw_engine_close(&e->engines[i]);
    watch_close(&e->watches[i]);
  }
}

static int64_t items_of(const struct watched_engines *e, tlw_stage stage) {
  int64_t items = 0;
  for (size_t i = 0; i < e->n; i++) items += e->watches[i].items[TLW_OP_STREAM][stage];
  return items;
}

static uint64_t bytes_of(const struct watched_engines *e, tlw_stage stage) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < e->n; i++) bytes += e->watches[i].bytes[TLW_OP_STREAM][stage];
  return bytes;
}

/* Batches that have charts: only they are taken note of. */
static uint64_t batches_of(const kit_plan *plan) {
  uint64_t n = 0;
  for (int i = 0; i < plan->n_batches; i++) n += plan->batches[i].n_series > 0;
  return n;
}

/* A whole plan by a stream, and what the engines say of it. run has format, coding and digest. */
static void check_stream(struct watched_engines *e, kit_run *run, uint32_t encoders, rng *r) {
  uint64_t bytes = 0;
  run->hook = count_bytes;
  run->hook_user = &bytes;
  const kit_plan *plan = run->plan;
  assert_true(kit_passes(run, e->engines, e->n, 3, encoders, r));
  kit_run_close(run);
  check_totals(e->engines[0], TLW_OP_STREAM, batches_of(plan), 0, (uint64_t)plan->n_charts, bytes);
  for (size_t i = 0; i < e->n; i++) {
    if (i > 0) check_totals(e->engines[i], TLW_OP_STREAM, 0, 0, 0, 0);
    check_sums(e->engines[i], &e->watches[i]);
    for (int k = 0; k < e->watches[i].n_tracks; k++)
      assert_true(e->watches[i].tracks[k].track < TLW_TRACK_ENCODER(encoders));
  }
  assert_int_equal(items_of(e, TLW_STAGE_DELIVER), plan->n_charts);
  assert_int_equal(bytes_of(e, TLW_STAGE_DELIVER), bytes);
  if (run->digest) {
    assert_int_equal(items_of(e, TLW_STAGE_ENCODE), plan->n_charts);
    assert_int_equal(bytes_of(e, TLW_STAGE_ENCODE), bytes);
  } else if (run->format == TLW_STREAM_RASTER) {
    assert_int_equal(items_of(e, TLW_STAGE_ENCODE), 0);
  }
}

static void test_streams(void **state) {
  target *t = *state;
  const int64_t n = kit_cases(kit_for(t, 24, 8));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + (uint64_t)i};
    const kit_shape shape = {.batches = 4, .most_side = 120, .most_series = 60};
    kit_plan plan;
    kit_plan_open(&plan, r.state, &shape);
    struct watched_engines e;
    engines_open(&e, t, 1 + (size_t)i % 2, TLW_BUDGET_AUTO);
    kit_run run;
    kit_run_open(&run, &plan, i % 3 == 0 ? TLW_STREAM_RASTER : TLW_STREAM_PNG);
    run.digest = i % 3 == 1;
    check_stream(&e, &run, i % 4 < 2 ? 1 : 3, &r);
    engines_close(&e);
    kit_plan_close(&plan);
    t->cases++;
  }
}

/* What pieces of whole charts take, as the CPU sees it. */
static void test_pieces_of_streams(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 40, 30, 2000, 500);
  kit_plan_draw(&plan);
  struct watched_engines e;
  engines_open(&e, t, 2, TLW_BUDGET_AUTO);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_RASTER);
  rng r = {1};
  check_stream(&e, &run, 2, &r);
  assert_int_equal(items_of(&e, TLW_STAGE_PREPARE), 500);
  assert_int_equal(totals_of(e.engines[0], TLW_OP_DRAW).items + totals_of(e.engines[1], TLW_OP_DRAW).items, 500);
  if (t->backend == TLW_BACKEND_CPU) {
    assert_int_equal(items_of(&e, TLW_STAGE_COMPUTE), 500);
    assert_int_equal(bytes_of(&e, TLW_STAGE_COMPUTE), 500 * 40 * 30);
  }
  engines_close(&e);
  kit_plan_close(&plan);
  t->cases++;
}

/* The budget that the messages ask for until a chart is drawn in bands. */
static uint64_t least_budget(const target *t, const kit_plan *plan) {
  uint64_t budget = 1;
  for (;;) {
    tlw_engine_options options;
    tlw_engine_options_init(&options);
    options.backend = t->backend;
    options.threads = 1;
    options.host_budget = budget;
    tlw_engine *engine = NULL;
    tlw_stream *stream = NULL;
    tlw_error error;
    kit_run run;
    kit_run_open(&run, plan, TLW_STREAM_PNG);
    const tlw_stream_options streaming = kit_options(&run, 2, 1);
    rng r = {2};
    tlw_status status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) status = tlw_stream_open(&stream, &engine, 1, &streaming, &error);
    if (status == TLW_OK) status = kit_feed(&run, stream, 0, &r, NULL, &error);
    if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
    tlw_stream_close(&stream);
    tlw_engine_close(&engine);
    kit_run_close(&run);
    if (status == TLW_OK) return budget;
    kit_failed(status, TLW_ERR_BUDGET, &error);
    budget = error.bytes;
  }
}

/* Encoding and delivery of a file that is made band by band follow each other. */
static void test_bands(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 500, 400, 3000, 2);
  kit_plan_draw(&plan);
  const uint64_t budget = least_budget(t, &plan);
  struct watched_engines e;
  e.n = 1;
  watch_open(&e.watches[0]);
  e.engines[0] = open_engine(t, 1, budget, &e.watches[0]);
  kit_run run;
  uint64_t bytes = 0;
  kit_run_open(&run, &plan, TLW_STREAM_PNG);
  run.hook = count_bytes;
  run.hook_user = &bytes;
  rng r = {2};
  assert_true(kit_passes(&run, e.engines, 1, 2, 1, &r));
  kit_run_close(&run);
  assert_true(totals_of(e.engines[0], TLW_OP_DRAW).calls > 2);
  check_totals(e.engines[0], TLW_OP_STREAM, 1, 0, 2, bytes);
  check_sums(e.engines[0], &e.watches[0]);
  for (int stage = TLW_STAGE_ENCODE; stage <= TLW_STAGE_DELIVER; stage++) {
    assert_int_equal(items_of(&e, (tlw_stage)stage), 2);
    assert_int_equal(bytes_of(&e, (tlw_stage)stage), bytes);
  }
  engines_close(&e);
  kit_plan_close(&plan);
  t->cases++;
}

/* The thread that gives rows has a track of its own. */
static void test_rows(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 90, 70, 5000, 1);
  b->way = KIT_ROWS;
  kit_plan_draw(&plan);
  struct watched_engines e;
  engines_open(&e, t, 1, TLW_BUDGET_AUTO);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_PNG);
  rng r = {3};
  check_stream(&e, &run, 1, &r);
  bool found = false;
  for (int k = 0; k < e.watches[0].n_tracks; k++) found = found || e.watches[0].tracks[k].track == TLW_TRACK_ROWS;
  assert_true(found);
  const tlw_record record = newest(e.engines[0], TLW_OP_STREAM);
  check_within(&e.watches[0], &record);
  engines_close(&e);
  kit_plan_close(&plan);
  t->cases++;
}

static tlw_status fail_at_seven(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)run;
  (void)error;
  return piece->chart == 7 ? TLW_ERR_IO : TLW_OK;
}

/* A batch that is not delivered whole has failed, as those have behind it; its record says how far it came. */
static void test_stream_that_fails(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 40, 30, 100, 10);
  kit_plan_draw(&plan);
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 1, &w);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_RASTER);
  run.hook = fail_at_seven;
  const tlw_stream_options options = kit_options(&run, 2, 2);
  tlw_stream *stream = NULL;
  tlw_error error;
  kit_ok(tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
  rng r = {4};
  tlw_status status = kit_feed(&run, stream, 0, &r, NULL, &error);
  if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
  kit_failed(status, TLW_ERR_IO, &error);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  check_totals(engine, TLW_OP_STREAM, 1, 1, 0, 0);
  const tlw_record record = newest(engine, TLW_OP_STREAM);
  assert_int_equal(record.status, TLW_ERR_IO);
  assert_int_equal(record.items, 7);
  assert_int_equal(record.bytes, 7 * 40 * 30);
  assert_int_equal(w.items[TLW_OP_STREAM][TLW_STAGE_DELIVER], 7);
  check_sums(engine, &w);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* Streams that are open on an engine at one time have tracks apart, and a place that is left is taken again. */
static void test_two_streams(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 50, 40, 900, 300);
  kit_plan_draw(&plan);
  struct watch w;
  watch_open(&w);
  tlw_engine *engine = watched(t, 2, &w);
  kit_run runs[2];
  tlw_stream *streams[2];
  tlw_error error;
  rng r = {5};
  for (int round = 0; round < 2; round++) {
    for (int k = 0; k < 2; k++) {
      kit_run_open(&runs[k], &plan, TLW_STREAM_PNG);
      runs[k].coding = TLW_PNG_LIBPNG;
      const tlw_stream_options options = kit_options(&runs[k], 2, 2);
      kit_ok(tlw_stream_open(&streams[k], &engine, 1, &options, &error), &error);
    }
    for (int k = 0; k < 2; k++) kit_ok(kit_feed(&runs[k], streams[k], 0, &r, NULL, &error), &error);
    for (int k = 0; k < 2; k++) kit_ok(tlw_stream_finish(streams[k], &error), &error);
    for (int k = 0; k < 2; k++) tlw_stream_close(&streams[k]);
    for (int k = 0; k < 2; k++) kit_run_close(&runs[k]);
  }
  check_totals(engine, TLW_OP_STREAM, 4, 0, 1200, totals_of(engine, TLW_OP_STREAM).bytes);
  check_sums(engine, &w);
  bool second = false;
  for (int k = 0; k < w.n_tracks; k++) {
    assert_true(w.tracks[k].track < 2 * TLW_TRACK_STREAM);
    second = second || w.tracks[k].track >= TLW_TRACK_STREAM;
  }
  assert_true(second);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  watch_close(&w);
  t->cases++;
}

/* ---- hostile ---- */

struct reader {
  const tlw_engine *engine;
  tlw_engine *reset; /* or NULL */
  pthread_t thread;
  _Atomic bool stop;
  uint64_t bad;
};

/* Reads whatever there is, as fast as it can; numbers grow unless they are reset. */
static void *read_totals(void *argument) {
  struct reader *reader = argument;
  uint64_t items = 0, compute = 0;
  for (uint64_t i = 0; !reader->stop; i++) {
    tlw_operation_totals totals = {.struct_size = sizeof totals};
    tlw_engine_operation(reader->engine, TLW_OP_STREAM, &totals, NULL);
    reader->bad += totals.items < items || totals.stage[TLW_STAGE_COMPUTE] < compute;
    if (!reader->reset) {
      items = totals.items;
      compute = totals.stage[TLW_STAGE_COMPUTE];
    } else if (i % 16 == 0) {
      tlw_engine_reset(reader->reset, TLW_RESET_STATS, NULL);
    }
    sched_yield();
  }
  return NULL;
}

static void check_beside_readers(target *t, const kit_plan *plan, bool resets) {
  struct watch w;
  watch_open(&w);
  w.nap = 200000;
  tlw_engine *engine = watched(t, 2, &w);
  struct reader readers[2] = {{.engine = engine}, {.engine = engine, .reset = resets ? engine : NULL}};
  if (resets) readers[0].reset = engine;
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&readers[i].thread, NULL, read_totals, &readers[i]), 0);
  rng r = {6};
  kit_pass(plan, TLW_STREAM_PNG, &engine, 1, 3, 3, &r);
  for (int i = 0; i < 2; i++) readers[i].stop = true;
  for (int i = 0; i < 2; i++) pthread_join(readers[i].thread, NULL);
  assert_int_equal(readers[0].bad + readers[1].bad, 0);
  if (resets) {
    const tlw_operation_totals totals = totals_of(engine, TLW_OP_STREAM);
    assert_true(totals.calls <= 1 && totals.failures == 0 && totals.items <= (uint64_t)plan->n_charts);
    kit_ok(tlw_engine_reset(engine, TLW_RESET_STATS, NULL), NULL);
    memset(w.stages, 0, sizeof w.stages);
    kit_pass(plan, TLW_STREAM_PNG, &engine, 1, 3, 3, &r);
  }
  check_totals(engine, TLW_OP_STREAM, 1, 0, (uint64_t)plan->n_charts, totals_of(engine, TLW_OP_STREAM).bytes);
  check_sums(engine, &w);
  tlw_engine_close(&engine);
  watch_close(&w);
}

static void test_slow_traces_and_readers(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 40, 30, 900, kit_for(t, 600, 200));
  kit_plan_draw(&plan);
  check_beside_readers(t, &plan, false);
  check_beside_readers(t, &plan, true);
  kit_plan_close(&plan);
  t->cases += 2;
}

/* Without a trace there are the same totals, and no spans of a device. */
static void test_without_a_trace(void **state) {
  target *t = *state;
  tlw_engine *engine = watched(t, 2, NULL);
  kit_plan plan;
  const kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 80, 60, 300, 5);
  render(engine, b, TLW_OK);
  check_totals(engine, TLW_OP_RENDER, 1, 0, 5, 5 * 80 * 60);
  const tlw_operation_totals totals = totals_of(engine, TLW_OP_RENDER);
  assert_true(totals.stage[TLW_STAGE_PREPARE] > 0);
  assert_int_equal(totals.stage[TLW_STAGE_COMPUTE] > 0, t->backend == TLW_BACKEND_CPU);
  assert_int_equal(totals.stage[TLW_STAGE_UPLOAD] + totals.stage[TLW_STAGE_DOWNLOAD], 0);
  check_sums(engine, NULL);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

static void test_wrong_arguments(void **state) {
  target *t = *state;
  tlw_engine *engine = watched(t, 1, NULL);
  roll(engine, 100, 2);
  tlw_error error;
  tlw_operation_totals totals = {.struct_size = sizeof totals};
  kit_failed(tlw_engine_operation(NULL, TLW_OP_WINDOW, &totals, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_engine_operation(engine, TLW_OP_WINDOW, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_engine_operation(engine, (tlw_operation)-1, &totals, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_engine_operation(engine, (tlw_operation)TLW_OPERATION_COUNT, &totals, &error), TLW_ERR_ARGUMENT,
             &error);
  totals.struct_size = sizeof(size_t) - 1;
  kit_failed(tlw_engine_operation(engine, TLW_OP_WINDOW, &totals, &error), TLW_ERR_ARGUMENT, &error);

  /* Of an older caller's struct, and of a newer one's, nothing beyond is touched. */
  union {
    tlw_operation_totals totals;
    uint8_t bytes[sizeof(tlw_operation_totals) + 16];
  } room;
  const tlw_operation_totals whole = totals_of(engine, TLW_OP_WINDOW);
  assert_int_equal(whole.items, 2);
  for (size_t size = sizeof(size_t); size <= sizeof room; size++) {
    memset(&room, 0xa5, sizeof room);
    room.totals.struct_size = size;
    kit_ok(tlw_engine_operation(engine, TLW_OP_WINDOW, &room.totals, &error), &error);
    const size_t written = size < sizeof whole ? size : sizeof whole;
    assert_int_equal(room.totals.struct_size, size);
    assert_memory_equal(room.bytes + sizeof size, (const uint8_t *)&whole + sizeof size, written - sizeof size);
    for (size_t i = written; i < sizeof room; i++) assert_int_equal(room.bytes[i], 0xa5);
  }
  tlw_engine_close(&engine);

  tlw_engine_options options;
  tlw_engine_options_init(&options);
  assert_true(options.timing == 0 && options.trace == NULL && options.trace_user == NULL);
  for (int32_t timing = -1; timing <= 2; timing += 3) {
    options.timing = timing;
    kit_failed(tlw_engine_open(&engine, &options, &error), TLW_ERR_ARGUMENT, &error);
    assert_null(engine);
  }
  for (int i = 0; i < TLW_STAGES; i++) {
    assert_non_null(tlw_stage_name((tlw_stage)i));
    for (int k = 0; k < i; k++) assert_string_not_equal(tlw_stage_name((tlw_stage)i), tlw_stage_name((tlw_stage)k));
  }
  assert_null(tlw_stage_name((tlw_stage)TLW_STAGES));
  assert_null(tlw_stage_name((tlw_stage)-1));
  t->cases++;
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_renders, t),
      cmocka_unit_test_prestate(test_failures_are_apart, t),
      cmocka_unit_test_prestate(test_windows, t),
      cmocka_unit_test_prestate(test_images, t),
      cmocka_unit_test_prestate(test_bars, t),
      cmocka_unit_test_prestate(test_sinks_of_bars, t),
      cmocka_unit_test_prestate(test_sinks_that_fail, t),
      cmocka_unit_test_prestate(test_refused_windows, t),
      cmocka_unit_test_prestate(test_environment_of_the_caller, t),
      cmocka_unit_test_prestate(test_buffers, t),
      cmocka_unit_test_prestate(test_reset, t),
      cmocka_unit_test_prestate(test_streams, t),
      cmocka_unit_test_prestate(test_pieces_of_streams, t),
      cmocka_unit_test_prestate(test_bands, t),
      cmocka_unit_test_prestate(test_rows, t),
      cmocka_unit_test_prestate(test_stream_that_fails, t),
      cmocka_unit_test_prestate(test_two_streams, t),
      cmocka_unit_test_prestate(test_slow_traces_and_readers, t),
      cmocka_unit_test_prestate(test_without_a_trace, t),
      cmocka_unit_test_prestate(test_wrong_arguments, t),
  };
  return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}

int main(int argc, char **argv) {
  target_list list;
  int failed = 0;
  const bool found = kit_open(&list, argc, argv);
  for (size_t i = 0; found && i < list.count; i++) failed += run_target(&list.targets[i]);
  const bool ran = found && targets_report(&list);
  kit_close();
  return ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
