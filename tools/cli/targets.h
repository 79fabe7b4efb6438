/* Where the chart of each input goes. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "exit_codes.h"

typedef struct cli_targets {
  const char *out;
  int in_folder; /* 1: out is a folder, each input gives it one file; 0: out is the file, or "-" */
} cli_targets;

/* Decides how out is meant for n inputs. CLI_OK, or CLI_USAGE after a message: two inputs would give one file, ... */
cli_exit cli_targets_plan(cli_targets *targets, const char *out, int n, char **inputs);

/* Makes the folder and those above it where they are missing. CLI_OK, or another code after a message. */
cli_exit cli_targets_make_folder(const cli_targets *targets);

/* The file for an input, to be freed; NULL if there is no memory. */
char *cli_targets_path(const cli_targets *targets, const char *input);

#endif
