/*
 * Averages that remember and running totals: blocks by themselves, then their ends along stretches, then those of
 * stretches along the series, then the results. Nothing waits for another group.
 */
#include "window_args.h"

#define TLK_SCAN_ROWS (TLK_SCAN_TILE_BLOCKS * TLK_SCAN_BLOCK)
#define TLK_SCAN_GROUPS (TLK_SCAN_BLOCK / TLK_SCAN_GROUP)

/* Rows lie in shared memory with a gap behind each group, so that lanes that read theirs meet in no bank. */
#define TLK_SCAN_PLACES (TLK_SCAN_ROWS + TLK_SCAN_ROWS / TLK_SCAN_GROUP)
TLK_FN tlk_i32 tlk_scan_place(tlk_i32 i) { return i + i / TLK_SCAN_GROUP; }

TLK_FN tlk_pair tlk_pair_of(double a, double v) {
  tlk_pair pair;
  pair.a = a;
  pair.v = v;
  return pair;
}

TLK_FN tlk_scan_pairs tlk_scan_empties(tlk_i32 kind) {
  const tlk_pair empty = tlk_scan_empty(kind);
  tlk_scan_pairs pairs;
  pairs.a = pairs.ones_a = empty.a;
  pairs.v = pairs.ones_v = empty.v;
  return pairs;
}

TLK_FN tlk_scan_pairs tlk_scan_join_both(tlk_i32 kind, tlk_i32 adjust, tlk_scan_pairs earlier, tlk_scan_pairs later) {
  const tlk_pair x = tlk_scan_join(kind, tlk_pair_of(earlier.a, earlier.v), tlk_pair_of(later.a, later.v));
  later.a = x.a;
  later.v = x.v;
  if (adjust) {
    const tlk_pair y =
        tlk_scan_join(kind, tlk_pair_of(earlier.ones_a, earlier.ones_v), tlk_pair_of(later.ones_a, later.ones_v));
    later.ones_a = y.a;
    later.ones_v = y.v;
  }
  return later;
}

/* A row as a pair; position 0 begins the scan. */
TLK_FN tlk_scan_pairs tlk_scan_row(tlk_i32 kind, tlk_i32 adjust, tlk_window_args a, double x, tlk_i64 position,
                                   double seed) {
  tlk_scan_pairs pairs = tlk_scan_empties(kind);
  if (a.skip && x != x) return pairs;
  pairs.a = pairs.ones_a = a.keep;
  pairs.v = kind == TLK_SCAN_LINEAR && !adjust ? a.gain * x : x;
  if (kind == TLK_SCAN_LINEAR && position == 0) pairs.v = seed;
  pairs.ones_v = 1.0;
  return pairs;
}

/* Where a group of lanes stands in its run. */
typedef struct {
  tlk_i32 block;    /* of the run, for this lane */
  tlk_i64 position; /* in the scan, of the first row of the group's blocks */
} tlk_scan_spot;

TLK_FN tlk_scan_spot tlk_scan_find(tlk_scan_run run, tlk_scan_tile t) {
  tlk_scan_spot spot;
  spot.block = t.item + (tlk_i32)TLK_LANE() / TLK_SCAN_GROUPS;
  spot.position = (run.first + t.item) * TLK_SCAN_BLOCK;
  return spot;
}

/* Rows that the piece or the scan lacks are NaN, and nothing comes of them. */
TLK_FN void tlk_scan_read(tlk_window_args a, TLK_GLOBAL tlk_u8 *m, tlk_scan_run run, tlk_scan_spot spot,
                          TLK_LOCAL double *x) {
  for (tlk_i32 i = (tlk_i32)TLK_LANE(); i < TLK_SCAN_ROWS; i += TLK_WINDOW_LANES) {
    const tlk_i64 position = spot.position + i, row = run.row + position;
    x[tlk_scan_place(i)] = position >= 0 && row < run.end ? tlk_number(m, a.x, a.narrow, row) : TLK_NAN;
  }
}

