/*
 * PNG files that a device makes, against those of tlw_png_encode: rasters of all kinds, hostile ones too, several in
 * flight.
 *
 *   test_gpu_files opencl
 *   test_gpu_files cuda
 *   TALLOW_TEST_CASES=N             at most so many random rasters, and a tenth of it of wide ones
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "host/gpu/files.h"
#include "host/gpu/gpu.h"
#include "host/gpu/memory.h"
#include "series.h"
#include "tallow/png.h"

#define SEED 20261122
#define POISON 0xA7
#define GUARD 64
#define MOST_IMAGES 5
#define IN_FLIGHT 3

static tlw_backend backend;
static struct tlw_services services;
static struct tlw_executor executor;
static struct tlw_backend_state *gpu;

static int open_backend(void **state) {
  (void)state;
  struct tlw_device_list list = {0};
  tlw_device device = {0};
  tlw_error error = {0};
  tlw_gpu_list(backend, &list);
  for (size_t i = 0; i < list.count && !device.usable; i++) device = list.items[i];
  tlw_device_list_free(&list);
  services.memory.budget = UINT64_MAX;
  services.memory.ledger = &services.ledger;
  services.device_budget = TLW_BUDGET_AUTO;
  services.deadline_ms = TLW_DEADLINE_NONE;
  services.cache_dir = "";
  services.threads = 1;
  assert_int_equal(tlw_ledger_open(&services.ledger, NULL, NULL), TLW_OK);
  tlw_status status = tlw_gpu_open(&services, &device, &executor, &error);
  if (status == TLW_OK) status = executor.ops->prepare_files(executor.state, NULL, 0, &error);
  if (status != TLW_OK) fail_msg("%s", error.message);
  gpu = executor.state;
  return 0;
}

static int close_backend(void **state) {
  (void)state;
  executor.ops->close(gpu);
  tlw_ledger_close(&services.ledger);
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, 0);
  return 0;
}

/* ---- rasters ---- */

/* Images of one size, their rows in whole words with zeros behind the last pixel. */
struct batch {
  int32_t width, height, n_colors;
  int64_t n;
  size_t pitch;
  uint8_t *pixels;
  uint8_t rgb[256 * 3];
  size_t sizes[MOST_IMAGES];
  tlk_series series[MOST_IMAGES];
  struct tlw_render_files files;
  struct tlw_block block;
  struct tlw_ticket ticket;
};

static uint8_t random_color(rng *r, const struct batch *b) { return (uint8_t)rng_below(r, (uint64_t)b->n_colors); }

/* Runs of all lengths that matter. */
static int32_t random_run(rng *r) {
  switch (rng_below(r, 4)) {
  case 0:
    return 1 + (int32_t)rng_below(r, 4);
  case 1:
    return rng_between(r, 250, 270) * 8;
  default:
    return 1 + (int32_t)rng_below(r, 90);
  }
}

static void fill_row(uint8_t *row, const struct batch *b, const uint8_t *above, int kind, rng *r) {
  const size_t width = (size_t)b->width;
  switch (kind) {
  case 0: /* noise */
    for (size_t x = 0; x < width; x++) row[x] = random_color(r, b);
    break;
  case 1: /* as above, but for a few */
    if (above) memcpy(row, above, width);
    for (uint64_t i = rng_below(r, 3); i > 0; i--) row[rng_below(r, width)] = random_color(r, b);
    break;
  case 2: /* runs */
    for (size_t x = 0; x < width;) {
      const uint8_t color = random_color(r, b);
      for (int32_t n = random_run(r); n > 0 && x < width; n--) row[x++] = color;
    }
    break;
  default: /* one colour */
    memset(row, random_color(r, b), width);
    break;
  }
}

static void fill(struct batch *b, rng *r) {
  const uint64_t kinds = 1 + rng_below(r, 15);
  for (int64_t i = 0; i < b->n; i++)
    for (int32_t y = 0; y < b->height; y++) {
      uint8_t *row = b->pixels + ((size_t)i * (size_t)b->height + (size_t)y) * b->pitch;
      int kind = (int)rng_below(r, 4);
      while (!(kinds >> kind & 1)) kind = (kind + 1) % 4;
      fill_row(row, b, y > 0 ? row - b->pitch : NULL, kind, r);
    }
}

static void batch_open(struct batch *b, int32_t width, int32_t height, int32_t n_colors, int64_t n, rng *r) {
  *b = (struct batch){.width = width, .height = height, .n_colors = n_colors, .n = n};
  b->pitch = ((size_t)width + 3) / 4 * 4;
  b->pixels = calloc((size_t)n * (size_t)height, b->pitch);
  assert_non_null(b->pixels);
  fill(b, r);
  for (size_t i = 0; i < sizeof b->rgb; i++) b->rgb[i] = (uint8_t)rng_next(r);
  const size_t capacity = tlw_png_bound(width, height), stride = capacity + GUARD + rng_below(r, 9);
  assert_int_equal(executor.ops->staging_open(gpu, &b->block, (uint64_t)n * stride + GUARD, NULL), TLW_OK);
  memset(b->block.data, POISON, (size_t)b->block.size);
  b->files = (struct tlw_render_files){.rgb = b->rgb,
                                       .n_colors = n_colors,
                                       .bytes = (uint8_t *)b->block.data + GUARD,
                                       .stride = stride,
                                       .capacity = capacity,
                                       .sizes = b->sizes};
}

static void batch_close(struct batch *b) {
  executor.ops->staging_close(gpu, &b->block);
  free(b->pixels);
}

