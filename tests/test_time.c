/* tlw_time_parse against timegm, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tallow/csv.h"

#define SECOND INT64_C(1000000000)

static int64_t parse(const char *text) {
  int64_t time = INT64_MIN;
  tlw_error error = {0};
  if (tlw_time_parse(text, &time, &error) != TLW_OK) fail_msg("'%s' refused: %s", text, error.message);
  return time;
}

static void refuse(const char *text, const char *reason) {
  int64_t time = 77;
  tlw_error error = {0};
  if (tlw_time_parse(text, &time, &error) != TLW_ERR_ARGUMENT) fail_msg("'%s' read as %" PRId64, text, time);
  assert_int_equal(error.code, TLW_ERR_ARGUMENT);
  assert_int_equal(time, 77);
  if (!strstr(error.message, reason)) fail_msg("'%s': \"%s\" lacks \"%s\"", text, error.message, reason);
  assert_non_null(strstr(error.message, "YYYY-MM-DD"));
  assert_non_null(strstr(error.message, "M/D/YYYY"));
  assert_non_null(strstr(error.message, "epoch"));
}

static int64_t expected(int year, int month, int day, int hour, int minute, int second) {
  struct tm tm = {
      .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second};
  return (int64_t)timegm(&tm) * SECOND;
}

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/* Every day 1 to 31 of every month of every year, in both forms: a time or refused. */
static void test_every_day(void **state) {
  (void)state;
  static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int year = 1678; year <= 2261; year++) {
    for (int month = 1; month <= 12; month++) {
      const int length = lengths[month - 1] + (month == 2 && is_leap(year));
      for (int day = 1; day <= 31; day++) {
        char iso[48], slashes[48];
        snprintf(iso, sizeof iso, "%04d-%02d-%02d", year, month, day);
        snprintf(slashes, sizeof slashes, "%d/%d/%d", month, day, year);
        if (day > length) {
          refuse(iso, "calendar");
          refuse(slashes, "calendar");
          continue;
        }
        const int64_t time = expected(year, month, day, 0, 0, 0);
        assert_int_equal(parse(iso), time);
        assert_int_equal(parse(slashes), time);
      }
    }
  }
}

static void test_every_second_of_a_day(void **state) {
  (void)state;
  for (int s = 0; s < 86400; s++) {
    char text[40];
    const int h = s / 3600, m = s / 60 % 60;
    const int64_t time = expected(2020, 2, 29, h, m, s % 60);
    snprintf(text, sizeof text, "2020-02-29%c%02d:%02d:%02d", s % 2 ? 'T' : ' ', h, m, s % 60);
    assert_int_equal(parse(text), time);
    snprintf(text, sizeof text, "2/29/2020 %d:%02d:%02d", h, m, s % 60);
    assert_int_equal(parse(text), time);
  }
}

static void test_forms(void **state) {
  (void)state;
  const int64_t t = expected(2019, 11, 5, 9, 30, 0);
  assert_int_equal(parse("2019-11-05 09:30"), t);
  assert_int_equal(parse("2019-11-05T09:30Z"), t);
  assert_int_equal(parse("2019-11-05T09:30:00Z"), t);
  assert_int_equal(parse("11/5/2019 9:30"), t);
  assert_int_equal(parse("11/05/2019 09:30:00"), t);
  assert_int_equal(parse("1970-01-01"), 0);
  assert_int_equal(parse("1969-12-31 23:59:59.999999999"), -1);
}

static void test_fractions(void **state) {
  (void)state;
  const int64_t t = expected(2021, 12, 31, 23, 1, 7);
  char text[64] = "2021-12-31 23:01:07.";
  int64_t fraction = 0, unit = SECOND;
  for (int i = 0; i < 9; i++) {
    text[20 + i] = (char)('1' + i);
    unit /= 10;
    fraction = fraction + (i + 1) * unit;
    assert_int_equal(parse(text), t + fraction);
  }
  assert_int_equal(parse("2021-12-31 23:01:07.123456789+00:00"), t + 123456789);
  assert_int_equal(parse("2021-12-31 23:01:07.000000"), t);
  assert_int_equal(parse("2021-12-31 23:01:07.000000001Z"), t + 1);
  refuse("2021-12-31 23:01:07.", "form");
  refuse("2021-12-31 23:01:07.1234567891", "form");
  refuse("2021-12-31 23:01:07.5.5", "form");
  refuse("12/31/2021 23:01:07.5", "form");
}

