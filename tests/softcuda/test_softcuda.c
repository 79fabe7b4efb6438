#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../host/gpu/cuda_api.h"
#include "sanitize.h"
#include "softcuda.h"
#include "test_kernels.h"

#define DECLARE(name, member, parameters) cu_result name parameters;
CU_FUNCTIONS(DECLARE)
#undef DECLARE

static const char image[] = "tallow software image 1\n";

/* ---- helpers ---- */

#define OK(call) assert_int_equal(call, CU_SUCCESS)
#define GIVES(call, code) assert_int_equal(call, code)

static struct softcuda_stats stats(void) {
  struct softcuda_stats s;
  softcuda_stats(&s);
  return s;
}

static void set(const char *setting) { assert_int_equal(softcuda_set(setting), 0); }

static void set_seed(unsigned seed) {
  char setting[32];
  snprintf(setting, sizeof setting, "seed=%u", seed);
  set(setting);
}

/* A device with its context pushed and its module loaded. */
typedef struct session {
  cu_context context;
  cu_module module;
} session;

static session begin_on(cu_device device) {
  session s;
  OK(cuInit(0));
  OK(cuDevicePrimaryCtxRetain(&s.context, device));
  OK(cuCtxPushCurrent_v2(s.context));
  OK(cuModuleLoadData(&s.module, image));
  return s;
}

static session begin(void) { return begin_on(0); }

/* Ends a session in which the device may have failed. */
static void end_failed(cu_result code) {
  OK(cuCtxPopCurrent_v2(NULL));
  GIVES(cuDevicePrimaryCtxRelease_v2(0), code);
  assert_int_equal(stats().contexts, 0);
  assert_int_equal(stats().memory_current, 0);
  assert_int_equal(stats().host_current, 0);
}

static void end(void) {
  end_failed(CU_SUCCESS);
  assert_int_equal(stats().guard_violations, 0);
}

static cu_pointer allocate(size_t bytes) {
  cu_pointer p;
  OK(cuMemAlloc_v2(&p, bytes));
  return p;
}

/* Page-locked memory. */
static void *locked(size_t bytes) {
  void *p;
  OK(cuMemHostAlloc(&p, bytes, 0));
  return p;
}

static cu_stream new_stream(void) {
  cu_stream s;
  OK(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING));
  return s;
}

static cu_event new_event(void) {
  cu_event e;
  OK(cuEventCreate(&e, CU_EVENT_DISABLE_TIMING));
  return e;
}

static void upload(cu_pointer to, const void *from, size_t bytes, cu_stream s) {
  OK(cuMemcpyHtoDAsync_v2(to, from, bytes, s));
}

static cu_copy_2d row(unsigned from_type, unsigned to_type, size_t bytes) {
  return (cu_copy_2d){
      .src_type = from_type, .dst_type = to_type, .src_pitch = bytes, .dst_pitch = bytes, .width = bytes, .height = 1};
}

static void download(void *to, cu_pointer from, size_t bytes, cu_stream s) {
  cu_copy_2d c = row(CU_MEMORY_DEVICE, CU_MEMORY_HOST, bytes);
  c.src_device = from;
  c.dst_host = to;
  OK(cuMemcpy2DAsync_v2(&c, s));
}

static cu_result try_launch(session s, const char *name, unsigned groups, softcuda_test_args args, cu_pointer slab,
                            cu_stream stream) {
  cu_function f;
  OK(cuModuleGetFunction(&f, s.module, name));
  void *parameters[] = {&args, &slab};
  return cuLaunchKernel(f, groups, 1, 1, args.lanes, 1, 1, 0, stream, parameters, NULL);
}

static void launch(session s, const char *name, unsigned groups, softcuda_test_args args, cu_pointer slab,
                   cu_stream stream) {
  OK(try_launch(s, name, groups, args, slab, stream));
}

/* A slab of one u32 is set or added to. */
static void fill_one(session s, cu_pointer slab, uint32_t value, cu_stream stream) {
  launch(s, "softcuda_fill", 1, (softcuda_test_args){.lanes = 1, .count = 1, .value = value}, slab, stream);
}

static void add_one(session s, cu_pointer slab, uint32_t value, cu_stream stream) {
  launch(s, "softcuda_add", 1, (softcuda_test_args){.lanes = 1, .count = 1, .value = value}, slab, stream);
}

static uint32_t read_one(cu_pointer slab, cu_stream stream) {
  uint32_t value = 0;
  download(&value, slab, sizeof value, stream);
  OK(cuStreamSynchronize(stream));
  return value;
}

static int setup(void **state) {
  (void)state;
  unsetenv("SOFTCUDA");
  softcuda_abandon();
  return 0;
}

/* ---- driver and devices ---- */

static void test_before_init(void **state) {
  (void)state;
  int value;
  const char *text;
  cu_context context;
  OK(cuDriverGetVersion(&value));
  assert_int_equal(value, 13000);
  OK(cuGetErrorName(CU_OUT_OF_MEMORY, &text));
  assert_string_equal(text, "CUDA_ERROR_OUT_OF_MEMORY");
  OK(cuGetErrorString(CU_OUT_OF_MEMORY, &text));
  assert_string_equal(text, "out of memory");
  GIVES(cuGetErrorName(31415, &text), CU_INVALID_VALUE);
  assert_null(text);
  GIVES(cuDeviceGetCount(&value), CU_NOT_INITIALIZED);
  GIVES(cuDevicePrimaryCtxRetain(&context, 0), CU_NOT_INITIALIZED);
  GIVES(cuStreamSynchronize(NULL), CU_NOT_INITIALIZED);
  GIVES(cuInit(1), CU_INVALID_VALUE);
  OK(cuInit(0));
  OK(cuDeviceGetCount(&value));
  assert_int_equal(value, 1);
}

