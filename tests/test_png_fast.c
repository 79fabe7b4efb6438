/*
 * Tallow's own PNG files: byte for byte those of a plain encoder that was written from the header, on every tier, with
 * rows in groups of any size; within the bound, with memory that is planned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/io/png_encoder.h"
#include "host/io/png_tier.h"
#include "kernels/core/png.h"
#include "png_kit.h"
#include "png_reference.h"
#include "series.h"

#define GUARD 0xa5
#define GUARD_SIZE 64
#define MOST_TIERS 4

extern const struct tlw_png_tier tlw_png_tier_portable;

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static rng randoms = {0x9e3779b97f4a7c15};

static uint64_t random_u64(void) { return rng_next(&randoms); }
static size_t random_below(size_t n) { return (size_t)rng_below(&randoms, n); }

/* Tiers of this CPU, by the names that TALLOW_CPU_TIER takes. */
static const char *tier_names[MOST_TIERS];
static size_t n_tiers;

static int find_tiers(void **state) {
  static const char *const names[] = {"baseline", "avx2", "avx512"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    setenv("TALLOW_CPU_TIER", names[i], 1);
    const struct tlw_png_tier *tier = tlw_png_tier();
    if (i == 0 || strcmp(tier->name, names[i]) == 0) tier_names[n_tiers++] = names[i];
  }
  unsetenv("TALLOW_CPU_TIER");
  return 0;
}

/* --- Pictures --------------------------------------------------------------------------------------------------- */

typedef struct picture {
  tlw_png_image image;
  uint8_t *pixels;
  uint8_t rgb[3 * 256];
} picture;

static void open_picture(picture *p, int32_t width, int32_t height, int32_t n_colors, size_t gap) {
  const size_t stride = (size_t)width + gap, size = stride * (size_t)height;
  p->pixels = malloc(size);
  assert_non_null(p->pixels);
  memset(p->pixels, 0xff, size); /* bytes between rows are no colours */
  for (int32_t y = 0; y < height; y++) memset(p->pixels + (size_t)y * stride, 0, (size_t)width);
  for (size_t i = 0; i < sizeof p->rgb; i++) p->rgb[i] = (uint8_t)random_u64();
  p->image = (tlw_png_image){p->pixels, stride, width, height, p->rgb, n_colors};
}

static uint8_t *row_of(const picture *p, int32_t y) { return p->pixels + (size_t)y * p->image.row_stride; }

static uint8_t any_color(const picture *p) { return (uint8_t)random_below((size_t)p->image.n_colors); }

/* Columns that begin and end at some row, over rows that are alike: what charts are made of. */
static void draw_candles(picture *p, size_t n) {
  const size_t width = (size_t)p->image.width, height = (size_t)p->image.height;
  for (size_t i = 0; i < n; i++) {
    const size_t x = random_below(width), y = random_below(height), wide = 1 + random_below(9);
    const size_t high = 1 + random_below(height);
    const uint8_t color = any_color(p);
    for (size_t row = y; row < y + high && row < height; row++)
      for (size_t k = x; k < x + wide && k < width; k++) row_of(p, (int32_t)row)[k] = color;
  }
}

/* Rows of noise or of runs; each is that above once in `again`. */
static void draw_noise(picture *p, int32_t first, int32_t end, size_t run, size_t again) {
  uint8_t color = 0;
  for (int32_t y = first; y < end; y++) {
    if (y > 0 && random_below(again) == 0) {
      memcpy(row_of(p, y), row_of(p, y - 1), (size_t)p->image.width);
      continue;
    }
    for (int32_t x = 0; x < p->image.width; x++) {
      if (random_below(run) == 0) color = any_color(p);
      row_of(p, y)[x] = color;
    }
  }
}

