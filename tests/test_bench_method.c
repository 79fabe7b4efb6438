/* How long a run may take: a case that is made up, of which a call sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "bench/method.h"

#define ROWS 2

static tlw_status sleep_calls(void *state, int64_t calls, tlw_error *error) {
  (void)state;
  (void)error;
  for (int64_t i = 0; i < calls; i++) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  return TLW_OK;
}

static void close_nothing(void *state) { (void)state; }

static tlw_status open_sleeper(const bench_case *what, const bench_lane *lane, bench_subject *subject,
                               tlw_error *error) {
  (void)what;
  (void)lane;
  (void)error;
  *subject = (bench_subject){.run = sleep_calls, .close = close_nothing, .item = "naps", .items = 1};
  return TLW_OK;
}

static const bench_suite sleepers = {.name = "sleep", .open = open_sleeper};
static const bench_case a_case = {.name = "sleep/2ms", .suite = &sleepers};

static void measure(bench_run *run, bench_row rows[ROWS], const bench_plan *plan) {
  tlw_error error;
  for (int i = 0; i < ROWS; i++) rows[i] = (bench_row){.what = &a_case, .lane = {TLW_BACKEND_CPU, 1 + (uint32_t)i}};
  *run = (bench_run){.n = ROWS, .rows = rows};
  assert_int_equal(bench_measure(run, plan, &error), TLW_OK);
}

static void test_all_rounds(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[ROWS];
  measure(&run, rows, &(bench_plan){.seconds = 1e-3});
  assert_false(run.ran_out);
  for (int i = 0; i < ROWS; i++) {
    assert_int_equal(rows[i].status, TLW_OK);
    assert_true(rows[i].n > 0 && rows[i].n <= BENCH_ROUNDS);
  }
}

/* Later rounds are left out of all rows alike, but for the few that an interval needs. */
static void test_time_is_over(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[ROWS];
  measure(&run, rows, &(bench_plan){.seconds = 1, .wall = 1e-3});
  assert_true(run.ran_out);
  for (int i = 0; i < ROWS; i++) {
    assert_true(rows[i].n > 0 && rows[i].n <= BENCH_ROUNDS_LEAST);
    assert_true(rows[i].batches[rows[i].n - 1].round < BENCH_ROUNDS_LEAST);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_rounds), cmocka_unit_test(test_time_is_over)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
