#include "windows.h"

#include "aim.h"
#include "loads.h"
#include "relief.h"
#include "state.h"

/* Tasks that are listed without a block: of short series the block would take as long as the windows. */
#define FEW_TASKS 4

/* What is done, and the list of its tasks: in the block, or a few. */
struct work {
  const struct tlw_window_source *source;
  const struct tlw_window_task *tasks; /* NULL: they are not listed yet */
  struct tlw_block block;
  struct tlw_window_task few[FEW_TASKS];
};

static void make_tasks(const struct tlw_window_source *source, struct tlw_window_task *tasks) {
  for (int32_t i = 0; i < source->job.n_tasks; i++) source->make(source->context, i, &tasks[i]);
}

static void begin(struct work *work, const struct tlw_window_source *source) {
  work->source = source;
  work->tasks = NULL;
  work->block = (struct tlw_block){0};
  if (source->job.n_tasks > FEW_TASKS) return;
  make_tasks(source, work->few);
  work->tasks = work->few;
}

static tlw_status list_tasks(tlw_engine *engine, struct work *work, tlw_error *error) {
  const struct tlw_window_source *source = work->source;
  if (work->tasks) return TLW_OK;
  const uint64_t size = (uint64_t)source->job.n_tasks * sizeof *work->tasks;
  const tlw_status status = tlw_block_reserve(&engine->services.memory, &work->block, size, "windows", error);
  if (status != TLW_OK) return status;
  make_tasks(source, work->block.data);
  work->tasks = work->block.data;
  tlw_telemetry_lap(&engine->services.telemetry, TLW_STAGE_PREPARE, source->job.n_tasks, 0);
  return TLW_OK;
}

static tlw_status compute(tlw_engine *engine, struct work *work, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  const tlw_status status = list_tasks(engine, work, error);
  if (status != TLW_OK) return status;
  struct tlw_window_job job = work->source->job;
  job.tasks = work->tasks;
  const tlw_status computed = executor->ops->windows(executor->state, &job, engine->work_limit, error);
  if (!executor->ops->draws_anywhere) tlw_telemetry_skip(&engine->services.telemetry);
  return computed;
}

/* With what others keep given back, if need be. */
static tlw_status compute_in_room(tlw_engine *engine, struct work *work, tlw_error *error) {
  const tlw_status status = compute(engine, work, error);
  return status == TLW_ERR_BUDGET && tlw_relief_room(engine) ? compute(engine, work, error) : status;
}

static void aim(tlw_engine *engine, const struct work *work) {
  const struct tlw_window_source *source = work->source;
  struct tlw_load loads[TLW_WINDOW_LOADS];
  if (!tlw_aim_has_choice(engine)) return;
  if (work->tasks && tlw_aim_at_once(engine, loads, tlw_units_of_windows(&source->job, work->tasks, loads))) return;
  tlw_aim(engine, loads, tlw_loads_of_windows(source, work->tasks, loads));
}

static tlw_status compute_all(tlw_engine *engine, const struct tlw_window_source *source, tlw_error *error) {
  struct work work;
  begin(&work, source);
  aim(engine, &work);
  engine->services.host_reserve = 0;
  tlw_status status = compute_in_room(engine, &work, error);
  if (status == TLW_ERR_BUDGET && tlw_aim_leave_cpu(engine)) status = compute_in_room(engine, &work, error);
  bool trimmed = false;
  while (status != TLW_OK && tlw_relief_try(engine, status, &trimmed, error))
    status = compute_in_room(engine, &work, error);
  tlw_engine_judge(engine, status, error);
  tlw_block_free(&engine->services.memory, &work.block);
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
  const int64_t begun = tlw_telemetry_begin(&engine->services.telemetry, TLW_OP_WINDOW);
  const uint64_t values = values_of(job);
  tlw_error failure;
  if (values > 0) status = compute_all(engine, source, &failure);
  if (status == TLW_OK) tlw_engine_add(&engine->values, values);
  tlw_engine_note(engine, TLW_OP_WINDOW, begun, values * sizeof(double), job->n_tasks, status);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}
