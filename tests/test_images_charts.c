/*
 * Charts as images: each must be what tlw_chart_render draws of the window's rows, in the palette's colours, by a plain
 * loop; in any type, order and color, over candles in any packing, into memory and into buffers. Errors with their
 * rows, budgets, memory; and the tables that make pixels into numbers, over all indices.
 *
 *   test_images_charts [TARGET...]  cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             at most so many random cases
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/images/expand.h"
#include "images_kit.h"
#include "jkx_oracle.h"
#include "stream_kit.h"

#define FIRST_SEED 20260302
#define FAULTS 16 /* that the software driver can have planted */

static const packing plainly = {.type = TLW_TYPE_F64};
static tlw_engine *reference; /* one thread of the CPU */

static tlw_engine *engine_with(const target *t, uint32_t threads, uint64_t host, uint64_t device) {
  target_limits limits = no_limits;
  limits.threads = threads;
  limits.host_budget = host;
  limits.device_budget = device;
  return kit_engine(t, &limits);
}

static tlw_engine *engine_of(const target *t) { return engine_with(t, 2, TLW_BUDGET_AUTO, TLW_BUDGET_AUTO); }

static tlw_image_options options_of(const tlw_chart_options *chart, int64_t window) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.style = TLW_IMAGES_CHART;
  options.chart = chart;
  options.window = window;
  return options;
}

static size_t size_of(const tlw_image_options *options) {
  tlw_image_shape shape;
  tlw_error error;
  kit_ok(tlw_image_shape_of(options, &shape, &error), &error);
  return shape.size;
}

/* ---- what must come out ---- */

struct expected {
  uint8_t *images, *reasons;
};

static void render_one(const images_data *d, const tlw_image_options *options, tlw_image_window window,
                       uint8_t *pixels) {
  const tlw_chart_options *chart = options->chart;
  const size_t width = (size_t)chart->width, size = width * (size_t)chart->height;
  const int64_t begin = d->plain.offsets[window.series] + window.last + 1 - options->window, count = options->window;
  tlw_candles one = d->plain;
  one.offsets = &begin;
  one.counts = &count;
  one.n_series = 1;
  const tlw_raster raster = {pixels, size, width, size};
  tlw_error error;
  kit_ok(tlw_chart_render(reference, &one, chart, &raster, &error), &error);
}

static struct expected expect(const images_data *d, const tlw_image_options *options, const tlw_image_window *windows,
                              int64_t n) {
  const tlw_chart_options *chart = options->chart;
  const size_t size = size_of(options), area = (size_t)chart->width * (size_t)chart->height;
  struct expected e = {malloc((size_t)n * size), malloc((size_t)n)};
  uint8_t *pixels = malloc(area), *rgb = malloc(3 * area), palette[3 * TLW_COLORS_MOST];
  int32_t n_colors;
  assert_true(e.images != NULL && e.reasons != NULL && pixels != NULL && rgb != NULL);
  assert_int_equal(tlw_chart_palette(chart, palette, &n_colors, NULL), TLW_OK);
  for (int64_t i = 0; i < n; i++) {
    const bool few = windows[i].last + 1 < options->window;
    e.reasons[i] = few ? TLW_IMAGE_FEW_BARS : TLW_IMAGE_DRAWN;
    memset(pixels, TLW_INK_BACKGROUND, area);
    if (!few) render_one(d, options, windows[i], pixels);
    assert_int_equal(tlw_raster_expand(pixels, (size_t)chart->width, chart->width, chart->height, palette, n_colors,
                                       TLW_PIXELS_RGB, rgb, 3 * (size_t)chart->width, NULL),
                     TLW_OK);
    tensor_oracle(rgb, chart->width, chart->height, options, e.images + (size_t)i * size);
  }
  free(pixels);
  free(rgb);
  return e;
}

static void expect_free(struct expected *e) {
  free(e->images);
  free(e->reasons);
}

static void expect_same(const images_memory *m, const struct expected *e, size_t size) {
  const bool are_same = memcmp(m->bytes, e->images, m->size) == 0;
  for (size_t i = 0; !are_same && i < m->size; i++)
    if (m->bytes[i] != e->images[i])
      fail_msg("image %zu, byte %zu: %d, not %d", i / size, i % size, m->bytes[i], e->images[i]);
  assert_true(images_memory_intact(m));
}

/* ---- any charts ---- */

