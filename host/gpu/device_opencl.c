/* device.h over OpenCL 1.2. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device.h"
#include "host/base/error.h"
#include "host/base/library.h"

#define BUILD_OPTIONS "-cl-std=CL1.2"
#define MAX_PLATFORMS 32
#define MAX_DEVICES 64             /* of a platform */
#define LEAST_GROUP 256            /* lanes of the largest group of any kernel */
#define PLATFORM_NOT_FOUND (-1001) /* of the loader, where no driver is registered */
#define DEVICE_UUID 0x106A         /* cl_khr_device_uuid */

extern const char tlw_opencl_chart_begin[], tlw_opencl_chart_end[];
extern const char tlw_opencl_png_begin[], tlw_opencl_png_end[];
extern const char tlw_opencl_windows_begin[], tlw_opencl_windows_end[];
extern const char tlw_opencl_bars_begin[], tlw_opencl_bars_end[];
extern const char tlw_opencl_images_begin[], tlw_opencl_images_end[];

static const struct {
  const char *begin, *end;
} sources[TLW_PROGRAMS] = {
    [TLW_PROGRAM_CHART] = {tlw_opencl_chart_begin, tlw_opencl_chart_end},
    [TLW_PROGRAM_PNG] = {tlw_opencl_png_begin, tlw_opencl_png_end},
    [TLW_PROGRAM_WINDOWS] = {tlw_opencl_windows_begin, tlw_opencl_windows_end},
    [TLW_PROGRAM_BARS] = {tlw_opencl_bars_begin, tlw_opencl_bars_end},
    [TLW_PROGRAM_IMAGES] = {tlw_opencl_images_begin, tlw_opencl_images_end},
};

#define CL_FUNCTIONS(X)                                                                                                \
  X(clGetPlatformIDs)                                                                                                  \
  X(clGetPlatformInfo)                                                                                                 \
  X(clGetDeviceIDs)                                                                                                    \
  X(clGetDeviceInfo)                                                                                                   \
  X(clCreateContext)                                                                                                   \
  X(clReleaseContext)                                                                                                  \
  X(clCreateCommandQueue)                                                                                              \
  X(clReleaseCommandQueue)                                                                                             \
  X(clCreateProgramWithSource)                                                                                         \
  X(clCreateProgramWithBinary)                                                                                         \
  X(clBuildProgram)                                                                                                    \
  X(clGetProgramInfo)                                                                                                  \
  X(clGetProgramBuildInfo)                                                                                             \
  X(clReleaseProgram)                                                                                                  \
  X(clCreateKernel)                                                                                                    \
  X(clReleaseKernel)                                                                                                   \
  X(clSetKernelArg)                                                                                                    \
  X(clCreateBuffer)                                                                                                    \
  X(clReleaseMemObject)                                                                                                \
  X(clEnqueueWriteBuffer)                                                                                              \
  X(clEnqueueReadBuffer)                                                                                               \
  X(clEnqueueReadBufferRect)                                                                                           \
  X(clEnqueueCopyBuffer)                                                                                               \
  X(clEnqueueNDRangeKernel)                                                                                            \
  X(clEnqueueMarkerWithWaitList)                                                                                       \
  X(clEnqueueBarrierWithWaitList)                                                                                      \
  X(clGetEventInfo)                                                                                                    \
  X(clGetEventProfilingInfo)                                                                                           \
  X(clReleaseEvent)                                                                                                    \
  X(clFlush)                                                                                                           \
  X(clFinish)

static struct api {
#define X(name) __typeof__(name) *name;
  CL_FUNCTIONS(X)
#undef X
} cl;

static struct {
  bool ready;
  char reason[TLW_REASON_SIZE];
} loaded;

static void load(void) {
  static const char *const names[] = {
#define X(name) #name,
      CL_FUNCTIONS(X)
#undef X
  };
  loaded.ready = tlw_library_load("libOpenCL.so.1", "the OpenCL loader", names, sizeof names / sizeof names[0], &cl,
                                  loaded.reason, sizeof loaded.reason);
}

#define MAX_KERNELS 64

struct program {
  cl_program handle;
  cl_kernel kernels[MAX_KERNELS];
  size_t n_kernels;
};

struct opencl {
  struct tlw_gpu gpu;
  int index;
  cl_device_id device;
  cl_context context;
  struct program programs[TLW_PROGRAMS];
};

