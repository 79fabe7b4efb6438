/* The table of operations, and specs judged by it. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "window.h"

#define MOST_INT32 2147483647.0
#define MOST_WHOLE 9007199254740992.0 /* up to which a double holds every whole number */
#define ANY_PERIODS ((double)((int64_t)1 << 40))

/* What a NaN makes NaN of. */
#define POLICIES(propagated)                                                                                           \
  {                                                                                                                    \
    {"propagate", propagated}, { "skip", "it is left out" }                                                            \
  }
static const tlw_window_choice in_window[] = POLICIES("a NaN makes NaN while it is in the window");
static const tlw_window_choice from_there_on[] = POLICIES("a NaN after the first number makes NaN from there on");
static const tlw_window_choice as_oldest[] =
    POLICIES("a NaN makes NaN while it is the oldest row, others do not count");
static const tlw_window_choice as_newest[] =
    POLICIES("a NaN makes NaN where it is the newest row, others do not count");
static const tlw_window_choice at_ends[] =
    POLICIES("a NaN makes NaN where it is the oldest or the newest row, those between do not count");
static const tlw_window_choice seeds[] = {{"first", "the first row"}, {"mean", "the mean of the first window rows"}};

#define WINDOW                                                                                                         \
  {                                                                                                                    \
    TLW_FIELD_WINDOW, "window", "rows that each result looks back on, its own among them", 1, TLW_WINDOW_MAX_ROWS, 20, \
        NULL                                                                                                           \
  }
#define SPAN                                                                                                           \
  { TLW_FIELD_WINDOW, "window", "span: the newest row weighs 2 / (window + 1)", 1, TLW_WINDOW_MAX_ROWS, 20, NULL }
#define WILDER                                                                                                         \
  { TLW_FIELD_WINDOW, "window", "the newest row weighs 1 / window", 1, TLW_WINDOW_MAX_ROWS, 14, NULL }
#define PERIODS                                                                                                        \
  { TLW_FIELD_MIN_PERIODS, "min_periods", "valid rows that a result needs", 1, TLW_WINDOW_MAX_ROWS, 0, NULL }
#define PERIODS_SO_FAR                                                                                                 \
  { TLW_FIELD_MIN_PERIODS, "min_periods", "valid rows that a result needs", 1, ANY_PERIODS, 1, NULL }
#define NAN_POLICY(policies)                                                                                           \
  { TLW_FIELD_NAN, "nan", "what a NaN does", 0, 1, 0, policies }
#define DDOF                                                                                                           \
  {                                                                                                                    \
    TLW_FIELD_DDOF, "ddof", "delta degrees of freedom: what is subtracted from the number of rows", 0, MOST_INT32, 1,  \
        NULL                                                                                                           \
  }
#define QUANTILE                                                                                                       \
  { TLW_FIELD_QUANTILE, "quantile", "0: the least, 0.5: the median, 1: the greatest", 0, 1, 0.5, NULL }
#define ADJUST                                                                                                         \
  { TLW_FIELD_ADJUST, "adjust", "1: weights of the rows so far add up to 1", 0, 1, 0, NULL }
#define SEED(initial)                                                                                                  \
  { TLW_FIELD_SEED, "seed", "what it begins with", 0, 1, initial, seeds }

static const tlw_window_parameter plain[] = {WINDOW, PERIODS, NAN_POLICY(in_window)};
static const tlw_window_parameter spread[] = {WINDOW, PERIODS, NAN_POLICY(in_window), DDOF};
static const tlw_window_parameter quantile[] = {WINDOW, PERIODS, NAN_POLICY(in_window), QUANTILE};
static const tlw_window_parameter oldest[] = {WINDOW, PERIODS, NAN_POLICY(as_oldest)};
static const tlw_window_parameter newest[] = {WINDOW, PERIODS, NAN_POLICY(as_newest)};
static const tlw_window_parameter ends[] = {WINDOW, PERIODS, NAN_POLICY(at_ends)};
static const tlw_window_parameter ema[] = {SPAN, PERIODS_SO_FAR, NAN_POLICY(from_there_on), ADJUST, SEED(0)};
static const tlw_window_parameter rma[] = {WILDER, PERIODS_SO_FAR, NAN_POLICY(from_there_on), SEED(1)};
static const tlw_window_parameter so_far[] = {PERIODS_SO_FAR, NAN_POLICY(from_there_on)};

