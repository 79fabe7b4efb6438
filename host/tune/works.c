#include "works.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "host/base/error.h"
#include "tallow/images.h"
#include "tallow/window.h"

/* Charts are of this size, smaller ones of these proportions, and have a candle for so many pixel columns. */
#define WIDTH 1280
#define HEIGHT 720
#define COLUMNS_A_CANDLE 6
#define RICH_CANDLES 50000

#define WINDOW 20
#define ORDER_WINDOW 100
#define RICH_ROWS 50 /* of a series */

#define IMAGE_BARS 20
#define RICH_IMAGE_BARS 5
#define IMAGE_BYTES (60 * 64)
#define RICH_IMAGE_BYTES (15 * 32)

#define CANDLES 65536 /* of the series that all charts and images show parts of */
#define CANDLE_COLUMNS 6
#define TRADE_COLUMNS 3
#define SERIES_STEP 97 /* candles by which the next chart or image is farther on */

#define LEAST_TICKS 65536 /* fewer do not go to a device */

double tlw_tune_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int64_t nearest(double number) { return number < 1 ? 1 : (int64_t)(number + 0.5); }

/* ---- loads ---- */

struct charts {
  int32_t width, height;
  int64_t n, candles; /* candles of each */
};

static int32_t width_of(int32_t height) { return (height * WIDTH + HEIGHT / 2) / HEIGHT; }

static double pixels_of(int32_t height) { return (double)height * width_of(height); }

/* The charts with about so many pixels; exactly, where there are such. */
static struct charts charts_of(double pixels, enum tlw_tune_shape shape) {
  int32_t height = (int32_t)sqrt(pixels * HEIGHT / WIDTH);
  if (height < TLW_CHART_MIN_SIDE) height = TLW_CHART_MIN_SIDE;
  while (pixels_of(height) < pixels) height++;
  if (height > TLW_CHART_MIN_SIDE && pixels_of(height) - pixels > pixels - pixels_of(height - 1)) height--;
  struct charts charts = {.height = height, .n = 1};
  if (height > HEIGHT) charts = (struct charts){.height = HEIGHT, .n = nearest(pixels / pixels_of(HEIGHT))};
  charts.width = width_of(charts.height);
  charts.candles = shape == TLW_TUNE_RICH ? RICH_CANDLES : charts.width / COLUMNS_A_CANDLE;
  return charts;
}

static int64_t images_of(double bytes, enum tlw_tune_shape shape) {
  return nearest(bytes / (shape == TLW_TUNE_RICH ? RICH_IMAGE_BYTES : IMAGE_BYTES));
}

struct tlw_load tlw_tune_works_load(void *works, enum tlw_work work, enum tlw_tune_shape shape, double units) {
  (void)works;
  const int64_t whole = nearest(units);
  switch (work) {
  case TLW_WORK_CHARTS:
  case TLW_WORK_FILES: {
    const struct charts c = charts_of(units, shape);
    const double n = (double)c.n;
    return (struct tlw_load){.work = work, .units = (double)c.width * c.height * n, .extra = (double)c.candles * n};
  }
  case TLW_WORK_IMAGES: {
    const double n = (double)images_of(units, shape);
    const double bytes = shape == TLW_TUNE_RICH ? RICH_IMAGE_BYTES : IMAGE_BYTES;
    return (struct tlw_load){.work = work, .units = n * bytes, .extra = n};
  }
  case TLW_WORK_BARS:
    return (struct tlw_load){.work = work, .units = (double)(whole < LEAST_TICKS ? LEAST_TICKS : whole)};
  default:
    return (struct tlw_load){
        .work = work,
        .units = (double)whole,
        .extra = shape == TLW_TUNE_RICH ? (double)((whole - 1) / RICH_ROWS + 1) : 1,
    };
  }
}

/* ---- what is read ---- */

static uint32_t next_noise(uint32_t *noise) {
  *noise = *noise * 1664525 + 1013904223;
  return *noise >> 8;
}

/* -1 to 1. */
static double draw(uint32_t *noise) { return (double)next_noise(noise) * 0x1p-23 - 1; }

static void fill_candles(struct tlw_tune_works *works) {
  double *c[CANDLE_COLUMNS - 1], last = 100;
  for (int i = 0; i < CANDLE_COLUMNS - 1; i++) c[i] = (double *)works->input.data + (size_t)i * CANDLES;
  int64_t *time = (int64_t *)(c[CANDLE_COLUMNS - 2] + CANDLES);
  uint32_t noise = 1;
  for (int64_t i = 0; i < CANDLES; i++) {
    const double close = last + 0.3 * draw(&noise) + (100 - last) * 0.001;
    c[0][i] = last;
    c[1][i] = fmax(last, close) + 0.2 * fabs(draw(&noise));
    c[2][i] = fmin(last, close) - 0.2 * fabs(draw(&noise));
    c[3][i] = last = close;
    c[4][i] = 1000 * (1 + draw(&noise));
    time[i] = i * INT64_C(60000000000);
  }
}

