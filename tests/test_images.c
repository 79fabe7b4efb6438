/*
 * Images of tallow/images.h as their header promises them, JKX ones: what is refused and with which words, reasons,
 * windows in any order over candles in any packing, budgets to the byte, memory, counts. Bits of many windows, charts
 * and tensors are the matter of other tests.
 *
 *   test_images [TARGET...]         cpu, opencl, cuda; or TALLOW_TEST_TARGETS
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

#include "images_kit.h"
#include "jkx_oracle.h"
#include "stream_kit.h"

#define FIRST_SEED 20260301

static const packing plainly = {.type = TLW_TYPE_F64};

static tlw_engine *engine_with(const target *t, uint32_t threads, uint64_t host, uint64_t device) {
  target_limits limits = no_limits;
  limits.threads = threads;
  limits.host_budget = host;
  limits.device_budget = device;
  kit_driver_restart();
  return kit_engine(t, &limits);
}

static tlw_engine *engine_of(const target *t) { return engine_with(t, 2, TLW_BUDGET_AUTO, TLW_BUDGET_AUTO); }

static tlw_image_options jkx(int64_t window) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.window = window;
  return options;
}

static tlw_image_shape shape_of(const tlw_image_options *options) {
  tlw_image_shape shape;
  tlw_error error;
  kit_ok(tlw_image_shape_of(options, &shape, &error), &error);
  return shape;
}

static void refused(tlw_status status, const tlw_error *error, const char *words) {
  kit_failed(status, TLW_ERR_ARGUMENT, error);
  if (strstr(error->message, words) == NULL) fail_msg("'%s' lacks '%s'", error->message, words);
}

/* ---- options ---- */

static void test_shapes(void **state) {
  (void)state;
  static const int64_t windows[] = {5, 20, 60};
  static const int32_t heights[] = {32, 64, 96};
  tlw_image_options options = jkx(20);
  assert_int_equal(options.struct_size, sizeof options);
  assert_int_equal(options.style, TLW_IMAGES_JKX);
  assert_int_equal(options.type, TLW_IMAGE_U8);
  assert_int_equal(options.order, TLW_ORDER_NCHW);
  assert_int_equal(options.color, TLW_IMAGE_LUMA);
  assert_null(options.chart);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 8; k++) {
      options = jkx(windows[i]);
      options.type = k & 1 ? TLW_IMAGE_F32 : TLW_IMAGE_U8;
      options.order = k & 2 ? TLW_ORDER_NHWC : TLW_ORDER_NCHW;
      options.color = k & 4 ? TLW_IMAGE_RGB : TLW_IMAGE_LUMA;
      const tlw_image_shape shape = shape_of(&options);
      assert_int_equal(shape.channels, k & 4 ? 3 : 1);
      assert_int_equal(shape.height, heights[i]);
      assert_int_equal(shape.width, 3 * windows[i]);
      assert_int_equal(shape.size, 3 * windows[i] * heights[i] * shape.channels * (k & 1 ? 4 : 1));
    }
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = 224;
  chart.height = 100;
  options = jkx(1);
  options.style = TLW_IMAGES_CHART;
  options.chart = &chart;
  options.color = TLW_IMAGE_RGB;
  assert_int_equal(shape_of(&options).size, 224 * 100 * 3);
  options.window = TLW_IMAGE_BARS_MAX;
  assert_int_equal(shape_of(&options).width, 224);
}

