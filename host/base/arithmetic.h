/*
 * The floating-point environment in which results are defined: nearest even, denormals kept, no traps. A caller's may be
 * another, by fesetround or by code that was built to flush denormals.
 */
#ifndef TALLOW_BASE_ARITHMETIC_H
#define TALLOW_BASE_ARITHMETIC_H

#include <fenv.h>

static inline void tlw_arithmetic_begin(fenv_t *callers) {
  fegetenv(callers);
  fesetenv(FE_DFL_ENV);
}

static inline void tlw_arithmetic_end(const fenv_t *callers) { fesetenv(callers); }

#endif
