/*
 * Engines for TLW_BACKEND_AUTO that have a device, here the software CUDA driver, and choose a backend for each batch:
 * with planted costs it is known which one each has to run on. What comes out never depends on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auto_kit.h"
#include "host/engine/aim.h"
#include "host/engine/engine.h"
#include "stream_kit.h"

/* ---- choices ---- */

/* Each job by itself, to and fro. */
static void test_each_kind_of_work(void **state) {
  (void)state;
  static const bool turns[] = {false, true, true, false, true, false, false};
  auto_plant_middle();
  for (size_t i = 0; i < AUTO_JOBS; i++) {
    tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
    for (size_t k = 0; k < sizeof turns / sizeof *turns; k++) {
      auto_want(&auto_jobs[i], turns[k]);
      auto_runs_on(&auto_jobs[i], turns[k], !turns[k], engine);
    }
    tlw_engine_close(&engine);
  }
}

/* All of them on one engine, with resets in between. */
static void test_all_kinds_on_one_engine(void **state) {
  (void)state;
  auto_plant_middle();
  tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
  for (int turn = 0; turn < 6; turn++) {
    for (size_t i = 0; i < AUTO_JOBS; i++) {
      const bool large = ((size_t)turn + i) % 2;
      auto_want(&auto_jobs[i], large);
      auto_runs_on(&auto_jobs[i], large, !large, engine);
      if (i % 4 == 3)
        assert_int_equal(tlw_engine_reset(engine, (tlw_reset)(turn % 2 ? TLW_RESET_SESSION : TLW_RESET_MEMORY), NULL),
                         TLW_OK);
    }
  }
  assert_int_equal(kit_stats(engine).to_cpu, 6 * AUTO_JOBS / 2);
  assert_int_equal(tlw_engine_reset(engine, TLW_RESET_STATS, NULL), TLW_OK);
  assert_int_equal(kit_stats(engine).to_cpu, 0);
  tlw_engine_close(&engine);
}

/* A backend that was asked for by name is never replaced. */
static void test_named_backends_do_not_choose(void **state) {
  (void)state;
  auto_plant(AUTO_ALL_ON_CPU);
  tlw_engine *engine = auto_open(TLW_BACKEND_CUDA);
  for (size_t i = 0; i < AUTO_JOBS; i++) {
    auto_want(&auto_jobs[i], false);
    auto_runs_on(&auto_jobs[i], false, false, engine);
  }
  tlw_engine_close(&engine);
}

/* A device whose every cost is above the CPU's is passed over by AUTO alone. */
static void test_never(void **state) {
  (void)state;
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++) {
    tuning.device[work] = (struct tlw_cost){.n = 2, .units = {10, 1e6}, .seconds = {1e-3, 1e-1}};
    tuning.cpu[work] = (struct tlw_cost){.n = 2, .units = {10, 1e6}, .seconds = {1e-7, 1e-5}};
  }
  auto_plant_tuning(&tuning);
  auto_log log = {0};
  tlw_engine_options options = auto_options(TLW_BACKEND_AUTO);
  options.log = auto_remember;
  options.log_user = &log;
  tlw_engine *engine = auto_open_with(&options);
  assert_int_equal(auto_backend(engine), TLW_BACKEND_CPU);
  assert_true(kit_stats(engine).passed_over >= 1);
  assert_int_equal(auto_times_said(&log, "measured by tallow tune: the CPU is faster for everything here"), 1);
  auto_want(&auto_jobs[0], true);
  auto_run(&auto_jobs[0], true, engine);
  assert_int_equal(kit_stats(engine).to_cpu, 0);
  tlw_engine_close(&engine);
  engine = auto_open(TLW_BACKEND_CUDA);
  auto_runs_on(&auto_jobs[0], true, false, engine);
  tlw_engine_close(&engine);
  /* One kind of work that is faster on the device, and it is taken. */
  tuning.device[TLW_WORK_SCAN].seconds[1] = 1e-6;
  auto_plant_tuning(&tuning);
  engine = auto_open(TLW_BACKEND_AUTO);
  assert_int_equal(auto_backend(engine), TLW_BACKEND_CUDA);
  tlw_engine_close(&engine);
}

