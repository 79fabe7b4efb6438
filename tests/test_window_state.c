/*
 * States of rolling windows: fed row by row, in chunks, from clones, after a clear and with peeks between, they give the
 * bits of tlw_window_run, in memory that is as large as it was said to be and never grows.
 *
 *   TALLOW_TEST_CASES=N             at most so many random cases
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "host/base/arithmetic.h"
#include "host/window/sorted.h"
#include "window_cases.h"

#define FIRST_SEED 20251101

static tlw_engine *engine_of(void) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  return engine;
}

static uint64_t host_bytes(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats.host_bytes.current;
}

static tlw_window_state *state_of(const tlw_window_spec *spec, int64_t origin, tlw_engine *engine) {
  tlw_window_state *state = NULL;
  tlw_error error;
  if (tlw_window_state_open(spec, origin, engine, &state, &error) != TLW_OK) fail_msg("%s", error.message);
  return state;
}

static tlw_window_state *clone_of(const tlw_window_state *state) {
  tlw_window_state *clone = NULL;
  tlw_error error;
  if (tlw_window_state_clone(state, &clone, &error) != TLW_OK) fail_msg("%s", error.message);
  return clone;
}

static uint64_t bits(double x) {
  uint64_t word;
  memcpy(&word, &x, sizeof word);
  return word;
}

/* ---- a series of a case, and what the batch gave for it ---- */

struct rows {
  const tlw_window_spec *spec;
  const double *x, *y;
  int64_t n, origin;
  const double *expected;
  uint64_t seed;
};

static double y_of(const struct rows *rows, int64_t i) { return rows->y ? rows->y[i] : 0; }

static void expect(const struct rows *rows, int64_t i, double got, const char *way) {
  if (bits(got) == bits(rows->expected[i])) return;
  char text[256];
  fail_msg("seed %llu, %s, origin %lld: row %lld of %lld by %s is %a and not %a", (unsigned long long)rows->seed,
           window_text(rows->spec, text, sizeof text), (long long)rows->origin, (long long)i, (long long)rows->n, way,
           got, rows->expected[i]);
}

static void expect_all(const struct rows *rows, int64_t from, int64_t to, const double *got, const char *way) {
  for (int64_t i = from; i < to; i++) expect(rows, i, got[i - from], way);
}

static void update_all(tlw_window_state *state, const struct rows *rows, int64_t from, const char *way) {
  for (int64_t i = from; i < rows->n; i++) expect(rows, i, tlw_window_update(state, rows->x[i], y_of(rows, i)), way);
}

/* A peek tells what comes, and any other number that could have come changes nothing. */
static void update_with_peeks(tlw_window_state *state, const struct rows *rows, rng *r) {
  for (int64_t i = 0; i < rows->n; i++) {
    const int64_t any = (int64_t)rng_below(r, (uint64_t)rows->n);
    tlw_window_peek(state, rows->x[any], y_of(rows, any));
    expect(rows, i, tlw_window_peek(state, rows->x[i], y_of(rows, i)), "peek");
    if (i % 3 == 0) tlw_window_peek(state, NAN, 1e300);
    expect(rows, i, tlw_window_update(state, rows->x[i], y_of(rows, i)), "update after a peek");
  }
}

static void feed_in_chunks(tlw_window_state *state, const struct rows *rows, rng *r) {
  for (int64_t i = 0; i < rows->n;) {
    int64_t n = (int64_t)rng_below(r, rng_below(r, 4) == 0 ? 100 : 12);
    if (n > rows->n - i) n = rows->n - i;
    poisoned output;
    poisoned_open(&output, n, rows->seed + (uint64_t)i);
    tlw_window_feed(state, rows->x + i, rows->y ? rows->y + i : NULL, n, output.rows);
    expect_all(rows, i, i + n, output.rows, "feed");
    assert_true(poisoned_intact(&output, 0, n));
    poisoned_close(&output);
    i += n;
  }
}

