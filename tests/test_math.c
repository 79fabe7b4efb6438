/*
 * kernels/core/math.h: within 1 ulp of the truth, by the header's text, and the same bits in every width of vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/math.h"
#include "math_lanes.h"
#include "oracle.h"
#include "series.h"

/* The reference must tell a small part of an ulp. */
_Static_assert(LDBL_MANT_DIG >= DBL_MANT_DIG + 10, "long double is wider than double");

#define BLOCK 4096
#define BLOCKS 50

#define GREATEST_BITS UINT64_C(0x7fefffffffffffff)
#define ROOT_HALF_BITS UINT64_C(0x3fe6a09e667f3bcd)

static double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* How far y is from ln x, in units of the last place of ln x. */
static double error_of(double x, double y) {
  const long double truth = logl((long double)x);
  if (truth == 0.0L) return y == 0.0 ? 0.0 : HUGE_VAL;
  return (double)(fabsl((long double)y - truth) / ldexpl(1.0L, ilogbl(truth) - (DBL_MANT_DIG - 1)));
}

typedef double (*number_fn)(rng *r);

/* Any magnitude. */
static double any_number(rng *r) { return from_bits(1 + rng_below(r, GREATEST_BITS)); }

static double near_one(rng *r) {
  const double part = ldexp(rng_unit(r), -rng_between(r, 1, 52));
  return rng_below(r, 2) ? 1.0 + part : 1.0 - part;
}

/* Of any number of bits. */
static double denormal(rng *r) { return from_bits(1 + rng_below(r, UINT64_C(1) << rng_between(r, 1, 52))); }

/* Any mantissa, of those that keep their exponent as it is. */
static double around_one(rng *r) { return from_bits(ROOT_HALF_BITS + rng_below(r, UINT64_C(1) << 52)); }

/* A few bits from a power of two, denormal ones too. */
static double near_power(rng *r) {
  const int32_t power = rng_between(r, -1074, 1023);
  double x = ldexp(1.0, power);
  for (int32_t i = rng_between(r, 0, 3); i > 0 && x < DBL_MAX; i--) x = nextafter(x, DBL_MAX);
  for (int32_t i = rng_between(r, 0, 3); i > 0 && x > 0x1p-1074; i--) x = nextafter(x, 0.0);
  return x;
}

/* A few bits from where one exponent's numbers are taken to be the next one's. */
static double near_seam(rng *r) {
  const uint64_t exponent = rng_below(r, 2046), bits = ROOT_HALF_BITS % (UINT64_C(1) << 52);
  return from_bits(((exponent << 52) | bits) + rng_below(r, 9) - 4);
}

/* What prices are: cents. */
static double cents(rng *r) { return (double)(1 + rng_below(r, UINT64_C(100000000))) / 100.0; }

static const struct {
  const char *name;
  number_fn number;
} kinds[] = {{"any number", any_number}, {"near one", near_one},   {"denormal", denormal}, {"around one", around_one},
             {"near power", near_power}, {"near seam", near_seam}, {"cents", cents}};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void test_ln_is_within_an_ulp(void **state) {
  (void)state;
  for (size_t k = 0; k < KINDS; k++) {
    rng r = {k + 1};
    double worst = 0.0, worst_at = 0.0;
    for (int i = 0; i < BLOCK * BLOCKS; i++) {
      const double x = kinds[k].number(&r), error = error_of(x, tlk_ln(x));
      if (error <= worst) continue;
      worst = error;
      worst_at = x;
    }
    print_message("%s: within %.4f ulp\n", kinds[k].name, worst);
    if (!(worst < 1.0)) fail_msg("%s: %.4f ulp at %a", kinds[k].name, worst, worst_at);
  }
}

