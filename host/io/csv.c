#include "tallow/csv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "csv_policy.h"
#include "csv_reader.h"
#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/seam/backend.h"

#define MOST_WAIT 256 /* lines of the general path between tries of the fast one */
#define FEW 8         /* rows that do not make up for a try */

/* --- Options ---------------------------------------------------------------------------------------------------- */

void tlw_csv_options_init(tlw_csv_options *options) { *options = (tlw_csv_options){.struct_size = sizeof *options}; }

static tlw_status check_signs(const tlw_csv_options *o, tlw_error *error) {
  if (o->delimiter && !memchr(",;\t|", o->delimiter, 4))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "delimiter must be a comma, a semicolon, a tab, a pipe or 0");
  if (o->decimal && o->decimal != '.' && o->decimal != ',')
    return tlw_fail(error, TLW_ERR_ARGUMENT, "decimal must be a point, a comma or 0");
  if (o->decimal == ',' && o->delimiter == ',')
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "delimiter and decimal can't both be a comma: choose another delimiter, or let the file tell it");
  const unsigned char comment = (unsigned char)o->comment;
  if (comment && (comment < '!' || comment > '~' || memchr("\"+-.0123456789", comment, 14) || comment == o->delimiter))
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "comment must be a sign with which no row begins: not a quote, a digit, + - . or the delimiter");
  return TLW_OK;
}

tlw_status tlw_csv_check_options(const tlw_csv_options *o, tlw_error *error) {
  if (o->struct_size != sizeof *o)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_csv_options_init first",
                    o->struct_size, sizeof *o);
  if ((unsigned)o->header > TLW_CSV_HEADER_NO)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "header is %d: it must be auto, yes or no", (int)o->header);
  if ((uint32_t)o->day_first > 1 || (uint32_t)o->adjusted > 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "day_first and adjusted must be 0 or 1");
  return check_signs(o, error);
}

/* --- Opening ---------------------------------------------------------------------------------------------------- */

void tlw_csv_take_options(tlw_csv *csv, const tlw_csv_options *o) {
  csv->comment = o->comment ? o->comment : '#';
  csv->decimal_comma = o->decimal == ',';
  csv->day_first = o->day_first != 0;
}

/* The fast path reads numbers with a point, each column once, and gives rows that nothing will replace. */
static bool may_be_plain(const tlw_csv *csv) {
  for (const struct tlw_place *place = csv->places; place->column >= 0; place++)
    if (place[1].column == place->column) return false;
  const int32_t *of = csv->columns.of;
  return csv->n_drawn == 0 && !csv->decimal_comma && of[TLW_ROLE_TIME] >= 0 && of[TLW_ROLE_ADJUSTED] < 0 &&
         of[TLW_ROLE_SYMBOL] < 0 && csv->policies[TLW_DEFECT_DUPLICATE] != TLW_POLICY_LAST;
}

static void prepare(tlw_csv *csv) {
  const int32_t *of = csv->columns.of;
  const bool has_time = of[TLW_ROLE_TIME] >= 0;
  csv->sorts = has_time && csv->policies[TLW_DEFECT_OUT_OF_ORDER] == TLW_POLICY_SORT;
  csv->holds = csv->sorts || of[TLW_ROLE_SYMBOL] >= 0;
  csv->store = (struct tlw_store){.memory = csv->memory};
  for (int i = 0; i < TLW_ROLE_NUMBERS; i++) csv->store.has[i] = of[i] >= 0;
  csv->store.has[TLW_STORE_TIME] = has_time;
  csv->store.has[TLW_STORE_LINE] = csv->sorts;
  csv->store.has[TLW_STORE_SERIES] = of[TLW_ROLE_SYMBOL] >= 0;
  for (int32_t i = 0; i < csv->n_drawn; i++) csv->store.has[TLW_STORE_LINES + i] = true;
  csv->symbols = (struct tlw_symbols){.memory = csv->memory};
  csv->may_be_plain = may_be_plain(csv);
  csv->plain = (struct tlw_plain){.delimiter = csv->delimiter,
                                  .comment = csv->comment,
                                  .time = of[TLW_ROLE_TIME],
                                  .clock = of[TLW_ROLE_CLOCK],
                                  .month_first = !csv->day_first,
                                  .any = true};
  for (int i = 0; i < TLW_ROLE_NUMBERS; i++) csv->plain.numbers[i] = of[i];
}

