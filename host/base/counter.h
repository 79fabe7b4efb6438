/* {current, peak, total} that any thread may add to and read. */
#ifndef TALLOW_BASE_COUNTER_H
#define TALLOW_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tallow/engine.h"

struct tlw_gauge {
  _Atomic uint64_t current, peak, total;
};

/* Adds n unless current would then exceed limit. */
bool tlw_gauge_add(struct tlw_gauge *gauge, uint64_t n, uint64_t limit);
void tlw_gauge_sub(struct tlw_gauge *gauge, uint64_t n);
/* total to 0, peak to what is in use now. */
void tlw_gauge_clear(struct tlw_gauge *gauge);
tlw_counter tlw_gauge_read(const struct tlw_gauge *gauge);

#endif
