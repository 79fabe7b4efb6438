#include "chart_changes.h"

#include <string.h>

#include "chart_lines.h"
#include "chart_text.h"
#include "host/io/png_tier.h"

_Static_assert(TLW_CPU_BLOCK == TLW_PNG_UNIT, "painter and encoder agree");

struct tlw_cpu_changes {
  const struct tlw_cpu_tier *tier;
  const struct tlw_png_tier *png;
  const struct tlw_render_job *job;
  const tlk_layout *layout;
  const struct tlw_cpu_scratch *scratch;
  struct tlw_cpu_widths widths;
  int32_t plot_end, words;
  int32_t y;       /* the next row */
  uint8_t *canvas; /* blocks of rows, painted; before these the row above; zeros behind the last column */
  size_t stride;
  uint64_t *touched;                 /* by row: the blocks that are painted; before these those of the row above */
  struct tlw_cpu_covers *covers;     /* of lines */
  uint64_t covered[TLW_CPU_CHANGES]; /* of the row above: where text or lines may lie */
};

/* ---- memory ---- */

static uint8_t *take(uint8_t *memory, uint64_t *offset, uint64_t size) {
  uint8_t *part = memory ? memory + *offset : NULL;
  *offset += (size + TLW_MEMORY_ALIGN - 1) / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN;
  return part;
}

static uint64_t place(struct tlw_cpu_changes *c, const tlk_layout *layout, int32_t most_rows, void *memory) {
  uint64_t offset = 0;
  const uint64_t rows = (uint64_t)most_rows + 1;
  c->words = tlw_cpu_change_words(layout->width);
  c->stride = ((size_t)layout->width + TLW_CPU_BLOCK - 1) / TLW_CPU_BLOCK * TLW_CPU_BLOCK;
  take(memory, &offset, sizeof *c);
  c->canvas = take(memory, &offset, rows * c->stride);
  c->touched = (uint64_t *)(void *)take(memory, &offset, rows * (uint64_t)c->words * sizeof *c->touched);
  c->covers = (struct tlw_cpu_covers *)(void *)take(memory, &offset, tlw_cpu_line_covers(layout) * sizeof *c->covers);
  return offset;
}

uint64_t tlw_cpu_changes_size(const tlk_layout *layout, int32_t most_rows) {
  struct tlw_cpu_changes unused;
  return place(&unused, layout, most_rows, NULL);
}

struct tlw_cpu_changes *tlw_cpu_changes_begin(void *memory, const struct tlw_cpu_tier *tier,
                                              const struct tlw_render_job *job, const tlk_series *series,
                                              const struct tlw_cpu_scratch *scratch, int32_t most_rows) {
  struct tlw_cpu_changes *c = memory;
  const tlk_layout *layout = &job->layout;
  *c = (struct tlw_cpu_changes){.tier = tier,
                                .png = tlw_png_tier(),
                                .job = job,
                                .layout = layout,
                                .scratch = scratch,
                                .widths = tlw_cpu_event_widths(series),
                                .plot_end = tlk_plot_end(*layout)};
  place(c, layout, most_rows, memory);
  /* Above the first row lies one of zeros. */
  memset(c->canvas, 0, c->stride);
  memset(c->touched, 0xff, (size_t)c->words * sizeof *c->touched);
  for (int32_t i = 1; i <= most_rows && c->stride > (size_t)layout->width; i++)
    memset(c->canvas + (size_t)i * c->stride + layout->width, 0, c->stride - (size_t)layout->width);
  memset(scratch->line, TLK_INK_BACKGROUND, (size_t)layout->width);
  scratch->chart->painted = NULL;
  if (!scratch->chart->has_lines) return c;
  for (uint64_t i = 0; i < tlw_cpu_line_covers(layout); i++) c->covers[i].known = false;
  scratch->chart->covers = c->covers;
  return c;
}

static uint8_t *row_of(const struct tlw_cpu_changes *c, int32_t y) {
  return c->canvas + (size_t)(y - c->y + 1) * c->stride;
}

