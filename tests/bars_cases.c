#include "bars_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS INT64_C(86400)
#define HUGE_NUMBER INT64_C(9000000000000000000)

typedef __int128 wide;

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

/* 1 to most, as many of each number of digits. */
static int64_t any_size(rng *r, int64_t most) {
  int digits = 0;
  for (int64_t m = most; m > 0; m >>= 1) digits++;
  const int64_t limit = (int64_t)((UINT64_C(1) << (1 + rng_below(r, (uint64_t)digits))) - 1);
  return 1 + (int64_t)rng_below(r, (uint64_t)(limit < most ? limit : most));
}

static int64_t clamp(wide x, int64_t from, int64_t to) { return x < from ? from : x > to ? to : (int64_t)x; }

/* ---- columns ---- */

enum { TIME, PRICE, QUANTITY, ID, FIRST_ID, LAST_ID, OPEN, HIGH, LOW, QUOTE, COUNT, MAKER };

static void *column(bars_stream *s, int which, size_t width, rng *r) {
  const size_t skew = rng_below(r, 8) * width;
  unsigned char *block = malloc(skew + (size_t)s->trades.n_rows * width + (s->trades.n_rows == 0));
  if (block == NULL) {
    fprintf(stderr, "bars: no memory for %lld rows\n", (long long)s->trades.n_rows);
    abort();
  }
  s->blocks[which] = block;
  return block + skew;
}

static int64_t *numbers(bars_stream *s, int which, rng *r) { return column(s, which, sizeof(int64_t), r); }

static uint64_t hash_column(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; bytes != NULL && i < n; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static uint64_t hash_of(const bars_stream *s) {
  const tlw_trades *t = &s->trades;
  const int64_t *all[] = {t->time, t->price, t->quantity, t->id,    t->first_id, t->last_id,
                          t->open, t->high,  t->low,      t->quote, t->count};
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int k = 0; k < STREAM_COLUMNS; k++) hash = hash_column(hash, all[k], (size_t)t->n_rows * sizeof(int64_t));
  return hash_column(hash, t->is_buyer_maker, (size_t)t->n_rows);
}

bool bars_stream_unharmed(const bars_stream *s) { return hash_of(s) == s->hash; }

void bars_stream_close(bars_stream *s) {
  for (int k = 0; k <= STREAM_COLUMNS; k++) free(s->blocks[k]);
  memset(s, 0, sizeof *s);
}

static const int64_t *behind(const int64_t *column, int64_t rows) { return column != NULL ? column + rows : NULL; }

tlw_trades bars_stream_view(const bars_stream *s, int64_t first, int64_t n) {
  tlw_trades t = s->trades;
  t.n_rows = t.n_rows - first < n ? t.n_rows - first : n;
  t.time = behind(t.time, first);
  t.price = behind(t.price, first);
  t.quantity = behind(t.quantity, first);
  t.id = behind(t.id, first);
  t.first_id = behind(t.first_id, first);
  t.last_id = behind(t.last_id, first);
  t.open = behind(t.open, first);
  t.high = behind(t.high, first);
  t.low = behind(t.low, first);
  t.quote = behind(t.quote, first);
  t.count = behind(t.count, first);
  if (t.is_buyer_maker != NULL) t.is_buyer_maker += first;
  return t;
}

/* ---- times ---- */

static int64_t in_a_second(tlw_time_unit unit) {
  static const int64_t counts[] = {1000, 1, 1000, 1000000, 1000000000};
  return counts[unit];
}

/* 2021-07-01 */
#define SUMMER INT64_C(1625097600)
#define FIRST_TIME INT64_C(-9214560000)
#define LAST_TIME (INT64_C(9214646400) - 1)

/* Starts some hours before clocks change: Berlin, New York and Havana, Lord Howe, Apia, Sao Paulo, Casablanca. */
static int64_t before_a_change(rng *r) {
  static const int64_t changes[] = {1711846800, 1729990800, 1710054000, 1730613600, 1712413800, 1728142200,
                                    1325239200, 1541300400, 1550368800, 1712458800, -2177452800};
  return changes[rng_below(r, sizeof changes / sizeof changes[0])] - (int64_t)rng_below(r, DAY_SECONDS);
}

