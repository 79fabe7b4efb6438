/*
 * Engines for TLW_BACKEND_AUTO that have a device, here the software CUDA driver, within budgets and where allocations
 * fail: what the device does alone is done beside the CPU too, which is left where there is no room for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auto_kit.h"
#include "host/base/fault.h"
#include "stream_kit.h"

/* ---- any plans within budgets ---- */

static tlw_status stream_plan(const kit_plan *plan, int format, tlw_engine *engine, tlw_error *error) {
  kit_run run;
  kit_run_open(&run, plan, format == 0 ? TLW_STREAM_RASTER : TLW_STREAM_PNG);
  run.digest = format == 2;
  const tlw_stream_options options = kit_options(&run, 3, 2);
  tlw_stream *stream;
  rng r = {plan->seed};
  tlw_status status = tlw_stream_open(&stream, &engine, 1, &options, error);
  if (status == TLW_OK) status = kit_feed(&run, stream, 0, &r, NULL, error);
  if (status == TLW_OK) status = tlw_stream_finish(stream, error);
  if (status == TLW_OK) assert_int_equal(run.delivered, plan->n_charts);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  return status;
}

static tlw_status render_batch(const kit_batch *batch, tlw_engine *engine, tlw_error *error) {
  const size_t image = (size_t)batch->options.width * (size_t)batch->options.height;
  auto_got.size = 0;
  uint8_t *pixels = auto_room(&auto_got, image * (size_t)batch->n_series);
  const tlw_candles candles = kit_view(batch);
  const tlw_raster raster = {pixels, auto_got.size, (size_t)batch->options.width, image};
  const tlw_status status = tlw_chart_render(engine, &candles, &batch->options, &raster, error);
  if (status == TLW_OK) assert_memory_equal(pixels, batch->expected, auto_got.size);
  return status;
}

/* A stream, renders, and after a reset the stream again. */
static tlw_status do_plan(const kit_plan *plan, int format, const tlw_engine_options *options, tlw_error *error) {
  tlw_engine *engine;
  tlw_status status = tlw_engine_open(&engine, options, error);
  if (status == TLW_OK) status = stream_plan(plan, format, engine, error);
  for (int i = 0; i < plan->n_batches && status == TLW_OK; i++) status = render_batch(&plan->batches[i], engine, error);
  if (status == TLW_OK) status = tlw_engine_reset(engine, TLW_RESET_MEMORY, error);
  if (status == TLW_OK) status = stream_plan(plan, format, engine, error);
  if (engine) assert_true(kit_stats(engine).host_bytes.peak <= options->host_budget);
  tlw_engine_close(&engine);
  return status;
}

/* The budget that does, from one on, by what refusals say. */
static uint64_t least_for(const kit_plan *plan, int format, tlw_backend backend, uint64_t budget, int most_refusals) {
  tlw_engine_options options = auto_options(backend);
  options.host_budget = budget;
  tlw_error error;
  tlw_status status;
  while ((status = do_plan(plan, format, &options, &error)) == TLW_ERR_BUDGET) {
    if (most_refusals-- == 0) fail_msg("seed %d: %s", (int)plan->seed, error.message);
    assert_true(error.bytes > options.host_budget);
    options.host_budget = error.bytes;
  }
  if (status != TLW_OK) fail_msg("seed %d: %s", (int)plan->seed, error.message);
  return options.host_budget;
}

/*
 * What the device alone can do within a budget is done within it, wherever batches go, and the images are the same.
 * Series in chunks hold memory beside the charts before them, as the threads come: of plans with these a few are
 * refused.
 */
static void test_plans(void **state) {
  (void)state;
  static const uint64_t more[] = {0, 100000, 250000, 600000, 1500000, UINT64_MAX};
  static kit_plan plan;
  for (int64_t seed = 1; seed <= kit_cases(4); seed++) {
    const int format = (int)(seed % 3);
    const kit_shape shape = {
        .batches = 6, .most_side = 200, .most_rows = 1500, .most_series = 10, .plain = seed % 2 == 0};
    kit_plan_open(&plan, (uint64_t)seed, &shape);
    const uint64_t least = least_for(&plan, format, TLW_BACKEND_CUDA, 1, 500);
    for (size_t i = 0; i < sizeof more / sizeof *more; i += kit_in_full() ? 1 : 2) {
      auto_plant(i % 3 == 1 ? AUTO_ALL_ON_CPU : 20000 << (2 * ((size_t)seed + i) % 6));
      least_for(&plan, format, TLW_BACKEND_AUTO, more[i] == UINT64_MAX ? more[i] : least + more[i],
                shape.plain ? 0 : 60);
    }
    kit_plan_close(&plan);
  }
}

