/* The files that "tallow window" reads: tables of text, and arrays. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "csv_options.h"
#include "report.h"
#include "rolling.h"

enum { INPUT_AUTO, INPUT_CSV, INPUT_NPY };

static const char *const default_columns[] = {"close"};

static int drop_ending(const char *name, size_t *length, const char *ending) {
  const size_t n = strlen(ending);
  if (*length <= n || strncasecmp(name + *length - n, ending, n) != 0) return 0;
  *length -= n;
  return 1;
}

int rolling_is_npy(const rolling *r, const char *name) {
  const uint64_t kind = rolling_value(r, WINDOW_INPUT)->number;
  if (kind != INPUT_AUTO) return kind == INPUT_NPY;
  size_t length = strlen(name);
  if (!drop_ending(name, &length, ".gz") && !drop_ending(name, &length, ".zst")) drop_ending(name, &length, ".zip");
  return drop_ending(name, &length, ".npy");
}

/* Where an option of the command line would do, the message says so. */
static const char *host_mem_text(const rolling *r) {
  const cli_value *value = rolling_value(r, WINDOW_HOST_MEM);
  return value->given ? value->text : NULL;
}

cli_exit rolling_fail(const rolling *r, const char *name, const tlw_error *error) {
  const cli_exit code = cli_exit_of(error->code);
  const char *before = name ? cli_shown_name(name) : "", *between = name ? ": " : "";
  if (error->code == TLW_ERR_BUDGET && host_mem_text(r) && strstr(error->message, "host memory budget"))
    return cli_fail(code, "%s%s--host-mem %s is too small a budget: set it to %" PRIu64 " or more", before, between,
                    host_mem_text(r), rolling_enough(r, error->bytes));
  const cli_value *pool = rolling_value(r, WINDOW_POOL);
  if (error->code == TLW_ERR_BUDGET && pool->given && strstr(error->message, "device budget") && error->bytes > 0)
    return cli_fail(code, "%s%s--pool %s is too small a budget: set it to %" PRIu64 " or more", before, between,
                    pool->text, error->bytes);
  if (!name) return cli_fail(code, "%s", error->message);
  cli_buffer text = {0};
  cli_csv_explain(name, error->message, &text);
  cli_buffer_add(&text, "", 1);
  cli_fail(code, "%s", text.failed ? error->message : text.bytes);
  cli_buffer_free(&text);
  return code;
}

/* ---- tables ---- */

/* The columns to read: those asked for, then the second one of cov, corr and beta. */
static const char **list_columns(const rolling_plan *plan, int32_t *n) {
  const int n_named = plan->columns.n > 0 ? plan->columns.n : 1;
  const char **columns = malloc(((size_t)n_named + 1) * sizeof *columns);
  if (!columns) return NULL;
  for (int i = 0; i < n_named; i++) columns[i] = plan->columns.n > 0 ? plan->columns.items[i] : default_columns[i];
  *n = n_named;
  if (plan->other) columns[(*n)++] = plan->other;
  return columns;
}

static cli_exit open_table(rolling *r, const char *name) {
  rolling_input *input = &r->input;
  const rolling_plan *plan = &r->plan;
  if (cli_ends_in(name, ".npz"))
    return cli_fail(CLI_DATA, "%s: this is a bundle of arrays: save one of them with numpy.save, as .npy", name);
  const char **columns = list_columns(plan, &input->n_columns);
  if (!columns) return cli_fail(CLI_NO_MEMORY, "%s: no memory for its columns", name);
  const char *const *labels = (const char *const *)plan->labels.items;
  static const char *const none[1] = {NULL};
  if (plan->keeps_none || r->writes_npy) labels = none;
  tlw_error error;
  const tlw_status status =
      tlw_numbers_open(name, columns, input->n_columns, labels, labels == none ? 0 : plan->labels.n, &r->csv, r->engine,
                       &input->numbers, &error);
  free(columns);
  if (status != TLW_OK) return rolling_fail(r, name, &error);
  input->n_labels = tlw_numbers_labels(input->numbers);
  input->n_rows = -1;
  return CLI_OK;
}

/* ---- arrays ---- */

/* A column of an array is a number from 1. */
static cli_exit read_place(const char *name, const char *text, const tlw_npy_shape *shape, int32_t *place) {
  char *end;
  const int is_number = *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 9;
  *place = is_number ? (int32_t)strtol(text, &end, 10) - 1 : -1;
  if (*place >= 0 && *place < shape->n_columns) return CLI_OK;
  return cli_fail(CLI_DATA, "%s: there is no column '%.200s': those of an array are numbers, 1 to %" PRId32,
                  cli_shown_name(name), text, shape->n_columns);
}

