#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aim.h"
#include "gate.h"
#include "host/base/cpus.h"
#include "host/base/error.h"
#include "state.h"
#include "tallow/telemetry.h"
#include "tuning.h"

void tlw_engine_options_init(tlw_engine_options *options) {
  *options = (tlw_engine_options){
      .struct_size = sizeof *options,
      .backend = TLW_BACKEND_AUTO,
      .device_budget = TLW_BUDGET_AUTO,
      .host_budget = TLW_BUDGET_AUTO,
      .threads = TLW_THREADS_AUTO,
      .allow_fallback = TLW_FALLBACK_AUTO,
      .deadline_ms = TLW_ENGINE_DEADLINE_MS,
  };
}

static tlw_status check(const tlw_engine_options *o, tlw_error *error) {
  if (o->struct_size != sizeof *o)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_engine_options_init first",
                    o->struct_size, sizeof *o);
  if ((int)o->backend < TLW_BACKEND_AUTO || (int)o->backend > TLW_BACKEND_CUDA)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "backend is %d: it must be one of tlw_backend", (int)o->backend);
  if (o->threads != TLW_THREADS_AUTO && (o->threads < 1 || o->threads > TLW_THREADS_MAX))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "threads is %u: it must be 1 to %u, or TLW_THREADS_AUTO", o->threads,
                    TLW_THREADS_MAX);
  if (o->device && (o->backend == TLW_BACKEND_AUTO || o->backend == TLW_BACKEND_CPU))
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "device is '%.60s' but backend is %s: name the backend that the device belongs to, cuda or opencl",
                    o->device, tlw_backend_name(o->backend));
  if (o->allow_fallback < TLW_FALLBACK_AUTO || o->allow_fallback > TLW_FALLBACK_ON)
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "allow_fallback is %d: it must be TLW_FALLBACK_AUTO, TLW_FALLBACK_OFF or TLW_FALLBACK_ON",
                    o->allow_fallback);
  if (o->deadline_ms == 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "deadline_ms is 0: it must be 1 or more, or TLW_DEADLINE_NONE");
  if (o->timing != 0 && o->timing != 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "timing is %d: it must be 0 or 1", (int)o->timing);
  return TLW_OK;
}

/* In any case of letters, with or without "GPU-" or "MIG-" in front of the wanted one. */
static bool uuid_matches(const char *wanted, const char *uuid) {
  if (!*uuid) return false;
  const char *bare = strchr(uuid, '-') + 1;
  return strcasecmp(wanted, uuid) == 0 || strcasecmp(wanted, bare) == 0;
}

static bool is_wanted(const tlw_device *device, const tlw_engine_options *options) {
  if (options->backend == TLW_BACKEND_AUTO) return device->automatic;
  if (device->backend != options->backend) return false;
  if (!options->device) return device->usable;
  char index[16];
  snprintf(index, sizeof index, "%d", device->index);
  return device->index >= 0 && (strcmp(options->device, index) == 0 || uuid_matches(options->device, device->uuid));
}

