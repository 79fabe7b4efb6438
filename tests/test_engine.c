/*
 * Engines: options, devices, choice of a backend and its reasons, budgets, statistics, and what happens when a driver
 * fails. The CUDA side runs on the software driver, whose faults are set from here.
 *
 *   TALLOW_TEST_CASES=N             with less than 50 one of five, with less than 10 of twenty of the calls that fail
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/gpu/cache.h"
#include "softcuda/softcuda.h"
#include "tallow/tallow.h"

#define ROWS 300
#define WIDTH 160
#define HEIGHT 120
#define CHARTS 6

static double columns[5][ROWS];
static int64_t offsets[CHARTS + 1];
static uint8_t expected[CHARTS][WIDTH * HEIGHT], pixels[CHARTS][WIDTH * HEIGHT];

static struct {
  void (*stats)(struct softcuda_stats *stats);
  uint64_t (*calls)(const char *function);
  int (*set)(const char *setting);
  void (*reset_faults)(void);
  int (*restart)(void);
  void (*abandon)(void);
} soft;

static tlw_candles candles_of_test(void) {
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = columns[0];
  candles.high = columns[1];
  candles.low = columns[2];
  candles.close = columns[3];
  candles.volume = columns[4];
  candles.n_rows = ROWS;
  candles.offsets = offsets;
  candles.n_series = CHARTS;
  return candles;
}

static tlw_status render(tlw_engine *engine, void *target, tlw_error *error) {
  const tlw_candles candles = candles_of_test();
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = WIDTH;
  options.height = HEIGHT;
  const tlw_raster raster = {target, sizeof expected, WIDTH, WIDTH * HEIGHT};
  return tlw_chart_render(engine, &candles, &options, &raster, error);
}

static tlw_engine_options options_for(tlw_backend backend) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.cache_dir = "";
  return options;
}

static int prepare(void **state) {
  (void)state;
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) {
    fprintf(stderr, "%s\n", dlerror());
    return -1;
  }
  *(void **)&soft.stats = dlsym(driver, "softcuda_stats");
  *(void **)&soft.calls = dlsym(driver, "softcuda_calls");
  *(void **)&soft.set = dlsym(driver, "softcuda_set");
  *(void **)&soft.reset_faults = dlsym(driver, "softcuda_reset_faults");
  *(void **)&soft.restart = dlsym(driver, "softcuda_restart");
  *(void **)&soft.abandon = dlsym(driver, "softcuda_abandon");
  if (!soft.abandon || !soft.stats || !soft.calls || !soft.set || !soft.reset_faults || !soft.restart) {
    fprintf(stderr, "libcuda.so.1 is not the software driver: these tests set its faults\n");
    return -1;
  }
  for (int i = 0; i < ROWS; i++) {
    columns[0][i] = 100 + i * 7 % 13;
    columns[3][i] = 100 + i * 11 % 17;
    columns[1][i] = 120 + i % 3;
    columns[2][i] = 90 - i % 5;
    columns[4][i] = i * 31 % 101;
  }
  for (int i = 0; i <= CHARTS; i++) offsets[i] = i * i * 8;
  tlw_engine *engine;
  const tlw_engine_options options = options_for(TLW_BACKEND_CPU);
  if (tlw_engine_open(&engine, &options, NULL) != TLW_OK || render(engine, expected, NULL) != TLW_OK) return -1;
  tlw_engine_close(&engine);
  return 0;
}

/* Before each test: a healthy driver. */
static int healthy(void **state) {
  (void)state;
  return soft.restart();
}

static void assert_pixels(void) { assert_memory_equal(pixels, expected, sizeof pixels); }

static uint64_t kept_by_driver(void) {
  struct softcuda_stats stats;
  soft.stats(&stats);
  return stats.contexts + stats.retains + stats.pushes + stats.allocations + stats.modules + stats.streams +
         stats.events + stats.host_allocations + stats.guard_violations + stats.left_behind;
}

/* ---- options ---- */

static void refused(const tlw_engine_options *options, tlw_status code, const char *part) {
  tlw_engine *engine = (tlw_engine *)&engine;
  tlw_error error = {.code = TLW_OK};
  assert_int_equal(tlw_engine_open(&engine, options, &error), code);
  assert_null(engine);
  assert_int_equal(error.code, code);
  if (!strstr(error.message, part)) fail_msg("'%s' does not say '%s'", error.message, part);
  assert_int_equal(tlw_engine_open(&engine, options, NULL), code);
}

