/*
 * Fails the Nth allocation, file operation and device call, for N = 1 until none is left to fail, once and for good,
 * over every verb of an engine. Each time: a typed error or success, every image that was delivered right and in
 * order, an engine that can be used on or says that it is lost, and nothing left behind (AddressSanitizer looks).
 *
 *   test_faults cpu|opencl|cuda
 *   test_faults opencl|cuda timed   the device calls alone, where stages on the device are timed
 *   TALLOW_TEST_CASES=N             with 100 or less every third of the failures on OpenCL
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "host/base/fault.h"
#include "tallow/tallow.h"
#include "window_jobs.h"

#define ROWS 600
#define CHARTS 12
#define WIDTH 96
#define HEIGHT 64
#define IMAGE (WIDTH * HEIGHT)
#define TRADES 70000 /* so many that threads or a device may share them */
#define TICKS 1000
#define FILE_ROWS 3000
#define IMAGES 24
#define IMAGE_BARS 20
#define JKX_SIZE (3 * IMAGE_BARS * 64 * 3) /* bytes of an image, RGB */
#define CHART_NUMBERS (WIDTH * HEIGHT * 3)

static tlw_backend backend;
static double prices[5][ROWS];
static int64_t offsets[CHARTS], counts[CHARTS];
static uint8_t expected[CHARTS * IMAGE], expected_jkx[IMAGES * JKX_SIZE], expected_reasons[IMAGES];
static float expected_charts[CHARTS * CHART_NUMBERS];
static char folder[64], cache[80], trade_file[80], state_file[80];
static int64_t trades[3][TRADES];
/* An engine that is opened before anything fails takes its programs from the cache, which is quicker. */
static bool begun, builds_programs;
static bool timed;
static window_job windows;

/* What is planted when a verb says that it begins. */
static struct {
  enum tlw_fault_kind kind;
  uint64_t nth;
  bool lasting;
} planned;

/* What a run came to. */
struct run {
  tlw_status status;
  tlw_error error;
  uint8_t pixels[CHARTS * IMAGE];
  int64_t delivered; /* charts, in order */
  int32_t rows;      /* of the next */
  bool wrong;
};

static void note(struct run *run, tlw_status status, const tlw_error *error) {
  if (run->status != TLW_OK || status == TLW_OK) return;
  run->status = status;
  run->error = *error;
}

/* ---- verbs ---- */

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

static tlw_engine *open_engine(struct run *run, bool with_log) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.threads = 2;
  options.device_budget = 1 << 20;
  options.cache_dir = begun || builds_programs ? "" : cache;
  char log[96];
  snprintf(log, sizeof log, "%s/log.csv", folder);
  if (with_log) options.allocation_log = log;
  options.timing = timed;
  tlw_engine *engine = NULL;
  tlw_error error;
  note(run, tlw_engine_open(&engine, &options, &error), &error);
  return engine;
}

static void render(struct run *run, tlw_engine *engine) {
  const tlw_candles candles = candles_of();
  const tlw_chart_options chart = chart_of();
  const tlw_raster raster = {run->pixels, sizeof run->pixels, WIDTH, IMAGE};
  tlw_error error;
  const tlw_status status = tlw_chart_render(engine, &candles, &chart, &raster, &error);
  if (status == TLW_OK && memcmp(run->pixels, expected, sizeof expected) != 0) run->wrong = true;
  note(run, status, &error);
}

static tlw_status take(void *user, const tlw_piece *piece, tlw_error *error) {
  struct run *run = user;
  (void)error;
  if (piece->chart != run->delivered || piece->y != run->rows || run->delivered == CHARTS) {
    run->wrong = true;
    return TLW_OK;
  }
  for (int32_t y = 0; y < piece->rows; y++)
    if (memcmp(piece->data + (size_t)y * piece->row_stride,
               expected + (size_t)run->delivered * IMAGE + (size_t)(piece->y + y) * WIDTH, WIDTH) != 0)
      run->wrong = true;
  run->rows += piece->rows;
  if (!piece->last) return TLW_OK;
  if (run->rows != HEIGHT) run->wrong = true;
  run->delivered++;
  run->rows = 0;
  return TLW_OK;
}

static tlw_status swallow(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)user;
  (void)piece;
  (void)error;
  return TLW_OK;
}

