#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "heap.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "text.h"

#define RAW_SIZE 32768
#define ROOM_SIZE 49152 /* zlib takes 40 KB, zlib-ng 43 KB */

struct tlw_input {
  struct tlw_memory *memory; /* or NULL */
  int fd;
  bool owns_fd;
  bool ended; /* the file has no more bytes behind raw */
  bool gzip;
  bool between_members;
  size_t raw_begin, raw_end; /* plain: what was read to tell gzip from text */
  z_stream inflater;
  struct tlw_room room; /* gzip */
  char name[TLW_SHOWN_PATH_SIZE];
  unsigned char raw[RAW_SIZE];
};

static tlw_status fail_read(const struct tlw_input *input, int code, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  return tlw_fail_native(error, TLW_ERR_IO, code, "%s: reading failed: %s: check the disk or copy the file again",
                         input->name, tlw_show_errno(shown, code));
}

/* One read of 1 to capacity bytes, none at the end. */
static tlw_status read_some(struct tlw_input *input, void *buffer, size_t capacity, size_t *size, tlw_error *error) {
  *size = 0;
  while (!input->ended) {
    const ssize_t n = tlw_file_read(input->fd, buffer, capacity < SSIZE_MAX ? capacity : SSIZE_MAX);
    if (n >= 0) {
      *size = (size_t)n;
      input->ended = n == 0;
      return TLW_OK;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) return fail_read(input, errno, error);
    /* a standard input that another process made non-blocking */
    struct pollfd waiting = {.fd = input->fd, .events = POLLIN};
    if (poll(&waiting, 1, -1) < 0 && errno != EINTR) return fail_read(input, errno, error);
  }
  return TLW_OK;
}

static tlw_status open_fd(struct tlw_input *input, const char *path, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  input->fd = tlw_file_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (input->fd >= 0) {
    input->owns_fd = true;
    return TLW_OK;
  }
  const int code = errno;
  if (code == EMFILE || code == ENFILE)
    return tlw_fail_native(error, TLW_ERR_IO, code, "%s: can't open: %s: close files or raise the limit (ulimit -n)",
                           input->name, tlw_show_errno(shown, code));
  if (code == ENOMEM) return tlw_fail_native(error, TLW_ERR_MEMORY, code, "%s: no memory to open it", input->name);
  if (code == EIO) return fail_read(input, code, error);
  return tlw_fail_native(error, TLW_ERR_NOT_FOUND, code, "%s: can't open: %s: check the name and the permissions",
                         input->name, tlw_show_errno(shown, code));
}

static voidpf on_alloc(voidpf room, uInt items, uInt size) { return tlw_room_alloc(room, (size_t)items * size); }

static void on_free(voidpf room, voidpf pointer) { tlw_room_free(room, pointer); }

/* zlib had no memory. */
static tlw_status fail_memory(const struct tlw_input *input, tlw_error *error) {
  *error = input->room.failure;
  return error->code;
}

static tlw_status start_gzip(struct tlw_input *input, tlw_error *error) {
  struct tlw_room *room = &input->room;
  *room = (struct tlw_room){.memory = input->memory, .what = "unpacking a gzip file", .size = ROOM_SIZE};
  room->bytes = tlw_heap_alloc(input->memory, ROOM_SIZE, room->what, error);
  if (!room->bytes) return error->code;
  input->inflater = (z_stream){
      .zalloc = on_alloc, .zfree = on_free, .opaque = room, .next_in = input->raw, .avail_in = (uInt)input->raw_end};
  const int code = inflateInit2(&input->inflater, 15 + 16); /* 16: gzip alone */
  if (code == Z_MEM_ERROR) return fail_memory(input, error);
  if (code != Z_OK)
    return tlw_fail_native(error, TLW_ERR_INTERNAL, code,
                           "zlib refuses to begin: its version is not the one built for");
  input->gzip = true;
  return TLW_OK;
}

static tlw_status start(struct tlw_input *input, const char *path, tlw_error *error) {
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

tlw_status tlw_input_open(const char *path, struct tlw_memory *memory, struct tlw_input **input, tlw_error *error) {
  *input = NULL;
  struct tlw_input *opened = tlw_heap_alloc(memory, sizeof *opened, "reading a CSV file", error);
  if (!opened) return error->code;
  *opened = (struct tlw_input){.memory = memory, .fd = -1};
  const tlw_status status = start(opened, path, error);
  if (status != TLW_OK)
    tlw_input_close(&opened);
  else
    *input = opened;
  return status;
}

static tlw_status refill(struct tlw_input *input, tlw_error *error) {
  size_t size = 0;
  const tlw_status status = read_some(input, input->raw, RAW_SIZE, &size, error);
  input->inflater.next_in = input->raw;
  input->inflater.avail_in = (uInt)size;
  return status;
}

/* Passes over the zeros that may pad the end of a gzip file, and begins the next member if there is one. */
static void pass_seam(struct tlw_input *input) {
  z_stream *z = &input->inflater;
  while (z->avail_in > 0 && *z->next_in == 0) {
    z->next_in++;
    z->avail_in--;
  }
  if (z->avail_in == 0) return;
  inflateReset(z);
  input->between_members = false;
}

static tlw_status fail_gzip(const struct tlw_input *input, int code, tlw_error *error) {
  if (code == Z_MEM_ERROR) return fail_memory(input, error);
  const char *reason = input->inflater.msg ? input->inflater.msg : "unknown fault";
  return tlw_fail_native(error, TLW_ERR_DATA, code, "%s: the gzip data is damaged (%s): fetch or copy the file again",
                         input->name, reason);
}

static tlw_status read_gzip(struct tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
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

tlw_status tlw_input_read(struct tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  if (input->gzip) return read_gzip(input, buffer, capacity, size, error);
  const size_t left = input->raw_end - input->raw_begin;
  if (left == 0) return read_some(input, buffer, capacity, size, error);
  *size = left < capacity ? left : capacity;
  memcpy(buffer, input->raw + input->raw_begin, *size);
  input->raw_begin += *size;
  return TLW_OK;
}

const char *tlw_input_name(const struct tlw_input *input) { return input->name; }

void tlw_input_close(struct tlw_input **input) {
  struct tlw_input *closed = *input;
  if (!closed) return;
  if (closed->gzip) inflateEnd(&closed->inflater);
  tlw_heap_free(closed->memory, closed->room.bytes, ROOM_SIZE);
  if (closed->owns_fd) tlw_file_close(closed->fd);
  tlw_heap_free(closed->memory, closed, sizeof *closed);
  *input = NULL;
}
