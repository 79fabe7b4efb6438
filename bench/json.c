#include "json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define DIGITS 10

static void put(json_t *object, const char *name, json_t *value) { json_object_set_new(object, name, value); }

/* Text from drivers and files of the system, which may be no UTF-8. */
static void put_text(json_t *object, const char *name, const char *text) {
  json_t *value = json_string(text);
  put(object, name, value ? value : json_string("?"));
}

static void put_caches(json_t *context) {
  json_t *caches = json_array();
  for (int level = 1; level <= 3; level++) {
    json_t *cache = json_object();
    put_text(cache, "type", level == 1 ? "Data" : "Unified");
    put(cache, "level", json_integer(level));
    put(cache, "size", json_integer((json_int_t)bench_cache(level)));
    put(cache, "num_sharing", json_integer(0));
    json_array_append_new(caches, cache);
  }
  put(context, "caches", caches);
}

static void put_devices(json_t *context, const bench_machine *machine) {
  char text[BENCH_CLOCKS_TEXT_SIZE];
  json_t *devices = json_array();
  for (int i = 0; i < machine->n_devices; i++) {
    json_t *device = json_object();
    put_text(device, "backend", tlw_backend_name(machine->devices[i].backend));
    put_text(device, "name", machine->devices[i].name);
    put_text(device, "driver", machine->devices[i].driver);
    put(device, "memory_bytes", json_integer((json_int_t)machine->devices[i].memory_bytes));
    bench_gpu_clocks_text(&machine->clocks[i], text);
    if (*text) put_text(device, "clocks", text);
    bench_gpu_run_text(&machine->clocks[i], text);
    if (*text) put_text(device, "ran", text);
    json_array_append_new(devices, device);
  }
  put(context, "devices", devices);
}

static json_t *context_of(const bench_run *run) {
  const bench_machine *m = &run->machine;
  json_t *context = json_object(), *load = json_array();
  put_text(context, "date", m->date);
  put_text(context, "host_name", m->host);
  put_text(context, "executable", "tallow bench");
  put(context, "num_cpus", json_integer(m->cpus));
  put(context, "mhz_per_cpu", json_integer((json_int_t)m->megahertz));
  put(context, "cpu_scaling_enabled", json_boolean(*m->governor && strcmp(m->governor, "performance") != 0));
  put_caches(context);
  if (m->load >= 0) json_array_append_new(load, json_real(m->load));
  put(context, "load_avg", load);
  put(context, "json_schema_version", json_integer(1));
  put_text(context, "library_build_type", m->optimized ? "release" : "debug");
  put_text(context, "library_version", m->version);
  put_text(context, "commit", m->commit);
  put_text(context, "compiler", m->compiler);
  put_text(context, "cpu", m->cpu);
  put_text(context, "tier", m->tier);
  put_text(context, "governor", m->governor);
  put_devices(context, m);
  put(context, "copy_bytes_per_second", json_real(m->copy_one));
  put(context, "copy_bytes_per_second_all", json_real(m->copy_all));
  put(context, "copy_threads", json_integer(m->copy_threads));
  if (run->ran_out) put(context, "ran_out_of_time", json_true());
  put_text(context, "clock", run->processor_time ? "processor" : "wall");
  put_text(context, "fingerprint", m->fingerprint);
  return context;
}

/* What repetitions and aggregates have. Times are in nanoseconds, as google-benchmark's are unless told otherwise. */
static json_t *entry_of(const bench_row *row, size_t index, const char *ending, const char *run_type, double seconds,
                        double processor, double calls) {
  char name[BENCH_NAME_SIZE + 80];
  json_t *entry = json_object();
  snprintf(name, sizeof name, "%s%s%s", row->name, *ending ? "_" : "", ending);
  put_text(entry, "name", name);
  put(entry, "family_index", json_integer((json_int_t)index));
  put(entry, "per_family_instance_index", json_integer(0));
  put_text(entry, "run_name", row->name);
  put_text(entry, "run_type", run_type);
  put(entry, "repetitions", json_integer(row->n));
  put(entry, "threads", json_integer(row->lane.threads));
  if (*ending) {
    put_text(entry, "aggregate_name", ending);
    put_text(entry, "aggregate_unit", strcmp(ending, "cv") == 0 ? "percentage" : "time");
  }
  const double scale = strcmp(ending, "cv") == 0 ? 1 : 1e9;
  put(entry, "iterations", json_integer((json_int_t)calls));
  put(entry, "real_time", json_real(seconds * scale));
  put(entry, "cpu_time", json_real(processor * scale));
  put_text(entry, "time_unit", "ns");
  return entry;
}

static void put_rates(json_t *entry, const bench_row *row, double seconds) {
  if (row->items > 0) put(entry, "items_per_second", json_real(row->items / seconds));
  if (row->bytes > 0) put(entry, "bytes_per_second", json_real(row->bytes / seconds));
}

static void add_repetitions(json_t *list, const bench_row *row, size_t index) {
  for (int i = 0; i < row->n; i++) {
    const bench_batch *batch = &row->batches[i];
    json_t *entry = entry_of(row, index, "", "iteration", batch->seconds, batch->processor, (double)batch->calls);
    put(entry, "repetition_index", json_integer(i));
    if (batch->spoiled) put(entry, "spoiled", json_integer(batch->spoiled));
    put_rates(entry, row, batch->seconds);
    json_array_append_new(list, entry);
  }
}

