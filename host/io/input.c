#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "host/base/error.h"
#include "text.h"

#define RAW_SIZE 65536

struct tlw_input {
  int fd;
  bool owns_fd;
  bool ended; /* the file has no more bytes behind raw */
  bool gzip;
  bool between_members;
  size_t raw_begin, raw_end; /* plain: what was read to tell gzip from text */
  z_stream inflater;
  unsigned char raw[RAW_SIZE];
  char name[TLW_SHOWN_PATH_SIZE];
};

static tlw_status fail_read(const tlw_input *input, int code, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  return tlw_fail_native(error, TLW_ERR_IO, code, "%s: reading failed: %s: check the disk or copy the file again",
                         input->name, tlw_show_errno(shown, code));
}

/* One read of 1 to capacity bytes, none at the end. */
static tlw_status read_some(tlw_input *input, void *buffer, size_t capacity, size_t *size, tlw_error *error) {
  *size = 0;
  while (!input->ended) {
    const ssize_t n = read(input->fd, buffer, capacity < SSIZE_MAX ? capacity : SSIZE_MAX);
    if (n >= 0) {
      *size = (size_t)n;
      input->ended = n == 0;
      return TLW_OK;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) { /* a standard input that another process made non-blocking */
      struct pollfd waiting = {.fd = input->fd, .events = POLLIN};
      if (poll(&waiting, 1, -1) < 0 && errno != EINTR) return fail_read(input, errno, error);
    } else if (errno != EINTR) {
      return fail_read(input, errno, error);
    }
  }
  return TLW_OK;
}

static tlw_status open_fd(tlw_input *input, const char *path, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  do input->fd = open(path, O_RDONLY | O_CLOEXEC);
  while (input->fd < 0 && errno == EINTR);
  if (input->fd >= 0) {
    input->owns_fd = true;
    return TLW_OK;
  }
  const int code = errno;
  if (code == EMFILE || code == ENFILE)
    return tlw_fail_native(error, TLW_ERR_IO, code, "%s: can't open: %s: close files or raise the limit (ulimit -n)",
                           input->name, tlw_show_errno(shown, code));
  if (code == ENOMEM) return tlw_fail_native(error, TLW_ERR_MEMORY, code, "%s: no memory to open it", input->name);
  return tlw_fail_native(error, TLW_ERR_NOT_FOUND, code, "%s: can't open: %s: check the name and the permissions",
                         input->name, tlw_show_errno(shown, code));
}

static tlw_status start_gzip(tlw_input *input, tlw_error *error) {
  input->inflater.next_in = input->raw;
  input->inflater.avail_in = (uInt)input->raw_end;
  if (inflateInit2(&input->inflater, 15 + 16) != Z_OK) /* 16: gzip alone */
    return tlw_fail(error, TLW_ERR_MEMORY, "%s: no memory to unpack it", input->name);
  input->gzip = true;
  return TLW_OK;
}

static tlw_status start(tlw_input *input, const char *path, tlw_error *error) {
  if (strcmp(path, "-") == 0) {
    strcpy(input->name, "standard input");
    input->fd = STDIN_FILENO;
  } else {
    tlw_show_path(input->name, path);
    const tlw_status status = open_fd(input, path, error);
    if (status != TLW_OK) return status;
  }
  struct stat about;
  if (fstat(input->fd, &about) == 0 && S_ISDIR(about.st_mode))
    return tlw_fail_native(error, TLW_ERR_NOT_FOUND, EISDIR, "%s: is a folder: give the name of a file", input->name);
  while (input->raw_end < 2 && !input->ended) {
    size_t size = 0;
    const tlw_status status = read_some(input, input->raw + input->raw_end, RAW_SIZE - input->raw_end, &size, error);
    if (status != TLW_OK) return status;
    input->raw_end += size;
  }
  const bool gzip = input->raw_end >= 2 && input->raw[0] == 0x1f && input->raw[1] == 0x8b;
  return gzip ? start_gzip(input, error) : TLW_OK;
}

tlw_status tlw_input_open(const char *path, tlw_input **input, tlw_error *error) {
  *input = NULL;
  tlw_input *opened = calloc(1, sizeof *opened);
  if (!opened) return tlw_fail(error, TLW_ERR_MEMORY, "no memory to open a file");
  opened->fd = -1;
  const tlw_status status = start(opened, path, error);
  if (status != TLW_OK)
    tlw_input_close(&opened);
  else
    *input = opened;
  return status;
}

static tlw_status refill(tlw_input *input, tlw_error *error) {
  size_t size = 0;
  const tlw_status status = read_some(input, input->raw, RAW_SIZE, &size, error);
  input->inflater.next_in = input->raw;
  input->inflater.avail_in = (uInt)size;
  return status;
}

/* Passes over the zeros that may pad the end of a gzip file, and begins the next member if there is one. */
static void pass_seam(tlw_input *input) {
  z_stream *z = &input->inflater;
  while (z->avail_in > 0 && *z->next_in == 0) {
    z->next_in++;
    z->avail_in--;
  }
  if (z->avail_in == 0) return;
  inflateReset(z);
  input->between_members = false;
}

static tlw_status fail_gzip(const tlw_input *input, int code, tlw_error *error) {
  if (code == Z_MEM_ERROR) return tlw_fail(error, TLW_ERR_MEMORY, "%s: no memory to unpack it", input->name);
  const char *reason = input->inflater.msg ? input->inflater.msg : "unknown fault";
  return tlw_fail_native(error, TLW_ERR_DATA, code, "%s: the gzip data is damaged (%s): fetch or copy the file again",
                         input->name, reason);
}

static tlw_status read_gzip(tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  z_stream *z = &input->inflater;
  const uInt room = capacity < UINT_MAX ? (uInt)capacity : UINT_MAX;
  z->next_out = (unsigned char *)buffer;
  z->avail_out = room;
  while (z->avail_out == room) {
    if (z->avail_in == 0 && !input->ended) {
      const tlw_status status = refill(input, error);
      if (status != TLW_OK) return status;
    }
    if (input->between_members) {
      pass_seam(input);
      if (!input->between_members) continue;
      if (input->ended) break;
      continue;
    }
    const int code = inflate(z, Z_NO_FLUSH);
    if (code == Z_STREAM_END)
      input->between_members = true;
    else if (code == Z_BUF_ERROR && input->ended)
      return tlw_fail_native(error, TLW_ERR_DATA, code,
                             "%s: the gzip data ends early, the file is cut off: fetch or copy it again", input->name);
    else if (code != Z_OK && code != Z_BUF_ERROR)
      return fail_gzip(input, code, error);
  }
  *size = room - z->avail_out;
  return TLW_OK;
}

tlw_status tlw_input_read(tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  if (input->gzip) return read_gzip(input, buffer, capacity, size, error);
  const size_t left = input->raw_end - input->raw_begin;
  if (left == 0) return read_some(input, buffer, capacity, size, error);
  *size = left < capacity ? left : capacity;
  memcpy(buffer, input->raw + input->raw_begin, *size);
  input->raw_begin += *size;
  return TLW_OK;
}

const char *tlw_input_name(const tlw_input *input) { return input->name; }

void tlw_input_close(tlw_input **input) {
  if (!*input) return;
  if ((*input)->gzip) inflateEnd(&(*input)->inflater);
  if ((*input)->owns_fd) close((*input)->fd);
  free(*input);
  *input = NULL;
}
