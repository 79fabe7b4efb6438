/* Memory of a GPU backend: slabs of the device for its pool, and host memory that copies go to. */
#ifndef TALLOW_GPU_MEMORY_H
#define TALLOW_GPU_MEMORY_H

#include "state.h"

/* Nothing is taken yet. The device budget is settled. */
void tlw_gpu_memory_init(struct tlw_backend_state *state);

/*
 * On a device with memory of its own: takes all of the budget, or as much as the driver has by halves, unless there
 * are slabs already. TLW_ERR_MEMORY; TLW_ERR_DEVICE; TLW_ERR_DEVICE_LOST.
 */
tlw_status tlw_gpu_memory_reserve(struct tlw_backend_state *state, tlw_error *error);

/* Bytes that the budgets leave for new slabs. */
uint64_t tlw_gpu_memory_available(const struct tlw_backend_state *state);

/* TLW_ERR_BUDGET for a part of the pool that it has no room for. */
tlw_status tlw_gpu_memory_refuse(const struct tlw_backend_state *state, uint64_t size, tlw_error *error);

/* As the operations of the same names in tlw_backend_ops. */
tlw_status tlw_gpu_memory_write(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset,
                                const void *source, uint64_t size, tlw_error *error);
tlw_status tlw_gpu_memory_read(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset,
                               void *target, uint64_t size, tlw_error *error);
tlw_status tlw_gpu_memory_trim(struct tlw_backend_state *state, bool all, tlw_error *error);

/* staging.c */
tlw_status tlw_gpu_staging_open(struct tlw_backend_state *state, struct tlw_block *block, uint64_t size,
                                tlw_error *error);
void tlw_gpu_staging_close(struct tlw_backend_state *state, struct tlw_block *block);

#endif
