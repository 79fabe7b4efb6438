/*
 * The CSV fast path on every SIMD tier, and without one: what it reads is what the readers of single numbers and
 * times read, ordinary rows are read, and not a byte beyond the padding is.
 *
 *   TALLOW_TEST_CASES=N   random files on each tier
 *   TALLOW_TEST_SEED=S    the first file's seed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "host/io/number.h"
#include "host/io/time_text.h"
#include "plain_kit.h"
#include "series.h"

#define CASES 5000
#define FIRST_SEED 20250101
#define SECOND INT64_C(1000000000)
#define LINE_SIZE 256

/* ---- tiers ---- */

extern const struct tlw_plain_tier tlw_plain_tier_portable;

static const char *const names[] = {"baseline", "avx2", "avx512"};
#define N_NAMES (sizeof names / sizeof *names)

static const struct tlw_plain_tier *tiers[N_NAMES + 1];
static size_t n_tiers;

/* What TALLOW_CPU_TIER names, and the portable one. */
static int find_tiers(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    setenv("TALLOW_CPU_TIER", names[i], 1);
    const struct tlw_plain_tier *tier = tlw_plain_tier();
    if (n_tiers > 0 && tier == tiers[0])
      printf("%s: skipped, this CPU or build lacks it\n", names[i]);
    else
      tiers[n_tiers++] = tier;
  }
  unsetenv("TALLOW_CPU_TIER");
  tiers[n_tiers++] = &tlw_plain_tier_portable;
  return 0;
}

static void test_choice(void **unused) {
  (void)unused;
  const struct tlw_plain_tier *best = tlw_plain_tier();
  assert_ptr_equal(best, tiers[n_tiers - 2]);
  setenv("TALLOW_CPU_TIER", "abacus", 1);
  assert_ptr_equal(tlw_plain_tier(), tiers[0]);
  unsetenv("TALLOW_CPU_TIER");
  struct tlw_plain plain = {.delimiter = ',', .n_columns = 5, .numbers = {1, 2, 3, 4, -1}, .clock = -1};
  int64_t n_rows = 0;
  double column[1];
  const tlw_csv_rows rows = {column, column, column, column, .capacity = 1};
  char text[2 * TLW_PLAIN_PADDING] = "";
  assert_int_equal(tlw_plain_read(&plain, text + TLW_PLAIN_PADDING, 0, &rows, &n_rows), 0);
  assert_ptr_equal(plain.tier, best);
}

static void test_random_files(void **unused) {
  (void)unused;
  const uint64_t first = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  for (size_t i = 0; i < n_tiers; i++) {
    uint64_t bad = 0;
    int64_t n_rows = 0;
    for (uint64_t seed = first; seed < first + n && bad < 5; seed++) bad += !plain_agrees(tiers[i], seed, &n_rows);
    assert_int_equal(bad, 0);
    assert_true(n_rows > (int64_t)n * 30);
    printf("%s: %" PRId64 " rows\n", tiers[i]->name, n_rows);
  }
}

/* ---- text ---- */

struct text {
  char *data; /* TLW_PLAIN_PADDING before and behind */
  size_t size, capacity;
};

static void text_open(struct text *t, size_t capacity) {
  t->data = calloc(capacity + 2 * TLW_PLAIN_PADDING, 1);
  assert_non_null(t->data);
  t->data += TLW_PLAIN_PADDING;
  t->size = 0;
  t->capacity = capacity;
}

static void text_close(struct text *t) { free(t->data - TLW_PLAIN_PADDING); }

__attribute__((format(printf, 2, 3))) static void text_add(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(t->data + t->size, t->capacity - t->size, format, args);
  va_end(args);
  assert_true(n >= 0 && (size_t)n < t->capacity - t->size);
  t->size += (size_t)n;
}

/* Time, open, high, low, close and volume. */
static const struct tlw_plain usual = {
    .delimiter = ',', .comment = '#', .n_columns = 6, .numbers = {1, 2, 3, 4, 5}, .clock = -1, .month_first = true};

