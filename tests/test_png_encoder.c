/* The PNG encoder by libpng: the bytes of plain libpng, memory that is counted and planned, faults of the taker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/io/png_encoder.h"

#define GUARD 0xa5
#define GUARD_SIZE 64

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t n) { return (size_t)((random_u64() >> 11) % n); }

typedef struct picture {
  tlw_png_image image;
  uint8_t *pixels;
  uint8_t rgb[3 * 256];
} picture;

/* Noise (run 1) or runs of one colour, in rows with a gap of bytes that are no indices. */
static void make_picture(picture *p, int32_t width, int32_t height, int32_t n_colors, size_t gap, size_t run) {
  const size_t stride = (size_t)width + gap;
  p->pixels = malloc(stride * (size_t)height);
  assert_non_null(p->pixels);
  memset(p->pixels, 0xff, stride * (size_t)height);
  uint8_t color = 0;
  for (int32_t y = 0; y < height; y++)
    for (int32_t x = 0; x < width; x++) {
      if (random_below(run) == 0) color = (uint8_t)random_below((size_t)n_colors);
      p->pixels[(size_t)y * stride + (size_t)x] = color;
    }
  for (size_t i = 0; i < sizeof p->rgb; i++) p->rgb[i] = (uint8_t)random_u64();
  p->image = (tlw_png_image){p->pixels, stride, width, height, p->rgb, n_colors};
}

typedef struct sink {
  uint8_t *bytes;
  size_t capacity, used;
  size_t calls, failing_call; /* 0: none */
} sink;

static tlw_status take(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  sink *s = context;
  if (++s->calls == s->failing_call) return tlw_fail_native(error, TLW_ERR_IO, 4711, "call %zu is struck", s->calls);
  assert_true(size <= s->capacity - s->used);
  memcpy(s->bytes + s->used, bytes, size);
  s->used += size;
  return TLW_OK;
}

static uint64_t bytes_of(const tlw_png_image *image) {
  return tlw_png_encoder_bytes(TLW_PNG_LIBPNG, image->width, image->height, image->n_colors);
}

static void open_sink(sink *s, const tlw_png_image *image) {
  const size_t capacity = tlw_png_encoder_bound(TLW_PNG_LIBPNG, image->width, image->height, image->n_colors);
  *s = (sink){.bytes = malloc(capacity), .capacity = capacity};
  assert_non_null(s->bytes);
}

/* --- Plain libpng ----------------------------------------------------------------------------------------------- */

typedef struct plain {
  sink sink;
  uint64_t current, peak; /* bytes that libpng and zlib hold, as tlw_memory would count them */
} plain;

static png_voidp plain_malloc(png_structp png, png_alloc_size_t size) {
  plain *p = png_get_mem_ptr(png);
  max_align_t *block = malloc(sizeof(max_align_t) + size);
  assert_non_null(block);
  memcpy(block, &size, sizeof size);
  p->current += tlw_memory_counted(size);
  if (p->current > p->peak) p->peak = p->current;
  return block + 1;
}

static void plain_free(png_structp png, png_voidp pointer) {
  plain *p = png_get_mem_ptr(png);
  max_align_t *block = (max_align_t *)pointer - 1;
  size_t size;
  memcpy(&size, block, sizeof size);
  p->current -= tlw_memory_counted(size);
  free(block);
}

static void plain_fail(png_structp png, png_const_charp message) {
  (void)png;
  fail_msg("libpng: %s", message);
}

static void plain_write(png_structp png, png_bytep data, size_t size) {
  plain *p = png_get_io_ptr(png);
  assert_int_equal(take(&p->sink, data, size, NULL), TLW_OK);
}

static void plain_flush(png_structp png) { (void)png; }

static int expected_depth(int32_t n_colors) { return n_colors <= 2 ? 1 : n_colors <= 4 ? 2 : n_colors <= 16 ? 4 : 8; }

static void encode_plain(const tlw_png_image *image, plain *p) {
  *p = (plain){0};
  open_sink(&p->sink, image);
  png_structp png =
      png_create_write_struct_2(PNG_LIBPNG_VER_STRING, p, plain_fail, plain_fail, p, plain_malloc, plain_free);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, p, plain_write, plain_flush);
  png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, expected_depth(image->n_colors),
               PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  const int n = image->n_colors;
  png_color palette[256];
  for (int i = 0; i < n; i++) palette[i] = (png_color){image->rgb[3 * i], image->rgb[3 * i + 1], image->rgb[3 * i + 2]};
  png_set_PLTE(png, info, palette, n);
  png_set_filter(png, 0, PNG_FILTER_UP);
  png_set_compression_level(png, 6);
  png_set_compression_buffer_size(png, 32768);
  png_write_info(png, info);
  png_set_packing(png);
  for (int32_t y = 0; y < image->height; y++) png_write_row(png, image->pixels + (size_t)y * image->row_stride);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  assert_int_equal(p->current, 0);
}

