/*
 * Arguments of the chart kernels, which run one after the other on a batch: merge, scale, axis, columns, paint, lines,
 * text; axis and text where the layout has text, lines where it has lines.
 */
#ifndef TLK_CHART_ARGS_H
#define TLK_CHART_ARGS_H

#include "core/axis.h"
#include "core/line.h"

typedef struct {
  /* Columns of rows, the first of which is row `first` of the series' rows. volume and time may be absent. */
  tlk_u64 open, high, low, close, volume, time;
  tlk_u64 series;       /* tlk_series by chart */
  tlk_u64 sheet, notes; /* tlk_sheet, tlk_notes by chart; absent where the layout has none */
  /* Between kernels: open, high, low, close, volume by chart, then column; tlk_scale, tlk_axis and tlk_column. */
  tlk_u64 merged, scale, axis, columns;
  tlk_u64 pixels; /* rows y0 to y1 - 1 of each chart */
  tlk_i64 first;
  tlk_layout layout;
  tlk_i32 has_volume, y0, y1, pitch;
  tlk_u32 groups; /* for one chart */
} tlk_chart_args;

/* Lanes of a group. */
#define TLK_MERGE_LANES 64   /* TLK_SUM_LANES for each pixel column */
#define TLK_SCALE_LANES 128  /* one group a chart */
#define TLK_AXIS_LANES 32    /* likewise */
#define TLK_COLUMNS_LANES 64 /* one lane a pixel column */
#define TLK_PAINT_LANES 64   /* TLK_PAINT_PIXELS in each row of a tile */
#define TLK_LINES_LANES 64   /* one lane TLK_LINES_ROWS of a pixel column */
#define TLK_TEXT_LANES 256   /* one group a chart, TLK_TEXT_TEAM a text */

/* A tile is painted by one group. */
#define TLK_PAINT_PIXELS 4
#define TLK_PAINT_ROWS 16

#define TLK_LINES_ROWS 256
#define TLK_TEXT_TEAM 32

/* Beside the ink of a tlk_column: it is a line of the grid. */
#define TLK_COLUMN_ON_GRID 0x8000
#define TLK_COLUMN_INK 0x00ff

TLK_FN TLK_GLOBAL const tlk_notes *tlk_chart_notes(tlk_chart_args a, TLK_GLOBAL const tlk_u8 *m, tlk_u32 chart) {
  return TLK_AT(const tlk_notes, m, a.notes + chart * tlk_notes_size(a.layout));
}

TLK_FN TLK_GLOBAL const tlk_time_mark *tlk_chart_marks(TLK_GLOBAL const tlk_notes *notes) {
  return TLK_AT(const tlk_time_mark, (TLK_GLOBAL const tlk_u8 *)notes, tlk_notes_marks());
}

TLK_FN TLK_GLOBAL const tlk_glyph *tlk_sheet_glyphs(TLK_GLOBAL const tlk_sheet *sheet) {
  return TLK_AT(const tlk_glyph, (TLK_GLOBAL const tlk_u8 *)sheet, sheet->glyphs);
}

#endif
