/*
 * The GPU backends at the seam: work in flight against the oracle, the pool, staging, and what a driver can do wrong.
 *
 *   test_gpu opencl
 *   test_gpu cuda      on the software driver also with faults that are set from here
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/base/fault.h"
#include "host/chart/source.h"
#include "host/gpu/backend.h"
#include "host/gpu/gpu.h"
#include "host/gpu/plan.h"
#include "host/gpu/selftest.h"
#include "host/gpu/state.h"
#include "oracle.h"
#include "series.h"
#include "softcuda/softcuda.h"

#define SEED 20240917
#define MOST_CHARTS 6
#define MOST_LINES 2
#define GUARD 64
#define POISON 0xA7
#define LOG_LINES 8

static tlw_backend backend;
static tlw_device device;
static char cache[] = "/tmp/tallow_gpu_XXXXXX";

static struct {
  void (*stats)(struct softcuda_stats *stats);
  uint64_t (*calls)(const char *function);
  int (*set)(const char *setting);
  void (*abandon)(void);
} soft;

/* ---- a backend ---- */

static struct tlw_services services;
static struct tlw_executor executor;
static const struct tlw_backend_ops *ops;
static struct tlw_backend_state *gpu;
static char logged[LOG_LINES][TLW_ERROR_MESSAGE_SIZE];
static int n_logged;

static void keep_line(void *user, tlw_log_level level, const char *message) {
  (void)user;
  const bool is_loss = strstr(message, "could not be kept in") == NULL;
  assert_int_equal(level, is_loss ? TLW_LOG_WARNING : TLW_LOG_INFO);
  if (n_logged < LOG_LINES) snprintf(logged[n_logged], sizeof logged[0], "%s", message);
  n_logged++;
}

struct limits {
  uint64_t device, host;
  uint32_t deadline_ms;
  bool uncached, altered;
};

static const struct limits no_limits = {TLW_BUDGET_AUTO, UINT64_MAX, TLW_DEADLINE_NONE, false, false};

/* The first that can be used. A driver that was restarted wants to be asked anew. */
static bool find_device(void) {
  struct tlw_device_list list = {0};
  tlw_gpu_list(backend, &list);
  bool found = false;
  for (size_t i = 0; i < list.count && !found; i++) {
    device = list.items[i];
    found = device.usable;
  }
  if (!found) fprintf(stderr, "no device: %s\n", list.count ? list.items[0].reason : "");
  tlw_device_list_free(&list);
  return found;
}

/* ---- a driver whose answers are changed, and whose kernels do nothing or can't be had ---- */

static struct tlw_gpu_ops altered;
static const struct tlw_gpu_ops *unaltered;
static struct {
  int64_t each;   /* ns that a mark takes at least */
  int64_t last;   /* when one was reached */
  int fails_in;   /* the work of that many marks from now on fails; 0: none */
  int unanswered; /* questions that the driver can't answer */
  bool may_finish;
  tlw_status compiles; /* what becomes of an attempt */
  bool is_mute;        /* launches do nothing */
} alter;
static int compiled[TLW_PROGRAMS]; /* attempts, since the driver was opened */

static int64_t clock_now(void) { return tlw_ledger_now(&services.ledger); }

static tlw_status altered_event_done(struct tlw_gpu *opened, const struct tlw_gpu_event *event, bool *done,
                                     tlw_error *error) {
  const tlw_status status = unaltered->event_done(opened, event, done, error);
  if (!*done) return status;
  if (alter.unanswered > 0) {
    alter.unanswered--;
    *done = false;
    return tlw_fail(error, TLW_ERR_DEVICE, "no answer");
  }
  if (clock_now() - alter.last < alter.each) {
    *done = false;
    return TLW_OK;
  }
  alter.last = clock_now();
  if (alter.fails_in == 0 || --alter.fails_in > 0) return status;
  return tlw_fail(error, TLW_ERR_DEVICE, "a command has failed");
}

/* Nothing is in the queue any more, but the driver says that it failed. */
static tlw_status altered_finish(struct tlw_gpu *opened, const struct tlw_gpu_queue *queue, tlw_error *error) {
  assert_int_equal(unaltered->finish(opened, queue, NULL), TLW_OK);
  return alter.may_finish ? TLW_OK : tlw_fail(error, TLW_ERR_DEVICE, "no end");
}

static tlw_status altered_kernels_open(struct tlw_gpu *opened, enum tlw_gpu_program program, const char *const *names,
                                       size_t n, const struct tlw_block *kept, struct tlw_gpu_kernel *kernels,
                                       tlw_error *error) {
  if (!kept) compiled[program]++;
  if (alter.compiles != TLW_OK) return tlw_fail(error, alter.compiles, "no kernels today");
  return unaltered->kernels_open(opened, program, names, n, kept, kernels, error);
}

static tlw_status altered_launch(struct tlw_gpu *opened, const struct tlw_gpu_queue *queue,
                                 const struct tlw_gpu_kernel *kernel, uint32_t groups, uint32_t lanes, const void *args,
                                 size_t args_size, const struct tlw_slab *slab, tlw_error *error) {
  if (alter.is_mute) return TLW_OK;
  return unaltered->launch(opened, queue, kernel, groups, lanes, args, args_size, slab, error);
}

static tlw_status open_altered(const tlw_device *chosen, struct tlw_gpu **opened, tlw_error *error) {
  tlw_gpu_open_fn open = NULL;
#ifdef TALLOW_WITH_CUDA
  if (backend == TLW_BACKEND_CUDA) open = tlw_cuda_open;
#endif
#ifdef TALLOW_WITH_OPENCL
  if (backend == TLW_BACKEND_OPENCL) open = tlw_opencl_open;
#endif
  assert_non_null(open);
  const tlw_status status = open(chosen, opened, error);
  if (status != TLW_OK) return status;
  unaltered = (*opened)->ops;
  altered = *unaltered;
  altered.event_done = altered_event_done;
  altered.finish = altered_finish;
  altered.kernels_open = altered_kernels_open;
  altered.launch = altered_launch;
  (*opened)->ops = &altered;
  memset(&alter, 0, sizeof alter);
  memset(compiled, 0, sizeof compiled);
  return TLW_OK;
}

static tlw_status backend_open(struct limits limits, tlw_error *error) {
  assert_true(find_device());
  memset(&services, 0, sizeof services);
  services.memory.budget = limits.host;
  services.memory.ledger = &services.ledger;
  services.device_budget = limits.device;
  services.deadline_ms = limits.deadline_ms;
  services.cache_dir = limits.uncached ? "" : cache;
  services.threads = 1;
  services.log = keep_line;
  n_logged = 0;
  assert_int_equal(tlw_ledger_open(&services.ledger, NULL, NULL), TLW_OK);
  const tlw_status status = limits.altered ? tlw_gpu_backend_open(&services, &device, open_altered, &executor, error)
                                           : tlw_gpu_open(&services, &device, &executor, error);
  ops = executor.ops;
  gpu = executor.state;
  if (status != TLW_OK) tlw_ledger_close(&services.ledger);
  return status;
}

static void backend_must_open(struct limits limits) {
  tlw_error error;
  if (backend_open(limits, &error) != TLW_OK) fail_msg("%s", error.message);
}

/* Nothing is counted any more. */
static void assert_returned(void) {
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, 0);
  assert_int_equal(tlw_gauge_read(&services.device_bytes).current, 0);
}

static void backend_close(void) {
  ops->close(gpu);
  tlw_ledger_close(&services.ledger);
  assert_returned();
}

static bool is_unified(void) {
  const tlk_layout any = {.width = 16, .height = 16, .plot_width = 16};
  return ops->least_host(gpu, &any) > 0;
}

static struct softcuda_stats driver_stats(void) {
  struct softcuda_stats stats = {0};
  if (soft.stats) soft.stats(&stats);
  return stats;
}

/* 0 where the driver is not the one of the tests. */
static uint64_t kept_by_driver(void) {
  const struct softcuda_stats stats = driver_stats();
  return stats.contexts + stats.retains + stats.pushes + stats.allocations + stats.modules + stats.streams +
         stats.events + stats.guard_violations + stats.left_behind;
}