void tlw_engine_log(const tlw_engine *engine, tlw_log_level level, const char *format, ...) {
  const struct tlw_services *services = &engine->services;
  if (!services->log) return;
  char message[TLW_ERROR_MESSAGE_SIZE + TLW_NAME_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  services->log(services->log_user, level, message);
}

static void warn_of_log(tlw_engine *engine) {
  const int failure = tlw_ledger_log_failure(&engine->services.ledger);
  if (failure)
    tlw_engine_log(engine, TLW_LOG_WARNING, "the allocation log ends here, for it can't be written: %s",
                   strerror(failure));
}

static void set_reason(tlw_engine *engine, const char *text) {
  pthread_mutex_lock(&engine->facts);
  snprintf(engine->reason, sizeof engine->reason, "%.*s", (int)sizeof engine->reason - 1, text);
  pthread_mutex_unlock(&engine->facts);
}

/* Notes why a device is not used, for the log and for statistics. */
static void note_refused(tlw_engine *engine, const tlw_device *device, const char *reason) {
  const char *backend = tlw_backend_name(device->backend);
  char text[TLW_ERROR_MESSAGE_SIZE + TLW_NAME_SIZE];
  if (device->index >= 0)
    snprintf(text, sizeof text, "%s device %d (%s) not used: %s", backend, device->index, device->name, reason);
  else
    snprintf(text, sizeof text, "%s not used: %s", backend, reason);
  set_reason(engine, text);
  pthread_mutex_lock(&engine->facts);
  engine->passed_over++;
  pthread_mutex_unlock(&engine->facts);
  tlw_engine_log(engine, TLW_LOG_INFO, "%s", text);
}

/*
 * Learns what work costs there, and returns why AUTO does without it; or NULL. Where all work is known to be faster on
 * the CPU than on one device, another is not taken by an estimate. Nothing is learnt for a fallback.
 */
static const char *why_not(tlw_engine *engine, const tlw_engine_options *options, const tlw_device *device) {
  struct tlw_choosing *choosing = &engine->choosing;
  if (options->backend != TLW_BACKEND_AUTO || device->backend == TLW_BACKEND_CPU || engine->executor) return NULL;
  tlw_tuning_load(options->cache_dir, device, engine->services.threads, &choosing->tuning);
  if (!choosing->tuning.measured)
    return choosing->beats_device ? "not measured by tallow tune, and the CPU is faster than a device that was" : NULL;
  if (!tlw_choice_is_never(&choosing->tuning)) return NULL;
  choosing->beats_device = true;
  return "measured by tallow tune: the CPU is faster for everything here";
}

/* Opens the first device of the list that options allow and that works; else *error holds the last reason. */
static tlw_status choose_device(tlw_engine *engine, const tlw_engine_options *options,
                                const struct tlw_device_list *list, struct tlw_executor *executor, tlw_error *error) {
  struct tlw_services *services = &engine->services;
  const bool automatic = options->backend == TLW_BACKEND_AUTO;
  tlw_status status = TLW_ERR_UNAVAILABLE;
  for (size_t i = 0; i < list->count; i++) {
    const tlw_device *device = &list->items[i];
    const char *backend = tlw_backend_name(device->backend), *reason;
    if (!is_wanted(device, options)) {
      tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s can't be used: %s", backend, device->reason);
    } else if (!device->usable) {
      return tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s device %d can't be used: %s", backend, device->index,
                      device->reason);
    } else if ((reason = why_not(engine, options, device))) {
      tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s", reason);
    } else {
      services->device_budget = options->device_budget;
      status = tlw_engine_executor(services, device, executor, error);
      if (status == TLW_OK)
        tlw_engine_log(engine, TLW_LOG_INFO, "using %s: %s (%s)", backend, device->name, device->driver);
      if (status == TLW_OK || !automatic) return status;
    }
    if (automatic) note_refused(engine, device, *device->reason ? device->reason : error->message);
  }
  if (options->device)
    return tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s has no device '%.60s': 'tallow devices' lists what there is",
                    tlw_backend_name(options->backend), options->device);
  return status;
}

/* Opens a backend. Only drivers of backends that may be used are loaded. */
static tlw_status choose_backend(tlw_engine *engine, const tlw_engine_options *options, tlw_backend backend,
                                 struct tlw_executor *executor, tlw_error *error) {
  struct tlw_device_list list = {0};
  tlw_engine_devices(backend, &list);
  const tlw_status status = list.lost
                                ? tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for a list of devices")
                                : choose_device(engine, options, &list, executor, error);
  tlw_device_list_free(&list);
  return status;
}

static tlw_status choose(tlw_engine *engine, const tlw_engine_options *options, tlw_error *error) {
  tlw_status status = TLW_ERR_UNAVAILABLE;
  for (int i = 0; i < TLW_BACKENDS && status != TLW_OK; i++) {
    const tlw_backend backend = tlw_backend_order[i];
    if (options->backend == TLW_BACKEND_AUTO || options->backend == backend)
      status = choose_backend(engine, options, backend, &engine->home, error);
  }
  if (status != TLW_OK) return status;
  engine->executor = &engine->home;
  engine->choosing.is_possible = options->backend == TLW_BACKEND_AUTO && engine->home.device.backend != TLW_BACKEND_CPU;
  tlw_choice_sure(&engine->choosing.tuning, &engine->choosing.sure);
  tlw_aim_reset(engine);
  return TLW_OK;
}

