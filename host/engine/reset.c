/* Resets, and the guests that they evict. */
#include "host/base/error.h"
#include "state.h"

void tlw_engine_enlist(tlw_engine *engine, struct tlw_guest *guest) {
  pthread_mutex_lock(&engine->guest_lock);
  guest->next = engine->guests;
  engine->guests = guest;
  pthread_mutex_unlock(&engine->guest_lock);
}

void tlw_engine_delist(tlw_engine *engine, struct tlw_guest *guest) {
  pthread_mutex_lock(&engine->guest_lock);
  struct tlw_guest **link = &engine->guests;
  while (*link && *link != guest) link = &(*link)->next;
  if (*link) *link = guest->next;
  pthread_mutex_unlock(&engine->guest_lock);
}

static void reset_stats(tlw_engine *engine) {
  struct tlw_services *services = &engine->services;
  _Atomic uint64_t *const totals[] = {
      &engine->charts,    &engine->candles,    &engine->pixels,     &engine->copied,
      &engine->reduced,   &engine->resets,     &engine->trims,      &engine->halvings,
      &engine->fallbacks, &services->launches, &services->uploaded, &services->downloaded,
  };
  for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) atomic_store_explicit(totals[i], 0, memory_order_relaxed);
  tlw_gauge_clear(&services->memory.bytes);
  tlw_gauge_clear(&services->device_bytes);
  pthread_mutex_lock(&engine->facts);
  tlw_gauge_clear(&engine->executor.ops->pool(engine->executor.state)->in_use);
  pthread_mutex_unlock(&engine->facts);
  tlw_ledger_clear(&services->ledger);
}

static _Thread_local struct {
  tlw_engine *const *engines;
  size_t n;
} callback;

void tlw_engine_callback(tlw_engine *const *engines, size_t n) {
  callback.engines = engines;
  callback.n = n;
}

static bool is_in_callback(const tlw_engine *engine) {
  for (size_t i = 0; i < callback.n; i++)
    if (callback.engines[i] == engine) return true;
  return false;
}

/* With nothing in flight but what the backend itself waits for. */
static tlw_status reset_work(tlw_engine *engine, tlw_reset level, tlw_error *error) {
  const struct tlw_executor *executor = &engine->executor;
  const bool all = level == TLW_RESET_MEMORY;
  tlw_pool_clear(executor->ops->pool(executor->state));
  if (all) tlw_draw_relieve(engine);
  if (engine->lost)
    return tlw_fail(error, TLW_ERR_DEVICE_LOST, "the device failed earlier: close this engine and open another");
  engine->work_limit = UINT64_MAX;
  const tlw_status status = all ? executor->ops->trim(executor->state, true, error) : TLW_OK;
  tlw_engine_judge(engine, status, error);
  return status;
}

tlw_status tlw_engine_reset(tlw_engine *engine, tlw_reset level, tlw_error *error) {
  if (!engine) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL");
  if ((int)level < TLW_RESET_STATS || (int)level > TLW_RESET_MEMORY)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "level is %d: it must be one of tlw_reset", (int)level);
  if (level == TLW_RESET_STATS) {
    reset_stats(engine);
    return TLW_OK;
  }
  if (is_in_callback(engine))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "tlw_engine_reset was called from a callback of a stream on the engine");
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  /* The list stays locked, so that no guest comes or goes meanwhile. */
  pthread_mutex_lock(&engine->guest_lock);
  for (struct tlw_guest *guest = engine->guests; guest; guest = guest->next) guest->evict(guest);
  tlw_engine_seize(engine);
  const tlw_status status = reset_work(engine, level, error);
  tlw_engine_end(engine);
  pthread_mutex_unlock(&engine->guest_lock);
  tlw_engine_add(&engine->resets, 1);
  tlw_engine_note(engine, TLW_OP_RESET, begun, 0, level, status);
  return status;
}
