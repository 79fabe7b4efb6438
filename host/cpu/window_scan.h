/* Averages that remember and running totals in one SIMD tier: members of struct tlw_cpu_window_tier. */
#ifndef TALLOW_CPU_WINDOW_SCAN_H
#define TALLOW_CPU_WINDOW_SCAN_H

#include "window_tier.h"

void TLW_TIERED(tlw_window_scan)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
                                 struct tlw_cpu_scan *scan, double *output, bool streams);
void TLW_TIERED(tlw_window_stretch)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from,
                                    struct tlw_cpu_stretch *stretch);
void TLW_TIERED(tlw_window_advance)(const tlk_window *w, const struct tlw_cpu_stretch *stretch,
                                    struct tlw_cpu_scan *scan);

#endif