_Static_assert((int)TLW_PLAIN_NUMBERS == (int)TLW_ROLE_NUMBERS && (int)TLW_PLAIN_VOLUME == (int)TLW_ROLE_VOLUME &&
                   (int)TLW_PLAIN_CLOSE == (int)TLW_ROLE_CLOSE && (int)TLW_PLAIN_HIGH == (int)TLW_ROLE_HIGH,
               "the numbers of rows have one order");

static tlw_status open_with(tlw_csv *csv, const char *path, const tlw_csv_options *options,
                            const struct tlw_wishes *wishes) {
  tlw_csv_take_options(csv, options);
  tlw_status status = tlw_lines_open(&csv->lines, path, options->expansion, csv->memory, &csv->error);
  if (status != TLW_OK) return status;
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  status = tlw_csv_read_head(csv, options, wishes);
  tlw_arithmetic_end(&callers);
  if (status == TLW_OK) prepare(csv);
  return status;
}

tlw_status tlw_csv_begin(const char *path, const tlw_csv_options *options, struct tlw_memory *memory, tlw_csv **csv,
                         tlw_error *error) {
  tlw_csv_options defaults;
  tlw_csv_options_init(&defaults);
  if (!options) options = &defaults;
  struct tlw_wishes wishes;
  tlw_policy policies[TLW_DEFECTS];
  tlw_status status = tlw_csv_check_options(options, error);
  if (status == TLW_OK) status = tlw_policy_resolve(options->policies, policies, error);
  if (status == TLW_OK) status = tlw_wishes_read(options, &wishes, error);
  if (status != TLW_OK) return status;
  tlw_csv *opened = tlw_heap_alloc(memory, sizeof *opened, "reading a CSV file", error);
  if (!opened) return error->code;
  *opened = (tlw_csv){.memory = memory};
  memcpy(opened->policies, policies, sizeof policies);
  status = open_with(opened, path, options, &wishes);
  if (status != TLW_OK) {
    *error = opened->error;
    tlw_csv_close(&opened);
  }
  *csv = opened;
  return status;
}

/* Are the rows to be divided by symbols? An option that can't be read says so later. */
static bool has_symbols(const tlw_csv_options *options) {
  struct tlw_wishes wishes;
  tlw_error ignored;
  return options && options->struct_size == sizeof *options && tlw_wishes_read(options, &wishes, &ignored) == TLW_OK &&
         wishes.needs[TLW_ROLE_SYMBOL];
}

tlw_status tlw_csv_open(const char *path, const tlw_csv_options *options, tlw_engine *engine, tlw_csv **csv,
                        tlw_error *error) {
  if (csv) *csv = NULL;
  if (!path || !csv) return tlw_fail(error, TLW_ERR_ARGUMENT, "path and csv must not be NULL");
  if (has_symbols(options))
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "a file can't be read some rows at a time by symbols: read it whole, with tlw_csv_read");
  tlw_error failure;
  const tlw_status status = tlw_csv_begin(path, options, engine ? tlw_engine_memory(engine) : NULL, csv, &failure);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

void tlw_csv_plain_off(tlw_csv *csv) { csv->plain_is_off = true; }

int tlw_csv_has_volume(const tlw_csv *csv) { return csv->report.has_volume; }

int tlw_csv_has_time(const tlw_csv *csv) { return csv->report.has_time; }

const char *tlw_csv_line_name(const tlw_csv *csv, int32_t index) {
  return index >= 0 && index < csv->n_drawn ? csv->drawn[index].name : NULL;
}

void tlw_csv_get_report(const tlw_csv *csv, tlw_csv_report *report) {
  *report = csv->report;
  report->bytes = (int64_t)tlw_input_consumed(csv->lines.input);
  report->lines = csv->lines.number;
  report->packing = tlw_input_packing(csv->lines.input);
}

/* --- Rows ------------------------------------------------------------------------------------------------------- */

