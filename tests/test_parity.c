/*
 * Every backend against the oracle, bit by bit, over random and hostile charts.
 *
 *   test_parity [TARGET...]         cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             random cases on each target
 *   TALLOW_TEST_SEED=S              the first case's seed; with TALLOW_TEST_CASES=1 it repeats a case that failed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extras.h"
#include "harness.h"
#include "oracle.h"
#include "packing.h"
#include "series.h"

#define MAX_SERIES 40
#define MAX_FAILURES 5
#define FIRST_SEED 20240601

/* Which budget a case limits, if any. */
typedef enum limited { LIMIT_NONE, LIMIT_DEVICE, LIMIT_HOST } limited;

typedef struct parity_case {
  uint64_t seed;
  tlw_chart_options options;
  columns data;
  extras extras;
  packing how;
  packed packed;
  tlw_candles candles; /* of the packed columns */
  int64_t offsets[MAX_SERIES + 1];
  price_kind prices[MAX_SERIES];
  volume_kind volumes[MAX_SERIES];
  time_kind times[MAX_SERIES];
  guarded_shape shape;
  uint32_t threads;
  limited limit;
  uint64_t budget; /* tried first; what a budget error says would do is tried next */
} parity_case;

/* Mostly small, now and then up to 400. */
static int32_t random_side(rng *r) {
  int32_t most = 16 + (int32_t)(384 >> rng_below(r, 6));
  return rng_between(r, TLW_CHART_MIN_SIDE, most);
}

static int64_t random_length(rng *r, int64_t most) {
  switch (rng_below(r, 10)) {
  case 0:
    return 0;
  case 1:
    return 1;
  case 2:
  case 3:
    return 2 + (int64_t)rng_below(r, 7);
  case 4:
    return (int64_t)rng_below(r, (uint64_t)most + 1);
  default:
    return (int64_t)rng_below(r, 301);
  }
}

static void random_margins(tlw_chart_options *o, rng *r) {
  switch (rng_below(r, 4)) {
  case 0:
    o->margin_left = o->margin_top = o->margin_right = o->margin_bottom = 0;
    break;
  case 1:
    o->margin_left = rng_between(r, 0, o->width - 1);
    o->margin_right = rng_between(r, 0, o->width - 1 - o->margin_left);
    o->margin_top = rng_between(r, 0, o->height - 2);
    o->margin_bottom = rng_between(r, 0, o->height - 2 - o->margin_top);
    break;
  case 2: /* room for some text, and not for other */
    o->margin_left = rng_between(r, TLW_MARGIN_AUTO, o->width / 6);
    o->margin_right = rng_between(r, TLW_MARGIN_AUTO, o->width / 4);
    o->margin_top = rng_between(r, TLW_MARGIN_AUTO, o->height / 5);
    o->margin_bottom = rng_between(r, TLW_MARGIN_AUTO, o->height / 5);
    break;
  default:
    break; /* automatic */
  }
}

static void random_options(tlw_chart_options *o, rng *r) {
  tlw_chart_options_init(o);
  const bool has_text = rng_below(r, 3) == 0;
  o->width = has_text ? 140 + random_side(r) : random_side(r);
  o->height = has_text ? 100 + random_side(r) * 3 / 4 : random_side(r);
  o->theme = (tlw_theme)rng_below(r, TLW_THEME_COUNT);
  o->axis = (tlw_axis)rng_below(r, 2);
  o->volume = rng_below(r, 3) != 0;
  o->grid = rng_below(r, 3) != 0;
  random_margins(o, r);
}

/* Series one after the other, with rows of no series in front of, between and behind them. */
static void random_batch(parity_case *c, int64_t n_series, int64_t most_rows, rng *r) {
  int64_t end = (int64_t)rng_below(r, 10);
  c->offsets[0] = end;
  for (int64_t i = 0; i < n_series; i++) {
    end += random_length(r, most_rows);
    c->offsets[i + 1] = end;
  }
  columns_open(&c->data, end + (int64_t)rng_below(r, 10));
  fill_prices(&c->data, 0, c->data.n_rows, PRICES_BITS, r);
  fill_volumes(&c->data, 0, c->data.n_rows, VOLUMES_BITS, r);
  fill_times(&c->data, 0, c->data.n_rows, TIMES_EXTREME, r);
  for (int64_t i = 0; i < n_series; i++) {
    int64_t first = c->offsets[i];
    int64_t n = c->offsets[i + 1] - first;
    c->prices[i] = (price_kind)rng_below(r, PRICE_KIND_COUNT);
    c->volumes[i] = (volume_kind)rng_below(r, VOLUME_KIND_COUNT);
    c->times[i] = (time_kind)rng_below(r, TIME_KIND_COUNT);
    fill_prices(&c->data, first, n, c->prices[i], r);
    fill_volumes(&c->data, first, n, c->volumes[i], r);
    fill_times(&c->data, first, n, c->times[i], r);
    if (c->options.axis == TLW_AXIS_INDEX && rng_below(r, 4) == 0) mix_times(&c->data, first, n, r);
  }
}

