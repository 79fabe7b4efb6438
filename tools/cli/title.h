/* Titles with parts that differ from chart to chart, such as "{symbol}, {n} candles". */
#ifndef CLI_TITLE_H
#define CLI_TITLE_H

#include "buffer.h"
#include "value.h"

/*
 * Whether every part in braces is known; a brace itself is written twice. *varies: 1 if there is any such part.
 * CLI_OK, or another code after a message.
 */
cli_exit cli_title_check(const cli_origin *origin, const char *text, int *varies);

/* Whether a text that was checked shows times. */
int cli_title_has_times(const char *text);

typedef struct cli_title {
  const char *symbol;
  const char *first, *last; /* times */
  int64_t n;                /* candles */
} cli_title;

/* Writes the title of a chart, from a text that was checked, with a terminator; at most TLW_TEXT_MOST bytes of it. */
void cli_title_put(cli_buffer *out, const char *text, const cli_title *chart);

#endif
