/*
 * The table of commands and options. The parser and --help read it, and so does whatever else describes the command
 * line to people or shells.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdint.h>

#include "exit_codes.h"
#include "tallow/csv.h"

typedef enum cli_kind {
  CLI_FLAG,     /* no value */
  CLI_TEXT,     /* any text that is not empty */
  CLI_CHOICE,   /* a name of choices, in any case */
  CLI_NUMBER,   /* a whole number from least to most */
  CLI_SIZE,     /* WIDTHxHEIGHT, each from least to most */
  CLI_BYTES,    /* a number of bytes with a unit of cli_byte_units, in any case, or a whole one without */
  CLI_TIME,     /* what tlw_time_parse reads */
  CLI_DURATION, /* a whole number with ns, us, ms, s, m, h, d or w, from least to most nanoseconds */
  CLI_STREAM,   /* the number of a descriptor that is open for writing */
  CLI_COLOR,    /* RRGGBB in hexadecimal, with or without #; or auto */
  CLI_LIST,     /* values of parts[0] between commas: CLI_NUMBER, CLI_CHOICE, CLI_COLOR or CLI_TEXT */
  CLI_MEMBERS   /* NAME=VALUE between commas, each of another of the parts, which are of these kinds too */
} cli_kind;

/* Headings under which options are listed. */
typedef enum cli_group {
  CLI_GROUP_OPTIONS,
  CLI_GROUP_DRAWN,
  CLI_GROUP_COMPUTED,
  CLI_GROUP_INPUT,
  CLI_GROUP_BAD_ROWS, /* listed as a table; the first choice is the default */
  CLI_GROUP_RUNS,
  CLI_GROUP_WORK,
  CLI_GROUP_MESSAGES,
  CLI_GROUPS
} cli_group;

/* What a shell offers for a value that has no choices. */
typedef enum cli_hint { CLI_HINT_NOTHING, CLI_HINT_FILE, CLI_HINT_FOLDER, CLI_HINT_COMMAND } cli_hint;

/* The name at index, or NULL behind the last. */
typedef const char *(*cli_names)(int index);

typedef struct cli_option cli_option;

struct cli_option {
  const char *name; /* without dashes */
  char letter;      /* or 0 */
  cli_kind kind;
  int required;
  const char *metavar;  /* NULL for a flag */
  const char *fallback; /* the default, as one would type it; NULL: none */
  cli_names choices;    /* CLI_CHOICE */
  uint64_t least, most;
  const char *help;
  cli_group group;
  cli_hint hint; /* CLI_TEXT */
  const char
      *also; /* what people call it elsewhere, between blanks: it is no name, but suggests this one; NULL: none */
  const char *such;        /* CLI_TEXT that is required: what to give, with an example */
  cli_names listed;        /* CLI_TEXT: names that shells offer, several between commas; NULL: none */
  const cli_option *parts; /* of CLI_LIST one, of CLI_MEMBERS n_parts, at most CLI_PARTS_MAX; they have no default */
  int n_parts;
  int apart;  /* 1: it is in CLI_GROUP_DRAWN, but no setting of a chart */
  int clears; /* 1: CLI_TEXT that may be empty, and then is as if it were not given, whatever a description says */
  int alone;  /* 1: with it operands and options that are required may be left out */
};

#define CLI_OPTIONS_MAX 64

typedef struct cli_args cli_args;

typedef struct cli_command {
  const char *name;
  const char *summary;  /* one line, lower case, no full stop */
  const char *operands; /* as the usage line shows them; "" for none */
  int least_operands, most_operands;
  cli_names operand_names; /* their choices; NULL: none */
  cli_hint operand_hint;
  const char *also;            /* as that of an option */
  const char *const *examples; /* lines, NULL behind the last */
  const char *const *notes;    /* paragraphs, NULL behind the last */
  const cli_option *options;
  int n_options;
  cli_exit (*run)(const cli_args *args);
} cli_command;

