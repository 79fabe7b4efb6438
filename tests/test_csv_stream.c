/*
 * The CSV reader some rows at a time: the rows, refusals and counts of the whole file, by the fast path and by the
 * general one, in memory that is fixed and counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "folder.h"
#include "host/io/csv_reader.h"
#include "tallow/csv.h"

#define HEADER "Date,Open,High,Low,Close,Volume\n"
#define MIB ((uint64_t)1 << 20)

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t n) { return (size_t)((random_u64() >> 11) % n); }

static const char *path_of_file(void) { return path_of("file.csv"); }

static void write_bytes(const void *bytes, size_t size) {
  unlink(path_of_file()); /* a file that is written anew may be put on the disk at once */
  FILE *file = fopen(path_of_file(), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void write_text(const char *text) { write_bytes(text, strlen(text)); }

static void write_gzip(const void *bytes, size_t size) {
  gzFile file = gzopen(path_of_file(), "wb1");
  assert_non_null(file);
  assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
  assert_int_equal(gzclose(file), Z_OK);
}

/* Row i has the open i + 0.25, so that it is known wherever it is read. */
static char *rows_text(int64_t n_rows, size_t *size) {
  char *text = malloc((size_t)n_rows * 64 + 64);
  assert_non_null(text);
  size_t used = (size_t)sprintf(text, HEADER);
  for (int64_t i = 0; i < n_rows; i++)
    used += (size_t)sprintf(text + used, "%" PRId64 ",%" PRId64 ".25,%" PRId64 ".5,%" PRId64 ",%" PRId64 ",7\n",
                            1000000000 + i * 60, i, i, i, i);
  *size = used;
  return text;
}

#define GUARD 4
#define POISON UINT64_C(0xa5a5a5a5a5a5a5a5)

/* The caller's memory: columns of capacity values, poisoned, with guards behind. */
typedef struct space {
  tlw_csv_rows rows;
  void *columns[6];
} space;

static void poison(space *s) {
  for (int i = 0; i < 6; i++) memset(s->columns[i], 0xa5, ((size_t)s->rows.capacity + GUARD) * 8);
}

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
  poison(s);
}

static void close_space(space *s) {
  for (int i = 0; i < 6; i++) free(s->columns[i]);
}

/* Nothing from row n on was touched. */
static void check_untouched(const space *s, int64_t n) {
  for (int i = 0; i < 6; i++)
    for (int64_t k = n; k < s->rows.capacity + GUARD; k++) {
      uint64_t word;
      memcpy(&word, (const char *)s->columns[i] + k * 8, 8);
      if (word != POISON) fail_msg("column %d, row %" PRId64 " was written, of %" PRId64, i, k, n);
    }
}

static tlw_engine *open_engine(uint64_t host_budget) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  options.host_budget = host_budget;
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

/* --- The same as the whole file ----------------------------------------------------------------------------------- */

static void check_same(const tlw_candles *whole, int64_t row, const space *s, int64_t n) {
  const void *columns[6] = {whole->open, whole->high, whole->low, whole->close, whole->volume, whole->time};
  assert_true(row + n <= whole->n_rows);
  for (int i = 0; i < 6; i++) {
    if (columns[i]) {
      if (memcmp((const char *)columns[i] + row * 8, s->columns[i], (size_t)n * 8) != 0)
        fail_msg("column %d differs in rows %" PRId64 " to %" PRId64, i, row, row + n);
      continue;
    }
    for (int64_t k = 0; k < n; k++) assert_true(isnan(s->rows.volume[k]));
  }
}

/* A file that is read by the fast path, or by the general one alone, some rows at a time. */
typedef struct stream {
  tlw_csv *csv;
  space space;
  tlw_status status;
  int64_t n;
  tlw_error error;
  tlw_csv_report report;
} stream;

static void open_stream(stream *s, const tlw_csv_options *options, int64_t capacity, bool general) {
  open_space(&s->space, capacity);
  memset(&s->error, 0x5a, sizeof s->error);
  s->csv = NULL;
  s->n = capacity;
  s->status = tlw_csv_open(path_of_file(), options, NULL, &s->csv, &s->error);
  if (s->status != TLW_OK) assert_null(s->csv);
  if (s->csv && general) tlw_csv_plain_off(s->csv);
}

