/* JKX images on the CPU. */
#ifndef TALLOW_CPU_IMAGES_H
#define TALLOW_CPU_IMAGES_H

#include "host/base/threads.h"
#include "host/seam/backend.h"
#include "tier.h"

/* Draws the images of a job into host memory and sets their reasons. */
void tlw_cpu_images(const struct tlw_cpu_tier *tier, struct tlw_team *team, const struct tlw_images_job *job);

#endif
