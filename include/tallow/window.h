/*
 * Rolling windows over columns of numbers: sums, moments, extremes, order statistics, averages that remember and
 * running totals, of many series at once, with the same bits from each backend, for any split, thread count and
 * budget, and from a state that is fed row by row.
 *
 * Rows, columns, series. A batch is columns of n_rows numbers, and which of these rows each series has. An output has a
 * number for each row of the batch: that of the window which ends at this row. A row that no series covers keeps what
 * the output had. Numbers before the first row of a series are missing. Rows are numbered from 0
 * within their series; row i of series s has the absolute number origin[s] + i, so that a view into a longer history
 * gives the bits of the whole wherever its windows lie within the view.
 *
 * Valid rows. Under TLW_NAN_PROPAGATE all rows of a series are valid, and a NaN makes NaN of each window that it is
 * in; what remembers and first, last, delta, return differ, see there. Under TLW_NAN_SKIP a NaN is a row that is not
 * there: windows still span `window` rows, of which they use the others. Infinities are numbers. An operation on two
 * columns skips a row where either is NaN. A result is NaN where fewer than min_periods rows of the window (of all rows
 * so far, for what remembers) are valid. There is one NaN: 0x7ff8000000000000.
 *
 * Arithmetic is that of IEEE 754 doubles, rounded to nearest, one operation after the other as written here, with no
 * fused multiply-add. Floats are widened to doubles first.
 *
 * ---- windows: how rows are combined ----
 *
 * A row is a part, r(i) that of absolute row i; parts are joined by a + b below, which depends on the operation; an
 * invalid or missing row is the empty part, and joining it changes nothing. The part of the window of w rows from
 * absolute row s on, which may be less than 0, is
 *
 *   w < 8:  from left to right, (r(s) + r(s+1)) + r(s+2) ...
 *   else:   with n = floor(w / 8) and G(i) = ((r(i) + r(i+1)) + (r(i+2) + r(i+3))) + ((r(i+4) + r(i+5)) + (r(i+6) +
 *           r(i+7))), the groups g(0) = G(s), g(1) = G(s + 8) ... g(n - 1) joined as below, and to that, where bit 4, 2, 1
 *           of w is set, in this order, the next four rows as (r + r) + (r + r), the next two as r + r, the next one.
 *
 * Groups: let j = floor(s / 8), counted in blocks of n: k = j mod n, floor and mod being those of floored division. The
 * first n - k groups are joined from right to left, g(0) + (g(1) + (g(2) + ...)), if k is not 0; the k others from left
 * to right; and the two results in this order. With k = 0 all n are joined from left to right. (These are the suffixes
 * and prefixes of van Herk, Pattern Recognition Letters 13, 1992, and Gil and Werman, IEEE PAMI 15, 1993.) Nothing is
 * ever taken out of a sum, so that a window knows nothing of the rows before it.
 *
 * Joining, where neither part is empty; n is the number of valid rows, p = nb / (na + nb), q = na / (na + nb), r = na p:
 *
 *   sum, mean           s = sa + sb
 *   min, max            the lesser, the greater; NaN if either is. A zero is given as +0
 *   argmin, argmax      likewise; of equal ones the newer
 *   var, std            {x, m, M2}: an anchor x, the mean less x, the sum of squared distances from the mean. A row is
 *                       {its number, 0, x - x}. d = (xb - xa) + (mb - ma); x = xa; m = ma + d p;
 *                       M2 = (M2a + M2b) + (d d) r (Chan, Golub, LeVeque, 1983)
 *   skew, kurtosis      also M3 = (M3a + M3b) + d (((d d) (r (q - p))) + 3 (q M2b - p M2a)) and
 *                       M4 = (M4a + M4b) + d (d ((d d) (r ((q q - q p) + p p)) + 6 ((q q) M2b + (p p) M2a))
 *                                             + 4 (q M3b - p M3a)); a row's are x - x (Pebay, SAND2008-6212)
 *   cov, corr, beta     {x, m, M2} of the first column, {y, l, L2} of the second, e = (yb - ya) + (lb - la) and
 *                       C = (Ca + Cb) + (d e) r; a row's C is (x - x) + (y - y)
 *   wma                 {s, t}: s = sa + sb, t = ta + (tb + na sb); a row is {x, x}
 *   first, last,        the first and the last valid row
 *   delta, return
 *
 * Results, n being the valid rows of the window:
 *
 *   sum s; mean s / n; min; max; argmin, argmax: rows between it and the newest row of the window, 0 for the newest
 *   var M2 / (n - ddof), std its root; cov C / (n - ddof): NaN unless n > ddof and the result is finite
 *   skew ((n sqrt(n - 1)) / (n - 2)) (M3 / (M2 sqrt(M2))), unless n < 3; kurtosis, that of a normal distribution being
 *   0: ((n - 1) / ((n - 2) (n - 3))) ((n + 1) ((n M4) / (M2 M2)) - 3 (n - 1)), unless n < 4 (Joanes and Gill, 1998: G1
 *   and G2); NaN unless finite, and so for a flat window
 *   corr C / (sqrt(M2) sqrt(L2)), beta C / L2; NaN unless finite; then corr at most 1 and at least -1
 *   wma t / (n (n + 1) / 2): the newest valid row weighs n, the oldest 1
 *   first; last; delta last - first; return last / first - 1, computed in this order: over n rows back they need a
 *   window of n + 1. Under TLW_NAN_PROPAGATE these four
 *   look at the first and the last row of the window alone, and NaN in between goes unnoticed.
 *
 * Order statistics use valid rows sorted ascending, x[0] to x[n - 1]:
 *
 *   quantile  h = (n - 1) quantile, i = floor(h), f = h - i: x[i] if f is 0 or x[i + 1] equals it, else x[i] + (x[i + 1]
 *             - x[i]) f; a zero is given as +0 (Hyndman and Fan, 1996: type 7). median: quantile 0.5
 *   rank      of the newest row among the valid: the number of lesser ones + (the number of equal ones, itself among
 *             them, + 1) / 2; NaN if the newest row is not valid
 *
 * ---- averages that remember, running totals ----
 *
 * These begin at the first row of the series that is not NaN, here called row 0, whatever the origin; before it they
 * are NaN. Under TLW_NAN_PROPAGATE all rows from there on are valid and NaN stays for good; under TLW_NAN_SKIP a
 * NaN leaves the result as it was, though its last bits may differ for being joined otherwise. Each row is a pair (a, v):
 *
 *   ema           alpha = 2 / (window + 1), b = 1 - alpha, (b, (1 - b) x), so that a constant stays what it is; rma:
 *                 alpha = 1 / window, likewise (Wilder, 1978)
 *     seed FIRST  v of row 0 is x itself
 *     seed MEAN   row 0 is the window-th valid row instead, its v the mean of the valid rows up to it, summed from left
 *                 to right; NaN before
 *     adjust      (ema, seed FIRST) v is x in all rows, and the result is divided by what the same makes of x = 1
 *   cumsum        (1, x)
 *   cumprod, cummin, cummax: only v counts
 *   a skipped row: (1, 0) for ema, rma and cumsum; for cumprod, cummin, cummax v = 1, infinity, -infinity
 *
 * Joining an earlier pair e and a later one l: (a_l a_e, v_l + a_l v_e), any a below 2^-900 being taken as 0; for
 * cumprod v_e v_l, for cummin and cummax the lesser, the greater, NaN if either is. Rows are counted in groups of 8, blocks
 * of 256 and stretches of 65,536 from row 0 on:
 *
 *   in a group   for d = 1, 2, 4: each row i >= d becomes the join of row i - d and row i, all rows of a step at once
 *   in a block   each row becomes the join of the last row of the group before, as it then is, and itself; the first
 *                group follows (1, 0), or the empty v of cumprod, cummin, cummax
 *   in a stretch the last rows of blocks, as they then are, are joined from left to right, beginning likewise; block b
 *                follows the join U of the blocks before it in its stretch
 *   then         stretch by stretch, with C = 0 at first: the result of a row (a, v) is v + a (U_v + U_a C), and C
 *                becomes U_v + U_a C with the U of the whole stretch; likewise, from the empty v on, for cumprod (C U) v
 *                and for cummin, cummax the lesser, the greater, where a zero is given as +0
 *
 * Thread-safety: an engine does one operation at a time and calls wait for their turn; else as for all of
 * tallow/engine.h. A state is used by one thread at a time.
 */