#define COUNT(parameters) (int32_t)(sizeof parameters / sizeof *parameters), parameters
/* From the lookback to the least rows. */
#define ROLLING "min_periods - 1", 1, 0, 1
#define SPREAD(inputs) "max(min_periods, ddof + 1) - 1", inputs, 0, 1
#define NEEDS(rows, inputs) "max(min_periods, " #rows ") - 1", inputs, 0, rows
#define SEEDED "min_periods - 1; with seed mean max(min_periods, window) - 1", 1, 1, 1
#define SO_FAR "min_periods - 1", 1, 1, 1

static const tlw_window_info table[TLW_WINDOW_OPS] = {
    {TLW_WINDOW_SUM, "sum", "sum", ROLLING, COUNT(plain)},
    {TLW_WINDOW_MEAN, "mean", "arithmetic mean", ROLLING, COUNT(plain)},
    {TLW_WINDOW_VAR, "var", "variance", SPREAD(1), COUNT(spread)},
    {TLW_WINDOW_STD, "std", "standard deviation", SPREAD(1), COUNT(spread)},
    {TLW_WINDOW_MIN, "min", "least value", ROLLING, COUNT(plain)},
    {TLW_WINDOW_MAX, "max", "greatest value", ROLLING, COUNT(plain)},
    {TLW_WINDOW_ARGMIN, "argmin", "rows since the least value, 0 for the newest row", ROLLING, COUNT(plain)},
    {TLW_WINDOW_ARGMAX, "argmax", "rows since the greatest value, 0 for the newest row", ROLLING, COUNT(plain)},
    {TLW_WINDOW_MEDIAN, "median", "median", ROLLING, COUNT(plain)},
    {TLW_WINDOW_QUANTILE, "quantile", "quantile, linear between values", ROLLING, COUNT(quantile)},
    {TLW_WINDOW_RANK, "rank", "rank of the newest value, 1 for the least; ties share the mean", ROLLING, COUNT(plain)},
    {TLW_WINDOW_SKEW, "skew", "skewness, corrected for bias", NEEDS(3, 1), COUNT(plain)},
    {TLW_WINDOW_KURTOSIS, "kurtosis", "excess kurtosis, corrected for bias", NEEDS(4, 1), COUNT(plain)},
    {TLW_WINDOW_COV, "cov", "covariance of two columns", SPREAD(2), COUNT(spread)},
    {TLW_WINDOW_CORR, "corr", "correlation of two columns", NEEDS(2, 2), COUNT(plain)},
    {TLW_WINDOW_BETA, "beta", "slope of the first column on the second", NEEDS(2, 2), COUNT(plain)},
    {TLW_WINDOW_EMA, "ema", "exponential moving average", SEEDED, COUNT(ema)},
    {TLW_WINDOW_RMA, "rma", "Wilder's moving average", SEEDED, COUNT(rma)},
    {TLW_WINDOW_WMA, "wma", "mean with weights 1, 2, 3 ... from old to new", ROLLING, COUNT(plain)},
    {TLW_WINDOW_FIRST, "first", "oldest value", ROLLING, COUNT(oldest)},
    {TLW_WINDOW_LAST, "last", "newest value", ROLLING, COUNT(newest)},
    {TLW_WINDOW_DELTA, "delta", "newest value less the oldest", ROLLING, COUNT(ends)},
    {TLW_WINDOW_RETURN, "return", "newest value over the oldest, less 1", ROLLING, COUNT(ends)},
    {TLW_WINDOW_CUMSUM, "cumsum", "sum of all rows so far", SO_FAR, COUNT(so_far)},
    {TLW_WINDOW_CUMPROD, "cumprod", "product of all rows so far", SO_FAR, COUNT(so_far)},
    {TLW_WINDOW_CUMMIN, "cummin", "least value so far", SO_FAR, COUNT(so_far)},
    {TLW_WINDOW_CUMMAX, "cummax", "greatest value so far", SO_FAR, COUNT(so_far)},
};