/* Any picture, from quiet to hostile. */
static void draw_any(picture *p) {
  const int32_t height = p->image.height;
  switch (random_below(7)) {
  case 0:
    draw_noise(p, 0, height, 1, 100);
    break;
  case 1:
    draw_noise(p, 0, height, 1 + random_below(40), 2);
    break;
  case 2:
    draw_candles(p, 1 + random_below(60));
    break;
  case 3:
    memset(row_of(p, 0), any_color(p), (size_t)p->image.width);
    break;
  case 4: /* alternating */
    for (int32_t y = 0; y < height; y++)
      for (int32_t x = 0; x < p->image.width; x++) row_of(p, y)[x] = (uint8_t)((x + y) % 2 * (p->image.n_colors - 1));
    break;
  case 5: /* noise in the middle of a chart */
    draw_candles(p, 20);
    draw_noise(p, height / 3, height * 2 / 3, 1, 100);
    break;
  default:
    break; /* all equal */
  }
}

/* --- Encoding --------------------------------------------------------------------------------------------------- */

typedef struct sink {
  uint8_t *bytes;
  size_t capacity, used;
} sink;

static tlw_status take(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  sink *s = context;
  (void)error;
  assert_true(size <= s->capacity - s->used);
  memcpy(s->bytes + s->used, bytes, size);
  s->used += size;
  return TLW_OK;
}

/* In bands of up to `most` rows, each in memory of its own that is overwritten afterwards. */
static void encode_bands(const tlw_png_image *image, size_t most, sink *s) {
  struct tlw_memory memory = {.budget =
                                  tlw_png_encoder_bytes(TLW_PNG_FAST, image->width, image->height, image->n_colors)};
  const tlw_png_image shape = {NULL, 0, image->width, image->height, image->rgb, image->n_colors};
  struct tlw_png_encoder *encoder;
  tlw_error error;
  s->capacity = tlw_png_encoder_bound(TLW_PNG_FAST, image->width, image->height, image->n_colors);
  s->bytes = malloc(s->capacity);
  s->used = 0;
  assert_non_null(s->bytes);
  if (tlw_png_encoder_open(&encoder, &shape, TLW_PNG_FAST, &memory, take, s, &error) != TLW_OK)
    fail_msg("%s", error.message);
  for (int32_t y = 0; y < image->height;) {
    int32_t rows = (int32_t)random_below(most + 1);
    if (rows > image->height - y) rows = image->height - y;
    const size_t size = rows > 0 ? (size_t)(rows - 1) * image->row_stride + (size_t)image->width : 0;
    uint8_t *band = malloc(size + 1);
    assert_non_null(band);
    memcpy(band, image->pixels + (size_t)y * image->row_stride, size);
    if (tlw_png_encoder_rows(encoder, band, image->row_stride, rows, &error) != TLW_OK) fail_msg("%s", error.message);
    free(band);
    y += rows;
  }
  tlw_png_encoder_close(&encoder);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  assert_int_equal(tlw_gauge_read(&memory.bytes).peak, memory.budget);
}

static void check_same(const tlw_png_image *image, const char *what, const uint8_t *bytes, size_t size,
                       const uint8_t *expected, size_t expected_size) {
  if (size == expected_size && memcmp(bytes, expected, size) == 0) return;
  size_t at = 0;
  while (at < size && at < expected_size && bytes[at] == expected[at]) at++;
  fail_msg("%d x %d, %d colours, %s: %zu bytes, not %zu; the first that differs is %zu", image->width, image->height,
           image->n_colors, what, size, expected_size, at);
}

/* Bytes of a file that are its rows' and may not be exceeded, as the header has it. */
static size_t stated_bound(const tlw_png_image *image) {
  const size_t depth = image->n_colors <= 2 ? 1 : image->n_colors <= 4 ? 2 : image->n_colors <= 16 ? 4 : 8;
  const size_t row = 1 + ((size_t)image->width * depth + 7) / 8, height = (size_t)image->height;
  const size_t rows = row < 16384 ? 16384 / row : 1, segments = (height + rows - 1) / rows;
  const size_t stream = row * height + 8 + 6 * segments;
  return 57 + 3 * (size_t)image->n_colors + stream + 12 * ((stream + 32767) / 32768);
}

