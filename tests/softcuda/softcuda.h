/*
 * Controls of the software CUDA driver. Tests find them with dlsym in the library that they opened as libcuda.so.1, or
 * link with it. Thread-safe, and no CUDA call is needed first.
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
  /* Bytes of copies that were carried out: host to device, device to host, within a device. */
  uint64_t bytes_up, bytes_down, bytes_within;
  /* Launches that were carried out, and their blocks. */
  uint64_t launches, blocks;
  /* What lives now. retains counts cuDevicePrimaryCtxRetain less release; pushes counts push less pop of all threads.
   */
  uint64_t contexts, retains, pushes, allocations, modules, streams, events;
  /* Operations that wait in a queue now. */
  uint64_t queued;
  /* Guard zones found damaged. */
  uint64_t guard_violations;
  /* Allocations, modules, streams and events that were alive when a context that had no error was destroyed. */
  uint64_t left_behind;
};

SOFTCUDA_API void softcuda_stats(struct softcuda_stats *stats);

/* How often a function was called. "*" means all, "execute" the queued operations that were carried out. */
SOFTCUDA_API uint64_t softcuda_calls(const char *function);

/* One "key=value" of the README. Returns 0, or -1 if it is not understood, and then changes nothing. */
SOFTCUDA_API int softcuda_set(const char *setting);

/* Forgets every fail= and sticky= that was set. A context that has an error keeps it until it is released. */
SOFTCUDA_API void softcuda_reset_faults(void);

/*
 * As if the library were loaded anew: before cuInit, statistics zero, settings from the environment. Returns 0, or the
 * number of contexts that are still retained, and then changes nothing.
 */
SOFTCUDA_API int softcuda_restart(void);

#ifdef __cplusplus
}
#endif

#endif
