#include "trades_kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io/trades_reader.h"

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                                          \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

#define GUARD 3 /* numbers behind a column that must not change */

/* Columns of a call. */
struct columns {
  int64_t capacity;
  int64_t *numbers[TLW_TRADE_ROLES];
  uint8_t *makers;
};

static void *allocate(size_t size) {
  void *memory = malloc(size ? size : 1);
  CHECK(memory);
  return memory;
}

static void poison(struct columns *c, int64_t n) {
  for (int role = 0; role < TLW_TRADE_ROLES; role++)
    for (int64_t i = 0; i < n; i++) c->numbers[role][i] = TRADES_POISON;
  for (int64_t i = 0; i < n; i++) c->makers[i] = 0x5a;
}

static void open_columns(struct columns *c, int64_t capacity) {
  c->capacity = capacity;
  for (int role = 0; role < TLW_TRADE_ROLES; role++) c->numbers[role] = allocate((size_t)(capacity + GUARD) * 8);
  c->makers = allocate((size_t)(capacity + GUARD));
  poison(c, capacity + GUARD);
}

static void close_columns(struct columns *c) {
  for (int64_t i = c->capacity; i < c->capacity + GUARD; i++) {
    for (int role = 0; role < TLW_TRADE_ROLES; role++) CHECK(c->numbers[role][i] == TRADES_POISON);
    CHECK(c->makers[i] == 0x5a);
  }
  for (int role = 0; role < TLW_TRADE_ROLES; role++) free(c->numbers[role]);
  free(c->makers);
}

static tlw_trade_rows view(const struct columns *c) {
  int64_t *const *n = c->numbers;
  return (tlw_trade_rows){.capacity = c->capacity,
                          .time = n[TLW_TRADE_ROLE_TIME],
                          .price = n[TLW_TRADE_ROLE_PRICE],
                          .quantity = n[TLW_TRADE_ROLE_QUANTITY],
                          .id = n[TLW_TRADE_ROLE_ID],
                          .first_id = n[TLW_TRADE_ROLE_FIRST_ID],
                          .last_id = n[TLW_TRADE_ROLE_LAST_ID],
                          .open = n[TLW_TRADE_ROLE_OPEN],
                          .high = n[TLW_TRADE_ROLE_HIGH],
                          .low = n[TLW_TRADE_ROLE_LOW],
                          .quote = n[TLW_TRADE_ROLE_QUOTE],
                          .count = n[TLW_TRADE_ROLE_COUNT],
                          .is_buyer_maker = c->makers};
}

static void grow(trades_result *r, int64_t n) {
  if (r->n_rows + n <= r->n_room) return;
  r->n_room = 2 * (r->n_rows + n);
  for (int role = 0; role < TLW_TRADE_ROLES; role++) {
    r->numbers[role] = realloc(r->numbers[role], (size_t)r->n_room * 8);
    CHECK(r->numbers[role]);
  }
  r->files = realloc(r->files, (size_t)r->n_room * sizeof *r->files);
  r->lines = realloc(r->lines, (size_t)r->n_room * sizeof *r->lines);
  CHECK(r->files && r->lines);
}

static void append(trades_result *r, const struct columns *c, const tlw_trade_reader *reader, int64_t n) {
  grow(r, n);
  for (int64_t i = 0; i < n; i++) {
    const int64_t row = r->n_rows + i;
    for (int role = 0; role < TLW_TRADE_ROLES; role++) r->numbers[role][row] = c->numbers[role][i];
    const uint8_t maker = c->makers[i];
    CHECK(maker < 2 || maker == 0x5a);
    r->numbers[TLW_TRADE_ROLE_MAKER][row] = maker < 2 ? maker : TRADES_POISON;
    tlw_trade_reader_locate(reader, i, &r->files[row], &r->lines[row]);
    CHECK(r->files[row] >= 0 && r->lines[row] > 0);
    if (row > 0 && r->files[row] == r->files[row - 1]) CHECK(r->lines[row] > r->lines[row - 1]);
    if (row > 0) CHECK(r->files[row] >= r->files[row - 1]);
  }
  int32_t file;
  int64_t line;
  tlw_trade_reader_locate(reader, n, &file, &line);
  CHECK(file == -1 && line == 0);
  r->n_rows += n;
}

static void check_error(const trades_result *r) {
  CHECK(r->error.code == r->status && r->status != TLW_ERR_INTERNAL);
  CHECK(memchr(r->error.message, 0, sizeof r->error.message) && strlen(r->error.message) > 10);
  for (const char *at = r->error.message; *at; at++) CHECK((unsigned char)*at >= ' ');
  CHECK(r->error.row == -1 || r->error.row >= 1);
  CHECK(r->error.column == -1 || r->error.column >= 1);
}

