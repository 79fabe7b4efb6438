/*
 * A chart on the CPU, in stages: candles are merged where a pixel column holds several, marks give their rows, and
 * painting plays them as events from row to row.
 */
#ifndef TALLOW_CPU_CHART_H
#define TALLOW_CPU_CHART_H

#include <stdbool.h>

#include "host/seam/backend.h"
#include "tier.h"

/* One change of a row: columns x to x + width - 1 take ink, or the bare grid if ink is 0. */
struct tlw_cpu_event {
  uint16_t x, width;
  int32_t next; /* of the same row, or -1; their columns do not meet, so their order means nothing */
  uint8_t ink;
};

/* Working memory of one thread for one layout. */
struct tlw_cpu_scratch {
  double *merged;   /* open, high, low, close, volume by pixel column, as in a job */
  uint16_t *centre; /* by mark */
  struct tlw_cpu_marks marks;
  struct tlw_cpu_event *events;
  int32_t *heads;       /* first event by row */
  uint8_t *on_grid;     /* by row of the image: whether it is a line of the grid */
  uint8_t *bare, *line; /* a row of the grid's columns alone; the row being painted */
};

/* Bytes of a scratch for this layout, and its parts laid out in that many bytes at memory. */
uint64_t tlw_cpu_scratch_size(const tlk_layout *layout);
void tlw_cpu_scratch_place(struct tlw_cpu_scratch *scratch, const tlk_layout *layout, void *memory);

/* Whether a pixel column may hold several candles of this series. */
bool tlw_cpu_merges(const tlk_series *series, const tlk_layout *layout);

/* The first position of a slot whose centre is pixel column x or right of it: the inverse of tlk_slot_centre. */
static inline uint64_t tlw_cpu_reach(const tlk_series *series, int32_t plot_width, int32_t x) {
  const uint64_t width = (uint64_t)plot_width, step = series->step;
  const uint64_t doubled = (2 * series->span * (uint64_t)x + width - 1) / width; /* the least 2 * u + step */
  return doubled > step ? (doubled - step + 1) / 2 : 0;
}

/* Merges the candles of pixel columns x0 to x1 - 1 into scratch->merged. */
void tlw_cpu_merge(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   int32_t x0, int32_t x1, const struct tlw_cpu_scratch *scratch);

/* The candles of a pixel column one by one: any, gaps and none at all among them. */
void tlw_cpu_carry_begin(struct tlw_cpu_carry *carry);
void tlw_cpu_carry_add(struct tlw_cpu_carry *carry, const struct tlw_cpu_candles *candles, size_t begin, size_t end);
/* All prices are NaN if none was valid. */
struct tlw_cpu_merged tlw_cpu_carry_end(const struct tlw_cpu_carry *carry);

/* Sets pixel column x of merged. */
static inline void tlw_cpu_set_merged(double *merged, int32_t plot_width, int32_t x, struct tlw_cpu_merged candle) {
  const size_t stride = (size_t)plot_width;
  double *column = merged + x;
  column[0] = candle.open;
  column[stride] = candle.high;
  column[2 * stride] = candle.low;
  column[3 * stride] = candle.close;
  column[4 * stride] = candle.volume;
}

/*
 * Fills scratch->marks and ->centre, from candles by pixel column or, where merged is NULL, from the rows of the
 * series; returns their number, 0 if there is nothing to draw.
 */
size_t tlw_cpu_mark(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                    const double *merged, const struct tlw_cpu_scratch *scratch);

/*
 * Paints rows y0 to y1 - 1 of the image, the first of which is at pixels; marks and centres are those of source, which
 * may be another thread's scratch.
 */
void tlw_cpu_paint(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   size_t n_marks, const struct tlw_cpu_scratch *source, const struct tlw_cpu_scratch *scratch,
                   int32_t y0, int32_t y1, uint8_t *pixels);

#endif
