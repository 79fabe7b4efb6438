/* Doubles to the grid of 1e-8, exactly. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "host/base/error.h"
#include "tallow/trades.h"

__extension__ typedef unsigned __int128 wide;

/* Below this the product with 1e8 is off by less than 1/200, whatever way it is rounded. */
#define NEAR 17592186044416.0 /* 2^44 */
#define CLEAR 0.49

/* The exact product, rounded half to even. False: it is beyond 64 bits. */
static bool round_exactly(double number, int64_t *decimal) {
  int exponent;
  const double fraction = frexp(fabs(number), &exponent);
  const uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
  wide product = (wide)mantissa * TLW_DECIMAL_ONE; /* below 2^80 */
  exponent -= 53;
  if (exponent > 0) return false;
  const int shift = -exponent;
  if (shift > 90) {
    product = 0;
  } else if (shift > 0) {
    const wide rest = product & (((wide)1 << shift) - 1), half = (wide)1 << (shift - 1);
    product >>= shift;
    product += rest > half || (rest == half && product & 1);
  }
  const bool is_negative = number < 0;
  if (product > (wide)INT64_MAX + is_negative) return false;
  *decimal = is_negative ? (int64_t)(0 - (uint64_t)product) : (int64_t)product;
  return true;
}

static bool round_one(double number, int64_t *decimal) {
  const double product = number * TLW_DECIMAL_ONE;
  if (fabs(product) < NEAR) {
    const int64_t whole = (int64_t)(product < 0 ? product - 0.5 : product + 0.5);
    if (fabs(product - (double)whole) < CLEAR) {
      *decimal = whole;
      return true;
    }
  }
  return isfinite(number) && round_exactly(number, decimal);
}

tlw_status tlw_decimals_from_f64(const double *numbers, int64_t n, int64_t *decimals, tlw_error *error) {
  if (n < 0) return tlw_fail(error, TLW_ERR_ARGUMENT, "n is %lld: it must be 0 or more", (long long)n);
  if (n > 0 && (!numbers || !decimals))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", numbers ? "decimals" : "numbers");
  for (int64_t i = 0; i < n; i++)
    if (!round_one(numbers[i], &decimals[i]))
      return tlw_fail_at(error, TLW_ERR_DATA, i, -1,
                         "number %lld is %g: it must be finite, and within 92,233,720,368.54775807 either way",
                         (long long)i, numbers[i]);
  return TLW_OK;
}
