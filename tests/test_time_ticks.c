/*
 * Time labels against an oracle that looks at every candle by the C library's calendar, for series with gaps,
 * repeated hours and doubled times; and labels that are known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/chart/slots.h"
#include "host/chart/time_ticks.h"
#include "host/io/time_text.h"
#include "series.h"
#include "time_oracle.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MOST_CANDLES 1500
#define CASES 800

/* --- Zones ------------------------------------------------------------------------------------------------------ */

#define MOST_CHANGES 40

struct made_zone {
  int64_t begins[MOST_CHANGES];
  int32_t offsets[MOST_CHANGES];
  struct tlw_zone zone;
};

static void begin_zone(struct made_zone *z, int32_t offset) {
  z->begins[0] = INT64_MIN;
  z->offsets[0] = offset;
  z->zone = (struct tlw_zone){.begins = z->begins, .offsets = z->offsets, .count = 1};
}

static void change_zone(struct made_zone *z, int64_t begin, int32_t offset) {
  z->begins[z->zone.count] = begin;
  z->offsets[z->zone.count++] = offset;
}

/* Summer time of Berlin in 2024 and 2025. */
static void make_berlin(struct made_zone *z) {
  begin_zone(z, 3600);
  change_zone(z, 1711846800, 7200);
  change_zone(z, 1729990800, 3600);
  change_zone(z, 1743296400, 7200);
  change_zone(z, 1761440400, 3600);
}

/* Changes of any size around these seconds. */
static void make_wild(struct made_zone *z, rng *random, int64_t first, int64_t last) {
  begin_zone(z, rng_between(random, -90000, 90000));
  int64_t begin = first - 1 - (int64_t)rng_below(random, 1000);
  const uint64_t step = (uint64_t)((last - first) / 20 + 2);
  while (z->zone.count < MOST_CHANGES && begin < last) {
    change_zone(z, begin, rng_between(random, -90000, 90000));
    begin += 1 + (int64_t)rng_below(random, 2 * step);
  }
}

static void make_zone(struct made_zone *z, rng *random, int64_t first, int64_t last) {
  switch (rng_below(random, 6)) {
  case 0:
    begin_zone(z, 0);
    break;
  case 1:
    begin_zone(z, 19800);
    break;
  case 2:
    make_wild(z, random, first, last);
    break;
  case 3: /* a midnight that comes twice, in the middle */
    begin_zone(z, -3600);
    change_zone(z, first / 86400 * 86400 + ((last - first) / 172800 * 86400) + 3660, -7200);
    break;
  default:
    make_berlin(z);
  }
}

/* --- Series ----------------------------------------------------------------------------------------------------- */

static int64_t start_of(rng *random) {
  static const int64_t starts[] = {1711846800, 1729990800, 1735689600, 1704067200, 951782400, 0, -86400, 1761440400};
  const int64_t any = TLW_TIME_FIRST + (int64_t)rng_below(random, (uint64_t)(TLW_TIME_END - TLW_TIME_FIRST));
  const uint64_t i = rng_below(random, 10);
  return (i < 8 ? starts[i] : any) * SECOND;
}

static int64_t step_of(rng *random) {
  static const int64_t steps[] = {1,        1000, 1000000,  SECOND / 4, SECOND,  5 * SECOND, MINUTE,   5 * MINUTE,
                                  HOUR / 2, HOUR, 4 * HOUR, DAY,        7 * DAY, 30 * DAY,   365 * DAY};
  return steps[rng_below(random, sizeof steps / sizeof *steps)];
}

static bool is_closed(int64_t time, int64_t step) {
  const int64_t day = time / DAY, of_day = time % DAY;
  if (step <= DAY && (day + 4) % 7 % 6 == 0) return true;
  return step <= HOUR && (of_day < 8 * HOUR || of_day > 16 * HOUR || (of_day > 11 * HOUR && of_day < 12 * HOUR));
}

