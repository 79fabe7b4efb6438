/*
 * The engine: one backend on one device, with its budgets, threads and statistics.
 *
 * Thread-safety: different engines share no state of this library and may be used from different threads at the same
 * time. (On CUDA, engines on one device share its primary context with whatever else in the process uses CUDA, so
 * that memory can be exchanged. A fault after which that context gives nothing but errors loses them all; the device
 * can be opened again once all of them are closed.) On one engine, operations (a render, rolling windows) may be
 * called from several threads; they run one after the other. tlw_engine_stats, tlw_engine_records,
 * tlw_engine_operation and tlw_engine_describe may be called at any time beside them and never wait for them.
 * tlw_engine_close must not run at the same time as another call on the same engine. Operations leave the
 * floating-point environment of their caller as it was.
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
  /*
   * CUDA, then OpenCL on a GPU, then the CPU. With a device, each batch (a call, or what a stream is given at once)
   * goes to the device or to the CPU beside it, whichever is expected to be done sooner, copies included: by what
   * `tallow tune` has measured here, else by an estimate. Bits do not depend on it. Buffers, and what is left in
   * them, are always the device's. The CPU is opened by the first batch that it is given; where a budget has no room
   * for it, the device does all until the engine is reset. A device that was measured to be slower at everything is
   * passed over.
   */
  TLW_BACKEND_AUTO = 0,
  TLW_BACKEND_CPU = 1,
  TLW_BACKEND_OPENCL = 2, /* by name also on a CPU device such as PoCL: right, but slower than TLW_BACKEND_CPU */
  TLW_BACKEND_CUDA = 3
} tlw_backend;

/* "auto", "cpu", "opencl" or "cuda"; "unknown" otherwise. Thread-safety: any thread, any time. */
TLW_API const char *tlw_backend_name(tlw_backend backend);

typedef enum tlw_log_level { TLW_LOG_INFO = 0, TLW_LOG_WARNING = 1 } tlw_log_level;

/*
 * Receives one finished sentence without a newline. Called on the thread that made the call on the engine, before
 * that call returns, or on a thread of a stream on the engine; by one thread at a time for one engine. Must not call
 * back into the same engine.
 */
typedef void (*tlw_log_fn)(void *user, tlw_log_level level, const char *message);

/* What a piece of work goes through. Where a backend has no such stage its time is 0. */
typedef enum tlw_stage {
  TLW_STAGE_PREPARE = 0,  /* the host copies or merges columns, places text, lists work */
  TLW_STAGE_UPLOAD = 1,   /* host to device */
  TLW_STAGE_COMPUTE = 2,  /* kernels, or the threads of the CPU */
  TLW_STAGE_DOWNLOAD = 3, /* device to host */
  TLW_STAGE_ENCODE = 4,   /* a stream makes files of pixels, and digests */
  TLW_STAGE_DELIVER = 5   /* the sink of a stream or of bars; pixels are copied to where a render wants them */
} tlw_stage;
#define TLW_STAGES 6

/* "prepare", "upload", ..., or NULL for another value. Thread-safety: any thread, any time. */
TLW_API const char *tlw_stage_name(tlw_stage stage);

/*
 * Who does it: the thread that has the engine's turn, a queue of the device, the thread that gives a stream the rows
 * of a series, or thread i of a stream that encodes and delivers. With several streams on an engine at a time the
 * last two are those of the first one; those of each further one are TLW_TRACK_STREAM higher than those of the one
 * before.
 */
#define TLW_TRACK_HOST 0u
#define TLW_TRACK_UPLOAD 1u
#define TLW_TRACK_COMPUTE 2u
#define TLW_TRACK_DOWNLOAD 3u
#define TLW_TRACK_ROWS 4u
#define TLW_TRACK_ENCODER(i) (16u + (i))
#define TLW_TRACK_STREAM 2048u

/*
 * A stage of a piece of work, over. Those of one track do not overlap. Of a stream over several engines each engine
 * has the spans of the pieces that it drew, encoding and delivery too.
 */
typedef struct tlw_span {
  int64_t begin;     /* nanoseconds since the engine was opened; of a device to some microseconds */
  uint64_t duration; /* nanoseconds */
  int32_t operation; /* tlw_operation that it is part of */
  int32_t stage;     /* tlw_stage */
  uint32_t track;    /* TLW_TRACK_... */
  uint32_t reserved;
  int64_t items; /* as in records; 0 where it is not known */
  uint64_t bytes;
} tlw_span;