static uint64_t device_bytes(void) { return tlw_gauge_read(&services.device_bytes).current; }

static int records_of(tlw_operation operation) {
  static tlw_record records[TLW_RECORDS];
  const size_t n = tlw_ledger_read(&services.ledger, records, TLW_RECORDS);
  int found = 0;
  for (size_t i = 0; i < n; i++) found += records[i].operation == (int32_t)operation;
  return found;
}

/* ---- charts ---- */

struct scene {
  tlw_chart_options options;
  columns data;
  tlw_candles candles;
  const void *lines[MOST_LINES];
  int64_t offsets[MOST_CHARTS + 1];
  struct tlw_source source;
  tlk_layout layout;
  tlk_series series[MOST_CHARTS];
  tlk_sheet *sheet; /* or NULL */
  uint8_t *notes;   /* likewise */
  size_t image;
};

/* What the job of a scene is made from. */
static void scene_prepare(struct scene *s) {
  const size_t n = (size_t)s->candles.n_series;
  struct tlw_source *source = &s->source;
  assert_int_equal(tlw_source_of(&s->candles, &s->options, source, NULL), TLW_OK);
  s->layout = source->layout;
  s->image = (size_t)s->options.width * (size_t)s->options.height;
  const size_t sheet = (size_t)s->layout.sheet_size, notes = (size_t)tlk_notes_size(s->layout);
  s->sheet = sheet ? malloc(sheet) : NULL;
  if (sheet) source->make_sheet(&s->options, &s->layout, s->sheet);
  s->notes = notes ? malloc(n * notes) : NULL;
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(source->shape(source, (int64_t)i, &s->series[i], NULL), TLW_OK);
    if (notes) source->note(source, (int64_t)i, &s->series[i], (tlk_notes *)(void *)(s->notes + i * notes));
  }
}

static void scene_open(struct scene *s, uint64_t seed, int64_t n_series, int64_t most_rows) {
  rng r = {seed};
  memset(s, 0, sizeof *s);
  tlw_chart_options_init(&s->options);
  const bool may_have_text = rng_below(&r, 3) == 0;
  s->options.width = rng_between(&r, 16, may_have_text ? 300 : 200);
  s->options.height = rng_between(&r, 16, may_have_text ? 200 : 119);
  s->options.title = "Title";
  s->options.axis = (tlw_axis)rng_below(&r, 2);
  s->options.volume = rng_below(&r, 3) != 0;
  s->options.grid = rng_below(&r, 3) != 0;
  s->offsets[0] = (int64_t)rng_below(&r, 5);
  for (int64_t i = 0; i < n_series; i++)
    s->offsets[i + 1] = s->offsets[i] + (int64_t)rng_below(&r, rng_below(&r, 6) == 0 ? 1 : (uint64_t)most_rows + 1);
  columns_open(&s->data, s->offsets[n_series] + 3);
  fill_prices(&s->data, 0, s->data.n_rows, PRICES_BITS, &r);
  fill_volumes(&s->data, 0, s->data.n_rows, VOLUMES_BITS, &r);
  for (int64_t i = 0; i < n_series; i++) {
    const int64_t first = s->offsets[i], n = s->offsets[i + 1] - first;
    fill_prices(&s->data, first, n, (price_kind)rng_below(&r, PRICE_KIND_COUNT), &r);
    fill_volumes(&s->data, first, n, (volume_kind)rng_below(&r, VOLUME_KIND_COUNT), &r);
    fill_times(&s->data, first, n, (time_kind)rng_below(&r, TIME_KIND_COUNT), &r);
  }
  columns_view(&s->data, &s->candles);
  s->candles.offsets = s->offsets;
  s->candles.n_series = n_series;
  if (!s->options.volume) s->candles.volume = NULL;
  s->lines[0] = s->data.close;
  s->lines[1] = s->data.open;
  s->candles.lines = s->lines;
  s->candles.n_lines = s->options.n_lines = (int32_t)rng_below(&r, MOST_LINES + 1);
  scene_prepare(s);
}

static void scene_close(struct scene *s) {
  columns_close(&s->data);
  free(s->sheet);
  free(s->notes);
}

static struct tlw_render_job job_of(const struct scene *s) {
  return (struct tlw_render_job){
      .layout = s->layout,
      .open = s->candles.open,
      .high = s->candles.high,
      .low = s->candles.low,
      .close = s->candles.close,
      .volume = s->candles.volume,
      .time = s->source.candles.time,
      .series = s->series,
      .n_series = s->candles.n_series,
      .sheet = s->sheet,
      .notes = s->notes,
      .y1 = s->layout.height,
  };
}

/* Images in staging, poisoned, with guards around, gaps between rows and gaps between images. */
struct raster {
  struct tlw_block block;
  size_t row, image, rows, images, width;
};

static void raster_aim(const struct raster *raster, struct tlw_render_job *job) {
  job->pixels = (uint8_t *)raster->block.data + GUARD;
  job->row_stride = raster->row;
  job->image_stride = raster->image;
}

static tlw_status raster_open(struct raster *raster, const struct scene *s, size_t images, size_t row_gap,
                              size_t image_gap) {
  raster->width = (size_t)s->options.width;
  raster->rows = (size_t)s->options.height;
  raster->row = raster->width + row_gap;
  raster->image = raster->row * raster->rows + image_gap;
  raster->images = images;
  raster->block = (struct tlw_block){0};
  const tlw_status status = ops->staging_open(gpu, &raster->block, 2 * GUARD + images * raster->image, NULL);
  if (status == TLW_OK) memset(raster->block.data, POISON, (size_t)raster->block.size);
  return status;
}

static void assert_poison(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) assert_int_equal(bytes[i], POISON);
}

static void assert_guards(const struct raster *raster) {
  const uint8_t *pixels = (const uint8_t *)raster->block.data + GUARD;
  assert_poison(raster->block.data, GUARD);
  for (size_t i = 0; i < raster->images; i++) {
    const uint8_t *image = pixels + i * raster->image;
    for (size_t y = 0; y < raster->rows; y++)
      assert_poison(image + y * raster->row + raster->width, raster->row - raster->width);
    assert_poison(image + raster->rows * raster->row, raster->image - raster->rows * raster->row);
  }
  assert_poison(pixels + raster->images * raster->image, GUARD);
}

/* Images of the raster against charts first and on of the scene. */
static void assert_drawn(const struct raster *raster, const struct scene *s, int64_t first) {
  uint8_t *expected = malloc(s->image);
  assert_non_null(expected);
  for (size_t i = 0; i < raster->images; i++) {
    oracle_render(&s->candles, first + (int64_t)i, &s->options, expected);
    for (size_t y = 0; y < raster->rows; y++)
      assert_memory_equal((uint8_t *)raster->block.data + GUARD + i * raster->image + y * raster->row,
                          expected + y * raster->width, raster->width);
  }
  free(expected);
  assert_guards(raster);
}

/* The merge of tallow/chart.h, one candle after the other. */
static double *merged_of(const struct scene *s, int64_t chart) {
  const tlk_series *series = &s->series[chart];
  const size_t width = (size_t)s->layout.plot_width;
  double *merged = malloc(5 * width * sizeof *merged), *sums = calloc(width, 8 * sizeof *sums);
  int64_t *seen = calloc(width, sizeof *seen);
  assert_true(merged && sums && seen);
  for (size_t i = 0; i < 5 * width; i++) merged[i] = (double)NAN;
  for (int64_t i = 0; i < series->count; i++) {
    const int64_t row = series->begin + i;
    const double o = s->data.open[row], h = s->data.high[row], l = s->data.low[row], c = s->data.close[row];
    const uint64_t u =
        series->by_time ? ((uint64_t)s->data.time[row] - (uint64_t)series->origin) >> series->shift : (uint64_t)i;
    const size_t x = (size_t)((2 * u + series->step) * width / (2 * series->span));
    const int64_t j = seen[x]++;
    if (!isfinite(o) || !isfinite(h) || !isfinite(l) || !isfinite(c)) continue;
    const double top = fmax(fmax(o, h), fmax(l, c)), bottom = fmin(fmin(o, h), fmin(l, c));
    const double volume = s->candles.volume ? s->data.volume[row] : 0.0;
    if (isnan(merged[x])) merged[x] = o;
    merged[width + x] = fmax(merged[width + x], top);
    merged[2 * width + x] = fmin(merged[2 * width + x], bottom);
    merged[3 * width + x] = c;
    if (isfinite(volume) && volume > 0.0) sums[8 * x + (size_t)(j % 8)] += volume;
  }
  for (size_t x = 0; x < width; x++) {
    const double *p = &sums[8 * x], sum = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
    merged[4 * width + x] = isfinite(sum) ? sum : 1.7976931348623157e308;
  }
  free(sums);
  free(seen);
  return merged;
}

