/*
 * Time zones: rules against the C library's, files made here with what is known of them, and files that are refused.
 * With names of zones as arguments it prints their changes instead, for test_zone.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "host/base/memory.h"
#include "host/io/time_text.h"
#include "host/io/zone.h"
#include "host/io/zone_rule.h"
#include "series.h"
#include "tallow/zone.h"

#define HOUR 3600
#define LAST_SECOND INT64_C(9223372036) /* that nanoseconds of 64 bits have */

/* --- Files ------------------------------------------------------------------------------------------------------ */

struct bytes {
  unsigned char at[4096];
  size_t size;
};

static void add_number(struct bytes *b, int64_t number, int size) {
  while (size-- > 0) b->at[b->size++] = (unsigned char)((uint64_t)number >> (8 * size));
}

struct local_time {
  int32_t offset;
  int32_t summer;
};

struct change {
  int64_t time;
  int32_t type;
};

/* What a file is made of; a count is that of its table unless it is set. */
struct recipe {
  char version;
  const struct local_time *types;
  int n_types;
  const struct change *changes;
  int n_changes;
  int n_leaps;
  const char *rule; /* NULL: no end of the file */
};

static void add_part(struct bytes *b, const struct recipe *r, int time_size) {
  const char letters[] = "AAA";
  memcpy(b->at + b->size, "TZif", 4);
  b->size += 4;
  add_number(b, r->version, 1);
  for (int i = 0; i < 15; i++) add_number(b, 0, 1);
  const int counts[6] = {1, 1, r->n_leaps, r->n_changes, r->n_types, (int)sizeof letters};
  for (int i = 0; i < 6; i++) add_number(b, counts[i], 4);
  for (int i = 0; i < r->n_changes; i++) add_number(b, r->changes[i].time, time_size);
  for (int i = 0; i < r->n_changes; i++) add_number(b, r->changes[i].type, 1);
  for (int i = 0; i < r->n_types; i++) {
    add_number(b, r->types[i].offset, 4);
    add_number(b, r->types[i].summer, 1);
    add_number(b, 0, 1);
  }
  for (size_t i = 0; i < sizeof letters; i++) add_number(b, letters[i], 1);
  for (int i = 0; i < r->n_leaps; i++) add_number(b, i, time_size), add_number(b, i, 4);
  add_number(b, 0, 2);
}

static void make(struct bytes *b, const struct recipe *r) {
  b->size = 0;
  add_part(b, r, 4);
  if (r->version == 0) return;
  add_part(b, r, 8);
  if (r->rule) b->size += (size_t)sprintf((char *)b->at + b->size, "\n%s\n", r->rule);
}

/* Reads bytes out of a block of just their size. */
static tlw_status read_bytes(struct tlw_zone *zone, const void *bytes, size_t size, struct tlw_memory *memory,
                             tlw_error *error) {
  unsigned char *const copy = malloc(size + 1);
  assert_non_null(copy);
  memcpy(copy + 1, bytes, size);
  const tlw_status status = tlw_zone_read(zone, copy + 1, size, "the file", memory, error);
  free(copy);
  return status;
}

static void read_made(struct tlw_zone *zone, const struct recipe *r) {
  struct bytes b;
  tlw_error error = {0};
  make(&b, r);
  if (read_bytes(zone, b.at, b.size, NULL, &error) != TLW_OK) fail_msg("refused: %s", error.message);
}

static void check_zone(const struct tlw_zone *zone) {
  assert_true(zone->count >= 1);
  assert_true(zone->begins[0] == INT64_MIN);
  for (int32_t i = 1; i < zone->count; i++) {
    assert_true(zone->begins[i] > zone->begins[i - 1]);
    assert_true(zone->begins[i] > -LAST_SECOND - 1 && zone->begins[i] <= LAST_SECOND);
    assert_int_not_equal(zone->offsets[i], zone->offsets[i - 1]);
  }
}

static int32_t offset_at(const struct tlw_zone *zone, int64_t seconds) {
  const struct tlw_zone_span span = tlw_zone_span_at(zone, seconds);
  assert_true(span.begin <= seconds && (seconds < span.end || span.end == INT64_MAX));
  return span.offset;
}

