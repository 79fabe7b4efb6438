/*
 * Files that are damaged, endless, of another kind or made to do harm: each is refused at its row and field, or rows of
 * it are left out and counted; none takes more memory than the header of the reader names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "csv_kit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define HUGE_SIZE (SANITIZED ? 64 * MIB : GIB + 5)
#define HEADER "Date,Open,High,Low,Close,Volume\n"
#define GOOD "2020-01-01,10,12,9,11,100\n"
#define LATER "2020-01-02,10,12,9,11,100\n"

/* Of a reader that holds no rows, but for Zstandard; the table of the few rows that these files have comes to it. */
#define MEMORY (4 * MIB)
#define MEMORY_ZSTD (12 * MIB)

/* --- Reading with memory counted -------------------------------------------------------------------------------- */

typedef struct reading {
  tlw_status status;
  tlw_error error;
  int64_t n_rows, n_series;
  tlw_csv_report report;
  uint64_t bytes;   /* of the engine, at most */
  int64_t resident; /* by how much the process grew at most; -1: not known */
} reading;

static tlw_engine *open_engine(void) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  options.cache_dir = "";
  tlw_engine *engine = NULL;
  tlw_error error;
  if (tlw_engine_open(&engine, &options, &error) != TLW_OK) fail_msg("%s", error.message);
  return engine;
}

static tlw_counter host_bytes(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats.host_bytes;
}

/* KiB of a line of /proc/self/status; -1: unknown. */
static int64_t status_kib(const char *name) {
  FILE *file = fopen("/proc/self/status", "r");
  if (!file) return -1;
  char line[256];
  long long kib = -1;
  while (kib < 0 && fgets(line, sizeof line, file))
    if (strncmp(line, name, strlen(name)) == 0) kib = strtoll(line + strlen(name), NULL, 10);
  fclose(file);
  return kib;
}

/* The peak of resident memory begins anew. */
static int64_t begin_peak(void) {
  FILE *file = fopen("/proc/self/clear_refs", "w");
  const bool done = file && fputs("5", file) >= 0;
  if (!file || fclose(file) != 0 || !done) return -1;
  return status_kib("VmRSS:");
}

static void read_path(const char *path, const tlw_csv_options *options, reading *r) {
  memset(r, 0, sizeof *r);
  tlw_engine *engine = open_engine();
  const tlw_counter before = host_bytes(engine);
  assert_int_equal(before.peak, before.current);
  const int64_t resident = begin_peak();
  tlw_table *table = (tlw_table *)(uintptr_t)1;
  memset(&r->error, 0xa5, sizeof r->error);
  r->status = tlw_csv_read(path, options, engine, &table, &r->error);
  r->resident = resident < 0 || SANITIZED ? -1 : (status_kib("VmHWM:") - resident) * 1024;
  r->bytes = host_bytes(engine).peak - before.current;
  if (r->status == TLW_OK) {
    tlw_candles c;
    tlw_table_candles(table, &c);
    r->n_rows = c.n_rows;
    r->n_series = c.n_series;
    tlw_table_get_report(table, &r->report);
  } else {
    assert_null(table);
    assert_int_equal(r->error.code, r->status);
    assert_non_null(memchr(r->error.message, 0, sizeof r->error.message));
    assert_true(strlen(r->error.message) > 10);
    for (const char *at = r->error.message; *at; at++) assert_true((unsigned char)*at >= ' ');
  }
  tlw_table_close(&table);
  assert_true(host_bytes(engine).current == before.current);
  tlw_engine_close(&engine);
}

static void check_memory(const reading *r, uint64_t limit) {
  if (r->bytes > limit) fail_msg("%" PRIu64 " bytes were taken", r->bytes);
  if (r->resident > (int64_t)limit) fail_msg("the process grew by %" PRId64 " bytes", r->resident);
}

static void say_reading(const reading *r) {
  print_message("%s at %" PRId64 ", %" PRId32 ": %s; %" PRId64 " rows, %" PRId64 " left out\n",
                tlw_status_name(r->status), r->error.row, r->error.column, r->status == TLW_OK ? "" : r->error.message,
                r->n_rows, r->report.skipped);
}

