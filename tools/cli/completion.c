#include <stdio.h>
#include <string.h>

#include "parse.h"

static const struct {
  const char *name, *help;
} top_options[] = {{"--help", "Print what there is and exit."}, {"--version", "Print the version and exit."}};
#define TOP_OPTIONS (sizeof top_options / sizeof *top_options)

static int takes_value(const cli_option *option) { return option->kind != CLI_FLAG; }

/* Prints text with a backslash before each of `special`; quote stands for ' where a shell has it in single quotes. */
static void print_escaped(FILE *file, const char *text, size_t length, const char *special, const char *quote) {
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\'')
      fputs(quote, file);
    else
      fprintf(file, strchr(special, text[i]) ? "\\%c" : "%c", text[i]);
  }
}

/* Length of what a help text says first. */
static size_t brief(const char *help) {
  size_t length = 0;
  while (help[length] && !(strchr(".:;", help[length]) && (help[length + 1] == ' ' || help[length + 1] == 0))) length++;
  return length;
}

/* The names of a list, each behind a separator but the first. */
static void print_names(FILE *file, cli_names names, const char *separator) {
  for (int i = 0; names(i); i++) fprintf(file, "%s%s", i ? separator : "", names(i));
}

static void print_commands(FILE *file) {
  for (int i = 0; i < cli_n_commands; i++) fprintf(file, "%s%s", i ? " " : "", cli_commands[i].name);
}

/* ---- bash ---- */

static const char bash_head[] =
    "# Completion of tallow for bash, as 'tallow completion bash' prints it.\n"
    "_tallow() {\n"
    "  local IFS=$' \\t\\n' word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option='' prefix='' i\n"
    "  local given=\" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" options='' words='' files=0 folders=0 list=0\n"
    "  COMPREPLY=()\n"
    "  # --name=VALUE is one word or three, by COMP_WORDBREAKS.\n"
    "  if ((COMP_CWORD > 1)) && [[ $given != *' -- '* ]]; then\n"
    "    option=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    if [[ $word == --*=* ]]; then\n"
    "      option=${word%%=*} prefix=${word%%=*}= word=${word#*=}\n"
    "    elif [[ $word == '=' ]]; then\n"
    "      word=''\n"
    "    elif [[ $option == '=' ]]; then\n"
    "      option=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "  fi\n";

static const char bash_tail[] =
    "  if [[ $word == -* && -z $prefix && $given != *' -- '* ]]; then\n"
    "    words=''\n"
    "    for i in $options; do\n"
    "      [[ $given == *\" ${i%:*} \"* || ($i != *: && $given == *\" ${i#*:} \"*) ]] || words+=\"${i%:*} \"\n"
    "    done\n"
    "    files=0 folders=0\n"
    "  fi\n"
    "  # Where no word is left bash completes names of files by itself, or not at all.\n"
    "  ((files)) && return\n"
    "  compopt +o bashdefault +o default\n"
    "  ((folders)) && compopt -o dirnames\n"
    "  if ((list)) && [[ $word == *,* ]]; then\n"
    "    prefix+=${word%,*}, word=${word##*,}\n"
    "  fi\n"
    "  for i in $(compgen -W \"$words\" -- \"$word\"); do\n"
    "    COMPREPLY+=(\"$prefix$i\")\n"
    "  done\n"
    "}\n"
    "complete -o bashdefault -o default -F _tallow tallow\n";

static void print_bash_hint(FILE *file, cli_hint hint, cli_names names) {
  if (names) {
    fputs("words='", file);
    print_names(file, names, " ");
    fputs("'", file);
  } else if (hint == CLI_HINT_COMMAND) {
    fputs("words='", file);
    print_commands(file);
    fputs("'", file);
  } else {
    fputs(hint == CLI_HINT_FILE ? "files=1" : hint == CLI_HINT_FOLDER ? "folders=1" : ":", file);
  }
}

static void print_bash_command(FILE *file, const cli_command *command) {
  fprintf(file, "  %s:*)\n    options='", command->name);
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    fprintf(file, "%s--%s:", i ? " " : "", option->name);
    if (option->letter) fprintf(file, "-%c", option->letter);
  }
  fputs("'\n    ", file);
  print_bash_hint(file, command->operand_hint, command->operand_names);
  fputs("\n    ;;\n", file);
}

