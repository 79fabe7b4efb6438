/*
 * The loops of the PNG encoders held against what their header says. Without a test framework, for it also runs where
 * there is none.
 */
#ifndef TALLOW_TESTS_PNG_KIT_H
#define TALLOW_TESTS_PNG_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "host/io/png_tier.h"

/*
 * A random row of any depth, packed, filtered against a row above and refused for one pixel that is no colour; rows that
 * differ, as a whole or in some units; and what is found in bytes.
 */
bool png_tier_agrees(const struct tlw_png_tier *tier, uint64_t seed);

#endif
