/*
 * The text of --metrics: the exposition format of Prometheus, version 0.0.4, as the textfile collector of
 * node_exporter reads it. That collector puts the files of several runs together, so that each series has the label
 * run, and no name is one that other programs use.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "format.h"
#include "snapshot.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SECOND UINT64_C(1000000000)

typedef struct metric {
  const char *name, *type, *help;
  size_t offset;
} metric;

static const struct {
  const char *name, *help;
} counts[CLI_COUNTS] = {
    [CLI_COUNT_FILES] = {"tallow_files_total", "Input files that were read to their end."},
    [CLI_COUNT_ROWS] = {"tallow_rows_total", "Rows that were read."},
    [CLI_COUNT_IMAGES] = {"tallow_images_written_total", "Charts or images that were written."},
    [CLI_COUNT_RESULTS] = {"tallow_results_written_total", "Results of rolling windows that were written."},
    [CLI_COUNT_BARS] = {"tallow_bars_written_total", "Bars that were written."},
};

/* Commands that a series is of, and engines. */
enum { CHARTS = 1, IMAGES = 2, WINDOWS = 4, DEVICES = 8, ANY = 0 };

/* Of tlw_stats. */
static const struct {
  metric metric;
  int of;
} numbers[] = {
    {{"tallow_charts_total", "counter", "Charts that were drawn.", offsetof(tlw_stats, charts)}, CHARTS | IMAGES},
    {{"tallow_candles_total", "counter", "Candles in these charts.", offsetof(tlw_stats, candles)}, CHARTS | IMAGES},
    {{"tallow_pixels_total", "counter", "Pixels in these charts.", offsetof(tlw_stats, pixels)}, CHARTS | IMAGES},
    {{"tallow_values_total", "counter", "Results of rolling windows.", offsetof(tlw_stats, values)}, WINDOWS},
    {{"tallow_images_total", "counter", "Images for models.", offsetof(tlw_stats, images)}, IMAGES},
    {{"tallow_launches_total", "counter", "Kernels that were launched.", offsetof(tlw_stats, launches)}, DEVICES},
    {{"tallow_uploaded_bytes_total", "counter", "Bytes from host to device.", offsetof(tlw_stats, uploaded)}, DEVICES},
    {{"tallow_downloaded_bytes_total", "counter", "Bytes from device to host.", offsetof(tlw_stats, downloaded)},
     DEVICES},
    {{"tallow_copied_bytes_total", "counter", "Bytes of candles that were copied or converted on the host.",
      offsetof(tlw_stats, copied)},
     CHARTS | IMAGES},
    {{"tallow_merged_candles_total", "counter", "Candles that the host merged for charts too large in one piece.",
      offsetof(tlw_stats, reduced)},
     CHARTS | IMAGES},
    {{"tallow_to_cpu_batches_total", "counter", "Batches that AUTO gave to the CPU, for it is faster for them.",
      offsetof(tlw_stats, to_cpu)},
     ANY},
    {{"tallow_resets_total", "counter", "Resets of the engine.", offsetof(tlw_stats, resets)}, ANY},
};

typedef struct reason {
  const char *name;
  size_t offset;
} reason;

static const reason retries[] = {
    {"trim", offsetof(tlw_stats, trims)},
    {"halving", offsetof(tlw_stats, halvings)},
};

static const reason fallbacks[] = {
    {"memory", offsetof(tlw_stats, fallbacks_memory)},
    {"unavailable", offsetof(tlw_stats, fallbacks_unavailable)},
};

/* Kinds of memory; what limits each, of which a part of the pool has none of its own. */
static const struct {
  const char *name;
  size_t counter, budget;
  int has_budget;
} memories[] = {
    {"host", offsetof(tlw_stats, host_bytes), offsetof(tlw_stats, host_budget), 1},
    {"device", offsetof(tlw_stats, device_bytes), offsetof(tlw_stats, device_budget), 1},
    {"pool", offsetof(tlw_stats, pool_bytes), 0, 0},
};

static const metric memory_metrics[] = {
    {"tallow_memory_bytes", "gauge", "Memory of the engine that is in use. pool: the part of the slabs.",
     offsetof(tlw_counter, current)},
    {"tallow_memory_peak_bytes", "gauge", "The most that was in use at one time.", offsetof(tlw_counter, peak)},
    {"tallow_memory_allocated_bytes_total", "counter", "All that was ever taken.", offsetof(tlw_counter, total)},
};