/* Indices into the options of each command; --help is the last of each. */
enum {
  RENDER_OUTPUT,
  RENDER_SPEC,
  RENDER_PRINT_SPEC,
  RENDER_BACKEND,
  RENDER_DEVICE,
  RENDER_SIZE,
  RENDER_THEME,
  RENDER_AXIS,
  RENDER_SCALE,
  RENDER_LAST,
  RENDER_FROM,
  RENDER_TO,
  RENDER_WINDOW,
  RENDER_STRIDE,
  RENDER_VOLUME,
  RENDER_GRID,
  RENDER_LABELS,
  RENDER_LAST_PRICE,
  RENDER_TITLE,
  RENDER_PRICE_NAME,
  RENDER_VOLUME_NAME,
  RENDER_TIME_NAME,
  RENDER_TIMEZONE,
  RENDER_MAV,
  RENDER_LINES,
  RENDER_LINE_COLORS,
  RENDER_MARGINS,
  RENDER_PNG,
  RENDER_BY,
  RENDER_COLUMNS,
  RENDER_HEADER,
  RENDER_DELIMITER,
  RENDER_DECIMAL,
  RENDER_DAY_FIRST,
  RENDER_ADJUSTED,
  RENDER_EXPANSION,
  RENDER_POLICIES, /* TLW_DEFECTS of them, in the order of tlw_defect */
  RENDER_RESUME = RENDER_POLICIES + TLW_DEFECTS,
  RENDER_SHARD,
  RENDER_MANIFEST,
  RENDER_DRY_RUN,
  RENDER_THREADS,
  RENDER_POOL,
  RENDER_HOST_MEM,
  RENDER_FALLBACK,
  RENDER_DEADLINE,
  RENDER_STATS,
  RENDER_METRICS,
  RENDER_METRICS_INTERVAL,
  RENDER_TRACE,
  RENDER_ALLOC_LOG,
  RENDER_PROGRESS,
  RENDER_PROGRESS_FD,
  RENDER_JSON,
  RENDER_VERBOSE,
  RENDER_QUIET,
  RENDER_HELP,
  RENDER_OPTIONS
};
enum {
  WINDOW_COLUMN,
  WINDOW_OP,
  WINDOW_WINDOW,
  WINDOW_OTHER,
  WINDOW_QUANTILE,
  WINDOW_DDOF,
  WINDOW_MIN_PERIODS,
  WINDOW_NAN,
  WINDOW_ADJUST,
  WINDOW_SEED,
  WINDOW_OUTPUT,
  WINDOW_FORMAT,
  WINDOW_KEEP,
  WINDOW_LIST,
  WINDOW_JSON,
  WINDOW_INPUT,
  WINDOW_COLUMNS,
  WINDOW_HEADER,
  WINDOW_DELIMITER,
  WINDOW_DECIMAL,
  WINDOW_DAY_FIRST,
  WINDOW_EXPANSION,
  WINDOW_BAD_FIELD,
  WINDOW_OUT_OF_ORDER,
  WINDOW_BACKEND,
  WINDOW_DEVICE,
  WINDOW_THREADS,
  WINDOW_POOL,
  WINDOW_HOST_MEM,
  WINDOW_FALLBACK,
  WINDOW_DEADLINE,
  WINDOW_STATS,
  WINDOW_METRICS,
  WINDOW_METRICS_INTERVAL,
  WINDOW_TRACE,
  WINDOW_VERBOSE,
  WINDOW_QUIET,
  WINDOW_HELP,
  WINDOW_OPTIONS
};
enum {
  BARS_TIME,
  BARS_TICK,
  BARS_VOLUME,
  BARS_VALUE,
  BARS_RANGE,
  BARS_RENKO,
  BARS_SPLIT,
  BARS_NO_GATE,
  BARS_EMPTY,
  BARS_ZONE,
  BARS_OFFSET,
  BARS_OUTPUT,
  BARS_FORMAT,
  BARS_FIELDS,
  BARS_LABEL,
  BARS_PARTIAL,
  BARS_PARTITION,
  BARS_COLUMNS,
  BARS_HEADER,
  BARS_DELIMITER,
  BARS_UNIT,
  BARS_FROM,
  BARS_TO,
  BARS_ON_BAD,
  BARS_DECIMALS,
  BARS_EXPANSION,
  BARS_CHECKPOINT,
  BARS_CHECKPOINT_EVERY,
  BARS_RESUME,
  BARS_BACKEND,
  BARS_THREADS,
  BARS_HOST_MEM,
  BARS_STATS,
  BARS_METRICS,
  BARS_METRICS_INTERVAL,
  BARS_TRACE,
  BARS_PROGRESS,
  BARS_VERBOSE,
  BARS_QUIET,
  BARS_HELP,
  BARS_OPTIONS
};
enum {
  DATASET_OUTPUT,
  DATASET_PRESET,
  DATASET_WINDOW,
  DATASET_STRIDE,
  DATASET_LAST,
  DATASET_FROM,
  DATASET_TO,
  DATASET_HORIZONS,
  DATASET_LABELLED,
  DATASET_TYPE,
  DATASET_LAYOUT,
  DATASET_COLOR,
  DATASET_SIZE,
  DATASET_SPEC,
  DATASET_MEMBER,
  DATASET_PER_TAR,
  DATASET_BY,
  DATASET_COLUMNS,
  DATASET_HEADER,
  DATASET_DELIMITER,
  DATASET_DECIMAL,
  DATASET_DAY_FIRST,
  DATASET_ADJUSTED,
  DATASET_EXPANSION,
  DATASET_POLICIES, /* as RENDER_POLICIES */
  DATASET_RESUME = DATASET_POLICIES + TLW_DEFECTS,
  DATASET_SHARD,
  DATASET_MANIFEST,
  DATASET_BACKEND,
  DATASET_DEVICE,
  DATASET_THREADS,
  DATASET_POOL,
  DATASET_HOST_MEM,
  DATASET_FALLBACK,
  DATASET_DEADLINE,
  DATASET_STATS,
  DATASET_METRICS,
  DATASET_METRICS_INTERVAL,
  DATASET_TRACE,
  DATASET_ALLOC_LOG,
  DATASET_PROGRESS,
  DATASET_PROGRESS_FD,
  DATASET_JSON,
  DATASET_VERBOSE,
  DATASET_QUIET,
  DATASET_HELP,
  DATASET_OPTIONS
};
enum {
  BENCH_BACKEND,
  BENCH_THREADS,
  BENCH_TIME,
  BENCH_ROWS,
  BENCH_CLOCK,
  BENCH_LIST,
  BENCH_JSON,
  BENCH_SAVE,
  BENCH_HISTORY_FOLDER,
  BENCH_OUTPUT,
  BENCH_FAIL_ON_SLOW,
  BENCH_FORCE,
  BENCH_HELP,
  BENCH_OPTIONS
};
enum { MERGE_QUIET, MERGE_HELP, MERGE_OPTIONS };
enum { TUNE_THREADS, TUNE_TIME, TUNE_JSON, TUNE_HELP, TUNE_OPTIONS };
enum { DEVICES_CHECK, DEVICES_JSON, DEVICES_HELP, DEVICES_OPTIONS };
enum {
  SYNTH_ROWS,
  SYNTH_SEED,
  SYNTH_SHAPE,
  SYNTH_FORMAT,
  SYNTH_OUTPUT,
  SYNTH_INTERVAL,
  SYNTH_START,
  SYNTH_HELP,
  SYNTH_OPTIONS
};
enum { HELP_MAN, HELP_HELP, HELP_OPTIONS };
enum { COMPLETION_HELP, COMPLETION_OPTIONS };

