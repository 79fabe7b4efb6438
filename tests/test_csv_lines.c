/*
 * Columns that are drawn as lines: found by names and numbers, kept with their rows in every way of reading, and
 * counted with the rest of a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_kit.h"
#include "tallow/engine.h"

#define SECOND INT64_C(1000000000)
#define START INT64_C(1577836800) /* 2020-01-01 */
#define HEADER "time,open,high,low,close,volume,vwap,Upper Band\n"
#define POISON (-77.25)

static tlw_csv_options with_lines(const char *const *names, int32_t n) {
  tlw_csv_options options = csv_defaults();
  options.lines = names;
  options.n_lines = n;
  return options;
}

/* Row i of a file: its columns follow from i. */
static void put_row(csv_text *text, int64_t i) {
  csv_printf(text, "%" PRId64 ",10,12,9,11,%" PRId64 ",%" PRId64 ".5,%" PRId64 "\n", START + i, i, i, 1000 - i);
}

static void write_text(const csv_text *text) { csv_write(text->bytes, text->size); }

static void write_rows(int64_t n, int64_t step) {
  csv_text text = {0};
  csv_printf(&text, HEADER);
  for (int64_t i = step > 0 ? 0 : n - 1; i >= 0 && i < n; i += step) put_row(&text, i);
  write_text(&text);
  csv_text_free(&text);
}

/* Rows of which the second line is Upper Band, in guarded memory, some at a time. */
static void check_rows(const tlw_csv_options *options, int64_t capacity, int64_t n_expected) {
  tlw_csv *csv;
  tlw_error error;
  double prices[4][64], memory[2][66];
  int64_t times[64], total = 0, n;
  assert_true(capacity <= 64);
  assert_int_equal(tlw_csv_open(csv_path(), options, NULL, &csv, &error), TLW_OK);
  assert_string_equal(tlw_csv_line_name(csv, 0), "vwap");
  assert_string_equal(tlw_csv_line_name(csv, 1), "Upper Band");
  assert_null(tlw_csv_line_name(csv, 2));
  assert_null(tlw_csv_line_name(csv, -1));
  do {
    for (int k = 0; k < 2; k++)
      for (int i = 0; i < 66; i++) memory[k][i] = POISON;
    double *const lines[2] = {memory[0] + 1, memory[1] + 1};
    const tlw_csv_rows rows = {.open = prices[0],
                               .high = prices[1],
                               .low = prices[2],
                               .close = prices[3],
                               .time = times,
                               .capacity = capacity,
                               .lines = lines};
    assert_int_equal(tlw_csv_next(csv, &rows, &n, &error), TLW_OK);
    for (int64_t i = 0; i < n; i++) {
      const int64_t row = times[i] / SECOND - START;
      assert_true(lines[0][i] == (double)row + 0.5 && lines[1][i] == (double)(1000 - row));
    }
    for (int k = 0; k < 2; k++) {
      assert_true(memory[k][0] == POISON);
      for (int64_t i = n; i < 65; i++) assert_true(lines[k][i] == POISON);
    }
    total += n;
  } while (n == capacity);
  assert_int_equal(total, n_expected);
  tlw_csv_close(&csv);
}

static void test_ways_of_reading(void **state) {
  (void)state;
  static const char *const names[][2] = {
      {"vwap", "Upper Band"}, {"VWAP", "upper-band"}, {"7", "8"}, {" vwap ", "upperband"}, {"7", "UPPER_BAND"}};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    tlw_csv_options options = with_lines(names[k], 2);
    for (int64_t capacity = 1; capacity <= 64; capacity += 21) {
      write_rows(100, 1);
      check_rows(&options, capacity, 100);
      options.policies[TLW_DEFECT_DUPLICATE] = TLW_POLICY_LAST; /* a row is kept back */
      check_rows(&options, capacity, 100);
      write_rows(100, -1); /* turned around */
      check_rows(&options, capacity, 100);
      options.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SORT;
      check_rows(&options, capacity, 100);
      options = with_lines(names[k], 2);
    }
  }
}

