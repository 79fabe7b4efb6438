/*
 * The reader of trade files as its header promises it: decimals to the last digit, the files that people have, their
 * defects, bounds, several files as one, archives that are damaged, lines without an end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "csv_kit.h"
#include "folder.h"
#include "host/io/decimal_text.h"
#include "tallow/tallow.h"
#include "trades_kit.h"

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

#define MIB ((uint64_t)1 << 20)
#define HUGE_SIZE (SANITIZED ? 64 * MIB : 1024 * MIB + 5)
#define SECOND INT64_C(1000000000)

/* ---- decimals ---- */

static void check_decimal(const char *text, enum tlw_decimal how, int64_t expected) {
  int64_t value = 77;
  const enum tlw_decimal got = tlw_decimal_read(text, strlen(text), &value);
  if (got != how || (how <= TLW_DECIMAL_ROUNDED && value != expected))
    fail_msg("'%s' is %d, %" PRId64 ", not %d, %" PRId64, text, (int)got, value, (int)how, expected);
}

static void test_decimals(void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    enum tlw_decimal how;
    int64_t value;
  } cases[] = {{"0", TLW_DECIMAL_EXACT, 0},
               {"-0.0", TLW_DECIMAL_EXACT, 0},
               {"1", TLW_DECIMAL_EXACT, 100000000},
               {"+1.", TLW_DECIMAL_EXACT, 100000000},
               {".5", TLW_DECIMAL_EXACT, 50000000},
               {"-.00000001", TLW_DECIMAL_EXACT, -1},
               {"61800.30", TLW_DECIMAL_EXACT, 6180030000000},
               {"0.1234567800000", TLW_DECIMAL_EXACT, 12345678},
               {"1e-8", TLW_DECIMAL_EXACT, 1},
               {"1.5E3", TLW_DECIMAL_EXACT, 150000000000},
               {"123456789e-16", TLW_DECIMAL_ROUNDED, 1},
               {"0e99999999999999999999", TLW_DECIMAL_EXACT, 0},
               {"0.000000005", TLW_DECIMAL_ROUNDED, 0},
               {"0.000000015", TLW_DECIMAL_ROUNDED, 2},
               {"0.0000000150000000001", TLW_DECIMAL_ROUNDED, 2},
               {"0.0000000250000000001", TLW_DECIMAL_ROUNDED, 3},
               {"0.000000025", TLW_DECIMAL_ROUNDED, 2},
               {"-0.000000015", TLW_DECIMAL_ROUNDED, -2},
               {"0.0000000009", TLW_DECIMAL_ROUNDED, 0},
               {"9e-9", TLW_DECIMAL_ROUNDED, 1},
               {"5e-9", TLW_DECIMAL_ROUNDED, 0},
               {"9e-10", TLW_DECIMAL_ROUNDED, 0},
               {"1e-99999999999999999999", TLW_DECIMAL_ROUNDED, 0},
               {"92233720368.54775807", TLW_DECIMAL_EXACT, INT64_MAX},
               {"-92233720368.54775807", TLW_DECIMAL_EXACT, -INT64_MAX},
               {"92233720368.547758074", TLW_DECIMAL_ROUNDED, INT64_MAX},
               {"92233720368.547758075", TLW_DECIMAL_TOO_LARGE, 0},
               {"92233720368.54775808", TLW_DECIMAL_TOO_LARGE, 0},
               {"-92233720368.54775808", TLW_DECIMAL_TOO_LARGE, 0},
               {"184467440737.09551616", TLW_DECIMAL_TOO_LARGE, 0},
               {"99999999999999999999999", TLW_DECIMAL_TOO_LARGE, 0},
               {"1e11", TLW_DECIMAL_TOO_LARGE, 0},
               {"1e99999999999999999999", TLW_DECIMAL_TOO_LARGE, 0},
               {"000000000000000000000000000001.5", TLW_DECIMAL_EXACT, 150000000},
               {"", TLW_DECIMAL_NONE, 0},
               {".", TLW_DECIMAL_NONE, 0},
               {"-", TLW_DECIMAL_NONE, 0},
               {"e5", TLW_DECIMAL_NONE, 0},
               {"1e", TLW_DECIMAL_NONE, 0},
               {"1e+", TLW_DECIMAL_NONE, 0},
               {"1.5.2", TLW_DECIMAL_NONE, 0},
               {"--1", TLW_DECIMAL_NONE, 0},
               {"1 ", TLW_DECIMAL_NONE, 0},
               {"nan", TLW_DECIMAL_NONE, 0},
               {"inf", TLW_DECIMAL_NONE, 0},
               {"0x1", TLW_DECIMAL_NONE, 0},
               {"1,5", TLW_DECIMAL_NONE, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_decimal(cases[i].text, cases[i].how, cases[i].value);
}

/* Every number of the grid, however it is written. */
static void test_written_decimals(void **unused) {
  (void)unused;
  uint64_t state = 3;
  for (int i = 0; i < 100000; i++) {
    const int64_t value = (int64_t)(csv_random(&state) >> (1 + csv_random_below(&state, 63)));
    char text[96];
    snprintf(text, sizeof text, "%" PRId64 ".%08" PRId64, value / TLW_DECIMAL_ONE, value % TLW_DECIMAL_ONE);
    check_decimal(text, TLW_DECIMAL_EXACT, value);
    const int shift = (int)csv_random_below(&state, 30);
    snprintf(text, sizeof text, "-%" PRId64 "%0*de-%d", value, shift, 0, shift + 8);
    if (shift > 0) check_decimal(text, TLW_DECIMAL_EXACT, -value);
    int64_t whole = 5;
    snprintf(text, sizeof text, "%" PRId64 ".000", value);
    assert_int_equal(tlw_whole_read(text, strlen(text), &whole), TLW_DECIMAL_EXACT);
    assert_int_equal(whole, value);
  }
  int64_t ignored;
  static const char *const bad[] = {"", "-", ".0", "1.5", "1e2", "1.01", "x", " 1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(tlw_whole_read(bad[i], strlen(bad[i]), &ignored), TLW_DECIMAL_NONE);
  assert_int_equal(tlw_whole_read("9223372036854775808", 19, &ignored), TLW_DECIMAL_TOO_LARGE);
}

/* ---- files ---- */

static tlw_trade_options defaults(void) {
  tlw_trade_options o;
  tlw_trade_options_init(&o);
  return o;
}

static void read_bytes(const void *bytes, size_t size, const tlw_trade_options *o, trades_result *r) {
  csv_write(bytes, size);
  const char *const paths[] = {csv_path()};
  trades_read(paths, 1, o, 3, tlw_trade_plain_tier(), NULL, r);
}

static void read_string(const char *text, const tlw_trade_options *o, trades_result *r) {
  read_bytes(text, strlen(text), o, r);
}

static void expect_rows(const trades_result *r, int64_t n_rows) {
  if (r->status != TLW_OK) fail_msg("%s", r->error.message);
  assert_int_equal(r->n_rows, n_rows);
}

static void expect_refusal(const trades_result *r, int64_t row, int32_t column, const char *part) {
  if (r->status != TLW_ERR_DATA || r->error.row != row || r->error.column != column || !strstr(r->error.message, part))
    fail_msg("%s, row %" PRId64 ", column %" PRId32 ": %s; wanted %" PRId64 ", %" PRId32 ": %s",
             tlw_status_name(r->status), r->error.row, r->error.column, r->status ? r->error.message : "", row, column,
             part);
}

#define AGGREGATED                                                                                                     \
  (TLW_TRADE_TIME | TLW_TRADE_PRICE | TLW_TRADE_QUANTITY | TLW_TRADE_ID | TLW_TRADE_FIRST_ID | TLW_TRADE_LAST_ID |     \
   TLW_TRADE_MAKER)
#define SINGLE (TLW_TRADE_TIME | TLW_TRADE_PRICE | TLW_TRADE_QUANTITY | TLW_TRADE_ID | TLW_TRADE_MAKER)
#define THREE (TLW_TRADE_TIME | TLW_TRADE_PRICE | TLW_TRADE_QUANTITY)
#define OF_BARS (TLW_TRADE_OPEN | TLW_TRADE_HIGH | TLW_TRADE_LOW | TLW_TRADE_QUOTE | TLW_TRADE_COUNT)

/* One row as each kind of file has it: time 1722988800123, price 61800.3, quantity 0.25, id 7, ... */
static void test_known_files(void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    const char *columns;
    uint32_t there;
  } files[] = {
      {"7,61800.30000000,0.25000000,5,9,1722988800123,True,True\n", NULL, AGGREGATED},
      {"7,61800.3,0.25,5,9,1722988800123,true\r\n", NULL, AGGREGATED},
      {"7,61800.3,0.25,5,9,1722988800123,1", NULL, AGGREGATED},
      {"agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
       "7,61800.3,0.25,5,9,1722988800123,true\n",
       NULL, AGGREGATED},
      {"a,p,q,f,l,T,m,M\n7,61800.3,0.25,5,9,1722988800123,TRUE,true\n", NULL, AGGREGATED},
      {"7,61800.3,0.25,15450.075,1722988800123,true\n", NULL, SINGLE},
      {"7,61800.3,0.25,15450.075,1722988800123,True,True\n", NULL, SINGLE},
      {"\xef\xbb\xbf"
       "id,price,qty,quote_qty,time,is_buyer_maker\n7,61800.3,.25,15450.075,1722988800123,true\n",
       NULL, SINGLE},
      {"1722988800123,61800.3,0.25\n", NULL, THREE},
      {"\n# trades\n \"Time Stamp\" ;\"Price\";  Size\n\n1722988800123;\"61800.3\"; 0.25 \n#\n\n", NULL, THREE},
      {"1722988800123\t61800.3\t2.5e-1\n", NULL, THREE},
      {"price,amount,timestamp,time\n61800.3,0.25,1722988800123,x\n", NULL, THREE},
      {"When|Last|Vol|Ignored\n1722988800123|61800.3|0.25|\n", "time=When,price=last,quantity=3", THREE},
      {"x,61800.3,y,0.25,1722988800123\n", "price=2, quantity=4,time=5", THREE},
      {"7,61800.3,0.25,5,9,1722988800123,true\n", "id=none,first_id=none,last_id=none,maker=none", THREE},
      {"1722988800123,1,70000,0.5,61800.3,0.25,1722988859999,15450.07500000,5,0.1,5000,0\n", NULL, THREE | OF_BARS},
      {"t,o,h,l,close,v,quote_volume,count\n1722988800123,1,70000,0.5,61800.3,0.25,15450.075,5\n", NULL,
       THREE | OF_BARS},
      {"timestamp,open_time,open,high,low,close,volume,trades,turnover\n"
       "1722988859999,1722988800123,1,70000,0.5,61800.3,0.25,5,15450.075\n",
       NULL, THREE | OF_BARS},
      {"time,id,price,quantity,side\n1722988800123,7,61800.3,0.25,sell\n", NULL, SINGLE},
      {"time,id,price,quantity,side,is_buyer_maker\n1722988800123,7,61800.3,0.25,?,1\n", NULL, SINGLE},
      {"time,id,price,quantity,Aggressor Side\n1722988800123,7,61800.3,0.25,S\n", NULL, SINGLE},
      {"time,id,price,quantity,direction\n1722988800123,7,61800.3,0.25,Sell\n", "maker=direction", SINGLE},
      {"Date,Price,Size,Ticker\n1722988800123,61800.3,0.25,AAPL\n", NULL, THREE},
  };
  static const int64_t expected[TLW_TRADE_ROLES] = {1722988800123, 6180030000000, 25000000,      7, 5, 9, 1, 100000000,
                                                    7000000000000, 50000000,      1545007500000, 5};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    tlw_trade_options o = defaults();
    o.columns = files[i].columns;
    trades_result r;
    read_string(files[i].text, &o, &r);
    if (r.status != TLW_OK || r.there != files[i].there)
      fail_msg("%s: %s, columns %x, not %x", files[i].text, r.status ? r.error.message : "", r.there, files[i].there);
    expect_rows(&r, 1);
    assert_int_equal(r.unit, TLW_UNIT_MS);
    for (int role = 0; role < TLW_TRADE_ROLES; role++) {
      const int64_t value = r.numbers[role][0];
      if (value != (files[i].there >> role & 1 ? expected[role] : TRADES_POISON))
        fail_msg("%s: role %d is %" PRId64, files[i].text, role, value);
    }
    trades_free(&r);
  }
}

