#include "room.h"

#include "memory.h"

static uint64_t fewer(uint64_t a, uint64_t b) { return a < b ? a : b; }

struct tlw_gpu_room tlw_gpu_room_of(struct tlw_backend_state *state, uint64_t limit) {
  const struct tlw_memory *memory = &state->services->memory;
  struct tlw_gpu_room room = {fewer(tlw_pool_room(&state->pool), limit), UINT64_MAX};
  if (memory->budget == UINT64_MAX) return room;
  const uint64_t used = tlw_gauge_read(&memory->bytes).current;
  room.host = memory->budget > used ? memory->budget - used : 0;
  return room;
}

bool tlw_gpu_room_has(const struct tlw_backend_state *state, struct tlw_gpu_room room, uint64_t device, uint64_t host) {
  if (host > room.host || device > room.device) return false;
  /* New slabs of a device that shares the host's memory may take what is left there. */
  return !state->gpu->unified || room.host == UINT64_MAX || device <= room.device - fewer(host, room.device);
}

tlw_status tlw_gpu_room_check(struct tlw_backend_state *state, uint64_t device, uint64_t host, uint64_t both,
                              const char *what, tlw_error *error) {
  const uint64_t unused = tlw_pool_slabs(&state->pool) - tlw_gauge_read(&state->pool.in_use).current;
  if (state->gpu->unified) host = both > host + unused ? both - unused : host;
  /* The host's memory first: where the device has its own from there, both must fit. */
  const tlw_status status = tlw_memory_check(&state->services->memory, host, what, error);
  if (status != TLW_OK || tlw_pool_room(&state->pool) >= device) return status;
  return tlw_gpu_memory_refuse(state, device, error);
}

void tlw_gpu_room_relieve(struct tlw_backend_state *state) {
  if (state->gpu->unified && state->services->memory.budget != UINT64_MAX) tlw_pool_trim(&state->pool);
}
