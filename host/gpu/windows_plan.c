#include "windows_plan.h"

#include "host/base/pool.h"

/* A series takes tables: pieces of shorter ones than this, on average, have fewer rows. */
#define ROWS_OF_RUN 32

uint64_t tlw_window_align(uint64_t size) { return (size + TLW_POOL_ALIGN - 1) / TLW_POOL_ALIGN * TLW_POOL_ALIGN; }

static int64_t reach_of(const tlk_window *window) { return 8 * (window->window / 8 - 1); }

/* Of a group's rows no less than a fifth are its own. */
int32_t tlw_window_tile_of(const tlk_window *window) {
  const int64_t entries = TLK_FOLD_ENTRIES(tlk_part_members(window->kind)), reach = reach_of(window);
  for (int32_t tile = TLK_WINDOW_TILE; tile >= TLK_WINDOW_LANES; tile /= 2)
    if (2 * tile + reach <= entries) return reach <= 4 * tile ? tile : 0;
  return 0;
}

enum tlw_window_path tlw_window_path_of(const tlk_window *window) {
  if (window->kind >= TLK_SCAN_LINEAR) return TLW_PATH_SCAN;
  if (window->kind >= TLK_FOLDS) return TLW_PATH_ORDER;
  if (window->window < 8 || (window->kind == TLK_FOLD_ENDS && !window->skip)) return TLW_PATH_DIRECT;
  return tlw_window_tile_of(window) ? TLW_PATH_TILE : TLW_PATH_CHAIN;
}

static int32_t add_column(struct tlw_window_group *group, const void *column) {
  for (int32_t i = 0; i < group->n_columns; i++)
    if (group->columns[i] == column) return i;
  group->columns[group->n_columns] = column;
  return group->n_columns++;
}

static int64_t lead_of(const tlk_window *window) {
  return tlw_window_path_of(window) == TLW_PATH_SCAN ? TLK_SCAN_BLOCK - 1 : window->window - 1;
}

struct tlw_window_group tlw_window_group_of(const struct tlw_window_task *tasks, int32_t n) {
  struct tlw_window_group group = {.tasks = tasks, .n_tasks = n};
  for (int32_t i = 0; i < n; i++) {
    group.x[i] = group.y[i] = add_column(&group, tasks[i].x);
    if (tasks[i].y) group.y[i] = add_column(&group, tasks[i].y);
    const int64_t lead = lead_of(&tasks[i].window);
    if (lead > group.lead) group.lead = lead;
  }
  return group;
}

uint64_t tlw_window_chains(const tlk_window *window, int64_t rows, int64_t runs) {
  const int64_t block = window->window / 8 * 8;
  return (uint64_t)(rows / (block * TLK_CHAIN_BLOCKS) + 2 * runs + 1);
}

uint64_t tlw_scan_blocks(int64_t rows, int64_t runs) { return (uint64_t)(rows / TLK_SCAN_BLOCK + 2 * runs + 1); }

uint64_t tlw_scan_tiles(int64_t rows, int64_t runs) {
  return (uint64_t)(rows / (TLK_SCAN_BLOCK * TLK_SCAN_TILE_BLOCKS) + 2 * runs + 1);
}

uint64_t tlw_scan_stretches(int64_t rows, int64_t runs) { return (uint64_t)(rows / TLK_SCAN_STRETCH + 3 * runs + 1); }

static uint64_t tables_of(const tlk_window *window, int64_t rows, int64_t runs) {
  switch (tlw_window_path_of(window)) {
  case TLW_PATH_CHAIN:
    return tlw_window_chains(window, rows, runs) * sizeof(tlk_window_tile);
  case TLW_PATH_SCAN:
    return (uint64_t)runs * sizeof(tlk_scan_run) +
           (tlw_scan_tiles(rows, runs) + tlw_scan_stretches(rows, runs)) * sizeof(tlk_scan_tile);
  default:
    return 0;
  }
}

static uint64_t scratch_of(const tlk_window *window, int64_t rows, int64_t runs) {
  const uint64_t members = (uint64_t)tlk_part_members(window->kind), n = (uint64_t)rows;
  switch (tlw_window_path_of(window)) {
  case TLW_PATH_CHAIN:
    return 2 * (tlw_window_align(members * n * sizeof(double)) + tlw_window_align(n * sizeof(float)));
  case TLW_PATH_SCAN:
    return 2 * tlw_window_align(tlw_scan_blocks(rows, runs) * sizeof(tlk_scan_pairs)) +
           tlw_window_align(tlw_scan_stretches(rows, runs) * sizeof(tlk_scan_pairs)) +
           tlw_window_align(tlw_scan_stretches(rows, runs) * 2 * sizeof(double));
  default:
    return 0;
  }
}

static uint64_t take(struct tlw_window_slot *slot, uint64_t size) {
  const uint64_t at = slot->size;
  slot->size += tlw_window_align(size);
  return at;
}

struct tlw_window_slot tlw_window_slot_of(const struct tlw_window_job *job, const struct tlw_window_group *group,
                                          int64_t rows) {
  struct tlw_window_slot slot = {.rows = rows, .runs = rows / ROWS_OF_RUN + 1};
  if (slot.runs > job->n_series) slot.runs = job->n_series;
  const uint64_t width = job->type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double);
  uint64_t scratch = 0;
  slot.table_size = (uint64_t)(rows / TLK_WINDOW_TILE + slot.runs) * sizeof(tlk_window_tile);
  for (int32_t i = 0; i < group->n_tasks; i++) {
    const tlk_window *window = &group->tasks[i].window;
    const uint64_t needed = scratch_of(window, rows, slot.runs);
    slot.table_size += tables_of(window, rows, slot.runs);
    if (needed > scratch) scratch = needed;
  }
  slot.column_pitch = tlw_window_align((uint64_t)(group->lead + rows) * width);
  slot.output_pitch = tlw_window_align((uint64_t)rows * sizeof(double));
  slot.staging = (uint64_t)group->n_tasks * (uint64_t)rows * sizeof(double);
  slot.tables = take(&slot, slot.table_size);
  slot.columns = take(&slot, (uint64_t)group->n_columns * slot.column_pitch);
  slot.outputs = take(&slot, (uint64_t)group->n_tasks * slot.output_pitch);
  slot.scratch = take(&slot, scratch);
  return slot;
}

uint64_t tlw_window_carry_size(const struct tlw_window_group *group) {
  return tlw_window_align(2 * (uint64_t)group->n_tasks * sizeof(tlk_scan_carry));
}
