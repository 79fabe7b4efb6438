/*
 * Painting on the CPU: bands of any size and order, by one thread or by several, are the rows of the whole chart, and
 * what changes from row to row is what these differ in. That the whole chart is right is for test_parity.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/base/memory.h"
#include "host/chart/source.h"
#include "host/cpu/chart_changes.h"
#include "host/engine/draw.h"
#include "host/io/png_tier.h"
#include "series.h"

#define CASES 400
#define GUARD 64
#define POISON 0xa5
#define MOST_LINES 4

static const struct tlw_cpu_tier *tier;

/* ---- scenes ---- */

struct scene {
  tlw_chart_options options;
  tlw_line names[MOST_LINES];
  columns data;
  tlw_candles candles;
  struct tlw_source source;
  tlk_layout layout;
  tlk_series series;
  tlk_sheet *sheet;
  tlk_notes *notes; /* NULL: the painter makes them */
  struct tlw_render_job job;
};

static void random_options(tlw_chart_options *o, rng *r) {
  tlw_chart_options_init(o);
  const bool large = rng_below(r, 8) == 0;
  o->width = rng_between(r, 16, large ? 5000 : 700);
  o->height = rng_between(r, 16, large ? 200 : 500);
  o->axis = (tlw_axis)rng_below(r, 2);
  o->scale = rng_below(r, 4) ? TLW_SCALE_LINEAR : TLW_SCALE_LOG;
  o->volume = rng_below(r, 3) > 0;
  o->grid = rng_below(r, 3) > 0;
  o->labels = rng_below(r, 4) > 0;
  o->title = rng_below(r, 2) ? "Title" : NULL;
  o->price_name = rng_below(r, 2) ? "EUR" : NULL;
  o->n_lines = (int32_t)rng_below(r, MOST_LINES + 1);
  if (rng_below(r, 3) > 0) return;
  o->margin_left = rng_between(r, 0, 6);
  o->margin_top = rng_between(r, 0, 6);
  o->margin_right = rng_between(r, 0, 3);
  o->margin_bottom = rng_between(r, 0, 3);
}

static void *owned(size_t size) {
  void *memory =
      size ? aligned_alloc(TLW_MEMORY_ALIGN, (size + TLW_MEMORY_ALIGN - 1) / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN)
           : NULL;
  assert_true(!size || memory);
  return memory;
}

