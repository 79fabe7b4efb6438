#include "plain_kit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "host/io/number.h"
#include "host/io/time_text.h"
#include "series.h"

#define POISON 0xA5
#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)

/* ---- memory ---- */

void arena_open(arena *a, size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  a->size = (size + 2 * TLW_PLAIN_PADDING + page - 1) / page * page;
  a->pages = mmap(NULL, a->size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (a->pages == MAP_FAILED || mprotect(a->pages += page, a->size, PROT_READ | PROT_WRITE) != 0) abort();
}

void arena_close(arena *a) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  munmap(a->pages - page, a->size + 2 * page);
}

const char *arena_place(arena *a, const char *text, size_t size, bool at_end, uint64_t seed) {
  rng r = {seed};
  char *const target = at_end ? a->pages + a->size - TLW_PLAIN_PADDING - size : a->pages + TLW_PLAIN_PADDING;
  static const char around[] = "0123456789.,;:-/ TZ\n\"";
  for (int i = 0; i < TLW_PLAIN_PADDING; i++) {
    target[-1 - i] = around[rng_below(&r, sizeof around)];
    target[(ptrdiff_t)size + i] = around[rng_below(&r, sizeof around)];
  }
  memcpy(target, text, size);
  return target;
}

void rows_open(rows_kit *kit, int64_t capacity) {
  double **const doubles[] = {&kit->rows.open, &kit->rows.high, &kit->rows.low, &kit->rows.close, &kit->rows.volume};
  kit->capacity = kit->rows.capacity = capacity;
  for (int i = 0; i < 6; i++) {
    kit->columns[i] = malloc((size_t)capacity * 8);
    if (!kit->columns[i]) abort();
    if (i < 5) *doubles[i] = kit->columns[i];
  }
  kit->rows.time = kit->columns[5];
  rows_poison(kit);
}

void rows_close(rows_kit *kit) {
  for (int i = 0; i < 6; i++) free(kit->columns[i]);
}

void rows_poison(rows_kit *kit) {
  for (int i = 0; i < 6; i++) memset(kit->columns[i], POISON, (size_t)kit->capacity * 8);
}

bool rows_untouched(const rows_kit *kit, int64_t from, int64_t to) {
  for (int i = 0; i < 6; i++)
    for (size_t at = (size_t)from * 8; at < (size_t)to * 8; at++)
      if (((const unsigned char *)kit->columns[i])[at] != POISON) return false;
  return true;
}

/* ---- reference ---- */

static bool is_plain_number(const char *text, size_t length, double *value) {
  size_t n_digits = 0, n_points = 0;
  for (size_t i = 0; i < length; i++) {
    n_digits += text[i] >= '0' && text[i] <= '9';
    n_points += text[i] == '.';
  }
  return n_digits > 0 && n_points <= 1 && n_digits + n_points == length && tlw_number_read(text, length, value);
}

static bool reads_time(const struct tlw_plain *plain, const char *const *fields, const size_t *lengths, int64_t *time) {
  const char *const day = fields[plain->time];
  const size_t length = lengths[plain->time];
  if (!plain->month_first && memchr(day, '/', length) && memchr(day, '/', length) != day + 4) return false;
  if (plain->clock < 0) return !tlw_time_read(day, length, false, time);
  return !tlw_time_read_pair(day, length, fields[plain->clock], lengths[plain->clock], (struct tlw_time_pair){0}, time);
}

#define FIELDS_MAX 64

