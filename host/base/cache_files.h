/*
 * Files in the folder for caches, named by a key and a suffix. Of each kind so many are kept, the oldest go first. A
 * file is there as a whole or not at all. Nothing here fails loudly.
 */
#ifndef TALLOW_BASE_CACHE_FILES_H
#define TALLOW_BASE_CACHE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLW_CACHE_FOLDER_SIZE 1024
#define TLW_CACHE_PATH_SIZE (TLW_CACHE_FOLDER_SIZE + 64)

/* A kind of files. All kinds together are the 64 files that tlw_engine_options.cache_dir promises. */
struct tlw_cache_kind {
  const char *suffix; /* ".kernels" */
  size_t most;
};

/* The folder that tlw_engine_options.cache_dir means; "": no cache. */
void tlw_cache_folder(const char *cache_dir, char folder[TLW_CACHE_FOLDER_SIZE]);

/* The file of a key, whether it is there or not. */
void tlw_cache_path(const char *folder, const struct tlw_cache_kind *kind, uint64_t key,
                    char path[TLW_CACHE_PATH_SIZE]);

/* Whether so many bytes could be read from an open file. */
bool tlw_cache_read(int file, void *data, size_t size);

/* Writes head and data, in a folder that is made, in place of what the key had. False: it can't be. */
bool tlw_cache_write(const char *folder, const struct tlw_cache_kind *kind, uint64_t key, const void *head,
                     size_t head_size, const void *data, size_t size);

#endif
