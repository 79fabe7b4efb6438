/* The known-answer self-test of the kernels of images. */
#include <stddef.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/hash.h"
#include "images.h"
#include "kernels/images_args.h"
#include "memory.h"
#include "selftest.h"
#include "sending.h"

/* Of images and reasons, one after the other, by the CPU backend. */
static const uint64_t answer = 0x16ede7ee964653ebu;

/* Each kernel with bytes and floats, with a group that is not full. */
static const struct {
  int32_t bars, channels, is_float, is_last, n;
} cases[TLW_SELFTEST_IMAGE_CASES] = {
    {5, 1, 0, 0, 13}, {5, 3, 1, 1, 13}, {20, 3, 0, 1, 4}, {20, 1, 1, 0, 4},
    {60, 1, 0, 0, 2}, {60, 3, 0, 1, 2}, {60, 1, 1, 0, 2}, {5, 3, 0, 0, 13},
};

static double noise(uint32_t *state, uint32_t below) {
  *state = *state * 1664525u + 1013904223u;
  return (double)((*state >> 8) % below);
}

static void fill_rows(struct tlw_selftest_images *test) {
  uint32_t state = 4;
  double price = 300.0;
  for (int i = 0; i < TLW_SELFTEST_IMAGE_ROWS; i++) {
    const double open = price, close = open + (noise(&state, 401) - 200.0) / 64.0;
    test->columns[0][i] = open;
    test->columns[1][i] = (open > close ? open : close) + noise(&state, 100) / 128.0;
    test->columns[2][i] = (open < close ? open : close) - noise(&state, 100) / 128.0;
    test->columns[3][i] = close;
    test->columns[4][i] = noise(&state, 1000) / 3.0;
    price = close;
  }
  for (int i = 40; i < 45; i++)
    for (int column = 0; column < 4; column++) test->columns[column][i] = 250.0;
  test->columns[3][60] = 0.0;
  test->columns[0][71] = TLK_NAN;
  test->columns[1][73] = TLK_INFINITY;
  test->columns[2][75] = -TLK_INFINITY;
  test->columns[3][150] = TLK_NAN;
  test->columns[4][77] = TLK_NAN;
  test->columns[4][79] = -1.0;
}

/* At a distance that is none of the bars'; among them one of flat prices, one without bars, and some without averages. */
static void fill_windows(struct tlw_selftest_images *test, int32_t bars, int32_t n) {
  for (int32_t i = 0; i < n; i++)
    test->windows[i] = (tlk_jkx_window){.begin = bars == 60 ? 61 + 59 * i : 61 + 7 * i, .averages = i % 4 != 3};
  if (n <= 4) return;
  test->windows[4] = (tlk_jkx_window){.begin = 40};
  test->windows[5] = (tlk_jkx_window){.begin = 60, .averages = 1};
  test->windows[6] = (tlk_jkx_window){.few = 1};
}

static struct tlw_images_job form_of(int i) {
  const tlk_jkx jkx = tlk_jkx_of(cases[i].bars);
  const tlk_image image = {jkx.width, jkx.height, cases[i].channels, cases[i].is_float, cases[i].is_last};
  return (struct tlw_images_job){.jkx = jkx, .image = image, .n = cases[i].n};
}

void tlw_selftest_images(struct tlw_selftest_images *test, int i, struct tlw_images_job *job) {
  fill_rows(test);
  fill_windows(test, cases[i].bars, cases[i].n);
  memset(test->images, 0xa5, sizeof test->images);
  memset(test->reasons, 0xa5, sizeof test->reasons);
  *job = form_of(i);
  job->open = test->columns[0];
  job->high = test->columns[1];
  job->low = test->columns[2];
  job->close = test->columns[3];
  job->volume = test->columns[4];
  job->windows = test->windows;
  job->images = test->images;
  job->reasons = test->reasons;
}

uint64_t tlw_selftest_images_hash(const struct tlw_selftest_images *test, const struct tlw_images_job *job,
                                  uint64_t hash) {
  hash = tlw_hash(hash, test->images, (size_t)job->n * tlk_image_size(job->image));
  return tlw_hash(hash, test->reasons, (size_t)job->n);
}

