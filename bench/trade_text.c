#include "trade_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "inputs.h"

#define ROW_SIZE 160 /* no row is longer */

static const struct {
  const char *name;
  const char *header;
} kinds[BENCH_TRADE_FILES] = {
    [BENCH_TRADES_SPOT] = {"aggTrades-spot", ""},
    [BENCH_TRADES_FUTURES] =
        {"aggTrades-futures",
         "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"},
    [BENCH_TRADES_SINGLE] = {"trades-futures", "id,price,qty,quote_qty,time,is_buyer_maker\n"},
    [BENCH_TRADES_THREE] = {"time-price-quantity", "timestamp,price,quantity\n"},
};

struct trade {
  int64_t id, first_id, last_id, microseconds;
  uint64_t cents, quantity; /* 1e-5 */
  bool is_maker;
};

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

static void next_trade(struct trade *t, uint64_t *state) {
  t->id++;
  t->first_id = t->last_id + 1;
  t->last_id = t->first_id + (int64_t)(next_random(state) % 4);
  t->microseconds += (int64_t)(next_random(state) % 5000);
  t->cents += next_random(state) % 201 - 100;
  t->quantity = 1 + next_random(state) % (next_random(state) % 3 ? 1000000 : 100000000);
  t->is_maker = next_random(state) % 2;
}

static int write_trade(char *out, int kind, const struct trade *t) {
  const uint64_t whole = t->cents / 100, cents = t->cents % 100, units = t->quantity / 100000;
  const uint64_t milli = t->quantity / 100 % 1000, turnover = t->cents * (t->quantity / 100);
  switch (kind) {
  case BENCH_TRADES_SPOT:
    return sprintf(out,
                   "%" PRId64 ",%" PRIu64 ".%02" PRIu64 "000000,%" PRIu64 ".%05" PRIu64 "000,%" PRId64 ",%" PRId64
                   ",%" PRId64 ",%s,True\n",
                   t->id, whole, cents, units, t->quantity % 100000, t->first_id, t->last_id, t->microseconds,
                   t->is_maker ? "True" : "False");
  case BENCH_TRADES_FUTURES:
    return sprintf(
        out, "%" PRId64 ",%" PRIu64 ".%02" PRIu64 ",%" PRIu64 ".%03" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\n",
        t->id, whole, cents, units, milli, t->first_id, t->last_id, t->microseconds / 1000,
        t->is_maker ? "true" : "false");
  case BENCH_TRADES_SINGLE:
    return sprintf(out,
                   "%" PRId64 ",%" PRIu64 ".%02" PRIu64 ",%" PRIu64 ".%03" PRIu64 ",%" PRIu64 ".%05" PRIu64 ",%" PRId64
                   ",%s\n",
                   t->id, whole, cents, units, milli, turnover / 100000, turnover % 100000, t->microseconds / 1000,
                   t->is_maker ? "true" : "false");
  default:
    return sprintf(out, "%" PRId64 ",%" PRIu64 ".%02" PRIu64 "00,%" PRIu64 "\n", t->microseconds / 1000, whole, cents,
                   1 + units);
  }
}

const char *bench_trade_file_name(int kind) { return kind < BENCH_TRADE_FILES ? kinds[kind].name : NULL; }

tlw_status bench_trade_text_open(bench_text *text, int kind, int64_t n_rows, size_t *header, tlw_error *error) {
  struct trade trade = {3271459119, 0, 4122345677, 1723161256322000, 6180030, 0, false};
  uint64_t state = 88172645463325252u;
  *header = strlen(kinds[kind].header);
  text->data = bench_alloc(*header + (size_t)(n_rows + 1) * ROW_SIZE, error);
  if (!text->data) return TLW_ERR_MEMORY;
  memcpy(text->data, kinds[kind].header, *header);
  text->size = *header;
  for (int64_t i = 0; i < n_rows; i++) {
    next_trade(&trade, &state);
    text->size += (size_t)write_trade(text->data + text->size, kind, &trade);
  }
  return TLW_OK;
}
