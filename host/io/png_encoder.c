#include "png_encoder.h"

#include <inttypes.h>
#include <png.h>
#include <stdbool.h>
#include <zlib.h>

#include "host/base/error.h"
#include "host/base/heap.h"

#define CHUNK_SIZE 32768     /* bytes of compressed data in an IDAT chunk */
#define DEFLATE_SIZE 368640u /* zlib takes 270 KB, zlib-ng, whose hash table is larger, 355 KB */
#define STRUCTS_SIZE 8192u   /* libpng's own, of which the largest has 1.3 KB, and their palettes */
#define ROW_BUFFERS 3u       /* the row, the row above and the filtered row */

struct tlw_png_encoder {
  struct tlw_memory *memory; /* or NULL */
  png_structp png;
  png_infop info;
  int32_t width, height, n_colors;
  int32_t y; /* of the next row */
  tlw_png_take_fn take;
  void *context;
  tlw_error failure; /* the code is TLW_OK before there is one */
  size_t size;       /* of all of this */
  struct tlw_room room;
  _Alignas(TLW_ROOM_ALIGN) uint8_t bytes[];
};

static size_t room_size(int32_t width) {
  return DEFLATE_SIZE + STRUCTS_SIZE + CHUNK_SIZE + ROW_BUFFERS * ((size_t)width + 2 * TLW_ROOM_ALIGN);
}

uint64_t tlw_png_encoder_bytes(int32_t width) {
  return tlw_memory_counted(sizeof(struct tlw_png_encoder) + room_size(width));
}

static int bit_depth(int32_t n_colors) {
  int depth = 1;
  while (n_colors > 1 << depth) depth *= 2;
  return depth;
}

size_t tlw_png_encoder_bound(int32_t width, int32_t height, int32_t n_colors) {
  const size_t row = 1 + ((size_t)width * (size_t)bit_depth(n_colors) + 7) / 8;
  const size_t packed = compressBound((uLong)(row * (size_t)height)); /* of the level and memory that libpng uses too */
  const size_t chunk = 12;                                            /* length, type and sum */
  const size_t header = 8 + chunk + 13 + chunk + 3 * (size_t)n_colors + chunk;
  return header + packed + (packed / CHUNK_SIZE + 1) * chunk;
}