/* Kinds by operation. */
static const tlk_i32 kinds[TLW_WINDOW_OPS] = {
    [TLW_WINDOW_SUM] = TLK_FOLD_SUM,          [TLW_WINDOW_MEAN] = TLK_FOLD_SUM,
    [TLW_WINDOW_VAR] = TLK_FOLD_MOMENTS,      [TLW_WINDOW_STD] = TLK_FOLD_MOMENTS,
    [TLW_WINDOW_MIN] = TLK_FOLD_MIN,          [TLW_WINDOW_MAX] = TLK_FOLD_MAX,
    [TLW_WINDOW_ARGMIN] = TLK_FOLD_ARGMIN,    [TLW_WINDOW_ARGMAX] = TLK_FOLD_ARGMAX,
    [TLW_WINDOW_MEDIAN] = TLK_ORDER_QUANTILE, [TLW_WINDOW_QUANTILE] = TLK_ORDER_QUANTILE,
    [TLW_WINDOW_RANK] = TLK_ORDER_RANK,       [TLW_WINDOW_SKEW] = TLK_FOLD_HIGHER,
    [TLW_WINDOW_KURTOSIS] = TLK_FOLD_HIGHER,  [TLW_WINDOW_COV] = TLK_FOLD_CROSS,
    [TLW_WINDOW_CORR] = TLK_FOLD_CROSS,       [TLW_WINDOW_BETA] = TLK_FOLD_CROSS,
    [TLW_WINDOW_EMA] = TLK_SCAN_LINEAR,       [TLW_WINDOW_RMA] = TLK_SCAN_LINEAR,
    [TLW_WINDOW_WMA] = TLK_FOLD_WEIGHTED,     [TLW_WINDOW_FIRST] = TLK_FOLD_ENDS,
    [TLW_WINDOW_LAST] = TLK_FOLD_ENDS,        [TLW_WINDOW_DELTA] = TLK_FOLD_ENDS,
    [TLW_WINDOW_RETURN] = TLK_FOLD_ENDS,      [TLW_WINDOW_CUMSUM] = TLK_SCAN_LINEAR,
    [TLW_WINDOW_CUMPROD] = TLK_SCAN_PRODUCT,  [TLW_WINDOW_CUMMIN] = TLK_SCAN_MIN,
    [TLW_WINDOW_CUMMAX] = TLK_SCAN_MAX,
};

const tlw_window_info *tlw_window_describe(tlw_window_op op) {
  return (uint32_t)op < TLW_WINDOW_OPS ? &table[op] : NULL;
}

static const tlw_window_parameter *parameter_of(const tlw_window_info *info, tlw_window_field field) {
  for (int32_t i = 0; i < info->n_parameters; i++)
    if (info->parameters[i].field == field) return &info->parameters[i];
  return NULL;
}

const tlw_window_parameter *tlw_window_find_parameter(tlw_window_op op, tlw_window_field field) {
  const tlw_window_info *info = tlw_window_describe(op);
  return info ? parameter_of(info, field) : NULL;
}

/* ---- fields of a spec ---- */

static double value_of(const tlw_window_spec *spec, tlw_window_field field) {
  switch (field) {
  case TLW_FIELD_WINDOW:
    return (double)spec->window;
  case TLW_FIELD_MIN_PERIODS:
    return (double)spec->min_periods;
  case TLW_FIELD_NAN:
    return (double)(int32_t)spec->nan; /* compilers may count it as unsigned */
  case TLW_FIELD_DDOF:
    return (double)spec->ddof;
  case TLW_FIELD_QUANTILE:
    return spec->quantile;
  case TLW_FIELD_ADJUST:
    return (double)spec->adjust;
  case TLW_FIELD_SEED:
    return (double)(int32_t)spec->seed;
  }
  return 0;
}

double tlw_window_spec_get(const tlw_window_spec *spec, const tlw_window_parameter *parameter) {
  return value_of(spec, parameter->field);
}

/* The greatest value that it holds exactly; minus this is the least. */
static double most_of(tlw_window_field field) {
  if (field == TLW_FIELD_QUANTILE) return HUGE_VAL;
  return field == TLW_FIELD_WINDOW || field == TLW_FIELD_MIN_PERIODS ? MOST_WHOLE : MOST_INT32;
}

static bool can_hold(tlw_window_field field, double value) {
  const double most = most_of(field);
  return value >= -most && value <= most && (field == TLW_FIELD_QUANTILE || value == floor(value));
}

static void set_field(tlw_window_spec *spec, tlw_window_field field, double value) {
  switch (field) {
  case TLW_FIELD_WINDOW:
    spec->window = (int64_t)value;
    break;
  case TLW_FIELD_MIN_PERIODS:
    spec->min_periods = (int64_t)value;
    break;
  case TLW_FIELD_NAN:
    spec->nan = (tlw_nan_policy)(int32_t)value;
    break;
  case TLW_FIELD_DDOF:
    spec->ddof = (int32_t)value;
    break;
  case TLW_FIELD_QUANTILE:
    spec->quantile = value;
    break;
  case TLW_FIELD_ADJUST:
    spec->adjust = (int32_t)value;
    break;
  case TLW_FIELD_SEED:
    spec->seed = (tlw_window_seed)(int32_t)value;
    break;
  }
}