/* "A call that succeeds leaves the record alone", also if AUTO was refused something on its way. */
static void test_success_leaves_the_error_alone(void **state) {
  (void)state;
  assert_int_equal(soft.set("fp64=0"), 0);
  tlw_error error, untouched;
  memset(&error, 0x5a, sizeof error);
  untouched = error;
  const tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, &error), TLW_OK);
  assert_int_equal(render(engine, pixels, &error), TLW_OK);
  tlw_engine_close(&engine);
  assert_memory_equal(&error, &untouched, sizeof error);
}

static void test_wrong_options(void **state) {
  (void)state;
  tlw_engine_options options;
  assert_int_equal(tlw_engine_open(NULL, NULL, NULL), TLW_ERR_ARGUMENT);
  memset(&options, 0, sizeof options);
  refused(&options, TLW_ERR_ARGUMENT, "tlw_engine_options_init");
  options = options_for((tlw_backend)9);
  refused(&options, TLW_ERR_ARGUMENT, "backend");
  options = options_for(TLW_BACKEND_CPU);
  options.threads = 0;
  refused(&options, TLW_ERR_ARGUMENT, "threads is 0");
  options.threads = TLW_THREADS_MAX + 1;
  refused(&options, TLW_ERR_ARGUMENT, "1 to 1024");
  options = options_for(TLW_BACKEND_AUTO);
  options.device = "0";
  refused(&options, TLW_ERR_ARGUMENT, "cuda or opencl");
  options = options_for(TLW_BACKEND_CUDA);
  options.device = "7";
  refused(&options, TLW_ERR_UNAVAILABLE, "'7'");
  options.device = "GPU-00000000-0000-0000-0000-000000000000";
  refused(&options, TLW_ERR_UNAVAILABLE, "tallow devices");
  options.device = "";
  refused(&options, TLW_ERR_UNAVAILABLE, "''");
  tlw_engine_close(NULL);
  tlw_engine *none = NULL;
  tlw_engine_close(&none);
}

static void test_forced_tier(void **state) {
  (void)state;
  const tlw_engine_options options = options_for(TLW_BACKEND_CPU);
  setenv("TALLOW_CPU_TIER", "baseline", 1);
  tlw_engine *engine;
  tlw_device device;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_int_equal(tlw_engine_describe(engine, &device, NULL), TLW_OK);
  assert_string_equal(device.driver, "baseline");
  tlw_engine_close(&engine);
  setenv("TALLOW_CPU_TIER", "abacus", 1);
  refused(&options, TLW_ERR_UNAVAILABLE, "abacus");
  unsetenv("TALLOW_CPU_TIER");
}

/* ---- devices ---- */

static size_t list(int check, tlw_device *devices, size_t capacity) {
  size_t count = 99;
  tlw_error error;
  assert_int_equal(tlw_devices(check, devices, capacity, &count, &error), TLW_OK);
  return count;
}

static const tlw_device *find(const tlw_device *devices, size_t count, tlw_backend backend) {
  for (size_t i = 0; i < count; i++)
    if (devices[i].backend == backend) return &devices[i];
  fail_msg("no entry of backend %s", tlw_backend_name(backend));
  return NULL;
}

static void expect_cuda_reason(const char *setting, int check, const char *part) {
  soft.restart();
  assert_int_equal(soft.set(setting), 0);
  tlw_device devices[16];
  const size_t count = list(check, devices, 16);
  const tlw_device *cuda = find(devices, count, TLW_BACKEND_CUDA);
  assert_int_equal(cuda->usable, 0);
  assert_int_equal(cuda->automatic, 0);
  if (!strstr(cuda->reason, part)) fail_msg("%s: '%s' does not say '%s'", setting, cuda->reason, part);
  /* AUTO goes on to what works, and says so. */
  tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  assert_true(stats.passed_over >= 1);
  tlw_engine_close(&engine);
  options = options_for(TLW_BACKEND_CUDA);
  refused(&options, TLW_ERR_UNAVAILABLE, check ? "" : part);
}

static void test_reasons_of_refusal(void **state) {
  (void)state;
  expect_cuda_reason("devices=0", 0, "CUDA_ERROR_NO_DEVICE");
  expect_cuda_reason("driver=12080", 0, "CUDA 12.8");
  expect_cuda_reason("fp64=0", 0, "double precision");
  expect_cuda_reason("capability=61", 0, "6.1");
  expect_cuda_reason("init=999", 0, "999");
}

