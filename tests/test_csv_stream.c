/* The CSV reader some rows at a time: the rows and refusals of the whole file, in memory that is fixed and counted. */
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

#include "tallow/csv.h"

#define HEADER "Date,Open,High,Low,Close,Volume\n"
#define MIB ((uint64_t)1 << 20)

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/tallow_csv_stream_XXXXXX";

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t n) { return (size_t)((random_u64() >> 11) % n); }

static const char *path_of_file(void) {
  static char path[256];
  snprintf(path, sizeof path, "%s/file.csv", folder);
  return path;
}

static void write_bytes(const void *bytes, size_t size) {
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

/*
 * The file gives the rows of the table, as many at a time as said, or the refusal of the table at the place where it
 * is. Whatever failed stays failed, in the same words.
 */
static void check_stream(int64_t capacity) {
  tlw_table *table = NULL;
  tlw_error whole_error, error;
  memset(&whole_error, 0xa5, sizeof whole_error);
  memset(&error, 0x5a, sizeof error);
  const tlw_status whole_status = tlw_csv_read_candles(path_of_file(), &table, &whole_error);
  tlw_candles whole = {0};
  if (table) tlw_table_candles(table, &whole);

  space s;
  open_space(&s, capacity);
  tlw_csv *csv = NULL;
  tlw_status status = tlw_csv_open(path_of_file(), NULL, &csv, &error);
  int64_t row = 0, n = 0;
  if (status != TLW_OK) {
    assert_null(csv);
  } else {
    assert_int_equal(tlw_csv_has_volume(csv), table ? whole.volume != NULL : tlw_csv_has_volume(csv));
    do {
      poison(&s);
      n = -1;
      status = tlw_csv_next(csv, &s.rows, &n, &error);
      assert_in_range(n, 0, capacity);
      check_untouched(&s, n);
      if (table) check_same(&whole, row, &s, n);
      row += n;
    } while (status == TLW_OK && n == capacity);
    poison(&s);
    tlw_error again;
    memset(&again, 0x77, sizeof again);
    assert_int_equal(tlw_csv_next(csv, &s.rows, &n, &again), status);
    assert_int_equal(n, 0);
    check_untouched(&s, 0);
    if (status != TLW_OK) assert_memory_equal(&again, &error, sizeof again);
  }
  assert_int_equal(status, whole_status);
  if (status == TLW_OK)
    assert_int_equal(row, whole.n_rows);
  else
    assert_string_equal(error.message, whole_error.message);
  if (status != TLW_OK) assert_true(error.row == whole_error.row && error.column == whole_error.column);
  tlw_csv_close(&csv);
  assert_null(csv);
  tlw_table_close(&table);
  close_space(&s);
}

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

/* A quote that is not closed is told before columns that are named twice, and both before what is missing. */
static void test_order_of_faults(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
    int32_t column;
  } cases[] = {{"Date,Open,Open,\"High\n", "quotes", 4},
               {"Date,Open,Open,Close,Close\n", "columns 2 and 3 both hold the open", 3},
               {"Date,Timestamp,Open,Open\n", "columns 3 and 4 both hold the open", 4},
               {"Date,Timestamp,Open\n", "columns 2 and 1 both hold the time", 1},
               {"Date,Open\n", "no column for high, low, close", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_text(cases[i].text);
    tlw_csv *csv = (tlw_csv *)(uintptr_t)1;
    tlw_error error;
    assert_int_equal(tlw_csv_open(path_of_file(), NULL, &csv, &error), TLW_ERR_DATA);
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

static void test_columns_not_wanted(void **state) {
  (void)state;
  write_text(HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,2\n");
  tlw_csv *csv = NULL;
  assert_int_equal(tlw_csv_open(path_of_file(), NULL, &csv, NULL), TLW_OK);
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
  assert_int_equal(tlw_csv_open(NULL, NULL, &csv, &error), TLW_ERR_ARGUMENT);
  assert_null(csv);
  assert_int_equal(tlw_csv_open("x", NULL, NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_csv_open("/nowhere/x", NULL, &csv, NULL), TLW_ERR_NOT_FOUND);
  write_text(HEADER "2020-01-01,10,12,9,11,1\n");
  assert_int_equal(tlw_csv_open(path_of_file(), NULL, &csv, &error), TLW_OK);
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
  const tlw_status opened = tlw_csv_open(path_of_file(), NULL, &csv, NULL);
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
  if (tlw_csv_open(path_of_file(), engine, &csv, &error) != TLW_OK) fail_msg("%s", error.message);
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
    assert_in_range(peaks[gzip][0], 1000, 102400 + gzip * 51200);
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
  tlw_status status = tlw_csv_open(path_of_file(), engine, &csv, error);
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
  const tlw_status status = tlw_csv_read_counted(path_of_file(), engine, &table, error);
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
    follow_advice(attempt_rows, 4);
    follow_advice(attempt_table, 9);
  }
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
  engine = open_engine(base + 150000);
  tlw_csv *csv = NULL;
  assert_int_equal(tlw_csv_open(path_of_file(), engine, &csv, NULL), TLW_OK);
  space s;
  open_space(&s, 10);
  int64_t n = 0;
  tlw_error error, again;
  for (int i = 0; i < 3; i++) {
    poison(&s);
    assert_int_equal(tlw_csv_next(csv, &s.rows, &n, i ? &again : &error), TLW_ERR_BUDGET);
    assert_int_equal(n, i == 0);
    check_untouched(&s, n);
    assert_true(error.bytes > base + 150000);
    if (i) assert_memory_equal(&error, &again, sizeof error);
  }
  tlw_csv_close(&csv);
  tlw_engine_close(&engine);
  close_space(&s);
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(path_of_file());
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_capacity),  cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_order_of_faults), cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_long_lines),      cmocka_unit_test(test_columns_not_wanted),
      cmocka_unit_test(test_arguments),       cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_memory_is_fixed), cmocka_unit_test(test_memory_of_long_lines),
      cmocka_unit_test(test_budget),          cmocka_unit_test(test_budget_for_a_long_line),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
