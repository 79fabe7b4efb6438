/* Columns of numbers from files that need not be of candles. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "csv_find.h"
#include "csv_policy.h"
#include "csv_reader.h"
#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/seam/backend.h"
#include "time_text.h"

#define PREAMBLE 16 /* lines ahead of the header */
#define NAME_SIZE TLW_TIME_NAME_SIZE
#define HEAD_SIZE 1024
#define LIST_SIZE 160
#define LEAST_TIME 8 /* signs of a time, where there is no header: YYYYMMDD or an epoch from 1973 on */

/* A column that was asked for. */
struct wanted {
  struct tlw_wish wish;
  int32_t column;             /* from 0 */
  char name[NAME_SIZE];       /* "": there is no header */
  char shown[TLW_SHOWN_SIZE]; /* what messages call it */
};

struct tlw_numbers {
  tlw_csv csv; /* what it shares with the reader of candles */
  uint64_t size;
  bool finds_labels; /* the time and what belongs to it, if there is one */
  bool keeps_order;  /* times may go back */
  bool has_times;    /* times are read, for their order */
  int32_t n_columns, n_labels;
  int32_t n_wanted; /* columns, and labels that were asked for */
  struct wanted *wanted;
  struct tlw_place *places; /* those of wanted by their index, then the time and the clock */
  struct tlw_field *fields;
  size_t head_length;
  char head[HEAD_SIZE]; /* what fits of the header, to name columns that nobody asked for */
};

enum { PLACE_TIME, PLACE_CLOCK, MORE_PLACES };

/* --- Opening ---------------------------------------------------------------------------------------------------- */

/* One block for all. */
static tlw_numbers *make(struct tlw_memory *memory, int32_t n_columns, int32_t n_labels, tlw_error *error) {
  const uint64_t n = (uint64_t)n_columns + (uint64_t)(n_labels < MORE_PLACES ? MORE_PLACES : n_labels);
  const uint64_t wanted = sizeof(tlw_numbers), places = wanted + n * sizeof(struct wanted);
  const uint64_t fields = places + (n + MORE_PLACES + 1) * sizeof(struct tlw_place);
  const uint64_t size = fields + (n + MORE_PLACES) * sizeof(struct tlw_field);
  char *block = tlw_heap_alloc(memory, (size_t)size, "reading a CSV file", error);
  if (!block) return NULL;
  memset(block, 0, (size_t)size);
  tlw_numbers *numbers = (tlw_numbers *)(void *)block;
  numbers->csv.memory = memory;
  numbers->size = size;
  numbers->wanted = (struct wanted *)(void *)(block + wanted);
  numbers->places = (struct tlw_place *)(void *)(block + places);
  numbers->fields = (struct tlw_field *)(void *)(block + fields);
  return numbers;
}

static tlw_status want(tlw_numbers *numbers, const char *what, const char *name, tlw_error *error) {
  if (!name) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s: a name is NULL", what);
  const struct tlw_field text = {name, strlen(name), false};
  return tlw_wish_read(what, &text, &numbers->wanted[numbers->n_wanted++].wish, error);
}

static tlw_status check_times(const tlw_csv_options *options, tlw_error *error) {
  if (options->by || options->adjusted)
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "columns of numbers have neither symbols nor adjusted prices: leave out %s",
                    options->by ? "by" : "adjusted");
  if (options->n_lines != 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns of numbers have no lines: ask for these columns by columns");
  return TLW_OK;
}

/* The policies, of which that of the order may also be to keep it here. */
static tlw_status read_policies(tlw_numbers *numbers, const tlw_csv_options *options, tlw_error *error) {
  tlw_policy chosen[TLW_DEFECTS];
  memcpy(chosen, options->policies, sizeof chosen);
  tlw_policy *order = &chosen[TLW_DEFECT_OUT_OF_ORDER];
  if (*order == TLW_POLICY_SORT)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the policy out-of-order can't be sort here: choose error, skip or keep");
  numbers->keeps_order = *order == TLW_POLICY_KEEP;
  if (numbers->keeps_order) *order = TLW_POLICY_DEFAULT;
  return tlw_policy_resolve(chosen, numbers->csv.policies, error);
}

