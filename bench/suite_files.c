/*
 * To PNG files in memory: candles in memory through a stream, or rendered and encoded one after the other; and CSV
 * files in the page cache, read, rendered and encoded one by one. Each chart is of another window or file than the one
 * before.
 */
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define BATCH 64 /* charts of a call, but where they come from files */
#define FILES 8  /* which take turns, so that no stage learns the one input by heart */

enum { CANDLES, WIDTH, HEIGHT, LINES, KIND };
enum { STREAM, ONE_BY_ONE, FROM_CSV };

struct state {
  int64_t n_candles, kind;
  const tlw_candles *series;
  const bench_file *files[FILES];
  tlw_engine *engine;
  tlw_stream *stream;
  tlw_chart_options chart;
  const void *averages[BENCH_LINES], *lines[BENCH_LINES];
  int64_t offsets[BATCH + 1];
  uint8_t palette[TLW_COLORS_MOST * 3];
  int32_t n_colors;
  uint8_t *pixels, *png;
  size_t capacity;
  int64_t call; /* the next */
  bool hashes;
  uint64_t hash;
};

static tlw_status take_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  struct state *s = user;
  if (s->hashes) s->hash = bench_hash_bytes(s->hash, piece->data, piece->size);
  return TLW_OK;
}

static void next_window(struct state *s, int64_t charts, tlw_candles *window) {
  int64_t first;
  bench_series_window(s->series, s->n_candles, charts, s->call++, s->offsets, window, &first);
  for (int k = 0; k < s->chart.n_lines; k++) s->lines[k] = (const double *)s->averages[k] + first;
  window->lines = s->lines;
  window->n_lines = s->chart.n_lines;
}

static tlw_status draw_and_encode(struct state *s, const tlw_candles *candles, tlw_error *error) {
  const size_t width = (size_t)s->chart.width, size = width * (size_t)s->chart.height;
  const tlw_raster raster = {s->pixels, size, width, size};
  const tlw_png_image image = {s->pixels, width, s->chart.width, s->chart.height, s->palette, s->n_colors};
  size_t length;
  tlw_status status = tlw_chart_render(s->engine, candles, &s->chart, &raster, error);
  if (status == TLW_OK) status = tlw_png_encode(&image, NULL, s->png, s->capacity, &length, error);
  if (status == TLW_OK && s->hashes) s->hash = bench_hash_bytes(s->hash, s->png, length);
  return status;
}

static tlw_status push_batch(struct state *s, tlw_error *error) {
  tlw_candles window;
  next_window(s, BATCH, &window);
  return tlw_stream_push(s->stream, &window, &s->chart, NULL, NULL, error);
}

static tlw_status draw_batch(struct state *s, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < BATCH && status == TLW_OK; i++) {
    tlw_candles window;
    next_window(s, 1, &window);
    status = draw_and_encode(s, &window, error);
  }
  return status;
}

static tlw_status draw_file(struct state *s, tlw_error *error) {
  tlw_table *table;
  tlw_candles candles;
  tlw_status status = tlw_csv_read(s->files[s->call++ % FILES]->path, NULL, NULL, &table, error);
  if (status != TLW_OK) return status;
  tlw_table_candles(table, &candles);
  status = draw_and_encode(s, &candles, error);
  tlw_table_close(&table);
  return status;
}

static tlw_status run(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++)
    status = s->kind == STREAM       ? push_batch(s, error)
             : s->kind == ONE_BY_ONE ? draw_batch(s, error)
                                     : draw_file(s, error);
  if (status == TLW_OK && s->stream) status = tlw_stream_finish(s->stream, error);
  return status;
}

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  struct state *s = state;
  const int64_t call = s->call;
  s->call = 0;
  s->hashes = true;
  s->hash = BENCH_HASH_START;
  const tlw_status status = run(s, 1, error);
  s->hashes = false;
  s->call = call;
  *hash = s->hash;
  return status;
}

static void close_state(void *state) {
  struct state *s = state;
  tlw_stream_close(&s->stream);
  tlw_engine_close(&s->engine);
  free(s->pixels);
  free(s->png);
  free(s);
}

