/* The tables that the window kernels go by: which rows each of their groups does. */
#ifndef TALLOW_GPU_WINDOWS_TABLES_H
#define TALLOW_GPU_WINDOWS_TABLES_H

#include "windows_plan.h"

/* Rows of a piece: from `begin` to `end` - 1, in series `series` and on; from `first` on they are on the device. */
struct tlw_window_piece {
  int64_t begin, end, first;
  int64_t series, n_series; /* those with rows in it, empty ones among them */
};

/* The next piece from row `begin` on, in this series or behind it. The slot has room for it. */
struct tlw_window_piece tlw_window_piece_of(const struct tlw_window_job *job, const struct tlw_window_group *group,
                                            const struct tlw_window_slot *slot, int64_t begin, int64_t series);

/* Where the scan of a series begins, as rows of the series. */
struct tlw_scan_begin {
  int64_t series; /* whose they are, plus 1 */
  int64_t row, shown;
  double seed;
};

/* A table in the making; offsets count from its begin. */
struct tlw_window_table {
  unsigned char *data;
  uint64_t size;
};

/* How many groups of lanes a kernel takes, and where its entries lie. */
struct tlw_window_work {
  uint64_t offset;
  uint32_t groups;
};

struct tlw_window_scan_work {
  struct tlw_window_work runs, tiles, stretches;
};

struct tlw_window_work tlw_window_tiles(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                                        struct tlw_window_table *table);
struct tlw_window_work tlw_window_chain_tiles(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                                              const tlk_window *window, struct tlw_window_table *table);
/* *begin is that of the series that the piece before ended in, and is kept for the next. */
struct tlw_window_scan_work tlw_window_scans(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                                             const struct tlw_window_task *task, struct tlw_scan_begin *begin,
                                             struct tlw_window_table *table);

#endif
