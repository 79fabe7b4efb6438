/*
 * What the tests of streams, budgets, resets and buffers share: engines by target, the software CUDA driver's
 * controls, plans of random batches with the images that they must give, and a sink that holds every piece against
 * them.
 */
#ifndef TALLOW_TESTS_STREAM_KIT_H
#define TALLOW_TESTS_STREAM_KIT_H

#include <pthread.h>
#include <stdatomic.h>

#include "extras.h"
#include "harness.h"
#include "packing.h"
#include "series.h"
#include "softcuda/softcuda.h"
#include "tallow/buffer.h"
#include "tallow/stream.h"
#include "tallow/tallow.h"

/* ---- targets ---- */

/*
 * As targets_find, but of the CPU's tiers only the best one, for what is tested here does not depend on it. Opens the
 * engine that draws the expected images.
 */
bool kit_open(target_list *list, int argc, char **argv);
void kit_close(void);

/* Fails the test if the engine can't be opened. */
tlw_engine *kit_engine(const target *t, const target_limits *limits);

/* The engine of one device of a target with several. */
tlw_engine *kit_engine_on(const target *t, const target_limits *limits, const char *device);

/* Cases to run: as many as said, or TALLOW_TEST_CASES if that is less. */
int64_t kit_cases(int64_t most);
/* Whether what takes long is to be run too: not where few cases are asked for, as under sanitizers. */
bool kit_in_full(void);

/* A number for a target: the first for the CPU, the second for the others. */
int64_t kit_for(const target *t, int64_t cpu, int64_t others);

tlw_stats kit_stats(const tlw_engine *engine);

/* The software driver's controls; all NULL on other targets. */
struct kit_soft {
  void (*stats)(struct softcuda_stats *stats);
  int (*set)(const char *setting);
  int (*restart)(void);
};
extern struct kit_soft kit_soft;

/* Bytes of device memory that the software driver has given out; 0 on other targets. */
uint64_t kit_driver_bytes(void);
/* The most of them since kit_driver_restart. */
uint64_t kit_driver_peak(void);
/* No engine is open. */
void kit_driver_restart(void);

/* Memory of this process, in bytes. */
uint64_t kit_resident(void);

/* ---- plans ---- */

/* How the series of a batch are given. */
typedef enum kit_way { KIT_PUSH, KIT_RELEASE, KIT_ROWS } kit_way;

typedef struct kit_batch {
  columns data;              /* contiguous doubles, no finer than the type of the packing */
  extras extras;             /* what options points to */
  int64_t *offsets, *counts; /* as in tlw_candles */
  int64_t n_series;
  tlw_chart_options options;
  packing how;
  bool with_volume, with_time;
  kit_way way;
  int64_t first_chart;
  uint8_t *expected; /* n_series images without gaps */
} kit_batch;

#define KIT_BATCHES 40

typedef struct kit_plan {
  uint64_t seed;
  int n_batches;
  int64_t n_charts;
  kit_batch batches[KIT_BATCHES];
} kit_plan;

/* Bounds of what is random. Zeros stand for what a quick test wants. */
typedef struct kit_shape {
  int batches; /* exactly so many; else 1 to 10 */
  int32_t least_side, most_side;
  int64_t most_rows, most_series; /* of a batch */
  bool plain;                     /* contiguous doubles, pushed without release; no text and lines */
} kit_shape;

void kit_plan_open(kit_plan *plan, uint64_t seed, const kit_shape *shape);
void kit_plan_close(kit_plan *plan);

/*
 * A plan of one batch over n_rows plain rows, with room for n_series, to be filled in further: see kit_batch_finish.
 */
kit_batch *kit_plan_single(kit_plan *plan, uint64_t seed, int32_t width, int32_t height, int64_t n_rows,
                           int64_t n_series);
/* Draws what the batches must give. */
void kit_plan_draw(kit_plan *plan);

