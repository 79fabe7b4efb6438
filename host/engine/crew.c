#include "crew.h"

#include "state.h"

tlw_status tlw_crew_begin(struct tlw_crew *crew, tlw_engine *engine, int64_t most, tlw_error *error) {
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const struct tlw_executor *executor = &engine->executor;
  const uint32_t threads = engine->services.threads;
  *crew = (struct tlw_crew){.engine = engine, .begun = tlw_ledger_now(&engine->services.ledger), .workers = 1};
  if (most > 1) crew->workers = most < threads ? (uint32_t)most : threads;
  if (crew->workers == 1) return TLW_OK;
  if (executor->ops->team) {
    crew->team = executor->ops->team(executor->state);
    return TLW_OK;
  }
  status = tlw_team_open(&crew->own, crew->workers, &engine->services.memory, error);
  crew->team = crew->own;
  if (status != TLW_OK) tlw_engine_end(engine);
  return status;
}

void tlw_crew_end(struct tlw_crew *crew, tlw_operation operation, int64_t items, tlw_status status) {
  tlw_team_close(&crew->own);
  tlw_engine_note(crew->engine, operation, crew->begun, 0, items, status);
  tlw_engine_end(crew->engine);
}

void tlw_crew_run(const struct tlw_crew *crew, int64_t items, tlw_team_fn run, void *context) {
  tlw_team_run(crew->team, crew->workers, items, run, context);
}

bool tlw_crew_has_device(const struct tlw_crew *crew) {
  return crew->engine->executor.ops->bars && !crew->engine->lost;
}

bool tlw_crew_join(const struct tlw_crew *crew, const struct tlw_bars_job *job) {
  tlw_engine *engine = crew->engine;
  const struct tlw_executor *executor = &engine->executor;
  const tlw_status status = executor->ops->bars(executor->state, job, engine->work_limit, NULL);
  tlw_engine_judge(engine, status, NULL);
  return status == TLW_OK;
}
