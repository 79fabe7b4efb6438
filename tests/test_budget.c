/*
 * Budgets: from the smallest that works upwards, with batches that are much larger and charts of a quarter of a
 * gigabyte; none is exceeded by a byte, whoever counts, and the images are those of an engine without limits.
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

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_host_budgets, t),  cmocka_unit_test_prestate(test_device_budgets, t),
      cmocka_unit_test_prestate(test_large_batches, t), cmocka_unit_test_prestate(test_series_in_chunks, t),
      cmocka_unit_test_prestate(test_largest_chart, t),
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
