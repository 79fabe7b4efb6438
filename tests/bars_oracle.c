#include "bars_oracle.h"

#include <string.h>

#include "interval_oracle.h"

typedef __int128 wide;
typedef unsigned __int128 unsigned_wide;

#define TRADES_MAX (INT64_C(1) << 31)
#define YEAR_1678 INT64_C(-9214560000) /* seconds */
#define YEAR_2262 INT64_C(9214646400)

/* ---- rows ---- */

typedef struct row {
  int64_t time, open, high, low, close, quantity, id, first_id, last_id, trades;
  unsigned_wide quote;
  bool has_quote, is_buy;
} row;

static bool is_bar(const tlw_trades *t) { return t->open != NULL && t->high != NULL && t->low != NULL; }

static row row_of(const bars_oracle *o, const tlw_trades *t, int64_t i) {
  row r = {.time = t->time[i], .close = t->price[i], .quantity = t->quantity != NULL ? t->quantity[i] : 0};
  r.open = is_bar(t) ? t->open[i] : r.close;
  r.high = is_bar(t) ? t->high[i] : r.close;
  r.low = is_bar(t) ? t->low[i] : r.close;
  r.id = t->id != NULL ? t->id[i] : o->report.rows;
  r.first_id = t->first_id != NULL ? t->first_id[i] : r.id;
  r.last_id = t->first_id != NULL ? t->last_id[i] : r.id;
  r.trades = r.last_id - r.first_id + 1;
  r.has_quote = !is_bar(t) || t->quote != NULL;
  r.quote = (unsigned_wide)r.close * (unsigned_wide)r.quantity;
  if (is_bar(t)) {
    r.trades = t->count != NULL ? t->count[i] : 0;
    r.quote = t->quote != NULL ? (unsigned_wide)t->quote[i] * TLW_DECIMAL_ONE : 0;
  }
  r.is_buy = t->is_buyer_maker != NULL && t->is_buyer_maker[i] == 0;
  return r;
}

static int64_t in_a_second(const bars_oracle *o) {
  switch (o->options.unit) {
  case TLW_UNIT_S:
    return 1;
  case TLW_UNIT_US:
    return 1000000;
  case TLW_UNIT_NS:
    return 1000000000;
  case TLW_UNIT_DEFAULT:
  case TLW_UNIT_MS:
    break;
  }
  return 1000;
}

static bool is_bad_time(const bars_oracle *o, const tlw_trades *t, int64_t i) {
  const wide first = (wide)YEAR_1678 * in_a_second(o), end = (wide)YEAR_2262 * in_a_second(o);
  return t->time[i] < first || t->time[i] >= end || t->time[i] < o->report.last_time;
}

static bool is_bad_id(const bars_oracle *o, const tlw_trades *t, int64_t i) {
  if (t->id != NULL && (t->id[i] < 0 || t->id[i] <= o->report.last_id)) return true;
  if (t->first_id != NULL) {
    const wide first = t->first_id[i], last = t->last_id[i];
    if (first < 0 || last < 0 || first > last || last - first + 1 > TRADES_MAX) return true;
  }
  return is_bar(t) && t->count != NULL && (t->count[i] < 0 || t->count[i] > TRADES_MAX);
}

static bool is_bad_price(const tlw_trades *t, int64_t i) {
  const int64_t close = t->price[i];
  if (close <= 0) return true;
  if (!is_bar(t)) return false;
  const int64_t open = t->open[i], high = t->high[i], low = t->low[i];
  if (open <= 0 || high <= 0 || low <= 0) return true;
  return low > open || low > close || low > high || high < open || high < close;
}

static bool is_bad_quantity(const tlw_trades *t, int64_t i) {
  if (t->quantity != NULL && t->quantity[i] < !is_bar(t)) return true;
  return is_bar(t) && t->quote != NULL && t->quote[i] < 0;
}

/* The number of the defect; TLW_TRADE_DEFECTS: it has none. */
static int defect_of(const bars_oracle *o, const tlw_trades *t, int64_t i) {
  if (is_bad_time(o, t, i)) return TLW_TRADE_BAD_TIME;
  if (is_bad_id(o, t, i)) return TLW_TRADE_BAD_ID;
  if (is_bad_price(t, i)) return TLW_TRADE_BAD_PRICE;
  if (is_bad_quantity(t, i)) return TLW_TRADE_BAD_QUANTITY;
  return TLW_TRADE_DEFECTS;
}