static void test_offsets(void **state) {
  (void)state;
  const int64_t t = expected(2020, 3, 1, 0, 0, 0);
  for (int minutes = 0; minutes < 24 * 60; minutes++) {
    char text[64];
    snprintf(text, sizeof text, "2020-03-01T00:00:00+%02d:%02d", minutes / 60, minutes % 60);
    assert_int_equal(parse(text), t - minutes * 60 * SECOND);
    snprintf(text, sizeof text, "2020-03-01 00:00-%02d%02d", minutes / 60, minutes % 60);
    assert_int_equal(parse(text), t + minutes * 60 * SECOND);
  }
  refuse("2020-03-01T00:00+24:00", "offset");
  refuse("2020-03-01T00:00+01:60", "offset");
  refuse("2020-03-01T00:00+1:00", "form");
  refuse("2020-03-01T00:00+01", "form");
  refuse("2020-03-01T00:00+", "form");
  refuse("2020-03-01T00:00 +01:00", "form");
  refuse("2020-03-01T00:00ZZ", "form");
  refuse("2020-03-01Z", "form");
  refuse("3/1/2020 0:00Z", "form");
}

static void test_range(void **state) {
  (void)state;
  assert_int_equal(parse("1678-01-01"), expected(1678, 1, 1, 0, 0, 0));
  assert_int_equal(parse("2261-12-31 23:59:59.999999999"), expected(2262, 1, 1, 0, 0, 0) - 1);
  assert_int_equal(parse("1677-12-31T23:00-01:00"), expected(1678, 1, 1, 0, 0, 0));
  assert_int_equal(parse("2262-01-01T00:59+01:00"), expected(2261, 12, 31, 23, 59, 0));
  refuse("1677-12-31", "1678 to 2261");
  refuse("2262-01-01", "1678 to 2261");
  refuse("2261-12-31T23:00-01:00", "1678 to 2261");
  refuse("1678-01-01T00:30+01:00", "1678 to 2261");
  refuse("0000-01-01", "1678 to 2261");
  refuse("9999-12-31", "1678 to 2261");
  refuse("1/1/0001", "1678 to 2261");
}

static void test_epochs(void **state) {
  (void)state;
  const int64_t t = INT64_C(1723161256);
  assert_int_equal(parse("1723161256"), t * SECOND);
  assert_int_equal(parse("1723161256322"), t * SECOND + 322000000);
  assert_int_equal(parse("1723161256322123"), t * SECOND + 322123000);
  assert_int_equal(parse("1723161256322123456"), t * SECOND + 322123456);
  assert_int_equal(parse("0"), 0);
  assert_int_equal(parse("-1"), -SECOND);
  assert_int_equal(parse("-0"), 0);
  assert_int_equal(parse("00000000000000000000000000000000000000000060"), 60 * SECOND);
  assert_int_equal(parse("-9214560000"), expected(1678, 1, 1, 0, 0, 0));
  refuse("-9214560001", "1678 to 2261");
  assert_int_equal(parse("9214646399"), expected(2261, 12, 31, 23, 59, 59));
  refuse("9214646400", "1678 to 2261");
  refuse("99999999999", "1678 to 2261");
  assert_int_equal(parse("100000000000"), 100 * SECOND * 1000000);
  assert_int_equal(parse("-100000000000"), -100 * SECOND * 1000000);
  refuse("99999999999999", "1678 to 2261");
  assert_int_equal(parse("100000000000000"), 100000000 * SECOND);
  refuse("99999999999999999", "1678 to 2261");
  assert_int_equal(parse("100000000000000000"), 100000000 * SECOND);
  assert_int_equal(parse("9214646399999999999"), expected(2262, 1, 1, 0, 0, 0) - 1);
  refuse("9214646400000000000", "1678 to 2261");
  refuse("9223372036854775807", "1678 to 2261");
  refuse("9223372036854775808", "1678 to 2261");
  refuse("18446744073709551617", "1678 to 2261");
  refuse("99999999999999999999999999999999999999", "1678 to 2261");
  refuse("-", "form");
  refuse("--1", "form");
  refuse("+1", "form");
  refuse("1e9", "form");
  refuse("1723161256.5", "form");
  refuse("0x10", "form");
}

