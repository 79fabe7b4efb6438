#include "merging.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cpu/chart.h"
#include "host/cpu/columns.h"
#include "series.h"

#define POISON 0xA5
#define GUARD 64
#define MOST_WIDTH 300
#define NUMBERS 5 /* of a merged candle */

typedef unsigned __int128 wide;

/* ---- the rules once more ---- */

static wide time_between(int64_t from, int64_t to) { return (wide)((__int128)to - (__int128)from); }

static tlk_series shape_of(const columns *data, bool by_time) {
  const int64_t n = data->n_rows;
  /* begin is not looked at */
  tlk_series s = {.begin = -77, .count = n, .step = 1, .span = (uint64_t)n, .by_time = by_time};
  if (!by_time) return s;
  wide all = time_between(data->time[0], data->time[n - 1]), step = 0;
  for (int64_t i = 1; i < n; i++) {
    const wide difference = time_between(data->time[i - 1], data->time[i]);
    if (difference > 0 && (step == 0 || difference < step)) step = difference;
  }
  if (step == 0) step = 1;
  while ((all >> s.shift) + (step >> s.shift) >= (wide)1 << 46) s.shift++;
  s.origin = data->time[0];
  s.step = step >> s.shift > 1 ? (uint64_t)(step >> s.shift) : 1;
  s.span = (uint64_t)(all >> s.shift) + s.step;
  return s;
}

static int32_t centre_of(const columns *data, const tlk_series *s, int64_t i, int32_t width) {
  const wide u = s->by_time ? time_between(data->time[0], data->time[i]) >> s->shift : (wide)i;
  const wide pixels = (wide)width;
  return (int32_t)((2 * u + s->step) * pixels / (2 * (wide)s->span));
}

struct reference {
  bool some;
  double open, high, low, close, partial[8];
  int64_t count;
};

static void take(struct reference *r, const columns *data, int64_t i, bool with_volume) {
  const double prices[4] = {data->open[i], data->high[i], data->low[i], data->close[i]};
  const double volume = with_volume ? data->volume[i] : 0.0;
  const int64_t j = r->count++;
  for (int k = 0; k < 4; k++)
    if (!isfinite(prices[k])) return;
  if (!r->some) r->open = r->high = r->low = prices[0];
  r->some = true;
  r->close = prices[3];
  for (int k = 0; k < 4; k++) {
    if (prices[k] > r->high) r->high = prices[k];
    if (prices[k] < r->low) r->low = prices[k];
  }
  if (isfinite(volume) && volume > 0.0) r->partial[j % 8] += volume;
}

static double unsigned_zero(double x) { return x == 0.0 ? 0.0 : x; }

static void finish(const struct reference *r, int32_t width, double *merged) {
  for (int32_t x = 0; x < width; x++) {
    const double *p = r[x].partial;
    const double sum = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
    const bool some = r[x].some;
    const double numbers[NUMBERS] = {some ? r[x].open : NAN, some ? unsigned_zero(r[x].high) : NAN,
                                     some ? unsigned_zero(r[x].low) : NAN, some ? r[x].close : NAN,
                                     isinf(sum) ? DBL_MAX : sum};
    for (int k = 0; k < NUMBERS; k++) merged[k * width + x] = numbers[k];
  }
}

/* ---- memory that shows what is done to it ---- */

static void *allocate(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory) {
    fprintf(stderr, "merging: no memory\n");
    abort();
  }
  memset(memory, POISON, size ? size : 1);
  return memory;
}

/* Poisoned memory between guards. */
struct guarded_block {
  uint8_t *block;
  size_t size;
};

static struct guarded_block guarded_block_open(size_t size) {
  const size_t all = (size + 2 * GUARD + GUARD - 1) / GUARD * GUARD;
  uint8_t *block = aligned_alloc(GUARD, all);
  if (!block) abort();
  memset(block, POISON, all);
  return (struct guarded_block){block, size};
}

static void *inside(const struct guarded_block *g) { return g->block + GUARD; }

static bool guarded_block_close(struct guarded_block *g) {
  bool intact = true;
  for (size_t i = 0; i < GUARD; i++)
    if (g->block[i] != POISON || g->block[GUARD + g->size + i] != POISON) intact = false;
  free(g->block);
  return intact;
}

