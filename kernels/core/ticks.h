/*
 * Where prices and volumes are labelled, and with what text. These rules are complete: they decide every label.
 *
 * **What is asked.** A range low <= high, both finite, and the rows that show it: high in row first_row, low in row
 * first_row + rows - 1, rows being 1 or more. A price is in the row that tlk_price_row gives; on a log scale, where
 * low > 0, its logarithm is. A volume is in the highest row of its bar, that of 0 in the last row; low is 0 then.
 * distance: the fewest rows from one tick to the next, taken as 1 where it is less.
 *
 * **What fits.** All ticks are decimals of at most 15 digits (kernels/core/decimal.h) whose doubles lie between low
 * and high, both included. A set of them fits if there is one or more, at most 32, and every two neighbours are at
 * least `distance` rows apart.
 *
 * **Steps** (linear scales, volumes, and log scales with high / 10 < low). The ticks are all multiples, in the range,
 * of the least step of 1, 2, 2.5 or 5 times a power of ten that fits.
 *
 * **Decades** (log scales with high / 10 >= low). The ticks are the first set that fits of: 1, 2, 3 ... 9 times all
 * powers of ten; 1, 2 and 5 times all powers of ten; all powers of ten; 10^(2n), n being any whole number; 10^(3n);
 * 10^(4n) and so on.
 *
 * **A tick that stands alone.** Where nothing fits, because low and high are the same or only some doubles apart, the
 * one tick is low, as tlk_decimal_of has it. One that lies outside of the range is in the row of its nearer end.
 *
 * **Text of prices.** If any tick of the set is not tlk_is_plain with the decimals that it is to have, all of them
 * are written as tlk_label_scientific, else all as tlk_label_plain. The decimals are those that the step needs (2 for
 * 0.25, 0 for 10), which every multiple of it has; of decades and of a tick that stands alone, those that the tick
 * needs.
 *
 * **Text of volumes.** tlk_label_short: 0, 500k, 1M, 1.5M.
 *
 * A text is exactly its tick, so that two ticks never have the same.
 */
#ifndef TLK_CORE_TICKS_H
#define TLK_CORE_TICKS_H

#include "chart.h"
#include "decimal.h"

#define TLK_TICKS_MOST 32

/* Beside TLK_SCALE_LINEAR and TLK_SCALE_LOG. */
#define TLK_SCALE_VOLUME 2

typedef struct {
  double low, high;
  tlk_i32 first_row, rows;
  tlk_i32 distance;
  tlk_i32 scale; /* TLK_SCALE_ */
} tlk_tick_range;

/* A set of ticks; tlk_tick_of and tlk_tick_label say what they are. */
typedef struct {
  tlk_i64 first;      /* which multiple of the step the first tick is; of decades, its number, counted from 10^0 */
  tlk_i32 count;      /* 1 to TLK_TICKS_MOST */
  tlk_i32 per_decade; /* 9, 3 or 1; 0: steps */
  tlk_i32 unit;       /* the step is unit * 10^exponent, unit one of 1, 2, 25 and 5; decades: powers of 10^unit */
  tlk_i32 exponent;
  tlk_i32 decimals; /* of all ticks; -1: each has those that it needs */
  tlk_i32 scientific, is_volume;
} tlk_ticks;

/* ---- what a set is ---- */

TLK_FN tlk_decimal tlk_tick_numbered(tlk_ticks ticks, tlk_i64 number) {
  tlk_decimal tick;
  if (ticks.per_decade == 0) {
    tick.digits = number * ticks.unit;
    tick.exponent = ticks.exponent;
    return tick;
  }
  const tlk_i64 decade = tlk_floor_division(number, ticks.per_decade);
  const tlk_i32 part = (tlk_i32)(number - decade * ticks.per_decade);
  tick.digits = ticks.per_decade == 9 ? part + 1 : part == 2 ? 5 : part + 1;
  tick.exponent = (tlk_i32)decade * ticks.unit;
  return tick;
}

/* Tick i of 0 to count - 1; they grow. Its double is tlk_decimal_value. */
TLK_FN tlk_decimal tlk_tick_of(tlk_ticks ticks, tlk_i32 i) { return tlk_tick_numbered(ticks, ticks.first + i); }

TLK_FN tlk_i32 tlk_tick_decimals(tlk_ticks ticks, tlk_decimal tick) {
  return ticks.decimals < 0 ? tlk_decimals_of(tick) : ticks.decimals;
}

