#include "backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "chart.h"
#include "faults.h"
#include "host/base/hash.h"
#include "memory.h"
#include "plan.h"
#include "selftest.h"

#define DEFAULT_BUDGET ((uint64_t)1 << 30)

void tlw_gpu_warn(const struct tlw_backend_state *state, const char *format, ...) {
  const struct tlw_services *services = state->services;
  if (!services->log) return;
  char message[TLW_ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  services->log(services->log_user, TLW_LOG_WARNING, message);
}

/* Its memory counts no more, but nobody knows what the device still does to it. */
static void leave_device(struct tlw_backend_state *state) {
  const uint64_t left = state->left + tlw_pool_slabs(&state->pool);
  tlw_pool_close(&state->pool);
  state->gpu->ops->abandon(state->gpu);
  tlw_gpu_warn(state, "%llu bytes are left to the driver until the process ends: the device may still be using them",
               (unsigned long long)left);
}

static void close_device(struct tlw_backend_state *state) {
  struct tlw_gpu *gpu = state->gpu;
  tlw_pool_close(&state->pool);
  tlw_flights_close(state);
  for (int i = 0; i < TLW_GPU_QUEUES; i++)
    if (state->queues[i].handle) gpu->ops->queue_close(gpu, &state->queues[i]);
  gpu->ops->close(gpu);
}

static void gpu_close(struct tlw_backend_state *state) {
  tlw_flights_finish(state, NULL);
  if (state->abandoned)
    leave_device(state);
  else
    close_device(state);
  tlw_memory_free(&state->services->memory, state, sizeof *state);
}

static uint64_t gpu_least_device(struct tlw_backend_state *state, const tlk_layout *layout) {
  (void)state;
  return tlw_plan_least(layout);
}

static uint64_t gpu_least_host(struct tlw_backend_state *state, const tlk_layout *layout) {
  return state->gpu->unified ? tlw_plan_least(layout) : 0;
}

/* All that drawing needs is on the device. */
static tlw_status gpu_prepare(struct tlw_backend_state *state, const tlk_layout *layout, uint64_t leave,
                              tlw_error *error) {
  (void)state;
  (void)layout;
  (void)leave;
  (void)error;
  return TLW_OK;
}

static struct tlw_pool *gpu_pool(struct tlw_backend_state *state) { return &state->pool; }

static const struct tlw_backend_ops ops = {
    .close = gpu_close,
    .fit = tlw_gpu_chart_fit,
    .least_device = gpu_least_device,
    .least_host = gpu_least_host,
    .prepare = gpu_prepare,
    .draw = tlw_gpu_chart_draw,
    .wait = tlw_flights_wait,
    .is_done = tlw_flights_is_done,
    .staging_open = tlw_gpu_staging_open,
    .staging_close = tlw_gpu_staging_close,
    .draws_anywhere = false,
    .pool = gpu_pool,
    .write = tlw_gpu_memory_write,
    .read = tlw_gpu_memory_read,
    .trim = tlw_gpu_memory_trim,
};

static tlw_status open_queues(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  tlw_status status = TLW_OK;
  for (int i = 0; i < TLW_GPU_QUEUES && status == TLW_OK; i++)
    status = gpu->ops->queue_open(gpu, &state->queues[i], error);
  return status == TLW_OK ? tlw_flights_open(state, error) : status;
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
  struct tlw_memory *memory = &state->services->memory;
  struct tlw_block saved = {0};
  const bool kept = state->gpu->ops->kernels_save(state->gpu, memory, &saved, NULL) == TLW_OK &&
                    tlw_cache_store(cache, key, saved.data, saved.size);
  tlw_block_free(memory, &saved);
  const struct tlw_services *services = state->services;
  if (kept || !cache->folder[0] || !services->log) return;
  char message[TLW_ERROR_MESSAGE_SIZE];
  snprintf(message, sizeof message, "compiled kernels could not be kept in %.300s, so the next run compiles them again",
           cache->folder);
  services->log(services->log_user, TLW_LOG_INFO, message); /* many homes can't be written, and nothing is lost */
}

/*
 * Loads the kernels and takes memory to draw in: kernels that were kept from an earlier run have passed their
 * self-test, others are tested and then kept.
 */
static tlw_status open_kernels(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  struct tlw_cache cache;
  tlw_cache_open(&cache, state->services->cache_dir);
  const uint64_t key = cache_key(state->gpu);
  struct tlw_block kept = {0};
  const bool passed = tlw_cache_load(&cache, key, memory, &kept) && load_kernels(state, &kept, NULL) == TLW_OK;
  tlw_block_free(memory, &kept);
  tlw_status status = passed ? TLW_OK : load_kernels(state, NULL, error);
  if (status == TLW_OK) status = tlw_gpu_memory_reserve(state, error);
  if (status != TLW_OK || passed) return status;
  status = tlw_gpu_selftest(state, error);
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
#ifdef TALLOW_FAULTS
  if (status == TLW_OK) tlw_gpu_plant_faults(gpu);
#endif
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
  if (services->device_budget == TLW_BUDGET_AUTO) services->device_budget = default_budget(gpu);
  tlw_gpu_memory_init(state);
  status = open_queues(state, &failure);
  if (status == TLW_OK) status = open_kernels(state, &failure);
  if (status == TLW_OK) {
    *executor = (struct tlw_executor){.ops = &ops, .state = state, .device = *device};
    return TLW_OK;
  }
  gpu_close(state);
  return refuse_device(status, &failure, error);
}