/* The real files beside the project, if they are there: what was summed up by other means. */
static void test_real_files(void **unused) {
  (void)unused;
  static const struct {
    const char *name;
    uint32_t there;
    int64_t n_rows, quantity, first, last;
  } files[] = {{"btcusdt_trades_20240808.csv.gz", SINGLE, 21313, INT64_C(242936600000), 1723161256322, 1723161599643},
               {"spy_trades_20131008.csv.gz", THREE, 451545, INT64_C(17834655700000000), 1381219217034, 1381276798962}};
  const char *data = getenv("TALLOW_DATA");
  for (size_t i = 0; data && i < sizeof files / sizeof *files; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", data, files[i].name);
    if (access(path, R_OK) != 0) continue;
    const char *const paths[] = {path};
    const tlw_trade_options o = defaults();
    trades_result r;
    trades_read(paths, 1, &o, 5000, tlw_trade_plain_tier(), NULL, &r);
    expect_rows(&r, files[i].n_rows);
    assert_int_equal(r.there, files[i].there);
    int64_t quantity = 0;
    for (int64_t row = 0; row < r.n_rows; row++) quantity += r.numbers[TLW_TRADE_ROLE_QUANTITY][row];
    assert_int_equal(quantity, files[i].quantity);
    assert_int_equal(r.numbers[TLW_TRADE_ROLE_TIME][0], files[i].first);
    assert_int_equal(r.numbers[TLW_TRADE_ROLE_TIME][r.n_rows - 1], files[i].last);
    trades_free(&r);
  }
}