/* On each tier, whole and in bands, into poisoned memory of exactly the size: the reference's bytes. */
static void check_image(const tlw_png_image *image) {
  size_t size = 0;
  uint8_t *expected = png_reference(image, &size), *out = malloc(size + GUARD_SIZE);
  assert_non_null(out);
  assert_in_range(size, 1, stated_bound(image));
  assert_in_range(tlw_png_encoder_bound(TLW_PNG_FAST, image->width, image->height, image->n_colors), size,
                  stated_bound(image));
  for (size_t i = 0; i < n_tiers; i++) {
    setenv("TALLOW_CPU_TIER", tier_names[i], 1);
    size_t used = 4711;
    tlw_error error = {0};
    memset(out, GUARD, size + GUARD_SIZE);
    if (tlw_png_encode(image, NULL, out, size, &used, &error) != TLW_OK) fail_msg("%s", error.message);
    check_same(image, tier_names[i], out, used, expected, size);
    for (size_t k = 0; k < GUARD_SIZE; k++) assert_int_equal(out[size + k], GUARD);
    used = 4711;
    memset(out, GUARD, size + GUARD_SIZE);
    assert_int_equal(tlw_png_encode(image, NULL, out, size - 1, &used, &error), TLW_ERR_BUDGET);
    assert_int_equal(used, 4711);
    for (size_t k = size - 1; k < size + GUARD_SIZE; k++) assert_int_equal(out[k], GUARD);
    sink s;
    encode_bands(image, 1 + random_below(40), &s);
    check_same(image, "in bands", s.bytes, s.used, expected, size);
    free(s.bytes);
  }
  unsetenv("TALLOW_CPU_TIER");
  free(out);
  free(expected);
}

static void check_any(int32_t width, int32_t height, int32_t n_colors) {
  picture p;
  open_picture(&p, width, height, n_colors, random_below(4));
  draw_any(&p);
  check_image(&p.image);
  free(p.pixels);
}

/* --- Tests ------------------------------------------------------------------------------------------------------ */

static void test_tokens(void **state) {
  (void)state;
  for (int table = 0; table < 4; table++) {
    for (int byte = 0; byte < 256; byte++) {
      int count = 0;
      const uint32_t bits = png_reference_token(table, (uint8_t)byte, 0, &count),
                     token = tlk_png_literal((uint32_t)table, (uint32_t)byte);
      assert_int_equal(TLK_PNG_BITS(token), bits);
      assert_int_equal(TLK_PNG_COUNT(token), count);
    }
    for (int length = 3; length <= 258; length++) {
      int count = 0;
      const uint32_t bits = png_reference_token(table, 0, length, &count),
                     token = tlk_png_match((uint32_t)table, (uint32_t)length);
      assert_int_equal(TLK_PNG_BITS(token), bits);
      assert_int_equal(TLK_PNG_COUNT(token), count);
    }
  }
}

static void test_any(void **state) {
  (void)state;
  for (int i = 0; i < 2500; i++)
    check_any(1 + (int32_t)random_below(400), 1 + (int32_t)random_below(60), 1 + (int32_t)random_below(256));
  for (int i = 0; i < 1000; i++)
    check_any(1 + (int32_t)random_below(900), 1 + (int32_t)random_below(60), 1 + (int32_t)random_below(4));
}

static void test_every_palette(void **state) {
  (void)state;
  for (int32_t n_colors = 1; n_colors <= 256; n_colors++) check_any(37, 11, n_colors);
}

/* Widths about bytes, vectors, the longest match and its remainders, at each depth. */
static void test_widths(void **state) {
  (void)state;
  static const int32_t colors[] = {2, 4, 16, 256};
  static const int32_t bytes[] = {1,   2,   3,   4,   8,   15,  16,  17,  31,  32,  33,  63,  64,  65,  127,
                                  128, 129, 257, 258, 259, 260, 261, 262, 515, 516, 517, 518, 519, 520, 521};
  for (size_t k = 0; k < 4; k++)
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
      const int32_t in_byte = 8 >> k, width = bytes[i] * in_byte;
      check_any(width, 5, colors[k]);
      check_any(width - (int32_t)random_below((size_t)in_byte), 9, colors[k]);
      picture p; /* one run, and one that ends with the row */
      open_picture(&p, width, 3, colors[k], 0);
      memset(row_of(&p, 1), 1, (size_t)width);
      memset(row_of(&p, 2) + width / 2, 1, (size_t)(width - width / 2));
      check_image(&p.image);
      free(p.pixels);
    }
}

