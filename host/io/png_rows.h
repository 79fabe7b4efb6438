/*
 * Rows of a PNG file on their way, as their filtered bytes: each is what a packed byte has more than that of the row
 * above. Where a row equals the one above they are zeros, which nobody has to write.
 */
#ifndef TALLOW_IO_PNG_ROWS_H
#define TALLOW_IO_PNG_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct tlw_png_rows {
  /* Rows behind each other, row_size bytes each: the first is the filter's, the others are zeros at first. */
  uint8_t *bytes;
  uint64_t *marks; /* bit i % 64 of number i / 64: whether byte i is not zero */
  uint32_t row_size;
  uint32_t table; /* 0, 1, 2, 3: a pixel has 1, 2, 4, 8 bits, the leftmost of a byte the highest */
  int32_t n;      /* rows */
};

/* Adds to a byte, and says whether it is zero then. */
static inline void tlw_png_rows_add(const struct tlw_png_rows *rows, size_t at, uint8_t difference) {
  const uint8_t byte = (uint8_t)(rows->bytes[at] + difference);
  uint64_t *marks = &rows->marks[at / 64];
  rows->bytes[at] = byte;
  *marks = (*marks & ~(UINT64_C(1) << at % 64)) | (uint64_t)(byte != 0) << at % 64;
}

/* Says of n bytes, 1 to 64, whether they are zero: bit i is for byte at + i; those from n on are 0. */
static inline void tlw_png_rows_mark(const struct tlw_png_rows *rows, size_t at, uint64_t bits, uint32_t n) {
  uint64_t *marks = &rows->marks[at / 64];
  const uint32_t from = at % 64;
  const uint64_t all = UINT64_MAX >> (64 - n);
  marks[0] = (marks[0] & ~(all << from)) | bits << from;
  if (from + n > 64) marks[1] = (marks[1] & ~(all >> (64 - from))) | bits >> (64 - from);
}

#endif
