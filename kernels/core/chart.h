/*
 * What decides the pixels of a candle chart. include/tallow/chart.h states the rules; each function here is one of
 * them. Values in, values out: executors differ only in how they walk the data.
 */
#ifndef TLK_CORE_CHART_H
#define TLK_CORE_CHART_H

#include "math.h"
#include "real.h"

#define TLK_INK_BACKGROUND 0
#define TLK_INK_GRID 1
#define TLK_INK_UP 2
#define TLK_INK_DOWN 3
#define TLK_INK_TEXT 4
#define TLK_INK_LINES 5 /* from here on: of each line its coverage levels, the faintest first */

#define TLK_SCALE_LINEAR 0
#define TLK_SCALE_LOG 1

/* Numbers of a merged candle, each an array by pixel column: open, high, low, close, volume. */
#define TLK_MERGED_COLUMNS 5

/* Partial sums of a merged volume. */
#define TLK_SUM_LANES 8

/* The layout of a chart: what size and style alone decide. Shared with kernels. */
typedef struct {
  tlk_i32 width, height;
  tlk_i32 plot_x, plot_width;
  tlk_i32 price_y, price_height, price_pad;
  tlk_i32 volume_y, volume_height;                 /* down to the end of the plot; height 0: no panel */
  tlk_i32 price_cells, volume_cells, column_cells; /* grid cells; 0: no lines */
  tlk_i32 price_scale;                             /* TLK_SCALE_ */
  /* Text. line_height 0: there is none, and the grid has cells in place of ticks. */
  tlk_i32 grid, line_height, cap_height;
  tlk_i32 axis_x, axis_room; /* first column of price and volume labels, and how many they may take */
  tlk_i32 axis_pad;          /* columns on both sides of the last price in its box */
  tlk_i32 price_label_top, price_label_end, volume_label_top; /* rows that labels stay within; volumes: to plot end */
  tlk_i32 price_distance, volume_distance;                    /* least rows between ticks */
  tlk_i32 last_price;                                         /* whether it has a label of its own */
  tlk_i32 sheet_size;                                         /* bytes of the sheet (text.h); 0: there is none */
  tlk_i32 time_baseline, time_marks;                          /* of time labels; the most there are, 0: none */
  /* Lines over the candles. */
  tlk_i32 n_lines, line_levels, line_half; /* half the thickness in 1 / TLK_LINE_UNIT pixels */
} tlk_layout;

/* A series of a batch: its rows, its slots and the widths that follow from them. Shared with kernels. */
typedef struct {
  tlk_i64 begin;  /* first row, in the columns at hand */
  tlk_i64 count;  /* rows */
  tlk_i64 origin; /* time axis: time of the first row */
  tlk_u64 step;   /* D */
  tlk_u64 span;   /* S */
  tlk_u32 shift;  /* k */
  tlk_i32 body_half, wick_half;
  tlk_i32 by_time;
} tlk_series;

/* One pixel column of a chart, rows of the image: ink from top to below bottom, and from volume_top down. */
typedef struct {
  tlk_u16 top, bottom, volume_top, ink;
} tlk_column;

/* ---- slots ---- */

TLK_FN tlk_i32 tlk_odd(tlk_i32 k) { return k - 1 + (k & 1); }

TLK_FN tlk_i32 tlk_slot_centre(tlk_u64 u, tlk_u64 step, tlk_u64 span, tlk_i32 width) {
  return (tlk_i32)((2 * u + step) * (tlk_u64)width / (2 * span));
}

/* Index axis: the first candle of count whose centre is column x or right of it. The inverse of tlk_slot_centre. */
TLK_FN tlk_i64 tlk_slot_first(tlk_i32 x, tlk_i64 count, tlk_i32 width) {
  const tlk_u64 w = (tlk_u64)width;
  return (tlk_i64)((2 * (tlk_u64)count * (tlk_u64)x + w - 1) / (2 * w));
}

TLK_FN tlk_u64 tlk_slot_position(tlk_i64 time, tlk_i64 origin, tlk_u32 shift) {
  return ((tlk_u64)time - (tlk_u64)origin) >> shift;
}

TLK_FN tlk_i32 tlk_slot_width(tlk_u64 step, tlk_u64 span, tlk_i32 width) {
  return (tlk_i32)(step * (tlk_u64)width / span);
}

TLK_FN tlk_i32 tlk_body_width(tlk_i32 slot, tlk_i32 plot_width) {
  const tlk_i32 wanted = 4 * slot / 5;
  const tlk_i32 most = plot_width / 10;
  const tlk_i32 body = wanted < most ? wanted : most;
  return tlk_odd(body > 1 ? body : 1);
}

TLK_FN tlk_i32 tlk_wick_width(tlk_i32 body) { return tlk_odd(body / 12 > 1 ? body / 12 : 1); }

/* ---- candles ---- */

TLK_FN tlk_real tlk_candle_high(tlk_real o, tlk_real h, tlk_real l, tlk_real c) {
  return tlk_max(tlk_max(o, h), tlk_max(l, c));
}

TLK_FN tlk_real tlk_candle_low(tlk_real o, tlk_real h, tlk_real l, tlk_real c) {
  return tlk_min(tlk_min(o, h), tlk_min(l, c));
}

TLK_FN tlk_mask tlk_candle_valid(tlk_real o, tlk_real h, tlk_real l, tlk_real c) {
  return tlk_finite(o) & tlk_finite(h) & tlk_finite(l) & tlk_finite(c);
}

TLK_FN tlk_real tlk_candle_volume(tlk_mask valid, tlk_real v) {
  return tlk_pick(valid & tlk_finite(v) & (v > tlk_splat(0.0)), v, tlk_splat(0.0));
}