#ifndef TALLOW_WINDOW_H
#define TALLOW_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_window_op {
  TLW_WINDOW_SUM = 0,
  TLW_WINDOW_MEAN = 1,
  TLW_WINDOW_VAR = 2,
  TLW_WINDOW_STD = 3,
  TLW_WINDOW_MIN = 4,
  TLW_WINDOW_MAX = 5,
  TLW_WINDOW_ARGMIN = 6,
  TLW_WINDOW_ARGMAX = 7,
  TLW_WINDOW_MEDIAN = 8,
  TLW_WINDOW_QUANTILE = 9,
  TLW_WINDOW_RANK = 10,
  TLW_WINDOW_SKEW = 11,
  TLW_WINDOW_KURTOSIS = 12,
  TLW_WINDOW_COV = 13,
  TLW_WINDOW_CORR = 14,
  TLW_WINDOW_BETA = 15,
  TLW_WINDOW_EMA = 16,
  TLW_WINDOW_RMA = 17,
  TLW_WINDOW_WMA = 18,
  TLW_WINDOW_FIRST = 19,
  TLW_WINDOW_LAST = 20,
  TLW_WINDOW_DELTA = 21,
  TLW_WINDOW_RETURN = 22,
  TLW_WINDOW_CUMSUM = 23,
  TLW_WINDOW_CUMPROD = 24,
  TLW_WINDOW_CUMMIN = 25,
  TLW_WINDOW_CUMMAX = 26
} tlw_window_op;

