/* What "tallow window" is asked to compute. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report.h"
#include "rolling.h"

/* ---- lists ---- */

/* Blanks around an item do not count. */
static char *trimmed(char *text) {
  text += strspn(text, " ");
  for (size_t length = strlen(text); length > 0 && text[length - 1] == ' '; length--) text[length - 1] = 0;
  return text;
}

/* Splits text at commas. option: its name, for messages. */
static cli_exit read_list(const char *option, const char *text, int most, rolling_list *list) {
  size_t n = 1;
  for (const char *c = text; *c; c++) n += *c == ',';
  if (n > (size_t)most) return cli_fail(CLI_USAGE, "--%s has %zu items: %d at most" SEE_HELP, option, n, most);
  list->text = strdup(text);
  list->items = malloc(n * sizeof *list->items);
  if (!list->text || !list->items) return cli_fail(CLI_NO_MEMORY, "no memory for --%s", option);
  char *at = list->text;
  for (char *next; at; at = next) {
    next = strchr(at, ',');
    if (next) *next++ = 0;
    list->items[list->n] = trimmed(at);
    if (!*list->items[list->n])
      return cli_fail(CLI_USAGE, "--%s %s: there is nothing between two commas, or at an end" SEE_HELP, option, text);
    list->n++;
  }
  return CLI_OK;
}

static cli_exit read_option_list(const cli_args *args, int option, int most, rolling_list *list) {
  const cli_value *value = &args->values[option];
  return value->text ? read_list(args->command->options[option].name, value->text, most, list) : CLI_OK;
}

static void free_list(rolling_list *list) {
  free(list->text);
  free(list->items);
  *list = (rolling_list){0};
}

/* ---- parameters ---- */

/* min-periods is min_periods. */
static int is_named(const tlw_window_parameter *p, const char *name) {
  const char *a = p->name;
  for (; *a && *name; a++, name++)
    if (*a != *name && !(*a == '_' && *name == '-')) return 0;
  return !*a && !*name;
}

const char *rolling_value_word(const tlw_window_parameter *p, double value) {
  return p->choices ? p->choices[(int)(value - p->least)].name : NULL;
}

/* Words that are read as numbers: those of the library, and what a switch is called. 0: it is none of these. */
static int read_word(const tlw_window_parameter *p, const char *text, double *value) {
  static const char *const states[] = {"off", "on"};
  if (!p->choices && p->field != TLW_FIELD_ADJUST) return 0;
  for (*value = p->least; *value <= p->most; *value += 1) {
    const char *word = p->choices ? rolling_value_word(p, *value) : states[(int)*value];
    if (strcasecmp(word, text) == 0) return 1;
  }
  return 0;
}

/* A decimal number in the range of the parameter, whole but for a quantile. 0: it is not that. */
static int read_value(const tlw_window_parameter *p, const char *text, double *value) {
  if (read_word(p, text, value)) return 1;
  const int is_whole = p->field != TLW_FIELD_QUANTILE;
  const size_t length = strlen(text);
  if (length == 0 || length > 32 || strspn(text, is_whole ? "0123456789" : "0123456789.e-") != length) return 0;
  char *end;
  *value = strtod(text, &end) + 0.0; /* no -0 */
  return *end == 0 && *value >= p->least && *value <= p->most;
}

static cli_exit fail_value(const tlw_window_info *info, const tlw_window_parameter *p, const char *text) {
  if (p->choices)
    return cli_fail(CLI_USAGE, "%s of %s must be %s or %s, not '%.200s'" SEE_HELP, p->name, info->name,
                    rolling_value_word(p, p->least), rolling_value_word(p, p->most), text);
  return cli_fail(CLI_USAGE, "%s of %s must be a %s from %.17g to %.17g, not '%.200s'" SEE_HELP, p->name, info->name,
                  p->field == TLW_FIELD_QUANTILE ? "number" : "whole number", p->least, p->most, text);
}

/* ---- operations ---- */

/* An item of --op, NAME:PARAMETER=VALUE:..., as far as it is known. */
struct item {
  const tlw_window_info *info;
  tlw_window_spec spec, plain; /* plain: what it is without parameters of its own */
  unsigned own;                /* as that of a task */
  int has_periods, plain_has_periods;
};

static unsigned bit_of(tlw_window_field field) { return 1U << field; }

static cli_exit fail_parameter(const tlw_window_info *info, const char *name) {
  char list[160] = "";
  for (int32_t i = 0; i < info->n_parameters; i++) {
    const size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", info->parameters[i].name);
  }
  return cli_fail(CLI_USAGE, "%s has no parameter '%.200s': it has %s" SEE_HELP, info->name, name, list);
}

