#include "tallow/trades.h"

#include <inttypes.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/seam/backend.h"
#include "trades_reader.h"

void tlw_trades_init(tlw_trades *trades) { *trades = (tlw_trades){.struct_size = sizeof *trades}; }

/* ---- options ---- */

void tlw_trade_options_init(tlw_trade_options *options) {
  *options = (tlw_trade_options){.struct_size = sizeof *options};
}

static tlw_status check_options(const tlw_trade_options *o, tlw_error *error) {
  if (o->struct_size != sizeof *o)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_trade_options_init first",
                    o->struct_size, sizeof *o);
  if (o->delimiter && !memchr(",;\t|", o->delimiter, 4))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "delimiter must be a comma, a semicolon, a tab, a pipe or 0");
  if ((uint8_t)o->header > TLW_CSV_HEADER_NO)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "header is %d: it must be auto, yes or no", o->header);
  if ((uint8_t)o->round > 1) return tlw_fail(error, TLW_ERR_ARGUMENT, "round is %d: it must be 0 or 1", o->round);
  if ((unsigned)o->unit > TLW_UNIT_NS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "unit is %d: it must be s, ms, us, ns or the default", (int)o->unit);
  if ((unsigned)o->on_bad > TLW_BAD_SKIP)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "on_bad is %d: it must be error or skip", (int)o->on_bad);
  if (o->wanted >= 2 * TLW_TRADE_COUNT)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "wanted has bits that are no columns: use TLW_TRADE_TIME to _COUNT");
  if ((o->from || o->to) && o->from >= o->to)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "from is not before to: no time lies between them");
  return TLW_OK;
}

static tlw_status take_options(struct tlw_trade_reader *reader, const tlw_trade_options *o) {
  reader->options = *o;
  if (o->columns) {
    const size_t size = strlen(o->columns) + 1;
    reader->columns_text = tlw_heap_alloc(reader->memory, size, "the columns of trade files", &reader->error);
    if (!reader->columns_text) return reader->error.code;
    memcpy(reader->columns_text, o->columns, size);
    reader->columns_size = size;
  }
  struct tlw_trade_times *times = &reader->times;
  times->unit = o->unit;
  times->is_given = o->unit != TLW_UNIT_DEFAULT;
  times->has_bounds = o->from || o->to;
  times->from = o->from;
  times->to = o->to;
  if (times->is_given) tlw_trade_set_unit(times, o->unit);
  return tlw_trade_wishes_read(reader->columns_text, &reader->wishes, &reader->error);
}

/* ---- files ---- */

static int32_t file_at_hand(const struct tlw_trade_reader *reader) { return reader->report.n_files_begun - 1; }

/* Adds what was read of the file at hand. */
static void add_file(const struct tlw_trade_reader *reader, tlw_trade_report *report) {
  if (!reader->lines.input) return;
  report->bytes += (int64_t)tlw_input_consumed(reader->lines.input);
  report->lines += reader->lines.number;
}

static void close_file(struct tlw_trade_reader *reader) {
  add_file(reader, &reader->report);
  tlw_lines_close(&reader->lines);
}

static tlw_status open_file(struct tlw_trade_reader *reader) {
  const char *path = reader->paths[reader->report.n_files_begun++];
  const tlw_status status =
      tlw_lines_open(&reader->lines, path, reader->options.expansion, reader->memory, &reader->error);
  return status == TLW_OK ? tlw_trade_read_head(reader) : status;
}

/* ---- rows ---- */

static void note_bad(struct tlw_trade_reader *reader) {
  if (reader->report.bad++ > 0) return;
  reader->report.first_bad_file = file_at_hand(reader);
  reader->report.first_bad_line = reader->lines.number;
}

void tlw_trade_note_rows(struct tlw_trade_reader *reader, int64_t row, int64_t n, int64_t line) {
  reader->report.rows += n;
  const int32_t file = file_at_hand(reader);
  const struct tlw_trade_run *last = reader->n_runs > 0 ? &reader->runs[reader->n_runs - 1] : NULL;
  if (last && last->file == file && row - last->row == line - last->line) return;
  reader->runs[reader->n_runs++] = (struct tlw_trade_run){row, line, file};
}

