/* Rules of bars by small examples that were worked out by hand, and what states do between pushes and after failures. */
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

#include "host/base/hash.h"
#include "tallow/bars.h"

#define MOST_ROWS 16
#define ONE INT64_C(100000000)

/* What bars were given, a line each: times, prices, volume and rows, in whole numbers; then what else is said. */
static char given[16384];
static int64_t n_given;
static int fails_in; /* calls of the sink from now on; 0: none */

static void print_bar(const tlw_bar *bar) {
  const size_t length = strlen(given);
  const char *marks = bar->flags & TLW_BAR_NULL ? " null" : bar->flags & TLW_BAR_EMPTY ? " empty" : "";
  snprintf(given + length, sizeof given - length,
           "%" PRId64 "-%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " v%" PRIu64 " n%" PRId64 "%s%s\n",
           bar->open_time, bar->close_time, bar->open, bar->high, bar->low, bar->close, bar->volume.low,
           bar->agg_trades, marks, bar->flags & TLW_BAR_PARTIAL ? " partial" : "");
}

static tlw_status sink(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)user;
  assert_non_null(error);
  if (fails_in > 0 && --fails_in == 0) return TLW_ERR_IO;
  for (int64_t i = 0; i < n; i++) print_bar(&bars[i]);
  n_given += n;
  return TLW_OK;
}

static tlw_bars *open_bars(const tlw_bars_options *options) {
  tlw_bars *bars = NULL;
  tlw_error error;
  given[0] = 0;
  n_given = 0;
  fails_in = 0;
  if (tlw_bars_open(options, sink, NULL, NULL, &bars, &error) != TLW_OK) fail_msg("%s", error.message);
  return bars;
}

typedef struct row {
  int64_t time, price, quantity;
} row;

static tlw_status push_rows(tlw_bars *bars, const row *rows, size_t n, tlw_error *error) {
  int64_t time[MOST_ROWS], price[MOST_ROWS], quantity[MOST_ROWS];
  assert_true(n <= MOST_ROWS);
  for (size_t i = 0; i < n; i++) {
    time[i] = rows[i].time;
    price[i] = rows[i].price;
    quantity[i] = rows[i].quantity;
  }
  tlw_trades trades;
  tlw_trades_init(&trades);
  trades.n_rows = (int64_t)n;
  trades.time = time;
  trades.price = price;
  trades.quantity = quantity;
  return tlw_bars_push(bars, &trades, error);
}

/* All rows at once, then one by one, with what forms at the end. */
static void gives(const tlw_bars_options *options, const row *rows, size_t n, const char *wanted) {
  for (int one = 0; one < 2; one++) {
    tlw_bars *bars = open_bars(options);
    tlw_error error;
    tlw_bar bar;
    for (size_t i = 0; i < n; i += one ? 1 : n)
      if (push_rows(bars, rows + i, one ? 1 : n, &error) != TLW_OK) fail_msg("%s", error.message);
    if (tlw_bars_forming(bars, &bar)) print_bar(&bar);
    assert_string_equal(given, wanted);
    tlw_bars_close(&bars);
  }
}

#define GIVES(options, rows, wanted) gives(options, rows, sizeof rows / sizeof *rows, wanted)

static tlw_bars_options options_of(tlw_bars_kind kind, int64_t size) {
  tlw_bars_options options;
  tlw_bars_options_init(&options, kind, size);
  return options;
}

/* ---- kinds ---- */

static const row minutes[] = {{0, 10, 1}, {59999, 14, 2}, {60000, 9, 3}, {60001, 8, 4}, {240001, 20, 5}};

static void test_time(void **state) {
  (void)state;
  tlw_bars_options options = options_of(TLW_BARS_TIME, 1);
  GIVES(&options, minutes,
        "0-59999 10 14 10 14 v3 n2\n"
        "60000-119999 9 9 8 8 v7 n2\n"
        "240000-299999 20 20 20 20 v5 n1 partial\n");
  options.empty = TLW_EMPTY_FLAT;
  GIVES(&options, minutes,
        "0-59999 10 14 10 14 v3 n2\n"
        "60000-119999 9 9 8 8 v7 n2\n"
        "120000-179999 8 8 8 8 v0 n0 empty\n"
        "180000-239999 8 8 8 8 v0 n0 empty\n"
        "240000-299999 20 20 20 20 v5 n1 partial\n");
  options.empty = TLW_EMPTY_NULL;
  GIVES(&options, minutes,
        "0-59999 10 14 10 14 v3 n2\n"
        "60000-119999 9 9 8 8 v7 n2\n"
        "120000-179999 0 0 0 0 v0 n0 null\n"
        "180000-239999 0 0 0 0 v0 n0 null\n"
        "240000-299999 20 20 20 20 v5 n1 partial\n");
  options = options_of(TLW_BARS_TIME, 2);
  options.offset = INT64_C(60000000000);
  GIVES(&options, minutes,
        "-60000-59999 10 14 10 14 v3 n2\n"
        "60000-179999 9 9 8 8 v7 n2\n"
        "180000-299999 20 20 20 20 v5 n1 partial\n");
}