/* Reads one line whose time is given. false: it is not plain. */
static bool reads_time(const struct tlw_plain_tier *tier, const char *text, int64_t *time) {
  char line[LINE_SIZE + 2 * TLW_PLAIN_PADDING] = "";
  char *const at = line + TLW_PLAIN_PADDING;
  const size_t size = (size_t)snprintf(at, LINE_SIZE, "%s,1,2,1,2,3\n", text);
  struct tlw_plain plain = usual;
  plain.tier = tier;
  double column[1];
  const tlw_csv_rows rows = {column, column, column, column, column, time, .capacity = 1};
  int64_t n_rows = 0;
  const size_t read = tlw_plain_read(&plain, at, size, &rows, &n_rows);
  assert_int_equal(read, n_rows == 1 ? size : 0);
  return n_rows == 1;
}

/* ---- ordinary files ---- */

#define ROWS 3000

/* Of strftime, but %k is the hour, %n the month and %e the day without zeros, %f 000000 and %s the epoch. */
struct ordinary {
  const char *format;
  int64_t step; /* seconds */
};

static void write_moment(char *out, const char *format, int64_t seconds) {
  struct tm t;
  gmtime_r(&(time_t){(time_t)seconds}, &t);
  for (; *format; format++) {
    if (*format != '%') {
      *out++ = *format;
      continue;
    }
    const char conversion[] = {'%', *++format, 0};
    switch (*format) {
    case 'k':
      out += sprintf(out, "%d", t.tm_hour);
      break;
    case 'n':
      out += sprintf(out, "%d", t.tm_mon + 1);
      break;
    case 'e':
      out += sprintf(out, "%d", t.tm_mday);
      break;
    case 'f':
      out += sprintf(out, "000000");
      break;
    case 's':
      out += sprintf(out, "%" PRId64, seconds);
      break;
    default:
      out += strftime(out, 32, conversion, &t);
    }
  }
  *out = 0;
}

static void write_candle(struct text *t, rng *r, char delimiter, const char *end) {
  const int places = rng_between(r, 0, 8);
  const double low = rng_unit(r) * 60000, high = low + rng_unit(r) * 100;
  text_add(t, "%c%.*f%c%.*f%c%.*f%c%.*f%c%" PRIu64 "%s", delimiter, places, low, delimiter, places, high, delimiter,
           places, low, delimiter, places, high, delimiter, rng_below(r, 1000000000), end);
}

static void check_ordinary(const struct tlw_plain_tier *tier, const struct ordinary *o, const struct tlw_plain *shape,
                           const char *end) {
  struct text t;
  rows_kit rows;
  text_open(&t, ROWS * LINE_SIZE);
  rows_open(&rows, ROWS);
  rng r = {(uint64_t)o->step};
  int64_t first = shape->descending ? 4102444800 : 1009843200; /* 2100 and 2002 */
  first -= first % o->step;
  for (int64_t i = 0; i < ROWS; i++) {
    char moment[LINE_SIZE];
    write_moment(moment, o->format, first + (shape->descending ? -i : i) * o->step);
    for (char *at = moment; *at; at++)
      if (*at == '@') *at = shape->delimiter;
    text_add(&t, "%s", moment);
    write_candle(&t, &r, shape->delimiter, end);
  }
  struct tlw_plain plain = *shape;
  plain.tier = tier;
  int64_t n_rows = 0;
  const size_t read = tlw_plain_read(&plain, t.data, t.size, &rows.rows, &n_rows);
  if (read != t.size) printf("%s: %.60s\n", tier->name, t.data + read);
  assert_int_equal(read, t.size);
  assert_int_equal(n_rows, ROWS);
  const char *line = t.data;
  for (int64_t i = 0; i < ROWS; i++) {
    const char *const feed = strchr(line, '\n');
    plain_row row;
    assert_true(plain_reference(&plain, line, (size_t)(feed - line), &row));
    assert_int_equal(rows.rows.time[i], (first + (shape->descending ? -i : i) * o->step) * SECOND);
    assert_int_equal(rows.rows.time[i], row.time);
    assert_memory_equal(&rows.rows.open[i], &row.numbers[TLW_PLAIN_OPEN], sizeof(double));
    assert_memory_equal(&rows.rows.high[i], &row.numbers[TLW_PLAIN_HIGH], sizeof(double));
    assert_memory_equal(&rows.rows.low[i], &row.numbers[TLW_PLAIN_LOW], sizeof(double));
    assert_memory_equal(&rows.rows.close[i], &row.numbers[TLW_PLAIN_CLOSE], sizeof(double));
    assert_memory_equal(&rows.rows.volume[i], &row.numbers[TLW_PLAIN_VOLUME], sizeof(double));
    line = feed + 1;
  }
  rows_close(&rows);
  text_close(&t);
}

