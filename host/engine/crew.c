#include "crew.h"

#include "aim.h"
#include "state.h"

/* With the CPU or the device; the CPU beside a device must leave room for what the operation takes. */
static void aim(tlw_engine *engine, const struct tlw_crew_wish *wish) {
  if (wish->load.units > 0) tlw_aim(engine, &wish->load, 1);
  const struct tlw_memory *memory = &engine->services.memory;
  if (tlw_memory_check(memory, wish->bytes, "an operation", NULL) == TLW_OK) return;
  if (tlw_aim_is_at_cpu(engine) && tlw_aim_trim(engine) == TLW_OK &&
      tlw_memory_check(memory, wish->bytes, "an operation", NULL) == TLW_OK)
    return;
  tlw_aim_leave_cpu(engine);
  tlw_aim_relieve(engine);
}

tlw_status tlw_crew_begin(struct tlw_crew *crew, tlw_engine *engine, const struct tlw_crew_wish *wish,
                          tlw_error *error) {
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const uint32_t threads = engine->services.threads;
  const int64_t most = wish->most;
  aim(engine, wish);
  *crew = (struct tlw_crew){
      .engine = engine,
      .workers = 1,
      .begun = tlw_telemetry_begin(&engine->services.telemetry, wish->operation),
      .busy = 1,
  };
  if (most > 1) crew->workers = most < threads ? (uint32_t)most : threads;
  if (crew->workers == 1) return TLW_OK;
  crew->team = tlw_aim_team(engine);
  if (crew->team) return TLW_OK;
  status = tlw_team_open(&crew->own, crew->workers, &engine->services.memory, error);
  crew->team = crew->own;
  if (status != TLW_OK) tlw_engine_end(engine);
  return status;
}

/* Of what threads did side by side, sinks have taken their average share. Work that failed is no stage. */
static void tell(struct tlw_crew *crew, int64_t items, tlw_status status) {
  struct tlw_telemetry *telemetry = &crew->engine->services.telemetry;
  const int64_t now = tlw_ledger_now(telemetry->ledger);
  const int64_t away = (int64_t)(atomic_load_explicit(&crew->away, memory_order_relaxed) / crew->busy);
  const int64_t before = now - telemetry->mark > away ? now - away : telemetry->mark;
  if (status == TLW_OK)
    tlw_telemetry_lap_to(telemetry, before, TLW_STAGE_COMPUTE, items, 0);
  else
    telemetry->mark = before;
  if (away > 0) tlw_telemetry_lap_to(telemetry, now, TLW_STAGE_DELIVER, 0, atomic_load(&crew->delivered));
  telemetry->mark = now;
}

void tlw_crew_end(struct tlw_crew *crew, int64_t items, tlw_status status) {
  const struct tlw_telemetry *telemetry = &crew->engine->services.telemetry;
  tlw_team_close(&crew->own);
  tell(crew, items, status);
  tlw_engine_note(crew->engine, telemetry->operation, crew->begun, 0, items, status);
  tlw_engine_end(crew->engine);
}

void tlw_crew_run(const struct tlw_crew *crew, int64_t items, tlw_team_fn run, void *context) {
  tlw_team_run(crew->team, crew->workers, items, run, context);
}

void tlw_crew_spread(struct tlw_crew *crew, int64_t items, tlw_team_fn run, void *context) {
  crew->busy = items < crew->workers ? (uint32_t)(items > 1 ? items : 1) : crew->workers;
  tlw_crew_run(crew, items, run, context);
}

int64_t tlw_crew_leave(struct tlw_crew *crew) {
  struct tlw_telemetry *telemetry = &crew->engine->services.telemetry;
  if (crew->busy > 1) return tlw_ledger_now(telemetry->ledger);
  tlw_telemetry_lap(telemetry, TLW_STAGE_COMPUTE, 0, 0);
  return telemetry->mark;
}

void tlw_crew_return(struct tlw_crew *crew, int64_t left, uint64_t bytes, tlw_status status) {
  struct tlw_telemetry *telemetry = &crew->engine->services.telemetry;
  if (crew->busy > 1) {
    const int64_t now = tlw_ledger_now(telemetry->ledger);
    atomic_fetch_add_explicit(&crew->away, (uint64_t)(now - left), memory_order_relaxed);
    if (status == TLW_OK) atomic_fetch_add_explicit(&crew->delivered, bytes, memory_order_relaxed);
  } else if (status == TLW_OK) {
    tlw_telemetry_lap(telemetry, TLW_STAGE_DELIVER, 0, bytes);
  } else {
    tlw_telemetry_skip(telemetry);
  }
}

bool tlw_crew_has_device(const struct tlw_crew *crew) {
  return crew->engine->executor->ops->bars && !crew->engine->lost;
}

bool tlw_crew_join(const struct tlw_crew *crew, const struct tlw_bars_job *job) {
  tlw_engine *engine = crew->engine;
  const struct tlw_executor *executor = engine->executor;
  tlw_telemetry_lap(&engine->services.telemetry, TLW_STAGE_PREPARE, 0, 0);
  const tlw_status status = executor->ops->bars(executor->state, job, engine->work_limit, NULL);
  tlw_telemetry_skip(&engine->services.telemetry);
  tlw_engine_judge(engine, status, NULL);
  return status == TLW_OK;
}
