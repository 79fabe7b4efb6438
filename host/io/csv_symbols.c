#include "csv_symbols.h"

#include <stdbool.h>
#include <string.h>

#include "host/base/hash.h"
#include "host/base/heap.h"

#define WHAT "the symbols of a CSV file"
#define FIRST_PLACES 64 /* a power of two */
#define FIRST_TEXT 1024
#define FIRST_NAMES 32

static bool is_name(const struct tlw_symbols *symbols, int64_t number, const char *text, size_t length) {
  const char *name = tlw_symbols_name(symbols, number);
  return strncmp(name, text, length) == 0 && name[length] == '\0';
}

static uint64_t hash_of(const struct tlw_symbols *symbols, const char *text, size_t length) {
  uint64_t hash = tlw_hash(TLW_HASH_START ^ symbols->seed, text, length);
  hash ^= hash >> 32;
  hash *= UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

/* The place that holds the symbol, or a free one. */
static uint64_t *place_of(const struct tlw_symbols *symbols, const char *text, size_t length) {
  uint64_t *places = symbols->places.data;
  const uint64_t mask = symbols->places.size / sizeof *places - 1;
  uint64_t at = hash_of(symbols, text, length) & mask;
  while (places[at] && !is_name(symbols, (int64_t)places[at] - 1, text, length)) at = (at + 1) & mask;
  return &places[at];
}

static tlw_status grow(struct tlw_symbols *symbols, struct tlw_block *block, uint64_t size, tlw_error *error) {
  void *grown = tlw_heap_grow(symbols->memory, block->data, (size_t)block->size, (size_t)size, WHAT, error);
  if (!grown) return error->code;
  *block = (struct tlw_block){grown, size};
  return TLW_OK;
}

/* A table of twice the places. The seed is an address, so that no file can make all symbols fall on one place. */
static tlw_status grow_places(struct tlw_symbols *symbols, tlw_error *error) {
  const struct tlw_block old = symbols->places;
  const size_t size = old.data ? 2 * (size_t)old.size : FIRST_PLACES * sizeof(uint64_t);
  void *grown = tlw_heap_alloc(symbols->memory, size, WHAT, error);
  if (!grown) return error->code;
  memset(grown, 0, size);
  if (!old.data) symbols->seed = (uint64_t)(uintptr_t)grown * UINT64_C(0x9e3779b97f4a7c15);
  symbols->places = (struct tlw_block){grown, size};
  for (int64_t i = 0; i < symbols->n; i++) {
    const char *name = tlw_symbols_name(symbols, i);
    *place_of(symbols, name, strlen(name)) = (uint64_t)i + 1;
  }
  tlw_heap_free(symbols->memory, old.data, (size_t)old.size);
  return TLW_OK;
}

/* Room for one more symbol; at most half of the places are taken. */
static tlw_status make_room(struct tlw_symbols *symbols, size_t length, tlw_error *error) {
  tlw_status status = TLW_OK;
  if (2 * ((uint64_t)symbols->n + 1) > symbols->places.size / sizeof(uint64_t)) status = grow_places(symbols, error);
  if (status == TLW_OK && ((uint64_t)symbols->n + 1) * sizeof(size_t) > symbols->names.size)
    status = grow(symbols, &symbols->names, symbols->n ? 2 * symbols->names.size : FIRST_NAMES * sizeof(size_t), error);
  if (status == TLW_OK && symbols->used + length + 1 > symbols->text.size)
    status = grow(symbols, &symbols->text, symbols->n ? 2 * symbols->text.size : FIRST_TEXT, error);
  return status;
}

tlw_status tlw_symbols_find(struct tlw_symbols *symbols, const char *text, size_t length, int64_t *number,
                            tlw_error *error) {
  if (symbols->n > 0 && is_name(symbols, symbols->last, text, length)) {
    *number = symbols->last;
    return TLW_OK;
  }
  uint64_t *place = symbols->n > 0 ? place_of(symbols, text, length) : NULL;
  if (!place || !*place) {
    const tlw_status status = make_room(symbols, length, error);
    if (status != TLW_OK) return status;
    char *name = (char *)symbols->text.data + symbols->used;
    memcpy(name, text, length);
    name[length] = '\0';
    place = place_of(symbols, name, length);
    ((size_t *)symbols->names.data)[symbols->n++] = symbols->used;
    symbols->used += length + 1;
    *place = (uint64_t)symbols->n;
  }
  symbols->last = *number = (int64_t)*place - 1;
  return TLW_OK;
}

const char *tlw_symbols_name(const struct tlw_symbols *symbols, int64_t number) {
  return (const char *)symbols->text.data + ((const size_t *)symbols->names.data)[number];
}

static void release(struct tlw_symbols *symbols, struct tlw_block *block) {
  tlw_heap_free(symbols->memory, block->data, (size_t)block->size);
  *block = (struct tlw_block){0};
}

void tlw_symbols_seal(struct tlw_symbols *symbols) { release(symbols, &symbols->places); }

void tlw_symbols_close(struct tlw_symbols *symbols) {
  release(symbols, &symbols->places);
  release(symbols, &symbols->names);
  release(symbols, &symbols->text);
  symbols->n = 0;
}
