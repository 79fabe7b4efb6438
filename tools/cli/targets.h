/* Where the chart of each input goes. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include <stdint.h>

#include "exit_codes.h"

typedef struct cli_targets {
  const char *out;
  int in_folder; /* 1: out is a folder that gets the files; 0: out is the file, or "-" */
  int numbered;  /* 1: each input gives as many files as there are windows in it; 0: one */
} cli_targets;

/* Decides how out is meant for n inputs. CLI_OK, or CLI_USAGE after a message: two inputs would give one file, ... */
cli_exit cli_targets_plan(cli_targets *targets, const char *out, int numbered, int n, char **inputs);

/* Makes the folder and those above it where they are missing. CLI_OK, or another code after a message. */
cli_exit cli_targets_make_folder(const cli_targets *targets);

/* The file for an input, or for its window of that number, to be freed; NULL if there is no memory. */
char *cli_targets_path(const cli_targets *targets, const char *input, int64_t number);

#endif
