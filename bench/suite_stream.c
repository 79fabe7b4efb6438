/*
 * How well a stream overlaps its stages: charts through the whole of it, with digests too, beside each stage alone:
 * drawing (the same stream with rasters that nobody looks at, on a GPU with its copies) and encoding (as many threads as
 * the stream has, on rasters drawn before).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define BATCH 64
#define RASTERS 16

enum { CANDLES, WIDTH, HEIGHT, KIND };
enum { WHOLE, DIGESTS, DRAW, ENCODE, KINDS };
static const char *const kind_names[KINDS] = {"whole", "digests", "draw", "encode"};

struct state {
  int64_t n_candles, kind;
  const tlw_candles *series;
  tlw_engine *engine;
  tlw_stream *stream;
  tlw_chart_options chart;
  int64_t offsets[BATCH + 1];
  uint8_t palette[TLW_INK_COUNT * 3];
  uint8_t *rasters; /* RASTERS of them, for encoding alone */
  uint32_t threads;
  int64_t call;         /* the next */
  _Atomic int64_t left; /* charts that encoders have to take */
  _Atomic int failed;
  bool hashes;
  uint64_t hash;
};

static size_t image_size(const struct state *s) { return (size_t)s->chart.width * (size_t)s->chart.height; }

static tlw_status take_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  struct state *s = user;
  if (s->hashes) s->hash = bench_hash_bytes(s->hash, piece->data, piece->size);
  return TLW_OK;
}

static tlw_status push(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) {
    tlw_candles window;
    int64_t first;
    bench_series_window(s->series, s->n_candles, BATCH, s->call++, s->offsets, &window, &first);
    status = tlw_stream_push(s->stream, &window, &s->chart, NULL, NULL, error);
  }
  return status == TLW_OK ? tlw_stream_finish(s->stream, error) : status;
}

static void *encode_rasters(void *state) {
  struct state *s = state;
  const size_t capacity = tlw_png_bound(s->chart.width, s->chart.height);
  uint8_t *png = malloc(capacity);
  if (!png) s->failed = 1;
  for (int64_t i; png && (i = s->left--) > 0;) {
    const tlw_png_image image = {.pixels = s->rasters + (size_t)(i % RASTERS) * image_size(s),
                                 .row_stride = (size_t)s->chart.width,
                                 .width = s->chart.width,
                                 .height = s->chart.height,
                                 .rgb = s->palette,
                                 .n_colors = TLW_INK_COUNT};
    size_t size;
    if (tlw_png_encode(&image, NULL, png, capacity, &size, NULL) != TLW_OK) s->failed = 1;
  }
  free(png);
  return NULL;
}

static tlw_status encode(void *state, int64_t calls, tlw_error *error) {
  static pthread_t threads[TLW_THREADS_MAX];
  struct state *s = state;
  uint32_t started = 1;
  s->left = calls * BATCH;
  for (; started < s->threads; started++)
    if (pthread_create(&threads[started], NULL, encode_rasters, s) != 0) break;
  encode_rasters(s);
  for (uint32_t i = 1; i < started; i++) pthread_join(threads[i], NULL);
  if (!s->failed && started == s->threads) return TLW_OK;
  return bench_fail(error, TLW_ERR_MEMORY, "no memory or threads to encode with %u threads", s->threads);
}

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  struct state *s = state;
  const int64_t call = s->call;
  s->call = 0;
  s->hashes = true;
  s->hash = BENCH_HASH_START;
  const tlw_status status = push(s, 1, error);
  s->hashes = false;
  s->call = call;
  *hash = s->hash;
  return status;
}

static void close_state(void *state) {
  struct state *s = state;
  tlw_stream_close(&s->stream);
  tlw_engine_close(&s->engine);
  free(s->rasters);
  free(s);
}

static tlw_status draw_rasters(struct state *s, tlw_error *error) {
  tlw_candles window;
  int64_t first;
  s->rasters = bench_alloc(image_size(s) * RASTERS, error);
  if (!s->rasters) return TLW_ERR_MEMORY;
  bench_series_window(s->series, s->n_candles, RASTERS, 0, s->offsets, &window, &first);
  const tlw_raster raster = {s->rasters, image_size(s) * RASTERS, (size_t)s->chart.width, image_size(s)};
  return tlw_chart_render(s->engine, &window, &s->chart, &raster, error);
}

static tlw_status open_stream(struct state *s, const bench_lane *lane, tlw_error *error) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = s->kind == DRAW ? TLW_STREAM_RASTER : TLW_STREAM_PNG;
  options.digest = s->kind == DIGESTS;
  if (lane->backend == TLW_BACKEND_CPU) options.encoders = lane->threads;
  options.sink = take_piece;
  options.sink_user = s;
  return tlw_stream_open(&s->stream, &s->engine, 1, &options, error);
}

static tlw_status open_state(struct state *s, const bench_case *what, const bench_lane *lane, tlw_error *error) {
  tlw_chart_options_init(&s->chart);
  s->chart.width = (int32_t)what->numbers[WIDTH];
  s->chart.height = (int32_t)what->numbers[HEIGHT];
  if (!(s->series = bench_series(error))) return error->code;
  tlw_status status = tlw_theme_palette(s->chart.theme, s->palette, error);
  if (status == TLW_OK) status = bench_engine_open(lane, &s->engine, error);
  if (status != TLW_OK) return status;
  return s->kind == ENCODE ? draw_rasters(s, error) : open_stream(s, lane, error);
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  struct state *s = bench_alloc(sizeof *s, error);
  if (!s) return TLW_ERR_MEMORY;
  memset(s, 0, sizeof *s);
  s->n_candles = what->numbers[CANDLES];
  s->kind = what->numbers[KIND];
  s->threads = lane->threads;
  const tlw_status status = open_state(s, what, lane, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  *subject = (bench_subject){.state = s,
                             .run = s->kind == ENCODE ? encode : push,
                             .hash = s->kind == DRAW || s->kind == ENCODE ? NULL : hash,
                             .close = close_state,
                             .engine = s->engine,
                             .item = "charts",
                             .items = BATCH};
  return TLW_OK;
}

static void list(bench_cases *cases) {
  static const struct {
    int64_t candles, width, height;
  } shapes[] = {{60, 180, 96}, {100, 800, 600}, {200, 1280, 720}, {1000, 1920, 1080}, {10000, 1920, 1080}};
  for (size_t i = 0; i < BENCH_COUNT(shapes); i++)
    for (int kind = 0; kind < KINDS; kind++) {
      const bench_case add = {.lanes = kind == ENCODE ? BENCH_LANES_CPU : BENCH_LANES_ALL,
                              .stage = BENCH_STAGE_WHOLE,
                              .numbers = {shapes[i].candles, shapes[i].width, shapes[i].height, kind}};
      bench_add(cases, &add, "stream/%dp/%lld/%s", (int)shapes[i].height, (long long)shapes[i].candles,
                kind_names[kind]);
    }
}

const bench_suite bench_suite_stream = {"stream", "charts through a stream, beside its stages alone", list, open_case};
