/*
 * Rolling windows on a device against those of the CPU, for what only a device has: tiles and chains, pieces of rows,
 * tables of many series, budgets.
 *
 *   test_window_gpu opencl
 *   test_window_gpu cuda
 *   TALLOW_TEST_CASES=N             with less than 50 a tenth of the short series
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "tallow/window.h"

#define POISON 0xA5
#define GUARD 8
#define MOST_OUTPUTS 40

static target_list targets;
static tlw_engine *cpu;

/* ---- random numbers ---- */

static uint64_t random_state = 88172645463325252u;

static uint64_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static int64_t below(int64_t n) { return (int64_t)(random_bits() % (uint64_t)n); }
static double fraction(void) { return (double)(random_bits() >> 11) * 0x1p-53; }

enum character { PLAIN, TIED, HOSTILE, GAPS, CHARACTERS };

static double number(enum character c, double before) {
  static const double strange[] = {0.0, -0.0, INFINITY, -INFINITY, 5e-324, -5e-324, 1e308, -1e308, 1e-300, 1.0};
  if (c == TIED) return (double)below(5) - 2;
  if (c == GAPS && below(4) == 0) return NAN;
  if (c == HOSTILE && below(6) == 0) return strange[below(10)];
  if (c == HOSTILE && below(20) == 0) return below(2) ? NAN : -NAN;
  return (isfinite(before) ? before * 0.9 : 100) + fraction() - 0.5;
}

/* ---- a batch with outputs in guarded memory ---- */

struct batch {
  tlw_window_batch b;
  const void *columns[2];
  int64_t *offsets, *origin;
};

static void fill_column(void *column, tlw_type type, int64_t n, enum character c) {
  double x = 100;
  for (int64_t i = 0; i < n; i++) {
    x = number(c, x);
    if (type == TLW_TYPE_F32)
      ((float *)column)[i] = (float)x;
    else
      ((double *)column)[i] = x;
  }
}

/* Series of about so many rows each; 0: one series. With rows that no series covers in front and behind. */
static void batch_open(struct batch *t, int64_t n, int64_t each, enum character c, tlw_type type) {
  *t = (struct batch){0};
  tlw_window_batch_init(&t->b);
  for (int i = 0; i < 2; i++) {
    void *column = malloc((size_t)(n + 1) * sizeof(double));
    assert_non_null(column);
    fill_column(column, type, n, c);
    t->columns[i] = column;
  }
  t->b.columns = t->columns;
  t->b.n_columns = 2;
  t->b.type = type;
  t->b.n_rows = n;
  t->offsets = malloc((size_t)(n + 3) * sizeof *t->offsets);
  t->origin = calloc((size_t)(n + 3), sizeof *t->origin);
  assert_non_null(t->offsets);
  assert_non_null(t->origin);
  int64_t series = 0, at = each ? below(4) : 0;
  const int64_t end = n - (each ? below(4) : 0);
  t->offsets[0] = at;
  while (at < end && series < n) {
    at += each ? below(2 * each + 1) : n;
    if (at > end) at = end;
    t->origin[series] = below(3) ? below((int64_t)1 << below(53)) : 0;
    t->offsets[++series] = at;
  }
  t->b.offsets = t->offsets;
  t->b.n_series = series;
  t->b.origin = t->origin;
}

static void batch_close(struct batch *t) {
  for (int i = 0; i < 2; i++) free((void *)(uintptr_t)t->columns[i]);
  free(t->offsets);
  free(t->origin);
}

struct outputs {
  double *block[MOST_OUTPUTS], *output[MOST_OUTPUTS];
  size_t size; /* bytes of a block */
  int32_t n;
};

static void outputs_open(struct outputs *o, int32_t n, int64_t rows) {
  o->n = n;
  o->size = ((size_t)rows + 2 * GUARD) * sizeof(double);
  for (int32_t i = 0; i < n; i++) {
    o->block[i] = malloc(o->size);
    assert_non_null(o->block[i]);
    memset(o->block[i], POISON, o->size);
    o->output[i] = o->block[i] + GUARD;
  }
}