static struct opencl *opencl_of(struct tlw_gpu *gpu) { return (struct opencl *)gpu; }

/* ---- errors ---- */

static tlw_status report(cl_int result, const char *what, tlw_error *error) {
  tlw_status status;
  switch (result) {
  case CL_SUCCESS:
    return TLW_OK;
  case CL_MEM_OBJECT_ALLOCATION_FAILURE:
  case CL_OUT_OF_HOST_MEMORY:
  case CL_INVALID_BUFFER_SIZE:
    status = TLW_ERR_MEMORY;
    break;
  case CL_DEVICE_NOT_AVAILABLE:
  case CL_OUT_OF_RESOURCES: /* what drivers answer once a kernel has faulted */
  case CL_INVALID_CONTEXT:
  case CL_INVALID_COMMAND_QUEUE:
    status = TLW_ERR_DEVICE_LOST;
    break;
  default:
    status = TLW_ERR_DEVICE;
    break;
  }
  return tlw_fail_native(error, status, result, "OpenCL could not %s: error %d", what, result);
}

/*
 * CL_OUT_OF_RESOURCES is both what a faulted queue answers and what memory that is given late does. The former lasts:
 * the mark that follows whatever failed tells it.
 */
static tlw_status report_use(cl_int result, const char *what, tlw_error *error) {
  if (result == CL_OUT_OF_RESOURCES) result = CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return report(result, what, error);
}

/* ---- listing ---- */

static cl_ulong number_of(cl_device_id device, cl_device_info what, size_t size) {
  cl_ulong value = 0; /* little-endian: a shorter number fills its low bytes */
  return cl.clGetDeviceInfo(device, what, size, &value, NULL) == CL_SUCCESS ? value : 0;
}

static void describe_uuid(tlw_device *device, cl_device_id id) {
  unsigned char uuid[16];
  if (cl.clGetDeviceInfo(id, DEVICE_UUID, sizeof uuid, uuid, NULL) != CL_SUCCESS) return;
  char *text = device->uuid + sprintf(device->uuid, "GPU-");
  for (int i = 0; i < 16; i++)
    text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

static void describe(tlw_device *device, int index, cl_platform_id platform, cl_device_id id) {
  *device = (tlw_device){.backend = TLW_BACKEND_OPENCL, .index = index, .usable = 1, .automatic = 1};
  char platform_name[256] = "", version[256] = "", driver[256] = "";
  cl.clGetDeviceInfo(id, CL_DEVICE_NAME, TLW_NAME_SIZE, device->name, NULL);
  cl.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof platform_name, platform_name, NULL);
  cl.clGetDeviceInfo(id, CL_DEVICE_VERSION, sizeof version, version, NULL);
  cl.clGetDeviceInfo(id, CL_DRIVER_VERSION, sizeof driver, driver, NULL);
  snprintf(device->driver, sizeof device->driver, "%.60s, %.60s", platform_name, driver);
  describe_uuid(device, id);
  device->memory_bytes = number_of(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
  device->compute_units = (uint32_t)number_of(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint));
  int major = 0, minor = 0;
  if (sscanf(version, "OpenCL %d.%d", &major, &minor) != 2 || 10 * major + minor < 12)
    tlw_device_refuse(device, "it has no OpenCL 1.2");
  else if (number_of(id, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof(cl_device_fp_config)) == 0)
    tlw_device_refuse(device, "it has no double precision (fp64)");
  else if (!number_of(id, CL_DEVICE_AVAILABLE, sizeof(cl_bool)))
    tlw_device_refuse(device, "its driver says that it is not available");
  else if (!number_of(id, CL_DEVICE_COMPILER_AVAILABLE, sizeof(cl_bool)))
    tlw_device_refuse(device, "its driver has no compiler");
  else if (!number_of(id, CL_DEVICE_ENDIAN_LITTLE, sizeof(cl_bool)))
    tlw_device_refuse(device, "it is big-endian");
  else if (number_of(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t)) < LEAST_GROUP)
    tlw_device_refuse(device, "its work groups are too small");
  else if (!(number_of(id, CL_DEVICE_TYPE, sizeof(cl_device_type)) & CL_DEVICE_TYPE_GPU)) {
    device->automatic = 0;
    snprintf(device->reason, sizeof device->reason, "not a GPU: the cpu backend is faster, ask for opencl by name");
  }
}

