#include "chart_changes.h"

#include <string.h>

#include "chart_lines.h"
#include "chart_text.h"
#include "host/io/png_tier.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the first byte of a word must be its lowest"
#endif

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
  /* What the lines of the scratch are in the file, with room for a word that begins in them. */
  uint8_t *packed, *packed_bare;
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
  const uint64_t packed = (uint64_t)layout->width + sizeof(uint64_t);
  c->packed = take(memory, &offset, packed);
  c->packed_bare = take(memory, &offset, packed);
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

/* Where an event is: its row of those at hand, its columns and what they take. */
struct change {
  uint32_t row, begin, end;
  uint32_t ink, keep; /* keep: all bits where columns take what bare has, with ink 0; else 0 */
};

static inline struct change change_of(tlw_cpu_event event, uint32_t y0, const struct tlw_cpu_widths *widths) {
  const uint32_t x = TLW_CPU_EVENT_X(event), ink = TLW_CPU_EVENT_INK(event);
  return (struct change){(TLW_CPU_EVENT_Y(event) - y0) % TLW_CPU_EVENT_ROWS, x,
                         x + widths->of[TLW_CPU_EVENT_KIND(event)], ink, ink == 0 ? UINT32_MAX : 0};
}

/* Events of one pixel: a byte changes by what that has more, at its place there. */
static inline __attribute__((always_inline)) void play_narrow(const struct tlw_cpu_changes *c, struct tlw_png_rows rows,
                                                              uint32_t from, uint32_t to, uint32_t table) {
  const tlw_cpu_event *events = c->scratch->events;
  const uint8_t *bare = c->scratch->bare;
  uint8_t *line = c->scratch->line;
  const uint32_t y0 = (uint32_t)c->y, in_byte = 8u >> table, depth = 1u << table;
  const struct tlw_cpu_widths one = {{1, 1, 1}};
  for (uint32_t i = from; i < to; i++) {
    const struct change change = change_of(events[i], y0, &one);
    const uint32_t x = change.begin, fresh = change.ink | (bare[x] & change.keep);
    const uint32_t difference = (fresh - line[x]) << (in_byte - 1 - x % in_byte) * depth;
    line[x] = (uint8_t)fresh;
    tlw_png_rows_add(&rows, (size_t)change.row * rows.row_size + 1 + x / in_byte, (uint8_t)difference);
  }
}

