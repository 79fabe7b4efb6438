/*
 * JKX images of every backend against the oracle, bit by bit, over random and hostile windows; the image of a published
 * hash; and what must leave an image alone.
 *
 *   test_jkx [TARGET...]            cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             random cases of each number of bars on each target
 *   TALLOW_TEST_SEED=S              the first case's seed; with TALLOW_TEST_CASES=1 it repeats a case that failed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "jkx_cases.h"
#include "sha256.h"

#define FIRST_SEED 20260701
#define MAX_FAILURES 5
#define ENGINES 3

static const int64_t all_bars[] = {5, 20, 60};
#define BARS (sizeof all_bars / sizeof *all_bars)

static tlw_engine *engine_of(const target *t, uint32_t threads) {
  target_limits limits = no_limits;
  limits.threads = threads;
  tlw_engine *engine = NULL;
  tlw_error error;
  if (target_open(t, &limits, &engine, &error) != TLW_OK) fail_msg("%s: %s", t->name, error.message);
  return engine;
}

static void *memory_for(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  assert_non_null(memory);
  return memory;
}

/* ---- cases ---- */

static bool said(const target *t, const jkx_case *c, const char *what, tlw_status status, const tlw_error *error) {
  if (status == TLW_OK) return true;
  jkx_case_print(t->name, c, -1);
  printf("  %s: %s: %s\n", what, tlw_status_name(status), error->message);
  return false;
}

/* As odd as the type of the numbers allows. */
static void open_images(jkx_images *m, const jkx_case *c) {
  const size_t front = c->options.type == TLW_IMAGE_F32 ? 4 * (c->seed % 17) : c->seed % 67;
  jkx_images_open(m, c->shape.size * (size_t)c->n_windows, front, c->seed % 5 == 0 ? 0 : 64);
}

static tlw_status draw(const jkx_case *c, tlw_engine *engine, jkx_images *m, uint8_t *reasons, tlw_error *error) {
  return tlw_images_draw(engine, &c->candles, &c->options, c->windows, c->n_windows, m->images, m->size, reasons,
                         error);
}

static bool draws_right(const target *t, const jkx_case *c, tlw_engine *engine, jkx_tally *tally) {
  uint8_t reasons[JKX_CASE_WINDOWS + 1];
  const uint64_t before = packed_hash(&c->packed);
  jkx_images m;
  tlw_error error;
  open_images(&m, c);
  memset(reasons, 0xEE, sizeof reasons);
  const tlw_status status = draw(c, engine, &m, c->wants_reasons ? reasons : NULL, &error);
  bool right = said(t, c, "tlw_images_draw", status, &error) && jkx_images_intact(&m) &&
               jkx_images_right(t->name, c, m.images, c->wants_reasons ? reasons : NULL, tally);
  if (reasons[c->n_windows] != 0xEE || packed_hash(&c->packed) != before) {
    jkx_case_print(t->name, c, -1);
    printf("  the columns were changed, or there are too many reasons\n");
    right = false;
  }
  jkx_images_close(&m);
  return right;
}

/* Reasons without images. */
static bool reasons_right(const target *t, const jkx_case *c) {
  uint8_t reasons[JKX_CASE_WINDOWS + 1], pixels[JKX_ORACLE_WIDTH_MAX * JKX_ORACLE_HEIGHT_MAX];
  tlw_error error;
  const tlw_status status = tlw_image_reasons(&c->candles, &c->options, c->windows, c->n_windows, reasons, &error);
  if (!said(t, c, "tlw_image_reasons", status, &error)) return false;
  for (int64_t i = 0; i < c->n_windows; i++) {
    const tlw_image_reason expected = jkx_oracle_draw(&c->candles, c->options.window, c->windows[i], pixels, NULL);
    if (reasons[i] == (uint8_t)expected) continue;
    jkx_case_print(t->name, c, i);
    printf("  tlw_image_reasons gives %u, expected %d\n", reasons[i], (int)expected);
    return false;
  }
  return true;
}

