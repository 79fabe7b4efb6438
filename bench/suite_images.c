/*
 * Images of windows of candles in memory, each window a row behind the one before: JKX images and small charts, as
 * numbers in memory or left on the device, beside memset of the same bytes and the reasons alone. Blocks of images go
 * round in a buffer that no cache holds, or stay in a cache.
 */
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define SMALL_BLOCK ((size_t)256 << 10) /* for a cache */
#define LARGE_BLOCK ((size_t)4 << 20)
#define LEFT_BLOCK ((size_t)64 << 20)
#define ROWS_AHEAD 119 /* of the first window's last one: averages of 60 bars reach back so far */
#define CHART_SIDE 224
#define ROW_BYTES (5 * sizeof(double))

enum { WINDOW, TYPE, FORM, KIND, PLACE, IMAGES };
enum { JKX, CHART, MEMSET, REASONS };
enum { TO_MEMORY, TO_CACHE, LEFT };

static const struct {
  const char *ending;
  tlw_image_color color;
  tlw_image_order order;
} forms[] = {{"", TLW_IMAGE_LUMA, TLW_ORDER_NCHW},
             {"/rgb-nchw", TLW_IMAGE_RGB, TLW_ORDER_NCHW},
             {"/rgb-nhwc", TLW_IMAGE_RGB, TLW_ORDER_NHWC}};

struct state {
  tlw_image_options options;
  tlw_chart_options chart;
  int64_t n;          /* images of a block */
  size_t block_bytes; /* of all of them */
  int64_t n_blocks, call;
  uint8_t *buffer;
  const tlw_candles *series;
  tlw_image_window *windows;
  uint8_t *reasons;
  tlw_engine *engine;
};

static uint8_t *block_at(const struct state *s, int64_t call) {
  return s->buffer + s->block_bytes * (size_t)(call % s->n_blocks);
}

/* The rows of a call, other than those of the one before, so that the same windows show other bars. */
static void rows_at(const struct state *s, int64_t call, int64_t offsets[2], tlw_candles *rows) {
  int64_t first;
  bench_series_window(s->series, s->n + ROWS_AHEAD, 1, call, offsets, rows, &first);
}

/* ---- works ---- */

static tlw_status draw(const struct state *s, int64_t call, tlw_error *error) {
  tlw_candles rows;
  int64_t offsets[2];
  rows_at(s, call, offsets, &rows);
  return tlw_images_draw(s->engine, &rows, &s->options, s->windows, s->n, block_at(s, call), s->block_bytes, NULL,
                         error);
}

static tlw_status leave(const struct state *s, int64_t call, tlw_buffer *buffer, tlw_error *error) {
  tlw_candles rows;
  int64_t offsets[2];
  rows_at(s, call, offsets, &rows);
  return tlw_images_to_buffer(s->engine, &rows, &s->options, s->windows, s->n, buffer, NULL, error);
}

static tlw_status find_reasons(const struct state *s, int64_t call, tlw_error *error) {
  tlw_candles rows;
  int64_t offsets[2];
  rows_at(s, call, offsets, &rows);
  return tlw_image_reasons(&rows, &s->options, s->windows, s->n, s->reasons, error);
}

static tlw_status run_draw(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) status = draw(s, s->call++, error);
  return status;
}

static tlw_status run_leave(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) {
    tlw_buffer buffer;
    status = leave(s, s->call++, &buffer, error);
    if (status == TLW_OK) status = tlw_buffer_free(s->engine, &buffer, error);
  }
  return status;
}

static tlw_status run_reasons(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) status = find_reasons(s, s->call++, error);
  return status;
}

static tlw_status run_memset(void *state, int64_t calls, tlw_error *error) {
  (void)error;
  struct state *s = state;
  for (int64_t i = 0; i < calls; i++) {
    uint8_t *block = block_at(s, s->call++);
    memset(block, (int)(i & 3), s->block_bytes);
    __asm__ volatile("" : : "r"(block) : "memory"); /* so that no memset is left out */
  }
  return TLW_OK;
}