static int64_t utc(int year, int month, int day, int hour, int minute) {
  return tlw_time_day_number((struct tlw_time_date){year, month, day}) * TLW_TIME_DAY + hour * HOUR + minute * 60;
}

/* --- The calendar ----------------------------------------------------------------------------------------------- */

static void test_calendar_both_ways(void **state) {
  (void)state;
  for (int64_t day = -719528; day < 2932896; day++) { /* of the years 0 to 9999 */
    const struct tlw_time_date date = tlw_time_date_of(day);
    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31 || tlw_time_day_number(date) != day)
      fail_msg("day %" PRId64 " is %d-%d-%d", day, date.year, date.month, date.day);
  }
  const time_t times[] = {0, -1, 951782400, 951868800, -2203977600, 4107542400};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    struct tm tm;
    gmtime_r(&times[i], &tm);
    const int64_t day = times[i] / TLW_TIME_DAY - (times[i] % TLW_TIME_DAY < 0);
    const struct tlw_time_date date = tlw_time_date_of(day);
    assert_int_equal(date.year, tm.tm_year + 1900);
    assert_int_equal(date.month, tm.tm_mon + 1);
    assert_int_equal(date.day, tm.tm_mday);
  }
}

/* --- Rules ------------------------------------------------------------------------------------------------------ */

static void read_rule(struct tlw_zone *zone, const char *rule) {
  const struct local_time standard[1] = {{7, 0}}; /* which is never used */
  read_made(zone, &(struct recipe){.version = '2', .types = standard, .n_types = 1, .rule = rule});
}

static int32_t c_library_offset(int64_t seconds) {
  const time_t time = seconds;
  struct tm tm;
  assert_non_null(localtime_r(&time, &tm));
  return (int32_t)tm.tm_gmtoff;
}

static void test_rules_against_the_c_library(void **state) {
  (void)state;
  static const char *const rules[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
                                      "EST5EDT,M3.2.0,M11.1.0",
                                      "GMT0BST,M3.5.0/1,M10.5.0",
                                      "AEST-10AEDT,M10.1.0,M4.1.0/3",
                                      "NZST-12NZDT,M9.5.0,M4.1.0/3",
                                      "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                                      "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
                                      "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                                      "IST-2IDT,M3.4.4/26,M10.5.0",
                                      "EET-2EEST,M3.4.4/50,M10.4.4/50",
                                      "AAA3BBB,J60/2,J300/2",
                                      "AAA3BBB,59/2,300/2:30:15",
                                      "AAA-9:15:20BBB-10,J59/-30,J300/100",
                                      "<+0330>-3:30<+0430>,J79/24,J263/24",
                                      "IST-1GMT0,M10.5.0,M3.5.0/1",
                                      "<+03>-3",
                                      "AAA24",
                                      "UTC0"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct tlw_zone zone;
    read_rule(&zone, rules[i]);
    check_zone(&zone);
    setenv("TZ", rules[i], 1);
    tzset();
    /* The C library looks at the year of the UTC time. */
    for (int64_t seconds = utc(1972, 1, 1, 0, 0); seconds < utc(2200, 1, 1, 0, 0); seconds += 5 * HOUR + 1801) {
      if (offset_at(&zone, seconds) == c_library_offset(seconds)) continue;
      fail_msg("%s at %" PRId64 ": %d, not %d", rules[i], seconds, offset_at(&zone, seconds),
               c_library_offset(seconds));
    }
    for (int32_t k = 1; k < zone.count; k++) {
      if (zone.begins[k] < utc(1972, 1, 1, 0, 0) || zone.begins[k] > utc(2200, 1, 1, 0, 0)) continue;
      assert_int_equal(c_library_offset(zone.begins[k]), zone.offsets[k]);
      assert_int_equal(c_library_offset(zone.begins[k] - 1), zone.offsets[k - 1]);
    }
    tlw_zone_unload(&zone);
  }
  unsetenv("TZ");
  tzset();
}

