/* Whole vectors of doubles from and to memory of any alignment. Compiled once per tier. */
#ifndef TALLOW_CPU_VECTOR_H
#define TALLOW_CPU_VECTOR_H

#include <string.h>

#include "kernels/core/real.h"

static inline __attribute__((always_inline, unused)) tlk_real load(const double *x) {
  tlk_real v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline __attribute__((always_inline, unused)) void save(double *x, tlk_real v) { memcpy(x, &v, sizeof v); }

#endif
