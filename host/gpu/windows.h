/* Rolling windows on a GPU. */
#ifndef TALLOW_GPU_WINDOWS_H
#define TALLOW_GPU_WINDOWS_H

#include "state.h"

/* In the order of tlw_window_kernel. */
extern const char *const tlw_window_kernel_names[TLW_WINDOW_KERNELS];

/* As windows of tlw_backend_ops, once their program is ready. */
tlw_status tlw_gpu_windows(struct tlw_backend_state *state, const struct tlw_window_job *job, uint64_t limit,
                           tlw_error *error);

#endif
