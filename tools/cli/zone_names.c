#include "zone_names.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "nearest.h"

#define DEFAULT_FOLDER "/usr/share/zoneinfo"
#define MOST_DEPTH 3
#define PATH_SIZE 512
#define WORD_SIZE 32 /* as long as names are compared */

/* What zones are called that have another name. Where a letter more or less makes a zone of them, it is another one. */
static const struct {
  const char *called, *name;
} known[] = {
    {"EDT", "America/New_York"},  {"CST", "America/Chicago"},     {"CDT", "America/Chicago"},
    {"MDT", "America/Denver"},    {"PST", "America/Los_Angeles"}, {"PDT", "America/Los_Angeles"},
    {"BST", "Europe/London"},     {"CEST", "Europe/Berlin"},      {"EEST", "Europe/Helsinki"},
    {"MSK", "Europe/Moscow"},     {"IST", "Asia/Kolkata"},        {"SGT", "Asia/Singapore"},
    {"HKT", "Asia/Hong_Kong"},    {"JST", "Asia/Tokyo"},          {"KST", "Asia/Seoul"},
    {"AEST", "Australia/Sydney"}, {"AEDT", "Australia/Sydney"},   {"UTC+05:30", "Asia/Kolkata"},
    {"+05:30", "Asia/Kolkata"},
};

/* A search by the whole name, and one by what stands behind its last slash. */
struct search {
  char city[WORD_SIZE + 1];
  cli_nearest by_name, by_city;
  char name_found[CLI_ZONE_NAME_SIZE], city_found[CLI_ZONE_NAME_SIZE];
};

static const char *city_of(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash ? slash + 1 : name;
}

/* What is near is copied: the name does not last. A whole name is near only if its city is. */
static void try_name(struct search *s, const char *name) {
  const char *city = city_of(name);
  cli_nearest alike;
  cli_nearest_start(&alike, s->city);
  cli_nearest_try(&alike, city);
  if (alike.best) cli_nearest_try(&s->by_name, name);
  if (s->by_name.best == name) snprintf(s->name_found, sizeof s->name_found, "%s", name);
  cli_nearest_try(&s->by_city, city);
  if (s->by_city.best == city) snprintf(s->city_found, sizeof s->city_found, "%s", name);
  if (s->by_name.best) s->by_name.best = s->name_found;
  if (s->by_city.best) s->by_city.best = s->city_found;
}

/* Folders of the same zones once more, with leap seconds or under other names; and files that are no zones. */
static int is_passed_over(const char *entry) {
  return entry[0] == '.' || strcmp(entry, "posix") == 0 || strcmp(entry, "right") == 0 || strchr(entry, '.') ||
         entry[0] < 'A' || entry[0] > 'Z';
}

static void search_folder(struct search *s, const char *path, const char *prefix, int depth);

/* path: the folder that has the entry; prefix: the part of it that belongs to names. */
static void search_entry(struct search *s, const char *path, const char *prefix, const char *entry, int depth) {
  char inside[PATH_SIZE], name[CLI_ZONE_NAME_SIZE];
  struct stat info;
  const int length = snprintf(inside, sizeof inside, "%s/%s", path, entry);
  const int name_length = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", entry);
  if (is_passed_over(entry) || length >= (int)sizeof inside || name_length >= (int)sizeof name) return;
  if (stat(inside, &info) != 0) return;
  if (S_ISREG(info.st_mode)) try_name(s, name);
  if (S_ISDIR(info.st_mode) && depth < MOST_DEPTH) search_folder(s, inside, name, depth + 1);
}

/* In order of names, so that of two that are as near it is always the same. */
static void search_folder(struct search *s, const char *path, const char *prefix, int depth) {
  struct dirent **entries;
  const int n = scandir(path, &entries, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    search_entry(s, path, prefix, entries[i]->d_name, depth);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
}

static const char *zone_folder(void) {
  const char *folder = secure_getenv("TZDIR");
  return folder && *folder ? folder : DEFAULT_FOLDER;
}

/* tzdata.zi begins with "# version 2024a". */
const char *cli_zone_version(char out[CLI_ZONE_VERSION_SIZE]) {
  char path[PATH_SIZE], line[64] = "";
  const int length = snprintf(path, sizeof path, "%s/tzdata.zi", zone_folder());
  FILE *file = length < (int)sizeof path ? fopen(path, "re") : NULL;
  if (file && !fgets(line, sizeof line, file)) line[0] = 0;
  if (file) fclose(file);
  if (sscanf(line, "# version %31[0-9A-Za-z-]", out) != 1) snprintf(out, CLI_ZONE_VERSION_SIZE, "unknown");
  return out;
}

static int is_zone(const char *name) {
  char path[PATH_SIZE];
  struct stat info;
  const int length = snprintf(path, sizeof path, "%s/%s", zone_folder(), name);
  return length < (int)sizeof path && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static const char *find_known(const char *name) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcasecmp(known[i].called, name) == 0) return known[i].name;
  return NULL;
}

/* UTC+2, +02 and GMT+0200 are Etc/GMT-2: names of zones have the sign the other way round. Whole hours alone have one. */
static int find_offset(const char *name, char out[CLI_ZONE_NAME_SIZE]) {
  if (strncasecmp(name, "UTC", 3) == 0 || strncasecmp(name, "GMT", 3) == 0) name += 3;
  const char sign = *name++;
  const size_t digits = strspn(name, "0123456789"), hour_digits = digits == 4 ? 2 : digits;
  if ((sign != '+' && sign != '-') || hour_digits < 1 || hour_digits > 2) return 0;
  const char *minutes = name + hour_digits;
  if (*minutes && strcmp(minutes, "00") != 0 && strcmp(minutes, ":00") != 0) return 0;
  const int hours = hour_digits == 2 ? 10 * (name[0] - '0') + name[1] - '0' : name[0] - '0';
  snprintf(out, CLI_ZONE_NAME_SIZE, hours == 0 ? "UTC" : "Etc/GMT%c%d", sign == '+' ? '-' : '+', hours);
  return 1;
}

int cli_zone_nearest(const char *name, char out[CLI_ZONE_NAME_SIZE]) {
  const char *meant = find_known(name);
  if (meant) snprintf(out, CLI_ZONE_NAME_SIZE, "%s", meant);
  if (meant || find_offset(name, out)) return is_zone(out);
  struct search s = {{0}, {0}, {0}, {0}, {0}};
  snprintf(s.city, sizeof s.city, "%.*s", WORD_SIZE, city_of(name));
  for (char *c = s.city; *c; c++)
    if (*c == ' ') *c = '_';
  cli_nearest_start(&s.by_name, name);
  cli_nearest_start(&s.by_city, s.city);
  search_folder(&s, zone_folder(), "", 0);
  if (!s.by_name.best && !s.by_city.best) return 0;
  snprintf(out, CLI_ZONE_NAME_SIZE, "%s", s.by_name.best ? s.name_found : s.city_found);
  return 1;
}