static void must(tlw_status status, const tlw_error *error) {
  if (status != TLW_OK) fail_msg("%s: %s", tlw_status_name(status), error->message);
}

static void draw(const struct tlw_render_job *job, struct tlw_ticket *ticket) {
  tlw_error error;
  *ticket = (struct tlw_ticket){0};
  must(ops->draw(gpu, job, ticket, &error), &error);
}

static void land(struct tlw_ticket *ticket) {
  tlw_error error;
  must(ops->wait(gpu, ticket, &error), &error);
  assert_int_equal(ticket->number, 0);
}

/* ---- drawing ---- */

#define MOST_TICKETS 7

/* More tickets than there are places in flight, waited for in any order, some only asked for. */
static void test_many_in_flight(void **unused) {
  (void)unused;
  backend_must_open(no_limits);
  const struct softcuda_stats before = driver_stats();
  const uint64_t up = services.uploaded, down = services.downloaded, launches = services.launches;
  rng r = {SEED};
  for (uint64_t round = 0; round < 25; round++) {
    struct scene scenes[MOST_TICKETS];
    struct raster rasters[MOST_TICKETS];
    struct tlw_ticket tickets[MOST_TICKETS];
    for (int i = 0; i < MOST_TICKETS; i++) {
      const int64_t n = 1 + (int64_t)rng_below(&r, MOST_CHARTS);
      scene_open(&scenes[i], rng_next(&r), n, 400);
      const size_t row_gap = rng_below(&r, 2) ? 0 : rng_below(&r, 9), gap = rng_below(&r, 2) ? 0 : rng_below(&r, 99);
      assert_int_equal(raster_open(&rasters[i], &scenes[i], (size_t)n, row_gap, gap), TLW_OK);
      struct tlw_render_job job = job_of(&scenes[i]);
      raster_aim(&rasters[i], &job);
      assert_int_equal(ops->fit(gpu, &job, MOST_TICKETS, UINT64_MAX), n);
      draw(&job, &tickets[i]);
      if (i > 0) assert_true(tickets[i].number == 0 || tickets[i].number > tickets[i - 1].number);
    }
    for (int left = MOST_TICKETS; left > 0; left--) {
      int i = (int)rng_below(&r, MOST_TICKETS);
      while (!rasters[i].block.data) i = (i + 1) % MOST_TICKETS;
      if (rng_below(&r, 3) == 0)
        while (!ops->is_done(gpu, &tickets[i])) usleep(10);
      land(&tickets[i]);
      assert_true(ops->is_done(gpu, &tickets[i]));
      assert_drawn(&rasters[i], &scenes[i], 0);
      ops->staging_close(gpu, &rasters[i].block);
      scene_close(&scenes[i]);
    }
    assert_int_equal(tlw_gauge_read(&ops->pool(gpu)->in_use).current, 0);
  }
  assert_true(services.uploaded > up && services.downloaded > down && services.launches > launches);
  if (soft.stats) {
    const struct softcuda_stats after = driver_stats();
    assert_int_equal(services.uploaded - up, after.bytes_up - before.bytes_up);
    assert_int_equal(services.downloaded - down, after.bytes_down - before.bytes_down);
    assert_int_equal(services.launches - launches, after.launches - before.launches);
  }
  backend_close();
}

/* Drawn band by band from merged columns, a chart has the pixels that it has as a whole. */
static void test_bands(void **unused) {
  (void)unused;
  backend_must_open(no_limits);
  rng r = {SEED + 1};
  for (int round = 0; round < 60; round++) {
    struct scene scene;
    struct raster raster;
    scene_open(&scene, rng_next(&r), 1, 3000);
    assert_int_equal(raster_open(&raster, &scene, 1, rng_below(&r, 2) * 5, 0), TLW_OK);
    double *merged = merged_of(&scene, 0);
    struct tlw_ticket tickets[3] = {{0}};
    struct tlw_render_job job = job_of(&scene);
    job.merged = merged;
    job.open = job.high = job.low = job.close = NULL;
    job.time = NULL;
    int turn = 0;
    for (int32_t y = 0; y < scene.layout.height; turn++) {
      struct tlw_ticket *ticket = &tickets[turn % 3];
      land(ticket);
      raster_aim(&raster, &job);
      job.y0 = y;
      job.y1 = y + rng_between(&r, 1, scene.layout.height - y);
      job.pixels += (size_t)y * raster.row;
      y = job.y1;
      draw(&job, ticket);
    }
    for (int i = 0; i < 3; i++) land(&tickets[i]);
    assert_drawn(&raster, &scene, 0);
    ops->staging_close(gpu, &raster.block);
    free(merged);
    scene_close(&scene);
  }
  backend_close();
}

#define APART 20000

/* Short series far apart in long columns: what lies between them is neither uploaded nor takes room. */
static void test_sparse_series(void **unused) {
  (void)unused;
  backend_must_open(no_limits);
  for (uint64_t seed = 1; seed <= 6; seed++) {
    struct scene s;
    scene_open(&s, SEED + seed, MOST_CHARTS, 90);
    columns far;
    columns_open(&far, MOST_CHARTS * APART);
    const double *const from[] = {s.data.open, s.data.high, s.data.low, s.data.close, s.data.volume};
    double *const to[] = {far.open, far.high, far.low, far.close, far.volume};
    tlk_series series[MOST_CHARTS];
    struct tlw_render_job job = job_of(&s);
    uint64_t rows = 0;
    for (int64_t i = 0; i < MOST_CHARTS; i++) {
      series[i] = s.series[i];
      series[i].begin = (MOST_CHARTS - 1 - i) * APART + 5;
      const size_t begin = (size_t)series[i].begin, old = (size_t)s.series[i].begin, n = (size_t)series[i].count;
      for (size_t k = 0; k < sizeof to / sizeof *to; k++) memcpy(to[k] + begin, from[k] + old, n * sizeof *to[k]);
      memcpy(far.time + begin, s.data.time + old, n * sizeof *far.time);
      rows += n;
    }
    job.open = far.open;
    job.high = far.high;
    job.low = far.low;
    job.close = far.close;
    job.volume = job.volume ? far.volume : NULL;
    job.time = job.time ? far.time : NULL;
    job.series = series;
    struct raster raster;
    struct tlw_ticket ticket;
    assert_int_equal(raster_open(&raster, &s, MOST_CHARTS, 0, 0), TLW_OK);
    raster_aim(&raster, &job);
    assert_int_equal(ops->fit(gpu, &job, 1, 2 << 20), MOST_CHARTS);
    const uint64_t up = services.uploaded, columns_drawn = 4u + (job.volume != NULL) + (job.time != NULL);
    draw(&job, &ticket);
    const uint64_t over = (uint64_t)s.layout.sheet_size + MOST_CHARTS * tlk_notes_size(s.layout);
    assert_int_equal(services.uploaded - up, rows * columns_drawn * sizeof(double) + sizeof series + over);
    land(&ticket);
    assert_drawn(&raster, &s, 0);
    ops->staging_close(gpu, &raster.block);
    columns_close(&far);
    scene_close(&s);
  }
  backend_close();
}

