/*
 * The reader of candle files. The first line of the input chooses options and policies, a character each, '0' being the
 * default; behind it is the file. What is read must keep the promises of tallow/csv.h, whole as by rows, and by the
 * fast path as by the other.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "tallow/csv.h"

#define LINE_MAX_SIZE 32
#define LINES 2
#define NUMBERS (5 + LINES)

typedef struct rows {
  tlw_status status;
  tlw_error error;
  double *numbers[NUMBERS]; /* open, high, low, close, volume, lines */
  int64_t *time;
  int64_t n_rows;
  int64_t *offsets; /* of n_series, or NULL */
  int64_t n_series;
  tlw_csv_report report;
} rows;

/* Character at of the line, as one of n choices. */
static unsigned choice(const uint8_t *line, size_t length, size_t at, unsigned n) {
  return at < length ? (unsigned)(uint8_t)(line[at] - '0') % n : 0;
}

static void choose_options(const uint8_t *line, size_t length, tlw_csv_options *o) {
  static const char *const columns[] = {NULL,
                                        "close=Last",
                                        "volume=none",
                                        "time=1,open=2,high=3,low=4,close=5,volume=6",
                                        "time=1,clock=2,open=3,high=4,low=5,close=6,volume=none",
                                        "volume=6,adjusted=7",
                                        "close=Price,volume=7",
                                        "clock=none",
                                        "time=none"};
  static const char *const by[] = {NULL, "symbol", "1", "7"};
  tlw_csv_options_init(o);
  o->delimiter = "\0,;\t|"[choice(line, length, 0, 5)];
  o->decimal = "\0.,"[choice(line, length, 1, 3)];
  o->comment = "\0%!"[choice(line, length, 2, 3)];
  o->header = (tlw_csv_header)choice(line, length, 3, 3);
  o->columns = columns[choice(line, length, 4, 9)];
  o->by = by[choice(line, length, 5, 4)];
  o->day_first = (int32_t)choice(line, length, 6, 2);
  o->adjusted = (int32_t)choice(line, length, 7, 2);
  for (int d = 0; d < TLW_DEFECTS; d++) {
    unsigned n = 0;
    while (tlw_defect_choice((tlw_defect)d, (int)n) != TLW_POLICY_DEFAULT) n++;
    o->policies[d] = tlw_defect_choice((tlw_defect)d, (int)choice(line, length, 9 + (size_t)d, n));
  }
  static const char *const lines[][LINES] = {{NULL}, {"7", "close"}, {"Volume", "open"}, {"6", "6"}, {"1", "no such"}};
  const unsigned chosen = choice(line, length, 9 + TLW_DEFECTS, 5);
  o->lines = lines[chosen];
  o->n_lines = chosen ? LINES : 0;
}

static void check_error(const tlw_error *error, tlw_status status) {
  FUZZ_CHECK(status == TLW_ERR_DATA || status == TLW_ERR_ARGUMENT || status == TLW_ERR_UNAVAILABLE);
  FUZZ_CHECK(error->code == status);
  FUZZ_CHECK(memchr(error->message, 0, sizeof error->message) && strlen(error->message) > 10);
  for (const char *at = error->message; *at; at++) FUZZ_CHECK((unsigned char)*at >= ' ');
  FUZZ_CHECK(error->row == -1 || error->row >= 1);
  FUZZ_CHECK(error->column == -1 || error->column >= 1);
}

static void *copy_of(const void *bytes, int64_t n) {
  void *copy = malloc((size_t)n * 8 + 8);
  FUZZ_CHECK(copy);
  if (n > 0 && bytes) memcpy(copy, bytes, (size_t)n * 8);
  return copy;
}

static void read_whole(const char *path, const tlw_csv_options *o, rows *r) {
  *r = (rows){0};
  memset(&r->error, 0xa5, sizeof r->error);
  tlw_table *table = (tlw_table *)(uintptr_t)1;
  r->status = tlw_csv_read(path, o, NULL, &table, &r->error);
  if (r->status != TLW_OK) {
    FUZZ_CHECK(!table);
    check_error(&r->error, r->status);
    return;
  }
  tlw_candles c;
  tlw_table_candles(table, &c);
  const void *columns[NUMBERS] = {c.open, c.high, c.low, c.close, c.volume};
  FUZZ_CHECK(c.n_lines == o->n_lines);
  for (int32_t i = 0; i < c.n_lines; i++) columns[5 + i] = c.lines[i];
  for (int i = 0; i < NUMBERS; i++) {
    r->numbers[i] = copy_of(columns[i], c.n_rows);
    for (int64_t k = 0; !columns[i] && k < c.n_rows; k++) r->numbers[i][k] = (double)NAN;
  }
  r->time = copy_of(c.time, c.n_rows);
  for (int64_t k = 0; !c.time && k < c.n_rows; k++) r->time[k] = k;
  r->n_rows = c.n_rows;
  r->n_series = c.n_series;
  if (c.offsets) r->offsets = copy_of(c.offsets, c.n_series + 1);
  FUZZ_CHECK((c.offsets != NULL) == (o->by != NULL));
  for (int64_t i = 0; i < c.n_series; i++) {
    const char *symbol = tlw_table_symbol(table, i);
    FUZZ_CHECK((symbol != NULL) == (o->by != NULL));
    FUZZ_CHECK(!symbol || strlen(symbol) <= 255);
  }
  tlw_table_get_report(table, &r->report);
  tlw_table_close(&table);
}

