/*
 * Draws for a long time and looks whether anything grows: resident memory, descriptors, threads, what the engine has
 * in use and the most it ever had.
 *
 *   soak BACKEND [--charts N] [--cycles N] [--report]
 *
 * First N charts on one engine, through streams, renders, images, tensors, buffers and resets in turn, in many sizes;
 * then N engines that are opened, draw and are closed. After a quarter of each as warm-up nothing may grow by more than
 * 2%. With --report growth is told per cycle and not judged: for drivers whose own memory grows.
 */
#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tallow/tallow.h"

#define ROWS 4096
#define SAMPLES 40
#define TOLERANCE 0.02
/* What allocators and page tables waver by, however little is drawn; and peaks, by who happens to come first. */
#define RSS_GRAIN ((double)(4 << 20))
#define PEAK_GRAIN ((double)(1 << 20)) /* a few PNG encoders at one moment */

static double columns[5][ROWS];
static int64_t times[ROWS];

static uint32_t noise(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static void fill_rows(void) {
  uint32_t state = 7;
  double price = 100;
  for (int i = 0; i < ROWS; i++) {
    const double close = price + (double)(noise(&state) % 201) / 100 - 1;
    columns[0][i] = price;
    columns[1][i] = (price > close ? price : close) + (double)(noise(&state) % 50) / 100;
    columns[2][i] = (price < close ? price : close) - (double)(noise(&state) % 50) / 100;
    columns[3][i] = close;
    columns[4][i] = noise(&state) % 1000;
    times[i] = i * INT64_C(60000000000);
    price = close;
  }
}

static void check(tlw_status status, const tlw_error *error) {
  if (status == TLW_OK) return;
  fprintf(stderr, "soak: %s: %s\n", tlw_status_name(status), error->message);
  exit(1);
}

/* ---- what may not grow ---- */

struct sample {
  int64_t done;
  double rss, descriptors, threads, host_now, host_peak, device_now, device_peak;
};

static double resident(void) {
  long pages = 0, ignored;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &ignored, &pages) != 2) exit(1);
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double entries(const char *path) {
  DIR *folder = opendir(path);
  double n = 0;
  if (!folder) exit(1);
  while (readdir(folder)) n++;
  closedir(folder);
  return n - 2;
}

/* A thread that has been joined is listed for a moment more: the least of some looks. */
static double count_threads(void) {
  double least = entries("/proc/self/task");
  for (int i = 0; i < 20; i++) {
    usleep(500);
    const double n = entries("/proc/self/task");
    if (n < least) least = n;
  }
  return least;
}

static struct sample take(int64_t done, const tlw_engine *engine) {
  struct sample s = {.done = done};
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_error error;
  if (engine) {
    check(tlw_engine_stats(engine, &stats, &error), &error);
    s.host_now = (double)stats.host_bytes.current;
    s.host_peak = (double)stats.host_bytes.peak;
    s.device_now = (double)stats.device_bytes.current;
    s.device_peak = (double)stats.device_bytes.peak;
  }
  s.rss = resident();
  s.descriptors = entries("/proc/self/fd");
  s.threads = count_threads();
  return s;
}

static bool is_flat(const char *name, double warm, double most, double grain) {
  if (most <= warm * (1 + TOLERANCE) + grain) return true;
  fprintf(stderr, "soak: %s grew from %.0f after the warm-up to %.0f\n", name, warm, most);
  return false;
}