/* Rows of a whole block, as many as there are until one is not plain. */
static void take_plain(tlw_csv *csv, const struct tlw_sink *sink, int64_t *n_rows) {
  if (csv->plain_wait > 0) {
    csv->plain_wait--;
    return;
  }
  size_t size;
  const char *text = tlw_lines_block(&csv->lines, &size);
  if (size == 0) return;
  const int64_t before = *n_rows;
  csv->plain.n_columns = csv->row_fields;
  csv->plain.descending = csv->run.direction < 0;
  csv->plain.previous_time = csv->run.time;
  const size_t taken = tlw_plain_read(&csv->plain, text, size, &sink->rows, n_rows);
  const int64_t n = *n_rows - before;
  if (n < FEW && *n_rows < sink->rows.capacity && taken < size) {
    csv->plain_misses = csv->plain_misses < 8 ? csv->plain_misses + 1 : 8;
    csv->plain_wait = csv->plain_misses > 2 ? 1 << csv->plain_misses : 0;
  } else {
    csv->plain_misses = 0;
  }
  if (n == 0) return;
  for (int64_t i = 0; sink->line && i < n; i++) sink->line[before + i] = csv->lines.number + 1 + i;
  tlw_lines_take(&csv->lines, taken, n);
  csv->report.rows += n;
  csv->n_kept += n;
  csv->run.time = csv->plain.previous_time;
  csv->run.line = csv->lines.number;
}

/* The fast path can go on only where it is known which way times go. */
static bool is_plain_ready(const tlw_csv *csv) { return csv->may_be_plain && !csv->plain_is_off && csv->run.direction; }

static tlw_status grow_runs(tlw_csv *csv) {
  const uint64_t size = csv->runs.size ? 2 * csv->runs.size : 16 * sizeof(struct tlw_run);
  void *grown = tlw_heap_grow(csv->memory, csv->runs.data, (size_t)csv->runs.size, (size_t)size,
                              "the symbols of a CSV file", &csv->error);
  if (!grown) return csv->error.code;
  csv->runs = (struct tlw_block){grown, size};
  return TLW_OK;
}

/* The run that the row belongs to; NULL: there is no memory for it. */
static struct tlw_run *run_of(tlw_csv *csv, struct tlw_row *row) {
  if (csv->columns.of[TLW_ROLE_SYMBOL] < 0) return &csv->run;
  const int64_t before = csv->symbols.n;
  if (((uint64_t)before + 1) * sizeof(struct tlw_run) > csv->runs.size && grow_runs(csv) != TLW_OK) return NULL;
  if (tlw_symbols_find(&csv->symbols, csv->symbol, csv->symbol_length, &row->series, &csv->error) != TLW_OK)
    return NULL;
  struct tlw_run *run = (struct tlw_run *)csv->runs.data + row->series;
  if (csv->symbols.n > before) *run = (struct tlw_run){0};
  return run;
}

static void append_row(tlw_csv *csv, const struct tlw_sink *sink, struct tlw_run *run, const struct tlw_row *row,
                       int64_t *n_rows) {
  csv->n_kept++;
  const bool is_pending = csv->policies[TLW_DEFECT_DUPLICATE] == TLW_POLICY_LAST && run == &csv->run && !csv->sorts;
  if (!is_pending) {
    run->row = csv->store.n_rows + *n_rows;
    tlw_sink_put(sink, (*n_rows)++, row);
    return;
  }
  if (csv->has_pending) tlw_sink_put(sink, (*n_rows)++, &csv->pending);
  csv->has_pending = true;
  csv->pending = *row;
}

static void replace_row(tlw_csv *csv, const struct tlw_run *run, const struct tlw_row *row) {
  if (run == &csv->run) {
    csv->pending = *row;
    return;
  }
  const struct tlw_sink sink = tlw_store_sink(&csv->store, 0);
  tlw_sink_put(&sink, run->row, row);
}

static tlw_status place_row(tlw_csv *csv, const struct tlw_sink *sink, struct tlw_row *row, int64_t *n_rows) {
  struct tlw_run *run = run_of(csv, row);
  if (!run) return csv->error.code;
  switch (tlw_csv_step(csv, run, row)) {
  case TLW_STEP_APPEND:
    append_row(csv, sink, run, row, n_rows);
    return TLW_OK;
  case TLW_STEP_REPLACE:
    replace_row(csv, run, row);
    return TLW_OK;
  case TLW_STEP_DROP:
    return TLW_OK;
  default:
    return csv->error.code;
  }
}

