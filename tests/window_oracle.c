#include "window_oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double the_nan(void) {
  const uint64_t bits = UINT64_C(0x7ff8000000000000);
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static double canonical(double x) { return isnan(x) ? the_nan() : x; }

static double unless_finite(double x) { return isfinite(x) ? x : the_nan(); }

static double lesser(double a, double b) { return isnan(a) || isnan(b) ? the_nan() : b < a ? b : a; }
static double greater(double a, double b) { return isnan(a) || isnan(b) ? the_nan() : b > a ? b : a; }

static void *memory_for(int64_t n, size_t size) {
  void *memory = calloc(n > 0 ? (size_t)n : 1, size);
  if (memory == NULL) {
    fprintf(stderr, "oracle: no memory for %lld rows\n", (long long)n);
    abort();
  }
  return memory;
}

static bool is_valid(const tlw_window_spec *spec, const oracle_series *s, int64_t i) {
  if (i < 0 || i >= s->n) return false;
  if (spec->nan == TLW_NAN_PROPAGATE) return true;
  return !isnan(s->x[i]) && !(s->y != NULL && isnan(s->y[i]));
}

/* ---- windows: parts and their join ---- */

/* Valid rows, joined. Names are those of the header's text; each operation uses some. */
typedef struct part {
  double n;
  double s, t;        /* sum, mean, wma; s also of min, max, argmin, argmax */
  int64_t row;        /* of argmin, argmax */
  double x, m, M2;    /* var and what follows */
  double M3, M4;      /* skew, kurtosis */
  double y, l, L2, C; /* cov, corr, beta */
  double first, last;
} part;

static part one_row(const oracle_series *s, int64_t i) {
  const double x = s->x[i], y = s->y != NULL ? s->y[i] : 0.0;
  return (part){.n = 1.0,
                .s = x,
                .t = x,
                .row = i,
                .x = x,
                .M2 = x - x,
                .M3 = x - x,
                .M4 = x - x,
                .y = y,
                .L2 = y - y,
                .C = (x - x) + (y - y),
                .first = x,
                .last = x};
}

/* Whether the winner of argmin or argmax is b's. */
static bool newer_wins(tlw_window_op op, const part *a, const part *b) {
  if (isnan(a->s) || isnan(b->s)) return isnan(b->s);
  return op == TLW_WINDOW_ARGMIN ? b->s <= a->s : b->s >= a->s;
}

static part join_moments(tlw_window_op op, part a, part b) {
  const double n = a.n + b.n, p = b.n / n, q = a.n / n, r = a.n * p;
  const double d = (b.x - a.x) + (b.m - a.m);
  part c = a;
  c.m = a.m + d * p;
  c.M2 = (a.M2 + b.M2) + (d * d) * r;
  if (op == TLW_WINDOW_SKEW || op == TLW_WINDOW_KURTOSIS) {
    c.M3 = (a.M3 + b.M3) + d * (((d * d) * (r * (q - p))) + 3.0 * (q * b.M2 - p * a.M2));
    c.M4 =
        (a.M4 + b.M4) + d * (d * ((d * d) * (r * ((q * q - q * p) + p * p)) + 6.0 * ((q * q) * b.M2 + (p * p) * a.M2)) +
                             4.0 * (q * b.M3 - p * a.M3));
  }
  if (op == TLW_WINDOW_COV || op == TLW_WINDOW_CORR || op == TLW_WINDOW_BETA) {
    const double e = (b.y - a.y) + (b.l - a.l);
    c.l = a.l + e * p;
    c.L2 = (a.L2 + b.L2) + (e * e) * r;
    c.C = (a.C + b.C) + (d * e) * r;
  }
  return c;
}

static part join_full(tlw_window_op op, part a, part b) {
  part c = a;
  switch (op) {
  case TLW_WINDOW_SUM:
  case TLW_WINDOW_MEAN:
    c.s = a.s + b.s;
    break;
  case TLW_WINDOW_MIN:
    c.s = lesser(a.s, b.s);
    break;
  case TLW_WINDOW_MAX:
    c.s = greater(a.s, b.s);
    break;
  case TLW_WINDOW_ARGMIN:
  case TLW_WINDOW_ARGMAX:
    c = newer_wins(op, &a, &b) ? b : a;
    break;
  case TLW_WINDOW_WMA:
    c.s = a.s + b.s;
    c.t = a.t + (b.t + a.n * b.s);
    break;
  case TLW_WINDOW_FIRST:
  case TLW_WINDOW_LAST:
  case TLW_WINDOW_DELTA:
  case TLW_WINDOW_RETURN:
    c.last = b.last;
    break;
  default:
    c = join_moments(op, a, b);
  }
  c.n = a.n + b.n;
  return c;
}

