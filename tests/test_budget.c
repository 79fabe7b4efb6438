/*
 * Budgets: from the smallest that works upwards, with batches that are much larger and charts of a quarter of a
 * gigabyte, and rolling windows; none is exceeded by a byte, whoever counts, and what comes out is what an engine
 * without limits makes.
 *
 *   test_budget [TARGET...]         cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             at most so many random cases; with 100 or less not the largest chart and batches
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_kit.h"
#include "window_jobs.h"

#define FIRST_SEED 20250601

typedef enum limited { LIMIT_HOST, LIMIT_DEVICE } limited;

/* What is done within a budget. */
struct job {
  const target *target;
  limited limit;
  const kit_plan *plan;
  tlw_stream_format format;
  uint32_t threads, slots, encoders;
  bool digest;
};

/* The verbs that may say that a budget is too small; behind them one for each batch. */
enum verb { VERB_OPEN, VERB_RENDER, VERB_STREAM, VERB_BATCH };
#define VERBS (VERB_BATCH + KIT_BATCHES)

static void print_job(const struct job *job, uint64_t budget) {
  print_error("%s, seed %llu, %s%s, %u threads, %u slots, %u encoders, %s budget %llu\n", job->target->name,
              (unsigned long long)job->plan->seed, job->format == TLW_STREAM_PNG ? "PNG" : "raster",
              job->digest ? " with digests" : "", job->threads, job->slots, job->encoders,
              job->limit == LIMIT_HOST ? "host" : "device", (unsigned long long)budget);
}

static target_limits limits_of(const struct job *job, uint64_t budget) {
  target_limits limits = no_limits;
  limits.threads = job->threads;
  if (job->limit == LIMIT_HOST) limits.host_budget = budget;
  if (job->limit == LIMIT_DEVICE) limits.device_budget = budget;
  return limits;
}

/* As the engine counts, and as the driver does. */
static bool is_within(const tlw_engine *engine, const struct job *job, uint64_t budget) {
  const tlw_stats stats = kit_stats(engine);
  const uint64_t peak = job->limit == LIMIT_HOST ? stats.host_bytes.peak : stats.device_bytes.peak;
  const bool pool = stats.pool_bytes.peak <= stats.device_bytes.peak || job->target->backend == TLW_BACKEND_CPU;
  const bool driver = job->limit == LIMIT_HOST || kit_driver_peak() <= budget;
  if (peak <= budget && pool && driver) return true;
  print_job(job, budget);
  print_error("  in use were %llu bytes of the host, %llu of the device, %llu of the pool, %llu by the driver\n",
              (unsigned long long)stats.host_bytes.peak, (unsigned long long)stats.device_bytes.peak,
              (unsigned long long)stats.pool_bytes.peak, (unsigned long long)kit_driver_peak());
  return false;
}

static tlw_status render(tlw_engine *engine, const kit_batch *b, tlw_error *error) {
  const size_t image = (size_t)b->options.width * (size_t)b->options.height, size = image * (size_t)b->n_series;
  uint8_t *pixels = malloc(size + 1);
  assert_non_null(pixels);
  const tlw_candles candles = kit_view(b);
  const tlw_raster raster = {pixels, size, (size_t)b->options.width, image};
  tlw_status status = tlw_chart_render(engine, &candles, &b->options, &raster, error);
  if (status == TLW_OK && memcmp(pixels, b->expected, size) != 0) {
    snprintf(error->message, sizeof error->message, "the pixels of a render are others");
    status = TLW_ERR_INTERNAL;
  }
  free(pixels);
  return status;
}

static tlw_status stream(const struct job *job, tlw_engine *engine, enum verb *verb, tlw_error *error) {
  kit_run run;
  kit_run_open(&run, job->plan, job->format);
  run.digest = job->digest;
  const tlw_stream_options options = kit_options(&run, job->slots, job->encoders);
  tlw_stream *stream = NULL;
  rng r = {job->plan->seed};
  *verb = VERB_STREAM;
  tlw_status status = tlw_stream_open(&stream, &engine, 1, &options, error);
  if (status == TLW_OK) {
    status = kit_feed(&run, stream, 0, &r, NULL, error);
    if (status == TLW_OK) status = tlw_stream_finish(stream, error);
    int64_t series;
    const kit_batch *b = kit_batch_of(job->plan, run.delivered, &series);
    if (b != NULL) *verb = VERB_BATCH + (enum verb)(b - job->plan->batches);
    if (status == TLW_OK) assert_int_equal(run.delivered, job->plan->n_charts);
  }
  tlw_stream_close(&stream);
  kit_run_close(&run);
  return status;
}

