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

/* The default of min_periods may be that of the window. */
static int has_initial(const tlw_window_parameter *p) { return p->field != TLW_FIELD_MIN_PERIODS || p->initial > 0; }

/* What has words for its values, the default last. */
static void print_words(const tlw_window_parameter *p) {
  const char *const first = rolling_value_word(p->field, p->least);
  const char *const second = rolling_value_word(p->field, p->most);
  const int is_nan = p->field == TLW_FIELD_NAN;
  printf("%*s%s: %s: %s; %s: %s; default %s\n", NAME_COLUMN, "", p->name, first,
         is_nan ? "a NaN makes NaN while it is in the window" : "begins with the first row", second,
         is_nan ? "it is left out" : "with the mean of the first window rows",
         rolling_value_word(p->field, p->initial));
}

static void print_parameter(const tlw_window_parameter *p) {
  if (rolling_value_word(p->field, p->least)) {
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

static void print_operation(const tlw_window_info *info) {
  printf("%-*s%s%s\n", NAME_COLUMN, info->name, info->summary, info->inputs == 2 ? "; of two columns" : "");
  for (int32_t i = 0; i < info->n_parameters; i++) print_parameter(&info->parameters[i]);
  printf("%*slookback: %s rows\n", NAME_COLUMN, "", info->lookback);
}

static void print_json_parameter(const tlw_window_parameter *p) {
  fputs("{\"name\": ", stdout);
  cli_print_json(stdout, p->name);
  fputs(", \"summary\": ", stdout);
  cli_print_json(stdout, p->summary);
  fputs(", \"least\": ", stdout);
  print_number(p->least);
  fputs(", \"most\": ", stdout);
  print_number(p->most);
  fputs(", \"default\": ", stdout);
  if (has_initial(p))
    print_number(p->initial);
  else
    fputs("null", stdout);
  fputs("}", stdout);
}

static void print_json_operation(const tlw_window_info *info) {
  fputs("  {\n    \"name\": ", stdout);
  cli_print_json(stdout, info->name);
  fputs(",\n    \"summary\": ", stdout);
  cli_print_json(stdout, info->summary);
  printf(",\n    \"inputs\": %d,\n    \"lookback\": ", (int)info->inputs);
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

void rolling_print_list(const rolling_plan *plan, int as_json) {
  const char *before = "\n";
  if (as_json) putchar('[');
  for (int i = 0; i < TLW_WINDOW_OPS; i++) {
    if (!is_asked_for(plan, (tlw_window_op)i)) continue;
    const tlw_window_info *info = tlw_window_describe((tlw_window_op)i);
    if (!as_json) {
      print_operation(info);
      continue;
    }
    fputs(before, stdout);
    print_json_operation(info);
    before = ",\n";
  }
  if (as_json) fputs("\n]\n", stdout);
}
