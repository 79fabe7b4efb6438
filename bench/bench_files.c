/*
 * Candles in memory to PNG files in memory, each chart of another window of a long series: through a stream, by one
 * thread and by as many as are asked for, beside rendering and encoding one chart after the other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define SERIES_ROWS (INT64_C(1) << 22)
#define BATCH 64
#define LINES 2

static tlw_backend backend = TLW_BACKEND_CPU;
static const char *device;

static const struct shape {
  int64_t candles;
  int32_t width, height, lines;
} shapes[] = {{100, 1920, 1080, 0},   {1000, 1920, 1080, 0}, {10000, 1920, 1080, 0},
              {50000, 1920, 1080, 0}, {1000, 800, 600, 0},   {1000, 1920, 1080, LINES}};

/* Moving averages of a series. */
static const int64_t windows[LINES] = {10, 20};
static double *averages[LINES];

struct field {
  const struct shape *shape;
  const bench_series *series;
  tlw_engine *engine;
  tlw_stream *stream; /* or NULL: charts are rendered and encoded one by one */
  tlw_chart_options chart;
  uint8_t palette[TLW_COLORS_MOST * 3];
  int32_t n_colors;
  const void *lines[LINES];
  uint8_t *pixels, *png;
  size_t capacity;
  int64_t call;
  int64_t charts;
  uint64_t bytes;
  double processor; /* seconds of processor time */
};

static double processor_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static tlw_status swallow(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  struct field *field = user;
  field->bytes += piece->size;
  return TLW_OK;
}

static void open_averages(const bench_series *series) {
  const double *close = series->columns[3];
  for (int k = 0; k < LINES; k++) {
    averages[k] = bench_alloc((size_t)series->n_rows * sizeof(double));
    double sum = 0;
    for (int64_t i = 0; i < series->n_rows; i++) {
      sum += close[i];
      if (i >= windows[k]) sum -= close[i - windows[k]];
      averages[k][i] = sum / (double)(i < windows[k] ? i + 1 : windows[k]);
    }
  }
}

static void window_of(struct field *field, int64_t charts, int64_t *offsets, tlw_candles *candles) {
  const int64_t n = field->shape->candles, first = bench_series_window(field->series, n * charts, field->call++);
  bench_series_candles(field->series, candles);
  const void **columns[] = {&candles->open, &candles->high, &candles->low, &candles->close, &candles->volume};
  for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) *columns[c] = (const double *)*columns[c] + first;
  for (int k = 0; k < LINES; k++) field->lines[k] = averages[k] + first;
  candles->lines = field->lines;
  candles->n_lines = field->shape->lines;
  for (int64_t i = 0; i <= charts; i++) offsets[i] = i * n;
  candles->n_rows = n * charts;
  candles->offsets = offsets;
  candles->n_series = charts;
}

static void run_stream(struct field *field, int64_t calls) {
  tlw_error error;
  int64_t offsets[BATCH + 1];
  for (int64_t i = 0; i < calls; i++) {
    tlw_candles candles;
    window_of(field, BATCH, offsets, &candles);
    bench_check(tlw_stream_push(field->stream, &candles, &field->chart, NULL, NULL, &error), &error);
  }
  bench_check(tlw_stream_finish(field->stream, &error), &error);
}

static void run_one_by_one(struct field *field, int64_t calls) {
  const tlw_raster raster = {field->pixels, (size_t)field->shape->width * (size_t)field->shape->height,
                             (size_t)field->shape->width, (size_t)field->shape->width * (size_t)field->shape->height};
  const tlw_png_image image = {.pixels = field->pixels,
                               .row_stride = raster.row_stride,
                               .width = field->shape->width,
                               .height = field->shape->height,
                               .rgb = field->palette,
                               .n_colors = field->n_colors};
  for (int64_t i = 0; i < calls * BATCH; i++) {
    int64_t offsets[2];
    size_t size;
    tlw_error error;
    tlw_candles candles;
    window_of(field, 1, offsets, &candles);
    bench_check(tlw_chart_render(field->engine, &candles, &field->chart, &raster, &error), &error);
    bench_check(tlw_png_encode(&image, NULL, field->png, field->capacity, &size, &error), &error);
    field->bytes += size;
  }
}

static void run(void *context, int64_t calls) {
  struct field *field = context;
  const double begun = processor_time();
  if (field->stream)
    run_stream(field, calls);
  else
    run_one_by_one(field, calls);
  field->processor += processor_time() - begun;
  field->charts += calls * BATCH;
}