static void test_devices_are_listed(void **state) {
  (void)state;
  soft.set("devices=3");
  tlw_device devices[16];
  const size_t count = list(0, NULL, 0);
  assert_true(count >= 5);
  memset(devices, 0x5a, sizeof devices);
  assert_int_equal(list(0, devices, 2), count);
  assert_int_equal(devices[1].index, 1);
  assert_int_equal(((unsigned char *)&devices[2])[0], 0x5a);
  assert_int_equal(list(1, devices, 16), count);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(devices[i].backend, TLW_BACKEND_CUDA);
    assert_int_equal(devices[i].usable, 1);
    assert_int_equal(strncmp(devices[i].uuid, "GPU-", 4), 0);
    assert_int_equal(strlen(devices[i].uuid), 40);
  }
  assert_int_equal(devices[count - 1].backend, TLW_BACKEND_CPU);
  assert_int_equal(devices[count - 1].automatic, 1);
  /* By index, by UUID with and without its prefix. */
  for (int form = 0; form < 3; form++) {
    tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    options.device = form == 0 ? "2" : devices[2].uuid + (form == 1 ? 0 : 4);
    tlw_engine *engine;
    tlw_device device;
    assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
    assert_int_equal(tlw_engine_describe(engine, &device, NULL), TLW_OK);
    assert_int_equal(device.index, 2);
    tlw_engine_close(&engine);
  }
  assert_int_equal(kept_by_driver(), 0);
  size_t n;
  assert_int_equal(tlw_devices(0, NULL, 1, &n, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_devices(0, NULL, 0, NULL, NULL), TLW_ERR_ARGUMENT);
}

static void test_mig_name(void **state) {
  (void)state;
  soft.set("mig=1");
  tlw_device devices[16];
  list(0, devices, 16);
  assert_int_equal(strncmp(devices[0].uuid, "MIG-", 4), 0);
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  options.device = devices[0].uuid;
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  tlw_engine_close(&engine);
}

/* ---- faults ---- */

/* Fails the Nth call of each function of the driver, N from 1 until nothing fails, over open, render and close. */
static void fail_each_call(const char *function, const char *kind, int code) {
  const char *const wanted = getenv("TALLOW_TEST_CASES");
  const int cases = wanted ? atoi(wanted) : 1000, step = cases < 10 ? 20 : cases < 50 ? 5 : 1;
  for (int n = 1;; n += step) {
    assert_int_equal(soft.restart(), 0);
    char setting[100];
    snprintf(setting, sizeof setting, "%s=%s:%d:%d", kind, function, n, code);
    assert_int_equal(soft.set(setting), 0);
    tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    options.device_budget = 200000; /* several chunks in two slots */
    tlw_engine *engine;
    tlw_error error = {.code = TLW_OK};
    tlw_status status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) status = render(engine, pixels, &error);
    assert_int_equal(status, error.code);
    if (status == TLW_OK) assert_pixels();
    if (engine && status != TLW_OK) {
      /* Lost for good, or fit for the next call. */
      soft.reset_faults();
      tlw_error again;
      const tlw_status next = render(engine, pixels, &again);
      if (status == TLW_ERR_DEVICE_LOST)
        assert_int_equal(next, TLW_ERR_DEVICE_LOST);
      else if (next == TLW_OK)
        assert_pixels();
    }
    const int failed = soft.calls(function) >= (uint64_t)n;
    tlw_engine_close(&engine);
    struct softcuda_stats stats;
    soft.stats(&stats);
    assert_int_equal(stats.contexts, 0);
    assert_int_equal(stats.guard_violations, 0);
    if (!failed) return;
    assert_true(n < 1000);
  }
}

static const char *const functions[] = {
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDevicePrimaryCtxRetain",
    "cuCtxPushCurrent_v2",
    "cuMemGetInfo_v2",
    "cuMemAlloc_v2",
    "cuMemHostAlloc",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpy2DAsync_v2",
    "cuStreamCreate",
    "cuEventQuery",
    "cuStreamWaitEvent",
    "cuEventCreate",
    "cuEventRecord",
    "cuModuleLoadData",
    "cuModuleGetFunction",
    "cuLaunchKernel",
};

static void test_every_call_may_fail(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) fail_each_call(functions[i], "fail", 1);
}

static void test_out_of_memory(void **state) {
  (void)state;
  assert_int_equal(soft.set("memory=10000"), 0);
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  options.device_budget = 1 << 20;
  refused(&options, TLW_ERR_MEMORY, "OUT_OF_MEMORY");
  assert_int_equal(kept_by_driver(), 0);
}

static void test_sticky_errors_lose_the_device(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) fail_each_call(functions[i], "sticky", 719);
}

static void test_a_lost_device_stays_lost(void **state) {
  (void)state;
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_int_equal(render(engine, pixels, NULL), TLW_OK);
  assert_pixels();
  assert_int_equal(soft.set("sticky=cuEventQuery:1:700"), 0);
  tlw_error error;
  assert_int_equal(render(engine, pixels, &error), TLW_ERR_DEVICE_LOST);
  assert_int_equal(error.native, 700);
  assert_int_equal(render(engine, pixels, &error), TLW_ERR_DEVICE_LOST);
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  assert_int_equal(stats.charts, CHARTS);
  tlw_engine_close(&engine);
}

