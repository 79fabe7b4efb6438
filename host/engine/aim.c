#include "aim.h"

#include <math.h>
#include <string.h>

#include "state.h"

#define MILLISECONDS 1e3

bool tlw_aim_has_choice(const tlw_engine *engine) {
  return atomic_load_explicit(&engine->choosing.is_allowed, memory_order_acquire);
}

static bool has_room(const struct tlw_choosing *choosing, const struct tlw_load *loads, int n) {
  for (int i = 0; i < n; i++)
    if (loads[i].units >= atomic_load_explicit(&choosing->refused[loads[i].work], memory_order_relaxed)) return false;
  return true;
}

bool tlw_aim_prefers_cpu(const tlw_engine *engine, const struct tlw_load *loads, int n) {
  const struct tlw_choosing *choosing = &engine->choosing;
  return tlw_aim_has_choice(engine) && has_room(choosing, loads, n) &&
         (tlw_choice_is_sure(&choosing->sure, loads, n) || tlw_choice_is_cpu(&choosing->tuning, loads, n));
}

bool tlw_aim_is_at_cpu(const tlw_engine *engine) { return engine->executor != &engine->home; }

uint64_t tlw_aim_yields(const tlw_engine *engine) { return engine->choosing.yields; }

struct tlw_team *tlw_aim_team(const tlw_engine *engine) {
  const struct tlw_executor *cpu = &engine->choosing.cpu;
  if (engine->executor->ops->team) return engine->executor->ops->team(engine->executor->state);
  return cpu->ops ? cpu->ops->team(cpu->state) : NULL;
}

/* ---- the CPU ---- */

static void allow(struct tlw_choosing *choosing, bool is_allowed) {
  atomic_store_explicit(&choosing->is_allowed, is_allowed, memory_order_release);
}

static void set_refused(struct tlw_choosing *choosing, int work, double units) {
  atomic_store_explicit(&choosing->refused[work], units, memory_order_relaxed);
}

void tlw_aim_reset(tlw_engine *engine) {
  struct tlw_choosing *choosing = &engine->choosing;
  for (int i = 0; i < TLW_WORKS; i++) set_refused(choosing, i, (double)INFINITY);
  allow(choosing, choosing->is_possible);
}

static bool open_cpu(tlw_engine *engine) {
  struct tlw_choosing *choosing = &engine->choosing;
  if (choosing->cpu.ops) return true;
  const tlw_device cpu = {.backend = TLW_BACKEND_CPU};
  tlw_error failure;
  const tlw_status status = tlw_engine_executor(&engine->services, &cpu, &choosing->cpu, &failure);
  tlw_telemetry_skip(&engine->services.telemetry); /* it is no stage of the operation */
  if (status == TLW_OK) return true;
  allow(choosing, false);
  tlw_engine_log(engine, TLW_LOG_INFO, "the device does all work, for the CPU can't be used beside it: %s",
                 failure.message);
  return false;
}

void tlw_aim_home(tlw_engine *engine) {
  if (!tlw_aim_is_at_cpu(engine)) return;
  engine->executor = &engine->home;
  engine->work_limit = engine->choosing.device_limit;
}

void tlw_aim_close(tlw_engine *engine) {
  struct tlw_choosing *choosing = &engine->choosing;
  tlw_aim_home(engine);
  if (!choosing->cpu.ops) return;
  choosing->cpu.ops->close(choosing->cpu.state);
  choosing->cpu = (struct tlw_executor){0};
  choosing->yields++;
}

bool tlw_aim_leave_cpu(tlw_engine *engine) {
  struct tlw_choosing *choosing = &engine->choosing;
  if (!tlw_aim_is_at_cpu(engine)) return false;
  tlw_aim_close(engine);
  for (int i = 0; i < TLW_WORKS; i++)
    if (choosing->given[i] > 0 && choosing->given[i] < choosing->refused[i])
      set_refused(choosing, i, choosing->given[i]);
  tlw_engine_log(engine, TLW_LOG_INFO,
                 "the device does this batch and all that are not smaller, for the CPU beside it has no room for it");
  return true;
}