static cli_exit place_columns(rolling *r, const char *name, const tlw_npy_shape *shape) {
  rolling_input *input = &r->input;
  const rolling_plan *plan = &r->plan;
  const int32_t n = plan->columns.n > 0 ? plan->columns.n : shape->n_columns;
  input->places = malloc(((size_t)n + 1) * sizeof *input->places);
  input->targets = calloc((size_t)shape->n_columns, sizeof *input->targets);
  if (!input->places || !input->targets) return cli_fail(CLI_NO_MEMORY, "%s: no memory for its columns", name);
  cli_exit code = CLI_OK;
  for (int32_t i = 0; i < n && !code; i++) {
    input->places[i] = i;
    if (plan->columns.n > 0) code = read_place(name, plan->columns.items[i], shape, &input->places[i]);
  }
  input->n_columns = n;
  if (plan->other && !code) code = read_place(name, plan->other, shape, &input->places[input->n_columns++]);
  if (!code && input->n_columns > r->most_columns)
    code = cli_fail(CLI_DATA, "%s: the array is another than it was a moment ago: leave it as it is while it is read",
                    cli_shown_name(name));
  return code;
}

static cli_exit open_array(rolling *r, const char *name) {
  rolling_input *input = &r->input;
  tlw_error error;
  if (r->piped && r->piped_name == name) {
    input->npy = r->piped;
    r->piped = NULL;
  } else if (tlw_npy_open(name, r->csv.expansion, r->engine, &input->npy, &error) != TLW_OK) {
    return rolling_fail(r, name, &error);
  }
  tlw_npy_shape shape;
  tlw_npy_get_shape(input->npy, &shape);
  input->n_rows = shape.n_rows;
  if (r->plan.labels.n > 0)
    return cli_fail(CLI_USAGE, "%s: --keep is for the columns of CSV files" SEE_HELP, cli_shown_name(name));
  return place_columns(r, name, &shape);
}

/* Whether the file gives the same bytes each time that it is opened. */
static int is_lasting(const char *name) {
  struct stat info;
  return strcmp(name, "-") != 0 && (stat(name, &info) != 0 || S_ISREG(info.st_mode));
}

/* What comes through a pipe is opened once. Its reader is not within the budget of the engine, which is opened later. */
static cli_exit open_piped(rolling *r, const char *name, tlw_npy_shape *shape) {
  const int has_budget = rolling_value(r, WINDOW_HOST_MEM)->given;
  if (has_budget || r->piped)
    return cli_fail(CLI_USAGE,
                    "%s: %s needs to know the columns of an array ahead of a pipe: say which by --column" SEE_HELP,
                    cli_shown_name(name), has_budget ? "--host-mem" : "a second array");
  tlw_error error;
  if (tlw_npy_open(name, r->csv.expansion, NULL, &r->piped, &error) != TLW_OK) return rolling_fail(r, name, &error);
  r->piped_name = name;
  tlw_npy_get_shape(r->piped, shape);
  return CLI_OK;
}

static cli_exit count_all(rolling *r, const char *name, int32_t *n) {
  tlw_npy *npy;
  tlw_npy_shape shape;
  if (!is_lasting(name)) {
    const cli_exit code = open_piped(r, name, &shape);
    if (code) return code;
  } else {
    if (tlw_npy_open(name, r->csv.expansion, NULL, &npy, NULL) != TLW_OK) return CLI_OK; /* it is told later */
    tlw_npy_get_shape(npy, &shape);
    tlw_npy_close(&npy);
  }
  *n = shape.n_columns;
  return CLI_OK;
}

cli_exit rolling_count_columns(rolling *r, const char *name, int32_t *n) {
  const rolling_plan *plan = &r->plan;
  *n = plan->columns.n > 0 ? plan->columns.n : 1;
  if (plan->columns.n == 0 && rolling_is_npy(r, name)) {
    const cli_exit code = count_all(r, name, n);
    if (code) return code;
  }
  if (*n > ROLLING_COLUMNS_MAX)
    return cli_fail(CLI_USAGE, "%s has %" PRId32 " columns: say which by --column, %d at most", cli_shown_name(name),
                    *n, ROLLING_COLUMNS_MAX);
  return CLI_OK;
}

/* ---- either ---- */

void rolling_input_close(rolling_input *input) {
  tlw_numbers_close(&input->numbers);
  tlw_npy_close(&input->npy);
  free(input->places);
  free(input->targets);
  *input = (rolling_input){0};
}