static void test_wrong_options(void **state) {
  (void)state;
  tlw_image_shape shape;
  tlw_error error;
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = 3;
  const struct {
    tlw_image_options options;
    const char *words;
  } cases[] = {
      {{.window = 20}, "tlw_image_options_init"},
      {{.struct_size = sizeof(tlw_image_options), .style = (tlw_image_style)2, .window = 20}, "options.style is 2"},
      {{.struct_size = sizeof(tlw_image_options), .style = (tlw_image_style)-1, .window = 20}, "options.style is -1"},
      {{.struct_size = sizeof(tlw_image_options), .window = 19}, "options.window is 19: JKX images have 5, 20 or 60"},
      {{.struct_size = sizeof(tlw_image_options), .window = 0}, "options.window is 0"},
      {{.struct_size = sizeof(tlw_image_options), .window = INT64_MIN}, "options.window"},
      {{.struct_size = sizeof(tlw_image_options), .window = 5, .type = (tlw_image_type)7}, "options.type is 7"},
      {{.struct_size = sizeof(tlw_image_options), .window = 5, .order = (tlw_image_order)-3}, "options.order is -3"},
      {{.struct_size = sizeof(tlw_image_options), .window = 5, .color = (tlw_image_color)2}, "options.color is 2"},
      {{.struct_size = sizeof(tlw_image_options), .window = 5, .style = TLW_IMAGES_CHART}, "options.chart is NULL"},
      {{.struct_size = sizeof(tlw_image_options), .window = 0, .style = TLW_IMAGES_CHART, .chart = &chart},
       "options.window is 0: it must be 1 to 16777216"},
      {{.struct_size = sizeof(tlw_image_options), .window = (1 << 24) + 1, .style = TLW_IMAGES_CHART, .chart = &chart},
       "options.window is 16777217"},
      {{.struct_size = sizeof(tlw_image_options), .window = 5, .style = TLW_IMAGES_CHART, .chart = &chart}, "width"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    refused(tlw_image_shape_of(&cases[i].options, &shape, &error), &error, cases[i].words);
    assert_int_equal(tlw_image_shape_of(&cases[i].options, &shape, NULL), TLW_ERR_ARGUMENT);
  }
  tlw_image_options options = jkx(5);
  refused(tlw_image_shape_of(NULL, &shape, &error), &error, "options is NULL");
  refused(tlw_image_shape_of(&options, NULL, &error), &error, "shape is NULL");
  /* Of JKX images the options of a chart are not looked at. */
  options.chart = &chart;
  assert_int_equal(shape_of(&options).width, 15);
  tlw_image_options_init(NULL);
}

static void test_words_and_counts(void **state) {
  (void)state;
  for (int i = 0; i < TLW_IMAGE_REASONS; i++) {
    const char *text = tlw_image_reason_text((tlw_image_reason)i);
    assert_non_null(text);
    assert_true(strlen(text) > 3 && strpbrk(text, "\n\t\"\\") == NULL);
    for (int k = 0; k < i; k++) assert_string_not_equal(text, tlw_image_reason_text((tlw_image_reason)k));
  }
  assert_null(tlw_image_reason_text((tlw_image_reason)TLW_IMAGE_REASONS));
  assert_null(tlw_image_reason_text((tlw_image_reason)-1));
  for (int64_t bars = -1; bars < 70; bars++)
    for (int64_t window = -1; window < 30; window++)
      for (int64_t stride = -1; stride < 12; stride++) {
        int64_t count = 0;
        if (bars > 0 && window > 0 && stride > 0)
          for (int64_t last = window - 1; last < bars; last += stride) count++;
        assert_int_equal(tlw_image_windows(bars, window, stride), count);
      }
  assert_int_equal(tlw_image_windows(INT64_MAX, 1, 1), INT64_MAX);
  assert_int_equal(tlw_image_windows(INT64_MAX, INT64_MAX, INT64_MAX), 1);
}

/* ---- arguments ---- */

static void test_wrong_arguments(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED};
  images_data d;
  images_data_open(&d, 100, 0, PRICES_WALK, false, &plainly, &r);
  d.candles.offsets = d.candles.counts = NULL;
  d.candles.n_series = 1;
  tlw_image_options options = jkx(5);
  const size_t size = shape_of(&options).size;
  tlw_image_window windows[] = {{0, 50}, {0, 99}};
  images_memory m;
  images_memory_open(&m, 2 * size, 0);
  uint8_t reasons[2] = {77, 77};
  tlw_error error;
  tlw_buffer buffer = {9};
#define DRAW(engine_, candles_, options_, windows_, n_, images_, size_)                                                \
  tlw_images_draw(engine_, candles_, options_, windows_, n_, images_, size_, reasons, &error), &error
#define HOLD(engine_, candles_, options_, windows_, n_, buffer_)                                                       \
  tlw_images_to_buffer(engine_, candles_, options_, windows_, n_, buffer_, reasons, &error), &error
#define FIND(candles_, options_, windows_, n_, reasons_)                                                               \
  tlw_image_reasons(candles_, options_, windows_, n_, reasons_, &error), &error
  refused(DRAW(NULL, &d.candles, &options, windows, 2, m.bytes, m.size), "engine is NULL");
  refused(DRAW(engine, NULL, &options, windows, 2, m.bytes, m.size), "candles is NULL");
  refused(DRAW(engine, &d.candles, NULL, windows, 2, m.bytes, m.size), "options is NULL");
  refused(DRAW(engine, &d.candles, &options, NULL, 2, m.bytes, m.size), "windows is NULL");
  refused(DRAW(engine, &d.candles, &options, windows, -1, m.bytes, m.size), "n is -1");
  refused(DRAW(engine, &d.candles, &options, windows, 2, NULL, m.size), "images is NULL");
  refused(DRAW(engine, &d.candles, &options, windows, 2, m.bytes, 2 * size - 1),
          "size is 959 bytes: 2 images of 1 x 32 x 15 need 960");
  refused(HOLD(NULL, &d.candles, &options, windows, 2, &buffer), "engine is NULL");
  refused(HOLD(engine, &d.candles, &options, windows, 2, NULL), "buffer is NULL");
  assert_int_equal(buffer.id, 9);
  refused(HOLD(engine, &d.candles, &options, windows, 0, &buffer), "n is 0");
  assert_int_equal(buffer.id, 0);
  refused(HOLD(engine, NULL, &options, windows, 2, &buffer), "candles is NULL");
  refused(FIND(NULL, &options, windows, 2, reasons), "candles is NULL");
  refused(FIND(&d.candles, NULL, windows, 2, reasons), "options is NULL");
  refused(FIND(&d.candles, &options, NULL, 2, reasons), "windows is NULL");
  refused(FIND(&d.candles, &options, windows, -5, reasons), "n is -5");
  refused(FIND(&d.candles, &options, windows, 2, NULL), "reasons is NULL");
  options.type = TLW_IMAGE_F32;
  refused(DRAW(engine, &d.candles, &options, windows, 0, m.bytes + 2, m.size), "aligned to 4");
  options.type = TLW_IMAGE_U8;
  /* Windows that are not there. */
  static const struct {
    tlw_image_window window;
    const char *words;
  } wrong[] = {
      {{1, 50}, "windows[1].series is 1: there are 1 series"},
      {{-1, 50}, "windows[1].series is -1"},
      {{0, 100}, "windows[1].last is 100: series 0 has 100 rows"},
      {{0, -1}, "windows[1].last is -1"},
      {{INT64_MAX, 0}, "windows[1].series"},
      {{0, INT64_MAX}, "windows[1].last"},
      {{0, INT64_MIN}, "windows[1].last"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    windows[1] = wrong[i].window;
    refused(DRAW(engine, &d.candles, &options, windows, 2, m.bytes, m.size), wrong[i].words);
    refused(HOLD(engine, &d.candles, &options, windows, 2, &buffer), wrong[i].words);
    refused(FIND(&d.candles, &options, windows, 2, reasons), wrong[i].words);
    assert_int_equal(tlw_images_draw(engine, &d.candles, &options, windows, 2, m.bytes, m.size, NULL, NULL),
                     TLW_ERR_ARGUMENT);
  }
  windows[1] = windows[0];
  /* Candles that lack what is needed. */
  const tlw_candles whole = d.candles;
  const void **const needed[] = {&d.candles.open, &d.candles.high, &d.candles.low, &d.candles.close};
  static const char *const names[] = {"candles.open", "candles.high", "candles.low", "candles.close"};
  for (int i = 0; i < 4; i++) {
    *needed[i] = NULL;
    refused(DRAW(engine, &d.candles, &options, windows, 2, m.bytes, m.size), names[i]);
    d.candles = whole;
  }
  d.candles.stride = 3;
  refused(DRAW(engine, &d.candles, &options, windows, 2, m.bytes, m.size), "candles.stride");
  d.candles = whole;
  d.candles.struct_size = 1;
  refused(DRAW(engine, &d.candles, &options, windows, 2, m.bytes, m.size), "tlw_candles_init");
  d.candles = whole;
  d.candles.n_series = 0;
  const int64_t offsets[] = {0};
  d.candles.offsets = offsets;
  refused(FIND(&d.candles, &options, windows, 2, reasons), "there are 0 series");
  d.candles = whole;
  /* More than any memory. */
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  assert_true(images_memory_untouched(&m));
  assert_int_equal(reasons[0], 77);
  /* What is not looked at. */
  const void *const lines[] = {NULL};
  d.candles.n_lines = 1;
  d.candles.lines = lines;
  d.candles.time_stride = -1;
  d.candles.time = NULL;
  tlw_image_options other = options;
  other.chart = (const tlw_chart_options *)(const void *)"nothing";
  kit_ok(DRAW(engine, &d.candles, &other, windows, 2, m.bytes, m.size));
  /* Nothing at all. */
  images_memory_poison(&m);
  kit_ok(DRAW(engine, &whole, &options, NULL, 0, NULL, 0));
  kit_ok(FIND(&whole, &options, NULL, 0, NULL));
  assert_true(images_memory_untouched(&m));
  images_memory_close(&m);
  images_data_close(&d);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- bits ---- */

struct expected {
  uint8_t *images, *reasons;
};

static struct expected expect(const images_data *d, const tlw_image_options *options, const tlw_image_window *windows,
                              int64_t n) {
  const tlw_image_shape shape = shape_of(options);
  struct expected e = {malloc((size_t)n * shape.size), malloc((size_t)n)};
  uint8_t pixels[JKX_ORACLE_WIDTH_MAX * JKX_ORACLE_HEIGHT_MAX];
  assert_true(e.images != NULL && e.reasons != NULL);
  for (int64_t i = 0; i < n; i++) {
    e.reasons[i] = (uint8_t)jkx_oracle_draw(&d->plain, options->window, windows[i], pixels, NULL);
    const size_t size =
        tensor_oracle_grey(pixels, shape.width, shape.height, options, e.images + (size_t)i * shape.size);
    assert_int_equal(size, shape.size);
  }
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

static void check_buffer(tlw_engine *engine, const images_data *d, const tlw_image_options *options,
                         const tlw_image_window *windows, int64_t n, images_memory *m, const struct expected *e) {
  uint8_t *reasons = calloc((size_t)n + 1, 1);
  assert_non_null(reasons);
  reasons[n] = 99;
  tlw_buffer buffer = {3};
  tlw_error error;
  kit_ok(tlw_images_to_buffer(engine, &d->candles, options, windows, n, &buffer, reasons, &error), &error);
  uint64_t size;
  kit_ok(tlw_buffer_size(engine, buffer, &size, &error), &error);
  assert_int_equal(size, m->size);
  images_memory_poison(m);
  kit_ok(tlw_buffer_read(engine, buffer, 0, m->bytes, m->size, &error), &error);
  expect_same(m, e, m->size / (size_t)n);
  assert_memory_equal(reasons, e->reasons, (size_t)n);
  assert_int_equal(reasons[n], 99);
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  free(reasons);
}

static void check_case(target *t, tlw_engine *engine, uint64_t seed, int64_t *seen) {
  static const int64_t windows_of[] = {5, 20, 60};
  rng r = {seed};
  tlw_image_options options = jkx(windows_of[rng_below(&r, 3)]);
  images_tensor_options(&options, &r);
  const packing how = packing_random(0, &r);
  images_data d;
  images_data_open(&d, 1 + (int64_t)rng_below(&r, 300), 0, (price_kind)rng_below(&r, PRICE_KIND_COUNT), false, &how,
                   &r);
  if (rng_below(&r, 5) == 0) d.candles.volume = d.plain.volume = NULL;
  const int64_t n = 1 + (int64_t)rng_below(&r, 40);
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  for (int64_t i = 0; i < n; i++) seen[e.reasons[i]]++;
  images_memory m;
  images_memory_open(&m, (size_t)n * shape_of(&options).size, 4 * rng_below(&r, 4));
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
  images_memory_poison(&m);
  kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error), &error);
  expect_same(&m, &e, m.size / (size_t)n);
  check_buffer(engine, &d, &options, windows, n, &m, &e);
  free(reasons);
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

static void test_any_windows(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  int64_t seen[TLW_IMAGE_REASONS] = {0};
  const int64_t n = kit_cases(kit_for(t, 200, 100));
  for (int64_t i = 0; i < n; i++) check_case(t, engine, FIRST_SEED + (uint64_t)i, seen);
  for (int i = 0; i < TLW_IMAGE_REASONS && n >= 100; i++) assert_true(seen[i] > 0);
  tlw_engine_close(&engine);
}

/* ---- many images ---- */

#define MANY 17000

/* More than a group, over series of floats in records too: the same bytes from any number of threads. */
static void check_many(target *t, const packing *how, uint64_t host_budget) {
  static const uint32_t threads[] = {1, 2, 8};
  rng r = {FIRST_SEED + 7};
  tlw_image_options options = jkx(5);
  options.order = TLW_ORDER_NHWC;
  images_data d;
  images_data_open(&d, 3000, 0, PRICES_GAPS, false, how, &r);
  const int64_t n = MANY;
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * shape_of(&options).size, 1);
  uint8_t *reasons = malloc((size_t)n);
  assert_non_null(reasons);
  for (int i = 0; i < (t->backend == TLW_BACKEND_CPU ? 3 : 1); i++) {
    tlw_engine *engine = engine_with(t, threads[i], host_budget, TLW_BUDGET_AUTO);
    tlw_error error;
    images_memory_poison(&m);
    kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, reasons, &error), &error);
    expect_same(&m, &e, m.size / (size_t)n);
    assert_memory_equal(reasons, e.reasons, (size_t)n);
    /* No second call allocates anything. */
    const tlw_stats before = kit_stats(engine);
    images_memory_poison(&m);
    kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, reasons, &error), &error);
    expect_same(&m, &e, m.size / (size_t)n);
    const tlw_stats after = kit_stats(engine);
    assert_int_equal(after.host_bytes.total, before.host_bytes.total);
    assert_int_equal(after.device_bytes.total, before.device_bytes.total);
    assert_int_equal(after.images - before.images, n);
    assert_int_equal(after.copied - before.copied, before.copied);
    assert_true((before.copied == 0) == (how->type == TLW_TYPE_F64 && how->stride == 0));
    check_buffer(engine, &d, &options, windows, n, &m, &e);
    tlw_engine_close(&engine);
  }
  free(reasons);
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