static void test_ordinary_files(void **unused) {
  (void)unused;
  static const struct ordinary forms[] = {
      {"%Y-%m-%d", 86400},
      {"%Y/%m/%d", 86400},
      {"%Y.%m.%d", 86400},
      {"%Y%m%d", 86400},
      {"%n/%e/%Y", 86400},
      {"%m/%d/%Y", 86400},
      {"%Y-%m-%d %H:%M", 60},
      {"%Y-%m-%dT%H:%M", 60},
      {"%Y-%m-%d %H:%M:%S", 1},
      {"%Y-%m-%dT%H:%M:%SZ", 59},
      {"%Y-%m-%d %H:%M:%S.%f", 7},
      {"%Y-%m-%dT%H:%M:%S.%fZ", 3600},
      {"%n/%e/%Y %k:%M", 60},
      {"%n/%e/%Y %k:%M:%S", 13},
      {"%m/%d/%Y %H:%M", 3600},
      {"%Y%m%d %H%M%S", 60},
      {"%Y%m%d %H%M", 60},
      {"%Y%m%d%H%M%S", 60},
      {"%Y%m%d %H:%M:%S", 60},
      {"%Y-%m-%d %H:%M:%S+00:00", 300},
      {"%s", 60},
      {"%s000", 60},
      {"%s000000", 1},
      {"%s000000000", 60},
      {"%Y.%m.%d %k:%M", 14400},
  };
  static const struct ordinary pairs[] = {
      {"%Y-%m-%d@%H:%M", 60}, {"%Y.%m.%d@%H:%M", 60},      {"%n/%e/%Y@%k:%M", 60},   {"%Y%m%d@%H%M%S", 60},
      {"%Y%m%d@%H:%M:%S", 1}, {"%Y-%m-%d@%H:%M:%S.%f", 1}, {"%Y-%m-%d@%k:%M:%S", 1}, {"%m/%d/%Y@%H:%M:%S", 3600}};
  static const char delimiters[] = ",;\t|";
  for (size_t tier = 0; tier < n_tiers; tier++) {
    for (int way = 0; way < 8; way++) {
      struct tlw_plain shape = usual;
      shape.delimiter = delimiters[way / 2];
      shape.descending = way % 2;
      const char *const end = way % 3 ? "\n" : "\r\n";
      for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) check_ordinary(tiers[tier], &forms[i], &shape, end);
      shape.n_columns = 7;
      shape.clock = 1;
      for (int i = 0; i < TLW_PLAIN_NUMBERS; i++) shape.numbers[i]++;
      for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) check_ordinary(tiers[tier], &pairs[i], &shape, end);
    }
  }
}

/* ---- times ---- */

static void check_time(const struct tlw_plain_tier *tier, const char *text, bool must) {
  int64_t time = 0, expected = 0;
  const bool good = !tlw_time_read(text, strlen(text), false, &expected);
  const bool read = reads_time(tier, text, &time);
  if ((read && (!good || time != expected)) || (must && good != read))
    fail_msg("%s: '%s' is %s as %" PRId64, tier->name, text, read ? "read" : "not read", time);
}

static void test_every_day(void **unused) {
  (void)unused;
  for (size_t i = 0; i < n_tiers; i++) {
    for (int year = 1676; year <= 2263; year++) {
      for (int month = 0; month <= 13; month++) {
        for (int day = 0; day <= 32; day += month == 2 || day > 26 ? 1 : 9) {
          char text[64];
          int64_t time;
          snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
          check_time(tiers[i], text, true);
          const bool is_day = !tlw_time_read(text, strlen(text), false, &time);
          snprintf(text, sizeof text, "%04d%02d%02d", year, month, day);
          check_time(tiers[i], text, is_day); /* else it is an epoch, which is left to others */
          snprintf(text, sizeof text, "%d/%d/%04d", month, day, year);
          check_time(tiers[i], text, true);
        }
      }
    }
  }
}

static void test_every_clock(void **unused) {
  (void)unused;
  for (size_t i = 0; i < n_tiers; i++) {
    for (int a = 0; a < 100; a++) {
      for (int b = 0; b < 100; b++) {
        char text[64];
        snprintf(text, sizeof text, "2020-02-29 %02d:%02d", a, b);
        check_time(tiers[i], text, true);
        snprintf(text, sizeof text, "2020-02-29T12:%02d:%02d", a, b);
        check_time(tiers[i], text, true);
        snprintf(text, sizeof text, "20200229 %02d%02d%02d", a, b, a);
        check_time(tiers[i], text, true);
        snprintf(text, sizeof text, "2/29/2020 %d:%02d", a, b);
        check_time(tiers[i], text, true);
        snprintf(text, sizeof text, "2020-02-29 12:00:00+%02d:%02d", a, b);
        check_time(tiers[i], text, true);
      }
    }
  }
}

