#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "device_list.h"
#include "interrupt.h"
#include "render.h"
#include "report.h"

#define LOG_NAME_SIZE 4096

static void on_log(void *user, tlw_log_level level, const char *message) {
  const render *r = user;
  if (level == TLW_LOG_WARNING && !r->quiet) cli_warn("%s", message);
  if (level == TLW_LOG_INFO && r->verbose) cli_say("%s", message);
}

/* What is left of --host-mem for each engine. */
static uint64_t host_share(const render *r) {
  const cli_value *host_mem = render_value(r, RENDER_HOST_MEM);
  if (!host_mem->given) return TLW_BUDGET_AUTO;
  return host_mem->number > r->row_bytes ? (host_mem->number - r->row_bytes) / r->shares : 0;
}

static void set_options(render *r, tlw_engine_options *options) {
  tlw_engine_options_init(options);
  options->backend = (tlw_backend)render_value(r, RENDER_BACKEND)->number;
  options->device = render_value(r, RENDER_DEVICE)->text;
  options->host_budget = host_share(r);
  const cli_value *pool = render_value(r, RENDER_POOL), *threads = render_value(r, RENDER_THREADS);
  if (pool->given) options->device_budget = pool->number;
  if (threads->given) options->threads = (uint32_t)threads->number;
  const cli_value *fallback = render_value(r, RENDER_FALLBACK);
  if (fallback->given) options->allow_fallback = fallback->number == SWITCH_ON ? TLW_FALLBACK_ON : TLW_FALLBACK_OFF;
  options->deadline_ms = (uint32_t)render_value(r, RENDER_DEADLINE)->number * 1000;
  options->allocation_log = render_value(r, RENDER_ALLOC_LOG)->text;
  options->log = on_log;
  options->log_user = r;
}

/* Opens one more. A driver may take for ever. */
static cli_exit open_engine(render *r, tlw_engine_options *options, tlw_error *error) {
  const cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  tlw_engine *engine;
  cli_telemetry_listen(r->telemetry, options);
  error->code = tlw_engine_open(&engine, options, error);
  cli_interrupt_wait_end();
  if (error->code != TLW_OK) return CLI_OK;
  pthread_mutex_lock(&r->lock);
  r->engines[r->n_engines++] = engine;
  pthread_mutex_unlock(&r->lock);
  cli_telemetry_add_engine(r->telemetry, engine);
  return CLI_OK;
}

static cli_exit open_one(render *r) {
  r->shares = 1;
  tlw_engine_options options;
  set_options(r, &options);
  tlw_error error;
  const cli_exit code = open_engine(r, &options, &error);
  if (code || error.code == TLW_OK) return code;
  const int is_log = error.code == TLW_ERR_IO; /* of the options, the allocation log alone is a file */
  return is_log ? cli_fail(cli_exit_of_output(error.native), "%s", error.message)
                : render_fail_library(r, NULL, &error, 0);
}

static int is_candidate(const render *r, const tlw_device *device) {
  return device->usable && device->backend == (tlw_backend)render_value(r, RENDER_BACKEND)->number;
}

static size_t count_candidates(const render *r, const cli_device_list *list) {
  size_t n = 0;
  for (size_t i = 0; i < list->count; i++) n += is_candidate(r, &list->devices[i]) != 0;
  return n < TLW_STREAM_ENGINES_MAX ? n : TLW_STREAM_ENGINES_MAX;
}

/* Opens a device of several. One that is refused is passed over, and the reason stays in *error. */
static cli_exit open_device(render *r, const tlw_device *device, tlw_error *error) {
  char index[16], log[LOG_NAME_SIZE];
  tlw_engine_options options;
  set_options(r, &options);
  snprintf(index, sizeof index, "%d", device->index);
  options.device = index;
  if (options.allocation_log && r->shares > 1) {
    const int length = snprintf(log, sizeof log, "%s.%zu", options.allocation_log, r->n_engines);
    if (length >= (int)sizeof log) return cli_fail(CLI_CANT_CREATE, "the name that --alloc-log gives is too long");
    options.allocation_log = log;
  }
  const cli_exit code = open_engine(r, &options, error);
  if (code || error->code == TLW_OK) return code;
  if (error->code == TLW_ERR_IO) return cli_fail(cli_exit_of_output(error->native), "%s", error->message);
  if (error->code != TLW_ERR_UNAVAILABLE) return render_fail_library(r, NULL, error, 0);
  if (!r->quiet)
    cli_warn("%s device %d (%s) not used: %s", tlw_backend_name(device->backend), device->index, device->name,
             error->message);
  return CLI_OK;
}

