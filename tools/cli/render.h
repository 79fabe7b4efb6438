/* One run of "tallow render": candles of files through one stream into PNG files. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <pthread.h>
#include <stdint.h>

#include "output.h"
#include "parse.h"
#include "tallow/stream.h"
#include "tallow/tallow.h"
#include "targets.h"

/* Tables of candles at one time: two that are drawn and one that is read. */
#define RENDER_TABLES 3

typedef struct render render;

/* What a push takes with it. Lives until it is released and its charts are written. */
typedef struct render_job {
  render *run;
  struct render_job *next; /* pushed behind it */
  int input;               /* index of the operand */
  int no_volume;           /* 1: the input lacks volumes that were asked for */
  int64_t candles;         /* of each chart */
  int64_t window;          /* number of its next chart among those of the input */
  int64_t left;            /* charts that are not yet written */
  int released;
  tlw_table *table; /* closed at release; NULL for windows */
  int *in_use;      /* set to 0 at release; NULL for a table */
} render_job;

struct render {
  const cli_args *args;
  cli_targets targets;
  tlw_chart_options chart;
  int verbose, quiet;
  int64_t started; /* nanoseconds */

  int64_t window_charts; /* of one push, at most; 0: no windows */
  uint64_t row_bytes;    /* memory of the command itself for windows; part of --host-mem */

  size_t shares; /* engines that the rest of --host-mem is for */

  pthread_mutex_t stream_lock; /* between cancelling and closing */
  tlw_stream *stream;
  int pushed; /* 1: something was pushed since the stream was opened */

  /* The sink's, which is called by one thread at a time. */
  cli_output *output;
  char *path;
  cli_exit chart_code; /* of the chart that is being written */

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t released;
  tlw_engine *engines[TLW_STREAM_ENGINES_MAX];
  size_t n_engines;
  render_job *jobs, *last_job; /* whose charts are not all written, the oldest first */
  int tables;                  /* pushed and not released */
  cli_exit *codes;             /* of each input: its first failure */
  int refused;                 /* the input whose charts can't be written; -1: none */
  int64_t images;
  int output_open;
  int finished; /* nothing is written any more */
};

static inline const cli_value *render_value(const render *r, int option) { return &r->args->values[option]; }
static inline const char *render_name(const render *r, int input) { return r->args->operands[input]; }

/* ---- cmd_render.c ---- */

/* Notes that an input failed; the first failure counts. Any thread. */
void render_fail_input(render *r, int input, cli_exit code);

/* A job for n charts of an input; NULL after a message. */
render_job *render_job_make(render *r, int input, int64_t n);

/*
 * Pushes candles. The job is the run's from then on, and its candles are in use until it is released. Otherwise than
 * CLI_OK: the stream has ended, it was said why, and the run must end.
 */
cli_exit render_push(render *r, render_job *job, const tlw_candles *candles);

/* Waits until every chart is written. Returns as render_push. */
cli_exit render_drain(render *r);

/* Likewise, and gives the memory of the stream back for a while, unless nothing was pushed since it was opened. */
cli_exit render_restart(render *r);

/* ---- engines.c ---- */

/* Opens the engine that the options ask for, or one for each device. CLI_OK, or another code after a message. */
cli_exit render_engines_open(render *r);
void render_engines_close(render *r);

/*
 * Says that a library call failed, behind the name of an input unless it is NULL; returns the exit code. Where
 * --host-mem is too small it says what would do; more: bytes that are needed beyond those of the error.
 */
cli_exit render_fail_library(const render *r, const char *input, const tlw_error *error, uint64_t more);

/* ---- sink.c ---- */

/* The sink of the stream: writes charts to files. user is the run. */
tlw_status render_sink(void *user, const tlw_piece *piece, tlw_error *error);

/* The release of the stream. user is the job. */
void render_release(void *user);

/* ---- files.c ---- */

/* The first of n increasing times that is at or after `time`. */
int64_t render_lower_bound(const int64_t *times, int64_t n, int64_t time);

/* Pushes the candles of a file as one chart. CLI_OK: go on with the next, failed or not; else as render_push. */
cli_exit render_file(render *r, int input);

/* ---- windows.c ---- */

/* Decides how much memory windows get; sets window_charts and row_bytes. */
void render_windows_plan(render *r);

/* What --host-mem must be for a plan that leaves `bytes` of it. */
uint64_t render_windows_host_mem(const render *r, uint64_t bytes);

typedef struct render_windows render_windows;

/* CLI_OK, or another code after a message. Must be closed behind the stream. */
cli_exit render_windows_open(render_windows **windows, render *r);
void render_windows_close(render_windows **windows);

/* Pushes the windows of a file. Returns as render_file. */
cli_exit render_windows_file(render_windows *windows, int input);

/* ---- stats.c ---- */

/* Writes --stats, if it was given. code: what the command ends with. CLI_OK, or another code after a message. */
cli_exit render_stats_write(const render *r, cli_exit code);

#endif
