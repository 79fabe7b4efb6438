#include <stdlib.h>
#include <string.h>

#include "driver.h"

/*
 * Handles are numbers that grow, so the list of those alive is sorted. The kind is part of the number: a stream given
 * as an event is found out.
 */
typedef struct entry {
  uintptr_t number;
  sc_context *context;
  void *object;
} entry;

enum { KIND_BITS = 4 };

static entry *entries;
static size_t count, room;
static uintptr_t serial;

static sc_kind kind_of(uintptr_t number) { return (sc_kind)(number & ((1u << KIND_BITS) - 1)); }

/* The first entry that is not below the number. */
static size_t position(uintptr_t number) {
  size_t low = 0, high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (entries[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void *sc_handle_new(sc_kind kind, sc_context *context, void *object) {
  if (count == room) {
    const size_t wanted = room == 0 ? 64 : 2 * room;
    entry *larger = realloc(entries, wanted * sizeof *larger);
    if (larger == NULL) return NULL;
    entries = larger;
    room = wanted;
  }
  const uintptr_t number = ++serial << KIND_BITS | kind;
  entries[count++] = (entry){number, context, object};
  return (void *)number;
}

void *sc_handle_object(const void *handle, sc_kind kind, const sc_context *context) {
  const uintptr_t number = (uintptr_t)handle;
  const size_t i = position(number);
  if (i == count || entries[i].number != number || kind_of(number) != kind) return NULL;
  return context == NULL || entries[i].context == context ? entries[i].object : NULL;
}

void sc_handle_close(const void *handle) {
  const size_t i = position((uintptr_t)handle);
  memmove(&entries[i], &entries[i + 1], (count - i - 1) * sizeof *entries);
  --count;
}

void *sc_handle_first(sc_kind kind, const sc_context *context) {
  for (size_t i = 0; i < count; ++i)
    if (kind_of(entries[i].number) == kind && entries[i].context == context) return (void *)entries[i].number;
  return NULL;
}

void sc_handle_end(void) {
  free(entries);
  entries = NULL;
  count = room = 0;
}
