/* device.h over the CUDA driver API. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cuda_api.h"
#include "device.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/library.h"

/* Device code is made for this compute capability and above. */
#define LEAST_CAPABILITY 75

/* The toolkit that made the embedded kernels; kernels given from outside may be of any. */
#ifdef TALLOW_CUDA_VERSION
#define NEEDED_VERSION TALLOW_CUDA_VERSION
extern const char tlw_cuda_image_begin[], tlw_cuda_image_end[];
#else
#define NEEDED_VERSION 13000
static const char tlw_cuda_image_begin[1];
static const char *const tlw_cuda_image_end = tlw_cuda_image_begin;
#endif

static struct api {
#define X(symbol, member, parameters) cu_result(*member) parameters;
  CU_FUNCTIONS(X)
#undef X
} cu;

static struct {
  bool ready;
  char reason[TLW_REASON_SIZE];
} loaded;

static void load(void) {
  static const char *const names[] = {
#define X(symbol, member, parameters) #symbol,
      CU_FUNCTIONS(X)
#undef X
  };
  loaded.ready = tlw_library_load("libcuda.so.1", "NVIDIA's driver", names, sizeof names / sizeof names[0], &cu,
                                  loaded.reason, sizeof loaded.reason);
}

struct cuda {
  struct tlw_gpu gpu;
  int ordinal;
  cu_device device;
  cu_context context;
  cu_module module;
  char *image; /* read from a file, or NULL: the embedded one */
  size_t image_size;
};

static struct cuda *cuda_of(struct tlw_gpu *gpu) { return (struct cuda *)gpu; }

/* ---- errors ---- */

static const char *name_of(cu_result result) {
  const char *name = NULL;
  return cu.error_name(result, &name) == CU_SUCCESS && name ? name : "unknown error";
}

/* After these a context, and most often the process, gives nothing but errors. */
static bool is_sticky(cu_result result) {
  switch (result) {
  case CU_DEINITIALIZED:
  case CU_INVALID_CONTEXT:
  case CU_ECC_UNCORRECTABLE:
  case CU_NVLINK_UNCORRECTABLE:
  case CU_ILLEGAL_ADDRESS:
  case CU_LAUNCH_TIMEOUT:
  case CU_CONTEXT_IS_DESTROYED:
  case CU_HARDWARE_STACK_ERROR:
  case CU_ILLEGAL_INSTRUCTION:
  case CU_MISALIGNED_ADDRESS:
  case CU_INVALID_ADDRESS_SPACE:
  case CU_INVALID_PC:
  case CU_LAUNCH_FAILED:
  case CU_TENSOR_MEMORY_LEAK:
  case CU_MPS_CLIENT_TERMINATED:
  case CU_UNKNOWN:
    return true;
  default:
    return false;
  }
}

static tlw_status report(cu_result result, const char *what, tlw_error *error) {
  if (result == CU_SUCCESS) return TLW_OK;
  const tlw_status status = result == CU_OUT_OF_MEMORY ? TLW_ERR_MEMORY
                            : is_sticky(result)        ? TLW_ERR_DEVICE_LOST
                                                       : TLW_ERR_DEVICE;
  return tlw_fail_native(error, status, result, "CUDA could not %s: %s (%d)", what, name_of(result), result);
}

/* Calls the driver with the device's context current and leaves the thread's own as it was. */
#define IN_CONTEXT(cuda, result, call)                                                                                 \
  do {                                                                                                                 \
    result = cu.context_push((cuda)->context);                                                                         \
    if (result == CU_SUCCESS) {                                                                                        \
      cu_context previous;                                                                                             \
      result = (call);                                                                                                 \
      cu.context_pop(&previous);                                                                                       \
    }                                                                                                                  \
  } while (0)

/* ---- listing ---- */

static const char *image_file(void) {
  const char *file = secure_getenv("TALLOW_CUDA_IMAGE");
  return file && *file ? file : NULL;
}

