/*
 * Resets: with streams and renders at work, from other threads, twice in a row and at once; what they make stale, what
 * they give back, and that everything is drawn and computed right afterwards.
 *
 *   test_reset [TARGET...]          cpu, opencl, cuda; or TALLOW_TEST_TARGETS
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

static tlw_engine *engine_of(const target *t) {
  target_limits limits = no_limits;
  limits.threads = 2;
  limits.device_budget = UINT64_C(64) << 20;
  kit_driver_restart();
  return kit_engine(t, &limits);
}

static tlw_stream *stream_of(kit_run *run, tlw_engine *engine) {
  const tlw_stream_options options = kit_options(run, 3, 2);
  tlw_stream *stream = NULL;
  tlw_error error;
  kit_ok(tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
  return stream;
}

static tlw_buffer buffer_of(tlw_engine *engine) {
  tlw_buffer buffer;
  tlw_error error;
  kit_ok(tlw_buffer_alloc(engine, 1000, &buffer, &error), &error);
  return buffer;
}

static void expect_stale_buffer(tlw_engine *engine, tlw_buffer buffer) {
  char bytes[8] = {0};
  uint64_t size;
  tlw_error error;
  kit_failed(tlw_buffer_size(engine, buffer, &size, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_write(engine, buffer, 0, bytes, 8, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_read(engine, buffer, 0, bytes, 8, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_free(engine, &buffer, &error), TLW_ERR_STALE, &error);
  assert_int_equal(buffer.id, 0);
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
}

static void expect_stale_stream(tlw_stream *stream, const kit_batch *b) {
  const tlw_candles candles = kit_view(b);
  tlw_candles rows = candles;
  rows.offsets = rows.counts = NULL;
  rows.n_series = 1;
  tlw_error error;
  for (int i = 0; i < 2; i++) {
    kit_failed(tlw_stream_push(stream, &candles, &b->options, NULL, NULL, &error), TLW_ERR_STALE, &error);
    kit_failed(tlw_stream_rows(stream, &rows, &error), TLW_ERR_STALE, &error);
    kit_failed(tlw_stream_series(stream, 4, NULL, &b->options, NULL, &error), TLW_ERR_STALE, &error);
    kit_failed(tlw_stream_finish(stream, &error), TLW_ERR_STALE, &error);
    tlw_stream_cancel(stream);
  }
}

static void reset(tlw_engine *engine, tlw_reset level) {
  tlw_error error;
  memset(&error, 0x5A, sizeof error);
  const tlw_error untouched = error;
  kit_ok(tlw_engine_reset(engine, level, &error), &error);
  assert_memory_equal(&error, &untouched, sizeof error);
}

/* Everything that a memory reset has to give back, `own` being the records of streams that are open. */
static void expect_bare(const tlw_engine *engine, uint64_t own) {
  const tlw_stats stats = kit_stats(engine);
  assert_int_equal(stats.host_bytes.current, own);
  assert_int_equal(stats.device_bytes.current, 0);
  assert_int_equal(stats.pool_bytes.current, 0);
  assert_int_equal(kit_driver_bytes(), 0);
}

/* Host bytes of an engine that was just opened, less the slabs that it took at once. */
static uint64_t bare_bytes(tlw_engine *engine) {
  reset(engine, TLW_RESET_MEMORY);
  return kit_stats(engine).host_bytes.current;
}

/* ---- levels ---- */