/* Summer that lasts all year, in both ways that files write it. */
static void test_summer_without_end(void **state) {
  (void)state;
  static const char *const rules[] = {"XXX3EDT4,0/0,J365/23", "EST5EDT,0/0,J365/25"};
  for (size_t i = 0; i < 2; i++) {
    struct tlw_zone zone;
    read_rule(&zone, rules[i]);
    assert_int_equal(zone.count, 1);
    assert_int_equal(zone.offsets[0], -4 * HOUR);
    tlw_zone_unload(&zone);
  }
}

static void test_rules_that_are_none(void **state) {
  (void)state;
  static const char *const rules[] = {"C",
                                      "CE-1",
                                      "CET",
                                      "CET25",
                                      "CET-1:60",
                                      "CET-1 ",
                                      "<+3-3",
                                      "<>-3",
                                      "<+>3",
                                      "+03-3",
                                      "CET-1CEST",
                                      "CET-1CEST,",
                                      "CET-1CE,1,2",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.0,",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M0.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.0.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,J0,J3",
                                      "CET-1CEST,J366,J3",
                                      "CET-1CEST,366,3",
                                      "CET-1CEST,M3.5.0/168,3",
                                      "CET-1CEST,M3.5.0/2:60,3",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "CET-1CEST,M3.5.0,M10.5.0,",
                                      "CET-1CEST,M3.5,M10.5.0",
                                      "CET-1CEST,M3.5.0/,M10.5.0",
                                      "CET--1",
                                      "CET+-1",
                                      "CET-1111",
                                      ":Europe/Berlin"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct tlw_zone_rule rule;
    const size_t length = strlen(rules[i]);
    char *const exact = malloc(length + 1);
    assert_non_null(exact);
    memcpy(exact, rules[i], length);
    if (tlw_zone_rule_read(&rule, exact, length)) fail_msg("'%s' was read", rules[i]);
    free(exact);
  }
  struct tlw_zone_rule rule;
  assert_false(tlw_zone_rule_read(&rule, "", 0));
}

/* --- Files that are right --------------------------------------------------------------------------------------- */

static const struct local_time central[] = {{3208, 0}, {7200, 1}, {3600, 0}};
static const struct change central_changes[] = {
    {-2422054408, 2}, {1711846800, 1}, {1729990800, 2}}; /* 1893-04-01, 2024-03-31, 2024-10-27 */

static void test_made_file(void **state) {
  (void)state;
  for (int version = 0; version <= 4; version++) {
    if (version == 1) continue;
    struct tlw_zone zone;
    struct recipe r = {.types = central, .n_types = 3, .changes = central_changes, .n_changes = 3};
    r.rule = "CET-1CEST,M3.5.0,M10.5.0/3";
    if (version > 0) r.version = (char)('0' + version);
    if (version == 0) r.changes++, r.n_changes--; /* 32 bits have no 1893 */
    read_made(&zone, &r);
    check_zone(&zone);
    assert_int_equal(offset_at(&zone, INT64_MIN), 3208);
    assert_int_equal(offset_at(&zone, utc(1893, 3, 1, 0, 0)), 3208);
    if (version > 0) assert_int_equal(offset_at(&zone, utc(1900, 1, 1, 0, 0)), 3600);
    if (version > 0) assert_int_equal(offset_at(&zone, utc(2023, 7, 1, 0, 0)), 3600); /* not in this file */
    assert_int_equal(offset_at(&zone, utc(2024, 3, 31, 1, 0) - 1), version ? 3600 : 3208);
    assert_int_equal(offset_at(&zone, utc(2024, 3, 31, 1, 0)), 7200);
    assert_int_equal(offset_at(&zone, utc(2024, 10, 27, 1, 0) - 1), 7200);
    assert_int_equal(offset_at(&zone, utc(2024, 10, 27, 1, 0)), 3600);
    /* The rule: 2025-03-30 and 2261-10-27; version 1 has none. */
    assert_int_equal(offset_at(&zone, utc(2025, 3, 30, 1, 0) - 1), 3600);
    assert_int_equal(offset_at(&zone, utc(2025, 3, 30, 1, 0)), version ? 7200 : 3600);
    assert_int_equal(offset_at(&zone, utc(2261, 10, 27, 1, 0) - 1), version ? 7200 : 3600);
    assert_int_equal(offset_at(&zone, LAST_SECOND), version ? 7200 : 3600); /* 2262-04-11 */
    tlw_zone_unload(&zone);
  }
}

