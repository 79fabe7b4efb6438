/*
 * Checkpoints of bars: taken at every row they give the bars of an unbroken run, also where rows come again; those of
 * other settings are refused, damaged ones and other rows recognised, and none does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "host/base/hash.h"
#include "series.h"
#include "tallow/bars.h"

#define ROWS 220
#define MOST_BARS 4000

/* ---- rows and bars ---- */

typedef struct stream {
  tlw_trades trades;
  int64_t time[ROWS], price[ROWS], quantity[ROWS], id[ROWS], first_id[ROWS], last_id[ROWS];
  uint8_t maker[ROWS];
} stream;

/* With bad: a row that is to be skipped now and then, the last one too. */
static void make_stream(stream *s, bool ids, bool bad, uint64_t seed) {
  rng r = {seed};
  int64_t time = 1700000000000, price = 5000000000, id = 7;
  for (int i = 0; i < ROWS; i++) {
    time += rng_below(&r, 4) == 0 ? 0 : (int64_t)rng_below(&r, 40000);
    price += rng_between(&r, -20000000, 20000000);
    id += 1 + (int64_t)rng_below(&r, 3);
    s->time[i] = time;
    s->price[i] = price;
    s->quantity[i] = 1 + (int64_t)rng_below(&r, 900000000);
    s->id[i] = id;
    s->first_id[i] = 3 * id;
    s->last_id[i] = 3 * id + (int64_t)rng_below(&r, 3);
    s->maker[i] = (uint8_t)rng_below(&r, 2);
    if (bad && (i % 11 == 5 || i == ROWS - 1)) s->quantity[i] = 0;
  }
  tlw_trades_init(&s->trades);
  s->trades.n_rows = ROWS;
  s->trades.time = s->time;
  s->trades.price = s->price;
  s->trades.quantity = s->quantity;
  s->trades.is_buyer_maker = s->maker;
  if (!ids) return;
  s->trades.id = s->id;
  s->trades.first_id = s->first_id;
  s->trades.last_id = s->last_id;
}

static tlw_trades rows_of(const stream *s, int64_t begin, int64_t end) {
  tlw_trades rows = s->trades;
  rows.n_rows = end - begin;
  rows.time += begin;
  rows.price += begin;
  rows.quantity += begin;
  rows.is_buyer_maker += begin;
  if (rows.id) rows.id += begin;
  if (rows.first_id) rows.first_id += begin;
  if (rows.last_id) rows.last_id += begin;
  return rows;
}

typedef struct bar_list {
  tlw_bar bars[MOST_BARS];
  int64_t n;
  bool fails;
} bar_list;

static tlw_status keep(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)error;
  bar_list *list = user;
  if (list->fails) return TLW_ERR_IO;
  assert_true(list->n + n <= MOST_BARS);
  memcpy(list->bars + list->n, bars, (size_t)n * sizeof *bars);
  list->n += n;
  return TLW_OK;
}

static tlw_bars *open_bars(const tlw_bars_options *options, bar_list *list) {
  tlw_bars *bars = NULL;
  tlw_error error;
  list->n = 0;
  list->fails = false;
  if (tlw_bars_open(options, keep, list, NULL, &bars, &error) != TLW_OK) fail_msg("%s", error.message);
  return bars;
}

static void push(tlw_bars *bars, const tlw_trades *rows) {
  tlw_error error;
  if (tlw_bars_push(bars, rows, &error) != TLW_OK) fail_msg("%s", error.message);
}

static void load(tlw_bars *bars, const uint8_t *bytes, int64_t row) {
  tlw_error error;
  if (tlw_bars_load(bars, bytes, TLW_BARS_CHECKPOINT_SIZE, row, &error) != TLW_OK) fail_msg("%s", error.message);
}

static void same_bars(const bar_list *a, const tlw_bar *b, int64_t n) {
  assert_int_equal(a->n, n);
  assert_memory_equal(a->bars, b, (size_t)n * sizeof *b);
}

static void same_forming(const tlw_bars *a, const tlw_bars *b) {
  tlw_bar x, y;
  assert_int_equal(tlw_bars_forming(a, &x), tlw_bars_forming(b, &y));
  assert_memory_equal(&x, &y, sizeof x);
}

/* ---- settings ---- */