static void test_many(void **state) {
  target *t = *state;
  const packing records = {.type = TLW_TYPE_F32, .stride = packing_record(TLW_TYPE_F32, 0) + 3, .misalign = 1};
  check_many(t, &plainly, TLW_BUDGET_AUTO);
  check_many(t, &records, t->backend == TLW_BACKEND_CPU ? 100 << 20 : TLW_BUDGET_AUTO);
}

/* Rows that windows share with the one before are copied once; others apart. */
static void test_copies(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED + 8};
  const packing floats = {.type = TLW_TYPE_F32};
  images_data d;
  images_data_open(&d, 400, 0, PRICES_WALK, false, &floats, &r);
  d.candles.offsets = d.candles.counts = NULL;
  d.candles.n_series = 1;
  const tlw_image_options options = jkx(20);
  uint8_t images[8 * 60 * 64];
  static const struct {
    tlw_image_window windows[3];
    int64_t n;
    uint64_t rows;
  } cases[] = {
      {{{0, 19}}, 1, 20},
      {{{0, 38}}, 1, 20},
      {{{0, 39}}, 1, 40},
      {{{0, 18}}, 1, 0},
      {{{0, 99}, {0, 100}, {0, 101}}, 3, 42},
      {{{0, 99}, {0, 99}}, 2, 40},
      {{{0, 99}, {0, 139}}, 2, 80},
      {{{0, 99}, {0, 98}}, 2, 80},
      {{{0, 99}, {0, 300}, {0, 100}}, 3, 120},
      {{{0, 99}, {0, 0}, {0, 100}}, 3, 41},
      {{{0, 19}, {0, 39}}, 2, 40},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const uint64_t before = kit_stats(engine).copied;
    tlw_error error;
    kit_ok(tlw_images_draw(engine, &d.candles, &options, cases[i].windows, cases[i].n, images, sizeof images, NULL,
                           &error),
           &error);
    assert_int_equal(kit_stats(engine).copied - before, cases[i].rows * 5 * sizeof(double));
  }
  images_data_close(&d);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- counts ---- */

