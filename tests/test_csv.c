/* The CSV reader and its parts: numbers against strtod, columns, refusals, gzip, hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "folder.h"
#include "host/io/number.h"
#include "tallow/csv.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define HEADER "Date,Open,High,Low,Close,Volume\n"
#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)
#define LINE_LIMIT ((size_t)1 << 20)

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t n) { return (size_t)((random_u64() >> 11) % n); }

static void write_bytes(const char *path, const void *bytes, size_t size) {
  unlink(path); /* a file that is written anew may be put on the disk at once */
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* One gzip member of the bytes; returns its size. */
static size_t gzip(const void *bytes, size_t size, unsigned char *out, size_t capacity) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)bytes;
  z.avail_in = (uInt)size;
  z.next_out = out;
  z.avail_out = (uInt)capacity;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  const size_t used = capacity - z.avail_out;
  deflateEnd(&z);
  return used;
}

static tlw_status read_with(const char *path, const tlw_csv_options *options, tlw_table **table, tlw_error *error) {
  *table = (tlw_table *)(uintptr_t)1;
  memset(error, 0xa5, sizeof *error);
  const tlw_status status = tlw_csv_read(path, options, NULL, table, error);
  if (status == TLW_OK) {
    assert_non_null(*table);
    return status;
  }
  assert_null(*table);
  assert_int_equal(error->code, status);
  assert_non_null(memchr(error->message, 0, sizeof error->message));
  assert_true(strlen(error->message) > 10);
  return status;
}

static tlw_status read_path(const char *path, tlw_table **table, tlw_error *error) {
  return read_with(path, NULL, table, error);
}

static tlw_status read_bytes(const void *bytes, size_t size, tlw_table **table, tlw_error *error) {
  const char *path = path_of("file.csv");
  write_bytes(path, bytes, size);
  return read_path(path, table, error);
}

typedef struct columns {
  const double *open, *high, *low, *close, *volume;
  const int64_t *time;
  int64_t n_rows;
} columns;

static columns view(const tlw_table *table) {
  tlw_candles candles;
  memset(&candles, 0xa5, sizeof candles);
  tlw_table_candles(table, &candles);
  assert_int_equal(candles.struct_size, sizeof candles);
  assert_null(candles.offsets);
  assert_null(candles.counts);
  assert_int_equal(candles.n_series, 1);
  assert_int_equal(candles.type, TLW_TYPE_F64);
  assert_int_equal(candles.stride, 0);
  assert_int_equal(candles.time_stride, 0);
  return (columns){candles.open,   candles.high, candles.low,   candles.close,
                   candles.volume, candles.time, candles.n_rows};
}

static tlw_table *accept_bytes(const void *bytes, size_t size) {
  tlw_table *table;
  tlw_error error;
  if (read_bytes(bytes, size, &table, &error) != TLW_OK) fail_msg("refused: %s", error.message);
  return table;
}

static tlw_table *accept(const char *text) { return accept_bytes(text, strlen(text)); }

/* The text is refused as data, at that line and field, with a message that holds each of the parts between bars. */
static void refuse_bytes(const void *bytes, size_t size, int64_t row, int32_t column, const char *parts) {
  tlw_table *table;
  tlw_error error;
  const tlw_status status = read_bytes(bytes, size, &table, &error);
  if (status != TLW_ERR_DATA) fail_msg("%s instead of a refusal with \"%s\"", tlw_status_name(status), parts);
  char copy[256];
  snprintf(copy, sizeof copy, "%s", parts);
  char *rest = copy;
  for (char *part = strtok_r(rest, "|", &rest); part; part = strtok_r(NULL, "|", &rest))
    if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
  assert_non_null(strstr(error.message, "file.csv"));
  if (error.row != row || error.column != column)
    fail_msg("\"%s\" is at %" PRId64 ", %" PRId32 " instead of %" PRId64 ", %" PRId32, error.message, error.row,
             error.column, row, column);
  if (row > 0) {
    char place[64];
    snprintf(place, sizeof place, "file.csv:%" PRId64 ": ", row);
    if (!strstr(error.message, place)) fail_msg("\"%s\" lacks \"%s\"", error.message, place);
  }
}

static void refuse(const char *text, int64_t row, int32_t column, const char *parts) {
  refuse_bytes(text, strlen(text), row, column, parts);
}

static uint64_t bits(double value) {
  uint64_t u;
  memcpy(&u, &value, sizeof u);
  return u;
}

/* --- Numbers ---------------------------------------------------------------------------------------------------- */

static void check_number(const char *text) {
  double value = 4711.0;
  char *end;
  const double expected = strtod(text, &end);
  assert_int_equal(*end, 0);
  const bool read = tlw_number_read(text, strlen(text), &value);
  if (isinf(expected)) {
    if (read) fail_msg("%.60s is too large but was read as %g", text, value);
    assert_true(bits(value) == bits(4711.0));
    return;
  }
  if (!read) fail_msg("%.60s was refused", text);
  if (bits(value) != bits(expected)) fail_msg("%.60s... is %a, not %a", text, expected, value);
}

static size_t random_digits(char *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = (char)('0' + random_below(10));
  return n;
}

static void test_numbers_random_decimals(void **state) {
  (void)state;
  for (int i = 0; i < 60000; i++) {
    char text[128];
    size_t n = 0;
    const size_t sign = random_below(4);
    if (sign < 2) text[n++] = sign ? '-' : '+';
    const size_t longest = i % 3 == 0 ? 28 : 10;
    const size_t whole = random_below(longest);
    const size_t decimals = random_below(longest);
    n += random_digits(text + n, whole);
    if (decimals || !whole || random_below(8) == 0) text[n++] = '.';
    n += random_digits(text + n, !whole && !decimals ? 1 : decimals);
    if (i % 2) {
      const int exponent = (int)random_below(i % 5 == 0 ? 700 : 60) - (i % 5 == 0 ? 350 : 30);
      n += (size_t)snprintf(text + n, sizeof text - n, "%c%s%d", random_below(2) ? 'e' : 'E',
                            exponent >= 0 && random_below(2) ? "+" : "", exponent);
    }
    text[n] = '\0';
    check_number(text);
  }
}

static double random_double(void) {
  for (;;) {
    const uint64_t u = random_u64();
    double value;
    memcpy(&value, &u, sizeof value);
    if (isfinite(value)) return value;
  }
}

static void test_numbers_round_trip(void **state) {
  (void)state;
  for (int i = 0; i < 40000; i++) {
    const double value = random_double();
    char text[64];
    snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.16e", value);
    check_number(text);
    double back;
    assert_true(tlw_number_read(text, strlen(text), &back));
    assert_true(bits(back) == bits(value));
    snprintf(text, sizeof text, "%.*g", 1 + (int)random_below(16), value);
    check_number(text);
  }
}

/* Exactly between two doubles, and beside that by a digit far behind: the whole text decides. */
static void test_numbers_midpoints(void **state) {
  (void)state;
  volatile long double one = 1;
  if (one + 0x1p-60L == one) { /* also under valgrind */
    print_message("skipped: a long double is no wider than a double here\n");
    return;
  }
  static char text[4096];
  for (int i = 0; i < 3000; i++) {
    double low = fabs(random_double());
    if (i % 2) low = 1.0 + (double)(random_u64() >> 12) * 0x1p-52;
    if (i % 100 == 0) low = (double)i * 0x1p-1074;
    const double high = nextafter(low, (double)INFINITY);
    if (isinf(high)) continue;
    const long double middle = ((long double)low + (long double)high) / 2;
    const int n = snprintf(text, sizeof text - 1000, "%.1100Le", middle); /* exact: at most 768 digits are not 0 */
    assert_true(n > 0 && n < (int)sizeof text - 1000);
    check_number(text);
    char *e = strchr(text, 'e');
    char exponent[16];
    snprintf(exponent, sizeof exponent, "%s", e);
    size_t at = (size_t)(e - text);
    const size_t zeros = random_below(900);
    memset(text + at, '0', zeros);
    at += zeros;
    text[at++] = '1';
    snprintf(text + at, sizeof text - at, "%s", exponent);
    check_number(text);
    double value;
    assert_true(tlw_number_read(text, strlen(text), &value));
    assert_true(bits(value) == bits(high));
  }
}

