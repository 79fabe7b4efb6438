#include "jkx_cases.h"

#include <stdarg.h>
#include <stddef.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POISON 0x5B /* no ink, and no part of 0.0f or 1.0f */

static void *allocate(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) {
    fprintf(stderr, "jkx cases: no memory for %zu bytes\n", size);
    abort();
  }
  return memory;
}

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

/* ---- series ---- */

void jkx_fill_halves(columns *data, int64_t first, int64_t n_rows, int64_t n, rng *r) {
  const int32_t height = jkx_oracle_height(n), volume_rows = height / 5, price_rows = height - volume_rows - 1;
  const int32_t most = 2 * (price_rows - 1);
  const double unit = ldexp(1.0, rng_between(r, -30, 30));
  const double base = unit * (double)rng_between(r, 1, 1000);
  for (int64_t i = first; i < first + n_rows; i++) {
    /* Each window has both ends of the range. */
    const bool is_full = (i - first) % (n - 1) == 0;
    const int32_t low = is_full ? 0 : rng_between(r, 0, most), high = is_full ? most : rng_between(r, low, most);
    data->low[i] = base + unit * (double)low;
    data->high[i] = base + unit * (double)high;
    data->open[i] = base + unit * (double)rng_between(r, low, high);
    data->close[i] = base + unit * (double)rng_between(r, low, high);
    data->volume[i] = unit * (double)(is_full ? 2 * volume_rows : rng_between(r, 0, 2 * volume_rows));
  }
}

static void scale_prices(columns *data, int64_t first, int64_t n_rows, int power) {
  double *const all[4] = {data->open, data->high, data->low, data->close};
  for (int k = 0; k < 4; k++)
    for (int64_t i = first; i < first + n_rows; i++) all[k][i] = ldexp(all[k][i], power);
}

static void swap_high_and_low(columns *data, int64_t row) {
  const double high = data->high[row];
  data->high[row] = data->low[row];
  data->low[row] = high;
}

/* What one row in some has: a close that is nothing, a bar upside down, an open or a close far from its bar. */
static void spoil(columns *data, int64_t first, int64_t n_rows, rng *r) {
  static const double nothing[] = {0.0, -0.0, (double)NAN, (double)INFINITY};
  const uint64_t rate = 4 + rng_below(r, 60), kind = rng_below(r, 4);
  for (int64_t i = first; i < first + n_rows; i++) {
    if (!one_in(r, rate)) continue;
    const int64_t other = first + (int64_t)rng_below(r, (uint64_t)n_rows);
    if (kind == 0) data->close[i] = nothing[rng_below(r, 4)];
    if (kind == 1) swap_high_and_low(data, i);
    if (kind == 2) data->open[i] = data->high[other];
    if (kind == 3) data->close[i] = data->low[other];
  }
}

/* One price, and now and then a bar that has another. */
static void fill_calm(columns *data, int64_t first, int64_t n_rows, int64_t n, rng *r) {
  double *const all[4] = {data->open, data->high, data->low, data->close};
  fill_prices(data, first, n_rows, PRICES_FLAT, r);
  for (int64_t i = first; i < first + n_rows; i++)
    if (one_in(r, (uint64_t)(2 * n))) all[rng_below(r, 4)][i] *= 1.0 + rng_unit(r);
}

/* Returns what it is called. */
static const char *fill_series(columns *data, int64_t first, int64_t n_rows, int64_t n, rng *r) {
  const uint64_t choice = rng_below(r, PRICE_KIND_COUNT + 5);
  if (choice < PRICE_KIND_COUNT) {
    fill_prices(data, first, n_rows, (price_kind)choice, r);
    return price_kind_name((price_kind)choice);
  }
  switch (choice - PRICE_KIND_COUNT) {
  case 0:
    jkx_fill_halves(data, first, n_rows, n, r);
    return "halves";
  case 1:
    fill_calm(data, first, n_rows, n, r);
    return "calm";
  case 2:
    fill_prices(data, first, n_rows, PRICES_WALK, r);
    scale_prices(data, first, n_rows, -rng_between(r, 900, 1040));
    return "tiny";
  case 3:
    fill_prices(data, first, n_rows, PRICES_WALK, r);
    scale_prices(data, first, n_rows, rng_between(r, 940, 1015));
    return "great";
  default:
    fill_prices(data, first, n_rows, PRICES_WALK, r);
    return "walk";
  }
}

/* Around the lengths at which something changes. */
static int64_t random_length(int64_t n, rng *r) {
  const int64_t lengths[] = {n - 1, n, n + 1, 2 * n - 1, 2 * n, 2 * n + 1, 3 * n};
  const size_t n_lengths = sizeof lengths / sizeof *lengths;
  const uint64_t choice = rng_below(r, n_lengths + 5);
  if (choice < n_lengths) return lengths[choice];
  return (int64_t)rng_below(r, (uint64_t)(5 * n));
}

