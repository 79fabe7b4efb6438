/*
 * Rolling windows of every backend against the oracle, bit by bit: each operation of the table with each value of its
 * parameters, each window from 1 to 100 and some to 100,000, over random and hostile series.
 *
 *   test_window_parity [TARGET...]  cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   test_window_parity state        states that are fed row by row
 *   TALLOW_TEST_CASES=N             windows of the first test, 100 unless told; a quarter of it on devices
 *   TALLOW_TEST_SEED=S              other numbers
 *   TALLOW_TEST_WINDOW=N            the longest window
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "window_cases.h"
#include "window_oracle.h"

#define FIRST_SEED 20251101
#define WINDOWS 100
#define MAX_FAILURES 5
#define MAX_ENGINES 3

/* Joins that the oracle may make for one output; beyond it, it looks at some of the rows. */
#define ORACLE_WORK 3000000

typedef struct fixture {
  target_list list;
  tlw_engine *engines[TARGETS_MAX][MAX_ENGINES];
  int n_engines[TARGETS_MAX];
  bool on_devices;
  uint64_t seed;
  int64_t cases;
  int failures;
} fixture;

/* ---- what is expected ---- */

/* Results of one spec. Rows that the oracle did not look at take what the first engine gives. */
typedef struct expectation {
  double *rows;
  bool *known;
} expectation;

static void *memory_for(int64_t n, size_t size) {
  void *memory = calloc(n > 0 ? (size_t)n : 1, size);
  assert_non_null(memory);
  return memory;
}

static oracle_series series_of(const window_case *c, const tlw_window_spec *spec, int64_t s) {
  const bool two = tlw_window_describe(spec->op)->inputs == 2;
  const int64_t first = c->offsets[s];
  return (oracle_series){.x = c->wide[spec->column] + first,
                         .y = two ? c->wide[spec->other] + first : NULL,
                         .n = c->offsets[s + 1] - first,
                         .origin = c->batch.origin ? c->batch.origin[s] : 0};
}

/* About how many joins the windows of all rows take. */
static int64_t work_of(const tlw_window_spec *spec, const oracle_series *s) {
  const int64_t full = s->n > spec->window ? s->n - spec->window : 0, begun = s->n - full;
  const int64_t order = spec->op == TLW_WINDOW_MEDIAN || spec->op == TLW_WINDOW_QUANTILE ? 8 : 1;
  return (full * spec->window + begun * (begun / 2 + spec->window / 8)) * order;
}

static void expect_series(const tlw_window_spec *spec, const oracle_series *s, double *rows, bool *known, rng *r) {
  if (oracle_remembers(spec->op)) {
    oracle_windows(spec, s, rows);
    memset(known, true, (size_t)s->n * sizeof *known);
    return;
  }
  const int64_t step = 1 + work_of(spec, s) / ORACLE_WORK;
  for (int64_t i = (int64_t)rng_below(r, (uint64_t)step); i < s->n; i += step) {
    rows[i] = oracle_window(spec, s, i);
    known[i] = true;
  }
}

static expectation *expect(const window_case *c) {
  rng r = {c->seed};
  expectation *all = memory_for(c->n_specs, sizeof *all);
  for (int32_t k = 0; k < c->n_specs; k++) {
    all[k].rows = memory_for(c->batch.n_rows, sizeof *all[k].rows);
    all[k].known = memory_for(c->batch.n_rows, sizeof *all[k].known);
    for (int64_t i = 0; i < c->batch.n_series; i++) {
      const oracle_series s = series_of(c, &c->specs[k], i);
      expect_series(&c->specs[k], &s, all[k].rows + c->offsets[i], all[k].known + c->offsets[i], &r);
    }
  }
  return all;
}

static void forget(const window_case *c, expectation *all) {
  for (int32_t k = 0; k < c->n_specs; k++) {
    free(all[k].rows);
    free(all[k].known);
  }
  free(all);
}

