/* The JSON object of --stats. */
#include <inttypes.h>
#include <stddef.h>

#include "snapshot.h"

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
    {"charts", offsetof(tlw_stats, charts)},
    {"candles", offsetof(tlw_stats, candles)},
    {"pixels", offsetof(tlw_stats, pixels)},
    {"values", offsetof(tlw_stats, values)},
    {"images", offsetof(tlw_stats, images)},
    {"launches", offsetof(tlw_stats, launches)},
    {"uploaded", offsetof(tlw_stats, uploaded)},
    {"downloaded", offsetof(tlw_stats, downloaded)},
    {"copied", offsetof(tlw_stats, copied)},
    {"reduced", offsetof(tlw_stats, reduced)},
    {"operations", offsetof(tlw_stats, operations)},
    {"failures", offsetof(tlw_stats, failures)},
    {"resets", offsetof(tlw_stats, resets)},
    {"trims", offsetof(tlw_stats, trims)},
    {"halvings", offsetof(tlw_stats, halvings)},
    {"fallbacks", offsetof(tlw_stats, fallbacks)},
    {"fallbacks_memory", offsetof(tlw_stats, fallbacks_memory)},
    {"fallbacks_unavailable", offsetof(tlw_stats, fallbacks_unavailable)},
    {"to_cpu", offsetof(tlw_stats, to_cpu)},
};

static const struct member totals[] = {
    {"calls", offsetof(tlw_operation_totals, calls)},
    {"failures", offsetof(tlw_operation_totals, failures)},
    {"items", offsetof(tlw_operation_totals, items)},
    {"bytes", offsetof(tlw_operation_totals, bytes)},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SECOND UINT64_C(1000000000)

static const char *const counts[CLI_COUNTS] = {
    [CLI_COUNT_FILES] = "files",     [CLI_COUNT_ROWS] = "rows", [CLI_COUNT_IMAGES] = "images",
    [CLI_COUNT_RESULTS] = "results", [CLI_COUNT_BARS] = "bars",
};

static uint64_t number_at(const void *object, const struct member *m) {
  return *(const uint64_t *)(const void *)((const char *)object + m->offset);
}

static void put_text(cli_buffer *out, const char *name, const char *text) {
  cli_buffer_format(out, "      \"%s\": ", name);
  cli_buffer_plain_json(out, text);
  cli_buffer_format(out, ",\n");
}

static void put_counter(cli_buffer *out, const tlw_stats *stats, const struct member *m) {
  const tlw_counter *c = (const void *)((const char *)stats + m->offset);
  cli_buffer_format(out, "      \"%s\": {\"current\": %" PRIu64 ", \"peak\": %" PRIu64 ", \"total\": %" PRIu64 "},\n",
                    m->name, c->current, c->peak, c->total);
}

static void put_budget(cli_buffer *out, const tlw_stats *stats, const struct member *m) {
  const uint64_t budget = number_at(stats, m);
  if (budget == UINT64_MAX)
    cli_buffer_format(out, "      \"%s\": null,\n", m->name);
  else
    cli_buffer_format(out, "      \"%s\": %" PRIu64 ",\n", m->name, budget);
}

static void put_seconds(cli_buffer *out, const char *name, uint64_t nanoseconds) {
  cli_buffer_format(out, "\"%s\": %" PRIu64 ".%09" PRIu64, name, nanoseconds / SECOND, nanoseconds % SECOND);
}

static void put_operation(cli_buffer *out, tlw_operation operation, const tlw_operation_totals *t) {
  cli_buffer_format(out, "        \"%s\": {", tlw_operation_name(operation));
  for (size_t i = 0; i < COUNT(totals); i++)
    cli_buffer_format(out, "\"%s\": %" PRIu64 ", ", totals[i].name, number_at(t, &totals[i]));
  put_seconds(out, "seconds", t->nanoseconds);
  cli_buffer_format(out, ", \"stage_seconds\": {");
  for (int stage = 0; stage < TLW_STAGES && cli_has_stages(t); stage++) {
    if (stage > 0) cli_buffer_format(out, ", ");
    put_seconds(out, tlw_stage_name((tlw_stage)stage), t->stage[stage]);
  }
  cli_buffer_format(out, "}}");
}

/* Those that there were. */
static void put_operations(cli_buffer *out, const cli_engine_snapshot *engine) {
  const char *comma = "\n";
  cli_buffer_format(out, "      \"by_operation\": {");
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    if (!cli_is_used(&engine->operations[i])) continue;
    cli_buffer_format(out, "%s", comma);
    put_operation(out, (tlw_operation)i, &engine->operations[i]);
    comma = ",\n";
  }
  cli_buffer_format(out, "%s},\n", *comma == ',' ? "\n      " : "");
}

static void put_engine(cli_buffer *out, const cli_engine_snapshot *engine) {
  const tlw_stats *stats = &engine->stats;
  cli_buffer_format(out, "    {\n");
  put_text(out, "backend", tlw_backend_name(engine->device.backend));
  put_text(out, "device", engine->device.name);
  put_text(out, "driver", engine->device.driver);
  for (size_t i = 0; i < COUNT(counters); i++) put_counter(out, stats, &counters[i]);
  for (size_t i = 0; i < COUNT(budgets); i++) put_budget(out, stats, &budgets[i]);
  for (size_t i = 0; i < COUNT(numbers); i++)
    cli_buffer_format(out, "      \"%s\": %" PRIu64 ",\n", numbers[i].name, number_at(stats, &numbers[i]));
  put_operations(out, engine);
  cli_buffer_format(out, "      \"threads\": %" PRIu32 ",\n      \"passed_over\": %" PRIu32 ",\n      \"reason\": ",
                    stats->threads, stats->passed_over);
  cli_buffer_plain_json(out, stats->reason);
  cli_buffer_format(out, "\n    }");
}

void cli_snapshot_json(const cli_snapshot *s, cli_buffer *out) {
  cli_buffer_format(out, "{\n  \"command\": \"%s\",\n  \"version\": \"%s\",\n  \"commit\": \"%s\",\n", s->command,
                    s->version, s->commit);
  cli_buffer_format(out, "  \"exit_code\": %d,\n  \"wall_seconds\": %.6f,\n", (int)s->code,
                    (double)s->elapsed / (double)SECOND);
  for (int i = 0; i < CLI_COUNTS; i++)
    if (s->has_count[i]) cli_buffer_format(out, "  \"%s\": %" PRIu64 ",\n", counts[i], s->counts[i]);
  cli_buffer_format(out, "  \"row_bytes\": %" PRIu64 ",\n  \"engines\": [", s->row_bytes);
  for (int i = 0; i < s->n_engines; i++) {
    cli_buffer_format(out, i > 0 ? ",\n" : "\n");
    put_engine(out, &s->engines[i]);
  }
  cli_buffer_format(out, s->n_engines > 0 ? "\n  ]\n}\n" : "]\n}\n");
}