static tlw_status take_options(tlw_numbers *numbers, const tlw_csv_options *options, struct tlw_wishes *wishes,
                               tlw_error *error) {
  tlw_status status = tlw_csv_check_options(options, error);
  if (status == TLW_OK) status = check_times(options, error);
  if (status == TLW_OK) status = read_policies(numbers, options, error);
  if (status == TLW_OK) status = tlw_wishes_read(options, wishes, error);
  memset(wishes->needs, 0, sizeof wishes->needs);
  tlw_csv_take_options(&numbers->csv, options);
  return status;
}

/* --- The first lines -------------------------------------------------------------------------------------------- */

struct head {
  const struct tlw_wishes *wishes;
  tlw_csv_header header;
  char candidates[TLW_DELIMITERS];
  int n_candidates;
  int32_t most_fields; /* of the lines so far, and why that line does not do */
  int64_t line;
  char reason[TLW_FIND_MESSAGE_SIZE];
};

static void start(struct head *head, const tlw_csv_options *options, const struct tlw_wishes *wishes) {
  *head = (struct head){.wishes = wishes, .header = options->header};
  head->n_candidates = tlw_csv_delimiters(options, wishes->decimal_comma, head->candidates);
}

/* The field of that column, from 0; NULL: the line has none. */
static const struct tlw_field *field_of(const char *line, size_t length, char delimiter, int32_t column,
                                        struct tlw_field *field) {
  const struct tlw_place places[2] = {{column, 0}, {-1, 0}};
  return column >= 0 && tlw_record_split(line, length, delimiter, places, field) > column ? field : NULL;
}

/* Puts every column that was asked for in its place. Returns the index of the first that is not there, or -1. */
static int32_t resolve(tlw_numbers *numbers, const char *line, size_t length, char delimiter) {
  const struct tlw_columns *columns = &numbers->csv.columns;
  for (int32_t i = 0; i < numbers->n_wanted; i++) {
    struct wanted *w = &numbers->wanted[i];
    w->column = tlw_find_column(line, length, delimiter, columns, &w->wish);
    if (w->column < 0) return i;
  }
  return -1;
}

/* Whether the line has something in it but no names: numbers, times, and fields that are empty. */
static bool has_no_names(const tlw_csv *csv, const char *line, size_t length, char delimiter) {
  const char *const end = line + length;
  bool any = false;
  for (const char *at = line;; at++) {
    struct tlw_field field;
    int64_t ignored;
    at = tlw_field_take(at, end, delimiter, &field);
    if (!at) return false;
    if (!tlw_csv_is_number(csv, &field) && tlw_time_read(field.text, field.length, csv->day_first, &ignored))
      return false;
    any = any || field.length > 0;
    if (at == end) return any;
  }
}

/* Whether the columns, which are in their places, hold numbers in this line, or nothing where others do. */
static bool holds_numbers(const tlw_numbers *numbers, const char *line, size_t length, char delimiter) {
  bool any = false;
  for (int32_t i = 0; i < numbers->n_columns; i++) {
    struct tlw_field field;
    if (!field_of(line, length, delimiter, numbers->wanted[i].column, &field)) return false;
    if (!tlw_csv_is_number(&numbers->csv, &field)) return false;
    any = any || field.length > 0;
  }
  return any || has_no_names(&numbers->csv, line, length, delimiter);
}

/* A short number may be an epoch, but without a name to say so it is a number. */
static bool holds_time(const tlw_numbers *numbers, const char *line, size_t length, char delimiter) {
  struct tlw_field field;
  int64_t ignored;
  return field_of(line, length, delimiter, numbers->csv.columns.of[TLW_ROLE_TIME], &field) &&
         field.length >= LEAST_TIME && !tlw_time_read(field.text, field.length, numbers->csv.day_first, &ignored);
}

/* The first that was asked for by a name, or -1. */
static int32_t first_name(const tlw_numbers *numbers) {
  for (int32_t i = 0; i < numbers->n_wanted; i++)
    if (numbers->wanted[i].wish.kind == TLW_WISH_NAME) return i;
  return -1;
}

static void note_reason(struct head *head, const tlw_numbers *numbers, const char *line, size_t length, char delimiter,
                        int32_t missing);

/* Whether the line names the columns. */
static bool accept_header(struct head *head, tlw_numbers *numbers, const char *line, size_t length, char delimiter) {
  tlw_csv *csv = &numbers->csv;
  if (tlw_columns_by_name(line, length, delimiter, head->wishes, &csv->columns) > 0) return false;
  const int32_t missing = resolve(numbers, line, length, delimiter);
  if (missing >= 0) note_reason(head, numbers, line, length, delimiter, missing);
  return missing < 0 && (head->header == TLW_CSV_HEADER_YES || first_name(numbers) >= 0 ||
                         !holds_numbers(numbers, line, length, delimiter));
}

