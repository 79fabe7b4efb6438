/* A piece of work on its way to the device: what is put into the queues for it. */
#ifndef TALLOW_GPU_SENDING_H
#define TALLOW_GPU_SENDING_H

#include "state.h"

struct tlw_sending {
  struct tlw_backend_state *state;
  const struct tlw_slab *slab;
  struct tlw_flight *flight;
};

/* Copies to the slab. The source must stay as it is until the flight has ended. Nothing is done where size is 0. */
tlw_status tlw_send_upload(const struct tlw_sending *sending, uint64_t offset, const void *source, uint64_t size,
                           tlw_error *error);

/* Nothing is done where groups is 0. */
tlw_status tlw_send_launch(const struct tlw_sending *sending, enum tlw_gpu_program program, int kernel, uint32_t groups,
                           uint32_t lanes, const void *args, size_t args_size, tlw_error *error);

/*
 * Copies from the slab, to memory that a copy never waits for; a copy to the caller's would hold the thread until the
 * device is done.
 */
tlw_status tlw_send_download(const struct tlw_sending *sending, const struct tlw_gpu_download *copy, tlw_error *error);

/* Copies from one slab to another, behind the kernels launched so far. */
tlw_status tlw_send_copy(const struct tlw_sending *sending, const struct tlw_gpu_copy *copy, tlw_error *error);

/* What the queue `to` gets from now on begins after what `from` has got so far. */
tlw_status tlw_send_hand_over(const struct tlw_sending *sending, enum tlw_gpu_stage from, enum tlw_gpu_stage to,
                              tlw_error *error);

#endif