static int64_t make_times(int64_t *times, rng *random) {
  static const int64_t sizes[] = {1, 2, 3, 10, 30, 100, 300, 1000, MOST_CANDLES};
  const int64_t n = sizes[rng_below(random, sizeof sizes / sizeof *sizes)], step = step_of(random);
  const uint64_t kind = rng_below(random, 5);
  int64_t time = start_of(random);
  for (uint64_t k = rng_below(random, 50); k > 0 && time > TLW_TIME_FIRST * SECOND + step; k--) time -= step;
  if (time < TLW_TIME_FIRST * SECOND) time = TLW_TIME_FIRST * SECOND;
  for (int64_t i = 0; i < n; i++) {
    times[i] = time;
    int64_t jump = step;
    if (kind == 1) jump = (int64_t)rng_below(random, 3) * step;
    if (kind == 2) jump = 1 + (int64_t)rng_below(random, (uint64_t)step);
    if (kind == 3 && rng_below(random, 50) == 0) jump = (int64_t)rng_below(random, 100) * step;
    if (time >= TLW_TIME_END * SECOND - jump) return i + 1;
    time += jump;
    for (int k = 0; k < 100000 && kind == 4 && time >= 0 && is_closed(time, step); k++) time += step;
    if (time >= TLW_TIME_END * SECOND) return i + 1;
  }
  return n;
}

static int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* --- The oracle's question -------------------------------------------------------------------------------------- */

/* Of each pixel column the last candle. */
struct counted {
  int32_t n;
  int32_t columns[MOST_CANDLES];
  int64_t times[MOST_CANDLES], rows[MOST_CANDLES];
  bool shared[MOST_CANDLES];
};

static int64_t time_at(const struct tlw_time_axis *axis, int64_t i) {
  int64_t time;
  memcpy(&time, (const char *)axis->times + i * (axis->stride ? axis->stride : 8), sizeof time);
  return time;
}

static void count_candles(struct counted *counted, const struct tlw_time_axis *axis) {
  const tlk_series *s = axis->slots;
  counted->n = 0;
  for (int64_t i = 0; i < s->count; i++) {
    const uint64_t u = s->by_time ? ((uint64_t)time_at(axis, i) - (uint64_t)time_at(axis, 0)) >> s->shift : (uint64_t)i;
    const int32_t x = (int32_t)((2 * u + s->step) * (uint64_t)axis->plot_width / (2 * s->span));
    const bool shared = counted->n > 0 && counted->columns[counted->n - 1] == x;
    const int32_t n = shared ? --counted->n : counted->n;
    counted->shared[n] = shared;
    counted->columns[n] = x;
    counted->times[n] = time_at(axis, i);
    counted->rows[n] = i;
    counted->n++;
  }
}

static int32_t ask(const struct tlw_time_axis *axis, const struct counted *counted, times_label *labels, int32_t room) {
  const times_question question = {.times = counted->times,
                                   .columns = counted->columns,
                                   .shared = counted->shared,
                                   .n = counted->n,
                                   .zone = axis->zone,
                                   .font = axis->font,
                                   .plot_width = axis->plot_width,
                                   .room_left = axis->room_left,
                                   .room_right = axis->room_right,
                                   .gap = axis->gap};
  return times_oracle(&question, labels, room);
}

/* --- Comparing -------------------------------------------------------------------------------------------------- */

#define GUARD 0xA5

struct result {
  int32_t count;
  struct tlw_time_label labels[TLW_TIME_LABELS + 1];
};

static void label(struct result *r, const struct tlw_time_axis *axis, int32_t room) {
  memset(r, GUARD, sizeof *r);
  r->count = tlw_time_ticks(axis, r->labels, room);
  assert_in_range(r->count, 0, room);
  const unsigned char *behind = (const unsigned char *)&r->labels[room];
  for (size_t i = 0; i < sizeof r->labels[0]; i++) assert_int_equal(behind[i], GUARD);
}

