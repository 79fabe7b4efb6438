/*
 * The slice of the CUDA driver API that device_cuda.c uses, declared here so that a build needs no CUDA toolkit.
 * Values and layouts are those of the driver's ABI; a test holds them against cuda.h where a toolkit is installed.
 */
#ifndef TALLOW_GPU_CUDA_API_H
#define TALLOW_GPU_CUDA_API_H

#include <stddef.h>

typedef int cu_result;                 /* CUresult */
typedef int cu_device;                 /* CUdevice */
typedef unsigned long long cu_pointer; /* CUdeviceptr */
typedef struct CUctx_st *cu_context;
typedef struct CUmod_st *cu_module;
typedef struct CUfunc_st *cu_function;
typedef struct CUstream_st *cu_stream;
typedef struct CUevent_st *cu_event;
typedef struct cu_uuid {
  char bytes[16];
} cu_uuid;

enum {
  CU_SUCCESS = 0,
  CU_INVALID_VALUE = 1,
  CU_OUT_OF_MEMORY = 2,
  CU_NOT_INITIALIZED = 3,
  CU_DEINITIALIZED = 4,
  CU_NO_DEVICE = 100,
  CU_INVALID_DEVICE = 101,
  CU_INVALID_IMAGE = 200,
  CU_INVALID_CONTEXT = 201,
  CU_NO_BINARY_FOR_GPU = 209,
  CU_ECC_UNCORRECTABLE = 214,
  CU_NVLINK_UNCORRECTABLE = 220,
  CU_INVALID_HANDLE = 400,
  CU_NOT_FOUND = 500,
  CU_NOT_READY = 600,
  CU_ILLEGAL_ADDRESS = 700,
  CU_LAUNCH_OUT_OF_RESOURCES = 701,
  CU_LAUNCH_TIMEOUT = 702,
  CU_CONTEXT_IS_DESTROYED = 709,
  CU_HARDWARE_STACK_ERROR = 714,
  CU_ILLEGAL_INSTRUCTION = 715,
  CU_MISALIGNED_ADDRESS = 716,
  CU_INVALID_ADDRESS_SPACE = 717,
  CU_INVALID_PC = 718,
  CU_LAUNCH_FAILED = 719,
  CU_TENSOR_MEMORY_LEAK = 721,
  CU_MPS_CLIENT_TERMINATED = 810,
  CU_UNKNOWN = 999
};

enum {
  CU_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_ATTRIBUTE_INTEGRATED = 18,
  CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_ATTRIBUTE_SINGLE_TO_DOUBLE_RATIO = 87
};

enum { CU_MEMORY_HOST = 1, CU_MEMORY_DEVICE = 2 };
enum { CU_STREAM_NON_BLOCKING = 1 };
enum { CU_EVENT_DISABLE_TIMING = 2 };

/* CUDA_MEMCPY2D_v2 */
typedef struct cu_copy_2d {
  size_t src_x, src_y;
  unsigned src_type;
  const void *src_host;
  cu_pointer src_device;
  void *src_array;
  size_t src_pitch;
  size_t dst_x, dst_y;
  unsigned dst_type;
  void *dst_host;
  cu_pointer dst_device;
  void *dst_array;
  size_t dst_pitch;
  size_t width, height;
} cu_copy_2d;

/* X(name in the driver, member of the table, parameters) */
#define CU_FUNCTIONS(X)                                                                                                \
  X(cuInit, init, (unsigned flags))                                                                                    \
  X(cuDriverGetVersion, driver_version, (int *version))                                                                \
  X(cuGetErrorName, error_name, (cu_result result, const char **name))                                                 \
  X(cuGetErrorString, error_string, (cu_result result, const char **text))                                             \
  X(cuDeviceGetCount, device_count, (int *count))                                                                      \
  X(cuDeviceGet, device_get, (cu_device * device, int ordinal))                                                        \
  X(cuDeviceGetName, device_name, (char *name, int length, cu_device device))                                          \
  X(cuDeviceGetUuid_v2, device_uuid, (cu_uuid * uuid, cu_device device))                                               \
  X(cuDeviceGetAttribute, device_attribute, (int *value, int attribute, cu_device device))                             \
  X(cuDeviceTotalMem_v2, device_memory, (size_t * bytes, cu_device device))                                            \
  X(cuDevicePrimaryCtxRetain, context_retain, (cu_context * context, cu_device device))                                \
  X(cuDevicePrimaryCtxRelease_v2, context_release, (cu_device device))                                                 \
  X(cuCtxPushCurrent_v2, context_push, (cu_context context))                                                           \
  X(cuCtxPopCurrent_v2, context_pop, (cu_context * context))                                                           \
  X(cuMemGetInfo_v2, memory_info, (size_t * available, size_t * total))                                                \
  X(cuMemAlloc_v2, memory_alloc, (cu_pointer * pointer, size_t bytes))                                                 \
  X(cuMemFree_v2, memory_free, (cu_pointer pointer))                                                                   \
  X(cuMemHostAlloc, host_alloc, (void **pointer, size_t bytes, unsigned flags))                                        \
  X(cuMemFreeHost, host_free, (void *pointer))                                                                         \
  X(cuMemcpyHtoDAsync_v2, upload, (cu_pointer target, const void *source, size_t bytes, cu_stream stream))             \
  X(cuMemcpyDtoHAsync_v2, download, (void *target, cu_pointer source, size_t bytes, cu_stream stream))                 \
  X(cuMemcpyDtoDAsync_v2, copy, (cu_pointer target, cu_pointer source, size_t bytes, cu_stream stream))                \
  X(cuMemcpy2DAsync_v2, copy_2d, (const cu_copy_2d *copy, cu_stream stream))                                           \
  X(cuStreamCreate, stream_create, (cu_stream * stream, unsigned flags))                                               \
  X(cuStreamDestroy_v2, stream_destroy, (cu_stream stream))                                                            \
  X(cuStreamSynchronize, stream_synchronize, (cu_stream stream))                                                       \
  X(cuStreamWaitEvent, stream_wait_event, (cu_stream stream, cu_event event, unsigned flags))                          \
  X(cuEventCreate, event_create, (cu_event * event, unsigned flags))                                                   \
  X(cuEventDestroy_v2, event_destroy, (cu_event event))                                                                \
  X(cuEventRecord, event_record, (cu_event event, cu_stream stream))                                                   \
  X(cuEventQuery, event_query, (cu_event event))                                                                       \
  X(cuEventElapsedTime, event_elapsed, (float *milliseconds, cu_event from, cu_event to))                              \
  X(cuModuleLoadData, module_load, (cu_module * module, const void *image))                                            \
  X(cuModuleUnload, module_unload, (cu_module module))                                                                 \
  X(cuModuleGetFunction, module_function, (cu_function * function, cu_module module, const char *name))                \
  X(cuLaunchKernel, launch,                                                                                            \
    (cu_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,      \
     unsigned block_z, unsigned shared_bytes, cu_stream stream, void **parameters, void **extra))

#endif
