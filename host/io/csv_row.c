#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "csv_policy.h"
#include "csv_reader.h"
#include "host/base/error.h"
#include "number.h"
#include "text.h"
#include "time_text.h"

#define ADVICE "correct the row"

tlw_status tlw_csv_refuse(tlw_csv *csv, int64_t line, int32_t column, const char *format, ...) {
  char message[TLW_ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return tlw_fail_at(&csv->error, TLW_ERR_DATA, line, column < 0 ? -1 : column + 1, "%s:%" PRId64 ": %s",
                     tlw_input_name(csv->lines.input), line, message);
}

tlw_policy tlw_csv_note(tlw_csv *csv, tlw_defect defect, int64_t line) {
  if (csv->report.defects[defect]++ == 0) csv->report.first_line[defect] = line;
  return csv->policies[defect];
}

__attribute__((cold)) enum tlw_verdict tlw_csv_complain(tlw_csv *csv, tlw_defect defect, int32_t column,
                                                        const char *format, ...) {
  if (tlw_csv_note(csv, defect, csv->lines.number) == TLW_POLICY_SKIP) return TLW_ROW_SKIPPED;
  char message[TLW_ERROR_MESSAGE_SIZE], advice[TLW_POLICY_ADVICE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  tlw_csv_refuse(csv, csv->lines.number, column, "%s, %s", message, tlw_policy_advice(advice, defect));
  return TLW_ROW_REFUSED;
}

static const char *show(char out[TLW_SHOWN_SIZE], const struct tlw_field *f) {
  return tlw_show_text(out, TLW_SHOWN_SIZE, f->text, f->length);
}

const char *tlw_csv_show_time(const tlw_csv *csv, char out[TLW_SHOWN_TIME_SIZE]) {
  show(out, &csv->fields[TLW_ROLE_TIME]);
  if (csv->columns.of[TLW_ROLE_CLOCK] < 0) return out;
  const size_t used = strlen(out);
  out[used] = ' ';
  show(out + used + 1, &csv->fields[TLW_ROLE_CLOCK]);
  return out;
}

/* --- Fields ----------------------------------------------------------------------------------------------------- */

static enum tlw_verdict complain_zero(tlw_csv *csv, const char *line, const char *zero) {
  int32_t column = 0;
  for (const char *at = line; at < zero; at++) column += *at == csv->delimiter;
  return tlw_csv_complain(csv, TLW_DEFECT_FIELD, column, "field %" PRId32 " holds a zero byte: " ADVICE, column + 1);
}

static bool is_column_read(const struct tlw_place *place, int32_t column) {
  while (place->column >= 0 && place->column < column) place++;
  return place->column == column;
}

/* The first row may end in a separator though the header does not, or the other way round: then every row must. */
static void tell_row_fields(tlw_csv *csv, const char *line, size_t length, int32_t n_fields,
                            const struct tlw_place *places) {
  const struct tlw_columns *columns = &csv->columns;
  csv->row_fields = columns->n_columns;
  if (n_fields == columns->n_columns + 1 && tlw_record_ends_empty(line, length, csv->delimiter))
    csv->row_fields = n_fields;
  if (n_fields == columns->n_columns - 1 && columns->last_is_empty && !is_column_read(places, n_fields))
    csv->row_fields = n_fields;
}

enum tlw_verdict tlw_csv_split(tlw_csv *csv, const char *line, size_t length, const struct tlw_place *places,
                               struct tlw_field *fields) {
  if (csv->lines.too_long)
    return tlw_csv_complain(csv, TLW_DEFECT_FIELD, -1, "the line is longer than 1 MiB: give one row a line");
  const char *zero = memchr(line, 0, length);
  if (zero) return complain_zero(csv, line, zero);
  const int32_t n_fields = tlw_record_split(line, length, csv->delimiter, places, fields);
  if (n_fields < 0)
    return tlw_csv_complain(
        csv, TLW_DEFECT_FIELD, -1 - n_fields,
        "field %" PRId32 " is not enclosed by its quotes: close them before the separator or line end", -n_fields);
  if (!csv->row_fields) tell_row_fields(csv, line, length, n_fields, places);
  if (n_fields == csv->row_fields) return TLW_ROW_KEPT;
  const char *before = csv->columns.has_header && csv->row_fields == csv->columns.n_columns ? "header" : "first row";
  return tlw_csv_complain(csv, TLW_DEFECT_FIELD, -1, "the row has %" PRId32 " fields, the %s %" PRId32 ": " ADVICE,
                          n_fields, before, csv->row_fields);
}

/* Where a time that can't be read goes wrong: in the clock if there is one and the day by itself can be read. */
static int32_t find_time_column(const tlw_csv *csv) {
  const struct tlw_field *day = &csv->fields[TLW_ROLE_TIME];
  const int32_t clock = csv->columns.of[TLW_ROLE_CLOCK];
  const struct tlw_time_pair how = {.day_first = csv->day_first};
  int64_t ignored;
  const bool in_clock = clock >= 0 && !tlw_time_read_pair(day->text, day->length, "0:00", 4, how, &ignored);
  return in_clock ? clock : csv->columns.of[TLW_ROLE_TIME];
}

static enum tlw_verdict complain_time(tlw_csv *csv, const struct tlw_time_problem *problem) {
  const int32_t column = find_time_column(csv);
  char shown[TLW_SHOWN_TIME_SIZE];
  tlw_csv_show_time(csv, shown);
  if (tlw_columns_is_time_name(&csv->columns, &csv->fields[TLW_ROLE_TIME]))
    return tlw_csv_complain(csv, TLW_DEFECT_FIELD, column, "time '%s' repeats the header: remove the line", shown);
  return tlw_csv_complain(csv, TLW_DEFECT_FIELD, column, "time '%s' %s: %s", shown, problem->what, problem->advice);
}

/* Without times rows have numbers, which grow like times do. */
static enum tlw_verdict read_time(tlw_csv *csv, int64_t *time) {
  if (csv->columns.of[TLW_ROLE_TIME] < 0) {
    *time = csv->n_kept;
    return TLW_ROW_KEPT;
  }
  const struct tlw_field *day = &csv->fields[TLW_ROLE_TIME], *clock = &csv->fields[TLW_ROLE_CLOCK];
  const struct tlw_time_problem *problem;
  if (csv->columns.of[TLW_ROLE_CLOCK] < 0)
    problem = tlw_time_read(day->text, day->length, csv->day_first, time);
  else
    problem = tlw_time_read_pair(day->text, day->length, clock->text, clock->length,
                                 (struct tlw_time_pair){csv->day_first, csv->columns.hours}, time);
  return problem ? complain_time(csv, problem) : TLW_ROW_KEPT;
}

__attribute__((cold)) static enum tlw_verdict complain_number(tlw_csv *csv, const struct tlw_field *f, int32_t column,
                                                              const char *name) {
  char shown[TLW_SHOWN_SIZE];
  const char *advice = csv->decimal_comma ? "write it as 1.234,5, or leave it empty where there is none"
                                          : "write it as 1234.5, or leave it empty where there is none";
  if (!csv->decimal_comma && memchr(f->text, ',', f->length))
    advice = memchr(f->text, '.', f->length) ? "write it as 1234.5, without signs between thousands"
                                             : "write it as 1234.5, or choose the decimal comma if it is one";
  return tlw_csv_complain(csv, TLW_DEFECT_FIELD, column, "%s '%s' is not a number: %s", name, show(shown, f), advice);
}

/* What stands for a number that is not there. */
static bool is_absent(const struct tlw_field *f) {
  static const char *const words[] = {"null", "none", "na", "n/a", "-"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (tlw_same_word(f->text, f->length, words[i])) return true;
  return false;
}

static inline bool is_number(const tlw_csv *csv, const struct tlw_field *f, double *value) {
  return csv->decimal_comma ? tlw_number_read_comma(f->text, f->length, value)
                            : tlw_number_read(f->text, f->length, value);
}

bool tlw_csv_is_number(const tlw_csv *csv, const struct tlw_field *field) {
  double ignored;
  return field->length == 0 || is_number(csv, field, &ignored) || is_absent(field);
}

enum tlw_verdict tlw_csv_number(tlw_csv *csv, const struct tlw_field *f, int32_t column, const char *name,
                                double *value) {
  *value = (double)NAN;
  if (f->length == 0) return TLW_ROW_KEPT;
  return is_number(csv, f, value) || is_absent(f) ? TLW_ROW_KEPT : complain_number(csv, f, column, name);
}

static inline enum tlw_verdict read_number(tlw_csv *csv, enum tlw_role role, double *value) {
  return tlw_csv_number(csv, &csv->fields[role], csv->columns.of[role], tlw_role_name(role), value);
}

/* Of a column that charts draw as a line. */
static enum tlw_verdict read_line_number(tlw_csv *csv, int32_t line, double *value) {
  const struct tlw_csv_line *drawn = &csv->drawn[line];
  const struct tlw_field *f = &csv->fields[TLW_ROLES + line];
  *value = (double)NAN;
  if (f->length == 0 || is_number(csv, f, value) || is_absent(f)) return TLW_ROW_KEPT;
  char shown[TLW_SHOWN_SIZE], name[TLW_SHOWN_SIZE + 8];
  if (*drawn->name)
    snprintf(name, sizeof name, "line %s", tlw_show_text(shown, sizeof shown, drawn->name, strlen(drawn->name)));
  else
    snprintf(name, sizeof name, "column %" PRId32, drawn->column + 1);
  return complain_number(csv, f, drawn->column, name);
}

static enum tlw_verdict read_symbol(tlw_csv *csv) {
  const int32_t column = csv->columns.of[TLW_ROLE_SYMBOL];
  const struct tlw_field *f = &csv->fields[TLW_ROLE_SYMBOL];
  if (f->length == 0) return tlw_csv_complain(csv, TLW_DEFECT_FIELD, column, "the symbol is empty: " ADVICE);
  if (tlw_field_copy(f, csv->symbol, sizeof csv->symbol, &csv->symbol_length)) return TLW_ROW_KEPT;
  char shown[TLW_SHOWN_SIZE];
  return tlw_csv_complain(csv, TLW_DEFECT_FIELD, column, "symbol '%s' is longer than %d bytes: " ADVICE, show(shown, f),
                          TLW_SYMBOL_SIZE);
}

/* --- Adjusted prices -------------------------------------------------------------------------------------------- */

static enum tlw_verdict adjust(tlw_csv *csv, double *prices) {
  double adjusted;
  const enum tlw_verdict verdict = read_number(csv, TLW_ROLE_ADJUSTED, &adjusted);
  if (verdict != TLW_ROW_KEPT) return verdict;
  const double factor = isinf(prices[TLW_ROLE_CLOSE]) ? (double)NAN : adjusted / prices[TLW_ROLE_CLOSE];
  for (int i = TLW_ROLE_OPEN; i <= TLW_ROLE_CLOSE; i++) prices[i] = isfinite(factor) ? prices[i] * factor : (double)NAN;
  return TLW_ROW_KEPT;
}

static enum tlw_verdict read_fields(tlw_csv *csv, const char *line, size_t length, struct tlw_row *row) {
  enum tlw_verdict verdict = tlw_csv_split(csv, line, length, csv->places, csv->fields);
  if (verdict == TLW_ROW_KEPT) verdict = read_time(csv, &row->time);
  for (int i = 0; i < TLW_ROLE_NUMBERS && verdict == TLW_ROW_KEPT; i++)
    if (csv->columns.of[i] >= 0) verdict = read_number(csv, (enum tlw_role)i, &row->numbers[i]);
  for (int32_t i = 0; i < csv->n_drawn && verdict == TLW_ROW_KEPT; i++)
    verdict = read_line_number(csv, i, &row->lines[i]);
  if (verdict == TLW_ROW_KEPT && csv->columns.of[TLW_ROLE_SYMBOL] >= 0) verdict = read_symbol(csv);
  if (verdict == TLW_ROW_KEPT && csv->columns.of[TLW_ROLE_ADJUSTED] >= 0) verdict = adjust(csv, row->numbers);
  return verdict;
}

/* --- Candles ---------------------------------------------------------------------------------------------------- */

static bool is_price_itself(const tlw_csv *csv, enum tlw_role role) {
  double value;
  return is_number(csv, &csv->fields[role], &value) && isfinite(value);
}

/* The field that is no price; the close if each is one: there is no factor from it to the adjusted one. */
static enum tlw_role find_missing(const tlw_csv *csv) {
  for (int role = TLW_ROLE_OPEN; role <= TLW_ROLE_CLOSE; role++)
    if (!is_price_itself(csv, (enum tlw_role)role)) return (enum tlw_role)role;
  const bool has_adjusted = csv->columns.of[TLW_ROLE_ADJUSTED] >= 0;
  return has_adjusted && !is_price_itself(csv, TLW_ROLE_ADJUSTED) ? TLW_ROLE_ADJUSTED : TLW_ROLE_CLOSE;
}

static enum tlw_verdict meet_missing(tlw_csv *csv) {
  if (csv->policies[TLW_DEFECT_MISSING_PRICE] == TLW_POLICY_GAP) {
    tlw_csv_note(csv, TLW_DEFECT_MISSING_PRICE, csv->lines.number);
    return TLW_ROW_KEPT;
  }
  char shown[TLW_SHOWN_SIZE];
  const enum tlw_role role = find_missing(csv);
  const char *what = is_price_itself(csv, role) ? "can't be brought to the adjusted close" : "is no price";
  return tlw_csv_complain(csv, TLW_DEFECT_MISSING_PRICE, csv->columns.of[role], "%s '%s' %s: " ADVICE,
                          tlw_role_name(role), show(shown, &csv->fields[role]), what);
}

static enum tlw_verdict meet_negative_price(tlw_csv *csv, const double *prices) {
  if (csv->policies[TLW_DEFECT_NEGATIVE_PRICE] == TLW_POLICY_KEEP) {
    tlw_csv_note(csv, TLW_DEFECT_NEGATIVE_PRICE, csv->lines.number);
    return TLW_ROW_KEPT;
  }
  int role = TLW_ROLE_OPEN;
  while (role < TLW_ROLE_CLOSE && !(prices[role] < 0.0)) role++;
  char shown[TLW_SHOWN_SIZE];
  return tlw_csv_complain(csv, TLW_DEFECT_NEGATIVE_PRICE, csv->columns.of[role], "%s %s is below 0: " ADVICE,
                          tlw_role_name((enum tlw_role)role), show(shown, &csv->fields[role]));
}

static enum tlw_verdict complain_price(tlw_csv *csv, tlw_defect defect, enum tlw_role role, const char *relation,
                                       enum tlw_role bound) {
  char shown[TLW_SHOWN_SIZE], shown_bound[TLW_SHOWN_SIZE];
  return tlw_csv_complain(csv, defect, csv->columns.of[role], "%s %s is %s %s %s: " ADVICE, tlw_role_name(role),
                          show(shown, &csv->fields[role]), relation, tlw_role_name(bound),
                          show(shown_bound, &csv->fields[bound]));
}

static enum tlw_verdict meet_high_below_low(tlw_csv *csv, double *prices) {
  if (csv->policies[TLW_DEFECT_HIGH_BELOW_LOW] != TLW_POLICY_SWAP)
    return complain_price(csv, TLW_DEFECT_HIGH_BELOW_LOW, TLW_ROLE_HIGH, "below", TLW_ROLE_LOW);
  tlw_csv_note(csv, TLW_DEFECT_HIGH_BELOW_LOW, csv->lines.number);
  const double high = prices[TLW_ROLE_HIGH];
  prices[TLW_ROLE_HIGH] = prices[TLW_ROLE_LOW];
  prices[TLW_ROLE_LOW] = high;
  return TLW_ROW_KEPT;
}

static enum tlw_verdict complain_outside(tlw_csv *csv, const struct tlw_prices *p) {
  const tlw_defect defect = TLW_DEFECT_OUTSIDE;
  if (p->open < p->low) return complain_price(csv, defect, TLW_ROLE_OPEN, "below", TLW_ROLE_LOW);
  if (p->open > p->high) return complain_price(csv, defect, TLW_ROLE_OPEN, "above", TLW_ROLE_HIGH);
  if (p->close < p->low) return complain_price(csv, defect, TLW_ROLE_CLOSE, "below", TLW_ROLE_LOW);
  return complain_price(csv, defect, TLW_ROLE_CLOSE, "above", TLW_ROLE_HIGH);
}

static enum tlw_verdict meet_outside(tlw_csv *csv, double *prices, struct tlw_prices *p) {
  const tlw_policy policy = csv->policies[TLW_DEFECT_OUTSIDE];
  if (policy != TLW_POLICY_WIDEN && policy != TLW_POLICY_CLAMP) return complain_outside(csv, p);
  tlw_csv_note(csv, TLW_DEFECT_OUTSIDE, csv->lines.number);
  if (policy == TLW_POLICY_WIDEN)
    tlw_prices_widen(p);
  else
    tlw_prices_clamp(p);
  prices[TLW_ROLE_OPEN] = p->open;
  prices[TLW_ROLE_HIGH] = p->high;
  prices[TLW_ROLE_LOW] = p->low;
  prices[TLW_ROLE_CLOSE] = p->close;
  return TLW_ROW_KEPT;
}

static enum tlw_verdict meet_volume(tlw_csv *csv, double *volume) {
  if (csv->policies[TLW_DEFECT_NEGATIVE_VOLUME] == TLW_POLICY_GAP) {
    tlw_csv_note(csv, TLW_DEFECT_NEGATIVE_VOLUME, csv->lines.number);
    *volume = (double)NAN;
    return TLW_ROW_KEPT;
  }
  char shown[TLW_SHOWN_SIZE];
  return tlw_csv_complain(csv, TLW_DEFECT_NEGATIVE_VOLUME, csv->columns.of[TLW_ROLE_VOLUME],
                          "volume %s is not a finite number from 0 up: " ADVICE,
                          show(shown, &csv->fields[TLW_ROLE_VOLUME]));
}

/* Is there nothing to examine? A volume may be missing. */
static bool is_sound(const double *v) {
  return v[TLW_ROLE_LOW] >= 0.0 && v[TLW_ROLE_LOW] <= v[TLW_ROLE_OPEN] && v[TLW_ROLE_LOW] <= v[TLW_ROLE_CLOSE] &&
         v[TLW_ROLE_OPEN] <= v[TLW_ROLE_HIGH] && v[TLW_ROLE_CLOSE] <= v[TLW_ROLE_HIGH] &&
         v[TLW_ROLE_HIGH] < (double)INFINITY && !(v[TLW_ROLE_VOLUME] < 0.0) && !isinf(v[TLW_ROLE_VOLUME]);
}

/* A comparison with a missing price, a NaN, is false. */
static enum tlw_verdict check_candle(tlw_csv *csv, double *v) {
  for (int i = TLW_ROLE_OPEN; i <= TLW_ROLE_CLOSE; i++)
    if (isinf(v[i])) v[i] = (double)NAN;
  enum tlw_verdict verdict = TLW_ROW_KEPT;
  if (isnan(v[TLW_ROLE_OPEN]) || isnan(v[TLW_ROLE_HIGH]) || isnan(v[TLW_ROLE_LOW]) || isnan(v[TLW_ROLE_CLOSE]))
    verdict = meet_missing(csv);
  struct tlw_prices p = {v[TLW_ROLE_OPEN], v[TLW_ROLE_HIGH], v[TLW_ROLE_LOW], v[TLW_ROLE_CLOSE]};
  if (verdict == TLW_ROW_KEPT && tlw_prices_is_any_negative(&p)) verdict = meet_negative_price(csv, v);
  if (verdict == TLW_ROW_KEPT && v[TLW_ROLE_HIGH] < v[TLW_ROLE_LOW]) {
    verdict = meet_high_below_low(csv, v);
    p.high = v[TLW_ROLE_HIGH];
    p.low = v[TLW_ROLE_LOW];
  }
  if (verdict == TLW_ROW_KEPT && tlw_prices_is_outside(&p)) verdict = meet_outside(csv, v, &p);
  if (verdict == TLW_ROW_KEPT && (v[TLW_ROLE_VOLUME] < 0.0 || isinf(v[TLW_ROLE_VOLUME])))
    verdict = meet_volume(csv, &v[TLW_ROLE_VOLUME]);
  return verdict;
}

enum tlw_verdict tlw_csv_examine(tlw_csv *csv, const char *line, size_t length, struct tlw_row *row) {
  csv->report.rows++;
  row->numbers[TLW_ROLE_VOLUME] = (double)NAN;
  row->line = csv->lines.number;
  enum tlw_verdict verdict = read_fields(csv, line, length, row);
  if (verdict == TLW_ROW_KEPT && !is_sound(row->numbers)) verdict = check_candle(csv, row->numbers);
  if (verdict == TLW_ROW_SKIPPED) csv->report.skipped++;
  return verdict;
}
