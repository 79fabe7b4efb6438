/* Messages for people on standard error, and the exit codes that go with them. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "exit_codes.h"
#include "tallow/status.h"

/*
 * Each prints "tallow: ", the message without control characters and a newline. A message tells what was expected and
 * what to do. Warnings are called that, and errors on a terminal, where both are in colour unless NO_COLOR forbids
 * it. Any thread.
 */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What messages call a FILE. */
const char *cli_shown_name(const char *name);

/* An error; returns code. */
cli_exit cli_fail(cli_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit code of a failed library call. For TLW_ERR_IO of an output see cli_exit_of_output. */
cli_exit cli_exit_of(tlw_status status);

/* The exit code of a failed attempt to make or write an output, from errno. */
cli_exit cli_exit_of_output(int code);

/* Prints error->message; returns the exit code. */
cli_exit cli_fail_library(const tlw_error *error);

/* Says why the file of an option can't be made, from errno. */
cli_exit cli_fail_file(const char *option, const char *path, int code);

/* Says that name can't be written, unless code is EPIPE: then who read it has gone, and nobody asked to be told. */
cli_exit cli_fail_output(const char *name, int code);

#endif
