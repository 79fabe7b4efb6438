/*
 * Functions beyond + - * /, made of these and of integers alone, so that every device has the same bits. Values in,
 * values out, like all of kernels/core.
 */
#ifndef TLK_CORE_MATH_H
#define TLK_CORE_MATH_H

#include "real.h"

/* ln 2 in two parts. The first has zeros at its end, so that a whole number up to 2048 times it is exact. */
#define TLK_LN2_HIGH 0x1.62e42fefa38p-1
#define TLK_LN2_LOW 0x1.ef35793c7673p-45

/* A double without the last 27 of its bits can be squared exactly. */
#define TLK_UPPER_BITS 0xfffffffff8000000u

/*
 * 2 atanh(s) - 2 s over s, for z = s * s: the series to z^10. For |s| up to that of tlk_ln, 0.172, the rest is below
 * 2^-60 of the logarithm.
 */
TLK_FN tlk_real tlk_atanh_series(tlk_real z) {
  tlk_real sum = z * (2.0 / 21.0) + 2.0 / 19.0;
  sum = z * sum + 2.0 / 17.0;
  sum = z * sum + 2.0 / 15.0;
  sum = z * sum + 2.0 / 13.0;
  sum = z * sum + 2.0 / 11.0;
  sum = z * sum + 2.0 / 9.0;
  sum = z * sum + 2.0 / 7.0;
  sum = z * sum + 2.0 / 5.0;
  sum = z * sum + 2.0 / 3.0;
  return z * sum;
}

/*
 * The natural logarithm of a finite number above 0, denormals too, within 1 ulp; for any other a number that means
 * nothing. include/tallow/chart.h states the operations: x = 2^k * m, where m is near 1, and ln x = k ln 2 + ln m.
 *
 * It never decreases where x grows: what all roundings but the last add up to is less than 2^-55, and the logarithms
 * of two numbers differ by more than 2^-54.
 */
TLK_FN tlk_real tlk_ln(tlk_real x) {
  const tlk_word one = tlk_splat_word(0x3ff0000000000000u), root_half = tlk_splat_word(0x3fe6a09e667f3bcdu);
  const tlk_mask tiny = x < tlk_splat(0x1p-1022);
  const tlk_word bits = tlk_bits(tlk_pick(tiny, x * 0x1p54, x));
  /* k + 1023 as a whole number, and as the last bits of a double. */
  const tlk_word exponent = (bits + (one - root_half)) >> 52;
  const tlk_real shifted = tlk_from_bits(exponent | tlk_splat_word(0x4330000000000000u));
  const tlk_real k = shifted - tlk_pick(tiny, tlk_splat(0x1p52 + 1077.0), tlk_splat(0x1p52 + 1023.0));
  const tlk_real m = tlk_from_bits(bits - (exponent << 52) + one);

  /* ln m = f - f * f / 2 + s * (f * f / 2 + series), with the square in two parts, the first of which is exact. */
  const tlk_real f = m - 1.0, s = f / (f + 2.0), g = tlk_from_bits(tlk_bits(f) & tlk_splat_word(TLK_UPPER_BITS));
  const tlk_real square = g * g * 0.5, square_rest = (f - g) * (f + g) * 0.5;
  const tlk_real rest = s * (square + (square_rest + tlk_atanh_series(s * s)));
  /* Two sums, and what rounding takes from each. */
  const tlk_real near = f - square, near_lost = (f - near) - square;
  const tlk_real k_high = k * TLK_LN2_HIGH, sum = k_high + near, sum_lost = near - (sum - k_high);
  return sum + ((near_lost + sum_lost) + (k * TLK_LN2_LOW + (rest - square_rest)));
}

#endif
