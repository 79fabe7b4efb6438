#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

uint64_t tlw_memory_counted(uint64_t size) {
  if (size == 0) size = 1;
  if (size > UINT64_MAX - TLW_MEMORY_ALIGN) return UINT64_MAX;
  return (size + TLW_MEMORY_ALIGN - 1) / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN;
}

static tlw_status refuse(const struct tlw_memory *memory, uint64_t bytes, const char *what, tlw_error *error) {
  const uint64_t used = tlw_gauge_read(&memory->bytes).current;
  const uint64_t needed = used > UINT64_MAX - bytes ? UINT64_MAX : used + bytes;
  return tlw_fail_budget(error, needed,
                         "a host memory budget of %llu bytes is too small for %s: set it to %llu or more",
                         (unsigned long long)memory->budget, what, (unsigned long long)needed);
}

tlw_status tlw_memory_check(const struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error) {
  const uint64_t used = tlw_gauge_read(&memory->bytes).current;
  if (used <= memory->budget && size <= memory->budget - used) return TLW_OK;
  return refuse(memory, size, what, error);
}

void *tlw_memory_alloc(struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error) {
  const uint64_t bytes = tlw_memory_counted(size);
  if (!tlw_gauge_add(&memory->bytes, bytes, memory->budget)) {
    refuse(memory, bytes, what, error);
    return NULL;
  }
  void *pointer = bytes <= SIZE_MAX ? aligned_alloc(TLW_MEMORY_ALIGN, (size_t)bytes) : NULL;
  if (!pointer) {
    tlw_gauge_sub(&memory->bytes, bytes);
    tlw_fail(error, TLW_ERR_MEMORY, "the system has no %llu bytes for %s", (unsigned long long)bytes, what);
    return NULL;
  }
  return memset(pointer, 0, (size_t)bytes);
}

void tlw_memory_free(struct tlw_memory *memory, void *pointer, uint64_t size) {
  if (!pointer) return;
  free(pointer);
  tlw_gauge_sub(&memory->bytes, tlw_memory_counted(size));
}

tlw_status tlw_block_reserve(struct tlw_memory *memory, struct tlw_block *block, uint64_t size, const char *what,
                             tlw_error *error) {
  if (block->data && block->size >= size) return TLW_OK;
  tlw_block_free(memory, block);
  tlw_error failure;
  block->data = tlw_memory_alloc(memory, size, what, &failure);
  if (!block->data) {
    if (error) *error = failure;
    return failure.code;
  }
  block->size = size;
  return TLW_OK;
}

void tlw_block_free(struct tlw_memory *memory, struct tlw_block *block) {
  tlw_memory_free(memory, block->data, block->size);
  *block = (struct tlw_block){0};
}
