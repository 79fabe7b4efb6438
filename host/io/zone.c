#include "zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "time_text.h"
#include "zone_rule.h"

#define DEFAULT_FOLDER "/usr/share/zoneinfo"
#define HEADER_SIZE 44
#define TYPE_SIZE 6
#define MOST_OFFSET (26 * 3600 - 1)

/* The seconds that nanoseconds of 64 bits reach, all of them included. */
#define FIRST_SECOND INT64_C(-9223372037)
#define END_SECOND INT64_C(9223372037)
/* The years whose summers reach them. */
#define FIRST_YEAR 1676
#define LAST_YEAR 2262

void tlw_zone_utc(struct tlw_zone *zone) {
  static const int64_t begins[1] = {INT64_MIN};
  static const int32_t offsets[1] = {0};
  *zone = (struct tlw_zone){.begins = begins, .offsets = offsets, .count = 1};
}

void tlw_zone_unload(struct tlw_zone *zone) {
  tlw_heap_free(zone->memory, zone->block, zone->size);
  *zone = (struct tlw_zone){0};
}

/* ---- the bytes of a file ---- */

/* A part of a file: a header and what it counts. */
struct part {
  int32_t time_size; /* bytes of a time: 4 or 8 */
  uint32_t times, types;
  bool counts_leap_seconds;
  const unsigned char *time, *kind, *type;
  const unsigned char *end;
};

