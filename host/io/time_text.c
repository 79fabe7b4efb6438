#include "time_text.h"

#include <stdbool.h>
#include <string.h>

#include "host/base/error.h"
#include "tallow/csv.h"
#include "text.h"

#define SECOND INT64_C(1000000000)

typedef const struct tlw_time_problem *problem;

#define DAY_FIRST "choose day-first if the day stands before the month"

static const struct tlw_time_problem unreadable = {"is not a time in a form that can be read", TLW_TIME_FORMS};
static const struct tlw_time_problem no_day = {"is not a day of the calendar", TLW_TIME_FORMS};
static const struct tlw_time_problem no_month_first = {"is not a day of the calendar with the month first", DAY_FIRST};
static const struct tlw_time_problem no_day_first = {"is not a day of the calendar with the day first",
                                                     "leave out day-first if the month stands before the day"};
static const struct tlw_time_problem year_last = {"is a day with the year last", DAY_FIRST};
static const struct tlw_time_problem no_clock = {"has no such time of day", TLW_TIME_FORMS};
static const struct tlw_time_problem no_offset = {"has no such offset from UTC", TLW_TIME_FORMS};
static const struct tlw_time_problem out_of_range = {"is outside the years 1678 to 2261", TLW_TIME_FORMS};
static const struct tlw_time_problem ambiguous = {"may be a date without separators or an epoch", TLW_TIME_FORMS};

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