static void test_no_series(void **unused) {
  (void)unused;
  backend_must_open(no_limits);
  const struct tlw_render_job job = {.layout = {.width = 16, .height = 16, .plot_width = 16}, .y1 = 16};
  struct tlw_ticket ticket;
  draw(&job, &ticket);
  assert_int_equal(ticket.number, 0);
  land(&ticket);
  backend_close();
}

/* ---- budgets ---- */

/* Draws all of the scene in pieces of what fits one of two shares, two at a time; false: not even one chart fits. */
static bool draw_by_shares(const struct scene *s, uint64_t limit) {
  struct raster rasters[2] = {{{0}, 0, 0, 0, 0, 0}, {{0}, 0, 0, 0, 0, 0}};
  struct tlw_ticket tickets[2] = {{0}};
  int64_t firsts[2] = {0, 0}, first = 0;
  bool fits = true;
  for (int turn = 0; first < s->candles.n_series && fits; turn++) {
    const int i = turn % 2;
    land(&tickets[i]);
    if (rasters[i].block.data) assert_drawn(&rasters[i], s, firsts[i]);
    ops->staging_close(gpu, &rasters[i].block);
    struct tlw_render_job job = job_of(s);
    job.series += first;
    job.n_series -= first;
    if (job.notes) job.notes = s->notes + (uint64_t)first * tlk_notes_size(s->layout);
    const int64_t n = ops->fit(gpu, &job, 2, limit);
    fits = n > 0;
    if (!fits) break;
    /* One more would not have fitted. */
    if (n < job.n_series) {
      struct tlw_render_job longer = job;
      const uint64_t room = tlw_pool_room(ops->pool(gpu)) / 2;
      longer.n_series = n + 1;
      assert_true(tlw_plan_of(&longer, 0).size > (room < limit ? room : limit));
    }
    job.n_series = n;
    assert_true(tlw_plan_of(&job, 0).size <= limit);
    assert_int_equal(raster_open(&rasters[i], s, (size_t)n, 0, 0), TLW_OK);
    raster_aim(&rasters[i], &job);
    draw(&job, &tickets[i]);
    firsts[i] = first;
    first += n;
  }
  for (int i = 0; i < 2; i++) {
    land(&tickets[i]);
    if (fits && rasters[i].block.data) assert_drawn(&rasters[i], s, firsts[i]);
    ops->staging_close(gpu, &rasters[i].block);
  }
  return fits;
}

static void test_device_budget(void **unused) {
  (void)unused;
  rng r = {SEED + 2};
  int drawn = 0, refused = 0;
  for (int round = 0; round < 25; round++) {
    struct limits limits = no_limits;
    limits.device = 40000 + rng_below(&r, 1 << rng_between(&r, 12, 21));
    backend_must_open(limits);
    assert_int_equal(services.device_budget, limits.device);
    if (!is_unified()) assert_int_equal(device_bytes(), limits.device / 256 * 256);
    struct scene scene;
    scene_open(&scene, rng_next(&r), MOST_CHARTS, 600);
    const uint64_t limit = rng_below(&r, 2) ? UINT64_MAX : 30000 + rng_below(&r, 200000);
    if (draw_by_shares(&scene, limit))
      drawn++;
    else
      refused++;
    assert_true(tlw_gauge_read(&services.device_bytes).peak <= limits.device);
    scene_close(&scene);
    backend_close();
  }
  assert_true(drawn > 0);
  assert_true(refused > 0);
}

/* Rows that fit do, and one more would not. */
static void test_rows_that_fit(void **unused) {
  (void)unused;
  rng r = {SEED + 3};
  for (int round = 0; round < 15; round++) {
    struct scene scene;
    scene_open(&scene, rng_next(&r), 1, 100);
    struct tlw_render_job job = job_of(&scene);
    double *merged = merged_of(&scene, 0);
    job.merged = merged;
    job.y0 = 3;
    backend_must_open(no_limits);
    const uint64_t least = ops->least_device(gpu, &scene.layout);
    assert_int_equal(ops->fit(gpu, &job, 1, least - 1), 0);
    assert_true(ops->fit(gpu, &job, 1, least) >= 1);
    assert_int_equal(ops->fit(gpu, &job, 1, UINT64_MAX), scene.layout.height - 3);
    assert_int_equal(ops->least_host(gpu, &scene.layout), is_unified() ? least : 0);
    const uint64_t limit = least + rng_below(&r, 20000);
    const int64_t rows = ops->fit(gpu, &job, 1, limit);
    job.y1 = job.y0 + (int32_t)rows;
    assert_true(tlw_plan_of(&job, 0).size <= limit);
    job.y1++;
    if (job.y1 <= scene.layout.height) assert_true(tlw_plan_of(&job, 0).size > limit);
    backend_close();
    free(merged);
    scene_close(&scene);
  }
}

/* What the refusal says would do does, and one byte less does not. */
static void check_refusal(struct limits limits, uint64_t *budget, struct limits *at) {
  (void)limits;
  tlw_error error;
  *budget = 1;
  for (int steps = 0; backend_open(*at, &error) != TLW_OK; steps++) {
    assert_int_equal(error.code, TLW_ERR_BUDGET);
    assert_true(error.bytes > *budget);
    assert_true(steps < 3);
    assert_returned();
    *budget = error.bytes;
  }
  assert_true(tlw_gauge_read(&services.memory.bytes).peak <= at->host);
  assert_true(tlw_gauge_read(&services.device_bytes).peak <= at->device);
  backend_close();
  --*budget;
  assert_int_equal(backend_open(*at, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, *budget + 1);
  assert_returned();
}

static void test_budget_of_the_self_test(void **unused) {
  (void)unused;
  struct limits limits = no_limits;
  limits.uncached = true;
  limits.device = 1 << 20;
  check_refusal(limits, &limits.host, &limits);
  limits.host = UINT64_MAX;
  check_refusal(limits, &limits.device, &limits);
}

/* ---- the pool ---- */

#define KEPT_PARTS 9

static void fill(uint8_t *bytes, size_t n, rng *r) {
  for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)rng_next(r);
}

/* Parts that are kept narrow the room, keep what was written to them, and charts are drawn in what is left. */
static void test_kept_parts(void **unused) {
  (void)unused;
  rng r = {SEED + 4};
  struct limits limits = no_limits;
  limits.device = 1 << 20;
  backend_must_open(limits);
  struct tlw_pool *pool = ops->pool(gpu);
  const uint64_t all = tlw_pool_room(pool);
  assert_int_equal(all, 1 << 20);
  uint64_t ids[KEPT_PARTS];
  static uint8_t content[KEPT_PARTS][70001];
  size_t sizes[KEPT_PARTS];
  struct tlw_part part;
  for (int i = 0; i < KEPT_PARTS; i++) {
    sizes[i] = 1 + rng_below(&r, sizeof content[0]);
    tlw_error error;
    must(tlw_pool_alloc(pool, sizes[i], TLW_POOL_KEPT, &ids[i], &error), &error);
    fill(content[i], sizes[i], &r);
    assert_true(tlw_pool_find(pool, ids[i], &part));
    must(ops->write(gpu, &part, 0, content[i], sizes[i], &error), &error);
  }
  assert_true(tlw_pool_room(pool) < all);
  for (int round = 0; round < 10; round++) {
    struct scene scene;
    scene_open(&scene, rng_next(&r), MOST_CHARTS, 300);
    draw_by_shares(&scene, UINT64_MAX);
    scene_close(&scene);
  }
  struct tlw_block target;
  assert_int_equal(ops->staging_open(gpu, &target, sizeof content[0], NULL), TLW_OK);
  for (int i = 0; i < KEPT_PARTS; i++) {
    assert_true(tlw_pool_find(pool, ids[i], &part));
    const size_t from = rng_below(&r, sizes[i]), n = 1 + rng_below(&r, sizes[i] - from);
    tlw_error error;
    uint8_t *bytes = target.data;
    memset(bytes, POISON, sizeof content[0]);
    must(ops->read(gpu, &part, from, bytes, n, &error), &error);
    assert_memory_equal(bytes, content[i] + from, n);
    assert_poison(bytes + n, sizeof content[0] - n);
  }
  ops->staging_close(gpu, &target);
  assert_int_equal(device_bytes(), 1 << 20);
  assert_int_equal(ops->trim(gpu, false, NULL), TLW_OK);
  assert_int_equal(device_bytes(), 1 << 20);
  assert_true(tlw_pool_find(pool, ids[0], &part));
  tlw_pool_clear(pool);
  assert_int_equal(tlw_pool_room(pool), all);
  backend_close();
}

