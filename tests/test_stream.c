/*
 * Streams: the images of random and hostile batches against renders without limits, in order and each once; release,
 * back-pressure, failures, cancelling, several engines, and every wrong argument.
 *
 *   test_stream [TARGET...]         cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             at most so many random cases; with 100 or less no large charts
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_kit.h"

#define FIRST_SEED 20250301

static const kit_shape any_shape = {0};

static target_limits with_threads(uint32_t threads) {
  target_limits limits = no_limits;
  limits.threads = threads;
  return limits;
}

static tlw_engine *engine_of(const target *t, uint32_t threads) {
  const target_limits limits = with_threads(threads);
  return kit_engine(t, &limits);
}

/* A stream for a run; fails the test. */
static tlw_stream *stream_of(kit_run *run, tlw_engine *engine, uint32_t slots, uint32_t encoders) {
  const tlw_stream_options options = kit_options(run, slots, encoders);
  tlw_stream *stream = NULL;
  tlw_error error;
  kit_ok(tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
  return stream;
}

static uint32_t random_encoders(rng *r) {
  return rng_below(r, 6) == 0 ? TLW_THREADS_AUTO : 1 + (uint32_t)rng_below(r, 5);
}

/* ---- right ---- */

static void check_totals(const tlw_stats *before, const tlw_stats *after, const kit_plan *plan) {
  uint64_t candles = 0, pixels = 0;
  for (int i = 0; i < plan->n_batches; i++) {
    const kit_batch *b = &plan->batches[i];
    pixels += (uint64_t)b->n_series * (uint64_t)b->options.width * (uint64_t)b->options.height;
    for (int64_t k = 0; k < b->n_series; k++) {
      const int64_t rows = b->counts != NULL    ? b->counts[k]
                           : b->offsets != NULL ? b->offsets[k + 1] - b->offsets[k]
                                                : b->data.n_rows;
      candles += (uint64_t)rows;
    }
  }
  assert_int_equal(after->charts - before->charts, plan->n_charts);
  assert_int_equal(after->candles - before->candles, candles);
  assert_int_equal(after->pixels - before->pixels, pixels);
  assert_int_equal(after->failures, before->failures);
}

static void test_random_batches(void **state) {
  target *t = *state;
  tlw_engine *engines[2] = {engine_of(t, 1), engine_of(t, 3)};
  const int64_t n = kit_cases(kit_for(t, 120, 40));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + (uint64_t)i};
    kit_plan plan;
    kit_plan_open(&plan, r.state, &any_shape);
    kit_run run;
    kit_run_open(&run, &plan, rng_below(&r, 2) == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    run.coding = i % 5 == 0 ? TLW_PNG_SMALL : i % 5 == 1 ? TLW_PNG_LIBPNG : TLW_PNG_FAST;
    run.no_user = rng_below(&r, 4) == 0;
    run.digest = run.format == TLW_STREAM_PNG && i % 2 == 0;
    tlw_engine *const *engine = &engines[rng_below(&r, 2)];
    const tlw_stats before = kit_stats(*engine);
    const bool good = kit_passes(&run, engine, 1, (uint32_t)rng_between(&r, 2, 4), random_encoders(&r), &r);
    const tlw_stats after = kit_stats(*engine);
    kit_run_close(&run);
    assert_true(good);
    check_totals(&before, &after, &plan);
    kit_plan_close(&plan);
    t->cases++;
  }
  for (int k = 0; k < 2; k++) tlw_engine_close(&engines[k]);
}

/* As many series as make several claims, and pieces of hundreds of charts. */
static void test_many_small_charts(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 20, 18, 9000, kit_for(t, 3000, 1200));
  kit_plan_draw(&plan);
  rng r = {1};
  kit_pass(&plan, TLW_STREAM_RASTER, &engine, 1, 3, 3, &r);
  kit_pass(&plan, TLW_STREAM_PNG, &engine, 1, 4, 5, &r);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases += 2;
}

/* On several devices where the software driver can make them, else three on one. */
static void open_engines(const target *t, tlw_engine *engines[3]) {
  static const char *const devices[3] = {"0", "1", "2"};
  const bool several = t->backend == TLW_BACKEND_CUDA && kit_soft.set != NULL;
  if (several) {
    kit_driver_restart();
    assert_int_equal(kit_soft.set("devices=3"), 0);
  }
  for (uint32_t i = 0; i < 3; i++) {
    const target_limits limits = with_threads(i + 1);
    engines[i] = several ? kit_engine_on(t, &limits, devices[i]) : kit_engine(t, &limits);
  }
}

static void test_several_engines(void **state) {
  target *t = *state;
  tlw_engine *engines[3];
  open_engines(t, engines);
  const int64_t n = kit_cases(kit_for(t, 40, 16));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 1000 + (uint64_t)i};
    kit_plan plan;
    const kit_shape shape = {.most_series = 40, .most_side = 120};
    kit_plan_open(&plan, r.state, &shape);
    kit_run run;
    kit_run_open(&run, &plan, rng_below(&r, 2) == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    run.no_user = rng_below(&r, 4) == 0;
    run.digest = run.format == TLW_STREAM_PNG && i % 2 == 0;
    const bool good =
        kit_passes(&run, engines, 2 + rng_below(&r, 2), (uint32_t)rng_between(&r, 2, 4), random_encoders(&r), &r);
    kit_run_close(&run);
    assert_true(good);
    kit_plan_close(&plan);
    t->cases++;
  }
  for (int i = 0; i < 3; i++) {
    assert_true(kit_stats(engines[i]).charts > 0);
    tlw_engine_close(&engines[i]);
  }
  kit_driver_restart();
}

static tlw_status count_pieces(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  int64_t *pieces = run->hook_user;
  pieces[piece->chart]++;
  return TLW_OK;
}

/* Charts that are larger than a slot is anyway. */
static void test_bands_without_a_budget(void **state) {
  target *t = *state;
  if (!kit_in_full()) skip();
  tlw_engine *engine = engine_of(t, 2);
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 6200, 5500, 20000, 2);
  kit_plan_draw(&plan);
  for (int format = TLW_STREAM_RASTER; format <= (t->backend == TLW_BACKEND_CPU ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
       format++) {
    int64_t pieces[2] = {0};
    kit_run run;
    kit_run_open(&run, &plan, (tlw_stream_format)format);
    run.digest = format == TLW_STREAM_PNG;
    run.hook = count_pieces;
    run.hook_user = pieces;
    rng r = {2};
    const bool good = kit_passes(&run, &engine, 1, 3, 2, &r);
    kit_run_close(&run);
    assert_true(good);
    assert_true(pieces[0] > 1 && pieces[1] > 1);
    t->cases++;
  }
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
}

