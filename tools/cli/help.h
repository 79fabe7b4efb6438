/* What --help prints. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "options.h"

void cli_print_help(FILE *file);
void cli_print_command_help(FILE *file, const cli_command *command);

#endif
