/*
 * Candles merged in chunks on every SIMD tier, and the CPU backend behind its seam: charts drawn in bands from merged
 * candles are the oracle's, and its scratch and pool keep to the budget.
 *
 *   TALLOW_TEST_CASES=N   random cases of merging on each tier
 *   TALLOW_TEST_SEED=S    the first case's seed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extras.h"
#include "harness.h"
#include "host/base/error.h"
#include "host/chart/layout.h"
#include "host/chart/notes.h"
#include "host/chart/source.h"
#include "host/cpu/chart.h"
#include "host/cpu/columns.h"
#include "host/cpu/cpu.h"
#include "merging.h"
#include "oracle.h"
#include "packing.h"
#include "series.h"

#define CASES 4000
#define BAND_CASES 400
#define FIRST_SEED 20240901
#define POISON 0xA5
#define THREADS 4

static const char *const tiers[] = {"baseline", "avx2", "avx512"};
#define N_TIERS (sizeof tiers / sizeof *tiers)

static bool select_tier(size_t i, const struct tlw_cpu_tier **tier) {
  setenv("TALLOW_CPU_TIER", tiers[i], 1);
  return tlw_cpu_tier(tier, NULL) == TLW_OK;
}

static void test_merging_in_chunks(void **unused) {
  (void)unused;
  const uint64_t first = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  for (size_t i = 0; i < N_TIERS; i++) {
    const struct tlw_cpu_tier *tier;
    if (!select_tier(i, &tier)) {
      printf("%s: skipped, this CPU or build lacks it\n", tiers[i]);
      continue;
    }
    uint64_t bad = 0;
    for (uint64_t seed = first; seed < first + n && bad < 5; seed++) bad += !merging_agrees(tier, seed);
    assert_int_equal(bad, 0);
    printf("%s: %llu cases\n", tier->name, (unsigned long long)n);
  }
  unsetenv("TALLOW_CPU_TIER");
}

static void test_gathering(void **unused) {
  (void)unused;
  for (uint64_t seed = 0; seed < 2000; seed++) assert_true(gathering_agrees(seed));
}

/* ---- the backend ---- */

/* An open backend with what an engine lends it. */
struct backend {
  struct tlw_services services;
  const struct tlw_backend_ops *ops;
  struct tlw_backend_state *state;
};

static tlw_status backend_try(struct backend *b, uint32_t threads, uint64_t budget, tlw_error *error) {
  memset(b, 0, sizeof *b);
  b->services.memory.budget = budget;
  b->services.threads = threads;
  b->services.telemetry.ledger = &b->services.ledger;
  struct tlw_executor executor;
  const tlw_status status = tlw_cpu_open(&b->services, &executor, error);
  if (status != TLW_OK) return status;
  b->ops = executor.ops;
  b->state = executor.state;
  assert_int_equal(executor.device.backend, TLW_BACKEND_CPU);
  return TLW_OK;
}

/* Ends the test where there is none. Not on the stack, for the ring of records is large. */
static struct backend *backend_open(uint32_t threads) {
  struct backend *b = malloc(sizeof *b);
  assert_non_null(b);
  assert_int_equal(backend_try(b, threads, UINT64_MAX, NULL), TLW_OK);
  return b;
}

static uint64_t in_use(const struct backend *b) { return tlw_gauge_read(&b->services.memory.bytes).current; }

static void backend_close(struct backend *b) {
  b->ops->close(b->state);
  assert_int_equal(in_use(b), 0);
  free(b);
}

/* ---- charts in bands ---- */

struct chart {
  tlw_chart_options options;
  extras extras;
  tlw_candles candles;
  struct tlw_source source;
  tlk_layout layout;
  tlk_series shape;
  columns data;
  tlk_sheet *sheet; /* NULL without text */
  uint8_t *expected;
};

