/* What an open GPU backend holds. */
#ifndef TALLOW_GPU_STATE_H
#define TALLOW_GPU_STATE_H

#include "cache.h"
#include "device.h"
#include "flights.h"
#include "host/seam/backend.h"
#include "timing.h"

enum tlw_chart_kernel {
  TLW_CHART_MERGE,
  TLW_CHART_SCALE,
  TLW_CHART_AXIS,
  TLW_CHART_COLUMNS,
  TLW_CHART_PAINT,
  TLW_CHART_LINES,
  TLW_CHART_TEXT,
  TLW_CHART_KERNELS
};

enum tlw_png_kernel { TLW_PNG_COUNT, TLW_PNG_PLACE, TLW_PNG_WRITE, TLW_PNG_JOIN, TLW_PNG_KERNELS };

/* For folds, by the members that a join has; then for plain, adjusted and other scans. */
#define TLW_WINDOW_FOLDS 8
enum tlw_window_kernel {
  TLW_WINDOW_FOLD,
  TLW_WINDOW_CHAIN = TLW_WINDOW_FOLD + TLW_WINDOW_FOLDS,
  TLW_WINDOW_JOIN = TLW_WINDOW_CHAIN + TLW_WINDOW_FOLDS,
  TLW_WINDOW_ORDER = TLW_WINDOW_JOIN + TLW_WINDOW_FOLDS,
  TLW_WINDOW_SCAN_ENDS,
  TLW_WINDOW_SCAN_STRETCH = TLW_WINDOW_SCAN_ENDS + 3,
  TLW_WINDOW_SCAN_CARRY,
  TLW_WINDOW_SCAN_RESULTS,
  TLW_WINDOW_KERNELS = TLW_WINDOW_SCAN_RESULTS + 3
};

enum tlw_bars_kernel { TLW_BARS_JOIN, TLW_BARS_KERNELS };

enum tlw_images_kernel {
  TLW_IMAGES_JKX_5,
  TLW_IMAGES_JKX_20,
  TLW_IMAGES_JKX_60,
  TLW_IMAGES_EXPAND,
  TLW_IMAGES_KERNELS
};

/* Pieces of images in flight at a time. */
#define TLW_IMAGES_SLOTS 2

/* A program, as far as it was needed. */
struct tlw_program {
  struct tlw_gpu_kernel kernels[TLW_WINDOW_KERNELS]; /* the first ones, where it has fewer */
  bool loaded;
  bool ready;        /* loaded, and known to work */
  tlw_error refusal; /* TLW_ERR_UNAVAILABLE: it can't be used here; TLW_OK: nothing is known against it */
};

struct tlw_backend_state {
  struct tlw_services *services;
  struct tlw_gpu *gpu;
  struct tlw_gpu_queue queues[TLW_GPU_QUEUES];
  struct tlw_program programs[TLW_PROGRAMS];
  struct tlw_cache cache;
  struct tlw_flights flights;
  struct tlw_timing timing;
  bool lost;           /* the driver fails for good */
  tlw_error failure;   /* where it is lost */
  bool abandoned;      /* lost, and the driver is not to be called any more */
  uint64_t left;       /* bytes of staging that were left to the driver so */
  uint64_t most_slabs; /* bytes that the driver was seen to have for slabs; UINT64_MAX: as many as the budget */
  struct tlw_pool pool;
  struct tlw_block images_staging[TLW_IMAGES_SLOTS]; /* kept from job to job, for opening takes longer than drawing */
};

/* Writes a line to the log of the engine, if it has one. */
void tlw_gpu_warn(const struct tlw_backend_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
