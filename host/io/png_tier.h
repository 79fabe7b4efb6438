/* The loops over pixels of the PNG encoders: png_ops.c, compiled once per instruction set. */
#ifndef TALLOW_IO_PNG_TIER_H
#define TALLOW_IO_PNG_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of packed and filtered bytes have room for whole blocks. */
#define TLW_PNG_BLOCK 64u

struct tlw_png_tier {
  const char *name;
  /*
   * Packs a row of 8-bit pixels to 1 << table bits each, the leftmost highest, zeros behind the last. false: a pixel is
   * greater than most, and the row is unspecified.
   */
  bool (*pack)(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table, uint8_t most);
  /*
   * filtered[i] = packed[i] - above[i], of size bytes. Bit i of edges: filtered[i] differs from the byte before it;
   * before the first is that of the filter. Whole blocks are read and written of all three, and their words of edges.
   */
  void (*filter)(uint8_t *filtered, uint64_t *edges, const uint8_t *packed, const uint8_t *above, size_t size);
};

/* The best tier that this CPU has, or what TALLOW_CPU_TIER names; the least where that names none of this CPU. */
const struct tlw_png_tier *tlw_png_tier(void);

#endif
