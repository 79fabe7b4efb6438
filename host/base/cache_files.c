#include "cache_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "file.h"

#define TEMPORARY ".XXXXXX" /* as mkostemp wants it */
#define STALE_SECONDS 3600  /* no file takes so long to write */

void tlw_cache_folder(const char *cache_dir, char folder[TLW_CACHE_FOLDER_SIZE]) {
  folder[0] = 0;
  const char *xdg = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
  int length = 0;
  if (cache_dir)
    length = snprintf(folder, TLW_CACHE_FOLDER_SIZE, "%s", cache_dir);
  else if (xdg && *xdg == '/')
    length = snprintf(folder, TLW_CACHE_FOLDER_SIZE, "%s/tallow", xdg);
  else if (home && *home == '/')
    length = snprintf(folder, TLW_CACHE_FOLDER_SIZE, "%s/.cache/tallow", home);
  if (length < 0 || length >= TLW_CACHE_FOLDER_SIZE) folder[0] = 0;
}

void tlw_cache_path(const char *folder, const struct tlw_cache_kind *kind, uint64_t key,
                    char path[TLW_CACHE_PATH_SIZE]) {
  snprintf(path, TLW_CACHE_PATH_SIZE, "%s/%016" PRIx64 "%s", folder, key, kind->suffix);
}

bool tlw_cache_read(int file, void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = tlw_file_read(file, (char *)data + done, size - done);
    if (n <= 0) return false;
    done += (size_t)n;
  }
  return true;
}

static bool make_folders(const char *folder) {
  char path[TLW_CACHE_FOLDER_SIZE];
  snprintf(path, sizeof path, "%s", folder);
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
    *slash = '/';
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Whether a name is that of a file of the kind, or, with temporary, of one that was never finished. */
static bool is_ours(const char *name, const char *suffix, bool temporary) {
  if (strspn(name, "0123456789abcdef") != 16 || strncmp(name + 16, suffix, strlen(suffix)) != 0) return false;
  const size_t rest = strlen(name + 16 + strlen(suffix));
  return rest == (temporary ? strlen(TEMPORARY) : 0);
}

static bool is_earlier(struct timespec a, struct timespec b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* Counts the files of the kind and names the one that was written first; removes what a crash has left. */
static size_t count_files(const char *path, const char *suffix, char *oldest) {
  DIR *folder = opendir(path);
  if (!folder) return 0;
  const time_t now = time(NULL);
  size_t n = 0;
  struct timespec first = {0};
  for (struct dirent *entry; (entry = readdir(folder));) {
    const bool unfinished = is_ours(entry->d_name, suffix, true);
    struct stat status;
    if (!unfinished && !is_ours(entry->d_name, suffix, false)) continue;
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (unfinished) {
      char dead[TLW_CACHE_PATH_SIZE];
      snprintf(dead, sizeof dead, "%s/%.40s", path, entry->d_name);
      if (now - status.st_mtim.tv_sec > STALE_SECONDS) tlw_file_unlink(dead);
    } else if (n++ == 0 || is_earlier(status.st_mtim, first)) {
      first = status.st_mtim;
      snprintf(oldest, TLW_CACHE_PATH_SIZE, "%s/%.40s", path, entry->d_name);
    }
  }
  closedir(folder);
  return n;
}

static void drop_oldest(const char *folder, const struct tlw_cache_kind *kind) {
  char oldest[TLW_CACHE_PATH_SIZE];
  while (count_files(folder, kind->suffix, oldest) > kind->most && tlw_file_unlink(oldest) == 0) {
  }
}

bool tlw_cache_write(const char *folder, const struct tlw_cache_kind *kind, uint64_t key, const void *head,
                     size_t head_size, const void *data, size_t size) {
  if (!folder[0] || !make_folders(folder)) return false;
  char path[TLW_CACHE_PATH_SIZE], temporary[TLW_CACHE_PATH_SIZE + 8];
  tlw_cache_path(folder, kind, key, path);
  snprintf(temporary, sizeof temporary, "%s" TEMPORARY, path);
  const int file = tlw_file_temporary(temporary);
  if (file < 0) return false;
  bool stored = tlw_file_write(file, head, head_size) == 0 && tlw_file_write(file, data, size) == 0;
  stored = tlw_file_close(file) == 0 && stored;
  stored = stored && tlw_file_rename(temporary, path) == 0;
  if (!stored)
    tlw_file_unlink(temporary);
  else
    drop_oldest(folder, kind);
  return stored;
}
