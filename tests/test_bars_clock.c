/*
 * Where intervals begin, against the clocks of zones watched step by step: over changes of all manners, in all units, by
 * the day of the calendar for months.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "host/bars/clock.h"
#include "series.h"

#define SECOND INT64_C(1000000000)
#define MOST_BEGINS 40000

/* The number of the interval that a clock shows, counted as the header has it. */
static int64_t divide_down(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t number_of(const tlw_bars_options *options, int64_t shown) {
  static const int64_t seconds[] = {0, 1, 60, 3600, 86400, 7 * 86400};
  if (options->interval == TLW_INTERVAL_MS) return divide_down(shown, options->size * 1000000);
  if (options->interval != TLW_INTERVAL_MONTH) {
    const int64_t monday = options->interval == TLW_INTERVAL_WEEK ? 4 * 86400 * SECOND : 0;
    return divide_down(shown - monday, options->size * seconds[options->interval] * SECOND);
  }
  const time_t day = (time_t)divide_down(shown, SECOND);
  struct tm date;
  assert_non_null(gmtime_r(&day, &date));
  return divide_down(((int64_t)date.tm_year - 70) * 12 + date.tm_mon, options->size);
}

/*
 * Whether an interval begins at a step, in which all changes of the clock fall on its end: the clock comes to a multiple,
 * or jumps over one.
 */
static bool begins(const tlw_bars_options *options, int64_t time, int64_t step) {
  const int64_t shown = tlw_zone_local(options->zone, time) - options->offset;
  const int64_t not_reached = tlw_zone_local(options->zone, time - step) - options->offset + step;
  const int64_t number = number_of(options, shown);
  if (shown > not_reached) return number_of(options, not_reached - 1) < number;
  return number_of(options, shown - 1) < number;
}

/* Checks all intervals from one time to another. Both are nanoseconds, as is the step. */
static void watch(const tlw_bars_options *options, int64_t from, int64_t to, int64_t step) {
  static int64_t at[MOST_BEGINS];
  const int64_t unit = tlw_clock_unit(options->unit);
  int64_t n = 0;
  for (int64_t time = from; time <= to; time += step)
    if (begins(options, time, step)) {
      assert_true(n < MOST_BEGINS);
      at[n++] = time / unit;
    }
  assert_true(n > 1);
  struct tlw_clock clock;
  tlw_clock_init(&clock, options);
  rng r = {(uint64_t)from ^ (uint64_t)options->size};
  for (int64_t i = 0; i + 1 < n; i++) {
    const int64_t inside[] = {at[i], at[i + 1] - 1, at[i] + (int64_t)rng_below(&r, (uint64_t)(at[i + 1] - at[i]))};
    for (int k = 0; k < 3; k++) {
      const struct tlw_clock_interval interval = tlw_clock_at(&clock, inside[k]);
      if (interval.begin != at[i] || interval.end != at[i + 1])
        fail_msg("interval %d of size %lld, time %lld: %lld to %lld and not %lld to %lld", (int)options->interval,
                 (long long)options->size, (long long)inside[k], (long long)interval.begin, (long long)interval.end,
                 (long long)at[i], (long long)at[i + 1]);
    }
  }
  for (int k = 0; k < 200; k++) {
    const int64_t a = (int64_t)rng_below(&r, (uint64_t)n), b = a + (int64_t)rng_below(&r, (uint64_t)(n - a));
    assert_int_equal(tlw_clock_count(&clock, at[a], at[b], n), b - a);
    if (b > a) assert_true(tlw_clock_count(&clock, at[a], at[b], b - a - 1) > b - a - 1);
  }
}

static int64_t utc(int year, int month, int day) {
  struct tm date = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
  return (int64_t)timegm(&date) * SECOND;
}

typedef struct rule {
  tlw_interval interval;
  int64_t size, offset;
} rule;

static void watch_all(const tlw_zone *zone, const rule *rules, size_t n, int64_t from, int64_t to, int64_t step) {
  static const tlw_time_unit units[] = {TLW_UNIT_MS, TLW_UNIT_S, TLW_UNIT_US, TLW_UNIT_NS};
  for (size_t i = 0; i < n; i++) {
    tlw_bars_options options;
    tlw_bars_options_init(&options, TLW_BARS_TIME, rules[i].size);
    options.interval = rules[i].interval;
    options.offset = rules[i].offset;
    options.zone = zone;
    options.unit = units[i % 4];
    assert_int_equal(tlw_bars_check(&options, NULL), TLW_OK);
    watch(&options, from, to, step);
  }
}

static const rule minutes[] = {
    {TLW_INTERVAL_MINUTE, 45, 0},
    {TLW_INTERVAL_HOUR, 1, 0},
    {TLW_INTERVAL_HOUR, 5, 30 * 60 * SECOND},
    {TLW_INTERVAL_DAY, 1, 0},
    {TLW_INTERVAL_DAY, 1, -17 * 3600 * SECOND},
    {TLW_INTERVAL_DAY, 3, 3600 * SECOND},
    {TLW_INTERVAL_WEEK, 1, 0},
    {TLW_INTERVAL_WEEK, 2, 86400 * SECOND},
    {TLW_INTERVAL_MONTH, 1, 0},
    {TLW_INTERVAL_MONTH, 3, 5 * 86400 * SECOND},
    {TLW_INTERVAL_MONTH, 5, -9 * 3600 * SECOND},
};
#define N_MINUTES (sizeof minutes / sizeof *minutes)

/* Years in which the clock of a zone changes in a manner of its own. */
typedef struct place {
  const char *name;
  int year;
  int step; /* minutes; its changes are multiples of them */
} place;

static void test_zones(void **state) {
  (void)state;
  static const place places[] = {
      {"Europe/Berlin", 2024, 15},     {"Australia/Lord_Howe", 2023, 15}, {"America/Sao_Paulo", 2017, 15},
      {"America/St_Johns", 2006, 1},   {"Pacific/Apia", 2011, 15},        {"America/Havana", 2024, 15},
      {"Africa/Casablanca", 2023, 15}, {"Asia/Kathmandu", 1985, 15},      {"Antarctica/Troll", 2024, 15},
  };
  size_t found = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    tlw_zone *zone;
    if (tlw_zone_open(&zone, places[i].name, NULL) != TLW_OK) continue;
    found++;
    const int64_t from = utc(places[i].year - 1, 12, 20), to = utc(places[i].year + 1, 2, 10);
    watch_all(zone, minutes, N_MINUTES, from, to, places[i].step * 60 * SECOND);
    tlw_zone_close(&zone);
  }
  if (found == 0) {
    print_message("no zoneinfo on this system\n");
    skip();
  }
}

