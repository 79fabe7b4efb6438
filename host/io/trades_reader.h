/* The reader of trade files, inside: what its parts share. */
#ifndef TALLOW_IO_TRADES_READER_H
#define TALLOW_IO_TRADES_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "csv_record.h"
#include "host/base/memory.h"
#include "lines.h"
#include "tallow/trades.h"
#include "trades_columns.h"
#include "trades_plain.h"

#define TLW_TRADE_COMMENT '#'    /* lines that begin with it are passed over */
#define TLW_TRADE_SYMBOL_MOST 64 /* bytes of a symbol */

/* How the times of the stream are read. */
struct tlw_trade_times {
  tlw_time_unit unit; /* of what is given; TLW_UNIT_DEFAULT: not told yet */
  bool is_given;      /* by the options: times are whole numbers, of whatever size */
  bool is_text;       /* nanoseconds */
  bool has_bounds;
  int64_t from, to; /* nanoseconds: of the options; once the unit is told of that unit, as far as there are bounds */
};

/* Rows that stand in lines one behind the other, given by one call. */
struct tlw_trade_run {
  int64_t row, line; /* the first */
  int32_t file;
};

/* A call ends early where its rows are of more runs. */
#define TLW_TRADE_RUNS 1024

/* A row, by role. */
struct tlw_trade_row {
  int64_t numbers[TLW_TRADE_ROLES];
  int64_t n_rounded;
};

struct tlw_trade_reader {
  struct tlw_memory *memory; /* or NULL */
  const char *const *paths;
  int32_t n_paths;
  tlw_trade_options options; /* but columns is read from the copy */
  char *columns_text;        /* that copy, or NULL */
  size_t columns_size;
  struct tlw_trade_wishes wishes;

  struct tlw_lines lines; /* of the file at hand */
  bool ended;
  char delimiter;
  struct tlw_trade_columns columns;
  uint32_t there;                                 /* columns of the first file, TLW_TRADE_... */
  uint32_t read;                                  /* those that are read */
  int32_t row_fields;                             /* of each row of the file; 0: the first will tell */
  struct tlw_place places[TLW_TRADE_COLUMNS + 1]; /* of the columns that are read */
  struct tlw_field fields[TLW_TRADE_COLUMNS];     /* of the line at hand */
  struct tlw_trade_times times;
  bool has_symbol; /* false: no good row told it yet */
  char symbol[TLW_TRADE_SYMBOL_MOST];
  size_t symbol_length;

  struct tlw_trade_plain plain;
  bool plain_is_off; /* for tests: the general path alone */
  int32_t plain_misses, plain_wait;
  int64_t n_general; /* lines that the general path read */

  tlw_trade_report report; /* bytes and lines are those of files that are closed */
  struct tlw_trade_run runs[TLW_TRADE_RUNS];
  int32_t n_runs;
  int64_t n_located; /* rows of the last call */
  tlw_error error;   /* the code of a call that failed stays */
};

enum tlw_trade_verdict { TLW_TRADE_KEPT, TLW_TRADE_OUTSIDE, TLW_TRADE_SKIPPED, TLW_TRADE_REFUSED };

/* Notes n rows from row on, which stand in lines from line on. */
void tlw_trade_note_rows(struct tlw_trade_reader *reader, int64_t row, int64_t n, int64_t line);

/* For tests: rows are read by the general path alone, which decides what is right. Before the first row. */
void tlw_trade_plain_off(struct tlw_trade_reader *reader);

/* --- trades_plain.c: many lines at once -------------------------------------------------------------------------- */

/* Takes rows, and lines that are outside, until a line is not plain, there is no room or no line that has been read. */
void tlw_trade_take_plain(struct tlw_trade_reader *reader, const tlw_trade_rows *out, int64_t *n_rows);

/* --- trades_head.c: the first lines of a file -------------------------------------------------------------------- */

/* The next line that is neither blank nor a comment; NULL at the end. One that is too long is neither. */
tlw_status tlw_trade_line(struct tlw_trade_reader *reader, const char **line, size_t *length);

/* Finds the delimiter and the columns of the file at hand, by its first line. */
tlw_status tlw_trade_read_head(struct tlw_trade_reader *reader);

/* --- trades_row.c: a line as a row ------------------------------------------------------------------------------- */

/* Reads a line, all of it that concerns it alone. Behind a time that is outside nothing is read. Counts nothing. */
enum tlw_trade_verdict tlw_trade_examine(struct tlw_trade_reader *reader, const char *line, size_t length,
                                         struct tlw_trade_row *row);

/* Fails with "FILE:LINE: " and the message. column is from 0; -1: the whole row. */
__attribute__((format(printf, 4, 5))) tlw_status tlw_trade_refuse(struct tlw_trade_reader *reader, int64_t line,
                                                                  int32_t column, const char *format, ...);

/* The unit of all times from now on, DEFAULT for text; brings the bounds to it. */
void tlw_trade_set_unit(struct tlw_trade_times *times, tlw_time_unit unit);

#endif
