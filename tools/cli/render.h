/* One run of "tallow render": candles of files through one stream into PNG files. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <pthread.h>
#include <stdint.h>

#include "buffer.h"
#include "journal.h"
#include "output.h"
#include "parse.h"
#include "progress.h"
#include "shard.h"
#include "tallow/stream.h"
#include "tallow/tallow.h"
#include "targets.h"
#include "telemetry.h"

/* Tables of candles at one time: two that are drawn and one that is read. */
#define RENDER_TABLES 3

/* More charts in one push make nothing faster. */
#define RENDER_PUSH_CHARTS 4096

/* Pushes that are not finished, at most: those that the stream takes note of, and the one that is made. */
#define RENDER_PUSHES 9

/* Lines of a chart at most: averages, and columns of the file. */
#define RENDER_MOST_LINES (2 * CLI_PARTS_MAX)

typedef struct render render;

/* A chart of a push. */
typedef struct render_chart {
  int64_t ordinal; /* among the jobs of the run */
  int64_t window;  /* number of its window; -1: none */
  int64_t rows;
  int64_t first, last; /* times of its first and last candle, for the manifest */
  const char *symbol;  /* or NULL */
  uint8_t data[TLW_DIGEST_SIZE];
} render_chart;

/* The candles of a file, and the names of its symbols, which outlive them. */
typedef struct render_table {
  tlw_table *table;
  const char **symbols; /* of each series; NULL: it has none */
  char *texts;
  const void *lines[RENDER_MOST_LINES]; /* in the order of the chart's */
  int readers; /* under the lock of the run: pushes that are not released, and who pushes; the last closes the table */
  int users;   /* likewise: pushes that are not forgotten, and who pushes */
} render_table;

/* What a push takes with it. Lives until it is released and its charts are written. */
typedef struct render_job {
  render *run;
  struct render_job *next; /* pushed behind it */
  int input;               /* index of the operand */
  int no_volume;           /* 1: the input lacks volumes that were asked for */
  int64_t n, room;         /* charts in it, and at most */
  int64_t done;            /* of them: written, or given up */
  double share;            /* of the work, for the progress */
  int released;
  int *in_use;         /* counts the pushes that read the rows, one less at release; NULL for a table */
  render_table *table; /* NULL for windows of a file that is not held */
  render_chart *charts;
  int64_t *offsets, *counts; /* the rows of each */
  char *title;               /* of its chart; NULL: that of the run */
  tlw_line *lines;           /* likewise, with their names behind them */
} render_job;

struct render {
  const cli_args *args;
  cli_targets targets;
  tlw_chart_options chart;
  tlw_csv_options csv;
  int lacks_times; /* 1: the files have none */
  cli_shard shard;
  tlw_zone *zone;        /* of times that are shown */
  cli_buffer title;      /* of all charts */
  int title_varies;      /* 1: there is one for each chart instead */
  int told_of_character; /* 1: it was said that the font lacks one */
  int told_of_room;      /* 1: it was said that texts have none */
  tlw_line lines[RENDER_MOST_LINES];
  int32_t n_averages, n_columns; /* of the lines: averages first, then columns of the FILE */
  int64_t averages[CLI_PARTS_MAX];
  char average_names[CLI_PARTS_MAX][16];
  const char *columns[CLI_PARTS_MAX]; /* as they were asked for */
  int names_vary;                     /* 1: some by numbers, so that each FILE names them */
  cli_buffer column_texts;            /* what these point into */
  int verbose, quiet, dry_run, resume;
  int streams_windows; /* 1: windows of files that are not held in tables */
  int64_t started;     /* nanoseconds */

  int64_t window_charts; /* of one push, at most; 0: no windows */
  uint64_t row_bytes;    /* memory of the command itself for windows; part of --host-mem */
  uint64_t least_bytes;  /* of a command that is not "render": how little row_bytes may be; else 0 */

  size_t shares; /* engines that the rest of --host-mem is for */

  cli_buffer header;    /* of the manifest */
  int wants_manifest;   /* 1: there is to be one */
  cli_journal *journal; /* NULL: there is none */
  cli_progress *progress;
  cli_telemetry *telemetry; /* NULL: nobody asked for it */

  /* Of the thread that pushes. */
  int64_t n_jobs;               /* so far, those of other parts included */
  int64_t file_own, file_found; /* of the file at hand: charts of this part, and those that were done before */
  int64_t n_named;              /* names that were printed */
  tlw_digest *digest;
  cli_buffer identity, name, path, reason;
  cli_names_taken names;

  pthread_mutex_t stream_lock; /* between stopping and closing */
  tlw_stream *stream;
  int pushed; /* 1: something was pushed since the stream was opened */