/*
 * A wait that fails leaves no copy behind that would write into memory which the caller has freed by then: the pixels
 * are on the heap, where a sanitizer sees it.
 */
static void test_a_failed_wait_leaves_no_copies(void **state) {
  (void)state;
  for (int n = 1; n <= 12; n++) {
    assert_int_equal(soft.restart(), 0);
    char setting[60];
    snprintf(setting, sizeof setting, "fail=cuEventQuery:%d:1", n);
    assert_int_equal(soft.set(setting), 0);
    const tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    tlw_engine *engine;
    if (tlw_engine_open(&engine, &options, NULL) == TLW_OK) {
      void *target = malloc(sizeof expected);
      assert_non_null(target);
      render(engine, target, NULL);
      struct softcuda_stats stats;
      soft.stats(&stats);
      assert_int_equal(stats.queued, 0);
      free(target);
    }
    tlw_engine_close(&engine);
  }
}

/* A device that is lost while a lesser error is being cleaned up is lost. */
static void test_lost_while_finishing(void **state) {
  (void)state;
  const tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_int_equal(soft.set("fail=cuLaunchKernel:2:1"), 0);
  assert_int_equal(soft.set("sticky=cuEventQuery:1:719"), 0);
  tlw_error error;
  assert_int_equal(render(engine, pixels, &error), TLW_ERR_DEVICE_LOST);
  assert_int_equal(error.code, TLW_ERR_DEVICE_LOST);
  assert_int_equal(error.native, 719);
  assert_non_null(strstr(error.message, "close this engine"));
  tlw_engine_close(&engine);
}

/* What a driver answers while an engine opens comes out as a device that can't be used. */
static void test_codes_of_a_failed_open(void **state) {
  (void)state;
  static const char *const settings[] = {"fail=cuModuleLoadData:1:200", "fail=cuModuleGetFunction:1:500",
                                         "sticky=cuLaunchKernel:1:719", "fail=cuDevicePrimaryCtxRetain:1:46"};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    assert_int_equal(soft.restart(), 0);
    assert_int_equal(soft.set(settings[i]), 0);
    const tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    tlw_engine *engine;
    tlw_error error = {.code = TLW_OK};
    assert_int_equal(tlw_engine_open(&engine, &options, &error), TLW_ERR_UNAVAILABLE);
    assert_int_equal(error.code, TLW_ERR_UNAVAILABLE);
    assert_int_equal(error.native, atoi(strrchr(settings[i], ':') + 1));
    assert_null(strstr(error.message, "engine"));
  }
}

/* ---- budgets and statistics ---- */

static void test_device_budget_to_the_byte(void **state) {
  (void)state;
  uint64_t budget = 1000;
  for (int rounds = 0;; rounds++) {
    assert_true(rounds < 2);
    assert_int_equal(soft.restart(), 0);
    tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    tlw_engine *engine;
    options.device_budget = budget;
    tlw_error error;
    tlw_status status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) {
      status = render(engine, pixels, &error);
      tlw_engine_close(&engine);
    }
    struct softcuda_stats stats;
    soft.stats(&stats);
    assert_true(stats.memory_peak <= budget);
    if (status == TLW_OK) break;
    assert_int_equal(status, TLW_ERR_BUDGET);
    assert_true(error.bytes > budget);
    budget = error.bytes;
  }
  assert_pixels();
}

