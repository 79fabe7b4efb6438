/*
 * Streams that are stopped: images that were begun are delivered whole and in order, none is begun any more, calls that
 * wait return, batches are released; at any moment, twice, before a cancel, beside failures, finish, close and resets.
 *
 *   test_stop [TARGET...]           cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             at most so many random cases
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
#include "window_jobs.h"

#define FIRST_SEED 20250801

static tlw_engine *engine_of(const target *t, uint64_t host_budget) {
  target_limits limits = no_limits;
  limits.threads = 2;
  if (host_budget > 0) limits.host_budget = host_budget;
  return kit_engine(t, &limits);
}

static tlw_stream *stream_over(kit_run *run, tlw_engine *const *engines, size_t n, uint32_t slots, uint32_t encoders) {
  const tlw_stream_options options = kit_options(run, slots, encoders);
  tlw_stream *stream = NULL;
  tlw_error error;
  kit_ok(tlw_stream_open(&stream, engines, n, &options, &error), &error);
  return stream;
}

static uint64_t charts_of(tlw_engine *const *engines, size_t n) {
  uint64_t charts = 0;
  for (size_t i = 0; i < n; i++) charts += kit_stats(engines[i]).charts;
  return charts;
}

/* Every call says that it was stopped, and all batches are released. */
static void expect_stopped(tlw_stream *stream, kit_run *run) {
  const kit_batch *b = &run->plan->batches[0];
  tlw_candles candles = kit_view(b);
  for (int i = 0; i < 8; i++) {
    tlw_error error = {.code = TLW_OK};
    tlw_status status = TLW_OK;
    if (i % 4 == 0) status = tlw_stream_finish(stream, &error);
    if (i % 4 == 1) status = tlw_stream_push(stream, &candles, &b->options, NULL, NULL, &error);
    if (i % 4 == 2) status = tlw_stream_series(stream, 5, NULL, &b->options, NULL, &error);
    if (i % 4 == 3) status = tlw_stream_rows(stream, &candles, &error);
    kit_failed(status, TLW_ERR_CANCELLED, &error);
    assert_string_equal(error.message, "the stream was stopped");
  }
  assert_int_equal(kit_unreleased(run), 0);
}

/* No image was left in its middle. */
static void expect_whole(const kit_run *run) {
  assert_int_equal(run->next_row, 0);
  assert_int_equal(run->file_size, 0);
}

/* ---- what is still delivered ---- */

/* A plan of n batches of one chart, of which a piece of work holds one. */
static void open_singles(kit_plan *plan, int n, kit_way way) {
  memset(plan, 0, sizeof *plan);
  plan->seed = FIRST_SEED;
  plan->n_batches = n;
  for (int i = 0; i < n; i++) {
    kit_plan single;
    plan->batches[i] = *kit_plan_single(&single, FIRST_SEED + (uint64_t)i, 520 + i, 530, 10 + i, 1);
    plan->batches[i].way = way;
  }
  kit_plan_draw(plan);
}

