/*
 * JKX images that a device draws, against those of the CPU, bit for bit: all forms, any windows, budgets that cut them
 * into pieces, images that stay on the device, and what a driver can do wrong.
 *
 *   test_images_gpu opencl
 *   test_images_gpu cuda      on the software driver also with kernels that do nothing
 *   TALLOW_TEST_CASES=N       random jobs, 60 unless told
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "host/base/fault.h"
#include "host/cpu/cpu.h"
#include "host/gpu/gpu.h"
#include "host/gpu/state.h"
#include "host/seam/backend.h"
#include "series.h"
#include "tallow/images.h"

#define SEED 20261126
#define POISON 0xA7
#define GUARD 64
#define CASES 60
#define MOST_WINDOWS 90

static tlw_backend backend;
static tlw_device device;
static struct tlw_services services, cpu_services;
static struct tlw_executor executor, cpu;
static int (*softcuda_set)(const char *setting); /* NULL: this is another driver */

/* ---- backends ---- */

static void begin_services(struct tlw_services *s) {
  *s = (struct tlw_services){.memory.budget = UINT64_MAX,
                             .telemetry.ledger = &s->ledger,
                             .device_budget = TLW_BUDGET_AUTO,
                             .deadline_ms = TLW_DEADLINE_NONE,
                             .cache_dir = "",
                             .threads = 1};
  s->memory.ledger = &s->ledger;
  assert_int_equal(tlw_ledger_open(&s->ledger, NULL, NULL), TLW_OK);
}

static tlw_status open_device(uint64_t budget, tlw_error *error) {
  begin_services(&services);
  services.device_budget = budget;
  executor.state = NULL;
  const tlw_status status = tlw_gpu_open(&services, &device, &executor, error);
  if (status != TLW_OK) tlw_ledger_close(&services.ledger);
  return status;
}

static void must(tlw_status status, const tlw_error *error) {
  if (status != TLW_OK) fail_msg("%s", error->message);
}

static void must_open_device(uint64_t budget) {
  tlw_error error = {0};
  must(open_device(budget, &error), &error);
}

static void close_device(void) {
  executor.ops->close(executor.state);
  tlw_ledger_close(&services.ledger);
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, 0);
  assert_int_equal(tlw_gauge_read(&services.device_bytes).current, 0);
}

static int prepare(void **state) {
  (void)state;
  struct tlw_device_list list = {0};
  tlw_gpu_list(backend, &list);
  for (size_t i = 0; i < list.count && !device.usable; i++) device = list.items[i];
  tlw_device_list_free(&list);
  void *driver = backend == TLW_BACKEND_CUDA ? dlopen("libcuda.so.1", RTLD_NOW) : NULL;
  if (driver) *(void **)&softcuda_set = dlsym(driver, "softcuda_set");
  begin_services(&cpu_services);
  return device.usable && tlw_cpu_open(&cpu_services, &cpu, NULL) == TLW_OK ? 0 : -1;
}

static int clean(void **state) {
  (void)state;
  cpu.ops->close(cpu.state);
  tlw_ledger_close(&cpu_services.ledger);
  return 0;
}

static int healthy(void **state) {
  (void)state;
  must_open_device(TLW_BUDGET_AUTO);
  return 0;
}

static int close_healthy(void **state) {
  (void)state;
  close_device();
  return 0;
}

/* ---- jobs ---- */

struct scene {
  columns rows;
  tlk_jkx_window windows[MOST_WINDOWS];
  struct tlw_images_job job;
  uint64_t size; /* of all images */
};

static tlk_image image_of(tlk_jkx jkx, int form) {
  return (tlk_image){jkx.width, jkx.height, form & 1 ? 3 : 1, form >> 1 & 1, form >> 2 & 1};
}

