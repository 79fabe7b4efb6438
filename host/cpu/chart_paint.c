/* The pixels of a chart on the CPU, row by row. */
#include <string.h>

#include "chart.h"
#include "chart_lines.h"
#include "chart_text.h"

/* Of rows that are drawn over while they are in a cache. */
#define BAND_BYTES (256 * 1024)

/* ---- events ---- */

/* What the events of a chart are made from. */
struct plan {
  const struct tlw_cpu_marks *marks;
  const uint16_t *centre;
  size_t n_marks;
  int32_t plot_x, plot_end;
  int32_t body, wick, side; /* columns */
};

static struct plan plan_of(const struct tlw_render_job *job, const tlk_series *series, size_t n_marks,
                           const struct tlw_cpu_scratch *source) {
  const int32_t body = 2 * series->body_half + 1, wick = 2 * series->wick_half + 1;
  return (struct plan){
      .marks = &source->marks,
      .centre = source->centre,
      .n_marks = n_marks,
      .plot_x = job->layout.plot_x - series->body_half,
      .plot_end = tlk_plot_end(job->layout),
      .body = body,
      .wick = wick,
      .side = (body - wick) / 2,
  };
}

/* Counts the events of each row, where they are not NULL puts them in their places. */
static inline __attribute__((always_inline)) void walk_marks(const struct plan *plan, uint32_t *rows,
                                                             tlw_cpu_event *events) {
  const int32_t body = plan->body, wick = plan->wick, side = plan->side;
#define ADD(row, x, width, ink)                                                                                        \
  do {                                                                                                                 \
    const uint32_t at = rows[row]++;                                                                                   \
    if (events) events[at] = TLW_CPU_EVENT(x, width, ink);                                                             \
  } while (0)
  for (size_t i = 0; i < plan->n_marks; i++) {
    const int32_t ink = plan->marks->ink[i];
    if (!ink) continue;
    const int32_t x = plan->plot_x + plan->centre[i], bar = plan->marks->bar_top[i];
    const int32_t wick_end = plan->marks->wick_bottom[i] + 1;
    ADD(plan->marks->wick_top[i], x + side, wick, ink);
    if (side > 0) {
      const int32_t body_end = plan->marks->body_bottom[i] + 1;
      ADD(plan->marks->body_top[i], x, body, ink);
      ADD(body_end, x, side, 0);
      ADD(body_end, x + side + wick, side, 0);
    }
    ADD(wick_end, x + side, wick, 0);
    /* The row below a bar is outside of the plot, so it needs no end. */
    if (bar < plan->plot_end) ADD(bar, x, body, ink);
  }
#undef ADD
}

void tlw_cpu_plan_events(const struct tlw_render_job *job, const tlk_series *series, size_t n_marks,
                         const struct tlw_cpu_scratch *scratch) {
  const struct plan plan = plan_of(job, series, n_marks, scratch);
  const int32_t height = job->layout.height;
  uint32_t *starts = scratch->starts;
  memset(starts, 0, ((size_t)height + 2) * sizeof *starts);
  if (n_marks == 0) return;
  /* Counts one place further on, whose sums are the starts one place further on, which become the ends, the starts. */
  walk_marks(&plan, starts + 1, NULL);
  uint32_t sum = 0;
  for (int32_t y = 1; y <= height + 1; y++) {
    const uint32_t count = starts[y];
    starts[y] = sum;
    sum += count;
  }
  walk_marks(&plan, starts + 1, scratch->events);
}

/* ---- rows ---- */

/* Writes ink, or what bare has, to columns that an event names. */
static inline void play(uint8_t *line, const uint8_t *bare, tlw_cpu_event event) {
  const uint32_t x = TLW_CPU_EVENT_X(event), width = TLW_CPU_EVENT_WIDTH(event), ink = TLW_CPU_EVENT_INK(event);
  if (width == 1) {
    line[x] = ink ? (uint8_t)ink : bare[x];
    return;
  }
  for (uint32_t i = x; i < x + width; i++) line[i] = ink ? (uint8_t)ink : bare[i];
}

/* Sets the bits of the blocks that an event is in. */
static inline void touch(uint64_t *bits, tlw_cpu_event event) {
  const uint32_t x = TLW_CPU_EVENT_X(event), last = x + TLW_CPU_EVENT_WIDTH(event) - 1;
  for (uint32_t block = x / TLW_CPU_BLOCK; block <= last / TLW_CPU_BLOCK; block++)
    bits[block / 64] |= UINT64_C(1) << block % 64;
}

