/*
 * Stages that a device times by itself: their spans, in order and beside each other, are those of the totals; results
 * are the same bytes; without being asked the driver hears nothing of it; and times that can't be had, or can't be so,
 * are left out and harm nothing.
 *
 *   test_timing opencl
 *   test_timing cuda      on the software driver also with times and failures that are planted from here
 *   TALLOW_TEST_CASES=N   with 100 or less some of the failures
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "host/base/ledger.h"
#include "host/gpu/state.h"
#include "softcuda/softcuda.h"
#include "tallow/tallow.h"

#define ROWS 20000
#define CHARTS 48
#define COUNT 300
#define WIDTH 96
#define HEIGHT 64
#define IMAGE (WIDTH * HEIGHT)
#define TRADES 70000
#define TICKS 1000
#define IMAGES 64
#define IMAGE_BARS 20
#define SPECS 3
#define BUFFER 100000
#define MOST_OUT (SPECS * ROWS * sizeof(double))
#define MOST_SPANS 4096

static tlw_backend backend;
static char cache[] = "/tmp/tallow_timing_XXXXXX";
static double prices[5][ROWS];
static int64_t offsets[CHARTS], counts[CHARTS], trades[3][TRADES];

static struct {
  int (*set)(const char *setting);
  int (*restart)(void);
  void (*reset_faults)(void);
  void (*abandon)(void);
  void (*stats)(struct softcuda_stats *stats);
  uint64_t (*calls)(const char *function);
} soft;

/* ---- what is traced ---- */

static struct {
  pthread_mutex_t lock;
  size_t n;
  tlw_span spans[MOST_SPANS];
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep_span(void *user, const tlw_span *span) {
  assert_ptr_equal(user, &trace);
  pthread_mutex_lock(&trace.lock);
  if (trace.n < MOST_SPANS) trace.spans[trace.n++] = *span;
  pthread_mutex_unlock(&trace.lock);
}

static int64_t end_of(const tlw_span *span) { return span->begin + (int64_t)span->duration; }

static int64_t clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- works ---- */

static uint8_t out[MOST_OUT], plain[MOST_OUT];

/* What a sink has come to. */
struct sunk {
  size_t size;
};

static tlw_candles candles_of(void) {
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = prices[0];
  candles.high = prices[1];
  candles.low = prices[2];
  candles.close = prices[3];
  candles.volume = prices[4];
  candles.n_rows = ROWS;
  candles.offsets = offsets;
  candles.counts = counts;
  candles.n_series = CHARTS;
  return candles;
}

static tlw_chart_options chart_of(void) {
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = WIDTH;
  chart.height = HEIGHT;
  return chart;
}

static tlw_status render(tlw_engine *engine, tlw_error *error) {
  const tlw_candles candles = candles_of();
  const tlw_chart_options chart = chart_of();
  const tlw_raster raster = {out, CHARTS * IMAGE, WIDTH, IMAGE};
  return tlw_chart_render(engine, &candles, &chart, &raster, error);
}

static tlw_status keep_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  struct sunk *sunk = user;
  (void)error;
  if (piece->size > MOST_OUT - sunk->size) return TLW_ERR_IO;
  memcpy(out + sunk->size, piece->data, piece->size);
  sunk->size += piece->size;
  return TLW_OK;
}

static tlw_status stream(tlw_engine *engine, tlw_stream_format format, tlw_error *error) {
  const tlw_candles candles = candles_of();
  const tlw_chart_options chart = chart_of();
  struct sunk sunk = {0};
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = format;
  options.encoders = 1;
  options.sink = keep_piece;
  options.sink_user = &sunk;
  tlw_stream *opened;
  tlw_status status = tlw_stream_open(&opened, &engine, 1, &options, error);
  if (status != TLW_OK) return status;
  status = tlw_stream_push(opened, &candles, &chart, NULL, NULL, error);
  if (status == TLW_OK) status = tlw_stream_finish(opened, error);
  tlw_stream_close(&opened);
  return status;
}

static tlw_status stream_rasters(tlw_engine *engine, tlw_error *error) {
  return stream(engine, TLW_STREAM_RASTER, error);
}