/* --- Bytes ------------------------------------------------------------------------------------------------------ */

static void give_rows(struct tlw_png_encoder *encoder, const tlw_png_image *image, size_t most) {
  for (int32_t y = 0; y < image->height;) {
    int32_t rows = (int32_t)random_below(most + 1);
    if (rows > image->height - y) rows = image->height - y;
    tlw_error error;
    const uint8_t *pixels = image->pixels + (size_t)y * image->row_stride;
    if (tlw_png_encoder_rows(encoder, pixels, image->row_stride, rows, &error) != TLW_OK) fail_msg("%s", error.message);
    y += rows;
  }
}

/* Rows in groups of any size, also of none, give the bytes of libpng, within the memory that was said. */
static void check_encoder(const tlw_png_image *image, size_t most) {
  plain p;
  encode_plain(image, &p);
  sink s;
  open_sink(&s, image);
  const uint64_t bytes = bytes_of(image);
  struct tlw_memory memory = {.budget = bytes};
  struct tlw_png_encoder *encoder = NULL;
  tlw_error error;
  const tlw_png_image shape = {NULL, 0, image->width, image->height, image->rgb, image->n_colors};
  if (tlw_png_encoder_open(&encoder, &shape, TLW_PNG_LIBPNG, &memory, take, &s, &error) != TLW_OK)
    fail_msg("%s", error.message);
  give_rows(encoder, image, most);
  tlw_png_encoder_close(&encoder);
  assert_null(encoder);
  assert_int_equal(s.used, p.sink.used);
  assert_memory_equal(s.bytes, p.sink.bytes, s.used);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  assert_in_range(tlw_gauge_read(&memory.bytes).peak, p.peak, bytes);
  free(s.bytes);
  free(p.sink.bytes);
}

static void test_bytes(void **state) {
  (void)state;
  for (int i = 0; i < 300; i++) {
    picture p;
    make_picture(&p, 1 + (int32_t)random_below(200), 1 + (int32_t)random_below(60), 1 + (int32_t)random_below(256),
                 random_below(5), 1 + random_below(40));
    check_encoder(&p.image, 1 + random_below(20));
    free(p.pixels);
  }
  picture p;
  make_picture(&p, 1920, 1080, 7, 0, 200);
  check_encoder(&p.image, 64);
  free(p.pixels);
}

/* The memory that is said is enough at any width and depth, and no more than twice what libpng and zlib take. */
static void test_memory(void **state) {
  (void)state;
  static const int32_t widths[] = {1,   2,   3,   7,    8,    9,    15,   16,   17,   63,    64,    65,
                                   255, 256, 257, 1000, 1920, 3840, 5000, 8191, 8192, 12000, 16383, 16384};
  static const int32_t colors[] = {2, 4, 16, 256};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
    for (size_t k = 0; k < sizeof colors / sizeof *colors; k++) {
      const int32_t enough = 160000 / widths[i] + 2; /* rows that fill zlib's window at any depth */
      picture p;
      make_picture(&p, widths[i], enough < 16384 ? enough : 16384, colors[k], 0, 3);
      check_encoder(&p.image, 1000);
      plain q;
      encode_plain(&p.image, &q);
      const uint64_t said = bytes_of(&p.image);
      if (said > 2 * q.peak) fail_msg("width %d: %" PRIu64 " said, %" PRIu64 " needed", widths[i], said, q.peak);
      free(q.sink.bytes);
      free(p.pixels);
    }
}

static void test_budget(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 300, 200, 7, 0, 9);
  const uint64_t bytes = bytes_of(&p.image);
  struct tlw_memory memory = {.budget = bytes - 1};
  sink s;
  open_sink(&s, &p.image);
  struct tlw_png_encoder *encoder = (struct tlw_png_encoder *)(uintptr_t)1;
  tlw_error error;
  assert_int_equal(tlw_png_encoder_open(&encoder, &p.image, TLW_PNG_LIBPNG, &memory, take, &s, &error), TLW_ERR_BUDGET);
  assert_null(encoder);
  assert_int_equal(error.bytes, bytes);
  assert_int_equal(tlw_png_encoder_open(&encoder, &p.image, TLW_PNG_LIBPNG, &memory, take, &s, NULL), TLW_ERR_BUDGET);
  size_t size = 4711;
  assert_int_equal(tlw_png_encode_counted(&p.image, TLW_PNG_LIBPNG, &memory, s.bytes, s.capacity, &size, &error),
                   TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, bytes);
  assert_int_equal(size, 4711);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  memory.budget = bytes;
  assert_int_equal(tlw_png_encode_counted(&p.image, TLW_PNG_LIBPNG, &memory, s.bytes, s.capacity, &size, &error),
                   TLW_OK);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  assert_int_equal(tlw_gauge_read(&memory.bytes).peak, bytes);
  plain q;
  encode_plain(&p.image, &q);
  assert_int_equal(size, q.sink.used);
  assert_memory_equal(s.bytes, q.sink.bytes, size);
  assert_int_equal(tlw_png_encode_counted(&p.image, TLW_PNG_LIBPNG, &memory, s.bytes, size - 1, &size, &error),
                   TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, tlw_png_bound(300, 200));
  free(q.sink.bytes);
  free(s.bytes);
  free(p.pixels);
}

