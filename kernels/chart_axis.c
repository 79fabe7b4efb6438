/* Finds the labels of prices and volumes, and the rows of the grid, one group a chart. */
#include "chart_args.h"

TLK_KERNEL(tlk_chart_axis, tlk_chart_args) {
  TLK_SHARED(tlk_i32, drawn, TLK_AXIS_LANES);
  const tlk_u32 chart = TLK_GROUP();
  const tlk_u32 lane = TLK_LANE();
  const tlk_u64 width = (tlk_u64)a.layout.plot_width;
  TLK_GLOBAL const double *open = TLK_AT(const double, m, a.merged) + chart * TLK_MERGED_COLUMNS * width;
  TLK_GLOBAL const double *close = open + 3 * width;
  tlk_i32 x = a.layout.plot_width - 1 - (tlk_i32)lane;
  while (x >= 0 && !tlk_finite(open[x])) x -= TLK_AXIS_LANES;
  drawn[lane] = x;
  TLK_BARRIER();
  if (lane != 0) return;
  for (tlk_u32 i = 1; i < TLK_AXIS_LANES; i++)
    if (drawn[i] > x) x = drawn[i];
  tlk_last last;
  last.close = 0.0;
  last.ink = TLK_INK_BACKGROUND;
  if (x >= 0) {
    last.close = close[x];
    last.ink = close[x] >= open[x] ? TLK_INK_UP : TLK_INK_DOWN;
  }
  tlk_axis_fill(TLK_AT(tlk_axis, m, a.axis) + chart, TLK_AT(const tlk_scale, m, a.scale)[chart], last, a.layout,
                tlk_sheet_glyphs(TLK_AT(const tlk_sheet, m, a.sheet)));
}
