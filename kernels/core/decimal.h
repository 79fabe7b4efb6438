/*
 * Decimals: exact numbers of at most 15 digits with a power of ten, their doubles and their text. A label is the text
 * of a decimal, so what is read back from it is that decimal and no other.
 */
#ifndef TLK_CORE_DECIMAL_H
#define TLK_CORE_DECIMAL_H

#include "../dialect.h"

/*
 * digits * 10^exponent; |digits| < TLK_DECIMAL_END. Two different ones have different doubles, because 15 digits
 * always survive, unless these are denormal.
 */
typedef struct {
  tlk_i64 digits;
  tlk_i32 exponent;
} tlk_decimal;

#define TLK_DECIMAL_END 1000000000000000 /* 10^15 */

/* ---- the double of a decimal ---- */

/* 10^n for n of 0 to 22: exact, as is each product on the way, because 5^22 < 2^53. */
TLK_FN double tlk_power_of_ten(tlk_i32 n) {
  double power = n & 1 ? 10.0 : 1.0;
  if (n & 2) power *= 100.0;
  if (n & 4) power *= 1e4;
  if (n & 8) power *= 1e8;
  if (n & 16) power *= 1e16;
  return power;
}

/* A whole number of 0 to 2^1408 - 1, the lowest word first. */
#define TLK_WIDE_WORDS 44
typedef struct {
  tlk_u32 word[TLK_WIDE_WORDS];
} tlk_wide;

TLK_FN void tlk_wide_multiply(tlk_wide *wide, tlk_u32 factor) {
  tlk_u64 carry = 0;
  for (tlk_i32 i = 0; i < TLK_WIDE_WORDS; i++) {
    carry += (tlk_u64)wide->word[i] * factor;
    wide->word[i] = (tlk_u32)carry;
    carry >>= 32;
  }
}

/* Divides, rounding down; returns what is left over. */
TLK_FN tlk_u32 tlk_wide_divide(tlk_wide *wide, tlk_u32 divisor) {
  tlk_u64 rest = 0;
  for (tlk_i32 i = TLK_WIDE_WORDS - 1; i >= 0; i--) {
    rest = rest << 32 | wide->word[i];
    wide->word[i] = (tlk_u32)(rest / divisor);
    rest %= divisor;
  }
  return (tlk_u32)rest;
}

/*
 * The double nearest to top * 2^exponent, where the highest bit of top is set and more says that a part below the
 * last bit of top was left out; of two as near the even one; above all of them infinity.
 */
TLK_FN double tlk_nearest_double(tlk_u64 top, tlk_i32 exponent, tlk_i32 more) {
  const tlk_i32 lead = exponent + 63; /* the exponent of the highest bit */
  if (lead > 1023) return TLK_INFINITY;
  const tlk_i32 drop = lead >= -1022 ? 11 : 11 - 1022 - lead;
  if (drop > 64) return 0.0;
  const tlk_u64 halfway = (tlk_u64)1 << (drop - 1);
  const tlk_u64 rest = top & (halfway | (halfway - 1));
  tlk_u64 kept = drop == 64 ? 0 : top >> drop;
  if (rest > halfway || (rest == halfway && (more || (kept & 1)))) kept++;
  const tlk_u64 bits = lead >= -1022 ? ((tlk_u64)(lead + 1022) << 52) + kept : kept;
  return TLK_FROM_BITS(bits);
}

/* The double of wide * 2^exponent, wide being 2^64 or more. */
TLK_FN double tlk_wide_value(const tlk_wide *wide, tlk_i32 exponent, tlk_i32 more) {
  tlk_i32 high = TLK_WIDE_WORDS - 1, shift = 0;
  while (wide->word[high] == 0) high--;
  while (!(wide->word[high] << shift >> 31)) shift++;
  const tlk_u64 two = (tlk_u64)wide->word[high] << 32 | wide->word[high - 1];
  const tlk_u64 third = (tlk_u64)wide->word[high - 2] << shift;
  tlk_i32 rest = more | ((tlk_u32)third != 0);
  for (tlk_i32 i = 0; i < high - 2; i++) rest |= wide->word[i] != 0;
  return tlk_nearest_double(two << shift | third >> 32, exponent + 32 * (high - 1) - shift, rest);
}

/* For digits > 0 and an exponent of -345 to -23 or 23 to 308. */
TLK_LONG_FN double tlk_far_value(tlk_u64 digits, tlk_i32 exponent) {
  tlk_wide wide;
  for (tlk_i32 i = 0; i < TLK_WIDE_WORDS; i++) wide.word[i] = 0;
  tlk_i32 tens = exponent < 0 ? -exponent : exponent;
  /* As many words below the point as leave a quotient of 67 bits: 32 * (tens / 9 + 3) >= log2(10) * tens + 67. */
  const tlk_i32 below = exponent < 0 ? tens / 9 + 3 : 0;
  wide.word[below] = (tlk_u32)digits;
  wide.word[below + 1] = (tlk_u32)(digits >> 32);
  tlk_i32 more = 0;
  /* Rounding down again and again is rounding down once. */
  while (tens > 0) {
    const tlk_i32 some = tens < 9 ? tens : 9;
    const tlk_u32 power = (tlk_u32)tlk_power_of_ten(some);
    if (exponent < 0)
      more |= tlk_wide_divide(&wide, power) != 0;
    else
      tlk_wide_multiply(&wide, power);
    tens -= some;
  }
  return tlk_wide_value(&wide, -32 * below, more);
}

