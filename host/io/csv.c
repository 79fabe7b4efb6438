#include "tallow/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/seam/backend.h"
#include "lines.h"
#include "number.h"
#include "text.h"
#include "time_text.h"

#define FIRST_CAPACITY 4096
#define FOUND_SIZE 160
#define ADVICE "correct or remove the row"

/* What a column holds. */
enum role {
  ROLE_OPEN,
  ROLE_HIGH,
  ROLE_LOW,
  ROLE_CLOSE,
  ROLE_VOLUME,
  N_NUMBERS,             /* the roles above are columns of doubles */
  ROLE_TIME = N_NUMBERS, /* a day with or without a time of day, or an epoch */
  N_COLUMNS,             /* the roles above are columns of a table */
  ROLE_DATE = N_COLUMNS,
  ROLE_CLOCK,
  N_ROLES
};

static const struct {
  const char *name;
  enum role role;
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

struct field {
  char *text;
  size_t length;
};

/* A column that is read. */
struct place {
  int32_t column;
  enum role role;
};

struct tlw_csv {
  struct tlw_memory *memory; /* or NULL */
  struct tlw_lines lines;
  int32_t n_columns;
  int32_t columns[N_ROLES];         /* index of the column, -1: there is none */
  struct place places[N_ROLES + 1]; /* by rising column; behind the last a column -1 */
  struct field fields[N_ROLES];     /* of the line at hand, by role */
  int64_t n_rows;                   /* read so far */
  int64_t previous_line;            /* line and time of the newest row */
  int64_t previous_time;
  tlw_error error; /* of the call at hand; the code of one that failed stays */
};

struct tlw_table {
  struct tlw_memory *memory; /* or NULL */
  struct tlw_block columns[N_COLUMNS];
  int64_t n_rows;
  int64_t capacity;
};

struct row {
  int64_t time;
  double numbers[N_NUMBERS];
};

/*
 * Refuses the line at hand with a message that follows "FILE:LINE: ". column is the index of the field, or -1 for the
 * whole row.
 */
__attribute__((format(printf, 3, 4))) static tlw_status refuse(struct tlw_csv *csv, int32_t column, const char *format,
                                                               ...) {
  char message[TLW_ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return tlw_fail_at(&csv->error, TLW_ERR_DATA, csv->lines.number, column < 0 ? -1 : column + 1, "%s:%" PRId64 ": %s",
                     tlw_input_name(csv->lines.input), csv->lines.number, message);
}

static const char *show(char out[TLW_SHOWN_SIZE], const struct field *f) {
  return tlw_show_text(out, TLW_SHOWN_SIZE, f->text, f->length);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static struct field trimmed(char *begin, char *end) {
  while (begin < end && is_blank(*begin)) begin++;
  while (begin < end && is_blank(end[-1])) end--;
  return (struct field){begin, (size_t)(end - begin)};
}

/*
 * Takes the quotes off a field that begins with one, in place. Returns where the field ends, at a comma or at end; NULL
 * if the quotes do not enclose it.
 */
static char *take_quoted(char *at, char *end, struct field *f) {
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

/* The first comma, or end. Eight bytes at a time: a field's length is hard to predict, and a byte at a time it costs. */
static inline char *find_comma(char *at, char *end) {
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= UINT64_C(0x0101010101010101) * ',';
    const uint64_t found = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
    if (found) return at + __builtin_ctzll(found) / 8; /* the lowest bit is right, whatever is above it */
  }
  while (at < end && *at != ',') at++;
  return at;
}

/* Takes the field that begins at at, the nth of its line. Returns where it ends, as above; NULL: it is refused. */
static inline char *take_field(struct tlw_csv *csv, char *at, char *end, int32_t n, struct field *f) {
  while (at < end && is_blank(*at)) at++;
  if (at < end && *at == '"') {
    at = take_quoted(at, end, f);
    if (!at)
      refuse(csv, n, "field %" PRId32 " is not enclosed by its quotes: close them before the comma or line end", n + 1);
    return at;
  }
  char *const begin = at;
  at = find_comma(at, end);
  *f = trimmed(begin, at);
  return at;
}

/* Takes the fields of the columns that are read, and counts all of them. */
static tlw_status split(struct tlw_csv *csv, char *line, size_t length, int32_t *n_fields) {
  char *const end = line + length;
  const struct place *place = csv->places;
  int32_t wanted = place->column;
  char *at = line;
  for (int32_t n = 0;; n++, at++) {
    struct field f;
    at = take_field(csv, at, end, n, &f);
    if (!at) return csv->error.code;
    if (n == wanted) {
      csv->fields[place->role] = f;
      wanted = (++place)->column;
    }
    if (at == end) {
      *n_fields = n + 1;
      return TLW_OK;
    }
  }
}

/* The next line that is not blank; NULL at the end. */
static tlw_status next_line(struct tlw_csv *csv, char **line, size_t *length) {
  do {
    const tlw_status status = tlw_lines_next(&csv->lines, line, length, &csv->error);
    if (status != TLW_OK || !*line) return status;
  } while (trimmed(*line, *line + *length).length == 0);
  const char *nul = memchr(*line, 0, *length);
  if (!nul) return TLW_OK;
  int32_t column = 0;
  for (const char *at = *line; at < nul; at++) column += *at == ',';
  return refuse(csv, column, "field %" PRId32 " holds a zero byte, the file is binary or UTF-16: save it as UTF-8 CSV",
                column + 1);
}

static tlw_status name_column(struct tlw_csv *csv, int32_t column, const struct field *f) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!tlw_same_word(f->text, f->length, names[i].name)) continue;
    int32_t *place = &csv->columns[names[i].role];
    if (*place >= 0)
      return refuse(csv, column, "columns %" PRId32 " and %" PRId32 " both hold the %s: remove or rename one",
                    *place + 1, column + 1, names[i].name);
    *place = column;
  }
  return TLW_OK;
}