/* Refused as data, there; column 0: anywhere in the row. */
static void expect_refusal(const reading *r, int64_t row, int32_t column, const char *part) {
  if (r->status == TLW_ERR_DATA && r->error.row == row && (column == 0 || r->error.column == column) &&
      strstr(r->error.message, part))
    return;
  say_reading(r);
  fail_msg("instead of a refusal at %" PRId64 ", %" PRId32 " with \"%s\"", row, column, part);
}

static void expect_rows(const reading *r, int64_t n_rows, int64_t skipped) {
  if (r->status == TLW_OK && r->n_rows == n_rows && r->report.skipped == skipped &&
      r->report.defects[TLW_DEFECT_FIELD] == skipped)
    return;
  say_reading(r);
  fail_msg("instead of %" PRId64 " rows and %" PRId64 " left out", n_rows, skipped);
}

static tlw_csv_options skipping(void) {
  tlw_csv_options o = csv_defaults();
  o.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
  return o;
}

static void read_bytes(const void *bytes, size_t size, const tlw_csv_options *options, reading *r) {
  csv_write(bytes, size);
  read_path(csv_path(), options, r);
}

/* --- Small files ------------------------------------------------------------------------------------------------ */

#define TEXT(literal) literal, sizeof literal - 1

/* Each is refused; with bad fields skipped it is refused too (rows -1) or gives so many rows, others being left out. */
static const struct {
  const char *bytes;
  size_t size;
  int64_t row;
  int32_t column; /* 0: any */
  const char *part;
  int64_t rows, skipped;
} files[] = {
    {TEXT(""), -1, -1, "empty", -1, 0},
    {TEXT("\n"), -1, -1, "empty", -1, 0},
    {TEXT("\r\n\r\n  \t\n"), -1, -1, "empty", -1, 0},
    {TEXT("\xef\xbb\xbf"), -1, -1, "empty", -1, 0},
    {TEXT("# nothing\n#\n"), -1, -1, "", -1, 0},
    {TEXT(HEADER), -1, -1, "no candles", -1, 0},
    {TEXT(HEADER "\n\n# x\n"), -1, -1, "no candles", -1, 0},
    {TEXT("Date,Open,High,Low,Close"), -1, -1, "no candles", -1, 0},
    {TEXT(HEADER GOOD HEADER LATER), 3, 0, "header", 2, 1},
    {TEXT(HEADER GOOD HEADER HEADER LATER HEADER), 3, 0, "header", 2, 3},
    {TEXT(HEADER GOOD "\xef\xbb\xbf" HEADER LATER), 3, 0, "", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02;10;12;9;11;100\n"), 3, -1, "field", 1, 1},
    {TEXT(HEADER GOOD "2020-01-02\t10\t12\t9\t11\t100\n" LATER), 3, -1, "field", 2, 1},
    {TEXT("Date;Open;High;Low;Close\n2020-01-01,10,12,9,11\n2020-01-01;10;12;9;11\n"), 2, 0, "", 1, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12\0,9,11,100\n" LATER), 3, 3, "zero byte", 2, 1},
    {TEXT(HEADER GOOD "\0\0\0\0\0\0"), 3, 0, "", 1, 1},
    {TEXT(HEADER GOOD "\0\n\0\n" LATER), 3, 0, "", 2, 2},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,11,\"100\n" LATER), 3, 6, "quotes", 2, 1},
    {TEXT(HEADER GOOD "\"2020-01-02,10,12,9,11,100\n" LATER "\n"), 3, 1, "quotes", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,\"11\"\"\",100\n" LATER), 3, 5, "", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,\"1\"1,100\n" LATER), 3, 5, "quotes", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,1e999,9,11,100\n" LATER), 3, 3, "1e999", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,-1e309,11,100\n" LATER), 3, 4, "1e309", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,11,1e310\n" LATER), 3, 6, "1e310", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,0x1p3,12,9,11,100\n" LATER), 3, 2, "0x1p3", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,11,0xff\n" LATER), 3, 6, "0xff", 2, 1},
    {TEXT(HEADER GOOD "nan,10,12,9,11,100\n" LATER), 3, 1, "nan", 2, 1},
    {TEXT(HEADER GOOD "inf,10,12,9,11,100\n" LATER), 3, 1, "inf", 2, 1},
    {TEXT(HEADER GOOD "2021-02-30,10,12,9,11,100\n"), 3, 1, "2021-02-30", 1, 1},
    {TEXT(HEADER GOOD "0000-00-00,10,12,9,11,100\n"), 3, 1, "0000-00-00", 1, 1},
    {TEXT(HEADER GOOD "9999-12-31,10,12,9,11,100\n"), 3, 1, "1678", 1, 1},
    {TEXT(HEADER GOOD "99999-01-01,10,12,9,11,100\n"), 3, 1, "99999-01-01", 1, 1},
    {TEXT(HEADER GOOD "99999999999999999999,10,12,9,11,100\n"), 3, 1, "9999", 1, 1},
    {TEXT(HEADER GOOD ",,,,,\n" LATER), 3, 1, "", 2, 1},
    {TEXT(HEADER GOOD ",\n" LATER), 3, -1, "field", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,11,100,,,,,,,,\n" LATER), 3, -1, "field", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,11,1\r00\n" LATER), 3, 0, "", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,1\x01\x7f\xff,100\n" LATER), 3, 5, "\\x01", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,%s%n%d,9,11,100\n" LATER), 3, 3, "%s%n%d", 2, 1},
    {TEXT(HEADER GOOD "2020-01-02,10,12,9,\xef\xbc\x91,100\n" LATER), 3, 5, "", 2, 1},
    {TEXT("Date,Open,High,Low,Close\r2020-01-01,10,12,9,11\r2020-01-02,10,12,9,11\r"), 1, 0, "", -1, 0},
    {TEXT("\xff\xfe"
          "D\0a\0t\0e\0,\0O\0p\0e\0n\0\n\0"),
     1, 0, "UTF-8", -1, 0},
    {TEXT("\xfe\xff"
          "\0D\0a\0t\0e\0,\0O\0p\0e\0n\0\n"),
     1, 0, "UTF-8", -1, 0},
    {TEXT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\x06\0\0\0"), 3, 1, "zero byte", -1, 0},
    {TEXT("\"Date,Open,High,Low,Close\n2020-01-01,10,12,9,11\n"), 1, 0, "", -1, 0},
    {TEXT("<html><body>404, not found</body></html>\n"), 1, 0, "", -1, 0},
    {TEXT("{\"s\":\"ok\",\"t\":[1577836800],\"o\":[10],\"h\":[12],\"l\":[9],\"c\":[11]}\n"), 1, 0, "", -1, 0},
    {TEXT(",,,,,\n,,,,,\n"), 1, 0, "", -1, 0},
    {TEXT(";\n;\n"), 1, 0, "", -1, 0},
};

