#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decimal_text.h"
#include "host/base/error.h"
#include "trades_reader.h"

#define DELIMITERS 4
#define MUST_BE (TLW_TRADE_TIME | TLW_TRADE_PRICE)
#define ADVICE_SIZE 192

static bool is_blank(const char *line, size_t length) {
  size_t i = 0;
  while (i < length && (line[i] == ' ' || line[i] == '\t')) i++;
  return i == length;
}

tlw_status tlw_trade_line(struct tlw_trade_reader *reader, const char **line, size_t *length) {
  for (;;) {
    const tlw_status status = tlw_lines_next(&reader->lines, line, length, &reader->error);
    if (status != TLW_OK || !*line) return status;
    if (*length == 0 || **line == TLW_TRADE_COMMENT) continue;
    if (reader->lines.too_long || !is_blank(*line, *length)) return TLW_OK;
  }
}

static int32_t list_delimiters(const struct tlw_trade_reader *reader, char out[DELIMITERS]) {
  static const char all[DELIMITERS] = {',', ';', '\t', '|'};
  if (reader->options.delimiter) {
    out[0] = reader->options.delimiter;
    return 1;
  }
  memcpy(out, all, DELIMITERS);
  return DELIMITERS;
}

/* A number, even if it is none of the grid. */
static bool has_price(const char *line, size_t length, char delimiter, const struct tlw_trade_columns *columns) {
  struct tlw_field price = {0};
  const struct tlw_place places[2] = {{columns->of[TLW_TRADE_ROLE_PRICE], 0}, {-1, 0}};
  int64_t ignored;
  tlw_record_split(line, length, delimiter, places, &price);
  return tlw_decimal_read(price.text, price.length, &ignored) != TLW_DECIMAL_NONE;
}

/* Whether the line tells the columns under that delimiter. */
static bool accept(struct tlw_trade_reader *reader, const char *line, size_t length, char delimiter) {
  const tlw_csv_header header = (tlw_csv_header)reader->options.header;
  struct tlw_trade_columns *columns = &reader->columns;
  if (header != TLW_CSV_HEADER_YES && tlw_trade_columns_by_place(line, length, delimiter, &reader->wishes, columns) &&
      (header == TLW_CSV_HEADER_NO || has_price(line, length, delimiter, columns)))
    return true;
  return header != TLW_CSV_HEADER_NO && tlw_trade_columns_by_name(line, length, delimiter, &reader->wishes, columns);
}

static bool is_utf16(const char *line, size_t length) {
  const bool marked = length >= 2 && (memcmp(line, "\xff\xfe", 2) == 0 || memcmp(line, "\xfe\xff", 2) == 0);
  return marked || (length >= 4 && (!line[0] == !line[2]) && (!line[1] == !line[3]) && (!line[0] != !line[1]));
}

static tlw_status check_text(struct tlw_trade_reader *reader, const char *line, size_t length) {
  const int64_t number = reader->lines.number;
  if (reader->lines.too_long)
    return tlw_trade_refuse(reader, number, -1, "the line is longer than 1 MiB: give a CSV file, one row a line");
  if (is_utf16(line, length))
    return tlw_trade_refuse(reader, number, 0, "the file is UTF-16, not UTF-8: save it as UTF-8 CSV");
  if (memchr(line, 0, length))
    return tlw_trade_refuse(reader, number, -1, "a zero byte in the line, the file is binary: give a CSV file");
  if (memchr(line, '\r', length))
    return tlw_trade_refuse(reader, number, -1, "a carriage return inside the line: end the lines in LF or CRLF");
  return TLW_OK;
}

/* The delimiter of those that divides the line into the most fields. */
static char most_fields(const char *line, size_t length, const char *delimiters, int32_t n) {
  static const struct tlw_place no_places[1] = {{-1, 0}};
  char best = delimiters[0];
  int32_t most = 0;
  for (int32_t i = 0; i < n; i++) {
    const int32_t n_fields = tlw_record_split(line, length, delimiters[i], no_places, NULL);
    if (n_fields <= most) continue;
    most = n_fields;
    best = delimiters[i];
  }
  return best;
}