typedef struct moment {
  int64_t seconds;
  int32_t nanoseconds;
  bool compact; /* the day is YYYYMMDD: the time of day may be digits alone */
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

static bool is_year(int32_t year) { return year >= 1678 && year <= 2261; }

bool tlw_time_month(int32_t year, int32_t month, int64_t *seconds, int32_t *days) {
  if (!is_year(year) || month < 1 || month > 12) return false;
  *seconds = day_number(year, month, 1) * TLW_TIME_DAY;
  *days = days_before_month(year, month + 1) - days_before_month(year, month);
  return true;
}

int64_t tlw_time_day_number(struct tlw_time_date date) { return day_number(date.year, date.month, date.day); }

/* Of the years 0 to 10000. */
static int32_t year_start(int32_t year) {
  const uint32_t past = (uint32_t)year + 399;
  return (int32_t)(365 * past + past / 4 - past / 100 + past / 400) - 865259;
}

struct tlw_time_date tlw_time_date_of(int64_t number) {
  const int32_t days = (int32_t)number;
  int32_t year = (int32_t)((uint32_t)(days + 719528) * 400 / 146097); /* to a year */
  if (year_start(year) > days) year--;
  if (year_start(year + 1) <= days) year++;
  const int32_t day_of_year = days - year_start(year);
  const bool leap = is_leap(year);
  /* As if February had 30 days, months are 367 / 12 days long, rounded. */
  const int32_t even = day_of_year < 59 + leap ? day_of_year : day_of_year + 2 - leap;
  const int32_t month = (12 * even + 373) / 367;
  return (struct tlw_time_date){year, month, day_of_year - days_before_month(year, month) + 1};
}

static problem set_day(moment *m, int32_t year, int32_t month, int32_t day) {
  if (!is_calendar_day(year, month, day)) return &no_day;
  m->seconds = day_number(year, month, day) * TLW_TIME_DAY;
  return NULL;
}

/* The number of two digits; more than 99 if they are none. */
static inline uint32_t two_digits(const char *at) {
  const uint32_t tens = (unsigned char)(at[0] - '0'), ones = (unsigned char)(at[1] - '0');
  return tens <= 9 && ones <= 9 ? 10 * tens + ones : 100;
}

/* YYYY-MM-DD and the like, of which 8 bytes and what stands between are known to be right */
static problem take_year_first(cursor *c, moment *m) {
  if (c->end - c->at < 10) return &unreadable;
  const uint32_t century = two_digits(c->at), year = two_digits(c->at + 2);
  const uint32_t month = two_digits(c->at + 5), day = two_digits(c->at + 8);
  if (century > 99 || year > 99 || month > 99 || day > 99) return &unreadable;
  c->at += 10;
  return set_day(m, (int32_t)(century * 100 + year), (int32_t)month, (int32_t)day);
}

/* YYYYMMDD, of which 8 digits are known to be there */
static problem take_compact_day(cursor *c, moment *m) {
  const int32_t year = take_digits(c, 4, 4);
  const int32_t month = take_digits(c, 2, 2);
  const int32_t day = take_digits(c, 2, 2);
  m->compact = true;
  return set_day(m, year, month, day);
}

/* M/D/YYYY; with day_first D/M/YYYY, D.M.YYYY or D-M-YYYY */
static problem take_year_last(cursor *c, moment *m, bool day_first) {
  const int32_t first = take_digits(c, 1, 2);
  if (first < 0 || c->at == c->end) return &unreadable;
  const char between = *c->at++;
  if (between != '/' && between != '.' && between != '-') return &unreadable;
  const int32_t second = take_digits(c, 1, 2);
  if (second < 0 || !take(c, between)) return &unreadable;
  const int32_t year = take_digits(c, 4, 4);
  if (year < 0 || (c->at < c->end && is_digit(*c->at))) return &unreadable;
  if (day_first) {
    problem found = set_day(m, year, second, first);
    return found && is_calendar_day(year, first, second) ? &no_day_first : found;
  }
  if (between != '/') return &year_last;
  problem found = set_day(m, year, first, second);
  return found && is_calendar_day(year, second, first) ? &no_month_first : found;
}

static ptrdiff_t count_digits(const cursor *c) {
  const char *at = c->at;
  while (at < c->end && is_digit(*at)) at++;
  return at - c->at;
}

static bool is_between(char c) { return c == '-' || c == '/' || c == '.'; }

static bool is_year_first(const cursor *c) {
  return c->end - c->at > 7 && is_between(c->at[4]) && c->at[7] == c->at[4] && is_digit(c->at[2]) && is_digit(c->at[3]);
}

static problem take_day(cursor *c, moment *m, bool day_first) {
  if (is_year_first(c)) return take_year_first(c, m);
  return count_digits(c) == 8 ? take_compact_day(c, m) : take_year_last(c, m, day_first);
}

/* Z, " UTC", +HH:MM, +HHMM, +HH or nothing */
static problem take_offset(cursor *c, moment *m) {
  if (c->at == c->end || take(c, 'Z')) return NULL;
  if (take(c, ' ')) {
    if (c->end - c->at != 3 || memcmp(c->at, "UTC", 3) != 0) return &unreadable;
    c->at += 3;
    return NULL;
  }
  const bool west = *c->at == '-';
  if (!west && *c->at != '+') return &unreadable;
  c->at++;
  const int32_t hours = take_digits(c, 2, 2);
  if (hours < 0) return &unreadable;
  int32_t minutes = 0;
  if (c->at < c->end) {
    take(c, ':');
    minutes = take_digits(c, 2, 2);
    if (minutes < 0) return &unreadable;
  }
  if (hours > 23 || minutes > 59) return &no_offset;
  const int32_t ahead = hours * 3600 + minutes * 60;
  m->seconds += west ? ahead : -ahead;
  return NULL;
}

/* 1 to 9 digits */
static problem take_fraction(cursor *c, moment *m) {
  const char *const first = c->at;
  int32_t value = take_digits(c, 1, 9);
  if (value < 0) return &unreadable;
  for (ptrdiff_t n = c->at - first; n < 9; n++) value *= 10;
  m->nanoseconds = value;
  return NULL;
}

static problem set_clock(moment *m, int32_t hour, int32_t minute, int32_t second) {
  if (hour > 23 || minute > 59 || second > 59) return &no_clock;
  m->seconds += hour * 3600 + minute * 60 + second;
  return NULL;
}

/* H:MM[:SS[.fraction]][offset] */
static problem take_clock(cursor *c, moment *m) {
  const int32_t hour = take_digits(c, 1, 2);
  if (hour < 0 || !take(c, ':')) return &unreadable;
  const int32_t minute = take_digits(c, 2, 2);
  if (minute < 0) return &unreadable;
  int32_t second = 0;
  if (take(c, ':')) {
    second = take_digits(c, 2, 2);
    if (second < 0) return &unreadable;
    if (take(c, '.')) {
      problem found = take_fraction(c, m);
      if (found) return found;
    }
  }
  problem found = set_clock(m, hour, minute, second);
  return found ? found : take_offset(c, m);
}

/* So many digits, [H]HMM[SS[mmm]], or with hours also [H]H; and an offset. */
static problem take_compact_clock(cursor *c, moment *m, ptrdiff_t n_digits, bool hours) {
  const bool fits = (n_digits >= 3 && n_digits <= 6) || n_digits == 9 || (hours && n_digits <= 2);
  if (!fits) return &unreadable;
  const int of_hour = n_digits == 1 || n_digits == 3 || n_digits == 5 ? 1 : 2;
  const int32_t hour = take_digits(c, of_hour, of_hour);
  const int32_t minute = n_digits > 2 ? take_digits(c, 2, 2) : 0;
  const int32_t second = n_digits > 4 ? take_digits(c, 2, 2) : 0;
  if (n_digits == 9) m->nanoseconds = take_digits(c, 3, 3) * 1000000;
  problem found = set_clock(m, hour, minute, second);
  return found ? found : take_offset(c, m);
}

static problem finish(const cursor *c, const moment *m, int64_t *time) {
  if (c->at != c->end) return &unreadable;
  if (m->seconds < TLW_TIME_FIRST || m->seconds >= TLW_TIME_END) return &out_of_range;
  *time = m->seconds * SECOND + m->nanoseconds;
  return NULL;
}

/* YYYY, YYYYMM, YYMMDD or YYYYMMDDHHMM: as an epoch it would be a wrong time, and nothing else would tell. */
static bool is_cut_date(const char *digits, ptrdiff_t n_digits) {
  if (n_digits != 4 && n_digits != 6 && n_digits != 12) return false;
  cursor c = {digits, digits + n_digits};
  const int32_t year = take_digits(&c, 4, 4);
  if (n_digits == 4) return is_year(year);
  const int32_t month = take_digits(&c, 2, 2);
  const int32_t day = take_digits(&c, 0, 2);
  if (n_digits == 6) {
    c.at = digits + 2;
    const int32_t short_month = take_digits(&c, 2, 2);
    const int32_t short_day = take_digits(&c, 2, 2);
    return (is_year(year) && month >= 1 && month <= 12) || is_calendar_day(2000, short_month, short_day);
  }
  const int32_t hour = take_digits(&c, 0, 2);
  const int32_t minute = take_digits(&c, 0, 2);
  return is_year(year) && is_calendar_day(year, month, day) && hour <= 23 && minute <= 59;
}

/* Reads YYYYMMDD or YYYYMMDDHHMMSS. false: the digits are something else. */
static bool read_whole_date(const char *digits, ptrdiff_t n_digits, int64_t *time) {
  if (n_digits != 8 && n_digits != 14) return false;
  cursor c = {digits, digits + n_digits};
  moment m = {0};
  if (!is_year(take_digits(&c, 4, 4))) return false;
  c.at = digits;
  return !take_compact_day(&c, &m) && (n_digits == 8 || !take_compact_clock(&c, &m, 6, false)) && !finish(&c, &m, time);
}

/* The nanoseconds of what is read as s, ms, us or ns by its size. */
static problem scale_epoch(int64_t value, bool negative, int64_t *time) {
  int64_t unit = 1;
  if (value < INT64_C(100000000000))
    unit = SECOND;
  else if (value < INT64_C(100000000000000))
    unit = 1000000;
  else if (value < INT64_C(100000000000000000))
    unit = 1000;
  if (value > INT64_MAX / unit) return &out_of_range;
  const int64_t nanoseconds = negative ? -(value * unit) : value * unit;
  if (nanoseconds < TLW_TIME_FIRST * SECOND || nanoseconds >= TLW_TIME_END * SECOND) return &out_of_range;
  *time = nanoseconds;
  return NULL;
}

#define SAFE_DIGITS 18 /* as many as always fit */

/* The value of n digits; INT64_MAX: it is too large. */
static int64_t value_of(const char *digits, ptrdiff_t n) {
  const ptrdiff_t n_safe = n < SAFE_DIGITS ? n : SAFE_DIGITS;
  int64_t value = 0;
  for (ptrdiff_t i = 0; i < n_safe; i++) value = value * 10 + (digits[i] - '0');
  for (ptrdiff_t i = n_safe; i < n; i++) {
    if (value > (INT64_MAX - 9) / 10) return INT64_MAX;
    value = value * 10 + (digits[i] - '0');
  }
  return value;
}

/* [-] n digits [. zeros], all of the text */
static problem read_epoch(cursor c, ptrdiff_t n_digits, bool negative, int64_t *time) {
  const char *const digits = c.at;
  c.at += n_digits;
  const bool has_point = take(&c, '.');
  const char *const zeros = c.at;
  while (c.at < c.end && *c.at == '0') c.at++;
  if (n_digits == 0 || c.at != c.end || (has_point && c.at == zeros)) return &unreadable;
  int64_t date = 0;
  if (!negative && read_whole_date(digits, n_digits, &date)) {
    if (has_point) return &ambiguous;
    *time = date;
    return NULL;
  }
  if (!negative && is_cut_date(digits, n_digits)) return &ambiguous;
  const int64_t value = value_of(digits, n_digits);
  return value == INT64_MAX ? &out_of_range : scale_epoch(value, negative, time);
}

/* Do digits end the text, or a point and digits? */
static bool is_epoch(const cursor *c, ptrdiff_t n_digits) {
  const char *at = c->at + n_digits;
  if (n_digits == 0 || at == c->end) return n_digits > 0;
  if (*at != '.') return false;
  at++;
  while (at < c->end && is_digit(*at)) at++;
  return at == c->end;
}

const struct tlw_time_problem *tlw_time_read(const char *text, size_t length, bool day_first, int64_t *time) {
  cursor c = {text, text + length};
  moment m = {0};
  problem found;
  if (is_year_first(&c)) {
    found = take_year_first(&c, &m);
  } else {
    const bool negative = take(&c, '-');
    const ptrdiff_t n_digits = count_digits(&c);
    if (negative || is_epoch(&c, n_digits)) return read_epoch(c, n_digits, negative, time);
    found = n_digits == 8 ? take_compact_day(&c, &m) : take_year_last(&c, &m, day_first);
  }
  if (!found && c.at < c.end) {
    if (!take(&c, ' ') && !take(&c, 'T')) return &unreadable;
    const ptrdiff_t n_digits = count_digits(&c);
    const bool digits = m.compact && (n_digits == 4 || n_digits == 6 || n_digits == 9);
    found = digits ? take_compact_clock(&c, &m, n_digits, false) : take_clock(&c, &m);
  }
  return found ? found : finish(&c, &m, time);
}

const struct tlw_time_problem *tlw_time_read_pair(const char *day, size_t day_length, const char *clock,
                                                  size_t clock_length, struct tlw_time_pair how, int64_t *time) {
  cursor c = {day, day + day_length};
  moment m = {0};
  problem found = take_day(&c, &m, how.day_first);
  if (found) return found;
  if (c.at != c.end) return &unreadable;
  c = (cursor){clock, clock + clock_length};
  const ptrdiff_t n_digits = count_digits(&c);
  const bool digits = n_digits > 0 && (n_digits > 2 || c.at + n_digits == c.end);
  found = digits ? take_compact_clock(&c, &m, n_digits, how.hours) : take_clock(&c, &m);
  return found ? found : finish(&c, &m, time);
}

bool tlw_time_is_clock(const char *text, size_t length) {
  cursor c = {text, text + length};
  moment m = {0};
  const ptrdiff_t n_digits = count_digits(&c);
  const bool digits = (n_digits == 4 || n_digits == 6) && n_digits == (ptrdiff_t)length && text[0] == '0';
  const problem found = digits ? take_compact_clock(&c, &m, n_digits, false) : take_clock(&c, &m);
  return !found && c.at == c.end;
}

tlw_status tlw_time_parse(const char *text, int64_t *time, tlw_error *error) {
  if (!text || !time) return tlw_fail(error, TLW_ERR_ARGUMENT, "text and time must not be NULL");
  const size_t length = strlen(text);
  int64_t read = 0;
  const problem found = tlw_time_read(text, length, false, &read);
  if (found) {
    char shown[TLW_SHOWN_SIZE];
    return tlw_fail(error, TLW_ERR_ARGUMENT, "'%s' %s: " TLW_TIME_FORMS,
                    tlw_show_text(shown, sizeof shown, text, length), found->what);
  }
  *time = read;
  return TLW_OK;
}