/* A sum that is never negative: the greatest finite number where it overflowed. */
TLK_FN double tlk_finite_sum(double sum) {
  const double most = 1.7976931348623157e308;
  return sum < most ? sum : most;
}

/* A merged volume from its partial sums. */
TLK_FN double tlk_sum_lanes(double s0, double s1, double s2, double s3, double s4, double s5, double s6, double s7) {
  return tlk_finite_sum(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)));
}

/* ---- rows ---- */

/* The row below the plot. */
TLK_FN tlk_i32 tlk_plot_end(tlk_layout layout) { return layout.volume_y + layout.volume_height; }

/* What the rows of a chart's candles depend on. */
typedef struct {
  double high, low;       /* of all valid candles, on a log scale their logarithms; high < low if there is none */
  double volume;          /* the greatest */
  double highest, lowest; /* high and low as prices */
} tlk_scale;

/* The scale for what all valid candles have; on a log scale all prices are above 0. */
TLK_FN tlk_scale tlk_scale_of(double high, double low, double volume, tlk_layout layout) {
  tlk_scale scale;
  scale.high = high;
  scale.low = low;
  scale.volume = volume;
  scale.highest = high;
  scale.lowest = low;
  if (layout.price_scale == TLK_SCALE_LOG && high >= low) {
    scale.high = tlk_first(tlk_ln(tlk_splat(high)));
    scale.low = tlk_first(tlk_ln(tlk_splat(low)));
  }
  return scale;
}

/* A price of a valid candle as the scale has it. */
TLK_FN tlk_real tlk_scaled(tlk_real price, tlk_layout layout) {
  return layout.price_scale == TLK_SCALE_LOG ? tlk_ln(price) : price;
}

/*
 * The row of the image for a price, as the scale has it, between low and high; rows_less_1 is R - 1. Halves keep the
 * range finite.
 */
TLK_FN tlk_int tlk_price_row(tlk_real price, tlk_scale scale, tlk_i32 first_row, tlk_i32 rows_less_1) {
  const double range = scale.high * 0.5 - scale.low * 0.5;
  if (range == 0.0) return tlk_splat_int(first_row + rows_less_1 / 2);
  const tlk_real part = (scale.high * 0.5 - price * 0.5) / range;
  return tlk_truncate(part * (double)rows_less_1 + 0.5) + first_row;
}

/* Rows of the bar for a volume that is 0 or more and at most scale.volume. */
TLK_FN tlk_int tlk_volume_rows(tlk_real v, tlk_scale scale, tlk_i32 panel_height) {
  if (scale.volume == 0.0) return tlk_splat_int(0);
  const tlk_real one = tlk_splat(1.0);
  const tlk_real wanted = v / scale.volume * (double)panel_height + 0.5;
  const tlk_int rows = tlk_truncate(tlk_pick(wanted < one, one, wanted));
  return tlk_pick_int(v > tlk_splat(0.0), rows, tlk_splat_int(0));
}

/* A candle in rows of the image, all ends included; bar_top is the row below the panel where there is no bar. */
typedef struct {
  tlk_int wick_top, wick_bottom, body_top, body_bottom, bar_top;
  tlk_int ink; /* TLK_INK_BACKGROUND: a gap, the rest means nothing */
} tlk_mark;

TLK_FN tlk_mark tlk_candle_mark(tlk_real o, tlk_real h, tlk_real l, tlk_real c, tlk_real v, tlk_scale scale,
                                tlk_layout layout) {
  const tlk_mask valid = tlk_candle_valid(o, h, l, c);
  const tlk_real safe = tlk_splat(scale.high);
  const tlk_i32 first = layout.price_y + layout.price_pad;
  const tlk_i32 rows_less_1 = layout.price_height - 2 * layout.price_pad - 1;
  tlk_mark mark;
  const tlk_real high = tlk_scaled(tlk_candle_high(o, h, l, c), layout);
  const tlk_real low = tlk_scaled(tlk_candle_low(o, h, l, c), layout);
  const tlk_real top = tlk_scaled(tlk_max(o, c), layout), bottom = tlk_scaled(tlk_min(o, c), layout);
  mark.wick_top = tlk_price_row(tlk_pick(valid, high, safe), scale, first, rows_less_1);
  mark.wick_bottom = tlk_price_row(tlk_pick(valid, low, safe), scale, first, rows_less_1);
  mark.body_top = tlk_price_row(tlk_pick(valid, top, safe), scale, first, rows_less_1);
  mark.body_bottom = tlk_price_row(tlk_pick(valid, bottom, safe), scale, first, rows_less_1);
  mark.bar_top = tlk_plot_end(layout) - tlk_volume_rows(tlk_candle_volume(valid, v), scale, layout.volume_height);
  const tlk_int ink = tlk_pick_int(c >= o, tlk_splat_int(TLK_INK_UP), tlk_splat_int(TLK_INK_DOWN));
  mark.ink = tlk_pick_int(valid, ink, tlk_splat_int(TLK_INK_BACKGROUND));
  return mark;
}

/* ---- grid ---- */

/* Whether the offset of a pixel is on one of cells + 1 lines spread over extent pixels. */
TLK_FN tlk_i32 tlk_on_grid(tlk_i32 offset, tlk_i32 extent, tlk_i32 cells) {
  if (cells == 0 || offset < 0 || offset >= extent) return 0;
  /* The line at or after this offset, found backwards from the line's own formula. */
  const tlk_i32 last = extent - 1;
  const tlk_i32 line = (offset * cells + last - 1) / last;
  return line * last / cells == offset;
}

#endif
