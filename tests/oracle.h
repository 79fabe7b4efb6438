/*
 * The rules of tallow/chart.h once more, in the plainest way: the reference that every backend is held against. It
 * shares no code with the library.
 */
#ifndef TALLOW_TESTS_ORACLE_H
#define TALLOW_TESTS_ORACLE_H

#include <stdint.h>

#include "tallow/chart.h"

/* The layout of valid options. volume_y is 0 where there is no volume panel. */
void oracle_layout(const tlw_chart_options *options, tlw_chart_layout *layout);

/* Draws one series of valid candles into width * height pixels without gaps between rows. Aborts on broken rules. */
void oracle_render(const tlw_candles *candles, int64_t series, const tlw_chart_options *options, uint8_t *pixels);

/* The logarithm of the rules, for a price above 0. */
double oracle_ln(double p);

#endif
