/* Planted failures of the driver, in builds with TALLOW_FAULTS. */
#ifndef TALLOW_GPU_FAULTS_H
#define TALLOW_GPU_FAULTS_H

#include "device.h"

#ifdef TALLOW_FAULTS
/* From now on each operation of the device that can fail may be made to, see tlw_fault_plant. */
void tlw_gpu_plant_faults(struct tlw_gpu *gpu);
#endif

#endif
