/* Where the candles of a series lie across the plot. */
#ifndef TALLOW_CHART_SLOTS_H
#define TALLOW_CHART_SLOTS_H

#include <stdbool.h>

#include "kernels/core/chart.h"
#include "tallow/candles.h"

/* The most rows of a series, so that the arithmetic of slots stays within 64 bits. */
#define TLW_SERIES_MAX_ROWS ((int64_t)1 << 40)

/*
 * Series i of candles on the index axis, or on the time axis if by_time. TLW_ERR_DATA: times decrease; the row is the
 * one that is earlier than the row before it.
 */
tlw_status tlw_slots_of(const tlw_candles *candles, int64_t i, bool by_time, int32_t plot_width, tlk_series *series,
                        tlw_error *error);

/* The same in steps, for a series whose rows are not at hand: one of the first two, then widths if it has rows. */
void tlw_slots_by_index(int64_t count, tlk_series *series);
/* On top of the former, for times from first to last, the least positive difference of which is step. */
void tlw_slots_by_time(int64_t first, int64_t last, uint64_t step, tlk_series *series);
void tlw_slots_widths(int32_t plot_width, tlk_series *series);

#endif