#define SETTINGS 10
#define ALL (TLW_BAR_VOLUME | TLW_BAR_QUOTE | TLW_BAR_SIDES | TLW_BAR_IDS)

static tlw_bars_options setting(int i) {
  static const struct {
    tlw_bars_kind kind;
    int64_t size;
    int32_t split;
  } kinds[SETTINGS] = {
      {TLW_BARS_TIME, 1, 0},
      {TLW_BARS_TIME, 1, 0},
      {TLW_BARS_TICK, 7, 0},
      {TLW_BARS_TICK, 1, 0},
      {TLW_BARS_VOLUME, 2000000000, 0},
      {TLW_BARS_VOLUME, 300000000, 1},
      {TLW_BARS_VALUE, 60000000000, 0},
      {TLW_BARS_VALUE, 20000000000, 1},
      {TLW_BARS_RANGE, 700, 0},
      {TLW_BARS_RENKO, 30000000, 0},
  };
  tlw_bars_options options;
  tlw_bars_options_init(&options, kinds[i].kind, kinds[i].size);
  options.split = kinds[i].split;
  options.fields = i % 3 == 0 ? ALL : i % 3 == 1 ? TLW_BAR_QUOTE | TLW_BAR_SIDES : 0;
  if (i == 1) options.empty = TLW_EMPTY_FLAT;
  options.on_bad = TLW_BAD_SKIP;
  return options;
}

static bar_list whole, rest;

/* Goes on from a checkpoint behind `at` rows, with the rows from `from` on. */
static void resume(const tlw_bars_options *options, const stream *s, const uint8_t *bytes, int64_t given, int64_t at,
                   int64_t from, int64_t chunk, const tlw_bars *wanted) {
  tlw_bars *bars = open_bars(options, &rest);
  load(bars, bytes, s->trades.id ? 0 : from);
  for (int64_t i = from; i < ROWS; i += chunk) {
    const tlw_trades rows = rows_of(s, i, i + chunk < ROWS ? i + chunk : ROWS);
    push(bars, &rows);
  }
  same_bars(&rest, whole.bars + given, whole.n - given);
  same_forming(bars, wanted);
  tlw_bars_report a, b;
  tlw_bars_get_report(bars, &a);
  tlw_bars_get_report(wanted, &b);
  assert_int_equal(a.seen, at - from);
  a.seen = b.seen;
  assert_memory_equal(&a, &b, sizeof a);
  tlw_bars_close(&bars);
}

static void check_every_row(const tlw_bars_options *options, const stream *s) {
  static uint8_t bytes[ROWS + 1][TLW_BARS_CHECKPOINT_SIZE];
  int64_t given[ROWS + 1];
  tlw_bars *bars = open_bars(options, &whole);
  for (int64_t i = 0; i <= ROWS; i++) {
    assert_int_equal(tlw_bars_save(bars, bytes[i], NULL), TLW_OK);
    given[i] = whole.n;
    if (i == ROWS) break;
    const tlw_trades row = rows_of(s, i, i + 1);
    push(bars, &row);
  }
  assert_true(whole.n > 3);
  for (int64_t i = 0; i <= ROWS; i++) {
    resume(options, s, bytes[i], given[i], i, i, 64, bars);
    resume(options, s, bytes[i], given[i], i, i > 20 ? i - 20 : 0, 1, bars);
    if (i % 8 == 0) resume(options, s, bytes[i], given[i], i, 0, 50, bars);
  }
  tlw_bars_close(&bars);
}

static void test_every_row(void **state) {
  (void)state;
  static stream s;
  for (int i = 0; i < SETTINGS; i++) {
    const tlw_bars_options options = setting(i);
    for (int k = 0; k < 2; k++) {
      make_stream(&s, k == 1, i % 2 == 1, 77 + (uint64_t)i);
      check_every_row(&options, &s);
    }
  }
}

/* ---- what is refused ---- */

/* A checkpoint behind the first n rows. */
static tlw_bars *saved(const tlw_bars_options *options, const stream *s, int64_t n, uint8_t *bytes) {
  tlw_bars *bars = open_bars(options, &whole);
  const tlw_trades rows = rows_of(s, 0, n);
  push(bars, &rows);
  assert_int_equal(tlw_bars_save(bars, bytes, NULL), TLW_OK);
  return bars;
}