/* As an epoch a day without separators would be a time in 1970, so it must not be guessed. */
static void test_compact_dates(void **state) {
  (void)state;
  refuse("20210104", "without separators");
  refuse("2020", "without separators");
  refuse("202001", "without separators");
  refuse("210104", "without separators");
  refuse("16780101", "without separators");
  refuse("202101040930", "without separators");
  refuse("20210104093000", "without separators");
  assert_int_equal(parse("20211304"), 20211304 * SECOND);
  assert_int_equal(parse("20210230"), 20210230 * SECOND);
  assert_int_equal(parse("-20210104"), -20210104 * SECOND);
  assert_int_equal(parse("202101042460"), INT64_C(202101042460) * 1000000);
  refuse("2021010a", "form");
}

static void test_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      " ",
      "x",
      "Date",
      "nan",
      "2020-",
      "2020-01",
      "2020-1-1",
      "2020-01-1",
      "20-01-01",
      "2020-01-01T",
      "2020-01-01 ",
      " 2020-01-01",
      "2020-01-01X",
      "2020-01-01t00:00",
      "2020-01-01T0:00",
      "2020-01-01T00",
      "2020-01-01T00:0",
      "2020-01-01T00:00:",
      "2020-01-01T00:00:0",
      "2020-01-01T00:00:00:00",
      "2020-01-01  00:00",
      "2020/01/01",
      "2020-01/01",
      "2020-01-01,",
      "1/1/20",
      "1/1/20201",
      "001/1/2020",
      "1/1/",
      "1//2020",
      "/1/2020",
      "1/1/2020T00:00",
      "1/1/2020 0",
      "1/1/2020 0:0",
      "1/1/2020 0:00 AM",
      "1-1-2020",
      "1.1.2020",
      "+020-01-01",
      "2020-+1-01",
      "2020-01-01T-1:00",
      "2020-01-01T00:00\n",
      "\xd9\xa2\xd9\xa0-01-01",
      "12:30",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) refuse(texts[i], "form");
  refuse("2020-00-01", "calendar");
  refuse("2020-13-01", "calendar");
  refuse("2020-01-00", "calendar");
  refuse("1900-02-29", "calendar");
  refuse("13/1/2020", "calendar");
  refuse("0/1/2020", "calendar");
  refuse("2020-01-01T24:00", "time of day");
  refuse("2020-01-01T00:60", "time of day");
  refuse("2020-01-01T23:59:60", "time of day");
  refuse("1/1/2020 99:00", "time of day");
}

static void test_long_and_hostile(void **state) {
  (void)state;
  char text[4096];
  memset(text, '1', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  refuse(text, "1678 to 2261");
  memset(text, '-', sizeof text - 1);
  refuse(text, "form");
  memset(text, 0x01, sizeof text - 1);
  refuse(text, "\\x01");
  memset(text, '%', sizeof text - 1);
  refuse(text, "%%%");

  int64_t time = 0;
  tlw_error error = {0};
  assert_int_equal(tlw_time_parse(NULL, &time, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_time_parse("2020-01-01", NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_time_parse("nonsense", &time, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_time_parse("2020-01-01", &time, NULL), TLW_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_day), cmocka_unit_test(test_every_second_of_a_day),
      cmocka_unit_test(test_forms),     cmocka_unit_test(test_fractions),
      cmocka_unit_test(test_offsets),   cmocka_unit_test(test_range),
      cmocka_unit_test(test_epochs),    cmocka_unit_test(test_compact_dates),
      cmocka_unit_test(test_refused),   cmocka_unit_test(test_long_and_hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
