/* Synthetic market data: the same bytes everywhere, valid rows, the shapes that are promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/synth/synth.h"

#define MINUTE (60 * SYNTH_SECOND)
#define HOUR (60 * MINUTE)
#define START_2020 (18262 * SYNTH_DAY) /* a Wednesday */

static synth_options options_of(synth_shape shape, uint64_t seed) {
  return (synth_options){.seed = seed, .shape = shape, .start = START_2020, .interval = MINUTE};
}

static synth_source source_of(synth_shape shape, uint64_t seed) {
  synth_options options = options_of(shape, seed);
  synth_source source;
  synth_start(&source, &options);
  return source;
}

/* FNV-1a over numbers, lowest byte first. */
static uint64_t hash_number(uint64_t hash, int64_t number) {
  for (int k = 0; k < 8; k++) hash = (hash ^ (((uint64_t)number >> (8 * k)) & 0xFF)) * UINT64_C(0x100000001B3);
  return hash;
}

static uint64_t hash_candle(uint64_t hash, const synth_candle *c) {
  hash = hash_number(hash, c->time);
  hash = hash_number(hash, c->open);
  hash = hash_number(hash, c->high);
  hash = hash_number(hash, c->low);
  hash = hash_number(hash, c->close);
  return hash_number(hash, c->volume);
}

static uint64_t hash_trade(uint64_t hash, const synth_trade *t) {
  hash = hash_number(hash, t->time);
  hash = hash_number(hash, t->id);
  hash = hash_number(hash, t->price);
  hash = hash_number(hash, t->quantity);
  return hash_number(hash, t->side);
}

static const uint64_t hash_start = UINT64_C(0xCBF29CE484222325);

/* Known answers, so that another machine or compiler that makes other rows is found out. */
static void test_known_answers(void **state) {
  (void)state;
  static const uint64_t candles[SYNTH_SHAPE_COUNT] = {UINT64_C(0xEF285834358FE02D), UINT64_C(0x7AD102655D3C762C),
                                                      UINT64_C(0xA8455BB497B7A91B), UINT64_C(0x88EBECF5862455C2)};
  static const uint64_t trades[SYNTH_SHAPE_COUNT] = {UINT64_C(0x78DDDFC68B5E264F), UINT64_C(0x1E61597515CE0DED),
                                                     UINT64_C(0x1675087957E58C07), UINT64_C(0xDE8696B45428CF9E)};
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++) {
    uint64_t hash = hash_start;
    synth_source source = source_of((synth_shape)shape, 42);
    for (int i = 0; i < 5000; i++) {
      synth_candle c;
      assert_true(synth_next_candle(&source, &c));
      hash = hash_candle(hash, &c);
    }
    assert_int_equal(hash, candles[shape]);
    hash = hash_start;
    source = source_of((synth_shape)shape, 42);
    for (int i = 0; i < 5000; i++) {
      synth_trade t;
      assert_true(synth_next_trade(&source, &t));
      hash = hash_trade(hash, &t);
    }
    assert_int_equal(hash, trades[shape]);
  }
}

static void test_seeds_differ(void **state) {
  (void)state;
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++) {
    synth_source a = source_of((synth_shape)shape, 1), b = source_of((synth_shape)shape, 2);
    synth_candle p, q;
    assert_true(synth_next_candle(&a, &p) && synth_next_candle(&b, &q));
    assert_true(hash_candle(hash_start, &p) != hash_candle(hash_start, &q));
  }
}

static void check_candle(const synth_candle *c) {
  assert_true(c->low >= 1);
  assert_true(c->low <= c->open && c->low <= c->close);
  assert_true(c->high >= c->open && c->high >= c->close);
  assert_true(c->volume >= 1);
}