static tlw_stream *open_stream_with(struct run *run, tlw_engine *engine, tlw_stream_format format, bool digest) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = format;
  options.encoders = 2;
  options.digest = digest;
  options.sink = format == TLW_STREAM_RASTER ? take : swallow;
  options.sink_user = run;
  tlw_stream *stream = NULL;
  tlw_error error;
  note(run, tlw_stream_open(&stream, &engine, 1, &options, &error), &error);
  return stream;
}

static tlw_stream *open_stream(struct run *run, tlw_engine *engine, tlw_stream_format format) {
  return open_stream_with(run, engine, format, false);
}

static void push(struct run *run, tlw_stream *stream) {
  const tlw_candles candles = candles_of();
  const tlw_chart_options chart = chart_of();
  tlw_error error;
  note(run, tlw_stream_push(stream, &candles, &chart, NULL, NULL, &error), &error);
}

/* The first series in chunks. */
static void push_chunks(struct run *run, tlw_stream *stream) {
  const tlw_chart_options chart = chart_of();
  tlw_error error;
  tlw_status status = tlw_stream_series(stream, counts[0], NULL, &chart, NULL, &error);
  for (int64_t i = 0; i < counts[0] && status == TLW_OK; i += 7) {
    tlw_candles rows = candles_of();
    rows.offsets = rows.counts = NULL;
    rows.n_series = 1;
    rows.n_rows = counts[0] - i < 7 ? counts[0] - i : 7;
    rows.open = prices[0] + offsets[0] + i;
    rows.high = prices[1] + offsets[0] + i;
    rows.low = prices[2] + offsets[0] + i;
    rows.close = prices[3] + offsets[0] + i;
    rows.volume = prices[4] + offsets[0] + i;
    status = tlw_stream_rows(stream, &rows, &error);
  }
  note(run, status, &error);
}

static void roll(struct run *run, tlw_engine *engine) {
  tlw_error error;
  const tlw_status status = window_job_run(&windows, engine, &error);
  if (status == TLW_ERR_INTERNAL) run->wrong = true;
  note(run, status, &error);
}

/* ---- images ---- */

/* Columns of floats in records must be packed. */
static tlw_candles records_of(void) {
  static float records[ROWS][5];
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < 5; k++) records[i][k] = (float)prices[k][i];
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = &records[0][0];
  candles.high = &records[0][1];
  candles.low = &records[0][2];
  candles.close = &records[0][3];
  candles.volume = &records[0][4];
  candles.n_rows = ROWS;
  candles.type = TLW_TYPE_F32;
  candles.stride = sizeof records[0];
  return candles;
}

static tlw_image_options jkx_of(void) {
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.window = IMAGE_BARS;
  options.color = TLW_IMAGE_RGB;
  return options;
}

/* Some have a reason. */
static void set_windows(tlw_image_window *of, int64_t n, int64_t least) {
  for (int64_t i = 0; i < n; i++) of[i] = (tlw_image_window){0, least + (i * 131) % (ROWS - least)};
}

static tlw_status draw_jkx(tlw_engine *engine, uint8_t *images, uint8_t *reasons, tlw_error *error) {
  const tlw_candles candles = records_of();
  const tlw_image_options options = jkx_of();
  tlw_image_window of[IMAGES];
  set_windows(of, IMAGES, 10);
  return tlw_images_draw(engine, &candles, &options, of, IMAGES, images, IMAGES * JKX_SIZE, reasons, error);
}

static tlw_image_options chart_images_of(const tlw_chart_options *chart) {
  tlw_image_options options = jkx_of();
  options.style = TLW_IMAGES_CHART;
  options.type = TLW_IMAGE_F32;
  options.chart = chart;
  return options;
}

static tlw_status draw_chart_images(tlw_engine *engine, float *images, tlw_error *error) {
  const tlw_candles candles = records_of();
  const tlw_chart_options chart = chart_of();
  const tlw_image_options options = chart_images_of(&chart);
  tlw_image_window of[CHARTS];
  set_windows(of, CHARTS, IMAGE_BARS);
  return tlw_images_draw(engine, &candles, &options, of, CHARTS, images, sizeof expected_charts, NULL, error);
}