/* A timestamp column; or a date column, alone or with a time column; or a time column. */
static tlw_status choose_time(struct tlw_csv *csv) {
  int32_t *columns = csv->columns;
  const int32_t other = columns[ROLE_DATE] >= 0 ? columns[ROLE_DATE] : columns[ROLE_CLOCK];
  if (columns[ROLE_TIME] >= 0 && other >= 0)
    return refuse(csv, other, "columns %" PRId32 " and %" PRId32 " both hold the time: remove or rename one",
                  columns[ROLE_TIME] + 1, other + 1);
  if (columns[ROLE_TIME] < 0) columns[ROLE_TIME] = other;
  if (columns[ROLE_DATE] < 0) columns[ROLE_CLOCK] = -1;
  columns[ROLE_DATE] = -1;
  return TLW_OK;
}

static void append(char *list, size_t capacity, const char *item) {
  const size_t used = strlen(list);
  snprintf(list + used, capacity - used, "%s%s", used ? ", " : "", item);
}

/* Adds a name to those found, and "..." in place of all that have no room. */
static void append_found(char found[FOUND_SIZE], bool *is_full, const struct field *f) {
  if (*is_full) return;
  char shown[TLW_SHOWN_SIZE];
  *is_full = strlen(found) + TLW_SHOWN_SIZE + sizeof ", ..." > FOUND_SIZE;
  if (*is_full)
    append(found, FOUND_SIZE, "...");
  else
    append(found, FOUND_SIZE - sizeof ", ...", show(shown, f));
}

static tlw_status check_header(struct tlw_csv *csv, const char *found) {
  static const struct {
    enum role role;
    const char *name;
  } needed[] = {
      {ROLE_TIME, "date or time"}, {ROLE_OPEN, "open"}, {ROLE_HIGH, "high"}, {ROLE_LOW, "low"}, {ROLE_CLOSE, "close"}};
  char missing[64] = "";
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (csv->columns[needed[i].role] < 0) append(missing, sizeof missing, needed[i].name);
  if (!missing[0]) return TLW_OK;
  return refuse(csv, -1, "no column for %s (found: %s): name the columns of candles in the first line, between commas",
                missing, found);
}

static void place_columns(struct tlw_csv *csv) {
  int32_t n_places = 0;
  for (int32_t i = 0; i < N_ROLES; i++) {
    if (csv->columns[i] < 0) continue;
    int32_t at = n_places++;
    for (; at > 0 && csv->places[at - 1].column > csv->columns[i]; at--) csv->places[at] = csv->places[at - 1];
    csv->places[at] = (struct place){csv->columns[i], (enum role)i};
  }
  csv->places[n_places].column = -1;
}

