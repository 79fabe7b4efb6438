/* Finds what the rows of a chart depend on, one group a chart. */
#include "chart_args.h"

TLK_KERNEL(tlk_chart_scale, tlk_chart_args) {
  TLK_SHARED(double, high, TLK_SCALE_LANES);
  TLK_SHARED(double, low, TLK_SCALE_LANES);
  TLK_SHARED(double, most, TLK_SCALE_LANES);
  const tlk_u32 chart = TLK_GROUP();
  const tlk_u32 lane = TLK_LANE();
  const tlk_u32 width = (tlk_u32)a.layout.plot_width;
  TLK_GLOBAL const double *merged = TLK_AT(const double, m, a.merged) + (tlk_u64)chart * TLK_MERGED_COLUMNS * width;
  double top = -TLK_INFINITY, bottom = TLK_INFINITY, volume = 0.0;
  for (tlk_u32 x = lane; x < width; x += TLK_SCALE_LANES) {
    /* A gap is NaN, which never compares as more or less. */
    const double h = merged[width + x], l = merged[2 * width + x], v = merged[4 * width + x];
    top = tlk_max(h, top);
    bottom = tlk_min(l, bottom);
    volume = tlk_max(v, volume);
  }
  high[lane] = top;
  low[lane] = bottom;
  most[lane] = volume;
  for (tlk_u32 reach = TLK_SCALE_LANES / 2; reach > 0; reach /= 2) {
    TLK_BARRIER();
    if (lane < reach) {
      high[lane] = tlk_max(high[lane], high[lane + reach]);
      low[lane] = tlk_min(low[lane], low[lane + reach]);
      most[lane] = tlk_max(most[lane], most[lane + reach]);
    }
  }
  if (lane != 0) return;
  TLK_AT(tlk_scale, m, a.scale)[chart] = tlk_scale_of(high[0], low[0], most[0], a.layout);
}
