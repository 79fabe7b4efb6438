/*
 * Rolling windows against quad precision: how far each operation may be from the truth, and that nothing of a spike, an
 * infinity or a NaN is left once it has left the window. Prints the worst of each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "tallow/window.h"

#if defined(__SIZEOF_FLOAT128__)
__extension__ typedef __float128 quad;
#elif __LDBL_MANT_DIG__ == 113
typedef long double quad;
#else
#define NO_QUAD
#endif

#ifndef NO_QUAD

#define ROWS 12000
#define WINDOWS 3
static const int64_t windows[WINDOWS] = {20, 200, 2000};

static tlw_engine *engine_of(void) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  tlw_engine *engine = NULL;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  return engine;
}

static void compute(tlw_engine *engine, tlw_window_op op, int64_t window, tlw_nan_policy nan, const double *x,
                    const double *y, double *output) {
  const void *given[2] = {x, y};
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = given;
  batch.n_columns = 2;
  batch.n_rows = ROWS;
  tlw_window_spec spec;
  tlw_window_spec_init(&spec, op, window);
  spec.nan = nan;
  assert_int_equal(tlw_window_run(engine, &batch, &spec, 1, &output, NULL), TLW_OK);
}

static double normal(rng *r) {
  const double u = 1.0 - rng_unit(r);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * rng_unit(r));
}

/* ---- the truth ---- */

static quad root(quad x) {
  if (x <= 0) return 0;
  quad y = (quad)sqrt((double)x);
  for (int i = 0; i < 3; i++) y = (y + x / y) / 2;
  return y;
}

static quad size_of(quad x) { return x < 0 ? -x : x; }

typedef struct moments {
  quad x, y;       /* means */
  quad M2, M3, M4; /* sums of powers of what x is away from its mean */
  quad L2, C;      /* of y, and of both */
  quad weighted;   /* sum with weights 1, 2, 3 ... */
} moments;

static moments moments_of(const double *x, const double *y, int64_t w) {
  moments m = {0};
  for (int64_t i = 0; i < w; i++) {
    m.x += (quad)x[i];
    m.y += (quad)y[i];
    m.weighted += (quad)x[i] * (quad)(i + 1);
  }
  m.x /= (quad)w;
  m.y /= (quad)w;
  for (int64_t i = 0; i < w; i++) {
    const quad d = (quad)x[i] - m.x, e = (quad)y[i] - m.y;
    m.M2 += d * d;
    m.M3 += d * d * d;
    m.M4 += d * d * d * d;
    m.L2 += e * e;
    m.C += d * e;
  }
  return m;
}

/* What is true of a window, and what its error is measured by. */
typedef struct truth {
  quad value, unit;
} truth;

static truth relative(quad value) { return (truth){value, size_of(value)}; }

static truth truth_of(tlw_window_op op, const moments *m, int64_t w) {
  const quad n = (quad)w;
  switch (op) {
  case TLW_WINDOW_SUM:
    return relative(m->x * n);
  case TLW_WINDOW_MEAN:
    return relative(m->x);
  case TLW_WINDOW_VAR:
    return relative(m->M2 / (n - 1));
  case TLW_WINDOW_STD:
    return relative(root(m->M2 / (n - 1)));
  case TLW_WINDOW_SKEW:
    return (truth){n * root(n - 1) / (n - 2) * m->M3 / (m->M2 * root(m->M2)), 1};
  case TLW_WINDOW_KURTOSIS:
    return (truth){(n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (n * m->M4 / (m->M2 * m->M2)) - 3 * (n - 1)), 1};
  case TLW_WINDOW_COV:
    return (truth){m->C / (n - 1), root(m->M2 * m->L2) / (n - 1)};
  case TLW_WINDOW_CORR:
    return (truth){m->C / root(m->M2 * m->L2), 1};
  case TLW_WINDOW_BETA:
    return (truth){m->C / m->L2, root(m->M2 / m->L2)};
  default:
    return relative(m->weighted / (n * (n + 1) / 2));
  }
}

static double error_of(double got, truth t) { return (double)(size_of((quad)got - t.value) / t.unit); }

/* ---- how far from it ---- */

/* x, and a y that goes along with it by about half. */
static void fill(double *x, double *y, double noise, rng *r) {
  for (int64_t i = 0; i < ROWS; i++) {
    const double common = normal(r);
    x[i] = 1e6 + noise * common;
    y[i] = 2e6 + noise * (0.5 * common + normal(r));
  }
}