static void print_bash_values(FILE *file, const cli_command *command) {
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (!takes_value(option)) continue;
    fprintf(file, "  %s:--%s", command->name, option->name);
    if (option->letter) fprintf(file, " | %s:-%c", command->name, option->letter);
    fputs(") ", file);
    print_bash_hint(file, option->hint, option->listed ? option->listed : option->choices);
    fputs(option->listed ? " list=1 ;;\n" : " ;;\n", file);
  }
}

/* The values of options come before what a command takes otherwise. */
static void print_bash(FILE *file) {
  fputs(bash_head, file);
  fputs("  ((COMP_CWORD > 1)) || command=''\n"
        "  case $command:$option in\n  :*)\n    options='",
        file);
  for (size_t i = 0; i < TOP_OPTIONS; i++) fprintf(file, "%s%s:", i ? " " : "", top_options[i].name);
  fputs("'\n    words='", file);
  print_commands(file);
  fputs("'\n    ;;\n", file);
  for (int i = 0; i < cli_n_commands; i++) print_bash_values(file, &cli_commands[i]);
  for (int i = 0; i < cli_n_commands; i++) print_bash_command(file, &cli_commands[i]);
  fputs("  esac\n", file);
  fputs(bash_tail, file);
}

/* ---- zsh ---- */

static void print_zsh_text(FILE *file, const char *text, size_t length) {
  print_escaped(file, text, length, "\\[]:", "'\\''");
}

/* What may stand behind the last colon. */
static void print_zsh_hint(FILE *file, cli_hint hint, cli_names names) {
  if (names) {
    fputs("(", file);
    print_names(file, names, " ");
    fputs(")", file);
  } else if (hint == CLI_HINT_COMMAND) {
    fputs("(", file);
    print_commands(file);
    fputs(")", file);
  } else {
    fputs(hint == CLI_HINT_FILE ? "_files" : hint == CLI_HINT_FOLDER ? "_files -/" : " ", file);
  }
}

static void print_zsh_option(FILE *file, const cli_option *option) {
  const char *const short_end = takes_value(option) ? "+" : "", *const long_end = takes_value(option) ? "=" : "";
  fputs(" \\\n        ", file);
  if (option->letter)
    fprintf(file, "'(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter, short_end, option->name,
            long_end);
  else
    fprintf(file, "'--%s%s[", option->name, long_end);
  print_zsh_text(file, option->help, brief(option->help));
  fputs("]", file);
  if (takes_value(option)) {
    fprintf(file, ":%s:", option->metavar);
    if (option->listed) {
      fprintf(file, "_values -s , %s ", option->metavar);
      print_names(file, option->listed, " ");
    } else {
      print_zsh_hint(file, option->hint, option->choices);
    }
  }
  fputs("'", file);
}

static void print_zsh_command(FILE *file, const cli_command *command) {
  fprintf(file, "    %s)\n      _arguments -s -S", command->name);
  for (int i = 0; i < command->n_options; i++) print_zsh_option(file, &command->options[i]);
  if (command->most_operands > 0) {
    fprintf(file, " \\\n        '%s:operand:", command->most_operands == 1 ? "1" : "*");
    print_zsh_hint(file, command->operand_hint, command->operand_names);
    fputs("'", file);
  }
  fputs("\n      ;;\n", file);
}

