/*
 * Ticks of prices and volumes against an oracle that tries every step through the C library's decimals, and the text
 * of decimals against printf and strtod.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/ticks.h"
#include "series.h"
#include "ticks_oracle.h"

#define RANGES 6000
#define MOST_TRIED 24

/* --- Random numbers --------------------------------------------------------------------------------------------- */

static rng numbers = {1};

static uint64_t next_random(void) { return rng_next(&numbers); }

static int between(int least, int most) { return rng_between(&numbers, least, most); }

static double share(void) { return rng_unit(&numbers); }

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* --- Decimals --------------------------------------------------------------------------------------------------- */

static double read_decimal(int64_t digits, int exponent) {
  char text[48];
  snprintf(text, sizeof text, "%" PRId64 "e%d", digits, exponent);
  return strtod(text, NULL);
}

static void expect_double(int64_t digits, int exponent) {
  const double value = tlk_decimal_value((tlk_decimal){digits, exponent});
  const double expected = digits ? read_decimal(digits, exponent) : 0.0;
  if (!same_bits(value, expected)) fail_msg("%" PRId64 "e%d: %a, not %a", digits, exponent, value, expected);
}

static void test_values_are_correctly_rounded(void **state) {
  (void)state;
  for (int i = 0; i < 200000; i++) {
    int64_t digits = (int64_t)(next_random() % TLK_DECIMAL_END);
    for (int drop = between(0, 14); drop > 0; drop--) digits /= 10;
    expect_double(i & 1 ? digits : -digits, between(-360, 315));
    expect_double(digits, between(-40, 40));
  }
  for (int exponent = -360; exponent <= 315; exponent++) {
    expect_double(1, exponent);
    expect_double(TLK_DECIMAL_END - 1, exponent);
    expect_double(-5, exponent);
    expect_double(0, exponent);
  }
}

/* 5^23 has 54 bits, so that 2^k * 10^23 lies halfway between two doubles; and numbers at the ends of their range. */
static void test_ties(void **state) {
  (void)state;
  for (int k = 0; k < 50; k++) {
    for (int exponent = 20; exponent < 30; exponent++) {
      expect_double((int64_t)1 << k, exponent);
      expect_double(((int64_t)1 << k) - 1, exponent);
      expect_double(-3 * ((int64_t)1 << k) / 4, exponent);
    }
  }
  expect_double(494065645841246, -338); /* the least double */
  expect_double(247032822920623, -338); /* just below its half */
  expect_double(247032822920624, -338);
  expect_double(179769313486231, 294); /* below the greatest, and above what rounds to it */
  expect_double(179769313486232, 294);
}

static bool all_kept(const char *guard, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (guard[i] != 'x') return false;
  return true;
}

/* The label of a decimal, out of a poisoned record. */
static const char *text_of(tlk_label label) {
  static struct {
    char before[8];
    tlk_label label;
    char after[8];
  } kept;
  memset(&kept, 'x', sizeof kept);
  kept.label = label;
  assert_true(all_kept(kept.before, sizeof kept.before) && all_kept(kept.after, sizeof kept.after));
  assert_in_range(label.length, 1, TLK_LABEL_SIZE - 1);
  assert_int_equal(strlen(label.text), label.length);
  return kept.label.text;
}

static void expect_text(tlk_label label, const char *expected) { assert_string_equal(text_of(label), expected); }

/* printf's digits in our form of an exponent, without the 0 at the end. */
static void scientific(char *out, size_t size, double value) {
  char text[48];
  snprintf(text, sizeof text, "%.14e", value);
  char *const power = strchr(text, 'e');
  char *end = power;
  while (end[-1] == '0') end--;
  if (end[-1] == '.') end--;
  if (value == 0.0)
    snprintf(out, size, "0");
  else
    snprintf(out, size, "%.*se%d", (int)(end - text), text, atoi(power + 1));
}

