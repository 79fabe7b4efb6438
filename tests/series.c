#include "series.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000000000)
#define DAY INT64_C(86400000000000)

uint64_t rng_next(rng *r) {
  uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

uint64_t rng_below(rng *r, uint64_t n) { return n == 0 ? 0 : rng_next(r) % n; }

int32_t rng_between(rng *r, int32_t from, int32_t to) {
  return from + (int32_t)rng_below(r, (uint64_t)((int64_t)to - from + 1));
}

double rng_unit(rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

static double any_bits(rng *r) {
  uint64_t bits = rng_next(r);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double either_sign(rng *r, double value) { return one_in(r, 2) ? value : -value; }

static double denormal(rng *r) {
  /* Few bits half of the time, so that halving them loses one. */
  uint64_t bits = rng_below(r, one_in(r, 2) ? 8 : UINT64_C(1) << 52);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* A number of 8 bytes for each row, at least one, so that the pointer is never NULL. */
static void *column(int64_t n_rows) {
  void *memory = calloc(n_rows > 0 ? (size_t)n_rows : 1, 8);
  if (memory == NULL) {
    fprintf(stderr, "series: no memory for %lld rows\n", (long long)n_rows);
    abort();
  }
  return memory;
}

void columns_open(columns *c, int64_t n_rows) {
  c->n_rows = n_rows;
  c->open = column(n_rows);
  c->high = column(n_rows);
  c->low = column(n_rows);
  c->close = column(n_rows);
  c->volume = column(n_rows);
  c->time = column(n_rows);
  c->lines = NULL;
  c->n_lines = 0;
}

void columns_open_lines(columns *c, int32_t n_lines) {
  if (n_lines == 0) return;
  c->lines = column(n_lines);
  c->n_lines = n_lines;
  for (int32_t i = 0; i < n_lines; i++) c->lines[i] = column(c->n_rows);
}

void columns_close(columns *c) {
  for (int32_t i = 0; i < c->n_lines; i++) free(c->lines[i]);
  free(c->lines);
  free(c->open);
  free(c->high);
  free(c->low);
  free(c->close);
  free(c->volume);
  free(c->time);
  memset(c, 0, sizeof *c);
}

void columns_view(const columns *c, tlw_candles *candles) {
  *candles = (tlw_candles){.struct_size = sizeof *candles,
                           .open = c->open,
                           .high = c->high,
                           .low = c->low,
                           .close = c->close,
                           .volume = c->volume,
                           .time = c->time,
                           .n_rows = c->n_rows,
                           .n_series = 1,
                           .lines = (const void *const *)c->lines,
                           .n_lines = c->n_lines};
}

uint64_t columns_hash(const columns *c) {
  const void *all[6] = {c->open, c->high, c->low, c->close, c->volume, c->time};
  uint64_t hash = 0;
  for (int k = 0; k < 6 + c->n_lines; k++) {
    const unsigned char *bytes = k < 6 ? all[k] : c->lines[k - 6];
    for (int64_t i = 0; i < c->n_rows; i++) {
      uint64_t word;
      memcpy(&word, bytes + 8 * i, sizeof word);
      hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
      hash ^= hash >> 29;
    }
  }
  return hash;
}

const char *price_kind_name(price_kind kind) {
  static const char *const names[PRICE_KIND_COUNT] = {"walk",       "ticks",    "flat",  "gaps",     "all gaps",
                                                      "infinite",   "denormal", "huge",  "negative", "zeros",
                                                      "inside out", "narrow",   "spike", "bits"};
  return names[kind];
}

const char *volume_kind_name(volume_kind kind) {
  static const char *const names[VOLUME_KIND_COUNT] = {"plain", "zero",     "lattice", "hostile",
                                                       "huge",  "denormal", "wild",    "bits"};
  return names[kind];
}

const char *time_kind_name(time_kind kind) {
  static const char *const names[TIME_KIND_COUNT] = {"regular",   "nights", "doubled", "equal", "extreme",
                                                     "irregular", "bursts", "saving",  "years"};
  return names[kind];
}

static void set_prices(columns *c, int64_t row, double open, double high, double low, double close) {
  c->open[row] = open;
  c->high[row] = high;
  c->low[row] = low;
  c->close[row] = close;
}

static double scale_of(rng *r) {
  double scale = 1.0;
  int32_t power = rng_between(r, -12, 12);
  for (int32_t i = 0; i < power; i++) scale *= 10.0;
  for (int32_t i = 0; i > power; i--) scale /= 10.0;
  return scale;
}

/* start times the scale, moving by parts of drift; through zero where start is near it. */
static void fill_walk(columns *c, int64_t first, int64_t n, double start, rng *r) {
  double scale = scale_of(r);
  double step = (0.0001 + 0.05 * rng_unit(r)) * scale;
  double price = start * scale;
  for (int64_t i = first; i < first + n; i++) {
    double open = price;
    double close = open + (rng_unit(r) - 0.5) * step;
    double high = (open > close ? open : close) + rng_unit(r) * 0.3 * step;
    double low = (open < close ? open : close) - rng_unit(r) * 0.3 * step;
    set_prices(c, i, open, high, low, close);
    price = one_in(r, 50) ? close + (rng_unit(r) - 0.5) * 20.0 * step : close;
  }
}

static void fill_ticks(columns *c, int64_t first, int64_t n, rng *r) {
  static const double ticks[] = {1.0, 0.25, 0.01, 0.1, 1e-8, 3.0};
  double tick = ticks[rng_below(r, sizeof ticks / sizeof ticks[0])];
  int32_t most = rng_between(r, 1, one_in(r, 2) ? 8 : 300);
  int32_t shift = one_in(r, 3) ? rng_between(r, -500, 500) : 0;
  for (int64_t i = first; i < first + n; i++) {
    int32_t low = rng_between(r, 0, most);
    int32_t high = rng_between(r, low, most);
    int32_t open = rng_between(r, low, high);
    int32_t close = rng_between(r, low, high);
    set_prices(c, i, tick * (shift + open), tick * (shift + high), tick * (shift + low), tick * (shift + close));
  }
}

static void put_in_one_column(columns *c, int64_t row, double value, rng *r) {
  double *all[4] = {c->open, c->high, c->low, c->close};
  all[rng_below(r, 4)][row] = value;
}

static void sprinkle(columns *c, int64_t first, int64_t n, const double *values, size_t n_values, rng *r) {
  uint64_t rate = 1 + rng_below(r, 30);
  for (int64_t i = first; i < first + n; i++) {
    if (one_in(r, rate)) put_in_one_column(c, i, values[rng_below(r, n_values)], r);
  }
}

typedef double (*price_fn)(rng *r);

static double huge_price(rng *r) {
  static const double values[] = {1.7e308, DBL_MAX, 1e308, 8.98846567431158e307, 1.0, 0.0};
  return either_sign(r, values[rng_below(r, sizeof values / sizeof values[0])]);
}

static double zero_price(rng *r) { return either_sign(r, one_in(r, 40) ? 1e-300 : 0.0); }

static double denormal_price(rng *r) { return either_sign(r, denormal(r)); }

static double unrelated_price(rng *r) { return 100.0 + rng_unit(r); }

static double narrow_price(rng *r) { return 1e6 + (double)rng_below(r, 64) * 0x1p-33; }

static void fill_each(columns *c, int64_t first, int64_t n, price_fn price, rng *r) {
  double *all[4] = {c->open, c->high, c->low, c->close};
  for (int64_t i = first; i < first + n; i++) {
    for (int k = 0; k < 4; k++) all[k][i] = price(r);
  }
}

void fill_prices(columns *c, int64_t first, int64_t n, price_kind kind, rng *r) {
  static const double gaps[] = {(double)NAN, -(double)NAN};
  static const double infinite[] = {(double)INFINITY, -(double)INFINITY};
  double level = either_sign(r, scale_of(r));
  switch (kind) {
  case PRICES_WALK:
    fill_walk(c, first, n, 1.0 + 9.0 * rng_unit(r), r);
    break;
  case PRICES_TICKS:
    fill_ticks(c, first, n, r);
    break;
  case PRICES_FLAT:
    for (int64_t i = first; i < first + n; i++) set_prices(c, i, level, level, level, level);
    break;
  case PRICES_GAPS:
    fill_walk(c, first, n, 1.0, r);
    sprinkle(c, first, n, gaps, 2, r);
    break;
  case PRICES_ALL_GAPS:
    fill_walk(c, first, n, 1.0, r);
    for (int64_t i = first; i < first + n; i++) {
      put_in_one_column(c, i, one_in(r, 2) ? gaps[rng_below(r, 2)] : infinite[rng_below(r, 2)], r);
    }
    break;
  case PRICES_INFINITE:
    fill_walk(c, first, n, 1.0, r);
    sprinkle(c, first, n, infinite, 2, r);
    break;
  case PRICES_DENORMAL:
    fill_each(c, first, n, denormal_price, r);
    break;
  case PRICES_HUGE:
    fill_each(c, first, n, huge_price, r);
    break;
  case PRICES_NEGATIVE:
    fill_walk(c, first, n, one_in(r, 2) ? 0.0 : -5.0, r);
    break;
  case PRICES_ZEROS:
    fill_each(c, first, n, zero_price, r);
    break;
  case PRICES_INSIDE_OUT:
    fill_each(c, first, n, unrelated_price, r);
    break;
  case PRICES_NARROW:
    fill_each(c, first, n, narrow_price, r);
    break;
  case PRICES_SPIKE:
    for (int64_t i = first; i < first + n; i++) set_prices(c, i, level, level, level, level);
    if (n > 0) {
      double spike = level * (0.5 + rng_unit(r));
      put_in_one_column(c, first + (int64_t)rng_below(r, (uint64_t)n), spike, r);
    }
    break;
  case PRICES_BITS:
    fill_each(c, first, n, any_bits, r);
    break;
  }
}

void lift_prices(columns *c, int64_t first, int64_t n, double least) {
  double *all[4] = {c->open, c->high, c->low, c->close};
  for (int k = 0; k < 4; k++) {
    for (int64_t i = first; i < first + n; i++) {
      if (!isfinite(all[k][i])) continue;
      all[k][i] = fabs(all[k][i]) < least ? least : fabs(all[k][i]);
    }
  }
}

static double hostile_volume(rng *r) {
  static const double values[] = {(double)NAN, -(double)NAN, (double)INFINITY, -(double)INFINITY, -1.0, -1e300, 0.0};
  return one_in(r, 3) ? values[rng_below(r, sizeof values / sizeof values[0])] : 1e6 * rng_unit(r);
}

/* From 2^-40 to 2^60. */
static double wild_volume(rng *r) {
  double value = 1.0 + rng_unit(r);
  int32_t power = rng_between(r, -40, 59);
  for (int32_t i = 0; i < power; i++) value *= 2.0;
  for (int32_t i = 0; i > power; i--) value *= 0.5;
  return value;
}

static double volume(volume_kind kind, int32_t most, rng *r) {
  switch (kind) {
  case VOLUMES_PLAIN:
    return 1e6 * rng_unit(r);
  case VOLUMES_ZERO:
    return either_sign(r, 0.0);
  case VOLUMES_LATTICE:
    return (double)rng_between(r, 0, most);
  case VOLUMES_HOSTILE:
    return hostile_volume(r);
  case VOLUMES_HUGE:
    return 1.7e308 * rng_unit(r);
  case VOLUMES_DENORMAL:
    return denormal(r);
  case VOLUMES_WILD:
    return wild_volume(r);
  case VOLUMES_BITS:
    return any_bits(r);
  }
  return 0.0;
}

void fill_volumes(columns *c, int64_t first, int64_t n, volume_kind kind, rng *r) {
  int32_t most = rng_between(r, 1, 64);
  for (int64_t i = first; i < first + n; i++) c->volume[i] = volume(kind, most, r);
}

static int compare_times(const void *a, const void *b) {
  const int64_t *x = a;
  const int64_t *y = b;
  return (*x > *y) - (*x < *y);
}

static void fill_extreme_times(columns *c, int64_t first, int64_t n, rng *r) {
  for (int64_t i = first; i < first + n; i++) {
    uint64_t bits = rng_next(r);
    memcpy(&c->time[i], &bits, sizeof bits);
  }
  if (n > 0) c->time[first] = INT64_MIN;
  if (n > 1) c->time[first + 1] = INT64_MAX;
  if (n > 2 && one_in(r, 2)) c->time[first + 2] = INT64_MIN + 1;
  if (n > 0) qsort(c->time + first, (size_t)n, sizeof c->time[0], compare_times);
}

/* Around a change of clocks in Europe or America. */
static void fill_saving_times(columns *c, int64_t first, int64_t n, rng *r) {
  static const int64_t changes[] = {1710054000, 1711846800, 1729990800, 1730613600, 1743296400, 1761440400};
  static const int64_t minutes[] = {1, 5, 15, 30, 60, 240};
  const int64_t step = minutes[rng_below(r, sizeof minutes / sizeof *minutes)] * MINUTE;
  const int64_t change = changes[rng_below(r, sizeof changes / sizeof *changes)] * 1000000000;
  for (int64_t i = 0; i < n; i++) c->time[first + i] = change + (i - n / 2) * step;
}

static void fill_year_times(columns *c, int64_t first, int64_t n, rng *r) {
  static const int64_t days[] = {1, 7, 30, 91, 365};
  const int64_t step = days[rng_below(r, sizeof days / sizeof *days)];
  const int64_t begin = rng_between(r, -40000, 40000);
  for (int64_t i = 0; i < n; i++) {
    const int64_t day = begin + i * step;
    c->time[first + i] = (day < 106000 ? day : 106000) * DAY;
  }
}

void fill_times(columns *c, int64_t first, int64_t n, time_kind kind, rng *r) {
  static const int64_t steps[] = {1, 1000, 1000000, 1000000000, MINUTE, 60 * MINUTE, DAY, 7 * DAY};
  if (kind == TIMES_EXTREME || kind == TIMES_SAVING || kind == TIMES_YEARS) {
    if (kind == TIMES_EXTREME) fill_extreme_times(c, first, n, r);
    if (kind == TIMES_SAVING) fill_saving_times(c, first, n, r);
    if (kind == TIMES_YEARS) fill_year_times(c, first, n, r);
    return;
  }
  int64_t most = INT64_C(4000000000000000000) / (n + 1);
  int64_t step = steps[rng_below(r, sizeof steps / sizeof steps[0])];
  if (step > most) step = 1;
  int64_t session = rng_between(r, 1, 400);
  int64_t time = (int64_t)rng_below(r, UINT64_C(4000000000000000000)) - INT64_C(2000000000000000000);
  for (int64_t i = 0; i < n; i++) {
    c->time[first + i] = time;
    switch (kind) {
    case TIMES_REGULAR:
      time += step;
      break;
    case TIMES_NIGHTS:
      time += i % session == session - 1 ? DAY - (session - 1) * MINUTE : MINUTE;
      break;
    case TIMES_DOUBLED:
      time += one_in(r, 3) ? 0 : step;
      break;
    case TIMES_IRREGULAR:
      time += (int64_t)rng_below(r, 2000000000);
      break;
    case TIMES_BURSTS:
      time += one_in(r, 20) ? (int64_t)rng_below(r, (uint64_t)most) : 1;
      break;
    default:
      break;
    }
  }
}

void mix_times(columns *c, int64_t first, int64_t n, rng *r) {
  for (uint64_t k = 1 + rng_below(r, 4); n > 0 && k > 0; k--) {
    int64_t *const a = &c->time[first + (int64_t)rng_below(r, (uint64_t)n)];
    int64_t *const b = &c->time[first + (int64_t)rng_below(r, (uint64_t)n)];
    const int64_t kept = *a;
    *a = one_in(r, 8) ? INT64_MAX : *b;
    *b = kept;
  }
}

/* ---- lines ---- */

/* Of the finite lows and highs; 1 and 2 where there are none. */
static void find_range(const columns *c, int64_t first, int64_t n, double *low, double *high) {
  *low = (double)INFINITY;
  *high = -(double)INFINITY;
  for (int64_t i = first; i < first + n; i++) {
    if (isfinite(c->low[i])) *low = fmin(*low, c->low[i]);
    if (isfinite(c->high[i])) *high = fmax(*high, c->high[i]);
  }
  if (isfinite(*low) && isfinite(*high)) return;
  *low = 1.0;
  *high = 2.0;
}

static double average(const columns *c, int64_t first, int64_t row, int64_t length) {
  double sum = 0.0;
  if (row - first < length - 1) return (double)NAN;
  for (int64_t i = row - length + 1; i <= row; i++) sum += c->close[i] / (double)length;
  return sum;
}

void fill_line(columns *c, int32_t line, int64_t first, int64_t n, line_kind kind, rng *r) {
  double *const values = c->lines[line];
  double low, high;
  find_range(c, first, n, &low, &high);
  const int64_t length = rng_between(r, 1, 30);
  const uint64_t rate = 1 + rng_below(r, 60);
  const double level = low + (high - low) * rng_unit(r);
  for (int64_t i = first; i < first + n; i++) {
    const double any = low + (high - low) * (1.4 * rng_unit(r) - 0.2);
    switch (kind) {
    case LINES_AVERAGE:
      values[i] = average(c, first, i, length);
      break;
    case LINES_AROUND:
      values[i] = any;
      break;
    case LINES_FLAT:
      values[i] = level;
      break;
    case LINES_GAPS:
      values[i] = !one_in(r, rate) ? c->close[i] : one_in(r, 3) ? (double)INFINITY : (double)NAN;
      break;
    case LINES_ALL_GAPS:
      values[i] = one_in(r, 2) ? (double)NAN : -(double)INFINITY;
      break;
    case LINES_SPARSE:
      values[i] = one_in(r, rate) ? any : (double)NAN;
      break;
    case LINES_JUMPS:
      values[i] = one_in(r, 2) ? low : high;
      break;
    case LINES_HUGE:
      values[i] = huge_price(r);
      break;
    case LINES_NEGATIVE:
      values[i] = one_in(r, 4) ? either_sign(r, 0.0) : -fabs(any);
      break;
    case LINES_BITS:
      values[i] = any_bits(r);
      break;
    }
  }
}
