#include "auto_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/fault.h"
#include "stream_kit.h"

#define TICKS (1 << 16) /* of the least chunk that a device joins */
#define MANY_TICKS (3 * TICKS)

char auto_folder[] = "/tmp/tallow_auto_XXXXXX";
tlw_device auto_cuda;
auto_out auto_got, auto_wanted;

static double prices[5][AUTO_ROWS];
static float floats[AUTO_ROWS];
static int64_t ticks[3][MANY_TICKS];
static target_list targets;

/* ---- work ---- */

static void append(auto_out *out, const void *bytes, size_t size) {
  assert_true(size <= AUTO_OUT_SIZE - out->size);
  memcpy(out->bytes + out->size, bytes, size);
  out->size += size;
}

uint8_t *auto_room(auto_out *out, size_t size) {
  assert_true(size <= AUTO_OUT_SIZE - out->size);
  uint8_t *room = out->bytes + out->size;
  memset(room, 0x5a, size);
  out->size += size;
  return room;
}

tlw_candles auto_candles(int64_t n, int64_t *offsets, int64_t *counts) {
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = prices[0];
  candles.high = prices[1];
  candles.low = prices[2];
  candles.close = prices[3];
  candles.volume = prices[4];
  candles.n_rows = AUTO_ROWS;
  for (int64_t i = 0; i < n; i++) {
    offsets[i] = 17 * i;
    counts[i] = 40;
  }
  candles.offsets = offsets;
  candles.counts = counts;
  candles.n_series = n;
  return candles;
}

tlw_chart_options auto_chart(void) {
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = AUTO_WIDTH;
  chart.height = AUTO_HEIGHT;
  return chart;
}

static tlw_status draw_charts(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  int64_t offsets[AUTO_MANY], counts[AUTO_MANY];
  const int64_t n = large ? AUTO_MANY : AUTO_FEW;
  const tlw_candles candles = auto_candles(n, offsets, counts);
  const tlw_chart_options chart = auto_chart();
  const tlw_raster raster = {auto_room(out, (size_t)n * AUTO_IMAGE), (size_t)n * AUTO_IMAGE, AUTO_WIDTH, AUTO_IMAGE};
  return tlw_chart_render(engine, &candles, &chart, &raster, error);
}

static tlw_status take_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  const size_t rows = piece->row_stride ? (size_t)piece->rows : 1;
  const size_t width = piece->row_stride ? (size_t)piece->width : piece->size;
  for (size_t i = 0; i < rows; i++) append(user, piece->data + i * piece->row_stride, width);
  return TLW_OK;
}

tlw_status auto_stream(tlw_engine *const *engines, size_t n_engines, tlw_stream_format format, bool digest,
                       const char *batches, auto_out *out, tlw_error *error) {
  int64_t offsets[2][AUTO_MANY], counts[2][AUTO_MANY];
  const tlw_candles candles[2] = {auto_candles(AUTO_FEW, offsets[0], counts[0]),
                                  auto_candles(AUTO_MANY, offsets[1], counts[1])};
  const tlw_chart_options chart = auto_chart();
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = format;
  options.encoders = 2;
  options.digest = digest;
  options.sink = take_piece;
  options.sink_user = out;
  tlw_stream *stream;
  tlw_status status = tlw_stream_open(&stream, engines, n_engines, &options, error);
  for (; *batches && status == TLW_OK; batches++)
    status = tlw_stream_push(stream, &candles[*batches == 'L'], &chart, NULL, NULL, error);
  if (status == TLW_OK) status = tlw_stream_finish(stream, error);
  tlw_stream_close(&stream);
  return status;
}

static tlw_status stream_rasters(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return auto_stream(&engine, 1, TLW_STREAM_RASTER, false, large ? "L" : "s", out, error);
}

static tlw_status stream_files(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return auto_stream(&engine, 1, TLW_STREAM_PNG, false, large ? "L" : "s", out, error);
}

static tlw_status stream_digests(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return auto_stream(&engine, 1, TLW_STREAM_PNG, true, large ? "L" : "s", out, error);
}

