#include <inttypes.h>
#include <string.h>

#include "csv_find.h"
#include "csv_reader.h"
#include "host/base/error.h"
#include "number.h"
#include "time_text.h"

#define PREAMBLE 16 /* lines ahead of the header */

static bool is_blank(const char *line, size_t length) {
  size_t i = 0;
  while (i < length && (line[i] == ' ' || line[i] == '\t')) i++;
  return i == length;
}

tlw_status tlw_csv_line(tlw_csv *csv, const char **line, size_t *length) {
  for (;;) {
    const tlw_status status = tlw_lines_next(&csv->lines, line, length, &csv->error);
    if (status != TLW_OK || !*line) return status;
    if (*length == 0 || **line == csv->comment) continue;
    if (**line > ' ' || csv->lines.too_long || !is_blank(*line, *length)) return TLW_OK;
  }
}

/* The search for the delimiter and the line that tells the columns. */
struct head {
  const struct tlw_wishes *wishes;
  tlw_csv_header header;
  char candidates[TLW_DELIMITERS];
  bool dropped[TLW_DELIMITERS]; /* a line that is passed over has it */
  int n_candidates;
  int32_t most_fields; /* of the lines so far, and why that line does not do */
  int64_t line;
  bool lacks_time_alone;
  char reason[TLW_COLUMNS_MESSAGE_SIZE];
};

int tlw_csv_delimiters(const tlw_csv_options *options, bool decimal_comma, char out[TLW_DELIMITERS]) {
  static const char all[TLW_DELIMITERS] = {',', ';', '\t', '|'};
  int n = 0;
  for (int i = 0; i < TLW_DELIMITERS; i++) {
    if (options->delimiter ? all[i] != options->delimiter : all[i] == ',' && decimal_comma) continue;
    out[n++] = all[i];
  }
  return n;
}

static void start(struct head *head, const tlw_csv_options *options, const struct tlw_wishes *wishes) {
  *head = (struct head){.wishes = wishes, .header = options->header};
  head->n_candidates = tlw_csv_delimiters(options, wishes->decimal_comma, head->candidates);
}

/* --- One line under one delimiter ------------------------------------------------------------------------------- */

static bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

static bool is_number(const struct tlw_field *f, bool decimal_comma) {
  double value;
  if (f->length == 0) return true;
  return decimal_comma ? tlw_number_read_comma(f->text, f->length, &value)
                       : tlw_number_read(f->text, f->length, &value);
}

enum likeness { LIKE_NOTHING, LIKE_TIME, LIKE_ROW };

/*
 * Whether the line reads as a row: its time at least; or its prices, and its time begins with a digit. Without times,
 * its prices, of which one at least is there.
 */
static enum likeness likeness_of(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                                 const struct tlw_columns *columns) {
  static const enum tlw_role prices[] = {TLW_ROLE_OPEN, TLW_ROLE_HIGH, TLW_ROLE_LOW, TLW_ROLE_CLOSE};
  struct tlw_field time = {0};
  const struct tlw_place place[2] = {{columns->of[TLW_ROLE_TIME], 0}, {-1, 0}};
  tlw_record_split(line, length, delimiter, place, &time);
  bool are_numbers = true, any = false;
  for (size_t i = 0; i < sizeof prices / sizeof *prices && are_numbers; i++) {
    struct tlw_field price;
    const struct tlw_place price_place[2] = {{columns->of[prices[i]], 0}, {-1, 0}};
    tlw_record_split(line, length, delimiter, price_place, &price);
    are_numbers = is_number(&price, wishes->decimal_comma);
    any = any || price.length > 0;
  }
  if (columns->of[TLW_ROLE_TIME] < 0) return are_numbers && any ? LIKE_ROW : LIKE_NOTHING;
  int64_t ignored;
  const bool is_time = !tlw_time_read(time.text, time.length, wishes->day_first, &ignored);
  if (are_numbers && time.length > 0 && (is_time || is_digit(time.text[0]))) return LIKE_ROW;
  return is_time ? LIKE_TIME : LIKE_NOTHING;
}

/* --- One line under all ----------------------------------------------------------------------------------------- */

static bool accept_header(struct head *head, tlw_csv *csv, const char *line, size_t length) {
  for (int i = 0; i < head->n_candidates; i++) {
    if (head->dropped[i]) continue;
    if (tlw_columns_by_name(line, length, head->candidates[i], head->wishes, &csv->columns) != 0) continue;
    csv->delimiter = head->candidates[i];
    return true;
  }
  return false;
}

