/*
 * Candles: views of columns that the caller owns.
 *
 * A batch is columns plus the rows of each series, so that a thousand short series, or as many windows over one long
 * history, are one call. Contiguous columns of doubles are read where they lie and never copied; columns of floats,
 * or with other things between their rows, are copied at most once, piece by piece (tlw_stats.copied counts the
 * bytes).
 */
#ifndef TALLOW_CANDLES_H
#define TALLOW_CANDLES_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_type { TLW_TYPE_F64 = 0, TLW_TYPE_F32 = 1 } tlw_type;

typedef struct tlw_candles {
  size_t struct_size; /* set by tlw_candles_init */
  /*
   * n_rows prices and volumes of the type below, alive until the call returns or, where it says so, until they are
   * released. volume may be NULL.
   */
  const void *open;
  const void *high;
  const void *low;
  const void *close;
  const void *volume;
  /* n_rows opening times in nanoseconds since 1970-01-01 00:00 UTC, or NULL: then there are no time labels. */
  const int64_t *time;
  int64_t n_rows; /* 0 to 2^40 */
  /*
   * The rows of each series. offsets alone: n_series + 1 row numbers, series i is the rows offsets[i] to offsets[i +
   * 1] - 1; they must not decrease and must lie in 0..n_rows. With counts: n_series of each, series i is the
   * counts[i] rows from offsets[i] on, which may overlap and come in any order. An empty series is fine, and so are
   * rows that no series covers. Both NULL: one series, all rows.
   */
  const int64_t *offsets;
  const int64_t *counts;
  int64_t n_series; /* 1 where offsets is NULL */
  tlw_type type;    /* of prices and volumes */
  /*
   * Bytes from one row of a price or volume column to the next, and of the time column; 0: contiguous, aligned to the
   * type. A stride must be at least the size of the type and may break alignment. It is at most 2^20.
   */
  int64_t stride;
  int64_t time_stride;
  /*
   * Columns that charts draw as lines over the candles: n_lines of n_rows numbers, of the same type and stride as
   * prices. A number that is not finite is a gap. NULL where n_lines is 0.
   */
  const void *const *lines;
  int32_t n_lines;
} tlw_candles;

/* All columns NULL, no rows, one series, contiguous doubles. Thread-safety: any thread. */
TLW_API void tlw_candles_init(tlw_candles *candles);

#ifdef __cplusplus
}
#endif

#endif