static void test_small_files(void **state) {
  (void)state;
  const tlw_csv_options strict = csv_defaults(), lenient = skipping();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    reading r;
    print_message("%zu ", i);
    read_bytes(files[i].bytes, files[i].size, &strict, &r);
    expect_refusal(&r, files[i].row, files[i].column, files[i].part);
    check_memory(&r, MEMORY);
    read_bytes(files[i].bytes, files[i].size, &lenient, &r);
    if (files[i].rows < 0)
      assert_int_equal(r.status, TLW_ERR_DATA);
    else
      expect_rows(&r, files[i].rows, files[i].skipped);
    check_memory(&r, MEMORY);
  }
  print_message("\n");
}

/* inf and nan are no prices, and no numbers of volume; -0 is one. */
static void test_odd_numbers(void **state) {
  (void)state;
  static const char text[] =
      HEADER "2020-01-01,inf,nan,-inf,,nan\n2020-01-02,-0,0,-0,-0.0,-0\n2020-01-03,1e-999,1,0,1,1e300\n";
  csv_write(text, sizeof text - 1);
  const double nan = (double)NAN;
  const int64_t day = INT64_C(86400000000000);
  const csv_candle rows[] = {{18262 * day, nan, nan, nan, nan, nan},
                             {18263 * day, -0.0, 0, -0.0, -0.0, -0.0},
                             {18264 * day, 0, 1, 0, 1, 1e300}};
  csv_result r;
  csv_read_table(csv_path(), NULL, &r);
  if (r.status != TLW_OK) fail_msg("%s", r.error.message);
  assert_true(csv_same_rows(&r, rows, 3));
  assert_int_equal(r.report.defects[TLW_DEFECT_MISSING_PRICE], 1);
  assert_int_equal(r.report.defects[TLW_DEFECT_NEGATIVE_PRICE], 0);
  assert_int_equal(r.report.defects[TLW_DEFECT_NEGATIVE_VOLUME], 0);
  csv_result_free(&r);
}