static void test_text_against_printf(void **state) {
  (void)state;
  for (int i = 0; i < 100000; i++) {
    int64_t digits = (int64_t)(next_random() % TLK_DECIMAL_END);
    for (int drop = between(0, 14); drop > 0; drop--) digits /= 10;
    if (i & 1) digits = -digits;
    char expected[400];
    const tlk_decimal far = {digits, between(-320, 293)};
    if (fabs(tlk_decimal_value(far)) >= DBL_MIN) {
      scientific(expected, sizeof expected, tlk_decimal_value(far));
      expect_text(tlk_label_scientific(far), expected);
    }
    const int decimals = between(0, 12), more = between(0, 3);
    const tlk_decimal near = {digits / 1000, -decimals};
    if (decimals + more > 14 || tlk_plain_digits(near, decimals + more) > 15) continue;
    snprintf(expected, sizeof expected, "%.*f", decimals + more, near.digits ? tlk_decimal_value(near) : 0.0);
    expect_text(tlk_label_plain(near, decimals + more), expected);
  }
  expect_text(tlk_label_plain((tlk_decimal){5, 11}, 0), "500000000000");
  expect_text(tlk_label_plain((tlk_decimal){-25, -2}, 2), "-0.25");
  expect_text(tlk_label_plain((tlk_decimal){0, -2}, 2), "0.00");
  expect_text(tlk_label_scientific((tlk_decimal){0, 7}), "0");
  expect_text(tlk_label_scientific((tlk_decimal){-123456789012345, -314}), "-1.23456789012345e-300");
}