static void fill_numbers(struct tlw_tune_works *works, int64_t rows) {
  double *x = works->input.data;
  uint32_t noise = (uint32_t)works->filled + 1;
  for (int64_t i = works->filled; i < rows; i++) x[i] = (i > 0 ? x[i - 1] : 100) + 0.01 * draw(&noise);
}

/* A trade every 316 ms on average. */
static void fill_trades(struct tlw_tune_works *works, int64_t rows, int64_t capacity) {
  int64_t *time = works->input.data, *price = time + capacity, *quantity = price + capacity;
  uint32_t noise = (uint32_t)works->filled + 1;
  for (int64_t i = works->filled; i < rows; i++) {
    time[i] = (i > 0 ? time[i - 1] : INT64_C(1700000000000)) + next_noise(&noise) % 633;
    price[i] = INT64_C(6180000000000) + (int64_t)(1e10 * draw(&noise));
    quantity[i] = 1 + next_noise(&noise) % TLW_DECIMAL_ONE;
  }
}

static bool has_candles(enum tlw_work work) {
  return work == TLW_WORK_CHARTS || work == TLW_WORK_FILES || work == TLW_WORK_IMAGES;
}

/* Rows that the column of numbers, or each of trades, has room for. */
static int64_t capacity_of(const struct tlw_tune_works *works) {
  const uint64_t row = works->work == TLW_WORK_BARS ? TRADE_COLUMNS * sizeof(int64_t) : sizeof(double);
  return (int64_t)(works->input.size / row);
}

/* Makes the rows that a load reads. */
static void fill(struct tlw_tune_works *works, const struct tlw_load *load) {
  const bool rolls = !has_candles(works->work) && works->work != TLW_WORK_BARS;
  const int64_t rows = has_candles(works->work) ? CANDLES : (int64_t)load->units + rolls;
  if (rows <= works->filled) return;
  if (has_candles(works->work))
    fill_candles(works);
  else if (works->work == TLW_WORK_BARS)
    fill_trades(works, rows, capacity_of(works));
  else
    fill_numbers(works, rows);
  works->filled = rows;
}

/* ---- calls ---- */

static tlw_status take_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)user, (void)piece, (void)error;
  return TLW_OK;
}

static tlw_status open_stream(struct tlw_tune_works *works, enum tlw_tune_side side, tlw_error *error) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  options.sink = take_piece;
  return tlw_stream_open(&works->streams[side], &works->engines[side], 1, &options, error);
}

/* A stream keeps its first failure: the next batch has another one. */
static tlw_status stream_charts(struct tlw_tune_works *works, enum tlw_tune_side side, const tlw_candles *candles,
                                const tlw_chart_options *options, tlw_error *error) {
  tlw_stream **stream = &works->streams[side];
  tlw_status status = *stream ? TLW_OK : open_stream(works, side, error);
  if (status == TLW_OK) status = tlw_stream_push(*stream, candles, options, NULL, NULL, error);
  if (status == TLW_OK) status = tlw_stream_finish(*stream, error);
  if (status != TLW_OK) tlw_stream_close(stream);
  return status;
}

static tlw_status take_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)user, (void)bars, (void)n, (void)error;
  return TLW_OK;
}

static tlw_candles candles_of(const struct tlw_tune_works *works) {
  const double *columns = works->input.data;
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = columns;
  candles.high = columns + CANDLES;
  candles.low = columns + 2 * CANDLES;
  candles.close = columns + 3 * CANDLES;
  candles.volume = columns + 4 * CANDLES;
  candles.time = (const int64_t *)(columns + 5 * CANDLES);
  candles.n_rows = CANDLES;
  return candles;
}

/* Numbers behind the candles: of charts two, of images two. */
static int64_t *lists_of(const struct tlw_tune_works *works) {
  return (int64_t *)works->input.data + CANDLES * CANDLE_COLUMNS;
}

static void list_charts(const struct tlw_tune_works *works, const struct charts *charts) {
  int64_t *offsets = lists_of(works), *counts = offsets + charts->n;
  for (int64_t i = 0; i < charts->n; i++) {
    offsets[i] = i * SERIES_STEP % (CANDLES - charts->candles);
    counts[i] = charts->candles;
  }
}

static void list_images(const struct tlw_tune_works *works, int64_t n) {
  tlw_image_window *windows = (tlw_image_window *)lists_of(works);
  for (int64_t i = 0; i < n; i++)
    windows[i] = (tlw_image_window){0, 2 * IMAGE_BARS + i * SERIES_STEP % (CANDLES - 2 * IMAGE_BARS)};
}