static tlw_chart_options any_chart(rng *r) {
  static const char *const titles[] = {NULL, "BTCUSDT", "Åre — 株価"};
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = rng_between(r, 16, 120);
  chart.height = rng_between(r, 16, 120);
  chart.theme = (tlw_theme)rng_below(r, TLW_THEME_COUNT);
  chart.axis = rng_below(r, 2) ? TLW_AXIS_TIME : TLW_AXIS_INDEX;
  chart.scale = rng_below(r, 3) ? TLW_SCALE_LINEAR : TLW_SCALE_LOG;
  chart.volume = (int32_t)rng_below(r, 2);
  chart.grid = (int32_t)rng_below(r, 2);
  chart.labels = (int32_t)rng_below(r, 2);
  chart.last_price = (int32_t)rng_below(r, 2);
  chart.title = titles[rng_below(r, 3)];
  chart.n_lines = (int32_t)rng_below(r, 4);
  if (rng_below(r, 2)) chart.margin_left = chart.margin_right = chart.margin_top = chart.margin_bottom = 0;
  return chart;
}

static void check_buffer(tlw_engine *engine, const images_data *d, const tlw_image_options *options,
                         const tlw_image_window *windows, int64_t n, images_memory *m, const struct expected *e) {
  uint8_t *reasons = malloc((size_t)n);
  assert_non_null(reasons);
  tlw_buffer buffer = {3};
  tlw_error error;
  kit_ok(tlw_images_to_buffer(engine, &d->candles, options, windows, n, &buffer, reasons, &error), &error);
  images_memory_poison(m);
  kit_ok(tlw_buffer_read(engine, buffer, 0, m->bytes, m->size, &error), &error);
  expect_same(m, e, m->size / (size_t)n);
  assert_memory_equal(reasons, e->reasons, (size_t)n);
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  free(reasons);
}

static void check_case(target *t, tlw_engine *engine, uint64_t seed) {
  rng r = {seed};
  const tlw_chart_options chart = any_chart(&r);
  tlw_image_options options = options_of(&chart, 1 + (int64_t)rng_below(&r, 90));
  images_tensor_options(&options, &r);
  const packing how = packing_random(chart.n_lines, &r);
  images_data d;
  images_data_open(&d, 1 + (int64_t)rng_below(&r, 250), chart.n_lines, (price_kind)rng_below(&r, PRICE_KIND_COUNT),
                   chart.scale == TLW_SCALE_LOG, &how, &r);
  const int64_t n = 1 + (int64_t)rng_below(&r, 25);
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * size_of(&options), 4 * rng_below(&r, 4));
  uint8_t *reasons = malloc((size_t)n);
  assert_non_null(reasons);
  memset(reasons, 77, (size_t)n);
  tlw_error error;
  kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, reasons, &error), &error);
  expect_same(&m, &e, m.size / (size_t)n);
  assert_memory_equal(reasons, e.reasons, (size_t)n);
  memset(reasons, 77, (size_t)n);
  kit_ok(tlw_image_reasons(&d.candles, &options, windows, n, reasons, &error), &error);
  assert_memory_equal(reasons, e.reasons, (size_t)n);
  check_buffer(engine, &d, &options, windows, n, &m, &e);
  free(reasons);
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

static void test_any_charts(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  const int64_t n = kit_cases(kit_for(t, 120, 40));
  for (int64_t i = 0; i < n; i++) check_case(t, engine, FIRST_SEED + (uint64_t)i);
  tlw_engine_close(&engine);
}

/* ---- many ---- */

/* More than a block: the same bytes from any number of threads, and no second call allocates anything. */
static void test_many(void **state) {
  target *t = *state;
  static const uint32_t threads[] = {1, 2, 8};
  rng r = {FIRST_SEED + 5};
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = 50;
  chart.height = 40;
  tlw_image_options options = options_of(&chart, 30);
  options.color = TLW_IMAGE_RGB;
  options.type = TLW_IMAGE_F32;
  images_data d;
  images_data_open(&d, 2000, 0, PRICES_WALK, false, &plainly, &r);
  const int64_t n = 250;
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * size_of(&options), 0);
  for (int i = 0; i < kit_for(t, 3, 1); i++) {
    tlw_engine *engine = engine_with(t, threads[i], TLW_BUDGET_AUTO, TLW_BUDGET_AUTO);
    tlw_error error;
    images_memory_poison(&m);
    kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error), &error);
    expect_same(&m, &e, m.size / (size_t)n);
    const tlw_stats before = kit_stats(engine);
    kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error), &error);
    const tlw_stats after = kit_stats(engine);
    assert_int_equal(after.host_bytes.total, before.host_bytes.total);
    assert_int_equal(after.device_bytes.total, before.device_bytes.total);
    assert_int_equal(after.images, 2 * n);
    assert_int_equal(after.charts, 2 * before.charts);
    assert_int_equal(after.copied, 0);
    check_buffer(engine, &d, &options, windows, n, &m, &e);
    kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, &error), &error);
    check_buffer(engine, &d, &options, windows, n, &m, &e);
    tlw_engine_close(&engine);
  }
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

