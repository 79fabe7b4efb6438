#include "csv_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define GUARD 4

/* --- Text and files --------------------------------------------------------------------------------------------- */

static void reserve(csv_text *text, size_t more) {
  if (text->size + more <= text->capacity) return;
  text->capacity = 2 * (text->size + more);
  text->bytes = realloc(text->bytes, text->capacity);
  assert_non_null(text->bytes);
}

void csv_append(csv_text *text, const void *bytes, size_t size) {
  if (size == 0) return;
  reserve(text, size);
  memcpy(text->bytes + text->size, bytes, size);
  text->size += size;
}

void csv_printf(csv_text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  assert_true(length >= 0);
  reserve(text, (size_t)length + 1);
  va_start(arguments, format);
  vsnprintf(text->bytes + text->size, (size_t)length + 1, format, arguments);
  va_end(arguments);
  text->size += (size_t)length;
}

void csv_text_free(csv_text *text) {
  free(text->bytes);
  *text = (csv_text){0};
}

static int file = -1;

const char *csv_path(void) {
  static char path[64];
  if (file < 0) {
    file = memfd_create("file.csv", MFD_CLOEXEC);
    assert_true(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  return path;
}

void csv_write(const void *bytes, size_t size) {
  csv_path();
  assert_int_equal(ftruncate(file, 0), 0);
  for (size_t done = 0; done < size;) {
    const ssize_t n = pwrite(file, (const char *)bytes + done, size - done, (off_t)done);
    assert_true(n > 0);
    done += (size_t)n;
  }
}

/* --- Reading ---------------------------------------------------------------------------------------------------- */

tlw_csv_options csv_defaults(void) {
  tlw_csv_options options;
  memset(&options, 0xa5, sizeof options);
  tlw_csv_options_init(&options);
  return options;
}

static void check_error(const tlw_error *error, tlw_status status) {
  assert_int_equal(error->code, status);
  assert_non_null(memchr(error->message, 0, sizeof error->message));
  assert_true(strlen(error->message) > 10);
}

/* All of the file was read. */
static void check_size(const char *path, const csv_result *result) {
  struct stat about;
  assert_int_equal(stat(path, &about), 0);
  if (result->status == TLW_OK) assert_int_equal(result->report.bytes, about.st_size);
}

void csv_read_table(const char *path, const tlw_csv_options *options, csv_result *result) {
  *result = (csv_result){0};
  memset(&result->error, 0xa5, sizeof result->error);
  tlw_table *table = (tlw_table *)(uintptr_t)1;
  result->status = tlw_csv_read(path, options, NULL, &table, &result->error);
  if (result->status != TLW_OK) {
    assert_null(table);
    check_error(&result->error, result->status);
    return;
  }
  tlw_candles c;
  tlw_table_candles(table, &c);
  assert_int_equal(c.type, TLW_TYPE_F64);
  assert_true(c.n_rows > 0 && c.stride == 0 && c.time_stride == 0 && !c.counts);
  result->n_rows = c.n_rows;
  result->rows = malloc((size_t)c.n_rows * sizeof *result->rows);
  assert_non_null(result->rows);
  for (int64_t i = 0; i < c.n_rows; i++)
    result->rows[i] =
        (csv_candle){c.time ? c.time[i] : i,       ((const double *)c.open)[i],
                     ((const double *)c.high)[i],  ((const double *)c.low)[i],
                     ((const double *)c.close)[i], c.volume ? ((const double *)c.volume)[i] : (double)NAN};
  result->n_series = c.n_series;
  result->symbols = calloc((size_t)c.n_series, sizeof *result->symbols);
  assert_non_null(result->symbols);
  for (int64_t i = 0; i < c.n_series; i++) {
    const char *symbol = tlw_table_symbol(table, i);
    if (symbol) result->symbols[i] = strdup(symbol);
  }
  assert_null(tlw_table_symbol(table, -1));
  assert_null(tlw_table_symbol(table, c.n_series));
  if (c.offsets) {
    const size_t size = ((size_t)c.n_series + 1) * sizeof *result->offsets;
    result->offsets = malloc(size);
    assert_non_null(result->offsets);
    memcpy(result->offsets, c.offsets, size);
  }
  result->has_report = true;
  memset(&result->report, 0xa5, sizeof result->report);
  tlw_table_get_report(table, &result->report);
  assert_int_equal(result->report.has_volume, c.volume != NULL);
  assert_int_equal(result->report.has_time, c.time != NULL);
  check_size(path, result);
  tlw_table_close(&table);
  assert_null(table);
}

typedef struct space {
  tlw_csv_rows rows;
  void *columns[6];
} space;

static void open_space(space *s, int64_t capacity) {
  for (int i = 0; i < 6; i++) {
    s->columns[i] = malloc(((size_t)capacity + GUARD) * 8);
    assert_non_null(s->columns[i]);
  }
  s->rows = (tlw_csv_rows){.open = s->columns[0],
                           .high = s->columns[1],
                           .low = s->columns[2],
                           .close = s->columns[3],
                           .volume = s->columns[4],
                           .time = s->columns[5],
                           .capacity = capacity};
}

static void poison(space *s) {
  for (int i = 0; i < 6; i++) memset(s->columns[i], 0xa5, ((size_t)s->rows.capacity + GUARD) * 8);
}

/* Nothing from row n on was touched. */
static void check_untouched(const space *s, int64_t n) {
  for (int i = 0; i < 6; i++)
    for (int64_t k = n; k < s->rows.capacity + GUARD; k++) {
      uint64_t word;
      memcpy(&word, (const char *)s->columns[i] + k * 8, 8);
      if (word != UINT64_C(0xa5a5a5a5a5a5a5a5))
        fail_msg("column %d, row %" PRId64 " was written, of %" PRId64, i, k, n);
    }
}

static void take_rows(csv_result *result, const space *s, int64_t n, int64_t *capacity) {
  if (result->n_rows + n > *capacity) {
    *capacity = 2 * (result->n_rows + n);
    result->rows = realloc(result->rows, (size_t)*capacity * sizeof *result->rows);
    assert_non_null(result->rows);
  }
  const tlw_csv_rows *r = &s->rows;
  for (int64_t i = 0; i < n; i++)
    result->rows[result->n_rows++] =
        (csv_candle){r->time[i], r->open[i], r->high[i], r->low[i], r->close[i], r->volume[i]};
}

/* What comes behind the last rows stays as it was: nothing, or the same failure. */
static void check_again(tlw_csv *csv, space *s, const csv_result *result) {
  poison(s);
  int64_t n = -1;
  tlw_error again;
  memset(&again, 0x77, sizeof again);
  assert_int_equal(tlw_csv_next(csv, &s->rows, &n, &again), result->status);
  assert_int_equal(n, 0);
  check_untouched(s, 0);
  if (result->status != TLW_OK) assert_memory_equal(&again, &result->error, sizeof again);
}

void csv_read_rows(const char *path, const tlw_csv_options *options, int64_t capacity, csv_result *result) {
  *result = (csv_result){.n_series = 1};
  memset(&result->error, 0xa5, sizeof result->error);
  tlw_csv *csv = (tlw_csv *)(uintptr_t)1;
  result->status = tlw_csv_open(path, options, NULL, &csv, &result->error);
  if (result->status != TLW_OK) {
    assert_null(csv);
    check_error(&result->error, result->status);
    return;
  }
  space s;
  open_space(&s, capacity);
  int64_t n, taken = 0;
  do {
    poison(&s);
    n = -1;
    result->status = tlw_csv_next(csv, &s.rows, &n, &result->error);
    assert_in_range(n, 0, capacity);
    check_untouched(&s, n);
    take_rows(result, &s, n, &taken);
  } while (result->status == TLW_OK && n == capacity);
  check_again(csv, &s, result);
  if (result->status != TLW_OK) check_error(&result->error, result->status);
  result->has_report = true;
  memset(&result->report, 0xa5, sizeof result->report);
  tlw_csv_get_report(csv, &result->report);
  assert_int_equal(result->report.has_volume, tlw_csv_has_volume(csv));
  assert_int_equal(result->report.has_time, tlw_csv_has_time(csv));
  check_size(path, result);
  tlw_csv_close(&csv);
  assert_null(csv);
  for (int i = 0; i < 6; i++) free(s.columns[i]);
}

void csv_result_free(csv_result *result) {
  free(result->rows);
  free(result->offsets);
  if (result->symbols)
    for (int64_t i = 0; i < result->n_series; i++) free(result->symbols[i]);
  free(result->symbols);
  *result = (csv_result){0};
}

/* --- Comparing -------------------------------------------------------------------------------------------------- */

bool csv_same_candle(const csv_candle *a, const csv_candle *b) { return memcmp(a, b, sizeof *a) == 0; }

static void print_candle(const char *what, const csv_candle *c) {
  print_message("%s: time %" PRId64 " open %.17g high %.17g low %.17g close %.17g volume %.17g\n", what, c->time,
                c->open, c->high, c->low, c->close, c->volume);
}

bool csv_same_rows(const csv_result *result, const csv_candle *expected, int64_t n_expected) {
  for (int64_t i = 0; i < result->n_rows && i < n_expected; i++)
    if (!csv_same_candle(&result->rows[i], &expected[i])) {
      print_message("row %" PRId64 " differs\n", i);
      print_candle("got", &result->rows[i]);
      print_candle("expected", &expected[i]);
      return false;
    }
  if (result->n_rows != n_expected)
    print_message("%" PRId64 " rows instead of %" PRId64 "\n", result->n_rows, n_expected);
  return result->n_rows == n_expected;
}

uint64_t csv_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state * UINT64_C(0x2545f4914f6cdd1d);
}

size_t csv_random_below(uint64_t *state, size_t n) { return (size_t)((csv_random(state) >> 11) % n); }

/* --- Packing ---------------------------------------------------------------------------------------------------- */

static void deflate_into(csv_text *out, const void *bytes, size_t size, int window) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  const size_t capacity = deflateBound(&z, size) + 64;
  reserve(out, capacity);
  z.next_in = (unsigned char *)(uintptr_t)bytes;
  z.avail_in = (uInt)size;
  z.next_out = (unsigned char *)out->bytes + out->size;
  z.avail_out = (uInt)capacity;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out->size += capacity - z.avail_out;
  deflateEnd(&z);
}