static struct tlw_tuning tuning_of(double device, double cpu) {
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++) {
    tuning.device[work] = (struct tlw_cost){.n = 1, .units = {1}, .seconds = {device}};
    tuning.cpu[work] = (struct tlw_cost){.n = 1, .units = {1}, .seconds = {cpu}};
  }
  return tuning;
}

/* Where a device is measured to be slower, another is taken if it was measured to be faster, never by an estimate. */
static void test_never_of_the_first_of_two(void **state) {
  (void)state;
  assert_int_equal(kit_soft.set("devices=2"), 0);
  const struct tlw_tuning never = tuning_of(1, 1e-6), always = tuning_of(1e-6, 1);
  tlw_engine_options options = auto_options(TLW_BACKEND_CUDA);
  options.device = "1";
  tlw_engine *engine = auto_open_with(&options);
  tlw_device second;
  assert_int_equal(tlw_engine_describe(engine, &second, NULL), TLW_OK);
  tlw_engine_close(&engine);
  assert_string_not_equal(second.uuid, auto_cuda.uuid);
  auto_plant_tuning(&never);
  auto_log log = {0};
  options = auto_options(TLW_BACKEND_AUTO);
  options.log = auto_remember;
  options.log_user = &log;
  engine = auto_open_with(&options);
  assert_int_equal(auto_backend(engine), TLW_BACKEND_CPU);
  assert_int_equal(auto_times_said(&log, "measured by tallow tune: the CPU is faster for everything here"), 1);
  assert_true(auto_times_said(&log, "not measured by tallow tune, and the CPU is faster than a device that was") >= 1);
  tlw_engine_close(&engine);
  char path[2000];
  assert_true(tlw_tuning_store(auto_folder, &second, AUTO_THREADS, &always, path, sizeof path));
  engine = auto_open_with(&options);
  tlw_device taken;
  assert_int_equal(tlw_engine_describe(engine, &taken, NULL), TLW_OK);
  assert_string_equal(taken.uuid, second.uuid);
  tlw_engine_close(&engine);
  assert_int_equal(unlink(path), 0);
}

static void test_log(void **state) {
  (void)state;
  auto_plant_middle();
  for (int measured = 0; measured < 2; measured++) {
    auto_log log = {0};
    tlw_engine_options options = auto_options(TLW_BACKEND_AUTO);
    options.log = auto_remember;
    options.log_user = &log;
    if (!measured) options.cache_dir = "";
    tlw_engine *engine = auto_open_with(&options);
    for (int turn = 0; turn < 3; turn++)
      for (size_t i = 0; i < AUTO_JOBS; i++) {
        auto_want(&auto_jobs[i], false);
        auto_run(&auto_jobs[i], false, engine);
      }
    assert_int_equal(auto_times_said(&log, "charts of this size are given to the CPU: "), 1);
    if (measured)
      for (int work = 0; work < TLW_WORKS; work++) {
        char part[100];
        snprintf(part, sizeof part, "%s of this size are given to the CPU: ", tlw_work_name((enum tlw_work)work));
        assert_int_equal(auto_times_said(&log, part), 1);
      }
    const int said = auto_times_said(&log, measured ? "(measured)" : "(estimated)");
    if (measured)
      assert_int_equal(said, TLW_WORKS);
    else
      assert_true(said > 0);
    assert_int_equal(auto_times_said(&log, measured ? "(estimated)" : "(measured)"), 0);
    tlw_engine_close(&engine);
  }
}

