/*
 * Rows of a piece as parts of folds, joined as core/window.h has it. `kind` is a constant. The least is found as the
 * greatest of the negated rows, which is the same to the bit.
 */
#ifndef TLK_WINDOW_PARTS_H
#define TLK_WINDOW_PARTS_H

#include "window_args.h"

/* The join of any two parts. Of parts with equally many rows it divides nothing. */
TLK_FN tlk_part tlk_join_parts(tlk_i32 kind, tlk_part a, tlk_part b) {
  if (b.n == 0.0) return a;
  if (a.n == 0.0) return b;
  tlk_weights w;
  w.p = w.q = 0.5;
  w.r = a.n * 0.5;
  if (a.n != b.n) w = tlk_weigh(a.n, b.n);
  return tlk_join_full(kind, a, b, w);
}

/* A row of the piece, empty where it is missing or skipped. */
TLK_FN tlk_part tlk_window_row(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 begin, tlk_i64 row) {
  if (row < begin) return tlk_empty();
  double x = tlk_number(m, a.x, a.narrow, row);
  if (kind == TLK_FOLD_MAX || kind == TLK_FOLD_ARGMAX) x *= a.sign;
  const double y = kind == TLK_FOLD_CROSS ? tlk_number(m, a.y, a.narrow, row) : 0.0;
  if (a.skip && (x != x || y != y)) return tlk_empty();
  return tlk_row(kind, x, y, (double)row);
}

/*
 * A power of two of rows, 8 at most, joined by pairs, these by pairs, and so on. A loop, since compilers at run time
 * take long for seven joins each time.
 */
TLK_FN tlk_part tlk_window_rows(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 begin, tlk_i64 row,
                                tlk_i32 count) {
  tlk_part one = tlk_empty(), two = one, four = one, part = one;
  TLK_UNROLL
  for (tlk_i32 i = 0; i < count; i++) {
    part = tlk_window_row(kind, a, m, begin, row + i);
    if (i & 1) {
      part = tlk_join_parts(kind, one, part);
      if (i & 2) {
        part = tlk_join_parts(kind, two, part);
        if (i & 4)
          part = tlk_join_parts(kind, four, part);
        else
          four = part;
      } else {
        two = part;
      }
    } else {
      one = part;
    }
  }
  return part;
}

/* The part of the groups of a window, and behind it the rows from `row` on that are left of it. */
TLK_FN tlk_part tlk_window_rest(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 begin, tlk_part part,
                                tlk_i64 row) {
  for (tlk_i32 count = 4; count > 0; count /= 2) {
    if (!(a.window & count)) continue;
    part = tlk_join_parts(kind, part, tlk_window_rows(kind, a, m, begin, row, count));
    row += count;
  }
  return part;
}

/* Windows below 8 rows, whose first row this is. */
TLK_FN tlk_part tlk_window_short(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 begin, tlk_i64 row) {
  tlk_part part = tlk_window_row(kind, a, m, begin, row);
  for (tlk_i64 i = 1; i < a.window; i++) part = tlk_join_parts(kind, part, tlk_window_row(kind, a, m, begin, row + i));
  return part;
}

/* The first and the last row of a window, whatever lies between. */
TLK_FN tlk_part tlk_window_ends(tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 begin, tlk_i64 row) {
  const tlk_i64 first = row < begin ? begin : row, last = row + a.window - 1;
  tlk_part part = tlk_empty();
  part.n = (double)(last - first + 1);
  part.v[0] = tlk_number(m, a.x, a.narrow, first);
  part.v[1] = tlk_number(m, a.x, a.narrow, last);
  return part;
}

/* The result for the row; which operations there are follows from the kind. */
TLK_FN void tlk_window_write(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_part part, tlk_i64 row) {
  const double least = (double)a.min_periods, newest = (double)row;
  double x;
  if (kind == TLK_FOLD_SUM)
    x = tlk_result(a.op == TLK_OP_MEAN ? TLK_OP_MEAN : TLK_OP_SUM, part, newest, a.ddof, least);
  else if (kind == TLK_FOLD_MAX) {
    part.v[0] *= a.sign;
    x = tlk_result(TLK_OP_MAX, part, newest, a.ddof, least);
  } else if (kind == TLK_FOLD_ARGMAX)
    x = tlk_result(TLK_OP_ARGMAX, part, newest, a.ddof, least);
  else if (kind == TLK_FOLD_MOMENTS)
    x = tlk_result(a.op == TLK_OP_STD ? TLK_OP_STD : TLK_OP_VAR, part, newest, a.ddof, least);
  else if (kind == TLK_FOLD_HIGHER)
    x = a.op == TLK_OP_SKEW ? tlk_result(TLK_OP_SKEW, part, newest, a.ddof, least)
                            : tlk_result(TLK_OP_KURTOSIS, part, newest, a.ddof, least);
  else if (kind == TLK_FOLD_CROSS)
    x = a.op == TLK_OP_COV    ? tlk_result(TLK_OP_COV, part, newest, a.ddof, least)
        : a.op == TLK_OP_CORR ? tlk_result(TLK_OP_CORR, part, newest, a.ddof, least)
                              : tlk_result(TLK_OP_BETA, part, newest, a.ddof, least);
  else if (kind == TLK_FOLD_WEIGHTED)
    x = tlk_result(TLK_OP_WMA, part, newest, a.ddof, least);
  else
    x = a.op == TLK_OP_FIRST   ? tlk_result(TLK_OP_FIRST, part, newest, a.ddof, least)
        : a.op == TLK_OP_LAST  ? tlk_result(TLK_OP_LAST, part, newest, a.ddof, least)
        : a.op == TLK_OP_DELTA ? tlk_result(TLK_OP_DELTA, part, newest, a.ddof, least)
                               : tlk_result(TLK_OP_RETURN, part, newest, a.ddof, least);
  TLK_AT(double, m, a.output)[row - a.lead] = x;
}

#endif
