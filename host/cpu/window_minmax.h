/* The lesser and the greater of two vectors without NaN, in one instruction where the tier has one. */
#ifndef TALLOW_CPU_WINDOW_MINMAX_H
#define TALLOW_CPU_WINDOW_MINMAX_H

#include "kernels/core/real.h"

#if defined(__SSE2__)
#include <immintrin.h>

#if TLK_LANES == 8
#define TLW_MINMAX(which, a, b) (tlk_real) _mm512_##which##_pd((__m512d)(a), (__m512d)(b))
#elif TLK_LANES == 4
#define TLW_MINMAX(which, a, b) (tlk_real) _mm256_##which##_pd((__m256d)(a), (__m256d)(b))
#else
#define TLW_MINMAX(which, a, b) (tlk_real) _mm_##which##_pd((__m128d)(a), (__m128d)(b))
#endif

static inline tlk_real tlw_least(tlk_real a, tlk_real b) { return TLW_MINMAX(min, a, b); }
static inline tlk_real tlw_most(tlk_real a, tlk_real b) { return TLW_MINMAX(max, a, b); }

#else

static inline tlk_real tlw_least(tlk_real a, tlk_real b) { return tlk_min(a, b); }
static inline tlk_real tlw_most(tlk_real a, tlk_real b) { return tlk_max(a, b); }

#endif

#endif
