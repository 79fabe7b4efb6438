/* Decimal text to whole numbers, exactly. */
#ifndef TALLOW_IO_DECIMAL_TEXT_H
#define TALLOW_IO_DECIMAL_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum tlw_decimal {
  TLW_DECIMAL_EXACT,
  TLW_DECIMAL_ROUNDED,  /* it has more decimals than the grid, not all of them zeros */
  TLW_DECIMAL_NONE,     /* the text is no number */
  TLW_DECIMAL_TOO_LARGE /* for 64 bits */
};

/*
 * Reads the whole text, [+-] digits [. digits] [e [+-] digits], to hundred-millionths: of what lies between two the
 * nearest, of two as near the even one. *value is set for EXACT and ROUNDED alone, and lies within -INT64_MAX and
 * INT64_MAX.
 */
enum tlw_decimal tlw_decimal_read(const char *text, size_t length, int64_t *value);

/* Reads the whole text, [+-] digits [. zeros], as a whole number of the same range: EXACT, NONE or TOO_LARGE. */
enum tlw_decimal tlw_whole_read(const char *text, size_t length, int64_t *value);

#endif