static part join(tlw_window_op op, part a, part b) {
  if (a.n == 0.0) return b;
  if (b.n == 0.0) return a;
  return join_full(op, a, b);
}

/* 1, 2, 4 or 8 rows from i on, halves joined. */
static part rows(const tlw_window_spec *spec, const oracle_series *s, int64_t i, int64_t count) {
  if (i + count <= 0) return (part){0};
  if (count == 1) return is_valid(spec, s, i) ? one_row(s, i) : (part){0};
  return join(spec->op, rows(spec, s, i, count / 2), rows(spec, s, i + count / 2, count / 2));
}

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* The n groups from row first on. */
static part groups(const tlw_window_spec *spec, const oracle_series *s, int64_t first, int64_t n) {
  const int64_t j = floor_divide(s->origin + first, 8), k = j - floor_divide(j, n) * n;
  part left = {0}, right = {0};
  if (k == 0) {
    for (int64_t i = 0; i < n; i++) left = join(spec->op, left, rows(spec, s, first + 8 * i, 8));
    return left;
  }
  for (int64_t i = n - k - 1; i >= 0; i--) left = join(spec->op, rows(spec, s, first + 8 * i, 8), left);
  for (int64_t i = n - k; i < n; i++) right = join(spec->op, right, rows(spec, s, first + 8 * i, 8));
  return join(spec->op, left, right);
}

/* The part of the window from row first on. */
static part window_part(const tlw_window_spec *spec, const oracle_series *s, int64_t first) {
  const int64_t w = spec->window;
  part whole = {0};
  if (w < 8) {
    for (int64_t i = 0; i < w; i++) whole = join(spec->op, whole, rows(spec, s, first + i, 1));
    return whole;
  }
  whole = groups(spec, s, first, w / 8);
  int64_t next = first + w / 8 * 8;
  for (int64_t count = 4; count >= 1; count /= 2) {
    if ((w & count) == 0) continue;
    whole = join(spec->op, whole, rows(spec, s, next, count));
    next += count;
  }
  return whole;
}

/* ---- windows: results ---- */

static double skewness(const part *a) {
  if (a->n < 3.0) return the_nan();
  return unless_finite(((a->n * sqrt(a->n - 1.0)) / (a->n - 2.0)) * (a->M3 / (a->M2 * sqrt(a->M2))));
}

static double excess(const part *a) {
  const double n = a->n;
  if (n < 4.0) return the_nan();
  return unless_finite(((n - 1.0) / ((n - 2.0) * (n - 3.0))) *
                       ((n + 1.0) * ((n * a->M4) / (a->M2 * a->M2)) - 3.0 * (n - 1.0)));
}

static double correlation(const part *a) {
  const double x = unless_finite(a->C / (sqrt(a->M2) * sqrt(a->L2)));
  return x > 1.0 ? 1.0 : x < -1.0 ? -1.0 : x;
}

static double spread(const tlw_window_spec *spec, const part *a) {
  if (!(a->n > (double)spec->ddof)) return the_nan();
  const double x = unless_finite((spec->op == TLW_WINDOW_COV ? a->C : a->M2) / (a->n - (double)spec->ddof));
  return spec->op == TLW_WINDOW_STD ? sqrt(x) : x;
}

/* Of a part with at least one row; i is the newest row. */
static double result_of(const tlw_window_spec *spec, const part *a, int64_t i) {
  switch (spec->op) {
  case TLW_WINDOW_SUM:
    return a->s;
  case TLW_WINDOW_MEAN:
    return a->s / a->n;
  case TLW_WINDOW_MIN:
  case TLW_WINDOW_MAX:
    return a->s == 0.0 ? 0.0 : a->s;
  case TLW_WINDOW_ARGMIN:
  case TLW_WINDOW_ARGMAX:
    return isnan(a->s) ? the_nan() : (double)(i - a->row);
  case TLW_WINDOW_SKEW:
    return skewness(a);
  case TLW_WINDOW_KURTOSIS:
    return excess(a);
  case TLW_WINDOW_CORR:
    return correlation(a);
  case TLW_WINDOW_BETA:
    return unless_finite(a->C / a->L2);
  case TLW_WINDOW_WMA:
    return a->t / (a->n * (a->n + 1.0) / 2.0);
  case TLW_WINDOW_FIRST:
    return a->first;
  case TLW_WINDOW_LAST:
    return a->last;
  case TLW_WINDOW_DELTA:
    return a->last - a->first;
  case TLW_WINDOW_RETURN:
    return a->last / a->first - 1.0;
  default:
    return spread(spec, a);
  }
}