static void test_records(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED + 9};
  images_data d;
  images_data_open(&d, 100, 0, PRICES_WALK, false, &plainly, &r);
  tlw_image_window *windows = images_windows(&d, 30, &r);
  const tlw_image_options options = jkx(5);
  uint8_t images[30 * 480];
  tlw_error error;
  kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, 30, images, sizeof images, NULL, &error), &error);
  assert_int_equal(kit_stats(engine).images, 30);
  assert_int_equal(kit_stats(engine).charts, 0);
  static tlw_record records[TLW_RECORDS];
  size_t count;
  kit_ok(tlw_engine_records(engine, records, TLW_RECORDS, &count, &error), &error);
  const tlw_record *last = &records[count - 1];
  assert_int_equal(last->operation, TLW_OP_IMAGES);
  assert_int_equal(last->items, 30);
  assert_int_equal(last->bytes, sizeof images);
  assert_int_equal(last->status, TLW_OK);
  assert_string_equal(tlw_operation_name(TLW_OP_IMAGES), "images");
  free(windows);
  images_data_close(&d);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- budgets ---- */

static tlw_engine *budgeted(const target *t, uint64_t budget) { return engine_with(t, 1, budget, TLW_BUDGET_AUTO); }

/* The least host budget that an engine opens with. */
static uint64_t least_budget(const target *t) {
  target_limits limits = no_limits;
  limits.threads = 1;
  uint64_t budget = 1;
  for (;;) {
    limits.host_budget = budget;
    kit_driver_restart();
    tlw_engine *engine;
    tlw_error error;
    const tlw_status status = target_open(t, &limits, &engine, &error);
    tlw_engine_close(&engine);
    if (status == TLW_OK) return budget;
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_true(error.bytes > budget);
    budget = error.bytes;
  }
}

