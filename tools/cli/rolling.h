/* One run of "tallow window": columns of files through rolling windows into tables of numbers. */
#ifndef CLI_ROLLING_H
#define CLI_ROLLING_H

#include <stdint.h>

#include "buffer.h"
#include "output.h"
#include "parse.h"
#include "tallow/tallow.h"
#include "targets.h"
#include "telemetry.h"

#define SEE_HELP "; try 'tallow window --help'"

/* Columns that results are asked for, windows and quantiles, at most; a second column may come to these. */
#define ROLLING_COLUMNS_MAX 1000
#define ROLLING_LIST_MAX 1000

#define ROLLING_NAME_SIZE 256 /* names of columns are cut to it */

/* What is to be computed of a column. */
typedef struct rolling_task {
  tlw_window_spec spec;
  unsigned own;   /* bits by tlw_window_field: parameters that stand behind the operation */
  unsigned named; /* of these, those that make it another than the operation without them */
} rolling_task;

/* Texts between commas. */
typedef struct rolling_list {
  char *text; /* what they lie in */
  char **items;
  int n;
} rolling_list;

/* What the command line asks for, whatever the files. */
typedef struct rolling_plan {
  rolling_list columns; /* none: close of a CSV file, all columns of an array */
  const char *other;    /* NULL: none */
  rolling_list labels;
  int keeps_none; /* 1: no labels at all */
  rolling_list windows, quantiles, ops;
  rolling_task *tasks;
  int n_tasks, tasks_room;
} rolling_plan;

/* A column of results. */
typedef struct rolling_result {
  tlw_window_spec spec; /* with the columns of the file */
  char *name;
  tlw_window_state *state; /* of an average that remembers or a running total; else NULL */
  int has_number;          /* 1: there was one so far */
  double *values;          /* of a piece: the rows that it looks back on, and its own */
} rolling_result;

/* A file that is read. */
typedef struct rolling_input {
  const char *name;
  tlw_numbers *numbers; /* of the two one is NULL */
  tlw_npy *npy;
  int32_t n_columns; /* that are read, the second one of cov, corr and beta, if there is one, being the last */
  int32_t n_labels;
  int64_t n_rows;   /* -1: not known before the end */
  int32_t *places;  /* where the columns stand in an array, from 0 */
  double **targets; /* of each column of an array, where it goes */
} rolling_input;

typedef struct rolling {
  const cli_args *args;
  const char *piped_name; /* a FILE that can be read once alone, opened ahead for its columns to be counted */
  tlw_npy *piped;         /* until its turn comes */
  rolling_plan plan;
  cli_target_kind kind;
  cli_targets targets;
  tlw_csv_options csv;
  int writes_npy;
  int quiet, verbose;
  tlw_engine *engine;
  cli_telemetry *telemetry; /* NULL: nobody asked for it */

  /* Memory for a piece. */
  int64_t look_back;                                 /* rows before the first of a piece that windows need */
  int64_t piece;                                     /* rows */
  int32_t most_columns, most_results, most_labels;   /* of any file */
  uint64_t reader_bytes, state_bytes, scratch_bytes; /* that the library may need beside an engine */
  uint64_t own_bytes;                                /* of all that follows */
  double *memory, **columns, **ahead;                /* ahead: where the rows of a piece go */
  rolling_result *results;
  tlw_window_spec *specs; /* of those that windows run for, and where they go */
  double **outputs;
  char *text;
  size_t text_size, *ends;

  /* Of the file at hand. */
  rolling_input input;
  int32_t n_results;
  cli_output *output;
} rolling;

static inline const cli_value *rolling_value(const rolling *r, int option) { return &r->args->values[option]; }

/* ---- rolling_plan.c ---- */

/* Reads --column to --keep. CLI_OK, or CLI_USAGE or CLI_NO_MEMORY after a message. To be freed in any case. */
cli_exit rolling_plan_read(rolling_plan *plan, const cli_args *args);
void rolling_plan_free(rolling_plan *plan);

/* Likewise, --op alone. */
cli_exit rolling_plan_read_ops(rolling_plan *plan, const cli_args *args);

/* Rows that the longest window looks back on. */
int64_t rolling_plan_look_back(const rolling_plan *plan);

/* "close_mean_20"; to be freed by the caller. NULL: no memory. other: the name of the second column. */
char *rolling_result_name(const rolling_task *task, const char *column, const char *other);

/* Whether no file can have a row with a result: windows are too short for what is made of them. */
int rolling_is_hopeless(const tlw_window_spec *spec);

/* What the command calls a value that is a number for the library; NULL: it calls it by its number. */
const char *rolling_value_word(const tlw_window_parameter *p, double value);

/* ---- rolling_memory.c ---- */

/* Plans pieces and what they take: r->piece, r->own_bytes. CLI_OK, or another code after a message. */
cli_exit rolling_memory_plan(rolling *r);

/* What --host-mem leaves for an engine; as good as nothing where not even the pieces have room. */
uint64_t rolling_engine_bytes(const rolling *r);

/* Takes it. To be freed in any case. CLI_OK, or CLI_NO_MEMORY after a message. */
cli_exit rolling_memory_take(rolling *r);
void rolling_memory_free(rolling *r);

/* Where an engine refuses for so many bytes: a --host-mem that does for all that is still to come. */
uint64_t rolling_enough(const rolling *r, uint64_t engine_bytes);

/* ---- rolling_list.c ---- */

/* Prints the operations, in short as text; those of the plan alone, with their parameters, where it has some. */
void rolling_print_list(const rolling_plan *plan, int as_json);

/* ---- rolling_input.c ---- */

/* Whether the file is an array. */
int rolling_is_npy(const rolling *r, const char *name);

/* How many columns the plan reads of a FILE, without the second one. CLI_OK, or another code after a message. */
cli_exit rolling_count_columns(rolling *r, const char *name, int32_t *n);

/* Opens r->input. CLI_OK, or another code after a message. To be closed in any case. */
cli_exit rolling_input_open(rolling *r, const char *name);
void rolling_input_close(rolling_input *input);

/* What results call a column, of those that are read; or a label. */
void rolling_column_name(const rolling *r, int32_t column, char *out, size_t size);
void rolling_label_name(const rolling *r, int32_t label, char *out, size_t size);

/* Reads up to r->piece rows behind the `kept` ones in r->columns. */
cli_exit rolling_input_next(rolling *r, int64_t kept, int64_t *n_rows);

/* Says why the library failed; name may be NULL. Returns the exit code. */
cli_exit rolling_fail(const rolling *r, const char *name, const tlw_error *error);

/* ---- rolling_output.c ---- */

/* Opens what the file gives, and writes its header. After CLI_OK it must be closed. */
cli_exit rolling_output_open(rolling *r, const char *path);

/* Writes rows first to first + n - 1 of the results; labels are those of row - first. */
cli_exit rolling_output_rows(rolling *r, int64_t first, int64_t n);

/* n_rows: written in all. Returns as cli_output_close. */
cli_exit rolling_output_close(rolling *r, int64_t n_rows, cli_exit code);

#endif