static void test_candles_are_valid(void **state) {
  (void)state;
  static const int64_t intervals[] = {1, SYNTH_SECOND, MINUTE, 8 * HOUR, SYNTH_DAY, 7 * SYNTH_DAY};
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++)
    for (uint64_t seed = 0; seed < 60; seed++) {
      synth_options options = options_of((synth_shape)shape, seed ? seed * UINT64_C(0x123456789ABCDEF) : 0);
      options.interval = intervals[seed % 6];
      synth_source source;
      synth_start(&source, &options);
      int64_t time = options.start - 1;
      for (int i = 0; i < 2000; i++) {
        synth_candle c;
        assert_true(synth_next_candle(&source, &c));
        check_candle(&c);
        assert_true(c.time > time);
        if (shape != SYNTH_GAPS) assert_int_equal(c.time, options.start + i * options.interval);
        time = c.time;
      }
    }
}

static void test_trades_are_valid(void **state) {
  (void)state;
  static const int64_t intervals[] = {1, 1000, SYNTH_SECOND / 4, MINUTE, SYNTH_DAY};
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++)
    for (uint64_t seed = 0; seed < 50; seed++) {
      synth_options options = options_of((synth_shape)shape, seed);
      options.interval = intervals[seed % 5];
      synth_source source;
      synth_start(&source, &options);
      int64_t time = options.start;
      int buys = 0, repeats = 0;
      for (int i = 0; i < 2000; i++) {
        synth_trade t;
        assert_true(synth_next_trade(&source, &t));
        assert_true(t.time >= time && t.price >= 1 && t.quantity >= 1);
        assert_int_equal(t.id, i + 1);
        assert_true(t.side == 1 || t.side == -1);
        if (options.interval >= SYNTH_SECOND / 1000) assert_int_equal(t.time % (SYNTH_SECOND / 1000), 0);
        buys += t.side == 1;
        repeats += i > 0 && t.time == time;
        time = t.time;
      }
      assert_in_range(buys, 800, 1200);
      assert_in_range(repeats, 800, 1800);
    }
}

static void test_mean_between_trades(void **state) {
  (void)state;
  synth_options options = options_of(SYNTH_QUIET, 5);
  options.interval = SYNTH_SECOND;
  synth_source source;
  synth_start(&source, &options);
  synth_trade t;
  for (int i = 0; i < 20001; i++) assert_true(synth_next_trade(&source, &t));
  assert_in_range((t.time - options.start) / 20000, SYNTH_SECOND * 95 / 100, SYNTH_SECOND * 105 / 100);
}

/* Prices stay in bounds, and are not stuck at one, however long the series. */
static void test_long_series(void **state) {
  (void)state;
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++) {
    synth_options options = options_of((synth_shape)shape, 9);
    options.interval = SYNTH_SECOND;
    synth_source source;
    synth_start(&source, &options);
    int64_t flat = 0, first = 0;
    for (int i = 0; i < 200000; i++) {
      synth_candle c;
      assert_true(synth_next_candle(&source, &c));
      if (i == 0) first = c.open;
      assert_true(c.low > first / 32 && c.high < first * 32);
      flat += c.low == c.high;
    }
    assert_true(flat < 1000);
  }
}

#define COLUMN_ROWS 3000

typedef struct columns_memory {
  int64_t time[COLUMN_ROWS + 1];
  double open[COLUMN_ROWS + 1], high[COLUMN_ROWS + 1], low[COLUMN_ROWS + 1], close[COLUMN_ROWS + 1];
  double volume[COLUMN_ROWS + 1];
} columns_memory;

static synth_columns columns_at(columns_memory *m, size_t row) {
  return (synth_columns){m->time + row, m->open + row, m->high + row, m->low + row, m->close + row, m->volume + row};
}

static columns_memory *columns_new(void) {
  columns_memory *m = malloc(sizeof *m);
  assert_non_null(m);
  memset(m, 0xA5, sizeof *m);
  return m;
}