/* ---- order statistics ---- */

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile_of(const double *x, int64_t n, double quantile) {
  const double h = (double)(n - 1) * quantile, i = floor(h), f = h - i;
  const double low = x[(int64_t)i];
  const double value = f == 0.0 || x[(int64_t)i + 1] == low ? low : low + (x[(int64_t)i + 1] - low) * f;
  return value == 0.0 ? 0.0 : value;
}

static double rank_of(const double *x, int64_t n, double newest) {
  int64_t less = 0, equal = 0;
  for (int64_t i = 0; i < n; i++) {
    less += x[i] < newest;
    equal += x[i] == newest;
  }
  return (double)less + (double)(equal + 1) / 2.0;
}

static bool is_order(tlw_window_op op) {
  return op == TLW_WINDOW_MEDIAN || op == TLW_WINDOW_QUANTILE || op == TLW_WINDOW_RANK;
}

static double order_of(const tlw_window_spec *spec, const oracle_series *s, int64_t i) {
  const int64_t first = i - spec->window + 1 > 0 ? i - spec->window + 1 : 0;
  double *x = memory_for(i - first + 1, sizeof *x);
  int64_t n = 0;
  bool spoilt = spec->op == TLW_WINDOW_RANK && isnan(s->x[i]);
  for (int64_t k = first; k <= i; k++) {
    if (!is_valid(spec, s, k)) continue;
    spoilt = spoilt || isnan(s->x[k]);
    x[n++] = s->x[k];
  }
  double result = the_nan();
  if (!spoilt && n >= spec->min_periods) {
    qsort(x, (size_t)n, sizeof *x, by_value);
    result = spec->op == TLW_WINDOW_RANK ? rank_of(x, n, s->x[i])
                                         : quantile_of(x, n, spec->op == TLW_WINDOW_MEDIAN ? 0.5 : spec->quantile);
  }
  free(x);
  return canonical(result);
}

/* first, last, delta and return where all rows are valid: NaN in between goes unnoticed. */
double oracle_window(const tlw_window_spec *spec, const oracle_series *s, int64_t i) {
  if (is_order(spec->op)) return order_of(spec, s, i);
  const part whole = window_part(spec, s, i - spec->window + 1);
  if (whole.n < (double)spec->min_periods) return the_nan();
  return canonical(result_of(spec, &whole, i));
}

/* ---- averages that remember, running totals ---- */

#define GROUP 8
#define BLOCK 256
#define STRETCH 65536

typedef struct pair {
  double a, v;
} pair;

bool oracle_remembers(tlw_window_op op) {
  switch (op) {
  case TLW_WINDOW_EMA:
  case TLW_WINDOW_RMA:
  case TLW_WINDOW_CUMSUM:
  case TLW_WINDOW_CUMPROD:
  case TLW_WINDOW_CUMMIN:
  case TLW_WINDOW_CUMMAX:
    return true;
  default:
    return false;
  }
}

static pair nothing(tlw_window_op op) {
  const double v = op == TLW_WINDOW_CUMPROD  ? 1.0
                   : op == TLW_WINDOW_CUMMIN ? (double)INFINITY
                   : op == TLW_WINDOW_CUMMAX ? -(double)INFINITY
                                             : 0.0;
  return (pair){1.0, v};
}

static pair join_pairs(tlw_window_op op, pair e, pair l) {
  switch (op) {
  case TLW_WINDOW_CUMPROD:
    return (pair){1.0, e.v * l.v};
  case TLW_WINDOW_CUMMIN:
    return (pair){1.0, lesser(e.v, l.v)};
  case TLW_WINDOW_CUMMAX:
    return (pair){1.0, greater(e.v, l.v)};
  default:
    break;
  }
  const double a = l.a * e.a;
  return (pair){a < 0x1p-900 ? 0.0 : a, l.v + l.a * e.v};
}