/* From the last change on the rule holds, even where the change says something else. */
static void test_rule_from_the_last_change_on(void **state) {
  (void)state;
  struct tlw_zone zone;
  struct recipe r = {.version = '3', .types = central, .n_types = 3, .changes = central_changes, .n_changes = 2};
  r.rule = "<+03>-3";
  read_made(&zone, &r);
  assert_int_equal(offset_at(&zone, 1711846800 - 1), 3600);
  assert_int_equal(offset_at(&zone, 1711846800), 3 * HOUR);
  tlw_zone_unload(&zone);
  r.rule = "CET-1CEST,M3.5.0,M10.5.0/3";
  read_made(&zone, &r);
  assert_int_equal(offset_at(&zone, 1711846800), 7200);
  assert_int_equal(offset_at(&zone, 1729990800), 3600);
  tlw_zone_unload(&zone);
  const struct change in_summer[] = {{0, 2}, {1717200000, 2}}; /* 2024-06-01 */
  r.changes = in_summer;
  read_made(&zone, &r);
  assert_int_equal(offset_at(&zone, 1717200000 - 1), 3600);
  assert_int_equal(offset_at(&zone, 1717200000), 7200);
  assert_int_equal(offset_at(&zone, 1729990800), 3600);
  tlw_zone_unload(&zone);
  r.changes = central_changes;
  r.rule = "";
  read_made(&zone, &r);
  assert_int_equal(zone.count, 3);
  assert_int_equal(offset_at(&zone, INT64_MAX), 7200);
  tlw_zone_unload(&zone);
}

/* Changes before and behind all times that there are, and some that change nothing. */
static void test_far_changes(void **state) {
  (void)state;
  const struct change changes[] = {{INT64_MIN, 1}, {-LAST_SECOND - 9, 2}, {5, 2},
                                   {9, 1},         {LAST_SECOND + 1, 2},  {INT64_MAX, 0}};
  struct tlw_zone zone;
  read_made(&zone, &(struct recipe){'2', central, 3, changes, 6, 0, "<+03>-3"});
  check_zone(&zone);
  assert_int_equal(zone.count, 2);
  assert_int_equal(offset_at(&zone, 8), 3600);
  assert_int_equal(offset_at(&zone, INT64_MAX), 7200);
  tlw_zone_unload(&zone);
}

static void test_cursor(void **state) {
  (void)state;
  struct tlw_zone zone;
  read_rule(&zone, "CET-1CEST,M3.5.0,M10.5.0/3");
  struct tlw_zone_span span = {0};
  rng random = {3};
  int64_t seconds = 0;
  for (int i = 0; i < 100000; i++) {
    if (i % 10 == 0) seconds = (int64_t)rng_below(&random, 2 * (uint64_t)LAST_SECOND) - LAST_SECOND;
    seconds += 40 * TLW_TIME_DAY;
    if (i % 10 == 3) seconds = zone.begins[1 + rng_below(&random, (uint64_t)zone.count - 1)] - (i % 20 == 3);
    assert_int_equal(tlw_zone_offset(&zone, &span, seconds), offset_at(&zone, seconds));
  }
  tlw_zone_unload(&zone);
}

/* --- Files that are refused ------------------------------------------------------------------------------------- */

static void refuse(const struct recipe *r, const char *part) {
  struct bytes b;
  tlw_error error = {0};
  struct tlw_zone zone;
  make(&b, r);
  assert_int_equal(read_bytes(&zone, b.at, b.size, NULL, &error), TLW_ERR_DATA);
  assert_int_equal(error.code, TLW_ERR_DATA);
  assert_non_null(strstr(error.message, "the file: "));
  if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
}