/* A third of all cases has a log scale, apart from their random numbers; what no series has may be any price. */
static void random_scale(parity_case *c, int64_t n_series) {
  rng r = {~c->seed};
  if (rng_below(&r, 3) != 0) return;
  c->options.scale = TLW_SCALE_LOG;
  int64_t first = c->offsets[0];
  lift_prices(&c->data, first, c->offsets[n_series] - first, c->how.type == TLW_TYPE_F32 ? 0x1p-149 : 0x1p-1074);
}

/* Apart from the random numbers of the rest: texts, lines, and the form of the columns. */
static void random_extras(parity_case *c, int64_t n_series) {
  rng r = {c->seed ^ UINT64_C(0x5DEECE66D)};
  extras_open(&c->extras, &c->options, &c->data, &r);
  for (int32_t line = 0; line < c->options.n_lines; line++) {
    fill_line(&c->data, line, 0, c->data.n_rows, LINES_BITS, &r);
    for (int64_t i = 0; i < n_series; i++)
      fill_line(&c->data, line, c->offsets[i], c->offsets[i + 1] - c->offsets[i],
                (line_kind)rng_below(&r, LINE_KIND_COUNT), &r);
  }
  if (rng_below(&r, 2) == 0) c->how = packing_random(c->options.n_lines, &r);
}

/* Copies the columns in their form, for the call. */
static void give_columns(parity_case *c, int64_t n_series, rng *r) {
  pack(&c->packed, &c->data, &c->how, 0, c->data.n_rows);
  c->candles = c->packed.candles;
  c->candles.offsets = c->offsets;
  c->candles.n_series = n_series;
  if (!c->options.volume && rng_below(r, 2) == 0) c->candles.volume = NULL;
  if (c->options.axis == TLW_AXIS_INDEX && rng_below(r, 4) == 0) c->candles.time = NULL;
}

static void random_shape(parity_case *c, rng *r) {
  c->shape = (guarded_shape){.width = c->options.width,
                             .height = c->options.height,
                             .n_images = c->candles.n_series,
                             .row_gap = rng_below(r, 2) == 0 ? 0 : rng_below(r, 80),
                             .image_gap = rng_below(r, 2) == 0 ? 0 : rng_below(r, 200)};
  /* Without bytes around, a sanitizer sees steps beyond the ends. */
  if (rng_below(r, 4) != 0) {
    c->shape.front = rng_below(r, 130);
    c->shape.back = rng_below(r, 130);
  }
}

static void random_case(parity_case *c, uint64_t seed) {
  rng r = {seed};
  memset(c, 0, sizeof *c);
  c->seed = seed;
  random_options(&c->options, &r);
  int64_t pixels = (int64_t)c->options.width * c->options.height;
  int64_t most_series = 1 + (pixels > 20000 ? 300000 : 1500000) / pixels;
  if (most_series > MAX_SERIES) most_series = MAX_SERIES;
  int64_t n_series = 1;
  if (rng_below(&r, 3) == 0) n_series = 1 + (int64_t)rng_below(&r, (uint64_t)most_series);
  random_batch(c, n_series, n_series > 4 ? 500 : 5000, &r);
  random_extras(c, n_series);
  random_scale(c, n_series);
  give_columns(c, n_series, &r);
  random_shape(c, &r);
  c->threads = 1 + (uint32_t)rng_below(&r, 3);
  uint64_t choice = rng_below(&r, 16);
  c->limit = choice == 0 ? LIMIT_HOST : choice <= 2 ? LIMIT_DEVICE : LIMIT_NONE;
  /* Half of the time next to nothing, so that the least budget that the error names is what is used. */
  c->budget = rng_below(&r, 2) == 0 ? 1 : rng_below(&r, UINT64_C(1) << (10 + rng_below(&r, 15)));
}

