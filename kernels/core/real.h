/*
 * The number type of the functions under kernels/core: double on a device, a vector of doubles in a CPU tier that
 * defines TLK_LANES. Comparisons give a mask, which only tlk_pick and the mask functions may look into, because a mask
 * is an int on one side and a vector of all-ones or zero words on the other. tlk_word is the bits of a tlk_real.
 */
#ifndef TLK_CORE_REAL_H
#define TLK_CORE_REAL_H

#include "../dialect.h"

#ifdef TLK_LANES

typedef double tlk_real __attribute__((vector_size(8 * TLK_LANES)));
typedef tlk_i64 tlk_mask __attribute__((vector_size(8 * TLK_LANES)));
typedef tlk_i32 tlk_int __attribute__((vector_size(4 * TLK_LANES)));
typedef tlk_u64 tlk_word __attribute__((vector_size(8 * TLK_LANES)));

/* x - 0 is x; 0 + x is not, for -0. */
TLK_FN tlk_real tlk_splat(double x) { return x - (tlk_real){0}; }
TLK_FN double tlk_first(tlk_real x) { return x[0]; }
TLK_FN tlk_word tlk_splat_word(tlk_u64 x) { return (tlk_word){0} + x; }
TLK_FN tlk_word tlk_bits(tlk_real x) { return (tlk_word)x; }
TLK_FN tlk_real tlk_from_bits(tlk_word x) { return (tlk_real)x; }
TLK_FN tlk_real tlk_pick(tlk_mask m, tlk_real a, tlk_real b) {
  return (tlk_real)((m & (tlk_mask)a) | (~m & (tlk_mask)b));
}
TLK_FN tlk_int tlk_splat_int(tlk_i32 x) { return (tlk_int){0} + x; }
TLK_FN tlk_int tlk_truncate(tlk_real x) { return __builtin_convertvector(x, tlk_int); }
TLK_FN tlk_int tlk_pick_int(tlk_mask m, tlk_int a, tlk_int b) {
  const tlk_int n = __builtin_convertvector(m, tlk_int);
  return (n & a) | (~n & b);
}

#else

typedef double tlk_real;
typedef tlk_i32 tlk_mask;
typedef tlk_i32 tlk_int;
typedef tlk_u64 tlk_word;

TLK_FN tlk_real tlk_splat(double x) { return x; }
TLK_FN double tlk_first(tlk_real x) { return x; }
TLK_FN tlk_word tlk_splat_word(tlk_u64 x) { return x; }
TLK_FN tlk_word tlk_bits(tlk_real x) { return TLK_BITS(x); }
TLK_FN tlk_real tlk_from_bits(tlk_word x) { return TLK_FROM_BITS(x); }
TLK_FN tlk_real tlk_pick(tlk_mask m, tlk_real a, tlk_real b) { return m ? a : b; }
TLK_FN tlk_int tlk_splat_int(tlk_i32 x) { return x; }
TLK_FN tlk_int tlk_truncate(tlk_real x) { return (tlk_i32)x; }
TLK_FN tlk_int tlk_pick_int(tlk_mask m, tlk_int a, tlk_int b) { return m ? a : b; }

#endif

/* Explicit comparisons: b where they are unordered. */
TLK_FN tlk_real tlk_max(tlk_real a, tlk_real b) { return tlk_pick(a > b, a, b); }
TLK_FN tlk_real tlk_min(tlk_real a, tlk_real b) { return tlk_pick(a < b, a, b); }

/* x - x is 0 for finite x and NaN for the rest. */
TLK_FN tlk_mask tlk_finite(tlk_real x) { return (x - x) == tlk_splat(0.0); }

#endif