/* Quotes that are wrong come before columns that are. */
static tlw_status name_columns(struct tlw_csv *csv, char *line, size_t length) {
  char *const end = line + length;
  char *at = line;
  char found[FOUND_SIZE] = "";
  bool is_full = false;
  tlw_status named = TLW_OK;
  for (;; at++) {
    struct field f;
    at = take_field(csv, at, end, csv->n_columns, &f);
    if (!at) return csv->error.code;
    if (named == TLW_OK) named = name_column(csv, csv->n_columns, &f);
    append_found(found, &is_full, &f);
    csv->n_columns++;
    if (at == end) break;
  }
  if (named == TLW_OK) named = choose_time(csv);
  if (named == TLW_OK) named = check_header(csv, found);
  if (named == TLW_OK) place_columns(csv);
  return named;
}

static tlw_status read_header(struct tlw_csv *csv) {
  for (int32_t i = 0; i < N_ROLES; i++) csv->columns[i] = -1;
  char *line = NULL;
  size_t length = 0;
  const tlw_status status = next_line(csv, &line, &length);
  if (status != TLW_OK) return status;
  if (!line)
    return tlw_fail(&csv->error, TLW_ERR_DATA, "%s: the file is empty: give a line of column names and rows of candles",
                    tlw_input_name(csv->lines.input));
  if (memchr(line, '\r', length))
    return refuse(csv, -1, "a carriage return inside the line: end the lines in LF or CRLF");
  return name_columns(csv, line, length);
}

#define SHOWN_TIME_SIZE (2 * TLW_SHOWN_SIZE)

/* The row's time as the file has it, for messages. */
static const char *show_time(const struct tlw_csv *csv, char out[SHOWN_TIME_SIZE]) {
  show(out, &csv->fields[ROLE_TIME]);
  if (csv->columns[ROLE_CLOCK] < 0) return out;
  const size_t used = strlen(out);
  out[used] = ' ';
  show(out + used + 1, &csv->fields[ROLE_CLOCK]);
  return out;
}

static tlw_status read_time(struct tlw_csv *csv, int64_t *time) {
  const int32_t column = csv->columns[ROLE_TIME];
  const struct field *day = &csv->fields[ROLE_TIME];
  const struct field *clock = csv->columns[ROLE_CLOCK] < 0 ? NULL : &csv->fields[ROLE_CLOCK];
  const char *problem = clock ? tlw_time_read_pair(day->text, day->length, clock->text, clock->length, time)
                              : tlw_time_read(day->text, day->length, time);
  char shown[SHOWN_TIME_SIZE];
  if (problem) return refuse(csv, column, "time '%s' %s: write " TLW_TIME_FORMS, show_time(csv, shown), problem);
  if (csv->n_rows == 0 || *time > csv->previous_time) return TLW_OK;
  if (*time == csv->previous_time)
    return refuse(csv, column, "time '%s' repeats that of line %" PRId64 ": keep one of the rows",
                  show_time(csv, shown), csv->previous_line);
  return refuse(csv, column, "time '%s' is before that of line %" PRId64 ": sort the rows, oldest first",
                show_time(csv, shown), csv->previous_line);
}

/* NaN where there is no price or volume. */
static tlw_status read_number(struct tlw_csv *csv, enum role what, double *value) {
  const struct field *f = &csv->fields[what];
  *value = (double)NAN;
  if (f->length > 0 && !tlw_number_read(f->text, f->length, value)) {
    char shown[TLW_SHOWN_SIZE];
    return refuse(csv, csv->columns[what],
                  "%s '%s' is not a number: write it as 1234.5, or leave it empty where there is none",
                  names[what].name, show(shown, f));
  }
  if (isinf(*value) && what != ROLE_VOLUME) *value = (double)NAN;
  return TLW_OK;
}

static tlw_status refuse_price(struct tlw_csv *csv, enum role what, const char *relation, enum role bound) {
  char shown[TLW_SHOWN_SIZE], shown_bound[TLW_SHOWN_SIZE];
  return refuse(csv, csv->columns[what], "%s %s is %s %s %s: " ADVICE, names[what].name,
                show(shown, &csv->fields[what]), relation, names[bound].name, show(shown_bound, &csv->fields[bound]));
}

