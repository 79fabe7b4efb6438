/* The product's kernels, as C11. A kernel that is missing here is CU_NOT_FOUND to a module. */
#define TLK_HOST_KERNELS
#include "../../kernels/bars_join.c"
#include "../../kernels/chart_merge.c"
#include "../../kernels/images_expand.c"
#include "../../kernels/images_jkx.c"

#include "../../kernels/chart_scale.c"

#include "../../kernels/chart_axis.c"

#include "../../kernels/chart_columns.c"

#include "../../kernels/chart_paint.c"

#include "../../kernels/chart_lines.c"

#include "../../kernels/chart_text.c"

#include "../../kernels/png_count.c"

#include "../../kernels/png_place.c"

#include "../../kernels/png_write.c"

#include "../../kernels/png_join.c"

#include "../../kernels/window_fold.c"

#include "../../kernels/window_long.c"

#include "../../kernels/window_order.c"

#include "../../kernels/window_scan.c"

#include "driver.h"

/* KERNEL(name, type of its arguments, whether it has barriers) */
#define KERNEL(name, args_type, barriers)                                                                              \
  { #name, name, sizeof(args_type), barriers }

const sc_kernel sc_product_kernels[] = {
    KERNEL(tlk_chart_merge, tlk_chart_args, true),
    KERNEL(tlk_chart_scale, tlk_chart_args, true),
    KERNEL(tlk_chart_axis, tlk_chart_args, true),
    KERNEL(tlk_chart_columns, tlk_chart_args, false),
    KERNEL(tlk_chart_paint, tlk_chart_args, true),
    KERNEL(tlk_chart_lines, tlk_chart_args, false),
    KERNEL(tlk_chart_text, tlk_chart_args, true),
    KERNEL(tlk_png_count, tlk_png_args, true),
    KERNEL(tlk_png_place, tlk_png_args, true),
    KERNEL(tlk_png_write, tlk_png_args, true),
    KERNEL(tlk_png_join, tlk_png_args, false),
    KERNEL(tlk_fold_sum, tlk_window_args, true),
    KERNEL(tlk_fold_most, tlk_window_args, true),
    KERNEL(tlk_fold_most_row, tlk_window_args, true),
    KERNEL(tlk_fold_moments, tlk_window_args, true),
    KERNEL(tlk_fold_higher, tlk_window_args, true),
    KERNEL(tlk_fold_cross, tlk_window_args, true),
    KERNEL(tlk_fold_weighted, tlk_window_args, true),
    KERNEL(tlk_fold_ends, tlk_window_args, true),
    KERNEL(tlk_chain_sum, tlk_window_args, false),
    KERNEL(tlk_chain_most, tlk_window_args, false),
    KERNEL(tlk_chain_most_row, tlk_window_args, false),
    KERNEL(tlk_chain_moments, tlk_window_args, false),
    KERNEL(tlk_chain_higher, tlk_window_args, false),
    KERNEL(tlk_chain_cross, tlk_window_args, false),
    KERNEL(tlk_chain_weighted, tlk_window_args, false),
    KERNEL(tlk_chain_ends, tlk_window_args, false),
    KERNEL(tlk_join_sum, tlk_window_args, false),
    KERNEL(tlk_join_most, tlk_window_args, false),
    KERNEL(tlk_join_most_row, tlk_window_args, false),
    KERNEL(tlk_join_moments, tlk_window_args, false),
    KERNEL(tlk_join_higher, tlk_window_args, false),
    KERNEL(tlk_join_cross, tlk_window_args, false),
    KERNEL(tlk_join_weighted, tlk_window_args, false),
    KERNEL(tlk_join_ends, tlk_window_args, false),
    KERNEL(tlk_window_order, tlk_window_args, false),
    KERNEL(tlk_bars_join, tlk_bars_args, true),
    KERNEL(tlk_jkx_5, tlk_jkx_args, true),
    KERNEL(tlk_jkx_20, tlk_jkx_args, true),
    KERNEL(tlk_jkx_60, tlk_jkx_args, true),
    KERNEL(tlk_image_expand, tlk_expand_args, true),
    KERNEL(tlk_scan_ends_linear, tlk_window_args, true),
    KERNEL(tlk_scan_ends_adjusted, tlk_window_args, true),
    KERNEL(tlk_scan_ends_total, tlk_window_args, true),
    KERNEL(tlk_scan_stretch, tlk_window_args, true),
    KERNEL(tlk_scan_carry_on, tlk_window_args, true),
    KERNEL(tlk_scan_results_linear, tlk_window_args, true),
    KERNEL(tlk_scan_results_adjusted, tlk_window_args, true),
    KERNEL(tlk_scan_results_total, tlk_window_args, true),
};

const size_t sc_product_kernel_count = sizeof sc_product_kernels / sizeof *sc_product_kernels;
