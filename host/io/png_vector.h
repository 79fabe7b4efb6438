/*
 * What the loops over packed rows do with the instructions of each CPU: a block of 64 bytes is subtracted and compared
 * with itself one byte further on. With TLW_PNG_PORTABLE none of a CPU's own is used.
 */
#ifndef TALLOW_IO_PNG_VECTOR_H
#define TALLOW_IO_PNG_VECTOR_H

#include <stdint.h>
#include <string.h>

#include "png_tier.h"

#if defined(TLW_PNG_PORTABLE)
#elif defined(__AVX2__)
#include <immintrin.h>
#elif defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#else
#define TLW_PNG_PORTABLE
#endif

/*
 * Packs the pixels of whole vectors, of 2 or 4 bits each, and returns how many those are. *greatest: the greatest of
 * them. The products of neighbours are summed to pairs, those to fours: a byte each, which is then taken.
 */
#if defined(TLW_PNG_PORTABLE)
#define TLW_PNG_NO_VECTORS

#elif defined(__AVX512BW__)

static inline uint8_t tlw_png_greatest(__m512i greatest) {
  __m128i x =
      _mm_max_epu8(_mm_max_epu8(_mm512_extracti32x4_epi32(greatest, 0), _mm512_extracti32x4_epi32(greatest, 1)),
                   _mm_max_epu8(_mm512_extracti32x4_epi32(greatest, 2), _mm512_extracti32x4_epi32(greatest, 3)));
  x = _mm_max_epu8(x, _mm_srli_si128(x, 8));
  x = _mm_max_epu8(x, _mm_srli_si128(x, 4));
  x = _mm_max_epu8(x, _mm_srli_si128(x, 2));
  return (uint8_t)_mm_cvtsi128_si32(_mm_max_epu8(x, _mm_srli_si128(x, 1)));
}

static inline size_t tlw_png_pack_vectors(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table,
                                          uint8_t *greatest) {
  const __m512i fours = _mm512_set1_epi32(0x01041040), pairs = _mm512_set1_epi16(0x0110), ones = _mm512_set1_epi16(1);
  __m512i most = _mm512_setzero_si512();
  size_t x = 0;
  if (table == 1)
    for (; x + 64 <= width; x += 64) {
      const __m512i bytes = _mm512_loadu_si512(pixels + x);
      const __m512i sums = _mm512_madd_epi16(_mm512_maddubs_epi16(bytes, fours), ones);
      _mm_storeu_si128((__m128i *)(void *)(packed + x / 4), _mm512_cvtepi32_epi8(sums));
      most = _mm512_max_epu8(most, bytes);
    }
  else if (table == 2)
    for (; x + 64 <= width; x += 64) {
      const __m512i bytes = _mm512_loadu_si512(pixels + x);
      _mm256_storeu_si256((__m256i *)(void *)(packed + x / 2),
                          _mm512_cvtepi16_epi8(_mm512_maddubs_epi16(bytes, pairs)));
      most = _mm512_max_epu8(most, bytes);
    }
  *greatest = tlw_png_greatest(most);
  return x;
}

#elif defined(__AVX2__)

static inline uint8_t tlw_png_greatest(__m256i greatest) {
  __m128i x = _mm_max_epu8(_mm256_castsi256_si128(greatest), _mm256_extracti128_si256(greatest, 1));
  x = _mm_max_epu8(x, _mm_srli_si128(x, 8));
  x = _mm_max_epu8(x, _mm_srli_si128(x, 4));
  x = _mm_max_epu8(x, _mm_srli_si128(x, 2));
  return (uint8_t)_mm_cvtsi128_si32(_mm_max_epu8(x, _mm_srli_si128(x, 1)));
}

static inline __m256i tlw_png_pixels(const uint8_t *pixels, __m256i *most) {
  const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)pixels);
  *most = _mm256_max_epu8(*most, bytes);
  return bytes;
}

static inline __m256i tlw_png_fours(const uint8_t *pixels, __m256i *most) {
  const __m256i pairs = _mm256_maddubs_epi16(tlw_png_pixels(pixels, most), _mm256_set1_epi32(0x01041040));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

static inline __m256i tlw_png_pairs(const uint8_t *pixels, __m256i *most) {
  return _mm256_maddubs_epi16(tlw_png_pixels(pixels, most), _mm256_set1_epi16(0x0110));
}

static inline size_t tlw_png_pack_vectors(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table,
                                          uint8_t *greatest) {
  __m256i most = _mm256_setzero_si256();
  size_t x = 0;
  if (table == 1)
    for (; x + 128 <= width; x += 128) {
      const uint8_t *at = pixels + x;
      const __m256i first = _mm256_packs_epi32(tlw_png_fours(at, &most), tlw_png_fours(at + 32, &most));
      const __m256i second = _mm256_packs_epi32(tlw_png_fours(at + 64, &most), tlw_png_fours(at + 96, &most));
      const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
      _mm256_storeu_si256((__m256i *)(void *)(packed + x / 4),
                          _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second), order));
    }
  else if (table == 2)
    for (; x + 64 <= width; x += 64) {
      const __m256i bytes =
          _mm256_packus_epi16(tlw_png_pairs(pixels + x, &most), tlw_png_pairs(pixels + x + 32, &most));
      _mm256_storeu_si256((__m256i *)(void *)(packed + x / 2), _mm256_permute4x64_epi64(bytes, 0xd8));
    }
  *greatest = tlw_png_greatest(most);
  return x;
}