/* Copies at any place, also beside work in flight. */
static void test_write_and_read(void **unused) {
  (void)unused;
  rng r = {SEED + 5};
  backend_must_open(no_limits);
  enum { SIZE = 5000 };
  static uint8_t content[SIZE], piece[SIZE];
  uint64_t id;
  struct tlw_part part;
  struct tlw_block target;
  assert_int_equal(tlw_pool_alloc(ops->pool(gpu), SIZE, TLW_POOL_KEPT, &id, NULL), TLW_OK);
  assert_true(tlw_pool_find(ops->pool(gpu), id, &part));
  assert_int_equal(ops->staging_open(gpu, &target, SIZE, NULL), TLW_OK);
  struct scene scene;
  struct raster raster;
  scene_open(&scene, SEED, 3, 200);
  assert_int_equal(raster_open(&raster, &scene, 3, 0, 0), TLW_OK);
  struct tlw_render_job job = job_of(&scene);
  raster_aim(&raster, &job);
  struct tlw_ticket tickets[2] = {{0}};
  fill(content, SIZE, &r);
  tlw_error error;
  must(ops->write(gpu, &part, 0, content, SIZE, &error), &error);
  must(ops->write(gpu, &part, 0, content, 0, &error), &error);
  const uint64_t up = services.uploaded, down = services.downloaded;
  uint64_t written = 0, seen = 0;
  for (int i = 0; i < 100; i++) {
    const size_t at = rng_below(&r, SIZE), n = rng_below(&r, SIZE - at + 1);
    fill(piece, n, &r);
    memcpy(content + at, piece, n);
    must(ops->write(gpu, &part, at, piece, n, &error), &error);
    memset(piece, POISON, n);
    written += n;
    const size_t from = rng_below(&r, SIZE), m = rng_below(&r, SIZE - from + 1);
    memset(target.data, POISON, SIZE);
    must(ops->read(gpu, &part, from, target.data, m, &error), &error);
    assert_memory_equal(target.data, content + from, m);
    assert_poison((uint8_t *)target.data + m, SIZE - m);
    seen += m;
  }
  assert_int_equal(services.uploaded - up, written);
  assert_int_equal(services.downloaded - down, seen);
  for (int i = 0; i < 2; i++) draw(&job, &tickets[i]);
  must(ops->read(gpu, &part, 0, target.data, SIZE, &error), &error);
  assert_memory_equal(target.data, content, SIZE);
  for (int i = 0; i < 2; i++) land(&tickets[i]);
  assert_drawn(&raster, &scene, 0);
  ops->staging_close(gpu, &raster.block);
  ops->staging_close(gpu, &target);
  scene_close(&scene);
  backend_close();
}

static void test_trim(void **unused) {
  (void)unused;
  backend_must_open(no_limits);
  const uint64_t at_open = device_bytes();
  assert_int_equal(at_open, is_unified() ? 0 : services.device_budget / 256 * 256);
  struct scene scene;
  struct raster rasters[3];
  struct tlw_ticket tickets[3];
  scene_open(&scene, SEED + 6, 4, 500);
  for (int i = 0; i < 3; i++) assert_int_equal(raster_open(&rasters[i], &scene, 4, 0, 7), TLW_OK);
  for (int all = 0; all <= 1; all++) {
    for (int i = 0; i < 3; i++) {
      struct tlw_render_job job = job_of(&scene);
      memset(rasters[i].block.data, POISON, (size_t)rasters[i].block.size);
      raster_aim(&rasters[i], &job);
      draw(&job, &tickets[i]);
    }
    assert_true(device_bytes() > 0);
    assert_int_equal(ops->trim(gpu, all, NULL), TLW_OK);
    assert_int_equal(device_bytes(), all ? 0 : at_open);
    for (int i = 0; i < 3; i++) {
      assert_int_equal(tickets[i].number, 0);
      assert_true(ops->is_done(gpu, &tickets[i]));
      land(&tickets[i]);
      assert_drawn(&rasters[i], &scene, 0);
    }
  }
  /* Work takes it anew, and what is kept goes with all of it. */
  assert_true(draw_by_shares(&scene, UINT64_MAX));
  if (!is_unified()) assert_int_equal(device_bytes(), at_open);
  uint64_t id;
  struct tlw_part part;
  assert_int_equal(tlw_pool_alloc(ops->pool(gpu), 1000, TLW_POOL_KEPT, &id, NULL), TLW_OK);
  assert_int_equal(ops->trim(gpu, false, NULL), TLW_OK);
  assert_true(tlw_pool_find(ops->pool(gpu), id, &part));
  assert_int_equal(ops->trim(gpu, true, NULL), TLW_OK);
  assert_false(tlw_pool_find(ops->pool(gpu), id, &part));
  assert_int_equal(device_bytes(), 0);
  for (int i = 0; i < 3; i++) ops->staging_close(gpu, &rasters[i].block);
  scene_close(&scene);
  backend_close();
}

/* Staging counts while it is there, and no longer. */
static void test_staging_counts(void **unused) {
  (void)unused;
  backend_must_open(no_limits);
  const uint64_t before = tlw_gauge_read(&services.memory.bytes).current;
  struct tlw_block block = {0};
  ops->staging_close(gpu, &block);
  assert_int_equal(ops->staging_open(gpu, &block, 1001, NULL), TLW_OK);
  assert_int_equal(block.size, 1001);
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, before + tlw_memory_counted(1001));
  memset(block.data, POISON, 1001);
  ops->staging_close(gpu, &block);
  assert_null(block.data);
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, before);
  services.memory.budget = before + 1023;
  tlw_error error;
  assert_int_equal(ops->staging_open(gpu, &block, 1001, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, before + 1024);
  assert_null(block.data);
  backend_close();
}

/* ---- failures ---- */

#ifdef TALLOW_FAULTS
static bool device_struck;

static void lift_device_faults(void) {
  device_struck = device_struck || tlw_fault_struck(TLW_FAULT_DEVICE) > 0;
  tlw_fault_plant(TLW_FAULT_DEVICE, 0, false);
}
#else
static void lift_device_faults(void) {}
#endif

/* Whatever has failed, the device can still be used once it works again, unless this is where it is lost. */
static tlw_status redraw(const struct scene *s, const struct raster *raster) {
  lift_device_faults();
  struct tlw_render_job job = job_of(s);
  struct tlw_ticket ticket = {0};
  tlw_error error;
  memset(raster->block.data, POISON, (size_t)raster->block.size);
  raster_aim(raster, &job);
  tlw_status status = ops->draw(gpu, &job, &ticket, &error);
  if (status == TLW_OK) status = ops->wait(gpu, &ticket, &error);
  if (status == TLW_OK) assert_drawn(raster, s, 0);
  if (status != TLW_ERR_DEVICE_LOST) must(status, &error);
  return status;
}