/* Everything, on a new engine. */
static tlw_status attempt(const struct job *job, uint64_t budget, enum verb *verb, tlw_error *error) {
  const target_limits limits = limits_of(job, budget);
  tlw_engine *engine = NULL;
  kit_driver_restart();
  *verb = VERB_OPEN;
  tlw_status status = target_open(job->target, &limits, &engine, error);
  if (status != TLW_OK) return status;
  status = stream(job, engine, verb, error);
  for (int i = 0; i < job->plan->n_batches && status == TLW_OK; i++) {
    *verb = VERB_RENDER;
    status = render(engine, &job->plan->batches[i], error);
  }
  if (status == TLW_OK) {
    /* What was left behind does not stand in the way. */
    kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, error), error);
    status = stream(job, engine, verb, error);
  }
  const bool within = is_within(engine, job, budget);
  tlw_engine_close(&engine);
  assert_true(within);
  return status;
}

/*
 * How often a verb may refuse: each number is to do for the call that named it. Series in chunks hold memory beside the
 * charts before them, as many as the budget allows, so that their numbers come near step by step.
 */
static int most_refusals(const kit_plan *plan, enum verb verb) {
  if (verb == VERB_RENDER) return plan->n_batches;
  return verb >= VERB_BATCH && plan->batches[verb - VERB_BATCH].way == KIT_ROWS ? 60 : 1;
}

/* The smallest budget that does, found by what the errors say. */
static uint64_t follow(const struct job *job, uint64_t budget) {
  int refusals[VERBS] = {0};
  for (;;) {
    enum verb verb = VERB_OPEN;
    tlw_error error;
    const tlw_status status = attempt(job, budget, &verb, &error);
    if (status == TLW_OK) return budget;
    if (status != TLW_ERR_BUDGET || error.bytes <= budget || ++refusals[verb] > most_refusals(job->plan, verb)) {
      print_job(job, budget);
      print_error("  verb %d, refusal %d: %llu\n", (int)verb, refusals[verb], (unsigned long long)error.bytes);
      kit_failed(status, TLW_OK, &error);
    }
    budget = error.bytes;
  }
}

/* Batches that are pushed whole. */
static void random_plan(kit_plan *plan, uint64_t seed, bool wide) {
  const kit_shape shape = {
      .batches = 3, .most_side = wide ? 900 : 200, .most_rows = wide ? 30000 : 2000, .most_series = wide ? 2 : 8};
  kit_plan_open(plan, seed, &shape);
  for (int i = 0; i < plan->n_batches; i++)
    if (plan->batches[i].way == KIT_ROWS) plan->batches[i].way = KIT_RELEASE;
}

static struct job random_job(const target *t, limited limit, const kit_plan *plan, rng *r) {
  struct job job = {.target = t,
                    .limit = limit,
                    .plan = plan,
                    .format = rng_below(r, 2) == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER,
                    .threads = 1 + (uint32_t)rng_below(r, 3),
                    .slots = 2 + (uint32_t)rng_below(r, 3),
                    .encoders = 1 + (uint32_t)rng_below(r, 5)};
  job.digest = job.format == TLW_STREAM_PNG && rng_below(r, 2) == 0;
  return job;
}

/* What works, works with more as well. */
static void expect_more_does(const struct job *job, uint64_t least, uint64_t budget) {
  enum verb verb;
  tlw_error error;
  const tlw_status status = attempt(job, budget, &verb, &error);
  if (status == TLW_OK) return;
  print_job(job, budget);
  print_error("  %llu did, verb %d\n", (unsigned long long)least, (int)verb);
  kit_ok(status, &error);
}

