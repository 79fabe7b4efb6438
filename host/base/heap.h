/*
 * Memory that counts against a budget where there is one: memory may be NULL throughout, then it is not counted. And
 * room for libraries that want functions like malloc and free. The error that a function takes must not be NULL.
 */
#ifndef TALLOW_BASE_HEAP_H
#define TALLOW_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* At least size bytes of any content, or NULL with *error filled: TLW_ERR_BUDGET or TLW_ERR_MEMORY. */
void *tlw_heap_alloc(struct tlw_memory *memory, size_t size, const char *what, tlw_error *error);

/* A larger block in place of old, which may be NULL, with its content. NULL: it failed, and old is as it was. */
void *tlw_heap_grow(struct tlw_memory *memory, void *old, size_t old_size, size_t size, const char *what,
                    tlw_error *error);

/* size: what it was allocated with, or grown to. */
void tlw_heap_free(struct tlw_memory *memory, void *pointer, size_t size);

#define TLW_ROOM_ALIGN 16u

/*
 * What a library allocates goes into one block, which is not reused before all of it is; what has no place there is
 * allocated by itself.
 */
struct tlw_room {
  struct tlw_memory *memory;
  const char *what;
  uint8_t *bytes; /* aligned to TLW_ROOM_ALIGN */
  size_t size, used;
  tlw_error failure; /* of an allocation; the code is TLW_OK before there is one */
};

/* NULL: see failure. */
void *tlw_room_alloc(struct tlw_room *room, size_t size);
void tlw_room_free(struct tlw_room *room, void *pointer);

#endif
