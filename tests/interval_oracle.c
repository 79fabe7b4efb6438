#include "interval_oracle.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
/* No zone changes its clock twice within it. */
#define STEP (6 * HOUR)
/* Beyond these a clock may leave 64 bits; there it goes on as it went. */
#define FIRST_ASKED (INT64_MIN + 3 * DAY)
#define LAST_ASKED (INT64_MAX - 3 * DAY)

typedef __int128 wide;

static wide divide_down(wide a, wide b) { return a / b - (a % b < 0); }

/* ---- clocks ---- */

static int64_t asked(wide time) {
  return time < FIRST_ASKED ? FIRST_ASKED : time > LAST_ASKED ? LAST_ASKED : (int64_t)time;
}

/* What the clock is ahead of UTC. */
static wide ahead(const interval_rule *rule, wide time) {
  return (wide)tlw_zone_local(rule->zone, asked(time)) - asked(time);
}

/* What the rules count in: the clock of the zone less the offset. */
static wide clock_at(const interval_rule *rule, wide time) { return time + ahead(rule, time) - rule->offset; }

/* The first moment with the clock of `later`; `earlier` has another and lies within a step before it. */
static wide change_between(const interval_rule *rule, wide earlier, wide later) {
  while (later - earlier > 1) {
    const wide middle = earlier + (later - earlier) / 2;
    if (ahead(rule, middle) == ahead(rule, later))
      later = middle;
    else
      earlier = middle;
  }
  return later;
}

/* The first change of the clock behind `from`, up to `to`. */
static bool first_change(const interval_rule *rule, wide from, wide to, wide *change) {
  if (rule->zone == NULL) return false;
  for (wide at = from, next; at < to; at = next) {
    next = at + STEP < to ? at + STEP : to;
    if (ahead(rule, next) == ahead(rule, at)) continue;
    *change = change_between(rule, at, next);
    return true;
  }
  return false;
}

/* The last change of the clock behind `from`, up to `to`. */
static bool last_change(const interval_rule *rule, wide from, wide to, wide *change) {
  if (rule->zone == NULL) return false;
  for (wide at = to, before; at > from; at = before) {
    before = at - STEP > from ? at - STEP : from;
    if (ahead(rule, before) == ahead(rule, at)) continue;
    *change = change_between(rule, before, at);
    return true;
  }
  return false;
}

/* ---- multiples of intervals, as a clock shows them ---- */

static wide length_of(const interval_rule *rule) {
  static const int64_t units[] = {1000000, SECOND, 60 * SECOND, HOUR, DAY, 7 * DAY};
  return (wide)units[rule->interval] * rule->size;
}

static bool is_leap(wide year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* Days from 1970-01-01 to the first of a month, which is counted from January 1970: year by year, month by month. */
static wide days_to_month(wide month) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const wide year = 1970 + divide_down(month, 12), in_year = month - divide_down(month, 12) * 12;
  wide days = 0;
  for (wide y = 1970; y < year; y++) days += is_leap(y) ? 366 : 365;
  for (wide y = 1970; y > year; y--) days -= is_leap(y - 1) ? 366 : 365;
  for (int m = 0; m < in_year; m++) days += lengths[m] + (m == 1 && is_leap(year));
  return days;
}

static wide month_of(wide clock) {
  wide month = divide_down(clock, 30 * DAY); /* too late by days a year */
  while (days_to_month(month) * DAY > clock) month--;
  while (days_to_month(month + 1) * DAY <= clock) month++;
  return month;
}

/* The last multiple that is not behind what a clock shows. */
static wide multiple_at(const interval_rule *rule, wide clock) {
  if (rule->interval == TLW_INTERVAL_MONTH)
    return days_to_month(divide_down(month_of(clock), rule->size) * rule->size) * DAY;
  const wide origin = rule->interval == TLW_INTERVAL_WEEK ? 4 * DAY : 0;
  return origin + divide_down(clock - origin, length_of(rule)) * length_of(rule);
}

/* The first multiple behind what a clock shows. */
static wide multiple_behind(const interval_rule *rule, wide clock) {
  if (rule->interval == TLW_INTERVAL_MONTH)
    return days_to_month((divide_down(month_of(clock), rule->size) + 1) * rule->size) * DAY;
  return multiple_at(rule, clock) + length_of(rule);
}

/* Whether the clock comes to a multiple at this moment, or jumps forward over one. */
static bool begins(const interval_rule *rule, wide time) {
  const wide now = clock_at(rule, time);
  return multiple_at(rule, now) == now || multiple_at(rule, now) > clock_at(rule, time - 1);
}

bool interval_begins(const interval_rule *rule, int64_t time) { return begins(rule, time); }

__int128 interval_begin(const interval_rule *rule, int64_t time) {
  wide at = time;
  for (;;) {
    const wide clock = clock_at(rule, at), begin = at - (clock - multiple_at(rule, clock));
    wide change;
    if (!last_change(rule, begin, at, &change)) return begin;
    if (begins(rule, change)) return change;
    at = change - 1;
  }
}

__int128 interval_next(const interval_rule *rule, int64_t time) {
  wide at = time;
  for (;;) {
    const wide clock = clock_at(rule, at), next = at + (multiple_behind(rule, clock) - clock);
    wide change;
    if (!first_change(rule, at, next, &change)) return next;
    if (begins(rule, change)) return change;
    at = change;
  }
}
