/*
 * What decides the pixels of JKX images, as include/tallow/images.h states them: heights of prices and volumes, and
 * of each pixel column the rows that have ink.
 */
#ifndef TLK_CORE_JKX_H
#define TLK_CORE_JKX_H

#include "real.h"

/* Columns of a bar, and what an image has at most. */
#define TLK_JKX_STEP 3
#define TLK_JKX_BARS_MAX 60
#define TLK_JKX_WIDTH_MAX (TLK_JKX_BARS_MAX * TLK_JKX_STEP)
#define TLK_JKX_HEIGHT_MAX 96

#define TLK_JKX_INK 255

/* tlw_image_reason. */
#define TLK_IMAGE_DRAWN 0
#define TLK_IMAGE_FEW_BARS 1
#define TLK_IMAGE_NO_CLOSE 2
#define TLK_IMAGE_FLAT 3
#define TLK_IMAGE_BEYOND 4

typedef struct {
  tlk_i32 bars, width, height, volume_rows, price_rows;
} tlk_jkx;

/* bars: 5, 20 or 60. */
TLK_FN tlk_jkx tlk_jkx_of(tlk_i32 bars) {
  tlk_jkx jkx;
  jkx.bars = bars;
  jkx.width = bars * TLK_JKX_STEP;
  jkx.height = bars == 5 ? 32 : bars == 20 ? 64 : TLK_JKX_HEIGHT_MAX;
  jkx.volume_rows = jkx.height / 5;
  jkx.price_rows = jkx.height - jkx.volume_rows - 1;
  return jkx;
}

/* Where an image's bars are: rows begin to begin + bars - 1 of the columns. */
typedef struct {
  tlk_i64 begin;
  tlk_u32 few;      /* 1: there are too few bars, and nothing is read */
  tlk_u32 averages; /* 1: `bars` rows before begin are the series' too */
} tlk_jkx_window;

/* ---- heights ---- */

/* The least and the greatest price so far; low > high: none yet. */
typedef struct {
  tlk_real low, high;
} tlk_jkx_range;

TLK_FN tlk_jkx_range tlk_jkx_no_range(void) {
  tlk_jkx_range range;
  range.low = tlk_splat(TLK_INFINITY);
  range.high = tlk_splat(-TLK_INFINITY);
  return range;
}

/* With one price more, unless it is missing. */
TLK_FN tlk_jkx_range tlk_jkx_widen(tlk_jkx_range range, tlk_real p) {
  const tlk_mask there = tlk_finite(p);
  range.low = tlk_pick(there & (p < range.low), p, range.low);
  range.high = tlk_pick(there & (p > range.high), p, range.high);
  return range;
}

/* The nearest whole number, of two the even one, for |x| < 2^51. */
TLK_FN tlk_real tlk_jkx_round(tlk_real x) {
  const tlk_real shift = tlk_splat(6755399441055744.0); /* 1.5 * 2^52: there doubles are whole */
  return (x + shift) - shift;
}

/* Rows from the bottom of the price panel, 0 to price_rows - 1, for a price that is there. */
TLK_FN tlk_int tlk_jkx_height(tlk_real p, tlk_real low, tlk_real k) {
  return tlk_truncate(tlk_jkx_round((p - low) * k));
}

/* Rows of the volume panel, 1 to volume_rows, for a volume that is there; s = volume_rows / greatest. */
TLK_FN tlk_int tlk_jkx_volume(tlk_real v, tlk_real s) {
  const tlk_real h = tlk_jkx_round(tlk_max(v, tlk_splat(0.0)) * s);
  return tlk_truncate(tlk_max(h, tlk_splat(1.0)));
}

/* A whole image's: no volume where volume_scale is 0. */
typedef struct {
  double low, k, volume_scale;
  tlk_u32 reason;
} tlk_jkx_scale;

/* volume: the greatest that is there, -infinity if none is. range: of scalars. */
TLK_FN tlk_jkx_scale tlk_jkx_scale_of(tlk_jkx jkx, double first_close, double low, double high, double volume) {
  tlk_jkx_scale scale;
  const double room = high - low, k = (double)(jkx.price_rows - 1) / room, s = (double)jkx.volume_rows / volume;
  scale.low = low;
  scale.k = k;
  scale.volume_scale = volume > 0.0 && s - s == 0.0 ? s : 0.0;
  scale.reason = TLK_IMAGE_DRAWN;
  if (room - room != 0.0 || k - k != 0.0) scale.reason = TLK_IMAGE_BEYOND;
  if (low == high) scale.reason = TLK_IMAGE_FLAT;
  if (first_close == 0.0 || first_close - first_close != 0.0) scale.reason = TLK_IMAGE_NO_CLOSE;
  return scale;
}

