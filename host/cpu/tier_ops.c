/*
 * The loops of one tier. Compiled once per tier with its -m flags, with TLK_LANES the doubles of a vector, and with
 * TLW_TIER and TLW_TIER_NAME naming the result.
 */
#include <string.h>

#include "bars_tier.h"
#include "images_tier.h"
#include "ink_tier.h"
#include "line_ops.h"
#include "tier.h"
#include "vector.h"
#include "window_tier.h"

typedef uint16_t narrow __attribute__((vector_size(2 * TLK_LANES)));

#define BYTES 64
typedef uint8_t bytes __attribute__((vector_size(BYTES)));

/* TLK_LANES candles. Lanes beyond the end of the columns are gaps. */
struct group {
  tlk_real open, high, low, close, volume;
};

static inline struct group load_group(const struct tlw_cpu_candles *candles, size_t i) {
  return (struct group){load(candles->open + i), load(candles->high + i), load(candles->low + i),
                        load(candles->close + i), candles->volume ? load(candles->volume + i) : tlk_splat(0.0)};
}

static inline tlk_real load_part(const double *column, size_t n, double rest) {
  double x[TLK_LANES];
  for (size_t i = 0; i < TLK_LANES; i++) x[i] = i < n ? column[i] : rest;
  return load(x);
}

static struct group load_last(const struct tlw_cpu_candles *candles, size_t i) {
  const size_t n = candles->count - i;
  const double gap = __builtin_nan("");
  return (struct group){load_part(candles->open + i, n, gap), load_part(candles->high + i, n, gap),
                        load_part(candles->low + i, n, gap), load_part(candles->close + i, n, gap),
                        candles->volume ? load_part(candles->volume + i, n, 0.0) : tlk_splat(0.0)};
}

/* ---- merging ---- */

/* A candle's place among TLK_SUM_LANES, which are this many vectors. */
#define PARTS (TLK_SUM_LANES / TLK_LANES)

static inline tlk_mask places(void) {
  tlk_mask x;
  for (int i = 0; i < TLK_LANES; i++) x[i] = i;
  return x;
}

/* The vector with its lanes in blocks of n swapped with their neighbours. */
#if TLK_LANES == 8
#define SWAP_1(x) __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6)
#define SWAP_2(x) __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5)
#define SWAP_4(x) __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3)
#elif TLK_LANES == 4
#define SWAP_1(x) __builtin_shufflevector(x, x, 1, 0, 3, 2)
#define SWAP_2(x) __builtin_shufflevector(x, x, 2, 3, 0, 1)
#else
#define SWAP_1(x) __builtin_shufflevector(x, x, 1, 0)
#endif

/* Combines all lanes of all parts, in the order of tlk_sum_lanes. */
#if TLK_LANES == 8
#define REDUCE_PART(combine, x)                                                                                        \
  x = combine(x, SWAP_1(x));                                                                                           \
  x = combine(x, SWAP_2(x));                                                                                           \
  x = combine(x, SWAP_4(x))
#elif TLK_LANES == 4
#define REDUCE_PART(combine, x)                                                                                        \
  x = combine(x, SWAP_1(x));                                                                                           \
  x = combine(x, SWAP_2(x))
#else
#define REDUCE_PART(combine, x) x = combine(x, SWAP_1(x))
#endif

#define DEFINE_REDUCE(name, combine)                                                                                   \
  static inline double name(tlk_real *parts) {                                                                         \
    for (int k = 0; k < PARTS; k++) {                                                                                  \
      REDUCE_PART(combine, parts[k]);                                                                                  \
    }                                                                                                                  \
    for (int step = 1; step < PARTS; step *= 2)                                                                        \
      for (int k = 0; k < PARTS; k += 2 * step) parts[k] = combine(parts[k], parts[k + step]);                         \
    return parts[0][0];                                                                                                \
  }

static inline tlk_real add(tlk_real a, tlk_real b) { return a + b; }

DEFINE_REDUCE(reduce_max, tlk_max)
DEFINE_REDUCE(reduce_min, tlk_min)
DEFINE_REDUCE(reduce_sum, add)

/* What all lanes have met. */
struct met {
  tlk_real high[PARTS], low[PARTS], sum[PARTS];
};