/* A session of everything that calls the driver, up to the first failure; draws are compared where they are good. */
static tlw_status session(const struct scene *s, tlw_error *error) {
  const struct limits limits = {1 << 20, UINT64_MAX, 60000, false, false};
  tlw_status status = backend_open(limits, error);
  if (status != TLW_OK) return status;
  struct raster rasters[5];
  struct tlw_ticket tickets[5];
  memset(tickets, 0, sizeof tickets);
  int opened = 0, drawn = 0;
  for (; opened < 5 && status == TLW_OK; opened += status == TLW_OK)
    status = raster_open(&rasters[opened], s, (size_t)s->candles.n_series, 3, 0);
  for (int i = 0; i < opened && status == TLW_OK; i++) {
    struct tlw_render_job job = job_of(s);
    raster_aim(&rasters[i], &job);
    status = ops->draw(gpu, &job, &tickets[i], error);
    if (status == TLW_OK) drawn = i + 1;
  }
  for (int i = 0; i < drawn; i++) {
    tlw_error failure;
    const tlw_status ended = tickets[i].number ? ops->wait(gpu, &tickets[i], &failure) : tickets[i].status;
    assert_int_equal(tickets[i].number, 0);
    if (ended == TLW_OK) assert_drawn(&rasters[i], s, 0);
    if (ended != TLW_OK && status == TLW_OK) status = ended;
  }
  uint64_t id;
  struct tlw_part part;
  if (status == TLW_OK) status = tlw_pool_alloc(ops->pool(gpu), 100, TLW_POOL_KEPT, &id, error);
  if (status == TLW_OK && tlw_pool_find(ops->pool(gpu), id, &part)) status = ops->write(gpu, &part, 0, s, 100, error);
  if (status == TLW_OK) status = ops->read(gpu, &part, 0, rasters[0].block.data, 100, error);
  if (status == TLW_OK) assert_memory_equal(rasters[0].block.data, s, 100);
  if (status == TLW_OK) status = ops->trim(gpu, true, error);
  if (status != TLW_ERR_DEVICE_LOST && opened > 0 && redraw(s, &rasters[0]) == TLW_ERR_DEVICE_LOST)
    status = TLW_ERR_DEVICE_LOST;
  for (int i = 0; i < opened; i++) ops->staging_close(gpu, &rasters[i].block);
  backend_close();
  return status;
}

#ifdef TALLOW_FAULTS
/* The Nth call of the driver fails, and then also all that follow it. */
static void test_failing_device_calls(void **unused) {
  (void)unused;
  struct scene scene;
  scene_open(&scene, SEED + 7, 3, 200);
  tlw_error error;
  for (int lasting = 0; lasting <= 1; lasting++) {
    bool struck = true;
    for (uint64_t n = 1; struck; n++) {
      assert_true(n < 2000);
      if (soft.abandon) soft.abandon();
      device_struck = false;
      tlw_fault_plant(TLW_FAULT_DEVICE, n, lasting);
      const tlw_status status = session(&scene, &error);
      lift_device_faults();
      struck = device_struck;
      assert_returned();
      assert_int_equal(kept_by_driver(), 0);
      for (int i = 0; i < n_logged; i++) assert_null(strstr(logged[i], "left to the driver"));
      assert_true(status == TLW_OK || status == TLW_ERR_DEVICE || status == TLW_ERR_MEMORY ||
                  status == TLW_ERR_UNAVAILABLE);
    }
  }
  scene_close(&scene);
}

static void test_failing_allocations(void **unused) {
  (void)unused;
  struct scene scene;
  scene_open(&scene, SEED + 8, 2, 100);
  tlw_error error;
  tlw_status status = TLW_ERR_MEMORY;
  for (uint64_t n = 1; status != TLW_OK; n++) {
    assert_true(n < 100);
    tlw_fault_plant(TLW_FAULT_MEMORY, n, false);
    status = session(&scene, &error);
    tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
    assert_returned();
    assert_int_equal(kept_by_driver(), 0);
    assert_true(status == TLW_OK || status == TLW_ERR_MEMORY || status == TLW_ERR_UNAVAILABLE);
  }
  scene_close(&scene);
}

/* A cache that fails is no cache, and never an error. */
static void test_failing_files(void **unused) {
  (void)unused;
  struct scene scene;
  scene_open(&scene, SEED + 8, 2, 100);
  tlw_error error;
  bool struck = true;
  for (uint64_t n = 1; struck; n++) {
    assert_true(n < 100);
    tlw_fault_plant(TLW_FAULT_FILE, n, n % 2);
    const tlw_status status = session(&scene, &error);
    struck = tlw_fault_struck(TLW_FAULT_FILE) > 0;
    tlw_fault_plant(TLW_FAULT_FILE, 0, false);
    assert_true(status == TLW_OK || status == TLW_ERR_UNAVAILABLE);
    assert_int_equal(kept_by_driver(), 0);
  }
  scene_close(&scene);
}
#endif

static void test_a_session(void **unused) {
  (void)unused;
  struct scene scene;
  scene_open(&scene, SEED + 9, MOST_CHARTS, 300);
  tlw_error error;
  must(session(&scene, &error), &error);
  scene_close(&scene);
}

#define FLIGHTS 4

struct flights {
  struct scene scene;
  struct raster rasters[FLIGHTS];
  struct tlw_ticket tickets[FLIGHTS];
};

static void flights_begin(struct flights *f, uint32_t deadline_ms) {
  struct limits limits = no_limits;
  limits.altered = true;
  backend_must_open(limits);
  services.deadline_ms = deadline_ms;
  scene_open(&f->scene, SEED + 13, 2, 200);
  alter.last = clock_now();
  for (int i = 0; i < FLIGHTS; i++) {
    assert_int_equal(raster_open(&f->rasters[i], &f->scene, 2, 0, 0), TLW_OK);
    struct tlw_render_job job = job_of(&f->scene);
    raster_aim(&f->rasters[i], &job);
    draw(&job, &f->tickets[i]);
  }
}

static void flights_end(struct flights *f) {
  for (int i = 0; i < FLIGHTS; i++) ops->staging_close(gpu, &f->rasters[i].block);
  scene_close(&f->scene);
  backend_close();
}

/* Work that fails on the device is the failure of its own ticket, whichever is waited for, and of no other. */
static void test_failed_work(void **unused) {
  (void)unused;
  for (int mark = 1; mark <= 3 * FLIGHTS; mark++) {
    static struct flights f;
    flights_begin(&f, TLW_DEADLINE_NONE);
    alter.fails_in = mark;
    const int failing = (mark - 1) / 3;
    for (int i = FLIGHTS - 1; i >= 0; i--) {
      tlw_error error = {0};
      const tlw_status status = ops->wait(gpu, &f.tickets[i], &error);
      assert_int_equal(status, i == failing ? TLW_ERR_DEVICE : TLW_OK);
      assert_int_equal(error.code, status);
      assert_int_equal(f.tickets[i].number, 0);
      if (i != failing) assert_drawn(&f.rasters[i], &f.scene, 0);
    }
    flights_end(&f);
  }
}

/* The deadline is for each piece of work by itself: that of one that waits begins when its turn comes. */
static void test_deadline_of_each(void **unused) {
  (void)unused;
  static struct flights f;
  flights_begin(&f, 1500);
  alter.each = 200 * INT64_C(1000000); /* 600 ms for each of 4 */
  for (int i = FLIGHTS - 1; i >= 0; i--) {
    land(&f.tickets[i]);
    assert_drawn(&f.rasters[i], &f.scene, 0);
  }
  flights_end(&f);
}

/* A question that the driver can't answer is asked once more; then the work is waited for, and counts as failed. */
static void test_unanswered(void **unused) {
  (void)unused;
  for (int times = 1; times <= 2; times++) {
    static struct flights f;
    flights_begin(&f, TLW_DEADLINE_NONE);
    alter.unanswered = times;
    alter.may_finish = true;
    land(&f.tickets[1]);
    for (int i = 0; i < FLIGHTS; i++) {
      tlw_error error = {0};
      const bool unknown = times == 2 && i == 0;
      assert_int_equal(ops->wait(gpu, &f.tickets[i], &error), unknown ? TLW_ERR_DEVICE : TLW_OK);
      if (unknown) assert_string_equal(error.message, "no answer");
      assert_drawn(&f.rasters[i], &f.scene, 0);
    }
    flights_end(&f);
    assert_int_equal(n_logged, 0);
  }
}