static tlw_status hold_first(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  if (piece->chart == 0) kit_gate_pass(run->hook_user);
  return TLW_OK;
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

#define SINGLES 40

/*
 * With the sink at the first chart and all slots full: pushes that wait for room return at once, and what is delivered
 * then is what the slots hold, neither more nor less.
 */
static void stop_full_slots(tlw_engine *const *engines, size_t n_engines, tlw_stream_format format, uint32_t slots,
                            kit_way way) {
  kit_plan plan;
  open_singles(&plan, SINGLES, way);
  kit_run run;
  kit_run_open(&run, &plan, format);
  kit_gate gate = KIT_GATE;
  run.digest = format == TLW_STREAM_PNG;
  run.hook = hold_first;
  run.hook_user = &gate;
  const uint64_t before = charts_of(engines, n_engines), held = slots * n_engines;
  tlw_stream *stream = stream_over(&run, engines, n_engines, slots, 2);
  struct feeder f = {.run = &run, .stream = stream};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
  while (charts_of(engines, n_engines) - before < held) sched_yield();
  kit_gate_await(&gate);
  tlw_stream_stop(stream);
  assert_int_equal(pthread_join(thread, NULL), 0);
  kit_failed(f.status, TLW_ERR_CANCELLED, &f.error);
  assert_int_equal(run.delivered, 0);
  kit_gate_open(&gate);
  tlw_error error;
  kit_failed(tlw_stream_finish(stream, &error), TLW_ERR_CANCELLED, &error);
  assert_int_equal(run.delivered, held);
  assert_int_equal(charts_of(engines, n_engines) - before, held);
  expect_stopped(stream, &run);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  kit_plan_close(&plan);
}

static void test_what_the_slots_hold(void **state) {
  target *t = *state;
  tlw_engine *engines[3] = {engine_of(t, 0), engine_of(t, 0), engine_of(t, 0)};
  for (size_t n = 1; n <= 3; n++) {
    for (uint32_t slots = 2; slots <= (n == 1 ? 4 : 2); slots++) {
      stop_full_slots(engines, n, TLW_STREAM_RASTER, slots, KIT_RELEASE);
      stop_full_slots(engines, n, TLW_STREAM_PNG, slots, KIT_RELEASE);
      stop_full_slots(engines, n, TLW_STREAM_PNG, slots, KIT_ROWS);
      t->cases += 3;
    }
  }
  for (int i = 0; i < 3; i++) tlw_engine_close(&engines[i]);
}

/* Rolling windows take their turn beside a stream that waits for its sink, and go on when it is stopped. */
static void test_windows_beside_a_stream(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 0);
  window_job job;
  window_job_open(&job, FIRST_SEED + 51, 4, 300, 33, 1);
  kit_plan plan;
  open_singles(&plan, SINGLES, KIT_RELEASE);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_RASTER);
  kit_gate gate = KIT_GATE;
  run.hook = hold_first;
  run.hook_user = &gate;
  tlw_stream *stream = stream_over(&run, &engine, 1, 3, 2);
  struct feeder f = {.run = &run, .stream = stream};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
  kit_gate_await(&gate);
  tlw_error error;
  for (int i = 0; i < 3; i++) kit_ok(window_job_run(&job, engine, &error), &error);
  tlw_stream_stop(stream);
  kit_ok(window_job_run(&job, engine, &error), &error);
  assert_int_equal(pthread_join(thread, NULL), 0);
  kit_failed(f.status, TLW_ERR_CANCELLED, &f.error);
  kit_gate_open(&gate);
  kit_failed(tlw_stream_finish(stream, &error), TLW_ERR_CANCELLED, &error);
  kit_ok(window_job_run(&job, engine, &error), &error);
  expect_stopped(stream, &run);
  tlw_stream_close(&stream);
  kit_ok(window_job_run(&job, engine, &error), &error);
  kit_run_close(&run);
  kit_plan_close(&plan);
  window_job_close(&job);
  tlw_engine_close(&engine);
  t->cases++;
}

static tlw_status stop_at_first_piece(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)piece;
  (void)error;
  tlw_stream *const *stream = run->hook_user;
  tlw_stream_stop(*stream);
  return TLW_OK;
}

static tlw_status count_pieces(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  (void)piece;
  ++*(int64_t *)run->hook_user;
  return TLW_OK;
}

/* The least host budget that does for a stream of the plan; the pieces that it then takes. */
static uint64_t least_budget(const target *t, const kit_plan *plan, tlw_stream_format format, int64_t *pieces) {
  for (uint64_t budget = 1;;) {
    target_limits limits = no_limits;
    limits.threads = 2;
    limits.host_budget = budget;
    tlw_engine *engine = NULL;
    tlw_stream *stream = NULL;
    tlw_error error;
    kit_run run;
    *pieces = 0;
    kit_run_open(&run, plan, format);
    run.digest = format == TLW_STREAM_PNG;
    run.hook = count_pieces;
    run.hook_user = pieces;
    const tlw_stream_options options = kit_options(&run, 3, 2);
    rng r = {1};
    tlw_status status = target_open(t, &limits, &engine, &error);
    if (status == TLW_OK) status = tlw_stream_open(&stream, &engine, 1, &options, &error);
    if (status == TLW_OK) status = kit_feed(&run, stream, 0, &r, NULL, &error);
    if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
    tlw_stream_close(&stream);
    tlw_engine_close(&engine);
    if (status == TLW_OK) assert_int_equal(run.delivered, plan->n_charts);
    kit_run_close(&run);
    if (status == TLW_OK) return budget;
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_true(error.bytes > budget);
    budget = error.bytes;
  }
}

