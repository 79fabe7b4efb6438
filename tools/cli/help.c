#include "help.h"

#include <string.h>

#include "man.h"
#include "parse.h"
#include "report.h"

#define LINE 80
#define TEXT_COLUMN 22
#define TABLE_NAME_COLUMN 6
#define TABLE_TEXT_COLUMN 24
#define TABLE_CHOICE_COLUMN 56

/* Prints text in lines of at most LINE columns, each indented, from the given column on; ends the last line. */
static void print_wrapped(FILE *file, const char *text, int indent, int column) {
  while (*text) {
    int length = (int)strcspn(text, " ");
    int at_start = column <= indent;
    if (!at_start && column + 1 + length > LINE) {
      fputc('\n', file);
      column = 0;
      at_start = 1;
    }
    if (at_start)
      column += fprintf(file, "%*s", indent - column, "");
    else
      column += fprintf(file, " ");
    column += fprintf(file, "%.*s", length, text);
    text += length;
    text += strspn(text, " ");
  }
  fputc('\n', file);
}

/* Appends text to out, as much as has room. */
static void append(char *out, const char *text) { strncat(out, text, CLI_OPTION_TEXT_SIZE - 1 - strlen(out)); }

void cli_option_text(const cli_option *option, char out[CLI_OPTION_TEXT_SIZE]) {
  out[0] = 0;
  append(out, option->help);
  for (int i = 0; option->choices && option->choices(i); i++) {
    append(out, i ? ", " : " One of ");
    append(out, option->choices(i));
  }
  if (option->choices) append(out, ".");
  if (!cli_option_default(option)) return;
  append(out, " Default: ");
  append(out, cli_option_default(option));
  append(out, ".");
}

static void print_option(FILE *file, const cli_option *option) {
  char head[64], text[CLI_OPTION_TEXT_SIZE];
  if (option->letter)
    snprintf(head, sizeof head, "  -%c, --%s %s", option->letter, option->name, option->metavar ? option->metavar : "");
  else
    snprintf(head, sizeof head, "      --%s %s", option->name, option->metavar ? option->metavar : "");
  cli_option_text(option, text);
  int column = fprintf(file, "%s", head);
  if (column >= TEXT_COLUMN) {
    fputc('\n', file);
    column = 0;
  }
  print_wrapped(file, text, TEXT_COLUMN, column);
}

/* A line for an option whose help is short: name, help without its full stop, choices. */
static void print_table_row(FILE *file, const cli_option *option) {
  const int help_length = (int)strlen(option->help) - 1;
  int column = fprintf(file, "%*s--%s", TABLE_NAME_COLUMN, "", option->name);
  column += fprintf(file, "%*s%.*s", TABLE_TEXT_COLUMN - column, "", help_length, option->help);
  fprintf(file, "%*s", TABLE_CHOICE_COLUMN - column, "");
  for (int i = 0; option->choices(i); i++) fprintf(file, "%s%s", i ? " " : "", option->choices(i));
  fputc('\n', file);
}

static void print_group(FILE *file, const cli_command *command, cli_group group) {
  int n = 0;
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (option->group != group) continue;
    if (n++ == 0) fprintf(file, "\n%s:\n", cli_group_title(group));
    if (group == CLI_GROUP_BAD_ROWS)
      print_table_row(file, option);
    else
      print_option(file, option);
  }
  if (n > 0 && group == CLI_GROUP_BAD_ROWS) {
    fprintf(file, "%*s", TABLE_NAME_COLUMN, "");
    print_wrapped(file, cli_bad_rows_text, TABLE_NAME_COLUMN, TABLE_NAME_COLUMN);
  }
}

void cli_print_command_help(FILE *file, const cli_command *command) {
  fprintf(file, "tallow %s: %s\n\nExamples:\n", command->name, command->summary);
  for (int i = 0; command->examples[i]; i++) fprintf(file, "  %s\n", command->examples[i]);
  fprintf(file, "\nUsage: tallow %s [options]", command->name);
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (option->required) fprintf(file, " --%s %s", option->name, option->metavar);
  }
  fprintf(file, "%s%s\n", *command->operands ? " " : "", command->operands);
  for (int group = 0; group < CLI_GROUPS; group++) print_group(file, command, (cli_group)group);
  for (int i = 0; command->notes[i]; i++) {
    fputc('\n', file);
    print_wrapped(file, command->notes[i], 0, 0);
  }
}

void cli_print_help(FILE *file) {
  fputs("tallow: market data to candle charts, bars and rolling windows, on CUDA, OpenCL or the CPU, with\n"
        "the same bytes from each\n\n"
        "Examples:\n"
        "  tallow synth candles --rows 500 -o demo.csv\n"
        "  tallow render demo.csv -o demo.png\n"
        "  tallow render data/*.csv -o charts --theme light --last 250\n"
        "  tallow window demo.csv --op mean,std --window 20,200 -o results.csv\n"
        "  tallow bars trades.csv.gz --time 1m -o minutes.csv\n"
        "  tallow devices\n\n"
        "Usage: tallow COMMAND [options]\n\n"
        "Commands:\n",
        file);
  for (int i = 0; i < cli_n_commands; i++) fprintf(file, "  %-12s%s\n", cli_commands[i].name, cli_commands[i].summary);
  fputc('\n', file);
  print_wrapped(file,
                "'tallow COMMAND --help' explains a command, 'tallow help --man' prints the manual, 'tallow --version' "
                "the version. Options and operands may come in any order; --name VALUE and --name=VALUE are the same; "
                "-- ends the options. Data goes to standard output, messages to standard error.",
                0, 0);
  fputs("\nExit codes:\n", file);
  for (int i = 0; i < cli_n_exit_texts; i++)
    fprintf(file, "  %-4d%s\n", (int)cli_exit_texts[i].code, cli_exit_texts[i].meaning);
}

cli_exit cli_run_help(const cli_args *args) {
  const int man = args->values[HELP_MAN].given;
  if (man && args->n_operands > 0)
    return cli_fail(CLI_USAGE, "--man prints the manual of all commands: leave out '%.200s'", args->operands[0]);
  if (args->n_operands == 0) {
    man ? cli_print_man(stdout) : cli_print_help(stdout);
    return CLI_OK;
  }
  const cli_command *command = cli_find_command(args->operands[0]);
  if (!command) return CLI_USAGE;
  cli_print_command_help(stdout, command);
  return CLI_OK;
}
