/*
 * What decides the bits of rolling windows, as include/tallow/window.h defines them: rows as parts, the join of two
 * parts, the result of a window. `kind` and `op` are constants wherever these functions are called in a loop, so that
 * members which a kind has no use for cost nothing.
 */
#ifndef TLK_CORE_WINDOW_H
#define TLK_CORE_WINDOW_H

#include "real.h"

/* Operations, with the numbers of tlw_window_op. */
#define TLK_OP_SUM 0
#define TLK_OP_MEAN 1
#define TLK_OP_VAR 2
#define TLK_OP_STD 3
#define TLK_OP_MIN 4
#define TLK_OP_MAX 5
#define TLK_OP_ARGMIN 6
#define TLK_OP_ARGMAX 7
#define TLK_OP_MEDIAN 8
#define TLK_OP_QUANTILE 9
#define TLK_OP_RANK 10
#define TLK_OP_SKEW 11
#define TLK_OP_KURTOSIS 12
#define TLK_OP_COV 13
#define TLK_OP_CORR 14
#define TLK_OP_BETA 15
#define TLK_OP_EMA 16
#define TLK_OP_RMA 17
#define TLK_OP_WMA 18
#define TLK_OP_FIRST 19
#define TLK_OP_LAST 20
#define TLK_OP_DELTA 21
#define TLK_OP_RETURN 22
#define TLK_OP_CUMSUM 23
#define TLK_OP_CUMPROD 24
#define TLK_OP_CUMMIN 25
#define TLK_OP_CUMMAX 26

/*
 * How an operation goes about it. Folds join the rows of each window; orders sort them; scans join all rows so far
 * (core/scan.h). Members v of a fold's part:
 */
#define TLK_FOLD_SUM 0      /* sum */
#define TLK_FOLD_MIN 1      /* least */
#define TLK_FOLD_MAX 2      /* greatest */
#define TLK_FOLD_ARGMIN 3   /* least, its row */
#define TLK_FOLD_ARGMAX 4   /* greatest, its row */
#define TLK_FOLD_MOMENTS 5  /* anchor, mean less anchor, M2 */
#define TLK_FOLD_HIGHER 6   /* likewise, M3, M4 */
#define TLK_FOLD_CROSS 7    /* anchor, mean less anchor, M2 of x, of y, then C */
#define TLK_FOLD_WEIGHTED 8 /* sum, weighted sum */
#define TLK_FOLD_ENDS 9     /* first, last */
#define TLK_FOLDS 10
#define TLK_ORDER_QUANTILE 10
#define TLK_ORDER_RANK 11
#define TLK_SCAN_LINEAR 12
#define TLK_SCAN_PRODUCT 13
#define TLK_SCAN_MIN 14
#define TLK_SCAN_MAX 15

/* An operation with its parameters, ready for use. */
typedef struct {
  tlk_i32 kind, op;
  tlk_i32 skip; /* TLW_NAN_SKIP */
  tlk_i32 ddof;
  tlk_i32 adjust; /* of a scan, likewise those below */
  tlk_i32 seed_mean;
  tlk_i64 window, min_periods;
  double quantile;
  double keep, gain; /* b = 1 - alpha, 1 - b; 1 and 1 for cumsum */
} tlk_window;

/* Rows that folds join first, by pairs. */
#define TLK_FOLD_GROUP 8

#define TLK_PART_MEMBERS 7

/* n: valid rows. Of an empty part only n counts. */
typedef struct {
  tlk_real n;
  tlk_real v[TLK_PART_MEMBERS];
} tlk_part;

/* Members of v that a kind uses. */
TLK_FN tlk_i32 tlk_part_members(tlk_i32 kind) {
  return kind == TLK_FOLD_CROSS                                                                                     ? 7
         : kind == TLK_FOLD_HIGHER                                                                                  ? 5
         : kind == TLK_FOLD_MOMENTS                                                                                 ? 3
         : kind == TLK_FOLD_ARGMIN || kind == TLK_FOLD_ARGMAX || kind == TLK_FOLD_WEIGHTED || kind == TLK_FOLD_ENDS ? 2
                                                                                                                    : 1;
}

/* For the join of parts with na and nb valid rows. */
typedef struct {
  tlk_real p, q, r;
} tlk_weights;

TLK_FN tlk_weights tlk_weigh(tlk_real na, tlk_real nb) {
  const tlk_real n = na + nb;
  tlk_weights w;
  w.p = nb / n;
  w.q = na / n;
  w.r = na * w.p;
  return w;
}

TLK_FN tlk_mask tlk_is_nan(tlk_real x) { return x != x; }
TLK_FN tlk_real tlk_or_nan(tlk_mask m, tlk_real x) { return tlk_pick(m, x, tlk_splat(TLK_NAN)); }
TLK_FN tlk_real tlk_finite_or_nan(tlk_real x) { return tlk_or_nan(tlk_finite(x), x); }
TLK_FN tlk_real tlk_one_nan(tlk_real x) { return tlk_or_nan(x == x, x); }

