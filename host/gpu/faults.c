#include "faults.h"

#ifdef TALLOW_FAULTS

#include "host/base/error.h"
#include "host/base/fault.h"

static bool strikes(tlw_status status, tlw_error *error) {
  if (!tlw_fault_strikes(TLW_FAULT_DEVICE)) return false;
  tlw_fail(error, status, "a planted failure of the driver");
  return true;
}

static void plain_close(struct tlw_gpu *gpu) { gpu->driver->close(gpu); }
static void plain_abandon(struct tlw_gpu *gpu) { gpu->driver->abandon(gpu); }
static const void *plain_program(struct tlw_gpu *gpu, enum tlw_gpu_program program, size_t *size) {
  return gpu->driver->program(gpu, program, size);
}
/* Never struck: after it nobody's memory is still in use. */
static tlw_status plain_finish(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, tlw_error *error) {
  return gpu->driver->finish(gpu, queue, error);
}

static struct tlw_location plain_locate(struct tlw_gpu *gpu, const struct tlw_slab *slab, uint64_t offset) {
  return gpu->driver->locate(gpu, slab, offset);
}

static void plain_slab_close(struct tlw_gpu *gpu, struct tlw_slab *slab) { gpu->driver->slab_close(gpu, slab); }
static void plain_queue_close(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue) {
  gpu->driver->queue_close(gpu, queue);
}
static void plain_event_close(struct tlw_gpu *gpu, struct tlw_gpu_event *event) {
  gpu->driver->event_close(gpu, event);
}

static void plain_host_close(struct tlw_gpu *gpu, void *memory, uint64_t size) {
  gpu->driver->host_close(gpu, memory, size);
}

static tlw_status risky_kernels_open(struct tlw_gpu *gpu, enum tlw_gpu_program program, const char *const *names,
                                     size_t n, const struct tlw_block *kept, struct tlw_gpu_kernel *kernels,
                                     tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE
                                        : gpu->driver->kernels_open(gpu, program, names, n, kept, kernels, error);
}

static tlw_status risky_kernels_save(struct tlw_gpu *gpu, enum tlw_gpu_program program, struct tlw_memory *memory,
                                     struct tlw_block *saved, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE
                                        : gpu->driver->kernels_save(gpu, program, memory, saved, error);
}

static tlw_status risky_slab_open(struct tlw_gpu *gpu, uint64_t size, struct tlw_slab *slab, tlw_error *error) {
  return strikes(TLW_ERR_MEMORY, error) ? TLW_ERR_MEMORY : gpu->driver->slab_open(gpu, size, slab, error);
}

static tlw_status risky_host_open(struct tlw_gpu *gpu, uint64_t size, void **memory, tlw_error *error) {
  return strikes(TLW_ERR_MEMORY, error) ? TLW_ERR_MEMORY : gpu->driver->host_open(gpu, size, memory, error);
}

static tlw_status risky_queue_open(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->queue_open(gpu, queue, error);
}

static tlw_status risky_event_open(struct tlw_gpu *gpu, struct tlw_gpu_event *event, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->event_open(gpu, event, error);
}

static tlw_status risky_event_record(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                     struct tlw_gpu_event *event, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->event_record(gpu, queue, event, error);
}

static tlw_status risky_event_wait(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                   const struct tlw_gpu_event *event, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->event_wait(gpu, queue, event, error);
}

static tlw_status risky_upload(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_slab *slab,
                               uint64_t offset, const void *source, uint64_t size, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE
                                        : gpu->driver->upload(gpu, queue, slab, offset, source, size, error);
}

static tlw_status risky_download(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                                 const struct tlw_gpu_download *download, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->download(gpu, queue, download, error);
}

static tlw_status risky_copy(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_gpu_copy *copy,
                             tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->copy(gpu, queue, copy, error);
}

static tlw_status risky_launch(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                               const struct tlw_gpu_kernel *kernel, uint32_t groups, uint32_t lanes, const void *args,
                               size_t args_size, const struct tlw_slab *slab, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error)
             ? TLW_ERR_DEVICE
             : gpu->driver->launch(gpu, queue, kernel, groups, lanes, args, args_size, slab, error);
}

/* Struck only where the work has ended, so that how often it was asked does not change the number of operations. */
static tlw_status risky_event_done(struct tlw_gpu *gpu, const struct tlw_gpu_event *event, bool *done,
                                   tlw_error *error) {
  const tlw_status status = gpu->driver->event_done(gpu, event, done, error);
  if (!*done || !strikes(TLW_ERR_DEVICE, error)) return status;
  *done = false;
  return TLW_ERR_DEVICE;
}

static tlw_status risky_event_time(struct tlw_gpu *gpu, const struct tlw_gpu_event *from,
                                   const struct tlw_gpu_event *to, int64_t *nanoseconds, tlw_error *error) {
  return strikes(TLW_ERR_DEVICE, error) ? TLW_ERR_DEVICE : gpu->driver->event_time(gpu, from, to, nanoseconds, error);
}

static const struct tlw_gpu_ops ops = {
    .close = plain_close,
    .abandon = plain_abandon,
    .program = plain_program,
    .slab_close = plain_slab_close,
    .host_close = plain_host_close,
    .queue_close = plain_queue_close,
    .event_close = plain_event_close,
    .finish = plain_finish,
    .locate = plain_locate,
    .kernels_open = risky_kernels_open,
    .kernels_save = risky_kernels_save,
    .slab_open = risky_slab_open,
    .host_open = risky_host_open,
    .queue_open = risky_queue_open,
    .event_open = risky_event_open,
    .event_record = risky_event_record,
    .event_wait = risky_event_wait,
    .upload = risky_upload,
    .download = risky_download,
    .copy = risky_copy,
    .launch = risky_launch,
    .event_done = risky_event_done,
    .event_time = risky_event_time,
};

void tlw_gpu_plant_faults(struct tlw_gpu *gpu) {
  gpu->driver = gpu->ops;
  gpu->ops = &ops;
}

#endif