static cli_exit read_parameter(struct item *item, char *text) {
  char *equals = strchr(text, '=');
  if (!equals)
    return cli_fail(CLI_USAGE, "--op: '%.200s' of %s is not PARAMETER=VALUE, such as ema:seed=mean" SEE_HELP, text,
                    item->info->name);
  *equals = 0;
  const tlw_window_parameter *found = NULL;
  for (int32_t i = 0; i < item->info->n_parameters; i++)
    if (is_named(&item->info->parameters[i], text)) found = &item->info->parameters[i];
  if (!found) return fail_parameter(item->info, text);
  double value;
  if (!read_value(found, equals + 1, &value)) return fail_value(item->info, found, equals + 1);
  tlw_window_spec_set(&item->spec, found, value, NULL);
  item->own |= bit_of(found->field);
  item->has_periods |= found->field == TLW_FIELD_MIN_PERIODS;
  return CLI_OK;
}

/* Options that set a parameter of every operation that has it. */
static const struct {
  int option;
  tlw_window_field field;
} shared[] = {
    {WINDOW_DDOF, TLW_FIELD_DDOF}, {WINDOW_MIN_PERIODS, TLW_FIELD_MIN_PERIODS},
    {WINDOW_NAN, TLW_FIELD_NAN},   {WINDOW_ADJUST, TLW_FIELD_ADJUST},
    {WINDOW_SEED, TLW_FIELD_SEED},
};
#define SHARED (sizeof shared / sizeof *shared)

static void take_shared(struct item *item, const cli_args *args) {
  for (size_t i = 0; i < SHARED; i++) {
    const cli_value *value = &args->values[shared[i].option];
    const tlw_window_parameter *p = tlw_window_find_parameter(item->info->op, shared[i].field);
    if (!value->given || !p) continue;
    tlw_window_spec_set(&item->spec, p, (double)value->number, NULL);
    item->has_periods |= shared[i].field == TLW_FIELD_MIN_PERIODS;
  }
}

/* What others call an operation. */
static const char *name_of_alias(const char *text) {
  static const struct {
    const char *alias, *name;
  } aliases[] = {
      {"sma", "mean"},          {"avg", "mean"},      {"average", "mean"},        {"ma", "mean"},
      {"stdev", "std"},         {"stddev", "std"},    {"variance", "var"},        {"ewm", "ema"},
      {"ewma", "ema"},          {"smma", "rma"},      {"wilder", "rma"},          {"lwma", "wma"},
      {"kurt", "kurtosis"},     {"skewness", "skew"}, {"percentile", "quantile"}, {"correlation", "corr"},
      {"covariance", "cov"},    {"diff", "delta"},    {"pct_change", "return"},   {"roc", "return"},
      {"cumulative", "cumsum"}, {"total", "sum"},     {"lowest", "min"},          {"highest", "max"},
  };
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcasecmp(aliases[i].alias, text) == 0) return aliases[i].name;
  return NULL;
}

static int find_op(const char *text) {
  const char *meant = name_of_alias(text);
  if (!meant) return cli_find_name("an operation of --op", text, cli_window_op_name, "window");
  cli_fail(CLI_USAGE, "an operation of --op must be one of 'tallow window --list', not '%s'; did you mean %s?", text,
           meant);
  return -1;
}

static cli_exit read_item(struct item *item, char *text, const cli_args *args) {
  char *parameters = strchr(text, ':');
  if (parameters) *parameters++ = 0;
  const int op = find_op(text);
  if (op < 0) return CLI_USAGE;
  *item = (struct item){.info = tlw_window_describe((tlw_window_op)op)};
  const tlw_window_parameter *window = tlw_window_find_parameter(item->info->op, TLW_FIELD_WINDOW);
  tlw_window_spec_init(&item->spec, (tlw_window_op)op, window ? (int64_t)window->initial : 0);
  take_shared(item, args);
  item->plain = item->spec;
  item->plain_has_periods = item->has_periods;
  cli_exit code = CLI_OK;
  for (char *next; parameters && !code; parameters = next) {
    next = strchr(parameters, ':');
    if (next) *next++ = 0;
    code = read_parameter(item, parameters);
  }
  return code;
}

/* ---- tasks ---- */