/* All devices of all platforms, in the drivers' order. Calls visit until it answers false. */
typedef bool (*visit_fn)(void *context, int index, cl_platform_id platform, cl_device_id device);

static cl_int visit_devices(visit_fn visit, void *context) {
  cl_platform_id platforms[MAX_PLATFORMS];
  cl_uint n_platforms = 0;
  const cl_int result = cl.clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms);
  if (result != CL_SUCCESS) return result;
  if (n_platforms > MAX_PLATFORMS) n_platforms = MAX_PLATFORMS;
  int index = 0;
  for (cl_uint p = 0; p < n_platforms; p++) {
    cl_device_id devices[MAX_DEVICES];
    cl_uint n_devices = 0;
    if (cl.clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices) != CL_SUCCESS) continue;
    if (n_devices > MAX_DEVICES) n_devices = MAX_DEVICES;
    for (cl_uint d = 0; d < n_devices; d++)
      if (!visit(context, index++, platforms[p], devices[d])) return CL_SUCCESS;
  }
  return CL_SUCCESS;
}

static bool list_one(void *list, int index, cl_platform_id platform, cl_device_id id) {
  tlw_device device;
  describe(&device, index, platform, id);
  tlw_device_list_add(list, &device);
  return true;
}

void tlw_opencl_list(struct tlw_device_list *list) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (!loaded.ready) {
    tlw_device_list_add_absence(list, TLW_BACKEND_OPENCL, loaded.reason);
    return;
  }
  const size_t before = list->count;
  const cl_int result = visit_devices(list_one, list);
  if (list->count > before || list->lost) return;
  char reason[TLW_REASON_SIZE] =
      "the OpenCL loader found no driver with a device: install one, or let clinfo tell why it is not seen";
  if (result != CL_SUCCESS && result != PLATFORM_NOT_FOUND)
    snprintf(reason, sizeof reason, "libOpenCL.so.1 failed to list platforms: error %d", result);
  tlw_device_list_add_absence(list, TLW_BACKEND_OPENCL, reason);
}

/* ---- the device ---- */

static void release_program(struct program *program) {
  for (size_t i = 0; i < program->n_kernels; i++) cl.clReleaseKernel(program->kernels[i]);
  program->n_kernels = 0;
  if (program->handle) cl.clReleaseProgram(program->handle);
  program->handle = NULL;
}

static void opencl_close(struct tlw_gpu *gpu) {
  struct opencl *opencl = opencl_of(gpu);
  for (int i = 0; i < TLW_PROGRAMS; i++) release_program(&opencl->programs[i]);
  if (opencl->context) cl.clReleaseContext(opencl->context);
  tlw_raw_free(opencl);
}

static void opencl_abandon(struct tlw_gpu *gpu) { tlw_raw_free(opencl_of(gpu)); }

static const void *opencl_program(struct tlw_gpu *gpu, enum tlw_gpu_program which, size_t *size) {
  (void)gpu;
  *size = (size_t)(sources[which].end - sources[which].begin);
  return sources[which].begin;
}

static cl_int create_kernels(struct program *program, const char *const *names, size_t n,
                             struct tlw_gpu_kernel *kernels) {
  cl_int result = CL_SUCCESS;
  for (size_t i = 0; i < n && result == CL_SUCCESS; i++) {
    cl_kernel kernel = cl.clCreateKernel(program->handle, names[i], &result);
    if (result == CL_SUCCESS) kernels[i].handle = program->kernels[program->n_kernels++] = kernel;
  }
  return result;
}

static cl_int create_program(struct opencl *opencl, enum tlw_gpu_program which, const struct tlw_block *kept) {
  cl_program *program = &opencl->programs[which].handle;
  cl_int result;
  if (kept) {
    const unsigned char *binary = kept->data;
    const size_t size = (size_t)kept->size;
    cl_int taken = CL_SUCCESS;
    *program = cl.clCreateProgramWithBinary(opencl->context, 1, &opencl->device, &size, &binary, &taken, &result);
    return result == CL_SUCCESS ? taken : result;
  }
  size_t size;
  const char *source = opencl_program(&opencl->gpu, which, &size);
  *program = cl.clCreateProgramWithSource(opencl->context, 1, &source, &size, &result);
  return result;
}