/* Row by row, at once and in blocks of any size: the same. Nothing is written behind the last row. */
static void test_blocks_equal_rows(void **state) {
  (void)state;
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++) {
    columns_memory *whole = columns_new(), *blocks = columns_new();
    synth_source source = source_of((synth_shape)shape, 77);
    synth_columns columns = columns_at(whole, 0);
    assert_int_equal(synth_fill_candles(&source, &columns, COLUMN_ROWS), COLUMN_ROWS);
    source = source_of((synth_shape)shape, 77);
    columns = columns_at(blocks, 0);
    assert_int_equal(synth_fill_candles(&source, &columns, 0), 0);
    for (size_t row = 0, n; row < COLUMN_ROWS; row += n) {
      n = 1 + row % 97;
      if (n > COLUMN_ROWS - row) n = COLUMN_ROWS - row;
      columns = columns_at(blocks, row);
      assert_int_equal(synth_fill_candles(&source, &columns, n), n);
    }
    assert_memory_equal(whole, blocks, sizeof *whole);
    source = source_of((synth_shape)shape, 77);
    for (size_t row = 0; row < COLUMN_ROWS; row++) {
      synth_candle c;
      assert_true(synth_next_candle(&source, &c));
      assert_int_equal(c.time, whole->time[row]);
      assert_true((double)c.volume == whole->volume[row]);
      char text[32];
      snprintf(text, sizeof text, "%lld.%02lld", (long long)(c.close / 100), (long long)(c.close % 100));
      assert_true(strtod(text, NULL) == whole->close[row]);
    }
    free(whole);
    free(blocks);
  }
}

static void test_columns_may_be_absent(void **state) {
  (void)state;
  double close[3];
  synth_source a = source_of(SYNTH_QUIET, 3), b = a;
  assert_int_equal(synth_fill_candles(&a, &(synth_columns){.close = close}, 3), 3);
  for (int i = 0; i < 3; i++) {
    synth_candle c;
    assert_true(synth_next_candle(&b, &c));
    assert_true(close[i] == (double)c.close / SYNTH_TICKS);
  }
}

/* 0: Thursday, 1970-01-01 */
static int64_t week_day_of(int64_t time) { return time / SYNTH_DAY % 7; }

static void test_gaps_keep_hours(void **state) {
  (void)state;
  synth_source source = source_of(SYNTH_GAPS, 4);
  int64_t newest = 0, nights = 0, week_ends = 0, night_moves = 0, close = 0;
  for (int i = 0; i < 390 * 30; i++) {
    synth_candle c;
    assert_true(synth_next_candle(&source, &c));
    int64_t clock = c.time % SYNTH_DAY, day = week_day_of(c.time);
    assert_true(clock >= 9 * HOUR + 30 * MINUTE && clock < 16 * HOUR);
    assert_true(day != 2 && day != 3);
    int64_t gap = newest ? c.time - newest : MINUTE;
    assert_true(gap == MINUTE || gap == 17 * HOUR + 31 * MINUTE || gap == 65 * HOUR + 31 * MINUTE);
    nights += gap > MINUTE && gap < SYNTH_DAY;
    week_ends += gap > SYNTH_DAY;
    if (gap > MINUTE) night_moves += llabs(c.open - close) * 1000 > close * 2;
    newest = c.time;
    close = c.close;
  }
  assert_in_range(nights, 22, 24);
  assert_in_range(week_ends, 5, 7);
  assert_true(night_moves > 15);
}

static void test_gaps_of_days(void **state) {
  (void)state;
  synth_options options = options_of(SYNTH_GAPS, 4);
  options.interval = SYNTH_DAY;
  options.start = -3 * 365 * SYNTH_DAY + HOUR;
  synth_source source;
  synth_start(&source, &options);
  for (int i = 0; i < 100; i++) {
    synth_candle c;
    assert_true(synth_next_candle(&source, &c));
    int64_t day = (c.time - HOUR) / SYNTH_DAY;
    assert_int_equal((c.time - HOUR) % SYNTH_DAY, 0);
    assert_true(((day % 7) + 7) % 7 != 2 && ((day % 7) + 7) % 7 != 3);
  }
}