/* NaN if either is. */
TLK_FN tlk_real tlk_lesser(tlk_real a, tlk_real b) { return tlk_pick((a < b) | tlk_is_nan(a), a, b); }
TLK_FN tlk_real tlk_greater(tlk_real a, tlk_real b) { return tlk_pick((a > b) | tlk_is_nan(a), a, b); }

/* A valid row; y is that of the second column, row counts from any row that is the same for all rows of a window. */
TLK_FN tlk_part tlk_row(tlk_i32 kind, tlk_real x, tlk_real y, tlk_real row) {
  tlk_part part;
  part.n = tlk_splat(1.0);
  for (tlk_i32 i = 0; i < TLK_PART_MEMBERS; i++) part.v[i] = tlk_splat(0.0);
  part.v[0] = x;
  if (kind == TLK_FOLD_ARGMIN || kind == TLK_FOLD_ARGMAX) part.v[1] = row;
  if (kind == TLK_FOLD_MOMENTS || kind == TLK_FOLD_HIGHER || kind == TLK_FOLD_CROSS) part.v[2] = x - x;
  if (kind == TLK_FOLD_HIGHER) part.v[3] = part.v[4] = x - x;
  if (kind == TLK_FOLD_CROSS) {
    part.v[3] = y;
    part.v[5] = y - y;
    part.v[6] = (x - x) + (y - y);
  }
  if (kind == TLK_FOLD_WEIGHTED || kind == TLK_FOLD_ENDS) part.v[1] = x;
  return part;
}

/* Which of two parts has the winner of argmin and argmax. */
TLK_FN tlk_mask tlk_newer_wins(tlk_i32 kind, tlk_real a, tlk_real b) {
  return (kind == TLK_FOLD_ARGMIN ? b <= a : b >= a) | tlk_is_nan(b);
}

/* The join of two parts that are not empty, with w of their n. */
TLK_FN tlk_part tlk_join_full(tlk_i32 kind, tlk_part a, tlk_part b, tlk_weights w) {
  tlk_part c = a;
  c.n = a.n + b.n;
  if (kind == TLK_FOLD_SUM) c.v[0] = a.v[0] + b.v[0];
  if (kind == TLK_FOLD_MIN) c.v[0] = tlk_lesser(a.v[0], b.v[0]);
  if (kind == TLK_FOLD_MAX) c.v[0] = tlk_greater(a.v[0], b.v[0]);
  if (kind == TLK_FOLD_ARGMIN || kind == TLK_FOLD_ARGMAX) {
    const tlk_mask newer = tlk_newer_wins(kind, a.v[0], b.v[0]);
    c.v[0] = tlk_pick(newer, b.v[0], a.v[0]);
    c.v[1] = tlk_pick(newer, b.v[1], a.v[1]);
  }
  if (kind == TLK_FOLD_MOMENTS || kind == TLK_FOLD_HIGHER || kind == TLK_FOLD_CROSS) {
    const tlk_real d = (b.v[0] - a.v[0]) + (b.v[1] - a.v[1]);
    c.v[1] = a.v[1] + d * w.p;
    c.v[2] = (a.v[2] + b.v[2]) + (d * d) * w.r;
    if (kind == TLK_FOLD_HIGHER) {
      const tlk_real third = ((d * d) * (w.r * (w.q - w.p))) + (w.q * b.v[2] - w.p * a.v[2]) * 3.0;
      const tlk_real fourth = ((d * d) * (w.r * ((w.q * w.q - w.q * w.p) + w.p * w.p)) +
                               ((w.q * w.q) * b.v[2] + (w.p * w.p) * a.v[2]) * 6.0);
      c.v[3] = (a.v[3] + b.v[3]) + d * third;
      c.v[4] = (a.v[4] + b.v[4]) + d * (d * fourth + (w.q * b.v[3] - w.p * a.v[3]) * 4.0);
    }
    if (kind == TLK_FOLD_CROSS) {
      const tlk_real e = (b.v[3] - a.v[3]) + (b.v[4] - a.v[4]);
      c.v[4] = a.v[4] + e * w.p;
      c.v[5] = (a.v[5] + b.v[5]) + (e * e) * w.r;
      c.v[6] = (a.v[6] + b.v[6]) + (d * e) * w.r;
    }
  }
  if (kind == TLK_FOLD_WEIGHTED) {
    c.v[0] = a.v[0] + b.v[0];
    c.v[1] = a.v[1] + (b.v[1] + a.n * b.v[0]);
  }
  if (kind == TLK_FOLD_ENDS) c.v[1] = b.v[1];
  return c;
}

/* An empty part, or the part that is not chosen. */
TLK_FN tlk_part tlk_pick_part(tlk_i32 kind, tlk_mask m, tlk_part a, tlk_part b) {
  b.n = tlk_pick(m, a.n, b.n);
  for (tlk_i32 i = 0; i < TLK_PART_MEMBERS; i++)
    if (i < tlk_part_members(kind)) b.v[i] = tlk_pick(m, a.v[i], b.v[i]);
  return b;
}