/* A device that can't even be waited for is lost, and its driver is left alone. */
static void test_no_end(void **unused) {
  (void)unused;
  static struct flights f;
  flights_begin(&f, TLW_DEADLINE_NONE);
  for (int i = 0; i < TLW_GPU_QUEUES; i++) assert_int_equal(unaltered->finish(gpu->gpu, &gpu->queues[i], NULL), TLW_OK);
  alter.unanswered = 2;
  tlw_error error;
  assert_int_equal(ops->wait(gpu, &f.tickets[2], &error), TLW_ERR_DEVICE_LOST);
  assert_string_equal(error.message, "no end");
  for (int i = 0; i < FLIGHTS; i++) {
    assert_int_equal(f.tickets[i].number, 0);
    assert_int_equal(f.tickets[i].status, TLW_ERR_DEVICE_LOST);
  }
  flights_end(&f);
  assert_int_equal(n_logged, 1);
  assert_non_null(strstr(logged[0], "left to the driver"));
}

/* ---- windows, whose kernels are a program of their own ---- */

static const int64_t window_offsets[] = {0, TLW_SELFTEST_ROWS};

/* The sums of two rows each of 1, 2, 3, ... */
static tlw_status roll(tlw_error *error) {
  static double column[TLW_SELFTEST_ROWS], sums[TLW_SELFTEST_ROWS];
  for (int i = 0; i < TLW_SELFTEST_ROWS; i++) column[i] = i + 1;
  memset(sums, POISON, sizeof sums);
  const struct tlw_window_task task = {
      .window = {.kind = TLK_FOLD_SUM, .op = TLK_OP_SUM, .window = 2, .min_periods = 1}, .x = column, .output = sums};
  const struct tlw_window_job job = {.tasks = &task,
                                     .n_tasks = 1,
                                     .type = TLW_TYPE_F64,
                                     .n_rows = TLW_SELFTEST_ROWS,
                                     .n_series = 1,
                                     .offsets = window_offsets};
  const tlw_status status = ops->windows(gpu, &job, UINT64_MAX, error);
  for (int i = 0; i < TLW_SELFTEST_ROWS && status == TLW_OK; i++) assert_true(sums[i] == (double)(i ? 2 * i + 1 : 1));
  return status;
}

static void must_roll(void) {
  tlw_error error;
  must(roll(&error), &error);
}

/* How many programs are kept in the folder; forgets them. */
static int forget_kept(void) {
  DIR *folder = opendir(cache);
  assert_non_null(folder);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
    n++;
  }
  closedir(folder);
  return n;
}

static void draw_one(void) {
  struct scene scene;
  scene_open(&scene, SEED + 14, 2, 200);
  struct raster raster;
  assert_int_equal(raster_open(&raster, &scene, 2, 0, 0), TLW_OK);
  assert_int_equal(redraw(&scene, &raster), TLW_OK);
  ops->staging_close(gpu, &raster.block);
  scene_close(&scene);
}

/* Charts compile, test and keep nothing of windows, which do all that once, and once for later runs. */
static void test_windows_on_demand(void **unused) {
  (void)unused;
  struct limits limits = no_limits;
  limits.altered = true;
  forget_kept();
  backend_must_open(limits);
  draw_one();
  assert_int_equal(compiled[TLW_PROGRAM_CHART], 1);
  assert_int_equal(compiled[TLW_PROGRAM_WINDOWS], 0);
  backend_close();
  assert_int_equal(forget_kept(), 1);

  backend_must_open(limits);
  services.cache_dir = NULL; /* not valid any more */
  uint64_t launches = services.launches;
  must_roll();
  assert_true(services.launches - launches > 1);
  launches = services.launches;
  must_roll();
  assert_int_equal(services.launches - launches, 1);
  assert_int_equal(ops->trim(gpu, true, NULL), TLW_OK);
  must_roll();
  assert_int_equal(compiled[TLW_PROGRAM_WINDOWS], 1);
  backend_close();

  backend_must_open(limits);
  assert_int_equal(services.launches, 0);
  must_roll();
  assert_int_equal(services.launches, 1);
  assert_int_equal(compiled[TLW_PROGRAM_CHART] + compiled[TLW_PROGRAM_WINDOWS], 0);
  draw_one();
  backend_close();
  assert_int_equal(forget_kept(), 2);
}

/* Windows whose kernels are wrong or can't be compiled are refused for good, and charts are drawn. */
static void test_refused_windows(void **unused) {
  (void)unused;
  struct limits limits = no_limits;
  limits.altered = true;
  for (int wrong = 0; wrong <= 1; wrong++) {
    forget_kept();
    backend_must_open(limits);
    alter.is_mute = wrong;
    alter.compiles = wrong ? TLW_OK : TLW_ERR_UNAVAILABLE;
    tlw_error error;
    assert_int_equal(roll(&error), TLW_ERR_UNAVAILABLE);
    assert_int_equal(error.code, TLW_ERR_UNAVAILABLE);
    assert_non_null(strstr(error.message, wrong ? "self-test of the window kernels" : "no kernels today"));
    alter.is_mute = false;
    alter.compiles = TLW_OK;
    draw_one();
    error = (tlw_error){0};
    assert_int_equal(roll(&error), TLW_ERR_UNAVAILABLE);
    assert_non_null(strstr(error.message, wrong ? "self-test of the window kernels" : "no kernels today"));
    assert_int_equal(compiled[TLW_PROGRAM_WINDOWS], 1);
    draw_one();
    backend_close();
    assert_int_equal(forget_kept(), 1); /* that of charts */
  }
}

/* Failures that say nothing about the kernels are not remembered; what was compiled is not compiled again. */
static void test_windows_after_a_failure(void **unused) {
  (void)unused;
  struct limits limits = no_limits;
  limits.altered = true;
  forget_kept();
  backend_must_open(limits);
  tlw_error error;
  alter.compiles = TLW_ERR_DEVICE;
  assert_int_equal(roll(&error), TLW_ERR_DEVICE);
  assert_string_equal(error.message, "no kernels today");
  alter.compiles = TLW_OK;
  const uint64_t budget = services.memory.budget;
  services.memory.budget = tlw_gauge_read(&services.memory.bytes).current + 100;
  assert_int_equal(roll(&error), TLW_ERR_BUDGET);
  assert_true(error.bytes > services.memory.budget);
  services.memory.budget = error.bytes;
  tlw_status status = roll(&error);
  if (status == TLW_ERR_BUDGET) { /* the work itself */
    services.memory.budget = error.bytes;
    status = roll(&error);
  }
  must(status, &error);
  services.memory.budget = budget;
  assert_int_equal(compiled[TLW_PROGRAM_WINDOWS], 2);
  must_roll();
  draw_one();
  backend_close();
}

/* ---- what only the software driver can do ---- */

/* Three flights on a device that stops at the nth operation, if there are so many. Whether it did. */
static bool hang_at(const struct scene *scene, int nth) {
  struct limits limits = no_limits;
  limits.device = 1 << 20;
  backend_must_open(limits);
  services.deadline_ms = 30; /* not before: opening may take its time */
  struct raster rasters[3];
  struct tlw_ticket tickets[3];
  for (int i = 0; i < 3; i++) assert_int_equal(raster_open(&rasters[i], scene, 2, 0, 0), TLW_OK);
  char setting[40];
  snprintf(setting, sizeof setting, "hang=execute:%d", nth);
  assert_int_equal(soft.set(setting), 0);
  for (int i = 0; i < 3; i++) {
    struct tlw_render_job job = job_of(scene);
    raster_aim(&rasters[i], &job);
    draw(&job, &tickets[i]);
  }
  tlw_error error;
  tlw_status status = TLW_OK;
  int ended = 0;
  while (ended < 3 && status == TLW_OK) {
    status = ops->wait(gpu, &tickets[ended], &error);
    if (status == TLW_OK) assert_drawn(&rasters[ended], scene, 0);
    ended++;
  }
  const bool lost = status != TLW_OK;
  if (lost) {
    assert_int_equal(status, TLW_ERR_DEVICE_LOST);
    assert_int_equal(error.code, TLW_ERR_DEVICE_LOST);
    assert_non_null(strstr(error.message, "hangs"));
    for (int i = ended; i < 3; i++) {
      assert_int_equal(tickets[i].number, 0);
      assert_int_equal(tickets[i].status, TLW_ERR_DEVICE_LOST);
    }
  }
  const uint64_t calls = soft.calls("*");
  for (int i = 0; i < 3; i++) ops->staging_close(gpu, &rasters[i].block);
  assert_int_equal(n_logged, 0);
  backend_close();
  assert_int_equal(n_logged, lost);
  assert_int_equal(soft.calls("*") == calls, lost);
  assert_int_equal(kept_by_driver() > 0, lost);
  char bytes[32];
  snprintf(bytes, sizeof bytes, "%llu bytes", (1ull << 20) + 3ull * (2 * GUARD + 2 * scene->image));
  if (lost) assert_non_null(strstr(logged[0], bytes));
  return lost;
}

