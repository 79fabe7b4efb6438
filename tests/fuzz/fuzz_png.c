/*
 * From raster to file to raster: libpng reads what was drawn, the bytes are those of the plain encoder of the tests,
 * within the bound, whole or in bands. Six bytes say what the raster is, the others are its pixels.
 */
#include <png.h>
#include <string.h>

#include "fuzz.h"
#include "host/io/png_encoder.h"
#include "tests/png_reference.h"

#define MOST_WIDTH 1200u
#define MOST_HEIGHT 300u
#define HEAD 6

struct raster {
  tlw_png_image image;
  uint8_t *pixels;
  uint8_t rgb[3 * 256];
};

static uint32_t number_of(const uint8_t *data) { return data[0] | (uint32_t)data[1] << 8; }

/* Pixels behind the end of the data are those of the row above, so that a short input can be a large chart. */
static void make_raster(struct raster *r, const uint8_t *data, size_t size) {
  const uint32_t width = 1 + number_of(data) % MOST_WIDTH, height = 1 + number_of(data + 2) % MOST_HEIGHT;
  const uint32_t n_colors = 1 + data[4];
  const uint8_t *source = data + HEAD;
  size_t left = size - HEAD;
  r->pixels = malloc((size_t)width * height);
  FUZZ_CHECK(r->pixels);
  for (size_t i = 0; i < (size_t)width * height; i++) {
    r->pixels[i] = left > 0 ? (uint8_t)(*source % n_colors) : i >= width ? r->pixels[i - width] : 0;
    if (left > 0) source++, left--;
  }
  for (size_t i = 0; i < sizeof r->rgb; i++) r->rgb[i] = (uint8_t)(i * 7);
  r->image = (tlw_png_image){r->pixels, width, (int32_t)width, (int32_t)height, r->rgb, (int32_t)n_colors};
}

struct file {
  uint8_t *bytes;
  size_t size, capacity;
};

static tlw_status take(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  struct file *f = context;
  (void)error;
  FUZZ_CHECK(size <= f->capacity - f->size);
  memcpy(f->bytes + f->size, bytes, size);
  f->size += size;
  return TLW_OK;
}

static void encode(const tlw_png_image *image, int32_t band, struct file *f) {
  struct tlw_png_encoder *encoder;
  tlw_error error;
  f->size = 0;
  f->capacity = tlw_png_encoder_bound(TLW_PNG_FAST, image->width, image->height, image->n_colors);
  f->bytes = malloc(f->capacity);
  FUZZ_CHECK(f->bytes);
  FUZZ_CHECK(tlw_png_encoder_open(&encoder, image, TLW_PNG_FAST, NULL, take, f, &error) == TLW_OK);
  for (int32_t y = 0; y < image->height; y += band) {
    const int32_t rows = image->height - y < band ? image->height - y : band;
    const uint8_t *pixels = image->pixels + (size_t)y * image->row_stride;
    FUZZ_CHECK(tlw_png_encoder_rows(encoder, pixels, image->row_stride, rows, &error) == TLW_OK);
  }
  tlw_png_encoder_close(&encoder);
}

static void read_bytes(png_structp png, png_bytep out, size_t size) {
  struct file *f = png_get_io_ptr(png);
  FUZZ_CHECK(size <= f->size);
  memcpy(out, f->bytes, size);
  f->bytes += size;
  f->size -= size;
}

static void fail_read(png_structp png, png_const_charp message) {
  (void)png;
  fprintf(stderr, "libpng: %s\n", message);
  abort();
}

static void check_pixels(const tlw_png_image *image, struct file file) {
  static uint8_t row[MOST_WIDTH];
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, fail_read, fail_read);
  png_infop info = png_create_info_struct(png);
  FUZZ_CHECK(png && info);
  png_set_read_fn(png, &file, read_bytes);
  png_read_info(png, info);
  FUZZ_CHECK(png_get_image_width(png, info) == (uint32_t)image->width);
  FUZZ_CHECK(png_get_image_height(png, info) == (uint32_t)image->height);
  png_set_packing(png);
  for (int32_t y = 0; y < image->height; y++) {
    png_read_row(png, row, NULL);
    FUZZ_CHECK(memcmp(row, image->pixels + (size_t)y * image->row_stride, (size_t)image->width) == 0);
  }
  png_read_end(png, info);
  FUZZ_CHECK(file.size == 0);
  png_destroy_read_struct(&png, &info, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEAD) return 0;
  struct raster r;
  struct file whole, bands;
  make_raster(&r, data, size);
  encode(&r.image, r.image.height, &whole);
  encode(&r.image, 1 + data[5] % 50, &bands);
  size_t expected_size = 0;
  uint8_t *expected = png_reference(&r.image, &expected_size);
  FUZZ_CHECK(whole.size == expected_size && memcmp(whole.bytes, expected, expected_size) == 0);
  FUZZ_CHECK(bands.size == expected_size && memcmp(bands.bytes, expected, expected_size) == 0);
  check_pixels(&r.image, whole);
  free(expected);
  free(whole.bytes);
  free(bands.bytes);
  free(r.pixels);
  return 0;
}
