#include "columns.h"

#include <string.h>

#include "chart.h"

/* Rows that are gathered at one time: with their columns in the first cache. */
#define BLOCK_ROWS 256

/* A pixel column of candles that are not all taken yet, and those left of it. */
struct tlw_cpu_columns {
  const struct tlw_cpu_tier *tier;
  tlk_series series;
  int32_t plot_width;
  bool with_volume;
  int64_t rows;               /* taken so far */
  int32_t x;                  /* pixel column of the newest candle; -1: none yet */
  uint64_t next;              /* the first position right of it */
  struct tlw_cpu_carry carry; /* of pixel column x; empty where that is merged already */
  double block[TLK_MERGED_COLUMNS][BLOCK_ROWS + TLK_SUM_LANES]; /* the end is there to be read in whole vectors */
  double merged[];                                              /* as tlw_cpu_columns_end gives it */
};

/* Contiguous candles, and the times of their rows as they came. */
struct rows {
  struct tlw_cpu_candles candles;
  const char *time; /* unused on the index axis */
  size_t time_stride;
  size_t n;
};

uint64_t tlw_cpu_columns_size(int32_t plot_width) {
  return sizeof(struct tlw_cpu_columns) + TLK_MERGED_COLUMNS * (uint64_t)plot_width * sizeof(double);
}

struct tlw_cpu_columns *tlw_cpu_columns_begin(void *memory, const struct tlw_cpu_tier *tier, const tlk_layout *layout,
                                              const tlk_series *series, bool with_volume) {
  struct tlw_cpu_columns *columns = memory;
  memset(columns, 0, sizeof *columns);
  columns->tier = tier;
  columns->series = *series;
  columns->plot_width = layout->plot_width;
  columns->with_volume = with_volume;
  columns->x = -1;
  tlw_cpu_carry_begin(&columns->carry);
  const struct tlw_cpu_merged none = tlw_cpu_carry_end(&columns->carry);
  for (int32_t x = 0; x < layout->plot_width; x++) tlw_cpu_set_merged(columns->merged, layout->plot_width, x, none);
  return columns;
}

int64_t tlw_cpu_columns_rows(const struct tlw_cpu_columns *columns) { return columns->rows; }

void tlw_cpu_columns_end(const struct tlw_cpu_columns *columns, double *merged) {
  const int32_t width = columns->plot_width;
  memcpy(merged, columns->merged, TLK_MERGED_COLUMNS * (size_t)width * sizeof *merged);
  if (columns->carry.count) tlw_cpu_set_merged(merged, width, columns->x, tlw_cpu_carry_end(&columns->carry));
}

/* ---- pixel columns ---- */

static uint64_t position_of(const struct tlw_cpu_columns *columns, const struct rows *rows, size_t i) {
  const tlk_series *series = &columns->series;
  if (!series->by_time) return (uint64_t)columns->rows + i;
  int64_t time;
  memcpy(&time, rows->time + i * rows->time_stride, sizeof time);
  return tlk_slot_position(time, series->origin, series->shift);
}

static void move_to(struct tlw_cpu_columns *columns, int32_t x) {
  columns->x = x;
  columns->next = tlw_cpu_reach(&columns->series, columns->plot_width, x + 1);
}

/* Makes the pixel column of this position, where that is not the one at hand, the one at hand. */
static void turn_to(struct tlw_cpu_columns *columns, uint64_t position) {
  if (position < columns->next) return;
  if (columns->carry.count) {
    tlw_cpu_set_merged(columns->merged, columns->plot_width, columns->x, tlw_cpu_carry_end(&columns->carry));
    tlw_cpu_carry_begin(&columns->carry);
  }
  move_to(columns, columns->x + 1);
  if (position < columns->next) return;
  const tlk_series *series = &columns->series;
  move_to(columns, tlk_slot_centre(position, series->step, series->span, columns->plot_width));
}

