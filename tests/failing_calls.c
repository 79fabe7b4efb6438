/*
 * To be preloaded: lets calls of the C library fail, to see what a program does then.
 *
 * FAILING_CALLS is "CALL:PART:NUMBER:ERROR", several of them between commas: the call with that number, from 1, of
 * those on a file whose path holds PART fails with that errno; 0 for NUMBER: all of them. CALL is open, make (an open
 * that makes a file), write, close or rename (PART of the new name). ERROR is a number, or "short": a write takes half
 * of its bytes; for others it does nothing. A close that fails has closed the file all the same.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define RULES 8
#define SHORT (-1)

struct rule {
  char call[16], part[128];
  int number, error;
  int seen;
};

static struct rule rules[RULES];
static int n_rules;

__attribute__((constructor)) static void read_rules(void) {
  const char *text = getenv("FAILING_CALLS");
  while (text && n_rules < RULES) {
    struct rule *r = &rules[n_rules];
    char error[16];
    if (sscanf(text, "%15[^:]:%127[^:]:%d:%15[^,]", r->call, r->part, &r->number, error) != 4) abort();
    r->error = strcmp(error, "short") == 0 ? SHORT : atoi(error);
    n_rules++;
    text = strchr(text, ',');
    if (text) text++;
  }
}

/* The error of the call, 0 for none. */
static int planned(const char *call, const char *path) {
  int error = 0;
  for (int i = 0; i < n_rules; i++) {
    struct rule *r = &rules[i];
    if (strcmp(r->call, call) != 0 || !strstr(path, r->part)) continue;
    const int number = __atomic_add_fetch(&r->seen, 1, __ATOMIC_RELAXED);
    if (error == 0 && (r->number == 0 || r->number == number)) error = r->error;
  }
  return error;
}

static int planned_on(const char *call, int descriptor) {
  char link[64], path[4096];
  if (n_rules == 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return planned(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int open_as(int (*call)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  const int error = planned(flags & O_CREAT ? "make" : "open", path);
  if (error <= 0) return call(path, flags, mode);
  errno = error;
  return -1;
}

int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return open_as(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return open_as(REAL(open64), path, flags, mode);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
  const int error = planned_on("write", descriptor);
  if (error > 0) {
    errno = error;
    return -1;
  }
  return REAL(write)(descriptor, bytes, error == SHORT && size > 1 ? size / 2 : size);
}

int close(int descriptor) {
  const int error = planned_on("close", descriptor);
  const int code = REAL(close)(descriptor);
  if (error <= 0) return code;
  errno = error;
  return -1;
}

int rename(const char *from, const char *to) {
  const int error = planned("rename", to);
  if (error <= 0) return REAL(rename)(from, to);
  errno = error;
  return -1;
}
