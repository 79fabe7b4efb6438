#include "trades_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decimal_text.h"
#include "host/base/error.h"
#include "text.h"

#define BARS (TLW_TRADE_OPEN | TLW_TRADE_HIGH | TLW_TRADE_LOW)
#define OF_BARS (BARS | TLW_TRADE_QUOTE | TLW_TRADE_COUNT)

_Static_assert(TLW_TRADE_COUNT == 1u << TLW_TRADE_ROLE_COUNT && TLW_TRADE_MAKER == 1u << TLW_TRADE_ROLE_MAKER,
               "roles and their bits have one order");

static const char *const role_names[TLW_TRADE_COLUMNS] = {
    [TLW_TRADE_ROLE_TIME] = "time",     [TLW_TRADE_ROLE_PRICE] = "price",       [TLW_TRADE_ROLE_QUANTITY] = "quantity",
    [TLW_TRADE_ROLE_ID] = "id",         [TLW_TRADE_ROLE_FIRST_ID] = "first_id", [TLW_TRADE_ROLE_LAST_ID] = "last_id",
    [TLW_TRADE_ROLE_MAKER] = "maker",   [TLW_TRADE_ROLE_OPEN] = "open",         [TLW_TRADE_ROLE_HIGH] = "high",
    [TLW_TRADE_ROLE_LOW] = "low",       [TLW_TRADE_ROLE_QUOTE] = "quote",       [TLW_TRADE_ROLE_COUNT] = "count",
    [TLW_TRADE_ROLE_SYMBOL] = "symbol",
};

const char *tlw_trade_role_name(enum tlw_trade_role role) { return role_names[role]; }

uint32_t tlw_trade_columns_mask(const struct tlw_trade_columns *columns) {
  uint32_t mask = 0;
  for (int role = 0; role < TLW_TRADE_ROLES; role++)
    if (columns->of[role] >= 0) mask |= 1u << role;
  return mask;
}

/* ---- what was asked for ---- */

static struct tlw_field trimmed(const char *begin, const char *end) {
  while (begin < end && *begin == ' ') begin++;
  while (begin < end && end[-1] == ' ') end--;
  return (struct tlw_field){begin, (size_t)(end - begin), false};
}

static tlw_status refuse_role(const struct tlw_field *name, tlw_error *error) {
  char shown[TLW_SHOWN_SIZE];
  const char *nearest = NULL;
  int least = 3;
  tlw_show_text(shown, sizeof shown, name->text, name->length);
  for (int i = 0; i < TLW_TRADE_COLUMNS && name->length <= TLW_DISTANCE_MOST; i++) {
    const int distance = tlw_columns_distance(name->text, name->length, role_names[i]);
    if (distance >= least || distance >= (int)name->length) continue;
    least = distance;
    nearest = role_names[i];
  }
  if (nearest) return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: '%s' is no role: did you mean %s?", shown, nearest);
  return tlw_fail(error, TLW_ERR_ARGUMENT,
                  "columns: '%s' is no role: it must be time, price, quantity, id, first_id, last_id, maker, open, "
                  "high, low, quote, count or symbol",
                  shown);
}

/* ROLE=COLUMN */
static tlw_status read_item(const char *begin, const char *end, struct tlw_trade_wishes *wishes, tlw_error *error) {
  char shown[TLW_SHOWN_SIZE], what[32];
  const char *equals = memchr(begin, '=', (size_t)(end - begin));
  if (!equals) {
    const struct tlw_field item = trimmed(begin, end);
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: '%s' is not ROLE=COLUMN: write it as price=Last,quantity=7",
                    tlw_show_text(shown, sizeof shown, item.text, item.length));
  }
  const struct tlw_field name = trimmed(begin, equals), column = trimmed(equals + 1, end);
  int role = 0;
  while (role < TLW_TRADE_COLUMNS &&
         !tlw_columns_same_name(name.text, name.length, role_names[role], strlen(role_names[role])))
    role++;
  if (role == TLW_TRADE_COLUMNS) return refuse_role(&name, error);
  struct tlw_wish *wish = &wishes->roles[role];
  if (wish->kind != TLW_WISH_ANY)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: %s is given twice: give it once", role_names[role]);
  snprintf(what, sizeof what, "columns: %s", role_names[role]);
  if (!tlw_same_word(column.text, column.length, "none")) return tlw_wish_read(what, &column, wish, error);
  if (role == TLW_TRADE_ROLE_TIME || role == TLW_TRADE_ROLE_PRICE)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s can't be none: name its column", what);
  wish->kind = TLW_WISH_NONE;
  return TLW_OK;
}