bool tlw_selftest_images_passed(uint64_t hash) { return hash == answer; }

static tlw_status draw_and_compare(struct tlw_backend_state *state, struct tlw_selftest_images *test,
                                   tlw_error *error) {
  uint64_t hash = TLW_HASH_START;
  for (int i = 0; i < TLW_SELFTEST_IMAGE_CASES; i++) {
    struct tlw_images_job job;
    tlw_selftest_images(test, i, &job);
    const tlw_status status = tlw_gpu_images(state, &job, UINT64_MAX, error);
    if (status != TLW_OK) return status;
    hash = tlw_selftest_images_hash(test, &job, hash);
  }
  if (tlw_selftest_images_passed(hash)) return TLW_OK;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "the device draws other images than it should (self-test of the kernels of images): update its "
                  "driver");
}

/* ---- pixels to numbers ---- */

/* A width that is no part of a word; the second chart has no rows. */
#define WIDTH 37
#define HEIGHT 5
#define PITCH 40
#define CHARTS 3
#define CHANNELS TLK_IMAGE_CHANNELS

struct expanding {
  uint8_t pixels[CHARTS][HEIGHT][PITCH];
  uint32_t inks[CHANNELS][TLK_IMAGE_INKS];
  tlk_series series[CHARTS];
};

/* Where the numbers are, and what those of any form take, with a last word that is whole. */
#define NUMBERS_AT ((sizeof(struct expanding) + TLW_POOL_ALIGN - 1) / TLW_POOL_ALIGN * TLW_POOL_ALIGN)
#define NUMBERS_SIZE ((CHARTS * WIDTH * HEIGHT * CHANNELS + 4) * sizeof(float))

static void fill_expanding(struct expanding *e) {
  uint32_t state = 6;
  for (int i = 0; i < CHARTS; i++) {
    e->series[i] = (tlk_series){.count = i == 1 ? 0 : 9};
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < PITCH; x++) e->pixels[i][y][x] = (uint8_t)noise(&state, TLK_IMAGE_INKS);
  }
  for (int c = 0; c < CHANNELS; c++)
    for (int i = 0; i < TLK_IMAGE_INKS; i++) e->inks[c][i] = (uint32_t)noise(&state, 1 << 24);
}

static bool is_expanded(const struct expanding *e, tlk_image image, const void *numbers) {
  const uint64_t each = tlk_image_size(image) / (image.is_float ? sizeof(float) : 1);
  for (int i = 0; i < CHARTS; i++)
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++)
        for (int c = 0; c < image.channels; c++) {
          const uint32_t right = e->inks[c][e->series[i].count ? e->pixels[i][y][x] : TLK_INK_BACKGROUND];
          const uint64_t at = (uint64_t)i * each + tlk_image_at(image, x, y, c);
          const uint32_t found = image.is_float ? ((const uint32_t *)numbers)[at] : ((const uint8_t *)numbers)[at];
          if (found != (image.is_float ? right : right & 0xff)) return false;
        }
  return true;
}

/* Bytes are the lowest of what floats have whole. */
static void narrow(struct expanding *e) {
  for (int c = 0; c < CHANNELS; c++)
    for (int i = 0; i < TLK_IMAGE_INKS; i++) e->inks[c][i] &= 0xff;
}