static void test_numbers_edges(void **state) {
  (void)state;
  static const char *const texts[] = {
      "0",
      "-0",
      "+0",
      "0.",
      ".0",
      "00",
      "1.",
      ".5",
      "-.5",
      "1e0",
      "1e+0",
      "1e-0",
      "9007199254740992",
      "9007199254740993",
      "9007199254740993.0",
      "9007199254740992e22",
      "9007199254740993e22",
      "1e22",
      "1e23",
      "1e-22",
      "1e-23",
      "123456789e-23",
      "0.1",
      "0.3",
      "0.30000000000000004",
      "4.35",
      "2300413.7295",
      "1e308",
      "1e309",
      "1.7976931348623157e308",
      "1.7976931348623158e308",
      "1.7976931348623159e308",
      "17976931348623157e292",
      "4.9e-324",
      "2.4703282292062327e-324",
      "2.4703282292062328e-324",
      "1e-400",
      "-1e-400",
      "2.2250738585072011e-308",
      "2.2250738585072014e-308",
      "0e999999999999999999999",
      "0.0e-99999999999",
      "1e-99999999999999999999",
      "1e99999999999999999999",
      "00000000000000000000000000001",
      "0.000000000000000000000000000000000001",
      "18446744073709551615",
      "18446744073709551616",
      "9999999999999999999",
      "99999999999999999999",
      "100000000000000000000000000000000000000000",
      "1e00000000000000000000000000000000005",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_number(texts[i]);

  /* A million zeros, taken back by the exponent. */
  const size_t zeros = 1000000;
  char *text = malloc(zeros + 32);
  assert_non_null(text);
  memcpy(text, "0.", 2);
  memset(text + 2, '0', zeros);
  strcpy(text + 2 + zeros, "125e1000001");
  check_number(text);
  text[0] = '5';
  memset(text + 1, '0', zeros);
  strcpy(text + 1 + zeros, "e-1000002");
  check_number(text);
  free(text);
}

static void test_numbers_words(void **state) {
  (void)state;
  static const char *const nans[] = {"nan", "NaN", "NAN", "-nan", "+nan"};
  for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
    double value = 1.0;
    assert_true(tlw_number_read(nans[i], strlen(nans[i]), &value));
    assert_true(bits(value) == UINT64_C(0x7ff8000000000000));
  }
  static const char *const infinities[] = {"inf", "INF", "Infinity", "INFINITY", "+inf", "-inf", "-Infinity"};
  for (size_t i = 0; i < sizeof infinities / sizeof *infinities; i++) {
    double value = 1.0;
    assert_true(tlw_number_read(infinities[i], strlen(infinities[i]), &value));
    assert_true(isinf(value) && (value < 0) == (infinities[i][0] == '-'));
  }
}

static void test_numbers_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",      " ",     "+",      "-",    ".",   "-.",  "+-1",     "--1",          "1,000",
      "1'000", "1_000", "1 000",  " 1",   "1 ",  "1\t", "0x10",    "0x1p3",        "1f",
      "1.5f",  "1..2",  "1.2.3",  "e5",   ".e5", "1e",  "1e+",     "1e-",          "1e5.0",
      "1e5e5", "1ee5",  "nan(1)", "nanx", "na",  "in",  "infinit", "infinityx",    "1nan",
      ".nan",  "null",  "None",   "N/A",  "$1",  "1%",  "1\n",     "\xef\xbc\x91", "1e 5",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    double value = 4711.0;
    if (tlw_number_read(texts[i], strlen(texts[i]), &value)) fail_msg("'%s' read as %g", texts[i], value);
    assert_true(bits(value) == bits(4711.0));
  }
  double value = 4711.0;
  assert_false(tlw_number_read("1\0", 2, &value));
  assert_true(tlw_number_read("12345", 3, &value)); /* no byte beyond the length counts */
  assert_true(bits(value) == bits(123.0));
}

/* Text with a point, with the point a comma and, where it has many digits, points between groups of them. */
static void test_numbers_with_comma(void **state) {
  (void)state;
  for (int i = 0; i < 40000; i++) {
    char text[64], grouped[96];
    size_t n = 0;
    if (random_below(3) == 0) text[n++] = random_below(2) ? '-' : '+';
    const size_t sign = n;
    const size_t whole = 1 + random_below(18);
    n += random_digits(text + n, whole);
    if (text[sign] == '0') text[sign] = '7';
    const size_t decimals = random_below(12);
    if (decimals) {
      text[n++] = '.';
      n += random_digits(text + n, decimals);
    }
    if (random_below(4) == 0) n += (size_t)snprintf(text + n, sizeof text - n, "e%d", (int)random_below(40) - 20);
    text[n] = '\0';
    const bool in_groups = random_below(2);
    size_t used = 0;
    for (size_t k = 0; k < n; k++) {
      const size_t behind = sign + whole - k;
      if (in_groups && k > sign && k < sign + whole && behind % 3 == 0) grouped[used++] = '.';
      grouped[used++] = text[k] == '.' ? ',' : text[k];
    }
    double expected, value;
    assert_true(tlw_number_read(text, n, &expected));
    if (!tlw_number_read_comma(grouped, used, &value)) fail_msg("%.*s was refused", (int)used, grouped);
    if (bits(value) != bits(expected)) fail_msg("%.*s is %a, not %a", (int)used, grouped, expected, value);
  }
  static const char *const refused[] = {"1.5",     "0.123",    "1.23",    "1.2345",      "1234.567", "1.234.56",
                                        ".123",    "1.234,5,", "1,5.000", "1,234.5",     "1..234",   "1.234.",
                                        "",        ",",        "1,,5",    "1.234e1.000", "012.345",  "12 345,5",
                                        "1'234,5", "1.23x",    "-.123"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    double value = 4711.0;
    if (tlw_number_read_comma(refused[i], strlen(refused[i]), &value)) fail_msg("'%s' read as %g", refused[i], value);
    assert_true(bits(value) == bits(4711.0));
  }
  double value;
  assert_true(tlw_number_read_comma(",5", 2, &value) && value == 0.5);
  assert_true(tlw_number_read_comma("5,", 2, &value) && value == 5.0);
  assert_true(tlw_number_read_comma("-inf", 4, &value) && value == -(double)INFINITY);
  assert_true(tlw_number_read_comma("1.234.567,25e-2", 15, &value) && value == 12345.6725);
  char text[2048] = "1";
  for (size_t n = 1; n < 2001; n += 4) memcpy(text + n, ".000", 4);
  assert_false(tlw_number_read_comma(text, 2001, &value)); /* too great for a double */
  memcpy(text + 2001, "e-1490", 6);
  assert_true(tlw_number_read_comma(text, 2007, &value) && value == 1e10);
}

/* --- Files that are read ---------------------------------------------------------------------------------------- */

static void test_plain(void **state) {
  (void)state;
  tlw_table *table = accept(HEADER "2020-01-01,10,12,9,11,100\n2020-01-02,11,11.5,10.25,10.5,0\n");
  const columns c = view(table);
  assert_int_equal(c.n_rows, 2);
  const double expected[5][2] = {{10, 11}, {12, 11.5}, {9, 10.25}, {11, 10.5}, {100, 0}};
  const double *numbers[5] = {c.open, c.high, c.low, c.close, c.volume};
  for (int i = 0; i < 5; i++)
    for (int row = 0; row < 2; row++) assert_true(numbers[i][row] == expected[i][row]);
  assert_int_equal(c.time[0], 18262 * DAY);
  assert_int_equal(c.time[1], 18263 * DAY);
  tlw_table_close(&table);
  assert_null(table);
}