/* ---- errors ---- */

static void failed(tlw_status status, tlw_status code, const tlw_error *error, const char *words) {
  kit_failed(status, code, error);
  if (strstr(error->message, words) == NULL) fail_msg("'%s' lacks '%s'", error->message, words);
}

static void test_errors(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED + 6};
  images_data d;
  images_data_open(&d, 120, 1, PRICES_WALK, true, &plainly, &r);
  tlw_candles c = d.candles;
  const int64_t offsets[] = {20, 10}, counts[] = {100, 60};
  c.offsets = offsets;
  c.counts = counts;
  c.n_series = 2;
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = chart.height = 40;
  chart.n_lines = 1;
  tlw_image_options options = options_of(&chart, 15);
  const tlw_image_window windows[] = {{0, 14}, {1, 59}, {0, 99}};
  images_memory m;
  images_memory_open(&m, 3 * size_of(&options), 0);
  tlw_error error;
  tlw_buffer buffer = {4};
#define DRAW() tlw_images_draw(engine, &c, &options, windows, 3, m.bytes, m.size, NULL, &error)
  kit_ok(DRAW(), &error);
  images_memory_poison(&m);
  const tlw_candles whole = c;
  c.volume = NULL;
  failed(DRAW(), TLW_ERR_ARGUMENT, &error, "candles.volume is NULL");
  c = whole;
  c.n_lines = 0;
  failed(DRAW(), TLW_ERR_ARGUMENT, &error, "candles.n_lines is 0 but options.n_lines is 1");
  c = whole;
  options.chart = NULL;
  failed(DRAW(), TLW_ERR_ARGUMENT, &error, "options.chart is NULL");
  options.chart = &chart;
  chart.axis = TLW_AXIS_TIME;
  c.time = NULL;
  failed(DRAW(), TLW_ERR_ARGUMENT, &error, "candles.time is NULL");
  c = whole;
  uint8_t reasons[3];
  kit_ok(tlw_image_reasons(&c, &options, windows, 3, reasons, &error), &error);
  assert_true(images_memory_untouched(&m));
  /* Rows count from the start of the columns. */
  for (int64_t i = 0; i < d.columns.n_rows; i++) ((int64_t *)(uintptr_t)c.time)[i] = i * 1000;
  kit_ok(DRAW(), &error);
  ((int64_t *)(uintptr_t)c.time)[60] = 7;
  failed(DRAW(), TLW_ERR_DATA, &error, "60");
  assert_int_equal(error.row, 60);
  assert_true(images_memory_intact(&m));
  kit_failed(tlw_images_to_buffer(engine, &c, &options, windows, 3, &buffer, NULL, &error), TLW_ERR_DATA, &error);
  assert_int_equal(buffer.id, 0);
  assert_int_equal(kit_stats(engine).pool_bytes.current, 0);
  chart.axis = TLW_AXIS_INDEX;
  chart.scale = TLW_SCALE_LOG;
  kit_ok(DRAW(), &error);
  ((double *)(uintptr_t)c.low)[110] = -1;
  failed(DRAW(), TLW_ERR_DATA, &error, "-1");
  assert_int_equal(error.row, 110);
  images_memory_close(&m);
  images_data_close(&d);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- budgets ---- */

