#include "parse.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "nearest.h"
#include "report.h"
#include "tallow/csv.h"

#define WORD_SIZE 64 /* for the name of an option */

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

/* "a, b or c" */
static void list_names(cli_names names, char *out, size_t size) {
  size_t used = 0;
  out[0] = 0;
  for (int i = 0; names(i) && used < size; i++) {
    const char *before = i == 0 ? "" : names(i + 1) ? ", " : " or ";
    used += (size_t)snprintf(out + used, size - used, "%s%s", before, names(i));
  }
}

/* Says what is wrong and where to read more. */
static cli_exit fail_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
static cli_exit fail_usage(const char *command, const char *format, ...) {
  char wrong[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(wrong, sizeof wrong, format, args);
  va_end(args);
  return cli_fail(CLI_USAGE, "%s; try 'tallow %s --help'", wrong, command);
}

/* Likewise, with the name that was meant, if one is near. */
static cli_exit fail_name(const char *command, const char *wrong, const char *dashes, const char *meant) {
  if (!meant) return fail_usage(command, "%s", wrong);
  return cli_fail(CLI_USAGE, "%s; did you mean %s%s? try 'tallow %s --help'", wrong, dashes, meant, command);
}

int cli_find_name(const char *what, const char *word, cli_names names, const char *command) {
  const int index = index_of_word(word, names);
  if (index >= 0) return index;
  char list[256], wrong[640];
  list_names(names, list, sizeof list);
  cli_nearest nearest;
  cli_nearest_start(&nearest, word);
  for (int i = 0; names(i); i++) cli_nearest_try(&nearest, names(i));
  snprintf(wrong, sizeof wrong, "%s must be %s, not '%.200s'", what, list, word);
  fail_name(command, wrong, "", nearest.best);
  return -1;
}

static cli_exit fail_value(const cli_command *command, const cli_option *option, const char *expected,
                           const char *text) {
  return fail_usage(command->name, "--%s must be %s, not '%.200s'", option->name, expected, text);
}

static cli_exit fail_number(const cli_command *command, const cli_option *option, const char *text) {
  char expected[96];
  if (option->most >= INT64_MAX)
    snprintf(expected, sizeof expected, "a whole number, %" PRIu64 " or more and below 2^%d", option->least,
             option->most == INT64_MAX ? 63 : 64);
  else
    snprintf(expected, sizeof expected, "a whole number from %" PRIu64 " to %" PRIu64, option->least, option->most);
  return fail_value(command, option, expected, text);
}

static cli_exit fail_size(const cli_command *command, const cli_option *option, const char *text) {
  char expected[128];
  snprintf(expected, sizeof expected, "WIDTHxHEIGHT, such as 1280x720, each side %" PRIu64 " to %" PRIu64,
           option->least, option->most);
  return fail_value(command, option, expected, text);
}

/* An epoch of four digits is a year that someone meant. */
static int is_year(const char *text) { return strlen(text) == 4 && strspn(text, "0123456789") == 4; }

static cli_exit read_time(const cli_command *command, const cli_option *option, const char *text, int64_t *time) {
  tlw_error error;
  if (is_year(text)) return fail_value(command, option, "a time, not a year alone: write YYYY-01-01", text);
  if (tlw_time_parse(text, time, &error) == TLW_OK) return CLI_OK;
  return fail_usage(command->name, "--%s: %s", option->name, error.message);
}

static cli_exit read_choice(const cli_command *command, const cli_option *option, const char *text, uint64_t *choice) {
  char what[64];
  snprintf(what, sizeof what, "--%s", option->name);
  int index = cli_find_name(what, text, option->choices, command->name);
  if (index < 0) return CLI_USAGE;
  *choice = (uint64_t)index;
  return CLI_OK;
}

static cli_exit read_value(const cli_command *command, const cli_option *option, const char *text, cli_value *value) {
  value->text = text;
  switch (option->kind) {
  case CLI_FLAG:
    value->number = 1;
    return CLI_OK;
  case CLI_TEXT:
    return *text ? CLI_OK : fail_usage(command->name, "--%s must not be empty", option->name);
  case CLI_CHOICE:
    return read_choice(command, option, text, &value->number);
  case CLI_NUMBER:
    if (read_number(text, option->least, option->most, &value->number)) return CLI_OK;
    return fail_number(command, option, text);
  case CLI_SIZE:
    return read_size(option, text, value) ? CLI_OK : fail_size(command, option, text);
  case CLI_BYTES:
    if (read_bytes(option, text, &value->number)) return CLI_OK;
    return fail_value(command, option, "a number of bytes below 2^64, such as 512MiB, 1.5GiB or 800MB", text);
  case CLI_TIME:
    return read_time(command, option, text, &value->time);
  case CLI_DURATION:
    if (read_duration(option, text, &value->number)) return CLI_OK;
    return fail_value(command, option, "a whole number with ns, us, ms, s, m, h, d or w, such as 5m, from 1ns to 366d",
                      text);
  case CLI_STREAM:
    if (read_stream(text, option->most, &value->number)) return CLI_OK;
    return fail_value(command, option,
                      "the number of a descriptor that is open for writing, such as 3 with 3>progress.jsonl", text);
  }
  return CLI_INTERNAL;
}

static int index_by_name(const cli_command *command, const char *name, size_t length) {
  for (int i = 0; i < command->n_options; i++)
    if (strncmp(command->options[i].name, name, length) == 0 && command->options[i].name[length] == 0) return i;
  return -1;
}

static int index_by_letter(const cli_command *command, char letter) {
  for (int i = 0; i < command->n_options; i++)
    if (command->options[i].letter == letter) return i;
  return -1;
}

/* Whether people elsewhere say word for it. */
static int is_also(const char *also, const char *word) {
  char between_blanks[WORD_SIZE + 2];
  snprintf(between_blanks, sizeof between_blanks, " %.*s ", WORD_SIZE - 1, word);
  return also && *word && strcasestr(also, between_blanks);
}

/* The name of the option that was meant; NULL if none is near. */
static const char *nearest_option(const cli_command *command, const char *word) {
  cli_nearest nearest;
  cli_nearest_start(&nearest, word);
  for (int i = 0; i < command->n_options; i++) {
    if (is_also(command->options[i].also, word)) return command->options[i].name;
    cli_nearest_try(&nearest, command->options[i].name);
  }
  return nearest.best;
}

/* ", but synth and devices have it"; nothing if no command has. */
static void list_owners(const char *name, char letter, char *out, size_t size) {
  size_t used = 0;
  int n = 0;
  out[0] = 0;
  for (int i = 0; i < cli_n_commands && used < size; i++) {
    const cli_command *c = &cli_commands[i];
    if ((name ? index_by_name(c, name, strlen(name)) : index_by_letter(c, letter)) < 0) continue;
    used += (size_t)snprintf(out + used, size - used, "%s%s", n++ ? " and " : ", but ", c->name);
  }
  if (n > 0 && used < size) snprintf(out + used, size - used, n > 1 ? " have" : " has");
}

static cli_exit fail_unknown_option(const cli_command *command, const char *name, size_t length) {
  char word[WORD_SIZE], owners[128], wrong[WORD_SIZE + 256];
  snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), name);
  if (strcmp(word, "version") == 0) return fail_usage(command->name, "--version stands alone: 'tallow --version'");
  list_owners(word, 0, owners, sizeof owners);
  snprintf(wrong, sizeof wrong, "%s has no option --%s%s", command->name, word, owners);
  return fail_name(command->name, wrong, "--", nearest_option(command, word));
}