/* All of these hold the candle 10, 12, 9, 11 with the volume 100 at 2020-01-01. */
static void test_dialects(void **state) {
  (void)state;
  static const char *const texts[] = {
      HEADER "2020-01-01,10,12,9,11,100",
      "DATE,OPEN,HIGH,LOW,CLOSE,VOLUME\n2020-01-01,10,12,9,11,100\n",
      "volume,close,low,high,open,time\n100,11,9,12,10,2020-01-01\n",
      "timestamp,open,close,high,low,vol\n1577836800,10,11,12,9,100\n",
      "open,high,low,close,Vol,DateTime\n10,12,9,11,100,1/1/2020 0:00\n",
      "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-01,10,12,9,11,nonsense,100\n",
      "Date,Open,High,Low,Close,Adj Close,Volume\r\n2020-01-01,10,12,9,11,7,100\r\n",
      "\xef\xbb\xbf" HEADER "2020-01-01,10,12,9,11,100\n",
      "\xef\xbb\xbf\n" HEADER "2020-01-01,10,12,9,11,100\n",
      "\n\r\n  \t\n" HEADER "\n\n2020-01-01,10,12,9,11,100\r\n\n \n",
      "\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"\n\"2020-01-01\",\"10\",\"12\",\"9\",\"11\",\"100\"\n",
      "Date, Open ,\tHigh, Low,Close , Volume \n2020-01-01 , 10,12 ,\t9\t, 11, 100 \n",
      " \"Date\" , \" Open\",High,Low,Close,Volume\n\"2020-01-01\" , \"10\" ,12,9,11,\" 100 \"\n",
      "Name,Date,Open,High,Low,Close,Volume\n\"a, \"\"b\"\", c\",2020-01-01,10,12,9,11,100\n",
      "Date,Open,High,Low,Close,Volume,\"x\"\"y\"\n2020-01-01,10,12,9,11,100,\"\"\n",
      "Name,Date,Open,High,Low,Close,Volume\na \"b\" c,2020-01-01,10,12,9,11,100\n",
      "Date,Time,Open,High,Low,Close,Volume\n2020-01-01,00:00,10,12,9,11,100\n",
      "Time,Open,High,Low,Close,Volume,Date\n0:00:00,10,12,9,11,100,1/1/2020\n",
      "Time,Open,High,Low,Close,Volume,Date\n01:30:00.000+01:30,10,12,9,11,100,2020-01-01\n",
      "Date,Open,High,Low,Close,Volume\n2020-01-01,1e1,+12,9.,.11e2,1E+2\n",
      "Date,Open,High,Low,Close,Volume,,\n2020-01-01,10,12,9,11,100,,x\n",
      "Date;Open;High;Low;Close;Volume\n2020-01-01;10;12;9;11;100\n",
      "Date\tOpen\tHigh\tLow\tClose\tVolume\n2020-01-01\t10\t12\t9\t11\t100\n",
      "Date|Open|High|Low|Close|Volume\n2020-01-01|10|12|9|11|100\n",
      "sep=;\nDate;Open;High;Low;Close;Volume\n2020-01-01;10;12;9;11;100\n",
      "2020-01-01,10,12,9,11,100\n",
      "20200101 000000;10;12;9;11;100\n",
      "2020.01.01,00:00,10,12,9,11,100\n",
      "1577836800,10,12,9,11,100,1577836859,7,8\n",
      "# of an exchange\nhttps://www.example.com\nUnix,Date,Open,High,Low,Close,Volume BTC,Volume USD\n"
      "1577836800,none,10,12,9,11,100,7\n",
      "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\n"
      "2020.01.01\t00:00:00\t10\t12\t9\t11\t7\t100\n",
      "Date,Open,High,Low,Close,Volatility,Vol. (BTC)\n2020-01-01,10,12,9,11,7,100\n",
      "Date,Close/Last,Volume,Open,High,Low\n01/01/2020,11,100,10,12,9\n",
      "Date,Open,High,Low,Close,Last,Volume,close\n2020-01-01,10,12,9,11,x,100,y\n",
      "Datetime,Date,Time,Open,High,Low,Close,Volume\n2020-01-01,x,y,10,12,9,11,100\n",
      HEADER "2020-01-01,10,12,9,11,100,\n",
      "Date,Open,High,Low,Close,Volume,\n2020-01-01,10,12,9,11,100\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    tlw_table *table = accept(texts[i]);
    const columns c = view(table);
    const bool right = c.n_rows == 1 && c.open[0] == 10 && c.high[0] == 12 && c.low[0] == 9 && c.close[0] == 11 &&
                       c.volume[0] == 100 && c.time[0] == 18262 * DAY;
    if (!right) fail_msg("read wrongly: %s", texts[i]);
    tlw_table_close(&table);
  }
}

static void test_no_volume(void **state) {
  (void)state;
  tlw_table *table = accept("date,open,high,low,close,Volatility\n2020-01-01,10,12,9,11,5\n");
  assert_null(view(table).volume);
  tlw_table_close(&table);
  table = accept("2020-01-01,10,12,9,11\n");
  assert_null(view(table).volume);
  tlw_table_close(&table);
}

/* What people write where there is no number. */
static void test_absent_numbers(void **state) {
  (void)state;
  static const char *const words[] = {"null", "NULL", "None", "na", "N/A", "-", "nan", ""};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char text[256];
    snprintf(text, sizeof text, HEADER "2020-01-01,%s,12,9,11,%s\n2020-01-02,10,12,9,11,\"%s\"\n", words[i], words[i],
             words[i]);
    tlw_table *table = accept(text);
    const columns c = view(table);
    assert_int_equal(c.n_rows, 2);
    assert_true(isnan(c.open[0]) && c.high[0] == 12 && isnan(c.volume[0]));
    assert_true(c.open[1] == 10 && isnan(c.volume[1]));
    tlw_csv_report report;
    tlw_table_get_report(table, &report);
    assert_int_equal(report.defects[TLW_DEFECT_MISSING_PRICE], 1);
    assert_int_equal(report.defects[TLW_DEFECT_FIELD], 0);
    tlw_table_close(&table);
  }
}

static void test_gaps(void **state) {
  (void)state;
  tlw_table *table = accept(HEADER "2020-01-01,,12,9,11,100\n"
                                   "2020-01-02,NaN,nan,-nan,NAN,nan\n"
                                   "2020-01-03,inf,Infinity,-inf,5,7\n"
                                   "2020-01-04,,,,,\n"
                                   "2020-01-05, \"\" , ,\"\",11,\"\"\n"
                                   "2020-01-06,5,,,1,3\n");
  const columns c = view(table);
  assert_int_equal(c.n_rows, 6);
  const uint64_t nan_bits = UINT64_C(0x7ff8000000000000);
  assert_true(bits(c.open[0]) == nan_bits && c.high[0] == 12 && c.low[0] == 9 && c.close[0] == 11 &&
              c.volume[0] == 100);
  const double *prices[4] = {c.open, c.high, c.low, c.close};
  for (int i = 0; i < 4; i++) {
    assert_true(bits(prices[i][1]) == nan_bits);
    assert_true(i == 3 || bits(prices[i][2]) == nan_bits);
    assert_true(bits(prices[i][3]) == nan_bits);
    assert_true(i == 3 || bits(prices[i][4]) == nan_bits);
  }
  assert_true(c.close[2] == 5 && c.volume[2] == 7 && c.close[4] == 11);
  assert_true(bits(c.volume[1]) == nan_bits && bits(c.volume[3]) == nan_bits && bits(c.volume[4]) == nan_bits);
  assert_true(c.open[5] == 5 && isnan(c.high[5]) && isnan(c.low[5]) && c.close[5] == 1 && c.volume[5] == 3);
  tlw_table_close(&table);
}

static void test_negative_prices(void **state) {
  (void)state;
  tlw_table *table = accept(HEADER "2020-04-20,17.73,17.85,-40.32,-37.63,247947\n");
  assert_true(view(table).low[0] == -40.32);
  tlw_table_close(&table);
}

/* --- Files that are refused ------------------------------------------------------------------------------------- */

static void test_refused_headers(void **state) {
  (void)state;
  refuse("", -1, -1, "empty");
  refuse("\n\r\n  \n", -1, -1, "empty");
  refuse("\xef\xbb\xbf", -1, -1, "empty");
  refuse(HEADER, -1, -1, "no candles");
  refuse(HEADER "\n\n", -1, -1, "no candles");
  refuse("\xef\xbb\xbf\xef\xbb\xbf" HEADER "2020-01-01,10,12,9,11,100\n", 1, -1, "date or time|\\xEF\\xBB\\xBFDate");
  refuse("\n\nid,price,qty,quote_qty,time,is_buyer_maker\n1,2,3,4,5,6\n", 3, -1,
         "no column for open, high, low|found: id, price, qty, quote_qty, time, is_buyer_maker|first line");
  refuse("timestamp,price,quantity\n", 1, -1, "open, high, low (|timestamp, price, quantity");
  refuse("open,high,low,close\n1,1,1,1\n", 1, -1, "date or time");
  refuse("Date,Open,High,Close\n", 1, -1, "no column for low (|Date, Open, High, Close");
  refuse("Date:Open:High:Low:Close\n", 1, -1, "Date:Open:High:Low:Close|by columns which they are");
  refuse("Date;Open;High;Low;Close\n", -1, -1, "no candles");
  refuse("Date,Opn,High,Low,Close\n2020-01-01,10,12,9,11\n", 1, -1, "no column for open (found: Date, Opn,");
  refuse("x\nDate,Opn,High,Low,Close\n2020-01-01,10,12,9,11\n", 2, -1, "no column for open (found: Date, Opn,");
  refuse("Date,Hour,Open,High,Low,Last\n", -1, -1, "no candles");
  refuse("Hour,Open,High,Low,Close\n", 1, -1, "no column for date or time");
  refuse("Date,Open,High,Low,Close\r2020-01-01,10,12,9,11\r", 1, -1, "carriage return|CRLF");
  refuse("Date,\"Open,High,Low,Close\n", 1, 2, "quotes");
  refuse("Date,Open,\"High\"x,Low,Close\n", 1, 3, "quotes");

  /* More names than a message holds. */
  char text[4096] = "";
  for (int i = 0; i < 200; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "column%d,", i);
  refuse(text, 1, -1, "found: column0, column1|, ...): name");
}