/* What tables tell is decided at once, behind a first batch that was logged; what they don't is not decided. */
static void test_at_once(void **state) {
  (void)state;
  auto_plant_middle();
  tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
  const struct tlw_load small = {.work = TLW_WORK_FOLD, .units = AUTO_FEW_ROWS, .extra = 1, .heft = TLW_HEFT_ALIKE};
  struct tlw_load unknown[3] = {small, small, small};
  unknown[0].units = 2 * AUTO_ROWS;
  unknown[1].heft = TLW_HEFT_ANY;
  unknown[1].units = 2 * AUTO_FEW_ROWS;
  unknown[2].sharers = 2;
  for (int told = 0; told < 2; told++) {
    assert_int_equal(tlw_engine_begin(engine, NULL), TLW_OK);
    const uint64_t before = kit_stats(engine).to_cpu;
    for (int i = 0; i < 3; i++) assert_false(tlw_aim_at_once(engine, &unknown[i], 1));
    assert_false(tlw_aim_is_at_cpu(engine));
    assert_int_equal(tlw_aim_at_once(engine, &small, 1), told);
    assert_int_equal(tlw_aim_is_at_cpu(engine), told);
    assert_int_equal(kit_stats(engine).to_cpu, before + (uint64_t)told);
    if (!told) tlw_aim(engine, &small, 1);
    assert_true(tlw_aim_is_at_cpu(engine));
    tlw_engine_end(engine);
  }
  tlw_engine_close(&engine);
}

/* What is left on a device is drawn there, and buffers are its own. */
static void test_buffers_stay_on_the_device(void **state) {
  (void)state;
  auto_plant(AUTO_ALL_ON_CPU);
  tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
  auto_want(&auto_jobs[9], false);
  auto_runs_on(&auto_jobs[9], false, true, engine);
  const tlw_image_options options = auto_jkx_options();
  const tlw_stats before = kit_stats(engine);
  tlw_buffer buffer;
  tlw_error error;
  if (auto_draw_images(engine, &options, AUTO_FEW, &buffer, NULL, &error) != TLW_OK) fail_msg("%s", error.message);
  const tlw_stats after = kit_stats(engine);
  assert_int_equal(after.to_cpu, before.to_cpu);
  assert_true(after.launches > before.launches && after.pool_bytes.current > 0);
  auto_runs_on(&auto_jobs[9], false, true, engine);
  auto_got.size = 0;
  uint8_t *bytes = auto_room(&auto_got, auto_wanted.size);
  assert_int_equal(tlw_buffer_read(engine, buffer, 0, bytes, auto_wanted.size, NULL), TLW_OK);
  auto_compare("a buffer");
  assert_int_equal(kit_stats(engine).pool_bytes.current, after.pool_bytes.current);
  assert_int_equal(tlw_buffer_free(engine, &buffer, NULL), TLW_OK);
  tlw_engine_close(&engine);
}

/* ---- streams ---- */

/* Batches that alternate between backends arrive in order, on one engine and on two. */
static void test_streams_alternate(void **state) {
  (void)state;
  static const char batches[] = "sLssLLsLs";
  auto_plant_middle();
  for (int format = 0; format < 4; format++) {
    const tlw_stream_format to = format == 0 ? TLW_STREAM_RASTER : TLW_STREAM_PNG;
    tlw_engine *cpu = auto_open(TLW_BACKEND_CPU);
    tlw_error error;
    auto_wanted.size = 0;
    assert_int_equal(auto_stream(&cpu, 1, to, format == 2, batches, &auto_wanted, NULL), TLW_OK);
    tlw_engine *engines[2] = {auto_open(TLW_BACKEND_AUTO), cpu};
    for (size_t n = 1; n <= 2; n++) {
      auto_got.size = 0;
      if (auto_stream(engines, n, to, format == 2, batches, &auto_got, &error) != TLW_OK) fail_msg("%s", error.message);
      auto_compare("a stream");
      if (n == 1) {
        assert_int_equal(kit_stats(engines[0]).to_cpu, 5);
        assert_true(kit_stats(engines[0]).launches > 0);
        assert_int_equal(kit_stats(engines[0]).charts, 5 * AUTO_FEW + 4 * AUTO_MANY);
      }
    }
    assert_int_equal(kit_stats(cpu).to_cpu, 0);
    tlw_engine_close(&engines[0]);
    tlw_engine_close(&cpu);
  }
}

