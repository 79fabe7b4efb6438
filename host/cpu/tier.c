#include "tier.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"

extern const struct tlw_cpu_tier tlw_cpu_tier_baseline;

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
    {&tlw_cpu_tier_baseline, always},
};
#define N_TIERS (sizeof tiers / sizeof tiers[0])

tlw_status tlw_cpu_tier(const struct tlw_cpu_tier **tier, tlw_error *error) {
  const char *wanted = getenv("TALLOW_CPU_TIER");
  if (wanted && !*wanted) wanted = NULL;
  for (size_t i = 0; i < N_TIERS; i++) {
    if (wanted && strcmp(wanted, tiers[i].tier->name) != 0) continue;
    if (tiers[i].present()) {
      *tier = tiers[i].tier;
      return TLW_OK;
    }
    if (wanted)
      return tlw_fail(error, TLW_ERR_UNAVAILABLE, "TALLOW_CPU_TIER asks for %s, which this CPU lacks", wanted);
  }
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "TALLOW_CPU_TIER asks for %s, which this build does not know: use %s or leave it unset", wanted,
                  tiers[N_TIERS - 1].tier->name);
}
