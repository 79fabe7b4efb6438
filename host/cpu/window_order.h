/* Order statistics of rolling windows in one SIMD tier: members of struct tlw_cpu_window_tier. */
#ifndef TALLOW_CPU_WINDOW_ORDER_H
#define TALLOW_CPU_WINDOW_ORDER_H

#include "window_tier.h"

uint64_t TLW_TIERED(tlw_window_order_scratch)(const tlk_window *w);
void TLW_TIERED(tlw_window_order)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
                                  double *output, void *scratch);

#endif