static void chart_open(struct chart *c, rng *r, bool large) {
  tlw_chart_options_init(&c->options);
  c->options.width = large ? 1100 : rng_between(r, TLW_CHART_MIN_SIDE, 250);
  c->options.height = large ? 900 : rng_between(r, TLW_CHART_MIN_SIDE, 250);
  c->options.axis = (tlw_axis)rng_below(r, 2);
  c->options.volume = (int32_t)rng_below(r, 2);
  c->options.grid = (int32_t)rng_below(r, 2);
  columns_open(&c->data, 1 + (int64_t)rng_below(r, rng_below(r, 2) ? 60 : 3000));
  fill_prices(&c->data, 0, c->data.n_rows, (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
  fill_volumes(&c->data, 0, c->data.n_rows, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  fill_times(&c->data, 0, c->data.n_rows, (time_kind)rng_below(r, TIME_KIND_COUNT), r);
  extras_open(&c->extras, &c->options, &c->data, r);
  for (int32_t i = 0; i < c->options.n_lines; i++)
    fill_line(&c->data, i, 0, c->data.n_rows, (line_kind)rng_below(r, LINE_KIND_COUNT), r);
  columns_view(&c->data, &c->candles);
  assert_int_equal(tlw_source_of(&c->candles, &c->options, &c->source, NULL), TLW_OK);
  c->layout = c->source.layout;
  assert_int_equal(c->source.shape(&c->source, 0, &c->shape, NULL), TLW_OK);
  c->sheet = NULL;
  if (c->layout.sheet_size > 0) {
    c->sheet = malloc((size_t)c->layout.sheet_size);
    assert_non_null(c->sheet);
    c->source.make_sheet(&c->options, &c->layout, c->sheet);
  }
  c->expected = malloc((size_t)c->options.width * (size_t)c->options.height);
  assert_non_null(c->expected);
  oracle_render(&c->candles, 0, &c->options, c->expected);
}

static void chart_close(struct chart *c) {
  free(c->expected);
  free(c->sheet);
  extras_close(&c->extras);
  columns_close(&c->data);
}

/* Rows `from` to `to` - 1. */
static tlw_candles part_of(const struct chart *c, int64_t from, int64_t to, const void **lines) {
  tlw_candles part;
  view_rows(&c->candles, from, to - from, lines, &part);
  return part;
}

/* Notes of rows that came in two chunks, in memory of exactly their size; NULL: the chart has none. */
static tlk_notes *make_notes(const struct chart *c) {
  const size_t size = (size_t)tlk_notes_size(c->layout);
  if (size == 0) return NULL;
  tlk_notes *const notes = malloc(size);
  void *const memory = malloc((size_t)tlw_chunk_notes_size(&c->layout));
  assert_true(notes != NULL && memory != NULL);
  struct tlw_chunk_notes *const chunks = tlw_chunk_notes_begin(memory, &c->layout);
  const void *lines[TLW_LINES_MOST];
  const int64_t half = c->data.n_rows / 2;
  const tlw_candles first = part_of(c, 0, half, lines);
  tlw_chunk_notes_add(chunks, &first, &c->shape, 0);
  const tlw_candles second = part_of(c, half, c->data.n_rows, lines);
  tlw_chunk_notes_add(chunks, &second, &c->shape, half);
  struct tlw_source source = c->source;
  tlw_chunk_notes_end(chunks, &source);
  source.chunk_notes = chunks;
  source.note(&source, 0, &c->shape, notes);
  free(memory);
  return notes;
}

/* The merged candles in memory of exactly their size. */
static double *merge(const struct chart *c) {
  const struct tlw_cpu_tier *tier;
  assert_int_equal(tlw_cpu_tier(&tier, NULL), TLW_OK);
  void *memory = aligned_alloc(TLW_MEMORY_ALIGN, tlw_memory_counted(tlw_cpu_columns_size(c->layout.plot_width)));
  double *merged = malloc(TLK_MERGED_COLUMNS * (size_t)c->layout.plot_width * sizeof *merged);
  assert_non_null(memory);
  assert_non_null(merged);
  tlw_candles candles;
  columns_view(&c->data, &candles);
  struct tlw_cpu_columns *state = tlw_cpu_columns_begin(memory, tier, &c->layout, &c->shape, c->options.volume);
  const int64_t half = c->data.n_rows / 2;
  tlw_cpu_columns_add(state, &candles, 0, half);
  tlw_cpu_columns_add(state, &candles, half, c->data.n_rows - half);
  tlw_cpu_columns_end(state, merged);
  free(memory);
  return merged;
}

/* Draws what the job says into memory of exactly its size, with gaps between rows, and looks at every byte of it. */
static void check_rows(struct backend *b, const struct chart *c, struct tlw_render_job *job, rng *r) {
  const size_t width = (size_t)c->options.width, rows = (size_t)(job->y1 - job->y0);
  job->row_stride = width + rng_below(r, 3) * 5;
  job->image_stride = SIZE_MAX / 4; /* of no meaning for one chart */
  const size_t size = (rows - 1) * job->row_stride + width;
  job->pixels = malloc(size);
  assert_non_null(job->pixels);
  memset(job->pixels, POISON, size);
  struct tlw_ticket ticket = {0};
  assert_int_equal(b->ops->draw(b->state, job, &ticket, NULL), TLW_OK);
  assert_int_equal(ticket.number, 0);
  assert_int_equal(ticket.status, TLW_OK);
  assert_true(b->ops->is_done(b->state, &ticket));
  assert_int_equal(b->ops->wait(b->state, &ticket, NULL), TLW_OK);
  for (size_t y = 0; y < rows; y++) {
    assert_memory_equal(job->pixels + y * job->row_stride, c->expected + ((size_t)job->y0 + y) * width, width);
    if (y + 1 == rows) break;
    for (size_t x = width; x < job->row_stride; x++) assert_int_equal(job->pixels[y * job->row_stride + x], POISON);
  }
  free(job->pixels);
}

static void check_bands(struct backend *b, const struct chart *c, rng *r) {
  double *merged = merge(c);
  tlk_notes *notes = make_notes(c);
  const int32_t height = c->options.height, most = rng_below(r, 2) ? height : rng_between(r, 1, height);
  for (int32_t y0 = 0, n; y0 < height; y0 += n) {
    n = rng_between(r, 1, most < height - y0 ? most : height - y0);
    /* Neither rows nor the place of the series in them are needed any more. */
    tlk_series series = c->shape;
    series.begin = INT64_MAX / 2;
    struct tlw_render_job job = {.layout = c->layout,
                                 .series = &series,
                                 .n_series = 1,
                                 .merged = merged,
                                 .sheet = c->sheet,
                                 .notes = notes,
                                 .y0 = y0,
                                 .y1 = y0 + n};
    assert_int_equal(b->ops->fit(b->state, &job, 3, 1), n);
    check_rows(b, c, &job, r);
  }
  free(merged);
  free(notes);
}

static void check_whole(struct backend *b, const struct chart *c, rng *r) {
  struct tlw_render_job job = {.layout = c->layout,
                               .open = c->data.open,
                               .high = c->data.high,
                               .low = c->data.low,
                               .close = c->data.close,
                               .volume = c->options.volume ? c->data.volume : NULL,
                               .time = c->options.axis == TLW_AXIS_TIME ? c->data.time : NULL,
                               .series = &c->shape,
                               .n_series = 1,
                               .sheet = c->sheet,
                               .note = c->source.note,
                               .source = &c->source,
                               .y1 = c->options.height};
  assert_int_equal(b->ops->fit(b->state, &job, 3, 1), 1);
  check_rows(b, c, &job, r);
}

static void check_charts(uint32_t threads, uint64_t n, bool large) {
  struct backend *b = backend_open(threads);
  for (uint64_t seed = 0; seed < n; seed++) {
    rng r = {FIRST_SEED + seed};
    struct chart c;
    chart_open(&c, &r, large);
    check_bands(b, &c, &r);
    check_whole(b, &c, &r);
    chart_close(&c);
  }
  backend_close(b);
}

static void test_bands_are_the_chart(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_TIERS; i++) {
    const struct tlw_cpu_tier *tier;
    if (select_tier(i, &tier)) check_charts(1, BAND_CASES, false);
  }
  unsetenv("TALLOW_CPU_TIER");
}

static void test_bands_that_threads_share(void **unused) {
  (void)unused;
  check_charts(THREADS, 8, true);
}

/* ---- memory ---- */

static tlk_layout layout_of(int32_t width, int32_t height) {
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = width;
  options.height = height;
  tlk_layout layout;
  assert_int_equal(tlw_layout_of(&options, &layout, NULL), TLW_OK);
  return layout;
}

static void test_open_names_a_budget_that_does(void **unused) {
  (void)unused;
  struct backend *b = malloc(sizeof *b);
  assert_non_null(b);
  tlw_error error;
  assert_int_equal(backend_try(b, THREADS, 0, &error), TLW_ERR_BUDGET);
  const uint64_t enough = error.bytes;
  assert_int_equal(in_use(b), 0);
  assert_int_equal(backend_try(b, THREADS, enough - 1, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, enough);
  assert_int_equal(in_use(b), 0);
  assert_int_equal(backend_try(b, THREADS, enough, &error), TLW_OK);
  assert_int_equal(in_use(b), enough);
  backend_close(b);
}

/* Prepares, and says how many workers have scratch: -1 if it is refused, with the budget that would do in *enough. */
static int64_t workers_after(struct backend *b, const tlk_layout *layout, uint64_t idle, uint64_t leave,
                             uint64_t *enough) {
  tlw_error error;
  const tlw_status status = b->ops->prepare(b->state, layout, leave, &error);
  assert_true(in_use(b) <= b->services.memory.budget);
  if (status != TLW_OK) {
    assert_int_equal(status, TLW_ERR_BUDGET);
    *enough = error.bytes;
    return -1;
  }
  assert_true(b->services.memory.budget - in_use(b) >= leave);
  const uint64_t size = tlw_memory_counted(tlw_cpu_scratch_size(layout));
  assert_int_equal((in_use(b) - idle) % size, 0);
  return (int64_t)((in_use(b) - idle) / size);
}

static void test_scratch_leaves_room(void **unused) {
  (void)unused;
  struct backend *b = backend_open(THREADS);
  const tlk_layout layout = layout_of(640, 480), small = layout_of(64, 64);
  const uint64_t size = tlw_memory_counted(tlw_cpu_scratch_size(&layout)), idle = in_use(b);
  assert_int_equal(b->ops->least_device(b->state, &layout), 0);
  uint64_t enough = 0;
  assert_int_equal(workers_after(b, &layout, idle, 0, &enough), THREADS);
  assert_int_equal(b->ops->trim(b->state, true, NULL), TLW_OK);
  assert_int_equal(in_use(b), idle);

  b->services.memory.budget = idle + THREADS * size;
  for (int again = 0; again < 2; again++) {
    for (uint64_t left = 0; left < THREADS; left++) {
      assert_int_equal(workers_after(b, &layout, idle, left * size, &enough), THREADS - left);
      assert_int_equal(workers_after(b, &layout, idle, left * size, &enough), THREADS - left);
    }
    /* One byte more than an even share is one scratch less. */
    assert_int_equal(workers_after(b, &layout, idle, size + 1, &enough), THREADS - 2);
    assert_int_equal(workers_after(b, &layout, idle, THREADS * size, &enough), -1);
    assert_int_equal(enough, idle + (THREADS + 1) * size);
    assert_int_equal(workers_after(b, &layout, idle, UINT64_MAX, &enough), -1);
    assert_int_equal(enough, UINT64_MAX);
  }
  b->services.memory.budget = idle + (THREADS + 1) * size;
  assert_int_equal(workers_after(b, &layout, idle, THREADS * size, &enough), 1);

  /* Scratch of a large chart gives way to what a small one leaves; the memory that others use counts. */
  struct tlw_block other = {0};
  assert_int_equal(b->ops->prepare(b->state, &layout, 0, NULL), TLW_OK);
  assert_int_equal(b->ops->prepare(b->state, &small, THREADS * size, NULL), TLW_OK);
  assert_true(in_use(b) <= idle + size);
  assert_int_equal(b->ops->staging_open(b->state, &other, THREADS * size, NULL), TLW_OK);
  assert_int_equal(other.size, THREADS * size);
  assert_int_equal(workers_after(b, &layout, idle + THREADS * size, 1, &enough), -1);
  assert_int_equal(enough, idle + (THREADS + 1) * size + 1);
  b->services.memory.budget = enough;
  assert_int_equal(workers_after(b, &layout, idle + THREADS * size, 1, &enough), 1);
  b->ops->staging_close(b->state, &other);
  assert_null(other.data);
  backend_close(b);
}

/*
 * A chart whose layout was not prepared takes what there is; where there is nothing it is refused, and later drawn.
 */
static void test_draw_prepares(void **unused) {
  (void)unused;
  struct backend *b = backend_open(THREADS);
  rng r = {FIRST_SEED};
  struct chart c;
  chart_open(&c, &r, false);
  const uint64_t idle = in_use(b), size = tlw_memory_counted(tlw_cpu_scratch_size(&c.layout));
  uint8_t *pixels = malloc((size_t)c.options.width * (size_t)c.options.height);
  assert_non_null(pixels);
  struct tlw_render_job job = {.layout = c.layout,
                               .series = &c.shape,
                               .n_series = 1,
                               .merged = merge(&c),
                               .y1 = 1,
                               .pixels = pixels,
                               .row_stride = (size_t)c.options.width};
  struct tlw_ticket ticket = {0};
  tlw_error error;
  b->services.memory.budget = idle + size - 1;
  assert_int_equal(b->ops->draw(b->state, &job, &ticket, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, idle + size);
  b->services.memory.budget = error.bytes;
  assert_int_equal(b->ops->draw(b->state, &job, &ticket, &error), TLW_OK);
  assert_int_equal(in_use(b), idle + size);
  b->services.memory.budget = UINT64_MAX;
  check_bands(b, &c, &r);
  assert_int_equal(in_use(b), idle + size);
  free((void *)(uintptr_t)job.merged);
  free(pixels);
  chart_close(&c);
  backend_close(b);
}

static void test_pool(void **unused) {
  (void)unused;
  enum { N = 40 };
  struct backend *b = backend_open(1);
  const uint64_t idle = in_use(b);
  struct tlw_pool *pool = b->ops->pool(b->state);
  assert_non_null(pool);
  assert_int_equal(tlw_pool_slabs(pool), 0);
  assert_true(b->ops->draws_anywhere);
  rng r = {FIRST_SEED};
  uint64_t ids[N], sizes[N];
  uint8_t *bytes = malloc(3 << 20), *back = malloc(3 << 20);
  assert_non_null(bytes);
  assert_non_null(back);
  for (int i = 0; i < N; i++) {
    sizes[i] = 1 + rng_below(&r, i == 7 ? 3 << 20 : 100000);
    assert_int_equal(tlw_pool_alloc(pool, sizes[i], TLW_POOL_KEPT, &ids[i], NULL), TLW_OK);
    struct tlw_part part;
    assert_true(tlw_pool_find(pool, ids[i], &part));
    memset(bytes, i + 1, sizes[i]);
    assert_int_equal(b->ops->write(b->state, &part, 0, bytes, sizes[i], NULL), TLW_OK);
    const uint8_t last = 200;
    assert_int_equal(b->ops->write(b->state, &part, sizes[i] - 1, &last, 1, NULL), TLW_OK);
  }
  assert_int_equal(in_use(b), idle + tlw_pool_slabs(pool));
  for (int i = 0; i < N; i++) {
    struct tlw_part part;
    assert_true(tlw_pool_find(pool, ids[i], &part));
    const uint64_t from = rng_below(&r, sizes[i]), n = sizes[i] - from;
    memset(back, POISON, sizes[i] + 1);
    memset(bytes, i + 1, sizes[i]);
    bytes[sizes[i] - 1] = 200;
    assert_int_equal(b->ops->read(b->state, &part, from, back, n, NULL), TLW_OK);
    assert_memory_equal(back, bytes + from, n);
    assert_int_equal(back[n], POISON);
  }
  /* Slabs in use stay, empty ones go. */
  const uint64_t slabs = tlw_pool_slabs(pool);
  assert_int_equal(b->ops->trim(b->state, false, NULL), TLW_OK);
  assert_int_equal(tlw_pool_slabs(pool), slabs);
  const tlk_layout layout = layout_of(100, 100);
  assert_int_equal(b->ops->prepare(b->state, &layout, 0, NULL), TLW_OK);
  const uint64_t scratch = in_use(b) - idle - slabs;
  for (int i = 1; i < N; i++) assert_true(tlw_pool_free(pool, ids[i]));
  assert_int_equal(b->ops->trim(b->state, false, NULL), TLW_OK);
  assert_true(tlw_pool_slabs(pool) < slabs);
  assert_true(tlw_pool_slabs(pool) > 0);
  assert_int_equal(in_use(b), idle + scratch + tlw_pool_slabs(pool));

  /* The budget holds for slabs. */
  uint64_t id;
  b->services.memory.budget = in_use(b);
  assert_int_equal(tlw_pool_alloc(pool, 8 << 20, TLW_POOL_KEPT, &id, NULL), TLW_ERR_BUDGET);
  assert_int_equal(id, 0);
  b->services.memory.budget = in_use(b) + (8 << 20);
  assert_int_equal(tlw_pool_alloc(pool, 8 << 20, TLW_POOL_KEPT, &id, NULL), TLW_OK);
  assert_int_equal(in_use(b), b->services.memory.budget);

  assert_int_equal(b->ops->trim(b->state, true, NULL), TLW_OK);
  assert_int_equal(in_use(b), idle);
  struct tlw_part part;
  assert_false(tlw_pool_find(pool, id, &part));
  free(bytes);
  free(back);
  backend_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_merging_in_chunks),
      cmocka_unit_test(test_gathering),
      cmocka_unit_test(test_bands_are_the_chart),
      cmocka_unit_test(test_bands_that_threads_share),
      cmocka_unit_test(test_open_names_a_budget_that_does),
      cmocka_unit_test(test_scratch_leaves_room),
      cmocka_unit_test(test_draw_prepares),
      cmocka_unit_test(test_pool),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
