#include "window_jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory_of(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  if (memory == NULL) abort();
  return memory;
}

static void compute(window_job *job) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  tlw_engine *engine = NULL;
  tlw_error error;
  tlw_status status = tlw_engine_open(&engine, &options, &error);
  if (status == TLW_OK)
    status = tlw_window_run(engine, &job->c.batch, job->c.specs, job->c.n_specs, job->expected, &error);
  tlw_engine_close(&engine);
  if (status == TLW_OK) return;
  fprintf(stderr, "window jobs: %s\n", error.message);
  abort();
}

/* Leaves one of `step` specs. */
static void thin_out(window_case *c, int32_t step) {
  int32_t n = 0;
  for (int32_t k = 0; k < c->n_specs; k += step) c->specs[n++] = c->specs[k];
  c->n_specs = n;
}

void window_job_open(window_job *job, uint64_t seed, int64_t n_series, int64_t most, int64_t window, int32_t step) {
  window_case_open(&job->c, seed, n_series, most);
  window_case_add_all(&job->c, window, (int64_t)(seed % 1000));
  thin_out(&job->c, step);
  job->expected = memory_of((size_t)job->c.n_specs, sizeof *job->expected);
  for (int32_t k = 0; k < job->c.n_specs; k++)
    job->expected[k] = memory_of((size_t)job->c.batch.n_rows, sizeof **job->expected);
  compute(job);
}

void window_job_close(window_job *job) {
  for (int32_t k = 0; k < job->c.n_specs; k++) free(job->expected[k]);
  free(job->expected);
  window_case_close(&job->c);
}

static bool is_right(const window_job *job, int32_t k, const poisoned *output) {
  const int64_t first = job->c.offsets[0], end = job->c.offsets[job->c.batch.n_series];
  const size_t size = (size_t)(end - first) * sizeof(double);
  return memcmp(output->rows + first, job->expected[k] + first, size) == 0 && poisoned_intact(output, first, end);
}

tlw_status window_job_run(const window_job *job, tlw_engine *engine, tlw_error *error) {
  const int32_t n = job->c.n_specs;
  poisoned *outputs = memory_of((size_t)n, sizeof *outputs);
  double **rows = memory_of((size_t)n, sizeof *rows);
  for (int32_t k = 0; k < n; k++) {
    poisoned_open(&outputs[k], job->c.batch.n_rows, job->c.seed + (uint64_t)k);
    rows[k] = outputs[k].rows;
  }
  tlw_status status = tlw_window_run(engine, &job->c.batch, job->c.specs, n, rows, error);
  for (int32_t k = 0; k < n && status == TLW_OK; k++) {
    if (is_right(job, k, &outputs[k])) continue;
    char text[256];
    status = TLW_ERR_INTERNAL;
    snprintf(error->message, sizeof error->message, "seed %llu: wrong bits of %s", (unsigned long long)job->c.seed,
             window_text(&job->c.specs[k], text, sizeof text));
  }
  for (int32_t k = 0; k < n; k++) poisoned_close(&outputs[k]);
  free(outputs);
  free(rows);
  return status;
}

/* ---- states ---- */

static int64_t series_of(const window_job *job) {
  int64_t s = 0;
  while (s < job->c.batch.n_series - 1 && job->c.offsets[s] == job->c.offsets[s + 1]) s++;
  return s;
}

tlw_window_state *window_job_state(const window_job *job, int32_t k, tlw_engine *engine, tlw_error *error) {
  tlw_window_state *state = NULL;
  const int64_t origin = job->c.batch.origin ? job->c.origin[series_of(job)] : 0;
  tlw_window_state_open(&job->c.specs[k], origin, engine, &state, error);
  return state;
}

bool window_job_feed(const window_job *job, int32_t k, tlw_window_state *state, int64_t from, int64_t to) {
  const int64_t s = series_of(job), first = job->c.offsets[s], n = job->c.offsets[s + 1] - first;
  const tlw_window_spec *spec = &job->c.specs[k];
  for (int64_t i = from; i < to && i < n; i++) {
    const double *y = job->c.wide[spec->other];
    const double result = tlw_window_update(state, job->c.wide[spec->column][first + i], y[first + i]);
    if (memcmp(&result, &job->expected[k][first + i], sizeof result) != 0) return false;
  }
  return true;
}