/* Of several windows only the long ones may have so many rows: says how these are asked for. */
static cli_exit fail_periods(const rolling_plan *plan, const tlw_window_spec *spec) {
  const char *name = tlw_window_describe(spec->op)->name;
  int64_t longest = 0;
  for (int i = 0; i < plan->windows.n; i++) {
    const int64_t rows = strtoll(plan->windows.items[i], NULL, 10);
    if (rows > longest) longest = rows;
  }
  char hint[128] = "";
  if (longest >= spec->min_periods)
    snprintf(hint, sizeof hint, "; for a longer one alone write %s:window=%" PRId64 ":min_periods=%" PRId64, name,
             longest, spec->min_periods);
  return cli_fail(CLI_USAGE, "min_periods of %s is %" PRId64 ": it must be 1 to %" PRId64 ", the window%s" SEE_HELP,
                  name, spec->min_periods, spec->window, hint);
}

/* What the library would tell in words for programs. */
static cli_exit check_task(const rolling_plan *plan, const tlw_window_spec *spec) {
  const char *name = tlw_window_describe(spec->op)->name;
  const tlw_window_parameter *periods = tlw_window_find_parameter(spec->op, TLW_FIELD_MIN_PERIODS);
  tlw_error error;
  if (periods->initial == 0 && spec->min_periods > spec->window) return fail_periods(plan, spec);
  if (spec->adjust && spec->seed != TLW_SEED_FIRST)
    return cli_fail(CLI_USAGE,
                    "adjust of %s needs the first row as seed: leave out adjust, or choose the seed first" SEE_HELP,
                    name);
  if (tlw_window_check(spec, 2, &error) != TLW_OK) return cli_fail(CLI_USAGE, "%s" SEE_HELP, error.message);
  return CLI_OK;
}

static cli_exit add_task(rolling_plan *plan, const tlw_window_spec *spec, unsigned own, unsigned named) {
  if (plan->n_tasks == TLW_WINDOW_SPECS_MAX)
    return cli_fail(CLI_USAGE, "--op, --window and --quantile give more than %d results" SEE_HELP,
                    TLW_WINDOW_SPECS_MAX);
  if (plan->n_tasks == plan->tasks_room) {
    const int room = plan->tasks_room ? 2 * plan->tasks_room : 16;
    rolling_task *grown = realloc(plan->tasks, (size_t)room * sizeof *grown);
    if (!grown) return cli_fail(CLI_NO_MEMORY, "no memory for %d results", room);
    plan->tasks = grown;
    plan->tasks_room = room;
  }
  const cli_exit code = check_task(plan, spec);
  if (!code) plan->tasks[plan->n_tasks++] = (rolling_task){*spec, own, named};
  return code;
}

/* Which of its own parameters are others than it would have without them. */
static unsigned named_of(const struct item *item, const tlw_window_spec *spec, int periods_are_window) {
  tlw_window_spec plain = item->plain;
  if (periods_are_window && !item->plain_has_periods) plain.min_periods = spec->window;
  unsigned named = 0;
  for (int32_t i = 0; i < item->info->n_parameters; i++) {
    const tlw_window_parameter *p = &item->info->parameters[i];
    if (tlw_window_spec_get(spec, p) != tlw_window_spec_get(&plain, p)) named |= item->own & bit_of(p->field);
  }
  return named;
}

static cli_exit add_window(rolling_plan *plan, const struct item *item, int64_t window, const char *quantile) {
  tlw_window_spec spec = item->spec;
  const tlw_window_parameter *periods = tlw_window_find_parameter(item->info->op, TLW_FIELD_MIN_PERIODS);
  spec.window = window;
  if (!item->has_periods && periods->initial == 0) spec.min_periods = window;
  if (quantile && !read_value(tlw_window_find_parameter(item->info->op, TLW_FIELD_QUANTILE), quantile, &spec.quantile))
    return fail_value(item->info, tlw_window_find_parameter(item->info->op, TLW_FIELD_QUANTILE), quantile);
  return add_task(plan, &spec, item->own, named_of(item, &spec, periods->initial == 0));
}

/* Every window of an operation, for one quantile if it has one. */
static cli_exit add_windows(rolling_plan *plan, const struct item *item, const char *quantile) {
  const tlw_window_parameter *parameter = tlw_window_find_parameter(item->info->op, TLW_FIELD_WINDOW);
  if (!parameter || item->own & bit_of(TLW_FIELD_WINDOW) || plan->windows.n == 0)
    return add_window(plan, item, item->spec.window, quantile);
  cli_exit code = CLI_OK;
  for (int i = 0; i < plan->windows.n && !code; i++) {
    double window;
    if (!read_value(parameter, plan->windows.items[i], &window))
      return cli_fail(CLI_USAGE, "--window must be whole numbers from %.17g to %.17g, not '%.200s'" SEE_HELP,
                      parameter->least, parameter->most, plan->windows.items[i]);
    code = add_window(plan, item, (int64_t)window, quantile);
  }
  return code;
}