/* A comparison with a missing price, a NaN, is false. */
static tlw_status check_candle(struct tlw_csv *csv, const double *v) {
  if (v[ROLE_HIGH] < v[ROLE_LOW]) return refuse_price(csv, ROLE_HIGH, "below", ROLE_LOW);
  if (v[ROLE_OPEN] < v[ROLE_LOW]) return refuse_price(csv, ROLE_OPEN, "below", ROLE_LOW);
  if (v[ROLE_OPEN] > v[ROLE_HIGH]) return refuse_price(csv, ROLE_OPEN, "above", ROLE_HIGH);
  if (v[ROLE_CLOSE] < v[ROLE_LOW]) return refuse_price(csv, ROLE_CLOSE, "below", ROLE_LOW);
  if (v[ROLE_CLOSE] > v[ROLE_HIGH]) return refuse_price(csv, ROLE_CLOSE, "above", ROLE_HIGH);
  if (csv->columns[ROLE_VOLUME] >= 0 && (v[ROLE_VOLUME] < 0.0 || isinf(v[ROLE_VOLUME]))) {
    char shown[TLW_SHOWN_SIZE];
    return refuse(csv, csv->columns[ROLE_VOLUME], "volume %s is not a finite number from 0 up: " ADVICE,
                  show(shown, &csv->fields[ROLE_VOLUME]));
  }
  return TLW_OK;
}

static tlw_status read_row(struct tlw_csv *csv, char *line, size_t length, struct row *row) {
  int32_t n_fields = 0;
  tlw_status status = split(csv, line, length, &n_fields);
  if (status != TLW_OK) return status;
  if (n_fields != csv->n_columns)
    return refuse(csv, -1, "the row has %" PRId32 " fields, the header %" PRId32 ": " ADVICE, n_fields, csv->n_columns);
  status = read_time(csv, &row->time);
  for (int32_t i = 0; i < N_NUMBERS && status == TLW_OK; i++)
    if (csv->columns[i] >= 0) status = read_number(csv, (enum role)i, &row->numbers[i]);
  if (status == TLW_OK) status = check_candle(csv, row->numbers);
  if (status != TLW_OK) return status;
  csv->previous_line = csv->lines.number;
  csv->previous_time = row->time;
  csv->n_rows++;
  return TLW_OK;
}

static tlw_status read_rows(struct tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows) {
  struct row row = {.numbers[ROLE_VOLUME] = (double)NAN};
  while (*n_rows < rows->capacity) {
    char *line = NULL;
    size_t length = 0;
    tlw_status status = next_line(csv, &line, &length);
    if (status == TLW_OK && !line) break;
    if (status == TLW_OK) status = read_row(csv, line, length, &row);
    if (status != TLW_OK) return status;
    const int64_t i = (*n_rows)++;
    rows->open[i] = row.numbers[ROLE_OPEN];
    rows->high[i] = row.numbers[ROLE_HIGH];
    rows->low[i] = row.numbers[ROLE_LOW];
    rows->close[i] = row.numbers[ROLE_CLOSE];
    if (rows->volume) rows->volume[i] = row.numbers[ROLE_VOLUME];
    if (rows->time) rows->time[i] = row.time;
  }
  if (csv->n_rows == 0)
    return tlw_fail(&csv->error, TLW_ERR_DATA, "%s: the file names its columns but has no candles: add rows",
                    tlw_input_name(csv->lines.input));
  return TLW_OK;
}

/* Opens with an error that is not NULL. */
static tlw_status open_csv(const char *path, struct tlw_memory *memory, tlw_csv **csv, tlw_error *error) {
  tlw_csv *opened = tlw_heap_alloc(memory, sizeof *opened, "reading a CSV file", error);
  if (!opened) return error->code;
  *opened = (tlw_csv){.memory = memory};
  tlw_status status = tlw_lines_open(&opened->lines, path, memory, &opened->error);
  if (status == TLW_OK) status = read_header(opened);
  if (status != TLW_OK) {
    *error = opened->error;
    tlw_csv_close(&opened);
  }
  *csv = opened;
  return status;
}

