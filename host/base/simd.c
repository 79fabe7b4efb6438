#include "simd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#if defined(__aarch64__)
#define LEAST "neon" /* every 64-bit Arm CPU has it */
#define NAMES "neon"
#elif defined(__x86_64__)
#define LEAST "baseline"
#if defined(TALLOW_WITH_AVX2) && defined(TALLOW_WITH_AVX512)
#define NAMES "baseline, avx2 or avx512"
#elif defined(TALLOW_WITH_AVX2)
#define NAMES "baseline or avx2"
#elif defined(TALLOW_WITH_AVX512)
#define NAMES "baseline or avx512"
#else
#define NAMES "baseline"
#endif
#if defined(TALLOW_WITH_AVX2)
#define BUILT_AVX2 true
#else
#define BUILT_AVX2 false
#endif
#if defined(TALLOW_WITH_AVX512)
#define BUILT_AVX512 true
#else
#define BUILT_AVX512 false
#endif

static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
#define LEAST "baseline"
#define NAMES "baseline"
#endif
static bool always(void) { return true; }

/* Best first. */
static const struct {
  enum tlw_simd simd;
  const char *name;
  bool built; /* one of TALLOW_TIERS, or the least */
  bool (*present)(void);
} tiers[] = {
#if defined(__x86_64__)
    {TLW_SIMD_AVX512, "avx512", BUILT_AVX512, has_avx512},
    {TLW_SIMD_AVX2, "avx2", BUILT_AVX2, has_avx2},
#endif
    {TLW_SIMD_BASELINE, LEAST, true, always},
};
#define N_TIERS (sizeof tiers / sizeof tiers[0])

/* "baseline" is the least tier of any build. */
static bool is_named(size_t i, const char *name) {
  return strcmp(name, tiers[i].name) == 0 || (i == N_TIERS - 1 && strcmp(name, "baseline") == 0);
}

tlw_status tlw_simd_choose(enum tlw_simd *simd, tlw_error *error) {
  const char *wanted = getenv("TALLOW_CPU_TIER");
  if (wanted && !*wanted) wanted = NULL;
  for (size_t i = 0; i < N_TIERS; i++) {
    if (wanted && !is_named(i, wanted)) continue;
    if (tiers[i].built && tiers[i].present()) {
      *simd = tiers[i].simd;
      return TLW_OK;
    }
    if (wanted && tiers[i].built)
      return tlw_fail(error, TLW_ERR_UNAVAILABLE, "TALLOW_CPU_TIER asks for %s, which this CPU lacks", wanted);
    if (wanted)
      return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                      "TALLOW_CPU_TIER asks for %s, which this build leaves out: use %s, or leave it unset", wanted,
                      NAMES);
  }
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "TALLOW_CPU_TIER asks for '%.40s', which this build does not know: use %s, or leave it unset", wanted,
                  NAMES);
}