static void read_by_rows(const char *path, const tlw_csv_options *o, int64_t capacity, rows *r) {
  *r = (rows){.n_series = 1};
  memset(&r->error, 0xa5, sizeof r->error);
  tlw_csv *csv = NULL;
  r->status = tlw_csv_open(path, o, NULL, &csv, &r->error);
  if (r->status != TLW_OK) {
    FUZZ_CHECK(!csv);
    check_error(&r->error, r->status);
    return;
  }
  int64_t n, room = 0;
  do {
    if (room < r->n_rows + capacity) room = 2 * (r->n_rows + capacity);
    for (int i = 0; i < NUMBERS; i++) {
      r->numbers[i] = realloc(r->numbers[i], (size_t)room * 8);
      FUZZ_CHECK(r->numbers[i]);
    }
    r->time = realloc(r->time, (size_t)room * 8);
    const int64_t at = r->n_rows;
    FUZZ_CHECK(r->time);
    double *lines[LINES];
    for (int i = 0; i < LINES; i++) {
      lines[i] = r->numbers[5 + i] + at;
      for (int64_t k = 0; k < capacity; k++) lines[i][k] = (double)NAN;
    }
    const tlw_csv_rows out = {.open = r->numbers[0] + at,
                              .high = r->numbers[1] + at,
                              .low = r->numbers[2] + at,
                              .close = r->numbers[3] + at,
                              .volume = r->numbers[4] + at,
                              .time = r->time + at,
                              .capacity = capacity,
                              .lines = lines};
    n = -1;
    r->status = tlw_csv_next(csv, &out, &n, &r->error);
    FUZZ_CHECK(n >= 0 && n <= capacity);
    r->n_rows += n;
  } while (r->status == TLW_OK && n == capacity);
  if (r->status != TLW_OK) check_error(&r->error, r->status);
  tlw_csv_get_report(csv, &r->report);
  tlw_csv_close(&csv);
}

static void free_rows(rows *r) {
  for (int i = 0; i < NUMBERS; i++) free(r->numbers[i]);
  free(r->time);
  free(r->offsets);
}

static void check_promises(const rows *r, const tlw_csv_options *o) {
  const double *open = r->numbers[0], *high = r->numbers[1], *low = r->numbers[2], *close = r->numbers[3];
  const bool keeps = o->policies[TLW_DEFECT_DUPLICATE] == TLW_POLICY_KEEP;
  FUZZ_CHECK(r->n_rows > 0 && r->n_series > 0);
  for (int64_t s = 0; s < r->n_series; s++) {
    const int64_t begin = r->offsets ? r->offsets[s] : 0, end = r->offsets ? r->offsets[s + 1] : r->n_rows;
    FUZZ_CHECK(begin <= end && begin >= 0 && end <= r->n_rows);
    for (int64_t i = begin + 1; i < end; i++)
      FUZZ_CHECK(r->time[i] > r->time[i - 1] || (keeps && r->time[i] == r->time[i - 1]));
  }
  for (int64_t i = 0; i < r->n_rows; i++) {
    FUZZ_CHECK(!isinf(open[i]) && !isinf(high[i]) && !isinf(low[i]) && !isinf(close[i]));
    FUZZ_CHECK(!(high[i] < low[i] || open[i] < low[i] || open[i] > high[i] || close[i] < low[i] || close[i] > high[i]));
    FUZZ_CHECK(!(r->numbers[4][i] < 0) && !isinf(r->numbers[4][i]));
    if (o->policies[TLW_DEFECT_NEGATIVE_PRICE] == TLW_POLICY_ERROR) FUZZ_CHECK(!(low[i] < 0));
    if (o->policies[TLW_DEFECT_MISSING_PRICE] != TLW_POLICY_GAP)
      FUZZ_CHECK(!isnan(open[i]) && !isnan(high[i]) && !isnan(low[i]) && !isnan(close[i]));
  }
  const tlw_csv_report *p = &r->report;
  FUZZ_CHECK(p->rows == r->n_rows + p->skipped && p->lines >= p->rows);
  for (int d = 0; d < TLW_DEFECTS; d++) {
    FUZZ_CHECK(p->defects[d] >= 0 && p->defects[d] <= p->rows && (p->defects[d] > 0) == (p->first_line[d] > 0));
    FUZZ_CHECK(p->first_line[d] <= p->lines);
    FUZZ_CHECK(p->defects[d] == 0 || o->policies[d] != TLW_POLICY_ERROR);
  }
}

