/*
 * JKX images of windows of candles in memory, as numbers in memory or left on the device, by one thread and by several,
 * beside memset of the same bytes; and the reasons alone.
 *
 * Windows follow each other row by row. A case draws blocks of images, in a buffer that is one block and stays in a
 * cache, or in one that is larger than the caches.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define SERIES_ROWS (INT64_C(1) << 20)
#define SMALL_BLOCK ((size_t)256 << 10)
#define LARGE_BLOCK ((size_t)4 << 20)
#define DEVICE_BLOCK ((size_t)64 << 20) /* in place of the large one, where images are left on a device */
#define LARGE_BUFFER ((size_t)256 << 20)

/* floor: millions of images a second that are aimed at on one core with AVX-512; 0: nothing is said of it. */
static const struct case_of_images {
  const char *name;
  int64_t window;
  tlw_image_type type;
  tlw_image_order order;
  tlw_image_color color;
  bool streams; /* into the larger buffer */
  double floor;
} cases[] = {
    {"5/u8/cache", 5, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, false, 0},
    {"20/u8/cache", 20, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, false, 0},
    {"60/u8/cache", 60, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, false, 0},
    {"20/f32/cache", 20, TLW_IMAGE_F32, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, false, 0},
    {"5/u8", 5, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, true, 0},
    {"20/u8", 20, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, true, 1.5},
    {"60/u8", 60, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, true, 0.3},
    {"20/u8/rgb-nchw", 20, TLW_IMAGE_U8, TLW_ORDER_NCHW, TLW_IMAGE_RGB, true, 0},
    {"20/u8/rgb-nhwc", 20, TLW_IMAGE_U8, TLW_ORDER_NHWC, TLW_IMAGE_RGB, true, 0},
    {"5/f32", 5, TLW_IMAGE_F32, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, true, 0},
    {"20/f32", 20, TLW_IMAGE_F32, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, true, 0},
    {"60/f32", 60, TLW_IMAGE_F32, TLW_ORDER_NCHW, TLW_IMAGE_LUMA, true, 0},
    {"20/f32/rgb-nchw", 20, TLW_IMAGE_F32, TLW_ORDER_NCHW, TLW_IMAGE_RGB, true, 0},
    {"20/f32/rgb-nhwc", 20, TLW_IMAGE_F32, TLW_ORDER_NHWC, TLW_IMAGE_RGB, true, 0},
};

#define N_CASES (sizeof cases / sizeof *cases)

static struct field {
  tlw_candles candles;
  tlw_image_window *windows; /* the first ends at row 2 * 60 - 1 */
  uint8_t *buffer, *reasons;
  tlw_engine *one, *several; /* several: NULL without --threads */
  bool stays;
} field;

#define FIRST_LAST 119
#define N_WINDOWS (SERIES_ROWS - FIRST_LAST)

/* ---- works ---- */

struct job {
  const struct case_of_images *what;
  tlw_image_options options;
  tlw_engine *engine;
  size_t size; /* bytes of an image */
  int64_t n;   /* images of a block */
  int64_t n_blocks, call;
};

static void open_job(struct job *job, const struct case_of_images *what, tlw_engine *engine) {
  tlw_image_shape shape;
  tlw_error error;
  *job = (struct job){.what = what, .engine = engine};
  tlw_image_options_init(&job->options);
  job->options.window = what->window;
  job->options.type = what->type;
  job->options.order = what->order;
  job->options.color = what->color;
  bench_check(tlw_image_shape_of(&job->options, &shape, &error), &error);
  job->size = shape.size;
  const size_t large = field.stays ? DEVICE_BLOCK : LARGE_BLOCK;
  job->n = (int64_t)((what->streams ? large : SMALL_BLOCK) / shape.size);
  job->n_blocks = what->streams ? (int64_t)(LARGE_BUFFER / large) : 1;
}

static uint8_t *block_at(const struct job *job, int64_t call) {
  return field.buffer + (size_t)(call % job->n_blocks * job->n) * job->size;
}