/* The largest move of close in 1/1000, and the largest volume in multiples of the mean. */
static void measure(synth_shape shape, uint64_t seed, int64_t *move, int64_t *volume) {
  synth_source source = source_of(shape, seed);
  int64_t close = 0, sum = 0, largest = 0;
  *move = 0;
  for (int i = 0; i < 5000; i++) {
    synth_candle c;
    assert_true(synth_next_candle(&source, &c));
    if (i > 0) {
      int64_t change = llabs(c.close - close) * 1000 / close;
      if (change > *move) *move = change;
    }
    close = c.close;
    sum += c.volume;
    if (c.volume > largest) largest = c.volume;
  }
  *volume = largest * 5000 / sum;
}

static void test_jumps_jump(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    int64_t move, volume;
    measure(SYNTH_JUMPS, seed, &move, &volume);
    assert_true(move >= 14 && volume >= 5);
    measure(SYNTH_QUIET, seed, &move, &volume);
    assert_true(move <= 6 && volume <= 5);
  }
}

static void test_trends_go_further(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    int64_t span[2];
    for (int k = 0; k < 2; k++) {
      synth_source source = source_of(k ? SYNTH_TRENDING : SYNTH_QUIET, seed);
      int64_t high = 0, low = INT64_MAX;
      for (int i = 0; i < 5000; i++) {
        synth_candle c;
        assert_true(synth_next_candle(&source, &c));
        if (c.high > high) high = c.high;
        if (c.low < low) low = c.low;
      }
      span[k] = (high - low) * 1000 / low;
    }
    assert_true(span[1] > 3 * span[0]);
  }
}

/* At the end of time a series ends, cleanly and for good. */
static void test_end_of_time(void **state) {
  (void)state;
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++) {
    synth_options options = options_of((synth_shape)shape, 1);
    options.interval = SYNTH_INTERVAL_MAX;
    int made = 0;
    synth_source source;
    synth_start(&source, &options);
    synth_candle c = {0};
    while (synth_next_candle(&source, &c)) made++;
    assert_in_range(made, 238, 242);
    int64_t newest = c.time;
    assert_true(newest < SYNTH_TIME_END);
    assert_false(synth_next_candle(&source, &c));
    assert_int_equal(c.time, newest);
    double close[4];
    assert_int_equal(synth_fill_candles(&source, &(synth_columns){.close = close}, 4), 0);

    synth_start(&source, &options);
    synth_trade t;
    while (synth_next_trade(&source, &t)) assert_true(t.time < SYNTH_TIME_END);

    options.start = SYNTH_TIME_END - 1;
    options.interval = 1;
    synth_start(&source, &options);
    made = synth_next_candle(&source, &c);
    assert_int_equal(made, shape != SYNTH_GAPS); /* closed at midnight */
    assert_false(synth_next_candle(&source, &c));
    options.start = SYNTH_TIME_MIN;
    synth_start(&source, &options);
    assert_true(synth_next_candle(&source, &c));
  }
}

static void test_shape_names(void **state) {
  (void)state;
  static const char *const names[SYNTH_SHAPE_COUNT] = {"quiet", "trending", "gaps", "jumps"};
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++)
    assert_string_equal(synth_shape_name((synth_shape)shape), names[shape]);
  assert_null(synth_shape_name((synth_shape)SYNTH_SHAPE_COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_answers),       cmocka_unit_test(test_seeds_differ),
      cmocka_unit_test(test_candles_are_valid),   cmocka_unit_test(test_trades_are_valid),
      cmocka_unit_test(test_mean_between_trades), cmocka_unit_test(test_long_series),
      cmocka_unit_test(test_blocks_equal_rows),   cmocka_unit_test(test_columns_may_be_absent),
      cmocka_unit_test(test_gaps_keep_hours),     cmocka_unit_test(test_gaps_of_days),
      cmocka_unit_test(test_jumps_jump),          cmocka_unit_test(test_trends_go_further),
      cmocka_unit_test(test_end_of_time),         cmocka_unit_test(test_shape_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