#define TLW_WINDOW_OPS 27

/* Longest window, in rows. */
#define TLW_WINDOW_MAX_ROWS ((int64_t)1 << 20)

typedef enum tlw_nan_policy { TLW_NAN_PROPAGATE = 0, TLW_NAN_SKIP = 1 } tlw_nan_policy;

typedef enum tlw_window_seed { TLW_SEED_FIRST = 0, TLW_SEED_MEAN = 1 } tlw_window_seed;

/* One output: an operation with its parameters, and the columns that it reads. Parameters that it lacks must be 0. */
typedef struct tlw_window_spec {
  size_t struct_size; /* set by tlw_window_spec_init */
  tlw_window_op op;
  tlw_nan_policy nan;   /* default TLW_NAN_PROPAGATE */
  int64_t window;       /* rows, 1 to TLW_WINDOW_MAX_ROWS; the span of an ema; 0 for cumsum, cumprod, cummin, cummax */
  int64_t min_periods;  /* 1 to window; default: window, but 1 for ema, rma and cum...: any number from 1 on there */
  double quantile;      /* 0 to 1; default 0.5; quantile alone */
  int32_t ddof;         /* 0 to 2^31 - 1; default 1; var, std, cov */
  int32_t adjust;       /* 0 or 1; default 0; ema with TLW_SEED_FIRST */
  tlw_window_seed seed; /* ema: default TLW_SEED_FIRST; rma: default TLW_SEED_MEAN */
  int32_t column;       /* of the batch, from 0 on; default 0 */
  int32_t other;        /* the second column of cov, corr and beta; default 1 for these */
} tlw_window_spec;

/*
 * The defaults of an operation with this window; 0 for cumsum, cumprod, cummin, cummax. An unknown operation gives its
 * number and nothing else, which any other call refuses. Thread-safety: any thread.
 */
TLW_API void tlw_window_spec_init(tlw_window_spec *spec, tlw_window_op op, int64_t window);

/* ---- the table of operations ---- */