static void check_same_rows(const rows *a, const rows *b) {
  FUZZ_CHECK(a->n_rows == b->n_rows);
  for (int i = 0; i < NUMBERS; i++) FUZZ_CHECK(memcmp(a->numbers[i], b->numbers[i], (size_t)a->n_rows * 8) == 0);
  FUZZ_CHECK(memcmp(a->time, b->time, (size_t)a->n_rows * 8) == 0);
}

static void check_same_report(const tlw_csv_report *a, const tlw_csv_report *b) {
  FUZZ_CHECK(a->lines == b->lines && a->rows == b->rows && a->skipped == b->skipped && a->packing == b->packing);
  FUZZ_CHECK(a->delimiter == b->delimiter && a->has_header == b->has_header && a->newest_first == b->newest_first);
  FUZZ_CHECK(a->has_volume == b->has_volume && memcmp(a->defects, b->defects, sizeof a->defects) == 0);
  FUZZ_CHECK(memcmp(a->first_line, b->first_line, sizeof a->first_line) == 0);
}

static void check_by_rows(const char *path, const tlw_csv_options *o, int64_t capacity, const rows *whole) {
  rows r;
  read_by_rows(path, o, capacity, &r);
  if (o->by) {
    FUZZ_CHECK(r.status == TLW_ERR_ARGUMENT);
  } else {
    FUZZ_CHECK(r.status == whole->status);
    if (r.status == TLW_OK)
      check_same_rows(&r, whole);
    else
      FUZZ_CHECK(strcmp(r.error.message, whole->error.message) == 0 && r.error.row == whole->error.row &&
                 r.error.column == whole->error.column);
    if (r.status == TLW_OK) check_same_report(&r.report, &whole->report);
  }
  free_rows(&r);
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

/* Quotes about the first field of each line, which then is not plain any more, but means the same. */
static uint8_t *quoted(const uint8_t *text, size_t size, char delimiter, char comment, size_t *quoted_size) {
  uint8_t *out = malloc(3 * size + 8);
  FUZZ_CHECK(out);
  size_t used = 0;
  for (size_t i = 0; i < size;) {
    const uint8_t *line = text + i;
    const uint8_t *feed = memchr(line, '\n', size - i);
    const size_t length = feed ? (size_t)(feed - line) + 1 : size - i;
    const uint8_t *end = memchr(line, delimiter, length);
    const bool fits = end > line && line[0] > ' ' && line[0] < 0x80 && line[0] != (uint8_t)comment &&
                      !is_blank(end[-1]) && !memchr(line, '"', length);
    if (fits) {
      const size_t field = (size_t)(end - line);
      out[used++] = '"';
      memcpy(out + used, line, field);
      used += field;
      out[used++] = '"';
      memcpy(out + used, end, length - field);
      used += length - field;
    } else {
      memcpy(out + used, line, length);
      used += length;
    }
    i += length;
  }
  *quoted_size = used;
  return out;
}

static void check_quoted(const uint8_t *text, size_t size, const tlw_csv_options *o, const rows *whole) {
  size_t quoted_size;
  uint8_t *other = quoted(text, size, whole->report.delimiter, o->comment ? o->comment : '#', &quoted_size);
  rows r;
  read_whole(fuzz_file(other, quoted_size), o, &r);
  if (r.status != TLW_OK) fprintf(stderr, "%s\n", r.error.message);
  FUZZ_CHECK(r.status == TLW_OK);
  check_same_rows(&r, whole);
  free_rows(&r);
  free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *feed = memchr(data, '\n', size < LINE_MAX_SIZE ? size : LINE_MAX_SIZE);
  if (!feed) return 0;
  const size_t length = (size_t)(feed - data);
  static const int64_t capacities[] = {1, 3, 64, 5000};
  tlw_csv_options o;
  choose_options(data, length, &o);
  const uint8_t *file = feed + 1;
  const size_t file_size = size - length - 1;
  const char *path = fuzz_file(file, file_size);
  rows whole;
  read_whole(path, &o, &whole);
  if (whole.status == TLW_OK) check_promises(&whole, &o);
  check_by_rows(path, &o, capacities[choice(data, length, 8, 4)], &whole);
  if (whole.status == TLW_OK && whole.report.packing == TLW_PACKING_NONE) check_quoted(file, file_size, &o, &whole);
  free_rows(&whole);
  return 0;
}
