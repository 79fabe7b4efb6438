/* How far a run is, as text. */
#ifndef CLI_PROGRESS_TEXT_H
#define CLI_PROGRESS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define CLI_LINE_SIZE 512
#define CLI_EVENT_SIZE 512 /* less than what a pipe takes at once */

/* Below 0 means not known, of the numbers that are double. */
typedef struct cli_progress_state {
  int64_t charts, found, failed, elsewhere;
  int files, files_done;
  const char *name; /* of the file at hand; NULL: none */
  uint64_t bytes;
  double fraction; /* of the work that is done */
  double rate;     /* charts in a second */
  double seconds_left;
  int files_begun;
  int are_images; /* 1: charts are called images */
} cli_progress_state;

/* What matters most stands first; what width columns have no room for is left out. */
void cli_progress_line(const cli_progress_state *state, int width, char out[CLI_LINE_SIZE]);

/* A JSON object and a newline. Returns its length. */
size_t cli_progress_event(const cli_progress_state *state, char out[CLI_EVENT_SIZE]);

#endif