/* Of times or of processor times. */
struct figures {
  double mean, median, stddev;
};

static struct figures figures_of(const bench_row *row, bool processor) {
  struct figures f = {0};
  double values[BENCH_BATCHES_MAX];
  int n = 0;
  for (int all = 0; all < 2 && n < BENCH_BATCHES_MIN; all++) {
    n = 0;
    for (int i = 0; i < row->n; i++)
      if (all || !row->batches[i].spoiled)
        values[n++] = processor ? row->batches[i].processor : row->batches[i].seconds;
  }
  for (int i = 0; i < n; i++) f.mean += values[i] / n;
  for (int i = 0; i < n; i++) f.stddev += (values[i] - f.mean) * (values[i] - f.mean);
  f.stddev = n > 1 ? sqrt(f.stddev / (n - 1)) : 0;
  f.median = bench_median(values, n);
  return f;
}

static void put_speedup(json_t *entry, const bench_run *run, const bench_row *row) {
  const bench_row *baseline = bench_baseline(run, row);
  if (!baseline || baseline == row || bench_compare_outputs(row, baseline) != BENCH_EQUAL) return;
  const bench_interval speedup = bench_speedup(row, baseline);
  put_text(entry, "baseline", baseline->name);
  put_text(entry, "baseline_tier", baseline->tier);
  put(entry, "speedup", json_real(speedup.value));
  put(entry, "speedup_low", json_real(speedup.low));
  if (isfinite(speedup.high)) put(entry, "speedup_high", json_real(speedup.high));
}

/* Without the time of waiting and of the host. */
static void put_stages(json_t *entry, const bench_stage_times *stages) {
  if (stages->compute > 0) put(entry, "kernel_time", json_real(stages->compute * 1e9));
  if (stages->upload > 0) put(entry, "upload_time", json_real(stages->upload * 1e9));
  if (stages->download > 0) put(entry, "download_time", json_real(stages->download * 1e9));
}

/* What is known of a row beside its times. */
static void put_facts(json_t *entry, const bench_run *run, const bench_row *row) {
  bool disturbed;
  int spoiled = 0;
  char hash[24];
  const bench_interval time = bench_row_time(row, &disturbed);
  for (int i = 0; i < row->n; i++) spoiled += row->batches[i].spoiled != 0;
  put_text(entry, "backend", tlw_backend_name(row->lane.backend));
  put_text(entry, "stage", bench_stage_name(row->what->stage));
  put(entry, "low", json_real(time.low * 1e9));
  if (isfinite(time.high)) put(entry, "high", json_real(time.high * 1e9));
  put(entry, "best", json_real(bench_row_best(row) * 1e9));
  put(entry, "cold", json_real(row->cold * 1e9));
  put_stages(entry, &row->stages);
  put(entry, "spoiled_repetitions", json_integer(spoiled));
  put(entry, "others", json_real(row->others));
  put_text(entry, "item", row->item ? row->item : "");
  put_rates(entry, row, time.value);
  if (bench_share_of_copy(run, row) > 0) put(entry, "share_of_copy", json_real(bench_share_of_copy(run, row)));
  put(entry, "host_peak_bytes", json_integer((json_int_t)row->host_peak));
  put(entry, "device_peak_bytes", json_integer((json_int_t)row->device_peak));
  snprintf(hash, sizeof hash, "%016" PRIx64, row->hash);
  if (row->has_hash && !row->changed) put_text(entry, "output_hash", hash);
  if (row->changed) put(entry, "output_changed", json_true());
  put_speedup(entry, run, row);
}

static void add_aggregates(json_t *list, const bench_run *run, const bench_row *row, size_t index) {
  const struct figures real = figures_of(row, false), cpu = figures_of(row, true);
  json_array_append_new(list, entry_of(row, index, "mean", "aggregate", real.mean, cpu.mean, row->n));
  json_t *median = entry_of(row, index, "median", "aggregate", real.median, cpu.median, row->n);
  put_facts(median, run, row);
  json_array_append_new(list, median);
  json_array_append_new(list, entry_of(row, index, "stddev", "aggregate", real.stddev, cpu.stddev, row->n));
  json_array_append_new(list, entry_of(row, index, "cv", "aggregate", real.mean > 0 ? real.stddev / real.mean : 0,
                                       cpu.mean > 0 ? cpu.stddev / cpu.mean : 0, row->n));
}

static void add_failure(json_t *list, const bench_row *row, size_t index) {
  json_t *entry = entry_of(row, index, "", "iteration", 0, 0, 0);
  put(entry, "error_occurred", json_true());
  put_text(entry, "error_message", row->error.message);
  json_array_append_new(list, entry);
}

char *bench_run_json(const bench_run *run, tlw_error *error) {
  json_t *whole = json_object(), *list = json_array();
  put(whole, "context", context_of(run));
  for (size_t i = 0; i < run->n; i++) {
    if (run->rows[i].status != TLW_OK || run->rows[i].n == 0) {
      add_failure(list, &run->rows[i], i);
      continue;
    }
    add_repetitions(list, &run->rows[i], i);
    add_aggregates(list, run, &run->rows[i], i);
  }
  put(whole, "benchmarks", list);
  char *text = json_dumps(whole, JSON_INDENT(1) | JSON_REAL_PRECISION(DIGITS));
  json_decref(whole);
  if (!text) bench_fail(error, TLW_ERR_MEMORY, "no memory for the JSON of a run");
  return text;
}
