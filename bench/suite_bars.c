/*
 * Trades in memory to bars, kinds and fields at a time: pushed by one thread, or run as one chunk on an engine; beside
 * reading the same columns once.
 */
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define ROWS 8000000    /* of which nothing stays in a cache */
#define MINUTE_ROWS 190 /* of the trades, on average */
#define MINUTE_VOLUME (INT64_C(50000000) * MINUTE_ROWS)

/* Columns beside time, price and quantity. */
enum columns { PLAIN, WITH_ID, ALL_COLUMNS, NO_QUANTITY };

static const struct shape {
  const char *name;
  tlw_bars_kind kind;
  int64_t size;
  uint32_t fields;
  enum columns columns;
} shapes[] = {
    {"time-1m/ohlc-volume-quote", TLW_BARS_TIME, 1, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN},
    {"time-1m/ohlc-volume-quote-id", TLW_BARS_TIME, 1, TLW_BAR_VOLUME | TLW_BAR_QUOTE, WITH_ID},
    {"time-5m/ohlc-volume-quote", TLW_BARS_TIME, 5, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN},
    {"time-1m/ohlc-volume", TLW_BARS_TIME, 1, TLW_BAR_VOLUME, PLAIN},
    {"time-1m/all", TLW_BARS_TIME, 1, 15, ALL_COLUMNS},
    {"range-250/ohlc-volume", TLW_BARS_RANGE, 250, TLW_BAR_VOLUME, PLAIN},
    {"range-250/ohlc-volume-quote", TLW_BARS_RANGE, 250, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN},
    {"tick-1000/ohlc", TLW_BARS_TICK, 1000, 0, NO_QUANTITY},
    {"tick-1000/ohlc-volume", TLW_BARS_TICK, 1000, TLW_BAR_VOLUME, PLAIN},
    {"volume/ohlc-volume", TLW_BARS_VOLUME, MINUTE_VOLUME, TLW_BAR_VOLUME, PLAIN},
    {"volume/ohlc-volume-quote", TLW_BARS_VOLUME, MINUTE_VOLUME, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN},
    {"value/ohlc-volume-quote", TLW_BARS_VALUE, MINUTE_VOLUME * 60000, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN},
    {"renko-80/ohlc-volume", TLW_BARS_RENKO, 80 * (int64_t)TLW_DECIMAL_ONE, TLW_BAR_VOLUME, PLAIN},
};

enum { SHAPE, KIND, N_ROWS };
enum { PUSH, RUN, READ, KINDS };
static const char *const kind_names[KINDS] = {"push", "run", "read"};

struct state {
  tlw_trades trades;
  tlw_bars *bars;
  tlw_engine *engine; /* NULL: tlw_bars_push */
  bool hashes;
  uint64_t hash;
};

static tlw_trades choose_columns(const tlw_trades *all, int64_t n_rows, enum columns columns) {
  tlw_trades trades = *all;
  trades.n_rows = n_rows;
  if (columns == NO_QUANTITY) trades.quantity = NULL;
  if (columns != ALL_COLUMNS) trades.first_id = trades.last_id = NULL;
  if (columns != ALL_COLUMNS) trades.is_buyer_maker = NULL;
  if (columns != ALL_COLUMNS && columns != WITH_ID) trades.id = NULL;
  return trades;
}

static double bytes_of_row(const tlw_trades *trades) {
  return 16 + (trades->quantity ? 8 : 0) + (trades->id ? 8 : 0) + (trades->first_id ? 16 : 0) +
         (trades->is_buyer_maker ? 1 : 0);
}

static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  struct state *s = user;
  (void)error;
  if (s->hashes) s->hash = bench_hash(s->hash, bars, (size_t)n * sizeof *bars);
  return TLW_OK;
}

static tlw_status make_bars(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) {
    tlw_bars_clear(s->bars);
    status = s->engine ? tlw_bars_run(s->engine, &s->bars, &s->trades, 1, NULL, error)
                       : tlw_bars_push(s->bars, &s->trades, error);
  }
  return status;
}

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  struct state *s = state;
  s->hashes = true;
  s->hash = BENCH_HASH_START;
  const tlw_status status = make_bars(s, 1, error);
  s->hashes = false;
  *hash = s->hash;
  return status;
}