static void put(csv_text *out, uint64_t value, size_t n_bytes) {
  for (size_t i = 0; i < n_bytes; i++) csv_append(out, &(unsigned char){(unsigned char)(value >> 8 * i)}, 1);
}

void csv_gzip(csv_text *out, const void *bytes, size_t size) { deflate_into(out, bytes, size, 15 + 16); }

/* RFC 8878: a frame with its content's size in 4 bytes and raw blocks of at most 128 KB. */
void csv_zstd(csv_text *out, const void *bytes, size_t size) {
  put(out, 0xfd2fb528, 4);
  put(out, 0xa0, 1);
  put(out, size, 4);
  size_t at = 0;
  do {
    const size_t part = size - at < 131072 ? size - at : 131072;
    put(out, part << 3 | (at + part == size), 3);
    csv_append(out, (const char *)bytes + at, part);
    at += part;
  } while (at < size);
}

static void put_zip_sizes(csv_text *out, uint32_t crc, size_t packed, size_t size) {
  put(out, crc, 4);
  put(out, packed, 4);
  put(out, size, 4);
  put(out, 8, 2); /* length of the name */
  put(out, 0, 2);
}

void csv_zip(csv_text *out, const void *bytes, size_t size, bool deflated) {
  const uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)size);
  csv_text packed = {0};
  if (deflated)
    deflate_into(&packed, bytes, size, -15);
  else
    csv_append(&packed, bytes, size);
  const size_t local = out->size;
  put(out, 0x04034b50, 4);
  put(out, 20, 2);
  put(out, 0, 2);
  put(out, deflated ? 8 : 0, 2);
  put(out, 0x5a21, 2);
  put(out, 0x5021, 2);
  put_zip_sizes(out, crc, packed.size, size);
  csv_append(out, "file.csv", 8);
  csv_append(out, packed.bytes, packed.size);
  const size_t directory = out->size;
  put(out, 0x02014b50, 4);
  put(out, 20, 2);
  put(out, 20, 2);
  put(out, 0, 2);
  put(out, deflated ? 8 : 0, 2);
  put(out, 0x5a21, 2);
  put(out, 0x5021, 2);
  put_zip_sizes(out, crc, packed.size, size);
  put(out, 0, 2 + 2 + 2); /* comment, disk, kind */
  put(out, 0, 4);
  put(out, local, 4);
  csv_append(out, "file.csv", 8);
  const size_t end = out->size;
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, 1, 2);
  put(out, 1, 2);
  put(out, end - directory, 4);
  put(out, directory, 4);
  put(out, 0, 2);
  csv_text_free(&packed);
}
