/*
 * What JKX images are made of in the instructions of a tier: vectors of doubles, of words of bits and of bytes, all
 * of one size. Compiled once per tier.
 */
#ifndef TALLOW_CPU_IMAGES_VECTOR_H
#define TALLOW_CPU_IMAGES_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "vector.h"

#define INLINE static inline __attribute__((always_inline, unused))

/* Bytes of a vector. */
#define BYTES (8 * TLK_LANES)
typedef uint8_t bytes __attribute__((vector_size(BYTES)));

/* ---- doubles ---- */

/* b where a number is missing. */
INLINE tlk_real greater(tlk_real a, tlk_real b) {
#if TLK_LANES == 8
  return (tlk_real)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif TLK_LANES == 4
  return (tlk_real)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
  return (tlk_real)_mm_max_pd((__m128d)a, (__m128d)b);
#else
  return tlk_max(a, b);
#endif
}

INLINE tlk_real lesser(tlk_real a, tlk_real b) {
#if TLK_LANES == 8
  return (tlk_real)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif TLK_LANES == 4
  return (tlk_real)_mm256_min_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
  return (tlk_real)_mm_min_pd((__m128d)a, (__m128d)b);
#else
  return tlk_min(a, b);
#endif
}

/* The first `count` of a vector, the rest being NaN; nothing behind them is read. */
INLINE tlk_real load_first(const double *x, int32_t count) {
  if (count >= TLK_LANES) return load(x);
#if TLK_LANES == 8
  return (tlk_real)_mm512_mask_loadu_pd(_mm512_set1_pd(TLK_NAN), (__mmask8)((1u << count) - 1), x);
#else
  tlk_real v = tlk_splat(TLK_NAN);
  for (int32_t lane = 0; lane < count; lane++) v[lane] = x[lane];
  return v;
#endif
}

/* Lanes moved down by one, the first of the vector after coming last; and up by one, the last before coming first. */
#if TLK_LANES == 8
#define TAKE_NEXT(x, after) __builtin_shufflevector(x, after, 1, 2, 3, 4, 5, 6, 7, 8)
#define TAKE_BEFORE(before, x) __builtin_shufflevector(before, x, 7, 8, 9, 10, 11, 12, 13, 14)
#elif TLK_LANES == 4
#define TAKE_NEXT(x, after) __builtin_shufflevector(x, after, 1, 2, 3, 4)
#define TAKE_BEFORE(before, x) __builtin_shufflevector(before, x, 3, 4, 5, 6)
#else
#define TAKE_NEXT(x, after) __builtin_shufflevector(x, after, 1, 2)
#define TAKE_BEFORE(before, x) __builtin_shufflevector(before, x, 1, 2)
#endif

#if TLK_LANES == 8
#define REDUCE(combine, x)                                                                                             \
  x = combine(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));                                               \
  x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5));                                               \
  x = combine(x, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6))
#elif TLK_LANES == 4
#define REDUCE(combine, x)                                                                                             \
  x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));                                                           \
  x = combine(x, __builtin_shufflevector(x, x, 1, 0, 3, 2))
#else
#define REDUCE(combine, x) x = combine(x, __builtin_shufflevector(x, x, 1, 0))
#endif

INLINE double greatest_of(tlk_real x) {
  REDUCE(greater, x);
  return x[0];
}

INLINE double least_of(tlk_real x) {
  REDUCE(lesser, x);
  return x[0];
}

/* ---- words of bits; counts are 0 to 255 ---- */

/* Of lanes whose number is there, others 0. */
INLINE tlk_word where(tlk_real number, tlk_word x) {
#if TLK_LANES == 8
  return (tlk_word)_mm512_maskz_mov_epi64(_mm512_cmp_pd_mask((__m512d)number, (__m512d)number, _CMP_ORD_Q), (__m512i)x);
#else
  return (tlk_word)(number == number) & x;
#endif
}

/* At most `most`. */
INLINE tlk_word limited(tlk_word count, uint8_t most) {
  const tlk_word other = tlk_splat_word(most);
#if TLK_LANES == 8
  return (tlk_word)_mm512_min_epu8((__m512i)count, (__m512i)other);
#elif TLK_LANES == 4
  return (tlk_word)_mm256_min_epu8((__m256i)count, (__m256i)other);
#elif defined(__SSE2__)
  return (tlk_word)_mm_min_epu8((__m128i)count, (__m128i)other);
#else
  const tlk_word less = (tlk_word)(count < other);
  return (less & count) | (~less & other);
#endif
}

/* Less by `less`, at least 0. */
INLINE tlk_word lessened(tlk_word count, uint8_t less) {
  const tlk_word other = tlk_splat_word(less);
#if TLK_LANES == 8
  return (tlk_word)_mm512_subs_epu8((__m512i)count, (__m512i)other);
#elif TLK_LANES == 4
  return (tlk_word)_mm256_subs_epu8((__m256i)count, (__m256i)other);
#elif defined(__SSE2__)
  return (tlk_word)_mm_subs_epu8((__m128i)count, (__m128i)other);
#else
  return (tlk_word)(count > other) & (count - other);
#endif
}

/* Saves a[0], b[0], c[0], a[1], ... */
INLINE void save_in_turn(uint64_t *target, tlk_word a, tlk_word b, tlk_word c) {
#if TLK_LANES == 8
  const tlk_word x = __builtin_shufflevector(a, b, 0, 8, 0, 1, 9, 1, 2, 10);
  const tlk_word y = __builtin_shufflevector(a, b, 0, 3, 11, 0, 4, 12, 0, 5);
  const tlk_word z = __builtin_shufflevector(a, b, 13, 0, 6, 14, 0, 7, 15, 0);
  const tlk_word turns[3] = {__builtin_shufflevector(x, c, 0, 1, 8, 3, 4, 9, 6, 7),
                             __builtin_shufflevector(y, c, 10, 1, 2, 11, 4, 5, 12, 7),
                             __builtin_shufflevector(z, c, 0, 13, 2, 3, 14, 5, 6, 15)};
#elif TLK_LANES == 4
  const tlk_word x = __builtin_shufflevector(a, b, 0, 4, 0, 1), y = __builtin_shufflevector(b, a, 1, 0, 6, 2),
                 z = __builtin_shufflevector(a, b, 0, 3, 7, 0);
  const tlk_word turns[3] = {__builtin_shufflevector(x, c, 0, 1, 4, 3), __builtin_shufflevector(y, c, 0, 5, 2, 3),
                             __builtin_shufflevector(z, c, 6, 1, 2, 7)};
#else
  const tlk_word turns[3] = {__builtin_shufflevector(a, b, 0, 2), __builtin_shufflevector(c, a, 0, 3),
                             __builtin_shufflevector(b, c, 1, 3)};
#endif
  memcpy(target, turns, sizeof turns);
}

/* ---- bytes ---- */

/* Bytes of a and b in turn: of the lower, and of the upper halves of each 16. */
INLINE bytes zip_low(bytes a, bytes b) {
#if TLK_LANES == 8
  return (bytes)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b);
#elif TLK_LANES == 4
  return (bytes)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b);
#else
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#endif
}

INLINE bytes zip_high(bytes a, bytes b) {
#if TLK_LANES == 8
  return (bytes)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b);
#elif TLK_LANES == 4
  return (bytes)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b);
#else
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#endif
}

#endif