static void draw_images(struct run *run, tlw_engine *engine) {
  static uint8_t images[sizeof expected_jkx], reasons[IMAGES];
  static float charts[CHARTS * CHART_NUMBERS];
  tlw_error error;
  tlw_status status = draw_jkx(engine, images, reasons, &error);
  if (status == TLW_OK && memcmp(images, expected_jkx, sizeof images) != 0) run->wrong = true;
  if (status == TLW_OK && memcmp(reasons, expected_reasons, sizeof reasons) != 0) run->wrong = true;
  note(run, status, &error);
  status = draw_chart_images(engine, charts, &error);
  if (status == TLW_OK && memcmp(charts, expected_charts, sizeof charts) != 0) run->wrong = true;
  note(run, status, &error);
}

/* Images on the device, read back; they are known. buffer: id is 0 where that fails. */
static void keep(struct run *run, tlw_engine *engine, const tlw_image_options *options, const tlw_image_window *of,
                 int64_t n, const void *known, size_t size, tlw_buffer *buffer) {
  static uint8_t images[sizeof expected_jkx > sizeof expected_charts ? sizeof expected_jkx : sizeof expected_charts];
  const tlw_candles candles = records_of();
  tlw_error error;
  buffer->id = 1;
  tlw_status status = tlw_images_to_buffer(engine, &candles, options, of, n, buffer, NULL, &error);
  if ((status == TLW_OK) != (buffer->id != 0)) run->wrong = true;
  note(run, status, &error);
  if (status != TLW_OK) return;
  status = tlw_buffer_read(engine, *buffer, 0, images, size, &error);
  if (status == TLW_OK && memcmp(images, known, size) != 0) run->wrong = true;
  note(run, status, &error);
}

static void keep_jkx(struct run *run, tlw_engine *engine, tlw_buffer *buffer) {
  const tlw_image_options options = jkx_of();
  tlw_image_window of[IMAGES];
  set_windows(of, IMAGES, 10);
  keep(run, engine, &options, of, IMAGES, expected_jkx, sizeof expected_jkx, buffer);
}

static void keep_charts(struct run *run, tlw_engine *engine, tlw_buffer *buffer) {
  const tlw_chart_options chart = chart_of();
  const tlw_image_options options = chart_images_of(&chart);
  tlw_image_window of[CHARTS];
  set_windows(of, CHARTS, IMAGE_BARS);
  keep(run, engine, &options, of, CHARTS, expected_charts, sizeof expected_charts, buffer);
}

static void hand_out(struct run *run, tlw_engine *engine, tlw_buffer *buffer) {
  const tlw_image_options options = jkx_of();
  tlw_dl_managed *tensor = NULL;
  tlw_error error;
  const uint64_t id = buffer->id;
  const tlw_status status = tlw_images_tensor(engine, buffer, &options, IMAGES, &tensor, &error);
  note(run, status, &error);
  if ((status == TLW_OK) != (tensor != NULL) || buffer->id != (status == TLW_OK ? 0 : id)) run->wrong = true;
  if (tensor) tensor->deleter(tensor);
}

static void finish(struct run *run, tlw_stream *stream) {
  tlw_error error;
  note(run, tlw_stream_finish(stream, &error), &error);
}

/* Each gives back what it took. `begin` comes before the part in which something fails. */
typedef void (*verb)(struct run *run, void (*begin)(void));

static void do_open(struct run *run, void (*begin)(void)) {
  begin();
  tlw_engine *engine = open_engine(run, false);
  tlw_engine_close(&engine);
}

static void do_open_with_log(struct run *run, void (*begin)(void)) {
  begin();
  tlw_engine *engine = open_engine(run, true);
  if (engine) render(run, engine);
  tlw_engine_close(&engine);
}

static void do_render(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  render(run, engine);
  tlw_engine_close(&engine);
}

