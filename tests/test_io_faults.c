/*
 * Every allocation and every file operation of the readers and writers fails once: the error is typed, what was there
 * stays, nothing leaks. The library must be built with TALLOW_FAULTS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "folder.h"
#include "host/base/error.h"
#include "host/base/fault.h"
#include "host/io/png_encoder.h"
#include "tallow/csv.h"
#include "tallow/npy.h"
#include "tallow/png.h"

#ifndef TALLOW_FAULTS
#error "build with TALLOW_FAULTS"
#endif

#define ROWS 10000
#define MOST_OPERATIONS 100000

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static int count_files(void) {
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
  closedir(dir);
  return n;
}

static int count_descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

/* An operation under test: it checks its own outputs and gives its status, with *error filled if it is not TLW_OK. */
typedef tlw_status (*verb_fn)(tlw_error *error);

/*
 * Strikes the nth operation of the kind, or all from there on, for n = 1 until the verb has fewer. Each time the status
 * is the one of the kind, or TLW_OK where the operation that failed did not matter: giving something back.
 */
static void strike(verb_fn verb, enum tlw_fault_kind kind, bool lasting) {
  const tlw_status expected = kind == TLW_FAULT_MEMORY ? TLW_ERR_MEMORY : TLW_ERR_IO;
  int failures = 0;
  for (uint64_t nth = 1; nth < MOST_OPERATIONS; nth++) {
    tlw_error error;
    memset(&error, 0xa5, sizeof error);
    const int descriptors = count_descriptors();
    tlw_fault_plant(kind, nth, lasting);
    const tlw_status status = verb(&error);
    const uint64_t struck = tlw_fault_struck(kind);
    tlw_fault_plant(kind, 0, false);
    assert_int_equal(count_descriptors(), descriptors);
    if (struck == 0) {
      assert_int_equal(status, TLW_OK);
      assert_true(failures > 0);
      return;
    }
    if (status == TLW_OK) {
      assert_int_equal(kind, TLW_FAULT_FILE);
      continue;
    }
    failures++;
    if (status != expected) fail_msg("operation %" PRIu64 ": %s", nth, tlw_status_name(status));
    assert_int_equal(error.code, expected);
    if (kind == TLW_FAULT_FILE) assert_int_equal(error.native, EIO);
    assert_non_null(memchr(error.message, 0, sizeof error.message));
    assert_true(strlen(error.message) > 10);
  }
  fail_msg("the operations do not end");
}

static void strike_each(verb_fn verb, bool has_files) {
  for (int lasting = 0; lasting < 2; lasting++) {
    strike(verb, TLW_FAULT_MEMORY, lasting);
    if (has_files) strike(verb, TLW_FAULT_FILE, lasting);
  }
}

/* --- CSV -------------------------------------------------------------------------------------------------------- */

/* Rows of which one in a thousand is long, so that the buffer of lines grows. */
static void write_rows(bool gzip) {
  gzFile file = gzopen(path_of("file.csv"), gzip ? "wb" : "wbT");
  assert_non_null(file);
  assert_true(gzprintf(file, "Date,Open,High,Low,Close,Volume,Note\n") > 0);
  static char note[200001];
  memset(note, 'x', sizeof note - 1);
  for (int i = 0; i < ROWS; i++) {
    assert_true(gzprintf(file, "%d,%d.25,%d.5,%d,%d,%d,", 1000000000 + i * 60, i, i, i, i, i) > 0);
    if (i % 1000 == 500) assert_true(gzwrite(file, note, sizeof note - 1) > 0);
    assert_int_equal(gzputc(file, '\n'), '\n');
  }
  assert_int_equal(gzclose(file), Z_OK);
}

static tlw_status read_table(tlw_error *error) {
  tlw_table *table = (tlw_table *)(uintptr_t)1;
  const tlw_status status = tlw_csv_read(path_of("file.csv"), NULL, NULL, &table, error);
  if (status != TLW_OK) {
    assert_null(table);
    return status;
  }
  tlw_candles candles;
  tlw_table_candles(table, &candles);
  assert_int_equal(candles.n_rows, ROWS);
  const double *open = candles.open;
  for (int i = 0; i < ROWS; i++) assert_true(open[i] == i + 0.25);
  tlw_table_close(&table);
  return status;
}