static void fill_steady(int64_t *time, int64_t n, int64_t from, int64_t most, rng *r) {
  for (int64_t i = 0; i < n; i++) time[i] = from += (int64_t)rng_below(r, (uint64_t)most + 1);
}

/* Thousands in one moment, then a step. */
static void fill_bursts(int64_t *time, int64_t n, int64_t from, int64_t most, rng *r) {
  for (int64_t i = 0, length = 0; i < n; i++, length--) {
    if (length == 0) {
      length = 1 + any_size(r, 5000);
      from += 1 + (int64_t)rng_below(r, (uint64_t)most);
    }
    time[i] = from;
  }
}

/* Steps with days of gap between them, or months. */
static void fill_gaps(int64_t *time, int64_t n, int64_t from, int64_t second, rng *r) {
  const int64_t days = one_in(r, 3) ? 90 : 5;
  for (int64_t i = 0; i < n; i++) {
    from += (int64_t)rng_below(r, (uint64_t)second + 1);
    if (one_in(r, 100)) from += second * (int64_t)rng_below(r, (uint64_t)(days * DAY_SECONDS));
    time[i] = from;
  }
}

/* From the first to the last moment that there is. */
static void fill_ages(int64_t *time, int64_t n, int64_t second, rng *r) {
  const wide first = (wide)FIRST_TIME * second, last = (wide)LAST_TIME * second + second - 1;
  for (int64_t i = 0; i < n; i++) {
    const wide at = first + (last - first) * i / (n > 1 ? n - 1 : 1);
    time[i] = clamp(at + (i > 0 && i < n - 1 ? (int64_t)rng_below(r, 1000) : 0), (int64_t)first, (int64_t)last);
  }
  for (int64_t i = 1; i < n; i++)
    if (time[i] < time[i - 1]) time[i] = time[i - 1];
}

static void fill_time_column(bars_stream *s, int64_t *time, rng *r) {
  static const char *const names[] = {"steady", "bursts", "gaps", "change of clock", "ages", "equal"};
  static const int weights[] = {0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5};
  const int kind = weights[rng_below(r, sizeof weights / sizeof weights[0])];
  const int64_t second = in_a_second(s->unit), n = s->trades.n_rows, start = SUMMER * second;
  s->times = names[kind];
  if (kind == 0) fill_steady(time, n, start, any_size(r, 60 * second), r);
  if (kind == 1) fill_bursts(time, n, start, any_size(r, 60 * second), r);
  if (kind == 2) fill_gaps(time, n, start, second, r);
  if (kind == 3) fill_steady(time, n, before_a_change(r) * second, any_size(r, 3600) * second, r);
  if (kind == 4) fill_ages(time, n, second, r);
  if (kind == 5) fill_steady(time, n, start, 0, r);
}

/* ---- prices and quantities ---- */

/* A walk, in steps up to `step`, that jumps by a thousand of them now and then. */
static void fill_walk(int64_t *price, int64_t n, int64_t from, int64_t step, bool jumps, rng *r) {
  wide at = from;
  for (int64_t i = 0; i < n; i++) {
    const int64_t drift = (int64_t)rng_below(r, (uint64_t)step * 2 + 1) - step;
    at += jumps && one_in(r, 100) ? (wide)drift * 1000 : drift;
    price[i] = clamp(at, 1, INT64_MAX);
    at = price[i];
  }
}