static void test_many_columns(void **state) {
  (void)state;
  const tlw_csv_options strict = csv_defaults(), lenient = skipping();
  csv_text text = {0};
  reading r;
  for (int i = 0; i < 100000; i++) csv_printf(&text, "c%d,", i);
  csv_printf(&text, "x\n");
  read_bytes(text.bytes, text.size, &strict, &r);
  expect_refusal(&r, 1, 0, "");
  check_memory(&r, MEMORY + 4 * MIB);

  text.size = 0;
  csv_printf(&text, HEADER GOOD);
  for (int i = 0; i < 100000; i++) csv_printf(&text, "5,");
  csv_printf(&text, "\n" LATER);
  read_bytes(text.bytes, text.size, &strict, &r);
  expect_refusal(&r, 3, -1, "fields");
  read_bytes(text.bytes, text.size, &lenient, &r);
  expect_rows(&r, 2, 1);
  check_memory(&r, MEMORY);

  text.size = 0; /* and some that are read, among as many others */
  csv_printf(&text, "Date,Open,High,");
  for (int i = 0; i < 100000; i++) csv_printf(&text, "c%d,", i);
  csv_printf(&text, "Low,Close\n2020-01-01,10,12,");
  for (int i = 0; i < 100000; i++) csv_printf(&text, "x,");
  csv_printf(&text, "9,11\n");
  read_bytes(text.bytes, text.size, &strict, &r);
  expect_rows(&r, 1, 0);
  csv_text_free(&text);
}

/* Numbers of nearly a line's length are read as any other. */
static void test_long_numbers(void **state) {
  (void)state;
  const size_t digits = 1000000;
  char *number = malloc(digits + 1);
  assert_non_null(number);
  memset(number, '9', digits);
  number[digits] = 0;
  csv_text text = {0};
  csv_printf(&text, HEADER GOOD "2020-01-02,10,%s,9,11,100\n", number);
  const tlw_csv_options strict = csv_defaults();
  reading r;
  read_bytes(text.bytes, text.size, &strict, &r);
  expect_refusal(&r, 3, 3, "999");
  check_memory(&r, MEMORY);
  text.size = 0;
  csv_printf(&text, HEADER GOOD "%s,10,12,9,11,100\n", number);
  read_bytes(text.bytes, text.size, &strict, &r);
  expect_refusal(&r, 3, 1, "999");
  text.size = 0;
  csv_printf(&text, HEADER "2020-01-01,10,11.%s,9,11,100\n", number);
  csv_write(text.bytes, text.size);
  csv_result whole;
  csv_read_table(csv_path(), NULL, &whole);
  assert_int_equal(whole.status, TLW_OK);
  assert_true(whole.rows[0].high == 12);
  csv_result_free(&whole);
  text.size = 0;
  csv_printf(&text, HEADER "2020-01-01T10:00:00.%s,10,12,9,11,100\n", number);
  read_bytes(text.bytes, text.size, &strict, &r);
  expect_refusal(&r, 2, 1, "2020-01-01T10");
  csv_text_free(&text);
  free(number);
}

static void test_noise(void **state) {
  (void)state;
  const tlw_csv_options lenient = skipping();
  uint64_t seed = 0x853c49e6748fea9bu;
  static char noise[200000];
  for (int i = 0; i < 60; i++) {
    const size_t size = csv_random_below(&seed, sizeof noise);
    for (size_t k = 0; k < size; k++) noise[k] = (char)csv_random(&seed);
    for (size_t k = 0; i % 3 == 1 && k < size; k++) noise[k] = "0123456789,.-\n \"e:;\r"[(unsigned char)noise[k] % 20];
    static const char *const heads[] = {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "PK\x03\x04", HEADER};
    const char *head = heads[i % 4];
    if (i % 5 < 3 && size > 100) memcpy(noise, head, strlen(head));
    reading r;
    read_bytes(noise, size, &lenient, &r);
    if (r.status != TLW_OK && r.status != TLW_ERR_DATA && r.status != TLW_ERR_UNAVAILABLE) {
      say_reading(&r);
      fail();
    }
    check_memory(&r, MEMORY_ZSTD);
  }
  reading r;
  read_path("/proc/self/exe", &lenient, &r);
  expect_refusal(&r, 1, 0, "");
  read_path("/dev/zero", &lenient, &r); /* ends, although the file does not */
  expect_refusal(&r, 1, 0, "");
  check_memory(&r, MEMORY);
  read_path("/dev/null", &lenient, &r);
  expect_refusal(&r, -1, -1, "empty");
}