TLK_LONG_FN tlk_label tlk_tick_label(tlk_ticks ticks, tlk_i32 i) {
  const tlk_decimal tick = tlk_tick_of(ticks, i);
  if (ticks.is_volume) return tlk_label_short(tick);
  return ticks.scientific ? tlk_label_scientific(tick) : tlk_label_plain(tick, tlk_tick_decimals(ticks, tick));
}

/* ---- rows ---- */

#ifdef TLK_LANES
TLK_FN tlk_i32 tlk_first_int(tlk_int x) { return x[0]; }
#else
TLK_FN tlk_i32 tlk_first_int(tlk_int x) { return x; }
#endif

/* The ends of the range as tlk_price_row and tlk_volume_rows want them. */
TLK_FN tlk_scale tlk_tick_scale(tlk_tick_range range) {
  tlk_layout layout;
  layout.price_scale = range.scale;
  return tlk_scale_of(range.high, range.low, range.high, layout);
}

/* The row of a value; one below low or above high is taken as that. */
TLK_LONG_FN tlk_i32 tlk_value_row(double value, tlk_tick_range range, tlk_scale scale) {
  const double inside = value < range.low ? range.low : value > range.high ? range.high : value;
  if (range.scale == TLK_SCALE_VOLUME) {
    const tlk_i32 rows = tlk_first_int(tlk_volume_rows(tlk_splat(inside), scale, range.rows));
    return range.first_row + range.rows - (rows > 1 ? rows : 1);
  }
  const tlk_real scaled = range.scale == TLK_SCALE_LOG ? tlk_ln(tlk_splat(inside)) : tlk_splat(inside);
  return tlk_first_int(tlk_price_row(scaled, scale, range.first_row, range.rows - 1));
}

/* The row of tick i. */
TLK_FN tlk_i32 tlk_tick_row(tlk_ticks ticks, tlk_i32 i, tlk_tick_range range) {
  return tlk_value_row(tlk_decimal_value(tlk_tick_of(ticks, i)), range, tlk_tick_scale(range));
}

/* ---- the choice ---- */

/* Goes from a number near it to the first tick whose double is not below low. */
TLK_FN tlk_i64 tlk_first_tick(tlk_ticks ticks, tlk_i64 number, double low) {
  while (tlk_decimal_value(tlk_tick_numbered(ticks, number)) < low) number++;
  while (tlk_decimal_value(tlk_tick_numbered(ticks, number - 1)) >= low) number--;
  return number;
}

/* The ticks from ticks.first to high: their count if they fit, else 0. */
TLK_FN tlk_i32 tlk_count_fitting(tlk_ticks ticks, tlk_tick_range range, tlk_scale scale) {
  const tlk_i32 distance = range.distance > 1 ? range.distance : 1;
  tlk_i32 row_before = 0;
  for (tlk_i32 n = 0; n <= TLK_TICKS_MOST; n++) {
    const tlk_decimal tick = tlk_tick_of(ticks, n);
    const double value = tlk_decimal_value(tick);
    if (value > range.high) return n;
    if (tick.digits <= -TLK_DECIMAL_END || tick.digits >= TLK_DECIMAL_END) return 0;
    const tlk_i32 row = tlk_value_row(value, range, scale);
    if (n > 0 && row_before - row < distance) return 0;
    row_before = row;
  }
  return 0;
}

/* Fills first and count; count 0: they don't fit. */
TLK_FN tlk_ticks tlk_tried_step(tlk_ticks ticks, tlk_tick_range range, tlk_scale scale) {
  const double low = tlk_roughly_scaled(range.low, -ticks.exponent) / ticks.unit;
  const double high = tlk_roughly_scaled(range.high, -ticks.exponent) / ticks.unit;
  const double most = 2.0 * TLK_DECIMAL_END / ticks.unit;
  ticks.count = 0;
  /* Certain in spite of the roughness, so that nothing here decides what fits. */
  if (!(low > -most && high < most) || high - low > TLK_TICKS_MOST + 16) return ticks;
  ticks.first = tlk_first_tick(ticks, (tlk_i64)low, range.low);
  ticks.count = tlk_count_fitting(ticks, range, scale);
  return ticks;
}

TLK_FN tlk_ticks tlk_single_tick(tlk_ticks ticks, double value) {
  const tlk_decimal tick = tlk_decimal_of(value);
  ticks.first = tick.digits;
  ticks.per_decade = 0;
  ticks.unit = 1;
  ticks.exponent = tick.exponent;
  ticks.count = 1;
  ticks.decimals = -1;
  return ticks;
}

