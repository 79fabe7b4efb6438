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
  double *merged[5]; /* open, high, low, close, volume by pixel column */
  uint16_t *centre;  /* by mark */
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

/* Merges the candles of pixel columns x0 to x1 - 1 into scratch->merged. */
void tlw_cpu_merge(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   int32_t x0, int32_t x1, const struct tlw_cpu_scratch *scratch);

/* Fills scratch->marks and ->centre; returns their number, 0 if there is nothing to draw. */
size_t tlw_cpu_mark(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                    bool merged, const struct tlw_cpu_scratch *scratch);

/*
 * Paints rows y0 to y1 - 1 of the image at pixels, whose marks and centres are those of source, which may be another
 * thread's scratch.
 */
void tlw_cpu_paint(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   size_t n_marks, const struct tlw_cpu_scratch *source, const struct tlw_cpu_scratch *scratch,
                   int32_t y0, int32_t y1, uint8_t *pixels);

#endif