/* Whether the line is the first row of a file without a header. Times tell where columns are asked for by their role. */
static bool accept_row(struct head *head, tlw_numbers *numbers, const char *line, size_t length, char delimiter) {
  tlw_csv *csv = &numbers->csv;
  if (tlw_columns_by_place(line, length, delimiter, head->wishes, &csv->columns) > 0) return false;
  const bool is_timed = holds_time(numbers, line, length, delimiter);
  int32_t missing = resolve(numbers, line, length, delimiter);
  if (missing < 0 && !is_timed) missing = first_name(numbers);
  if (missing >= 0 && head->header == TLW_CSV_HEADER_NO) note_reason(head, numbers, line, length, delimiter, missing);
  if (missing >= 0) return false;
  if (!is_timed) csv->columns.of[TLW_ROLE_TIME] = csv->columns.of[TLW_ROLE_CLOCK] = -1;
  return head->header == TLW_CSV_HEADER_NO || holds_numbers(numbers, line, length, delimiter);
}

/* Under the delimiter that gives the line the most fields, as a row, then as a header. */
static bool accept(struct head *head, tlw_numbers *numbers, const char *line, size_t length) {
  tlw_csv *csv = &numbers->csv;
  static const struct tlw_place none[1] = {{-1, 0}};
  int32_t fields[TLW_DELIMITERS];
  for (int i = 0; i < head->n_candidates; i++)
    fields[i] = tlw_record_split(line, length, head->candidates[i], none, NULL);
  for (int tries = 0; tries < head->n_candidates; tries++) {
    int best = 0;
    for (int i = 1; i < head->n_candidates; i++)
      if (fields[i] > fields[best]) best = i;
    if (fields[best] <= 0) return false;
    fields[best] = 0;
    csv->delimiter = head->candidates[best];
    if (head->header != TLW_CSV_HEADER_YES && accept_row(head, numbers, line, length, csv->delimiter)) {
      csv->row_fields = csv->columns.n_columns;
      tlw_lines_again(&csv->lines);
      return true;
    }
    if (head->header != TLW_CSV_HEADER_NO && accept_header(head, numbers, line, length, csv->delimiter)) return true;
  }
  return false;
}

/* --- Why there is no such column -------------------------------------------------------------------------------- */

static void note_reason(struct head *head, const tlw_numbers *numbers, const char *line, size_t length, char delimiter,
                        int32_t missing) {
  const struct tlw_columns *columns = &numbers->csv.columns;
  if (columns->n_columns <= head->most_fields) return;
  head->most_fields = columns->n_columns;
  head->line = numbers->csv.lines.number;
  tlw_find_explain(line, length, delimiter, columns, &numbers->wanted[missing].wish, head->reason);
}

static tlw_status refuse(const struct head *head, tlw_csv *csv) {
  if (head->most_fields == 0 && csv->lines.number == 0)
    return tlw_fail(&csv->error, TLW_ERR_DATA, "%s: the file is empty: give a line of column names and rows of numbers",
                    tlw_input_name(csv->lines.input));
  if (head->most_fields == 0)
    return tlw_csv_refuse(csv, csv->lines.number, -1,
                          "the line can't be read as columns: close its quotes, or say what separates fields");
  return tlw_csv_refuse(csv, head->line, -1, "%s", head->reason);
}

/* --- Places ----------------------------------------------------------------------------------------------------- */

/* The labels are the time, and the clock beside it. */
static void find_labels(tlw_numbers *numbers) {
  static const enum tlw_role roles[] = {TLW_ROLE_TIME, TLW_ROLE_CLOCK};
  for (int i = 0; i < 2; i++) {
    const int32_t column = numbers->csv.columns.of[roles[i]];
    if (column < 0) continue;
    numbers->wanted[numbers->n_wanted++].column = column;
    numbers->n_labels++;
  }
}

static void add_place(tlw_numbers *numbers, int32_t *n, int32_t column, int32_t field) {
  int32_t at = (*n)++;
  for (; at > 0 && numbers->places[at - 1].column > column; at--) numbers->places[at] = numbers->places[at - 1];
  numbers->places[at] = (struct tlw_place){column, field};
}

