/*
 * The ladder of local time: the steps between time labels, and the text of a label. Local times are nanoseconds of a
 * zone's clock and calendar, counted as if they were UTC since 1970.
 */
#ifndef TALLOW_CHART_TIME_STEPS_H
#define TALLOW_CHART_TIME_STEPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What weighs a label: the first of a year, of a month, a midnight; then the periods of a day: 12, 6, 3, 1 h, 30, 15,
 * 5, 1 min, 30, 15, 5, 1 s, and 500, 100, 50, 10, 5, 1 of ms, us and ns. Each time of one is one of all below it too.
 */
enum { TLW_WEIGHT_YEAR, TLW_WEIGHT_MONTH, TLW_WEIGHT_DAY, TLW_WEIGHT_PERIODS, TLW_WEIGHTS = TLW_WEIGHT_PERIODS + 30 };

/*
 * The steps from coarse to fine: the first of the years that 100, 50, 20, 10, 5, 2 and 1 divide; the first of every
 * 6th, 3rd, 2nd and single month from January on; midnight of the 1st and 16th, of every 10th, 7th, 5th, 3rd and 2nd
 * day from the 1st on as far as a month of 31 days has room for the whole step (1, 11, 21; 1, 8, 15, 22; 1, 6, ...
 * 26; 1, 4, ... 28; 1, 3, ... 29) and of each day; and the periods.
 */
#define TLW_TIME_STEPS (18 + TLW_WEIGHTS - TLW_WEIGHT_PERIODS)

/* Whether all finer steps have all times of this one too. */
bool tlw_time_step_is_in_finer(int32_t step);

/*
 * The first time of a step that is later than a local time, which lies in the years 1678 to 2261 or up to two days
 * from them; INT64_MAX: it is later than 64 bits have.
 */
int64_t tlw_time_step_next(int32_t step, int64_t local);

/* The last time of a weight that is not later; INT64_MIN: it is earlier than 64 bits have. */
int64_t tlw_time_weight_floor(int32_t weight, int64_t local);

/* The longest text, "31 Dec 2024 23:59:59.999999999", and its end. */
#define TLW_TIME_TEXT_SIZE 32

/*
 * How much a text says: what the weight needs; with the day (and month) too; or with the year too. Of a year nothing
 * is more than what it needs, of a month only the year.
 */
enum tlw_time_context { TLW_TIME_SHORT, TLW_TIME_WITH_DAY, TLW_TIME_WITH_YEAR };

/*
 * The text of a local time: "2024" for a year; "Mar", "Mar 2024"; "14", "14 Mar", "14 Mar 2024"; "12:30", "14 Mar
 * 12:30", "14 Mar 2024 12:30" down to minutes, likewise "12:30:15" down to seconds, and ".250" or "14 Mar
 * 12:30:15.250" below, with 3, 6 or 9 decimals for ms, us or ns. What is finer is left out. Returns the length.
 */
int32_t tlw_time_text(char out[TLW_TIME_TEXT_SIZE], int32_t weight, int64_t local, enum tlw_time_context context);

/* The heaviest weight whose text says a local time fully, but TLW_WEIGHT_DAY at most. */
int32_t tlw_time_exact_weight(int64_t local);

#endif
