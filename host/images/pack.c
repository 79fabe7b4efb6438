#include "pack.h"

#include "host/cpu/columns.h"

static bool is_aligned(const void *column) { return (uintptr_t)column % sizeof(double) == 0; }

static bool is_direct(const tlw_candles *c) {
  return c->type == TLW_TYPE_F64 && (c->stride == 0 || c->stride == sizeof(double)) && is_aligned(c->open) &&
         is_aligned(c->high) && is_aligned(c->low) && is_aligned(c->close) && is_aligned(c->volume);
}

static uint64_t columns_of(const tlw_candles *candles) { return candles->volume ? 5 : 4; }

uint64_t tlw_image_rows_each(const struct tlw_image_request *request) {
  if (is_direct(&request->candles)) return 0;
  return columns_of(&request->candles) * 2 * (uint64_t)request->options->window * sizeof(double);
}

void tlw_image_columns(const tlw_candles *candles, struct tlw_images_job *job) {
  job->open = candles->open;
  job->high = candles->high;
  job->low = candles->low;
  job->close = candles->close;
  job->volume = candles->volume;
}

/* Rows that follow each other, here and where they are copied to. */
struct run {
  int64_t from, end; /* rows of the candles */
  int64_t at;        /* where the first of them goes */
};

/* Copies a run's rows into all columns, each of which has `room` rows. */
static void copy(const tlw_candles *c, struct run run, double *rows, int64_t room) {
  const void *const columns[] = {c->open, c->high, c->low, c->close, c->volume};
  for (uint64_t i = 0; i < columns_of(c); i++, rows += room)
    tlw_cpu_gather(rows + run.at, columns[i], c->type, c->stride, run.from, run.end - run.from);
}

uint64_t tlw_image_pack(const struct tlw_image_request *request, tlk_jkx_window *windows, int64_t n, double *rows,
                        struct tlw_images_job *job) {
  const tlw_candles *c = &request->candles;
  const int64_t bars = request->options->window, room = 2 * bars * n;
  struct run run = {0};
  for (int64_t i = 0; i < n; i++) {
    tlk_jkx_window *window = &windows[i];
    if (window->few) continue;
    const int64_t from = window->begin - (window->averages ? bars : 0), end = window->begin + bars;
    if (from < run.from || from > run.end) {
      copy(c, run, rows, room);
      run = (struct run){from, from, run.at + (run.end - run.from)};
    }
    if (end > run.end) run.end = end;
    window->begin += run.at - run.from;
  }
  copy(c, run, rows, room);
  const tlw_candles copied = {.open = rows,
                              .high = rows + room,
                              .low = rows + 2 * room,
                              .close = rows + 3 * room,
                              .volume = c->volume ? rows + 4 * room : NULL};
  tlw_image_columns(&copied, job);
  return (uint64_t)(run.at + (run.end - run.from)) * columns_of(c) * sizeof(double);
}