static void place_columns(tlw_numbers *numbers) {
  const int32_t *of = numbers->csv.columns.of;
  int32_t n = 0;
  for (int32_t i = 0; i < numbers->n_wanted; i++) add_place(numbers, &n, numbers->wanted[i].column, i);
  if (of[TLW_ROLE_TIME] >= 0) add_place(numbers, &n, of[TLW_ROLE_TIME], numbers->n_wanted + PLACE_TIME);
  if (of[TLW_ROLE_CLOCK] >= 0) add_place(numbers, &n, of[TLW_ROLE_CLOCK], numbers->n_wanted + PLACE_CLOCK);
  numbers->places[n].column = -1;
}

static void keep_names(tlw_numbers *numbers, const char *line, size_t length) {
  for (int32_t i = 0; i < numbers->n_wanted; i++) {
    struct wanted *w = &numbers->wanted[i];
    struct tlw_field field;
    if (numbers->csv.columns.has_header && field_of(line, length, numbers->csv.delimiter, w->column, &field))
      tlw_find_keep_name(field, w->name);
    if (*w->name)
      tlw_show_text(w->shown, sizeof w->shown, w->name, strlen(w->name));
    else
      snprintf(w->shown, sizeof w->shown, "column %" PRId32, w->column + 1);
  }
}

static void settle(tlw_numbers *numbers, const char *line, size_t length) {
  tlw_csv *csv = &numbers->csv;
  csv->report.delimiter = csv->delimiter;
  csv->report.has_header = csv->columns.has_header;
  if (numbers->finds_labels) find_labels(numbers);
  numbers->has_times = csv->columns.of[TLW_ROLE_TIME] >= 0 && !numbers->keeps_order;
  place_columns(numbers);
  keep_names(numbers, line, length);
  if (csv->columns.has_header) numbers->head_length = length < HEAD_SIZE ? length : HEAD_SIZE;
  memcpy(numbers->head, line, numbers->head_length);
}

static tlw_status read_head(tlw_numbers *numbers, const tlw_csv_options *options, const struct tlw_wishes *wishes) {
  tlw_csv *csv = &numbers->csv;
  struct head head;
  start(&head, options, wishes);
  for (int n = 0; n <= PREAMBLE; n++) {
    const char *line = NULL;
    size_t length = 0;
    tlw_status status = tlw_csv_line(csv, &line, &length);
    if (status == TLW_OK && !line) break;
    if (status == TLW_OK && n == 0 && length >= 6 && memcmp(line, "\x93NUMPY", 6) == 0)
      return tlw_fail(&csv->error, TLW_ERR_DATA, "%s: this is an array of NumPy, no CSV file: open it by tlw_npy_open",
                      tlw_input_name(csv->lines.input));
    if (status == TLW_OK) status = tlw_csv_check_text(csv, line, length);
    if (status != TLW_OK) return status;
    if (accept(&head, numbers, line, length)) {
      settle(numbers, line, length);
      return TLW_OK;
    }
    if (head.most_fields > 1 || head.header == TLW_CSV_HEADER_NO) break; /* what is ahead of a header is one field */
  }
  return refuse(&head, csv);
}

static tlw_status open_with(tlw_numbers *numbers, const char *path, const tlw_csv_options *options,
                            const struct tlw_wishes *wishes) {
  tlw_csv *csv = &numbers->csv;
  tlw_status status = tlw_lines_open(&csv->lines, path, options->expansion, csv->memory, &csv->error);
  if (status != TLW_OK) return status;
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  status = read_head(numbers, options, wishes);
  tlw_arithmetic_end(&callers);
  return status;
}

static tlw_status check_counts(const char *path, const char *const *columns, int32_t n_columns,
                               const char *const *labels, int32_t n_labels, tlw_error *error) {
  if (!path) return tlw_fail(error, TLW_ERR_ARGUMENT, "path must not be NULL");
  if (n_columns < 0 || n_columns > TLW_NUMBERS_MAX || (n_columns > 0 && !columns))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns must be 0 to %d names or numbers, not %" PRId32, TLW_NUMBERS_MAX,
                    n_columns);
  if (labels && (n_labels < 0 || n_labels > TLW_NUMBERS_MAX))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "labels must be 0 to %d names or numbers, not %" PRId32, TLW_NUMBERS_MAX,
                    n_labels);
  return TLW_OK;
}