/* Bands of few rows: what a small budget leaves room for, found by what the errors say. */
static void check_bands(target *t, const kit_plan *plan, tlw_png_coding coding) {
  uint64_t budget = 1;
  int64_t pieces[3];
  for (tlw_status status = TLW_ERR_BUDGET; status != TLW_OK;) {
    target_limits limits = with_threads(2);
    limits.host_budget = budget;
    tlw_engine *engine = NULL;
    tlw_stream *stream = NULL;
    tlw_error error;
    kit_run run;
    kit_run_open(&run, plan, TLW_STREAM_PNG);
    run.coding = coding;
    memset(pieces, 0, sizeof pieces);
    run.digest = true;
    run.hook = count_pieces;
    run.hook_user = pieces;
    const tlw_stream_options options = kit_options(&run, 3, 2);
    rng r = {2};
    status = target_open(t, &limits, &engine, &error);
    if (status == TLW_OK) status = tlw_stream_open(&stream, &engine, 1, &options, &error);
    if (status == TLW_OK) status = kit_feed(&run, stream, 0, &r, NULL, &error);
    if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
    tlw_stream_close(&stream);
    tlw_engine_close(&engine);
    const int64_t delivered = run.delivered;
    kit_run_close(&run);
    if (status == TLW_OK) {
      assert_int_equal(delivered, 3);
      break;
    }
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_true(error.bytes > budget);
    budget = error.bytes;
  }
  assert_true(pieces[0] > 1 && pieces[1] > 1 && pieces[2] > 1);
  t->cases++;
}

static void test_digests_of_bands(void **state) {
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 700, 600, 5000, 3);
  kit_plan_draw(&plan);
  for (int coding = TLW_PNG_FAST; coding <= TLW_PNG_LIBPNG; coding++)
    check_bands(*state, &plan, (tlw_png_coding)coding);
  kit_plan_close(&plan);
}

static void test_nothing_to_draw(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED, 40, 30, 10, 1);
  kit_batch *b = &plan.batches[0];
  b->n_series = 0;
  kit_plan_draw(&plan);
  for (int way = KIT_PUSH; way <= KIT_RELEASE; way++) {
    b->way = (kit_way)way;
    kit_run run;
    kit_run_open(&run, &plan, TLW_STREAM_PNG);
    tlw_stream *stream = stream_of(&run, engine, 2, 1);
    tlw_error error;
    kit_ok(tlw_stream_finish(stream, &error), &error);
    for (int k = 0; k < 20; k++) kit_ok(kit_feed(&run, stream, 0, NULL, NULL, &error), &error);
    kit_ok(tlw_stream_finish(stream, &error), &error);
    kit_ok(tlw_stream_finish(stream, &error), &error);
    tlw_stream_close(&stream);
    assert_int_equal(run.releases, way == KIT_RELEASE ? 20 : 0);
    kit_run_close(&run);
  }
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

/* A stream that has finished goes on, and its charts are counted on. */
static void test_goes_on_after_finish(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  kit_plan plan;
  const kit_shape shape = {.batches = 8, .most_side = 90};
  kit_plan_open(&plan, FIRST_SEED + 5, &shape);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_RASTER);
  tlw_stream *stream = stream_of(&run, engine, 2, 2);
  rng r = {3};
  kit_plan part = plan;
  run.plan = &part;
  for (int i = 0; i < plan.n_batches; i++) {
    tlw_error error;
    part.n_batches = i + 1;
    kit_ok(kit_feed(&run, stream, i, &r, NULL, &error), &error);
    kit_ok(tlw_stream_finish(stream, &error), &error);
    assert_int_equal(run.delivered, plan.batches[i].first_chart + plan.batches[i].n_series);
    assert_true(kit_renders(engine, &plan.batches[i]));
  }
  tlw_stream_close(&stream);
  run.plan = &plan;
  kit_run_close(&run);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- copies ---- */

/* One copy of the rows of all series, as doubles. */
static uint64_t used_bytes(const kit_batch *b, bool with_time) {
  const uint64_t used = 4u + (b->options.volume != 0) + (with_time && b->options.axis == TLW_AXIS_TIME);
  uint64_t rows = 0;
  for (int64_t i = 0; i < b->n_series; i++)
    rows += (uint64_t)(b->counts != NULL ? b->counts[i] : b->offsets[i + 1] - b->offsets[i]);
  return rows * used * sizeof(double);
}

/* Windows far apart, the last first. */
static void scatter(kit_batch *b) {
  b->counts = malloc(sizeof(int64_t) * (size_t)b->n_series);
  assert_non_null(b->counts);
  for (int64_t i = 0; i < b->n_series; i++) {
    b->offsets[i] = (b->n_series - 1 - i) * (b->data.n_rows / b->n_series);
    b->counts[i] = 7;
  }
}

static void expect_copied(tlw_engine *engine, const kit_plan *plan, uint64_t least, uint64_t most) {
  for (int way = KIT_PUSH; way <= KIT_RELEASE; way++) {
    kit_plan given = *plan;
    given.batches[0].way = (kit_way)way;
    const uint64_t before = kit_stats(engine).copied;
    rng r = {4};
    kit_pass(&given, TLW_STREAM_RASTER, &engine, 1, 3, 2, &r);
    const uint64_t copied = kit_stats(engine).copied - before;
    if (copied < least || copied > most)
      fail_msg("%llu bytes were copied, in place of %llu to %llu", (unsigned long long)copied,
               (unsigned long long)least, (unsigned long long)most);
  }
}

