/*
 * Charts per second of tlw_chart_render: candles in memory, 8-bit raster in memory, beside memset of the same rasters.
 *
 * A case renders batches of charts, each chart another window of one long series. Where the buffer is one batch, it
 * stays in a cache if it fits there; where it is larger than the caches, the batches go round in it, so that every
 * raster is written to memory.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define SERIES_ROWS (INT64_C(1) << 22)
#define ROW_BYTES (5 * sizeof(double))
#define BUFFER_MAX ((size_t)512 << 20)
#define BUFFER_FALLBACK ((size_t)128 << 20) /* where the size of the caches is unknown */

static const struct shape {
  int64_t candles;
  int32_t width, height;
  int64_t batch;
  bool streams; /* into a buffer that is larger than the caches */
} shapes[] = {
    {100, 800, 600, 1, false},      {100, 800, 600, 64, true},      {1000, 1920, 1080, 1, false},
    {1000, 1920, 1080, 64, true},   {10000, 1920, 1080, 1, false},  {10000, 1920, 1080, 64, true},
    {100000, 1920, 1080, 1, false}, {100000, 1920, 1080, 16, true}, {1000000, 1920, 1080, 1, false},
    {50, 96, 96, 1024, false},
};

/* ---- a case ---- */

struct field {
  const struct shape *shape;
  const bench_series *series;
  uint8_t *buffer;
  size_t image_size, batch_size;
  int64_t n_batches; /* in the buffer */
};

static size_t size_of(const struct field *field) { return field->batch_size * (size_t)field->n_batches; }

static uint8_t *batch_at(const struct field *field, int64_t call) {
  return field->buffer + field->batch_size * (size_t)(call % field->n_batches);
}

