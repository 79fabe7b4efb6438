/* Synthetic input for the benchmarks: series in memory and CSV files. */
#ifndef TALLOW_BENCH_DATA_H
#define TALLOW_BENCH_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/candles.h"

/* ---- series ---- */

typedef struct bench_series {
  int64_t n_rows;
  double *columns[5]; /* open, high, low, close, volume */
  int64_t *time;
} bench_series;

void bench_series_open(bench_series *series, int64_t n_rows);
void bench_series_close(bench_series *series);

/* A view of all rows, as one series. */
void bench_series_candles(const bench_series *series, tlw_candles *candles);

/*
 * The first row of the windows of call number call, span rows in all, span at most n_rows: the next rows of the series,
 * and once it is used up, again from the beginning but shifted, so that windows differ from all before.
 */
int64_t bench_series_window(const bench_series *series, int64_t span, int64_t call);

/* ---- CSV ---- */

/* The text of a CSV file of minute candles. */
typedef struct bench_text {
  char *data;
  size_t size;
} bench_text;

void bench_text_open(bench_text *text, int64_t n_rows, uint64_t seed);
void bench_text_close(bench_text *text);

/* A file without a name in memory, as one that is in the page cache; gone when the program ends. */
typedef struct bench_file {
  int descriptor;
  size_t size;
  char path[32]; /* by which it can be opened */
} bench_file;

void bench_file_open(bench_file *file, const void *data, size_t size);
void bench_file_close(bench_file *file);

#endif
