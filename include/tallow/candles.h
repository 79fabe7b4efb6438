/*
 * Candles: views of columns that the caller owns.
 *
 * A batch is columns plus offsets, so that a thousand short series are one call. Columns are read where they lie and
 * never copied on the CPU.
 */
#ifndef TALLOW_CANDLES_H
#define TALLOW_CANDLES_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tlw_candles {
  size_t struct_size; /* set by tlw_candles_init */
  /* Contiguous arrays of n_rows doubles, 8-byte aligned, alive until the call returns. volume may be NULL. */
  const double *open;
  const double *high;
  const double *low;
  const double *close;
  const double *volume;
  /* n_rows opening times in nanoseconds since 1970-01-01 00:00 UTC, or NULL where no axis or filter needs them. */
  const int64_t *time;
  int64_t n_rows; /* 0 to 2^40 */
  /*
   * n_series + 1 row numbers: series i is the rows offsets[i] to offsets[i + 1] - 1. Must not decrease and must lie in
   * 0..n_rows; an empty series is fine, and so are rows that no series covers. NULL: one series, all rows.
   */
  const int64_t *offsets;
  int64_t n_series; /* 1 where offsets is NULL */
} tlw_candles;

/* All columns NULL, no rows, one series. Thread-safety: any thread. */
TLW_API void tlw_candles_init(tlw_candles *candles);

#ifdef __cplusplus
}
#endif

#endif