static void test_tick(void **state) {
  (void)state;
  tlw_bars_options options = options_of(TLW_BARS_TICK, 2);
  GIVES(&options, minutes,
        "0-59999 10 14 10 14 v3 n2\n"
        "60000-60001 9 9 8 8 v7 n2\n"
        "240001-240001 20 20 20 20 v5 n1 partial\n");
  options.size = 1;
  static const row two[] = {{5, 3, 1}, {5, 2, 1}};
  GIVES(&options, two, "5-5 3 3 3 3 v1 n1\n5-5 2 2 2 2 v1 n1\n");
}

static const row volumes[] = {{1, 10, 4}, {2, 11, 3}, {3, 12, 35}, {4, 9, 3}, {5, 8, 7}};

static void test_volume(void **state) {
  (void)state;
  tlw_bars_options options = options_of(TLW_BARS_VOLUME, 10);
  GIVES(&options, volumes,
        "1-3 10 12 10 12 v42 n3\n"
        "4-5 9 9 8 8 v10 n2\n");
  options.split = 1;
  /* 4 + 3 + 3 of 35; 3 bars of the 32 left, and 2 over; 2 + 3 + 5 of 7, and 2 over. */
  GIVES(&options, volumes,
        "1-3 10 12 10 12 v10 n3\n"
        "3-3 12 12 12 12 v10 n0\n"
        "3-3 12 12 12 12 v10 n0\n"
        "3-3 12 12 12 12 v10 n0\n"
        "3-5 12 12 8 8 v10 n2\n"
        "5-5 8 8 8 8 v2 n0 partial\n");
}

static void test_value(void **state) {
  (void)state;
  /* At 1e-8 a turnover of 1 is a price of 1 times a quantity of 10^8. */
  static const row rows[] = {{1, 10, 4 * ONE}, {2, 20, 2 * ONE}, {3, 30, 7 * ONE}, {4, 100, 3 * ONE / 2}};
  tlw_bars_options options = options_of(TLW_BARS_VALUE, 100);
  GIVES(&options, rows,
        "1-3 10 30 10 30 v1300000000 n3\n"
        "4-4 100 100 100 100 v150000000 n1\n");
  options.split = 1;
  /* 40 + 40, and of the third 20 / 30 rounded up to a quantity; then 100 / 30 likewise; 2.99999999 and 0.10000001. */
  GIVES(&options, rows,
        "1-3 10 30 10 30 v666666667 n3\n"
        "3-3 30 30 30 30 v333333334 n0\n"
        "3-4 30 100 30 100 v310000000 n1\n"
        "4-4 100 100 100 100 v100000000 n0\n"
        "4-4 100 100 100 100 v39999999 n0 partial\n");
}

static void test_range(void **state) {
  (void)state;
  tlw_bars_options options = options_of(TLW_BARS_RANGE, 1000);
  /* 1 % of 1000 is 10; of 1019 trunc(10.19). */
  static const row rows[] = {{1, 1000, 1}, {2, 1009, 1}, {3, 991, 1},  {4, 1010, 1}, {5, 1019, 1},
                             {6, 1010, 1}, {7, 1009, 1}, {8, 1000, 1}, {9, 990, 1}};
  GIVES(&options, rows,
        "1-4 1000 1010 991 1010 v4 n4\n"
        "5-7 1019 1019 1009 1009 v3 n3\n"
        "8-9 1000 1000 990 990 v2 n2\n");
  static const row together[] = {{1, 1000, 1}, {1, 2000, 1}, {1, 1000, 1}, {2, 1001, 1}, {2, 989, 1}, {2, 5, 1}};
  GIVES(&options, together, "1-2 1000 2000 989 989 v5 n5\n2-2 5 5 5 5 v1 n1 partial\n");
  options.no_gate = 1;
  GIVES(&options, together,
        "1-1 1000 2000 1000 2000 v2 n2\n"
        "1-2 1000 1001 989 989 v3 n3\n"
        "2-2 5 5 5 5 v1 n1 partial\n");
  /* A delta of 0: the next row closes, whatever its price, but not the row that opened. */
  static const row small[] = {{1, 7, 1}, {2, 7, 1}, {3, 7, 1}};
  GIVES(&options, small, "1-2 7 7 7 7 v2 n2\n3-3 7 7 7 7 v1 n1 partial\n");
  /* Beyond 64 bits no price closes; below 1 neither. */
  static const row high[] = {{1, INT64_MAX - 5, 1}, {2, INT64_MAX, 1}, {3, 1, 1}};
  options.size = 200000;
  GIVES(&options, high, "1-3 9223372036854775802 9223372036854775807 1 1 v3 n3 partial\n");
}

