/* Bars as rows of tables: exact decimal numbers, the nearest doubles, CSV, JSON lines and records of arrays. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/cli/bars_text.h"

#define GUARD 0x5A
#define TEXT_SIZE 64
#define SLACK 8 /* bytes behind the end that may be written too */

typedef unsigned __int128 wide;

static uint64_t random_state = 1;

static uint64_t next_random(void) {
  uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* Of any size: 0 to 128 bits. */
static wide next_wide(void) {
  const wide number = (wide)next_random() << 64 | next_random();
  const unsigned bits = (unsigned)(next_random() % 129);
  return bits == 0 ? 0 : number >> (128 - bits);
}

static wide moved(wide number, int step) { return step < 0 ? number - (unsigned)-step : number + (unsigned)step; }

static tlw_u128 split(wide number) { return (tlw_u128){.low = (uint64_t)number, .high = (uint64_t)(number >> 64)}; }

/* Digit by digit. */
static void expect_decimal(wide number, int decimals, char out[TEXT_SIZE]) {
  char digits[TEXT_SIZE];
  int n = 0;
  while (number > 0 || n <= decimals) {
    digits[n++] = (char)('0' + (int)(number % 10));
    number /= 10;
  }
  int zeros = 0;
  while (zeros < decimals && digits[zeros] == '0') zeros++;
  char *end = out;
  for (int i = n - 1; i >= zeros; i--) {
    *end++ = digits[i];
    if (i == decimals && i > zeros) *end++ = '.';
  }
  *end = 0;
}

static void check_decimal(wide number, int decimals) {
  char text[TEXT_SIZE + SLACK], expected[TEXT_SIZE];
  memset(text, GUARD, sizeof text);
  char *end = bars_put_decimal(text, split(number), decimals);
  for (char *c = end + SLACK; c < text + sizeof text; c++) assert_int_equal(*c, GUARD);
  *end = 0;
  expect_decimal(number, decimals, expected);
  assert_string_equal(text, expected);
  const double value = bars_decimal_to_double(split(number), decimals), nearest = strtod(expected, NULL);
  assert_memory_equal(&value, &nearest, sizeof value);
}

static void test_decimals(void **unused) {
  (void)unused;
  static const int all_decimals[] = {0, 8, 16};
  const wide most = ~(wide)0;
  for (int i = 0; i < 3; i++) {
    wide power = 1;
    for (int n = 0; n <= 38; n++, power *= 10)
      for (int step = -1; step <= 1; step++) check_decimal(moved(power, step), all_decimals[i]);
    for (int bit = 0; bit < 128; bit++)
      for (int step = -2; step <= 2; step++) check_decimal(moved((wide)1 << bit, step), all_decimals[i]);
    check_decimal(0, all_decimals[i]);
    check_decimal(most, all_decimals[i]);
    for (int n = 0; n < 200000; n++) check_decimal(next_wide(), all_decimals[i]);
  }
}

/* Just about the middle of two doubles. */
static void test_nearest(void **unused) {
  (void)unused;
  for (int n = 0; n < 20000; n++) {
    const uint64_t odd = (next_random() >> 10 | UINT64_C(1) << 53) | 1;
    const wide middle = (wide)odd * 100000000 << next_random() % 20;
    for (int step = -1; step <= 1; step++) check_decimal(moved(middle, step), 8);
  }
}

/* ---- rows ---- */

static const tlw_bar some_bar = {.open_time = 1723161256322,
                                 .close_time = 1723161299999,
                                 .open = 6180030000000,
                                 .high = INT64_MAX,
                                 .low = 1,
                                 .close = 6180000000000,
                                 .volume = {.low = 1250000000},
                                 .quote_volume = {.low = 3, .high = 1},
                                 .vwap = 6180015000000,
                                 .trades = 12,
                                 .agg_trades = 7,
                                 .buy_volume = {.low = 1},
                                 .first_id = 5266583935,
                                 .last_id = 5266583941};

static bars_columns all_columns(void) {
  bars_columns columns = {0};
  columns.list[columns.n++] = BARS_COLUMN_TIMESTAMP_CLOSE;
  for (int i = 0; i < BARS_CHOICES; i++) columns.list[columns.n++] = (bars_column)i;
  columns.list[columns.n++] = BARS_COLUMN_PARTIAL;
  return columns;
}

typedef char *(*put_row)(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind);

static void check_row(put_row put, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind,
                      const char *expected) {
  char text[BARS_ROW_SIZE];
  *put(text, columns, bar, kind) = 0;
  assert_string_equal(text, expected);
}

static void test_csv(void **unused) {
  (void)unused;
  const bars_columns columns = all_columns();
  check_row(bars_put_csv, &columns, &some_bar, TLW_BARS_TIME,
            "1723161300000,1723161256322,1723161299999,61800.3,92233720368.54775807,0.00000001,61800,12.5,"
            "1844.6744073709551619,61800.15,12,7,0.00000001,0,0,0,0,0,5266583935,5266583941,0\n");
  tlw_bar bar = some_bar;
  bar.flags = TLW_BAR_PARTIAL;
  check_row(bars_put_csv, &columns, &bar, TLW_BARS_TICK,
            "1723161299999,1723161256322,1723161299999,61800.3,92233720368.54775807,0.00000001,61800,12.5,"
            "1844.6744073709551619,61800.15,12,7,0.00000001,0,0,0,0,0,5266583935,5266583941,1\n");
}

/* What is not there is empty in CSV and null in JSON; an interval before 1970 has a sign. */
static void test_empty(void **unused) {
  (void)unused;
  const bars_columns columns = {
      {BARS_COLUMN_OPEN_TIME, BARS_COLUMN_OPEN, BARS_COLUMN_VOLUME, BARS_COLUMN_VWAP, BARS_COLUMN_FIRST_ID}, 5};
  tlw_bar bar = {.open_time = INT64_MIN, .open = 200000000, .vwap = 200000000, .flags = TLW_BAR_EMPTY, .first_id = -1};
  check_row(bars_put_csv, &columns, &bar, TLW_BARS_TIME, "-9223372036854775808,2,0,2,\n");
  check_row(bars_put_json, &columns, &bar, TLW_BARS_TIME,
            "{\"open_time\":-9223372036854775808,\"open\":2,\"volume\":0,\"vwap\":2,\"first_id\":null}\n");
  bar.flags |= TLW_BAR_NULL;
  bar.open_time = -1;
  check_row(bars_put_csv, &columns, &bar, TLW_BARS_TIME, "-1,,0,,\n");
  check_row(bars_put_json, &columns, &bar, TLW_BARS_TIME,
            "{\"open_time\":-1,\"open\":null,\"volume\":0,\"vwap\":null,\"first_id\":null}\n");
}

/* No row is longer than BARS_ROW_SIZE says, with bytes to spare. */
static void test_longest(void **unused) {
  (void)unused;
  const bars_columns columns = all_columns();
  tlw_bar bar;
  char text[BARS_ROW_SIZE];
  memset(&bar, 255, sizeof bar);
  bar.flags = 0;
  const put_row all[] = {bars_put_csv, bars_put_json, bars_put_array};
  for (int i = 0; i < 3; i++) assert_true(all[i](text, &columns, &bar, TLW_BARS_TIME) - text < BARS_ROW_SIZE / 2);
  assert_true(bars_put_names(text, &columns) - text < BARS_ROW_SIZE / 2);
}

static void test_arrays(void **unused) {
  (void)unused;
  const bars_columns columns = {
      {BARS_COLUMN_OPEN_TIME, BARS_COLUMN_CLOSE, BARS_COLUMN_QUOTE_VOLUME, BARS_COLUMN_LAST_ID, BARS_COLUMN_PARTIAL},
      5};
  static const unsigned char expected[] = {2,    1,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                                           0,    0,    0,    0xf8, 0x3f, 0,    0,    0,    0,    0,    0,
                                           0xd0, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
  const tlw_bar bar = {.open_time = 258,
                       .close = 150000000,
                       .quote_volume = {.low = 2500000000000000},
                       .last_id = -1,
                       .flags = TLW_BAR_PARTIAL};
  char text[BARS_ROW_SIZE];
  assert_int_equal(bars_put_array(text, &columns, &bar, TLW_BARS_TIME) - text, sizeof expected);
  assert_memory_equal(text, expected, sizeof expected);
  tlw_bar none = bar;
  none.flags = TLW_BAR_EMPTY | TLW_BAR_NULL;
  double close;
  bars_put_array(text, &columns, &none, TLW_BARS_TIME);
  memcpy(&close, text + 8, sizeof close);
  assert_true(isnan(close));
}

static void test_array_header(void **unused) {
  (void)unused;
  const bars_columns columns = {{BARS_COLUMN_OPEN_TIME, BARS_COLUMN_CLOSE, BARS_COLUMN_PARTIAL}, 3};
  static const char begin[] = "\x93NUMPY\x01\x00\xb6\x00{'descr': [('open_time', '<i8'), ('close', '<f8'), ('partial', "
                              "'|b1'), ], 'fortran_order': False, 'shape': (12,), }   ";
  char text[BARS_ROW_SIZE], longest[BARS_ROW_SIZE];
  const long size = bars_put_array_header(text, &columns, 12) - text;
  assert_int_equal(size, 192);
  assert_memory_equal(text, begin, sizeof begin - 1);
  assert_int_equal(text[size - 1], '\n');
  assert_int_equal(bars_put_array_header(longest, &columns, INT64_MAX) - longest, size);
  assert_non_null(memmem(longest, (size_t)size, "(9223372036854775807,), }", 25));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_decimals),     cmocka_unit_test(test_nearest), cmocka_unit_test(test_csv),
      cmocka_unit_test(test_empty),        cmocka_unit_test(test_longest), cmocka_unit_test(test_arrays),
      cmocka_unit_test(test_array_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