static void refused(tlw_bars *bars, const void *bytes, size_t size, int64_t row, tlw_status status, const char *text) {
  uint8_t before[TLW_BARS_CHECKPOINT_SIZE], after[TLW_BARS_CHECKPOINT_SIZE];
  tlw_error error = {0};
  assert_int_equal(tlw_bars_save(bars, before, NULL), TLW_OK);
  assert_int_equal(tlw_bars_load(bars, bytes, size, row, &error), status);
  if (!strstr(error.message, text)) fail_msg("'%s' is not in: %s", text, error.message);
  assert_int_equal(tlw_bars_save(bars, after, NULL), TLW_OK);
  assert_memory_equal(before, after, sizeof before);
}

static void test_other_options(void **state) {
  (void)state;
  static stream s;
  make_stream(&s, true, false, 5);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE];
  tlw_bars_options options = setting(0);
  tlw_bars *bars = saved(&options, &s, 100, bytes);
  tlw_bars_close(&bars);
  static const char *const names[] = {"kind",   "interval", "size",
                                      "offset", "empty",    "unit",
                                      "fields", "on_bad",   "zone_name 'UTC', these bars are of 'Europe/Berlin'"};
  for (int i = 0; i < 9; i++) {
    options = setting(0);
    if (i == 0) options.kind = TLW_BARS_TICK;
    if (i == 1) options.interval = TLW_INTERVAL_HOUR;
    if (i == 2) options.size = 2;
    if (i == 3) options.offset = 1000000;
    if (i == 4) options.empty = TLW_EMPTY_NULL;
    if (i == 5) options.unit = TLW_UNIT_US;
    if (i == 6) options.fields = TLW_BAR_VOLUME;
    if (i == 7) options.on_bad = TLW_BAD_ERROR;
    if (i == 8) options.zone_name = "Europe/Berlin";
    bars = open_bars(&options, &rest);
    refused(bars, bytes, sizeof bytes, 0, TLW_ERR_ARGUMENT, names[i]);
    tlw_bars_close(&bars);
  }
  options = setting(5);
  bars = saved(&options, &s, 100, bytes);
  tlw_bars_close(&bars);
  options.split = 0;
  bars = open_bars(&options, &rest);
  refused(bars, bytes, sizeof bytes, 0, TLW_ERR_ARGUMENT, "split 1, these bars are of 0");
  tlw_bars_close(&bars);
  options = setting(8);
  bars = saved(&options, &s, 100, bytes);
  tlw_bars_close(&bars);
  options.no_gate = 1;
  bars = open_bars(&options, &rest);
  refused(bars, bytes, sizeof bytes, 0, TLW_ERR_ARGUMENT, "no_gate");
  tlw_bars_close(&bars);
}

static void seal(uint8_t *bytes) {
  const uint64_t sum = tlw_hash(TLW_HASH_START, bytes, TLW_BARS_CHECKPOINT_SIZE - 8);
  for (int i = 0; i < 8; i++) bytes[TLW_BARS_CHECKPOINT_SIZE - 8 + i] = (uint8_t)(sum >> 8 * i);
}

