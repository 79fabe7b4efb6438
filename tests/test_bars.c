/*
 * Bars against the oracle, bit by bit: every kind and option, over random and hostile streams, in chunks of every
 * size, by one push or many at once on each backend, with sinks that fail and runs that go on from checkpoints.
 *
 *   test_bars [TARGET...]     cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N       streams of the first test, 50 unless told; half of it on devices
 *   TALLOW_TEST_SEED=S        other numbers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bars_cases.h"
#include "bars_oracle.h"
#include "harness.h"
#include "interval_oracle.h"

#define FIRST_SEED 20260301
#define CASES 50
#define MAX_FAILURES 5
#define MAX_ENGINES 3
#define MAX_PLAYERS 12
#define LONG_ROWS 30000 /* from here on only the state at the end is compared */

typedef unsigned __int128 wide;

typedef struct fixture {
  target_list list;
  tlw_engine *engines[TARGETS_MAX][MAX_ENGINES];
  int n_engines[TARGETS_MAX];
  bool on_devices;
  bars_zones zones;
  uint64_t seed;
  int64_t cases;
  int failures;
} fixture;

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

static void *memory_for(int64_t n, size_t size) {
  void *memory = calloc(n > 0 ? (size_t)n : 1, size);
  assert_non_null(memory);
  return memory;
}

/* ---- what is expected ---- */

typedef struct state_after {
  tlw_bar forming;
  int is_forming;
  tlw_bars_report report;
} state_after;

/* What the oracle makes of a stream. Refused rows are left out. */
typedef struct expectation {
  bars_stream stream;
  tlw_bars_options options;
  tlw_bar *bars;
  int64_t n_bars, capacity;
  state_after *after; /* n_rows + 1: of rows so far; of long streams the last alone */
  bool *refused, *skipped;
  bool is_long, any_refused;
} expectation;

static void keep_bar(void *user, const tlw_bar *bar) {
  expectation *e = user;
  if (e->n_bars == e->capacity) {
    e->capacity = e->capacity * 2 + 64;
    e->bars = realloc(e->bars, (size_t)e->capacity * sizeof *e->bars);
    assert_non_null(e->bars);
  }
  e->bars[e->n_bars++] = *bar;
}

static void keep_state(expectation *e, const bars_oracle *o, int64_t rows) {
  if (e->is_long && rows < e->stream.trades.n_rows) return;
  state_after *after = &e->after[e->is_long ? 0 : rows];
  after->is_forming = bars_oracle_forming(o, &after->forming);
  after->report = o->report;
}

/* The stream and options are there. */
static void expect(expectation *e) {
  const int64_t n = e->stream.trades.n_rows;
  bars_oracle o;
  bars_oracle_open(&o, &e->options, keep_bar, e);
  e->is_long = n >= LONG_ROWS;
  e->after = memory_for(e->is_long ? 1 : n + 1, sizeof *e->after);
  e->refused = memory_for(n, sizeof *e->refused);
  e->skipped = memory_for(n, sizeof *e->skipped);
  keep_state(e, &o, 0);
  for (int64_t i = 0; i < n; i++) {
    const int64_t last_id = o.report.last_id;
    e->refused[i] = bars_oracle_take(&o, &e->stream.trades, i) != TLW_OK;
    e->skipped[i] = !e->refused[i] && o.report.last_id == last_id;
    e->any_refused = e->any_refused || e->refused[i];
    keep_state(e, &o, i + 1);
  }
}

static const state_after *state_of(const expectation *e, int64_t rows) {
  if (!e->is_long) return &e->after[rows];
  return rows == e->stream.trades.n_rows ? e->after : NULL;
}

static void forget(expectation *e) {
  bars_stream_close(&e->stream);
  free(e->bars);
  free(e->after);
  free(e->refused);
  free(e->skipped);
}

static expectation *expect_random(const fixture *f, const bars_shape *shape, uint64_t seed) {
  rng r = {seed};
  expectation *e = memory_for(1, sizeof *e);
  bars_stream_open(&e->stream, shape, rng_next(&r));
  bars_options_for(&e->options, &e->stream, &f->zones, &r);
  assert_int_equal(tlw_bars_check(&e->options, NULL), TLW_OK);
  expect(e);
  return e;
}

/* ---- conservation ---- */

/* Sums, those of 128 bits without what is beyond them. */
typedef struct totals {
  wide volume, quote, buy_volume, sell_volume, buy_quote, sell_quote;
  int64_t rows, trades, buy_trades, sell_trades;
} totals;

static wide whole(tlw_u128 x) { return (wide)x.high << 64 | x.low; }

static void add_bar(totals *t, const tlw_bar *bar) {
  t->volume += whole(bar->volume);
  t->quote += whole(bar->quote_volume);
  t->buy_volume += whole(bar->buy_volume);
  t->sell_volume += whole(bar->sell_volume);
  t->buy_quote += whole(bar->buy_quote_volume);
  t->sell_quote += whole(bar->sell_quote_volume);
  t->rows += bar->agg_trades;
  t->trades += bar->trades;
  t->buy_trades += bar->buy_trades;
  t->sell_trades += bar->sell_trades;
}

static int64_t trades_of(const tlw_trades *t, int64_t i) {
  if (t->open != NULL) return t->count != NULL ? t->count[i] : 0;
  return t->first_id != NULL ? t->last_id[i] - t->first_id[i] + 1 : 1;
}

static wide turnover_of(const tlw_trades *t, int64_t i) {
  if (t->open == NULL) return (wide)t->price[i] * (wide)t->quantity[i];
  return t->quote != NULL ? (wide)t->quote[i] * TLW_DECIMAL_ONE : 0;
}