static void test_statistics(void **state) {
  (void)state;
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  tlw_stats before = {.struct_size = sizeof before}, after = {.struct_size = sizeof after};
  assert_int_equal(tlw_engine_stats(engine, &before, NULL), TLW_OK);
  assert_int_equal(before.charts, 0);
  assert_int_equal(before.device_budget, (uint64_t)1 << 30);
  for (int i = 0; i < 3; i++) assert_int_equal(render(engine, pixels, NULL), TLW_OK);
  assert_int_equal(tlw_engine_stats(engine, &after, NULL), TLW_OK);
  assert_int_equal(after.charts, 3 * CHARTS);
  assert_int_equal(after.candles, 3 * offsets[CHARTS]);
  assert_int_equal(after.pixels, 3 * sizeof expected);
  assert_int_equal(after.downloaded - before.downloaded, 3 * sizeof expected);
  assert_int_equal(after.launches - before.launches,
                   3 * 6); /* a batch is one launch of each kernel but that of lines */
  struct softcuda_stats driver;
  soft.stats(&driver);
  assert_int_equal(driver.memory_current, after.device_bytes.current);
  assert_int_equal(driver.memory_peak, after.device_bytes.peak);
  assert_int_equal(driver.bytes_up, after.uploaded);
  assert_int_equal(driver.bytes_down, after.downloaded);
  assert_int_equal(driver.launches, after.launches);
  /* A caller of an older version gets what fits. */
  tlw_stats old;
  memset(&old, 0x5a, sizeof old);
  old.struct_size = offsetof(tlw_stats, charts);
  assert_int_equal(tlw_engine_stats(engine, &old, NULL), TLW_OK);
  assert_int_equal(old.host_bytes.current, after.host_bytes.current);
  assert_int_equal(old.charts, 0x5a5a5a5a5a5a5a5a);
  old.struct_size = 0;
  assert_int_equal(tlw_engine_stats(engine, &old, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_engine_stats(NULL, &after, NULL), TLW_ERR_ARGUMENT);
  tlw_engine_close(&engine);
  assert_null(engine);
  assert_int_equal(kept_by_driver(), 0);
}

/* Memory of an integrated GPU is host memory, and held against that budget too. */
static void test_integrated_device(void **state) {
  (void)state;
  assert_int_equal(soft.set("integrated=1"), 0);
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_int_equal(render(engine, pixels, NULL), TLW_OK);
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  assert_true(stats.device_bytes.current > 0);
  assert_true(stats.host_bytes.current > stats.device_bytes.current);
  tlw_engine_close(&engine);
}

/* Where scratch for all threads does not fit, fewer work. */
/* Bytes of an open engine with so many threads, and those that a chart adds to them. */
struct sizes {
  uint64_t opened, drawn;
};

static struct sizes sizes_with(uint32_t threads) {
  tlw_engine_options options = options_for(TLW_BACKEND_CPU);
  options.threads = threads;
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_engine *engine;
  struct sizes sizes;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  sizes.opened = stats.host_bytes.current;
  assert_int_equal(render(engine, pixels, NULL), TLW_OK);
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  sizes.drawn = stats.host_bytes.current - sizes.opened;
  tlw_engine_close(&engine);
  return sizes;
}

static void test_fewer_threads_fit(void **state) {
  (void)state;
  const struct sizes three = sizes_with(3), four = sizes_with(4);
  const uint64_t each = four.drawn - three.drawn, shared = four.drawn - 4 * each;
  tlw_engine_options options = options_for(TLW_BACKEND_CPU);
  options.threads = 4;
  for (uint64_t workers = 1; workers <= 4; workers++) {
    options.host_budget = four.opened + shared + workers * each;
    tlw_stats stats = {.struct_size = sizeof stats};
    tlw_engine *engine;
    assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
    memset(pixels, 0x5a, sizeof pixels);
    assert_int_equal(render(engine, pixels, NULL), TLW_OK);
    assert_pixels();
    assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
    assert_int_equal(stats.host_bytes.peak, options.host_budget);
    tlw_engine_close(&engine);
  }
}

/* The least host budget that works is found by believing the errors; one byte less does not work. */
static void test_host_budget(void **state) {
  (void)state;
  uint64_t budget = 0;
  tlw_error error = {.bytes = 1};
  for (int rounds = 0; error.bytes; rounds++) {
    assert_true(rounds < 30);
    tlw_engine_options options = options_for(TLW_BACKEND_CPU);
    options.threads = 2;
    options.host_budget = budget;
    tlw_engine *engine;
    error.bytes = 0;
    tlw_status status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) status = render(engine, pixels, &error);
    if (status == TLW_OK) {
      tlw_stats stats = {.struct_size = sizeof stats};
      assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
      assert_true(stats.host_bytes.peak <= budget);
      assert_int_equal(stats.host_budget, budget);
    } else {
      assert_int_equal(status, TLW_ERR_BUDGET);
      assert_true(error.bytes > budget);
      budget = error.bytes;
    }
    tlw_engine_close(&engine);
  }
  assert_pixels();
}

static void test_second_render_allocates_nothing(void **state) {
  (void)state;
  for (tlw_backend backend = TLW_BACKEND_CPU; backend <= TLW_BACKEND_CUDA; backend++) {
    const tlw_engine_options options = options_for(backend);
    tlw_engine *engine;
    assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
    assert_int_equal(render(engine, pixels, NULL), TLW_OK);
    tlw_stats first = {.struct_size = sizeof first}, second = first;
    assert_int_equal(tlw_engine_stats(engine, &first, NULL), TLW_OK);
    assert_int_equal(render(engine, pixels, NULL), TLW_OK);
    assert_int_equal(tlw_engine_stats(engine, &second, NULL), TLW_OK);
    assert_int_equal(first.host_bytes.total, second.host_bytes.total);
    assert_int_equal(first.device_bytes.total, second.device_bytes.total);
    tlw_engine_close(&engine);
  }
}