/* Every byte at every place of each form: what is read must be what it says. */
static void test_every_byte(void **unused) {
  (void)unused;
  static const char *const forms[] = {"2020-02-29",
                                      "2020-02-29 12:34",
                                      "2020-02-29T12:34:56.123456789Z",
                                      "2/9/2020 1:23",
                                      "12/31/2020 12:34:56",
                                      "20200229 123456",
                                      "20200229123456",
                                      "20200229 123456789",
                                      "1582979696",
                                      "1582979696123",
                                      "1582979696123456",
                                      "1582979696123456789",
                                      "2020-02-29 1:23+05:30",
                                      "2020.02.29 12:34:56.1Z",
                                      "999999999",
                                      "2020-02-29 12:34:56.123-11:45"};
  for (size_t i = 0; i < n_tiers; i++) {
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
      check_time(tiers[i], forms[form], true);
      for (size_t at = 0; forms[form][at]; at++) {
        for (int byte = 1; byte < 256; byte++) {
          char text[64];
          strcpy(text, forms[form]);
          text[at] = (char)byte;
          if (!strchr(",\"\n\r", byte)) check_time(tiers[i], text, false);
          memmove(text + at + 1, forms[form] + at, strlen(forms[form] + at) + 1);
          if (!strchr(",\"\n\r", byte)) check_time(tiers[i], text, false);
        }
        char text[64];
        strcpy(text, forms[form]);
        memmove(text + at, forms[form] + at + 1, strlen(forms[form] + at));
        check_time(tiers[i], text, false);
      }
    }
  }
}

static void test_edges_of_epochs(void **unused) {
  (void)unused;
  static const char *const edges[] = {"",
                                      "0",
                                      "999999999",
                                      "9214646399",
                                      "9214646400",
                                      "9999999999",
                                      "99999999999",
                                      "100000000000",
                                      "9214646399999",
                                      "9214646400000",
                                      "100000000000000",
                                      "9214646399999999",
                                      "9214646400000000",
                                      "100000000000000000",
                                      "9214646399999999999",
                                      "9214646400000000000",
                                      "9999999999999999999",
                                      "18446744073709551617",
                                      "0000001582979696",
                                      "0000000001582979696",
                                      "20200230",
                                      "20200229246060",
                                      "202002291234",
                                      "202002",
                                      "1970"};
  for (size_t i = 0; i < n_tiers; i++)
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++) check_time(tiers[i], edges[k], false);
  int64_t time;
  for (size_t i = 0; i < n_tiers; i++) {
    assert_true(reads_time(tiers[i], "9214646399999999999", &time));
    assert_int_equal(time, INT64_C(9214646399999999999));
  }
}

static void test_edges_of_time(void **unused) {
  (void)unused;
  static const char *const edges[] = {
      "1678-01-01 00:00:00", "1678-01-01 00:00:00+00:01", "1678-01-01 00:01:00+00:01", "1677-12-31 23:59:59-00:01",
      "2261-12-31 23:59:59", "2261-12-31 23:59:59-00:01", "2261-12-31 23:58:59-00:01", "2262-01-01 00:00:00+00:01"};
  for (size_t i = 0; i < n_tiers; i++)
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++) check_time(tiers[i], edges[k], false);
  int64_t time;
  for (size_t i = 0; i < n_tiers; i++) assert_true(reads_time(tiers[i], "2261-12-31 23:58:59-00:01", &time));
}