/* An image that is drawn in bands is drawn to its end, and the next is not begun. */
static void test_image_in_bands(void **state) {
  target *t = *state;
  kit_plan plan;
  kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 400, 360, 900, 3);
  kit_plan_draw(&plan);
  for (int format = TLW_STREAM_RASTER; format <= TLW_STREAM_PNG; format++) {
    for (int way = KIT_PUSH; way <= KIT_RELEASE; way++) {
      b->way = (kit_way)way;
      int64_t pieces;
      const uint64_t budget = least_budget(t, &plan, (tlw_stream_format)format, &pieces);
      assert_true(format == TLW_STREAM_PNG || pieces > 30);
      tlw_engine *engine = engine_of(t, budget);
      kit_run run;
      kit_run_open(&run, &plan, (tlw_stream_format)format);
      run.digest = format == TLW_STREAM_PNG;
      tlw_stream *stream = stream_over(&run, &engine, 1, 3, 2);
      run.hook = stop_at_first_piece;
      run.hook_user = &stream;
      rng r = {2};
      tlw_error error;
      tlw_status status = kit_feed(&run, stream, 0, &r, NULL, &error);
      if (status != TLW_OK) kit_failed(status, TLW_ERR_CANCELLED, &error);
      expect_stopped(stream, &run);
      expect_whole(&run);
      assert_int_equal(run.delivered, 1);
      tlw_stream_close(&stream);
      kit_run_close(&run);
      tlw_engine_close(&engine);
      t->cases++;
    }
  }
  kit_plan_close(&plan);
}

/* ---- at any moment ---- */

enum moment { ON_A_THREAD, IN_THE_SINK, IN_A_RELEASE, AT_FIRST, AFTER_ALL_PUSHES, AFTER_FINISH, MOMENTS };

struct stopper {
  kit_run *run;
  tlw_stream *stream;
  int64_t at; /* chart or release */
  int times;
};

static void stop(const struct stopper *s) {
  for (int i = 0; i < s->times; i++) tlw_stream_stop(s->stream);
}

static void *stop_on_a_thread(void *argument) {
  const struct stopper *s = argument;
  while (s->run->delivered < s->at) sched_yield();
  stop(s);
  return NULL;
}

static tlw_status stop_in_sink(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  const struct stopper *s = run->hook_user;
  if (piece->chart == s->at) stop(s);
  return TLW_OK;
}

static void stop_in_release(kit_run *run) {
  const struct stopper *s = run->hook_user;
  if (run->releases > s->at) stop(s);
}

static void stop_plan(tlw_engine *const *engines, size_t n_engines, const kit_plan *plan, enum moment moment, rng *r) {
  kit_run run;
  kit_run_open(&run, plan, rng_below(r, 2) == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
  run.no_user = rng_below(r, 4) == 0;
  run.digest = run.format == TLW_STREAM_PNG && rng_below(r, 2) == 0;
  const int64_t at = (int64_t)rng_below(r, moment == IN_A_RELEASE ? 3 : (uint64_t)plan->n_charts + 1);
  const uint64_t before = charts_of(engines, n_engines);
  tlw_stream *stream =
      stream_over(&run, engines, n_engines, 2 + (uint32_t)rng_below(r, 3), 1 + (uint32_t)rng_below(r, 5));
  struct stopper s = {&run, stream, at, 1 + (int)rng_below(r, 2)};
  run.hook_user = &s;
  if (moment == IN_THE_SINK) run.hook = stop_in_sink;
  if (moment == IN_A_RELEASE) run.on_release = stop_in_release;
  if (moment == AT_FIRST) stop(&s);
  pthread_t thread;
  if (moment == ON_A_THREAD) assert_int_equal(pthread_create(&thread, NULL, stop_on_a_thread, &s), 0);
  tlw_error error;
  tlw_status status = run.no_user ? kit_feed_by_run(&run, stream, &error) : kit_feed(&run, stream, 0, r, NULL, &error);
  if (moment == AFTER_ALL_PUSHES) stop(&s);
  const bool raced = moment == ON_A_THREAD || moment == IN_THE_SINK || moment == IN_A_RELEASE;
  if (status != TLW_OK) kit_failed(status, TLW_ERR_CANCELLED, &error);
  status = tlw_stream_finish(stream, &error);
  if (raced ? status != TLW_OK : moment != AFTER_FINISH) kit_failed(status, TLW_ERR_CANCELLED, &error);
  if (moment == ON_A_THREAD) assert_int_equal(pthread_join(thread, NULL), 0);
  if (status == TLW_OK) {
    assert_int_equal(run.delivered, plan->n_charts);
    stop(&s);
  }
  if (moment == AT_FIRST) assert_int_equal(run.delivered, 0);
  if (moment == IN_THE_SINK && at < plan->n_charts) assert_true(run.delivered > at);
  expect_stopped(stream, &run);
  expect_whole(&run);
  /* One engine draws nothing in vain. */
  if (n_engines == 1) assert_int_equal(charts_of(engines, 1) - before, run.delivered);
  tlw_stream_close(&stream);
  kit_run_close(&run);
}

static void test_any_moment(void **state) {
  target *t = *state;
  tlw_engine *engines[3] = {engine_of(t, 0), engine_of(t, 0), engine_of(t, 0)};
  const int64_t n = kit_cases(kit_for(t, 240, 72));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 100 + (uint64_t)i};
    kit_plan plan;
    const kit_shape shape = {.batches = 9, .most_side = 120, .most_series = i % 3 == 0 ? 200 : 12};
    kit_plan_open(&plan, r.state, &shape);
    stop_plan(engines, i % 4 == 0 ? 3 : 1, &plan, (enum moment)(i % MOMENTS), &r);
    assert_true(kit_renders(engines[0], &plan.batches[0]));
    kit_plan_close(&plan);
    t->cases++;
  }
  for (int i = 0; i < 3; i++) tlw_engine_close(&engines[i]);
}

