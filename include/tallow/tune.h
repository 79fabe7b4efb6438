/*
 * Measuring what a device is worth on this machine: from which size on it does each kind of work faster than the CPU,
 * transfers included. An engine for TLW_BACKEND_AUTO gives each batch to whichever takes less by what was measured,
 * and where nobody has measured, by an estimate.
 *
 * What was measured is kept in a file of the folder for caches, for one CPU, device, driver, version of this library
 * and number of threads: with any other, AUTO estimates. An engine reads it when it is opened.
 */
#ifndef TALLOW_TUNE_H
#define TALLOW_TUNE_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_tune_kind {
  TLW_TUNE_CHARTS = 0, /* tlw_chart_render; in pixels */
  TLW_TUNE_FILES = 1,  /* charts as PNG files by tlw_stream; in pixels */
  TLW_TUNE_FOLD = 2,   /* tlw_window_run of sums, means, variances, extremes; in results */
  TLW_TUNE_ORDER = 3,  /* likewise of medians, ranks, quantiles */
  TLW_TUNE_SCAN = 4,   /* likewise of averages that remember and running totals */
  TLW_TUNE_BARS = 5,   /* tlw_bars_run of one chunk; in ticks */
  TLW_TUNE_IMAGES = 6  /* tlw_images_draw, JKX; in bytes of the images */
} tlw_tune_kind;
#define TLW_TUNE_KINDS 7

/* "charts", "files", "fold", "order", "scan", "bars", "images"; NULL for another value. Thread-safety: any thread. */
TLW_API const char *tlw_tune_kind_name(tlw_tune_kind kind);

/* "pixels", "results", "ticks", "bytes"; NULL for another value. Thread-safety: any thread. */
TLW_API const char *tlw_tune_unit(tlw_tune_kind kind);

/*
 * Called between measurements, on the calling thread; done grows from 0 to 1. Anything but 0 ends the call with
 * TLW_ERR_CANCELLED. It may be called thousands of times a second.
 */
typedef int32_t (*tlw_tune_watch)(void *user, double done);

typedef struct tlw_tune_options {
  size_t struct_size;     /* set by tlw_tune_options_init */
  uint32_t threads;       /* of the CPU, as in tlw_engine_options; default TLW_THREADS_AUTO */
  uint64_t device_budget; /* of the engines that are measured, as there; default TLW_BUDGET_AUTO */
  uint64_t host_budget;
  const char *cache_dir; /* as there; default NULL. "": nothing is kept */
  /*
   * That measuring may take, about, 0.1 to 3,600; default 10. Fewer find crossings less well, or kinds of work are
   * TLW_TUNE_TOO_LITTLE. What a first call makes ready, such as kernels that are compiled, comes on top.
   */
  double seconds;
  uint64_t memory;      /* bytes for inputs and outputs, 16 MiB at least; default 512 MiB. Sizes end where it does */
  tlw_tune_watch watch; /* or NULL */
  void *watch_user;
} tlw_tune_options;

/* Sets the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_tune_options_init(tlw_tune_options *options);

#define TLW_TUNE_POINTS 24

/* A size that was measured, and the least time that each took for a call. */
typedef struct tlw_tune_point {
  double units;
  double cpu_seconds, device_seconds;
} tlw_tune_point;

typedef enum tlw_tune_verdict {
  TLW_TUNE_UNKNOWN = 0,   /* the device can't do it: the CPU does */
  TLW_TUNE_NEVER = 1,     /* the device won at no size */
  TLW_TUNE_ALWAYS = 2,    /* the device won at each size */
  TLW_TUNE_BETWEEN = 3,   /* the device wins from `from` on, and no more from `until` on */
  TLW_TUNE_TOO_LITTLE = 4 /* too little time or memory for sizes that tell: it stays with the estimate */
} tlw_tune_verdict;

typedef struct tlw_tune_result_of_kind {
  int32_t verdict;    /* tlw_tune_verdict */
  int32_t n_points;   /* 0 where nothing could be measured */
  double from, until; /* units. BETWEEN: of the last sizes at which it wins; until is INFINITY if it stays so */
  tlw_tune_point points[TLW_TUNE_POINTS]; /* by units */
} tlw_tune_result_of_kind;

typedef struct tlw_tune_result {
  size_t struct_size; /* must be set by the caller to sizeof(tlw_tune_result) */
  int32_t has_device; /* 0: AUTO takes no device here, there is nothing to choose and nothing was measured or kept */
  int32_t stored;     /* 1: what was measured is kept in the file `path` */
  uint32_t threads;   /* of the CPU */
  uint32_t reserved;
  tlw_device device;            /* that was measured, or that AUTO takes */
  double seconds;               /* that it took */
  char path[1100];              /* of the file, also where it could not be written; "" without a folder */
  char reason[TLW_REASON_SIZE]; /* why a device that AUTO would try before this one could not be opened; or "" */
  tlw_tune_result_of_kind kinds[TLW_TUNE_KINDS];
} tlw_tune_result;

/*
 * Measures each kind of work on the device that AUTO would take if nobody had measured, and on the CPU: warm, from
 * host memory to host memory, the least of several calls, at sizes over some decades and ever closer to where one
 * overtakes the other. Then keeps that. options may be NULL for the defaults. A folder that can't be written is no
 * failure: stored is 0.
 *
 * Opens engines of its own, one on the device and one on the CPU, and closes them. The machine should be idle.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_CANCELLED: nothing was kept; TLW_ERR_BUDGET, TLW_ERR_MEMORY, TLW_ERR_UNAVAILABLE,
 * TLW_ERR_DEVICE, TLW_ERR_DEVICE_LOST as the calls that are measured, if they fail at small sizes too: nothing was
 * kept. TLW_ERR_BUDGET, TLW_ERR_MEMORY, TLW_ERR_DEVICE_LOST also where such kept every device from being opened; other
 * reasons are in `reason`. Thread-safety: any thread; several at once measure each other.
 */
TLW_API tlw_status tlw_tune(const tlw_tune_options *options, tlw_tune_result *result, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