/* What all bars of a stream must have together. */
static totals totals_of(const expectation *e) {
  const tlw_trades *t = &e->stream.trades;
  const uint32_t fields = e->options.fields;
  const bool sides = fields & TLW_BAR_SIDES;
  totals sum = {0};
  for (int64_t i = 0; i < t->n_rows; i++) {
    if (e->refused[i] || e->skipped[i]) continue;
    const wide volume = fields & TLW_BAR_VOLUME ? (wide)t->quantity[i] : 0;
    const wide quote = fields & TLW_BAR_QUOTE ? turnover_of(t, i) : 0;
    const bool buy = sides && t->is_buyer_maker[i] == 0, sell = sides && t->is_buyer_maker[i] != 0;
    sum.volume += volume;
    sum.quote += quote;
    sum.buy_volume += buy ? volume : 0;
    sum.sell_volume += sell ? volume : 0;
    sum.buy_quote += buy ? quote : 0;
    sum.sell_quote += sell ? quote : 0;
    sum.rows++;
    sum.trades += fields & TLW_BAR_IDS ? trades_of(t, i) : 0;
    sum.buy_trades += buy ? trades_of(t, i) : 0;
    sum.sell_trades += sell ? trades_of(t, i) : 0;
  }
  return sum;
}

/* ---- what is got ---- */

typedef struct player {
  const fixture *f;
  const target *t;
  const expectation *e;
  rng r;
  uint64_t fails; /* one call of the sink in so many; 0: none */
  tlw_bars *bars;
  int64_t at;      /* rows given */
  int64_t seen;    /* rows given again */
  int64_t again;   /* of them, how many are still to come */
  int64_t n_given; /* bars */
  bool waiting;    /* bars wait for the sink */
  bool good;
  totals sums;
} player;

static void print_bar(const char *name, const tlw_bar *b) {
  print_error(
      "  %s: times %lld to %lld, prices %lld %lld %lld %lld, volume %llu:%llu, quote %llu:%llu, vwap %lld,\n"
      "    trades %lld, rows %lld, buy %llu:%llu, %llu:%llu, %lld, sell %llu:%llu, %llu:%llu, %lld, ids %lld to "
      "%lld, flags %u, reserved %u\n",
      name, (long long)b->open_time, (long long)b->close_time, (long long)b->open, (long long)b->high,
      (long long)b->low, (long long)b->close, (unsigned long long)b->volume.high, (unsigned long long)b->volume.low,
      (unsigned long long)b->quote_volume.high, (unsigned long long)b->quote_volume.low, (long long)b->vwap,
      (long long)b->trades, (long long)b->agg_trades, (unsigned long long)b->buy_volume.high,
      (unsigned long long)b->buy_volume.low, (unsigned long long)b->buy_quote_volume.high,
      (unsigned long long)b->buy_quote_volume.low, (long long)b->buy_trades, (unsigned long long)b->sell_volume.high,
      (unsigned long long)b->sell_volume.low, (unsigned long long)b->sell_quote_volume.high,
      (unsigned long long)b->sell_quote_volume.low, (long long)b->sell_trades, (long long)b->first_id,
      (long long)b->last_id, b->flags, b->reserved);
}

static void print_report(const char *name, const tlw_bars_report *r) {
  print_error(
      "  %s: rows %lld, bars %lld, seen %lld, skipped %lld %lld %lld %lld, first %lld %lld %lld %lld, last %lld "
      "%lld\n",
      name, (long long)r->rows, (long long)r->bars, (long long)r->seen, (long long)r->skipped[0],
      (long long)r->skipped[1], (long long)r->skipped[2], (long long)r->skipped[3], (long long)r->first_skipped[0],
      (long long)r->first_skipped[1], (long long)r->first_skipped[2], (long long)r->first_skipped[3],
      (long long)r->last_time, (long long)r->last_id);
}

/* Says once what is wrong, and with which stream. */
static bool is_wrong(player *p, const char *what) {
  const bars_stream *s = &p->e->stream;
  char text[256];
  if (!p->good) return false;
  p->good = false;
  print_error("%s: %s at row %lld of %lld, bar %lld of %lld\n  %s\n  times %s, prices %s, quantities %s, ids %s%s\n"
              "  stream 0x%llx of TALLOW_TEST_SEED=%llu\n",
              p->t->name, what, (long long)p->at, (long long)s->trades.n_rows, (long long)p->n_given,
              (long long)p->e->n_bars, bars_options_text(&p->e->options, text, sizeof text), s->times, s->prices,
              s->quantities, s->ids, s->trades.open != NULL ? ", rows are bars" : "", (unsigned long long)s->seed,
              (unsigned long long)p->f->seed);
  return false;
}

static bool bar_agrees(player *p, const tlw_bar *bar, const tlw_bar *expected) {
  if (memcmp(bar, expected, sizeof *bar) == 0) return true;
  is_wrong(p, "a bar is another");
  print_bar("got", bar);
  print_bar("expected", expected);
  return false;
}

static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error) {
  player *p = user;
  if (error == NULL || n_bars < 1) is_wrong(p, "the sink was called without bars or an error");
  if (p->good && p->fails > 0 && one_in(&p->r, p->fails)) {
    p->waiting = true;
    error->code = TLW_ERR_CANCELLED;
    snprintf(error->message, sizeof error->message, "the sink of the test fails");
    return TLW_ERR_CANCELLED;
  }
  for (int64_t i = 0; i < n_bars && p->good; i++) {
    if (p->n_given == p->e->n_bars) {
      is_wrong(p, "there are too many bars");
      print_bar("got", &bars[i]);
    } else if (bar_agrees(p, &bars[i], &p->e->bars[p->n_given])) {
      add_bar(&p->sums, &bars[i]);
      p->n_given++;
    }
  }
  return TLW_OK;
}

