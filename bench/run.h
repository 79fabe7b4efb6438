/* A run: what was measured on which machine. */
#ifndef TALLOW_BENCH_RUN_H
#define TALLOW_BENCH_RUN_H

#include "batches.h"
#include "case.h"
#include "machine.h"
#include "stages.h"

/* A case on a lane, and what came of it. */
typedef struct bench_row {
  const bench_case *what; /* NULL in a run that was read from a file */
  bench_lane lane;
  char name[BENCH_NAME_SIZE + 64]; /* with the lane: render/1080p/1000/cpu/threads:2 */
  char tier[32];                   /* of the CPU; other backends: "" */
  const char *item;
  double items, bytes;
  tlw_status status; /* not TLW_OK: the rest means nothing */
  tlw_error error;
  double cold;            /* seconds of the first call of a new engine */
  bool has_hash, changed; /* changed: the output was another behind the measuring */
  uint64_t hash;
  uint64_t host_peak, device_peak; /* 0: not known */
  bench_stage_times stages;
  double others; /* while it was measured other programs took this share of the time of all CPUs */
  int n;
  bench_batch batches[BENCH_BATCHES_MAX];
} bench_row;

typedef struct bench_run {
  bench_machine machine;
  bool processor_time; /* times are of the processor */
  bool ran_out;        /* of time, so that there were fewer rounds */
  bool leaves_opencl;  /* it could be measured, but nobody named it and it runs on a CPU */
  size_t n;
  bench_row *rows;
} bench_run;

void bench_run_free(bench_run *run);

/* The median of a row's batches that count, with its interval; and whether some were spoiled. */
bench_interval bench_row_time(const bench_row *row, bool *disturbed);

/* The least of them. */
double bench_row_best(const bench_row *row);

/* The row that others of its case are compared with: the first on the CPU; NULL: there is none. */
const bench_row *bench_baseline(const bench_run *run, const bench_row *row);

typedef enum bench_equality { BENCH_EQUAL, BENCH_DIFFERS, BENCH_UNKNOWN } bench_equality;

/* Whether outputs are the same; unknown where there are none. */
bench_equality bench_compare_outputs(const bench_row *a, const bench_row *b);

/* How many times as fast as the baseline a row is: the ratio of their times, as bench_row_time tells them. */
bench_interval bench_speedup(const bench_row *row, const bench_row *baseline);

/* The share of what this machine copies, by one thread or, beside several and a device, by all; 0: not known. */
double bench_share_of_copy(const bench_run *run, const bench_row *row);

#endif