/* What a budget names does, and a byte less does not; the peak keeps to it. */
static void check_budget(target *t, const packing *how, bool to_buffer, int64_t n) {
  rng r = {FIRST_SEED + 10};
  images_data d;
  images_data_open(&d, 900, 0, PRICES_WALK, false, how, &r);
  tlw_image_window *windows = images_windows(&d, n, &r);
  const tlw_image_options options = jkx(20);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * shape_of(&options).size, 0);
  const uint64_t base = least_budget(t);
  uint64_t budget = base;
  int refusals = 0;
  for (bool done = false; !done;) {
    tlw_engine *engine = budgeted(t, budget);
    tlw_error error;
    tlw_buffer buffer = {0};
    images_memory_poison(&m);
    tlw_status status = to_buffer
                            ? tlw_images_to_buffer(engine, &d.candles, &options, windows, n, &buffer, NULL, &error)
                            : tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error);
    assert_true(kit_stats(engine).host_bytes.peak <= budget);
    assert_true((buffer.id != 0) == (to_buffer && status == TLW_OK));
    /* Reading takes memory too. */
    if (buffer.id != 0) status = tlw_buffer_read(engine, buffer, 0, m.bytes, m.size, &error);
    if (status == TLW_OK) {
      expect_same(&m, &e, m.size / (size_t)n);
      done = true;
    } else {
      kit_failed(status, TLW_ERR_BUDGET, &error);
      assert_true(error.bytes > budget);
      refusals++;
      budget = error.bytes;
      assert_true(refusals < 6);
    }
    tlw_engine_close(&engine);
  }
  if (budget > base && !to_buffer) { /* of a buffer the refusal says what would do, not the least */
    tlw_engine *engine = budgeted(t, budget - 1);
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
  target *t = *state;
  const packing floats = {.type = TLW_TYPE_F32};
  check_budget(t, &plainly, false, 600);
  check_budget(t, &floats, false, 600);
  check_budget(t, &plainly, true, 600);
  check_budget(t, &floats, true, 20); /* smaller than a slab */
}

