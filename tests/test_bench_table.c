/* The table of a run, from rows that were made up: when a speedup stands there, and what is said in its place. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/table.h"

#define ROUNDS 8

static bench_case a_case = {.name = "render/1080p/1000"};

/* Rows of one case on the CPU and on CUDA, which takes half the time. */
static void fill(bench_run *run, bench_row rows[2]) {
  *run = (bench_run){.n = 2, .rows = rows, .machine = {.tier = "avx2", .copy_one = 1e10, .copy_all = 2e10}};
  for (int i = 0; i < 2; i++) {
    rows[i] = (bench_row){.what = &a_case,
                          .lane = {i ? TLW_BACKEND_CUDA : TLW_BACKEND_CPU, i ? 1 : 2},
                          .item = "charts",
                          .items = 64,
                          .bytes = 1e6,
                          .cold = 0.5,
                          .has_hash = true,
                          .hash = 7,
                          .n = ROUNDS};
    for (int k = 0; k < ROUNDS; k++)
      rows[i].batches[k] = (bench_batch){.seconds = (i ? 1e-3 : 2e-3) * (k % 2 ? 1.001 : 0.999), .round = k};
  }
}

/* Prints the table into memory, which the caller frees. */
static char *print(const bench_run *run) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  assert_non_null(file);
  bench_print_table(file, run);
  fclose(file);
  return text;
}

static void check(const bench_run *run, const char *there, const char *not_there) {
  char *text = print(run);
  if (!strstr(text, there)) fail_msg("there is no '%s' in\n%s", there, text);
  if (not_there && strstr(text, not_there)) fail_msg("there is '%s' in\n%s", not_there, text);
  free(text);
}

static void test_speedup(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  check(&run, "  2.00 (2.00 to 2.00)", "none:");
  check(&run, "tier avx2", NULL);
  check(&run, "32.0 k charts/s", NULL);
  check(&run, "0.03", NULL); /* of copying by two threads */
}

/* Of copying: one thread beside one, several and devices beside all; what is left on a device has none. */
static void test_shares_of_copy(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  assert_true(fabs(bench_share_of_copy(&run, &rows[0]) - 1e6 / 2e-3 / 2e10) < 1e-6);
  assert_true(fabs(bench_share_of_copy(&run, &rows[1]) - 1e6 / 1e-3 / 2e10) < 1e-6);
  rows[0].lane.threads = 1;
  assert_true(fabs(bench_share_of_copy(&run, &rows[0]) - 1e6 / 2e-3 / 1e10) < 1e-6);
  bench_case left = a_case;
  left.stage = BENCH_STAGE_LEFT;
  rows[0].what = rows[1].what = &left;
  assert_true(bench_share_of_copy(&run, &rows[0]) > 0 && bench_share_of_copy(&run, &rows[1]) == 0);
}

static void test_other_output(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  rows[1].hash = 8;
  check(&run, "none: other output", "(2.00 to 2.00)");
  fill(&run, rows);
  rows[1].has_hash = false;
  check(&run, "none: no output to compare", "(2.00 to 2.00)");
  fill(&run, rows);
  rows[1].changed = true;
  check(&run, "none: its output changed", "(2.00 to 2.00)");
  fill(&run, rows);
  rows[0].changed = true;
  check(&run, "none: other output", "(2.00 to 2.00)");
}

/* A baseline that failed is none, and so is a row of another case. */
static void test_no_baseline(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  rows[0].status = TLW_ERR_MEMORY;
  snprintf(rows[0].error.message, sizeof rows[0].error.message, "no room");
  check(&run, "failed: no room", "(2.00 to 2.00)");
  static bench_case other = {.name = "render/600p/100"};
  fill(&run, rows);
  rows[1].what = &other;
  check(&run, "render/600p/100", "(2.00 to 2.00)");
}

static void test_few_rounds(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  rows[1].n = 1;
  check(&run, "(not sure)", NULL);
  fill(&run, rows);
  for (int k = 0; k < ROUNDS; k++) rows[1].batches[k].round = ROUNDS + k; /* none in common */
  check(&run, "2.00 (2.00 to 2.00)", NULL);
}

static void test_disturbed(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  check(&run, "case", "was busy");
  rows[0].batches[3].spoiled = BENCH_SPOILED_WAITED;
  check(&run, "!        this machine was busy: some batches of 1 line were", NULL);
}

static void test_left_out(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  check(&run, "case", "left out");
  run.leaves_opencl = true;
  check(&run, "opencl   runs on the CPU here and was left out, for nobody asked: --backend cpu,opencl\n", NULL);
}

/* Of the very times that stand beside it, whatever batches pair up or are left out. */
static void test_speedup_is_of_the_times(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  for (int others = 0; others < 2; others++) {
    fill(&run, rows);
    rows[0].others = rows[1].others = 0.5 * others;
    for (int k = 0; k < ROUNDS; k++) rows[1].batches[k].seconds = 1e-3 * (k < 5 ? 1 + 0.1 * k : 4);
    rows[0].batches[1].spoiled = rows[1].batches[2].spoiled = BENCH_SPOILED_STOLEN;
    bool disturbed;
    const double times = bench_row_time(&rows[0], &disturbed).value / bench_row_time(&rows[1], &disturbed).value;
    const bench_interval speedup = bench_speedup(&rows[1], &rows[0]);
    assert_true(fabs(speedup.value / times - 1) < 1e-12);
    assert_true(speedup.low < times && speedup.high > times && isfinite(speedup.high));
  }
  for (int k = 0; k < ROUNDS; k++) rows[1].batches[k].round = ROUNDS + k;
  assert_true(bench_speedup(&rows[1], &rows[0]).value > 0);
}

static void test_rounds_left_out(void **state) {
  (void)state;
  bench_run run;
  bench_row rows[2];
  fill(&run, rows);
  check(&run, "case", "rounds  ");
  run.ran_out = true;
  check(&run, "rounds   some were left out, for a run without --time ends after 30 s: its", "was busy");
  rows[1].others = 0.5;
  check(&run, "ends after 30 s, and this machine was busy: its", NULL);
}

static void test_texts(void **state) {
  (void)state;
  static const struct {
    double seconds;
    const char *text;
  } times[] = {{1e-9, "1.00 ns"}, {9.7123e-5, "97.1 us"}, {0.1234, "123 ms"}, {12, "12.0 s"}, {0.9999e-3, "1.00 ms"}};
  char text[BENCH_TEXT_SIZE];
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    bench_time_text(times[i].seconds, text);
    assert_string_equal(text, times[i].text);
  }
  bench_ratio_text(0.99712, text);
  assert_string_equal(text, "0.997");
  bench_ratio_text(0.99971, text);
  assert_string_equal(text, "1.00");
  bench_ratio_text(99.96, text);
  assert_string_equal(text, "100");
  bench_ratio_text(999.6, text);
  assert_string_equal(text, "1,000");
  bench_ratio_text(25521, text);
  assert_string_equal(text, "25,500");
  bench_ratio_text(1e300, text);
  assert_string_equal(text, "1.00e+300");
  bench_rate_text(984, text);
  assert_string_equal(text, "984 ");
  bench_rate_text(2.4e9, text);
  assert_string_equal(text, "2.40 G ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_speedup),
      cmocka_unit_test(test_shares_of_copy),
      cmocka_unit_test(test_other_output),
      cmocka_unit_test(test_no_baseline),
      cmocka_unit_test(test_few_rounds),
      cmocka_unit_test(test_disturbed),
      cmocka_unit_test(test_left_out),
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_speedup_is_of_the_times),
      cmocka_unit_test(test_rounds_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