static void test_refused_rows(void **state) {
  (void)state;
#define GOOD "2020-01-01,10,12,9,11,100\n"
  refuse(HEADER GOOD "2020-01-02,10,8,9,9,1\n", 3, 3,
         "high 8 is below low 9: correct the row, or set the policy high-below-low to skip or swap");
  refuse(HEADER GOOD "2020-01-02,,8,9,9,1\n", 3, 3, "high 8 is below low 9");
  refuse(HEADER GOOD "2020-01-02,10,12,9,11,-1\n", 3, 6, "volume -1");
  refuse(HEADER GOOD "2020-01-02,10,12,9,11,inf\n", 3, 6, "volume inf");
  refuse(HEADER GOOD "2020-01-02,10,12,9,11,x\n", 3, 6, "volume 'x' is not a number");
  refuse(HEADER GOOD "2020-01-02,nul,12,9,11,1\n", 3, 2, "open 'nul' is not a number|leave it empty");
  refuse(HEADER GOOD "2020-01-02,10,0x10,9,11,1\n", 3, 3, "high '0x10'");
  refuse(HEADER GOOD "2020-01-02,10,12,1e999,11,1\n", 3, 4, "low '1e999'");
  refuse(HEADER GOOD "2020-01-02,10,12,9,\"1,000\",1\n", 3, 5,
         "close '1,000' is not a number|write it as 1234.5|decimal comma");
  refuse(HEADER GOOD "2020-01-02,10,12,9,\"1,000.5\",1\n", 3, 5,
         "close '1,000.5' is not a number|write it as 1234.5, without signs between thousands");
  refuse(HEADER GOOD "2020-01-02,10,12,9,1\x01\xff,1\n", 3, 5, "close '1\\x01\\xFF'");
  refuse(HEADER GOOD "2020-01-02,10,12,9,11\n", 3, -1, "has 5 fields, the header 6");
  refuse(HEADER GOOD "2020-01-02,10,12,9,11,1,\n", 3, -1, "has 7 fields, the header 6");
  refuse(HEADER GOOD "2020-01-02\n", 3, -1, "has 1 fields");
  refuse(HEADER GOOD ",,,,,,,,,,,,,,\n", 3, -1, "has 15 fields");
  refuse(HEADER GOOD ",10,12,9,11,1\n", 3, 1, "time ''|YYYY-MM-DD");
  refuse(HEADER GOOD "2020-02-30,10,12,9,11,1\n", 3, 1, "'2020-02-30' is not a day of the calendar");
  refuse(HEADER GOOD "202001,10,12,9,11,1\n", 3, 1, "202001|without separators|YYYY-MM-DD");
  refuse(HEADER GOOD "31.1.2020,10,12,9,11,1\n", 3, 1, "year last|choose day-first");
  refuse(HEADER GOOD "2300-01-01,10,12,9,11,1\n", 3, 1, "1678 to 2261");
  refuse(HEADER GOOD HEADER, 3, 1, "time 'Date' repeats the header|policy bad-field to skip");
  refuse(HEADER GOOD "\xef\xbb\xbf" HEADER, 3, 1, "time '\\xEF\\xBB\\xBFDate'");
  refuse(HEADER "\n" GOOD "\n" GOOD, 5, 1, "'2020-01-01' repeats that of line 3");
  refuse(HEADER GOOD "\n2020-01-03,10,12,9,11,1\n2020-01-02T23:59:59.999999999,10,12,9,11,1\n", 5, 1,
         "before that of line 4|sort|policy out-of-order to sort or skip");
  refuse(HEADER "2020-01-03,10,12,9,11,1\n" GOOD "2020-01-02,10,12,9,11,1\n", 4, 1,
         "newest first|behind that of line 3");
  refuse(HEADER GOOD "\"2020-01-02,10,12,9,11,1\n", 3, 1, "field 1|quotes");
  refuse(HEADER GOOD "2020-01-02,10,12,9,11,\"1\n\"\n", 3, 6, "field 6|quotes");
  refuse(HEADER GOOD "2020-01-02,\"10\"0,12,9,11,1\n", 3, 2, "field 2|quotes");
  refuse("Date,Time,Open,High,Low,Close\n2020-01-01,25:00,1,1,1,1\n", 2, 2, "'2020-01-01 25:00' has no such time");
  refuse("Date,Time,Open,High,Low,Close\n2020-01-01,9,1,1,1,1\n", 2, 2, "'2020-01-01 9' is not a time");
  refuse("Time,Open,High,Low,Close,Date\n9:00,1,1,1,1,1/1/2020\n9:00:00,1,1,1,1,1/1/2020\n", 3, 6,
         "time '1/1/2020 9:00:00' repeats that of line 2");
  refuse("Date,Time,Open,High,Low,Close\n2020-01-01T00:00,00:00,1,1,1,1\n", 2, 1, "2020-01-01T00:00 00:00");
  refuse("Date,Time,Open,High,Low,Close\n1577836800,00:00,1,1,1,1\n", 2, 1, "1577836800 00:00");
  refuse("Date,Time,Open,High,Low,Close\n2020-01-01,,1,1,1,1\n", 2, 2, "2020-01-01");
#undef GOOD
}

static void test_zero_bytes(void **state) {
  (void)state;
  static const char header[] = "Date,Op\0en,High,Low,Close\n";
  refuse_bytes(header, sizeof header - 1, 1, 2, "field 2|zero byte");
  static const char row[] = "Date,Open,High,Low,Close,Note\n2020-01-01,10,12,9,11,a\n2020-01-02,10,12,9,11,a\0b\n";
  refuse_bytes(row, sizeof row - 1, 3, 6, "field 6|zero byte|policy bad-field to skip");
  static const char utf16[] = "\xff\xfe"
                              "D\0a\0t\0e\0,\0O\0p\0e\0n\0\n\0";
  refuse_bytes(utf16, sizeof utf16 - 1, 1, 1, "the file is UTF-16");
  refuse_bytes(utf16 + 2, sizeof utf16 - 3, 1, 1, "the file is UTF-16");
  static const char big[] = "\xfe\xff\0D\0a\0t\0e\0,\0O\0p\0e\0n\0\n";
  refuse_bytes(big, sizeof big - 1, 1, 1, "the file is UTF-16");
  refuse_bytes(big + 2, sizeof big - 3, 1, 1, "the file is UTF-16");
}

