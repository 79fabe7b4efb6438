/*
 * Columns of numbers. What begins as a .npy array is read as one; else the first line names the columns, between
 * commas, and behind it is a table of text. Either must keep the promises of its header, however many rows are taken at
 * a time.
 */
#include <string.h>

#include "fuzz.h"
#include "tallow/csv.h"
#include "tallow/npy.h"

#define COLUMNS_MOST 4
#define ROWS_MOST 500

/* How a reading ended, how many rows came, and hashes of their numbers and labels. */
typedef struct outcome {
  tlw_status status;
  int64_t n_rows;
  uint64_t numbers, labels;
} outcome;

static void check_error(const tlw_error *error, tlw_status status) {
  FUZZ_CHECK(status == TLW_ERR_DATA || status == TLW_ERR_ARGUMENT || status == TLW_ERR_UNAVAILABLE);
  FUZZ_CHECK(error->code == status);
  FUZZ_CHECK(memchr(error->message, 0, sizeof error->message) && strlen(error->message) > 10);
  for (const char *at = error->message; *at; at++) FUZZ_CHECK((unsigned char)*at >= ' ');
}

static void add(uint64_t *hash, const void *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) *hash = (*hash ^ ((const uint8_t *)bytes)[i] ^ 1) * 1099511628211u;
}

/* Memory for so many rows and no more, so that a sanitizer sees a number behind them. */
static double **new_columns(int64_t n_columns, int64_t n_rows, int64_t most) {
  double **columns = calloc((size_t)n_columns + 1, sizeof *columns);
  FUZZ_CHECK(columns);
  for (int64_t i = 0; i < n_columns && i < most; i++) {
    columns[i] = malloc((size_t)n_rows * sizeof(double));
    FUZZ_CHECK(columns[i]);
  }
  return columns;
}

static void free_columns(double **columns, int64_t n_columns) {
  for (int64_t i = 0; i < n_columns; i++) free(columns[i]);
  free(columns);
}

static void add_rows(outcome *o, double *const *columns, int64_t n_columns, int64_t n) {
  for (int64_t row = 0; row < n && o->n_rows + row < ROWS_MOST; row++)
    for (int64_t i = 0; i < n_columns; i++)
      if (columns[i]) add(&o->numbers, &columns[i][row], sizeof(double));
  o->n_rows += n;
}

/* ---- arrays ---- */

static outcome read_array(const char *path, int64_t capacity) {
  outcome o = {0};
  tlw_error error;
  tlw_npy *npy = (tlw_npy *)(uintptr_t)1;
  o.status = tlw_npy_open(path, 0, NULL, &npy, &error);
  if (o.status != TLW_OK) {
    FUZZ_CHECK(!npy);
    check_error(&error, o.status);
    return o;
  }
  tlw_npy_shape shape;
  tlw_npy_get_shape(npy, &shape);
  FUZZ_CHECK(shape.n_rows >= 0 && shape.n_columns >= 1 && shape.n_columns <= TLW_NPY_COLUMNS_MAX);
  double **columns = new_columns(shape.n_columns, capacity, COLUMNS_MOST);
  for (int64_t n = 1; o.status == TLW_OK && n > 0 && o.n_rows < ROWS_MOST;) {
    o.status = tlw_npy_next(npy, columns, capacity, &n, &error);
    FUZZ_CHECK(n >= 0 && n <= capacity && n <= shape.n_rows - o.n_rows && (o.status == TLW_OK || n == 0));
    FUZZ_CHECK(o.status != TLW_OK || n > 0 || o.n_rows == shape.n_rows);
    add_rows(&o, columns, shape.n_columns, n);
  }
  if (o.status != TLW_OK) check_error(&error, o.status);
  free_columns(columns, shape.n_columns);
  tlw_npy_close(&npy);
  FUZZ_CHECK(!npy);
  return o;
}

/* ---- text ---- */

static outcome read_text(const char *path, char *const *names, int32_t n_names, int64_t capacity) {
  outcome o = {0};
  tlw_error error;
  tlw_numbers *numbers = (tlw_numbers *)(uintptr_t)1;
  o.status = tlw_numbers_open(path, (const char *const *)names, n_names, NULL, 0, NULL, NULL, &numbers, &error);
  if (o.status != TLW_OK) {
    FUZZ_CHECK(!numbers);
    check_error(&error, o.status);
    return o;
  }
  const int32_t n_labels = tlw_numbers_labels(numbers);
  FUZZ_CHECK(n_labels >= 0 && n_labels <= 2);
  for (int32_t i = 0; i < n_names; i++) FUZZ_CHECK(strlen(tlw_numbers_column_name(numbers, i)) < 64);
  double **columns = new_columns(n_names, capacity, n_names);
  const size_t text_size = (size_t)(n_labels * TLW_LABEL_SIZE) + 16;
  char *text = malloc(text_size);
  size_t *ends = malloc((size_t)(capacity * n_labels + 1) * sizeof *ends);
  FUZZ_CHECK(text && ends);
  const tlw_numbers_rows rows = {columns, capacity, text, text_size, ends};
  for (int64_t n = 1; o.status == TLW_OK && n > 0;) {
    o.status = tlw_numbers_next(numbers, &rows, &n, &error);
    FUZZ_CHECK(n >= 0 && n <= capacity && (o.status == TLW_OK || n == 0));
    size_t end = 0;
    for (int64_t i = 0; i < n * n_labels; end = ends[i++])
      FUZZ_CHECK(ends[i] >= end && ends[i] - end <= TLW_LABEL_SIZE && ends[i] <= text_size);
    add_rows(&o, columns, n_names, n);
    add(&o.labels, text, end);
  }
  if (o.status != TLW_OK) check_error(&error, o.status);
  free(ends);
  free(text);
  free_columns(columns, n_names);
  tlw_numbers_close(&numbers);
  FUZZ_CHECK(!numbers);
  return o;
}

static int32_t split_names(char *line, char **names) {
  int32_t n = 0;
  for (char *at = line; at && n < COLUMNS_MOST;) {
    names[n++] = at;
    at = strchr(at, ',');
    if (at) *at++ = 0;
  }
  return n;
}

static void check_same(const outcome *a, const outcome *b) {
  if (a->n_rows >= ROWS_MOST || b->n_rows >= ROWS_MOST) return; /* not read to the end */
  FUZZ_CHECK(a->status == b->status);
  FUZZ_CHECK(a->status != TLW_OK || (a->n_rows == b->n_rows && a->numbers == b->numbers && a->labels == b->labels));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0) {
    const char *path = fuzz_file(data, size);
    const outcome a = read_array(path, 7), b = read_array(path, 97);
    check_same(&a, &b);
    return 0;
  }
  const uint8_t *end = memchr(data, '\n', size);
  if (!end || end - data > 200 || memchr(data, 0, (size_t)(end - data))) return 0;
  char line[256] = "", *names[COLUMNS_MOST];
  memcpy(line, data, (size_t)(end - data));
  const int32_t n_names = split_names(line, names);
  const char *path = fuzz_file(end + 1, size - (size_t)(end + 1 - data));
  const outcome a = read_text(path, names, n_names, 3), b = read_text(path, names, n_names, 64);
  check_same(&a, &b);
  return 0;
}