/* ---- beside other ends ---- */

enum end { END_CANCEL, END_CLOSE, END_RESET, END_FINISH, ENDS };

static tlw_status slow_down(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)run;
  (void)piece;
  (void)error;
  for (int i = 0; i < 20; i++) sched_yield();
  return TLW_OK;
}

static void *do_stop(void *argument) {
  for (int i = 0; i < 3; i++) {
    tlw_stream_stop(argument);
    sched_yield();
  }
  return NULL;
}

/* A stop, and at the same time, or right behind it, another end. */
static void test_other_ends(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 0);
  const int64_t n = kit_cases(kit_for(t, 80, 32));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 2000 + (uint64_t)i};
    kit_plan plan;
    const kit_shape shape = {.batches = 6, .most_side = 120, .most_series = 30};
    kit_plan_open(&plan, r.state, &shape);
    kit_run run;
    kit_run_open(&run, &plan, i % 2 == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    run.hook = slow_down;
    tlw_stream *stream = stream_over(&run, &engine, 1, 3, 2);
    tlw_error error;
    kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
    const enum end end = (enum end)(i / 2 % ENDS);
    const bool threaded = i / 8 % 2 == 0;
    pthread_t thread;
    if (threaded)
      assert_int_equal(pthread_create(&thread, NULL, do_stop, stream), 0);
    else
      tlw_stream_stop(stream);
    if (end == END_CANCEL) tlw_stream_cancel(stream);
    if (end == END_RESET) kit_ok(tlw_engine_reset(engine, TLW_RESET_SESSION, &error), &error);
    if (end == END_FINISH) {
      const tlw_status status = tlw_stream_finish(stream, &error);
      if (!threaded || status != TLW_OK) kit_failed(status, TLW_ERR_CANCELLED, &error);
      expect_whole(&run);
    }
    if (threaded) assert_int_equal(pthread_join(thread, NULL), 0);
    if (end != END_CLOSE) {
      const tlw_status status = tlw_stream_finish(stream, &error);
      const bool reset_first = end == END_RESET && threaded && status == TLW_ERR_STALE;
      kit_failed(status, reset_first ? TLW_ERR_STALE : TLW_ERR_CANCELLED, &error);
      assert_int_equal(kit_unreleased(&run), 0);
    }
    tlw_stream_close(&stream);
    kit_run_close(&run);
    assert_true(kit_renders(engine, &plan.batches[0]));
    kit_plan_close(&plan);
    t->cases++;
  }
  tlw_engine_close(&engine);
}

struct refusal {
  kit_gate gate;
  int64_t chart;
};

static tlw_status hold_first_and_refuse(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  struct refusal *refusal = run->hook_user;
  if (piece->chart == 0) kit_gate_pass(&refusal->gate);
  if (piece->chart != refusal->chart) return TLW_OK;
  snprintf(error->message, sizeof error->message, "no room for chart %lld", (long long)piece->chart);
  return TLW_ERR_IO;
}

