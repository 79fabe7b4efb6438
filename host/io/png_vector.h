/*
 * What the loops over packed rows do with the instructions of each CPU: a block of 64 bytes is subtracted and compared
 * with zeros or with itself one byte further on. With TLW_PNG_PORTABLE none of a CPU's own is used.
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
 * Packs a unit of 64 pixels, of 2, 4 or 8 bits each, and keeps the greatest of each place of a vector. The products of
 * neighbours are summed to pairs, those to fours: a byte each, which is then taken.
 */
#if defined(TLW_PNG_PORTABLE)

typedef uint8_t tlw_png_most;

static inline tlw_png_most tlw_png_most_none(void) { return 0; }

static inline bool tlw_png_exceeds(tlw_png_most most, uint8_t limit) { return most > limit; }

static inline void tlw_png_pack_unit(uint8_t *packed, const uint8_t *pixels, uint32_t table, tlw_png_most *most) {
  const uint32_t in_byte = 8u >> table, depth = 1u << table;
  for (uint32_t i = 0; i < 64; i++) *most = pixels[i] > *most ? pixels[i] : *most;
  for (uint32_t i = 0; i < 64 / in_byte; i++) {
    uint32_t byte = 0;
    for (uint32_t k = 0; k < in_byte; k++) byte = byte << depth | *pixels++;
    packed[i] = (uint8_t)byte;
  }
}

#elif defined(__AVX512BW__)

typedef __m512i tlw_png_most;

static inline tlw_png_most tlw_png_most_none(void) { return _mm512_setzero_si512(); }

static inline bool tlw_png_exceeds(tlw_png_most most, uint8_t limit) {
  return _mm512_cmpgt_epu8_mask(most, _mm512_set1_epi8((char)limit)) != 0;
}

static inline void tlw_png_pack_unit(uint8_t *packed, const uint8_t *pixels, uint32_t table, tlw_png_most *most) {
  const __m512i bytes = _mm512_loadu_si512(pixels);
  *most = _mm512_max_epu8(*most, bytes);
  if (table == 1) {
    const __m512i pairs = _mm512_maddubs_epi16(bytes, _mm512_set1_epi32(0x01041040));
    const __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
    _mm_storeu_si128((__m128i *)(void *)packed, _mm512_cvtepi32_epi8(fours));
  } else if (table == 2) {
    const __m512i pairs = _mm512_maddubs_epi16(bytes, _mm512_set1_epi16(0x0110));
    _mm256_storeu_si256((__m256i *)(void *)packed, _mm512_cvtepi16_epi8(pairs));
  } else {
    _mm512_storeu_si512(packed, bytes);
  }
}

#elif defined(__AVX2__)

typedef __m256i tlw_png_most;

static inline tlw_png_most tlw_png_most_none(void) { return _mm256_setzero_si256(); }

static inline bool tlw_png_exceeds(tlw_png_most most, uint8_t limit) {
  const __m256i limits = _mm256_set1_epi8((char)limit);
  return _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(most, limits), limits)) != -1;
}

static inline __m256i tlw_png_fours(__m256i bytes) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, _mm256_set1_epi32(0x01041040)), _mm256_set1_epi16(1));
}

static inline __m256i tlw_png_pairs(__m256i bytes) { return _mm256_maddubs_epi16(bytes, _mm256_set1_epi16(0x0110)); }

static inline void tlw_png_pack_unit(uint8_t *packed, const uint8_t *pixels, uint32_t table, tlw_png_most *most) {
  const __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)pixels);
  const __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(pixels + 32));
  *most = _mm256_max_epu8(*most, _mm256_max_epu8(first, second));
  if (table == 1) {
    const __m256i words = _mm256_packs_epi32(tlw_png_fours(first), tlw_png_fours(second));
    const __m256i bytes = _mm256_packus_epi16(words, words);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    _mm_storeu_si128((__m128i *)(void *)packed, _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, order)));
  } else if (table == 2) {
    const __m256i bytes = _mm256_packus_epi16(tlw_png_pairs(first), tlw_png_pairs(second));
    _mm256_storeu_si256((__m256i *)(void *)packed, _mm256_permute4x64_epi64(bytes, 0xd8));
  } else {
    _mm256_storeu_si256((__m256i *)(void *)packed, first);
    _mm256_storeu_si256((__m256i *)(void *)(packed + 32), second);
  }
}

#elif defined(__x86_64__)

typedef __m128i tlw_png_most;

static inline tlw_png_most tlw_png_most_none(void) { return _mm_setzero_si128(); }

static inline bool tlw_png_exceeds(tlw_png_most most, uint8_t limit) {
  const __m128i limits = _mm_set1_epi8((char)limit);
  return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(most, limits), limits)) != 0xffff;
}