/*
 * Receives each span when it is over: of one track in order, of several tracks from several threads at once. Its own
 * time counts in the next span. It must return soon and must not call back into the engine, but for
 * tlw_engine_operation and tlw_engine_stats, or into a stream on it.
 */
typedef void (*tlw_trace_fn)(void *user, const tlw_span *span);

/* A budget or thread count that the library chooses. Zero means zero. */
#define TLW_BUDGET_AUTO UINT64_MAX
#define TLW_THREADS_AUTO UINT32_MAX
#define TLW_THREADS_MAX 1024u
#define TLW_FALLBACK_AUTO (-1)
#define TLW_FALLBACK_OFF 0
#define TLW_FALLBACK_ON 1
#define TLW_DEADLINE_NONE UINT32_MAX

typedef struct tlw_engine_options {
  size_t struct_size; /* set by tlw_engine_options_init */
  tlw_backend backend;
  /*
   * Which device of the backend; NULL takes the first that can be used. A decimal index as tlw_devices lists it, a
   * UUID ("GPU-..." as nvidia-smi prints it, with or without the prefix), or a MIG name ("MIG-..."). A device that is
   * asked for by name and refused is an error, never replaced by another. NULL for TLW_BACKEND_AUTO and
   * TLW_BACKEND_CPU.
   */
  const char *device;
  /*
   * Bytes that the engine may have allocated on the device at any moment. AUTO: the smaller of half the free memory
   * at open and 1 GiB. Counts the engine's allocations, not the driver's own context. A device with memory of its own
   * gives all of it at open, or as much as it has by halves; on one that shares the host's memory it is taken in
   * slabs of 64 MiB as needed, which count against the host budget too. Unused on the CPU backend.
   */
  uint64_t device_budget;
  /*
   * Bytes of host memory that the engine may have allocated at any moment. AUTO: no limit. A driver's own memory, the
   * list of devices that an open looks through and the 64 KiB in front of an allocation log are apart.
   */
  uint64_t host_budget;
  /*
   * Threads of the CPU, as a backend or beside a device, the caller's included: 1 to TLW_THREADS_MAX. AUTO: the CPUs
   * that the process may run on, by affinity and cgroup quota.
   */
  uint32_t threads;
  tlw_log_fn log; /* or NULL */
  void *log_user;
  /*
   * Folder for compiled OpenCL programs, results of self-tests and measured costs; at most 64 files there are kept.
   * NULL: the folder "tallow" in $XDG_CACHE_HOME or, where that is unset, in $HOME/.cache. "": no cache. A folder
   * that can't be written is a log message, never an error.
   */
  const char *cache_dir;
  /*
   * What happens when the driver has no memory, although the budget would allow it, and neither giving back what is
   * idle nor smaller pieces of work help; and where the device turns out to be unable to roll windows.
   * TLW_FALLBACK_ON: the engine goes on with the next backend in the order of TLW_BACKEND_AUTO, tells the log why,
   * and counts it in tlw_stats; its buffers become stale. TLW_FALLBACK_OFF: TLW_ERR_MEMORY, TLW_ERR_UNAVAILABLE.
   * AUTO: on where backend is TLW_BACKEND_AUTO.
   */
  int32_t allow_fallback;
  /*
   * Milliseconds that a device may take for one piece of work (at most 1 GiB); then it counts as hung and is lost:
   * TLW_ERR_DEVICE_LOST, and what the driver still holds is left to it until the process ends; columns that
   * were being drawn must then stay where they are, for it may still read them. TLW_DEADLINE_NONE waits for ever.
   * Default 60,000. A call into a driver that never returns can't be helped.
   */
  uint32_t deadline_ms;
  /*
   * Name of a CSV file that gets a line for every allocation and release of the engine: its number, nanoseconds since
   * open, what was done, bytes, bytes then in use of that kind, status. NULL: none. The file is made anew; one that
   * can't be made is TLW_ERR_IO, and a write that fails ends the log with a warning and nothing else.
   */
  const char *allocation_log;
  int32_t timing;     /* 1: stages on a device are timed, see telemetry.h. Default 0; with trace it is always done */
  tlw_trace_fn trace; /* or NULL */
  void *trace_user;
} tlw_engine_options;

