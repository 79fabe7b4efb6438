/*
 * From a CSV file in the page cache to the bytes of a PNG file in memory, and which share each stage has.
 *
 * The files of a case take turns, so that no stage learns the one input by heart.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define FILES 16

static const struct shape {
  int64_t candles;
  int32_t width, height;
} shapes[] = {{100, 800, 600}, {1000, 1920, 1080}, {10000, 1920, 1080}};

enum { STAGE_READ, STAGE_RENDER, STAGE_ENCODE, STAGES };
static const char *const stage_names[STAGES] = {"read", "render", "encode"};

struct pipeline {
  tlw_engine *engine;
  tlw_chart_options options;
  const char *paths[FILES];
  int64_t n_files;
  uint8_t palette[TLW_INK_COUNT * 3];
  uint8_t *pixels, *png;
  size_t pixels_size, png_capacity;
  int64_t call;           /* the next */
  double seconds[STAGES]; /* in all calls */
  int64_t candles;        /* of the last call */
  size_t png_size;        /* likewise */
};

static void open_pipeline(struct pipeline *p, const tlw_engine_options *engine_options, int32_t width, int32_t height) {
  tlw_error error;
  *p = (struct pipeline){.pixels_size = (size_t)width * (size_t)height, .png_capacity = tlw_png_bound(width, height)};
  bench_check(tlw_engine_open(&p->engine, engine_options, &error), &error);
  tlw_chart_options_init(&p->options);
  p->options.width = width;
  p->options.height = height;
  bench_check(tlw_theme_palette(p->options.theme, p->palette, &error), &error);
  p->pixels = bench_alloc(p->pixels_size);
  p->png = bench_alloc(p->png_capacity);
}

static void close_pipeline(struct pipeline *p) {
  tlw_engine_close(&p->engine);
  free(p->pixels);
  free(p->png);
}

static void run_once(struct pipeline *p, const char *path) {
  const size_t width = (size_t)p->options.width;
  const tlw_raster raster = {p->pixels, p->pixels_size, width, p->pixels_size};
  const tlw_png_image image = {p->pixels, width, p->options.width, p->options.height, p->palette, TLW_INK_COUNT};
  tlw_table *table;
  tlw_candles candles;
  tlw_error error;
  double at[STAGES + 1];
  at[STAGE_READ] = bench_now();
  bench_check(tlw_csv_read(path, NULL, NULL, &table, &error), &error);
  tlw_table_candles(table, &candles);
  p->options.volume = candles.volume != NULL;
  at[STAGE_RENDER] = bench_now();
  bench_check(tlw_chart_render(p->engine, &candles, &p->options, &raster, &error), &error);
  at[STAGE_ENCODE] = bench_now();
  bench_check(tlw_png_encode(&image, NULL, p->png, p->png_capacity, &p->png_size, &error), &error);
  at[STAGES] = bench_now();
  p->candles = candles.n_rows;
  tlw_table_close(&table);
  for (int i = 0; i < STAGES; i++) p->seconds[i] += at[i + 1] - at[i];
}

static void run_pipeline(void *context, int64_t calls) {
  struct pipeline *p = context;
  for (int64_t i = 0; i < calls; i++) run_once(p, p->paths[p->call++ % p->n_files]);
}

