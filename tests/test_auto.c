/*
 * Engines for TLW_BACKEND_AUTO that have a device, here the software CUDA driver, and choose a backend for each batch:
 * with planted costs it is known which one each has to run on. What comes out never depends on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/fault.h"
#include "host/engine/aim.h"
#include "host/engine/engine.h"
#include "host/engine/tuning.h"
#include "stream_kit.h"

#define ROWS 4000
#define WIDTH 64
#define HEIGHT 48
#define IMAGE (WIDTH * HEIGHT)
#define FEW 2   /* charts of a small batch */
#define MANY 30 /* of a large one */
#define FEW_ROWS 100
#define TICKS (1 << 16) /* of the least chunk that a device joins */
#define MANY_TICKS (3 * TICKS)
#define OUT_SIZE (8u << 20)
#define THREADS 2

static double prices[5][ROWS];
static float floats[ROWS];
static int64_t ticks[3][MANY_TICKS];
static char folder[] = "/tmp/tallow_auto_XXXXXX";
static tlw_device cuda;
static target_list targets;

/* ---- work ---- */

/* Where results go, one behind the other. */
struct out {
  size_t size;
  uint8_t bytes[OUT_SIZE];
};

static struct out got, wanted;

static void append(struct out *out, const void *bytes, size_t size) {
  assert_true(size <= OUT_SIZE - out->size);
  memcpy(out->bytes + out->size, bytes, size);
  out->size += size;
}

static uint8_t *room_for(struct out *out, size_t size) {
  assert_true(size <= OUT_SIZE - out->size);
  uint8_t *room = out->bytes + out->size;
  memset(room, 0x5a, size);
  out->size += size;
  return room;
}

/* n series of 40 rows each, that overlap. */
static tlw_candles candles_of(int64_t n, int64_t *offsets, int64_t *counts) {
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = prices[0];
  candles.high = prices[1];
  candles.low = prices[2];
  candles.close = prices[3];
  candles.volume = prices[4];
  candles.n_rows = ROWS;
  for (int64_t i = 0; i < n; i++) {
    offsets[i] = 17 * i;
    counts[i] = 40;
  }
  candles.offsets = offsets;
  candles.counts = counts;
  candles.n_series = n;
  return candles;
}

static tlw_chart_options chart_of(void) {
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = WIDTH;
  chart.height = HEIGHT;
  return chart;
}

static tlw_status draw_charts(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  int64_t offsets[MANY], counts[MANY];
  const int64_t n = large ? MANY : FEW;
  const tlw_candles candles = candles_of(n, offsets, counts);
  const tlw_chart_options chart = chart_of();
  const tlw_raster raster = {room_for(out, (size_t)n * IMAGE), (size_t)n * IMAGE, WIDTH, IMAGE};
  return tlw_chart_render(engine, &candles, &chart, &raster, error);
}

static tlw_status take_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  const size_t rows = piece->row_stride ? (size_t)piece->rows : 1;
  const size_t width = piece->row_stride ? (size_t)piece->width : piece->size;
  for (size_t i = 0; i < rows; i++) append(user, piece->data + i * piece->row_stride, width);
  return TLW_OK;
}

/* Batches one behind the other: for each letter a small (s) or a large (L) one. */
static tlw_status stream_charts(tlw_engine *const *engines, size_t n_engines, tlw_stream_format format, bool digest,
                                const char *batches, struct out *out, tlw_error *error) {
  int64_t offsets[2][MANY], counts[2][MANY];
  const tlw_candles candles[2] = {candles_of(FEW, offsets[0], counts[0]), candles_of(MANY, offsets[1], counts[1])};
  const tlw_chart_options chart = chart_of();
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

static tlw_status stream_rasters(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return stream_charts(&engine, 1, TLW_STREAM_RASTER, false, large ? "L" : "s", out, error);
}

static tlw_status stream_files(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return stream_charts(&engine, 1, TLW_STREAM_PNG, false, large ? "L" : "s", out, error);
}

static tlw_status stream_digests(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return stream_charts(&engine, 1, TLW_STREAM_PNG, true, large ? "L" : "s", out, error);
}

/* Operations twice each, so that they count as one load. */
static tlw_status roll(tlw_engine *engine, bool large, tlw_type type, tlw_window_op op, struct out *out,
                       tlw_error *error) {
  const int64_t n = large ? ROWS : FEW_ROWS;
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
    outputs[i] = (double *)(void *)room_for(out, (size_t)n * sizeof(double));
  }
  return tlw_window_run(engine, &batch, specs, 2, outputs, error);
}

static tlw_status roll_fold(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F64, TLW_WINDOW_STD, out, error);
}

static tlw_status roll_floats(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F32, TLW_WINDOW_MEAN, out, error);
}

static tlw_status roll_order(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F64, TLW_WINDOW_MEDIAN, out, error);
}

static tlw_status roll_scan(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  return roll(engine, large, TLW_TYPE_F32, TLW_WINDOW_EMA, out, error);
}

static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)error;
  append(user, bars, (size_t)n * sizeof *bars);
  return TLW_OK;
}

static tlw_status join_bars(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
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

static tlw_status draw_images(tlw_engine *engine, const tlw_image_options *options, int64_t n, tlw_buffer *buffer,
                              struct out *out, tlw_error *error) {
  static int64_t offset, count = ROWS;
  tlw_candles candles = candles_of(1, &offset, &count);
  count = ROWS;
  tlw_image_window windows[MANY];
  for (int64_t i = 0; i < n; i++) windows[i] = (tlw_image_window){0, 10 + 7 * i}; /* the first have few bars */
  tlw_image_shape shape;
  assert_int_equal(tlw_image_shape_of(options, &shape, NULL), TLW_OK);
  if (buffer) return tlw_images_to_buffer(engine, &candles, options, windows, n, buffer, NULL, error);
  const size_t size = (size_t)n * shape.size;
  return tlw_images_draw(engine, &candles, options, windows, n, room_for(out, size), size, NULL, error);
}

static tlw_image_options jkx_options(void) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.type = TLW_IMAGE_F32;
  return options;
}

