/* Text to times: the forms that tallow/csv.h lists. */
#ifndef TALLOW_IO_TIME_TEXT_H
#define TALLOW_IO_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times lie from the first second of 1678 up to that of 2262. */
#define TLW_TIME_DAY INT64_C(86400)
#define TLW_TIME_FIRST (-106650 * TLW_TIME_DAY)
#define TLW_TIME_END (106651 * TLW_TIME_DAY)

/* The forms, for messages. */
#define TLW_TIME_FORMS                                                                                                 \
  "write YYYY-MM-DD[ HH:MM[:SS[.fraction]][Z|+HH:MM]], YYYYMMDD, M/D/YYYY or an epoch in s, ms, us or ns"

/* What is wrong with a text, in the words that follow it in a sentence, and what to do. */
struct tlw_time_problem {
  const char *what;   /* "is not a day of the calendar" */
  const char *advice; /* "write ..." */
};

/*
 * Reads the whole text to nanoseconds since 1970-01-01 00:00 UTC. Returns NULL, or what is wrong with it; *time is
 * then unchanged. day_first: the day stands before the month where the year is last.
 */
const struct tlw_time_problem *tlw_time_read(const char *text, size_t length, bool day_first, int64_t *time);

/* How a day and a time of day in columns of their own are to be read. */
struct tlw_time_pair {
  bool day_first;
  bool hours; /* one or two digits are an hour */
};

/*
 * As tlw_time_read, with the day in one text and the time of day in another, as if they were one, a blank between.
 * The time of day may also be digits alone, whatever form the day has: HMM, HHMM, HMMSS, HHMMSS or HHMMSSmmm.
 */
const struct tlw_time_problem *tlw_time_read_pair(const char *day, size_t day_length, const char *clock,
                                                  size_t clock_length, struct tlw_time_pair how, int64_t *time);

/* The first second of a month, 1 to 12, of the years that times have, and its days. false: there is no such month. */
bool tlw_time_month(int32_t year, int32_t month, int64_t *seconds, int32_t *days);

struct tlw_time_date {
  int32_t year, month, day; /* from 1 on */
};

/* Days from 1970-01-01 to a day of the years 0 to 9999, and the other way. */
int64_t tlw_time_day_number(struct tlw_time_date date);
struct tlw_time_date tlw_time_date_of(int64_t day_number);

/* Is the text a time of day that can't be a number: H:MM and what may follow it, or HHMM or HHMMSS from 0 on? */
bool tlw_time_is_clock(const char *text, size_t length);

#endif