bool plain_reference(const struct tlw_plain *plain, const char *line, size_t length, plain_row *row) {
  const char *fields[FIELDS_MAX];
  size_t lengths[FIELDS_MAX];
  int32_t n = 0;
  if (length > 0 && line[length - 1] == '\r') length--;
  if (length == 0 || line[0] == plain->comment || memchr(line, '"', length) || memchr(line, 0, length) ||
      memchr(line, '\r', length) || memchr(line, '\n', length))
    return false;
  const char *const end = line + length;
  for (const char *at = line;; at++) {
    const char *stop = memchr(at, plain->delimiter, (size_t)(end - at));
    if (!stop) stop = end;
    if (n == FIELDS_MAX) return false;
    fields[n] = at;
    lengths[n++] = (size_t)(stop - at);
    at = stop;
    if (at == end) break;
  }
  if (n != plain->n_columns || !reads_time(plain, fields, lengths, &row->time)) return false;
  double *const v = row->numbers;
  for (int i = 0; i < TLW_PLAIN_NUMBERS; i++) {
    const int32_t column = plain->numbers[i];
    v[i] = (double)NAN;
    if (column >= 0 && !is_plain_number(fields[column], lengths[column], &v[i])) return false;
  }
  const double low = v[TLW_PLAIN_LOW], high = v[TLW_PLAIN_HIGH];
  return low <= v[TLW_PLAIN_OPEN] && low <= v[TLW_PLAIN_CLOSE] && high >= v[TLW_PLAIN_OPEN] &&
         high >= v[TLW_PLAIN_CLOSE];
}

/* ---- random files ---- */

#define LINES 60
#define LINE_SIZE 400
#define LONG_LINE 9000
#define COLUMNS_MAX 16

enum day { DAY_YEAR_FIRST, DAY_YEAR_LAST, DAY_COMPACT, DAY_EPOCH, DAYS };
enum clock { CLOCK_NONE, CLOCK_MINUTES, CLOCK_SECONDS, CLOCK_FRACTION, CLOCKS };

/* How the times of a file are written. */
struct style {
  enum day day;
  enum clock clock;
  char separator;   /* of year, month and day */
  char between;     /* day and time of day; 0: nothing */
  bool padded;      /* two digits for months and days with the year last */
  bool short_hours; /* one digit where that will do */
  bool colons;
  int places;       /* of a fraction of a second */
  const char *zone; /* behind the time of day */
  int64_t ahead;    /* of UTC, by the zone */
  int64_t step;     /* times are multiples of it; with an epoch the unit */
};

struct line_kit {
  size_t begin, end; /* with its line feed */
  bool ordinary;     /* it must be read if it is in order */
  int64_t time;
};

struct file {
  rng r;
  struct tlw_plain plain;
  struct style style;
  bool crlf;
  int64_t time;
  char text[LINES * LINE_SIZE + LONG_LINE];
  size_t size;
  struct line_kit lines[LINES];
};

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

static void choose_zone(struct style *s, rng *r) {
  static const struct {
    const char *text;
    int64_t minutes;
  } zones[] = {{"", 0}, {"", 0}, {"Z", 0}, {"+00:00", 0}, {"+05:30", 330}, {"-11:45", -705}};
  const size_t i = rng_below(r, sizeof zones / sizeof *zones);
  s->zone = zones[i].text;
  s->ahead = zones[i].minutes * 60 * SECOND;
}

static void choose_style(struct style *s, bool pair, rng *r) {
  static const int64_t units[] = {SECOND, SECOND / 1000, SECOND / 1000000, 1};
  *s = (struct style){.day = (enum day)rng_below(r, pair ? DAY_EPOCH : DAYS), .zone = ""};
  s->separator = s->day == DAY_YEAR_LAST ? '/' : "-/."[rng_below(r, 3)];
  s->padded = one_in(r, 2);
  if (s->day == DAY_EPOCH) {
    s->step = units[rng_below(r, 4)];
    return;
  }
  s->clock = (enum clock)(pair ? 1 + rng_below(r, CLOCKS - 1) : rng_below(r, CLOCKS));
  s->step = s->clock == CLOCK_NONE ? DAY : s->clock == CLOCK_MINUTES ? 60 * SECOND : SECOND;
  if (s->clock == CLOCK_NONE) return;
  s->between = one_in(r, 2) ? ' ' : 'T';
  s->colons = (s->day != DAY_COMPACT && !pair) || one_in(r, 2);
  s->short_hours = s->colons && one_in(r, 3);
  if (s->clock == CLOCK_FRACTION) {
    s->places = s->colons ? (int)(1 + rng_below(r, 9)) : 3;
    for (int i = 0; i < s->places; i++) s->step /= 10;
  }
  if (s->colons)
    choose_zone(s, r);
  else if (s->day == DAY_COMPACT && s->clock == CLOCK_SECONDS && one_in(r, 2))
    s->between = 0;
}