/*
 * The double nearest to a decimal, of two as near the even one; |digits| may be up to 2^53. Where the exponent is -22
 * to 22, digits and the power of ten are doubles exactly, and their one product or quotient is rounded to nearest
 * even by IEEE 754: that is all numbers of 1e-12 to 1e12 whose last digit stands for 1e-22 or more. Beyond, whole
 * numbers of as many words as are needed give the same.
 */
TLK_LONG_FN double tlk_decimal_value(tlk_decimal decimal) {
  if (decimal.digits == 0) return 0.0;
  if (decimal.exponent >= 0 && decimal.exponent <= 22)
    return (double)decimal.digits * tlk_power_of_ten(decimal.exponent);
  if (decimal.exponent < 0 && decimal.exponent >= -22)
    return (double)decimal.digits / tlk_power_of_ten(-decimal.exponent);
  const tlk_i32 below = decimal.digits < 0;
  const tlk_u64 digits = (tlk_u64)(below ? -decimal.digits : decimal.digits);
  double value = 0.0;
  if (decimal.exponent > 308)
    value = TLK_INFINITY;
  else if (decimal.exponent >= -345)
    value = tlk_far_value(digits, decimal.exponent);
  return below ? -value : value;
}

/* x * 10^n to about 14 digits: where a search for a decimal begins. Infinity where it is too large. */
TLK_FN double tlk_roughly_scaled(double x, tlk_i32 n) {
  for (; n > 0; n -= n < 22 ? n : 22) x *= tlk_power_of_ten(n < 22 ? n : 22);
  for (; n<0; n += n> - 22 ? -n : 22) x /= tlk_power_of_ten(n > -22 ? -n : 22);
  return x;
}

TLK_FN tlk_i64 tlk_floor_division(tlk_i64 a, tlk_i64 b) { return a / b - (a % b < 0); }

/*
 * An n with 10^n <= 2 * |x| and 10^(n + 2) > |x|, for a finite x other than 0: where a search begins. 1233 / 4096 is
 * log10(2) less 0.000005.
 */
TLK_FN tlk_i32 tlk_rough_exponent(double x) {
  const double large = x * 0x1p64; /* denormals have no exponent of their own */
  const tlk_i32 tiny = x < 0x1p-1000 && x > -0x1p-1000;
  const tlk_i32 binary = (tlk_i32)(TLK_BITS(tiny ? large : x) >> 52 & 0x7ff) - (tiny ? 1023 + 64 : 1023);
  return (tlk_i32)tlk_floor_division(binary * 1233, 4096);
}

/* The same number with no 0 at the end of its digits; 0 is 0 * 10^0. */
TLK_FN tlk_decimal tlk_decimal_trimmed(tlk_decimal decimal) {
  if (decimal.digits == 0) decimal.exponent = 0;
  while (decimal.digits != 0 && decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    decimal.exponent++;
  }
  return decimal;
}

/* ---- doubles as decimals ---- */

/*
 * The decimal for a finite number: that of the fewest digits whose double it is, if 14 do; else the nearest of 8
 * digits. So a price that was read from text is as it was there, and a float that was widened,
 * 1.10000002384185791015625, is what it was made from, 1.1.
 */
TLK_FN tlk_decimal tlk_decimal_of(double x) {
  tlk_decimal decimal, eight;
  decimal.digits = eight.digits = 0;
  decimal.exponent = eight.exponent = 0;
  if (x == 0.0) return decimal;
  const double size = x < 0.0 ? -x : x;
  for (tlk_i32 exponent = tlk_rough_exponent(size) + 1;; exponent--) {
    const double digits = tlk_roughly_scaled(size, -exponent) + 0.5;
    if (digits >= 1e14) return tlk_decimal_trimmed(eight);
    decimal.digits = (tlk_i64)digits;
    decimal.exponent = exponent;
    const double value = tlk_decimal_value(decimal);
    if (x < 0.0) decimal.digits = -decimal.digits;
    if (value == size) return tlk_decimal_trimmed(decimal);
    if (digits < 1e8) eight = decimal;
  }
}

/* ---- text ---- */

/* The longest text, "-1.23456789012345e-300", and its end. */
#define TLK_LABEL_SIZE 24

/* Text that ends with a 0; length does not count it. Only ASCII is in it: 0 to 9, "-", ".", "e", k, M, B, T. */
typedef struct {
  char text[TLK_LABEL_SIZE];
  tlk_i32 length;
} tlk_label;

TLK_FN void tlk_label_add(tlk_label *label, char letter) {
  label->text[label->length++] = letter;
  label->text[label->length] = 0;
}