/* Two from one go on as one, whichever goes first, and the original may be closed. */
static void clone_midway(const struct rows *rows, tlw_engine *engine, rng *r) {
  tlw_window_state *state = state_of(rows->spec, rows->origin, engine);
  const int64_t at = (int64_t)rng_below(r, (uint64_t)rows->n + 1);
  for (int64_t i = 0; i < at; i++) tlw_window_update(state, rows->x[i], y_of(rows, i));
  tlw_window_state *clone = clone_of(state), *third = clone_of(clone);
  update_all(clone, rows, at, "update of a clone");
  update_all(state, rows, at, "update of what was cloned");
  tlw_window_state_close(&state);
  tlw_window_state_close(&clone);
  update_all(third, rows, at, "update of a clone's clone");
  tlw_window_state_close(&third);
}

static void check_rows(const struct rows *rows, tlw_engine *engine, rng *r) {
  const uint64_t before = engine ? host_bytes(engine) : 0;
  tlw_window_state *state = state_of(rows->spec, rows->origin, engine);
  const uint64_t size = engine ? host_bytes(engine) - before : 0;
  if (engine) assert_int_equal(size, tlw_window_state_size(rows->spec));
  update_all(state, rows, 0, "update");
  tlw_window_state_clear(state);
  feed_in_chunks(state, rows, r);
  tlw_window_state_clear(state);
  update_with_peeks(state, rows, r);
  if (engine) assert_int_equal(host_bytes(engine) - before, size);
  tlw_window_state_close(&state);
  assert_null(state);
  clone_midway(rows, engine, r);
  if (engine) assert_int_equal(host_bytes(engine), before);
}

static void check_spec(const window_case *c, tlw_engine *engine, const tlw_window_spec *spec, rng *r) {
  double *const output = calloc((size_t)c->batch.n_rows + 1, sizeof *output);
  assert_non_null(output);
  tlw_error error;
  if (tlw_window_run(engine, &c->batch, spec, 1, &output, &error) != TLW_OK) fail_msg("%s", error.message);
  const bool two = tlw_window_describe(spec->op)->inputs == 2;
  for (int64_t s = 0; s < c->batch.n_series; s++) {
    const int64_t first = c->offsets[s];
    const struct rows rows = {.spec = spec,
                              .x = c->wide[spec->column] + first,
                              .y = two ? c->wide[spec->other] + first : NULL,
                              .n = c->offsets[s + 1] - first,
                              .origin = c->batch.origin ? c->origin[s] : 0,
                              .expected = output + first,
                              .seed = c->seed};
    check_rows(&rows, rng_below(r, 4) == 0 ? NULL : engine, r);
  }
  free(output);
}

static void check_case(window_case *c, tlw_engine *engine) {
  rng r = {c->seed ^ 1};
  for (int32_t k = 0; k < c->n_specs; k++) check_spec(c, engine, &c->specs[k], &r);
  window_case_close(c);
}

static void test_short_windows(void **unused) {
  (void)unused;
  tlw_engine *engine = engine_of();
  const int64_t n = (int64_t)environment_number("TALLOW_TEST_CASES", 100);
  for (int64_t i = 0; i < n; i++) {
    window_case c;
    window_case_open(&c, FIRST_SEED + (uint64_t)i, 1 + i % 4, 150);
    window_case_add_all(&c, 1 + i % 70, i);
    check_case(&c, engine);
  }
  tlw_engine_close(&engine);
}

/* More than the numbers of a bucket, and some blocks of groups. */
static void test_long_windows(void **unused) {
  (void)unused;
  static const int64_t windows[] = {100, 255, 300, 1023, 1024, 1025, 1500, 2600};
  tlw_engine *engine = engine_of();
  for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
    window_case c;
    window_case_open_one(&c, FIRST_SEED + 1000 + i, 2 * windows[i] + 77);
    window_case_add_all(&c, windows[i], (int64_t)i * 7);
    check_case(&c, engine);
  }
  tlw_engine_close(&engine);
}

