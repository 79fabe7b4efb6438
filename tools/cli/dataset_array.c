/*
 * The file of an array, each image at its place. It is OUT.partial until it is complete; of a run in parts it is OUT
 * itself, which all parts write into: the last of them writes its header and gives it its length.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dataset_run.h"
#include "format.h"
#include "report.h"

#define PARTIAL ".partial"

/*
 * For a write of more than this that begins on a page the kernel may take memory in large pieces, which was measured to
 * be up to five times slower.
 */
#define WRITE_MOST ((size_t)1 << 18)

struct dataset_array {
  int descriptor;
  const char *path; /* where it is now */
  cli_buffer name;  /* of the partial file; empty: there is none */
  int64_t ahead;    /* bytes of the header */
};

static cli_exit fail(const dataset_array *a, int code) { return cli_fail_output(a->path, code); }

static cli_exit write_at(const dataset_array *a, const char *bytes, size_t size, int64_t offset) {
  while (size > 0) {
    const ssize_t n = pwrite(a->descriptor, bytes, size < WRITE_MOST ? size : WRITE_MOST, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(a, n < 0 ? errno : EIO);
    bytes += n;
    size -= (size_t)n;
    offset += n;
  }
  return CLI_OK;
}

static cli_exit open_file(dataset_run *r, dataset_array *a) {
  if (r->shard.count == 0) {
    cli_buffer_format(&a->name, "%s" PARTIAL, r->out);
    cli_buffer_add(&a->name, "", 1);
    if (a->name.failed) return cli_fail(CLI_NO_MEMORY, "no memory for the names of files");
  }
  a->path = a->name.bytes ? a->name.bytes : r->out;
  const int begins = r->shard.count == 0 && r->begin.images == 0;
  a->descriptor = open(a->path, O_RDWR | O_CREAT | O_CLOEXEC | (begins ? O_TRUNC : 0), 0666);
  return a->descriptor < 0 ? fail(a, errno) : CLI_OK;
}

/* What the state says is there must be there. */
static cli_exit check_length(const dataset_run *r, const dataset_array *a) {
  struct stat info;
  if (fstat(a->descriptor, &info) != 0) return fail(a, errno);
  if (!S_ISREG(info.st_mode)) return cli_fail(CLI_CANT_CREATE, "%s: can't write: it is no regular file", a->path);
  if (r->shard.count > 0 || r->begin.images == 0 || info.st_size >= a->ahead + r->begin.images * (int64_t)r->shape.size)
    return CLI_OK;
  return cli_fail(CLI_DATA, "--resume: %s is shorter than it was: leave out --resume to begin anew", a->path);
}

cli_exit dataset_array_open(dataset_run *r) {
  if (r->format == DATASET_TAR) return CLI_OK;
  dataset_array *a = r->array = calloc(1, sizeof *a);
  if (!a) return cli_fail(CLI_NO_MEMORY, "no memory for the array");
  a->descriptor = -1;
  a->ahead = r->format == DATASET_NPY ? TLW_NPY_HEADER_SIZE : 0;
  const cli_exit code = open_file(r, a);
  return code ? code : check_length(r, a);
}

typedef struct room {
  uint64_t needed, free;
  int is_begun;
} room;

/* What is in the file already, of this run or of an earlier one that it goes on from, needs no more. */
static room find_room(const dataset_run *r, int64_t n) {
  const dataset_array *a = r->array;
  struct statvfs disk;
  struct stat info;
  int64_t bytes;
  room found = {0};
  if (!a || fstatvfs(a->descriptor, &disk) != 0 || fstat(a->descriptor, &info) != 0) return found;
  if (__builtin_mul_overflow(n, (int64_t)r->shape.size, &bytes) || bytes > INT64_MAX - a->ahead)
    bytes = INT64_MAX - a->ahead;
  const uint64_t there = (uint64_t)info.st_blocks * 512, all = (uint64_t)(bytes + a->ahead);
  found.needed = all > there ? all - there : 0;
  found.is_begun = there > 0;
  if (__builtin_mul_overflow((uint64_t)disk.f_bavail, (uint64_t)disk.f_frsize, &found.free)) found.free = UINT64_MAX;
  return found;
}

int dataset_array_may_lack_room(const dataset_run *r, int64_t n) {
  const room found = find_room(r, n);
  return found.needed > found.free;
}

cli_exit dataset_array_check_room(const dataset_run *r, int64_t n) {
  const room found = find_room(r, n);
  char needed_text[CLI_BYTES_SIZE], free_text[CLI_BYTES_SIZE];
  if (found.needed <= found.free) return CLI_OK;
  cli_bytes_text(found.needed, needed_text);
  cli_bytes_text(found.free, free_text);
  return cli_fail(CLI_CANT_CREATE, "%s: it needs %s%s, but %s are free there", r->out, needed_text,
                  found.is_begun ? " more" : "", free_text);
}

const char *dataset_array_partial(const dataset_run *r) { return r->array ? r->array->name.bytes : NULL; }

cli_exit dataset_array_write(dataset_run *r, const void *pixels, int64_t first, int64_t n) {
  const int64_t size = (int64_t)r->shape.size;
  int64_t offset, bytes;
  if (__builtin_mul_overflow(first, size, &offset) || __builtin_mul_overflow(n, size, &bytes) ||
      offset > INT64_MAX - TLW_NPY_HEADER_SIZE - bytes)
    return fail(r->array, EFBIG);
  return write_at(r->array, pixels, (size_t)bytes, r->array->ahead + offset);
}

cli_exit dataset_array_sync(dataset_run *r) {
  if (!r->array) return CLI_OK;
  return fdatasync(r->array->descriptor) == 0 ? CLI_OK : fail(r->array, errno);
}

dataset_identity dataset_array_identity(const dataset_run *r) {
  struct stat info;
  if (!r->array || fstat(r->array->descriptor, &info) != 0) return (dataset_identity){0};
  return (dataset_identity){(uint64_t)info.st_dev, (uint64_t)info.st_ino};
}

static cli_exit write_header(const dataset_run *r, const dataset_array *a) {
  const int64_t n = r->n_images, c = r->shape.channels, h = r->shape.height, w = r->shape.width;
  const int64_t nchw[] = {n, c, h, w}, nhwc[] = {n, h, w, c};
  char header[TLW_NPY_HEADER_SIZE];
  tlw_error error;
  if (r->format != DATASET_NPY) return CLI_OK;
  if (tlw_npy_array_header(header, r->images.type == TLW_IMAGE_U8 ? TLW_NPY_U8 : TLW_NPY_F32,
                           r->images.order == TLW_ORDER_NCHW ? nchw : nhwc, 4, &error) != TLW_OK)
    return cli_fail_library(&error);
  return write_at(a, header, sizeof header, 0);
}

cli_exit dataset_array_finish(dataset_run *r) {
  dataset_array *a = r->array;
  if (!a) return CLI_OK;
  const cli_exit code = write_header(r, a);
  if (code) return code;
  if (ftruncate(a->descriptor, a->ahead + r->n_images * (int64_t)r->shape.size) != 0) return fail(a, errno);
  const int descriptor = a->descriptor;
  a->descriptor = -1;
  if (close(descriptor) != 0) return fail(a, errno);
  if (!a->name.bytes) return CLI_OK;
  a->path = r->out;
  if (rename(a->name.bytes, r->out) != 0) return fail(a, errno);
  cli_buffer_free(&a->name);
  return CLI_OK;
}

void dataset_array_close(dataset_run *r, int is_removed) {
  dataset_array *a = r->array;
  if (!a) return;
  if (a->descriptor >= 0) close(a->descriptor);
  if (is_removed && a->name.bytes && !a->name.failed) unlink(a->name.bytes);
  cli_buffer_free(&a->name);
  free(a);
  r->array = NULL;
}
