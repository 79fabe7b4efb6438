#include "tallow/png.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <png.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/error.h"
#include "text.h"

#define MOST_SIDE 16384
#define CHUNK_SIZE 32768 /* bytes of compressed data in an IDAT chunk */
#define FILE_BUFFER_SIZE 16384
#define NAME_TRIES 100

/* Where the bytes go. write returns what tlw_fail gave. */
typedef struct sink {
  tlw_status (*write)(struct sink *sink, const uint8_t *data, size_t size, tlw_error *error);
} sink;

typedef struct encoder {
  const tlw_png_image *image;
  sink *sink;
  tlw_error *error;
  tlw_status status;
  bool out_of_memory;
  png_structp png;
  png_infop info;
} encoder;

static tlw_status check_image(const tlw_png_image *image, tlw_error *error) {
  if (!image || !image->pixels || !image->rgb)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "image, its pixels and its rgb must not be NULL");
  if (image->width < 1 || image->width > MOST_SIDE || image->height < 1 || image->height > MOST_SIDE)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the image is %" PRId32 " x %" PRId32 ": a side must be 1 to %d",
                    image->width, image->height, MOST_SIDE);
  if (image->row_stride < (size_t)image->width)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "row_stride is %zu: it must be at least the width, %" PRId32,
                    image->row_stride, image->width);
  if (image->n_colors < 1 || image->n_colors > PNG_MAX_PALETTE_LENGTH)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_colors is %" PRId32 ": it must be 1 to %d", image->n_colors,
                    PNG_MAX_PALETTE_LENGTH);
  return TLW_OK;
}

static int bit_depth(int32_t n_colors) {
  int depth = 1;
  while (n_colors > 1 << depth) depth *= 2;
  return depth;
}

