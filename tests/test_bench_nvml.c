/* What a run says of NVIDIA GPUs: driver, clocks and what holds them back, from a library that takes NVML's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/nvml.h"

static void expect(const char *text, const char *expected) { assert_string_equal(text, expected); }

static void test_clocks(void **state) {
  (void)state;
  char text[BENCH_CLOCKS_TEXT_SIZE];
  bench_gpu_clocks clocks;
  memset(&clocks, 0xa5, sizeof clocks);
  bench_gpu_clocks_read("GPU-1", &clocks);
  expect(bench_gpu_clocks_text(&clocks, text), "driver 580.95.05, 345 of 1980 MHz, memory 2619 of 2619 MHz");
  expect(bench_gpu_run_text(&clocks, text), "");
  bench_gpu_clocks_watch("GPU-1", &clocks);
  expect(bench_gpu_run_text(&clocks, text), "ran at 1980 MHz");
  bench_gpu_clocks_watch("GPU-1", &clocks);
  expect(bench_gpu_run_text(&clocks, text), "ran at 1200 to 1980 MHz, held back by power");
  bench_gpu_clocks_watch("GPU-1", &clocks);
  expect(bench_gpu_run_text(&clocks, text), "ran at 1200 to 1980 MHz, held back by power and heat");
}

/* A part has the clocks of the whole. */
static void test_a_part(void **state) {
  (void)state;
  bench_gpu_clocks clocks;
  bench_gpu_clocks_read("MIG-1", &clocks);
  assert_int_equal(clocks.core_most, 1980);
}

static void test_little_is_known(void **state) {
  (void)state;
  char text[BENCH_CLOCKS_TEXT_SIZE];
  bench_gpu_clocks clocks;
  bench_gpu_clocks_read("GPU-2", &clocks);
  bench_gpu_clocks_watch("GPU-2", &clocks);
  expect(bench_gpu_clocks_text(&clocks, text), "driver 580.95.05");
  expect(bench_gpu_run_text(&clocks, text), "");
  static const char *const nobody[] = {"GPU-3", ""};
  for (int i = 0; i < 2; i++) {
    memset(&clocks, 0xa5, sizeof clocks);
    bench_gpu_clocks_read(nobody[i], &clocks);
    bench_gpu_clocks_watch(nobody[i], &clocks);
    expect(bench_gpu_clocks_text(&clocks, text), "");
    expect(bench_gpu_run_text(&clocks, text), "");
  }
}

/* Every bit that the library may set. */
static void test_reasons(void **state) {
  (void)state;
  char text[BENCH_CLOCKS_TEXT_SIZE];
  bench_gpu_clocks clocks = {.driver = "1", .held = 31, .core_least = 1000000, .core_top = 2000000};
  expect(bench_gpu_run_text(&clocks, text), "ran at 1000000 to 2000000 MHz, held back by a setting and power and heat "
                                            "and the board and other GPUs");
  clocks = (bench_gpu_clocks){.driver = "1", .held = BENCH_HELD_SETTING};
  expect(bench_gpu_run_text(&clocks, text), "held back by a setting");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_clocks),
      cmocka_unit_test(test_a_part),
      cmocka_unit_test(test_little_is_known),
      cmocka_unit_test(test_reasons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
