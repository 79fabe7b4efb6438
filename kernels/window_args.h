/*
 * Arguments of the window kernels, and how these read rows. A piece of work is some rows of the columns: `lead` rows
 * that windows look back on, and behind them those that have outputs. Rows are counted from the first of the piece.
 */
#ifndef TLK_WINDOW_ARGS_H
#define TLK_WINDOW_ARGS_H

#include "core/scan.h"

/* Lanes of a group. */
#define TLK_WINDOW_LANES 128

/* Rows of one series, a unit of work. */
typedef struct {
  tlk_i64 row;   /* first with an output */
  tlk_i64 begin; /* first that is there: those before are missing */
  tlk_i64 start; /* the absolute number of row 0 of the piece, if it were of the series */
  tlk_i32 count; /* rows with outputs */
  tlk_i32 first; /* of the blocks of a chain, see TLK_CHAIN_BLOCKS */
} tlk_window_tile;

/* Most rows of a tile; kernels may cut it into equal parts, one a group. */
#define TLK_WINDOW_TILE 1024

/* The parts of a tile lie in shared memory: so many of members numbers and a count each. */
#define TLK_FOLD_SHARED 32256
#define TLK_FOLD_ENTRIES(members) (TLK_FOLD_SHARED / (8 * (members) + 4))

/* Blocks that one group joins in scratch, each of the 8 phases of a block by a lane, there and back. */
#define TLK_CHAIN_BLOCKS (TLK_WINDOW_LANES / 16)

/* A series in a scan. Blocks are those of core/scan.h. */
typedef struct {
  tlk_i64 row;        /* that the scan begins with; may lie before or behind the piece */
  tlk_i64 first;      /* block of the first row with an output; below 0: before the scan */
  tlk_i64 begin, end; /* rows with outputs */
  tlk_i64 shown;      /* first row with enough valid ones */
  double seed;        /* v of the row that the scan begins with */
  tlk_i32 n_blocks;   /* from `first` on */
  tlk_i32 n_full;     /* of these, blocks that are complete */
  tlk_i32 block;      /* of the tables of blocks, for `first` */
  tlk_i32 stretch;    /* likewise of stretches, for the first that is not before the scan */
  tlk_i32 n_stretches;
  tlk_i32 resumes; /* what the piece before has carried counts */
  tlk_i32 carries; /* to the next piece */
  tlk_i32 unused;
} tlk_scan_run;

/* Blocks of a run that one group does. */
#define TLK_SCAN_TILE_BLOCKS (TLK_WINDOW_LANES * TLK_SCAN_GROUP / TLK_SCAN_BLOCK)

/* Of a run: its blocks from `item` on, counted from its first; or a stretch, likewise. */
typedef struct {
  tlk_i32 run, item;
} tlk_scan_tile;

/* Lanes of a group that joins blocks along a stretch, or stretches along a run. */
#define TLK_SCAN_LANES 64

/* A pair and that of x = 1, for operations that adjust. */
typedef struct {
  double a, v, ones_a, ones_v;
} tlk_scan_pairs;

/* What one piece leaves to the next. */
typedef struct {
  tlk_scan_pairs u;
  double c, ones_c;
  double unused[2];
} tlk_scan_carry;

typedef struct {
  tlk_u64 x, y;   /* columns */
  tlk_u64 output; /* of the first row behind the lead */
  tlk_u64 tiles;  /* tlk_window_tile or, of a scan, tlk_scan_tile */
  /* Folds of long windows: n of suffixes by output and member, then their counts; then prefixes. */
  tlk_u64 suffixes, suffix_counts, prefixes, prefix_counts;
  /* Scans: tlk_scan_run; tlk_scan_pairs by block, of it and of those before it; by stretch; carried values */
  tlk_u64 runs, blocks, before, stretches, carried;
  /* From the piece before and to the next: not the same, for one run may read while another writes. */
  tlk_u64 carry, next_carry;
  tlk_i64 lead, rows; /* rows with outputs */
  tlk_i64 window, min_periods;
  double quantile, ddof, keep, gain;
  double sign;    /* -1 where the least is sought by kernels that seek the greatest */
  tlk_i32 narrow; /* columns of floats */
  tlk_i32 kind, op, skip;
  tlk_i32 tile; /* rows with outputs of a group */
} tlk_window_args;

TLK_FN double tlk_number(TLK_GLOBAL tlk_u8 *m, tlk_u64 column, tlk_i32 narrow, tlk_i64 row) {
  return narrow ? (double)TLK_AT(const float, m, column)[row] : TLK_AT(const double, m, column)[row];
}

TLK_FN tlk_i64 tlk_floor_divide(tlk_i64 a, tlk_i64 b) { return a / b - (a % b < 0); }

#endif
