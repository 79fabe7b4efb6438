/* "tallow window --list": what the library's table says. */
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "rolling.h"

#define NAME_COLUMN 12

static void print_number(double number) {
  char text[CLI_DOUBLE_SIZE];
  *cli_put_double(text, number) = 0;
  fputs(text, stdout);
}

/* The default of min_periods may be the window. */
static int has_initial(const tlw_window_parameter *p) { return p->field != TLW_FIELD_MIN_PERIODS || p->initial > 0; }

/* What has words for its values, the default last. */
static void print_words(const tlw_window_parameter *p) {
  const int n = 1 + (int)(p->most - p->least);
  printf("%*s%s: %s; ", NAME_COLUMN, "", p->name, p->summary);
  for (int i = 0; i < n; i++) printf("%s: %s; ", p->choices[i].name, p->choices[i].summary);
  printf("default %s\n", rolling_value_word(p, p->initial));
}

static void print_parameter(const tlw_window_parameter *p) {
  if (p->choices) {
    print_words(p);
    return;
  }
  printf("%*s%s: %s; ", NAME_COLUMN, "", p->name, p->summary);
  print_number(p->least);
  fputs(" to ", stdout);
  print_number(p->most);
  fputs(", default ", stdout);
  if (has_initial(p))
    print_number(p->initial);
  else
    fputs("window", stdout);
  putchar('\n');
}

static void print_in_short(const tlw_window_info *info) {
  printf("%-*s%d column%s  %s\n", NAME_COLUMN, info->name, (int)info->inputs, info->inputs == 2 ? "s" : " ",
         info->summary);
}

static void print_operation(const tlw_window_info *info) {
  printf("%-*s%s%s\n", NAME_COLUMN, info->name, info->summary, info->inputs == 2 ? "; the second one by --other" : "");
  for (int32_t i = 0; i < info->n_parameters; i++) print_parameter(&info->parameters[i]);
  printf("%*srows before the first result: %s\n", NAME_COLUMN, "", info->lookback);
}

static void print_json_words(const tlw_window_parameter *p) {
  const int n = 1 + (int)(p->most - p->least);
  fputs(", \"choices\": [", stdout);
  for (int i = 0; i < n; i++) {
    fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
    cli_print_json(stdout, p->choices[i].name);
    fputs(", \"summary\": ", stdout);
    cli_print_json(stdout, p->choices[i].summary);
    putchar('}');
  }
  fputs("], \"default\": ", stdout);
  cli_print_json(stdout, rolling_value_word(p, p->initial));
}

static void print_json_numbers(const tlw_window_parameter *p) {
  fputs(", \"least\": ", stdout);
  print_number(p->least);
  fputs(", \"most\": ", stdout);
  print_number(p->most);
  fputs(", \"default\": ", stdout);
  if (has_initial(p))
    print_number(p->initial);
  else
    fputs("null, \"default_from\": \"window\"", stdout);
}

static void print_json_parameter(const tlw_window_parameter *p) {
  fputs("{\"name\": ", stdout);
  cli_print_json(stdout, p->name);
  fputs(", \"summary\": ", stdout);
  cli_print_json(stdout, p->summary);
  if (p->choices)
    print_json_words(p);
  else
    print_json_numbers(p);
  putchar('}');
}

static void print_json_operation(const tlw_window_info *info) {
  fputs("  {\n    \"name\": ", stdout);
  cli_print_json(stdout, info->name);
  fputs(",\n    \"summary\": ", stdout);
  cli_print_json(stdout, info->summary);
  printf(",\n    \"inputs\": %d,\n    \"columns\": [\"--column\"%s],\n    \"lookback\": ", (int)info->inputs,
         info->inputs == 2 ? ", \"--other\"" : "");
  cli_print_json(stdout, info->lookback);
  fputs(",\n    \"parameters\": [", stdout);
  for (int32_t i = 0; i < info->n_parameters; i++) {
    fputs(i ? ",\n      " : "\n      ", stdout);
    print_json_parameter(&info->parameters[i]);
  }
  fputs("\n    ]\n  }", stdout);
}

static int is_asked_for(const rolling_plan *plan, tlw_window_op op) {
  int is_it = plan->n_tasks == 0;
  for (int i = 0; i < plan->n_tasks && !is_it; i++) is_it = plan->tasks[i].spec.op == op;
  return is_it;
}

static void print_json_list(const rolling_plan *plan) {
  const char *before = "[\n";
  for (int i = 0; i < TLW_WINDOW_OPS; i++) {
    if (!is_asked_for(plan, (tlw_window_op)i)) continue;
    fputs(before, stdout);
    print_json_operation(tlw_window_describe((tlw_window_op)i));
    before = ",\n";
  }
  fputs("\n]\n", stdout);
}

void rolling_print_list(const rolling_plan *plan, int as_json) {
  if (as_json) {
    print_json_list(plan);
    return;
  }
  for (int i = 0; i < TLW_WINDOW_OPS; i++) {
    const tlw_window_info *info = tlw_window_describe((tlw_window_op)i);
    if (plan->n_tasks == 0)
      print_in_short(info);
    else if (is_asked_for(plan, info->op))
      print_operation(info);
  }
  if (plan->n_tasks == 0) puts("\n'tallow window --list --op NAME' shows the parameters of one.");
}