/* The windows of a call, other than those of the one before. */
static const tlw_image_window *windows_at(const struct job *job, int64_t call) {
  return field.windows + call * job->n % (N_WINDOWS - job->n);
}

static void draw_block(const struct job *job, int64_t call) {
  tlw_error error;
  if (!field.stays) {
    bench_check(tlw_images_draw(job->engine, &field.candles, &job->options, windows_at(job, call), job->n,
                                block_at(job, call), (size_t)job->n * job->size, NULL, &error),
                &error);
    return;
  }
  tlw_buffer buffer;
  bench_check(tlw_images_to_buffer(job->engine, &field.candles, &job->options, windows_at(job, call), job->n, &buffer,
                                   NULL, &error),
              &error);
  bench_check(tlw_buffer_free(job->engine, &buffer, &error), &error);
}

static void draw_images(void *context, int64_t calls) {
  struct job *job = context;
  for (int64_t i = 0; i < calls; i++) draw_block(job, job->call++);
}

static void fill_blocks(void *context, int64_t calls) {
  struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    uint8_t *block = block_at(job, job->call++);
    memset(block, (int)(i & 3), (size_t)job->n * job->size);
    __asm__ volatile("" : : "r"(block) : "memory"); /* so that no memset is left out */
  }
}

static void find_reasons(void *context, int64_t calls) {
  struct job *job = context;
  tlw_error error;
  for (int64_t i = 0; i < calls; i++)
    bench_check(
        tlw_image_reasons(&field.candles, &job->options, windows_at(job, job->call++), job->n, field.reasons, &error),
        &error);
}

/* ---- cases ---- */

enum { DRAW, FILL, REASONS, DRAW_SEVERAL, WORKS };

static uint64_t hash_of(const struct job *job) {
  memset(field.buffer, 0, (size_t)job->n * job->size);
  draw_block(job, 0);
  return field.stays ? 0 : bench_hash(BENCH_HASH_START, field.buffer, (size_t)job->n * job->size);
}

static void print_case(const struct job *job, const bench_work *works, size_t n, uint64_t hash) {
  const double images = 1e-6 * (double)job->n, best = bench_summarise(&works[DRAW]).best;
  const bench_summary summary = bench_summarise(&works[DRAW]);
  printf("%-18s %9.3f %6.1f %7.1f %8.2f %7.1f%% %9.2f %016" PRIx64, job->what->name, images / best, job->what->floor,
         1e-3 * images * (double)job->size / best, bench_ratio(&works[DRAW], &works[FILL]), bench_spread(&summary),
         images / bench_summarise(&works[REASONS]).best, hash);
  if (n > DRAW_SEVERAL)
    printf(" %9.3f %6.2f", images / bench_summarise(&works[DRAW_SEVERAL]).best,
           bench_ratio(&works[DRAW], &works[DRAW_SEVERAL]));
  printf("\n");
  fflush(stdout);
}

static void write_case(bench_json *json, const struct job *job, const bench_work *works, size_t n, uint64_t hash) {
  static const char *const names[WORKS] = {"draw", "memset", "reasons", "threads"};
  for (size_t i = 0; i < n; i++) {
    char name[80];
    snprintf(name, sizeof name, "images/%s/%s", job->what->name, names[i]);
    bench_json_begin(json, NULL, '{');
    bench_json_result(json, name, &works[i]);
    bench_json_number(json, "images", (double)job->n);
    bench_json_number(json, "bytes", (double)job->size);
    bench_json_hash(json, "checksum", hash);
    bench_json_end(json, '}');
  }
}

static void run_case(const struct case_of_images *what, double seconds, bench_json *json) {
  struct job one, several, fill;
  open_job(&one, what, field.one);
  open_job(&fill, what, NULL);
  const uint64_t hash = hash_of(&one);
  if (field.several) {
    open_job(&several, what, field.several);
    if (hash_of(&several) != hash) bench_die(EXIT_FAILURE, "%s: several threads draw other images", what->name);
  }
  struct job reasons = one;
  bench_work works[WORKS] = {[DRAW] = {.run = draw_images, .context = &one},
                             [FILL] = {.run = fill_blocks, .context = &fill},
                             [REASONS] = {.run = find_reasons, .context = &reasons},
                             [DRAW_SEVERAL] = {.run = draw_images, .context = &several}};
  const size_t n = field.several ? WORKS : DRAW_SEVERAL;
  bench_measure(works, n, seconds);
  print_case(&one, works, n, hash);
  write_case(json, &one, works, n, hash);
}