static void test_damage(void **state) {
  (void)state;
  static stream s;
  make_stream(&s, true, false, 6);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE + 1] = {0};
  const tlw_bars_options options = setting(9);
  tlw_bars *bars = saved(&options, &s, 90, bytes);
  for (size_t i = 0; i < TLW_BARS_CHECKPOINT_SIZE; i++) {
    bytes[i] ^= (uint8_t)(1 << i % 8);
    refused(bars, bytes, TLW_BARS_CHECKPOINT_SIZE, 0, TLW_ERR_DATA, i < 8 ? "no checkpoint" : "damaged");
    bytes[i] ^= (uint8_t)(1 << i % 8);
  }
  for (size_t size = 0; size < TLW_BARS_CHECKPOINT_SIZE; size += 61)
    refused(bars, bytes, size, 0, TLW_ERR_DATA, size < 8 ? "no checkpoint" : "damaged");
  refused(bars, bytes, TLW_BARS_CHECKPOINT_SIZE + 1, 0, TLW_ERR_DATA, "damaged");
  refused(bars, bytes, TLW_BARS_CHECKPOINT_SIZE, -1, TLW_ERR_ARGUMENT, "row is -1: it must be 0 to 90");
  refused(bars, bytes, TLW_BARS_CHECKPOINT_SIZE, 91, TLW_ERR_ARGUMENT, "row is 91");
  bytes[8]++;
  seal(bytes);
  refused(bars, bytes, TLW_BARS_CHECKPOINT_SIZE, 0, TLW_ERR_DATA, "version 2");
  assert_int_equal(tlw_bars_load(NULL, bytes, TLW_BARS_CHECKPOINT_SIZE, 0, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_bars_load(bars, NULL, TLW_BARS_CHECKPOINT_SIZE, 0, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_bars_save(bars, NULL, NULL), TLW_ERR_ARGUMENT);
  tlw_bars_close(&bars);
}

/* Numbers that no run leaves behind, under a right checksum: refused, or at least harmless. */
static void test_harm(void **state) {
  (void)state;
  static stream s;
  static const uint64_t odd[] = {0, 1, UINT64_MAX, (uint64_t)INT64_MAX, (uint64_t)INT64_MIN, UINT64_C(1) << 62};
  rng r = {99};
  int refusals = 0;
  for (int i = 0; i < 4000; i++) {
    const tlw_bars_options options = setting(i % SETTINGS);
    make_stream(&s, i % 4 < 2, false, 5 + (uint64_t)(i % SETTINGS));
    uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE];
    tlw_bars *bars = saved(&options, &s, (int64_t)rng_below(&r, 100), bytes);
    for (uint64_t n = rng_below(&r, 3) + 1; n > 0; n--) {
      const uint64_t word = rng_below(&r, 3) ? odd[rng_below(&r, 6)] + rng_below(&r, 2) : rng_next(&r);
      const size_t at = 16 + 8 * (size_t)rng_below(&r, 110);
      for (int k = 0; k < 8; k++) bytes[at + (size_t)k] = (uint8_t)(word >> 8 * k);
    }
    seal(bytes);
    rest.n = 0;
    if (tlw_bars_load(bars, bytes, sizeof bytes, 0, NULL) != TLW_OK) {
      refusals++;
    } else {
      tlw_bar bar;
      const tlw_trades rows = rows_of(&s, 0, ROWS);
      whole.n = 0;
      tlw_bars_push(bars, &rows, NULL);
      tlw_bars_forming(bars, &bar);
    }
    tlw_bars_close(&bars);
  }
  assert_in_range(refusals, 1000, 3999);
}

/* ---- rows that come again ---- */

static void other_row(const tlw_bars_options *options, stream *s, const uint8_t *bytes, int64_t at, int64_t wrong) {
  tlw_bars *bars = open_bars(options, &rest);
  tlw_error error = {0};
  load(bars, bytes, 0);
  s->price[wrong]++;
  const tlw_trades rows = rows_of(s, 0, ROWS);
  const bool is_remembered = wrong >= at - 16 && wrong < at;
  assert_int_equal(tlw_bars_push(bars, &rows, &error), is_remembered ? TLW_ERR_DATA : TLW_OK);
  if (is_remembered) assert_int_equal(error.row, wrong);
  s->price[wrong]--;
  if (is_remembered) {
    /* What was right up to there may go on. */
    const tlw_trades others = rows_of(s, wrong, ROWS);
    push(bars, &others);
  }
  tlw_bars_close(&bars);
}

static void test_other_rows(void **state) {
  (void)state;
  static stream s;
  for (int k = 0; k < 2; k++) {
    make_stream(&s, k == 1, false, 8);
    const tlw_bars_options options = setting(3);
    uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE];
    tlw_bars *bars = saved(&options, &s, 100, bytes);
    tlw_bars_close(&bars);
    for (int64_t wrong = 80; wrong < 104; wrong++) other_row(&options, &s, bytes, 100, wrong);
  }
}