/* The rows before a failure are right, and it stays. */
static tlw_status read_stream_of(const char *path, tlw_error *error) {
  tlw_csv *csv = (tlw_csv *)(uintptr_t)1;
  tlw_status status = tlw_csv_open(path, NULL, NULL, &csv, error);
  if (status != TLW_OK) {
    assert_null(csv);
    return status;
  }
  static double columns[5][300];
  const tlw_csv_rows rows = {columns[0], columns[1], columns[2], columns[3], columns[4], .capacity = 300};
  int64_t done = 0, n = 300;
  while (status == TLW_OK && n == 300) {
    n = -1;
    status = tlw_csv_next(csv, &rows, &n, error);
    assert_in_range(n, 0, 300);
    for (int i = 0; i < n; i++) assert_true(columns[0][i] == (double)(done + i) + 0.25);
    done += n;
  }
  if (status == TLW_OK) {
    assert_int_equal(done, ROWS);
  } else {
    tlw_error again;
    assert_int_equal(tlw_csv_next(csv, &rows, &n, &again), status);
    assert_int_equal(n, 0);
    assert_memory_equal(&again, error, sizeof again);
  }
  tlw_csv_close(&csv);
  return status;
}

static tlw_status read_stream(tlw_error *error) { return read_stream_of(path_of("file.csv"), error); }

static tlw_status read_standard_input(tlw_error *error) {
  assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_SET), 0);
  return read_stream_of("-", error);
}

static tlw_engine *engine;

static uint64_t host_bytes_in_use(void) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats.host_bytes.current;
}

static tlw_status read_counted(tlw_error *error) {
  const uint64_t before = host_bytes_in_use();
  tlw_table *table = NULL;
  const tlw_status status = tlw_csv_read(path_of("file.csv"), NULL, engine, &table, error);
  tlw_table_close(&table);
  assert_int_equal(host_bytes_in_use(), before);
  return status;
}

#define HELD_ROWS 6000
#define SYMBOLS 300

/* Newest first, of many symbols that take turns. */
static void write_held_rows(void) {
  FILE *file = fopen(path_of("file.csv"), "wb");
  assert_non_null(file);
  assert_true(fprintf(file, "Date,Open,High,Low,Close,Symbol\n") > 0);
  for (int i = HELD_ROWS - 1; i >= 0; i--)
    assert_true(fprintf(file, "%d,%d,%d,%d,%d,a symbol with a long name %d\n", 1000000000 + i * 60, i, i, i, i,
                        i % SYMBOLS) > 0);
  assert_int_equal(fclose(file), 0);
}

static tlw_status read_symbols(tlw_policy order, tlw_error *error) {
  const uint64_t before = host_bytes_in_use();
  tlw_csv_options options;
  tlw_csv_options_init(&options);
  options.by = "Symbol";
  options.policies[TLW_DEFECT_OUT_OF_ORDER] = order;
  tlw_table *table = NULL;
  const tlw_status status = tlw_csv_read(path_of("file.csv"), &options, engine, &table, error);
  if (status == TLW_OK) {
    tlw_candles c;
    tlw_table_candles(table, &c);
    assert_int_equal(c.n_series, SYMBOLS);
    const double *open = c.open;
    for (int64_t s = 0; s < SYMBOLS; s++)
      for (int64_t i = c.offsets[s]; i < c.offsets[s + 1]; i++)
        assert_true(open[i] == (double)(SYMBOLS - 1 - s + (i - c.offsets[s]) * SYMBOLS));
  }
  tlw_table_close(&table);
  assert_int_equal(host_bytes_in_use(), before);
  return status;
}

static tlw_status read_turned_symbols(tlw_error *error) { return read_symbols(TLW_POLICY_DEFAULT, error); }
static tlw_status read_sorted_symbols(tlw_error *error) { return read_symbols(TLW_POLICY_SORT, error); }

/* A file that must be held gives nothing before a failure. */
static tlw_status read_held_rows(tlw_error *error) {
  const uint64_t before = host_bytes_in_use();
  tlw_csv *csv = NULL;
  tlw_status status = tlw_csv_open(path_of("file.csv"), NULL, engine, &csv, error);
  static double columns[4][700];
  const tlw_csv_rows rows = {columns[0], columns[1], columns[2], columns[3], .capacity = 700};
  int64_t done = 0, n = 700;
  while (status == TLW_OK && n == 700) {
    status = tlw_csv_next(csv, &rows, &n, error);
    for (int i = 0; i < n; i++) assert_true(columns[0][i] == (double)(done + i));
    done += n;
  }
  assert_int_equal(done, status == TLW_OK ? HELD_ROWS : 0);
  tlw_csv_close(&csv);
  assert_int_equal(host_bytes_in_use(), before);
  return status;
}

