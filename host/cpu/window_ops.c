/* The table of rolling windows of one tier. */
#include "window_fold.h"
#include "window_order.h"
#include "window_scan.h"

extern const struct tlw_cpu_window_tier TLW_TIERED(tlw_cpu_windows_of);

const struct tlw_cpu_window_tier TLW_TIERED(tlw_cpu_windows_of) = {
    .fold_scratch = TLW_TIERED(tlw_window_fold_scratch),
    .fold_begin = TLW_TIERED(tlw_window_fold_begin),
    .fold = TLW_TIERED(tlw_window_fold),
    .order_scratch = TLW_TIERED(tlw_window_order_scratch),
    .order = TLW_TIERED(tlw_window_order),
    .scan = TLW_TIERED(tlw_window_scan),
    .stretch = TLW_TIERED(tlw_window_stretch),
    .advance = TLW_TIERED(tlw_window_advance),
};