/* Errors by the size of the result; of skew, kurtosis and corr by 1; of cov and beta by what full correlation gives. */
static const struct {
  tlw_window_op op;
  double bound;
} bounds[] = {
    {TLW_WINDOW_SUM, 4e-15},  {TLW_WINDOW_MEAN, 4e-15}, {TLW_WINDOW_VAR, 6e-15},      {TLW_WINDOW_STD, 3e-15},
    {TLW_WINDOW_WMA, 3e-15},  {TLW_WINDOW_SKEW, 4e-15}, {TLW_WINDOW_KURTOSIS, 3e-14}, {TLW_WINDOW_COV, 3e-15},
    {TLW_WINDOW_CORR, 4e-15}, {TLW_WINDOW_BETA, 4e-15},
};
#define BOUNDS (sizeof bounds / sizeof bounds[0])

/* Over all windows of 20, and as many rows of the longer ones as take no longer. */
static void measure(tlw_engine *engine, const double *x, const double *y, int64_t w, double worst[BOUNDS]) {
  double *output[BOUNDS];
  for (size_t k = 0; k < BOUNDS; k++) {
    output[k] = malloc(ROWS * sizeof *output[k]);
    assert_non_null(output[k]);
    compute(engine, bounds[k].op, w, TLW_NAN_PROPAGATE, x, y, output[k]);
  }
  for (int64_t i = w - 1; i < ROWS; i += w / 20) {
    const moments m = moments_of(x + i - w + 1, y + i - w + 1, w);
    for (size_t k = 0; k < BOUNDS; k++) {
      const double error = error_of(output[k][i], truth_of(bounds[k].op, &m, w));
      assert_true(!isnan(error));
      if (error > worst[k]) worst[k] = error;
    }
  }
  for (size_t k = 0; k < BOUNDS; k++) free(output[k]);
}

static void test_windows_are_near_the_truth(void **state) {
  (void)state;
  static double x[ROWS], y[ROWS];
  tlw_engine *engine = engine_of();
  const double noise[] = {1.0, 0.001};
  double worst[BOUNDS] = {0};
  rng r = {1};
  for (int n = 0; n < 2; n++) {
    fill(x, y, noise[n], &r);
    for (int i = 0; i < WINDOWS; i++) measure(engine, x, y, windows[i], worst);
  }
  for (size_t k = 0; k < BOUNDS; k++)
    print_message("%s: within %.2g\n", tlw_window_describe(bounds[k].op)->name, worst[k]);
  for (size_t k = 0; k < BOUNDS; k++) assert_true(worst[k] <= bounds[k].bound);
  tlw_engine_close(&engine);
}

/* An average that begins with row `first` as it is, in quad precision. */
static double worst_of_average(const double *x, const double *output, int64_t first, quad begins, quad alpha) {
  double worst = 0.0;
  quad v = begins;
  for (int64_t i = first; i < ROWS; i++) {
    if (i > first) v += alpha * ((quad)x[i] - v);
    const double error = error_of(output[i], relative(v));
    assert_true(!isnan(error));
    if (error > worst) worst = error;
  }
  return worst;
}

static void test_averages_are_near_the_truth(void **state) {
  (void)state;
  static double x[ROWS], y[ROWS], output[ROWS];
  tlw_engine *engine = engine_of();
  const double noise[] = {1.0, 0.001};
  double ema = 0.0, rma = 0.0, total = 0.0;
  rng r = {2};
  for (int n = 0; n < 2; n++) {
    fill(x, y, noise[n], &r);
    for (int i = 0; i < WINDOWS; i++) {
      const int64_t w = windows[i];
      compute(engine, TLW_WINDOW_EMA, w, TLW_NAN_PROPAGATE, x, y, output);
      ema = fmax(ema, worst_of_average(x, output, 0, (quad)x[0], (quad)2 / (quad)(w + 1)));
      compute(engine, TLW_WINDOW_RMA, w, TLW_NAN_PROPAGATE, x, y, output);
      rma = fmax(rma, worst_of_average(x, output, w - 1, moments_of(x, y, w).x, (quad)1 / (quad)w));
    }
    compute(engine, TLW_WINDOW_CUMSUM, 0, TLW_NAN_PROPAGATE, x, y, output);
    quad sum = 0;
    for (int64_t i = 0; i < ROWS; i++) {
      sum += (quad)x[i];
      total = fmax(total, error_of(output[i], relative(sum)));
    }
  }
  print_message("ema: within %.2g\nrma: within %.2g\ncumsum: within %.2g\n", ema, rma, total);
  /* An error of the last bits in powers of 1 - alpha counts window / 256 times. */
  assert_true(ema <= 4e-14);
  assert_true(rma <= 4e-14);
  assert_true(total <= 2e-15);
  tlw_engine_close(&engine);
}