/* Some stretches, and every option of what remembers. */
static void test_long_memories(void **unused) {
  (void)unused;
  tlw_engine *engine = engine_of();
  rng r = {FIRST_SEED + 2000};
  const int64_t n = 2 * 65536 + 700;
  for (int round = 0; round < 2; round++) {
    window_case c;
    window_case_open_one(&c, FIRST_SEED + 2000 + (uint64_t)round, n);
    fill_numbers(c.wide[0], n, round == 0 ? NUMBERS_WALK : NUMBERS_GAPS, &r);
    c.batch.type = TLW_TYPE_F64;
    c.columns[0] = c.wide[0];
    double *const output = malloc((size_t)n * sizeof *output), *const fed = malloc((size_t)n * sizeof *fed);
    assert_true(output != NULL && fed != NULL);
    for (int op = 0; op < TLW_WINDOW_OPS; op++) {
      tlw_window_spec spec;
      tlw_window_spec_init(&spec, (tlw_window_op)op, 0);
      const bool remembers = op == TLW_WINDOW_EMA || op == TLW_WINDOW_RMA || spec.min_periods == 1;
      for (int64_t v = remembers ? 0 : INT64_MAX; v < window_variants((tlw_window_op)op); v++) {
        if (!window_variant(&spec, (tlw_window_op)op, 5000, v)) continue;
        assert_int_equal(tlw_window_run(engine, &c.batch, &spec, 1, &output, NULL), TLW_OK);
        tlw_window_state *state = state_of(&spec, 0, NULL);
        tlw_window_feed(state, c.wide[0], NULL, n, fed);
        const struct rows rows = {&spec, c.wide[0], NULL, n, 0, output, c.seed};
        expect_all(&rows, 0, n, fed, "feed");
        tlw_window_state_close(&state);
      }
    }
    free(output);
    free(fed);
    window_case_close(&c);
  }
  tlw_engine_close(&engine);
}

#define MILLION 1000000

static double *million_numbers(void) {
  double *x = malloc(MILLION * sizeof *x);
  assert_non_null(x);
  rng r = {FIRST_SEED + 3000};
  fill_numbers(x, MILLION, NUMBERS_WALK, &r);
  return x;
}

/* A million rows take no more memory than the first. */
static void test_many_rows(void **unused) {
  (void)unused;
  static const tlw_window_op ops[] = {TLW_WINDOW_MEAN, TLW_WINDOW_MAX, TLW_WINDOW_MEDIAN, TLW_WINDOW_EMA,
                                      TLW_WINDOW_CUMSUM};
  tlw_engine *engine = engine_of();
  double *const x = million_numbers(), *const output = malloc(MILLION * sizeof *output);
  assert_non_null(output);
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = (const void *const[]){x};
  batch.n_columns = 1;
  batch.n_rows = MILLION;
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
    tlw_window_spec spec;
    tlw_window_spec_init(&spec, ops[i], ops[i] == TLW_WINDOW_CUMSUM ? 0 : 16);
    assert_int_equal(tlw_window_run(engine, &batch, &spec, 1, &output, NULL), TLW_OK);
    tlw_window_state *state = state_of(&spec, 0, engine);
    const uint64_t bytes = host_bytes(engine);
    const struct rows rows = {&spec, x, NULL, MILLION, 0, output, 0};
    update_all(state, &rows, 0, "update");
    assert_int_equal(host_bytes(engine), bytes);
    tlw_window_state_close(&state);
    assert_int_equal(host_bytes(engine), bytes - tlw_window_state_size(&spec));
  }
  free(x);
  free(output);
  tlw_engine_close(&engine);
}

/* ---- the caller's arithmetic ---- */

static void flush_denormals(void) {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
  __asm__ __volatile__("msr fpcr, %0" : : "r"(control | (uint64_t)1 << 24));
#endif
}

