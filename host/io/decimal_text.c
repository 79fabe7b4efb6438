#include "decimal_text.h"

#include <stdbool.h>

#include "tallow/trades.h"

#define EXPONENT_END (INT64_C(1) << 40) /* beyond it no digits of a text bring a number back into range */

static bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

/* The parts of a decimal number. */
struct parts {
  bool negative;
  const char *whole;
  size_t n_whole;
  const char *decimals;
  size_t n_decimals;
  int64_t exponent;
};

static size_t count_digits(const char *at, const char *end) {
  const char *const begin = at;
  while (at < end && is_digit(*at)) at++;
  return (size_t)(at - begin);
}

static bool take_exponent(const char *at, const char *end, int64_t *exponent) {
  const bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (at == end) return false;
  *exponent = 0;
  for (; at < end && is_digit(*at); at++)
    if (*exponent < EXPONENT_END) *exponent = *exponent * 10 + (*at - '0');
  if (negative) *exponent = -*exponent;
  return at == end;
}

static bool divide(const char *text, size_t length, struct parts *p) {
  const char *at = text, *const end = text + length;
  *p = (struct parts){.negative = length > 0 && *text == '-'};
  if (at < end && (*at == '-' || *at == '+')) at++;
  p->whole = at;
  p->n_whole = count_digits(at, end);
  at += p->n_whole;
  if (at < end && *at == '.') {
    p->decimals = ++at;
    p->n_decimals = count_digits(at, end);
    at += p->n_decimals;
  }
  if (p->n_whole + p->n_decimals == 0) return false;
  if (at == end) return true;
  return (*at == 'e' || *at == 'E') && take_exponent(at + 1, end, &p->exponent);
}

/* The digits of a number, as if there were no point, and what of it they are. */
struct digits {
  const struct parts *parts;
  size_t n;
};

static unsigned digit_at(const struct digits *d, size_t i) {
  const struct parts *p = d->parts;
  return (unsigned)((i < p->n_whole ? p->whole[i] : p->decimals[i - p->n_whole]) - '0');
}

/* Appends a digit. false: there is no room. */
static bool append(uint64_t *value, unsigned digit) {
  if (*value > ((uint64_t)INT64_MAX - digit) / 10) return false;
  *value = *value * 10 + digit;
  return true;
}

/* Are the digits from i on more than half of the place before i (1), half (0) or less (-1)? *any: is one not 0? */
static int compare_half(const struct digits *d, size_t i, bool *any) {
  const unsigned first = digit_at(d, i);
  bool more = false;
  for (size_t k = i + 1; k < d->n && !more; k++) more = digit_at(d, k) != 0;
  *any = first > 0 || more;
  if (first != 5) return first > 5 ? 1 : -1;
  return more ? 1 : 0;
}

/* Rounds by the digits from i on; before them there may be zeros that the text does not have. */
static enum tlw_decimal round_off(const struct digits *d, size_t i, bool has_zeros, uint64_t *value) {
  bool any;
  const int half = compare_half(d, i, &any);
  if (!any) return TLW_DECIMAL_EXACT;
  const bool up = !has_zeros && (half > 0 || (half == 0 && *value % 2 == 1));
  if (up && *value == (uint64_t)INT64_MAX) return TLW_DECIMAL_TOO_LARGE;
  *value += up;
  return TLW_DECIMAL_ROUNDED;
}

/* The digits times 10^shift. */
static enum tlw_decimal scale(const struct digits *d, int64_t shift, uint64_t *value) {
  const int64_t n = (int64_t)d->n;
  const size_t n_kept = shift >= 0 ? d->n : n + shift > 0 ? (size_t)(n + shift) : 0;
  *value = 0;
  for (size_t i = 0; i < n_kept; i++)
    if (!append(value, digit_at(d, i))) return TLW_DECIMAL_TOO_LARGE;
  for (int64_t i = 0; i<shift && * value> 0; i++)
    if (!append(value, 0)) return TLW_DECIMAL_TOO_LARGE;
  return n_kept < d->n ? round_off(d, n_kept, n + shift < 0, value) : TLW_DECIMAL_EXACT;
}

static enum tlw_decimal finish(const struct parts *p, int64_t shift, int64_t *value) {
  const struct digits d = {p, p->n_whole + p->n_decimals};
  uint64_t magnitude;
  const enum tlw_decimal how = scale(&d, shift, &magnitude);
  if (how <= TLW_DECIMAL_ROUNDED) *value = p->negative ? -(int64_t)magnitude : (int64_t)magnitude;
  return how;
}

enum tlw_decimal tlw_decimal_read(const char *text, size_t length, int64_t *value) {
  struct parts p;
  if (!divide(text, length, &p)) return TLW_DECIMAL_NONE;
  return finish(&p, p.exponent - (int64_t)p.n_decimals + TLW_DECIMALS, value);
}

enum tlw_decimal tlw_whole_read(const char *text, size_t length, int64_t *value) {
  struct parts p;
  if (!divide(text, length, &p) || p.n_whole == 0 ||
      p.whole + p.n_whole + (p.decimals != NULL) + p.n_decimals != text + length)
    return TLW_DECIMAL_NONE;
  const enum tlw_decimal how = finish(&p, -(int64_t)p.n_decimals, value);
  return how == TLW_DECIMAL_ROUNDED ? TLW_DECIMAL_NONE : how;
}
