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

struct tlw_cpu_widths tlw_cpu_event_widths(const tlk_series *series) {
  const int32_t body = 2 * series->body_half + 1, wick = 2 * series->wick_half + 1;
  return (struct tlw_cpu_widths){{(uint32_t)wick, (uint32_t)body, (uint32_t)((body - wick) / 2)}};
}

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
  const int32_t wick = plan->wick, side = plan->side;
#define ADD(row, x, kind, ink)                                                                                         \
  do {                                                                                                                 \
    const uint32_t at = rows[row]++;                                                                                   \
    if (events) events[at] = TLW_CPU_EVENT(x, kind, ink, row);                                                         \
  } while (0)
  for (size_t i = 0; i < plan->n_marks; i++) {
    const int32_t ink = plan->marks->ink[i];
    if (!ink) continue;
    const int32_t x = plan->plot_x + plan->centre[i], bar = plan->marks->bar_top[i];
    const int32_t wick_end = plan->marks->wick_bottom[i] + 1;
    ADD(plan->marks->wick_top[i], x + side, TLW_CPU_WICK, ink);
    if (side > 0) {
      const int32_t body_end = plan->marks->body_bottom[i] + 1;
      ADD(plan->marks->body_top[i], x, TLW_CPU_BODY, ink);
      ADD(body_end, x, TLW_CPU_SIDE, 0);
      ADD(body_end, x + side + wick, TLW_CPU_SIDE, 0);
    }
    ADD(wick_end, x + side, TLW_CPU_WICK, 0);
    /* The row below a bar is outside of the plot, so it needs no end. */
    if (bar < plan->plot_end) ADD(bar, x, TLW_CPU_BODY, ink);
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
static inline void play(uint8_t *line, const uint8_t *bare, tlw_cpu_event event, const struct tlw_cpu_widths *widths) {
  const uint32_t x = TLW_CPU_EVENT_X(event), ink = TLW_CPU_EVENT_INK(event);
  const uint32_t end = x + widths->of[TLW_CPU_EVENT_KIND(event)];
  for (uint32_t i = x; i < end; i++) line[i] = ink ? (uint8_t)ink : bare[i];
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
  struct tlw_cpu_widths widths;
  const struct tlw_cpu_scratch *source, *scratch;
  size_t width;
};

static struct painting painting_of(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job,
                                   const tlk_series *series, size_t n_marks, const struct tlw_cpu_scratch *source,
                                   const struct tlw_cpu_scratch *scratch) {
  return (struct painting){tier,
                           job,
                           &job->layout,
                           plan_of(job, series, n_marks, source),
                           tlw_cpu_event_widths(series),
                           source,
                           scratch,
                           (size_t)job->layout.width};
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

/* Makes scratch->line row y of the plot. */
static void take_line(const struct painting *p, int32_t y) {
  const struct tlw_cpu_scratch *source = p->source;
  uint8_t *line = p->scratch->line;
  if (!goes_on(p, y)) {
    begin_line(&p->plan, source, y, line, p->width);
    return;
  }
  if (y == p->layout->price_y) memcpy(line, source->bare, p->width);
  for (uint32_t i = source->starts[y]; i < source->starts[y + 1]; i++)
    play(line, source->bare, source->events[i], &p->widths);
}

static void paint_row(const struct painting *p, int32_t y, uint8_t *row) {
  const size_t plot_x = (size_t)p->layout->plot_x;
  if (!is_plot(p, y)) {
    goes_on(p, y);
    memset(row, TLK_INK_BACKGROUND, p->width);
    return;
  }
  take_line(p, y);
  p->tier->copy(row, p->scratch->line, p->width);
  if (p->source->on_grid[y])
    p->tier->copy_on_grid(row + plot_x, p->scratch->line + plot_x, (size_t)p->layout->plot_width);
}

void tlw_cpu_draw_over(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job,
                       const struct tlw_cpu_scratch *source, const struct tlw_cpu_canvas *canvas) {
  if (source->chart->has_lines) tlw_cpu_draw_lines(tier, &job->layout, source, canvas);
  if (job->layout.line_height > 0) tlw_cpu_draw_text(job, source, canvas);
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
    tlw_cpu_draw_over(tier, job, source, &canvas);
  }
}