/* ---- a device that fails ---- */

/* After a fallback there is nothing to choose any more, whether the CPU was open beside the device or not. */
static void test_fallback(void **state) {
  (void)state;
  auto_plant_middle();
  for (int opened = 0; opened < 2; opened++)
    for (size_t i = 0; i < AUTO_JOBS; i++) {
      if (auto_jobs[i].work == TLW_WORK_BARS) continue; /* no work for a fallback */
      assert_int_equal(kit_soft.restart(), 0);
      tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
      auto_want(&auto_jobs[i], true);
      auto_runs_on(&auto_jobs[i], true, false, engine);
      assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
      assert_int_equal(kit_soft.set("memory=1000"), 0);
      if (opened) {
        auto_want(&auto_jobs[i], false);
        auto_runs_on(&auto_jobs[i], false, true, engine);
      }
      auto_want(&auto_jobs[i], true);
      auto_run(&auto_jobs[i], true, engine);
      assert_int_equal(auto_backend(engine), TLW_BACKEND_CPU);
      assert_int_equal(kit_stats(engine).fallbacks, 1);
      auto_want(&auto_jobs[i], false);
      auto_run(&auto_jobs[i], false, engine);
      assert_int_equal(kit_stats(engine).to_cpu, opened);
      assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
      auto_run(&auto_jobs[i], false, engine);
      assert_int_equal(kit_stats(engine).to_cpu, opened);
      tlw_engine_close(&engine);
    }
}

/* A lost device is the end of the engine, also of what the CPU would do. */
static void test_lost_device(void **state) {
  (void)state;
  auto_plant_middle();
  tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
  tlw_error error;
  auto_want(&auto_jobs[0], false);
  auto_runs_on(&auto_jobs[0], false, true, engine);
  assert_int_equal(kit_soft.set("sticky=execute:2:CUDA_ERROR_LAUNCH_FAILED"), 0);
  auto_runs_on(&auto_jobs[0], false, true, engine);
  auto_want(&auto_jobs[0], true);
  assert_int_equal(auto_try(&auto_jobs[0], true, engine, &error), TLW_ERR_DEVICE_LOST);
  auto_want(&auto_jobs[0], false);
  assert_int_equal(auto_try(&auto_jobs[0], false, engine, &error), TLW_ERR_DEVICE_LOST);
  assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_ERR_DEVICE_LOST);
  tlw_engine_close(&engine);
}

/* ---- threads ---- */

struct watch {
  const tlw_engine *engine;
  _Atomic bool ends;
};

static void *look_on(void *argument) {
  struct watch *watch = argument;
  uint64_t before = 0;
  while (!watch->ends) {
    const tlw_stats stats = kit_stats(watch->engine);
    assert_true(stats.to_cpu >= before && stats.pool_bytes.current <= stats.device_bytes.current);
    before = stats.to_cpu;
    assert_int_equal(auto_backend(watch->engine), TLW_BACKEND_CUDA);
  }
  return NULL;
}

/* Statistics while it runs, and small renders beside a stream. */
static void test_looked_at_meanwhile(void **state) {
  (void)state;
  auto_plant_middle();
  tlw_engine *engine = auto_open(TLW_BACKEND_AUTO);
  struct watch watch = {.engine = engine};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, look_on, &watch), 0);
  for (int turn = 0; turn < (kit_in_full() ? 4 : 2); turn++)
    for (size_t i = 0; i < AUTO_JOBS; i++) {
      if (auto_jobs[i].work == TLW_WORK_BARS && turn > 0) continue;
      auto_want(&auto_jobs[i], turn % 2);
      auto_runs_on(&auto_jobs[i], turn % 2, turn % 2 == 0, engine);
    }
  watch.ends = true;
  pthread_join(thread, NULL);
  tlw_engine_close(&engine);
}