/* Without month_first a day with the year last is not plain, nor is one in a column of its own. */
static void test_year_last_is_asked_for(void **unused) {
  (void)unused;
  static const char line[] = "1/2/2020,1,2,1,2,3\n";
  char text[sizeof line + 2 * TLW_PLAIN_PADDING] = "";
  memcpy(text + TLW_PLAIN_PADDING, line, sizeof line);
  double column[1];
  const tlw_csv_rows rows = {column, column, column, column, column, .capacity = 1};
  for (size_t i = 0; i < n_tiers; i++) {
    struct tlw_plain plain = usual;
    plain.tier = tiers[i];
    plain.month_first = false;
    int64_t n_rows = 0;
    assert_int_equal(tlw_plain_read(&plain, text + TLW_PLAIN_PADDING, sizeof line - 1, &rows, &n_rows), 0);
    assert_int_equal(n_rows, 0);
    assert_false(plain.any);
    plain.month_first = true;
    assert_int_equal(tlw_plain_read(&plain, text + TLW_PLAIN_PADDING, sizeof line - 1, &rows, &n_rows),
                     sizeof line - 1);
    assert_true(plain.any);
  }
}

/* ---- numbers ---- */

static void test_quotients(void **unused) {
  (void)unused;
#if defined(TLW_PLAIN_QUOTIENT)
  rng r = {7};
  for (int i = 0; i < 300000; i++) {
    uint64_t digits = rng_next(&r) >> rng_below(&r, 64);
    if (i % 3 == 0) digits = ((UINT64_C(1) << 53) + rng_below(&r, 1 << 20)) << rng_below(&r, 11) | rng_below(&r, 2);
    const int places = rng_between(&r, 0, 19);
    char text[64];
    double expected;
    const int n = snprintf(text, sizeof text, "%" PRIu64 "e-%d", digits, places);
    assert_true(tlw_number_read(text, (size_t)n, &expected));
    const double got = tlw_plain_quotient(digits, (uint32_t)places);
    if (memcmp(&got, &expected, sizeof got) != 0) fail_msg("%s is %.17g, not %.17g", text, got, expected);
  }
#endif
}

static void check_number(const struct tlw_plain_tier *tier, const char *number, bool must) {
  char line[LINE_SIZE * 8 + 2 * TLW_PLAIN_PADDING] = "";
  char *const at = line + TLW_PLAIN_PADDING;
  const size_t size =
      (size_t)snprintf(at, LINE_SIZE * 8, "2020-01-01,%s,%s,%s,%s,%s\n", number, number, number, number, number);
  struct tlw_plain plain = usual;
  plain.tier = tier;
  double got[5] = {0};
  const tlw_csv_rows rows = {&got[0], &got[1], &got[2], &got[3], &got[4], .capacity = 1};
  int64_t n_rows = 0;
  const size_t read = tlw_plain_read(&plain, at, size, &rows, &n_rows);
  assert_int_equal(read, n_rows ? size : 0);
  if ((n_rows == 1) != must) fail_msg("%s: '%s' is %sread", tier->name, number, n_rows ? "" : "not ");
  double expected = 0;
  if (n_rows == 0) return;
  assert_true(tlw_number_read(number, strlen(number), &expected));
  for (int i = 0; i < 5; i++) assert_memory_equal(&got[i], &expected, sizeof expected);
}

static void test_numbers(void **unused) {
  (void)unused;
  static const char *const good[] = {"0",
                                     "5.",
                                     ".5",
                                     "007",
                                     "1.50",
                                     "0.00000001",
                                     "9007199254740992",
                                     "9007199254740993",
                                     "90071992547409930",
                                     "9007199254740992.5",
                                     "9007199254740993.5",
                                     "900719925474099.3",
                                     "18446744073709551615",
                                     "18446744073709551616",
                                     "1843.4999999999999999",
                                     "1844.6744073709551615",
                                     "1844.6744073709551616",
                                     "9999.9999999999999999",
                                     "0.30000000000000004",
                                     "0.000000000000000000000000000000000000000001",
                                     "123456789012345678901234567890",
                                     "0000000000000000",
                                     "0000000000000001.",
                                     "000000000000000.1",
                                     ".123456789012345",
                                     ".1234567890123456",
                                     ".12345678901234567"};
  static const char *const bad[] = {"",
                                    ".",
                                    "-0",
                                    "-1",
                                    "+1",
                                    "1e5",
                                    "1E5",
                                    "1e",
                                    " 1",
                                    "1 ",
                                    "1..2",
                                    "1.2.3",
                                    "..",
                                    "nan",
                                    "inf",
                                    "0x1",
                                    "1_0",
                                    "1'0",
                                    "12345678901234567.8.9",
                                    "1234567890123456x",
                                    "x1234567890123456",
                                    "123456789012345678901234567890x",
                                    "1:2",
                                    "1/2",
                                    "\xb1",
                                    "1;2"};
  for (size_t i = 0; i < n_tiers; i++) {
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) check_number(tiers[i], good[k], true);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) check_number(tiers[i], bad[k], false);
    for (int size = 1; size <= 45; size++) {
      for (int point = 0; point <= size; point++) {
        char text[64];
        memset(text, '7', (size_t)size);
        text[size] = 0;
        if (point < size) text[point] = '.';
        check_number(tiers[i], text, size > 1 || point == size);
      }
    }
    /* Every byte that is no digit, at every place. */
    for (int size = 1; size <= 24; size++) {
      for (int at = 0; at < size; at++) {
        for (int byte = 1; byte < 256; byte++) {
          if (strchr(",\n\r.0123456789", byte)) continue;
          char text[64];
          memset(text, '1', (size_t)size);
          text[size] = 0;
          text[at] = (char)byte;
          check_number(tiers[i], text, false);
        }
      }
    }
  }
}

