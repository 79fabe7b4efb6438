/* FNV-1a, 64 bits: names and checksums of files that this library wrote itself. */
#ifndef TALLOW_BASE_HASH_H
#define TALLOW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TLW_HASH_START 0xcbf29ce484222325u

static inline uint64_t tlw_hash(uint64_t hash, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

#endif