static void run_random(target *t, limited limit, int64_t n, uint64_t first_seed) {
  for (int64_t i = 0; i < n; i++) {
    rng r = {first_seed + (uint64_t)i};
    kit_plan plan;
    random_plan(&plan, r.state, i % 4 == 0);
    const struct job job = random_job(t, limit, &plan, &r);
    const uint64_t least = follow(&job, 1 + rng_below(&r, 3) * 100);
    enum verb verb;
    tlw_error error;
    const tlw_status status = attempt(&job, least - 1, &verb, &error);
    if (status == TLW_OK) print_job(&job, least - 1);
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_true(follow(&job, least - 1) >= least);
    for (int k = 0; k < 3; k++) expect_more_does(&job, least, least + rng_below(&r, (least / 2) << (2 * k)));
    kit_plan_close(&plan);
    t->cases++;
  }
}

static void test_host_budgets(void **state) {
  target *t = *state;
  run_random(t, LIMIT_HOST, kit_cases(kit_for(t, 40, 6)), FIRST_SEED);
}

static void test_device_budgets(void **state) {
  target *t = *state;
  if (t->backend == TLW_BACKEND_CPU) skip();
  run_random(t, LIMIT_DEVICE, kit_cases(6), FIRST_SEED + 1000);
}

/* Series and pixels of a hundred times the budget, whole charts and merged ones. */
static void run_large_batch(target *t, limited limit, int32_t width, int32_t height, int64_t rows, int64_t series) {
  kit_plan plan;
  kit_batch *b = kit_plan_single(&plan, FIRST_SEED + 7, width, height, rows, series);
  kit_plan_draw(&plan);
  for (int format = TLW_STREAM_RASTER; format <= TLW_STREAM_PNG; format++) {
    b->way = format == TLW_STREAM_PNG ? KIT_RELEASE : KIT_PUSH;
    const struct job job = {t, limit, &plan, (tlw_stream_format)format, 2, 3, 2, format == TLW_STREAM_PNG};
    const uint64_t least = follow(&job, 1);
    if (limit == LIMIT_DEVICE) {
      const uint64_t bytes = (uint64_t)rows * 5 * sizeof(double) + (uint64_t)(width * height) * (uint64_t)series;
      assert_true(bytes > 100 * least);
    }
    expect_more_does(&job, least, least + least / 3);
  }
  kit_plan_close(&plan);
  t->cases++;
}

static void test_large_batches(void **state) {
  target *t = *state;
  if (t->backend != TLW_BACKEND_CPU && !kit_in_full()) skip();
  run_large_batch(t, LIMIT_HOST, 96, 64, kit_for(t, 40000, 9000), kit_for(t, 500, 60));
  run_large_batch(t, LIMIT_HOST, 64, 300, 300000, 2);
  if (t->backend == TLW_BACKEND_CPU) return;
  run_large_batch(t, LIMIT_DEVICE, 96, 64, 24000, 60);
  run_large_batch(t, LIMIT_DEVICE, 64, 300, 100000, 2);
}

static void test_series_in_chunks(void **state) {
  target *t = *state;
  const int64_t n = kit_cases(kit_for(t, 20, 5));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 2000 + (uint64_t)i};
    kit_plan plan;
    kit_batch *b = kit_plan_single(&plan, r.state, rng_between(&r, 16, 300), rng_between(&r, 16, 200),
                                   60 + (int64_t)rng_below(&r, 6000), 1 + (int64_t)rng_below(&r, 30));
    b->options.axis = (tlw_axis)rng_below(&r, 2);
    b->way = KIT_ROWS;
    kit_plan_draw(&plan);
    const struct job job =
        random_job(t, t->backend == TLW_BACKEND_CPU || i % 2 == 0 ? LIMIT_HOST : LIMIT_DEVICE, &plan, &r);
    follow(&job, 1);
    kit_plan_close(&plan);
    t->cases++;
  }
}

