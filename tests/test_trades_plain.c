/*
 * The fast path of trade files on every SIMD tier, and without one, against the general path: the same rows, places,
 * failures and counts from ordinary and hostile files, however many rows are taken at a time and however the bytes come;
 * ordinary rows are read by it, and not a byte beyond the padding is.
 *
 *   TALLOW_TEST_CASES=N   random files on each tier
 *   TALLOW_TEST_SEED=S    the first file's seed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "csv_kit.h"
#include "harness.h"
#include "host/io/trades_reader.h"
#include "plain_kit.h"
#include "series.h"
#include "trades_kit.h"

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

#define CASES (SANITIZED ? 300 : 1500)
#define FIRST_SEED 20260101
#define SECOND INT64_C(1000000000)

/* ---- tiers ---- */

extern const struct tlw_trade_plain_tier tlw_trade_plain_tier_portable;

static const char *const names[] = {"baseline", "avx2", "avx512"};
#define N_NAMES (sizeof names / sizeof *names)

static const struct tlw_trade_plain_tier *tiers[N_NAMES + 1];
static size_t n_tiers;

/* What TALLOW_CPU_TIER names, and the portable one. */
static int find_tiers(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    setenv("TALLOW_CPU_TIER", names[i], 1);
    const struct tlw_trade_plain_tier *tier = tlw_trade_plain_tier();
    if (n_tiers > 0 && tier == tiers[0])
      printf("%s: skipped, this CPU or build lacks it\n", names[i]);
    else
      tiers[n_tiers++] = tier;
  }
  unsetenv("TALLOW_CPU_TIER");
  tiers[n_tiers++] = &tlw_trade_plain_tier_portable;
  return 0;
}

static void test_choice(void **unused) {
  (void)unused;
  assert_ptr_equal(tlw_trade_plain_tier(), tiers[n_tiers - 2]);
  setenv("TALLOW_CPU_TIER", "abacus", 1);
  assert_ptr_equal(tlw_trade_plain_tier(), tiers[0]);
  unsetenv("TALLOW_CPU_TIER");
}

/* ---- files ---- */

/* A random file: what its columns are, and how its numbers are written. */
struct shape {
  rng r;
  int n_columns;
  int roles[17]; /* TLW_TRADE_COLUMNS: another column */
  char delimiter;
  const char *end;
  bool has_header;
  int time_kind; /* 0 to 3: s to ns, 4: text */
  int decimals;  /* of all decimal numbers; -1: any number of them */
  int whole;     /* digits ahead of the point at most */
  size_t style;  /* of makers, 0 or 1 */
  bool sides;    /* makers are sides, and their column says so */
  const char *symbol;
  uint64_t hostile; /* one of so many lines is changed; 0: none */
};

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

static int64_t random_digits(rng *r, int n) {
  int64_t value = 0;
  for (int i = 0; i < n; i++) value = value * 10 + (int64_t)rng_below(r, 10);
  return value;
}

static void write_decimal(csv_text *t, struct shape *s) {
  const int n_decimals = s->decimals >= 0 ? s->decimals : rng_between(&s->r, 0, 8);
  csv_printf(t, "%" PRId64, random_digits(&s->r, rng_between(&s->r, 1, s->whole)));
  if (n_decimals > 0) csv_printf(t, ".%0*" PRId64, n_decimals, random_digits(&s->r, n_decimals));
}

static void write_time(csv_text *t, struct shape *s, int64_t row) {
  static const int64_t units[] = {SECOND, 1000000, 1000, 1};
  const int64_t time = INT64_C(1722988800) * SECOND + row * 1234567891;
  if (s->time_kind < 4)
    csv_printf(t, "%" PRId64, time / units[s->time_kind]);
  else
    csv_printf(t, "2024-08-%02d %02d:%02d:%02d.%06d", 7 + (int)(row / 1440 % 20), (int)(row / 60 % 24), (int)(row % 60),
               rng_between(&s->r, 0, 59), rng_between(&s->r, 0, 999999));
}

