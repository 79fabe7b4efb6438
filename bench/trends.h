/*
 * Runs over time: what each of many saved runs says of each case, parted by machine. Of a run little is kept, so that
 * memory does not grow with what its file holds: a time with its interval for each record, and of each case on each
 * lane the two newest records whole.
 */
#ifndef TALLOW_BENCH_TRENDS_H
#define TALLOW_BENCH_TRENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"

#define BENCH_TRENDS_RUNS 200
#define BENCH_TRENDS_SERIES 16384

/* What a run says of a series. */
typedef struct bench_point {
  size_t series;
  bench_interval time;
  bool disturbed;
} bench_point;

/* A run. */
typedef struct bench_past {
  const char *path;
  char date[32], commit[48];
  size_t machine, order; /* order: in which it was added */
  size_t n;
  bench_point *points; /* by series */
} bench_past;

/* A case on a lane of a machine. */
typedef struct bench_series {
  size_t machine, position;  /* position: in the newest run that has it */
  uint64_t hash;             /* of its name */
  char date[32], commit[48]; /* of that run */
  size_t run;                /* its order */
  bench_record newest;
  bench_record before; /* of the newest run but one that has it; n is 0: there is none */
  char date_before[32];
  size_t run_before;
  bench_standing standing; /* of its speedup, over */
  char baseline_on[64];
} bench_series;

/* Runs whose times can be compared: of one fingerprint and one clock. */
typedef struct bench_machine_past {
  bench_records newest; /* the newest run, without its records but with its failures */
  size_t first, n;      /* its runs, in order of time */
  size_t first_series, n_series;
} bench_machine_past;

typedef struct bench_trends {
  size_t n_runs, n_series, n_machines, series_capacity, expected;
  bench_past runs[BENCH_TRENDS_RUNS];
  bench_series *series;
  size_t *shown; /* series in order: by machine, suite, case as the newest run has them */
  bench_machine_past machines[BENCH_TRENDS_RUNS];
} bench_trends;

/* NULL and an error. */
bench_trends *bench_trends_open(tlw_error *error);
void bench_trends_close(bench_trends **trends);

/*
 * Reads a run; path must outlive the trends. TLW_ERR_NOT_FOUND, TLW_ERR_DATA: as bench_records_read, or there are too
 * many runs; the trends are as before. TLW_ERR_MEMORY: no memory, or too many series; they can only be closed.
 */
tlw_status bench_trends_add(bench_trends *trends, const char *path, tlw_error *error);

/* Puts everything in order, once all runs were added: the machine of the newest run first. */
tlw_status bench_trends_sort(bench_trends *trends, tlw_error *error);

/* What a run says of a series; NULL: nothing. */
const bench_point *bench_past_point(const bench_past *run, size_t series);

#endif