/* ---- what is got ---- */

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static void print_difference(const fixture *f, const char *name, const window_case *c, int32_t k, int64_t row,
                             double got, double expected) {
  const tlw_window_spec *spec = &c->specs[k];
  char text[256];
  int64_t s = 0;
  while (s + 1 < c->batch.n_series && row >= c->offsets[s + 1]) s++;
  print_error("%s: row %lld of series %lld (rows %lld, origin %lld, %s, %s numbers and %s) is %a, 0x%016llx, not %a, "
              "0x%016llx\n  spec %d of %d: %s\n  case 0x%llx of TALLOW_TEST_SEED=%llu\n",
              name, (long long)(row - c->offsets[s]), (long long)s, (long long)(c->offsets[s + 1] - c->offsets[s]),
              (long long)(c->batch.origin ? c->batch.origin[s] : 0), c->batch.type == TLW_TYPE_F32 ? "f32" : "f64",
              number_kind_name(c->kinds[spec->column][s]), number_kind_name(c->kinds[spec->other][s]), got,
              (unsigned long long)bits_of(got), expected, (unsigned long long)bits_of(expected), (int)k,
              (int)c->n_specs, window_text(spec, text, sizeof text), (unsigned long long)c->seed,
              (unsigned long long)f->seed);
}

/* Output k of a case; rows that nothing is known of are taken as they are. */
static bool output_agrees(const fixture *f, const char *name, const window_case *c, int32_t k, const poisoned *output,
                          expectation *expected) {
  const int64_t first = c->offsets[0], end = c->offsets[c->batch.n_series];
  for (int64_t i = first; i < end; i++) {
    if (expected->known[i] && bits_of(output->rows[i]) == bits_of(expected->rows[i])) continue;
    if (expected->known[i] || poisoned_is(output, i)) {
      print_difference(f, name, c, k, i, output->rows[i], expected->rows[i]);
      return false;
    }
    expected->rows[i] = output->rows[i];
    expected->known[i] = true;
  }
  if (poisoned_intact(output, first, end)) return true;
  print_difference(f, name, c, k, end - 1, 0.0, 0.0);
  return false;
}

static bool case_runs(const fixture *f, const target *t, tlw_engine *engine, const window_case *c,
                      expectation *expected) {
  const int32_t n = c->n_specs;
  poisoned *outputs = memory_for(n, sizeof *outputs);
  double **rows = memory_for(n, sizeof *rows);
  for (int32_t k = 0; k < n; k++) {
    poisoned_open(&outputs[k], c->batch.n_rows, c->seed + (uint64_t)k);
    rows[k] = outputs[k].rows;
  }
  tlw_error error;
  const tlw_status status = tlw_window_run(engine, &c->batch, c->specs, n, rows, &error);
  bool good = status == TLW_OK;
  if (!good) print_error("%s: %s: %s\n", t->name, tlw_status_name(status), error.message);
  for (int32_t k = 0; good && k < n; k++) good = output_agrees(f, t->name, c, k, &outputs[k], &expected[k]);
  if (good && !window_case_unharmed(c)) {
    print_error("%s: columns were written to\n", t->name);
    good = false;
  }
  for (int32_t k = 0; k < n; k++) poisoned_close(&outputs[k]);
  free(outputs);
  free(rows);
  return good;
}

/* On each target, with one of its numbers of threads. */
static void case_agrees(fixture *f, const window_case *c) {
  expectation *expected = expect(c);
  for (size_t i = 0; i < f->list.count; i++) {
    const uint64_t way = (c->seed + i) % (uint64_t)f->n_engines[i];
    f->failures += !case_runs(f, &f->list.targets[i], f->engines[i][way], c, expected);
    f->list.targets[i].cases += c->n_specs;
  }
  forget(c, expected);
  assert_true(f->failures < MAX_FAILURES);
}

/* ---- cases ---- */

