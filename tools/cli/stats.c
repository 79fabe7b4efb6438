#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format.h"
#include "render.h"
#include "report.h"

struct member {
  const char *name;
  size_t offset;
};

static const struct member counters[] = {
    {"host_bytes", offsetof(tlw_stats, host_bytes)},
    {"device_bytes", offsetof(tlw_stats, device_bytes)},
    {"pool_bytes", offsetof(tlw_stats, pool_bytes)},
};

static const struct member budgets[] = {
    {"device_budget", offsetof(tlw_stats, device_budget)},
    {"host_budget", offsetof(tlw_stats, host_budget)},
};

static const struct member numbers[] = {
    {"charts", offsetof(tlw_stats, charts)},         {"candles", offsetof(tlw_stats, candles)},
    {"pixels", offsetof(tlw_stats, pixels)},         {"values", offsetof(tlw_stats, values)},
    {"images", offsetof(tlw_stats, images)},         {"launches", offsetof(tlw_stats, launches)},
    {"uploaded", offsetof(tlw_stats, uploaded)},     {"downloaded", offsetof(tlw_stats, downloaded)},
    {"copied", offsetof(tlw_stats, copied)},         {"reduced", offsetof(tlw_stats, reduced)},
    {"operations", offsetof(tlw_stats, operations)}, {"failures", offsetof(tlw_stats, failures)},
    {"resets", offsetof(tlw_stats, resets)},         {"trims", offsetof(tlw_stats, trims)},
    {"halvings", offsetof(tlw_stats, halvings)},     {"fallbacks", offsetof(tlw_stats, fallbacks)},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const void *member_of(const tlw_stats *stats, const struct member *m) { return (const char *)stats + m->offset; }

static uint64_t number_of(const tlw_stats *stats, const struct member *m) {
  return *(const uint64_t *)member_of(stats, m);
}

static void print_text(FILE *file, const char *name, const char *text) {
  fprintf(file, "      \"%s\": ", name);
  cli_print_json(file, text);
  fprintf(file, ",\n");
}

static void print_counter(FILE *file, const tlw_stats *stats, const struct member *m) {
  const tlw_counter *c = member_of(stats, m);
  fprintf(file, "      \"%s\": {\"current\": %" PRIu64 ", \"peak\": %" PRIu64 ", \"total\": %" PRIu64 "},\n", m->name,
          c->current, c->peak, c->total);
}

static void print_budget(FILE *file, const tlw_stats *stats, const struct member *m) {
  const uint64_t budget = number_of(stats, m);
  if (budget == UINT64_MAX)
    fprintf(file, "      \"%s\": null,\n", m->name);
  else
    fprintf(file, "      \"%s\": %" PRIu64 ",\n", m->name, budget);
}

static void print_engine(FILE *file, const tlw_engine *engine) {
  tlw_device device = {0};
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_engine_describe(engine, &device, NULL);
  tlw_engine_stats(engine, &stats, NULL);
  fprintf(file, "    {\n");
  print_text(file, "backend", tlw_backend_name(device.backend));
  print_text(file, "device", device.name);
  print_text(file, "driver", device.driver);
  for (size_t i = 0; i < COUNT(counters); i++) print_counter(file, &stats, &counters[i]);
  for (size_t i = 0; i < COUNT(budgets); i++) print_budget(file, &stats, &budgets[i]);
  for (size_t i = 0; i < COUNT(numbers); i++)
    fprintf(file, "      \"%s\": %" PRIu64 ",\n", numbers[i].name, number_of(&stats, &numbers[i]));
  fprintf(file,
          "      \"threads\": %" PRIu32 ",\n      \"passed_over\": %" PRIu32 ",\n      \"reason\": ", stats.threads,
          stats.passed_over);
  cli_print_json(file, stats.reason);
  fprintf(file, "\n    }");
}

static double seconds_since(int64_t started) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)((int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec - started) / 1e9;
}

static void print(FILE *file, const render *r, cli_exit code) {
  fprintf(file, "{\n  \"exit_code\": %d,\n  \"wall_seconds\": %.6f,\n  \"images\": %" PRId64 ",\n", (int)code,
          seconds_since(r->started), r->images);
  fprintf(file, "  \"row_bytes\": %" PRIu64 ",\n  \"engines\": [", r->row_bytes);
  for (size_t i = 0; i < r->n_engines; i++) {
    fprintf(file, i ? ",\n" : "\n");
    print_engine(file, r->engines[i]);
  }
  fprintf(file, r->n_engines ? "\n  ]\n}\n" : "]\n}\n");
}

static cli_exit write_text(const char *path, const char *text, size_t size) {
  cli_output *output = malloc(sizeof *output);
  if (!output) return cli_fail(CLI_NO_MEMORY, "%s: no memory to write it", path);
  cli_exit code = cli_output_open(output, path);
  if (!code) code = cli_output_close(output, cli_output_write(output, text, size));
  free(output);
  return code;
}

cli_exit render_stats_write(const render *r, cli_exit code) {
  const char *path = render_value(r, RENDER_STATS)->text;
  if (!path) return CLI_OK;
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  if (file) print(file, r, code);
  const int made = file && !ferror(file);
  if ((file && fclose(file) != 0) || !made) {
    free(text);
    return cli_fail(CLI_NO_MEMORY, "%s: no memory to write it", path);
  }
  const cli_exit written = write_text(path, text, size);
  free(text);
  return written;
}