  /* The sink's, which is called by one thread at a time. */
  cli_output *output;
  int output_open;
  cli_buffer sink_path, sink_identity, sink_result;
  int64_t chart_size;  /* bytes of the chart that is being written */
  cli_exit chart_code; /* of that chart */

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t released;
  tlw_engine *engines[TLW_STREAM_ENGINES_MAX];
  size_t n_engines;
  render_job *jobs, *last_job; /* whose charts are not all written, the oldest first */
  int tables;                  /* that are open */
  cli_exit *codes;             /* of each input: its first failure */
  int refused;                 /* the input whose charts can't be written; -1: none */
  int incomplete;              /* 1: a job failed for another reason than its input */
  cli_exit fatal;              /* why the sink ended the stream, after a message */
  int64_t images, found;
  int settled;  /* 1: the stream has ended in order, by a signal */
  int drawing;  /* 1: charts may have been written */
  int finished; /* the end was told */
};

static inline const cli_value *render_value(const render *r, int option) { return &r->args->values[option]; }
static inline const char *render_name(const render *r, int input) { return r->args->operands[input]; }

/* That memory of readers counts in; NULL: in none. */
static inline tlw_engine *render_engine(const render *r) { return r->n_engines > 0 ? r->engines[0] : NULL; }

/* ---- cmd_render.c ---- */

/* Reads the settings of charts into r->chart. CLI_OK, or another code after a message. */
cli_exit render_plan_chart(render *r);

/* Notes that an input failed; the first failure counts. Any thread. */
void render_fail_input(render *r, int input, cli_exit code);

/*
 * Pushes the charts of a job, which is the run's from then on; one without charts is freed. Its candles, whose rows its
 * offsets and counts name, are in use until it is released. Otherwise than CLI_OK: the stream has ended, it was said
 * why, and the run must end.
 */
cli_exit render_push(render *r, render_job *job, const tlw_candles *candles);

/* Waits until every chart is written. Returns as render_push. */
cli_exit render_drain(render *r);

/* Likewise, and gives the memory of the stream back for a while, unless nothing was pushed since it was opened. */
cli_exit render_restart(render *r);

/* ---- texts.c ---- */

/* Reads what is written on charts into r->chart. CLI_OK, or another code after a message. */
cli_exit render_texts_plan(render *r);
void render_texts_free(render *r);

/* Whether the font has all characters of what is known so far. */
void render_check_texts(render *r);

/* Says, once in a run, that the font lacks a character of a text. what: the text, for people. */
void render_check_text(render *r, const char *what, const char *text);

/* Says, once in a run, which texts that were asked for have no room in such a chart, and what would give it. */
void render_check_room(render *r, const tlw_chart_options *chart);

/* The title of a chart where each has its own; freed by the caller. NULL: no memory. */
char *render_make_title(render *r, int input, const render_chart *chart);

/* ---- lines.c ---- */

/* Reads --mav, --lines and --line-colors into r->chart. CLI_OK, or another code after a message. */
cli_exit render_lines_plan(render *r);
void render_lines_free(render *r);

/*
 * Names the lines as the header of a file does that were asked for by numbers. name: that of column i of --lines, "" or
 * NULL without a header. Lasts until the next file.
 */
typedef const char *(*render_line_name)(const void *file, int32_t i);
void render_lines_name(render *r, const void *file, render_line_name name);

/* A copy of r->lines that lasts; freed by the caller. NULL: no memory. */
tlw_line *render_lines_copy(const render *r);

/* The averages of a series that is read row by row. All 0: none. */
typedef struct render_averages {
  tlw_window_state *states[CLI_PARTS_MAX];
  int32_t n;
} render_averages;

/* Must be closed in any case. */
tlw_status render_averages_open(const render *r, render_averages *averages, tlw_error *error);
void render_averages_close(render_averages *averages);

/* Another series begins. */
void render_averages_clear(render_averages *averages);

/* Puts the averages of the next n closes into lines, from row `first` of each on. */
void render_averages_feed(render_averages *averages, const double *close, int64_t n, double *const *lines,
                          int64_t first);

/* Adds those of all series to the table, behind its other lines. */
tlw_status render_averages_add(const render *r, tlw_table *table, tlw_error *error);

/* Bytes that the averages take of the engine's memory beside their results. */
uint64_t render_averages_bytes(const render *r);

/* ---- jobs.c ---- */

/* For up to room charts of an input; NULL after a message. The table, which may be NULL, gets a user and a reader. */
render_job *render_job_make(render *r, int input, int64_t room, render_table *table);

/* The stream no longer reads its candles; nobody needs it any more; both. The lock must not be held. */
void render_job_release(render_job *job);
void render_job_free(render_job *job);
void render_job_drop(render_job *job);

