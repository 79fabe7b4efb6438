/* Rows that are held: columns that grow together. The error that a function takes must not be NULL. */
#ifndef TALLOW_IO_CSV_STORE_H
#define TALLOW_IO_CSV_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "csv_columns.h"
#include "host/base/memory.h"

/* Columns of eight bytes: those of TLW_ROLE_NUMBERS first. */
enum {
  TLW_STORE_TIME = TLW_ROLE_NUMBERS,
  TLW_STORE_LINE,   /* of the file */
  TLW_STORE_SERIES, /* a symbol's number */
  TLW_STORE_LINES,  /* those that charts draw over the candles */
  TLW_STORE_COLUMNS = TLW_STORE_LINES + TLW_CSV_LINES_MAX
};

struct tlw_row {
  double numbers[TLW_ROLE_NUMBERS];
  int64_t time, line, series;
  double lines[TLW_CSV_LINES_MAX];
};

struct tlw_store {
  struct tlw_memory *memory; /* or NULL */
  bool has[TLW_STORE_COLUMNS];
  struct tlw_block columns[TLW_STORE_COLUMNS];
  int64_t n_rows;
  int64_t capacity;
};

/* Where rows go: the caller's memory, or a place in a store, which may have these columns too. */
struct tlw_sink {
  tlw_csv_rows rows;                /* but for its lines */
  int64_t *line, *series;           /* or NULL */
  double *lines[TLW_CSV_LINES_MAX]; /* likewise */
  int32_t n_lines;
};

void tlw_sink_put(const struct tlw_sink *sink, int64_t i, const struct tlw_row *row);

/* The place of row first and those behind it. Lines have one as far as the store has these columns, one by one. */
struct tlw_sink tlw_store_sink(const struct tlw_store *store, int64_t first);

/*
 * Makes room for more rows. TLW_ERR_MEMORY; TLW_ERR_BUDGET: bytes is the budget that would do for all columns, of
 * which one is there twice while they grow. The rows stay as they are.
 */
tlw_status tlw_store_grow(struct tlw_store *store, const char *name, tlw_error *error);

/* Takes the rows in the order of their numbers in order, n_rows of them. scratch has room for so many. */
void tlw_store_permute(struct tlw_store *store, const int64_t *order, int64_t n_rows, void *scratch);

/* The last row becomes the first. */
void tlw_store_reverse(struct tlw_store *store);

/* Frees a column that is no longer needed. */
void tlw_store_drop(struct tlw_store *store, int column);

void tlw_store_close(struct tlw_store *store);

#endif
