/*
 * Folds of windows that are too long for shared memory: suffixes and prefixes of blocks go to scratch, one lane a
 * chain of every eighth group of 8 rows; then one join a window. Two kernels a kind; the second also does windows that
 * are too short for all this.
 */
#include "window_parts.h"

TLK_FN void tlk_store_part(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_u64 parts, tlk_u64 counts,
                           tlk_i64 i, tlk_part part) {
  for (tlk_i32 k = 0; k < TLK_PART_MEMBERS; k++)
    if (k < tlk_part_members(kind)) TLK_AT(double, m, parts)[k * a.rows + i] = part.v[k];
  TLK_AT(float, m, counts)[i] = (float)part.n; /* a whole number below 2^24 */
}

TLK_FN tlk_part tlk_stored_part(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_u64 parts, tlk_u64 counts,
                                tlk_i64 i) {
  tlk_part part = tlk_empty();
  for (tlk_i32 k = 0; k < TLK_PART_MEMBERS; k++)
    if (k < tlk_part_members(kind)) part.v[k] = TLK_AT(const double, m, parts)[k * a.rows + i];
  part.n = (double)TLK_AT(const float, m, counts)[i];
  return part;
}

/*
 * How many of a chain's groups from position `at` on to pass over, for they lie before the rows that are there and no
 * window begins or, of prefixes, ends with them: a short series takes no longer for a long window.
 */
TLK_FN tlk_i64 tlk_idle_groups(tlk_i64 at, tlk_i64 there, tlk_i64 count, tlk_i64 reach, tlk_i32 back) {
  const tlk_i64 until = there < reach ? there : reach;
  if (back) return at < there && at >= count ? (at - count) / 8 + 1 : 0;
  return at < until ? (until - at + 7) / 8 : 0;
}

/* Along a block and one phase of its rows: for windows by their ends, or back, for windows by their starts. */
TLK_FN void tlk_fold_chain(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m) {
  const tlk_window_tile t = TLK_AT(const tlk_window_tile, m, a.tiles)[TLK_GROUP()];
  const tlk_i32 chain = (tlk_i32)TLK_LANE() % (8 * TLK_CHAIN_BLOCKS);
  const tlk_i32 back = TLK_LANE() >= 8 * TLK_CHAIN_BLOCKS;
  const tlk_i64 groups = a.window / 8, reach = 8 * (groups - 1), first = t.row - a.window + 1, start = t.start + first;
  const tlk_i64 block = tlk_floor_divide(tlk_floor_divide(start, 8), groups) + t.first + chain / 8;
  /* Positions count from the first window's first row, of groups by theirs. */
  const tlk_i64 base = 8 * block * groups + chain % 8 - start, end = base + reach, count = t.count;
  if (back ? end >= count + reach || end < 0 : base < 0 || base >= count + reach) return;
  const tlk_i64 out = t.row - a.lead, there = t.begin - first - 7;
  tlk_part part = tlk_empty();
  for (tlk_i64 i = 0; i < groups; i++) {
    i += tlk_idle_groups(back ? end - 8 * i : base + 8 * i, there, count, reach, back);
    const tlk_i64 at = back ? end - 8 * i : base + 8 * i;
    if (i >= groups || at < 0 || at >= count + reach) return;
    const tlk_part group = tlk_window_rows(kind, a, m, t.begin, first + at, 8);
    part = tlk_join_parts(kind, back ? group : part, back ? part : group);
    if (back && at < count) tlk_store_part(kind, a, m, a.suffixes, a.suffix_counts, out + at, part);
    if (!back && at >= reach) tlk_store_part(kind, a, m, a.prefixes, a.prefix_counts, out + at - reach, part);
  }
}

/* The part of the window from row `first` on, of what the chains left. */
TLK_FN tlk_part tlk_joined_window(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_window_tile t,
                                  tlk_i64 first) {
  const tlk_i64 groups = a.window / 8, group = tlk_floor_divide(t.start + first, 8);
  const tlk_i64 out = first + a.window - 1 - a.lead;
  tlk_part part = tlk_stored_part(kind, a, m, a.prefixes, a.prefix_counts, out);
  if (group != tlk_floor_divide(group, groups) * groups)
    part = tlk_join_parts(kind, tlk_stored_part(kind, a, m, a.suffixes, a.suffix_counts, out), part);
  return tlk_window_rest(kind, a, m, t.begin, part, first + 8 * groups);
}

/* Windows below 8 rows, and those of which only the ends count, take no chains. */
TLK_FN void tlk_fold_join(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m) {
  const tlk_window_tile t = TLK_AT(const tlk_window_tile, m, a.tiles)[TLK_GROUP()];
  for (tlk_i32 i = (tlk_i32)TLK_LANE(); i < t.count; i += TLK_WINDOW_LANES) {
    const tlk_i64 row = t.row + i, first = row - a.window + 1;
    tlk_part part;
    if (kind == TLK_FOLD_ENDS && !a.skip)
      part = tlk_window_ends(a, m, t.begin, first);
    else if (a.window < 8)
      part = tlk_window_short(kind, a, m, t.begin, first);
    else
      part = tlk_joined_window(kind, a, m, t, first);
    tlk_window_write(kind, a, m, part, row);
  }
}

#define TLK_LONG_KERNELS(name, kind)                                                                                   \
  TLK_KERNEL(tlk_chain_##name, tlk_window_args) { tlk_fold_chain(kind, a, m); }                                        \
  TLK_KERNEL(tlk_join_##name, tlk_window_args) { tlk_fold_join(kind, a, m); }

TLK_LONG_KERNELS(sum, TLK_FOLD_SUM)
TLK_LONG_KERNELS(most, TLK_FOLD_MAX)
TLK_LONG_KERNELS(most_row, TLK_FOLD_ARGMAX)
TLK_LONG_KERNELS(moments, TLK_FOLD_MOMENTS)
TLK_LONG_KERNELS(higher, TLK_FOLD_HIGHER)
TLK_LONG_KERNELS(cross, TLK_FOLD_CROSS)
TLK_LONG_KERNELS(weighted, TLK_FOLD_WEIGHTED)
TLK_LONG_KERNELS(ends, TLK_FOLD_ENDS)
