/* One run of "tallow bars": trades of files through bars of one or several kinds into tables. */
#ifndef CLI_BARS_RUN_H
#define CLI_BARS_RUN_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "bars_text.h"
#include "output.h"
#include "parse.h"
#include "tallow/tallow.h"
#include "targets.h"
#include "telemetry.h"

#define SEE_HELP "; try 'tallow bars --help'"

#define BARS_MAKERS_MAX 16 /* kinds of bars in one run */
#define BARS_NAME_SIZE 48
#define BARS_PART_SIZE 11 /* "2024-08-31" */

typedef enum bars_format { BARS_CSV, BARS_JSONL, BARS_NPY } bars_format;

/* A kind of bars, and the table that gets them. */
typedef struct bars_maker {
  struct bars_run *run;
  char name[BARS_NAME_SIZE]; /* "time-1m" */
  tlw_bars_options options;
  tlw_bars *bars;

  int is_open;
  char path[PATH_MAX];
  cli_output output;
  int64_t n_rows;            /* in the table that is open */
  char part[BARS_PART_SIZE]; /* "2024-08", of the table that is open or was last; "": none was yet */
  int64_t day;               /* the day of the zone that is known to be in it */
  int has_day;
  int is_complete; /* 1: the last bar ends by --to, and was written though no row behind it came */
  cli_exit code;   /* of what failed in the sink */
} bars_maker;

/* What one call of the reader gave. */
typedef struct bars_chunk {
  int is_new; /* 1: no bars were made of it yet */
  int64_t n_rows;
  tlw_status status;
  tlw_error error;
} bars_chunk;

typedef struct bars_run {
  const cli_args *args;
  int quiet, verbose;

  bars_format format;
  cli_target_kind kind;
  cli_targets targets;
  const char *out;      /* a folder, a name that may hold {kind}, or "-" */
  int part_length;      /* of a part's name: 4, 7 or 10; 0: there are no parts */
  int in_place;         /* 1: there are checkpoints, and tables grow under their own names */
  bars_columns columns; /* of tables */
  int is_chosen;        /* 1: --fields chose them */
  tlw_zone *zone;
  const char *zone_name;
  int64_t time_scale; /* nanoseconds of the unit of times */

  tlw_engine *engine;
  cli_telemetry *telemetry; /* NULL: nobody asked for it */
  tlw_trade_reader *reader;
  tlw_trade_options reading;
  uint32_t found; /* columns of the input, TLW_TRADE_... */
  tlw_trade_rows rows;
  bars_chunk chunk;
  void *memory;
  uint64_t own_bytes;   /* of --host-mem that the library has no part in */
  uint64_t later_bytes; /* that the library will ask for when what is being opened is open */

  bars_maker *makers;
  int n_makers;

  int64_t rows_read;   /* in all */
  int64_t known_rows;  /* that the checkpoint has seen with which the run began */
  int64_t saved_rows;  /* rows_read when the last checkpoint was saved */
  int is_compared;     /* 1: the lengths of bars were, with those of the input */
  atomic_int is_begun; /* 1: there is a state that can be saved */
  atomic_int is_idle;  /* 1: nothing changes while more input is waited for */
  int n_bad[TLW_TRADE_DEFECTS];
  int32_t bad_file[TLW_TRADE_DEFECTS]; /* where the first of each was; -1: an earlier run saw it */
  int64_t bad_line[TLW_TRADE_DEFECTS];
} bars_run;

static inline const cli_value *bars_value(const bars_run *r, int option) { return &r->args->values[option]; }

/* ---- bars_plan.c ---- */

/* Reads the kinds and what they are made by. CLI_OK, or another code after a message. To be freed in any case. */
cli_exit bars_plan_read(bars_run *r);
void bars_plan_free(bars_run *r);

/* Whether the library takes the kinds, also once the unit of times is known. As that. */
cli_exit bars_plan_check(const bars_run *r);

/* Warns of intervals that are shorter than the bars of the input are apart, in nanoseconds. */
void bars_plan_compare(const bars_run *r, int64_t apart);

/* Columns that the reader is asked for, before the input is known. */
uint32_t bars_plan_wanted(const bars_run *r);

/* Once it is known: which columns tables have. CLI_OK, or another code after a message. */
cli_exit bars_plan_columns(bars_run *r);

/* ---- bars_output.c ---- */

/* By --output and --format: where tables go. CLI_OK, or CLI_USAGE after a message. */
cli_exit bars_output_plan(bars_run *r);

/* Whether tables that are there from the beginning can have their names. As that; CLI_CANT_CREATE too. */
cli_exit bars_output_check(bars_run *r);

/* Opens the tables that are there from the beginning. CLI_OK, or another code after a message. */
cli_exit bars_output_open(bars_run *r);

/* Goes on with a table of `length` bytes, as a checkpoint has it: what is behind them is cut off. */
cli_exit bars_output_go_on(bars_maker *maker, int64_t length);

/* A tlw_bars_sink; user is the maker. */
tlw_status bars_output_take(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error);

/* At the end of the input: the last bars that end by --to, and with --partial those that have not closed. */
cli_exit bars_output_last(bars_run *r);

/* Writes what is in memory, where someone may be waiting for it; and whether there is any of that. */
int bars_output_waits(const bars_run *r);
cli_exit bars_output_flush(bars_run *r);

/* Likewise, down to the disk; *length: what the table then has. */
cli_exit bars_output_sync(bars_maker *maker, int64_t *length);

/* Closes the tables. If code is not CLI_OK those that are not in place are taken back. Returns the first failure. */
cli_exit bars_output_close(bars_run *r, cli_exit code);

/* Removes what runs that were killed have left of the tables. */
void bars_output_sweep(const bars_run *r);

/* ---- bars_checkpoint.c ---- */

/* Goes on from --checkpoint if --resume says so, else begins it. CLI_OK, or another code after a message. */
cli_exit bars_checkpoint_begin(bars_run *r);

/* Saves one: tables first. CLI_OK, or another code after a message. */
cli_exit bars_checkpoint_save(bars_run *r);

/* Sees to it that the name of a new file has reached the disk. 1; or 0 with errno. */
int bars_sync_folder(const char *path);

/* ---- bars_report.c ---- */

#define BARS_MESSAGE_SIZE (2 * TLW_ERROR_MESSAGE_SIZE)

/* The words of the library, but with the options of the command line for its own. */
void bars_explain(const char *message, char out[BARS_MESSAGE_SIZE]);

/* Says why the library failed. Returns the exit code. */
cli_exit bars_fail(const bars_run *r, const tlw_error *error);

/* Likewise for rows that could not be taken; the place of row error->row of the chunk comes first. */
cli_exit bars_fail_row(const bars_run *r, const tlw_error *error);

/* Notes where the first bad row of each kind in a chunk was; before: the report from before the chunk. */
void bars_note_bad(bars_run *r, const tlw_bars_report *before);

/* Warns of rows that were skipped and numbers that were rounded; with --verbose tells of the rest. */
void bars_tell(const bars_run *r);

/* Says which last bars were not written. */
void bars_tell_unfinished(const bars_run *r);

/* A line about how far the run is. */
void bars_progress_begin(const bars_run *r);
void bars_progress_step(const bars_run *r);
void bars_progress_end(void);

#endif