/* Adds candles begin to end - 1, the first of them to lane 0. False as merge. */
static inline bool meet(const struct tlw_cpu_candles *candles, size_t begin, size_t end, struct met *met) {
  if (end + TLK_SUM_LANES > candles->count) return false;
  tlk_real odd = tlk_splat(0.0);
  for (size_t i = begin; i < end; i += TLK_SUM_LANES) {
    for (int k = 0; k < PARTS && i + (size_t)k * TLK_LANES < end; k++) {
      const struct group g = load_group(candles, i + (size_t)k * TLK_LANES);
      const tlk_mask inside = places() + k * TLK_LANES < (tlk_i64)(end - i);
      /* 0 unless a price is not finite */
      const tlk_real gap = ((g.open - g.open) + (g.high - g.high)) + ((g.low - g.low) + (g.close - g.close));
      odd += tlk_pick(inside, gap, tlk_splat(0.0));
      const tlk_real high = met->high[k], low = met->low[k];
      met->high[k] = tlk_max(tlk_pick(inside, tlk_candle_high(g.open, g.high, g.low, g.close), high), high);
      met->low[k] = tlk_min(tlk_pick(inside, tlk_candle_low(g.open, g.high, g.low, g.close), low), low);
      met->sum[k] += tlk_candle_volume(inside, g.volume);
    }
  }
  for (int i = 0; i < TLK_LANES; i++)
    if (!(odd[i] == 0.0)) return false;
  return true;
}

static bool merge(const struct tlw_cpu_candles *candles, size_t begin, size_t end, struct tlw_cpu_merged *merged) {
  struct met met;
  for (int k = 0; k < PARTS; k++) {
    met.high[k] = tlk_splat(-__builtin_inf());
    met.low[k] = tlk_splat(__builtin_inf());
    met.sum[k] = tlk_splat(0.0);
  }
  if (!meet(candles, begin, end, &met)) return false;
  const double volume = reduce_sum(met.sum);
  *merged = (struct tlw_cpu_merged){candles->open[begin], reduce_max(met.high) + 0.0, reduce_min(met.low) + 0.0,
                                    candles->close[end - 1], tlk_finite_sum(volume)};
  return true;
}

static bool extend(const struct tlw_cpu_candles *candles, size_t begin, size_t end, struct tlw_cpu_carry *carry) {
  /* The sum that the first of these candles belongs to comes first. */
  const size_t turn = carry->count % TLK_SUM_LANES;
  double sums[TLK_SUM_LANES];
  for (size_t i = 0; i < TLK_SUM_LANES; i++) sums[i] = carry->sums[(i + turn) % TLK_SUM_LANES];
  struct met met;
  for (int k = 0; k < PARTS; k++) {
    met.high[k] = tlk_splat(carry->high);
    met.low[k] = tlk_splat(carry->low);
    met.sum[k] = load(sums + k * TLK_LANES);
  }
  if (!meet(candles, begin, end, &met)) return false;
  for (int k = 0; k < PARTS; k++) memcpy(sums + k * TLK_LANES, &met.sum[k], sizeof met.sum[k]);
  for (size_t i = 0; i < TLK_SUM_LANES; i++) carry->sums[(i + turn) % TLK_SUM_LANES] = sums[i];
  if (carry->high < carry->low) carry->open = candles->open[begin];
  carry->high = reduce_max(met.high);
  carry->low = reduce_min(met.low);
  carry->close = candles->close[end - 1];
  carry->count += end - begin;
  return true;
}

/* ---- extent and marks ---- */

struct widest {
  tlk_real high, low, volume;
};

static inline struct widest widen(struct widest e, struct group g) {
  const tlk_mask valid = tlk_candle_valid(g.open, g.high, g.low, g.close);
  e.high = tlk_max(tlk_pick(valid, tlk_candle_high(g.open, g.high, g.low, g.close), e.high), e.high);
  e.low = tlk_min(tlk_pick(valid, tlk_candle_low(g.open, g.high, g.low, g.close), e.low), e.low);
  e.volume = tlk_max(tlk_candle_volume(valid, g.volume), e.volume);
  return e;
}