/* A row as its marks alone have it. */
static void begin_line(const struct plan *plan, const struct tlw_cpu_scratch *source, int32_t y, uint8_t *line,
                       size_t width) {
  const struct tlw_cpu_marks *marks = plan->marks;
  memcpy(line, source->bare, width);
  for (size_t i = 0; i < plan->n_marks; i++) {
    const int32_t ink = marks->ink[i];
    if (!ink) continue;
    const bool bar = y >= marks->bar_top[i], body = y >= marks->body_top[i] && y <= marks->body_bottom[i];
    const bool wick = y >= marks->wick_top[i] && y <= marks->wick_bottom[i];
    uint8_t *first = line + plan->plot_x + plan->centre[i];
    if (bar || body)
      memset(first, ink, (size_t)plan->body);
    else if (wick)
      memset(first + plan->side, ink, (size_t)plan->wick);
  }
}

/* One painting of a band. */
struct painting {
  const struct tlw_cpu_tier *tier;
  const struct tlw_render_job *job;
  const tlk_layout *layout;
  struct plan plan;
  const struct tlw_cpu_scratch *source, *scratch;
  size_t width;
};

static struct painting painting_of(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job,
                                   const tlk_series *series, size_t n_marks, const struct tlw_cpu_scratch *source,
                                   const struct tlw_cpu_scratch *scratch) {
  return (struct painting){
      tier, job, &job->layout, plan_of(job, series, n_marks, source), source, scratch, (size_t)job->layout.width};
}

static bool is_plot(const struct painting *p, int32_t y) { return y >= p->layout->price_y && y < p->plan.plot_end; }

/* Whether row y is the one below the last that was painted; the next one is that below it. */
static bool goes_on(const struct painting *p, int32_t y) {
  const struct tlw_cpu_chart *from = p->source->chart;
  struct tlw_cpu_chart *chart = p->scratch->chart;
  const bool goes_on = chart->painted == from && chart->painted_number == from->number && chart->painted_to == y;
  chart->painted = from;
  chart->painted_number = from->number;
  chart->painted_to = y + 1;
  return goes_on;
}

/* Makes scratch->line row y of the plot, and sets the bits of the blocks that change; they may be NULL. */
static inline void take_line(const struct painting *p, int32_t y, uint64_t *bits) {
  const struct tlw_cpu_scratch *source = p->source;
  uint8_t *line = p->scratch->line;
  if (!goes_on(p, y)) {
    begin_line(&p->plan, source, y, line, p->width);
    return;
  }
  if (y == p->layout->price_y) memcpy(line, source->bare, p->width);
  for (uint32_t i = source->starts[y]; i < source->starts[y + 1]; i++) {
    const tlw_cpu_event event = source->events[i];
    if (bits) touch(bits, event);
    play(line, source->bare, event);
  }
}

static void paint_row(const struct painting *p, int32_t y, uint8_t *row) {
  const size_t plot_x = (size_t)p->layout->plot_x;
  if (!is_plot(p, y)) {
    goes_on(p, y);
    memset(row, TLK_INK_BACKGROUND, p->width);
    return;
  }
  take_line(p, y, NULL);
  p->tier->copy(row, p->scratch->line, p->width);
  if (p->source->on_grid[y])
    p->tier->copy_on_grid(row + plot_x, p->scratch->line + plot_x, (size_t)p->layout->plot_width);
}

/* Lines and text over rows of a canvas. */
static void draw_over(const struct painting *p, const struct tlw_cpu_canvas *canvas) {
  const struct tlw_cpu_chart *chart = p->source->chart;
  if (chart->has_lines) tlw_cpu_draw_lines(p->tier, p->layout, p->source, canvas);
  if (p->layout->line_height > 0) tlw_cpu_draw_text(p->job, p->source, canvas);
}