/* With what the compiler says, on one line. */
static tlw_status report_build(struct opencl *opencl, cl_program program, cl_int result, tlw_error *error) {
  size_t size = 0;
  cl.clGetProgramBuildInfo(program, opencl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
  char *log = tlw_raw_calloc(1, size + 1);
  if (log) cl.clGetProgramBuildInfo(program, opencl->device, CL_PROGRAM_BUILD_LOG, size, log, NULL);
  for (char *c = log; c && *c; c++)
    if (*c == '\n') *c = ' ';
  tlw_fail_native(error, TLW_ERR_UNAVAILABLE, result, "OpenCL could not compile the kernels: error %d, %.200s", result,
                  log ? log : "");
  tlw_raw_free(log);
  return TLW_ERR_UNAVAILABLE;
}

static tlw_status opencl_kernels_open(struct tlw_gpu *gpu, enum tlw_gpu_program which, const char *const *names,
                                      size_t n, const struct tlw_block *kept, struct tlw_gpu_kernel *kernels,
                                      tlw_error *error) {
  struct opencl *opencl = opencl_of(gpu);
  struct program *program = &opencl->programs[which];
  if (n > MAX_KERNELS) return tlw_fail(error, TLW_ERR_INTERNAL, "more than %d kernels", MAX_KERNELS);
  tlw_status status = report(create_program(opencl, which, kept), "take the kernels", error);
  if (status == TLW_OK) {
    const cl_int built = cl.clBuildProgram(program->handle, 1, &opencl->device, BUILD_OPTIONS, NULL, NULL);
    if (built != CL_SUCCESS) status = report_build(opencl, program->handle, built, error);
  }
  if (status == TLW_OK) status = report(create_kernels(program, names, n, kernels), "find a kernel", error);
  if (status != TLW_OK) release_program(program);
  return status;
}

static tlw_status opencl_kernels_save(struct tlw_gpu *gpu, enum tlw_gpu_program which, struct tlw_memory *memory,
                                      struct tlw_block *saved, tlw_error *error) {
  const cl_program program = opencl_of(gpu)->programs[which].handle;
  size_t size = 0;
  cl_int result = cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL);
  if (result != CL_SUCCESS) return report(result, "save the kernels", error);
  const tlw_status status = tlw_block_reserve(memory, saved, size, "compiled kernels", error);
  if (status != TLW_OK) return status;
  result = cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof saved->data, &saved->data, NULL);
  return report(result, "save the kernels", error);
}

static cl_mem memory_of(const struct tlw_slab *slab) { return (cl_mem)(uintptr_t)slab->handle; }

static tlw_status opencl_slab_open(struct tlw_gpu *gpu, uint64_t size, struct tlw_slab *slab, tlw_error *error) {
  cl_int result;
  cl_mem memory = cl.clCreateBuffer(opencl_of(gpu)->context, CL_MEM_READ_WRITE, (size_t)size, NULL, &result);
  *slab = (struct tlw_slab){(uintptr_t)memory, result == CL_SUCCESS ? size : 0};
  if (result == CL_OUT_OF_RESOURCES) result = CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return report(result, "allocate device memory", error);
}

static void opencl_slab_close(struct tlw_gpu *gpu, struct tlw_slab *slab) {
  (void)gpu;
  cl.clReleaseMemObject(memory_of(slab));
  *slab = (struct tlw_slab){0};
}

/* OpenCL knows no page-locked memory; that of the mapping is the system's again as soon as it is closed. */
static tlw_status opencl_host_open(struct tlw_gpu *gpu, uint64_t size, void **memory, tlw_error *error) {
  (void)gpu;
  *memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (*memory != MAP_FAILED) return TLW_OK;
  return tlw_fail_native(error, TLW_ERR_MEMORY, errno, "the system has no %llu bytes for pixels",
                         (unsigned long long)size);
}

static void opencl_host_close(struct tlw_gpu *gpu, void *memory, uint64_t size) {
  (void)gpu;
  munmap(memory, (size_t)size);
}

static tlw_status opencl_queue_open(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue, tlw_error *error) {
  const cl_command_queue_properties properties = gpu->timed ? CL_QUEUE_PROFILING_ENABLE : 0;
  cl_int result;
  queue->handle = cl.clCreateCommandQueue(opencl_of(gpu)->context, opencl_of(gpu)->device, properties, &result);
  return report(result, "create a queue", error);
}