static void open_field(const bench_series *series) {
  bench_series_candles(series, &field.candles);
  field.windows = bench_alloc((size_t)N_WINDOWS * sizeof *field.windows);
  for (int64_t i = 0; i < N_WINDOWS; i++) field.windows[i] = (tlw_image_window){0, FIRST_LAST + i};
  field.reasons = bench_alloc((size_t)N_WINDOWS);
  field.buffer = bench_alloc(LARGE_BUFFER);
  memset(field.buffer, 1, LARGE_BUFFER);
}

int main(int argc, char **argv) {
  bench_list threads = {1, {1}};
  double seconds = BENCH_SECONDS_DEFAULT;
  tlw_backend backend = TLW_BACKEND_CPU;
  const char *filter = NULL, *path = NULL, *device = NULL, *clock = "wall", *place = "host";
  const bench_option options[] = {
      BENCH_OPTION_CASE(&filter),
      BENCH_OPTION_BACKEND(&backend),
      BENCH_OPTION_DEVICE(&device),
      {"place", BENCH_TEXT, &place, "host (default), or device: images are left there"},
      {"threads", BENCH_LIST, &threads, "threads (default 1); more: beside one"},
      {"clock", BENCH_TEXT, &clock, "wall (default), or processor: for one thread on a busy machine"},
      BENCH_OPTION_SECONDS(&seconds),
      BENCH_OPTION_JSON(&path),
  };
  bench_parse(argc, argv, "JKX images of candles in memory, beside memset of the same bytes.", options,
              sizeof options / sizeof options[0]);
  if (threads.n > 1) bench_die(BENCH_USAGE, "--threads takes one number here");
  if (strcmp(clock, "processor") == 0)
    bench_use_processor_time();
  else if (strcmp(clock, "wall") != 0)
    bench_die(BENCH_USAGE, "--clock can't be '%s': see --help", clock);
  field.stays = strcmp(place, "device") == 0;
  if (!field.stays && strcmp(place, "host") != 0) bench_die(BENCH_USAGE, "--place can't be '%s': see --help", place);

  bench_series series;
  bench_series_open(&series, SERIES_ROWS);
  open_field(&series);
  tlw_engine_options engine_options;
  tlw_error error;
  bench_engine_options(&engine_options, backend, device, threads.values[0]);
  if (threads.values[0] != 1) bench_check(tlw_engine_open(&field.several, &engine_options, &error), &error);
  engine_options.threads = 1;
  bench_check(tlw_engine_open(&field.one, &engine_options, &error), &error);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_images", &engine_options);
  printf(
      "/memset: time over that of memset of the same bytes by one thread; reasons: millions a second; blocks of %zu\n"
      "KiB in a cache, otherwise of %zu MiB in a buffer of %zu MiB\n\n",
      SMALL_BLOCK >> 10, (field.stays ? DEVICE_BLOCK : LARGE_BLOCK) >> 20, LARGE_BUFFER >> 20);
  printf("%-18s %9s %6s %7s %8s %8s %9s %16s", "window/type", "Mimages/s", "floor", "GB/s", "/memset", "spread",
         "reasons", "checksum");
  printf("%s\n", field.several ? "   threads  ratio" : "");
  for (size_t i = 0; i < N_CASES; i++)
    if (bench_wants(filter, cases[i].name)) run_case(&cases[i], seconds, &json);
  bench_end(&json);
  tlw_engine_close(&field.several);
  tlw_engine_close(&field.one);
  free(field.buffer);
  free(field.reasons);
  free(field.windows);
  bench_series_close(&series);
  return EXIT_SUCCESS;
}
