/* Host memory of an engine: every allocation is counted against a budget. */
#ifndef TALLOW_BASE_MEMORY_H
#define TALLOW_BASE_MEMORY_H

#include <stddef.h>

#include "counter.h"
#include "ledger.h"
#include "tallow/status.h"

/* Allocations are aligned to this and counted in multiples of it. */
#define TLW_MEMORY_ALIGN 64u

struct tlw_memory {
  struct tlw_gauge bytes;
  uint64_t budget;
  struct tlw_ledger *ledger; /* or NULL */
};

/*
 * Memory that is not counted: for what lives outside of any engine. As malloc, calloc, realloc and free, but tests can
 * make it fail.
 */
void *tlw_raw_alloc(size_t size);
void *tlw_raw_calloc(size_t count, size_t size);
void *tlw_raw_realloc(void *pointer, size_t size);
char *tlw_raw_copy(const char *text);
void tlw_raw_free(void *pointer);

/* Counts size bytes that come from elsewhere, as tlw_memory_alloc would, and takes them back. TLW_ERR_BUDGET. */
tlw_status tlw_memory_claim(struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error);
void tlw_memory_return(struct tlw_memory *memory, uint64_t size);

/*
 * Zeroed memory of at least size bytes, or NULL with *error filled: TLW_ERR_BUDGET (bytes: the budget that would do)
 * or TLW_ERR_MEMORY. what names it in the message. Give the same size to tlw_memory_free, which gives large blocks
 * back to the system at once. Thread-safe.
 */
void *tlw_memory_alloc(struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error);
/*
 * TLW_ERR_BUDGET unless size more bytes, the sum of tlw_memory_counted, fit the budget. For work that allocates in
 * several steps, so that its first refusal names what all of them need.
 */
tlw_status tlw_memory_check(const struct tlw_memory *memory, uint64_t size, const char *what, tlw_error *error);

/* What an allocation of size bytes counts. */
uint64_t tlw_memory_counted(uint64_t size);

void tlw_memory_free(struct tlw_memory *memory, void *pointer, uint64_t size);

/* A block that grows and is kept between calls; its content does not survive growth. */
struct tlw_block {
  void *data;
  uint64_t size;
};

tlw_status tlw_block_reserve(struct tlw_memory *memory, struct tlw_block *block, uint64_t size, const char *what,
                             tlw_error *error);
void tlw_block_free(struct tlw_memory *memory, struct tlw_block *block);

#endif
