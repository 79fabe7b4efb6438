#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "decimal_text.h"
#include "host/base/error.h"
#include "text.h"
#include "time_text.h"
#include "trades_reader.h"

#define ADVICE "correct the row, or skip bad rows"
#define SYMBOL_ADVICE "split them by symbol, or read them as one by columns: symbol=none"
#define UNIT_ADVICE "say the unit: s, ms, us or ns"

tlw_status tlw_trade_refuse(struct tlw_trade_reader *reader, int64_t line, int32_t column, const char *format, ...) {
  char message[TLW_ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return tlw_fail_at(&reader->error, TLW_ERR_DATA, line, column < 0 ? -1 : column + 1, "%s:%" PRId64 ": %s",
                     tlw_input_name(reader->lines.input), line, message);
}

/* What becomes of a bad row; a message is made only where somebody will read it. column is from 0; -1: the row. */
__attribute__((cold, format(printf, 3, 4))) static enum tlw_trade_verdict complain(struct tlw_trade_reader *reader,
                                                                                   int32_t column, const char *format,
                                                                                   ...) {
  if (reader->options.on_bad == TLW_BAD_SKIP) return TLW_TRADE_SKIPPED;
  char message[TLW_ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  tlw_trade_refuse(reader, reader->lines.number, column, "%s", message);
  return TLW_TRADE_REFUSED;
}

/* ---- fields ---- */

static bool is_read(const struct tlw_trade_reader *reader, int32_t column) {
  const struct tlw_place *place = reader->places;
  while (place->column >= 0 && place->column != column) place++;
  return place->column == column;
}

/* The first row may end in a separator though the header does not, or the other way round: then every row must. */
static void tell_row_fields(struct tlw_trade_reader *reader, const char *line, size_t length, int32_t n_fields) {
  const struct tlw_trade_columns *columns = &reader->columns;
  reader->row_fields = columns->n_columns;
  if (n_fields == columns->n_columns + 1 && tlw_record_ends_empty(line, length, reader->delimiter))
    reader->row_fields = n_fields;
  if (n_fields == columns->n_columns - 1 && columns->last_is_empty && !is_read(reader, n_fields))
    reader->row_fields = n_fields;
}

static enum tlw_trade_verdict complain_zero(struct tlw_trade_reader *reader, const char *line, const char *zero) {
  int32_t column = 0;
  for (const char *at = line; at < zero; at++) column += *at == reader->delimiter;
  return complain(reader, column, "field %" PRId32 " holds a zero byte: " ADVICE, column + 1);
}

static enum tlw_trade_verdict split(struct tlw_trade_reader *reader, const char *line, size_t length) {
  if (reader->lines.too_long) return complain(reader, -1, "the line is longer than 1 MiB: give one row a line");
  const char *zero = memchr(line, 0, length);
  if (zero) return complain_zero(reader, line, zero);
  const int32_t n_fields = tlw_record_split(line, length, reader->delimiter, reader->places, reader->fields);
  if (n_fields < 0)
    return complain(reader, -1 - n_fields, "field %" PRId32 " is not enclosed by its quotes: " ADVICE, -n_fields);
  if (!reader->row_fields) tell_row_fields(reader, line, length, n_fields);
  if (n_fields == reader->row_fields) return TLW_TRADE_KEPT;
  const bool by_header = reader->columns.has_header && reader->row_fields == reader->columns.n_columns;
  return complain(reader, -1, "the row has %" PRId32 " fields, the %s %" PRId32 ": " ADVICE, n_fields,
                  by_header ? "header" : "first row", reader->row_fields);
}

/* A field that can't be read, as it is or because it is a name of the header. */
static enum tlw_trade_verdict complain_field(struct tlw_trade_reader *reader, enum tlw_trade_role role,
                                             const char *what, const char *advice) {
  if (reader->options.on_bad == TLW_BAD_SKIP) return TLW_TRADE_SKIPPED;
  const struct tlw_field *f = &reader->fields[role];
  const char *name = reader->columns.names[role];
  char shown[TLW_SHOWN_SIZE];
  tlw_show_text(shown, sizeof shown, f->text, f->length);
  if (*name && f->length < TLW_TRADE_NAME_SIZE && tlw_columns_same_name(f->text, f->length, name, strlen(name)))
    return complain(reader, reader->columns.of[role], "%s '%s' repeats the header: remove the line",
                    tlw_trade_role_name(role), shown);
  return complain(reader, reader->columns.of[role], "%s '%s' %s: %s", tlw_trade_role_name(role), shown, what, advice);
}

/* ---- times ---- */

static const struct {
  const char *name;
  int64_t size; /* nanoseconds */
} units[] = {[TLW_UNIT_S] = {"s", 1000000000},
             [TLW_UNIT_MS] = {"ms", 1000000},
             [TLW_UNIT_US] = {"us", 1000},
             [TLW_UNIT_NS] = {"ns", 1}};

/* The unit of a whole number that tlw_time_read took for so many nanoseconds; DEFAULT: it was text. */
static tlw_time_unit epoch_unit(const struct tlw_field *f, int64_t nanoseconds) {
  static const int64_t ends[] = {INT64_C(100000000000), INT64_C(100000000000000), INT64_C(100000000000000000)};
  int64_t value;
  if (tlw_whole_read(f->text, f->length, &value) != TLW_DECIMAL_EXACT) return TLW_UNIT_DEFAULT;
  int i = 0;
  while (i < 3 && (value < 0 ? -value : value) >= ends[i]) i++;
  const tlw_time_unit unit = (tlw_time_unit)(TLW_UNIT_S + i);
  return nanoseconds / units[unit].size == value && nanoseconds % units[unit].size == 0 ? unit : TLW_UNIT_DEFAULT;
}

/* The first value of the unit that is not before the moment. */
static int64_t rounded_up(int64_t nanoseconds, int64_t size) { return nanoseconds / size + (nanoseconds % size > 0); }

void tlw_trade_set_unit(struct tlw_trade_times *times, tlw_time_unit unit) {
  times->unit = unit == TLW_UNIT_DEFAULT ? TLW_UNIT_NS : unit;
  times->is_text = unit == TLW_UNIT_DEFAULT;
  times->from = rounded_up(times->from, units[times->unit].size);
  times->to = rounded_up(times->to, units[times->unit].size);
}

/* A time whose unit the options say. */
static enum tlw_trade_verdict read_given(struct tlw_trade_reader *reader, const struct tlw_field *f, int64_t *time) {
  const int64_t per_second = units[TLW_UNIT_S].size / units[reader->times.unit].size;
  const enum tlw_decimal how = tlw_whole_read(f->text, f->length, time);
  if (how == TLW_DECIMAL_NONE)
    return complain_field(reader, TLW_TRADE_ROLE_TIME, "is no whole number, as those of a unit are",
                          "correct the row, or let the file tell its unit");
  if (how == TLW_DECIMAL_EXACT && *time >= TLW_TIME_FIRST * per_second && *time < TLW_TIME_END * per_second)
    return TLW_TRADE_KEPT;
  char what[64];
  snprintf(what, sizeof what, "in %s is outside the years 1678 to 2261", units[reader->times.unit].name);
  return complain_field(reader, TLW_TRADE_ROLE_TIME, what, "correct the row, or choose another unit");
}

static enum tlw_trade_verdict complain_unit(struct tlw_trade_reader *reader, tlw_time_unit unit) {
  const struct tlw_trade_times *times = &reader->times;
  char what[96];
  snprintf(what, sizeof what, "is %s%s, the first time was %s%s", unit ? "in " : "text", unit ? units[unit].name : "",
           times->is_text ? "text" : "in ", times->is_text ? "" : units[times->unit].name);
  return complain_field(reader, TLW_TRADE_ROLE_TIME, what,
                        times->is_text || !unit ? "read files of one unit at a time"
                                                : "read files of one unit at a time, or " UNIT_ADVICE);
}

/* Of a whole number the advice about forms of text would miss what is wrong. */
static enum tlw_trade_verdict complain_time(struct tlw_trade_reader *reader, const struct tlw_time_problem *problem) {
  const struct tlw_field *f = &reader->fields[TLW_TRADE_ROLE_TIME];
  int64_t ignored;
  const bool is_number = tlw_whole_read(f->text, f->length, &ignored) == TLW_DECIMAL_EXACT;
  return complain_field(reader, TLW_TRADE_ROLE_TIME, problem->what,
                        is_number ? "if it is a number, " UNIT_ADVICE "; of a date write YYYY-MM-DD" : problem->advice);
}

static enum tlw_trade_verdict read_time(struct tlw_trade_reader *reader, int64_t *time) {
  struct tlw_trade_times *times = &reader->times;
  const struct tlw_field *f = &reader->fields[TLW_TRADE_ROLE_TIME];
  if (times->is_given) return read_given(reader, f, time);
  const struct tlw_time_problem *problem = tlw_time_read(f->text, f->length, false, time);
  if (problem) return complain_time(reader, problem);
  const tlw_time_unit unit = epoch_unit(f, *time);
  if (times->unit == TLW_UNIT_DEFAULT) tlw_trade_set_unit(times, unit);
  const tlw_time_unit expected = times->is_text ? TLW_UNIT_DEFAULT : times->unit;
  if (unit != expected) return complain_unit(reader, unit);
  *time /= units[times->unit].size;
  return TLW_TRADE_KEPT;
}

/* ---- numbers ---- */

static enum tlw_trade_verdict read_decimal(struct tlw_trade_reader *reader, enum tlw_trade_role role,
                                           struct tlw_trade_row *row) {
  const struct tlw_field *f = &reader->fields[role];
  switch (tlw_decimal_read(f->text, f->length, &row->numbers[role])) {
  case TLW_DECIMAL_EXACT:
    return TLW_TRADE_KEPT;
  case TLW_DECIMAL_ROUNDED:
    row->n_rounded++;
    if (reader->options.round) return TLW_TRADE_KEPT;
    return complain_field(reader, role, "has more than 8 decimals", "correct the row, or have decimals rounded");
  case TLW_DECIMAL_TOO_LARGE:
    return complain_field(reader, role, "is beyond 92,233,720,368.54775807", ADVICE);
  default:
    return complain_field(reader, role, f->length ? "is no number" : "is empty", ADVICE);
  }
}

static enum tlw_trade_verdict read_whole(struct tlw_trade_reader *reader, enum tlw_trade_role role,
                                         struct tlw_trade_row *row) {
  const struct tlw_field *f = &reader->fields[role];
  switch (tlw_whole_read(f->text, f->length, &row->numbers[role])) {
  case TLW_DECIMAL_EXACT:
    return TLW_TRADE_KEPT;
  case TLW_DECIMAL_TOO_LARGE:
    return complain_field(reader, role, "is beyond 64 bits", ADVICE);
  default:
    return complain_field(reader, role, f->length ? "is no whole number" : "is empty", ADVICE);
  }
}

static enum tlw_trade_verdict read_maker(struct tlw_trade_reader *reader, struct tlw_trade_row *row) {
  const struct tlw_field *f = &reader->fields[TLW_TRADE_ROLE_MAKER];
  const bool is_side = reader->columns.maker_is_side;
  uint8_t maker;
  if (tlw_trade_maker(f->text, f->length, is_side, &maker)) {
    row->numbers[TLW_TRADE_ROLE_MAKER] = maker;
    return TLW_TRADE_KEPT;
  }
  return complain_field(reader, TLW_TRADE_ROLE_MAKER,
                        is_side ? "is not buy, sell, b or s" : "is not true, false, 1 or 0, nor buy or sell",
                        ADVICE ", or leave it out by columns: maker=none");
}

/* ---- symbols ---- */

/* Whether the row, good in all else, is of the symbol; the first one tells it. */
static enum tlw_trade_verdict check_symbol(struct tlw_trade_reader *reader) {
  const struct tlw_field *f = &reader->fields[TLW_TRADE_ROLE_SYMBOL];
  if (f->length > TLW_TRADE_SYMBOL_MOST)
    return complain_field(reader, TLW_TRADE_ROLE_SYMBOL, "is longer than 64 bytes", SYMBOL_ADVICE);
  if (!reader->has_symbol) {
    reader->has_symbol = true;
    reader->symbol_length = f->length;
    memcpy(reader->symbol, f->text, f->length);
  }
  if (f->length == reader->symbol_length && memcmp(f->text, reader->symbol, f->length) == 0) return TLW_TRADE_KEPT;
  char shown[TLW_SHOWN_SIZE], what[TLW_SHOWN_SIZE + 64];
  tlw_show_text(shown, sizeof shown, reader->symbol, reader->symbol_length);
  snprintf(what, sizeof what, "comes behind '%s', the rows are of several symbols", shown);
  return complain_field(reader, TLW_TRADE_ROLE_SYMBOL, what, SYMBOL_ADVICE);
}

static enum tlw_trade_verdict read_field(struct tlw_trade_reader *reader, enum tlw_trade_role role,
                                         struct tlw_trade_row *row) {
  switch (role) {
  case TLW_TRADE_ROLE_ID:
  case TLW_TRADE_ROLE_FIRST_ID:
  case TLW_TRADE_ROLE_LAST_ID:
  case TLW_TRADE_ROLE_COUNT:
    return read_whole(reader, role, row);
  case TLW_TRADE_ROLE_MAKER:
    return read_maker(reader, row);
  default:
    return read_decimal(reader, role, row);
  }
}

enum tlw_trade_verdict tlw_trade_examine(struct tlw_trade_reader *reader, const char *line, size_t length,
                                         struct tlw_trade_row *row) {
  row->n_rounded = 0;
  enum tlw_trade_verdict verdict = split(reader, line, length);
  if (verdict == TLW_TRADE_KEPT && reader->read & TLW_TRADE_TIME) {
    int64_t *time = &row->numbers[TLW_TRADE_ROLE_TIME];
    verdict = read_time(reader, time);
    if (verdict == TLW_TRADE_KEPT && reader->times.has_bounds &&
        (*time < reader->times.from || *time >= reader->times.to))
      return TLW_TRADE_OUTSIDE;
  }
  for (int role = TLW_TRADE_ROLE_PRICE; role < TLW_TRADE_ROLES && verdict == TLW_TRADE_KEPT; role++)
    if (reader->read >> role & 1) verdict = read_field(reader, (enum tlw_trade_role)role, row);
  if (verdict == TLW_TRADE_KEPT && reader->columns.of[TLW_TRADE_ROLE_SYMBOL] >= 0) verdict = check_symbol(reader);
  return verdict;
}