static bool is_wished(const struct tlw_wish *wish) {
  return wish->kind == TLW_WISH_NAME || wish->kind == TLW_WISH_NUMBER;
}

tlw_status tlw_trade_wishes_read(const char *columns, struct tlw_trade_wishes *wishes, tlw_error *error) {
  *wishes = (struct tlw_trade_wishes){0};
  for (const char *end; columns; columns = *end ? end + 1 : NULL) {
    end = columns + strcspn(columns, ",");
    const tlw_status status = read_item(columns, end, wishes, error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

/* ---- names ---- */

static const struct {
  const char *name;
  enum tlw_trade_role role;
} names[] = {
    {"transacttime", TLW_TRADE_ROLE_TIME},
    {"opentime", TLW_TRADE_ROLE_TIME}, /* of bars that have both the other is their end */
    {"timestamp", TLW_TRADE_ROLE_TIME},
    {"time", TLW_TRADE_ROLE_TIME},
    {"tradetime", TLW_TRADE_ROLE_TIME},
    {"datetime", TLW_TRADE_ROLE_TIME},
    {"ts", TLW_TRADE_ROLE_TIME},
    {"t", TLW_TRADE_ROLE_TIME},
    {"date", TLW_TRADE_ROLE_TIME},
    {"day", TLW_TRADE_ROLE_TIME},
    {"tradedate", TLW_TRADE_ROLE_TIME},
    {"tradingday", TLW_TRADE_ROLE_TIME},
    {"price", TLW_TRADE_ROLE_PRICE},
    {"p", TLW_TRADE_ROLE_PRICE},
    {"close", TLW_TRADE_ROLE_PRICE},
    {"last", TLW_TRADE_ROLE_PRICE},
    {"quantity", TLW_TRADE_ROLE_QUANTITY},
    {"qty", TLW_TRADE_ROLE_QUANTITY},
    {"q", TLW_TRADE_ROLE_QUANTITY},
    {"size", TLW_TRADE_ROLE_QUANTITY},
    {"amount", TLW_TRADE_ROLE_QUANTITY},
    {"volume", TLW_TRADE_ROLE_QUANTITY},
    {"basevolume", TLW_TRADE_ROLE_QUANTITY},
    {"v", TLW_TRADE_ROLE_QUANTITY},
    {"aggtradeid", TLW_TRADE_ROLE_ID},
    {"aggregatetradeid", TLW_TRADE_ROLE_ID},
    {"a", TLW_TRADE_ROLE_ID},
    {"tradeid", TLW_TRADE_ROLE_ID},
    {"id", TLW_TRADE_ROLE_ID},
    {"firsttradeid", TLW_TRADE_ROLE_FIRST_ID},
    {"firstid", TLW_TRADE_ROLE_FIRST_ID},
    {"f", TLW_TRADE_ROLE_FIRST_ID},
    {"lasttradeid", TLW_TRADE_ROLE_LAST_ID},
    {"lastid", TLW_TRADE_ROLE_LAST_ID},
    {"isbuyermaker", TLW_TRADE_ROLE_MAKER},
    {"buyermaker", TLW_TRADE_ROLE_MAKER},
    {"m", TLW_TRADE_ROLE_MAKER},
    {"takerside", TLW_TRADE_ROLE_MAKER},
    {"aggressorside", TLW_TRADE_ROLE_MAKER},
    {"aggressor", TLW_TRADE_ROLE_MAKER},
    {"side", TLW_TRADE_ROLE_MAKER},
    {"open", TLW_TRADE_ROLE_OPEN},
    {"o", TLW_TRADE_ROLE_OPEN},
    {"high", TLW_TRADE_ROLE_HIGH},
    {"h", TLW_TRADE_ROLE_HIGH},
    {"low", TLW_TRADE_ROLE_LOW},
    {"quotevolume", TLW_TRADE_ROLE_QUOTE},
    {"quoteassetvolume", TLW_TRADE_ROLE_QUOTE},
    {"turnover", TLW_TRADE_ROLE_QUOTE},
    {"count", TLW_TRADE_ROLE_COUNT},
    {"trades", TLW_TRADE_ROLE_COUNT},
    {"numberoftrades", TLW_TRADE_ROLE_COUNT},
    {"numtrades", TLW_TRADE_ROLE_COUNT},
    {"symbol", TLW_TRADE_ROLE_SYMBOL},
    {"ticker", TLW_TRADE_ROLE_SYMBOL},
    {"sym", TLW_TRADE_ROLE_SYMBOL},
    {"instrument", TLW_TRADE_ROLE_SYMBOL},
    {"pair", TLW_TRADE_ROLE_SYMBOL},
};
#define N_NAMES (int)(sizeof names / sizeof *names)

/* What the names of a header gave so far: the best of each role, and its column. */
struct search {
  int rank[TLW_TRADE_COLUMNS];
  int32_t column[TLW_TRADE_COLUMNS];
  int wished_rank[TLW_TRADE_COLUMNS]; /* 0: as it was written, 1: as names count, 2: not found */
  int32_t wished[TLW_TRADE_COLUMNS];
  int32_t l; /* the column that is called so; -1: there is none */
};

static void search_wish(struct search *s, int role, const struct tlw_wish *wish, const struct tlw_field *f,
                        int32_t column) {
  int rank = 2;
  if (wish->kind == TLW_WISH_NUMBER) rank = wish->number == column ? 0 : 2;
  if (wish->kind == TLW_WISH_NAME) {
    if (wish->length == f->length && memcmp(wish->name, f->text, f->length) == 0)
      rank = 0;
    else if (tlw_columns_same_name(wish->name, wish->length, f->text, f->length))
      rank = 1;
  }
  if (rank >= s->wished_rank[role]) return;
  s->wished_rank[role] = rank;
  s->wished[role] = column;
}

static void search_field(struct search *s, const struct tlw_trade_wishes *wishes, const struct tlw_field *f,
                         int32_t column) {
  for (int i = 0; i < N_NAMES; i++) {
    if (i >= s->rank[names[i].role]) continue;
    if (!tlw_columns_same_name(f->text, f->length, names[i].name, strlen(names[i].name))) continue;
    s->rank[names[i].role] = i;
    s->column[names[i].role] = column;
  }
  if (s->l < 0 && tlw_columns_same_name(f->text, f->length, "l", 1)) s->l = column;
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++) search_wish(s, role, &wishes->roles[role], f, column);
}

static bool is_taken(const struct search *s, int32_t column) {
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++)
    if (s->wished[role] == column) return true;
  return false;
}

/* The column of a role, l being one of its names or not. */
static int32_t choose(const struct search *s, const struct tlw_trade_wishes *wishes, int role, bool l) {
  const struct tlw_wish *wish = &wishes->roles[role];
  if (is_wished(wish)) return s->wished[role];
  int32_t column = s->rank[role] < N_NAMES ? s->column[role] : -1;
  if (column < 0 && l) column = s->l;
  return wish->kind == TLW_WISH_NONE || is_taken(s, column) ? -1 : column;
}

static void choose_all(const struct search *s, const struct tlw_trade_wishes *wishes, struct tlw_trade_columns *c) {
  bool bars = true;
  for (int role = TLW_TRADE_ROLE_OPEN; role <= TLW_TRADE_ROLE_LOW; role++)
    bars = bars && choose(s, wishes, role, role == TLW_TRADE_ROLE_LOW) >= 0;
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++) {
    const bool has_l = role == (bars ? TLW_TRADE_ROLE_LOW : TLW_TRADE_ROLE_LAST_ID);
    if (bars || !(OF_BARS >> role & 1)) c->of[role] = choose(s, wishes, role, has_l);
  }
}