/* ---- checksums ---- */

static tlw_status hash_draw(void *state, uint64_t *hash, tlw_error *error) {
  const struct state *s = state;
  const tlw_status status = draw(s, 0, error);
  if (status == TLW_OK) *hash = bench_hash(BENCH_HASH_START, block_at(s, 0), s->block_bytes);
  return status;
}

static tlw_status hash_left(void *state, uint64_t *hash, tlw_error *error) {
  const struct state *s = state;
  tlw_buffer buffer;
  tlw_status status = leave(s, 0, &buffer, error);
  if (status != TLW_OK) return status;
  status = tlw_buffer_read(s->engine, buffer, 0, s->buffer, s->block_bytes, error);
  if (status == TLW_OK) *hash = bench_hash(BENCH_HASH_START, s->buffer, s->block_bytes);
  tlw_buffer_free(s->engine, &buffer, NULL);
  return status;
}

static tlw_status hash_reasons(void *state, uint64_t *hash, tlw_error *error) {
  const struct state *s = state;
  const tlw_status status = find_reasons(s, 0, error);
  if (status == TLW_OK) *hash = bench_hash(BENCH_HASH_START, s->reasons, (size_t)s->n);
  return status;
}

/* ---- the suite ---- */

static void close_state(void *state) {
  struct state *s = state;
  tlw_engine_close(&s->engine);
  free(s->windows);
  free(s->reasons);
  free(s);
}

static void choose_options(struct state *s, const bench_case *what) {
  tlw_image_options_init(&s->options);
  s->options.window = what->numbers[WINDOW];
  s->options.type = (tlw_image_type)what->numbers[TYPE];
  s->options.color = forms[what->numbers[FORM]].color;
  s->options.order = forms[what->numbers[FORM]].order;
  if (what->numbers[KIND] != CHART) return;
  tlw_chart_options_init(&s->chart);
  s->chart.width = s->chart.height = CHART_SIDE;
  s->options.style = TLW_IMAGES_CHART;
  s->options.chart = &s->chart;
}

/* As many images as fill a block, or as were asked for. */
static tlw_status choose_blocks(struct state *s, const bench_case *what, tlw_error *error) {
  static const size_t blocks[] = {[TO_MEMORY] = LARGE_BLOCK, [TO_CACHE] = SMALL_BLOCK, [LEFT] = LEFT_BLOCK};
  tlw_image_shape shape;
  const tlw_status status = tlw_image_shape_of(&s->options, &shape, error);
  if (status != TLW_OK) return status;
  s->n = (int64_t)(blocks[what->numbers[PLACE]] / shape.size);
  if (what->numbers[IMAGES] && what->numbers[IMAGES] < s->n) s->n = what->numbers[IMAGES];
  s->block_bytes = (size_t)s->n * shape.size;
  s->n_blocks = 1;
  if (what->numbers[PLACE] == TO_MEMORY) s->n_blocks += (int64_t)(bench_beyond_caches() / s->block_bytes);
  return TLW_OK;
}

static tlw_status open_state(struct state *s, const bench_case *what, const bench_lane *lane, tlw_error *error) {
  choose_options(s, what);
  const tlw_status status = choose_blocks(s, what, error);
  if (status != TLW_OK) return status;
  s->series = bench_series(error);
  s->buffer = s->series ? bench_space(s->block_bytes * (size_t)s->n_blocks, error) : NULL;
  s->windows = s->buffer ? bench_alloc((size_t)s->n * sizeof *s->windows, error) : NULL;
  s->reasons = s->windows ? bench_alloc((size_t)s->n, error) : NULL;
  if (!s->reasons) return error->code;
  for (int64_t i = 0; i < s->n; i++) s->windows[i] = (tlw_image_window){0, ROWS_AHEAD + i};
  return what->lanes == BENCH_LANES_ALONE ? TLW_OK : bench_engine_open(lane, &s->engine, error);
}