static void test_wrong_files(void **state) {
  (void)state;
  const struct recipe good = {'2', central, 3, central_changes, 3, 0, "CET-1"};
  struct recipe r = good;
  r.version = '1';
  refuse(&r, "version");
  r.version = '5';
  refuse(&r, "version");
  r = good;
  r.n_types = 0;
  r.n_changes = 0;
  refuse(&r, "no local time");
  r = good;
  r.n_types = 2;
  refuse(&r, "does not have");
  r = good;
  r.n_leaps = 2;
  refuse(&r, "leap seconds");
  r = good;
  r.rule = NULL;
  refuse(&r, "lacks the rule");
  r.rule = "CET-1CEST";
  refuse(&r, "rule that can't be read");
  r = good;
  const struct change disordered[] = {{5, 1}, {5, 2}};
  r.changes = disordered;
  r.n_changes = 2;
  refuse(&r, "not in order");
  r = good;
  const struct local_time far[] = {{0, 0}, {26 * HOUR, 0}, {0, 0}}, low[] = {{0, 0}, {INT32_MIN, 0}, {0, 0}};
  r.types = far;
  refuse(&r, "more than a day");
  r.types = low;
  refuse(&r, "more than a day");
}

/* Every cut of a file, and bytes of any kind in it. */
static void test_hostile_files(void **state) {
  (void)state;
  struct bytes b;
  make(&b, &(struct recipe){'2', central, 3, central_changes, 3, 0, "CET-1CEST,M3.5.0,M10.5.0/3"});
  struct tlw_zone zone;
  tlw_error error;
  for (size_t size = 0; size < b.size; size++)
    assert_int_equal(read_bytes(&zone, b.at, size, NULL, &error), TLW_ERR_DATA);
  rng random = {5};
  int n_read = 0;
  for (int i = 0; i < 100000; i++) {
    struct bytes other = b;
    for (int n = rng_between(&random, 1, 4); n > 0; n--)
      other.at[rng_below(&random, other.size)] = (unsigned char)rng_next(&random);
    const tlw_status status = read_bytes(&zone, other.at, other.size, NULL, &error);
    if (status == TLW_OK) {
      check_zone(&zone);
      tlw_zone_unload(&zone);
      n_read++;
    } else {
      assert_int_equal(status, TLW_ERR_DATA);
    }
  }
  assert_in_range(n_read, 1000, 99000);
}

/* Rules of any kind give changes in order, and no more than there is room for. */
static void test_hostile_rules(void **state) {
  (void)state;
  rng random = {6};
  int n_read = 0;
  for (int i = 0; i < 3000; i++) {
    char rule[128], dates[2][40];
    for (int k = 0; k < 2; k++) {
      const int a = rng_between(&random, 0, 14), w = rng_between(&random, 0, 6), d = rng_between(&random, 0, 370);
      if (i % 3 == 0)
        snprintf(dates[k], sizeof dates[k], "M%d.%d.%d/%d", a, w, d % 8, rng_between(&random, -170, 170));
      else
        snprintf(dates[k], sizeof dates[k], "%s%d/%d", i % 3 == 1 ? "J" : "", d, rng_between(&random, -170, 170));
    }
    snprintf(rule, sizeof rule, "AAA%dBBB%d,%s,%s", rng_between(&random, -25, 25), rng_between(&random, -25, 25),
             dates[0], dates[1]);
    struct bytes b;
    make(&b, &(struct recipe){'2', central, 3, central_changes, rng_between(&random, 0, 3), 0, rule});
    struct tlw_zone zone;
    tlw_error error;
    if (read_bytes(&zone, b.at, b.size, NULL, &error) != TLW_OK) continue;
    check_zone(&zone);
    tlw_zone_unload(&zone);
    n_read++;
  }
  assert_in_range(n_read, 500, 2900);
}