static int other_case(int c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

/* word: of letters, or perhaps a name behind a single dash. */
static cli_exit fail_unknown_letter(const cli_command *command, char letter, const char *word) {
  char owners[128], wrong[256], other[2] = {(char)other_case(letter), 0};
  const char *name = word[2] ? nearest_option(command, word + 1) : NULL;
  list_owners(NULL, letter, owners, sizeof owners);
  snprintf(wrong, sizeof wrong, "%s has no option -%c%s", command->name, letter, owners);
  if (name) return fail_name(command->name, wrong, "--", name);
  return fail_name(command->name, wrong, "-", index_by_letter(command, other[0]) >= 0 ? other : NULL);
}

/* Stores one option. text is its value; NULL for a flag. */
static cli_exit take_option(cli_args *args, int index, const char *text) {
  const cli_command *command = args->command;
  const cli_option *option = &command->options[index];
  cli_value *value = &args->values[index];
  if (value->given) return fail_usage(command->name, "--%s is there twice: give it once", option->name);
  value->given = 1;
  return read_value(command, option, text ? text : "", value);
}

/* The value of an option in the words from `next` on; NULL if there is none. */
static const char *next_value(int n, char **words, int next) {
  if (next >= n) return NULL;
  const char *word = words[next];
  const int is_number = word[0] == '-' && word[1] >= '0' && word[1] <= '9'; /* wrong perhaps, but given */
  const int is_option = word[0] == '-' && word[1] != 0 && !is_number;
  return is_option ? NULL : words[next];
}

static cli_exit fail_no_value(const cli_command *command, const cli_option *option) {
  return fail_usage(command->name, "--%s needs a value: --%s %s", option->name, option->name, option->metavar);
}

/* Reads words[*at], which begins with "--", and its value; leaves *at on the last word that it took. */
static cli_exit parse_long(cli_args *args, int n, char **words, int *at) {
  const char *name = words[*at] + 2;
  const char *equals = strchr(name, '=');
  size_t length = equals ? (size_t)(equals - name) : strlen(name);
  int index = index_by_name(args->command, name, length);
  if (index < 0) return fail_unknown_option(args->command, name, length);
  const cli_option *option = &args->command->options[index];
  if (option->kind == CLI_FLAG) {
    if (equals) return fail_usage(args->command->name, "--%s takes no value", option->name);
    return take_option(args, index, NULL);
  }
  if (equals) return take_option(args, index, equals + 1);
  const char *value = next_value(n, words, *at + 1);
  if (!value) return fail_no_value(args->command, option);
  ++*at;
  return take_option(args, index, value);
}

/* Likewise for letters: flags may stand together, a value may follow at once. */
static cli_exit parse_letters(cli_args *args, int n, char **words, int *at) {
  const char *word = words[*at];
  if (strlen(word) > 3 && index_by_name(args->command, word + 1, strlen(word + 1)) >= 0)
    return fail_usage(args->command->name, "%s needs two dashes: -%s", word, word);
  for (const char *c = words[*at] + 1; *c; c++) {
    int index = index_by_letter(args->command, *c);
    if (index < 0) return fail_unknown_letter(args->command, *c, word);
    const cli_option *option = &args->command->options[index];
    if (option->kind != CLI_FLAG) {
      const char *value = c[1] ? c + 1 : next_value(n, words, *at + 1);
      if (!value) return fail_no_value(args->command, option);
      if (!c[1]) ++*at;
      return take_option(args, index, value);
    }
    cli_exit code = take_option(args, index, NULL);
    if (code) return code;
  }
  return CLI_OK;
}

static int ends_in_png(const char *text) {
  const size_t length = strlen(text);
  return length > 4 && strcasecmp(text + length - 4, ".png") == 0;
}

static cli_exit fail_missing(const cli_args *args, const cli_option *option) {
  const char *last = args->n_operands > 1 ? args->operands[args->n_operands - 1] : "";
  char wrong[256], letter[8];
  snprintf(wrong, sizeof wrong, "--%s %s is missing: %s", option->name, option->metavar, option->such);
  snprintf(letter, sizeof letter, "-%c ", option->letter);
  return fail_name(args->command->name, wrong, letter, ends_in_png(last) ? last : NULL);
}

static cli_exit fill_defaults(cli_args *args) {
  const cli_command *command = args->command;
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (args->values[i].given) continue;
    if (option->required) return fail_missing(args, option);
    if (!option->fallback) continue;
    cli_exit code = read_value(command, option, option->fallback, &args->values[i]);
    if (code) return code;
  }
  return CLI_OK;
}

