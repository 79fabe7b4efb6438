/* Bars as text, CSV or JSON, and as rows of arrays: exact decimal numbers, many millions of them a second. */
#ifndef CLI_BARS_TEXT_H
#define CLI_BARS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/bars.h"

typedef enum bars_column {
  BARS_COLUMN_OPEN_TIME,
  BARS_COLUMN_CLOSE_TIME,
  BARS_COLUMN_OPEN,
  BARS_COLUMN_HIGH,
  BARS_COLUMN_LOW,
  BARS_COLUMN_CLOSE,
  BARS_COLUMN_VOLUME,
  BARS_COLUMN_QUOTE_VOLUME,
  BARS_COLUMN_VWAP,
  BARS_COLUMN_TRADES,
  BARS_COLUMN_AGG_TRADES,
  BARS_COLUMN_BUY_VOLUME,
  BARS_COLUMN_SELL_VOLUME,
  BARS_COLUMN_BUY_QUOTE_VOLUME,
  BARS_COLUMN_SELL_QUOTE_VOLUME,
  BARS_COLUMN_BUY_TRADES,
  BARS_COLUMN_SELL_TRADES,
  BARS_COLUMN_FIRST_ID,
  BARS_COLUMN_LAST_ID,
  BARS_CHOICES, /* those that --fields may choose */
  BARS_COLUMN_TIMESTAMP_OPEN = BARS_CHOICES,
  BARS_COLUMN_TIMESTAMP_CLOSE,
  BARS_COLUMN_PARTIAL,
  BARS_COLUMN_COUNT
} bars_column;

/* Columns of a table, in order. */
typedef struct bars_columns {
  bars_column list[BARS_CHOICES + 2];
  int n;
} bars_columns;

/* "open_time"; NULL behind the last one that --fields may choose. Both labels are "timestamp". */
const char *bars_choice_name(int index);
const char *bars_column_name(bars_column column);

/* More than any row takes, in any form. */
#define BARS_ROW_SIZE 4096

/* Each writes a row and returns its end. kind: of the bars; what follows the moment of its close depends on it. */
char *bars_put_csv(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind);
char *bars_put_json(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind);
char *bars_put_array(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind);

/* The names of columns with their line end, at most BARS_ROW_SIZE bytes. */
char *bars_put_names(char *out, const bars_columns *columns);

/*
 * The header of an array of n_rows records in a .npy file, as long for every n_rows; at most BARS_ROW_SIZE bytes.
 * Times, ids and counts are '<i8', partial is '|b1', all else '<f8', the nearest double.
 */
char *bars_put_array_header(char *out, const bars_columns *columns, int64_t n_rows);

/* Likewise a single number: number / 10^decimals, decimals being 0, 8 or 16; without zeros at its end. */
char *bars_put_decimal(char *out, tlw_u128 number, int decimals);

/* The nearest double, of two the even one. */
double bars_decimal_to_double(tlw_u128 number, int decimals);

#endif
