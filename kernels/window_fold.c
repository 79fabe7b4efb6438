/*
 * Folds of windows that fit shared memory: the groups of 8 rows of a tile, joined along their blocks there and back
 * (van Herk; Gil and Werman), then one join a window. One kernel a kind.
 */
#include "window_parts.h"

TLK_FN void tlk_keep_part(tlk_i32 kind, tlk_i32 entries, TLK_LOCAL double *v, TLK_LOCAL float *n, tlk_i32 i,
                          tlk_part part) {
  for (tlk_i32 k = 0; k < TLK_PART_MEMBERS; k++)
    if (k < tlk_part_members(kind)) v[k * entries + i] = part.v[k];
  n[i] = (float)part.n; /* a whole number below 2^24 */
}

TLK_FN tlk_part tlk_kept_part(tlk_i32 kind, tlk_i32 entries, TLK_LOCAL const double *v, TLK_LOCAL const float *n,
                              tlk_i32 i) {
  tlk_part part = tlk_empty();
  for (tlk_i32 k = 0; k < TLK_PART_MEMBERS; k++)
    if (k < tlk_part_members(kind)) part.v[k] = v[k * entries + i];
  part.n = (double)n[i];
  return part;
}

/* The groups of a tile, position 0 being that of its first window. */
typedef struct {
  tlk_i32 groups, count, reach; /* of a window; of windows; from the first group of a window to its last */
  tlk_i32 entries;
  tlk_i64 start; /* absolute number of position 0 */
} tlk_fold_shape;

/* Position of the first group of a chain: every eighth row of a block. */
TLK_FN tlk_i32 tlk_chain_base(tlk_fold_shape s, tlk_i32 chain) {
  const tlk_i64 block = tlk_floor_divide(tlk_floor_divide(s.start, 8), s.groups) + chain / 8;
  return (tlk_i32)(8 * block * s.groups + chain % 8 - s.start);
}

/* Prefixes for the windows' ends, behind the groups. */
TLK_FN void tlk_chain_prefixes(tlk_i32 kind, tlk_fold_shape s, TLK_LOCAL double *v, TLK_LOCAL float *n, tlk_i32 chain) {
  const tlk_i32 base = tlk_chain_base(s, chain);
  if (base < 0) return;
  tlk_part part = tlk_empty();
  for (tlk_i32 i = 0; i < s.groups; i++) {
    const tlk_i32 at = base + 8 * i;
    if (at >= s.count + s.reach) break;
    part = tlk_join_parts(kind, part, tlk_kept_part(kind, s.entries, v, n, at));
    if (at >= s.reach) tlk_keep_part(kind, s.entries, v, n, s.count + at, part);
  }
}

/* Suffixes for the windows' starts, in place of their groups. */
TLK_FN void tlk_chain_suffixes(tlk_i32 kind, tlk_fold_shape s, TLK_LOCAL double *v, TLK_LOCAL float *n, tlk_i32 chain) {
  const tlk_i32 base = tlk_chain_base(s, chain);
  if (base + s.reach >= s.count + s.reach) return;
  tlk_part part = tlk_empty();
  for (tlk_i32 at = base + s.reach; at >= base && at >= 0; at -= 8) {
    part = tlk_join_parts(kind, tlk_kept_part(kind, s.entries, v, n, at), part);
    if (at < s.count) tlk_keep_part(kind, s.entries, v, n, at, part);
  }
}

TLK_FN void tlk_fold_tile(tlk_i32 kind, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL double *v,
                          TLK_LOCAL float *n) {
  const tlk_i32 cuts = TLK_WINDOW_TILE / a.tile, lane = (tlk_i32)TLK_LANE();
  const tlk_window_tile t = TLK_AT(const tlk_window_tile, m, a.tiles)[TLK_GROUP() / (tlk_u32)cuts];
  const tlk_i32 from = (tlk_i32)(TLK_GROUP() % (tlk_u32)cuts) * a.tile;
  const tlk_i64 row = t.row + from, first = row - a.window + 1;
  tlk_fold_shape s;
  s.groups = (tlk_i32)(a.window / 8);
  s.count = t.count - from < a.tile ? t.count - from : a.tile;
  if (s.count < 0) s.count = 0;
  s.reach = 8 * (s.groups - 1);
  s.entries = TLK_FOLD_ENTRIES(tlk_part_members(kind));
  s.start = t.start + first;
  const tlk_i32 extent = s.count ? s.count + s.reach : 0;
  for (tlk_i32 i = lane; i < extent; i += TLK_WINDOW_LANES)
    tlk_keep_part(kind, s.entries, v, n, i, tlk_window_rows(kind, a, m, t.begin, first + i, 8));
  TLK_BARRIER();
  const tlk_i64 last = tlk_floor_divide(tlk_floor_divide(s.start + extent - 1, 8), s.groups);
  const tlk_i32 chains =
      extent == 0 ? 0 : 8 * (tlk_i32)(last - tlk_floor_divide(tlk_floor_divide(s.start, 8), s.groups) + 1);
  for (tlk_i32 c = lane; c < chains; c += TLK_WINDOW_LANES) tlk_chain_prefixes(kind, s, v, n, c);
  TLK_BARRIER();
  for (tlk_i32 c = lane; c < chains; c += TLK_WINDOW_LANES) tlk_chain_suffixes(kind, s, v, n, c);
  TLK_BARRIER();
  for (tlk_i32 i = lane; i < s.count; i += TLK_WINDOW_LANES) {
    const tlk_i64 group = tlk_floor_divide(s.start + i, 8);
    tlk_part part = tlk_kept_part(kind, s.entries, v, n, s.count + s.reach + i);
    if (group != tlk_floor_divide(group, s.groups) * s.groups)
      part = tlk_join_parts(kind, tlk_kept_part(kind, s.entries, v, n, i), part);
    part = tlk_window_rest(kind, a, m, t.begin, part, first + i + 8 * (tlk_i64)s.groups);
    tlk_window_write(kind, a, m, part, row + i);
  }
}

#define TLK_FOLD_KERNEL(name, kind, members)                                                                           \
  TLK_KERNEL(name, tlk_window_args) {                                                                                  \
    TLK_SHARED(double, v, TLK_FOLD_ENTRIES(members) * (members));                                                      \
    TLK_SHARED(float, n, TLK_FOLD_ENTRIES(members));                                                                   \
    tlk_fold_tile(kind, a, m, v, n);                                                                                   \
  }

TLK_FOLD_KERNEL(tlk_fold_sum, TLK_FOLD_SUM, 1)
TLK_FOLD_KERNEL(tlk_fold_most, TLK_FOLD_MAX, 1)
TLK_FOLD_KERNEL(tlk_fold_most_row, TLK_FOLD_ARGMAX, 2)
TLK_FOLD_KERNEL(tlk_fold_moments, TLK_FOLD_MOMENTS, 3)
TLK_FOLD_KERNEL(tlk_fold_higher, TLK_FOLD_HIGHER, 5)
TLK_FOLD_KERNEL(tlk_fold_cross, TLK_FOLD_CROSS, 7)
TLK_FOLD_KERNEL(tlk_fold_weighted, TLK_FOLD_WEIGHTED, 2)
TLK_FOLD_KERNEL(tlk_fold_ends, TLK_FOLD_ENDS, 2)