static int is_number(const char *text) { return strspn(text, "0123456789") == strlen(text); }

static int32_t place_of(const rolling_input *input, int32_t column) {
  return input->npy ? input->places[column] : tlw_numbers_column_place(input->numbers, column);
}

/* Whether the header has this name for another one of the columns that are read. */
static int is_shared(const rolling_input *input, int32_t column, const char *header) {
  int32_t i = 0;
  while (i < input->n_columns && (place_of(input, i) == place_of(input, column) ||
                                  strcmp(tlw_numbers_column_name(input->numbers, i), header) != 0))
    i++;
  return i < input->n_columns;
}

/* As it was asked for by name; else as the header has it. */
void rolling_column_name(const rolling *r, int32_t column, char *out, size_t size) {
  const rolling_input *input = &r->input;
  const rolling_plan *plan = &r->plan;
  if (input->npy) {
    snprintf(out, size, "c%" PRId32, input->places[column] + 1);
    return;
  }
  const int is_other = plan->other && column == input->n_columns - 1;
  const int is_default = !is_other && plan->columns.n == 0;
  const char *typed = is_other ? plan->other : is_default ? default_columns[0] : plan->columns.items[column];
  const char *header = tlw_numbers_column_name(input->numbers, column);
  if (*header && (is_default || (is_number(typed) && !is_shared(input, column, header))))
    snprintf(out, size, "%s", header);
  else if (!is_number(typed))
    snprintf(out, size, "%s", typed);
  else
    snprintf(out, size, "c%s", typed);
}

void rolling_label_name(const rolling *r, int32_t label, char *out, size_t size) {
  const char *header = tlw_numbers_label_name(r->input.numbers, label);
  const char *typed = label < r->plan.labels.n ? r->plan.labels.items[label] : label == 0 ? "time" : "clock";
  if (*header)
    snprintf(out, size, "%s", header);
  else
    snprintf(out, size, "%s%s", is_number(typed) ? "c" : "", typed);
}

/* Each column is asked for once, however it is spelt. */
static cli_exit check_once(const rolling *r) {
  const rolling_list *asked = &r->plan.columns;
  for (int i = 1; i < asked->n; i++)
    for (int k = 0; k < i; k++)
      if (place_of(&r->input, k) == place_of(&r->input, i))
        return cli_fail(CLI_USAGE, "%s: %s and %s of --column are the same column: ask for it once" SEE_HELP,
                        cli_shown_name(r->input.name), asked->items[k], asked->items[i]);
  return CLI_OK;
}

cli_exit rolling_input_open(rolling *r, const char *name) {
  r->input = (rolling_input){.name = name};
  const cli_exit code = rolling_is_npy(r, name) ? open_array(r, name) : open_table(r, name);
  return code ? code : check_once(r);
}

static tlw_status next_of_table(rolling *r, int64_t kept, int64_t *n_rows, tlw_error *error) {
  for (int32_t i = 0; i < r->input.n_columns; i++) r->ahead[i] = r->columns[i] + kept;
  const tlw_numbers_rows rows = {.columns = r->ahead,
                                 .capacity = r->piece,
                                 .text = r->input.n_labels > 0 ? r->text : NULL,
                                 .text_size = r->text_size,
                                 .ends = r->ends};
  return tlw_numbers_next(r->input.numbers, &rows, n_rows, error);
}

/* A column may be asked for twice: it is read once. */
static tlw_status next_of_array(rolling *r, int64_t kept, int64_t *n_rows, tlw_error *error) {
  const rolling_input *input = &r->input;
  for (int32_t i = 0; i < input->n_columns; i++) input->targets[input->places[i]] = r->columns[i] + kept;
  const tlw_status status = tlw_npy_next(input->npy, input->targets, r->piece, n_rows, error);
  for (int32_t i = 0; i < input->n_columns && status == TLW_OK; i++)
    if (input->targets[input->places[i]] != r->columns[i] + kept)
      memcpy(r->columns[i] + kept, input->targets[input->places[i]], (size_t)*n_rows * sizeof(double));
  return status;
}

cli_exit rolling_input_next(rolling *r, int64_t kept, int64_t *n_rows) {
  tlw_error error;
  const tlw_status status =
      r->input.npy ? next_of_array(r, kept, n_rows, &error) : next_of_table(r, kept, n_rows, &error);
  return status == TLW_OK ? CLI_OK : rolling_fail(r, r->input.name, &error);
}