struct beside {
  tlw_engine *engine;
  uint8_t pixels[AUTO_MANY * AUTO_IMAGE], expected[AUTO_MANY * AUTO_IMAGE];
  _Atomic int64_t wrong;
};

static void *render_beside(void *argument) {
  struct beside *beside = argument;
  int64_t offsets[AUTO_MANY], counts[AUTO_MANY];
  const tlw_chart_options chart = auto_chart();
  for (int turn = 0; turn < (kit_in_full() ? 40 : 12); turn++) {
    const int64_t n = turn % 3 == 2 ? AUTO_MANY : AUTO_FEW;
    const tlw_candles candles = auto_candles(n, offsets, counts);
    const tlw_raster raster = {beside->pixels, sizeof beside->pixels, AUTO_WIDTH, AUTO_IMAGE};
    if (tlw_chart_render(beside->engine, &candles, &chart, &raster, NULL) != TLW_OK ||
        memcmp(beside->pixels, beside->expected, (size_t)n * AUTO_IMAGE) != 0)
      beside->wrong++;
  }
  return NULL;
}

/* Two threads on one engine within a budget: what one plans the other may take away. */
static void test_two_threads(void **state) {
  (void)state;
  static struct beside beside;
  auto_plant_middle();
  auto_want(&auto_jobs[0], true);
  memcpy(beside.expected, auto_wanted.bytes, auto_wanted.size);
  for (int limited = 0; limited < 2; limited++) {
    tlw_engine_options options = auto_options(TLW_BACKEND_AUTO);
    if (limited) options.host_budget = 6 << 20;
    beside.engine = auto_open_with(&options);
    pthread_t thread;
    tlw_error error;
    auto_wanted.size = 0;
    tlw_engine *cpu = auto_open(TLW_BACKEND_CPU);
    assert_int_equal(auto_stream(&cpu, 1, TLW_STREAM_PNG, false, "sLsLLssL", &auto_wanted, NULL), TLW_OK);
    tlw_engine_close(&cpu);
    assert_int_equal(pthread_create(&thread, NULL, render_beside, &beside), 0);
    for (int turn = 0; turn < (kit_in_full() ? 3 : 1); turn++) {
      auto_got.size = 0;
      if (auto_stream(&beside.engine, 1, TLW_STREAM_PNG, false, "sLsLLssL", &auto_got, &error) != TLW_OK)
        fail_msg("%s", error.message);
      auto_compare("a stream beside renders");
    }
    pthread_join(thread, NULL);
    assert_int_equal(beside.wrong, 0);
    tlw_engine_close(&beside.engine);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_each_kind_of_work, auto_healthy),
      cmocka_unit_test_setup(test_all_kinds_on_one_engine, auto_healthy),
      cmocka_unit_test_setup(test_named_backends_do_not_choose, auto_healthy),
      cmocka_unit_test_setup(test_never, auto_healthy),
      cmocka_unit_test_setup(test_never_of_the_first_of_two, auto_healthy),
      cmocka_unit_test_setup(test_log, auto_healthy),
      cmocka_unit_test_setup(test_at_once, auto_healthy),
      cmocka_unit_test_setup(test_buffers_stay_on_the_device, auto_healthy),
      cmocka_unit_test_setup(test_streams_alternate, auto_healthy),
      cmocka_unit_test_setup(test_fallback, auto_healthy),
      cmocka_unit_test_setup(test_lost_device, auto_healthy),
      cmocka_unit_test_setup(test_looked_at_meanwhile, auto_healthy),
      cmocka_unit_test_setup(test_two_threads, auto_healthy),
  };
  return cmocka_run_group_tests(tests, auto_prepare, auto_finish);
}
