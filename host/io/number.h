/* Decimal text to double. */
#ifndef TALLOW_IO_NUMBER_H
#define TALLOW_IO_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads the whole text, [+-] digits [. digits] [e [+-] digits] or nan, inf, infinity in any case with a sign, to the
 * nearest double (ties to even), whatever the locale. false: it is something else, or too large for a double; *value
 * is then unchanged. A NaN is always the same NaN, without a sign.
 */
bool tlw_number_read(const char *text, size_t length, double *value);

/*
 * As tlw_number_read, with the decimals behind a comma; the digits ahead of it may stand in groups of three between
 * points: 1.234,5. "0.123" is refused: a point is no decimal sign here.
 */
bool tlw_number_read_comma(const char *text, size_t length, double *value);

#endif