static void do_stream(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_RASTER);
  if (stream) push(run, stream);
  if (stream) finish(run, stream);
  if (run->status == TLW_OK && run->delivered != CHARTS) run->wrong = true;
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static void do_stream_png(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_PNG);
  if (stream) push(run, stream);
  if (stream) finish(run, stream);
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static void do_stream_digests(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  tlw_stream *stream = open_stream_with(run, engine, TLW_STREAM_PNG, true);
  if (stream) push(run, stream);
  if (stream) finish(run, stream);
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static void do_stream_chunks(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_RASTER);
  if (stream) push_chunks(run, stream);
  if (stream) finish(run, stream);
  if (run->status == TLW_OK && run->delivered != 1) run->wrong = true;
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static void do_reset(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  render(run, engine);
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_RASTER);
  push(run, stream);
  begin();
  tlw_error error;
  note(run, tlw_engine_reset(engine, TLW_RESET_SESSION, &error), &error);
  note(run, tlw_engine_reset(engine, TLW_RESET_MEMORY, &error), &error);
  render(run, engine);
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static void do_cancel(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_RASTER);
  push(run, stream);
  begin();
  tlw_stream_cancel(stream);
  tlw_stream_close(&stream);
  render(run, engine);
  tlw_engine_close(&engine);
}

/* What is still delivered after a stop is right, whatever fails. */
static void do_stop(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_RASTER);
  if (stream) push(run, stream);
  tlw_error error;
  tlw_stream_stop(stream);
  if (stream && tlw_stream_finish(stream, &error) != TLW_ERR_CANCELLED) note(run, error.code, &error);
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static void do_digest(struct run *run, void (*begin)(void)) {
  static const uint8_t empty[4] = {0xe3, 0xb0, 0xc4, 0x42};
  uint8_t out[TLW_DIGEST_SIZE];
  tlw_digest *digest;
  tlw_error error;
  begin();
  tlw_status status = tlw_digest_open(&digest, &error);
  if (status == TLW_OK) status = tlw_digest_end(digest, out, &error);
  if (status == TLW_OK && memcmp(out, empty, sizeof empty) != 0) run->wrong = true;
  note(run, status, &error);
  tlw_digest_close(&digest);
}

static void do_buffers(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  char bytes[3000] = "some bytes", back[sizeof bytes] = "";
  tlw_buffer buffer;
  tlw_error error;
  begin();
  tlw_status status = tlw_buffer_alloc(engine, sizeof bytes, &buffer, &error);
  if (status == TLW_OK) status = tlw_buffer_write(engine, buffer, 0, bytes, sizeof bytes, &error);
  if (status == TLW_OK) status = tlw_buffer_read(engine, buffer, 0, back, sizeof back, &error);
  if (status == TLW_OK && memcmp(bytes, back, sizeof bytes) != 0) run->wrong = true;
  note(run, status, &error);
  status = tlw_buffer_free(engine, &buffer, &error);
  note(run, status, &error);
  tlw_engine_close(&engine);
}

static void do_windows(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  roll(run, engine);
  render(run, engine);
  tlw_engine_close(&engine);
}

static void do_window_states(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  for (int32_t k = 0; k < windows.c.n_specs; k++) {
    tlw_error error;
    tlw_window_state *clone = NULL, *state = window_job_state(&windows, k, k % 2 ? engine : NULL, &error);
    if (!state) note(run, error.code, &error);
    if (state && !window_job_feed(&windows, k, state, 0, 30)) run->wrong = true;
    if (state) note(run, tlw_window_state_clone(state, &clone, &error), &error);
    if (clone && !window_job_feed(&windows, k, clone, 30, INT64_MAX)) run->wrong = true;
    if (state && !window_job_feed(&windows, k, state, 30, INT64_MAX)) run->wrong = true;
    tlw_window_state_close(&clone);
    tlw_window_state_close(&state);
  }
  tlw_engine_close(&engine);
}

static void do_images(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  draw_images(run, engine);
  tlw_engine_close(&engine);
}

static void do_tensors(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  tlw_buffer buffer;
  tlw_error error;
  begin();
  keep_jkx(run, engine, &buffer);
  if (buffer.id != 0) hand_out(run, engine, &buffer);
  note(run, tlw_buffer_free(engine, &buffer, &error), &error);
  keep_charts(run, engine, &buffer);
  note(run, tlw_buffer_free(engine, &buffer, &error), &error);
  tlw_engine_close(&engine);
}

/* Bars of TICKS rows each, one trade a time unit: what each must be is known. */
static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error) {
  struct run *run = user;
  (void)error;
  for (int64_t i = 0; i < n_bars; i++, run->delivered++) {
    const int64_t first = run->delivered * TICKS;
    if (bars[i].open_time != first || bars[i].close_time != first + TICKS - 1 || bars[i].agg_trades != TICKS ||
        bars[i].volume.low != (uint64_t)TICKS * TLW_DECIMAL_ONE)
      run->wrong = true;
  }
  return TLW_OK;
}

