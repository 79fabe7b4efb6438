#include "tier.h"

#include "host/base/simd.h"

#if defined(__aarch64__)
#define LEAST tlw_cpu_tier_neon
#else
#define LEAST tlw_cpu_tier_baseline
#endif

extern const struct tlw_cpu_tier LEAST;
#if defined(TALLOW_WITH_AVX2)
extern const struct tlw_cpu_tier tlw_cpu_tier_avx2;
#endif
#if defined(TALLOW_WITH_AVX512)
extern const struct tlw_cpu_tier tlw_cpu_tier_avx512;
#endif

static const struct tlw_cpu_tier *const tiers[] = {
    [TLW_SIMD_BASELINE] = &LEAST,
#if defined(TALLOW_WITH_AVX2)
    [TLW_SIMD_AVX2] = &tlw_cpu_tier_avx2,
#endif
#if defined(TALLOW_WITH_AVX512)
    [TLW_SIMD_AVX512] = &tlw_cpu_tier_avx512,
#endif
};

tlw_status tlw_cpu_tier(const struct tlw_cpu_tier **tier, tlw_error *error) {
  enum tlw_simd simd = TLW_SIMD_BASELINE;
  const tlw_status status = tlw_simd_choose(&simd, error);
  if (status == TLW_OK) *tier = tiers[simd];
  return status;
}