/* As drawing does it, but with these pixels in place of charts. */
static void encode(struct batch *b) {
  const struct tlw_render_job job = {.layout = {.width = b->width, .height = b->height, .plot_width = 1},
                                     .series = b->series,
                                     .n_series = b->n,
                                     .y1 = b->height,
                                     .files = &b->files};
  struct tlw_flight *flight;
  struct tlw_part part;
  tlw_error error;
  assert_int_equal(tlw_flight_take(gpu, tlw_plan_of(&job, 0).size, &flight, &error), TLW_OK);
  tlw_pool_find(&gpu->pool, flight->part, &part);
  const struct tlw_plan plan = tlw_plan_of(&job, part.offset);
  assert_int_equal(plan.png.pitch, b->pitch);
  const uint64_t size = (uint64_t)b->n * (uint64_t)b->height * b->pitch;
  assert_int_equal(gpu->gpu->ops->upload(gpu->gpu, &gpu->queues[TLW_GPU_COMPUTE], &part.slab, plan.png.pixels,
                                         b->pixels, size, &error),
                   TLW_OK);
  flight->busy[TLW_GPU_COMPUTE] = true;
  assert_int_equal(tlw_gpu_files_make(gpu, flight, &job, &plan.png, &part.slab, &error), TLW_OK);
  assert_int_equal(tlw_flight_mark(gpu, flight, TLW_GPU_COMPUTE, &error), TLW_OK);
  tlw_flight_send(gpu, flight, &b->ticket);
}

static void assert_poison(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) assert_int_equal(bytes[i], POISON);
}

static void check(struct batch *b) {
  tlw_error error;
  if (executor.ops->wait(gpu, &b->ticket, &error) != TLW_OK) fail_msg("%s", error.message);
  const size_t capacity = b->files.capacity;
  uint8_t *expected = malloc(capacity);
  assert_non_null(expected);
  assert_poison(b->block.data, GUARD);
  for (int64_t i = 0; i < b->n; i++) {
    const uint8_t *file = b->files.bytes + (size_t)i * b->files.stride;
    const tlw_png_image image = {.pixels = b->pixels + (size_t)i * (size_t)b->height * b->pitch,
                                 .row_stride = b->pitch,
                                 .width = b->width,
                                 .height = b->height,
                                 .rgb = b->rgb,
                                 .n_colors = b->n_colors};
    size_t size;
    assert_int_equal(tlw_png_encode(&image, NULL, expected, capacity, &size, NULL), TLW_OK);
    if (size != b->sizes[i] || memcmp(file, expected, size) != 0) {
      size_t at = 0;
      while (at < size && file[at] == expected[at]) at++;
      fail_msg("%d x %d, %d colours, image %d: %zu bytes where %zu were expected, another from byte %zu on", b->width,
               b->height, b->n_colors, (int)i, b->sizes[i], size, at);
    }
    assert_poison(file + capacity, b->files.stride - capacity);
  }
  free(expected);
}

static void check_one(int32_t width, int32_t height, int32_t n_colors, int64_t n, rng *r) {
  struct batch b;
  batch_open(&b, width, height, n_colors, n, r);
  encode(&b);
  check(&b);
  batch_close(&b);
}

static int32_t random_colors(rng *r) {
  static const int32_t counts[] = {1, 2, 3, 4, 5, 16, 17, 256};
  return counts[rng_below(r, sizeof counts / sizeof *counts)];
}

/* ---- tests ---- */

static uint64_t cases(uint64_t most) {
  const uint64_t wanted = environment_number("TALLOW_TEST_CASES", most);
  return wanted < most ? wanted : most;
}

static void test_random_rasters(void **state) {
  (void)state;
  rng r = {SEED};
  for (uint64_t i = 0, n = cases(120); i < n; i++)
    check_one(rng_between(&r, 1, i % 3 ? 60 : 700), rng_between(&r, 1, 150), random_colors(&r),
              rng_between(&r, 1, MOST_IMAGES), &r);
}

/* Rows that fill a segment or more, slices of many bytes, runs longer than a match; and stored segments. */
static void test_wide_rasters(void **state) {
  (void)state;
  rng r = {SEED + 1};
  for (uint64_t i = 0, n = cases(120) / 10; i < n; i++)
    check_one(rng_between(&r, 4000, 16384), rng_between(&r, 1, 9), random_colors(&r), 1, &r);
  check_one(16384, 3, 256, 1, &r);
  check_one(16383, 3, 2, 2, &r);
  check_one(1, 16384, 2, 1, &r);
  check_one(1, 1, 1, 1, &r);
}

/* The sizes of one are on their way while others are encoded. */
static void test_many_in_flight(void **state) {
  (void)state;
  rng r = {SEED + 2};
  for (int round = 0; round < 10; round++) {
    struct batch batches[IN_FLIGHT];
    for (int i = 0; i < IN_FLIGHT; i++) {
      batch_open(&batches[i], rng_between(&r, 1, 300), rng_between(&r, 1, 60), random_colors(&r),
                 rng_between(&r, 1, MOST_IMAGES), &r);
      encode(&batches[i]);
    }
    for (int i = IN_FLIGHT - 1; i >= 0; i--) {
      if (round % 2)
        while (!executor.ops->is_done(gpu, &batches[i].ticket)) continue;
      check(&batches[i]);
    }
    for (int i = 0; i < IN_FLIGHT; i++) batch_close(&batches[i]);
    assert_int_equal(tlw_gauge_read(&gpu->pool.in_use).current, 0);
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "opencl") == 0)
    backend = TLW_BACKEND_OPENCL;
  else if (argc == 2 && strcmp(argv[1], "cuda") == 0)
    backend = TLW_BACKEND_CUDA;
  else
    return fprintf(stderr, "test_gpu_files opencl|cuda\n"), 2;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_rasters), cmocka_unit_test(test_wide_rasters),
                                     cmocka_unit_test(test_many_in_flight)};
  return cmocka_run_group_tests(tests, open_backend, close_backend);
}
