/* What the tests of the CSV reader share: files, and all that comes of reading one, whole or some rows at a time. */
#ifndef TALLOW_TESTS_CSV_KIT_H
#define TALLOW_TESTS_CSV_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tallow/csv.h"

typedef struct csv_candle {
  int64_t time;
  double open, high, low, close, volume;
} csv_candle;

/* All that reading a file gave. rows holds what came before a failure. */
typedef struct csv_result {
  tlw_status status;
  tlw_error error;
  csv_candle *rows;
  int64_t n_rows;
  int64_t *offsets; /* n_series + 1; NULL: the rows are one series */
  char **symbols;   /* n_series */
  int64_t n_series;
  bool has_report; /* false if the file was not even opened */
  tlw_csv_report report;
} csv_result;

/* Text that grows. */
typedef struct csv_text {
  char *bytes;
  size_t size, capacity;
} csv_text;

void csv_append(csv_text *text, const void *bytes, size_t size);
__attribute__((format(printf, 2, 3))) void csv_printf(csv_text *text, const char *format, ...);
void csv_text_free(csv_text *text);

/* The one file that the tests write, in memory. */
const char *csv_path(void);
void csv_write(const void *bytes, size_t size);

/* Read path as a table, or capacity rows at a time in guarded memory. The results must be freed. */
void csv_read_table(const char *path, const tlw_csv_options *options, csv_result *result);
void csv_read_rows(const char *path, const tlw_csv_options *options, int64_t capacity, csv_result *result);
void csv_result_free(csv_result *result);

/* True if the bits of all members are the same. */
bool csv_same_candle(const csv_candle *a, const csv_candle *b);

/* Compares rows; prints the first difference and what it was about. */
bool csv_same_rows(const csv_result *result, const csv_candle *expected, int64_t n_expected);

/* Default options. */
tlw_csv_options csv_defaults(void);

uint64_t csv_random(uint64_t *state);
size_t csv_random_below(uint64_t *state, size_t n);

/*
 * The text as gzip, as Zstandard in blocks that are not compressed, and as a zip file with one member, deflated or
 * stored.
 */
void csv_gzip(csv_text *out, const void *bytes, size_t size);
void csv_zstd(csv_text *out, const void *bytes, size_t size);
void csv_zip(csv_text *out, const void *bytes, size_t size, bool deflated);

#endif