static void opencl_queue_close(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue) {
  (void)gpu;
  cl.clReleaseCommandQueue(queue->handle);
  queue->handle = NULL;
}

/* An OpenCL event is made by each record; the handle holds the newest. */
static tlw_status opencl_event_open(struct tlw_gpu *gpu, struct tlw_gpu_event *event, tlw_error *error) {
  (void)gpu;
  (void)error;
  event->handle = NULL;
  return TLW_OK;
}

static void opencl_event_close(struct tlw_gpu *gpu, struct tlw_gpu_event *event) {
  (void)gpu;
  if (event->handle) cl.clReleaseEvent(event->handle);
  event->handle = NULL;
}

static tlw_status opencl_event_record(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                      struct tlw_gpu_event *event, tlw_error *error) {
  opencl_event_close(gpu, event);
  cl_event handle = NULL;
  cl_int result = cl.clEnqueueMarkerWithWaitList(queue->handle, 0, NULL, &handle);
  /* What another queue waits for must be on its way to the device. */
  if (result == CL_SUCCESS) result = cl.clFlush(queue->handle);
  event->handle = handle;
  return report(result, "record an event", error);
}

static tlw_status opencl_event_wait(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                    const struct tlw_gpu_event *event, tlw_error *error) {
  (void)gpu;
  if (!event->handle) return TLW_OK;
  const cl_event handle = event->handle;
  return report(cl.clEnqueueBarrierWithWaitList(queue->handle, 1, &handle, NULL), "wait for an event", error);
}

/* The status of a marker tells that a command before it went wrong. */
static tlw_status opencl_event_done(struct tlw_gpu *gpu, const struct tlw_gpu_event *event, bool *done,
                                    tlw_error *error) {
  (void)gpu;
  cl_int ended = CL_QUEUED;
  const cl_int result = cl.clGetEventInfo(event->handle, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof ended, &ended, NULL);
  *done = result == CL_SUCCESS && ended <= CL_COMPLETE;
  return report(result == CL_SUCCESS && ended < 0 ? ended : result, "finish its work", error);
}