/* Series one after the other with rows of none around; or, half of the time, rows that overlap, in any order. */
static void random_series(jkx_case *c, rng *r) {
  const int64_t n = c->options.window, n_series = 1 + (int64_t)rng_below(r, JKX_CASE_SERIES);
  int64_t end = c->offsets[0] = (int64_t)rng_below(r, 10);
  for (int64_t s = 0; s < n_series; s++) c->offsets[s + 1] = end += random_length(n, r);
  columns_open(&c->data, end + (int64_t)rng_below(r, 10));
  fill_prices(&c->data, 0, c->data.n_rows, PRICES_BITS, r);
  fill_volumes(&c->data, 0, c->data.n_rows, VOLUMES_BITS, r);
  fill_times(&c->data, 0, c->data.n_rows, TIMES_EXTREME, r);
  for (int64_t s = 0; s < n_series; s++) {
    const int64_t first = c->offsets[s], n_rows = c->offsets[s + 1] - first;
    const volume_kind volumes = (volume_kind)rng_below(r, VOLUME_KIND_COUNT);
    fill_volumes(&c->data, first, n_rows, volumes, r);
    c->prices[s] = fill_series(&c->data, first, n_rows, n, r);
    c->volumes[s] = volume_kind_name(volumes);
    if (n_rows > 0 && one_in(r, 3)) spoil(&c->data, first, n_rows, r);
  }
  c->candles.n_series = n_series;
}

static void overlap_series(jkx_case *c, rng *r) {
  for (int64_t s = 0; s < c->candles.n_series; s++) {
    c->offsets[s] = (int64_t)rng_below(r, (uint64_t)c->data.n_rows + 1);
    c->counts[s] = c->data.n_rows - c->offsets[s];
    if (one_in(r, 4)) c->counts[s] = (int64_t)rng_below(r, (uint64_t)c->counts[s] + 1);
    c->prices[s] = c->volumes[s] = "overlapping";
  }
  c->candles.counts = c->counts;
}

static int64_t length_of(const jkx_case *c, int64_t series) {
  return c->candles.counts != NULL ? c->counts[series] : c->offsets[series + 1] - c->offsets[series];
}

static int64_t random_last(int64_t n, int64_t n_rows, rng *r) {
  const int64_t rows[] = {n - 2, n - 1, n, 2 * n - 2, 2 * n - 1, 2 * n, n_rows - 1};
  const size_t n_choices = sizeof rows / sizeof *rows;
  const uint64_t choice = rng_below(r, 2 * n_choices);
  if (choice < n_choices && rows[choice] < n_rows) return rows[choice];
  const int64_t least = n_rows >= n && !one_in(r, 8) ? n - 1 : 0;
  return least + (int64_t)rng_below(r, (uint64_t)(n_rows - least));
}

static void random_windows(jkx_case *c, rng *r) {
  const int64_t wanted = (int64_t)rng_below(r, JKX_CASE_WINDOWS + 1);
  for (int64_t i = 0; i < wanted; i++) {
    const int64_t series = (int64_t)rng_below(r, (uint64_t)c->candles.n_series);
    if (length_of(c, series) == 0) continue;
    const tlw_image_window window = {series, random_last(c->options.window, length_of(c, series), r)};
    c->windows[c->n_windows++] = window;
    if (c->n_windows > 1 && one_in(r, 10)) c->windows[c->n_windows - 1] = c->windows[0];
  }
}

void jkx_case_options(tlw_image_options *options, tlw_image_shape *shape, int64_t n, tlw_image_type type,
                      tlw_image_order order, tlw_image_color color) {
  tlw_image_options_init(options);
  options->window = n;
  options->type = type;
  options->order = order;
  options->color = color;
  shape->channels = color == TLW_IMAGE_RGB ? 3 : 1;
  shape->width = jkx_oracle_width(n);
  shape->height = jkx_oracle_height(n);
  shape->size = (size_t)shape->channels * (size_t)shape->width * (size_t)shape->height;
  if (type == TLW_IMAGE_F32) shape->size *= sizeof(float);
}

void jkx_case_open(jkx_case *c, uint64_t seed, int64_t n) {
  rng r = {seed};
  memset(c, 0, sizeof *c);
  c->seed = seed;
  const tlw_image_type type = one_in(&r, 4) ? TLW_IMAGE_F32 : TLW_IMAGE_U8;
  const tlw_image_order order = (tlw_image_order)rng_below(&r, 2);
  jkx_case_options(&c->options, &c->shape, n, type, order, one_in(&r, 4) ? TLW_IMAGE_RGB : TLW_IMAGE_LUMA);
  random_series(c, &r);
  const int64_t n_series = c->candles.n_series;
  if (one_in(&r, 2)) c->how = packing_random(0, &r);
  pack(&c->packed, &c->data, &c->how, 0, c->data.n_rows);
  c->candles = c->packed.candles;
  c->candles.offsets = c->offsets;
  c->candles.n_series = n_series;
  if (one_in(&r, 2)) overlap_series(c, &r);
  if (one_in(&r, 2)) c->candles.time = NULL;
  if (one_in(&r, 8)) c->candles.volume = NULL;
  random_windows(c, &r);
  c->wants_reasons = !one_in(&r, 4);
}