/* From each number to the next, of all kinds and at all magnitudes. */
static void test_ln_never_decreases(void **state) {
  (void)state;
  for (size_t k = 0; k < KINDS; k++) {
    rng r = {300 + k};
    for (int i = 0; i < BLOCK * BLOCKS; i++) {
      const double x = kinds[k].number(&r);
      if (tlk_ln(nextafter(x, DBL_MAX)) < tlk_ln(x)) fail_msg("ln %a is more than that of the next number", x);
    }
  }
}

/* Logarithms worked out in 200 bits, to the nearest double. */
static const struct {
  double x, ln;
} known[] = {
    {0x0.0000000000001p-1022, -0x1.74385446d71c3p+9}, {0x1.0000000000000p-1022, -0x1.6232bdd7abcd2p+9},
    {0x1.0000000000000p-1022, -0x1.6232bdd7abcd2p+9}, {0x1.0000000000000p-30, -0x1.4cb5ecf0a9650p+4},
    {0x1.6a09e667f3bcdp-1, -0x1.62e42fefa39eep-2},    {0x1.6a09e667f3bccp-1, -0x1.62e42fefa39f1p-2},
    {0x1.fffffffffffffp-1, -0x1.0000000000000p-53},   {0x1.0000000000001p+0, 0x1.fffffffffffffp-53},
    {0x1.6a09e667f3bcdp+0, 0x1.62e42fefa39f0p-2},     {0x1.6a09e667f3bccp+0, 0x1.62e42fefa39eep-2},
    {0x1.0000000000000p+1, 0x1.62e42fefa39efp-1},     {0x1.4000000000000p+3, 0x1.26bb1bbb55516p+1},
    {0x1.2d0ccccccccccp+5, 0x1.d05ce436629f7p+1},     {0x1.0000000000000p+53, 0x1.25e4f7b2737fap+5},
    {0x1.8000000000000p+1000, 0x1.5ac6bd17df487p+9},  {0x1.fffffffffffffp+1023, 0x1.62e42fefa39efp+9},
};

static void test_ln_of_known_numbers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    const double y = tlk_ln(known[i].x);
    if (y != known[i].ln && y != nextafter(known[i].ln, HUGE_VAL) && y != nextafter(known[i].ln, -HUGE_VAL))
      fail_msg("ln %a is %a, not %a", known[i].x, y, known[i].ln);
  }
  assert_true(tlk_ln(1.0) == 0.0);
  assert_false(signbit(tlk_ln(1.0)));
}

/* The text of tallow/chart.h, followed by the oracle. */
static void test_ln_is_the_headers(void **state) {
  (void)state;
  for (size_t k = 0; k < KINDS; k++) {
    rng r = {100 + k};
    for (int i = 0; i < BLOCK * BLOCKS; i++) {
      const double x = kinds[k].number(&r), got = tlk_ln(x), expected = oracle_ln(x);
      if (memcmp(&got, &expected, sizeof got) != 0) fail_msg("ln %a is %a, by the header %a", x, got, expected);
    }
  }
}

static void test_lanes_agree(void **state) {
  (void)state;
  void (*const widths[])(const double *, double *, size_t) = {ln_by_2, ln_by_4, ln_by_8};
  static double x[BLOCK], one_by_one[BLOCK], y[BLOCK];
  for (size_t k = 0; k < KINDS; k++) {
    rng r = {200 + k};
    for (int block = 0; block < BLOCKS; block++) {
      /* Neighbours of all kinds. */
      for (int i = 0; i < BLOCK; i++) {
        x[i] = kinds[(k + rng_below(&r, 2)) % KINDS].number(&r);
        one_by_one[i] = tlk_ln(x[i]);
      }
      for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        memset(y, 0x5A, sizeof y);
        widths[w](x, y, BLOCK);
        assert_memory_equal(y, one_by_one, sizeof y);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ln_is_within_an_ulp), cmocka_unit_test(test_ln_never_decreases),
      cmocka_unit_test(test_ln_of_known_numbers), cmocka_unit_test(test_ln_is_the_headers),
      cmocka_unit_test(test_lanes_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
