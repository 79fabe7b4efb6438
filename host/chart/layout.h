/* Options of a chart to where things lie. */
#ifndef TALLOW_CHART_LAYOUT_H
#define TALLOW_CHART_LAYOUT_H

#include "kernels/core/chart.h"
#include "tallow/chart.h"

/* Checks the options and computes the layout. */
tlw_status tlw_layout_of(const tlw_chart_options *options, tlk_layout *layout, tlw_error *error);

/* How many colours the palette of such charts has. */
int32_t tlw_layout_colors(const tlk_layout *layout);

#endif
