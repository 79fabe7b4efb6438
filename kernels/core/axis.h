/*
 * The labels of prices and volumes, and the rows of the grid, which follow from the scale of a chart.
 * include/tallow/chart.h states the rules; kernels/core/ticks.h those of ticks.
 */
#ifndef TLK_CORE_AXIS_H
#define TLK_CORE_AXIS_H

#include "text.h"
#include "ticks.h"

/* A label of ASCII. */
typedef struct {
  tlk_i32 x, baseline, ink;
  tlk_label label;
} tlk_axis_text;

/* Rows of the image that are lines of the grid; the box of the last price, of height 0 if there is none; texts. */
typedef struct {
  tlk_i32 n_lines, n_texts;
  tlk_box box;
  tlk_i32 lines[2 * TLK_TICKS_MOST];
  tlk_axis_text texts[2 * TLK_TICKS_MOST + 1];
} tlk_axis;

/* The newest drawn candle of a chart. */
typedef struct {
  double close;
  tlk_i32 ink; /* of its body; TLK_INK_BACKGROUND: there is no candle */
} tlk_last;

TLK_FN tlk_i32 tlk_label_width(tlk_label label, TLK_GLOBAL const tlk_glyph *glyphs) {
  tlk_i32 width = 0;
  for (tlk_i32 i = 0; i < label.length; i++) width += glyphs[label.text[i] - TLK_GLYPH_FIRST_ASCII].advance;
  return width;
}

TLK_FN tlk_i32 tlk_labels_fit(tlk_ticks ticks, tlk_i32 room, TLK_GLOBAL const tlk_glyph *glyphs) {
  for (tlk_i32 i = 0; i < ticks.count; i++)
    if (tlk_label_width(tlk_tick_label(ticks, i), glyphs) > room) return 0;
  return 1;
}

/*
 * The ticks of a range whose labels all fit: plain, or, of prices, scientific, at the least distance of 1, 2, 4 ...
 * times the range's for which they do. If there is none, those of the range, and *labelled is 0.
 */
TLK_FN tlk_ticks tlk_ticks_labelled(tlk_tick_range range, tlk_i32 room, TLK_GLOBAL const tlk_glyph *glyphs,
                                    tlk_i32 *labelled) {
  const tlk_ticks first = tlk_ticks_for(range);
  tlk_ticks ticks = first;
  *labelled = 1;
  for (;;) {
    if (tlk_labels_fit(ticks, room, glyphs)) return ticks;
    if (!ticks.is_volume && !ticks.scientific) {
      ticks.scientific = 1;
      if (tlk_labels_fit(ticks, room, glyphs)) return ticks;
    }
    if (range.distance >= range.rows || room <= 0) break;
    range.distance = range.distance > 0 ? 2 * range.distance : 1;
    ticks = tlk_ticks_for(range);
  }
  *labelled = 0;
  return first;
}

TLK_FN void tlk_axis_add_text(TLK_GLOBAL tlk_axis *axis, tlk_i32 x, tlk_i32 baseline, tlk_i32 ink, tlk_label label) {
  TLK_GLOBAL tlk_axis_text *text = &axis->texts[axis->n_texts++];
  text->x = x;
  text->baseline = baseline;
  text->ink = ink;
  text->label = label;
}

/* Rows that labels may take. */
typedef struct {
  tlk_i32 top, end;
} tlk_label_rows;

/* Adds the ticks of a range: their lines, and the labels that stay within the rows and off the last price. */
TLK_LONG_FN void tlk_axis_add_ticks(TLK_GLOBAL tlk_axis *axis, tlk_tick_range range, tlk_label_rows rows,
                                    tlk_layout layout, TLK_GLOBAL const tlk_glyph *glyphs) {
  tlk_i32 labelled;
  const tlk_ticks ticks = tlk_ticks_labelled(range, layout.axis_room, glyphs, &labelled);
  for (tlk_i32 i = 0; i < ticks.count; i++) {
    const tlk_i32 row = tlk_tick_row(ticks, i, range), top = tlk_text_top(row, layout);
    axis->lines[axis->n_lines++] = row;
    const tlk_i32 apart = top + layout.line_height <= axis->box.y || top >= axis->box.y + axis->box.height;
    if (labelled && apart && top >= rows.top && top + layout.line_height <= rows.end)
      tlk_axis_add_text(axis, layout.axis_x, tlk_text_baseline(top, layout), TLK_INK_TEXT, tlk_tick_label(ticks, i));
  }
}

/* ---- the last price ---- */

/* 10^8 and 10^7: more digits than 8 may be the noise of a float that was widened, which has but 7 of its own. */
#define TLK_LAST_MOST 100000000
#define TLK_LAST_ROUNDED 10000000

/* Whether two prices, neither near the ends of such numbers, are the same binary32. */
TLK_FN tlk_i32 tlk_is_same_float(double a, double b) {
  const double size = a < 0.0 ? -a : a;
  return size > 1e-30 && size < 1e30 && (float)a == (float)b;
}

