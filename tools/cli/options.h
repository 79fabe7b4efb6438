/*
 * The table of commands and options. The parser and --help read it, and so does whatever else describes the command
 * line to people or shells.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdint.h>

#include "exit_codes.h"

typedef enum cli_kind {
  CLI_FLAG,    /* no value */
  CLI_TEXT,    /* any text that is not empty */
  CLI_CHOICE,  /* a name of choices, in any case */
  CLI_NUMBER,  /* a whole number from least to most */
  CLI_SIZE,    /* WIDTHxHEIGHT, each from least to most */
  CLI_BYTES,   /* a whole number, alone or with B, KiB, MiB, GiB or TiB */
  CLI_TIME,    /* what tlw_time_parse reads */
  CLI_DURATION /* a whole number with ns, us, ms, s, m, h, d or w, from least to most nanoseconds */
} cli_kind;

/* The name at index, or NULL behind the last. */
typedef const char *(*cli_names)(int index);

typedef struct cli_option {
  const char *name; /* without dashes */
  char letter;      /* or 0 */
  cli_kind kind;
  int required;
  const char *metavar;  /* NULL for a flag */
  const char *fallback; /* the default, as one would type it; NULL: none */
  cli_names choices;    /* CLI_CHOICE */
  uint64_t least, most;
  const char *help;
} cli_option;

#define CLI_OPTIONS_MAX 24

typedef struct cli_args cli_args;

typedef struct cli_command {
  const char *name;
  const char *summary;  /* one line, lower case, no full stop */
  const char *operands; /* as the usage line shows them; "" for none */
  int least_operands, most_operands;
  const char *const *examples; /* lines, NULL behind the last */
  const char *const *notes;    /* paragraphs, NULL behind the last */
  const cli_option *options;
  int n_options;
  cli_exit (*run)(const cli_args *args);
} cli_command;

/* Indices into the options of each command; --help is the last of each. */
enum {
  RENDER_OUTPUT,
  RENDER_BACKEND,
  RENDER_DEVICE,
  RENDER_SIZE,
  RENDER_THEME,
  RENDER_AXIS,
  RENDER_LAST,
  RENDER_FROM,
  RENDER_TO,
  RENDER_WINDOW,
  RENDER_STRIDE,
  RENDER_VOLUME,
  RENDER_GRID,
  RENDER_THREADS,
  RENDER_POOL,
  RENDER_HOST_MEM,
  RENDER_FALLBACK,
  RENDER_DEADLINE,
  RENDER_STATS,
  RENDER_ALLOC_LOG,
  RENDER_VERBOSE,
  RENDER_QUIET,
  RENDER_HELP,
  RENDER_OPTIONS
};
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
enum { HELP_HELP, HELP_OPTIONS };

enum { SWITCH_ON, SWITCH_OFF };
enum { SYNTH_KIND_CANDLES, SYNTH_KIND_TRADES };

extern const cli_command cli_commands[];
extern const int cli_n_commands;

/* Operands of synth and values of on/off options. */
const char *cli_switch_name(int index);
const char *cli_synth_kind_name(int index);

typedef struct cli_exit_text {
  cli_exit code;
  const char *meaning;
} cli_exit_text;

extern const cli_exit_text cli_exit_texts[];
extern const int cli_n_exit_texts;

cli_exit cli_run_render(const cli_args *args);
cli_exit cli_run_devices(const cli_args *args);
cli_exit cli_run_synth(const cli_args *args);
cli_exit cli_run_help(const cli_args *args);

#endif