/* Images that stay on the device, read back. */
static bool buffer_right(const target *t, const jkx_case *c, tlw_engine *engine) {
  uint8_t reasons[JKX_CASE_WINDOWS];
  jkx_images m;
  tlw_buffer buffer;
  tlw_error error;
  if (c->n_windows == 0) return true;
  open_images(&m, c);
  tlw_status status = tlw_images_to_buffer(engine, &c->candles, &c->options, c->windows, c->n_windows, &buffer,
                                           c->wants_reasons ? reasons : NULL, &error);
  bool right = said(t, c, "tlw_images_to_buffer", status, &error);
  if (right) {
    status = tlw_buffer_read(engine, buffer, 0, m.images, m.size, &error);
    right = said(t, c, "tlw_buffer_read", status, &error) &&
            jkx_images_right(t->name, c, m.images, c->wants_reasons ? reasons : NULL, NULL);
    right = said(t, c, "tlw_buffer_free", tlw_buffer_free(engine, &buffer, &error), &error) && right;
  }
  jkx_images_close(&m);
  return right;
}

/* The memory that a tensor names, where this process can look at it. */
static bool tensor_right(const target *t, const jkx_case *c, tlw_engine *engine) {
  tlw_buffer buffer;
  tlw_dl_managed *tensor = NULL;
  tlw_error error;
  if (c->n_windows == 0) return true;
  tlw_status status =
      tlw_images_to_buffer(engine, &c->candles, &c->options, c->windows, c->n_windows, &buffer, NULL, &error);
  if (!said(t, c, "tlw_images_to_buffer", status, &error)) return false;
  status = tlw_images_tensor(engine, &buffer, &c->options, c->n_windows, &tensor, &error);
  if (!said(t, c, "tlw_images_tensor", status, &error)) return false;
  const tlw_dl_tensor *dl = &tensor->dl_tensor;
  bool right = buffer.id == 0 && dl->ndim == 4 && dl->shape[0] == c->n_windows;
  if (right && dl->device.type == TLW_DL_CPU)
    right = jkx_images_right(t->name, c, (const uint8_t *)dl->data + dl->byte_offset, NULL, NULL);
  tensor->deleter(tensor);
  return right;
}

static int64_t cases_of(const target *t) {
  return (int64_t)environment_number("TALLOW_TEST_CASES", t->backend == TLW_BACKEND_CPU ? 400 : 100);
}

static bool tally_is_full(const target *t, const jkx_tally *tally) {
  const jkx_oracle_seen *seen = &tally->seen;
  bool full = true;
  printf("%s: windows by reason:", t->name);
  for (int i = 0; i < TLW_IMAGE_REASONS; i++) {
    printf(" %lld", (long long)tally->reasons[i]);
    if (tally->reasons[i] == 0) full = false;
  }
  const int64_t counts[] = {seen->price_halves, seen->volume_halves, seen->averages,     seen->lone_averages,
                            seen->steep,        seen->shallow,       seen->blank_bars,   seen->no_open,
                            seen->no_close,     seen->open_outside,  seen->blank_panels, seen->lifted};
  printf("; halves, averages, pieces, bars and panels:");
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    printf(" %lld", (long long)counts[i]);
    if (counts[i] == 0) full = false;
  }
  printf("\n");
  return full;
}

static void run_cases(target *t, int64_t n, uint64_t seed, int64_t cases, tlw_engine *const *engines,
                      uint32_t n_engines, jkx_tally *tally, int *failures) {
  for (int64_t i = 0; i < cases && *failures < MAX_FAILURES; i++) {
    jkx_case c;
    jkx_case_open(&c, seed + (uint64_t)i, n);
    tlw_engine *engine = engines[(uint64_t)i % n_engines];
    bool right = draws_right(t, &c, engine, tally);
    if (i % 2 == 0) right = reasons_right(t, &c) && right;
    if (i % 4 == 1) right = buffer_right(t, &c, engine) && right;
    if (i % 8 == 3) right = tensor_right(t, &c, engine) && right;
    if (!right) ++*failures;
    t->cases++;
    jkx_case_close(&c);
  }
}