static void open_field(struct field *field, const struct shape *shape, const bench_series *series) {
  *field = (struct field){.shape = shape, .series = series, .n_batches = 1};
  field->image_size = (size_t)shape->width * (size_t)shape->height;
  field->batch_size = field->image_size * (size_t)shape->batch;
  if (shape->streams) {
    const size_t cache = bench_cache(3) > bench_cache(2) ? bench_cache(3) : bench_cache(2);
    size_t size = cache ? 2 * cache : BUFFER_FALLBACK;
    if (size > BUFFER_MAX) size = BUFFER_MAX;
    field->n_batches = (int64_t)((size + field->batch_size - 1) / field->batch_size);
  }
  field->buffer = mmap(NULL, size_of(field), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (field->buffer == MAP_FAILED) bench_die(EXIT_FAILURE, "no memory for %zu bytes of raster", size_of(field));
}

static void close_field(struct field *field) { munmap(field->buffer, size_of(field)); }

/* ---- charts ---- */

struct charts {
  const struct field *field;
  tlw_engine *engine;
  tlw_candles candles;
  tlw_chart_options options;
  int64_t *offsets;
  int64_t call; /* the next */
};

static void open_charts(struct charts *charts, const struct field *field, const tlw_engine_options *options) {
  const struct shape *shape = field->shape;
  tlw_error error;
  *charts = (struct charts){.field = field};
  bench_check(tlw_engine_open(&charts->engine, options, &error), &error);
  charts->offsets = bench_alloc(((size_t)shape->batch + 1) * sizeof *charts->offsets);
  bench_series_candles(field->series, &charts->candles);
  charts->candles.offsets = charts->offsets;
  charts->candles.n_series = shape->batch;
  tlw_chart_options_init(&charts->options);
  charts->options.width = shape->width;
  charts->options.height = shape->height;
}

static void close_charts(struct charts *charts) {
  tlw_engine_close(&charts->engine);
  free(charts->offsets);
}

static void render_batch(const struct charts *charts, int64_t call) {
  const struct field *field = charts->field;
  const struct shape *shape = field->shape;
  const int64_t first = bench_series_window(field->series, shape->candles * shape->batch, call);
  for (int64_t i = 0; i <= shape->batch; i++) charts->offsets[i] = first + i * shape->candles;
  const tlw_raster raster = {batch_at(field, call), field->batch_size, (size_t)shape->width, field->image_size};
  tlw_error error;
  bench_check(tlw_chart_render(charts->engine, &charts->candles, &charts->options, &raster, &error), &error);
}

static void run_charts(void *context, int64_t calls) {
  struct charts *charts = context;
  for (int64_t i = 0; i < calls; i++) render_batch(charts, charts->call++);
}

/* The checksum of the first batch, which every run draws alike. */
static uint64_t hash_first(const struct charts *charts) {
  render_batch(charts, 0);
  return bench_hash(BENCH_HASH_START, batch_at(charts->field, 0), charts->field->batch_size);
}

/* The time of the first call of a new engine into memory that was never touched. */
static double time_cold(struct charts *charts) {
  const struct field *field = charts->field;
  if (madvise(field->buffer, size_of(field), MADV_DONTNEED) != 0) bench_die(EXIT_FAILURE, "madvise failed");
  return bench_time_once(run_charts, charts);
}

/* ---- memset ---- */

struct fills {
  const struct field *field;
  uint32_t threads;
  int64_t call; /* the next */
};

struct fill_thread {
  pthread_t thread;
  const struct fills *fills;
  uint32_t index;
  int64_t calls;
  pthread_barrier_t *start;
};

/* Each thread fills its part of every batch, without waiting for the others: as fast as memory allows. */
static void *fill(void *argument) {
  const struct fill_thread *thread = argument;
  const struct fills *fills = thread->fills;
  const size_t size = fills->field->batch_size;
  const size_t begin = size * thread->index / fills->threads, end = size * (thread->index + 1) / fills->threads;
  if (thread->start) pthread_barrier_wait(thread->start);
  for (int64_t i = 0; i < thread->calls; i++) {
    uint8_t *part = batch_at(fills->field, fills->call + i) + begin;
    memset(part, (int)(i & 3), end - begin);
    __asm__ volatile("" : : "r"(part) : "memory"); /* so that no memset is left out */
  }
  return NULL;
}

static void run_fills(void *context, int64_t calls) {
  struct fills *fills = context;
  struct fill_thread threads[TLW_THREADS_MAX];
  pthread_barrier_t start;
  const bool several = fills->threads > 1;
  if (several) pthread_barrier_init(&start, NULL, fills->threads);
  for (uint32_t i = 0; i < fills->threads; i++) {
    threads[i] = (struct fill_thread){.fills = fills, .index = i, .calls = calls, .start = several ? &start : NULL};
    if (i > 0 && pthread_create(&threads[i].thread, NULL, fill, &threads[i]) != 0)
      bench_die(EXIT_FAILURE, "the system refused thread %u of %u", i + 1, fills->threads);
  }
  fill(&threads[0]);
  for (uint32_t i = 1; i < fills->threads; i++) pthread_join(threads[i].thread, NULL);
  if (several) pthread_barrier_destroy(&start);
  fills->call += calls;
}

/* ---- results ---- */

struct settings {
  tlw_backend backend;
  const char *device;
  bench_list threads;
  double seconds;
  const char *filter, *json;
  const char *scale_name;
  tlw_scale scale;
};

/* What is measured for one number of threads. */
struct lane {
  uint32_t threads;
  struct charts charts;
  struct fills fills, fills_alone;
  double cold;
  uint64_t hash;
  const bench_work *chart_work, *fill_work;
};

static void print_head(void) {
  printf("\n%-22s %9s %7s %9s %10s %10s %7s %7s %7s %7s %7s %9s  %s\n", "candles/size/batch", "buffer MB", "threads",
         "charts/s", "us/chart", "best", "spread", "GB/s", "/memset", "/one", "scaling", "cold us", "pixels");
}

static void report(bench_json *json, const char *name, const struct field *field, const struct lane *lane,
                   const struct lane *base, const bench_work *fill_alone) {
  const double batch = (double)field->shape->batch, bytes = (double)field->batch_size;
  const bench_summary chart = bench_summarise(lane->chart_work), fills = bench_summarise(lane->fill_work);
  const double over_fill = bench_ratio(lane->chart_work, lane->fill_work);
  const double over_alone = bench_ratio(lane->chart_work, fill_alone);
  const double scaling = bench_ratio(base->chart_work, lane->chart_work);
  const double fill_scaling = bench_ratio(base->fill_work, lane->fill_work);
  printf("%-22s %9.1f %7u %9.0f %10.2f %10.2f %6.1f%% %7.2f %7.2f %7.2f %7.2f %9.1f  %016" PRIx64 "\n", name,
         (double)size_of(field) * 1e-6, lane->threads, batch / chart.median, chart.median * 1e6 / batch,
         chart.best * 1e6 / batch, bench_spread(&chart), bytes / chart.median * 1e-9, over_fill, over_alone, scaling,
         lane->cold * 1e6 / batch, lane->hash);
  fflush(stdout);

  char full[128];
  snprintf(full, sizeof full, "chart/%s/threads:%u", name, lane->threads);
  bench_json_begin(json, NULL, '{');
  bench_json_result(json, full, lane->chart_work);
  bench_json_number(json, "candles", (double)field->shape->candles);
  bench_json_number(json, "width", field->shape->width);
  bench_json_number(json, "height", field->shape->height);
  bench_json_number(json, "batch", batch);
  bench_json_number(json, "buffer_bytes", (double)size_of(field));
  bench_json_number(json, "threads", lane->threads);
  bench_json_number(json, "items_per_second", batch / chart.median);
  bench_json_number(json, "bytes_per_second", bytes / chart.median);
  bench_json_number(json, "candle_bytes_per_second", batch * (double)field->shape->candles * ROW_BYTES / chart.median);
  bench_json_number(json, "memset_bytes_per_second", bytes / fills.median);
  bench_json_number(json, "over_memset", over_fill);
  bench_json_number(json, "over_memset_one_thread", over_alone);
  bench_json_number(json, "scaling", scaling);
  bench_json_number(json, "memset_scaling", fill_scaling);
  bench_json_number(json, "cold", lane->cold * 1e6);
  bench_json_hash(json, "pixels", lane->hash);
  bench_json_end(json, '}');
}

static void check_same(const char *name, const struct lane *lane, const struct lane *base, uint64_t hash) {
  if (hash != base->hash)
    bench_die(EXIT_FAILURE, "%s: the pixels of %u threads are not those of %u: %016" PRIx64 ", %016" PRIx64, name,
              lane->threads, base->threads, hash, base->hash);
}

static void run_shape(const struct shape *shape, const char *name, const struct settings *settings,
                      const bench_series *series, bench_json *json) {
  struct field field;
  open_field(&field, shape, series);
  static struct lane lanes[BENCH_LIST_MAX];
  static bench_work works[2 * BENCH_LIST_MAX + 1];
  const size_t n = settings->threads.n;
  struct fills alone = {.field = &field, .threads = 1};
  size_t n_works = 0;
  works[n_works++] = (bench_work){.run = run_fills, .context = &alone};
  for (size_t i = 0; i < n; i++) {
    struct lane *lane = &lanes[i];
    tlw_engine_options options;
    *lane = (struct lane){.threads = settings->threads.values[i]};
    bench_engine_options(&options, settings->backend, settings->device, lane->threads);
    open_charts(&lane->charts, &field, &options);
    lane->charts.options.scale = settings->scale;
    lane->cold = time_cold(&lane->charts);
    lane->hash = hash_first(&lane->charts);
    check_same(name, lane, &lanes[0], lane->hash);
    lane->fills = (struct fills){.field = &field, .threads = lane->threads};
    works[n_works] = (bench_work){.run = run_charts, .context = &lane->charts};
    lane->chart_work = &works[n_works++];
    works[n_works] = (bench_work){.run = run_fills, .context = &lane->fills};
    lane->fill_work = lane->threads == 1 ? &works[0] : &works[n_works++];
  }
  memset(field.buffer, 0, size_of(&field));
  bench_measure(works, n_works, settings->seconds);
  for (size_t i = 0; i < n; i++) {
    check_same(name, &lanes[i], &lanes[0], hash_first(&lanes[i].charts));
    report(json, name, &field, &lanes[i], &lanes[0], &works[0]);
    close_charts(&lanes[i].charts);
  }
  close_field(&field);
}

/* Threads are those of the CPU backend: on another there is one lane. */
static void check_threads(struct settings *settings, const tlw_engine_options *options) {
  tlw_engine *engine;
  tlw_device device;
  tlw_error error;
  bench_check(tlw_engine_open(&engine, options, &error), &error);
  bench_check(tlw_engine_describe(engine, &device, &error), &error);
  tlw_engine_close(&engine);
  if (device.backend != TLW_BACKEND_CPU && settings->threads.n > 1)
    bench_die(BENCH_USAGE, "--threads takes one number on %s: several are for the CPU",
              tlw_backend_name(device.backend));
}

static tlw_scale scale_of(const char *name) {
  const bool is_log = strcmp(name, "log") == 0;
  if (!is_log && strcmp(name, "linear") != 0) bench_die(BENCH_USAGE, "--scale is '%s': use linear or log", name);
  return is_log ? TLW_SCALE_LOG : TLW_SCALE_LINEAR;
}

int main(int argc, char **argv) {
  struct settings settings = {
      .backend = TLW_BACKEND_CPU, .threads = {1, {1}}, .seconds = BENCH_SECONDS_DEFAULT, .scale_name = "linear"};
  const bench_option options[] = {
      BENCH_OPTION_BACKEND(&settings.backend),
      BENCH_OPTION_DEVICE(&settings.device),
      {"threads", BENCH_LIST, &settings.threads, "threads of the CPU backend, each measured (default 1)"},
      {"scale", BENCH_TEXT, &settings.scale_name, "linear (default) or log"},
      BENCH_OPTION_SECONDS(&settings.seconds),
      BENCH_OPTION_CASE(&settings.filter),
      BENCH_OPTION_JSON(&settings.json)};
  bench_parse(argc, argv,
              "Charts per second, candles and 8-bit rasters in memory, beside memset of the same rasters.\n"
              "TALLOW_CPU_TIER (baseline, avx2, avx512) picks the SIMD tier.",
              options, sizeof options / sizeof options[0]);

  settings.scale = scale_of(settings.scale_name);
  tlw_engine_options engine_options;
  bench_engine_options(&engine_options, settings.backend, settings.device, settings.threads.values[0]);
  check_threads(&settings, &engine_options);
  bench_json json;
  bench_json_open(&json, settings.json);
  bench_begin(&json, "bench_chart", &engine_options);
  bench_series series;
  bench_series_open(&series, SERIES_ROWS);
  printf("series   %" PRId64 " candles, %.0f MB; every chart is another window of it\n", series.n_rows,
         (double)series.n_rows * ROW_BYTES * 1e-6);
  printf(
      "columns  medians; spread: half the 95%% interval of the median; /memset: time over that of memset by as many\n"
      "         threads; /one: by one thread; scaling: speed over that of the first number of threads; cold: the\n"
      "         first call, a chart; pixels: checksum of the first batch\n");
  print_head();
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const struct shape *shape = &shapes[i];
    char name[64];
    snprintf(name, sizeof name, "%" PRId64 "/%dx%d/%" PRId64 "%s", shape->candles, shape->width, shape->height,
             shape->batch, settings.scale == TLW_SCALE_LOG ? "/log" : "");
    if (bench_wants(settings.filter, name)) run_shape(shape, name, &settings, &series, &json);
  }
  bench_series_close(&series);
  bench_end(&json);
  return EXIT_SUCCESS;
}
