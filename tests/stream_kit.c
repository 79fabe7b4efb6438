#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle.h"
#include "sha256.h"
#include "stream_kit.h"

struct kit_soft kit_soft;

static tlw_engine *reference;

static void *allocate(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) {
    fprintf(stderr, "stream_kit: no memory for %zu bytes\n", size);
    abort();
  }
  return memory;
}

void kit_ok(tlw_status status, const tlw_error *error) {
  if (status != TLW_OK) fail_msg("%s: %s", tlw_status_name(status), error->message);
}

void kit_failed(tlw_status status, tlw_status code, const tlw_error *error) {
  if (status != code)
    fail_msg("%s in place of %s: %s", tlw_status_name(status), tlw_status_name(code),
             status == TLW_OK ? "" : error->message);
  if (code == TLW_OK) return;
  assert_int_equal(error->code, code);
  assert_true(error->message[0] != '\0');
  assert_non_null(memchr(error->message, 0, sizeof error->message));
}

/* ---- targets ---- */

/* Another driver has none: what needs them is then left out. */
static bool load_soft(void) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (driver == NULL) {
    printf("%s\n", dlerror());
    return false;
  }
  *(void **)&kit_soft.stats = dlsym(driver, "softcuda_stats");
  *(void **)&kit_soft.set = dlsym(driver, "softcuda_set");
  *(void **)&kit_soft.restart = dlsym(driver, "softcuda_restart");
  if (kit_soft.stats == NULL) printf("libcuda.so.1 is not the software driver: its own counts are not looked at\n");
  return true;
}

bool kit_open(target_list *list, int argc, char **argv) {
  if (!targets_find(list, argc, argv)) return false;
  size_t n = 0;
  for (size_t i = 0; i < list->count; i++) {
    const bool replaces = n > 0 && list->targets[i].tier != NULL && list->targets[n - 1].tier != NULL;
    list->targets[replaces ? n - 1 : n++] = list->targets[i];
  }
  list->count = n;
  for (size_t i = 0; i < n; i++)
    if (list->targets[i].backend == TLW_BACKEND_CUDA && !load_soft()) return false;
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  tlw_error error;
  if (tlw_engine_open(&reference, &options, &error) == TLW_OK) return true;
  printf("no engine for the expected images: %s\n", error.message);
  return false;
}

void kit_close(void) {
  tlw_engine_close(&reference);
  targets_close();
}

tlw_engine *kit_engine(const target *t, const target_limits *limits) {
  tlw_engine *engine = NULL;
  tlw_error error;
  kit_ok(target_open(t, limits, &engine, &error), &error);
  return engine;
}

tlw_engine *kit_engine_on(const target *t, const target_limits *limits, const char *device) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = t->backend;
  options.device = device;
  options.threads = limits->threads;
  options.device_budget = limits->device_budget;
  options.host_budget = limits->host_budget;
  options.cache_dir = "";
  tlw_engine *engine = NULL;
  tlw_error error;
  kit_ok(tlw_engine_open(&engine, &options, &error), &error);
  return engine;
}

int64_t kit_cases(int64_t most) {
  const uint64_t wanted = environment_number("TALLOW_TEST_CASES", (uint64_t)most);
  return wanted < (uint64_t)most ? (int64_t)wanted : most;
}

bool kit_in_full(void) { return environment_number("TALLOW_TEST_CASES", 1000) > 100; }

int64_t kit_for(const target *t, int64_t cpu, int64_t others) { return t->backend == TLW_BACKEND_CPU ? cpu : others; }

tlw_stats kit_stats(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats;
}

static struct softcuda_stats soft_stats(void) {
  struct softcuda_stats stats = {0};
  if (kit_soft.stats != NULL) kit_soft.stats(&stats);
  return stats;
}

uint64_t kit_driver_bytes(void) { return soft_stats().memory_current; }

uint64_t kit_driver_peak(void) { return soft_stats().memory_peak; }

void kit_driver_restart(void) {
  if (kit_soft.restart != NULL) assert_int_equal(kit_soft.restart(), 0);
}

