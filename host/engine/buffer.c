#include "tallow/buffer.h"

#include <string.h>

#include "aim.h"
#include "buffers.h"
#include "host/base/error.h"
#include "relief.h"
#include "state.h"

/* Bytes of a buffer that are read at one time. */
#define PIECE_BYTES ((uint64_t)1 << 20)

/* A handle is a part's name in its pool, and which of the engine's backends the pool is of. */
#define POOLS TLW_BACKENDS

static tlw_status missing(const char *name, tlw_error *error) {
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", name);
}

tlw_status tlw_buffer_stale(tlw_error *error) {
  return tlw_fail(error, TLW_ERR_STALE, "the buffer is gone: it was freed, or the engine was reset or changed backend");
}

static struct tlw_pool *pool_of(const tlw_engine *engine) {
  return engine->executor->ops->pool(engine->executor->state);
}

static tlw_buffer handle_of(const tlw_engine *engine, uint64_t part) {
  return (tlw_buffer){part * POOLS + (uint64_t)engine->n_retired};
}

bool tlw_buffer_find(const tlw_engine *engine, tlw_buffer buffer, struct tlw_part *part) {
  return buffer.id % POOLS == (uint64_t)engine->n_retired && tlw_pool_find(pool_of(engine), buffer.id / POOLS, part);
}

bool tlw_buffer_drop(tlw_engine *engine, tlw_buffer buffer) {
  struct tlw_part part;
  return tlw_buffer_find(engine, buffer, &part) && tlw_pool_free(pool_of(engine), buffer.id / POOLS);
}

tlw_buffer tlw_buffer_rename(tlw_engine *engine, tlw_buffer buffer) {
  return handle_of(engine, tlw_pool_rename(pool_of(engine), buffer.id / POOLS));
}

/* Whether so many bytes more are the host budget's to give: on the CPU, and where a device shares the host's memory. */
static bool is_short_of_host(const tlw_engine *engine, uint64_t size, uint64_t missing_bytes) {
  const struct tlw_services *services = &engine->services;
  if (engine->executor->device.backend == TLW_BACKEND_CPU) return true;
  const uint64_t budget = services->device_budget, slabs = tlw_gauge_read(&services->device_bytes).current;
  return size <= budget && slabs <= budget && missing_bytes <= budget - slabs;
}

/* With the budget that would do, wherever the buffers that there are lie. */
static tlw_status refuse(const tlw_engine *engine, uint64_t size, tlw_error *error) {
  const struct tlw_services *services = &engine->services;
  const struct tlw_pool *pool = pool_of(engine);
  const bool on_cpu = engine->executor->device.backend == TLW_BACKEND_CPU;
  const uint64_t room = pool->n_kept ? 0 : tlw_pool_room(pool);
  /* On the CPU a larger budget also makes for larger slabs, one of which may not be filled. */
  const uint64_t spare = TLW_POOL_ALIGN + (on_cpu && pool->n_kept ? pool->slab_size : 0);
  const uint64_t aligned = size > UINT64_MAX - spare ? UINT64_MAX : size + spare;
  const uint64_t missing_bytes = aligned > room ? aligned - room : 0;
  const bool on_host = is_short_of_host(engine, size, missing_bytes);
  const uint64_t budget = on_host ? services->memory.budget : services->device_budget;
  const uint64_t enough = budget > UINT64_MAX - missing_bytes ? UINT64_MAX : budget + missing_bytes;
  return tlw_fail_budget(error, enough, "a %s budget of %llu bytes has no room for a buffer of %llu: set it to %llu",
                         on_host ? "host memory" : "device", (unsigned long long)budget, (unsigned long long)size,
                         (unsigned long long)enough);
}

/* A part of the pool, after making room where there is none. */
static tlw_status take_part(tlw_engine *engine, uint64_t size, uint64_t *id, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  struct tlw_pool *pool = pool_of(engine);
  if (pool->n_kept >= TLW_BUFFERS_MAX)
    return tlw_fail(error, TLW_ERR_MEMORY, "the engine has %d buffers: free some", TLW_BUFFERS_MAX);
  if (size > tlw_pool_room(pool)) return refuse(engine, size, error);
  tlw_status status = tlw_pool_alloc(pool, size, TLW_POOL_KEPT, id, error);
  if (status != TLW_ERR_BUDGET && status != TLW_ERR_MEMORY) return status;
  /* Work in flight is in the way, or idle slabs. */
  tlw_aim_relieve(engine);
  status = executor->ops->trim(executor->state, false, error);
  if (status == TLW_OK) status = tlw_pool_alloc(pool, size, TLW_POOL_KEPT, id, error);
  return status == TLW_ERR_BUDGET ? refuse(engine, size, error) : status;
}

tlw_status tlw_buffer_take(tlw_engine *engine, uint64_t size, tlw_buffer *buffer, tlw_error *error) {
  uint64_t id;
  const tlw_status status = take_part(engine, size, &id, error);
  if (status == TLW_OK) *buffer = handle_of(engine, id);
  return status;
}