/* On the CPU with one thread, two and three in turn. All that windows can be must have come up. */
static void test_random_windows(void **state) {
  target *t = *state;
  const uint64_t seed = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  const uint32_t n_engines = t->backend == TLW_BACKEND_CPU ? ENGINES : 1;
  tlw_engine *engines[ENGINES];
  jkx_tally tally = {{0}, {0}};
  int failures = 0;
  for (uint32_t k = 0; k < n_engines; k++) engines[k] = engine_of(t, k + 1);
  for (size_t b = 0; b < BARS; b++)
    run_cases(t, all_bars[b], seed + 1000000 * (uint64_t)b, cases_of(t), engines, n_engines, &tally, &failures);
  for (uint32_t k = 0; k < n_engines; k++) tlw_engine_close(&engines[k]);
  assert_int_equal(failures, 0);
  const bool is_full = tally_is_full(t, &tally);
  if (cases_of(t) >= 20) assert_true(is_full);
}

/* ---- the published hash ---- */

static int next_of(uint32_t *s) {
  *s = (UINT32_C(1103515245) * *s + 12345) & 0x7fffffff;
  return (int)(*s >> 16);
}

/* Columns are set to 2n bars of a walk in whole numbers. */
static void fill_hash_bars(columns *data, int64_t n) {
  uint32_t s = 12345;
  int close = 1000;
  columns_open(data, 2 * n);
  for (int64_t i = 0; i < 2 * n; i++) {
    const int open = close + next_of(&s) % 5 - 2;
    close = open + next_of(&s) % 21 - 10;
    data->open[i] = open;
    data->close[i] = close;
    data->high[i] = (open > close ? open : close) + next_of(&s) % 7;
    data->low[i] = (open < close ? open : close) - next_of(&s) % 7;
    data->volume[i] = 1000 + next_of(&s) % 9000;
    data->time[i] = i;
  }
}

/* Images of any candles, as bytes; the windows must have images. */
static void draw_bytes(tlw_engine *engine, const tlw_candles *candles, int64_t n, const tlw_image_window *windows,
                       int64_t n_windows, uint8_t *images) {
  tlw_image_options options;
  tlw_image_shape shape;
  tlw_error error;
  jkx_case_options(&options, &shape, n, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA);
  const size_t size = shape.size * (size_t)n_windows;
  if (tlw_images_draw(engine, candles, &options, windows, n_windows, images, size, NULL, &error) != TLW_OK)
    fail_msg("%s", error.message);
}

static size_t image_size(int64_t n) { return (size_t)(jkx_oracle_width(n) * jkx_oracle_height(n)); }

static void test_published_hash(void **state) {
  static const char expected[] = "b43566fd8f77ecaba497600964eeb3c87837f7aceef1ba11ac0129b27dd46325";
  target *t = *state;
  const int64_t n = 20;
  columns data;
  tlw_candles candles;
  uint8_t *image = memory_for(image_size(n)), digest[SHA256_SIZE];
  char text[2 * SHA256_SIZE + 1];
  fill_hash_bars(&data, n);
  columns_view(&data, &candles);
  for (uint32_t threads = 1; threads <= 2; threads++) {
    tlw_engine *engine = engine_of(t, threads);
    draw_bytes(engine, &candles, n, &(tlw_image_window){0, 2 * n - 1}, 1, image);
    sha256_of(image, image_size(n), digest);
    for (size_t i = 0; i < SHA256_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, expected);
    t->cases++;
    tlw_engine_close(&engine);
  }
  free(image);
  columns_close(&data);
}

/* ---- many windows ---- */