static void configure(tlw_engine *engine, const tlw_engine_options *options) {
  struct tlw_services *services = &engine->services;
  services->memory.budget = options->host_budget;
  services->memory.ledger = &services->ledger;
  services->threads = options->threads == TLW_THREADS_AUTO ? tlw_cpus() : options->threads;
  if (services->threads > TLW_THREADS_MAX) services->threads = TLW_THREADS_MAX;
  services->deadline_ms = options->deadline_ms;
  services->telemetry.ledger = &services->ledger;
  services->telemetry.timing = options->timing || options->trace;
  services->telemetry.trace = options->trace;
  services->telemetry.trace_user = options->trace_user;
  services->log = options->log;
  services->log_user = options->log_user;
  services->cache_dir = options->cache_dir;
  engine->wanted = options->backend;
  engine->wanted_budget = options->device_budget;
  engine->may_fall_back = options->allow_fallback == TLW_FALLBACK_AUTO ? options->backend == TLW_BACKEND_AUTO
                                                                       : options->allow_fallback == TLW_FALLBACK_ON;
  engine->work_limit = UINT64_MAX;
  /* Not yet held against the budget: the backend's refusal names what both need. */
  tlw_gauge_add(&services->memory.bytes, tlw_memory_counted(sizeof *engine), UINT64_MAX);
  pthread_mutex_init(&engine->turn, NULL);
  pthread_mutex_init(&engine->facts, NULL);
  pthread_mutex_init(&engine->guest_lock, NULL);
  pthread_cond_init(&engine->evicted, NULL);
}

tlw_status tlw_engine_open(tlw_engine **out, const tlw_engine_options *options, tlw_error *error) {
  if (!out) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL: pass the address of a tlw_engine pointer");
  *out = NULL;
  tlw_engine_options defaults;
  tlw_engine_options_init(&defaults);
  if (!options) options = &defaults;
  tlw_status status = check(options, error);
  if (status != TLW_OK) return status;

  tlw_engine *engine = tlw_raw_calloc(1, sizeof *engine);
  if (!engine) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no %zu bytes for an engine", sizeof *engine);
  tlw_error failure;
  status = tlw_ledger_open(&engine->services.ledger, options->allocation_log, &failure);
  if (status != TLW_OK) {
    tlw_raw_free(engine);
    if (error) *error = failure;
    return status;
  }
  configure(engine, options);
  status = choose(engine, options, &failure);
  engine->services.cache_dir = ""; /* a fallback compiles what it needs */
  *out = engine;
  if (status == TLW_OK) return TLW_OK;
  tlw_engine_close(out);
  if (error) *error = failure;
  return status;
}

void tlw_engine_close(tlw_engine **address) {
  if (!address || !*address) return;
  tlw_engine *engine = *address;
  tlw_gate_shut(engine);
  tlw_draw_relieve(engine);
  if (engine->executor) {
    tlw_aim_close(engine);
    engine->home.ops->close(engine->home.state);
  }
  for (int i = 0; i < engine->n_retired; i++) engine->retired[i].ops->close(engine->retired[i].state);
  tlw_ledger_close(&engine->services.ledger);
  warn_of_log(engine);
  pthread_cond_destroy(&engine->evicted);
  pthread_mutex_destroy(&engine->guest_lock);
  pthread_mutex_destroy(&engine->facts);
  pthread_mutex_destroy(&engine->turn);
  tlw_raw_free(engine);
  *address = NULL;
}

tlw_status tlw_engine_describe(const tlw_engine *engine, tlw_device *device, tlw_error *error) {
  if (!engine || !device) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", engine ? "device" : "engine");
  pthread_mutex_t *facts = (pthread_mutex_t *)&engine->facts;
  pthread_mutex_lock(facts);
  *device = engine->home.device;
  pthread_mutex_unlock(facts);
  return TLW_OK;
}

/* ---- the turn ---- */

void tlw_engine_seize(tlw_engine *engine) {
  pthread_mutex_lock(&engine->turn);
  tlw_arithmetic_enter(&engine->callers);
}

tlw_status tlw_engine_begin(tlw_engine *engine, tlw_error *error) {
  tlw_engine_seize(engine);
  if (!engine->lost) return TLW_OK;
  tlw_engine_end(engine);
  return tlw_fail(error, TLW_ERR_DEVICE_LOST, "the device failed earlier: close this engine and open another");
}

void tlw_engine_end(tlw_engine *engine) {
  tlw_aim_home(engine);
  warn_of_log(engine);
  tlw_arithmetic_leave(&engine->callers);
  pthread_mutex_unlock(&engine->turn);
}

