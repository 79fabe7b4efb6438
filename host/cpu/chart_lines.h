/* Lines over the candles of a chart on the CPU. */
#ifndef TALLOW_CPU_CHART_LINES_H
#define TALLOW_CPU_CHART_LINES_H

#include "chart.h"

/* Entries of scratch->points, ->blocks and ->bands for charts of this layout. */
uint64_t tlw_cpu_line_points(const tlk_layout *layout);
uint64_t tlw_cpu_line_blocks(const tlk_layout *layout);
uint64_t tlw_cpu_line_bands(const tlk_layout *layout);

/* Entries of scratch->chart->covers, where there are any. */
uint64_t tlw_cpu_line_covers(const tlk_layout *layout);

/* Makes the points of all lines of a chart with candles, and the rows that they reach by blocks of columns. */
void tlw_cpu_place_lines(const struct tlw_cpu_tier *tier, const tlk_layout *layout,
                         const struct tlw_cpu_scratch *scratch);

/* Sets the bits of the blocks that lines may be in. */
void tlw_cpu_touch_lines(const tlk_layout *layout, const struct tlw_cpu_scratch *source,
                         const struct tlw_cpu_blocks *blocks);

/* Draws the lines of a chart, whose points are in source, into rows of the image. */
void tlw_cpu_draw_lines(const struct tlw_cpu_tier *tier, const tlk_layout *layout, const struct tlw_cpu_scratch *source,
                        const struct tlw_cpu_canvas *canvas);

#endif