/* --- By name ---------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static tlw_status open_error(const char *name, const char *part) {
  struct tlw_memory memory = {.budget = UINT64_MAX};
  struct tlw_zone zone;
  tlw_error error = {0};
  const tlw_status status = tlw_zone_load(&zone, name, &memory, &error);
  if (status == TLW_OK) fail_msg("'%s' was opened", name);
  assert_int_equal(error.code, status);
  if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
  assert_int_equal(memory.bytes.current, 0);
  return status;
}

static void test_names(void **state) {
  (void)state;
  static const char *const names[] = {
      "",    "/etc/passwd", "../zoneinfo/UTC", "Europe/../UTC",    ".hidden", "Europe/", "Europe//Berlin", "Europe/.x",
      "a b", "\xff",        "Europe/Ber\nlin", "CET-1CEST,M3.5.0", "~",       "A:B"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(open_error(names[i], "Europe/Berlin or UTC"), TLW_ERR_ARGUMENT);
  char longest[TLW_ZONE_NAME_MOST + 2];
  memset(longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  assert_int_equal(open_error(longest, "not the name"), TLW_ERR_ARGUMENT);
  longest[sizeof longest - 2] = '\0';
  assert_int_equal(open_error(longest, "there is no time zone"), TLW_ERR_NOT_FOUND);
  assert_int_equal(open_error("Europe/Berln", "there is no time zone 'Europe/Berln' in "), TLW_ERR_NOT_FOUND);
}

static void test_files_by_name(void **state) {
  (void)state;
  struct bytes b;
  make(&b, &(struct recipe){'2', central, 3, central_changes, 3, 0, "CET-1CEST,M3.5.0,M10.5.0/3"});
  setenv("TZDIR", folder, 1);
  write_file(path_of("Made"), b.at, b.size);
  struct tlw_memory memory = {.budget = UINT64_MAX};
  struct tlw_zone zone;
  tlw_error error = {0};
  assert_int_equal(tlw_zone_load(&zone, "Made", &memory, &error), TLW_OK);
  assert_int_equal(offset_at(&zone, utc(2025, 7, 1, 0, 0)), 7200);
  assert_true(memory.bytes.current > 0 && memory.bytes.current < 32768);
  tlw_zone_unload(&zone);
  assert_int_equal(memory.bytes.current, 0);

  memory.budget = 1000;
  assert_int_equal(tlw_zone_load(&zone, "Made", &memory, &error), TLW_ERR_BUDGET);
  assert_int_equal(memory.bytes.current, 0);
  memory.budget = 0; /* enough for UTC, whatever the folder */
  assert_int_equal(tlw_zone_load(&zone, "UTC", &memory, &error), TLW_OK);
  assert_int_equal(offset_at(&zone, 0), 0);
  tlw_zone_unload(&zone);

  unsigned char *const large = calloc(1, TLW_ZONE_FILE_MOST + 1);
  assert_non_null(large);
  memcpy(large, b.at, b.size);
  write_file(path_of("Made"), large, TLW_ZONE_FILE_MOST + 1);
  assert_int_equal(open_error("Made", "too long"), TLW_ERR_DATA);
  free(large);
  write_file(path_of("Made"), "# text", 6);
  assert_int_equal(open_error("Made", "/Made: is cut off"), TLW_ERR_DATA);
  unlink(path_of("Made"));
  assert_int_equal(open_error("Made", "no time zone 'Made' in /tmp/"), TLW_ERR_NOT_FOUND);
  unsetenv("TZDIR");
}

/* Where the system has them: summer time as it was and is. */
static void test_zones_of_the_system(void **state) {
  (void)state;
  struct tlw_zone zone;
  tlw_error error = {0};
  if (tlw_zone_load(&zone, "Europe/Berlin", NULL, &error) != TLW_OK) {
    assert_int_equal(error.code, TLW_ERR_NOT_FOUND);
    print_message("no zoneinfo on this system\n");
    skip();
  }
  check_zone(&zone);
  assert_int_equal(offset_at(&zone, utc(1945, 7, 1, 0, 0)), 3 * HOUR);
  assert_int_equal(offset_at(&zone, utc(1979, 7, 1, 0, 0)), 1 * HOUR);
  assert_int_equal(offset_at(&zone, utc(2024, 3, 31, 1, 0) - 1), 1 * HOUR);
  assert_int_equal(offset_at(&zone, utc(2024, 3, 31, 1, 0)), 2 * HOUR);
  tlw_zone_unload(&zone);
  assert_int_equal(tlw_zone_load(&zone, "America/New_York", NULL, &error), TLW_OK);
  assert_int_equal(offset_at(&zone, utc(2006, 3, 20, 0, 0)), -5 * HOUR);
  assert_int_equal(offset_at(&zone, utc(2007, 3, 20, 0, 0)), -4 * HOUR);
  assert_int_equal(offset_at(&zone, utc(2024, 11, 3, 6, 0)), -5 * HOUR);
  tlw_zone_unload(&zone);
}