static void fill_price_column(bars_stream *s, int64_t *price, bool small_sums, rng *r) {
  static const char *const names[] = {"walk", "jumps", "ticks", "tiny", "huge", "wild", "flat"};
  const int64_t n = s->trades.n_rows;
  int kind = (int)rng_below(r, 7);
  if (small_sums && kind > 3) kind -= 3;
  s->prices = names[kind];
  const int64_t level = any_size(r, INT64_C(10000000000000)), part = any_size(r, 100000);
  if (kind <= 1) fill_walk(price, n, level, 1 + level / part, kind == 1, r);
  if (kind == 2) fill_walk(price, n, 1 + (int64_t)rng_below(r, 2000), 1 + (int64_t)rng_below(r, 5), one_in(r, 2), r);
  if (kind == 3) fill_walk(price, n, 1, 1, one_in(r, 2), r);
  if (kind == 4) fill_walk(price, n, HUGE_NUMBER, any_size(r, HUGE_NUMBER / 10), false, r);
  for (int64_t i = 0; kind >= 5 && i < n; i++) price[i] = kind == 5 ? any_size(r, INT64_MAX) : level;
  for (int64_t i = 0; kind == 2 && i < n; i++) price[i] *= 1000000;
}

static void fill_quantity_column(bars_stream *s, int64_t *quantity, bool small_sums, rng *r) {
  static const char *const names[] = {"any", "least", "equal", "coins", "vast"};
  const int64_t equal = any_size(r, INT64_C(1000000000000));
  const int kind = (int)rng_below(r, small_sums ? 4 : 5);
  s->quantities = names[kind];
  for (int64_t i = 0; i < s->trades.n_rows; i++) {
    if (kind == 0) quantity[i] = any_size(r, small_sums ? INT64_C(1000000000000) : INT64_MAX);
    if (kind == 1) quantity[i] = 1;
    if (kind == 2) quantity[i] = equal;
    if (kind == 3) quantity[i] = TLW_DECIMAL_ONE / 1000 * (1 + (int64_t)rng_below(r, 5000));
    if (kind == 4) quantity[i] = HUGE_NUMBER + (int64_t)rng_below(r, (uint64_t)(INT64_MAX - HUGE_NUMBER) + 1);
  }
}

/* ---- ids, sides, bars ---- */

static void fill_ids(bars_stream *s, rng *r) {
  static const char *const names[] = {"none", "one by one", "gaps", "ranges", "ranges without ids"};
  const int64_t n = s->trades.n_rows;
  const int kind = (int)rng_below(r, 5);
  s->ids = names[kind];
  int64_t *id = kind == 0 || kind == 4 ? NULL : numbers(s, ID, r);
  int64_t *first = kind >= 3 ? numbers(s, FIRST_ID, r) : NULL, *last = kind >= 3 ? numbers(s, LAST_ID, r) : NULL;
  int64_t next = one_in(r, 4) ? 0 : any_size(r, INT64_C(1) << 61), trade = next;
  for (int64_t i = 0; i < n; i++) {
    if (id != NULL) id[i] = next;
    next += kind == 1 || kind == 3 ? 1 : any_size(r, one_in(r, 50) ? INT64_C(1) << 40 : 5);
    if (first == NULL) continue;
    first[i] = trade += (int64_t)rng_below(r, 3);
    last[i] = trade += any_size(r, one_in(r, 20) ? INT64_C(1) << 31 : 10) - 1;
    trade++;
  }
  s->trades.id = id;
  s->trades.first_id = first;
  s->trades.last_id = last;
}

static void fill_maker(bars_stream *s, rng *r) {
  uint8_t *maker = column(s, MAKER, 1, r);
  const uint64_t most = one_in(r, 2) ? 2 : 256;
  for (int64_t i = 0; i < s->trades.n_rows; i++) maker[i] = one_in(r, 2) ? 0 : (uint8_t)rng_below(r, most);
  s->trades.is_buyer_maker = maker;
}