static void check_report(const trades_result *r, const tlw_trade_options *o, int32_t n_paths) {
  const tlw_trade_report *p = &r->report;
  CHECK(p->rows == r->n_rows && p->outside >= 0 && p->bad >= 0 && p->rounded >= 0);
  CHECK(p->lines >= p->rows + p->outside + p->bad);
  CHECK(p->bad == 0 || o->on_bad == TLW_BAD_SKIP);
  CHECK(p->rounded == 0 || o->round);
  CHECK((p->bad > 0) == (p->first_bad_line > 0) && (p->bad > 0) == (p->first_bad_file >= 0));
  CHECK(p->n_files_begun >= 1 && p->n_files_begun <= n_paths);
  CHECK(r->status != TLW_OK || p->n_files_begun == n_paths);
  CHECK(p->outside == 0 || o->from || o->to);
}

/* A failure stays, and gives no rows. */
static void check_stays(tlw_trade_reader *reader, const trades_result *r, struct columns *c) {
  tlw_error again;
  int64_t n = -1;
  const tlw_trade_rows rows = view(c);
  CHECK(tlw_trade_reader_next(reader, &rows, &n, &again) == r->status && n == 0);
  CHECK(r->status == TLW_OK || strcmp(again.message, r->error.message) == 0);
}

static void read_on(tlw_trade_reader *reader, struct columns *c, trades_result *r) {
  const tlw_trade_rows rows = view(c);
  int64_t n;
  do {
    n = -1;
    r->status = tlw_trade_reader_next(reader, &rows, &n, &r->error);
    CHECK(n >= 0 && n <= c->capacity);
    append(r, c, reader, n);
    poison(c, n);
  } while (r->status == TLW_OK && n > 0);
  check_stays(reader, r, c);
}

void trades_read(const char *const *paths, int32_t n_paths, const tlw_trade_options *options, int64_t capacity,
                 const struct tlw_trade_plain_tier *tier, tlw_engine *engine, trades_result *result) {
  *result = (trades_result){0};
  memset(&result->error, 0xa5, sizeof result->error);
  tlw_trade_reader *reader = (tlw_trade_reader *)(uintptr_t)1;
  result->status = tlw_trade_reader_open(paths, n_paths, options, engine, &reader, &result->there, &result->error);
  if (result->status != TLW_OK) {
    CHECK(!reader);
    check_error(result);
    return;
  }
  result->is_open = true;
  if (tier)
    reader->plain.tier = tier;
  else
    tlw_trade_plain_off(reader);
  struct columns columns;
  open_columns(&columns, capacity);
  const tlw_time_unit unit = tlw_trade_reader_unit(reader);
  read_on(reader, &columns, result);
  close_columns(&columns);
  if (result->status != TLW_OK) check_error(result);
  result->unit = tlw_trade_reader_unit(reader);
  CHECK(unit == TLW_UNIT_DEFAULT || unit == result->unit);
  tlw_trade_reader_get_report(reader, &result->report);
  check_report(result, options, n_paths);
  tlw_trade_reader_close(&reader);
  CHECK(!reader);
}

void trades_free(trades_result *result) {
  for (int role = 0; role < TLW_TRADE_ROLES; role++) free(result->numbers[role]);
  free(result->files);
  free(result->lines);
}

static bool same_error(const trades_result *a, const trades_result *b) {
  if (a->status != b->status) {
    printf("%s, not %s\n", tlw_status_name(a->status), tlw_status_name(b->status));
    return false;
  }
  if (a->status == TLW_OK || (strcmp(a->error.message, b->error.message) == 0 && a->error.row == b->error.row &&
                              a->error.column == b->error.column))
    return true;
  printf("'%s', not '%s'\n", a->error.message, b->error.message);
  return false;
}

static bool same_row(const trades_result *a, const trades_result *b, int64_t row) {
  for (int role = 0; role < TLW_TRADE_ROLES; role++) {
    if (a->numbers[role][row] == b->numbers[role][row]) continue;
    printf("row %" PRId64 ", line %" PRId64 ": %s %" PRId64 ", not %" PRId64 "\n", row, b->lines[row],
           tlw_trade_role_name((enum tlw_trade_role)role), a->numbers[role][row], b->numbers[role][row]);
    return false;
  }
  if (a->files[row] == b->files[row] && a->lines[row] == b->lines[row]) return true;
  printf("row %" PRId64 " stood in %" PRId32 ":%" PRId64 ", not %" PRId32 ":%" PRId64 "\n", row, a->files[row],
         a->lines[row], b->files[row], b->lines[row]);
  return false;
}

bool trades_same(const trades_result *a, const trades_result *b) {
  if (!same_error(a, b)) return false;
  if (a->n_rows != b->n_rows) {
    printf("%" PRId64 " rows, not %" PRId64 "\n", a->n_rows, b->n_rows);
    return false;
  }
  for (int64_t row = 0; row < a->n_rows; row++)
    if (!same_row(a, b, row)) return false;
  const bool same = a->is_open == b->is_open && a->there == b->there && a->unit == b->unit &&
                    memcmp(&a->report, &b->report, sizeof a->report) == 0;
  if (!same) printf("other columns, another unit or report\n");
  return same;
}
