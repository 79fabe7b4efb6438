#include "memory.h"

#include "host/base/error.h"
#include "images.h"

/* On devices that share the host's memory. */
#define SHARED_SLAB ((uint64_t)64 << 20)

/* Less than this is not worth having: a row of any chart fits. */
#define LEAST_RESERVE ((uint64_t)1 << 20)

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t align_down(uint64_t size) { return size / TLW_POOL_ALIGN * TLW_POOL_ALIGN; }
static uint64_t left_of(uint64_t budget, uint64_t used) { return budget > used ? budget - used : 0; }

/* ---- slabs ---- */

static uint64_t available_on_device(const struct tlw_backend_state *state) {
  struct tlw_services *services = state->services;
  return left_of(least(services->device_budget, state->most_slabs), tlw_gauge_read(&services->device_bytes).current);
}

static uint64_t available_on_host(const struct tlw_backend_state *state) {
  if (!state->gpu->unified) return UINT64_MAX;
  const struct tlw_memory *memory = &state->services->memory;
  if (memory->budget == UINT64_MAX) return UINT64_MAX;
  const uint64_t slabs = tlw_gauge_read(&state->services->device_bytes).current;
  const uint64_t others = left_of(tlw_gauge_read(&memory->bytes).current, slabs);
  return left_of(left_of(memory->budget, slabs), most(others, state->services->host_reserve));
}

uint64_t tlw_gpu_memory_available(const struct tlw_backend_state *state) {
  return least(available_on_device(state), available_on_host(state));
}

static uint64_t available(void *context) { return tlw_gpu_memory_available(context); }

static tlw_status open_slab(void *context, uint64_t size, struct tlw_slab *slab, tlw_error *error) {
  struct tlw_backend_state *state = context;
  struct tlw_services *services = state->services;
  struct tlw_gpu *gpu = state->gpu;
  if (state->lost) {
    if (error) *error = state->failure;
    return TLW_ERR_DEVICE_LOST;
  }
  if (size > available_on_device(state))
    return tlw_fail(error, TLW_ERR_BUDGET, "the device budget does not leave %llu bytes", (unsigned long long)size);
  tlw_error failure;
  tlw_status status = TLW_OK;
  if (gpu->unified) status = tlw_memory_claim(&services->memory, size, "memory of the device", &failure);
  if (status == TLW_OK) {
    status = gpu->ops->slab_open(gpu, size, slab, &failure);
    if (status != TLW_OK && gpu->unified) tlw_memory_return(&services->memory, size);
  }
  if (status == TLW_OK) {
    tlw_gauge_add(&services->device_bytes, size, UINT64_MAX);
    return TLW_OK;
  }
  if (status == TLW_ERR_DEVICE_LOST) tlw_flights_lose(state, &failure);
  if (error) *error = failure;
  return status;
}

static void close_slab(void *context, struct tlw_slab *slab) {
  struct tlw_backend_state *state = context;
  const uint64_t size = slab->size;
  if (tlw_flights_settle(state)) state->gpu->ops->slab_close(state->gpu, slab);
  tlw_gauge_sub(&state->services->device_bytes, size);
  if (state->gpu->unified) tlw_memory_return(&state->services->memory, size);
}

void tlw_gpu_memory_init(struct tlw_backend_state *state) {
  struct tlw_services *services = state->services;
  const struct tlw_pool_source source = {state, open_slab, close_slab, available};
  const uint64_t slab = state->gpu->unified ? SHARED_SLAB : services->device_budget;
  state->most_slabs = UINT64_MAX;
  tlw_pool_init(&state->pool, &source, slab, state->gpu->largest_slab, &services->ledger);
}

static void tell_shortage(const struct tlw_backend_state *state, uint64_t reserved) {
  const unsigned long long budget = state->services->device_budget;
  tlw_gpu_warn(state, "the driver has %llu bytes of the device budget of %llu: work is cut to fit these",
               (unsigned long long)reserved, budget);
}

static void note_halving(struct tlw_backend_state *state, uint64_t size) {
  const tlw_record record = {.bytes = size, .operation = TLW_OP_HALVE, .status = TLW_OK};
  tlw_ledger_note(&state->services->ledger, &record, 0);
}

