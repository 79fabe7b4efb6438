#include "chart.h"

#include <string.h>

#define EVENTS_PER_MARK 7 /* wick, left and right of the body: begin and end; bar: begin */

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
  s->events = take(memory, &offset, marks * EVENTS_PER_MARK * sizeof *s->events);
  s->heads = take(memory, &offset, ((uint64_t)layout->height + 1) * sizeof *s->heads);
  s->on_grid = take(memory, &offset, (uint64_t)layout->height);
  s->bare = take(memory, &offset, width);
  s->line = take(memory, &offset, width);
  return offset;
}

uint64_t tlw_cpu_scratch_size(const tlk_layout *layout) {
  struct tlw_cpu_scratch unused;
  return place(&unused, layout, NULL);
}

void tlw_cpu_scratch_place(struct tlw_cpu_scratch *scratch, const tlk_layout *layout, void *memory) {
  place(scratch, layout, memory);
  for (int32_t y = 0; y < layout->height; y++)
    scratch->on_grid[y] = tlk_on_grid(y - layout->price_y, layout->price_height, layout->price_cells) ||
                          tlk_on_grid(y - layout->volume_y, layout->volume_height, layout->volume_cells);
  for (int32_t x = 0; x < layout->width; x++)
    scratch->bare[x] =
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

size_t tlw_cpu_mark(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                    const double *merged, const struct tlw_cpu_scratch *scratch) {
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
  return candles.count;
}

/* ---- painting ---- */

/* The rows being painted and their events. */
struct band {
  const struct tlw_cpu_scratch *scratch;
  int32_t y0, y1;
  int32_t n_events;
};

static void add_event(struct band *band, int32_t y, int32_t x, int32_t width, int32_t ink) {
  if (y >= band->y1) return;
  int32_t *head = &band->scratch->heads[y - band->y0];
  band->scratch->events[band->n_events] = (struct tlw_cpu_event){(uint16_t)x, (uint16_t)width, *head, (uint8_t)ink};
  *head = band->n_events++;
}

/* Ink in rows top to bottom of some columns, which the bar below takes over from row bar_top on. */
static void add_box(struct band *band, int32_t x, int32_t width, int32_t top, int32_t bottom, int32_t bar_top,
                    int32_t ink) {
  if (bottom < band->y0 || width <= 0) return;
  add_event(band, top > band->y0 ? top : band->y0, x, width, ink);
  if (top < band->y1 && bottom + 1 < bar_top) add_event(band, bottom + 1, x, width, 0);
}

static void add_marks(struct band *band, const struct tlw_cpu_scratch *source, size_t n, const tlk_layout *layout,
                      const tlk_series *series) {
  const struct tlw_cpu_marks *marks = &source->marks;
  const int32_t body = 2 * series->body_half + 1, wick = 2 * series->wick_half + 1, side = (body - wick) / 2;
  const int32_t plot_end = tlk_plot_end(*layout);
  for (size_t i = 0; i < n; i++) {
    const int32_t ink = marks->ink[i], bar = marks->bar_top[i];
    if (!ink) continue;
    const int32_t x = layout->plot_x + source->centre[i] - series->body_half;
    add_box(band, x + side, wick, marks->wick_top[i], marks->wick_bottom[i], bar, ink);
    add_box(band, x, side, marks->body_top[i], marks->body_bottom[i], bar, ink);
    add_box(band, x + side + wick, side, marks->body_top[i], marks->body_bottom[i], bar, ink);
    /* The row below a bar is outside of the plot, so it needs no end. */
    if (bar < plot_end && plot_end > band->y0) add_event(band, bar > band->y0 ? bar : band->y0, x, body, ink);
  }
}

static void play_row(const struct tlw_cpu_scratch *scratch, int32_t first) {
  for (int32_t e = first; e >= 0;) {
    const struct tlw_cpu_event event = scratch->events[e];
    uint8_t *line = scratch->line + event.x;
    const uint8_t *bare = scratch->bare + event.x;
    for (int32_t x = 0; x < event.width; x++) line[x] = event.ink ? event.ink : bare[x];
    e = event.next;
  }
}

void tlw_cpu_paint(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   size_t n_marks, const struct tlw_cpu_scratch *source, const struct tlw_cpu_scratch *scratch,
                   int32_t y0, int32_t y1, uint8_t *pixels) {
  const tlk_layout *layout = &job->layout;
  const size_t width = (size_t)layout->width, plot_x = (size_t)layout->plot_x;
  const size_t plot_width = (size_t)layout->plot_width;
  const int32_t plot_end = tlk_plot_end(*layout);
  struct band band = {scratch, y0, y1, 0};
  memset(scratch->heads, 0xff, (size_t)(y1 - y0) * sizeof *scratch->heads);
  add_marks(&band, source, n_marks, layout, series);
  tier->copy(scratch->line, scratch->bare, width);
  for (int32_t y = y0; y < y1; y++) {
    uint8_t *row = pixels + (size_t)(y - y0) * job->row_stride;
    if (y < layout->price_y || y >= plot_end) {
      memset(row, TLK_INK_BACKGROUND, width);
      continue;
    }
    play_row(scratch, scratch->heads[y - y0]);
    tier->copy(row, scratch->line, width);
    if (scratch->on_grid[y]) tier->copy_on_grid(row + plot_x, scratch->line + plot_x, plot_width);
  }
}
