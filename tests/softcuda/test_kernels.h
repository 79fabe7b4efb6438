/* Arguments of the kernels of test_kernels.c. */
#ifndef TALLOW_SOFTCUDA_TEST_KERNELS_H
#define TALLOW_SOFTCUDA_TEST_KERNELS_H

#include <stdint.h>

typedef struct softcuda_test_args {
  uint64_t in, out; /* offsets of u32 arrays; softcuda_poke: of a byte */
  uint32_t lanes;   /* of a block */
  uint32_t count, value;
} softcuda_test_args;

#endif