static cli_exit add_item(rolling_plan *plan, const struct item *item) {
  const int takes_quantiles =
      tlw_window_find_parameter(item->info->op, TLW_FIELD_QUANTILE) && !(item->own & bit_of(TLW_FIELD_QUANTILE));
  if (!takes_quantiles || plan->quantiles.n == 0) return add_windows(plan, item, NULL);
  cli_exit code = CLI_OK;
  for (int i = 0; i < plan->quantiles.n && !code; i++) code = add_windows(plan, item, plan->quantiles.items[i]);
  return code;
}

/* ---- the whole ---- */

/* What is there twice would give one result twice. */
static cli_exit check_once(const char *option, const rolling_list *list) {
  for (int i = 1; i < list->n; i++)
    for (int k = 0; k < i; k++)
      if (strtod(list->items[k], NULL) == strtod(list->items[i], NULL))
        return cli_fail(CLI_USAGE, "--%s has %s twice: give it once" SEE_HELP, option, list->items[i]);
  return CLI_OK;
}

/* An option that sets a parameter of all operations must do so for one at least. */
static cli_exit check_effect(const rolling_plan *plan, const char *option, tlw_window_field field) {
  int any = 0;
  for (int i = 0; i < plan->n_tasks; i++) {
    if (!tlw_window_find_parameter(plan->tasks[i].spec.op, field)) continue;
    if (!(plan->tasks[i].own & bit_of(field))) return CLI_OK;
    any = 1;
  }
  return cli_fail(CLI_USAGE, "--%s has no effect: %s" SEE_HELP, option,
                  any ? "each operation of --op that has it was given its own" : "no operation of --op has it");
}

static int any_of_two(const rolling_plan *plan) {
  for (int i = 0; i < plan->n_tasks; i++)
    if (tlw_window_describe(plan->tasks[i].spec.op)->inputs == 2) return 1;
  return 0;
}

/* What was given and has no effect was meant otherwise. */
static cli_exit check_use(const rolling_plan *plan, const cli_args *args) {
  cli_exit code = CLI_OK;
  for (size_t i = 0; i < SHARED && !code; i++)
    if (args->values[shared[i].option].given)
      code = check_effect(plan, args->command->options[shared[i].option].name, shared[i].field);
  if (!code && plan->windows.n > 0) code = check_effect(plan, "window", TLW_FIELD_WINDOW);
  if (!code && plan->quantiles.n > 0) code = check_effect(plan, "quantile", TLW_FIELD_QUANTILE);
  if (!code) code = check_once("window", &plan->windows);
  if (!code) code = check_once("quantile", &plan->quantiles);
  if (code) return code;
  if (plan->other && !any_of_two(plan))
    return cli_fail(CLI_USAGE, "--other has no effect: it is for cov, corr and beta" SEE_HELP);
  if (!plan->other && any_of_two(plan))
    return cli_fail(CLI_USAGE, "cov, corr and beta need a second column: --other COLUMN" SEE_HELP);
  return CLI_OK;
}

/* Columns of files are numbered from 1. */
static cli_exit check_column(const char *option, const char *text) {
  if (strspn(text, "0") != strlen(text)) return CLI_OK;
  return cli_fail(CLI_USAGE, "--%s: there is no column %s: they are numbered from 1" SEE_HELP, option, text);
}

static cli_exit check_columns(const rolling_plan *plan) {
  cli_exit code = plan->other ? check_column("other", plan->other) : CLI_OK;
  for (int i = 0; i < plan->columns.n && !code; i++) code = check_column("column", plan->columns.items[i]);
  for (int i = 0; i < plan->labels.n && !code; i++) code = check_column("keep", plan->labels.items[i]);
  return code;
}