/* What images keep gives way to charts, and what charts keep to images. */
static void test_gives_way(void **state) {
  target *t = *state;
  rng r = {FIRST_SEED + 11};
  const packing floats = {.type = TLW_TYPE_F32};
  images_data d;
  images_data_open(&d, 500, 0, PRICES_WALK, false, &floats, &r);
  const int64_t n = 200;
  tlw_image_window *windows = images_windows(&d, n, &r);
  const tlw_image_options options = jkx(60);
  images_memory m;
  images_memory_open(&m, (size_t)n * shape_of(&options).size, 0);
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = chart.height = 300;
  uint8_t *pixels = malloc(300 * 300);
  assert_non_null(pixels);
  const tlw_raster raster = {pixels, 300 * 300, 300, 300 * 300};
  tlw_candles one = d.candles;
  const int64_t offsets[] = {0, 500};
  one.offsets = offsets;
  one.counts = NULL;
  one.n_series = 1;
  uint64_t budget = least_budget(t);
  tlw_error error;
  for (tlw_status status = TLW_ERR_BUDGET; status != TLW_OK;) {
    tlw_engine *renders = budgeted(t, budget);
    status = tlw_chart_render(renders, &one, &chart, &raster, &error);
    tlw_engine_close(&renders);
    tlw_engine *draws = budgeted(t, budget);
    if (status == TLW_OK)
      status = tlw_images_draw(draws, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error);
    tlw_engine_close(&draws);
    if (status != TLW_OK) budget = error.bytes;
  }
  tlw_engine *engine = budgeted(t, budget);
  for (int i = 0; i < 3; i++) {
    kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error), &error);
    kit_ok(tlw_chart_render(engine, &one, &chart, &raster, &error), &error);
  }
  kit_ok(tlw_images_draw(engine, &d.candles, &options, windows, n, m.bytes, m.size, NULL, &error), &error);
  const uint64_t kept = kit_stats(engine).host_bytes.current;
  kit_ok(tlw_engine_reset(engine, TLW_RESET_MEMORY, &error), &error);
  assert_true(kit_stats(engine).host_bytes.current < kept);
  assert_true(kit_stats(engine).host_bytes.peak <= budget);
  tlw_engine_close(&engine);
  free(pixels);
  images_memory_close(&m);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