static void run_bars(struct run *run, tlw_engine *engine) {
  tlw_bars_options options;
  tlw_bars_options_init(&options, TLW_BARS_TICK, TICKS);
  tlw_trades rows;
  tlw_trades_init(&rows);
  rows.n_rows = TRADES;
  rows.time = trades[0];
  rows.price = trades[1];
  rows.quantity = trades[2];
  tlw_bars *bars = NULL;
  tlw_error error;
  tlw_status status = tlw_bars_open(&options, take_bars, run, engine, &bars, &error);
  if (status == TLW_OK) status = tlw_bars_run(engine, &bars, &rows, 1, NULL, &error);
  if (status == TLW_OK && run->delivered != TRADES / TICKS) run->wrong = true;
  if (status != TLW_OK && run->delivered > 0) run->wrong = true; /* nothing was taken */
  if (status == TLW_OK) status = tlw_bars_save_file(bars, state_file, &error);
  if (status == TLW_OK) status = tlw_bars_load_file(bars, state_file, TRADES, &error);
  note(run, status, &error);
  tlw_bars_close(&bars);
}

static void read_trades(struct run *run, tlw_engine *engine) {
  static int64_t numbers[3][FILE_ROWS + 1];
  const char *const paths[] = {trade_file};
  const tlw_trade_rows rows = {
      .capacity = FILE_ROWS + 1, .time = numbers[0], .price = numbers[1], .quantity = numbers[2]};
  tlw_trade_reader *reader = NULL;
  tlw_error error;
  int64_t n = 1, all = 0;
  tlw_status status = tlw_trade_reader_open(paths, 1, NULL, engine, &reader, NULL, &error);
  while (status == TLW_OK && n > 0) {
    status = tlw_trade_reader_next(reader, &rows, &n, &error);
    for (int64_t i = 0; i < n; i++, all++)
      if (numbers[2][i] != (all + 1) * TLW_DECIMAL_ONE) run->wrong = true;
  }
  if (status == TLW_OK && all != FILE_ROWS) run->wrong = true;
  note(run, status, &error);
  tlw_trade_reader_close(&reader);
}

/* Removes what checkpoints that failed have left beside the last one. */
static int remove_leftovers(void) {
  DIR *files = opendir(folder);
  if (!files) return 0;
  int n = 0;
  for (const struct dirent *file; (file = readdir(files));)
    if (strncmp(file->d_name, "state.", 6) == 0) n += unlinkat(dirfd(files), file->d_name, 0) == 0;
  closedir(files);
  return n;
}

static void do_bars(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  begin();
  run_bars(run, engine);
  /* Where every operation fails, so does the removal. */
  if (remove_leftovers() > 0 && !planned.lasting) run->wrong = true;
  read_trades(run, engine);
  tlw_engine_close(&engine);
}

static void do_close(struct run *run, void (*begin)(void)) {
  tlw_engine *engine = open_engine(run, false);
  render(run, engine);
  tlw_stream *stream = open_stream(run, engine, TLW_STREAM_PNG);
  push(run, stream);
  begin();
  tlw_stream_close(&stream);
  tlw_engine_close(&engine);
}

static const struct {
  const char *name;
  verb run;
} verbs[] = {
    {"open", do_open},
    {"open with a log, and render", do_open_with_log},
    {"render", do_render},
    {"stream", do_stream},
    {"stream of PNG", do_stream_png},
    {"stream of PNG with digests", do_stream_digests},
    {"stream in chunks", do_stream_chunks},
    {"reset", do_reset},
    {"cancel", do_cancel},
    {"stop", do_stop},
    {"digest", do_digest},
    {"buffers", do_buffers},
    {"windows", do_windows},
    {"states of windows", do_window_states},
    {"images", do_images},
    {"images that stay, and tensors", do_tensors},
    {"bars, and trades from a file", do_bars},
    {"close", do_close},
};

/* ---- failing ---- */

static const char *const kind_names[TLW_FAULT_KINDS] = {"allocation", "file operation", "device call"};

