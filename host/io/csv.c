#include "tallow/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "lines.h"
#include "number.h"
#include "text.h"
#include "time_text.h"

#define FIRST_CAPACITY 4096
#define ADVICE "correct or remove the row"

/* What a column holds. */
typedef enum role {
  ROLE_OPEN,
  ROLE_HIGH,
  ROLE_LOW,
  ROLE_CLOSE,
  ROLE_VOLUME,
  N_NUMBERS,             /* the roles above are columns of doubles */
  ROLE_TIME = N_NUMBERS, /* a day with or without a time of day, or an epoch */
  ROLE_DATE,
  ROLE_CLOCK,
  N_ROLES
} role;

static const struct {
  const char *name;
  role role;
} names[] = {
    /* the first of each column of doubles is what messages call it */
    [ROLE_OPEN] = {"open", ROLE_OPEN},
    [ROLE_HIGH] = {"high", ROLE_HIGH},
    [ROLE_LOW] = {"low", ROLE_LOW},
    [ROLE_CLOSE] = {"close", ROLE_CLOSE},
    [ROLE_VOLUME] = {"volume", ROLE_VOLUME},
    {"vol", ROLE_VOLUME},
    {"timestamp", ROLE_TIME},
    {"datetime", ROLE_TIME},
    {"date", ROLE_DATE},
    {"time", ROLE_CLOCK},
};

typedef struct field {
  char *text;
  size_t length;
} field;

struct tlw_table {
  int64_t *time;
  double *numbers[N_NUMBERS]; /* by role; the volume may be NULL */
  int64_t n_rows;
  int64_t capacity;
};

typedef struct reader {
  tlw_lines lines;
  tlw_table *table;
  field *fields; /* of the line at hand */
  int32_t n_columns;
  int32_t columns[N_ROLES]; /* index of the field, -1: there is none */
  int64_t previous_line;    /* of the row before */
  tlw_error *error;
} reader;

/*
 * Refuses the line at hand with a message that follows "FILE:LINE: ". column is the index of the field, or -1 for the
 * whole row.
 */
__attribute__((format(printf, 3, 4))) static tlw_status refuse(const reader *r, int32_t column, const char *format,
                                                               ...) {
  char message[TLW_ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return tlw_fail_at(r->error, TLW_ERR_DATA, r->lines.number, column < 0 ? -1 : column + 1, "%s:%" PRId64 ": %s",
                     tlw_input_name(r->lines.input), r->lines.number, message);
}

static const char *show(char out[TLW_SHOWN_SIZE], const field *f) {
  return tlw_show_text(out, TLW_SHOWN_SIZE, f->text, f->length);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static field trimmed(char *begin, char *end) {
  while (begin < end && is_blank(*begin)) begin++;
  while (begin < end && is_blank(end[-1])) end--;
  return (field){begin, (size_t)(end - begin)};
}

/*
 * Takes the quotes off a field that begins with one, in place. Returns where the field ends, at a comma or at end; NULL
 * if the quotes do not enclose it.
 */
static char *take_quoted(char *at, char *end, field *f) {
  char *const begin = at++;
  char *out = begin;
  for (;; at++) {
    if (at == end) return NULL;
    if (*at == '"') {
      if (at + 1 == end || at[1] != '"') break;
      at++;
    }
    *out++ = *at;
  }
  at++;
  while (at < end && is_blank(*at)) at++;
  if (at < end && *at != ',') return NULL;
  *f = trimmed(begin, out);
  return at;
}

/* Cuts the line into fields, counts all of them and stores those below capacity. */
static tlw_status split(const reader *r, char *line, size_t length, int32_t capacity, int32_t *n_fields) {
  char *const end = line + length;
  char *at = line;
  for (int32_t n = 0;; n++, at++) {
    field f;
    while (at < end && is_blank(*at)) at++;
    if (at < end && *at == '"') {
      at = take_quoted(at, end, &f);
      if (!at)
        return refuse(r, n, "field %" PRId32 " is not enclosed by its quotes: close them before the comma or line end",
                      n + 1);
    } else {
      char *const begin = at;
      while (at < end && *at != ',') at++;
      f = trimmed(begin, at);
    }
    if (n < capacity) r->fields[n] = f;
    if (at == end) {
      *n_fields = n + 1;
      return TLW_OK;
    }
  }
}

/* The next line that is not blank; NULL at the end. */
static tlw_status next_line(reader *r, char **line, size_t *length) {
  do {
    const tlw_status status = tlw_lines_next(&r->lines, line, length, r->error);
    if (status != TLW_OK || !*line) return status;
  } while (trimmed(*line, *line + *length).length == 0);
  const char *nul = memchr(*line, 0, *length);
  if (!nul) return TLW_OK;
  int32_t column = 0;
  for (const char *at = *line; at < nul; at++) column += *at == ',';
  return refuse(r, column, "field %" PRId32 " holds a zero byte, the file is binary or UTF-16: save it as UTF-8 CSV",
                column + 1);
}

static tlw_status name_column(reader *r, int32_t column) {
  const field *f = &r->fields[column];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!tlw_same_word(f->text, f->length, names[i].name)) continue;
    int32_t *place = &r->columns[names[i].role];
    if (*place >= 0)
      return refuse(r, column, "columns %" PRId32 " and %" PRId32 " both hold the %s: remove or rename one", *place + 1,
                    column + 1, names[i].name);
    *place = column;
  }
  return TLW_OK;
}