static void open_bars(player *p) {
  tlw_error error;
  if (p->t->tier != NULL) setenv("TALLOW_CPU_TIER", p->t->tier, 1);
  const tlw_status status = tlw_bars_open(&p->e->options, take_bars, p, NULL, &p->bars, &error);
  unsetenv("TALLOW_CPU_TIER");
  if (status != TLW_OK) fail_msg("%s: %s", tlw_status_name(status), error.message);
}

static void player_open(player *p, const fixture *f, const target *t, const expectation *e, uint64_t seed) {
  *p = (player){.f = f, .t = t, .e = e, .r = {seed}, .good = true};
  open_bars(p);
}

#define GUARD UINT64_C(0xA5C3A5C3A5C3A5C3)

/* Memory of which every word is poisoned before a call, and those around it must stay. */
typedef struct guarded_bar {
  uint64_t front[4];
  tlw_bar bar;
  uint64_t back[4];
} guarded_bar;

static bool forming_agrees(player *p, const state_after *expected) {
  guarded_bar g, unchanged;
  memset(&g, 0xA5, sizeof g);
  unchanged = g;
  if (tlw_bars_forming(p->bars, &g.bar) != expected->is_forming) return is_wrong(p, "whether a bar is forming");
  if (memcmp(g.front, unchanged.front, sizeof g.front) != 0 || memcmp(g.back, unchanged.back, sizeof g.back) != 0)
    return is_wrong(p, "words around the forming bar changed");
  return bar_agrees(p, &g.bar, &expected->forming);
}

static bool report_agrees(player *p, const state_after *expected) {
  tlw_bars_report report, wanted = expected->report;
  memset(&report, 0xA5, sizeof report);
  tlw_bars_get_report(p->bars, &report);
  wanted.seen = p->seen - p->again;
  if (memcmp(&report, &wanted, sizeof report) == 0) return true;
  is_wrong(p, "the report is another");
  print_report("got", &report);
  print_report("expected", &wanted);
  return false;
}

static bool state_agrees(player *p) {
  const state_after *expected = state_of(p->e, p->at - p->again);
  if (p->waiting || p->again > 0 || expected == NULL) return true;
  return forming_agrees(p, expected) && report_agrees(p, expected);
}

static tlw_bars_report report_of(const player *p) {
  tlw_bars_report report;
  tlw_bars_get_report(p->bars, &report);
  return report;
}

/* Judges a push of n rows. `error` may be NULL: then it is not known. */
static bool push_agrees(player *p, int64_t n, const tlw_bars_report *before, tlw_status status,
                        const tlw_error *error) {
  const tlw_bars_report now = report_of(p);
  const int64_t seen = now.seen - before->seen, taken = now.rows - before->rows + seen;
  if (!p->good) return false;
  p->at += taken - seen;
  p->again -= seen;
  if (taken < 0 || taken > n || seen < 0 || p->again < 0) return is_wrong(p, "the report counts other rows");
  if (error != NULL && (error->code != status || error->message[0] == '\0'))
    return is_wrong(p, "the error says another thing");
  if (status == TLW_ERR_CANCELLED) return p->waiting || is_wrong(p, "the sink did not fail");
  p->waiting = false;
  if (status == TLW_OK) return (taken == n || is_wrong(p, "not all rows were taken")) && state_agrees(p);
  if (status != TLW_ERR_DATA || taken == n || !p->e->refused[p->at])
    return is_wrong(p, error != NULL ? error->message : tlw_status_name(status));
  if (error != NULL && error->row != taken) return is_wrong(p, "the error names another row");
  if (!state_agrees(p)) return false;
  p->at++; /* it is left out */
  return true;
}

/* What comes next, up to n rows: those that come again first. */
static tlw_trades next_rows(const player *p, int64_t n) {
  const bars_stream *s = &p->e->stream;
  return bars_stream_view(s, p->at - p->again, n);
}

static bool push(player *p, int64_t n) {
  const tlw_trades rows = next_rows(p, n);
  const tlw_bars_report before = report_of(p);
  tlw_error error = {.code = TLW_OK};
  const tlw_status status = tlw_bars_push(p->bars, &rows, &error);
  return push_agrees(p, rows.n_rows, &before, status, status != TLW_OK ? &error : NULL);
}

static bool has_more(const player *p) {
  return p->good && (p->at < p->e->stream.trades.n_rows || p->waiting || p->again > 0);
}

/* At the end: every bar was given, nothing was lost, no column written to. */
static bool player_close(player *p) {
  guarded_bar g;
  if (p->good && p->n_given != p->e->n_bars) is_wrong(p, "bars are missing");
  if (p->good && tlw_bars_forming(p->bars, &g.bar)) add_bar(&p->sums, &g.bar);
  const totals expected = totals_of(p->e);
  if (p->good && memcmp(&p->sums, &expected, sizeof expected) != 0)
    is_wrong(p, "sums of all bars are not those of rows");
  if (p->good && !bars_stream_unharmed(&p->e->stream)) is_wrong(p, "columns were written to");
  tlw_bars_close(&p->bars);
  assert_null(p->bars);
  return p->good;
}

/* ---- chunks ---- */

