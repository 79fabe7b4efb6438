/* Lines over the candles of a chart, compiled once per tier as tier_ops.c is. kernels/core/line.h states the rules. */
#include "line_ops.h"

#include <string.h>

#include "kernels/core/line.h"
#include "vector.h"

#define COLUMNS TLW_CPU_LINE_BLOCK
#define SAMPLES (COLUMNS * TLK_LINE_SAMPLES)

typedef uint16_t words __attribute__((vector_size(2 * COLUMNS)));
typedef uint8_t bytes __attribute__((vector_size(COLUMNS)));

/* ---- points ---- */

static inline __attribute__((always_inline)) tlk_int points_of(tlk_real value, tlk_scale scale,
                                                               const tlk_layout *layout) {
  const tlk_mask has = tlk_line_has(value, *layout);
  /* Any price that has a point, in place of what has none. */
  const tlk_int row = tlk_line_row(tlk_pick(has, value, tlk_splat(scale.highest)), scale, *layout);
  return tlk_pick_int(has, row, tlk_splat_int(TLW_CPU_NO_POINT));
}

void TLW_TIERED(tlw_cpu_line_points_of)(const double *values, size_t n, tlk_scale scale, const tlk_layout *layout,
                                        int32_t *points) {
  size_t i = 0;
  for (; i + TLK_LANES <= n; i += TLK_LANES) {
    const tlk_int rows = points_of(load(values + i), scale, layout);
    memcpy(points + i, &rows, sizeof rows);
  }
  for (; i < n; i++) points[i] = points_of(tlk_splat(values[i]), scale, layout)[0];
}

/* ---- covers ---- */

/* Segments that have samples in a block, at most: a column has one point. */
#define SEGMENTS (COLUMNS + 1)

/* What the segments of a block have beside their points, as in tlk_segment_of: reach, and rows by eighths of columns. */
struct slants {
  double slopes[SEGMENTS];
  int32_t reaches[SEGMENTS];
};

/* Of n segments. What is said of those without a point means nothing. */
static inline __attribute__((always_inline)) void find_slants(struct slants *slants, const int32_t *columns,
                                                              const int32_t *points, int32_t n, double line_half) {
  for (int32_t i = 0; i < n; i++) {
    const double across = (double)(columns[i + 1] - columns[i]), rise = (double)points[i + 1] - (double)points[i];
    const double run = across * TLK_LINE_UNIT, reach = line_half * TLK_SQRT(run * run + rise * rise) / run;
    slants->slopes[i] = rise / (8.0 * across);
    slants->reaches[i] = (int32_t)(reach < TLK_LINE_FAR ? reach : TLK_LINE_FAR);
  }
}

/* Rows that a line covers of the samples of a block, with room behind them for the rest of a vector. */
struct ranges {
  int32_t tops[SAMPLES + TLK_LANES], ends[SAMPLES + TLK_LANES];
};

static inline tlk_real odd_numbers(void) {
  tlk_real x;
  for (int i = 0; i < TLK_LANES; i++) x[i] = 2 * i + 1;
  return x;
}

static inline tlk_int pick_ints(tlk_int mask, tlk_int a, tlk_int b) { return (mask & a) | (~mask & b); }

/* Samples of a segment: `count` of them from sample number `from` on, which is number `at` of the block. */
struct run {
  int32_t from, at, count;
};

/*
 * The covers of samples between rows y0 and y1, as tlk_segment_cover gives them. Its quotient is below 2^30 and,
 * unless it is a whole number, at least 1 / dx >= 2^-17 away from one. The product here is less than 2^-21 away from
 * it, so that 2^-19 more is what rounds towards 0 to the same.
 */
static inline __attribute__((always_inline)) void cover_segment(struct ranges *covers, struct run run, int32_t y0,
                                                                int32_t y1, double slope, int32_t reach_each,
                                                                int32_t line_half) {
  const tlk_int reach = tlk_splat_int(reach_each);
  const tlk_int first = tlk_splat_int((y0 < y1 ? y0 : y1) - line_half);
  const tlk_int last = tlk_splat_int((y0 < y1 ? y1 : y0) + line_half);
  const double more = y1 < y0 ? -0x1p-19 : 0x1p-19;
  tlk_real along = odd_numbers() + (double)(2 * run.from);
  for (int32_t i = run.at; i < run.at + run.count; i += TLK_LANES, along += 2.0 * TLK_LANES) {
    const tlk_int y = tlk_truncate(along * slope + more) + y0;
    const tlk_int top = pick_ints(y - reach > first, y - reach, first);
    const tlk_int end = pick_ints(y + reach < last, y + reach, last);
    memcpy(covers->tops + i, &top, sizeof top);
    memcpy(covers->ends + i, &end, sizeof end);
  }
}

