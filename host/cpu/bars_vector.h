/*
 * Vectors of whole numbers of 64 bits, TLK_LANES of them, in the instructions of a tier: what the loops over trades are
 * made of. Compiled once per tier.
 */
#ifndef TALLOW_CPU_BARS_VECTOR_H
#define TALLOW_CPU_BARS_VECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "kernels/core/real.h"

#define INLINE static inline __attribute__((always_inline, unused))

typedef tlk_mask whole;

INLINE whole splat(int64_t x) { return (whole){0} + x; }

INLINE whole load(const int64_t *x) {
  whole v;
  memcpy(&v, x, sizeof v);
  return v;
}

/* ---- lanes that are chosen: bits where the tier has registers of bits, otherwise vectors ---- */

#if TLK_LANES == 8

typedef __mmask8 choice;

INLINE choice choose_none(void) { return 0; }
INLINE choice choose_first(int64_t n) { return (choice)((1u << n) - 1); }
INLINE choice either(choice a, choice b) { return (choice)(a | b); }
INLINE choice both(choice a, choice b) { return (choice)(a & b); }
INLINE choice less(whole a, whole b) { return _mm512_cmplt_epi64_mask((__m512i)a, (__m512i)b); }
INLINE choice not_less(whole a, whole b) { return _mm512_cmpge_epi64_mask((__m512i)a, (__m512i)b); }
INLINE uint32_t bits_of(choice c) { return c; }
INLINE whole least(whole a, whole b) { return (whole)_mm512_min_epi64((__m512i)a, (__m512i)b); }
INLINE whole greatest(whole a, whole b) { return (whole)_mm512_max_epi64((__m512i)a, (__m512i)b); }
INLINE whole pick(choice c, whole a, whole b) { return (whole)_mm512_mask_blend_epi64(c, (__m512i)b, (__m512i)a); }
INLINE whole add_chosen(choice c, whole sum, whole x) {
  return (whole)_mm512_mask_add_epi64((__m512i)sum, c, (__m512i)sum, (__m512i)x);
}

/* Numbers that are chosen are read, others are 0. */
INLINE whole load_chosen(choice c, const int64_t *x) { return (whole)_mm512_maskz_loadu_epi64(c, x); }

/* Lanes that are chosen and whose byte is 0. Other bytes are not read. */
INLINE choice choose_zeros(choice c, const uint8_t *x) {
  return (choice)_mm_mask_testn_epi8_mask(c, _mm_maskz_loadu_epi8(c, x), _mm_set1_epi8(-1));
}

#else

typedef whole choice;

INLINE choice choose_none(void) { return (choice){0}; }
INLINE choice choose_first(int64_t n) {
  whole place;
  for (int i = 0; i < TLK_LANES; i++) place[i] = i;
  return place < n;
}
INLINE choice either(choice a, choice b) { return a | b; }
INLINE choice both(choice a, choice b) { return a & b; }
INLINE choice less(whole a, whole b) { return a < b; }
INLINE choice not_less(whole a, whole b) { return ~(a < b); }

#if TLK_LANES == 4
INLINE uint32_t bits_of(choice c) { return (uint32_t)_mm256_movemask_pd((__m256d)c); }
INLINE whole pick(choice c, whole a, whole b) { return (whole)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)c); }
INLINE whole load_chosen(choice c, const int64_t *x) {
  return (whole)_mm256_maskload_epi64((const long long *)x, (__m256i)c);
}
#else
INLINE uint32_t bits_of(choice c) { return (uint32_t)(c[0] & 1) | (uint32_t)(c[1] & 2); }
INLINE whole pick(choice c, whole a, whole b) { return (c & a) | (~c & b); }
INLINE whole load_chosen(choice c, const int64_t *x) { return (whole){c[0] ? x[0] : 0, c[1] ? x[1] : 0}; }
#endif

INLINE whole least(whole a, whole b) { return pick(a < b, a, b); }
INLINE whole greatest(whole a, whole b) { return pick(a < b, b, a); }
INLINE whole add_chosen(choice c, whole sum, whole x) { return (whole)((tlk_word)sum + (tlk_word)(c & x)); }
INLINE choice choose_zeros(choice c, const uint8_t *x) {
  choice zeros = choose_none();
  for (int i = 0; i < TLK_LANES; i++) zeros[i] = c[i] && x[i] == 0 ? -1 : 0;
  return zeros;
}

#endif

/* Whether any bit is set. */
INLINE bool any(whole x) {
#if TLK_LANES == 8
  return _mm512_test_epi64_mask((__m512i)x, (__m512i)x) != 0;
#elif TLK_LANES == 4
  return !_mm256_testz_si256((__m256i)x, (__m256i)x);
#else
  return (x[0] | x[1]) != 0;
#endif
}

/* ---- sums: all of them modulo 2^64 ---- */

INLINE whole add(whole a, whole b) { return (whole)((tlk_word)a + (tlk_word)b); }
INLINE whole subtract(whole a, whole b) { return (whole)((tlk_word)a - (tlk_word)b); }
INLINE whole upper(whole x) { return (whole)((tlk_word)x >> 32); }

/* The product of the lower halves. */
INLINE whole product(whole a, whole b) {
#if TLK_LANES == 8
  return (whole)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif TLK_LANES == 4
  return (whole)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (whole)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__ARM_NEON)
  return (whole)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
  return (whole)(((tlk_word)a & UINT32_MAX) * ((tlk_word)b & UINT32_MAX));
#endif
}

/* ---- across lanes ---- */

/* Lanes moved up by one, the last of the vector before coming first. */
#if TLK_LANES == 8
#define BEHIND(before, x) __builtin_shufflevector(before, x, 7, 8, 9, 10, 11, 12, 13, 14)
#define REDUCE(combine, x)                                                                                             \
  x = combine(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));                                               \
  x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5));                                               \
  x = combine(x, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6))
#elif TLK_LANES == 4
#define BEHIND(before, x) __builtin_shufflevector(before, x, 3, 4, 5, 6)
#define REDUCE(combine, x)                                                                                             \
  x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));                                                           \
  x = combine(x, __builtin_shufflevector(x, x, 1, 0, 3, 2))
#else
#define BEHIND(before, x) __builtin_shufflevector(before, x, 1, 2)
#define REDUCE(combine, x) x = combine(x, __builtin_shufflevector(x, x, 1, 0))
#endif

INLINE uint64_t sum_of(whole x) {
  REDUCE(add, x);
  return (uint64_t)x[0];
}

INLINE int64_t least_of(whole x) {
  REDUCE(least, x);
  return x[0];
}

INLINE int64_t greatest_of(whole x) {
  REDUCE(greatest, x);
  return x[0];
}

#endif
