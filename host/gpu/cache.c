#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/hash.h"

#define SUFFIX ".kernels"
#define MAX_SIZE (64u << 20)

struct header {
  char magic[8];
  uint64_t key, size, checksum;
};
static const char magic[8] = "TLWKERN1";

void tlw_cache_open(struct tlw_cache *cache, const char *cache_dir) {
  cache->folder[0] = 0;
  const char *xdg = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
  int length = 0;
  if (cache_dir)
    length = snprintf(cache->folder, sizeof cache->folder, "%s", cache_dir);
  else if (xdg && *xdg == '/')
    length = snprintf(cache->folder, sizeof cache->folder, "%s/tallow", xdg);
  else if (home && *home == '/')
    length = snprintf(cache->folder, sizeof cache->folder, "%s/.cache/tallow", home);
  if (length < 0 || length >= (int)sizeof cache->folder) cache->folder[0] = 0;
}

#define PATH_SIZE (sizeof(struct tlw_cache) + 64)

static void path_of(const struct tlw_cache *cache, uint64_t key, char *path) {
  snprintf(path, PATH_SIZE, "%s/%016" PRIx64 SUFFIX, cache->folder, key);
}

static bool read_all(int file, void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = read(file, (char *)data + done, size - done);
    if (n == 0 || (n < 0 && errno != EINTR)) return false;
    if (n > 0) done += (size_t)n;
  }
  return true;
}

static bool write_all(int file, const void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(file, (const char *)data + done, size - done);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) done += (size_t)n;
  }
  return true;
}

bool tlw_cache_load(const struct tlw_cache *cache, uint64_t key, void **data, size_t *size) {
  *data = NULL;
  *size = 0;
  if (!cache->folder[0]) return false;
  char path[PATH_SIZE];
  path_of(cache, key, path);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct header header;
  bool intact = read_all(file, &header, sizeof header) && memcmp(header.magic, magic, sizeof magic) == 0 &&
                header.key == key && header.size <= MAX_SIZE;
  if (intact) {
    *size = (size_t)header.size;
    *data = malloc(*size + 1);
    intact = *data && read_all(file, *data, *size) && tlw_hash(TLW_HASH_START, *data, *size) == header.checksum;
  }
  close(file);
  if (intact) return true;
  free(*data);
  *data = NULL;
  *size = 0;
  return false;
}

static bool make_folders(const char *folder) {
  char path[sizeof(struct tlw_cache)];
  snprintf(path, sizeof path, "%s", folder);
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
    *slash = '/';
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool is_ours(const char *name) {
  const size_t length = strlen(name);
  return length > strlen(SUFFIX) && strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* Counts our files in the folder and names the one that was written first. */
static size_t count_files(const struct tlw_cache *cache, char *oldest) {
  DIR *folder = opendir(cache->folder);
  if (!folder) return 0;
  size_t n = 0;
  struct timespec least = {0};
  for (struct dirent *entry; (entry = readdir(folder));) {
    struct stat status;
    if (!is_ours(entry->d_name) || fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const struct timespec t = status.st_mtim;
    if (n++ == 0 || t.tv_sec < least.tv_sec || (t.tv_sec == least.tv_sec && t.tv_nsec < least.tv_nsec)) {
      least = t;
      snprintf(oldest, PATH_SIZE, "%s/%.60s", cache->folder, entry->d_name);
    }
  }
  closedir(folder);
  return n;
}

static void drop_oldest(const struct tlw_cache *cache) {
  char oldest[PATH_SIZE];
  while (count_files(cache, oldest) > TLW_CACHE_FILES && unlink(oldest) == 0) {
  }
}

bool tlw_cache_store(const struct tlw_cache *cache, uint64_t key, const void *data, size_t size) {
  if (!cache->folder[0] || size > MAX_SIZE || !make_folders(cache->folder)) return false;
  char path[PATH_SIZE], temporary[PATH_SIZE + 8];
  path_of(cache, key, path);
  snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  const int file = mkostemp(temporary, O_CLOEXEC);
  if (file < 0) return false;
  struct header header = {.key = key, .size = size, .checksum = tlw_hash(TLW_HASH_START, data, size)};
  memcpy(header.magic, magic, sizeof magic);
  bool stored = write_all(file, &header, sizeof header) && write_all(file, data, size);
  stored = close(file) == 0 && stored;
  stored = stored && rename(temporary, path) == 0;
  if (!stored)
    unlink(temporary);
  else
    drop_oldest(cache);
  return stored;
}