/* ---- chunks ---- */

/* How a column lies in memory. */
struct lie {
  tlw_type type;
  int64_t stride, time_stride;
  size_t offset; /* of the first row, which may break alignment */
};

static struct lie random_lie(rng *r) {
  struct lie lie = {TLW_TYPE_F64, 0, 0, 0};
  const int32_t kind = rng_between(r, 0, 6);
  if (kind >= 4) lie.type = TLW_TYPE_F32;
  const int32_t size = lie.type == TLW_TYPE_F64 ? 8 : 4;
  if (kind == 2 || kind == 5) lie.stride = rng_between(r, size, size + 50);
  if (kind == 3 || kind == 6) {
    lie.stride = size;
    lie.offset = rng_below(r, 9);
  }
  if (rng_below(r, 2)) lie.time_stride = rng_between(r, 8, 40);
  return lie;
}

static size_t size_of(tlw_type type) { return type == TLW_TYPE_F64 ? sizeof(double) : sizeof(float); }

static void put(char *to, double x, tlw_type type) {
  const float narrow = (float)x;
  if (type == TLW_TYPE_F64)
    memcpy(to, &x, sizeof x);
  else
    memcpy(to, &narrow, sizeof narrow);
}

/* Rows of a column behind `lead` others, in memory of exactly their size, which starts at *block. */
static const void *lay_out(const double *source, int64_t n, int64_t lead, const struct lie *lie, char **block) {
  const size_t size = size_of(lie->type), stride = lie->stride ? (size_t)lie->stride : size;
  *block = allocate(lie->offset + (size_t)(lead + n - 1) * stride + size);
  for (int64_t i = 0; i < n; i++) put(*block + lie->offset + (size_t)(lead + i) * stride, source[i], lie->type);
  return *block + lie->offset;
}

static const int64_t *lay_out_time(const int64_t *source, int64_t n, int64_t lead, const struct lie *lie,
                                   char **block) {
  const size_t stride = lie->time_stride ? (size_t)lie->time_stride : sizeof(int64_t);
  /* Where there is a stride, one byte beside. */
  const size_t offset = lie->time_stride ? 1 : 0;
  *block = allocate(offset + (size_t)(lead + n - 1) * stride + sizeof(int64_t));
  for (int64_t i = 0; i < n; i++) memcpy(*block + offset + (size_t)(lead + i) * stride, &source[i], sizeof *source);
  return (const int64_t *)(const void *)(*block + offset);
}

/* Gives rows first to first + n - 1 of the data as a chunk of its own. */
static void add_chunk(struct tlw_cpu_columns *state, const columns *data, int64_t first, int64_t n,
                      const struct lie *lie, bool volume, bool time, rng *r) {
  char *blocks[6] = {0};
  const int64_t lead = (int64_t)rng_below(r, 4);
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.type = lie->type;
  candles.stride = lie->stride;
  candles.time_stride = lie->time_stride;
  if (n > 0) {
    candles.n_rows = lead + n;
    candles.open = lay_out(data->open + first, n, lead, lie, &blocks[0]);
    candles.high = lay_out(data->high + first, n, lead, lie, &blocks[1]);
    candles.low = lay_out(data->low + first, n, lead, lie, &blocks[2]);
    candles.close = lay_out(data->close + first, n, lead, lie, &blocks[3]);
    if (volume) candles.volume = lay_out(data->volume + first, n, lead, lie, &blocks[4]);
    if (time) candles.time = lay_out_time(data->time + first, n, lead, lie, &blocks[5]);
  }
  tlw_cpu_columns_add(state, &candles, n > 0 ? lead : 0, n);
  for (size_t i = 0; i < 6; i++) free(blocks[i]);
}

/* ---- cases ---- */

struct merging_case {
  uint64_t seed;
  columns data;
  tlk_layout layout;
  tlk_series shape;
  bool by_time, with_volume;
  int64_t most; /* rows of a chunk */
  struct lie lie;
};

/* The double that a float column gives. */
static void narrow(double *column, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float x = (float)column[i];
    column[i] = (double)x;
  }
}

