/*
 * The fast path of the CSV reader: rows that have nothing unusual about them, many at a time. What it accepts it
 * reads to the same bits as the general path; at the first line that is not plain it stops and leaves it to that.
 */
#ifndef TALLOW_IO_PLAIN_H
#define TALLOW_IO_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tallow/csv.h"

/* Bytes before and behind the text that may be read, whatever they are. */
#define TLW_PLAIN_PADDING 64

enum { TLW_PLAIN_OPEN, TLW_PLAIN_HIGH, TLW_PLAIN_LOW, TLW_PLAIN_CLOSE, TLW_PLAIN_VOLUME, TLW_PLAIN_NUMBERS };

/* What is plain in a file. The caller sets all of it; previous_time goes on from call to call. */
struct tlw_plain {
  char delimiter;                     /* decimals are behind a point */
  char comment;                       /* no plain line begins with it */
  int32_t n_columns;                  /* fields of each line, 5 or more */
  int32_t numbers[TLW_PLAIN_NUMBERS]; /* the column of each, from 0; -1: no volume */
  int32_t time;                       /* the column of the time, or of the day where there is a clock */
  int32_t clock;                      /* the column of the time of day; -1: there is none */
  bool month_first;                   /* M/D/YYYY is read; without it a day with the year last is not plain */
  bool descending;                    /* times must decrease, not increase */
  bool any;                           /* previous_time is that of a row */
  int64_t previous_time;
  const struct tlw_plain_tier *tier; /* NULL: chosen by the first call, the best that this CPU has */
};

/*
 * Reads lines of text, size bytes that end behind a line feed, into rows, whose capacity is more than *n_rows, from
 * row *n_rows on, and adds to *n_rows, until the text ends, the rows are full or a line is not plain. Returns the
 * bytes of the lines that were read: as many lines as rows. A plain line has n_columns fields without quotes, zero
 * bytes or carriage returns but one at its end; a time of the commonest forms, later than the one before; prices of
 * digits with at most one point, not negative, of which low is not above open and close, and high not below; and a
 * volume likewise. A line of more than 4,000 bytes, or with a tab that is no delimiter, may be called not plain too.
 * Without a volume column volumes are NaN.
 *
 * Plain times, in one column: YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD and M/D/YYYY; behind a blank or "T" H:MM,
 * H:MM:SS or H:MM:SS and a fraction, then nothing, "Z" or an offset of +HH:MM, or behind YYYYMMDD HHMM, HHMMSS or
 * HHMMSSmmm; YYYYMMDDHHMMSS; an epoch of up to 19 digits, but not of 4, 6, 8, 12 or 14. In two: these days and times
 * of day.
 */
size_t tlw_plain_read(struct tlw_plain *plain, const char *text, size_t size, const tlw_csv_rows *rows,
                      int64_t *n_rows);

#endif
