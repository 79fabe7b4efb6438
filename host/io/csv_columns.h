/* Which column of a file is what: what was asked for, the names of a header, the places where there is none. */
#ifndef TALLOW_IO_CSV_COLUMNS_H
#define TALLOW_IO_CSV_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "csv_record.h"
#include "tallow/csv.h"

enum tlw_role {
  TLW_ROLE_OPEN,
  TLW_ROLE_HIGH,
  TLW_ROLE_LOW,
  TLW_ROLE_CLOSE,
  TLW_ROLE_VOLUME,
  TLW_ROLE_NUMBERS, /* the roles above are what a row holds */
  TLW_ROLE_ADJUSTED = TLW_ROLE_NUMBERS,
  TLW_ROLE_TIME, /* or the day, where there is a clock */
  TLW_ROLE_CLOCK,
  TLW_ROLE_SYMBOL,
  TLW_ROLES
};

const char *tlw_role_name(enum tlw_role role);

enum tlw_wish_kind { TLW_WISH_ANY, TLW_WISH_NAME, TLW_WISH_NUMBER, TLW_WISH_NONE };

/* What the caller said about a role. */
struct tlw_wish {
  enum tlw_wish_kind kind;
  const char *name;
  size_t length;
  int32_t number; /* from 0 */
};

/* A name, or a number if it is digits alone; keeps a pointer into the text. what: the option, for messages. */
tlw_status tlw_wish_read(const char *what, const struct tlw_field *text, struct tlw_wish *wish, tlw_error *error);

struct tlw_wishes {
  struct tlw_wish roles[TLW_ROLES];
  bool needs[TLW_ROLES];
  bool decimal_comma;
  bool day_first;
  struct tlw_wish lines[TLW_CSV_LINES_MAX];
  int32_t n_lines;
};

/* Reads columns, by, adjusted, decimal, day_first and lines, and keeps pointers into them. TLW_ERR_ARGUMENT. */
tlw_status tlw_wishes_read(const tlw_csv_options *options, struct tlw_wishes *wishes, tlw_error *error);

#define TLW_TIME_NAME_SIZE 64

struct tlw_columns {
  int32_t of[TLW_ROLES]; /* the column of each, from 0; -1: there is none */
  int32_t n_columns;
  bool has_header;
  bool last_is_empty;                 /* the header ends in a separator */
  bool hours;                         /* the clock holds hours */
  char time_name[TLW_TIME_NAME_SIZE]; /* what the header calls the time, cut to fit; "": there is no header */
};

/*
 * Finds the columns by the names in the line. Returns 0 if each that is needed is there, -1 if not, and n where field
 * n, from 1, is not enclosed by its quotes.
 */
int32_t tlw_columns_by_name(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                            struct tlw_columns *columns);

/* As tlw_columns_by_name, by the places in which columns stand where there is no header. */
int32_t tlw_columns_by_place(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                             struct tlw_columns *columns);

#define TLW_COLUMNS_MESSAGE_SIZE 256

/* "no column for high, low (found: Date, Open, Close)": why the line does not give the columns. */
void tlw_columns_explain(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                         const struct tlw_columns *columns, char out[TLW_COLUMNS_MESSAGE_SIZE]);

#define TLW_FOUND_SIZE 160

/* Adds the fields of the line as far as they have room, and "..." in place of the rest. */
void tlw_columns_list(const char *line, size_t length, char delimiter, char found[TLW_FOUND_SIZE]);

/* Whether two names are the same in what counts of them. */
bool tlw_columns_same_name(const char *a, size_t a_length, const char *b, size_t b_length);

#define TLW_DISTANCE_MOST 16

/* Letters to insert, drop or replace to turn the word, at most TLW_DISTANCE_MOST letters, into the name, in any case. */
int tlw_columns_distance(const char *word, size_t length, const char *name);

/* Whether the field is the name that the header gives to the time. */
bool tlw_columns_is_time_name(const struct tlw_columns *columns, const struct tlw_field *field);

#endif
