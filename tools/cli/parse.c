#include "parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nearest.h"
#include "report.h"

#define WORD_SIZE 64 /* for the name of an option */

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

/* The name of the option that was meant; NULL if none is as near. most: letters that may differ. */
static const char *nearest_option(const cli_command *command, const char *word, int most) {
  cli_nearest nearest;
  cli_nearest_start(&nearest, word);
  for (int i = 0; i < command->n_options; i++) {
    if (cli_is_also(command->options[i].also, word)) return command->options[i].name;
    cli_nearest_try(&nearest, command->options[i].name);
  }
  return nearest.best && nearest.distance <= most ? nearest.best : NULL;
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
  /* What another command has is seldom a slip of the keyboard. */
  return fail_name(command->name, wrong, "--", nearest_option(command, word, owners[0] ? 1 : WORD_SIZE));
}

static int other_case(int c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

/* word: of letters, or perhaps a name behind a single dash. */
static cli_exit fail_unknown_letter(const cli_command *command, char letter, const char *word) {
  char owners[128], wrong[256], other[2] = {(char)other_case(letter), 0};
  const char *name = word[2] ? nearest_option(command, word + 1, WORD_SIZE) : NULL;
  list_owners(NULL, letter, owners, sizeof owners);
  snprintf(wrong, sizeof wrong, "%s has no option -%c%s", command->name, letter, owners);
  if (name) return fail_name(command->name, wrong, "--", name);
  return fail_name(command->name, wrong, "-", index_by_letter(command, other[0]) >= 0 ? other : NULL);
}

static cli_exit read_value(const cli_command *command, const cli_option *option, const char *text, cli_value *value) {
  const cli_origin origin = {.command = command->name};
  return cli_value_read(&origin, option, text, value);
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

/* Whether an option is there that wants nothing beside it. */
static int stands_alone(const cli_args *args) {
  for (int i = 0; i < args->command->n_options; i++)
    if (args->command->options[i].alone && args->values[i].given) return 1;
  return 0;
}

static cli_exit fill_defaults(cli_args *args) {
  const cli_command *command = args->command;
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (args->values[i].given) continue;
    if (option->required && !stands_alone(args)) return fail_missing(args, option);
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
  if (args->n_operands < command->least_operands && !stands_alone(args))
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
    if (cli_is_also(cli_commands[i].also, name)) also = cli_commands[i].name;
  }
  fail_unknown_command(name, also ? also : nearest.best);
  return NULL;
}