static void test_copies_are_counted(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  for (int axis = 0; axis < 2; axis++) {
    for (int volume = 0; volume < 2; volume++) {
      kit_plan plan;
      kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 120, 80, 20000, 50);
      b->options.axis = (tlw_axis)axis;
      b->options.volume = volume;
      for (int64_t i = 0; i < b->data.n_rows; i++) {
        double *const all[5] = {b->data.open, b->data.high, b->data.low, b->data.close, b->data.volume};
        for (int k = 0; k < 5; k++) all[k][i] = (double)(float)all[k][i];
      }
      kit_plan_draw(&plan);
      expect_copied(engine, &plan, 0, 0);
      b->how.stride = sizeof(double); /* contiguous all the same */
      expect_copied(engine, &plan, 0, 0);
      b->how.stride = 61;
      b->how.misalign = 3;
      expect_copied(engine, &plan, used_bytes(b, true), used_bytes(b, true));
      b->how.stride = sizeof(double);
      expect_copied(engine, &plan, used_bytes(b, true), used_bytes(b, true));
      b->how.stride = b->how.misalign = 0;
      b->how.type = TLW_TYPE_F32; /* with times that need no copy */
      expect_copied(engine, &plan, used_bytes(b, false), used_bytes(b, false));
      scatter(b);
      free(b->expected);
      kit_plan_draw(&plan);
      expect_copied(engine, &plan, used_bytes(b, false), used_bytes(b, true));
      b->how.stride = 44;
      expect_copied(engine, &plan, used_bytes(b, true), used_bytes(b, true));
      kit_plan_close(&plan);
      t->cases++;
    }
  }
  tlw_engine_close(&engine);
}

/* ---- back-pressure ---- */

#define PUSHES 40

struct pressure {
  kit_gate gate;
  int64_t slack;
};

/* Of the pushes that have returned at most so many are not delivered. */
static tlw_status hold_first(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  struct pressure *p = run->hook_user;
  if (piece->chart == 0) kit_gate_pass(&p->gate);
  const int64_t ahead = run->pushes - piece->chart;
  if (ahead <= p->slack) return TLW_OK;
  snprintf(error->message, sizeof error->message, "the producer is %lld pushes ahead", (long long)ahead);
  return TLW_ERR_INTERNAL;
}

struct feeder {
  kit_run *run;
  tlw_stream *stream;
  tlw_status status;
  tlw_error error;
};

static void *feed(void *argument) {
  struct feeder *f = argument;
  rng r = {f->run->plan->seed};
  f->status = f->run->no_user ? kit_feed_by_run(f->run, f->stream, &f->error)
                              : kit_feed(f->run, f->stream, 0, &r, NULL, &f->error);
  return NULL;
}

static void open_single_charts(kit_plan *plan, kit_way way) {
  const kit_shape shape = {.batches = PUSHES, .most_side = 60, .most_series = 1, .most_rows = 100};
  kit_plan_open(plan, FIRST_SEED + 77, &shape);
  for (int i = 0; i < plan->n_batches; i++) {
    kit_batch *b = &plan->batches[i];
    if (b->n_series == 0) {
      free(b->expected);
      free(b->offsets);
      free(b->counts);
      b->offsets = b->counts = NULL;
      b->n_series = 1;
    } else {
      free(b->expected);
    }
    b->way = way;
  }
  kit_plan_draw(plan);
}

/* by_run: a producer gives a batch once the one before has been read, which is when a slot was free for it. */
static void press(tlw_engine *engine, const kit_plan *plan, bool by_run) {
  const int64_t most = by_run ? 9 : 8;
  kit_run run;
  kit_run_open(&run, plan, TLW_STREAM_RASTER);
  struct pressure p = {.gate = KIT_GATE, .slack = most};
  run.no_user = by_run;
  run.hook = hold_first;
  run.hook_user = &p;
  tlw_stream *stream = stream_of(&run, engine, 2, 1);
  struct feeder f = {.run = &run, .stream = stream};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
  kit_gate_await(&p.gate);
  while (!by_run && run.pushes < most) sched_yield();
  for (int i = 0; i < 2000; i++) sched_yield();
  assert_true(run.pushes <= most);
  kit_gate_open(&p.gate);
  assert_int_equal(pthread_join(thread, NULL), 0);
  tlw_error error;
  kit_ok(f.status, &f.error);
  kit_ok(tlw_stream_finish(stream, &error), &error);
  tlw_stream_close(&stream);
  assert_int_equal(run.delivered, plan->n_charts);
  kit_run_close(&run);
}

static void test_back_pressure(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  kit_plan plan;
  open_single_charts(&plan, KIT_RELEASE);
  press(engine, &plan, false);
  press(engine, &plan, true);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases += 2;
}

/* ---- failures ---- */

/* Every call gives the same failure, and the engine is as good as before. */
static void expect_sticky(tlw_stream *stream, tlw_engine *engine, const kit_batch *b, const tlw_error *failure) {
  const tlw_candles candles = kit_view(b);
  tlw_candles rows = candles;
  rows.offsets = rows.counts = NULL;
  rows.n_series = 1;
  for (int i = 0; i < 12; i++) {
    tlw_error error = {.code = TLW_OK};
    tlw_status status = TLW_OK;
    if (i % 4 == 0) status = tlw_stream_push(stream, &candles, &b->options, NULL, NULL, &error);
    if (i % 4 == 1) status = tlw_stream_series(stream, 5, NULL, &b->options, NULL, &error);
    if (i % 4 == 2) status = tlw_stream_rows(stream, &rows, &error);
    if (i % 4 == 3) status = tlw_stream_finish(stream, &error);
    kit_failed(status, failure->code, &error);
    assert_string_equal(error.message, failure->message);
    assert_int_equal(error.row, failure->row);
    assert_int_equal(error.native, failure->native);
  }
  assert_true(kit_renders(engine, b));
}

struct refusal {
  int64_t chart;
  tlw_status code;
};

static tlw_status refuse(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  const struct refusal *refusal = run->hook_user;
  if (piece->chart != refusal->chart) return TLW_OK;
  error->native = 28;
  snprintf(error->message, sizeof error->message, "no room for chart %lld", (long long)piece->chart);
  return refusal->code;
}