typedef enum chunking { BY_ROW, BY_SOME, BY_MANY, AT_ONCE } chunking;

static int64_t chunk(chunking by, rng *r) {
  switch (by) {
  case BY_ROW:
    return 1;
  case BY_SOME:
    return (int64_t)rng_below(r, 40);
  case BY_MANY:
    return (int64_t)rng_below(r, 9000);
  case AT_ONCE:
    break;
  }
  return INT64_MAX;
}

/* ---- one stream ---- */

/* The bytes of a checkpoint, each of which must have been written, with guards around them. */
typedef struct checkpoint {
  uint64_t front[8];
  unsigned char bytes[TLW_BARS_CHECKPOINT_SIZE];
  uint64_t back[8];
} checkpoint;

static bool save_once(player *p, checkpoint *c, int poison) {
  checkpoint unchanged;
  tlw_error error;
  memset(c, poison, sizeof *c);
  unchanged = *c;
  if (tlw_bars_save(p->bars, c->bytes, &error) != TLW_OK) return is_wrong(p, error.message);
  return (memcmp(c->front, unchanged.front, sizeof c->front) == 0 &&
          memcmp(c->back, unchanged.back, sizeof c->back) == 0) ||
         is_wrong(p, "words around the checkpoint changed");
}

static bool save(player *p, checkpoint *c) {
  checkpoint other;
  if (!save_once(p, c, 0xA5) || !save_once(p, &other, 0x3C)) return false;
  return memcmp(c->bytes, other.bytes, sizeof c->bytes) == 0 || is_wrong(p, "a checkpoint is not written as a whole");
}

/* How many rows come again after a resume: none where rows at fault could be among them. */
static int64_t rows_again(player *p) {
  const tlw_bars_report *report = &p->e->after[p->at].report;
  if (p->e->any_refused || report->rows != p->at) return 0;
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++)
    if (report->skipped[i] > 0) return 0;
  return (int64_t)rng_below(&p->r, (uint64_t)(one_in(&p->r, 2) ? 40 : p->at) + 1) % (p->at + 1);
}

static bool go_on_from_a_checkpoint(player *p) {
  checkpoint c;
  tlw_error error;
  if (!save(p, &c)) return false;
  tlw_bars_close(&p->bars);
  open_bars(p);
  const int64_t again = rows_again(p), row = p->e->after[p->at].report.rows - again;
  if (tlw_bars_load(p->bars, c.bytes, sizeof c.bytes, row, &error) != TLW_OK) return is_wrong(p, error.message);
  p->seen += again;
  p->again = again;
  return state_agrees(p);
}

/* With ids a row at fault that comes next could be taken for one that comes again. */
static bool may_resume(const player *p) {
  const expectation *e = p->e;
  if (p->waiting || p->again > 0) return false;
  if (e->stream.trades.id == NULL || p->at == e->stream.trades.n_rows) return true;
  return !e->refused[p->at] && !e->skipped[p->at];
}

typedef struct way {
  chunking by;
  uint64_t fails;   /* one call of the sink in so many; 0: none */
  uint64_t resumes; /* before one push in so many; 0: none */
} way;

static bool stream_agrees(const fixture *f, const target *t, const expectation *e, way w, uint64_t seed) {
  player p;
  player_open(&p, f, t, e, seed);
  p.fails = w.fails;
  while (has_more(&p)) {
    if (w.resumes > 0 && may_resume(&p) && one_in(&p.r, w.resumes) && !go_on_from_a_checkpoint(&p)) break;
    if (!push(&p, chunk(w.by, &p.r))) break;
  }
  return player_close(&p);
}

static void check_failures(const fixture *f) { assert_true(f->failures < MAX_FAILURES); }

static int64_t some_rows(rng *r, int64_t most) {
  int64_t limit = most;
  for (uint64_t k = rng_below(r, 5); k > 0 && limit > 8; k--) limit /= 4;
  return (int64_t)rng_below(r, (uint64_t)limit + 1);
}

static bars_shape any_shape(rng *r, int64_t most) {
  return (bars_shape){.n_rows = some_rows(r, most), .are_bars = one_in(r, 6), .are_good = one_in(r, 2)};
}

/* Each stream in every way on each CPU tier: the other targets push as the CPU does. */
static void test_streams(void **state) {
  static const way ways[] = {{.by = AT_ONCE}, {.by = BY_MANY}, {.by = BY_SOME}, {.by = BY_ROW}};
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    rng r = {f->seed + (uint64_t)i};
    const bars_shape shape = any_shape(&r, 12000);
    expectation *e = expect_random(f, &shape, rng_next(&r));
    for (size_t k = 0; k < f->list.count; k++) {
      for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
        f->failures += !stream_agrees(f, &f->list.targets[k], e, ways[w], rng_next(&r));
      f->list.targets[k].cases++;
    }
    forget(e);
    free(e);
    check_failures(f);
  }
  assert_int_equal(f->failures, 0);
}

static void test_sinks_that_fail(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    rng r = {f->seed + UINT64_C(3001) * (uint64_t)i};
    const bars_shape shape = any_shape(&r, 3000);
    expectation *e = expect_random(f, &shape, rng_next(&r));
    const way w = {.by = (chunking)rng_below(&r, 4), .fails = 2 + rng_below(&r, 10)};
    const size_t k = rng_below(&r, f->list.count);
    f->failures += !stream_agrees(f, &f->list.targets[k], e, w, rng_next(&r));
    forget(e);
    free(e);
    check_failures(f);
  }
  assert_int_equal(f->failures, 0);
}