/* --- Packed files that are cut or damaged ------------------------------------------------------------------------ */

typedef enum packing { GZIP, ZSTD, DEFLATED, STORED, PACKINGS } packing;

static void pack(csv_text *out, const csv_text *text, packing kind) {
  if (kind == GZIP)
    csv_gzip(out, text->bytes, text->size);
  else if (kind == ZSTD)
    csv_zstd(out, text->bytes, text->size);
  else
    csv_zip(out, text->bytes, text->size, kind == DEFLATED);
}

static void write_rows(csv_text *text, int n) {
  csv_printf(text, HEADER);
  for (int i = 0; i < n; i++)
    csv_printf(text, "%d,%d.25,%d.5,%d,%d,7\n", 1000000000 + i * 60, i + i * i % 7, i + 10, i, i + 1);
}

static void test_cut(void **state) {
  (void)state;
  csv_text text = {0};
  write_rows(&text, 30);
  for (packing kind = GZIP; kind < PACKINGS; kind++) {
    csv_text packed = {0};
    pack(&packed, &text, kind);
    for (size_t n = 1; n < packed.size; n++) {
      csv_result r;
      csv_write(packed.bytes, n);
      csv_read_table(csv_path(), NULL, &r);
      const bool in_directory = kind >= DEFLATED && n + 22 + 46 + 8 >= packed.size; /* all of the member is there */
      if (kind == ZSTD && r.status == TLW_ERR_UNAVAILABLE)
        n = packed.size;
      else if (in_directory && r.status == TLW_OK)
        assert_int_equal(r.n_rows, 30);
      else if (r.status != TLW_ERR_DATA)
        fail_msg("%d cut at %zu of %zu: %s", (int)kind, n, packed.size, tlw_status_name(r.status));
      else if (n >= 4 && (r.error.row != -1 || !strstr(r.error.message, "ends early")))
        fail_msg("%d cut at %zu of %zu: row %" PRId64 ": %s", (int)kind, n, packed.size, r.error.row, r.error.message);
      csv_result_free(&r);
    }
    csv_text_free(&packed);
  }
  csv_text_free(&text);
}

/* A bit that is wrong is told by the sums, but for those that say nothing about what is packed. */
static void test_damaged(void **state) {
  (void)state;
  csv_text text = {0};
  write_rows(&text, 20);
  csv_write(text.bytes, text.size);
  csv_result whole;
  csv_read_table(csv_path(), NULL, &whole);
  assert_int_equal(whole.status, TLW_OK);
  for (packing kind = GZIP; kind < PACKINGS; kind++) {
    csv_text packed = {0};
    pack(&packed, &text, kind);
    for (size_t bit = 0; bit < packed.size * 8; bit++) {
      packed.bytes[bit / 8] ^= (char)(1 << bit % 8);
      csv_result r;
      csv_write(packed.bytes, packed.size);
      csv_read_table(csv_path(), NULL, &r);
      if (r.status == TLW_OK && kind != ZSTD && !csv_same_rows(&r, whole.rows, whole.n_rows))
        fail_msg("%d: bit %zu changes rows", (int)kind, bit);
      if (r.status != TLW_OK && r.status != TLW_ERR_DATA && r.status != TLW_ERR_UNAVAILABLE)
        fail_msg("%d, bit %zu: %s", (int)kind, bit, tlw_status_name(r.status));
      csv_result_free(&r);
      packed.bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    csv_text_free(&packed);
  }
  csv_result_free(&whole);
  csv_text_free(&text);
}

/* --- Files that unpack to far more than they are ------------------------------------------------------------------ */

/* A Zstandard frame of blocks of 128 KiB, each one byte repeated. */
static void zstd_bomb(csv_text *out, const char *head, size_t n_blocks) {
  static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58};
  csv_append(out, frame, sizeof frame);
  const size_t size = strlen(head);
  const uint32_t raw = (uint32_t)size << 3;
  csv_append(out, &(unsigned char[3]){(unsigned char)raw, (unsigned char)(raw >> 8), (unsigned char)(raw >> 16)}, 3);
  csv_append(out, head, size);
  for (size_t i = 0; i < n_blocks; i++) {
    const uint32_t block = UINT32_C(131072) << 3 | 1 << 1 | (i + 1 == n_blocks);
    csv_append(
        out, &(unsigned char[4]){(unsigned char)block, (unsigned char)(block >> 8), (unsigned char)(block >> 16), '\n'},
        4);
  }
}