static void test_sink_that_fails(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  const int64_t n = kit_cases(kit_for(t, 24, 8));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 2000 + (uint64_t)i};
    kit_plan plan;
    const kit_shape shape = {.batches = 6, .most_side = 80};
    kit_plan_open(&plan, r.state, &shape);
    struct refusal refusal = {(int64_t)rng_below(&r, (uint64_t)plan.n_charts),
                              rng_below(&r, 3) == 0 ? (tlw_status)77 : TLW_ERR_IO};
    kit_run run;
    kit_run_open(&run, &plan, i % 2 == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    run.hook = refuse;
    run.hook_user = &refusal;
    tlw_stream *stream = stream_of(&run, engine, 2 + (uint32_t)rng_below(&r, 3), 1 + (uint32_t)rng_below(&r, 5));
    tlw_error error;
    tlw_status status = kit_feed(&run, stream, 0, &r, NULL, &error);
    if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
    kit_failed(status, refusal.code, &error);
    char message[40];
    snprintf(message, sizeof message, "no room for chart %lld", (long long)refusal.chart);
    assert_string_equal(error.message, message);
    assert_int_equal(error.native, 28);
    assert_int_equal(error.row, -1);
    int64_t unused;
    const kit_batch *b = kit_batch_of(&plan, refusal.chart, &unused);
    expect_sticky(stream, engine, b, &error);
    tlw_stream_cancel(stream);
    expect_sticky(stream, engine, b, &error);
    tlw_stream_close(&stream);
    assert_int_equal(run.delivered, refusal.chart);
    kit_run_close(&run);
    kit_plan_close(&plan);
    t->cases++;
  }
  tlw_engine_close(&engine);
}

/* As many as make several claims. */
#define SERIES 400
#define SERIES_ROWS 9

/* A batch of which some series have a row that is earlier than the one above. */
static void open_spoiled(kit_plan *plan, const int64_t *bad, int n_bad, int64_t *rows) {
  kit_batch *b = kit_plan_single(plan, FIRST_SEED, 64, 48, (int64_t)SERIES * SERIES_ROWS, SERIES);
  b->options.axis = TLW_AXIS_TIME;
  kit_plan_draw(plan);
  for (int i = 0; i < n_bad; i++) {
    rows[i] = bad[i] * SERIES_ROWS + 1 + bad[i] % (SERIES_ROWS - 1);
    b->data.time[rows[i]] = b->data.time[rows[i] - 1] - 1;
  }
}

static void test_bad_series(void **state) {
  target *t = *state;
  tlw_engine *engines[3];
  open_engines(t, engines);
  static const int64_t bad[][2] = {{0, 0},    {1, 1},    {SERIES - 1, SERIES - 1}, {200, 200}, {84, 85},
                                   {17, 300}, {170, 171}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    for (int kind = 0; kind < 8; kind++) {
      kit_plan plan;
      int64_t rows[2];
      open_spoiled(&plan, bad[i], 2, rows);
      plan.batches[0].way = kind & 4 ? KIT_RELEASE : KIT_PUSH;
      if (kind & 4 && i % 2 == 0) plan.batches[0].how.stride = 77;
      kit_run run;
      kit_run_open(&run, &plan, kind & 1 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
      const tlw_stream_options options = kit_options(&run, 2 + (uint32_t)i % 3, 1 + (uint32_t)i % 4);
      tlw_stream *stream = NULL;
      tlw_error error;
      kit_ok(tlw_stream_open(&stream, engines, kind & 2 ? 3 : 1, &options, &error), &error);
      rng r = {5};
      tlw_status status = kit_feed(&run, stream, 0, &r, NULL, &error);
      if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
      kit_failed(status, TLW_ERR_DATA, &error);
      assert_int_equal(error.row, rows[0]);
      tlw_error again;
      kit_failed(tlw_stream_finish(stream, &again), TLW_ERR_DATA, &again);
      assert_int_equal(again.row, rows[0]);
      tlw_stream_close(&stream);
      assert_int_equal(run.delivered, bad[i][0]);
      kit_run_close(&run);
      kit_plan_close(&plan);
      t->cases++;
    }
  }
  for (int i = 0; i < 3; i++) tlw_engine_close(&engines[i]);
  kit_driver_restart();
}

struct failing_producer {
  const kit_batch *batch;
  tlw_candles candles;
  int left;
  bool wrong; /* arguments in place of a failure */
};

static tlw_status fail_to_produce(void *user, tlw_candles *candles, tlw_chart_options *chart, tlw_error *error) {
  struct failing_producer *f = user;
  *candles = f->candles;
  *chart = f->batch->options;
  if (f->left-- > 0) return TLW_OK;
  if (f->wrong) {
    chart->width = 0;
    return TLW_OK;
  }
  snprintf(error->message, sizeof error->message, "the feed ends in the middle of a row");
  error->row = 1234;
  return TLW_ERR_IO;
}

/* What the producer gave before is delivered. */
static void test_producer_that_fails(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  kit_plan plan;
  kit_batch *first = kit_plan_single(&plan, FIRST_SEED, 70, 50, 600, 6);
  for (int kind = 0; kind < 2; kind++) {
    kit_plan repeated = plan;
    repeated.n_batches = 15;
    for (int i = 1; i < repeated.n_batches; i++) repeated.batches[i] = *first;
    kit_plan_draw(&repeated);
    kit_run run;
    kit_run_open(&run, &repeated, kind == 0 ? TLW_STREAM_RASTER : TLW_STREAM_PNG);
    run.no_user = true;
    tlw_stream *stream = stream_of(&run, engine, 3, 2);
    struct failing_producer f = {first, kit_view(first), repeated.n_batches, kind == 1};
    tlw_error error;
    kit_failed(tlw_stream_run(stream, fail_to_produce, &f, &error), kind == 1 ? TLW_ERR_ARGUMENT : TLW_ERR_IO, &error);
    if (kind == 0) {
      assert_string_equal(error.message, "the feed ends in the middle of a row");
      assert_int_equal(error.row, 1234);
    }
    tlw_error again;
    kit_failed(tlw_stream_finish(stream, &again), error.code, &again);
    assert_int_equal(run.delivered, repeated.n_charts);
    expect_sticky(stream, engine, &repeated.batches[0], &error);
    tlw_stream_close(&stream);
    kit_run_close(&run);
    for (int i = 0; i < repeated.n_batches; i++) free(repeated.batches[i].expected);
    t->cases++;
  }
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
}

/* ---- cancelling ---- */

struct canceller {
  kit_run *run;
  tlw_stream *stream;
  int64_t at;
  int times;
};

static void *cancel_at(void *argument) {
  struct canceller *c = argument;
  while (c->run->delivered < c->at) sched_yield();
  for (int i = 0; i < c->times; i++) tlw_stream_cancel(c->stream);
  return NULL;
}

static tlw_status cancel_in_sink(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  const struct canceller *c = run->hook_user;
  if (piece->chart == c->at)
    for (int i = 0; i < c->times; i++) tlw_stream_cancel(c->stream);
  return TLW_OK;
}

static void cancel_in_release(kit_run *run) {
  const struct canceller *c = run->hook_user;
  if (run->releases > c->at) tlw_stream_cancel(c->stream);
}

static void test_cancel(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  const int64_t n = kit_cases(kit_for(t, 80, 24));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 3000 + (uint64_t)i};
    kit_plan plan;
    const kit_shape shape = {.batches = 9, .most_side = 100};
    kit_plan_open(&plan, r.state, &shape);
    kit_run run;
    kit_run_open(&run, &plan, rng_below(&r, 2) == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    run.no_user = rng_below(&r, 4) == 0;
    tlw_stream *stream = stream_of(&run, engine, 2 + (uint32_t)rng_below(&r, 3), 1 + (uint32_t)rng_below(&r, 5));
    const int kind = (int)(i % 5);
    const int64_t at = (int64_t)rng_below(&r, kind == 2 ? 3 : (uint64_t)plan.n_charts);
    struct canceller c = {&run, stream, at, 1 + (int)(i % 2)};
    run.hook_user = &c;
    pthread_t thread;
    if (kind == 0) assert_int_equal(pthread_create(&thread, NULL, cancel_at, &c), 0);
    if (kind == 1) run.hook = cancel_in_sink;
    if (kind == 2) run.on_release = cancel_in_release;
    if (kind == 3) tlw_stream_cancel(stream);
    tlw_error error;
    tlw_status status =
        run.no_user ? kit_feed_by_run(&run, stream, &error) : kit_feed(&run, stream, 0, &r, NULL, &error);
    if (status != TLW_OK) kit_failed(status, TLW_ERR_CANCELLED, &error);
    if (kind == 0) assert_int_equal(pthread_join(thread, NULL), 0);
    if (kind == 4) tlw_stream_cancel(stream);
    status = tlw_stream_finish(stream, &error);
    /* Too few batches may have been released. */
    if (kind != 2 || status != TLW_OK) {
      kit_failed(status, TLW_ERR_CANCELLED, &error);
      expect_sticky(stream, engine, &plan.batches[0], &error);
    }
    if (kind == 1) assert_true(run.delivered <= c.at + 1);
    if (kind == 3) assert_int_equal(run.delivered, 0);
    tlw_stream_cancel(stream);
    tlw_stream_close(&stream);
    kit_run_close(&run);
    kit_plan_close(&plan);
    t->cases++;
  }
  tlw_engine_close(&engine);
}