static void print_case(const struct tlw_time_axis *axis, const struct result *r, const times_label *expected,
                       int32_t n) {
  print_message("%" PRId64 " candles from %" PRId64 ", width %d, gap %d\n", axis->slots->count, axis->times[0],
                axis->plot_width, axis->gap);
  for (int32_t i = 0; i < r->count; i++)
    print_message("[%" PRId64 " %d %s] ", r->labels[i].candle, r->labels[i].left, r->labels[i].text);
  print_message("\n");
  for (int32_t i = 0; i < n; i++) print_message("[%d %d %s] ", expected[i].candle, expected[i].left, expected[i].text);
  print_message("\n");
}

static bool same_label(const struct tlw_time_label *a, const times_label *b, int64_t row) {
  return a->candle == row && a->x == b->x && a->left == b->left && a->width == b->width && a->weight == b->weight &&
         a->length == (int32_t)strlen(a->text) && strcmp(a->text, b->text) == 0;
}

/* The labels of the candles that count, given alone with their columns. */
static void label_by_columns(struct result *r, const struct tlw_time_axis *axis, const struct counted *counted,
                             int32_t room) {
  struct tlw_time_axis given = *axis;
  given.times = counted->times;
  given.stride = 0;
  given.slots = NULL;
  given.columns = counted->columns;
  given.shared = (const uint8_t *)counted->shared;
  given.n_columns = counted->n;
  label(r, &given, room);
  for (int32_t i = 0; i < r->count; i++) r->labels[i].candle = counted->rows[r->labels[i].candle];
}

static int32_t compare(const struct tlw_time_axis *axis, int32_t room) {
  static times_label expected[TLW_TIME_LABELS + 1];
  static struct counted counted;
  static struct result r, by_columns;
  label(&r, axis, room);
  count_candles(&counted, axis);
  const int32_t n = ask(axis, &counted, expected, room);
  bool same = r.count == n;
  for (int32_t i = 0; i < n && same; i++)
    same = same_label(&r.labels[i], &expected[i], counted.rows[expected[i].candle]);
  for (int32_t i = 1; i < r.count; i++)
    same = same && r.labels[i].left >= r.labels[i - 1].left + r.labels[i - 1].width + axis->gap / 4;
  label_by_columns(&by_columns, axis, &counted, room);
  if (!same || memcmp(&r, &by_columns, sizeof r) != 0) {
    print_case(axis, &r, expected, n);
    fail_msg("labels differ%s", same ? ", given by columns" : "");
  }
  return n;
}

static int64_t least_step(const int64_t *times, int64_t n) {
  int64_t least = INT64_MAX;
  for (int64_t i = 1; i < n; i++)
    if (times[i] > times[i - 1] && times[i] - times[i - 1] < least) least = times[i] - times[i - 1];
  return least == INT64_MAX ? 1 : least;
}

static void set_slots(tlk_series *slots, const int64_t *times, int64_t n, bool by_time) {
  tlw_slots_by_index(n, slots);
  if (by_time) tlw_slots_by_time(times[0], times[n - 1], (uint64_t)least_step(times, n), slots);
}

static void test_against_the_oracle(void **state) {
  (void)state;
  static int64_t times[MOST_CANDLES];
  rng random = {11};
  int32_t n_labels = 0;
  for (int i = 0; i < CASES; i++) {
    const int64_t n = make_times(times, &random);
    struct made_zone zone;
    tlk_series slots;
    make_zone(&zone, &random, floor_of(times[0], SECOND), floor_of(times[n - 1], SECOND));
    set_slots(&slots, times, n, rng_below(&random, 3) == 0);
    const struct tlw_time_axis axis = {.times = times,
                                       .in_order = rng_below(&random, 2),
                                       .slots = &slots,
                                       .zone = &zone.zone,
                                       .font = tlw_font((enum tlw_font_size)rng_below(&random, TLW_N_FONTS)),
                                       .plot_width = rng_between(&random, 1, i % 10 ? 1500 : 16000),
                                       .room_left = rng_between(&random, 0, 60),
                                       .room_right = rng_between(&random, 0, 60),
                                       .gap = rng_between(&random, 0, 30)};
    n_labels += compare(&axis, i % 7 ? TLW_TIME_LABELS : rng_between(&random, 1, 8));
  }
  print_message("%d labels\n", n_labels);
  assert_true(n_labels > 5 * CASES);
}