static tlw_status draw_jkx(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  const tlw_image_options options = jkx_options();
  return draw_images(engine, &options, large ? MANY : FEW, NULL, out, error);
}

static tlw_status draw_chart_images(tlw_engine *engine, bool large, struct out *out, tlw_error *error) {
  const tlw_chart_options chart = chart_of();
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.style = TLW_IMAGES_CHART;
  options.chart = &chart;
  return draw_images(engine, &options, large ? MANY : FEW, NULL, out, error);
}

static const struct job {
  const char *name;
  enum tlw_work work;
  double small, large; /* units */
  tlw_status (*run)(tlw_engine *engine, bool large, struct out *out, tlw_error *error);
} jobs[] = {
    {"charts", TLW_WORK_CHARTS, FEW *IMAGE, MANY *IMAGE, draw_charts},
    {"a stream of rasters", TLW_WORK_CHARTS, FEW *IMAGE, MANY *IMAGE, stream_rasters},
    {"a stream of files", TLW_WORK_FILES, FEW *IMAGE, MANY *IMAGE, stream_files},
    {"a stream with digests", TLW_WORK_CHARTS, FEW *IMAGE, MANY *IMAGE, stream_digests},
    {"folds", TLW_WORK_FOLD, 2 * FEW_ROWS, 2 * ROWS, roll_fold},
    {"folds of floats", TLW_WORK_FOLD, 2 * FEW_ROWS, 2 * ROWS, roll_floats},
    {"medians", TLW_WORK_ORDER, 2 * FEW_ROWS, 2 * ROWS, roll_order},
    {"filters", TLW_WORK_SCAN, 2 * FEW_ROWS, 2 * ROWS, roll_scan},
    {"bars", TLW_WORK_BARS, TICKS, MANY_TICKS, join_bars},
    {"images", TLW_WORK_IMAGES, FEW * 4 * 60 * 64, MANY * 4 * 60 * 64, draw_jkx},
    {"images of charts", TLW_WORK_CHARTS, FEW *IMAGE, MANY *IMAGE, draw_chart_images},
};
#define JOBS (sizeof jobs / sizeof *jobs)

/* ---- engines ---- */

struct log {
  int n;
  char text[64][600];
};

static void remember(void *user, tlw_log_level level, const char *message) {
  (void)level;
  struct log *log = user;
  snprintf(log->text[log->n++ % 64], sizeof log->text[0], "%s", message);
}

static int times_said(const struct log *log, const char *part) {
  int n = 0;
  for (int i = 0; i < log->n && i < 64; i++) n += strstr(log->text[i], part) != NULL;
  return n;
}

static tlw_engine_options options_for(tlw_backend backend) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.threads = THREADS;
  options.device_budget = 8 << 20;
  options.cache_dir = folder;
  return options;
}

static tlw_engine *open_with(const tlw_engine_options *options) {
  tlw_engine *engine;
  tlw_error error;
  if (tlw_engine_open(&engine, options, &error) != TLW_OK) fail_msg("%s", error.message);
  return engine;
}

static tlw_engine *open_for(tlw_backend backend) {
  const tlw_engine_options options = options_for(backend);
  return open_with(&options);
}

static tlw_stats stats_of(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats;
}

static tlw_backend backend_of(const tlw_engine *engine) {
  tlw_device device;
  assert_int_equal(tlw_engine_describe(engine, &device, NULL), TLW_OK);
  return device.backend;
}

#define ALL_ON_DEVICE 0.5
#define ALL_ON_CPU 1e12

/* Costs of a kind of work: the device takes a second, the CPU as long for so many units, and less for less. */
static void cost(struct tlw_tuning *tuning, enum tlw_work work, double crossover) {
  tuning->device[work] = (struct tlw_cost){.n = 1, .units = {1e13}, .seconds = {1}};
  /* With a point up to which it is sure that the CPU is faster. */
  tuning->cpu[work] =
      (struct tlw_cost){.n = 3, .units = {1, crossover / 5, 100 * crossover}, .seconds = {1 / crossover, 0.2, 100}};
}

static void plant_tuning(const struct tlw_tuning *tuning) {
  char path[2000];
  assert_true(tlw_tuning_store(folder, &cuda, THREADS, tuning, path, sizeof path));
}

static void plant(double crossover) {
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++) cost(&tuning, (enum tlw_work)work, crossover);
  plant_tuning(&tuning);
}

/* Crossovers in the middle of each job's sizes. */
static void plant_middle(void) {
  struct tlw_tuning tuning = {.measured = true};
  for (size_t i = 0; i < JOBS; i++) cost(&tuning, jobs[i].work, sqrt(jobs[i].small * jobs[i].large));
  plant_tuning(&tuning);
}

/* What jobs give, as far as it was asked for. */
static struct {
  size_t size;
  void *bytes;
} results[JOBS][2];

static void find_result(size_t i, bool large) {
  tlw_engine *engine = open_for(TLW_BACKEND_CPU);
  tlw_error error;
  wanted.size = 0;
  if (jobs[i].run(engine, large, &wanted, &error) != TLW_OK) fail_msg("%s: %s", jobs[i].name, error.message);
  tlw_engine_close(&engine);
  assert_true(wanted.size > 0);
  results[i][large].size = wanted.size;
  results[i][large].bytes = malloc(wanted.size);
  assert_non_null(results[i][large].bytes);
  memcpy(results[i][large].bytes, wanted.bytes, wanted.size);
}

static void want(const struct job *job, bool large) {
  const size_t i = (size_t)(job - jobs);
  if (!results[i][large].bytes) find_result(i, large);
  wanted.size = 0;
  append(&wanted, results[i][large].bytes, results[i][large].size);
}

static void compare(const char *name) {
  if (got.size != wanted.size || memcmp(got.bytes, wanted.bytes, wanted.size) != 0)
    fail_msg("%s: not the same bytes", name);
}