void tlw_cpu_paint(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                   size_t n_marks, const struct tlw_cpu_scratch *source, const struct tlw_cpu_scratch *scratch,
                   int32_t y0, int32_t y1, uint8_t *pixels) {
  const struct painting painting = painting_of(tier, job, series, n_marks, source, scratch);
  const int32_t rows = BAND_BYTES / job->layout.width;
  for (int32_t y = y0, end; y < y1; y = end) {
    end = y1 - y > rows ? y + rows : y1;
    const struct tlw_cpu_canvas canvas = {pixels + (size_t)(y - y0) * job->row_stride, job->row_stride,
                                          job->layout.width, y, end};
    for (int32_t i = y; i < end; i++) paint_row(&painting, i, tlw_cpu_row(&canvas, i));
    draw_over(&painting, &canvas);
  }
}

/* ---- changes ---- */

/* Copies the blocks of a row whose bits are set; line: NULL: the background. */
static void copy_blocks(uint8_t *row, const uint8_t *line, size_t width, const uint64_t *bits, int32_t words) {
  for (int32_t word = 0; word < words; word++)
    for (uint64_t rest = bits[word]; rest; rest &= rest - 1) {
      const size_t x = ((size_t)word * 64 + (size_t)__builtin_ctzll(rest)) * TLW_CPU_BLOCK;
      const size_t n = width - x < TLW_CPU_BLOCK ? width - x : TLW_CPU_BLOCK;
      if (!line)
        memset(row + x, TLK_INK_BACKGROUND, n);
      else if (n == TLW_CPU_BLOCK)
        memcpy(row + x, line + x, TLW_CPU_BLOCK);
      else
        memcpy(row + x, line + x, n);
    }
}

/* Paints what changes in row y: the blocks whose bits are set, and those that candles or the grid change. */
static void paint_changes_of_row(const struct painting *p, int32_t y, const struct tlw_cpu_blocks *blocks,
                                 uint8_t *row) {
  uint64_t *bits = blocks->bits + (size_t)(y - blocks->y0) * (size_t)blocks->words;
  const size_t plot_x = (size_t)p->layout->plot_x, plot_width = (size_t)p->layout->plot_width;
  const uint8_t *line = p->scratch->line, *on_grid = p->source->on_grid;
  if (y == 0 || y == p->layout->price_y || y == p->plan.plot_end) tlw_cpu_touch(blocks, 0, (int32_t)p->width, y, y + 1);
  if (!is_plot(p, y)) {
    goes_on(p, y);
    copy_blocks(row, NULL, p->width, bits, blocks->words);
    return;
  }
  take_line(p, y, bits);
  if (on_grid[y] || (y > 0 && on_grid[y - 1]))
    tlw_cpu_touch(blocks, (int32_t)plot_x, (int32_t)(plot_x + plot_width), y, y + 1);
  copy_blocks(row, line, p->width, bits, blocks->words);
  if (on_grid[y]) p->tier->copy_on_grid(row + plot_x, line + plot_x, plot_width);
}

void tlw_cpu_paint_changes(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, const tlk_series *series,
                           size_t n_marks, const struct tlw_cpu_scratch *source, const struct tlw_cpu_scratch *scratch,
                           int32_t y0, int32_t y1, uint8_t *pixels, uint64_t *changed) {
  const struct painting painting = painting_of(tier, job, series, n_marks, source, scratch);
  const tlk_layout *layout = &job->layout;
  const struct tlw_cpu_chart *chart = source->chart;
  const int32_t words = tlw_cpu_change_words(layout->width);
  const struct tlw_cpu_canvas canvas = {pixels, job->row_stride, layout->width, y0, y1};
  const struct tlw_cpu_blocks blocks = {changed, words, layout->width, y0, y1};
  /* What lies over a row changes it, and by its end the row below. */
  memset(changed, 0, (size_t)(y1 - y0) * (size_t)words * sizeof *changed);
  if (chart->has_lines) tlw_cpu_touch_lines(layout, source, &blocks);
  if (layout->line_height > 0) tlw_cpu_touch_text(job, source, &blocks);
  uint64_t *over = scratch->chart->painted_over;
  for (int32_t y = y0; y < y1; y++) {
    uint64_t *bits = changed + (size_t)(y - y0) * (size_t)words;
    for (int32_t word = 0; word < words; word++) {
      const uint64_t above = y > 0 ? over[word] : 0;
      over[word] = bits[word];
      bits[word] |= above;
    }
    paint_changes_of_row(&painting, y, &blocks, tlw_cpu_row(&canvas, y));
  }
  draw_over(&painting, &canvas);
}