/* A chart of 16,384 x 16,384 through 4 MiB of the device and 24 MiB of the host. */
static void test_largest_chart(void **state) {
  target *t = *state;
  if (!kit_in_full()) skip();
  kit_plan plan;
  kit_plan_single(&plan, FIRST_SEED + 9, TLW_CHART_MAX_SIDE, TLW_CHART_MAX_SIDE, 50000, 1);
  kit_plan_draw(&plan);
  target_limits limits = no_limits;
  limits.threads = 2;
  limits.device_budget = UINT64_C(4) << 20;
  limits.host_budget = UINT64_C(24) << 20;
  kit_driver_restart();
  tlw_engine *engine = kit_engine(t, &limits);
  rng r = {1};
  kit_pass(&plan, TLW_STREAM_RASTER, &engine, 1, 3, 2, &r);
  if (t->backend == TLW_BACKEND_CPU) kit_pass(&plan, TLW_STREAM_PNG, &engine, 1, 3, 2, &r);
  const tlw_stats stats = kit_stats(engine);
  assert_true(stats.host_bytes.peak <= limits.host_budget);
  assert_true(stats.device_bytes.peak <= limits.device_budget);
  assert_true(kit_driver_peak() <= limits.device_budget);
  tlw_engine_close(&engine);
  kit_plan_close(&plan);
  t->cases++;
}

/* ---- rolling windows ---- */

struct windows_job {
  target *target;
  limited limit;
  window_job windows;
  uint32_t threads;
};

/* The verbs that may refuse. */
enum windows_verb { WINDOWS_OPEN, WINDOWS_RUN, WINDOWS_STATE, WINDOWS_VERBS };

static tlw_status use_state(const window_job *windows, tlw_engine *engine, tlw_error *error) {
  const int32_t k = (int32_t)(windows->c.seed % (uint64_t)windows->c.n_specs);
  tlw_window_state *state = window_job_state(windows, k, engine, error), *clone = NULL;
  if (state == NULL) return error->code;
  assert_true(window_job_feed(windows, k, state, 0, 50));
  const tlw_status status = tlw_window_state_clone(state, &clone, error);
  if (status == TLW_OK) assert_true(window_job_feed(windows, k, clone, 50, INT64_MAX));
  tlw_window_state_close(&clone);
  tlw_window_state_close(&state);
  return status;
}

/* Everything, on a new engine. */
static tlw_status attempt_windows(const struct windows_job *job, uint64_t budget, enum windows_verb *verb,
                                  tlw_error *error) {
  const struct job limits_job = {.target = job->target, .limit = job->limit, .threads = job->threads};
  const target_limits limits = limits_of(&limits_job, budget);
  tlw_engine *engine = NULL;
  kit_driver_restart();
  *verb = WINDOWS_OPEN;
  tlw_status status = target_open(job->target, &limits, &engine, error);
  if (status != TLW_OK) return status;
  *verb = WINDOWS_RUN;
  status = window_job_run(&job->windows, engine, error);
  if (status == TLW_OK) {
    kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, error), error);
    status = window_job_run(&job->windows, engine, error);
  }
  if (status == TLW_OK) {
    kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, error), error);
    *verb = WINDOWS_STATE;
    status = use_state(&job->windows, engine, error);
  }
  const tlw_stats stats = kit_stats(engine);
  const uint64_t peak = job->limit == LIMIT_HOST ? stats.host_bytes.peak : stats.device_bytes.peak;
  tlw_engine_close(&engine);
  assert_true(peak <= budget);
  assert_true(job->limit == LIMIT_HOST || kit_driver_peak() <= budget);
  return status;
}

/* Each number is to do for the call that named it: an open, a run's list of outputs, its work, a state and its clone. */
static uint64_t follow_windows(const struct windows_job *job, uint64_t budget) {
  const int most[WINDOWS_VERBS] = {1, 2, 2};
  int refusals[WINDOWS_VERBS] = {0};
  for (;;) {
    enum windows_verb verb = WINDOWS_OPEN;
    tlw_error error;
    const tlw_status status = attempt_windows(job, budget, &verb, &error);
    if (status == TLW_OK) return budget;
    if (status != TLW_ERR_BUDGET || error.bytes <= budget || ++refusals[verb] > most[verb]) {
      print_error("%s, seed %llu, %u threads, %s budget %llu: verb %d, refusal %d: %llu\n", job->target->name,
                  (unsigned long long)job->windows.c.seed, job->threads, job->limit == LIMIT_HOST ? "host" : "device",
                  (unsigned long long)budget, (int)verb, refusals[verb], (unsigned long long)error.bytes);
      kit_failed(status, TLW_OK, &error);
    }
    budget = error.bytes;
  }
}