static int begins_with(const char *text, const char *beginning) {
  return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* "mean:window=5" before "10": a comma parts operations, not values. */
static cli_exit check_values(const char *item, const char *next) {
  const char *equals = strrchr(item, '=');
  if (!equals || strspn(next, "0123456789.") != strlen(next)) return CLI_OK;
  const char *name = equals;
  while (name > item && name[-1] != ':') name--;
  const char *option = begins_with(name, "window=") ? "window" : begins_with(name, "quantile=") ? "quantile" : NULL;
  if (option)
    return cli_fail(CLI_USAGE,
                    "--op %.200s,%.200s: behind an operation stands one %s: several go to --%s %.200s,%.200s" SEE_HELP,
                    item, next, option, option, equals + 1, next);
  return cli_fail(
      CLI_USAGE,
      "--op %.200s,%.200s: behind a parameter stands one value: name the operation again for another" SEE_HELP, item,
      next);
}

cli_exit rolling_plan_read_ops(rolling_plan *plan, const cli_args *args) {
  const cli_value *value = &args->values[WINDOW_OP];
  if (!value->given)
    return cli_fail(CLI_USAGE, "--op NAMES is missing: name operations, such as --op mean,std; 'tallow window --list' "
                               "shows them" SEE_HELP);
  rolling_list *ops = &plan->ops;
  cli_exit code = read_list("op", value->text, TLW_WINDOW_SPECS_MAX, ops);
  for (int i = 0; i < ops->n && !code; i++) {
    struct item item;
    if (i + 1 < ops->n) code = check_values(ops->items[i], ops->items[i + 1]);
    if (!code) code = read_item(&item, ops->items[i], args);
    if (!code) code = add_item(plan, &item);
  }
  return code;
}

cli_exit rolling_plan_read(rolling_plan *plan, const cli_args *args) {
  *plan = (rolling_plan){.other = args->values[WINDOW_OTHER].text};
  const char *keep = args->values[WINDOW_KEEP].text;
  plan->keeps_none = keep && strcasecmp(keep, "none") == 0;
  cli_exit code = read_option_list(args, WINDOW_COLUMN, ROLLING_COLUMNS_MAX, &plan->columns);
  if (!code) code = read_option_list(args, WINDOW_WINDOW, ROLLING_LIST_MAX, &plan->windows);
  if (!code) code = read_option_list(args, WINDOW_QUANTILE, ROLLING_LIST_MAX, &plan->quantiles);
  if (!code && !plan->keeps_none) code = read_option_list(args, WINDOW_KEEP, ROLLING_COLUMNS_MAX, &plan->labels);
  if (!code) code = check_columns(plan);
  if (!code) code = rolling_plan_read_ops(plan, args);
  if (!code) code = check_use(plan, args);
  return code;
}

void rolling_plan_free(rolling_plan *plan) {
  free_list(&plan->columns);
  free_list(&plan->labels);
  free_list(&plan->windows);
  free_list(&plan->quantiles);
  free_list(&plan->ops);
  free(plan->tasks);
  *plan = (rolling_plan){0};
}

int64_t rolling_plan_look_back(const rolling_plan *plan) {
  int64_t most = 0;
  for (int i = 0; i < plan->n_tasks; i++) {
    const tlw_window_spec *spec = &plan->tasks[i].spec;
    if (!tlw_window_describe(spec->op)->remembers && spec->window - 1 > most) most = spec->window - 1;
  }
  return most;
}

int rolling_is_hopeless(const tlw_window_spec *spec) {
  return !tlw_window_describe(spec->op)->remembers && tlw_window_lookback(spec) >= spec->window;
}

/* ---- names ---- */

/* The fewest digits that give the number back: 0.9. */
static void print_short(char *out, size_t size, double number) {
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(out, size, "%.*g", digits, number);
    if (strtod(out, NULL) == number) return;
  }
}

/* "_0.9" for a quantile, and "_adjust1" for what its own parameters change, in the order of the table. */
static void add_parameter(cli_buffer *name, const rolling_task *task, const tlw_window_parameter *p) {
  const double value = tlw_window_spec_get(&task->spec, p);
  const char *word = rolling_value_word(p, value);
  char number[32];
  print_short(number, sizeof number, value);
  if (p->field == TLW_FIELD_QUANTILE)
    cli_buffer_format(name, "_%s", number);
  else if (p->field != TLW_FIELD_WINDOW && task->named & bit_of(p->field))
    cli_buffer_format(name, "_%s%s", p->name, word ? word : number);
}

char *rolling_result_name(const rolling_task *task, const char *column, const char *other) {
  const tlw_window_info *info = tlw_window_describe(task->spec.op);
  cli_buffer name = {0};
  cli_buffer_format(&name, "%s", column);
  if (info->inputs == 2) cli_buffer_format(&name, "_%s", other);
  cli_buffer_format(&name, "_%s", info->name);
  for (int32_t i = 0; i < info->n_parameters; i++) add_parameter(&name, task, &info->parameters[i]);
  if (task->spec.window > 0) cli_buffer_format(&name, "_%" PRId64, task->spec.window);
  cli_buffer_add(&name, "", 1);
  if (!name.failed) return name.bytes;
  cli_buffer_free(&name);
  return NULL;
}
