/* A backend on a device that device.h describes. */
#ifndef TALLOW_GPU_BACKEND_H
#define TALLOW_GPU_BACKEND_H

#include "device.h"
#include "host/seam/backend.h"

/* As tlw_gpu_open, with the driver's open function. */
tlw_status tlw_gpu_backend_open(struct tlw_services *services, const tlw_device *device, tlw_gpu_open_fn open,
                                struct tlw_executor *executor, tlw_error *error);

#endif