/* Windows 1 to 100, or as many of them as are asked for, in an order that spreads them. */
static void test_each_window(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    const int64_t window = 1 + (i * 37) % WINDOWS;
    window_case c;
    window_case_open(&c, f->seed + (uint64_t)i, 1 + i % 4, 40 + 2 * window);
    window_case_add_all(&c, window, (int64_t)(f->seed % 1000) + i / WINDOWS);
    case_agrees(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

static tlw_window_op random_op(rng *r) { return (tlw_window_op)rng_below(r, TLW_WINDOW_OPS); }

static void add_random(window_case *c, tlw_window_op op, int64_t window, rng *r) {
  tlw_window_spec spec;
  while (!window_variant(&spec, op, window, (int64_t)rng_below(r, (uint64_t)window_variants(op)))) {
  }
  window_case_add(c, spec, r);
}

/* From 1 to most, as many between 10 and 100 as between 100 and 1000. */
static int64_t random_window(rng *r, int64_t most) {
  int64_t limit = most;
  for (uint64_t k = rng_below(r, 6); k > 0 && limit > 8; k--) limit /= 4;
  return 1 + (int64_t)rng_below(r, (uint64_t)limit);
}

/* Different windows of the same operation over the same column, and the same one twice. */
static void test_several_at_once(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 5; i++) {
    rng r = {f->seed + UINT64_C(7001) * (uint64_t)i};
    window_case c;
    window_case_open(&c, rng_next(&r), 1 + (int64_t)rng_below(&r, 12), 200);
    const tlw_window_op op = random_op(&r);
    for (int k = 0; k < 6; k++) add_random(&c, k < 4 ? op : random_op(&r), random_window(&r, 150), &r);
    window_case_add(&c, c.specs[0], &r);
    case_agrees(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* A thousand series of some rows each. */
static void test_many_series(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 25; i++) {
    rng r = {f->seed + UINT64_C(9001) * (uint64_t)i};
    window_case c;
    window_case_open(&c, rng_next(&r), 1000, i % 2 == 0 ? 12 : 60);
    for (int k = 0; k < 5; k++) add_random(&c, random_op(&r), random_window(&r, 60), &r);
    case_agrees(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* Windows to 100,000, over series that are shorter or a little longer. */
static void test_long_windows(void **state) {
  fixture *f = *state;
  const int64_t most = (int64_t)environment_number("TALLOW_TEST_WINDOW", f->on_devices ? 5000 : 100000);
  for (int64_t i = 0; i < f->cases / 4; i++) {
    rng r = {f->seed + UINT64_C(11001) * (uint64_t)i};
    const int64_t window = i == 0 ? most : 101 + random_window(&r, most - 101);
    const int64_t rows = rng_below(&r, 3) ? window + (int64_t)rng_below(&r, 300) : (int64_t)rng_below(&r, 400);
    window_case c;
    window_case_open_one(&c, rng_next(&r), rows);
    for (int k = 0; k < 3; k++) add_random(&c, random_op(&r), window, &r);
    case_agrees(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* Series that are much shorter than their windows, of which a block may end within them or just before. */
static void test_short_series(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 4; i++) {
    rng r = {f->seed + UINT64_C(12001) * (uint64_t)i};
    const int64_t longer = i % 2 == 0 ? 3000 : 8; /* there devices go by way of scratch */
    const int64_t window = longer + random_window(&r, f->on_devices ? 2000 : 20000), block = window / 8 * 8;
    window_case c;
    window_case_open(&c, rng_next(&r), 12, 10 + (int64_t)rng_below(&r, 150));
    for (int64_t s = 0; s < c.batch.n_series; s++)
      c.origin[s] = (1 + (int64_t)rng_below(&r, 5)) * block - (int64_t)rng_below(&r, 200) * (window > 200);
    c.batch.origin = c.origin;
    for (int k = 0; k < 4; k++) {
      tlw_window_spec spec;
      tlw_window_op op = random_op(&r);
      while (tlw_window_describe(op)->remembers) op = random_op(&r);
      tlw_window_spec_init(&spec, op, window);
      spec.min_periods = 1;
      if (rng_below(&r, 2)) spec.nan = TLW_NAN_SKIP;
      window_case_add(&c, spec, &r);
    }
    case_agrees(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* What threads share, and stretches of what remembers. */
static void test_long_series(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 10; i++) {
    rng r = {f->seed + UINT64_C(13001) * (uint64_t)i};
    window_case c;
    window_case_open_one(&c, rng_next(&r), (f->on_devices ? 20000 : 60000) + (int64_t)rng_below(&r, 100000));
    for (int k = 0; k < 3; k++) add_random(&c, random_op(&r), random_window(&r, 300), &r);
    const tlw_window_op remembering[] = {TLW_WINDOW_EMA,     TLW_WINDOW_RMA,    TLW_WINDOW_CUMSUM,
                                         TLW_WINDOW_CUMPROD, TLW_WINDOW_CUMMIN, TLW_WINDOW_CUMMAX};
    add_random(&c, remembering[i % 6], random_window(&r, 100000), &r);
    add_random(&c, TLW_WINDOW_EMA, random_window(&r, 300), &r);
    case_agrees(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* What is left of a great number in the next stretch, and that it is nothing from 2^-900 on. */
static void test_what_fades(void **state) {
  fixture *f = *state;
  const int64_t n = 90000;
  double *x = memory_for(n, sizeof *x);
  x[0] = 1.0;
  x[65530] = 1e300;
  for (uint64_t i = 0; i < 2; i++) {
    rng r = {f->seed + i};
    window_case c;
    window_case_open_one(&c, f->seed + i, n);
    window_case_replace(&c, x);
    for (int64_t window = 2; window <= 50; window += 12) {
      add_random(&c, TLW_WINDOW_EMA, window, &r);
      add_random(&c, TLW_WINDOW_RMA, window, &r);
    }
    case_agrees(f, &c);
    window_case_close(&c);
  }
  free(x);
  assert_int_equal(f->failures, 0);
}

/* One NaN in hundreds of rows: what goes without looking for it must stop in time, and begin again. */
static void test_rare_gaps(void **state) {
  static const tlw_window_op ops[] = {TLW_WINDOW_MIN, TLW_WINDOW_MAX, TLW_WINDOW_SUM, TLW_WINDOW_STD,
                                      TLW_WINDOW_ARGMAX};
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 10; i++) {
    rng r = {f->seed + UINT64_C(15001) * (uint64_t)i};
    const int64_t n = 1500 + (int64_t)rng_below(&r, 4000);
    double *x = memory_for(n, sizeof *x);
    fill_numbers(x, n, NUMBERS_WALK, &r);
    for (int64_t row = (int64_t)rng_below(&r, 700); row < n; row += 1 + (int64_t)rng_below(&r, 1500))
      x[row] = (double)NAN;
    window_case c;
    window_case_open_one(&c, rng_next(&r), n);
    window_case_replace(&c, x);
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) add_random(&c, ops[k], 8 + random_window(&r, 300), &r);
    case_agrees(f, &c);
    window_case_close(&c);
    free(x);
  }
  assert_int_equal(f->failures, 0);
}

/* ---- views ---- */

typedef struct view {
  tlw_window_batch batch;
  const void *parts[WINDOW_CASE_COLUMNS];
  int64_t origin;
} view;

/* Rows from on of a case of one series, with the origin that they have. */
static void view_of(const window_case *c, int64_t from, view *v) {
  const size_t width = c->batch.type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double);
  v->batch = c->batch;
  for (int32_t k = 0; k < v->batch.n_columns; k++) v->parts[k] = (const char *)c->columns[k] + (size_t)from * width;
  v->origin = (c->batch.origin ? c->batch.origin[0] : 0) + from;
  v->batch.columns = v->parts;
  v->batch.origin = &v->origin;
  v->batch.n_rows = c->batch.n_rows - from;
}

/* A view gives the bits of the whole wherever its windows lie within it. */
static bool view_agrees(const fixture *f, const target *t, tlw_engine *engine, const window_case *c, int64_t from,
                        const double *whole) {
  const tlw_window_spec *spec = c->specs;
  view v;
  view_of(c, from, &v);
  poisoned output;
  poisoned_open(&output, v.batch.n_rows, c->seed);
  assert_int_equal(tlw_window_run(engine, &v.batch, spec, 1, &output.rows, NULL), TLW_OK);
  bool good = true;
  for (int64_t i = spec->window - 1; good && i < v.batch.n_rows; i++) {
    good = bits_of(output.rows[i]) == bits_of(whole[from + i]);
    if (!good) print_difference(f, t->name, c, 0, from + i, output.rows[i], whole[from + i]);
  }
  poisoned_close(&output);
  return good;
}

static void test_views(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    rng r = {f->seed + UINT64_C(17001) * (uint64_t)i};
    const tlw_window_op op = random_op(&r);
    if (oracle_remembers(op)) continue;
    window_case c;
    window_case_open_one(&c, rng_next(&r), 300);
    add_random(&c, op, random_window(&r, 150), &r);
    for (size_t k = 0; k < f->list.count; k++) {
      poisoned whole;
      poisoned_open(&whole, c.batch.n_rows, c.seed);
      assert_int_equal(tlw_window_run(f->engines[k][0], &c.batch, c.specs, 1, &whole.rows, NULL), TLW_OK);
      const int64_t from = (int64_t)rng_below(&r, 150);
      f->failures += !view_agrees(f, &f->list.targets[k], f->engines[k][0], &c, from, whole.rows);
      f->list.targets[k].cases++;
      poisoned_close(&whole);
    }
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* ---- row by row ---- */

/* One series that a state is fed; y is NULL for operations on one column. */
typedef struct feeding {
  tlw_window_state *state;
  const tlw_window_spec *spec;
  oracle_series series;
  poisoned output;
  rng *r;
} feeding;

static double any_number(rng *r) {
  double x;
  fill_numbers(&x, 1, NUMBERS_BITS, r);
  return x;
}

/* Rows that might come next, which must leave no trace. */
static void peek_at_others(feeding *g) {
  for (uint64_t n = rng_below(g->r, 3); n > 0; n--) tlw_window_peek(g->state, any_number(g->r), any_number(g->r));
}

static bool feed_one(feeding *g, int64_t i) {
  const double x = g->series.x[i], y = g->series.y ? g->series.y[i] : any_number(g->r);
  peek_at_others(g);
  const double peeked = tlw_window_peek(g->state, x, y);
  g->output.rows[i] = tlw_window_update(g->state, x, y);
  return bits_of(peeked) == bits_of(g->output.rows[i]);
}

static void go_on_with_clone(feeding *g) {
  tlw_window_state *clone = NULL;
  assert_int_equal(tlw_window_state_clone(g->state, &clone, NULL), TLW_OK);
  for (uint64_t n = rng_below(g->r, 3); n > 0; n--) tlw_window_update(g->state, any_number(g->r), any_number(g->r));
  tlw_window_state_close(&g->state);
  g->state = clone;
}

/* As just opened again, after rows that are not of the series. */
static void start_again(feeding *g) {
  for (uint64_t n = rng_below(g->r, 400); n > 0; n--) tlw_window_update(g->state, any_number(g->r), any_number(g->r));
  tlw_window_state_clear(g->state);
}

/* All rows, one at a time and in chunks. False: a row was not what had been peeked at. */
static bool feed_all(feeding *g) {
  const oracle_series *s = &g->series;
  if (rng_below(g->r, 4) == 0) start_again(g);
  for (int64_t i = 0, end; i < s->n; i = end) {
    end = i + 1 + (int64_t)rng_below(g->r, rng_below(g->r, 4) == 0 ? 600 : 40);
    if (end > s->n) end = s->n;
    if (rng_below(g->r, 20) == 0) go_on_with_clone(g);
    if (rng_below(g->r, 4) == 0)
      tlw_window_feed(g->state, s->x + i, s->y ? s->y + i : NULL, end - i, g->output.rows + i);
    else
      for (int64_t k = i; k < end; k++)
        if (!feed_one(g, k)) return false;
  }
  return true;
}

static bool state_agrees(const fixture *f, const window_case *c, int32_t k, int64_t s, const expectation *expected) {
  rng r = {c->seed + (uint64_t)k * 1000 + (uint64_t)s};
  feeding g = {.spec = &c->specs[k], .series = series_of(c, &c->specs[k], s), .r = &r};
  poisoned_open(&g.output, g.series.n, c->seed);
  assert_int_equal(tlw_window_state_open(g.spec, g.series.origin, NULL, &g.state, NULL), TLW_OK);
  bool good = feed_all(&g);
  if (!good) print_error("state: a row was not what had been peeked at\n");
  const int64_t first = c->offsets[s];
  for (int64_t i = 0; i < g.series.n; i++) {
    if (!expected->known[first + i] || bits_of(g.output.rows[i]) == bits_of(expected->rows[first + i])) continue;
    print_difference(f, "state", c, k, first + i, g.output.rows[i], expected->rows[first + i]);
    good = false;
    break;
  }
  good = poisoned_intact(&g.output, 0, g.series.n) && good;
  tlw_window_state_close(&g.state);
  assert_null(g.state);
  poisoned_close(&g.output);
  return good;
}

static void states_agree(fixture *f, const window_case *c) {
  expectation *expected = expect(c);
  for (int32_t k = 0; k < c->n_specs; k++) {
    for (int64_t s = 0; s < c->batch.n_series; s++) f->failures += !state_agrees(f, c, k, s, &expected[k]);
    f->list.targets[0].cases++;
    assert_true(f->failures < MAX_FAILURES);
  }
  forget(c, expected);
}

static void test_states_by_each_window(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    const int64_t window = 1 + (i * 37) % WINDOWS;
    window_case c;
    window_case_open(&c, f->seed + (uint64_t)i, 1 + i % 3, 40 + 2 * window);
    window_case_add_all(&c, window, (int64_t)(f->seed % 1000) + i / WINDOWS);
    states_agree(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

static void test_states_by_long_windows(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 4; i++) {
    rng r = {f->seed + UINT64_C(19001) * (uint64_t)i};
    const int64_t window = 101 + random_window(&r, 30000);
    window_case c;
    window_case_open_one(&c, rng_next(&r), rng_below(&r, 2) ? window + (int64_t)rng_below(&r, 300) : 300);
    for (int k = 0; k < 3; k++) add_random(&c, random_op(&r), window, &r);
    states_agree(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

static void test_states_by_long_series(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 20; i++) {
    rng r = {f->seed + UINT64_C(23001) * (uint64_t)i};
    window_case c;
    window_case_open_one(&c, rng_next(&r), 60000 + (int64_t)rng_below(&r, 100000));
    for (int op = 0; op < TLW_WINDOW_OPS; op++)
      if (oracle_remembers((tlw_window_op)op)) add_random(&c, (tlw_window_op)op, random_window(&r, 1000), &r);
    add_random(&c, random_op(&r), random_window(&r, 100), &r);
    states_agree(f, &c);
    window_case_close(&c);
  }
  assert_int_equal(f->failures, 0);
}

/* ---- the table ---- */

/* Variants that are refused are the ones with adjust and the mean as seed alone. */
static void test_variants_of_the_table(void **state) {
  (void)state;
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    int64_t refused = 0;
    const int64_t n = window_variants((tlw_window_op)op);
    for (int64_t i = 0; i < n; i++) {
      tlw_window_spec spec;
      const bool good = window_variant(&spec, (tlw_window_op)op, 20, i);
      assert_int_equal(good, !(spec.adjust == 1 && spec.seed == TLW_SEED_MEAN));
      refused += !good;
    }
    assert_true(refused < n);
  }
}

static bool open_engines(fixture *f) {
  static const uint32_t threads[MAX_ENGINES] = {1, 2, 5};
  for (size_t i = 0; i < f->list.count; i++) {
    const bool cpu = f->list.targets[i].backend == TLW_BACKEND_CPU;
    f->n_engines[i] = cpu ? MAX_ENGINES : 1;
    f->on_devices = f->on_devices || !cpu;
    for (int k = 0; k < f->n_engines[i]; k++) {
      target_limits limits = no_limits;
      if (cpu) limits.threads = threads[k];
      if (target_open(&f->list.targets[i], &limits, &f->engines[i][k], NULL) != TLW_OK) return false;
    }
  }
  if (f->on_devices) f->cases = (f->cases + 3) / 4;
  return true;
}

static void close_engines(fixture *f) {
  for (size_t i = 0; i < f->list.count; i++)
    for (int k = 0; k < f->n_engines[i]; k++) tlw_engine_close(&f->engines[i][k]);
}

static int run_all(fixture *f) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_variants_of_the_table, f),
      cmocka_unit_test_prestate(test_each_window, f),
      cmocka_unit_test_prestate(test_several_at_once, f),
      cmocka_unit_test_prestate(test_many_series, f),
      cmocka_unit_test_prestate(test_long_windows, f),
      cmocka_unit_test_prestate(test_short_series, f),
      cmocka_unit_test_prestate(test_long_series, f),
      cmocka_unit_test_prestate(test_views, f),
      cmocka_unit_test_prestate(test_what_fades, f),
      cmocka_unit_test_prestate(test_rare_gaps, f),
  };
  const int failed = open_engines(f) ? cmocka_run_group_tests_name("windows", tests, NULL, NULL) : 1;
  close_engines(f);
  return failed;
}

static int run_states(fixture *f) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_states_by_each_window, f),
      cmocka_unit_test_prestate(test_states_by_long_windows, f),
      cmocka_unit_test_prestate(test_states_by_long_series, f),
  };
  f->list = (target_list){.targets = {{.name = "state", .device = "any machine"}}, .count = 1};
  const int failed = cmocka_run_group_tests_name("states", tests, NULL, NULL);
  return targets_report(&f->list) ? failed : 1;
}

int main(int argc, char **argv) {
  static fixture f;
  f.seed = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  f.cases = (int64_t)environment_number("TALLOW_TEST_CASES", WINDOWS);
  if (argc == 2 && strcmp(argv[1], "state") == 0) return run_states(&f) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  const bool found = targets_find(&f.list, argc, argv);
  const int failed = found ? run_all(&f) : 1;
  const bool ran = found && targets_report(&f.list);
  targets_close();
  return ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
