#include "history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

#define PREFIX "run-"
#define SUFFIX ".json"

tlw_status bench_history_folder(char *folder, size_t size, tlw_error *error) {
  const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
  if (data && *data == '/')
    snprintf(folder, size, "%s/tallow/bench", data);
  else if (home && *home == '/')
    snprintf(folder, size, "%s/.local/share/tallow/bench", home);
  else
    return bench_fail(error, TLW_ERR_IO, "there is no place for a history: set HOME, or name a folder with --history");
  return TLW_OK;
}

/* All folders of the path. */
static int make_folders(const char *folder) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", folder);
  for (char *at = path + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return -1;
    *at = '/';
  }
  return mkdir(path, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

/* "2026-11-22T07:32:00Z" as "20261122T073200Z" */
static void put_date(char *out, const char *date) {
  for (; *date; date++)
    if (*date != '-' && *date != ':') *out++ = *date;
  *out = 0;
}

/* What of a commit can stand in a name. */
static void put_commit(char *out, const char *commit) {
  for (; *commit; commit++) *out++ = strchr("/ ", *commit) ? '-' : *commit;
  *out = 0;
}

/* ---- a file that is being written, locked for as long as its writer lives ---- */

#define TEMPORARY ".run-"
#define TRIES 100

static int has_name(int descriptor, const char *name) {
  struct stat file, named;
  return fstat(descriptor, &file) == 0 && lstat(name, &named) == 0 && file.st_dev == named.st_dev &&
         file.st_ino == named.st_ino;
}

/* Who sweeps at this moment may have taken the file for one whose writer is dead: then another is made. */
static FILE *open_locked(const char *path) {
  for (int i = 0; i < TRIES; i++) {
    FILE *file = fopen(path, "wbe");
    if (!file) return NULL;
    const bool locked = flock(fileno(file), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (locked && has_name(fileno(file), path)) return file;
    fclose(file);
  }
  errno = EBUSY;
  return NULL;
}

static int write_run(const char *temporary, const char *path, const char *text) {
  FILE *file = open_locked(temporary);
  if (!file) return -1;
  const size_t size = strlen(text);
  bool failed = fwrite(text, 1, size, file) != size || fflush(file) != 0 || fsync(fileno(file)) != 0;
  failed = failed || rename(temporary, path) != 0;
  const int code = errno;
  if (failed) unlink(temporary);
  fclose(file);
  errno = code;
  return failed ? -1 : 0;
}

static int is_temporary(const struct dirent *entry) {
  const char *process = entry->d_name + sizeof TEMPORARY - 1;
  return strncmp(entry->d_name, TEMPORARY, sizeof TEMPORARY - 1) == 0 && *process &&
         process[strspn(process, "0123456789")] == 0;
}

/* Without locks on this file system nobody can tell that a writer is dead, and the file stays. */
static void remove_unless_locked(const char *path) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && has_name(descriptor, path)) unlink(path);
  close(descriptor);
}

/* What killed processes have left. */
static void sweep(const char *folder) {
  struct dirent **entries;
  const int n = scandir(folder, &entries, is_temporary, NULL);
  for (int i = 0; i < n; i++) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path) remove_unless_locked(path);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
}

/* ---- saving ---- */

static int is_run(const struct dirent *entry) {
  const size_t length = strlen(entry->d_name), end = sizeof SUFFIX - 1;
  return strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0 && length > end &&
         strcmp(entry->d_name + length - end, SUFFIX) == 0;
}

/* Names begin with the date, so that the first ones are the oldest. */
static void remove_oldest(const char *folder) {
  struct dirent **entries;
  const int n = scandir(folder, &entries, is_run, alphasort);
  for (int i = 0; i < n; i++) {
    char path[PATH_MAX];
    if (i < n - BENCH_HISTORY_RUNS &&
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path)
      unlink(path);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
}

tlw_status bench_history_save(const char *folder, const bench_machine *machine, const char *text, char *path,
                              size_t size, tlw_error *error) {
  char date[sizeof machine->date], commit[sizeof machine->commit], temporary[PATH_MAX];
  put_date(date, machine->date);
  put_commit(commit, machine->commit);
  if (make_folders(folder) != 0)
    return bench_fail(error, TLW_ERR_IO, "the folder %s can't be made: %s", folder, strerror(errno));
  if (snprintf(temporary, sizeof temporary, "%s/" TEMPORARY "%ld", folder, (long)getpid()) >= (int)sizeof temporary)
    return bench_fail(error, TLW_ERR_IO, "the name of the folder %.100s... is too long", folder);
  snprintf(path, size, "%s/" PREFIX "%s-%ld-%s" SUFFIX, folder, date, (long)getpid(), commit);
  if (write_run(temporary, path, text) != 0)
    return bench_fail(error, TLW_ERR_IO, "a run can't be written into %s: %s", folder, strerror(errno));
  remove_oldest(folder);
  sweep(folder);
  return TLW_OK;
}

/* ---- listing ---- */

static int is_json(const struct dirent *entry) {
  const size_t length = strlen(entry->d_name), end = sizeof SUFFIX - 1;
  return entry->d_name[0] != '.' && length > end && strcmp(entry->d_name + length - end, SUFFIX) == 0;
}

static tlw_status keep_path(const char *folder, const char *name, bench_paths *paths, tlw_error *error) {
  const size_t size = strlen(folder) + strlen(name) + 2;
  char *path = bench_alloc(size, error);
  if (!path) return TLW_ERR_MEMORY;
  snprintf(path, size, "%s/%s", folder, name);
  paths->paths[paths->n++] = path;
  return TLW_OK;
}

tlw_status bench_history_list(const char *folder, bench_paths *paths, tlw_error *error) {
  struct dirent **entries;
  *paths = (bench_paths){0};
  const int n = scandir(folder, &entries, is_json, alphasort);
  if (n < 0) return bench_fail(error, TLW_ERR_NOT_FOUND, "the folder %s can't be read: %s", folder, strerror(errno));
  tlw_status status = TLW_OK;
  paths->left_out = n > BENCH_HISTORY_RUNS ? (size_t)(n - BENCH_HISTORY_RUNS) : 0;
  paths->paths = bench_alloc((size_t)n * sizeof *paths->paths, error);
  if (!paths->paths) status = TLW_ERR_MEMORY;
  for (int i = 0; i < n; i++) {
    if (status == TLW_OK && (size_t)i >= paths->left_out) status = keep_path(folder, entries[i]->d_name, paths, error);
    free(entries[i]);
  }
  free(entries);
  return status;
}

void bench_paths_free(bench_paths *paths) {
  for (size_t i = 0; i < paths->n; i++) free(paths->paths[i]);
  free(paths->paths);
  *paths = (bench_paths){0};
}