static cli_exit open_devices(render *r, const cli_device_list *list) {
  r->shares = count_candidates(r, list);
  tlw_error error = {.code = TLW_ERR_UNAVAILABLE};
  snprintf(error.message, sizeof error.message, "%s has no device that can be used: 'tallow devices' says why",
           render_value(r, RENDER_BACKEND)->text);
  for (size_t i = 0; i < list->count && r->n_engines < TLW_STREAM_ENGINES_MAX; i++) {
    if (!is_candidate(r, &list->devices[i])) continue;
    const cli_exit code = open_device(r, &list->devices[i], &error);
    if (code) return code;
  }
  return r->n_engines > 0 ? CLI_OK : cli_fail_library(&error);
}

static cli_exit open_all(render *r) {
  cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  cli_device_list list;
  code = cli_device_list_read(&list, 0);
  cli_interrupt_wait_end();
  if (code) return code;
  code = open_devices(r, &list);
  cli_device_list_free(&list);
  return code;
}

/* The CPU has no memory of its own that a pool could be made of. */
static void check_pool(const render *r) {
  int has_device = 0;
  for (size_t i = 0; i < r->n_engines; i++) {
    tlw_device device;
    has_device |= tlw_engine_describe(r->engines[i], &device, NULL) != TLW_OK || device.backend != TLW_BACKEND_CPU;
  }
  if (!has_device && render_value(r, RENDER_POOL)->given && !r->quiet)
    cli_warn("--pool has no effect, for the CPU does the work: --host-mem limits its memory");
}

cli_exit render_engines_open(render *r) {
  const char *device = render_value(r, RENDER_DEVICE)->text;
  const cli_exit code = device && strcasecmp(device, "all") == 0 ? open_all(r) : open_one(r);
  if (!code) check_pool(r);
  return code;
}

void render_engines_close(render *r) {
  while (r->n_engines > 0) tlw_engine_close(&r->engines[--r->n_engines]);
}

void render_engines_text(const render *r, char out[RENDER_ENGINES_SIZE]) {
  tlw_device device;
  out[0] = 0;
  if (r->n_engines == 0 || tlw_engine_describe(r->engines[0], &device, NULL) != TLW_OK) return;
  char others[48] = "";
  if (r->n_engines > 1) snprintf(others, sizeof others, " on %zu devices", r->n_engines);
  snprintf(out, RENDER_ENGINES_SIZE, "%s (%s)%s", tlw_backend_name(device.backend), device.driver, others);
}

static int is_of(const tlw_error *error, const char *budget) {
  return error->code == TLW_ERR_BUDGET && strstr(error->message, budget) != NULL;
}

/*
 * The refusal of the first step names what that step needs; this is more than all that come behind it take: a
 * reader, a stream, an encoder and the smallest piece of a chart.
 */
static uint64_t later_bytes(const render *r) {
  return ((uint64_t)4 << 20) + 1024 * (uint64_t)r->chart.width + render_averages_bytes(r);
}

/* What --host-mem must be where the command takes a fourth of it at most, or its least. */
static uint64_t beside_own(const render *r, uint64_t bytes) {
  const uint64_t beside_least = bytes + r->least_bytes, beside_part = bytes + bytes / 3 + 1;
  return beside_least > beside_part ? beside_least : beside_part;
}

cli_exit render_explain(const render *r, const char *input, const tlw_error *error, uint64_t more, cli_buffer *out) {
  if (input) cli_buffer_format(out, "%s: ", input);
  const cli_value *pool = render_value(r, RENDER_POOL);
  if (is_of(error, "host memory budget")) {
    uint64_t bytes = (error->bytes + more + later_bytes(r)) * r->shares;
    if (r->row_bytes > 0) bytes = r->least_bytes > 0 ? beside_own(r, bytes) : render_windows_host_mem(r, bytes);
    cli_buffer_format(out, "--host-mem %s is too small a budget: set it to %" PRIu64 " or more",
                      render_value(r, RENDER_HOST_MEM)->text, bytes);
  } else if (is_of(error, "device budget") && pool->given && error->bytes > 0) {
    cli_buffer_format(out, "--pool %s is too small a budget: set it to %" PRIu64 " or more", pool->text, error->bytes);
  } else {
    cli_buffer_format(out, "%s", error->message);
  }
  return cli_exit_of(error->code);
}

cli_exit render_fail_library(const render *r, const char *input, const tlw_error *error, uint64_t more) {
  cli_buffer text = {0};
  cli_exit code = render_explain(r, input, error, more, &text);
  cli_buffer_add(&text, "", 1);
  code = cli_fail(code, "%s", text.failed ? error->message : text.bytes);
  cli_buffer_free(&text);
  return code;
}
