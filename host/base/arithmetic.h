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

/* A caller's environment, or of one that is ours already what work on it changes: the exceptions that were raised. */
struct tlw_arithmetic {
  bool switches;
  uint64_t raised; /* in the register that has them */
  fenv_t environment;
};

static inline uint64_t tlw_arithmetic_raised(void) {
#if defined(__x86_64__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  uint64_t raised;
  __asm__ __volatile__("mrs %0, fpsr" : "=r"(raised));
  return raised;
#else
  return 0;
#endif
}

static inline void tlw_arithmetic_raise(uint64_t raised) {
#if defined(__x86_64__)
  _mm_setcsr((uint32_t)raised);
#elif defined(__aarch64__)
  __asm__ __volatile__("msr fpsr, %0" : : "r"(raised));
#else
  (void)raised;
#endif
}

/* As begin and end, and quick where the environment is ours. Nothing here uses the x87's. */
static inline void tlw_arithmetic_enter(struct tlw_arithmetic *callers) {
  callers->switches = !tlw_arithmetic_is_ours();
  if (callers->switches)
    tlw_arithmetic_begin(&callers->environment);
  else
    callers->raised = tlw_arithmetic_raised();
}

static inline void tlw_arithmetic_leave(const struct tlw_arithmetic *callers) {
  if (callers->switches)
    tlw_arithmetic_end(&callers->environment);
  else if (tlw_arithmetic_raised() != callers->raised)
    tlw_arithmetic_raise(callers->raised);
}

#endif