void jkx_case_close(jkx_case *c) {
  unpack(&c->packed);
  columns_close(&c->data);
}

void jkx_case_print(const char *target, const jkx_case *c, int64_t window) {
  printf("%s, seed %llu: %lld bars, %lld windows, type %d, order %d, color %d; columns: type %d, stride %lld, off by "
         "%lld%s%s\n",
         target, (unsigned long long)c->seed, (long long)c->options.window, (long long)c->n_windows,
         (int)c->options.type, (int)c->options.order, (int)c->options.color, (int)c->candles.type,
         (long long)c->candles.stride, (long long)c->how.misalign, c->candles.counts != NULL ? ", overlapping" : "",
         c->candles.volume == NULL ? ", no volume" : "");
  if (window < 0) return;
  const tlw_image_window w = c->windows[window];
  printf("  window %lld: up to row %lld of series %lld, which has %lld rows from %lld on, prices %s, volumes %s\n",
         (long long)window, (long long)w.last, (long long)w.series, (long long)length_of(c, w.series),
         (long long)c->offsets[w.series], c->prices[w.series], c->volumes[w.series]);
}

/* ---- images ---- */

void jkx_images_open(jkx_images *m, size_t size, size_t front, size_t back) {
  m->block = allocate(front + size + back);
  m->images = m->block + front;
  m->size = size;
  m->front = front;
  m->back = back;
  memset(m->block, POISON, front + size + back);
}

void jkx_images_close(jkx_images *m) { free(m->block); }

bool jkx_images_intact(const jkx_images *m) {
  for (size_t i = 0; i < m->front + m->size + m->back; i++) {
    if ((i >= m->front && i < m->front + m->size) || m->block[i] == POISON) continue;
    printf("byte %lld of the images' memory, outside of them, was overwritten with 0x%02x\n",
           (long long)i - (long long)m->front, m->block[i]);
    return false;
  }
  return true;
}

/* The first byte that is wrong, as the pixel it belongs to. */
static void print_difference(const jkx_case *c, const uint8_t *got, const uint8_t *expected) {
  const size_t number = c->options.type == TLW_IMAGE_F32 ? sizeof(float) : 1;
  size_t at = 0;
  while (got[at] == expected[at]) at++;
  const size_t pixels = (size_t)c->shape.width * (size_t)c->shape.height;
  const size_t index = at / number, channels = (size_t)c->shape.channels;
  const size_t pixel = c->options.order == TLW_ORDER_NCHW ? index % pixels : index / channels;
  printf("  the first byte that is wrong is %zu, of the pixel in column %zu, row %zu: 0x%02x, expected 0x%02x\n", at,
         pixel % (size_t)c->shape.width, pixel / (size_t)c->shape.width, got[at], expected[at]);
}

static void add_seen(jkx_oracle_seen *sum, const jkx_oracle_seen *seen) {
  int64_t to[sizeof *sum / sizeof(int64_t)], from[sizeof *sum / sizeof(int64_t)];
  memcpy(to, sum, sizeof to);
  memcpy(from, seen, sizeof from);
  for (size_t i = 0; i < sizeof to / sizeof *to; i++) to[i] += from[i];
  memcpy(sum, to, sizeof to);
}

bool jkx_images_right(const char *target, const jkx_case *c, const uint8_t *images, const uint8_t *reasons,
                      jkx_tally *tally) {
  static const char *const names[TLW_IMAGE_REASONS] = {"drawn", "few bars", "no close", "flat", "beyond"};
  uint8_t pixels[JKX_ORACLE_WIDTH_MAX * JKX_ORACLE_HEIGHT_MAX];
  uint8_t *expected = allocate(c->shape.size);
  bool right = true;
  for (int64_t i = 0; i < c->n_windows && right; i++) {
    jkx_oracle_seen seen = {0};
    const uint8_t *image = images + (size_t)i * c->shape.size;
    const tlw_image_reason reason = jkx_oracle_draw(&c->candles, c->options.window, c->windows[i], pixels, &seen);
    tensor_oracle_grey(pixels, c->shape.width, c->shape.height, &c->options, expected);
    right = memcmp(image, expected, c->shape.size) == 0 && (reasons == NULL || reasons[i] == (uint8_t)reason);
    if (tally != NULL) {
      tally->reasons[reason]++;
      add_seen(&tally->seen, &seen);
    }
    if (right) continue;
    jkx_case_print(target, c, i);
    if (reasons != NULL) printf("  reason %u, expected %d, %s\n", reasons[i], (int)reason, names[reason]);
    if (memcmp(image, expected, c->shape.size) != 0) print_difference(c, image, expected);
  }
  free(expected);
  return right;
}
