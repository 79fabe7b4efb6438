#include "chart_lines.h"

#include <string.h>

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

static int32_t words_of(const tlk_layout *layout) { return (blocks_of(layout) + 63) / 64; }

/* Words of a line: of all bands of the image. */
static size_t bands_of(const tlk_layout *layout) {
  return (size_t)((layout->height + TLW_CPU_LINE_BAND - 1) / TLW_CPU_LINE_BAND) * (size_t)words_of(layout);
}

uint64_t tlw_cpu_line_bands(const tlk_layout *layout) { return (uint64_t)layout->n_lines * bands_of(layout); }

uint64_t tlw_cpu_line_covers(const tlk_layout *layout) {
  return (uint64_t)layout->n_lines * (uint64_t)blocks_of(layout);
}

static const int32_t *columns_of(const tlk_layout *layout, const tlk_notes *notes) {
  return (const int32_t *)(const void *)((const uint8_t *)notes + tlk_notes_points(*layout));
}

/* What is in the scratch of line i. */
struct parts {
  int32_t *points, *tops, *ends;
  uint64_t *bands; /* which blocks may reach which rows: see tlw_cpu_blocks_in */
};

static struct parts parts_of(const tlk_layout *layout, const struct tlw_cpu_scratch *scratch, int32_t i) {
  const size_t n = (size_t)blocks_of(layout), line = (size_t)i;
  return (struct parts){
      scratch->points + line * (size_t)layout->plot_width,
      scratch->blocks + (1 + 2 * line) * n,
      scratch->blocks + (2 + 2 * line) * n,
      scratch->bands + line * bands_of(layout),
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

/* Which blocks reach which rows of the panel. */
static void find_bands(const tlk_layout *layout, const struct parts *line) {
  const int32_t panel_end = layout->price_y + layout->price_height, n_words = words_of(layout);
  memset(line->bands, 0, bands_of(layout) * sizeof *line->bands);
  for (int32_t block = 0; block < blocks_of(layout); block++) {
    const int32_t top = line->tops[block] > layout->price_y ? line->tops[block] : layout->price_y;
    const int32_t end = line->ends[block] < panel_end ? line->ends[block] : panel_end;
    for (int32_t y = top / TLW_CPU_LINE_BAND * TLW_CPU_LINE_BAND; y < end; y += TLW_CPU_LINE_BAND)
      line->bands[y / TLW_CPU_LINE_BAND * n_words + block / 64] |= UINT64_C(1) << block % 64;
  }
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
    find_bands(layout, &line);
  }
}

/* Columns x0 to x1 - 1 of rows top to end - 1. */
struct area {
  int32_t x0, x1, top, end;
};

/* A block, as far as it is in rows from to to - 1. */
static struct area area_of(const tlk_layout *layout, const struct parts *line, int32_t block, int32_t from,
                           int32_t to) {
  const int32_t x = layout->plot_x + block * TLW_CPU_LINE_BLOCK;
  return (struct area){x, x + TLW_CPU_LINE_BLOCK, line->tops[block] > from ? line->tops[block] : from,
                       line->ends[block] < to ? line->ends[block] : to};
}

/* Adds an area that lies beside it in the same block of the image, if together they have hardly more pixels. */
static bool join(struct area *area, struct area next) {
  if (area->x1 != next.x0 || area->x0 / TLW_CPU_BLOCK != next.x0 / TLW_CPU_BLOCK || next.top > area->end ||
      next.end < area->top)
    return false;
  area->x1 = next.x1;
  if (next.top < area->top) area->top = next.top;
  if (next.end > area->end) area->end = next.end;
  return true;
}

static void touch_line(const tlk_layout *layout, const struct parts *line, int32_t from, int32_t to,
                       const struct tlw_cpu_blocks *blocks) {
  const int32_t n_words = words_of(layout);
  struct area area = {0};
  for (int32_t word = 0; word < n_words; word++)
    for (uint64_t in = tlw_cpu_blocks_in(line->bands, n_words, word, from, to); in; in &= in - 1) {
      const struct area next = area_of(layout, line, 64 * word + __builtin_ctzll(in), from, to);
      if (next.top >= next.end || join(&area, next)) continue;
      tlw_cpu_touch(blocks, area.x0, area.x1, area.top, area.end);
      area = next;
    }
  tlw_cpu_touch(blocks, area.x0, area.x1, area.top, area.end);
}

void tlw_cpu_touch_lines(const tlk_layout *layout, const struct tlw_cpu_scratch *source,
                         const struct tlw_cpu_blocks *blocks) {
  const int32_t panel_end = layout->price_y + layout->price_height;
  const int32_t from = layout->price_y > blocks->y0 ? layout->price_y : blocks->y0;
  const int32_t to = panel_end < blocks->y1 ? panel_end : blocks->y1;
  for (int32_t k = 0; k < layout->n_lines && from < to; k++) {
    const struct parts line = parts_of(layout, source, k);
    touch_line(layout, &line, from, to, blocks);
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
    line.bands = parts.bands;
    line.covers = source->chart->covers ? source->chart->covers + (size_t)k * (size_t)blocks_of(layout) : NULL;
    tier->line(&line);
  }
}
