/* What all of the benchmarks need: failing, memory, clocks, checksums. */
#ifndef TALLOW_BENCH_COMMON_H
#define TALLOW_BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#define BENCH_COUNT(array) (sizeof(array) / sizeof *(array))

/* Fills *error; returns status. */
tlw_status bench_fail(tlw_error *error, tlw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory; NULL and an error if there is none. */
void *bench_alloc(size_t size, tlw_error *error);

/* Seconds since some moment, and of processor time of all threads of this process. */
double bench_now(void);
double bench_processor_time(void);

/* Bytes of the cache of this level, 1 to 3; 0 where unknown. */
size_t bench_cache(int level);

/* Bytes that no cache holds, at most 512 MiB. */
size_t bench_beyond_caches(void);

#define BENCH_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues a checksum over size bytes. Little-endian machines agree. */
uint64_t bench_hash(uint64_t hash, const void *data, size_t size);

/* Likewise, but the same however the bytes are parted among calls; slower. */
uint64_t bench_hash_bytes(uint64_t hash, const void *data, size_t size);

#endif