/* Operations twice each, so that they count as one load. */
static tlw_status roll(tlw_engine *engine, bool large, tlw_type type, tlw_window_op op, auto_out *out,
                       tlw_error *error) {
  const int64_t n = large ? AUTO_ROWS : AUTO_FEW_ROWS;
  const void *const column[] = {type == TLW_TYPE_F32 ? (const void *)floats : prices[3], NULL};
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = column;
  batch.n_columns = 1;
  batch.type = type;
  batch.n_rows = n;
  tlw_window_spec specs[2];
  double *outputs[2];
  for (int i = 0; i < 2; i++) {
    tlw_window_spec_init(&specs[i], op, 20 + i);
    outputs[i] = (double *)(void *)auto_room(out, (size_t)n * sizeof(double));
  }
  return tlw_window_run(engine, &batch, specs, 2, outputs, error);
}

static tlw_status roll_fold(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F64, TLW_WINDOW_STD, out, error);
}

static tlw_status roll_floats(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F32, TLW_WINDOW_MEAN, out, error);
}

static tlw_status roll_order(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F64, TLW_WINDOW_MEDIAN, out, error);
}

static tlw_status roll_scan(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F32, TLW_WINDOW_EMA, out, error);
}

static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)error;
  append(user, bars, (size_t)n * sizeof *bars);
  return TLW_OK;
}

static tlw_status join_bars(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  const tlw_trades trades = {.struct_size = sizeof trades,
                             .n_rows = large ? MANY_TICKS : TICKS,
                             .time = ticks[0],
                             .price = ticks[1],
                             .quantity = ticks[2]};
  tlw_bars_options options;
  tlw_bars_options_init(&options, TLW_BARS_TICK, 100);
  tlw_bars *bars;
  tlw_status status = tlw_bars_open(&options, take_bars, out, engine, &bars, error);
  if (status == TLW_OK) status = tlw_bars_run(engine, &bars, &trades, 1, NULL, error);
  tlw_bars_close(&bars);
  return status;
}

tlw_status auto_draw_images(tlw_engine *engine, const tlw_image_options *options, int64_t n, tlw_buffer *buffer,
                            auto_out *out, tlw_error *error) {
  static int64_t offset, count = AUTO_ROWS;
  tlw_candles candles = auto_candles(1, &offset, &count);
  count = AUTO_ROWS;
  tlw_image_window windows[AUTO_MANY];
  for (int64_t i = 0; i < n; i++) windows[i] = (tlw_image_window){0, 10 + 7 * i}; /* the first have few bars */
  tlw_image_shape shape;
  assert_int_equal(tlw_image_shape_of(options, &shape, NULL), TLW_OK);
  if (buffer) return tlw_images_to_buffer(engine, &candles, options, windows, n, buffer, NULL, error);
  const size_t size = (size_t)n * shape.size;
  return tlw_images_draw(engine, &candles, options, windows, n, auto_room(out, size), size, NULL, error);
}

tlw_image_options auto_jkx_options(void) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.type = TLW_IMAGE_F32;
  return options;
}

static tlw_status draw_jkx(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  const tlw_image_options options = auto_jkx_options();
  return auto_draw_images(engine, &options, large ? AUTO_MANY : AUTO_FEW, NULL, out, error);
}

static tlw_status draw_chart_images(tlw_engine *engine, bool large, auto_out *out, tlw_error *error) {
  const tlw_chart_options chart = auto_chart();
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.style = TLW_IMAGES_CHART;
  options.chart = &chart;
  return auto_draw_images(engine, &options, large ? AUTO_MANY : AUTO_FEW, NULL, out, error);
}

