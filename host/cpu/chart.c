#include "chart.h"

#include <string.h>

#include "chart_lines.h"
#include "chart_text.h"

#define EVENTS_PER_MARK 6 /* begin of wick, body and bar; end of the body's two sides and of the wick */

/* ---- scratch ---- */

/* The next part of size bytes; memory may be NULL to count only. */
static void *take(uint8_t *memory, uint64_t *offset, uint64_t size) {
  void *part = memory ? memory + *offset : NULL;
  *offset += (size + TLW_MEMORY_ALIGN - 1) / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN;
  return part;
}

static uint64_t place(struct tlw_cpu_scratch *s, const tlk_layout *layout, void *memory) {
  const uint64_t marks = ((uint64_t)layout->plot_width + TLW_CPU_PAD - 1) / TLW_CPU_PAD * TLW_CPU_PAD;
  const uint64_t width = (uint64_t)layout->width;
  uint64_t offset = 0;
  s->merged = take(memory, &offset, TLK_MERGED_COLUMNS * (uint64_t)layout->plot_width * sizeof *s->merged);
  s->centre = take(memory, &offset, marks * sizeof *s->centre);
  uint16_t **columns[] = {&s->marks.wick_top,    &s->marks.wick_bottom, &s->marks.body_top,
                          &s->marks.body_bottom, &s->marks.bar_top,     &s->marks.ink};
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
    *columns[i] = take(memory, &offset, marks * sizeof **columns[i]);
  s->chart = take(memory, &offset, sizeof *s->chart);
  s->axis = layout->line_height > 0 ? take(memory, &offset, sizeof *s->axis) : NULL;
  const uint64_t notes = tlk_notes_size(*layout);
  s->notes = notes > 0 ? take(memory, &offset, notes) : NULL;
  s->points = take(memory, &offset, tlw_cpu_line_points(layout) * sizeof *s->points);
  s->blocks = take(memory, &offset, tlw_cpu_line_blocks(layout) * sizeof *s->blocks);
  s->bands = take(memory, &offset, tlw_cpu_line_bands(layout) * sizeof *s->bands);
  s->events = take(memory, &offset, marks * EVENTS_PER_MARK * sizeof *s->events);
  s->starts = take(memory, &offset, ((uint64_t)layout->height + 2) * sizeof *s->starts);
  s->has_text = layout->line_height > 0 ? take(memory, &offset, (uint64_t)layout->height) : NULL;
  s->on_grid = take(memory, &offset, (uint64_t)layout->height);
  s->cells = take(memory, &offset, width);
  s->bare = take(memory, &offset, width + TLW_CPU_BEYOND);
  s->line = take(memory, &offset, width + TLW_CPU_BEYOND);
  return offset;
}

uint64_t tlw_cpu_scratch_size(const tlk_layout *layout) {
  struct tlw_cpu_scratch unused;
  return place(&unused, layout, NULL);
}

void tlw_cpu_scratch_place(struct tlw_cpu_scratch *scratch, const tlk_layout *layout, void *memory) {
  place(scratch, layout, memory);
  *scratch->chart = (struct tlw_cpu_chart){0};
  for (int32_t y = 0; y < layout->height; y++)
    scratch->on_grid[y] = tlk_on_grid(y - layout->price_y, layout->price_height, layout->price_cells) ||
                          tlk_on_grid(y - layout->volume_y, layout->volume_height, layout->volume_cells);
  for (int32_t x = 0; x < layout->width; x++)
    scratch->cells[x] =
        tlk_on_grid(x - layout->plot_x, layout->plot_width, layout->column_cells) ? TLK_INK_GRID : TLK_INK_BACKGROUND;
}

/* ---- merging ---- */

bool tlw_cpu_merges(const tlk_series *series, const tlk_layout *layout) {
  /* Times may repeat, so that candles may meet in a column however wide the slots are. */
  return series->by_time || tlk_slot_width(series->step, series->span, layout->plot_width) == 0;
}