static uint32_t read_u32(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_time(const struct part *part, uint32_t i) {
  const unsigned char *at = part->time + (size_t)i * (size_t)part->time_size;
  if (part->time_size == 4) return (int32_t)read_u32(at);
  return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

static int32_t read_offset(const struct part *part, uint32_t type) {
  return (int32_t)read_u32(part->type + (size_t)type * TYPE_SIZE);
}

/* Finds the parts of what begins at bytes. What is wrong with it, or NULL. */
static const char *find_part(struct part *part, const unsigned char *bytes, const unsigned char *end,
                             int32_t time_size) {
  if (end - bytes < HEADER_SIZE) return "is cut off";
  if (memcmp(bytes, "TZif", 4) != 0) return "is not a time zone file";
  uint64_t count[6]; /* indicators of UTC and of standard time, leap seconds, times, types, letters */
  for (int i = 0; i < 6; i++) count[i] = read_u32(bytes + 20 + 4 * i);
  for (int i = 0; i < 6; i++)
    if (count[i] > TLW_ZONE_FILE_MOST) return "is cut off";
  const uint64_t times = count[3] * (uint64_t)time_size, types = count[4] * TYPE_SIZE;
  const uint64_t leaps = count[2] * (uint64_t)(time_size + 4);
  const uint64_t size = times + count[3] + types + count[5] + leaps + count[1] + count[0];
  if (size > (uint64_t)(end - bytes - HEADER_SIZE)) return "is cut off";
  *part = (struct part){.time_size = time_size, .times = (uint32_t)count[3], .types = (uint32_t)count[4]};
  part->counts_leap_seconds = count[2] > 0;
  part->time = bytes + HEADER_SIZE;
  part->kind = part->time + times;
  part->type = part->kind + count[3];
  part->end = bytes + HEADER_SIZE + size;
  return NULL;
}

static const char *check_part(const struct part *part) {
  if (part->counts_leap_seconds) return "counts leap seconds, which times since 1970 do not";
  if (part->types == 0 || part->types > 256) return "has no local time, or too many";
  for (uint32_t i = 0; i < part->types; i++) {
    const int32_t offset = read_offset(part, i);
    if (offset < -MOST_OFFSET || offset > MOST_OFFSET) return "has an offset of more than a day";
  }
  for (uint32_t i = 0; i < part->times; i++) {
    if (part->kind[i] >= part->types) return "refers to a local time that it does not have";
    if (i > 0 && read_time(part, i) <= read_time(part, i - 1)) return "has changes that are not in order";
  }
  return NULL;
}

/* The rule at the end of a file, between two line ends; none where that is empty. */
static const char *find_rule(struct tlw_zone_rule *rule, bool *has_rule, const unsigned char *begin,
                             const unsigned char *end) {
  if (begin == end || *begin != '\n') return "lacks the rule at its end";
  begin++;
  const unsigned char *const newline = memchr(begin, '\n', (size_t)(end - begin));
  if (!newline) return "lacks the rule at its end";
  *has_rule = newline > begin;
  if (*has_rule && !tlw_zone_rule_read(rule, (const char *)begin, (size_t)(newline - begin)))
    return "ends with a rule that can't be read";
  return NULL;
}

struct file {
  struct part part;
  struct tlw_zone_rule rule;
  bool has_rule;
};

static const char *find_all(struct file *file, const unsigned char *bytes, size_t size) {
  const unsigned char *const end = bytes + size;
  const char *wrong = find_part(&file->part, bytes, end, 4);
  if (wrong) return wrong;
  const unsigned char version = bytes[4];
  if (version != 0 && (version < '2' || version > '4')) return "is of a version that is not known";
  if (version != 0) {
    wrong = find_part(&file->part, file->part.end, end, 8);
    if (!wrong) wrong = find_rule(&file->rule, &file->has_rule, file->part.end, end);
  }
  return wrong ? wrong : check_part(&file->part);
}

/* ---- changes ---- */

struct changes {
  int64_t *begins;
  int32_t *offsets;
  int32_t count;
};

/* From this time on, whatever was said of later ones. */
static void put(struct changes *changes, int64_t time, int32_t offset) {
  if (time >= END_SECOND) return;
  if (time <= FIRST_SECOND) time = INT64_MIN;
  while (changes->count > 0 && changes->begins[changes->count - 1] >= time) changes->count--;
  if (changes->count > 0 && changes->offsets[changes->count - 1] == offset) return;
  changes->begins[changes->count] = time;
  changes->offsets[changes->count++] = offset;
}

static int32_t year_of(int64_t seconds) {
  if (seconds < FIRST_SECOND) return FIRST_YEAR;
  if (seconds >= END_SECOND) return LAST_YEAR;
  return tlw_time_date_of(seconds / TLW_TIME_DAY - (seconds % TLW_TIME_DAY < 0)).year;
}

/* What the rule says from a time on. */
static void put_rule(struct changes *changes, const struct tlw_zone_rule *rule, int64_t from) {
  put(changes, from, rule->standard);
  if (!rule->has_summer) return;
  for (int32_t year = year_of(from) - 1; year <= LAST_YEAR; year++) {
    int64_t begin = 0, end = 0;
    tlw_zone_rule_summer(rule, year, &begin, &end);
    if (begin >= end || end <= from) continue;
    put(changes, begin > from ? begin : from, rule->summer);
    put(changes, end, rule->standard);
  }
}

static void put_all(struct changes *changes, const struct file *file) {
  const struct part *const part = &file->part;
  put(changes, INT64_MIN, read_offset(part, 0));
  for (uint32_t i = 0; i < part->times; i++) put(changes, read_time(part, i), read_offset(part, part->kind[i]));
  if (file->has_rule) put_rule(changes, &file->rule, part->times ? read_time(part, part->times - 1) : INT64_MIN);
}

static size_t most_changes(const struct file *file) {
  const bool has_summers = file->has_rule && file->rule.has_summer;
  return 2 + (size_t)file->part.times + (has_summers ? 2 * (LAST_YEAR - FIRST_YEAR + 2) : 0);
}

tlw_status tlw_zone_read(struct tlw_zone *zone, const unsigned char *bytes, size_t size, const char *name,
                         struct tlw_memory *memory, tlw_error *error) {
  struct file file = {0};
  const char *const wrong =
      size > TLW_ZONE_FILE_MOST ? "is too long for a time zone file" : find_all(&file, bytes, size);
  if (wrong)
    return tlw_fail(error, TLW_ERR_DATA, "%s: %s: choose another zone, or install the system's tzdata again", name,
                    wrong);
  const size_t most = most_changes(&file), block_size = most * (sizeof(int64_t) + sizeof(int32_t));
  void *const block = tlw_heap_alloc(memory, block_size, "a time zone", error);
  if (!block) return error->code;
  struct changes changes = {.begins = block, .offsets = (int32_t *)((int64_t *)block + most)};
  put_all(&changes, &file);
  *zone = (struct tlw_zone){.begins = changes.begins,
                            .offsets = changes.offsets,
                            .count = changes.count,
                            .memory = memory,
                            .block = block,
                            .size = block_size};
  return TLW_OK;
}

/* ---- by name ---- */

static bool is_name_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
}

/* Parts of letters, / between them: so it can't leave the folder. */
static bool is_name(const char *name) {
  char before = '/';
  for (const char *at = name; *at; before = *at++)
    if (at - name >= TLW_ZONE_NAME_MOST || !(is_name_letter(*at) || (*at == '/' && before != '/'))) return false;
  return before != '/';
}

static tlw_status read_file(struct tlw_zone *zone, const char *path, struct tlw_feed *feed, struct tlw_memory *memory,
                            tlw_error *error) {
  tlw_status status = tlw_feed_open(feed, path, error);
  if (status == TLW_OK) status = tlw_feed_peek(feed, TLW_FEED_AHEAD, error);
  if (status == TLW_OK)
    status = tlw_zone_read(zone, tlw_feed_bytes(feed), tlw_feed_left(feed), feed->name, memory, error);
  tlw_feed_close(feed);
  return status;
}

static tlw_status read_path(struct tlw_zone *zone, const char *path, struct tlw_memory *memory, tlw_error *error) {
  struct tlw_feed *const feed = tlw_heap_alloc(memory, sizeof *feed, "reading a time zone", error);
  if (!feed) return error->code;
  memset(feed, 0, sizeof *feed);
  const tlw_status status = read_file(zone, path, feed, memory, error);
  tlw_heap_free(memory, feed, sizeof *feed);
  return status;
}

tlw_status tlw_zone_load(struct tlw_zone *zone, const char *name, struct tlw_memory *memory, tlw_error *error) {
  char shown[TLW_SHOWN_SIZE], shown_folder[TLW_SHOWN_PATH_SIZE];
  if (!is_name(name))
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "'%s' is not the name of a time zone: write one such as Europe/Berlin or UTC",
                    tlw_show_text(shown, sizeof shown, name, strlen(name)));
  tlw_zone_utc(zone);
  if (strcmp(name, "UTC") == 0) return TLW_OK;
  const char *folder = secure_getenv("TZDIR");
  if (!folder || !*folder) folder = DEFAULT_FOLDER;
  const size_t folder_length = strlen(folder), name_length = strlen(name), size = folder_length + 1 + name_length + 1;
  char *const path = tlw_heap_alloc(memory, size, "the path of a time zone", error);
  if (!path) return error->code;
  memcpy(path, folder, folder_length);
  path[folder_length] = '/';
  memcpy(path + folder_length + 1, name, name_length + 1);
  const tlw_status status = read_path(zone, path, memory, error);
  tlw_heap_free(memory, path, size);
  if (status != TLW_ERR_NOT_FOUND) return status;
  return tlw_fail_native(error, TLW_ERR_NOT_FOUND, error->native,
                         "there is no time zone '%s' in %s: write one such as Europe/Berlin or UTC, and install tzdata "
                         "if it lacks (TZDIR names another folder)",
                         tlw_show_text(shown, sizeof shown, name, name_length), tlw_show_path(shown_folder, folder));
}