static void open_engine(void) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  options.cache_dir = "";
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
}

static void test_csv(void **state) {
  (void)state;
  open_engine();
  const int saved = dup(STDIN_FILENO);
  for (int gzip = 0; gzip < 2; gzip++) {
    write_rows(gzip);
    strike_each(read_table, true);
    strike_each(read_stream, true);
    strike_each(read_counted, true);
    const int file = open(path_of("file.csv"), O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    close(file);
    strike_each(read_standard_input, true);
  }
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
  write_held_rows();
  strike_each(read_turned_symbols, true);
  strike_each(read_sorted_symbols, true);
  strike_each(read_held_rows, true);
  tlw_engine_close(&engine);
  unlink(path_of("file.csv"));
}

/* --- Numbers ---------------------------------------------------------------------------------------------------- */

/* Columns of the file of candles, and the time as text. */
static tlw_status read_numbers(tlw_error *error) {
  static const char *const names[] = {"open", "6"};
  const uint64_t before = host_bytes_in_use();
  tlw_numbers *numbers = (tlw_numbers *)(uintptr_t)1;
  tlw_status status = tlw_numbers_open(path_of("file.csv"), names, 2, NULL, 0, NULL, engine, &numbers, error);
  if (status != TLW_OK) assert_null(numbers);
  static double open[300], volume[300], *const columns[] = {open, volume};
  static char text[300 * TLW_LABEL_SIZE];
  static size_t ends[300];
  const tlw_numbers_rows rows = {columns, 300, text, sizeof text, ends};
  int64_t done = 0, n = 300;
  while (status == TLW_OK && n > 0) {
    status = tlw_numbers_next(numbers, &rows, &n, error);
    for (int64_t i = 0; i < n; i++)
      assert_true(open[i] == (double)(done + i) + 0.25 && volume[i] == (double)(done + i));
    done += n;
  }
  if (status == TLW_OK) assert_int_equal(done, ROWS);
  tlw_numbers_close(&numbers);
  assert_int_equal(host_bytes_in_use(), before);
  return status;
}

#define ARRAY_COLUMNS 3

/* Number i of row r is 10 r + i. In Fortran order the columns lie one behind the other. */
static void write_array(bool is_fortran) {
  char header[TLW_NPY_HEADER_SIZE];
  assert_int_equal(tlw_npy_header(header, ROWS, ARRAY_COLUMNS, NULL), TLW_OK);
  char *order = memmem(header, sizeof header, "False", 5);
  assert_non_null(order);
  if (is_fortran) memcpy(order, "True ", 5);
  FILE *file = fopen(path_of("file.npy"), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
  for (int i = 0; i < ROWS * ARRAY_COLUMNS; i++) {
    const double value = is_fortran ? 10.0 * (i % ROWS) + i / ROWS : 10.0 * (i / ARRAY_COLUMNS) + i % ARRAY_COLUMNS;
    assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
  }
  assert_int_equal(fclose(file), 0);
}

static tlw_status read_array(tlw_error *error) {
  const uint64_t before = host_bytes_in_use();
  tlw_npy *npy = (tlw_npy *)(uintptr_t)1;
  tlw_status status = tlw_npy_open(path_of("file.npy"), 0, engine, &npy, error);
  if (status != TLW_OK) assert_null(npy);
  static double first[3000], last[3000], *const columns[] = {first, NULL, last};
  int64_t done = 0, n = 3000;
  while (status == TLW_OK && n > 0) {
    status = tlw_npy_next(npy, columns, 3000, &n, error);
    for (int64_t i = 0; i < n; i++) assert_true(first[i] == 10.0 * (double)(done + i) && last[i] == first[i] + 2);
    done += n;
  }
  if (status == TLW_OK) assert_int_equal(done, ROWS);
  if (status != TLW_OK && npy) {
    tlw_error again;
    assert_int_equal(tlw_npy_next(npy, columns, 3000, &n, &again), status);
    assert_memory_equal(&again, error, sizeof again);
  }
  tlw_npy_close(&npy);
  assert_int_equal(host_bytes_in_use(), before);
  return status;
}

static void test_numbers(void **state) {
  (void)state;
  open_engine();
  for (int gzip = 0; gzip < 2; gzip++) {
    write_rows(gzip);
    strike_each(read_numbers, true);
  }
  for (int is_fortran = 0; is_fortran < 2; is_fortran++) {
    write_array(is_fortran);
    strike_each(read_array, true);
  }
  tlw_engine_close(&engine);
  unlink(path_of("file.csv"));
  unlink(path_of("file.npy"));
}

/* --- PNG -------------------------------------------------------------------------------------------------------- */

static uint8_t old_pixels[8 * 8], pixels[300 * 200];
static const uint8_t rgb[3 * 256];
static const tlw_png_image old_image = {old_pixels, 8, 8, 8, rgb, 256};
static const tlw_png_image image = {pixels, 300, 300, 200, rgb, 256};
static uint8_t expected[100000], old_expected[2000];
static size_t expected_size, old_size;
static tlw_png_options png_options;

static bool is_in_file(const char *path, const uint8_t *bytes, size_t size) {
  static uint8_t found[sizeof expected];
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  const size_t n = fread(found, 1, sizeof found, file);
  fclose(file);
  return n == size && memcmp(found, bytes, n) == 0;
}

/* Removes what is left beside the file, where removing it was what failed. */
static int remove_temporaries(void) {
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(dir));)
    if (strstr(entry->d_name, ".tmp") && unlink(path_of(entry->d_name)) == 0) n++;
  closedir(dir);
  return n;
}