/* ---- defects ---- */

#define HEADER "id,price,qty,quote_qty,time,is_buyer_maker\n"
#define GOOD "1,2.5,3,7.5,1722988800123,true\n"
#define LATER "2,2.5,3,7.5,1722988800124,false\n"

/* Each is an error with its line and field, or skipped and counted. */
static void test_defects(void **unused) {
  (void)unused;
  static const struct {
    const char *line;
    int32_t column;
    const char *part;
  } defects[] = {
      {"x,2.5,3,7.5,1722988800124,true\n", 1, "id 'x' is no whole number"},
      {"1.5,2.5,3,7.5,1722988800124,true\n", 1, "no whole number"},
      {"9223372036854775808,2.5,3,7.5,1722988800124,true\n", 1, "beyond 64 bits"},
      {"1,nan,3,7.5,1722988800124,true\n", 2, "price 'nan' is no number"},
      {"1,,3,7.5,1722988800124,true\n", 2, "is empty"},
      {"1,2.123456789,3,7.5,1722988800124,true\n", 2, "more than 8 decimals"},
      {"1,92233720368.54775808,3,7.5,1722988800124,true\n", 2, "92,233,720,368.54775807"},
      {"1,2.5,1e12,7.5,1722988800124,true\n", 3, "quantity '1e12' is beyond"},
      {"1,2.5,3,7.5,1722988800124000,true\n", 5, "is in us, the first time was in ms"},
      {"1,2.5,3,7.5,1722988800,true\n", 5, "is in s, the first time was in ms"},
      {"1,2.5,3,7.5,2024-08-07,true\n", 5, "is text"},
      {"1,2.5,3,7.5,20240807,true\n", 5, "is text"},
      {"1,2.5,3,7.5,x,true\n", 5, "time 'x' is not a time"},
      {"1,2.5,3,7.5,9999999999999,true\n", 5, "outside the years"},
      {"1,2.5,3,7.5,1722988800124,yes\n", 6, "maker 'yes' is not true, false, 1 or 0, nor buy or sell"},
      {"1,2.5,3,7.5,1722988800124\n", -1, "the row has 5 fields, the header 6"},
      {"1,2.5,3,7.5,1722988800124,true,\n", -1, "the row has 7 fields, the header 6"},
      {"1,\"2.5,3,7.5,1722988800124,true\n", 2, "not enclosed by its quotes"},
      {HEADER, 5, "time 'time' repeats the header"},
      {"1,2.5,3,x\ty,1722988800124,maybe\n", 6, "maker"},
  };
  for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
    csv_text t = {0};
    csv_printf(&t, HEADER GOOD "%s" LATER "%s", defects[i].line, defects[i].line);
    tlw_trade_options o = defaults();
    trades_result r;
    read_bytes(t.bytes, t.size, &o, &r);
    expect_refusal(&r, 3, defects[i].column, defects[i].part);
    assert_int_equal(r.n_rows, 1);
    trades_free(&r);
    o.on_bad = TLW_BAD_SKIP;
    read_bytes(t.bytes, t.size, &o, &r);
    expect_rows(&r, 2);
    assert_int_equal(r.report.bad, 2);
    assert_int_equal(r.report.first_bad_file, 0);
    assert_int_equal(r.report.first_bad_line, 3);
    assert_int_equal(r.report.lines, 5);
    assert_int_equal(r.lines[1], 4);
    trades_free(&r);
    csv_text_free(&t);
  }
  /* Of columns that nobody wants nothing is a defect, nor of those beyond the known ones. */
  tlw_trade_options o = defaults();
  trades_result r;
  o.wanted = TLW_TRADE_PRICE;
  read_string(HEADER GOOD "x,2.5,?,,,yes\n", &o, &r);
  expect_rows(&r, 2);
  trades_free(&r);
}

