/* The CPU backend. */
#ifndef TALLOW_CPU_CPU_H
#define TALLOW_CPU_CPU_H

#include "host/seam/backend.h"

/* Describes the CPU as a device; one that TALLOW_CPU_TIER makes unusable has the reason. */
void tlw_cpu_describe(tlw_device *device);

/* Opens the backend with services->threads threads. On failure nothing is left open. */
tlw_status tlw_cpu_open(struct tlw_services *services, struct tlw_executor *executor, tlw_error *error);

#endif