/* libpng wants a function that does not return. The first fault is the one that is told. */
static void on_error(png_structp png, png_const_charp message) {
  struct tlw_png_encoder *e = png_get_error_ptr(png);
  if (e->failure.code == TLW_OK) e->failure = e->room.failure;
  if (e->failure.code == TLW_OK)
    tlw_fail(&e->failure, TLW_ERR_INTERNAL, "libpng could not encode the image: %s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
  struct tlw_png_encoder *e = png_get_mem_ptr(png);
  return tlw_room_alloc(&e->room, size);
}

static void on_free(png_structp png, png_voidp pointer) {
  struct tlw_png_encoder *e = png_get_mem_ptr(png);
  tlw_room_free(&e->room, pointer);
}

static void on_write(png_structp png, png_bytep data, size_t size) {
  struct tlw_png_encoder *e = png_get_io_ptr(png);
  const tlw_status status = e->take(e->context, data, size, &e->failure);
  if (status == TLW_OK) return;
  e->failure.code = status;
  png_error(png, "writing failed");
}

static void on_flush(png_structp png) { (void)png; }

static void fail_pixel(struct tlw_png_encoder *e, const uint8_t *row) {
  int32_t x = 0;
  while (row[x] < e->n_colors) x++;
  tlw_fail(&e->failure, TLW_ERR_ARGUMENT,
           "the pixel at column %" PRId32 ", row %" PRId32 " is %d: it must be less than n_colors, %" PRId32, x, e->y,
           row[x], e->n_colors);
}

static bool is_row_valid(const struct tlw_png_encoder *e, const uint8_t *row) {
  uint8_t most = 0;
  for (int32_t x = 0; x < e->width; x++) most = row[x] > most ? row[x] : most;
  return most < e->n_colors;
}

static void put_header(struct tlw_png_encoder *e, const uint8_t *rgb) {
  png_color palette[PNG_MAX_PALETTE_LENGTH];
  for (int32_t i = 0; i < e->n_colors; i++) palette[i] = (png_color){rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]};
  png_set_IHDR(e->png, e->info, (png_uint_32)e->width, (png_uint_32)e->height, bit_depth(e->n_colors),
               PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(e->png, e->info, palette, e->n_colors);
  png_set_filter(e->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(e->png, 6);
  png_set_compression_buffer_size(e->png, CHUNK_SIZE);
  png_set_check_for_invalid_index(e->png, 0); /* is_row_valid does it */
  png_write_info(e->png, e->info);
  png_set_packing(e->png);
}

static void put_rows(struct tlw_png_encoder *e, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  for (int32_t i = 0; i < rows; i++) {
    const uint8_t *row = pixels + (size_t)i * row_stride;
    if (!is_row_valid(e, row)) {
      fail_pixel(e, row);
      return;
    }
    png_write_row(e->png, row);
    e->y++;
  }
  if (e->y == e->height) png_write_end(e->png, e->info);
}

/* These two leave a fault in e->failure; nothing of theirs is used after a jump. */
static void try_header(struct tlw_png_encoder *e, const uint8_t *rgb) {
  if (setjmp(png_jmpbuf(e->png)) == 0) put_header(e, rgb);
}

static void try_rows(struct tlw_png_encoder *e, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  if (setjmp(png_jmpbuf(e->png)) == 0) put_rows(e, pixels, row_stride, rows);
}

static void begin(struct tlw_png_encoder *e, const uint8_t *rgb) {
  e->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, e, on_error, on_warning, e, on_malloc, on_free);
  if (e->png) e->info = png_create_info_struct(e->png);
  if (e->info) {
    png_set_write_fn(e->png, e, on_write, on_flush);
    try_header(e, rgb);
  } else if (e->failure.code == TLW_OK) {
    e->failure = e->room.failure;
  }
}

tlw_status tlw_png_encoder_open(struct tlw_png_encoder **encoder, const tlw_png_image *image, struct tlw_memory *memory,
                                tlw_png_take_fn take, void *context, tlw_error *error) {
  static const char what[] = "encoding a PNG image";
  *encoder = NULL;
  const size_t size = sizeof(struct tlw_png_encoder) + room_size(image->width);
  tlw_error failure;
  struct tlw_png_encoder *e = tlw_heap_alloc(memory, size, what, &failure);
  if (e) {
    *e = (struct tlw_png_encoder){.memory = memory,
                                  .width = image->width,
                                  .height = image->height,
                                  .n_colors = image->n_colors,
                                  .take = take,
                                  .context = context,
                                  .size = size};
    e->room = (struct tlw_room){.memory = memory, .what = what, .bytes = e->bytes, .size = room_size(image->width)};
    begin(e, image->rgb);
    failure = e->failure;
    if (failure.code != TLW_OK) tlw_png_encoder_close(&e);
  }
  *encoder = e;
  if (e) return TLW_OK;
  if (error) *error = failure;
  return failure.code;
}

tlw_status tlw_png_encoder_rows(struct tlw_png_encoder *encoder, const uint8_t *pixels, size_t row_stride, int32_t rows,
                                tlw_error *error) {
  if (encoder->failure.code == TLW_OK) try_rows(encoder, pixels, row_stride, rows);
  if (encoder->failure.code != TLW_OK && error) *error = encoder->failure;
  return encoder->failure.code;
}

void tlw_png_encoder_close(struct tlw_png_encoder **encoder) {
  if (!encoder || !*encoder) return;
  struct tlw_png_encoder *e = *encoder;
  png_destroy_write_struct(&e->png, &e->info);
  tlw_heap_free(e->memory, e, e->size);
  *encoder = NULL;
}