/* Compares what was seen after the warm-up with what was seen at its end. */
static bool judge(const struct sample *samples, int n, bool report) {
  const int warm = n / 4;
  struct sample most = samples[warm];
  for (int i = warm; i < n; i++) {
    const struct sample *s = &samples[i];
    if (s->rss > most.rss) most.rss = s->rss;
    if (s->descriptors > most.descriptors) most.descriptors = s->descriptors;
    if (s->threads > most.threads) most.threads = s->threads;
    if (s->host_now > most.host_now) most.host_now = s->host_now;
    if (s->host_peak > most.host_peak) most.host_peak = s->host_peak;
    if (s->device_now > most.device_now) most.device_now = s->device_now;
    if (s->device_peak > most.device_peak) most.device_peak = s->device_peak;
  }
  const struct sample *from = &samples[warm], *to = &samples[n - 1];
  printf("  after %" PRId64 ": RSS %.1f MiB, %g descriptors, %g threads, host peak %.0f, device peak %.0f\n",
         from->done, from->rss / 1048576, from->descriptors, from->threads, from->host_peak, from->device_peak);
  printf("  most since:  RSS %.1f MiB, %g descriptors, %g threads, host peak %.0f, device peak %.0f\n",
         most.rss / 1048576, most.descriptors, most.threads, most.host_peak, most.device_peak);
  if (report) {
    printf("  RSS grew by %.0f bytes each\n", (to->rss - from->rss) / (double)(to->done - from->done));
    return true;
  }
  bool flat = is_flat("resident memory", from->rss, most.rss, RSS_GRAIN);
  flat = is_flat("the number of descriptors", from->descriptors, most.descriptors, 0) && flat;
  flat = is_flat("the number of threads", from->threads, most.threads, 0) && flat;
  flat = is_flat("host memory in use", from->host_now, most.host_now, 0) && flat;
  flat = is_flat("the peak of host memory", from->host_peak, most.host_peak, PEAK_GRAIN) && flat;
  flat = is_flat("device memory in use", from->device_now, most.device_now, 0) && flat;
  return is_flat("the peak of device memory", from->device_peak, most.device_peak, 0) && flat;
}

/* ---- work ---- */

#define WINDOWS 32

/* Windows over the rows that begin at row `first`. */
struct batch {
  tlw_candles candles;
  tlw_chart_options chart;
  int64_t offsets[WINDOWS], counts[WINDOWS];
};

static void make_batch(struct batch *b, int64_t turn) {
  static const struct {
    int32_t width, height;
    int64_t rows;
  } shapes[] = {{64, 48, 20}, {96, 64, 60}, {120, 80, 500}, {48, 48, 3}, {200, 40, 1000}};
  const size_t shape = (size_t)turn % (sizeof shapes / sizeof *shapes);
  tlw_candles_init(&b->candles);
  b->candles.open = columns[0];
  b->candles.high = columns[1];
  b->candles.low = columns[2];
  b->candles.close = columns[3];
  b->candles.volume = columns[4];
  b->candles.time = times;
  b->candles.n_rows = ROWS;
  b->candles.offsets = b->offsets;
  b->candles.counts = b->counts;
  b->candles.n_series = WINDOWS;
  for (int64_t i = 0; i < WINDOWS; i++) {
    b->counts[i] = shapes[shape].rows;
    b->offsets[i] = (turn * 31 + i * 97) % (ROWS - shapes[shape].rows);
  }
  tlw_chart_options_init(&b->chart);
  b->chart.width = shapes[shape].width;
  b->chart.height = shapes[shape].height;
  b->chart.axis = turn % 3 ? TLW_AXIS_INDEX : TLW_AXIS_TIME;
}

/* Kinds of images, by turn. */
#define IMAGE_KINDS 12

/* Windows of the rows of one series. The options keep the chart of the batch. */
static void make_images(struct batch *b, int64_t turn, tlw_image_options *options, tlw_image_window *windows) {
  static const int64_t bars[] = {5, 20, 60};
  make_batch(b, 1);
  b->candles.offsets = b->candles.counts = NULL;
  b->candles.n_series = 1;
  tlw_image_options_init(options);
  options->window = bars[turn % 3];
  options->type = turn % 4 == 1 ? TLW_IMAGE_F32 : TLW_IMAGE_U8;
  options->color = turn % 4 > 1 ? TLW_IMAGE_RGB : TLW_IMAGE_LUMA;
  options->order = turn % 4 == 3 ? TLW_ORDER_NHWC : TLW_ORDER_NCHW;
  options->style = turn % 6 == 5 ? TLW_IMAGES_CHART : TLW_IMAGES_JKX;
  options->chart = &b->chart;
  for (int64_t i = 0; i < WINDOWS; i++) windows[i].series = 0;
  for (int64_t i = 0; i < WINDOWS; i++) windows[i].last = (turn * 31 + i * 97) % ROWS;
}