static tlw_status stream_files(tlw_engine *engine, tlw_error *error) { return stream(engine, TLW_STREAM_PNG, error); }

static tlw_status roll(tlw_engine *engine, tlw_error *error) {
  static const tlw_window_op ops[SPECS] = {TLW_WINDOW_MEAN, TLW_WINDOW_STD, TLW_WINDOW_EMA};
  const void *const columns[] = {prices[3]};
  double *outputs[SPECS];
  tlw_window_spec specs[SPECS];
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = columns;
  batch.n_columns = 1;
  batch.n_rows = ROWS;
  for (int i = 0; i < SPECS; i++) {
    tlw_window_spec_init(&specs[i], ops[i], 20);
    outputs[i] = (double *)(void *)out + (size_t)i * ROWS;
  }
  return tlw_window_run(engine, &batch, specs, SPECS, outputs, error);
}

static tlw_status keep_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  struct sunk *sunk = user;
  const size_t size = (size_t)n * sizeof *bars;
  (void)error;
  if (size > MOST_OUT - sunk->size) return TLW_ERR_IO;
  memcpy(out + sunk->size, bars, size);
  sunk->size += size;
  return TLW_OK;
}

static tlw_status make_bars(tlw_engine *engine, tlw_error *error) {
  struct sunk sunk = {0};
  tlw_bars_options options;
  tlw_bars_options_init(&options, TLW_BARS_TICK, TICKS);
  tlw_trades rows = {.struct_size = sizeof rows};
  tlw_trades_init(&rows);
  rows.n_rows = TRADES;
  rows.time = trades[0];
  rows.price = trades[1];
  rows.quantity = trades[2];
  tlw_bars *bars;
  tlw_status status = tlw_bars_open(&options, keep_bars, &sunk, engine, &bars, error);
  if (status == TLW_OK) status = tlw_bars_run(engine, &bars, &rows, 1, NULL, error);
  tlw_bars_close(&bars);
  return status;
}

static tlw_status draw_images(tlw_engine *engine, tlw_error *error) {
  const tlw_candles candles = candles_of();
  tlw_image_window windows[IMAGES];
  tlw_image_options options;
  tlw_image_shape shape;
  tlw_image_options_init(&options);
  options.window = IMAGE_BARS;
  for (int64_t i = 0; i < IMAGES; i++) windows[i] = (tlw_image_window){i % CHARTS, 100 + i};
  const tlw_status status = tlw_image_shape_of(&options, &shape, error);
  if (status != TLW_OK) return status;
  return tlw_images_draw(engine, &candles, &options, windows, IMAGES, out, IMAGES * shape.size, NULL, error);
}

static tlw_status use_buffer(tlw_engine *engine, tlw_error *error) {
  tlw_buffer buffer;
  tlw_status status = tlw_buffer_alloc(engine, BUFFER, &buffer, error);
  if (status != TLW_OK) return status;
  status = tlw_buffer_write(engine, buffer, 0, prices, BUFFER, error);
  if (status == TLW_OK) status = tlw_buffer_read(engine, buffer, 0, out, BUFFER, error);
  tlw_buffer_free(engine, &buffer, NULL);
  return status;
}

/* items: of all flights in a queue; 0: they don't tell. */
static const struct work {
  const char *name;
  tlw_status (*run)(tlw_engine *engine, tlw_error *error);
  tlw_operation upload, compute, download; /* for which these are */
  bool computes;
  int64_t items;
} works[] = {
    {"render", render, TLW_OP_RENDER, TLW_OP_RENDER, TLW_OP_RENDER, true, CHARTS},
    {"stream of rasters", stream_rasters, TLW_OP_STREAM, TLW_OP_STREAM, TLW_OP_STREAM, true, CHARTS},
    {"stream of files", stream_files, TLW_OP_STREAM, TLW_OP_STREAM, TLW_OP_STREAM, true, CHARTS},
    {"windows", roll, TLW_OP_WINDOW, TLW_OP_WINDOW, TLW_OP_WINDOW, true, 0},
    {"bars", make_bars, TLW_OP_BARS, TLW_OP_BARS, TLW_OP_BARS, true, 0},
    {"images", draw_images, TLW_OP_IMAGES, TLW_OP_IMAGES, TLW_OP_IMAGES, true, IMAGES},
    {"buffer", use_buffer, TLW_OP_BUFFER_WRITE, TLW_OP_BUFFER_WRITE, TLW_OP_BUFFER_READ, false, 0},
};
#define WORKS (sizeof works / sizeof *works)