static uint64_t *touched_of(const struct tlw_cpu_changes *c, int32_t y) {
  return c->touched + (size_t)(y - c->y + 1) * (size_t)c->words;
}

/* ---- candles ---- */

static inline __attribute__((always_inline)) void play_any(const struct tlw_cpu_changes *c, struct tlw_png_rows rows,
                                                           uint32_t from, uint32_t to, uint32_t table, bool narrow) {
  const tlw_cpu_event *events = c->scratch->events;
  const struct tlw_cpu_widths widths = c->widths;
  const uint8_t *bare = c->scratch->bare;
  uint8_t *line = c->scratch->line;
  const uint32_t y0 = (uint32_t)c->y;
  for (uint32_t i = from; i < to; i++) {
    const tlw_cpu_event event = events[i];
    const uint32_t row = (TLW_CPU_EVENT_Y(event) - y0) % TLW_CPU_EVENT_ROWS;
    const uint32_t ink = TLW_CPU_EVENT_INK(event), keep = ink == 0 ? UINT32_MAX : 0;
    const uint32_t begin = TLW_CPU_EVENT_X(event);
    const uint32_t end = begin + (narrow ? 1 : widths.of[TLW_CPU_EVENT_KIND(event)]);
    const size_t at = (size_t)row * rows.row_size + 1;
    /* Pixels change their byte by what they have more, each at its place there. */
    for (uint32_t x = begin; x < end;) {
      const uint32_t in_byte = 8u >> table, depth = 1u << table, byte = x / in_byte;
      uint32_t difference = 0;
      do {
        const uint32_t fresh = ink | (bare[x] & keep);
        difference += (fresh - line[x]) << (in_byte - 1 - x % in_byte) * depth;
        line[x] = (uint8_t)fresh;
        x++;
      } while (x < end && x / in_byte == byte);
      tlw_png_rows_add(&rows, at + byte, (uint8_t)difference);
    }
  }
}

/* The candles of rows y0 to y1 - 1, as far as they are in the plot. */
static void play(const struct tlw_cpu_changes *c, const struct tlw_png_rows *rows, int32_t y0, int32_t y1) {
  const int32_t begin = y0 > c->layout->price_y ? y0 : c->layout->price_y, end = y1 < c->plot_end ? y1 : c->plot_end;
  if (begin >= end) return;
  const uint32_t from = c->scratch->starts[begin], to = c->scratch->starts[end];
  const bool narrow = c->widths.of[TLW_CPU_BODY] == 1;
  switch (rows->table) {
  case 0:
    play_any(c, *rows, from, to, 0, false);
    return;
  case 1:
    if (narrow)
      play_any(c, *rows, from, to, 1, true);
    else
      play_any(c, *rows, from, to, 1, false);
    return;
  case 2:
    if (narrow)
      play_any(c, *rows, from, to, 2, true);
    else
      play_any(c, *rows, from, to, 2, false);
    return;
  default:
    play_any(c, *rows, from, to, 3, false);
  }
}

/* ---- blocks that are painted ---- */

/* Copies the blocks of a line that are in some bits and not in others. */
static void copy_blocks(uint8_t *row, const uint8_t *line, size_t width, const uint64_t *bits, const uint64_t *but,
                        int32_t words) {
  for (int32_t word = 0; word < words; word++)
    for (uint64_t rest = bits[word] & ~(but ? but[word] : 0); rest; rest &= rest - 1) {
      const size_t x = ((size_t)word * 64 + (size_t)__builtin_ctzll(rest)) * TLW_CPU_BLOCK;
      const size_t n = width - x < TLW_CPU_BLOCK ? width - x : TLW_CPU_BLOCK;
      if (n == TLW_CPU_BLOCK)
        memcpy(row + x, line + x, TLW_CPU_BLOCK);
      else
        memcpy(row + x, line + x, n);
    }
}

