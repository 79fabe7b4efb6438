/* The known answer of the kernels' self-test is what the oracle draws, and a wrong pixel does not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "host/base/hash.h"
#include "host/cpu/cpu.h"
#include "host/engine/windows.h"
#include "host/gpu/plan.h"
#include "host/gpu/selftest.h"
#include "oracle.h"
#include "tallow/chart.h"
#include "tallow/png.h"

static struct tlw_selftest test;
static uint8_t pixels[TLW_SELFTEST_PIXELS];

/* The pixels are known, and neither others nor those of another style pass. */
static void expect_passed(enum tlw_selftest_style style) {
  if (!tlw_selftest_passed(pixels, style))
    fail_msg("the hash is 0x%016llx", (unsigned long long)tlw_hash(TLW_HASH_START, pixels, sizeof pixels));
  assert_false(tlw_selftest_passed(pixels, (enum tlw_selftest_style)((style + 1) % TLW_SELFTEST_STYLES)));
  const size_t places[] = {0, sizeof pixels / 2, sizeof pixels - 1};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    pixels[places[i]] ^= 1;
    assert_false(tlw_selftest_passed(pixels, style));
    pixels[places[i]] ^= 1;
  }
  assert_true(tlw_selftest_passed(pixels, style));
}

static void expect_known_answer(enum tlw_selftest_style style) {
  struct tlw_render_job job;
  tlw_selftest_prepare(&test, style, pixels, &job);
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = TLW_SELFTEST_WIDTH;
  options.height = TLW_SELFTEST_HEIGHT;
  options.labels = 0;
  options.scale = style == TLW_SELFTEST_LOG ? TLW_SCALE_LOG : TLW_SCALE_LINEAR;
  options.margin_left = 3;
  options.margin_top = 2;
  options.margin_right = 7;
  options.margin_bottom = 9;
  int64_t offsets[TLW_SELFTEST_SERIES + 1] = {0};
  for (int i = 0; i < TLW_SELFTEST_SERIES; i++) offsets[i + 1] = offsets[i] + test.series[i].count;
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = job.open;
  candles.high = job.high;
  candles.low = job.low;
  candles.close = job.close;
  candles.volume = job.volume;
  candles.time = job.time;
  candles.n_rows = offsets[TLW_SELFTEST_SERIES];
  candles.offsets = offsets;
  candles.n_series = TLW_SELFTEST_SERIES;
  for (int i = 0; i < TLW_SELFTEST_SERIES; i++) {
    options.axis = test.series[i].by_time ? TLW_AXIS_TIME : TLW_AXIS_INDEX;
    oracle_render(&candles, i, &options, pixels + (size_t)i * job.image_stride);
  }
  expect_passed(style);
}

static void test_known_answers(void **state) {
  (void)state;
  expect_known_answer(TLW_SELFTEST_LINEAR);
  expect_known_answer(TLW_SELFTEST_LOG);
}

/* A sheet and notes that no options give, as the CPU backend draws them. */
static void draw_with_text(void) {
  struct tlw_services services = {.threads = 1, .memory.budget = UINT64_MAX, .deadline_ms = TLW_DEADLINE_NONE};
  struct tlw_executor cpu;
  struct tlw_render_job job;
  struct tlw_ticket ticket = {0};
  services.memory.ledger = &services.ledger;
  services.telemetry.ledger = &services.ledger;
  assert_int_equal(tlw_ledger_open(&services.ledger, NULL, NULL), TLW_OK);
  assert_int_equal(tlw_cpu_open(&services, &cpu, NULL), TLW_OK);
  tlw_selftest_prepare(&test, TLW_SELFTEST_TEXT, pixels, &job);
  assert_int_equal(tlk_notes_size(job.layout), sizeof test.notes[0]);
  memset(pixels, 0xA5, sizeof pixels);
  assert_int_equal(cpu.ops->prepare(cpu.state, &job.layout, 0, NULL), TLW_OK);
  assert_int_equal(cpu.ops->draw(cpu.state, &job, &ticket, NULL), TLW_OK);
  cpu.ops->close(cpu.state);
  tlw_ledger_close(&services.ledger);
}

static void test_known_text(void **state) {
  (void)state;
  draw_with_text();
  expect_passed(TLW_SELFTEST_TEXT);
}

