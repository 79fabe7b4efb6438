/* Command line to values, by the table of options.h. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "options.h"
#include "value.h"

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

/* The command called name; NULL and a message if there is none. */
const cli_command *cli_find_command(const char *name);

#endif
