#include "man.h"

#include <string.h>

#include "help.h"
#include "tallow/version.h"

#define LINE 76

/* Prints a word so that roff takes it as it is. At the start of a line a point or a quote would begin a command. */
static int print_word(FILE *file, const char *word, size_t length, int at_start) {
  int column = 0;
  if (at_start && strchr(".'", word[0])) column += fprintf(file, "\\&");
  for (size_t i = 0; i < length; i++) {
    switch (word[i]) {
    case '\\':
      column += fprintf(file, "\\e");
      break;
    case '-':
      column += fprintf(file, "\\-");
      break;
    case '\'':
      column += fprintf(file, "\\(aq");
      break;
    case '`':
      column += fprintf(file, "\\(ga");
      break;
    case '~':
      column += fprintf(file, "\\(ti");
      break;
    case '^':
      column += fprintf(file, "\\(ha");
      break;
    default:
      column += fprintf(file, "%c", word[i]);
    }
  }
  return column;
}

static int ends_sentence(const char *word, size_t length) { return strchr(".!?", word[length - 1]) != NULL; }

/* Each sentence begins a line, as roff wants it. */
static void print_text(FILE *file, const char *text) {
  int column = 0;
  while (*text) {
    const size_t length = strcspn(text, " ");
    if (column > 0 && column + 1 + (int)length > LINE) {
      fputc('\n', file);
      column = 0;
    }
    if (column > 0) column += fprintf(file, " ");
    column += print_word(file, text, length, column == 0);
    if (ends_sentence(text, length)) column = LINE;
    text += length;
    text += strspn(text, " ");
  }
  fputc('\n', file);
}

/* "What is drawn", with a full stop. */
static void print_sentence(FILE *file, const char *text) {
  char sentence[256];
  snprintf(sentence, sizeof sentence, "%c%s.", text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0],
           text + 1);
  print_text(file, sentence);
}

static void print_option(FILE *file, const cli_option *option) {
  char text[CLI_OPTION_TEXT_SIZE];
  fputs(".It ", file);
  if (option->letter) fprintf(file, "Fl %c , ", option->letter);
  fputs("Fl Fl ", file);
  print_word(file, option->name, strlen(option->name), 0);
  if (option->metavar) fprintf(file, " Ar %s", option->metavar);
  fputc('\n', file);
  cli_option_text(option, text);
  print_text(file, text);
}

static void print_group(FILE *file, const cli_command *command, cli_group group) {
  int n = 0;
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (option->group != group) continue;
    if (n++ == 0) {
      fputs(".Pp\n", file);
      fprintf(file, ".Em %s :\n", cli_group_title(group));
      if (group == CLI_GROUP_BAD_ROWS) print_text(file, cli_bad_rows_text);
      fputs(".Bl -tag -width Ds\n", file);
    }
    print_option(file, option);
  }
  if (n > 0) fputs(".El\n", file);
}

static void print_usage(FILE *file, const cli_command *command) {
  fprintf(file, ".Nm\n.Cm %s\n.Op Ar options\n", command->name);
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (option->required) fprintf(file, ".Fl Fl %s Ar %s\n", option->name, option->metavar);
  }
  if (*command->operands) fprintf(file, ".Ar %s\n", command->operands);
}

static void print_command(FILE *file, const cli_command *command) {
  fprintf(file, ".Ss tallow %s\n", command->name);
  print_sentence(file, command->summary);
  for (int group = 0; group < CLI_GROUPS; group++) print_group(file, command, (cli_group)group);
  for (int i = 0; command->notes[i]; i++) {
    fputs(".Pp\n", file);
    print_text(file, command->notes[i]);
  }
}

static void print_environment(FILE *file) {
  fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n", file);
  for (int i = 0; i < cli_n_environment; i++) {
    fprintf(file, ".It Ev %s\n", cli_environment[i].name);
    print_text(file, cli_environment[i].meaning);
  }
  fputs(".El\n", file);
}

static void print_exit_codes(FILE *file) {
  fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", file);
  for (int i = 0; i < cli_n_exit_texts; i++) {
    fprintf(file, ".It %d\n", (int)cli_exit_texts[i].code);
    print_sentence(file, cli_exit_texts[i].meaning);
  }
  fputs(".El\n", file);
}

static void print_examples(FILE *file) {
  fputs(".Sh EXAMPLES\n.Bd -literal\n", file);
  for (int i = 0; i < cli_n_commands; i++) {
    for (int k = 0; cli_commands[i].examples[k]; k++) {
      print_word(file, cli_commands[i].examples[k], strlen(cli_commands[i].examples[k]), 1);
      fputc('\n', file);
    }
  }
  fputs(".Ed\n", file);
}

void cli_print_man(FILE *file) {
  fprintf(file,
          ".Dd %s\n.Dt TALLOW 1\n.Os \"tallow %s\"\n"
          ".Sh NAME\n.Nm tallow\n.Nd market data to candle charts, bars and rolling windows\n"
          ".Sh SYNOPSIS\n",
          cli_manual_date, tlw_version());
  for (int i = 0; i < cli_n_commands; i++) print_usage(file, &cli_commands[i]);
  fputs(".Nm\n.Fl Fl version\n.Sh DESCRIPTION\n", file);
  print_text(file,
             "tallow draws candle charts from market data, makes bars of trades and computes rolling windows, on CUDA, "
             "OpenCL or the CPU, with the same bytes from each.");
  fputs(".Pp\n", file);
  print_text(file,
             "Options and operands may come in any order; --name VALUE and --name=VALUE are the same; -- ends the "
             "options. Data goes to standard output, messages to standard error.");
  fputs(".Sh COMMANDS\n", file);
  for (int i = 0; i < cli_n_commands; i++) print_command(file, &cli_commands[i]);
  print_environment(file);
  print_exit_codes(file);
  print_examples(file);
}