static void write_field(csv_text *t, struct shape *s, int role, int64_t row) {
  static const char *const makers[][7] = {{"true", "false", "True", "False", "TRUE", "0", "1"},
                                          {"buy", "sell", "BUY", "SELL", "Buy", "b", "S"}};
  switch (role) {
  case TLW_TRADE_ROLE_TIME:
    write_time(t, s, row);
    return;
  case TLW_TRADE_ROLE_ID:
  case TLW_TRADE_ROLE_FIRST_ID:
  case TLW_TRADE_ROLE_LAST_ID:
  case TLW_TRADE_ROLE_COUNT:
    csv_printf(t, "%" PRId64, 4122345678 + row * 3);
    return;
  case TLW_TRADE_ROLE_MAKER:
    csv_printf(t, "%s", makers[s->sides][s->hostile ? rng_below(&s->r, 7) : rng_below(&s->r, 2) + 2 * s->style]);
    return;
  case TLW_TRADE_ROLE_SYMBOL:
    csv_printf(t, "%s", s->symbol);
    return;
  case TLW_TRADE_COLUMNS:
    csv_printf(t, "%.*s", rng_between(&s->r, 0, 3), "x-y");
    return;
  default:
    write_decimal(t, s);
  }
}

static void write_header(csv_text *t, const struct shape *s) {
  for (int i = 0; i < s->n_columns; i++) {
    if (i > 0) csv_append(t, &s->delimiter, 1);
    if (s->roles[i] == TLW_TRADE_COLUMNS)
      csv_printf(t, "other %d", i);
    else if (s->roles[i] == TLW_TRADE_ROLE_MAKER)
      csv_printf(t, s->sides ? "side" : "is_buyer_maker");
    else if (s->roles[i] == TLW_TRADE_ROLE_QUOTE)
      csv_printf(t, "Quote Volume");
    else
      csv_printf(t, "%s", tlw_trade_role_name((enum tlw_trade_role)s->roles[i]));
  }
  csv_printf(t, "%s", s->end);
}

/* Changes the line that begins at at as somebody who means harm, or a disk, might. */
static void spoil(csv_text *t, size_t at, struct shape *s) {
  static const char *const numbers[] = {"nan",
                                        "inf",
                                        "-1",
                                        "+1",
                                        "1e3",
                                        "1.5e-3",
                                        "0.123456789",
                                        "0.1234567800",
                                        "1e-9",
                                        "92233720368.54775807",
                                        "-0",
                                        "5.",
                                        ".5",
                                        ".",
                                        "",
                                        " 1 ",
                                        "\"1\"",
                                        "\"1,5\"",
                                        "1_0",
                                        "92233720368.54775808",
                                        "0x10",
                                        "1,5",
                                        "1.2.3",
                                        "1e",
                                        "--1",
                                        "true",
                                        "sell",
                                        "AAPL",
                                        "00000000000000000001",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "99999999999",
                                        "11111111111111111",
                                        "123456789012345678.5",
                                        "12345678901.12345678",
                                        "1234567890.12345678",
                                        "20240807",
                                        "2024-08-07",
                                        "1722988800",
                                        "1722988800123",
                                        "1722988800123456",
                                        "1722988800123456789",
                                        "-5",
                                        "202408",
                                        "1722988800123.000",
                                        "0.00000000",
                                        "123456789.12345678"};
  static const char bytes[] = "0123456789.,;\t|\r\n\" #-+eExT:\0\xff";
  rng *r = &s->r;
  const size_t length = t->size - at;
  const size_t place = at + rng_below(r, length);
  csv_text rest = {0};
  switch (rng_below(r, 8)) {
  case 0:
    t->bytes[place] = bytes[rng_below(r, sizeof bytes)];
    return;
  case 1:
    memmove(t->bytes + place, t->bytes + place + 1, t->size - place - 1);
    t->size--;
    return;
  case 2:
    csv_append(&rest, t->bytes + place, t->size - place);
    t->size = place;
    csv_append(t, &bytes[rng_below(r, sizeof bytes)], 1);
    csv_append(t, rest.bytes, rest.size);
    break;
  case 3:
    csv_append(&rest, t->bytes + at, length);
    csv_append(t, rest.bytes, rest.size);
    break;
  case 4:
    csv_printf(t, "%s", one_in(r, 2) ? s->end : "# a comment,1,2\n");
    return;
  case 5:
    write_header(t, s);
    return;
  default: { /* a field */
    const char *number = numbers[rng_below(r, sizeof numbers / sizeof *numbers)];
    size_t begin = place, end = place;
    while (begin > at && t->bytes[begin - 1] != s->delimiter) begin--;
    while (end < t->size && t->bytes[end] != s->delimiter && t->bytes[end] != '\r' && t->bytes[end] != '\n') end++;
    csv_append(&rest, t->bytes + end, t->size - end);
    t->size = begin;
    csv_printf(t, "%s", number);
    csv_append(t, rest.bytes, rest.size);
  }
  }
  csv_text_free(&rest);
}