/* All that comes behind the checks. *numbers is closed by the caller. */
static tlw_status open_numbers(tlw_numbers *numbers, const char *path, const char *const *columns, int32_t n_columns,
                               const char *const *labels, int32_t n_labels, const tlw_csv_options *options,
                               tlw_error *error) {
  struct tlw_wishes wishes = {0};
  tlw_status status = take_options(numbers, options, &wishes, error);
  for (int32_t i = 0; i < n_columns && status == TLW_OK; i++) status = want(numbers, "column", columns[i], error);
  for (int32_t i = 0; i < n_labels && status == TLW_OK; i++) status = want(numbers, "label", labels[i], error);
  if (status != TLW_OK) return status;
  numbers->n_columns = n_columns;
  numbers->n_labels = n_labels;
  status = open_with(numbers, path, options, &wishes);
  if (status != TLW_OK) *error = numbers->csv.error;
  return status;
}

tlw_status tlw_numbers_open(const char *path, const char *const *columns, int32_t n_columns, const char *const *labels,
                            int32_t n_labels, const tlw_csv_options *options, tlw_engine *engine, tlw_numbers **numbers,
                            tlw_error *error) {
  if (!numbers) return tlw_fail(error, TLW_ERR_ARGUMENT, "numbers must not be NULL");
  *numbers = NULL;
  tlw_csv_options defaults;
  tlw_csv_options_init(&defaults);
  tlw_error failure;
  tlw_status status = check_counts(path, columns, n_columns, labels, n_labels, &failure);
  tlw_numbers *opened = NULL;
  if (status == TLW_OK) {
    if (!labels) n_labels = 0;
    opened = make(engine ? tlw_engine_memory(engine) : NULL, n_columns, n_labels, &failure);
    status = opened ? TLW_OK : failure.code;
  }
  if (opened) {
    opened->finds_labels = !labels;
    status = open_numbers(opened, path, columns, n_columns, labels, n_labels, options ? options : &defaults, &failure);
    if (status != TLW_OK) tlw_numbers_close(&opened);
  }
  *numbers = opened;
  if (status != TLW_OK && error) *error = failure;
  return status;
}

void tlw_numbers_close(tlw_numbers **numbers) {
  if (!numbers || !*numbers) return;
  tlw_numbers *closed = *numbers;
  tlw_lines_close(&closed->csv.lines);
  tlw_heap_free(closed->csv.memory, closed, (size_t)closed->size);
  *numbers = NULL;
}

int32_t tlw_numbers_labels(const tlw_numbers *numbers) { return numbers->n_labels; }

const char *tlw_numbers_column_name(const tlw_numbers *numbers, int32_t index) {
  return index >= 0 && index < numbers->n_columns ? numbers->wanted[index].name : NULL;
}

int32_t tlw_numbers_column_place(const tlw_numbers *numbers, int32_t index) {
  return index >= 0 && index < numbers->n_columns ? numbers->wanted[index].column : -1;
}

const char *tlw_numbers_label_name(const tlw_numbers *numbers, int32_t index) {
  return index >= 0 && index < numbers->n_labels ? numbers->wanted[numbers->n_columns + index].name : NULL;
}

void tlw_numbers_get_report(const tlw_numbers *numbers, tlw_csv_report *report) {
  tlw_csv_get_report(&numbers->csv, report);
}

/* --- Rows ------------------------------------------------------------------------------------------------------- */

static bool read_time(const tlw_numbers *numbers, int64_t *time) {
  const tlw_csv *csv = &numbers->csv;
  const struct tlw_field *day = &numbers->fields[numbers->n_wanted + PLACE_TIME];
  const struct tlw_field *clock = &numbers->fields[numbers->n_wanted + PLACE_CLOCK];
  if (csv->columns.of[TLW_ROLE_CLOCK] < 0) return !tlw_time_read(day->text, day->length, csv->day_first, time);
  return !tlw_time_read_pair(day->text, day->length, clock->text, clock->length,
                             (struct tlw_time_pair){csv->day_first, csv->columns.hours}, time);
}

