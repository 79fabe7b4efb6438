/*
 * The seam between a GPU operation and a driver: slabs, queues, events, kernels; nothing about candles. One table of
 * functions a driver. All calls on one device come from one thread at a time. Nothing waits for the device
 * but finish and what closes memory.
 *
 * Every function that can fail gives TLW_ERR_MEMORY (the driver is out of memory), TLW_ERR_DEVICE, or
 * TLW_ERR_DEVICE_LOST (the device can only be closed), with the driver's own code in error->native; opening can also
 * give TLW_ERR_UNAVAILABLE.
 */
#ifndef TALLOW_GPU_DEVICE_H
#define TALLOW_GPU_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/memory.h"
#include "host/base/pool.h"
#include "host/seam/backend.h"
#include "host/seam/device_list.h"
#include "tallow/engine.h"

/* Work is done in the order in which it is put in a queue. Queues run beside each other. */
struct tlw_gpu_queue {
  void *handle;
};

/* A point in a queue. */
struct tlw_gpu_event {
  void *handle;
};

struct tlw_gpu_kernel {
  void *handle;
};

/* Kernels that are compiled, tested and kept together. A driver may have one source or image for all programs. */
enum tlw_gpu_program {
  TLW_PROGRAM_CHART,
  TLW_PROGRAM_PNG,
  TLW_PROGRAM_WINDOWS,
  TLW_PROGRAM_BARS,
  TLW_PROGRAM_IMAGES,
  TLW_PROGRAMS
};

/* Rows of device memory to rows of host memory; plain bytes are one row. */
struct tlw_gpu_download {
  const struct tlw_slab *slab;
  uint64_t offset, pitch; /* in the slab, bytes */
  uint8_t *target;
  uint64_t target_pitch;
  uint64_t width, rows;
};

/* Bytes from one slab to another. */
struct tlw_gpu_copy {
  const struct tlw_slab *from, *to;
  uint64_t from_offset, to_offset, size;
};

/* A driver's handle of one open device; each driver extends it. */
struct tlw_gpu {
  const struct tlw_gpu_ops *ops;
#ifdef TALLOW_FAULTS
  const struct tlw_gpu_ops *driver; /* behind the ops of faults.h */
#endif
  uint64_t free_memory; /* at open */
  uint64_t largest_slab;
  bool unified;       /* device memory is host memory */
  bool timed;         /* set before queues and events are opened: marks tell when they were reached */
  char identity[512]; /* of device and driver: a kept result of theirs is stale once this changes */
};

struct tlw_gpu_ops {
  void (*close)(struct tlw_gpu *gpu);
  /* In place of close where the driver can't be called any more: frees what is the host's. */
  void (*abandon)(struct tlw_gpu *gpu);
  /* What the kernels of a program are made from: source or image. */
  const void *(*program)(struct tlw_gpu *gpu, enum tlw_gpu_program program, size_t *size);
  /*
   * Loads the kernels of a program, which have these names and are not loaded yet, from kept if it is not NULL: what
   * kernels_save gave for the same device, driver and library earlier. A failure then may mean no more than that the
   * driver does not take it. TLW_ERR_UNAVAILABLE too: they can't be compiled.
   */
  tlw_status (*kernels_open)(struct tlw_gpu *gpu, enum tlw_gpu_program program, const char *const *names, size_t n,
                             const struct tlw_block *kept, struct tlw_gpu_kernel *kernels, tlw_error *error);
  /* The compiled kernels of a program into an empty block, which stays empty where the driver keeps them itself. */
  tlw_status (*kernels_save)(struct tlw_gpu *gpu, enum tlw_gpu_program program, struct tlw_memory *memory,
                             struct tlw_block *saved, tlw_error *error);
  tlw_status (*slab_open)(struct tlw_gpu *gpu, uint64_t size, struct tlw_slab *slab, tlw_error *error);
  void (*slab_close)(struct tlw_gpu *gpu, struct tlw_slab *slab); /* may wait for work in flight */
  /* Host memory that copies run beside work to and from: page-locked where the driver has that. */
  tlw_status (*host_open)(struct tlw_gpu *gpu, uint64_t size, void **memory, tlw_error *error);
  void (*host_close)(struct tlw_gpu *gpu, void *memory, uint64_t size); /* may wait for work in flight */
  tlw_status (*queue_open)(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue, tlw_error *error);
  void (*queue_close)(struct tlw_gpu *gpu, struct tlw_gpu_queue *queue);
  tlw_status (*event_open)(struct tlw_gpu *gpu, struct tlw_gpu_event *event, tlw_error *error);
  void (*event_close)(struct tlw_gpu *gpu, struct tlw_gpu_event *event);
  /* Marks the work that is in the queue by now. */
  tlw_status (*event_record)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, struct tlw_gpu_event *event,
                             tlw_error *error);
  /* Further work in the queue begins once the work marked has ended; an event never recorded is not waited for. */
  tlw_status (*event_wait)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_gpu_event *event,
                           tlw_error *error);
  /*
   * Whether the work marked by the last record has ended, without waiting for it; it may then have failed. A failure
   * with *done false is one of the question: nothing is known about the work.
   */
  tlw_status (*event_done)(struct tlw_gpu *gpu, const struct tlw_gpu_event *event, bool *done, tlw_error *error);
  /*
   * Nanoseconds from the moment at which one mark was reached to that of another, which may have been before; both have
   * been seen to be done, and the device is timed. Less exact the further apart they are.
   */
  tlw_status (*event_time)(struct tlw_gpu *gpu, const struct tlw_gpu_event *from, const struct tlw_gpu_event *to,
                           int64_t *nanoseconds, tlw_error *error);
  /* The source must stay as it is until the copy has ended. */
  tlw_status (*upload)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_slab *slab,
                       uint64_t offset, const void *source, uint64_t size, tlw_error *error);
  tlw_status (*download)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue,
                         const struct tlw_gpu_download *download, tlw_error *error);
  tlw_status (*copy)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_gpu_copy *copy,
                     tlw_error *error);
  /* Where others find a byte of a slab. */
  struct tlw_location (*locate)(struct tlw_gpu *gpu, const struct tlw_slab *slab, uint64_t offset);
  /* The arguments are copied. */
  tlw_status (*launch)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, const struct tlw_gpu_kernel *kernel,
                       uint32_t groups, uint32_t lanes, const void *args, size_t args_size, const struct tlw_slab *slab,
                       tlw_error *error);
  /* Waits until the queue is empty, for ever if need be: the last resort where a driver fails to mark or to tell. */
  tlw_status (*finish)(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, tlw_error *error);
};

/* Opens a device of the driver's list. On failure *gpu is NULL. */
typedef tlw_status (*tlw_gpu_open_fn)(const tlw_device *device, struct tlw_gpu **gpu, tlw_error *error);

tlw_status tlw_cuda_open(const tlw_device *device, struct tlw_gpu **gpu, tlw_error *error);
tlw_status tlw_opencl_open(const tlw_device *device, struct tlw_gpu **gpu, tlw_error *error);

/* Appends a driver's devices, or one entry that says why there is none. */
void tlw_cuda_list(struct tlw_device_list *list);
void tlw_opencl_list(struct tlw_device_list *list);

#endif
