/*
 * Which candles have a time label, and with what text. These rules are complete: they decide every label.
 *
 * **Candles.** Of the candles of a pixel column only the last counts; the N that count are numbered from 0.
 *
 * **Local time.** Candle i of N has the local time L(i) = its time + the zone's offset at that time. M(i) is the
 * greatest L of the candles before i: so an hour that a clock repeats brings no label a second time.
 *
 * **Weight.** The weight of candle i > 0 is the heaviest of time_steps.h of which a time B lies in M(i) < B <= L(i);
 * none where L(i) <= M(i).
 *
 * **Candidates.** For a step of time_steps.h, the candles that have a time B of that step in M(i) < B <= L(i).
 *
 * **Placing.** A label is as wide as the font makes its text (tlw_time_text, of L(i) or, where other candles are in its
 * pixel column, of the last time of the weight that is not later; and of the weight), its left end
 * half of that, rounded down, left of the candle's centre column (of tlk_slot_centre). Candidates whose label would
 * begin before column -room_left of the plot, or end beyond its width + room_right, don't count. The others are
 * placed, heavier ones first, of equal weight from left to right, each if `gap` columns or more stay free between its
 * label and every one that is placed.
 *
 * **Choice.** Steps are tried from coarse to fine, up to the first that has more than 3 * ((room_left + width +
 * room_right) / (digit_advance of the font + gap) + 1) / 2 candidates, or more than TLW_TIME_CANDIDATES. A step fits
 * if one label or more was placed, and two of three candidates that count, or more, were, and each of these that was not
 * has less than `gap` columns free to a heavier one that was: so none is left out for one of its own weight. The labels
 * are those of the finest step that fits and gives no more than the caller has room for.
 *
 * **Context.** Of the labels before the first that is of the weight of a year, or of all if none is, the leftmost that
 * has room for it is written with its year; if there is none, the leftmost that has room for it with its day. It has
 * room if it stays within the bounds and a quarter of the gap, rounded down, stays free on both sides.
 *
 * **A chart without.** If there is no label by these rules, the first candle in column plot_width / 2, rounded down, or
 * right of it, else the last one, has one, with its year, of tlw_time_exact_weight of its L, where that stays within the
 * bounds.
 *
 * There are no labels if times are missing, decrease anywhere, or lie outside of the years 1678 to 2261.
 */
#ifndef TALLOW_CHART_TIME_TICKS_H
#define TALLOW_CHART_TIME_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "font.h"
#include "host/io/zone.h"
#include "kernels/core/chart.h"
#include "time_steps.h"

#define TLW_TIME_LABELS 256 /* as many as a caller needs room for at most */
#define TLW_TIME_CANDIDATES 384

struct tlw_time_axis {
  const int64_t *times;    /* of the candles, ns since 1970-01-01 00:00 UTC; NULL: missing */
  int64_t stride;          /* bytes from one to the next; 0: 8 */
  bool in_order;           /* they are known not to decrease; else that is looked at, O(candles that count) */
  const tlk_series *slots; /* where candles are: count, by_time, origin, shift, step and span are used */
  /*
   * NULL; or the columns of n_columns candles that count, and whether others are there too; times are of these alone:
   * slots is not used.
   */
  const int32_t *columns;
  const uint8_t *shared;
  int64_t n_columns;
  const struct tlw_zone *zone;
  const struct tlw_font *font;
  int32_t plot_width, room_left, room_right; /* columns */
  int32_t gap;                               /* columns between labels, 0 or more; four digits' advance looks well */
};

struct tlw_time_label {
  int64_t candle;
  int32_t x;           /* its centre column in the plot */
  int32_t left, width; /* of the text, columns of the plot */
  int32_t weight;      /* TLW_WEIGHT_ */
  int32_t length;      /* of the text, which ends with a 0 */
  char text[TLW_TIME_TEXT_SIZE];
};

/*
 * The labels from left to right, room of them at most; returns how many. Pure; nothing is allocated. Cost where times
 * are known to be in order: O(steps * candidates * log(candles)).
 */
int32_t tlw_time_ticks(const struct tlw_time_axis *axis, struct tlw_time_label *labels, int32_t room);

#endif