static bool has_image(void) { return image_file() || tlw_cuda_image_end - tlw_cuda_image_begin > 0; }

static void describe_uuid(tlw_device *device, cu_device handle) {
  cu_uuid uuid;
  if (cu.device_uuid(&uuid, handle) != CU_SUCCESS) return;
  char *text = device->uuid;
  /* A MIG instance has a UUID of its own; its name tells it from a whole GPU. */
  text += sprintf(text, "%s", strstr(device->name, "MIG ") ? "MIG-" : "GPU-");
  for (int i = 0; i < 16; i++)
    text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", (unsigned char)uuid.bytes[i]);
}

static void describe(tlw_device *device, int index, int driver) {
  *device = (tlw_device){.backend = TLW_BACKEND_CUDA, .index = index, .usable = 1, .automatic = 1};
  snprintf(device->driver, sizeof device->driver, "CUDA %d.%d", driver / 1000, driver % 1000 / 10);
  cu_device handle;
  const cu_result result = cu.device_get(&handle, index);
  if (result != CU_SUCCESS) {
    tlw_device_refuse(device, "the driver refuses it: %s", name_of(result));
    return;
  }
  int major = 0, minor = 0, processors = 0, ratio = -1;
  size_t memory = 0;
  cu.device_name(device->name, TLW_NAME_SIZE, handle);
  describe_uuid(device, handle);
  cu.device_attribute(&major, CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, handle);
  cu.device_attribute(&minor, CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, handle);
  cu.device_attribute(&processors, CU_ATTRIBUTE_MULTIPROCESSOR_COUNT, handle);
  cu.device_attribute(&ratio, CU_ATTRIBUTE_SINGLE_TO_DOUBLE_RATIO, handle);
  cu.device_memory(&memory, handle);
  device->memory_bytes = memory;
  device->compute_units = (uint32_t)processors;
  if (!has_image())
    tlw_device_refuse(device, "this build has no CUDA kernels: there was no nvcc of CUDA 13 when it was made");
  else if (driver / 1000 < NEEDED_VERSION / 1000)
    tlw_device_refuse(device, "the driver is of CUDA %d.%d, the kernels need %d.0 or newer: update the driver",
                      driver / 1000, driver % 1000 / 10, NEEDED_VERSION / 1000);
  else if (10 * major + minor < LEAST_CAPABILITY)
    tlw_device_refuse(device, "compute capability %d.%d is below %d.%d", major, minor, LEAST_CAPABILITY / 10,
                      LEAST_CAPABILITY % 10);
  else if (ratio == 0)
    tlw_device_refuse(device, "it has no double precision (fp64)");
}

void tlw_cuda_list(struct tlw_device_list *list) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (!loaded.ready) {
    tlw_device_list_add_absence(list, TLW_BACKEND_CUDA, loaded.reason);
    return;
  }
  int driver = 0, count = 0;
  cu_result result = cu.init(0);
  if (result == CU_SUCCESS) result = cu.driver_version(&driver);
  if (result == CU_SUCCESS) result = cu.device_count(&count);
  if (result == CU_SUCCESS && count == 0) result = CU_NO_DEVICE;
  if (result != CU_SUCCESS) {
    char reason[TLW_REASON_SIZE];
    snprintf(reason, sizeof reason, "the CUDA driver has no device to offer: %s (%d)", name_of(result), result);
    tlw_device_list_add_absence(list, TLW_BACKEND_CUDA, reason);
    return;
  }
  for (int i = 0; i < count; i++) {
    tlw_device device;
    describe(&device, i, driver);
    tlw_device_list_add(list, &device);
  }
}

/* ---- the device ---- */

/* The whole file and a zero byte behind it; false if it can't be read or is empty. */
static bool read_file(struct cuda *cuda, int file) {
  struct stat about;
  if (fstat(file, &about) != 0 || about.st_size <= 0) return false;
  const size_t size = (size_t)about.st_size;
  cuda->image = tlw_raw_calloc(1, size + 1);
  ssize_t n = 1;
  while (cuda->image && cuda->image_size < size && n > 0) {
    n = tlw_file_read(file, cuda->image + cuda->image_size, size - cuda->image_size);
    if (n > 0) cuda->image_size += (size_t)n;
  }
  return cuda->image && cuda->image_size == size;
}