/* Of tlw_operation_totals. */
static const metric operation_metrics[] = {
    {"tallow_operation_calls_total", "counter", "Operations, those that failed too.",
     offsetof(tlw_operation_totals, calls)},
    {"tallow_operation_failures_total", "counter", "Operations that failed.", offsetof(tlw_operation_totals, failures)},
    {"tallow_operation_items_total", "counter", "Items of operations: charts, images, outputs of windows.",
     offsetof(tlw_operation_totals, items)},
    {"tallow_operation_bytes_total", "counter", "Bytes of operations.", offsetof(tlw_operation_totals, bytes)},
};

static uint64_t number_at(const void *object, size_t offset) {
  return *(const uint64_t *)(const void *)((const char *)object + offset);
}

/* ---- the format ---- */

/* In UTF-8 and on one line, whatever a driver calls its device, or people their files. */
static void put_label_text(cli_buffer *out, const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  while (*c) {
    const int length = cli_character_length(c);
    if (*c == '\n')
      cli_buffer_add(out, "\\n", 2);
    else if (length == 0 || *c < 0x20 || *c == 0x7F)
      cli_buffer_add(out, "\xEF\xBF\xBD", 3);
    else if (*c == '"' || *c == '\\')
      cli_buffer_format(out, "\\%c", *c);
    else
      cli_buffer_add(out, c, (size_t)length);
    c += length ? length : 1;
  }
}

static void put_label(cli_buffer *out, const char *name, const char *text) {
  cli_buffer_format(out, "%s%s=\"", out->length > 0 ? "," : "", name);
  put_label_text(out, text);
  cli_buffer_add(out, "\"", 1);
}