static bool unlink_is_struck;

static tlw_status write_png(tlw_error *error) {
  char path[512];
  snprintf(path, sizeof path, "%s", path_of("a.png"));
  const tlw_status status = tlw_png_write(&image, &png_options, path, error);
  if (status == TLW_OK)
    assert_true(is_in_file(path, expected, expected_size));
  else
    assert_true(is_in_file(path, old_expected, old_size));
  const int left = remove_temporaries();
  assert_in_range(left, 0, unlink_is_struck);
  assert_int_equal(count_files(), 1);
  FILE *file = fopen(path, "wb"); /* the old file again */
  assert_non_null(file);
  assert_int_equal(fwrite(old_expected, 1, old_size, file), old_size);
  assert_int_equal(fclose(file), 0);
  return status;
}

static tlw_status encode_png(tlw_error *error) {
  static uint8_t out[sizeof expected];
  memset(out, 0xa5, sizeof out);
  size_t size = 4711;
  const tlw_status status = tlw_png_encode(&image, &png_options, out, sizeof out, &size, error);
  assert_int_equal(size, status == TLW_OK ? expected_size : 4711);
  if (status == TLW_OK) assert_memory_equal(out, expected, size);
  return status;
}

static tlw_status take(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  (void)bytes;
  (void)error;
  *(size_t *)context += size;
  return TLW_OK;
}

static tlw_status encode_rows(tlw_error *error) {
  struct tlw_memory memory = {.budget = UINT64_MAX};
  struct tlw_png_encoder *encoder = (struct tlw_png_encoder *)(uintptr_t)1;
  size_t size = 0;
  tlw_status status = tlw_png_encoder_open(&encoder, &image, png_options.coding, &memory, take, &size, error);
  if (status != TLW_OK) assert_null(encoder);
  for (int32_t y = 0; y < 200 && status == TLW_OK; y += 8)
    status = tlw_png_encoder_rows(encoder, pixels + (size_t)y * 300, 300, 8, error);
  tlw_png_encoder_close(&encoder);
  if (status == TLW_OK) assert_int_equal(size, expected_size);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  return status;
}

static void strike_coding(tlw_png_coding coding) {
  tlw_error error;
  png_options.coding = coding;
  unlink_is_struck = false;
  assert_int_equal(tlw_png_encode(&image, &png_options, expected, sizeof expected, &expected_size, &error), TLW_OK);
  assert_int_equal(tlw_png_encode(&old_image, &png_options, old_expected, sizeof old_expected, &old_size, &error),
                   TLW_OK);
  assert_int_equal(tlw_png_write(&old_image, &png_options, path_of("a.png"), &error), TLW_OK);
  strike_each(encode_png, false);
  strike_each(encode_rows, false);
  strike(write_png, TLW_FAULT_MEMORY, false);
  strike(write_png, TLW_FAULT_MEMORY, true);
  strike(write_png, TLW_FAULT_FILE, false); /* the removal is not the operation that fails */
  unlink_is_struck = true;
  strike(write_png, TLW_FAULT_FILE, true);
  unlink(path_of("a.png"));
}

static void test_png(void **state) {
  (void)state;
  uint32_t noise = 1;
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
  tlw_png_options_init(&png_options);
  for (int coding = TLW_PNG_FAST; coding <= TLW_PNG_LIBPNG; coding++) strike_coding((tlw_png_coding)coding);
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_csv),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_png),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
