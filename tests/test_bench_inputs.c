/* What cases of 'tallow bench' share: the space that outputs go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/inputs.h"

#define SIZE ((size_t)8 << 20)

/* Pages of the space that are in memory. */
static size_t count_pages(void *space) {
  static unsigned char pages[SIZE / 4096];
  const size_t n = SIZE / (size_t)sysconf(_SC_PAGESIZE);
  size_t count = 0;
  assert_int_equal(mincore(space, SIZE, pages), 0);
  for (size_t i = 0; i < n; i++) count += pages[i] & 1;
  return count;
}

/* So that no call of a case that goes round a large buffer waits for pages. */
static void test_space_is_forgotten_and_touched(void **state) {
  (void)state;
  tlw_error error;
  uint8_t *space = bench_space(SIZE, &error);
  assert_non_null(space);
  assert_int_equal(count_pages(space), 0);
  bench_space_touch();
  assert_int_equal(count_pages(space), SIZE / (size_t)sysconf(_SC_PAGESIZE));
  memset(space, 7, SIZE);
  bench_space_touch();
  for (size_t i = 0; i < SIZE; i++) assert_int_equal(space[i], 7);
  bench_space_forget();
  assert_int_equal(count_pages(space), 0);
  bench_space_touch();
  assert_int_equal(space[SIZE - 1], 0);
  assert_ptr_equal(bench_space(1, &error), space);
  bench_inputs_free();
  bench_space_touch(); /* there is none */
}

static void test_space_is_bounded(void **state) {
  (void)state;
  tlw_error error;
  assert_null(bench_space((size_t)3 << 30, &error));
  assert_int_equal(error.code, TLW_ERR_MEMORY);
  bench_inputs_free();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_space_is_forgotten_and_touched),
      cmocka_unit_test(test_space_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