static void test_checkpoints(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    rng r = {f->seed + UINT64_C(5003) * (uint64_t)i};
    const bars_shape shape = any_shape(&r, 3000);
    expectation *e = expect_random(f, &shape, rng_next(&r));
    const way w = {.by = (chunking)rng_below(&r, 3), .fails = rng_below(&r, 3) * 7, .resumes = 1 + rng_below(&r, 20)};
    const size_t k = rng_below(&r, f->list.count);
    f->failures += !stream_agrees(f, &f->list.targets[k], e, w, rng_next(&r));
    forget(e);
    free(e);
    check_failures(f);
  }
  assert_int_equal(f->failures, 0);
}

/* ---- many streams ---- */

/* One call with a chunk for each that has more. */
static bool run_once(tlw_engine *engine, player *players, int n, chunking by) {
  tlw_bars *bars[MAX_PLAYERS];
  tlw_trades rows[MAX_PLAYERS];
  tlw_status statuses[MAX_PLAYERS];
  tlw_bars_report before[MAX_PLAYERS];
  int of[MAX_PLAYERS], count = 0;
  for (int i = 0; i < n; i++) {
    if (!has_more(&players[i])) continue;
    bars[count] = players[i].bars;
    rows[count] = next_rows(&players[i], chunk(by, &players[i].r));
    before[count] = report_of(&players[i]);
    statuses[count] = (tlw_status)-1;
    of[count++] = i;
  }
  if (count == 0) return false;
  tlw_error error = {.code = TLW_OK};
  const tlw_status status = tlw_bars_run(engine, bars, rows, count, statuses, &error);
  tlw_status first = TLW_OK;
  for (int k = 0; k < count; k++) {
    const bool is_first = first == TLW_OK && statuses[k] != TLW_OK;
    if (is_first) first = statuses[k];
    push_agrees(&players[of[k]], rows[k].n_rows, &before[k], statuses[k], is_first ? &error : NULL);
  }
  return status == first || is_wrong(&players[of[0]], "the status of all is not that of the first that failed");
}

static int play_together(fixture *f, const target *t, tlw_engine *engine, expectation **all, int n, chunking by,
                         uint64_t seed) {
  player players[MAX_PLAYERS];
  int failures = 0;
  for (int i = 0; i < n; i++) {
    player_open(&players[i], f, t, all[i], seed + (uint64_t)i);
    players[i].fails = (seed + (uint64_t)i) % 4 == 0 ? 5 : 0;
  }
  while (run_once(engine, players, n, by)) {
  }
  for (int i = 0; i < n; i++) failures += !player_close(&players[i]);
  return failures;
}

static void run_together(fixture *f, const bars_shape *shape, int n, int64_t most, chunking by, rng *r) {
  expectation *all[MAX_PLAYERS];
  for (int i = 0; i < n; i++) {
    const bars_shape own = shape != NULL ? *shape : any_shape(r, most);
    all[i] = expect_random(f, &own, rng_next(r));
  }
  for (size_t k = 0; k < f->list.count; k++) {
    for (int i = 0; i < f->n_engines[k]; i++)
      f->failures += play_together(f, &f->list.targets[k], f->engines[k][i], all, n, by, rng_next(r));
    f->list.targets[k].cases++;
  }
  for (int i = 0; i < n; i++) {
    forget(all[i]);
    free(all[i]);
  }
  check_failures(f);
}

static void test_many_at_once(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 3; i++) {
    rng r = {f->seed + UINT64_C(7001) * (uint64_t)i};
    run_together(f, NULL, 1 + (int)rng_below(&r, MAX_PLAYERS), 4000, (chunking)(1 + rng_below(&r, 3)), &r);
  }
  assert_int_equal(f->failures, 0);
}

/* One chunk that threads, or a device, share; or three. A row at fault may make all behind it so: there are less. */
static void test_long_chunks(void **state) {
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases / 5; i++) {
    rng r = {f->seed + UINT64_C(11001) * (uint64_t)i};
    const bool good = !one_in(&r, 4);
    const uint64_t further = !good ? 4000 : i % 4 == 0 ? 300000 : 60000;
    const int64_t least = f->on_devices ? 70000 : LONG_ROWS; /* what devices get is long */
    const bars_shape shape = {.n_rows = least + (int64_t)rng_below(&r, further),
                              .are_bars = one_in(&r, f->on_devices ? 2 : 6),
                              .are_good = good};
    run_together(f, &shape, i % 3 == 0 ? 3 : 1, 0, i % 5 == 0 ? BY_MANY : AT_ONCE, &r);
  }
  assert_int_equal(f->failures, 0);
}

/* ---- by hand ---- */

/* A row, and the bar that it closes first, if rows is not 0. */
typedef struct example_bar {
  int64_t open_time, close_time, open, high, low, close, volume, rows, vwap, flags;
} example_bar;

typedef struct example {
  tlw_bars_kind kind;
  int64_t size;
  int32_t split, no_gate;
  tlw_empty_bars empty;
  int64_t times[12], prices[12], quantities[12];
  int n_rows, n_bars;
  example_bar bars[12];
} example;