static void test_bombs(void **state) {
  (void)state;
  const size_t size = 160 * MIB;
  char *lines = malloc(size);
  assert_non_null(lines);
  memset(lines, '\n', size);
  memcpy(lines, HEADER GOOD, strlen(HEADER GOOD));
  csv_text packed = {0};
  for (int kind = 0; kind < 3; kind++) {
    packed.size = 0;
    if (kind == 0)
      csv_gzip(&packed, lines, size);
    else if (kind == 1)
      csv_zip(&packed, lines, size, true);
    else
      zstd_bomb(&packed, HEADER GOOD, size / 131072);
    csv_write(packed.bytes, packed.size);
    for (int i = 0; i < 4; i++) {
      tlw_csv_options o = csv_defaults();
      o.expansion = i == 0 ? 0 : i == 1 ? 1 : i == 2 ? 50 : 4000000;
      reading r;
      read_path(csv_path(), &o, &r);
      if (kind == 2 && r.status == TLW_ERR_UNAVAILABLE) break;
      if (i < 3)
        expect_refusal(&r, -1, -1, "times");
      else
        expect_rows(&r, 1, 0);
      check_memory(&r, kind == 2 ? MEMORY_ZSTD : MEMORY);
    }
  }
  /* Up to 64 MiB nothing is too much. */
  packed.size = 0;
  csv_gzip(&packed, lines, 60 * MIB);
  tlw_csv_options o = csv_defaults();
  o.expansion = 1;
  reading r;
  read_bytes(packed.bytes, packed.size, &o, &r);
  expect_rows(&r, 1, 0);
  csv_text_free(&packed);
  free(lines);
}

/* --- Lines without an end, through a pipe ------------------------------------------------------------------------- */

typedef struct flood {
  const char *head;
  const char *filling; /* repeated */
  const char *tail;
} flood;

static void write_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(0); /* the reader has seen enough */
    bytes += n;
    size -= (size_t)n;
  }
}

static void pour(int fd, const flood *f, uint64_t size) {
  static char block[1 << 18];
  const size_t unit = strlen(f->filling);
  const size_t filled = sizeof block / unit * unit;
  for (size_t i = 0; i < filled; i++) block[i] = f->filling[i % unit];
  write_all(fd, f->head, strlen(f->head));
  for (uint64_t done = 0; done < size; done += filled) write_all(fd, block, filled);
  write_all(fd, f->tail, strlen(f->tail));
  _exit(0);
}

static void read_flood(const flood *f, uint64_t size, const tlw_csv_options *o, reading *r) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    pour(ends[1], f, size);
  }
  close(ends[1]);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  read_path(path, o, r);
  close(ends[0]);
  int ended;
  assert_int_equal(waitpid(child, &ended, 0), child);
}

