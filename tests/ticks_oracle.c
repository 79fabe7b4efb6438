#include "ticks_oracle.h"

#include <math.h>
#include <stdlib.h>

#include "oracle.h"

int32_t ticks_row(double value, const ticks_range *range) {
  double p = fmin(fmax(value, range->low), range->high), high = range->high, low = range->low;
  if (range->scale == TICKS_VOLUME) {
    const double rows = high > 0.0 ? floor(p / high * range->rows + 0.5) : 1.0;
    return range->first_row + range->rows - (rows < 1.0 ? 1 : (int32_t)rows);
  }
  if (range->scale == TICKS_LOG) {
    p = oracle_ln(p);
    high = oracle_ln(high);
    low = oracle_ln(low);
  }
  if (high / 2 - low / 2 == 0.0) return range->first_row + (range->rows - 1) / 2;
  return range->first_row + (int32_t)floor((high / 2 - p / 2) / (high / 2 - low / 2) * (range->rows - 1) + 0.5);
}

/* Adds a tick that is not below the range. 1: it is above it; -1: it does not fit. */
static int add(ticks_set *set, decimal tick, const ticks_range *range) {
  const double value = decimal_value(tick);
  const int n = set->count;
  if (value > range->high) return 1;
  if (llabs(tick.digits) >= INT64_C(1000000000000000) || n == TICKS_MOST) return -1;
  set->at[n] = tick;
  set->rows[n] = ticks_row(value, range);
  if (n > 0 && set->rows[n - 1] - set->rows[n] < (range->distance > 1 ? range->distance : 1)) return -1;
  set->count++;
  return 0;
}

static bool try_step(ticks_set *set, int unit, int exponent, const ticks_range *range) {
  const double about = (double)((long double)range->low / powl(10.0L, exponent) / unit);
  if (fabs(about) * unit > 3e15) return false;
  int64_t k = (int64_t)about - 40;
  while (decimal_value((decimal){k * unit, exponent}) < range->low) k++;
  set->count = 0;
  set->places = exponent < 0 ? -exponent : 0;
  for (;; k++) {
    const int end = add(set, (decimal){k * unit, exponent}, range);
    if (end) return end > 0 && set->count > 0;
  }
}

static bool try_decades(ticks_set *set, const char *digits, int stride, const ticks_range *range) {
  set->count = 0;
  set->places = -1;
  for (int power = (int)floor(log10(range->low)) - 2; power <= 310; power++) {
    if (power % stride != 0) continue;
    for (const char *d = digits; *d; d++) {
      const decimal tick = {*d - '0', power};
      if (decimal_value(tick) < range->low) continue;
      const int end = add(set, tick, range);
      if (end) return end > 0 && set->count > 0;
    }
  }
  return set->count > 0;
}

/* Some set of more than one tick. */
static bool try_all(ticks_set *set, const ticks_range *range) {
  static const int units[] = {1, 2, 25, 5};
  if (range->scale == TICKS_LOG && range->high / 10.0 >= range->low) {
    if (try_decades(set, "123456789", 1, range) || try_decades(set, "125", 1, range)) return true;
    for (int stride = 1; stride < 1000; stride++)
      if (try_decades(set, "1", stride, range)) return true;
    return false;
  }
  if (!(range->high > range->low)) return false;
  const int about = (int)floorl(log10l((long double)range->high - (long double)range->low));
  for (int power = about - 2; power <= about + 4; power++)
    for (int i = 0; i < 4; i++)
      if (try_step(set, units[i], i == 2 ? power - 1 : power, range)) return true;
  return false;
}

static int places_of(const ticks_set *set, int i) { return set->places < 0 ? decimal_places(set->at[i]) : set->places; }

void ticks_oracle(ticks_set *set, const ticks_range *range) {
  if (!try_all(set, range)) {
    const decimal low = decimal_of(range->low);
    *set = (ticks_set){.count = 1, .places = -1, .at = {low}, .rows = {ticks_row(decimal_value(low), range)}};
  }
  set->scale = range->scale;
  set->scientific = false;
  for (int i = 0; i < set->count; i++)
    if (range->scale != TICKS_VOLUME && !decimal_is_plain(set->at[i], places_of(set, i))) set->scientific = true;
}

void ticks_text(char out[DECIMAL_TEXT], const ticks_set *set, int i) {
  if (set->scale == TICKS_VOLUME)
    decimal_short(out, set->at[i]);
  else if (set->scientific)
    decimal_scientific(out, set->at[i]);
  else
    decimal_plain(out, set->at[i], places_of(set, i));
}