/* A close with work in flight, with the sink at work, and in the middle of a series. */
static void test_close_at_any_time(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  const uint64_t before = kit_stats(engine).host_bytes.current;
  const int64_t n = kit_cases(kit_for(t, 40, 12));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 4000 + (uint64_t)i};
    kit_plan plan;
    const kit_shape shape = {.batches = 5, .most_side = 200};
    kit_plan_open(&plan, r.state, &shape);
    kit_run run;
    kit_run_open(&run, &plan, i % 2 == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    tlw_stream *stream = stream_of(&run, engine, 3, 2);
    tlw_error error;
    kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
    if (i % 3 == 0) {
      tlw_chart_options options = plan.batches[0].options;
      options.axis = TLW_AXIS_INDEX;
      kit_ok(tlw_stream_series(stream, 1000, NULL, &options, NULL, &error), &error);
    }
    tlw_stream_close(&stream);
    assert_null(stream);
    kit_run_close(&run);
    assert_true(kit_renders(engine, &plan.batches[0]));
    kit_plan_close(&plan);
    t->cases++;
  }
  tlw_error error;
  kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, &error), &error);
  assert_int_equal(kit_stats(engine).host_bytes.current, before);
  tlw_engine_close(&engine);
}

/* ---- beside each other ---- */

#define PLANS 8

struct worker {
  tlw_engine *engine;
  kit_plan plans[PLANS];
  kit_run runs[PLANS];
  bool good;
};

static void *stream_plans(void *argument) {
  struct worker *w = argument;
  for (int i = 0; i < PLANS; i++) {
    rng r = {w->plans[i].seed};
    w->good = kit_passes(&w->runs[i], &w->engine, 1, 2 + (uint32_t)i % 3, 1 + (uint32_t)i % 3, &r) && w->good;
  }
  return NULL;
}

static void *render_plans(void *argument) {
  struct worker *w = argument;
  for (int i = 0; i < PLANS; i++)
    for (int k = 0; k < w->plans[i].n_batches; k++)
      w->good = kit_renders(w->engine, &w->plans[i].batches[k]) && w->good;
  return NULL;
}

static void *watch(void *argument) {
  struct worker *w = argument;
  static tlw_record records[100];
  for (int i = 0; i < 300; i++) {
    tlw_stats stats = {.struct_size = sizeof stats};
    tlw_device device;
    size_t count;
    w->good = tlw_engine_stats(w->engine, &stats, NULL) == TLW_OK && w->good;
    w->good = tlw_engine_records(w->engine, records, 100, &count, NULL) == TLW_OK && w->good;
    w->good = tlw_engine_describe(w->engine, &device, NULL) == TLW_OK && w->good;
    sched_yield();
  }
  return NULL;
}

static void test_two_streams_and_renders(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  static struct worker workers[4];
  static void *(*const work[4])(void *) = {stream_plans, stream_plans, render_plans, watch};
  const kit_shape shape = {.most_side = 130, .batches = 4};
  pthread_t threads[4];
  for (uint64_t k = 0; k < 4; k++) {
    workers[k].engine = engine;
    workers[k].good = true;
    for (uint64_t i = 0; i < PLANS; i++) {
      kit_plan_open(&workers[k].plans[i], FIRST_SEED + 5000 + 100 * k + i, &shape);
      kit_run_open(&workers[k].runs[i], &workers[k].plans[i], i % 2 == k % 2 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    }
  }
  for (int k = 0; k < 4; k++) assert_int_equal(pthread_create(&threads[k], NULL, work[k], &workers[k]), 0);
  for (int k = 0; k < 4; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
  for (int k = 0; k < 4; k++) {
    assert_true(workers[k].good);
    for (int i = 0; i < PLANS; i++) {
      kit_run_close(&workers[k].runs[i]);
      kit_plan_close(&workers[k].plans[i]);
      t->cases++;
    }
  }
  tlw_engine_close(&engine);
}

/* ---- arguments ---- */

static tlw_status no_sink(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)user;
  (void)piece;
  (void)error;
  return TLW_OK;
}

static tlw_stream_options plain_options(void) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.sink = no_sink;
  return options;
}

