/* Draws lines over candles. A lane has the pixels of one column in TLK_LINES_ROWS rows, and goes line by line. */
#include "chart_args.h"

/* The points of a chart's lines, and the last one whose column is not right of the pixel column x; -1: none. */
typedef struct {
  TLK_GLOBAL const tlk_i32 *columns;
  tlk_i32 n, x, at;
} tlk_points;

TLK_FN tlk_points tlk_points_at(tlk_chart_args a, TLK_GLOBAL const tlk_notes *notes, tlk_i32 x) {
  tlk_points points;
  points.columns = TLK_AT(const tlk_i32, (TLK_GLOBAL const tlk_u8 *)notes, tlk_notes_points(a.layout));
  points.n = notes->n_points;
  points.x = x;
  tlk_i32 from = 0, to = points.n;
  while (from < to) {
    const tlk_i32 middle = from + (to - from) / 2;
    if (points.columns[middle] <= x)
      from = middle + 1;
    else
      to = middle;
  }
  points.at = from - 1;
  return points;
}

/* What a line covers of the samples of a pixel column. */
typedef struct {
  tlk_cover of[TLK_LINE_SAMPLES];
} tlk_covers;

/* The covers with those of the samples that lie between point p and the next. */
TLK_FN tlk_covers tlk_covers_with(tlk_covers covers, tlk_points points, tlk_i32 p, TLK_GLOBAL const double *values,
                                  tlk_scale scale, tlk_layout layout) {
  if (p < 0 || p + 1 >= points.n) return covers;
  const double v0 = values[p], v1 = values[p + 1];
  if (!tlk_line_has(v0, layout) || !tlk_line_has(v1, layout)) return covers;
  const tlk_i32 x0 = points.columns[p], x1 = points.columns[p + 1];
  const tlk_segment segment =
      tlk_segment_of(x0, tlk_line_row(v0, scale, layout), x1, tlk_line_row(v1, scale, layout), layout);
  const tlk_i32 first = tlk_segment_first(points.x, x0), last = tlk_segment_last(points.x, x1);
  for (tlk_i32 i = 0; i < TLK_LINE_SAMPLES; i++)
    if (i >= first && i <= last) covers.of[i] = tlk_segment_cover(segment, points.x, i);
  return covers;
}

TLK_FN tlk_covers tlk_covers_of(tlk_points points, TLK_GLOBAL const double *values, tlk_scale scale,
                                tlk_layout layout) {
  tlk_covers covers;
  for (tlk_i32 i = 0; i < TLK_LINE_SAMPLES; i++) covers.of[i].top = covers.of[i].end = 0;
  if (points.at < 0) return covers;
  if (points.columns[points.at] == points.x)
    covers = tlk_covers_with(covers, points, points.at - 1, values, scale, layout);
  return tlk_covers_with(covers, points, points.at, values, scale, layout);
}

/* Draws what lies in rows top to end - 1; pixel is that of row top. */
TLK_FN void tlk_draw_covers(tlk_covers covers, tlk_i32 line, tlk_i32 top, tlk_i32 end, TLK_GLOBAL tlk_u8 *pixel,
                            tlk_chart_args a) {
  tlk_i32 from = end * TLK_LINE_UNIT, to = top * TLK_LINE_UNIT;
  for (tlk_i32 i = 0; i < TLK_LINE_SAMPLES; i++) {
    if (covers.of[i].end <= covers.of[i].top) continue;
    if (covers.of[i].top < from) from = covers.of[i].top;
    if (covers.of[i].end > to) to = covers.of[i].end;
  }
  const tlk_i32 first = from > top * TLK_LINE_UNIT ? from / TLK_LINE_UNIT : top;
  const tlk_i32 last = to < end * TLK_LINE_UNIT ? (to + TLK_LINE_UNIT - 1) / TLK_LINE_UNIT : end;
  pixel += (tlk_u64)(first - top) * (tlk_u64)a.pitch;
  for (tlk_i32 y = first; y < last; y++) {
    tlk_i32 area = 0;
    for (tlk_i32 i = 0; i < TLK_LINE_SAMPLES; i++) area += tlk_cover_area(covers.of[i], y);
    *pixel = (tlk_u8)tlk_line_ink(*pixel, area, line, a.layout);
    pixel += a.pitch;
  }
}

TLK_KERNEL(tlk_chart_lines, tlk_chart_args) {
  const tlk_layout layout = a.layout;
  const tlk_u32 across = ((tlk_u32)layout.plot_width + TLK_LINES_LANES - 1) / TLK_LINES_LANES;
  const tlk_u32 chart = TLK_GROUP() / a.groups, tile = TLK_GROUP() % a.groups;
  const tlk_i32 x = (tlk_i32)(tile % across * TLK_LINES_LANES + TLK_LANE());
  const tlk_scale scale = TLK_AT(const tlk_scale, m, a.scale)[chart];
  if (x >= layout.plot_width || !(scale.high >= scale.low)) return;
  const tlk_i32 first = layout.price_y > a.y0 ? layout.price_y : a.y0;
  const tlk_i32 panel_end = layout.price_y + layout.price_height, last = panel_end < a.y1 ? panel_end : a.y1;
  const tlk_i32 top = first + (tlk_i32)(tile / across) * TLK_LINES_ROWS;
  const tlk_i32 end = top + TLK_LINES_ROWS < last ? top + TLK_LINES_ROWS : last;
  TLK_GLOBAL tlk_u8 *pixel = m + a.pixels +
                             ((tlk_u64)chart * (tlk_u64)(a.y1 - a.y0) + (tlk_u64)(top - a.y0)) * (tlk_u64)a.pitch +
                             (tlk_u64)(layout.plot_x + x);
  TLK_GLOBAL const tlk_notes *notes = tlk_chart_notes(a, m, chart);
  const tlk_points points = tlk_points_at(a, notes, x);
  for (tlk_i32 line = 0; line < layout.n_lines; line++) {
    TLK_GLOBAL const double *values =
        TLK_AT(const double, (TLK_GLOBAL const tlk_u8 *)notes, tlk_notes_values(layout, line));
    tlk_draw_covers(tlk_covers_of(points, values, scale, layout), line, top, end, pixel, a);
  }
}