/* ---- lack of memory ---- */

/* Every job in one stretch, small and large in turns. */
static tlw_status run_all(const tlw_engine_options *options, tlw_error *error) {
  tlw_engine *engine;
  tlw_status status = tlw_engine_open(&engine, options, error);
  for (size_t i = 0; i < 2 * AUTO_JOBS && status == TLW_OK; i++) {
    const auto_job *job = &auto_jobs[i * 3 % AUTO_JOBS];
    auto_want(job, i % 2);
    status = auto_try(job, i % 2, engine, error);
  }
  if (engine) assert_true(kit_stats(engine).host_bytes.peak <= options->host_budget);
  tlw_engine_close(&engine);
  return status;
}

/* The least host budget under which the named device does all of it is enough for AUTO, however it chooses. */
static void test_budgets(void **state) {
  (void)state;
  tlw_engine_options options = auto_options(TLW_BACKEND_CUDA);
  tlw_error error = {.bytes = 1};
  do {
    assert_true(error.bytes > options.host_budget || options.host_budget == TLW_BUDGET_AUTO);
    options.host_budget = error.bytes;
  } while (run_all(&options, &error) == TLW_ERR_BUDGET);
  const uint64_t least = options.host_budget;
  options.backend = TLW_BACKEND_AUTO;
  options.allow_fallback = TLW_FALLBACK_OFF;
  for (int where = 0; where < 3; where++) {
    if (where == 0) auto_plant_middle();
    if (where > 0) auto_plant(where == 1 ? AUTO_ALL_ON_CPU : AUTO_ALL_ON_DEVICE);
    for (uint64_t more = 0; more < (UINT64_C(4) << 20); more = (kit_in_full() ? 4 : 12) * more + 30000) {
      options.host_budget = least + more;
      if (run_all(&options, &error) != TLW_OK) fail_msg("%llu more: %s", (unsigned long long)more, error.message);
    }
  }
}

/* A small, a large and a small batch of one job. */
static tlw_status run_in_turns(const auto_job *job, tlw_engine *engine, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int turn = 0; turn < 3 && status == TLW_OK; turn++) {
    auto_want(job, turn == 1);
    status = auto_try(job, turn == 1, engine, error);
  }
  return status;
}

static uint64_t least_in_turns(const auto_job *job) {
  tlw_engine_options options = auto_options(TLW_BACKEND_CUDA);
  tlw_error error = {.bytes = 1};
  tlw_status status;
  do {
    tlw_engine *engine;
    assert_true(options.host_budget == TLW_BUDGET_AUTO || error.bytes > options.host_budget);
    options.host_budget = error.bytes;
    status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) status = run_in_turns(job, engine, &error);
    tlw_engine_close(&engine);
  } while (status == TLW_ERR_BUDGET);
  return options.host_budget;
}

/*
 * Whether the CPU had room to be opened, but not for the work: then it gets no more batches of that size until a reset,
 * but smaller ones.
 */
static bool leaves_cpu(const auto_job *job, uint64_t budget) {
  auto_log log = {0};
  tlw_engine_options options = auto_options(TLW_BACKEND_AUTO);
  options.allow_fallback = TLW_FALLBACK_OFF;
  options.host_budget = budget;
  options.log = auto_remember;
  options.log_user = &log;
  tlw_engine *engine = auto_open_with(&options);
  int left[3];
  for (int turn = 0; turn < 3; turn++) {
    tlw_error error;
    auto_want(job, turn == 1);
    if (auto_try(job, turn == 1, engine, &error) != TLW_OK)
      fail_msg("%s within %llu: %s", job->name, (unsigned long long)budget, error.message);
    left[turn] = auto_times_said(&log, "the CPU beside it has no room for it");
  }
  const bool has_left = left[2] > 0, for_small = left[0] > 0 || left[2] > left[1];
  /* Bars that a device has no room for are joined by threads. */
  if (has_left && job->work != TLW_WORK_BARS && auto_times_said(&log, "the CPU can't be used beside it") == 0)
    auto_runs_on(job, false, !for_small, engine);
  assert_int_equal(auto_backend(engine), TLW_BACKEND_CUDA);
  assert_true(kit_stats(engine).host_bytes.peak <= budget);
  tlw_engine_close(&engine);
  return has_left;
}