static void test_floods(void **state) {
  (void)state;
  static const struct {
    flood flood;
    int64_t row;
    int32_t column;
    const char *part;
    int64_t rows, skipped; /* where bad fields are skipped; -1: refused too */
  } floods[] = {
      {{HEADER GOOD "2020-01-02,", "7", ",12,9,11,100\n2020-01-03,10,12,9,11,100\n"}, 3, -1, "1 MiB", 2, 1},
      {{HEADER GOOD "2020-01-02,10,12,9,11,100", ",", "\n2020-01-03,10,12,9,11,100\n"}, 3, -1, "1 MiB", 2, 1},
      {{HEADER GOOD "\"", "a,\"\"", "\n"}, 3, -1, "1 MiB", 1, 1},
      {{HEADER GOOD, "x", ""}, 3, -1, "1 MiB", 1, 1},
      {{HEADER GOOD, " ", LATER LATER}, 3, -1, "1 MiB", 2, 1},
      {{HEADER GOOD, " ", "\n" LATER}, 3, -1, "1 MiB", 2, 1},
      {{"", "x", "\n" HEADER GOOD}, 1, -1, "1 MiB", -1, 0},
      {{"", "Date,", "\n" GOOD}, 1, -1, "1 MiB", -1, 0},
  };
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    const tlw_csv_options strict = csv_defaults(), lenient = skipping();
    reading r;
    read_flood(&floods[i].flood, HUGE_SIZE, &strict, &r);
    expect_refusal(&r, floods[i].row, floods[i].column, floods[i].part);
    check_memory(&r, MEMORY);
    read_flood(&floods[i].flood, HUGE_SIZE, &lenient, &r);
    if (floods[i].rows < 0)
      expect_refusal(&r, floods[i].row, floods[i].column, floods[i].part);
    else
      expect_rows(&r, floods[i].rows, floods[i].skipped);
    check_memory(&r, MEMORY);
  }
  /* Lines that are passed over, without end. */
  static const flood empty[] = {{HEADER GOOD, "\n", LATER},
                                {HEADER GOOD, "# a comment\n", LATER},
                                {"", "\r\n", HEADER GOOD LATER},
                                {HEADER GOOD, "#", "\n" LATER}};
  for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
    reading r;
    read_flood(&empty[i], HUGE_SIZE / 8, NULL, &r);
    expect_rows(&r, 2, 0);
    check_memory(&r, MEMORY);
    if (i < 3) assert_true(r.report.lines > (int64_t)(HUGE_SIZE / 8 / 12));
  }
}

/* --- Symbols ---------------------------------------------------------------------------------------------------- */

static void test_long_symbols(void **state) {
  (void)state;
  char symbol[257];
  for (size_t length = 250; length <= 256; length++) {
    memset(symbol, 'S', length);
    symbol[length] = 0;
    csv_text text = {0};
    csv_printf(&text, "Date,Open,High,Low,Close,Symbol\n2020-01-01,1,1,1,1,A\n2020-01-02,1,1,1,1,%s\n", symbol);
    csv_write(text.bytes, text.size);
    tlw_csv_options o = csv_defaults();
    o.by = "Symbol";
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (length <= 255) {
      assert_int_equal(r.status, TLW_OK);
      assert_int_equal(r.n_series, 2);
      assert_string_equal(r.symbols[1], symbol);
    } else {
      assert_int_equal(r.status, TLW_ERR_DATA);
      assert_int_equal(r.error.row, 3);
      assert_int_equal(r.error.column, 6);
      csv_result_free(&r);
      o.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
      csv_read_table(csv_path(), &o, &r);
      assert_int_equal(r.status, TLW_OK);
      assert_int_equal(r.n_series, 1);
      assert_int_equal(r.report.skipped, 1);
    }
    csv_result_free(&r);
    csv_text_free(&text);
  }
}

/* As many symbols as there are in the world, taking turns. */
static void test_many_symbols(void **state) {
  (void)state;
  const int n = SANITIZED ? 20000 : 100000;
  csv_text text = {0};
  csv_printf(&text, "Date,Open,High,Low,Close,Symbol\n");
  for (int row = 0; row < 3; row++)
    for (int i = 0; i < n; i++) csv_printf(&text, "2020-01-0%d,%d,%d,%d,%d,S%d\n", row + 1, i, i, i, i, i);
  csv_write(text.bytes, text.size);
  csv_text_free(&text);
  tlw_csv_options o = csv_defaults();
  o.by = "Symbol";
  csv_result r;
  csv_read_table(csv_path(), &o, &r);
  if (r.status != TLW_OK) fail_msg("%s", r.error.message);
  assert_int_equal(r.n_series, n);
  for (int i = 0; i < n; i++) {
    char name[16];
    snprintf(name, sizeof name, "S%d", i);
    assert_string_equal(r.symbols[i], name);
    assert_true(r.offsets[i] == 3 * i && r.rows[3 * i].close == i && r.rows[3 * i + 2].close == i);
  }
  csv_result_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small_files),  cmocka_unit_test(test_odd_numbers),  cmocka_unit_test(test_many_columns),
      cmocka_unit_test(test_long_numbers), cmocka_unit_test(test_noise),        cmocka_unit_test(test_cut),
      cmocka_unit_test(test_damaged),      cmocka_unit_test(test_bombs),        cmocka_unit_test(test_floods),
      cmocka_unit_test(test_long_symbols), cmocka_unit_test(test_many_symbols),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