static void test_utc(void **state) {
  (void)state;
  watch_all(NULL, minutes, N_MINUTES, utc(1969, 6, 1), utc(1971, 3, 1), 15 * 60 * SECOND);
  static const rule seconds[] = {
      {TLW_INTERVAL_MS, 1000, 0},        {TLW_INTERVAL_MS, 15000, SECOND}, {TLW_INTERVAL_SECOND, 7, 0},
      {TLW_INTERVAL_SECOND, 7, -SECOND}, {TLW_INTERVAL_MINUTE, 7, 0},      {TLW_INTERVAL_MINUTE, 1, 59 * SECOND},
  };
  watch_all(NULL, seconds, sizeof seconds / sizeof *seconds, utc(1969, 12, 31) + 79000 * SECOND,
            utc(1970, 1, 1) + 9000 * SECOND, SECOND);
}

/* A clock that changed by 17,500 and some seconds. */
static void test_odd_seconds(void **state) {
  (void)state;
  tlw_zone *zone;
  if (tlw_zone_open(&zone, "Africa/Monrovia", NULL) != TLW_OK) skip();
  static const rule seconds[] = {{TLW_INTERVAL_SECOND, 20, 0},
                                 {TLW_INTERVAL_MINUTE, 1, 0},
                                 {TLW_INTERVAL_HOUR, 1, 0},
                                 {TLW_INTERVAL_HOUR, 1, 11 * SECOND},
                                 {TLW_INTERVAL_MINUTE, 44, 0}};
  /* On 1972-01-07 it went from 44:30 behind UTC to UTC. */
  watch_all(zone, seconds, sizeof seconds / sizeof *seconds, utc(1972, 1, 6), utc(1972, 1, 8), SECOND);
  tlw_zone_close(&zone);
}

/* The longest intervals, at both ends of the years that rows have. */
static void test_ends_of_time(void **state) {
  (void)state;
  tlw_bars_options options;
  tlw_bars_options_init(&options, TLW_BARS_TIME, 3600);
  options.interval = TLW_INTERVAL_MONTH;
  struct tlw_clock clock;
  tlw_clock_init(&clock, &options);
  struct tlw_clock_interval interval = tlw_clock_at(&clock, utc(2000, 1, 1) / 1000000);
  assert_int_equal(interval.begin, 0);
  assert_int_equal(interval.end, INT64_C(9467107200000)); /* 2270-01-01 */
  interval = tlw_clock_at(&clock, utc(1678, 1, 1) / 1000000);
  assert_int_equal(interval.begin, INT64_C(-9467020800000)); /* 1670-01-01 */
  assert_int_equal(interval.end, 0);
  options.unit = TLW_UNIT_NS;
  tlw_clock_init(&clock, &options);
  interval = tlw_clock_at(&clock, utc(2000, 1, 1));
  assert_int_equal(interval.begin, 0);
  assert_int_equal(interval.end, INT64_MAX);
  interval = tlw_clock_at(&clock, utc(1678, 1, 1));
  assert_int_equal(interval.begin, INT64_MIN);
  assert_int_equal(interval.end, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_zones),
      cmocka_unit_test(test_utc),
      cmocka_unit_test(test_odd_seconds),
      cmocka_unit_test(test_ends_of_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