/* ---- fallback ---- */

#define FAULTS 16 /* that the software driver can have planted */

/* A launch and all that follow it have no memory: the next backend goes on, in a buffer from the first image on. */
static void check_fallback(int launch, bool to_buffer, const images_data *d, const tlw_image_options *options,
                           const tlw_image_window *windows, int64_t n, images_memory *m, const struct expected *e) {
  kit_driver_restart();
  tlw_engine_options options_of_engine;
  tlw_engine_options_init(&options_of_engine);
  options_of_engine.backend = TLW_BACKEND_CUDA;
  options_of_engine.allow_fallback = TLW_FALLBACK_ON;
  options_of_engine.threads = 2;
  options_of_engine.device_budget = 16 << 20;
  tlw_engine *engine;
  tlw_error error;
  kit_ok(tlw_engine_open(&engine, &options_of_engine, &error), &error);
  uint8_t one[60 * 64];
  kit_ok(tlw_images_draw(engine, &d->candles, options, windows, 1, one, sizeof one, NULL, &error), &error);
  for (int i = launch; i < launch + FAULTS; i++) {
    char setting[64];
    snprintf(setting, sizeof setting, "fail=cuLaunchKernel:%d:CUDA_ERROR_OUT_OF_MEMORY", i);
    assert_int_equal(kit_soft.set(setting), 0);
  }
  tlw_buffer buffer = {0};
  uint8_t *reasons = calloc((size_t)n, 1);
  assert_non_null(reasons);
  images_memory_poison(m);
  kit_ok(to_buffer ? tlw_images_to_buffer(engine, &d->candles, options, windows, n, &buffer, reasons, &error)
                   : tlw_images_draw(engine, &d->candles, options, windows, n, m->bytes, m->size, reasons, &error),
         &error);
  if (to_buffer) kit_ok(tlw_buffer_read(engine, buffer, 0, m->bytes, m->size, &error), &error);
  expect_same(m, e, m->size / (size_t)n);
  assert_memory_equal(reasons, e->reasons, (size_t)n);
  assert_int_equal(kit_stats(engine).fallbacks, 1);
  assert_int_equal(kit_stats(engine).images, n + 1);
  free(reasons);
  tlw_engine_close(&engine);
}

