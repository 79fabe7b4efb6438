#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "chart.h"
#include "host/base/error.h"
#include "host/base/hash.h"
#include "selftest.h"

#define DEFAULT_BUDGET ((uint64_t)1 << 30)

static void gpu_close(struct tlw_backend_state *state) {
  struct tlw_gpu *gpu = state->gpu;
  for (int i = 0; i < TLW_GPU_SLOTS; i++) {
    struct tlw_gpu_slot *slot = &state->slots[i];
    tlw_gpu_slot_release(state, slot);
    if (slot->computed.handle) gpu->ops->event_close(gpu, &slot->computed);
    if (slot->downloaded.handle) gpu->ops->event_close(gpu, &slot->downloaded);
  }
  if (state->compute.handle) gpu->ops->queue_close(gpu, &state->compute);
  if (state->download.handle) gpu->ops->queue_close(gpu, &state->download);
  gpu->ops->close(gpu);
  tlw_memory_free(&state->services->memory, state, sizeof *state);
}

static const struct tlw_backend_ops ops = {.close = gpu_close, .render = tlw_gpu_chart_render};

static tlw_status open_queues(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  tlw_status status = gpu->ops->queue_open(gpu, &state->compute, error);
  if (status == TLW_OK) status = gpu->ops->queue_open(gpu, &state->download, error);
  for (int i = 0; i < TLW_GPU_SLOTS && status == TLW_OK; i++) {
    status = gpu->ops->event_open(gpu, &state->slots[i].computed, error);
    if (status == TLW_OK) status = gpu->ops->event_open(gpu, &state->slots[i].downloaded, error);
  }
  return status;
}

static uint64_t cache_key(struct tlw_gpu *gpu) {
  size_t size;
  const void *program = gpu->ops->program(gpu, &size);
  uint64_t key = tlw_hash(TLW_HASH_START, TLW_VERSION_STRING, sizeof TLW_VERSION_STRING);
  key = tlw_hash(key, gpu->identity, strlen(gpu->identity) + 1);
  return tlw_hash(key, program, size);
}

/* Loads the kernels; those that are not kept from an earlier run are tested and then kept. */
static tlw_status open_kernels(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  struct tlw_cache cache;
  tlw_cache_open(&cache, state->services->cache_dir);
  const uint64_t key = cache_key(gpu);
  void *kept;
  size_t kept_size;
  const bool passed = tlw_cache_load(&cache, key, &kept, &kept_size);
  tlw_status status =
      gpu->ops->kernels_open(gpu, tlw_chart_kernel_names, TLW_CHART_KERNELS, kept, kept_size, state->chart, error);
  free(kept);
  if (status != TLW_OK || passed) return status;
  status = tlw_gpu_selftest(state, error);
  if (status != TLW_OK) return status;
  size_t size;
  void *compiled = gpu->ops->kernels_save(gpu, &size);
  const bool stored = tlw_cache_store(&cache, key, compiled, size);
  free(compiled);
  const struct tlw_services *services = state->services;
  if (!stored && cache.folder[0] && services->log)
    services->log(services->log_user, TLW_LOG_WARNING,
                  "compiled kernels could not be kept in the cache folder, so the next run compiles them again");
  return TLW_OK;
}

static uint64_t default_budget(const struct tlw_gpu *gpu) {
  const uint64_t half = gpu->free_memory / 2;
  return half < DEFAULT_BUDGET ? half : DEFAULT_BUDGET;
}

tlw_status tlw_gpu_backend_open(struct tlw_services *services, const tlw_device *device, tlw_gpu_open_fn open,
                                struct tlw_executor *executor, tlw_error *error) {
  tlw_error failure;
  struct tlw_backend_state *state = NULL;
  struct tlw_gpu *gpu = NULL;
  tlw_status status = open(device, &gpu, &failure);
  if (status == TLW_OK)
    status = tlw_memory_check(&services->memory, tlw_memory_counted(sizeof *state) + tlw_gpu_selftest_bytes(gpu),
                              "an engine", &failure);
  if (status == TLW_OK) state = tlw_memory_alloc(&services->memory, sizeof *state, "the backend's records", &failure);
  if (!state) {
    if (gpu) gpu->ops->close(gpu);
    if (error) *error = failure;
    return failure.code;
  }
  state->services = services;
  state->gpu = gpu;
  if (status == TLW_OK && services->device_budget == TLW_BUDGET_AUTO)
    services->device_budget = default_budget(state->gpu);
  if (status == TLW_OK) status = open_queues(state, &failure);
  if (status == TLW_OK) status = open_kernels(state, &failure);
  if (status == TLW_OK) {
    *executor = (struct tlw_executor){.ops = &ops, .state = state, .device = *device};
    return TLW_OK;
  }
  gpu_close(state);
  if (error) *error = failure;
  return status;
}