static void next_rows(stream *s) {
  poison(&s->space);
  s->n = -1;
  s->status = tlw_csv_next(s->csv, &s->space.rows, &s->n, &s->error);
  assert_in_range(s->n, 0, s->space.rows.capacity);
  check_untouched(&s->space, s->n);
  memset(&s->report, 0xa5, sizeof s->report);
  tlw_csv_get_report(s->csv, &s->report);
}

/* Behind the end and a failure every call gives the same and no rows. */
static void check_ended(stream *s) {
  const tlw_error error = s->error;
  const tlw_status status = s->status;
  next_rows(s);
  assert_int_equal(s->status, status);
  assert_int_equal(s->n, 0);
  assert_memory_equal(&s->error, &error, sizeof error);
}

static void close_stream(stream *s) {
  tlw_csv_close(&s->csv);
  assert_null(s->csv);
  close_space(&s->space);
}

static void check_alike(const stream *a, const stream *b) {
  assert_int_equal(a->status, b->status);
  assert_int_equal(a->n, b->n);
  assert_memory_equal(&a->error, &b->error, sizeof a->error);
  for (int i = 0; i < 6; i++)
    if (memcmp(a->space.columns[i], b->space.columns[i], (size_t)a->n * 8) != 0) fail_msg("column %d differs", i);
  if (memcmp(&a->report, &b->report, sizeof a->report) != 0) fail_msg("the reports differ");
}

/*
 * The file gives the rows of the table, as many at a time as said, or the refusal of the table at the place where it
 * is, and both paths give the same, call by call.
 */
static void check_stream_with(const tlw_csv_options *options, int64_t capacity) {
  tlw_table *table = NULL;
  tlw_error whole_error;
  memset(&whole_error, 0xa5, sizeof whole_error);
  const tlw_status whole_status = tlw_csv_read(path_of_file(), options, NULL, &table, &whole_error);
  tlw_candles whole = {0};
  if (table) tlw_table_candles(table, &whole);

  stream fast, general;
  open_stream(&fast, options, capacity, false);
  open_stream(&general, options, capacity, true);
  assert_int_equal(fast.status, general.status);
  int64_t row = 0;
  if (fast.status == TLW_OK) {
    assert_int_equal(tlw_csv_has_volume(fast.csv), table ? whole.volume != NULL : tlw_csv_has_volume(fast.csv));
    do {
      next_rows(&fast);
      next_rows(&general);
      check_alike(&fast, &general);
      if (table) check_same(&whole, row, &fast.space, fast.n);
      row += fast.n;
    } while (fast.status == TLW_OK && fast.n == capacity);
    check_ended(&fast);
  }
  assert_int_equal(fast.status, whole_status);
  if (fast.status == TLW_OK) {
    assert_int_equal(row, whole.n_rows);
    tlw_csv_report report;
    memset(&report, 0x5a, sizeof report);
    tlw_table_get_report(table, &report);
    if (memcmp(&report, &fast.report, sizeof report) != 0) fail_msg("the table's report differs");
  } else {
    assert_string_equal(fast.error.message, whole_error.message);
    assert_true(fast.error.row == whole_error.row && fast.error.column == whole_error.column);
  }
  close_stream(&fast);
  close_stream(&general);
  tlw_table_close(&table);
}

static void check_stream(int64_t capacity) { check_stream_with(NULL, capacity); }

static void test_every_capacity(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 4095, 4096, 4097, 8192, 20000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t size;
    char *text = rows_text(sizes[i], &size);
    for (int gzip = 0; gzip < 2; gzip++) {
      if (gzip)
        write_gzip(text, size);
      else
        write_bytes(text, size);
      static const int64_t capacities[] = {1, 2, 3, 1000, 4096, 20000, 50000};
      for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++) check_stream(capacities[k]);
    }
    free(text);
  }
}

