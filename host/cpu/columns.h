/*
 * Candles to pixel columns on the host, chunk by chunk, for any series: longer than memory, of floats, with gaps
 * between rows. The numbers are those of a merge in one go, bit for bit.
 */
#ifndef TALLOW_CPU_COLUMNS_H
#define TALLOW_CPU_COLUMNS_H

#include "host/seam/backend.h"
#include "tallow/candles.h"
#include "tier.h"

struct tlw_cpu_columns;

/* Bytes of the state for a plot of this width. */
uint64_t tlw_cpu_columns_size(int32_t plot_width);

/*
 * Lays out a state in that many bytes at memory (aligned to TLW_MEMORY_ALIGN), for a series of this shape (its begin is
 * not looked at). with_volume: whether the chart has a volume panel.
 */
struct tlw_cpu_columns *tlw_cpu_columns_begin(void *memory, const struct tlw_cpu_tier *tier, const tlk_layout *layout,
                                              const tlk_series *series, bool with_volume);

/* Takes rows first to first + n - 1 of the columns, which follow those taken before. */
void tlw_cpu_columns_add(struct tlw_cpu_columns *columns, const tlw_candles *candles, int64_t first, int64_t n);

/* Rows taken so far. */
int64_t tlw_cpu_columns_rows(const struct tlw_cpu_columns *columns);

/*
 * open, high, low, close and volume by pixel column: TLK_MERGED_COLUMNS * plot_width numbers. A column without a valid
 * candle is NaN in all but the volume, which is then 0.
 */
void tlw_cpu_columns_end(const struct tlw_cpu_columns *columns, double *merged);

/*
 * Copies n rows of one column, from row first on, as contiguous doubles. stride and type as in tlw_candles.
 * The time column likewise.
 */
void tlw_cpu_gather(double *target, const void *column, tlw_type type, int64_t stride, int64_t first, int64_t n);
void tlw_cpu_gather_time(int64_t *target, const int64_t *column, int64_t stride, int64_t first, int64_t n);

#endif