/* A time, a price and each role that was asked for have their columns. */
static bool is_complete(const struct tlw_trade_wishes *wishes, const struct tlw_trade_columns *columns) {
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++) {
    const bool is_needed = role <= TLW_TRADE_ROLE_PRICE || is_wished(&wishes->roles[role]);
    if (is_needed && columns->of[role] < 0) return false;
  }
  return true;
}

static void start(struct tlw_trade_columns *columns, bool has_header) {
  *columns = (struct tlw_trade_columns){.has_header = has_header};
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++) columns->of[role] = -1;
}

static bool is_name_of_sides(const struct tlw_field *f) {
  static const char *const sides[] = {"takerside", "aggressorside", "aggressor", "side"};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
    if (tlw_columns_same_name(f->text, f->length, sides[i], strlen(sides[i]))) return true;
  return false;
}

static void keep_name(struct tlw_trade_columns *columns, const struct tlw_field *f, int32_t column) {
  const size_t size = f->length < TLW_TRADE_NAME_SIZE - 1 ? f->length : TLW_TRADE_NAME_SIZE - 1;
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++)
    if (columns->of[role] == column) memcpy(columns->names[role], f->text, size);
  if (columns->of[TLW_TRADE_ROLE_MAKER] == column) columns->maker_is_side = is_name_of_sides(f);
}