/* A device that stops is lost once the deadline has passed, and the driver is left alone from then on. */
static void test_hang(void **unused) {
  (void)unused;
  if (!soft.set) skip();
  struct scene scene;
  scene_open(&scene, SEED + 10, 2, 300);
  int nth = 1;
  for (; hang_at(&scene, nth); nth++) soft.abandon();
  assert_true(nth > 24);
  scene_close(&scene);
}

/* Who waits for a place in flight on such a device puts nothing more into its queues. */
static void test_hang_with_all_in_flight(void **unused) {
  (void)unused;
  if (!soft.set) skip();
  static struct flights f;
  flights_begin(&f, 30);
  alter.each = INT64_MAX / 2;
  struct tlw_render_job job = job_of(&f.scene);
  struct tlw_ticket ticket = {0};
  tlw_error error;
  raster_aim(&f.rasters[0], &job);
  const uint64_t uploads = soft.calls("cuMemcpyHtoDAsync");
  assert_int_equal(ops->draw(gpu, &job, &ticket, &error), TLW_ERR_DEVICE_LOST);
  assert_int_equal(error.code, TLW_ERR_DEVICE_LOST);
  assert_non_null(strstr(error.message, "hangs"));
  assert_int_equal(soft.calls("cuMemcpyHtoDAsync"), uploads);
  flights_end(&f);
  soft.abandon();
}

/* A fault after which the driver gives nothing but errors: everything is closed all the same. */
static void test_sticky(void **unused) {
  (void)unused;
  if (!soft.set) skip();
  struct scene scene;
  scene_open(&scene, SEED + 11, 2, 300);
  bool struck = true;
  for (int nth = 1; struck; nth++) {
    assert_true(nth < 200);
    soft.abandon();
    char setting[80];
    snprintf(setting, sizeof setting, "sticky=execute:%d:CUDA_ERROR_ILLEGAL_ADDRESS", nth);
    assert_int_equal(soft.set(setting), 0);
    tlw_error error;
    const tlw_status status = session(&scene, &error);
    struck = status != TLW_OK;
    if (struck) assert_true(status == TLW_ERR_DEVICE_LOST || status == TLW_ERR_UNAVAILABLE);
    assert_int_equal(n_logged, 0);
    assert_int_equal(kept_by_driver(), 0);
  }
  scene_close(&scene);
}

/* The budget is reserved by halves where the driver has less, and charts are cut to that. */
static void test_reserve_by_halves(void **unused) {
  (void)unused;
  if (!soft.set) skip();
  struct limits limits = no_limits;
  limits.device = 8 << 20;
  soft.abandon();
  assert_int_equal(soft.set("integrated=0"), 0);
  assert_int_equal(soft.set("memory=3M"), 0);
  backend_must_open(limits);
  assert_int_equal(device_bytes(), 2 << 20);
  assert_int_equal(tlw_pool_room(ops->pool(gpu)), 2 << 20);
  assert_int_equal(n_logged, 1);
  assert_non_null(strstr(logged[0], "2097152"));
  assert_int_equal(records_of(TLW_OP_HALVE), 2);
  struct scene scene;
  scene_open(&scene, SEED + 12, MOST_CHARTS, 300);
  assert_true(draw_by_shares(&scene, UINT64_MAX));
  /* Given back, it is taken anew, all of it now that it is there. */
  assert_int_equal(ops->trim(gpu, true, NULL), TLW_OK);
  assert_int_equal(soft.set("memory=64M"), 0);
  assert_true(draw_by_shares(&scene, UINT64_MAX));
  assert_int_equal(device_bytes(), 8 << 20);
  assert_int_equal(n_logged, 1);
  scene_close(&scene);
  backend_close();
  assert_int_equal(kept_by_driver(), 0);
  assert_int_equal(soft.set("memory=1M"), 0);
  limits.device = (1 << 20) + 512;
  tlw_error error;
  assert_int_equal(backend_open(limits, &error), TLW_ERR_MEMORY);
  assert_returned();
  assert_int_equal(kept_by_driver(), 0);
  limits.device = 2 << 20;
  backend_must_open(limits);
  assert_int_equal(device_bytes(), 1 << 20);
  backend_close();
}

/* ---- */

/* Tests that need its controls skip on another driver. */
static void find_software_driver(void) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) return;
  *(void **)&soft.stats = dlsym(driver, "softcuda_stats");
  *(void **)&soft.calls = dlsym(driver, "softcuda_calls");
  *(void **)&soft.set = dlsym(driver, "softcuda_set");
  *(void **)&soft.abandon = dlsym(driver, "softcuda_abandon");
}

static int prepare(void **unused) {
  (void)unused;
  if (!mkdtemp(cache)) return -1;
  if (backend == TLW_BACKEND_CUDA) find_software_driver();
  return find_device() ? 0 : -1;
}

static int clean(void **unused) {
  (void)unused;
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", cache);
  return system(command);
}

/* Before each test: a healthy driver. */
static int healthy(void **unused) {
  (void)unused;
  if (soft.abandon) soft.abandon();
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "opencl") == 0) backend = TLW_BACKEND_OPENCL;
  if (argc == 2 && strcmp(argv[1], "cuda") == 0) backend = TLW_BACKEND_CUDA;
  if (backend == TLW_BACKEND_AUTO) {
    fprintf(stderr, "usage: test_gpu opencl | cuda\n");
    return 2;
  }
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_many_in_flight, healthy),
      cmocka_unit_test_setup(test_bands, healthy),
      cmocka_unit_test_setup(test_sparse_series, healthy),
      cmocka_unit_test_setup(test_no_series, healthy),
      cmocka_unit_test_setup(test_device_budget, healthy),
      cmocka_unit_test_setup(test_rows_that_fit, healthy),
      cmocka_unit_test_setup(test_budget_of_the_self_test, healthy),
      cmocka_unit_test_setup(test_kept_parts, healthy),
      cmocka_unit_test_setup(test_write_and_read, healthy),
      cmocka_unit_test_setup(test_trim, healthy),
      cmocka_unit_test_setup(test_staging_counts, healthy),
      cmocka_unit_test_setup(test_a_session, healthy),
      cmocka_unit_test_setup(test_failed_work, healthy),
      cmocka_unit_test_setup(test_deadline_of_each, healthy),
      cmocka_unit_test_setup(test_unanswered, healthy),
      cmocka_unit_test_setup(test_no_end, healthy),
      cmocka_unit_test_setup(test_windows_on_demand, healthy),
      cmocka_unit_test_setup(test_refused_windows, healthy),
      cmocka_unit_test_setup(test_windows_after_a_failure, healthy),
      cmocka_unit_test_setup(test_sticky, healthy),
      cmocka_unit_test_setup(test_reserve_by_halves, healthy),
#ifdef TALLOW_FAULTS
      cmocka_unit_test_setup(test_failing_allocations, healthy),
      cmocka_unit_test_setup(test_failing_files, healthy),
      cmocka_unit_test_setup(test_failing_device_calls, healthy),
#endif
      cmocka_unit_test_setup(test_hang, healthy),
      cmocka_unit_test_setup(test_hang_with_all_in_flight, healthy),
  };
  return cmocka_run_group_tests_name(argv[1], tests, prepare, clean);
}