static void test_renko(void **state) {
  (void)state;
  const tlw_bars_options options = options_of(TLW_BARS_RENKO, 10);
  static const row up[] = {{1, 100, 1}, {2, 95, 1}, {3, 109, 1}, {4, 110, 1}, {5, 107, 1}, {6, 121, 1}};
  GIVES(&options, up,
        "1-4 100 110 95 110 v4 n4\n"
        "5-6 110 120 107 120 v2 n2\n");
  /* The price of the row that closed a brick is the first of the next: 138, 107. */
  static const row turns[] = {{1, 100, 1},  {2, 138, 2},  {3, 111, 4}, {4, 107, 8},
                              {5, 127, 16}, {6, 130, 32}, {7, 131, 64}};
  GIVES(&options, turns,
        "1-2 100 110 100 110 v3 n2\n"
        "2-2 110 120 110 120 v0 n0\n"
        "2-2 120 130 120 130 v0 n0\n"
        "3-4 120 138 110 110 v12 n2\n"
        "5-6 120 130 107 130 v48 n2\n"
        "7-7 130 131 130 131 v64 n1 partial\n");
  static const row down[] = {{1, 100, 1}, {2, 89, 1}, {3, 80, 1}, {4, 99, 1}, {5, 100, 1}};
  GIVES(&options, down,
        "1-2 100 100 90 90 v2 n2\n"
        "3-3 90 90 80 80 v1 n1\n"
        "4-5 90 100 80 100 v2 n2\n");
  static const row forming[] = {{1, 100, 1}, {2, 118, 1}, {3, 112, 1}};
  GIVES(&options, forming, "1-2 100 110 100 110 v2 n2\n3-3 110 118 110 112 v1 n1 partial\n");
}

/* ---- members ---- */

static tlw_bar last_bar;

static tlw_status keep_last(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)user;
  (void)error;
  last_bar = bars[n - 1];
  return TLW_OK;
}

static void test_members(void **state) {
  (void)state;
  static const int64_t time[] = {1, 2, 3}, price[] = {7, 9, 8}, quantity[] = {3, 4, 5}, id[] = {10, 20, 21};
  static const int64_t first_id[] = {100, 103, 104}, last_id[] = {102, 103, 108};
  static const uint8_t maker[] = {0, 1, 7};
  tlw_trades trades;
  tlw_trades_init(&trades);
  trades.n_rows = 3;
  trades.time = time;
  trades.price = price;
  trades.quantity = quantity;
  trades.id = id;
  trades.first_id = first_id;
  trades.last_id = last_id;
  trades.is_buyer_maker = maker;
  tlw_bars_options options = options_of(TLW_BARS_TICK, 3);
  for (uint32_t fields = 0; fields < 16; fields++) {
    options.fields = fields;
    tlw_bars *bars;
    assert_int_equal(tlw_bars_open(&options, keep_last, NULL, NULL, &bars, NULL), TLW_OK);
    assert_int_equal(tlw_bars_push(bars, &trades, NULL), TLW_OK);
    const bool volume = fields & TLW_BAR_VOLUME, quote = fields & TLW_BAR_QUOTE, sides = fields & TLW_BAR_SIDES,
               ids = fields & TLW_BAR_IDS;
    assert_int_equal(last_bar.volume.low, volume ? 12 : 0);
    assert_int_equal(last_bar.quote_volume.low, quote ? 21 + 36 + 40 : 0);
    assert_int_equal(last_bar.vwap, quote ? 97 / 12 : 0);
    assert_int_equal(last_bar.buy_volume.low, volume && sides ? 3 : 0);
    assert_int_equal(last_bar.sell_volume.low, volume && sides ? 9 : 0);
    assert_int_equal(last_bar.buy_quote_volume.low, quote && sides ? 21 : 0);
    assert_int_equal(last_bar.sell_quote_volume.low, quote && sides ? 76 : 0);
    assert_int_equal(last_bar.buy_trades, sides ? 3 : 0);
    assert_int_equal(last_bar.sell_trades, sides ? 6 : 0);
    assert_int_equal(last_bar.trades, ids ? 9 : 0);
    assert_int_equal(last_bar.first_id, ids ? 100 : 0);
    assert_int_equal(last_bar.last_id, ids ? 108 : 0);
    assert_int_equal(last_bar.agg_trades, 3);
    tlw_bars_close(&bars);
  }
}

/* ---- bad rows ---- */

