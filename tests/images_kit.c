#include "images_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POISON 0xA7
#define GUARD 128

static void *allocate(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) {
    fprintf(stderr, "images_kit: no memory for %zu bytes\n", size);
    abort();
  }
  return memory;
}

/* ---- candles ---- */

static void narrow(double *column, int64_t n) {
  for (int64_t i = 0; i < n; i++) column[i] = (double)(float)column[i];
}

static void narrow_all(columns *c) {
  double *const all[] = {c->open, c->high, c->low, c->close, c->volume};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) narrow(all[i], c->n_rows);
  for (int32_t i = 0; i < c->n_lines; i++) narrow(c->lines[i], c->n_rows);
}

/* Series that follow each other, each with times and lines of its own. */
static void fill_series(columns *c, int64_t begin, int64_t n, price_kind kind, bool lift, rng *r) {
  fill_prices(c, begin, n, kind, r);
  if (lift) lift_prices(c, begin, n, 0.01);
  fill_volumes(c, begin, n, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  fill_times(c, begin, n, (time_kind)rng_below(r, TIME_KIND_COUNT), r);
  for (int32_t i = 0; i < c->n_lines; i++) fill_line(c, i, begin, n, (line_kind)rng_below(r, LINE_KIND_COUNT), r);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Cuts the rows: some series are empty, some longer than any window. */
static void cut(images_data *d, rng *r) {
  const int64_t n_rows = d->columns.n_rows;
  d->n_series = 1 + (int64_t)rng_below(r, 6);
  d->offsets = allocate((size_t)(d->n_series + 1) * sizeof *d->offsets);
  d->offsets[0] = 0;
  for (int64_t i = 1; i < d->n_series; i++)
    d->offsets[i] = least(n_rows, d->offsets[i - 1] + (int64_t)rng_below(r, (uint64_t)n_rows));
  d->offsets[d->n_series] = n_rows;
  if (d->n_series > 3) d->offsets[2] = d->offsets[1];
}

/* Some of the same rows: series that overlap, in any order. */
static void overlap(images_data *d, rng *r) {
  d->counts = allocate((size_t)d->n_series * sizeof *d->counts);
  for (int64_t i = 0; i < d->n_series; i++) d->counts[i] = d->offsets[i + 1] - d->offsets[i];
  for (int64_t i = 0; i < d->n_series; i++) {
    const int64_t k = (int64_t)rng_below(r, (uint64_t)d->n_series), spare = d->counts[k] > 0 ? d->counts[k] - 1 : 0;
    const int64_t from = least((int64_t)rng_below(r, 5), spare); /* a row stays, so that there are windows */
    const int64_t offset = d->offsets[k] + from, count = d->counts[k] - from;
    d->offsets[k] = d->offsets[i];
    d->counts[k] = d->counts[i];
    d->offsets[i] = offset;
    d->counts[i] = count;
  }
}

void images_data_open(images_data *d, int64_t n_rows, int32_t n_lines, price_kind kind, bool lift, const packing *how,
                      rng *r) {
  *d = (images_data){0};
  columns_open(&d->columns, n_rows);
  columns_open_lines(&d->columns, n_lines);
  cut(d, r);
  for (int64_t i = 0; i < d->n_series; i++)
    fill_series(&d->columns, d->offsets[i], d->offsets[i + 1] - d->offsets[i], kind, lift, r);
  if (how->type == TLW_TYPE_F32) narrow_all(&d->columns);
  if (rng_below(r, 2) == 0) overlap(d, r);
  pack(&d->packed, &d->columns, how, 0, n_rows);
  columns_view(&d->columns, &d->plain);
  d->candles = d->packed.candles;
  tlw_candles *const views[] = {&d->plain, &d->candles};
  for (int i = 0; i < 2; i++) {
    views[i]->offsets = d->offsets;
    views[i]->counts = d->counts;
    views[i]->n_series = d->n_series;
  }
}

void images_data_close(images_data *d) {
  unpack(&d->packed);
  columns_close(&d->columns);
  free(d->offsets);
  free(d->counts);
}

/* ---- windows ---- */

static int64_t count_of(const images_data *d, int64_t series) {
  return d->counts != NULL ? d->counts[series] : d->offsets[series + 1] - d->offsets[series];
}

tlw_image_window *images_windows(const images_data *d, int64_t n, rng *r) {
  tlw_image_window *windows = allocate((size_t)n * sizeof *windows);
  for (int64_t i = 0; i < n; i++) {
    tlw_image_window w = {(int64_t)rng_below(r, (uint64_t)d->n_series), 0};
    while (count_of(d, w.series) == 0) w.series = (w.series + 1) % d->n_series;
    w.last = (int64_t)rng_below(r, (uint64_t)count_of(d, w.series));
    const uint64_t way = rng_below(r, 8);
    if (way == 0 && i > 0) w = windows[rng_below(r, (uint64_t)i)];
    if (way > 3 && i > 0 && windows[i - 1].last + 1 < count_of(d, windows[i - 1].series))
      w = (tlw_image_window){windows[i - 1].series, windows[i - 1].last + 1};
    windows[i] = w;
  }
  return windows;
}

void images_tensor_options(tlw_image_options *options, rng *r) {
  options->type = rng_below(r, 2) ? TLW_IMAGE_F32 : TLW_IMAGE_U8;
  options->order = rng_below(r, 2) ? TLW_ORDER_NHWC : TLW_ORDER_NCHW;
  options->color = rng_below(r, 2) ? TLW_IMAGE_RGB : TLW_IMAGE_LUMA;
}

/* ---- memory ---- */

void images_memory_open(images_memory *m, size_t size, size_t misalign) {
  m->size = size;
  m->block_size = (size + misalign + 2 * GUARD + 63) / 64 * 64;
  m->block = aligned_alloc(64, m->block_size);
  if (m->block == NULL) abort();
  m->bytes = m->block + GUARD + misalign;
  images_memory_poison(m);
}

void images_memory_poison(images_memory *m) { memset(m->block, POISON, m->block_size); }

static bool is_poison(const uint8_t *from, const uint8_t *to) {
  for (; from < to; from++)
    if (*from != POISON) return false;
  return true;
}

bool images_memory_intact(const images_memory *m) {
  return is_poison(m->block, m->bytes) && is_poison(m->bytes + m->size, m->block + m->block_size);
}

bool images_memory_untouched(const images_memory *m) { return is_poison(m->block, m->block + m->block_size); }

void images_memory_close(images_memory *m) { free(m->block); }