const auto_job auto_jobs[] = {
    {"charts", TLW_WORK_CHARTS, AUTO_FEW *AUTO_IMAGE, AUTO_MANY *AUTO_IMAGE, draw_charts},
    {"a stream of rasters", TLW_WORK_CHARTS, AUTO_FEW *AUTO_IMAGE, AUTO_MANY *AUTO_IMAGE, stream_rasters},
    {"a stream of files", TLW_WORK_FILES, AUTO_FEW *AUTO_IMAGE, AUTO_MANY *AUTO_IMAGE, stream_files},
    {"a stream with digests", TLW_WORK_CHARTS, AUTO_FEW *AUTO_IMAGE, AUTO_MANY *AUTO_IMAGE, stream_digests},
    {"folds", TLW_WORK_FOLD, 2 * AUTO_FEW_ROWS, 2 * AUTO_ROWS, roll_fold},
    {"folds of floats", TLW_WORK_FOLD, 2 * AUTO_FEW_ROWS, 2 * AUTO_ROWS, roll_floats},
    {"medians", TLW_WORK_ORDER, 2 * AUTO_FEW_ROWS, 2 * AUTO_ROWS, roll_order},
    {"filters", TLW_WORK_SCAN, 2 * AUTO_FEW_ROWS, 2 * AUTO_ROWS, roll_scan},
    {"bars", TLW_WORK_BARS, TICKS, MANY_TICKS, join_bars},
    {"images", TLW_WORK_IMAGES, AUTO_FEW * 4 * 60 * 64, AUTO_MANY * 4 * 60 * 64, draw_jkx},
    {"images of charts", TLW_WORK_CHARTS, AUTO_FEW *AUTO_IMAGE, AUTO_MANY *AUTO_IMAGE, draw_chart_images},
};

/* ---- engines ---- */

void auto_remember(void *user, tlw_log_level level, const char *message) {
  (void)level;
  auto_log *log = user;
  snprintf(log->text[log->n++ % 64], sizeof log->text[0], "%s", message);
}

int auto_times_said(const auto_log *log, const char *part) {
  int n = 0;
  for (int i = 0; i < log->n && i < 64; i++) n += strstr(log->text[i], part) != NULL;
  return n;
}

tlw_engine_options auto_options(tlw_backend backend) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.threads = AUTO_THREADS;
  options.device_budget = 8 << 20;
  options.cache_dir = auto_folder;
  return options;
}

tlw_engine *auto_open_with(const tlw_engine_options *options) {
  tlw_engine *engine;
  tlw_error error;
  if (tlw_engine_open(&engine, options, &error) != TLW_OK) fail_msg("%s", error.message);
  return engine;
}

tlw_engine *auto_open(tlw_backend backend) {
  const tlw_engine_options options = auto_options(backend);
  return auto_open_with(&options);
}

tlw_backend auto_backend(const tlw_engine *engine) {
  tlw_device device;
  assert_int_equal(tlw_engine_describe(engine, &device, NULL), TLW_OK);
  return device.backend;
}

/* ---- planted tunings ---- */

/* Costs of a kind of work: the device takes a second, the CPU as long for so many units, and less for less. */
static void cost(struct tlw_tuning *tuning, enum tlw_work work, double crossover) {
  tuning->device[work] = (struct tlw_cost){.n = 1, .units = {1e13}, .seconds = {1}};
  /* With a point up to which it is sure that the CPU is faster. */
  tuning->cpu[work] =
      (struct tlw_cost){.n = 3, .units = {1, crossover / 5, 100 * crossover}, .seconds = {1 / crossover, 0.2, 100}};
}

void auto_plant_tuning(const struct tlw_tuning *tuning) {
  char path[2000];
  assert_true(tlw_tuning_store(auto_folder, &auto_cuda, AUTO_THREADS, tuning, path, sizeof path));
}

void auto_plant(double crossover) {
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++) cost(&tuning, (enum tlw_work)work, crossover);
  auto_plant_tuning(&tuning);
}

void auto_plant_middle(void) {
  struct tlw_tuning tuning = {.measured = true};
  for (size_t i = 0; i < AUTO_JOBS; i++)
    cost(&tuning, auto_jobs[i].work, sqrt(auto_jobs[i].small * auto_jobs[i].large));
  auto_plant_tuning(&tuning);
}

/* ---- jobs ---- */

/* What jobs give, as far as it was asked for. */
static struct {
  size_t size;
  void *bytes;
} results[AUTO_JOBS][2];