/* Rows first to end - 1 are a group that follows `before`. */
static void join_group(tlw_window_op op, pair *p, int64_t first, int64_t end, pair before) {
  for (int64_t d = 1; d < GROUP; d *= 2)
    for (int64_t i = end - 1; i >= first + d; i--) p[i] = join_pairs(op, p[i - d], p[i]);
  for (int64_t i = first; i < end; i++) p[i] = join_pairs(op, before, p[i]);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void join_block(tlw_window_op op, pair *p, int64_t first, int64_t end) {
  for (int64_t i = first; i < end; i += GROUP)
    join_group(op, p, i, least(i + GROUP, end), i == first ? nothing(op) : p[i - 1]);
}

/* The join of a value c, carried into a stretch, with what follows it. */
static double follow(tlw_window_op op, double c, pair p) { return join_pairs(op, (pair){1.0, c}, p).v; }

/* From the pairs of m rows to their values. */
static void join_rows(tlw_window_op op, pair *p, int64_t m) {
  double c = nothing(op).v;
  for (int64_t first = 0; first < m; first += STRETCH) {
    const int64_t end = least(first + STRETCH, m);
    pair u = nothing(op);
    for (int64_t block = first; block < end; block += BLOCK) {
      const int64_t last = least(block + BLOCK, end) - 1;
      join_block(op, p, block, last + 1);
      const pair newest = p[last];
      for (int64_t i = block; i <= last; i++) p[i].v = follow(op, follow(op, c, u), p[i]);
      u = join_pairs(op, u, newest);
    }
    c = follow(op, c, u);
  }
}

static double alpha_of(const tlw_window_spec *spec) {
  return spec->op == TLW_WINDOW_EMA ? 2.0 / ((double)spec->window + 1.0) : 1.0 / (double)spec->window;
}

/* The pair of a valid row that is not the first. */
static pair pair_of(const tlw_window_spec *spec, double x) {
  if (spec->op != TLW_WINDOW_EMA && spec->op != TLW_WINDOW_RMA) return (pair){1.0, x};
  const double b = 1.0 - alpha_of(spec);
  return (pair){b, spec->adjust ? x : (1.0 - b) * x};
}

/* Where a scan begins, n if nowhere, and what its first row counts. */
static int64_t beginning(const tlw_window_spec *spec, const oracle_series *s, double *x) {
  int64_t first = 0, valid = 0;
  double sum = 0.0;
  while (first < s->n && isnan(s->x[first])) first++;
  if (first < s->n) *x = s->x[first];
  if (spec->seed != TLW_SEED_MEAN) return first;
  for (int64_t i = first; i < s->n; i++) {
    if (!is_valid(spec, s, i)) continue;
    sum = valid++ == 0 ? s->x[i] : sum + s->x[i];
    if (valid < spec->window) continue;
    *x = sum / (double)spec->window;
    return i;
  }
  return s->n;
}

static void remember(const tlw_window_spec *spec, const oracle_series *s, double *output) {
  const bool averages = spec->op == TLW_WINDOW_EMA || spec->op == TLW_WINDOW_RMA;
  pair *p = memory_for(s->n, sizeof *p), *ones = memory_for(s->n, sizeof *ones);
  double x = 0.0;
  const int64_t first = beginning(spec, s, &x);
  for (int64_t i = first; i < s->n; i++) {
    const bool valid = is_valid(spec, s, i);
    p[i] = valid ? pair_of(spec, s->x[i]) : nothing(spec->op);
    ones[i] = valid ? pair_of(spec, 1.0) : nothing(spec->op);
    if (i == first && averages) p[i].v = x;
  }
  join_rows(spec->op, p + first, s->n - first);
  if (spec->adjust) join_rows(spec->op, ones + first, s->n - first);
  int64_t valid = 0;
  bool begun = false;
  for (int64_t i = 0; i < s->n; i++) {
    begun = begun || !isnan(s->x[i]);
    valid += begun && is_valid(spec, s, i);
    double v = spec->adjust ? p[i].v / ones[i].v : p[i].v;
    if ((spec->op == TLW_WINDOW_CUMMIN || spec->op == TLW_WINDOW_CUMMAX) && v == 0.0) v = 0.0;
    output[i] = i < first || valid < spec->min_periods ? the_nan() : canonical(v);
  }
  free(p);
  free(ones);
}

void oracle_windows(const tlw_window_spec *spec, const oracle_series *s, double *output) {
  if (oracle_remembers(spec->op)) {
    remember(spec, s, output);
    return;
  }
  for (int64_t i = 0; i < s->n; i++) output[i] = oracle_window(spec, s, i);
}