/* ---- engines ---- */

static int n_warnings;

static void count_warning(void *user, tlw_log_level level, const char *message) {
  (void)user;
  (void)message;
  n_warnings += level == TLW_LOG_WARNING;
}

static const char *cache_dir = cache;

static tlw_status try_engine(int timing, bool traced, tlw_engine **engine, tlw_error *error) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.threads = 1;
  options.device_budget = 1 << 20; /* for several pieces */
  options.cache_dir = cache_dir;
  options.timing = timing;
  options.log = count_warning;
  if (traced) options.trace = keep_span;
  options.trace_user = &trace;
  trace.n = 0;
  n_warnings = 0;
  return tlw_engine_open(engine, &options, error);
}

static tlw_engine *open_engine(int timing, bool traced) {
  tlw_engine *engine;
  tlw_error error;
  if (try_engine(timing, traced, &engine, &error) != TLW_OK) fail_msg("%s", error.message);
  return engine;
}

static void run_work(const struct work *work, tlw_engine *engine) {
  tlw_error error;
  memset(out, 0xA7, sizeof out);
  if (work->run(engine, &error) != TLW_OK) fail_msg("%s: %s", work->name, error.message);
}

static tlw_operation_totals totals_of(const tlw_engine *engine, int operation) {
  tlw_operation_totals totals = {.struct_size = sizeof totals};
  assert_int_equal(tlw_engine_operation(engine, (tlw_operation)operation, &totals, NULL), TLW_OK);
  return totals;
}

/* Of copies: only a device has these. */
static uint64_t copy_time(const tlw_engine *engine) {
  uint64_t all = 0;
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    const tlw_operation_totals totals = totals_of(engine, i);
    all += totals.stage[TLW_STAGE_UPLOAD] + totals.stage[TLW_STAGE_DOWNLOAD];
  }
  return all;
}

static tlw_stats stats_of(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats;
}

/* ---- spans ---- */

static const tlw_span *nth_span(uint32_t track, size_t nth) {
  for (size_t i = 0; i < trace.n; i++)
    if (trace.spans[i].track == track && nth-- == 0) return &trace.spans[i];
  return NULL;
}

static size_t count_spans(uint32_t track) {
  size_t n = 0;
  while (nth_span(track, n)) n++;
  return n;
}

/* Those on the device. */
static size_t count_all(void) {
  return count_spans(TLW_TRACK_UPLOAD) + count_spans(TLW_TRACK_COMPUTE) + count_spans(TLW_TRACK_DOWNLOAD);
}

/* Of all tracks. */
static void check_totals(const tlw_engine *engine) {
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    const tlw_operation_totals totals = totals_of(engine, i);
    uint64_t stages[TLW_STAGES] = {0};
    for (size_t k = 0; k < trace.n; k++)
      if (trace.spans[k].operation == i) stages[trace.spans[k].stage] += trace.spans[k].duration;
    assert_memory_equal(totals.stage, stages, sizeof stages);
  }
}

static void check_track(uint32_t track, tlw_stage stage, tlw_operation operation, int64_t latest, int64_t items,
                        uint64_t bytes) {
  int64_t newest = 0, all_items = 0;
  uint64_t all_bytes = 0;
  for (size_t i = 0; i < count_spans(track); i++) {
    const tlw_span *span = nth_span(track, i);
    assert_int_equal(span->stage, stage);
    assert_int_equal(span->operation, operation);
    assert_true(span->begin >= newest && end_of(span) <= latest);
    newest = end_of(span);
    all_items += span->items;
    all_bytes += span->bytes;
  }
  assert_int_equal(all_items, items);
  if (stage != TLW_STAGE_COMPUTE) assert_int_equal(all_bytes, bytes);
}

/* What follows in a queue on what was done in another of the same flight. */
static void check_order(uint32_t before, uint32_t after) {
  assert_int_equal(count_spans(before), count_spans(after));
  for (size_t i = 0; i < count_spans(before); i++) assert_true(nth_span(after, i)->begin >= nth_span(before, i)->begin);
}

