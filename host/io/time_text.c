#include "time_text.h"

#include <stdbool.h>
#include <string.h>

#include "host/base/error.h"
#include "tallow/csv.h"
#include "text.h"

#define SECOND INT64_C(1000000000)
#define DAY_SECONDS INT64_C(86400)
#define FIRST_SECOND (-106650 * DAY_SECONDS) /* 1678-01-01 */
#define END_SECOND (106651 * DAY_SECONDS)    /* 2262-01-01 */

static const char unreadable[] = "is not a time in a form that can be read";
static const char no_day[] = "is not a day of the calendar";
static const char no_clock[] = "has no such time of day";
static const char no_offset[] = "has no such offset from UTC";
static const char out_of_range[] = "is outside the years 1678 to 2261";
static const char ambiguous[] = "may be a date without separators or an epoch";

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

typedef struct moment {
  int64_t seconds;
  int32_t nanoseconds;
  bool iso;
} moment;

static bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

static bool take(cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

/* A number of least to most digits, at most 9; -1 if there are fewer. */
static int32_t take_digits(cursor *c, int least, int most) {
  int32_t value = 0;
  int n = 0;
  for (; n < most && c->at < c->end && is_digit(*c->at); n++) value = value * 10 + (*c->at++ - '0');
  return n < least ? -1 : value;
}

static bool is_leap(int32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* Days of the year before the first of the month, 1 to 13. */
static int32_t days_before_month(int32_t year, int32_t month) {
  static const int16_t before[14] = {0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
  return before[month] + (month > 2 && is_leap(year));
}

static bool is_calendar_day(int32_t year, int32_t month, int32_t day) {
  return month >= 1 && month <= 12 && day >= 1 &&
         day <= days_before_month(year, month + 1) - days_before_month(year, month);
}

/* Days since 1970-01-01 of a day of the years 0 to 9999. */
static int64_t day_number(int32_t year, int32_t month, int32_t day) {
  const int32_t past = year + 399; /* years since -399, of which year / 4 and so on count the leap years without sign */
  return (int64_t)365 * past + past / 4 - past / 100 + past / 400 + days_before_month(year, month) + day - 1 - 865259;
}

/* YYYY-MM-DD or M/D/YYYY */
static const char *take_day(cursor *c, moment *m) {
  int32_t year, month, day;
  m->iso = c->end - c->at > 4 && c->at[4] == '-';
  if (m->iso) {
    year = take_digits(c, 4, 4);
    if (year < 0 || !take(c, '-')) return unreadable;
    month = take_digits(c, 2, 2);
    if (month < 0 || !take(c, '-')) return unreadable;
    day = take_digits(c, 2, 2);
    if (day < 0) return unreadable;
  } else {
    month = take_digits(c, 1, 2);
    if (month < 0 || !take(c, '/')) return unreadable;
    day = take_digits(c, 1, 2);
    if (day < 0 || !take(c, '/')) return unreadable;
    year = take_digits(c, 4, 4);
    if (year < 0) return unreadable;
  }
  if (!is_calendar_day(year, month, day)) return no_day;
  m->seconds = day_number(year, month, day) * DAY_SECONDS;
  return NULL;
}

/* Z, +HH:MM, +HHMM or nothing */
static const char *take_offset(cursor *c, moment *m) {
  if (c->at == c->end || take(c, 'Z')) return NULL;
  const bool west = *c->at == '-';
  if (!west && *c->at != '+') return unreadable;
  c->at++;
  const int32_t hours = take_digits(c, 2, 2);
  take(c, ':');
  const int32_t minutes = take_digits(c, 2, 2);
  if (hours < 0 || minutes < 0) return unreadable;
  if (hours > 23 || minutes > 59) return no_offset;
  const int32_t ahead = hours * 3600 + minutes * 60;
  m->seconds += west ? ahead : -ahead;
  return NULL;
}

/* 1 to 9 digits */
static const char *take_fraction(cursor *c, moment *m) {
  const char *const first = c->at;
  int32_t value = take_digits(c, 1, 9);
  if (value < 0) return unreadable;
  for (ptrdiff_t n = c->at - first; n < 9; n++) value *= 10;
  m->nanoseconds = value;
  return NULL;
}

/* HH:MM[:SS[.fraction]][offset] behind an ISO day, H:MM[:SS] behind the other */
static const char *take_clock(cursor *c, moment *m) {
  const int32_t hour = take_digits(c, m->iso ? 2 : 1, 2);
  if (hour < 0 || !take(c, ':')) return unreadable;
  const int32_t minute = take_digits(c, 2, 2);
  if (minute < 0) return unreadable;
  int32_t second = 0;
  if (take(c, ':')) {
    second = take_digits(c, 2, 2);
    if (second < 0) return unreadable;
    if (m->iso && take(c, '.')) {
      const char *problem = take_fraction(c, m);
      if (problem) return problem;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return no_clock;
  m->seconds += hour * 3600 + minute * 60 + second;
  return m->iso ? take_offset(c, m) : NULL;
}

static const char *finish(const cursor *c, const moment *m, int64_t *time) {
  if (c->at != c->end) return unreadable;
  if (m->seconds < FIRST_SECOND || m->seconds >= END_SECOND) return out_of_range;
  *time = m->seconds * SECOND + m->nanoseconds;
  return NULL;
}

/* YYYY, YYYYMM or YYMMDD. */
static bool is_short_date(const char *digits, ptrdiff_t n_digits) {
  cursor c = {digits, digits + n_digits};
  const int32_t year = take_digits(&c, 4, 4);
  const bool is_year = year >= 1678 && year <= 2261;
  if (n_digits == 4) return is_year;
  const int32_t month = take_digits(&c, 2, 2);
  c.at = digits + 2;
  const int32_t short_month = take_digits(&c, 2, 2);
  const int32_t day = take_digits(&c, 2, 2);
  return (is_year && month >= 1 && month <= 12) || is_calendar_day(2000, short_month, day);
}

/*
 * YYYYMMDD, also with HHMM or HHMMSS behind it, or a short date. As an epoch it would be a wrong time, in 1970 for most,
 * and nothing else would tell.
 */
static bool is_compact_date(const char *digits, ptrdiff_t n_digits) {
  if (n_digits == 4 || n_digits == 6) return is_short_date(digits, n_digits);
  if (n_digits != 8 && n_digits != 12 && n_digits != 14) return false;
  cursor c = {digits, digits + n_digits};
  const int32_t year = take_digits(&c, 4, 4);
  const int32_t month = take_digits(&c, 2, 2);
  const int32_t day = take_digits(&c, 2, 2);
  const int32_t hour = take_digits(&c, 0, 2);
  const int32_t minute = take_digits(&c, 0, 2);
  return year >= 1678 && year <= 2261 && is_calendar_day(year, month, day) && hour <= 23 && minute <= 59;
}

/* [-] digits, all of the text */
static const char *read_epoch(cursor c, int64_t *time) {
  const bool negative = take(&c, '-');
  const ptrdiff_t n_digits = c.end - c.at;
  if (n_digits == 0) return unreadable;
  int64_t value = 0;
  for (const char *at = c.at; at < c.end; at++) {
    if (!is_digit(*at)) return unreadable;
    if (value > (INT64_MAX - 9) / 10) return out_of_range;
    value = value * 10 + (*at - '0');
  }
  if (!negative && is_compact_date(c.at, n_digits)) return ambiguous;
  int64_t unit = 1;
  if (value < INT64_C(100000000000))
    unit = SECOND;
  else if (value < INT64_C(100000000000000))
    unit = 1000000;
  else if (value < INT64_C(100000000000000000))
    unit = 1000;
  if (value > INT64_MAX / unit) return out_of_range;
  const int64_t nanoseconds = negative ? -(value * unit) : value * unit;
  if (nanoseconds < FIRST_SECOND * SECOND || nanoseconds >= END_SECOND * SECOND) return out_of_range;
  *time = nanoseconds;
  return NULL;
}

static bool is_epoch(const char *text, size_t length) {
  return length > 0 && (text[0] == '-' || (!memchr(text, '-', length) && !memchr(text, '/', length)));
}

const char *tlw_time_read(const char *text, size_t length, int64_t *time) {
  cursor c = {text, text + length};
  if (is_epoch(text, length)) return read_epoch(c, time);
  moment m = {0};
  const char *problem = take_day(&c, &m);
  if (!problem && c.at < c.end) {
    if (!take(&c, ' ') && !(m.iso && take(&c, 'T'))) return unreadable;
    problem = take_clock(&c, &m);
  }
  return problem ? problem : finish(&c, &m, time);
}

const char *tlw_time_read_pair(const char *day, size_t day_length, const char *clock, size_t clock_length,
                               int64_t *time) {
  cursor c = {day, day + day_length};
  moment m = {0};
  const char *problem = take_day(&c, &m);
  if (problem) return problem;
  if (c.at != c.end) return unreadable;
  c = (cursor){clock, clock + clock_length};
  problem = take_clock(&c, &m);
  return problem ? problem : finish(&c, &m, time);
}

tlw_status tlw_time_parse(const char *text, int64_t *time, tlw_error *error) {
  if (!text || !time) return tlw_fail(error, TLW_ERR_ARGUMENT, "text and time must not be NULL");
  const size_t length = strlen(text);
  int64_t read = 0;
  const char *problem = tlw_time_read(text, length, &read);
  if (problem) {
    char shown[TLW_SHOWN_SIZE];
    return tlw_fail(error, TLW_ERR_ARGUMENT, "'%s' %s: write " TLW_TIME_FORMS,
                    tlw_show_text(shown, sizeof shown, text, length), problem);
  }
  *time = read;
  return TLW_OK;
}