static void test_arguments(void **state) {
  (void)state;
  tlw_table *table = (tlw_table *)(uintptr_t)1;
  tlw_error error = {0};
  assert_int_equal(tlw_csv_read(NULL, NULL, NULL, &table, &error), TLW_ERR_ARGUMENT);
  assert_null(table);
  assert_int_equal(tlw_csv_read("x", NULL, NULL, NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_csv_read("", NULL, NULL, &table, NULL), TLW_ERR_NOT_FOUND);
  tlw_table_close(NULL);
  tlw_table_close(&table);
}

/* --- Options ---------------------------------------------------------------------------------------------------- */

static tlw_csv_options defaults(void) {
  tlw_csv_options options;
  memset(&options, 0xa5, sizeof options);
  tlw_csv_options_init(&options);
  return options;
}

static tlw_table *accept_with(const char *text, const tlw_csv_options *options) {
  tlw_table *table;
  tlw_error error;
  const char *path = path_of("file.csv");
  write_bytes(path, text, strlen(text));
  if (read_with(path, options, &table, &error) != TLW_OK) fail_msg("refused: %s", error.message);
  return table;
}

static void refuse_with(const char *text, const tlw_csv_options *options, tlw_status status, int64_t row,
                        const char *part) {
  tlw_table *table;
  tlw_error error;
  const char *path = path_of("file.csv");
  write_bytes(path, text, strlen(text));
  assert_int_equal(read_with(path, options, &table, &error), status);
  assert_int_equal(error.row, row);
  if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
}

static void test_option_ranges(void **state) {
  (void)state;
#define REFUSE(member, value, part)                                                                                    \
  do {                                                                                                                 \
    tlw_csv_options o = defaults();                                                                                    \
    o.member = value;                                                                                                  \
    refuse_with(HEADER, &o, TLW_ERR_ARGUMENT, -1, part);                                                               \
    tlw_csv *csv = (tlw_csv *)(uintptr_t)1;                                                                            \
    assert_int_equal(tlw_csv_open(path_of("file.csv"), &o, NULL, &csv, NULL), TLW_ERR_ARGUMENT);                       \
    assert_null(csv);                                                                                                  \
  } while (0)
  REFUSE(struct_size, 8, "tlw_csv_options_init");
  REFUSE(delimiter, ':', "semicolon");
  REFUSE(decimal, ';', "decimal");
  REFUSE(comment, '1', "comment");
  REFUSE(comment, '"', "comment");
  REFUSE(comment, ' ', "comment");
  REFUSE(comment, (char)0xe9, "comment");
  REFUSE(header, (tlw_csv_header)3, "header is 3");
  REFUSE(header, (tlw_csv_header)-1, "header is -1");
  REFUSE(day_first, 2, "day_first");
  REFUSE(adjusted, -1, "adjusted");
  REFUSE(policies[TLW_DEFECT_FIELD], TLW_POLICY_SORT, "bad-field can't be sort: choose error or skip");
  REFUSE(policies[TLW_DEFECT_DUPLICATE], TLW_POLICY_SKIP, "duplicate can't be skip: choose error, first, last or keep");
  REFUSE(policies[TLW_DEFECT_OUTSIDE], (tlw_policy)11, "policies[4] is 11");
  REFUSE(policies[TLW_DEFECT_OUTSIDE], (tlw_policy)-1, "policies[4] is -1");
  REFUSE(columns, "", "ROLE=COLUMN");
  REFUSE(columns, "close", "'close' is not ROLE=COLUMN");
  REFUSE(columns, "close=Last,", "ROLE=COLUMN");
  REFUSE(columns, "clsoe=Last", "did you mean close?");
  REFUSE(columns, "colse=Last", "did you mean close?");
  REFUSE(columns, "VOLUMEN=Last", "did you mean volume?");
  REFUSE(columns, "bananas=1", "it must be time, clock, open");
  REFUSE(columns, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1", "it must be time, clock");
  REFUSE(columns, "=1", "it must be time, clock");
  REFUSE(columns, "close=", "columns: close: there is no column");
  REFUSE(columns, "close=0", "numbered from 1");
  REFUSE(columns, "close=99999999999999999999", "numbered from 1");
  REFUSE(columns, "close=1,close=2", "close is given twice");
  REFUSE(columns, "open=none", "open can't be none");
  REFUSE(columns, "time=none,clock=2", "there is no clock where time is none");
  REFUSE(by, "", "by: there is no column");
#undef REFUSE
  tlw_csv_options o = defaults();
  o.decimal = o.delimiter = ',';
  refuse_with(HEADER, &o, TLW_ERR_ARGUMENT, -1, "both be a comma");
  o = defaults();
  o.columns = "symbol=1";
  o.by = "1";
  refuse_with(HEADER, &o, TLW_ERR_ARGUMENT, -1, "give it once");
  o = defaults();
  o.columns = "adjusted=none";
  o.adjusted = 1;
  refuse_with(HEADER, &o, TLW_ERR_ARGUMENT, -1, "adjusted can't be none");
  o = defaults();
  o.columns = "symbol=1";
  tlw_csv *csv = (tlw_csv *)(uintptr_t)1;
  tlw_error error;
  assert_int_equal(tlw_csv_open(path_of("file.csv"), &o, NULL, &csv, &error), TLW_ERR_ARGUMENT);
  assert_null(csv);
  assert_non_null(strstr(error.message, "tlw_csv_read"));
}

/* Each gives the candle 10, 12, 9, 11 and the volume 7. */
static void test_columns_option(void **state) {
  (void)state;
  static const struct {
    const char *columns, *text;
  } cases[] = {
      {"close=Last", "Date,Open,High,Low,Close,Last,Volume\n2020-01-01,10,12,9,x,11,7\n"},
      {" CLOSE = last price ,volume=7", "Date,Open,High,Low,Close,Last-Price,Number\n2020-01-01,10,12,9,x,11,7\n"},
      {"time=2", "Date,When,Open,High,Low,Close,Volume\nx,2020-01-01,10,12,9,11,7\n"},
      {"clock=none", "Date,Time,Open,High,Low,Close,Volume\n2020-01-01,x,10,12,9,11,7\n"},
      {"clock=at", "Date,At,Time,Open,High,Low,Close,Volume\n2020-01-01,0:00,x,10,12,9,11,7\n"},
      {"clock=at", "Timestamp,Date,At,Open,High,Low,Close,Volume\nx,2020-01-01,0:00,10,12,9,11,7\n"},
      {"time=Date", "Timestamp,Date,Time,Open,High,Low,Close,Volume\nx,2020-01-01,0:00,10,12,9,11,7\n"},
      {"time=Tag", "Tag,Time,Open,High,Low,Close,Volume\n2020-01-01,x,10,12,9,11,7\n"},
      {"close=close,volume=Vol", "Date,Open,High,Low,CLOSE,close,Volume,Vol\n2020-01-01,10,12,9,x,11,y,7\n"},
      {"open=5", "2020-01-01,12,9,11,10,7\n"},
      {"symbol=none,adjusted=9", "Date,Open,High,Low,Close,Volume\n2020-01-01,10,12,9,11,7\n"},
      {"time=1,open=2,high=3,low=4,close=5,volume=6", "a,b,c,d,e,f\n2020-01-01,10,12,9,11,7\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tlw_csv_options o = defaults();
    o.columns = cases[i].columns;
    tlw_table *table = accept_with(cases[i].text, &o);
    const columns c = view(table);
    const bool right = c.n_rows == 1 && c.open[0] == 10 && c.high[0] == 12 && c.low[0] == 9 && c.close[0] == 11 &&
                       c.volume && c.volume[0] == 7 && c.time[0] == 18262 * DAY;
    if (!right) fail_msg("%s: %s", cases[i].columns, cases[i].text);
    tlw_table_close(&table);
  }
  tlw_csv_options o = defaults();
  o.columns = "volume=none,open=Price,high=Price,low=Price,close=2";
  tlw_table *table = accept_with("Volume,Price,Date\nx,5,2020-01-01\nx,6,2020-01-02\n", &o);
  const columns c = view(table);
  assert_true(c.n_rows == 2 && !c.volume && c.open[1] == 6 && c.high[1] == 6 && c.low[1] == 6 && c.close[1] == 6);
  tlw_table_close(&table);

  o.columns = "close=Lst";
  refuse_with(HEADER, &o, TLW_ERR_DATA, 1, "no column Lst for the close (found: Date, Open, High");
  o.columns = "close=9";
  refuse_with(HEADER, &o, TLW_ERR_DATA, 1, "no column 9 for the close, there are 6 (found: Date, Open, High");
  o.columns = "close=Last";
  refuse_with("2020-01-01,10,12,9,11,7\n", &o, TLW_ERR_DATA, 1, "no column Last for the close (found: 2020-01-01, 10");
  o.columns = NULL;
  o.adjusted = 1;
  refuse_with(HEADER, &o, TLW_ERR_DATA, 1, "no column for adjusted");
  o.adjusted = 0;
  o.by = "Ticker";
  refuse_with(HEADER, &o, TLW_ERR_DATA, 1, "no column Ticker for the symbol");
}

/* Each price times (adjusted close / close), in this order of operations; without a close there are no prices. */
static void test_adjusted(void **state) {
  (void)state;
  tlw_csv_options o = defaults();
  o.adjusted = 1;
  tlw_table *table = accept_with("Date,Open,High,Low,Close,Adj Close,Volume\n"
                                 "2020-01-01,10.1,12.3,9.7,11.9,3.3,7\n"
                                 "2020-01-02,10,12,9,inf,5,7\n"
                                 "2020-01-03,10,12,0,0,5,7\n"
                                 "2020-01-04,10,12,9,,5,7\n"
                                 "2020-01-05,10,12,9,11,,7\n"
                                 "2020-01-06,10,12,9,11,inf,7\n"
                                 "2020-01-07,10,inf,9,11,22,7\n"
                                 "2020-01-08,10,12,9,11,0,7\n",
                                 &o);
  const columns c = view(table);
  assert_int_equal(c.n_rows, 8);
  const double *prices[4] = {c.open, c.high, c.low, c.close};
  const double raw[4] = {10.1, 12.3, 9.7, 11.9};
  const double factor = 3.3 / 11.9;
  for (int i = 0; i < 4; i++) {
    assert_true(bits(prices[i][0]) == bits(raw[i] * factor));
    for (int row = 1; row < 6; row++)
      if (bits(prices[i][row]) != UINT64_C(0x7ff8000000000000)) fail_msg("row %d, price %d", row, i);
    assert_true(prices[i][7] == 0);
  }
  assert_true(c.open[6] == 20 && isnan(c.high[6]) && c.low[6] == 18 && c.close[6] == 22);
  for (int row = 0; row < 8; row++) assert_true(c.volume[row] == 7);
  tlw_csv_report report;
  tlw_table_get_report(table, &report);
  assert_int_equal(report.defects[TLW_DEFECT_MISSING_PRICE], 6);
  assert_int_equal(report.first_line[TLW_DEFECT_MISSING_PRICE], 3);
  tlw_table_close(&table);
  refuse_with("Date,Open,High,Low,Close,Adj Close\n2020-01-01,1,2,1,2,x\n", &o, TLW_ERR_DATA, 2, "adjusted 'x'");
}

/* Symbols that begin alike, are quoted, and take turns; newest first within some of them. */
static void test_symbols(void **state) {
  (void)state;
  tlw_csv_options o = defaults();
  o.by = "symbol";
  tlw_table *table = accept_with("Date,Open,High,Low,Close,Symbol\n"
                                 "2020-01-02,1,1,1,1,AB\n"
                                 "2020-01-01,2,2,2,2,A\n"
                                 "2020-01-01,3,3,3,3,ABC\n"
                                 "2020-01-01,4,4,4,4,AB\n"
                                 "2020-01-02,5,5,5,5,A\n"
                                 "2020-01-01,6,6,6,6,\" A, \"\"x\"\" \"\n"
                                 "2019-12-31,7,7,7,7,AB\n"
                                 "2020-01-02,8,8,8,8,\"A, \"\"x\"\"\"\n",
                                 &o);
  tlw_candles c;
  tlw_table_candles(table, &c);
  static const char *const symbols[] = {"AB", "A", "ABC", "A, \"x\""};
  static const int64_t offsets[] = {0, 3, 5, 6, 8};
  static const double opens[] = {7, 4, 1, 2, 5, 3, 6, 8};
  assert_int_equal(c.n_series, 4);
  assert_int_equal(c.n_rows, 8);
  assert_null(c.counts);
  assert_memory_equal(c.offsets, offsets, sizeof offsets);
  assert_memory_equal(c.open, opens, sizeof opens);
  for (int i = 0; i < 4; i++) assert_string_equal(tlw_table_symbol(table, i), symbols[i]);
  assert_null(tlw_table_symbol(table, 4));
  assert_null(tlw_table_symbol(table, -1));
  tlw_csv_report report;
  tlw_table_get_report(table, &report);
  assert_int_equal(report.newest_first, 1);
  tlw_table_close(&table);

  table = accept(HEADER "2020-01-01,10,12,9,11,100\n");
  assert_null(tlw_table_symbol(table, 0));
  tlw_table_close(&table);
  refuse_with("Date,Open,High,Low,Close,Symbol\n2020-01-01,1,1,1,1, \n", &o, TLW_ERR_DATA, 2, "symbol is empty");
}

/* Sorting finds the times that repeat: the first of the file among them is named, and is all that is counted. */
static void test_sorted_repeats(void **state) {
  (void)state;
  static const char text[] = HEADER "2020-01-05,10,12,9,11,1\n"
                                    "2020-01-06,10,12,9,11,2\n"
                                    "2020-01-03,10,12,9,11,3\n"
                                    "2020-01-06,10,12,9,11,4\n"
                                    "2020-01-03,10,12,9,11,5\n"
                                    "2020-01-06,10,12,9,11,6\n";
  tlw_csv_options o = defaults();
  o.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SORT;
  refuse_with(text, &o, TLW_ERR_DATA, 5, "the time repeats that of line 3: keep one of the rows");
  write_bytes(path_of("file.csv"), text, sizeof text - 1);
  tlw_csv *csv = NULL;
  assert_int_equal(tlw_csv_open(path_of("file.csv"), &o, NULL, &csv, NULL), TLW_OK);
  double numbers[4];
  int64_t n = 7;
  const tlw_csv_rows rows = {&numbers[0], &numbers[1], &numbers[2], &numbers[3], .capacity = 1};
  assert_int_equal(tlw_csv_next(csv, &rows, &n, NULL), TLW_ERR_DATA);
  assert_int_equal(n, 0);
  tlw_csv_report report;
  tlw_csv_get_report(csv, &report);
  assert_int_equal(report.defects[TLW_DEFECT_DUPLICATE], 1);
  assert_int_equal(report.first_line[TLW_DEFECT_DUPLICATE], 5);
  assert_int_equal(report.defects[TLW_DEFECT_OUT_OF_ORDER], 2);
  tlw_csv_close(&csv);

  static const double volumes[3][6] = {{3, 1, 2}, {5, 1, 6}, {3, 5, 1, 2, 4, 6}};
  static const tlw_policy policies[3] = {TLW_POLICY_FIRST, TLW_POLICY_LAST, TLW_POLICY_KEEP};
  for (int i = 0; i < 3; i++) {
    o.policies[TLW_DEFECT_DUPLICATE] = policies[i];
    tlw_table *table = accept_with(text, &o);
    const columns c = view(table);
    assert_int_equal(c.n_rows, i < 2 ? 3 : 6);
    assert_memory_equal(c.volume, volumes[i], (size_t)c.n_rows * sizeof(double));
    tlw_table_get_report(table, &report);
    assert_int_equal(report.defects[TLW_DEFECT_DUPLICATE], 3);
    assert_int_equal(report.first_line[TLW_DEFECT_DUPLICATE], 5);
    assert_int_equal(report.skipped, i < 2 ? 3 : 0);
    tlw_table_close(&table);
  }
}

static void test_nothing_left(void **state) {
  (void)state;
  tlw_csv_options o = defaults();
  o.policies[TLW_DEFECT_FIELD] = o.policies[TLW_DEFECT_HIGH_BELOW_LOW] = TLW_POLICY_SKIP;
  refuse_with(HEADER "x,10,12,9,11,1\n2020-01-01,10,8,9,9,1\n", &o, TLW_ERR_DATA, -1, "rows left out: 2");
}

/* --- Files as such ---------------------------------------------------------------------------------------------- */

static void check_unopened(const char *path, int native) {
  tlw_table *table;
  tlw_error error;
  assert_int_equal(read_path(path, &table, &error), TLW_ERR_NOT_FOUND);
  assert_int_equal(error.native, native);
  assert_int_equal(error.row, -1);
  assert_int_equal(error.column, -1);
}

static void test_unopened(void **state) {
  (void)state;
  check_unopened(path_of("missing.csv"), ENOENT);
  check_unopened(folder, EISDIR);
  write_bytes(path_of("file.csv"), HEADER, strlen(HEADER));
  check_unopened(path_of("file.csv/x"), ENOTDIR);
  char name[6000]; /* longer than any path and than the message */
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  check_unopened(name, ENAMETOOLONG);
}

static void test_unreadable(void **state) {
  (void)state;
  const char *path = path_of("secret.csv");
  write_bytes(path, HEADER, strlen(HEADER));
  assert_int_equal(chmod(path, 0), 0);
  const pid_t child = fork(); /* root may read everything, another user may not */
  assert_true(child >= 0);
  if (child == 0) {
    if (geteuid() == 0 && (chmod(folder, 0711) != 0 || setuid(65534) != 0)) _exit(2);
    tlw_table *table;
    tlw_error error;
    const tlw_status status = tlw_csv_read(path, NULL, NULL, &table, &error);
    _exit(status == TLW_ERR_NOT_FOUND && error.native == EACCES && strstr(error.message, "ermission") ? 0 : 1);
  }
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  assert_int_equal(result, 0);
}

static void test_read_error(void **state) {
  (void)state;
  tlw_table *table;
  tlw_error error;
  if (access("/proc/self/mem", R_OK) != 0) {
    print_message("skipped: no /proc/self/mem, a file whose reading fails\n");
    return;
  }
  assert_int_equal(read_path("/proc/self/mem", &table, &error), TLW_ERR_IO);
  assert_int_equal(error.native, EIO);
}

static char *rows_text(int64_t n_rows, size_t *size) {
  char *text = malloc((size_t)n_rows * 64 + 64);
  assert_non_null(text);
  size_t used = (size_t)sprintf(text, HEADER);
  for (int64_t i = 0; i < n_rows; i++)
    used +=
        (size_t)sprintf(text + used, "%" PRId64 ",%" PRId64 ".25,%" PRId64 ".5,%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
                        1000000000 + i * 60, i, i, i, i, i * i);
  *size = used;
  return text;
}

static void check_rows(tlw_table *table, int64_t n_rows) {
  const columns c = view(table);
  assert_int_equal(c.n_rows, n_rows);
  for (int64_t i = 0; i < n_rows; i++) {
    const double x = (double)i;
    if (c.time[i] != (1000000000 + i * 60) * SECOND || c.open[i] != x + 0.25 || c.high[i] != x + 0.5 || c.low[i] != x ||
        c.close[i] != x || c.volume[i] != x * x)
      fail_msg("row %" PRId64 " is wrong", i);
  }
  tlw_table_close(&table);
}

/* Sizes around every power of two of rows, so that columns grow and lines lie across the blocks that are read. */
static void test_sizes(void **state) {
  (void)state;
  for (int64_t n = 1; n <= 1 << 17; n *= 2)
    for (int64_t more = -1; more <= 1; more++) {
      if (n + more < 1) continue;
      size_t size;
      char *text = rows_text(n + more, &size);
      check_rows(accept_bytes(text, size), n + more);
      free(text);
    }
}

/* Reads bytes that a child writes to standard input in parts, blocking or not. */
static tlw_status read_stdin(const void *bytes, size_t size, size_t part, bool nonblocking, tlw_table **table,
                             tlw_error *error) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    close(ends[0]);
    if (nonblocking) usleep(20000);
    for (size_t done = 0; done < size;) {
      const size_t n = size - done < part ? size - done : part;
      const ssize_t written = write(ends[1], (const char *)bytes + done, n);
      if (written < 0) _exit(1);
      done += (size_t)written;
    }
    _exit(0);
  }
  close(ends[1]);
  const int saved = dup(STDIN_FILENO);
  assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  close(ends[0]);
  if (nonblocking) assert_int_equal(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK), 0);
  const tlw_status status = read_path("-", table, error);
  assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* still open */
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  return status;
}

