/* The table of defects: what each may be met with, and what mends a candle. */
#ifndef TALLOW_IO_CSV_POLICY_H
#define TALLOW_IO_CSV_POLICY_H

#include <stdbool.h>

#include "tallow/csv.h"

#define TLW_POLICY_ADVICE_SIZE 96

/* The policies with defaults in place. TLW_ERR_ARGUMENT: a defect has not that choice. */
tlw_status tlw_policy_resolve(const tlw_policy chosen[TLW_DEFECTS], tlw_policy resolved[TLW_DEFECTS], tlw_error *error);

/* "or set the policy high-below-low to skip or swap": what there is but error. Returns out. */
const char *tlw_policy_advice(char out[TLW_POLICY_ADVICE_SIZE], tlw_defect defect);

/* The prices of a candle. A NaN is missing. */
struct tlw_prices {
  double open, high, low, close;
};

static inline bool tlw_prices_is_any_negative(const struct tlw_prices *p) {
  return p->open < 0.0 || p->high < 0.0 || p->low < 0.0 || p->close < 0.0;
}

/* Is open or close above high or below low? */
static inline bool tlw_prices_is_outside(const struct tlw_prices *p) {
  return p->open < p->low || p->open > p->high || p->close < p->low || p->close > p->high;
}

/* high becomes the greatest of the four, low the least. One that is missing stays so. */
void tlw_prices_widen(struct tlw_prices *p);

/* open and close become the nearest price in low..high. */
void tlw_prices_clamp(struct tlw_prices *p);

#endif
