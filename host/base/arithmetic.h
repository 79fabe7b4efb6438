/*
 * The floating-point environment in which results are defined: nearest even, denormals kept, no traps. A caller's may be
 * another, by fesetround or by code that was built to flush denormals.
 */
#ifndef TALLOW_BASE_ARITHMETIC_H
#define TALLOW_BASE_ARITHMETIC_H

#include <fenv.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/*
 * Whether the environment is that one already; false also where it can't be told. Quick, while the functions below take
 * as long as many rows of a window.
 */
static inline bool tlw_arithmetic_is_ours(void) {
#if defined(__x86_64__)
  const uint32_t flags = 0x3f, all_masked = 0x1f80;
  return (_mm_getcsr() & 0xffffu & ~flags) == all_masked;
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
  const uint64_t rounding = (uint64_t)3 << 22, flushing = (uint64_t)1 << 24 | 7, traps = 0x9f00;
  return (control & (rounding | flushing | traps)) == 0;
#else
  return false;
#endif
}

static inline void tlw_arithmetic_begin(fenv_t *callers) {
  fegetenv(callers);
  fesetenv(FE_DFL_ENV);
}

static inline void tlw_arithmetic_end(const fenv_t *callers) { fesetenv(callers); }

#endif