static tlw_status try_job(const struct job *job, bool large, tlw_engine *engine, tlw_error *error) {
  got.size = 0;
  const tlw_status status = job->run(engine, large, &got, error);
  if (status == TLW_OK) compare(job->name);
  return status;
}

static void run_job(const struct job *job, bool large, tlw_engine *engine) {
  tlw_error error;
  if (try_job(job, large, engine, &error) != TLW_OK) fail_msg("%s: %s", job->name, error.message);
}

/* Runs the job, and looks at where it ran. */
static void runs_on(const struct job *job, bool large, bool cpu, tlw_engine *engine) {
  const tlw_stats before = stats_of(engine);
  run_job(job, large, engine);
  const tlw_stats after = stats_of(engine);
  if (after.to_cpu - before.to_cpu != cpu || (after.launches == before.launches) != cpu)
    fail_msg("%s, %s: to_cpu grew by %d, launches by %d", job->name, large ? "large" : "small",
             (int)(after.to_cpu - before.to_cpu), (int)(after.launches - before.launches));
  assert_int_equal(backend_of(engine), TLW_BACKEND_CUDA);
}

static int prepare(void **state) {
  (void)state;
  static char program[] = "test_auto", target_name[] = "cuda";
  char *arguments[] = {program, target_name};
  if (!kit_open(&targets, 2, arguments) || !kit_soft.set || !mkdtemp(folder)) return -1;
  for (int i = 0; i < ROWS; i++) {
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
  tlw_engine *engine = open_for(TLW_BACKEND_CUDA);
  const tlw_status status = tlw_engine_describe(engine, &cuda, NULL);
  tlw_engine_close(&engine);
  return status == TLW_OK ? 0 : -1;
}

static int finish(void **state) {
  (void)state;
  kit_close();
  for (size_t i = 0; i < JOBS; i++)
    for (int large = 0; large < 2; large++) free(results[i][large].bytes);
  DIR *files = opendir(folder);
  if (!files) return -1;
  for (struct dirent *entry; (entry = readdir(files));)
    if (entry->d_name[0] != '.') unlinkat(dirfd(files), entry->d_name, 0);
  closedir(files);
  return rmdir(folder);
}

/* Before each test: a healthy driver, and no fault. */
static int healthy(void **state) {
  (void)state;
  tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
  return kit_soft.restart();
}

/* ---- choices ---- */

/* Each job by itself, to and fro. */
static void test_each_kind_of_work(void **state) {
  (void)state;
  static const bool turns[] = {false, true, true, false, true, false, false};
  plant_middle();
  for (size_t i = 0; i < JOBS; i++) {
    tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
    for (size_t k = 0; k < sizeof turns / sizeof *turns; k++) {
      want(&jobs[i], turns[k]);
      runs_on(&jobs[i], turns[k], !turns[k], engine);
    }
    tlw_engine_close(&engine);
  }
}

/* All of them on one engine, with resets in between. */
static void test_all_kinds_on_one_engine(void **state) {
  (void)state;
  plant_middle();
  tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
  for (int turn = 0; turn < 6; turn++) {
    for (size_t i = 0; i < JOBS; i++) {
      const bool large = ((size_t)turn + i) % 2;
      want(&jobs[i], large);
      runs_on(&jobs[i], large, !large, engine);
      if (i % 4 == 3)
        assert_int_equal(tlw_engine_reset(engine, (tlw_reset)(turn % 2 ? TLW_RESET_SESSION : TLW_RESET_MEMORY), NULL),
                         TLW_OK);
    }
  }
  assert_int_equal(stats_of(engine).to_cpu, 6 * JOBS / 2);
  assert_int_equal(tlw_engine_reset(engine, TLW_RESET_STATS, NULL), TLW_OK);
  assert_int_equal(stats_of(engine).to_cpu, 0);
  tlw_engine_close(&engine);
}

/* A backend that was asked for by name is never replaced. */
static void test_named_backends_do_not_choose(void **state) {
  (void)state;
  plant(ALL_ON_CPU);
  tlw_engine *engine = open_for(TLW_BACKEND_CUDA);
  for (size_t i = 0; i < JOBS; i++) {
    want(&jobs[i], false);
    runs_on(&jobs[i], false, false, engine);
  }
  tlw_engine_close(&engine);
}

/* A device whose every cost is above the CPU's is passed over by AUTO alone. */
static void test_never(void **state) {
  (void)state;
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++) {
    tuning.device[work] = (struct tlw_cost){.n = 2, .units = {10, 1e6}, .seconds = {1e-3, 1e-1}};
    tuning.cpu[work] = (struct tlw_cost){.n = 2, .units = {10, 1e6}, .seconds = {1e-7, 1e-5}};
  }
  plant_tuning(&tuning);
  struct log log = {0};
  tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
  options.log = remember;
  options.log_user = &log;
  tlw_engine *engine = open_with(&options);
  assert_int_equal(backend_of(engine), TLW_BACKEND_CPU);
  assert_true(stats_of(engine).passed_over >= 1);
  assert_int_equal(times_said(&log, "measured by tallow tune: the CPU is faster for everything here"), 1);
  want(&jobs[0], true);
  run_job(&jobs[0], true, engine);
  assert_int_equal(stats_of(engine).to_cpu, 0);
  tlw_engine_close(&engine);
  engine = open_for(TLW_BACKEND_CUDA);
  runs_on(&jobs[0], true, false, engine);
  tlw_engine_close(&engine);
  /* One kind of work that is faster on the device, and it is taken. */
  tuning.device[TLW_WORK_SCAN].seconds[1] = 1e-6;
  plant_tuning(&tuning);
  engine = open_for(TLW_BACKEND_AUTO);
  assert_int_equal(backend_of(engine), TLW_BACKEND_CUDA);
  tlw_engine_close(&engine);
}

static struct tlw_tuning tuning_of(double device, double cpu) {
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++) {
    tuning.device[work] = (struct tlw_cost){.n = 1, .units = {1}, .seconds = {device}};
    tuning.cpu[work] = (struct tlw_cost){.n = 1, .units = {1}, .seconds = {cpu}};
  }
  return tuning;
}