#else
#define TLW_PNG_NO_VECTORS
#endif

#if defined(TLW_PNG_NO_VECTORS)
static inline size_t tlw_png_pack_vectors(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table,
                                          uint8_t *greatest) {
  (void)packed, (void)pixels, (void)width, (void)table;
  *greatest = 0;
  return 0;
}
#endif

/* The end of the block before: the byte that counts is the last. */
#if defined(TLW_PNG_PORTABLE)

typedef uint8_t tlw_png_last;

static inline tlw_png_last tlw_png_last_of(uint8_t byte) { return byte; }

static inline uint64_t tlw_png_filter_block(uint8_t *filtered, const uint8_t *packed, const uint8_t *above,
                                            tlw_png_last *last) {
  uint64_t edges = 0;
  for (uint32_t i = 0; i < TLW_PNG_BLOCK; i++) {
    filtered[i] = (uint8_t)(packed[i] - above[i]);
    edges |= (uint64_t)(filtered[i] != *last) << i;
    *last = filtered[i];
  }
  return edges;
}

#elif defined(__AVX512BW__)

typedef __m512i tlw_png_last;

static inline tlw_png_last tlw_png_last_of(uint8_t byte) { return _mm512_set1_epi8((char)byte); }

static inline uint64_t tlw_png_filter_block(uint8_t *filtered, const uint8_t *packed, const uint8_t *above,
                                            tlw_png_last *last) {
  const __m512i bytes = _mm512_sub_epi8(_mm512_loadu_si512(packed), _mm512_loadu_si512(above));
  const __m512i quarter_before = _mm512_alignr_epi64(bytes, *last, 6);
  const __m512i before = _mm512_alignr_epi8(bytes, quarter_before, 15);
  _mm512_storeu_si512(filtered, bytes);
  *last = bytes;
  return _mm512_cmpneq_epi8_mask(bytes, before);
}

#elif defined(__AVX2__)

typedef __m256i tlw_png_last;

static inline tlw_png_last tlw_png_last_of(uint8_t byte) { return _mm256_set1_epi8((char)byte); }

static inline uint64_t tlw_png_filter_block(uint8_t *filtered, const uint8_t *packed, const uint8_t *above,
                                            tlw_png_last *last) {
  uint64_t same = 0;
  for (int i = 0; i < 64; i += 32) {
    const __m256i bytes = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(packed + i)),
                                          _mm256_loadu_si256((const __m256i *)(const void *)(above + i)));
    const __m256i half_before = _mm256_permute2x128_si256(*last, bytes, 0x21);
    const __m256i before = _mm256_alignr_epi8(bytes, half_before, 15);
    _mm256_storeu_si256((__m256i *)(void *)(filtered + i), bytes);
    *last = bytes;
    same |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, before)) << i;
  }
  return ~same;
}

#elif defined(__x86_64__)

typedef __m128i tlw_png_last;

static inline tlw_png_last tlw_png_last_of(uint8_t byte) { return _mm_set1_epi8((char)byte); }

static inline uint64_t tlw_png_filter_block(uint8_t *filtered, const uint8_t *packed, const uint8_t *above,
                                            tlw_png_last *last) {
  uint64_t same = 0;
  for (int i = 0; i < 64; i += 16) {
    const __m128i bytes = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)(packed + i)),
                                       _mm_loadu_si128((const __m128i *)(const void *)(above + i)));
    const __m128i before = _mm_or_si128(_mm_slli_si128(bytes, 1), _mm_srli_si128(*last, 15));
    _mm_storeu_si128((__m128i *)(void *)(filtered + i), bytes);
    *last = bytes;
    same |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, before)) << i;
  }
  return ~same;
}

#else

typedef uint8x16_t tlw_png_last;

static inline tlw_png_last tlw_png_last_of(uint8_t byte) { return vdupq_n_u8(byte); }

static inline uint64_t tlw_png_filter_block(uint8_t *filtered, const uint8_t *packed, const uint8_t *above,
                                            tlw_png_last *last) {
  static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t weight = vld1q_u8(weights);
  uint64_t edges = 0;
  for (int i = 0; i < 64; i += 16) {
    const uint8x16_t bytes = vsubq_u8(vld1q_u8(packed + i), vld1q_u8(above + i));
    const uint8x16_t bits = vandq_u8(vmvnq_u8(vceqq_u8(bytes, vextq_u8(*last, bytes, 15))), weight);
    vst1q_u8(filtered + i, bytes);
    *last = bytes;
    edges |= (uint64_t)(vaddv_u8(vget_low_u8(bits)) | (uint32_t)vaddv_u8(vget_high_u8(bits)) << 8) << i;
  }
  return edges;
}

#endif

#endif
