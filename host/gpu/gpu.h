/* The GPU backends: CUDA and OpenCL. */
#ifndef TALLOW_GPU_GPU_H
#define TALLOW_GPU_GPU_H

#include "host/seam/backend.h"
#include "host/seam/device_list.h"

/* Appends the devices of the backend; if it has none, one entry that says why. */
void tlw_gpu_list(tlw_backend backend, struct tlw_device_list *list);

/*
 * Opens a device of the list: loads the kernels of charts and runs their self-test unless its result is kept. Those
 * of windows follow when they are first used. On failure nothing is left open. TLW_ERR_UNAVAILABLE: the driver, the
 * kernels or the self-test failed, the message says how.
 */
tlw_status tlw_gpu_open(struct tlw_services *services, const tlw_device *device, struct tlw_executor *executor,
                        tlw_error *error);

#endif
