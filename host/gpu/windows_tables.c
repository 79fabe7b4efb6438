#include "windows_tables.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- pieces ---- */

struct tlw_window_piece tlw_window_piece_of(const struct tlw_window_job *job, const struct tlw_window_group *group,
                                            const struct tlw_window_slot *slot, int64_t begin, int64_t series) {
  const int64_t *offsets = job->offsets;
  while (offsets[series + 1] <= begin) series++;
  struct tlw_window_piece piece = {.begin = begin, .series = series};
  piece.end = least(begin + slot->rows, offsets[job->n_series]);
  piece.first = most(begin - group->lead, offsets[series]);
  int64_t runs = 0;
  for (; series < job->n_series && offsets[series] < piece.end; series++) {
    if (offsets[series + 1] == offsets[series]) continue;
    if (runs == slot->runs) piece.end = offsets[series];
    if (runs < slot->runs) runs++, piece.n_series = series + 1 - piece.series;
  }
  return piece;
}

/* The rows of a series in a piece. */
struct run {
  int64_t series;
  tlk_window_tile rows;
};

/* False where it has none. */
static bool find_run(const struct tlw_window_job *job, const struct tlw_window_piece *piece, int64_t i,
                     struct run *run) {
  const int64_t series = piece->series + i, begin = job->offsets[series], first = piece->first;
  const int64_t from = most(begin, piece->begin), end = least(job->offsets[series + 1], piece->end);
  *run = (struct run){.series = series};
  if (from >= end) return false;
  run->rows = (tlk_window_tile){
      .row = from - first,
      .begin = most(begin, first) - first,
      .start = (job->origin ? job->origin[series] : 0) + first - begin,
      .count = (tlk_i32)(end - from),
  };
  return true;
}

/* ---- tables ---- */

static void *add(struct tlw_window_table *table, uint64_t size) {
  void *place = table->data + table->size;
  table->size += size;
  return place;
}

struct tlw_window_work tlw_window_tiles(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                                        struct tlw_window_table *table) {
  struct tlw_window_work work = {.offset = table->size};
  struct run run;
  for (int64_t i = 0; i < piece->n_series; i++) {
    if (!find_run(job, piece, i, &run)) continue;
    for (int32_t left = run.rows.count; left > 0; left -= TLK_WINDOW_TILE) {
      tlk_window_tile *tile = add(table, sizeof *tile);
      *tile = run.rows;
      tile->count = left < TLK_WINDOW_TILE ? left : TLK_WINDOW_TILE;
      run.rows.row += TLK_WINDOW_TILE;
      work.groups++;
    }
  }
  return work;
}

static int64_t floor_divide(int64_t a, int64_t b) { return tlk_floor_divide(a, b); }

struct tlw_window_work tlw_window_chain_tiles(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                                              const tlk_window *window, struct tlw_window_table *table) {
  struct tlw_window_work work = {.offset = table->size};
  const int64_t groups = window->window / 8;
  struct run run;
  for (int64_t i = 0; i < piece->n_series; i++) {
    if (!find_run(job, piece, i, &run)) continue;
    const int64_t start = run.rows.start + run.rows.row - window->window + 1;
    const int64_t last = start + run.rows.count + 8 * (groups - 1) - 1;
    const int64_t blocks =
        floor_divide(floor_divide(last, 8), groups) - floor_divide(floor_divide(start, 8), groups) + 1;
    for (int64_t block = 0; block < blocks; block += TLK_CHAIN_BLOCKS) {
      tlk_window_tile *tile = add(table, sizeof *tile);
      *tile = run.rows;
      tile->first = (tlk_i32)block;
      work.groups++;
    }
  }
  return work;
}

/* ---- where scans begin ---- */

static double number_at(const struct tlw_window_job *job, const void *column, int64_t row) {
  return job->type == TLW_TYPE_F32 ? (double)((const float *)column)[row] : ((const double *)column)[row];
}