/* A case of one series and more windows than fit into one. */
static void test_many_windows(void **state) {
  target *t = *state;
  const int64_t n_windows = cases_of(t) < 100 ? 700 : t->backend == TLW_BACKEND_CPU ? 6000 : 2000;
  tlw_engine *engine = engine_of(t, 3);
  for (size_t b = 0; b < BARS; b++) {
    const int64_t n = all_bars[b];
    const size_t size = image_size(n);
    rng r = {FIRST_SEED + (uint64_t)n};
    columns data;
    tlw_candles candles;
    columns_open(&data, 3000);
    fill_prices(&data, 0, 1500, PRICES_GAPS, &r);
    fill_prices(&data, 1500, 1500, PRICES_INSIDE_OUT, &r);
    fill_volumes(&data, 0, 3000, VOLUMES_HOSTILE, &r);
    columns_view(&data, &candles);
    tlw_image_window *windows = memory_for((size_t)n_windows * sizeof *windows);
    for (int64_t i = 0; i < n_windows; i++)
      windows[i] = (tlw_image_window){0, rng_below(&r, 3) ? (i * 7) % 3000 : (int64_t)rng_below(&r, 3000)};
    jkx_images m;
    jkx_images_open(&m, size * (size_t)n_windows, 3, 64);
    draw_bytes(engine, &candles, n, windows, n_windows, m.images);
    assert_true(jkx_images_intact(&m));
    uint8_t *expected = memory_for(size);
    for (int64_t i = 0; i < n_windows; i++) {
      jkx_oracle_draw(&candles, n, windows[i], expected, NULL);
      if (memcmp(m.images + (size_t)i * size, expected, size) != 0)
        fail_msg("%s: window %lld of %lld, %lld bars up to row %lld, is wrong", t->name, (long long)i,
                 (long long)n_windows, (long long)n, (long long)windows[i].last);
    }
    t->cases += n_windows;
    free(expected);
    free(windows);
    jkx_images_close(&m);
    columns_close(&data);
  }
  tlw_engine_close(&engine);
}

/* ---- what leaves an image alone ---- */

#define CALM_ROWS 200
#define CALM_WINDOWS 12

/* A walk without gaps, and windows of it, some without averages. */
typedef struct walk {
  int64_t n;
  columns data;
  tlw_candles candles;
  tlw_image_window windows[CALM_WINDOWS];
  uint8_t *images, *others;
} walk;

static void walk_open(walk *w, int64_t n, uint64_t seed) {
  rng r = {seed};
  w->n = n;
  columns_open(&w->data, CALM_ROWS);
  fill_prices(&w->data, 0, CALM_ROWS, PRICES_WALK, &r);
  fill_volumes(&w->data, 0, CALM_ROWS, VOLUMES_PLAIN, &r);
  columns_view(&w->data, &w->candles);
  for (int64_t i = 0; i < CALM_WINDOWS; i++)
    w->windows[i] = (tlw_image_window){0, n - 1 + (int64_t)rng_below(&r, (uint64_t)(CALM_ROWS - n))};
  w->images = memory_for(CALM_WINDOWS * image_size(n));
  w->others = memory_for(CALM_WINDOWS * image_size(n));
}

static void walk_close(walk *w) {
  columns_close(&w->data);
  free(w->images);
  free(w->others);
}

static void walk_draw(const walk *w, tlw_engine *engine, uint8_t *images) {
  draw_bytes(engine, &w->candles, w->n, w->windows, CALM_WINDOWS, images);
}

static void assert_same_images(const walk *w, const char *what) {
  const size_t size = image_size(w->n);
  for (size_t i = 0; i < CALM_WINDOWS; i++)
    if (memcmp(w->images + i * size, w->others + i * size, size) != 0)
      fail_msg("%s changes the image of %lld bars up to row %lld", what, (long long)w->n,
               (long long)w->windows[i].last);
}

static void multiply(columns *data, double prices, double volumes) {
  for (int64_t i = 0; i < data->n_rows; i++) {
    data->open[i] *= prices;
    data->high[i] *= prices;
    data->low[i] *= prices;
    data->close[i] *= prices;
    data->volume[i] *= volumes;
  }
}

static void test_powers_of_two(void **state) {
  static const double prices[] = {0x1p-60, 0x1p9, 0x1p500, 0x1p-900}, volumes[] = {0x1p30, 0x1p-200, 1.0, 0x1p400};
  target *t = *state;
  tlw_engine *engine = engine_of(t, 2);
  for (size_t b = 0; b < BARS; b++) {
    walk w;
    walk_open(&w, all_bars[b], b + 1);
    walk_draw(&w, engine, w.images);
    for (size_t k = 0; k < sizeof prices / sizeof *prices; k++) {
      multiply(&w.data, prices[k], volumes[k]);
      walk_draw(&w, engine, w.others);
      multiply(&w.data, 1.0 / prices[k], 1.0 / volumes[k]);
      assert_same_images(&w, "a power of two");
      t->cases++;
    }
    walk_close(&w);
  }
  tlw_engine_close(&engine);
}

