#include "tallow/tune.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/engine/tuning.h"
#include "works.h"

#define MEMORY_LEAST ((uint64_t)16 << 20)
#define SECONDS_LEAST 0.1
#define SECONDS_MOST 3600.0

_Static_assert(TLW_TUNE_POINTS == TLW_COST_POINTS, "a result has room for what is measured");
_Static_assert(TLW_TUNE_KINDS == TLW_WORKS, "kinds are kinds of work");
_Static_assert((int)TLW_TUNE_IMAGES == (int)TLW_WORK_IMAGES, "in their order");

const char *tlw_tune_kind_name(tlw_tune_kind kind) {
  static const char *const names[TLW_TUNE_KINDS] = {"charts", "files", "fold", "order", "scan", "bars", "images"};
  return kind >= 0 && kind < TLW_TUNE_KINDS ? names[kind] : NULL;
}

const char *tlw_tune_unit(tlw_tune_kind kind) {
  static const char *const units[TLW_TUNE_KINDS] = {"pixels",  "pixels", "results", "results",
                                                    "results", "ticks",  "bytes"};
  return kind >= 0 && kind < TLW_TUNE_KINDS ? units[kind] : NULL;
}

void tlw_tune_options_init(tlw_tune_options *options) {
  *options = (tlw_tune_options){
      .struct_size = sizeof *options,
      .threads = TLW_THREADS_AUTO,
      .device_budget = TLW_BUDGET_AUTO,
      .host_budget = TLW_BUDGET_AUTO,
      .seconds = 10,
      .memory = (uint64_t)512 << 20,
  };
}

static tlw_status check(const tlw_tune_options *options, const tlw_tune_result *result, tlw_error *error) {
  if (options->struct_size != sizeof *options)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu: call tlw_tune_options_init first",
                    options->struct_size);
  if (!result) return tlw_fail(error, TLW_ERR_ARGUMENT, "result is NULL");
  if (result->struct_size != sizeof *result)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "result.struct_size is %zu: set it to sizeof(tlw_tune_result)",
                    result->struct_size);
  if (!(options->seconds >= SECONDS_LEAST && options->seconds <= SECONDS_MOST))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.seconds is %g: it must be 0.1 to 3600", options->seconds);
  if (options->memory < MEMORY_LEAST)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.memory is %llu: it must be 16 MiB or more",
                    (unsigned long long)options->memory);
  return TLW_OK;
}

struct tune {
  const tlw_tune_options *options;
  tlw_tune_result *result;
  struct tlw_tune_works works;
  struct tlw_tuning tuning;
  struct tlw_tune_curve curve;
  double spent;    /* seconds of kinds that have been measured */
  double measured; /* since when the kind at hand is; 0: it is being made ready */
  bool is_stopped;
};

/* ---- engines ---- */

static tlw_status open_engine(const tlw_tune_options *tune, tlw_backend backend, const char *device,
                              tlw_engine **engine, tlw_error *error) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.device = device;
  options.threads = tune->threads;
  options.device_budget = tune->device_budget;
  options.host_budget = tune->host_budget;
  options.cache_dir = tune->cache_dir;
  return tlw_engine_open(engine, &options, error);
}

static tlw_status open_one(struct tune *tune, const tlw_device *device, tlw_error *error) {
  char index[16];
  snprintf(index, sizeof index, "%d", device->index);
  const tlw_status status =
      open_engine(tune->options, device->backend, index, &tune->works.engines[TLW_TUNE_DEVICE], error);
  if (status != TLW_OK)
    snprintf(tune->result->reason, sizeof tune->result->reason, "%s device %d: %.*s", tlw_backend_name(device->backend),
             device->index, TLW_REASON_SIZE - 40, error->message);
  return status;
}

/* Whether it says nothing of the device: with other budgets, or at another time, it would have been opened. */
static bool is_passing(tlw_status status) {
  return status == TLW_ERR_BUDGET || status == TLW_ERR_MEMORY || status == TLW_ERR_DEVICE_LOST;
}

/* The first device that AUTO may take and that works; if there is none, the last failure that passes is given back. */
static tlw_status open_first(struct tune *tune, const tlw_device *devices, size_t n, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (size_t i = 0; i < n; i++) {
    tlw_error failure;
    if (devices[i].backend == TLW_BACKEND_CPU || !devices[i].usable || !devices[i].automatic) continue;
    const tlw_status opened = open_one(tune, &devices[i], &failure);
    if (opened == TLW_OK) return TLW_OK;
    if (!is_passing(opened)) continue;
    status = opened;
    if (error) *error = failure;
  }
  return status;
}

static tlw_status open_device(struct tune *tune, tlw_error *error) {
  size_t count;
  tlw_status status = tlw_devices(0, NULL, 0, &count, error);
  if (status != TLW_OK) return status;
  tlw_device *devices = tlw_raw_calloc(count, sizeof *devices);
  if (!devices) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for a list of devices");
  const size_t capacity = count;
  status = tlw_devices(0, devices, capacity, &count, error);
  if (status == TLW_OK) status = open_first(tune, devices, count < capacity ? count : capacity, error);
  tlw_raw_free(devices);
  return status;
}

static tlw_status describe(struct tune *tune, tlw_error *error) {
  tlw_engine *device = tune->works.engines[TLW_TUNE_DEVICE], *cpu = tune->works.engines[TLW_TUNE_CPU];
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_status status = tlw_engine_describe(device ? device : cpu, &tune->result->device, error);
  if (status == TLW_OK) status = tlw_engine_stats(cpu, &stats, error);
  tune->result->threads = stats.threads;
  tune->result->has_device = device != NULL;
  return status;
}