/* --- The bound -------------------------------------------------------------------------------------------------- */

/* Encodes into exactly the bound of the image, guarded. */
static size_t check_bound(const tlw_png_image *image) {
  const size_t bound = tlw_png_encoder_bound(TLW_PNG_LIBPNG, image->width, image->height, image->n_colors);
  uint8_t *out = malloc(bound + GUARD_SIZE);
  assert_non_null(out);
  memset(out + bound, GUARD, GUARD_SIZE);
  size_t size = 0;
  tlw_error error;
  if (tlw_png_encode_counted(image, TLW_PNG_LIBPNG, NULL, out, bound, &size, &error) != TLW_OK)
    fail_msg("%d x %d, %d colours: %s", image->width, image->height, image->n_colors, error.message);
  for (size_t i = 0; i < GUARD_SIZE; i++) assert_int_equal(out[bound + i], GUARD);
  free(out);
  return size;
}

/*
 * Rows whose differences from the row above are noise with repeats of 3 or 4 bytes strewn in, near and far, of bytes
 * that the fixed code of deflate makes longer: where compression gains least and still is not stored.
 */
static void make_adverse(picture *p, int32_t width, int32_t height, size_t one_in, size_t distance) {
  make_picture(p, width, height, 256, 0, 1);
  const size_t size = (size_t)width * (size_t)height;
  uint8_t *deltas = malloc(size);
  assert_non_null(deltas);
  for (size_t i = 0; i < size; i++) deltas[i] = (uint8_t)(144 + random_below(112));
  for (size_t i = distance + 4; i + 4 < size; i += 4 + random_below(one_in))
    memcpy(deltas + i, deltas + i - 4 - random_below(distance), 3 + random_below(2));
  for (size_t i = 0; i < size; i++)
    p->pixels[i] = (uint8_t)(deltas[i] + (i < (size_t)width ? 0 : p->pixels[i - (size_t)width]));
  free(deltas);
}

static void test_bound(void **state) {
  (void)state;
  static const int32_t sizes[][2] = {{1, 1},     {1, 2},     {100, 1},   {1, 16384},  {16384, 1},
                                     {16384, 3}, {255, 1},   {180, 180}, {127, 128},  {126, 128},
                                     {1023, 16}, {1000, 33}, {40, 4000}, {1024, 768}, {16384, 40}};
  static const int32_t colors[] = {2, 4, 16, 256};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t k = 0; k < sizeof colors / sizeof *colors; k++) {
      picture p;
      make_picture(&p, sizes[i][0], sizes[i][1], colors[k], 0, 1);
      check_bound(&p.image);
      const int32_t bits = sizes[i][0] * expected_depth(colors[k]);
      const size_t packed = (size_t)(1 + (bits + 7) / 8) * (size_t)sizes[i][1];
      const size_t bound = tlw_png_encoder_bound(TLW_PNG_LIBPNG, sizes[i][0], sizes[i][1], colors[k]);
      assert_in_range(bound, packed, packed + packed / 1000 + 1000);
      assert_true(bound <= tlw_png_bound(sizes[i][0], sizes[i][1]));
      free(p.pixels);
    }
  static const size_t distances[] = {8, 1000, 4000, 5000, 32000};
  for (size_t i = 0; i < sizeof distances / sizeof *distances; i++)
    for (size_t one_in = 1; one_in <= 64; one_in *= 4) {
      picture p;
      make_adverse(&p, 500, 300, one_in, distances[i]);
      check_bound(&p.image);
      free(p.pixels);
    }
}

/* --- Faults ------------------------------------------------------------------------------------------------------- */

