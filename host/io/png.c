#include "tallow/png.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/base/file.h"
#include "png_encoder.h"
#include "text.h"

#define MOST_SIDE 16384
#define MOST_COLORS 256
#define FILE_BUFFER_SIZE 16384
#define NAME_TRIES 100

static tlw_status check_image(const tlw_png_image *image, tlw_error *error) {
  if (!image || !image->pixels || !image->rgb)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "image, its pixels and its rgb must not be NULL");
  if (image->width < 1 || image->width > MOST_SIDE || image->height < 1 || image->height > MOST_SIDE)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the image is %" PRId32 " x %" PRId32 ": a side must be 1 to %d",
                    image->width, image->height, MOST_SIDE);
  if (image->row_stride < (size_t)image->width)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "row_stride is %zu: it must be at least the width, %" PRId32,
                    image->row_stride, image->width);
  if (image->n_colors < 1 || image->n_colors > MOST_COLORS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_colors is %" PRId32 ": it must be 1 to %d", image->n_colors,
                    MOST_COLORS);
  return TLW_OK;
}

void tlw_png_options_init(tlw_png_options *options) {
  *options = (tlw_png_options){.struct_size = sizeof *options, .coding = TLW_PNG_FAST};
}

/* Sets *coding. NULL stands for the defaults. */
static tlw_status check_options(const tlw_png_options *options, tlw_png_coding *coding, tlw_error *error) {
  *coding = TLW_PNG_FAST;
  if (!options) return TLW_OK;
  if (options->struct_size != sizeof *options)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_png_options_init first",
                    options->struct_size, sizeof *options);
  *coding = options->coding;
  return tlw_png_coding_check(options->coding, error);
}

size_t tlw_png_bound(int32_t width, int32_t height) {
  if (width < 1 || width > MOST_SIDE || height < 1 || height > MOST_SIDE) return 0;
  size_t bound = 0;
  for (int coding = TLW_PNG_FAST; coding <= TLW_PNG_LIBPNG; coding++) {
    const size_t of_coding = tlw_png_encoder_bound((tlw_png_coding)coding, width, height, MOST_COLORS);
    if (of_coding > bound) bound = of_coding;
  }
  return bound;
}

static tlw_status encode(const tlw_png_image *image, tlw_png_coding coding, struct tlw_memory *memory,
                         tlw_png_take_fn take, void *context, tlw_error *error) {
  struct tlw_png_encoder *encoder;
  tlw_status status = tlw_png_encoder_open(&encoder, image, coding, memory, take, context, error);
  if (status == TLW_OK) status = tlw_png_encoder_rows(encoder, image->pixels, image->row_stride, image->height, error);
  tlw_png_encoder_close(&encoder);
  return status;
}

struct memory_sink {
  uint8_t *out;
  size_t capacity;
  size_t used;
  size_t bound;
};

static tlw_status take_to_memory(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  struct memory_sink *s = context;
  if (size > s->capacity - s->used)
    return tlw_fail_budget(error, s->bound, "the PNG image does not fit in %zu bytes: %zu are enough (tlw_png_bound)",
                           s->capacity, s->bound);
  memcpy(s->out + s->used, bytes, size);
  s->used += size;
  return TLW_OK;
}

tlw_status tlw_png_encode_counted(const tlw_png_image *image, tlw_png_coding coding, struct tlw_memory *memory,
                                  uint8_t *out, size_t capacity, size_t *size, tlw_error *error) {
  struct memory_sink s = {.out = out, .capacity = capacity, .bound = tlw_png_bound(image->width, image->height)};
  const tlw_status status = encode(image, coding, memory, take_to_memory, &s, error);
  if (status == TLW_OK) *size = s.used;
  return status;
}

tlw_status tlw_png_encode(const tlw_png_image *image, const tlw_png_options *options, uint8_t *out, size_t capacity,
                          size_t *size, tlw_error *error) {
  tlw_png_coding coding;
  tlw_status status = check_image(image, error);
  if (status == TLW_OK && (!out || !size)) status = tlw_fail(error, TLW_ERR_ARGUMENT, "out and size must not be NULL");
  if (status == TLW_OK) status = check_options(options, &coding, error);
  if (status != TLW_OK) return status;
  return tlw_png_encode_counted(image, coding, NULL, out, capacity, size, error);
}

struct file_sink {
  const char *shown; /* the path, for messages */
  int fd;
  size_t used;
  uint8_t buffer[FILE_BUFFER_SIZE];
};

static tlw_status fail_write(const char *shown, int code, tlw_error *error) {
  char reason[TLW_SHOWN_ERRNO_SIZE];
  return tlw_fail_native(error, TLW_ERR_IO, code,
                         "%s: can't write: %s: check the folder, its permissions and the free space", shown,
                         tlw_show_errno(reason, code));
}

static tlw_status flush_file(struct file_sink *s, tlw_error *error) {
  if (tlw_file_write(s->fd, s->buffer, s->used) != 0) return fail_write(s->shown, errno, error);
  s->used = 0;
  return TLW_OK;
}

static tlw_status take_to_file(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  struct file_sink *s = context;
  while (size > 0) {
    if (s->used == FILE_BUFFER_SIZE) {
      const tlw_status status = flush_file(s, error);
      if (status != TLW_OK) return status;
    }
    const size_t room = FILE_BUFFER_SIZE - s->used;
    const size_t part = size < room ? size : room;
    memcpy(s->buffer + s->used, bytes, part);
    s->used += part;
    bytes += part;
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
static tlw_status open_temporary(const char *path, struct file_sink *s, char **name, tlw_error *error) {
  static atomic_uint counter;
  const size_t capacity = strlen(path) + 48;
  *name = tlw_raw_alloc(capacity);
  if (!*name) return tlw_fail(error, TLW_ERR_MEMORY, "no memory to write %s", s->shown);
  for (int i = 0; i < NAME_TRIES; i++) {
    snprintf(*name, capacity, "%s.tmp%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
    s->fd = tlw_file_open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (s->fd >= 0) return TLW_OK;
    if (errno != EEXIST) break;
  }
  return fail_write(s->shown, errno, error);
}

static tlw_status write_temporary(const tlw_png_image *image, tlw_png_coding coding, struct file_sink *s,
                                  tlw_error *error) {
  tlw_status status = encode(image, coding, NULL, take_to_file, s, error);
  if (status == TLW_OK) status = flush_file(s, error);
  if (tlw_file_close(s->fd) != 0 && status == TLW_OK) status = fail_write(s->shown, errno, error);
  return status;
}

tlw_status tlw_png_write(const tlw_png_image *image, const tlw_png_options *options, const char *path,
                         tlw_error *error) {
  tlw_png_coding coding;
  tlw_status status = check_image(image, error);
  if (status == TLW_OK) status = check_options(options, &coding, error);
  if (status != TLW_OK) return status;
  if (!path || !*path) return tlw_fail(error, TLW_ERR_ARGUMENT, "path must name a file");
  char shown[TLW_SHOWN_PATH_SIZE];
  tlw_show_path(shown, path);
  status = check_target(path, shown, error);
  if (status != TLW_OK) return status;

  struct file_sink s = {.shown = shown};
  char *name = NULL;
  status = open_temporary(path, &s, &name, error);
  if (status == TLW_OK) {
    status = write_temporary(image, coding, &s, error);
    if (status == TLW_OK && tlw_file_rename(name, path) != 0) status = fail_write(shown, errno, error);
    if (status != TLW_OK) tlw_file_unlink(name);
  }
  tlw_raw_free(name);
  return status;
}
