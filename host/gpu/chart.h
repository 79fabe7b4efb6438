/* Charts on a GPU. */
#ifndef TALLOW_GPU_CHART_H
#define TALLOW_GPU_CHART_H

#include "state.h"

/* The names of the kernels of a chart, in the order of tlw_chart_kernel. */
extern const char *const tlw_chart_kernel_names[TLW_CHART_KERNELS];

/* As the operations of the same names in tlw_backend_ops. */
int64_t tlw_gpu_chart_fit(struct tlw_backend_state *state, const struct tlw_render_job *job, uint32_t shares,
                          uint64_t limit);
tlw_status tlw_gpu_chart_draw(struct tlw_backend_state *state, const struct tlw_render_job *job,
                              struct tlw_ticket *ticket, tlw_error *error);

#endif