static const example examples[] = {
    /* A trade at the time at which the bar opened closes nothing; one at the open + 0.25% does. */
    {.kind = TLW_BARS_RANGE,
     .size = 250,
     .times = {7, 7, 8, 9, 9},
     .prices = {100000, 100300, 100100, 100250, 50000},
     .quantities = {1, 1, 1, 1, 1},
     .n_rows = 5,
     .n_bars = 1,
     .bars = {{7, 9, 100000, 100300, 100000, 100250, 4, 4, 100162, 0}}},
    {.kind = TLW_BARS_RANGE,
     .size = 250,
     .no_gate = 1,
     .times = {7, 7, 8, 9, 9},
     .prices = {100000, 100300, 100100, 100250, 50000},
     .quantities = {1, 1, 1, 1, 1},
     .n_rows = 5,
     .n_bars = 2,
     .bars = {{7, 7, 100000, 100300, 100000, 100300, 2, 2, 100150, 0},
              {8, 9, 100100, 100250, 50000, 50000, 3, 3, 83450, 0}}},
    /* Up, twice by one row, down from two bricks below, and up again. */
    {.kind = TLW_BARS_RENKO,
     .size = 10,
     .times = {1, 2, 3, 4, 5, 6, 7, 8, 9},
     .prices = {100, 105, 99, 110, 131, 121, 110, 129, 130},
     .quantities = {1, 1, 1, 1, 1, 1, 1, 1, 1},
     .n_rows = 9,
     .n_bars = 5,
     .bars = {{1, 4, 100, 110, 99, 110, 4, 4, 103, 0},
              {5, 5, 110, 120, 110, 120, 1, 1, 131, 0},
              {5, 5, 120, 130, 120, 130, 0, 0, 130, 0},
              {6, 7, 120, 131, 110, 110, 2, 2, 115, 0},
              {8, 9, 120, 130, 110, 130, 2, 2, 129, 0}}},
    /* A row is the end of one bar, two whole ones, and the beginning of a fourth. */
    {.kind = TLW_BARS_VOLUME,
     .size = 10,
     .split = 1,
     .times = {1, 2, 3},
     .prices = {5, 6, 7},
     .quantities = {4, 27, 9},
     .n_rows = 3,
     .n_bars = 4,
     .bars = {{1, 2, 5, 6, 5, 6, 10, 2, 5, 0},
              {2, 2, 6, 6, 6, 6, 10, 0, 6, 0},
              {2, 2, 6, 6, 6, 6, 10, 0, 6, 0},
              {2, 3, 6, 7, 6, 7, 10, 1, 6, 0}}},
    {.kind = TLW_BARS_VOLUME,
     .size = 10,
     .times = {1, 2, 3},
     .prices = {5, 6, 7},
     .quantities = {4, 27, 9},
     .n_rows = 3,
     .n_bars = 1,
     .bars = {{1, 2, 5, 6, 5, 6, 31, 2, 5, 0}}},
    /* 4 at 3.0 are the least that make 10. */
    {.kind = TLW_BARS_VALUE,
     .size = 10,
     .split = 1,
     .times = {1, 2},
     .prices = {300000000, 300000000},
     .quantities = {9, 3},
     .n_rows = 2,
     .n_bars = 3,
     .bars = {{1, 1, 300000000, 300000000, 300000000, 300000000, 4, 1, 300000000, 0},
              {1, 1, 300000000, 300000000, 300000000, 300000000, 4, 0, 300000000, 0},
              {1, 2, 300000000, 300000000, 300000000, 300000000, 4, 1, 300000000, 0}}},
    {.kind = TLW_BARS_TIME,
     .size = 1,
     .empty = TLW_EMPTY_FLAT,
     .times = {60000, 119999, 240000},
     .prices = {5, 8, 7},
     .quantities = {1, 2, 3},
     .n_rows = 3,
     .n_bars = 3,
     .bars = {{60000, 119999, 5, 8, 5, 8, 3, 2, 7, 0},
              {120000, 179999, 8, 8, 8, 8, 0, 0, 8, TLW_BAR_EMPTY},
              {180000, 239999, 8, 8, 8, 8, 0, 0, 8, TLW_BAR_EMPTY}}},
    {.kind = TLW_BARS_TIME,
     .size = 2,
     .empty = TLW_EMPTY_NULL,
     .times = {-60001, 120000},
     .prices = {5, 8},
     .quantities = {1, 2},
     .n_rows = 2,
     .n_bars = 2,
     .bars = {{-120000, -1, 5, 5, 5, 5, 1, 1, 5, 0}, {0, 119999, 0, 0, 0, 0, 0, 0, 0, TLW_BAR_EMPTY | TLW_BAR_NULL}}},
    {.kind = TLW_BARS_TICK,
     .size = 2,
     .times = {1, 1, 2, 3},
     .prices = {5, 8, 7, 6},
     .quantities = {1, 2, 3, 4},
     .n_rows = 4,
     .n_bars = 2,
     .bars = {{1, 1, 5, 8, 5, 8, 3, 2, 7, 0}, {2, 3, 7, 7, 6, 6, 7, 2, 6, 0}}},
};

static tlw_trades rows_of_example(const example *x) {
  tlw_trades t;
  tlw_trades_init(&t);
  t.n_rows = x->n_rows;
  t.time = x->times;
  t.price = x->prices;
  t.quantity = x->quantities;
  return t;
}

static tlw_bars_options options_of_example(const example *x) {
  tlw_bars_options o;
  tlw_bars_options_init(&o, x->kind, x->size);
  o.split = x->split;
  o.no_gate = x->no_gate;
  o.empty = x->empty;
  return o;
}

static void check_example_bar(const example_bar *wanted, const tlw_bar *got) {
  const example_bar own = {got->open_time, got->close_time,          got->open,       got->high, got->low,
                           got->close,     (int64_t)got->volume.low, got->agg_trades, got->vwap, got->flags};
  if (memcmp(&own, wanted, sizeof own) != 0) print_bar("got", got);
  assert_memory_equal(&own, wanted, sizeof own);
}