/* ---- reading alone ---- */

/* A vector that every CPU has, four of which are a line. */
typedef uint64_t two __attribute__((vector_size(16)));
#define LINE 64

/* So many bytes of each column in turn. */
#define BLOCK 8192

static uint64_t sum_lines(const void *column, size_t from, size_t to) {
  two sums[4] = {{0}};
  for (size_t i = from; i + LINE <= to; i += LINE) {
    two x[4];
    memcpy(x, (const uint8_t *)column + i, LINE);
    for (int k = 0; k < 4; k++) sums[k] += x[k];
  }
  const two sum = sums[0] + sums[1] + sums[2] + sums[3];
  return sum[0] + sum[1];
}

static volatile uint64_t seen;

static tlw_status read_columns(void *state, int64_t calls, tlw_error *error) {
  (void)error;
  const tlw_trades *t = &((const struct state *)state)->trades;
  const void *const columns[] = {t->time, t->price, t->quantity, t->id, t->first_id, t->last_id};
  const size_t size = (size_t)t->n_rows * sizeof(int64_t);
  uint64_t sum = 0;
  for (int64_t call = 0; call < calls; call++)
    for (size_t from = 0; from < size; from += BLOCK) {
      const size_t to = from + BLOCK < size ? from + BLOCK : size;
      for (size_t k = 0; k < BENCH_COUNT(columns); k++)
        if (columns[k]) sum += sum_lines(columns[k], from, to);
      if (t->is_buyer_maker) sum += sum_lines(t->is_buyer_maker, from / 8, to / 8);
    }
  seen += sum;
  return TLW_OK;
}

/* ---- the suite ---- */

static void close_state(void *state) {
  struct state *s = state;
  tlw_bars_close(&s->bars);
  tlw_engine_close(&s->engine);
  free(s);
}

static tlw_status open_bars(struct state *s, const struct shape *shape, tlw_error *error) {
  tlw_bars_options options;
  tlw_bars_options_init(&options, shape->kind, shape->size);
  options.fields = shape->fields;
  return tlw_bars_open(&options, take_bars, s, NULL, &s->bars, error);
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  const struct shape *shape = &shapes[what->numbers[SHAPE]];
  const int64_t kind = what->numbers[KIND];
  const tlw_trades *all = bench_trades(what->numbers[N_ROWS], error);
  struct state *s = all ? bench_alloc(sizeof *s, error) : NULL;
  if (!s) return error->code;
  *s = (struct state){.trades = choose_columns(all, what->numbers[N_ROWS], shape->columns)};
  tlw_status status = kind == READ ? TLW_OK : open_bars(s, shape, error);
  if (status == TLW_OK && kind == RUN) status = bench_engine_open(lane, &s->engine, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  *subject = (bench_subject){.state = s,
                             .run = kind == READ ? read_columns : make_bars,
                             .hash = kind == READ ? NULL : hash,
                             .close = close_state,
                             .engine = s->engine,
                             .item = "rows",
                             .items = (double)s->trades.n_rows,
                             .bytes = bytes_of_row(&s->trades) * (double)s->trades.n_rows};
  return TLW_OK;
}

static void list(bench_cases *cases) {
  const int64_t rows = cases->rows ? cases->rows : ROWS;
  for (size_t i = 0; i < BENCH_COUNT(shapes); i++)
    for (int kind = 0; kind < KINDS; kind++) {
      const bench_case add = {.lanes = kind == RUN ? BENCH_LANES_ALL : BENCH_LANES_ALONE,
                              .usual = (i == 0 && kind != READ) ||
                                       (strcmp(shapes[i].name, "range-250/ohlc-volume") == 0 && kind == PUSH),
                              .numbers = {(int64_t)i, kind, rows}};
      bench_add(cases, &add, "bars/%s/%s", shapes[i].name, kind_names[kind]);
    }
}

const bench_suite bench_suite_bars = {"bars", "trades in memory to bars", list, open_case};
