/* Candle files as people have them, for the benchmarks of reading. */
#ifndef TALLOW_BENCH_CSV_TEXT_H
#define TALLOW_BENCH_CSV_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

typedef struct bench_text {
  char *data;
  size_t size;
} bench_text;

void bench_text_close(bench_text *text);

#define BENCH_DIALECTS 8

/* "iso", "fraction" ...; NULL behind the last. */
const char *bench_dialect_name(size_t dialect);

/* A file of candles in a dialect, newer by a minute or by a day from row to row. On failure nothing is open. */
tlw_status bench_dialect_open(bench_text *text, size_t dialect, int64_t n_rows, uint64_t seed, tlw_error *error);

#endif