tlw_status tlw_csv_open(const char *path, tlw_engine *engine, tlw_csv **csv, tlw_error *error) {
  if (csv) *csv = NULL;
  if (!path || !csv) return tlw_fail(error, TLW_ERR_ARGUMENT, "path and csv must not be NULL");
  tlw_error failure;
  const tlw_status status = open_csv(path, engine ? tlw_engine_memory(engine) : NULL, csv, &failure);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

int tlw_csv_has_volume(const tlw_csv *csv) { return csv->columns[ROLE_VOLUME] >= 0; }

tlw_status tlw_csv_next(tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows, tlw_error *error) {
  if (n_rows) *n_rows = 0;
  if (!csv || !rows || !n_rows) return tlw_fail(error, TLW_ERR_ARGUMENT, "csv, rows and n_rows must not be NULL");
  if (!rows->open || !rows->high || !rows->low || !rows->close)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "open, high, low and close of rows must not be NULL");
  if (rows->capacity < 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the capacity of rows is %" PRId64 ": it must be 1 or more",
                    rows->capacity);
  if (csv->error.code == TLW_OK) {
    fenv_t callers;
    tlw_arithmetic_begin(&callers); /* numbers are read to the nearest double */
    read_rows(csv, rows, n_rows);
    tlw_arithmetic_end(&callers);
  }
  if (csv->error.code != TLW_OK && error) *error = csv->error;
  return csv->error.code;
}

void tlw_csv_close(tlw_csv **csv) {
  if (!csv || !*csv) return;
  tlw_lines_close(&(*csv)->lines);
  tlw_heap_free((*csv)->memory, *csv, sizeof **csv);
  *csv = NULL;
}

#define CANDLES "the candles of a CSV file"

_Static_assert(sizeof(double) == sizeof(int64_t), "all columns of a table grow alike");

static bool is_read(const tlw_csv *csv, int32_t i) { return csv->columns[i] >= 0; }

/* TLW_ERR_BUDGET unless all columns can grow, one after the other: each is there twice while it does. */
static tlw_status check_growth(const tlw_table *t, const tlw_csv *csv, size_t size, tlw_error *error) {
  if (!t->memory) return TLW_OK;
  const uint64_t n_columns = is_read(csv, ROLE_VOLUME) ? N_COLUMNS : N_COLUMNS - 1;
  const uint64_t before = t->capacity ? tlw_memory_counted((uint64_t)t->capacity * sizeof(double)) : 0;
  return tlw_memory_check(t->memory, n_columns * (tlw_memory_counted(size) - before) + before, CANDLES, error);
}

static tlw_status grow_columns(tlw_table *t, const tlw_csv *csv, size_t size, tlw_error *error) {
  tlw_status status = check_growth(t, csv, size, error);
  for (int32_t i = 0; i < N_COLUMNS && status == TLW_OK; i++) {
    if (!is_read(csv, i)) continue;
    struct tlw_block *column = &t->columns[i];
    void *grown = tlw_heap_grow(t->memory, column->data, (size_t)column->size, size, CANDLES, error);
    if (grown)
      *column = (struct tlw_block){grown, size};
    else
      status = error->code;
  }
  return status;
}

static tlw_status grow(tlw_table *t, const tlw_csv *csv, tlw_error *error) {
  const bool fits = t->capacity <= (int64_t)(PTRDIFF_MAX / sizeof(double) / 2);
  const int64_t capacity = t->capacity ? 2 * t->capacity : FIRST_CAPACITY;
  const tlw_status status = fits ? grow_columns(t, csv, (size_t)capacity * sizeof(double), error) : TLW_ERR_MEMORY;
  if (status == TLW_ERR_MEMORY)
    return tlw_fail(error, status, "%s: no memory for more than %" PRId64 " rows: read a smaller file",
                    tlw_input_name(csv->lines.input), t->n_rows);
  if (status == TLW_OK) t->capacity = capacity;
  return status;
}