typedef struct tlw_engine tlw_engine;

/* Sets every member: AUTO, no device, no log. Thread-safety: any thread. */
TLW_API void tlw_engine_options_init(tlw_engine_options *options);

/*
 * Opens an engine. options may be NULL for the defaults. On success *engine must be given to tlw_engine_close; on
 * failure it is NULL. The strings of options are not kept.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_UNAVAILABLE: the backend or device asked for can't be used, the message says why (AUTO
 * finds at least the CPU); TLW_ERR_IO: the allocation log can't be made; TLW_ERR_BUDGET: host_budget can't hold the
 * engine itself, or a budget the self-test of the kernels (bytes: what the budget that the message names must be);
 * TLW_ERR_MEMORY.
 *
 * Environment: TALLOW_CPU_TIER (baseline, avx2, avx512; neon on 64-bit Arm) forces the tier of the CPU backend and of
 * the CSV reader; one that this CPU lacks is TLW_ERR_UNAVAILABLE. TALLOW_CUDA_IMAGE names a file with the CUDA
 * kernels to use in place of the embedded ones.
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
  int32_t automatic;      /* 1: TLW_BACKEND_AUTO may take it, if nobody has measured that the CPU is faster */
  uint64_t memory_bytes;  /* 0 where unknown */
  uint32_t compute_units; /* CPUs, multiprocessors or OpenCL compute units */
  uint32_t reserved;
  char name[TLW_NAME_SIZE];
  char uuid[48];              /* "GPU-...", "MIG-..." or "" */
  char driver[TLW_NAME_SIZE]; /* driver and version, or the SIMD tier of the CPU backend */
  /*
   * Why it was refused, or why AUTO passes over it whatever was measured; or "". What tlw_tune has measured is not told
   * here: tlw_stats of an engine opened for AUTO has why that passes over a device.
   */
  char reason[TLW_REASON_SIZE];
} tlw_device;

/*
 * Lists all devices of all backends in the order in which AUTO would try them, each backend at least once.
 *
 * check: 0 asks the drivers only; 1 also opens each device and runs the known-answer self-tests of its kernels, those
 * of charts and those of windows, which may compile them and take long; self-tests that were passed earlier do not
 * count. The CPU backend has none.
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
  tlw_counter device_bytes; /* likewise on the device, as the driver gave them; 0 on the CPU backend */
  tlw_counter pool_bytes;   /* in use of the slabs that they are: work in flight and buffers */
  uint64_t device_budget;   /* the one in force; UINT64_MAX: none */
  uint64_t host_budget;
  uint64_t charts;     /* finished charts */
  uint64_t candles;    /* candles in them */
  uint64_t pixels;     /* pixels in them */
  uint64_t values;     /* results of rolling windows: outputs times rows */
  uint64_t images;     /* images for models, those with a reason too */
  uint64_t launches;   /* kernel launches */
  uint64_t uploaded;   /* bytes from host to device */
  uint64_t downloaded; /* bytes from device to host */
  uint64_t copied;     /* bytes of candles that were copied or converted on the host; 0 for contiguous doubles */
  uint64_t reduced;    /* candles of pushes that the host merged, for their chart was too large in one piece */
  uint64_t operations; /* records ever made, see tlw_engine_records */
  uint64_t failures;   /* operations that failed */
  uint64_t resets;
  uint64_t trims;                 /* times that idle memory was given back because the driver had no more */
  uint64_t halvings;              /* times that work was cut smaller for the same reason */
  uint64_t fallbacks;             /* changes of backend: the sum of the next two */
  uint64_t fallbacks_memory;      /* for TLW_ERR_MEMORY: neither trims nor halvings helped */
  uint64_t fallbacks_unavailable; /* for TLW_ERR_UNAVAILABLE: windows or images that the device can't do */
  /*
   * Batches that AUTO gave to the CPU because it is faster for them than the device; also such that the device then
   * did because the CPU had no room for them.
   */
  uint64_t to_cpu;
  uint32_t threads;
  uint32_t passed_over; /* devices and backends that AUTO tried or considered before this one */
  /* Of the newest fallback or, before there is one, why AUTO last passed over a device; or "". */
  char reason[TLW_REASON_SIZE];
} tlw_stats;