static void outputs_close(struct outputs *o) {
  for (int32_t i = 0; i < o->n; i++) free(o->block[i]);
}

static void describe(const tlw_window_spec *spec, char *text, size_t size) {
  snprintf(text, size, "%s of %lld, min_periods %lld, nan %d, quantile %g, ddof %d, adjust %d, seed %d, columns %d, %d",
           tlw_window_describe(spec->op)->name, (long long)spec->window, (long long)spec->min_periods, (int)spec->nan,
           spec->quantile, (int)spec->ddof, (int)spec->adjust, (int)spec->seed, (int)spec->column, (int)spec->other);
}

static unsigned long long bits_of(const double *x) {
  unsigned long long bits;
  memcpy(&bits, x, sizeof bits);
  return bits;
}

/* Poison, guards and results alike, to the bit. */
static void assert_same(const struct outputs *got, const struct outputs *expected, const tlw_window_spec *specs) {
  for (int32_t k = 0; k < got->n; k++) {
    if (memcmp(got->block[k], expected->block[k], got->size) == 0) continue;
    char text[256];
    describe(&specs[k], text, sizeof text);
    for (size_t i = 0; i < got->size / sizeof(double); i++)
      if (memcmp(got->block[k] + i, expected->block[k] + i, sizeof(double)) != 0)
        fail_msg("%s: row %lld is %a (%016llx), expected %a (%016llx)", text, (long long)i - GUARD, got->block[k][i],
                 bits_of(got->block[k] + i), expected->block[k][i], bits_of(expected->block[k] + i));
  }
}

static void must_run(tlw_engine *engine, const struct batch *t, const tlw_window_spec *specs, struct outputs *o) {
  tlw_error error;
  if (tlw_window_run(engine, &t->b, specs, o->n, o->output, &error) != TLW_OK) fail_msg("%s", error.message);
}

static void compare(tlw_engine *engine, const struct batch *t, const tlw_window_spec *specs, int32_t n) {
  struct outputs got, expected;
  outputs_open(&got, n, t->b.n_rows);
  outputs_open(&expected, n, t->b.n_rows);
  must_run(cpu, t, specs, &expected);
  must_run(engine, t, specs, &got);
  assert_same(&got, &expected, specs);
  outputs_close(&got);
  outputs_close(&expected);
}

static tlw_engine *open_device(uint64_t device_budget) {
  tlw_engine *engine = NULL;
  tlw_error error;
  const target_limits limits = {1, device_budget, TLW_BUDGET_AUTO};
  if (target_open(&targets.targets[0], &limits, &engine, &error) != TLW_OK) fail_msg("%s", error.message);
  targets.targets[0].cases++;
  return engine;
}

/* A spec with random parameters that suit the operation. */
static tlw_window_spec random_spec(tlw_window_op op, int64_t window) {
  tlw_window_spec spec;
  const tlw_window_info *info = tlw_window_describe(op);
  tlw_window_spec_init(&spec, op, op >= TLW_WINDOW_CUMSUM ? 0 : window);
  for (int32_t i = 0; i < info->n_parameters; i++) {
    const tlw_window_field field = info->parameters[i].field;
    if (field == TLW_FIELD_MIN_PERIODS && below(2)) spec.min_periods = 1 + below(op >= TLW_WINDOW_CUMSUM ? 50 : window);
    if (field == TLW_FIELD_NAN) spec.nan = below(2) ? TLW_NAN_SKIP : TLW_NAN_PROPAGATE;
    if (field == TLW_FIELD_DDOF) spec.ddof = (int32_t)below(3);
    if (field == TLW_FIELD_QUANTILE) spec.quantile = below(4) ? fraction() : (double)below(2);
    if (field == TLW_FIELD_SEED) spec.seed = below(2) ? TLW_SEED_MEAN : TLW_SEED_FIRST;
    if (field == TLW_FIELD_ADJUST) spec.adjust = (int32_t)below(2);
  }
  if (spec.adjust) spec.seed = TLW_SEED_FIRST;
  spec.column = (int32_t)below(2);
  if (info->inputs == 2) spec.other = (int32_t)below(2);
  return spec;
}

