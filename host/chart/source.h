/* Candles and options as callers give them, checked and made into what the engine draws. */
#ifndef TALLOW_CHART_SOURCE_H
#define TALLOW_CHART_SOURCE_H

#include "host/engine/draw.h"
#include "tallow/chart.h"

/* TLW_ERR_ARGUMENT. What candles points to is looked at later. */
tlw_status tlw_source_of(const tlw_candles *candles, const tlw_chart_options *options, struct tlw_source *source,
                         tlw_error *error);

/* The part of it that is about candles, for options that are checked. */
tlw_status tlw_candles_check(const tlw_candles *candles, const tlw_chart_options *options, tlw_error *error);

#endif
