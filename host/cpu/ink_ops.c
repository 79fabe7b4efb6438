/* Compiled once per SIMD tier. */
#include "ink_tier.h"

#include "window_tier.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* ---- vectors ---- */

/* Each gives how many of the first pixels it has done. */
#if defined(__AVX512BW__)

static size_t whole_bytes(const uint8_t *pixels, size_t n, const uint8_t *inks, uint8_t *out) {
  const __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)inks));
  size_t i = 0;
  for (; i + 64 <= n; i += 64) _mm512_storeu_si512(out + i, _mm512_shuffle_epi8(table, _mm512_loadu_si512(pixels + i)));
  return i;
}

static size_t whole_floats(const uint8_t *pixels, size_t n, const float *inks, float *out) {
  const __m512 table = _mm512_loadu_ps(inks);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(pixels + i)));
    _mm512_storeu_ps(out + i, _mm512_permutexvar_ps(index, table));
  }
  return i;
}

#elif defined(__AVX2__)

static size_t whole_bytes(const uint8_t *pixels, size_t n, const uint8_t *inks, uint8_t *out) {
  const __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)inks));
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i index = _mm256_loadu_si256((const void *)(pixels + i));
    _mm256_storeu_si256((void *)(out + i), _mm256_shuffle_epi8(table, index));
  }
  return i;
}

static size_t whole_floats(const uint8_t *pixels, size_t n, const float *inks, float *out) {
  const __m256 low = _mm256_loadu_ps(inks), high = _mm256_loadu_ps(inks + 8);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i index = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(pixels + i)));
    /* Its fourth bit, as the sign, says which half of the table it is. */
    const __m256 half = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));
    _mm256_storeu_ps(
        out + i, _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, index), _mm256_permutevar8x32_ps(high, index), half));
  }
  return i;
}

#elif defined(__aarch64__)

static size_t whole_bytes(const uint8_t *pixels, size_t n, const uint8_t *inks, uint8_t *out) {
  const uint8x16_t table = vld1q_u8(inks);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) vst1q_u8(out + i, vqtbl1q_u8(table, vld1q_u8(pixels + i)));
  return i;
}

/* A byte of a float comes from the same place of each float of the table. */
static size_t whole_floats(const uint8_t *pixels, size_t n, const float *inks, float *out) {
  const uint8x16x4_t table = vld4q_u8((const uint8_t *)inks);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint8x16_t index = vld1q_u8(pixels + i);
    uint8x16x4_t floats;
    for (int k = 0; k < 4; k++) floats.val[k] = vqtbl1q_u8(table.val[k], index);
    vst4q_u8((uint8_t *)(out + i), floats);
  }
  return i;
}

#else

static size_t whole_bytes(const uint8_t *pixels, size_t n, const uint8_t *inks, uint8_t *out) {
  (void)pixels, (void)n, (void)inks, (void)out;
  return 0;
}

static size_t whole_floats(const uint8_t *pixels, size_t n, const float *inks, float *out) {
  (void)pixels, (void)n, (void)inks, (void)out;
  return 0;
}

#endif

/* ---- rows ---- */

static void bytes(const uint8_t *restrict pixels, size_t n, const uint8_t *restrict inks, uint8_t *restrict out) {
  for (size_t i = whole_bytes(pixels, n, inks, out); i < n; i++) out[i] = inks[pixels[i]];
}

static void floats(const uint8_t *restrict pixels, size_t n, const float *restrict inks, float *restrict out) {
  for (size_t i = whole_floats(pixels, n, inks, out); i < n; i++) out[i] = inks[pixels[i]];
}

extern const struct tlw_cpu_ink_tier TLW_TIERED(tlw_cpu_inks_of);
const struct tlw_cpu_ink_tier TLW_TIERED(tlw_cpu_inks_of) = {.bytes = bytes, .floats = floats};