static void plant(void) {
  begun = true;
  tlw_fault_plant(planned.kind, planned.nth, planned.lasting);
}

static bool is_typed(const struct run *run) {
  switch (run->status) {
  case TLW_ERR_MEMORY:
  case TLW_ERR_IO:
  case TLW_ERR_UNAVAILABLE:
  case TLW_ERR_DEVICE:
  case TLW_ERR_DEVICE_LOST:
    return run->error.code == run->status && strlen(run->error.message) > 10;
  default:
    return false;
  }
}

/*
 * Every call fails in turn; on a device, where each engine loads the kernels of windows and of images anew for a long
 * time, one of several of those with them. OpenCL's driver takes long for any engine, and longer under a sanitizer.
 * With times it is one of several, for most calls are those that fail without.
 */
static uint64_t step_of(bool builds_many) {
  const bool in_short = backend == TLW_BACKEND_OPENCL && environment_number("TALLOW_TEST_CASES", 1000) <= 100;
  const uint64_t step = timed ? 5 : in_short ? 3 : 1;
  if (!builds_many || backend == TLW_BACKEND_CPU) return step;
  return step * (backend == TLW_BACKEND_CUDA ? 3 : 5);
}

/* Until no fault strikes any more. Returns about how many calls there are. */
static uint64_t fail_each(size_t v, enum tlw_fault_kind kind, bool lasting) {
  /* Those of windows and of files, that an engine makes on demand, are built while calls fail. */
  const bool builds_many = verbs[v].run == do_windows || verbs[v].run == do_images;
  builds_programs = (builds_many || verbs[v].run == do_stream_png) && !lasting;
  const uint64_t step = step_of(builds_many);
  for (uint64_t nth = lasting ? 1 + step / 2 : 1;; nth += step) {
    static struct run run;
    run = (struct run){0};
    planned.kind = kind;
    planned.nth = nth;
    planned.lasting = lasting;
    begun = false;
    verbs[v].run(&run, plant);
    const uint64_t struck = tlw_fault_struck(kind);
    tlw_fault_plant(kind, 0, false);
    const char *name = kind_names[kind];
    if (run.wrong) fail_msg("%s: %s %llu failed, and what came is wrong", verbs[v].name, name, (unsigned long long)nth);
    if (run.status != TLW_OK && !is_typed(&run))
      fail_msg("%s: %s %llu failed with %s: %s", verbs[v].name, name, (unsigned long long)nth,
               tlw_status_name(run.status), run.error.message);
    if (run.status != TLW_OK && !struck) fail_msg("%s failed without a fault: %s", verbs[v].name, run.error.message);
    if (!struck) return nth - 1;
    assert_true(nth < 5000);
  }
}

static void fail_all(enum tlw_fault_kind kind) {
  for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
    const uint64_t once = fail_each(v, kind, false), lasting = fail_each(v, kind, true);
    printf("%s: %llu single and %llu lasting failures of a %s\n", verbs[v].name, (unsigned long long)once,
           (unsigned long long)lasting, kind_names[kind]);
    fflush(stdout);
  }
}

static void test_allocations(void **state) {
  (void)state;
  fail_all(TLW_FAULT_MEMORY);
}

static void test_files(void **state) {
  (void)state;
  fail_all(TLW_FAULT_FILE);
}

static void test_device_calls(void **state) {
  (void)state;
  fail_all(TLW_FAULT_DEVICE);
}

/* After a failure that did not lose the device the same engine draws right. */
static void test_engine_goes_on(void **state) {
  (void)state;
  begun = builds_programs = false;
  for (int kind = 0; kind < TLW_FAULT_KINDS; kind++) {
    for (uint64_t nth = 1, struck = 1; struck; nth += step_of(true)) {
      static struct run run, again;
      run = again = (struct run){0};
      tlw_engine *engine = open_engine(&run, false);
      assert_non_null(engine);
      tlw_fault_plant((enum tlw_fault_kind)kind, nth, false);
      render(&run, engine);
      roll(&run, engine);
      draw_images(&run, engine);
      struck = tlw_fault_struck((enum tlw_fault_kind)kind);
      tlw_fault_plant((enum tlw_fault_kind)kind, 0, false);
      render(&again, engine);
      roll(&again, engine);
      draw_images(&again, engine);
      assert_false(run.wrong || again.wrong);
      assert_int_equal(again.status, run.status == TLW_ERR_DEVICE_LOST ? TLW_ERR_DEVICE_LOST : TLW_OK);
      tlw_engine_close(&engine);
    }
  }
}

