/*
 * Files that are kept between runs: compiled kernels that have passed their self-test. One file a program, device and
 * driver; at most TLW_CACHE_FILES of them, the oldest go first. Nothing here fails loudly: without a cache kernels
 * are compiled and tested again.
 */
#ifndef TALLOW_GPU_CACHE_H
#define TALLOW_GPU_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/cache_files.h"
#include "host/base/memory.h"

#define TLW_CACHE_FILES 48

struct tlw_cache {
  char folder[TLW_CACHE_FOLDER_SIZE]; /* "": no cache */
};

/* The folder that tlw_engine_options.cache_dir means. */
void tlw_cache_open(struct tlw_cache *cache, const char *cache_dir);

/* Whether there is an intact file for the key, its content, which may be empty, then in a block that was empty. */
bool tlw_cache_load(const struct tlw_cache *cache, uint64_t key, struct tlw_memory *memory, struct tlw_block *content);

/* Whether it was written; there is nothing to do about it if not. */
bool tlw_cache_store(const struct tlw_cache *cache, uint64_t key, const void *data, uint64_t size);

#endif
