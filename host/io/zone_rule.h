/* Rules for the time of day without an end, as zone files and POSIX's TZ write them: CET-1CEST,M3.5.0,M10.5.0/3 */
#ifndef TALLOW_IO_ZONE_RULE_H
#define TALLOW_IO_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A day of each year, and a time of day. */
struct tlw_zone_date {
  enum { TLW_ZONE_MONTH, TLW_ZONE_JULIAN, TLW_ZONE_DAY } form; /* Mm.w.d, Jn or n */
  int32_t month, week, day;
  int32_t seconds; /* after midnight, of up to a week before or behind that day */
};

struct tlw_zone_rule {
  bool has_summer;
  int32_t standard, summer;        /* seconds that the time of day is ahead of UTC */
  struct tlw_zone_date begin, end; /* of summer */
};

/*
 * Reads all of a text: NAME offset, and where there is a summer time NAME [offset],date[/time],date[/time]; a name is
 * three or more letters, or <> with letters, digits, + and - between. Offsets are west of UTC, H[H][:MM[:SS]], of 24
 * hours at most, the summer one by default an hour less; times of day are of 167 hours at most, by default 2. false:
 * it is something else.
 */
bool tlw_zone_rule_read(struct tlw_zone_rule *rule, const char *text, size_t length);

/*
 * When the summer that begins in this year, 1 to 9998, begins and ends, in seconds since 1970-01-01 00:00 UTC: the
 * end is that of this year where it is later than the beginning, else that of the year after.
 */
void tlw_zone_rule_summer(const struct tlw_zone_rule *rule, int32_t year, int64_t *begin, int64_t *end);

#endif
