/*
 * Candles merged into pixel columns chunk by chunk, held against a merge written from the rules of tallow/chart.h
 * alone. Without a test framework, for it also runs where there is none.
 */
#ifndef TALLOW_TESTS_MERGING_H
#define TALLOW_TESTS_MERGING_H

#include <stdbool.h>
#include <stdint.h>

#include "host/cpu/tier.h"

/* A random case: a hostile series, cut into chunks of some type and stride. False, with the reason printed. */
bool merging_agrees(const struct tlw_cpu_tier *tier, uint64_t seed);

/* The same for a copy of one column as contiguous numbers. */
bool gathering_agrees(uint64_t seed);

#endif
