#include "host/base/error.h"
#include "state.h"

static bool count_slab(struct tlw_backend_state *state, uint64_t size) {
  struct tlw_services *services = state->services;
  if (!tlw_gauge_add(&services->device_bytes, size, services->device_budget)) return false;
  if (!state->gpu->unified || tlw_gauge_add(&services->memory.bytes, size, services->memory.budget)) return true;
  tlw_gauge_sub(&services->device_bytes, size);
  return false;
}

static void uncount_slab(struct tlw_backend_state *state, uint64_t size) {
  tlw_gauge_sub(&state->services->device_bytes, size);
  if (state->gpu->unified) tlw_gauge_sub(&state->services->memory.bytes, size);
}

void tlw_gpu_slot_release(struct tlw_backend_state *state, struct tlw_gpu_slot *slot) {
  const uint64_t size = slot->slab.size;
  if (size == 0) return;
  state->gpu->ops->slab_close(state->gpu, &slot->slab);
  uncount_slab(state, size);
}

uint64_t tlw_gpu_slab_size(uint64_t size) {
  return (size + TLW_GPU_SLAB_ALIGN - 1) / TLW_GPU_SLAB_ALIGN * TLW_GPU_SLAB_ALIGN;
}

tlw_status tlw_gpu_slot_reserve(struct tlw_backend_state *state, struct tlw_gpu_slot *slot, uint64_t size,
                                tlw_error *error) {
  if (slot->slab.size >= size) return TLW_OK;
  tlw_gpu_slot_release(state, slot);
  const uint64_t bytes = tlw_gpu_slab_size(size);
  if (!count_slab(state, bytes))
    return tlw_fail(error, TLW_ERR_INTERNAL, "a plan of %llu bytes exceeds the budgets", (unsigned long long)bytes);
  const tlw_status status = state->gpu->ops->slab_open(state->gpu, bytes, &slot->slab, error);
  if (status != TLW_OK) uncount_slab(state, bytes);
  return status;
}