static inline __m128i tlw_png_pixels(const uint8_t *pixels, tlw_png_most *most) {
  const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)pixels);
  *most = _mm_max_epu8(*most, bytes);
  return bytes;
}

/* Two pixels in the low byte of 16 bits; four in that of 32. */
static inline __m128i tlw_png_pairs(__m128i bytes, int depth) {
  const __m128i pairs = _mm_or_si128(_mm_slli_epi16(bytes, depth), _mm_srli_epi16(bytes, 8));
  return _mm_and_si128(pairs, _mm_set1_epi16(0xff));
}

static inline __m128i tlw_png_fours(__m128i bytes) {
  const __m128i pairs = tlw_png_pairs(bytes, 2);
  return _mm_and_si128(_mm_or_si128(_mm_slli_epi32(pairs, 4), _mm_srli_epi32(pairs, 16)), _mm_set1_epi32(0xff));
}

static inline void tlw_png_pack_unit(uint8_t *packed, const uint8_t *pixels, uint32_t table, tlw_png_most *most) {
  __m128i bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = tlw_png_pixels(pixels + (ptrdiff_t)16 * i, most);
  __m128i *to = (__m128i *)(void *)packed;
  if (table == 1) {
    const __m128i first = _mm_packs_epi32(tlw_png_fours(bytes[0]), tlw_png_fours(bytes[1]));
    const __m128i second = _mm_packs_epi32(tlw_png_fours(bytes[2]), tlw_png_fours(bytes[3]));
    _mm_storeu_si128(to, _mm_packus_epi16(first, second));
  } else if (table == 2) {
    for (int i = 0; i < 2; i++)
      _mm_storeu_si128(to + i, _mm_packus_epi16(tlw_png_pairs(bytes[2 * i], 4), tlw_png_pairs(bytes[2 * i + 1], 4)));
  } else {
    for (int i = 0; i < 4; i++) _mm_storeu_si128(to + i, bytes[i]);
  }
}

#else

typedef uint8x16_t tlw_png_most;

static inline tlw_png_most tlw_png_most_none(void) { return vdupq_n_u8(0); }

static inline bool tlw_png_exceeds(tlw_png_most most, uint8_t limit) { return vmaxvq_u8(most) > limit; }

static inline void tlw_png_pack_unit(uint8_t *packed, const uint8_t *pixels, uint32_t table, tlw_png_most *most) {
  if (table == 1) {
    /* Every fourth pixel from the first, second, third and last on. */
    const uint8x16x4_t p = vld4q_u8(pixels);
    *most = vmaxq_u8(vmaxq_u8(*most, vmaxq_u8(p.val[0], p.val[1])), vmaxq_u8(p.val[2], p.val[3]));
    const uint8x16_t high = vsliq_n_u8(p.val[1], p.val[0], 2), low = vsliq_n_u8(p.val[3], p.val[2], 2);
    vst1q_u8(packed, vsliq_n_u8(low, high, 4));
  } else if (table == 2) {
    for (int i = 0; i < 2; i++) {
      const uint8x16x2_t p = vld2q_u8(pixels + 32 * i);
      *most = vmaxq_u8(*most, vmaxq_u8(p.val[0], p.val[1]));
      vst1q_u8(packed + 16 * i, vsliq_n_u8(p.val[1], p.val[0], 4));
    }
  } else {
    for (int i = 0; i < 4; i++) {
      const uint8x16_t bytes = vld1q_u8(pixels + 16 * i);
      *most = vmaxq_u8(*most, bytes);
      vst1q_u8(packed + 16 * i, bytes);
    }
  }
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

/* ---- differences ---- */

/* Of 16, 32 or 64 bytes: the differences, and a bit for each that is not zero, the first lowest. */
#if defined(TLW_PNG_PORTABLE)
#elif defined(__x86_64__)

static inline uint64_t tlw_png_subtract_16(uint8_t *filtered, const uint8_t *packed, const uint8_t *above) {
  const __m128i bytes = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)packed),
                                     _mm_loadu_si128((const __m128i *)(const void *)above));
  _mm_storeu_si128((__m128i *)(void *)filtered, bytes);
  return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())) ^ 0xffff;
}

#else

/* A bit for each byte of 0xff, not 0. */
static inline uint64_t tlw_png_bits_16(uint8x16_t bytes) {
  static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t bits = vandq_u8(bytes, vld1q_u8(weights));
  return (uint64_t)vaddv_u8(vget_low_u8(bits)) | (uint64_t)vaddv_u8(vget_high_u8(bits)) << 8;
}