static void cover_nothing(struct ranges *covers, int32_t at, int32_t count) {
  memset(covers->tops + at, 0, (size_t)count * sizeof *covers->tops);
  memset(covers->ends + at, 0, (size_t)count * sizeof *covers->ends);
}

/* The covers of all samples of a block: those of its segments, from left to right, and nothing where there are none. */
static inline __attribute__((always_inline)) void cover_block(struct ranges *covers, const struct tlw_cpu_line *line,
                                                              int32_t block) {
  const int32_t origin = block * SAMPLES, first = line->firsts[block], half = line->layout->line_half;
  const int32_t *columns = line->columns + first, *points = line->points + first;
  const int32_t left = line->n_points - 1 - first, n = left < SEGMENTS ? left : SEGMENTS;
  struct slants slants;
  find_slants(&slants, columns, points, n, half);
  int32_t done = 0;
  for (int32_t i = 0; i < n && done < SAMPLES; i++) {
    const int32_t begin = columns[i] * TLK_LINE_SAMPLES + TLK_LINE_SAMPLES / 2 - origin;
    const int32_t past = columns[i + 1] * TLK_LINE_SAMPLES + TLK_LINE_SAMPLES / 2 - origin;
    const int32_t end = past < SAMPLES ? past : SAMPLES;
    if (begin > done) {
      cover_nothing(covers, done, (begin < SAMPLES ? begin : SAMPLES) - done);
      done = begin;
    }
    if (end <= done) continue;
    if (points[i] == TLW_CPU_NO_POINT || points[i + 1] == TLW_CPU_NO_POINT)
      cover_nothing(covers, done, end - done);
    else
      cover_segment(covers, (struct run){done - begin, done, end - done}, points[i], points[i + 1], slants.slopes[i],
                    slants.reaches[i], half);
    done = end;
  }
  if (done < SAMPLES) cover_nothing(covers, done, SAMPLES - done);
}

/* ---- pixels ---- */