/* The batch of a chart, and the chart's place in it. */
const kit_batch *kit_batch_of(const kit_plan *plan, int64_t chart, int64_t *series);
const uint8_t *kit_expected(const kit_plan *plan, int64_t chart);

/* A view of the batch's own columns. */
tlw_candles kit_view(const kit_batch *batch);
/* Draws the batch by a render and compares. False: prints why. */
bool kit_renders(tlw_engine *engine, const kit_batch *batch);

/* ---- runs ---- */

/*
 * A plan on its way through a stream. Columns are given as copies, which are overwritten and freed as soon as the
 * stream says that it no longer looks at them.
 */
typedef struct kit_run kit_run;

/* After the piece was looked at; what it returns the sink returns. */
typedef tlw_status (*kit_hook)(kit_run *run, const tlw_piece *piece, tlw_error *error);

#define KIT_LIVES 4096

struct kit_live;

struct kit_run {
  const kit_plan *plan;
  tlw_stream_format format;
  tlw_png_coding coding; /* of PNG */
  bool no_user;          /* tlw_stream_run has none to give */
  bool digest;           /* the option of the stream; for PNG */
  kit_hook hook;
  void *hook_user;
  void (*on_release)(kit_run *run);

  _Atomic int64_t delivered; /* whole charts */
  _Atomic int64_t pushes;    /* that have returned TLW_OK */
  _Atomic int64_t releases;

  /* Of the sink. */
  _Atomic int inside;
  int32_t next_row;
  uint8_t *file;
  size_t file_size, file_capacity;

  pthread_mutex_t lock; /* for the rest */
  struct kit_live *lives[KIT_LIVES];
  int n_lives;
  char trouble[600]; /* the first thing that was wrong; "" while there is none */
};

void kit_run_open(kit_run *run, const kit_plan *plan, tlw_stream_format format);

/* After the stream was closed. Fails the test if anything was wrong, or a batch was not released once. */
void kit_run_close(kit_run *run);

/* The sink; user is the run. */
tlw_status kit_sink(void *user, const tlw_piece *piece, tlw_error *error);

tlw_stream_options kit_options(kit_run *run, uint32_t slots, uint32_t encoders);

/* Gives the batches from `first` on, each in its way. The first failure, and in *at the batch that it came by. */
tlw_status kit_feed(kit_run *run, tlw_stream *stream, int first, rng *r, int *at, tlw_error *error);
/* Likewise by tlw_stream_run; the run must have no_user. */
tlw_status kit_feed_by_run(kit_run *run, tlw_stream *stream, tlw_error *error);

/* Opens a stream for the run, feeds, finishes and closes. False, with the reason printed, unless all is delivered. */
bool kit_passes(kit_run *run, tlw_engine *const *engines, size_t n_engines, uint32_t slots, uint32_t encoders, rng *r);

/* Likewise with a run of its own; fails the test. */
void kit_pass(const kit_plan *plan, tlw_stream_format format, tlw_engine *const *engines, size_t n_engines,
              uint32_t slots, uint32_t encoders, rng *r);

/* Pushes that were accepted and whose columns may still be looked at. */
int kit_unreleased(kit_run *run);

/* Whether the sink saw nothing wrong so far; prints it otherwise. */
bool kit_run_good(kit_run *run);

/* ---- gates ---- */

/* Where one thread waits for another. Zeroed, but for the initialisers. */
typedef struct kit_gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool open;
  int arrived;
} kit_gate;

#define KIT_GATE                                                                                                       \
  { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER }

/* Waits until the gate is open. */
void kit_gate_pass(kit_gate *gate);
/* Waits until somebody has come to the gate. */
void kit_gate_await(kit_gate *gate);
void kit_gate_open(kit_gate *gate);

/* Fails the test, with the message, unless a call went well: kit_ok(f(..., &error), &error). */
void kit_ok(tlw_status status, const tlw_error *error);
/* Fails the test unless a call gave this code, also in the record. */
void kit_failed(tlw_status status, tlw_status code, const tlw_error *error);

#endif