/* --- Labels that are known -------------------------------------------------------------------------------------- */

static struct tlw_time_axis axis_of(const int64_t *times, tlk_series *slots, const struct tlw_zone *zone,
                                    int32_t width) {
  return (struct tlw_time_axis){
      .times = times, .slots = slots, .zone = zone, .font = tlw_font(TLW_FONT_13), .plot_width = width, .gap = 24};
}

static void expect(int64_t first, int64_t step, int64_t n, const struct tlw_zone *zone, int32_t width,
                   const char *expected) {
  static int64_t times[100000];
  static struct result r;
  tlk_series slots;
  char all[2048] = "";
  for (int64_t i = 0; i < n; i++) times[i] = first * SECOND + i * step;
  tlw_slots_by_index(n, &slots);
  const struct tlw_time_axis axis = axis_of(times, &slots, zone, width);
  label(&r, &axis, TLW_TIME_LABELS);
  for (int32_t i = 0; i < r.count; i++) {
    if (i > 0) strcat(all, "|");
    strcat(all, r.labels[i].text);
  }
  assert_string_equal(all, expected);
}

static void test_known_labels(void **state) {
  (void)state;
  struct tlw_zone utc;
  struct made_zone berlin;
  tlw_zone_utc(&utc);
  make_berlin(&berlin);
  expect(1704067200, DAY, 300, &utc, 600, "Feb 2024|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct");
  expect(1704067200, DAY, 3000, &utc, 600, "2025|2026|2027|2028|2029|2030|2031|2032");
  expect(1704067200, 365 * DAY / 12, 500, &utc, 600, "2025|2030|2035|2040|2045|2050|2055|2060");
  expect(1704099600, 5 * MINUTE, 78, &utc, 600, "1 Jan 2024 10:00|11:00|12:00|13:00|14:00|15:00");
  expect(1704099600, MINUTE, 1000, &utc, 600, "1 Jan 2024 12:00|15:00|18:00|21:00|2");
  expect(1704099600, HOUR, 300, &utc, 600, "2 Jan 2024|3|4|5|6|7|8|9|10|11|12|13");
  expect(1704099600, SECOND, 100, &utc, 600, "1 Jan 2024 09:00:15|09:00:30|09:00:45|09:01|09:01:15|09:01:30");
  expect(1704099600, SECOND / 1000, 1000, &utc, 600, ".100|.200|.300|.400|.500|.600|.700|.800|.900");
  expect(1704099600, 1, 1000, &utc, 600, "1 Jan 2024 09:00:00.000000500");
  expect(1704099600, DAY, 1, &utc, 600, "1 Jan 2024 09:00");
  expect(1704067200, DAY, 1, &utc, 600, "1 Jan 2024");
  expect(1704067201, 0, 50, &utc, 3000, "1 Jan 2024 00:00:01");
  expect(1704067200, DAY, 1, &utc, 30, "");
  expect(1704067200, MINUTE, 100000, &utc, 900,
         "4 Jan 2024|7|10|13|16|19|22|25|28|Feb|4|7|10|13|16|19|22|25|Mar|4|7|10");
}

/* A clock that is set back brings no label twice; one that is set forward skips the hour that it lacks. */
static void test_hours_that_clocks_repeat_and_skip(void **state) {
  (void)state;
  struct made_zone berlin;
  make_berlin(&berlin);
  expect(1729980000, 15 * MINUTE, 24, &berlin.zone, 900,
         "27 Oct 2024 00:30|01:00|01:30|02:00|02:30|03:00|03:30|04:00|04:30");
  expect(1711836000, 15 * MINUTE, 24, &berlin.zone, 900,
         "30 Mar 2024 23:30|31|00:30|01:00|01:30|03:00|03:30|04:00|04:30|05:00|05:30");
}

/*
 * A step that every candle crosses, but does not fit, before a finer one that not every candle crosses, and that
 * does.
 */