/* The rows of this lane's group, joined with those before in the group. */
TLK_FN void tlk_scan_group(tlk_i32 kind, tlk_i32 adjust, tlk_window_args a, tlk_scan_run run, tlk_scan_spot spot,
                           TLK_LOCAL const double *x, tlk_scan_pairs rows[TLK_SCAN_GROUP]) {
  const tlk_i32 from = (tlk_i32)TLK_LANE() * TLK_SCAN_GROUP;
  for (tlk_i32 i = 0; i < TLK_SCAN_GROUP; i++)
    rows[i] = tlk_scan_row(kind, adjust, a, x[tlk_scan_place(from + i)], spot.position + from + i, run.seed);
  for (tlk_i32 i = TLK_SCAN_GROUP - 1; i >= 1; i--) rows[i] = tlk_scan_join_both(kind, adjust, rows[i - 1], rows[i]);
  for (tlk_i32 i = TLK_SCAN_GROUP - 1; i >= 2; i--) rows[i] = tlk_scan_join_both(kind, adjust, rows[i - 2], rows[i]);
  for (tlk_i32 i = TLK_SCAN_GROUP - 1; i >= 4; i--) rows[i] = tlk_scan_join_both(kind, adjust, rows[i - 4], rows[i]);
}

/* Last rows of groups to what lies before each in its block; one lane a block, which gets the last row of the block. */
TLK_FN tlk_scan_pairs tlk_scan_along_block(tlk_i32 kind, tlk_i32 adjust, TLK_LOCAL tlk_scan_pairs *last) {
  tlk_scan_pairs before = tlk_scan_empties(kind);
  for (tlk_i32 i = 0; i < TLK_SCAN_GROUPS; i++) {
    const tlk_scan_pairs row = tlk_scan_join_both(kind, adjust, before, last[i]);
    last[i] = before;
    before = row;
  }
  return before;
}

TLK_FN void tlk_scan_ends(tlk_i32 kind, tlk_i32 adjust, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL double *x,
                          TLK_LOCAL tlk_scan_pairs *last) {
  const tlk_scan_tile t = TLK_AT(const tlk_scan_tile, m, a.tiles)[TLK_GROUP()];
  const tlk_scan_run run = TLK_AT(const tlk_scan_run, m, a.runs)[t.run];
  const tlk_scan_spot spot = tlk_scan_find(run, t);
  const tlk_u32 lane = TLK_LANE();
  tlk_scan_pairs rows[TLK_SCAN_GROUP];
  tlk_scan_read(a, m, run, spot, x);
  TLK_BARRIER();
  tlk_scan_group(kind, adjust, a, run, spot, x, rows);
  last[lane] = rows[TLK_SCAN_GROUP - 1];
  TLK_BARRIER();
  if (lane % TLK_SCAN_GROUPS != 0 || spot.block >= run.n_full) return;
  TLK_AT(tlk_scan_pairs, m, a.blocks)[run.block + spot.block] = tlk_scan_along_block(kind, adjust, last + lane);
}

/* A row's result, from what it is within its block. */
TLK_FN double tlk_scan_finish(tlk_i32 kind, tlk_i32 adjust, tlk_scan_pairs row, tlk_scan_pairs u, double c,
                              double ones_c) {
  const double value = tlk_scan_value(kind, tlk_pair_of(row.a, row.v), tlk_pair_of(u.a, u.v), c);
  double ones = 1.0;
  if (adjust) ones = tlk_scan_value(kind, tlk_pair_of(row.ones_a, row.ones_v), tlk_pair_of(u.ones_a, u.ones_v), ones_c);
  return tlk_scan_result(kind, adjust, value, ones);
}

