/* Rolling windows as work for an engine in tests of something else: a batch, its specs, and the bits that must come. */
#ifndef TALLOW_TESTS_WINDOW_JOBS_H
#define TALLOW_TESTS_WINDOW_JOBS_H

#include "window_cases.h"

typedef struct window_job {
  window_case c;
  double **expected; /* by spec, of the CPU backend without limits */
} window_job;

/*
 * A spec of every `step`-th operation of the table, 1: of each, over n_series of up to `most` rows. Aborts where there
 * is no memory.
 */
void window_job_open(window_job *job, uint64_t seed, int64_t n_series, int64_t most, int64_t window, int32_t step);
void window_job_close(window_job *job);

/* Does it. TLW_ERR_INTERNAL: it went well, but a bit is wrong, or one is that was not to be written. */
tlw_status window_job_run(const window_job *job, tlw_engine *engine, tlw_error *error);

/* A state of spec k, over the first series that has rows; NULL: it can't be opened. */
tlw_window_state *window_job_state(const window_job *job, int32_t k, tlw_engine *engine, tlw_error *error);

/* Whether rows from to to - 1 of that series give the right bits; to is cut to its rows. */
bool window_job_feed(const window_job *job, int32_t k, tlw_window_state *state, int64_t from, int64_t to);

#endif