static void test_fallback(void **state) {
  target *t = *state;
  if (kit_soft.set == NULL) return;
  rng r = {FIRST_SEED + 12};
  const tlw_image_options options = jkx(20);
  images_data d;
  images_data_open(&d, 3000, 0, PRICES_WALK, false, &plainly, &r);
  const int64_t n = 2600; /* several pieces of work */
  tlw_image_window *windows = images_windows(&d, n, &r);
  struct expected e = expect(&d, &options, windows, n);
  images_memory m;
  images_memory_open(&m, (size_t)n * shape_of(&options).size, 0);
  for (int launch = 1; launch < 3; launch++)
    for (int k = 0; k < 2; k++) check_fallback(launch, k == 1, &d, &options, windows, n, &m, &e);
  kit_driver_restart();
  images_memory_close(&m);
  expect_free(&e);
  free(windows);
  images_data_close(&d);
  t->cases++;
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_wrong_arguments, t),
      cmocka_unit_test_prestate(test_any_windows, t),
      cmocka_unit_test_prestate(test_many, t),
      cmocka_unit_test_prestate(test_copies, t),
      cmocka_unit_test_prestate(test_records, t),
      cmocka_unit_test_prestate(test_budgets, t),
      cmocka_unit_test_prestate(test_gives_way, t),
      cmocka_unit_test_prestate(test_fallback, t),
  };
  return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}

int main(int argc, char **argv) {
  const struct CMUnitTest alone[] = {
      cmocka_unit_test(test_shapes),
      cmocka_unit_test(test_wrong_options),
      cmocka_unit_test(test_words_and_counts),
  };
  int failed = cmocka_run_group_tests_name("options", alone, NULL, NULL);
  target_list list;
  const bool found = kit_open(&list, argc, argv);
  for (size_t i = 0; found && i < list.count; i++) failed += run_target(&list.targets[i]);
  const bool ran = found && targets_report(&list);
  kit_close();
  return ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