/* A timestamp column; or a date column, alone or with a time column; or a time column. */
static tlw_status choose_time(reader *r) {
  int32_t *columns = r->columns;
  const int32_t other = columns[ROLE_DATE] >= 0 ? columns[ROLE_DATE] : columns[ROLE_CLOCK];
  if (columns[ROLE_TIME] >= 0 && other >= 0)
    return refuse(r, other, "columns %" PRId32 " and %" PRId32 " both hold the time: remove or rename one",
                  columns[ROLE_TIME] + 1, other + 1);
  if (columns[ROLE_TIME] < 0) columns[ROLE_TIME] = other;
  if (columns[ROLE_DATE] < 0) columns[ROLE_CLOCK] = -1;
  return TLW_OK;
}

static void append(char *list, size_t capacity, const char *item) {
  const size_t used = strlen(list);
  snprintf(list + used, capacity - used, "%s%s", used ? ", " : "", item);
}

static tlw_status refuse_header(const reader *r, const char *missing) {
  char found[160] = "";
  for (int32_t i = 0; i < r->n_columns; i++) {
    char shown[TLW_SHOWN_SIZE];
    append(found, sizeof found - sizeof ", ...", show(shown, &r->fields[i]));
    if (strlen(found) + TLW_SHOWN_SIZE + sizeof ", ..." > sizeof found && i + 1 < r->n_columns) {
      append(found, sizeof found, "...");
      break;
    }
  }
  return refuse(r, -1, "no column for %s (found: %s): name the columns of candles in the first line, between commas",
                missing, found);
}

static tlw_status check_header(const reader *r) {
  static const struct {
    role role;
    const char *name;
  } needed[] = {
      {ROLE_TIME, "date or time"}, {ROLE_OPEN, "open"}, {ROLE_HIGH, "high"}, {ROLE_LOW, "low"}, {ROLE_CLOSE, "close"}};
  char missing[64] = "";
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (r->columns[needed[i].role] < 0) append(missing, sizeof missing, needed[i].name);
  return missing[0] ? refuse_header(r, missing) : TLW_OK;
}

static tlw_status read_header(reader *r) {
  char *line = NULL;
  size_t length = 0;
  tlw_status status = next_line(r, &line, &length);
  if (status != TLW_OK) return status;
  if (!line)
    return tlw_fail(r->error, TLW_ERR_DATA, "%s: the file is empty: give a line of column names and rows of candles",
                    tlw_input_name(r->lines.input));
  if (memchr(line, '\r', length))
    return refuse(r, -1, "a carriage return inside the line: end the lines in LF or CRLF");
  size_t most = 1;
  for (size_t i = 0; i < length; i++) most += line[i] == ',';
  r->fields = malloc(most * sizeof *r->fields);
  if (!r->fields) return tlw_fail(r->error, TLW_ERR_MEMORY, "no memory for the columns of a CSV file");
  status = split(r, line, length, (int32_t)most, &r->n_columns);
  for (int32_t i = 0; i < N_ROLES; i++) r->columns[i] = -1;
  for (int32_t i = 0; i < r->n_columns && status == TLW_OK; i++) status = name_column(r, i);
  if (status == TLW_OK) status = choose_time(r);
  return status == TLW_OK ? check_header(r) : status;
}