/* Where a device is measured to be slower, another is taken if it was measured to be faster, never by an estimate. */
static void test_never_of_the_first_of_two(void **state) {
  (void)state;
  assert_int_equal(kit_soft.set("devices=2"), 0);
  const struct tlw_tuning never = tuning_of(1, 1e-6), always = tuning_of(1e-6, 1);
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  options.device = "1";
  tlw_engine *engine = open_with(&options);
  tlw_device second;
  assert_int_equal(tlw_engine_describe(engine, &second, NULL), TLW_OK);
  tlw_engine_close(&engine);
  assert_string_not_equal(second.uuid, cuda.uuid);
  plant_tuning(&never);
  struct log log = {0};
  options = options_for(TLW_BACKEND_AUTO);
  options.log = remember;
  options.log_user = &log;
  engine = open_with(&options);
  assert_int_equal(backend_of(engine), TLW_BACKEND_CPU);
  assert_int_equal(times_said(&log, "measured by tallow tune: the CPU is faster for everything here"), 1);
  assert_true(times_said(&log, "not measured by tallow tune, and the CPU is faster than a device that was") >= 1);
  tlw_engine_close(&engine);
  char path[2000];
  assert_true(tlw_tuning_store(folder, &second, THREADS, &always, path, sizeof path));
  engine = open_with(&options);
  tlw_device taken;
  assert_int_equal(tlw_engine_describe(engine, &taken, NULL), TLW_OK);
  assert_string_equal(taken.uuid, second.uuid);
  tlw_engine_close(&engine);
  assert_int_equal(unlink(path), 0);
}

static void test_log(void **state) {
  (void)state;
  plant_middle();
  for (int measured = 0; measured < 2; measured++) {
    struct log log = {0};
    tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
    options.log = remember;
    options.log_user = &log;
    if (!measured) options.cache_dir = "";
    tlw_engine *engine = open_with(&options);
    for (int turn = 0; turn < 3; turn++)
      for (size_t i = 0; i < JOBS; i++) {
        want(&jobs[i], false);
        run_job(&jobs[i], false, engine);
      }
    assert_int_equal(times_said(&log, "charts of this size are given to the CPU: "), 1);
    if (measured)
      for (int work = 0; work < TLW_WORKS; work++) {
        char part[100];
        snprintf(part, sizeof part, "%s of this size are given to the CPU: ", tlw_work_name((enum tlw_work)work));
        assert_int_equal(times_said(&log, part), 1);
      }
    const int said = times_said(&log, measured ? "(measured)" : "(estimated)");
    if (measured)
      assert_int_equal(said, TLW_WORKS);
    else
      assert_true(said > 0);
    assert_int_equal(times_said(&log, measured ? "(estimated)" : "(measured)"), 0);
    tlw_engine_close(&engine);
  }
}

/* What tables tell is decided at once, behind a first batch that was logged; what they don't is not decided. */
static void test_at_once(void **state) {
  (void)state;
  plant_middle();
  tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
  const struct tlw_load small = {.work = TLW_WORK_FOLD, .units = FEW_ROWS, .extra = 1, .heft = TLW_HEFT_ALIKE};
  struct tlw_load unknown[3] = {small, small, small};
  unknown[0].units = 2 * ROWS;
  unknown[1].heft = TLW_HEFT_ANY;
  unknown[1].units = 2 * FEW_ROWS;
  unknown[2].sharers = 2;
  for (int told = 0; told < 2; told++) {
    assert_int_equal(tlw_engine_begin(engine, NULL), TLW_OK);
    const uint64_t before = stats_of(engine).to_cpu;
    for (int i = 0; i < 3; i++) assert_false(tlw_aim_at_once(engine, &unknown[i], 1));
    assert_false(tlw_aim_is_at_cpu(engine));
    assert_int_equal(tlw_aim_at_once(engine, &small, 1), told);
    assert_int_equal(tlw_aim_is_at_cpu(engine), told);
    assert_int_equal(stats_of(engine).to_cpu, before + (uint64_t)told);
    if (!told) tlw_aim(engine, &small, 1);
    assert_true(tlw_aim_is_at_cpu(engine));
    tlw_engine_end(engine);
  }
  tlw_engine_close(&engine);
}

/* What is left on a device is drawn there, and buffers are its own. */
static void test_buffers_stay_on_the_device(void **state) {
  (void)state;
  plant(ALL_ON_CPU);
  tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
  want(&jobs[9], false);
  runs_on(&jobs[9], false, true, engine);
  const tlw_image_options options = jkx_options();
  const tlw_stats before = stats_of(engine);
  tlw_buffer buffer;
  tlw_error error;
  if (draw_images(engine, &options, FEW, &buffer, NULL, &error) != TLW_OK) fail_msg("%s", error.message);
  const tlw_stats after = stats_of(engine);
  assert_int_equal(after.to_cpu, before.to_cpu);
  assert_true(after.launches > before.launches && after.pool_bytes.current > 0);
  runs_on(&jobs[9], false, true, engine);
  got.size = 0;
  uint8_t *bytes = room_for(&got, wanted.size);
  assert_int_equal(tlw_buffer_read(engine, buffer, 0, bytes, wanted.size, NULL), TLW_OK);
  compare("a buffer");
  assert_int_equal(stats_of(engine).pool_bytes.current, after.pool_bytes.current);
  assert_int_equal(tlw_buffer_free(engine, &buffer, NULL), TLW_OK);
  tlw_engine_close(&engine);
}

/* ---- streams ---- */