typedef enum tlw_window_field {
  TLW_FIELD_WINDOW = 0,
  TLW_FIELD_MIN_PERIODS = 1,
  TLW_FIELD_NAN = 2,
  TLW_FIELD_DDOF = 3,
  TLW_FIELD_QUANTILE = 4,
  TLW_FIELD_ADJUST = 5,
  TLW_FIELD_SEED = 6
} tlw_window_field;

/* A value that has a name, such as "skip" for 1 of nan. */
typedef struct tlw_window_choice {
  const char *name;
  const char *summary; /* what it does, in some words */
} tlw_window_choice;

/* A parameter: a field of the spec. The default of min_periods is that of the window where initial is 0. */
typedef struct tlw_window_parameter {
  tlw_window_field field;
  const char *name;    /* of the field, such as "min_periods" */
  const char *summary; /* what it is, in some words */
  double least, most, initial;
  const tlw_window_choice *choices; /* of the values least, least + 1 ... most; NULL: they are numbers */
} tlw_window_parameter;

typedef struct tlw_window_info {
  tlw_window_op op;
  const char *name;     /* such as "mean" */
  const char *summary;  /* what it gives, in some words */
  const char *lookback; /* rows before the first result, such as "min_periods - 1" */
  int32_t inputs;       /* columns: 1 or 2 */
  int32_t remembers;    /* 1: a result depends on all rows so far; 0: on those of its window alone */
  int32_t least_rows;   /* valid rows that a result needs in any case, beside ddof: 3 for skew, 1 for most */
  int32_t n_parameters;
  const tlw_window_parameter *parameters;
} tlw_window_info;

/* What is known of an operation; NULL for an unknown one. Static storage. Thread-safety: any thread, any time. */
TLW_API const tlw_window_info *tlw_window_describe(tlw_window_op op);

/* The parameter of an operation that is this field; NULL: it lacks it, or is unknown. As tlw_window_describe. */
TLW_API const tlw_window_parameter *tlw_window_find_parameter(tlw_window_op op, tlw_window_field field);

/* What the field of a parameter is. Both must not be NULL. Thread-safety: any thread. */
TLW_API double tlw_window_spec_get(const tlw_window_spec *spec, const tlw_window_parameter *parameter);

/*
 * Sets the field of a parameter; others stay as they are, min_periods too where it is the window. Any value that the
 * field can hold will do, tlw_window_check tells whether it is in range. TLW_ERR_ARGUMENT: it can't, for it is no number,
 * not whole, or too large; the spec is as it was. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_window_spec_set(tlw_window_spec *spec, const tlw_window_parameter *parameter, double value,
                                       tlw_error *error);

/*
 * The operation of this name, letter for letter. TLW_ERR_ARGUMENT: there is none; the message names the nearest.
 * Thread-safety: any thread.
 */
TLW_API tlw_status tlw_window_find(const char *name, tlw_window_op *op, tlw_error *error);

/*
 * Whether a spec can be used with a batch of so many columns. TLW_ERR_ARGUMENT: the message names what is wrong and its
 * range. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_window_check(const tlw_window_spec *spec, int32_t n_columns, tlw_error *error);

/*
 * Rows of a series without NaN before the first one whose window has the rows that a result needs. INT64_MAX: none ever
 * has, as for the std of 1 row with ddof 1. -1: the spec is not valid. Thread-safety: any thread.
 */
TLW_API int64_t tlw_window_lookback(const tlw_window_spec *spec);

/* ---- batches ---- */

typedef struct tlw_window_batch {
  size_t struct_size;         /* set by tlw_window_batch_init */
  const void *const *columns; /* n_columns of n_rows contiguous numbers each, aligned to their type */
  int32_t n_columns;
  tlw_type type;  /* default TLW_TYPE_F64: read where they lie */
  int64_t n_rows; /* 0 to 2^40 */
  /*
   * Series i is the rows offsets[i] to offsets[i + 1] - 1: n_series + 1 numbers that do not decrease, in 0..n_rows.
   * NULL: one series, all rows.
   */
  const int64_t *offsets;
  int64_t n_series;
  const int64_t *origin; /* n_series absolute numbers of first rows, 0 to 2^52; NULL: all 0 */
} tlw_window_batch;