/* Of a column of sides 1 and 0 are none, for a buyer may be either. */
static void test_sides(void **unused) {
  (void)unused;
  static const char header[] = "time,price,quantity,side\n";
  tlw_trade_options o = defaults();
  trades_result r;
  csv_text t = {0};
  csv_printf(&t, "%s1,1,1,buy\n2,1,1,SELL\n3,1,1,B\n4,1,1,s\n5,1,1,Sell\n6,1,1,Buy\n", header);
  o.unit = TLW_UNIT_MS;
  read_bytes(t.bytes, t.size, &o, &r);
  expect_rows(&r, 6);
  for (int i = 0; i < 6; i++) assert_int_equal(r.numbers[TLW_TRADE_ROLE_MAKER][i], "010110"[i] - '0');
  trades_free(&r);
  static const char *const bad[] = {"1", "0", "true", "False", "bu", "sells", "", "bid"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    t.size = 0;
    csv_printf(&t, "%s1,1,1,buy\n2,1,1,%s\n", header, bad[i]);
    read_bytes(t.bytes, t.size, &o, &r);
    expect_refusal(&r, 3, 4,
                   "is not buy, sell, b or s: correct the row, or skip bad rows, or leave it out by columns: ");
    trades_free(&r);
  }
  csv_text_free(&t);
}

/* Rows are of one symbol, that of the first good row, in all files. */
static void test_symbols(void **unused) {
  (void)unused;
  static const char text[] = "time,pair,price\n1722988800,BTC,x\n1722988801,AAPL,1\n1722988802, \"AAPL\" ,2\n"
                             "1722988803,MSFT,3\n1722988804,AAPLX,4\n1722988804,AAP,4\n1722988805,AAPL,5\n";
  tlw_trade_options o = defaults();
  trades_result r;
  o.on_bad = TLW_BAD_SKIP;
  read_string(text, &o, &r);
  expect_rows(&r, 3);
  assert_int_equal(r.there, TLW_TRADE_TIME | TLW_TRADE_PRICE);
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_PRICE][2], 5 * TLW_DECIMAL_ONE);
  assert_int_equal(r.report.bad, 4);
  trades_free(&r);
  o.wanted = TLW_TRADE_TIME; /* a symbol counts whatever is wanted */
  read_string(text, &o, &r);
  expect_rows(&r, 1);
  trades_free(&r);
  o = defaults();
  read_string(text + sizeof "time,pair,price\n1722988800,BTC,x" - 1, &o, &r);
  assert_int_not_equal(r.status, TLW_OK); /* no header any more */
  read_string("time,pair,price\n1722988801,AAPL,1\n1722988803,MSFT,3\n", &o, &r);
  expect_refusal(&r, 3, 2,
                 "symbol 'MSFT' comes behind 'AAPL', the rows are of several symbols: split them by symbol, "
                 "or read them as one by columns: symbol=none");
  trades_free(&r);
  o.columns = "symbol=none";
  read_string("time,pair,price\n1722988801,AAPL,1\n1722988803,MSFT,3\n", &o, &r);
  expect_rows(&r, 2);
  trades_free(&r);
  o.columns = "symbol=4"; /* of a file without a header */
  read_string("1722988801,1,2,AAPL\n", &o, &r);
  expect_refusal(&r, 1, -1, "no column for time, price");
  o.columns = "symbol=4,time=1,price=2";
  read_string("1722988801,1,2,AAPL\n1722988802,1,2,MSFT\n", &o, &r);
  expect_refusal(&r, 2, 4, "several symbols");
  trades_free(&r);
  o.columns = "symbol=market";
  read_string("time,pair,price\n1722988801,AAPL,1\n", &o, &r);
  expect_refusal(&r, 1, -1, "no column market for symbol (found: time, pair, price): name a column that is there");
  /* Rows outside the bounds are not looked at, and don't tell it. */
  csv_text t = {0};
  csv_printf(&t, "time,price,symbol\n");
  for (int i = 0; i < 100; i++) csv_printf(&t, "%d,1,%s\n", 1722988800 + i, i < 50 ? "OLD" : i == 99 ? "OTHER" : "NEW");
  o = defaults();
  o.from = 1722988850 * SECOND;
  o.to = 1722988899 * SECOND;
  read_bytes(t.bytes, t.size, &o, &r);
  expect_rows(&r, 49);
  assert_int_equal(r.report.outside, 51);
  trades_free(&r);
  t.size = 0;
  csv_printf(&t, "time,price,symbol\n");
  for (int i = 0; i < 100; i++) csv_printf(&t, "%d,1,%s\n", 1722988800 + i, i < 50 ? "OLD" : i == 80 ? "NEW" : "");
  o.on_bad = TLW_BAD_SKIP;
  read_bytes(t.bytes, t.size, &o, &r);
  expect_rows(&r, 48);
  assert_int_equal(r.report.first_bad_line, 82);
  trades_free(&r);
  t.size = 0;
  csv_printf(&t, "time,price,sym\n1722988800,1,%065d\n", 7);
  o = defaults();
  read_bytes(t.bytes, t.size, &o, &r);
  expect_refusal(&r, 2, 3, "is longer than 64 bytes");
  trades_free(&r);
  csv_text_free(&t);
}