static void test_kinds(void **state) {
  (void)state;
  static const char *const texts[] = {
      "date,open,high,low,close\n2020-01-01,10,12,9,11\n2020-01-02,,12,9,11\n2020-01-03,1,2,0.5,1\n",
      "Close,Time,x,Low,Date,High,y,Open\n11,9:00,,9,1/1/2020,12,\"a,\"\"b\",10\n11,10:00,,9,1/1/2020,12,,10\n",
      HEADER "2020-01-01,10,12,9,11,\n2020-01-02,inf,12,9,11,nan\n",
      HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,1\n2020-01-03,10,8,9,11,1\n",
      HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,1\n2020-01-02,10,12,9,11,1\n",
      HEADER "2020-01-01,10,12,9,11,1\n2019-01-02,10,12,9,11,1\n",
      HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11\n",
      HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,\"1\n",
      HEADER,
      HEADER "\n\r\n",
      "",
      "a,b,c\n1,2,3\n",
      "Date,Open,Open,High,Low,\"Close\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    write_text(texts[i]);
    for (int64_t capacity = 1; capacity <= 5; capacity++) check_stream(capacity);
  }
}

/* What makes the line unreadable is told before what is missing. */
static void test_order_of_faults(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
    int32_t column;
  } cases[] = {{"Date,Open,Open,\"High\n", "quotes", 4},
               {"Date,\"Op\0en\n", "zero byte", 2},
               {"Date,Open\r,\"High\n", "carriage return", -1},
               {"Date,Open\n", "no column for high, low, close", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_bytes(cases[i].text, i == 1 ? 12 : strlen(cases[i].text));
    tlw_csv *csv = (tlw_csv *)(uintptr_t)1;
    tlw_error error;
    assert_int_equal(tlw_csv_open(path_of_file(), NULL, NULL, &csv, &error), TLW_ERR_DATA);
    assert_null(csv);
    assert_non_null(strstr(error.message, cases[i].part));
    assert_int_equal(error.column, cases[i].column);
  }
}

static void test_hostile(void **state) {
  (void)state;
  static const char valid[] = "Date,Open,High,Low,Close,\"Adj \"\"Close\",Volume\r\n"
                              "2020-01-01T10:00:00.5+01:00,10,12,9,11,,100\r\n"
                              "\n1/2/2020 9:30,10.5,12e0,9,11,x,1e3\n1577980800000,,nan,inf,11,\"y, z\",\n";
  static const char bytes_of_interest[] = "\",\r\n\0 \t.-+eE:/TZ019nai\xff\x1f\x8b\xef";
  for (int i = 0; i < 4000; i++) {
    char text[sizeof valid];
    memcpy(text, valid, sizeof valid);
    for (size_t n = 1 + random_below(3); n > 0; n--)
      text[random_below(sizeof valid - 1)] =
          random_below(4) ? bytes_of_interest[random_below(sizeof bytes_of_interest - 1)] : (char)random_below(256);
    write_bytes(text, sizeof valid - 1);
    check_stream(1 + (int64_t)random_below(4));
  }
}

static tlw_policy random_choice(tlw_defect defect) {
  int n = 0;
  while (tlw_defect_choice(defect, n)) n++;
  return tlw_defect_choice(defect, (int)random_below((size_t)n));
}

static size_t random_time(char *out, int64_t time, int form) {
  const int day = (int)(time / 86400), second = (int)(time % 86400);
  switch (form) {
  case 0:
    return (size_t)sprintf(out, "%" PRId64, 1577836800 + time);
  case 1:
    return (size_t)sprintf(out, "%" PRId64 "000", 1577836800 + time);
  case 2:
    return (size_t)sprintf(out, "2020-01-%02d %02d:%02d:%02d", 1 + day, second / 3600, second / 60 % 60, second % 60);
  case 3:
    return (size_t)sprintf(out, "1/%d/2020 %d:%02d:%02d", 1 + day, second / 3600, second / 60 % 60, second % 60);
  default:
    return (size_t)sprintf(out, "202001%02d %02d%02d%02d", 1 + day, second / 3600, second / 60 % 60, second % 60);
  }
}