static void put_family(cli_buffer *out, const char *name, const char *type, const char *help) {
  cli_buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Labels that a sample has beside those of the run or the engine. */
typedef struct labels {
  const char *name, *text; /* or NULL */
  const char *more_name, *more_text;
} labels;

static void begin_sample(cli_buffer *out, const char *name, const cli_buffer *base, const labels *own) {
  cli_buffer rest = {0};
  cli_buffer_add(&rest, base->bytes, base->length);
  if (own && own->name) put_label(&rest, own->name, own->text);
  if (own && own->more_name) put_label(&rest, own->more_name, own->more_text);
  cli_buffer_format(out, "%s{%.*s} ", name, (int)rest.length, rest.bytes);
  out->failed |= rest.failed;
  cli_buffer_free(&rest);
}

static void put_sample(cli_buffer *out, const char *name, const cli_buffer *base, const labels *own, uint64_t value) {
  begin_sample(out, name, base, own);
  cli_buffer_format(out, "%" PRIu64 "\n", value);
}

static void put_seconds(cli_buffer *out, const char *name, const cli_buffer *base, const labels *own,
                        uint64_t nanoseconds) {
  begin_sample(out, name, base, own);
  cli_buffer_format(out, "%" PRIu64 ".%09" PRIu64 "\n", nanoseconds / SECOND, nanoseconds % SECOND);
}

static void put_limit(cli_buffer *out, const char *name, const cli_buffer *base, const labels *own, uint64_t budget) {
  if (budget < UINT64_MAX) {
    put_sample(out, name, base, own, budget);
    return;
  }
  begin_sample(out, name, base, own);
  cli_buffer_add(out, "+Inf\n", 5);
}

/* ---- the run ---- */

static void put_run(cli_buffer *out, const cli_snapshot *s, const cli_buffer *run) {
  const labels build = {"version", s->version, "commit", s->commit}, command = {"command", s->command, NULL, NULL};
  put_family(out, "tallow_build_info", "gauge", "Which program runs.");
  put_sample(out, "tallow_build_info", run, &build, 1);
  put_family(out, "tallow_run_info", "gauge", "Which command runs.");
  put_sample(out, "tallow_run_info", run, &command, 1);
  put_family(out, "tallow_start_time_seconds", "gauge", "When the run began, since 1970.");
  put_seconds(out, "tallow_start_time_seconds", run, NULL, (uint64_t)s->started);
  put_family(out, "tallow_run_duration_seconds", "gauge", "How long the run took until this file was written.");
  put_seconds(out, "tallow_run_duration_seconds", run, NULL, (uint64_t)s->elapsed);
  put_family(out, "tallow_run_ended", "gauge", "1: the run has ended. 0: it goes on, or was killed.");
  put_sample(out, "tallow_run_ended", run, NULL, (uint64_t)s->is_over);
  if (s->is_over) {
    put_family(out, "tallow_exit_code", "gauge", "What the run ended with, 0 if all went well; none before.");
    put_sample(out, "tallow_exit_code", run, NULL, (uint64_t)s->code);
  }
  for (int i = 0; i < CLI_COUNTS; i++) {
    if (!s->has_count[i]) continue;
    put_family(out, counts[i].name, "counter", counts[i].help);
    put_sample(out, counts[i].name, run, NULL, s->counts[i]);
  }
  put_family(out, "tallow_row_bytes", "gauge", "Memory of the command itself for rows and images.");
  put_sample(out, "tallow_row_bytes", run, NULL, s->row_bytes);
}

/* ---- engines: of a family all samples stand together ---- */

typedef struct engines {
  const cli_snapshot *snapshot;
  cli_buffer base[TLW_STREAM_ENGINES_MAX]; /* labels of each */
  int n;
} engines;

static void put_info(cli_buffer *out, const engines *all) {
  put_family(out, "tallow_engine_info", "gauge",
             "What an engine runs on now: another backend than that of the label after a fallback.");
  for (int i = 0; i < all->n; i++) {
    const tlw_device *device = &all->snapshot->engines[i].device;
    const labels own = {"runs_on", tlw_backend_name(device->backend), "driver", device->driver};
    put_sample(out, "tallow_engine_info", &all->base[i], &own, 1);
  }
  put_family(out, "tallow_threads", "gauge", "Threads of the engine.");
  for (int i = 0; i < all->n; i++)
    put_sample(out, "tallow_threads", &all->base[i], NULL, all->snapshot->engines[i].stats.threads);
}

static int kind_of(const char *command) {
  static const struct {
    const char *command;
    int kind;
  } kinds[] = {{"render", CHARTS}, {"dataset", IMAGES}, {"window", WINDOWS}};
  for (size_t i = 0; i < COUNT(kinds); i++)
    if (strcmp(kinds[i].command, command) == 0) return kinds[i].kind;
  return ANY;
}

/* What the command never does, or the CPU backend, has no series. One that is left out is so for all of the run. */
static int has_number(const engines *all, int i, int of) {
  if (of == DEVICES) return all->snapshot->engines[i].opened.backend != TLW_BACKEND_CPU;
  return of == ANY || (of & kind_of(all->snapshot->command)) != 0;
}

static void put_numbers(cli_buffer *out, const engines *all) {
  for (size_t k = 0; k < COUNT(numbers); k++) {
    const metric *own = &numbers[k].metric;
    int n = 0;
    for (int i = 0; i < all->n; i++) {
      if (!has_number(all, i, numbers[k].of)) continue;
      if (n++ == 0) put_family(out, own->name, own->type, own->help);
      put_sample(out, own->name, &all->base[i], NULL, number_at(&all->snapshot->engines[i].stats, own->offset));
    }
  }
}

/* Of one family, for each reason. */
static void put_reasons(cli_buffer *out, const engines *all, const char *name, const char *help, const reason *reasons,
                        size_t n) {
  put_family(out, name, "counter", help);
  for (int i = 0; i < all->n; i++)
    for (size_t k = 0; k < n; k++)
      put_sample(out, name, &all->base[i], &(labels){"reason", reasons[k].name, NULL, NULL},
                 number_at(&all->snapshot->engines[i].stats, reasons[k].offset));
}

static void put_troubles(cli_buffer *out, const engines *all) {
  static const char passed[] = "tallow_passed_over_devices";
  put_reasons(out, all, "tallow_retries_total", "Work that was tried again, for the driver had no more memory.",
              retries, COUNT(retries));
  put_reasons(out, all, "tallow_fallbacks_total", "Changes of backend.", fallbacks, COUNT(fallbacks));
  put_family(out, passed, "gauge", "Devices that AUTO passed over before this one.");
  for (int i = 0; i < all->n; i++)
    put_sample(out, passed, &all->base[i], NULL, all->snapshot->engines[i].stats.passed_over);
}

static const tlw_counter *memory_of(const engines *all, int i, size_t k) {
  return (const void *)((const char *)&all->snapshot->engines[i].stats + memories[k].counter);
}

static void put_memory(cli_buffer *out, const engines *all) {
  static const char limit[] = "tallow_memory_limit_bytes";
  for (size_t m = 0; m < COUNT(memory_metrics); m++) {
    const metric *own = &memory_metrics[m];
    put_family(out, own->name, own->type, own->help);
    for (int i = 0; i < all->n; i++)
      for (size_t k = 0; k < COUNT(memories); k++)
        put_sample(out, own->name, &all->base[i], &(labels){"memory", memories[k].name, NULL, NULL},
                   number_at(memory_of(all, i, k), own->offset));
  }
  put_family(out, limit, "gauge", "The budget in force.");
  for (int i = 0; i < all->n; i++)
    for (size_t k = 0; k < COUNT(memories); k++)
      if (memories[k].has_budget)
        put_limit(out, limit, &all->base[i], &(labels){"memory", memories[k].name, NULL, NULL},
                  number_at(&all->snapshot->engines[i].stats, memories[k].budget));
}

/* 1: an operation of an engine is so. A family without samples is left out. */
static int has_any(const engines *all, int (*is_so)(const tlw_operation_totals *)) {
  int any = 0;
  for (int i = 0; i < all->n; i++)
    for (int k = 0; k < TLW_OPERATION_COUNT; k++) any |= is_so(&all->snapshot->engines[i].operations[k]);
  return any;
}

/* An operation has series from its first call on. */
static void put_operations(cli_buffer *out, const engines *all) {
  if (!has_any(all, cli_is_used)) return;
  for (size_t m = 0; m < COUNT(operation_metrics); m++) {
    put_family(out, operation_metrics[m].name, operation_metrics[m].type, operation_metrics[m].help);
    for (int i = 0; i < all->n; i++)
      for (int k = 0; k < TLW_OPERATION_COUNT; k++) {
        const tlw_operation_totals *totals = &all->snapshot->engines[i].operations[k];
        const labels own = {"operation", tlw_operation_name((tlw_operation)k), NULL, NULL};
        if (cli_is_used(totals))
          put_sample(out, operation_metrics[m].name, &all->base[i], &own,
                     number_at(totals, operation_metrics[m].offset));
      }
  }
}

static int is_timed(const tlw_operation_totals *totals) { return totals->nanoseconds > 0; }

/* Of those that are timed as a whole; of others there are the stages alone. */
static void put_operation_seconds(cli_buffer *out, const engines *all) {
  static const char seconds[] = "tallow_operation_seconds_total";
  if (!has_any(all, is_timed)) return;
  put_family(out, seconds, "counter", "Time of operations that are timed as a whole.");
  for (int i = 0; i < all->n; i++)
    for (int k = 0; k < TLW_OPERATION_COUNT; k++) {
      const tlw_operation_totals *totals = &all->snapshot->engines[i].operations[k];
      const labels own = {"operation", tlw_operation_name((tlw_operation)k), NULL, NULL};
      if (is_timed(totals)) put_seconds(out, seconds, &all->base[i], &own, totals->nanoseconds);
    }
}

static void put_stages(cli_buffer *out, const engines *all) {
  static const char name[] = "tallow_stage_seconds_total";
  if (!has_any(all, cli_has_stages)) return;
  put_family(out, name, "counter", "Time of stages of operations; what overlaps counts for each.");
  for (int i = 0; i < all->n; i++)
    for (int k = 0; k < TLW_OPERATION_COUNT; k++) {
      const tlw_operation_totals *totals = &all->snapshot->engines[i].operations[k];
      for (int stage = 0; stage < TLW_STAGES && cli_has_stages(totals); stage++) {
        const labels own = {"operation", tlw_operation_name((tlw_operation)k), "stage",
                            tlw_stage_name((tlw_stage)stage)};
        put_seconds(out, name, &all->base[i], &own, totals->stage[stage]);
      }
    }
}

void cli_snapshot_prometheus(const cli_snapshot *s, cli_buffer *out) {
  engines all = {.snapshot = s, .n = s->n_engines};
  cli_buffer run = {0};
  put_label(&run, "run", s->run);
  for (int i = 0; i < all.n; i++) {
    char number[16];
    *cli_put_digits(number, (uint64_t)i, 1) = 0;
    cli_buffer_add(&all.base[i], run.bytes, run.length);
    put_label(&all.base[i], "engine", number);
    put_label(&all.base[i], "backend", tlw_backend_name(s->engines[i].opened.backend));
    put_label(&all.base[i], "device", s->engines[i].opened.name);
  }
  put_run(out, s, &run);
  void (*const parts[])(cli_buffer *, const engines *) = {
      put_info, put_numbers, put_troubles, put_memory, put_operations, put_operation_seconds, put_stages};
  for (size_t i = 0; i < COUNT(parts) && all.n > 0; i++) parts[i](out, &all);
  out->failed |= run.failed;
  for (int i = 0; i < all.n; i++) {
    out->failed |= all.base[i].failed;
    cli_buffer_free(&all.base[i]);
  }
  cli_buffer_free(&run);
}