static void case_close(parity_case *c) {
  unpack(&c->packed);
  columns_close(&c->data);
  extras_close(&c->extras);
}

static void print_case(const target *t, const parity_case *c, int64_t series) {
  const tlw_chart_options *o = &c->options;
  print_error(
      "%s, seed %llu: %d x %d, theme %d, axis %d, scale %d, volume %d, grid %d, margins %d %d %d %d, %lld series, "
      "%d lines, type %d, stride %lld, row gap %zu, image gap %zu, front %zu, %u threads, limit %d of %llu\n",
      t->name, (unsigned long long)c->seed, o->width, o->height, (int)o->theme, (int)o->axis, (int)o->scale, o->volume,
      o->grid, o->margin_left, o->margin_top, o->margin_right, o->margin_bottom, (long long)c->candles.n_series,
      o->n_lines, (int)c->how.type, (long long)c->how.stride, c->shape.row_gap, c->shape.image_gap, c->shape.front,
      c->threads, (int)c->limit, (unsigned long long)c->budget);
  if (series < 0) return;
  print_error("  series %lld: rows %lld to %lld, prices %s, volumes %s, times %s\n", (long long)series,
              (long long)c->offsets[series], (long long)c->offsets[series + 1], price_kind_name(c->prices[series]),
              volume_kind_name(c->volumes[series]), time_kind_name(c->times[series]));
}

/* Compares all images with the oracle. */
static bool case_equal(const target *t, const parity_case *c, const guarded *images) {
  uint8_t *expected = malloc((size_t)c->options.width * (size_t)c->options.height);
  if (expected == NULL) {
    print_error("no memory for the expected image\n");
    return false;
  }
  bool equal = true;
  for (int64_t i = 0; equal && i < c->candles.n_series; i++) {
    difference where;
    oracle_render(&c->candles, i, &c->options, expected);
    equal = guarded_equal(images, i, expected, &where);
    if (equal) continue;
    print_case(t, c, i);
    print_error("  %lld pixels differ, the first at column %d, row %d: %d, expected %d\n", (long long)where.count,
                where.x, where.y, where.got, where.expected);
  }
  free(expected);
  if (guarded_intact(images)) return equal;
  print_case(t, c, -1);
  return false;
}

/* Draws with an open engine and compares. */
static bool case_runs(const target *t, const parity_case *c, tlw_engine *engine) {
  guarded images;
  guarded_open(&images, &c->shape, c->seed);
  tlw_error error;
  uint64_t before = packed_hash(&c->packed) ^ columns_hash(&c->data);
  tlw_status status = tlw_chart_render(engine, &c->candles, &c->options, &images.raster, &error);
  bool good = status == TLW_OK;
  if (!good) {
    print_case(t, c, -1);
    print_error("  %s: %s\n", tlw_status_name(status), error.message);
  } else {
    good = case_equal(t, c, &images);
  }
  if ((packed_hash(&c->packed) ^ columns_hash(&c->data)) != before) {
    print_case(t, c, -1);
    print_error("  the caller's columns were changed\n");
    good = false;
  }
  guarded_close(&images);
  return good;
}

/* Whether a budget error says a larger budget, and puts that into *budget. */
static bool next_budget(const target *t, const parity_case *c, const tlw_error *error, uint64_t *budget) {
  if (error->bytes > *budget) {
    *budget = error->bytes;
    return true;
  }
  print_case(t, c, -1);
  print_error("  a budget of %llu does not do, and the error says %llu: %s\n", (unsigned long long)*budget,
              (unsigned long long)error->bytes, error->message);
  return false;
}

static bool within_budget(const target *t, const parity_case *c, tlw_engine *engine, uint64_t budget) {
  tlw_stats stats = {.struct_size = sizeof stats};
  if (tlw_engine_stats(engine, &stats, NULL) != TLW_OK) return false;
  uint64_t peak = c->limit == LIMIT_HOST ? stats.host_bytes.peak : stats.device_bytes.peak;
  if (peak <= budget) return true;
  print_case(t, c, -1);
  print_error("  %llu bytes were in use, the budget is %llu\n", (unsigned long long)peak, (unsigned long long)budget);
  return false;
}

