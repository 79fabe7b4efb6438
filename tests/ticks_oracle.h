/*
 * Ticks as kernels/core/ticks.h states them, by trying every step: the reference for the rows and texts of price and
 * volume labels. It shares no code with the library.
 */
#ifndef TALLOW_TESTS_TICKS_ORACLE_H
#define TALLOW_TESTS_TICKS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "decimal_oracle.h"

#define TICKS_MOST 32

typedef enum ticks_scale { TICKS_LINEAR, TICKS_LOG, TICKS_VOLUME } ticks_scale;

typedef struct ticks_range {
  double low, high;
  int32_t first_row, rows, distance;
  ticks_scale scale;
} ticks_range;

typedef struct ticks_set {
  int count;
  int places; /* decimals of all; -1: each has those that it needs */
  bool scientific;
  ticks_scale scale;
  decimal at[TICKS_MOST + 1];
  int32_t rows[TICKS_MOST + 1]; /* of the image */
} ticks_set;

void ticks_oracle(ticks_set *set, const ticks_range *range);

/* The text of tick i. */
void ticks_text(char out[DECIMAL_TEXT], const ticks_set *set, int i);

/* The row of a value; one outside of the range is in the row of its nearer end. */
int32_t ticks_row(double value, const ticks_range *range);

#endif