static bool is_order(tlw_window_op op) {
  return op == TLW_WINDOW_MEDIAN || op == TLW_WINDOW_QUANTILE || op == TLW_WINDOW_RANK;
}

/* ---- tests ---- */

/* Operations that go about it each in its own way. */
static int32_t pick_specs(tlw_window_spec *specs, int64_t window, bool orders) {
  int32_t n = 0;
  for (int op = 0; op < TLW_WINDOW_OPS; op++)
    if (orders || !is_order((tlw_window_op)op)) specs[n++] = random_spec((tlw_window_op)op, window);
  return n;
}

/* Every operation, at windows around the lengths where the way changes. */
static void test_operations(void **state) {
  (void)state;
  static const int64_t windows[] = {1, 4, 7, 8, 9, 16, 23, 40, 64, 143, 299, 400, 700, 1701};
  tlw_engine *engine = open_device(TLW_BUDGET_AUTO);
  for (int c = 0; c < CHARACTERS; c++) {
    struct batch t;
    batch_open(&t, 1500, c % 2 ? 300 : 0, (enum character)c, c == TIED ? TLW_TYPE_F32 : TLW_TYPE_F64);
    for (size_t i = (size_t)c % 2; i < sizeof windows / sizeof *windows; i += 2) {
      tlw_window_spec specs[TLW_WINDOW_OPS];
      compare(engine, &t, specs, pick_specs(specs, windows[i], windows[i] < 100));
    }
    batch_close(&t);
  }
  tlw_engine_close(&engine);
}

/* Many series in a launch: short ones, and more of them than tables have room for. */
static void test_series(void **state) {
  (void)state;
  tlw_engine *engine = open_device(TLW_BUDGET_AUTO);
  static const int64_t each[] = {1, 6, 40};
  const int64_t rows = environment_number("TALLOW_TEST_CASES", 100) < 50 ? 300 : 3000;
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
    struct batch t;
    tlw_window_spec specs[TLW_WINDOW_OPS];
    batch_open(&t, rows, each[i], HOSTILE, TLW_TYPE_F64);
    compare(engine, &t, specs, pick_specs(specs, 1 + below(12), true));
    batch_close(&t);
  }
  tlw_engine_close(&engine);
}

/* A device budget so small that a series is cut into pieces again and again. */
static void test_pieces(void **state) {
  (void)state;
  tlw_engine *engine = open_device((uint64_t)1 << 20);
  static const int64_t windows[] = {5, 200, 2500};
  static const int64_t each[] = {0, 9000, 100};
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
    struct batch t;
    tlw_window_spec specs[TLW_WINDOW_OPS];
    batch_open(&t, 30000, each[i], i == 1 ? GAPS : PLAIN, i == 2 ? TLW_TYPE_F32 : TLW_TYPE_F64);
    compare(engine, &t, specs, pick_specs(specs, windows[i], windows[i] < 10));
    batch_close(&t);
  }
  tlw_engine_close(&engine);
}

/* Running totals over several stretches, in one piece and in many. */
static void test_stretches(void **state) {
  (void)state;
  static const tlw_window_op ops[] = {TLW_WINDOW_EMA,     TLW_WINDOW_EMA,    TLW_WINDOW_RMA,   TLW_WINDOW_CUMSUM,
                                      TLW_WINDOW_CUMPROD, TLW_WINDOW_CUMMIN, TLW_WINDOW_CUMMAX};
  enum { N = sizeof ops / sizeof *ops };
  struct batch t;
  batch_open(&t, 200000, 0, GAPS, TLW_TYPE_F64);
  double *column = (double *)(uintptr_t)t.columns[0];
  for (int64_t i = 0; i < 300; i++) column[i] = NAN; /* scans begin within a block */
  tlw_window_spec specs[N];
  for (int32_t i = 0; i < N; i++) {
    specs[i] = random_spec(ops[i], 1000);
    specs[i].column = 0;
    specs[i].nan = TLW_NAN_SKIP;
    if (i < 2) specs[i].adjust = i;
    if (i < 2) specs[i].seed = i ? TLW_SEED_FIRST : TLW_SEED_MEAN;
  }
  const uint64_t budgets[] = {TLW_BUDGET_AUTO, (uint64_t)1 << 20};
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
    tlw_engine *engine = open_device(budgets[i]);
    compare(engine, &t, specs, N);
    tlw_engine_close(&engine);
  }
  batch_close(&t);
}