static void measure(const char *name, struct pipeline *p, double seconds, bench_json *json) {
  const double cold = bench_time_once(run_pipeline, p);
  const uint64_t hash = bench_hash(BENCH_HASH_START, p->pixels, p->pixels_size);
  const size_t png_size = p->png_size;
  memset(p->seconds, 0, sizeof p->seconds);
  bench_work work = {.run = run_pipeline, .context = p};
  bench_measure(&work, 1, seconds);
  const bench_summary whole = bench_summarise(&work);
  double sum = 0;
  for (int i = 0; i < STAGES; i++) sum += p->seconds[i];
  printf("%-18s %9.0f %10.1f %10.1f %6.1f%%", name, 1 / whole.median, whole.median * 1e6, whole.best * 1e6,
         bench_spread(&whole));
  for (int i = 0; i < STAGES; i++) printf(" %6.1f%%", 100 * p->seconds[i] / sum);
  printf(" %10.1f %9zu  %016" PRIx64 "\n", cold * 1e6, png_size, hash);
  fflush(stdout);

  char full[96];
  snprintf(full, sizeof full, "file_to_png/%s", name);
  bench_json_begin(json, NULL, '{');
  bench_json_result(json, full, &work);
  bench_json_number(json, "candles", (double)p->candles);
  bench_json_number(json, "width", p->options.width);
  bench_json_number(json, "height", p->options.height);
  bench_json_number(json, "items_per_second", 1 / whole.median);
  bench_json_begin(json, "share", '{');
  for (int i = 0; i < STAGES; i++) bench_json_number(json, stage_names[i], p->seconds[i] / sum);
  bench_json_end(json, '}');
  bench_json_number(json, "cold", cold * 1e6);
  bench_json_number(json, "png_bytes", (double)png_size);
  bench_json_hash(json, "pixels", hash);
  bench_json_end(json, '}');
}

static void run_shape(const struct shape *shape, const char *name, const tlw_engine_options *engine_options,
                      double seconds, bench_json *json) {
  struct pipeline p;
  bench_file files[FILES];
  open_pipeline(&p, engine_options, shape->width, shape->height);
  p.n_files = FILES;
  for (int i = 0; i < FILES; i++) {
    bench_text text;
    bench_text_open(&text, shape->candles, (uint64_t)i + 1);
    bench_file_open(&files[i], text.data, text.size);
    bench_text_close(&text);
    p.paths[i] = files[i].path;
  }
  measure(name, &p, seconds, json);
  for (int i = 0; i < FILES; i++) bench_file_close(&files[i]);
  close_pipeline(&p);
}

static void run_given(const char *path, const tlw_engine_options *engine_options, double seconds, bench_json *json) {
  struct pipeline p;
  open_pipeline(&p, engine_options, 1920, 1080);
  p.n_files = 1;
  p.paths[0] = path;
  measure("given/1920x1080", &p, seconds, json);
  close_pipeline(&p);
}

int main(int argc, char **argv) {
  tlw_backend backend = TLW_BACKEND_CPU;
  const char *device = NULL, *given = NULL, *filter = NULL, *path = NULL;
  bench_list threads = {1, {1}};
  double seconds = BENCH_SECONDS_DEFAULT;
  const bench_option options[] = {BENCH_OPTION_BACKEND(&backend),
                                  BENCH_OPTION_DEVICE(&device),
                                  {"threads", BENCH_LIST, &threads, "threads of the CPU backend (default 1)"},
                                  {"csv", BENCH_TEXT, &given, "this file at 1920x1080 in place of synthetic ones"},
                                  BENCH_OPTION_SECONDS(&seconds),
                                  BENCH_OPTION_CASE(&filter),
                                  BENCH_OPTION_JSON(&path)};
  bench_parse(argc, argv, "From a CSV file to the bytes of a PNG file: charts per second and the share of each stage.",
              options, sizeof options / sizeof options[0]);
  if (threads.n > 1) bench_die(BENCH_USAGE, "--threads takes one number here");
  tlw_engine_options engine_options;
  bench_engine_options(&engine_options, backend, device, threads.values[0]);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_render", &engine_options);
  printf("columns  medians; read, render, encode: shares of the time; PNG: bytes of the first file; pixels: its "
         "checksum\n\n");
  printf("%-18s %9s %10s %10s %7s %7s %7s %7s %10s %9s  %s\n", "candles/size", "charts/s", "us/chart", "best", "spread",
         "read", "render", "encode", "cold us", "PNG", "pixels");
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] && !given; i++) {
    const struct shape *shape = &shapes[i];
    char name[64];
    snprintf(name, sizeof name, "%" PRId64 "/%dx%d", shape->candles, shape->width, shape->height);
    if (bench_wants(filter, name)) run_shape(shape, name, &engine_options, seconds, &json);
  }
  if (given) run_given(given, &engine_options, seconds, &json);
  bench_end(&json);
  return EXIT_SUCCESS;
}