static void print_zsh(FILE *file) {
  fputs("#compdef tallow\n"
        "# Completion of tallow for zsh, as 'tallow completion zsh' prints it.\n"
        "_tallow() {\n"
        "  local curcontext=$curcontext state line\n"
        "  typeset -A opt_args\n"
        "  local -a commands\n"
        "  commands=(\n",
        file);
  for (int i = 0; i < cli_n_commands; i++) {
    fprintf(file, "    '%s:", cli_commands[i].name);
    print_zsh_text(file, cli_commands[i].summary, strlen(cli_commands[i].summary));
    fputs("'\n", file);
  }
  fputs("  )\n  _arguments -C", file);
  for (size_t i = 0; i < TOP_OPTIONS; i++) {
    fprintf(file, " '(- *)%s[", top_options[i].name);
    print_zsh_text(file, top_options[i].help, brief(top_options[i].help));
    fputs("]'", file);
  }
  fputs(" '1:command:->command' '*::argument:->argument' && return\n"
        "  case $state in\n"
        "  command) _describe -t commands 'tallow command' commands ;;\n"
        "  argument)\n"
        "    case $words[1] in\n",
        file);
  for (int i = 0; i < cli_n_commands; i++) print_zsh_command(file, &cli_commands[i]);
  fputs("    esac\n"
        "    ;;\n"
        "  esac\n"
        "}\n"
        "if [[ $funcstack[1] == _tallow ]]; then\n"
        "  _tallow \"$@\"\n"
        "else\n"
        "  compdef _tallow tallow\n"
        "fi\n",
        file);
}

/* ---- fish ---- */

static void print_fish_text(FILE *file, const char *text, size_t length) {
  fputs(" -d '", file);
  print_escaped(file, text, length, "\\", "\\'");
  fputs("'\n", file);
}

static void print_fish_hint(FILE *file, cli_hint hint, cli_names names) {
  if (names) {
    fputs(" -x -a '", file);
    print_names(file, names, " ");
    fputs("'", file);
  } else if (hint == CLI_HINT_COMMAND) {
    fputs(" -x -a '", file);
    print_commands(file);
    fputs("'", file);
  } else {
    fputs(hint == CLI_HINT_FILE     ? " -r -F"
          : hint == CLI_HINT_FOLDER ? " -x -a '(__fish_complete_directories)'"
                                    : " -x",
          file);
  }
}

/* Names behind what stands ahead of the last comma. */
static void print_fish_list(FILE *file, cli_names names) {
  fputs(" -x -a '(__fish_append , ", file);
  print_names(file, names, " ");
  fputs(")'", file);
}

static void print_fish_command(FILE *file, const cli_command *command) {
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    fprintf(file, "complete -c tallow -n '__tallow_command %s' -l %s", command->name, option->name);
    if (option->letter) fprintf(file, " -s %c", option->letter);
    if (option->listed)
      print_fish_list(file, option->listed);
    else if (takes_value(option))
      print_fish_hint(file, option->hint, option->choices);
    print_fish_text(file, option->help, brief(option->help));
  }
  if (command->most_operands == 0) return;
  fprintf(file, "complete -c tallow -n '__tallow_command %s'", command->name);
  print_fish_hint(file, command->operand_hint, command->operand_names);
  fputs("\n", file);
}

static void print_fish(FILE *file) {
  fputs("# Completion of tallow for fish, as 'tallow completion fish' prints it.\n"
        "function __tallow_command\n"
        "    set -l words (commandline -opc)\n"
        "    test (count $words) -gt 1; and test \"$words[2]\" = $argv[1]\n"
        "end\n"
        "complete -c tallow -f\n",
        file);
  for (size_t i = 0; i < TOP_OPTIONS; i++) {
    fprintf(file, "complete -c tallow -n 'test (count (commandline -opc)) -eq 1' -l %s", top_options[i].name + 2);
    print_fish_text(file, top_options[i].help, brief(top_options[i].help));
  }
  for (int i = 0; i < cli_n_commands; i++) {
    fprintf(file, "complete -c tallow -n 'test (count (commandline -opc)) -eq 1' -a %s", cli_commands[i].name);
    print_fish_text(file, cli_commands[i].summary, strlen(cli_commands[i].summary));
  }
  for (int i = 0; i < cli_n_commands; i++) print_fish_command(file, &cli_commands[i]);
}

cli_exit cli_run_completion(const cli_args *args) {
  static void (*const printers[])(FILE *) = {
      [SHELL_BASH] = print_bash, [SHELL_ZSH] = print_zsh, [SHELL_FISH] = print_fish};
  const int shell = cli_find_name("the shell", args->operands[0], cli_shell_name, args->command->name);
  if (shell < 0) return CLI_USAGE;
  printers[shell](stdout);
  return CLI_OK;
}
