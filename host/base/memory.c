#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"
#include "fault.h"

/* A block of this size or more is mapped by itself: zero from the start, and gone when it is freed. */
#define MAPPED_BLOCK (UINT64_C(1) << 20)

static bool is_struck(void) {
  if (!tlw_fault_strikes(TLW_FAULT_MEMORY)) return false;
  errno = ENOMEM;
  return true;
}

void *tlw_raw_alloc(size_t size) { return is_struck() ? NULL : malloc(size); }

void *tlw_raw_calloc(size_t count, size_t size) { return is_struck() ? NULL : calloc(count, size); }

void *tlw_raw_realloc(void *pointer, size_t size) { return is_struck() ? NULL : realloc(pointer, size); }

char *tlw_raw_copy(const char *text) { return is_struck() ? NULL : strdup(text); }

void tlw_raw_free(void *pointer) { free(pointer); }

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

/*
 * Takes bytes of the budget before the system is asked for them. What is granted counts in the peak and the total only
 * once the system has agreed, so that these tell what there was.
 */
static bool hold(struct tlw_memory *memory, uint64_t bytes, uint64_t *after) {
  _Atomic uint64_t *current = &memory->bytes.current;
  uint64_t before = atomic_load_explicit(current, memory_order_relaxed);
  do {
    if (bytes > memory->budget || before > memory->budget - bytes) return false;
  } while (!atomic_compare_exchange_weak_explicit(current, &before, before + bytes, memory_order_relaxed,
                                                  memory_order_relaxed));
  *after = before + bytes;
  return true;
}

static void settle(struct tlw_memory *memory, uint64_t bytes, uint64_t after) {
  struct tlw_gauge *gauge = &memory->bytes;
  uint64_t peak = atomic_load_explicit(&gauge->peak, memory_order_relaxed);
  while (peak < after && !atomic_compare_exchange_weak_explicit(&gauge->peak, &peak, after, memory_order_relaxed,
                                                                memory_order_relaxed)) {
  }
  atomic_fetch_add_explicit(&gauge->total, bytes, memory_order_relaxed);
}

static void note(struct tlw_memory *memory, tlw_operation operation, uint64_t bytes, tlw_status status) {
  if (!memory->ledger) return;
  const tlw_record record = {.bytes = bytes, .items = 1, .operation = (int32_t)operation, .status = (int32_t)status};
  tlw_ledger_note(memory->ledger, &record, tlw_gauge_read(&memory->bytes).current);
}

static void *take(uint64_t bytes) {
  if (tlw_fault_strikes(TLW_FAULT_MEMORY) || bytes > SIZE_MAX) return NULL;
  if (bytes >= MAPPED_BLOCK) {
    void *block = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
  }
  void *block = aligned_alloc(TLW_MEMORY_ALIGN, (size_t)bytes);
  return block ? memset(block, 0, (size_t)bytes) : NULL;
}

static void give(void *block, uint64_t bytes) {
  if (bytes >= MAPPED_BLOCK)
    munmap(block, (size_t)bytes);
  else
    free(block);
}

void *tlw_memory_alloc(struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error) {
  const uint64_t bytes = tlw_memory_counted(size);
  uint64_t after;
  if (!hold(memory, bytes, &after)) {
    refuse(memory, bytes, what, error);
    note(memory, TLW_OP_HOST_ALLOC, bytes, TLW_ERR_BUDGET);
    return NULL;
  }
  void *block = take(bytes);
  if (!block) {
    tlw_gauge_sub(&memory->bytes, bytes);
    tlw_fail(error, TLW_ERR_MEMORY, "the system has no %llu bytes for %s", (unsigned long long)bytes, what);
    note(memory, TLW_OP_HOST_ALLOC, bytes, TLW_ERR_MEMORY);
    return NULL;
  }
  settle(memory, bytes, after);
  note(memory, TLW_OP_HOST_ALLOC, bytes, TLW_OK);
  return block;
}

void tlw_memory_free(struct tlw_memory *memory, void *pointer, uint64_t size) {
  if (!pointer) return;
  give(pointer, tlw_memory_counted(size));
  tlw_memory_return(memory, size);
}

tlw_status tlw_memory_claim(struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error) {
  const uint64_t bytes = tlw_memory_counted(size);
  tlw_status status = TLW_OK;
  uint64_t after;
  if (hold(memory, bytes, &after))
    settle(memory, bytes, after);
  else
    status = refuse(memory, bytes, what, error);
  note(memory, TLW_OP_HOST_ALLOC, bytes, status);
  return status;
}

void tlw_memory_return(struct tlw_memory *memory, uint64_t size) {
  const uint64_t bytes = tlw_memory_counted(size);
  tlw_gauge_sub(&memory->bytes, bytes);
  note(memory, TLW_OP_HOST_FREE, bytes, TLW_OK);
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