/* Takes the line as the first row if it is at least as like one as said. */
static bool accept_row(struct head *head, tlw_csv *csv, const char *line, size_t length, enum likeness least) {
  for (int i = 0; i < head->n_candidates; i++) {
    const char delimiter = head->candidates[i];
    if (head->dropped[i] || tlw_columns_by_place(line, length, delimiter, head->wishes, &csv->columns) != 0) continue;
    if (likeness_of(line, length, delimiter, head->wishes, &csv->columns) < least) continue;
    csv->delimiter = delimiter;
    csv->row_fields = csv->columns.n_columns;
    tlw_lines_again(&csv->lines);
    return true;
  }
  return false;
}

static bool accept(struct head *head, tlw_csv *csv, const char *line, size_t length) {
  if (head->header == TLW_CSV_HEADER_YES) return accept_header(head, csv, line, length);
  if (accept_row(head, csv, line, length, LIKE_ROW)) return true;
  if (head->header == TLW_CSV_HEADER_AUTO && accept_header(head, csv, line, length)) return true;
  if (accept_row(head, csv, line, length, LIKE_TIME)) return true;
  return head->header == TLW_CSV_HEADER_NO && accept_row(head, csv, line, length, LIKE_NOTHING);
}

/* Quotes that are wrong: under every delimiter, or behind a first field. */
static tlw_status check_quotes(struct head *head, tlw_csv *csv, const char *line, size_t length) {
  static const struct tlw_place no_places[1] = {{-1, 0}};
  int n_alive = 0, n_broken = 0;
  int32_t broken = 0;
  for (int i = 0; i < head->n_candidates; i++) {
    if (head->dropped[i]) continue;
    const int32_t n_fields = tlw_record_split(line, length, head->candidates[i], no_places, NULL);
    n_alive++;
    n_broken += n_fields < 0;
    if (n_fields < 0 && -n_fields > broken) broken = -n_fields;
  }
  if (broken < 2 && n_broken < n_alive) return TLW_OK;
  return tlw_csv_refuse(csv, csv->lines.number, broken - 1,
                        "field %" PRId32 " is not enclosed by its quotes: close them before the separator or line end",
                        broken);
}

/* Is there something behind the first field? */
static bool has_second(const char *line, size_t length, char delimiter) {
  const char *const end = line + length;
  struct tlw_field field;
  for (const char *at = tlw_field_take(line, end, delimiter, &field); at && at < end;) {
    at = tlw_field_take(at + 1, end, delimiter, &field);
    if (at && field.length > 0) return true;
  }
  return false;
}

static bool lacks_time_alone(const struct tlw_wishes *wishes, const struct tlw_columns *columns) {
  bool others = true;
  for (int role = 0; role < TLW_ROLES; role++)
    if (role != TLW_ROLE_TIME && wishes->needs[role]) others = others && columns->of[role] >= 0;
  return others && columns->of[TLW_ROLE_TIME] < 0 && wishes->roles[TLW_ROLE_TIME].kind == TLW_WISH_ANY;
}

/* Notes why the line does not do, and drops the delimiters that it has between fields. Are any left? */
static bool pass_over(struct head *head, const tlw_csv *csv, const char *line, size_t length) {
  bool any = false;
  for (int i = 0; i < head->n_candidates; i++) {
    if (head->dropped[i]) continue;
    struct tlw_columns columns;
    const char delimiter = head->candidates[i];
    const int32_t broken = head->header == TLW_CSV_HEADER_NO
                               ? tlw_columns_by_place(line, length, delimiter, head->wishes, &columns)
                               : tlw_columns_by_name(line, length, delimiter, head->wishes, &columns);
    if (broken > 0) continue;
    if (columns.n_columns > head->most_fields) {
      head->most_fields = columns.n_columns;
      head->line = csv->lines.number;
      head->lacks_time_alone = lacks_time_alone(head->wishes, &columns);
      tlw_columns_explain(line, length, delimiter, head->wishes, &columns, head->reason);
    }
    head->dropped[i] = has_second(line, length, delimiter);
    any = any || !head->dropped[i];
  }
  return any && head->header != TLW_CSV_HEADER_NO;
}

/* --- The file --------------------------------------------------------------------------------------------------- */

static bool is_utf16(const char *line, size_t length) {
  const bool marked = length >= 2 && (memcmp(line, "\xff\xfe", 2) == 0 || memcmp(line, "\xfe\xff", 2) == 0);
  return marked || (length >= 4 && (!line[0] == !line[2]) && (!line[1] == !line[3]) && (!line[0] != !line[1]));
}