/* Budgets from the least one on, among them such that let the CPU be opened and no more. */
static void test_tight_budgets(void **state) {
  (void)state;
  const uint64_t step = kit_in_full() ? 65536 : 120000;
  for (int where = 0; where < 2; where++) {
    if (where == 0) auto_plant_middle();
    if (where == 1) auto_plant(AUTO_ALL_ON_CPU);
    int left = 0;
    for (size_t i = 0; i < AUTO_JOBS; i++) {
      const uint64_t least = least_in_turns(&auto_jobs[i]);
      for (uint64_t more = 0; more < 260000; more += step) left += leaves_cpu(&auto_jobs[i], least + more);
    }
    if (kit_in_full()) assert_true(left > 0);
  }
}

static tlw_status draw_square(tlw_engine *engine, int32_t side, tlw_error *error) {
  int64_t offset, count;
  const tlw_candles candles = auto_candles(1, &offset, &count);
  tlw_chart_options chart = auto_chart();
  chart.width = chart.height = side;
  auto_got.size = 0;
  const size_t size = (size_t)side * (size_t)side;
  const tlw_raster raster = {auto_room(&auto_got, size), size, (size_t)side, size};
  return tlw_chart_render(engine, &candles, &chart, &raster, error);
}

static tlw_engine *draw_squares(tlw_engine_options *options, const int32_t *sides, int n) {
  for (;;) {
    tlw_engine *engine;
    tlw_error error;
    tlw_status status = tlw_engine_open(&engine, options, &error);
    for (int i = 0; i < n && status == TLW_OK; i++) status = draw_square(engine, sides[i], &error);
    if (status == TLW_OK) return engine;
    tlw_engine_close(&engine);
    if (status != TLW_ERR_BUDGET) fail_msg("%s", error.message);
    options->host_budget = error.bytes;
  }
}

/* Squares of these sides take turns: the CPU has room for the first alone. */
enum { SMALL_SIDE = 32, LARGE_SIDE = 1800 };

/* Whether the CPU is opened within the budget, but left for the large square alone. What it then does is checked. */
static bool has_room_for_small(uint64_t budget) {
  static const int32_t small = SMALL_SIDE;
  static const char *const said = "the CPU beside it has no room for it";
  auto_log log = {0};
  tlw_error error;
  tlw_engine_options options = auto_options(TLW_BACKEND_AUTO);
  options.host_budget = budget;
  options.log = auto_remember;
  options.log_user = &log;
  tlw_engine *engine = draw_squares(&options, &small, 1);
  assert_int_equal(draw_square(engine, LARGE_SIDE, &error), TLW_OK);
  bool found = log.n < 64 && kit_stats(engine).to_cpu == 2 && auto_times_said(&log, said) == 1;
  assert_int_equal(draw_square(engine, SMALL_SIDE, &error), TLW_OK);
  found = found && auto_times_said(&log, "the CPU can't be used beside it") == 0;
  for (int turn = 0; turn < 3 && found; turn++) {
    const tlw_stats before = kit_stats(engine);
    assert_int_equal(draw_square(engine, SMALL_SIDE, &error), TLW_OK);
    assert_int_equal(kit_stats(engine).to_cpu, before.to_cpu + 1);
    assert_int_equal(kit_stats(engine).launches, before.launches);
    assert_int_equal(draw_square(engine, LARGE_SIDE, &error), TLW_OK);
    assert_int_equal(kit_stats(engine).to_cpu, before.to_cpu + 1);
    assert_true(kit_stats(engine).launches > before.launches);
    assert_int_equal(auto_times_said(&log, said), 1);
  }
  tlw_engine_close(&engine);
  return found;
}

/* What the CPU has no room for is the device's from then on, and what is smaller is not. */
static void test_smaller_batches_stay_on_the_cpu(void **state) {
  (void)state;
  static const int32_t sides[] = {SMALL_SIDE, LARGE_SIDE, SMALL_SIDE, LARGE_SIDE};
  auto_plant(AUTO_ALL_ON_CPU);
  tlw_engine_options options = auto_options(TLW_BACKEND_CUDA);
  options.host_budget = 1;
  tlw_engine *engine = draw_squares(&options, sides, 4);
  tlw_engine_close(&engine);
  const uint64_t least = options.host_budget;
  bool found = false;
  /* Ever narrower, for where the room for the small one begins, and that for both, is not known. */
  for (uint64_t step = 524288; !found && step >= 8192; step /= 2)
    for (uint64_t more = step / 2; !found && more < 2000000; more += step) found = has_room_for_small(least + more);
  assert_true(found);
}