static int write_day(char *out, const struct style *s, const struct tm *t) {
  const int year = t->tm_year + 1900, month = t->tm_mon + 1, day = t->tm_mday, digits = s->padded ? 2 : 1;
  if (s->day == DAY_COMPACT) return sprintf(out, "%04d%02d%02d", year, month, day);
  if (s->day == DAY_YEAR_LAST) return sprintf(out, "%0*d/%0*d/%04d", digits, month, digits, day, year);
  return sprintf(out, "%04d%c%02d%c%02d", year, s->separator, month, s->separator, day);
}

static int write_clock(char *out, const struct style *s, const struct tm *t, int64_t nanoseconds) {
  const char *const colon = s->colons ? ":" : "";
  int n = sprintf(out, "%0*d%s%02d", s->short_hours ? 1 : 2, t->tm_hour, colon, t->tm_min);
  if (s->clock >= CLOCK_SECONDS) n += sprintf(out + n, "%s%02d", colon, t->tm_sec);
  if (s->clock == CLOCK_FRACTION)
    n += sprintf(out + n, "%s%0*" PRId64, s->colons ? "." : "", s->places, nanoseconds / s->step);
  return n + sprintf(out + n, "%s", s->zone);
}

/* The day, or all of the time, to one text; with a pair the time of day to another. */
static void write_time(char *out, char *clock, const struct style *s, int64_t time) {
  if (s->day == DAY_EPOCH) {
    sprintf(out, "%" PRId64, time / s->step);
    return;
  }
  time += s->ahead;
  int64_t seconds = time / SECOND, rest = time % SECOND;
  if (rest < 0) {
    rest += SECOND;
    seconds--;
  }
  struct tm t;
  gmtime_r(&(time_t){(time_t)seconds}, &t);
  const int n = write_day(out, s, &t);
  if (s->clock == CLOCK_NONE) return;
  if (clock)
    write_clock(clock, s, &t, rest);
  else
    write_clock(out + n + (s->between ? sprintf(out + n, "%c", s->between) : 0), s, &t, rest);
}

/* Digits, perhaps a point among, ahead of or behind them. */
static void write_any_number(char *out, rng *r) {
  static const char *const edges[] = {"0",
                                      "00",
                                      "0.0",
                                      ".5",
                                      "5.",
                                      "0000000000000001",
                                      "9007199254740991",
                                      "9007199254740992",
                                      "9007199254740993",
                                      "900719925474099.1",
                                      "900719925474099.2",
                                      "900719925474099.3",
                                      "9999999999999999",
                                      "99999999999999999",
                                      "999999999999999.9",
                                      "18446744073709551615",
                                      "18446744073709551616",
                                      "1844674407370955161.5",
                                      "0.30000000000000004",
                                      "1234.5678901234567891",
                                      "123456789012345678.90",
                                      "9007199254740992.5",
                                      "9007199254740993.5",
                                      "4503599627370496.5",
                                      "4503599627370497.5",
                                      "0.000000000000000001",
                                      "000000000000000000000000001.5"};
  if (one_in(r, 2)) {
    strcpy(out, edges[rng_below(r, sizeof edges / sizeof *edges)]);
    return;
  }
  const size_t n_digits = 1 + rng_below(r, one_in(r, 4) ? 40 : 20), point = rng_below(r, n_digits + 1);
  const bool has_point = one_in(r, 2);
  for (size_t i = 0; i <= n_digits; i++) {
    if (has_point && i == point) *out++ = '.';
    if (i < n_digits) *out++ = (char)('0' + rng_below(r, one_in(r, 3) ? 2 : 10));
  }
  *out = 0;
}

/* Texts of which first <= second <= third <= fourth. */
static void write_rising(char out[4][64], rng *r) {
  const uint64_t kind = rng_below(r, 4);
  uint64_t whole = rng_next(r) >> rng_between(r, 24, 60);
  double value = rng_unit(r) * (double)(1 + rng_below(r, 100000));
  const int places = rng_between(r, 0, 8);
  uint64_t unit = 1;
  for (int i = 0; i < places; i++) unit *= 10;
  char same[64];
  write_any_number(same, r);
  for (int i = 0; i < 4; i++) {
    if (kind == 0)
      strcpy(out[i], same);
    else if (kind == 1)
      sprintf(out[i], "%.*f", places + 9, value);
    else if (places == 0)
      sprintf(out[i], "%" PRIu64, whole);
    else
      sprintf(out[i], "%" PRIu64 ".%0*" PRIu64, whole / unit, places, whole % unit);
    whole += rng_below(r, 3) * rng_below(r, unit * 2 + 1);
    value += (double)rng_below(r, 2) * rng_unit(r);
  }
}