/* The blocks of rows y0 to y1 - 1 that are to be painted: what lies over a row changes it, and by its end the row below. */
static void touch(struct tlw_cpu_changes *c, int32_t y0, int32_t y1) {
  const tlk_layout *layout = c->layout;
  const struct tlw_cpu_blocks blocks = {touched_of(c, y0), c->words, layout->width, y0, y1};
  const uint8_t *on_grid = c->scratch->on_grid;
  memset(blocks.bits, 0, (size_t)(y1 - y0) * (size_t)c->words * sizeof *blocks.bits);
  if (c->scratch->chart->has_lines) tlw_cpu_touch_lines(layout, c->scratch, &blocks);
  if (layout->line_height > 0) tlw_cpu_touch_text(c->job, c->scratch, &blocks);
  for (int32_t y = y0; y < y1; y++) {
    uint64_t *bits = touched_of(c, y);
    for (int32_t word = 0; word < c->words; word++) {
      const uint64_t above = c->covered[word];
      c->covered[word] = bits[word];
      bits[word] |= above;
    }
    if (y == 0 || y == layout->price_y || y == c->plot_end)
      tlw_cpu_touch(&blocks, 0, layout->width, y, y + 1);
    else if (y > layout->price_y && y < c->plot_end && (on_grid[y] || on_grid[y - 1]))
      tlw_cpu_touch(&blocks, layout->plot_x, layout->plot_x + layout->plot_width, y, y + 1);
  }
}

static bool is_touched(const struct tlw_cpu_changes *c, int32_t y) {
  const uint64_t *bits = touched_of(c, y);
  uint64_t any = 0;
  for (int32_t word = 0; word < c->words; word++) any |= bits[word];
  return any != 0;
}

/* Paints the blocks of a row, and those of the row above that are not yet, but for what lies over them. */
static void paint_blocks(const struct tlw_cpu_changes *c, const struct tlw_png_rows *rows, int32_t y) {
  const tlk_layout *layout = c->layout;
  const size_t width = (size_t)layout->width, plot_x = (size_t)layout->plot_x;
  uint8_t *line = c->scratch->line, *row = row_of(c, y);
  copy_blocks(row_of(c, y - 1), line, width, touched_of(c, y), touched_of(c, y - 1), c->words);
  if (y == layout->price_y) memcpy(line, c->scratch->bare, width);
  if (y == c->plot_end) memset(line, TLK_INK_BACKGROUND, width);
  play(c, rows, y, y + 1);
  copy_blocks(row, line, width, touched_of(c, y), NULL, c->words);
  if (y >= layout->price_y && y < c->plot_end && c->scratch->on_grid[y])
    c->tier->copy_on_grid(row + plot_x, line + plot_x, (size_t)layout->plot_width);
}

static void paint(const struct tlw_cpu_changes *c, const struct tlw_png_rows *rows, int32_t y0, int32_t y1) {
  for (int32_t y = y0, end; y < y1; y = end + 1) {
    for (end = y; end < y1 && !is_touched(c, end);) end++;
    play(c, rows, y, end);
    if (end < y1) paint_blocks(c, rows, end);
  }
  const struct tlw_cpu_canvas canvas = {row_of(c, y0), c->stride, c->layout->width, y0, y1};
  tlw_cpu_draw_over(c->tier, c->job, c->scratch, &canvas);
}

void tlw_cpu_changes_take(struct tlw_cpu_changes *c, const struct tlw_png_rows *rows) {
  const int32_t y0 = c->y, y1 = y0 + rows->n;
  const size_t words = (size_t)c->words;
  touch(c, y0, y1);
  paint(c, rows, y0, y1);
  for (int32_t y = y0; y < y1; y++)
    c->png->revise(rows, (size_t)(y - y0) * rows->row_size + 1, rows->row_size - 1, row_of(c, y), row_of(c, y - 1),
                   touched_of(c, y), words);
  memcpy(c->canvas, row_of(c, y1 - 1), c->stride);
  memcpy(c->touched, touched_of(c, y1 - 1), words * sizeof *c->touched);
  c->y = y1;
  if (y1 == c->layout->height) c->scratch->chart->covers = NULL;
}
