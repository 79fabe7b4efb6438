#include "zone_rule.h"

#include "time_text.h"

#define HOUR 3600

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }
static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

static bool take(cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

/* A number of 1 to 3 digits from least to most. */
static bool take_number(cursor *c, int32_t least, int32_t most, int32_t *number) {
  const char *const first = c->at;
  *number = 0;
  while (c->at < c->end && c->at - first < 3 && is_digit(*c->at)) *number = *number * 10 + (*c->at++ - '0');
  return c->at > first && *number >= least && *number <= most;
}

static bool take_name(cursor *c) {
  const bool quoted = take(c, '<');
  const char *const first = c->at;
  while (c->at < c->end && (is_letter(*c->at) || (quoted && (is_digit(*c->at) || *c->at == '+' || *c->at == '-'))))
    c->at++;
  return c->at - first >= 3 && (!quoted || take(c, '>'));
}

/* [+-]H[:MM[:SS]] */
static bool take_seconds(cursor *c, int32_t most_hours, int32_t *seconds) {
  const bool negative = take(c, '-');
  if (!negative) take(c, '+');
  int32_t hours = 0, minutes = 0, rest = 0;
  if (!take_number(c, 0, most_hours, &hours)) return false;
  if (take(c, ':')) {
    if (!take_number(c, 0, 59, &minutes)) return false;
    if (take(c, ':') && !take_number(c, 0, 59, &rest)) return false;
  }
  *seconds = hours * HOUR + minutes * 60 + rest;
  if (negative) *seconds = -*seconds;
  return true;
}

static bool take_offset(cursor *c, int32_t *ahead) {
  if (!take_seconds(c, 24, ahead)) return false;
  *ahead = -*ahead;
  return true;
}

static bool take_day(cursor *c, struct tlw_zone_date *date) {
  if (take(c, 'M')) {
    date->form = TLW_ZONE_MONTH;
    return take_number(c, 1, 12, &date->month) && take(c, '.') && take_number(c, 1, 5, &date->week) && take(c, '.') &&
           take_number(c, 0, 6, &date->day);
  }
  const bool julian = take(c, 'J');
  date->form = julian ? TLW_ZONE_JULIAN : TLW_ZONE_DAY;
  return take_number(c, julian, 365, &date->day);
}

static bool take_date(cursor *c, struct tlw_zone_date *date) {
  date->seconds = 2 * HOUR;
  if (!take(c, ',') || !take_day(c, date)) return false;
  return !take(c, '/') || take_seconds(c, 167, &date->seconds);
}

static bool take_summer(cursor *c, struct tlw_zone_rule *rule) {
  if (!take_name(c)) return false;
  rule->has_summer = true;
  rule->summer = rule->standard + HOUR;
  if (c->at < c->end && *c->at != ',' && !take_offset(c, &rule->summer)) return false;
  return take_date(c, &rule->begin) && take_date(c, &rule->end);
}

bool tlw_zone_rule_read(struct tlw_zone_rule *rule, const char *text, size_t length) {
  cursor c = {text, text + length};
  *rule = (struct tlw_zone_rule){0};
  if (!take_name(&c) || !take_offset(&c, &rule->standard)) return false;
  return c.at == c.end || (take_summer(&c, rule) && c.at == c.end);
}

static int64_t day_of(int32_t year, int32_t month) {
  return tlw_time_day_number((struct tlw_time_date){year, month, 1});
}

/* The week-th day of that name of a month, or its last if there are not so many. */
static int64_t day_by_week(const struct tlw_zone_date *date, int32_t year) {
  const int64_t first = day_of(year, date->month);
  const int64_t next = date->month == 12 ? day_of(year + 1, 1) : day_of(year, date->month + 1);
  const int32_t weekday = (int32_t)((first + 719528 + 6) % 7); /* Sunday is 0, as 0000-01-02 was */
  int64_t day = first + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
  if (day >= next) day -= 7;
  return day;
}

static int64_t day_of_date(const struct tlw_zone_date *date, int32_t year) {
  if (date->form == TLW_ZONE_MONTH) return day_by_week(date, year);
  const int64_t first = day_of(year, 1);
  if (date->form == TLW_ZONE_DAY) return first + date->day;
  const bool leap = day_of(year, 3) - first == 60;
  return first + date->day - 1 + (leap && date->day >= 60);
}

static int64_t moment_of(const struct tlw_zone_date *date, int32_t year, int32_t ahead) {
  return day_of_date(date, year) * TLW_TIME_DAY + date->seconds - ahead;
}

void tlw_zone_rule_summer(const struct tlw_zone_rule *rule, int32_t year, int64_t *begin, int64_t *end) {
  *begin = moment_of(&rule->begin, year, rule->standard);
  *end = moment_of(&rule->end, year, rule->summer);
  if (*end <= *begin) *end = moment_of(&rule->end, year + 1, rule->summer);
}