bool tlw_trade_columns_by_name(const char *line, size_t length, char delimiter, const struct tlw_trade_wishes *wishes,
                               struct tlw_trade_columns *columns) {
  const char *const end = line + length;
  struct search s = {.l = -1};
  struct tlw_field f;
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++) {
    s.rank[role] = N_NAMES;
    s.wished_rank[role] = 2;
    s.wished[role] = -1;
  }
  start(columns, true);
  for (const char *at = line;; at++) {
    at = tlw_field_take(at, end, delimiter, &f);
    if (!at) return false;
    search_field(&s, wishes, &f, columns->n_columns++);
    columns->last_is_empty = f.length == 0;
    if (at == end) break;
  }
  choose_all(&s, wishes, columns);
  int32_t column = 0;
  for (const char *at = line;; at++, column++) {
    at = tlw_field_take(at, end, delimiter, &f);
    keep_name(columns, &f, column);
    if (at == end) break;
  }
  return is_complete(wishes, columns);
}

/* ---- places ---- */

/* The files that are known without a header: a role each column; TLW_TRADE_COLUMNS: another. */
#define OTHER TLW_TRADE_COLUMNS
static const uint8_t aggregated[] = {
    TLW_TRADE_ROLE_ID,      TLW_TRADE_ROLE_PRICE, TLW_TRADE_ROLE_QUANTITY, TLW_TRADE_ROLE_FIRST_ID,
    TLW_TRADE_ROLE_LAST_ID, TLW_TRADE_ROLE_TIME,  TLW_TRADE_ROLE_MAKER,    OTHER};
static const uint8_t single[] = {TLW_TRADE_ROLE_ID,
                                 TLW_TRADE_ROLE_PRICE,
                                 TLW_TRADE_ROLE_QUANTITY,
                                 OTHER,
                                 TLW_TRADE_ROLE_TIME,
                                 TLW_TRADE_ROLE_MAKER,
                                 OTHER};
static const uint8_t klines[] = {TLW_TRADE_ROLE_TIME,
                                 TLW_TRADE_ROLE_OPEN,
                                 TLW_TRADE_ROLE_HIGH,
                                 TLW_TRADE_ROLE_LOW,
                                 TLW_TRADE_ROLE_PRICE,
                                 TLW_TRADE_ROLE_QUANTITY,
                                 OTHER,
                                 TLW_TRADE_ROLE_QUOTE,
                                 TLW_TRADE_ROLE_COUNT,
                                 OTHER,
                                 OTHER,
                                 OTHER};
static const uint8_t plain[] = {TLW_TRADE_ROLE_TIME, TLW_TRADE_ROLE_PRICE, TLW_TRADE_ROLE_QUANTITY};

static bool is_whole(const char *line, size_t length, char delimiter, int32_t column) {
  struct tlw_field field = {0};
  const struct tlw_place places[2] = {{column, 0}, {-1, 0}};
  int64_t ignored;
  tlw_record_split(line, length, delimiter, places, &field);
  return !memchr(field.text, '.', field.length) &&
         tlw_whole_read(field.text, field.length, &ignored) == TLW_DECIMAL_EXACT;
}

static const uint8_t *known_file(const char *line, size_t length, char delimiter, int32_t n_fields) {
  switch (n_fields) {
  case 3:
    return plain;
  case 6:
    return single;
  case 7:
    return is_whole(line, length, delimiter, 3) ? aggregated : single;
  case 8:
    return aggregated;
  case 12:
    return klines;
  default:
    return NULL;
  }
}

