/* What an open GPU backend holds, and its slots: device memory for work in flight. */
#ifndef TALLOW_GPU_STATE_H
#define TALLOW_GPU_STATE_H

#include "device.h"
#include "host/seam/backend.h"

enum tlw_chart_kernel { TLW_CHART_MERGE, TLW_CHART_SCALE, TLW_CHART_COLUMNS, TLW_CHART_PAINT, TLW_CHART_KERNELS };

#define TLW_GPU_SLOTS 2
#define TLW_GPU_SLAB_ALIGN 256u

/* Device memory for work in flight. */
struct tlw_gpu_slot {
  struct tlw_slab slab;
  struct tlw_gpu_event computed, downloaded;
};

struct tlw_backend_state {
  struct tlw_services *services;
  struct tlw_gpu *gpu;
  struct tlw_gpu_queue compute, download;
  struct tlw_gpu_kernel chart[TLW_CHART_KERNELS];
  struct tlw_gpu_slot slots[TLW_GPU_SLOTS];
};

/* A size, rounded up to what slabs and the parts within them are aligned to. */
uint64_t tlw_gpu_slab_size(uint64_t size);

/* Makes the slab of a slot at least size bytes, which the plan has fitted to the budgets. Its content is lost. */
tlw_status tlw_gpu_slot_reserve(struct tlw_backend_state *state, struct tlw_gpu_slot *slot, uint64_t size,
                                tlw_error *error);
void tlw_gpu_slot_release(struct tlw_backend_state *state, struct tlw_gpu_slot *slot);

#endif