/* Segments that end where rows, chunks and stored blocks do; long and narrow pictures. */
static void test_segments(void **state) {
  (void)state;
  static const int32_t sizes[][3] = {{1, 1, 1},      {1, 16384, 256},    {16384, 1, 256},  {16384, 5, 200},
                                     {8191, 9, 256}, {8192, 9, 256},     {16383, 3, 256},  {63, 800, 256},
                                     {63, 1024, 2},  {126, 500, 4},      {1920, 108, 256}, {1920, 200, 4},
                                     {300, 400, 16}, {32767 / 7, 70, 17}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int again = 0; again < 3; again++) check_any(sizes[i][0], sizes[i][1], sizes[i][2]);
  picture p;
  open_picture(&p, 700, 300, 256, 1);
  for (int32_t y = 0; y < 300; y += 60) draw_noise(&p, y, y + 30, 1, 1000);
  check_image(&p.image);
  free(p.pixels);
}

/* Runs of each length that begin or end where a block of 64 bytes of a segment does, with nothing beside them. */
static void test_blocks(void **state) {
  (void)state;
  enum { WIDTH = 2000, ROW = WIDTH + 1, ROWS = 8, LENGTHS = 140 }; /* a segment has eight rows */
  picture p;
  open_picture(&p, WIDTH, 2 * LENGTHS, 256, 0);
  for (int32_t y = 0; y < 2 * LENGTHS; y++) {
    const int32_t at = y % ROWS * ROW + 1, edge = 1024 - at % 64, length = 1 + y / 2;
    memset(row_of(&p, y), 0, WIDTH);
    /* Every other row is bare: it has the run of the one above, elsewhere in its blocks. */
    if (y % 2 == 0) memset(row_of(&p, y) + (y % 4 ? edge : edge - length), 1 + y % 200, (size_t)length);
  }
  check_image(&p.image);
  free(p.pixels);
}

/* A chart pays for one header: more rows of it cost their tokens alone. */
static void test_one_header(void **state) {
  (void)state;
  picture p;
  size_t sizes[2];
  for (int i = 0; i < 2; i++) {
    open_picture(&p, 1920, 540 * (i + 1), 4, 0);
    uint8_t *out = malloc(tlw_png_bound(1920, 1080));
    assert_non_null(out);
    assert_int_equal(tlw_png_encode(&p.image, NULL, out, tlw_png_bound(1920, 1080), &sizes[i], NULL), TLW_OK);
    free(out);
    free(p.pixels);
  }
  assert_in_range(sizes[1] - sizes[0], 540, 540 * 3);
}

/* The loops of each tier, and those that use nothing of a CPU, against what they say. */
static void check_tier(const struct tlw_png_tier *tier) {
  for (uint64_t seed = 0; seed < 3000; seed++)
    if (!png_tier_agrees(tier, seed)) fail_msg("tier %s, seed %d", tier->name, (int)seed);
}

static void test_tiers(void **state) {
  (void)state;
  for (size_t i = 0; i < n_tiers; i++) {
    setenv("TALLOW_CPU_TIER", tier_names[i], 1);
    check_tier(tlw_png_tier());
  }
  unsetenv("TALLOW_CPU_TIER");
  check_tier(&tlw_png_tier_portable);
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tokens),        cmocka_unit_test(test_tiers),      cmocka_unit_test(test_any),
      cmocka_unit_test(test_widths),        cmocka_unit_test(test_segments),   cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_every_palette), cmocka_unit_test(test_one_header),
  };
  return cmocka_run_group_tests(tests, find_tiers, NULL);
}
