#include "value.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nearest.h"
#include "report.h"
#include "tallow/csv.h"

#define NAME_SIZE 128
#define EXPECTED_SIZE 384
#define PIECE_SIZE 256

/* ---- numbers ---- */

/* Reads digits alone, at least one. Returns what follows, or NULL. */
static const char *read_digits(const char *text, uint64_t *number) {
  const char *c = text;
  for (*number = 0; *c >= '0' && *c <= '9'; c++) {
    uint64_t digit = (uint64_t)(*c - '0');
    if (*number > (UINT64_MAX - digit) / 10) return NULL;
    *number = *number * 10 + digit;
  }
  return c == text ? NULL : c;
}

static int read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number) {
  const char *end = read_digits(text, number);
  return end && *end == 0 && *number >= least && *number <= most;
}

static int read_size(const cli_option *option, const char *text, cli_value *value) {
  uint64_t width, height;
  const char *end = read_digits(text, &width);
  if (!end || (*end != 'x' && *end != 'X')) return 0;
  if (width < option->least || width > option->most) return 0;
  if (!read_number(end + 1, option->least, option->most, &height)) return 0;
  value->width = (int32_t)width;
  value->height = (int32_t)height;
  return 1;
}

/* Reads a point and up to 6 digits, as millionths; nothing is 0. Returns what follows, or NULL. */
static const char *read_millionths(const char *text, uint64_t *millionths) {
  *millionths = 0;
  if (*text != '.') return text;
  uint64_t number;
  const char *end = read_digits(text + 1, &number);
  if (!end || end - text > 7) return NULL;
  for (long digits = end - text - 1; digits < 6; digits++) number *= 10;
  *millionths = number;
  return end;
}

/* 512MiB, 1.5 GiB, 800mb, 4096. Parts of a byte are dropped, but there must be a unit where there is a point. */
static int read_bytes(const cli_option *option, const char *text, uint64_t *number) {
  uint64_t whole, millionths;
  const char *end = read_digits(text, &whole);
  if (!end) return 0;
  const char *unit_name = read_millionths(end, &millionths);
  if (!unit_name) return 0;
  if (*unit_name == ' ') unit_name++;
  const cli_unit *unit = cli_byte_units;
  while (unit->name && strcasecmp(unit->name, unit_name) != 0) unit++;
  if (!unit->name || (unit->size == 1 && *end == '.')) return 0;
  const uint64_t part = millionths * unit->size / 1000000; /* below 2^60 before the division */
  if (whole > (UINT64_MAX - part) / unit->size) return 0;
  *number = whole * unit->size + part;
  return *number >= option->least && *number <= option->most;
}

static int read_duration(const cli_option *option, const char *text, uint64_t *number) {
  static const cli_unit units[] = {{"ns", 1},
                                   {"us", UINT64_C(1000)},
                                   {"ms", UINT64_C(1000000)},
                                   {"s", UINT64_C(1000000000)},
                                   {"m", UINT64_C(60000000000)},
                                   {"h", UINT64_C(3600000000000)},
                                   {"d", UINT64_C(86400000000000)},
                                   {"w", UINT64_C(604800000000000)},
                                   {NULL, 0}};
  const char *end = read_digits(text, number);
  if (!end) return 0;
  const cli_unit *unit = units;
  while (unit->name && strcmp(unit->name, end) != 0) unit++;
  if (!unit->name || *number > UINT64_MAX / unit->size) return 0;
  *number *= unit->size;
  return *number >= option->least && *number <= option->most;
}