TLK_FN void tlk_scan_results(tlk_i32 kind, tlk_i32 adjust, tlk_window_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL double *x,
                             TLK_LOCAL tlk_scan_pairs *last) {
  const tlk_scan_tile t = TLK_AT(const tlk_scan_tile, m, a.tiles)[TLK_GROUP()];
  const tlk_scan_run run = TLK_AT(const tlk_scan_run, m, a.runs)[t.run];
  const tlk_scan_spot spot = tlk_scan_find(run, t);
  const tlk_u32 lane = TLK_LANE();
  tlk_scan_pairs rows[TLK_SCAN_GROUP];
  tlk_scan_read(a, m, run, spot, x);
  TLK_BARRIER();
  tlk_scan_group(kind, adjust, a, run, spot, x, rows);
  last[lane] = rows[TLK_SCAN_GROUP - 1];
  TLK_BARRIER();
  if (lane % TLK_SCAN_GROUPS == 0) tlk_scan_along_block(kind, adjust, last + lane);
  TLK_BARRIER();
  if (spot.block < run.n_blocks && run.first + spot.block >= 0) {
    const tlk_i64 skipped = run.first > 0 ? run.first / (TLK_SCAN_STRETCH / TLK_SCAN_BLOCK) : 0;
    const tlk_i64 stretch = (run.first + spot.block) / (TLK_SCAN_STRETCH / TLK_SCAN_BLOCK) - skipped;
    const tlk_scan_pairs u = TLK_AT(const tlk_scan_pairs, m, a.before)[run.block + spot.block];
    TLK_GLOBAL const double *carried = TLK_AT(const double, m, a.carried) + 2 * (run.stretch + stretch);
    const double c = carried[0], ones_c = carried[1];
    const tlk_scan_pairs before = last[lane];
    for (tlk_i32 i = 0; i < TLK_SCAN_GROUP; i++)
      x[tlk_scan_place((tlk_i32)lane * TLK_SCAN_GROUP + i)] =
          tlk_scan_finish(kind, adjust, tlk_scan_join_both(kind, adjust, before, rows[i]), u, c, ones_c);
  }
  TLK_BARRIER();
  for (tlk_i32 i = (tlk_i32)lane; i < TLK_SCAN_ROWS; i += TLK_WINDOW_LANES) {
    const tlk_i64 position = spot.position + i, row = run.row + position;
    if (row < run.begin || row >= run.end) continue;
    TLK_AT(double, m, a.output)[row - a.lead] = position >= 0 && row >= run.shown ? x[tlk_scan_place(i)] : TLK_NAN;
  }
}

#define TLK_SCAN_KERNELS(name, kind, adjust)                                                                           \
  TLK_KERNEL(tlk_scan_ends_##name, tlk_window_args) {                                                                  \
    TLK_SHARED(double, x, TLK_SCAN_PLACES);                                                                            \
    TLK_SHARED(tlk_scan_pairs, last, TLK_WINDOW_LANES);                                                                \
    tlk_scan_ends(kind, adjust, a, m, x, last);                                                                        \
  }                                                                                                                    \
  TLK_KERNEL(tlk_scan_results_##name, tlk_window_args) {                                                               \
    TLK_SHARED(double, x, TLK_SCAN_PLACES);                                                                            \
    TLK_SHARED(tlk_scan_pairs, last, TLK_WINDOW_LANES);                                                                \
    tlk_scan_results(kind, adjust, a, m, x, last);                                                                     \
  }

TLK_SCAN_KERNELS(linear, TLK_SCAN_LINEAR, 0)
TLK_SCAN_KERNELS(adjusted, TLK_SCAN_LINEAR, 1)
TLK_SCAN_KERNELS(total, a.kind, 0)

