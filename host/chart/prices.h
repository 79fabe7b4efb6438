/* Prices that a log scale has a place for. */
#ifndef TALLOW_CHART_PRICES_H
#define TALLOW_CHART_PRICES_H

#include "tallow/candles.h"

/*
 * Whether all prices of the valid candles among rows first to first + n - 1 are above 0. TLW_ERR_DATA: the row is
 * that of the first candle with another, counted so that row `first` has the number `number`.
 */
tlw_status tlw_prices_above_zero(const tlw_candles *candles, int64_t first, int64_t n, int64_t number,
                                 tlw_error *error);

#endif
