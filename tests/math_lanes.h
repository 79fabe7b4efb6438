/* Functions of kernels/core/math.h over arrays, compiled for vectors of 2, 4 and 8 doubles. */
#ifndef TALLOW_TESTS_MATH_LANES_H
#define TALLOW_TESTS_MATH_LANES_H

#include <stddef.h>

/* y[i] = ln x[i]; n is a multiple of 8. */
void ln_by_2(const double *x, double *y, size_t n);
void ln_by_4(const double *x, double *y, size_t n);
void ln_by_8(const double *x, double *y, size_t n);

#endif