/* libpng wants a function that does not return. The first fault is the one that is told. */
static void on_error(png_structp png, png_const_charp message) {
  encoder *e = png_get_error_ptr(png);
  if (e->status == TLW_OK && e->out_of_memory)
    e->status = tlw_fail(e->error, TLW_ERR_MEMORY, "no memory to encode a PNG image (libpng: %s)", message);
  else if (e->status == TLW_OK)
    e->status = tlw_fail(e->error, TLW_ERR_INTERNAL, "libpng could not encode the image: %s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
  encoder *e = png_get_mem_ptr(png);
  void *memory = malloc(size);
  if (!memory) e->out_of_memory = true;
  return memory;
}

static void on_free(png_structp png, png_voidp memory) {
  (void)png;
  free(memory);
}

static void on_write(png_structp png, png_bytep data, size_t size) {
  encoder *e = png_get_io_ptr(png);
  e->status = e->sink->write(e->sink, data, size, e->error);
  if (e->status != TLW_OK) png_error(png, "writing failed");
}

static void on_flush(png_structp png) { (void)png; }

static void fail_pixel(encoder *e, int32_t y, const uint8_t *row) {
  int32_t x = 0;
  while (row[x] < e->image->n_colors) x++;
  e->status =
      tlw_fail(e->error, TLW_ERR_ARGUMENT,
               "the pixel at column %" PRId32 ", row %" PRId32 " is %d: it must be less than n_colors, %" PRId32, x, y,
               row[x], e->image->n_colors);
}

static bool is_row_valid(const tlw_png_image *image, const uint8_t *row) {
  uint8_t most = 0;
  for (int32_t x = 0; x < image->width; x++) most = row[x] > most ? row[x] : most;
  return most < image->n_colors;
}

static void write_header(const encoder *e) {
  const tlw_png_image *image = e->image;
  png_color palette[PNG_MAX_PALETTE_LENGTH];
  for (int32_t i = 0; i < image->n_colors; i++)
    palette[i] = (png_color){image->rgb[3 * i], image->rgb[3 * i + 1], image->rgb[3 * i + 2]};
  png_set_IHDR(e->png, e->info, (png_uint_32)image->width, (png_uint_32)image->height, bit_depth(image->n_colors),
               PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(e->png, e->info, palette, image->n_colors);
  png_set_filter(e->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(e->png, 6);
  png_set_compression_buffer_size(e->png, CHUNK_SIZE);
  png_set_check_for_invalid_index(e->png, 0); /* is_row_valid does it */
  png_write_info(e->png, e->info);
  png_set_packing(e->png);
}

/* Leaves e->status; locals are not used after a jump. */
static void write_image(encoder *e) {
  if (setjmp(png_jmpbuf(e->png))) return;
  png_set_write_fn(e->png, e, on_write, on_flush);
  write_header(e);
  for (int32_t y = 0; y < e->image->height; y++) {
    const uint8_t *row = e->image->pixels + (size_t)y * e->image->row_stride;
    if (!is_row_valid(e->image, row)) {
      fail_pixel(e, y, row);
      return;
    }
    png_write_row(e->png, row);
  }
  png_write_end(e->png, e->info);
}

static tlw_status encode(const tlw_png_image *image, sink *target, tlw_error *error) {
  encoder e = {.image = image, .sink = target, .error = error};
  e.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &e, on_error, on_warning, &e, on_malloc, on_free);
  if (e.png) e.info = png_create_info_struct(e.png);
  if (e.info)
    write_image(&e);
  else if (e.status == TLW_OK)
    e.status = tlw_fail(error, TLW_ERR_MEMORY, "no memory to encode a PNG image");
  png_destroy_write_struct(&e.png, &e.info);
  return e.status;
}

size_t tlw_png_bound(int32_t width, int32_t height) {
  if (width < 1 || width > MOST_SIDE || height < 1 || height > MOST_SIDE) return 0;
  const size_t raw = ((size_t)width + 1) * (size_t)height;
  /* zlib's bound where neither the window nor stored blocks are counted on: 9 bits a byte and a little */
  const size_t packed = raw + raw / 8 + raw / 64 + 64;
  const size_t chunk = 12; /* length, type and sum */
  const size_t header = 8 + chunk + 13 + chunk + (size_t)3 * PNG_MAX_PALETTE_LENGTH + chunk;
  return header + packed + (packed / CHUNK_SIZE + 1) * chunk;
}

typedef struct memory_sink {
  sink base;
  uint8_t *out;
  size_t capacity;
  size_t used;
  size_t bound;
} memory_sink;

static tlw_status write_memory(sink *base, const uint8_t *data, size_t size, tlw_error *error) {
  memory_sink *s = (memory_sink *)base;
  if (size > s->capacity - s->used)
    return tlw_fail_budget(error, s->bound, "the PNG image does not fit in %zu bytes: %zu are enough (tlw_png_bound)",
                           s->capacity, s->bound);
  memcpy(s->out + s->used, data, size);
  s->used += size;
  return TLW_OK;
}

tlw_status tlw_png_encode(const tlw_png_image *image, uint8_t *out, size_t capacity, size_t *size, tlw_error *error) {
  tlw_status status = check_image(image, error);
  if (status != TLW_OK) return status;
  if (!out || !size) return tlw_fail(error, TLW_ERR_ARGUMENT, "out and size must not be NULL");
  memory_sink s = {
      .base = {write_memory}, .out = out, .capacity = capacity, .bound = tlw_png_bound(image->width, image->height)};
  status = encode(image, &s.base, error);
  if (status == TLW_OK) *size = s.used;
  return status;
}

typedef struct file_sink {
  sink base;
  const char *shown; /* the path, for messages */
  int fd;
  size_t used;
  uint8_t buffer[FILE_BUFFER_SIZE];
} file_sink;

static tlw_status fail_write(const char *shown, int code, tlw_error *error) {
  char reason[TLW_SHOWN_ERRNO_SIZE];
  return tlw_fail_native(error, TLW_ERR_IO, code,
                         "%s: can't write: %s: check the folder, its permissions and the free space", shown,
                         tlw_show_errno(reason, code));
}

static tlw_status flush_file(file_sink *s, tlw_error *error) {
  size_t done = 0;
  while (done < s->used) {
    const ssize_t n = write(s->fd, s->buffer + done, s->used - done);
    if (n >= 0)
      done += (size_t)n;
    else if (errno != EINTR)
      return fail_write(s->shown, errno, error);
  }
  s->used = 0;
  return TLW_OK;
}

static tlw_status write_file(sink *base, const uint8_t *data, size_t size, tlw_error *error) {
  file_sink *s = (file_sink *)base;
  while (size > 0) {
    if (s->used == FILE_BUFFER_SIZE) {
      const tlw_status status = flush_file(s, error);
      if (status != TLW_OK) return status;
    }
    const size_t room = FILE_BUFFER_SIZE - s->used;
    const size_t part = size < room ? size : room;
    memcpy(s->buffer + s->used, data, part);
    s->used += part;
    data += part;
    size -= part;
  }
  return TLW_OK;
}

/* A rename would take the place of a device or a pipe. */
static tlw_status check_target(const char *path, const char *shown, tlw_error *error) {
  struct stat about;
  if (stat(path, &about) != 0 || S_ISREG(about.st_mode)) return TLW_OK;
  if (S_ISDIR(about.st_mode))
    return tlw_fail_native(error, TLW_ERR_IO, EISDIR, "%s: is a folder: give the name of a file", shown);
  return tlw_fail_native(error, TLW_ERR_IO, EEXIST, "%s: is a device, a pipe or a socket: give the name of a file",
                         shown);
}

/* Opens a new file beside path; its name must be freed. */
static tlw_status open_temporary(const char *path, file_sink *s, char **name, tlw_error *error) {
  static atomic_uint counter;
  const size_t capacity = strlen(path) + 48;
  *name = malloc(capacity);
  if (!*name) return tlw_fail(error, TLW_ERR_MEMORY, "no memory to write %s", s->shown);
  for (int i = 0; i < NAME_TRIES; i++) {
    snprintf(*name, capacity, "%s.tmp%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
    do s->fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    while (s->fd < 0 && errno == EINTR);
    if (s->fd >= 0) return TLW_OK;
    if (errno != EEXIST) break;
  }
  return fail_write(s->shown, errno, error);
}

static tlw_status write_temporary(const tlw_png_image *image, file_sink *s, tlw_error *error) {
  tlw_status status = encode(image, &s->base, error);
  if (status == TLW_OK) status = flush_file(s, error);
  /* After EINTR the descriptor is closed all the same. */
  if (close(s->fd) != 0 && errno != EINTR && status == TLW_OK) status = fail_write(s->shown, errno, error);
  return status;
}

tlw_status tlw_png_write(const tlw_png_image *image, const char *path, tlw_error *error) {
  tlw_status status = check_image(image, error);
  if (status != TLW_OK) return status;
  if (!path || !*path) return tlw_fail(error, TLW_ERR_ARGUMENT, "path must name a file");
  char shown[TLW_SHOWN_PATH_SIZE];
  tlw_show_path(shown, path);
  status = check_target(path, shown, error);
  if (status != TLW_OK) return status;

  file_sink s = {.base = {write_file}, .shown = shown};
  char *name = NULL;
  status = open_temporary(path, &s, &name, error);
  if (status == TLW_OK) {
    status = write_temporary(image, &s, error);
    if (status == TLW_OK && rename(name, path) != 0) status = fail_write(shown, errno, error);
    if (status != TLW_OK) unlink(name);
  }
  free(name);
  return status;
}