static tlw_status read_image(struct cuda *cuda, tlw_error *error) {
  const char *name = image_file();
  if (!name) return TLW_OK;
  const int file = tlw_file_open(name, O_RDONLY | O_CLOEXEC, 0);
  const bool complete = file >= 0 && read_file(cuda, file);
  if (file >= 0) tlw_file_close(file);
  if (complete) return TLW_OK;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE, "TALLOW_CUDA_IMAGE names %.150s, which can't be read", name);
}

static void cuda_abandon(struct tlw_gpu *gpu) {
  struct cuda *cuda = cuda_of(gpu);
  tlw_raw_free(cuda->image);
  tlw_raw_free(cuda);
}

static void cuda_close(struct tlw_gpu *gpu) {
  struct cuda *cuda = cuda_of(gpu);
  if (cuda->context) {
    cu_result ignored = CU_SUCCESS;
    if (cuda->module) IN_CONTEXT(cuda, ignored, cu.module_unload(cuda->module));
    (void)ignored;
    cu.context_release(cuda->device);
  }
  cuda_abandon(gpu);
}

/* One module holds all programs: the driver loads code of a kernel when it is first used. */
static tlw_status cuda_kernels_open(struct tlw_gpu *gpu, enum tlw_gpu_program program, const char *const *names,
                                    size_t n, const struct tlw_block *kept, struct tlw_gpu_kernel *kernels,
                                    tlw_error *error) {
  (void)program;
  (void)kept;
  struct cuda *cuda = cuda_of(gpu);
  const void *image = cuda->image ? cuda->image : tlw_cuda_image_begin;
  cu_result result = CU_SUCCESS;
  if (!cuda->module) IN_CONTEXT(cuda, result, cu.module_load(&cuda->module, image));
  for (size_t i = 0; i < n && result == CU_SUCCESS; i++) {
    cu_function function = NULL;
    IN_CONTEXT(cuda, result, cu.module_function(&function, cuda->module, names[i]));
    kernels[i].handle = function;
  }
  return report(result, "load the kernels", error);
}

static tlw_status cuda_kernels_save(struct tlw_gpu *gpu, enum tlw_gpu_program program, struct tlw_memory *memory,
                                    struct tlw_block *saved, tlw_error *error) {
  (void)gpu;
  (void)program;
  (void)memory;
  (void)saved;
  (void)error;
  return TLW_OK;
}

static const void *cuda_program(struct tlw_gpu *gpu, enum tlw_gpu_program program, size_t *size) {
  (void)program;
  const struct cuda *cuda = cuda_of(gpu);
  *size = cuda->image ? cuda->image_size : (size_t)(tlw_cuda_image_end - tlw_cuda_image_begin);
  return cuda->image ? cuda->image : tlw_cuda_image_begin;
}

static tlw_status cuda_slab_open(struct tlw_gpu *gpu, uint64_t size, struct tlw_slab *slab, tlw_error *error) {
  cu_pointer pointer = 0;
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.memory_alloc(&pointer, (size_t)size));
  *slab = (struct tlw_slab){pointer, result == CU_SUCCESS ? size : 0};
  return report(result, "allocate device memory", error);
}

static void cuda_slab_close(struct tlw_gpu *gpu, struct tlw_slab *slab) {
  cu_result ignored;
  IN_CONTEXT(cuda_of(gpu), ignored, cu.memory_free(slab->handle));
  (void)ignored;
  *slab = (struct tlw_slab){0};
}

static tlw_status cuda_host_open(struct tlw_gpu *gpu, uint64_t size, void **memory, tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.host_alloc(memory, (size_t)size, 0));
  return report(result, "allocate page-locked memory", error);
}

