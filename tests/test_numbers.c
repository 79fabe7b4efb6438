/* Columns of numbers: from any text table, some rows at a time, and from .npy arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_kit.h"
#include "tallow/csv.h"
#include "tallow/npy.h"

#define GUARD 0x5a
#define MOST 64

static void write_text(const char *text) { csv_write(text, strlen(text)); }

static void same_double(double got, double expected) {
  if (isnan(expected))
    assert_true(isnan(got));
  else
    assert_memory_equal(&got, &expected, sizeof got);
}

/* ---- text ---- */

/* Opens the file with up to two columns and one label; NULL: the time. */
static tlw_status open_numbers(const char *first, const char *second, const char *label, tlw_csv_options *options,
                               tlw_numbers **numbers, tlw_error *error) {
  const char *const columns[] = {first, second}, *const labels[] = {label};
  return tlw_numbers_open(csv_path(), columns, second ? 2 : 1, label ? labels : NULL, label ? 1 : 0, options, NULL,
                          numbers, error);
}

/* Rows come the same whatever the capacity, and nothing is written behind them. */
static void test_rows(void **state) {
  (void)state;
  write_text("time,a,b\n2020-01-01,1,10\n\n2020-01-02,,20\n2020-01-03,nan,-inf\n2020-01-04,4.5,1e-320\n");
  static const double a[] = {1, (double)NAN, (double)NAN, 4.5}, b[] = {10, 20, -(double)INFINITY, 1e-320};
  for (int64_t capacity = 1; capacity < 6; capacity++) {
    tlw_numbers *numbers;
    tlw_error error;
    assert_int_equal(open_numbers("a", "b", NULL, NULL, &numbers, &error), TLW_OK);
    assert_int_equal(tlw_numbers_labels(numbers), 1);
    assert_string_equal(tlw_numbers_column_name(numbers, 1), "b");
    assert_null(tlw_numbers_column_name(numbers, 2));
    assert_int_equal(tlw_numbers_column_place(numbers, 1), 2);
    assert_int_equal(tlw_numbers_column_place(numbers, 2), -1);
    assert_int_equal(tlw_numbers_column_place(numbers, -1), -1);
    assert_string_equal(tlw_numbers_label_name(numbers, 0), "time");
    int64_t row = 0, n;
    for (;;) {
      double x[MOST], y[MOST], *const columns[] = {x, y};
      char text[TLW_LABEL_SIZE * 6];
      size_t ends[MOST];
      memset(x, GUARD, sizeof x);
      const tlw_numbers_rows rows = {columns, capacity, text, sizeof text, ends};
      assert_int_equal(tlw_numbers_next(numbers, &rows, &n, &error), TLW_OK);
      for (int64_t i = 0; i < n; i++, row++) {
        same_double(x[i], a[row]);
        same_double(y[i], b[row]);
        char expected[32];
        snprintf(expected, sizeof expected, "2020-01-0%d", (int)row + 1);
        const size_t begin = i > 0 ? ends[i - 1] : 0;
        assert_int_equal(ends[i] - begin, 10);
        assert_memory_equal(text + begin, expected, 10);
      }
      unsigned char behind[sizeof *x];
      memcpy(behind, x + (n > 0 ? n : 0), sizeof behind);
      if (n == capacity) assert_int_equal(behind[0], GUARD);
      if (n == 0) break;
    }
    assert_int_equal(row, 4);
    tlw_csv_report report;
    tlw_numbers_get_report(numbers, &report);
    assert_int_equal(report.rows, 4);
    assert_int_equal(report.lines, 6);
    tlw_numbers_close(&numbers);
    assert_null(numbers);
  }
}

/* Rows ahead of a bad one are given first; the failure stays. */
static void test_failure_stays(void **state) {
  (void)state;
  write_text("v,w\n1,2\n3,4\n5,x\n7,8\n");
  tlw_numbers *numbers;
  tlw_error error;
  assert_int_equal(open_numbers("2", NULL, NULL, NULL, &numbers, &error), TLW_OK);
  double x[MOST], *const columns[] = {x};
  const tlw_numbers_rows rows = {.columns = columns, .capacity = MOST};
  int64_t n;
  assert_int_equal(tlw_numbers_next(numbers, &rows, &n, &error), TLW_OK);
  assert_int_equal(n, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(tlw_numbers_next(numbers, &rows, &n, &error), TLW_ERR_DATA);
    assert_int_equal(n, 0);
    assert_int_equal(error.row, 4);
    assert_int_equal(error.column, 2);
    assert_non_null(strstr(error.message, "w 'x' is not a number"));
  }
  tlw_numbers_close(&numbers);
}