static void put_row(const tlw_trade_rows *out, int64_t i, const struct tlw_trade_row *row, uint32_t read) {
  int64_t *const columns[TLW_TRADE_ROLES] = {
      [TLW_TRADE_ROLE_TIME] = out->time,         [TLW_TRADE_ROLE_PRICE] = out->price,
      [TLW_TRADE_ROLE_QUANTITY] = out->quantity, [TLW_TRADE_ROLE_ID] = out->id,
      [TLW_TRADE_ROLE_FIRST_ID] = out->first_id, [TLW_TRADE_ROLE_LAST_ID] = out->last_id,
      [TLW_TRADE_ROLE_OPEN] = out->open,         [TLW_TRADE_ROLE_HIGH] = out->high,
      [TLW_TRADE_ROLE_LOW] = out->low,           [TLW_TRADE_ROLE_QUOTE] = out->quote,
      [TLW_TRADE_ROLE_COUNT] = out->count};
  for (int role = 0; role < TLW_TRADE_ROLES; role++)
    if (read >> role & 1 && columns[role]) columns[role][i] = row->numbers[role];
  if (read & TLW_TRADE_MAKER && out->is_buyer_maker)
    out->is_buyer_maker[i] = (uint8_t)row->numbers[TLW_TRADE_ROLE_MAKER];
}

static tlw_status take_line(struct tlw_trade_reader *reader, const char *line, size_t length, const tlw_trade_rows *out,
                            int64_t *n_rows) {
  struct tlw_trade_row row;
  reader->n_general++;
  switch (tlw_trade_examine(reader, line, length, &row)) {
  case TLW_TRADE_KEPT:
    put_row(out, *n_rows, &row, reader->read);
    tlw_trade_note_rows(reader, (*n_rows)++, 1, reader->lines.number);
    reader->report.rounded += row.n_rounded;
    return TLW_OK;
  case TLW_TRADE_OUTSIDE:
    reader->report.outside++;
    return TLW_OK;
  case TLW_TRADE_SKIPPED:
    note_bad(reader);
    return TLW_OK;
  default:
    return reader->error.code;
  }
}

/* Reads the next lines, or opens the next file. */
static tlw_status step(struct tlw_trade_reader *reader, const tlw_trade_rows *out, int64_t *n_rows) {
  const char *line = NULL;
  size_t length = 0;
  const tlw_status status = tlw_trade_line(reader, &line, &length);
  if (status != TLW_OK) return status;
  if (line) return take_line(reader, line, length, out, n_rows);
  close_file(reader);
  reader->ended = reader->report.n_files_begun == reader->n_paths;
  return reader->ended ? TLW_OK : open_file(reader);
}

/* Whether the next line has to be waited for, as behind a pipe it may for long. */
static bool must_wait(const struct tlw_trade_reader *reader) {
  size_t size;
  tlw_lines_block(&reader->lines, &size);
  return size == 0;
}

/* What is there is given rather than kept while more is waited for. */
static void read_rows(struct tlw_trade_reader *reader, const tlw_trade_rows *out, int64_t *n_rows) {
  tlw_status status = reader->error.code;
  while (status == TLW_OK && !reader->ended) {
    tlw_trade_take_plain(reader, out, n_rows);
    if (*n_rows == out->capacity || reader->n_runs == TLW_TRADE_RUNS || (*n_rows > 0 && must_wait(reader))) return;
    status = step(reader, out, n_rows);
    if (*n_rows == out->capacity || reader->n_runs == TLW_TRADE_RUNS) return;
  }
}

/* ---- opening ---- */

/* Where bad rows are skipped, the first good time may stand behind some. */
static void look_for_unit(struct tlw_trade_reader *reader) {
  size_t size;
  const char *line = tlw_lines_block(&reader->lines, &size);
  const char *const end = line + size;
  struct tlw_trade_row row;
  while (line < end && reader->times.unit == TLW_UNIT_DEFAULT) {
    const char *feed = memchr(line, '\n', (size_t)(end - line));
    const size_t length = (size_t)(feed - line);
    if (*line != TLW_TRADE_COMMENT)
      tlw_trade_examine(reader, line, length > 0 && feed[-1] == '\r' ? length - 1 : length, &row);
    line = feed + 1;
  }
}