/* Of each block of a stretch what lies before it there, and the whole stretch; one group a stretch. */
TLK_KERNEL(tlk_scan_stretch, tlk_window_args) {
  TLK_SHARED(tlk_scan_pairs, ends, TLK_SCAN_LANES);
  const tlk_i32 blocks = TLK_SCAN_STRETCH / TLK_SCAN_BLOCK;
  const tlk_scan_tile t = TLK_AT(const tlk_scan_tile, m, a.tiles)[TLK_GROUP()];
  const tlk_scan_run run = TLK_AT(const tlk_scan_run, m, a.runs)[t.run];
  const tlk_i64 stretch = (run.first > 0 ? run.first / blocks : 0) + t.item;
  const tlk_i64 from = stretch * blocks - run.first, begin = from > 0 ? from : 0;
  const tlk_i64 most = from + blocks, end = most < run.n_blocks ? most : run.n_blocks;
  const tlk_i32 lane = (tlk_i32)TLK_LANE();
  tlk_scan_pairs u = tlk_scan_empties(a.kind);
  if (from < 0 && run.resumes && t.item == 0) u = TLK_AT(const tlk_scan_carry, m, a.carry)->u;
  for (tlk_i64 chunk = begin; chunk < end; chunk += TLK_SCAN_LANES) {
    if (chunk + lane < run.n_full && chunk + lane < end)
      ends[lane] = TLK_AT(const tlk_scan_pairs, m, a.blocks)[run.block + chunk + lane];
    TLK_BARRIER();
    for (tlk_i32 i = 0; lane == 0 && i < TLK_SCAN_LANES && chunk + i < end; i++) {
      const tlk_scan_pairs before = u;
      if (chunk + i < run.n_full) u = tlk_scan_join_both(a.kind, 1, u, ends[i]);
      ends[i] = before;
    }
    TLK_BARRIER();
    if (chunk + lane < end) TLK_AT(tlk_scan_pairs, m, a.before)[run.block + chunk + lane] = ends[lane];
    TLK_BARRIER();
  }
  if (lane == 0) TLK_AT(tlk_scan_pairs, m, a.stretches)[run.stretch + t.item] = u;
}

/* What is carried into each stretch, and to the next piece; one group a run. */
TLK_KERNEL(tlk_scan_carry_on, tlk_window_args) {
  TLK_SHARED(tlk_scan_pairs, u, TLK_SCAN_LANES);
  const tlk_i32 blocks = TLK_SCAN_STRETCH / TLK_SCAN_BLOCK, lane = (tlk_i32)TLK_LANE();
  const tlk_scan_run run = TLK_AT(const tlk_scan_run, m, a.runs)[TLK_GROUP()];
  const tlk_i64 skipped = run.first > 0 ? run.first / blocks : 0, behind = run.first + run.n_full;
  tlk_scan_carry carry;
  carry.u = tlk_scan_empties(a.kind);
  carry.c = carry.ones_c = carry.u.v;
  carry.unused[0] = carry.unused[1] = 0.0;
  if (run.resumes) carry = *TLK_AT(const tlk_scan_carry, m, a.carry);
  for (tlk_i32 chunk = 0; chunk < run.n_stretches; chunk += TLK_SCAN_LANES) {
    if (chunk + lane < run.n_stretches)
      u[lane] = TLK_AT(const tlk_scan_pairs, m, a.stretches)[run.stretch + chunk + lane];
    TLK_BARRIER();
    for (tlk_i32 i = 0; lane == 0 && i < TLK_SCAN_LANES && chunk + i < run.n_stretches; i++) {
      TLK_GLOBAL double *carried = TLK_AT(double, m, a.carried) + 2 * (run.stretch + chunk + i);
      carried[0] = carry.c;
      carried[1] = carry.ones_c;
      carry.u = u[i];
      if ((skipped + chunk + i + 1) * blocks > behind) continue;
      carry.c = tlk_scan_join(a.kind, tlk_pair_of(1.0, carry.c), tlk_pair_of(u[i].a, u[i].v)).v;
      carry.ones_c = tlk_scan_join(a.kind, tlk_pair_of(1.0, carry.ones_c), tlk_pair_of(u[i].ones_a, u[i].ones_v)).v;
      carry.u = tlk_scan_empties(a.kind);
    }
    TLK_BARRIER();
  }
  if (lane == 0 && run.carries) *TLK_AT(tlk_scan_carry, m, a.next_carry) = carry;
}
