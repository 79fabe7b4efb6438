/* Lines over candles, for one tier. */
#ifndef TALLOW_CPU_LINE_OPS_H
#define TALLOW_CPU_LINE_OPS_H

#include "tier.h"
#include "window_tier.h"

void TLW_TIERED(tlw_cpu_line_points_of)(const double *values, size_t n, tlk_scale scale, const tlk_layout *layout,
                                        int32_t *points);
void TLW_TIERED(tlw_cpu_draw_line)(const struct tlw_cpu_line *line);

#endif
