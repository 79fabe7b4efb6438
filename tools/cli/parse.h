/* Command line to values, by the table of options.h. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "options.h"

typedef struct cli_value {
  const char *text; /* as typed, or the default; NULL: neither, and then the rest is 0 */
  int given;        /* 1: typed */
  uint64_t number;  /* CLI_NUMBER; CLI_BYTES: bytes; CLI_DURATION: nanoseconds; CLI_CHOICE: index; CLI_FLAG: 1 */
  int64_t time;     /* CLI_TIME */
  int32_t width, height;
} cli_value;

struct cli_args {
  const cli_command *command;
  char **operands;
  int n_operands;
  cli_value values[CLI_OPTIONS_MAX];
};

/* 1 if --help or -h is among the n words, ahead of "--". */
int cli_wants_help(int n, char **words);

/*
 * Reads the n words behind the command's name. Reorders them: operands come first and args points at them. On a fault
 * says what is wrong and returns CLI_USAGE.
 */
cli_exit cli_parse(const cli_command *command, int n, char **words, cli_args *args);

/* Finds word among names, in any case. Otherwise says what "<what> must be" and returns -1; may name the nearest. */
int cli_find_name(const char *what, const char *word, cli_names names, const char *command);

/* The command called name; NULL and a message if there is none. */
const cli_command *cli_find_command(const char *name);

#endif