static enum tlw_verdict complain_order(tlw_numbers *numbers) {
  tlw_csv *csv = &numbers->csv;
  const struct tlw_field *day = &numbers->fields[numbers->n_wanted + PLACE_TIME];
  char shown[TLW_SHOWN_SIZE];
  if (tlw_csv_note(csv, TLW_DEFECT_OUT_OF_ORDER, csv->lines.number) == TLW_POLICY_SKIP) return TLW_ROW_SKIPPED;
  tlw_csv_refuse(csv, csv->lines.number, csv->columns.of[TLW_ROLE_TIME],
                 "time '%s' is before that of line %" PRId64
                 ": sort the rows, oldest first, or set the policy out-of-order to skip or keep",
                 tlw_show_text(shown, sizeof shown, day->text, day->length), csv->run.line);
  return TLW_ROW_REFUSED;
}

/* A time that can't be read is a text like any other; where that is so from the first row on, there is no order. */
static enum tlw_verdict check_order(tlw_numbers *numbers) {
  struct tlw_run *run = &numbers->csv.run;
  int64_t time;
  if (!numbers->has_times) return TLW_ROW_KEPT;
  if (!read_time(numbers, &time)) {
    numbers->has_times = run->any;
    return TLW_ROW_KEPT;
  }
  if (run->any && time < run->time) return complain_order(numbers);
  *run = (struct tlw_run){.any = true, .time = time, .line = numbers->csv.lines.number};
  return TLW_ROW_KEPT;
}

/* used: of the text so far, which has room for what labels may be. */
static enum tlw_verdict read_labels(tlw_numbers *numbers, const tlw_numbers_rows *rows, int64_t row, size_t *used) {
  for (int32_t i = 0; rows->text && i < numbers->n_labels; i++) {
    const struct tlw_field *field = &numbers->fields[numbers->n_columns + i];
    const int32_t column = numbers->wanted[numbers->n_columns + i].column;
    size_t size;
    if (!tlw_field_copy(field, rows->text + *used, TLW_LABEL_SIZE, &size))
      return tlw_csv_complain(&numbers->csv, TLW_DEFECT_FIELD, column, "the field is longer than %d bytes: shorten it",
                              TLW_LABEL_SIZE);
    *used += size;
    rows->ends[row * numbers->n_labels + i] = *used;
  }
  return TLW_ROW_KEPT;
}

/* The name or number of each column that holds a number in this row, between commas. */
static void list_numbers(const tlw_numbers *numbers, const char *line, size_t length, char out[LIST_SIZE]) {
  const char delimiter = numbers->csv.delimiter, *const end = line + length;
  size_t used = 0;
  int32_t column = 0;
  out[0] = '\0';
  for (const char *at = line;; at++, column++) {
    struct tlw_field field, name;
    char shown[TLW_SHOWN_SIZE];
    at = tlw_field_take(at, end, delimiter, &field);
    if (!at) return;
    if (field.length > 0 && tlw_csv_is_number(&numbers->csv, &field)) {
      if (field_of(numbers->head, numbers->head_length, delimiter, column, &name) && name.length > 0)
        tlw_show_text(shown, sizeof shown, name.text, name.length);
      else
        snprintf(shown, sizeof shown, "%" PRId32, column + 1);
      if (used + strlen(shown) + sizeof ", , ..." > LIST_SIZE) {
        snprintf(out + used, LIST_SIZE - used, ", ...");
        return;
      }
      used += (size_t)snprintf(out + used, LIST_SIZE - used, "%s%s", used ? ", " : "", shown);
    }
    if (at == end) return;
  }
}

/* Words, or a time, but no number with a mistake in it. */
static bool is_text(const tlw_csv *csv, const struct tlw_field *field) {
  int64_t ignored;
  if (tlw_csv_is_number(csv, field)) return false;
  return !memchr("0123456789+-.,$", field->text[0], 15) ||
         !tlw_time_read(field->text, field->length, csv->day_first, &ignored);
}

/* A column that has text from the first row on was not meant. */
static enum tlw_verdict check_first(tlw_numbers *numbers, const char *line, size_t length) {
  tlw_csv *csv = &numbers->csv;
  for (int32_t i = 0; i < numbers->n_columns; i++) {
    const struct wanted *w = &numbers->wanted[i];
    const struct tlw_field *field = &numbers->fields[i];
    char shown[TLW_SHOWN_SIZE], list[LIST_SIZE];
    if (!is_text(csv, field)) continue;
    list_numbers(numbers, line, length, list);
    tlw_show_text(shown, sizeof shown, field->text, field->length);
    if (tlw_csv_note(csv, TLW_DEFECT_FIELD, csv->lines.number) == TLW_POLICY_SKIP) return TLW_ROW_SKIPPED;
    tlw_csv_refuse(csv, csv->lines.number, w->column, "%s '%s' is not a number, in the first row: choose %s%s%s",
                   w->shown, shown, *list ? "a column of numbers (" : "a file that has numbers", list,
                   *list ? ")" : "");
    return TLW_ROW_REFUSED;
  }
  return TLW_ROW_KEPT;
}