/* ---- rows with ink ---- */

/* A bit a row of a pixel column, counted from the bottom of the image. */
typedef struct {
  tlk_u64 low, high; /* rows 0 to 63, 64 to 127 */
} tlk_jkx_rows;

TLK_FN tlk_jkx_rows tlk_jkx_no_rows(void) {
  tlk_jkx_rows rows;
  rows.low = rows.high = 0;
  return rows;
}

TLK_FN tlk_jkx_rows tlk_jkx_join(tlk_jkx_rows a, tlk_jkx_rows b) {
  a.low |= b.low;
  a.high |= b.high;
  return a;
}

/* Bits first to last, 0 <= first <= last <= 63. */
TLK_FN tlk_u64 tlk_jkx_bits(tlk_i32 first, tlk_i32 last) { return ~(tlk_u64)0 >> (63 - last) & ~(tlk_u64)0 << first; }

/* Rows a to b, or b to a, 0 to 127. */
TLK_FN tlk_jkx_rows tlk_jkx_between(tlk_i32 a, tlk_i32 b) {
  const tlk_i32 first = a < b ? a : b, last = a < b ? b : a;
  tlk_jkx_rows rows;
  rows.low = first > 63 ? 0 : tlk_jkx_bits(first, last > 63 ? 63 : last);
  rows.high = last < 64 ? 0 : tlk_jkx_bits(first < 64 ? 0 : first - 64, last - 64);
  return rows;
}

/*
 * Rows of the line from (0, a) to (3, b) in its column 0 to 3, by Bresenham's algorithm without its loop: behind t
 * steps along the longer way `long` it has gone floor((2 * t * short + long) / (2 * long)) steps along the shorter
 * one.
 */
TLK_FN tlk_jkx_rows tlk_jkx_line(tlk_i32 a, tlk_i32 b, tlk_i32 column) {
  const tlk_i32 dx = TLK_JKX_STEP, up = b >= a ? 1 : -1, dy = (b - a) * up;
  if (dx > dy) {
    const tlk_i32 y = a + up * ((2 * column * dy + dx) / (2 * dx));
    return tlk_jkx_between(y, y);
  }
  /* Column c begins behind ceil(dy * (2 * c - 1) / (2 * dx)) steps; the last point is the end of the last column. */
  const tlk_i32 begin = column == 0 ? 0 : (dy * (2 * column - 1) + 2 * dx - 1) / (2 * dx);
  const tlk_i32 end = column == dx ? dy + 1 : (dy * (2 * column + 1) + 2 * dx - 1) / (2 * dx);
  return tlk_jkx_between(a + up * begin, a + up * (end - 1));
}

/* A bar in rows from the bottom of the image; -1: it is missing. */
typedef struct {
  tlk_i32 open, high, low, close, average;
  tlk_i32 volume; /* rows, 1 or more; 0: none */
} tlk_jkx_bar;

/*
 * The rows of pixel column `side`, 0 to 2, of a bar; before, next: the averages of those left and right of it, -1 where
 * there is none.
 */
TLK_FN tlk_jkx_rows tlk_jkx_column(tlk_i32 side, tlk_i32 before, tlk_jkx_bar bar, tlk_i32 next) {
  tlk_jkx_rows rows = tlk_jkx_no_rows();
  const tlk_i32 is_bar = bar.high >= 0 && bar.low >= 0;
  if (bar.average >= 0) {
    /* Lines go from centre to centre: this one is column 3 of that from the left, column 0 of that to the right. */
    if (before >= 0 && side < 2) rows = tlk_jkx_join(rows, tlk_jkx_line(before, bar.average, side + 2));
    if (next >= 0 && side > 0) rows = tlk_jkx_join(rows, tlk_jkx_line(bar.average, next, side - 1));
    if (side == 1) rows = tlk_jkx_join(rows, tlk_jkx_between(bar.average, bar.average));
  }
  if (side < 2 && is_bar && bar.open >= 0) rows = tlk_jkx_join(rows, tlk_jkx_between(bar.open, bar.open));
  if (side == 1 && is_bar) rows = tlk_jkx_join(rows, tlk_jkx_between(bar.low, bar.high));
  if (side == 2 && is_bar && bar.close >= 0) rows = tlk_jkx_join(rows, tlk_jkx_between(bar.close, bar.close));
  if (side == 1 && bar.volume > 0) rows = tlk_jkx_join(rows, tlk_jkx_between(0, bar.volume - 1));
  return rows;
}

#endif