bool tlw_trade_columns_by_place(const char *line, size_t length, char delimiter, const struct tlw_trade_wishes *wishes,
                                struct tlw_trade_columns *columns) {
  static const struct tlw_place no_places[1] = {{-1, 0}};
  start(columns, false);
  const int32_t n_fields = tlw_record_split(line, length, delimiter, no_places, NULL);
  if (n_fields < 0) return false;
  columns->n_columns = n_fields;
  columns->last_is_empty = tlw_record_ends_empty(line, length, delimiter);
  const uint8_t *known = known_file(line, length, delimiter, n_fields);
  for (int32_t column = 0; known && column < n_fields; column++) {
    bool is_free = known[column] != OTHER && wishes->roles[known[column]].kind == TLW_WISH_ANY;
    for (int role = 0; role < TLW_TRADE_COLUMNS; role++)
      is_free = is_free && !(wishes->roles[role].kind == TLW_WISH_NUMBER && wishes->roles[role].number == column);
    if (is_free) columns->of[known[column]] = column;
  }
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++)
    if (wishes->roles[role].kind == TLW_WISH_NUMBER && wishes->roles[role].number < n_fields)
      columns->of[role] = wishes->roles[role].number;
  if ((tlw_trade_columns_mask(columns) & BARS) != BARS)
    for (int role = 0; role < TLW_TRADE_COLUMNS; role++)
      if (OF_BARS >> role & 1) columns->of[role] = -1;
  return is_complete(wishes, columns);
}

/* ---- makers ---- */

bool tlw_trade_maker(const char *text, size_t length, bool is_side, uint8_t *maker) {
  static const char *const words[][2] = {{"buy", "sell"}, {"b", "s"}, {"false", "true"}, {"0", "1"}};
  const int n = is_side ? 2 : 4;
  for (int i = 0; i < 2 * n; i++) {
    *maker = (uint8_t)(i % 2);
    if (tlw_same_word(text, length, words[i / 2][i % 2])) return true;
  }
  return false;
}

/* ---- messages ---- */

static void add(char *list, size_t capacity, const char *item) {
  const size_t used = strlen(list);
  snprintf(list + used, capacity - used, "%s%s", used ? ", " : "", item);
}

uint32_t tlw_trade_columns_explain(const char *line, size_t length, char delimiter, uint32_t needed,
                                   const struct tlw_trade_wishes *wishes, const struct tlw_trade_columns *columns,
                                   char out[TLW_COLUMNS_MESSAGE_SIZE]) {
  char found[TLW_FOUND_SIZE] = "", missing[96] = "";
  uint32_t lacking = 0;
  tlw_columns_list(line, length, delimiter, found);
  for (int role = 0; role < TLW_TRADE_COLUMNS; role++) {
    const struct tlw_wish *wish = &wishes->roles[role];
    if (columns->of[role] >= 0) continue;
    if (is_wished(wish) && OF_BARS >> role & 1 && (tlw_trade_columns_mask(columns) & BARS) != BARS) {
      snprintf(out, TLW_COLUMNS_MESSAGE_SIZE,
               "no columns for all of open, high and low, which %s goes with (found: %s)", role_names[role], found);
      return 0;
    }
    if (wish->kind == TLW_WISH_NAME) {
      char shown[TLW_SHOWN_SIZE];
      tlw_show_text(shown, sizeof shown, wish->name, wish->length);
      snprintf(out, TLW_COLUMNS_MESSAGE_SIZE, "no column %s for %s (found: %s)", shown, role_names[role], found);
      return 0;
    }
    if (wish->kind == TLW_WISH_NUMBER) {
      snprintf(out, TLW_COLUMNS_MESSAGE_SIZE, "no column %" PRId32 " for %s, there are %" PRId32 " (found: %s)",
               wish->number + 1, role_names[role], columns->n_columns, found);
      return 0;
    }
    if (!(needed >> role & 1)) continue;
    add(missing, sizeof missing, role_names[role]);
    lacking |= 1u << role;
  }
  snprintf(out, TLW_COLUMNS_MESSAGE_SIZE, "no column for %s (found: %s)", missing, found);
  return lacking;
}