static tlw_status draw_charts(struct tlw_tune_works *works, enum tlw_tune_side side, tlw_error *error) {
  const struct charts charts = charts_of(works->load.units, works->shape);
  tlw_candles candles = candles_of(works);
  candles.offsets = lists_of(works);
  candles.counts = candles.offsets + charts.n;
  candles.n_series = charts.n;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = charts.width;
  options.height = charts.height;
  const size_t row = (size_t)charts.width, image = row * (size_t)charts.height;
  if (works->work == TLW_WORK_CHARTS) {
    const tlw_raster raster = {works->output.data, image * (size_t)charts.n, row, image};
    return tlw_chart_render(works->engines[side], &candles, &options, &raster, error);
  }
  return stream_charts(works, side, &candles, &options, error);
}

static tlw_status draw_images(struct tlw_tune_works *works, enum tlw_tune_side side, tlw_error *error) {
  const tlw_candles candles = candles_of(works);
  tlw_image_options options;
  tlw_image_options_init(&options);
  options.window = works->shape == TLW_TUNE_RICH ? RICH_IMAGE_BARS : IMAGE_BARS;
  return tlw_images_draw(works->engines[side], &candles, &options, (const tlw_image_window *)lists_of(works),
                         images_of(works->load.units, works->shape), works->output.data, works->output.size, NULL,
                         error);
}

static void init_spec(const struct tlw_tune_works *works, tlw_window_spec *spec) {
  const tlw_window_op op = works->work == TLW_WORK_FOLD    ? TLW_WINDOW_MEAN
                           : works->work == TLW_WORK_ORDER ? TLW_WINDOW_MEDIAN
                                                           : TLW_WINDOW_EMA;
  if (works->has_operation)
    tlw_window_spec_init(spec, works->operation, works->window);
  else
    tlw_window_spec_init(spec, op, works->work == TLW_WORK_ORDER ? ORDER_WINDOW : WINDOW);
}

static tlw_status roll(struct tlw_tune_works *works, enum tlw_tune_side side, tlw_error *error) {
  /* The second column, where one is read, is the first without its first row. */
  const void *columns[] = {works->input.data, (const double *)works->input.data + 1};
  double *output = works->output.data;
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = columns;
  batch.n_columns = 2;
  batch.n_rows = (int64_t)works->load.units;
  if (works->shape == TLW_TUNE_RICH) {
    batch.offsets = (const int64_t *)(output + batch.n_rows);
    batch.n_series = (int64_t)works->load.extra;
  }
  tlw_window_spec spec;
  init_spec(works, &spec);
  return tlw_window_run(works->engines[side], &batch, &spec, 1, &output, error);
}

static void list_series(const struct tlw_tune_works *works) {
  const int64_t rows = (int64_t)works->load.units, n = (int64_t)works->load.extra;
  int64_t *offsets = (int64_t *)((double *)works->output.data + rows);
  for (int64_t i = 0; i <= n; i++) offsets[i] = i * RICH_ROWS < rows ? i * RICH_ROWS : rows;
}

static tlw_status make_bars(struct tlw_tune_works *works, enum tlw_tune_side side, tlw_error *error) {
  const int64_t capacity = capacity_of(works);
  tlw_trades trades;
  tlw_trades_init(&trades);
  trades.n_rows = (int64_t)works->load.units;
  trades.time = works->input.data;
  trades.price = trades.time + capacity;
  trades.quantity = trades.price + capacity;
  tlw_bars_clear(works->bars[side]);
  return tlw_bars_run(works->engines[side], &works->bars[side], &trades, 1, NULL, error);
}

static tlw_status call(struct tlw_tune_works *works, enum tlw_tune_side side, tlw_error *error) {
  switch (works->work) {
  case TLW_WORK_CHARTS:
  case TLW_WORK_FILES:
    return draw_charts(works, side, error);
  case TLW_WORK_IMAGES:
    return draw_images(works, side, error);
  case TLW_WORK_BARS:
    return make_bars(works, side, error);
  default:
    return roll(works, side, error);
  }
}

/* ---- samples ---- */

static void list(const struct tlw_tune_works *works) {
  const struct charts charts = charts_of(works->load.units, works->shape);
  if (works->work == TLW_WORK_IMAGES)
    list_images(works, images_of(works->load.units, works->shape));
  else if (has_candles(works->work))
    list_charts(works, &charts);
  else if (works->work != TLW_WORK_BARS && works->shape == TLW_TUNE_RICH)
    list_series(works);
}

static void turn_to(struct tlw_tune_works *works, const struct tlw_load *load, enum tlw_tune_shape shape) {
  if (works->load.units == load->units && works->shape == shape) return;
  fill(works, load);
  works->load = *load;
  works->shape = shape;
  works->is_warm[TLW_TUNE_DEVICE] = works->is_warm[TLW_TUNE_CPU] = false;
  list(works);
}

