/*
 * Controls of the software CUDA driver. Tests find them with dlsym in the library that they opened as libcuda.so.1,
 * or link with it. Thread-safe, and no CUDA call is needed first.
 */
#ifndef TALLOW_SOFTCUDA_H
#define TALLOW_SOFTCUDA_H

#include <stdint.h>

#define SOFTCUDA_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

struct softcuda_stats {
  /* Bytes of device memory, of all devices, as they were asked for. */
  uint64_t memory_current, memory_peak, memory_total;
  /* The same of page-locked host memory. */
  uint64_t host_current, host_peak;
  /* Bytes of copies that were carried out: host to device, device to host, within a device. */
  uint64_t bytes_up, bytes_down, bytes_within;
  /* Launches that were carried out, and their blocks. */
  uint64_t launches, blocks;
  /* What lives now. retains counts cuDevicePrimaryCtxRetain less release; pushes counts push less pop of all threads.
   */
  uint64_t contexts, retains, pushes, allocations, host_allocations, modules, streams, events;
  /* Operations that wait in a queue now. */
  uint64_t queued;
  /* Guard zones found damaged, and queued copies whose page-locked memory was freed. */
  uint64_t guard_violations;
  /* Memory of both kinds, modules, streams and events that a context without an error had when it was destroyed. */
  uint64_t left_behind;
};

SOFTCUDA_API void softcuda_stats(struct softcuda_stats *stats);

/* Bytes of one device's memory. 0 for a number that is no device's. */
SOFTCUDA_API uint64_t softcuda_device_current(int device);
SOFTCUDA_API uint64_t softcuda_device_peak(int device);

/* Every peak becomes what is allocated now. */
SOFTCUDA_API void softcuda_reset_peaks(void);

/*
 * Planted times, in nanoseconds, of the operations that were carried out while there were any: how long the engines
 * of all devices worked, and the time from the begin of the first operation to the end of the last.
 */
struct softcuda_timeline {
  uint64_t upload_busy, download_busy, compute_busy;
  uint64_t elapsed;
};

SOFTCUDA_API void softcuda_timeline(struct softcuda_timeline *timeline);

/* Forgets the operations carried out up to now. */
SOFTCUDA_API void softcuda_reset_timeline(void);

/* How often a function was called. "*" means all, "execute" the queued operations that were carried out. */
SOFTCUDA_API uint64_t softcuda_calls(const char *function);

/* One "key=value" of the README. Returns 0, or -1 if it is not understood, and then changes nothing. */
SOFTCUDA_API int softcuda_set(const char *setting);

/*
 * Forgets every fail=, sticky= and hang= that was set. A context that has an error keeps it until it is released, and
 * an operation that hangs goes on hanging.
 */
SOFTCUDA_API void softcuda_reset_faults(void);

/*
 * As if the library were loaded anew: before cuInit, statistics zero, settings from the environment. Returns 0, or
 * the number of contexts that are still retained, and then changes nothing.
 */
SOFTCUDA_API int softcuda_restart(void);

/*
 * The same by force, as if the process had ended: what is queued, hangs or is retained is dropped, all memory is
 * freed, page-locked memory too, no handle is valid and no thread has a context pushed.
 */
SOFTCUDA_API void softcuda_abandon(void);

#ifdef __cplusplus
}
#endif

#endif