/* The first of a command's examples that is one of the command itself. */
static const char *example_of(const cli_command *command) {
  char words[WORD_SIZE];
  snprintf(words, sizeof words, "tallow %s", command->name);
  for (int i = 0; command->examples[i]; i++)
    if (strstr(command->examples[i], words)) return command->examples[i];
  return command->examples[0];
}

static cli_exit check_operands(const cli_args *args) {
  const cli_command *command = args->command;
  if (args->n_operands < command->least_operands)
    return fail_usage(command->name, "%s is missing; an example: '%s'", command->operands, example_of(command));
  if (args->n_operands > command->most_operands)
    return fail_usage(command->name, "%s has no use for '%.200s'", command->name,
                      args->operands[command->most_operands]);
  return CLI_OK;
}

int cli_wants_help(int n, char **words) {
  for (int i = 0; i < n && strcmp(words[i], "--") != 0; i++)
    if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) return 1;
  return 0;
}

cli_exit cli_parse(const cli_command *command, int n, char **words, cli_args *args) {
  *args = (cli_args){.command = command, .operands = words};
  int options_end = 0;
  for (int at = 0; at < n; at++) {
    char *word = words[at];
    cli_exit code = CLI_OK;
    if (options_end || word[0] != '-' || word[1] == 0)
      words[args->n_operands++] = word;
    else if (strcmp(word, "--") == 0)
      options_end = 1;
    else if (word[1] == '-')
      code = parse_long(args, n, words, &at);
    else
      code = parse_letters(args, n, words, &at);
    if (code) return code;
  }
  cli_exit code = check_operands(args);
  return code ? code : fill_defaults(args);
}

/* Whether a word in the place of the command is more likely a file to draw. */
static int is_file(const char *word) { return strpbrk(word, "./") || access(word, F_OK) == 0; }

static void fail_unknown_command(const char *name, const char *meant) {
  if (meant)
    cli_fail(CLI_USAGE, "there is no command '%.200s'; did you mean '%s'? try 'tallow --help'", name, meant);
  else if (is_file(name))
    cli_fail(
        CLI_USAGE,
        "there is no command '%.200s'; if that is a file to draw: 'tallow render %.200s -o chart.png'; try 'tallow "
        "--help'",
        name, name);
  else
    cli_fail(CLI_USAGE, "there is no command '%.200s'; try 'tallow --help'", name);
}

const cli_command *cli_find_command(const char *name) {
  const char *also = strcmp(name, "version") == 0 ? "--version" : NULL;
  cli_nearest nearest;
  cli_nearest_start(&nearest, name);
  for (int i = 0; i < cli_n_commands; i++) {
    if (strcmp(cli_commands[i].name, name) == 0) return &cli_commands[i];
    cli_nearest_try(&nearest, cli_commands[i].name);
    if (is_also(cli_commands[i].also, name)) also = cli_commands[i].name;
  }
  fail_unknown_command(name, also ? also : nearest.best);
  return NULL;
}