static size_t random_number(char *out, int base, bool strange) {
  static const char *const others[] = {"",
                                       "nan",
                                       "-3",
                                       "inf",
                                       "1e1",
                                       "+7",
                                       "x",
                                       "\"8\"",
                                       " 9",
                                       "1.",
                                       ".5",
                                       "-0",
                                       "1e999",
                                       "123456789012345678901234567890",
                                       "0.1234567890123456789"};
  if (strange && random_below(3) == 0)
    return (size_t)sprintf(out, "%s", others[random_below(sizeof others / sizeof *others)]);
  return (size_t)sprintf(out, "%d.%0*d", base, 1 + (int)random_below(8), (int)random_below(10));
}

/* Rows of which one in every so many is strange in some way. 0: none. */
static size_t random_rows(char *text, int64_t n_rows, size_t strange_every) {
  static const char *const between[] = {"\n", "# x\n", "  \n", "\r\n", "Time,Open,High,Low,Close,Volume,Note\n"};
  const int form = (int)random_below(5);
  const int64_t step = random_below(4) ? 60 : -60;
  int64_t time = step > 0 ? 0 : 60 * n_rows;
  size_t used = (size_t)sprintf(text, "Time,Open,High,Low,Close,Volume,Note\n");
  for (int64_t i = 0; i < n_rows; i++) {
    const bool strange = strange_every && random_below(strange_every) == 0;
    if (strange && random_below(3) == 0)
      used += (size_t)sprintf(text + used, "%s", between[random_below(sizeof between / sizeof *between)]);
    time += strange && random_below(3) == 0 ? 60 * ((int64_t)random_below(5) - 2) : step;
    if (time < 0) time = 0;
    used += random_time(text + used, time, strange && random_below(4) == 0 ? (int)random_below(5) : form);
    for (int k = 0; k < 5; k++) {
      text[used++] = ',';
      used += random_number(text + used, (const int[]){50, 60, 40, 50, 7}[k], strange);
    }
    const bool is_long = strange && random_below(50) == 0;
    used += (size_t)sprintf(text + used, ",%.*s%s\n", is_long ? 5000 : 2, is_long ? text : "ab",
                            strange && random_below(4) == 0 ? "\r" : "");
  }
  return used - random_below(2);
}

/* Files of which most rows are plain, under all policies: the fast path must leave the others to the general one. */
static void test_both_paths(void **state) {
  (void)state;
  char *text = malloc(8 << 20);
  assert_non_null(text);
  for (int i = 0; i < 3000; i++) {
    const int64_t n_rows = (int64_t)random_below(i % 100 == 0 ? 20000 : 200) + 1;
    static const size_t every[] = {0, 1, 2, 7, 30, 300};
    write_bytes(text, random_rows(text, n_rows, every[random_below(6)]));
    tlw_csv_options options;
    tlw_csv_options_init(&options);
    for (int d = 0; d < TLW_DEFECTS && i % 8; d++) {
      options.policies[d] = random_choice((tlw_defect)d);
      if (options.policies[d] == TLW_POLICY_ERROR && random_below(4)) /* most of them go on */
        options.policies[d] = tlw_defect_choice((tlw_defect)d, tlw_defect_choice((tlw_defect)d, 0) == TLW_POLICY_ERROR);
    }
    check_stream_with(&options, i % 100 == 0 ? 4096 : 1 + (int64_t)random_below(n_rows < 30 ? 8 : 100));
  }
  free(text);
}

/* Lines that make the buffer grow, in every place of a file of short ones, and the longest that may be. */
static void test_long_lines(void **state) {
  (void)state;
  char *text = malloc(8 << 20);
  assert_non_null(text);
  for (size_t length = 1000; length < 1100000; length *= 2) {
    size_t used = (size_t)sprintf(text, "Note,Date,Open,High,Low,Close\n");
    for (int i = 0; i < 3000; i++) {
      if (i % 1000 == 999) {
        memset(text + used, 'x', length);
        used += length;
      }
      used += (size_t)sprintf(text + used, ",%d,1,2,1,2\n", 1000000000 + i);
    }
    write_bytes(text, used);
    check_stream(700);
  }
  free(text);
}

