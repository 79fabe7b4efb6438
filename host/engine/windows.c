#include "windows.h"

#include "relief.h"
#include "state.h"

/* What is done, and the list of its tasks. */
struct work {
  const struct tlw_window_source *source;
  struct tlw_block tasks;
};

static tlw_status list_tasks(tlw_engine *engine, struct work *work, tlw_error *error) {
  const struct tlw_window_source *source = work->source;
  if (work->tasks.data) return TLW_OK;
  const uint64_t size = (uint64_t)source->job.n_tasks * sizeof(struct tlw_window_task);
  const tlw_status status = tlw_block_reserve(&engine->services.memory, &work->tasks, size, "windows", error);
  if (status != TLW_OK) return status;
  struct tlw_window_task *tasks = work->tasks.data;
  for (int32_t i = 0; i < source->job.n_tasks; i++) source->make(source->context, i, &tasks[i]);
  return TLW_OK;
}

static tlw_status compute(tlw_engine *engine, struct work *work, tlw_error *error) {
  const struct tlw_executor *executor = &engine->executor;
  const tlw_status status = list_tasks(engine, work, error);
  if (status != TLW_OK) return status;
  struct tlw_window_job job = work->source->job;
  job.tasks = work->tasks.data;
  return executor->ops->windows(executor->state, &job, engine->work_limit, error);
}

static tlw_status compute_all(tlw_engine *engine, const struct tlw_window_source *source, tlw_error *error) {
  struct work work = {.source = source};
  engine->services.host_reserve = 0;
  tlw_status status = compute(engine, &work, error);
  if (status == TLW_ERR_BUDGET && tlw_relief_room(engine)) status = compute(engine, &work, error);
  bool trimmed = false;
  while (status != TLW_OK && tlw_relief_try(engine, status, &trimmed, error)) status = compute(engine, &work, error);
  tlw_engine_judge(engine, status, error);
  tlw_block_free(&engine->services.memory, &work.tasks);
  return status;
}

/* Results: one for each row of a series and each output. */
static uint64_t values_of(const struct tlw_window_job *job) {
  return (uint64_t)(job->offsets[job->n_series] - job->offsets[0]) * (uint64_t)job->n_tasks;
}

tlw_status tlw_engine_windows(tlw_engine *engine, const struct tlw_window_source *source, tlw_error *error) {
  const struct tlw_window_job *job = &source->job;
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  const uint64_t values = values_of(job);
  tlw_error failure;
  if (values > 0) status = compute_all(engine, source, &failure);
  if (status == TLW_OK) tlw_engine_add(&engine->values, values);
  tlw_engine_note(engine, TLW_OP_WINDOW, begun, values * sizeof(double), job->n_tasks, status);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}
