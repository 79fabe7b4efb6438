/* Resets, and the guests that they evict. */
#include "aim.h"
#include "host/base/error.h"
#include "state.h"

static bool is_taken(const tlw_engine *engine, uint32_t number) {
  const struct tlw_guest *guest = engine->guests;
  while (guest && guest->number != number) guest = guest->next;
  return guest != NULL;
}

void tlw_engine_enlist(tlw_engine *engine, struct tlw_guest *guest) {
  pthread_mutex_lock(&engine->guest_lock);
  guest->number = 0;
  while (is_taken(engine, guest->number)) guest->number++;
  guest->session = engine->session;
  guest->next = engine->guests;
  engine->guests = guest;
  pthread_mutex_unlock(&engine->guest_lock);
}

/* A guest that is being evicted must stay until that is done. */
void tlw_engine_delist(tlw_engine *engine, struct tlw_guest *guest) {
  pthread_mutex_lock(&engine->guest_lock);
  while (guest->evictors) pthread_cond_wait(&engine->evicted, &engine->guest_lock);
  struct tlw_guest **link = &engine->guests;
  while (*link && *link != guest) link = &(*link)->next;
  if (*link) *link = guest->next;
  pthread_mutex_unlock(&engine->guest_lock);
}

/* Evicts the guests that have come before. The list is not locked meanwhile, for callbacks may change it. */
static void evict_guests(tlw_engine *engine) {
  pthread_mutex_lock(&engine->guest_lock);
  const uint64_t session = ++engine->session;
  struct tlw_guest *guest = engine->guests;
  while (guest) {
    if (guest->session >= session) {
      guest = guest->next;
      continue;
    }
    guest->session = session;
    guest->evictors++;
    pthread_mutex_unlock(&engine->guest_lock);
    guest->evict(guest);
    pthread_mutex_lock(&engine->guest_lock);
    guest->evictors--;
    pthread_cond_broadcast(&engine->evicted);
    guest = engine->guests;
  }
  pthread_mutex_unlock(&engine->guest_lock);
}

static void reset_stats(tlw_engine *engine) {
  struct tlw_services *services = &engine->services;
  _Atomic uint64_t *const totals[] = {
      &engine->charts,     &engine->candles,      &engine->pixels,           &engine->values,
      &engine->images,     &engine->copied,       &engine->reduced,          &engine->resets,
      &engine->trims,      &engine->halvings,     &engine->to_cpu,           &services->launches,
      &services->uploaded, &services->downloaded, &engine->fallbacks_memory, &engine->fallbacks_unavailable,
  };
  for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) atomic_store_explicit(totals[i], 0, memory_order_relaxed);
  tlw_gauge_clear(&services->memory.bytes);
  tlw_gauge_clear(&services->device_bytes);
  pthread_mutex_lock(&engine->facts);
  tlw_gauge_clear(&engine->home.ops->pool(engine->home.state)->in_use);
  pthread_mutex_unlock(&engine->facts);
  tlw_ledger_clear(&services->ledger);
  tlw_telemetry_clear(&services->telemetry);
}

static _Thread_local const struct tlw_callback *innermost;

void tlw_engine_enter(struct tlw_callback *callback, tlw_engine *const *engines, size_t n) {
  *callback = (struct tlw_callback){engines, n, innermost};
  innermost = callback;
}

void tlw_engine_leave(const struct tlw_callback *callback) { innermost = callback->outer; }

static bool is_in_callback(const tlw_engine *engine) {
  for (const struct tlw_callback *callback = innermost; callback; callback = callback->outer)
    for (size_t i = 0; i < callback->n; i++)
      if (callback->engines[i] == engine) return true;
  return false;
}

/* With nothing in flight but what the backend itself waits for. */
static tlw_status reset_work(tlw_engine *engine, tlw_reset level, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  const bool all = level == TLW_RESET_MEMORY;
  tlw_pool_clear(executor->ops->pool(executor->state));
  tlw_aim_reset(engine);
  if (all) {
    tlw_draw_relieve(engine);
    tlw_aim_close(engine);
  }
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
  evict_guests(engine);
  tlw_engine_seize(engine);
  const tlw_status status = reset_work(engine, level, error);
  tlw_engine_add(&engine->resets, 1);
  tlw_engine_note(engine, TLW_OP_RESET, begun, 0, level, status);
  tlw_engine_end(engine);
  return status;
}
