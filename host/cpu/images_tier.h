/* JKX images in SIMD tiers: compiled once per instruction set and chosen at run time with the tier of the backend. */
#ifndef TALLOW_CPU_IMAGES_TIER_H
#define TALLOW_CPU_IMAGES_TIER_H

#include <stdint.h>

#include "host/seam/backend.h"

struct tlw_cpu_images_tier {
  /* Draws images begin to end - 1 of a job into host memory, and sets their reasons. */
  void (*draw)(const struct tlw_images_job *job, int64_t begin, int64_t end);
  /* Sets the reasons alone; images and image of the job are not looked at. */
  void (*reasons)(const struct tlw_images_job *job, int64_t begin, int64_t end);
};

#endif