/* A failure of what is still delivered is what the stream ends with; so is one that was there before. */
static void test_failures(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 0);
  for (int kind = 0; kind < 4; kind++) {
    kit_plan plan;
    open_singles(&plan, 7, KIT_RELEASE);
    kit_run run;
    kit_run_open(&run, &plan, kind % 2 == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    struct refusal refusal = {.gate = KIT_GATE, .chart = 1};
    const bool stop_first = kind < 2;
    run.hook = hold_first_and_refuse;
    run.hook_user = &refusal;
    const uint64_t before = kit_stats(engine).charts;
    tlw_stream *stream = stream_over(&run, &engine, 1, 2, 1);
    rng r = {1};
    tlw_error error;
    kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
    while (kit_stats(engine).charts - before < 2) sched_yield();
    kit_gate_await(&refusal.gate);
    if (stop_first) tlw_stream_stop(stream);
    kit_gate_open(&refusal.gate);
    for (int i = 0; i < 2; i++) {
      kit_failed(tlw_stream_finish(stream, &error), TLW_ERR_IO, &error);
      assert_string_equal(error.message, "no room for chart 1");
      tlw_stream_stop(stream);
    }
    assert_int_equal(run.delivered, 1);
    assert_int_equal(kit_unreleased(&run), 0);
    tlw_stream_close(&stream);
    kit_run_close(&run);
    kit_plan_close(&plan);
    t->cases++;
  }
  tlw_engine_close(&engine);
}

/* What was pushed before the rows at fault is delivered, stop or not, for the stream had failed already. */
static void test_stop_after_bad_rows(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 0);
  kit_plan plan;
  open_singles(&plan, 7, KIT_RELEASE);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_PNG);
  kit_gate gate = KIT_GATE;
  run.hook = hold_first;
  run.hook_user = &gate;
  tlw_stream *stream = stream_over(&run, &engine, 1, 2, 1);
  rng r = {1};
  tlw_error error;
  kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
  tlw_chart_options options = plan.batches[0].options;
  options.axis = TLW_AXIS_TIME;
  const int64_t time[2] = {5, 4};
  const double price[2] = {1, 1};
  const tlw_time_range range = {5, 9, 1};
  tlw_candles rows;
  tlw_candles_init(&rows);
  rows.open = rows.high = rows.low = rows.close = rows.volume = price;
  rows.time = time;
  rows.n_rows = 2;
  kit_ok(tlw_stream_series(stream, 2, &range, &options, NULL, &error), &error);
  kit_failed(tlw_stream_rows(stream, &rows, &error), TLW_ERR_DATA, &error);
  tlw_stream_stop(stream);
  kit_gate_open(&gate);
  kit_failed(tlw_stream_finish(stream, &error), TLW_ERR_DATA, &error);
  assert_int_equal(run.delivered, 7);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- series in chunks ---- */

/* A series whose rows are not complete is not drawn, and its memory is given back. */
static void test_series_that_is_begun(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 0);
  for (int kind = 0; kind < 3; kind++) {
    kit_plan plan;
    kit_batch *b = kit_plan_single(&plan, FIRST_SEED + 5, 90, 70, 400, 1);
    kit_plan_draw(&plan);
    kit_run run;
    kit_run_open(&run, &plan, TLW_STREAM_PNG);
    tlw_stream *stream = stream_over(&run, &engine, 1, 2, 1);
    rng r = {3};
    tlw_error error;
    kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
    kit_ok(tlw_stream_finish(stream, &error), &error);
    const uint64_t before = kit_stats(engine).host_bytes.current;
    tlw_candles rows = kit_view(b);
    rows.offsets = NULL;
    rows.n_rows = 200;
    kit_ok(tlw_stream_series(stream, 400, NULL, &b->options, b, &error), &error);
    kit_ok(tlw_stream_rows(stream, &rows, &error), &error);
    tlw_stream_stop(stream);
    if (kind == 0) kit_failed(tlw_stream_rows(stream, &rows, &error), TLW_ERR_CANCELLED, &error);
    if (kind < 2) {
      expect_stopped(stream, &run);
      assert_true(kit_stats(engine).host_bytes.current <= before);
    }
    tlw_stream_close(&stream);
    assert_int_equal(run.delivered, 1);
    kit_run_close(&run);
    kit_plan_close(&plan);
    t->cases++;
  }
  tlw_stream_stop(NULL);
  tlw_engine_close(&engine);
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_what_the_slots_hold, t),
      cmocka_unit_test_prestate(test_windows_beside_a_stream, t),
      cmocka_unit_test_prestate(test_image_in_bands, t),
      cmocka_unit_test_prestate(test_any_moment, t),
      cmocka_unit_test_prestate(test_other_ends, t),
      cmocka_unit_test_prestate(test_failures, t),
      cmocka_unit_test_prestate(test_stop_after_bad_rows, t),
      cmocka_unit_test_prestate(test_series_that_is_begun, t),
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
