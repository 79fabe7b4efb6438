/* What --help prints. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "options.h"

#define CLI_OPTION_TEXT_SIZE 1024

void cli_print_help(FILE *file);
void cli_print_command_help(FILE *file, const cli_command *command);

/* The help of an option, its choices and its default. */
void cli_option_text(const cli_option *option, char out[CLI_OPTION_TEXT_SIZE]);

#endif