static void test_zero_bytes(void **unused) {
  (void)unused;
  static const char text[] = HEADER GOOD "1,2.5,3,7\0.5,1722988800124,true\n" LATER;
  tlw_trade_options o = defaults();
  trades_result r;
  read_bytes(text, sizeof text - 1, &o, &r);
  expect_refusal(&r, 3, 4, "field 4 holds a zero byte");
  trades_free(&r);
  o.on_bad = TLW_BAD_SKIP;
  read_bytes(text, sizeof text - 1, &o, &r);
  expect_rows(&r, 2);
  trades_free(&r);
}

static void test_rounding(void **unused) {
  (void)unused;
  tlw_trade_options o = defaults();
  trades_result r;
  o.round = 1;
  o.on_bad = TLW_BAD_SKIP;
  read_string("1722988800123,0.000000015,218102.59507500002\n1722988800124,0.000000025,1.100000000\n"
              "1722988800125,1.123456789,x\n",
              &o, &r);
  expect_rows(&r, 2);
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_PRICE][0], 2);
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_PRICE][1], 2);
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_QUANTITY][0], 21810259507500);
  assert_int_equal(r.report.rounded, 3);
  assert_int_equal(r.report.bad, 1);
  trades_free(&r);
}

/* ---- times ---- */

static void check_times(const char *first, const char *second, tlw_time_unit given, tlw_time_unit unit, int64_t a,
                        int64_t b) {
  csv_text t = {0};
  csv_printf(&t, "%s,1,2\n%s,1,2\n", first, second);
  tlw_trade_options o = defaults();
  o.unit = given;
  trades_result r;
  read_bytes(t.bytes, t.size, &o, &r);
  expect_rows(&r, 2);
  assert_int_equal(r.unit, unit);
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_TIME][0], a);
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_TIME][1], b);
  trades_free(&r);
  csv_text_free(&t);
}

static void test_times(void **unused) {
  (void)unused;
  check_times("1722988800", "1722988801.0", TLW_UNIT_DEFAULT, TLW_UNIT_S, 1722988800, 1722988801);
  check_times("1722988800123456", "1722988800123457", TLW_UNIT_DEFAULT, TLW_UNIT_US, 1722988800123456,
              1722988800123457);
  check_times("1722988800123456789", "1722988800123456790", TLW_UNIT_DEFAULT, TLW_UNIT_NS, 1722988800123456789,
              1722988800123456790);
  check_times("2024-08-07", "2024-08-07 00:00:00.5", TLW_UNIT_DEFAULT, TLW_UNIT_NS, 1722988800 * SECOND,
              1722988800 * SECOND + SECOND / 2);
  check_times("20240807", "20240807 000001", TLW_UNIT_DEFAULT, TLW_UNIT_NS, 1722988800 * SECOND, 1722988801 * SECOND);
  check_times("0", "-5", TLW_UNIT_MS, TLW_UNIT_MS, 0, -5);
  check_times("20240807", "1722988800123", TLW_UNIT_MS, TLW_UNIT_MS, 20240807, 1722988800123);
  tlw_trade_options o = defaults();
  trades_result r;
  o.unit = TLW_UNIT_MS;
  read_string("1722988800123,1,2\n1722988800123456,1,2\n", &o, &r);
  expect_refusal(&r, 2, 1, "in ms is outside the years 1678 to 2261");
  trades_free(&r);
  read_string("2024-08-07,1,2\n", &o, &r);
  expect_refusal(&r, 1, 1, "is no whole number");
  trades_free(&r);
  o.unit = TLW_UNIT_DEFAULT;
  read_string("2024-08-07,1,2\n1722988800123,1,2\n", &o, &r);
  expect_refusal(&r, 2, 1, "is in ms, the first time was text");
  trades_free(&r);
  /* Small numbers that are times may be dates. */
  read_string("1000,1,2\n2000,1,2\n", &o, &r);
  expect_refusal(&r, 2, 1, "if it is a number, say the unit: s, ms, us or ns; of a date write YYYY-MM-DD");
  trades_free(&r);
  read_string("99999999998,1,2\n100000000001,1,2\n", &o, &r);
  expect_refusal(&r, 1, 1, "say the unit: s, ms, us or ns");
  trades_free(&r);
  o.unit = TLW_UNIT_MS;
  read_string("1000,1,2\n2000,1,2\n", &o, &r);
  expect_rows(&r, 2);
  trades_free(&r);
  o.unit = TLW_UNIT_DEFAULT;
  /* The first time that can be read tells the unit, though rows before it are bad. */
  o.on_bad = TLW_BAD_SKIP;
  read_string("x,1,2\n?,1,2\n1722988800,y,2\n1722988800123,1,2\n1722988801,1,2\n", &o, &r);
  expect_rows(&r, 1);
  assert_int_equal(r.unit, TLW_UNIT_S);
  assert_int_equal(r.report.bad, 4);
  trades_free(&r);
}

