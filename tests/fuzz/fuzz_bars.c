/*
 * Checkpoints that are made to harm, under a right checksum, and rows behind them: refused, or loaded and saved again as
 * the same, with bars that agree for rows at once and one by one. Eight bytes are settings, then come the words of the
 * checkpoint's state, laid over one that rows have left, and rows.
 */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "host/base/hash.h"
#include "tallow/bars.h"

#define HEAD 8
#define STATE_AT (16 + 10 * 8 + 128) /* behind magic, version, options and the name of the zone */
#define STATE_WORDS 112
#define ROWS 24
#define ROW_SIZE 4

static tlw_status add_up(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)error;
  uint64_t *sum = user;
  for (int64_t i = 0; i < n; i++) *sum = tlw_hash(*sum, &bars[i], sizeof bars[i]);
  return TLW_OK;
}

static tlw_bars *open_bars(const uint8_t *head, uint64_t *sum) {
  static const int64_t sizes[TLW_BARS_KINDS] = {2, 3, 700, 90000, 500, 40};
  tlw_bars_options options;
  const tlw_bars_kind kind = (tlw_bars_kind)(head[0] % TLW_BARS_KINDS);
  tlw_bars_options_init(&options, kind, (1 + (int64_t)head[1]) * sizes[kind]);
  options.fields = head[2] & 15u;
  options.on_bad = (tlw_on_bad)(head[3] & 1);
  options.unit = (tlw_time_unit)(head[3] >> 1 & 1 ? TLW_UNIT_S : TLW_UNIT_MS);
  if (kind == TLW_BARS_TIME) options.interval = (tlw_interval)(TLW_INTERVAL_SECOND + head[4] % 6);
  if (kind == TLW_BARS_TIME && options.unit == TLW_UNIT_MS) options.empty = (tlw_empty_bars)(head[5] % 3);
  if (kind == TLW_BARS_VOLUME || kind == TLW_BARS_VALUE) options.split = head[5] & 1;
  if (kind == TLW_BARS_RANGE) options.no_gate = head[5] & 1;
  tlw_bars *bars = NULL;
  *sum = TLW_HASH_START;
  if (tlw_bars_open(&options, add_up, sum, NULL, &bars, NULL) != TLW_OK) return NULL;
  return bars;
}

struct rows {
  tlw_trades trades;
  int64_t time[ROWS], price[ROWS], quantity[ROWS], id[ROWS];
  uint8_t maker[ROWS];
};

static void make_rows(struct rows *r, const uint8_t *data, size_t size, bool ids) {
  int64_t time = 1700000000, price = 1000;
  tlw_trades_init(&r->trades);
  for (; r->trades.n_rows < ROWS && size >= ROW_SIZE; data += ROW_SIZE, size -= ROW_SIZE) {
    const int64_t i = r->trades.n_rows++;
    time += data[0] < 250 ? data[0] : -data[0];
    price += (int8_t)data[1];
    r->time[i] = time;
    r->price[i] = price;
    r->quantity[i] = (int64_t)data[2] << data[3] % 20;
    r->id[i] = 3 * i + data[3] / 64;
    r->maker[i] = data[3] & 1;
  }
  r->trades.time = r->time;
  r->trades.price = r->price;
  r->trades.quantity = r->quantity;
  r->trades.is_buyer_maker = r->maker;
  if (ids) r->trades.id = r->id;
}

static void seal(uint8_t *bytes) {
  const uint64_t sum = tlw_hash(TLW_HASH_START, bytes, TLW_BARS_CHECKPOINT_SIZE - 8);
  for (int i = 0; i < 8; i++) bytes[TLW_BARS_CHECKPOINT_SIZE - 8 + i] = (uint8_t)(sum >> 8 * i);
}

/* Up to the first row that fails, and bars that a row has left for later. */
static void push_one_by_one(tlw_bars *bars, const tlw_trades *all) {
  tlw_trades row = *all;
  row.n_rows = 1;
  for (int64_t i = 0; i < all->n_rows; i++) {
    row.time = all->time + i;
    row.price = all->price + i;
    row.quantity = all->quantity + i;
    row.is_buyer_maker = all->is_buyer_maker + i;
    row.id = all->id ? all->id + i : NULL;
    if (tlw_bars_push(bars, &row, NULL) != TLW_OK) return;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEAD) return 0;
  uint64_t sum, other_sum;
  tlw_bars *bars = open_bars(data, &sum), *others = open_bars(data, &other_sum);
  if (!bars) return 0;
  const uint8_t *words = data + HEAD;
  size -= HEAD;
  struct rows before = {0}, rows = {0};
  make_rows(&before, data, HEAD, data[6] & 1);
  tlw_bars_push(bars, &before.trades, NULL);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE], again[TLW_BARS_CHECKPOINT_SIZE];
  FUZZ_CHECK(tlw_bars_save(bars, bytes, NULL) == TLW_OK);
  /* Nine bytes are the place of a word and the word. */
  const size_t n_words = data[7] % 16;
  for (size_t i = 0; i < n_words && size >= 9; i++, words += 9, size -= 9)
    memcpy(bytes + STATE_AT + 8 * (words[0] % STATE_WORDS), words + 1, 8);
  seal(bytes);
  make_rows(&rows, words, size, data[6] & 1);
  if (tlw_bars_load(bars, bytes, sizeof bytes, 0, NULL) == TLW_OK) {
    tlw_bar bar, other_bar;
    tlw_bars_report report, other_report;
    FUZZ_CHECK(tlw_bars_save(bars, again, NULL) == TLW_OK);
    FUZZ_CHECK(tlw_bars_load(others, again, sizeof again, 0, NULL) == TLW_OK);
    sum = other_sum = TLW_HASH_START;
    tlw_bars_push(bars, &rows.trades, NULL);
    push_one_by_one(others, &rows.trades);
    FUZZ_CHECK(sum == other_sum);
    FUZZ_CHECK(tlw_bars_forming(bars, &bar) == tlw_bars_forming(others, &other_bar));
    FUZZ_CHECK(memcmp(&bar, &other_bar, sizeof bar) == 0);
    tlw_bars_get_report(bars, &report);
    tlw_bars_get_report(others, &other_report);
    FUZZ_CHECK(memcmp(&report, &other_report, sizeof report) == 0);
  }
  tlw_bars_close(&bars);
  tlw_bars_close(&others);
  return 0;
}