/* After one that was not timed, so that its self-tests, which no span tells of, are over. */
static void test_spans(void **state) {
  (void)state;
  for (size_t i = 0; i < WORKS; i++) {
    const struct work *work = &works[i];
    tlw_engine *engine = open_engine(0, false);
    run_work(work, engine);
    memcpy(plain, out, sizeof out);
    assert_int_equal(copy_time(engine), 0);
    tlw_engine_close(&engine);
    const int64_t opened = clock_now();
    engine = open_engine((int)(i % 2), true); /* with a trace it is always done */
    const tlw_stats before = stats_of(engine);
    run_work(work, engine);
    const tlw_stats stats = stats_of(engine);
    const int64_t latest = clock_now() - opened;
    assert_memory_equal(out, plain, sizeof out);
    assert_true(trace.n < MOST_SPANS);
    const size_t uploads = count_spans(TLW_TRACK_UPLOAD);
    assert_true(uploads >= 1);
    assert_int_equal(count_spans(TLW_TRACK_DOWNLOAD), uploads);
    assert_int_equal(count_spans(TLW_TRACK_COMPUTE), work->computes ? uploads : 0);
    check_track(TLW_TRACK_UPLOAD, TLW_STAGE_UPLOAD, work->upload, latest, work->items,
                stats.uploaded - before.uploaded);
    check_track(TLW_TRACK_COMPUTE, TLW_STAGE_COMPUTE, work->compute, latest, work->items, 0);
    check_totals(engine);
    check_track(TLW_TRACK_DOWNLOAD, TLW_STAGE_DOWNLOAD, work->download, latest, work->items,
                work->run == stream_files ? stats.downloaded - before.downloaded - CHARTS * sizeof(uint32_t[2])
                                          : stats.downloaded - before.downloaded);
    if (work->computes) check_order(TLW_TRACK_UPLOAD, TLW_TRACK_COMPUTE);
    if (work->computes) check_order(TLW_TRACK_COMPUTE, TLW_TRACK_DOWNLOAD);
    printf("%s: %zu flights\n", work->name, uploads);
    tlw_engine_close(&engine);
  }
}

/* Totals without a trace are of the same stages; and a pause, after which the clocks are set anew, harms nothing. */
static void test_totals_and_pauses(void **state) {
  (void)state;
  tlw_engine *engine = open_engine(1, false);
  run_work(&works[0], engine);
  const tlw_operation_totals first = totals_of(engine, TLW_OP_RENDER);
  assert_true(first.stage[TLW_STAGE_COMPUTE] > 0);
  tlw_engine_close(&engine);
  const int64_t opened = clock_now();
  engine = open_engine(1, true);
  run_work(&works[0], engine);
  const size_t flights = count_spans(TLW_TRACK_COMPUTE);
  usleep(1100000);
  const int64_t paused = clock_now() - opened;
  run_work(&works[0], engine);
  assert_int_equal(count_spans(TLW_TRACK_COMPUTE), 2 * flights);
  for (size_t i = 0; i < flights; i++) {
    assert_true(end_of(nth_span(TLW_TRACK_COMPUTE, i)) <= paused);
    /* The engine's clock began a while behind this one's, but not a second. */
    assert_true(nth_span(TLW_TRACK_COMPUTE, flights + i)->begin > paused - 1000000000);
    assert_true(end_of(nth_span(TLW_TRACK_COMPUTE, flights + i)) <= clock_now() - opened);
  }
  assert_int_equal(n_warnings, 0);
  tlw_engine_close(&engine);
}

/* ---- with the software driver ---- */

static void restart(const char *setting) {
  assert_int_equal(soft.restart(), 0);
  if (setting) assert_int_equal(soft.set(setting), 0);
}

static uint64_t count_calls(const char *function, uint64_t before) { return soft.calls(function) - before; }