/* The self-test of windows, which would refuse budgets of its own, is passed and kept for the engines to come. */
static void pass_self_test(target *t) {
  window_job windows;
  tlw_engine *engine = NULL;
  tlw_error error;
  window_job_open(&windows, FIRST_SEED, 1, 10, 5, 1);
  kit_ok(target_open(t, &no_limits, &engine, &error), &error);
  kit_ok(window_job_run(&windows, engine, &error), &error);
  tlw_engine_close(&engine);
  window_job_close(&windows);
}

static void test_windows(void **state) {
  target *t = *state;
  pass_self_test(t);
  const int64_t n = kit_cases(kit_for(t, 12, 4));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + 3000 + (uint64_t)i};
    struct windows_job job = {.target = t, .threads = 1 + (uint32_t)rng_below(&r, 3)};
    job.limit = t->backend == TLW_BACKEND_CPU || i % 2 == 0 ? LIMIT_HOST : LIMIT_DEVICE;
    const int64_t window = 1 + (int64_t)rng_below(&r, i % 3 == 0 ? 600 : 40);
    window_job_open(&job.windows, r.state, 1 + (int64_t)rng_below(&r, 8), i % 4 == 0 ? 1000 : 200, window, 1);
    const uint64_t least = follow_windows(&job, 1 + rng_below(&r, 3) * 100);
    enum windows_verb verb;
    tlw_error error;
    kit_failed(attempt_windows(&job, least - 1, &verb, &error), TLW_ERR_BUDGET, &error);
    assert_true(follow_windows(&job, least - 1) >= least);
    for (int k = 0; k < 3; k++) {
      const tlw_status status = attempt_windows(&job, least + rng_below(&r, (least / 2) << (2 * k)), &verb, &error);
      kit_ok(status, &error);
    }
    window_job_close(&job.windows);
    t->cases++;
  }
}

/* The least host budget for renders and windows in this order on one engine: "r" and "w". */
static uint64_t least_for(const target *t, const kit_batch *b, const window_job *windows, const char *work) {
  uint64_t budget = 1;
  for (size_t refusals = 0;; refusals++) {
    target_limits limits = no_limits;
    limits.threads = 2;
    limits.host_budget = budget;
    tlw_engine *engine = NULL;
    tlw_error error;
    tlw_status status = target_open(t, &limits, &engine, &error);
    for (const char *w = work; *w && status == TLW_OK; w++)
      status = *w == 'r' ? render(engine, b, &error) : window_job_run(windows, engine, &error);
    tlw_engine_close(&engine);
    if (status == TLW_OK) return budget;
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_true(error.bytes > budget && refusals < 10);
    budget = error.bytes;
  }
}

/* What one keeps for its next time gives way to the other. */
static void test_windows_between_renders(void **state) {
  target *t = *state;
  if (t->backend != TLW_BACKEND_CPU) skip(); /* there it is slabs, which either may use */
  for (int i = 0; i < 4; i++) {
    kit_plan plan;
    const int32_t side = i % 2 == 0 ? 700 : 40;
    const kit_batch *b = kit_plan_single(&plan, FIRST_SEED + 61 + (uint64_t)i, side, side, 300, 2);
    kit_plan_draw(&plan);
    window_job windows;
    window_job_open(&windows, FIRST_SEED + 71, 2, 400, i < 2 ? 300 : 10, 1);
    const uint64_t renders = least_for(t, b, &windows, "rr"), rolls = least_for(t, b, &windows, "ww");
    const uint64_t both = least_for(t, b, &windows, "rwrw");
    /* The list of outputs comes first. */
    const uint64_t list = 256 * (uint64_t)windows.c.n_specs;
    if (both > (renders > rolls ? renders : rolls) + list)
      fail_msg("renders need %llu bytes, windows %llu, both %llu", (unsigned long long)renders,
               (unsigned long long)rolls, (unsigned long long)both);
    window_job_close(&windows);
    kit_plan_close(&plan);
    t->cases++;
  }
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_host_budgets, t),
      cmocka_unit_test_prestate(test_device_budgets, t),
      cmocka_unit_test_prestate(test_large_batches, t),
      cmocka_unit_test_prestate(test_series_in_chunks, t),
      cmocka_unit_test_prestate(test_largest_chart, t),
      cmocka_unit_test_prestate(test_windows, t),
      cmocka_unit_test_prestate(test_windows_between_renders, t),
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