static void test_idle(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  const uint64_t opened = kit_stats(engine).host_bytes.current, bare = bare_bytes(engine);
  assert_true(bare <= opened && (bare == opened || t->backend != TLW_BACKEND_CPU));
  kit_plan plan;
  const kit_shape shape = {.batches = 3};
  kit_plan_open(&plan, FIRST_SEED, &shape);
  static const tlw_reset levels[] = {TLW_RESET_MEMORY,  TLW_RESET_MEMORY, TLW_RESET_SESSION,
                                     TLW_RESET_SESSION, TLW_RESET_MEMORY, TLW_RESET_SESSION};
  uint64_t resets = 1;
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    tlw_buffer buffers[3];
    for (int k = 0; k < 3; k++) buffers[k] = buffer_of(engine);
    kit_run run;
    kit_run_open(&run, &plan, TLW_STREAM_PNG);
    tlw_stream *stream = stream_of(&run, engine);
    rng r = {1};
    tlw_error error;
    kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
    kit_ok(tlw_stream_finish(stream, &error), &error);
    for (int k = 0; k < plan.n_batches; k++) assert_true(kit_renders(engine, &plan.batches[k]));
    const tlw_stats before = kit_stats(engine);
    reset(engine, levels[i]);
    const tlw_stats after = kit_stats(engine);
    assert_int_equal(after.resets, ++resets);
    assert_int_equal(after.pool_bytes.current, 0);
    assert_int_equal(after.charts, before.charts);
    assert_true(after.host_bytes.total >= before.host_bytes.total);
    assert_int_equal(after.host_bytes.peak, before.host_bytes.peak);
    if (levels[i] == TLW_RESET_SESSION) assert_int_equal(after.device_bytes.current, before.device_bytes.current);
    expect_stale_stream(stream, &plan.batches[0]);
    for (int k = 0; k < 3; k++) expect_stale_buffer(engine, buffers[k]);
    tlw_stream_close(&stream);
    kit_run_close(&run);
    if (levels[i] == TLW_RESET_MEMORY) expect_bare(engine, bare);
    reset(engine, levels[i]);
    resets++;
    for (int k = 0; k < plan.n_batches; k++) assert_true(kit_renders(engine, &plan.batches[k]));
    t->cases++;
  }
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
}

static void test_statistics(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  kit_plan plan;
  const kit_shape shape = {.batches = 3};
  kit_plan_open(&plan, FIRST_SEED + 1, &shape);
  tlw_buffer buffer = buffer_of(engine);
  rng r = {1};
  kit_pass(&plan, TLW_STREAM_PNG, &engine, 1, 3, 2, &r);
  const tlw_stats before = kit_stats(engine);
  assert_true(before.charts > 0 && before.operations > 0 && before.host_bytes.total > before.host_bytes.current);
  reset(engine, TLW_RESET_STATS);
  tlw_stats stats = kit_stats(engine);
  assert_int_equal(stats.host_bytes.current, before.host_bytes.current);
  assert_int_equal(stats.host_bytes.peak, before.host_bytes.current);
  assert_int_equal(stats.host_bytes.total, 0);
  assert_int_equal(stats.device_bytes.current, before.device_bytes.current);
  assert_int_equal(stats.device_bytes.peak, before.device_bytes.current);
  assert_int_equal(stats.device_bytes.total, 0);
  assert_int_equal(stats.pool_bytes.current, before.pool_bytes.current);
  assert_int_equal(stats.pool_bytes.peak, before.pool_bytes.current);
  assert_int_equal(stats.pool_bytes.total, 0);
  assert_int_equal(stats.device_budget, before.device_budget);
  assert_int_equal(stats.host_budget, before.host_budget);
  assert_int_equal(stats.threads, before.threads);
  const uint64_t zeros[] = {stats.charts,
                            stats.candles,
                            stats.pixels,
                            stats.values,
                            stats.images,
                            stats.launches,
                            stats.uploaded,
                            stats.downloaded,
                            stats.copied,
                            stats.reduced,
                            stats.resets,
                            stats.trims,
                            stats.halvings,
                            stats.fallbacks,
                            stats.failures,
                            stats.operations,
                            stats.to_cpu,
                            stats.fallbacks_memory,
                            stats.fallbacks_unavailable};
  for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) assert_int_equal(zeros[i], 0);
  static tlw_record records[TLW_RECORDS];
  size_t count = 99;
  assert_int_equal(tlw_engine_records(engine, records, TLW_RECORDS, &count, NULL), TLW_OK);
  assert_int_equal(count, 0);
  /* Buffers and streams go on. */
  uint64_t size;
  tlw_error error;
  kit_ok(tlw_buffer_size(engine, buffer, &size, &error), &error);
  assert_int_equal(size, 1000);
  r.state = 1;
  kit_pass(&plan, TLW_STREAM_PNG, &engine, 1, 3, 2, &r);
  stats = kit_stats(engine);
  assert_int_equal(stats.charts, before.charts);
  assert_int_equal(stats.candles, before.candles);
  assert_int_equal(stats.pixels, before.pixels);
  assert_int_equal(tlw_engine_records(engine, records, TLW_RECORDS, &count, NULL), TLW_OK);
  assert_int_equal(records[0].number, stats.operations > TLW_RECORDS ? stats.operations - TLW_RECORDS + 1 : 1);
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