/* Makes each price the close of a bar. */
static void fill_bars(bars_stream *s, const int64_t *close, int64_t *quantity, rng *r) {
  int64_t *open = numbers(s, OPEN, r), *high = numbers(s, HIGH, r), *low = numbers(s, LOW, r);
  int64_t *quote = one_in(r, 2) ? numbers(s, QUOTE, r) : NULL, *count = one_in(r, 2) ? numbers(s, COUNT, r) : NULL;
  for (int64_t i = 0; i < s->trades.n_rows; i++) {
    open[i] = close[i > 0 ? i - 1 : 0];
    const int64_t above = open[i] > close[i] ? open[i] : close[i], below = open[i] < close[i] ? open[i] : close[i];
    high[i] = one_in(r, 2) ? above : clamp((wide)above + any_size(r, above), 1, INT64_MAX);
    low[i] = one_in(r, 2) ? below : 1 + (int64_t)rng_below(r, (uint64_t)below);
    if (one_in(r, 10)) quantity[i] = 0;
    if (quote != NULL) quote[i] = one_in(r, 10) ? 0 : any_size(r, INT64_MAX);
    if (count != NULL) count[i] = one_in(r, 10) ? 0 : any_size(r, INT64_C(1) << 31);
  }
  s->trades.open = open;
  s->trades.high = high;
  s->trades.low = low;
  s->trades.quote = quote;
  s->trades.count = count;
}

/* ---- rows at fault ---- */

/* A number that breaks rules, mostly: any bits, signs changed, the ends of 64 bits, or the one above again. */
static void harm(const int64_t *column, int64_t i, rng *r) {
  int64_t *cell = (int64_t *)(uintptr_t)&column[i]; /* the stream's own */
  static const int64_t odd[] = {0, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 31, -(INT64_C(1) << 62)};
  switch (rng_below(r, 5)) {
  case 0:
    *cell = (int64_t)rng_next(r);
    break;
  case 1:
    *cell = *cell > 0 ? -*cell : 0;
    break;
  case 2:
    *cell = i > 0 ? cell[-1] : 0;
    break;
  case 3:
    *cell = i > 0 && cell[-1] > 0 ? cell[-1] - 1 : -1;
    break;
  default:
    *cell = odd[rng_below(r, sizeof odd / sizeof odd[0])];
  }
}

static void harm_rows(bars_stream *s, rng *r) {
  const tlw_trades *t = &s->trades;
  const int64_t *all[] = {t->time, t->price, t->quantity, t->id,    t->first_id, t->last_id,
                          t->open, t->high,  t->low,      t->quote, t->count};
  const uint64_t rate = 5 + rng_below(r, 500);
  for (int64_t i = 0; i < t->n_rows; i++) {
    if (!one_in(r, rate)) continue;
    for (uint64_t k = 1 + rng_below(r, 2); k > 0; k--) {
      const int64_t *column = all[rng_below(r, sizeof all / sizeof all[0])];
      if (column != NULL) harm(column, i, r);
    }
  }
}

void bars_stream_open(bars_stream *s, const bars_shape *shape, uint64_t seed) {
  rng r = {seed};
  memset(s, 0, sizeof *s);
  s->seed = seed;
  s->unit = (tlw_time_unit)rng_below(&r, 5);
  tlw_trades_init(&s->trades);
  s->trades.n_rows = shape->n_rows;
  const bool small_sums = shape->are_good || one_in(&r, 2);
  int64_t *time = numbers(s, TIME, &r), *price = numbers(s, PRICE, &r), *quantity = numbers(s, QUANTITY, &r);
  fill_time_column(s, time, &r);
  fill_price_column(s, price, small_sums, &r);
  fill_quantity_column(s, quantity, small_sums, &r);
  s->trades.time = time;
  s->trades.price = price;
  s->trades.quantity = quantity;
  if (shape->are_bars) fill_bars(s, price, quantity, &r);
  fill_ids(s, &r);
  if (!one_in(&r, 3)) fill_maker(s, &r);
  if (!shape->are_good && one_in(&r, 2)) harm_rows(s, &r);
  s->hash = hash_of(s);
}

/* ---- zones ---- */

const char *const bars_zone_names[BARS_ZONES] = {"Europe/Berlin",       "America/New_York",  "America/Havana",
                                                 "Australia/Lord_Howe", "Pacific/Apia",      "Asia/Kolkata",
                                                 "Asia/Kathmandu",      "America/Sao_Paulo", "Africa/Casablanca"};

