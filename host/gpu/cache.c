#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/hash.h"

#define SUFFIX ".kernels"
#define TEMPORARY ".XXXXXX" /* as mkostemp wants it */
#define STALE_SECONDS 3600  /* no file takes so long to write */
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
    const ssize_t n = tlw_file_read(file, (char *)data + done, size - done);
    if (n <= 0) return false;
    done += (size_t)n;
  }
  return true;
}

static bool read_content(int file, uint64_t key, struct tlw_memory *memory, struct tlw_block *content) {
  struct header header;
  if (!read_all(file, &header, sizeof header) || memcmp(header.magic, magic, sizeof magic) != 0 || header.key != key ||
      header.size > MAX_SIZE)
    return false;
  if (header.size == 0) return header.checksum == TLW_HASH_START;
  return tlw_block_reserve(memory, content, header.size, "compiled kernels", NULL) == TLW_OK &&
         read_all(file, content->data, (size_t)header.size) &&
         tlw_hash(TLW_HASH_START, content->data, (size_t)header.size) == header.checksum;
}

bool tlw_cache_load(const struct tlw_cache *cache, uint64_t key, struct tlw_memory *memory, struct tlw_block *content) {
  if (!cache->folder[0]) return false;
  char path[PATH_SIZE];
  path_of(cache, key, path);
  const int file = tlw_file_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  const bool intact = read_content(file, key, memory, content);
  tlw_file_close(file);
  if (!intact) tlw_block_free(memory, content);
  return intact;
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

/* Whether a name is that of a file of the cache, or, with temporary, of one that was never finished. */
static bool is_ours(const char *name, bool temporary) {
  if (strspn(name, "0123456789abcdef") != 16 || strncmp(name + 16, SUFFIX, strlen(SUFFIX)) != 0) return false;
  const size_t rest = strlen(name + 16 + strlen(SUFFIX));
  return rest == (temporary ? strlen(TEMPORARY) : 0);
}

static bool is_earlier(struct timespec a, struct timespec b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* Counts the files of the cache and names the one that was written first; removes what a crash has left. */
static size_t count_files(const struct tlw_cache *cache, char *oldest) {
  DIR *folder = opendir(cache->folder);
  if (!folder) return 0;
  const time_t now = time(NULL);
  size_t n = 0;
  struct timespec first = {0};
  for (struct dirent *entry; (entry = readdir(folder));) {
    const bool unfinished = is_ours(entry->d_name, true);
    struct stat status;
    if (!unfinished && !is_ours(entry->d_name, false)) continue;
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (unfinished) {
      char path[PATH_SIZE];
      snprintf(path, sizeof path, "%s/%.40s", cache->folder, entry->d_name);
      if (now - status.st_mtim.tv_sec > STALE_SECONDS) tlw_file_unlink(path);
    } else if (n++ == 0 || is_earlier(status.st_mtim, first)) {
      first = status.st_mtim;
      snprintf(oldest, PATH_SIZE, "%s/%.40s", cache->folder, entry->d_name);
    }
  }
  closedir(folder);
  return n;
}

static void drop_oldest(const struct tlw_cache *cache) {
  char oldest[PATH_SIZE];
  while (count_files(cache, oldest) > TLW_CACHE_FILES && tlw_file_unlink(oldest) == 0) {
  }
}

bool tlw_cache_store(const struct tlw_cache *cache, uint64_t key, const void *data, uint64_t size) {
  if (!cache->folder[0] || size > MAX_SIZE || !make_folders(cache->folder)) return false;
  char path[PATH_SIZE], temporary[PATH_SIZE + 8];
  path_of(cache, key, path);
  snprintf(temporary, sizeof temporary, "%s" TEMPORARY, path);
  const int file = tlw_file_temporary(temporary);
  if (file < 0) return false;
  struct header header = {.key = key, .size = size, .checksum = tlw_hash(TLW_HASH_START, data, (size_t)size)};
  memcpy(header.magic, magic, sizeof magic);
  bool stored = tlw_file_write(file, &header, sizeof header) == 0 && tlw_file_write(file, data, (size_t)size) == 0;
  stored = tlw_file_close(file) == 0 && stored;
  stored = stored && tlw_file_rename(temporary, path) == 0;
  if (!stored)
    tlw_file_unlink(temporary);
  else
    drop_oldest(cache);
  return stored;
}
