/* The command line's text: times, sizes, hostile names, and what someone meant to type. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tallow/csv.h"
#include "tools/cli/format.h"
#include "tools/cli/nearest.h"

#define SECOND INT64_C(1000000000)
#define YEAR_1678 (INT64_C(-106650) * 86400 * SECOND)
#define YEAR_2262 (INT64_C(106651) * 86400 * SECOND)

static void check_time(int64_t time, const char *expected) {
  char text[CLI_TIME_SIZE];
  cli_time_text(time, text);
  assert_string_equal(text, expected);
}

static void test_times(void **state) {
  (void)state;
  check_time(0, "1970-01-01T00:00:00Z");
  check_time(-1, "1969-12-31T23:59:59.999999999Z");
  check_time(-SECOND, "1969-12-31T23:59:59Z");
  check_time(951782400 * SECOND, "2000-02-29T00:00:00Z");
  check_time(951868799 * SECOND + 500000000, "2000-02-29T23:59:59.500Z");
  check_time(4107542400 * SECOND + 1000, "2100-03-01T00:00:00.000001Z");
  check_time(YEAR_1678, "1678-01-01T00:00:00Z");
  check_time(YEAR_2262 - 1, "2261-12-31T23:59:59.999999999Z");
}

/* Every 13th day or so: the C library writes the same date, the reader of times reads the same time. */
static void test_times_agree(void **state) {
  (void)state;
  for (int64_t time = YEAR_1678; time < YEAR_2262 - 14 * 86400 * SECOND; time += 1123457 * SECOND + 1) {
    char text[CLI_TIME_SIZE], expected[CLI_TIME_SIZE];
    cli_time_text(time, text);
    time_t seconds = (time_t)(time / SECOND - (time % SECOND < 0));
    struct tm parts;
    assert_non_null(gmtime_r(&seconds, &parts));
    strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &parts);
    assert_memory_equal(text, expected, strlen(expected));
    int64_t again;
    assert_int_equal(tlw_time_parse(text, &again, NULL), TLW_OK);
    assert_int_equal(again, time);
  }
}

/* ---- doubles ---- */

static void check_double(double value) {
  char expected[64], guarded[CLI_DOUBLE_SIZE + 8];
  memset(guarded, 'x', sizeof guarded);
  const char *end = cli_put_double(guarded, value);
  snprintf(expected, sizeof expected, "%.17g", value);
  assert_in_range(end - guarded, 1, CLI_DOUBLE_SIZE - 1);
  assert_int_equal(end - guarded, strlen(expected));
  assert_memory_equal(guarded, expected, strlen(expected));
  assert_memory_equal(guarded + CLI_DOUBLE_SIZE, "xxxxxxxx", 8);
}

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Any bits, numbers of few digits and few bits, integers, halves, and what lies beside powers of ten and two. */
static void test_doubles(void **state) {
  (void)state;
  uint64_t random = 88172645463325252;
  for (int i = 0; i < 100000; i++) {
    const uint64_t bits = next_random(&random);
    double any;
    memcpy(&any, &bits, sizeof any);
    if (!isnan(any)) check_double(any);
    check_double((double)(next_random(&random) % 1000000) / 100);
    check_double((double)(next_random(&random) >> next_random(&random) % 60));
    check_double(0.5 + (double)(next_random(&random) >> (13 + next_random(&random) % 40)));
    check_double(
        ldexp((double)(next_random(&random) >> (11 + next_random(&random) % 50)), -(int)(next_random(&random) % 190)));
  }
  for (int i = -330; i < 309; i++) {
    const double power = pow(10, i);
    check_double(power);
    check_double(nextafter(power, 0));
    check_double(nextafter(power, INFINITY));
    check_double(-5 * power);
  }
  for (int i = -1074; i < 1024; i++) check_double(ldexp(1, i));
  check_double(0.0);
  check_double(-0.0);
  check_double((double)INFINITY);
  check_double(-(double)INFINITY);
  char text[CLI_DOUBLE_SIZE];
  *cli_put_double(text, -(double)NAN) = 0;
  assert_string_equal(text, "nan");
}

static void test_digits(void **state) {
  (void)state;
  char text[64];
  *cli_put_digits(text, 0, 1) = 0;
  assert_string_equal(text, "0");
  *cli_put_digits(text, 7, 4) = 0;
  assert_string_equal(text, "0007");
  *cli_put_digits(text, UINT64_MAX, 2) = 0;
  assert_string_equal(text, "18446744073709551615");
  *cli_put_fixed(text, 5, 2) = 0;
  assert_string_equal(text, "0.05");
  *cli_put_fixed(text, INT64_MAX, 3) = 0;
  assert_string_equal(text, "9223372036854775.807");
}

static void check_bytes(uint64_t bytes, const char *expected) {
  char text[CLI_BYTES_SIZE];
  cli_bytes_text(bytes, text);
  assert_string_equal(text, expected);
}

static void test_bytes(void **state) {
  (void)state;
  check_bytes(0, "0 bytes");
  check_bytes(1023, "1023 bytes");
  check_bytes(1024, "1.0 KiB");
  check_bytes(1536, "1.5 KiB");
  check_bytes((1u << 20) - 1, "1023.9 KiB");
  check_bytes(1u << 20, "1.0 MiB");
  check_bytes(UINT64_C(139) << 30, "139.0 GiB");
  check_bytes(UINT64_MAX, "15.9 EiB");
}

