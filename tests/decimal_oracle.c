#include "decimal_oracle.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to 22 a power of ten is a double, so that one product or quotient is rounded once. */
double decimal_value(decimal d) {
  static const double tens[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (d.digits == 0) return 0.0;
  if (llabs(d.digits) < INT64_C(1) << 53 && abs(d.exponent) <= 22)
    return d.exponent < 0 ? (double)d.digits / tens[-d.exponent] : (double)d.digits * tens[d.exponent];
  char text[48];
  snprintf(text, sizeof text, "%" PRId64 "e%d", d.digits, d.exponent);
  return strtod(text, NULL);
}

decimal decimal_trimmed(decimal d) {
  while (d.digits != 0 && d.digits % 10 == 0) d = (decimal){d.digits / 10, d.exponent + 1};
  return d.digits != 0 ? d : (decimal){0, 0};
}

int decimal_places(decimal d) {
  const int exponent = decimal_trimmed(d).exponent;
  return exponent < 0 ? -exponent : 0;
}

/* The digits of "-1.25e-07", which are as many as were asked for, and the exponent. */
static decimal read_scientific(const char *text) {
  decimal d = {0, 0};
  const bool below = *text == '-';
  for (text += below; *text != 'e'; text++) {
    if (*text == '.') continue;
    d.digits = 10 * d.digits + (*text - '0');
    d.exponent--;
  }
  d.exponent += 1 + atoi(text + 1);
  if (below) d.digits = -d.digits;
  return decimal_trimmed(d);
}

decimal decimal_of(double x) {
  char text[48];
  if (x == 0.0) return (decimal){0, 0};
  for (int digits = 1; digits <= 14; digits++) {
    snprintf(text, sizeof text, "%.*e", digits - 1, x);
    if (strtod(text, NULL) == x) return read_scientific(text);
  }
  snprintf(text, sizeof text, "%.7e", x);
  return read_scientific(text);
}

/* ---- text ---- */

static void digits_of(char out[DECIMAL_TEXT], decimal d) { snprintf(out, DECIMAL_TEXT, "%lld", llabs(d.digits)); }

void decimal_plain(char out[DECIMAL_TEXT], decimal d, int places) {
  char digits[DECIMAL_TEXT], number[3 * DECIMAL_TEXT] = "";
  d = decimal_trimmed(d);
  digits_of(digits, d);
  const int zeros = d.digits != 0 ? d.exponent + places : 0;
  const int missing = places + 1 - (int)strlen(digits) - zeros;
  snprintf(number, sizeof number, "%.*s%s%.*s", missing > 0 ? missing : 0, "00000000000000000000", digits, zeros,
           "00000000000000000000");
  const int whole = (int)strlen(number) - places;
  snprintf(out, DECIMAL_TEXT, "%s%.*s%s%s", d.digits < 0 ? "-" : "", whole, number, places > 0 ? "." : "",
           number + whole);
}

void decimal_scientific(char out[DECIMAL_TEXT], decimal d) {
  char digits[DECIMAL_TEXT];
  d = decimal_trimmed(d);
  digits_of(digits, d);
  const int more = (int)strlen(digits) - 1;
  if (d.digits == 0)
    snprintf(out, DECIMAL_TEXT, "0");
  else
    snprintf(out, DECIMAL_TEXT, "%s%c%s%.40se%d", d.digits < 0 ? "-" : "", digits[0], more > 0 ? "." : "", digits + 1,
             d.exponent + more);
}

/* Before the point, at least one. */
static int whole_digits(decimal d) {
  char digits[DECIMAL_TEXT];
  digits_of(digits, decimal_trimmed(d));
  const int whole = (int)strlen(digits) + decimal_trimmed(d).exponent;
  return whole > 1 ? whole : 1;
}

bool decimal_is_plain(decimal d, int places) {
  const double size = fabs(decimal_value(d));
  return (size == 0.0 || (size >= 1e-12 && size <= 1e12)) && whole_digits(d) + places <= 14;
}

void decimal_alone(char out[DECIMAL_TEXT], decimal d) {
  const int places = decimal_places(d);
  if (decimal_is_plain(d, places))
    decimal_plain(out, d, places);
  else
    decimal_scientific(out, d);
}

void decimal_short(char out[DECIMAL_TEXT], decimal d) {
  const int whole = whole_digits(d), thousands = (whole - 1) / 3;
  if (whole <= 3 || whole > 15) {
    decimal_alone(out, d);
    return;
  }
  d = decimal_trimmed(d);
  d.exponent -= 3 * thousands;
  decimal_plain(out, d, decimal_places(d));
  strncat(out, &"kMBT"[thousands - 1], 1);
}
