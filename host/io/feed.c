#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/base/file.h"

static tlw_status fail_read(const struct tlw_feed *feed, int code, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  return tlw_fail_native(error, TLW_ERR_IO, code, "%s: reading failed: %s: check the disk or copy the file again",
                         feed->name, tlw_show_errno(shown, code));
}

static tlw_status open_fd(struct tlw_feed *feed, const char *path, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  feed->fd = tlw_file_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (feed->fd >= 0) {
    feed->owns_fd = true;
    return TLW_OK;
  }
  const int code = errno;
  if (code == EMFILE || code == ENFILE)
    return tlw_fail_native(error, TLW_ERR_IO, code, "%s: can't open: %s: close files or raise the limit (ulimit -n)",
                           feed->name, tlw_show_errno(shown, code));
  if (code == ENOMEM) return tlw_fail_native(error, TLW_ERR_MEMORY, code, "%s: no memory to open it", feed->name);
  if (code == EIO) return fail_read(feed, code, error);
  return tlw_fail_native(error, TLW_ERR_NOT_FOUND, code, "%s: can't open: %s: check the name and the permissions",
                         feed->name, tlw_show_errno(shown, code));
}

tlw_status tlw_feed_open(struct tlw_feed *feed, const char *path, tlw_error *error) {
  if (strcmp(path, "-") == 0) {
    strcpy(feed->name, "standard input");
    feed->fd = STDIN_FILENO;
  } else {
    tlw_show_path(feed->name, path);
    const tlw_status status = open_fd(feed, path, error);
    if (status != TLW_OK) return status;
  }
  struct stat about;
  if (fstat(feed->fd, &about) == 0 && S_ISDIR(about.st_mode))
    return tlw_fail_native(error, TLW_ERR_NOT_FOUND, EISDIR, "%s: is a folder: give the name of a file", feed->name);
  return TLW_OK;
}

void tlw_feed_close(struct tlw_feed *feed) {
  if (feed->owns_fd) tlw_file_close(feed->fd);
  feed->owns_fd = false;
}

/* One read of 1 to capacity bytes, none at the end. */
static tlw_status read_some(struct tlw_feed *feed, void *buffer, size_t capacity, size_t *size, tlw_error *error) {
  *size = 0;
  while (!feed->ended) {
    const ssize_t n = tlw_file_read(feed->fd, buffer, capacity < SSIZE_MAX ? capacity : SSIZE_MAX);
    if (n >= 0) {
      *size = (size_t)n;
      feed->ended = n == 0;
      return TLW_OK;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) return fail_read(feed, errno, error);
    /* a standard input that another process made non-blocking */
    struct pollfd waiting = {.fd = feed->fd, .events = POLLIN};
    if (poll(&waiting, 1, -1) < 0 && errno != EINTR) return fail_read(feed, errno, error);
  }
  return TLW_OK;
}

tlw_status tlw_feed_read(struct tlw_feed *feed, void *buffer, size_t capacity, size_t *size, tlw_error *error) {
  const size_t left = tlw_feed_left(feed);
  if (left == 0) {
    const tlw_status status = read_some(feed, buffer, capacity, size, error);
    feed->taken += *size;
    return status;
  }
  *size = left < capacity ? left : capacity;
  memcpy(buffer, tlw_feed_bytes(feed), *size);
  tlw_feed_take(feed, *size);
  return TLW_OK;
}

tlw_status tlw_feed_peek(struct tlw_feed *feed, size_t size, tlw_error *error) {
  while (tlw_feed_left(feed) < size && !feed->ended) {
    memmove(feed->ahead, tlw_feed_bytes(feed), tlw_feed_left(feed));
    feed->end -= feed->begin;
    feed->begin = 0;
    size_t got = 0;
    const tlw_status status = read_some(feed, feed->ahead + feed->end, TLW_FEED_AHEAD - feed->end, &got, error);
    if (status != TLW_OK) return status;
    feed->end += got;
  }
  return TLW_OK;
}

void tlw_feed_take(struct tlw_feed *feed, size_t size) {
  feed->begin += size;
  feed->taken += size;
}

tlw_status tlw_feed_pass(struct tlw_feed *feed, uint64_t size, uint64_t *passed, tlw_error *error) {
  *passed = 0;
  while (*passed < size) {
    const tlw_status status = tlw_feed_peek(feed, 1, error);
    if (status != TLW_OK) return status;
    const size_t left = tlw_feed_left(feed);
    if (left == 0) break;
    const size_t n = left < size - *passed ? left : (size_t)(size - *passed);
    tlw_feed_take(feed, n);
    *passed += n;
  }
  return TLW_OK;
}

tlw_status tlw_feed_pass_zeros(struct tlw_feed *feed, tlw_error *error) {
  for (;;) {
    const tlw_status status = tlw_feed_peek(feed, 1, error);
    if (status != TLW_OK) return status;
    size_t zeros = 0;
    while (zeros < tlw_feed_left(feed) && tlw_feed_bytes(feed)[zeros] == 0) zeros++;
    tlw_feed_take(feed, zeros);
    if (zeros == 0 || tlw_feed_left(feed) > 0) return TLW_OK;
  }
}