static void cuda_host_close(struct tlw_gpu *gpu, void *memory, uint64_t size) {
  (void)size;
  cu_result ignored;
  IN_CONTEXT(cuda_of(gpu), ignored, cu.host_free(memory));
  (void)ignored;
}

static tlw_status cuda_queue_open(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue, tlw_error *error) {
  cu_stream stream = NULL;
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.stream_create(&stream, CU_STREAM_NON_BLOCKING));
  queue->handle = stream;
  return report(result, "create a stream", error);
}

static void cuda_queue_close(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue) {
  cu_result ignored;
  IN_CONTEXT(cuda_of(gpu), ignored, cu.stream_destroy(queue->handle));
  (void)ignored;
  queue->handle = NULL;
}

static tlw_status cuda_event_open(struct tlw_gpu *gpu, struct tlw_gpu_event *event, tlw_error *error) {
  cu_event handle = NULL;
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.event_create(&handle, gpu->timed ? 0 : CU_EVENT_DISABLE_TIMING));
  event->handle = handle;
  return report(result, "create an event", error);
}

static void cuda_event_close(struct tlw_gpu *gpu, struct tlw_gpu_event *event) {
  cu_result ignored;
  IN_CONTEXT(cuda_of(gpu), ignored, cu.event_destroy(event->handle));
  (void)ignored;
  event->handle = NULL;
}

static tlw_status cuda_event_record(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, struct tlw_gpu_event *event,
                                    tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.event_record(event->handle, queue->handle));
  return report(result, "record an event", error);
}

static tlw_status cuda_event_wait(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                  const struct tlw_gpu_event *event, tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.stream_wait_event(queue->handle, event->handle, 0));
  return report(result, "wait for an event", error);
}

static tlw_status cuda_event_done(struct tlw_gpu *gpu, const struct tlw_gpu_event *event, bool *done,
                                  tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.event_query(event->handle));
  *done = result == CU_SUCCESS;
  return result == CU_NOT_READY ? TLW_OK : report(result, "finish its work", error);
}

static tlw_status cuda_event_time(struct tlw_gpu *gpu, const struct tlw_gpu_event *from, const struct tlw_gpu_event *to,
                                  int64_t *nanoseconds, tlw_error *error) {
  float milliseconds = 0;
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.event_elapsed(&milliseconds, from->handle, to->handle));
  *nanoseconds = (int64_t)((double)milliseconds * 1e6);
  return report(result, "time an event", error);
}

static tlw_status cuda_upload(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_slab *slab,
                              uint64_t offset, const void *source, uint64_t size, tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.upload(slab->handle + offset, source, (size_t)size, queue->handle));
  return report(result, "copy to the device", error);
}

static tlw_status cuda_download(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                const struct tlw_gpu_download *d, tlw_error *error) {
  cu_result result;
  if (d->rows == 1 || (d->pitch == d->width && d->target_pitch == d->width)) {
    IN_CONTEXT(cuda_of(gpu), result,
               cu.download(d->target, d->slab->handle + d->offset, (size_t)(d->width * d->rows), queue->handle));
    return report(result, "copy from the device", error);
  }
  const cu_copy_2d copy = {
      .src_type = CU_MEMORY_DEVICE,
      .src_device = d->slab->handle + d->offset,
      .src_pitch = (size_t)d->pitch,
      .dst_type = CU_MEMORY_HOST,
      .dst_host = d->target,
      .dst_pitch = (size_t)d->target_pitch,
      .width = (size_t)d->width,
      .height = (size_t)d->rows,
  };
  IN_CONTEXT(cuda_of(gpu), result, cu.copy_2d(&copy, queue->handle));
  return report(result, "copy from the device", error);
}

static tlw_status cuda_copy(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_gpu_copy *copy,
                            tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result,
             cu.copy(copy->to->handle + copy->to_offset, copy->from->handle + copy->from_offset, (size_t)copy->size,
                     queue->handle));
  return report(result, "copy within the device", error);
}