tlw_status tlw_tune_works_sample(void *user, const struct tlw_load *load, enum tlw_tune_shape shape, bool on_cpu,
                                 double *seconds, tlw_error *error) {
  struct tlw_tune_works *works = user;
  const enum tlw_tune_side side = on_cpu ? TLW_TUNE_CPU : TLW_TUNE_DEVICE;
  if (!works->goes_on(works->user)) return tlw_fail(error, TLW_ERR_CANCELLED, "measuring was called off");
  turn_to(works, load, shape);
  const tlw_status status = works->is_warm[side] ? TLW_OK : call(works, side, error);
  if (status != TLW_OK) return status;
  const double begun = tlw_tune_now();
  const tlw_status measured = call(works, side, error);
  *seconds = tlw_tune_now() - begun;
  works->is_warm[side] = measured == TLW_OK;
  return measured;
}

/* ---- a kind of work ---- */

static tlw_status open_streams(struct tlw_tune_works *works, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int i = 0; i < TLW_TUNE_SIDES && status == TLW_OK; i++)
    status = open_stream(works, (enum tlw_tune_side)i, error);
  return status;
}

static tlw_status open_bars(struct tlw_tune_works *works, tlw_error *error) {
  tlw_bars_options options;
  tlw_bars_options_init(&options, TLW_BARS_TIME, 1);
  tlw_status status = TLW_OK;
  for (int i = 0; i < TLW_TUNE_SIDES && status == TLW_OK; i++)
    status = tlw_bars_open(&options, take_bars, NULL, works->engines[i], &works->bars[i], error);
  return status;
}

/* Bytes of input and output for the greatest of sizes that together take about so many. */
struct room {
  uint64_t input, output;
};

static struct room plan(enum tlw_work work, uint64_t bytes, struct tlw_tune_range *range) {
  const uint64_t candles = CANDLES * CANDLE_COLUMNS * sizeof(double);
  const double left = (double)(bytes - candles), columns = (double)bytes;
  const double charts = fmin(left * 0.9, 3e8), images = fmin(left * 0.9, 3e8);
  switch (work) {
  case TLW_WORK_CHARTS:
  case TLW_WORK_FILES:
    *range = (struct tlw_tune_range){pixels_of(TLW_CHART_MIN_SIDE), charts, pixels_of(HEIGHT)};
    return (struct room){candles + 2 * sizeof(int64_t) * (uint64_t)(charts / pixels_of(HEIGHT) + 2),
                         work == TLW_WORK_FILES ? 0 : (uint64_t)(charts + pixels_of(HEIGHT))};
  case TLW_WORK_IMAGES:
    *range = (struct tlw_tune_range){IMAGE_BYTES, images, 256 * IMAGE_BYTES};
    return (struct room){candles + sizeof(tlw_image_window) * (uint64_t)(images / IMAGE_BYTES + 4096),
                         (uint64_t)images + IMAGE_BYTES};
  case TLW_WORK_BARS:
    *range = (struct tlw_tune_range){LEAST_TICKS, fmax(LEAST_TICKS, fmin(columns / 24, 2e7)), 0};
    return (struct room){(uint64_t)(range->most + 1) * 24, 0};
  default:
    *range = (struct tlw_tune_range){16, fmin(columns / 17, 2e7), 100000};
    return (struct room){(uint64_t)(range->most + 2) * 8, (uint64_t)(range->most + 100000) * 8};
  }
}

tlw_status tlw_tune_works_begin(struct tlw_tune_works *works, enum tlw_work work, uint64_t bytes,
                                struct tlw_tune_range *range, tlw_error *error) {
  const struct room room = plan(work, bytes, range);
  works->work = work;
  works->filled = 0;
  works->load = (struct tlw_load){.units = -1};
  works->memory.budget = UINT64_MAX;
  tlw_status status = tlw_block_reserve(&works->memory, &works->input, room.input, "what is measured", error);
  if (status == TLW_OK)
    status = tlw_block_reserve(&works->memory, &works->output, room.output, "results that are measured", error);
  if (status == TLW_OK && work == TLW_WORK_FILES) status = open_streams(works, error);
  if (status == TLW_OK && work == TLW_WORK_BARS) status = open_bars(works, error);
  return status;
}

void tlw_tune_works_end(struct tlw_tune_works *works) {
  for (int i = 0; i < TLW_TUNE_SIDES; i++) {
    tlw_stream_close(&works->streams[i]);
    tlw_bars_close(&works->bars[i]);
  }
  tlw_block_free(&works->memory, &works->input);
  tlw_block_free(&works->memory, &works->output);
}