static void test_arguments(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  tlw_error error;
  for (int level = TLW_RESET_STATS; level <= TLW_RESET_MEMORY; level++)
    kit_failed(tlw_engine_reset(NULL, (tlw_reset)level, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_engine_reset(engine, (tlw_reset)3, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_engine_reset(engine, (tlw_reset)-1, &error), TLW_ERR_ARGUMENT, &error);
  assert_int_equal(tlw_engine_reset(engine, (tlw_reset)3, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(kit_stats(engine).resets, 0);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- at work ---- */

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
  if (f->status == TLW_OK) f->status = tlw_stream_finish(f->stream, &f->error);
  return NULL;
}

struct resetter {
  tlw_engine *engine;
  kit_run *run;
  int64_t at; /* charts to be delivered before */
  tlw_reset level;
  int times;
  tlw_status status;
};

static void *reset_at(void *argument) {
  struct resetter *s = argument;
  while (s->run->delivered < s->at) sched_yield();
  for (int i = 0; i < s->times; i++) {
    const tlw_status status = tlw_engine_reset(s->engine, s->level, NULL);
    if (status != TLW_OK) s->status = status;
  }
  return NULL;
}

/*
 * Two streams at work, one or two threads that reset at random moments: the streams end as stale, unless they were
 * done, after images that are right.
 */
static void test_streams_at_work(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  const uint64_t bare = bare_bytes(engine);
  const int64_t n = kit_cases(kit_for(t, 60, 20));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 1000 + (uint64_t)i};
    kit_plan plans[2];
    kit_run runs[2];
    struct feeder feeders[2];
    pthread_t threads[4];
    const kit_shape shape = {.batches = 8, .most_side = 150};
    const tlw_buffer buffer = buffer_of(engine);
    for (int k = 0; k < 2; k++) {
      kit_plan_open(&plans[k], rng_next(&r), &shape);
      kit_run_open(&runs[k], &plans[k], k == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
      runs[k].no_user = rng_below(&r, 4) == 0;
      feeders[k] = (struct feeder){.run = &runs[k], .stream = stream_of(&runs[k], engine)};
    }
    struct resetter resetters[2];
    const tlw_reset level = i % 2 == 0 ? TLW_RESET_MEMORY : TLW_RESET_SESSION;
    for (int k = 0; k < 2; k++) {
      const int64_t at = (int64_t)rng_below(&r, (uint64_t)plans[0].n_charts);
      resetters[k] = (struct resetter){
          engine, &runs[0], k == 0 || i % 3 != 0 ? at : resetters[0].at, level, 1 + (int)rng_below(&r, 2), TLW_OK};
    }
    /* The second one may wait for what the first has dropped. */
    resetters[1].at = resetters[1].at < resetters[0].at ? resetters[1].at : resetters[0].at;
    if (resetters[1].at < resetters[0].at) resetters[0].at = resetters[1].at;
    for (int k = 0; k < 2; k++) assert_int_equal(pthread_create(&threads[k], NULL, feed, &feeders[k]), 0);
    for (int k = 0; k < 2; k++) assert_int_equal(pthread_create(&threads[2 + k], NULL, reset_at, &resetters[k]), 0);
    for (int k = 0; k < 4; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
    for (int k = 0; k < 2; k++) {
      assert_int_equal(resetters[k].status, TLW_OK);
      if (feeders[k].status != TLW_OK)
        kit_failed(feeders[k].status, TLW_ERR_STALE, &feeders[k].error);
      else
        assert_int_equal(runs[k].delivered, plans[k].n_charts);
      expect_stale_stream(feeders[k].stream, &plans[k].batches[0]);
    }
    expect_stale_buffer(engine, buffer);
    if (level == TLW_RESET_SESSION) reset(engine, TLW_RESET_MEMORY);
    for (int k = 0; k < 2; k++) tlw_stream_close(&feeders[k].stream);
    expect_bare(engine, bare);
    for (int k = 0; k < 2; k++) {
      kit_run_close(&runs[k]);
      assert_true(kit_renders(engine, &plans[k].batches[0]));
      kit_plan_close(&plans[k]);
    }
    t->cases++;
  }
  tlw_engine_close(&engine);
}

/* While the streams are still open, what is left beside their own records is nothing. */
static void test_open_streams_keep_their_records_only(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  const uint64_t bare = bare_bytes(engine);
  kit_plan plan;
  const kit_shape shape = {.batches = 4, .most_side = 150};
  kit_plan_open(&plan, FIRST_SEED + 11, &shape);
  kit_run runs[2];
  tlw_stream *streams[2];
  for (int k = 0; k < 2; k++) {
    kit_run_open(&runs[k], &plan, k == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    streams[k] = stream_of(&runs[k], engine);
  }
  const uint64_t own = kit_stats(engine).host_bytes.current;
  assert_true(own > bare);
  for (int k = 0; k < 2; k++) {
    rng r = {1};
    tlw_error error;
    kit_ok(kit_feed(&runs[k], streams[k], 0, &r, NULL, &error), &error);
  }
  reset(engine, TLW_RESET_MEMORY);
  expect_bare(engine, own);
  for (int k = 0; k < 2; k++) {
    tlw_stream_close(&streams[k]);
    kit_run_close(&runs[k]);
  }
  expect_bare(engine, bare);
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

/* A series of which only a part was given. */
static void test_in_the_middle_of_a_series(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  const uint64_t bare = bare_bytes(engine);
  kit_plan plan;
  const kit_batch *b = kit_plan_single(&plan, FIRST_SEED, 100, 80, 500, 1);
  kit_plan_draw(&plan);
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_RASTER);
  tlw_stream *stream = stream_of(&run, engine);
  tlw_candles candles = kit_view(b);
  candles.offsets = NULL;
  candles.n_rows = 100;
  tlw_error error;
  kit_ok(tlw_stream_series(stream, 500, NULL, &b->options, NULL, &error), &error);
  kit_ok(tlw_stream_rows(stream, &candles, &error), &error);
  reset(engine, TLW_RESET_MEMORY);
  kit_failed(tlw_stream_rows(stream, &candles, &error), TLW_ERR_STALE, &error);
  expect_stale_stream(stream, b);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  expect_bare(engine, bare);
  assert_true(kit_renders(engine, b));
  kit_plan_close(&plan);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- rolling windows ---- */

#define WINDOW_STATES 27

/* What a run keeps is given back; states are no part of that and go on with the right bits. */
static void test_windows(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  const uint64_t bare = bare_bytes(engine);
  window_job job;
  window_job_open(&job, FIRST_SEED + 41, 3, 400, 37, 1);
  assert_true(job.c.n_specs <= WINDOW_STATES);
  tlw_window_state *states[WINDOW_STATES];
  tlw_error error;
  uint64_t own = bare;
  for (int32_t k = 0; k < job.c.n_specs; k++) {
    states[k] = window_job_state(&job, k, engine, &error);
    assert_non_null(states[k]);
    own += tlw_window_state_size(&job.c.specs[k]);
  }
  static const tlw_reset levels[] = {TLW_RESET_MEMORY, TLW_RESET_SESSION, TLW_RESET_MEMORY, TLW_RESET_STATS};
  for (int i = 0; i < 4; i++) {
    kit_ok(window_job_run(&job, engine, &error), &error);
    reset(engine, levels[i]);
    for (int32_t k = 0; k < job.c.n_specs; k++)
      assert_true(window_job_feed(&job, k, states[k], 100 * i, 100 * (i + 1)));
    if (levels[i] == TLW_RESET_MEMORY) expect_bare(engine, own);
    t->cases++;
  }
  assert_int_equal(kit_stats(engine).values, 0);
  kit_ok(window_job_run(&job, engine, &error), &error);
  assert_true(kit_stats(engine).values > 0);
  for (int32_t k = 0; k < job.c.n_specs; k++) tlw_window_state_close(&states[k]);
  reset(engine, TLW_RESET_MEMORY);
  expect_bare(engine, bare);
  window_job_close(&job);
  tlw_engine_close(&engine);
}

/* ---- from callbacks ---- */

struct caller {
  tlw_engine *engine, *other;
  _Atomic int refused, allowed;
  _Atomic int wrong;
};

static void call_reset(struct caller *c) {
  for (int level = TLW_RESET_SESSION; level <= TLW_RESET_MEMORY; level++) {
    tlw_error error;
    if (tlw_engine_reset(c->engine, (tlw_reset)level, &error) == TLW_ERR_ARGUMENT && error.code == TLW_ERR_ARGUMENT)
      c->refused++;
    else
      c->wrong++;
    if (tlw_engine_reset(c->other, (tlw_reset)level, &error) == TLW_OK)
      c->allowed++;
    else
      c->wrong++;
  }
}

static tlw_status reset_in_sink(kit_run *run, const tlw_piece *piece, tlw_error *error) {
  (void)piece;
  (void)error;
  call_reset(run->hook_user);
  return TLW_OK;
}

static void reset_in_release(kit_run *run) { call_reset(run->hook_user); }

static tlw_status reset_in_producer(void *user, tlw_candles *candles, tlw_chart_options *chart, tlw_error *error) {
  (void)candles;
  (void)chart;
  (void)error;
  call_reset(user);
  return TLW_OK;
}

/* A reset would wait for the callback that it is called from. */
static void test_from_callbacks(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  struct caller caller = {.engine = engine, .other = kit_engine(t, &no_limits)};
  kit_plan plan;
  const kit_shape shape = {.batches = 6, .most_side = 60};
  kit_plan_open(&plan, FIRST_SEED + 21, &shape);
  int releases = 0;
  for (int i = 0; i < plan.n_batches; i++) {
    plan.batches[i].way = KIT_RELEASE;
    releases++;
  }
  kit_run run;
  kit_run_open(&run, &plan, TLW_STREAM_PNG);
  run.hook = reset_in_sink;
  run.on_release = reset_in_release;
  run.hook_user = &caller;
  tlw_stream *stream = stream_of(&run, engine);
  rng r = {1};
  tlw_error error;
  kit_ok(kit_feed(&run, stream, 0, &r, NULL, &error), &error);
  kit_ok(tlw_stream_finish(stream, &error), &error);
  kit_ok(tlw_stream_run(stream, reset_in_producer, &caller, &error), &error);
  assert_int_equal(run.delivered, plan.n_charts);
  /* Not a callback any more. */
  assert_int_equal(caller.wrong, 0);
  assert_int_equal(caller.refused, 2 * (plan.n_charts + releases + 1));
  assert_int_equal(caller.allowed, caller.refused);
  reset(engine, TLW_RESET_SESSION);
  expect_stale_stream(stream, &plan.batches[0]);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  kit_plan_close(&plan);
  tlw_engine_close(&caller.other);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- beside renders, buffers and statistics ---- */

#define ROUNDS 12

struct worker {
  tlw_engine *engine;
  const kit_plan *plan;
  _Atomic bool *done;
  bool good;
};

static void *render_on(void *argument) {
  struct worker *w = argument;
  while (!*w->done)
    for (int i = 0; i < w->plan->n_batches; i++) w->good = kit_renders(w->engine, &w->plan->batches[i]) && w->good;
  return NULL;
}

static void *roll_on(void *argument) {
  struct worker *w = argument;
  window_job job;
  window_job_open(&job, FIRST_SEED + 42, 2, 300, 25, 1);
  tlw_error error;
  while (!*w->done) w->good = window_job_run(&job, w->engine, &error) == TLW_OK && w->good;
  window_job_close(&job);
  return NULL;
}

/* What was written is read, or the buffer is stale. */
static void *use_buffers(void *argument) {
  struct worker *w = argument;
  uint8_t in[300], out[300];
  for (int round = 0; !*w->done; round++) {
    tlw_buffer buffer;
    memset(in, round, sizeof in);
    tlw_status status = tlw_buffer_alloc(w->engine, sizeof in, &buffer, NULL);
    if (status == TLW_OK) status = tlw_buffer_write(w->engine, buffer, 0, in, sizeof in, NULL);
    if (status == TLW_OK) status = tlw_buffer_read(w->engine, buffer, 0, out, sizeof out, NULL);
    if (status == TLW_OK && memcmp(in, out, sizeof in) != 0) w->good = false;
    if (status == TLW_OK || status == TLW_ERR_STALE) status = tlw_buffer_free(w->engine, &buffer, NULL);
    if ((status != TLW_OK && status != TLW_ERR_STALE) || buffer.id != 0) w->good = false;
  }
  return NULL;
}

static void *reset_statistics(void *argument) {
  struct worker *w = argument;
  while (!*w->done) {
    tlw_stats stats = {.struct_size = sizeof stats};
    w->good = tlw_engine_reset(w->engine, TLW_RESET_STATS, NULL) == TLW_OK && w->good;
    w->good = tlw_engine_stats(w->engine, &stats, NULL) == TLW_OK && w->good;
    w->good = stats.host_bytes.current > 0 && w->good;
    sched_yield();
  }
  return NULL;
}

/* Streams come and go, each over two engines of which one is reset. */
static void test_everything_at_once(void **state) {
  target *t = *state;
  tlw_engine *engines[2] = {engine_of(t), NULL};
  engines[1] = kit_engine(t, &no_limits);
  kit_plan plan;
  const kit_shape shape = {.batches = 5, .most_side = 110};
  kit_plan_open(&plan, FIRST_SEED + 31, &shape);
  _Atomic bool done = false;
  static void *(*const work[4])(void *) = {render_on, roll_on, use_buffers, reset_statistics};
  struct worker workers[4];
  pthread_t threads[4];
  for (int k = 0; k < 4; k++) {
    workers[k] = (struct worker){engines[0], &plan, &done, true};
    assert_int_equal(pthread_create(&threads[k], NULL, work[k], &workers[k]), 0);
  }
  bool good = true;
  for (int round = 0; round < ROUNDS && good; round++) {
    kit_run run;
    kit_run_open(&run, &plan, round % 2 == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
    const tlw_stream_options options = kit_options(&run, 2, 2);
    struct feeder f = {.run = &run};
    good = tlw_stream_open(&f.stream, engines, 2, &options, &f.error) == TLW_OK;
    struct resetter s = {engines[round % 3 == 0], &run, round % 4, (tlw_reset)(1 + round % 2), 2, TLW_OK};
    pthread_t feeder, resetter;
    if (pthread_create(&feeder, NULL, feed, &f) != 0 || pthread_create(&resetter, NULL, reset_at, &s) != 0) abort();
    if (pthread_join(feeder, NULL) != 0 || pthread_join(resetter, NULL) != 0) abort();
    good = good && s.status == TLW_OK && (f.status == TLW_OK || f.status == TLW_ERR_STALE);
    if (!good) print_error("round %d: %s\n", round, f.error.message);
    tlw_stream_close(&f.stream);
    kit_run_close(&run);
    t->cases++;
  }
  done = true;
  for (int k = 0; k < 4; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
  for (int k = 0; k < 4; k++) assert_true(workers[k].good);
  assert_true(good);
  for (int k = 0; k < 2; k++) {
    assert_true(kit_renders(engines[k], &plan.batches[0]));
    tlw_engine_close(&engines[k]);
  }
  assert_int_equal(kit_driver_bytes(), 0);
  kit_plan_close(&plan);
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_idle, t),
      cmocka_unit_test_prestate(test_statistics, t),
      cmocka_unit_test_prestate(test_arguments, t),
      cmocka_unit_test_prestate(test_streams_at_work, t),
      cmocka_unit_test_prestate(test_open_streams_keep_their_records_only, t),
      cmocka_unit_test_prestate(test_in_the_middle_of_a_series, t),
      cmocka_unit_test_prestate(test_windows, t),
      cmocka_unit_test_prestate(test_from_callbacks, t),
      cmocka_unit_test_prestate(test_everything_at_once, t),
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