static void write_filler(char *out, char delimiter, rng *r) {
  static const char some[] = "#abcXYZ 0123456789.-+:/Te\x80\xff,;|";
  size_t n = rng_below(r, 12);
  while (n-- > 0) {
    *out = some[rng_below(r, sizeof some - 1)];
    if (*out != delimiter) out++;
  }
  *out = 0;
}

/* Puts the columns into some order. */
static void choose_columns(struct tlw_plain *p, rng *r) {
  int32_t roles[COLUMNS_MAX];
  const bool has_volume = !one_in(r, 4), has_clock = one_in(r, 4);
  const int32_t n_roles = 5 + has_volume + has_clock;
  p->n_columns = n_roles + (int32_t)(one_in(r, 2) ? 0 : rng_below(r, COLUMNS_MAX - 7));
  for (int32_t i = 0; i < p->n_columns; i++) roles[i] = i;
  if (!one_in(r, 3)) {
    for (int32_t i = p->n_columns - 1; i > 0; i--) {
      const size_t j = rng_below(r, (uint64_t)i + 1);
      const int32_t other = roles[j];
      roles[j] = roles[i];
      roles[i] = other;
    }
  }
  p->time = roles[0];
  for (int i = 0; i < 4; i++) p->numbers[i] = roles[1 + i];
  p->numbers[TLW_PLAIN_VOLUME] = has_volume ? roles[5] : -1;
  p->clock = has_clock ? roles[n_roles - 1] : -1;
}

static void choose_file(struct file *f) {
  rng *const r = &f->r;
  struct tlw_plain *const p = &f->plain;
  *p = (struct tlw_plain){.delimiter = ",;\t|"[rng_below(r, 4)], .comment = '#', .descending = one_in(r, 3)};
  choose_columns(p, r);
  choose_style(&f->style, p->clock >= 0, r);
  p->month_first = f->style.day == DAY_YEAR_LAST || one_in(r, 2);
  f->crlf = one_in(r, 3);
  /* Epochs of as many digits as a date may have are read elsewhere; those from late 2001 on are not. */
  const int64_t first = f->style.day == DAY_EPOCH ? 14000 : -104000, last = 104000;
  f->time = (first + (int64_t)rng_below(r, (uint64_t)(last - first))) * DAY;
  if (f->style.clock != CLOCK_NONE || f->style.day == DAY_EPOCH) f->time += (int64_t)rng_below(r, (uint64_t)DAY);
  f->time -= f->time % f->style.step;
}

static void write_fields(struct file *f, char fields[COLUMNS_MAX][64]) {
  rng *const r = &f->r;
  const struct tlw_plain *const p = &f->plain;
  for (int32_t i = 0; i < p->n_columns; i++) write_filler(fields[i], p->delimiter, r);
  write_time(fields[p->time], p->clock >= 0 ? fields[p->clock] : NULL, &f->style, f->time);
  char rising[4][64];
  write_rising(rising, r);
  const size_t open = 1 + rng_below(r, 2);
  strcpy(fields[p->numbers[TLW_PLAIN_LOW]], rising[0]);
  strcpy(fields[p->numbers[TLW_PLAIN_OPEN]], rising[open]);
  strcpy(fields[p->numbers[TLW_PLAIN_CLOSE]], rising[3 - open]);
  strcpy(fields[p->numbers[TLW_PLAIN_HIGH]], rising[3]);
  if (p->numbers[TLW_PLAIN_VOLUME] >= 0) write_any_number(fields[p->numbers[TLW_PLAIN_VOLUME]], r);
}