/* ---- what is left behind ---- */

static bool remembers(tlw_window_op op) { return tlw_window_describe(op)->remembers; }

/* Rows of the spike's window differ, rows before and behind don't, in any bit. */
static void check_recovery(tlw_engine *engine, tlw_window_op op, int64_t w, tlw_nan_policy nan, const double *calm,
                           const double *spiked, const double *y, int64_t at) {
  static double expected[ROWS], output[ROWS];
  compute(engine, op, w, nan, calm, y, expected);
  compute(engine, op, w, nan, spiked, y, output);
  assert_memory_equal(output, expected, (size_t)at * sizeof *output);
  if (memcmp(output + at + w, expected + at + w, (size_t)(ROWS - at - w) * sizeof *output) != 0)
    fail_msg("%s, window %lld: the spike is not forgotten", tlw_window_describe(op)->name, (long long)w);
  if (op <= TLW_WINDOW_STD || op == TLW_WINDOW_WMA)
    for (int64_t i = at; i < at + w; i++) assert_true(memcmp(&output[i], &expected[i], sizeof *output) != 0);
}

static void test_spikes_are_forgotten(void **state) {
  (void)state;
  static double x[ROWS], y[ROWS], spiked[ROWS];
  tlw_engine *engine = engine_of();
  const double spikes[] = {1e15, -1e15, 1e300, (double)INFINITY, -(double)INFINITY, (double)NAN};
  rng r = {3};
  fill(x, y, 1.0, &r);
  for (size_t k = 0; k < sizeof spikes / sizeof spikes[0]; k++) {
    const int64_t at = 3000 + (int64_t)rng_below(&r, 1000);
    memcpy(spiked, x, sizeof x);
    spiked[at] = spikes[k];
    for (int op = 0; op < TLW_WINDOW_OPS; op++)
      for (int i = 0; i < WINDOWS && !remembers((tlw_window_op)op); i++)
        for (int nan = TLW_NAN_PROPAGATE; nan <= TLW_NAN_SKIP; nan++)
          check_recovery(engine, (tlw_window_op)op, windows[i], (tlw_nan_policy)nan, x, spiked, y, at);
  }
  tlw_engine_close(&engine);
}

/* The least, the greatest and the mean of a flat window are its number, and nothing varies. */
static void test_flat_windows(void **state) {
  (void)state;
  static double x[ROWS], y[ROWS], output[ROWS];
  tlw_engine *engine = engine_of();
  const int64_t from = 4000, to = 8000;
  const double levels[] = {0.1, 1e6 / 3.0, -1e-200, 0.0, 1.7e300};
  rng r = {4};
  for (size_t k = 0; k < sizeof levels / sizeof levels[0]; k++) {
    fill(x, y, 1e5, &r);
    for (int64_t i = from; i < to; i++) x[i] = levels[k];
    for (int i = 0; i < WINDOWS; i++) {
      const tlw_window_op zeros[] = {TLW_WINDOW_VAR, TLW_WINDOW_STD, TLW_WINDOW_COV, TLW_WINDOW_BETA};
      for (size_t z = 0; z < 4; z++) {
        compute(engine, zeros[z], windows[i], TLW_NAN_PROPAGATE, x, y, output);
        for (int64_t row = from + windows[i] - 1; row < to; row++) assert_true(output[row] == 0.0);
        assert_true(output[to] != 0.0);
      }
      const tlw_window_op none[] = {TLW_WINDOW_SKEW, TLW_WINDOW_KURTOSIS, TLW_WINDOW_CORR};
      for (size_t z = 0; z < 3; z++) {
        compute(engine, none[z], windows[i], TLW_NAN_PROPAGATE, x, y, output);
        for (int64_t row = from + windows[i] - 1; row < to; row++) assert_true(isnan(output[row]));
      }
    }
  }
  tlw_engine_close(&engine);
}

#endif

int main(void) {
#ifdef NO_QUAD
  print_message("SKIPPED: this compiler has no quad precision for this machine\n");
  return EXIT_SUCCESS;
#else
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_windows_are_near_the_truth),
      cmocka_unit_test(test_averages_are_near_the_truth),
      cmocka_unit_test(test_spikes_are_forgotten),
      cmocka_unit_test(test_flat_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