/* Batches that alternate between backends arrive in order, on one engine and on two. */
static void test_streams_alternate(void **state) {
  (void)state;
  static const char batches[] = "sLssLLsLs";
  plant_middle();
  for (int format = 0; format < 4; format++) {
    const tlw_stream_format to = format == 0 ? TLW_STREAM_RASTER : TLW_STREAM_PNG;
    tlw_engine *cpu = open_for(TLW_BACKEND_CPU);
    tlw_error error;
    wanted.size = 0;
    assert_int_equal(stream_charts(&cpu, 1, to, format == 2, batches, &wanted, NULL), TLW_OK);
    tlw_engine *engines[2] = {open_for(TLW_BACKEND_AUTO), cpu};
    for (size_t n = 1; n <= 2; n++) {
      got.size = 0;
      if (stream_charts(engines, n, to, format == 2, batches, &got, &error) != TLW_OK) fail_msg("%s", error.message);
      compare("a stream");
      if (n == 1) {
        assert_int_equal(stats_of(engines[0]).to_cpu, 5);
        assert_true(stats_of(engines[0]).launches > 0);
        assert_int_equal(stats_of(engines[0]).charts, 5 * FEW + 4 * MANY);
      }
    }
    assert_int_equal(stats_of(cpu).to_cpu, 0);
    tlw_engine_close(&engines[0]);
    tlw_engine_close(&cpu);
  }
}

/* ---- any plans within budgets ---- */

static tlw_status stream_plan(const kit_plan *plan, int format, tlw_engine *engine, tlw_error *error) {
  kit_run run;
  kit_run_open(&run, plan, format == 0 ? TLW_STREAM_RASTER : TLW_STREAM_PNG);
  run.digest = format == 2;
  const tlw_stream_options options = kit_options(&run, 3, 2);
  tlw_stream *stream;
  rng r = {plan->seed};
  tlw_status status = tlw_stream_open(&stream, &engine, 1, &options, error);
  if (status == TLW_OK) status = kit_feed(&run, stream, 0, &r, NULL, error);
  if (status == TLW_OK) status = tlw_stream_finish(stream, error);
  if (status == TLW_OK) assert_int_equal(run.delivered, plan->n_charts);
  tlw_stream_close(&stream);
  kit_run_close(&run);
  return status;
}

static tlw_status render_batch(const kit_batch *batch, tlw_engine *engine, tlw_error *error) {
  const size_t image = (size_t)batch->options.width * (size_t)batch->options.height;
  got.size = 0;
  uint8_t *pixels = room_for(&got, image * (size_t)batch->n_series);
  const tlw_candles candles = kit_view(batch);
  const tlw_raster raster = {pixels, got.size, (size_t)batch->options.width, image};
  const tlw_status status = tlw_chart_render(engine, &candles, &batch->options, &raster, error);
  if (status == TLW_OK) assert_memory_equal(pixels, batch->expected, got.size);
  return status;
}

/* A stream, renders, and after a reset the stream again. */
static tlw_status do_plan(const kit_plan *plan, int format, const tlw_engine_options *options, tlw_error *error) {
  tlw_engine *engine;
  tlw_status status = tlw_engine_open(&engine, options, error);
  if (status == TLW_OK) status = stream_plan(plan, format, engine, error);
  for (int i = 0; i < plan->n_batches && status == TLW_OK; i++) status = render_batch(&plan->batches[i], engine, error);
  if (status == TLW_OK) status = tlw_engine_reset(engine, TLW_RESET_MEMORY, error);
  if (status == TLW_OK) status = stream_plan(plan, format, engine, error);
  if (engine) assert_true(stats_of(engine).host_bytes.peak <= options->host_budget);
  tlw_engine_close(&engine);
  return status;
}

/* The budget that does, from one on, by what refusals say. */
static uint64_t least_for(const kit_plan *plan, int format, tlw_backend backend, uint64_t budget, int most_refusals) {
  tlw_engine_options options = options_for(backend);
  options.host_budget = budget;
  tlw_error error;
  tlw_status status;
  while ((status = do_plan(plan, format, &options, &error)) == TLW_ERR_BUDGET) {
    if (most_refusals-- == 0) fail_msg("seed %d: %s", (int)plan->seed, error.message);
    assert_true(error.bytes > options.host_budget);
    options.host_budget = error.bytes;
  }
  if (status != TLW_OK) fail_msg("seed %d: %s", (int)plan->seed, error.message);
  return options.host_budget;
}

/*
 * What the device alone can do within a budget is done within it, wherever batches go, and the images are the same. Series
 * in chunks hold memory beside the charts before them, as the threads come: of plans with these a few are refused.
 */
static void test_plans(void **state) {
  (void)state;
  static const uint64_t more[] = {0, 100000, 250000, 600000, 1500000, UINT64_MAX};
  static kit_plan plan;
  for (int64_t seed = 1; seed <= kit_cases(4); seed++) {
    const int format = (int)(seed % 3);
    const kit_shape shape = {
        .batches = 6, .most_side = 200, .most_rows = 1500, .most_series = 10, .plain = seed % 2 == 0};
    kit_plan_open(&plan, (uint64_t)seed, &shape);
    const uint64_t least = least_for(&plan, format, TLW_BACKEND_CUDA, 1, 500);
    for (size_t i = 0; i < sizeof more / sizeof *more; i += kit_in_full() ? 1 : 2) {
      plant(i % 3 == 1 ? ALL_ON_CPU : 20000 << (2 * ((size_t)seed + i) % 6));
      least_for(&plan, format, TLW_BACKEND_AUTO, more[i] == UINT64_MAX ? more[i] : least + more[i],
                shape.plain ? 0 : 60);
    }
    kit_plan_close(&plan);
  }
}

/* ---- lack of memory ---- */

/* Every job in one stretch, small and large in turns. */
static tlw_status run_all(const tlw_engine_options *options, tlw_error *error) {
  tlw_engine *engine;
  tlw_status status = tlw_engine_open(&engine, options, error);
  for (size_t i = 0; i < 2 * JOBS && status == TLW_OK; i++) {
    const struct job *job = &jobs[i * 3 % JOBS];
    want(job, i % 2);
    status = try_job(job, i % 2, engine, error);
  }
  if (engine) assert_true(stats_of(engine).host_bytes.peak <= options->host_budget);
  tlw_engine_close(&engine);
  return status;
}