static void find_result(size_t i, bool large) {
  tlw_engine *engine = auto_open(TLW_BACKEND_CPU);
  tlw_error error;
  auto_wanted.size = 0;
  if (auto_jobs[i].run(engine, large, &auto_wanted, &error) != TLW_OK)
    fail_msg("%s: %s", auto_jobs[i].name, error.message);
  tlw_engine_close(&engine);
  assert_true(auto_wanted.size > 0);
  results[i][large].size = auto_wanted.size;
  results[i][large].bytes = malloc(auto_wanted.size);
  assert_non_null(results[i][large].bytes);
  memcpy(results[i][large].bytes, auto_wanted.bytes, auto_wanted.size);
}

void auto_want(const auto_job *job, bool large) {
  const size_t i = (size_t)(job - auto_jobs);
  if (!results[i][large].bytes) find_result(i, large);
  auto_wanted.size = 0;
  append(&auto_wanted, results[i][large].bytes, results[i][large].size);
}

void auto_compare(const char *name) {
  if (auto_got.size != auto_wanted.size || memcmp(auto_got.bytes, auto_wanted.bytes, auto_wanted.size) != 0)
    fail_msg("%s: not the same bytes", name);
}

tlw_status auto_try(const auto_job *job, bool large, tlw_engine *engine, tlw_error *error) {
  auto_got.size = 0;
  const tlw_status status = job->run(engine, large, &auto_got, error);
  if (status == TLW_OK) auto_compare(job->name);
  return status;
}

void auto_run(const auto_job *job, bool large, tlw_engine *engine) {
  tlw_error error;
  if (auto_try(job, large, engine, &error) != TLW_OK) fail_msg("%s: %s", job->name, error.message);
}

void auto_runs_on(const auto_job *job, bool large, bool cpu, tlw_engine *engine) {
  const tlw_stats before = kit_stats(engine);
  auto_run(job, large, engine);
  const tlw_stats after = kit_stats(engine);
  if (after.to_cpu - before.to_cpu != cpu || (after.launches == before.launches) != cpu)
    fail_msg("%s, %s: to_cpu grew by %d, launches by %d", job->name, large ? "large" : "small",
             (int)(after.to_cpu - before.to_cpu), (int)(after.launches - before.launches));
  assert_int_equal(auto_backend(engine), TLW_BACKEND_CUDA);
}

/* ---- the test group ---- */

int auto_prepare(void **state) {
  (void)state;
  static char program[] = "auto", target_name[] = "cuda";
  char *arguments[] = {program, target_name};
  if (!kit_open(&targets, 2, arguments) || !kit_soft.set || !mkdtemp(auto_folder)) return -1;
  for (int i = 0; i < AUTO_ROWS; i++) {
    prices[0][i] = 100 + i * 7 % 13;
    prices[3][i] = 100 + i * 11 % 17;
    prices[1][i] = 120 + i % 3;
    prices[2][i] = 90 - i % 5;
    prices[4][i] = i * 31 % 101;
    floats[i] = (float)prices[3][i] / 3;
  }
  for (int64_t i = 0; i < MANY_TICKS; i++) {
    ticks[0][i] = i;
    ticks[1][i] = 1000 + i * 37 % 101;
    ticks[2][i] = 1 + i * 11 % 7;
  }
  tlw_engine *engine = auto_open(TLW_BACKEND_CUDA);
  const tlw_status status = tlw_engine_describe(engine, &auto_cuda, NULL);
  tlw_engine_close(&engine);
  return status == TLW_OK ? 0 : -1;
}

int auto_finish(void **state) {
  (void)state;
  kit_close();
  for (size_t i = 0; i < AUTO_JOBS; i++)
    for (int large = 0; large < 2; large++) free(results[i][large].bytes);
  DIR *files = opendir(auto_folder);
  if (!files) return -1;
  for (struct dirent *entry; (entry = readdir(files));)
    if (entry->d_name[0] != '.') unlinkat(dirfd(files), entry->d_name, 0);
  closedir(files);
  return rmdir(auto_folder);
}

int auto_healthy(void **state) {
  (void)state;
  tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
  return kit_soft.restart();
}
