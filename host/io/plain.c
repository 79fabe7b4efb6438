#include "plain.h"

#include <math.h>

#include "host/base/simd.h"
#include "number.h"
#include "plain_tier.h"
#include "time_text.h"

/* ---- tiers ---- */

#if defined(__aarch64__)
#define LEAST tlw_plain_tier_neon
#else
#define LEAST tlw_plain_tier_baseline
#endif

extern const struct tlw_plain_tier LEAST;
#if defined(TALLOW_WITH_AVX2)
extern const struct tlw_plain_tier tlw_plain_tier_avx2;
#endif
#if defined(TALLOW_WITH_AVX512)
extern const struct tlw_plain_tier tlw_plain_tier_avx512;
#endif

const struct tlw_plain_tier *tlw_plain_tier(void) {
  static const struct tlw_plain_tier *const tiers[] = {
    [TLW_SIMD_BASELINE] = &LEAST,
#if defined(TALLOW_WITH_AVX2)
    [TLW_SIMD_AVX2] = &tlw_plain_tier_avx2,
#endif
#if defined(TALLOW_WITH_AVX512)
    [TLW_SIMD_AVX512] = &tlw_plain_tier_avx512,
#endif
  };
  enum tlw_simd simd = TLW_SIMD_BASELINE;
  return tlw_simd_choose(&simd, NULL) == TLW_OK ? tiers[simd] : &LEAST;
}

size_t tlw_plain_read(struct tlw_plain *plain, const char *text, size_t size, const tlw_csv_rows *rows,
                      int64_t *n_rows) {
  if (!plain->tier) plain->tier = tlw_plain_tier();
  return plain->tier->read(plain, text, size, rows, n_rows);
}

/* ---- what is rare ---- */

bool tlw_plain_month_find(struct tlw_plain_month *month, uint64_t key, uint32_t year, uint32_t number) {
  int32_t days;
  if (!tlw_time_month((int32_t)year, (int32_t)number, &month->start, &days)) return false;
  month->key = key;
  month->days = (uint32_t)days;
  return true;
}

#if defined(TLW_PLAIN_QUOTIENT)
double tlw_plain_quotient(uint64_t digits, uint32_t places) {
  static const uint64_t powers[20] = {UINT64_C(1),
                                      UINT64_C(10),
                                      UINT64_C(100),
                                      UINT64_C(1000),
                                      UINT64_C(10000),
                                      UINT64_C(100000),
                                      UINT64_C(1000000),
                                      UINT64_C(10000000),
                                      UINT64_C(100000000),
                                      UINT64_C(1000000000),
                                      UINT64_C(10000000000),
                                      UINT64_C(100000000000),
                                      UINT64_C(1000000000000),
                                      UINT64_C(10000000000000),
                                      UINT64_C(100000000000000),
                                      UINT64_C(1000000000000000),
                                      UINT64_C(10000000000000000),
                                      UINT64_C(100000000000000000),
                                      UINT64_C(1000000000000000000),
                                      UINT64_C(10000000000000000000)};
  if (digits == 0) return 0.0;
  const int shift = __builtin_clzll(digits), divisor_shift = __builtin_clzll(powers[places]);
  const unsigned __int128 dividend = (unsigned __int128)(digits << shift) << 62;
  const uint64_t divisor = powers[places] << divisor_shift;
  /* 62 or 63 bits, the lowest standing for all that follow them: enough for the one rounding that comes. */
  const uint64_t quotient = (uint64_t)(dividend / divisor);
  const int64_t bits = (int64_t)(quotient | ((uint64_t)dividend != quotient * divisor));
  return ldexp((double)bits, divisor_shift - shift - 62);
}
#endif

bool tlw_plain_number(const char *text, size_t length, double *value) {
  for (size_t i = 0; i < length; i++)
    if (text[i] != '.' && (unsigned char)(text[i] - '0') > 9) return false;
  return tlw_number_read(text, length, value);
}