static tlw_status count_bytes(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  *(uint64_t *)user += piece->size;
  return TLW_OK;
}

static tlw_engine *open_engine(tlw_backend backend) {
  tlw_engine_options options;
  tlw_error error;
  tlw_engine *engine;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.threads = 2;
  options.device_budget = 8 << 20;
  options.host_budget = 64 << 20;
  check(tlw_engine_open(&engine, &options, &error), &error);
  return engine;
}

/* `pushes` batches through a stream. Returns the charts. */
static int64_t stream(tlw_engine *engine, int64_t turn, int64_t pushes) {
  uint64_t bytes = 0;
  struct batch b;
  tlw_error error;
  tlw_stream *stream;
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = turn % 8 ? TLW_STREAM_RASTER : TLW_STREAM_PNG;
  options.sink = count_bytes;
  options.sink_user = &bytes;
  check(tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
  for (int64_t i = 0; i < pushes; i++) {
    make_batch(&b, turn + i);
    check(tlw_stream_push(stream, &b.candles, &b.chart, NULL, NULL, &error), &error);
  }
  check(tlw_stream_finish(stream, &error), &error);
  tlw_stream_close(&stream);
  return bytes ? pushes * WINDOWS : 0;
}

static int64_t render(tlw_engine *engine, int64_t turn) {
  static uint8_t pixels[WINDOWS * 200 * 80];
  struct batch b;
  tlw_error error;
  make_batch(&b, turn);
  const size_t width = (size_t)b.chart.width, image = width * (size_t)b.chart.height;
  const tlw_raster raster = {pixels, sizeof pixels, width, image};
  check(tlw_chart_render(engine, &b.candles, &b.chart, &raster, &error), &error);
  return WINDOWS;
}

/* Images of windows, JKX or charts, into memory. */
static int64_t images(tlw_engine *engine, int64_t turn) {
  static float numbers[WINDOWS * 180 * 96];
  static uint8_t reasons[WINDOWS];
  tlw_image_window windows[WINDOWS];
  tlw_image_options options;
  tlw_image_shape shape;
  struct batch b;
  tlw_error error;
  make_images(&b, turn, &options, windows);
  check(tlw_image_shape_of(&options, &shape, &error), &error);
  const size_t size = WINDOWS * shape.size;
  check(tlw_images_draw(engine, &b.candles, &options, windows, WINDOWS, numbers, size, reasons, &error), &error);
  return WINDOWS;
}

/* Images that stay on the device, as a tensor; some are released behind the reset that takes their memory. */
static int64_t tensor(tlw_engine *engine, int64_t turn) {
  tlw_image_window windows[WINDOWS];
  tlw_image_options options;
  tlw_dl_managed *tensor;
  tlw_buffer buffer;
  struct batch b;
  tlw_error error;
  make_images(&b, turn, &options, windows);
  check(tlw_images_to_buffer(engine, &b.candles, &options, windows, WINDOWS, &buffer, NULL, &error), &error);
  check(tlw_images_tensor(engine, &buffer, &options, WINDOWS, &tensor, &error), &error);
  if (turn % 3 == 0) check(tlw_engine_reset(engine, TLW_RESET_SESSION, &error), &error);
  tensor->deleter(tensor);
  return WINDOWS;
}

/* Buffers and a reset. */
static void disturb(tlw_engine *engine, int64_t turn) {
  tlw_buffer buffer;
  tlw_error error;
  char bytes[1000] = {0};
  check(tlw_buffer_alloc(engine, sizeof bytes + (uint64_t)turn % 5000, &buffer, &error), &error);
  check(tlw_buffer_write(engine, buffer, 0, bytes, sizeof bytes, &error), &error);
  check(tlw_buffer_read(engine, buffer, 0, bytes, sizeof bytes, &error), &error);
  if (turn % 2) check(tlw_buffer_free(engine, &buffer, &error), &error);
  check(tlw_engine_reset(engine, turn % 4 == 3 ? TLW_RESET_MEMORY : TLW_RESET_SESSION, &error), &error);
}

static int64_t draw(tlw_engine *engine, int64_t turn) {
  int64_t n = 0;
  if (turn % 4 == 0) return render(engine, turn);
  if (turn % 4 != 3) return stream(engine, turn, 8);
  for (int64_t i = 0; i < IMAGE_KINDS; i++)
    n += turn % 8 == 3 ? images(engine, turn * IMAGE_KINDS + i) : tensor(engine, turn * IMAGE_KINDS + i);
  return n;
}

static bool soak_charts(tlw_backend backend, int64_t n, bool report) {
  struct sample samples[SAMPLES + 1];
  tlw_engine *engine = open_engine(backend);
  int64_t done = 0, turn = 0;
  int taken = 0;
  for (; done < n; turn++) {
    done += draw(engine, turn);
    if (turn % 16 == 15) disturb(engine, turn / 16);
    if (taken == SAMPLES || done < n * (taken + 1) / SAMPLES) continue;
    tlw_error error;
    check(tlw_engine_reset(engine, TLW_RESET_MEMORY, &error), &error);
    samples[taken++] = take(done, engine);
  }
  tlw_engine_close(&engine);
  printf("%" PRId64 " charts\n", done);
  return judge(samples, taken, report);
}

static bool soak_cycles(tlw_backend backend, int64_t n, bool report) {
  struct sample samples[SAMPLES + 1];
  int taken = 0;
  for (int64_t i = 0; i < n; i++) {
    tlw_engine *engine = open_engine(backend);
    if (i % 4 == 3)
      images(engine, i);
    else if (i % 2)
      render(engine, i);
    else
      stream(engine, i, 1);
    tlw_engine_close(&engine);
    if (taken < SAMPLES && i + 1 >= n * (taken + 1) / SAMPLES) samples[taken++] = take(i + 1, NULL);
  }
  printf("%" PRId64 " cycles of open, draw and close\n", n);
  return judge(samples, taken, report);
}

static int usage(void) {
  fprintf(stderr, "usage: soak cpu|opencl|cuda [--charts N] [--cycles N] [--report]\n");
  return 64;
}

int main(int argc, char **argv) {
  int64_t charts = 1000000, cycles = 10000;
  bool report = false;
  tlw_backend backend = TLW_BACKEND_AUTO;
  for (int b = TLW_BACKEND_CPU; b <= TLW_BACKEND_CUDA && argc > 1; b++)
    if (strcmp(argv[1], tlw_backend_name((tlw_backend)b)) == 0) backend = (tlw_backend)b;
  if (backend == TLW_BACKEND_AUTO) return usage();
  for (int i = 2; i < argc; i++) {
    const bool has_value = i + 1 < argc;
    if (strcmp(argv[i], "--report") == 0)
      report = true;
    else if (strcmp(argv[i], "--charts") == 0 && has_value)
      charts = strtoll(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--cycles") == 0 && has_value)
      cycles = strtoll(argv[++i], NULL, 10);
    else
      return usage();
  }
  if (charts < SAMPLES || cycles < SAMPLES) return usage();
  mallopt(M_ARENA_MAX, 2); /* how many arenas threads happen to use is not what is asked here */
  fill_rows();
  const bool flat = soak_charts(backend, charts, report);
  return soak_cycles(backend, cycles, report) && flat ? 0 : 1;
}
