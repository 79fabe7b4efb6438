/* Finds the ink of each pixel column: that of the mark whose body covers it; and whether the grid has it. */
#include "chart_args.h"

/* Time labels have the lines of the grid; without them there are cells. */
TLK_FN tlk_i32 tlk_is_grid_column(tlk_chart_args a, TLK_GLOBAL const tlk_u8 *m, tlk_u32 chart, tlk_i32 x) {
  if (a.layout.time_marks > 0) {
    TLK_GLOBAL const tlk_notes *notes = tlk_chart_notes(a, m, chart);
    TLK_GLOBAL const tlk_time_mark *marks = tlk_chart_marks(notes);
    tlk_i32 found = 0;
    for (tlk_i32 i = 0; i < notes->n_marks; i++) found |= marks[i].column == x;
    if (notes->n_marks > 0) return found & a.layout.grid;
  }
  return tlk_on_grid(x, a.layout.plot_width, a.layout.column_cells);
}

TLK_KERNEL(tlk_chart_columns, tlk_chart_args) {
  const tlk_u32 chart = TLK_GROUP() / a.groups;
  const tlk_i32 x = (tlk_i32)(TLK_GROUP() % a.groups * TLK_COLUMNS_LANES + TLK_LANE());
  const tlk_i32 width = a.layout.plot_width;
  if (x >= width) return;
  const tlk_u64 stride = (tlk_u64)width;
  const tlk_series s = TLK_AT(const tlk_series, m, a.series)[chart];
  const tlk_scale scale = TLK_AT(const tlk_scale, m, a.scale)[chart];
  TLK_GLOBAL const double *merged = TLK_AT(const double, m, a.merged) + chart * TLK_MERGED_COLUMNS * stride;
  tlk_column column;
  column.top = 1;
  column.bottom = 0;
  column.volume_top = (tlk_u16)tlk_plot_end(a.layout);
  column.ink = TLK_INK_BACKGROUND;
  /* Bodies do not meet, so at most one mark is this near. */
  for (tlk_i32 centre = x - s.body_half; centre <= x + s.body_half; centre++) {
    if (centre < 0 || centre >= width) continue;
    const double o = merged[centre];
    if (!tlk_finite(o)) continue;
    const tlk_mark mark =
        tlk_candle_mark(o, merged[stride + (tlk_u64)centre], merged[2 * stride + (tlk_u64)centre],
                        merged[3 * stride + (tlk_u64)centre], merged[4 * stride + (tlk_u64)centre], scale, a.layout);
    const tlk_i32 distance = centre < x ? x - centre : centre - x;
    const tlk_i32 is_wick = distance <= s.wick_half;
    column.top = (tlk_u16)(is_wick ? mark.wick_top : mark.body_top);
    column.bottom = (tlk_u16)(is_wick ? mark.wick_bottom : mark.body_bottom);
    column.volume_top = (tlk_u16)mark.bar_top;
    column.ink = (tlk_u16)mark.ink;
  }
  if (tlk_is_grid_column(a, m, chart, x)) column.ink |= TLK_COLUMN_ON_GRID;
  TLK_AT(tlk_column, m, a.columns)[chart * stride + (tlk_u64)x] = column;
}