/*
 * Opens an engine with the case's budget, and with what the errors say would do: once for opening, once for rendering.
 * Compares, and checks that the budget was kept.
 */
static bool case_runs_limited(const target *t, const parity_case *c) {
  uint64_t budget = c->budget;
  bool opened_before = false;
  bool refused_open = false;
  bool refused_render = false;
  for (;;) {
    target_limits limits = no_limits;
    limits.threads = c->threads;
    if (c->limit == LIMIT_HOST) limits.host_budget = budget;
    if (c->limit == LIMIT_DEVICE) limits.device_budget = budget;
    tlw_engine *engine = NULL;
    tlw_error error;
    tlw_status status = target_open(t, &limits, &engine, &error);
    if (status == TLW_ERR_BUDGET && !refused_open && !opened_before) {
      refused_open = true;
      if (!next_budget(t, c, &error, &budget)) return false;
      continue;
    }
    if (status != TLW_OK) {
      print_case(t, c, -1);
      print_error("  open with a budget of %llu: %s: %s\n", (unsigned long long)budget, tlw_status_name(status),
                  error.message);
      return false;
    }
    opened_before = true;

    guarded images;
    guarded_open(&images, &c->shape, c->seed);
    status = tlw_chart_render(engine, &c->candles, &c->options, &images.raster, &error);
    bool again = status == TLW_ERR_BUDGET && !refused_render;
    bool good = within_budget(t, c, engine, budget) && guarded_intact(&images);
    if (again) {
      refused_render = true;
      good = good && next_budget(t, c, &error, &budget);
    } else if (status != TLW_OK) {
      print_case(t, c, -1);
      print_error("  render with a budget of %llu: %s: %s\n", (unsigned long long)budget, tlw_status_name(status),
                  error.message);
      good = false;
    } else {
      good = good && case_equal(t, c, &images);
    }
    guarded_close(&images);
    tlw_engine_close(&engine);
    if (!again || !good) return good;
  }
}

static tlw_engine *engine_of(const target *t, uint32_t threads) {
  target_limits limits = no_limits;
  limits.threads = threads;
  tlw_engine *engine = NULL;
  tlw_error error;
  if (target_open(t, &limits, &engine, &error) != TLW_OK) fail_msg("%s: %s", t->name, error.message);
  return engine;
}

static int64_t cases_of(const target *t) {
  uint64_t otherwise = t->backend == TLW_BACKEND_CPU ? 1500 : t->backend == TLW_BACKEND_OPENCL ? 400 : 600;
  return (int64_t)environment_number("TALLOW_TEST_CASES", otherwise);
}

/* On the CPU each case has its number of threads. */
static void test_random_cases(void **state) {
  target *t = *state;
  uint64_t seed = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  int64_t n = cases_of(t);
  tlw_engine *engines[3] = {NULL, NULL, NULL};
  uint32_t n_engines = t->backend == TLW_BACKEND_CPU ? 3 : 1;
  for (uint32_t k = 0; k < n_engines; k++) engines[k] = engine_of(t, k + 1);
  int failures = 0;
  for (int64_t i = 0; i < n && failures < MAX_FAILURES; i++) {
    parity_case c;
    random_case(&c, seed + (uint64_t)i);
    bool good =
        c.limit == LIMIT_NONE ? case_runs(t, &c, engines[(c.threads - 1) % n_engines]) : case_runs_limited(t, &c);
    if (!good) failures++;
    t->cases++;
    case_close(&c);
  }
  for (uint32_t k = 0; k < n_engines; k++) tlw_engine_close(&engines[k]);
  assert_int_equal(failures, 0);
}

/* One chart of a given size, with as many candles as told. */
static void sized_case(parity_case *c, uint64_t seed, int32_t width, int32_t height, int64_t n_rows) {
  rng r = {seed};
  memset(c, 0, sizeof *c);
  c->seed = seed;
  c->threads = 1;
  tlw_chart_options_init(&c->options);
  c->options.width = width;
  c->options.height = height;
  c->options.axis = (tlw_axis)rng_below(&r, 2);
  columns_open(&c->data, n_rows);
  fill_prices(&c->data, 0, n_rows, PRICES_GAPS, &r);
  fill_volumes(&c->data, 0, n_rows, VOLUMES_HOSTILE, &r);
  fill_times(&c->data, 0, n_rows, TIMES_NIGHTS, &r);
  columns_view(&c->data, &c->candles);
  c->prices[0] = PRICES_GAPS;
  c->volumes[0] = VOLUMES_HOSTILE;
  c->times[0] = TIMES_NIGHTS;
  c->offsets[1] = n_rows;
  c->candles.offsets = c->offsets;
  c->shape = (guarded_shape){
      .width = width, .height = height, .n_images = 1, .row_gap = rng_below(&r, 2) * 32, .front = 64, .back = 64};
}