static void test_bounds(void **unused) {
  (void)unused;
  csv_text t = {0};
  for (int i = 0; i < 100; i++) csv_printf(&t, "%d,1,%s\n", 1722988800 + i % 60, i == 30 || i == 59 ? "x" : "2");
  tlw_trade_options o = defaults();
  o.from = 1722988810 * SECOND - 1;
  o.to = 1722988820 * SECOND + 1;
  trades_result r;
  read_bytes(t.bytes, t.size, &o, &r);
  expect_rows(&r, 22);
  assert_int_equal(r.report.outside, 78);
  for (int64_t i = 0; i < 22; i++) {
    assert_int_equal(r.numbers[TLW_TRADE_ROLE_TIME][i], 1722988810 + i % 11);
    assert_int_equal(r.lines[i], i < 11 ? 11 + i : 71 + i - 11);
  }
  trades_free(&r);
  o.wanted = TLW_TRADE_PRICE; /* times are read for the bounds, and given */
  read_bytes(t.bytes, t.size, &o, &r);
  expect_rows(&r, 22);
  trades_free(&r);
  csv_text_free(&t);
}

/* ---- several files ---- */

#define PATH_SIZE 512

static void write_file(char path[PATH_SIZE], const char *name, const char *text) {
  snprintf(path, PATH_SIZE, "%s", path_of(name));
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

static void test_several_files(void **unused) {
  (void)unused;
  char a[PATH_SIZE], b[PATH_SIZE], c[PATH_SIZE], bad[PATH_SIZE], empty[PATH_SIZE];
  write_file(a, "a.csv", HEADER GOOD LATER);
  write_file(b, "b.csv", "time;is_buyer_maker;id;price;volume\n1722988800125;0;3;4;5\n");
  write_file(c, "c.csv", "4,2.5,3,7.5,1722988800126,true\n5,2.5,x,7.5,1722988800126,true");
  write_file(bad, "bad.csv", "time,price,qty\n1722988800125,1,2\n");
  write_file(empty, "empty.csv", "");
  tlw_trade_options o = defaults();
  o.on_bad = TLW_BAD_SKIP;
  trades_result r;
  const char *const paths[] = {a, b, c, a};
  trades_read(paths, 4, &o, 2, tlw_trade_plain_tier(), NULL, &r);
  expect_rows(&r, 6);
  static const int64_t ids[] = {1, 2, 3, 4, 1, 2}, lines[] = {2, 3, 2, 1, 2, 3};
  static const int32_t files[] = {0, 0, 1, 2, 3, 3};
  for (int i = 0; i < 6; i++) {
    assert_int_equal(r.numbers[TLW_TRADE_ROLE_ID][i], ids[i]);
    assert_int_equal(r.files[i], files[i]);
    assert_int_equal(r.lines[i], lines[i]);
  }
  assert_int_equal(r.numbers[TLW_TRADE_ROLE_PRICE][2], 4 * TLW_DECIMAL_ONE);
  assert_int_equal(r.report.first_bad_file, 2);
  assert_int_equal(r.report.first_bad_line, 2);
  assert_int_equal(r.report.lines, 3 + 2 + 2 + 3);
  trades_free(&r);

  const char *const lacking[] = {a, bad};
  trades_read(lacking, 2, &o, 10, tlw_trade_plain_tier(), NULL, &r);
  expect_refusal(&r, 1, -1,
                 "no column for id, maker (found: time, price, qty): the first file has them: read it alone, or leave "
                 "them out by columns: id=none,maker=none");
  assert_int_equal(r.n_rows, 2);
  trades_free(&r);
  o.wanted = TLW_TRADE_TIME | TLW_TRADE_PRICE;
  trades_read(lacking, 2, &o, 10, tlw_trade_plain_tier(), NULL, &r);
  expect_rows(&r, 3);
  trades_free(&r);
  const char *const missing[] = {a, "/nowhere/at/all"};
  trades_read(missing, 2, &o, 10, tlw_trade_plain_tier(), NULL, &r);
  assert_int_equal(r.status, TLW_ERR_NOT_FOUND);
  assert_int_equal(r.n_rows, 2);
  trades_free(&r);
  const char *const none[] = {a, empty};
  trades_read(none, 2, &o, 10, tlw_trade_plain_tier(), NULL, &r);
  expect_refusal(&r, -1, -1, "is empty");
  trades_free(&r);
  remove(a);
  remove(b);
  remove(c);
  remove(bad);
  remove(empty);
}

/* ---- calls ---- */

static void check_argument(const tlw_trade_options *o, const char *part) {
  const char *const paths[] = {"/nowhere"};
  tlw_trade_reader *reader;
  tlw_error error;
  assert_int_equal(tlw_trade_reader_open(paths, 1, o, NULL, &reader, NULL, &error), TLW_ERR_ARGUMENT);
  assert_null(reader);
  if (!strstr(error.message, part)) fail_msg("%s", error.message);
}

static void test_arguments(void **unused) {
  (void)unused;
  static const struct {
    const char *columns, *part;
  } columns[] = {{"pruce=1", "did you mean price?"}, {"xyz=1", "it must be time, price"}, {"price", "ROLE=COLUMN"},
                 {"price=", "there is no column"},   {"price=0", "numbered from 1"},      {"price=1,price=2", "twice"},
                 {"time=none", "can't be none"}};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    tlw_trade_options o = defaults();
    o.columns = columns[i].columns;
    check_argument(&o, columns[i].part);
  }
  tlw_trade_options o[8];
  for (int i = 0; i < 8; i++) o[i] = defaults();
  o[0].struct_size = 1;
  o[1].delimiter = 'x';
  o[2].header = 3;
  o[3].round = 2;
  o[4].unit = (tlw_time_unit)5;
  o[5].on_bad = (tlw_on_bad)2;
  o[6].wanted = 4096;
  o[7].from = 5;
  static const char *const parts[] = {"struct_size", "delimiter", "header", "round",
                                      "unit",        "on_bad",    "wanted", "from"};
  for (int i = 0; i < 8; i++) check_argument(&o[i], parts[i]);
  tlw_error error;
  tlw_trade_reader *reader = NULL;
  assert_int_equal(tlw_trade_reader_open(NULL, 1, NULL, NULL, &reader, NULL, &error), TLW_ERR_ARGUMENT);
  const char *const paths[] = {NULL};
  assert_int_equal(tlw_trade_reader_open(paths, 1, NULL, NULL, &reader, NULL, &error), TLW_ERR_ARGUMENT);
  tlw_trade_reader_close(&reader);
  tlw_trade_reader_close(NULL);
  tlw_trades trades;
  memset(&trades, 0x5a, sizeof trades);
  tlw_trades_init(&trades);
  assert_int_equal(trades.struct_size, sizeof trades);
  assert_int_equal(trades.n_rows, 0);
  assert_null(trades.time);
  /* A wrong call changes nothing. */
  csv_write(HEADER GOOD LATER, strlen(HEADER GOOD LATER));
  const char *const good[] = {csv_path()};
  assert_int_equal(tlw_trade_reader_open(good, 1, NULL, NULL, &reader, NULL, &error), TLW_OK);
  int64_t n = 5;
  tlw_trade_rows rows = {0};
  assert_int_equal(tlw_trade_reader_next(reader, &rows, &n, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(n, 0);
  rows.capacity = 10; /* and no columns: rows are examined and counted */
  assert_int_equal(tlw_trade_reader_next(reader, &rows, &n, &error), TLW_OK);
  assert_int_equal(n, 2);
  tlw_trade_reader_close(&reader);
}

static void test_heads(void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    int header;
    int64_t row;
    const char *part;
  } heads[] = {
      {"", 0, -1, "the file is empty"},
      {"\n#\n \n", 0, -1, "the file is empty"},
      {"Year,Open,Close\n", 0, 1,
       "no column for time (found: Year, Open, Close): name it in the first line, or say by columns: time=1"},
      {"Day,Open\n", 0, 1,
       "no column for price (found: Day, Open): name it in the first line, or say by columns: price=Last"},
      {"1,2,3,4\n", 0, 1, "no column for time, price"},
      {"1,2,3,4\n", 2, 1, "say by columns: time=1,price=2"},
      {"1722988800123,nan,1\n", 0, 1, "no column for time, price"},
      {"1722988800123,1,1\n", 1, 1, "no column for time, price"},
      {"\xff\xfet\0i\0m\0e\0\n", 0, 1, "UTF-16"},
      {"time,price\rqty\n", 0, 1, "carriage return"},
      {"time,\"price,qty\n", 0, 1, "no column"},
  };
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    tlw_trade_options o = defaults();
    o.header = (int8_t)heads[i].header;
    trades_result r;
    read_bytes(heads[i].text, i == 7 ? 11 : strlen(heads[i].text), &o, &r);
    expect_refusal(&r, heads[i].row, heads[i].part[0] == 'U' ? 1 : -1, heads[i].part);
    assert_false(r.is_open);
  }
  tlw_trade_options o = defaults();
  trades_result r;
  o.columns = "quote=3";
  read_string("time,price,x\n", &o, &r);
  expect_refusal(&r, 1, -1, "which quote goes with");
  o.columns = NULL;
  read_string("time,price\n", &o, &r); /* no rows are no failure */
  expect_rows(&r, 0);
  trades_free(&r);
  o.header = TLW_CSV_HEADER_NO;
  read_string("1722988800123,nan,1\n", &o, &r);
  expect_refusal(&r, 1, 2, "price 'nan' is no number");
  trades_free(&r);
}

