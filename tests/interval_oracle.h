/*
 * Intervals of time as tallow/bars.h has them, found by asking tlw_zone_local again and again: the reference for them.
 */
#ifndef TALLOW_TESTS_INTERVAL_ORACLE_H
#define TALLOW_TESTS_INTERVAL_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tallow/bars.h"

typedef struct interval_rule {
  tlw_interval interval;
  int64_t size, offset;
  const tlw_zone *zone;
} interval_rule;

/* The first moment of the interval of a time, and that of the one after it, in nanoseconds. */
__int128 interval_begin(const interval_rule *rule, int64_t time);
__int128 interval_next(const interval_rule *rule, int64_t time);

/* Whether a time is the first moment of an interval. */
bool interval_begins(const interval_rule *rule, int64_t time);

#endif