/* 0: as it is at first. */
static void change_arithmetic(int way) {
  static const int rounding[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
  assert_int_equal(fesetround(rounding[way]), 0);
  if (way >= 3) flush_denormals();
}

#define ARITHMETICS 5

static void test_arithmetic_of_the_caller(void **unused) {
  (void)unused;
  tlw_engine *engine = engine_of();
  window_case c;
  window_case_open_one(&c, FIRST_SEED + 4000, 400);
  rng r = {FIRST_SEED + 4000};
  fill_numbers(c.wide[0], 400, NUMBERS_DENORMAL, &r);
  for (int64_t i = 0; i < 400; i += 3) c.wide[0][i] = 1 / (1.0 + (double)i);
  c.batch.type = TLW_TYPE_F64;
  c.batch.origin = NULL;
  for (int k = 0; k < c.batch.n_columns; k++) c.columns[k] = c.wide[k];
  for (int64_t round = 0; round < 6; round++) window_case_add_all(&c, 19, round * 5);
  double *const expected = malloc(400 * sizeof *expected), *const output = malloc(400 * sizeof *output);
  assert_true(expected != NULL && output != NULL);
  fenv_t ours;
  fegetenv(&ours);
  assert_true(tlw_arithmetic_is_ours());
  for (int32_t k = 0; k < c.n_specs; k++) {
    const tlw_window_spec *spec = &c.specs[k];
    const bool two = tlw_window_describe(spec->op)->inputs == 2;
    assert_int_equal(tlw_window_run(engine, &c.batch, spec, 1, &expected, NULL), TLW_OK);
    const struct rows rows = {spec, c.wide[spec->column], two ? c.wide[spec->other] : NULL, 400, 0, expected, c.seed};
    for (int way = 1; way < ARITHMETICS; way++) {
      memset(output, 0, 400 * sizeof *output);
      tlw_window_state *state = NULL, *chunks = NULL;
      change_arithmetic(way);
      const bool ours_now = tlw_arithmetic_is_ours();
      const tlw_status status = tlw_window_run(engine, &c.batch, spec, 1, &output, NULL);
      tlw_window_state_open(spec, 0, NULL, &state, NULL);
      tlw_window_state_open(spec, 0, NULL, &chunks, NULL);
      double peeked[400], updated[400], fed[400];
      for (int i = 0; i < 400; i++) {
        peeked[i] = tlw_window_peek(state, rows.x[i], two ? rows.y[i] : 0);
        updated[i] = tlw_window_update(state, rows.x[i], two ? rows.y[i] : 0);
      }
      tlw_window_feed(chunks, rows.x, rows.y, 400, fed);
      const bool still = tlw_arithmetic_is_ours();
      const int rounding = fegetround();
      fesetenv(&ours);
      assert_int_equal(status, TLW_OK);
      assert_false(ours_now);
      assert_false(still);
      assert_true(way >= 3 || rounding == (way == 1 ? FE_UPWARD : FE_DOWNWARD));
      expect_all(&rows, 0, 400, output, "a run in other arithmetic");
      expect_all(&rows, 0, 400, peeked, "a peek in other arithmetic");
      expect_all(&rows, 0, 400, updated, "an update in other arithmetic");
      expect_all(&rows, 0, 400, fed, "a feed in other arithmetic");
      tlw_window_state_close(&state);
      tlw_window_state_close(&chunks);
    }
  }
  free(expected);
  free(output);
  window_case_close(&c);
  tlw_engine_close(&engine);
}

/* ---- sorted numbers ---- */

static int64_t count_below(const double *x, int64_t n, double limit, bool equal) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) count += x[i] < limit || (equal && x[i] == limit);
  return count;
}

static void expect_sorted(const struct tlw_sorted *sorted, const double *x, int64_t n, double limit) {
  assert_int_equal(sorted->n, n);
  assert_int_equal(tlw_sorted_below(sorted, limit), count_below(x, n, limit, false));
  assert_int_equal(tlw_sorted_up_to(sorted, limit), count_below(x, n, limit, true));
}

