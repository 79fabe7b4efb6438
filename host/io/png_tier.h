/* The loops over pixels of the PNG encoders: png_ops.c, compiled once per instruction set. */
#ifndef TALLOW_IO_PNG_TIER_H
#define TALLOW_IO_PNG_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of packed and filtered bytes have room for whole blocks. */
#define TLW_PNG_BLOCK 64u

/* What changes from row to row is said by a bit for each so many pixels, the leftmost lowest. */
#define TLW_PNG_UNIT 64u
#define TLW_PNG_CHANGES 4u /* numbers of such bits, for the widest row */

/* A row on its way from pixels to filtered bytes. */
struct tlw_png_row {
  uint32_t width, table;
  uint8_t most;      /* the greatest pixel that is valid */
  uint8_t *packed;   /* the row above, which becomes this one; zeros beyond its end */
  uint8_t *fresh;    /* the same before and after; this row meanwhile */
  uint8_t *filtered; /* this row less that above, in whole blocks */
  /* Its words of edges that are not 0, as filter gives them, and which these are. */
  uint64_t *edges;
  uint16_t *blocks;
  uint32_t n_edges;
};

struct tlw_png_tier {
  const char *name;
  /*
   * Packs a row of 8-bit pixels to 1 << table bits each, the leftmost highest, zeros behind the last. false: a pixel is
   * greater than most, and the row is unspecified.
   */
  bool (*pack)(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table, uint8_t most);
  /*
   * The next row. Units whose bits are zero in changed equal the row above, and are not looked at. false: a pixel is
   * greater than most, and the row is unspecified.
   */
  bool (*change)(struct tlw_png_row *row, const uint8_t *pixels, const uint64_t *changed);
  /*
   * filtered[i] = packed[i] - above[i], of size bytes. Bit i of edges: filtered[i] differs from the byte before it;
   * before the first is that of the filter. Whole blocks are read and written of all three, and their words of edges.
   */
  void (*filter)(uint8_t *filtered, uint64_t *edges, const uint8_t *packed, const uint8_t *above, size_t size);
};

/* The best tier that this CPU has, or what TALLOW_CPU_TIER names; the least where that names none of this CPU. */
const struct tlw_png_tier *tlw_png_tier(void);

#endif