static tlw_status open_stream(struct state *s, const bench_lane *lane, tlw_error *error) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  if (lane->backend == TLW_BACKEND_CPU) options.encoders = lane->threads;
  options.sink = take_piece;
  options.sink_user = s;
  return tlw_stream_open(&s->stream, &s->engine, 1, &options, error);
}

static tlw_status open_inputs(struct state *s, tlw_error *error) {
  if (!(s->series = bench_series(error))) return error->code;
  for (int i = 0; i < FILES && s->kind == FROM_CSV; i++)
    if (!(s->files[i] = bench_candle_file(0, s->n_candles, i + 1, 0, error))) return error->code;
  for (int k = 0; k < s->chart.n_lines; k++)
    if (!(s->averages[k] = bench_average(k, error))) return error->code;
  return TLW_OK;
}

static tlw_status open_state(struct state *s, const bench_case *what, const bench_lane *lane, tlw_error *error) {
  tlw_chart_options_init(&s->chart);
  s->chart.width = (int32_t)what->numbers[WIDTH];
  s->chart.height = (int32_t)what->numbers[HEIGHT];
  s->chart.n_lines = (int32_t)what->numbers[LINES];
  s->capacity = tlw_png_bound(s->chart.width, s->chart.height);
  s->pixels = bench_alloc((size_t)s->chart.width * (size_t)s->chart.height, error);
  s->png = bench_alloc(s->capacity, error);
  if (!s->pixels || !s->png) return TLW_ERR_MEMORY;
  tlw_status status = tlw_chart_palette(&s->chart, s->palette, &s->n_colors, error);
  if (status == TLW_OK) status = open_inputs(s, error);
  if (status == TLW_OK) status = bench_engine_open(lane, &s->engine, error);
  if (status == TLW_OK && s->kind == STREAM) status = open_stream(s, lane, error);
  return status;
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  struct state *s = bench_alloc(sizeof *s, error);
  if (!s) return TLW_ERR_MEMORY;
  *s = (struct state){.n_candles = what->numbers[CANDLES], .kind = what->numbers[KIND]};
  const tlw_status status = open_state(s, what, lane, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  *subject = (bench_subject){.state = s,
                             .run = run,
                             .hash = hash,
                             .close = close_state,
                             .engine = s->engine,
                             .item = "charts",
                             .items = s->kind == FROM_CSV ? 1 : BATCH};
  return TLW_OK;
}

static void list(bench_cases *cases) {
  static const struct {
    int64_t candles, width, height, lines;
  } shapes[] = {{100, 1920, 1080, 0},   {1000, 1920, 1080, 0}, {10000, 1920, 1080, 0},
                {50000, 1920, 1080, 0}, {1000, 800, 600, 0},   {1000, 1920, 1080, BENCH_LINES}};
  static const char *const kinds[] = {[STREAM] = "stream", [ONE_BY_ONE] = "one-by-one", [FROM_CSV] = "csv"};
  for (size_t i = 0; i < BENCH_COUNT(shapes); i++)
    for (int kind = STREAM; kind <= FROM_CSV; kind++) {
      const bool is_plain = shapes[i].candles == 1000 && shapes[i].height == 1080 && shapes[i].lines == 0;
      if (kind == FROM_CSV && shapes[i].lines > 0) continue;
      const bench_case add = {.lanes = BENCH_LANES_ALL,
                              .stage = BENCH_STAGE_WHOLE,
                              .usual = is_plain && kind != ONE_BY_ONE,
                              .numbers = {shapes[i].candles, shapes[i].width, shapes[i].height, shapes[i].lines, kind}};
      bench_add(cases, &add, "files/%dp/%lld%s/%s", (int)shapes[i].height, (long long)shapes[i].candles,
                shapes[i].lines > 0 ? "-averages" : "", kinds[kind]);
    }
}

const bench_suite bench_suite_files = {"files", "candles, or CSV files, to PNG files in memory", list, open_case};