static void refuse(const char *first, const char *label, tlw_csv_options *options, tlw_status status,
                   const char *says) {
  tlw_numbers *numbers = (tlw_numbers *)8;
  tlw_error error = {0};
  assert_int_equal(open_numbers(first, NULL, label, options, &numbers, &error), status);
  assert_null(numbers);
  if (!strstr(error.message, says)) print_error("%s\n", error.message);
  assert_non_null(strstr(error.message, says));
}

static void test_refusals(void **state) {
  (void)state;
  tlw_csv_options options = csv_defaults();
  write_text("time,close,volume\n2020-01-01,1,2\n");
  refuse("clos", NULL, NULL, TLW_ERR_DATA, "did you mean 'close'?");
  refuse("close", "sym", NULL, TLW_ERR_DATA, "no column 'sym'");
  refuse("4", NULL, NULL, TLW_ERR_DATA, "no column 4, only 3");
  refuse("0", NULL, NULL, TLW_ERR_ARGUMENT, "numbered from 1");
  refuse("", NULL, NULL, TLW_ERR_ARGUMENT, "there is no column");
  refuse(NULL, NULL, NULL, TLW_ERR_ARGUMENT, "NULL");
  options.adjusted = 1;
  refuse("close", NULL, &options, TLW_ERR_ARGUMENT, "leave out adjusted");
  options = csv_defaults();
  options.by = "close";
  refuse("close", NULL, &options, TLW_ERR_ARGUMENT, "leave out by");
  options = csv_defaults();
  options.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SORT;
  refuse("close", NULL, &options, TLW_ERR_ARGUMENT, "choose error, skip or keep");
  options.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_KEEP;
  options.policies[TLW_DEFECT_FIELD] = TLW_POLICY_KEEP;
  refuse("close", NULL, &options, TLW_ERR_ARGUMENT, "bad-field can't be keep");
  options.struct_size = 1;
  refuse("close", NULL, &options, TLW_ERR_ARGUMENT, "struct_size");
}

/* A row that is left out for its label has no say in the order. */
static void test_order_of_kept_rows(void **state) {
  (void)state;
  csv_text file = {0};
  static const char head[] = "time,id,v\n2020-01-01,a,1\n2030-01-01,", tail[] = ",2\n2020-01-02,b,3\n";
  char label[TLW_LABEL_SIZE + 1];
  memset(label, 'x', sizeof label);
  csv_append(&file, head, sizeof head - 1);
  csv_append(&file, label, sizeof label);
  csv_append(&file, tail, sizeof tail - 1);
  csv_write(file.bytes, file.size);
  csv_text_free(&file);
  tlw_csv_options options = csv_defaults();
  options.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
  tlw_numbers *numbers;
  tlw_error error;
  assert_int_equal(open_numbers("v", NULL, "id", &options, &numbers, &error), TLW_OK);
  double x[MOST], *const columns[] = {x};
  char text[TLW_LABEL_SIZE * 4];
  size_t ends[MOST];
  const tlw_numbers_rows rows = {columns, MOST, text, sizeof text, ends};
  int64_t n;
  assert_int_equal(tlw_numbers_next(numbers, &rows, &n, &error), TLW_OK);
  assert_int_equal(n, 2);
  same_double(x[1], 3);
  assert_int_equal(ends[1], 2);
  assert_memory_equal(text, "ab", 2);
  tlw_csv_report report;
  tlw_numbers_get_report(numbers, &report);
  assert_int_equal(report.skipped, 1);
  assert_int_equal(report.defects[TLW_DEFECT_OUT_OF_ORDER], 0);
  tlw_numbers_close(&numbers);
}

