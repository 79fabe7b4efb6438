#include "heap.h"

#include <string.h>

#include "error.h"

/* In front of an allocation that has no place in the room. */
struct header {
  _Alignas(TLW_ROOM_ALIGN) size_t size;
};

static void fail(const char *what, tlw_error *error) { tlw_fail(error, TLW_ERR_MEMORY, "no memory for %s", what); }

void *tlw_heap_alloc(struct tlw_memory *memory, size_t size, const char *what, tlw_error *error) {
  if (memory) return tlw_memory_alloc(memory, size, what, error);
  void *pointer = tlw_raw_alloc(size);
  if (!pointer) fail(what, error);
  return pointer;
}

void *tlw_heap_grow(struct tlw_memory *memory, void *old, size_t old_size, size_t size, const char *what,
                    tlw_error *error) {
  if (!memory) {
    void *grown = tlw_raw_realloc(old, size);
    if (!grown) fail(what, error);
    return grown;
  }
  void *grown = tlw_memory_alloc(memory, size, what, error);
  if (!grown || !old) return grown;
  memcpy(grown, old, old_size);
  tlw_memory_free(memory, old, old_size);
  return grown;
}

void tlw_heap_free(struct tlw_memory *memory, void *pointer, size_t size) {
  if (memory)
    tlw_memory_free(memory, pointer, size);
  else
    tlw_raw_free(pointer);
}

static size_t aligned(size_t size) { return (size + TLW_ROOM_ALIGN - 1) / TLW_ROOM_ALIGN * TLW_ROOM_ALIGN; }

void *tlw_room_alloc(struct tlw_room *room, size_t size) {
  const size_t taken = aligned(size);
  if (taken <= room->size - room->used) {
    void *pointer = room->bytes + room->used;
    room->used += taken;
    return pointer;
  }
  struct header *header = tlw_heap_alloc(room->memory, sizeof *header + size, room->what, &room->failure);
  if (!header) return NULL;
  header->size = sizeof *header + size;
  return header + 1;
}

void tlw_room_free(struct tlw_room *room, void *pointer) {
  if (!pointer || (uintptr_t)pointer - (uintptr_t)room->bytes < room->size) return;
  struct header *header = (struct header *)pointer - 1;
  tlw_heap_free(room->memory, header, header->size);
}