static tlw_status open_engines(struct tune *tune, tlw_error *error) {
  tlw_status status = open_engine(tune->options, TLW_BACKEND_CPU, NULL, &tune->works.engines[TLW_TUNE_CPU], error);
  if (status == TLW_OK) status = open_device(tune, error);
  return status == TLW_OK ? describe(tune, error) : status;
}

/* ---- measuring ---- */

static bool goes_on(void *user) {
  struct tune *tune = user;
  if (!tune->options->watch || tune->is_stopped) return !tune->is_stopped;
  const double now = tune->measured > 0 ? tlw_tune_now() - tune->measured : 0;
  const double done = (tune->spent + now) / tune->options->seconds;
  tune->is_stopped = tune->options->watch(tune->options->watch_user, done < 1 ? done : 1) != 0;
  return !tune->is_stopped;
}

static double clock_of(void *user) {
  (void)user;
  return tlw_tune_now();
}

static void report(const struct tlw_tune_curve *curve, tlw_tune_result_of_kind *kind) {
  kind->n_points = curve->measured;
  for (int i = 0; i < curve->measured; i++) {
    const struct tlw_tune_point_pair *p = &curve->points[i];
    kind->points[i] = (tlw_tune_point){p->load.units, p->cpu, p->device};
  }
  if (curve->n == 0)
    kind->verdict = TLW_TUNE_UNKNOWN;
  else if (curve->is_poor)
    kind->verdict = TLW_TUNE_TOO_LITTLE;
  else if (!tlw_tune_crossing(curve, &kind->from, &kind->until))
    kind->verdict = TLW_TUNE_NEVER;
  else
    kind->verdict = kind->from == 0 && isinf(kind->until) ? TLW_TUNE_ALWAYS : TLW_TUNE_BETWEEN;
}

/* A call of each side, which may compile kernels and test them. If it fails it will do so again. */
static void make_ready(struct tune *tune, enum tlw_work work, double least) {
  const struct tlw_load load = tlw_tune_works_load(&tune->works, work, TLW_TUNE_USUAL, least);
  double seconds;
  tlw_tune_works_sample(&tune->works, &load, TLW_TUNE_USUAL, true, &seconds, NULL);
  tlw_tune_works_sample(&tune->works, &load, TLW_TUNE_USUAL, false, &seconds, NULL);
}

static tlw_status measure(struct tune *tune, enum tlw_work work, double share, tlw_error *error) {
  const struct tlw_tune_meter meter = {&tune->works, tlw_tune_works_load, tlw_tune_works_sample, clock_of};
  struct tlw_tune_range range;
  tlw_status status = tlw_tune_works_begin(&tune->works, work, tune->options->memory, &range, error);
  if (status == TLW_OK) {
    make_ready(tune, work, range.least);
    tune->measured = tlw_tune_now();
    status = tlw_tune_search(&meter, work, &range, tune->measured + share, &tune->curve, error);
    tune->spent += tlw_tune_now() - tune->measured;
    tune->measured = 0;
  }
  tlw_tune_works_end(&tune->works);
  if (status != TLW_OK) return status;
  tlw_tune_costs(&tune->curve, &tune->tuning.cpu[work], &tune->tuning.device[work]);
  tune->tuning.guessed[work] = tune->curve.is_poor;
  report(&tune->curve, &tune->result->kinds[work]);
  return TLW_OK;
}

/* Each kind has an equal share of the time that is left. */
static tlw_status measure_all(struct tune *tune, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int i = 0; i < TLW_WORKS && status == TLW_OK; i++) {
    const double left = fmax(0, tune->options->seconds - tune->spent);
    status = measure(tune, (enum tlw_work)i, left / (TLW_WORKS - i), error);
  }
  tune->tuning.measured = true;
  return status;
}

static tlw_status run(struct tune *tune, tlw_error *error) {
  tlw_tune_result *result = tune->result;
  tlw_status status = open_engines(tune, error);
  if (status != TLW_OK || !result->has_device) return status;
  status = measure_all(tune, error);
  if (status == TLW_OK)
    result->stored = tlw_tuning_store(tune->options->cache_dir, &result->device, result->threads, &tune->tuning,
                                      result->path, sizeof result->path);
  return status;
}

tlw_status tlw_tune(const tlw_tune_options *options, tlw_tune_result *result, tlw_error *error) {
  tlw_tune_options defaults;
  tlw_tune_options_init(&defaults);
  if (!options) options = &defaults;
  tlw_status status = check(options, result, error);
  if (status != TLW_OK) return status;
  *result = (tlw_tune_result){.struct_size = sizeof *result};
  struct tune *tune = tlw_raw_calloc(1, sizeof *tune);
  if (!tune) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no %zu bytes to measure with", sizeof *tune);
  *tune = (struct tune){.options = options, .result = result};
  tune->works.goes_on = goes_on;
  tune->works.user = tune;
  const double begun = tlw_tune_now();
  status = run(tune, error);
  for (int i = 0; i < TLW_TUNE_SIDES; i++) tlw_engine_close(&tune->works.engines[i]);
  tlw_raw_free(tune);
  result->seconds = tlw_tune_now() - begun;
  return status;
}