tlw_status tlw_gpu_memory_reserve(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_pool *pool = &state->pool;
  if (state->gpu->unified || tlw_pool_slabs(pool) > 0) return TLW_OK;
  state->most_slabs = UINT64_MAX;
  const uint64_t wanted = align_down(tlw_gpu_memory_available(state));
  bool is_short = false;
  for (uint64_t left = wanted; left > 0;) {
    const uint64_t size = least(left, pool->largest);
    const tlw_status status = tlw_pool_reserve(pool, size, error);
    if (status == TLW_OK) {
      left -= size;
      continue;
    }
    if (status != TLW_ERR_MEMORY) return status;
    left = align_down(size / 2);
    is_short = true;
    if (left >= LEAST_RESERVE)
      note_halving(state, left);
    else if (tlw_pool_slabs(pool) == 0)
      return status;
    else
      break;
  }
  if (!is_short) return TLW_OK;
  state->most_slabs = tlw_pool_slabs(pool);
  tell_shortage(state, state->most_slabs);
  return TLW_OK;
}

tlw_status tlw_gpu_memory_refuse(const struct tlw_backend_state *state, uint64_t size, tlw_error *error) {
  const struct tlw_services *services = state->services;
  const uint64_t room = tlw_pool_room(&state->pool), missing = left_of(size, room), device = services->device_budget;
  const uint64_t slabs = tlw_gauge_read(&services->device_bytes).current;
  const bool by_host = state->gpu->unified && size <= device && missing <= left_of(device, slabs);
  const uint64_t budget = by_host ? services->memory.budget : device;
  const uint64_t enough = by_host ? budget + missing : most(size, align_down(budget) + missing);
  return tlw_fail_budget(error, enough, "a %s budget of %llu bytes is too small for this work: set it to %llu or more",
                         by_host ? "host memory" : "device", (unsigned long long)budget, (unsigned long long)enough);
}

tlw_status tlw_gpu_memory_trim(struct tlw_backend_state *state, bool all, tlw_error *error) {
  const tlw_status status = tlw_flights_finish(state, error);
  if (status != TLW_OK) return status;
  tlw_gpu_images_relieve(state);
  if (all)
    tlw_pool_close(&state->pool);
  else if (state->gpu->unified)
    tlw_pool_trim(&state->pool);
  return TLW_OK;
}

/* ---- copies ---- */

/* Ends a flight that is nothing but one copy, which has been enqueued or has failed. */
static tlw_status fly(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue,
                      uint64_t size, tlw_status status, tlw_error *failure, tlw_error *error) {
  struct tlw_ticket ticket;
  if (status == TLW_OK) {
    flight->busy[queue] = true;
    flight->bytes[queue] = size;
    status = tlw_flight_mark(state, flight, queue, failure);
  }
  if (status == TLW_OK) {
    tlw_flight_send(state, flight, &ticket);
    return tlw_flights_wait(state, &ticket, error);
  }
  status = tlw_flight_drop(state, flight, failure);
  if (error) *error = *failure;
  return status;
}

tlw_status tlw_gpu_memory_write(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset,
                                const void *source, uint64_t size, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  struct tlw_flight *flight;
  if (size == 0) return TLW_OK;
  tlw_status status = tlw_flight_take(state, 0, &flight, error);
  if (status != TLW_OK) return status;
  tlw_error failure;
  tlw_flight_begin(state, flight, TLW_GPU_UPLOAD);
  status =
      gpu->ops->upload(gpu, &state->queues[TLW_GPU_UPLOAD], &part->slab, part->offset + offset, source, size, &failure);
  if (status == TLW_OK) state->services->uploaded += size;
  return fly(state, flight, TLW_GPU_UPLOAD, size, status, &failure, error);
}

tlw_status tlw_gpu_memory_read(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset,
                               void *target, uint64_t size, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  struct tlw_flight *flight;
  if (size == 0) return TLW_OK;
  tlw_status status = tlw_flight_take(state, 0, &flight, error);
  if (status != TLW_OK) return status;
  const struct tlw_gpu_download copy = {
      .slab = &part->slab,
      .offset = part->offset + offset,
      .pitch = size,
      .target = target,
      .target_pitch = size,
      .width = size,
      .rows = 1,
  };
  tlw_error failure;
  tlw_flight_begin(state, flight, TLW_GPU_DOWNLOAD);
  status = gpu->ops->download(gpu, &state->queues[TLW_GPU_DOWNLOAD], &copy, &failure);
  if (status == TLW_OK) state->services->downloaded += size;
  return fly(state, flight, TLW_GPU_DOWNLOAD, size, status, &failure, error);
}
