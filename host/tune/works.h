/*
 * The kinds of work that are measured, as callers do them: from host memory to host memory through the functions of
 * the API, on an engine of each side.
 */
#ifndef TALLOW_TUNE_WORKS_H
#define TALLOW_TUNE_WORKS_H

#include "host/base/memory.h"
#include "search.h"
#include "tallow/bars.h"
#include "tallow/stream.h"
#include "tallow/window.h"

enum tlw_tune_side { TLW_TUNE_DEVICE, TLW_TUNE_CPU, TLW_TUNE_SIDES };

/* Of the clock that measures. */
double tlw_tune_now(void);

/* What the kind of work at hand reads and writes. */
struct tlw_tune_works {
  tlw_engine *engines[TLW_TUNE_SIDES]; /* the caller's */
  struct tlw_memory memory;
  struct tlw_block input, output;
  enum tlw_work work;
  int64_t filled; /* rows of the input */
  struct tlw_load load;
  enum tlw_tune_shape shape;
  bool has_operation; /* windows are of this one in place of that which stands for its kind */
  tlw_window_op operation;
  int64_t window;
  bool is_warm[TLW_TUNE_SIDES]; /* a call with this load has been made */
  tlw_bars *bars[TLW_TUNE_SIDES];
  tlw_stream *streams[TLW_TUNE_SIDES];
  /* Asked before each call; false: it fails with TLW_ERR_CANCELLED. */
  bool (*goes_on)(void *user);
  void *user;
};

/* Makes ready for a kind of work, with sizes that fit so many bytes. TLW_ERR_MEMORY. */
tlw_status tlw_tune_works_begin(struct tlw_tune_works *works, enum tlw_work work, uint64_t bytes,
                                struct tlw_tune_range *range, tlw_error *error);
void tlw_tune_works_end(struct tlw_tune_works *works);

/* The meter's functions; user is the works. */
struct tlw_load tlw_tune_works_load(void *works, enum tlw_work work, enum tlw_tune_shape shape, double units);
tlw_status tlw_tune_works_sample(void *works, const struct tlw_load *load, enum tlw_tune_shape shape, bool on_cpu,
                                 double *seconds, tlw_error *error);

#endif