static int read_stream(const char *text, uint64_t most, uint64_t *number) {
  if (!read_number(text, 0, most, number)) return 0;
  const int flags = fcntl((int)*number, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/* #FF9F1C, ff9f1c, auto */
static int read_color(const char *text, uint64_t *number) {
  const char *digits = text + (*text == '#');
  *number = CLI_COLOR_AUTO;
  if (strcasecmp(text, "auto") == 0) return 1;
  if (strlen(digits) != 6 || strspn(digits, "0123456789abcdefABCDEF") != 6) return 0;
  *number = strtoul(digits, NULL, 16);
  return 1;
}

/* Words that are as good as a name. */
static const struct {
  const char *word, *name;
} same_words[] = {
    {",", "comma"}, {";", "semicolon"}, {"\t", "tab"}, {"\\t", "tab"}, {"|", "pipe"},    {".", "point"},
    {"yes", "on"},  {"true", "on"},     {"1", "on"},   {"no", "off"},  {"false", "off"}, {"0", "off"},
    {"on", "yes"},  {"true", "yes"},    {"1", "yes"},  {"off", "no"},  {"false", "no"},  {"0", "no"},
};

static int index_of_name(const char *word, cli_names names) {
  for (int i = 0; names(i); i++)
    if (strcasecmp(names(i), word) == 0) return i;
  return -1;
}

static int index_of_word(const char *word, cli_names names) {
  int index = index_of_name(word, names);
  for (size_t i = 0; index < 0 && i < sizeof same_words / sizeof *same_words; i++)
    if (strcasecmp(same_words[i].word, word) == 0) index = index_of_name(same_words[i].name, names);
  return index;
}

/* ---- what is wrong ---- */

cli_exit cli_origin_fail(const cli_origin *origin, const char *meant, const char *format, ...) {
  char wrong[1024], hint[128] = "";
  va_list args;
  va_start(args, format);
  vsnprintf(wrong, sizeof wrong, format, args);
  va_end(args);
  if (meant) snprintf(hint, sizeof hint, "; did you mean %s?", meant);
  if (origin->place) return cli_fail(CLI_DATA, "%s: %s%s", origin->place, wrong, hint);
  return cli_fail(CLI_USAGE, "%s%s try 'tallow %s --help'", wrong, meant ? hint : ";", origin->command);
}

/* "--size", or "left of --margins"; in a file they have no dashes. */
static void put_name(const cli_origin *origin, const cli_option *option, char out[NAME_SIZE]) {
  const char *dashes = origin->place ? "" : "--";
  if (origin->within)
    snprintf(out, NAME_SIZE, "%s of %s%s", option->name, dashes, origin->within);
  else
    snprintf(out, NAME_SIZE, "%s%s", dashes, option->name);
}

static const char *between(int is_first, int is_last, const char *last) {
  return is_first ? "" : is_last ? last : ", ";
}

/* "a, b or c" */
static void list_names(cli_names names, char *out, size_t size) {
  size_t used = 0;
  out[0] = 0;
  for (int i = 0; names(i) && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s%s", between(i == 0, !names(i + 1), " or "), names(i));
}

/* "a, b and c" */
static void list_parts(const cli_option *option, char *out, size_t size) {
  size_t used = 0;
  out[0] = 0;
  for (int i = 0; i < option->n_parts && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s%s", between(i == 0, i == option->n_parts - 1, " and "),
                             option->parts[i].name);
}

static void expect_number(const cli_option *option, char out[EXPECTED_SIZE]) {
  if (option->most >= INT64_MAX)
    snprintf(out, EXPECTED_SIZE, "a whole number, %" PRIu64 " or more and below 2^%d", option->least,
             option->most == INT64_MAX ? 63 : 64);
  else
    snprintf(out, EXPECTED_SIZE, "a whole number from %" PRIu64 " to %" PRIu64, option->least, option->most);
}

static void expect(const cli_origin *origin, const cli_option *option, char out[EXPECTED_SIZE]);

static void expect_parts(const cli_origin *origin, const cli_option *option, char out[EXPECTED_SIZE]) {
  char parts[EXPECTED_SIZE];
  const int is_list = option->kind == CLI_LIST;
  if (is_list)
    expect(origin, option->parts, parts);
  else
    list_parts(option, parts, sizeof parts);
  if (is_list && origin->place)
    snprintf(out, EXPECTED_SIZE, "a list of at most %d, each %.256s", CLI_PARTS_MAX, parts);
  else if (is_list)
    snprintf(out, EXPECTED_SIZE, "at most %d between commas, each %.256s", CLI_PARTS_MAX, parts);
  else if (origin->place)
    snprintf(out, EXPECTED_SIZE, "an object of %.256s", parts);
  else
    snprintf(out, EXPECTED_SIZE, "%s, of %.256s", option->metavar, parts);
}

/* What the value must be. */
/* In the greatest unit of which they are a whole number. */
static void put_duration(uint64_t nanoseconds, char *out, size_t size) {
  static const struct {
    const char *name;
    uint64_t most; /* that make one of the next */
  } units[] = {{"ns", 1000}, {"us", 1000}, {"ms", 1000}, {"s", 60}, {"m", 60}, {"h", 24}, {"d", 0}};
  int i = 0;
  while (units[i].most && nanoseconds % units[i].most == 0) nanoseconds /= units[i++].most;
  snprintf(out, size, "%" PRIu64 "%s", nanoseconds, units[i].name);
}

static void expect_duration(const cli_option *option, char out[EXPECTED_SIZE]) {
  char least[32], most[32];
  put_duration(option->least, least, sizeof least);
  put_duration(option->most, most, sizeof most);
  snprintf(out, EXPECTED_SIZE, "a whole number with ns, us, ms, s, m, h, d or w, such as 5m, from %s to %s", least,
           most);
}

static void expect(const cli_origin *origin, const cli_option *option, char out[EXPECTED_SIZE]) {
  const char *text = "";
  switch (option->kind) {
  case CLI_FLAG:
    text = "true or false";
    break;
  case CLI_TEXT:
    text = "text";
    break;
  case CLI_CHOICE:
    list_names(option->choices, out, EXPECTED_SIZE);
    if (!origin->place || option->choices != cli_switch_name) return;
    text = "true or false";
    break;
  case CLI_NUMBER:
    expect_number(option, out);
    return;
  case CLI_SIZE:
    snprintf(out, EXPECTED_SIZE, "WIDTHxHEIGHT, such as 1280x720, each side %" PRIu64 " to %" PRIu64, option->least,
             option->most);
    return;
  case CLI_BYTES:
    text = "a number of bytes below 2^64, such as 512MiB, 1.5GiB or 800MB";
    break;
  case CLI_TIME:
    text = "a time, such as 2022-01-31 or 2022-01-31T09:30:00Z";
    break;
  case CLI_DURATION:
    expect_duration(option, out);
    return;
  case CLI_STREAM:
    text = "the number of a descriptor that is open for writing, such as 3 with 3>progress.jsonl";
    break;
  case CLI_COLOR:
    text = "a colour, such as FF9F1C or auto";
    break;
  case CLI_LIST:
  case CLI_MEMBERS:
    expect_parts(origin, option, out);
    return;
  }
  snprintf(out, EXPECTED_SIZE, "%s", text);
}

cli_exit cli_value_refuse(const cli_origin *origin, const cli_option *option, const char *how) {
  char name[NAME_SIZE], expected[EXPECTED_SIZE];
  put_name(origin, option, name);
  expect(origin, option, expected);
  return cli_origin_fail(origin, NULL, "%s must be %s%s, not %s", name, expected, how, origin->shown);
}

static cli_exit fail_value(const cli_origin *origin, const cli_option *option, const char *text) {
  char quoted[256];
  cli_origin shown = *origin;
  snprintf(quoted, sizeof quoted, "'%.200s'", text);
  if (!shown.shown) shown.shown = quoted;
  return cli_value_refuse(&shown, option, "");
}

/* ---- names ---- */

static const char *nearest_name(const char *word, cli_names names) {
  cli_nearest nearest;
  cli_nearest_start(&nearest, word);
  for (int i = 0; names(i); i++) cli_nearest_try(&nearest, names(i));
  return nearest.best;
}

int cli_find_name(const char *what, const char *word, cli_names names, const char *command) {
  const int index = index_of_word(word, names);
  if (index >= 0) return index;
  char list[EXPECTED_SIZE];
  list_names(names, list, sizeof list);
  const cli_origin origin = {.command = command};
  cli_origin_fail(&origin, nearest_name(word, names), "%s must be %s, not '%.200s'", what, list, word);
  return -1;
}

/* A word for more than one backend. */
static int is_gpu(const char *word, cli_names names) {
  return strcasecmp(word, "gpu") == 0 && index_of_name("cuda", names) >= 0;
}

static cli_exit read_choice(const cli_origin *origin, const cli_option *option, const char *text, uint64_t *choice) {
  const int index = index_of_word(text, option->choices);
  *choice = (uint64_t)(index < 0 ? 0 : index);
  if (index >= 0) return CLI_OK;
  const char *meant = is_gpu(text, option->choices) ? "cuda or opencl" : nearest_name(text, option->choices);
  if (!meant || (origin->place && option->choices == cli_switch_name)) return fail_value(origin, option, text);
  char name[NAME_SIZE], expected[EXPECTED_SIZE];
  put_name(origin, option, name);
  expect(origin, option, expected);
  if (origin->shown) return cli_origin_fail(origin, meant, "%s must be %s, not %s", name, expected, origin->shown);
  return cli_origin_fail(origin, meant, "%s must be %s, not '%.200s'", name, expected, text);
}

int cli_is_also(const char *also, const char *word) {
  char between_blanks[66];
  snprintf(between_blanks, sizeof between_blanks, " %.63s ", word);
  return also && *word && strcasestr(also, between_blanks);
}

/* ---- times ---- */

/* An epoch of four digits is a year that someone meant. */
static int is_year(const char *text) { return strlen(text) == 4 && strspn(text, "0123456789") == 4; }

static cli_exit read_time(const cli_origin *origin, const cli_option *option, const char *text, int64_t *time) {
  char name[NAME_SIZE];
  tlw_error error;
  put_name(origin, option, name);
  if (is_year(text))
    return cli_origin_fail(origin, NULL, "%s must be a time, not a year alone: write YYYY-01-01, not '%s'", name, text);
  if (tlw_time_parse(text, time, &error) == TLW_OK) return CLI_OK;
  return cli_origin_fail(origin, NULL, "%s: %s", name, error.message);
}

/* ---- parts ---- */

const cli_option *cli_find_part(const cli_option *option, const char *name, size_t length) {
  for (int i = 0; i < option->n_parts; i++)
    if (strncmp(option->parts[i].name, name, length) == 0 && option->parts[i].name[length] == 0)
      return &option->parts[i];
  return NULL;
}

/* What stands at *at ahead of a comma or the end; goes behind it. 0: it is too long. */
static int take_piece(const char **at, char piece[PIECE_SIZE]) {
  const size_t length = strcspn(*at, ",");
  if (length >= PIECE_SIZE) return 0;
  memcpy(piece, *at, length);
  piece[length] = 0;
  *at += length;
  return 1;
}

/* text: a copy of what ends ahead of `end`. */
static cli_exit read_part(const cli_origin *origin, const cli_option *option, const cli_option *part, const char *text,
                          const char *end, cli_part *out) {
  const cli_origin inside = {.command = origin->command, .within = option->name};
  const int length = (int)strlen(text);
  cli_value value = {0};
  const cli_exit code = cli_value_read(&inside, part, text, &value);
  *out = (cli_part){.given = 1, .number = value.number, .text = end - length, .length = length};
  return code;
}

/* a,b,c */
static cli_exit read_list(const cli_origin *origin, const cli_option *option, const char *text, cli_value *value) {
  char piece[PIECE_SIZE];
  const char *at = text;
  cli_exit code = CLI_OK;
  do {
    if (value->n_parts == CLI_PARTS_MAX || !take_piece(&at, piece)) return fail_value(origin, option, text);
    code = read_part(origin, option, option->parts, piece, at, &value->parts[value->n_parts++]);
  } while (!code && *at++ == ',');
  return code;
}

/* name=a,other=b */
static cli_exit read_members(const cli_origin *origin, const cli_option *option, const char *text, cli_value *value) {
  char piece[PIECE_SIZE];
  const char *at = text;
  cli_exit code = CLI_OK;
  do {
    if (!take_piece(&at, piece)) return fail_value(origin, option, text);
    const size_t length = strcspn(piece, "=");
    const cli_option *part = cli_find_part(option, piece, length);
    if (!part || piece[length] == 0) return fail_value(origin, option, text);
    cli_part *out = &value->parts[part - option->parts];
    if (out->given) return cli_origin_fail(origin, NULL, "--%s has %s twice: give it once", option->name, part->name);
    code = read_part(origin, option, part, piece + length + 1, at, out);
  } while (!code && *at++ == ',');
  return code;
}

/* ---- values ---- */

/* CLI_CHOICE, CLI_TIME and what has parts say more where they fail. */
static int read_plain(const cli_option *option, const char *text, cli_value *value) {
  switch (option->kind) {
  case CLI_FLAG:
    value->number = 1;
    return 1;
  case CLI_NUMBER:
    return read_number(text, option->least, option->most, &value->number);
  case CLI_SIZE:
    return read_size(option, text, value);
  case CLI_BYTES:
    return read_bytes(option, text, &value->number);
  case CLI_DURATION:
    return read_duration(option, text, &value->number);
  case CLI_STREAM:
    return read_stream(text, option->most, &value->number);
  case CLI_COLOR:
    return read_color(text, &value->number);
  default:
    return *text != 0;
  }
}

cli_exit cli_value_read(const cli_origin *origin, const cli_option *option, const char *text, cli_value *value) {
  char name[NAME_SIZE];
  value->text = text;
  switch (option->kind) {
  case CLI_CHOICE:
    return read_choice(origin, option, text, &value->number);
  case CLI_TIME:
    return read_time(origin, option, text, &value->time);
  case CLI_LIST:
    return read_list(origin, option, text, value);
  case CLI_MEMBERS:
    return read_members(origin, option, text, value);
  case CLI_TEXT:
    put_name(origin, option, name);
    if (*text || option->clears) return CLI_OK;
    return cli_origin_fail(origin, NULL, "%s must not be empty", name);
  default:
    return read_plain(option, text, value) ? CLI_OK : fail_value(origin, option, text);
  }
}