/* With ids a row that was skipped is no other row though it doubles an id, and none that is new though it is far ahead. */
static void test_skipped_rows(void **state) {
  (void)state;
  static stream s;
  make_stream(&s, true, false, 9);
  s.id[60] = s.id[59];
  s.id[99] = s.id[98];
  s.id[20] = INT64_MAX;
  s.price[20] = 0;
  const tlw_bars_options options = setting(2);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE];
  for (int64_t at = 58; at < 80; at++) {
    tlw_bars *bars = saved(&options, &s, at, bytes);
    tlw_bars_close(&bars);
    bars = open_bars(&options, &rest);
    load(bars, bytes, 0);
    push(bars, &s.trades);
    tlw_bars_report report;
    tlw_bars_get_report(bars, &report);
    assert_int_equal(report.seen, at);
    assert_int_equal(report.skipped[TLW_TRADE_BAD_ID], 2);
    assert_int_equal(report.skipped[TLW_TRADE_BAD_PRICE], 1);
    assert_int_equal(report.rows, ROWS);
    tlw_bars_close(&bars);
  }
}

/* ---- sinks and files ---- */

static void test_bars_that_wait(void **state) {
  (void)state;
  static stream s;
  make_stream(&s, false, false, 10);
  const tlw_bars_options options = setting(3);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE];
  tlw_bars *bars = open_bars(&options, &whole);
  whole.fails = true;
  const tlw_trades rows = rows_of(&s, 0, 10), none = rows_of(&s, 10, 10);
  assert_int_equal(tlw_bars_push(bars, &rows, NULL), TLW_ERR_IO);
  assert_int_equal(tlw_bars_save(bars, bytes, NULL), TLW_ERR_ARGUMENT);
  whole.fails = false;
  push(bars, &none);
  assert_int_equal(whole.n, 10);
  assert_int_equal(tlw_bars_save(bars, bytes, NULL), TLW_OK);
  tlw_bars_close(&bars);
}

static void test_files(void **state) {
  (void)state;
  static stream s;
  make_stream(&s, true, false, 11);
  const tlw_bars_options options = setting(4);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE], again[TLW_BARS_CHECKPOINT_SIZE];
  tlw_error error = {0};
  tlw_bars *bars = saved(&options, &s, 100, bytes);
  char path[300], beside[330];
  snprintf(path, sizeof path, "%s", path_of("state"));
  assert_int_equal(tlw_bars_load_file(bars, path, 0, &error), TLW_ERR_NOT_FOUND);
  assert_int_equal(error.native, ENOENT);
  for (int i = 0; i < 2; i++) assert_int_equal(tlw_bars_save_file(bars, path, NULL), TLW_OK);
  tlw_bars_clear(bars);
  assert_int_equal(tlw_bars_load_file(bars, path, 0, NULL), TLW_OK);
  assert_int_equal(tlw_bars_save(bars, again, NULL), TLW_OK);
  assert_memory_equal(bytes, again, sizeof bytes);
  assert_int_equal(truncate(path, 2000), 0);
  assert_int_equal(tlw_bars_load_file(bars, path, 0, &error), TLW_ERR_DATA);
  assert_int_equal(truncate(path, 2049), 0);
  assert_int_equal(tlw_bars_load_file(bars, path, 0, &error), TLW_ERR_DATA);
  assert_int_equal(unlink(path), 0);
  snprintf(beside, sizeof beside, "%s/none/state", folder);
  assert_int_equal(tlw_bars_save_file(bars, beside, &error), TLW_ERR_IO);
  assert_non_null(strstr(error.message, "can't be written: No such file"));
  assert_int_equal(tlw_bars_load_file(bars, folder, 0, &error), TLW_ERR_IO);
  assert_int_equal(tlw_bars_save_file(bars, folder, &error), TLW_ERR_IO);
  assert_int_equal(tlw_bars_save_file(bars, NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_bars_load_file(bars, NULL, 0, &error), TLW_ERR_ARGUMENT);
  char *const long_path = malloc(5000);
  memset(long_path, 'a', 4999);
  long_path[4999] = 0;
  assert_int_equal(tlw_bars_save_file(bars, long_path, &error), TLW_ERR_IO);
  assert_int_equal(error.native, ENAMETOOLONG);
  free(long_path);
  tlw_bars_close(&bars);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_row),      cmocka_unit_test(test_other_options), cmocka_unit_test(test_damage),
      cmocka_unit_test(test_harm),           cmocka_unit_test(test_other_rows),    cmocka_unit_test(test_skipped_rows),
      cmocka_unit_test(test_bars_that_wait), cmocka_unit_test(test_files),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