/* Whole numbers, closes so that their averages are whole too: nothing is rounded before a height is. */
static void make_whole(walk *w, uint64_t seed) {
  rng r = {seed};
  for (int64_t i = 0; i < CALM_ROWS; i++) {
    w->data.close[i] = (double)(w->n * rng_between(&r, 100, 140));
    w->data.open[i] = (double)rng_between(&r, 100 * (int32_t)w->n, 140 * (int32_t)w->n);
    w->data.high[i] = fmax(w->data.open[i], w->data.close[i]) + (double)rng_below(&r, 90);
    w->data.low[i] = fmin(w->data.open[i], w->data.close[i]) - (double)rng_below(&r, 90);
  }
}

static void shift(columns *data, double by) {
  for (int64_t i = 0; i < data->n_rows; i++) {
    data->open[i] += by;
    data->high[i] += by;
    data->low[i] += by;
    data->close[i] += by;
  }
}

static void test_shift(void **state) {
  static const double steps[] = {1.0, 4096.0, 0x1p30, -0x1p31};
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  for (size_t b = 0; b < BARS; b++) {
    walk w;
    walk_open(&w, all_bars[b], b + 10);
    make_whole(&w, b);
    walk_draw(&w, engine, w.images);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
      shift(&w.data, steps[k]);
      walk_draw(&w, engine, w.others);
      assert_same_images(&w, "a shift");
      t->cases++;
    }
    walk_close(&w);
  }
  tlw_engine_close(&engine);
}

/* The rows from first to end - 1 of all columns become other numbers. */
static void spoil_rows(columns *data, int64_t first, int64_t end, double number) {
  double *const all[] = {data->open, data->high, data->low, data->close, data->volume};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++)
    for (int64_t i = first; i < end; i++) all[k][i] = number;
}

/* Neither what comes after the last bar nor what is older than the averages need, though it must be there. */
static void test_rows_around_a_window(void **state) {
  static const double numbers[] = {(double)NAN, 1e300, -1.0, (double)INFINITY};
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  for (size_t b = 0; b < BARS; b++) {
    const int64_t n = all_bars[b];
    walk w;
    walk_open(&w, n, b + 20);
    walk_draw(&w, engine, w.images);
    for (int64_t i = 0; i < CALM_WINDOWS; i++) {
      walk spoiled;
      walk_open(&spoiled, n, b + 20);
      const int64_t last = w.windows[i].last, first = last - 2 * n + 2; /* of the closes that are averaged */
      spoil_rows(&spoiled.data, last + 1, CALM_ROWS, numbers[i % 4]);
      if (first > 0) spoil_rows(&spoiled.data, 0, first, numbers[i % 4]);
      draw_bytes(engine, &spoiled.candles, n, &w.windows[i], 1, w.others + (size_t)i * image_size(n));
      walk_close(&spoiled);
      t->cases++;
    }
    assert_same_images(&w, "a row that is none of the window's");
    walk_close(&w);
  }
  tlw_engine_close(&engine);
}

/* Rows in front of the 2n that a window needs, as part of the series or not. */
static void test_more_history(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t, 1);
  for (size_t b = 0; b < BARS; b++) {
    const int64_t n = all_bars[b];
    walk w;
    walk_open(&w, n, b + 30);
    int64_t offsets[CALM_WINDOWS + 1] = {0}, counts[CALM_WINDOWS + 1] = {CALM_ROWS};
    for (int64_t i = 0; i < CALM_WINDOWS; i++) {
      w.windows[i].last = 2 * n - 1 + i * 5;
      offsets[i + 1] = w.windows[i].last - 2 * n + 1;
      counts[i + 1] = 2 * n;
    }
    w.candles.offsets = offsets;
    w.candles.counts = counts;
    w.candles.n_series = CALM_WINDOWS + 1;
    walk_draw(&w, engine, w.images);
    for (int64_t i = 0; i < CALM_WINDOWS; i++) w.windows[i] = (tlw_image_window){i + 1, 2 * n - 1};
    walk_draw(&w, engine, w.others);
    assert_same_images(&w, "more history");
    t->cases++;
    walk_close(&w);
  }
  tlw_engine_close(&engine);
}

