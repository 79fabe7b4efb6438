#include "statistics.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* Found with modelled machines, tests/test_bench_statistics.c. */
#define PERSISTENCE_LEAST 0.3 /* what 16 batches tell of it is little */
#define PERSISTENCE_MOST 0.8
#define FREEDOM_LEAST 3
#define OF_MEDIAN 1.5707963267948966 /* pi / 2: how much more a median varies than a mean, of normal values */
#define UNREST 0.4                   /* of what batches differ by: what runs differ by, beside the drift */

/* Found with real runs on a busy machine, bench/prove-verdicts. */
#define DRIFT 0.005
#define DRIFT_OF_OTHERS 0.05 /* for all of the time of all CPUs */
#define DRIFT_OF_OTHERS_THREADS 0.4

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *numbers, int n) {
  qsort(numbers, (size_t)n, sizeof *numbers, compare);
  return (numbers[(n - 1) / 2] + numbers[n / 2]) / 2;
}

/*
 * Student's t of both sides: whole degrees of freedom from tables, fractions between them, then Cornish and Fisher's.
 */
static double student(double freedom, bench_confidence confidence) {
  enum { LAST = 10 };
  static const double tables[][LAST + 1] = {
      {INFINITY, 12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281},
      {INFINITY, 636.6192, 31.5991, 12.9240, 8.6103, 6.8688, 5.9588, 5.4079, 5.0413, 4.7809, 4.5869}};
  static const double normal[] = {1.959964, 3.290527};
  const double *table = tables[confidence], z = normal[confidence];
  if (freedom < 1) return table[1];
  if (freedom < LAST) {
    const int i = (int)freedom;
    return table[i] + (freedom - i) * (table[i + 1] - table[i]);
  }
  const double z2 = z * z, f = freedom;
  const double first = (z2 + 1) / (4 * f), second = ((5 * z2 + 16) * z2 + 3) / (96 * f * f);
  return z * (1 + first + second + (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * f * f * f));
}

/* Of logarithms. */
struct moments {
  double extra;    /* by how much the median is greater with the slow batches */
  double spread;   /* the variance of one */
  double variance; /* of the median */
  double freedom;  /* degrees of it, that the variance is known by */
};

/*
 * How much more the mean of n values varies than that of as many which know nothing of each other: (1 + r) / (1 - r),
 * r the correlation of neighbours. Few values make it look smaller by (1 + 4 r) / n, which is undone.
 */