/* ---- lines ---- */

static void write_lines(struct text *t, int n, const char *end) {
  for (int i = 0; i < n; i++) text_add(t, "2020-01-%02d,%d.5,3%d.25,1,%d,%d%s", 1 + i, 5 + i, i, 2 + i, i * 1000, end);
}

/* A text that ends anywhere, between pages that can't be read, and rows that end anywhere. */
static void test_every_end(void **unused) {
  (void)unused;
  for (size_t tier = 0; tier < n_tiers; tier++) {
    for (int crlf = 0; crlf < 2; crlf++) {
      struct text t;
      text_open(&t, 4096);
      write_lines(&t, 12, crlf ? "\r\n" : "\n");
      arena a;
      rows_kit rows;
      arena_open(&a, t.size);
      rows_open(&rows, 14);
      for (size_t size = 0; size <= t.size; size++) {
        for (int at_end = 0; at_end < 2; at_end++) {
          const char *const text = arena_place(&a, t.data, size, at_end, size);
          struct tlw_plain plain = usual;
          plain.tier = tiers[tier];
          int64_t n_rows = 0, n_lines = 0;
          size_t whole = 0;
          for (size_t i = 0; i < size; i++) {
            if (t.data[i] != '\n') continue;
            n_lines++;
            whole = i + 1;
          }
          rows_poison(&rows);
          assert_int_equal(tlw_plain_read(&plain, text, size, &rows.rows, &n_rows), whole);
          assert_int_equal(n_rows, n_lines);
          assert_true(rows_untouched(&rows, n_rows, rows.capacity));
        }
      }
      for (int64_t capacity = 1; capacity <= 14; capacity++) {
        for (int64_t first = 0; first < capacity; first++) {
          struct tlw_plain plain = usual;
          plain.tier = tiers[tier];
          rows_poison(&rows);
          rows.rows.capacity = capacity;
          int64_t n_rows = first;
          const size_t read = tlw_plain_read(&plain, t.data, t.size, &rows.rows, &n_rows);
          const int64_t room = capacity - first;
          assert_int_equal(n_rows - first, room < 12 ? room : 12);
          assert_true(read > 0 && t.data[read - 1] == '\n');
          assert_true(rows_untouched(&rows, 0, first) && rows_untouched(&rows, n_rows, rows.capacity));
        }
      }
      rows_close(&rows);
      arena_close(&a);
      text_close(&t);
    }
  }
}

/* Lines of many columns, and of any length: stops fall everywhere in blocks and chunks. */
static void test_every_length(void **unused) {
  (void)unused;
  for (size_t tier = 0; tier < n_tiers; tier++) {
    for (int extra = 0; extra < 200; extra++) {
      struct text t;
      rows_kit rows;
      text_open(&t, 400000);
      rows_open(&rows, 100);
      for (int i = 0; i < 60; i++) {
        text_add(&t, "%d,1,2,1,2,3", 1577836800 + i);
        for (int k = 0; k < extra; k++) text_add(&t, ",%.*s", (k * 7 + i) % 3, "xy");
        text_add(&t, "%.*s%s", i % 5, "zzzzz", extra % 2 ? "\r\n" : "\n");
      }
      struct tlw_plain plain = usual;
      plain.tier = tiers[tier];
      plain.n_columns = 6 + extra;
      if (extra == 0) plain.n_columns = 7;
      int64_t n_rows = 0;
      const size_t read = tlw_plain_read(&plain, t.data, t.size, &rows.rows, &n_rows);
      assert_int_equal(read, extra == 0 ? 0 : t.size);
      assert_int_equal(n_rows, extra == 0 ? 0 : 60);
      rows_close(&rows);
      text_close(&t);
    }
  }
}

