/* What a run and its engines have done up to one moment, and how --stats and --metrics put it into words. */
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H

#include <stdint.h>

#include "buffer.h"
#include "exit_codes.h"
#include "tallow/stream.h"
#include "tallow/telemetry.h"

/* What a command counts itself. Each has some of these. */
typedef enum cli_count {
  CLI_COUNT_FILES,   /* that were read to their end */
  CLI_COUNT_ROWS,    /* that were read */
  CLI_COUNT_IMAGES,  /* charts or images that were written */
  CLI_COUNT_RESULTS, /* numbers that were written */
  CLI_COUNT_BARS,    /* that were written */
  CLI_COUNTS
} cli_count;

typedef struct cli_engine_snapshot {
  tlw_device opened; /* what it was opened on: its name as long as the run goes */
  tlw_device device; /* what it runs on */
  tlw_stats stats;
  tlw_operation_totals operations[TLW_OPERATION_COUNT];
} cli_engine_snapshot;

typedef struct cli_snapshot {
  const char *command;
  const char *run; /* what tells its metrics from those of other runs: the name of the file without folder and ending */
  const char *version, *commit;
  int64_t started; /* nanoseconds since 1970 */
  int64_t elapsed; /* nanoseconds */
  int is_over;
  cli_exit code; /* once it is over */
  uint64_t counts[CLI_COUNTS];
  int has_count[CLI_COUNTS]; /* 1: of the command */
  uint64_t row_bytes;        /* memory of the command itself, part of --host-mem */
  cli_engine_snapshot engines[TLW_STREAM_ENGINES_MAX];
  int n_engines;
} cli_snapshot;

/* Whether the operation has stages that took time. */
static inline int cli_has_stages(const tlw_operation_totals *totals) {
  uint64_t any = 0;
  for (int i = 0; i < TLW_STAGES; i++) any |= totals->stage[i];
  return any != 0;
}

/* Whether there was such an operation, or is one that has not ended. */
static inline int cli_is_used(const tlw_operation_totals *totals) {
  return totals->calls > 0 || cli_has_stages(totals);
}

/* As a JSON object. */
void cli_snapshot_json(const cli_snapshot *snapshot, cli_buffer *out);

/* In the text format of Prometheus, version 0.0.4. */
void cli_snapshot_prometheus(const cli_snapshot *snapshot, cli_buffer *out);

#endif
