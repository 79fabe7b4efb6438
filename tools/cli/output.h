/* A file, or standard output, that is written from front to end. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>

#include "exit_codes.h"
#include "temporary.h"

#define CLI_OUTPUT_BUFFER 65536

typedef struct cli_output {
  const char *name; /* for messages */
  const char *path; /* NULL: standard output */
  int is_temporary; /* 1: the file becomes path by rename; 0: written where it is */
  cli_temporary temporary;
  int descriptor;
  int error; /* errno of what failed, 0 if nothing did */
  size_t used;
  char buffer[CLI_OUTPUT_BUFFER];
} cli_output;

/*
 * Opens path, which must outlive the output; "-" is standard output. A regular file appears under its name when it is
 * complete; a device or pipe that is there already is written as it is. After CLI_OK the output must be closed.
 * All four: CLI_OK, or another code after a message.
 */
cli_exit cli_output_open(cli_output *output, const char *path);
cli_exit cli_output_write(cli_output *output, const void *bytes, size_t size);
cli_exit cli_output_flush(cli_output *output);

/* Likewise, but messages call it `name`, which must outlive it too. */
cli_exit cli_output_open_as(cli_output *output, const char *path, const char *name);

/* Writes bytes in place of the first ones of a temporary file. As those. */
cli_exit cli_output_replace(cli_output *output, const void *bytes, size_t size);

/* Writes what is left. If code is not CLI_OK or writing fails, a file is taken back. Returns the first failure. */
cli_exit cli_output_close(cli_output *output, cli_exit code);

#endif