/* What a printer makes of text. */
static void check_print(void (*print)(FILE *, const char *), const char *text, const char *expected) {
  char *out = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&out, &size);
  assert_non_null(file);
  print(file, text);
  fclose(file);
  assert_string_equal(out, expected);
  free(out);
}

static void test_json(void **state) {
  (void)state;
  check_print(cli_print_json, "", "\"\"");
  check_print(cli_print_json, "NVIDIA H200", "\"NVIDIA H200\"");
  check_print(cli_print_json, "a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
  check_print(cli_print_json, "\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
  check_print(cli_print_json, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
  /* Cut short, alone, overlong, surrogate, beyond U+10FFFF. */
  check_print(cli_print_json, "\xc3", "\"\\ufffd\"");
  check_print(cli_print_json, "x\xe2\x82", "\"x\\ufffd\\ufffd\"");
  check_print(cli_print_json, "\x80\xff", "\"\\ufffd\\ufffd\"");
  check_print(cli_print_json, "\xc0\x80", "\"\\ufffd\\ufffd\"");
  check_print(cli_print_json, "\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"");
  check_print(cli_print_json, "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
  check_print(cli_print_json, "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void test_plain(void **state) {
  (void)state;
  check_print(cli_print_plain, "Radeon\xe2\x84\xa2 780M", "Radeon\xe2\x84\xa2 780M");
  check_print(cli_print_plain, "a\x1b[31m\r\nb\x7f", "a?[31m??b?");
  check_print(cli_print_plain,
              "\xc2\x9b"
              "1m \xff\xe2\x82",
              "?1m ???");
}

static void check_plain(const char *text, const char *expected) {
  char plain[64];
  snprintf(plain, sizeof plain, "%s", text);
  cli_make_plain(plain);
  assert_string_equal(plain, expected);
}

static void test_make_plain(void **state) {
  (void)state;
  check_plain("", "");
  check_plain("Radeon\xe2\x84\xa2 780M", "Radeon\xe2\x84\xa2 780M");
  check_plain("a\x1b[31m\r\nb\x7f", "a?[31m??b?");
  check_plain("\xc2\x9b 1m \xff\xe2\x82", "? 1m ???");
}

static void check_count(int64_t count, const char *expected) {
  char text[CLI_COUNT_SIZE];
  cli_count_text(count, text);
  assert_string_equal(text, expected);
}

static void test_counts(void **state) {
  (void)state;
  check_count(0, "0");
  check_count(999, "999");
  check_count(1000, "1,000");
  check_count(-1000, "-1,000");
  check_count(-999, "-999");
  check_count(123456, "123,456");
  check_count(INT64_MAX, "9,223,372,036,854,775,807");
  check_count(INT64_MIN, "-9,223,372,036,854,775,808");
}

static void check_duration(double seconds, const char *expected) {
  char text[CLI_DURATION_SIZE];
  cli_duration_text(seconds, text);
  assert_string_equal(text, expected);
}

static void test_durations(void **state) {
  (void)state;
  check_duration(0, "0:00");
  check_duration(0.1, "0:01");
  check_duration(59, "0:59");
  check_duration(59.5, "1:00");
  check_duration(3599, "59:59");
  check_duration(3600, "1:00:00");
  check_duration(11232.5, "3:07:13");
  check_duration(356399, "98:59:59");
  check_duration(356400, "more than 99 hours");
  check_duration(1e300, "more than 99 hours");
  check_duration((double)NAN, "more than 99 hours");
}

static const char *nearest_of(const char *word) {
  static const char *const names[] = {"output", "backend", "device", "device-mem", "size", "theme", "on", "off"};
  cli_nearest nearest;
  cli_nearest_start(&nearest, word);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) cli_nearest_try(&nearest, names[i]);
  return nearest.best;
}

static void test_nearest(void **state) {
  (void)state;
  assert_string_equal(nearest_of("thme"), "theme");
  assert_string_equal(nearest_of("theem"), "theme");
  assert_string_equal(nearest_of("THEME"), "theme");
  assert_string_equal(nearest_of("outptu"), "output");
  assert_string_equal(nearest_of("backends"), "backend");
  assert_string_equal(nearest_of("device-me"), "device-mem");
  assert_string_equal(nearest_of("dev"), "device");
  assert_string_equal(nearest_of("of"), "off");
  assert_null(nearest_of(""));
  assert_null(nearest_of("z"));
  assert_null(nearest_of("frobnicate"));
  assert_null(nearest_of("a-word-that-is-longer-than-any-name-of-an-option"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times),     cmocka_unit_test(test_times_agree), cmocka_unit_test(test_doubles),
      cmocka_unit_test(test_digits),    cmocka_unit_test(test_bytes),       cmocka_unit_test(test_json),
      cmocka_unit_test(test_plain),     cmocka_unit_test(test_make_plain),  cmocka_unit_test(test_counts),
      cmocka_unit_test(test_durations), cmocka_unit_test(test_nearest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