/* ---- bars ---- */

static tlw_u128 halves(unsigned_wide x) { return (tlw_u128){(uint64_t)x, (uint64_t)(x >> 64)}; }

static int64_t vwap_of(unsigned_wide quote, unsigned_wide volume, int64_t close) {
  if (volume == 0) return close;
  return quote / volume > INT64_MAX ? INT64_MAX : (int64_t)(quote / volume);
}

/* What is forming, with the members that were asked for. */
static tlw_bar bar_of(const bars_oracle *o) {
  const uint32_t fields = o->options.fields;
  const bool volume = fields & TLW_BAR_VOLUME, quote = fields & TLW_BAR_QUOTE && o->has_quote;
  const bool sides = fields & TLW_BAR_SIDES, ids = fields & TLW_BAR_IDS;
  tlw_bar bar;
  memset(&bar, 0, sizeof bar);
  bar.open_time = o->open_time;
  bar.close_time = o->close_time;
  bar.open = o->open;
  bar.high = o->high;
  bar.low = o->low;
  bar.close = o->close;
  bar.agg_trades = o->rows;
  if (volume) bar.volume = halves(o->volume);
  if (quote) {
    bar.quote_volume = halves(o->quote);
    bar.vwap = vwap_of(o->quote, o->volume, o->close);
  }
  if (sides && volume) {
    bar.buy_volume = halves(o->buy_volume);
    bar.sell_volume = halves(o->volume - o->buy_volume);
  }
  if (sides && quote) {
    bar.buy_quote_volume = halves(o->buy_quote);
    bar.sell_quote_volume = halves(o->quote - o->buy_quote);
  }
  if (sides) {
    bar.buy_trades = o->buy_trades;
    bar.sell_trades = o->trades - o->buy_trades;
  }
  if (ids) {
    bar.trades = o->trades;
    bar.first_id = o->first_id;
    bar.last_id = o->last_id;
  }
  return bar;
}

/* False: this row has closed too many. */
static bool give(bars_oracle *o, const tlw_bar *bar) {
  if (++o->of_this_row > TLW_BARS_ROW_MAX) return false;
  o->report.bars++;
  if (o->sink != NULL) o->sink(o->user, bar);
  return true;
}

static bool close_bar(bars_oracle *o) {
  const tlw_bar bar = bar_of(o);
  o->is_forming = false;
  return give(o, &bar);
}

static void begin_bar(bars_oracle *o, const row *r) {
  o->is_forming = true;
  o->open_time = r->time;
  o->open = r->open;
  o->high = r->high;
  o->low = r->low;
  o->volume = o->quote = o->buy_volume = o->buy_quote = 0;
  o->trades = o->rows = o->buy_trades = 0;
  o->first_id = r->first_id;
}

/* What a bar has of its last row. */
static void name_row(bars_oracle *o, const row *r) {
  o->close_time = r->time;
  o->close = r->close;
  o->last_id = r->last_id;
}

/* Adds a row, or a part of it, that counts or not. False: a sum leaves 128 bits. */
static bool add(bars_oracle *o, const row *r, int64_t quantity, unsigned_wide quote, bool counts) {
  if (!o->is_forming) begin_bar(o, r);
  name_row(o, r);
  if (r->high > o->high) o->high = r->high;
  if (r->low < o->low) o->low = r->low;
  o->volume += (unsigned_wide)quantity;
  if (o->options.fields & TLW_BAR_QUOTE && o->quote + quote < o->quote) return false;
  o->quote += quote;
  if (r->is_buy) {
    o->buy_volume += (unsigned_wide)quantity;
    o->buy_quote += quote;
  }
  if (!counts) return true;
  o->rows++;
  o->trades += r->trades;
  if (r->is_buy) o->buy_trades += r->trades;
  return true;
}

static bool add_row(bars_oracle *o, const row *r) { return add(o, r, r->quantity, r->quote, true); }

/* ---- time ---- */

static wide nanoseconds(const bars_oracle *o, int64_t time) { return (wide)time * (1000000000 / in_a_second(o)); }

/* The first moment in the unit of the rows that is not before a time in nanoseconds. */
static wide moment(const bars_oracle *o, wide time) {
  const wide unit = 1000000000 / in_a_second(o);
  return time / unit + (time % unit > 0);
}

static int64_t within_64_bits(wide time) {
  return time < INT64_MIN ? INT64_MIN : time > INT64_MAX ? INT64_MAX : (int64_t)time;
}