/* No columns, no rows, one series, doubles. Thread-safety: any thread. */
TLW_API void tlw_window_batch_init(tlw_window_batch *batch);

#define TLW_WINDOW_SPECS_MAX 4096

/*
 * Computes outputs[k] by specs[k] for k from 0 to n_specs - 1 (0 to TLW_WINDOW_SPECS_MAX). Outputs are n_rows doubles
 * each, contiguous, aligned to 8 bytes, the caller's, and must overlap neither each other nor columns. Columns are read
 * once for all specs where that is faster.
 *
 * Memory is that of the engine and within its budgets: on the CPU what the longest window needs on each thread,
 * up to some 160 bytes a row of the window; on a device pieces of rows. It does not depend on the number of rows.
 *
 * The first call on an engine that runs on a GPU loads the kernels of windows, which compiles and tests them and may
 * take long, unless an earlier run has kept them (see tlw_engine_options.cache_dir).
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_BUDGET, TLW_ERR_MEMORY, TLW_ERR_DEVICE, TLW_ERR_DEVICE_LOST as tlw_chart_render;
 * TLW_ERR_UNAVAILABLE: these kernels can't be compiled or fail their self-test, the message says why, and the
 * engine goes on drawing charts.
 */
TLW_API tlw_status tlw_window_run(tlw_engine *engine, const tlw_window_batch *batch, const tlw_window_spec *specs,
                                  int32_t n_specs, double *const *outputs, tlw_error *error);

/* ---- row by row ---- */

/*
 * One operation over one series that grows. It gives for each row the bits that tlw_window_run gives for the whole
 * series. Its memory is taken once, when it is opened or cloned, and never grows. The columns of the spec are not
 * looked at: rows come as one number, or two for cov, corr and beta. Only tlw_window_state_close and _clear take NULL
 * in its place.
 */
typedef struct tlw_window_state tlw_window_state;

/*
 * origin: the absolute number of the first row, as in a batch. engine: whose host budget its memory counts against, and
 * which must be closed after it; or NULL. A reset of the engine leaves it as it is. Give it to tlw_window_state_close,
 * which takes the pointer's address; NULL inside is fine. TLW_ERR_ARGUMENT, TLW_ERR_BUDGET, TLW_ERR_MEMORY: *state is
 * NULL.
 */
TLW_API tlw_status tlw_window_state_open(const tlw_window_spec *spec, int64_t origin, tlw_engine *engine,
                                         tlw_window_state **state, tlw_error *error);
TLW_API void tlw_window_state_close(tlw_window_state **state);

/* Bytes of the state of a valid spec, all told; 0: the spec is not valid. */
TLW_API uint64_t tlw_window_state_size(const tlw_window_spec *spec);

/*
 * Adds a row and gives its result. y: of the second column, else not looked at. Neither allocates nor fails, whatever
 * the caller's rounding mode. It takes as long for a long window as for a short one, with two exceptions: where rows are
 * sorted the time grows with the root of the window, and of any `window` rows that are joined 8 take window / 8 joins.
 */
TLW_API double tlw_window_update(tlw_window_state *state, double x, double y);

/* Adds n rows, one by one, with results in output. y may be NULL for operations on one column. */
TLW_API void tlw_window_feed(tlw_window_state *state, const double *x, const double *y, int64_t n, double *output);

/* What tlw_window_update would give, as if the candle that is forming closed now; the state stays as it is. */
TLW_API double tlw_window_peek(const tlw_window_state *state, double x, double y);

/* Another state that goes on from here, of the same engine. As tlw_window_state_open. */
TLW_API tlw_status tlw_window_state_clone(const tlw_window_state *state, tlw_window_state **clone, tlw_error *error);

/* Makes it as if it had just been opened. */
TLW_API void tlw_window_state_clear(tlw_window_state *state);

#ifdef __cplusplus
}
#endif

#endif