/* ---- the caller's floating-point environment ---- */

static void flush_denormals(bool on) {
#ifdef __SSE2__
  const unsigned bits = 0x8040; /* FTZ and DAZ */
  __builtin_ia32_ldmxcsr(on ? __builtin_ia32_stmxcsr() | bits : __builtin_ia32_stmxcsr() & ~bits);
#else
  (void)on;
#endif
}

/* Neither the direction of rounding nor flushed denormals change a pixel, and both are as they were afterwards. */
static void test_floating_point_environment(void **state) {
  (void)state;
  static const int directions[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  static double tiny[4][ROWS];
  static uint8_t reference[WIDTH * HEIGHT], drawn[WIDTH * HEIGHT];
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < ROWS; i++) tiny[k][i] = columns[k][i] * 3e-310;
  tlw_candles candles = candles_of_test();
  candles.open = tiny[0];
  candles.high = tiny[1];
  candles.low = tiny[2];
  candles.close = tiny[3];
  candles.offsets = NULL;
  candles.n_series = 1;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = WIDTH;
  options.height = HEIGHT;
  for (size_t round = 0; round <= 3; round++) {
    if (round > 0) {
      fesetround(directions[round - 1]);
      flush_denormals(true);
    }
    tlw_engine_options engine_options = options_for(TLW_BACKEND_CPU);
    engine_options.threads = 2;
    tlw_engine *engine;
    const tlw_raster raster = {round ? drawn : reference, sizeof drawn, WIDTH, sizeof drawn};
    const tlw_status opened = tlw_engine_open(&engine, &engine_options, NULL);
    const tlw_status status = opened == TLW_OK ? tlw_chart_render(engine, &candles, &options, &raster, NULL) : opened;
    tlw_engine_close(&engine);
    const int direction = fegetround();
    fesetround(FE_TONEAREST);
    flush_denormals(false);
    assert_int_equal(status, TLW_OK);
    assert_int_equal(direction, round ? directions[round - 1] : FE_TONEAREST);
    if (round) assert_memory_equal(drawn, reference, sizeof drawn);
  }
}

/* ---- the cache ---- */

static struct { char folder[40], file[400]; } cache = {.folder = "/tmp/tallow_engine_XXXXXX"};

static uint64_t launches_of_open(void) {
  tlw_engine_options options = options_for(TLW_BACKEND_OPENCL);
  options.cache_dir = cache.folder;
  tlw_engine *engine;
  tlw_error error;
  if (tlw_engine_open(&engine, &options, &error) != TLW_OK) fail_msg("%s", error.message);
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  assert_int_equal(render(engine, pixels, NULL), TLW_OK);
  assert_pixels();
  tlw_engine_close(&engine);
  return stats.launches;
}

static void find_kept_file(void) {
  DIR *folder = opendir(cache.folder);
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder));)
    if (entry->d_name[0] != '.') snprintf(cache.file, sizeof cache.file, "%s/%.200s", cache.folder, entry->d_name);
  closedir(folder);
}

/* Kernels are tested once and then kept; what the driver does not take is compiled, tested and kept anew. */
static void test_kept_kernels(void **state) {
  (void)state;
  assert_non_null(mkdtemp(cache.folder));
  assert_true(launches_of_open() > 0);
  assert_int_equal(launches_of_open(), 0);
  find_kept_file();
  struct tlw_cache at;
  tlw_cache_open(&at, cache.folder);
  const uint64_t key = strtoull(strrchr(cache.file, '/') + 1, NULL, 16);
  static const char rubbish[1000] = "no kernels";
  assert_true(tlw_cache_store(&at, key, rubbish, sizeof rubbish));
  assert_true(launches_of_open() > 0);
  assert_int_equal(launches_of_open(), 0);
  assert_int_equal(unlink(cache.file), 0);
  assert_int_equal(rmdir(cache.folder), 0);
}

/* ---- independence ---- */

struct log {
  int n;
  char text[16][600];
};

static void remember(void *user, tlw_log_level level, const char *message) {
  (void)level;
  struct log *log = user;
  snprintf(log->text[log->n++ % 16], sizeof log->text[0], "%s", message);
}