/* A price to 14 digits, without the zeros at their end. */
TLK_FN tlk_decimal tlk_price_decimal(double price) {
  const double size = price < 0.0 ? -price : price;
  tlk_decimal decimal;
  decimal.digits = 0;
  decimal.exponent = size == 0.0 ? 0 : tlk_rough_exponent(size) - 14;
  double digits = tlk_roughly_scaled(size, -decimal.exponent) + 0.5;
  while (digits >= 1e14) digits = tlk_roughly_scaled(size, -++decimal.exponent) + 0.5;
  decimal.digits = price < 0.0 ? -(tlk_i64)digits : (tlk_i64)digits;
  return tlk_decimal_trimmed(decimal);
}

/* A number of units of a decimal, halves away from 0. */
TLK_FN tlk_decimal tlk_decimal_rounded(tlk_decimal decimal, tlk_i64 unit) {
  const tlk_i32 below = decimal.digits < 0;
  const tlk_i64 size = ((below ? -decimal.digits : decimal.digits) + unit / 2) / unit;
  decimal.digits = below ? -size : size;
  for (; unit > 1; unit /= 10) decimal.exponent++;
  return decimal;
}

/*
 * The text of the last price: of its decimal, plain or else scientific, and where neither fits, of that with ever fewer
 * digits, the last one rounded, halves away from 0. Its length is 0 where none fits.
 */
TLK_FN tlk_label tlk_last_label(double price, tlk_i32 room, TLK_GLOBAL const tlk_glyph *glyphs) {
  const tlk_decimal exact = tlk_price_decimal(price);
  const tlk_i64 size = exact.digits < 0 ? -exact.digits : exact.digits;
  tlk_i64 noise = 1;
  while (size >= TLK_LAST_MOST && size / noise >= TLK_LAST_ROUNDED) noise *= 10;
  const tlk_i32 is_float = tlk_is_same_float(price, tlk_decimal_value(tlk_decimal_rounded(exact, noise)));
  for (tlk_i64 unit = is_float ? noise : 1; unit == 1 || unit <= size; unit *= 10) {
    const tlk_decimal decimal = tlk_decimal_rounded(exact, unit);
    const tlk_label plain = tlk_label_of(decimal);
    if (tlk_label_width(plain, glyphs) <= room) return plain;
    const tlk_label scientific = tlk_label_scientific(decimal);
    if (tlk_label_width(scientific, glyphs) <= room) return scientific;
  }
  return tlk_label_begun(0);
}

TLK_FN void tlk_axis_add_last(TLK_GLOBAL tlk_axis *axis, tlk_last last, tlk_tick_range range, tlk_layout layout,
                              TLK_GLOBAL const tlk_glyph *glyphs) {
  const tlk_i32 most = layout.price_label_end - layout.line_height;
  if (!layout.last_price || last.ink == TLK_INK_BACKGROUND || most < layout.price_label_top) return;
  const tlk_label label = tlk_last_label(last.close, layout.axis_room, glyphs);
  if (label.length == 0) return;
  const tlk_i32 wanted = tlk_text_top(tlk_value_row(last.close, range, tlk_tick_scale(range)), layout);
  const tlk_i32 top = wanted < layout.price_label_top ? layout.price_label_top : wanted > most ? most : wanted;
  axis->box.x = layout.axis_x - layout.axis_pad;
  axis->box.y = top;
  axis->box.width = tlk_label_width(label, glyphs) + 2 * layout.axis_pad;
  axis->box.height = layout.line_height;
  axis->box.ink = last.ink;
  tlk_axis_add_text(axis, layout.axis_x, tlk_text_baseline(top, layout), TLK_INK_BACKGROUND, label);
}

/* ---- all of it ---- */

/* Fills the axis of a chart with text; glyphs are those of its sheet. A chart without candles has none. */
TLK_FN void tlk_axis_fill(TLK_GLOBAL tlk_axis *axis, tlk_scale scale, tlk_last last, tlk_layout layout,
                          TLK_GLOBAL const tlk_glyph *glyphs) {
  axis->n_lines = axis->n_texts = 0;
  axis->box.x = axis->box.y = axis->box.width = axis->box.height = axis->box.ink = 0;
  if (last.ink == TLK_INK_BACKGROUND) return;
  tlk_tick_range range;
  range.low = scale.lowest;
  range.high = scale.highest;
  range.first_row = layout.price_y + layout.price_pad;
  range.rows = layout.price_height - 2 * layout.price_pad;
  range.distance = layout.price_distance;
  range.scale = layout.price_scale;
  tlk_axis_add_last(axis, last, range, layout, glyphs);
  tlk_label_rows rows;
  rows.top = layout.price_label_top;
  rows.end = layout.price_label_end;
  tlk_axis_add_ticks(axis, range, rows, layout, glyphs);
  if (layout.volume_height == 0 || scale.volume == 0.0) return;
  range.low = 0.0;
  range.high = scale.volume;
  range.first_row = layout.volume_y;
  range.rows = layout.volume_height;
  range.distance = layout.volume_distance;
  range.scale = TLK_SCALE_VOLUME;
  rows.top = layout.volume_label_top;
  rows.end = tlk_plot_end(layout);
  tlk_axis_add_ticks(axis, range, rows, layout, glyphs);
}

#endif
