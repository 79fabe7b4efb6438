#include "help.h"

#include <string.h>

#include "parse.h"

#define LINE 80
#define TEXT_COLUMN 22

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

static void print_option(FILE *file, const cli_option *option) {
  char head[64], text[640], choices[128] = "";
  if (option->letter)
    snprintf(head, sizeof head, "  -%c, --%s %s", option->letter, option->name, option->metavar ? option->metavar : "");
  else
    snprintf(head, sizeof head, "      --%s %s", option->name, option->metavar ? option->metavar : "");
  size_t used = 0;
  for (int i = 0; option->choices && option->choices(i); i++)
    used += (size_t)snprintf(choices + used, sizeof choices - used, "%s%s", i ? ", " : " One of ", option->choices(i));
  snprintf(text, sizeof text, "%s%s%s%s%s%s", option->help, choices, used ? "." : "",
           option->fallback ? " Default: " : "", option->fallback ? option->fallback : "", option->fallback ? "." : "");
  int column = fprintf(file, "%s", head);
  if (column >= TEXT_COLUMN) {
    fputc('\n', file);
    column = 0;
  }
  print_wrapped(file, text, TEXT_COLUMN, column);
}

void cli_print_command_help(FILE *file, const cli_command *command) {
  fprintf(file, "tallow %s: %s\n\nExamples:\n", command->name, command->summary);
  for (int i = 0; command->examples[i]; i++) fprintf(file, "  %s\n", command->examples[i]);
  fprintf(file, "\nUsage: tallow %s [options]", command->name);
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (option->required) fprintf(file, " --%s %s", option->name, option->metavar);
  }
  fprintf(file, "%s%s\n\nOptions:\n", *command->operands ? " " : "", command->operands);
  for (int i = 0; i < command->n_options; i++) print_option(file, &command->options[i]);
  for (int i = 0; command->notes[i]; i++) {
    fputc('\n', file);
    print_wrapped(file, command->notes[i], 0, 0);
  }
}

void cli_print_help(FILE *file) {
  fputs("tallow: market data to candle charts, on CUDA, OpenCL or the CPU, with the same bytes from each\n\n"
        "Examples:\n"
        "  tallow synth candles --rows 500 -o demo.csv\n"
        "  tallow render demo.csv -o demo.png\n"
        "  tallow render data/*.csv -o charts --theme light --last 250\n"
        "  tallow devices\n\n"
        "Usage: tallow COMMAND [options]\n\n"
        "Commands:\n",
        file);
  for (int i = 0; i < cli_n_commands; i++) fprintf(file, "  %-10s%s\n", cli_commands[i].name, cli_commands[i].summary);
  fputc('\n', file);
  print_wrapped(file,
                "'tallow COMMAND --help' explains a command, 'tallow --version' prints the version. Options and "
                "operands may come in any order; --name VALUE and --name=VALUE are the same; -- ends the options. Data "
                "goes to standard output, messages to standard error.",
                0, 0);
  fputs("\nExit codes:\n", file);
  for (int i = 0; i < cli_n_exit_texts; i++)
    fprintf(file, "  %-4d%s\n", (int)cli_exit_texts[i].code, cli_exit_texts[i].meaning);
}

cli_exit cli_run_help(const cli_args *args) {
  if (args->n_operands == 0) {
    cli_print_help(stdout);
    return CLI_OK;
  }
  const cli_command *command = cli_find_command(args->operands[0]);
  if (!command) return CLI_USAGE;
  cli_print_command_help(stdout, command);
  return CLI_OK;
}