static void field_open(struct field *field, const struct shape *shape, const bench_series *series, uint32_t threads,
                       bool streams) {
  tlw_error error;
  tlw_engine_options options;
  *field = (struct field){.shape = shape, .series = series};
  bench_engine_options(&options, backend, device, threads);
  bench_check(tlw_engine_open(&field->engine, &options, &error), &error);
  tlw_chart_options_init(&field->chart);
  field->chart.width = shape->width;
  field->chart.height = shape->height;
  field->chart.n_lines = shape->lines;
  bench_check(tlw_chart_palette(&field->chart, field->palette, &field->n_colors, &error), &error);
  field->capacity = tlw_png_bound(shape->width, shape->height);
  field->pixels = bench_alloc((size_t)shape->width * (size_t)shape->height);
  field->png = bench_alloc(field->capacity);
  if (!streams) return;
  tlw_stream_options stream;
  tlw_stream_options_init(&stream);
  stream.format = TLW_STREAM_PNG;
  stream.encoders = threads;
  stream.sink = swallow;
  stream.sink_user = field;
  bench_check(tlw_stream_open(&field->stream, &field->engine, 1, &stream, &error), &error);
}

static void field_close(struct field *field) {
  tlw_stream_close(&field->stream);
  tlw_engine_close(&field->engine);
  free(field->pixels);
  free(field->png);
}

enum { ONE_BY_ONE, ONE_THREAD, ALL_THREADS, WORKS };

static void run_case(const char *name, const struct shape *shape, const bench_series *series, uint32_t threads,
                     double seconds, bench_json *json) {
  static const char *const names[WORKS] = {"one by one", "stream", "stream by threads"};
  struct field fields[WORKS];
  bench_work works[WORKS];
  const size_t n = threads > 1 ? WORKS : ALL_THREADS;
  for (size_t i = 0; i < n; i++) {
    field_open(&fields[i], shape, series, i == ALL_THREADS ? threads : 1, i != ONE_BY_ONE);
    works[i] = (bench_work){.run = run, .context = &fields[i]};
  }
  bench_measure(works, n, seconds);
  for (size_t i = 0; i < n; i++) {
    const struct field *field = &fields[i];
    const bench_summary summary = bench_summarise(&works[i]);
    const double processor = field->processor / (double)field->charts;
    printf("%-18s %-18s %10.0f %10.1f %10.1f %10.1f %9.0f %8.2f\n", i == 0 ? name : "", names[i], BATCH / summary.best,
           summary.median * 1e6 / BATCH, summary.best * 1e6 / BATCH, processor * 1e6,
           (double)field->bytes / (double)field->charts, bench_ratio(&works[ONE_THREAD], &works[i]));
    char full[96];
    snprintf(full, sizeof full, "files/%s/%s", name, names[i]);
    bench_json_begin(json, NULL, '{');
    bench_json_result(json, full, &works[i]);
    bench_json_number(json, "items_per_second", BATCH / summary.median);
    bench_json_number(json, "processor", processor * 1e6);
    bench_json_number(json, "bytes", (double)field->bytes / (double)field->charts);
    bench_json_end(json, '}');
  }
  fflush(stdout);
  for (size_t i = 0; i < n; i++) field_close(&fields[i]);
}

int main(int argc, char **argv) {
  bench_list threads = {0};
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *filter = NULL, *path = NULL;
  const bench_option options[] = {BENCH_OPTION_BACKEND(&backend),
                                  BENCH_OPTION_DEVICE(&device),
                                  {"threads", BENCH_LIST, &threads, "threads beside one (default: all)"},
                                  BENCH_OPTION_SECONDS(&seconds),
                                  BENCH_OPTION_CASE(&filter),
                                  BENCH_OPTION_JSON(&path)};
  bench_parse(argc, argv, "Candles in memory to PNG files in memory.", options, sizeof options / sizeof options[0]);
  if (threads.n > 1) bench_die(BENCH_USAGE, "--threads takes one number here");
  tlw_engine_options engine_options;
  bench_engine_options(&engine_options, backend, device, threads.n ? threads.values[0] : TLW_THREADS_AUTO);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_files", &engine_options);
  tlw_engine *engine;
  tlw_error error;
  tlw_stats stats = {.struct_size = sizeof stats};
  bench_check(tlw_engine_open(&engine, &engine_options, &error), &error);
  bench_check(tlw_engine_stats(engine, &stats, &error), &error);
  tlw_engine_close(&engine);
  bench_series series;
  bench_series_open(&series, SERIES_ROWS);
  open_averages(&series);
  printf("columns  charts a second at best; microseconds a chart, median and best; of processor time, all threads\n"
         "         together; bytes of a file; ratio: of the stream by one thread to this\n\n");
  printf("%-18s %-18s %10s %10s %10s %10s %9s %8s\n", "candles/size", "", "charts/s", "median us", "best us", "cpu us",
         "bytes", "ratio");
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    char name[64];
    snprintf(name, sizeof name, "%" PRId64 "/%dx%d%s", shapes[i].candles, shapes[i].width, shapes[i].height,
             shapes[i].lines > 0 ? "/mav" : "");
    if (bench_wants(filter, name)) run_case(name, &shapes[i], &series, stats.threads, seconds, &json);
  }
  for (int k = 0; k < LINES; k++) free(averages[k]);
  bench_series_close(&series);
  bench_end(&json);
  return EXIT_SUCCESS;
}
