#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TAIL ".XXXXXX.part"
#define ENDING ".part"
#define TRIES 100

/* A command writes few files at one time: "bars" one for each kind. */
#define PLACES 20

/* Of a place: nobody's; its name is being written; its file is about to be made; the file is there. */
enum { FREE, NAMING, MAKING, OPEN };

static struct {
  atomic_int state;
  char name[PATH_MAX];
} places[PLACES];

static atomic_int abandoned;

static int take_place(void) {
  for (int i = 0; i < PLACES; i++) {
    int expected = FREE;
    if (atomic_compare_exchange_strong(&places[i].state, &expected, NAMING)) return i;
  }
  return -1;
}

/* From here on the file is taken back. Nothing is made any more once all was. */
static void enter_place(int place, const char *name) {
  if (place < 0 || strlen(name) >= PATH_MAX) return;
  atomic_store(&places[place].state, NAMING);
  strcpy(places[place].name, name);
  atomic_store(&places[place].state, MAKING);
  while (atomic_load(&abandoned)) pause();
}

static void set_place(int place, int state) {
  if (place >= 0) atomic_store(&places[place].state, state);
}

void cli_temporary_release(cli_temporary *file) {
  set_place(file->place, FREE);
  file->place = -1;
}

static int is_any_made(void) {
  for (int i = 0; i < PLACES; i++) {
    const int state = atomic_load(&places[i].state);
    if (state == NAMING || state == MAKING) return 1;
  }
  return 0;
}

void cli_temporary_abandon(void) {
  const struct timespec while_one_is_made = {.tv_nsec = 1000000};
  atomic_store(&abandoned, 1);
  for (int i = 0; i < 100 && is_any_made(); i++) nanosleep(&while_one_is_made, NULL);
  for (int i = 0; i < PLACES; i++)
    if (atomic_load(&places[i].state) >= MAKING) unlink(places[i].name);
}

/* Whether the open file still has this name. */
static int has_name(int descriptor, const char *name) {
  struct stat file, named;
  return fstat(descriptor, &file) == 0 && lstat(name, &named) == 0 && file.st_dev == named.st_dev &&
         file.st_ino == named.st_ino;
}

/* Without locks on this file system nobody can tell that a writer is dead, and nothing is removed. */
static int lock(int descriptor) {
  int code;
  do code = flock(descriptor, LOCK_EX | LOCK_NB);
  while (code != 0 && errno == EINTR);
  return code == 0 || errno != EWOULDBLOCK;
}

static void put_random(char *out, size_t length) {
  static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  unsigned char bytes[16];
  if (getrandom(bytes, length, GRND_NONBLOCK) != (ssize_t)length)
    for (size_t i = 0; i < length; i++) bytes[i] = (unsigned char)(random() >> 8);
  for (size_t i = 0; i < length; i++) out[i] = letters[bytes[i] % (sizeof letters - 1)];
}

/* Who sweeps at this moment may have taken the file for one whose writer is dead: then another is made. */
static int make_locked(cli_temporary *file, int flags) {
  const size_t random_at = strlen(file->name) - strlen("XXXXXX" ENDING);
  for (int i = 0; i < TRIES; i++) {
    put_random(file->name + random_at, strlen("XXXXXX"));
    enter_place(file->place, file->name);
    file->descriptor = open(file->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0666);
    if (file->descriptor < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (file->descriptor < 0) return -1;
    set_place(file->place, OPEN);
    if (lock(file->descriptor) && has_name(file->descriptor, file->name)) return 0;
    unlink(file->name);
    close(file->descriptor);
  }
  errno = EEXIST;
  return -1;
}

int cli_temporary_open(cli_temporary *file, const char *path, int flags) {
  const size_t size = strlen(path) + sizeof TAIL;
  *file = (cli_temporary){.name = malloc(size), .place = take_place()};
  int code = ENOMEM;
  if (file->name) {
    snprintf(file->name, size, "%s" TAIL, path);
    if (make_locked(file, flags) == 0) return 0;
    code = errno;
  }
  cli_temporary_release(file);
  free(file->name);
  errno = code;
  return -1;
}

/* The lock must last until the name is that of a complete file, but whether closing fails must be known before. */
int cli_temporary_keep(cli_temporary *file, const char *path) {
  const int locked = fcntl(file->descriptor, F_DUPFD_CLOEXEC, 0);
  int code = close(file->descriptor) == 0 ? 0 : errno;
  if (code == 0 && rename(file->name, path) != 0) code = errno;
  if (code != 0) unlink(file->name);
  if (locked >= 0) close(locked);
  cli_temporary_release(file);
  free(file->name);
  errno = code;
  return code == 0 ? 0 : -1;
}

void cli_temporary_drop(cli_temporary *file) {
  unlink(file->name);
  cli_temporary_leave(file);
}

void cli_temporary_leave(cli_temporary *file) {
  close(file->descriptor);
  cli_temporary_release(file);
  free(file->name);
}

size_t cli_temporary_stem(const char *entry) {
  const size_t length = strlen(entry), tail = strlen(TAIL), ending = strlen(ENDING);
  if (length <= tail || strcmp(entry + length - ending, ENDING) != 0 || entry[length - tail] != '.') return 0;
  for (size_t i = length - tail + 1; i < length - ending; i++) {
    const char c = entry[i];
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) return 0;
  }
  return length - tail;
}

void cli_temporary_sweep(const char *path) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && has_name(descriptor, path)) unlink(path);
  close(descriptor);
}