/* All texts, and two lines. */
static void add_labels(parity_case *c) {
  static const tlw_line lines[] = {{"Mean of 20", TLW_COLOR_AUTO}, {"Plän 2", 0x123456}};
  rng r = {c->seed};
  c->options.title = "A chart of all that there is, in \xe2\x82\xac";
  c->options.price_name = "Price";
  c->options.volume_name = "Volume";
  c->options.time_name = "Time";
  c->options.zone = random_zone(&r);
  c->options.lines = lines;
  c->options.n_lines = 2;
  columns_open_lines(&c->data, 2);
  fill_line(&c->data, 0, 0, c->data.n_rows, LINES_AVERAGE, &r);
  fill_line(&c->data, 1, 0, c->data.n_rows, LINES_AROUND, &r);
  columns_view(&c->data, &c->candles);
  c->candles.offsets = c->offsets;
}

static void test_large_charts(void **state) {
  target *t = *state;
  static const struct {
    int32_t width, height;
    int64_t rows;
    tlw_scale scale;
  } sizes[] = {{640, 480, 500, TLW_SCALE_LINEAR},     {1100, 900, 3000, TLW_SCALE_LOG},
               {2400, 1600, 60, TLW_SCALE_LINEAR},    {3840, 2160, 3000, TLW_SCALE_LINEAR},
               {720, 3000, 200, TLW_SCALE_LINEAR},    {1920, 1080, 10000, TLW_SCALE_LINEAR},
               {1920, 1080, 100, TLW_SCALE_LINEAR},   {1280, 720, 1, TLW_SCALE_LINEAR},
               {16384, 16, 40000, TLW_SCALE_LINEAR},  {16, 16384, 5000, TLW_SCALE_LINEAR},
               {16384, 700, 20000, TLW_SCALE_LINEAR}, {700, 8192, 30, TLW_SCALE_LINEAR},
               {1920, 1080, 10000, TLW_SCALE_LOG},    {16, 16384, 5000, TLW_SCALE_LOG}};
  tlw_engine *engine = engine_of(t, 2);
  bool good = true;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    parity_case c;
    sized_case(&c, FIRST_SEED + i, sizes[i].width, sizes[i].height, sizes[i].rows);
    c.options.scale = sizes[i].scale;
    if (c.options.scale == TLW_SCALE_LOG) lift_prices(&c.data, 0, c.data.n_rows, 0x1p-1074);
    add_labels(&c);
    good = case_runs(t, &c, engine) && good;
    t->cases++;
    case_close(&c);
  }
  tlw_engine_close(&engine);
  assert_true(good);
}

/* The largest image, a quarter of a gigabyte; not where few cases are asked for, as under valgrind. */
static void test_largest_chart(void **state) {
  target *t = *state;
  if (cases_of(t) < 100) skip();
  tlw_engine *engine = engine_of(t, 2);
  parity_case c;
  sized_case(&c, FIRST_SEED, TLW_CHART_MAX_SIDE, TLW_CHART_MAX_SIDE, 30000);
  c.shape.row_gap = 0;
  bool good = case_runs(t, &c, engine);
  t->cases++;
  case_close(&c);
  tlw_engine_close(&engine);
  assert_true(good);
}

/* The sum of a column's volumes as the header defines it. */
static double tree_sum(const double *volumes, int64_t n) {
  double p[8] = {0};
  for (int64_t i = 0; i < n; i++) p[i % 8] += volumes[i];
  return ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
}

/*
 * Sums in their order: in each of 8 columns n candles, one column's sum being exactly half of the greatest. Half of an
 * odd number of rows rounds up, and a sum that is one bit smaller rounds down.
 */
