#include "packing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRICES 5 /* with the volume */

size_t packing_size_of(tlw_type type) { return type == TLW_TYPE_F64 ? sizeof(double) : sizeof(float); }

int64_t packing_record(tlw_type type, int32_t n_lines) {
  return (int64_t)((size_t)(PRICES + n_lines) * packing_size_of(type) + sizeof(int64_t));
}

packing packing_random(int32_t n_lines, rng *r) {
  packing how = {.type = rng_below(r, 3) == 0 ? TLW_TYPE_F32 : TLW_TYPE_F64};
  switch (rng_below(r, 4)) {
  case 0:
    how.stride = packing_record(how.type, n_lines) + (int64_t)rng_below(r, 40);
    how.misalign = (int64_t)rng_below(r, 8);
    break;
  case 1:
    how.stride = (int64_t)packing_size_of(how.type);
    how.misalign = rng_below(r, 2) ? (int64_t)rng_below(r, 8) : 0;
    break;
  default:
    break;
  }
  return how;
}

static void *allocate(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) {
    fprintf(stderr, "packing: no memory for %zu bytes\n", size);
    abort();
  }
  return memory;
}

static char *make_block(packed *p, size_t size) {
  const int i = p->n_blocks++;
  p->blocks[i] = allocate(size);
  p->sizes[i] = size > 0 ? size : 1;
  memset(p->blocks[i], 0xA5, p->sizes[i]);
  return p->blocks[i];
}

static void put(char *to, tlw_type type, double value) {
  const float narrow = (float)value;
  if (type == TLW_TYPE_F64)
    memcpy(to, &value, sizeof value);
  else
    memcpy(to, &narrow, sizeof narrow);
}

/* Bytes from the first byte of a column of n rows to its last. */
static size_t extent(int64_t n, size_t stride, size_t size) { return n > 0 ? (size_t)(n - 1) * stride + size : 0; }

static const double *column_of(const columns *c, int32_t k) {
  const double *const prices[PRICES] = {c->open, c->high, c->low, c->close, c->volume};
  return k < PRICES ? prices[k] : c->lines[k - PRICES];
}

void pack(packed *p, const columns *c, const packing *how, int64_t first, int64_t n) {
  const size_t size = packing_size_of(how->type), misalign = (size_t)how->misalign;
  const bool tight = how->stride == 0 || (size_t)how->stride == size;
  const size_t stride = how->stride == 0 ? size : (size_t)how->stride;
  const size_t time_stride = tight ? sizeof(int64_t) : stride;
  const int32_t n_numbers = PRICES + c->n_lines;
  *p = (packed){0};
  p->blocks = allocate((size_t)(n_numbers + 1) * sizeof *p->blocks);
  p->sizes = allocate((size_t)(n_numbers + 1) * sizeof *p->sizes);
  p->lines = allocate((size_t)c->n_lines * sizeof *p->lines);
  char **const at = allocate((size_t)(n_numbers + 1) * sizeof *at);
  if (tight) {
    for (int32_t k = 0; k < n_numbers; k++) at[k] = make_block(p, misalign + extent(n, size, size)) + misalign;
    at[n_numbers] = make_block(p, misalign + extent(n, sizeof(int64_t), sizeof(int64_t))) + misalign;
  } else {
    char *const records = make_block(p, misalign + extent(n, stride, (size_t)packing_record(how->type, c->n_lines)));
    for (int32_t k = 0; k <= n_numbers; k++) at[k] = records + misalign + (size_t)k * size;
  }
  for (int64_t i = 0; i < n; i++) {
    for (int32_t k = 0; k < n_numbers; k++) put(at[k] + (size_t)i * stride, how->type, column_of(c, k)[first + i]);
    memcpy(at[n_numbers] + (size_t)i * time_stride, &c->time[first + i], sizeof(int64_t));
  }
  for (int32_t k = 0; k < c->n_lines; k++) p->lines[k] = at[PRICES + k];
  tlw_candles_init(&p->candles);
  p->candles.open = at[0];
  p->candles.high = at[1];
  p->candles.low = at[2];
  p->candles.close = at[3];
  p->candles.volume = at[4];
  p->candles.time = (const int64_t *)(void *)at[n_numbers];
  p->candles.n_rows = n;
  p->candles.type = how->type;
  p->candles.stride = how->stride;
  p->candles.time_stride = how->stride == 0 ? 0 : (int64_t)time_stride;
  p->candles.lines = c->n_lines > 0 ? p->lines : NULL;
  p->candles.n_lines = c->n_lines;
  free(at);
}

void unpack(packed *p) {
  for (int i = 0; i < p->n_blocks; i++) {
    memset(p->blocks[i], 0x7F, p->sizes[i]);
    free(p->blocks[i]);
  }
  if (p->lines != NULL)
    memset(p->lines, 0x7F, (size_t)(p->candles.n_lines > 0 ? p->candles.n_lines : 0) * sizeof *p->lines);
  free(p->blocks);
  free(p->sizes);
  free(p->lines);
  p->n_blocks = 0;
  p->blocks = NULL;
  p->sizes = NULL;
  p->lines = NULL;
}

uint64_t packed_hash(const packed *p) {
  uint64_t hash = 0;
  for (int k = 0; k < p->n_blocks; k++) {
    const unsigned char *const bytes = p->blocks[k];
    for (size_t i = 0; i < p->sizes[k]; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
  }
  return hash;
}

static const void *row_at(const void *column, int64_t stride, size_t size, int64_t row) {
  return column != NULL ? (const char *)column + row * (stride != 0 ? stride : (int64_t)size) : NULL;
}

void view_rows(const tlw_candles *all, int64_t first, int64_t n, const void **lines, tlw_candles *view) {
  const size_t size = packing_size_of(all->type);
  *view = *all;
  const void **const prices[] = {&view->open, &view->high, &view->low, &view->close, &view->volume};
  for (size_t k = 0; k < sizeof prices / sizeof *prices; k++) *prices[k] = row_at(*prices[k], all->stride, size, first);
  view->time = row_at(all->time, all->time_stride, sizeof(int64_t), first);
  for (int32_t i = 0; i < all->n_lines; i++) lines[i] = row_at(all->lines[i], all->stride, size, first);
  view->lines = all->n_lines > 0 ? lines : NULL;
  view->offsets = view->counts = NULL;
  view->n_rows = n;
  view->n_series = 1;
}
