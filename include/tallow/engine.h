/*
 * The engine: one backend on one device, with its budgets, threads and statistics.
 *
 * Thread-safety: different engines share no state of this library and may be used from different threads at the same
 * time. (On CUDA, engines on one device share its primary context with whatever else in the process uses CUDA, so
 * that memory can be exchanged. A fault after which that context gives nothing but errors loses them all; the device
 * can be opened again once all of them are closed.) On one engine, operations (a render) may be called from several
 * threads; they run one after the other. tlw_engine_stats and tlw_engine_describe may be called at any time beside
 * them and never wait for them. tlw_engine_close must not run at the same time as another call on the same engine.
 */
#ifndef TALLOW_ENGINE_H
#define TALLOW_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_backend {
  TLW_BACKEND_AUTO = 0, /* CUDA, then OpenCL on a GPU, then the CPU */
  TLW_BACKEND_CPU = 1,
  TLW_BACKEND_OPENCL = 2, /* by name also on a CPU device such as PoCL: right, but slower than TLW_BACKEND_CPU */
  TLW_BACKEND_CUDA = 3
} tlw_backend;

/* "auto", "cpu", "opencl" or "cuda"; "unknown" otherwise. Thread-safety: any thread, any time. */
TLW_API const char *tlw_backend_name(tlw_backend backend);

typedef enum tlw_log_level { TLW_LOG_INFO = 0, TLW_LOG_WARNING = 1 } tlw_log_level;

/*
 * Receives one finished sentence without a newline. Called on the thread that made the call on the engine, before
 * that call returns. Must not call back into the same engine.
 */
typedef void (*tlw_log_fn)(void *user, tlw_log_level level, const char *message);

/* A budget or thread count that the library chooses. Zero means zero. */
#define TLW_BUDGET_AUTO UINT64_MAX
#define TLW_THREADS_AUTO UINT32_MAX
#define TLW_THREADS_MAX 1024u

typedef struct tlw_engine_options {
  size_t struct_size; /* set by tlw_engine_options_init */
  tlw_backend backend;
  /*
   * Which device of the backend; NULL takes the first that can be used. A decimal index as tlw_devices lists it, a UUID
   * ("GPU-..." as nvidia-smi prints it, with or without the prefix), or a MIG name ("MIG-..."). A device that is asked
   * for by name and refused is an error, never replaced by another. NULL for TLW_BACKEND_AUTO and TLW_BACKEND_CPU.
   */
  const char *device;
  /*
   * Bytes that the engine may have allocated on the device at any moment. AUTO: the smaller of half the free memory at
   * open and 1 GiB. Counts the engine's allocations, not the driver's own context. Unused on the CPU backend.
   */
  uint64_t device_budget;
  /*
   * Bytes of host memory that the engine may have allocated at any moment. AUTO: no limit. A driver's own memory and the
   * list of devices that an open looks through are apart.
   */
  uint64_t host_budget;
  /*
   * Threads that work for the CPU backend, the caller's included: 1 to TLW_THREADS_MAX. AUTO: the CPUs that the process
   * may run on, by affinity and cgroup quota.
   */
  uint32_t threads;
  tlw_log_fn log; /* or NULL */
  void *log_user;
  /*
   * Folder for compiled OpenCL programs and results of self-tests; at most 64 files there are kept. NULL: the folder
   * "tallow" in $XDG_CACHE_HOME or, where that is unset, in $HOME/.cache. "": no cache. A folder that can't be
   * written is a log message, never an error.
   */
  const char *cache_dir;
} tlw_engine_options;

typedef struct tlw_engine tlw_engine;

/* Sets every member: AUTO, no device, no log. Thread-safety: any thread. */
TLW_API void tlw_engine_options_init(tlw_engine_options *options);