/* ---- budgets and threads ---- */

/* One that is too small is refused with what would do, or is kept; then the images are right. */
static void run_limited(target *t, const jkx_case *c, bool on_host, uint64_t budget) {
  tlw_error error;
  for (int attempts = 0;; attempts++) {
    target_limits limits = no_limits;
    limits.threads = 2;
    if (on_host)
      limits.host_budget = budget;
    else
      limits.device_budget = budget;
    tlw_engine *engine = NULL;
    jkx_images m;
    open_images(&m, c);
    tlw_status status = target_open(t, &limits, &engine, &error);
    if (status == TLW_OK) status = draw(c, engine, &m, NULL, &error);
    if (status == TLW_OK) assert_true(jkx_images_right(t->name, c, m.images, NULL, NULL));
    assert_true(jkx_images_intact(&m));
    tlw_stats stats = {.struct_size = sizeof stats};
    if (engine != NULL) {
      assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
      assert_true((on_host ? stats.host_bytes.peak : stats.device_bytes.peak) <= budget);
    }
    tlw_engine_close(&engine);
    jkx_images_close(&m);
    if (status == TLW_OK) break;
    if (status != TLW_ERR_BUDGET || error.bytes <= budget || attempts == 4) {
      jkx_case_print(t->name, c, -1);
      fail_msg("a budget of %llu: %s: %s (%llu)", (unsigned long long)budget, tlw_status_name(status), error.message,
               (unsigned long long)error.bytes);
    }
    budget = error.bytes;
  }
  t->cases++;
}

static void test_budgets(void **state) {
  target *t = *state;
  for (uint64_t i = 0; i < 6; i++) {
    jkx_case c;
    jkx_case_open(&c, FIRST_SEED + 77 * i, all_bars[i % BARS]);
    run_limited(t, &c, t->backend == TLW_BACKEND_CPU || i % 2 == 0, i < 3 ? 1 : 40000 * i);
    jkx_case_close(&c);
  }
}

typedef struct worker {
  target *target;
  tlw_engine *engine;
  uint64_t seed;
  bool right;
} worker;

static void *work(void *argument) {
  worker *w = argument;
  for (uint64_t i = 0; i < 30 && w->right; i++) {
    jkx_case c;
    jkx_case_open(&c, w->seed + i, all_bars[i % BARS]);
    w->right = draws_right(w->target, &c, w->engine, NULL);
    jkx_case_close(&c);
  }
  return NULL;
}

/* Two threads draw at the same time, on one engine and on two. */
static void test_two_threads(void **state) {
  target *t = *state;
  tlw_engine *engines[2] = {engine_of(t, 2), engine_of(t, 2)};
  for (int second = 0; second < 2; second++) {
    worker workers[2] = {{t, engines[0], 1, true}, {t, engines[second], 1000, true}};
    pthread_t threads[2];
    for (int k = 0; k < 2; k++) assert_int_equal(pthread_create(&threads[k], NULL, work, &workers[k]), 0);
    for (int k = 0; k < 2; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
    assert_true(workers[0].right && workers[1].right);
    t->cases += 60;
  }
  tlw_engine_close(&engines[0]);
  tlw_engine_close(&engines[1]);
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_published_hash, t), cmocka_unit_test_prestate(test_random_windows, t),
      cmocka_unit_test_prestate(test_many_windows, t),   cmocka_unit_test_prestate(test_powers_of_two, t),
      cmocka_unit_test_prestate(test_shift, t),          cmocka_unit_test_prestate(test_rows_around_a_window, t),
      cmocka_unit_test_prestate(test_more_history, t),   cmocka_unit_test_prestate(test_budgets, t),
      cmocka_unit_test_prestate(test_two_threads, t),
  };
  return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
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
