/* The product's kernels, as C11. A kernel that is missing here is CU_NOT_FOUND to a module. */
#define TLK_HOST_KERNELS
#include "../../kernels/chart_merge.c"

#include "../../kernels/chart_scale.c"

#include "../../kernels/chart_columns.c"

#include "../../kernels/chart_paint.c"

#include "driver.h"

/* KERNEL(name, type of its arguments, whether it has barriers) */
#define KERNEL(name, args_type, barriers)                                                                              \
  { #name, name, sizeof(args_type), barriers }

const sc_kernel sc_product_kernels[] = {
    KERNEL(tlk_chart_merge, tlk_chart_args, true),
    KERNEL(tlk_chart_scale, tlk_chart_args, true),
    KERNEL(tlk_chart_columns, tlk_chart_args, false),
    KERNEL(tlk_chart_paint, tlk_chart_args, true),
};

const size_t sc_product_kernel_count = sizeof sc_product_kernels / sizeof *sc_product_kernels;