static void test_order_of_volumes(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  bool good = true;
  for (int64_t i = 0; i < 60; i++) {
    int64_t n = 1 + i;
    parity_case c;
    sized_case(&c, FIRST_SEED + (uint64_t)i, 24, 25, 8 * n);
    rng r = {c.seed};
    c.options.axis = TLW_AXIS_INDEX;
    c.options.margin_left = c.options.margin_right = 8;
    c.options.margin_top = c.options.margin_bottom = 0;
    fill_prices(&c.data, 0, 8 * n, PRICES_WALK, &r);
    fill_volumes(&c.data, 0, 8 * n, i % 2 == 0 ? VOLUMES_WILD : VOLUMES_PLAIN, &r);
    int64_t half = 1 + (int64_t)rng_below(&r, 7);
    for (int64_t k = 0; k < 8 * n; k++) {
      if (k / n != half) c.data.volume[k] = 0.0;
      if (k / n == half && n > 2 && rng_below(&r, 4) == 0) c.data.low[k] = (double)NAN;
    }
    double given[60];
    for (int64_t k = 0; k < n; k++) {
      int64_t row = half * n + k;
      given[k] = isnan(c.data.low[row]) ? 0.0 : c.data.volume[row];
    }
    c.data.volume[0] = 2.0 * tree_sum(given, n);
    good = case_runs(t, &c, engine) && good;
    t->cases++;
    case_close(&c);
  }
  tlw_engine_close(&engine);
  assert_true(good);
}

/* Small charts that random ones may miss; each was wrong on some backend once, or is at the edge of a rule. */
typedef struct hard_case {
  const char *what;
  int32_t width, height;
  int64_t n;
  double open[4], high[4], low[4], close[4], volume[4];
  int64_t time[4];
} hard_case;

static const hard_case hard_cases[] = {
    {"a wick that ends right above its volume bar", 40, 20, 2, {5, 6}, {9, 9}, {0, 1}, {6, 5}, {4, 4}, {0, 1}},
    {"a body that ends right above its volume bar", 40, 20, 2, {0, 6}, {9, 9}, {0, 1}, {6, 0}, {4, 4}, {0, 1}},
    {"sums of volume that overflow beside a finite one",
     16,
     60,
     4,
     {5, 6, 5, 6},
     {9, 9, 9, 9},
     {3, 1, 1, 1},
     {6, 5, 7, 4},
     {1.7e308, 1.7e308, 1.7e308, 1.0},
     {0, 0, 1, 1}},
    {"only sums of volume that overflow",
     16,
     60,
     4,
     {5, 6, 5, 6},
     {9, 9, 9, 9},
     {3, 1, 1, 1},
     {6, 5, 7, 4},
     {1.7e308, 1.7e308, 1.7e308, 1.7e308},
     {0, 0, 1, 1}},
    {"two candles a whole int64 range apart",
     40,
     30,
     2,
     {5, 6},
     {9, 9},
     {3, 1},
     {6, 5},
     {1, 2},
     {INT64_MIN, INT64_MAX}},
    {"two candles 2^63 apart", 40, 30, 2, {5, 6}, {9, 9}, {3, 1}, {6, 5}, {1, 2}, {-1, INT64_MAX}},
    {"two candles 2^63 - 1 apart", 40, 30, 2, {5, 6}, {9, 9}, {3, 1}, {6, 5}, {1, 2}, {0, INT64_MAX}},
    {"a nanosecond beside the whole range",
     40,
     30,
     4,
     {5, 6, 5, 6},
     {9, 9, 9, 9},
     {3, 1, 1, 1},
     {6, 5, 7, 4},
     {1, 2, 3, 4},
     {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX}},
    {"a span of 2^46 - 1", 40, 30, 2, {5, 6}, {9, 9}, {3, 1}, {6, 5}, {1, 2}, {0, (INT64_C(1) << 45) - 1}},
    {"a span of 2^46", 40, 30, 2, {5, 6}, {9, 9}, {3, 1}, {6, 5}, {1, 2}, {0, INT64_C(1) << 45}},
    {"the greatest doubles of both signs",
     40,
     30,
     2,
     {DBL_MAX, 0},
     {DBL_MAX, 0},
     {0, -DBL_MAX},
     {0, -DBL_MAX},
     {DBL_MAX, DBL_MAX},
     {0, 1}},
    {"the least denormals",
     40,
     30,
     2,
     {0, 0x1p-1074},
     {0x1p-1073, 0x1p-1073},
     {0, 0},
     {0x1p-1074, 0},
     {0x1p-1074, 0x1p-1073},
     {0, 1}},
    {"a range that is lost by halving",
     40,
     30,
     2,
     {0, 0x1p-1074},
     {0x1p-1074, 0x1p-1074},
     {0, 0},
     {0x1p-1074, 0},
     {1, 2},
     {0, 1}},
    {"zeros of both signs", 40, 30, 2, {0.0, -0.0}, {-0.0, 0.0}, {0.0, -0.0}, {-0.0, 0.0}, {-0.0, 1}, {0, 1}},
    {"rows at exact halves",
     40,
     16,
     4,
     {0, 1, 2, 3},
     {6, 5, 4, 3},
     {0, 1, 2, 3},
     {3, 3, 3, 3},
     {1, 3, 5, 6},
     {0, 1, 2, 3}},
};