/* Calls of cuEventRecord by a run of an engine that is asked for times. */
static uint64_t count_timed_records(void) {
  struct softcuda_stats stats;
  restart(NULL);
  tlw_engine *engine = open_engine(1, false);
  const uint64_t before = soft.calls("cuEventRecord");
  run_work(&works[0], engine);
  const uint64_t records = count_calls("cuEventRecord", before);
  assert_true(soft.calls("cuEventElapsedTime") > 0);
  tlw_engine_close(&engine);
  soft.stats(&stats);
  assert_int_equal(stats.left_behind, 0);
  return records;
}

/*
 * As many as without that a driver can time. A run that a busy machine holds up for a second sets the clocks anew, with
 * some more calls.
 */
static void test_nobody_asks(void **state) {
  (void)state;
  if (!soft.set) skip();
  restart(NULL);
  tlw_engine *engine = open_engine(0, false);
  const uint64_t records = soft.calls("cuEventRecord"), all = soft.calls("*");
  struct softcuda_stats stats;
  soft.stats(&stats);
  assert_int_equal(stats.events, 12);
  run_work(&works[0], engine);
  assert_int_equal(count_calls("cuEventElapsedTime", 0), 0);
  const uint64_t plain_records = count_calls("cuEventRecord", records), plain_calls = count_calls("*", all);
  tlw_engine_close(&engine);
  assert_true(plain_calls > 0);
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 20 && least != 2 * plain_records; i++) {
    const uint64_t timed_records = count_timed_records();
    if (timed_records < least) least = timed_records;
  }
  assert_int_equal(least, 2 * plain_records);
}

/* They run at open, and in front of the first work of a kind. */
static void test_selftests_are_not_told(void **state) {
  (void)state;
  if (!soft.set) skip();
  restart(NULL);
  cache_dir = "";
  tlw_engine *engine = open_engine(0, true);
  cache_dir = cache;
  assert_true(stats_of(engine).launches > 0);
  assert_int_equal(count_all(), 0);
  run_work(&works[3], engine);
  assert_int_equal(count_spans(TLW_TRACK_COMPUTE), 1);
  tlw_engine_close(&engine);
}

/*
 * With times planted, by the real clock, so that all takes longer than the clocks are trusted for: the upload of a piece
 * begins while one before is still being downloaded.
 */
static void test_overlap(void **state) {
  (void)state;
  if (!soft.set) skip();
  restart(NULL);
  tlw_engine *engine = open_engine(0, true);
  assert_int_equal(soft.set("upload_rate=450000"), 0);
  assert_int_equal(soft.set("launch_time=10000"), 0);
  assert_int_equal(soft.set("download_rate=450000"), 0);
  run_work(&works[1], engine);
  const size_t n = count_spans(TLW_TRACK_DOWNLOAD);
  assert_true(n > 2);
  int64_t items = 0;
  for (size_t i = 0; i < n; i++) items += nth_span(TLW_TRACK_DOWNLOAD, i)->items;
  assert_int_equal(items, CHARTS);
  size_t overlaps = 0;
  for (size_t i = 0; i + 1 < n; i++)
    overlaps += nth_span(TLW_TRACK_UPLOAD, i + 1)->begin < end_of(nth_span(TLW_TRACK_DOWNLOAD, i));
  check_order(TLW_TRACK_UPLOAD, TLW_TRACK_COMPUTE);
  check_order(TLW_TRACK_COMPUTE, TLW_TRACK_DOWNLOAD);
  const int64_t length = end_of(nth_span(TLW_TRACK_DOWNLOAD, n - 1)) - nth_span(TLW_TRACK_UPLOAD, 0)->begin;
  printf("%zu of %zu pieces overlap, %lld ms\n", overlaps, n - 1, (long long)length / 1000000);
  assert_true(overlaps > 0);
  assert_true(length > 1000000000);
  tlw_engine_close(&engine);
}

/* A device that says that it has worked longer than anybody waited. */
static void test_impossible_times(void **state) {
  (void)state;
  if (!soft.set) skip();
  restart("clock=virtual");
  tlw_engine *engine = open_engine(0, true);
  assert_int_equal(soft.set("launch_time=100000000"), 0);
  run_work(&works[0], engine);
  assert_int_equal(count_all(), 0);
  assert_int_equal(soft.set("launch_time=0"), 0);
  tlw_engine_close(&engine);
}

