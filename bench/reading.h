/* What the suites of reading files share: the SIMD tiers of this CPU, and what reading can't avoid. */
#ifndef TALLOW_BENCH_READING_H
#define TALLOW_BENCH_READING_H

#include <stdbool.h>

#include "inputs.h"

/* "baseline", ...; NULL behind the last. Whether this CPU, and this build, have it. */
const char *bench_tier_name(int tier);
bool bench_tier_exists(int tier);

/* Forces a tier on what is opened until the second call; NULL: none. One thread. */
char *bench_tier_enter(const char *tier);
void bench_tier_leave(const char *tier, char *before);

#define BENCH_CHUNK ((size_t)256 << 10)

/* Reads all bytes; reads them and finds the line feeds. */
tlw_status bench_read_bytes(const bench_file *file, int64_t calls, tlw_error *error);
tlw_status bench_read_lines(const bench_file *file, int64_t calls, tlw_error *error);

#endif