/*
 * Reads the statistics. Each number is exact; numbers that a running operation is changing may be of slightly
 * different moments. Members beyond the caller's struct_size are left out.
 *
 * TLW_ERR_ARGUMENT. Thread-safety: any time, never blocks an operation.
 */
TLW_API tlw_status tlw_engine_stats(const tlw_engine *engine, tlw_stats *stats, tlw_error *error);

typedef enum tlw_operation {
  TLW_OP_HOST_ALLOC = 0,
  TLW_OP_HOST_FREE = 1,
  TLW_OP_SLAB_OPEN = 2, /* device memory from the driver */
  TLW_OP_SLAB_CLOSE = 3,
  TLW_OP_POOL_ALLOC = 4, /* a part of a slab: work in flight, or a buffer */
  TLW_OP_POOL_FREE = 5,
  TLW_OP_RENDER = 6, /* a call of tlw_chart_render: items are charts */
  TLW_OP_DRAW = 7,   /* one piece of work given to the backend: items are charts, bytes the pixels */
  TLW_OP_BUFFER_WRITE = 8,
  TLW_OP_BUFFER_READ = 9,
  TLW_OP_RESET = 10, /* items: the tlw_reset */
  TLW_OP_TRIM = 11,
  TLW_OP_HALVE = 12, /* bytes: what a piece of work may take from now on */
  TLW_OP_FALLBACK = 13,
  TLW_OP_WINDOW = 14, /* a call of tlw_window_run: items are outputs, bytes theirs */
  TLW_OP_BARS = 15,   /* a call of tlw_bars_run: items are its chunks */
  TLW_OP_IMAGES = 16, /* a call of tlw_images_draw or tlw_images_to_buffer: items are images, bytes theirs */
  TLW_OP_STREAM = 17  /* a batch of a stream, on its first engine, when it is over: items are charts delivered */
} tlw_operation;
#define TLW_OPERATION_COUNT 18

/* "host_alloc", ..., or NULL for another value. Thread-safety: any thread, any time. */
TLW_API const char *tlw_operation_name(tlw_operation operation);

typedef struct tlw_record {
  uint64_t number;   /* 1 for the first of the engine */
  int64_t time;      /* nanoseconds since the engine was opened, at the end of the operation */
  uint64_t duration; /* nanoseconds; 0 where it is not measured */
  uint64_t bytes;
  int64_t items;
  int32_t operation; /* tlw_operation */
  int32_t status;    /* tlw_status */
} tlw_record;

#define TLW_RECORDS 10000

/*
 * Copies the newest records, oldest first: at most capacity, at most TLW_RECORDS. *count receives how many. Older
 * ones are gone; the totals of tlw_stats stay exact. A record that is being overwritten at this moment is left out.
 *
 * TLW_ERR_ARGUMENT. Thread-safety: any time, never blocks an operation.
 */
TLW_API tlw_status tlw_engine_records(const tlw_engine *engine, tlw_record *records, size_t capacity, size_t *count,
                                      tlw_error *error);

typedef enum tlw_reset {
  TLW_RESET_STATS = 0,   /* counters and records begin anew: totals 0, peaks what is in use now */
  TLW_RESET_SESSION = 1, /* drops work in flight and frees buffers; memory from the driver and the system is kept */
  TLW_RESET_MEMORY = 2   /* likewise, and gives every byte but the engine's own records back until it is needed again */
} tlw_reset;

/*
 * Resets the engine. SESSION and MEMORY wait for an operation that runs to finish, stop every stream on the engine
 * (images that were not yet delivered are dropped, a call that waits returns), and make older buffers and streams
 * stale: using one is TLW_ERR_STALE, closing it is still due. Of statistics only STATS changes more than what is in
 * use. Backend, budgets and a fallback stay; so do states of rolling windows and, until their stream is used again or
 * closed, the records of streams and what a series that came in part has.
 *
 * TLW_ERR_ARGUMENT: also from within a callback of a stream on this engine; TLW_ERR_DEVICE_LOST: the device fails, or
 * failed earlier: host memory is given back all the same. STATS never gives it. Thread-safety: any thread, any time,
 * also with work in flight and twice at once.
 */
TLW_API tlw_status tlw_engine_reset(tlw_engine *engine, tlw_reset level, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