static bool resize(void **column, int64_t capacity) {
  _Static_assert(sizeof(double) == sizeof(int64_t), "all columns grow alike");
  if ((uint64_t)capacity > SIZE_MAX / sizeof(double)) return false;
  void *grown = realloc(*column, (size_t)capacity * sizeof(double));
  if (grown) *column = grown;
  return grown != NULL;
}

static bool grow(reader *r) {
  tlw_table *t = r->table;
  if (t->capacity > INT64_MAX / 2) return false;
  const int64_t capacity = t->capacity ? t->capacity * 2 : FIRST_CAPACITY;
  void *time = t->time;
  bool grown = resize(&time, capacity);
  t->time = time;
  for (int32_t i = 0; i < N_NUMBERS && grown; i++) {
    if (r->columns[i] < 0) continue;
    void *column = t->numbers[i];
    grown = resize(&column, capacity);
    t->numbers[i] = column;
  }
  if (grown) t->capacity = capacity;
  return grown;
}

#define SHOWN_TIME_SIZE (2 * TLW_SHOWN_SIZE)

/* The row's time as the file has it, for messages. */
static const char *show_time(const reader *r, char out[SHOWN_TIME_SIZE]) {
  const int32_t clock = r->columns[ROLE_CLOCK];
  show(out, &r->fields[r->columns[ROLE_TIME]]);
  if (clock < 0) return out;
  const size_t used = strlen(out);
  out[used] = ' ';
  show(out + used + 1, &r->fields[clock]);
  return out;
}

static tlw_status read_time(const reader *r, int64_t *time) {
  const int32_t column = r->columns[ROLE_TIME];
  const int32_t clock_column = r->columns[ROLE_CLOCK];
  const field *day = &r->fields[column];
  const field *clock = clock_column < 0 ? NULL : &r->fields[clock_column];
  const char *problem = clock ? tlw_time_read_pair(day->text, day->length, clock->text, clock->length, time)
                              : tlw_time_read(day->text, day->length, time);
  char shown[SHOWN_TIME_SIZE];
  if (problem) return refuse(r, column, "time '%s' %s: write " TLW_TIME_FORMS, show_time(r, shown), problem);
  const tlw_table *t = r->table;
  if (t->n_rows == 0 || *time > t->time[t->n_rows - 1]) return TLW_OK;
  if (*time == t->time[t->n_rows - 1])
    return refuse(r, column, "time '%s' repeats that of line %" PRId64 ": keep one of the rows", show_time(r, shown),
                  r->previous_line);
  return refuse(r, column, "time '%s' is before that of line %" PRId64 ": sort the rows, oldest first",
                show_time(r, shown), r->previous_line);
}

/* NaN where there is no price or volume. */
static tlw_status read_number(const reader *r, role what, double *value) {
  const int32_t column = r->columns[what];
  const field *f = &r->fields[column];
  *value = (double)NAN;
  if (f->length > 0 && !tlw_number_read(f->text, f->length, value)) {
    char shown[TLW_SHOWN_SIZE];
    return refuse(r, column, "%s '%s' is not a number: write it as 1234.5, or leave it empty where there is none",
                  names[what].name, show(shown, f));
  }
  if (isinf(*value) && what != ROLE_VOLUME) *value = (double)NAN;
  return TLW_OK;
}

static tlw_status refuse_price(const reader *r, role what, const char *relation, role bound) {
  char shown[TLW_SHOWN_SIZE], shown_bound[TLW_SHOWN_SIZE];
  return refuse(r, r->columns[what], "%s %s is %s %s %s: " ADVICE, names[what].name,
                show(shown, &r->fields[r->columns[what]]), relation, names[bound].name,
                show(shown_bound, &r->fields[r->columns[bound]]));
}

