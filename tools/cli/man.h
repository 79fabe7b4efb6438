/* The manual, from the tables of options.h. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include <stdio.h>

/* In mdoc, for man. */
void cli_print_man(FILE *file);

#endif
