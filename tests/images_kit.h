/* What the tests of images share: candles of several series in any packing, windows over them, guarded memory. */
#ifndef TALLOW_TESTS_IMAGES_KIT_H
#define TALLOW_TESTS_IMAGES_KIT_H

#include <stdbool.h>

#include "packing.h"
#include "series.h"
#include "tallow/images.h"

typedef struct images_data {
  columns columns; /* contiguous doubles, no finer than the type of the packing */
  packed packed;
  int64_t *offsets, *counts; /* counts NULL: series follow each other */
  int64_t n_series;
  tlw_candles plain;   /* a view of the columns */
  tlw_candles candles; /* of the packing */
} images_data;

/* n_rows of one kind of price in series of random length, with n_lines lines. lift: prices are made fit for a log scale. */
void images_data_open(images_data *d, int64_t n_rows, int32_t n_lines, price_kind kind, bool lift, const packing *how,
                      rng *r);
void images_data_close(images_data *d);

/* n windows of any series that have rows, in any order, some twice. */
tlw_image_window *images_windows(const images_data *d, int64_t n, rng *r);

/* Any of both types, orders and colors. */
void images_tensor_options(tlw_image_options *options, rng *r);

/* Poisoned memory with guards around it, aligned to 64 bytes and misalign more. */
typedef struct images_memory {
  uint8_t *block, *bytes;
  size_t size, block_size;
} images_memory;

void images_memory_open(images_memory *m, size_t size, size_t misalign);
void images_memory_poison(images_memory *m);
/* Whether the guards are whole. */
bool images_memory_intact(const images_memory *m);
/* Whether no byte has changed. */
bool images_memory_untouched(const images_memory *m);
void images_memory_close(images_memory *m);

#endif
