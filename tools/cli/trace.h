/*
 * The file of --trace: what a run did when, as an array of complete events in the Trace Event Format, which
 * chrome://tracing and Perfetto open. Process 1 is the command, process 2 + i its engine i; threads are tracks.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdint.h>

#include "exit_codes.h"
#include "tallow/engine.h"

typedef struct cli_trace cli_trace;

/* Tracks of the command itself. */
typedef enum cli_track {
  CLI_TRACK_MAIN,   /* the thread that reads and hands over */
  CLI_TRACK_WRITER, /* who writes results, where that is another; one thread at a time */
  CLI_TRACKS
} cli_track;

/* Something that the command itself did. Both names must last as long as the trace. */
typedef struct cli_stage {
  cli_track track;
  const char *name;
  const char *file; /* or NULL */
  int64_t begun;    /* by cli_trace_now */
  int64_t items;
  uint64_t bytes;
  int is_short; /* 1: of those that follow each other closely one event for each name is made, up to a millisecond */
} cli_stage;

/* Makes the file, or writes into what is there and is none. CLI_OK, or another code after a message. */
cli_exit cli_trace_open(cli_trace **trace, const char *path, const char *command);

/* Ends the array, whatever still comes. What could not be written is warned of. Any thread, once. */
void cli_trace_end(cli_trace *trace);

/* Frees it, ended or not. Its engines must be closed. */
void cli_trace_close(cli_trace **trace);

/* Has the engine that is opened next send its spans. Its number is that of the one before if that failed to open. */
void cli_trace_listen(cli_trace *trace, int engine, tlw_engine_options *options);

/* What the engine is called. */
void cli_trace_name(cli_trace *trace, int engine, const tlw_device *device);

/* Nanoseconds of the clock that stages are timed by. */
int64_t cli_trace_now(void);

/* A stage ends now. Any thread. */
void cli_trace_add(cli_trace *trace, const cli_stage *stage);

#endif
