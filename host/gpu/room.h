/* What budgets have for pieces of work that are complete on return: windows, bars. */
#ifndef TALLOW_GPU_ROOM_H
#define TALLOW_GPU_ROOM_H

#include "state.h"

struct tlw_gpu_room {
  uint64_t device, host;
};

/* What there is now; of the device no more than limit. */
struct tlw_gpu_room tlw_gpu_room_of(struct tlw_backend_state *state, uint64_t limit);

/* Whether so many bytes fit. */
bool tlw_gpu_room_has(const struct tlw_backend_state *state, struct tlw_gpu_room room, uint64_t device, uint64_t host);

/*
 * TLW_ERR_BUDGET where the least pieces of work have no room, those that need `device` and `host` bytes at most, and
 * `both` together. what: what needs them.
 */
tlw_status tlw_gpu_room_check(struct tlw_backend_state *state, uint64_t device, uint64_t host, uint64_t both,
                              const char *what, tlw_error *error);

/* Slabs that nothing uses, which share the host's budget, go, so that staging may have all that it needs. */
void tlw_gpu_room_relieve(struct tlw_backend_state *state);

#endif