/* Whichever call of take fails, its code and words come back, now and later, and take is not called again. */
static void test_take_fails(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 400, 300, 256, 0, 1);
  bool complete = false;
  for (size_t nth = 1; !complete; nth++) {
    sink s;
    open_sink(&s, &p.image);
    s.failing_call = nth;
    struct tlw_memory memory = {.budget = UINT64_MAX};
    struct tlw_png_encoder *encoder = NULL;
    tlw_error error, again;
    memset(&error, 0, sizeof error);
    tlw_status status = tlw_png_encoder_open(&encoder, &p.image, TLW_PNG_LIBPNG, &memory, take, &s, &error);
    for (int32_t y = 0; y < 300 && status == TLW_OK; y += 30)
      status = tlw_png_encoder_rows(encoder, p.pixels + (size_t)y * 400, 400, 30, &error);
    complete = status == TLW_OK;
    if (!complete) {
      char words[64];
      snprintf(words, sizeof words, "call %zu is struck", nth);
      assert_int_equal(status, TLW_ERR_IO);
      assert_int_equal(error.native, 4711);
      assert_string_equal(error.message, words);
      if (encoder) {
        assert_int_equal(tlw_png_encoder_rows(encoder, p.pixels, 400, 1, &again), TLW_ERR_IO);
        assert_memory_equal(&again, &error, sizeof error);
      }
      assert_int_equal(s.calls, nth);
    }
    tlw_png_encoder_close(&encoder);
    assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
    free(s.bytes);
    assert_true(nth < 1000);
  }
  free(p.pixels);
}

/* The row of a bad pixel is that of the image, and the rows are refused from there on. */
static void test_bad_pixel(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 50, 40, 9, 2, 3);
  p.pixels[33 * 52 + 17] = 9;
  sink s;
  open_sink(&s, &p.image);
  struct tlw_png_encoder *encoder = NULL;
  tlw_error error;
  assert_int_equal(tlw_png_encoder_open(&encoder, &p.image, TLW_PNG_LIBPNG, NULL, take, &s, &error), TLW_OK);
  assert_int_equal(tlw_png_encoder_rows(encoder, p.pixels, 52, 30, &error), TLW_OK);
  assert_int_equal(tlw_png_encoder_rows(encoder, p.pixels + 30 * 52, 52, 10, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "the pixel at column 17, row 33 is 9: it must be less than n_colors, 9");
  assert_int_equal(tlw_png_encoder_rows(encoder, p.pixels, 52, 1, NULL), TLW_ERR_ARGUMENT);
  tlw_png_encoder_close(&encoder);
  tlw_png_encoder_close(&encoder);
  tlw_png_encoder_close(NULL);
  free(s.bytes);
  free(p.pixels);
}

/* --- Room ------------------------------------------------------------------------------------------------------- */

/* What has no place in the room is counted by itself, and given back; what is refused leaves its reason. */
static void test_room(void **state) {
  (void)state;
  _Alignas(TLW_ROOM_ALIGN) uint8_t bytes[4096];
  for (int counted = 0; counted < 2; counted++) {
    struct tlw_memory memory = {.budget = 100000};
    struct tlw_room room = {.memory = counted ? &memory : NULL, .what = "a test", .bytes = bytes, .size = sizeof bytes};
    uint8_t *blocks[60];
    size_t sizes[60], inside = 0;
    for (int i = 0; i < 60; i++) {
      sizes[i] = random_below(400);
      blocks[i] = tlw_room_alloc(&room, sizes[i]);
      assert_non_null(blocks[i]);
      assert_int_equal((uintptr_t)blocks[i] % TLW_ROOM_ALIGN, 0);
      memset(blocks[i], i, sizes[i]);
      inside += blocks[i] >= bytes && blocks[i] < bytes + sizeof bytes;
    }
    assert_in_range(inside, 10, 50);
    for (int i = 0; i < 60; i++)
      for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(blocks[i][k], i);
    assert_int_equal(room.failure.code, TLW_OK);
    if (counted) {
      assert_true(tlw_gauge_read(&memory.bytes).current > 2000);
      assert_null(tlw_room_alloc(&room, 100000));
      assert_int_equal(room.failure.code, TLW_ERR_BUDGET);
      assert_non_null(strstr(room.failure.message, "a test"));
    }
    for (int i = 0; i < 60; i++) tlw_room_free(&room, blocks[i]);
    tlw_room_free(&room, NULL);
    assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  }
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

/* Memory that is placed for the most colours does for fewer, whose segments have other rows. */
static void test_placed_size(void **state) {
  (void)state;
  static const int32_t fewer[] = {1, 2, 3, 4, 5, 16, 17, 255};
  for (int32_t width = 1; width <= 16384; width++)
    for (size_t i = 0; i < sizeof fewer / sizeof *fewer; i++)
      assert_true(tlw_png_encoder_placed_size(width, 16, fewer[i]) <= tlw_png_encoder_placed_size(width, 16, 256));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes), cmocka_unit_test(test_memory),      cmocka_unit_test(test_budget),
      cmocka_unit_test(test_bound), cmocka_unit_test(test_take_fails),  cmocka_unit_test(test_bad_pixel),
      cmocka_unit_test(test_room),  cmocka_unit_test(test_placed_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
