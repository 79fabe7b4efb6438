#include "chart_lines.h"

#include "kernels/core/line.h"

static int32_t blocks_of(const tlk_layout *layout) {
  return (layout->plot_width + TLW_CPU_LINE_BLOCK - 1) / TLW_CPU_LINE_BLOCK;
}

uint64_t tlw_cpu_line_points(const tlk_layout *layout) {
  return (uint64_t)layout->n_lines * (uint64_t)layout->plot_width;
}

/* Those of the segments, which all lines have in common, and two of each line. */
uint64_t tlw_cpu_line_blocks(const tlk_layout *layout) {
  return layout->n_lines > 0 ? (1 + 2 * (uint64_t)layout->n_lines) * (uint64_t)blocks_of(layout) : 0;
}

uint64_t tlw_cpu_line_covers(const tlk_layout *layout) {
  return (uint64_t)layout->n_lines * (uint64_t)blocks_of(layout);
}

static const int32_t *columns_of(const tlk_layout *layout, const tlk_notes *notes) {
  return (const int32_t *)(const void *)((const uint8_t *)notes + tlk_notes_points(*layout));
}

/* What is in the scratch of line i. */
struct parts {
  int32_t *points, *tops, *ends;
};

static struct parts parts_of(const tlk_layout *layout, const struct tlw_cpu_scratch *scratch, int32_t i) {
  const size_t n = (size_t)blocks_of(layout), line = (size_t)i;
  return (struct parts){
      scratch->points + line * (size_t)layout->plot_width,
      scratch->blocks + (1 + 2 * line) * n,
      scratch->blocks + (2 + 2 * line) * n,
  };
}

/* The first point of the first segment that has samples in a block, by block; n_points where there is none. */
static void find_firsts(const tlk_layout *layout, const tlk_notes *notes, int32_t *firsts) {
  const int32_t *columns = columns_of(layout, notes);
  const int32_t n_blocks = blocks_of(layout);
  int32_t block = 0;
  for (int32_t i = 0; i + 1 < notes->n_points; i++)
    /* The last samples of a segment are in the first half of the column that it ends in. */
    for (; block < n_blocks && block * TLW_CPU_LINE_BLOCK <= columns[i + 1]; block++) firsts[block] = i;
  for (; block < n_blocks; block++) firsts[block] = notes->n_points;
}

/* The rows that a line reaches in a block, whose segments lie between points begin and end - 1. */
static void find_reach(const tlk_layout *layout, const int32_t *points, int32_t begin, int32_t end, int32_t *reach_top,
                       int32_t *reach_end) {
  int32_t top = INT32_MAX, bottom = INT32_MIN;
  for (int32_t i = begin; i < end; i++) {
    const int32_t row = points[i];
    if (row > bottom) bottom = row;
    if (row < top && row != TLW_CPU_NO_POINT) top = row;
  }
  *reach_top = *reach_end = 0;
  if (top > bottom) return;
  const int32_t first = top - layout->line_half, last = bottom + layout->line_half;
  *reach_top = (first > 0 ? first : 0) / TLK_LINE_UNIT;
  *reach_end = ((last > 0 ? last : 0) + TLK_LINE_UNIT - 1) / TLK_LINE_UNIT;
}

void tlw_cpu_place_lines(const struct tlw_cpu_tier *tier, const tlk_layout *layout,
                         const struct tlw_cpu_scratch *scratch) {
  const tlk_notes *notes = scratch->chart->notes;
  const int32_t n = notes->n_points, n_blocks = blocks_of(layout);
  const int32_t *firsts = scratch->blocks;
  find_firsts(layout, notes, scratch->blocks);
  for (int32_t k = 0; k < layout->n_lines; k++) {
    const struct parts line = parts_of(layout, scratch, k);
    const void *values = (const uint8_t *)notes + tlk_notes_values(*layout, k);
    tier->line_points(values, (size_t)n, scratch->chart->scale, layout, line.points);
    for (int32_t block = 0; block < n_blocks; block++) {
      /* The segments of a block end with the one that the next block begins with, if that begins in this one. */
      const int32_t next = block + 1 < n_blocks ? firsts[block + 1] + 2 : n;
      find_reach(layout, line.points, firsts[block], next < n ? next : n, &line.tops[block], &line.ends[block]);
    }
  }
}

/* Of blocks `first` on, n of them, those that reach rows from to to - 1. */
static void touch_blocks(const tlk_layout *layout, const struct parts *line, int32_t first, int32_t n, int32_t from,
                         int32_t to, const struct tlw_cpu_blocks *blocks) {
  for (uint64_t in = tlw_cpu_blocks_in(line->tops + first, line->ends + first, n, from, to); in; in &= in - 1) {
    const int32_t block = first + __builtin_ctzll(in), x = layout->plot_x + block * TLW_CPU_LINE_BLOCK;
    const int32_t top = line->tops[block] > from ? line->tops[block] : from;
    tlw_cpu_touch(blocks, x, x + TLW_CPU_LINE_BLOCK, top, line->ends[block] < to ? line->ends[block] : to);
  }
}

void tlw_cpu_touch_lines(const tlk_layout *layout, const struct tlw_cpu_scratch *source,
                         const struct tlw_cpu_blocks *blocks) {
  const int32_t panel_end = layout->price_y + layout->price_height, n_blocks = blocks_of(layout);
  const int32_t from = layout->price_y > blocks->y0 ? layout->price_y : blocks->y0;
  const int32_t to = panel_end < blocks->y1 ? panel_end : blocks->y1;
  for (int32_t k = 0; k < layout->n_lines && from < to; k++) {
    const struct parts line = parts_of(layout, source, k);
    for (int32_t first = 0; first < n_blocks; first += 64)
      touch_blocks(layout, &line, first, n_blocks - first < 64 ? n_blocks - first : 64, from, to, blocks);
  }
}

void tlw_cpu_draw_lines(const struct tlw_cpu_tier *tier, const tlk_layout *layout, const struct tlw_cpu_scratch *source,
                        const struct tlw_cpu_canvas *canvas) {
  const int32_t panel_end = layout->price_y + layout->price_height;
  const tlk_notes *notes = source->chart->notes;
  struct tlw_cpu_line line = {
      .layout = layout,
      .n_points = notes->n_points,
      .columns = columns_of(layout, notes),
      .firsts = source->blocks,
      .y0 = canvas->y0 > layout->price_y ? canvas->y0 : layout->price_y,
      .y1 = canvas->y1 < panel_end ? canvas->y1 : panel_end,
      .row_stride = canvas->row_stride,
      .room = canvas->width - layout->plot_x,
  };
  if (line.y0 >= line.y1) return;
  line.pixels = tlw_cpu_row(canvas, line.y0) + layout->plot_x;
  for (int32_t k = 0; k < layout->n_lines; k++) {
    const struct parts parts = parts_of(layout, source, k);
    line.index = k;
    line.points = parts.points;
    line.tops = parts.tops;
    line.ends = parts.ends;
    line.covers = source->chart->covers ? source->chart->covers + (size_t)k * (size_t)blocks_of(layout) : NULL;
    tier->line(&line);
  }
}
