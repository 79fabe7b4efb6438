/* JKX images drawn on a GPU. */
#ifndef TALLOW_GPU_IMAGES_H
#define TALLOW_GPU_IMAGES_H

#include "state.h"

/* In the order of tlw_images_kernel. */
extern const char *const tlw_images_kernel_names[TLW_IMAGES_KERNELS];

/* As images of tlw_backend_ops, once their program is ready. */
tlw_status tlw_gpu_images(struct tlw_backend_state *state, const struct tlw_images_job *job, uint64_t limit,
                          tlw_error *error);

/* Gives back what images keep from job to job. Nothing is in flight. */
void tlw_gpu_images_relieve(struct tlw_backend_state *state);

/*
 * Host memory that a small job with volume does with that draws into host memory, and where slabs are host memory the
 * device's too. Of the job only the number and the form of its images are looked at.
 */
uint64_t tlw_gpu_images_bytes(bool unified, const struct tlw_images_job *job);

#endif
