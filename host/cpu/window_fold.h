/* Folds of rolling windows: the part of struct tlw_cpu_window_tier in window_fold.c. */
#ifndef TALLOW_CPU_WINDOW_FOLD_H
#define TALLOW_CPU_WINDOW_FOLD_H

#include "window_tier.h"

uint64_t TLW_TIERED(tlw_window_fold_scratch)(const tlk_window *w);
void TLW_TIERED(tlw_window_fold_begin)(const tlk_window *w, void *scratch);
void TLW_TIERED(tlw_window_fold)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
                                 double *output, bool streams, void *scratch);
/* The first of n rows that is NaN in either column; n: none. */
int64_t TLW_TIERED(tlw_window_find_nan)(const double *x, const double *y, int64_t n);
/* Copies n doubles to memory that will not be read soon. */
void TLW_TIERED(tlw_window_store)(double *target, const double *source, int64_t n);

#endif