/* The CPU is not opened where the budget has no room for it, nor tried again until a reset. */
static void test_no_room_for_the_cpu(void **state) {
  (void)state;
  auto_plant(AUTO_ALL_ON_CPU);
  auto_log log = {0};
  tlw_engine_options options = auto_options(TLW_BACKEND_CUDA);
  tlw_engine *engine;
  tlw_error error = {.bytes = 1};
  do options.host_budget = error.bytes;
  while (tlw_engine_open(&engine, &options, &error) == TLW_ERR_BUDGET);
  tlw_engine_close(&engine);
  options.backend = TLW_BACKEND_AUTO;
  options.log = auto_remember;
  options.log_user = &log;
  engine = auto_open_with(&options);
  for (int level = TLW_RESET_SESSION; level <= TLW_RESET_MEMORY; level++) {
    auto_want(&auto_jobs[0], false);
    for (int i = 0; i < 3; i++) auto_runs_on(&auto_jobs[0], false, false, engine);
    assert_int_equal(auto_times_said(&log, "the CPU can't be used beside it"), level - TLW_RESET_SESSION + 1);
    assert_int_equal(tlw_engine_reset(engine, (tlw_reset)level, NULL), TLW_OK);
  }
  tlw_engine_close(&engine);
}

/* A reset of memory leaves the engine what it had when it was new. */
static void test_reset_gives_the_cpu_back(void **state) {
  (void)state;
  auto_plant(AUTO_ALL_ON_CPU);
  tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
  const uint64_t bare = kit_stats(engine).host_bytes.current;
  for (size_t i = 0; i < AUTO_JOBS; i++) {
    auto_want(&auto_jobs[i], false);
    auto_runs_on(&auto_jobs[i], false, true, engine);
    assert_true(kit_stats(engine).host_bytes.current > bare);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_SESSION, NULL), TLW_OK);
    assert_true(kit_stats(engine).host_bytes.current > bare);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
    assert_int_equal(kit_stats(engine).host_bytes.current, bare);
  }
  tlw_engine_close(&engine);
}

/* The Nth allocation fails, once or with all that follow: the work is done all the same, or fails for that alone. */
static void fail_each_allocation(const auto_job *job, bool lasting) {
  for (uint64_t nth = 1;; nth++) {
    tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
    tlw_error error;
    tlw_fault_plant(TLW_FAULT_MEMORY, nth, lasting);
    const tlw_status status = auto_try(job, false, engine, &error);
    const uint64_t struck = tlw_fault_struck(TLW_FAULT_MEMORY);
    tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
    if (status != TLW_OK && (status != TLW_ERR_MEMORY || !struck)) fail_msg("%s: %s", job->name, error.message);
    auto_run(job, false, engine);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
    if (auto_backend(engine) == TLW_BACKEND_CUDA) auto_runs_on(job, false, true, engine);
    tlw_engine_close(&engine);
    if (!struck) break;
    assert_true(nth < 1000);
  }
}

static void test_allocations_that_fail(void **state) {
  (void)state;
  auto_plant(AUTO_ALL_ON_CPU);
  for (size_t i = 0; i < AUTO_JOBS; i++) {
    auto_want(&auto_jobs[i], false);
    fail_each_allocation(&auto_jobs[i], false);
    if (kit_in_full()) fail_each_allocation(&auto_jobs[i], true);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_plans, auto_healthy),
      cmocka_unit_test_setup(test_budgets, auto_healthy),
      cmocka_unit_test_setup(test_tight_budgets, auto_healthy),
      cmocka_unit_test_setup(test_smaller_batches_stay_on_the_cpu, auto_healthy),
      cmocka_unit_test_setup(test_no_room_for_the_cpu, auto_healthy),
      cmocka_unit_test_setup(test_reset_gives_the_cpu_back, auto_healthy),
      cmocka_unit_test_setup(test_allocations_that_fail, auto_healthy),
  };
  return cmocka_run_group_tests(tests, auto_prepare, auto_finish);
}