/* What the fast path is given ends in a line feed and holds no line that is too long. */
static void check_blocks(void) {
  struct tlw_lines lines;
  tlw_error error;
  assert_int_equal(tlw_lines_open(&lines, path_of_file(), 0, NULL, &error), TLW_OK);
  const char *line = "";
  while (line) {
    size_t length, size;
    assert_int_equal(tlw_lines_next(&lines, &line, &length, &error), TLW_OK);
    assert_true(!line || length <= MIB);
    const char *block = tlw_lines_block(&lines, &size);
    assert_true(size == 0 || block[size - 1] == '\n');
    for (const char *at = block, *feed; size > MIB && at < block + size; at = feed + 1) {
      feed = memchr(at, '\n', (size_t)(block + size - at));
      assert_in_range(feed - at, 0, MIB);
    }
  }
  tlw_lines_close(&lines);
}

/*
 * Reads a file whose rows are plain but for a long line, and a line of length and a row's bytes behind so many rows: it
 * is passed over if it is too long, in the same memory, and both paths read what follows.
 */
static void check_too_long(char *text, int n_between, size_t length) {
  tlw_csv_options options;
  tlw_csv_options_init(&options);
  options.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
  size_t used = (size_t)sprintf(text, "Note,Date,Open,High,Low,Close\n,1000000000,1,2,1,2\n");
  memset(text + used, 'x', MIB - 19); /* with its row just not too long: the buffer has its full size behind it */
  used += MIB - 19;
  const int n_rows = n_between + 2000;
  for (int i = 1; i < n_rows; i++) {
    if (i == n_between + 2) {
      memset(text + used, 'x', length);
      used += length;
    }
    used += (size_t)sprintf(text + used, ",%d,1,2,1,2\n", 1000000000 + i);
  }
  write_bytes(text, used);
  check_blocks();
  check_stream_with(&options, 700);
  tlw_table *table = NULL;
  assert_int_equal(tlw_csv_read(path_of_file(), &options, NULL, &table, NULL), TLW_OK);
  tlw_csv_report report;
  tlw_table_get_report(table, &report);
  assert_int_equal(report.defects[TLW_DEFECT_FIELD], length + sizeof ",1000000002,1,2,1,2" - 1 > MIB);
  assert_int_equal(report.skipped, report.defects[TLW_DEFECT_FIELD]);
  assert_int_equal(report.rows, n_rows);
  tlw_table_close(&table);
}

static void test_too_long_lines(void **state) {
  (void)state;
  char *text = malloc(8 << 20);
  assert_non_null(text);
  for (size_t length = MIB - 24; length < MIB - 14; length++) check_too_long(text, 0, length);
  for (size_t length = MIB; length < 4 * MIB; length += MIB / 2) check_too_long(text, 0, length);
  /* Wherever a block ends: the line may lie in one with others, or begin or end it. */
  for (int n_between = 5000; n_between < 75000; n_between += 5000) check_too_long(text, n_between, MIB);
  free(text);
}