/* A comparison with a missing price, a NaN, is false. */
static tlw_status check_candle(const reader *r, const double *v) {
  if (v[ROLE_HIGH] < v[ROLE_LOW]) return refuse_price(r, ROLE_HIGH, "below", ROLE_LOW);
  if (v[ROLE_OPEN] < v[ROLE_LOW]) return refuse_price(r, ROLE_OPEN, "below", ROLE_LOW);
  if (v[ROLE_OPEN] > v[ROLE_HIGH]) return refuse_price(r, ROLE_OPEN, "above", ROLE_HIGH);
  if (v[ROLE_CLOSE] < v[ROLE_LOW]) return refuse_price(r, ROLE_CLOSE, "below", ROLE_LOW);
  if (v[ROLE_CLOSE] > v[ROLE_HIGH]) return refuse_price(r, ROLE_CLOSE, "above", ROLE_HIGH);
  if (r->columns[ROLE_VOLUME] >= 0 && (v[ROLE_VOLUME] < 0.0 || isinf(v[ROLE_VOLUME]))) {
    char shown[TLW_SHOWN_SIZE];
    const int32_t column = r->columns[ROLE_VOLUME];
    return refuse(r, column, "volume %s is not a finite number from 0 up: " ADVICE, show(shown, &r->fields[column]));
  }
  return TLW_OK;
}

static tlw_status read_row(reader *r, char *line, size_t length) {
  int32_t n_fields = 0;
  tlw_status status = split(r, line, length, r->n_columns, &n_fields);
  if (status != TLW_OK) return status;
  if (n_fields != r->n_columns)
    return refuse(r, -1, "the row has %" PRId32 " fields, the header %" PRId32 ": " ADVICE, n_fields, r->n_columns);

  int64_t time = 0;
  status = read_time(r, &time);
  double values[N_NUMBERS] = {0};
  for (int32_t i = 0; i < N_NUMBERS && status == TLW_OK; i++)
    if (r->columns[i] >= 0) status = read_number(r, (role)i, &values[i]);
  if (status == TLW_OK) status = check_candle(r, values);
  if (status != TLW_OK) return status;

  tlw_table *t = r->table;
  if (t->n_rows == t->capacity && !grow(r))
    return tlw_fail(r->error, TLW_ERR_MEMORY, "%s: no memory for more than %" PRId64 " rows: read a smaller file",
                    tlw_input_name(r->lines.input), t->n_rows);
  t->time[t->n_rows] = time;
  for (int32_t i = 0; i < N_NUMBERS; i++)
    if (r->columns[i] >= 0) t->numbers[i][t->n_rows] = values[i];
  t->n_rows++;
  r->previous_line = r->lines.number;
  return TLW_OK;
}

static tlw_status read_all(reader *r) {
  tlw_status status = read_header(r);
  while (status == TLW_OK) {
    char *line = NULL;
    size_t length = 0;
    status = next_line(r, &line, &length);
    if (status != TLW_OK || !line) break;
    status = read_row(r, line, length);
  }
  if (status == TLW_OK && r->table->n_rows == 0)
    return tlw_fail(r->error, TLW_ERR_DATA, "%s: the file names its columns but has no candles: add rows",
                    tlw_input_name(r->lines.input));
  return status;
}

tlw_status tlw_csv_read_candles(const char *path, tlw_table **table, tlw_error *error) {
  if (table) *table = NULL;
  if (!path || !table) return tlw_fail(error, TLW_ERR_ARGUMENT, "path and table must not be NULL");
  reader r = {.error = error};
  fenv_t callers;
  tlw_arithmetic_begin(&callers); /* numbers are read to the nearest double */
  tlw_status status = tlw_lines_open(&r.lines, path, error);
  if (status == TLW_OK) {
    r.table = calloc(1, sizeof *r.table);
    status = r.table ? read_all(&r) : tlw_fail(error, TLW_ERR_MEMORY, "no memory to read %s", path);
  }
  tlw_lines_close(&r.lines);
  free(r.fields);
  tlw_arithmetic_end(&callers);
  if (status != TLW_OK) tlw_table_close(&r.table);
  *table = r.table;
  return status;
}

void tlw_table_candles(const tlw_table *table, tlw_candles *candles) {
  *candles = (tlw_candles){
      .struct_size = sizeof *candles,
      .open = table->numbers[ROLE_OPEN],
      .high = table->numbers[ROLE_HIGH],
      .low = table->numbers[ROLE_LOW],
      .close = table->numbers[ROLE_CLOSE],
      .volume = table->numbers[ROLE_VOLUME],
      .time = table->time,
      .n_rows = table->n_rows,
      .n_series = 1,
  };
}

void tlw_table_close(tlw_table **table) {
  if (!table || !*table) return;
  free((*table)->time);
  for (int32_t i = 0; i < N_NUMBERS; i++) free((*table)->numbers[i]);
  free(*table);
  *table = NULL;
}