/* Where the next rows of the table go. */
static tlw_csv_rows space_of(const tlw_table *t) {
  double *numbers[N_NUMBERS];
  for (int32_t i = 0; i < N_NUMBERS; i++) {
    numbers[i] = t->columns[i].data;
    if (numbers[i]) numbers[i] += t->n_rows;
  }
  return (tlw_csv_rows){
      .open = numbers[ROLE_OPEN],
      .high = numbers[ROLE_HIGH],
      .low = numbers[ROLE_LOW],
      .close = numbers[ROLE_CLOSE],
      .volume = numbers[ROLE_VOLUME],
      .time = (int64_t *)t->columns[ROLE_TIME].data + t->n_rows,
      .capacity = t->capacity - t->n_rows,
  };
}

/* Grows the table once there is a row that it has no place for. */
static tlw_status append_row(tlw_table *t, const tlw_csv *csv, const struct row *row, tlw_error *error) {
  const tlw_status status = t->n_rows == t->capacity ? grow(t, csv, error) : TLW_OK;
  if (status != TLW_OK) return status;
  for (int32_t i = 0; i < N_NUMBERS; i++)
    if (is_read(csv, i)) ((double *)t->columns[i].data)[t->n_rows] = row->numbers[i];
  ((int64_t *)t->columns[ROLE_TIME].data)[t->n_rows] = row->time;
  t->n_rows++;
  return TLW_OK;
}

static tlw_status read_all(tlw_table *t, tlw_csv *csv, tlw_error *error) {
  for (;;) {
    struct row row;
    const tlw_csv_rows one = {.open = &row.numbers[ROLE_OPEN],
                              .high = &row.numbers[ROLE_HIGH],
                              .low = &row.numbers[ROLE_LOW],
                              .close = &row.numbers[ROLE_CLOSE],
                              .volume = &row.numbers[ROLE_VOLUME],
                              .time = &row.time,
                              .capacity = 1};
    int64_t n_rows = 0;
    tlw_status status = tlw_csv_next(csv, &one, &n_rows, error);
    if (status != TLW_OK || n_rows == 0) return status;
    status = append_row(t, csv, &row, error);
    if (status != TLW_OK) return status;
    const tlw_csv_rows space = space_of(t);
    if (space.capacity == 0) continue;
    status = tlw_csv_next(csv, &space, &n_rows, error);
    if (status != TLW_OK) return status;
    t->n_rows += n_rows;
  }
}

static tlw_status read_table(const char *path, struct tlw_memory *memory, tlw_table **table, tlw_error *error) {
  tlw_csv *csv = NULL;
  tlw_status status = open_csv(path, memory, &csv, error);
  if (status != TLW_OK) return status;
  tlw_table *t = tlw_heap_alloc(memory, sizeof *t, CANDLES, error);
  if (t) {
    *t = (tlw_table){.memory = memory};
    status = read_all(t, csv, error);
    if (status != TLW_OK) tlw_table_close(&t);
  } else {
    status = error->code;
  }
  tlw_csv_close(&csv);
  *table = t;
  return status;
}

tlw_status tlw_csv_read_counted(const char *path, tlw_engine *engine, tlw_table **table, tlw_error *error) {
  if (table) *table = NULL;
  if (!path || !table) return tlw_fail(error, TLW_ERR_ARGUMENT, "path and table must not be NULL");
  tlw_error failure;
  const tlw_status status = read_table(path, engine ? tlw_engine_memory(engine) : NULL, table, &failure);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

tlw_status tlw_csv_read_candles(const char *path, tlw_table **table, tlw_error *error) {
  return tlw_csv_read_counted(path, NULL, table, error);
}

void tlw_table_candles(const tlw_table *table, tlw_candles *candles) {
  *candles = (tlw_candles){
      .struct_size = sizeof *candles,
      .open = table->columns[ROLE_OPEN].data,
      .high = table->columns[ROLE_HIGH].data,
      .low = table->columns[ROLE_LOW].data,
      .close = table->columns[ROLE_CLOSE].data,
      .volume = table->columns[ROLE_VOLUME].data,
      .time = table->columns[ROLE_TIME].data,
      .n_rows = table->n_rows,
      .n_series = 1,
      .type = TLW_TYPE_F64,
  };
}

void tlw_table_close(tlw_table **table) {
  if (!table || !*table) return;
  tlw_table *t = *table;
  for (int32_t i = 0; i < N_COLUMNS; i++) tlw_heap_free(t->memory, t->columns[i].data, (size_t)t->columns[i].size);
  tlw_heap_free(t->memory, t, sizeof *t);
  *table = NULL;
}
