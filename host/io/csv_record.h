/* The fields of a line. */
#ifndef TALLOW_IO_CSV_RECORD_H
#define TALLOW_IO_CSV_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field without the blanks and quotes around it. */
struct tlw_field {
  const char *text;
  size_t length;
  bool doubled; /* quotes within it are doubled */
};

/*
 * Takes the field that begins at at. Returns where it ends, at a delimiter or at end; NULL if it begins with a quote
 * and quotes do not enclose it.
 */
const char *tlw_field_take(const char *at, const char *end, char delimiter, struct tlw_field *field);

/* Writes the field with its quotes single. false: it has more than capacity bytes. */
bool tlw_field_copy(const struct tlw_field *field, char *out, size_t capacity, size_t *size);

/* Which column goes where. Columns rise; one may go to several places. Behind the last a column of -1. */
struct tlw_place {
  int32_t column;
  int32_t field;
};

/*
 * Takes the fields that have a place, and returns how many there are in all; or -1 - n, where field n, from 0, is not
 * enclosed by its quotes.
 */
int32_t tlw_record_split(const char *line, size_t length, char delimiter, const struct tlw_place *place,
                         struct tlw_field *fields);

/* Whether the line ends in a delimiter and blanks. */
bool tlw_record_ends_empty(const char *line, size_t length, char delimiter);

#endif
