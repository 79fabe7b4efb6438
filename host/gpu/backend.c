#include "backend.h"

#include <stdarg.h>
#include <stdio.h>

#include "bars.h"
#include "chart.h"
#include "faults.h"
#include "images.h"
#include "memory.h"
#include "plan.h"
#include "programs.h"
#include "selftest.h"
#include "windows.h"

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
  tlw_timing_close(state);
  tlw_flights_close(state);
  for (int i = 0; i < TLW_GPU_QUEUES; i++)
    if (state->queues[i].handle) gpu->ops->queue_close(gpu, &state->queues[i]);
  gpu->ops->close(gpu);
}

static void gpu_close(struct tlw_backend_state *state) {
  tlw_flights_finish(state, NULL);
  tlw_gpu_images_relieve(state);
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

/* Who draws pixels alone does not wait for the kernels of files to be compiled, nor for those of windows. */
static tlw_status gpu_prepare_files(struct tlw_backend_state *state, const tlk_layout *layout, uint64_t leave,
                                    tlw_error *error) {
  (void)layout;
  (void)leave;
  return tlw_program_prepare(state, TLW_PROGRAM_PNG, error);
}

static tlw_status gpu_windows(struct tlw_backend_state *state, const struct tlw_window_job *job, uint64_t limit,
                              tlw_error *error) {
  const tlw_status status = tlw_program_prepare(state, TLW_PROGRAM_WINDOWS, error);
  return status == TLW_OK ? tlw_gpu_windows(state, job, limit, error) : status;
}

static tlw_status gpu_bars(struct tlw_backend_state *state, const struct tlw_bars_job *job, uint64_t limit,
                           tlw_error *error) {
  const tlw_status status = tlw_program_prepare(state, TLW_PROGRAM_BARS, error);
  return status == TLW_OK ? tlw_gpu_bars(state, job, limit, error) : status;
}

static tlw_status gpu_images(struct tlw_backend_state *state, const struct tlw_images_job *job, uint64_t limit,
                             tlw_error *error) {
  const tlw_status status = tlw_program_prepare(state, TLW_PROGRAM_IMAGES, error);
  return status == TLW_OK ? tlw_gpu_images(state, job, limit, error) : status;
}

static tlw_status gpu_prepare_tensors(struct tlw_backend_state *state, tlw_error *error) {
  return tlw_program_prepare(state, TLW_PROGRAM_IMAGES, error);
}

static struct tlw_location gpu_locate(struct tlw_backend_state *state, const struct tlw_part *part) {
  return state->gpu->ops->locate(state->gpu, &part->slab, part->offset);
}

static struct tlw_pool *gpu_pool(struct tlw_backend_state *state) { return &state->pool; }

static const struct tlw_backend_ops ops = {
    .close = gpu_close,
    .fit = tlw_gpu_chart_fit,
    .least_device = gpu_least_device,
    .least_host = gpu_least_host,
    .prepare = gpu_prepare,
    .prepare_files = gpu_prepare_files,
    .prepare_tensors = gpu_prepare_tensors,
    .draw = tlw_gpu_chart_draw,
    .wait = tlw_flights_wait,
    .is_done = tlw_flights_is_done,
    .windows = gpu_windows,
    .bars = gpu_bars,
    .images = gpu_images,
    .staging_open = tlw_gpu_staging_open,
    .staging_close = tlw_gpu_staging_close,
    .draws_anywhere = false,
    .pool = gpu_pool,
    .write = tlw_gpu_memory_write,
    .read = tlw_gpu_memory_read,
    .locate = gpu_locate,
    .trim = tlw_gpu_memory_trim,
};

static tlw_status open_queues(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  tlw_status status = TLW_OK;
  for (int i = 0; i < TLW_GPU_QUEUES && status == TLW_OK; i++)
    status = gpu->ops->queue_open(gpu, &state->queues[i], error);
  if (status == TLW_OK) status = tlw_flights_open(state, error);
  return status == TLW_OK ? tlw_timing_open(state, error) : status;
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
    status = tlw_memory_check(&services->memory,
                              tlw_memory_counted(sizeof *state) + tlw_gpu_selftest_bytes(gpu, TLW_PROGRAM_CHART),
                              "an engine", &failure);
  if (status == TLW_OK) state = tlw_memory_alloc(&services->memory, sizeof *state, "the backend's records", &failure);
  if (!state) {
    if (gpu) gpu->ops->close(gpu);
    return refuse_device(failure.code, &failure, error);
  }
  state->services = services;
  state->gpu = gpu;
  gpu->timed = services->telemetry.timing;
  tlw_cache_open(&state->cache, services->cache_dir);
  if (services->device_budget == TLW_BUDGET_AUTO) services->device_budget = default_budget(gpu);
  tlw_gpu_memory_init(state);
  status = open_queues(state, &failure);
  if (status == TLW_OK) status = tlw_program_prepare(state, TLW_PROGRAM_CHART, &failure);
  if (status == TLW_OK) {
    *executor = (struct tlw_executor){.ops = &ops, .state = state, .device = *device};
    return TLW_OK;
  }
  gpu_close(state);
  return refuse_device(status, &failure, error);
}