static void test_stdin(void **state) {
  (void)state;
  size_t size;
  char *text = rows_text(3000, &size);
  unsigned char *packed = malloc(size + 1000);
  assert_non_null(packed);
  const size_t packed_size = gzip(text, size, packed, size + 1000);
  static const size_t parts[] = {1, 7, 4096, SIZE_MAX};
  tlw_table *table;
  tlw_error error;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
      assert_int_equal(read_stdin(text, size, parts[i], nonblocking, &table, &error), TLW_OK);
      check_rows(table, 3000);
      assert_int_equal(read_stdin(packed, packed_size, parts[i], nonblocking, &table, &error), TLW_OK);
      check_rows(table, 3000);
    }
  assert_int_equal(read_stdin("id,price\n", 9, 1, false, &table, &error), TLW_ERR_DATA);
  assert_int_equal(strncmp(error.message, "standard input:1: ", 18), 0);
  free(packed);
  free(text);
}

static void test_long_lines(void **state) {
  (void)state;
  static const char head[] = "Note,Date,Open,High,Low,Close\n";
  static const char tail[] = ",2020-01-01,10,12,9,11";
  char *text = malloc(3 * LINE_LIMIT);
  assert_non_null(text);
  for (int quoted = 0; quoted < 2; quoted++)
    for (int ended = 0; ended < 2; ended++) {
      size_t used = sizeof head - 1;
      memcpy(text, head, used);
      memset(text + used, quoted ? '"' : 'x', LINE_LIMIT - (sizeof tail - 1)); /* an even number of quotes */
      used += LINE_LIMIT - (sizeof tail - 1);
      memcpy(text + used, tail, sizeof tail - 1);
      used += sizeof tail - 1;
      text[used] = '\n';
      tlw_table *table = accept_bytes(text, used + (size_t)ended);
      assert_true(view(table).close[0] == 11);
      tlw_table_close(&table);
      memmove(text + sizeof head, text + sizeof head - 1, used);
      refuse_bytes(text, used + 1 + (size_t)ended, 2, -1, "longer than 1 MiB");
    }
  memset(text, ',', 3 * LINE_LIMIT);
  refuse_bytes(text, 3 * LINE_LIMIT, 1, -1, "longer than 1 MiB");
  memset(text, 'x', LINE_LIMIT);
  refuse_bytes(text, LINE_LIMIT, 1, -1, "xxx");
  memset(text, ',', LINE_LIMIT);
  refuse_bytes(text, LINE_LIMIT, 1, -1, "no column");
  memset(text, '"', LINE_LIMIT - 1);
  refuse_bytes(text, LINE_LIMIT - 1, 1, 1, "quotes");
  memset(text, ' ', 3 * LINE_LIMIT);
  refuse_bytes(text, 3 * LINE_LIMIT, 1, -1, "longer than 1 MiB");
  memset(text, '\n', 3 * LINE_LIMIT);
  refuse_bytes(text, 3 * LINE_LIMIT, -1, -1, "empty");
  free(text);
}

