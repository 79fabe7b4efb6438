/*
 * How well a stream overlaps its stages: the time of a chart through the whole stream beside that of each stage alone.
 *
 * The stages are drawing (the same stream with rasters that nobody looks at; on a GPU with its copies) and encoding (as
 * many threads as the stream has, on rasters drawn before). Beside the whole stands the same with digests.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define SERIES_ROWS (INT64_C(1) << 22)
#define BATCH 64
#define RASTERS 16

static const struct shape {
  int64_t candles;
  int32_t width, height;
} shapes[] = {{60, 180, 96}, {100, 800, 600}, {200, 1280, 720}, {1000, 1920, 1080}, {10000, 1920, 1080}};

/* The streams of a case. */
enum kind { RASTER, PNG, PNG_WITH_DIGESTS, KINDS };

struct field {
  const struct shape *shape;
  const bench_series *series;
  tlw_engine *engine;
  tlw_stream *streams[KINDS];
  tlw_chart_options chart;
  uint8_t palette[TLW_INK_COUNT * 3];
  uint8_t *rasters; /* RASTERS of them, for encoding alone */
  uint32_t threads;
  int64_t call;
  _Atomic int64_t left; /* charts that encoders have to take */
  _Atomic uint64_t bytes;
};

static size_t image_size(const struct field *field) {
  return (size_t)field->shape->width * (size_t)field->shape->height;
}

/* ---- stages ---- */

static tlw_status swallow(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  struct field *field = user;
  field->bytes += piece->size;
  return TLW_OK;
}

static void stream_open(struct field *field, enum kind kind) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = kind == RASTER ? TLW_STREAM_RASTER : TLW_STREAM_PNG;
  options.digest = kind == PNG_WITH_DIGESTS;
  options.encoders = field->threads;
  options.sink = swallow;
  options.sink_user = field;
  tlw_error error;
  bench_check(tlw_stream_open(&field->streams[kind], &field->engine, 1, &options, &error), &error);
}

/* Pushes calls batches of windows, each another part of the series, and waits for all of them. */
static void run_stream(struct field *field, enum kind kind, int64_t calls) {
  tlw_stream *stream = field->streams[kind];
  tlw_error error;
  const int64_t span = field->shape->candles * BATCH;
  int64_t offsets[BATCH + 1];
  for (int64_t i = 0; i <= BATCH; i++) offsets[i] = i * field->shape->candles;
  for (int64_t i = 0; i < calls; i++) {
    const int64_t first = bench_series_window(field->series, span, field->call++);
    tlw_candles candles;
    bench_series_candles(field->series, &candles);
    const void **columns[] = {&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume};
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) *columns[c] = (const double *)*columns[c] + first;
    candles.n_rows = span;
    candles.offsets = offsets;
    candles.n_series = BATCH;
    bench_check(tlw_stream_push(stream, &candles, &field->chart, NULL, NULL, &error), &error);
  }
  bench_check(tlw_stream_finish(stream, &error), &error);
}

static void run_whole(void *context, int64_t calls) { run_stream(context, PNG, calls); }

static void run_digests(void *context, int64_t calls) { run_stream(context, PNG_WITH_DIGESTS, calls); }

static void run_draw(void *context, int64_t calls) { run_stream(context, RASTER, calls); }

static void *encode_main(void *context) {
  struct field *field = context;
  const size_t capacity = tlw_png_bound(field->shape->width, field->shape->height);
  uint8_t *png = bench_alloc(capacity);
  for (int64_t i; (i = field->left--) > 0;) {
    const tlw_png_image image = {.pixels = field->rasters + (size_t)(i % RASTERS) * image_size(field),
                                 .row_stride = (size_t)field->shape->width,
                                 .width = field->shape->width,
                                 .height = field->shape->height,
                                 .rgb = field->palette,
                                 .n_colors = TLW_INK_COUNT};
    size_t size;
    tlw_error error;
    bench_check(tlw_png_encode(&image, NULL, png, capacity, &size, &error), &error);
  }
  free(png);
  return NULL;
}

static void run_encode(void *context, int64_t calls) {
  struct field *field = context;
  pthread_t threads[TLW_THREADS_MAX];
  field->left = calls * BATCH;
  for (uint32_t i = 0; i < field->threads; i++)
    if (pthread_create(&threads[i], NULL, encode_main, field)) bench_die(1, "no thread");
  for (uint32_t i = 0; i < field->threads; i++) pthread_join(threads[i], NULL);
}

/* ---- cases ---- */