/* From a step that has too many ticks, upwards, until the step is larger than the range. */
TLK_FN tlk_ticks tlk_ticks_by_step(tlk_ticks ticks, tlk_tick_range range, tlk_scale scale) {
  const double half_range = range.high * 0.5 - range.low * 0.5;
  if (range.high > range.low) {
    const tlk_i32 last = tlk_rough_exponent(half_range > 0.0 ? half_range : 0x1p-1074) + 4;
    for (tlk_i32 power = last - 6; power <= last; power++) {
      for (tlk_i32 i = 0; i < 4; i++) {
        ticks.unit = i == 0 ? 1 : i == 1 ? 2 : i == 2 ? 25 : 5;
        ticks.exponent = i == 2 ? power - 1 : power;
        ticks.decimals = ticks.exponent < 0 ? -ticks.exponent : 0;
        ticks = tlk_tried_step(ticks, range, scale);
        if (ticks.count > 0) return ticks;
      }
    }
  }
  return tlk_single_tick(ticks, range.low);
}

TLK_FN tlk_i64 tlk_multiples_within(tlk_i64 low, tlk_i64 high, tlk_i32 unit) {
  return tlk_floor_division(high, unit) - tlk_floor_division(low - 1, unit);
}

/*
 * Whether the powers of 10^unit certainly don't fit, which is told without looking at them: 10^low is the least power
 * of ten in the range, 10^high the greatest. All of them have the rows between them; and two neighbours are no further
 * apart than if all rows showed only the decades from low to high, and 1 for rounding, but for denormal ones, which are
 * rough.
 */
TLK_FN tlk_i32 tlk_are_powers_crowded(tlk_i64 low, tlk_i64 high, tlk_i32 unit, tlk_tick_range range) {
  const tlk_i64 count = tlk_multiples_within(low, high, unit), rows = range.rows - (tlk_i64)1;
  const tlk_i64 even = low < -307 ? -307 : low, distance = range.distance;
  if (count > TLK_TICKS_MOST || (count > 1 && (count - 1) * distance > rows)) return 1;
  return tlk_multiples_within(even, high, unit) > 1 && unit * rows < (high - even) * (distance - 1);
}

/* Powers of 10^700 have but one in any range, so that one of the sets fits if there is any power of ten to find. */
TLK_FN tlk_ticks tlk_ticks_by_decade(tlk_ticks ticks, tlk_tick_range range, tlk_scale scale) {
  ticks.decimals = -1;
  ticks.exponent = 0;
  ticks.per_decade = ticks.unit = 1;
  const tlk_i64 low = tlk_first_tick(ticks, tlk_rough_exponent(range.low), range.low);
  const tlk_i64 above = tlk_first_tick(ticks, tlk_rough_exponent(range.high), range.high);
  const tlk_i64 high = tlk_decimal_value(tlk_tick_numbered(ticks, above)) > range.high ? above - 1 : above;
  for (tlk_i32 set = -1; set <= 700; set++) {
    ticks.per_decade = set == -1 ? 9 : set == 0 ? 3 : 1;
    ticks.unit = set > 1 ? set : 1;
    if (tlk_are_powers_crowded(low, high, ticks.unit, range)) continue;
    const tlk_i64 near = tlk_floor_division(low, ticks.unit) * ticks.per_decade;
    ticks.first = tlk_first_tick(ticks, near, range.low);
    ticks.count = tlk_count_fitting(ticks, range, scale);
    if (ticks.count > 0) return ticks;
  }
  return tlk_single_tick(ticks, range.low);
}

TLK_FN tlk_i32 tlk_needs_scientific(tlk_ticks ticks) {
  for (tlk_i32 i = 0; i < ticks.count; i++) {
    const tlk_decimal tick = tlk_tick_of(ticks, i);
    if (!tlk_is_plain(tick, tlk_tick_decimals(ticks, tick))) return 1;
  }
  return 0;
}

/* The ticks for a range. */
TLK_LONG_FN tlk_ticks tlk_ticks_for(tlk_tick_range range) {
  const tlk_scale scale = tlk_tick_scale(range);
  tlk_ticks ticks;
  ticks.first = 0;
  ticks.count = ticks.per_decade = ticks.unit = ticks.exponent = ticks.decimals = ticks.scientific = 0;
  ticks.is_volume = range.scale == TLK_SCALE_VOLUME;
  const tlk_i32 decades = range.scale == TLK_SCALE_LOG && range.high / 10.0 >= range.low;
  ticks = decades ? tlk_ticks_by_decade(ticks, range, scale) : tlk_ticks_by_step(ticks, range, scale);
  ticks.scientific = !ticks.is_volume && tlk_needs_scientific(ticks);
  return ticks;
}

#endif
