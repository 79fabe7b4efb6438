#include "clock.h"

#include <stdbool.h>

#include "host/io/time_text.h"

/* Nanoseconds of any time, of intervals that reach far beyond the years of rows too. */
__extension__ typedef __int128 wide;

#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)
#define MONDAY (4 * DAY) /* 1970-01-05 */

/* Even intervals are looked for among these seconds, whose nanoseconds have 64 bits. */
#define FIRST_SECOND (TLW_TIME_FIRST - 90 * TLW_TIME_DAY)
#define END_SECOND (TLW_TIME_END + 90 * TLW_TIME_DAY)

int64_t tlw_clock_unit(tlw_time_unit unit) {
  switch (unit) {
  case TLW_UNIT_S:
    return SECOND;
  case TLW_UNIT_US:
    return 1000;
  case TLW_UNIT_NS:
    return 1;
  case TLW_UNIT_MS:
  case TLW_UNIT_DEFAULT:
    break;
  }
  return 1000000;
}

int64_t tlw_clock_length(tlw_interval interval) {
  static const int64_t lengths[] = {
      [TLW_INTERVAL_MS] = 1000000,
      [TLW_INTERVAL_SECOND] = SECOND,
      [TLW_INTERVAL_MINUTE] = 60 * SECOND,
      [TLW_INTERVAL_HOUR] = 3600 * SECOND,
      [TLW_INTERVAL_DAY] = DAY,
      [TLW_INTERVAL_WEEK] = 7 * DAY,
      [TLW_INTERVAL_MONTH] = 0,
  };
  return lengths[interval];
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most_of(int64_t a, int64_t b) { return a > b ? a : b; }

static wide divide_down(wide a, wide b) { return a / b - (a % b < 0); }
static wide divide_up(wide a, wide b) { return a / b + (a % b > 0); }

/* The first time of a moment or behind it. */
static int64_t time_from(const struct tlw_clock *clock, wide moment) {
  const wide time = divide_up(moment, clock->unit);
  return time < INT64_MIN ? INT64_MIN : time > INT64_MAX ? INT64_MAX : (int64_t)time;
}

/* ---- multiples of the interval, as a clock shows them ---- */

static int64_t months_of(wide shown) {
  const struct tlw_time_date date = tlw_time_date_of((int64_t)divide_down(shown, DAY));
  return ((int64_t)date.year - 1970) * 12 + date.month - 1;
}

static wide start_of_month(int64_t months) {
  const int64_t years = (int64_t)divide_down(months, 12);
  const struct tlw_time_date date = {
      .year = (int32_t)(1970 + years), .month = (int32_t)(months - years * 12 + 1), .day = 1};
  return (wide)tlw_time_day_number(date) * DAY;
}

static wide multiple(const struct tlw_clock *clock, wide number) {
  if (clock->interval == TLW_INTERVAL_MONTH) return start_of_month((int64_t)number * clock->size);
  const wide first = clock->interval == TLW_INTERVAL_WEEK ? MONDAY : 0;
  return first + number * clock->size * tlw_clock_length(clock->interval);
}

/* The number of the last multiple up to what is shown. */
static wide number_at(const struct tlw_clock *clock, wide shown) {
  if (clock->interval == TLW_INTERVAL_MONTH) return divide_down(months_of(shown), clock->size);
  const wide first = clock->interval == TLW_INTERVAL_WEEK ? MONDAY : 0;
  return divide_down(shown - first, (wide)clock->size * tlw_clock_length(clock->interval));
}

/* ---- moments at which intervals begin ---- */

/* What is to be added to the time that the clock shows for the moment, in a span of the zone. */
static wide shift_of(const struct tlw_clock *clock, const struct tlw_zone_span *span) {
  return clock->offset - (wide)span->offset * SECOND;
}

/* Whether an interval begins at the moment at which one span of the zone follows another. */
static bool begins_at_change(const struct tlw_clock *clock, const struct tlw_zone_span *before,
                             const struct tlw_zone_span *after) {
  const wide moment = (wide)after->begin * SECOND;
  const wide not_reached = moment - shift_of(clock, before), shown = moment - shift_of(clock, after);
  const wide last = multiple(clock, number_at(clock, shown));
  return shown > not_reached ? last >= not_reached : last == shown;
}

/* The last begin of an interval up to a moment. */
static wide begin_at(const struct tlw_clock *clock, wide moment) {
  struct tlw_zone_span span = tlw_zone_span_at(&clock->zone, (int64_t)divide_down(moment, SECOND));
  for (;;) {
    const wide shift = shift_of(clock, &span);
    const wide begin = multiple(clock, number_at(clock, moment - shift)) + shift;
    if (span.begin == INT64_MIN || begin >= (wide)span.begin * SECOND) return begin;
    const struct tlw_zone_span before = tlw_zone_span_at(&clock->zone, span.begin - 1);
    if (begins_at_change(clock, &before, &span)) return (wide)span.begin * SECOND;
    moment = (wide)span.begin * SECOND - 1;
    span = before;
  }
}

/* The first begin of an interval behind a moment. */
static wide begin_behind(const struct tlw_clock *clock, wide moment) {
  struct tlw_zone_span span = tlw_zone_span_at(&clock->zone, (int64_t)divide_down(moment, SECOND));
  for (;;) {
    const wide shift = shift_of(clock, &span);
    const wide begin = multiple(clock, number_at(clock, moment - shift) + 1) + shift;
    if (span.end == INT64_MAX || begin < (wide)span.end * SECOND) return begin;
    const struct tlw_zone_span after = tlw_zone_span_after(&clock->zone, &span);
    moment = (wide)span.end * SECOND;
    if (begins_at_change(clock, &span, &after)) return moment;
    span = after;
  }
}

/* Finds the even intervals of the span that a time lies in. */
static void find_even(struct tlw_clock *clock, wide moment) {
  const struct tlw_zone_span span = tlw_zone_span_at(&clock->zone, (int64_t)divide_down(moment, SECOND));
  const wide shift = shift_of(clock, &span);
  const wide first = (wide)most_of(span.begin, FIRST_SECOND) * SECOND, end = (wide)least(span.end, END_SECOND) * SECOND;
  const wide begin = multiple(clock, number_at(clock, first - 1 - shift) + 1) + shift;
  const wide last = multiple(clock, number_at(clock, end - 1 - shift)) + shift;
  clock->even_begin = clock->even_end = 0;
  if (begin >= last) return;
  clock->even_begin = time_from(clock, begin);
  clock->even_end = time_from(clock, last);
}

void tlw_clock_init(struct tlw_clock *clock, const tlw_bars_options *options) {
  *clock = (struct tlw_clock){.interval = options->interval,
                              .size = options->size,
                              .offset = options->offset,
                              .unit = tlw_clock_unit(options->unit)};
  if (options->zone)
    clock->zone = *options->zone;
  else
    tlw_zone_utc(&clock->zone);
  const wide length = (wide)options->size * tlw_clock_length(options->interval);
  if (length % clock->unit == 0) clock->step = (int64_t)(length / clock->unit);
}

static bool is_even(const struct tlw_clock *clock, int64_t time) {
  return time >= clock->even_begin && time < clock->even_end;
}

struct tlw_clock_interval tlw_clock_at(struct tlw_clock *clock, int64_t time) {
  const wide moment = (wide)time * clock->unit;
  if (!is_even(clock, time) && clock->step > 0) find_even(clock, moment);
  if (is_even(clock, time)) {
    const uint64_t into = ((uint64_t)time - (uint64_t)clock->even_begin) % (uint64_t)clock->step;
    const int64_t begin = time - (int64_t)into;
    return (struct tlw_clock_interval){begin, begin + clock->step};
  }
  return (struct tlw_clock_interval){time_from(clock, begin_at(clock, moment)),
                                     time_from(clock, begin_behind(clock, moment))};
}

int64_t tlw_clock_count(struct tlw_clock *clock, int64_t from, int64_t to, int64_t most) {
  int64_t count = 0;
  while (from < to && count <= most) {
    if (is_even(clock, from)) {
      const int64_t end = least(to, clock->even_end);
      const uint64_t steps = ((uint64_t)end - (uint64_t)from) / (uint64_t)clock->step;
      if (steps > (uint64_t)most) return most + 1;
      count += (int64_t)steps;
      from = end;
    } else {
      from = tlw_clock_at(clock, from).end;
      count++;
    }
  }
  return count;
}
