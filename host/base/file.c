#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"

static bool is_struck(void) {
  if (!tlw_fault_strikes(TLW_FAULT_FILE)) return false;
  errno = EIO;
  return true;
}

int tlw_file_open(const char *path, int flags, mode_t mode) {
  if (is_struck()) return -1;
  int descriptor;
  do descriptor = open(path, flags, mode);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

ssize_t tlw_file_read(int descriptor, void *target, size_t size) {
  if (is_struck()) return -1;
  ssize_t n;
  do n = read(descriptor, target, size);
  while (n < 0 && errno == EINTR);
  return n;
}

ssize_t tlw_file_read_at(int descriptor, void *target, size_t size, off_t offset) {
  if (is_struck()) return -1;
  ssize_t n;
  do n = pread(descriptor, target, size, offset);
  while (n < 0 && errno == EINTR);
  return n;
}

int tlw_file_write(int descriptor, const void *source, size_t size) {
  if (is_struck()) return -1;
  const char *next = source;
  while (size > 0) {
    const ssize_t n = write(descriptor, next, size);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return -1;
    next += n;
    size -= (size_t)n;
  }
  return 0;
}

int tlw_file_sync(int descriptor) {
  if (is_struck()) return -1;
  int result;
  do result = fsync(descriptor);
  while (result != 0 && errno == EINTR);
  return result;
}

/* Not repeated: Linux has let go of the descriptor by the time that a signal is noticed. */
int tlw_file_close(int descriptor) {
  const bool struck = is_struck();
  const int failed = close(descriptor) != 0 && errno != EINTR;
  if (!struck) return failed ? -1 : 0;
  errno = EIO;
  return -1;
}

int tlw_file_rename(const char *from, const char *to) {
  if (is_struck()) return -1;
  int result;
  do result = rename(from, to);
  while (result != 0 && errno == EINTR);
  return result;
}

int tlw_file_unlink(const char *path) {
  if (is_struck()) return -1;
  int result;
  do result = unlink(path);
  while (result != 0 && errno == EINTR);
  return result;
}

int tlw_file_temporary(char *name) {
  if (is_struck()) return -1;
  return mkostemp(name, O_CLOEXEC);
}