/* The files of the pixels with text. */
static void test_known_files(void **state) {
  (void)state;
  struct tlw_selftest_files files;
  static uint8_t bytes[TLW_SELFTEST_SERIES * TLW_SELFTEST_WIDTH * TLW_SELFTEST_HEIGHT];
  assert_true(tlw_selftest_files_size() <= sizeof bytes);
  draw_with_text();
  tlw_selftest_prepare_files(&files, bytes);
  uint64_t hash = TLW_HASH_START;
  for (size_t i = 0; i < TLW_SELFTEST_SERIES; i++) {
    const tlw_png_image image = {.pixels = pixels + i * TLW_SELFTEST_WIDTH * TLW_SELFTEST_HEIGHT,
                                 .row_stride = TLW_SELFTEST_WIDTH,
                                 .width = TLW_SELFTEST_WIDTH,
                                 .height = TLW_SELFTEST_HEIGHT,
                                 .rgb = files.rgb,
                                 .n_colors = TLW_SELFTEST_COLORS};
    uint8_t *file = bytes + i * files.files.stride;
    assert_int_equal(tlw_png_encode(&image, NULL, file, files.files.capacity, &files.sizes[i], NULL), TLW_OK);
    hash = tlw_hash(hash, file, files.sizes[i]);
  }
  if (!tlw_selftest_files_passed(&files)) fail_msg("the hash is 0x%016llx", (unsigned long long)hash);
  bytes[files.sizes[0] / 2] ^= 1;
  assert_false(tlw_selftest_files_passed(&files));
  bytes[files.sizes[0] / 2] ^= 1;
  files.sizes[1]--;
  assert_false(tlw_selftest_files_passed(&files));
}

/* Images of the CPU backend. */
static void test_known_images(void **state) {
  (void)state;
  static struct tlw_selftest_images images;
  struct tlw_services services = {.threads = 1, .memory.budget = UINT64_MAX, .deadline_ms = TLW_DEADLINE_NONE};
  struct tlw_executor cpu;
  services.memory.ledger = &services.ledger;
  services.telemetry.ledger = &services.ledger;
  assert_int_equal(tlw_ledger_open(&services.ledger, NULL, NULL), TLW_OK);
  assert_int_equal(tlw_cpu_open(&services, &cpu, NULL), TLW_OK);
  uint64_t hash = TLW_HASH_START;
  bool seen[TLW_IMAGE_REASONS] = {false};
  for (int i = 0; i < TLW_SELFTEST_IMAGE_CASES; i++) {
    struct tlw_images_job job;
    tlw_selftest_images(&images, i, &job);
    assert_true(job.n <= TLW_SELFTEST_IMAGES);
    assert_true((uint64_t)job.n * tlk_image_size(job.image) <= sizeof images.images);
    assert_int_equal(cpu.ops->images(cpu.state, &job, UINT64_MAX, NULL), TLW_OK);
    for (int64_t k = 0; k < job.n; k++) seen[job.reasons[k]] = true;
    hash = tlw_selftest_images_hash(&images, &job, hash);
  }
  cpu.ops->close(cpu.state);
  tlw_ledger_close(&services.ledger);
  if (!tlw_selftest_images_passed(hash)) fail_msg("the hash is 0x%016llx", (unsigned long long)hash);
  assert_false(tlw_selftest_images_passed(hash ^ 1));
  for (int reason = 0; reason < TLW_IMAGE_BEYOND; reason++) assert_true(seen[reason]);
}

static void give_task(const void *context, int32_t i, struct tlw_window_task *task) {
  *task = ((const struct tlw_window_job *)context)->tasks[i];
}

static void test_known_windows(void **state) {
  (void)state;
  struct tlw_render_job charts;
  tlw_selftest_prepare(&test, TLW_SELFTEST_LINEAR, pixels, &charts);
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  tlw_engine *engine = NULL;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  static double output[TLW_SELFTEST_ROWS];
  uint64_t hash = TLW_HASH_START;
  for (int i = 0; i < TLW_SELFTEST_WINDOWS; i++) {
    struct tlw_window_task task;
    struct tlw_window_job job;
    tlw_selftest_window(&test, i, output, &task, &job);
    const struct tlw_window_source source = {job, give_task, &job};
    assert_int_equal(tlw_engine_windows(engine, &source, NULL), TLW_OK);
    hash = tlw_hash(hash, output, sizeof output);
  }
  if (!tlw_selftest_rolled(hash)) fail_msg("the hash is 0x%016llx", (unsigned long long)hash);
  assert_false(tlw_selftest_rolled(hash ^ 1));
  tlw_engine_close(&engine);
}

/* What opening an engine asks of the host budget on unified memory is enough for each chart of the self-test. */
static void test_bytes_are_enough(void **state) {
  (void)state;
  struct tlw_gpu gpu = {.unified = false};
  const uint64_t beside = tlw_gpu_selftest_bytes(&gpu, TLW_PROGRAM_CHART);
  gpu.unified = true;
  const uint64_t slab = tlw_gpu_selftest_bytes(&gpu, TLW_PROGRAM_CHART) - beside;
  assert_true(beside >= sizeof test + sizeof pixels);
  for (int i = 0; i < TLW_SELFTEST_STYLES; i++) {
    struct tlw_render_job job;
    tlw_selftest_prepare(&test, (enum tlw_selftest_style)i, pixels, &job);
    job.n_series = 1;
    for (; job.series < test.series + TLW_SELFTEST_SERIES; job.series++) assert_int_equal(tlw_plan_fit(&job, slab), 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers), cmocka_unit_test(test_known_text),
                                     cmocka_unit_test(test_known_files),   cmocka_unit_test(test_known_images),
                                     cmocka_unit_test(test_known_windows), cmocka_unit_test(test_bytes_are_enough)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