/*
 * Pieces that go on behind the first stretch of a series and leave another series to the next piece, again and again:
 * no group of a launch may change what another one reads, whichever runs first.
 */
static void test_carries(void **state) {
  (void)state;
  enum { SERIES = 4, LENGTH = 100000 };
  struct batch t;
  batch_open(&t, SERIES * LENGTH, 0, PLAIN, TLW_TYPE_F64);
  for (int64_t i = 0; i <= SERIES; i++) t.offsets[i] = i * LENGTH;
  t.b.n_series = SERIES;
  tlw_window_spec specs[2];
  tlw_window_spec_init(&specs[0], TLW_WINDOW_CUMSUM, 0);
  tlw_window_spec_init(&specs[1], TLW_WINDOW_EMA, TLW_WINDOW_MAX_ROWS);
  tlw_engine *engine = open_device((uint64_t)1 << 20);
  compare(engine, &t, specs, 2);
  tlw_engine_close(&engine);
  batch_close(&t);
}

static void test_long_windows(void **state) {
  (void)state;
  tlw_engine *engine = open_device(TLW_BUDGET_AUTO);
  struct batch t;
  batch_open(&t, 24000, 0, PLAIN, TLW_TYPE_F64);
  tlw_window_spec specs[3];
  specs[0] = random_spec(TLW_WINDOW_STD, 5003);
  specs[1] = random_spec(TLW_WINDOW_SUM, 20000);
  specs[2] = random_spec(TLW_WINDOW_ARGMIN, TLW_WINDOW_MAX_ROWS);
  specs[2].min_periods = 7;
  compare(engine, &t, specs, 3);
  batch_close(&t);
  tlw_engine_close(&engine);
}

/* What a refusal names is enough, and no less is. */
static void test_least_budget(void **state) {
  (void)state;
  struct batch t;
  batch_open(&t, 30000, 0, PLAIN, TLW_TYPE_F64);
  tlw_window_spec specs[2];
  specs[0] = random_spec(TLW_WINDOW_CORR, 100000);
  specs[0].min_periods = 2;
  specs[0].column = 0;
  specs[0].other = 1;
  specs[1] = random_spec(TLW_WINDOW_MEAN, 20);
  struct outputs o;
  outputs_open(&o, 2, t.b.n_rows);
  tlw_error error;
  tlw_engine *engine = open_device((uint64_t)1 << 20);
  assert_int_equal(tlw_window_run(engine, &t.b, specs, 2, o.output, &error), TLW_ERR_BUDGET);
  const uint64_t enough = error.bytes;
  assert_true(enough > (uint64_t)1 << 20);
  tlw_engine_close(&engine);
  engine = open_device(enough - 256);
  assert_int_equal(tlw_window_run(engine, &t.b, specs, 2, o.output, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, enough);
  tlw_engine_close(&engine);
  engine = open_device(enough);
  compare(engine, &t, specs, 2);
  tlw_engine_close(&engine);
  outputs_close(&o);
  batch_close(&t);
}

int main(int argc, char **argv) {
  if (!targets_find(&targets, argc, argv)) return 1;
  const target_limits limits = {1, TLW_BUDGET_AUTO, TLW_BUDGET_AUTO};
  const target host = {.backend = TLW_BACKEND_CPU};
  if (target_open(&host, &limits, &cpu, NULL) != TLW_OK) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_operations),   cmocka_unit_test(test_series),  cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_stretches),    cmocka_unit_test(test_carries), cmocka_unit_test(test_long_windows),
      cmocka_unit_test(test_least_budget),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tlw_engine_close(&cpu);
  const bool all = targets_report(&targets);
  targets_close();
  return failed || !all;
}