static inline words load_words(const uint16_t *x) {
  words v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline words even(words a, words b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}

static inline words odd(words a, words b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

/* Samples 0 to 3 of all columns, counted from a row on, within TLW_CPU_COVER_ROWS rows. */
static inline __attribute__((always_inline)) void sort_samples(uint16_t sorted[TLK_LINE_SAMPLES][COLUMNS],
                                                               const int32_t *samples, int32_t y) {
  const int32_t first = y * TLK_LINE_UNIT, last = first + TLW_CPU_COVER_ROWS * TLK_LINE_UNIT;
  uint16_t inside[SAMPLES];
  for (int32_t i = 0; i < SAMPLES; i++) {
    const int32_t x = samples[i] > first ? samples[i] : first;
    inside[i] = (uint16_t)((x < last ? x : last) - first);
  }
  const words a = load_words(inside), b = load_words(inside + COLUMNS);
  const words c = load_words(inside + 2 * COLUMNS), d = load_words(inside + 3 * COLUMNS);
  const words even_ab = even(a, b), even_cd = even(c, d), odd_ab = odd(a, b), odd_cd = odd(c, d);
  const words all[TLK_LINE_SAMPLES] = {even(even_ab, even_cd), even(odd_ab, odd_cd), odd(even_ab, even_cd),
                                       odd(odd_ab, odd_cd)};
  memcpy(sorted, all, sizeof all);
}

static inline uint16_t most(uint16_t a, uint16_t b) { return a > b ? a : b; }

/* Of all samples of a column, what lies below a row that begins at `begin`. */
static inline uint16_t rest_below(const struct tlw_cpu_covers *c, uint16_t begin, int32_t x) {
  return (uint16_t)(most(c->ends[0][x], begin) - most(c->tops[0][x], begin) + most(c->ends[1][x], begin) -
                    most(c->tops[1][x], begin) + most(c->ends[2][x], begin) - most(c->tops[2][x], begin) +
                    most(c->ends[3][x], begin) - most(c->tops[3][x], begin));
}

/* What the line covers of a block from row y on. */
static void find_covers(struct tlw_cpu_covers *covers, const struct tlw_cpu_line *line, int32_t block, int32_t y) {
  struct ranges ranges;
  cover_block(&ranges, line, block);
  sort_samples(covers->tops, ranges.tops, y);
  sort_samples(covers->ends, ranges.ends, y);
  covers->first = y;
  covers->next = y - 1;
  covers->known = true;
}

static void find_rest(struct tlw_cpu_covers *covers, int32_t y) {
  const uint16_t begin = (uint16_t)((y - covers->first) * TLK_LINE_UNIT);
  for (int32_t x = 0; x < COLUMNS; x++) covers->rest[x] = rest_below(covers, begin, x);
}

/* How the inks of a line follow from its area, as in tlk_line_ink: levels are 1, 2 or 4. */
struct inks {
  uint16_t half, shift; /* of the area of a level */
  uint16_t before;      /* the ink before the faintest */
  uint16_t full;
};

static struct inks inks_of(const struct tlw_cpu_line *line) {
  const int32_t levels = line->layout->line_levels, faintest = TLK_INK_LINES + line->index * levels;
  const int32_t shift = levels == 4 ? 8 : levels == 2 ? 9 : 10;
  return (struct inks){(uint16_t)(1 << (shift - 1)), (uint16_t)shift, (uint16_t)(faintest - 1),
                       (uint16_t)(faintest + levels - 1)};
}

/* Draws a row of a block; rest: of each column what lies below the row above, which becomes that below this one. */
static inline __attribute__((always_inline)) void draw_row(const struct tlw_cpu_covers *covers, uint16_t *rest,
                                                           uint16_t end, struct inks inks, uint8_t *pixels) {
  uint16_t areas[COLUMNS];
  for (int32_t x = 0; x < COLUMNS; x++) {
    const uint16_t below = rest_below(covers, end, x);
    areas[x] = (uint16_t)(rest[x] - below);
    rest[x] = below;
  }
  bytes ink;
  memcpy(&ink, pixels, sizeof ink);
  const words area = load_words(areas), old = __builtin_convertvector(ink, words);
  const words level = (area + inks.half) >> inks.shift;
  const words on_bare = (level + inks.before) & (words)(level != 0);
  const words is_covered = (words)(area >= TLK_LINE_WHOLE / 2), is_bare = (words)(old == 0);
  const words on_other = (is_covered & inks.full) | (~is_covered & old);
  ink = __builtin_convertvector((is_bare & on_bare) | (~is_bare & on_other), bytes);
  memcpy(pixels, &ink, sizeof ink);
}

/* Draws rows y0 to y1 - 1, of which the first is at pixels, of the first n columns of a block. */
static inline __attribute__((always_inline)) void draw_rows(struct tlw_cpu_covers *covers, int32_t y0, int32_t y1,
                                                            struct inks inks, uint8_t *pixels, size_t row_stride,
                                                            size_t n) {
  const struct tlw_cpu_covers all = *covers;
  uint16_t rest[COLUMNS];
  memcpy(rest, all.rest, sizeof rest);
  for (int32_t y = y0; y < y1; y++, pixels += row_stride) {
    const uint16_t end = (uint16_t)((y + 1 - all.first) * TLK_LINE_UNIT);
    if (n == COLUMNS) {
      draw_row(&all, rest, end, inks, pixels);
    } else {
      uint8_t part[COLUMNS] = {0};
      memcpy(part, pixels, n);
      draw_row(&all, rest, end, inks, part);
      memcpy(pixels, part, n);
    }
  }
  memcpy(covers->rest, rest, sizeof rest);
  covers->next = y1;
}

static void draw_block(const struct tlw_cpu_line *line, int32_t block, struct inks inks) {
  const int32_t top = line->tops[block] > line->y0 ? line->tops[block] : line->y0;
  const int32_t end = line->ends[block] < line->y1 ? line->ends[block] : line->y1;
  struct tlw_cpu_covers own;
  own.known = false;
  struct tlw_cpu_covers *covers = line->covers ? &line->covers[block] : &own;
  const int32_t room = line->room - block * COLUMNS;
  for (int32_t y = top, y_end; y < end; y = y_end) {
    y_end = end - y < TLW_CPU_COVER_ROWS ? end : y + TLW_CPU_COVER_ROWS;
    if (!covers->known || y < covers->first || y_end > covers->first + TLW_CPU_COVER_ROWS)
      find_covers(covers, line, block, y);
    if (y != covers->next) find_rest(covers, y);
    uint8_t *pixels = line->pixels + (size_t)(y - line->y0) * line->row_stride + block * COLUMNS;
    if (room >= COLUMNS)
      draw_rows(covers, y, y_end, inks, pixels, line->row_stride, COLUMNS);
    else
      draw_rows(covers, y, y_end, inks, pixels, line->row_stride, (size_t)room);
  }
}

void TLW_TIERED(tlw_cpu_draw_line)(const struct tlw_cpu_line *line) {
  const struct inks inks = inks_of(line);
  const int32_t n_blocks = (line->layout->plot_width + COLUMNS - 1) / COLUMNS, n_words = (n_blocks + 63) / 64;
  for (int32_t word = 0; word < n_words; word++)
    for (uint64_t in = tlw_cpu_blocks_in(line->bands, n_words, word, line->y0, line->y1); in; in &= in - 1)
      draw_block(line, 64 * word + __builtin_ctzll(in), inks);
}
