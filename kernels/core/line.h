/*
 * Lines over the candles of a chart, anti-aliased in integers. include/tallow/chart.h states the rules. Rows are counted
 * in 1 / TLK_LINE_UNIT pixels from the top of the image, columns in eighths of a pixel from the left of the plot.
 */
#ifndef TLK_CORE_LINE_H
#define TLK_CORE_LINE_H

#include "chart.h"

#define TLK_LINE_UNIT 256
#define TLK_LINE_SAMPLES 4                                /* of each pixel column */
#define TLK_LINE_WHOLE (TLK_LINE_SAMPLES * TLK_LINE_UNIT) /* the area of a pixel */

#define TLK_LINE_FAR (1 << 29) /* more rows, in units, than any image has */

/* What a line covers of a sample: rows from top to end, end left out; nothing where end <= top. */
typedef struct {
  tlk_i32 top, end;
} tlk_cover;

/* Whether a line has a point for a value. On a log scale only what is above 0 has a place. */
TLK_FN tlk_mask tlk_line_has(tlk_real value, tlk_layout layout) {
  const tlk_mask finite = tlk_finite(value);
  return layout.price_scale == TLK_SCALE_LOG ? finite & (value > tlk_splat(0.0)) : finite;
}

/* The row of a value that has a point, of a chart with candles; far ones are drawn 64 panels away. */
TLK_FN tlk_int tlk_line_row(tlk_real value, tlk_scale scale, tlk_layout layout) {
  const tlk_i32 rows_less_1 = layout.price_height - 2 * layout.price_pad - 1;
  const tlk_i32 first = (layout.price_y + layout.price_pad) * TLK_LINE_UNIT + TLK_LINE_UNIT / 2;
  const double range = scale.high * 0.5 - scale.low * 0.5;
  const tlk_real at = tlk_scaled(value, layout), middle = tlk_splat(scale.high);
  if (range == 0.0) {
    const tlk_i32 centre = first + rows_less_1 / 2 * TLK_LINE_UNIT;
    const tlk_i32 far = layout.price_height * TLK_LINE_UNIT * 64;
    const tlk_int beside = tlk_pick_int(at > middle, tlk_splat_int(centre - far), tlk_splat_int(centre + far));
    return tlk_pick_int(at == middle, tlk_splat_int(centre), beside);
  }
  const tlk_real part = (scale.high * 0.5 - at * 0.5) / range;
  const tlk_real near = tlk_max(tlk_min(tlk_splat(64.0), part), tlk_splat(-64.0));
  const tlk_real rows = near * (double)rows_less_1 * (double)TLK_LINE_UNIT;
  return tlk_truncate(tlk_pick(rows < tlk_splat(0.0), rows - 0.5, rows + 0.5)) + first;
}

/* Between two points, columns and rows of the first and the second: what the line's samples have in common. */
typedef struct {
  tlk_i32 x0, y0, dx, dy; /* dx: in eighths, above 0 */
  tlk_i32 reach;          /* of the thickness, measured along a column */
  tlk_i32 top, end;       /* no sample goes beyond */
} tlk_segment;

TLK_FN tlk_segment tlk_segment_of(tlk_i32 x0, tlk_i32 y0, tlk_i32 x1, tlk_i32 y1, tlk_layout layout) {
  tlk_segment segment;
  segment.x0 = x0;
  segment.y0 = y0;
  segment.dx = 8 * (x1 - x0);
  segment.dy = y1 - y0;
  const double run = (double)(x1 - x0) * TLK_LINE_UNIT, rise = (double)segment.dy;
  const double reach = (double)layout.line_half * TLK_SQRT(run * run + rise * rise) / run;
  segment.reach = reach < TLK_LINE_FAR ? (tlk_i32)reach : TLK_LINE_FAR;
  segment.top = (y0 < y1 ? y0 : y1) - layout.line_half;
  segment.end = (y0 < y1 ? y1 : y0) + layout.line_half;
  return segment;
}

/* The cover of sample i of pixel column x, where that lies between the two points. */
TLK_FN tlk_cover tlk_segment_cover(tlk_segment segment, tlk_i32 x, tlk_i32 i) {
  const tlk_i64 along = 8 * (tlk_i64)(x - segment.x0) + 2 * i + 1 - TLK_LINE_SAMPLES;
  const tlk_i64 rise = segment.dy * along;
  const tlk_i32 y = segment.y0 + (tlk_i32)(rise / segment.dx);
  tlk_cover cover;
  cover.top = y - segment.reach > segment.top ? y - segment.reach : segment.top;
  cover.end = y + segment.reach < segment.end ? y + segment.reach : segment.end;
  return cover;
}

/* Samples of pixel column x between two points: from the first to the last. */
TLK_FN tlk_i32 tlk_segment_first(tlk_i32 x, tlk_i32 x0) { return x == x0 ? TLK_LINE_SAMPLES / 2 : 0; }
TLK_FN tlk_i32 tlk_segment_last(tlk_i32 x, tlk_i32 x1) {
  return x == x1 ? TLK_LINE_SAMPLES / 2 - 1 : TLK_LINE_SAMPLES - 1;
}

/* What a sample adds to the area of the line in the pixel of row y. */
TLK_FN tlk_i32 tlk_cover_area(tlk_cover cover, tlk_i32 y) {
  const tlk_i32 top = y * TLK_LINE_UNIT, end = top + TLK_LINE_UNIT;
  const tlk_i32 from = cover.top > top ? cover.top : top, to = cover.end < end ? cover.end : end;
  return to > from ? to - from : 0;
}

/* The ink of a pixel of a line's panel, by the area of the line in it and the ink below. */
TLK_FN tlk_u32 tlk_line_ink(tlk_u32 below, tlk_i32 area, tlk_i32 line, tlk_layout layout) {
  const tlk_i32 levels = layout.line_levels, faintest = TLK_INK_LINES + line * levels;
  if (below != TLK_INK_BACKGROUND) return 2 * area >= TLK_LINE_WHOLE ? (tlk_u32)(faintest + levels - 1) : below;
  const tlk_i32 level = (area * levels + TLK_LINE_WHOLE / 2) / TLK_LINE_WHOLE;
  return level > 0 ? (tlk_u32)(faintest + level - 1) : below;
}

#endif
