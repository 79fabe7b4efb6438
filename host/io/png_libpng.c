/* PNG files by libpng and zlib, whose versions their bytes follow. */
#include <inttypes.h>
#include <png.h>
#include <stdbool.h>
#include <zlib.h>

#include "host/base/error.h"
#include "host/base/heap.h"
#include "png_coder.h"

#define CHUNK_SIZE 32768     /* bytes of compressed data in an IDAT chunk */
#define DEFLATE_SIZE 368640u /* zlib takes 270 KB, zlib-ng, whose hash table is larger, 355 KB */
#define STRUCTS_SIZE 8192u   /* libpng's own, of which the largest has 1.3 KB, and their palettes */
#define ROW_BUFFERS 3u       /* the row, the row above and the filtered row */

struct libpng {
  struct tlw_png_job *job;
  png_structp png;
  png_infop info;
  struct tlw_room room;
  _Alignas(TLW_ROOM_ALIGN) uint8_t bytes[];
};

static size_t room_size(int32_t width) {
  return DEFLATE_SIZE + STRUCTS_SIZE + CHUNK_SIZE + ROW_BUFFERS * ((size_t)width + 2 * TLW_ROOM_ALIGN);
}

static size_t libpng_state_size(int32_t width, int32_t height, int32_t n_colors) {
  (void)height;
  (void)n_colors;
  return (size_t)tlw_memory_counted(sizeof(struct libpng) + room_size(width));
}

static uint64_t libpng_beside(void) { return 0; }

static size_t libpng_bound(int32_t width, int32_t height, int32_t n_colors) {
  /* Of the level and memory that libpng uses too. */
  const size_t packed = compressBound((uLong)tlw_png_raw_size(width, height, n_colors));
  return tlw_png_frame_size(n_colors) + packed + (packed / CHUNK_SIZE + 1) * TLW_PNG_AROUND_DATA;
}

/* libpng wants a function that does not return. The first fault is the one that is told. */
static void on_error(png_structp png, png_const_charp message) {
  struct libpng *l = png_get_error_ptr(png);
  tlw_error *failure = &l->job->failure;
  if (failure->code == TLW_OK) *failure = l->room.failure;
  if (failure->code == TLW_OK) tlw_fail(failure, TLW_ERR_INTERNAL, "libpng could not encode the image: %s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
  struct libpng *l = png_get_mem_ptr(png);
  return tlw_room_alloc(&l->room, size);
}

static void on_free(png_structp png, png_voidp pointer) {
  struct libpng *l = png_get_mem_ptr(png);
  tlw_room_free(&l->room, pointer);
}

static void on_write(png_structp png, png_bytep data, size_t size) {
  const struct libpng *l = png_get_io_ptr(png);
  if (!tlw_png_give(l->job, data, size)) png_error(png, "writing failed");
}

static void on_flush(png_structp png) { (void)png; }

static bool is_row_valid(const struct tlw_png_job *job, const uint8_t *row) {
  uint8_t most = 0;
  for (int32_t x = 0; x < job->width; x++) most = row[x] > most ? row[x] : most;
  return most < job->n_colors;
}

static void put_header(struct libpng *l) {
  const struct tlw_png_job *job = l->job;
  png_color palette[PNG_MAX_PALETTE_LENGTH];
  for (int32_t i = 0; i < job->n_colors; i++)
    palette[i] = (png_color){job->rgb[3 * i], job->rgb[3 * i + 1], job->rgb[3 * i + 2]};
  png_set_IHDR(l->png, l->info, (png_uint_32)job->width, (png_uint_32)job->height, tlw_png_depth(job->n_colors),
               PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(l->png, l->info, palette, job->n_colors);
  png_set_filter(l->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(l->png, 6);
  png_set_compression_buffer_size(l->png, CHUNK_SIZE);
  png_set_check_for_invalid_index(l->png, 0); /* is_row_valid does it */
  png_write_info(l->png, l->info);
  png_set_packing(l->png);
}

static void put_rows(struct libpng *l, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  struct tlw_png_job *job = l->job;
  for (int32_t i = 0; i < rows; i++) {
    const uint8_t *row = pixels + (size_t)i * row_stride;
    if (!is_row_valid(job, row)) {
      tlw_png_fail_pixel(job, row);
      return;
    }
    png_write_row(l->png, row);
    job->y++;
  }
  if (job->y == job->height) png_write_end(l->png, l->info);
}

/* These two leave a fault in the job; nothing of theirs is used after a jump. */
static void try_header(struct libpng *l) {
  if (setjmp(png_jmpbuf(l->png)) == 0) put_header(l);
}

static void try_rows(struct libpng *l, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  if (setjmp(png_jmpbuf(l->png)) == 0) put_rows(l, pixels, row_stride, rows);
}

static void libpng_begin(void *state, struct tlw_png_job *job) {
  struct libpng *l = state;
  *l = (struct libpng){.job = job};
  l->room = (struct tlw_room){
      .memory = job->memory, .what = "encoding a PNG image", .bytes = l->bytes, .size = room_size(job->width)};
  l->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, l, on_error, on_warning, l, on_malloc, on_free);
  if (l->png) l->info = png_create_info_struct(l->png);
  if (l->info) {
    png_set_write_fn(l->png, l, on_write, on_flush);
    try_header(l);
  } else if (job->failure.code == TLW_OK) {
    job->failure = l->room.failure;
  }
}

static void libpng_rows(void *state, struct tlw_png_job *job, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  (void)job;
  try_rows(state, pixels, row_stride, rows);
}

static void libpng_end(void *state, struct tlw_png_job *job) {
  struct libpng *l = state;
  (void)job;
  png_destroy_write_struct(&l->png, &l->info);
}

const struct tlw_png_coder tlw_png_libpng = {libpng_state_size, libpng_beside, libpng_bound,
                                             libpng_begin,      libpng_rows,   libpng_end};