static void draw_rasters(struct field *field) {
  tlw_error error;
  tlw_candles candles;
  int64_t offsets[RASTERS + 1];
  for (int64_t i = 0; i <= RASTERS; i++) offsets[i] = i * field->shape->candles;
  bench_series_candles(field->series, &candles);
  candles.offsets = offsets;
  candles.n_series = RASTERS;
  const tlw_raster raster = {field->rasters, image_size(field) * RASTERS, (size_t)field->shape->width,
                             image_size(field)};
  bench_check(tlw_chart_render(field->engine, &candles, &field->chart, &raster, &error), &error);
}

static void field_open(struct field *field, const struct shape *shape, const bench_series *series,
                       const tlw_engine_options *options) {
  tlw_error error;
  *field = (struct field){.shape = shape, .series = series};
  bench_check(tlw_engine_open(&field->engine, options, &error), &error);
  tlw_stats stats = {.struct_size = sizeof stats};
  bench_check(tlw_engine_stats(field->engine, &stats, &error), &error);
  field->threads = stats.threads;
  tlw_chart_options_init(&field->chart);
  field->chart.width = shape->width;
  field->chart.height = shape->height;
  bench_check(tlw_theme_palette(field->chart.theme, field->palette, &error), &error);
  field->rasters = bench_alloc(image_size(field) * RASTERS);
  draw_rasters(field);
  for (enum kind kind = RASTER; kind < KINDS; kind++) stream_open(field, kind);
}

static void field_close(struct field *field) {
  for (enum kind kind = RASTER; kind < KINDS; kind++) tlw_stream_close(&field->streams[kind]);
  tlw_engine_close(&field->engine);
  free(field->rasters);
}

static void run_case(const char *name, struct field *field, double seconds, bench_json *json) {
  bench_work works[] = {{.run = run_whole, .context = field},
                        {.run = run_draw, .context = field},
                        {.run = run_encode, .context = field},
                        {.run = run_digests, .context = field}};
  bench_measure(works, 4, seconds);
  const bench_summary whole = bench_summarise(&works[0]), draw = bench_summarise(&works[1]),
                      encode = bench_summarise(&works[2]);
  const double slowest = bench_ratio(&works[0], draw.median > encode.median ? &works[1] : &works[2]);
  const double digests = bench_ratio(&works[3], &works[0]);
  printf("%-18s %10.0f %10.1f %10.1f %10.1f %10.2f %10.3f\n", name, BATCH / whole.median, whole.median * 1e6 / BATCH,
         draw.median * 1e6 / BATCH, encode.median * 1e6 / BATCH, slowest, digests);
  fflush(stdout);
  char full[96];
  snprintf(full, sizeof full, "stream/%s", name);
  bench_json_begin(json, NULL, '{');
  bench_json_result(json, full, &works[0]);
  bench_json_number(json, "items_per_second", BATCH / whole.median);
  bench_json_number(json, "draw", draw.median * 1e6);
  bench_json_number(json, "encode", encode.median * 1e6);
  bench_json_number(json, "whole_over_slowest", slowest);
  bench_json_number(json, "digests_over_whole", digests);
  bench_json_end(json, '}');
}

int main(int argc, char **argv) {
  tlw_backend backend = TLW_BACKEND_CPU;
  bench_list threads = {0};
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *device = NULL, *filter = NULL, *path = NULL;
  const bench_option options[] = {BENCH_OPTION_BACKEND(&backend),
                                  BENCH_OPTION_DEVICE(&device),
                                  {"threads", BENCH_LIST, &threads, "threads (default: all)"},
                                  BENCH_OPTION_SECONDS(&seconds),
                                  BENCH_OPTION_CASE(&filter),
                                  BENCH_OPTION_JSON(&path)};
  bench_parse(argc, argv, "Charts through a stream to PNG in memory, beside each of its stages alone.", options,
              sizeof options / sizeof options[0]);
  if (threads.n > 1) bench_die(BENCH_USAGE, "--threads takes one number here");
  tlw_engine_options engine_options;
  bench_engine_options(&engine_options, backend, device, threads.n ? threads.values[0] : TLW_THREADS_AUTO);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_stream", &engine_options);
  bench_series series;
  bench_series_open(&series, SERIES_ROWS);
  printf("columns  medians; draw, encode: the stage alone; ratio: the whole over the slower of the two\n");
  printf("         digests: the whole with digests over the whole\n\n");
  printf("%-18s %10s %10s %10s %10s %10s %10s\n", "candles/size", "charts/s", "us/chart", "draw", "encode", "ratio",
         "digests");
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    char name[64];
    snprintf(name, sizeof name, "%" PRId64 "/%dx%d", shapes[i].candles, shapes[i].width, shapes[i].height);
    if (!bench_wants(filter, name)) continue;
    struct field field;
    field_open(&field, &shapes[i], &series, &engine_options);
    run_case(name, &field, seconds, &json);
    field_close(&field);
  }
  bench_series_close(&series);
  bench_end(&json);
  return EXIT_SUCCESS;
}
