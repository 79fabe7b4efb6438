/* Merges the candles of each pixel column. TLK_SUM_LANES lanes share a column, each taking every eighth candle. */
#include "chart_args.h"

TLK_FN tlk_i32 tlk_centre_of(tlk_chart_args a, TLK_GLOBAL const tlk_i64 *time, tlk_series s, tlk_i64 i) {
  return tlk_slot_centre(tlk_slot_position(time[i], s.origin, s.shift), s.step, s.span, a.layout.plot_width);
}

/* The first candle of the series whose centre is column x or right of it. time begins at the series. */
TLK_FN tlk_i64 tlk_first_of(tlk_chart_args a, TLK_GLOBAL const tlk_i64 *time, tlk_series s, tlk_i32 x) {
  if (!s.by_time) return tlk_slot_first(x, s.count, a.layout.plot_width);
  tlk_i64 from = 0, to = s.count;
  while (from < to) {
    const tlk_i64 middle = from + (to - from) / 2;
    if (tlk_centre_of(a, time, s, middle) < x)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

TLK_KERNEL(tlk_chart_merge, tlk_chart_args) {
  TLK_SHARED(double, high, TLK_MERGE_LANES);
  TLK_SHARED(double, low, TLK_MERGE_LANES);
  TLK_SHARED(double, sum, TLK_MERGE_LANES);
  TLK_SHARED(tlk_i64, first, TLK_MERGE_LANES);
  TLK_SHARED(tlk_i64, last, TLK_MERGE_LANES);
  const tlk_u32 chart = TLK_GROUP() / a.groups;
  const tlk_u32 lane = TLK_LANE();
  const tlk_i32 share = (tlk_i32)(lane % TLK_SUM_LANES);
  const tlk_i32 x = (tlk_i32)(TLK_GROUP() % a.groups * (TLK_MERGE_LANES / TLK_SUM_LANES) + lane / TLK_SUM_LANES);
  const tlk_i32 width = a.layout.plot_width;
  const tlk_series s = TLK_AT(const tlk_series, m, a.series)[chart];
  const tlk_i64 row = s.begin - a.first;
  TLK_GLOBAL const double *open = TLK_AT(const double, m, a.open) + row;
  TLK_GLOBAL const double *close = TLK_AT(const double, m, a.close) + row;

  tlk_i64 begin = 0, end = 0;
  if (x < width && s.count > 0) {
    TLK_GLOBAL const tlk_i64 *time = TLK_AT(const tlk_i64, m, a.time) + (s.by_time ? row : 0);
    begin = tlk_first_of(a, time, s, x);
    end = tlk_first_of(a, time, s, x + 1);
  }
  double top = -TLK_INFINITY, bottom = TLK_INFINITY, volume = 0.0;
  tlk_i64 earliest = end, latest = -1;
  for (tlk_i64 i = begin + share; i < end; i += TLK_SUM_LANES) {
    const double o = open[i], c = close[i];
    const double h = TLK_AT(const double, m, a.high)[row + i], l = TLK_AT(const double, m, a.low)[row + i];
    if (!tlk_candle_valid(o, h, l, c)) continue;
    top = tlk_max(top, tlk_candle_high(o, h, l, c));
    bottom = tlk_min(bottom, tlk_candle_low(o, h, l, c));
    if (a.has_volume) volume += tlk_candle_volume(1, TLK_AT(const double, m, a.volume)[row + i]);
    if (earliest == end) earliest = i;
    latest = i;
  }
  high[lane] = top;
  low[lane] = bottom;
  sum[lane] = volume;
  first[lane] = earliest;
  last[lane] = latest;
  TLK_BARRIER();
  if (share != 0 || x >= width) return;
  for (tlk_u32 j = lane; j < lane + TLK_SUM_LANES; j++) {
    top = tlk_max(top, high[j]);
    bottom = tlk_min(bottom, low[j]);
    if (first[j] < earliest) earliest = first[j];
    if (last[j] > latest) latest = last[j];
  }
  TLK_GLOBAL double *merged =
      TLK_AT(double, m, a.merged) + (tlk_u64)chart * TLK_MERGED_COLUMNS * (tlk_u64)width + (tlk_u64)x;
  const double gap = TLK_NAN;
  merged[0] = latest < 0 ? gap : open[earliest];
  merged[(tlk_u64)width] = latest < 0 ? gap : top;
  merged[2 * (tlk_u64)width] = latest < 0 ? gap : bottom;
  merged[3 * (tlk_u64)width] = latest < 0 ? gap : close[latest];
  merged[4 * (tlk_u64)width] = tlk_sum_lanes(sum[lane], sum[lane + 1], sum[lane + 2], sum[lane + 3], sum[lane + 4],
                                             sum[lane + 5], sum[lane + 6], sum[lane + 7]);
}