struct tlw_services *tlw_engine_services(tlw_engine *engine) {
  return &engine->services;
}

struct tlw_memory *tlw_engine_memory(tlw_engine *engine) {
  return &engine->services.memory;
}

void tlw_engine_judge(tlw_engine *engine, tlw_status status, tlw_error *error) {
  if (status != TLW_ERR_DEVICE_LOST) return;
  engine->lost = true;
  if (!error) return;
  const size_t length = strlen(error->message);
  snprintf(error->message + length, sizeof error->message - length, "; close this engine and open another");
}

/* ---- lack of memory ---- */

bool tlw_engine_trim(tlw_engine *engine) {
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  const tlw_status status = tlw_aim_trim(engine);
  tlw_aim_relieve(engine);
  tlw_engine_judge(engine, status, NULL);
  tlw_engine_add(&engine->trims, 1);
  tlw_engine_note(engine, TLW_OP_TRIM, begun, 0, 0, status);
  tlw_telemetry_skip(&engine->services.telemetry);
  return status == TLW_OK;
}

/* Opens the first backend that works of those behind one, as AUTO would. */
static bool open_next(tlw_engine *engine, tlw_backend behind, struct tlw_executor *executor) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.device_budget = engine->wanted_budget;
  int i = 0;
  while (tlw_backend_order[i] != behind) i++;
  while (++i < TLW_BACKENDS) {
    tlw_error failure;
    if (choose_backend(engine, &options, tlw_backend_order[i], executor, &failure) == TLW_OK) return true;
  }
  return false;
}

bool tlw_engine_fall_back(tlw_engine *engine, const tlw_error *error) {
  if (tlw_aim_leave_cpu(engine)) return true;
  if (!engine->may_fall_back) return false;
  tlw_aim_close(engine);
  const struct tlw_executor before = engine->home;
  const uint64_t budget = engine->services.device_budget;
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  /* What it still holds must not stand in the way of the next. */
  tlw_pool_clear(before.ops->pool(before.state));
  before.ops->trim(before.state, true, NULL);
  struct tlw_executor next;
  if (!open_next(engine, before.device.backend, &next)) {
    engine->services.device_budget = budget;
    return false;
  }
  engine->retired[engine->n_retired] = before;
  pthread_mutex_lock(&engine->facts);
  engine->n_retired++;
  engine->home = next;
  pthread_mutex_unlock(&engine->facts);
  engine->choosing.is_possible = false;
  tlw_aim_reset(engine);
  engine->work_limit = UINT64_MAX;
  char reason[TLW_REASON_SIZE];
  snprintf(reason, sizeof reason, "%s gave way to %s: %.150s", tlw_backend_name(before.device.backend),
           tlw_backend_name(next.device.backend), error->message);
  set_reason(engine, reason);
  tlw_engine_add(error->code == TLW_ERR_MEMORY ? &engine->fallbacks_memory : &engine->fallbacks_unavailable, 1);
  tlw_engine_note(engine, TLW_OP_FALLBACK, begun, 0, next.device.backend, TLW_OK);
  tlw_telemetry_skip(&engine->services.telemetry);
  tlw_engine_log(engine, TLW_LOG_WARNING, "%s", reason);
  return true;
}

/* ---- statistics ---- */

static uint64_t read(const _Atomic uint64_t *number) { return atomic_load_explicit(number, memory_order_relaxed); }

