/* SIMD tiers: the inner loops of the CPU backend, compiled once per instruction set and chosen at run time. */
#ifndef TALLOW_CPU_TIER_H
#define TALLOW_CPU_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/line.h"
#include "tallow/status.h"

/* Candles as columns. volume is NULL where none is drawn. */
struct tlw_cpu_candles {
  const double *open, *high, *low, *close, *volume;
  size_t count;
};

/* Arrays that tiers write are a multiple of this many entries long. */
#define TLW_CPU_PAD 8u

/* tlk_mark by columns. */
struct tlw_cpu_marks {
  uint16_t *wick_top, *wick_bottom, *body_top, *body_bottom, *bar_top, *ink;
};

/*
 * One merged candle. high and low are never -0: where candles have zeros of both signs, the order in which they meet
 * would decide.
 */
struct tlw_cpu_merged {
  double open, high, low, close, volume;
};

/* The candles of a pixel column so far, when not all of them are at hand. */
struct tlw_cpu_carry {
  double open, high, low, close; /* of the valid ones; high < low if there is none yet */
  double sums[TLK_SUM_LANES];    /* of volumes */
  uint64_t count;                /* gaps too */
};

/* The greatest and least of the valid candles. */
struct tlw_cpu_extent {
  double high, low; /* high < low if there is none */
  double volume;    /* the greatest */
};

/* Pixel columns of the plot whose lines are done together. */
#define TLW_CPU_LINE_BLOCK 16

/* The row of a point that a line does not have. */
#define TLW_CPU_NO_POINT INT32_MIN

/* Rows of an image of which it is known together which blocks lines reach. */
#define TLW_CPU_LINE_BAND 16

/* Rows of which covers are kept: in 1 / TLK_LINE_UNIT they just fit 16 bits. */
#define TLW_CPU_COVER_ROWS 255

/* What a line covers of a block in TLW_CPU_COVER_ROWS rows: of each sample of its columns, counted from row `first` on. */
struct tlw_cpu_covers {
  uint16_t tops[TLK_LINE_SAMPLES][TLW_CPU_LINE_BLOCK], ends[TLK_LINE_SAMPLES][TLW_CPU_LINE_BLOCK];
  uint16_t rest[TLW_CPU_LINE_BLOCK]; /* of each column, what lies from row `next` on */
  int32_t first, next;
  bool known;
};

/* A line of a chart, to be drawn into rows y0 to y1 - 1 of its panel. */
struct tlw_cpu_line {
  const tlk_layout *layout;
  int32_t index;
  int32_t n_points;
  const int32_t *columns; /* by point, ascending */
  const int32_t *points;  /* rows in 1 / TLK_LINE_UNIT pixels, or TLW_CPU_NO_POINT */
  /* By block: the first point of the first segment that may lie in it; the first row that it reaches, and the end. */
  const int32_t *firsts, *tops, *ends;
  const uint64_t *bands;         /* of all rows: see tlw_cpu_blocks_in */
  struct tlw_cpu_covers *covers; /* by block, where they are kept from one drawing to the next; or NULL */
  int32_t y0, y1;
  uint8_t *pixels; /* row y0, first column of the plot */
  int32_t room;    /* columns of the image from there on */
  size_t row_stride;
};

/*
 * Of blocks 64 * word on, 64 of them, those that may reach rows y0 to y1 - 1: a bit each. bands: such words of each band
 * of rows, n_words of them.
 */
static inline uint64_t tlw_cpu_blocks_in(const uint64_t *bands, int32_t n_words, int32_t word, int32_t y0, int32_t y1) {
  uint64_t bits = 0;
  for (int32_t band = y0 / TLW_CPU_LINE_BAND; band <= (y1 - 1) / TLW_CPU_LINE_BAND; band++)
    bits |= bands[band * n_words + word];
  return bits;
}

struct tlw_cpu_bars_tier;
struct tlw_cpu_images_tier;
struct tlw_cpu_ink_tier;
struct tlw_cpu_window_tier;

struct tlw_cpu_tier {
  const char *name;
  const struct tlw_cpu_bars_tier *bars;      /* bars_tier.h */
  const struct tlw_cpu_images_tier *images;  /* images_tier.h */
  const struct tlw_cpu_ink_tier *inks;       /* ink_tier.h */
  const struct tlw_cpu_window_tier *windows; /* window_tier.h */
  /*
   * Merges candles begin to end - 1, at least one. False, with *merged unspecified, if one of them is a gap or if they
   * are too near the end of the columns to be read in whole vectors.
   */
  bool (*merge)(const struct tlw_cpu_candles *candles, size_t begin, size_t end, struct tlw_cpu_merged *merged);
  /* Adds candles begin to end - 1, at least one, to the carry. False, with nothing done, where merge gives false. */
  bool (*extend)(const struct tlw_cpu_candles *candles, size_t begin, size_t end, struct tlw_cpu_carry *carry);
  struct tlw_cpu_extent (*extent)(const struct tlw_cpu_candles *candles);
  /* The marks of all candles, count rounded up to TLW_CPU_PAD. scale has at least one valid candle. */
  void (*mark)(const struct tlw_cpu_candles *candles, tlk_scale scale, const tlk_layout *layout,
               const struct tlw_cpu_marks *marks);
  /* The points of n values of a line. */
  void (*line_points)(const double *values, size_t n, tlk_scale scale, const tlk_layout *layout, int32_t *points);
  void (*line)(const struct tlw_cpu_line *line);
  void (*copy)(uint8_t *target, const uint8_t *source, size_t n);
  /* Copies, with TLK_INK_GRID where the source is TLK_INK_BACKGROUND. */
  void (*copy_on_grid)(uint8_t *target, const uint8_t *source, size_t n);
};

/* The best tier that this CPU has, or the one that TALLOW_CPU_TIER names. TLW_ERR_UNAVAILABLE: it lacks that one. */
tlw_status tlw_cpu_tier(const struct tlw_cpu_tier **tier, tlw_error *error);

#endif
