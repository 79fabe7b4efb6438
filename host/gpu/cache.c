#include "cache.h"

#include <fcntl.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/hash.h"

#define MAX_SIZE (64u << 20)

static const struct tlw_cache_kind kernels = {".kernels", TLW_CACHE_FILES};

struct header {
  char magic[8];
  uint64_t key, size, checksum;
};
static const char magic[8] = "TLWKERN1";

void tlw_cache_open(struct tlw_cache *cache, const char *cache_dir) { tlw_cache_folder(cache_dir, cache->folder); }

static bool read_content(int file, uint64_t key, struct tlw_memory *memory, struct tlw_block *content) {
  struct header header;
  if (!tlw_cache_read(file, &header, sizeof header) || memcmp(header.magic, magic, sizeof magic) != 0 ||
      header.key != key || header.size > MAX_SIZE)
    return false;
  if (header.size == 0) return header.checksum == TLW_HASH_START;
  return tlw_block_reserve(memory, content, header.size, "compiled kernels", NULL) == TLW_OK &&
         tlw_cache_read(file, content->data, (size_t)header.size) &&
         tlw_hash(TLW_HASH_START, content->data, (size_t)header.size) == header.checksum;
}

bool tlw_cache_load(const struct tlw_cache *cache, uint64_t key, struct tlw_memory *memory, struct tlw_block *content) {
  if (!cache->folder[0]) return false;
  char path[TLW_CACHE_PATH_SIZE];
  tlw_cache_path(cache->folder, &kernels, key, path);
  const int file = tlw_file_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  const bool intact = read_content(file, key, memory, content);
  tlw_file_close(file);
  if (!intact) tlw_block_free(memory, content);
  return intact;
}

bool tlw_cache_store(const struct tlw_cache *cache, uint64_t key, const void *data, uint64_t size) {
  if (size > MAX_SIZE) return false;
  struct header header = {.key = key, .size = size, .checksum = tlw_hash(TLW_HASH_START, data, (size_t)size)};
  memcpy(header.magic, magic, sizeof magic);
  return tlw_cache_write(cache->folder, &kernels, key, &header, sizeof header, data, (size_t)size);
}