static void refused_open(tlw_engine *const *engines, size_t n, const tlw_stream_options *options, const char *part) {
  tlw_stream *stream = (tlw_stream *)&stream;
  tlw_error error = {.code = TLW_OK};
  kit_failed(tlw_stream_open(&stream, engines, n, options, &error), TLW_ERR_ARGUMENT, &error);
  assert_null(stream);
  if (strstr(error.message, part) == NULL) fail_msg("'%s' does not say '%s'", error.message, part);
  assert_int_equal(tlw_stream_open(&stream, engines, n, options, NULL), TLW_ERR_ARGUMENT);
}

static void test_wrong_options(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  tlw_stream_options o;
  memset(&o, 0x5A, sizeof o);
  tlw_stream_options_init(&o);
  assert_int_equal(o.struct_size, sizeof o);
  assert_int_equal(o.format, TLW_STREAM_RASTER);
  assert_int_equal(o.coding, TLW_PNG_FAST);
  assert_int_equal(o.slots, 3);
  assert_int_equal(o.encoders, TLW_THREADS_AUTO);
  assert_int_equal(o.digest, 0);
  assert_null(o.sink);
  assert_null(o.sink_user);
  refused_open(&engine, 1, &o, "sink");
  refused_open(&engine, 1, NULL, "options");
  memset(&o, 0, sizeof o);
  refused_open(&engine, 1, &o, "tlw_stream_options_init");
  o = plain_options();
  o.format = (tlw_stream_format)2;
  refused_open(&engine, 1, &o, "format is 2");
  o.format = (tlw_stream_format)-1;
  refused_open(&engine, 1, &o, "format");
  o = plain_options();
  o.coding = (tlw_png_coding)3;
  refused_open(&engine, 1, &o, "coding is 3");
  o = plain_options();
  o.slots = 1;
  refused_open(&engine, 1, &o, "2 to 4");
  o.slots = 5;
  refused_open(&engine, 1, &o, "slots is 5");
  o = plain_options();
  o.encoders = 0;
  refused_open(&engine, 1, &o, "encoders is 0");
  o.encoders = TLW_THREADS_MAX + 1;
  refused_open(&engine, 1, &o, "1024");
  o = plain_options();
  o.digest = 1;
  refused_open(&engine, 1, &o, "TLW_STREAM_PNG");
  o.format = TLW_STREAM_PNG;
  o.digest = 2;
  refused_open(&engine, 1, &o, "digest is 2: it must be 0 or 1");
  o.digest = -1;
  refused_open(&engine, 1, &o, "digest is -1");
  o = plain_options();
  tlw_engine *engines[TLW_STREAM_ENGINES_MAX + 1];
  for (int i = 0; i <= TLW_STREAM_ENGINES_MAX; i++) engines[i] = engine;
  refused_open(NULL, 1, &o, "engines");
  refused_open(engines, 0, &o, "n_engines is 0");
  refused_open(engines, TLW_STREAM_ENGINES_MAX + 1, &o, "1 to 64");
  refused_open(engines, 2, &o, "the same");
  engines[0] = NULL;
  refused_open(engines, 1, &o, "engines[0]");
  assert_int_equal(tlw_stream_open(NULL, &engine, 1, &o, NULL), TLW_ERR_ARGUMENT);
  tlw_stream_close(NULL);
  tlw_stream *none = NULL;
  tlw_stream_close(&none);
  tlw_stream_cancel(NULL);
  tlw_engine_close(&engine);
  t->cases++;
}

struct broken {
  tlw_candles candles;
  tlw_chart_options options;
};

static void break_size(struct broken *b) { b->candles.struct_size--; }
static void break_rows(struct broken *b) { b->candles.n_rows = -1; }
static void break_many_rows(struct broken *b) { b->candles.n_rows = (INT64_C(1) << 40) + 1; }
static void break_series(struct broken *b) { b->candles.n_series = -1; }
static void break_open(struct broken *b) { b->candles.open = NULL; }
static void break_high(struct broken *b) { b->candles.high = NULL; }
static void break_low(struct broken *b) { b->candles.low = NULL; }
static void break_close(struct broken *b) { b->candles.close = NULL; }
static void break_volume(struct broken *b) { b->candles.volume = NULL; }
static void break_time(struct broken *b) { b->candles.time = NULL; }
static void break_type(struct broken *b) { b->candles.type = (tlw_type)2; }
static void break_stride(struct broken *b) { b->candles.stride = 7; }
static void break_wide_stride(struct broken *b) { b->candles.stride = (1 << 20) + 1; }
static void break_time_stride(struct broken *b) { b->candles.time_stride = -8; }
static void break_offsets(struct broken *b) { b->candles.offsets = NULL; }
static void break_options_size(struct broken *b) { b->options.struct_size = 0; }
static void break_width(struct broken *b) { b->options.width = TLW_CHART_MAX_SIDE + 1; }
static void break_height(struct broken *b) { b->options.height = 15; }
static void break_theme(struct broken *b) { b->options.theme = (tlw_theme)4; }
static void break_axis(struct broken *b) { b->options.axis = (tlw_axis)2; }
static void break_margin(struct broken *b) { b->options.margin_left = 64; }
static void break_labels(struct broken *b) { b->options.labels = 2; }
static void break_lines(struct broken *b) { b->options.n_lines = 1; }
static void break_other_lines(struct broken *b) { b->candles.n_lines = 1; }
static void break_title(struct broken *b) {
  static char text[TLW_TEXT_MOST + 2];
  memset(text, 'x', sizeof text - 1);
  b->options.title = text;
}

static void (*const breakages[])(struct broken *) = {
    break_size,         break_rows,   break_many_rows,   break_series,      break_open,
    break_high,         break_low,    break_close,       break_volume,      break_time,
    break_type,         break_stride, break_wide_stride, break_time_stride, break_offsets,
    break_options_size, break_width,  break_height,      break_theme,       break_axis,
    break_margin,       break_labels, break_lines,       break_other_lines, break_title,
};