tlw_status tlw_csv_check_text(tlw_csv *csv, const char *line, size_t length) {
  const int64_t number = csv->lines.number;
  if (csv->lines.too_long)
    return tlw_csv_refuse(csv, number, -1, "the line is longer than 1 MiB: give a CSV file, one row a line");
  if (is_utf16(line, length))
    return tlw_csv_refuse(csv, number, 0, "the file is UTF-16, not UTF-8: save it as UTF-8 CSV");
  const char *zero = memchr(line, 0, length);
  if (zero) {
    int32_t column = 0;
    for (const char *at = line; at < zero; at++) column += *at == ',';
    return tlw_csv_refuse(csv, number, column,
                          "field %" PRId32 " holds a zero byte, the file is binary or UTF-16: save it as UTF-8 CSV",
                          column + 1);
  }
  if (memchr(line, '\r', length))
    return tlw_csv_refuse(csv, number, -1, "a carriage return inside the line: end the lines in LF or CRLF");
  return TLW_OK;
}

static tlw_status refuse(const struct head *head, tlw_csv *csv) {
  if (head->most_fields == 0)
    return tlw_fail(&csv->error, TLW_ERR_DATA, "%s: the file is empty: give a line of column names and rows of candles",
                    tlw_input_name(csv->lines.input));
  if (head->header == TLW_CSV_HEADER_NO)
    return tlw_csv_refuse(csv, head->line, -1, "%s: say by columns which they are (close=5,volume=7)", head->reason);
  if (head->lacks_time_alone)
    return tlw_csv_refuse(csv, head->line, -1,
                          "%s: name it in the first line, or say by columns which it is, or that there is none "
                          "(time=none)",
                          head->reason);
  return tlw_csv_refuse(csv, head->line, -1,
                        "%s: name them in the first line, or say by columns which they are (close=Last,volume=7)",
                        head->reason);
}

/* The columns of lines, in the line that told the others. */
static tlw_status find_lines(tlw_csv *csv, const char *line, size_t length, int64_t number,
                             const struct tlw_wishes *wishes) {
  for (; csv->n_drawn < wishes->n_lines; csv->n_drawn++) {
    const struct tlw_wish *wish = &wishes->lines[csv->n_drawn];
    struct tlw_csv_line *drawn = &csv->drawn[csv->n_drawn];
    drawn->column = tlw_find_column(line, length, csv->delimiter, &csv->columns, wish);
    if (drawn->column < 0) {
      char message[TLW_FIND_MESSAGE_SIZE];
      tlw_find_explain(line, length, csv->delimiter, &csv->columns, wish, message);
      return tlw_csv_refuse(csv, number, -1, "%s", message);
    }
    struct tlw_field name = {0};
    const struct tlw_place place[2] = {{drawn->column, 0}, {-1, 0}};
    if (csv->columns.has_header) tlw_record_split(line, length, csv->delimiter, place, &name);
    tlw_find_keep_name(name, drawn->name);
  }
  return TLW_OK;
}

static void add_place(tlw_csv *csv, int32_t *n_places, int32_t column, int32_t field) {
  int32_t at = (*n_places)++;
  for (; at > 0 && csv->places[at - 1].column > column; at--) csv->places[at] = csv->places[at - 1];
  csv->places[at] = (struct tlw_place){column, field};
}

static void place_columns(tlw_csv *csv) {
  int32_t n_places = 0;
  for (int32_t role = 0; role < TLW_ROLES; role++)
    if (csv->columns.of[role] >= 0) add_place(csv, &n_places, csv->columns.of[role], role);
  for (int32_t i = 0; i < csv->n_drawn; i++) add_place(csv, &n_places, csv->drawn[i].column, TLW_ROLES + i);
  csv->places[n_places].column = -1;
}

tlw_status tlw_csv_read_head(tlw_csv *csv, const tlw_csv_options *options, const struct tlw_wishes *wishes) {
  struct head head;
  start(&head, options, wishes);
  for (int n = 0; n <= PREAMBLE; n++) {
    const char *line = NULL;
    size_t length = 0;
    tlw_status status = tlw_csv_line(csv, &line, &length);
    if (status == TLW_OK && !line) break;
    if (status == TLW_OK) status = tlw_csv_check_text(csv, line, length);
    if (status != TLW_OK) return status;
    const int64_t number = csv->lines.number;
    if (accept(&head, csv, line, length)) {
      csv->report.delimiter = csv->delimiter;
      csv->report.has_header = csv->columns.has_header;
      csv->report.has_volume = csv->columns.of[TLW_ROLE_VOLUME] >= 0;
      csv->report.has_time = csv->columns.of[TLW_ROLE_TIME] >= 0;
      status = find_lines(csv, line, length, number, wishes);
      place_columns(csv);
      return status;
    }
    status = check_quotes(&head, csv, line, length);
    if (status != TLW_OK) return status;
    if (!pass_over(&head, csv, line, length)) break;
  }
  return refuse(&head, csv);
}