TLK_FN tlk_part tlk_empty(void) {
  tlk_part part;
  part.n = tlk_splat(0.0);
  for (tlk_i32 i = 0; i < TLK_PART_MEMBERS; i++) part.v[i] = tlk_splat(0.0);
  return part;
}

/* The join of any two parts. */
TLK_FN tlk_part tlk_join(tlk_i32 kind, tlk_part a, tlk_part b) {
  const tlk_mask no_a = a.n == tlk_splat(0.0), no_b = b.n == tlk_splat(0.0);
  tlk_part c = tlk_join_full(kind, a, b, tlk_weigh(a.n, b.n));
  c = tlk_pick_part(kind, no_b, a, c);
  return tlk_pick_part(kind, no_a, b, c);
}

/* The root of x, which is a vector in a CPU tier. */
#ifdef TLK_LANES
TLK_FN tlk_real tlk_sqrt(tlk_real x) {
  for (tlk_i32 i = 0; i < TLK_LANES; i++) x[i] = __builtin_sqrt(x[i]);
  return x;
}
#else
TLK_FN tlk_real tlk_sqrt(tlk_real x) { return TLK_SQRT(x); }
#endif

/* The result of a window whose part this is; newest: the row of its last row, as in tlk_row. Canonical. */
TLK_FN tlk_real tlk_result(tlk_i32 op, tlk_part part, tlk_real newest, double ddof, double min_periods) {
  const tlk_real n = part.n;
  tlk_mask good = n >= tlk_splat(min_periods);
  good = good & (n > tlk_splat(0.0));
  tlk_real x = part.v[0];
  if (op == TLK_OP_MEAN) x = x / n;
  if (op == TLK_OP_MIN || op == TLK_OP_MAX) x = x + 0.0;
  if (op == TLK_OP_ARGMIN || op == TLK_OP_ARGMAX) x = tlk_or_nan(x == x, newest - part.v[1]);
  if (op == TLK_OP_VAR || op == TLK_OP_STD || op == TLK_OP_COV) {
    const tlk_real m = tlk_finite_or_nan((op == TLK_OP_COV ? part.v[6] : part.v[2]) / (n - ddof));
    good = good & (n > tlk_splat(ddof));
    x = op == TLK_OP_STD ? tlk_sqrt(m) : m;
  }
  if (op == TLK_OP_SKEW) {
    x = tlk_finite_or_nan(((n * tlk_sqrt(n - 1.0)) / (n - 2.0)) * (part.v[3] / (part.v[2] * tlk_sqrt(part.v[2]))));
    good = good & (n >= tlk_splat(3.0));
  }
  if (op == TLK_OP_KURTOSIS) {
    const tlk_real ratio = (n * part.v[4]) / (part.v[2] * part.v[2]);
    x = tlk_finite_or_nan(((n - 1.0) / ((n - 2.0) * (n - 3.0))) * ((n + 1.0) * ratio - (n - 1.0) * 3.0));
    good = good & (n >= tlk_splat(4.0));
  }
  if (op == TLK_OP_CORR) {
    x = tlk_finite_or_nan(part.v[6] / (tlk_sqrt(part.v[2]) * tlk_sqrt(part.v[5])));
    x = tlk_pick(x > tlk_splat(1.0), tlk_splat(1.0), tlk_pick(x < tlk_splat(-1.0), tlk_splat(-1.0), x));
  }
  if (op == TLK_OP_BETA) x = tlk_finite_or_nan(part.v[6] / part.v[5]);
  if (op == TLK_OP_WMA) x = part.v[1] / (n * (n + 1.0) * 0.5);
  if (op == TLK_OP_LAST) x = part.v[1];
  if (op == TLK_OP_DELTA) x = part.v[1] - x;
  if (op == TLK_OP_RETURN) x = part.v[1] / x - 1.0;
  return tlk_or_nan(good & (x == x), x);
}

/* ---- order statistics ---- */

/* Of n sorted numbers the one for the quantile: x[i] and x[i + 1], or x[i] again if it is the last; f as defined. */
TLK_FN double tlk_between(double low, double high, double f) {
  return (f == 0.0 || low == high ? low : low + (high - low) * f) + 0.0;
}

/* A whole number that sorts as x does, for x that is not NaN; both zeros alike. */
TLK_FN tlk_u64 tlk_sort_key(double x) {
  const tlk_u64 bits = TLK_BITS(x + 0.0), sign = (tlk_u64)1 << 63;
  return bits & sign ? ~bits : bits | sign;
}

TLK_FN double tlk_from_sort_key(tlk_u64 key) {
  const tlk_u64 sign = (tlk_u64)1 << 63;
  return TLK_FROM_BITS(key & sign ? key & ~sign : ~key);
}

#endif