/* No question about times is answered, at open or later. */
static void test_no_answers(void **state) {
  (void)state;
  if (!soft.set) skip();
  restart(NULL);
  tlw_engine *engine = open_engine(0, true);
  char setting[64];
  for (int i = 0; i < 16; i++) {
    snprintf(setting, sizeof setting, "fail=cuEventElapsedTime:%d:1", i + 1);
    assert_int_equal(soft.set(setting), 0);
  }
  run_work(&works[0], engine);
  memcpy(plain, out, sizeof out);
  assert_true(count_spans(TLW_TRACK_UPLOAD) < soft.calls("cuEventElapsedTime"));
  soft.reset_faults();
  trace.n = 0;
  run_work(&works[0], engine);
  assert_memory_equal(out, plain, sizeof out);
  assert_true(count_all() > 0);
  assert_int_equal(stats_of(engine).failures, 0);
  tlw_engine_close(&engine);
}

static bool is_typed(tlw_status status) {
  return status == TLW_ERR_MEMORY || status == TLW_ERR_DEVICE || status == TLW_ERR_DEVICE_LOST ||
         status == TLW_ERR_UNAVAILABLE;
}

/* Lets the nth call of the driver fail. False: there are not so many. */
static bool fail_call(const char *way, const char *code, uint64_t nth) {
  char setting[64];
  tlw_error error;
  tlw_engine *engine;
  soft.abandon(); /* one of the calls was to close the device */
  snprintf(setting, sizeof setting, "%s=*:%llu:%s", way, (unsigned long long)nth, code);
  assert_int_equal(soft.set(setting), 0);
  tlw_status status = try_engine(1, true, &engine, &error);
  memset(out, 0xA7, sizeof out);
  if (status == TLW_OK) status = render(engine, &error);
  if (status == TLW_OK) assert_memory_equal(out, plain, sizeof out);
  if (status != TLW_OK && !is_typed(status))
    fail_msg("%s of call %llu: %s", way, (unsigned long long)nth, error.message);
  const uint64_t calls = soft.calls("*");
  tlw_engine_close(&engine);
  return nth <= calls;
}

static void test_failing_calls(void **state) {
  (void)state;
  if (!soft.set) skip();
  restart(NULL);
  tlw_engine *engine = open_engine(0, false);
  run_work(&works[0], engine);
  memcpy(plain, out, sizeof out);
  tlw_engine_close(&engine);
  uint64_t once = 1, sticky = 1;
  const uint64_t step = environment_number("TALLOW_TEST_CASES", 1000) <= 100 ? 7 : 1;
  while (fail_call("fail", "CUDA_ERROR_INVALID_VALUE", once)) once += step;
  while (fail_call("sticky", "CUDA_ERROR_LAUNCH_FAILED", sticky)) sticky += 3 * step;
  printf("each of %llu calls failed\n", (unsigned long long)once - 1);
  soft.abandon();
}

/* ---- without a driver ---- */

/* A mark's handle is when it was reached, from the base. */
static tlw_status say_time(struct tlw_gpu *gpu, const struct tlw_gpu_event *from, const struct tlw_gpu_event *to,
                           int64_t *nanoseconds, tlw_error *error) {
  (void)gpu;
  (void)error;
  *nanoseconds = (int64_t)to->handle - (int64_t)from->handle;
  return TLW_OK;
}

static void land(struct tlw_backend_state *state, int64_t begin, int64_t end, int64_t taken, int64_t ended) {
  struct tlw_flight *flight = &state->flights.ring[0];
  for (int q = 0; q < TLW_GPU_QUEUES; q++) {
    flight->timed[q] = true;
    flight->begins[q].handle = (void *)(uintptr_t)begin;
    flight->marks[q].handle = (void *)(uintptr_t)end;
  }
  flight->operation = TLW_OP_RENDER;
  flight->taken = taken;
  state->flights.ended = ended;
  tlw_timing_land(state, flight);
}

/*
 * A base that was set too late, which flights find out: it moves back by more than a span is long, by less, and not at
 * all.
 */