/* Reads the next line by the general path, into a row if it is one. */
static tlw_status read_line(tlw_csv *csv, const struct tlw_sink *sink, int64_t *n_rows) {
  const char *line = NULL;
  size_t length = 0;
  const tlw_status status = tlw_csv_line(csv, &line, &length);
  csv->ended = status == TLW_OK && !line;
  if (status != TLW_OK || csv->ended) return status;
  struct tlw_row row;
  switch (tlw_csv_examine(csv, line, length, &row)) {
  case TLW_ROW_KEPT:
    return place_row(csv, sink, &row, n_rows);
  case TLW_ROW_SKIPPED:
    return TLW_OK;
  default:
    return csv->error.code;
  }
}

/* Reads rows until there is no room, the file ends or fails, or, if asked, it is known which way times go. */
static tlw_status read_rows(tlw_csv *csv, const struct tlw_sink *sink, bool until_told, int64_t *n_rows) {
  tlw_status status = TLW_OK;
  while (status == TLW_OK && !csv->ended && *n_rows < sink->rows.capacity && !(until_told && csv->run.direction)) {
    if (is_plain_ready(csv)) take_plain(csv, sink, n_rows);
    if (*n_rows < sink->rows.capacity) status = read_line(csv, sink, n_rows);
  }
  if (csv->has_pending && (status != TLW_OK || csv->ended)) {
    tlw_sink_put(sink, (*n_rows)++, &csv->pending);
    csv->has_pending = false;
  }
  return status;
}

/* --- Rows that are held ----------------------------------------------------------------------------------------- */

/* One row more than there is room for: the store grows once there is one. */
static tlw_status hold_one(tlw_csv *csv, bool until_told) {
  struct tlw_row row = {0};
  struct tlw_sink one = {.rows = {.open = &row.numbers[TLW_ROLE_OPEN],
                                  .high = &row.numbers[TLW_ROLE_HIGH],
                                  .low = &row.numbers[TLW_ROLE_LOW],
                                  .close = &row.numbers[TLW_ROLE_CLOSE],
                                  .volume = &row.numbers[TLW_ROLE_VOLUME],
                                  .time = &row.time,
                                  .capacity = 1},
                         .line = &row.line,
                         .series = &row.series};
  for (; one.n_lines < csv->n_drawn; one.n_lines++) one.lines[one.n_lines] = &row.lines[one.n_lines];
  int64_t n = 0;
  const tlw_status status = read_rows(csv, &one, until_told, &n);
  if (n == 0) return status;
  tlw_error failure;
  const tlw_status grown = tlw_store_grow(&csv->store, tlw_input_name(csv->lines.input), &failure);
  if (grown != TLW_OK) {
    csv->error = failure;
    return grown;
  }
  const struct tlw_sink sink = tlw_store_sink(&csv->store, csv->store.n_rows++);
  tlw_sink_put(&sink, 0, &row);
  return status;
}

/* Reads into the store, to the end or until it is known which way times go. */
static tlw_status hold(tlw_csv *csv, bool until_told) {
  struct tlw_store *store = &csv->store;
  tlw_status status = TLW_OK;
  while (status == TLW_OK && !csv->ended && !(until_told && csv->run.direction)) {
    const struct tlw_sink sink = tlw_store_sink(store, store->n_rows);
    if (sink.rows.capacity == 0) {
      status = hold_one(csv, until_told);
      continue;
    }
    int64_t n = 0;
    status = read_rows(csv, &sink, until_told, &n);
    store->n_rows += n;
  }
  return status;
}

static tlw_status check_any(tlw_csv *csv) {
  if (csv->n_kept > 0) return TLW_OK;
  const char *name = tlw_input_name(csv->lines.input);
  if (csv->report.rows == 0)
    return tlw_fail(&csv->error, TLW_ERR_DATA, "%s: the file names its columns but has no candles: add rows", name);
  return tlw_fail(&csv->error, TLW_ERR_DATA,
                  "%s: no candle is left, rows left out: %" PRId64 ": correct them or choose other policies", name,
                  csv->report.rows);
}

