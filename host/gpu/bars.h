/* Rows of trades joined into parts of bars on a GPU. */
#ifndef TALLOW_GPU_BARS_H
#define TALLOW_GPU_BARS_H

#include "state.h"

/* In the order of tlw_bars_kernel. */
extern const char *const tlw_bars_kernel_names[TLW_BARS_KERNELS];

/* As bars of tlw_backend_ops, once their program is ready. */
tlw_status tlw_gpu_bars(struct tlw_backend_state *state, const struct tlw_bars_job *job, uint64_t limit,
                        tlw_error *error);

/* Host memory that any job of so many rows in so many parts does with, and where slabs are host memory the device's too. */
uint64_t tlw_gpu_bars_bytes(bool unified, int64_t rows, int64_t parts);

#endif
