/*
 * How far a run is: a line on a terminal, JSON on a descriptor, a summary at the end. What is counted is exact; how
 * often it is shown follows the clock, on a thread of its own. Thread-safety: any thread, for each function but begin
 * and end. Where it says progress, NULL does nothing.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include "parse.h"
#include "tallow/csv.h"

typedef struct cli_progress cli_progress;

/*
 * By --progress, --progress-fd, --json and --quiet of render, or of another command that has its options; command: its
 * name. files: of the run, the operands. CLI_OK, or another code after a message: then *progress is NULL. Checks what
 * those options exclude, so it should come before the work.
 */
cli_exit cli_progress_begin(cli_progress **progress, const char *command, const cli_args *args, int files);

/* More for the summary: members of a JSON object, in lines of their own. It must live until the end. */
void cli_progress_summary(cli_progress *progress, const char *members);

/* A file begins: size bytes of it are to be read, 0 if that is not known. name must live as long as progress. */
void cli_progress_file(cli_progress *progress, int index, const char *name, uint64_t size);

/* So many bytes of the file at hand were read in all. */
void cli_progress_read(cli_progress *progress, uint64_t bytes);

/*
 * Charts of the file at hand are made, which end the `part` of it, 0 to 1; of bytes that were read it is cli_progress_
 * part. Returns their share of the work, which settle is given back: all of it at once, or chart by chart.
 */
double cli_progress_push(cli_progress *progress, double part, int64_t charts);
double cli_progress_part(const cli_progress *progress);

/* So many charts of a file are done, written or not, with their share. */
void cli_progress_settle(cli_progress *progress, int index, double share, int64_t charts);

/* Where the library refused the file at hand; and why the file gives nothing, in the words that people get. */
void cli_progress_file_error(cli_progress *progress, const tlw_error *error);
void cli_progress_file_refused(cli_progress *progress, const char *message);

/* The file at hand ends. report may be NULL: it could not be read. is_whole: 0 if the run ended before the file. */
void cli_progress_file_end(cli_progress *progress, const tlw_csv_report *report, int is_whole);

/* Charts that were written, were found whole already, failed, or belong to other shards. */
typedef enum cli_chart_fate {
  CLI_CHART_WRITTEN,
  CLI_CHART_FOUND,
  CLI_CHART_FAILED,
  CLI_CHART_ELSEWHERE
} cli_chart_fate;
void cli_progress_chart(cli_progress *progress, cli_chart_fate fate, int64_t n);

/*
 * Takes the line away and keeps others from standard error until show; the line comes back by itself. Called by
 * report.c, whether there is a line or not, and by who leaves the process without end.
 */
void cli_progress_hide(void);
void cli_progress_show(void);

/* Shows the line of a command that has a progress of its own, cut to the terminal; "" takes it away. */
void cli_progress_draw(const char *text);

/*
 * Ends it, with the summary if --json asks for one. code: what the command ends with. Sets *progress to NULL. Returns
 * code, or another after a message if the summary could not be written.
 */
cli_exit cli_progress_end(cli_progress **progress, cli_exit code);

#endif