static void write_rows(csv_text *t, struct shape *s, int64_t n_rows) {
  for (int64_t row = 0; row < n_rows; row++) {
    const size_t at = t->size;
    for (int i = 0; i < s->n_columns; i++) {
      if (i > 0) csv_append(t, &s->delimiter, 1);
      write_field(t, s, s->roles[i], row);
    }
    csv_printf(t, "%s", s->end);
    if (s->hostile && row > 0 && one_in(&s->r, s->hostile)) spoil(t, at, s);
  }
}

static void choose_columns(struct shape *s) {
  static const int known[][13] = {
      {TLW_TRADE_ROLE_ID, TLW_TRADE_ROLE_PRICE, TLW_TRADE_ROLE_QUANTITY, TLW_TRADE_ROLE_FIRST_ID,
       TLW_TRADE_ROLE_LAST_ID, TLW_TRADE_ROLE_TIME, TLW_TRADE_ROLE_MAKER, -1},
      {TLW_TRADE_ROLE_ID, TLW_TRADE_ROLE_PRICE, TLW_TRADE_ROLE_QUANTITY, TLW_TRADE_ROLE_QUOTE, TLW_TRADE_ROLE_TIME,
       TLW_TRADE_ROLE_MAKER, -1},
      {TLW_TRADE_ROLE_TIME, TLW_TRADE_ROLE_PRICE, TLW_TRADE_ROLE_QUANTITY, -1},
      {TLW_TRADE_ROLE_TIME, TLW_TRADE_ROLE_OPEN, TLW_TRADE_ROLE_HIGH, TLW_TRADE_ROLE_LOW, TLW_TRADE_ROLE_PRICE,
       TLW_TRADE_ROLE_QUANTITY, TLW_TRADE_COLUMNS, TLW_TRADE_ROLE_QUOTE, TLW_TRADE_ROLE_COUNT, TLW_TRADE_COLUMNS,
       TLW_TRADE_COLUMNS, TLW_TRADE_COLUMNS, -1}};
  const size_t which = rng_below(&s->r, 5);
  s->has_header = which == 4 || one_in(&s->r, 2);
  if (which < 4) {
    while (known[which][s->n_columns] >= 0) {
      s->roles[s->n_columns] = known[which][s->n_columns];
      s->n_columns++;
    }
    return;
  }
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++)
    if (role < 2 || one_in(&s->r, 2)) s->roles[s->n_columns++] = role;
  while (s->n_columns < 15 && one_in(&s->r, 2)) s->roles[s->n_columns++] = TLW_TRADE_COLUMNS;
  for (int i = s->n_columns - 1; i > 0; i--) {
    const int k = (int)rng_below(&s->r, (uint64_t)i + 1), role = s->roles[i];
    s->roles[i] = s->roles[k];
    s->roles[k] = role;
  }
}