static void test_hard_cases(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  bool good = true;
  for (size_t i = 0; i < sizeof hard_cases / sizeof hard_cases[0]; i++) {
    const hard_case *h = &hard_cases[i];
    for (int way = 0; way < 4; way++) {
      parity_case c;
      sized_case(&c, FIRST_SEED, h->width, h->height, h->n);
      size_t size = (size_t)h->n * sizeof(double);
      memcpy(c.data.open, h->open, size);
      memcpy(c.data.high, h->high, size);
      memcpy(c.data.low, h->low, size);
      memcpy(c.data.close, h->close, size);
      memcpy(c.data.volume, h->volume, size);
      memcpy(c.data.time, h->time, size);
      c.options.axis = (tlw_axis)(way % 2);
      c.options.scale = (tlw_scale)(way / 2);
      if (c.options.scale == TLW_SCALE_LOG) lift_prices(&c.data, 0, h->n, 0x1p-1074);
      c.options.margin_left = c.options.margin_right = h->width == 16 ? 7 : 0;
      c.options.margin_top = h->height == 20 ? 11 : 0; /* panels that meet: no row to spare between them */
      c.options.margin_bottom = 0;
      if (!case_runs(t, &c, engine)) {
        print_error("  that was: %s\n", h->what);
        good = false;
      }
      t->cases++;
      case_close(&c);
    }
  }
  tlw_engine_close(&engine);
  assert_true(good);
}

/*
 * Logarithms to their last bit: prices a few bits apart at each magnitude, whose logarithms are a few bits apart too,
 * so that one bit of them is many rows.
 */
static void test_logarithms(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  bool good = true;
  for (int power = -1070; power <= 1020 && good; power += 19) {
    parity_case c;
    sized_case(&c, (uint64_t)(power + 2000), 300, 200, 80);
    rng r = {c.seed};
    const double start = ldexp(1.0 + rng_unit(&r), power);
    const double step = fmax(start * 0x1p-52, 0x1p-1074) * (double)(1 + rng_below(&r, 40));
    double *prices[] = {c.data.open, c.data.high, c.data.low, c.data.close};
    for (int k = 0; k < 4; k++)
      for (int64_t i = 0; i < 80; i++) prices[k][i] = start + step * (double)rng_below(&r, 50);
    c.options.scale = TLW_SCALE_LOG;
    c.options.axis = TLW_AXIS_INDEX;
    /* The oracle of ticks needs more of a long double than valgrind has. */
    if (getenv("TALLOW_VALGRIND") != NULL) c.options.labels = 0;
    good = case_runs(t, &c, engine);
    t->cases++;
    case_close(&c);
  }
  tlw_engine_close(&engine);
  assert_true(good);
}

