/* What a state of a rolling window is, by the way in which its operation works: folds, orders and scans. */
#ifndef TALLOW_WINDOW_STATE_H
#define TALLOW_WINDOW_STATE_H

#include "host/base/memory.h"
#include "kernels/core/scan.h"
#include "window.h"

struct tlw_state_way;

/* A fold's. Groups, blocks, phases: see fold_state.c. */
struct tlw_fold_state {
  int64_t row;    /* that comes next, from 0 */
  int64_t groups; /* of a window; 0: it is shorter than a group */
  int64_t place;  /* of the next group in its block */
  int32_t phase;  /* of the next group */
  int32_t tail;   /* rows of a window behind its groups */
};

/* An order's: the window's rows as they came, and sorted. */
struct tlw_order_state {
  int64_t rows; /* in the window */
  int64_t next; /* place of the next row in the ring; of the oldest one where the window is full */
  int64_t nans; /* in the window */
};

struct tlw_scan_chain {
  tlk_pair steps[3][TLK_SCAN_GROUP]; /* rows of the unfinished group, before each step of its tree */
  tlk_pair before;                   /* last row of the group before it, in its block */
  tlk_pair blocks;                   /* join of the blocks before, in the stretch */
  double carry;                      /* into the stretch */
};

struct tlw_scan_state {
  int64_t valid;                      /* rows so far */
  int64_t rows;                       /* since the scan began */
  double seed;                        /* sum of the first rows */
  struct tlw_scan_chain values, ones; /* ones: what x = 1 gives, where the operation adjusts */
};

/* One block of memory with nothing in it that points into it. */
struct tlw_window_state {
  tlk_window window;
  const struct tlw_state_way *way;
  struct tlw_memory *memory; /* or NULL */
  uint64_t size;             /* of the block */
  int64_t origin;
  union {
    struct tlw_fold_state fold;
    struct tlw_order_state order;
    struct tlw_scan_state scan;
  };
  double room[];
};

struct tlw_state_way {
  uint64_t (*room)(const tlk_window *window); /* bytes */
  void (*begin)(tlw_window_state *state);     /* what is not 0 at first */
  double (*update)(tlw_window_state *state, double x, double y);
  double (*peek)(const tlw_window_state *state, double x, double y);
};

/* The way of an operation. */
const struct tlw_state_way *tlw_fold_way(int32_t kind);
extern const struct tlw_state_way tlw_order_way, tlw_scan_way;

#endif