static double persistence(const double *values, int n) {
  double mean = 0, products = 0, squares = 0;
  for (int i = 0; i < n; i++) mean += values[i] / n;
  for (int i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
  for (int i = 1; i < n; i++) products += (values[i - 1] - mean) * (values[i] - mean);
  const double seen = squares > 0 ? products / squares : 0;
  const double r = n > 8 ? (seen + 1.0 / n) / (1 - 4.0 / n) : seen;
  const double bounded = fmin(fmax(r, PERSISTENCE_LEAST), PERSISTENCE_MOST);
  return (1 + bounded) / (1 - bounded);
}

/* The variance of one of n values, where those behind n that lie outside count as the last that lies within. */
static double winsorized(const double *values, int n, int more) {
  double low = values[0], high = values[0], sum = 0, squares = 0;
  for (int i = 1; i < n; i++) low = fmin(low, values[i]), high = fmax(high, values[i]);
  for (int i = 0; i < n + more; i++) sum += fmin(fmax(values[i], low), high);
  for (int i = 0; i < n + more; i++) {
    const double apart = fmin(fmax(values[i], low), high) - sum / (n + more);
    squares += apart * apart;
  }
  return squares / (n + more - 1);
}

/* What the values below their median vary by, were the other half like them. */
static double spread_below(const double *sorted, int n, double median) {
  double squares = 0;
  const int half = n / 2;
  for (int i = 0; i < half; i++) squares += (median - sorted[i]) * (median - sorted[i]);
  return squares / half;
}

static double median_of_all(const bench_batches *batches, int n) {
  double sorted[BENCH_BATCHES_MAX];
  for (int i = 0; i < n; i++) sorted[i] = batches->medians[i];
  return bench_median(sorted, n);
}

static double median_of(const bench_batches *batches) { return median_of_all(batches, batches->n); }

/* Of n logarithms in the order in which they were taken, and more behind them that are left out. */
static struct moments moments_of(const double *logs, int n, int more) {
  const int all = n + more;
  const double f = persistence(logs, n), spread = winsorized(logs, n, more);
  return (struct moments){.spread = spread,
                          .variance = OF_MEDIAN * spread * f * (all - 1) / ((double)n * (n - 1)),
                          .freedom = fmin(fmax((n - 1) * 2 * f / (f * f + 1), FREEDOM_LEAST), n - 1)};
}

static struct moments moments_of_times(const bench_batches *batches) {
  const int n = batches->n, all = n + batches->slow;
  double logs[BENCH_BATCHES_MAX];
  for (int i = 0; i < all; i++) logs[i] = log(batches->medians[i]);
  struct moments m = moments_of(logs, n, batches->slow);
  if (batches->slow == 0) return m;
  const double factor = persistence(logs, n);
  const double median = bench_median(logs, n), with_slow = bench_median(logs, all);
  const double below = spread_below(logs, all, with_slow);
  m.extra = with_slow - median;
  m.spread = fmax(m.spread, below);
  m.variance = fmax(m.variance, OF_MEDIAN * below * factor / all);
  return m;
}

static struct moments moments_of_ratios(const bench_batches *ratios) {
  double logs[BENCH_BATCHES_MAX];
  for (int i = 0; i < ratios->n + ratios->slow; i++) logs[i] = log(ratios->medians[i]);
  return moments_of(logs, ratios->n, ratios->slow);
}

static bench_interval around(double value, double below, double above) {
  return (bench_interval){value, value * exp(-below), value * exp(above)};
}

bench_interval bench_unknown(double value) { return (bench_interval){value, 0, INFINITY}; }

bench_interval bench_estimate(const bench_batches *batches) {
  if (batches->n < BENCH_BATCHES_MIN) return bench_unknown(median_of(batches));
  const struct moments m = moments_of_times(batches);
  const double reach = student(m.freedom, BENCH_LIKELY) * sqrt(m.variance);
  return around(median_of(batches), reach, m.extra + reach);
}

double bench_drift_of_others(double others, bool several_threads) {
  return others * (several_threads ? DRIFT_OF_OTHERS_THREADS : DRIFT_OF_OTHERS);
}

double bench_drift(double others, bool several_threads) {
  return hypot(DRIFT, bench_drift_of_others(others, several_threads));
}

/* Of x's median less y's, with what is known to vary beside. */
static double reach_of(const struct moments *x, const struct moments *y, double beside, bench_confidence confidence) {
  const double all = x->variance + y->variance + beside;
  const double parts = x->variance * x->variance / x->freedom + y->variance * y->variance / y->freedom;
  return student(parts > 0 ? all * all / parts : INFINITY, confidence) * sqrt(all);
}

bench_interval bench_ratio_of_runs(const bench_batches *a, double drift_a, const bench_batches *b, double drift_b,
                                   bench_confidence confidence) {
  const double ratio = median_of(a) / median_of(b);
  if (a->n < BENCH_BATCHES_MIN || b->n < BENCH_BATCHES_MIN) return bench_unknown(ratio);
  const struct moments x = moments_of_times(a), y = moments_of_times(b);
  const double unrest = UNREST * UNREST * (x.spread + y.spread);
  const double reach = reach_of(&x, &y, unrest + drift_a * drift_a + drift_b * drift_b, confidence);
  return around(ratio, reach + y.extra, reach + x.extra);
}

bench_interval bench_ratio_of_turns(const bench_batches *a, const bench_batches *b, const bench_batches *ratios,
                                    double drift) {
  static const struct moments sure = {.freedom = 1};
  const double ratio = median_of(a) / median_of(b);
  if (a->n < BENCH_BATCHES_MIN || b->n < BENCH_BATCHES_MIN) return bench_unknown(ratio);
  const struct moments x = moments_of_times(a), y = moments_of_times(b);
  if (ratios->n < BENCH_BATCHES_MIN) {
    const double reach = reach_of(&x, &y, drift * drift, BENCH_LIKELY);
    return around(ratio, reach + y.extra, reach + x.extra);
  }
  const struct moments m = moments_of_ratios(ratios);
  const double reach = reach_of(&m, &sure, drift * drift, BENCH_LIKELY);
  const double in_turns = log(median_of(ratios) / ratio);
  const double with_slow = log(median_of_all(a, a->n + a->slow) / median_of_all(b, b->n + b->slow) / ratio);
  return around(ratio, reach + fmax(fmax(-in_turns, -with_slow), 0), reach + fmax(fmax(in_turns, with_slow), 0));
}

double bench_change_least(bench_interval ratio) {
  return ratio.value > 0 ? (1 + BENCH_MARGIN / 2) * ratio.high / ratio.value - 1 : INFINITY;
}

bench_verdict bench_judge(bench_interval likely, bench_interval sure) {
  if (likely.low > 1 + BENCH_MARGIN / 2 && sure.low > 1) return BENCH_SLOW;
  if (likely.high < 1 / (1 + BENCH_MARGIN / 2) && sure.high < 1) return BENCH_FAST;
  if (likely.low > 1 / (1 + BENCH_MARGIN) && likely.high < 1 + BENCH_MARGIN) return BENCH_SAME;
  return BENCH_AMBIGUOUS;
}

const char *bench_verdict_name(bench_verdict verdict) {
  static const char *const names[] = {"SAME", "FAST", "SLOW", "AMBIGUOUS"};
  return verdict <= BENCH_AMBIGUOUS ? names[verdict] : NULL;
}
