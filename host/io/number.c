#include "number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* One division or product of two exact doubles is rounded once, and correctly, only in double arithmetic. */
_Static_assert(FLT_EVAL_METHOD == 0, "doubles must be computed as doubles (SSE2, not x87)");

#define EXACT_POWERS 22        /* 10^22 is the greatest power of ten that is a double */
#define EXACT_DIGITS 19        /* any 19 digits fit in a uint64_t */
#define DECISIVE_DIGITS 800    /* a double or a midpoint of two has at most 768 significant digits */
#define EXPONENT_END 100000000 /* beyond it digits of a field can't bring a number back into range */

static const double powers_of_ten[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

static bool read_word(const char *text, size_t length, bool negative, double *value) {
  if (tlw_same_word(text, length, "nan")) {
    *value = (double)NAN;
    return true;
  }
  if (tlw_same_word(text, length, "inf") || tlw_same_word(text, length, "infinity")) {
    *value = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
  }
  return false;
}

/*
 * The value of the digits of text (points and commas among them are passed over) times 10^exponent. strtod is given
 * digits and an exponent alone, so that the locale's decimal point has no say. Digits beyond the decisive ones only
 * tell whether the value lies above what these give: a last digit 1 stands for them.
 */
static double read_long(const char *text, const char *end, int64_t exponent) {
  char digits[DECISIVE_DIGITS + 32];
  size_t used = 0;
  bool more = false;
  for (; text < end; text++) {
    if (!is_digit(*text) || (*text == '0' && used == 0)) continue;
    if (used < DECISIVE_DIGITS) {
      digits[used++] = *text;
    } else {
      more = more || *text != '0';
      exponent++;
    }
  }
  if (used == 0) return 0.0;
  if (more) {
    digits[used++] = '1';
    exponent--;
  }
  if (exponent > EXPONENT_END) exponent = EXPONENT_END;
  if (exponent < -EXPONENT_END) exponent = -EXPONENT_END;
  snprintf(digits + used, sizeof digits - used, "e%" PRId64, exponent);
  return strtod(digits, NULL);
}

/* Reads what follows the e. false: no exponent. */
static bool read_exponent(const char *text, const char *end, int64_t *exponent) {
  const bool negative = text < end && *text == '-';
  if (text < end && (*text == '-' || *text == '+')) text++;
  if (text == end) return false;
  int64_t magnitude = 0;
  for (; text < end; text++) {
    if (!is_digit(*text)) return false;
    if (magnitude < EXPONENT_END) magnitude = magnitude * 10 + (*text - '0');
  }
  *exponent = negative ? -magnitude : magnitude;
  return true;
}

/* Do the digits up to the comma, the exponent or the end stand in groups of three behind the first, as 1.234.567? */
static bool is_grouped(const char *at, const char *end) {
  const char *const first = at;
  while (at < end && is_digit(*at)) at++;
  if (at == first || at - first > 3 || *first == '0') return false;
  while (at < end && *at == '.') {
    const char *const group = ++at;
    while (at < end && is_digit(*at)) at++;
    if (at - group != 3) return false;
  }
  return true;
}

/* Takes digits into the mantissa, which is right for EXACT_DIGITS of them. Returns the first that is none. */
static inline const char *take_digits(const char *at, const char *end, uint64_t *mantissa) {
  uint64_t value = *mantissa;
  for (; at < end; at++) {
    const unsigned digit = (unsigned char)(*at - '0');
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  *mantissa = value;
  return at;
}

/* The decimals stand behind point; what stands between digits ahead of it, if grouped, has been found to be right. */
static inline bool read_decimal(const char *text, size_t length, char point, bool grouped, double *value) {
  const char *at = text;
  const char *const end = text + length;
  const bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;

  const char *const first = at;
  uint64_t mantissa = 0;
  ptrdiff_t n_groups = 0;
  at = take_digits(at, end, &mantissa);
  for (; grouped && at < end && *at == '.'; n_groups++) at = take_digits(at + 1, end, &mantissa);
  ptrdiff_t n_digits = at - first - n_groups;
  ptrdiff_t n_decimals = 0;
  if (at < end && *at == point) {
    const char *const behind = ++at;
    at = take_digits(at, end, &mantissa);
    n_decimals = at - behind;
    n_digits += n_decimals;
  }
  if (n_digits == 0) return at == first && read_word(first, (size_t)(end - first), negative, value);

  const char *const last = at;
  int64_t exponent = 0;
  if (at < end && ((*at != 'e' && *at != 'E') || !read_exponent(at + 1, end, &exponent))) return false;
  exponent -= n_decimals;

  double magnitude;
  if (n_digits <= EXACT_DIGITS && mantissa <= UINT64_C(1) << DBL_MANT_DIG && -EXACT_POWERS <= exponent &&
      exponent <= EXACT_POWERS) {
    magnitude = exponent < 0 ? (double)mantissa / powers_of_ten[-exponent] : (double)mantissa * powers_of_ten[exponent];
  } else {
    magnitude = read_long(first, last, exponent);
    if (isinf(magnitude)) return false;
  }
  *value = negative ? -magnitude : magnitude;
  return true;
}

bool tlw_number_read(const char *text, size_t length, double *value) {
  return read_decimal(text, length, '.', false, value);
}

bool tlw_number_read_comma(const char *text, size_t length, double *value) {
  if (!memchr(text, '.', length)) return read_decimal(text, length, ',', false, value);
  const bool has_sign = text[0] == '-' || text[0] == '+';
  return is_grouped(text + has_sign, text + length) && read_decimal(text, length, ',', true, value);
}
