/* TLW_PNG_FAST as include/tallow/png.h states it, byte by byte and bit by bit: the oracle of the encoder. */
#ifndef TESTS_PNG_REFERENCE_H
#define TESTS_PNG_REFERENCE_H

#include "tallow/png.h"

/* The file, to be freed by the caller. */
uint8_t *png_reference(const tlw_png_image *image, size_t *size);

/* Bits of a literal (length 0) or a match and how many, of a depth of 1 << table. */
uint32_t png_reference_token(int table, uint8_t byte, int length, int *count);

#endif