static void test_log_says_what_and_why(void **state) {
  (void)state;
  assert_int_equal(soft.set("fp64=0"), 0);
  struct log log = {0};
  tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
  options.log = remember;
  options.log_user = &log;
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_true(log.n >= 2);
  assert_non_null(strstr(log.text[0], "double precision"));
  assert_non_null(strstr(log.text[log.n - 1], "using "));
  tlw_engine_close(&engine);
}

static void keep_warning(void *user, tlw_log_level level, const char *message) {
  if (level == TLW_LOG_WARNING) snprintf(user, TLW_ERROR_MESSAGE_SIZE, "%s", message);
}

/* A driver that has no memory any more, although the budget would allow it: the next backend draws the same. */
static void test_fallback(void **state) {
  (void)state;
  for (int allowed = 0; allowed < 2; allowed++) {
    assert_int_equal(soft.restart(), 0);
    char warning[TLW_ERROR_MESSAGE_SIZE] = "";
    tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    options.device_budget = 4 << 20;
    options.log = keep_warning;
    options.log_user = warning;
    if (allowed) options.allow_fallback = TLW_FALLBACK_ON;
    tlw_engine *engine;
    tlw_buffer buffer;
    tlw_device device;
    tlw_error error;
    assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
    assert_int_equal(render(engine, pixels, NULL), TLW_OK);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
    assert_int_equal(tlw_buffer_alloc(engine, 1000, &buffer, NULL), TLW_OK);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
    assert_int_equal(soft.set("memory=1000"), 0);
    memset(pixels, 0x5a, sizeof pixels);
    const tlw_status status = render(engine, pixels, &error);
    tlw_stats stats = {.struct_size = sizeof stats};
    assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
    assert_int_equal(tlw_engine_describe(engine, &device, NULL), TLW_OK);
    assert_true(stats.trims > 0);
    assert_int_equal(stats.fallbacks, allowed);
    assert_int_equal(stats.fallbacks_memory, allowed);
    assert_int_equal(stats.fallbacks_unavailable, 0);
    if (allowed) {
      assert_int_equal(status, TLW_OK);
      assert_pixels();
      assert_int_equal(device.backend, TLW_BACKEND_CPU);
      assert_non_null(strstr(stats.reason, "cuda gave way to cpu"));
      assert_string_equal(warning, stats.reason);
      assert_int_equal(tlw_buffer_free(engine, &buffer, NULL), TLW_ERR_STALE);
      assert_int_equal(tlw_buffer_alloc(engine, 1000, &buffer, NULL), TLW_OK);
      assert_int_equal(tlw_buffer_free(engine, &buffer, NULL), TLW_OK);
    } else {
      assert_int_equal(status, TLW_ERR_MEMORY);
      assert_non_null(strstr(error.message, "OUT_OF_MEMORY"));
      assert_int_equal(device.backend, TLW_BACKEND_CUDA);
      assert_int_equal(soft.set("memory=64M"), 0);
      assert_int_equal(render(engine, pixels, NULL), TLW_OK);
      assert_pixels();
    }
    tlw_engine_close(&engine);
    assert_int_equal(kept_by_driver(), 0);
  }
}

static tlw_status roll(tlw_engine *engine, tlw_error *error) {
  const void *const column[] = {columns[0]};
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = column;
  batch.n_columns = 1;
  batch.n_rows = ROWS;
  tlw_window_spec spec;
  tlw_window_spec_init(&spec, TLW_WINDOW_MEDIAN, 1);
  static double medians[ROWS];
  double *const outputs[] = {medians};
  memset(medians, 0x5a, sizeof medians);
  const tlw_status status = tlw_window_run(engine, &batch, &spec, 1, outputs, error);
  if (status == TLW_OK) assert_memory_equal(medians, columns[0], sizeof medians);
  return status;
}

/* A device that rolls windows wrong draws on; windows go to the next backend, if there may be one. */
static void test_windows_that_fail(void **state) {
  (void)state;
  for (int allowed = 0; allowed < 2; allowed++) {
    assert_int_equal(soft.restart(), 0);
    assert_int_equal(soft.set("skip=tlk_window_order"), 0);
    tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
    if (allowed) options.allow_fallback = TLW_FALLBACK_ON;
    tlw_engine *engine;
    tlw_device device;
    tlw_error error;
    assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
    assert_int_equal(render(engine, pixels, NULL), TLW_OK);
    assert_pixels();
    const tlw_status status = roll(engine, &error);
    tlw_stats stats = {.struct_size = sizeof stats};
    assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
    assert_int_equal(tlw_engine_describe(engine, &device, NULL), TLW_OK);
    assert_int_equal(stats.fallbacks, allowed);
    assert_int_equal(stats.fallbacks_memory, 0);
    assert_int_equal(stats.fallbacks_unavailable, allowed);
    assert_int_equal(device.backend, allowed ? TLW_BACKEND_CPU : TLW_BACKEND_CUDA);
    assert_int_equal(status, allowed ? TLW_OK : TLW_ERR_UNAVAILABLE);
    assert_non_null(strstr(allowed ? stats.reason : error.message, "self-test of the window kernels"));
    memset(pixels, 0x5a, sizeof pixels);
    assert_int_equal(render(engine, pixels, NULL), TLW_OK);
    assert_pixels();
    assert_int_equal(roll(engine, NULL), status);
    tlw_engine_close(&engine);
    assert_int_equal(kept_by_driver(), 0);
  }
}

