/* Rolling windows in SIMD tiers: compiled once per instruction set and chosen at run time with the tier of the backend. */
#ifndef TALLOW_CPU_WINDOW_TIER_H
#define TALLOW_CPU_WINDOW_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/core/scan.h"
#include "kernels/core/window.h"

/* Rows of one series as doubles: x[0], and y[0] where there is a second column, are row `first` of it. */
struct tlw_cpu_rows {
  const double *x, *y;
  int64_t first;
  int64_t n;      /* of the series */
  int64_t origin; /* absolute number of its row 0 */
};

/* As tlk_pair, in numbers of one lane. */
struct tlw_cpu_pair {
  double a, v;
};

/* A scan between two pieces of a series, whose rows it takes in order. */
struct tlw_cpu_scan {
  int64_t valid; /* rows so far, since the first row that is not NaN */
  int64_t rows;  /* since the scan began */
  double seed;   /* sum of the first rows */
  struct tlw_cpu_chain {
    struct tlw_cpu_pair group[TLK_SCAN_GROUP]; /* rows of the unfinished group, as they came */
    struct tlw_cpu_pair before;                /* last row of the group before it, in its block */
    struct tlw_cpu_pair u;                     /* of the blocks before, in the stretch */
    double c;                                  /* carried into the stretch */
  } values, ones;                              /* ones: what x = 1 gives, where the operation adjusts */
};

/* A whole stretch of a scan. */
struct tlw_cpu_stretch {
  struct tlw_cpu_pair value, one; /* U of all its blocks */
  int64_t valid;
};

/* The name in this tier of a function that is compiled once per tier. */
#define TLW_TIERED(name) TLW_TIERED_JOIN(name, TLW_TIER_SUFFIX)
#define TLW_TIERED_JOIN(name, suffix) TLW_TIERED_PASTE(name, suffix)
#define TLW_TIERED_PASTE(name, suffix) name##_##suffix

/*
 * Each gives results of rows from to to - 1 of a series to output[0] on; the rows that their windows reach back to are
 * there. scratch: as many bytes as asked for, aligned to 64.
 */
struct tlw_cpu_window_tier {
  /*
   * begin: before the first piece of a task, and after others have had the scratch. streams: results go to memory that
   * will not be read soon.
   */
  uint64_t (*fold_scratch)(const tlk_window *w);
  void (*fold_begin)(const tlk_window *w, void *scratch);
  void (*fold)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to, double *output,
               bool streams, void *scratch);
  /*
   * Pieces of one task and one series that follow each other go on where the one before ended, if scratch is left alone
   * in between; its first 64 bytes are zeroed before the first of them. A first piece costs as many rows again as the
   * window has.
   */
  uint64_t (*order_scratch)(const tlk_window *w);
  void (*order)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to, double *output,
                void *scratch);
  /* scan is zeroed before the first row of a series. */
  void (*scan)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
               struct tlw_cpu_scan *scan, double *output, bool streams);
  /*
   * Stretches of one series at the same time: what rows from to from + TLK_SCAN_STRETCH - 1, which are a stretch, make
   * by themselves; then, one after the other, each takes a scan that stands before it to the next.
   */
  void (*stretch)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, struct tlw_cpu_stretch *stretch);
  void (*advance)(const tlk_window *w, const struct tlw_cpu_stretch *stretch, struct tlw_cpu_scan *scan);
};

#endif
