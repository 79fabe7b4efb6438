/*
 * What rolling windows give, written from the text of tallow/window.h alone: each window by itself, row by row, in
 * plain doubles. Slow, and meant to be read beside that text.
 */
#ifndef TALLOW_TESTS_WINDOW_ORACLE_H
#define TALLOW_TESTS_WINDOW_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tallow/window.h"

/* One series, widened to doubles. y: the second column of cov, corr and beta, else NULL. */
typedef struct oracle_series {
  const double *x, *y;
  int64_t n;
  int64_t origin;
} oracle_series;

/* Averages that remember and running totals, which look back on all rows so far. */
bool oracle_remembers(tlw_window_op op);

/* The result of row i of an operation that does not remember. */
double oracle_window(const tlw_window_spec *spec, const oracle_series *s, int64_t i);

/* The results of all rows, of any operation. */
void oracle_windows(const tlw_window_spec *spec, const oracle_series *s, double *output);

#endif
