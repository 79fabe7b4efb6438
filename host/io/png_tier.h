/* The loops over pixels of the PNG encoders: png_ops.c, compiled once per instruction set. */
#ifndef TALLOW_IO_PNG_TIER_H
#define TALLOW_IO_PNG_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "png_rows.h"

/* Rows of packed and filtered bytes have room for whole blocks. */
#define TLW_PNG_BLOCK 64u

/* What changes from row to row is said by a bit for each so many pixels, the leftmost lowest. */
#define TLW_PNG_UNIT 64u

/* A row on its way from pixels to filtered bytes. */
struct tlw_png_row {
  uint32_t width, table;
  uint8_t most;    /* the greatest pixel that is valid */
  uint8_t *packed; /* the row above, which becomes this one; zeros beyond its end */
  uint8_t *fresh;  /* room for another */
};

/* Blocks that are looked at together. */
#define TLW_PNG_GROUP 64u

/* What there is in a group of blocks, a bit or a number each. */
struct tlw_png_scan {
  uint64_t busy;      /* those with bytes that are not zero */
  uint64_t repeating; /* of these, those with a run of four or more, or one that they share with a neighbour */
  uint64_t edges[TLW_PNG_GROUP]; /* of repeating ones: which bytes differ from the one before, or are starts */
};

/*
 * Whether a block ends in a run of bytes that are not zero and go on in the next, which begins at `next`. As in rows, marks
 * say which bytes are not zero; starts, with which no run goes on.
 */
static inline uint64_t tlw_png_goes_on(uint64_t marks, const uint64_t *next_marks, const uint64_t *next_starts,
                                       const uint8_t *next) {
  return marks >> 63 & *next_marks & ~*next_starts & (uint64_t)(next[-1] == next[0]);
}

struct tlw_png_tier {
  const char *name;
  /*
   * Packs a row of 8-bit pixels to 1 << table bits each, the leftmost highest, zeros behind the last. false: a pixel is
   * greater than most, and the row is unspecified.
   */
  bool (*pack)(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table, uint8_t most);
  /*
   * The next row, whose filtered bytes without the filter's go to place `at` of rows. false: a pixel is greater than
   * most, and the row is unspecified.
   */
  bool (*change)(struct tlw_png_row *row, const uint8_t *pixels, const struct tlw_png_rows *rows, size_t at);
  /*
   * The units of a row whose bits are set, likewise, as far as they are within size bytes, from pixels and those of the
   * row above. Whole units are read of both; the pixels, all valid, are zeros from the end of the row on.
   */
  void (*revise)(const struct tlw_png_rows *rows, size_t at, size_t size, const uint8_t *pixels, const uint8_t *above,
                 const uint64_t *units, size_t n_words);
  /*
   * filtered[i] = packed[i] - above[i], of size bytes. Bit i of edges: filtered[i] differs from the byte before it;
   * before the first is that of the filter. Whole blocks are read and written of all three, and their words of edges.
   */
  void (*filter)(uint8_t *filtered, uint64_t *edges, const uint8_t *packed, const uint8_t *above, size_t size);
  /* Looks at TLW_PNG_GROUP blocks of filtered bytes. One byte before them and one behind them are read. */
  void (*scan)(const uint8_t *bytes, const uint64_t *marks, const uint64_t *starts, struct tlw_png_scan *scan);
};

/* The best tier that this CPU has, or what TALLOW_CPU_TIER names; the least where that names none of this CPU. */
const struct tlw_png_tier *tlw_png_tier(void);

#endif