static inline uint64_t load_8(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static inline void store_8(uint8_t *bytes, uint64_t word) { memcpy(bytes, &word, sizeof word); }

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGHEST (EACH_BYTE << 7)

/* Sums and differences of bytes. */
static inline uint64_t add_bytes(uint64_t a, uint64_t b) {
  return ((a & ~HIGHEST) + (b & ~HIGHEST)) ^ ((a ^ b) & HIGHEST);
}
static inline uint64_t subtract_bytes(uint64_t a, uint64_t b) {
  return ((a | HIGHEST) - (b & ~HIGHEST)) ^ ((a ^ ~b) & HIGHEST);
}

/* Whether bytes are not zero, a bit each. */
static inline uint64_t bits_of_bytes(uint64_t bytes) {
  const uint64_t highest = (((bytes & ~HIGHEST) + ~HIGHEST) | bytes) & HIGHEST;
  return (highest >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

typedef uint64_t pixels __attribute__((vector_size(TLW_CPU_BEYOND)));

static inline pixels load_pixels(const uint8_t *at) {
  pixels some;
  memcpy(&some, at, sizeof some);
  return some;
}

/* The pixels of the row at hand: those of all but the widest bodies at once, for their widths can't be foreseen. */
static inline void change_pixels(const struct tlw_cpu_changes *c, uint32_t begin, uint32_t end, uint64_t inks,
                                 uint64_t keep) {
  static const uint8_t masks[2 * TLW_CPU_BEYOND] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  for (uint32_t x = begin; x < end; x += TLW_CPU_BEYOND) {
    const uint32_t n = end - x < TLW_CPU_BEYOND ? end - x : TLW_CPU_BEYOND;
    const pixels mask = load_pixels(masks + TLW_CPU_BEYOND - n);
    const pixels old = load_pixels(c->scratch->line + x), bare = load_pixels(c->scratch->bare + x);
    const pixels fresh = (old & ~mask) | (((pixels){inks, inks} | (bare & (pixels){keep, keep})) & mask);
    memcpy(c->scratch->line + x, &fresh, sizeof fresh);
  }
}

/* Events of several pixels: their bytes change eight at a time, by what they have more than those of the row at hand. */
static inline __attribute__((always_inline)) void play_wide(const struct tlw_cpu_changes *c, struct tlw_png_rows rows,
                                                            uint32_t from, uint32_t to, uint32_t table) {
  const struct tlw_cpu_widths widths = c->widths;
  const uint32_t y0 = (uint32_t)c->y, in_byte = 8u >> table, depth = 1u << table;
  const uint64_t of_ink = EACH_BYTE * (0xffu / ((1u << depth) - 1));
  for (uint32_t i = from; i < to; i++) {
    const struct change change = change_of(c->scratch->events[i], y0, &widths);
    const uint32_t first = change.begin / in_byte, last = (change.end - 1) / in_byte;
    const uint64_t inks = change.ink * of_ink, keep = (uint64_t)0 - (change.keep & 1);
    /* Of the first byte and the last only some pixels. */
    uint64_t mask = UINT64_MAX << 8 | 0xffu >> change.begin % in_byte * depth;
    const uint64_t last_mask = 0xffu << (in_byte - 1 - (change.end - 1) % in_byte) * depth & 0xffu;
    change_pixels(c, change.begin, change.end, change.ink * EACH_BYTE, keep);
    for (uint32_t byte = first; byte <= last; byte += 8, mask = UINT64_MAX) {
      const uint32_t n = last - byte < 8 ? last - byte + 1 : 8;
      if (byte + n > last) mask &= (last_mask << 8 * (n - 1)) | ((UINT64_C(1) << 8 * (n - 1)) - 1);
      const uint64_t old = load_8(c->packed + byte), bare = load_8(c->packed_bare + byte);
      const uint64_t fresh = (old & ~mask) | ((inks | (bare & keep)) & mask);
      const size_t at = (size_t)change.row * rows.row_size + 1 + byte;
      const uint64_t filtered = add_bytes(load_8(rows.bytes + at), subtract_bytes(fresh, old));
      store_8(c->packed + byte, fresh);
      store_8(rows.bytes + at, filtered);
      tlw_png_rows_mark(&rows, at, bits_of_bytes(filtered) & UINT64_MAX >> (64 - n), n);
    }
  }
}

/* The candles of rows y0 to y1 - 1, as far as they are in the plot. */
static void play(const struct tlw_cpu_changes *c, const struct tlw_png_rows *rows, int32_t y0, int32_t y1) {
  const int32_t begin = y0 > c->layout->price_y ? y0 : c->layout->price_y, end = y1 < c->plot_end ? y1 : c->plot_end;
  if (begin >= end) return;
  const uint32_t from = c->scratch->starts[begin], to = c->scratch->starts[end];
  if (c->widths.of[TLW_CPU_BODY] == 1) {
    if (rows->table == 0)
      play_narrow(c, *rows, from, to, 0);
    else if (rows->table == 1)
      play_narrow(c, *rows, from, to, 1);
    else if (rows->table == 2)
      play_narrow(c, *rows, from, to, 2);
    else
      play_narrow(c, *rows, from, to, 3);
  } else {
    if (rows->table == 0)
      play_wide(c, *rows, from, to, 0);
    else if (rows->table == 1)
      play_wide(c, *rows, from, to, 1);
    else if (rows->table == 2)
      play_wide(c, *rows, from, to, 2);
    else
      play_wide(c, *rows, from, to, 3);
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

/* The row at hand becomes what the plot has where there is no candle. */
static void begin_plot(const struct tlw_cpu_changes *c, uint32_t table) {
  const size_t width = (size_t)c->layout->width;
  memcpy(c->scratch->line, c->scratch->bare, width);
  c->png->pack(c->packed_bare, c->scratch->bare, width, table, UINT8_MAX);
  memcpy(c->packed, c->packed_bare, width);
}

/* Paints the blocks of a row, and those of the row above that are not yet, but for what lies over them. */
static void paint_blocks(const struct tlw_cpu_changes *c, const struct tlw_png_rows *rows, int32_t y) {
  const tlk_layout *layout = c->layout;
  const size_t width = (size_t)layout->width, plot_x = (size_t)layout->plot_x;
  uint8_t *line = c->scratch->line, *row = row_of(c, y);
  copy_blocks(row_of(c, y - 1), line, width, touched_of(c, y), touched_of(c, y - 1), c->words);
  if (y == layout->price_y) begin_plot(c, rows->table);
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
