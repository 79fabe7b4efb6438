#include "write_all.h"

#include <errno.h>
#include <unistd.h>

int cli_write_all(int descriptor, const void *bytes, size_t size) {
  for (const char *at = bytes; size > 0;) {
    const ssize_t n = write(descriptor, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? EIO : errno;
    at += n;
    size -= (size_t)n;
  }
  return 0;
}