static struct shape random_shape(uint64_t seed, bool hostile) {
  static const uint64_t rates[] = {1, 3, 20, 100};
  static const char *const symbols[] = {"AAPL", "BTC-USDT-SWAP", ""};
  struct shape s = {.r = {seed * 2654435761u + 1}};
  choose_columns(&s);
  s.delimiter = ",;\t|"[one_in(&s.r, 2) ? 0 : rng_below(&s.r, 4)];
  s.end = one_in(&s.r, 4) ? "\r\n" : "\n";
  s.time_kind = rng_between(&s.r, 0, 4);
  s.decimals = rng_between(&s.r, -1, 8);
  s.whole = rng_between(&s.r, 1, 10);
  s.style = rng_below(&s.r, 2);
  s.sides = s.has_header && one_in(&s.r, 2);
  s.symbol = symbols[rng_below(&s.r, 3)];
  s.hostile = hostile ? rates[rng_below(&s.r, 4)] : 0;
  return s;
}

static void write_file(csv_text *t, struct shape *s, int64_t n_rows) {
  if (one_in(&s->r, 10)) csv_printf(t, "\xef\xbb\xbf");
  if (s->has_header) write_header(t, s);
  write_rows(t, s, n_rows);
  if (s->hostile && one_in(&s->r, 4) && t->size > 0) t->size -= rng_below(&s->r, t->size < 20 ? t->size : 20);
}

static tlw_trade_options random_options(rng *r) {
  tlw_trade_options o;
  tlw_trade_options_init(&o);
  o.on_bad = one_in(r, 4) ? TLW_BAD_ERROR : TLW_BAD_SKIP;
  o.round = (int8_t)rng_below(r, 2);
  if (one_in(r, 3)) o.wanted = (uint32_t)rng_below(r, 2 * TLW_TRADE_COUNT);
  if (one_in(r, 3)) {
    o.from = INT64_C(1722988800) * SECOND + (int64_t)rng_below(r, 300) * SECOND;
    o.to = one_in(r, 3) ? INT64_MAX : o.from + 1 + (int64_t)rng_below(r, 300) * SECOND;
  }
  if (one_in(r, 6)) o.unit = (tlw_time_unit)rng_between(r, 1, 4);
  return o;
}

/* ---- files of the reader ---- */

static int64_t random_capacity(rng *r) {
  static const int64_t most[] = {3, 20, 300, 5000};
  return 1 + (int64_t)rng_below(r, (uint64_t)most[rng_below(r, 4)]);
}

static bool agrees(const tlw_trade_options *o, int64_t capacity, const struct tlw_trade_plain_tier *tier,
                   const trades_result *expected) {
  const char *const paths[] = {csv_path()};
  trades_result r;
  trades_read(paths, 1, o, capacity, tier, NULL, &r);
  const bool same = trades_same(&r, expected);
  trades_free(&r);
  return same;
}

static bool check_file(uint64_t seed, bool hostile, int64_t most_rows, int64_t *n_rows) {
  struct shape s = random_shape(seed, hostile);
  csv_text t = {0};
  write_file(&t, &s, 1 + (int64_t)rng_below(&s.r, (uint64_t)most_rows));
  csv_write(t.bytes, t.size);
  const tlw_trade_options o = random_options(&s.r);
  const char *const paths[] = {csv_path()};
  trades_result expected;
  trades_read(paths, 1, &o, random_capacity(&s.r), NULL, NULL, &expected);
  *n_rows += expected.n_rows;
  bool same = true;
  for (size_t i = 0; i < n_tiers && same; i++) {
    const int64_t capacity = random_capacity(&s.r);
    same = agrees(&o, capacity, tiers[i], &expected);
    if (!same) printf("%s, seed %" PRIu64 ", capacity %" PRId64 "\n", tiers[i]->name, seed, capacity);
  }
  trades_free(&expected);
  csv_text_free(&t);
  return same;
}

