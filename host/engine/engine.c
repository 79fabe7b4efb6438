#include "engine.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/base/arithmetic.h"
#include "host/base/cpus.h"
#include "host/base/error.h"

struct tlw_engine {
  struct tlw_services services;
  struct tlw_executor executor;
  uint32_t passed_over;
  pthread_mutex_t turn; /* held by the operation that runs */
  bool lost;            /* under turn: the device failed for good */
  fenv_t environment;   /* under turn: the caller's, for arithmetic */
  tlk_series series[TLW_ENGINE_SERIES];
  _Atomic uint64_t charts, candles, pixels;
};

void tlw_engine_options_init(tlw_engine_options *options) {
  *options = (tlw_engine_options){
      .struct_size = sizeof *options,
      .backend = TLW_BACKEND_AUTO,
      .device_budget = TLW_BUDGET_AUTO,
      .host_budget = TLW_BUDGET_AUTO,
      .threads = TLW_THREADS_AUTO,
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

static void note(const struct tlw_services *services, tlw_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void note(const struct tlw_services *services, tlw_log_level level, const char *format, ...) {
  if (!services->log) return;
  char message[TLW_ERROR_MESSAGE_SIZE + TLW_NAME_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  services->log(services->log_user, level, message);
}

static void note_refused(const struct tlw_services *services, const tlw_device *device, const char *reason) {
  const char *backend = tlw_backend_name(device->backend);
  if (device->index >= 0)
    note(services, TLW_LOG_INFO, "%s device %d (%s) not used: %s", backend, device->index, device->name, reason);
  else
    note(services, TLW_LOG_INFO, "%s not used: %s", backend, reason);
}

/* Opens the first device of the list that options allow and that works; else *error holds the last reason. */
static tlw_status choose_device(tlw_engine *engine, const tlw_engine_options *options,
                                const struct tlw_device_list *list, tlw_error *error) {
  struct tlw_services *services = &engine->services;
  const bool automatic = options->backend == TLW_BACKEND_AUTO;
  tlw_status status = TLW_ERR_UNAVAILABLE;
  for (size_t i = 0; i < list->count; i++) {
    const tlw_device *device = &list->items[i];
    const char *backend = tlw_backend_name(device->backend);
    if (!is_wanted(device, options)) {
      tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s can't be used: %s", backend, device->reason);
    } else if (!device->usable) {
      return tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s device %d can't be used: %s", backend, device->index,
                      device->reason);
    } else {
      services->device_budget = options->device_budget;
      status = tlw_engine_executor(services, device, &engine->executor, error);
      if (status == TLW_OK) note(services, TLW_LOG_INFO, "using %s: %s (%s)", backend, device->name, device->driver);
      if (status == TLW_OK || !automatic) return status;
    }
    if (automatic) {
      note_refused(services, device, *device->reason ? device->reason : error->message);
      engine->passed_over++;
    }
  }
  if (options->device)
    return tlw_fail(error, TLW_ERR_UNAVAILABLE, "%s has no device '%.60s': 'tallow devices' lists what there is",
                    tlw_backend_name(options->backend), options->device);
  return status;
}

/* Only drivers of backends that may be used are loaded. */
static tlw_status choose(tlw_engine *engine, const tlw_engine_options *options, tlw_error *error) {
  tlw_status status = TLW_ERR_UNAVAILABLE;
  for (int i = 0; i < TLW_BACKENDS && status != TLW_OK; i++) {
    const tlw_backend backend = tlw_backend_order[i];
    if (options->backend != TLW_BACKEND_AUTO && options->backend != backend) continue;
    struct tlw_device_list list = {0};
    tlw_engine_devices(backend, &list);
    if (list.lost)
      status = tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for a list of devices");
    else
      status = choose_device(engine, options, &list, error);
    tlw_device_list_free(&list);
  }
  return status;
}

tlw_status tlw_engine_open(tlw_engine **out, const tlw_engine_options *options, tlw_error *error) {
  if (!out) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL: pass the address of a tlw_engine pointer");
  *out = NULL;
  tlw_engine_options defaults;
  tlw_engine_options_init(&defaults);
  if (!options) options = &defaults;
  tlw_status status = check(options, error);
  if (status != TLW_OK) return status;

  tlw_engine *engine = calloc(1, sizeof *engine);
  if (!engine) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no %zu bytes for an engine", sizeof *engine);
  struct tlw_services *services = &engine->services;
  services->memory.budget = options->host_budget;
  services->threads = options->threads == TLW_THREADS_AUTO ? tlw_cpus() : options->threads;
  if (services->threads > TLW_THREADS_MAX) services->threads = TLW_THREADS_MAX;
  services->log = options->log;
  services->log_user = options->log_user;
  services->cache_dir = options->cache_dir;
  /* Not yet held against the budget: the backend's refusal names what both need. */
  tlw_gauge_add(&services->memory.bytes, tlw_memory_counted(sizeof *engine), UINT64_MAX);
  pthread_mutex_init(&engine->turn, NULL);
  tlw_error failure;
  status = choose(engine, options, &failure);
  services->cache_dir = NULL;
  *out = engine;
  if (status == TLW_OK) return TLW_OK;
  tlw_engine_close(out);
  if (error) *error = failure;
  return status;
}

void tlw_engine_close(tlw_engine **address) {
  if (!address || !*address) return;
  tlw_engine *engine = *address;
  if (engine->executor.ops) engine->executor.ops->close(engine->executor.state);
  pthread_mutex_destroy(&engine->turn);
  free(engine);
  *address = NULL;
}

tlw_status tlw_engine_describe(const tlw_engine *engine, tlw_device *device, tlw_error *error) {
  if (!engine || !device) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", engine ? "device" : "engine");
  *device = engine->executor.device;
  return TLW_OK;
}

static uint64_t read(const _Atomic uint64_t *number) { return atomic_load_explicit(number, memory_order_relaxed); }

static void add(_Atomic uint64_t *number, uint64_t n) { atomic_fetch_add_explicit(number, n, memory_order_relaxed); }

tlw_status tlw_engine_stats(const tlw_engine *engine, tlw_stats *stats, tlw_error *error) {
  if (!engine || !stats) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", engine ? "stats" : "engine");
  const size_t size = stats->struct_size;
  if (size < sizeof size)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "stats.struct_size is %zu: set it to sizeof(tlw_stats)", size);
  const struct tlw_services *services = &engine->services;
  const tlw_stats now = {
      .struct_size = size,
      .host_bytes = tlw_gauge_read(&services->memory.bytes),
      .device_bytes = tlw_gauge_read(&services->device_bytes),
      .device_budget = services->device_budget,
      .host_budget = services->memory.budget,
      .charts = read(&engine->charts),
      .candles = read(&engine->candles),
      .pixels = read(&engine->pixels),
      .launches = read(&services->launches),
      .uploaded = read(&services->uploaded),
      .downloaded = read(&services->downloaded),
      .threads = services->threads,
      .passed_over = engine->passed_over,
  };
  memcpy(stats, &now, size < sizeof now ? size : sizeof now);
  return TLW_OK;
}

tlw_status tlw_engine_begin(tlw_engine *engine, tlw_error *error) {
  pthread_mutex_lock(&engine->turn);
  if (!engine->lost) {
    tlw_arithmetic_begin(&engine->environment);
    return TLW_OK;
  }
  pthread_mutex_unlock(&engine->turn);
  return tlw_fail(error, TLW_ERR_DEVICE_LOST, "the device failed earlier: close this engine and open another");
}

void tlw_engine_end(tlw_engine *engine) {
  tlw_arithmetic_end(&engine->environment);
  pthread_mutex_unlock(&engine->turn);
}

tlk_series *tlw_engine_series(tlw_engine *engine) { return engine->series; }

static void add_sentence(tlw_error *error, const char *text) {
  const size_t length = strlen(error->message);
  snprintf(error->message + length, sizeof error->message - length, "%s", text);
}

tlw_status tlw_engine_render(tlw_engine *engine, const struct tlw_render_job *job, tlw_error *error) {
  const tlw_status status = engine->executor.ops->render(engine->executor.state, job, error);
  if (status == TLW_ERR_DEVICE_LOST) {
    engine->lost = true;
    if (error) add_sentence(error, "; close this engine and open another");
  }
  if (status != TLW_OK) return status;
  uint64_t candles = 0;
  for (int64_t i = 0; i < job->n_series; i++) candles += (uint64_t)job->series[i].count;
  add(&engine->charts, (uint64_t)job->n_series);
  add(&engine->candles, candles);
  add(&engine->pixels, (uint64_t)job->n_series * (uint64_t)job->layout.width * (uint64_t)job->layout.height);
  return TLW_OK;
}