/* The digits of a number of at least so many digits, 0 filling up, with a point before the last so many of them. */
TLK_FN void tlk_label_add_number(tlk_label *label, tlk_u64 number, tlk_i32 after_point) {
  tlk_u64 unit = 1;
  for (tlk_i32 i = 0; i < after_point; i++) unit *= 10;
  tlk_i32 left = after_point + 1;
  for (; number / unit >= 10; left++) unit *= 10;
  for (; left > 0; left--) {
    if (left == after_point) tlk_label_add(label, '.');
    tlk_label_add(label, (char)('0' + (tlk_i32)(number / unit % 10)));
    unit /= 10;
  }
}

TLK_FN tlk_i32 tlk_count_digits(tlk_u64 number) {
  tlk_i32 n = 1;
  for (; number >= 10; n++) number /= 10;
  return n;
}

TLK_FN tlk_label tlk_label_begun(tlk_i64 digits) {
  tlk_label label;
  label.text[0] = 0;
  label.length = 0;
  if (digits < 0) tlk_label_add(&label, '-');
  return label;
}

TLK_FN tlk_u64 tlk_size_of(tlk_i64 digits) { return (tlk_u64)(digits < 0 ? -digits : digits); }

/*
 * "-0.25": so many decimals, at least as many as the number needs, 0 filling up. At most 15 digits in all. 0 has no
 * sign.
 */
TLK_LONG_FN tlk_label tlk_label_plain(tlk_decimal decimal, tlk_i32 decimals) {
  tlk_label label = tlk_label_begun(decimal.digits);
  const tlk_decimal trimmed = tlk_decimal_trimmed(decimal);
  tlk_u64 number = tlk_size_of(trimmed.digits);
  for (tlk_i32 i = trimmed.exponent + decimals; i > 0; i--) number *= 10;
  tlk_label_add_number(&label, number, decimals);
  return label;
}

/* "-2.5e-13": one digit, the others that are not 0 at the end, and the power of ten; "0". */
TLK_LONG_FN tlk_label tlk_label_scientific(tlk_decimal decimal) {
  tlk_label label = tlk_label_begun(decimal.digits);
  const tlk_decimal trimmed = tlk_decimal_trimmed(decimal);
  const tlk_u64 number = tlk_size_of(trimmed.digits);
  const tlk_i32 after = tlk_count_digits(number) - 1;
  tlk_label_add_number(&label, number, after);
  if (number == 0) return label;
  const tlk_i32 power = trimmed.exponent + after;
  tlk_label_add(&label, 'e');
  if (power < 0) tlk_label_add(&label, '-');
  tlk_label_add_number(&label, tlk_size_of(power), 0);
  return label;
}

/* Digits that the plain text of a number has with so many decimals. */
TLK_FN tlk_i32 tlk_plain_digits(tlk_decimal decimal, tlk_i32 decimals) {
  const tlk_i32 whole = tlk_count_digits(tlk_size_of(decimal.digits)) + decimal.exponent;
  return (decimal.digits == 0 || whole < 1 ? 1 : whole) + decimals;
}

/*
 * Whether a number has a plain text with so many decimals: it is 0 or of 1e-12 to 1e12, both included, and there are
 * at most 14 digits, the 0 before the point included.
 */
TLK_FN tlk_i32 tlk_is_plain(tlk_decimal decimal, tlk_i32 decimals) {
  const double value = tlk_decimal_value(decimal), size = value < 0.0 ? -value : value;
  return (size == 0.0 || (size >= 1e-12 && size <= 1e12)) && tlk_plain_digits(decimal, decimals) <= 14;
}

/* The decimals that a number needs. */
TLK_FN tlk_i32 tlk_decimals_of(tlk_decimal decimal) {
  const tlk_decimal trimmed = tlk_decimal_trimmed(decimal);
  return trimmed.exponent < 0 ? -trimmed.exponent : 0;
}

/* The text of a number on its own: plain with the decimals that it needs, where there is such a text; or scientific. */
TLK_FN tlk_label tlk_label_of(tlk_decimal decimal) {
  const tlk_i32 decimals = tlk_decimals_of(decimal);
  return tlk_is_plain(decimal, decimals) ? tlk_label_plain(decimal, decimals) : tlk_label_scientific(decimal);
}

/*
 * "1.5M": from 1e3 up in thousands (k), from 1e6 in millions (M), 1e9 billions (B), 1e12 trillions (T), with the
 * decimals that it needs; below 1e3 and from 1e15 up, as tlk_label_of. Exact, like it.
 */
TLK_FN tlk_label tlk_label_short(tlk_decimal decimal) {
  tlk_decimal part = tlk_decimal_trimmed(decimal);
  const tlk_i32 whole = tlk_count_digits(tlk_size_of(part.digits)) + part.exponent;
  if (part.digits == 0 || whole <= 3 || whole > 15) return tlk_label_of(decimal);
  const tlk_i32 thousands = (whole - 1) / 3;
  part.exponent -= 3 * thousands;
  tlk_label label = tlk_label_plain(part, tlk_decimals_of(part));
  tlk_label_add(&label, thousands == 1 ? 'k' : thousands == 2 ? 'M' : thousands == 3 ? 'B' : 'T');
  return label;
}

#endif