static void set_times(bars_oracle *o) {
  o->open_time = within_64_bits(moment(o, o->interval_begin));
  o->close_time = within_64_bits(moment(o, o->interval_next) - 1);
}

static interval_rule rule_of(const bars_oracle *o) {
  return (interval_rule){o->options.interval, o->options.size, o->options.offset, o->options.zone};
}

static bool give_empty(bars_oracle *o) {
  tlw_bar bar;
  memset(&bar, 0, sizeof bar);
  set_times(o);
  bar.open_time = o->open_time;
  bar.close_time = o->close_time;
  bar.flags = TLW_BAR_EMPTY;
  if (o->options.fields & TLW_BAR_IDS) bar.first_id = bar.last_id = -1;
  if (o->options.empty == TLW_EMPTY_NULL) {
    bar.flags |= TLW_BAR_NULL;
  } else {
    bar.open = bar.high = bar.low = bar.close = o->close;
    if (o->options.fields & TLW_BAR_QUOTE && o->has_quote) bar.vwap = o->close;
  }
  return give(o, &bar);
}

/* Those between the bar that has closed and the interval of a time. */
static bool give_empties(bars_oracle *o, wide time) {
  const interval_rule rule = rule_of(o);
  if (o->options.empty == TLW_EMPTY_NONE) return true;
  for (;;) {
    o->interval_begin = o->interval_next;
    o->interval_next = interval_next(&rule, (int64_t)o->interval_begin);
    if (time < o->interval_next) return true;
    if (!give_empty(o)) return false;
  }
}

static bool take_time(bars_oracle *o, const row *r) {
  const interval_rule rule = rule_of(o);
  const wide time = nanoseconds(o, r->time);
  if (o->is_forming && time >= o->interval_next && !(close_bar(o) && give_empties(o, time))) return false;
  if (!o->is_forming) {
    o->interval_begin = interval_begin(&rule, (int64_t)time);
    o->interval_next = interval_next(&rule, (int64_t)time);
  }
  if (!add_row(o, r)) return false;
  set_times(o);
  return true;
}

/* ---- ticks, volume, value ---- */

static bool take_tick(bars_oracle *o, const row *r) {
  if (!add_row(o, r)) return false;
  return o->rows < o->options.size || close_bar(o);
}

static unsigned_wide threshold_of(const bars_oracle *o) {
  const unsigned_wide size = (unsigned_wide)o->options.size;
  return o->options.kind == TLW_BARS_VALUE ? size * TLW_DECIMAL_ONE : size;
}

static unsigned_wide reached(const bars_oracle *o) {
  if (!o->is_forming) return 0;
  return o->options.kind == TLW_BARS_VALUE ? o->quote : o->volume;
}

/* The least quantity of a row that fills what is forming. */
static unsigned_wide part_needed(const bars_oracle *o, const row *r) {
  const unsigned_wide needed = threshold_of(o) - reached(o), price = (unsigned_wide)r->close;
  return o->options.kind == TLW_BARS_VALUE ? (needed + price - 1) / price : needed;
}

static bool take_parts(bars_oracle *o, const row *r) {
  int64_t rest = r->quantity;
  for (bool counts = true; rest > 0; counts = false) {
    const unsigned_wide needed = part_needed(o, r);
    const bool fills = (unsigned_wide)rest >= needed;
    const int64_t part = fills ? (int64_t)needed : rest;
    if (!add(o, r, part, (unsigned_wide)r->close * (unsigned_wide)part, counts)) return false;
    if (fills && !close_bar(o)) return false;
    rest -= part;
  }
  return true;
}

static bool take_amount(bars_oracle *o, const row *r) {
  if (o->options.split) return take_parts(o, r);
  if (!add_row(o, r)) return false;
  return reached(o) < threshold_of(o) || close_bar(o);
}

/* ---- range ---- */

static bool take_range(bars_oracle *o, const row *r) {
  const bool opens = !o->is_forming;
  if (!add_row(o, r)) return false;
  if (opens) {
    o->delta = (wide)o->open * o->options.size / 100000;
    return true;
  }
  const bool beyond = r->close >= o->open + o->delta || r->close <= o->open - o->delta;
  const bool held = !o->options.no_gate && r->time == o->open_time;
  return !beyond || held || close_bar(o);
}

/* ---- renko ---- */

