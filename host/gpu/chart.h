/* Charts on a GPU. */
#ifndef TALLOW_GPU_CHART_H
#define TALLOW_GPU_CHART_H

#include "state.h"

/* The names of the kernels of a chart, in the order of tlw_chart_kernel. */
extern const char *const tlw_chart_kernel_names[TLW_CHART_KERNELS];

/* Draws; fills tlw_backend_ops.render. */
tlw_status tlw_gpu_chart_render(struct tlw_backend_state *state, const struct tlw_render_job *job, tlw_error *error);

/* Bytes of the smallest slab that can draw each chart of the job. */
uint64_t tlw_gpu_chart_least(const struct tlw_render_job *job);

#endif