/* What the header's text says, worked out by hand. */
static void test_oracle_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    const example *x = &examples[i];
    const tlw_bars_options options = options_of_example(x);
    const tlw_trades rows = rows_of_example(x);
    expectation e = {.n_bars = 0};
    bars_oracle o;
    bars_oracle_open(&o, &options, keep_bar, &e);
    for (int k = 0; k < x->n_rows; k++) assert_int_equal(bars_oracle_take(&o, &rows, k), TLW_OK);
    assert_int_equal(e.n_bars, x->n_bars);
    for (int k = 0; k < x->n_bars; k++) check_example_bar(&x->bars[k], &e.bars[k]);
    free(e.bars);
  }
}

static tlw_status check_against_example(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error) {
  const example_bar **next = user;
  (void)error;
  for (int64_t i = 0; i < n_bars; i++) check_example_bar((*next)++, &bars[i]);
  return TLW_OK;
}

static void test_library_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    const example *x = &examples[i];
    const tlw_bars_options options = options_of_example(x);
    const tlw_trades rows = rows_of_example(x);
    const example_bar *next = x->bars;
    tlw_bars *bars;
    assert_int_equal(tlw_bars_open(&options, check_against_example, &next, NULL, &bars, NULL), TLW_OK);
    assert_int_equal(tlw_bars_push(bars, &rows, NULL), TLW_OK);
    assert_ptr_equal(next, x->bars + x->n_bars);
    tlw_bars_close(&bars);
  }
}

/* ---- limits ---- */

static tlw_status count_bars(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error) {
  (void)bars;
  (void)error;
  *(int64_t *)user += n_bars;
  return TLW_OK;
}

/* Pushes two rows, of which the second closes `bars` bars, or too many. */
static void check_row_max(tlw_bars_options options, tlw_trades rows, int64_t n_bars) {
  int64_t count = 0;
  tlw_bars *bars;
  tlw_error error;
  tlw_bars_report report;
  options.on_bad = TLW_BAD_SKIP;
  assert_int_equal(tlw_bars_open(&options, count_bars, &count, NULL, &bars, NULL), TLW_OK);
  const bool fits = n_bars <= TLW_BARS_ROW_MAX;
  assert_int_equal(tlw_bars_push(bars, &rows, &error), fits ? TLW_OK : TLW_ERR_DATA);
  if (!fits) assert_int_equal(error.row, 1);
  assert_int_equal(count, fits ? n_bars : 0);
  tlw_bars_get_report(bars, &report);
  assert_int_equal(report.rows, fits ? 2 : 1);
  tlw_bars_close(&bars);
}

static void check_both_sides(const tlw_bars_options *options, int64_t *last, int64_t least, const tlw_trades *rows) {
  *last = least + TLW_BARS_ROW_MAX;
  check_row_max(*options, *rows, TLW_BARS_ROW_MAX);
  *last = least + TLW_BARS_ROW_MAX + 1;
  check_row_max(*options, *rows, TLW_BARS_ROW_MAX + 1);
}

/* A row closes 2^24 bars, and no more. */
static void test_bars_of_a_row(void **state) {
  int64_t times[] = {0, 1}, prices[] = {1, 1}, quantities[] = {1, 1};
  tlw_bars_options options;
  tlw_trades rows;
  (void)state;
  tlw_trades_init(&rows);
  rows.n_rows = 2;
  rows.time = times;
  rows.price = prices;
  rows.quantity = quantities;
  tlw_bars_options_init(&options, TLW_BARS_RENKO, 1);
  check_both_sides(&options, &prices[1], 1, &rows);
  prices[1] = 1;
  tlw_bars_options_init(&options, TLW_BARS_VOLUME, 2);
  options.split = 1;
  quantities[1] = 2 * TLW_BARS_ROW_MAX - 1;
  check_row_max(options, rows, TLW_BARS_ROW_MAX);
  quantities[1] += 2;
  check_row_max(options, rows, TLW_BARS_ROW_MAX + 1);
  quantities[1] = 1;
  tlw_bars_options_init(&options, TLW_BARS_TIME, 1);
  options.interval = TLW_INTERVAL_MS;
  options.empty = TLW_EMPTY_FLAT;
  check_both_sides(&options, &times[1], 0, &rows);
}