/* Looks at the first row, so that the unit is known before it is given. */
static tlw_status look_at_first_row(struct tlw_trade_reader *reader) {
  const char *line = NULL;
  size_t length = 0;
  const tlw_status status = tlw_trade_line(reader, &line, &length);
  if (status != TLW_OK || !line) return status;
  struct tlw_trade_row row;
  if (!reader->lines.too_long) {
    tlw_trade_examine(reader, line, length, &row);
    tlw_lines_again(&reader->lines);
    reader->error.code = TLW_OK; /* it is met again */
    if (reader->options.on_bad == TLW_BAD_SKIP) look_for_unit(reader);
    return TLW_OK;
  }
  if (tlw_trade_examine(reader, line, length, &row) == TLW_TRADE_SKIPPED) note_bad(reader);
  return TLW_OK;
}

static tlw_status begin(struct tlw_trade_reader *reader, const tlw_trade_options *options) {
  tlw_status status = take_options(reader, options);
  if (status == TLW_OK) status = open_file(reader);
  return status == TLW_OK ? look_at_first_row(reader) : status;
}

tlw_status tlw_trade_reader_open(const char *const *paths, int32_t n_paths, const tlw_trade_options *options,
                                 tlw_engine *engine, tlw_trade_reader **reader, uint32_t *columns, tlw_error *error) {
  if (reader) *reader = NULL;
  if (!reader || !paths || n_paths < 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "reader and paths must not be NULL, and n_paths must be 1 or more");
  for (int32_t i = 0; i < n_paths; i++)
    if (!paths[i]) return tlw_fail(error, TLW_ERR_ARGUMENT, "path %" PRId32 " is NULL", i);
  tlw_trade_options defaults;
  tlw_trade_options_init(&defaults);
  if (!options) options = &defaults;
  tlw_error failure;
  tlw_status status = check_options(options, &failure);
  struct tlw_memory *memory = engine ? tlw_engine_memory(engine) : NULL;
  if (status == TLW_OK) {
    *reader = tlw_heap_alloc(memory, sizeof **reader, "reading trade files", &failure);
    status = *reader ? TLW_OK : failure.code;
  }
  if (*reader) {
    **reader = (struct tlw_trade_reader){.memory = memory, .paths = paths, .n_paths = n_paths};
    (*reader)->report.first_bad_file = -1;
    status = begin(*reader, options);
    failure = (*reader)->error;
    if (columns) *columns = (*reader)->there;
  }
  if (status == TLW_OK) return TLW_OK;
  tlw_trade_reader_close(reader);
  if (error) *error = failure;
  return status;
}

tlw_time_unit tlw_trade_reader_unit(const tlw_trade_reader *reader) { return reader->times.unit; }

/* ---- giving rows ---- */

tlw_status tlw_trade_reader_next(tlw_trade_reader *reader, const tlw_trade_rows *rows, int64_t *n_rows,
                                 tlw_error *error) {
  if (n_rows) *n_rows = 0;
  if (!reader || !rows || !n_rows) return tlw_fail(error, TLW_ERR_ARGUMENT, "reader, rows and n_rows must not be NULL");
  if (rows->capacity < 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the capacity of rows is %" PRId64 ": it must be 1 or more",
                    rows->capacity);
  reader->n_runs = 0;
  read_rows(reader, rows, n_rows);
  reader->n_located = *n_rows;
  if (reader->error.code == TLW_OK || *n_rows == rows->capacity) return TLW_OK; /* a failure behind rows can wait */
  if (error) *error = reader->error;
  return reader->error.code;
}

void tlw_trade_plain_off(tlw_trade_reader *reader) { reader->plain_is_off = true; }

void tlw_trade_reader_locate(const tlw_trade_reader *reader, int64_t index, int32_t *file, int64_t *line) {
  *file = -1;
  *line = 0;
  if (index < 0 || index >= reader->n_located) return;
  int32_t i = 0;
  while (i + 1 < reader->n_runs && reader->runs[i + 1].row <= index) i++;
  *file = reader->runs[i].file;
  *line = reader->runs[i].line + (index - reader->runs[i].row);
}

void tlw_trade_reader_get_report(const tlw_trade_reader *reader, tlw_trade_report *report) {
  *report = reader->report;
  add_file(reader, report);
}

void tlw_trade_reader_close(tlw_trade_reader **reader) {
  if (!reader || !*reader) return;
  tlw_trade_reader *closed = *reader;
  close_file(closed);
  tlw_heap_free(closed->memory, closed->columns_text, closed->columns_size);
  tlw_heap_free(closed->memory, closed, sizeof *closed);
  *reader = NULL;
}