static void check_files(bool hostile, uint64_t n, int64_t most_rows, int64_t least) {
  const uint64_t first = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  int64_t n_rows = 0;
  int bad = 0;
  for (uint64_t seed = first; seed < first + n && bad < 5; seed++)
    bad += !check_file(seed, hostile, most_rows, &n_rows);
  assert_int_equal(bad, 0);
  assert_true(n_rows > least);
  printf("%" PRId64 " rows\n", n_rows);
}

static void test_ordinary_files(void **unused) {
  (void)unused;
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  check_files(false, n / 4, 400, (int64_t)n);
}

static void test_hostile_files(void **unused) {
  (void)unused;
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  check_files(true, n, 300, (int64_t)n);
}

/* Larger than the buffer, so that it ends anywhere in a row. */
static void test_long_files(void **unused) {
  (void)unused;
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  check_files(true, n / 200 + 2, 20000, 1000);
}

/* ---- bytes that come a few at a time ---- */

static void drip(int fd, const csv_text *t, uint64_t seed) {
  rng r = {seed};
  for (size_t at = 0; at < t->size;) {
    size_t n = 1 + rng_below(&r, 400);
    if (n > t->size - at) n = t->size - at;
    const ssize_t written = write(fd, t->bytes + at, n);
    if (written <= 0) break;
    at += (size_t)written;
  }
  _exit(0);
}

static void read_pipe(const csv_text *t, uint64_t seed, const tlw_trade_options *o,
                      const struct tlw_trade_plain_tier *tier, trades_result *r) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    drip(ends[1], t, seed);
  }
  close(ends[1]);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  const char *const paths[] = {path};
  trades_read(paths, 1, o, 1000, tier, NULL, r);
  close(ends[0]);
  int ended;
  assert_int_equal(waitpid(child, &ended, 0), child);
}

static void test_bytes_in_drops(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    struct shape s = random_shape(seed, true);
    csv_text t = {0};
    write_file(&t, &s, 1500);
    csv_write(t.bytes, t.size);
    tlw_trade_options o = random_options(&s.r);
    o.on_bad = TLW_BAD_SKIP;
    const char *const paths[] = {csv_path()};
    trades_result expected, r;
    trades_read(paths, 1, &o, 700, NULL, NULL, &expected);
    for (size_t i = 0; i < n_tiers; i++) {
      read_pipe(&t, seed, &o, tiers[i], &r);
      if (expected.status == TLW_OK) assert_true(trades_same(&r, &expected));
      assert_int_equal(r.status, expected.status);
      trades_free(&r);
    }
    trades_free(&expected);
    csv_text_free(&t);
  }
}

/* ---- the fast path itself ---- */

#define LINES 40

/* Numbers of aggregated trades, in a text between pages that can't be read. */
struct direct {
  csv_text text;
  int64_t numbers[TLW_TRADE_ROLES][LINES + 16];
  uint8_t makers[LINES + 16];
};

static const int32_t aggregated[TLW_TRADE_COLUMNS] = {5, 1, 2, 0, 3, 4, 6, -1, -1, -1, -1, -1, -1};

static struct tlw_trade_plain plain_of(struct direct *d, const struct tlw_trade_plain_tier *tier) {
  struct tlw_trade_plain plain = {.delimiter = ',',
                                  .comment = '#',
                                  .n_columns = 7,
                                  .time_least = 1000000000000,
                                  .time_end = 9214646400000,
                                  .makers = d->makers,
                                  .capacity = LINES,
                                  .tier = tier};
  memcpy(plain.column_of, aggregated, sizeof aggregated);
  for (int role = 0; role < TLW_TRADE_ROLES; role++) plain.numbers[role] = d->numbers[role];
  return plain;
}

