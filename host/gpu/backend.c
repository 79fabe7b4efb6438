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

static tlw_status load_kernels(struct tlw_backend_state *state, const struct tlw_block *kept, tlw_error *error) {
  return state->gpu->ops->kernels_open(state->gpu, tlw_chart_kernel_names, TLW_CHART_KERNELS, kept, state->chart,
                                       error);
}

/* Keeps kernels that have passed; without, the next run compiles and tests them again. */
static void keep_kernels(struct tlw_backend_state *state, const struct tlw_cache *cache, uint64_t key) {
  struct tlw_services *services = state->services;
  struct tlw_block saved = {0};
  const bool kept = state->gpu->ops->kernels_save(state->gpu, &services->memory, &saved, NULL) == TLW_OK &&
                    tlw_cache_store(cache, key, saved.data, saved.size);
  tlw_block_free(&services->memory, &saved);
  if (!kept && cache->folder[0] && services->log)
    services->log(services->log_user, TLW_LOG_WARNING,
                  "compiled kernels could not be kept in the cache folder, so the next run compiles them again");
}

/* Loads the kernels: those kept from an earlier run have passed their self-test, others are tested and then kept. */
static tlw_status open_kernels(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  struct tlw_cache cache;
  tlw_cache_open(&cache, state->services->cache_dir);
  const uint64_t key = cache_key(state->gpu);
  struct tlw_block kept = {0};
  const bool passed = tlw_cache_load(&cache, key, memory, &kept) && load_kernels(state, &kept, NULL) == TLW_OK;
  tlw_block_free(memory, &kept);
  if (passed) return TLW_OK;
  tlw_status status = load_kernels(state, NULL, error);
  if (status == TLW_OK) status = tlw_gpu_selftest(state, error);
  if (status == TLW_OK) keep_kernels(state, &cache, key);
  return status;
}

static uint64_t default_budget(const struct tlw_gpu *gpu) {
  const uint64_t half = gpu->free_memory / 2;
  return half < DEFAULT_BUDGET ? half : DEFAULT_BUDGET;
}

/* A device on which an engine can't be opened is no use, however its driver puts it. */
static tlw_status refuse_device(tlw_status status, tlw_error *failure, tlw_error *error) {
  if (status == TLW_ERR_DEVICE || status == TLW_ERR_DEVICE_LOST) status = TLW_ERR_UNAVAILABLE;
  failure->code = status;
  if (error) *error = *failure;
  return status;
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
    return refuse_device(failure.code, &failure, error);
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
  return refuse_device(status, &failure, error);
}
