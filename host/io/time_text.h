/* Text to times: the forms that tallow/csv.h lists. */
#ifndef TALLOW_IO_TIME_TEXT_H
#define TALLOW_IO_TIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The forms, for messages. */
#define TLW_TIME_FORMS                                                                                                 \
  "YYYY-MM-DD[THH:MM[:SS[.fraction]][Z|+HH:MM]], M/D/YYYY [H:MM[:SS]] or an epoch in s, ms, us or ns"

/*
 * Reads the whole text to nanoseconds since 1970-01-01 00:00 UTC. Returns NULL, or what is wrong with the text in the
 * words that follow it in a sentence ("is not a day of the calendar"); *time is then unchanged.
 */
const char *tlw_time_read(const char *text, size_t length, int64_t *time);

/* As tlw_time_read, with the day in one text and the time of day in another: as if they were one, a blank between. */
const char *tlw_time_read_pair(const char *day, size_t day_length, const char *clock, size_t clock_length,
                               int64_t *time);

#endif
