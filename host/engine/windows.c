#include "windows.h"

#include "state.h"

/* Pieces of work are not cut smaller than this. */
#define LEAST_PIECE ((uint64_t)1 << 16)
#define FIRST_LIMIT ((uint64_t)64 << 20)

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The CPU takes no pieces that could be smaller. */
static bool halve(tlw_engine *engine) {
  const struct tlw_executor *executor = &engine->executor;
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  const uint64_t room = tlw_pool_room(executor->ops->pool(executor->state));
  const uint64_t limit = least(engine->work_limit, room < LEAST_PIECE ? FIRST_LIMIT : least(room, FIRST_LIMIT)) / 2;
  if (executor->device.backend == TLW_BACKEND_CPU || limit < LEAST_PIECE) return false;
  engine->work_limit = limit;
  tlw_engine_add(&engine->halvings, 1);
  tlw_engine_note(engine, TLW_OP_HALVE, begun, limit, 0, TLW_OK);
  return true;
}

static tlw_status compute(tlw_engine *engine, const struct tlw_window_job *job, tlw_error *error) {
  const struct tlw_executor *executor = &engine->executor;
  return executor->ops->windows(executor->state, job, engine->work_limit, error);
}

/* What renders keep may stand in the way. */
static bool make_room(tlw_engine *engine) {
  tlw_draw_relieve(engine);
  const tlw_status status = engine->executor.ops->trim(engine->executor.state, false, NULL);
  tlw_engine_judge(engine, status, NULL);
  return status == TLW_OK;
}

/*
 * Whether it may be tried again: after TLW_ERR_MEMORY with more room or less to do; then, or where this backend can't
 * roll windows at all, on the next one.
 */
static bool make_way(tlw_engine *engine, tlw_status status, bool *trimmed, const tlw_error *error) {
  if (status == TLW_ERR_UNAVAILABLE && engine->may_fall_back) {
    tlw_draw_relieve(engine);
    return tlw_engine_fall_back(engine, error);
  }
  if (status != TLW_ERR_MEMORY) return false;
  if (*trimmed) return halve(engine) || tlw_engine_fall_back(engine, error);
  *trimmed = true;
  tlw_draw_relieve(engine);
  return tlw_engine_trim(engine);
}

static tlw_status compute_all(tlw_engine *engine, const struct tlw_window_job *job, tlw_error *error) {
  engine->services.host_reserve = 0;
  tlw_status status = compute(engine, job, error);
  if (status == TLW_ERR_BUDGET && make_room(engine)) status = compute(engine, job, error);
  bool trimmed = false;
  while (status != TLW_OK && make_way(engine, status, &trimmed, error)) status = compute(engine, job, error);
  tlw_engine_judge(engine, status, error);
  return status;
}

/* Results: one for each row of a series and each output. */
static uint64_t values_of(const struct tlw_window_job *job) {
  return (uint64_t)(job->offsets[job->n_series] - job->offsets[0]) * (uint64_t)job->n_tasks;
}

tlw_status tlw_engine_windows(tlw_engine *engine, const struct tlw_window_job *job, tlw_error *error) {
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  const uint64_t values = values_of(job);
  tlw_error failure;
  if (values > 0) status = compute_all(engine, job, &failure);
  if (status == TLW_OK) tlw_engine_add(&engine->values, values);
  tlw_engine_note(engine, TLW_OP_WINDOW, begun, values * sizeof(double), job->n_tasks, status);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}
