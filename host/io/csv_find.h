/* Columns of a file that are asked for by a name or a number. */
#ifndef TALLOW_IO_CSV_FIND_H
#define TALLOW_IO_CSV_FIND_H

#include <stddef.h>
#include <stdint.h>

#include "csv_columns.h"

/* The roles from open to clock: one of them is the name; -1: none is. */
int tlw_find_role(const struct tlw_wish *wish);

/*
 * The column that is meant, of the line that names the columns or, without a header, of the first row: by its number;
 * by the letters of its name, by what counts of them, by its role. -1: there is none.
 */
int32_t tlw_find_column(const char *line, size_t length, char delimiter, const struct tlw_columns *columns,
                        const struct tlw_wish *wish);

#define TLW_FIND_MESSAGE_SIZE 320

/* "there is no column 'vwpa' (found: Date, Close, vwap): did you mean 'vwap'?" */
void tlw_find_explain(const char *line, size_t length, char delimiter, const struct tlw_columns *columns,
                      const struct tlw_wish *wish, char out[TLW_FIND_MESSAGE_SIZE]);

/* As much of the field as fits into a name, and no part of a sign of UTF-8. */
void tlw_find_keep_name(struct tlw_field field, char name[TLW_TIME_NAME_SIZE]);

#endif
