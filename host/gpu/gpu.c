#include "gpu.h"

#include "backend.h"
#include "host/base/error.h"

void tlw_gpu_list(tlw_backend backend, struct tlw_device_list *list) {
  const size_t before = list->count;
  switch (backend) {
#ifdef TALLOW_WITH_CUDA
  case TLW_BACKEND_CUDA:
    tlw_cuda_list(list);
    break;
#endif
#ifdef TALLOW_WITH_OPENCL
  case TLW_BACKEND_OPENCL:
    tlw_opencl_list(list);
    break;
#endif
  default:
    break;
  }
  if (list->count == before && !list->lost)
    tlw_device_list_add_absence(list, backend, "this build has no such backend");
}

tlw_status tlw_gpu_open(struct tlw_services *services, const tlw_device *device, struct tlw_executor *executor,
                        tlw_error *error) {
#ifdef TALLOW_WITH_CUDA
  if (device->backend == TLW_BACKEND_CUDA)
    return tlw_gpu_backend_open(services, device, tlw_cuda_open, executor, error);
#endif
#ifdef TALLOW_WITH_OPENCL
  if (device->backend == TLW_BACKEND_OPENCL)
    return tlw_gpu_backend_open(services, device, tlw_opencl_open, executor, error);
#endif
  (void)services;
  (void)executor;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE, "this build has no %s backend", tlw_backend_name(device->backend));
}