/* Not wanted: neither lines at all, nor one of them. */
static void test_unwanted(void **state) {
  (void)state;
  static const char *const names[] = {"vwap", "Upper Band"};
  const tlw_csv_options options = with_lines(names, 2);
  for (int step = -1; step <= 1; step += 2) {
    write_rows(10, step);
    double prices[4][10], upper[10];
    double *const lines[2] = {NULL, upper};
    tlw_csv_rows rows = {prices[0], prices[1], prices[2], prices[3], .capacity = 5};
    int64_t n;
    tlw_csv *csv;
    assert_int_equal(tlw_csv_open(csv_path(), &options, NULL, &csv, NULL), TLW_OK);
    assert_int_equal(tlw_csv_next(csv, &rows, &n, NULL), TLW_OK);
    rows.lines = lines;
    assert_int_equal(tlw_csv_next(csv, &rows, &n, NULL), TLW_OK);
    assert_int_equal(n, 5);
    for (int i = 0; i < 5; i++) assert_true(upper[i] == 995 - i);
    tlw_csv_close(&csv);
  }
}

static void test_table(void **state) {
  (void)state;
  static const char *const names[] = {"Upper Band", "close", "7", "7"};
  const tlw_csv_options options = with_lines(names, 4);
  for (int step = -1; step <= 1; step += 2) {
    write_rows(5000, step);
    tlw_table *table;
    tlw_candles candles;
    assert_int_equal(tlw_csv_read(csv_path(), &options, NULL, &table, NULL), TLW_OK);
    tlw_table_candles(table, &candles);
    assert_int_equal(candles.n_rows, 5000);
    assert_int_equal(candles.n_lines, 4);
    for (int64_t i = 0; i < 5000; i++) {
      assert_true(((const double *)candles.lines[0])[i] == (double)(1000 - i));
      assert_true(((const double *)candles.lines[1])[i] == 11);
      assert_true(((const double *)candles.lines[2])[i] == (double)i + 0.5);
      assert_true(((const double *)candles.lines[3])[i] == (double)i + 0.5);
    }
    assert_string_equal(tlw_table_line_name(table, 0), "Upper Band");
    assert_string_equal(tlw_table_line_name(table, 3), "vwap");
    assert_null(tlw_table_line_name(table, 4));
    tlw_table_close(&table);
  }
}

static void test_symbols(void **state) {
  (void)state;
  static const char *const names[] = {"l"};
  tlw_csv_options options = with_lines(names, 1);
  options.by = "symbol";
  csv_text text = {0};
  csv_printf(&text, "symbol,time,open,high,low,close,l\n");
  for (int64_t i = 0; i < 300; i++)
    csv_printf(&text, "%c,%" PRId64 ",10,12,9,11,%" PRId64 "\n", (int)('A' + i % 3), START + (i % 3 == 1 ? -i : i),
               i); /* the second symbol is newest first */
  write_text(&text);
  csv_text_free(&text);
  tlw_table *table;
  tlw_candles candles;
  assert_int_equal(tlw_csv_read(csv_path(), &options, NULL, &table, NULL), TLW_OK);
  tlw_table_candles(table, &candles);
  assert_int_equal(candles.n_series, 3);
  for (int64_t s = 0; s < 3; s++)
    for (int64_t k = 0; k < 100; k++) {
      const int64_t expected = s == 1 ? 3 * (99 - k) + 1 : 3 * k + s;
      assert_true(((const double *)candles.lines[0])[candles.offsets[s] + k] == (double)expected);
    }
  tlw_table_close(&table);
}

static void test_values(void **state) {
  (void)state;
  static const char *const names[] = {"l"};
  static const struct {
    const char *text;
    double value;
  } values[] = {{"1.25", 1.25}, {"-3", -3},     {"\"7\"", 7},      {"", NAN},
                {"null", NAN},  {"N/A", NAN},   {"inf", INFINITY}, {"1e300", 1e300},
                {" 5 ", 5},     {"-0.0", -0.0}, {"nan", NAN},      {"4503599627370497.5", 4503599627370497.5}};
  const tlw_csv_options options = with_lines(names, 1);
  csv_text text = {0};
  csv_printf(&text, "l,time,open,high,low,close\n");
  const int64_t n = sizeof values / sizeof *values;
  for (int64_t i = 0; i < n; i++) csv_printf(&text, "%s,%" PRId64 ",10,12,9,11\n", values[i].text, START + i);
  write_text(&text);
  csv_text_free(&text);
  tlw_table *table;
  tlw_candles candles;
  assert_int_equal(tlw_csv_read(csv_path(), &options, NULL, &table, NULL), TLW_OK);
  tlw_table_candles(table, &candles);
  const double *line = candles.lines[0];
  for (int64_t i = 0; i < n; i++)
    assert_true(isnan(values[i].value) ? isnan(line[i]) != 0 : memcmp(&line[i], &values[i].value, sizeof *line) == 0);
  tlw_table_close(&table);
}

