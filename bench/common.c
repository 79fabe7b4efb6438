#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

tlw_status bench_fail(tlw_error *error, tlw_status status, const char *format, ...) {
  *error = (tlw_error){.code = status, .row = -1, .column = -1};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

void *bench_alloc(size_t size, tlw_error *error) {
  void *memory = malloc(size ? size : 1);
  if (!memory) bench_fail(error, TLW_ERR_MEMORY, "no memory for %zu bytes of a benchmark", size);
  return memory;
}

static double read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double bench_now(void) { return read_clock(CLOCK_MONOTONIC); }
double bench_processor_time(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

size_t bench_cache(int level) {
  static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  const long size = sysconf(names[level - 1]);
  return size > 0 ? (size_t)size : 0;
}

size_t bench_beyond_caches(void) {
  static const size_t most = (size_t)512 << 20, unknown = (size_t)128 << 20;
  const size_t cache = bench_cache(3) > bench_cache(2) ? bench_cache(3) : bench_cache(2);
  const size_t size = cache ? 2 * cache : unknown;
  return size > most ? most : size;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

uint64_t bench_hash(uint64_t hash, const void *data, size_t size) {
  const uint8_t *bytes = data;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    hash = mix(hash, word);
  }
  for (; i < size; i++) hash = mix(hash, bytes[i]);
  return hash;
}

uint64_t bench_hash_bytes(uint64_t hash, const void *data, size_t size) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}