bool bars_zones_open(bars_zones *z) {
  bool any = false;
  for (int i = 0; i < BARS_ZONES; i++) any |= tlw_zone_open(&z->zones[i], bars_zone_names[i], NULL) == TLW_OK;
  return any;
}

void bars_zones_close(bars_zones *z) {
  for (int i = 0; i < BARS_ZONES; i++) tlw_zone_close(&z->zones[i]);
}

/* ---- options ---- */

/* How many bars there may be of n rows. */
static int64_t any_count(int64_t n, rng *r) {
  return one_in(r, 2) ? any_size(r, 2 * n + 10) : 1 + (int64_t)rng_below(r, (uint64_t)(2 * n + 10));
}

/* A part of `total`, so that there are about as many bars. */
static int64_t size_of_part(wide total, int64_t n, rng *r) { return clamp(total / any_count(n, r), 1, INT64_MAX); }

static wide sum_of(const bars_stream *s, bool values) {
  wide sum = 0;
  for (int64_t i = 0; i < s->trades.n_rows; i++) {
    if (s->trades.price[i] <= 0 || s->trades.quantity[i] <= 0) continue;
    const wide product = (wide)s->trades.price[i] * s->trades.quantity[i] / TLW_DECIMAL_ONE;
    sum += values ? product : s->trades.quantity[i];
  }
  return sum;
}

/* How far prices go, up and down. */
static wide path_of(const bars_stream *s) {
  wide path = 0, last = 0;
  for (int64_t i = 0; i < s->trades.n_rows; i++) {
    const wide price = s->trades.price[i];
    if (price <= 0) continue;
    if (last > 0) path += price > last ? price - last : last - price;
    last = price;
  }
  return path;
}

static int64_t length_of(tlw_interval interval) {
  static const int64_t lengths[] = {1, 1000, 60000, 3600000, 86400000, 604800000, 2678400000};
  return lengths[interval];
}

#define CENTURIES (INT64_C(299) * 365 * 86400000) /* ms */

static int64_t span_of(const bars_stream *s) {
  const wide first = (wide)FIRST_TIME * in_a_second(s->unit), last = (wide)LAST_TIME * in_a_second(s->unit);
  wide from = last, to = first;
  for (int64_t i = 0; i < s->trades.n_rows; i++) {
    const int64_t time = s->trades.time[i];
    if (time < first || time > last) continue;
    if (time < from) from = time;
    if (time > to) to = time;
  }
  return to > from ? (int64_t)((to - from) * 1000 / in_a_second(s->unit)) : 0;
}

/* Of a length that makes some bars of the span, in milliseconds; or of a usual one. */
static void set_interval(tlw_bars_options *o, const bars_stream *s, int64_t span, rng *r) {
  static const int64_t usual[] = {1, 2, 4, 5, 6, 10, 15, 30, 100, 250};
  const int64_t length = size_of_part(span, s->trades.n_rows, r), most = INT64_C(1) << 31;
  const bool is_usual = one_in(r, 4);
  do {
    o->interval = (tlw_interval)rng_below(r, TLW_INTERVAL_MONTH + 1);
  } while (!is_usual && o->interval > TLW_INTERVAL_SECOND && length_of(o->interval) > length);
  if (s->unit == TLW_UNIT_S && o->interval == TLW_INTERVAL_MS) o->interval = TLW_INTERVAL_SECOND;
  o->size =
      is_usual ? usual[rng_below(r, sizeof usual / sizeof usual[0])] : clamp(length / length_of(o->interval), 1, most);
  if (o->size > CENTURIES / length_of(o->interval)) o->size = CENTURIES / length_of(o->interval);
}

static int64_t any_offset(rng *r) {
  static const int64_t steps[] = {60, 3600, DAY_SECONDS};
  const int64_t second = 1000000000, sign = one_in(r, 2) ? 1 : -1;
  if (one_in(r, 2)) return 0;
  if (one_in(r, 4)) return sign * any_size(r, 3640 * DAY_SECONDS * second);
  return sign * second * (int64_t)rng_below(r, 48) * steps[rng_below(r, 3)];
}