static void refuse(const char *text, const tlw_csv_options *options, tlw_status status, const char *says) {
  csv_write(text, strlen(text));
  tlw_table *table = (tlw_table *)(uintptr_t)8;
  tlw_error error;
  assert_int_equal(tlw_csv_read(csv_path(), options, NULL, &table, &error), status);
  assert_null(table);
  if (!strstr(error.message, says)) fail_msg("'%s' is not in '%s'", says, error.message);
}

static void test_refused(void **state) {
  (void)state;
  static const char text[] = HEADER "2020-01-01,10,12,9,11,5,1,2\n", bare[] = "2020-01-01,10,12,9,11,5,1,2\n";
  static const struct {
    const char *name, *says;
    tlw_status status;
  } cases[] = {
      {"vwpa",
       ":1: there is no column 'vwpa' (found: time, open, high, low, close, volume, vwap, Upper Band): did you "
       "mean 'vwap'?",
       TLW_ERR_DATA},
      {"zzzzzz", "Upper Band): name one of the header, or give a number from 1", TLW_ERR_DATA},
      {"9", ":1: there is no column 9, only 8 (time", TLW_ERR_DATA},
      {"0", "lines: columns are numbered from 1 to ", TLW_ERR_ARGUMENT},
      {"  ", "lines: there is no column: give its name in the header or a number from 1", TLW_ERR_ARGUMENT},
      {NULL, "lines: a name is NULL", TLW_ERR_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const tlw_csv_options options = with_lines(&cases[i].name, 1);
    refuse(text, &options, cases[i].status, cases[i].says);
  }
  static const char *const vwap[] = {"vwap"};
  tlw_csv_options options = with_lines(vwap, 1);
  refuse(bare, &options, TLW_ERR_DATA, ":1: there is no column 'vwap' (found: 2020-01-01, 10");
  refuse(HEADER "2020-01-01,10,12,9,11,5,x,2\n", &options, TLW_ERR_DATA, ":2: line vwap 'x' is not a number");
  static const int32_t counts[] = {-1, TLW_CSV_LINES_MAX + 1, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    options.n_lines = counts[i];
    refuse(text, &options, TLW_ERR_ARGUMENT, "lines must be 0 to 32 names or numbers of columns, not ");
  }
  options = with_lines(NULL, 1);
  refuse(text, &options, TLW_ERR_ARGUMENT, "lines must be 0 to 32");
  tlw_numbers *numbers;
  tlw_error error;
  options = with_lines(vwap, 1);
  assert_int_equal(tlw_numbers_open(csv_path(), vwap, 1, NULL, 0, &options, NULL, &numbers, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "ask for these columns by columns"));
}

/* A file without a header: by numbers, one that a price has too. */
static void test_without_header(void **state) {
  (void)state;
  static const char text[] = "2020-01-01,10,12,9,11,5,1.5\n2020-01-02,10,12,9,11,5,2.5\n";
  static const char *const names[] = {"7", "2", "close"};
  const tlw_csv_options options = with_lines(names, 3);
  csv_write(text, sizeof text - 1);
  tlw_table *table;
  tlw_candles candles;
  assert_int_equal(tlw_csv_read(csv_path(), &options, NULL, &table, NULL), TLW_OK);
  tlw_table_candles(table, &candles);
  static const double expected[3][2] = {{1.5, 2.5}, {10, 10}, {11, 11}};
  for (int k = 0; k < 3; k++) assert_memory_equal(candles.lines[k], expected[k], sizeof expected[k]);
  for (int k = 0; k < 3; k++) assert_string_equal(tlw_table_line_name(table, k), "");
  tlw_table_close(&table);
}

/* As many lines as there may be, some of one column; a row that is skipped takes its numbers with it. */
static void test_most(void **state) {
  (void)state;
  const char *names[TLW_CSV_LINES_MAX];
  for (int i = 0; i < TLW_CSV_LINES_MAX; i++) names[i] = i % 2 ? "vwap" : "8";
  tlw_csv_options options = with_lines(names, TLW_CSV_LINES_MAX);
  options.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
  csv_text text = {0};
  csv_printf(&text, HEADER);
  for (int64_t i = 0; i < 50; i++) {
    put_row(&text, i);
    csv_printf(&text, "%" PRId64 ",10,12,9,11,5,x,2\n", START + i);
  }
  write_text(&text);
  csv_text_free(&text);
  tlw_table *table;
  tlw_candles candles;
  assert_int_equal(tlw_csv_read(csv_path(), &options, NULL, &table, NULL), TLW_OK);
  tlw_table_candles(table, &candles);
  assert_int_equal(candles.n_rows, 50);
  for (int k = 0; k < TLW_CSV_LINES_MAX; k++)
    for (int64_t i = 0; i < 50; i++)
      assert_true(((const double *)candles.lines[k])[i] == (k % 2 ? (double)i + 0.5 : (double)(1000 - i)));
  double *line = (double *)(uintptr_t)8;
  tlw_error error;
  assert_int_equal(tlw_table_add_line(table, &line, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "the table has 32 lines"));
  tlw_table_close(&table);
}

static uint64_t host_bytes(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats.host_bytes.current;
}

/* Lines that are added count against the budget, and what does not fit is refused with what would do. */
static void test_added(void **state) {
  (void)state;
  static const char *const names[] = {"vwap"};
  const tlw_csv_options options = with_lines(names, 1);
  write_rows(20000, 1);
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  engine_options.host_budget = UINT64_C(4) << 20;
  engine_options.threads = 1;
  tlw_engine *engine;
  tlw_table *table;
  tlw_candles before, after;
  tlw_error error;
  assert_int_equal(tlw_engine_open(&engine, &engine_options, &error), TLW_OK);
  assert_int_equal(tlw_csv_read(csv_path(), &options, engine, &table, &error), TLW_OK);
  tlw_table_candles(table, &before);
  const uint64_t base = host_bytes(engine);
  double *line;
  int32_t n = 0;
  while (tlw_table_add_line(table, &line, &error) == TLW_OK) {
    for (int64_t i = 0; i < 20000; i++) line[i] = (double)(n * 100000 + i);
    n++;
    assert_true(host_bytes(engine) >= base + (uint64_t)n * 20000 * sizeof(double));
    assert_true(host_bytes(engine) <= engine_options.host_budget);
  }
  assert_int_equal(error.code, TLW_ERR_BUDGET);
  assert_true(n > 2 && error.bytes > engine_options.host_budget);
  assert_int_equal(tlw_table_add_line(NULL, &line, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_table_add_line(table, NULL, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_table_add_line(table, &line, NULL), TLW_ERR_BUDGET);
  tlw_table_candles(table, &after);
  assert_int_equal(before.n_lines, 1);
  assert_int_equal(after.n_lines, 1 + n);
  assert_true(((const double *)before.lines[0])[19999] == 19999.5);
  for (int32_t k = 0; k < n; k++)
    for (int64_t i = 0; i < 20000; i++)
      assert_true(((const double *)after.lines[1 + k])[i] == (double)(k * 100000 + i));
  assert_string_equal(tlw_table_line_name(table, 1), "");
  tlw_table_close(&table);
  assert_true(host_bytes(engine) < base);
  tlw_engine_close(&engine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ways_of_reading), cmocka_unit_test(test_unwanted), cmocka_unit_test(test_table),
      cmocka_unit_test(test_symbols),         cmocka_unit_test(test_values),   cmocka_unit_test(test_refused),
      cmocka_unit_test(test_without_header),  cmocka_unit_test(test_most),     cmocka_unit_test(test_added),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