static void test_devices(void **state) {
  (void)state;
  set("devices=2");
  OK(cuInit(0));
  int value;
  OK(cuDeviceGetCount(&value));
  assert_int_equal(value, 2);
  cu_device device;
  OK(cuDeviceGet(&device, 1));
  GIVES(cuDeviceGet(&device, 2), CU_INVALID_DEVICE);
  GIVES(cuDeviceGet(&device, -1), CU_INVALID_DEVICE);
  char name[64];
  OK(cuDeviceGetName(name, sizeof name, 1));
  assert_string_equal(name, "Software CUDA device");
  OK(cuDeviceGetName(name, 5, 1));
  assert_string_equal(name, "Soft");
  cu_uuid a, b;
  OK(cuDeviceGetUuid_v2(&a, 0));
  OK(cuDeviceGetUuid_v2(&b, 1));
  assert_memory_not_equal(&a, &b, sizeof a);
  size_t bytes;
  OK(cuDeviceTotalMem_v2(&bytes, 0));
  assert_int_equal(bytes, (size_t)64 << 30);
  OK(cuDeviceGetAttribute(&value, CU_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
  assert_int_equal(value, 4);
  OK(cuDeviceGetAttribute(&value, CU_ATTRIBUTE_SINGLE_TO_DOUBLE_RATIO, 0));
  assert_int_equal(value, 2);
  GIVES(cuDeviceGetAttribute(&value, 12345, 0), CU_INVALID_VALUE);
}

static void test_settings(void **state) {
  (void)state;
  set("capability=61");
  set("fp64=0");
  set("mig=1");
  set("driver=12080");
  set("memory=3G");
  OK(cuInit(0));
  int major, minor, value;
  OK(cuDeviceGetAttribute(&major, CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
  OK(cuDeviceGetAttribute(&minor, CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0));
  assert_int_equal(10 * major + minor, 61);
  OK(cuDeviceGetAttribute(&value, CU_ATTRIBUTE_SINGLE_TO_DOUBLE_RATIO, 0));
  assert_int_equal(value, 0);
  char name[64];
  OK(cuDeviceGetName(name, sizeof name, 0));
  assert_non_null(strstr(name, "MIG 1g.10gb"));
  OK(cuDriverGetVersion(&value));
  assert_int_equal(value, 12080);
  size_t bytes;
  OK(cuDeviceTotalMem_v2(&bytes, 0));
  assert_int_equal(bytes, (size_t)3 << 30);

  static const char *const wrong[] = {"",
                                      "devices",
                                      "devices=9",
                                      "devices=1x",
                                      "device=1",
                                      "memory=1T",
                                      "memory=-1",
                                      "memory=99999999999G",
                                      "fp64=2",
                                      "fail=cuMemAlloc",
                                      "fail=cuMemAlloc:1",
                                      "fail=cuMemAlloc:0:2",
                                      "fail=cuMemAlloc:1:0",
                                      "fail=cuMemAlloc:1:two",
                                      "fail=cuMem:1:2",
                                      "fail=execute:1:700",
                                      "hang=cuMemAlloc:1",
                                      "hang=execute:0",
                                      "hang=execute:1:1",
                                      "upload_rate=fast",
                                      "launch_time=-1",
                                      "launch_time=1K",
                                      "copy_time=-1",
                                      "compute_rate=many",
                                      "pretend=2",
                                      "clock=none"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) assert_int_equal(softcuda_set(wrong[i]), -1);
}

static void test_no_device(void **state) {
  (void)state;
  int count;
  set("devices=0");
  GIVES(cuInit(0), CU_NO_DEVICE);
  GIVES(cuDeviceGetCount(&count), CU_NOT_INITIALIZED);
  set("devices=1");
  set("init=CUDA_ERROR_UNKNOWN");
  GIVES(cuInit(0), CU_UNKNOWN);
  set("init=0");
  OK(cuInit(0));
}

static void test_environment(void **state) {
  (void)state;
  setenv("SOFTCUDA", "devices=3,driver=12080,fail=cuDeviceGetCount:1:999", 1);
  assert_int_equal(softcuda_restart(), 0);
  int value;
  OK(cuInit(0));
  OK(cuDriverGetVersion(&value));
  assert_int_equal(value, 12080);
  GIVES(cuDeviceGetCount(&value), CU_UNKNOWN);
  OK(cuDeviceGetCount(&value));
  assert_int_equal(value, 3);
}

/* ---- contexts ---- */

static void *without_context(void *result) {
  cu_pointer p;
  *(cu_result *)result = cuMemAlloc_v2(&p, 1);
  return NULL;
}

static void test_contexts(void **state) {
  (void)state;
  set("devices=2");
  OK(cuInit(0));
  cu_context first, again, second, popped;
  cu_pointer p;
  GIVES(cuCtxPopCurrent_v2(&popped), CU_INVALID_CONTEXT);
  GIVES(cuCtxPushCurrent_v2(NULL), CU_INVALID_CONTEXT);
  GIVES(cuMemAlloc_v2(&p, 1), CU_INVALID_CONTEXT);
  GIVES(cuDevicePrimaryCtxRelease_v2(0), CU_INVALID_CONTEXT);
  GIVES(cuDevicePrimaryCtxRetain(&first, 2), CU_INVALID_DEVICE);
  OK(cuDevicePrimaryCtxRetain(&first, 0));
  OK(cuDevicePrimaryCtxRetain(&again, 0));
  OK(cuDevicePrimaryCtxRetain(&second, 1));
  assert_ptr_equal(first, again);
  assert_ptr_not_equal(first, second);
  assert_int_equal(stats().contexts, 2);
  assert_int_equal(stats().retains, 3);

  GIVES(cuMemAlloc_v2(&p, 1), CU_INVALID_CONTEXT);
  OK(cuCtxPushCurrent_v2(first));
  OK(cuCtxPushCurrent_v2(second));
  assert_int_equal(stats().pushes, 2);
  pthread_t thread;
  cu_result result = CU_SUCCESS;
  assert_int_equal(pthread_create(&thread, NULL, without_context, &result), 0);
  pthread_join(thread, NULL);
  assert_int_equal(result, CU_INVALID_CONTEXT);
  OK(cuCtxPopCurrent_v2(&popped));
  assert_ptr_equal(popped, second);

  OK(cuDevicePrimaryCtxRelease_v2(0));
  p = allocate(16);
  OK(cuDevicePrimaryCtxRelease_v2(0));
  assert_int_equal(stats().left_behind, 1);
  GIVES(cuMemFree_v2(p), CU_CONTEXT_IS_DESTROYED);
  GIVES(cuCtxPushCurrent_v2(first), CU_INVALID_CONTEXT);
  OK(cuCtxPopCurrent_v2(NULL));
  GIVES(cuDevicePrimaryCtxRelease_v2(0), CU_INVALID_CONTEXT);
  assert_int_not_equal(softcuda_restart(), 0);
  OK(cuDevicePrimaryCtxRelease_v2(1));
  assert_int_equal(stats().pushes, 0);
}

static void test_handles(void **state) {
  (void)state;
  begin();
  const cu_stream s = new_stream();
  const cu_event e = new_event();
  cu_stream wild = (cu_stream)(uintptr_t)0xdeadbeef;
  GIVES(cuStreamSynchronize(wild), CU_INVALID_HANDLE);
  GIVES(cuStreamSynchronize((cu_stream)e), CU_INVALID_HANDLE);
  GIVES(cuEventRecord((cu_event)s, s), CU_INVALID_HANDLE);
  GIVES(cuEventRecord(e, wild), CU_INVALID_HANDLE);
  GIVES(cuStreamWaitEvent(s, e, 8), CU_INVALID_VALUE);
  GIVES(cuStreamCreate(&wild, 2), CU_INVALID_VALUE);
  OK(cuStreamDestroy_v2(s));
  OK(cuEventDestroy_v2(e));
  GIVES(cuStreamDestroy_v2(s), CU_INVALID_HANDLE);
  GIVES(cuEventDestroy_v2(e), CU_INVALID_HANDLE);
  const cu_stream next = new_stream();
  assert_ptr_not_equal(next, s);
  GIVES(cuStreamSynchronize(s), CU_INVALID_HANDLE);
  end();
}

/* ---- memory ---- */

static void test_memory_limit(void **state) {
  (void)state;
  set("memory=1000");
  begin();
  cu_pointer p;
  size_t available, total;
  GIVES(cuMemAlloc_v2(&p, 0), CU_INVALID_VALUE);
  GIVES(cuMemAlloc_v2(&p, 1001), CU_OUT_OF_MEMORY);
  GIVES(cuMemAlloc_v2(&p, SIZE_MAX), CU_OUT_OF_MEMORY);
  const cu_pointer a = allocate(600), b = allocate(400);
  assert_int_equal(a % 256, 0);
  assert_int_equal(b % 256, 0);
  GIVES(cuMemAlloc_v2(&p, 1), CU_OUT_OF_MEMORY);
  OK(cuMemGetInfo_v2(&available, &total));
  assert_int_equal(available, 0);
  assert_int_equal(total, 1000);
  OK(cuMemFree_v2(a));
  OK(cuMemGetInfo_v2(&available, &total));
  assert_int_equal(available, 600);
  GIVES(cuMemAlloc_v2(&p, 601), CU_OUT_OF_MEMORY);
  GIVES(cuMemFree_v2(a), CU_INVALID_VALUE);
  GIVES(cuMemFree_v2(b + 1), CU_INVALID_VALUE);
  GIVES(cuMemFree_v2(0), CU_INVALID_VALUE);
  OK(cuMemFree_v2(b));
  const struct softcuda_stats s = stats();
  assert_int_equal(s.memory_current, 0);
  assert_int_equal(s.memory_peak, 1000);
  assert_int_equal(s.memory_total, 1000);
  assert_int_equal(s.allocations, 0);
  end();
}

static void test_poison(void **state) {
  (void)state;
  begin();
  enum { SIZE = (9 << 20) + 5 };
  unsigned char *bytes = malloc(SIZE);
  assert_non_null(bytes);
  memset(bytes, 0, SIZE);
  const cu_pointer p = allocate(SIZE);
  download(bytes, p, SIZE, NULL);
  OK(cuStreamSynchronize(NULL));
  for (size_t i = 0; i < SIZE; ++i)
    if (bytes[i] != 0xDB) fail_msg("byte %zu is %d", i, bytes[i]);
  free(bytes);
  end();
}

/* A slab of the default size must cost no time or memory until it is used. */
static void test_large_slab(void **state) {
  (void)state;
  const session s = begin();
  enum { TIMES = 20 };
  const size_t size = (size_t)4 << 30;
  for (unsigned i = 0; i < TIMES; ++i) {
    const cu_pointer p = allocate(size);
    fill_one(s, p + size - 4, i, NULL);
    assert_int_equal(read_one(p + size - 4, NULL), i);
    OK(cuMemFree_v2(p));
  }
  assert_int_equal(stats().memory_total, TIMES * size);
  end();
}

static void test_poison_of_large_memory(void **state) {
  (void)state;
  begin();
  const size_t size = ((size_t)16 << 30) + 4, edge = (size_t)32 << 20;
  const cu_pointer p = allocate(size);
  assert_int_equal(read_one(p, NULL), 0xDBDBDBDB);
  assert_int_equal(read_one(p + edge - 8192, NULL), 0xDBDBDBDB);
  assert_int_equal(read_one(p + size / 2, NULL), 0);
  assert_int_equal(read_one(p + size - edge + 8192, NULL), 0xDBDBDBDB);
  assert_int_equal(read_one(p + size - 4, NULL), 0xDBDBDBDB);
  end();
}

/* Resident pages of this process. */
static long resident(void) {
  long all, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &all, &pages), 2);
  fclose(file);
  return pages;
}

/* As an engine does that is opened and closed for months. */
static void test_cycles(void **state) {
  (void)state;
  enum { TIMES = SC_ASAN || SC_TSAN ? 200 : 10000, WARM = TIMES / 10, MORE = 1000 };
  const size_t size = (size_t)16 << 30;
  long warm = 0;
  for (uint32_t i = 0; i < TIMES; ++i) {
    if (i == WARM) warm = resident();
    const session s = begin();
    const cu_pointer p = allocate(size);
    uint32_t *back = locked(sizeof *back);
    fill_one(s, p + size / 2, i, NULL);
    OK(cuMemcpyDtoHAsync_v2(back, p + size / 2, sizeof *back, NULL));
    OK(cuStreamSynchronize(NULL));
    assert_int_equal(*back, i);
    OK(cuMemFreeHost(back));
    OK(cuMemFree_v2(p));
    end();
  }
  assert_int_equal(stats().memory_peak, size);
  if (!SC_ASAN && !SC_TSAN) assert_true(resident() < warm + MORE);
}

/* ---- several devices' memory ---- */

static void test_device_peaks(void **state) {
  (void)state;
  set("devices=2");
  set("memory=1000");
  const session first = begin_on(0);
  const cu_pointer a = allocate(600), b = allocate(400);
  const session second = begin_on(1);
  cu_pointer c = allocate(900), none;
  GIVES(cuMemAlloc_v2(&none, 101), CU_OUT_OF_MEMORY);
  assert_ptr_not_equal(first.context, second.context);
  assert_int_equal(softcuda_device_current(0), 1000);
  assert_int_equal(softcuda_device_current(1), 900);
  assert_int_equal(stats().memory_peak, 1900);
  OK(cuMemFree_v2(c));
  c = allocate(10);
  assert_int_equal(softcuda_device_peak(1), 900);
  OK(cuCtxPopCurrent_v2(NULL));
  OK(cuMemFree_v2(b));
  softcuda_reset_peaks();
  assert_int_equal(softcuda_device_peak(0), 600);
  assert_int_equal(softcuda_device_peak(1), 10);
  assert_int_equal(stats().memory_peak, 610);
  OK(cuMemFree_v2(a));
  OK(cuDevicePrimaryCtxRelease_v2(1));
  assert_int_equal(softcuda_device_current(1), 0);
  assert_int_equal(softcuda_device_peak(1), 10);
  assert_int_equal(softcuda_device_peak(2), 0);
  assert_int_equal(softcuda_device_peak(-1), 0);
  assert_int_equal(softcuda_device_current(8), 0);
  end();
  assert_int_equal(softcuda_restart(), 0);
  assert_int_equal(softcuda_device_peak(0), 0);
}

/* ---- page-locked memory ---- */

static void test_locked_memory(void **state) {
  (void)state;
  begin();
  void *none;
  GIVES(cuMemHostAlloc(&none, 0, 0), CU_INVALID_VALUE);
  GIVES(cuMemHostAlloc(NULL, 1, 0), CU_INVALID_VALUE);
  GIVES(cuMemHostAlloc(&none, 1, 8), CU_INVALID_VALUE);
  GIVES(cuMemHostAlloc(&none, SIZE_MAX, 0), CU_OUT_OF_MEMORY);
  unsigned char *a = locked(1000), *b = locked(500);
  for (unsigned i = 0; i < 1000; ++i) assert_int_equal(a[i], 0xDB);
  assert_int_equal(stats().host_current, 1500);
  assert_int_equal(stats().host_allocations, 2);
  assert_int_equal(stats().allocations, 0);
  assert_int_equal(stats().memory_current, 0);
  const cu_pointer p = allocate(16);
  GIVES(cuMemFree_v2((uintptr_t)a), CU_INVALID_VALUE);
  GIVES(cuMemFreeHost((void *)(uintptr_t)p), CU_INVALID_VALUE);
  GIVES(cuMemFreeHost(a + 1), CU_INVALID_VALUE);
  GIVES(cuMemFreeHost(NULL), CU_INVALID_VALUE);
  OK(cuMemFreeHost(a));
  GIVES(cuMemFreeHost(a), CU_INVALID_VALUE);
  assert_int_equal(stats().host_current, 500);
  assert_int_equal(stats().host_peak, 1500);
  softcuda_reset_peaks();
  assert_int_equal(stats().host_peak, 500);
  memset(b, 0, 500);
  end();
  assert_int_equal(stats().left_behind, 3); /* the module, and one of each memory */
}

SC_NO_ASAN static void poke(unsigned char *byte) { *byte = 1; }

static void test_locked_guards(void **state) {
  (void)state;
  static const ptrdiff_t wrong[] = {-1, -4096, 1000, 5000};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    begin();
    unsigned char *p = locked(1000);
    poke(p);
    poke(p + 999);
    OK(cuStreamSynchronize(NULL));
    poke(p + wrong[i]);
    GIVES(cuStreamSynchronize(NULL), CU_ILLEGAL_ADDRESS);
    assert_int_equal(stats().guard_violations, 1);
    GIVES(cuMemFreeHost(p), CU_ILLEGAL_ADDRESS);
    end_failed(CU_ILLEGAL_ADDRESS);
    assert_int_equal(softcuda_restart(), 0);
  }
}

/* A copy whose memory is freed before it is carried out. */
static void check_freed_early(bool down, bool wait) {
  begin();
  const cu_stream s = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(64);
  unsigned char *bytes = locked(64), *other = locked(64);
  if (down)
    download(bytes + 32, p, 32, s);
  else
    upload(p, bytes + 32, 32, s);
  OK(cuEventRecord(e, s));
  OK(cuMemFreeHost(other));
  if (!wait) upload(p, locked(8), 8, s);
  while (wait && cuEventQuery(e) == CU_NOT_READY) continue;
  if (!wait) download(bytes, p, 1, new_stream());
  GIVES(cuMemFreeHost(bytes), wait ? CU_SUCCESS : CU_ILLEGAL_ADDRESS);
  assert_int_equal(stats().guard_violations, !wait);
  end_failed(wait ? CU_SUCCESS : CU_ILLEGAL_ADDRESS);
  assert_int_equal(softcuda_restart(), 0);
}

static void test_locked_freed_early(void **state) {
  (void)state;
  for (int down = 0; down < 2; ++down)
    for (int wait = 0; wait < 2; ++wait) check_freed_early(down, wait);
}

/* Whether a child process comes to a bad end. */
static bool child_fails(void (*body)(void)) {
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (freopen("/dev/null", "w", stderr) == NULL) _exit(0);
    signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test */
    body();
    exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void nothing(void) {}

static void end_with_damage(void) {
  begin();
  *(volatile unsigned char *)(uintptr_t)(allocate(64) + 64) = 1;
}

/* Of 64 bytes. */
static void run_in_child(const char *name, unsigned lanes) {
  const session s = begin();
  launch(s, name, 1, (softcuda_test_args){.lanes = lanes, .count = lanes}, allocate(64), NULL);
  cuStreamSynchronize(NULL);
}

static void fill_within(void) { run_in_child("softcuda_fill", 16); }

static void fill_beyond(void) { run_in_child("softcuda_fill", 17); }

static void race_between_lanes(void) { run_in_child("softcuda_race", 16); }

static void barriers_between_lanes(void) { run_in_child("softcuda_scan", 16); }

static void read_freed(void) {
  begin();
  unsigned char *p = locked(64);
  OK(cuMemFreeHost(p));
  (void)*(volatile unsigned char *)p;
}

static void damage_locked(void) {
  begin();
  poke((unsigned char *)locked(64) + 64);
}

/* Runs first, as a sanitizer watches a child best while its parent has no fibres. */
static void test_bad_ends(void **state) {
  (void)state;
  assert_false(child_fails(nothing));
  assert_true(child_fails(end_with_damage));
  assert_true(child_fails(read_freed));
  assert_true(child_fails(damage_locked));
  assert_false(child_fails(fill_within));
  assert_int_equal(child_fails(fill_beyond), SC_ASAN);
  assert_false(child_fails(barriers_between_lanes));
  assert_int_equal(child_fails(race_between_lanes), SC_TSAN);
}

static void test_freed_memory(void **state) {
  (void)state;
  static const size_t sizes[] = {64, (size_t)64 << 20};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const session s = begin();
    const cu_pointer p = allocate(sizes[i]);
    fill_one(s, p, 1, NULL);
    OK(cuMemFree_v2(p));
    const cu_pointer next = allocate(sizes[i]);
    fill_one(s, next, 1, NULL);
    OK(cuStreamSynchronize(NULL));
    launch(s, "softcuda_scan", 2, (softcuda_test_args){.lanes = 4}, p, NULL);
    GIVES(cuStreamSynchronize(NULL), CU_ILLEGAL_ADDRESS);
    end_failed(CU_ILLEGAL_ADDRESS);
  }
  const session s = begin();
  fill_one(s, 4096, 1, NULL);
  GIVES(cuStreamSynchronize(NULL), CU_ILLEGAL_ADDRESS);
  end_failed(CU_ILLEGAL_ADDRESS);
}

static void check_guard(ptrdiff_t offset, bool damages) {
  const session s = begin();
  enum { SIZE = 1000 };
  const cu_pointer p = allocate(SIZE);
  allocate(10);
  launch(s, "softcuda_poke", 1, (softcuda_test_args){.lanes = 32, .out = (uint64_t)offset, .value = 1}, p, NULL);
  assert_int_equal(stats().guard_violations, 0);
  const cu_result expected = damages ? CU_ILLEGAL_ADDRESS : CU_SUCCESS;
  GIVES(cuStreamSynchronize(NULL), expected);
  assert_int_equal(stats().guard_violations, damages);
  GIVES(cuMemFree_v2(p), expected);
  end_failed(expected);
  assert_int_equal(stats().guard_violations, damages);
  assert_int_equal(stats().left_behind, damages ? 0 : 2); /* the module and an allocation */
  assert_int_equal(softcuda_restart(), 0);
}

static void test_guards(void **state) {
  (void)state;
  check_guard(0, false);
  check_guard(999, false);
  check_guard(-1, true);
  check_guard(-4096, true);
  check_guard(1000, true);
  check_guard(5000, true);
}

/* ---- copies ---- */

static void test_copy_times(void **state) {
  (void)state;
  begin();
  const cu_stream s = new_stream();
  const cu_pointer p = allocate(8);
  char text[8] = "before", *back = locked(8);
  upload(p, text, sizeof text, s);
  memcpy(text, "after", 6);
  strcpy(back, "none");
  download(back, p, 8, s);
  assert_string_equal(back, "none");
  assert_int_equal(stats().bytes_up, 0);
  OK(cuStreamSynchronize(s));
  assert_string_equal(back, "before");
  assert_int_equal(stats().bytes_up, 8);
  assert_int_equal(stats().bytes_down, 8);
  assert_int_equal(stats().queued, 0);
  end();
}

/* With both functions: page-locked memory is read and written late, pageable memory at the call. */
static void test_copies_of_locked_memory(void **state) {
  (void)state;
  begin();
  const cu_stream s = new_stream();
  const cu_pointer p = allocate(8);
  char *text = locked(8), *late = locked(8), at_once[8] = "none";
  for (int two_dimensions = 0; two_dimensions < 2; ++two_dimensions) {
    strcpy(text, "before");
    strcpy(late, "none");
    if (two_dimensions) {
      cu_copy_2d c = row(CU_MEMORY_HOST, CU_MEMORY_DEVICE, 8);
      c.src_host = text;
      c.dst_device = p;
      OK(cuMemcpy2DAsync_v2(&c, s));
      download(late, p, 8, s);
    } else {
      upload(p, text, 8, s);
      OK(cuMemcpyDtoHAsync_v2(late, p, 8, s));
    }
    strcpy(text, "after");
    assert_string_equal(late, "none");
    if (two_dimensions)
      download(at_once, p, 8, s);
    else
      OK(cuMemcpyDtoHAsync_v2(at_once, p, 8, s));
    assert_string_equal(at_once, "after");
    assert_string_equal(late, "after");
    memset(at_once, 0, sizeof at_once);
  }
  set("sticky=execute:2:719");
  upload(p, text, 8, s);
  GIVES(cuMemcpyDtoHAsync_v2(at_once, p, 8, s), CU_LAUNCH_FAILED);
  end_failed(CU_LAUNCH_FAILED);
}

static void test_copy_2d(void **state) {
  (void)state;
  begin();
  enum { WIDTH = 7, HEIGHT = 5, PITCH = 16 };
  unsigned char host[HEIGHT * PITCH], back[HEIGHT * PITCH];
  for (unsigned i = 0; i < sizeof host; ++i) host[i] = (unsigned char)i;
  memset(back, 0xEE, sizeof back);
  const cu_pointer a = allocate(12 * 20), b = allocate(12 * 20);
  cu_copy_2d c = {.src_type = CU_MEMORY_HOST,
                  .src_host = host,
                  .src_pitch = PITCH,
                  .src_x = 2,
                  .src_y = 1,
                  .dst_type = CU_MEMORY_DEVICE,
                  .dst_device = a,
                  .dst_pitch = 20,
                  .dst_x = 3,
                  .dst_y = 2,
                  .width = WIDTH,
                  .height = HEIGHT - 1};
  OK(cuMemcpy2DAsync_v2(&c, NULL));
  cu_copy_2d within = row(CU_MEMORY_DEVICE, CU_MEMORY_DEVICE, 12 * 20);
  within.src_device = a;
  within.dst_device = b;
  OK(cuMemcpy2DAsync_v2(&within, NULL));
  cu_copy_2d down = {.src_type = CU_MEMORY_DEVICE,
                     .src_device = b + 2 * 20 + 3,
                     .src_pitch = 20,
                     .dst_type = CU_MEMORY_HOST,
                     .dst_host = back,
                     .dst_pitch = PITCH,
                     .dst_x = 1,
                     .dst_y = 0,
                     .width = WIDTH,
                     .height = HEIGHT - 1};
  OK(cuMemcpy2DAsync_v2(&down, NULL));
  OK(cuStreamSynchronize(NULL));
  for (unsigned y = 0; y < HEIGHT; ++y)
    for (unsigned x = 0; x < PITCH; ++x) {
      const bool inside = y < HEIGHT - 1 && x >= 1 && x < 1 + WIDTH;
      assert_int_equal(back[y * PITCH + x], inside ? (y + 1) * PITCH + x + 1 : 0xEE);
    }
  assert_int_equal(stats().bytes_up, WIDTH * (HEIGHT - 1));
  assert_int_equal(stats().bytes_down, WIDTH * (HEIGHT - 1));
  assert_int_equal(stats().bytes_within, 12 * 20);

  /* The last row that fits, and one more. */
  c.dst_y = 12 - (HEIGHT - 1);
  OK(cuMemcpy2DAsync_v2(&c, NULL));
  ++c.dst_y;
  GIVES(cuMemcpy2DAsync_v2(&c, NULL), CU_INVALID_VALUE);
  c.dst_y = SIZE_MAX;
  GIVES(cuMemcpy2DAsync_v2(&c, NULL), CU_INVALID_VALUE);
  c.dst_y = 0;
  c.dst_pitch = 9; /* less than x + width */
  GIVES(cuMemcpy2DAsync_v2(&c, NULL), CU_INVALID_VALUE);
  c.dst_pitch = (size_t)1 << 31;
  c.height = 1;
  GIVES(cuMemcpy2DAsync_v2(&c, NULL), CU_INVALID_VALUE);
  c.dst_pitch = 20;
  c.dst_type = 3;
  GIVES(cuMemcpy2DAsync_v2(&c, NULL), CU_INVALID_VALUE);
  c.height = 0;
  OK(cuMemcpy2DAsync_v2(&c, NULL));
  GIVES(cuMemcpy2DAsync_v2(NULL, NULL), CU_INVALID_VALUE);
  end();
}

static void test_copy_within(void **state) {
  (void)state;
  begin();
  char bytes[40], back[40] = {0};
  for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = (char)(i + 1);
  const cu_pointer a = allocate(40), b = allocate(40);
  upload(a, bytes, 40, NULL);
  OK(cuMemcpyDtoDAsync_v2(b + 3, a + 10, 20, NULL));
  OK(cuMemcpyDtoHAsync_v2(back, b + 3, 20, NULL));
  OK(cuStreamSynchronize(NULL));
  assert_memory_equal(back, bytes + 10, 20);
  assert_int_equal(stats().bytes_within, 20);
  OK(cuMemcpyDtoDAsync_v2(0, 0, 0, NULL));
  GIVES(cuMemcpyDtoDAsync_v2(b + 21, a, 20, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyDtoDAsync_v2(b, a + 21, 20, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyDtoDAsync_v2(b, (uintptr_t)bytes, 20, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyDtoDAsync_v2(b, a, 20, (cu_stream)(uintptr_t)0xbad), CU_INVALID_HANDLE);
  end();
}

static void test_copy_outside(void **state) {
  (void)state;
  begin();
  char bytes[32] = {0};
  const cu_pointer p = allocate(32);
  upload(p, bytes, 32, NULL);
  upload(p + 31, bytes, 1, NULL);
  upload(0, NULL, 0, NULL);
  GIVES(cuMemcpyHtoDAsync_v2(p, NULL, 1, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyHtoDAsync_v2(p + 1, bytes, 32, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyHtoDAsync_v2(p - 1, bytes, 1, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyHtoDAsync_v2(p, bytes, SIZE_MAX, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyHtoDAsync_v2((uintptr_t)bytes, bytes, 1, NULL), CU_INVALID_VALUE);
  OK(cuMemcpyDtoHAsync_v2(bytes, p, 32, NULL));
  OK(cuMemcpyDtoHAsync_v2(NULL, 0, 0, NULL));
  GIVES(cuMemcpyDtoHAsync_v2(NULL, p, 1, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyDtoHAsync_v2(bytes, p + 1, 32, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyDtoHAsync_v2(bytes, (uintptr_t)bytes, 1, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyDtoHAsync_v2(bytes, p, 1, (cu_stream)(uintptr_t)0xbad), CU_INVALID_HANDLE);
  /* Page-locked in part. */
  char *page = locked(24);
  OK(cuMemcpyDtoHAsync_v2(page, p, 24, NULL));
  GIVES(cuMemcpyDtoHAsync_v2(page, p, 25, NULL), CU_INVALID_VALUE);
  GIVES(cuMemcpyHtoDAsync_v2(p, page - 1, 2, NULL), CU_INVALID_VALUE);
  cu_copy_2d c = row(CU_MEMORY_DEVICE, CU_MEMORY_HOST, 25);
  c.src_device = p;
  c.dst_host = page;
  GIVES(cuMemcpy2DAsync_v2(&c, NULL), CU_INVALID_VALUE);
  OK(cuMemFree_v2(p));
  GIVES(cuMemcpyHtoDAsync_v2(p, bytes, 1, NULL), CU_INVALID_VALUE);
  end();
}

/* ---- order ---- */

enum { SEEDS = 64 };

/* What a stream reads that another one writes, with and without a wait. */
static uint32_t read_across(unsigned seed, bool wait) {
  set_seed(seed);
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(4);
  fill_one(s, p, 1, a);
  OK(cuStreamSynchronize(a));
  add_one(s, p, 1, a);
  OK(cuEventRecord(e, a));
  if (wait) OK(cuStreamWaitEvent(b, e, 0));
  const uint32_t value = read_one(p, b);
  end();
  return value;
}

/* What a stream reads when another one overwrites it afterwards. */
static uint32_t read_before_write(unsigned seed, bool wait) {
  set_seed(seed);
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(4);
  fill_one(s, p, 1, NULL);
  OK(cuStreamSynchronize(NULL));
  uint32_t *value = locked(sizeof *value);
  download(value, p, sizeof *value, b);
  OK(cuEventRecord(e, b));
  if (wait) OK(cuStreamWaitEvent(a, e, 0));
  fill_one(s, p, 2, a);
  OK(cuStreamSynchronize(b));
  const uint32_t result = *value;
  end();
  return result;
}

/* What is uploaded from page-locked memory that is written anew. */
static uint32_t reuse_source(unsigned seed, bool wait) {
  set_seed(seed);
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(8);
  uint32_t *value = locked(sizeof *value);
  *value = 1;
  upload(p, value, sizeof *value, a);
  OK(cuEventRecord(e, a));
  fill_one(s, p + 4, 0, b);
  if (wait)
    while (cuEventQuery(e) == CU_NOT_READY) continue;
  else
    OK(cuStreamSynchronize(b));
  *value = 2;
  const uint32_t result = read_one(p, a);
  end();
  return result;
}

static void check_race(uint32_t (*race)(unsigned, bool), uint32_t right, uint32_t wrong) {
  unsigned rights = 0, wrongs = 0;
  for (unsigned seed = 0; seed < SEEDS; ++seed) {
    assert_int_equal(race(seed, true), right);
    const uint32_t value = race(seed, false);
    assert_true(value == right || value == wrong);
    if (value == right)
      ++rights;
    else
      ++wrongs;
  }
  assert_true(rights > 0);
  assert_true(wrongs > 0);
}

static void test_missing_wait(void **state) {
  (void)state;
  check_race(read_across, 2, 1);
  check_race(read_before_write, 1, 2);
  check_race(reuse_source, 1, 2);
}

static void test_order_within_stream(void **state) {
  (void)state;
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_pointer p = allocate(8);
  for (uint32_t i = 0; i < 5000; ++i) { /* far more than a queue holds */
    if (i % 50 == 0)
      fill_one(s, p, i, a);
    else
      add_one(s, p, 1, a);
    add_one(s, p + 4, 1, b);
    assert_true(stats().queued <= 3000);
  }
  assert_true(stats().queued > 1000);
  assert_int_equal(read_one(p, a), 4999);
  end();
}

static void test_events(void **state) {
  (void)state;
  for (unsigned seed = 0; seed < SEEDS; ++seed) {
    set_seed(seed);
    const session s = begin();
    const cu_stream a = new_stream(), b = new_stream(), c = new_stream();
    const cu_event e = new_event();
    const cu_pointer p = allocate(4);
    OK(cuStreamWaitEvent(a, e, 0)); /* never recorded */
    fill_one(s, p, 1, a);
    OK(cuEventRecord(e, a));
    OK(cuStreamWaitEvent(b, e, 0));
    /* The wait above is for the record above, so this does no harm. */
    OK(cuStreamWaitEvent(c, e, 0));
    OK(cuEventRecord(e, c));
    add_one(s, p, 10, b);
    OK(cuEventRecord(e, b));
    OK(cuStreamWaitEvent(a, e, 0));
    /* What is queued outlives the event and the stream. */
    OK(cuEventDestroy_v2(e));
    OK(cuStreamDestroy_v2(b));
    assert_int_equal(read_one(p, a), 11);
    assert_int_equal(stats().events, 0);
    assert_int_equal(stats().streams, 2);
    end();
  }
}

static void test_event_across_devices(void **state) {
  (void)state;
  set("devices=2");
  begin();
  cu_context second;
  OK(cuDevicePrimaryCtxRetain(&second, 1));
  const cu_stream a = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(4);
  const uint32_t seven = 7;
  uint32_t *value = locked(sizeof *value);
  upload(p, &seven, sizeof seven, a);
  download(value, p, sizeof *value, a);
  OK(cuEventRecord(e, a));
  OK(cuCtxPushCurrent_v2(second));
  const cu_stream b = new_stream();
  GIVES(cuEventRecord(e, b), CU_INVALID_HANDLE);
  GIVES(cuEventQuery(e), CU_INVALID_HANDLE);
  GIVES(cuMemFreeHost(value), CU_INVALID_VALUE);
  assert_int_not_equal(*value, 7);
  GIVES(cuStreamSynchronize(a), CU_INVALID_HANDLE);
  GIVES(cuMemFree_v2(p), CU_INVALID_VALUE);
  OK(cuStreamWaitEvent(b, e, 0));
  OK(cuStreamSynchronize(b));
  assert_int_equal(*value, 7);
  OK(cuCtxPopCurrent_v2(NULL));
  OK(cuDevicePrimaryCtxRelease_v2(1));
  end();
}

static void test_default_stream(void **state) {
  (void)state;
  for (unsigned seed = 0; seed < SEEDS; ++seed) {
    set_seed(seed);
    const session s = begin();
    cu_stream a, b;
    OK(cuStreamCreate(&a, 0));
    OK(cuStreamCreate(&b, 0));
    const cu_pointer p = allocate(4);
    fill_one(s, p, 1, a);
    add_one(s, p, 1, NULL);
    add_one(s, p, 1, b);
    uint32_t *value = locked(sizeof *value);
    download(value, p, sizeof *value, NULL);
    OK(cuStreamSynchronize(NULL));
    assert_int_equal(*value, 3);
    add_one(s, p, 1, a);
    download(value, p, sizeof *value, a);
    OK(cuStreamSynchronize(NULL));
    assert_int_equal(*value, 4);
    end();
  }
}

static void test_implied_synchronisation(void **state) {
  (void)state;
  const session s = begin();
  const cu_stream a = new_stream();
  const cu_pointer p = allocate(4), other = allocate(4);
  uint32_t *value = locked(sizeof *value);
  void *page = locked(1);
  fill_one(s, p, 5, a);
  download(value, p, sizeof *value, a);
  OK(cuMemFree_v2(other));
  assert_int_equal(*value, 5);
  fill_one(s, p, 6, a);
  download(value, p, sizeof *value, a);
  OK(cuMemFreeHost(page));
  assert_int_equal(*value, 6);
  fill_one(s, p, 7, a);
  download(value, p, sizeof *value, a);
  OK(cuStreamDestroy_v2(a));
  assert_int_equal(*value, 6);
  OK(cuModuleUnload(s.module));
  assert_int_equal(*value, 7);
  assert_int_equal(stats().launches, 3);
  const session again = begin();
  fill_one(again, p, 8, NULL);
  OK(cuCtxPopCurrent_v2(NULL));
  OK(cuDevicePrimaryCtxRelease_v2(0));
  assert_int_equal(stats().launches, 3);
  end();
  assert_int_equal(stats().launches, 4);
}

static void test_event_query(void **state) {
  (void)state;
  unsigned waited = 0;
  for (unsigned seed = 0; seed < SEEDS; ++seed) {
    set_seed(seed);
    const session s = begin();
    const cu_stream a = new_stream(), b = new_stream();
    const cu_event e = new_event(), first = new_event();
    const cu_pointer p = allocate(4);
    uint32_t *value = locked(sizeof *value);
    OK(cuEventQuery(e)); /* never recorded */
    fill_one(s, p, 0, a);
    OK(cuEventRecord(first, a));
    OK(cuStreamWaitEvent(b, first, 0));
    for (unsigned i = 1; i <= 20; ++i) add_one(s, p, 1, b);
    download(value, p, sizeof *value, b);
    OK(cuEventRecord(e, b));
    cu_result result;
    while ((result = cuEventQuery(e)) == CU_NOT_READY) ++waited;
    OK(result);
    assert_int_equal(*value, 20);
    OK(cuEventQuery(first));
    OK(cuEventQuery(e));
    OK(cuEventDestroy_v2(e));
    GIVES(cuEventQuery(e), CU_INVALID_HANDLE);
    GIVES(cuEventQuery((cu_event)a), CU_INVALID_HANDLE);
    end();
  }
  assert_true(waited > SEEDS);

  begin();
  const cu_event e = new_event();
  const cu_pointer p = allocate(4);
  upload(p, "abc", 4, NULL);
  OK(cuEventRecord(e, NULL));
  set("sticky=execute:1:719");
  cu_result result;
  while ((result = cuEventQuery(e)) == CU_NOT_READY) continue;
  GIVES(result, CU_LAUNCH_FAILED);
  end_failed(CU_LAUNCH_FAILED);
}

/* ---- modules and launches ---- */

static void test_modules(void **state) {
  (void)state;
  const session s = begin();
  static const unsigned char fatbin[] = {0x50, 0xED, 0x55, 0xBA, 1, 0, 16, 0};
  cu_module module;
  cu_function f, again;
  GIVES(cuModuleLoadData(&module, "tallow software image 2\n"), CU_INVALID_IMAGE);
  GIVES(cuModuleLoadData(&module, ".version 9.0"), CU_INVALID_IMAGE);
  GIVES(cuModuleLoadData(&module, NULL), CU_INVALID_VALUE);
  OK(cuModuleLoadData(&module, fatbin));
  OK(cuModuleGetFunction(&f, module, "softcuda_fill"));
  OK(cuModuleGetFunction(&again, module, "softcuda_fill"));
  assert_ptr_equal(f, again);
  OK(cuModuleGetFunction(&again, s.module, "softcuda_fill"));
  assert_ptr_not_equal(f, again);
  GIVES(cuModuleGetFunction(&again, module, "softcuda_"), CU_NOT_FOUND);
  assert_int_equal(stats().modules, 2);
  OK(cuModuleUnload(module));
  GIVES(cuModuleUnload(module), CU_INVALID_HANDLE);
  GIVES(cuModuleGetFunction(&f, module, "softcuda_fill"), CU_INVALID_HANDLE);
  softcuda_test_args args = {.lanes = 1};
  cu_pointer slab = 0;
  void *parameters[] = {&args, &slab};
  GIVES(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_HANDLE);
  end();
}

static void test_product_kernels(void **state) {
  (void)state;
  const session s = begin();
  static const char *const names[] = {"tlk_chart_merge", "tlk_chart_scale",  "tlk_chart_columns",
                                      "tlk_chart_paint", "tlk_fold_moments", "tlk_scan_carry_on"};
  cu_function f;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) OK(cuModuleGetFunction(&f, s.module, names[i]));
  end();
}

static void test_launch_arguments(void **state) {
  (void)state;
  const session s = begin();
  cu_function f;
  OK(cuModuleGetFunction(&f, s.module, "softcuda_fill"));
  cu_pointer slab = allocate(4);
  const cu_pointer kept = slab;
  softcuda_test_args args = {.lanes = 1, .count = 1, .value = 8};
  void *parameters[] = {&args, &slab};
  OK(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
  args.value = 9;
  slab = 0;
  parameters[0] = parameters[1] = NULL;
  assert_int_equal(read_one(kept, NULL), 8);
  assert_int_equal(stats().launches, 1);
  assert_int_equal(stats().blocks, 1);

  GIVES(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL), CU_INVALID_VALUE);
  parameters[0] = &args, parameters[1] = &slab;
  GIVES(cuLaunchKernel(f, 0, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(f, 0x80000000u, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(f, 1, 1, 1, 0, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(f, 1, 1, 1, 1025, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(f, 1, 2, 1, 1, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(f, 1, 1, 1, 1, 1, 2, 0, NULL, parameters, NULL), CU_INVALID_VALUE);
  GIVES(cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CU_INVALID_HANDLE);
  end();
}

static void check_scan(unsigned groups, unsigned lanes) {
  const session s = begin();
  const uint32_t count = groups * lanes;
  const size_t bytes = count * sizeof(uint32_t);
  uint32_t *values = malloc(bytes), *sums = malloc(bytes);
  assert_non_null(values);
  assert_non_null(sums);
  for (uint32_t i = 0; i < count; ++i) values[i] = i * 2654435761u >> 16;
  const cu_pointer p = allocate(2 * bytes);
  upload(p, values, bytes, NULL);
  launch(s, "softcuda_scan", groups, (softcuda_test_args){.out = bytes, .lanes = lanes}, p, NULL);
  download(sums, p + bytes, bytes, NULL);
  OK(cuStreamSynchronize(NULL));
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sum = i % lanes == 0 ? values[i] : sum + values[i];
    assert_int_equal(sums[i], sum);
  }
  free(values);
  free(sums);
  end();
}

static void test_barriers(void **state) {
  (void)state;
  check_scan(1, 1);
  check_scan(3, 2);
  check_scan(5, 33);
  check_scan(200, 256);
}

/* The order in which two blocks of 64 lanes ran. */
static void run_order(unsigned seed, uint32_t order[128]) {
  set_seed(seed);
  const session s = begin();
  const cu_pointer p = allocate(129 * 4);
  fill_one(s, p, 0, NULL);
  launch(s, "softcuda_order", 2, (softcuda_test_args){.out = 4, .lanes = 64}, p, NULL);
  download(order, p + 4, 128 * sizeof *order, NULL);
  OK(cuStreamSynchronize(NULL));
  end();
}

static void test_lane_order(void **state) {
  (void)state;
  uint32_t first[128], second[128];
  bool seen[128] = {false};
  run_order(1, first);
  for (unsigned i = 0; i < 128; ++i) {
    assert_true(first[i] < 128 && !seen[first[i]]);
    assert_int_equal(first[i] / 64, first[i / 64 * 64] / 64); /* a block runs as a whole */
    seen[first[i]] = true;
  }
  run_order(1, second);
  assert_memory_equal(first, second, sizeof first);
  run_order(2, second);
  assert_memory_not_equal(first, second, sizeof first);
}

static void test_shared_poison(void **state) {
  (void)state;
  const session s = begin();
  uint32_t values[64];
  const cu_pointer p = allocate(sizeof values);
  launch(s, "softcuda_unset", 4, (softcuda_test_args){.lanes = 16, .value = 1}, p, NULL);
  download(values, p, sizeof values, NULL);
  OK(cuStreamSynchronize(NULL));
  for (unsigned i = 0; i < 64; ++i) assert_int_equal(values[i], 0xD5D5D5D5u);
  end();
}

static void check_kernel(const char *name, unsigned lanes, uint32_t value, cu_result code) {
  const session s = begin();
  const cu_stream stream = new_stream();
  const cu_pointer p = allocate(64);
  char *kept = locked(4);
  strcpy(kept, "yes");
  launch(s, name, 3, (softcuda_test_args){.lanes = lanes, .value = value}, p, stream);
  if (code != CU_SUCCESS) download(kept, p, 4, stream); /* is dropped */
  GIVES(cuStreamSynchronize(stream), code);
  assert_string_equal(kept, "yes");
  cu_event e;
  GIVES(cuEventCreate(&e, 0), code);
  end_failed(code);
}

static void test_wrong_kernels(void **state) {
  (void)state;
  for (unsigned lanes = 8; lanes <= 1024; lanes *= 128) {
    check_kernel("softcuda_diverge", lanes, 0, CU_SUCCESS);
    check_kernel("softcuda_diverge", lanes, 1, CU_LAUNCH_FAILED);
    check_kernel("softcuda_diverge", lanes, lanes - 1, CU_LAUNCH_FAILED);
    check_kernel("softcuda_diverge", lanes, lanes, CU_SUCCESS);
  }
  check_kernel("softcuda_disagree", 1, 5, CU_SUCCESS);
  check_kernel("softcuda_disagree", 2, 5, CU_LAUNCH_FAILED);
  check_kernel("softcuda_spill", 8, 0xD5, CU_SUCCESS);
  check_kernel("softcuda_spill", 8, 0, CU_LAUNCH_FAILED);
  check_kernel("softcuda_liar", 8, 0, CU_LAUNCH_FAILED);
  check_kernel("softcuda_greedy", 8, 0, CU_LAUNCH_FAILED);
  check_scan(4, 256); /* on the fibres that were abandoned */
}

/* ---- faults ---- */

static void test_fail(void **state) {
  (void)state;
  begin();
  set("fail=cuMemAlloc:2:CUDA_ERROR_OUT_OF_MEMORY");
  set("fail=cuMemAlloc_v2:4:999");
  cu_pointer p;
  OK(cuMemAlloc_v2(&p, 8));
  GIVES(cuMemAlloc_v2(&p, 8), CU_OUT_OF_MEMORY);
  OK(cuMemAlloc_v2(&p, 8));
  GIVES(cuMemAlloc_v2(&p, 8), CU_UNKNOWN);
  OK(cuMemAlloc_v2(&p, 8));
  assert_int_equal(softcuda_calls("cuMemAlloc"), 5);
  assert_int_equal(stats().allocations, 3);
  set("fail=*:2:719");
  OK(cuMemFree_v2(p));
  GIVES(cuStreamSynchronize(NULL), CU_LAUNCH_FAILED);
  OK(cuStreamSynchronize(NULL));
  assert_int_equal(softcuda_calls("*"), 4 + 5 + 3);
  set("fail=*:1:719");
  softcuda_reset_faults();
  OK(cuStreamSynchronize(NULL));
  end();
}

static void test_sticky(void **state) {
  (void)state;
  const session s = begin();
  const cu_pointer p = allocate(4);
  uint32_t *value = locked(sizeof *value);
  *value = 5;
  fill_one(s, p, 1, NULL);
  download(value, p, sizeof *value, NULL);
  set("sticky=cuStreamSynchronize:1:700");
  GIVES(cuStreamSynchronize(NULL), CU_ILLEGAL_ADDRESS);
  assert_int_equal(*value, 5);
  assert_int_equal(stats().queued, 0);
  GIVES(cuStreamSynchronize(NULL), CU_ILLEGAL_ADDRESS);
  GIVES(cuMemFree_v2(p), CU_ILLEGAL_ADDRESS);
  set("sticky=cuMemFree:1:719"); /* the first error is what stays */
  GIVES(cuMemFree_v2(p), CU_LAUNCH_FAILED);
  GIVES(cuMemFree_v2(p), CU_ILLEGAL_ADDRESS);
  cu_context context;
  GIVES(cuDevicePrimaryCtxRetain(&context, 0), CU_ILLEGAL_ADDRESS);
  softcuda_reset_faults();
  GIVES(cuMemFree_v2(p), CU_ILLEGAL_ADDRESS);
  int count;
  OK(cuDeviceGetCount(&count));
  end_failed(CU_ILLEGAL_ADDRESS);
  begin();
  OK(cuStreamSynchronize(NULL));
  end();
}

static void test_sticky_execution(void **state) {
  (void)state;
  const session s = begin();
  const cu_pointer p = allocate(4);
  set("sticky=execute:2:CUDA_ERROR_LAUNCH_TIMEOUT");
  fill_one(s, p, 1, NULL);
  add_one(s, p, 1, NULL);
  add_one(s, p, 1, NULL);
  assert_int_equal(softcuda_calls("execute"), 0);
  GIVES(cuStreamSynchronize(NULL), CU_LAUNCH_TIMEOUT);
  assert_int_equal(softcuda_calls("execute"), 2);
  assert_int_equal(stats().launches, 1);
  end_failed(CU_LAUNCH_TIMEOUT);
}

static void test_sticky_without_context(void **state) {
  (void)state;
  OK(cuInit(0));
  cu_context context;
  int count;
  OK(cuDevicePrimaryCtxRetain(&context, 0));
  set("sticky=cuDeviceGetCount:1:999");
  GIVES(cuDeviceGetCount(&count), CU_UNKNOWN);
  GIVES(cuCtxPushCurrent_v2(context), CU_UNKNOWN);
  GIVES(cuDevicePrimaryCtxRelease_v2(0), CU_UNKNOWN);
  assert_int_equal(stats().contexts, 0);
  softcuda_reset_faults();
  OK(cuDeviceGetCount(&count));
}

/* ---- an operation that hangs ---- */

static cu_result poll(cu_event e) {
  cu_result result = CU_NOT_READY;
  for (unsigned i = 0; i < 1000 && result == CU_NOT_READY; ++i) result = cuEventQuery(e);
  return result;
}

/* The second operation on stream a of four; b waits for the end of a. */
typedef struct hanging {
  session session;
  cu_stream a, b;
  cu_event first, last, after;
  cu_pointer p;
  uint32_t *values; /* page-locked */
} hanging;

static hanging begin_hanging(void) {
  hanging h = {.session = begin(),
               .a = new_stream(),
               .b = new_stream(),
               .first = new_event(),
               .last = new_event(),
               .after = new_event(),
               .p = allocate(8),
               .values = locked(8)};
  memset(h.values, 0, 8);
  set("hang=execute:2");
  fill_one(h.session, h.p, 1, h.a);
  OK(cuEventRecord(h.first, h.a));
  while (cuEventQuery(h.first) == CU_NOT_READY) continue;
  add_one(h.session, h.p, 1, h.a);
  add_one(h.session, h.p, 1, h.a);
  download(h.values, h.p, 4, h.a);
  OK(cuEventRecord(h.last, h.a));
  OK(cuStreamWaitEvent(h.b, h.last, 0));
  download(h.values + 1, h.p, 4, h.b);
  OK(cuEventRecord(h.after, h.b));
  GIVES(poll(h.after), CU_NOT_READY);
  return h;
}

static void test_hang(void **state) {
  (void)state;
  static const char *const rates[] = {"launch_time=0", "launch_time=5"};
  for (unsigned i = 0; i < sizeof rates / sizeof *rates; ++i) {
    set("clock=virtual");
    set(rates[i]);
    const hanging h = begin_hanging();
    OK(cuEventQuery(h.first));
    GIVES(poll(h.last), CU_NOT_READY);
    softcuda_reset_faults();
    GIVES(poll(h.last), CU_NOT_READY);
    GIVES(poll(h.after), CU_NOT_READY);
    assert_int_equal(softcuda_calls("execute"), 1);
    assert_int_equal(h.values[0], 0);
    assert_int_equal(h.values[1], 0);
    /* Others go on. */
    const cu_stream c = new_stream();
    const cu_event e = new_event();
    uint32_t *value = locked(4);
    upload(h.p + 4, &(uint32_t){5}, 4, c);
    download(value, h.p + 4, 4, c);
    OK(cuEventRecord(e, c));
    OK(poll(e));
    OK(cuStreamSynchronize(c));
    assert_int_equal(*value, 5);
    OK(cuEventDestroy_v2(h.last));
    OK(cuStreamDestroy_v2(h.a));
    GIVES(poll(h.after), CU_NOT_READY);
    assert_int_equal(softcuda_restart(), 1);
    softcuda_abandon();
  }
  /* A device that is lost does no more work, and so doesn't hang. */
  const hanging lost = begin_hanging();
  set("sticky=cuEventQuery:1:719");
  GIVES(cuEventQuery(lost.last), CU_LAUNCH_FAILED);
  end_failed(CU_LAUNCH_FAILED);
  const session s = begin();
  const cu_pointer p = allocate(4);
  fill_one(s, p, 3, NULL);
  assert_int_equal(read_one(p, NULL), 3);
  end();
}

static void never_synchronise(void) { cuStreamSynchronize(begin_hanging().b); }

static void never_free(void) {
  begin_hanging();
  cuMemFree_v2(allocate(1));
}

static void never_free_host(void) { cuMemFreeHost(begin_hanging().values); }

static void never_unload(void) { cuModuleUnload(begin_hanging().session.module); }

static void never_release(void) {
  begin_hanging();
  cuDevicePrimaryCtxRelease_v2(0);
}

static void never_download(void) {
  const hanging h = begin_hanging();
  uint32_t value;
  cuMemcpyDtoHAsync_v2(&value, h.p, sizeof value, h.a);
}

static void never_launch(void) {
  const hanging h = begin_hanging();
  for (unsigned i = 0; i < 2000; ++i) fill_one(h.session, h.p, 1, h.b);
}

static void never_in_time(void) {
  set("launch_time=10");
  never_synchronise();
}

static void destroy_hanging(void) {
  const hanging h = begin_hanging();
  OK(cuStreamDestroy_v2(h.a));
  OK(cuEventDestroy_v2(h.last));
}

/* Whether a child process aborts, having said that a call would never return. */
static bool child_says(void (*body)(void), const char *function) {
  int ends[2], status;
  char said[4096] = "", wanted[100];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    body();
    exit(0);
  }
  close(ends[1]);
  size_t length = 0;
  for (ssize_t n; (n = read(ends[0], said + length, sizeof said - 1 - length)) > 0;) length += (size_t)n;
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  snprintf(wanted, sizeof wanted, "softcuda: %s would never return\n", function);
  return !(WIFEXITED(status) && WEXITSTATUS(status) == 0) && strstr(said, wanted) != NULL;
}

static void test_never(void **state) {
  (void)state;
  assert_false(child_fails(destroy_hanging));
  assert_true(child_says(never_synchronise, "cuStreamSynchronize"));
  assert_true(child_says(never_in_time, "cuStreamSynchronize"));
  assert_true(child_says(never_free, "cuMemFree_v2"));
  assert_true(child_says(never_free_host, "cuMemFreeHost"));
  assert_true(child_says(never_unload, "cuModuleUnload"));
  assert_true(child_says(never_release, "cuDevicePrimaryCtxRelease_v2"));
  assert_true(child_says(never_download, "cuMemcpyDtoHAsync_v2"));
  assert_true(child_says(never_launch, "cuLaunchKernel"));
}

static void *push_abandoned(void *argument) {
  (void)argument;
  cu_context context;
  OK(cuDevicePrimaryCtxRetain(&context, 1));
  OK(cuCtxPushCurrent_v2(context));
  softcuda_abandon();
  cu_pointer p;
  GIVES(cuMemAlloc_v2(&p, 1), CU_NOT_INITIALIZED);
  OK(cuInit(0));
  GIVES(cuMemAlloc_v2(&p, 1), CU_INVALID_CONTEXT);
  GIVES(cuCtxPopCurrent_v2(NULL), CU_INVALID_CONTEXT);
  return NULL;
}

static void test_abandon(void **state) {
  (void)state;
  set("devices=2");
  const session s = begin();
  const cu_stream a = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(8);
  fill_one(s, p, 1, a);
  download(locked(4), p, 4, a);
  OK(cuEventRecord(e, a));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, push_abandoned, NULL), 0);
  pthread_join(thread, NULL);
  const struct softcuda_stats none = {0}, now = stats();
  assert_memory_equal(&now, &none, sizeof now);
  assert_int_equal(softcuda_restart(), 0);
  OK(cuInit(0));
  GIVES(cuCtxPopCurrent_v2(NULL), CU_INVALID_CONTEXT);
  GIVES(cuCtxPushCurrent_v2(s.context), CU_INVALID_CONTEXT);
  begin();
  GIVES(cuEventQuery(e), CU_INVALID_HANDLE);
  GIVES(cuStreamSynchronize(a), CU_INVALID_HANDLE);
  GIVES(cuMemFree_v2(p), CU_INVALID_VALUE);
  end();
}

/* ---- planted times ---- */

enum { MICROSECOND = 1000, BLOCK = 64 << 10 };

static struct softcuda_timeline timeline(void) {
  struct softcuda_timeline t;
  softcuda_timeline(&t);
  return t;
}

static void assert_timeline(uint64_t upload_us, uint64_t compute_us, uint64_t download_us, uint64_t elapsed_us) {
  const struct softcuda_timeline t = timeline();
  assert_int_equal(t.upload_busy, upload_us * MICROSECOND);
  assert_int_equal(t.compute_busy, compute_us * MICROSECOND);
  assert_int_equal(t.download_busy, download_us * MICROSECOND);
  assert_int_equal(t.elapsed, elapsed_us * MICROSECOND);
}

/* A block takes 64 us to come and 32 us to go, a launch 100 us. */
static void plant(const char *clock) {
  set(clock);
  set("upload_rate=1024000000");
  set("download_rate=2048000000");
  set("launch_time=100");
}

static void test_planted_times(void **state) {
  (void)state;
  plant("clock=virtual");
  const session s = begin();
  assert_int_equal(softcuda_set("clock=real"), -1);
  const cu_stream a = new_stream();
  const cu_pointer p = allocate(2 * BLOCK);
  unsigned char *page = locked(BLOCK), *pageable = malloc(BLOCK);
  assert_non_null(pageable);
  memset(page, 1, BLOCK);
  memset(pageable, 2, BLOCK);
  assert_timeline(0, 0, 0, 0);
  upload(p, page, BLOCK, a);
  fill_one(s, p, 0, a);
  download(page, p, BLOCK, a);
  assert_timeline(0, 0, 0, 0);
  OK(cuStreamSynchronize(a));
  assert_timeline(64, 100, 32, 196);
  assert_int_equal(page[0] + page[BLOCK - 1], 1);

  /* Pageable memory blocks the caller, so that the kernel begins after it though it does not depend on it. */
  softcuda_reset_timeline();
  assert_timeline(0, 0, 0, 0);
  upload(p, pageable, BLOCK, a);
  fill_one(s, p, 0, NULL);
  OK(cuStreamSynchronize(NULL));
  assert_timeline(64, 100, 0, 164);
  softcuda_reset_timeline();
  cu_copy_2d c = row(CU_MEMORY_DEVICE, CU_MEMORY_HOST, BLOCK / 2);
  c.src_device = p;
  c.dst_host = pageable;
  c.height = 2;
  OK(cuMemcpy2DAsync_v2(&c, a));
  fill_one(s, p, 0, NULL);
  c.dst_type = CU_MEMORY_DEVICE; /* takes no time */
  c.dst_device = p + BLOCK;
  OK(cuMemcpy2DAsync_v2(&c, a));
  OK(cuMemFree_v2(p));
  assert_timeline(0, 100, 32, 132);
  free(pageable);
  end();

  /* Without rates nothing takes time. */
  assert_int_equal(softcuda_restart(), 0);
  set("clock=virtual");
  const session untimed = begin();
  fill_one(untimed, allocate(4), 0, NULL);
  OK(cuStreamSynchronize(NULL));
  assert_timeline(0, 0, 0, 0);
  end();
}

/* Each copy and launch takes a time of its own besides, a launch by its lanes. */
static void test_planted_latencies(void **state) {
  (void)state;
  plant("clock=virtual");
  set("copy_time=10");
  set("compute_rate=1000000");
  const session s = begin();
  const cu_stream a = new_stream();
  const cu_pointer p = allocate(BLOCK);
  unsigned char *page = locked(BLOCK);
  upload(p, page, BLOCK, a);
  fill_one(s, p, 0, a);
  launch(s, "softcuda_fill", 3, (softcuda_test_args){.lanes = 1, .count = 1}, p, a);
  download(page, p, BLOCK, a);
  OK(cuStreamSynchronize(a));
  assert_timeline(74, 101 + 103, 42, 74 + 101 + 103 + 42);
  end();
  assert_int_equal(softcuda_restart(), 0);
  /* Any one of them makes times planted. */
  set("clock=virtual");
  set("copy_time=7");
  const session only = begin();
  fill_one(only, allocate(4), 0, NULL);
  const cu_pointer q = allocate(4);
  uint32_t value = 0;
  download(&value, q, 4, NULL);
  assert_timeline(0, 0, 7, 7);
  end();
}

/* Kernels and large copies take their times and do nothing else. */
static void test_pretending(void **state) {
  (void)state;
  enum { LARGE = 256 << 10 };
  plant("clock=virtual");
  const session s = begin();
  const cu_stream a = new_stream();
  const cu_pointer p = allocate(LARGE);
  fill_one(s, p, 7, a);
  assert_int_equal(read_one(p, a), 7);
  set("pretend=1");
  softcuda_reset_timeline();
  fill_one(s, p, 8, a);
  OK(cuStreamSynchronize(a));
  assert_timeline(0, 100, 0, 100);
  assert_int_equal(read_one(p, a), 7);
  unsigned char *page = locked(LARGE);
  memset(page, 1, LARGE);
  upload(p, page, LARGE, a);
  assert_int_equal(read_one(p, a), 7);
  upload(p, page, LARGE - 1, a);
  assert_int_equal(read_one(p, a), 0x01010101);
  set("pretend=0");
  fill_one(s, p, 9, a);
  assert_int_equal(read_one(p, a), 9);
  end();
}

/* Blocks that are uploaded, computed with and downloaded. With a stream each they overlap. */
static uint64_t pipeline(unsigned blocks, bool overlap) {
  assert_int_equal(softcuda_restart(), 0);
  plant("clock=virtual");
  const session s = begin();
  const cu_stream one = new_stream();
  uint32_t *pages = locked(blocks * BLOCK);
  const cu_pointer p = allocate(blocks * BLOCK);
  for (unsigned i = 0; i < blocks; ++i) {
    uint32_t *page = pages + i * BLOCK / sizeof *pages;
    *page = i;
    const cu_stream stream = overlap ? new_stream() : one;
    upload(p + i * BLOCK, page, BLOCK, stream);
    add_one(s, p + i * BLOCK, 1, stream);
    download(page, p + i * BLOCK, BLOCK, stream);
    if (overlap) OK(cuStreamDestroy_v2(stream));
  }
  OK(cuMemFree_v2(p));
  for (unsigned i = 0; i < blocks; ++i) assert_int_equal(pages[i * BLOCK / sizeof *pages], i + 1);
  const struct softcuda_timeline t = timeline();
  assert_int_equal(t.upload_busy, blocks * 64 * MICROSECOND);
  assert_int_equal(t.compute_busy, blocks * 100 * MICROSECOND);
  assert_int_equal(t.download_busy, blocks * 32 * MICROSECOND);
  end();
  return t.elapsed;
}

static void test_planted_engines(void **state) {
  (void)state;
  assert_int_equal(pipeline(10, false), 10 * 196 * MICROSECOND);
  assert_int_equal(pipeline(10, true), (64 + 10 * 100 + 32) * MICROSECOND);

  /* An event makes the engines wait for each other; so does the default stream. */
  softcuda_abandon();
  plant("clock=virtual");
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_event e = new_event();
  unsigned char *page = locked(BLOCK);
  const cu_pointer p = allocate(2 * BLOCK);
  upload(p, page, BLOCK, a);
  OK(cuEventRecord(e, a));
  OK(cuStreamWaitEvent(b, e, 0));
  fill_one(s, p, 1, b);
  OK(cuStreamSynchronize(b));
  assert_timeline(64, 100, 0, 164);
  cu_stream blocking;
  OK(cuStreamCreate(&blocking, 0));
  fill_one(s, p, 1, blocking);
  upload(p, page, BLOCK, NULL);
  OK(cuStreamSynchronize(NULL));
  assert_timeline(128, 200, 0, 328);
  /* More than a queue holds waits for the first to end. */
  softcuda_reset_timeline();
  for (unsigned i = 0; i < 2000; ++i) fill_one(s, p, i, a);
  const uint64_t done = timeline().compute_busy / (100 * MICROSECOND);
  assert_int_equal(done, 2000 - 1024);
  OK(cuStreamSynchronize(a));
  assert_timeline(0, 200000, 0, 200000);
  end();
}

/* A device that waits for another one's event. What it carries out there has taken its time there. */
static void test_planted_event_across_devices(void **state) {
  (void)state;
  plant("clock=virtual");
  set("devices=2");
  const session first = begin_on(0);
  const cu_stream a = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(BLOCK);
  unsigned char *page = locked(BLOCK);
  fill_one(first, p, 1, a);
  OK(cuEventRecord(e, a));
  const session second = begin_on(1);
  const cu_stream b = new_stream();
  OK(cuStreamWaitEvent(b, e, 0));
  fill_one(second, allocate(4), 1, b);
  OK(cuStreamSynchronize(b));
  assert_timeline(0, 200, 0, 200);
  OK(cuDevicePrimaryCtxRelease_v2(1));
  OK(cuCtxPopCurrent_v2(NULL));
  upload(p, page, BLOCK, new_stream());
  OK(cuMemFreeHost(locked(1)));
  assert_timeline(64, 200, 0, 200);
  softcuda_reset_timeline();
  fill_one(first, p, 1, new_stream());
  upload(p, page, BLOCK, new_stream());
  OK(cuMemFreeHost(locked(1)));
  assert_timeline(64, 100, 0, 100);
  end();
}

static void test_planted_queries(void **state) {
  (void)state;
  plant("clock=virtual");
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_event ea = new_event(), eb = new_event();
  const cu_pointer p = allocate(BLOCK);
  uint32_t *page = locked(BLOCK);
  fill_one(s, p, 1, a);
  fill_one(s, p, 2, a);
  download(page, p, BLOCK, a);
  OK(cuEventRecord(ea, a));
  upload(p, locked(BLOCK), BLOCK, b);
  OK(cuEventRecord(eb, b));
  /* The ends: 64 of b; 100, 200 and 232 of a. */
  page[0] = 0;
  for (unsigned i = 0; i < 4; ++i) {
    GIVES(cuEventQuery(ea), CU_NOT_READY);
    assert_int_equal(softcuda_calls("execute"), i);
    assert_int_equal(page[0], 0);
  }
  OK(cuEventQuery(ea));
  assert_int_equal(page[0], 2);
  OK(cuEventQuery(eb));
  assert_timeline(64, 200, 32, 232);
  OK(cuStreamSynchronize(a));
  assert_timeline(64, 200, 32, 232);
  /* The clock went on: what is queued now begins now. */
  fill_one(s, p, 3, b);
  OK(cuStreamSynchronize(b));
  assert_timeline(64, 300, 32, 332);
  end();
}

static cu_event new_timed_event(void) {
  cu_event e;
  OK(cuEventCreate(&e, 0));
  return e;
}

static float milliseconds(cu_event from, cu_event to) {
  float time = -1;
  OK(cuEventElapsedTime(&time, from, to));
  return time;
}

/* By planted times, which events of both streams are told in, whenever they were carried out. */
static void test_event_times(void **state) {
  (void)state;
  plant("clock=virtual");
  const session s = begin();
  const cu_stream a = new_stream(), b = new_stream();
  const cu_event first = new_timed_event(), last = new_timed_event(), other = new_timed_event();
  const cu_event untimed = new_event(), never = new_timed_event();
  const cu_pointer p = allocate(BLOCK);
  float time = 0;
  OK(cuEventRecord(first, a));
  upload(p, locked(BLOCK), BLOCK, a);
  fill_one(s, p, 1, a);
  OK(cuEventRecord(last, a));
  OK(cuEventRecord(untimed, a));
  OK(cuStreamWaitEvent(b, last, 0));
  fill_one(s, p, 2, b);
  OK(cuEventRecord(other, b));
  GIVES(cuEventElapsedTime(&time, first, last), CU_NOT_READY);
  OK(cuStreamSynchronize(a));
  GIVES(cuEventElapsedTime(&time, first, other), CU_NOT_READY);
  OK(cuStreamSynchronize(b));
  assert_true(milliseconds(first, first) == 0);
  assert_true(milliseconds(first, last) == 0.164f);
  assert_true(milliseconds(first, other) == 0.264f);
  assert_true(milliseconds(other, last) == -0.1f);
  GIVES(cuEventElapsedTime(NULL, first, last), CU_INVALID_VALUE);
  GIVES(cuEventElapsedTime(&time, first, untimed), CU_INVALID_HANDLE);
  GIVES(cuEventElapsedTime(&time, never, last), CU_INVALID_HANDLE);
  GIVES(cuEventElapsedTime(&time, (cu_event)a, last), CU_INVALID_HANDLE);
  /* An idle stream reaches an event when it is recorded. */
  OK(cuEventRecord(first, a));
  OK(cuEventRecord(last, b));
  OK(cuStreamSynchronize(a));
  OK(cuStreamSynchronize(b));
  assert_true(milliseconds(first, last) == 0 && milliseconds(other, last) == 0);
  end();

  /* Without planted times, by the clock, when it was carried out. */
  assert_int_equal(softcuda_restart(), 0);
  begin();
  const cu_event before = new_timed_event(), after = new_timed_event();
  OK(cuEventRecord(before, NULL));
  OK(cuStreamSynchronize(NULL));
  OK(cuEventRecord(after, NULL));
  usleep(2000);
  OK(cuStreamSynchronize(NULL));
  assert_true(milliseconds(before, after) >= 2);
  end();
}

static void test_planted_failures(void **state) {
  (void)state;
  plant("clock=virtual");
  const session s = begin();
  const cu_stream a = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(BLOCK);
  fill_one(s, p, 1, a);
  add_one(s, p, 1, a);
  OK(cuEventRecord(e, a));
  set("sticky=execute:2:CUDA_ERROR_LAUNCH_TIMEOUT");
  cu_result result;
  while ((result = cuEventQuery(e)) == CU_NOT_READY) continue;
  GIVES(result, CU_LAUNCH_TIMEOUT);
  assert_int_equal(stats().queued, 0);
  end_failed(CU_LAUNCH_TIMEOUT);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What is asserted is only that nothing comes too early. */
static void test_real_clock(void **state) {
  (void)state;
  plant("clock=real");
  const session s = begin();
  const cu_stream a = new_stream();
  const cu_event e = new_event();
  const cu_pointer p = allocate(BLOCK);
  uint32_t *page = locked(BLOCK);
  for (int ask = 0; ask < 2; ++ask) {
    softcuda_reset_timeline();
    const uint64_t begun = now_ns();
    page[0] = 0;
    for (uint32_t i = 0; i < 20; ++i) fill_one(s, p, i, a);
    download(page, p, BLOCK, a);
    OK(cuEventRecord(e, a));
    if (ask)
      while (cuEventQuery(e) == CU_NOT_READY) assert_int_equal(page[0], 0);
    else
      OK(cuStreamSynchronize(a));
    assert_true(now_ns() - begun >= 2032 * MICROSECOND);
    assert_int_equal(page[0], 19);
    const struct softcuda_timeline t = timeline();
    assert_int_equal(t.compute_busy, 2000 * MICROSECOND);
    assert_int_equal(t.download_busy, 32 * MICROSECOND);
    assert_true(t.elapsed >= 2032 * MICROSECOND);
  }
  end();
}

/* ---- threads ---- */

static void *work_alone(void *argument) {
  const session *s = argument;
  OK(cuCtxPushCurrent_v2(s->context));
  const cu_stream stream = new_stream();
  for (unsigned i = 0; i < 50; ++i) {
    const cu_pointer p = allocate(1024);
    upload(p, &i, sizeof i, stream);
    add_one(*s, p, 3, stream);
    launch(*s, "softcuda_scan", 2, (softcuda_test_args){.out = 512, .lanes = 64}, p, stream);
    assert_int_equal(read_one(p, stream), i + 3);
    OK(cuMemFree_v2(p));
  }
  OK(cuStreamDestroy_v2(stream));
  OK(cuCtxPopCurrent_v2(NULL));
  return NULL;
}

static void test_threads(void **state) {
  (void)state;
  enum { THREADS = 4 };
  session s = begin();
  pthread_t threads[THREADS];
  for (unsigned i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, work_alone, &s), 0);
  for (unsigned i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  assert_int_equal(stats().allocations, 0);
  assert_int_equal(stats().launches, THREADS * 50 * 2);
  end();
}

typedef struct waiting {
  session session;
  cu_stream stream;
  cu_result result;
} waiting;

static void *wait_for_stream(void *argument) {
  waiting *w = argument;
  OK(cuCtxPushCurrent_v2(w->session.context));
  w->result = cuStreamSynchronize(w->stream);
  cuCtxPopCurrent_v2(NULL);
  return NULL;
}

/* A stream that is destroyed, or abandoned with everything, while a thread waits for it. */
static void check_gone(bool abandon) {
  assert_int_equal(softcuda_restart(), 0);
  set("launch_time=20000");
  waiting w = {.session = begin(), .stream = new_stream()};
  uint32_t *page = locked(4);
  const cu_pointer p = allocate(4);
  *page = 0;
  fill_one(w.session, p, 1, w.stream);
  add_one(w.session, p, 1, w.stream);
  download(page, p, 4, w.stream);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, wait_for_stream, &w), 0);
  while (softcuda_calls("cuStreamSynchronize") == 0) sched_yield();
  if (abandon)
    softcuda_abandon();
  else
    cuStreamDestroy_v2(w.stream);
  pthread_join(thread, NULL);
  assert_true(w.result == CU_INVALID_HANDLE || w.result == CU_SUCCESS); /* which depends on who was first */
  if (abandon) return;
  assert_int_equal(*page, 2);
  end();
}

static void test_gone_while_waiting(void **state) {
  (void)state;
  check_gone(false);
  check_gone(true);
}

enum { DEVICES = 4, ROUNDS = 20 };

/* A device of its own, as one engine has it. */
static void *work_on_device(void *argument) {
  const cu_device device = *(const cu_device *)argument;
  const session s = begin_on(device);
  const cu_stream streams[2] = {new_stream(), new_stream()};
  const cu_event events[2] = {new_event(), new_event()};
  uint32_t *pages[2] = {locked(BLOCK), locked(BLOCK)};
  const cu_pointer p = allocate(2 * BLOCK + (size_t)device);
  for (unsigned i = 0; i < ROUNDS + 2; ++i) {
    const unsigned slot = i % 2;
    const cu_pointer block = p + slot * BLOCK;
    cu_result result;
    while ((result = cuEventQuery(events[slot])) == CU_NOT_READY) continue;
    OK(result);
    if (i >= 2) assert_int_equal(pages[slot][BLOCK / 4 - 1], (i - 2) * 10 + (unsigned)device + 64);
    if (i >= ROUNDS) continue;
    for (unsigned j = 0; j < BLOCK / 4; ++j) pages[slot][j] = 1;
    pages[slot][BLOCK / 4 - 64] = i * 10 + (unsigned)device + 1;
    upload(block, pages[slot], BLOCK, streams[slot]);
    launch(s, "softcuda_scan", 1, (softcuda_test_args){.in = BLOCK - 256, .out = BLOCK - 256, .lanes = 64}, block,
           streams[slot]);
    download(pages[slot], block, BLOCK, streams[slot]);
    OK(cuEventRecord(events[slot], streams[slot]));
  }
  for (unsigned slot = 0; slot < 2; ++slot) {
    OK(cuStreamDestroy_v2(streams[slot]));
    OK(cuEventDestroy_v2(events[slot]));
    OK(cuMemFreeHost(pages[slot]));
  }
  OK(cuMemFree_v2(p));
  OK(cuModuleUnload(s.module));
  OK(cuCtxPopCurrent_v2(NULL));
  OK(cuDevicePrimaryCtxRelease_v2(device));
  return NULL;
}

static void run_devices(int count) {
  pthread_t threads[DEVICES];
  static const cu_device devices[DEVICES] = {0, 1, 2, 3};
  OK(cuInit(0));
  for (int i = 0; i < count; ++i)
    assert_int_equal(pthread_create(&threads[i], NULL, work_on_device, (void *)(uintptr_t)&devices[i]), 0);
  for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < count; ++i) assert_int_equal(softcuda_device_peak(i), 2 * BLOCK + i);
  assert_int_equal(stats().contexts, 0);
  assert_int_equal(stats().left_behind, 0);
  assert_int_equal(stats().guard_violations, 0);
  assert_int_equal(stats().host_current, 0);
  assert_int_equal(stats().launches, (unsigned)count * ROUNDS);
}

static void test_devices_at_once(void **state) {
  (void)state;
  static const char *const clocks[] = {NULL, "clock=real", "clock=virtual"};
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; ++i) {
    assert_int_equal(softcuda_restart(), 0);
    set("devices=4");
    if (clocks[i] != NULL) plant(clocks[i]);
    run_devices(DEVICES);
  }
  /* Each has its own engines and clock: four take no longer than one. */
  const struct softcuda_timeline four = timeline();
  assert_int_equal(softcuda_restart(), 0);
  plant("clock=virtual");
  run_devices(1);
  const struct softcuda_timeline one = timeline();
  assert_int_equal(four.elapsed, one.elapsed);
  assert_int_equal(four.upload_busy, DEVICES * one.upload_busy);
  assert_int_equal(four.compute_busy, DEVICES * one.compute_busy);
  assert_int_equal(four.download_busy, DEVICES * one.download_busy);
  assert_int_equal(one.compute_busy, ROUNDS * 100 * MICROSECOND);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {
      TEST(test_bad_ends),
      TEST(test_never),
      TEST(test_before_init),
      TEST(test_devices),
      TEST(test_settings),
      TEST(test_no_device),
      TEST(test_environment),
      TEST(test_contexts),
      TEST(test_handles),
      TEST(test_memory_limit),
      TEST(test_poison),
      TEST(test_large_slab),
      TEST(test_poison_of_large_memory),
      TEST(test_cycles),
      TEST(test_device_peaks),
      TEST(test_locked_memory),
      TEST(test_locked_guards),
      TEST(test_locked_freed_early),
      TEST(test_freed_memory),
      TEST(test_guards),
      TEST(test_copy_times),
      TEST(test_copies_of_locked_memory),
      TEST(test_copy_2d),
      TEST(test_copy_within),
      TEST(test_copy_outside),
      TEST(test_missing_wait),
      TEST(test_order_within_stream),
      TEST(test_events),
      TEST(test_event_across_devices),
      TEST(test_default_stream),
      TEST(test_implied_synchronisation),
      TEST(test_event_query),
      TEST(test_modules),
      TEST(test_product_kernels),
      TEST(test_launch_arguments),
      TEST(test_barriers),
      TEST(test_lane_order),
      TEST(test_shared_poison),
      TEST(test_wrong_kernels),
      TEST(test_fail),
      TEST(test_sticky),
      TEST(test_sticky_execution),
      TEST(test_sticky_without_context),
      TEST(test_hang),
      TEST(test_abandon),
      TEST(test_planted_times),
      TEST(test_planted_latencies),
      TEST(test_pretending),
      TEST(test_planted_engines),
      TEST(test_planted_event_across_devices),
      TEST(test_planted_queries),
      TEST(test_event_times),
      TEST(test_planted_failures),
      TEST(test_real_clock),
      TEST(test_threads),
      TEST(test_gone_while_waiting),
      TEST(test_devices_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