tlw_status tlw_window_spec_set(tlw_window_spec *spec, const tlw_window_parameter *parameter, double value,
                               tlw_error *error) {
  if (!spec || !parameter) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", spec ? "parameter" : "spec");
  if (!can_hold(parameter->field, value))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is %.17g: it must be a %snumber from %.17g to %.17g", parameter->name,
                    value, parameter->field == TLW_FIELD_QUANTILE ? "" : "whole ", parameter->least, parameter->most);
  set_field(spec, parameter->field, value);
  return TLW_OK;
}

void tlw_window_spec_init(tlw_window_spec *spec, tlw_window_op op, int64_t window) {
  if (!spec) return;
  *spec = (tlw_window_spec){.struct_size = sizeof *spec, .op = op};
  const tlw_window_info *info = tlw_window_describe(op);
  if (!info) return;
  const tlw_window_parameter *ddof = parameter_of(info, TLW_FIELD_DDOF), *seed = parameter_of(info, TLW_FIELD_SEED);
  const tlw_window_parameter *q = parameter_of(info, TLW_FIELD_QUANTILE);
  const tlw_window_parameter *periods = parameter_of(info, TLW_FIELD_MIN_PERIODS);
  spec->window = window;
  spec->min_periods = periods->initial > 0 ? (int64_t)periods->initial : window;
  if (ddof) spec->ddof = (int32_t)ddof->initial;
  if (seed) spec->seed = (tlw_window_seed)seed->initial;
  if (q) spec->quantile = q->initial;
  spec->other = info->inputs == 2;
}

static const char *const field_names[] = {"window", "min_periods", "nan", "ddof", "quantile", "adjust", "seed"};

/* Parameters in their ranges; those that the operation lacks are 0. */
static tlw_status check_fields(const tlw_window_spec *spec, const tlw_window_info *info, tlw_error *error) {
  for (int i = TLW_FIELD_WINDOW; i <= TLW_FIELD_SEED; i++) {
    const tlw_window_parameter *p = parameter_of(info, (tlw_window_field)i);
    const double value = value_of(spec, (tlw_window_field)i);
    if (!p && value != 0)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "%s has no parameter %s: it must be 0 and is %.17g", info->name,
                      field_names[i], value);
    if (p && !(value >= p->least && value <= p->most))
      return tlw_fail(error, TLW_ERR_ARGUMENT, "%s of %s is %.17g: it must be %.17g to %.17g", p->name, info->name,
                      value, p->least, p->most);
  }
  return TLW_OK;
}

static tlw_status check_columns(const tlw_window_spec *spec, const tlw_window_info *info, int32_t n, tlw_error *error) {
  if (n <= 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "column of %s is %d: the batch has no columns", info->name,
                    (int)spec->column);
  if (spec->column < 0 || spec->column >= n)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "column of %s is %d: the batch has columns 0 to %d", info->name,
                    (int)spec->column, (int)n - 1);
  if (info->inputs == 1 && spec->other != 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s reads one column: other must be 0 and is %d", info->name,
                    (int)spec->other);
  if (info->inputs == 2 && (spec->other < 0 || spec->other >= n))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "other of %s is %d: the batch has columns 0 to %d, and two are needed",
                    info->name, (int)spec->other, (int)n - 1);
  return TLW_OK;
}

tlw_status tlw_window_check(const tlw_window_spec *spec, int32_t n_columns, tlw_error *error) {
  if (!spec) return tlw_fail(error, TLW_ERR_ARGUMENT, "spec is NULL");
  if (spec->struct_size != sizeof *spec)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "spec.struct_size is %zu: call tlw_window_spec_init", spec->struct_size);
  const tlw_window_info *info = tlw_window_describe(spec->op);
  if (!info)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "op is %d: it must be 0 to %d", (int)spec->op, TLW_WINDOW_OPS - 1);
  tlw_status status = check_fields(spec, info, error);
  if (status != TLW_OK) return status;
  if (parameter_of(info, TLW_FIELD_MIN_PERIODS)->initial == 0 && spec->min_periods > spec->window)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "min_periods of %s is %lld: it must be 1 to %lld, the window", info->name,
                    (long long)spec->min_periods, (long long)spec->window);
  if (spec->adjust && spec->seed != TLW_SEED_FIRST)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "adjust of %s needs the first row as seed: set seed to 0", info->name);
  return check_columns(spec, info, n_columns, error);
}

