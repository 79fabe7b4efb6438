/* Doubles as text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#define DIGITS 17
#define TEN_16 UINT64_C(10000000000000000)
#define TEN_17 (10 * TEN_16)
#define POWERS 28 /* of 5, as many as fit in 64 bits */
#define MOST_POWER (2 * (POWERS - 1))

static const uint64_t powers_of_five[POWERS] = {UINT64_C(1),
                                                UINT64_C(5),
                                                UINT64_C(25),
                                                UINT64_C(125),
                                                UINT64_C(625),
                                                UINT64_C(3125),
                                                UINT64_C(15625),
                                                UINT64_C(78125),
                                                UINT64_C(390625),
                                                UINT64_C(1953125),
                                                UINT64_C(9765625),
                                                UINT64_C(48828125),
                                                UINT64_C(244140625),
                                                UINT64_C(1220703125),
                                                UINT64_C(6103515625),
                                                UINT64_C(30517578125),
                                                UINT64_C(152587890625),
                                                UINT64_C(762939453125),
                                                UINT64_C(3814697265625),
                                                UINT64_C(19073486328125),
                                                UINT64_C(95367431640625),
                                                UINT64_C(476837158203125),
                                                UINT64_C(2384185791015625),
                                                UINT64_C(11920928955078125),
                                                UINT64_C(59604644775390625),
                                                UINT64_C(298023223876953125),
                                                UINT64_C(1490116119384765625),
                                                UINT64_C(7450580596923828125)};

/* A number of up to 192 bits. */
struct wide {
  uint64_t low, middle, high;
};

/* m 5^p, exactly. */
static struct wide scale(uint64_t m, int p) {
  const uint64_t a = powers_of_five[p < POWERS ? p : POWERS - 1], b = powers_of_five[p < POWERS ? 0 : p - POWERS + 1];
  const unsigned __int128 first = (unsigned __int128)m * a;
  const unsigned __int128 low = (unsigned __int128)(uint64_t)first * b;
  const unsigned __int128 high = (unsigned __int128)(uint64_t)(first >> 64) * b + (uint64_t)(low >> 64);
  return (struct wide){(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)};
}

/* n / 2^shift to the nearest, of two the even one. shift is 1 to 191, the result below 2^63. */
static uint64_t shift_right(struct wide n, int shift) {
  int is_more = 0;
  for (; shift > 64; shift -= 64) {
    is_more |= n.low != 0;
    n = (struct wide){n.middle, n.high, 0};
  }
  const uint64_t left = shift == 64 ? n.middle : n.low >> shift | n.middle << 1 << (63 - shift);
  const uint64_t rest = (shift == 64 ? n.low : n.low << (64 - shift)) | (uint64_t)is_more;
  const uint64_t half = UINT64_C(1) << 63;
  return left + (rest > half || (rest == half && (left & 1)));
}

/* value 10^p rounded to an integer, for a value m 2^e that is not far beyond 10^17 then. */
static uint64_t digits_of(uint64_t m, int e, int p) {
  const int shift = -(e + p);
  return shift > 0 ? shift_right(scale(m, p), shift) : scale(m, p).low << -shift;
}

static char *put_exponent(char *out, int exponent) {
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  return cli_put_digits(out, (uint64_t)(exponent < 0 ? -exponent : exponent), 2);
}

/* Eight digits, two at a time. */
static void put_eight(char *out, uint32_t value) {
  static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                              "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                              "8081828384858687888990919293949596979899";
  const uint32_t high = value / 10000, low = value % 10000;
  memcpy(out, pairs + 2 * (high / 100), 2);
  memcpy(out + 2, pairs + 2 * (high % 100), 2);
  memcpy(out + 4, pairs + 2 * (low / 100), 2);
  memcpy(out + 6, pairs + 2 * (low % 100), 2);
}

/* digits: DIGITS of them, the first before the point. */
static char *put_scaled(char *out, uint64_t digits, int exponent) {
  char text[DIGITS];
  const uint64_t ahead = digits / 100000000;
  text[0] = (char)('0' + ahead / 100000000);
  put_eight(text + 1, (uint32_t)(ahead % 100000000));
  put_eight(text + 9, (uint32_t)(digits % 100000000));
  int n = DIGITS;
  while (n > 1 && text[n - 1] == '0') n--;
  const int is_fixed = exponent >= -4 && exponent < DIGITS;
  if (is_fixed && exponent < 0) {
    memcpy(out, "0.000", 5);
    out += 1 - exponent;
    memcpy(out, text, DIGITS);
    return out + n;
  }
  const int whole = is_fixed ? exponent + 1 : 1;
  memcpy(out, text, (size_t)whole);
  out += whole;
  if (n > whole) {
    *out++ = '.';
    memcpy(out, text + whole, (size_t)(n - whole));
    out += n - whole;
  }
  return is_fixed ? out : put_exponent(out, exponent);
}

/* Very large and very small ones, and those that are no numbers. */
static char *put_rare(char *out, double value) {
  if (isnan(value)) {
    memcpy(out, "nan", 3);
    return out + 3;
  }
  return out + snprintf(out, CLI_DOUBLE_SIZE, "%.17g", value);
}

char *cli_put_double(char *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  const double size = fabs(value);
  if (!(size > 1e-37 && size < 1e17)) {
    if (bits != 0) return put_rare(out, value);
    *out++ = '0';
    return out;
  }
  if (value < 0) *out++ = '-';
  const int e = (int)(bits >> 52 & 0x7ff) - 1075;
  const uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
  int exponent = (int)(((int64_t)(e + 52) * 78913) >> 18); /* of ten: right, or one too low */
  uint64_t digits = digits_of(m, e, DIGITS - 1 - exponent);
  if (digits >= TEN_17) digits = digits_of(m, e, DIGITS - 1 - ++exponent);
  if (digits == TEN_17) {
    digits = TEN_16;
    exponent++;
  }
  return put_scaled(out, digits, exponent);
}