/* Reads the first rows, or all that must be held. */
static void begin_rows(tlw_csv *csv) {
  csv->begun = true;
  tlw_status status = hold(csv, !csv->holds);
  if (status == TLW_OK && csv->run.direction < 0) csv->holds = true;
  if (status == TLW_OK && csv->holds) status = hold(csv, false);
  if (status == TLW_OK && csv->ended) status = check_any(csv);
  if (status == TLW_OK && csv->holds) status = tlw_csv_arrange(csv);
  if (status != TLW_OK && csv->holds) tlw_store_close(&csv->store);
}

tlw_status tlw_csv_hold(tlw_csv *csv) {
  csv->holds = true;
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  begin_rows(csv);
  tlw_arithmetic_end(&callers);
  return csv->error.code;
}

/* --- Giving rows ------------------------------------------------------------------------------------------------ */

/* Gives rows of the store, which is freed behind the last. */
static void serve(tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows) {
  const struct tlw_sink held = tlw_store_sink(&csv->store, csv->served);
  const int64_t left = csv->store.n_rows - csv->served;
  const int64_t n = left < rows->capacity ? left : rows->capacity;
  const size_t size = (size_t)n * sizeof(double);
  if (n == 0) return;
  memcpy(rows->open, held.rows.open, size);
  memcpy(rows->high, held.rows.high, size);
  memcpy(rows->low, held.rows.low, size);
  memcpy(rows->close, held.rows.close, size);
  if (rows->time && held.rows.time) memcpy(rows->time, held.rows.time, size);
  for (int64_t i = 0; i < n && rows->time && !held.rows.time; i++) rows->time[i] = csv->served + i;
  if (rows->volume && held.rows.volume) memcpy(rows->volume, held.rows.volume, size);
  for (int64_t i = 0; i < n && rows->volume && !held.rows.volume; i++) rows->volume[i] = (double)NAN;
  for (int32_t k = 0; k < csv->n_drawn && rows->lines; k++)
    if (rows->lines[k]) memcpy(rows->lines[k], held.lines[k], size);
  csv->served += n;
  *n_rows = n;
  if (n < left) return;
  tlw_store_close(&csv->store);
  csv->served = 0;
}

static void next(tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows) {
  if (!csv->begun) begin_rows(csv);
  serve(csv, rows, n_rows);
  if (csv->error.code != TLW_OK || csv->holds || csv->ended) return;
  struct tlw_sink sink = {.rows = *rows};
  for (; rows->lines && sink.n_lines < csv->n_drawn; sink.n_lines++)
    sink.lines[sink.n_lines] = rows->lines[sink.n_lines];
  read_rows(csv, &sink, false, n_rows);
}

tlw_status tlw_csv_next(tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows, tlw_error *error) {
  if (n_rows) *n_rows = 0;
  if (!csv || !rows || !n_rows) return tlw_fail(error, TLW_ERR_ARGUMENT, "csv, rows and n_rows must not be NULL");
  if (!rows->open || !rows->high || !rows->low || !rows->close)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "open, high, low and close of rows must not be NULL");
  if (rows->capacity < 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the capacity of rows is %" PRId64 ": it must be 1 or more",
                    rows->capacity);
  fenv_t callers;
  tlw_arithmetic_begin(&callers); /* numbers are read to the nearest double */
  next(csv, rows, n_rows);
  tlw_arithmetic_end(&callers);
  if (csv->error.code == TLW_OK || *n_rows == rows->capacity) return TLW_OK; /* a failure behind rows can wait */
  if (error) *error = csv->error;
  return csv->error.code;
}

void tlw_csv_close(tlw_csv **csv) {
  if (!csv || !*csv) return;
  tlw_csv *closed = *csv;
  tlw_store_close(&closed->store);
  tlw_symbols_close(&closed->symbols);
  tlw_heap_free(closed->memory, closed->runs.data, (size_t)closed->runs.size);
  tlw_heap_free(closed->memory, closed->offsets.data, (size_t)closed->offsets.size);
  tlw_lines_close(&closed->lines);
  tlw_heap_free(closed->memory, closed, sizeof *closed);
  *csv = NULL;
}