/* ---- look-up ---- */

static struct tlw_zone_span span_of(const struct tlw_zone *zone, int32_t i) {
  return (struct tlw_zone_span){.begin = zone->begins[i],
                                .end = i + 1 < zone->count ? zone->begins[i + 1] : INT64_MAX,
                                .offset = zone->offsets[i],
                                .next = i + 1};
}

struct tlw_zone_span tlw_zone_span_at(const struct tlw_zone *zone, int64_t seconds) {
  int32_t low = 0, high = zone->count; /* begins[low] <= seconds < begins[high] */
  while (high - low > 1) {
    const int32_t middle = low + (high - low) / 2;
    if (zone->begins[middle] <= seconds)
      low = middle;
    else
      high = middle;
  }
  return span_of(zone, low);
}

struct tlw_zone_span tlw_zone_span_after(const struct tlw_zone *zone, const struct tlw_zone_span *span) {
  return span_of(zone, span->next);
}

/* ---- zones of the caller's ---- */

tlw_status tlw_zone_open(tlw_zone **out, const char *name, tlw_error *error) {
  if (!out) return tlw_fail(error, TLW_ERR_ARGUMENT, "zone is NULL: pass the address of a tlw_zone pointer");
  *out = NULL;
  if (!name) return tlw_fail(error, TLW_ERR_ARGUMENT, "name is NULL: name a zone such as UTC or Europe/Berlin");
  tlw_error failure;
  tlw_zone *zone = tlw_heap_alloc(NULL, sizeof *zone, "a time zone", &failure);
  tlw_status status = zone ? tlw_zone_load(zone, name, NULL, &failure) : failure.code;
  if (status == TLW_OK) {
    *out = zone;
    return TLW_OK;
  }
  tlw_heap_free(NULL, zone, sizeof *zone);
  if (error) *error = failure;
  return status;
}

void tlw_zone_close(tlw_zone **zone) {
  if (!zone || !*zone) return;
  tlw_zone_unload(*zone);
  tlw_heap_free(NULL, *zone, sizeof **zone);
  *zone = NULL;
}

int64_t tlw_zone_local(const tlw_zone *zone, int64_t time) {
  const int64_t second = INT64_C(1000000000), seconds = time / second - (time % second < 0);
  const int64_t ahead = (zone ? tlw_zone_span_at(zone, seconds).offset : 0) * second;
  if (ahead > 0) return time > INT64_MAX - ahead ? INT64_MAX : time + ahead;
  return time < INT64_MIN - ahead ? INT64_MIN : time + ahead;
}
