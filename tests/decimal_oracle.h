/*
 * Decimals and their text as kernels/core/decimal.h states them, by way of strings and the C library: the reference
 * for labels. It shares no code with the library.
 */
#ifndef TALLOW_TESTS_DECIMAL_ORACLE_H
#define TALLOW_TESTS_DECIMAL_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

/* digits * 10^exponent. No more than 15 digits have a text. */
typedef struct decimal {
  int64_t digits;
  int exponent;
} decimal;

/* Room for any text and its end. */
#define DECIMAL_TEXT 64

/* The double that is nearest. */
double decimal_value(decimal d);

/* The same number without 0 at the end of its digits. */
decimal decimal_trimmed(decimal d);

/* The decimal of a finite double: the fewest digits that are it, if 14 do; else the nearest of 8 digits. */
decimal decimal_of(double x);

/* Decimals that the number needs. */
int decimal_places(decimal d);

bool decimal_is_plain(decimal d, int places);
void decimal_plain(char out[DECIMAL_TEXT], decimal d, int places);
void decimal_scientific(char out[DECIMAL_TEXT], decimal d);

/* On its own: plain, or scientific; and of volumes: 500k, 1.5M. */
void decimal_alone(char out[DECIMAL_TEXT], decimal d);
void decimal_short(char out[DECIMAL_TEXT], decimal d);

#endif