/* The first row after one of the pixel column at hand that is right of it, or the end. */
static size_t end_of(const struct tlw_cpu_columns *columns, const struct rows *rows, size_t begin) {
  if (!columns->series.by_time) {
    const uint64_t left = columns->next - (uint64_t)columns->rows;
    return left < rows->n ? (size_t)left : rows->n;
  }
  /* In steps that double, then within the last of them. */
  size_t from = begin + 1, to = from;
  for (size_t step = 1; to < rows->n && position_of(columns, rows, to) < columns->next; step *= 2) {
    from = to + 1;
    to = rows->n - to > step ? to + step : rows->n;
  }
  while (from < to) {
    const size_t middle = from + (to - from) / 2;
    if (position_of(columns, rows, middle) < columns->next)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

/* All candles of the pixel column at hand. */
static void merge_whole(struct tlw_cpu_columns *columns, const struct tlw_cpu_candles *candles, size_t begin,
                        size_t end) {
  struct tlw_cpu_merged merged;
  if (columns->tier->merge(candles, begin, end, &merged))
    tlw_cpu_set_merged(columns->merged, columns->plot_width, columns->x, merged);
  else
    tlw_cpu_carry_add(&columns->carry, candles, begin, end);
}

/* Some of them; the last of all may be too near the end for whole vectors. */
static void merge_some(struct tlw_cpu_columns *columns, const struct tlw_cpu_candles *candles, size_t begin,
                       size_t end) {
  size_t most = candles->count > TLK_SUM_LANES ? candles->count - TLK_SUM_LANES : 0;
  if (most > end) most = end;
  if (most > begin && columns->tier->extend(candles, begin, most, &columns->carry)) begin = most;
  tlw_cpu_carry_add(&columns->carry, candles, begin, end);
}

static void add_rows(struct tlw_cpu_columns *columns, const struct rows *rows) {
  for (size_t begin = 0, end; begin < rows->n; begin = end) {
    turn_to(columns, position_of(columns, rows, begin));
    end = end_of(columns, rows, begin);
    if (end < rows->n && columns->carry.count == 0)
      merge_whole(columns, &rows->candles, begin, end);
    else
      merge_some(columns, &rows->candles, begin, end);
  }
  columns->rows += (int64_t)rows->n;
}

/* ---- gathering ---- */

static bool is_aligned(const void *column) { return (uintptr_t)column % _Alignof(double) == 0; }

static bool is_contiguous(const tlw_candles *c) {
  return c->type == TLW_TYPE_F64 && (c->stride == 0 || c->stride == sizeof(double)) && is_aligned(c->open) &&
         is_aligned(c->high) && is_aligned(c->low) && is_aligned(c->close) && is_aligned(c->volume);
}

static void add_gathered(struct tlw_cpu_columns *columns, const tlw_candles *c, int64_t first, struct rows *rows) {
  const void *const sources[TLK_MERGED_COLUMNS] = {c->open, c->high, c->low, c->close, c->volume};
  const int64_t n = (int64_t)rows->n;
  for (int i = 0; i < 4 + columns->with_volume; i++)
    tlw_cpu_gather(columns->block[i], sources[i], c->type, c->stride, first, n);
  rows->candles = (struct tlw_cpu_candles){columns->block[0],
                                           columns->block[1],
                                           columns->block[2],
                                           columns->block[3],
                                           columns->with_volume ? columns->block[4] : NULL,
                                           rows->n + TLK_SUM_LANES};
  add_rows(columns, rows);
}

void tlw_cpu_columns_add(struct tlw_cpu_columns *columns, const tlw_candles *candles, int64_t first, int64_t n) {
  if (n == 0) return;
  const tlw_candles *c = candles;
  struct rows rows = {.n = (size_t)n};
  if (columns->series.by_time) {
    rows.time_stride = c->time_stride ? (size_t)c->time_stride : sizeof(int64_t);
    rows.time = (const char *)c->time + (size_t)first * rows.time_stride;
  }
  if (is_contiguous(c)) {
    rows.candles = (struct tlw_cpu_candles){(const double *)c->open + first,
                                            (const double *)c->high + first,
                                            (const double *)c->low + first,
                                            (const double *)c->close + first,
                                            columns->with_volume ? (const double *)c->volume + first : NULL,
                                            rows.n};
    add_rows(columns, &rows);
    return;
  }
  for (int64_t done = 0; done < n; done += BLOCK_ROWS) {
    rows.n = (size_t)(n - done < BLOCK_ROWS ? n - done : BLOCK_ROWS);
    add_gathered(columns, c, first + done, &rows);
    if (rows.time) rows.time += rows.n * rows.time_stride;
  }
}

/* The compiler makes vectors of the loops over a stride that it knows. */
static void gather_floats(double *target, const char *from, size_t stride, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float x;
    memcpy(&x, from + i * stride, sizeof x);
    target[i] = (double)x;
  }
}

static void gather_words(void *target, const char *from, size_t stride, size_t n) {
  if (stride == sizeof(uint64_t)) {
    memcpy(target, from, n * sizeof(uint64_t));
    return;
  }
  for (size_t i = 0; i < n; i++) memcpy((char *)target + i * sizeof(uint64_t), from + i * stride, sizeof(uint64_t));
}

void tlw_cpu_gather(double *target, const void *column, tlw_type type, int64_t stride, int64_t first, int64_t n) {
  const size_t size = type == TLW_TYPE_F64 ? sizeof(double) : sizeof(float);
  const size_t step = stride ? (size_t)stride : size;
  const char *from = (const char *)column + (size_t)first * step;
  if (type == TLW_TYPE_F64)
    gather_words(target, from, step, (size_t)n);
  else if (step == sizeof(float))
    gather_floats(target, from, sizeof(float), (size_t)n);
  else
    gather_floats(target, from, step, (size_t)n);
}

void tlw_cpu_gather_time(int64_t *target, const int64_t *column, int64_t stride, int64_t first, int64_t n) {
  const size_t step = stride ? (size_t)stride : sizeof(int64_t);
  gather_words(target, (const char *)column + (size_t)first * step, step, (size_t)n);
}