static void find_begin(const struct tlw_window_job *job, const struct tlw_window_task *task, int64_t series,
                       struct tlw_scan_begin *begin) {
  const tlk_window *w = &task->window;
  const int64_t base = job->offsets[series], n = job->offsets[series + 1] - base;
  const int64_t needed = w->seed_mean ? w->window : 1;
  *begin = (struct tlw_scan_begin){.series = series + 1, .row = n, .shown = n};
  double sum = 0;
  int64_t valid = 0;
  for (int64_t i = 0; i < n && (valid < needed || begin->shown == n); i++) {
    const double x = number_at(job, task->x, base + i);
    if (x != x && (w->skip || valid == 0)) continue;
    if (valid == 0 && !w->skip) begin->shown = w->min_periods - 1 < n - i ? i + w->min_periods - 1 : n;
    valid++;
    if (valid <= needed) sum = valid == 1 ? x : sum + x;
    if (valid == needed) {
      begin->row = i;
      begin->seed = w->seed_mean ? sum / (double)w->window : sum;
    }
    if (w->skip && valid == w->min_periods) begin->shown = i;
    if (!w->skip && valid >= needed) return;
  }
}

/* ---- scans ---- */

static tlk_scan_run scan_run(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                             const struct run *run, const struct tlw_scan_begin *begin) {
  const int64_t base = job->offsets[run->series] - piece->first;
  tlk_scan_run r = {
      .row = base + begin->row,
      .begin = run->rows.row,
      .end = run->rows.row + run->rows.count,
      .shown = base + begin->shown,
      .seed = begin->seed,
  };
  const int64_t behind = r.end - r.row;
  r.first = floor_divide(r.begin - r.row, TLK_SCAN_BLOCK);
  r.n_blocks = (tlk_i32)(floor_divide(behind - 1, TLK_SCAN_BLOCK) - r.first + 1);
  r.n_full = (tlk_i32)(floor_divide(behind, TLK_SCAN_BLOCK) - r.first);
  r.resumes = piece->begin > job->offsets[run->series];
  r.carries = piece->end < job->offsets[run->series + 1];
  if (behind > 0) {
    const int64_t blocks = TLK_SCAN_STRETCH / TLK_SCAN_BLOCK, skipped = most(r.first, 0) / blocks;
    r.n_stretches = (tlk_i32)((r.first + r.n_blocks - 1) / blocks - skipped + 1);
  }
  return r;
}

static struct tlw_window_work scan_tiles(const tlk_scan_run *runs, uint32_t n, bool by_stretch,
                                         struct tlw_window_table *table) {
  struct tlw_window_work work = {.offset = table->size};
  for (uint32_t run = 0; run < n; run++) {
    const int32_t items = by_stretch ? runs[run].n_stretches : runs[run].n_blocks;
    for (int32_t item = 0; item < items; item += by_stretch ? 1 : TLK_SCAN_TILE_BLOCKS) {
      tlk_scan_tile *tile = add(table, sizeof *tile);
      *tile = (tlk_scan_tile){(tlk_i32)run, item};
      work.groups++;
    }
  }
  return work;
}

struct tlw_window_scan_work tlw_window_scans(const struct tlw_window_job *job, const struct tlw_window_piece *piece,
                                             const struct tlw_window_task *task, struct tlw_scan_begin *begin,
                                             struct tlw_window_table *table) {
  struct tlw_window_scan_work work = {.runs.offset = table->size};
  tlk_scan_run *runs = (tlk_scan_run *)(void *)(table->data + table->size);
  int32_t blocks = 0, stretches = 0;
  struct run run;
  for (int64_t i = 0; i < piece->n_series; i++) {
    if (!find_run(job, piece, i, &run)) continue;
    if (begin->series != run.series + 1) find_begin(job, task, run.series, begin);
    tlk_scan_run *r = add(table, sizeof *r);
    *r = scan_run(job, piece, &run, begin);
    r->block = blocks;
    r->stretch = stretches;
    blocks += r->n_blocks;
    stretches += r->n_stretches;
    work.runs.groups++;
  }
  work.tiles = scan_tiles(runs, work.runs.groups, false, table);
  work.stretches = scan_tiles(runs, work.runs.groups, true, table);
  return work;
}