uint64_t kit_resident(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long long pages = 0;
  const int read = file == NULL ? 0 : fscanf(file, "%*u %llu", &pages);
  if (file != NULL) fclose(file);
  assert_int_equal(read, 1);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- plans ---- */

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

tlw_candles kit_view(const kit_batch *b) {
  tlw_candles candles;
  columns_view(&b->data, &candles);
  if (!b->with_volume) candles.volume = NULL;
  if (!b->with_time) candles.time = NULL;
  candles.offsets = b->offsets;
  candles.counts = b->counts;
  candles.n_series = b->n_series;
  return candles;
}

static size_t image_bytes(const tlw_chart_options *options) { return (size_t)options->width * (size_t)options->height; }

static tlw_raster raster_of(const kit_batch *b, uint8_t *pixels) {
  const size_t image = image_bytes(&b->options);
  return (tlw_raster){pixels, image * (size_t)b->n_series, (size_t)b->options.width, image};
}

bool kit_renders(tlw_engine *engine, const kit_batch *b) {
  const size_t size = image_bytes(&b->options) * (size_t)b->n_series;
  uint8_t *pixels = allocate(size);
  memset(pixels, 0xEE, size);
  const tlw_candles candles = kit_view(b);
  const tlw_raster raster = raster_of(b, pixels);
  tlw_error error;
  const tlw_status status = tlw_chart_render(engine, &candles, &b->options, &raster, &error);
  const bool equal = status == TLW_OK && memcmp(pixels, b->expected, size) == 0;
  if (status != TLW_OK)
    print_error("render: %s: %s\n", tlw_status_name(status), error.message);
  else if (!equal)
    print_error("render: the pixels are others\n");
  free(pixels);
  return equal;
}

/* By an engine without limits, and one chart in four by the oracle too. */
static void draw_batch(kit_batch *b, uint64_t seed) {
  const size_t image = image_bytes(&b->options);
  b->expected = allocate(image * (size_t)b->n_series);
  const tlw_candles candles = kit_view(b);
  const tlw_raster raster = raster_of(b, b->expected);
  tlw_error error;
  kit_ok(tlw_chart_render(reference, &candles, &b->options, &raster, &error), &error);
  uint8_t *plain = allocate(image);
  for (int64_t i = (int64_t)(seed % 4); i < b->n_series && image < 1000000; i += 4) {
    oracle_render(&candles, i, &b->options, plain);
    if (memcmp(plain, b->expected + (size_t)i * image, image) != 0) fail_msg("a render does not equal the oracle");
  }
  free(plain);
}

void kit_plan_draw(kit_plan *plan) {
  plan->n_charts = 0;
  for (int i = 0; i < plan->n_batches; i++) {
    kit_batch *b = &plan->batches[i];
    b->first_chart = plan->n_charts;
    plan->n_charts += b->n_series;
    draw_batch(b, plan->seed + (uint64_t)i);
  }
}

/* Mostly near the lower bound. */
static int32_t random_side(const kit_shape *shape, rng *r) {
  const int32_t span = (shape->most_side - shape->least_side) >> rng_below(r, 4);
  return rng_between(r, shape->least_side, shape->least_side + span);
}

static void random_options(tlw_chart_options *o, const kit_shape *shape, rng *r) {
  tlw_chart_options_init(o);
  o->width = random_side(shape, r);
  o->height = random_side(shape, r);
  o->theme = (tlw_theme)rng_below(r, TLW_THEME_COUNT);
  o->axis = (tlw_axis)rng_below(r, 2);
  o->volume = !one_in(r, 3);
  o->grid = !one_in(r, 3);
  if (one_in(r, 4) && shape->most_side >= 220) { /* with text */
    o->width = rng_between(r, 160, 220);
    o->height = rng_between(r, 120, 170);
  }
  if (one_in(r, 4)) o->margin_left = o->margin_top = o->margin_right = o->margin_bottom = 0;
}

static void round_column(double *column, int64_t n) {
  for (int64_t i = 0; i < n; i++) column[i] = (double)(float)column[i];
}

/* As a column of floats would have them. */
static void round_to_float(columns *c) {
  double *all[5] = {c->open, c->high, c->low, c->close, c->volume};
  for (int k = 0; k < 5; k++) round_column(all[k], c->n_rows);
  for (int32_t i = 0; i < c->n_lines; i++) round_column(c->lines[i], c->n_rows);
}

/* Series one behind the other, with rows of no series in between. */
static void random_offsets(kit_batch *b, rng *r) {
  b->offsets = allocate(sizeof(int64_t) * (size_t)(b->n_series + 1));
  int64_t at = 0;
  for (int64_t i = 0; i <= b->n_series; i++) {
    b->offsets[i] = at;
    const int64_t left = b->data.n_rows - at;
    if (!one_in(r, 6)) at += (int64_t)rng_below(r, (uint64_t)(2 * left / (b->n_series - i + 1) + 1));
    if (at > b->data.n_rows) at = b->data.n_rows;
  }
}

/* Windows that overlap, in any order. */
static void random_windows(kit_batch *b, rng *r) {
  b->offsets = allocate(sizeof(int64_t) * (size_t)b->n_series);
  b->counts = allocate(sizeof(int64_t) * (size_t)b->n_series);
  for (int64_t i = 0; i < b->n_series; i++) {
    b->offsets[i] = (int64_t)rng_below(r, (uint64_t)b->data.n_rows + 1);
    b->counts[i] = (int64_t)rng_below(r, (uint64_t)(b->data.n_rows - b->offsets[i]) + 1);
    if (one_in(r, 8)) b->counts[i] = 0;
  }
}

static bool has_empty_series(const kit_batch *b) {
  if (b->offsets == NULL) return b->data.n_rows == 0;
  for (int64_t i = 0; i < b->n_series; i++)
    if ((b->counts != NULL ? b->counts[i] : b->offsets[i + 1] - b->offsets[i]) == 0) return true;
  return false;
}

static int64_t random_rows(const kit_shape *shape, rng *r) {
  switch (rng_below(r, 8)) {
  case 0:
    return (int64_t)rng_below(r, 4);
  case 1:
    return (int64_t)rng_below(r, (uint64_t)shape->most_rows + 1);
  default:
    return (int64_t)rng_below(r, (uint64_t)(shape->most_rows / 8) + 1);
  }
}

static void fill(kit_batch *b, rng *r) {
  columns *c = &b->data;
  fill_prices(c, 0, c->n_rows, (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
  fill_volumes(c, 0, c->n_rows, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  fill_times(c, 0, c->n_rows, (time_kind)rng_below(r, TIME_KIND_COUNT), r);
}

/* Texts and lines, and the form of the columns. */
static void random_extras(kit_batch *b, rng *r) {
  columns *c = &b->data;
  extras_open(&b->extras, &b->options, c, r);
  for (int32_t i = 0; i < c->n_lines; i++) fill_line(c, i, 0, c->n_rows, (line_kind)rng_below(r, LINE_KIND_COUNT), r);
  if (b->options.axis == TLW_AXIS_INDEX && one_in(r, 6)) mix_times(c, 0, c->n_rows, r);
  b->how = packing_random(c->n_lines, r);
  if (b->how.type == TLW_TYPE_F32) round_to_float(c);
}

static void random_batch(kit_batch *b, const kit_shape *shape, rng *r) {
  random_options(&b->options, shape, r);
  columns_open(&b->data, random_rows(shape, r));
  fill(b, r);
  if (shape->plain)
    b->options.labels = 0;
  else
    random_extras(b, r);
  b->n_series = one_in(r, 10) ? 0 : 1 + (int64_t)rng_below(r, (uint64_t)shape->most_series);
  const uint64_t kind = rng_below(r, 3);
  if (kind == 0) b->n_series = 1;
  if (kind == 1) random_offsets(b, r);
  if (kind == 2) random_windows(b, r);
  b->with_volume = b->options.volume || one_in(r, 2);
  b->with_time = b->options.axis == TLW_AXIS_TIME || one_in(r, 2);
  b->way = shape->plain ? KIT_PUSH : (kit_way)rng_below(r, 3);
  if (b->way == KIT_ROWS && has_empty_series(b)) b->way = KIT_RELEASE;
}

/* One batch in three has a log scale, apart from the random numbers of the rest. */
static void random_scale(kit_batch *b, uint64_t seed) {
  rng r = {~seed};
  if (!one_in(&r, 3)) return;
  b->options.scale = TLW_SCALE_LOG;
  lift_prices(&b->data, 0, b->data.n_rows, b->how.type == TLW_TYPE_F32 ? 0x1p-149 : 0x1p-1074);
}

void kit_plan_open(kit_plan *plan, uint64_t seed, const kit_shape *shape) {
  rng r = {seed};
  kit_shape s = *shape;
  if (s.batches == 0) s.batches = rng_between(&r, 1, 10);
  if (s.least_side == 0) s.least_side = TLW_CHART_MIN_SIDE;
  if (s.most_side == 0) s.most_side = 300;
  if (s.most_rows == 0) s.most_rows = 4000;
  if (s.most_series == 0) s.most_series = 12;
  memset(plan, 0, sizeof *plan);
  plan->seed = seed;
  plan->n_batches = s.batches;
  for (int i = 0; i < plan->n_batches; i++) {
    random_batch(&plan->batches[i], &s, &r);
    random_scale(&plan->batches[i], seed + (uint64_t)i);
  }
  kit_plan_draw(plan);
}

kit_batch *kit_plan_single(kit_plan *plan, uint64_t seed, int32_t width, int32_t height, int64_t n_rows,
                           int64_t n_series) {
  rng r = {seed};
  memset(plan, 0, sizeof *plan);
  plan->seed = seed;
  plan->n_batches = 1;
  kit_batch *b = &plan->batches[0];
  tlw_chart_options_init(&b->options);
  b->options.width = width;
  b->options.height = height;
  columns_open(&b->data, n_rows);
  fill_prices(&b->data, 0, n_rows, PRICES_GAPS, &r);
  fill_volumes(&b->data, 0, n_rows, VOLUMES_HOSTILE, &r);
  fill_times(&b->data, 0, n_rows, TIMES_NIGHTS, &r);
  b->with_volume = b->with_time = true;
  b->n_series = n_series;
  b->offsets = allocate(sizeof(int64_t) * (size_t)(n_series + 1));
  for (int64_t i = 0; i <= n_series; i++) b->offsets[i] = n_rows * i / n_series;
  return b;
}

void kit_plan_close(kit_plan *plan) {
  for (int i = 0; i < plan->n_batches; i++) {
    kit_batch *b = &plan->batches[i];
    columns_close(&b->data);
    extras_close(&b->extras);
    free(b->offsets);
    free(b->counts);
    free(b->expected);
  }
  memset(plan, 0, sizeof *plan);
}

const kit_batch *kit_batch_of(const kit_plan *plan, int64_t chart, int64_t *series) {
  *series = 0;
  for (int i = 0; i < plan->n_batches; i++) {
    const kit_batch *b = &plan->batches[i];
    *series = chart - b->first_chart;
    if (*series >= 0 && *series < b->n_series) return b;
  }
  return NULL;
}

const uint8_t *kit_expected(const kit_plan *plan, int64_t chart) {
  int64_t series;
  const kit_batch *b = kit_batch_of(plan, chart, &series);
  return b->expected + (size_t)series * image_bytes(&b->options);
}

/* ---- copies of columns ---- */

/* Copies n rows from `first` on in the batch's form. */
static void pack_rows(const kit_batch *b, int64_t first, int64_t n, packed *p) {
  pack(p, &b->data, &b->how, first, n);
  if (!b->with_volume) p->candles.volume = NULL;
  if (!b->with_time) p->candles.time = NULL;
}

/* What a push was given. Stays until the run is closed, so that a second release is noticed. */
struct kit_live {
  kit_run *run;
  const kit_batch *batch;
  packed columns;
  extras texts;
  tlw_chart_options options;
  int64_t *offsets, *counts;
  _Atomic int released;
  bool accepted, with_release;
};

static int64_t *copy_numbers(const int64_t *from, int64_t n) {
  if (from == NULL) return NULL;
  int64_t *to = allocate(sizeof(int64_t) * (size_t)n);
  memcpy(to, from, sizeof(int64_t) * (size_t)n);
  return to;
}

static void spoil_numbers(int64_t **numbers, int64_t n) {
  if (*numbers != NULL) memset(*numbers, 0x7F, sizeof(int64_t) * (size_t)n);
  free(*numbers);
  *numbers = NULL;
}

static int64_t n_offsets(const kit_batch *b) { return b->n_series + (b->counts == NULL); }

static void spoil(struct kit_live *live) {
  unpack(&live->columns);
  extras_close(&live->texts);
  spoil_numbers(&live->offsets, n_offsets(live->batch));
  spoil_numbers(&live->counts, live->batch->n_series);
}

static void lock_run(kit_run *run) { pthread_mutex_lock(&run->lock); }
static void unlock_run(kit_run *run) { pthread_mutex_unlock(&run->lock); }

static struct kit_live *make_live(kit_run *run, const kit_batch *b) {
  struct kit_live *live = allocate(sizeof *live);
  memset(live, 0, sizeof *live);
  live->run = run;
  live->batch = b;
  pack_rows(b, 0, b->data.n_rows, &live->columns);
  live->options = b->options;
  extras_copy(&live->texts, &live->options);
  live->offsets = copy_numbers(b->offsets, n_offsets(b));
  live->counts = copy_numbers(b->counts, b->n_series);
  live->columns.candles.offsets = live->offsets;
  live->columns.candles.counts = live->counts;
  live->columns.candles.n_series = b->n_series;
  lock_run(run);
  if (run->n_lives == KIT_LIVES) abort();
  run->lives[run->n_lives++] = live;
  unlock_run(run);
  return live;
}

/* ---- the sink ---- */

static void trouble(kit_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void trouble(kit_run *run, const char *format, ...) {
  lock_run(run);
  if (run->trouble[0] == '\0') {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->trouble, sizeof run->trouble, format, arguments);
    va_end(arguments);
  }
  unlock_run(run);
}

bool kit_run_good(kit_run *run) {
  lock_run(run);
  const bool good = run->trouble[0] == '\0';
  if (!good) print_error("seed %llu: %s\n", (unsigned long long)run->plan->seed, run->trouble);
  unlock_run(run);
  return good;
}

static void look_at_rows(kit_run *run, const tlw_piece *p, const uint8_t *expected) {
  const size_t width = (size_t)p->width;
  if (p->y != run->next_row || p->rows < 1 || p->rows > p->height - p->y) {
    trouble(run, "chart %lld: rows %d to %d follow row %d", (long long)p->chart, p->y, p->y + p->rows - 1,
            run->next_row - 1);
    return;
  }
  if (p->row_stride < width || p->size != (size_t)(p->rows - 1) * p->row_stride + width)
    trouble(run, "chart %lld: %d rows of stride %zu take %zu bytes", (long long)p->chart, p->rows, p->row_stride,
            p->size);
  for (int32_t i = 0; i < p->rows; i++) {
    if (memcmp(p->data + (size_t)i * p->row_stride, expected + (size_t)(p->y + i) * width, width) == 0) continue;
    trouble(run, "chart %lld, %d x %d: row %d is another", (long long)p->chart, p->width, p->height, p->y + i);
    break;
  }
  run->next_row = p->y + p->rows;
  if (p->last != (run->next_row == p->height))
    trouble(run, "chart %lld: last is %d after row %d of %d", (long long)p->chart, p->last, run->next_row, p->height);
}

static void add_to_file(kit_run *run, const tlw_piece *p) {
  if (run->file_size + p->size > run->file_capacity) {
    run->file_capacity = 2 * (run->file_size + p->size) + 65536;
    run->file = realloc(run->file, run->file_capacity);
    if (run->file == NULL) abort();
  }
  if (p->data == NULL)
    trouble(run, "chart %lld: data is NULL", (long long)p->chart);
  else
    memcpy(run->file + run->file_size, p->data, p->size);
  run->file_size += p->size;
}

/* The file against the one that tlw_png_encode makes of the expected pixels. */
static void look_at_file(kit_run *run, const tlw_piece *p, const tlw_chart_options *options, const uint8_t *expected) {
  uint8_t rgb[TLW_COLORS_MOST * 3];
  const size_t bound = tlw_png_bound(p->width, p->height);
  uint8_t *file = allocate(bound);
  size_t size = 0;
  oracle_palette(options, rgb);
  const tlw_png_image image = {expected, (size_t)p->width, p->width, p->height, rgb, oracle_n_colors(options)};
  tlw_png_options png;
  tlw_png_options_init(&png);
  png.coding = run->coding;
  if (tlw_png_encode(&image, &png, file, bound, &size, NULL) != TLW_OK)
    trouble(run, "the expected file of chart %lld can't be made", (long long)p->chart);
  else if (size != run->file_size || memcmp(file, run->file, size) != 0)
    trouble(run, "chart %lld, %d x %d: the file of %zu bytes is another, %zu were expected", (long long)p->chart,
            p->width, p->height, run->file_size, size);
  free(file);
}

/* The digests of a finished file, or that there are none. */
static void look_at_digests(kit_run *run, const tlw_piece *p, const uint8_t *expected) {
  if (!run->digest || !p->last) {
    if (p->raster_digest != NULL || p->file_digest != NULL)
      trouble(run, "chart %lld: a piece has digests", (long long)p->chart);
    return;
  }
  uint8_t raster[SHA256_SIZE], file[SHA256_SIZE];
  sha256_of(expected, (size_t)p->width * (size_t)p->height, raster);
  sha256_of(run->file, run->file_size, file);
  if (p->raster_digest == NULL || memcmp(p->raster_digest, raster, sizeof raster) != 0)
    trouble(run, "chart %lld: the digest of the raster is another", (long long)p->chart);
  if (p->file_digest == NULL || memcmp(p->file_digest, file, sizeof file) != 0)
    trouble(run, "chart %lld: the digest of the file is another", (long long)p->chart);
}

static void look_at_part(kit_run *run, const tlw_piece *p, const kit_batch *b, const uint8_t *expected) {
  if (p->y != 0 || p->rows != 0 || p->row_stride != 0)
    trouble(run, "chart %lld: a part of a file has rows", (long long)p->chart);
  add_to_file(run, p);
  if (p->last) look_at_file(run, p, &b->options, expected);
}

static void look_at(kit_run *run, const tlw_piece *p) {
  int64_t series;
  const kit_batch *b = kit_batch_of(run->plan, p->chart, &series);
  if (b == NULL || p->chart != run->delivered) {
    trouble(run, "chart %lld came when %lld were delivered", (long long)p->chart, (long long)run->delivered);
    return;
  }
  const bool begun = run->next_row > 0 || run->file_size > 0;
  if (p->first != !begun) trouble(run, "chart %lld: first is %d", (long long)p->chart, p->first);
  if (p->last != 0 && p->last != 1) trouble(run, "chart %lld: last is %d", (long long)p->chart, p->last);
  if (p->width != b->options.width || p->height != b->options.height)
    trouble(run, "chart %lld is of %d x %d", (long long)p->chart, p->width, p->height);
  if (p->user != (run->no_user ? NULL : (const void *)b)) trouble(run, "chart %lld: another user", (long long)p->chart);
  if (run->trouble[0] != '\0') return;
  const uint8_t *expected = kit_expected(run->plan, p->chart);
  if (run->format == TLW_STREAM_RASTER)
    look_at_rows(run, p, expected);
  else
    look_at_part(run, p, b, expected);
  look_at_digests(run, p, expected);
  if (p->last) {
    run->next_row = 0;
    run->file_size = 0;
  }
}

/*
 * The pieces of a push with release come with the push's own record as user, for release is called with the same.
 * Such a record is known by its place among the others.
 */
static const void *batch_of_user(kit_run *run, void *user) {
  const void *batch = user;
  lock_run(run);
  for (int i = run->n_lives - 1; i >= 0; i--)
    if (run->lives[i] == user) batch = run->lives[i]->batch;
  unlock_run(run);
  return batch;
}

tlw_status kit_sink(void *user, const tlw_piece *piece, tlw_error *error) {
  kit_run *run = user;
  if (atomic_fetch_add(&run->inside, 1) != 0) trouble(run, "the sink is called by two threads at one time");
  if (error == NULL) trouble(run, "the sink is called without a record for an error");
  tlw_piece seen = *piece;
  seen.user = (void *)(uintptr_t)batch_of_user(run, piece->user);
  look_at(run, &seen);
  const tlw_status status = run->hook != NULL ? run->hook(run, piece, error) : TLW_OK;
  if (status == TLW_OK && piece->last) run->delivered++;
  atomic_fetch_sub(&run->inside, 1);
  return status;
}

/* ---- runs ---- */

void kit_run_open(kit_run *run, const kit_plan *plan, tlw_stream_format format) {
  memset(run, 0, sizeof *run);
  run->plan = plan;
  run->format = format;
  pthread_mutex_init(&run->lock, NULL);
}

static void check_live(kit_run *run, struct kit_live *live) {
  const int wanted = live->with_release && live->accepted;
  if (live->released != wanted && !(live->with_release && !live->accepted && live->released == 1))
    trouble(run, "release was called %d times for a push that was %s", live->released,
            live->accepted ? "accepted" : "refused");
  spoil(live);
  free(live);
}

void kit_run_close(kit_run *run) {
  for (int i = 0; i < run->n_lives; i++) check_live(run, run->lives[i]);
  const bool good = kit_run_good(run);
  free(run->file);
  pthread_mutex_destroy(&run->lock);
  assert_true(good);
}

int kit_unreleased(kit_run *run) {
  int n = 0;
  lock_run(run);
  for (int i = 0; i < run->n_lives; i++) {
    const struct kit_live *live = run->lives[i];
    n += live->with_release && live->accepted && live->released == 0;
  }
  unlock_run(run);
  return n;
}

static void release(void *user) {
  struct kit_live *live = user;
  kit_run *run = live->run;
  if (atomic_fetch_add(&live->released, 1) == 0) spoil(live);
  run->releases++;
  if (run->on_release != NULL) run->on_release(run);
}

static tlw_status push(kit_run *run, tlw_stream *stream, const kit_batch *b, tlw_error *error) {
  struct kit_live *live = make_live(run, b);
  live->with_release = b->way == KIT_RELEASE;
  tlw_candles candles = live->columns.candles;
  tlw_chart_options options = live->options;
  void *user = live->with_release ? (void *)live : (void *)(uintptr_t)b;
  const tlw_status status =
      tlw_stream_push(stream, &candles, &options, live->with_release ? release : NULL, user, error);
  memset(&candles, 0x7F, sizeof candles);
  memset(&options, 0x7F, sizeof options);
  live->accepted = status == TLW_OK;
  if (!live->with_release) spoil(live);
  if (status == TLW_OK) run->pushes++;
  return status;
}

static tlw_time_range range_of(const int64_t *time, int64_t n) {
  tlw_time_range range = {time[0], time[n - 1], 0};
  for (int64_t i = 1; i < n; i++) {
    const uint64_t step = (uint64_t)time[i] - (uint64_t)time[i - 1];
    if (step > 0 && (range.step == 0 || step < range.step)) range.step = step;
  }
  if (range.step == 0) range.step = 1;
  return range;
}

/* A series in chunks, now and then an empty one. */
static tlw_status give_rows(tlw_stream *stream, const kit_batch *b, int64_t first, int64_t n, rng *r,
                            tlw_error *error) {
  const tlw_time_range range = range_of(b->data.time + first, n);
  tlw_chart_options options = b->options;
  extras texts;
  extras_copy(&texts, &options);
  const bool needs_range = options.axis == TLW_AXIS_TIME;
  tlw_status status =
      tlw_stream_series(stream, n, needs_range || one_in(r, 2) ? &range : NULL, &options, (void *)(uintptr_t)b, error);
  memset(&options, 0x7F, sizeof options);
  extras_spoil_texts(&texts);
  const uint64_t most = one_in(r, 2) ? 9 : (uint64_t)n;
  for (int64_t done = 0; done < n && status == TLW_OK;) {
    int64_t rows = one_in(r, 8) ? 0 : 1 + (int64_t)rng_below(r, most);
    if (rows > n - done) rows = n - done;
    packed chunk;
    pack_rows(b, first + done, rows, &chunk);
    status = tlw_stream_rows(stream, &chunk.candles, error);
    unpack(&chunk);
    done += rows;
  }
  extras_close(&texts);
  return status;
}

static tlw_status give_series(kit_run *run, tlw_stream *stream, const kit_batch *b, rng *r, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < b->n_series && status == TLW_OK; i++) {
    const int64_t first = b->offsets == NULL ? 0 : b->offsets[i];
    const int64_t n = b->counts != NULL    ? b->counts[i]
                      : b->offsets != NULL ? b->offsets[i + 1] - first
                                           : b->data.n_rows;
    status = give_rows(stream, b, first, n, r, error);
    if (status == TLW_OK) run->pushes++;
  }
  return status;
}

tlw_status kit_feed(kit_run *run, tlw_stream *stream, int first, rng *r, int *at, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int i = first; i < run->plan->n_batches && status == TLW_OK; i++) {
    const kit_batch *b = &run->plan->batches[i];
    if (at != NULL) *at = i;
    status = b->way == KIT_ROWS ? give_series(run, stream, b, r, error) : push(run, stream, b, error);
  }
  return status;
}

struct producer {
  kit_run *run;
  int next;
  struct kit_live *given;
};

static tlw_status produce(void *user, tlw_candles *candles, tlw_chart_options *chart, tlw_error *error) {
  struct producer *producer = user;
  kit_run *run = producer->run;
  if (error == NULL) trouble(run, "the producer is called without a record for an error");
  if (producer->given != NULL) spoil(producer->given);
  /* A batch of no series would end the run. */
  while (producer->next < run->plan->n_batches && run->plan->batches[producer->next].n_series == 0) producer->next++;
  if (producer->next == run->plan->n_batches) return TLW_OK;
  const kit_batch *b = &run->plan->batches[producer->next++];
  producer->given = make_live(run, b);
  *candles = producer->given->columns.candles;
  *chart = producer->given->options;
  run->pushes++;
  return TLW_OK;
}

tlw_status kit_feed_by_run(kit_run *run, tlw_stream *stream, tlw_error *error) {
  struct producer producer = {.run = run};
  return tlw_stream_run(stream, produce, &producer, error);
}

tlw_stream_options kit_options(kit_run *run, uint32_t slots, uint32_t encoders) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = run->format;
  options.coding = run->coding;
  options.slots = slots;
  options.encoders = encoders;
  options.digest = run->digest;
  options.sink = kit_sink;
  options.sink_user = run;
  return options;
}

bool kit_passes(kit_run *run, tlw_engine *const *engines, size_t n_engines, uint32_t slots, uint32_t encoders, rng *r) {
  tlw_stream_options options = kit_options(run, slots, encoders);
  tlw_stream *stream = NULL;
  tlw_error error;
  tlw_status status = tlw_stream_open(&stream, engines, n_engines, &options, &error);
  memset(&options, 0x7F, sizeof options);
  if (status == TLW_OK)
    status = run->no_user ? kit_feed_by_run(run, stream, &error) : kit_feed(run, stream, 0, r, NULL, &error);
  if (status == TLW_OK) status = tlw_stream_finish(stream, &error);
  tlw_stream_close(&stream);
  const int64_t delivered = run->delivered, wanted = run->plan->n_charts;
  if (status != TLW_OK)
    print_error("seed %llu, push %lld: %s: %s\n", (unsigned long long)run->plan->seed, (long long)run->pushes,
                tlw_status_name(status), error.message);
  else if (delivered != wanted)
    print_error("seed %llu: %lld of %lld charts\n", (unsigned long long)run->plan->seed, (long long)delivered,
                (long long)wanted);
  return kit_run_good(run) && status == TLW_OK && delivered == wanted && stream == NULL;
}

void kit_pass(const kit_plan *plan, tlw_stream_format format, tlw_engine *const *engines, size_t n_engines,
              uint32_t slots, uint32_t encoders, rng *r) {
  kit_run run;
  kit_run_open(&run, plan, format);
  const bool good = kit_passes(&run, engines, n_engines, slots, encoders, r);
  kit_run_close(&run);
  assert_true(good);
}

/* ---- gates ---- */

void kit_gate_pass(kit_gate *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->arrived++;
  pthread_cond_broadcast(&gate->changed);
  while (!gate->open) pthread_cond_wait(&gate->changed, &gate->lock);
  pthread_mutex_unlock(&gate->lock);
}

void kit_gate_await(kit_gate *gate) {
  pthread_mutex_lock(&gate->lock);
  while (gate->arrived == 0) pthread_cond_wait(&gate->changed, &gate->lock);
  pthread_mutex_unlock(&gate->lock);
}

void kit_gate_open(kit_gate *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->open = true;
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->lock);
}