static inline uint64_t tlw_png_subtract_16(uint8_t *filtered, const uint8_t *packed, const uint8_t *above) {
  const uint8x16_t bytes = vsubq_u8(vld1q_u8(packed), vld1q_u8(above));
  vst1q_u8(filtered, bytes);
  return tlw_png_bits_16(vtstq_u8(bytes, bytes));
}

#endif

#if defined(TLW_PNG_PORTABLE)
#elif defined(__AVX2__)

static inline uint64_t tlw_png_subtract_32(uint8_t *filtered, const uint8_t *packed, const uint8_t *above) {
  const __m256i bytes = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)packed),
                                        _mm256_loadu_si256((const __m256i *)(const void *)above));
  _mm256_storeu_si256((__m256i *)(void *)filtered, bytes);
  return (uint32_t)~_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
}

#else

static inline uint64_t tlw_png_subtract_32(uint8_t *filtered, const uint8_t *packed, const uint8_t *above) {
  return tlw_png_subtract_16(filtered, packed, above) | tlw_png_subtract_16(filtered + 16, packed + 16, above + 16)
                                                            << 16;
}

#endif

#if defined(TLW_PNG_PORTABLE)
#elif defined(__AVX512BW__)

static inline uint64_t tlw_png_subtract_64(uint8_t *filtered, const uint8_t *packed, const uint8_t *above) {
  const __m512i bytes = _mm512_sub_epi8(_mm512_loadu_si512(packed), _mm512_loadu_si512(above));
  _mm512_storeu_si512(filtered, bytes);
  return _mm512_test_epi8_mask(bytes, bytes);
}

#else

static inline uint64_t tlw_png_subtract_64(uint8_t *filtered, const uint8_t *packed, const uint8_t *above) {
  return tlw_png_subtract_32(filtered, packed, above) | tlw_png_subtract_32(filtered + 32, packed + 32, above + 32)
                                                            << 32;
}

#endif

/* The same of n bytes, 64 at most; none but these is written. */
static inline uint64_t tlw_png_subtract(uint8_t *filtered, const uint8_t *packed, const uint8_t *above, uint32_t n) {
  uint64_t bits = 0;
  uint32_t i = 0;
#if !defined(TLW_PNG_PORTABLE)
  if (n == 64) return tlw_png_subtract_64(filtered, packed, above);
  if (n == 32) return tlw_png_subtract_32(filtered, packed, above);
  for (; i + 16 <= n; i += 16) bits |= tlw_png_subtract_16(filtered + i, packed + i, above + i) << i;
#endif
  for (; i < n; i++) {
    filtered[i] = (uint8_t)(packed[i] - above[i]);
    bits |= (uint64_t)(filtered[i] != 0) << i;
  }
  return bits;
}

/* ---- what is not zero, and what differs from the byte before ---- */

#if !defined(TLW_PNG_PORTABLE) && defined(__AVX512BW__)

static inline uint64_t tlw_png_busy(const uint64_t *numbers) {
  uint64_t bits = 0;
  for (int i = 0; i < 64; i += 8) {
    const __m512i eight = _mm512_loadu_si512(numbers + i);
    bits |= (uint64_t)_mm512_test_epi64_mask(eight, eight) << i;
  }
  return bits;
}

static inline uint64_t tlw_png_edges(const uint8_t *bytes) {
  return _mm512_cmpneq_epi8_mask(_mm512_loadu_si512(bytes), _mm512_loadu_si512(bytes - 1));
}

#else

static inline uint64_t tlw_png_busy(const uint64_t *numbers) {
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) bits |= (uint64_t)(numbers[i] != 0) << i;
  return bits;
}

static inline uint64_t tlw_png_edges(const uint8_t *bytes) {
  uint64_t bits = 0;
#if defined(TLW_PNG_PORTABLE)
  for (int i = 0; i < 64; i++) bits |= (uint64_t)(bytes[i] != bytes[i - 1]) << i;
#elif defined(__AVX2__)
  for (int i = 0; i < 64; i += 32) {
    const __m256i same = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(bytes + i)),
                                           _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i - 1)));
    bits |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(same) << i;
  }
#elif defined(__x86_64__)
  for (int i = 0; i < 64; i += 16) {
    const __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(bytes + i)),
                                        _mm_loadu_si128((const __m128i *)(const void *)(bytes + i - 1)));
    bits |= ((uint64_t)_mm_movemask_epi8(same) ^ 0xffff) << i;
  }
#else
  for (int i = 0; i < 64; i += 16)
    bits |= tlw_png_bits_16(vmvnq_u8(vceqq_u8(vld1q_u8(bytes + i), vld1q_u8(bytes + i - 1)))) << i;
#endif
  return bits;
}

#endif

#endif