/* What a refusal names does, in the end. */
static void check_budget(target *t, bool to_buffer) {
  rng r = {FIRST_SEED + 7};
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = 64;
  chart.height = 48;
  tlw_image_options options = options_of(&chart, 10);
  options.color = TLW_IMAGE_RGB;
  images_data d;
  images_data_open(&d, 300, 0, PRICES_WALK, false, &plainly, &r);
  const int64_t n = kit_for(t, 300, 30);
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * size_of(&options), 0);
  uint64_t budget = 1;
  for (int refusals = 0;; refusals++) {
    target_limits limits = no_limits;
    limits.threads = 2;
    limits.host_budget = budget;
    tlw_engine *engine;
    tlw_error error;
    tlw_buffer buffer = {0};
    images_memory_poison(&m);
    tlw_status status = target_open(t, &limits, &engine, &error);
    if (status == TLW_OK)
      status = to_buffer ? tlw_images_to_buffer(engine, &d.candles, &options, windows, n, &buffer, NULL, &error)
                         : tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error);
    if (engine != NULL) assert_true(kit_stats(engine).host_bytes.peak <= budget);
    if (status == TLW_OK && to_buffer) status = tlw_buffer_read(engine, buffer, 0, m.bytes, m.size, &error);
    tlw_engine_close(&engine);
    if (status == TLW_OK) break;
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_true(error.bytes > budget && refusals < 12);
    budget = error.bytes;
  }
  expect_same(&m, &e, m.size / (size_t)n);
  if (t->backend == TLW_BACKEND_CPU && !to_buffer) { /* a byte less does not do */
    target_limits limits = no_limits;
    limits.threads = 2;
    limits.host_budget = budget - 1;
    tlw_engine *engine = kit_engine(t, &limits);
    tlw_error error;
    kit_failed(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error), TLW_ERR_BUDGET,
               &error);
    tlw_engine_close(&engine);
  }
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

static void test_budgets(void **state) {
  check_budget(*state, false);
  check_budget(*state, true);
}

/* ---- fallback ---- */

/* A launch and all that follow it have no memory: a buffer begins anew on the next backend. */
static void check_fallback(int64_t launch, bool to_buffer, const images_data *d, const tlw_image_options *options,
                           const tlw_image_window *windows, int64_t n, images_memory *m, const struct expected *e,
                           uint64_t *fallbacks) {
  kit_driver_restart();
  tlw_engine_options options_of_engine;
  tlw_engine_options_init(&options_of_engine);
  options_of_engine.backend = TLW_BACKEND_CUDA;
  options_of_engine.allow_fallback = TLW_FALLBACK_ON;
  options_of_engine.threads = 2;
  options_of_engine.device_budget = 40 << 20;
  tlw_engine *engine;
  tlw_error error;
  kit_ok(tlw_engine_open(&engine, &options_of_engine, &error), &error);
  for (int64_t i = launch; i < launch + FAULTS; i++) {
    char setting[64];
    snprintf(setting, sizeof setting, "fail=cuLaunchKernel:%lld:CUDA_ERROR_OUT_OF_MEMORY", (long long)i);
    assert_int_equal(kit_soft.set(setting), 0);
  }
  tlw_buffer buffer = {0};
  images_memory_poison(m);
  kit_ok(to_buffer ? tlw_images_to_buffer(engine, &d->candles, options, windows, n, &buffer, NULL, &error)
                   : tlw_images_draw(engine, &d->candles, options, windows, n, m->bytes, m->size, NULL, &error),
         &error);
  if (to_buffer) kit_ok(tlw_buffer_read(engine, buffer, 0, m->bytes, m->size, &error), &error);
  expect_same(m, e, m->size / (size_t)n);
  *fallbacks += kit_stats(engine).fallbacks;
  tlw_engine_close(&engine);
}

/* A device that is lost says so once, and every later call. */
static void test_lost_device(void **state) {
  target *t = *state;
  if (kit_soft.set == NULL) return;
  static const char advice[] = "close this engine";
  rng r = {FIRST_SEED + 10};
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = chart.height = 64;
  const tlw_image_options options = options_of(&chart, 1);
  images_data d;
  images_data_open(&d, 50, 0, PRICES_WALK, false, &plainly, &r);
  tlw_image_window *windows = images_windows(&d, 10, &r);
  for (int k = 0; k < 2; k++) {
    kit_driver_restart();
    tlw_engine *engine = engine_of(t);
    uint8_t images[10 * 64 * 64];
    tlw_buffer buffer = {5};
    tlw_error error;
    assert_int_equal(kit_soft.set("sticky=execute:1:CUDA_ERROR_ILLEGAL_ADDRESS"), 0);
    for (int i = 0; i < 2; i++) {
      kit_failed(k ? tlw_images_to_buffer(engine, &d.candles, &options, windows, 10, &buffer, NULL, &error)
                   : tlw_images_draw(engine, &d.candles, &options, windows, 10, images, sizeof images, NULL, &error),
                 TLW_ERR_DEVICE_LOST, &error);
      const char *found = strstr(error.message, advice);
      assert_non_null(found);
      assert_null(strstr(found + 1, advice));
    }
    assert_int_equal(buffer.id, k ? 0 : 5);
    tlw_engine_close(&engine);
  }
  kit_driver_restart();
  free(windows);
  images_data_close(&d);
  t->cases++;
}

