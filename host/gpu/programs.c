#include "programs.h"

#include <stdio.h>
#include <string.h>

#include "bars.h"
#include "chart.h"
#include "files.h"
#include "host/base/hash.h"
#include "images.h"
#include "memory.h"
#include "selftest.h"
#include "windows.h"

/* What a program consists of, and how it is found out that it works. */
static const struct {
  const char *const *names;
  size_t n;
  tlw_status (*test)(struct tlw_backend_state *state, tlw_error *error);
} makings[TLW_PROGRAMS] = {
    [TLW_PROGRAM_CHART] = {tlw_chart_kernel_names, TLW_CHART_KERNELS, tlw_gpu_selftest_charts},
    [TLW_PROGRAM_PNG] = {tlw_png_kernel_names, TLW_PNG_KERNELS, tlw_gpu_selftest_files},
    [TLW_PROGRAM_WINDOWS] = {tlw_window_kernel_names, TLW_WINDOW_KERNELS, tlw_gpu_selftest_windows},
    [TLW_PROGRAM_BARS] = {tlw_bars_kernel_names, TLW_BARS_KERNELS, tlw_gpu_selftest_bars},
    [TLW_PROGRAM_IMAGES] = {tlw_images_kernel_names, TLW_IMAGES_KERNELS, tlw_gpu_selftest_images},
};

/* Programs that share an image have passed different tests. */
static uint64_t key_of(struct tlw_gpu *gpu, enum tlw_gpu_program which) {
  const uint32_t number = which;
  size_t size;
  const void *program = gpu->ops->program(gpu, which, &size);
  uint64_t key = tlw_hash(TLW_HASH_START, TLW_VERSION_STRING, sizeof TLW_VERSION_STRING);
  key = tlw_hash(key, gpu->identity, strlen(gpu->identity) + 1);
  key = tlw_hash(key, &number, sizeof number);
  return tlw_hash(key, program, size);
}

static tlw_status load(struct tlw_backend_state *state, enum tlw_gpu_program which, const struct tlw_block *kept,
                       tlw_error *error) {
  struct tlw_program *program = &state->programs[which];
  const tlw_status status = state->gpu->ops->kernels_open(state->gpu, which, makings[which].names, makings[which].n,
                                                          kept, program->kernels, error);
  program->loaded = status == TLW_OK;
  return status;
}

/* Whether there were kernels of an earlier run, which have passed their self-test. */
static bool load_kept(struct tlw_backend_state *state, enum tlw_gpu_program which, uint64_t key) {
  struct tlw_memory *memory = &state->services->memory;
  struct tlw_block kept = {0};
  const bool loaded = tlw_cache_load(&state->cache, key, memory, &kept) && load(state, which, &kept, NULL) == TLW_OK;
  tlw_block_free(memory, &kept);
  return loaded;
}

/* Keeps kernels that have passed; without, the next run compiles and tests them again. */
static void keep(struct tlw_backend_state *state, enum tlw_gpu_program which, uint64_t key) {
  struct tlw_memory *memory = &state->services->memory;
  struct tlw_block saved = {0};
  const bool kept = state->gpu->ops->kernels_save(state->gpu, which, memory, &saved, NULL) == TLW_OK &&
                    tlw_cache_store(&state->cache, key, saved.data, saved.size);
  tlw_block_free(memory, &saved);
  const struct tlw_services *services = state->services;
  if (kept || !state->cache.folder[0] || !services->log) return;
  char message[TLW_ERROR_MESSAGE_SIZE];
  snprintf(message, sizeof message, "compiled kernels could not be kept in %.300s, so the next run compiles them again",
           state->cache.folder);
  services->log(services->log_user, TLW_LOG_INFO, message); /* many homes can't be written, and nothing is lost */
}

/* The budget is asked for the self-test in any case, so that what an earlier run has kept changes no answer. */
static tlw_status prepare(struct tlw_backend_state *state, enum tlw_gpu_program which, tlw_error *error) {
  struct tlw_program *program = &state->programs[which];
  const uint64_t key = key_of(state->gpu, which);
  tlw_status status =
      tlw_memory_check(&state->services->memory, tlw_gpu_selftest_bytes(state->gpu, which), "a self-test", error);
  if (status != TLW_OK) return status;
  const bool passed = !program->loaded && load_kept(state, which, key);
  if (!program->loaded) status = load(state, which, NULL, error);
  if (status == TLW_OK) status = tlw_gpu_memory_reserve(state, error);
  if (status != TLW_OK || passed) return status;
  state->timing.pauses = true; /* it is nobody's work */
  status = makings[which].test(state, error);
  state->timing.pauses = false;
  if (status == TLW_OK) keep(state, which, key);
  return status;
}

tlw_status tlw_program_prepare(struct tlw_backend_state *state, enum tlw_gpu_program which, tlw_error *error) {
  struct tlw_program *program = &state->programs[which];
  if (program->ready) return TLW_OK;
  tlw_error failure = program->refusal;
  tlw_status status = failure.code;
  if (status == TLW_OK) status = prepare(state, which, &failure);
  program->ready = status == TLW_OK;
  if (program->ready) return TLW_OK;
  failure.code = status;
  if (status == TLW_ERR_UNAVAILABLE) program->refusal = failure;
  if (status == TLW_ERR_DEVICE_LOST && !state->lost) tlw_flights_lose(state, &failure);
  if (error) *error = failure;
  return status;
}