/* ---- archives ---- */

static void write_trades(csv_text *t, int n) {
  csv_printf(t, HEADER);
  for (int i = 0; i < n; i++)
    csv_printf(t, "%d,%d.25,0.%03d,1.5,%" PRId64 ",%s\n", i, 60000 + i % 977, i % 1000, INT64_C(1722988800123) + i,
               i % 3 ? "true" : "false");
}

/* Rows before the damage are given, then there is an error that says so; and never a crash. */
static void test_archives(void **unused) {
  (void)unused;
  csv_text t = {0}, packed[4] = {{0}, {0}, {0}, {0}};
  write_trades(&t, 20000);
  csv_gzip(&packed[0], t.bytes, t.size);
  csv_zstd(&packed[1], t.bytes, t.size);
  csv_zip(&packed[2], t.bytes, t.size, true);
  csv_zip(&packed[3], t.bytes, t.size, false);
  tlw_trade_options o = defaults();
  trades_result whole, r;
  csv_write(t.bytes, t.size);
  const char *const paths[] = {csv_path()};
  trades_read(paths, 1, &o, 1000, NULL, NULL, &whole);
  expect_rows(&whole, 20000);
  uint64_t state = 9;
  for (int kind = 0; kind < 4; kind++) {
    csv_write(packed[kind].bytes, packed[kind].size);
    trades_read(paths, 1, &o, 1000, tlw_trade_plain_tier(), NULL, &r);
    expect_rows(&r, 20000);
    assert_int_equal(r.report.bytes, packed[kind].size);
    r.report.bytes = whole.report.bytes;
    assert_true(trades_same(&r, &whole));
    trades_free(&r);
    for (int i = 0; i < 40; i++) {
      csv_text damaged = {0};
      const size_t at = csv_random_below(&state, packed[kind].size);
      csv_append(&damaged, packed[kind].bytes, i % 2 ? at : packed[kind].size);
      if (i % 2 == 0) damaged.bytes[at] = (char)(damaged.bytes[at] ^ (1 << i % 8));
      csv_write(damaged.bytes, damaged.size);
      trades_read(paths, 1, &o, 1000, tlw_trade_plain_tier(), NULL, &r);
      if (i % 2) assert_int_not_equal(r.status, TLW_OK);
      for (int64_t row = 0; i % 2 && row < r.n_rows; row++)
        assert_int_equal(r.numbers[TLW_TRADE_ROLE_PRICE][row], whole.numbers[TLW_TRADE_ROLE_PRICE][row]);
      trades_free(&r);
      csv_text_free(&damaged);
    }
  }
  trades_free(&whole);
  csv_text_free(&t);
  for (int kind = 0; kind < 4; kind++) csv_text_free(&packed[kind]);
}