static void trim(struct tlw_choosing *choosing) {
  choosing->cpu.ops->trim(choosing->cpu.state, true, NULL);
  choosing->yields++;
}

static bool has_budget(const tlw_engine *engine) { return engine->services.memory.budget != UINT64_MAX; }

void tlw_aim_relieve(tlw_engine *engine) {
  if (tlw_aim_is_at_cpu(engine) || !engine->choosing.cpu.ops) return;
  if (has_budget(engine))
    tlw_aim_close(engine);
  else
    trim(&engine->choosing);
}

void tlw_aim_yield(tlw_engine *engine) {
  if (!tlw_aim_is_at_cpu(engine) && engine->choosing.cpu.ops && has_budget(engine)) trim(&engine->choosing);
}

/* ---- batches ---- */

static bool is_told(const struct tlw_choosing *choosing, enum tlw_work work) {
  return (choosing->told >> work & 1) != 0;
}

/* Once for each kind of work. */
static void tell(tlw_engine *engine, const struct tlw_load *loads, int n) {
  struct tlw_choosing *choosing = &engine->choosing;
  const struct tlw_tuning *tuning = &choosing->tuning;
  if (is_told(choosing, loads[0].work)) return;
  choosing->told |= UINT32_C(1) << loads[0].work;
  tlw_engine_log(engine, TLW_LOG_INFO,
                 "%s of this size are given to the CPU: %.3g ms there, %.3g ms on the device (%s)",
                 tlw_work_name(loads[0].work), MILLISECONDS * tlw_cost_on_cpu(tuning, loads, n),
                 MILLISECONDS * tlw_cost_on_device(tuning, loads, n),
                 tuning->measured && !tuning->guessed[loads[0].work] ? "measured" : "estimated");
}

tlw_status tlw_aim_trim(tlw_engine *engine) {
  const struct tlw_executor *at = engine->executor, *home = &engine->home;
  const tlw_status status = at->ops->trim(at->state, false, NULL);
  if (status != TLW_OK || at == home || !has_budget(engine)) return status;
  return home->ops->trim(home->state, false, NULL);
}

static void remember(struct tlw_choosing *choosing, const struct tlw_load *loads, int n) {
  memset(choosing->given, 0, sizeof choosing->given);
  for (int i = 0; i < n; i++) choosing->given[loads[i].work] += loads[i].units;
}

bool tlw_aim_at_cpu(tlw_engine *engine, const struct tlw_load *loads, int n) {
  if (tlw_aim_is_at_cpu(engine)) return true;
  if (!tlw_aim_has_choice(engine) || !open_cpu(engine)) return false;
  remember(&engine->choosing, loads, n);
  engine->choosing.device_limit = engine->work_limit;
  engine->work_limit = UINT64_MAX;
  engine->executor = &engine->choosing.cpu;
  return true;
}

void tlw_aim_count(tlw_engine *engine, const struct tlw_load *loads, int n) {
  tlw_engine_add(&engine->to_cpu, 1);
  tell(engine, loads, n);
}

void tlw_aim(tlw_engine *engine, const struct tlw_load *loads, int n) {
  if (tlw_aim_prefers_cpu(engine, loads, n) && tlw_aim_at_cpu(engine, loads, n))
    tlw_aim_count(engine, loads, n);
  else
    tlw_aim_yield(engine);
}

bool tlw_aim_at_once(tlw_engine *engine, const struct tlw_load *loads, int n) {
  const struct tlw_choosing *choosing = &engine->choosing;
  if (!tlw_choice_is_sure(&choosing->sure, loads, n) || !has_room(choosing, loads, n)) return false;
  if (!is_told(choosing, loads[0].work) || !tlw_aim_at_cpu(engine, loads, n)) return false;
  tlw_engine_add(&engine->to_cpu, 1);
  return true;
}
