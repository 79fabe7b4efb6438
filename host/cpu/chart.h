/*
 * A chart on the CPU, in stages: candles are merged where a pixel column holds several, marks give their rows, and
 * painting plays them as events from row to row.
 */
#ifndef TALLOW_CPU_CHART_H
#define TALLOW_CPU_CHART_H

#include <stdbool.h>

#include "host/seam/backend.h"
#include "kernels/core/axis.h"
#include "tallow/chart.h"
#include "tier.h"

/*
 * A change of a row: columns from x on, as many as its kind has, take ink, or what the grid has there if ink is 0.
 * Events of one row and the same columns count in order. Of the row it has the lowest bits.
 */
typedef uint32_t tlw_cpu_event;
enum tlw_cpu_kind { TLW_CPU_WICK, TLW_CPU_BODY, TLW_CPU_SIDE };
#define TLW_CPU_EVENT_ROWS 4096
#define TLW_CPU_EVENT(x, kind, ink, y)                                                                                 \
  ((uint32_t)(x) | (uint32_t)(kind) << 14 | (uint32_t)(ink) << 16 | (uint32_t)(y) << 20)
#define TLW_CPU_EVENT_X(event) ((event)&0x3fff)
#define TLW_CPU_EVENT_KIND(event) ((event) >> 14 & 3)
#define TLW_CPU_EVENT_INK(event) ((event) >> 16 & 15)
#define TLW_CPU_EVENT_Y(event) ((event) >> 20)

/* Bits of 64-bit words, by row of an image: one for each 64 of its columns. */
#define TLW_CPU_BLOCK 64
#define TLW_CPU_CHANGES (TLW_CHART_MAX_SIDE / TLW_CPU_BLOCK / 64) /* words of a row, at most */
static inline int32_t tlw_cpu_change_words(int32_t width) {
  return (width + 64 * TLW_CPU_BLOCK - 1) / (64 * TLW_CPU_BLOCK);
}

/* What a chart has beside its marks, and where its painting stands. */
struct tlw_cpu_chart {
  uint64_t number;        /* of the charts of this scratch, this one's, counted from 1 */
  tlk_scale scale;        /* high < low: nothing is drawn */
  const tlk_notes *notes; /* NULL: it has none */
  bool has_lines;
  struct tlw_cpu_covers *covers;  /* of its lines; NULL: they are found anew for each band */
  int32_t text_above, text_below; /* how far any glyph reaches from its baseline */
  /* The row below the last one that this thread painted, and of which chart. */
  const struct tlw_cpu_chart *painted;
  uint64_t painted_number;
  int32_t painted_to;
};

/* Bytes behind a row that may be read, and written again as they were. */
#define TLW_CPU_BEYOND 16

/* Working memory of one thread for one layout. Parts that the layout does not need are not there. */
struct tlw_cpu_scratch {
  double *merged;   /* open, high, low, close, volume by pixel column, as in a job */
  uint16_t *centre; /* by mark */
  struct tlw_cpu_marks marks;
  struct tlw_cpu_chart *chart;
  tlk_axis *axis;        /* with text */
  tlk_notes *notes;      /* where the job has none */
  int32_t *points;       /* with lines: the rows of their points, by line */
  int32_t *blocks;       /* with lines: see chart_lines.c */
  uint64_t *bands;       /* likewise */
  tlw_cpu_event *events; /* of all rows, by row */
  uint32_t *starts;      /* the first event of each row, and the end of the last one's */
  uint8_t *has_text;     /* with text, by row of the image: whether some may be in it, or a box */
  uint8_t *on_grid;      /* by row of the image: whether it is a line of the grid */
  uint8_t *cells;        /* a row of the columns of the grid, where they are those of the layout */
  uint8_t *bare, *line;  /* the same of the chart at hand; the row being painted; with TLW_CPU_BEYOND behind them */
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
 * Makes all of a chart but its pixels: scratch->marks and ->centre, from candles by pixel column or, where merged is
 * NULL, from the rows of the series, and what follows from them. Returns the number of marks, 0 if there is nothing
 * to draw.
 */
size_t tlw_cpu_mark(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                    const double *merged, const struct tlw_cpu_scratch *scratch);

/*
 * Paints rows y0 to y1 - 1 of the image, the first of which is at pixels, of the chart that tlw_cpu_mark made in
 * source, which may be another thread's scratch. Bands of one thread that follow each other cost least.
 */
void tlw_cpu_paint(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   size_t n_marks, const struct tlw_cpu_scratch *source, const struct tlw_cpu_scratch *scratch,
                   int32_t y0, int32_t y1, uint8_t *pixels);

/* ---- parts of these ---- */

/* Fills scratch->events and ->starts. */
void tlw_cpu_plan_events(const struct tlw_render_job *job, const tlk_series *series, size_t n_marks,
                         const struct tlw_cpu_scratch *scratch);

/* Columns of an event, by kind. */
struct tlw_cpu_widths {
  uint32_t of[3];
};
struct tlw_cpu_widths tlw_cpu_event_widths(const tlk_series *series);

/* Rows y0 to y1 - 1 of an image; the first is at pixels. */
struct tlw_cpu_canvas {
  uint8_t *pixels;
  size_t row_stride;
  int32_t width, y0, y1;
};

static inline uint8_t *tlw_cpu_row(const struct tlw_cpu_canvas *canvas, int32_t y) {
  return canvas->pixels + (size_t)(y - canvas->y0) * canvas->row_stride;
}

/* Blocks of rows y0 to y1 - 1 of an image, `words` words a row. */
struct tlw_cpu_blocks {
  uint64_t *bits;
  int32_t words, width, y0, y1;
};

/* Lines and text of a chart over rows of an image, in which their grid and candles are. */
void tlw_cpu_draw_over(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job,
                       const struct tlw_cpu_scratch *source, const struct tlw_cpu_canvas *canvas);

/* Sets the bits of a rectangle, from column x0 to x1 - 1 and row top to end - 1, as far as it is within. */
static inline void tlw_cpu_touch(const struct tlw_cpu_blocks *blocks, int32_t x0, int32_t x1, int32_t top,
                                 int32_t end) {
  const int32_t left = x0 > 0 ? x0 : 0, right = x1 < blocks->width ? x1 : blocks->width;
  const int32_t from = top > blocks->y0 ? top : blocks->y0, to = end < blocks->y1 ? end : blocks->y1;
  if (left >= right) return;
  const int32_t first = left / TLW_CPU_BLOCK, last = (right - 1) / TLW_CPU_BLOCK;
  for (int32_t word = first / 64; word <= last / 64; word++) {
    const int32_t low = first - 64 * word, high = last - 64 * word;
    uint64_t bits = UINT64_MAX;
    if (low > 0) bits &= UINT64_MAX << low;
    if (high < 63) bits &= UINT64_MAX >> (63 - high);
    uint64_t *at = blocks->bits + word;
    for (int32_t y = from; y < to; y++) at[(y - blocks->y0) * blocks->words] |= bits;
  }
}

#endif