static void test_bad_rows(void **state) {
  (void)state;
  static const row rows[] = {{5, 10, 1}, {4, 11, 1},        {6, 0, 1},         {7, -1, 1}, {8, 12, 0},
                             {9, 12, 1}, {INT64_MAX, 1, 1}, {INT64_MIN, 1, 1}, {9, 13, 1}};
  tlw_bars_options options = options_of(TLW_BARS_TICK, 3);
  tlw_bars *bars = open_bars(&options);
  tlw_error error;
  assert_int_equal(push_rows(bars, rows, 9, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 1);
  assert_non_null(strstr(error.message, "time 4 is before"));
  assert_int_equal(push_rows(bars, rows + 2, 7, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 0);
  assert_non_null(strstr(error.message, "price must be above 0"));
  assert_int_equal(push_rows(bars, rows + 4, 5, &error), TLW_ERR_DATA);
  assert_non_null(strstr(error.message, "quantity must be above 0"));
  assert_int_equal(push_rows(bars, rows + 5, 4, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 1);
  assert_non_null(strstr(error.message, "beyond the years"));
  assert_int_equal(push_rows(bars, rows + 8, 1, &error), TLW_OK);
  assert_string_equal(given, "5-9 10 13 10 13 v3 n3\n");
  tlw_bars_close(&bars);

  options.on_bad = TLW_BAD_SKIP;
  GIVES(&options, rows, "5-9 10 13 10 13 v3 n3\n");
  bars = open_bars(&options);
  assert_int_equal(push_rows(bars, rows, 9, &error), TLW_OK);
  tlw_bars_report report;
  tlw_bars_get_report(bars, &report);
  assert_int_equal(report.rows, 9);
  assert_int_equal(report.bars, 1);
  assert_int_equal(report.skipped[TLW_TRADE_BAD_TIME], 3);
  assert_int_equal(report.first_skipped[TLW_TRADE_BAD_TIME], 1);
  assert_int_equal(report.skipped[TLW_TRADE_BAD_PRICE], 2);
  assert_int_equal(report.first_skipped[TLW_TRADE_BAD_PRICE], 2);
  assert_int_equal(report.skipped[TLW_TRADE_BAD_QUANTITY], 1);
  assert_int_equal(report.first_skipped[TLW_TRADE_BAD_QUANTITY], 4);
  assert_int_equal(report.skipped[TLW_TRADE_BAD_ID], 0);
  assert_int_equal(report.first_skipped[TLW_TRADE_BAD_ID], -1);
  assert_int_equal(report.last_time, 9);
  assert_int_equal(report.last_id, 8);
  tlw_bars_clear(bars);
  tlw_bars_get_report(bars, &report);
  assert_int_equal(report.rows, 0);
  assert_int_equal(report.last_time, INT64_MIN);
  assert_int_equal(report.last_id, -1);
  tlw_bars_close(&bars);
}

/* A bad row must not close a bar, open one, or set a level, as its price or time would. */
static void test_bad_rows_close_nothing(void **state) {
  (void)state;
  static const row rows[] = {{1, -7, 1}, {2, 100, 0}, {3, 100, 1}, {61000, 500, 0}, {4, 500, -1}, {5, 101, 1}};
  for (int kind = 0; kind < TLW_BARS_KINDS; kind++) {
    tlw_bars_options options = options_of((tlw_bars_kind)kind, kind == TLW_BARS_RANGE ? 2000 : kind ? 50 : 1);
    options.on_bad = TLW_BAD_SKIP;
    GIVES(&options, rows,
          kind == TLW_BARS_TIME ? "0-59999 100 101 100 101 v2 n2 partial\n" : "3-5 100 101 100 101 v2 n2 partial\n");
  }
}

/* ---- failures ---- */

static void test_sums(void **state) {
  (void)state;
  const int64_t most = INT64_MAX;
  const row rows[] = {{1, most, most}, {2, most, most}, {3, most, most}, {4, most, most}, {5, 1, 1}, {6, most, most}};
  const tlw_bars_options options = options_of(TLW_BARS_TICK, 100);
  tlw_bars *bars = open_bars(&options);
  tlw_error error;
  tlw_bar bar;
  assert_int_equal(push_rows(bars, rows, 6, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 5);
  assert_int_equal(tlw_bars_forming(bars, &bar), 1);
  assert_int_equal(bar.agg_trades, 5);
  /* 4 (2^63 - 1)^2 + 1 = 2^128 - 2^66 + 5 */
  assert_int_equal(bar.quote_volume.high, UINT64_MAX - 3);
  assert_int_equal(bar.quote_volume.low, 5);
  assert_int_equal(bar.vwap, most - 1);
  assert_int_equal(push_rows(bars, rows + 5, 1, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 0);
  tlw_bars_close(&bars);
}

/* More bars than a row may close. */
static void test_too_many(void **state) {
  (void)state;
  const int64_t most = TLW_BARS_ROW_MAX;
  tlw_error error;
  tlw_bars_options options = options_of(TLW_BARS_RENKO, 1);
  tlw_bars *bars = open_bars(&options);
  const row bricks[] = {{1, 10, 1}, {2, 10, 1}, {3, 11 + most, 1}};
  assert_int_equal(push_rows(bars, bricks, 3, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 2);
  tlw_bars_report report;
  tlw_bars_get_report(bars, &report);
  assert_int_equal(report.rows, 2);
  tlw_bars_close(&bars);
  options = options_of(TLW_BARS_VOLUME, 1);
  options.split = 1;
  bars = open_bars(&options);
  const row parts[] = {{1, 10, most + 1}};
  assert_int_equal(push_rows(bars, parts, 1, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 0);
  tlw_bars_close(&bars);
  options = options_of(TLW_BARS_TIME, 1);
  options.interval = TLW_INTERVAL_MS;
  options.empty = TLW_EMPTY_NULL;
  bars = open_bars(&options);
  const row far[] = {{1, 10, 1}, {1 + most + 1, 10, 1}};
  assert_int_equal(push_rows(bars, far, 2, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 1);
  assert_string_equal(given, "");
  tlw_bars_close(&bars);
}

/* A sink that fails at each of its calls in turn: the bars are those of one that never does. */
static void test_sinks(void **state) {
  (void)state;
  static const row rows[] = {{0, 1000, 3}, {500000000, 90, 700}, {500000001, 1200, 2}};
  for (int kind = 0; kind < TLW_BARS_KINDS; kind++) {
    tlw_bars_options options = options_of((tlw_bars_kind)kind, 2);
    if (kind == TLW_BARS_TIME) options.size = 60, options.empty = TLW_EMPTY_FLAT;
    if (kind == TLW_BARS_VOLUME || kind == TLW_BARS_RENKO) options.split = kind == TLW_BARS_VOLUME;
    static char wanted[sizeof given];
    tlw_bars *bars = open_bars(&options);
    assert_int_equal(push_rows(bars, rows, 3, NULL), TLW_OK);
    const int64_t all = n_given;
    memcpy(wanted, given, sizeof wanted);
    tlw_bars_close(&bars);
    for (int call = 1; call < 12; call++) {
      bars = open_bars(&options);
      fails_in = call;
      tlw_error error = {0};
      tlw_bars_report report;
      tlw_status status = push_rows(bars, rows, 3, &error);
      assert_true(status == TLW_OK || (status == TLW_ERR_IO && error.code == TLW_ERR_IO && error.message[0]));
      fails_in = 0;
      tlw_bars_get_report(bars, &report);
      assert_int_equal(report.bars, n_given);
      assert_int_equal(push_rows(bars, rows + report.rows, (size_t)(3 - report.rows), &error), TLW_OK);
      assert_int_equal(n_given, all);
      assert_string_equal(given, wanted);
      tlw_bars_close(&bars);
    }
  }
}

/* ---- long chunks that threads share ---- */

#define LONG_ROWS 70000
#define HOSTILE_ROW 50000

/* A number that changes with any bit of any bar. */
static tlw_status add_up(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)error;
  uint64_t *sum = user;
  *sum = tlw_hash(*sum, bars, (size_t)n * sizeof *bars);
  return TLW_OK;
}

typedef struct outcome {
  tlw_status status;
  int64_t row;
  uint64_t sum;
  tlw_bar forming;
  tlw_bars_report report;
} outcome;

/* engine NULL: by a push. */
static outcome outcome_of(const tlw_bars_options *options, const tlw_trades *trades, tlw_engine *engine) {
  outcome o = {.sum = TLW_HASH_START};
  tlw_bars *bars;
  tlw_error error = {.row = -1};
  assert_int_equal(tlw_bars_open(options, add_up, &o.sum, NULL, &bars, NULL), TLW_OK);
  o.status = engine ? tlw_bars_run(engine, &bars, trades, 1, NULL, &error) : tlw_bars_push(bars, trades, &error);
  o.row = o.status == TLW_OK ? -1 : error.row;
  tlw_bars_forming(bars, &o.forming);
  tlw_bars_get_report(bars, &o.report);
  tlw_bars_close(&bars);
  return o;
}

static void same_outcome(const tlw_bars_options *options, const tlw_trades *trades, tlw_engine *engine) {
  const outcome a = outcome_of(options, trades, NULL), b = outcome_of(options, trades, engine);
  assert_int_equal(a.status, b.status);
  assert_int_equal(a.row, b.row);
  assert_int_equal(a.sum, b.sum);
  assert_memory_equal(&a.forming, &b.forming, sizeof a.forming);
  assert_memory_equal(&a.report, &b.report, sizeof a.report);
}

/* Cuts are found before rows are examined: no number of a bad row may be reckoned with, and none be lost. */
static void test_hostile_row_of_long_chunk(void **state) {
  (void)state;
  static int64_t time[LONG_ROWS], price[LONG_ROWS], quantity[LONG_ROWS];
  for (int i = 0; i < LONG_ROWS; i++) {
    time[i] = INT64_C(1700000000) + i / 3;
    price[i] = 1000 + i % 7;
    quantity[i] = 1 + i % 5;
  }
  tlw_trades trades;
  tlw_trades_init(&trades);
  trades.n_rows = LONG_ROWS;
  trades.time = time;
  trades.price = price;
  trades.quantity = quantity;
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  engine_options.threads = 3;
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &engine_options, NULL), TLW_OK);
  static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_C(60000000000000), INT64_MAX - 5, INT64_MAX};
  int64_t *const columns[] = {time, price, quantity};
  for (int kind = 0; kind < TLW_BARS_KINDS; kind++) {
    tlw_bars_options options = options_of((tlw_bars_kind)kind, kind == TLW_BARS_RANGE ? 700 : 3);
    options.unit = TLW_UNIT_S;
    if (kind == TLW_BARS_TIME) options.interval = TLW_INTERVAL_MONTH, options.empty = TLW_EMPTY_FLAT;
    options.split = kind == TLW_BARS_VOLUME || kind == TLW_BARS_VALUE;
    for (int i = kind % 2; i < 3 * 8; i += 2) {
      const int64_t kept = columns[i / 8][HOSTILE_ROW];
      columns[i / 8][HOSTILE_ROW] = odd[i % 8];
      options.on_bad = i / 2 % 2 ? TLW_BAD_SKIP : TLW_BAD_ERROR;
      same_outcome(&options, &trades, engine);
      columns[i / 8][HOSTILE_ROW] = kept;
    }
    same_outcome(&options, &trades, engine);
  }
  tlw_engine_close(&engine);
}

/* ---- arguments ---- */

static void wrong(tlw_bars_options options, const char *text) {
  tlw_error error = {0};
  assert_int_equal(tlw_bars_check(&options, &error), TLW_ERR_ARGUMENT);
  if (!strstr(error.message, text)) fail_msg("'%s' is not in: %s", text, error.message);
  tlw_bars *bars = (tlw_bars *)&options;
  assert_int_equal(tlw_bars_open(&options, sink, NULL, NULL, &bars, NULL), TLW_ERR_ARGUMENT);
  assert_null(bars);
}

#define WRONG(kind, member, value, text)                                                                               \
  do {                                                                                                                 \
    tlw_bars_options changed = options_of(kind, 5);                                                                    \
    changed.member = value;                                                                                            \
    wrong(changed, text);                                                                                              \
  } while (0)

static void test_options(void **state) {
  (void)state;
  WRONG(TLW_BARS_TICK, struct_size, 3, "call tlw_bars_options_init");
  WRONG(TLW_BARS_TICK, kind, 6, "kind is 6: it must be 0 to 5");
  WRONG(TLW_BARS_TICK, size, 0, "size is 0: it must be 1 to");
  WRONG(TLW_BARS_RANGE, size, INT64_C(2147483649), "1 to 2147483648");
  WRONG(TLW_BARS_TIME, size, INT64_C(157784761), "1 to 157784760");
  WRONG(TLW_BARS_TIME, interval, 7, "interval is 7");
  WRONG(TLW_BARS_TIME, offset, INT64_C(315569520000000000), "offset");
  WRONG(TLW_BARS_TIME, offset, 1, "offset is 1 ns: it must be whole units");
  WRONG(TLW_BARS_TIME, empty, 3, "empty is 3");
  WRONG(TLW_BARS_TIME, unit, 5, "unit is 5");
  WRONG(TLW_BARS_TIME, fields, 16, "fields is 16");
  WRONG(TLW_BARS_TIME, on_bad, 2, "on_bad is 2");
  WRONG(TLW_BARS_VOLUME, split, 2, "split is 2");
  WRONG(TLW_BARS_RANGE, split, 1, "split is given, which range bars do not have");
  WRONG(TLW_BARS_RENKO, no_gate, 1, "no_gate is given");
  WRONG(TLW_BARS_TICK, offset, 1000000, "offset is given");
  WRONG(TLW_BARS_TICK, empty, TLW_EMPTY_FLAT, "empty is given");
  tlw_bars_options options = options_of(TLW_BARS_TIME, 500);
  options.interval = TLW_INTERVAL_MS;
  options.unit = TLW_UNIT_S;
  wrong(options, "500 milliseconds");
  char name[129];
  memset(name, 'a', 128);
  name[128] = 0;
  options = options_of(TLW_BARS_TIME, 1);
  options.zone_name = name;
  wrong(options, "zone_name has 128 bytes");
  assert_int_equal(tlw_bars_check(NULL, NULL), TLW_ERR_ARGUMENT);
  assert_string_equal(tlw_bars_kind_name(TLW_BARS_RENKO), "renko");
  assert_null(tlw_bars_kind_name((tlw_bars_kind)6));
  assert_null(tlw_bars_kind_name((tlw_bars_kind)-1));
  assert_string_equal(tlw_trade_defect_name(TLW_TRADE_BAD_QUANTITY), "quantity");
  assert_null(tlw_trade_defect_name((tlw_trade_defect)4));
}

static void refused(tlw_bars *bars, const tlw_trades *trades, const char *text) {
  tlw_error error = {0};
  assert_int_equal(tlw_bars_push(bars, trades, &error), TLW_ERR_ARGUMENT);
  if (!strstr(error.message, text)) fail_msg("'%s' is not in: %s", text, error.message);
}

static void test_columns(void **state) {
  (void)state;
  static const int64_t one[] = {1};
  static const uint8_t maker[] = {0};
  tlw_bars_options options = options_of(TLW_BARS_TIME, 1);
  options.fields = TLW_BAR_VOLUME | TLW_BAR_SIDES;
  tlw_bars *bars = open_bars(&options);
  tlw_trades trades;
  tlw_trades_init(&trades);
  refused(bars, NULL, "trades is NULL");
  trades.n_rows = -1;
  refused(bars, &trades, "n_rows is -1");
  trades.n_rows = 1;
  refused(bars, &trades, "time is NULL");
  trades.time = one;
  refused(bars, &trades, "price is NULL");
  trades.price = one;
  refused(bars, &trades, "quantity is NULL");
  trades.quantity = one;
  refused(bars, &trades, "is_buyer_maker is NULL");
  trades.is_buyer_maker = maker;
  trades.last_id = one;
  refused(bars, &trades, "first_id is NULL");
  trades.last_id = NULL;
  trades.open = one;
  refused(bars, &trades, "high is NULL");
  trades.open = NULL;
  assert_int_equal(tlw_bars_push(bars, &trades, NULL), TLW_OK);
  trades.id = one;
  refused(bars, &trades, "id came or went");
  trades.id = NULL;
  trades.open = trades.high = trades.low = one;
  refused(bars, &trades, "open, high and low came or went");
  tlw_bars_clear(bars);
  assert_int_equal(tlw_bars_push(bars, &trades, NULL), TLW_OK);
  tlw_bars_close(&bars);
  options = options_of(TLW_BARS_RANGE, 1);
  bars = open_bars(&options);
  refused(bars, &trades, "range bars are made of trades alone");
  trades.struct_size = 1;
  refused(bars, &trades, "struct_size is 1");
  tlw_bars_close(&bars);
  tlw_bars_close(&bars);
  tlw_bars_close(NULL);
  assert_int_equal(tlw_bars_open(&options, NULL, NULL, NULL, &bars, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_bars_open(&options, sink, NULL, NULL, NULL, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_bars_push(NULL, &trades, NULL), TLW_ERR_ARGUMENT);
}

/* The memory of bars is fixed, and an engine's. */
static void test_memory(void **state) {
  (void)state;
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  engine_options.threads = 1;
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &engine_options, NULL), TLW_OK);
  tlw_stats before = {.struct_size = sizeof before}, during = before, after = before;
  assert_int_equal(tlw_engine_stats(engine, &before, NULL), TLW_OK);
  const tlw_bars_options options = options_of(TLW_BARS_RENKO, 1);
  tlw_bars *bars;
  assert_int_equal(tlw_bars_open(&options, sink, NULL, engine, &bars, NULL), TLW_OK);
  given[0] = 0;
  assert_int_equal(push_rows(bars, minutes, 5, NULL), TLW_OK);
  assert_int_equal(tlw_engine_stats(engine, &during, NULL), TLW_OK);
  assert_int_equal(during.host_bytes.current - before.host_bytes.current, tlw_bars_size());
  assert_int_equal(during.host_bytes.peak, during.host_bytes.current);
  tlw_bars_close(&bars);
  assert_int_equal(tlw_engine_stats(engine, &after, NULL), TLW_OK);
  assert_int_equal(after.host_bytes.current, before.host_bytes.current);
  tlw_engine_close(&engine);
}

/* A long chunk under this budget, shared by two threads: TLW_OK, or the refusal. */
static tlw_status run_within(uint64_t budget, tlw_error *error) {
  static int64_t time[LONG_ROWS], price[LONG_ROWS], quantity[LONG_ROWS];
  for (int64_t i = 0; i < LONG_ROWS; i++) time[i] = i, price[i] = 100 + i % 7, quantity[i] = 1 + i % 3;
  const tlw_trades trades = {
      .struct_size = sizeof trades, .n_rows = LONG_ROWS, .time = time, .price = price, .quantity = quantity};
  const tlw_bars_options options = options_of(TLW_BARS_TICK, 10);
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  engine_options.threads = 2;
  engine_options.host_budget = budget;
  uint64_t sum = TLW_HASH_START;
  tlw_engine *engine = NULL;
  tlw_bars *bars = NULL;
  tlw_status status = tlw_engine_open(&engine, &engine_options, error);
  if (status == TLW_OK) status = tlw_bars_open(&options, add_up, &sum, engine, &bars, error);
  if (status == TLW_OK) status = tlw_bars_run(engine, &bars, &trades, 1, NULL, error);
  tlw_stats stats = {.struct_size = sizeof stats};
  if (engine) {
    assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
    assert_true(stats.host_bytes.peak <= budget);
  }
  if (status != TLW_OK) assert_int_equal(sum, TLW_HASH_START);
  tlw_bars_close(&bars);
  tlw_engine_close(&engine);
  return status;
}

/* What a refusal names does in the end, and one byte less does not; what is refused has taken nothing. */
static void test_budgets(void **state) {
  (void)state;
  tlw_error error = {0};
  uint64_t budget = 1, refusals = 0;
  while (run_within(budget, &error) != TLW_OK) {
    assert_int_equal(error.code, TLW_ERR_BUDGET);
    assert_true(error.bytes > budget);
    budget = error.bytes;
    assert_true(++refusals < 10);
  }
  assert_true(refusals >= 2);
  assert_int_equal(run_within(budget - 1, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, budget);
}

/* ---- decimals ---- */

static void test_decimals(void **state) {
  (void)state;
  static const struct {
    double number;
    int64_t decimal;
  } cases[] = {
      {61800.3, INT64_C(6180030000000)},
      {-61800.3, INT64_C(-6180030000000)},
      {0.0, 0},
      {-0.0, 0},
      {1e-8, 1},
      {4e-324, 0},
      {0x1p-9, 195312}, /* 195312.5, to the even one */
      {0x3p-9, 585938}, /* 585937.5 */
      {-0x1p-9, -195312},
      {-0x3p-9, -585938},
      {1048576.001953125, INT64_C(104857600195312)}, /* a half: 104857600195312.5 */
      {1048576.005859375, INT64_C(104857600585938)}, /* a half: 104857600585937.5 */
      {92233720368.0, INT64_C(9223372036800000000)},
      {92233720368.547744, INT64_C(9223372036854774475)}, /* the greatest double within, exactly ...7744750976.5625 */
      {-92233720368.547744, INT64_C(-9223372036854774475)},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t decimal = -5;
    assert_int_equal(tlw_decimals_from_f64(&cases[i].number, 1, &decimal, NULL), TLW_OK);
    if (decimal != cases[i].decimal)
      fail_msg("%.17g: %" PRId64 " and not %" PRId64, cases[i].number, decimal, cases[i].decimal);
  }
  const double bad[] = {1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0, 92233720368.547759, -92233720368.547775, 1e300};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const double numbers[] = {1, 2, bad[i], 3};
    int64_t decimals[4] = {-5, -5, -5, -5};
    tlw_error error = {0};
    assert_int_equal(tlw_decimals_from_f64(numbers, 4, decimals, &error), TLW_ERR_DATA);
    assert_int_equal(error.row, 2);
    assert_int_equal(decimals[1], 2 * ONE);
    assert_int_equal(decimals[3], -5);
  }
  assert_int_equal(tlw_decimals_from_f64(NULL, 0, NULL, NULL), TLW_OK);
  assert_int_equal(tlw_decimals_from_f64(NULL, 1, NULL, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_decimals_from_f64(bad, -1, NULL, NULL), TLW_ERR_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_time),
      cmocka_unit_test(test_tick),
      cmocka_unit_test(test_volume),
      cmocka_unit_test(test_value),
      cmocka_unit_test(test_range),
      cmocka_unit_test(test_renko),
      cmocka_unit_test(test_members),
      cmocka_unit_test(test_bad_rows),
      cmocka_unit_test(test_bad_rows_close_nothing),
      cmocka_unit_test(test_sums),
      cmocka_unit_test(test_too_many),
      cmocka_unit_test(test_sinks),
      cmocka_unit_test(test_hostile_row_of_long_chunk),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_columns),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_budgets),
      cmocka_unit_test(test_decimals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
