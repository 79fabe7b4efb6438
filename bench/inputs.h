/*
 * Inputs that cases share: made when they are first asked for, and kept until bench_inputs_free. And the space that
 * outputs go to, one for all, as only one case runs at a time. One thread.
 */
#ifndef TALLOW_BENCH_INPUTS_H
#define TALLOW_BENCH_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/status.h"
#include "tallow/trades.h"

void bench_inputs_free(void);

/* ---- candles ---- */

#define BENCH_SERIES_ROWS (INT64_C(1) << 22) /* at least what a call of any case takes */

/* A long series of synthetic minutes as candles; NULL and an error. */
const tlw_candles *bench_series(tlw_error *error);

/*
 * The windows of call number call: charts of so many candles each, at most as many rows as the series has, and the row
 * of the series that they begin with. offsets has room for charts + 1. The windows of a call are the next rows; once the
 * series is used up, again from the beginning but shifted, so that windows differ from all before.
 */
void bench_series_window(const tlw_candles *series, int64_t candles, int64_t charts, int64_t call, int64_t *offsets,
                         tlw_candles *window, int64_t *first);

/* The mean of so many closes, beside the series; k is 0 or 1. */
#define BENCH_LINES 2
const double *bench_average(int k, tlw_error *error);

/* ---- columns of numbers ---- */

enum { BENCH_FORM_WALK, BENCH_FORM_NOISE, BENCH_FORM_RISE, BENCH_FORM_FALL, BENCH_FORM_FLAT, BENCH_FORMS };
const char *bench_form_name(int form);

/* n numbers; which: 0 or 1, so that there can be two. */
const double *bench_column(int form, int which, int64_t n, tlw_error *error);

/* ---- trades ---- */

/* n of them with all columns. */
const tlw_trades *bench_trades(int64_t n, tlw_error *error);

/* ---- files in memory ---- */

/* As one that is in the page cache. */
typedef struct bench_file {
  int descriptor;
  int64_t size, text_size, n_rows; /* text_size: unpacked */
  char path[32];                   /* by which it can be opened */
} bench_file;

/* Candles as people have them, in a dialect of csv_text.h; seed: 1 and above. */
const bench_file *bench_candle_file(int dialect, int64_t n_rows, int seed, int packed, tlw_error *error);

/* ---- files of trades ---- */

enum { BENCH_TRADES_SPOT, BENCH_TRADES_FUTURES, BENCH_TRADES_SINGLE, BENCH_TRADES_THREE, BENCH_TRADE_FILES };
const char *bench_trade_file_name(int kind);
const bench_file *bench_trade_file(int kind, int64_t n_rows, tlw_error *error);

/* ---- space for outputs ---- */

/* size bytes, at most 2 GiB, at the same place each time, in pages that were not touched unless others did. */
void *bench_space(size_t size, tlw_error *error);

/* Gives all of its pages back; has all of them that were ever asked for, so that no call waits for one. */
void bench_space_forget(void);
void bench_space_touch(void);

#endif