static struct tlw_location cuda_locate(struct tlw_gpu *gpu, const struct tlw_slab *slab, uint64_t offset) {
  return (struct tlw_location){
      .place = TLW_DL_CUDA, .device = cuda_of(gpu)->ordinal, .data = (void *)(uintptr_t)(slab->handle + offset)};
}

static tlw_status cuda_launch(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                              const struct tlw_gpu_kernel *kernel, uint32_t groups, uint32_t lanes, const void *args,
                              size_t args_size, const struct tlw_slab *slab, tlw_error *error) {
  (void)args_size; /* the driver knows it from the kernel */
  cu_pointer pointer = slab->handle;
  void *parameters[] = {(void *)args, &pointer};
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result,
             cu.launch(kernel->handle, groups, 1, 1, lanes, 1, 1, 0, queue->handle, parameters, NULL));
  return report(result, "launch a kernel", error);
}

static tlw_status cuda_finish(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, tlw_error *error) {
  cu_result result;
  IN_CONTEXT(cuda_of(gpu), result, cu.stream_synchronize(queue->handle));
  return report(result, "finish its work", error);
}

static const struct tlw_gpu_ops ops = {
    .close = cuda_close,
    .abandon = cuda_abandon,
    .program = cuda_program,
    .kernels_open = cuda_kernels_open,
    .kernels_save = cuda_kernels_save,
    .slab_open = cuda_slab_open,
    .slab_close = cuda_slab_close,
    .host_open = cuda_host_open,
    .host_close = cuda_host_close,
    .queue_open = cuda_queue_open,
    .queue_close = cuda_queue_close,
    .event_open = cuda_event_open,
    .event_close = cuda_event_close,
    .event_record = cuda_event_record,
    .event_wait = cuda_event_wait,
    .event_done = cuda_event_done,
    .event_time = cuda_event_time,
    .upload = cuda_upload,
    .download = cuda_download,
    .copy = cuda_copy,
    .locate = cuda_locate,
    .launch = cuda_launch,
    .finish = cuda_finish,
};

/* The release of the kernel driver, which the version of the API does not tell; "" where it is not to be found. */
static void read_driver_version(char *text, int size) {
  *text = 0;
  FILE *stream = fopen("/proc/driver/nvidia/version", "re");
  if (!stream) return;
  if (!fgets(text, size, stream)) *text = 0;
  fclose(stream);
}

tlw_status tlw_cuda_open(const tlw_device *device, struct tlw_gpu **gpu, tlw_error *error) {
  *gpu = NULL;
  struct cuda *cuda = tlw_raw_calloc(1, sizeof *cuda);
  if (!cuda) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for a CUDA device");
  cuda->gpu.ops = &ops;
  cuda->ordinal = device->index;
  char driver[128];
  read_driver_version(driver, sizeof driver);
  snprintf(cuda->gpu.identity, sizeof cuda->gpu.identity, "%s|%s|%s|%s", device->name, device->uuid, device->driver,
           driver);
  tlw_status status = read_image(cuda, error);
  if (status == TLW_OK) status = report(cu.device_get(&cuda->device, device->index), "get the device", error);
  if (status == TLW_OK)
    status = report(cu.context_retain(&cuda->context, cuda->device), "open the device's context", error);
  size_t available = 0, total = 0;
  cu_result result = CU_SUCCESS;
  if (status == TLW_OK) {
    IN_CONTEXT(cuda, result, cu.memory_info(&available, &total));
    status = report(result, "ask for free memory", error);
  }
  if (status != TLW_OK) {
    cuda_close(&cuda->gpu);
    return status;
  }
  int integrated = 0;
  cu.device_attribute(&integrated, CU_ATTRIBUTE_INTEGRATED, cuda->device);
  cuda->gpu.unified = integrated != 0;
  cuda->gpu.free_memory = available;
  cuda->gpu.largest_slab = UINT64_MAX;
  *gpu = &cuda->gpu;
  return TLW_OK;
}
