/*
 * PNG files of charts that are drawn: the device encodes, its files come once their sizes are known, and the host puts
 * what stands around the data to them.
 */
#ifndef TALLOW_GPU_FILES_H
#define TALLOW_GPU_FILES_H

#include "plan.h"
#include "state.h"

extern const char *const tlw_png_kernel_names[TLW_PNG_KERNELS];

/*
 * Behind the kernels that draw the charts of the job, which has files: enqueues the encoding and the way of the sizes to
 * the host, and notes in the flight what comes then. The flight is to be marked where it computes.
 */
tlw_status tlw_gpu_files_make(struct tlw_backend_state *state, struct tlw_flight *flight,
                              const struct tlw_render_job *job, const tlk_png_args *args, const struct tlw_slab *slab,
                              tlw_error *error);

#endif