static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

int64_t tlw_window_lookback(const tlw_window_spec *spec) {
  if (!spec || tlw_window_check(spec, INT32_MAX, NULL) != TLW_OK) return -1;
  const tlw_window_info *info = tlw_window_describe(spec->op);
  const int64_t needed = spec->seed == TLW_SEED_MEAN ? spec->window : (int64_t)info->least_rows + spec->ddof;
  const int64_t rows = greater(spec->min_periods, needed);
  return rows > spec->window && !info->remembers ? INT64_MAX : rows - 1;
}

/* By itself, so that no number is made before the arithmetic is set. */
static __attribute__((noinline)) void make_plan(const tlw_window_spec *spec, tlk_window *plan) {
  const double alpha = spec->op == TLW_WINDOW_EMA   ? 2.0 / ((double)spec->window + 1.0)
                       : spec->op == TLW_WINDOW_RMA ? 1.0 / (double)spec->window
                                                    : 1.0;
  *plan = (tlk_window){
      .kind = kinds[spec->op],
      .op = (tlk_i32)spec->op,
      .skip = spec->nan == TLW_NAN_SKIP,
      .ddof = spec->ddof,
      .adjust = spec->adjust,
      .seed_mean = spec->seed == TLW_SEED_MEAN,
      .window = spec->window,
      .min_periods = spec->min_periods,
      .quantile = spec->op == TLW_WINDOW_MEDIAN ? 0.5 : spec->quantile,
      .keep = spec->op == TLW_WINDOW_CUMSUM ? 1.0 : 1.0 - alpha,
      .gain = spec->op == TLW_WINDOW_CUMSUM ? 1.0 : 1.0 - (1.0 - alpha),
  };
}

tlk_window tlw_window_plan(const tlw_window_spec *spec) {
  tlk_window plan;
  struct tlw_arithmetic callers;
  tlw_arithmetic_enter(&callers);
  make_plan(spec, &plan);
  tlw_arithmetic_leave(&callers);
  return plan;
}

/* ---- names ---- */

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

#define LONGEST_NAME 16

static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter + 'a' - 'A') : letter; }

/* Letters to insert, drop or replace to turn a into b, no longer than LONGEST_NAME. */
static int32_t distance_between(const char *a, const char *b) {
  const size_t columns = strlen(b);
  int32_t row[LONGEST_NAME + 1];
  for (size_t k = 0; k <= columns; k++) row[k] = (int32_t)k;
  for (size_t i = 0; a[i]; i++) {
    int32_t diagonal = row[0];
    row[0] = (int32_t)i + 1;
    for (size_t k = 0; k < columns; k++) {
      const int32_t replaced = diagonal + (lower(a[i]) != b[k]);
      diagonal = row[k + 1];
      row[k + 1] = least(replaced, 1 + least(row[k], row[k + 1]));
    }
  }
  return row[columns];
}

/* Equal beginnings count: "correlation" means "corr", "med" "median", and "cumulative" one that begins with "cum". */
static int32_t distance_to(const char *name, const char *of_table) {
  size_t same = 0;
  while (name[same] && lower(name[same]) == of_table[same]) same++;
  const bool whole = same > 1 && (!name[same] || !of_table[same]);
  return distance_between(name, of_table) - (whole ? LONGEST_NAME : same > 2 ? (int32_t)same : 0);
}

static const tlw_window_info *nearest(const char *name) {
  const tlw_window_info *best = &table[0];
  for (int32_t i = 1; i < TLW_WINDOW_OPS; i++)
    if (distance_to(name, table[i].name) < distance_to(name, best->name)) best = &table[i];
  return best;
}

tlw_status tlw_window_find(const char *name, tlw_window_op *op, tlw_error *error) {
  if (!name || !op) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", name ? "op" : "name");
  for (int32_t i = 0; i < TLW_WINDOW_OPS; i++) {
    if (strcmp(name, table[i].name) != 0) continue;
    *op = table[i].op;
    return TLW_OK;
  }
  if (!*name || strlen(name) > LONGEST_NAME)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "no operation is called '%.40s': tlw_window_describe lists them", name);
  return tlw_fail(error, TLW_ERR_ARGUMENT,
                  "no operation is called '%s': the nearest is %s, and tlw_window_describe lists them all", name,
                  nearest(name)->name);
}