/* ---- lines without an end, through a pipe ---- */

static void write_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(0); /* the reader has seen enough */
    bytes += n;
    size -= (size_t)n;
  }
}

static void pour(int fd, const char *head, char filling, const char *tail) {
  static char block[1 << 18];
  memset(block, filling, sizeof block);
  write_all(fd, head, strlen(head));
  for (uint64_t done = 0; done < HUGE_SIZE; done += sizeof block) write_all(fd, block, sizeof block);
  write_all(fd, tail, strlen(tail));
  _exit(0);
}

static void read_flood(const char *head, char filling, const char *tail, const tlw_trade_options *o, tlw_engine *engine,
                       trades_result *r) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    pour(ends[1], head, filling, tail);
  }
  close(ends[1]);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  const char *const paths[] = {path};
  trades_read(paths, 1, o, 100, tlw_trade_plain_tier(), engine, r);
  close(ends[0]);
  int ended;
  assert_int_equal(waitpid(child, &ended, 0), child);
}

static void test_floods(void **unused) {
  (void)unused;
  tlw_engine_options engine_options;
  tlw_engine *engine;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  engine_options.threads = 1;
  engine_options.cache_dir = "";
  assert_int_equal(tlw_engine_open(&engine, &engine_options, NULL), TLW_OK);
  tlw_stats before = {.struct_size = sizeof before}, behind = before;
  assert_int_equal(tlw_engine_stats(engine, &before, NULL), TLW_OK);
  tlw_trade_options strict = defaults(), lenient = defaults();
  lenient.on_bad = TLW_BAD_SKIP;
  trades_result r;
  read_flood(HEADER GOOD "2,", '7', ",3,7.5,1722988800124,true\n" LATER, &strict, engine, &r);
  expect_refusal(&r, 3, -1, "longer than 1 MiB");
  assert_int_equal(r.n_rows, 1);
  trades_free(&r);
  read_flood(HEADER GOOD "2,", '7', ",3,7.5,1722988800124,true\n" LATER, &lenient, engine, &r);
  expect_rows(&r, 2);
  assert_int_equal(r.report.bad, 1);
  trades_free(&r);
  read_flood(HEADER, ',', "\n" GOOD LATER, &lenient, engine, &r);
  expect_rows(&r, 2);
  assert_int_equal(r.report.first_bad_line, 2);
  trades_free(&r);
  read_flood("", 'x', "\n" HEADER GOOD LATER, &lenient, engine, &r);
  expect_refusal(&r, 1, -1, "longer than 1 MiB");
  trades_free(&r);
  read_flood(HEADER GOOD "#", ' ', "\n" LATER, &strict, engine, &r);
  expect_rows(&r, 2);
  trades_free(&r);
  assert_int_equal(tlw_engine_stats(engine, &behind, NULL), TLW_OK);
  assert_int_equal(behind.host_bytes.current, before.host_bytes.current);
  assert_true(behind.host_bytes.peak - before.host_bytes.current < 4 * MIB);
  tlw_engine_close(&engine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_decimals),    cmocka_unit_test(test_written_decimals),
      cmocka_unit_test(test_known_files), cmocka_unit_test(test_real_files),
      cmocka_unit_test(test_defects),     cmocka_unit_test(test_zero_bytes),
      cmocka_unit_test(test_rounding),    cmocka_unit_test(test_times),
      cmocka_unit_test(test_bounds),      cmocka_unit_test(test_several_files),
      cmocka_unit_test(test_arguments),   cmocka_unit_test(test_heads),
      cmocka_unit_test(test_archives),    cmocka_unit_test(test_floods),
      cmocka_unit_test(test_sides),       cmocka_unit_test(test_symbols),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