/* --- gzip ------------------------------------------------------------------------------------------------------- */

static void test_gzip(void **state) {
  (void)state;
  size_t size;
  char *text = rows_text(20000, &size);
  unsigned char *packed = malloc(2 * size);
  assert_non_null(packed);
  check_rows(accept_bytes(packed, gzip(text, size, packed, 2 * size)), 20000);

  /* Members that are cut anywhere, also empty ones, and zeros behind the last. */
  for (int i = 0; i < 20; i++) {
    size_t used = 0, done = 0;
    while (done < size) {
      size_t part = i == 0 ? size / 3 : random_below(size);
      if (part > size - done) part = size - done;
      used += gzip(text + done, part, packed + used, 2 * size - used);
      done += part;
    }
    check_rows(accept_bytes(packed, used), 20000);
    memset(packed + used, 0, 100000);
    check_rows(accept_bytes(packed, used + 100000), 20000);
    packed[used] = 'x';
    refuse_bytes(packed, used + 1, -1, -1, "gzip data|fetch or copy");
    refuse_bytes(packed, used + 100000, -1, -1, "gzip data is damaged");
  }
  free(packed);
  free(text);
}

static void test_gzip_cut(void **state) {
  (void)state;
  size_t size;
  char *text = rows_text(40, &size);
  unsigned char packed[8192];
  const size_t used = gzip(text, size, packed, sizeof packed);
  const size_t twice = used + gzip(text, size, packed + used, sizeof packed - used);
  for (size_t n = 2; n < twice; n++) {
    if (n == used)
      check_rows(accept_bytes(packed, n), 40);
    else if (n < used)
      refuse_bytes(packed, n, -1, -1, "gzip data ends early");
  }
  refuse_bytes(packed, 1, 1, -1, "\\x1F");
  for (size_t n = used + 1; n < twice; n++) { /* the second header line comes before or after the cut */
    tlw_table *table;
    tlw_error error;
    assert_int_equal(read_bytes(packed, n, &table, &error), TLW_ERR_DATA);
  }
  refuse_bytes(packed, twice, 42, 1, "time 'Date'");
  free(text);
}

static void test_gzip_damaged(void **state) {
  (void)state;
  size_t size;
  char *text = rows_text(40, &size);
  unsigned char packed[4096];
  const size_t used = gzip(text, size, packed, sizeof packed);
  for (size_t i = 0; i < used * 8; i++) {
    packed[i / 8] ^= (unsigned char)(1 << i % 8);
    tlw_table *table;
    tlw_error error;
    const tlw_status status = read_bytes(packed, used, &table, &error);
    if (status == TLW_OK) { /* the member's time and system, or bits that fill up the last byte before the sums */
      assert_true(i / 8 < 10 || i / 8 == used - 9);
      check_rows(table, 40);
    } else {
      assert_int_equal(status, TLW_ERR_DATA);
    }
    packed[i / 8] ^= (unsigned char)(1 << i % 8);
  }
  free(text);
}

/* --- Hostile files ---------------------------------------------------------------------------------------------- */

/* Reads anything: an error that says where, or a table that keeps what the header of the library promises. */
static void check_anything(const void *bytes, size_t size) {
  tlw_table *table;
  tlw_error error;
  const tlw_status status = read_bytes(bytes, size, &table, &error);
  if (status != TLW_OK) {
    assert_int_equal(status, TLW_ERR_DATA);
    assert_true(error.row == -1 || error.row >= 1);
    assert_true(error.column == -1 || error.column >= 1);
    return;
  }
  const columns c = view(table);
  assert_true(c.n_rows > 0);
  for (int64_t i = 0; i < c.n_rows; i++) {
    assert_true(i == 0 || c.time[i] > c.time[i - 1]);
    assert_false(c.high[i] < c.low[i] || c.open[i] < c.low[i] || c.open[i] > c.high[i]);
    assert_false(c.close[i] < c.low[i] || c.close[i] > c.high[i]);
    assert_false(c.volume && (c.volume[i] < 0 || isinf(c.volume[i])));
    assert_false(isinf(c.open[i]) || isinf(c.high[i]) || isinf(c.low[i]) || isinf(c.close[i]));
  }
  tlw_table_close(&table);
}

