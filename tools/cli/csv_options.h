/* How a command reads its files. */
#ifndef CLI_CSV_OPTIONS_H
#define CLI_CSV_OPTIONS_H

#include "buffer.h"
#include "parse.h"
#include "tallow/csv.h"

/*
 * What the options of render say, and n_lines further columns. The texts are those of args. Nothing of them is left for
 * the library to refuse. CLI_OK, or CLI_USAGE after a message.
 */
cli_exit cli_csv_options(const cli_args *args, const char *const *lines, int32_t n_lines, tlw_csv_options *options);

/* 1: --columns says that the files have no times. */
int cli_csv_lacks_times(const cli_args *args);

/* With --verbose: what was found in a file. */
void cli_csv_tell(const cli_args *args, const char *name, const tlw_csv_report *report);

/*
 * Adds why the library refused a file, in its words, but with the options of the command line for what the library has
 * policies and members for. name: that of the file, in which nothing is touched.
 */
void cli_csv_explain(const char *name, const char *message, cli_buffer *out);

/*
 * One warning for each kind of row of a file that was changed or left out, with how many there were and where the first
 * is. With --verbose also a note for those that were kept as they are. quiet: nothing at all.
 */
void cli_csv_warn(const cli_args *args, const char *name, const tlw_csv_report *report, int quiet);

#endif
