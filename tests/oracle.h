/*
 * The rules of tallow/chart.h once more, in the plainest way: the reference that every backend is held against. It
 * shares no code with the library; of that it has the tables of the font and of zones. Parts of it are references of
 * their own: frame_oracle.h, label_oracle.h, text_oracle.h, ticks_oracle.h, time_oracle.h and decimal_oracle.h.
 */
#ifndef TALLOW_TESTS_ORACLE_H
#define TALLOW_TESTS_ORACLE_H

#include <stdint.h>

#include "tallow/chart.h"

/* The layout of valid options. volume_y is 0 where there is no volume panel. */
void oracle_layout(const tlw_chart_options *options, tlw_chart_layout *layout);

/* Draws one series of valid candles into width * height pixels without gaps between rows. Aborts on broken rules. */
void oracle_render(const tlw_candles *candles, int64_t series, const tlw_chart_options *options, uint8_t *pixels);

/* All text of such a chart, to be freed: see label_oracle.h. NULL: it has none. */
struct labels;
struct labels *oracle_labels(const tlw_candles *candles, int64_t series, const tlw_chart_options *options);

/* The colours of valid options: how many, and as many red, green and blue bytes. */
int32_t oracle_n_colors(const tlw_chart_options *options);
void oracle_palette(const tlw_chart_options *options, uint8_t *rgb);

/* The logarithm of the rules, for a price above 0. */
double oracle_ln(double p);

#endif
