/* Columns as callers may have them: doubles or floats, contiguous or in records, off their alignment. */
#ifndef TALLOW_TESTS_PACKING_H
#define TALLOW_TESTS_PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "series.h"

typedef struct packing {
  tlw_type type;
  int64_t stride;   /* 0; the size of the type; or at least that of a record of all columns */
  int64_t misalign; /* bytes that the columns are off their alignment; 0 without a stride */
} packing;

size_t packing_size_of(tlw_type type);
/* Bytes of a record of all columns. */
int64_t packing_record(tlw_type type, int32_t n_lines);
/* Any packing. */
packing packing_random(int32_t n_lines, rng *r);

/* A copy of columns, each allocated to its exact size where they are contiguous. */
typedef struct packed {
  int n_blocks;
  void **blocks;
  size_t *sizes;
  const void **lines;
  tlw_candles candles; /* all columns; one series */
} packed;

/* Copies n rows from `first` on. */
void pack(packed *p, const columns *c, const packing *how, int64_t first, int64_t n);

/* A number that changes with any bit of the columns. */
uint64_t packed_hash(const packed *p);

/* n rows from `first` on of any candles, as one series; lines has room for their columns. */
void view_rows(const tlw_candles *all, int64_t first, int64_t n, const void **lines, tlw_candles *view);

/* Whoever looks at the columns from now on sees something else, and a sanitizer sees it. Twice is fine. */
void unpack(packed *p);

#endif