/* The least host budget under which the named device does all of it is enough for AUTO, however it chooses. */
static void test_budgets(void **state) {
  (void)state;
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_error error = {.bytes = 1};
  do {
    assert_true(error.bytes > options.host_budget || options.host_budget == TLW_BUDGET_AUTO);
    options.host_budget = error.bytes;
  } while (run_all(&options, &error) == TLW_ERR_BUDGET);
  const uint64_t least = options.host_budget;
  options.backend = TLW_BACKEND_AUTO;
  options.allow_fallback = TLW_FALLBACK_OFF;
  for (int where = 0; where < 3; where++) {
    if (where == 0) plant_middle();
    if (where > 0) plant(where == 1 ? ALL_ON_CPU : ALL_ON_DEVICE);
    for (uint64_t more = 0; more < (UINT64_C(4) << 20); more = (kit_in_full() ? 4 : 12) * more + 30000) {
      options.host_budget = least + more;
      if (run_all(&options, &error) != TLW_OK) fail_msg("%llu more: %s", (unsigned long long)more, error.message);
    }
  }
}

/* A small, a large and a small batch of one job. */
static tlw_status run_in_turns(const struct job *job, tlw_engine *engine, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int turn = 0; turn < 3 && status == TLW_OK; turn++) {
    want(job, turn == 1);
    status = try_job(job, turn == 1, engine, error);
  }
  return status;
}

static uint64_t least_in_turns(const struct job *job) {
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_error error = {.bytes = 1};
  tlw_status status;
  do {
    tlw_engine *engine;
    assert_true(options.host_budget == TLW_BUDGET_AUTO || error.bytes > options.host_budget);
    options.host_budget = error.bytes;
    status = tlw_engine_open(&engine, &options, &error);
    if (status == TLW_OK) status = run_in_turns(job, engine, &error);
    tlw_engine_close(&engine);
  } while (status == TLW_ERR_BUDGET);
  return options.host_budget;
}

/*
 * Whether the CPU had room to be opened, but not for the work: then it gets no more batches of that size until a reset,
 * but smaller ones.
 */
static bool leaves_cpu(const struct job *job, uint64_t budget) {
  struct log log = {0};
  tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
  options.allow_fallback = TLW_FALLBACK_OFF;
  options.host_budget = budget;
  options.log = remember;
  options.log_user = &log;
  tlw_engine *engine = open_with(&options);
  int left[3];
  for (int turn = 0; turn < 3; turn++) {
    tlw_error error;
    want(job, turn == 1);
    if (try_job(job, turn == 1, engine, &error) != TLW_OK)
      fail_msg("%s within %llu: %s", job->name, (unsigned long long)budget, error.message);
    left[turn] = times_said(&log, "the CPU beside it has no room for it");
  }
  const bool has_left = left[2] > 0, for_small = left[0] > 0 || left[2] > left[1];
  /* Bars that a device has no room for are joined by threads. */
  if (has_left && job->work != TLW_WORK_BARS && times_said(&log, "the CPU can't be used beside it") == 0)
    runs_on(job, false, !for_small, engine);
  assert_int_equal(backend_of(engine), TLW_BACKEND_CUDA);
  assert_true(stats_of(engine).host_bytes.peak <= budget);
  tlw_engine_close(&engine);
  return has_left;
}

/* Budgets from the least one on, among them such that let the CPU be opened and no more. */
static void test_tight_budgets(void **state) {
  (void)state;
  const uint64_t step = kit_in_full() ? 65536 : 120000;
  for (int where = 0; where < 2; where++) {
    if (where == 0) plant_middle();
    if (where == 1) plant(ALL_ON_CPU);
    int left = 0;
    for (size_t i = 0; i < JOBS; i++) {
      const uint64_t least = least_in_turns(&jobs[i]);
      for (uint64_t more = 0; more < 260000; more += step) left += leaves_cpu(&jobs[i], least + more);
    }
    if (kit_in_full()) assert_true(left > 0);
  }
}

static tlw_status draw_square(tlw_engine *engine, int32_t side, tlw_error *error) {
  int64_t offset, count;
  const tlw_candles candles = candles_of(1, &offset, &count);
  tlw_chart_options chart = chart_of();
  chart.width = chart.height = side;
  got.size = 0;
  const size_t size = (size_t)side * (size_t)side;
  const tlw_raster raster = {room_for(&got, size), size, (size_t)side, size};
  return tlw_chart_render(engine, &candles, &chart, &raster, error);
}

static tlw_engine *draw_squares(tlw_engine_options *options, const int32_t *sides, int n) {
  for (;;) {
    tlw_engine *engine;
    tlw_error error;
    tlw_status status = tlw_engine_open(&engine, options, &error);
    for (int i = 0; i < n && status == TLW_OK; i++) status = draw_square(engine, sides[i], &error);
    if (status == TLW_OK) return engine;
    tlw_engine_close(&engine);
    if (status != TLW_ERR_BUDGET) fail_msg("%s", error.message);
    options->host_budget = error.bytes;
  }
}

/* Squares of these sides take turns: the CPU has room for the first alone. */
enum { SMALL_SIDE = 32, LARGE_SIDE = 1800 };

/* Whether the CPU is opened within the budget, but left for the large square alone. What it then does is checked. */
static bool has_room_for_small(uint64_t budget) {
  static const int32_t small = SMALL_SIDE;
  static const char *const said = "the CPU beside it has no room for it";
  struct log log = {0};
  tlw_error error;
  tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
  options.host_budget = budget;
  options.log = remember;
  options.log_user = &log;
  tlw_engine *engine = draw_squares(&options, &small, 1);
  assert_int_equal(draw_square(engine, LARGE_SIDE, &error), TLW_OK);
  bool found = log.n < 64 && stats_of(engine).to_cpu == 2 && times_said(&log, said) == 1;
  assert_int_equal(draw_square(engine, SMALL_SIDE, &error), TLW_OK);
  found = found && times_said(&log, "the CPU can't be used beside it") == 0;
  for (int turn = 0; turn < 3 && found; turn++) {
    const tlw_stats before = stats_of(engine);
    assert_int_equal(draw_square(engine, SMALL_SIDE, &error), TLW_OK);
    assert_int_equal(stats_of(engine).to_cpu, before.to_cpu + 1);
    assert_int_equal(stats_of(engine).launches, before.launches);
    assert_int_equal(draw_square(engine, LARGE_SIDE, &error), TLW_OK);
    assert_int_equal(stats_of(engine).to_cpu, before.to_cpu + 1);
    assert_true(stats_of(engine).launches > before.launches);
    assert_int_equal(times_said(&log, said), 1);
  }
  tlw_engine_close(&engine);
  return found;
}