static void test_short_text(void **state) {
  (void)state;
  static const struct {
    tlk_decimal decimal;
    const char *text;
  } cases[] = {{{0, 0}, "0"},          {{5, -1}, "0.5"},     {{999, 0}, "999"},           {{1, 3}, "1k"},
               {{15, 2}, "1.5k"},      {{500, 3}, "500k"},   {{999999, 0}, "999.999k"},   {{1, 6}, "1M"},
               {{1500000, 0}, "1.5M"}, {{25, 8}, "2.5B"},    {{75, 10}, "750B"},          {{1, 12}, "1T"},
               {{1234, 9}, "1.234T"},  {{999, 12}, "999T"},  {{1, 15}, "1e15"},           {{25, -14}, "2.5e-13"},
               {{-15, 5}, "-1.5M"},    {{1250, 0}, "1.25k"}, {{1, -12}, "0.000000000001"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_text(tlk_label_short(cases[i].decimal), cases[i].text);
}

static void test_doubles_as_decimals(void **state) {
  (void)state;
  for (int i = 0; i < 100000; i++) {
    int64_t digits = (int64_t)(next_random() % (TLK_DECIMAL_END / 10));
    for (int drop = between(0, 13); drop > 0; drop--) digits /= 10;
    const int exponent = i & 1 ? between(-30, 10) : between(-320, 293);
    const double x = read_decimal(i & 2 ? digits : -digits, exponent);
    if (fabs(x) < DBL_MIN || fabs(x) > DBL_MAX) continue;
    const tlk_decimal found = tlk_decimal_of(x);
    assert_true(same_bits(tlk_decimal_value(found), x));
    const tlk_decimal least = tlk_decimal_trimmed((tlk_decimal){i & 2 ? digits : -digits, exponent});
    assert_true(found.digits == least.digits && found.exponent == least.exponent);
  }
  /* Doubles of any bits: the fewest digits, or the nearest of 8. */
  for (int i = 0; i < 3000; i++) {
    uint64_t bits = next_random();
    double x;
    memcpy(&x, &bits, sizeof x);
    if (!isfinite(x) || x == 0.0) continue;
    char expected[48], text[48];
    int digits = 1;
    do snprintf(expected, sizeof expected, "%.*e", digits - 1, x);
    while (!same_bits(strtod(expected, NULL), x) && ++digits <= 14);
    if (digits > 14) snprintf(expected, sizeof expected, "%.7e", x);
    const tlk_decimal found = tlk_decimal_of(x);
    snprintf(text, sizeof text, "%" PRId64 "e%d", found.digits, found.exponent);
    if (!same_bits(strtod(text, NULL), strtod(expected, NULL))) fail_msg("%a: %s, not %s", x, text, expected);
  }
  expect_text(tlk_label_of(tlk_decimal_of((double)1.1f)), "1.1");
  expect_text(tlk_label_of(tlk_decimal_of(27123.45)), "27123.45");
  expect_text(tlk_label_of(tlk_decimal_of(-0.0)), "0");
  expect_text(tlk_label_of(tlk_decimal_of(5e-324)), "5e-324");
  expect_text(tlk_label_of(tlk_decimal_of(1.0 / 3.0)), "0.33333333");
}

/* --- Sets of ticks against the oracle --------------------------------------------------------------------------- */

static void expect_labels_of(tlk_ticks ticks, const ticks_set *expected) {
  for (int i = 0; i < expected->count; i++) {
    char text[DECIMAL_TEXT];
    ticks_text(text, expected, i);
    expect_text(tlk_tick_label(ticks, i), text);
  }
}

/* The number that a volume's label says. */
static double read_short(const char *text) {
  char *end, whole[64];
  strtod(text, &end);
  const char *const units = "kMBT", *unit = *end ? strchr(units, *end) : NULL;
  assert_true(*end == '\0' || (unit && end[1] == '\0'));
  snprintf(whole, sizeof whole, "%.*se%d", (int)(end - text), text, unit ? 3 * (int)(unit - units + 1) : 0);
  return strtod(unit ? whole : text, NULL);
}

static void expect_true_labels(tlk_ticks ticks) {
  for (int i = 0; i < ticks.count; i++) {
    const tlk_label label = tlk_tick_label(ticks, i);
    const double value = tlk_decimal_value(tlk_tick_of(ticks, i));
    if (!same_bits(read_short(label.text), value)) fail_msg("%s is not %.17g", label.text, value);
    if (i > 0) assert_string_not_equal(label.text, tlk_tick_label(ticks, i - 1).text);
  }
}

static void check(tlk_tick_range range) {
  const tlk_ticks ticks = tlk_ticks_for(range);
  const ticks_range asked = {range.low,
                             range.high,
                             range.first_row,
                             range.rows,
                             range.distance,
                             range.scale == TLK_SCALE_VOLUME ? TICKS_VOLUME
                             : range.scale == TLK_SCALE_LOG  ? TICKS_LOG
                                                             : TICKS_LINEAR};
  ticks_set e;
  ticks_oracle(&e, &asked);
  bool same = ticks.count == e.count;
  for (int i = 0; i < e.count && same; i++)
    same = same_bits(tlk_decimal_value(tlk_tick_of(ticks, i)), decimal_value(e.at[i])) &&
           tlk_tick_row(ticks, i, range) == e.rows[i];
  if (!same)
    fail_msg("%a to %a, %d rows, distance %d, scale %d: %d ticks from %" PRId64 "e%d, not %d from %" PRId64 "e%d",
             range.low, range.high, range.rows, range.distance, range.scale, ticks.count, tlk_tick_of(ticks, 0).digits,
             tlk_tick_of(ticks, 0).exponent, e.count, e.at[0].digits, e.at[0].exponent);
  expect_labels_of(ticks, &e);
  expect_true_labels(ticks);
}

static double any_size(void) {
  switch (between(0, 3)) {
  case 0:
    return pow(10.0, between(-12, 12)) * (1.0 + 9.0 * share());
  case 1:
    return pow(10.0, between(-307, 306)) * (1.0 + share());
  case 2:
    return (double)between(1, 100000) / 100.0;
  default:
    return (double)(float)(pow(10.0, between(-4, 6)) * share() + 1e-6);
  }
}

static tlk_tick_range any_range(int scale) {
  tlk_tick_range range = {.first_row = between(0, 50), .rows = between(1, 1200), .distance = between(0, 60)};
  range.scale = scale;
  const double a = any_size();
  double b = a;
  switch (between(0, 4)) {
  case 0:
    b = a * (1.0 + pow(10.0, -(double)between(0, 16)) * share());
    break;
  case 1:
    b = any_size();
    break;
  case 2:
    b = scale == TLK_SCALE_LOG ? a * (1.0 + 20.0 * share()) : -a * share();
    break;
  case 3:
    for (int i = between(0, 40); i > 0; i--) b = nextafter(b, INFINITY);
    break;
  default:
    b = a * pow(10.0, 4.0 * share());
  }
  range.low = fmin(a, b);
  range.high = fmax(a, b);
  if (scale == TLK_SCALE_VOLUME) range.low = 0.0;
  return range;
}

static void test_ranges(void **state) {
  (void)state;
  for (int i = 0; i < RANGES; i++) {
    const tlk_tick_range range = any_range(i % 3);
    if (isfinite(range.high)) check(range);
  }
}

/* Prices that nobody has, over many decades, and distances that hardly any set of ticks keeps. */
static tlk_tick_range wide_range(void) {
  const int low = between(-323, 290), high = between(low + 1, 308);
  tlk_tick_range range = {.first_row = between(0, 50), .rows = between(1, 1800), .scale = TLK_SCALE_LOG};
  range.distance = between(0, 3) ? between(0, range.rows) : between(0, 3 * range.rows);
  range.low = fmax(pow(10.0, low) * (1.0 + share() * between(0, 1)), 5e-324);
  range.high = fmin(pow(10.0, high) * (1.0 + 9.0 * share() * between(0, 1)), DBL_MAX);
  return range;
}

static void test_wide_ranges(void **state) {
  (void)state;
  for (int i = 0; i < 250; i++) check(wide_range());
}

/* Which of the sets of powers of ten was chosen. */
static int set_of(tlk_ticks ticks) { return ticks.per_decade == 9 ? -1 : ticks.per_decade == 3 ? 0 : ticks.unit; }

/* Of up to 700 sets of powers nearly all are passed over without a look at their ticks, each of which costs. */
static void test_few_sets_are_tried(void **state) {
  (void)state;
  int64_t passed_over = 0;
  for (int i = 0; i < 3000; i++) {
    tlk_tick_range range = wide_range();
    if (range.distance < 13) range.distance = 13; /* less than a line of text is no distance */
    if (range.high / 10.0 < range.low) continue;
    int low = -330, high = 310, tried = 0;
    while (tlk_decimal_value((tlk_decimal){1, low}) < range.low) low++;
    while (tlk_decimal_value((tlk_decimal){1, high}) > range.high) high--;
    const int chosen = set_of(tlk_ticks_for(range));
    for (int set = -1; set <= chosen; set++) tried += !tlk_are_powers_crowded(low, high, set > 1 ? set : 1, range);
    if (tried > MOST_TRIED)
      fail_msg("%a to %a, %d rows, distance %d: %d sets", range.low, range.high, range.rows, range.distance, tried);
    passed_over += chosen + 2 - tried;
  }
  assert_true(passed_over > 20000);
}

/* Where no step fits in 15 digits low stands alone, outside of the range or not: its row is that of low. */
static void test_edges(void **state) {
  (void)state;
  const double sizes[] = {1e-12, 1e-8, 1.1, 60000.0, 1e9, 1e12, 1e15, 1e22, 1e23, 9.007199254740993e15, DBL_MIN};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (int scale = 0; scale < 3; scale++) {
      tlk_tick_range range = {.rows = 400, .distance = 30, .scale = scale};
      for (int steps = -3; steps <= 3; steps++) {
        double low = sizes[i];
        for (int k = 0; k < abs(steps); k++) low = nextafter(low, steps < 0 ? 0.0 : INFINITY);
        range.low = scale == TLK_SCALE_VOLUME ? 0.0 : low;
        range.high = low;
        check(range);
        range.high = nextafter(low, INFINITY);
        check(range);
        range.high = low * 10.0;
        check(range);
        range.high = nextafter(low * 10.0, 0.0);
        check(range);
      }
    }
  }
  check((tlk_tick_range){-DBL_MAX, DBL_MAX, 0, 600, 40, TLK_SCALE_LINEAR});
  check((tlk_tick_range){0.0, 0.0, 7, 600, 40, TLK_SCALE_LINEAR});
  check((tlk_tick_range){0.0, 0.0, 7, 600, 40, TLK_SCALE_VOLUME});
  check((tlk_tick_range){5e-324, DBL_MAX, 0, 1000, 40, TLK_SCALE_LOG});
  check((tlk_tick_range){5e-324, DBL_MAX, 0, 1, 1, TLK_SCALE_LOG});
  for (int units = 0; units < 60; units++) /* denormals, the half of which may be 0 */
    for (int scale = 0; scale < 3; scale++)
      check((tlk_tick_range){scale == TLK_SCALE_LOG ? 5e-324 : 0.0, units * 5e-324 + (scale == TLK_SCALE_LOG) * 5e-324,
                             0, 49, 19, scale});
  check((tlk_tick_range){1.0, 2.0, 0, 1, 0, TLK_SCALE_LINEAR});
  check((tlk_tick_range){1.0, 2.0, 0, 16384, 1, TLK_SCALE_LINEAR});
}

static void expect_labels(tlk_tick_range range, const char *expected) {
  char all[1024] = "";
  const tlk_ticks ticks = tlk_ticks_for(range);
  for (int i = 0; i < ticks.count; i++) {
    if (i > 0) strcat(all, " ");
    strcat(all, tlk_tick_label(ticks, i).text);
  }
  assert_string_equal(all, expected);
}

static void test_known_labels(void **state) {
  (void)state;
  expect_labels((tlk_tick_range){1.1, 1.2, 0, 400, 40, TLK_SCALE_LINEAR}, "1.10 1.12 1.14 1.16 1.18 1.20");
  expect_labels((tlk_tick_range){-1.0, 1.0, 0, 400, 90, TLK_SCALE_LINEAR}, "-1.0 -0.5 0.0 0.5 1.0");
  expect_labels((tlk_tick_range){1e-8, 1.3e-8, 0, 400, 120, TLK_SCALE_LINEAR},
                "0.000000010 0.000000011 0.000000012 0.000000013");
  expect_labels((tlk_tick_range){59000, 61234, 0, 300, 50, TLK_SCALE_LINEAR}, "59000 59500 60000 60500 61000");
  expect_labels((tlk_tick_range){1e9, 1000000100, 0, 300, 90, TLK_SCALE_LINEAR}, "1000000000 1000000050 1000000100");
  expect_labels((tlk_tick_range){0, 3e12, 0, 300, 90, TLK_SCALE_LINEAR}, "0 1e12 2e12 3e12");
  expect_labels((tlk_tick_range){27.5, 27.5, 0, 300, 40, TLK_SCALE_LINEAR}, "27.5");
  expect_labels((tlk_tick_range){(double)1.1f, (double)1.1f, 0, 300, 40, TLK_SCALE_LOG}, "1.1");
  expect_labels((tlk_tick_range){1, 1000, 0, 1000, 80, TLK_SCALE_LOG}, "1 2 5 10 20 50 100 200 500 1000");
  expect_labels((tlk_tick_range){0.001, 1000, 0, 600, 80, TLK_SCALE_LOG}, "0.001 0.01 0.1 1 10 100 1000");
  expect_labels((tlk_tick_range){1e-20, 1e17, 0, 600, 90, TLK_SCALE_LOG}, "1e-18 1e-12 1e-6 1e0 1e6 1e12");
  expect_labels((tlk_tick_range){60, 300, 0, 400, 40, TLK_SCALE_LOG}, "100 150 200 250 300");
  expect_labels((tlk_tick_range){0, 1.7e6, 0, 120, 25, TLK_SCALE_VOLUME}, "0 500k 1M 1.5M");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_are_correctly_rounded),
      cmocka_unit_test(test_ties),
      cmocka_unit_test(test_text_against_printf),
      cmocka_unit_test(test_short_text),
      cmocka_unit_test(test_doubles_as_decimals),
      cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_wide_ranges),
      cmocka_unit_test(test_few_sets_are_tried),
      cmocka_unit_test(test_edges),
      cmocka_unit_test(test_known_labels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