static void test_fallback(void **state) {
  target *t = *state;
  if (kit_soft.set == NULL) return;
  rng r = {FIRST_SEED + 9};
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = 100;
  chart.height = 80;
  chart.labels = 0;
  tlw_image_options options = options_of(&chart, 20);
  options.color = TLW_IMAGE_RGB;
  options.type = TLW_IMAGE_F32;
  images_data d;
  images_data_open(&d, 300, 0, PRICES_WALK, false, &plainly, &r);
  const int64_t n = 380; /* two blocks and a bit */
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * size_of(&options), 0);
  uint64_t fallbacks = 0;
  static const int64_t launches[] = {1, 2, 3, 5, 8, 13, 1000};
  for (size_t i = 0; i < sizeof launches / sizeof launches[0]; i++)
    for (int k = 0; k < 2; k++) check_fallback(launches[i], k == 1, &d, &options, windows, n, &m, &e, &fallbacks);
  assert_in_range(fallbacks, 4, 12);
  kit_driver_restart();
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

/* ---- numbers ---- */

/* All indices, of palettes of any length, in images of odd sizes, against a plain loop. */
static void check_expansion(const struct tlw_cpu_tier *tier, int i, rng *r) {
  tlw_image_options options = {0};
  images_tensor_options(&options, r);
  const int32_t width = rng_between(r, 1, i % 8 ? 150 : 900), height = rng_between(r, 1, 9);
  const int32_t n_colors = rng_between(r, 1, i % 3 ? 16 : 256), channels = options.color == TLW_IMAGE_RGB ? 3 : 1;
  const tlk_image image = {width, height, channels, options.type == TLW_IMAGE_F32, options.order == TLW_ORDER_NHWC};
  const size_t area = (size_t)width * (size_t)height, size = tlk_image_size(image);
  uint8_t palette[3 * 256], *pixels = malloc(area), *rgb = malloc(3 * area), *expected = malloc(size);
  assert_true(pixels != NULL && rgb != NULL && expected != NULL);
  for (size_t k = 0; k < sizeof palette; k++) palette[k] = (uint8_t)rng_next(r);
  for (size_t k = 0; k < area; k++) pixels[k] = (uint8_t)rng_below(r, (uint64_t)n_colors);
  assert_int_equal(tlw_raster_expand(pixels, (size_t)width, width, height, palette, n_colors, TLW_PIXELS_RGB, rgb,
                                     3 * (size_t)width, NULL),
                   TLW_OK);
  assert_int_equal(tensor_oracle(rgb, width, height, &options, expected), size);
  images_memory m;
  images_memory_open(&m, size, 4 * rng_below(r, 4));
  memcpy(m.bytes + size - area, pixels, area);
  struct tlw_image_inks inks;
  tlw_image_inks_of(palette, n_colors, channels, &inks);
  tlw_image_expand(tier, image, &inks, m.bytes);
  assert_memory_equal(m.bytes, expected, size);
  assert_true(images_memory_intact(&m));
  images_memory_close(&m);
  free(pixels);
  free(rgb);
  free(expected);
}

static void test_expansion(void **state) {
  (void)state;
  static const char *const names[] = {"baseline", "avx2", "avx512"};
  int n_tiers = 0;
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
    const struct tlw_cpu_tier *tier;
    rng r = {FIRST_SEED + 8};
    setenv("TALLOW_CPU_TIER", names[k], 1);
    if (tlw_cpu_tier(&tier, NULL) != TLW_OK) continue;
    n_tiers++;
    for (int i = 0; i < 500; i++) check_expansion(tier, i, &r);
  }
  unsetenv("TALLOW_CPU_TIER");
  assert_true(n_tiers > 0);
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_any_charts, t), cmocka_unit_test_prestate(test_many, t),
      cmocka_unit_test_prestate(test_errors, t),     cmocka_unit_test_prestate(test_budgets, t),
      cmocka_unit_test_prestate(test_fallback, t),   cmocka_unit_test_prestate(test_lost_device, t),
  };
  return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}

int main(int argc, char **argv) {
  const struct CMUnitTest alone[] = {cmocka_unit_test(test_expansion)};
  int failures = cmocka_run_group_tests_name("expansion", alone, NULL, NULL);
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  if (tlw_engine_open(&reference, &options, NULL) != TLW_OK) return EXIT_FAILURE;
  target_list list;
  const bool found = kit_open(&list, argc, argv);
  for (size_t i = 0; found && i < list.count; i++) failures += run_target(&list.targets[i]);
  const bool ran = found && targets_report(&list);
  kit_close();
  tlw_engine_close(&reference);
  return ran && failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