static void write_direct(struct direct *d, const char *end) {
  for (int64_t i = 0; i < LINES; i++)
    csv_printf(&d->text, "%" PRId64 ",%" PRId64 ".%02d,0.%03d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%s%s",
               INT64_C(999999990) + i, 99990 + i, (int)i, (int)i * 7, i * i, i * i + 5, INT64_C(1722988800000) + i,
               i % 3 ? "True" : "False", end);
}

static void check_direct(const struct direct *d, int64_t i) {
  assert_int_equal(d->numbers[TLW_TRADE_ROLE_ID][i], 999999990 + i);
  assert_int_equal(d->numbers[TLW_TRADE_ROLE_PRICE][i], (99990 + i) * TLW_DECIMAL_ONE + i * 1000000);
  assert_int_equal(d->numbers[TLW_TRADE_ROLE_QUANTITY][i], i * 7 * 100000);
  assert_int_equal(d->numbers[TLW_TRADE_ROLE_FIRST_ID][i], i * i);
  assert_int_equal(d->numbers[TLW_TRADE_ROLE_LAST_ID][i], i * i + 5);
  assert_int_equal(d->numbers[TLW_TRADE_ROLE_TIME][i], 1722988800000 + i);
  assert_int_equal(d->makers[i], i % 3 != 0);
}

/* A text that ends anywhere and rows that end anywhere: whole lines are read, all of them, and nothing else. */
static void test_every_end(void **unused) {
  (void)unused;
  for (size_t tier = 0; tier < n_tiers; tier++) {
    for (int crlf = 0; crlf < 2; crlf++) {
      struct direct d = {0};
      write_direct(&d, crlf ? "\r\n" : "\n");
      arena a;
      arena_open(&a, d.text.size);
      for (size_t size = 0; size <= d.text.size; size++) {
        const char *const text = arena_place(&a, d.text.bytes, size, size % 2, size);
        struct tlw_trade_plain plain = plain_of(&d, tiers[tier]);
        plain.capacity = 1 + (int64_t)(size % (LINES + 5));
        int64_t n_lines = 0;
        size_t whole = 0;
        for (size_t i = 0; i < size && n_lines < plain.capacity; i++) {
          if (d.text.bytes[i] != '\n') continue;
          n_lines++;
          whole = i + 1;
        }
        for (int role = 0; role < TLW_TRADE_ROLES; role++)
          for (int i = 0; i < LINES + 16; i++) d.numbers[role][i] = TRADES_POISON;
        memset(d.makers, 0x5a, sizeof d.makers);
        const struct tlw_trade_plain_part part = tlw_trade_plain_read(&plain, text, size);
        assert_int_equal(part.n, n_lines);
        assert_int_equal(part.size, whole);
        assert_false(part.is_outside);
        for (int64_t i = 0; i < n_lines; i++) check_direct(&d, i);
        for (int64_t i = plain.capacity; i < LINES + 16; i++) {
          for (int role = 0; role < TLW_TRADE_ROLES; role++) assert_int_equal(d.numbers[role][i], TRADES_POISON);
          assert_int_equal(d.makers[i], 0x5a);
        }
      }
      arena_close(&a);
      csv_text_free(&d.text);
    }
  }
}