/* What the CPU has no room for is the device's from then on, and what is smaller is not. */
static void test_smaller_batches_stay_on_the_cpu(void **state) {
  (void)state;
  static const int32_t sides[] = {SMALL_SIDE, LARGE_SIDE, SMALL_SIDE, LARGE_SIDE};
  plant(ALL_ON_CPU);
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  options.host_budget = 1;
  tlw_engine *engine = draw_squares(&options, sides, 4);
  tlw_engine_close(&engine);
  const uint64_t least = options.host_budget;
  bool found = false;
  /* Ever narrower, for where the room for the small one begins, and that for both, is not known. */
  for (uint64_t step = 524288; !found && step >= 8192; step /= 2)
    for (uint64_t more = step / 2; !found && more < 2000000; more += step) found = has_room_for_small(least + more);
  assert_true(found);
}

/* The CPU is not opened where the budget has no room for it, nor tried again until a reset. */
static void test_no_room_for_the_cpu(void **state) {
  (void)state;
  plant(ALL_ON_CPU);
  struct log log = {0};
  tlw_engine_options options = options_for(TLW_BACKEND_CUDA);
  tlw_engine *engine;
  tlw_error error = {.bytes = 1};
  do options.host_budget = error.bytes;
  while (tlw_engine_open(&engine, &options, &error) == TLW_ERR_BUDGET);
  tlw_engine_close(&engine);
  options.backend = TLW_BACKEND_AUTO;
  options.log = remember;
  options.log_user = &log;
  engine = open_with(&options);
  for (int level = TLW_RESET_SESSION; level <= TLW_RESET_MEMORY; level++) {
    want(&jobs[0], false);
    for (int i = 0; i < 3; i++) runs_on(&jobs[0], false, false, engine);
    assert_int_equal(times_said(&log, "the CPU can't be used beside it"), level - TLW_RESET_SESSION + 1);
    assert_int_equal(tlw_engine_reset(engine, (tlw_reset)level, NULL), TLW_OK);
  }
  tlw_engine_close(&engine);
}

/* A reset of memory leaves the engine what it had when it was new. */
static void test_reset_gives_the_cpu_back(void **state) {
  (void)state;
  plant(ALL_ON_CPU);
  tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
  const uint64_t bare = stats_of(engine).host_bytes.current;
  for (size_t i = 0; i < JOBS; i++) {
    want(&jobs[i], false);
    runs_on(&jobs[i], false, true, engine);
    assert_true(stats_of(engine).host_bytes.current > bare);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_SESSION, NULL), TLW_OK);
    assert_true(stats_of(engine).host_bytes.current > bare);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
    assert_int_equal(stats_of(engine).host_bytes.current, bare);
  }
  tlw_engine_close(&engine);
}

/* The Nth allocation fails, once or with all that follow: the work is done all the same, or fails for that alone. */
static void fail_each_allocation(const struct job *job, bool lasting) {
  for (uint64_t nth = 1;; nth++) {
    tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
    tlw_error error;
    tlw_fault_plant(TLW_FAULT_MEMORY, nth, lasting);
    const tlw_status status = try_job(job, false, engine, &error);
    const uint64_t struck = tlw_fault_struck(TLW_FAULT_MEMORY);
    tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
    if (status != TLW_OK && (status != TLW_ERR_MEMORY || !struck)) fail_msg("%s: %s", job->name, error.message);
    run_job(job, false, engine);
    assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
    if (backend_of(engine) == TLW_BACKEND_CUDA) runs_on(job, false, true, engine);
    tlw_engine_close(&engine);
    if (!struck) break;
    assert_true(nth < 1000);
  }
}

static void test_allocations_that_fail(void **state) {
  (void)state;
  plant(ALL_ON_CPU);
  for (size_t i = 0; i < JOBS; i++) {
    want(&jobs[i], false);
    fail_each_allocation(&jobs[i], false);
    if (kit_in_full()) fail_each_allocation(&jobs[i], true);
  }
}

/* ---- a device that fails ---- */

/* After a fallback there is nothing to choose any more, whether the CPU was open beside the device or not. */
static void test_fallback(void **state) {
  (void)state;
  plant_middle();
  for (int opened = 0; opened < 2; opened++)
    for (size_t i = 0; i < JOBS; i++) {
      if (jobs[i].work == TLW_WORK_BARS) continue; /* no work for a fallback */
      assert_int_equal(kit_soft.restart(), 0);
      tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
      want(&jobs[i], true);
      runs_on(&jobs[i], true, false, engine);
      assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
      assert_int_equal(kit_soft.set("memory=1000"), 0);
      if (opened) {
        want(&jobs[i], false);
        runs_on(&jobs[i], false, true, engine);
      }
      want(&jobs[i], true);
      run_job(&jobs[i], true, engine);
      assert_int_equal(backend_of(engine), TLW_BACKEND_CPU);
      assert_int_equal(stats_of(engine).fallbacks, 1);
      want(&jobs[i], false);
      run_job(&jobs[i], false, engine);
      assert_int_equal(stats_of(engine).to_cpu, opened);
      assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_OK);
      run_job(&jobs[i], false, engine);
      assert_int_equal(stats_of(engine).to_cpu, opened);
      tlw_engine_close(&engine);
    }
}

