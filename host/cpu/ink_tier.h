/* Pixels of charts to numbers of tensors in SIMD tiers: compiled once per instruction set. */
#ifndef TALLOW_CPU_INK_TIER_H
#define TALLOW_CPU_INK_TIER_H

#include <stddef.h>
#include <stdint.h>

/* Inks that fit a register of bytes. */
#define TLW_CPU_FEW_INKS 16

/* out[i] = inks[pixels[i]] for n pixels, all below TLW_CPU_FEW_INKS; out does not overlap them. */
struct tlw_cpu_ink_tier {
  void (*bytes)(const uint8_t *pixels, size_t n, const uint8_t *inks, uint8_t *out);
  void (*floats)(const uint8_t *pixels, size_t n, const float *inks, float *out);
};

#endif