static void choose_work(const bench_case *what, bench_subject *subject) {
  switch (what->numbers[KIND]) {
  case MEMSET:
    subject->run = run_memset;
    return;
  case REASONS:
    subject->run = run_reasons;
    subject->hash = hash_reasons;
    return;
  default:
    subject->run = what->numbers[PLACE] == LEFT ? run_leave : run_draw;
    subject->hash = what->numbers[PLACE] == LEFT ? hash_left : hash_draw;
  }
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  struct state *s = bench_alloc(sizeof *s, error);
  if (!s) return TLW_ERR_MEMORY;
  *s = (struct state){0};
  const tlw_status status = open_state(s, what, lane, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  const int64_t kind = what->numbers[KIND];
  *subject = (bench_subject){.state = s,
                             .close = close_state,
                             .engine = s->engine,
                             .item = "images",
                             .items = (double)s->n,
                             .bytes = kind == REASONS ? (double)s->n : (double)s->block_bytes};
  if (kind != MEMSET) subject->bytes += (double)(s->n + ROWS_AHEAD) * ROW_BYTES;
  choose_work(what, subject);
  return TLW_OK;
}

/* ---- cases ---- */

static const char *const type_names[] = {[TLW_IMAGE_U8] = "u8", [TLW_IMAGE_F32] = "f32"};

static void list_window(bench_cases *cases, int64_t window) {
  static const char *const places[] = {[TO_MEMORY] = "", [TO_CACHE] = "/cache", [LEFT] = "/left"};
  const int64_t most = cases->rows;
  const bench_case reasons = {.lanes = BENCH_LANES_ALONE, .numbers = {window, 0, 0, REASONS, TO_MEMORY, most}};
  for (int type = TLW_IMAGE_U8; type <= TLW_IMAGE_F32; type++) {
    for (int place = TO_MEMORY; place <= LEFT; place++) {
      const bench_case add = {.lanes = BENCH_LANES_ALL,
                              .stage = place == LEFT ? BENCH_STAGE_LEFT : BENCH_STAGE_MEMORY,
                              .usual = window == 20 && type == TLW_IMAGE_U8 && place == TO_MEMORY,
                              .numbers = {window, type, 0, JKX, place, most}};
      bench_add(cases, &add, "images/jkx/%d/%s%s", (int)window, type_names[type], places[place]);
    }
    for (size_t form = 1; form < BENCH_COUNT(forms); form++) {
      const bench_case add = {.lanes = BENCH_LANES_ALL, .numbers = {window, type, (int64_t)form, JKX, TO_MEMORY, most}};
      if (window == 20) bench_add(cases, &add, "images/jkx/20/%s%s", type_names[type], forms[form].ending);
    }
    const bench_case set = {.lanes = BENCH_LANES_ALONE, .numbers = {window, type, 0, MEMSET, TO_MEMORY, most}};
    bench_add(cases, &set, "images/jkx/%d/%s/memset", (int)window, type_names[type]);
  }
  bench_add(cases, &reasons, "images/jkx/%d/reasons", (int)window);
}

static void list(bench_cases *cases) {
  static const int64_t windows[] = {5, 20, 60};
  for (size_t i = 0; i < BENCH_COUNT(windows); i++) list_window(cases, windows[i]);
  for (int type = TLW_IMAGE_U8; type <= TLW_IMAGE_F32; type++)
    for (size_t form = 0; form < BENCH_COUNT(forms); form++) {
      const bench_case add = {.lanes = BENCH_LANES_ALL,
                              .numbers = {60, type, (int64_t)form, CHART, TO_MEMORY, cases->rows}};
      bench_add(cases, &add, "images/%dp/60/%s%s", CHART_SIDE, type_names[type], forms[form].ending);
    }
}

const bench_suite bench_suite_images = {"images", "images of windows for models: candles in memory to numbers", list,
                                        open_case};