/* One field becomes another than it should be. */
static void spoil_field(struct file *f, char fields[COLUMNS_MAX][64]) {
  static const char *const odd[] = {"",
                                    "-",
                                    "-0",
                                    "-1",
                                    "+1",
                                    "1e5",
                                    "1E5",
                                    " 1",
                                    "1 ",
                                    ".",
                                    "1.2.3",
                                    "nan",
                                    "inf",
                                    "1,5",
                                    "0x10",
                                    "1_0",
                                    "\"1\"",
                                    "'1'",
                                    "1970",
                                    "20200230",
                                    "20201301",
                                    "12:60",
                                    "24:00",
                                    "1:2",
                                    "9:30",
                                    "2020-",
                                    "20200101",
                                    "2020-02-30",
                                    "2020-01-01T",
                                    "1/2/20",
                                    "13/1/2020",
                                    "2/30/2020",
                                    "x",
                                    "\x01",
                                    "1677-12-31",
                                    "2262-01-01",
                                    "99999999999",
                                    "2020-01-01 10:00:00+05:30Z"};
  const size_t column = rng_below(&f->r, (uint64_t)f->plain.n_columns);
  strcpy(fields[column], odd[rng_below(&f->r, sizeof odd / sizeof *odd)]);
}

static void spoil_byte(struct file *f, struct line_kit *line) {
  static const char bytes[] = "\0\"\r\n\t ,;|.-+/:0123456789TZez#\x80\xff";
  char *const at = f->text + line->begin + rng_below(&f->r, line->end - line->begin);
  const size_t rest = (size_t)(f->text + f->size - at);
  const uint64_t kind = rng_below(&f->r, 3);
  if (kind == 0) {
    memmove(at, at + 1, rest - 1);
    line->end = --f->size;
    return;
  }
  if (kind == 1) {
    memmove(at + 1, at, rest);
    line->end = ++f->size;
  }
  *at = bytes[rng_below(&f->r, sizeof bytes - 1)];
}

static void add_line(struct file *f, struct line_kit *line, size_t filler) {
  char fields[COLUMNS_MAX][64];
  write_fields(f, fields);
  const bool odd_field = one_in(&f->r, 12), odd_byte = one_in(&f->r, 12);
  if (odd_field) spoil_field(f, fields);
  const bool comment = fields[0][0] == f->plain.comment;
  *line = (struct line_kit){
      .begin = f->size, .ordinary = !odd_field && !odd_byte && !comment && filler == 0, .time = f->time};
  for (int32_t i = 0; i < f->plain.n_columns; i++) {
    if (i > 0) f->text[f->size++] = f->plain.delimiter;
    if (i == 0) {
      memset(f->text + f->size, 'x', filler);
      f->size += filler;
    }
    f->size += (size_t)sprintf(f->text + f->size, "%s", fields[i]);
  }
  f->size += (size_t)sprintf(f->text + f->size, f->crlf ? "\r\n" : "\n");
  line->end = f->size;
  if (odd_byte) spoil_byte(f, line);
}

static void write_file(struct file *f) {
  const size_t long_line = one_in(&f->r, 8) ? rng_below(&f->r, LINES) : LINES;
  f->size = 0;
  for (size_t i = 0; i < LINES; i++) {
    add_line(f, &f->lines[i], i == long_line ? rng_below(&f->r, LONG_LINE - 100) : 0);
    const int64_t by = (int64_t)(one_in(&f->r, 20) ? rng_below(&f->r, 3) : 1 + rng_below(&f->r, 40)) * f->style.step;
    f->time += f->plain.descending ? -by : by;
  }
}

/* ---- reading them ---- */

/* The line that must be read, if it begins and ends there; NULL: there is none. */
static const struct line_kit *ordinary_line(const struct file *f, size_t begin, size_t end) {
  for (size_t i = 0; i < LINES; i++)
    if (f->lines[i].begin == begin && f->lines[i].end == end && f->lines[i].ordinary) return &f->lines[i];
  return NULL;
}