/* One is read however long it is, up to what the header says. */
static void test_long_lines(void **unused) {
  (void)unused;
  for (size_t tier = 0; tier < n_tiers; tier++) {
    struct text t;
    rows_kit rows;
    text_open(&t, 30000);
    rows_open(&rows, 10);
    for (int i = 1; i < 7; i++) text_add(&t, "2020-01-0%d,1,2,1,2,%0*d\n", i, 4000 - 20, i);
    struct tlw_plain plain = usual;
    plain.tier = tiers[tier];
    int64_t n_rows = 0;
    assert_int_equal(tlw_plain_read(&plain, t.data, t.size, &rows.rows, &n_rows), t.size);
    assert_int_equal(n_rows, 6);
    for (int i = 0; i < 6; i++) assert_true(rows.rows.volume[i] == i + 1);
    rows_close(&rows);
    text_close(&t);
  }
}

/* A line that is not plain stops the reading there, however long, and what follows it is read by the next call. */
static void test_stops_at_what_is_not_plain(void **unused) {
  (void)unused;
  static const char *const odd[] = {"\n",
                                    "\r\n",
                                    "#2020-02-01,1,2,1,2,3\n",
                                    "2020-02-01,1,2,1,2\n",
                                    "2020-02-01,1,2,1,2,3,4\n",
                                    "2020-02-01,1,2,1,2,\"3\"\n",
                                    "2020-02-01,1,2,1,2,3\r\r\n",
                                    "2020-02-01,1,2,1,2\r,3\n",
                                    "2020-02-01,1,2,1,2,\n",
                                    "2020-02-01,,2,1,2,3\n",
                                    "2020-02-01,3,2,1,2,3\n",
                                    "2020-02-01,1,2,1,3,3\n",
                                    "2020-02-01,0,2,1,2,3\n",
                                    "2020-02-01,1,2,1,0,3\n",
                                    "2020-02-01,1,1,2,1,3\n",
                                    "2020-01-12,1,2,1,2,3\n",
                                    "2020-01-11,1,2,1,2,3\n",
                                    ",1,2,1,2,3\n",
                                    "Date,Open,High,Low,Close,Volume\n"};
  for (size_t tier = 0; tier < n_tiers; tier++) {
    for (size_t i = 0; i <= sizeof odd / sizeof *odd; i++) {
      struct text t;
      rows_kit rows;
      text_open(&t, 65536);
      rows_open(&rows, 64);
      write_lines(&t, 12, "\n");
      const size_t before = t.size;
      if (i < sizeof odd / sizeof *odd)
        text_add(&t, "%s", odd[i]);
      else
        text_add(&t, "2020-02-01,1,2,1,2,%05000d\n", 3);
      const size_t behind = t.size;
      text_add(&t, "2020-03-01,1,2,1,2,3\n2020-03-02,1,2,1,2,3\n");
      struct tlw_plain plain = usual;
      plain.tier = tiers[tier];
      int64_t n_rows = 0;
      assert_int_equal(tlw_plain_read(&plain, t.data, t.size, &rows.rows, &n_rows), before);
      assert_int_equal(n_rows, 12);
      assert_int_equal(plain.previous_time, rows.rows.time[11]);
      assert_int_equal(tlw_plain_read(&plain, t.data + before, t.size - before, &rows.rows, &n_rows), 0);
      assert_int_equal(tlw_plain_read(&plain, t.data + behind, t.size - behind, &rows.rows, &n_rows), t.size - behind);
      assert_int_equal(n_rows, 14);
      rows_close(&rows);
      text_close(&t);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_choice),
      cmocka_unit_test(test_quotients),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_every_day),
      cmocka_unit_test(test_every_clock),
      cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_edges_of_epochs),
      cmocka_unit_test(test_edges_of_time),
      cmocka_unit_test(test_year_last_is_asked_for),
      cmocka_unit_test(test_every_end),
      cmocka_unit_test(test_every_length),
      cmocka_unit_test(test_long_lines),
      cmocka_unit_test(test_stops_at_what_is_not_plain),
      cmocka_unit_test(test_ordinary_files),
      cmocka_unit_test(test_random_files),
  };
  return cmocka_run_group_tests_name("plain", tests, find_tiers, NULL);
}