enum { BENCH_CLOCK_WALL, BENCH_CLOCK_PROCESSOR };
enum { SWITCH_ON, SWITCH_OFF };
enum { PRESET_CHART, PRESET_JKX };
enum { MEMBER_PNG, MEMBER_NPY };
enum { MARGIN_LEFT, MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM };
enum { SYNTH_KIND_CANDLES, SYNTH_KIND_TRADES };
enum { SYNTH_FORMAT_CSV, SYNTH_FORMAT_AGGTRADES };
enum { SHELL_BASH, SHELL_ZSH, SHELL_FISH };

extern const cli_command cli_commands[];
extern const int cli_n_commands;

/* Operands of synth and completion, and values of options. */
const char *cli_switch_name(int index);
const char *cli_synth_kind_name(int index);
const char *cli_shell_name(int index);
const char *cli_delimiter_name(int index);
const char *cli_decimal_name(int index);
const char *cli_window_op_name(int index);

/* 1: it says what a chart looks like or which candles it has, and may be in a description. */
int cli_is_setting(const cli_option *option);

/* "What is drawn" */
const char *cli_group_title(cli_group group);

/* The default as one would type it; NULL: none. */
const char *cli_option_default(const cli_option *option);

typedef struct cli_unit {
  const char *name;
  uint64_t size;
} cli_unit;

/* Ends with a NULL name. */
extern const cli_unit cli_byte_units[];

typedef struct cli_variable {
  const char *name, *meaning;
} cli_variable;

/* What each policy of the bad rows does. */
extern const char cli_bad_rows_text[];

/* When the texts of this file last changed, for the manual. */
extern const char cli_manual_date[];

/* Environment variables that matter. */
extern const cli_variable cli_environment[];
extern const int cli_n_environment;

typedef struct cli_exit_text {
  cli_exit code;
  const char *meaning;
} cli_exit_text;

extern const cli_exit_text cli_exit_texts[];
extern const int cli_n_exit_texts;

cli_exit cli_run_render(const cli_args *args);
cli_exit cli_run_window(const cli_args *args);
cli_exit cli_run_bars(const cli_args *args);
cli_exit cli_run_dataset(const cli_args *args);
cli_exit cli_run_bench(const cli_args *args);
cli_exit cli_run_tune(const cli_args *args);
cli_exit cli_run_merge(const cli_args *args);
cli_exit cli_run_devices(const cli_args *args);
cli_exit cli_run_synth(const cli_args *args);
cli_exit cli_run_help(const cli_args *args);
cli_exit cli_run_completion(const cli_args *args);

#endif