/* Prices of any kind in stretches, so that windows meet several. */
static void fill(columns *c, rng *r) {
  for (int64_t at = 0, n; at < c->n_rows; at += n) {
    const int64_t left = c->n_rows - at, longest = 1 + (int64_t)rng_below(r, 200);
    n = left < longest ? left : longest;
    fill_prices(c, at, n, (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
    fill_volumes(c, at, n, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  }
}

static tlk_jkx_window window_at(int64_t begin, int64_t bars, rng *r) {
  if (rng_below(r, 12) == 0)
    return (tlk_jkx_window){.begin = INT64_MIN, .few = 1, .averages = (uint32_t)rng_below(r, 2)};
  return (tlk_jkx_window){.begin = begin, .averages = begin >= bars && rng_below(r, 5) > 0};
}

/* Windows in order, or anywhere; n_rows is that of the longest windows at least. */
static void scene_open(struct scene *s, int32_t bars, int form, int64_t n_rows, int64_t n, bool in_order, rng *r) {
  const tlk_jkx jkx = tlk_jkx_of(bars);
  columns_open(&s->rows, n_rows);
  fill(&s->rows, r);
  const int64_t places = n_rows - bars + 1;
  for (int64_t i = 0; i < n; i++)
    s->windows[i] = window_at(in_order ? i % places : (int64_t)rng_below(r, (uint64_t)places), bars, r);
  s->job = (struct tlw_images_job){
      .jkx = jkx,
      .image = image_of(jkx, form),
      .open = s->rows.open,
      .high = s->rows.high,
      .low = s->rows.low,
      .close = s->rows.close,
      .volume = rng_below(r, 6) ? s->rows.volume : NULL,
      .windows = s->windows,
      .n = n,
  };
  s->size = (uint64_t)n * tlk_image_size(s->job.image);
}

static void scene_close(struct scene *s) { columns_close(&s->rows); }

/* Images and reasons between guards. */
struct results {
  uint8_t *block, *images, *reasons;
  size_t size, n;
};

static void results_open(struct results *o, const struct scene *s) {
  o->size = (size_t)s->size;
  o->n = (size_t)s->job.n;
  o->block = malloc(o->size + o->n + 3 * GUARD);
  assert_non_null(o->block);
  o->images = o->block + GUARD;
  o->reasons = o->images + o->size + GUARD;
  memset(o->block, POISON, o->size + o->n + 3 * GUARD);
}

static void results_close(struct results *o) {
  for (size_t i = 0; i < GUARD; i++) {
    assert_int_equal(o->block[i], POISON);
    assert_int_equal(o->images[o->size + i], POISON);
    assert_int_equal(o->reasons[o->n + i], POISON);
  }
  free(o->block);
}

static void expect(const struct scene *s, struct results *o) {
  struct tlw_images_job job = s->job;
  results_open(o, s);
  job.images = o->images;
  job.reasons = o->reasons;
  assert_int_equal(cpu.ops->images(cpu.state, &job, UINT64_MAX, NULL), TLW_OK);
}

static void compare(const struct scene *s, const struct results *expected, const uint8_t *images,
                    const uint8_t *reasons) {
  const uint64_t size = tlk_image_size(s->job.image);
  for (size_t i = 0; i < expected->n; i++) {
    if (reasons && reasons[i] != expected->reasons[i])
      fail_msg("image %zu of %zu, %d bars: reason %d, not %d", i, expected->n, s->job.jkx.bars, reasons[i],
               expected->reasons[i]);
    const uint8_t *drawn = images + i * size, *right = expected->images + i * size;
    for (uint64_t at = 0; at < size; at++)
      if (drawn[at] != right[at])
        fail_msg("image %zu of %zu, %d bars, %d channels, floats %d, last %d: byte %llu is %02x, not %02x", i,
                 expected->n, s->job.jkx.bars, s->job.image.channels, s->job.image.is_float, s->job.image.is_last,
                 (unsigned long long)at, drawn[at], right[at]);
  }
}

/* As the CPU has them; has_reasons: they are asked for. */
static tlw_status draw(const struct scene *s, uint64_t limit, bool has_reasons, const struct results *expected,
                       tlw_error *error) {
  struct results o;
  struct tlw_images_job job = s->job;
  results_open(&o, s);
  job.images = o.images;
  job.reasons = has_reasons ? o.reasons : NULL;
  const tlw_status status = executor.ops->images(executor.state, &job, limit, error);
  if (status == TLW_OK) compare(s, expected, o.images, has_reasons ? o.reasons : NULL);
  for (size_t i = 0; i < o.n && !has_reasons; i++) assert_int_equal(o.reasons[i], POISON);
  results_close(&o);
  return status;
}

static void must_draw(const struct scene *s, uint64_t limit, bool has_reasons) {
  tlw_error error = {0};
  struct results expected;
  expect(s, &expected);
  must(draw(s, limit, has_reasons, &expected, &error), &error);
  results_close(&expected);
}

static int32_t any_bars(rng *r) { return (int32_t[]){5, 20, 60}[rng_below(r, 3)]; }

/* ---- tests ---- */

static void test_random(void **state) {
  (void)state;
  const int64_t cases = (int64_t)environment_number("TALLOW_TEST_CASES", CASES);
  uint64_t drawn = 0, seen[TLW_IMAGE_REASONS] = {0};
  for (int64_t i = 0; i < cases; i++) {
    rng r = {SEED + (uint64_t)i};
    struct scene s;
    struct results expected;
    const int32_t bars = any_bars(&r);
    const int64_t n = 1 + (int64_t)rng_below(&r, bars == 60 ? 8 : bars == 20 ? 20 : MOST_WINDOWS);
    scene_open(&s, bars, (int)(i % 8), bars + (int64_t)rng_below(&r, 300), n, rng_below(&r, 2), &r);
    must_draw(&s, rng_below(&r, 4) ? UINT64_MAX : 100000, rng_below(&r, 3) > 0);
    expect(&s, &expected);
    for (size_t k = 0; k < expected.n; k++) seen[expected.reasons[k]]++;
    for (size_t k = 0; k < expected.size; k++) drawn += expected.images[k] != 0;
    results_close(&expected);
    scene_close(&s);
  }
  assert_true(drawn > 0);
  if (cases < CASES) return;
  for (int reason = 0; reason < TLW_IMAGE_REASONS; reason++) assert_true(seen[reason] > 0);
}

/* Every kernel, whose last group is full or not, with every form. */
static void test_forms(void **state) {
  (void)state;
  static const int32_t bars[] = {5, 20, 60}, counts[][2] = {{12, 25}, {3, 4}, {1, 2}};
  rng r = {SEED + 1};
  for (int i = 0; i < 3; i++)
    for (int form = 0; form < 8; form++)
      for (int k = 0; k < 2; k++) {
        struct scene s;
        scene_open(&s, bars[i], form, 200, counts[i][k], true, &r);
        fill_prices(&s.rows, 0, 200, PRICES_WALK, &r);
        fill_volumes(&s.rows, 0, 200, VOLUMES_PLAIN, &r);
        must_draw(&s, UINT64_MAX, true);
        scene_close(&s);
      }
}

/* Windows of one long column, far from each other: their rows alone go to the device. */
static void test_sparse(void **state) {
  (void)state;
  rng r = {SEED + 2};
  for (int i = 0; i < 3; i++) {
    struct scene s;
    const int32_t bars = (int32_t[]){5, 20, 60}[i];
    const int64_t n_rows = 60000, n = i == 2 ? 9 : 40;
    scene_open(&s, bars, i, n_rows, n, false, &r);
    must_draw(&s, UINT64_MAX, true); /* the program is ready */
    const uint64_t before = services.uploaded;
    must_draw(&s, UINT64_MAX, true);
    assert_true(services.uploaded - before <= (uint64_t)n * (2 * (uint64_t)bars * 5 * sizeof(double) + 64));
    /* Near each other they share them. */
    for (int64_t k = 0; k < n; k++) s.windows[k] = (tlk_jkx_window){.begin = 100 + k, .averages = 1};
    const uint64_t then = services.uploaded;
    must_draw(&s, UINT64_MAX, true);
    assert_true(services.uploaded - then <= ((uint64_t)n + 2 * (uint64_t)bars) * 5 * sizeof(double) + (uint64_t)n * 64);
    scene_close(&s);
  }
}

static void trim_all(void) {
  tlw_error error = {0};
  must(executor.ops->trim(executor.state, true, &error), &error);
}

static void set_budgets(uint64_t on_device, uint64_t on_host) {
  trim_all();
  services.device_budget = on_device;
  services.memory.budget = on_host;
}

/* What an attempt names as too little is just enough, and one byte less is not. *budget is one or the other. */
static void expect_least(const struct scene *s, _Atomic uint64_t *on_device, uint64_t *on_host) {
  tlw_error error = {0};
  struct results expected;
  expect(s, &expected);
  const uint64_t used = tlw_gauge_read(&services.memory.bytes).current;
  set_budgets(on_device ? 256 : (uint64_t)64 << 20, on_host ? used + 64 : UINT64_MAX);
  uint64_t enough = 0;
  for (int tries = 0; tries < 3; tries++) {
    const tlw_status status = draw(s, UINT64_MAX, true, &expected, &error);
    if (status == TLW_OK) break;
    assert_int_equal(status, TLW_ERR_BUDGET);
    assert_true(error.bytes > enough);
    enough = error.bytes;
    set_budgets(on_device ? enough : (uint64_t)64 << 20, on_host ? enough : UINT64_MAX);
  }
  assert_true(enough > 0);
  must(draw(s, UINT64_MAX, true, &expected, &error), &error);
  for (uint64_t less = 1; less <= 513; less += 256) {
    set_budgets(on_device ? enough - less : (uint64_t)64 << 20, on_host ? enough - less : UINT64_MAX);
    assert_int_equal(draw(s, UINT64_MAX, true, &expected, &error), TLW_ERR_BUDGET);
    assert_int_equal(error.bytes, enough);
  }
  /* Pieces of all sizes, in one slot and in two, also beside memory that was kept of other pieces. */
  for (uint64_t more = 1; more < 40; more += 1 + more / 4) {
    const uint64_t budget = enough + more * enough / 8 + more % 3;
    if (more % 2) trim_all();
    if (on_device)
      services.device_budget = budget;
    else
      services.memory.budget = budget;
    must(draw(s, UINT64_MAX, more % 2, &expected, &error), &error);
  }
  set_budgets((uint64_t)64 << 20, UINT64_MAX);
  results_close(&expected);
}

static void test_budgets(void **state) {
  (void)state;
  rng r = {SEED + 3};
  for (int i = 0; i < 3; i++) {
    struct scene s;
    scene_open(&s, (int32_t[]){5, 20, 60}[i], i == 1 ? 3 : 0, 400, i == 2 ? 5 : 20, i == 0, &r);
    must_draw(&s, UINT64_MAX, true); /* the program is ready */
    expect_least(&s, &services.device_budget, NULL);
    expect_least(&s, NULL, &services.memory.budget);
    scene_close(&s);
  }
}

/* ---- images that stay on the device ---- */

static void read_back(const struct tlw_part *part, uint8_t *bytes) {
  struct tlw_block block = {0};
  tlw_error error = {0};
  must(executor.ops->staging_open(executor.state, &block, part->size, &error), &error);
  memset(block.data, POISON, part->size);
  must(executor.ops->read(executor.state, part, 0, block.data, part->size, &error), &error);
  memcpy(bytes, block.data, part->size);
  executor.ops->staging_close(executor.state, &block);
}

/* Into a part with room for an image in front and behind, which stay as they are. */
static void stay(const struct scene *s, uint64_t part_id, bool has_reasons) {
  tlw_error error = {0};
  struct results expected, o;
  const uint64_t each = tlk_image_size(s->job.image);
  struct tlw_images_job job = s->job;
  assert_true(tlw_pool_find(executor.ops->pool(executor.state), part_id, &job.part));
  assert_int_equal(job.part.size, s->size + 2 * each);
  uint8_t *all = malloc(job.part.size);
  assert_non_null(all);
  memset(all, POISON, job.part.size);
  must(executor.ops->write(executor.state, &job.part, 0, all, job.part.size, &error), &error);
  expect(s, &expected);
  results_open(&o, s);
  job.offset = each;
  job.reasons = has_reasons ? o.reasons : NULL;
  must(executor.ops->images(executor.state, &job, UINT64_MAX, &error), &error);
  memset(all, 0, job.part.size);
  read_back(&job.part, all);
  compare(s, &expected, all + each, job.reasons);
  for (uint64_t i = 0; i < each; i++) {
    assert_int_equal(all[i], POISON);
    assert_int_equal(all[each + s->size + i], POISON);
  }
  free(all);
  results_close(&o);
  results_close(&expected);
}

static uint64_t take_part(uint64_t size) {
  tlw_error error = {0};
  uint64_t id;
  must(tlw_pool_alloc(executor.ops->pool(executor.state), size, TLW_POOL_KEPT, &id, &error), &error);
  return id;
}

static void test_stay(void **state) {
  (void)state;
  rng r = {SEED + 4};
  for (int i = 0; i < 6; i++) {
    struct scene s;
    scene_open(&s, (int32_t[]){5, 20, 60}[i % 3], i, 400, i % 3 == 2 ? 5 : 20, i % 2, &r);
    must_draw(&s, UINT64_MAX, true);
    const uint64_t id = take_part(s.size + 2 * tlk_image_size(s.job.image)), before = services.downloaded;
    stay(&s, id, i % 2);
    assert_true(services.downloaded - before < 3 * s.size); /* read back once */
    tlw_pool_free(executor.ops->pool(executor.state), id);
    scene_close(&s);
  }
}

/* The part fills its slab: images are drawn in another, and copied. */
static void test_stay_elsewhere(void **state) {
  (void)state;
  rng r = {SEED + 5};
  for (int i = 0; i < 3; i++) {
    struct scene s;
    scene_open(&s, (int32_t[]){5, 20, 60}[i], i + 3, 400, i == 2 ? 5 : 20, i % 2, &r);
    must_draw(&s, UINT64_MAX, true);
    const uint64_t size = s.size + 2 * tlk_image_size(s.job.image);
    const uint64_t slab = (size + TLW_POOL_ALIGN - 1) / TLW_POOL_ALIGN * TLW_POOL_ALIGN;
    set_budgets(slab, UINT64_MAX);
    const uint64_t id = take_part(size);
    services.device_budget = slab + ((uint64_t)1 << 20);
    stay(&s, id, i % 2);
    struct tlw_part part;
    assert_true(tlw_pool_find(executor.ops->pool(executor.state), id, &part));
    assert_int_equal(part.slab.size, slab);
    tlw_pool_free(executor.ops->pool(executor.state), id);
    set_budgets((uint64_t)64 << 20, UINT64_MAX);
    scene_close(&s);
  }
}

static void test_locate(void **state) {
  (void)state;
  struct tlw_part first, second;
  struct tlw_pool *pool = executor.ops->pool(executor.state);
  const uint64_t a = take_part(1000), b = take_part(1000);
  assert_true(tlw_pool_find(pool, a, &first) && tlw_pool_find(pool, b, &second));
  const struct tlw_location here = executor.ops->locate(executor.state, &first);
  const struct tlw_location there = executor.ops->locate(executor.state, &second);
  assert_int_equal(here.place, backend == TLW_BACKEND_CUDA ? TLW_DL_CUDA : TLW_DL_OPENCL);
  assert_int_equal(here.device, device.index);
  assert_int_equal((uintptr_t)here.data + here.offset - ((uintptr_t)there.data + there.offset),
                   first.offset - second.offset);
  if (backend == TLW_BACKEND_CUDA)
    assert_int_equal((uintptr_t)here.data, first.slab.handle + first.offset);
  else
    assert_int_equal((uintptr_t)here.data, first.slab.handle);
  tlw_pool_free(pool, a);
  tlw_pool_free(pool, b);
}

/* The second job of the same shape takes no memory, and what is kept goes when it is asked for. */
static void test_kept(void **state) {
  (void)state;
  rng r = {SEED + 6};
  struct scene s;
  scene_open(&s, 20, 0, 400, 40, true, &r);
  must_draw(&s, UINT64_MAX, true);
  tlw_error error = {0};
  must(executor.ops->trim(executor.state, false, &error), &error);
  const uint64_t before = tlw_gauge_read(&services.memory.bytes).current;
  must_draw(&s, UINT64_MAX, true);
  const struct tlw_block *kept = executor.state->images_staging;
  const void *first = kept[0].data;
  assert_non_null(first);
  must_draw(&s, UINT64_MAX, true);
  assert_ptr_equal(kept[0].data, first);
  must(executor.ops->trim(executor.state, false, &error), &error);
  assert_null(kept[0].data);
  assert_null(kept[1].data);
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, before);
  scene_close(&s);
}

/* What large images have kept, and fills the budget, makes way for small ones. */
static void test_kept_in_the_way(void **state) {
  (void)state;
  rng r = {SEED + 9};
  struct scene large, small;
  scene_open(&large, 60, 3, 400, 5, true, &r);
  scene_open(&small, 5, 0, 400, MOST_WINDOWS, true, &r);
  for (uint64_t more = 64; more < 1000000; more *= 2) {
    services.memory.budget = UINT64_MAX;
    must_draw(&large, UINT64_MAX, true);
    services.memory.budget = tlw_gauge_read(&services.memory.bytes).current + more;
    must_draw(&small, UINT64_MAX, true);
  }
  services.memory.budget = UINT64_MAX;
  scene_close(&large);
  scene_close(&small);
}

/* ---- charts ---- */

static tlw_engine *open_engine(tlw_backend which, uint64_t device_budget) {
  tlw_engine_options options;
  tlw_error error = {0};
  tlw_engine *engine;
  tlw_engine_options_init(&options);
  options.backend = which;
  options.threads = 1;
  options.device_budget = device_budget;
  must(tlw_engine_open(&engine, &options, &error), &error);
  return engine;
}

/* Images of charts are made where they stay; where a whole chart does not fit beside them, by way of the host. */
static void stay_as_charts(const columns *c, int form, uint64_t room, bool is_made_there, rng *r) {
  enum { N = 9, BARS = 40 };
  tlw_candles candles;
  columns_view(c, &candles);
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = 61 + (int32_t)rng_below(r, 9);
  chart.height = 50 + (int32_t)rng_below(r, 9);
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.style = TLW_IMAGES_CHART;
  options.chart = &chart;
  options.window = BARS;
  options.color = form & 1 ? TLW_IMAGE_RGB : TLW_IMAGE_LUMA;
  options.type = form & 2 ? TLW_IMAGE_F32 : TLW_IMAGE_U8;
  options.order = form & 4 ? TLW_ORDER_NHWC : TLW_ORDER_NCHW;
  tlw_image_window windows[N];
  for (int i = 0; i < N; i++)
    windows[i].series = 0, windows[i].last = i == 3 ? 7 : BARS + (int64_t)rng_below(r, (uint64_t)c->n_rows - BARS);
  tlw_image_shape shape;
  tlw_error error = {0};
  must(tlw_image_shape_of(&options, &shape, &error), &error);
  const size_t size = N * shape.size;
  uint8_t *expected = malloc(size), *found = malloc(size);
  assert_non_null(expected);
  assert_non_null(found);
  tlw_engine *here = open_engine(TLW_BACKEND_CPU, TLW_BUDGET_AUTO), *there = open_engine(backend, size + room);
  must(tlw_images_draw(here, &candles, &options, windows, N, expected, size, NULL, &error), &error);
  tlw_stats before = {.struct_size = sizeof before}, after = before;
  for (int twice = 0; twice < 2; twice++) {
    tlw_buffer buffer;
    tlw_engine_stats(there, &before, NULL);
    must(tlw_images_to_buffer(there, &candles, &options, windows, N, &buffer, NULL, &error), &error);
    tlw_engine_stats(there, &after, NULL);
    memset(found, POISON, size);
    must(tlw_buffer_read(there, buffer, 0, found, size, &error), &error);
    assert_memory_equal(found, expected, size);
    must(tlw_buffer_free(there, &buffer, &error), &error);
  }
  assert_int_equal(after.downloaded == before.downloaded, is_made_there);
  tlw_engine_close(&here);
  tlw_engine_close(&there);
  free(expected);
  free(found);
}

static void test_charts(void **state) {
  (void)state;
  rng r = {SEED + 10};
  columns c;
  columns_open(&c, 500);
  fill_prices(&c, 0, 500, PRICES_GAPS, &r);
  fill_volumes(&c, 0, 500, VOLUMES_HOSTILE, &r);
  fill_times(&c, 0, 500, TIMES_NIGHTS, &r);
  for (int form = 0; form < 8; form++) stay_as_charts(&c, form, (uint64_t)16 << 20, true, &r);
  /* In pieces of one to some charts. */
  for (uint64_t room = 250000; room < 500000; room += 30000) stay_as_charts(&c, 3, room, true, &r);
  stay_as_charts(&c, 3, 30000, false, &r);
  columns_close(&c);
}

/* ---- failures ---- */

#ifdef TALLOW_FAULTS
#define FRESH 10

static bool device_struck;

static void lift_device_faults(void) {
  device_struck = device_struck || tlw_fault_struck(TLW_FAULT_DEVICE) > 0;
  tlw_fault_plant(TLW_FAULT_DEVICE, 0, false);
}

/* All that draws images, up to the first failure. */
static tlw_status session(const struct scene *s, const struct results *expected, tlw_error *error) {
  struct tlw_images_job job = s->job;
  uint64_t id = 0;
  tlw_status status = draw(s, 30000, true, expected, error); /* pieces of some images */
  if (status == TLW_OK) status = draw(s, UINT64_MAX, false, expected, error);
  if (status == TLW_OK) status = tlw_pool_alloc(executor.ops->pool(executor.state), s->size, TLW_POOL_KEPT, &id, error);
  if (status == TLW_OK) {
    tlw_pool_find(executor.ops->pool(executor.state), id, &job.part);
    status = executor.ops->images(executor.state, &job, UINT64_MAX, error);
    tlw_pool_free(executor.ops->pool(executor.state), id);
  }
  if (status == TLW_OK || status == TLW_ERR_DEVICE_LOST) return status;
  /* Whatever has failed, the device can be used once it works again. */
  lift_device_faults();
  tlw_error failure = {0};
  const tlw_status again = draw(s, UINT64_MAX, true, expected, &failure);
  if (again != TLW_ERR_UNAVAILABLE) must(again, &failure);
  return status;
}

static void test_failing_device_calls(void **state) {
  (void)state;
  rng r = {SEED + 7};
  struct scene s;
  struct results expected;
  scene_open(&s, 20, 0, 300, 12, false, &r);
  expect(&s, &expected);
  int failures = 0;
  device_struck = true;
  for (uint64_t n = 1; device_struck; n++) {
    tlw_error error = {0};
    assert_true(n < 2000);
    if (n <= FRESH) must_open_device((uint64_t)1 << 20); /* which has to load the kernels, and test them */
    device_struck = false;
    tlw_fault_plant(TLW_FAULT_DEVICE, n, n % 3 == 0);
    const tlw_status status = session(&s, &expected, &error);
    lift_device_faults();
    failures += status != TLW_OK;
    assert_true(status == TLW_OK || status == TLW_ERR_DEVICE || status == TLW_ERR_MEMORY ||
                status == TLW_ERR_UNAVAILABLE);
    if (n < FRESH) close_device();
  }
  close_device();
  assert_true(failures > 20);
  results_close(&expected);
  scene_close(&s);
}
#endif

/* A device that goes wrong is found out, and refused for good. */
static void test_refusal(void **state) {
  (void)state;
  if (!softcuda_set) skip();
  rng r = {SEED + 8};
  struct scene s;
  struct results expected;
  scene_open(&s, 5, 0, 100, 5, true, &r);
  expect(&s, &expected);
  for (int i = 0; i < 4; i++) {
    static const char *const settings[] = {"skip=tlk_jkx_5", "skip=tlk_jkx_20", "skip=tlk_jkx_60",
                                           "skip=tlk_image_expand"};
    tlw_error error = {0};
    must_open_device(TLW_BUDGET_AUTO);
    assert_int_equal(softcuda_set(settings[i]), 0);
    assert_int_equal(draw(&s, UINT64_MAX, true, &expected, &error), TLW_ERR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "images"));
    assert_int_equal(softcuda_set("skip="), 0);
    assert_int_equal(draw(&s, UINT64_MAX, true, &expected, &error), TLW_ERR_UNAVAILABLE);
    close_device();
  }
  results_close(&expected);
  scene_close(&s);
}

#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, healthy, close_healthy)

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      ON_DEVICE(test_random),
      ON_DEVICE(test_forms),
      ON_DEVICE(test_sparse),
      ON_DEVICE(test_budgets),
      ON_DEVICE(test_stay),
      ON_DEVICE(test_stay_elsewhere),
      ON_DEVICE(test_locate),
      ON_DEVICE(test_kept),
      ON_DEVICE(test_kept_in_the_way),
#ifdef TALLOW_FAULTS
      cmocka_unit_test(test_failing_device_calls),
#endif
      cmocka_unit_test(test_refusal),
      cmocka_unit_test(test_charts),
  };
  backend = argc > 1 && strcmp(argv[1], "cuda") == 0 ? TLW_BACKEND_CUDA : TLW_BACKEND_OPENCL;
  return cmocka_run_group_tests(tests, prepare, clean);
}
