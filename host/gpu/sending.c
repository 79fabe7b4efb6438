#include "sending.h"

tlw_status tlw_send_upload(const struct tlw_sending *sending, uint64_t offset, const void *source, uint64_t size,
                           tlw_error *error) {
  struct tlw_backend_state *state = sending->state;
  if (size == 0) return TLW_OK;
  tlw_flight_begin(state, sending->flight, TLW_GPU_UPLOAD);
  const tlw_status status =
      state->gpu->ops->upload(state->gpu, &state->queues[TLW_GPU_UPLOAD], sending->slab, offset, source, size, error);
  if (status != TLW_OK) return status;
  sending->flight->busy[TLW_GPU_UPLOAD] = true;
  sending->flight->bytes[TLW_GPU_UPLOAD] += size;
  state->services->uploaded += size;
  return TLW_OK;
}

tlw_status tlw_send_launch(const struct tlw_sending *sending, enum tlw_gpu_program program, int kernel, uint32_t groups,
                           uint32_t lanes, const void *args, size_t args_size, tlw_error *error) {
  struct tlw_backend_state *state = sending->state;
  if (groups == 0) return TLW_OK;
  tlw_flight_begin(state, sending->flight, TLW_GPU_COMPUTE);
  const struct tlw_gpu_kernel *launched = &state->programs[program].kernels[kernel];
  const tlw_status status = state->gpu->ops->launch(state->gpu, &state->queues[TLW_GPU_COMPUTE], launched, groups,
                                                    lanes, args, args_size, sending->slab, error);
  if (status != TLW_OK) return status;
  sending->flight->busy[TLW_GPU_COMPUTE] = true;
  state->services->launches++;
  return TLW_OK;
}

tlw_status tlw_send_download(const struct tlw_sending *sending, const struct tlw_gpu_download *copy, tlw_error *error) {
  struct tlw_backend_state *state = sending->state;
  tlw_flight_begin(state, sending->flight, TLW_GPU_DOWNLOAD);
  const tlw_status status = state->gpu->ops->download(state->gpu, &state->queues[TLW_GPU_DOWNLOAD], copy, error);
  if (status != TLW_OK) return status;
  sending->flight->busy[TLW_GPU_DOWNLOAD] = true;
  sending->flight->bytes[TLW_GPU_DOWNLOAD] += copy->width * copy->rows;
  state->services->downloaded += copy->width * copy->rows;
  return TLW_OK;
}

tlw_status tlw_send_copy(const struct tlw_sending *sending, const struct tlw_gpu_copy *copy, tlw_error *error) {
  struct tlw_backend_state *state = sending->state;
  tlw_flight_begin(state, sending->flight, TLW_GPU_COMPUTE);
  const tlw_status status = state->gpu->ops->copy(state->gpu, &state->queues[TLW_GPU_COMPUTE], copy, error);
  if (status == TLW_OK) sending->flight->busy[TLW_GPU_COMPUTE] = true;
  return status;
}

tlw_status tlw_send_hand_over(const struct tlw_sending *sending, enum tlw_gpu_stage from, enum tlw_gpu_stage to,
                              tlw_error *error) {
  struct tlw_backend_state *state = sending->state;
  const tlw_status status = tlw_flight_mark(state, sending->flight, from, error);
  if (status != TLW_OK) return status;
  return state->gpu->ops->event_wait(state->gpu, &state->queues[to], &sending->flight->marks[from], error);
}