/* One that has chart i of another, and that share of the work; NULL after a message, and then the chart is given up. */
render_job *render_job_make_one(render_job *job, int64_t i, double share);

/* Frees a job that is not pushed, and leaves its rows and its table. */
void render_job_finish(render_job *job);

/* Likewise, for there is no memory for its charts, after a message. */
void render_job_fail(render_job *job);

/* Who pushes has done with a table. */
void render_table_leave(render *r, render_table *table);

/*
 * The next job of the run is this chart: rows first to first + n - 1 of candles. Adds it to the job, unless it belongs
 * to another part, was done before, can't be drawn or is only to be named. Otherwise than CLI_OK the run must end.
 */
cli_exit render_add_chart(render_job *job, const tlw_candles *candles, int64_t first, int64_t n, const char *symbol,
                          int64_t window);

/*
 * The next job of the run fails. It has the name of its chart, if a FILE gives one chart and no more; r->reason says
 * why. Says so, unless it belongs to another part. Otherwise than CLI_OK the run must end.
 */
cli_exit render_fail_file(render *r, int input, cli_exit code);

/* Likewise of one symbol of the FILE, which may be NULL: all of it. */
cli_exit render_fail_series(render *r, int input, const char *symbol, cli_exit code);

/* The line of a chart that was written, with its bytes, for the manifest. CLI_OK, or another code after a message. */
cli_exit render_note_chart(render *r, const render_job *job, const render_chart *chart, const tlw_piece *piece);

/* ---- engines.c ---- */

/* Opens the engine that the options ask for, or one for each device. CLI_OK, or another code after a message. */
cli_exit render_engines_open(render *r);
void render_engines_close(render *r);

/* "cpu (avx2) on 2 devices" */
#define RENDER_ENGINES_SIZE 256
void render_engines_text(const render *r, char out[RENDER_ENGINES_SIZE]);

/*
 * Puts in out why a library call failed, behind the name of an input unless it is NULL; returns the exit code. Where
 * --host-mem or --pool is too small it says what would do; more: bytes of the host that are needed beyond those of the
 * error.
 */
cli_exit render_explain(const render *r, const char *input, const tlw_error *error, uint64_t more, cli_buffer *out);

/* Says it. */
cli_exit render_fail_library(const render *r, const char *input, const tlw_error *error, uint64_t more);

/* ---- sink.c ---- */

/* The sink of the stream: writes charts to files. user is the run. */
tlw_status render_sink(void *user, const tlw_piece *piece, tlw_error *error);

/* The release of the stream. user is the job. */
void render_release(void *user);

/* ---- files.c ---- */

/* The first of n increasing times that is at or after `time`. */
int64_t render_lower_bound(const int64_t *times, int64_t n, int64_t time);

/*
 * Puts in r->reason why the library refused a file, for people, the manifest and the summary; returns the exit code.
 * more: as for render_explain.
 */
cli_exit render_explain_file(render *r, int input, const tlw_error *error, uint64_t more);

/* Reads a whole file. Otherwise than CLI_OK the run must end; else error->code says whether there is a table. */
cli_exit render_read_table(render *r, const char *path, tlw_table **table, tlw_error *error);

/* What the table of a file takes, where that can be found out; else 0. */
uint64_t render_table_bytes(const render *r, const char *path);

/* Tells of a file that begins to be read. */
void render_begin_file(render *r, int input);

/* Pushes the charts of a file held in a table. CLI_OK: go on with the next, failed or not; else as render_push. */
cli_exit render_file(render *r, int input);

/* ---- windows.c ---- */

int64_t render_window_rows(const render *r);
int64_t render_stride_rows(const render *r);

/* Decides how much memory windows get; sets window_charts and row_bytes. */
void render_windows_plan(render *r);

/* What --host-mem must be for a plan that leaves `bytes` of it. */
uint64_t render_windows_host_mem(const render *r, uint64_t bytes);

/* Puts in r->reason that a file, or a symbol of it, has too few candles for a window. */
void render_explain_short(render *r, int input, const char *symbol, int64_t candles);

/* With -v: what became of a file that gave windows. left_over: its candles behind the last of them. */
void render_tell_windows(const render *r, int input, int64_t windows, int64_t left_over, int has_volume);

typedef struct render_windows render_windows;

/* CLI_OK, or another code after a message. Must be closed behind the stream. */
cli_exit render_windows_open(render_windows **windows, render *r);
void render_windows_close(render_windows **windows);

/* Pushes the windows of a file. Returns as render_file. */
cli_exit render_windows_file(render_windows *windows, int input);

#endif