static void never(void *user) {
  (void)user;
  abort();
}

/* Every call is refused, with a record and without one, and the stream goes on as if it had not been made. */
static void test_wrong_pushes(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  kit_plan plan;
  kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 64, 48, 200, 3);
  b->options.axis = TLW_AXIS_TIME;
  kit_plan_draw(&plan);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_RASTER);
  tlw_stream *stream = stream_of(&run, engine, 2, 2);
  const struct broken good = {kit_view(b), b->options};
  tlw_error error;
  for (size_t i = 0; i < sizeof breakages / sizeof breakages[0]; i++) {
    struct broken broken = good;
    breakages[i](&broken);
    kit_failed(tlw_stream_push(stream, &broken.candles, &broken.options, never, NULL, &error), TLW_ERR_ARGUMENT,
               &error);
    assert_int_equal(tlw_stream_push(stream, &broken.candles, &broken.options, NULL, NULL, NULL), TLW_ERR_ARGUMENT);
  }
  static const int64_t falling[] = {0, 50, 20, 200}, outside[] = {0, 50, 100, 201}, negative[] = {-1, 50, 100, 200};
  static const int64_t *const offsets[] = {falling, outside, negative};
  for (int i = 0; i < 3; i++) {
    struct broken broken = good;
    broken.candles.offsets = offsets[i];
    kit_failed(tlw_stream_push(stream, &broken.candles, &broken.options, never, NULL, &error), TLW_ERR_ARGUMENT,
               &error);
  }
  static const int64_t starts[] = {0, 199, 200}, long_counts[] = {200, 2, 0}, negative_counts[] = {1, 1, -1};
  struct broken broken = good;
  broken.candles.offsets = starts;
  broken.candles.counts = long_counts;
  kit_failed(tlw_stream_push(stream, &broken.candles, &broken.options, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  broken.candles.counts = negative_counts;
  kit_failed(tlw_stream_push(stream, &broken.candles, &broken.options, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  broken.candles.offsets = NULL;
  kit_failed(tlw_stream_push(stream, &broken.candles, &broken.options, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_push(stream, NULL, &b->options, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_push(stream, &good.candles, NULL, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_push(NULL, &good.candles, &b->options, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_run(stream, NULL, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_run(NULL, fail_to_produce, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_finish(NULL, &error), TLW_ERR_ARGUMENT, &error);
  rng r = {6};
  memset(&error, 0x5A, sizeof error);
  const tlw_error untouched = error;
  kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
  kit_ok(tlw_stream_finish(stream, &error), &error);
  assert_memory_equal(&error, &untouched, sizeof error);
  assert_int_equal(run.delivered, 3);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- series in chunks ---- */

struct chunked {
  tlw_engine *engine;
  kit_plan plan;
  kit_batch *batch;
  kit_run run;
  tlw_stream *stream;
  tlw_time_range range;
  tlw_candles all;
};

#define ROWS 300

static void chunked_open(struct chunked *c, const target *t) {
  c->engine = engine_of(t, 1);
  c->batch = kit_plan_single(&c->plan, FIRST_SEED + 9, 80, 60, ROWS, 1);
  c->batch->options.axis = TLW_AXIS_TIME;
  fill_times(&c->batch->data, 0, ROWS, TIMES_REGULAR, &(rng){7});
  kit_plan_draw(&c->plan);
  const int64_t *time = c->batch->data.time;
  c->range = (tlw_time_range){time[0], time[ROWS - 1], (uint64_t)(time[1] - time[0])};
  c->all = kit_view(c->batch);
  c->all.offsets = NULL;
  kit_run_open(&c->run, &c->plan, TLW_STREAM_PNG);
  c->stream = stream_of(&c->run, c->engine, 2, 1);
}

static void chunked_close(struct chunked *c) {
  tlw_stream_close(&c->stream);
  kit_run_close(&c->run);
  kit_plan_close(&c->plan);
  tlw_engine_close(&c->engine);
}

static tlw_status begin(struct chunked *c, int64_t n_rows, const tlw_time_range *range, tlw_error *error) {
  return tlw_stream_series(c->stream, n_rows, range, &c->batch->options, c->batch, error);
}

/* n rows from first on. */
static tlw_candles rows_of(const struct chunked *c, int64_t first, int64_t n) {
  tlw_candles candles = c->all;
  candles.open = c->batch->data.open + first;
  candles.high = c->batch->data.high + first;
  candles.low = c->batch->data.low + first;
  candles.close = c->batch->data.close + first;
  candles.volume = c->batch->data.volume + first;
  candles.time = c->batch->data.time + first;
  candles.n_rows = n;
  return candles;
}

static tlw_status give(struct chunked *c, int64_t first, int64_t n, tlw_error *error) {
  const tlw_candles candles = rows_of(c, first, n);
  return tlw_stream_rows(c->stream, &candles, error);
}

static void test_wrong_series(void **state) {
  target *t = *state;
  struct chunked c;
  chunked_open(&c, t);
  tlw_error error;
  const tlw_time_range backwards = {c.range.last, c.range.first, 1}, still = {c.range.first, c.range.last, 0};
  kit_failed(begin(&c, 0, &c.range, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(begin(&c, -1, &c.range, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(begin(&c, (INT64_C(1) << 40) + 1, &c.range, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(begin(&c, ROWS, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(begin(&c, ROWS, &backwards, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(begin(&c, ROWS, &still, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(begin(&c, 1, &c.range, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_series(c.stream, ROWS, &c.range, NULL, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_series(NULL, ROWS, &c.range, &c.batch->options, NULL, &error), TLW_ERR_ARGUMENT, &error);
  tlw_chart_options options = c.batch->options;
  options.height = 1;
  kit_failed(tlw_stream_series(c.stream, ROWS, &c.range, &options, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(give(&c, 0, 1, &error), TLW_ERR_ARGUMENT, &error);

  kit_ok(begin(&c, ROWS, &c.range, &error), &error);
  kit_failed(begin(&c, ROWS, &c.range, &error), TLW_ERR_ARGUMENT, &error);
  kit_ok(give(&c, 0, 100, &error), &error);
  kit_failed(tlw_stream_push(c.stream, &c.all, &c.batch->options, never, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_finish(c.stream, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_run(c.stream, fail_to_produce, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(give(&c, 100, ROWS - 100 + 1, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_rows(c.stream, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_stream_rows(NULL, &c.all, &error), TLW_ERR_ARGUMENT, &error);
  static const int64_t numbers[] = {0, 5};
  tlw_candles candles = rows_of(&c, 100, 5);
  candles.offsets = numbers;
  kit_failed(tlw_stream_rows(c.stream, &candles, &error), TLW_ERR_ARGUMENT, &error);
  candles.offsets = NULL;
  candles.counts = numbers;
  kit_failed(tlw_stream_rows(c.stream, &candles, &error), TLW_ERR_ARGUMENT, &error);
  candles = rows_of(&c, 100, 5);
  candles.volume = NULL;
  kit_failed(tlw_stream_rows(c.stream, &candles, &error), TLW_ERR_ARGUMENT, &error);
  candles = rows_of(&c, 100, 5);
  candles.time = NULL;
  kit_failed(tlw_stream_rows(c.stream, &candles, &error), TLW_ERR_ARGUMENT, &error);
  candles = rows_of(&c, 100, 5);
  candles.n_lines = 1;
  kit_failed(tlw_stream_rows(c.stream, &candles, &error), TLW_ERR_ARGUMENT, &error);
  candles = rows_of(&c, 100, 5);
  candles.stride = 3;
  kit_failed(tlw_stream_rows(c.stream, &candles, &error), TLW_ERR_ARGUMENT, &error);
  assert_int_equal(tlw_stream_rows(c.stream, &candles, NULL), TLW_ERR_ARGUMENT);

  kit_ok(give(&c, 100, ROWS - 100, &error), &error);
  kit_ok(tlw_stream_finish(c.stream, &error), &error);
  kit_failed(give(&c, 0, 1, &error), TLW_ERR_ARGUMENT, &error);
  assert_int_equal(c.run.delivered, 1);
  chunked_close(&c);
  t->cases++;
}

/* A series whose rows are at fault ends the stream; the chart before it is delivered. */
static void expect_bad_rows(const target *t, tlw_time_range range, int64_t row) {
  struct chunked c;
  chunked_open(&c, t);
  tlw_error error;
  kit_ok(begin(&c, ROWS, &c.range, &error), &error);
  kit_ok(give(&c, 0, ROWS, &error), &error);
  range.first += c.range.first;
  range.last += c.range.last;
  range.step += c.range.step;
  kit_ok(begin(&c, ROWS, &range, &error), &error);
  tlw_status status = TLW_OK;
  for (int64_t first = 0; first < ROWS && status == TLW_OK; first += 7)
    status = give(&c, first, first + 7 < ROWS ? 7 : ROWS - first, &error);
  kit_failed(status, TLW_ERR_DATA, &error);
  assert_int_equal(error.row, row);
  tlw_error again;
  kit_failed(tlw_stream_finish(c.stream, &again), TLW_ERR_DATA, &again);
  assert_int_equal(again.row, row);
  assert_int_equal(c.run.delivered, 1);
  expect_sticky(c.stream, c.engine, c.batch, &error);
  chunked_close(&c);
}

static void test_rows_that_break_the_range(void **state) {
  target *t = *state;
  expect_bad_rows(t, (tlw_time_range){-1, 0, 0}, 0);
  expect_bad_rows(t, (tlw_time_range){1, 0, 0}, 0);
  expect_bad_rows(t, (tlw_time_range){0, -1, 0}, ROWS - 1);
  expect_bad_rows(t, (tlw_time_range){0, 1, 0}, ROWS - 1);
  expect_bad_rows(t, (tlw_time_range){0, 0, 1}, 1);
  t->cases += 5;
}

static void test_rows_that_go_back(void **state) {
  target *t = *state;
  struct chunked c;
  chunked_open(&c, t);
  c.batch->data.time[101] = c.batch->data.time[100] - 1;
  tlw_error error;
  kit_ok(begin(&c, ROWS, &c.range, &error), &error);
  kit_ok(give(&c, 0, 101, &error), &error);
  kit_failed(give(&c, 101, 50, &error), TLW_ERR_DATA, &error);
  assert_int_equal(error.row, 101);
  kit_failed(give(&c, 101, 50, &error), TLW_ERR_DATA, &error);
  assert_int_equal(error.row, 101);
  chunked_close(&c);
  t->cases++;
}

/* Two rows as far apart as times can be. */
static void test_rows_at_both_ends_of_time(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  kit_plan plan;
  kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 80, 60, 2, 1);
  b->options.axis = TLW_AXIS_TIME;
  b->data.time[0] = INT64_MIN;
  b->data.time[1] = INT64_MAX;
  b->way = KIT_ROWS;
  kit_plan_draw(&plan);
  rng r = {8};
  kit_pass(&plan, TLW_STREAM_RASTER, &engine, 1, 2, 1, &r);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_random_batches, t),
      cmocka_unit_test_prestate(test_many_small_charts, t),
      cmocka_unit_test_prestate(test_several_engines, t),
      cmocka_unit_test_prestate(test_bands_without_a_budget, t),
      cmocka_unit_test_prestate(test_digests_of_bands, t),
      cmocka_unit_test_prestate(test_nothing_to_draw, t),
      cmocka_unit_test_prestate(test_goes_on_after_finish, t),
      cmocka_unit_test_prestate(test_copies_are_counted, t),
      cmocka_unit_test_prestate(test_back_pressure, t),
      cmocka_unit_test_prestate(test_sink_that_fails, t),
      cmocka_unit_test_prestate(test_bad_series, t),
      cmocka_unit_test_prestate(test_producer_that_fails, t),
      cmocka_unit_test_prestate(test_cancel, t),
      cmocka_unit_test_prestate(test_close_at_any_time, t),
      cmocka_unit_test_prestate(test_two_streams_and_renders, t),
      cmocka_unit_test_prestate(test_wrong_options, t),
      cmocka_unit_test_prestate(test_wrong_pushes, t),
      cmocka_unit_test_prestate(test_wrong_series, t),
      cmocka_unit_test_prestate(test_rows_that_break_the_range, t),
      cmocka_unit_test_prestate(test_rows_that_go_back, t),
      cmocka_unit_test_prestate(test_rows_at_both_ends_of_time, t),
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