/* A batch whose offsets start in the middle gives the images of the series alone, each a view of its own. */
static void test_views(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  for (uint64_t seed = 1; seed <= 20; seed++) {
    parity_case c;
    random_case(&c, seed * 7919);
    if (c.options.width * c.options.height > 40000) c.options.width = c.options.height = 100;
    c.options.margin_left = c.options.margin_top = c.options.margin_right = c.options.margin_bottom = 1;
    c.shape.width = c.options.width;
    c.shape.height = c.options.height;
    guarded batch;
    guarded_open(&batch, &c.shape, seed);
    assert_int_equal(tlw_chart_render(engine, &c.candles, &c.options, &batch.raster, NULL), TLW_OK);
    for (int64_t i = 0; i < c.candles.n_series; i++) {
      const void *lines[TLW_LINES_MOST];
      tlw_candles one;
      view_rows(&c.candles, c.offsets[i], c.offsets[i + 1] - c.offsets[i], lines, &one);
      guarded alone;
      guarded_open(&alone, &(guarded_shape){c.options.width, c.options.height, 1, 0, 0, 9, 9}, seed + 1);
      assert_int_equal(tlw_chart_render(engine, &one, &c.options, &alone.raster, NULL), TLW_OK);
      difference where;
      assert_true(guarded_equal(&batch, i, alone.raster.pixels, &where));
      assert_true(guarded_intact(&alone));
      guarded_close(&alone);
    }
    assert_true(case_equal(t, &c, &batch));
    t->cases++;
    guarded_close(&batch);
    case_close(&c);
  }
  tlw_engine_close(&engine);
}

static void test_alternating_engines(void **state) {
  target *t = *state;
  tlw_engine *engines[2] = {engine_of(t, 1), engine_of(t, 2)};
  bool good = true;
  for (uint64_t i = 0; i < 20; i++) {
    parity_case c;
    random_case(&c, UINT64_C(500000) + i);
    good = case_runs(t, &c, engines[i % 2]) && case_runs(t, &c, engines[1 - i % 2]) && good;
    t->cases += 2;
    case_close(&c);
  }
  tlw_engine_close(&engines[0]);
  parity_case c;
  random_case(&c, 499999);
  good = case_runs(t, &c, engines[1]) && good;
  case_close(&c);
  tlw_engine_close(&engines[1]);
  assert_true(good);
}

typedef struct worker {
  const target *target;
  tlw_engine *engine;
  uint64_t seed;
  int64_t cases;
  bool good;
} worker;

static void *work(void *argument) {
  worker *w = argument;
  for (int64_t i = 0; i < w->cases; i++) {
    parity_case c;
    random_case(&c, w->seed + (uint64_t)i);
    if (!case_runs(w->target, &c, w->engine)) w->good = false;
    case_close(&c);
  }
  return NULL;
}

/* Two threads draw different cases at the same time. */
static void run_two_workers(target *t, tlw_engine *first, tlw_engine *second) {
  worker workers[2] = {{t, first, 600000, 40, true}, {t, second, 700000, 40, true}};
  pthread_t threads[2];
  for (int k = 0; k < 2; k++) assert_int_equal(pthread_create(&threads[k], NULL, work, &workers[k]), 0);
  for (int k = 0; k < 2; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
  assert_true(workers[0].good);
  assert_true(workers[1].good);
  t->cases += workers[0].cases + workers[1].cases;
}

static void test_two_engines_at_the_same_time(void **state) {
  target *t = *state;
  tlw_engine *engines[2] = {engine_of(t, 2), engine_of(t, 2)};
  run_two_workers(t, engines[0], engines[1]);
  tlw_engine_close(&engines[0]);
  tlw_engine_close(&engines[1]);
}

static void test_one_engine_from_two_threads(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  run_two_workers(t, engine, engine);
  tlw_engine_close(&engine);
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_random_cases, t),
      cmocka_unit_test_prestate(test_hard_cases, t),
      cmocka_unit_test_prestate(test_large_charts, t),
      cmocka_unit_test_prestate(test_order_of_volumes, t),
      cmocka_unit_test_prestate(test_logarithms, t),
      cmocka_unit_test_prestate(test_views, t),
      cmocka_unit_test_prestate(test_alternating_engines, t),
      cmocka_unit_test_prestate(test_two_engines_at_the_same_time, t),
      cmocka_unit_test_prestate(test_one_engine_from_two_threads, t),
  };
  const struct CMUnitTest cpu_tests[] = {cmocka_unit_test_prestate(test_largest_chart, t)};
  int failed = cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
  if (t->backend == TLW_BACKEND_CPU) failed += cmocka_run_group_tests_name(t->name, cpu_tests, NULL, NULL);
  return failed;
}

int main(int argc, char **argv) {
  target_list list;
  int failed = 0;
  bool found = targets_find(&list, argc, argv);
  for (size_t i = 0; found && i < list.count; i++) failed += run_target(&list.targets[i]);
  bool ran = found && targets_report(&list);
  targets_close();
  return found && ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
