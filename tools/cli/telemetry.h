/*
 * What a run tells of itself in files: --stats when it ends, --metrics at an interval and when it ends, --trace as it
 * goes. All functions take NULL where nothing was asked for.
 */
#ifndef CLI_TELEMETRY_H
#define CLI_TELEMETRY_H

#include <stdint.h>

#include "parse.h"
#include "snapshot.h"
#include "targets.h"
#include "trace.h"

typedef struct cli_telemetry cli_telemetry;

/*
 * What can be known before anything is opened: whether --stats, --metrics, --trace and --alloc-log name files, each
 * another one, that are neither the output, nor a FILE, nor --spec or --checkpoint. CLI_OK, or CLI_USAGE after a
 * message.
 */
cli_exit cli_telemetry_check(const cli_args *args);

/* The options of these files, in turn; -1 behind the last. */
int cli_telemetry_option(const cli_args *args, int index);

/*
 * Makes the files, and ahead of them the folder of the targets, unless they are NULL, for files may lie in it. CLI_OK,
 * or another code after a message; *telemetry is NULL if none was asked for, else signals are held (interrupt.h).
 */
cli_exit cli_telemetry_begin(cli_telemetry **telemetry, const cli_args *args, cli_targets *targets);

/*
 * Tells the end: ahead of the engines' closing. Returns code or, if that is CLI_OK, whether --stats could be written.
 * Waits for the end of the process if leave has come first.
 */
cli_exit cli_telemetry_end(cli_telemetry *telemetry, cli_exit code);

/* Frees it, behind the engines. If the end was not told it is now. */
cli_exit cli_telemetry_close(cli_telemetry **telemetry, cli_exit code);

/* Tells the end because of a signal, beside the thread that calls the others. 0: that one has told it. */
int cli_telemetry_leave(void *telemetry, cli_exit code);

/* Around tlw_engine_open: sets what the options need; and of an engine that was opened. */
void cli_telemetry_listen(cli_telemetry *telemetry, tlw_engine_options *options);
void cli_telemetry_add_engine(cli_telemetry *telemetry, tlw_engine *engine);

/* Any thread. */
void cli_telemetry_count(cli_telemetry *telemetry, cli_count count, uint64_t n);

/* Memory of the command itself. */
void cli_telemetry_row_bytes(cli_telemetry *telemetry, uint64_t bytes);

/* When a stage begins, for stage->begun; 0 where nobody wants to know. */
int64_t cli_telemetry_now(const cli_telemetry *telemetry);

/* It ends now. Any thread. */
void cli_telemetry_stage(const cli_telemetry *telemetry, const cli_stage *stage);

#endif