/* A header that names no time has no labels; one column under every delimiter is one. */
static void test_plain_columns(void **state) {
  (void)state;
  static const char *const texts[] = {"x\n1\n2\n", "1\n2\n", "\"x\"\r\n1\r\n2\r\n", "x;y\n1;0\n2;0\n", "1|9\n2|9"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    write_text(texts[i]);
    tlw_numbers *numbers;
    tlw_error error;
    assert_int_equal(open_numbers("1", NULL, NULL, NULL, &numbers, &error), TLW_OK);
    assert_int_equal(tlw_numbers_labels(numbers), 0);
    double x[MOST], *const columns[] = {x};
    const tlw_numbers_rows rows = {.columns = columns, .capacity = MOST};
    int64_t n;
    assert_int_equal(tlw_numbers_next(numbers, &rows, &n, &error), TLW_OK);
    assert_int_equal(n, 2);
    same_double(x[0], 1);
    same_double(x[1], 2);
    tlw_numbers_close(&numbers);
  }
}

/* ---- arrays ---- */

/* What is written is read again, whatever the capacity. */
static void test_arrays(void **state) {
  (void)state;
  csv_text file = {0};
  char header[TLW_NPY_HEADER_SIZE];
  tlw_error error;
  assert_int_equal(tlw_npy_header(header, 20000, 3, &error), TLW_OK);
  csv_append(&file, header, sizeof header);
  for (int i = 0; i < 60000; i++) {
    const double value = i / 7.0;
    csv_append(&file, &value, sizeof value);
  }
  csv_write(file.bytes, file.size);
  for (int64_t capacity = 7777; capacity < 30000; capacity += 9000) {
    tlw_npy *npy;
    tlw_npy_shape shape;
    assert_int_equal(tlw_npy_open(csv_path(), 0, NULL, &npy, &error), TLW_OK);
    tlw_npy_get_shape(npy, &shape);
    assert_int_equal(shape.n_rows, 20000);
    assert_int_equal(shape.n_columns, 3);
    assert_int_equal(shape.type, TLW_TYPE_F64);
    double *x = malloc((size_t)(capacity + 1) * sizeof *x), *y = malloc((size_t)capacity * sizeof *y);
    double *const columns[] = {y, NULL, x};
    int64_t row = 0, n;
    do {
      x[capacity] = 77;
      assert_int_equal(tlw_npy_next(npy, columns, capacity, &n, &error), TLW_OK);
      for (int64_t i = 0; i < n; i++, row++) {
        same_double(y[i], (double)(3 * row) / 7.0);
        same_double(x[i], (double)(3 * row + 2) / 7.0);
      }
      same_double(x[capacity], 77);
    } while (n > 0);
    assert_int_equal(row, 20000);
    free(x);
    free(y);
    tlw_npy_close(&npy);
    assert_null(npy);
  }
  csv_text_free(&file);
}

/* Every beginning of a file is refused or ends early; no byte of the header may do harm. */
static void test_damaged_arrays(void **state) {
  (void)state;
  char file[TLW_NPY_HEADER_SIZE + 32];
  tlw_error error;
  uint64_t random = 7;
  for (int i = 0; i < 3000; i++) {
    memset(file, 1, sizeof file);
    assert_int_equal(tlw_npy_header(file, 2, 2, &error), TLW_OK);
    size_t size = sizeof file;
    if (i < (int)size)
      size = (size_t)i;
    else
      for (int k = 0; k < 1 + i % 3; k++) file[csv_random_below(&random, 80)] = (char)csv_random(&random);
    csv_write(file, size);
    tlw_npy *npy;
    tlw_status status = tlw_npy_open(csv_path(), 0, NULL, &npy, &error);
    if (status == TLW_OK) {
      tlw_npy_shape shape;
      tlw_npy_get_shape(npy, &shape);
      double **columns = calloc((size_t)shape.n_columns, sizeof *columns), x[4];
      columns[0] = x;
      int64_t n;
      status = tlw_npy_next(npy, columns, 4, &n, &error);
      free(columns);
      tlw_npy_close(&npy);
    }
    if (i < (int)sizeof file) assert_int_equal(status, TLW_ERR_DATA);
    if (status != TLW_OK) assert_true(strlen(error.message) > 10);
  }
}