static void fill(void) {
  uint32_t state = 3;
  double price = 50;
  for (int i = 0; i < ROWS; i++) {
    state = state * 1664525u + 1013904223u;
    const double close = price + (double)(state >> 24) / 64 - 2;
    prices[0][i] = price;
    prices[1][i] = (price > close ? price : close) + 1;
    prices[2][i] = (price < close ? price : close) - 1;
    prices[3][i] = close;
    prices[4][i] = (double)(state >> 20);
    price = close;
  }
  for (int64_t i = 0; i < CHARTS; i++) {
    counts[i] = 20 + 30 * (i % 7);
    offsets[i] = (i * 131) % (ROWS - counts[i]);
  }
}

static bool fill_trades(void) {
  for (int64_t i = 0; i < TRADES; i++) {
    trades[0][i] = i;
    trades[1][i] = (100 + i % 7) * TLW_DECIMAL_ONE;
    trades[2][i] = TLW_DECIMAL_ONE;
  }
  snprintf(state_file, sizeof state_file, "%s/state", folder);
  snprintf(trade_file, sizeof trade_file, "%s/trades.csv", folder);
  FILE *file = fopen(trade_file, "w");
  if (!file) return false;
  fprintf(file, "time,price,quantity\n");
  for (int i = 0; i < FILE_ROWS; i++) fprintf(file, "%lld,100.5,%d\n", 1700000000000ll + i, i + 1);
  return fclose(file) == 0;
}

static int prepare(void **state) {
  (void)state;
  strcpy(folder, "/tmp/tallow_faults_XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(cache, sizeof cache, "%s/cache", folder);
  fill();
  if (!fill_trades()) return -1;
  window_job_open(&windows, 20251301, 4, 200, 40, 5);
  /* The CPU backend's pixels, which other tests hold against the oracle. */
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  tlw_engine *engine;
  if (tlw_engine_open(&engine, &options, NULL) != TLW_OK) return -1;
  const tlw_candles candles = candles_of();
  const tlw_chart_options chart = chart_of();
  const tlw_raster raster = {expected, sizeof expected, WIDTH, IMAGE};
  tlw_status status = tlw_chart_render(engine, &candles, &chart, &raster, NULL);
  if (status == TLW_OK) status = draw_jkx(engine, expected_jkx, expected_reasons, NULL);
  if (status == TLW_OK) status = draw_chart_images(engine, expected_charts, NULL);
  tlw_engine_close(&engine);
  return status == TLW_OK ? 0 : -1;
}

static void remove_cache(void) {
  DIR *files = opendir(cache);
  if (!files) return;
  for (const struct dirent *file; (file = readdir(files));) unlinkat(dirfd(files), file->d_name, 0);
  closedir(files);
  rmdir(cache);
}

static int clean_up(void **state) {
  (void)state;
  remove_cache();
  char log[96];
  snprintf(log, sizeof log, "%s/log.csv", folder);
  unlink(log);
  unlink(trade_file);
  unlink(state_file);
  window_job_close(&windows);
  return rmdir(folder);
}

int main(int argc, char **argv) {
  for (int b = TLW_BACKEND_CPU; b <= TLW_BACKEND_CUDA && (argc == 2 || argc == 3); b++)
    if (strcmp(argv[1], tlw_backend_name((tlw_backend)b)) == 0) backend = (tlw_backend)b;
  timed = argc == 3 && strcmp(argv[2], "timed") == 0;
  if (backend == TLW_BACKEND_AUTO || (argc == 3 && !timed)) {
    fprintf(stderr, "usage: test_faults cpu|opencl|cuda [timed]\n");
    return 64;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_device_calls),
      cmocka_unit_test(test_allocations),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_engine_goes_on),
  };
  const struct CMUnitTest those_of_times[] = {cmocka_unit_test(test_device_calls)};
  if (timed) return cmocka_run_group_tests(those_of_times, prepare, clean_up);
  return cmocka_run_group_tests(tests, prepare, clean_up);
}