/* It fills, shrinks and fills again, at random, by rising and by falling numbers. */
static void test_sorted_numbers(void **unused) {
  (void)unused;
  static const int64_t sizes[] = {1, 2, 1024, 1025, 5000};
  for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
    const int64_t most = sizes[k], cycle = 3 * most;
    const uint64_t size = tlw_sorted_size(most);
    struct tlw_sorted *sorted = malloc(size);
    double *x = malloc((size_t)most * sizeof *x);
    assert_true(sorted != NULL && x != NULL);
    memset(sorted, 0x5A, size);
    tlw_sorted_begin(sorted, most);
    rng r = {FIRST_SEED + 5000 + k};
    int64_t n = 0;
    for (int64_t i = 0; i < 8 * cycle; i++) {
      const bool full = n == most, drains = i % cycle > 2 * most && n > 0;
      if (full || drains) {
        const int64_t at = i / cycle % 4 == 1 ? n - 1 : i / cycle % 4 == 2 ? 0 : (int64_t)rng_below(&r, (uint64_t)n);
        tlw_sorted_remove(sorted, x[at]);
        memmove(x + at, x + at + 1, (size_t)(n - at - 1) * sizeof *x);
        n--;
      }
      if (!drains) {
        const double any = (double)rng_below(&r, i / cycle % 2 ? 40 : UINT64_MAX);
        x[n] = i / cycle % 4 == 2 ? (double)i : i / cycle % 4 == 3 ? -(double)i : any;
        tlw_sorted_add(sorted, x[n++]);
      }
      assert_true(sorted->used <= 2 * n / 768 + 1); /* what there is memory for */
      if (i % 97 == 0 && n > 0) expect_sorted(sorted, x, n, x[rng_below(&r, (uint64_t)n)]);
      if (i % 997 == 0)
        for (int64_t p = 1; p < n; p++) assert_true(tlw_sorted_at(sorted, p - 1) <= tlw_sorted_at(sorted, p));
    }
    free(x);
    free(sorted);
  }
}

/* ---- arguments ---- */

static void test_arguments(void **unused) {
  (void)unused;
  tlw_window_spec spec;
  tlw_window_spec_init(&spec, TLW_WINDOW_CORR, 10);
  spec.column = 100;
  spec.other = 7;
  tlw_window_state *state = (tlw_window_state *)(void *)&spec, *clone = state;
  tlw_error error;
  assert_int_equal(tlw_window_state_open(&spec, 0, NULL, NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_state_open(NULL, 0, NULL, &state, &error), TLW_ERR_ARGUMENT);
  assert_null(state);
  assert_int_equal(tlw_window_state_open(&spec, -1, NULL, &state, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "origin is -1: it must be 0 to 2^52");
  assert_int_equal(tlw_window_state_open(&spec, ((int64_t)1 << 52) + 1, NULL, &state, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_state_clone(NULL, &clone, &error), TLW_ERR_ARGUMENT);
  assert_null(clone);
  assert_int_equal(tlw_window_state_open(&spec, (int64_t)1 << 52, NULL, &state, &error), TLW_OK);
  assert_int_equal(tlw_window_state_clone(state, NULL, &error), TLW_ERR_ARGUMENT);
  tlw_window_feed(state, NULL, NULL, 0, NULL);
  tlw_window_state_close(&state);
  tlw_window_state_close(&state);
  tlw_window_state_close(NULL);
  assert_true(tlw_window_state_size(&spec) > 0);
  spec.window = 0;
  assert_int_equal(tlw_window_state_size(&spec), 0);
  assert_int_equal(tlw_window_state_size(NULL), 0);
  assert_int_equal(tlw_window_state_open(&spec, 0, NULL, &state, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "window of corr is 0"));
  assert_null(state);
}

/* The longest window of each operation can be opened, and is as large as it says. */
static void test_longest_window(void **unused) {
  (void)unused;
  tlw_engine *engine = engine_of();
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    tlw_window_spec spec;
    tlw_window_spec_init(&spec, (tlw_window_op)op, 0);
    if (!window_variant(&spec, (tlw_window_op)op, TLW_WINDOW_MAX_ROWS, 0)) tlw_window_spec_init(&spec, spec.op, 9);
    const uint64_t before = host_bytes(engine);
    tlw_window_state *state = state_of(&spec, 12345, engine);
    assert_int_equal(host_bytes(engine) - before, tlw_window_state_size(&spec));
    for (int i = 0; i < 100; i++) tlw_window_update(state, i, -i);
    tlw_window_state_close(&state);
  }
  tlw_engine_close(&engine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_short_windows),
      cmocka_unit_test(test_long_windows),
      cmocka_unit_test(test_long_memories),
      cmocka_unit_test(test_many_rows),
      cmocka_unit_test(test_arithmetic_of_the_caller),
      cmocka_unit_test(test_sorted_numbers),
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_longest_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