/*
 * Opens an engine. options may be NULL for the defaults. On success *engine must be given to tlw_engine_close; on
 * failure it is NULL. The strings of options are not kept.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_UNAVAILABLE: the backend or device asked for can't be used, the message says why (AUTO
 * finds at least the CPU); TLW_ERR_BUDGET: host_budget can't hold the engine itself, or a budget the self-test of the
 * kernels (bytes: what the budget that the message names must be); TLW_ERR_MEMORY.
 *
 * Environment: TALLOW_CPU_TIER (baseline, avx2, avx512; neon on 64-bit Arm) forces the tier of the CPU backend; one
 * that this CPU lacks is TLW_ERR_UNAVAILABLE. TALLOW_CUDA_IMAGE names a file with the CUDA kernels to use in place of
 * the embedded ones.
 */
TLW_API tlw_status tlw_engine_open(tlw_engine **engine, const tlw_engine_options *options, tlw_error *error);

/* Frees everything and sets *engine to NULL. A NULL engine, or the address of one, is fine. */
TLW_API void tlw_engine_close(tlw_engine **engine);

#define TLW_NAME_SIZE 128
#define TLW_REASON_SIZE 256

typedef struct tlw_device {
  tlw_backend backend;
  int32_t index;          /* for tlw_engine_options.device; -1: no device, the entry says why the backend has none */
  int32_t usable;         /* 1 or 0 */
  int32_t automatic;      /* 1: TLW_BACKEND_AUTO may take it */
  uint64_t memory_bytes;  /* 0 where unknown */
  uint32_t compute_units; /* CPUs, multiprocessors or OpenCL compute units */
  uint32_t reserved;
  char name[TLW_NAME_SIZE];
  char uuid[48];                /* "GPU-...", "MIG-..." or "" */
  char driver[TLW_NAME_SIZE];   /* driver and version, or the SIMD tier of the CPU backend */
  char reason[TLW_REASON_SIZE]; /* why it was refused, or why AUTO passes over it, or "" */
} tlw_device;

/*
 * Lists all devices of all backends in the order in which AUTO would try them, each backend at least once.
 *
 * check: 0 asks the drivers only; 1 also opens each device and runs the known-answer self-test of its kernels, which
 * may compile them and take seconds; a self-test that was passed earlier does not count. The CPU backend has none.
 *
 * capacity: entries that fit in devices, may be 0. *count receives how many there are, which may be more than
 * capacity; only the first capacity are written.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_MEMORY. A driver that is missing or broken is an entry with a reason, not an error.
 * Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_devices(int check, tlw_device *devices, size_t capacity, size_t *count, tlw_error *error);

/* What an engine runs on, as tlw_devices gives it. Thread-safety: any thread, any time. */
TLW_API tlw_status tlw_engine_describe(const tlw_engine *engine, tlw_device *device, tlw_error *error);

/* current: now; peak: the highest since open; total: everything ever added. */
typedef struct tlw_counter {
  uint64_t current;
  uint64_t peak;
  uint64_t total;
} tlw_counter;

typedef struct tlw_stats {
  size_t struct_size;       /* must be set by the caller to sizeof(tlw_stats) */
  tlw_counter host_bytes;   /* the engine's allocations, aligned sizes */
  tlw_counter device_bytes; /* likewise on the device; 0 on the CPU backend */
  uint64_t device_budget;   /* the one in force; UINT64_MAX: none */
  uint64_t host_budget;
  uint64_t charts;     /* finished charts */
  uint64_t candles;    /* candles in them */
  uint64_t pixels;     /* pixels in them */
  uint64_t launches;   /* kernel launches */
  uint64_t uploaded;   /* bytes from host to device */
  uint64_t downloaded; /* bytes from device to host */
  uint32_t threads;
  uint32_t passed_over; /* devices and backends that AUTO tried or considered before this one */
} tlw_stats;

/*
 * Reads the statistics. Each number is exact; numbers that a running operation is changing may be of slightly
 * different moments. Members beyond the caller's struct_size are left out.
 *
 * TLW_ERR_ARGUMENT. Thread-safety: any time, never blocks an operation.
 */
TLW_API tlw_status tlw_engine_stats(const tlw_engine *engine, tlw_stats *stats, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