void tlw_engine_add(_Atomic uint64_t *number, uint64_t n) {
  atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

void tlw_engine_note(tlw_engine *engine, tlw_operation operation, int64_t begun, uint64_t bytes, int64_t items,
                     tlw_status status) {
  const struct tlw_telemetry *telemetry = &engine->services.telemetry;
  /* An operation that has just told of its last stage needs no other look at the clock. */
  const bool is_told = operation == telemetry->operation && telemetry->mark > begun && status == TLW_OK;
  const int64_t end = is_told ? telemetry->mark : tlw_ledger_now(&engine->services.ledger);
  const tlw_record record = {
      .time = end,
      .duration = (uint64_t)(end - begun),
      .bytes = bytes,
      .items = items,
      .operation = (int32_t)operation,
      .status = (int32_t)status,
  };
  tlw_ledger_note_alone(&engine->services.ledger, &record);
}

void tlw_engine_count(tlw_engine *engine, int64_t charts, int64_t candles, const tlk_layout *layout) {
  tlw_engine_add(&engine->charts, (uint64_t)charts);
  tlw_engine_add(&engine->candles, (uint64_t)candles);
  tlw_engine_add(&engine->pixels, (uint64_t)charts * (uint64_t)layout->width * (uint64_t)layout->height);
}

tlw_status tlw_engine_stats(const tlw_engine *engine, tlw_stats *stats, tlw_error *error) {
  if (!engine || !stats) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", engine ? "stats" : "engine");
  const size_t size = stats->struct_size;
  if (size < sizeof size)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "stats.struct_size is %zu: set it to sizeof(tlw_stats)", size);
  const struct tlw_services *services = &engine->services;
  const uint64_t fallbacks_memory = read(&engine->fallbacks_memory),
                 fallbacks_unavailable = read(&engine->fallbacks_unavailable);
  uint64_t operations, failures;
  tlw_ledger_totals(&services->ledger, &operations, &failures);
  tlw_stats now = {
      .struct_size = size,
      .host_bytes = tlw_gauge_read(&services->memory.bytes),
      .device_bytes = tlw_gauge_read(&services->device_bytes),
      .device_budget = services->device_budget,
      .host_budget = services->memory.budget,
      .charts = read(&engine->charts),
      .candles = read(&engine->candles),
      .pixels = read(&engine->pixels),
      .values = read(&engine->values),
      .images = read(&engine->images),
      .launches = read(&services->launches),
      .uploaded = read(&services->uploaded),
      .downloaded = read(&services->downloaded),
      .copied = read(&engine->copied),
      .reduced = read(&engine->reduced),
      .operations = operations,
      .failures = failures,
      .resets = read(&engine->resets),
      .trims = read(&engine->trims),
      .halvings = read(&engine->halvings),
      .fallbacks = fallbacks_memory + fallbacks_unavailable,
      .fallbacks_memory = fallbacks_memory,
      .fallbacks_unavailable = fallbacks_unavailable,
      .to_cpu = read(&engine->to_cpu),
      .threads = services->threads,
  };
  pthread_mutex_t *facts = (pthread_mutex_t *)&engine->facts;
  pthread_mutex_lock(facts);
  now.pool_bytes = tlw_gauge_read(&engine->home.ops->pool(engine->home.state)->in_use);
  now.passed_over = engine->passed_over;
  memcpy(now.reason, engine->reason, sizeof now.reason);
  pthread_mutex_unlock(facts);
  memcpy(stats, &now, size < sizeof now ? size : sizeof now);
  return TLW_OK;
}

tlw_status tlw_engine_operation(const tlw_engine *engine, tlw_operation operation, tlw_operation_totals *totals,
                                tlw_error *error) {
  if (!engine || !totals) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", engine ? "totals" : "engine");
  if ((int)operation < 0 || operation >= TLW_OPERATION_COUNT)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "operation is %d: it must be one of tlw_operation", (int)operation);
  const size_t size = totals->struct_size;
  if (size < sizeof size)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "totals.struct_size is %zu: set it to sizeof(tlw_operation_totals)", size);
  uint64_t sums[TLW_LEDGER_SUMS];
  tlw_ledger_sums(&engine->services.ledger, operation, sums);
  tlw_operation_totals now = {
      .struct_size = size,
      .calls = sums[TLW_LEDGER_CALLS],
      .failures = sums[TLW_LEDGER_FAILURES],
      .items = sums[TLW_LEDGER_ITEMS],
      .bytes = sums[TLW_LEDGER_BYTES],
      .nanoseconds = sums[TLW_LEDGER_NANOSECONDS],
  };
  tlw_telemetry_read(&engine->services.telemetry, operation, now.stage);
  memcpy(totals, &now, size < sizeof now ? size : sizeof now);
  return TLW_OK;
}

tlw_status tlw_engine_records(const tlw_engine *engine, tlw_record *records, size_t capacity, size_t *count,
                              tlw_error *error) {
  if (!engine || !count || (!records && capacity))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", !engine ? "engine" : !count ? "count" : "records");
  *count = tlw_ledger_read(&engine->services.ledger, records, capacity);
  return TLW_OK;
}