static tlw_status enqueue_expansion(const struct tlw_sending *sending, uint64_t base, const struct expanding *e,
                                    tlk_image image, void *numbers, tlw_error *error) {
  const uint64_t size = CHARTS * tlk_image_size(image);
  const tlk_expand_args args = {.pixels = base + offsetof(struct expanding, pixels),
                                .series = base + offsetof(struct expanding, series),
                                .inks = base + offsetof(struct expanding, inks),
                                .numbers = base + NUMBERS_AT,
                                .count = size / (image.is_float ? sizeof(float) : 1),
                                .image = image,
                                .pitch = PITCH};
  const struct tlw_gpu_download copy = {
      .slab = sending->slab, .offset = args.numbers, .target = numbers, .width = size, .rows = 1};
  tlw_status status = tlw_send_upload(sending, base, e, sizeof *e, error);
  if (status == TLW_OK) status = tlw_send_hand_over(sending, TLW_GPU_UPLOAD, TLW_GPU_COMPUTE, error);
  if (status == TLW_OK)
    status =
        tlw_send_launch(sending, TLW_PROGRAM_IMAGES, TLW_IMAGES_EXPAND, 1, TLK_EXPAND_LANES, &args, sizeof args, error);
  if (status == TLW_OK) status = tlw_send_hand_over(sending, TLW_GPU_COMPUTE, TLW_GPU_DOWNLOAD, error);
  if (status == TLW_OK) status = tlw_send_download(sending, &copy, error);
  return status == TLW_OK ? tlw_flight_mark(sending->state, sending->flight, TLW_GPU_DOWNLOAD, error) : status;
}

static tlw_status expand(struct tlw_backend_state *state, const struct expanding *e, tlk_image image, void *numbers,
                         tlw_error *error) {
  struct tlw_part part;
  struct tlw_sending sending = {.state = state, .slab = &part.slab};
  tlw_status status = tlw_flight_take(state, NUMBERS_AT + NUMBERS_SIZE, &sending.flight, error);
  if (status != TLW_OK) return status;
  tlw_pool_find(&state->pool, sending.flight->part, &part);
  tlw_error failure;
  status = enqueue_expansion(&sending, part.offset, e, image, numbers, &failure);
  if (status == TLW_OK) {
    struct tlw_ticket ticket;
    tlw_flight_send(state, sending.flight, &ticket);
    return tlw_flights_wait(state, &ticket, error);
  }
  status = tlw_flight_drop(state, sending.flight, &failure);
  if (error) *error = failure;
  return status;
}

static tlw_status expand_and_compare(struct tlw_backend_state *state, struct expanding *e, void *numbers,
                                     tlw_error *error) {
  static const tlk_image forms[] = {{WIDTH, HEIGHT, 3, 1, 1},
                                    {WIDTH, HEIGHT, 1, 1, 0},
                                    {WIDTH, HEIGHT, 3, 0, 0},
                                    {WIDTH, HEIGHT, 3, 0, 1},
                                    {WIDTH, HEIGHT, 1, 0, 0}};
  fill_expanding(e);
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    if (!forms[i].is_float) narrow(e);
    memset(numbers, 0xa5, NUMBERS_SIZE);
    const tlw_status status = expand(state, e, forms[i], numbers, error);
    if (status != TLW_OK) return status;
    if (!is_expanded(e, forms[i], numbers))
      return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                      "the device makes other numbers of charts than it should (self-test of the kernels of images): "
                      "update its driver");
  }
  return TLW_OK;
}

static tlw_status test_expansion(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  struct tlw_block numbers = {0};
  tlw_error failure;
  struct expanding *e = tlw_memory_alloc(memory, sizeof *e, "the self-test", &failure);
  if (!e) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = tlw_gpu_staging_open(state, &numbers, NUMBERS_SIZE, error);
  if (status == TLW_OK) status = expand_and_compare(state, e, numbers.data, error);
  tlw_gpu_staging_close(state, &numbers);
  tlw_memory_free(memory, e, sizeof *e);
  return status;
}

/* ---- both ---- */

/* More than the other test needs. */
uint64_t tlw_gpu_selftest_images_bytes(bool unified) {
  uint64_t needed = 0;
  for (int i = 0; i < TLW_SELFTEST_IMAGE_CASES; i++) {
    const struct tlw_images_job job = form_of(i);
    const uint64_t bytes = tlw_gpu_images_bytes(unified, &job);
    if (bytes > needed) needed = bytes;
  }
  return tlw_memory_counted(sizeof(struct tlw_selftest_images)) + needed;
}

tlw_status tlw_gpu_selftest_images(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  struct tlw_selftest_images *test = tlw_memory_alloc(memory, sizeof *test, "the self-test", &failure);
  if (!test) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = draw_and_compare(state, test, error);
  tlw_memory_free(memory, test, sizeof *test);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  if (status == TLW_OK) status = test_expansion(state, error);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  return status;
}