/* A device that hangs is lost after the deadline; nothing then waits for it, close neither. */
static void test_hang(void **state) {
  (void)state;
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  options.device_budget = 4 << 20;
  options.deadline_ms = 5000; /* enough for what does not hang, on a busy machine under a sanitizer */
  tlw_engine *engine;
  tlw_error error;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  assert_int_equal(render(engine, pixels, NULL), TLW_OK);
  assert_int_equal(soft.set("hang=execute:5"), 0);
  assert_int_equal(render(engine, pixels, &error), TLW_ERR_DEVICE_LOST);
  assert_non_null(strstr(error.message, "it hangs"));
  assert_int_equal(render(engine, pixels, &error), TLW_ERR_DEVICE_LOST);
  assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, &error), TLW_ERR_DEVICE_LOST);
  tlw_engine_close(&engine);
  soft.abandon();
}

static void test_engines_are_independent(void **state) {
  (void)state;
  tlw_engine *engines[3];
  for (int i = 0; i < 3; i++) {
    const tlw_engine_options options = options_for(i < 2 ? TLW_BACKEND_CUDA : TLW_BACKEND_CPU);
    assert_int_equal(tlw_engine_open(&engines[i], &options, NULL), TLW_OK);
  }
  for (int i = 0; i < 3; i++) {
    memset(pixels, 0x5a, sizeof pixels);
    assert_int_equal(render(engines[i], pixels, NULL), TLW_OK);
    assert_pixels();
  }
  tlw_engine_close(&engines[0]);
  memset(pixels, 0x5a, sizeof pixels);
  assert_int_equal(render(engines[1], pixels, NULL), TLW_OK);
  assert_pixels();
  tlw_engine_close(&engines[1]);
  assert_int_equal(render(engines[2], pixels, NULL), TLW_OK);
  tlw_engine_close(&engines[2]);
  assert_int_equal(kept_by_driver(), 0);
}

/* A wrong device is found out: the self-test draws on kernels that skip their work. */
static void test_selftest_refuses(void **state) {
  (void)state;
  assert_int_equal(soft.set("skip=tlk_chart_scale"), 0);
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  refused(&options, TLW_ERR_UNAVAILABLE, "self-test");
  expect_cuda_reason("skip=tlk_chart_scale", 1, "self-test");
  /* A check looks at windows too, although the device is good for charts. */
  assert_int_equal(soft.restart(), 0);
  assert_int_equal(soft.set("skip=tlk_chain_higher"), 0);
  tlw_device devices[16];
  const tlw_device *cuda = find(devices, list(1, devices, 16), TLW_BACKEND_CUDA);
  assert_int_equal(cuda->usable, 0);
  assert_non_null(strstr(cuda->reason, "self-test of the window kernels"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, healthy)
  const struct CMUnitTest tests[] = {
      TEST(test_success_leaves_the_error_alone),
      TEST(test_wrong_options),
      TEST(test_forced_tier),
      TEST(test_reasons_of_refusal),
      TEST(test_devices_are_listed),
      TEST(test_mig_name),
      TEST(test_every_call_may_fail),
      TEST(test_out_of_memory),
      TEST(test_sticky_errors_lose_the_device),
      TEST(test_a_lost_device_stays_lost),
      TEST(test_a_failed_wait_leaves_no_copies),
      TEST(test_lost_while_finishing),
      TEST(test_codes_of_a_failed_open),
      TEST(test_device_budget_to_the_byte),
      TEST(test_integrated_device),
      TEST(test_fewer_threads_fit),
      TEST(test_floating_point_environment),
      TEST(test_kept_kernels),
      TEST(test_statistics),
      TEST(test_host_budget),
      TEST(test_second_render_allocates_nothing),
      TEST(test_log_says_what_and_why),
      TEST(test_fallback),
      TEST(test_windows_that_fail),
      TEST(test_hang),
      TEST(test_engines_are_independent),
      TEST(test_selftest_refuses),
  };
  return cmocka_run_group_tests(tests, prepare, NULL);
}