static void scene_open(struct scene *s, rng *r) {
  memset(s, 0, sizeof *s);
  random_options(&s->options, r);
  for (int32_t i = 0; i < MOST_LINES; i++) s->names[i] = (tlw_line){i % 2 ? "line" : NULL, TLW_COLOR_AUTO};
  s->options.lines = s->names;
  const int64_t n = (int64_t)rng_below(r, rng_below(r, 3) ? 400 : 3000);
  columns_open(&s->data, n);
  columns_open_lines(&s->data, s->options.n_lines);
  fill_prices(&s->data, 0, n, (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
  if (s->options.scale == TLW_SCALE_LOG) lift_prices(&s->data, 0, n, 1e-300);
  fill_volumes(&s->data, 0, n, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  fill_times(&s->data, 0, n, (time_kind)rng_below(r, TIME_KIND_COUNT), r);
  for (int32_t i = 0; i < s->options.n_lines; i++)
    fill_line(&s->data, i, 0, n, (line_kind)rng_below(r, LINE_KIND_COUNT), r);
  columns_view(&s->data, &s->candles);
  assert_int_equal(tlw_source_of(&s->candles, &s->options, &s->source, NULL), TLW_OK);
  s->layout = s->source.layout;
  assert_int_equal(s->source.shape(&s->source, 0, &s->series, NULL), TLW_OK);
  s->sheet = owned((size_t)s->layout.sheet_size);
  if (s->sheet) s->source.make_sheet(&s->options, &s->layout, s->sheet);
  if (rng_below(r, 2)) s->notes = owned((size_t)tlk_notes_size(s->layout));
  if (s->notes) s->source.note(&s->source, 0, &s->series, s->notes);
  s->job = (struct tlw_render_job){
      .layout = s->layout,
      .open = s->data.open,
      .high = s->data.high,
      .low = s->data.low,
      .close = s->data.close,
      .volume = s->source.candles.volume,
      .time = s->source.candles.time,
      .series = &s->series,
      .n_series = 1,
      .sheet = s->sheet,
      .notes = s->notes,
      .note = s->source.note,
      .source = &s->source,
      .y1 = s->layout.height,
      .row_stride = (size_t)s->layout.width,
  };
}

static void scene_close(struct scene *s) {
  columns_close(&s->data);
  free(s->sheet);
  free(s->notes);
}

/* ---- scratch and rows ---- */

struct worker {
  struct tlw_cpu_scratch scratch;
  uint8_t *memory;
  size_t size;
};

static void worker_open(struct worker *w, const tlk_layout *layout) {
  w->size = (size_t)tlw_cpu_scratch_size(layout);
  w->memory = owned(w->size + GUARD);
  memset(w->memory, POISON, w->size + GUARD);
  tlw_cpu_scratch_place(&w->scratch, layout, w->memory);
}

static void worker_close(struct worker *w) {
  for (size_t i = 0; i < GUARD; i++) assert_int_equal(w->memory[w->size + i], POISON);
  free(w->memory);
}

static size_t make_marks(const struct scene *s, const struct worker *w) {
  const bool merges = tlw_cpu_merges(&s->series, &s->layout);
  if (merges) tlw_cpu_merge(tier, &s->job, &s->series, 0, s->layout.plot_width, &w->scratch);
  return tlw_cpu_mark(tier, &s->job, &s->series, merges ? w->scratch.merged : NULL, &w->scratch);
}

/* Rows with poison between and around them. */
struct rows {
  uint8_t *memory, *pixels;
  size_t width, stride, n;
};

static void rows_open(struct rows *rows, const tlk_layout *layout, int32_t n, size_t gap) {
  rows->width = (size_t)layout->width;
  rows->stride = rows->width + gap;
  rows->n = (size_t)n;
  rows->memory = malloc(rows->stride * rows->n + 2 * GUARD);
  assert_non_null(rows->memory);
  memset(rows->memory, POISON, rows->stride * rows->n + 2 * GUARD);
  rows->pixels = rows->memory + GUARD;
}

static void rows_close(struct rows *rows) {
  for (size_t i = 0; i < GUARD; i++) {
    assert_int_equal(rows->memory[i], POISON);
    assert_int_equal(rows->pixels[rows->stride * rows->n + i], POISON);
  }
  for (size_t y = 0; y < rows->n; y++)
    for (size_t x = rows->width; x < rows->stride; x++) assert_int_equal(rows->pixels[y * rows->stride + x], POISON);
  free(rows->memory);
}

static void assert_rows(const struct rows *rows, const uint8_t *expected, int32_t y0, int32_t y1, uint64_t seed) {
  for (int32_t y = y0; y < y1; y++) {
    const uint8_t *row = rows->pixels + (size_t)(y - y0) * rows->stride, *wanted = expected + (size_t)y * rows->width;
    for (size_t x = 0; x < rows->width; x++)
      if (row[x] != wanted[x])
        fail_msg("case %llu: row %d, column %zu is %d, not %d", (unsigned long long)seed, y, x, row[x], wanted[x]);
  }
}

/* ---- cases ---- */

/* The next band from row y on: of some rows, or one, or all that are left. */
static int32_t next_end(rng *r, int32_t y, int32_t height) {
  const int32_t most = rng_below(r, 3) ? rng_between(r, 1, 40) : height;
  return most < height - y ? y + rng_between(r, 1, most) : height;
}

static void check_band(const struct scene *s, size_t n, const struct worker *source, const struct worker *w,
                       const uint8_t *expected, int32_t y0, int32_t y1, uint64_t seed) {
  struct rows rows;
  struct tlw_render_job job = s->job;
  rows_open(&rows, &s->layout, y1 - y0, seed % 3);
  job.row_stride = rows.stride;
  tlw_cpu_paint(tier, &job, &s->series, n, &source->scratch, &w->scratch, y0, y1, rows.pixels);
  assert_rows(&rows, expected, y0, y1, seed);
  rows_close(&rows);
}

static void check_bands(const struct scene *s, size_t n, const struct worker *workers, const uint8_t *expected, rng *r,
                        uint64_t seed) {
  /* In order, all by one worker or each by any. */
  const bool one = rng_below(r, 2);
  for (int32_t y = 0, end; y < s->layout.height; y = end) {
    end = next_end(r, y, s->layout.height);
    check_band(s, n, &workers[0], &workers[one ? 0 : rng_below(r, 2)], expected, y, end, seed);
  }
  for (int i = 0; i < 6; i++) {
    const int32_t y = rng_between(r, 0, s->layout.height - 1);
    check_band(s, n, &workers[0], &workers[rng_below(r, 2)], expected, y, next_end(r, y, s->layout.height), seed);
  }
}

/* The least depth that has all pixels, or a greater one. */
static uint32_t random_table(const uint8_t *pixels, size_t n, rng *r) {
  uint8_t most = 0;
  for (size_t i = 0; i < n; i++) most = pixels[i] > most ? pixels[i] : most;
  const uint32_t least = most < 2 ? 0 : most < 4 ? 1 : most < 16 ? 2 : 3;
  return least + (uint32_t)rng_below(r, 4 - least);
}

/* Takes rows of changes, and holds them against packed rows less those above; the rows that change at all. */
static int32_t check_some_changes(struct tlw_cpu_changes *changes, const struct scene *s, const uint8_t *expected,
                                  int32_t y0, int32_t n, uint32_t table, uint64_t seed) {
  const size_t width = (size_t)s->layout.width, size = ((width << table) + 7) / 8, row_size = size + 1;
  const size_t room = row_size * (size_t)n, words = room / 64 + 1;
  uint8_t *bytes = owned(room + GUARD), *packed = owned(size), *above = owned(size);
  uint64_t *marks = calloc(words, sizeof *marks);
  assert_non_null(marks);
  memset(bytes, 0, room);
  memset(bytes + room, POISON, GUARD);
  memset(above, 0, size);
  for (int32_t y = 0; y < n; y++) bytes[(size_t)y * row_size] = POISON;
  const struct tlw_png_rows rows = {bytes, marks, (uint32_t)row_size, table, n};
  tlw_cpu_changes_take(changes, &rows);
  int32_t changing = 0;
  if (y0 > 0) assert_true(tlw_png_tier()->pack(above, expected + (size_t)(y0 - 1) * width, width, table, UINT8_MAX));
  for (int32_t y = 0; y < n; y++) {
    const size_t at = (size_t)y * row_size;
    bool some = false;
    assert_true(tlw_png_tier()->pack(packed, expected + (size_t)(y0 + y) * width, width, table, UINT8_MAX));
    assert_int_equal(bytes[at], POISON);
    assert_false(marks[at / 64] >> at % 64 & 1);
    for (size_t i = 0; i < size; i++) {
      const size_t k = at + 1 + i;
      if (bytes[k] != (uint8_t)(packed[i] - above[i]) || (marks[k / 64] >> k % 64 & 1) != (bytes[k] != 0))
        fail_msg("case %llu: row %d, byte %zu changes by %d, mark %d, not by %d", (unsigned long long)seed, y0 + y, i,
                 bytes[k], (int)(marks[k / 64] >> k % 64 & 1), (uint8_t)(packed[i] - above[i]));
      some = some || bytes[k] != 0;
    }
    changing += some;
    memcpy(above, packed, size);
  }
  for (size_t i = 0; i < GUARD; i++) assert_int_equal(bytes[room + i], POISON);
  free(bytes);
  free(packed);
  free(above);
  free(marks);
  return changing;
}

/* All rows of a chart by their changes, some at a time; those that change at all. */
static int32_t check_changes(const struct scene *s, const struct worker *w, const uint8_t *expected, rng *r,
                             uint64_t seed) {
  const int32_t height = s->layout.height, most = 1 + (int32_t)rng_below(r, (uint64_t)height);
  const size_t size = (size_t)tlw_cpu_changes_size(&s->layout, most);
  const uint32_t table = random_table(expected, (size_t)s->layout.width * (size_t)height, r);
  uint8_t *memory = owned(size + GUARD);
  memset(memory, POISON, size + GUARD);
  struct tlw_cpu_changes *changes = tlw_cpu_changes_begin(memory, tier, &s->job, &s->series, &w->scratch, most);
  int32_t changing = 0;
  for (int32_t y = 0, n; y < height; y += n) {
    n = rng_between(r, 1, most < height - y ? most : height - y);
    changing += check_some_changes(changes, s, expected, y, n, table, seed);
  }
  for (size_t i = 0; i < GUARD; i++) assert_int_equal(memory[size + i], POISON);
  free(memory);
  return changing;
}

static void test_bands(void **unused) {
  (void)unused;
  for (uint64_t seed = 0; seed < CASES; seed++) {
    rng r = {seed * 7919 + 11};
    struct scene s;
    struct worker workers[2];
    scene_open(&s, &r);
    worker_open(&workers[0], &s.layout);
    worker_open(&workers[1], &s.layout);
    uint8_t *expected = owned((size_t)s.layout.width * (size_t)s.layout.height);
    for (int turn = 0; turn < 2; turn++) {
      const size_t n = make_marks(&s, &workers[0]);
      struct worker whole;
      worker_open(&whole, &s.layout);
      tlw_cpu_paint(tier, &s.job, &s.series, n, &workers[0].scratch, &whole.scratch, 0, s.layout.height, expected);
      worker_close(&whole);
      /* Where the last band of the chart before ended, nothing of it is gone on with. */
      const int32_t y = workers[1].scratch.chart->painted_to;
      if (y < s.layout.height) check_band(&s, n, &workers[0], &workers[1], expected, y, s.layout.height, seed);
      check_bands(&s, n, workers, expected, &r, seed);
      check_changes(&s, &workers[0], expected, &r, seed);
      const int32_t end = rng_between(&r, 0, s.layout.height);
      if (end > 0) check_band(&s, n, &workers[0], &workers[1], expected, 0, end, seed);
      if (s.options.scale == TLW_SCALE_LINEAR) fill_prices(&s.data, 0, s.data.n_rows, PRICES_WALK, &r);
    }
    free(expected);
    worker_close(&workers[0]);
    worker_close(&workers[1]);
    scene_close(&s);
  }
}

/* A flat price without volume changes a few rows: those of the candles, of text, and of the grid. */
static void test_rows_that_stay(void **unused) {
  (void)unused;
  rng r = {1};
  struct scene s;
  do {
    scene_open(&s, &r);
    if (s.layout.height >= 300 && s.layout.volume_height == 0 && s.layout.n_lines == 0 && s.layout.line_height == 0 &&
        s.data.n_rows > 0)
      break;
    scene_close(&s);
  } while (true);
  fill_prices(&s.data, 0, s.data.n_rows, PRICES_FLAT, &r);
  struct worker w;
  worker_open(&w, &s.layout);
  const size_t n = make_marks(&s, &w);
  uint8_t *expected = owned((size_t)s.layout.width * (size_t)s.layout.height);
  tlw_cpu_paint(tier, &s.job, &s.series, n, &w.scratch, &w.scratch, 0, s.layout.height, expected);
  /* Row 0, the ends of the plot, two rows for each of at most 9 lines of the grid, and two for the candles. */
  assert_in_range(check_changes(&s, &w, expected, &r, 0), 1, 23);
  free(expected);
  worker_close(&w);
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bands), cmocka_unit_test(test_rows_that_stay)};
  int failed = 0;
  static const char *const names[] = {"baseline", "avx2", "avx512", "neon"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    setenv("TALLOW_CPU_TIER", names[i], 1);
    if (tlw_cpu_tier(&tier, NULL) == TLW_OK) failed += cmocka_run_group_tests_name(names[i], tests, NULL, NULL);
  }
  return failed;
}
