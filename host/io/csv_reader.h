/* The reader of candle files, inside: what its parts share. */
#ifndef TALLOW_IO_CSV_READER_H
#define TALLOW_IO_CSV_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "csv_columns.h"
#include "csv_record.h"
#include "csv_store.h"
#include "csv_symbols.h"
#include "host/base/memory.h"
#include "lines.h"
#include "plain.h"
#include "tallow/csv.h"
#include "text.h"

/* A column that charts draw as a line. */
struct tlw_csv_line {
  int32_t column;
  char name[TLW_TIME_NAME_SIZE]; /* in the header; "": there is none */
};

/* The last row of a file, or of a symbol: where rows are to be sorted, the one that is furthest. */
struct tlw_run {
  int64_t time, line;
  int64_t row;      /* its place in the store */
  int8_t direction; /* 1: times increase, -1: they decrease, 0: there was only one so far */
  bool any;
  bool repeats; /* sorting: a time came twice */
};

struct tlw_csv {
  struct tlw_memory *memory; /* or NULL */
  struct tlw_lines lines;
  char delimiter;
  char comment;
  bool decimal_comma;
  bool day_first;
  bool sorts;
  tlw_policy policies[TLW_DEFECTS];
  struct tlw_columns columns;
  struct tlw_csv_line drawn[TLW_CSV_LINES_MAX];
  int32_t n_drawn;
  int32_t row_fields;                                         /* of each row; 0: the first will tell */
  struct tlw_place places[TLW_ROLES + TLW_CSV_LINES_MAX + 1]; /* the columns that are read */
  struct tlw_field fields[TLW_ROLES + TLW_CSV_LINES_MAX];     /* of the line at hand, by role, then those drawn */
  char symbol[TLW_SYMBOL_SIZE];                               /* of the row at hand */
  size_t symbol_length;
  tlw_csv_report report;

  struct tlw_run run;
  struct tlw_symbols symbols;
  struct tlw_block runs; /* one for each symbol */
  bool has_pending;      /* the newest row is kept back: another of its time may replace it */
  struct tlw_row pending;

  bool begun, ended;
  bool holds;             /* all rows are held and arranged before the first is given */
  int64_t n_kept;         /* rows that were not left out */
  struct tlw_store store; /* rows that were read and not given */
  int64_t served;         /* of the store */
  struct tlw_block offsets;

  struct tlw_plain plain;
  bool plain_is_off; /* for tests: the general path alone */
  bool may_be_plain; /* the fast path can read rows of this file */
  int32_t plain_misses, plain_wait;

  tlw_error error; /* of the call at hand; the code of one that failed stays */
};

/* Opens with an error that is not NULL. With a symbol column only tlw_csv_hold may follow. */
tlw_status tlw_csv_begin(const char *path, const tlw_csv_options *options, struct tlw_memory *memory, tlw_csv **csv,
                         tlw_error *error);

/* Options that are out of range by themselves: TLW_ERR_ARGUMENT. And what they say of fields, once they are checked. */
tlw_status tlw_csv_check_options(const tlw_csv_options *options, tlw_error *error);
void tlw_csv_take_options(tlw_csv *csv, const tlw_csv_options *options);

/* Reads all rows into the store and arranges them. The code is in csv->error too. */
tlw_status tlw_csv_hold(tlw_csv *csv);

/* For tests: rows are read by the general path alone, which decides what is right. Before the first row. */
void tlw_csv_plain_off(tlw_csv *csv);

/* --- csv_dialect.c: the first lines ----------------------------------------------------------------------------- */

/* The next line that is neither blank nor a comment; NULL at the end. One that is too long is not blank. */
tlw_status tlw_csv_line(tlw_csv *csv, const char **line, size_t *length);

/* TLW_ERR_DATA where the line, one of the first, is not text in lines. */
tlw_status tlw_csv_check_text(tlw_csv *csv, const char *line, size_t length);

#define TLW_DELIMITERS 4

/* What may stand between fields. Returns how many of them there are. */
int tlw_csv_delimiters(const tlw_csv_options *options, bool decimal_comma, char out[TLW_DELIMITERS]);

/* Reads the first lines: the delimiter, the header, the columns. */
tlw_status tlw_csv_read_head(tlw_csv *csv, const tlw_csv_options *options, const struct tlw_wishes *wishes);

/* --- csv_row.c: a line as a row --------------------------------------------------------------------------------- */

enum tlw_verdict { TLW_ROW_KEPT, TLW_ROW_SKIPPED, TLW_ROW_REFUSED };

/* Examines the line by all that concerns it alone, and mends what is to be mended. Counts defects. */
enum tlw_verdict tlw_csv_examine(tlw_csv *csv, const char *line, size_t length, struct tlw_row *row);

/* Takes the fields that have a place. A line with another number of them than the others is a defect. */
enum tlw_verdict tlw_csv_split(tlw_csv *csv, const char *line, size_t length, const struct tlw_place *places,
                               struct tlw_field *fields);

/* Whether a field can be read as a number: one, nothing, or what stands for one that is not there. */
bool tlw_csv_is_number(const tlw_csv *csv, const struct tlw_field *field);

/* Reads a field as a number, NaN where there is none. column is from 0; name is that of the column, for messages. */
enum tlw_verdict tlw_csv_number(tlw_csv *csv, const struct tlw_field *field, int32_t column, const char *name,
                                double *value);

/*
 * Counts the defect of the line at hand. Unless rows with it are to be left out, refuses the line with the message and
 * the policies that would help.
 */
__attribute__((format(printf, 4, 5))) enum tlw_verdict tlw_csv_complain(tlw_csv *csv, tlw_defect defect, int32_t column,
                                                                        const char *format, ...);

/* Counts the defect in a line and gives what it is met with. */
tlw_policy tlw_csv_note(tlw_csv *csv, tlw_defect defect, int64_t line);

/* Fails with "FILE:LINE: " and the message. column is from 0; -1: the whole row. */
__attribute__((format(printf, 4, 5))) tlw_status tlw_csv_refuse(tlw_csv *csv, int64_t line, int32_t column,
                                                                const char *format, ...);

#define TLW_SHOWN_TIME_SIZE (2 * TLW_SHOWN_SIZE)

/* The time of the row at hand as the file has it. Returns out. */
const char *tlw_csv_show_time(const tlw_csv *csv, char out[TLW_SHOWN_TIME_SIZE]);

/* --- csv_order.c: a row among the others ------------------------------------------------------------------------ */

enum tlw_step { TLW_STEP_APPEND, TLW_STEP_REPLACE, TLW_STEP_DROP, TLW_STEP_REFUSED };

/* What becomes of the row, the newest of the run. Counts defects. */
enum tlw_step tlw_csv_step(tlw_csv *csv, struct tlw_run *run, const struct tlw_row *row);

/* Brings all rows of the store into the order in which they are given: series by series, oldest first. */
tlw_status tlw_csv_arrange(tlw_csv *csv);

#endif
