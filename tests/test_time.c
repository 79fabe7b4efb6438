/* tlw_time_parse against timegm, the forms that need an option or a second column, and what is refused. */
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

#include "host/io/time_text.h"
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

static int64_t read_day_first(const char *text) {
  int64_t time = INT64_MIN;
  const struct tlw_time_problem *problem = tlw_time_read(text, strlen(text), true, &time);
  if (problem) fail_msg("'%s' %s", text, problem->what);
  return time;
}

/* Every day 1 to 31 of every month of every year, in all forms: a time or refused. */
static void test_every_day(void **state) {
  (void)state;
  static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int year = 1678; year <= 2261; year++) {
    for (int month = 1; month <= 12; month++) {
      const int length = lengths[month - 1] + (month == 2 && is_leap(year));
      for (int day = 1; day <= 31; day++) {
        char iso[48], slashes[48], points[48], compact[48];
        snprintf(iso, sizeof iso, "%04d%c%02d%c%02d", year, "-/."[day % 3], month, "-/."[day % 3], day);
        snprintf(slashes, sizeof slashes, "%d/%d/%d", month, day, year);
        snprintf(points, sizeof points, "%d%c%d%c%d", day, "-/."[day % 3], month, "-/."[day % 3], year);
        snprintf(compact, sizeof compact, "%04d%02d%02d 0000", year, month, day);
        if (day > length) {
          refuse(iso, "calendar");
          refuse(slashes, "calendar");
          refuse(compact, "calendar");
          int64_t kept = 77;
          assert_non_null(tlw_time_read(points, strlen(points), true, &kept));
          assert_int_equal(kept, 77);
          continue;
        }
        const int64_t time = expected(year, month, day, 0, 0, 0);
        assert_int_equal(parse(iso), time);
        assert_int_equal(parse(slashes), time);
        assert_int_equal(parse(compact), time);
        compact[8] = '\0';
        assert_int_equal(parse(compact), time);
        assert_int_equal(read_day_first(points), time);
        assert_int_equal(read_day_first(iso), time);
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
    snprintf(text, sizeof text, "20200229%c%02d%02d%02d", s % 2 ? 'T' : ' ', h, m, s % 60);
    assert_int_equal(parse(text), time);
    snprintf(text, sizeof text, "20200229%02d%02d%02d", h, m, s % 60);
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
  assert_int_equal(parse("2019-11-05 9:30"), t);
  assert_int_equal(parse("2019.11.05 09:30"), t);
  assert_int_equal(parse("2019/11/05T09:30Z"), t);
  assert_int_equal(parse("20191105 0930"), t);
  assert_int_equal(parse("20191105 093000"), t);
  assert_int_equal(parse("20191105T093000Z"), t);
  assert_int_equal(parse("20191105 09:30:00 UTC"), t);
  assert_int_equal(parse("20191105 093000123"), t + 123000000);
  assert_int_equal(parse("20191105 103000123+01"), t + 123000000);
  assert_int_equal(parse("11/5/2019T9:30 UTC"), t);
  assert_int_equal(parse("20191105093000"), t);
  assert_int_equal(parse("1572946200.0"), t);
  assert_int_equal(parse("1572946200000.000000"), t);
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
  assert_int_equal(parse("12/31/2021 23:01:07.5"), t + 500000000);
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
  assert_int_equal(parse("2020-03-01T01:00+01"), t);
  assert_int_equal(parse("2020-03-01T00:00:00 UTC"), t);
  assert_int_equal(parse("3/1/2020 0:00Z"), t);
  refuse("2020-03-01T00:00+01:", "form");
  refuse("2020-03-01T00:00+010", "form");
  refuse("2020-03-01T00:00UTC", "form");
  refuse("2020-03-01T00:00 utc", "form");
  refuse("2020-03-01T00:00 UTCX", "form");
  refuse("2020-03-01T00:00 GMT", "form");
  refuse("2020-03-01T00:00  UTC", "form");
  refuse("2020-03-01 UTC", "form");
  refuse("2020-03-01T00:00+", "form");
  refuse("2020-03-01T00:00 +01:00", "form");
  refuse("2020-03-01T00:00ZZ", "form");
  refuse("2020-03-01Z", "form");
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
  refuse("1723161256.01", "form");
  refuse("1723161256.", "form");
  refuse(".0", "form");
  refuse("-.0", "form");
  assert_int_equal(parse("-1.0"), -SECOND);
  assert_int_equal(parse("0.000000000000000000000000"), 0);
  refuse("0x10", "form");
}

/* Digits that read as a day are one where nothing is missing; as an epoch they would be a time in 1970. */
static void test_compact_dates(void **state) {
  (void)state;
  assert_int_equal(parse("20210104"), expected(2021, 1, 4, 0, 0, 0));
  assert_int_equal(parse("16780101"), expected(1678, 1, 1, 0, 0, 0));
  assert_int_equal(parse("20210104093059"), expected(2021, 1, 4, 9, 30, 59));
  refuse("2020", "without separators");
  refuse("202001", "without separators");
  refuse("210104", "without separators");
  refuse("202101040930", "without separators");
  refuse("20210104.0", "without separators");
  refuse("20210104093000.0", "without separators");
  refuse("2020.0", "without separators");
  assert_int_equal(parse("20211304"), 20211304 * SECOND);
  assert_int_equal(parse("20210230"), 20210230 * SECOND);
  assert_int_equal(parse("16771231"), 16771231 * SECOND);
  assert_int_equal(parse("-20210104"), -20210104 * SECOND);
  assert_int_equal(parse("202101042460"), INT64_C(202101042460) * 1000000);
  refuse("20210104093060", "1678 to 2261");
  refuse("20210230093000", "1678 to 2261");
  refuse("2021010a", "form");
  refuse("20210104 930", "form");
  refuse("20210104 09300", "form");
  refuse("20210104 09", "form");
  refuse("20210104 09300012", "form");
  refuse("20210104 0930001234", "form");
  refuse("20210104 0930.5", "form");
  refuse("2021-01-04 0930", "form");
  refuse("1/4/2021 0930", "form");
  refuse("20210104T2400", "time of day");
  refuse("20210104 093060", "time of day");
}

static void check_advice(const char *text, bool day_first, const char *advice) {
  int64_t time = 77;
  const struct tlw_time_problem *problem = tlw_time_read(text, strlen(text), day_first, &time);
  if (!problem) fail_msg("'%s' read as %" PRId64, text, time);
  assert_int_equal(time, 77);
  if (!strstr(problem->advice, advice)) fail_msg("'%s': \"%s\" lacks \"%s\"", text, problem->advice, advice);
}

/* The other order of day and month is never guessed, but it is named where it would help. */
static void test_day_first(void **state) {
  (void)state;
  assert_int_equal(read_day_first("5.11.2019 9:30"), expected(2019, 11, 5, 9, 30, 0));
  assert_int_equal(read_day_first("05/11/2019T09:30:00Z"), expected(2019, 11, 5, 9, 30, 0));
  assert_int_equal(read_day_first("05-11-2019"), expected(2019, 11, 5, 0, 0, 0));
  assert_int_equal(read_day_first("20191105 0930"), expected(2019, 11, 5, 9, 30, 0));
  check_advice("31.12.2021", false, "choose day-first");
  check_advice("1-1-2021 9:30", false, "choose day-first");
  check_advice("31/12/2021", false, "choose day-first");
  check_advice("12/31/2021", true, "leave out day-first");
  check_advice("12.31.2021", true, "leave out day-first");
  check_advice("31/31/2021", false, "YYYY-MM-DD");
  check_advice("31/31/2021", true, "YYYY-MM-DD");
  check_advice("31.12-2021", true, "YYYY-MM-DD");
  check_advice("31.12.21", true, "YYYY-MM-DD");
  check_advice("31.12.20211", false, "YYYY-MM-DD");
}

static const struct tlw_time_problem *read_pair(const char *day, const char *clock, bool hours, int64_t *time) {
  return tlw_time_read_pair(day, strlen(day), clock, strlen(clock), (struct tlw_time_pair){false, hours}, time);
}

static int64_t pair(const char *day, const char *clock, bool hours) {
  int64_t time = INT64_MIN;
  const struct tlw_time_problem *problem = read_pair(day, clock, hours, &time);
  if (problem) fail_msg("'%s' '%s' %s", day, clock, problem->what);
  return time;
}

static void test_pairs(void **state) {
  (void)state;
  const int64_t t = expected(2021, 1, 4, 9, 30, 0);
  static const char *const days[] = {"2021-01-04", "2021.01.04", "2021/01/04", "20210104", "1/4/2021"};
  static const char *const clocks[] = {"9:30",   "09:30", "09:30:00",  "09:30:00.000", "930",       "0930",   "93000",
                                       "093000", "0930Z", "093000000", "10:30+01",     "09:30 UTC", "1030+01"};
  for (size_t i = 0; i < sizeof days / sizeof *days; i++)
    for (size_t k = 0; k < sizeof clocks / sizeof *clocks; k++) assert_int_equal(pair(days[i], clocks[k], false), t);
  assert_int_equal(pair("20210104", "0", true), expected(2021, 1, 4, 0, 0, 0));
  assert_int_equal(pair("20210104", "23", true), expected(2021, 1, 4, 23, 0, 0));
  assert_int_equal(pair("20210104", "9:30", true), t);
  static const struct {
    const char *day, *clock;
  } refused[] = {{"2021-01-04", ""},           {"2021-01-04", "9"},     {"2021-01-04", "09"},
                 {"2021-01-04", "09300000"},   {"2021-01-04", "2400"},  {"2021-01-04", "960"},
                 {"2021-01-04", "0930000000"}, {"2021-01-04", "9:30x"}, {"2021-01-04", "T9:30"},
                 {"2021-01-04 9:30", "9:30"},  {"1609752600", "9:30"},  {"", "9:30"},
                 {"2021-01-04", "-930"},       {"2021-01-04", "9.30"}};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    int64_t time = 77;
    if (!read_pair(refused[i].day, refused[i].clock, false, &time))
      fail_msg("'%s' '%s' read as %" PRId64, refused[i].day, refused[i].clock, time);
    assert_int_equal(time, 77);
  }
  int64_t time = 77;
  assert_non_null(read_pair("2021-01-04", "24", true, &time));
}

static void test_is_clock(void **state) {
  (void)state;
  static const char *const clocks[] = {"9:30", "09:30:00", "0930", "093000", "0000", "000000", "23:59:59.5", "9:30Z"};
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
    if (!tlw_time_is_clock(clocks[i], strlen(clocks[i]))) fail_msg("'%s'", clocks[i]);
  static const char *const others[] = {"",   "930", "1234",       "143000", "0930.5",
                                       "09", "0.5", "2021-01-04", "24:00",  "0999"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (tlw_time_is_clock(others[i], strlen(others[i]))) fail_msg("'%s'", others[i]);
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
      "2020-01-01T0:0",
      "2020-01-01T00",
      "2020-01-01T00:0",
      "2020-01-01T00:00:",
      "2020-01-01T00:00:0",
      "2020-01-01T00:00:00:00",
      "2020-01-01  00:00",
      "2020/01-01",
      "2020-01/01",
      "2020/1/1",
      "2020.01.1",
      "2020-01-01,",
      "1/1/20",
      "1/1/20201",
      "001/1/2020",
      "1/1/",
      "1//2020",
      "/1/2020",
      "1/1/2020t00:00",
      "1/1/2020 0",
      "1/1/2020 0:0",
      "1/1/2020 0:00 AM",
      "+020-01-01",
      "2020-+1-01",
      "2020-01-01T-1:00",
      "2020-01-01T00:00\n",
      "\xd9\xa2\xd9\xa0-01-01",
      "12:30",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) refuse(texts[i], "form");
  refuse("1-1-2020", "year last");
  refuse("1.1.2020", "year last");
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
      cmocka_unit_test(test_day_first), cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_is_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
