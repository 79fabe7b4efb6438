/* Order statistics, one lane a window: selection among its own rows, which neighbouring lanes read together. */
#include "window_args.h"

/* What is known of a window without sorting it. */
typedef struct {
  tlk_i64 n, lesser, equal; /* valid rows; those below the newest, and equal to it */
  tlk_i32 has_nan;
  tlk_u64 least, most; /* keys */
} tlk_window_survey;

TLK_FN tlk_window_survey tlk_survey(tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 first, tlk_i64 last) {
  tlk_window_survey s;
  s.n = s.lesser = s.equal = 0;
  s.has_nan = 0;
  s.least = ~(tlk_u64)0;
  s.most = 0;
  const double newest = tlk_number(m, a.x, a.narrow, last);
  for (tlk_i64 i = first; i <= last; i++) {
    const double x = tlk_number(m, a.x, a.narrow, i);
    if (x != x) {
      s.has_nan = 1;
      continue;
    }
    const tlk_u64 key = tlk_sort_key(x);
    s.n++;
    s.lesser += x < newest;
    s.equal += x == newest;
    s.least = key < s.least ? key : s.least;
    s.most = key > s.most ? key : s.most;
  }
  return s;
}

/* Rows of a window by their keys, NaN left out: fewest below, how many at a pivot, and the least key above it. */
typedef struct {
  tlk_i64 below, at;
  tlk_u64 above;
} tlk_window_cut;

TLK_FN tlk_window_cut tlk_cut(tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 first, tlk_i64 last, tlk_u64 pivot) {
  tlk_window_cut cut;
  cut.below = cut.at = 0;
  cut.above = ~(tlk_u64)0;
  for (tlk_i64 i = first; i <= last; i++) {
    const double x = tlk_number(m, a.x, a.narrow, i);
    if (x != x) continue;
    const tlk_u64 key = tlk_sort_key(x);
    cut.below += key < pivot;
    cut.at += key == pivot;
    if (key > pivot && key < cut.above) cut.above = key;
  }
  return cut;
}

/* The key of the middle one, by position, of the rows from least to most, of which there are n. */
TLK_FN tlk_u64 tlk_middle_row(tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 first, tlk_i64 last, tlk_u64 least,
                              tlk_u64 most, tlk_i64 n) {
  tlk_i64 left = n / 2;
  for (tlk_i64 i = first; i <= last; i++) {
    const double x = tlk_number(m, a.x, a.narrow, i);
    if (x != x) continue;
    const tlk_u64 key = tlk_sort_key(x);
    if (key >= least && key <= most && left-- == 0) return key;
  }
  return least;
}

/*
 * Narrows the range of keys that has the row at `place` of the sorted ones, by a row in the middle of the window, which
 * halves random and rising rows alike, or by the middle of the range, which nothing can hinder.
 */
TLK_FN double tlk_select(tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 first, tlk_i64 last, tlk_window_survey s,
                         tlk_i64 place, double f) {
  tlk_u64 least = s.least, most = s.most;
  tlk_i64 below_least = 0, up_to_most = s.n;
  for (tlk_i32 step = 0;; step++) {
    const tlk_u64 pivot = step % 4 == 3 ? least + (most - least) / 2
                                        : tlk_middle_row(a, m, first, last, least, most, up_to_most - below_least);
    const tlk_window_cut cut = tlk_cut(a, m, first, last, pivot);
    if (place < cut.below) {
      most = pivot - 1;
      up_to_most = cut.below;
    } else if (place >= cut.below + cut.at) {
      least = cut.above;
      below_least = cut.below + cut.at;
    } else {
      const double low = tlk_from_sort_key(pivot);
      const tlk_i32 is_last = place + 1 >= s.n || place + 1 < cut.below + cut.at;
      return tlk_between(low, is_last ? low : tlk_from_sort_key(cut.above), f);
    }
  }
}

TLK_KERNEL(tlk_window_order, tlk_window_args) {
  const tlk_window_tile t = TLK_AT(const tlk_window_tile, m, a.tiles)[TLK_GROUP()];
  for (tlk_i32 i = (tlk_i32)TLK_LANE(); i < t.count; i += TLK_WINDOW_LANES) {
    const tlk_i64 last = t.row + i, from = last - a.window + 1, first = from < t.begin ? t.begin : from;
    const tlk_window_survey s = tlk_survey(a, m, first, last);
    double x = TLK_NAN;
    if (s.n >= a.min_periods && s.n > 0 && (a.skip || !s.has_nan)) {
      const double h = (double)(s.n - 1) * a.quantile;
      const tlk_i64 place = (tlk_i64)h;
      if (a.kind == TLK_ORDER_QUANTILE)
        x = tlk_one_nan(tlk_select(a, m, first, last, s, place, h - (double)place));
      else if (s.equal > 0)
        x = (double)s.lesser + (double)(s.equal + 1) / 2.0;
    }
    TLK_AT(double, m, a.output)[last - a.lead] = x;
  }
}