/* A lost device is the end of the engine, also of what the CPU would do. */
static void test_lost_device(void **state) {
  (void)state;
  plant_middle();
  tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
  tlw_error error;
  want(&jobs[0], false);
  runs_on(&jobs[0], false, true, engine);
  assert_int_equal(kit_soft.set("sticky=execute:2:CUDA_ERROR_LAUNCH_FAILED"), 0);
  runs_on(&jobs[0], false, true, engine);
  want(&jobs[0], true);
  assert_int_equal(try_job(&jobs[0], true, engine, &error), TLW_ERR_DEVICE_LOST);
  want(&jobs[0], false);
  assert_int_equal(try_job(&jobs[0], false, engine, &error), TLW_ERR_DEVICE_LOST);
  assert_int_equal(tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL), TLW_ERR_DEVICE_LOST);
  tlw_engine_close(&engine);
}

/* ---- threads ---- */

struct watch {
  const tlw_engine *engine;
  _Atomic bool ends;
};

static void *look_on(void *argument) {
  struct watch *watch = argument;
  uint64_t before = 0;
  while (!watch->ends) {
    const tlw_stats stats = stats_of(watch->engine);
    assert_true(stats.to_cpu >= before && stats.pool_bytes.current <= stats.device_bytes.current);
    before = stats.to_cpu;
    assert_int_equal(backend_of(watch->engine), TLW_BACKEND_CUDA);
  }
  return NULL;
}

/* Statistics while it runs, and small renders beside a stream. */
static void test_looked_at_meanwhile(void **state) {
  (void)state;
  plant_middle();
  tlw_engine *engine = open_for(TLW_BACKEND_AUTO);
  struct watch watch = {.engine = engine};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, look_on, &watch), 0);
  for (int turn = 0; turn < (kit_in_full() ? 4 : 2); turn++)
    for (size_t i = 0; i < JOBS; i++) {
      if (jobs[i].work == TLW_WORK_BARS && turn > 0) continue;
      want(&jobs[i], turn % 2);
      runs_on(&jobs[i], turn % 2, turn % 2 == 0, engine);
    }
  watch.ends = true;
  pthread_join(thread, NULL);
  tlw_engine_close(&engine);
}

struct beside {
  tlw_engine *engine;
  uint8_t pixels[MANY * IMAGE], expected[MANY * IMAGE];
  _Atomic int64_t wrong;
};

static void *render_beside(void *argument) {
  struct beside *beside = argument;
  int64_t offsets[MANY], counts[MANY];
  const tlw_chart_options chart = chart_of();
  for (int turn = 0; turn < (kit_in_full() ? 40 : 12); turn++) {
    const int64_t n = turn % 3 == 2 ? MANY : FEW;
    const tlw_candles candles = candles_of(n, offsets, counts);
    const tlw_raster raster = {beside->pixels, sizeof beside->pixels, WIDTH, IMAGE};
    if (tlw_chart_render(beside->engine, &candles, &chart, &raster, NULL) != TLW_OK ||
        memcmp(beside->pixels, beside->expected, (size_t)n * IMAGE) != 0)
      beside->wrong++;
  }
  return NULL;
}

/* Two threads on one engine within a budget: what one plans the other may take away. */
static void test_two_threads(void **state) {
  (void)state;
  static struct beside beside;
  plant_middle();
  want(&jobs[0], true);
  memcpy(beside.expected, wanted.bytes, wanted.size);
  for (int limited = 0; limited < 2; limited++) {
    tlw_engine_options options = options_for(TLW_BACKEND_AUTO);
    if (limited) options.host_budget = 6 << 20;
    beside.engine = open_with(&options);
    pthread_t thread;
    tlw_error error;
    wanted.size = 0;
    tlw_engine *cpu = open_for(TLW_BACKEND_CPU);
    assert_int_equal(stream_charts(&cpu, 1, TLW_STREAM_PNG, false, "sLsLLssL", &wanted, NULL), TLW_OK);
    tlw_engine_close(&cpu);
    assert_int_equal(pthread_create(&thread, NULL, render_beside, &beside), 0);
    for (int turn = 0; turn < (kit_in_full() ? 3 : 1); turn++) {
      got.size = 0;
      if (stream_charts(&beside.engine, 1, TLW_STREAM_PNG, false, "sLsLLssL", &got, &error) != TLW_OK)
        fail_msg("%s", error.message);
      compare("a stream beside renders");
    }
    pthread_join(thread, NULL);
    assert_int_equal(beside.wrong, 0);
    tlw_engine_close(&beside.engine);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_each_kind_of_work, healthy),
      cmocka_unit_test_setup(test_all_kinds_on_one_engine, healthy),
      cmocka_unit_test_setup(test_named_backends_do_not_choose, healthy),
      cmocka_unit_test_setup(test_never, healthy),
      cmocka_unit_test_setup(test_never_of_the_first_of_two, healthy),
      cmocka_unit_test_setup(test_log, healthy),
      cmocka_unit_test_setup(test_at_once, healthy),
      cmocka_unit_test_setup(test_buffers_stay_on_the_device, healthy),
      cmocka_unit_test_setup(test_streams_alternate, healthy),
      cmocka_unit_test_setup(test_plans, healthy),
      cmocka_unit_test_setup(test_budgets, healthy),
      cmocka_unit_test_setup(test_tight_budgets, healthy),
      cmocka_unit_test_setup(test_smaller_batches_stay_on_the_cpu, healthy),
      cmocka_unit_test_setup(test_no_room_for_the_cpu, healthy),
      cmocka_unit_test_setup(test_reset_gives_the_cpu_back, healthy),
      cmocka_unit_test_setup(test_allocations_that_fail, healthy),
      cmocka_unit_test_setup(test_fallback, healthy),
      cmocka_unit_test_setup(test_lost_device, healthy),
      cmocka_unit_test_setup(test_looked_at_meanwhile, healthy),
      cmocka_unit_test_setup(test_two_threads, healthy),
  };
  return cmocka_run_group_tests(tests, prepare, finish);
}
