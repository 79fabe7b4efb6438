/* What charts have besides candles: random titles, names, zones and lines, and what owns them. */
#ifndef TALLOW_TESTS_EXTRAS_H
#define TALLOW_TESTS_EXTRAS_H

#include "series.h"
#include "tallow/chart.h"

/* Each text is allocated to its exact size, so that a sanitizer sees every step beyond. */
typedef struct extras {
  char *texts[4];
  tlw_line *lines; /* with names of their own; NULL: none */
  int32_t n_lines;
  tlw_zone *zone; /* of a copy */
} extras;

/* Any text of at most TLW_TEXT_MOST bytes, UTF-8 or not, which may be empty. */
void random_text(char out[TLW_TEXT_MOST + 1], rng *r);

/* A zone that lives for ever, without a file; NULL now and then. */
const tlw_zone *random_zone(rng *r);

/*
 * Gives options random texts, a zone, lines and what goes with them, and columns that have no lines yet as many
 * lines. Lines of each series are to be filled by fill_line.
 */
void extras_open(extras *e, tlw_chart_options *options, columns *data, rng *r);

/* Copies what options points to, and lets it point to the copies. */
void extras_copy(extras *e, tlw_chart_options *options);

/* Whoever looks at texts and lines from now on sees something else; with close at the zone too. Twice is fine. */
void extras_spoil_texts(extras *e);
void extras_close(extras *e);

#endif