static void test_columns_not_wanted(void **state) {
  (void)state;
  write_text(HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,2\n");
  tlw_csv *csv = NULL;
  assert_int_equal(tlw_csv_open(path_of_file(), NULL, NULL, &csv, NULL), TLW_OK);
  assert_int_equal(tlw_csv_has_volume(csv), 1);
  space s;
  open_space(&s, 3);
  tlw_csv_rows rows = s.rows;
  rows.volume = NULL;
  rows.time = NULL;
  int64_t n = 0;
  assert_int_equal(tlw_csv_next(csv, &rows, &n, NULL), TLW_OK);
  assert_int_equal(n, 2);
  assert_true(rows.close[1] == 11);
  uint64_t word;
  for (int i = 4; i < 6; i++)
    for (int k = 0; k < 3; k++) {
      memcpy(&word, (char *)s.columns[i] + k * 8, 8);
      assert_true(word == POISON);
    }
  tlw_csv_close(&csv);
  close_space(&s);
}

/* A call that is wrong changes nothing: the next one reads on. */
static void test_arguments(void **state) {
  (void)state;
  tlw_csv *csv = (tlw_csv *)(uintptr_t)1;
  tlw_error error = {0};
  assert_int_equal(tlw_csv_open(NULL, NULL, NULL, &csv, &error), TLW_ERR_ARGUMENT);
  assert_null(csv);
  assert_int_equal(tlw_csv_open("x", NULL, NULL, NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_csv_open("/nowhere/x", NULL, NULL, &csv, NULL), TLW_ERR_NOT_FOUND);
  write_text(HEADER "2020-01-01,10,12,9,11,1\n");
  assert_int_equal(tlw_csv_open(path_of_file(), NULL, NULL, &csv, &error), TLW_OK);
  space s;
  open_space(&s, 2);
  int64_t n = 7;
  assert_int_equal(tlw_csv_next(NULL, &s.rows, &n, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(n, 0);
  assert_int_equal(tlw_csv_next(csv, NULL, &n, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_csv_next(csv, &s.rows, NULL, &error), TLW_ERR_ARGUMENT);
#define REFUSE(member, value, part)                                                                                    \
  do {                                                                                                                 \
    tlw_csv_rows rows = s.rows;                                                                                        \
    rows.member = value;                                                                                               \
    assert_int_equal(tlw_csv_next(csv, &rows, &n, &error), TLW_ERR_ARGUMENT);                                          \
    assert_non_null(strstr(error.message, part));                                                                      \
  } while (0)
  REFUSE(open, NULL, "open");
  REFUSE(high, NULL, "high");
  REFUSE(low, NULL, "low");
  REFUSE(close, NULL, "close");
  REFUSE(capacity, 0, "capacity of rows is 0");
  REFUSE(capacity, -1, "1 or more");
#undef REFUSE
  assert_int_equal(tlw_csv_next(csv, &s.rows, &n, &error), TLW_OK);
  assert_int_equal(n, 1);
  tlw_csv_close(&csv);
  tlw_csv_close(&csv);
  tlw_csv_close(NULL);
  close_space(&s);
}

static void test_rounding(void **state) {
  (void)state;
  write_text(HEADER "2020-01-01,0.1,0.3,0.1,0.2,9007199254740993\n");
  fenv_t before;
  fegetenv(&before);
  fesetround(FE_UPWARD);
  tlw_csv *csv = NULL;
  const tlw_status opened = tlw_csv_open(path_of_file(), NULL, NULL, &csv, NULL);
  space s;
  int64_t n = 0;
  if (opened == TLW_OK) open_space(&s, 2);
  const tlw_status status = opened == TLW_OK ? tlw_csv_next(csv, &s.rows, &n, NULL) : opened;
  const int mode = fegetround();
  fesetenv(&before);
  assert_int_equal(status, TLW_OK);
  assert_int_equal(mode, FE_UPWARD);
  assert_true(s.rows.open[0] == 0.1 && s.rows.high[0] == 0.3 && s.rows.volume[0] == 9007199254740992.0);
  tlw_csv_close(&csv);
  close_space(&s);
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

/* Reads all of the file and returns what it took of the engine at most. */
static uint64_t peak_of_reading(void) {
  tlw_engine *engine = open_engine(TLW_BUDGET_AUTO);
  const tlw_counter before = host_bytes(engine);
  tlw_csv *csv = NULL;
  tlw_error error;
  if (tlw_csv_open(path_of_file(), NULL, engine, &csv, &error) != TLW_OK) fail_msg("%s", error.message);
  space s;
  open_space(&s, 100);
  int64_t n;
  do assert_int_equal(tlw_csv_next(csv, &s.rows, &n, NULL), TLW_OK);
  while (n == 100);
  close_space(&s);
  tlw_csv_close(&csv);
  const tlw_counter after = host_bytes(engine);
  assert_int_equal(after.current, before.current);
  tlw_engine_close(&engine);
  return after.peak - before.current;
}

static void test_memory_is_fixed(void **state) {
  (void)state;
  uint64_t peaks[2][3];
  for (int gzip = 0; gzip < 2; gzip++)
    for (int i = 0; i < 3; i++) {
      size_t size;
      char *text = rows_text(i == 0 ? 1000 : i == 1 ? 10000 : 200000, &size);
      if (gzip)
        write_gzip(text, size);
      else
        write_bytes(text, size);
      peaks[gzip][i] = peak_of_reading();
      free(text);
    }
  for (int gzip = 0; gzip < 2; gzip++) {
    assert_in_range(peaks[gzip][0], 300000, 340000 + gzip * 55000);
    assert_int_equal(peaks[gzip][0], peaks[gzip][1]);
    assert_int_equal(peaks[gzip][0], peaks[gzip][2]);
  }
}

/* The longest line, and as many columns as it can name. */
static void test_memory_of_long_lines(void **state) {
  (void)state;
  char *text = malloc(2 * MIB);
  assert_non_null(text);
  size_t used = (size_t)sprintf(text, "Date,Open,High,Low,Close,Note\n2020-01-01,1,2,1,2,");
  memset(text + used, 'x', MIB - 19);
  write_bytes(text, used + MIB - 19);
  assert_in_range(peak_of_reading(), MIB, 3 * MIB);

  static const char names[] = "Date,Open,High,Low,Close", row[] = "\n2020-01-01,1,2,1,2";
  memset(text, ',', 2 * MIB);
  memcpy(text, names, sizeof names - 1);
  memcpy(text + MIB, row, sizeof row - 1);
  write_bytes(text, MIB + sizeof row - 1 + MIB - (sizeof names - 1));
  assert_in_range(peak_of_reading(), MIB, 3 * MIB);
  free(text);
}

typedef tlw_status (*attempt_fn)(tlw_engine *engine, tlw_error *error);

static tlw_status attempt_rows(tlw_engine *engine, tlw_error *error) {
  tlw_csv *csv = NULL;
  tlw_status status = tlw_csv_open(path_of_file(), NULL, engine, &csv, error);
  space s;
  open_space(&s, 100);
  int64_t n = 100;
  while (status == TLW_OK && n == 100) status = tlw_csv_next(csv, &s.rows, &n, error);
  close_space(&s);
  tlw_csv_close(&csv);
  return status;
}

static tlw_status attempt_table(tlw_engine *engine, tlw_error *error) {
  const uint64_t before = host_bytes(engine).current;
  tlw_table *table = (tlw_table *)(uintptr_t)1;
  const tlw_status status = tlw_csv_read(path_of_file(), NULL, engine, &table, error);
  if (status != TLW_OK) {
    assert_null(table);
    return status;
  }
  tlw_candles candles;
  tlw_table_candles(table, &candles);
  assert_true(host_bytes(engine).current - before >= (uint64_t)candles.n_rows * 48);
  assert_int_equal(candles.n_rows, 30000);
  assert_true(((const double *)candles.open)[29999] == 29999.25);
  tlw_table_close(&table);
  return status;
}

/* The same rows, newest first, as two symbols, sorted: all that is held counts. */
static tlw_status attempt_held(tlw_engine *engine, tlw_error *error) {
  tlw_csv_options options;
  tlw_csv_options_init(&options);
  options.by = "volume";
  options.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SORT;
  tlw_table *table = NULL;
  const tlw_status status = tlw_csv_read(path_of_file(), &options, engine, &table, error);
  if (status != TLW_OK) return status;
  tlw_candles candles;
  tlw_table_candles(table, &candles);
  assert_int_equal(candles.n_rows, 30000);
  assert_int_equal(candles.n_series, 2);
  assert_int_equal(candles.offsets[1], 15000);
  for (int64_t i = 1; i < 15000; i++) assert_true(candles.time[i] > candles.time[i - 1]);
  tlw_table_close(&table);
  return status;
}

/* Every refusal names a larger budget, which gets further, until one holds the work; none leaves anything behind. */
static void follow_advice(attempt_fn attempt, int most_steps) {
  tlw_engine *engine = open_engine(TLW_BUDGET_AUTO);
  uint64_t budget = host_bytes(engine).peak;
  tlw_engine_close(&engine);
  int refusals = 0;
  for (;;) {
    engine = open_engine(budget);
    const uint64_t before = host_bytes(engine).current;
    tlw_error error;
    memset(&error, 0xa5, sizeof error);
    const tlw_status status = attempt(engine, &error);
    assert_int_equal(host_bytes(engine).current, before);
    assert_true(host_bytes(engine).peak <= budget);
    tlw_engine_close(&engine);
    if (status == TLW_OK) break;
    assert_int_equal(status, TLW_ERR_BUDGET);
    assert_int_equal(error.code, TLW_ERR_BUDGET);
    char advice[64];
    snprintf(advice, sizeof advice, "set it to %" PRIu64 " or more", error.bytes);
    if (!strstr(error.message, advice)) fail_msg("\"%s\" lacks \"%s\"", error.message, advice);
    if (error.bytes <= budget) fail_msg("%" PRIu64 " was not enough, %" PRIu64 " is said to be", budget, error.bytes);
    budget = error.bytes;
    refusals++;
  }
  assert_in_range(refusals, 1, most_steps);
}

static void test_budget(void **state) {
  (void)state;
  size_t size;
  char *text = rows_text(30000, &size);
  for (int gzip = 0; gzip < 2; gzip++) {
    if (gzip)
      write_gzip(text, size);
    else
      write_bytes(text, size);
    follow_advice(attempt_rows, 6);
    follow_advice(attempt_table, 11);
  }
  size = (size_t)sprintf(text, HEADER);
  for (int i = 29999; i >= 0; i--) size += (size_t)sprintf(text + size, "%d,1,2,1,2,%d\n", 1000000000 + i, i % 2);
  write_bytes(text, size);
  follow_advice(attempt_rows, 10);
  follow_advice(attempt_held, 16);
  free(text);
}

/* A line that needs more than the budget leaves is refused where it is, after the rows before it. */
static void test_budget_for_a_long_line(void **state) {
  (void)state;
  char *text = malloc(2 << 20);
  assert_non_null(text);
  size_t used = (size_t)sprintf(text, "Note,Date,Open,High,Low,Close\n,2020-01-01,1,2,1,2\n");
  memset(text + used, 'x', 500000);
  used += 500000;
  used += (size_t)sprintf(text + used, ",2020-01-02,1,2,1,2\n");
  write_bytes(text, used);
  free(text);
  tlw_engine *engine = open_engine(TLW_BUDGET_AUTO);
  const uint64_t base = host_bytes(engine).peak;
  tlw_engine_close(&engine);
  engine = open_engine(base + 600000);
  tlw_csv *csv = NULL;
  assert_int_equal(tlw_csv_open(path_of_file(), NULL, engine, &csv, NULL), TLW_OK);
  space s;
  open_space(&s, 10);
  int64_t n = 0;
  tlw_error error, again;
  for (int i = 0; i < 3; i++) {
    poison(&s);
    assert_int_equal(tlw_csv_next(csv, &s.rows, &n, i ? &again : &error), TLW_ERR_BUDGET);
    assert_int_equal(n, i == 0);
    check_untouched(&s, n);
    assert_true(error.bytes > base + 600000);
    if (i) assert_memory_equal(&error, &again, sizeof error);
  }
  tlw_csv_close(&csv);
  tlw_engine_close(&engine);
  close_space(&s);
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

static int remove_folder(void **state) {
  unlink(path_of_file());
  return folder_remove(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_capacity),  cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_order_of_faults), cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_both_paths),      cmocka_unit_test(test_long_lines),
      cmocka_unit_test(test_too_long_lines),  cmocka_unit_test(test_columns_not_wanted),
      cmocka_unit_test(test_arguments),       cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_memory_is_fixed), cmocka_unit_test(test_memory_of_long_lines),
      cmocka_unit_test(test_budget),          cmocka_unit_test(test_budget_for_a_long_line),
  };
  return cmocka_run_group_tests(tests, folder_make, remove_folder);
}
