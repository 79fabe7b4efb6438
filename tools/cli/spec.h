/*
 * The description of a chart: a JSON object whose keys are the settings of a command, named and meant like its options.
 * Numbers are numbers, on and off may be true and false, lists and members are lists and objects, all else is text.
 */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include "buffer.h"
#include "parse.h"

/* Texts that the values of a description point to. */
typedef struct cli_spec {
  cli_buffer texts[CLI_OPTIONS_MAX], places[CLI_OPTIONS_MAX];
} cli_spec;

/*
 * Reads the description in the file, or in standard input where path is "-", into those settings of args that were not
 * typed. Every value is looked at. CLI_OK, or another code after a message. *spec, which is set, must be freed in both
 * cases, behind the last use of args.
 */
cli_exit cli_spec_read(cli_spec *spec, const char *path, cli_args *args);
void cli_spec_free(cli_spec *spec);

/* The description of all settings of args, line by line. */
void cli_spec_put(cli_buffer *out, const cli_args *args);

#endif