static void test_steps_that_are_not_in_finer_ones(void **state) {
  (void)state;
  static struct result r;
  static const double days[5] = {5.1, 11.8, 15.3, 16.6, 21.9}; /* of January 2024 */
  int64_t times[5];
  struct tlw_zone utc;
  tlk_series slots;
  tlw_zone_utc(&utc);
  tlw_slots_by_index(5, &slots);
  for (int i = 0; i < 5; i++) times[i] = 1704067200 * SECOND + (int64_t)((days[i] - 1.0) * (double)DAY);
  const struct tlw_time_axis axis = axis_of(times, &slots, &utc, 178);
  assert_int_equal(compare(&axis, TLW_TIME_LABELS), 3);
  label(&r, &axis, TLW_TIME_LABELS);
  assert_string_equal(r.labels[0].text, "11 Jan");
  assert_string_equal(r.labels[1].text, "15");
  assert_string_equal(r.labels[2].text, "21");
}

static void test_no_times(void **state) {
  (void)state;
  static struct result r;
  struct tlw_zone utc;
  tlk_series slots;
  tlw_zone_utc(&utc);
  int64_t times[300];
  for (int64_t i = 0; i < 300; i++) times[i] = 1704067200 * SECOND + i * DAY;
  tlw_slots_by_index(300, &slots);
  struct tlw_time_axis axis = axis_of(times, &slots, &utc, 600);
  label(&r, &axis, TLW_TIME_LABELS);
  assert_int_equal(r.count, 9);
  label(&r, &axis, 0);
  assert_int_equal(r.count, 0);
  axis.times = NULL;
  label(&r, &axis, TLW_TIME_LABELS);
  assert_int_equal(r.count, 0);
  axis.times = times;
  slots.count = 0;
  label(&r, &axis, TLW_TIME_LABELS);
  assert_int_equal(r.count, 0);
  slots.count = 300;
  times[299] = times[298] - 1;
  label(&r, &axis, TLW_TIME_LABELS);
  assert_int_equal(r.count, 0);
  times[299] = TLW_TIME_END * SECOND;
  label(&r, &axis, TLW_TIME_LABELS);
  assert_int_equal(r.count, 0);
  times[299] = TLW_TIME_END * SECOND - 1;
  times[0] = TLW_TIME_FIRST * SECOND - 1;
  label(&r, &axis, TLW_TIME_LABELS);
  assert_int_equal(r.count, 0);
}

/* Times in the records of someone else; and records that are in no order, said to be in order, do no harm. */
static void test_strides_and_lies(void **state) {
  (void)state;
  static struct result r, plain;
  static int64_t times[1000];
  static unsigned char records[1000 * 12 + 3];
  rng random = {21};
  struct made_zone berlin;
  tlk_series slots;
  make_berlin(&berlin);
  tlw_slots_by_index(1000, &slots);
  for (int64_t i = 0; i < 1000; i++) {
    times[i] = 1711000000 * SECOND + i * HOUR;
    memcpy(records + 3 + 12 * i, &times[i], sizeof times[i]);
  }
  struct tlw_time_axis axis = axis_of(times, &slots, &berlin.zone, 1000);
  label(&plain, &axis, TLW_TIME_LABELS);
  axis.times = (const int64_t *)(const void *)(records + 3);
  axis.stride = 12;
  label(&r, &axis, TLW_TIME_LABELS);
  assert_true(r.count > 5);
  assert_memory_equal(&r, &plain, sizeof r);

  axis = axis_of(times, &slots, &berlin.zone, 1000);
  axis.in_order = true;
  for (int i = 0; i < 2000; i++) {
    for (int64_t k = 0; k < 1000; k++) times[k] = start_of(&random);
    times[0] = TLW_TIME_FIRST * SECOND;
    times[999] = TLW_TIME_END * SECOND - 1;
    label(&r, &axis, TLW_TIME_LABELS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_against_the_oracle),
      cmocka_unit_test(test_known_labels),
      cmocka_unit_test(test_hours_that_clocks_repeat_and_skip),
      cmocka_unit_test(test_steps_that_are_not_in_finer_ones),
      cmocka_unit_test(test_no_times),
      cmocka_unit_test(test_strides_and_lies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