static void test_base_moves_back(void **unused) {
  (void)unused;
  static const int64_t expected[][2] = {{20000, 30000}, {30000, 30000}, {30000, 33000}, {33000, 40000}};
  static const struct tlw_gpu_ops ops = {.event_time = say_time};
  struct tlw_gpu gpu = {.ops = &ops};
  struct tlw_backend_state *state = calloc(1, sizeof *state);
  struct tlw_services *services = calloc(1, sizeof *services);
  assert_true(state != NULL && services != NULL);
  services->telemetry.trace = keep_span;
  services->telemetry.trace_user = &trace;
  state->services = services;
  state->gpu = &gpu;
  state->timing.base_time = 10000;
  trace.n = 0;
  land(state, 10000, 20000, 0, 30000);
  land(state, 21000, 23000, 0, 28000); /* by 5,000 */
  land(state, 24000, 28000, 0, 33000);
  land(state, 28000, 35000, 0, 40000);
  assert_int_equal(trace.n, 4 * TLW_GPU_QUEUES);
  for (uint32_t track = TLW_TRACK_UPLOAD; track <= TLW_TRACK_DOWNLOAD; track++) {
    for (size_t i = 0; i < 4; i++) {
      assert_int_equal(nth_span(track, i)->begin, expected[i][0]);
      assert_int_equal(end_of(nth_span(track, i)), expected[i][1]);
    }
  }
  free(services);
  free(state);
}

/* ---- all of it ---- */

static void fill(void) {
  uint32_t state = 5;
  double price = 60;
  for (int i = 0; i < ROWS; i++) {
    state = state * 1664525u + 1013904223u;
    const double close = price + (double)(state >> 24) / 64 - 2;
    prices[0][i] = price;
    prices[1][i] = (price > close ? price : close) + 1;
    prices[2][i] = (price < close ? price : close) - 1;
    prices[3][i] = close;
    prices[4][i] = (double)(state >> 20);
    price = close < 10 ? 60 : close;
  }
  for (int64_t i = 0; i < CHARTS; i++) {
    counts[i] = COUNT;
    offsets[i] = i * 397 % (ROWS - COUNT);
  }
  for (int64_t i = 0; i < TRADES; i++) {
    trades[0][i] = i;
    trades[1][i] = (100 + i % 7) * TLW_DECIMAL_ONE;
    trades[2][i] = TLW_DECIMAL_ONE;
  }
}

static void find_software(void) {
  void *driver = backend == TLW_BACKEND_CUDA ? dlopen("libcuda.so.1", RTLD_NOW) : NULL;
  if (!driver) return;
  *(void **)&soft.set = dlsym(driver, "softcuda_set");
  *(void **)&soft.restart = dlsym(driver, "softcuda_restart");
  *(void **)&soft.reset_faults = dlsym(driver, "softcuda_reset_faults");
  *(void **)&soft.abandon = dlsym(driver, "softcuda_abandon");
  *(void **)&soft.stats = dlsym(driver, "softcuda_stats");
  *(void **)&soft.calls = dlsym(driver, "softcuda_calls");
}

static int prepare(void **state) {
  (void)state;
  if (!mkdtemp(cache)) return -1;
  find_software();
  fill();
  return 0;
}

static int clean_up(void **state) {
  (void)state;
  DIR *files = opendir(cache);
  if (!files) return -1;
  for (const struct dirent *file; (file = readdir(files));) unlinkat(dirfd(files), file->d_name, 0);
  closedir(files);
  return rmdir(cache);
}

int main(int argc, char **argv) {
  for (int b = TLW_BACKEND_OPENCL; b <= TLW_BACKEND_CUDA && argc == 2; b++)
    if (strcmp(argv[1], tlw_backend_name((tlw_backend)b)) == 0) backend = (tlw_backend)b;
  if (backend == TLW_BACKEND_AUTO) {
    fprintf(stderr, "usage: test_timing opencl|cuda\n");
    return 64;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spans),           cmocka_unit_test(test_totals_and_pauses),
      cmocka_unit_test(test_nobody_asks),     cmocka_unit_test(test_selftests_are_not_told),
      cmocka_unit_test(test_overlap),         cmocka_unit_test(test_impossible_times),
      cmocka_unit_test(test_no_answers),      cmocka_unit_test(test_failing_calls),
      cmocka_unit_test(test_base_moves_back),
  };
  return cmocka_run_group_tests(tests, prepare, clean_up);
}