static enum tlw_verdict read_row(tlw_numbers *numbers, const char *line, size_t length, const tlw_numbers_rows *rows,
                                 int64_t row, size_t *used) {
  tlw_csv *csv = &numbers->csv;
  enum tlw_verdict verdict = tlw_csv_split(csv, line, length, numbers->places, numbers->fields);
  if (verdict == TLW_ROW_KEPT && csv->report.rows == 1) verdict = check_first(numbers, line, length);
  for (int32_t i = 0; i < numbers->n_columns && verdict == TLW_ROW_KEPT; i++) {
    const struct wanted *w = &numbers->wanted[i];
    verdict = tlw_csv_number(csv, &numbers->fields[i], w->column, w->shown, &rows->columns[i][row]);
  }
  if (verdict == TLW_ROW_KEPT) verdict = read_labels(numbers, rows, row, used);
  if (verdict == TLW_ROW_KEPT) verdict = check_order(numbers); /* last: rows that are left out have no say in it */
  return verdict;
}

static bool has_room(const tlw_numbers *numbers, const tlw_numbers_rows *rows, int64_t n, size_t used) {
  const size_t most = rows->text ? (size_t)numbers->n_labels * TLW_LABEL_SIZE : 0;
  return n < rows->capacity && (!rows->text || rows->text_size - used >= most);
}

static void read_rows(tlw_numbers *numbers, const tlw_numbers_rows *rows, int64_t *n_rows) {
  tlw_csv *csv = &numbers->csv;
  size_t used = 0;
  while (!csv->ended && has_room(numbers, rows, *n_rows, used)) {
    const char *line = NULL;
    size_t length = 0;
    if (tlw_csv_line(csv, &line, &length) != TLW_OK) return;
    csv->ended = !line;
    if (!line) return;
    csv->report.rows++;
    size_t end = used;
    switch (read_row(numbers, line, length, rows, *n_rows, &end)) {
    case TLW_ROW_KEPT:
      used = end;
      ++*n_rows;
      break;
    case TLW_ROW_SKIPPED:
      csv->report.skipped++;
      break;
    default:
      return;
    }
  }
}

static tlw_status check_rows(const tlw_numbers *numbers, const tlw_numbers_rows *rows, tlw_error *error) {
  if (rows->capacity < 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the capacity of rows is %" PRId64 ": it must be 1 or more",
                    rows->capacity);
  if (numbers->n_columns > 0 && !rows->columns)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns of rows must not be NULL");
  for (int32_t i = 0; i < numbers->n_columns; i++)
    if (!rows->columns[i]) return tlw_fail(error, TLW_ERR_ARGUMENT, "columns[%" PRId32 "] of rows is NULL", i);
  if (rows->text && numbers->n_labels > 0 &&
      (!rows->ends || rows->text_size < (size_t)numbers->n_labels * TLW_LABEL_SIZE))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "text of rows needs ends, and %zu bytes for the labels of a row at least",
                    (size_t)numbers->n_labels * TLW_LABEL_SIZE);
  return TLW_OK;
}

tlw_status tlw_numbers_next(tlw_numbers *numbers, const tlw_numbers_rows *rows, int64_t *n_rows, tlw_error *error) {
  if (n_rows) *n_rows = 0;
  if (!numbers || !rows || !n_rows)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "numbers, rows and n_rows must not be NULL");
  const tlw_status status = check_rows(numbers, rows, error);
  if (status != TLW_OK) return status;
  tlw_csv *csv = &numbers->csv;
  fenv_t callers;
  tlw_arithmetic_begin(&callers); /* numbers are read to the nearest double */
  if (csv->error.code == TLW_OK) read_rows(numbers, rows, n_rows);
  tlw_arithmetic_end(&callers);
  if (csv->error.code == TLW_OK || *n_rows > 0) return TLW_OK; /* a failure behind rows can wait */
  if (error) *error = csv->error;
  return csv->error.code;
}
