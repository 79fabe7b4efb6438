/* How rolling windows go about on a device: which kernels a task takes, and the memory of a piece of work. */
#ifndef TALLOW_GPU_WINDOWS_PLAN_H
#define TALLOW_GPU_WINDOWS_PLAN_H

#include "host/seam/backend.h"
#include "kernels/window_args.h"

enum tlw_window_path {
  TLW_PATH_DIRECT, /* folds of a few rows */
  TLW_PATH_TILE,   /* folds in shared memory */
  TLW_PATH_CHAIN,  /* folds by way of scratch */
  TLW_PATH_ORDER,
  TLW_PATH_SCAN,
};

enum tlw_window_path tlw_window_path_of(const tlk_window *window);

/* Rows that one group does of a fold in shared memory, a part of TLK_WINDOW_TILE; 0: the window is too long. */
int32_t tlw_window_tile_of(const tlk_window *window);

/* Tasks that share a piece of rows. */
#define TLW_GROUP_TASKS 16

struct tlw_window_group {
  const struct tlw_window_task *tasks;
  int32_t n_tasks, n_columns;
  const void *columns[2 * TLW_GROUP_TASKS]; /* each once */
  int32_t x[TLW_GROUP_TASKS], y[TLW_GROUP_TASKS];
  int64_t lead; /* rows before a piece that its outputs may look back on */
};

/* Of so many tasks from the first of these on. */
struct tlw_window_group tlw_window_group_of(const struct tlw_window_task *tasks, int32_t n);

/* Where what lies in a slot: room for a piece of `rows` outputs in `runs` series or less. Offsets are of the slot. */
struct tlw_window_slot {
  int64_t rows, runs;
  uint64_t tables, table_size; /* of all tasks; the host has them first */
  uint64_t columns, column_pitch;
  uint64_t outputs, output_pitch;
  uint64_t scratch;
  uint64_t size;
  uint64_t staging; /* host memory for the outputs */
};

struct tlw_window_slot tlw_window_slot_of(const struct tlw_window_job *job, const struct tlw_window_group *group,
                                          int64_t rows);

/* Tables that a task takes beside the tiles, in entries at most. */
uint64_t tlw_window_chains(const tlk_window *window, int64_t rows, int64_t runs);
uint64_t tlw_scan_blocks(int64_t rows, int64_t runs);
uint64_t tlw_scan_tiles(int64_t rows, int64_t runs);
uint64_t tlw_scan_stretches(int64_t rows, int64_t runs);

/* What the tasks carry from piece to piece, twice, in front of the slots. */
uint64_t tlw_window_carry_size(const struct tlw_window_group *group);

uint64_t tlw_window_align(uint64_t size);

#endif