static struct tlw_cpu_extent extent(const struct tlw_cpu_candles *candles) {
  struct widest e = {tlk_splat(-__builtin_inf()), tlk_splat(__builtin_inf()), tlk_splat(0.0)};
  size_t i = 0;
  for (; i + TLK_LANES <= candles->count; i += TLK_LANES) e = widen(e, load_group(candles, i));
  if (i < candles->count) e = widen(e, load_last(candles, i));
  struct tlw_cpu_extent all = {e.high[0], e.low[0], e.volume[0]};
  for (int lane = 1; lane < TLK_LANES; lane++) {
    if (e.high[lane] > all.high) all.high = e.high[lane];
    if (e.low[lane] < all.low) all.low = e.low[lane];
    if (e.volume[lane] > all.volume) all.volume = e.volume[lane];
  }
  return all;
}

static inline void store(uint16_t *column, tlk_int rows) {
  const narrow x = __builtin_convertvector(rows, narrow);
  memcpy(column, &x, sizeof x);
}

static inline void store_mark(const struct tlw_cpu_marks *marks, size_t i, struct group g, tlk_scale s,
                              const tlk_layout *layout) {
  const tlk_mark mark = tlk_candle_mark(g.open, g.high, g.low, g.close, g.volume, s, *layout);
  store(marks->wick_top + i, mark.wick_top);
  store(marks->wick_bottom + i, mark.wick_bottom);
  store(marks->body_top + i, mark.body_top);
  store(marks->body_bottom + i, mark.body_bottom);
  store(marks->bar_top + i, mark.bar_top);
  store(marks->ink + i, mark.ink);
}

static inline __attribute__((always_inline)) void mark_all(const struct tlw_cpu_candles *candles, tlk_scale s,
                                                           const tlk_layout *layout,
                                                           const struct tlw_cpu_marks *marks) {
  size_t i = 0;
  for (; i + TLK_LANES <= candles->count; i += TLK_LANES) store_mark(marks, i, load_group(candles, i), s, layout);
  if (i < candles->count) store_mark(marks, i, load_last(candles, i), s, layout);
}

/* A loop for each scale, so that the linear one does not ask which it is. */
static void mark(const struct tlw_cpu_candles *candles, tlk_scale s, const tlk_layout *layout,
                 const struct tlw_cpu_marks *marks) {
  tlk_layout linear = *layout, logarithmic = *layout;
  linear.price_scale = TLK_SCALE_LINEAR;
  logarithmic.price_scale = TLK_SCALE_LOG;
  if (layout->price_scale == TLK_SCALE_LOG)
    mark_all(candles, s, &logarithmic, marks);
  else
    mark_all(candles, s, &linear, marks);
}

/* ---- rows ---- */

static void copy(uint8_t *restrict target, const uint8_t *restrict source, size_t n) {
  size_t i = 0;
  for (; i + BYTES <= n; i += BYTES) {
    bytes x;
    memcpy(&x, source + i, BYTES);
    memcpy(target + i, &x, BYTES);
  }
  memcpy(target + i, source + i, n - i);
}

static void copy_on_grid(uint8_t *restrict target, const uint8_t *restrict source, size_t n) {
  size_t i = 0;
  for (; i + BYTES <= n; i += BYTES) {
    bytes x;
    memcpy(&x, source + i, BYTES);
    x |= (bytes)(x == 0) & TLK_INK_GRID;
    memcpy(target + i, &x, BYTES);
  }
  for (; i < n; i++) target[i] = source[i] ? source[i] : TLK_INK_GRID;
}

extern const struct tlw_cpu_bars_tier TLW_TIERED(tlw_cpu_bars_of);
extern const struct tlw_cpu_images_tier TLW_TIERED(tlw_cpu_images_of);
extern const struct tlw_cpu_ink_tier TLW_TIERED(tlw_cpu_inks_of);
extern const struct tlw_cpu_window_tier TLW_TIERED(tlw_cpu_windows_of);
extern const struct tlw_cpu_tier TLW_TIER;
const struct tlw_cpu_tier TLW_TIER = {
    .name = TLW_TIER_NAME,
    .bars = &TLW_TIERED(tlw_cpu_bars_of),
    .images = &TLW_TIERED(tlw_cpu_images_of),
    .inks = &TLW_TIERED(tlw_cpu_inks_of),
    .windows = &TLW_TIERED(tlw_cpu_windows_of),
    .merge = merge,
    .extend = extend,
    .extent = extent,
    .mark = mark,
    .line_points = TLW_TIERED(tlw_cpu_line_points_of),
    .line = TLW_TIERED(tlw_cpu_draw_line),
    .copy = copy,
    .copy_on_grid = copy_on_grid,
};
