/* Host memory that jobs draw into. */
#include "memory.h"

tlw_status tlw_gpu_staging_open(struct tlw_backend_state *state, struct tlw_block *block, uint64_t size,
                                tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  tlw_status status = tlw_memory_claim(memory, size, "pixels", &failure);
  if (status == TLW_OK) {
    void *data = NULL;
    status = state->gpu->ops->host_open(state->gpu, size, &data, &failure);
    if (status == TLW_OK) {
      *block = (struct tlw_block){data, size};
      return TLW_OK;
    }
    tlw_memory_return(memory, size);
  }
  if (status == TLW_ERR_DEVICE_LOST) tlw_flights_lose(state, &failure);
  if (error) *error = failure;
  return status;
}

void tlw_gpu_staging_close(struct tlw_backend_state *state, struct tlw_block *block) {
  if (!block->data) return;
  if (tlw_flights_settle(state))
    state->gpu->ops->host_close(state->gpu, block->data, block->size);
  else
    state->left += block->size;
  tlw_memory_return(&state->services->memory, block->size);
  *block = (struct tlw_block){0};
}