static void set_time(tlw_bars_options *o, const bars_stream *s, const bars_zones *zones, rng *r) {
  const int64_t span = span_of(s);
  const uint64_t zone = rng_below(r, 2 * BARS_ZONES);
  set_interval(o, s, span, r);
  o->offset = any_offset(r);
  o->offset -= o->offset % (1000000000 / in_a_second(s->unit));
  if (zone < BARS_ZONES && zones->zones[zone] != NULL) {
    o->zone = zones->zones[zone];
    o->zone_name = bars_zone_names[zone];
  }
  if (span / length_of(o->interval) / o->size < 20000) o->empty = (tlw_empty_bars)rng_below(r, 3);
}

/* About what prices move by from row to row, in 1/100,000 of the first, and some times that; or anything. */
static int64_t any_threshold(const bars_stream *s, rng *r) {
  const int64_t n = s->trades.n_rows, most = INT64_C(1) << 31;
  if (n == 0 || s->trades.price[0] <= 0 || one_in(r, 4)) return any_size(r, most);
  return clamp(path_of(s) / n * 100000 / s->trades.price[0] * any_size(r, 30), 1, most);
}

static tlw_bars_kind any_kind(const bars_stream *s, rng *r) {
  static const tlw_bars_kind kinds[] = {TLW_BARS_TIME,  TLW_BARS_TIME,  TLW_BARS_TICK,  TLW_BARS_VOLUME,
                                        TLW_BARS_VALUE, TLW_BARS_RANGE, TLW_BARS_RENKO, TLW_BARS_RENKO};
  if (s->trades.open != NULL) return one_in(r, 4) ? TLW_BARS_TICK : TLW_BARS_TIME;
  return kinds[rng_below(r, sizeof kinds / sizeof kinds[0])];
}

void bars_options_for(tlw_bars_options *options, const bars_stream *s, const bars_zones *zones, rng *r) {
  const int64_t n = s->trades.n_rows;
  tlw_bars_options_init(options, any_kind(s, r), 1);
  options->unit = s->unit;
  options->fields = one_in(r, 2) ? 15 : (uint32_t)rng_below(r, 16);
  if (s->trades.is_buyer_maker == NULL) options->fields &= ~TLW_BAR_SIDES;
  if (one_in(r, 2)) options->on_bad = TLW_BAD_SKIP;
  switch (options->kind) {
  case TLW_BARS_TIME:
    set_time(options, s, zones, r);
    break;
  case TLW_BARS_TICK:
    options->size = any_size(r, n > 0 ? n : 1);
    break;
  case TLW_BARS_VOLUME:
  case TLW_BARS_VALUE:
    options->size = size_of_part(sum_of(s, options->kind == TLW_BARS_VALUE), n, r);
    options->split = options->size < INT64_MAX && one_in(r, 2); /* else a row could be millions of bars */
    break;
  case TLW_BARS_RANGE:
    options->size = any_threshold(s, r);
    options->no_gate = (int32_t)rng_below(r, 2);
    break;
  case TLW_BARS_RENKO:
    options->size = size_of_part(path_of(s), n, r);
    break;
  }
}

const char *bars_options_text(const tlw_bars_options *o, char *text, size_t size) {
  static const char *const units[] = {"ms", "s", "min", "h", "d", "w", "months"};
  int used = snprintf(text, size, "%s, size %lld", tlw_bars_kind_name(o->kind), (long long)o->size);
  if (o->kind == TLW_BARS_TIME)
    used += snprintf(text + used, size - (size_t)used, " %s, offset %lld ns, zone %s, empty %d", units[o->interval],
                     (long long)o->offset, o->zone_name != NULL ? o->zone_name : "UTC", (int)o->empty);
  snprintf(text + used, size - (size_t)used, "%s%s, unit %d, fields %u, on_bad %d", o->split ? ", split" : "",
           o->no_gate ? ", no gate" : "", (int)o->unit, o->fields, (int)o->on_bad);
  return text;
}
