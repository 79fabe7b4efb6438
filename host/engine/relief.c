#include "relief.h"

#include "aim.h"
#include "host/base/least.h"
#include "state.h"

/* Pieces of work are not cut smaller than this. */
#define LEAST_PIECE ((uint64_t)1 << 16)
#define FIRST_LIMIT ((uint64_t)64 << 20)

/* The CPU takes no pieces that could be smaller. */
static bool halve(tlw_engine *engine) {
  const struct tlw_executor *executor = engine->executor;
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  const uint64_t room = tlw_pool_room(executor->ops->pool(executor->state));
  const uint64_t limit =
      tlw_least_of(engine->work_limit, room < LEAST_PIECE ? FIRST_LIMIT : tlw_least_of(room, FIRST_LIMIT)) / 2;
  if (executor->device.backend == TLW_BACKEND_CPU || limit < LEAST_PIECE) return false;
  engine->work_limit = limit;
  tlw_engine_add(&engine->halvings, 1);
  tlw_engine_note(engine, TLW_OP_HALVE, begun, limit, 0, TLW_OK);
  return true;
}

bool tlw_relief_room(tlw_engine *engine) {
  tlw_draw_relieve(engine);
  const tlw_status status = tlw_aim_trim(engine);
  tlw_engine_judge(engine, status, NULL);
  return status == TLW_OK;
}

bool tlw_relief_try(tlw_engine *engine, tlw_status status, bool *trimmed, const tlw_error *error) {
  if (status == TLW_ERR_UNAVAILABLE && engine->may_fall_back) {
    tlw_draw_relieve(engine);
    return tlw_engine_fall_back(engine, error);
  }
  if (status != TLW_ERR_MEMORY) return false;
  if (*trimmed && tlw_aim_leave_cpu(engine)) {
    *trimmed = false;
    return true;
  }
  if (*trimmed) return halve(engine) || tlw_engine_fall_back(engine, error);
  *trimmed = true;
  tlw_draw_relieve(engine);
  return tlw_engine_trim(engine);
}
