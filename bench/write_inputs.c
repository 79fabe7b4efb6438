/* Writes what cases of 'tallow bench' are given into files, for bench/peers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "csv_text.h"
#include "inputs.h"

#define FILES 8 /* of charts, which take turns */
#define SEED 1
#define CENT INT64_C(1000000) /* at 1e-8 */

static const char *folder;

/* ---- files ---- */

static FILE *open_file(const char *name, const char *ending, tlw_error *error) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
  FILE *file = fopen(path, "wbe");
  if (!file) bench_fail(error, TLW_ERR_IO, "%s can't be made", path);
  return file;
}

static tlw_status close_file(FILE *file, const char *name, tlw_error *error) {
  const int failed = ferror(file);
  if (fclose(file) == 0 && !failed) return TLW_OK;
  return bench_fail(error, TLW_ERR_IO, "%s can't be written whole", name);
}

static tlw_status write_bytes(const char *name, const char *ending, const void *data, size_t size, tlw_error *error) {
  FILE *file = open_file(name, ending, error);
  if (!file) return error->code;
  fwrite(data, 1, size, file);
  return close_file(file, name, error);
}

/* ---- kinds of inputs; numbers are of rows ---- */

/* Two columns of doubles, as the suite window has them. */
static tlw_status write_columns(const int64_t *numbers, tlw_error *error) {
  static const char *const names[] = {"column-0", "column-1"};
  tlw_status status = TLW_OK;
  for (int i = 0; i < 2 && status == TLW_OK; i++) {
    const double *column = bench_column(BENCH_FORM_WALK, i, numbers[0], error);
    if (!column) return error->code;
    status = write_bytes(names[i], "f64", column, (size_t)numbers[0] * sizeof *column, error);
  }
  return status;
}

static tlw_status write_dialect(const char *name, size_t dialect, int64_t n_rows, uint64_t seed, tlw_error *error) {
  bench_text text;
  tlw_status status = bench_dialect_open(&text, dialect, n_rows, seed, error);
  if (status != TLW_OK) return status;
  status = write_bytes(name, "csv", text.data, text.size, error);
  bench_text_close(&text);
  return status;
}

/* A file of each dialect, as the suite csv has them. */
static tlw_status write_files(const int64_t *numbers, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (size_t i = 0; i < BENCH_DIALECTS && status == TLW_OK; i++)
    status = write_dialect(bench_dialect_name(i), i, numbers[0], SEED, error);
  return status;
}

/* As the suite files has them. */
static tlw_status write_charts(const int64_t *numbers, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int i = 1; i <= FILES && status == TLW_OK; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    status = write_dialect(name, 0, numbers[0], (uint64_t)i, error);
  }
  return status;
}

/* As aggTrades of futures are. */
static tlw_status write_trades_text(const tlw_trades *t, int64_t n, tlw_error *error) {
  FILE *file = open_file("trades", "csv", error);
  if (!file) return error->code;
  fprintf(file, "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n");
  for (int64_t i = 0; i < n; i++) {
    const int64_t cents = t->price[i] / CENT, quantity = t->quantity[i], one = TLW_DECIMAL_ONE;
    fprintf(file,
            "%" PRId64 ",%" PRId64 ".%02" PRId64 ",%" PRId64 ".%08" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\n",
            t->id[i], cents / 100, cents % 100, quantity / one, quantity % one, t->first_id[i], t->last_id[i],
            t->time[i], t->is_buyer_maker[i] ? "true" : "false");
  }
  return close_file(file, "trades.csv", error);
}

/* Of the suite bars; and the first of them as text. */
static tlw_status write_trades(const int64_t *numbers, tlw_error *error) {
  const tlw_trades *trades = bench_trades(numbers[0], error);
  if (!trades) return error->code;
  const size_t size = (size_t)numbers[0] * sizeof(int64_t);
  tlw_status status = write_bytes("time", "i64", trades->time, size, error);
  if (status == TLW_OK) status = write_bytes("price", "i64", trades->price, size, error);
  if (status == TLW_OK) status = write_bytes("quantity", "i64", trades->quantity, size, error);
  return status == TLW_OK ? write_trades_text(trades, numbers[1], error) : status;
}

static tlw_status write_series_text(const double *const *columns, int64_t n, tlw_error *error) {
  FILE *file = open_file("series", "csv", error);
  if (!file) return error->code;
  fprintf(file, "time,open,high,low,close,volume\n");
  for (int64_t i = 0; i < n; i++) {
    fprintf(file, "%" PRId64, 1600000000 + 60 * i);
    for (int c = 0; c < 5; c++) fprintf(file, ",%.17g", columns[c][i]);
    fputc('\n', file);
  }
  return close_file(file, "series.csv", error);
}

/* The first rows of the candles of the suite images; and the first of them as text. */
static tlw_status write_series(const int64_t *numbers, tlw_error *error) {
  static const char *const names[] = {"open", "high", "low", "close", "volume"};
  const tlw_candles *series = bench_series(error);
  if (!series) return error->code;
  if (numbers[0] > series->n_rows)
    return bench_fail(error, TLW_ERR_ARGUMENT, "a series has %" PRId64 " rows at most", series->n_rows);
  const double *const columns[] = {series->open, series->high, series->low, series->close, series->volume};
  tlw_status status = TLW_OK;
  for (int i = 0; i < 5 && status == TLW_OK; i++)
    status = write_bytes(names[i], "f64", columns[i], (size_t)numbers[0] * sizeof(double), error);
  return status == TLW_OK ? write_series_text(columns, numbers[1], error) : status;
}

/* ---- the command line ---- */

static const struct {
  const char *name;
  int n_numbers;
  tlw_status (*write)(const int64_t *numbers, tlw_error *error);
} kinds[] = {{"columns", 1, write_columns},
             {"files", 1, write_files},
             {"charts", 1, write_charts},
             {"trades", 2, write_trades},
             {"series", 2, write_series}};

/* Whole numbers above 0, of which the second is no greater than the first. */
static int read_numbers(char **texts, int n, int64_t *numbers) {
  for (int i = 0; i < n; i++) {
    char *end;
    numbers[i] = strtoll(texts[i], &end, 10);
    if (*end || numbers[i] < 1 || numbers[i] > (i > 0 ? numbers[0] : INT64_C(1000000000))) return -1;
  }
  return 0;
}

int main(int argc, char **argv) {
  int64_t numbers[2];
  tlw_error error;
  for (size_t i = 0; i < BENCH_COUNT(kinds) && argc > 2; i++) {
    const int n = kinds[i].n_numbers;
    if (strcmp(argv[2], kinds[i].name) != 0 || argc != 3 + n || read_numbers(argv + 3, n, numbers) != 0) continue;
    folder = argv[1];
    const tlw_status status = kinds[i].write(numbers, &error);
    bench_inputs_free();
    if (status != TLW_OK) fprintf(stderr, "write_inputs: %s\n", error.message);
    return status == TLW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  fprintf(stderr, "usage: write_inputs FOLDER columns|files|charts ROWS | trades|series ROWS ROWS_AS_TEXT\n");
  return 64;
}