static void test_mutated(void **state) {
  (void)state;
  static const char valid[] = "Date,Open,High,Low,Close,\"Adj \"\"Close\",Volume\r\n"
                              "2020-01-01T10:00:00.5+01:00,10,12,9,11,,100\r\n"
                              "\n1/2/2020 9:30,10.5,12e0,9,11,x,1e3\n1577980800000,,nan,inf,11,\"y, z\",\n";
  static const char bytes_of_interest[] = "\",\r\n\0 \t.-+eE:/TZ019nai\xff\x1f\x8b\xef";
  for (int i = 0; i < 20000; i++) {
    char text[2 * sizeof valid];
    size_t size = sizeof valid - 1;
    memcpy(text, valid, size);
    for (size_t n = 1 + random_below(4); n > 0; n--) {
      if (size == 0) break;
      const size_t at = random_below(size);
      const char byte =
          random_below(4) ? bytes_of_interest[random_below(sizeof bytes_of_interest - 1)] : (char)random_below(256);
      switch (random_below(4)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        memmove(text + at + 1, text + at, size - at);
        text[at] = byte;
        size++;
        break;
      case 2:
        memmove(text + at, text + at + 1, size - at - 1);
        size--;
        break;
      default:
        size = i % 7 == 0 ? at + 1 : size;
        break;
      }
    }
    check_anything(text, size);
  }
}

static void test_noise(void **state) {
  (void)state;
  static char noise[1 << 16];
  for (int i = 0; i < 300; i++) {
    const size_t size = random_below(sizeof noise);
    for (size_t k = 0; k < size; k++) noise[k] = (char)random_below(256);
    check_anything(noise, size);
    const size_t head = strlen(HEADER);
    if (size < head) continue;
    memcpy(noise, HEADER, head);
    check_anything(noise, size);
    noise[0] = 0x1f;
    noise[1] = (char)0x8b;
    check_anything(noise, size);
  }
}

static int64_t virtual_size(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long long pages = 0;
  if (!file || fscanf(file, "%lld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

/* A file that unpacks to more rows than the memory holds ends in an error, whatever the limit. */
static void test_memory_limits(void **state) {
  (void)state;
  if (SANITIZED || getenv("TALLOW_VALGRIND")) {
    print_message("skipped: the address space can't be limited under this tool\n");
    return;
  }
  size_t size;
  char *text = rows_text(200000, &size);
  const char *path = path_of("large.csv");
  write_bytes(path, text, size);
  free(text);
  bool refused = false, read = false;
  for (int64_t limit = 0; limit <= 64 << 20 && !read; limit += 256 << 10) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      const rlim_t bytes = (rlim_t)(virtual_size() + limit);
      if (setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes}) != 0) _exit(3);
      tlw_table *table = NULL;
      tlw_error error = {0};
      const tlw_status status = tlw_csv_read(path, NULL, NULL, &table, &error);
      if (status == TLW_OK) _exit(table ? 0 : 4);
      _exit(status == TLW_ERR_MEMORY && !table && error.code == TLW_ERR_MEMORY && error.message[0] ? 1 : 5);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) <= 1);
    if (WEXITSTATUS(result) == 1)
      refused = true;
    else
      read = true;
  }
  assert_true(refused && read);
}

/* --- Locale and real data --------------------------------------------------------------------------------------- */

static void test_locale(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  bool comma = false;
  for (size_t i = 0; i < sizeof names / sizeof *names && !comma; i++)
    comma = setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0;
  if (!comma) {
    setlocale(LC_ALL, "C");
    print_message("skipped: no locale with a decimal comma is installed\n");
    return;
  }
  double value = 0;
  assert_true(tlw_number_read("0.30000000000000004", 19, &value));
  assert_true(bits(value) == bits(0.30000000000000004));
  assert_false(tlw_number_read("0,5", 3, &value));
  setlocale(LC_ALL, "C");
}

static const char *data_path(const char *name) {
  static char path[1024];
  const char *data = getenv("TALLOW_DATA");
  if (data) snprintf(path, sizeof path, "%s/%s", data, name);
  if (data && access(path, R_OK) == 0) return path;
  print_message("skipped: %s (TALLOW_DATA is the folder of real data)\n", name);
  return NULL;
}

static void test_real_candles(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t n_rows;
    int64_t first_time; /* s */
    double first_open, last_close, first_volume;
  } files[] = {
      {"aapl_daily_20040819_20180120.csv", 3379, 1092873600, 2.250714, 178.460007, 97230000},
      {"goog_daily_20040819_20180120.csv", 3379, 1092873600, 49.676899, 1137.510010, 44994500},
      {"intc_daily_19950101_20040412.csv", 2335, 789091200, 3.976563, 27.370001, 41721600},
      {"spy_daily_20080101_20180101.csv", 2519, 1199059200, 147.100006, 266.859985, 108126800},
      {"sp500_minute_201911.csv", 1563, 1572946200, 3080.8, 3092.91, 0},
      {"btcperp_minute_202201.csv.gz", 45031, 1640991660, 46319.0, 38544.0, 2300413.7295},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const char *path = data_path(files[i].name);
    if (!path) continue;
    tlw_table *table;
    tlw_error error;
    if (read_path(path, &table, &error) != TLW_OK) fail_msg("%s", error.message);
    const columns c = view(table);
    tlw_csv_report report;
    tlw_table_get_report(table, &report);
    assert_int_equal(report.defects[TLW_DEFECT_OUTSIDE], strncmp(files[i].name, "spy", 3) == 0 ? 2 : 0);
    assert_int_equal(report.skipped, 0);
    if (c.n_rows != files[i].n_rows) fail_msg("%s has %" PRId64 " rows", path, c.n_rows);
    assert_int_equal(c.time[0], files[i].first_time * SECOND);
    assert_true(c.open[0] == files[i].first_open);
    assert_true(c.volume[0] == files[i].first_volume);
    if (c.close[c.n_rows - 1] != files[i].last_close) fail_msg("%s: %.17g", path, c.close[c.n_rows - 1]);
    tlw_table_close(&table);
  }
}

static void test_real_refusals(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t row;
    int32_t column;
    const char *part;
  } files[] = {
      {"btcusdt_trades_20240808.csv.gz", 1, -1, "no column for open, high, low (found: id, price, qty"},
      {"spy_trades_20131008.csv.gz", 1, -1, "no column for open, high, low (found: timestamp, price, quantity)"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const char *path = data_path(files[i].name);
    if (!path) continue;
    tlw_table *table;
    tlw_error error;
    assert_int_equal(read_path(path, &table, &error), TLW_ERR_DATA);
    assert_int_equal(error.row, files[i].row);
    assert_int_equal(error.column, files[i].column);
    if (!strstr(error.message, files[i].part)) fail_msg("%s", error.message);
  }
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

static int remove_folder(void **state) {
  static const char *const names[] = {"file.csv", "secret.csv", "large.csv"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(path_of(names[i]));
  return folder_remove(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers_random_decimals),
      cmocka_unit_test(test_numbers_round_trip),
      cmocka_unit_test(test_numbers_midpoints),
      cmocka_unit_test(test_numbers_edges),
      cmocka_unit_test(test_numbers_words),
      cmocka_unit_test(test_numbers_refused),
      cmocka_unit_test(test_numbers_with_comma),
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_dialects),
      cmocka_unit_test(test_no_volume),
      cmocka_unit_test(test_absent_numbers),
      cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_negative_prices),
      cmocka_unit_test(test_refused_headers),
      cmocka_unit_test(test_refused_rows),
      cmocka_unit_test(test_zero_bytes),
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_option_ranges),
      cmocka_unit_test(test_columns_option),
      cmocka_unit_test(test_adjusted),
      cmocka_unit_test(test_symbols),
      cmocka_unit_test(test_sorted_repeats),
      cmocka_unit_test(test_nothing_left),
      cmocka_unit_test(test_unopened),
      cmocka_unit_test(test_unreadable),
      cmocka_unit_test(test_read_error),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_stdin),
      cmocka_unit_test(test_long_lines),
      cmocka_unit_test(test_gzip),
      cmocka_unit_test(test_gzip_cut),
      cmocka_unit_test(test_gzip_damaged),
      cmocka_unit_test(test_mutated),
      cmocka_unit_test(test_noise),
      cmocka_unit_test(test_memory_limits),
      cmocka_unit_test(test_locale),
      cmocka_unit_test(test_real_candles),
      cmocka_unit_test(test_real_refusals),
  };
  return cmocka_run_group_tests(tests, folder_make, remove_folder);
}
