/* The lesser and the greater of two sizes. */
#ifndef TALLOW_BASE_LEAST_H
#define TALLOW_BASE_LEAST_H

#include <stdint.h>

static inline uint64_t tlw_least_of(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t tlw_most_of(uint64_t a, uint64_t b) { return a > b ? a : b; }

#endif