/* Four products of the greatest numbers fit in 128 bits. */
static void test_sums_of_128_bits(void **state) {
  int64_t times[5] = {0}, numbers[5] = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, count = 0;
  tlw_bars_options options;
  tlw_bars *bars;
  tlw_bar bar;
  tlw_error error;
  tlw_trades rows;
  (void)state;
  tlw_trades_init(&rows);
  rows.n_rows = 5;
  rows.time = times;
  rows.price = rows.quantity = numbers;
  tlw_bars_options_init(&options, TLW_BARS_TICK, 100);
  assert_int_equal(tlw_bars_open(&options, count_bars, &count, NULL, &bars, NULL), TLW_OK);
  assert_int_equal(tlw_bars_push(bars, &rows, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 4);
  assert_int_equal(tlw_bars_forming(bars, &bar), 1);
  assert_true(whole(bar.quote_volume) == (wide)INT64_MAX * INT64_MAX * 4);
  assert_true(whole(bar.volume) == (wide)INT64_MAX * 4);
  assert_int_equal(bar.vwap, INT64_MAX);
  tlw_bars_close(&bars);
}

/* ---- clocks ---- */

#define MINUTE INT64_C(60000000000)

/* The number of the interval that a clock shows, counted from 1970, by the C library's calendar. */
static int64_t number_of(const interval_rule *rule, int64_t clock) {
  static const int64_t minutes[] = {0, 0, 1, 60, 1440, 10080};
  int64_t count = clock / MINUTE - (clock % MINUTE < 0), size = rule->size;
  if (rule->interval == TLW_INTERVAL_MONTH) {
    const time_t seconds = (time_t)(count * 60);
    struct tm date;
    gmtime_r(&seconds, &date);
    count = (date.tm_year - 70) * 12 + date.tm_mon;
  } else {
    size *= minutes[rule->interval];
    if (rule->interval == TLW_INTERVAL_WEEK) count -= 4 * 1440;
  }
  return count / size - (count % size < 0);
}

/* Minute by minute, by the text: the clock comes to a multiple, or jumps forward over one. */
static bool begins_at(const interval_rule *rule, int64_t time) {
  const int64_t clock = tlw_zone_local(rule->zone, time) - rule->offset;
  const int64_t before = tlw_zone_local(rule->zone, time - MINUTE) - rule->offset;
  return number_of(rule, clock) != number_of(rule, clock - 1) || number_of(rule, clock) > number_of(rule, before);
}

static void check_clock(const interval_rule *rule, int64_t from, int64_t minutes) {
  int64_t begin = 0;
  bool has_begun = false;
  for (int64_t time = from; time < from + minutes * MINUTE; time += MINUTE) {
    if (begins_at(rule, time)) {
      if (has_begun) assert_true(interval_next(rule, begin) == time);
      begin = time;
      has_begun = true;
    }
    if (has_begun) assert_true(interval_begin(rule, time + MINUTE - 1) == begin);
  }
}

static void test_clocks_of_the_oracle(void **state) {
  static const int64_t changes[] = {1711846800, 1729990800, 1710054000, 1730613600, 1712413800,
                                    1728142200, 1325239200, 1541300400, 1550368800, 1712458800};
  static const int64_t most[] = {0, 0, 300, 30, 4, 2, 3};
  fixture *f = *state;
  for (int64_t i = 0; i < f->cases; i++) {
    rng r = {f->seed + UINT64_C(13001) * (uint64_t)i};
    interval_rule rule = {.interval = (tlw_interval)(2 + rng_below(&r, 5)), .zone = f->zones.zones[i % BARS_ZONES]};
    rule.size = 1 + (int64_t)rng_below(&r, (uint64_t)most[rule.interval]);
    if (one_in(&r, 2)) rule.offset = (int64_t)rng_between(&r, -3000, 3000) * MINUTE;
    const int64_t change = changes[rng_below(&r, sizeof changes / sizeof changes[0])] * 1000000000;
    check_clock(&rule, change / MINUTE * MINUTE - (int64_t)rng_below(&r, 1500) * MINUTE, 3000);
  }
}

/* ---- targets ---- */

static bool open_engines(fixture *f) {
  static const uint32_t threads[MAX_ENGINES] = {1, 2, 5};
  for (size_t i = 0; i < f->list.count; i++) {
    const bool cpu = f->list.targets[i].backend == TLW_BACKEND_CPU;
    f->n_engines[i] = cpu ? MAX_ENGINES : 1;
    f->on_devices = f->on_devices || !cpu;
    for (int k = 0; k < f->n_engines[i]; k++) {
      target_limits limits = no_limits;
      if (cpu) limits.threads = threads[k];
      if (target_open(&f->list.targets[i], &limits, &f->engines[i][k], NULL) != TLW_OK) return false;
    }
  }
  if (f->on_devices) f->cases = (f->cases + 1) / 2;
  if (!bars_zones_open(&f->zones)) print_message("no zoneinfo on this system: all clocks are UTC\n");
  return true;
}

static void close_engines(fixture *f) {
  for (size_t i = 0; i < f->list.count; i++)
    for (int k = 0; k < f->n_engines[i]; k++) tlw_engine_close(&f->engines[i][k]);
  bars_zones_close(&f->zones);
}

/* What needs no engine is left to the CPU. */
static int run_all(fixture *f) {
  const struct CMUnitTest pushes[] = {
      cmocka_unit_test_prestate(test_oracle_by_hand, f),   cmocka_unit_test_prestate(test_clocks_of_the_oracle, f),
      cmocka_unit_test_prestate(test_library_by_hand, f),  cmocka_unit_test_prestate(test_bars_of_a_row, f),
      cmocka_unit_test_prestate(test_sums_of_128_bits, f), cmocka_unit_test_prestate(test_streams, f),
      cmocka_unit_test_prestate(test_sinks_that_fail, f),  cmocka_unit_test_prestate(test_checkpoints, f),
  };
  const struct CMUnitTest runs[] = {
      cmocka_unit_test_prestate(test_many_at_once, f),
      cmocka_unit_test_prestate(test_long_chunks, f),
  };
  if (!open_engines(f)) return 1;
  int failed = f->on_devices ? 0 : cmocka_run_group_tests_name("bars by push", pushes, NULL, NULL);
  failed += cmocka_run_group_tests_name("bars by run", runs, NULL, NULL);
  close_engines(f);
  return failed;
}

int main(int argc, char **argv) {
  static fixture f;
  f.seed = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  f.cases = (int64_t)environment_number("TALLOW_TEST_CASES", CASES);
  const bool found = targets_find(&f.list, argc, argv);
  const int failed = found ? run_all(&f) : 1;
  const bool ran = found && targets_report(&f.list);
  targets_close();
  return ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
