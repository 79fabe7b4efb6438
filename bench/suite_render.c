/*
 * Candles in memory to 8-bit rasters in memory, each chart another window of one long series, beside memset of the same
 * rasters. A single chart, and a batch of small ones, stays in a cache if it fits there; batches of large charts go round
 * in a buffer that does not, so that every raster is written to memory.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define ROW_BYTES (5 * sizeof(double))

enum { CANDLES, WIDTH, HEIGHT, BATCH, KIND, STREAMS };
enum { LINEAR, LOGARITHMIC, FILL };

struct state {
  int64_t n_candles, n_charts;
  size_t image_size, batch_size;
  int32_t width;
  int64_t n_batches; /* in the buffer */
  uint8_t *buffer;
  uint32_t threads;
  int64_t call; /* the next */
  const tlw_candles *series;
  tlw_engine *engine;
  tlw_chart_options chart;
  int64_t *offsets;
};

static uint8_t *batch_at(const struct state *s, int64_t call) {
  return s->buffer + s->batch_size * (size_t)(call % s->n_batches);
}

/* ---- charts ---- */

static tlw_status render(const struct state *s, int64_t call, tlw_error *error) {
  tlw_candles candles;
  int64_t first;
  bench_series_window(s->series, s->n_candles, s->n_charts, call, s->offsets, &candles, &first);
  const tlw_raster raster = {batch_at(s, call), s->batch_size, (size_t)s->width, s->image_size};
  return tlw_chart_render(s->engine, &candles, &s->chart, &raster, error);
}

static tlw_status run(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) status = render(s, s->call++, error);
  return status;
}

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  const struct state *s = state;
  const tlw_status status = render(s, 0, error);
  if (status == TLW_OK) *hash = bench_hash(BENCH_HASH_START, batch_at(s, 0), s->batch_size);
  return status;
}

/* ---- memset ---- */

struct filler {
  pthread_t thread;
  const struct state *state;
  uint32_t index;
  int64_t calls;
};

/* Each thread fills its part of every batch, without waiting for the others: as fast as memory allows. */
static void *fill(void *argument) {
  const struct filler *filler = argument;
  const struct state *s = filler->state;
  const size_t begin = s->batch_size * filler->index / s->threads,
               end = s->batch_size * (filler->index + 1) / s->threads;
  for (int64_t i = 0; i < filler->calls; i++) {
    uint8_t *part = batch_at(s, s->call + i) + begin;
    memset(part, (int)(i & 3), end - begin);
    __asm__ volatile("" : : "r"(part) : "memory"); /* so that no memset is left out */
  }
  return NULL;
}

static tlw_status run_fill(void *state, int64_t calls, tlw_error *error) {
  static struct filler fillers[TLW_THREADS_MAX];
  struct state *s = state;
  uint32_t started = 1;
  for (uint32_t i = 0; i < s->threads; i++) fillers[i] = (struct filler){.state = s, .index = i, .calls = calls};
  for (; started < s->threads; started++)
    if (pthread_create(&fillers[started].thread, NULL, fill, &fillers[started]) != 0) break;
  fill(&fillers[0]);
  for (uint32_t i = 1; i < started; i++) pthread_join(fillers[i].thread, NULL);
  s->call += calls;
  if (started == s->threads) return TLW_OK;
  return bench_fail(error, TLW_ERR_MEMORY, "the system refused thread %u of %u", started + 1, s->threads);
}

/* ---- the suite ---- */

static void close_state(void *state) {
  struct state *s = state;
  tlw_engine_close(&s->engine);
  free(s->offsets);
  free(s);
}

static tlw_status open_state(struct state *s, const bench_case *what, const bench_lane *lane, tlw_error *error) {
  s->series = bench_series(error);
  s->n_batches = what->numbers[STREAMS] ? (int64_t)(bench_beyond_caches() / s->batch_size) + 1 : 1;
  s->buffer = s->series ? bench_space(s->batch_size * (size_t)s->n_batches, error) : NULL;
  s->offsets = s->buffer ? bench_alloc(((size_t)s->n_charts + 1) * sizeof *s->offsets, error) : NULL;
  if (!s->offsets) return error->code;
  if (what->numbers[KIND] == FILL) return TLW_OK;
  tlw_chart_options_init(&s->chart);
  s->chart.width = s->width;
  s->chart.height = (int32_t)what->numbers[HEIGHT];
  if (what->numbers[KIND] == LOGARITHMIC) s->chart.scale = TLW_SCALE_LOG;
  return bench_engine_open(lane, &s->engine, error);
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  const int64_t *n = what->numbers;
  struct state *s = bench_alloc(sizeof *s, error);
  if (!s) return TLW_ERR_MEMORY;
  const size_t image_size = (size_t)n[WIDTH] * (size_t)n[HEIGHT];
  *s = (struct state){.n_candles = n[CANDLES],
                      .n_charts = n[BATCH],
                      .image_size = image_size,
                      .batch_size = image_size * (size_t)n[BATCH],
                      .width = (int32_t)n[WIDTH],
                      .threads = lane->threads};
  const tlw_status status = open_state(s, what, lane, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  const bool fills = n[KIND] == FILL;
  *subject = (bench_subject){.state = s,
                             .run = fills ? run_fill : run,
                             .hash = fills ? NULL : hash,
                             .close = close_state,
                             .engine = s->engine,
                             .item = "charts",
                             .items = (double)n[BATCH],
                             .bytes = (double)s->batch_size};
  if (!fills) subject->bytes += (double)(n[CANDLES] * n[BATCH]) * ROW_BYTES;
  return TLW_OK;
}

static void list(bench_cases *cases) {
  static const struct {
    int64_t candles, width, height, batch;
    bool usual;
  } shapes[] = {
      {50, 96, 96, 1024, false},       {100, 800, 600, 1, false},      {100, 800, 600, 64, true},
      {1000, 1920, 1080, 1, false},    {1000, 1920, 1080, 64, true},   {10000, 1920, 1080, 1, false},
      {10000, 1920, 1080, 64, false},  {100000, 1920, 1080, 1, false}, {100000, 1920, 1080, 16, false},
      {1000000, 1920, 1080, 1, false},
  };
  static const char *const endings[] = {[LINEAR] = "", [LOGARITHMIC] = "/log", [FILL] = "/memset"};
  for (int kind = LINEAR; kind <= FILL; kind++)
    for (size_t i = 0; i < BENCH_COUNT(shapes); i++) {
      const bench_case add = {.lanes = kind == FILL ? BENCH_LANES_CPU : BENCH_LANES_ALL,
                              .usual = kind == LINEAR && shapes[i].usual,
                              .numbers = {shapes[i].candles, shapes[i].width, shapes[i].height, shapes[i].batch, kind,
                                          shapes[i].batch > 1 && shapes[i].height > 96}};
      bench_add(cases, &add, "render/%dp/%lld/batch:%lld%s", (int)shapes[i].height, (long long)shapes[i].candles,
                (long long)shapes[i].batch, endings[kind]);
    }
}

const bench_suite bench_suite_render = {"render", "candles in memory to rasters in memory", list, open_case};