/* --- For test_zone.py ------------------------------------------------------------------------------------------- */

/* What clocks show, of any time that there is, and around changes to the nanosecond. */
static void test_local_times(void **state) {
  (void)state;
  static const int64_t second = INT64_C(1000000000);
  const int64_t spring = INT64_C(1710054000) * second, autumn = INT64_C(1730613600) * second; /* of 2024 */
  tlw_zone *zone;
  tlw_error error;
  assert_int_equal(tlw_zone_open(&zone, "UTC", &error), TLW_OK);
  static const int64_t times[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT64_C(1710054000123456789)};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    assert_true(tlw_zone_local(NULL, times[i]) == times[i]);
    assert_true(tlw_zone_local(zone, times[i]) == times[i]);
  }
  tlw_zone_close(&zone);
  assert_null(zone);
  if (tlw_zone_open(&zone, "America/New_York", &error) != TLW_OK) return; /* there is no tzdata */
  assert_true(tlw_zone_local(zone, spring - 1) == spring - 1 - 5 * HOUR * second);
  assert_true(tlw_zone_local(zone, spring) == spring - 4 * HOUR * second);
  assert_true(tlw_zone_local(zone, autumn - 1) == autumn - 1 - 4 * HOUR * second);
  assert_true(tlw_zone_local(zone, autumn) == autumn - 5 * HOUR * second);
  assert_true(tlw_zone_local(zone, -1) == -1 - 5 * HOUR * second);
  assert_true(tlw_zone_local(zone, INT64_MIN) == INT64_MIN);
  assert_true(tlw_zone_local(zone, INT64_MIN + 5) == INT64_MIN);
  tlw_zone_close(&zone);
  assert_int_equal(tlw_zone_open(&zone, "Asia/Tokyo", &error), TLW_OK);
  assert_true(tlw_zone_local(zone, INT64_MAX) == INT64_MAX);
  assert_true(tlw_zone_local(zone, INT64_MAX - 8 * HOUR * second) == INT64_MAX);
  assert_true(tlw_zone_local(zone, INT64_MAX - 10 * HOUR * second) == INT64_MAX - HOUR * second);
  tlw_zone_close(&zone);
}

static int print_zones(int n, char **names) {
  for (int i = 0; i < n; i++) {
    struct tlw_zone zone;
    tlw_error error = {0};
    if (tlw_zone_load(&zone, names[i], NULL, &error) != TLW_OK) {
      printf("%s refused: %s\n", names[i], error.message);
      continue;
    }
    printf("%s", names[i]);
    for (int32_t k = 0; k < zone.count; k++) printf(" %" PRId64 " %" PRId32, zone.begins[k], zone.offsets[k]);
    printf("\n");
    tlw_zone_unload(&zone);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) return print_zones(argc - 1, argv + 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_calendar_both_ways),  cmocka_unit_test(test_rules_against_the_c_library),
      cmocka_unit_test(test_summer_without_end),  cmocka_unit_test(test_rules_that_are_none),
      cmocka_unit_test(test_made_file),           cmocka_unit_test(test_rule_from_the_last_change_on),
      cmocka_unit_test(test_far_changes),         cmocka_unit_test(test_cursor),
      cmocka_unit_test(test_wrong_files),         cmocka_unit_test(test_hostile_files),
      cmocka_unit_test(test_hostile_rules),       cmocka_unit_test(test_names),
      cmocka_unit_test(test_files_by_name),       cmocka_unit_test(test_local_times),
      cmocka_unit_test(test_zones_of_the_system),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