/* Every byte at every place of a line: what is read is what the general path reads, or left to it. */
static void test_every_byte(void **unused) {
  (void)unused;
  static const char before[] = "1,2.5,3,10,11,1722988800000,true\n2,2.25,3.125,12,13,1722988800001,False\n";
  static const char line[] = "3,12345.25,0.1,13,14,1722988800002,true\n";
  static const char behind[] = "4,1,1,15,16,1722988800003,0\n";
  tlw_trade_options o;
  tlw_trade_options_init(&o);
  o.on_bad = TLW_BAD_SKIP;
  for (size_t at = 0; at + 1 < sizeof line; at++) {
    for (int byte = 0; byte<256; byte += byte> 127 ? 31 : 1) {
      csv_text t = {0};
      csv_append(&t, before, sizeof before - 1);
      csv_append(&t, line, sizeof line - 1);
      t.bytes[sizeof before - 1 + at] = (char)byte;
      for (int i = 0; i < 10; i++) csv_append(&t, behind, sizeof behind - 1);
      csv_write(t.bytes, t.size);
      const char *const paths[] = {csv_path()};
      trades_result expected;
      trades_read(paths, 1, &o, 100, NULL, NULL, &expected);
      for (size_t i = 0; i < n_tiers; i++)
        if (!agrees(&o, 100, tiers[i], &expected)) fail_msg("%s: byte %d at %zu", tiers[i]->name, byte, at);
      trades_free(&expected);
      csv_text_free(&t);
    }
  }
}

static void check_is_plain(const struct tlw_trade_plain_tier *tier, const char *header, const char *line) {
  csv_text t = {0};
  csv_printf(&t, "%s", header);
  for (int k = 0; k < 2000; k++) csv_append(&t, line, strlen(line));
  csv_write(t.bytes, t.size);
  const char *const paths[] = {csv_path()};
  tlw_trade_reader *reader;
  tlw_trade_options o;
  tlw_error error;
  tlw_trade_options_init(&o);
  assert_int_equal(tlw_trade_reader_open(paths, 1, &o, NULL, &reader, NULL, &error), TLW_OK);
  reader->plain.tier = tier;
  static int64_t price[3000];
  const tlw_trade_rows rows = {.capacity = 3000, .price = price};
  int64_t n = 0, sum = 0;
  do {
    assert_int_equal(tlw_trade_reader_next(reader, &rows, &n, &error), TLW_OK);
    sum += n;
  } while (n > 0);
  assert_int_equal(sum, 2000);
  if (reader->n_general > 4) fail_msg("%s: %s", tier->name, line);
  tlw_trade_reader_close(&reader);
  csv_text_free(&t);
}

/* Ordinary files are read by the fast path, but for lines at the ends of buffers. */
static void test_files_are_plain(void **unused) {
  (void)unused;
  static const char *const lines[] = {
      "26129,0.01633102,4.70443515,27781,27781,1498793709153,True,True\n",
      "3271459120,61800.30000000,0.00600000,4122345678,4122345679,1723161256322001,False,True\n",
      "5266583935,61800.30,0.006,370.80180,1723161256322,false\n",
      "1381219217034,167.4200,210\n",
      "1700000000000,1.5,2,0.5,1.75,123456789.12345678,1700000059999,150.00000000,7,50,75,0\n",
      "1700000000123456789,1.5,2\n",
      "2024-08-07 12:34:56.123,1.5,2\n",
      "1700000000,123456.1,12345678901.1\r\n"};
  static const char *const of_sides[] = {"1700000000000,7,123.25,0.5,buy,AAPL\n",
                                         "1700000000000,7,123.25,0.5,Sell,BTC-USDT-SWAP\r\n",
                                         "1700000000000,7,123.25,0.5,B,\n"};
  for (size_t tier = 0; tier < n_tiers; tier++) {
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) check_is_plain(tiers[tier], "", lines[i]);
    for (size_t i = 0; i < sizeof of_sides / sizeof *of_sides; i++)
      check_is_plain(tiers[tier], "time,id,price,quantity,side,symbol\n", of_sides[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_choice),     cmocka_unit_test(test_files_are_plain), cmocka_unit_test(test_every_end),
      cmocka_unit_test(test_every_byte), cmocka_unit_test(test_ordinary_files),  cmocka_unit_test(test_hostile_files),
      cmocka_unit_test(test_long_files), cmocka_unit_test(test_bytes_in_drops),
  };
  return cmocka_run_group_tests(tests, find_tiers, NULL);
}