static void test_header_refusals(void **state) {
  (void)state;
  char header[TLW_NPY_HEADER_SIZE];
  assert_int_equal(tlw_npy_header(NULL, 1, 1, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_npy_header(header, -1, 1, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_npy_header(header, 1, 0, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_npy_header(header, INT64_MAX, 1, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_npy_header(header, INT64_MAX / 8 / TLW_NPY_COLUMNS_MAX - 1, TLW_NPY_COLUMNS_MAX, NULL), TLW_OK);
  assert_int_equal(header[TLW_NPY_HEADER_SIZE - 1], '\n');
}

/* The dictionary as NumPy writes it, blanks, a newline; nothing behind is touched. */
static void check_array(tlw_npy_type type, const int64_t *dimensions, int32_t n_dimensions, const char *dictionary) {
  char out[TLW_NPY_HEADER_SIZE + 8], expected[TLW_NPY_HEADER_SIZE];
  memset(out, 0x55, sizeof out);
  memset(expected, ' ', sizeof expected);
  memcpy(expected, "\x93NUMPY\x01\x00\x76\x00", 10);
  memcpy(expected + 10, dictionary, strlen(dictionary));
  expected[TLW_NPY_HEADER_SIZE - 1] = '\n';
  tlw_error error;
  assert_int_equal(tlw_npy_array_header(out, type, dimensions, n_dimensions, &error), TLW_OK);
  assert_memory_equal(out, expected, sizeof expected);
  for (size_t i = TLW_NPY_HEADER_SIZE; i < sizeof out; i++) assert_int_equal(out[i], 0x55);
}

static void test_array_headers(void **state) {
  (void)state;
  const int64_t sizes[] = {1234567, 3, 96, 180}, none[] = {0, 1, 16384, 16384}, most[] = {(INT64_MAX - 128) / 8};
  check_array(TLW_NPY_U8, sizes, 4, "{'descr': '|u1', 'fortran_order': False, 'shape': (1234567, 3, 96, 180), }");
  check_array(TLW_NPY_F32, sizes, 3, "{'descr': '<f4', 'fortran_order': False, 'shape': (1234567, 3, 96), }");
  check_array(TLW_NPY_F64, sizes, 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (1234567, 3), }");
  check_array(TLW_NPY_F64, sizes, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1234567,), }");
  check_array(TLW_NPY_U8, none, 4, "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 1, 16384, 16384), }");
  check_array(TLW_NPY_F64, most, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846959,), }");
}

static void test_array_refusals(void **state) {
  (void)state;
  char out[TLW_NPY_HEADER_SIZE];
  const int64_t one[] = {1, 1, 1, 1, 1}, negative[] = {1, -1}, large[] = {INT64_MAX / 4, 1, 4, 1};
  const int64_t too_large[] = {INT64_MAX / 8}, long_ones[] = {0, INT64_MAX, INT64_MAX, INT64_MAX};
  const struct {
    char *out;
    int type;
    const int64_t *dimensions;
    int32_t n;
  } cases[] = {{NULL, TLW_NPY_U8, one, 1},      {out, TLW_NPY_U8, NULL, 1},   {out, -1, one, 1},
               {out, TLW_NPY_F64 + 1, one, 1},  {out, TLW_NPY_U8, one, 0},    {out, TLW_NPY_U8, one, 5},
               {out, TLW_NPY_U8, negative, 2},  {out, TLW_NPY_F32, large, 4}, {out, TLW_NPY_F64, too_large, 1},
               {out, TLW_NPY_F64, long_ones, 4}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tlw_error error;
    assert_int_equal(
        tlw_npy_array_header(cases[i].out, (tlw_npy_type)cases[i].type, cases[i].dimensions, cases[i].n, &error),
        TLW_ERR_ARGUMENT);
    assert_true(strlen(error.message) > 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_array_headers),  cmocka_unit_test(test_array_refusals),
      cmocka_unit_test(test_rows),           cmocka_unit_test(test_failure_stays),
      cmocka_unit_test(test_refusals),       cmocka_unit_test(test_order_of_kept_rows),
      cmocka_unit_test(test_plain_columns),  cmocka_unit_test(test_arrays),
      cmocka_unit_test(test_damaged_arrays), cmocka_unit_test(test_header_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