static bool is_in_order(const struct tlw_plain *plain, int64_t time) {
  if (!plain->any) return true;
  return plain->descending ? time < plain->previous_time : time > plain->previous_time;
}

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Whether row i is what the line says; plain is as it was before it, and goes on. */
static bool check_row(struct tlw_plain *plain, const struct line_kit *kit, const char *line, size_t length,
                      const rows_kit *rows, int64_t i) {
  plain_row row;
  if (!plain_reference(plain, line, length, &row) || !is_in_order(plain, row.time)) return false;
  if (kit && kit->time != row.time) return false;
  plain->any = true;
  plain->previous_time = row.time;
  const tlw_csv_rows *const c = &rows->rows;
  return same_bits(c->open[i], row.numbers[TLW_PLAIN_OPEN]) && same_bits(c->high[i], row.numbers[TLW_PLAIN_HIGH]) &&
         same_bits(c->low[i], row.numbers[TLW_PLAIN_LOW]) && same_bits(c->close[i], row.numbers[TLW_PLAIN_CLOSE]) &&
         (!c->volume || same_bits(c->volume[i], row.numbers[TLW_PLAIN_VOLUME])) && (!c->time || c->time[i] == row.time);
}

static bool complain(const struct tlw_plain_tier *tier, uint64_t seed, const char *what, const char *line,
                     const char *end) {
  printf("%s, seed %" PRIu64 ": %s: %.*s\n", tier->name, seed, what, (int)(end - line), line);
  return false;
}

/* One call from *at on, and the line that it stopped at. */
static bool read_on(struct file *f, const char *text, size_t *at, rows_kit *rows, uint64_t seed, int64_t *n_read) {
  struct tlw_plain *const plain = &f->plain;
  struct tlw_plain before = *plain;
  rows->rows.capacity = 1 + (int64_t)rng_below(&f->r, (uint64_t)rows->capacity);
  const int64_t first = (int64_t)rng_below(&f->r, (uint64_t)rows->rows.capacity);
  int64_t n_rows = first;
  rows_poison(rows);
  const char *line = text + *at;
  const char *const end = text + f->size;
  const char *const read = line + tlw_plain_read(plain, line, f->size - *at, &rows->rows, &n_rows);
  if (read > end || n_rows > rows->rows.capacity || !rows_untouched(rows, 0, first) ||
      !rows_untouched(rows, n_rows, rows->capacity))
    return complain(plain->tier, seed, "it went too far", line, line);
  for (int64_t i = first; i < n_rows; i++) {
    const char *const feed = memchr(line, '\n', (size_t)(end - line));
    if (!feed || feed >= read) return complain(plain->tier, seed, "more rows than lines", line, read);
    const struct line_kit *kit = ordinary_line(f, (size_t)(line - text), (size_t)(feed + 1 - text));
    if (!check_row(&before, kit, line, (size_t)(feed - line), rows, i))
      return complain(plain->tier, seed, "not what the line says", line, feed);
    line = feed + 1;
  }
  *n_read += n_rows - first;
  if (line != read || plain->any != before.any || (plain->any && plain->previous_time != before.previous_time))
    return complain(plain->tier, seed, "not as many lines as rows", line, line);
  *at = (size_t)(line - text);
  if (line == end || n_rows == rows->rows.capacity) return true;
  const char *const feed = memchr(line, '\n', (size_t)(end - line));
  *at = feed ? (size_t)(feed + 1 - text) : f->size;
  const struct line_kit *kit = ordinary_line(f, (size_t)(line - text), *at);
  return !kit || !is_in_order(plain, kit->time) || complain(plain->tier, seed, "it was not read", line, feed);
}

bool plain_agrees(const struct tlw_plain_tier *tier, uint64_t seed, int64_t *n_rows) {
  static struct file f;
  f.r.state = seed;
  choose_file(&f);
  write_file(&f);
  f.plain.tier = tier;
  arena a;
  rows_kit rows;
  arena_open(&a, f.size);
  rows_open(&rows, LINES + 4);
  if (one_in(&f.r, 4)) rows.rows.volume = NULL;
  if (one_in(&f.r, 4)) rows.rows.time = NULL;
  const char *const text = arena_place(&a, f.text, f.size, one_in(&f.r, 2), seed);
  bool good = true;
  for (size_t at = 0; good && at < f.size;) good = read_on(&f, text, &at, &rows, seed, n_rows);
  arena_close(&a);
  rows_close(&rows);
  return good;
}