tlw_status tlw_buffer_alloc(tlw_engine *engine, uint64_t size, tlw_buffer *buffer, tlw_error *error) {
  if (!engine || !buffer) return missing(engine ? "buffer" : "engine", error);
  buffer->id = 0;
  if (size == 0) return tlw_fail(error, TLW_ERR_ARGUMENT, "size is 0: a buffer has 1 byte or more");
  tlw_error failure;
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  status = tlw_buffer_take(engine, size, buffer, &failure);
  tlw_engine_judge(engine, status, &failure);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

tlw_status tlw_buffer_free(tlw_engine *engine, tlw_buffer *buffer, tlw_error *error) {
  if (!engine || !buffer) return missing(engine ? "buffer" : "engine", error);
  if (buffer->id == 0) return TLW_OK;
  tlw_engine_seize(engine);
  const bool found = tlw_buffer_drop(engine, *buffer);
  tlw_engine_end(engine);
  buffer->id = 0;
  return found ? TLW_OK : tlw_buffer_stale(error);
}

tlw_status tlw_buffer_size(tlw_engine *engine, tlw_buffer buffer, uint64_t *size, tlw_error *error) {
  if (!engine || !size) return missing(engine ? "size" : "engine", error);
  tlw_engine_seize(engine);
  struct tlw_part part;
  const bool found = tlw_buffer_find(engine, buffer, &part);
  tlw_engine_end(engine);
  if (!found) return tlw_buffer_stale(error);
  *size = part.size;
  return TLW_OK;
}

/* Within an operation. */
static tlw_status find_range(const tlw_engine *engine, tlw_buffer buffer, uint64_t offset, uint64_t size,
                             struct tlw_part *part, tlw_error *error) {
  if (!tlw_buffer_find(engine, buffer, part)) return tlw_buffer_stale(error);
  if (offset <= part->size && size <= part->size - offset) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%llu bytes from offset %llu on do not lie within the buffer of %llu",
                  (unsigned long long)size, (unsigned long long)offset, (unsigned long long)part->size);
}

static tlw_status write(tlw_engine *engine, const struct tlw_part *part, uint64_t offset, const void *source,
                        uint64_t size, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  return executor->ops->write(executor->state, part, offset, source, size, error);
}

/* By way of staging, in pieces. */
static tlw_status read(tlw_engine *engine, const struct tlw_part *part, uint64_t offset, void *target, uint64_t size,
                       tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  if (executor->ops->draws_anywhere) return executor->ops->read(executor->state, part, offset, target, size, error);
  struct tlw_block staging = {0};
  const uint64_t most = size < PIECE_BYTES ? size : PIECE_BYTES;
  tlw_status status = executor->ops->staging_open(executor->state, &staging, most, error);
  if (status == TLW_ERR_BUDGET && tlw_relief_room(engine))
    status = executor->ops->staging_open(executor->state, &staging, most, error);
  for (uint64_t done = 0; done < size && status == TLW_OK; done += most) {
    const uint64_t n = size - done < most ? size - done : most;
    status = executor->ops->read(executor->state, part, offset + done, staging.data, n, error);
    if (status == TLW_OK) memcpy((char *)target + done, staging.data, n);
  }
  if (staging.data) executor->ops->staging_close(executor->state, &staging);
  return status;
}

tlw_status tlw_buffer_write(tlw_engine *engine, tlw_buffer buffer, uint64_t offset, const void *source, uint64_t size,
                            tlw_error *error) {
  if (!engine) return missing("engine", error);
  if (!source && size) return missing("source", error);
  tlw_error failure;
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const int64_t begun = tlw_telemetry_begin(&engine->services.telemetry, TLW_OP_BUFFER_WRITE);
  struct tlw_part part;
  status = find_range(engine, buffer, offset, size, &part, &failure);
  if (status == TLW_OK && size) status = write(engine, &part, offset, source, size, &failure);
  tlw_engine_judge(engine, status, &failure);
  tlw_engine_note(engine, TLW_OP_BUFFER_WRITE, begun, size, 1, status);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

tlw_status tlw_buffer_read(tlw_engine *engine, tlw_buffer buffer, uint64_t offset, void *target, uint64_t size,
                           tlw_error *error) {
  if (!engine) return missing("engine", error);
  if (!target && size) return missing("target", error);
  tlw_error failure;
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const int64_t begun = tlw_telemetry_begin(&engine->services.telemetry, TLW_OP_BUFFER_READ);
  struct tlw_part part;
  status = find_range(engine, buffer, offset, size, &part, &failure);
  if (status == TLW_OK && size) status = read(engine, &part, offset, target, size, &failure);
  tlw_engine_judge(engine, status, &failure);
  tlw_engine_note(engine, TLW_OP_BUFFER_READ, begun, size, 1, status);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}
