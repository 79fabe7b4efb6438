#include "tier.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"

#if defined(__aarch64__)
#define LEAST tlw_cpu_tier_neon /* every 64-bit Arm CPU has it */
#define NAMES "neon"
#elif defined(__x86_64__)
#define LEAST tlw_cpu_tier_baseline
#define NAMES "baseline, avx2 or avx512"
#else
#define LEAST tlw_cpu_tier_baseline
#define NAMES "baseline"
#endif

extern const struct tlw_cpu_tier LEAST;

#if defined(__x86_64__)
extern const struct tlw_cpu_tier tlw_cpu_tier_avx2, tlw_cpu_tier_avx512;

static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif
static bool always(void) { return true; }

/* Best first. */
static const struct {
  const struct tlw_cpu_tier *tier;
  bool (*present)(void);
} tiers[] = {
#if defined(__x86_64__)
    {&tlw_cpu_tier_avx512, has_avx512},
    {&tlw_cpu_tier_avx2, has_avx2},
#endif
    {&LEAST, always},
};
#define N_TIERS (sizeof tiers / sizeof tiers[0])

/* "baseline" is the least tier of any build. */
static bool is_named(size_t i, const char *name) {
  return strcmp(name, tiers[i].tier->name) == 0 || (i == N_TIERS - 1 && strcmp(name, "baseline") == 0);
}

tlw_status tlw_cpu_tier(const struct tlw_cpu_tier **tier, tlw_error *error) {
  const char *wanted = getenv("TALLOW_CPU_TIER");
  if (wanted && !*wanted) wanted = NULL;
  for (size_t i = 0; i < N_TIERS; i++) {
    if (wanted && !is_named(i, wanted)) continue;
    if (tiers[i].present()) {
      *tier = tiers[i].tier;
      return TLW_OK;
    }
    if (wanted)
      return tlw_fail(error, TLW_ERR_UNAVAILABLE, "TALLOW_CPU_TIER asks for %s, which this CPU lacks", wanted);
  }
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "TALLOW_CPU_TIER asks for '%.40s', which this build does not know: use %s, or leave it unset", wanted,
                  NAMES);
}
