/*
 * How cases are measured.
 *
 * Every row of a group takes its turn in each of the rounds, so that a busy machine or a changing clock meets all
 * alike. In a turn it runs a batch: samples, each of as many calls as make it long enough to be timed, until the
 * batch's share of the time is used. Batches that the machine spoiled are measured again while there is time.
 */
#ifndef TALLOW_BENCH_METHOD_H
#define TALLOW_BENCH_METHOD_H

#include "run.h"

#define BENCH_ROUNDS 16
#define BENCH_SECONDS_MOST 1.0 /* a row, where no time is asked for */
#define BENCH_SECONDS_ALL 12.0 /* all rows, likewise */

/* Likewise, after which rounds are left out: all in all, and at least a row, of time on the wall. */
#define BENCH_SECONDS_WALL 26.0 /* of the 30 that a run may take */
#define BENCH_SECONDS_WALL_ROW 0.25
#define BENCH_ROUNDS_LEAST 3 /* that are made in any case */

typedef struct bench_plan {
  double seconds;      /* a row; 0: by the number of rows */
  double wall;         /* for all rows; 0: as long as it takes where seconds are given, else as above */
  bool processor_time; /* for rows of one thread on a busy machine */
  /* Told before each group and round; or NULL. */
  void (*progress)(void *user, size_t rows_done, size_t rows);
  /* Asked ahead of each batch: whether no more is to be measured; or NULL. Rows may have fewer batches then, or none. */
  bool (*stopped)(void *user);
  void *user;
} bench_plan;

/*
 * Measures all rows of the run, whose what and lane are set. A row that fails has a status, and the others go on.
 * TLW_ERR_MEMORY: nothing more was measured.
 */
tlw_status bench_measure(bench_run *run, const bench_plan *plan, tlw_error *error);

#endif