/* What to do about columns that the first file has and this one has not. */
static void advise_leaving_out(uint32_t missing, char out[ADVICE_SIZE]) {
  size_t used =
      (size_t)snprintf(out, ADVICE_SIZE, "the first file has them: read it alone, or leave them out by columns");
  const char *between = ": ";
  for (int role = 0; role < TLW_TRADE_ROLES && used < ADVICE_SIZE; role++) {
    if (!(missing >> role & 1)) continue;
    const char *name = tlw_trade_role_name((enum tlw_trade_role)role);
    used += (size_t)snprintf(out + used, ADVICE_SIZE - used, "%s%s=none", between, name);
    between = ",";
  }
}

/* What to do about a time or a price, or both, that no column is known to be. */
static void advise_naming(uint32_t missing, bool by_place, char out[ADVICE_SIZE]) {
  const bool time = missing & TLW_TRADE_TIME, price = missing & TLW_TRADE_PRICE;
  snprintf(out, ADVICE_SIZE, "%ssay by columns: %s%s%s", by_place ? "" : "name it in the first line, or ",
           time ? "time=1" : "", time && price ? "," : "", price ? by_place ? "price=2" : "price=Last" : "");
}

static tlw_status refuse(struct tlw_trade_reader *reader, const char *line, size_t length, uint32_t needed,
                         char delimiter) {
  char reason[TLW_COLUMNS_MESSAGE_SIZE], advice[ADVICE_SIZE] = "name a column that is there";
  struct tlw_trade_columns columns;
  const bool by_place = reader->options.header == TLW_CSV_HEADER_NO;
  (by_place ? tlw_trade_columns_by_place : tlw_trade_columns_by_name)(line, length, delimiter, &reader->wishes,
                                                                      &columns);
  const uint32_t missing =
      tlw_trade_columns_explain(line, length, delimiter, needed, &reader->wishes, &columns, reason);
  if (missing & ~MUST_BE)
    advise_leaving_out(missing, advice);
  else if (missing)
    advise_naming(missing, by_place, advice);
  return tlw_trade_refuse(reader, reader->lines.number, -1, "%s: %s", reason, advice);
}

static void place_columns(struct tlw_trade_reader *reader) {
  int32_t n = 0;
  for (int32_t role = 0; role < TLW_TRADE_COLUMNS; role++) {
    const int32_t column = reader->columns.of[role];
    if (role == TLW_TRADE_ROLE_SYMBOL ? column < 0 : !(reader->read >> role & 1)) continue;
    int32_t at = n++;
    for (; at > 0 && reader->places[at - 1].column > column; at--) reader->places[at] = reader->places[at - 1];
    reader->places[at] = (struct tlw_place){column, role};
  }
  reader->places[n].column = -1;
}

/* The columns that are read are those of the first file. */
static void choose_columns(struct tlw_trade_reader *reader) {
  const tlw_trade_options *o = &reader->options;
  reader->there = tlw_trade_columns_mask(&reader->columns);
  reader->read = o->wanted ? reader->there & o->wanted : reader->there;
  if (reader->times.has_bounds) reader->read |= TLW_TRADE_TIME;
}

tlw_status tlw_trade_read_head(struct tlw_trade_reader *reader) {
  const bool is_first = reader->report.n_files_begun == 1;
  const char *line = NULL;
  size_t length = 0;
  char delimiters[DELIMITERS];
  tlw_status status = tlw_trade_line(reader, &line, &length);
  if (status == TLW_OK && !line)
    return tlw_fail(&reader->error, TLW_ERR_DATA, "%s: the file is empty: give rows of trades, or leave it out",
                    tlw_input_name(reader->lines.input));
  if (status == TLW_OK) status = check_text(reader, line, length);
  if (status != TLW_OK) return status;
  const int32_t n = list_delimiters(reader, delimiters);
  int32_t i = 0;
  while (i < n && !accept(reader, line, length, delimiters[i])) i++;
  if (i == n) return refuse(reader, line, length, MUST_BE, most_fields(line, length, delimiters, n));
  reader->delimiter = delimiters[i];
  if (is_first) choose_columns(reader);
  if (reader->read & ~tlw_trade_columns_mask(&reader->columns))
    return refuse(reader, line, length, reader->read, reader->delimiter);
  reader->row_fields = reader->columns.has_header ? 0 : reader->columns.n_columns;
  place_columns(reader);
  if (!reader->columns.has_header) tlw_lines_again(&reader->lines);
  return TLW_OK;
}