/* Whether a price closes a brick, and which. */
static bool next_brick(const bars_oracle *o, int64_t price, wide *open, wide *close) {
  const wide size = o->options.size, level = o->level;
  *open = level;
  if (o->direction >= 0 && price >= level + size) {
    *close = level + size;
    return true;
  }
  if (o->direction <= 0 && price <= level - size) {
    *close = level - size;
    return true;
  }
  if (o->direction > 0 && price <= level - 2 * size) {
    *open = level - size;
    *close = level - 2 * size;
    return true;
  }
  *open = level + size;
  *close = level + 2 * size;
  return o->direction < 0 && price >= level + 2 * size;
}

static void see(bars_oracle *o, int64_t price) {
  if (!o->has_since || price > o->highest) o->highest = price;
  if (!o->has_since || price < o->lowest) o->lowest = price;
  o->has_since = true;
}

/* Gives what is forming the prices that a bar of prices from open to close has. */
static void set_prices(bars_oracle *o, int64_t open, int64_t close) {
  o->open = open;
  o->close = close;
  o->high = open > close ? open : close;
  o->low = open < close ? open : close;
  if (o->has_since && o->highest > o->high) o->high = o->highest;
  if (o->has_since && o->lowest < o->low) o->low = o->lowest;
}

/* What a brick has that is closed by a row that belongs to the brick before. */
static void begin_without_row(bars_oracle *o, const row *r) {
  begin_bar(o, r);
  name_row(o, r);
}

static bool take_renko(bars_oracle *o, const row *r) {
  wide open, close;
  int64_t bricks = 0;
  if (!o->has_level) o->level = r->close;
  o->has_level = true;
  for (; next_brick(o, r->close, &open, &close); bricks++) {
    if (bricks > 0)
      begin_without_row(o, r);
    else if (!add_row(o, r))
      return false;
    set_prices(o, (int64_t)open, (int64_t)close);
    if (!close_bar(o)) return false;
    o->direction = close > open ? 1 : -1;
    o->level = close;
    o->has_since = false;
  }
  see(o, r->close);
  if (bricks > 0) return true;
  if (!add_row(o, r)) return false;
  set_prices(o, (int64_t)o->level, r->close);
  return true;
}

/* ---- all ---- */

static bool take(bars_oracle *o, const row *r) {
  o->of_this_row = 0;
  o->has_quote = r->has_quote;
  switch (o->options.kind) {
  case TLW_BARS_TIME:
    return take_time(o, r);
  case TLW_BARS_TICK:
    return take_tick(o, r);
  case TLW_BARS_VOLUME:
  case TLW_BARS_VALUE:
    return take_amount(o, r);
  case TLW_BARS_RANGE:
    return take_range(o, r);
  case TLW_BARS_RENKO:
    break;
  }
  return take_renko(o, r);
}

/* Once without a sink, to see whether it can be taken. */
static bool can_take(const bars_oracle *o, const row *r) {
  bars_oracle trial = *o;
  trial.sink = NULL;
  return take(&trial, r);
}

static void skip(bars_oracle *o, int defect) {
  if (o->report.skipped[defect]++ == 0) o->report.first_skipped[defect] = o->report.rows;
  o->report.rows++;
}

tlw_status bars_oracle_take(bars_oracle *o, const tlw_trades *trades, int64_t row_number) {
  const int defect = defect_of(o, trades, row_number);
  if (defect != TLW_TRADE_DEFECTS) {
    if (o->options.on_bad == TLW_BAD_ERROR) return TLW_ERR_DATA;
    skip(o, defect);
    return TLW_OK;
  }
  const row r = row_of(o, trades, row_number);
  if (!can_take(o, &r)) return TLW_ERR_DATA;
  take(o, &r);
  o->report.rows++;
  o->report.last_time = r.time;
  o->report.last_id = r.id;
  return TLW_OK;
}

void bars_oracle_open(bars_oracle *o, const tlw_bars_options *options, bars_oracle_sink sink, void *user) {
  memset(o, 0, sizeof *o);
  o->options = *options;
  o->sink = sink;
  o->user = user;
  o->report.last_time = INT64_MIN;
  o->report.last_id = -1;
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++) o->report.first_skipped[i] = -1;
}

int bars_oracle_forming(const bars_oracle *o, tlw_bar *bar) {
  memset(bar, 0, sizeof *bar);
  if (!o->is_forming) return 0;
  *bar = bar_of(o);
  bar->flags = TLW_BAR_PARTIAL;
  return 1;
}