static tlw_status opencl_event_time(struct tlw_gpu *gpu, const struct tlw_gpu_event *from,
                                    const struct tlw_gpu_event *to, int64_t *nanoseconds, tlw_error *error) {
  (void)gpu;
  cl_ulong begin = 0, end = 0;
  cl_int result = cl.clGetEventProfilingInfo(from->handle, CL_PROFILING_COMMAND_END, sizeof begin, &begin, NULL);
  if (result == CL_SUCCESS)
    result = cl.clGetEventProfilingInfo(to->handle, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
  *nanoseconds = (int64_t)(end - begin);
  return report(result, "time an event", error);
}

static tlw_status opencl_upload(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_slab *slab,
                                uint64_t offset, const void *source, uint64_t size, tlw_error *error) {
  (void)gpu;
  const cl_int result = cl.clEnqueueWriteBuffer(queue->handle, memory_of(slab), CL_FALSE, (size_t)offset, (size_t)size,
                                                source, 0, NULL, NULL);
  return report_use(result, "copy to the device", error);
}

static tlw_status opencl_download(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                  const struct tlw_gpu_download *d, tlw_error *error) {
  (void)gpu;
  if (d->rows == 1) {
    const cl_int copied = cl.clEnqueueReadBuffer(queue->handle, memory_of(d->slab), CL_FALSE, (size_t)d->offset,
                                                 (size_t)d->width, d->target, 0, NULL, NULL);
    return report_use(copied, "copy from the device", error);
  }
  const size_t from[3] = {(size_t)(d->offset % d->pitch), (size_t)(d->offset / d->pitch), 0};
  const size_t to[3] = {0, 0, 0};
  const size_t region[3] = {(size_t)d->width, (size_t)d->rows, 1};
  const cl_int result =
      cl.clEnqueueReadBufferRect(queue->handle, memory_of(d->slab), CL_FALSE, from, to, region, (size_t)d->pitch, 0,
                                 (size_t)d->target_pitch, 0, d->target, 0, NULL, NULL);
  return report_use(result, "copy from the device", error);
}

static tlw_status opencl_copy(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_gpu_copy *copy,
                              tlw_error *error) {
  (void)gpu;
  const cl_int result =
      cl.clEnqueueCopyBuffer(queue->handle, memory_of(copy->from), memory_of(copy->to), (size_t)copy->from_offset,
                             (size_t)copy->to_offset, (size_t)copy->size, 0, NULL, NULL);
  return report_use(result, "copy within the device", error);
}

static struct tlw_location opencl_locate(struct tlw_gpu *gpu, const struct tlw_slab *slab, uint64_t offset) {
  return (struct tlw_location){
      .place = TLW_DL_OPENCL, .device = opencl_of(gpu)->index, .data = memory_of(slab), .offset = offset};
}

static tlw_status opencl_launch(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                const struct tlw_gpu_kernel *kernel, uint32_t groups, uint32_t lanes, const void *args,
                                size_t args_size, const struct tlw_slab *slab, tlw_error *error) {
  (void)gpu;
  const cl_mem memory = memory_of(slab);
  const size_t all = (size_t)groups * lanes, each = lanes;
  cl_int result = cl.clSetKernelArg(kernel->handle, 0, args_size, args);
  if (result == CL_SUCCESS) result = cl.clSetKernelArg(kernel->handle, 1, sizeof memory, &memory);
  if (result == CL_SUCCESS)
    result = cl.clEnqueueNDRangeKernel(queue->handle, kernel->handle, 1, NULL, &all, &each, 0, NULL, NULL);
  return report_use(result, "launch a kernel", error);
}

static tlw_status opencl_finish(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, tlw_error *error) {
  (void)gpu;
  return report(cl.clFinish(queue->handle), "finish its work", error);
}

static const struct tlw_gpu_ops ops = {
    .close = opencl_close,
    .abandon = opencl_abandon,
    .program = opencl_program,
    .kernels_open = opencl_kernels_open,
    .kernels_save = opencl_kernels_save,
    .slab_open = opencl_slab_open,
    .slab_close = opencl_slab_close,
    .host_open = opencl_host_open,
    .host_close = opencl_host_close,
    .queue_open = opencl_queue_open,
    .queue_close = opencl_queue_close,
    .event_open = opencl_event_open,
    .event_close = opencl_event_close,
    .event_record = opencl_event_record,
    .event_wait = opencl_event_wait,
    .event_done = opencl_event_done,
    .event_time = opencl_event_time,
    .upload = opencl_upload,
    .download = opencl_download,
    .copy = opencl_copy,
    .locate = opencl_locate,
    .launch = opencl_launch,
    .finish = opencl_finish,
};

struct search {
  int index;
  cl_device_id found;
};

static bool find_one(void *context, int index, cl_platform_id platform, cl_device_id id) {
  (void)platform;
  struct search *search = context;
  if (index == search->index) search->found = id;
  return !search->found;
}

tlw_status tlw_opencl_open(const tlw_device *device, struct tlw_gpu **gpu, tlw_error *error) {
  *gpu = NULL;
  struct search search = {.index = device->index};
  const cl_int listed = visit_devices(find_one, &search);
  if (listed != CL_SUCCESS) return report(listed, "list devices", error);
  if (!search.found) return tlw_fail(error, TLW_ERR_UNAVAILABLE, "OpenCL device %d is gone", device->index);
  struct opencl *opencl = tlw_raw_calloc(1, sizeof *opencl);
  if (!opencl) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for an OpenCL device");
  opencl->gpu.ops = &ops;
  opencl->index = device->index;
  opencl->device = search.found;
  cl_int result;
  opencl->context = cl.clCreateContext(NULL, 1, &opencl->device, NULL, NULL, &result);
  if (result != CL_SUCCESS) {
    tlw_raw_free(opencl);
    return report(result, "open the device", error);
  }
  snprintf(opencl->gpu.identity, sizeof opencl->gpu.identity, "%s|%s|%s|%s", device->name, device->uuid, device->driver,
           BUILD_OPTIONS);
  opencl->gpu.free_memory = device->memory_bytes; /* OpenCL has no call for what is free */
  opencl->gpu.largest_slab = number_of(opencl->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong));
  opencl->gpu.unified = number_of(opencl->device, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof(cl_bool)) != 0;
  *gpu = &opencl->gpu;
  return TLW_OK;
}
