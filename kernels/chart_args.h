/* Arguments of the chart kernels, which run one after the other on a batch: merge, scale, columns, paint. */
#ifndef TLK_CHART_ARGS_H
#define TLK_CHART_ARGS_H

#include "core/chart.h"

typedef struct {
  /* Columns of rows, the first of which is row `first` of the series' rows. volume and time may be absent. */
  tlk_u64 open, high, low, close, volume, time;
  tlk_u64 series; /* tlk_series by chart */
  /* Between kernels: open, high, low, close, volume by chart, then column, then tlk_scale and tlk_column. */
  tlk_u64 merged, scale, columns;
  tlk_u64 pixels; /* rows y0 to y1 - 1 of each chart */
  tlk_i64 first;
  tlk_layout layout;
  tlk_i32 has_volume, y0, y1, pitch;
  tlk_u32 groups; /* for one chart */
} tlk_chart_args;

/* Lanes of a group. */
#define TLK_MERGE_LANES 64   /* TLK_SUM_LANES for each pixel column */
#define TLK_SCALE_LANES 128  /* one group a chart */
#define TLK_COLUMNS_LANES 64 /* one lane a pixel column */
#define TLK_PAINT_LANES 64   /* TLK_PAINT_PIXELS in each row of a tile */

/* A tile is painted by one group. */
#define TLK_PAINT_PIXELS 4
#define TLK_PAINT_ROWS 16

#endif