static uint64_t position_of(const struct tlw_render_job *job, const tlk_series *series, int64_t i) {
  return series->by_time ? tlk_slot_position(job->time[series->begin + i], series->origin, series->shift) : (uint64_t)i;
}

/* The first candle whose centre is column x or right of it. */
static int64_t first_of(const struct tlw_render_job *job, const tlk_series *series, int32_t x) {
  if (!series->by_time) return tlk_slot_first(x, series->count, job->layout.plot_width);
  const uint64_t reach = tlw_cpu_reach(series, job->layout.plot_width, x);
  int64_t from = 0, to = series->count;
  while (from < to) {
    const int64_t middle = from + (to - from) / 2;
    if (position_of(job, series, middle) < reach)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

void tlw_cpu_carry_begin(struct tlw_cpu_carry *carry) {
  *carry = (struct tlw_cpu_carry){.open = TLK_NAN, .high = -TLK_INFINITY, .low = TLK_INFINITY, .close = TLK_NAN};
}

void tlw_cpu_carry_add(struct tlw_cpu_carry *carry, const struct tlw_cpu_candles *candles, size_t begin, size_t end) {
  struct tlw_cpu_carry c = *carry;
  for (size_t i = begin; i < end; i++) {
    const uint64_t place = c.count++ % TLK_SUM_LANES;
    const double o = candles->open[i], h = candles->high[i], l = candles->low[i], last = candles->close[i];
    const tlk_mask valid = tlk_candle_valid(o, h, l, last);
    if (!valid) continue;
    if (c.high < c.low) c.open = o;
    c.close = last;
    c.high = tlk_max(c.high, tlk_candle_high(o, h, l, last));
    c.low = tlk_min(c.low, tlk_candle_low(o, h, l, last));
    if (candles->volume) c.sums[place] += tlk_candle_volume(valid, candles->volume[i]);
  }
  *carry = c;
}

struct tlw_cpu_merged tlw_cpu_carry_end(const struct tlw_cpu_carry *carry) {
  const double *s = carry->sums;
  const bool some = carry->high >= carry->low;
  return (struct tlw_cpu_merged){carry->open, some ? carry->high + 0.0 : TLK_NAN, some ? carry->low + 0.0 : TLK_NAN,
                                 carry->close, tlk_sum_lanes(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7])};
}

static struct tlw_cpu_candles candles_of(const struct tlw_render_job *job, const tlk_series *series) {
  const int64_t at = series->begin;
  return (struct tlw_cpu_candles){
      job->open + at,        job->high + at, job->low + at, job->close + at, job->volume ? job->volume + at : NULL,
      (size_t)series->count,
  };
}

void tlw_cpu_merge(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   int32_t x0, int32_t x1, const struct tlw_cpu_scratch *scratch) {
  const struct tlw_cpu_candles candles = candles_of(job, series);
  size_t begin = (size_t)first_of(job, series, x0);
  for (int32_t x = x0; x < x1; x++) {
    const size_t end = (size_t)first_of(job, series, x + 1);
    struct tlw_cpu_merged merged;
    if (begin == end || !tier->merge(&candles, begin, end, &merged)) {
      struct tlw_cpu_carry carry;
      tlw_cpu_carry_begin(&carry);
      tlw_cpu_carry_add(&carry, &candles, begin, end);
      merged = tlw_cpu_carry_end(&carry);
    }
    tlw_cpu_set_merged(scratch->merged, job->layout.plot_width, x, merged);
    begin = end;
  }
}

/* ---- marks ---- */

static int32_t centre_of(const struct tlw_render_job *job, const tlk_series *series, int64_t i) {
  return tlk_slot_centre(position_of(job, series, i), series->step, series->span, job->layout.plot_width);
}

/* The marks alone; their number. Sets *last and chart->scale. */
static size_t mark_candles(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                           const double *merged, const struct tlw_cpu_scratch *scratch, tlk_last *last) {
  *last = (tlk_last){0.0, TLK_INK_BACKGROUND};
  scratch->chart->scale = (tlk_scale){.high = 0.0, .low = 1.0};
  if (series->count == 0) return 0;
  struct tlw_cpu_candles candles;
  if (merged) {
    const size_t n = (size_t)job->layout.plot_width;
    candles = (struct tlw_cpu_candles){merged, merged + n, merged + 2 * n, merged + 3 * n, merged + 4 * n, n};
    for (size_t i = 0; i < n; i++) scratch->centre[i] = (uint16_t)i;
  } else {
    candles = candles_of(job, series);
    for (size_t i = 0; i < candles.count; i++) scratch->centre[i] = (uint16_t)centre_of(job, series, (int64_t)i);
  }
  const struct tlw_cpu_extent extent = tier->extent(&candles);
  if (extent.high < extent.low) return 0;
  const tlk_scale scale = tlk_scale_of(extent.high, extent.low, extent.volume, job->layout);
  tier->mark(&candles, scale, &job->layout, &scratch->marks);
  scratch->chart->scale = scale;
  size_t newest = candles.count - 1;
  while (scratch->marks.ink[newest] == TLK_INK_BACKGROUND) newest--;
  *last = (tlk_last){candles.close[newest], scratch->marks.ink[newest]};
  return candles.count;
}

/* ---- what else a chart has ---- */

static const tlk_notes *notes_of(const struct tlw_render_job *job, const tlk_series *series,
                                 const struct tlw_cpu_scratch *scratch) {
  if (!scratch->notes) return NULL;
  const int64_t i = series - job->series;
  if (job->notes) return (const tlk_notes *)((const uint8_t *)job->notes + (size_t)i * tlk_notes_size(job->layout));
  job->note(job->source, job->first + i, series, scratch->notes);
  return scratch->notes;
}

/* Columns of the grid: those of time labels, if there are any. */
static void make_bare(const tlk_layout *layout, const tlk_notes *notes, const struct tlw_cpu_scratch *scratch) {
  const size_t width = (size_t)layout->width;
  if (!notes || notes->n_marks == 0) {
    memcpy(scratch->bare, scratch->cells, width);
    return;
  }
  memset(scratch->bare, TLK_INK_BACKGROUND, width);
  if (!layout->grid) return;
  const tlk_time_mark *marks = (const tlk_time_mark *)((const uint8_t *)notes + tlk_notes_marks());
  for (int32_t i = 0; i < notes->n_marks; i++) scratch->bare[layout->plot_x + marks[i].column] = TLK_INK_GRID;
}

/* Rows of the grid of a chart with text: those of ticks. */
static void make_on_grid(const tlk_layout *layout, const struct tlw_cpu_scratch *scratch) {
  memset(scratch->on_grid, 0, (size_t)layout->height);
  for (int32_t i = 0; layout->grid && i < scratch->axis->n_lines; i++) scratch->on_grid[scratch->axis->lines[i]] = 1;
}

size_t tlw_cpu_mark(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                    const double *merged, const struct tlw_cpu_scratch *scratch) {
  const tlk_layout *layout = &job->layout;
  struct tlw_cpu_chart *chart = scratch->chart;
  tlk_last last;
  chart->number++;
  chart->covers = NULL;
  const size_t n = mark_candles(tier, job, series, merged, scratch, &last);
  chart->notes = notes_of(job, series, scratch);
  chart->has_lines = layout->n_lines > 0 && n > 0;
  if (layout->line_height > 0) {
    const uint8_t *sheet = (const uint8_t *)job->sheet;
    tlk_axis_fill(scratch->axis, chart->scale, last, *layout, (const tlk_glyph *)(sheet + job->sheet->glyphs));
    tlw_cpu_place_text(job, scratch);
    make_on_grid(layout, scratch);
  }
  if (chart->has_lines) tlw_cpu_place_lines(tier, layout, scratch);
  make_bare(layout, chart->notes, scratch);
  tlw_cpu_plan_events(job, series, n, scratch);
  return n;
}