/* Pieces of several kinds, so that a pixel column has gaps, and zeros of both signs, beside others that have none. */
static void fill(columns *data, rng *r) {
  fill_times(data, 0, data->n_rows, (time_kind)rng_below(r, TIME_KIND_COUNT), r);
  const int64_t most = 1 + (int64_t)rng_below(r, (uint64_t)data->n_rows);
  for (int64_t first = 0, n; first < data->n_rows; first += n) {
    n = 1 + (int64_t)rng_below(r, (uint64_t)most);
    if (n > data->n_rows - first) n = data->n_rows - first;
    fill_prices(data, first, n, (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
    fill_volumes(data, first, n, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  }
}

static void random_case(struct merging_case *c, uint64_t seed, rng *r) {
  static const int64_t lengths[] = {2, 20, 400, 3000, 12000};
  memset(c, 0, sizeof *c);
  c->seed = seed;
  columns_open(&c->data, 1 + (int64_t)rng_below(r, (uint64_t)lengths[rng_below(r, 5)]));
  fill(&c->data, r);
  c->lie = random_lie(r);
  if (c->lie.type == TLW_TYPE_F32) {
    double *const all[] = {c->data.open, c->data.high, c->data.low, c->data.close, c->data.volume};
    for (size_t i = 0; i < NUMBERS; i++) narrow(all[i], c->data.n_rows);
  }
  c->by_time = rng_below(r, 2);
  c->with_volume = rng_below(r, 4);
  memset(&c->layout, POISON, sizeof c->layout);
  c->layout.plot_width = rng_between(r, 1, rng_below(r, 2) ? 12 : MOST_WIDTH);
  c->shape = shape_of(&c->data, c->by_time);
  const int64_t chunks[] = {1, 7, 70, 700, c->data.n_rows};
  c->most = chunks[rng_below(r, 5)];
}

static bool is_equal(const struct merging_case *c, const double *got, const double *expected, const char *what) {
  static const char *const names[NUMBERS] = {"open", "high", "low", "close", "volume"};
  const int32_t width = c->layout.plot_width;
  for (int i = 0; i < NUMBERS * width; i++) {
    if (isnan(expected[i]) ? isnan(got[i]) : memcmp(&got[i], &expected[i], sizeof *got) == 0) continue;
    printf("seed %" PRIu64 ", %s: %s of pixel column %d of %d is %a, not %a (%" PRId64 " rows, chunks of up to %" PRId64
           ", type %d, stride %" PRId64 ", time %d)\n",
           c->seed, what, names[i / width], i % width, width, got[i], expected[i], c->data.n_rows, c->most,
           (int)c->lie.type, c->lie.stride, c->by_time);
    return false;
  }
  return true;
}

/* What the state gives for the rows so far. */
static bool state_agrees(const struct merging_case *c, const struct tlw_cpu_columns *state,
                         const struct reference *reference, int64_t rows) {
  const int32_t width = c->layout.plot_width;
  double expected[NUMBERS * MOST_WIDTH];
  struct guarded_block out = guarded_block_open(NUMBERS * (size_t)width * sizeof(double));
  finish(reference, width, expected);
  tlw_cpu_columns_end(state, inside(&out));
  bool good = is_equal(c, inside(&out), expected, "in chunks");
  if (tlw_cpu_columns_rows(state) != rows) good = false;
  return guarded_block_close(&out) && good;
}

static bool chunks_agree(const struct merging_case *c, const struct tlw_cpu_tier *tier, struct reference *reference,
                         rng *r) {
  const int32_t width = c->layout.plot_width;
  struct guarded_block memory = guarded_block_open(tlw_cpu_columns_size(width));
  struct tlw_cpu_columns *state = tlw_cpu_columns_begin(inside(&memory), tier, &c->layout, &c->shape, c->with_volume);
  /* What is not wanted must not be looked at. */
  const bool volume = c->with_volume || rng_below(r, 2), time = c->by_time || rng_below(r, 2);
  bool good = state_agrees(c, state, reference, 0);
  int64_t n;
  for (int64_t first = 0; first < c->data.n_rows && good; first += n) {
    n = c->most == 1 ? 1 : (int64_t)rng_below(r, (uint64_t)c->most + 1);
    if (n > c->data.n_rows - first) n = c->data.n_rows - first;
    add_chunk(state, &c->data, first, n, &c->lie, volume, time, r);
    for (int64_t i = first; i < first + n; i++)
      take(&reference[centre_of(&c->data, &c->shape, i, width)], &c->data, i, c->with_volume);
    if (first + n == c->data.n_rows || rng_below(r, 30) == 0) good = state_agrees(c, state, reference, first + n);
  }
  return guarded_block_close(&memory) && good;
}

/* The merge of whole charts, in two parts. */
static bool whole_agrees(const struct merging_case *c, const struct tlw_cpu_tier *tier,
                         const struct reference *reference, rng *r) {
  const int32_t width = c->layout.plot_width, split = rng_between(r, 0, width);
  double expected[NUMBERS * MOST_WIDTH];
  struct guarded_block out = guarded_block_open(NUMBERS * (size_t)width * sizeof(double));
  const struct tlw_cpu_scratch scratch = {.merged = inside(&out)};
  tlk_series series = c->shape;
  series.begin = 0;
  const columns *data = &c->data;
  const struct tlw_render_job job = {.layout = c->layout,
                                     .open = data->open,
                                     .high = data->high,
                                     .low = data->low,
                                     .close = data->close,
                                     .volume = c->with_volume ? data->volume : NULL,
                                     .time = c->by_time ? data->time : NULL,
                                     .series = &series,
                                     .n_series = 1};
  tlw_cpu_merge(tier, &job, &series, 0, split, &scratch);
  tlw_cpu_merge(tier, &job, &series, split, width, &scratch);
  finish(reference, width, expected);
  const bool good = is_equal(c, inside(&out), expected, "in one go");
  return guarded_block_close(&out) && good;
}

bool merging_agrees(const struct tlw_cpu_tier *tier, uint64_t seed) {
  rng r = {seed};
  struct merging_case c;
  random_case(&c, seed, &r);
  struct reference *reference = calloc((size_t)c.layout.plot_width, sizeof *reference);
  if (!reference) abort();
  const bool good = chunks_agree(&c, tier, reference, &r) && whole_agrees(&c, tier, reference, &r);
  if (!good) printf("seed %" PRIu64 " on %s: not what it should be\n", seed, tier->name);
  free(reference);
  columns_close(&c.data);
  return good;
}

/* ---- gathering ---- */

static bool column_agrees(const columns *data, const struct lie *lie, rng *r) {
  const int64_t lead = (int64_t)rng_below(r, 9), n = data->n_rows;
  char *block;
  const void *column = lay_out(data->open, n, lead, lie, &block);
  struct guarded_block out = guarded_block_open((size_t)n * sizeof(double));
  tlw_cpu_gather(inside(&out), column, lie->type, lie->stride, lead, n);
  bool good = true;
  for (int64_t i = 0; i < n; i++) {
    const double got = ((const double *)inside(&out))[i], x = data->open[i];
    const double expected = lie->type == TLW_TYPE_F64 ? x : (double)(float)x;
    if (isnan(x) ? !isnan(got) : memcmp(&got, &expected, sizeof got) != 0) good = false;
  }
  free(block);
  return guarded_block_close(&out) && good;
}

static bool times_agree(const columns *data, const struct lie *lie, rng *r) {
  const int64_t lead = (int64_t)rng_below(r, 9), n = data->n_rows;
  char *block;
  const int64_t *column = lay_out_time(data->time, n, lead, lie, &block);
  struct guarded_block out = guarded_block_open((size_t)n * sizeof(int64_t));
  tlw_cpu_gather_time(inside(&out), column, lie->time_stride, lead, n);
  const bool good = memcmp(inside(&out), data->time, (size_t)n * sizeof(int64_t)) == 0;
  free(block);
  return guarded_block_close(&out) && good;
}

bool gathering_agrees(uint64_t seed) {
  rng r = {seed};
  columns data;
  columns_open(&data, 1 + (int64_t)rng_below(&r, 600));
  fill(&data, &r);
  const struct lie lie = random_lie(&r);
  const bool good = column_agrees(&data, &lie, &r) && times_agree(&data, &lie, &r);
  if (!good) printf("seed %" PRIu64 ": a copy differs, type %d, stride %" PRId64 "\n", seed, lie.type, lie.stride);
  columns_close(&data);
  return good;
}
