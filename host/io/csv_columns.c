#include "csv_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/base/error.h"
#include "text.h"
#include "time_text.h"

#define NAME_SIZE 24 /* longer than any name of the list */
#define MOST_COLUMNS (1 << 20)

static const char *const role_names[TLW_ROLES] = {
    [TLW_ROLE_OPEN] = "open",   [TLW_ROLE_HIGH] = "high",         [TLW_ROLE_LOW] = "low",
    [TLW_ROLE_CLOSE] = "close", [TLW_ROLE_VOLUME] = "volume",     [TLW_ROLE_TIME] = "time",
    [TLW_ROLE_CLOCK] = "clock", [TLW_ROLE_ADJUSTED] = "adjusted", [TLW_ROLE_SYMBOL] = "symbol",
};

const char *tlw_role_name(enum tlw_role role) { return role_names[role]; }

/* --- What was asked for ----------------------------------------------------------------------------------------- */

static struct tlw_field trimmed(const char *begin, const char *end) {
  while (begin < end && *begin == ' ') begin++;
  while (begin < end && end[-1] == ' ') end--;
  return (struct tlw_field){begin, (size_t)(end - begin), false};
}

static int least(int a, int b) { return a < b ? a : b; }

int tlw_columns_distance(const char *word, size_t length, const char *name) {
  int row[TLW_DISTANCE_MOST + 1];
  for (size_t i = 0; i <= length; i++) row[i] = (int)i;
  for (int k = 0; name[k]; k++) {
    int diagonal = row[0];
    row[0] = k + 1;
    for (size_t i = 0; i < length; i++) {
      const int replaced = diagonal + !tlw_same_word(word + i, 1, (const char[]){name[k], '\0'});
      diagonal = row[i + 1];
      row[i + 1] = least(replaced, 1 + least(row[i], diagonal));
    }
  }
  return row[length];
}

/* The role whose name is most like the word; NULL if none is. */
static const char *nearest_role(const char *word, size_t length) {
  const char *best = NULL;
  int least_distance = 3;
  for (int i = 0; i < TLW_ROLES && length <= TLW_DISTANCE_MOST; i++) {
    const int distance = tlw_columns_distance(word, length, role_names[i]);
    if (distance >= least_distance || distance >= (int)length) continue;
    least_distance = distance;
    best = role_names[i];
  }
  return best;
}

static tlw_status refuse_role(const struct tlw_field *role, tlw_error *error) {
  char shown[TLW_SHOWN_SIZE];
  tlw_show_text(shown, sizeof shown, role->text, role->length);
  const char *nearest = nearest_role(role->text, role->length);
  if (nearest) return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: '%s' is no role: did you mean %s?", shown, nearest);
  return tlw_fail(
      error, TLW_ERR_ARGUMENT,
      "columns: '%s' is no role: it must be time, clock, open, high, low, close, volume, adjusted or symbol", shown);
}

tlw_status tlw_wish_read(const char *what, const struct tlw_field *text, struct tlw_wish *wish, tlw_error *error) {
  if (text->length == 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s: there is no column: give its name in the header or a number from 1",
                    what);
  int32_t number = 0;
  size_t n_digits = 0;
  for (; n_digits < text->length && (unsigned char)(text->text[n_digits] - '0') <= 9; n_digits++)
    if (number <= MOST_COLUMNS) number = number * 10 + (text->text[n_digits] - '0');
  *wish = (struct tlw_wish){.kind = TLW_WISH_NAME, .name = text->text, .length = text->length};
  if (n_digits < text->length) return TLW_OK;
  if (number < 1 || number > MOST_COLUMNS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s: columns are numbered from 1 to %d", what, MOST_COLUMNS);
  *wish = (struct tlw_wish){.kind = TLW_WISH_NUMBER, .number = number - 1};
  return TLW_OK;
}

/* ROLE=COLUMN */
static tlw_status read_item(const char *begin, const char *end, struct tlw_wishes *wishes, tlw_error *error) {
  char shown[TLW_SHOWN_SIZE];
  const char *equals = memchr(begin, '=', (size_t)(end - begin));
  if (!equals) {
    const struct tlw_field item = trimmed(begin, end);
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: '%s' is not ROLE=COLUMN: write it as close=Last,volume=7",
                    tlw_show_text(shown, sizeof shown, item.text, item.length));
  }
  const struct tlw_field name = trimmed(begin, equals), column = trimmed(equals + 1, end);
  int role = 0;
  while (role < TLW_ROLES && !tlw_same_word(name.text, name.length, role_names[role])) role++;
  if (role == TLW_ROLES) return refuse_role(&name, error);
  struct tlw_wish *wish = &wishes->roles[role];
  if (wish->kind != TLW_WISH_ANY)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: %s is given twice: give it once", role_names[role]);
  if (tlw_same_word(column.text, column.length, "none")) {
    wish->kind = TLW_WISH_NONE;
    return TLW_OK;
  }
  char what[32];
  snprintf(what, sizeof what, "columns: %s", role_names[role]);
  return tlw_wish_read(what, &column, wish, error);
}

static tlw_status read_items(const char *text, struct tlw_wishes *wishes, tlw_error *error) {
  for (;;) {
    const char *end = text + strcspn(text, ",");
    const tlw_status status = read_item(text, end, wishes, error);
    if (status != TLW_OK || !*end) return status;
    text = end + 1;
  }
}

static tlw_status read_symbol(const char *by, struct tlw_wishes *wishes, tlw_error *error) {
  struct tlw_wish *wish = &wishes->roles[TLW_ROLE_SYMBOL];
  if (by && wish->kind != TLW_WISH_ANY)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the column of symbols is given by columns and by: give it once");
  if (!by) return TLW_OK;
  const struct tlw_field column = trimmed(by, by + strlen(by));
  return tlw_wish_read("by", &column, wish, error);
}

static tlw_status read_lines(const tlw_csv_options *options, struct tlw_wishes *wishes, tlw_error *error) {
  if (options->n_lines < 0 || options->n_lines > TLW_CSV_LINES_MAX || (options->n_lines > 0 && !options->lines))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "lines must be 0 to %d names or numbers of columns, not %" PRId32,
                    TLW_CSV_LINES_MAX, options->n_lines);
  for (; wishes->n_lines < options->n_lines; wishes->n_lines++) {
    const char *name = options->lines[wishes->n_lines];
    if (!name) return tlw_fail(error, TLW_ERR_ARGUMENT, "lines: a name is NULL");
    const struct tlw_field column = trimmed(name, name + strlen(name));
    const tlw_status status = tlw_wish_read("lines", &column, &wishes->lines[wishes->n_lines], error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

/* Without a time there is no time of day either. */
static tlw_status check_clock(struct tlw_wishes *wishes, tlw_error *error) {
  struct tlw_wish *clock = &wishes->roles[TLW_ROLE_CLOCK];
  if (wishes->roles[TLW_ROLE_TIME].kind != TLW_WISH_NONE) return TLW_OK;
  if (clock->kind == TLW_WISH_NAME || clock->kind == TLW_WISH_NUMBER)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: there is no clock where time is none: leave out one of them");
  clock->kind = TLW_WISH_NONE;
  return TLW_OK;
}

tlw_status tlw_wishes_read(const tlw_csv_options *options, struct tlw_wishes *wishes, tlw_error *error) {
  *wishes = (struct tlw_wishes){.decimal_comma = options->decimal == ',', .day_first = options->day_first != 0};
  tlw_status status = options->columns ? read_items(options->columns, wishes, error) : TLW_OK;
  if (status == TLW_OK) status = read_symbol(options->by, wishes, error);
  if (status == TLW_OK) status = read_lines(options, wishes, error);
  if (status == TLW_OK) status = check_clock(wishes, error);
  if (status != TLW_OK) return status;
  static const enum tlw_role needed[] = {TLW_ROLE_OPEN, TLW_ROLE_HIGH, TLW_ROLE_LOW, TLW_ROLE_CLOSE};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) wishes->needs[needed[i]] = true;
  wishes->needs[TLW_ROLE_TIME] = wishes->roles[TLW_ROLE_TIME].kind != TLW_WISH_NONE;
  wishes->needs[TLW_ROLE_ADJUSTED] = options->adjusted != 0;
  const enum tlw_wish_kind symbol = wishes->roles[TLW_ROLE_SYMBOL].kind;
  wishes->needs[TLW_ROLE_SYMBOL] = symbol == TLW_WISH_NAME || symbol == TLW_WISH_NUMBER;
  for (int role = 0; role < TLW_ROLES; role++)
    if (wishes->needs[role] && wishes->roles[role].kind == TLW_WISH_NONE)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "columns: %s can't be none: name its column", role_names[role]);
  return TLW_OK;
}

/* --- Names ------------------------------------------------------------------------------------------------------ */

/* What names of the list say. The roles come first. */
enum { KIND_WHEN = TLW_ROLES, KIND_DAY, KINDS };

static const struct {
  const char *name;
  int kind;
} names[] = {
    {"timestamp", KIND_WHEN},
    {"datetime", KIND_WHEN},
    {"dateandtime", KIND_WHEN},
    {"opentime", KIND_WHEN},
    {"windowstart", KIND_WHEN},
    {"unixtimestamp", KIND_WHEN},
    {"unix", KIND_WHEN},
    {"epoch", KIND_WHEN},
    {"tsevent", KIND_WHEN},
    {"ts", KIND_WHEN},
    {"date", KIND_DAY},
    {"day", KIND_DAY},
    {"tradedate", KIND_DAY},
    {"tradingday", KIND_DAY},
    {"time", TLW_ROLE_CLOCK},
    {"timeofday", TLW_ROLE_CLOCK},
    {"hour", TLW_ROLE_CLOCK},
    {"open", TLW_ROLE_OPEN},
    {"o", TLW_ROLE_OPEN},
    {"openprice", TLW_ROLE_OPEN},
    {"first", TLW_ROLE_OPEN},
    {"high", TLW_ROLE_HIGH},
    {"h", TLW_ROLE_HIGH},
    {"highprice", TLW_ROLE_HIGH},
    {"max", TLW_ROLE_HIGH},
    {"low", TLW_ROLE_LOW},
    {"l", TLW_ROLE_LOW},
    {"lowprice", TLW_ROLE_LOW},
    {"min", TLW_ROLE_LOW},
    {"close", TLW_ROLE_CLOSE},
    {"c", TLW_ROLE_CLOSE},
    {"closeprice", TLW_ROLE_CLOSE},
    {"last", TLW_ROLE_CLOSE},
    {"lastprice", TLW_ROLE_CLOSE},
    {"closelast", TLW_ROLE_CLOSE},
    {"settle", TLW_ROLE_CLOSE},
    {"price", TLW_ROLE_CLOSE},
    {"volume", TLW_ROLE_VOLUME},
    {"vol", TLW_ROLE_VOLUME},
    {"v", TLW_ROLE_VOLUME},
    {"basevolume", TLW_ROLE_VOLUME},
    {"tickvolume", TLW_ROLE_VOLUME},
    {"tickvol", TLW_ROLE_VOLUME},
    {"qty", TLW_ROLE_VOLUME},
    {"quantity", TLW_ROLE_VOLUME},
    {"adjclose", TLW_ROLE_ADJUSTED},
    {"adjustedclose", TLW_ROLE_ADJUSTED},
    {"closeadj", TLW_ROLE_ADJUSTED},
};
#define N_NAMES (int)(sizeof names / sizeof *names)
#define RANK_WORD_BEHIND N_NAMES /* volume or vol with a word behind it */
#define RANK_NONE (N_NAMES + 1)

/* The sign as it counts in a name; 0: it does not. */
static char counted(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c + ('a' - 'A'));
  const bool counts = (c >= 'a' && c <= 'z') || (unsigned char)(c - '0') <= 9 || (unsigned char)c >= 0x80;
  return counts ? c : '\0';
}

/* Writes what counts of the name, cut to NAME_SIZE - 1. */
static void normalize(const struct tlw_field *f, char out[NAME_SIZE]) {
  size_t used = 0;
  for (size_t i = 0; i < f->length && used < NAME_SIZE - 1; i++) {
    const char c = counted(f->text[i]);
    if (c) out[used++] = c;
  }
  out[used] = '\0';
}

/* The first of the list that the name is; N_NAMES if none. */
static int rank_of(const char *normal) {
  int rank = *normal ? 0 : N_NAMES;
  while (rank < N_NAMES && strcmp(normal, names[rank].name) != 0) rank++;
  return rank;
}

/* Volume..., or vol and something between that and a word: not volatility. */
static bool is_volume_with_word(const struct tlw_field *f, const char *normal) {
  if (strncmp(normal, "vol", 3) != 0 || !normal[3]) return false;
  if (strncmp(normal, "volume", 6) == 0) return true;
  size_t i = 0;
  for (int n = 0; n < 3; i++) n += counted(f->text[i]) != '\0';
  return !counted(f->text[i]);
}

bool tlw_columns_same_name(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t i = 0, k = 0;
  bool any = false;
  for (;; any = true) {
    while (i < a_length && !counted(a[i])) i++;
    while (k < b_length && !counted(b[k])) k++;
    if (i == a_length || k == b_length) return any && i == a_length && k == b_length;
    if (counted(a[i++]) != counted(b[k++])) return false;
  }
}

/* What the names of a header gave so far: for each kind the best, and its column. */
struct search {
  int rank[KINDS];
  int32_t column[KINDS];
  int wished_rank[TLW_ROLES]; /* 0: as it was written, 1: as names count, 2: not found */
  int32_t wished[TLW_ROLES];
  bool wished_is_day, wished_is_hour;
};

static void offer(struct search *s, int kind, int rank, int32_t column) {
  if (rank >= s->rank[kind]) return;
  s->rank[kind] = rank;
  s->column[kind] = column;
}

static void note_wished(struct search *s, int role, int rank, int32_t column, int list_rank) {
  if (rank >= s->wished_rank[role]) return;
  s->wished_rank[role] = rank;
  s->wished[role] = column;
  if (role == TLW_ROLE_TIME) s->wished_is_day = list_rank < N_NAMES && names[list_rank].kind == KIND_DAY;
  if (role == TLW_ROLE_CLOCK) s->wished_is_hour = list_rank < N_NAMES && strcmp(names[list_rank].name, "hour") == 0;
}

static void search_name(struct search *s, const struct tlw_wishes *wishes, const struct tlw_field *f, int32_t column) {
  char normal[NAME_SIZE];
  normalize(f, normal);
  const int rank = rank_of(normal);
  if (rank < N_NAMES)
    offer(s, names[rank].kind, rank, column);
  else if (is_volume_with_word(f, normal))
    offer(s, TLW_ROLE_VOLUME, RANK_WORD_BEHIND, column);
  for (int role = 0; role < TLW_ROLES; role++) {
    const struct tlw_wish *wish = &wishes->roles[role];
    if (wish->kind == TLW_WISH_NUMBER && wish->number == column) {
      note_wished(s, role, 0, column, rank);
    } else if (wish->kind == TLW_WISH_NAME) {
      if (wish->length == f->length && memcmp(wish->name, f->text, f->length) == 0)
        note_wished(s, role, 0, column, rank);
      else if (tlw_columns_same_name(wish->name, wish->length, f->text, f->length))
        note_wished(s, role, 1, column, rank);
    }
  }
}

static bool is_wished(const struct tlw_wishes *wishes, enum tlw_role role) {
  const enum tlw_wish_kind kind = wishes->roles[role].kind;
  return kind == TLW_WISH_NAME || kind == TLW_WISH_NUMBER;
}

/* A column for the whole time; or one for the day, alone or with a clock; or time alone. */
static void choose_time(const struct search *s, const struct tlw_wishes *wishes, struct tlw_columns *columns) {
  int32_t *time = &columns->of[TLW_ROLE_TIME], *clock = &columns->of[TLW_ROLE_CLOCK];
  const bool clock_is_wished = is_wished(wishes, TLW_ROLE_CLOCK);
  const bool clock_is_named = s->rank[TLW_ROLE_CLOCK] != RANK_NONE;
  bool is_day = s->wished_is_day;
  if (is_wished(wishes, TLW_ROLE_TIME)) {
    *time = s->wished[TLW_ROLE_TIME];
  } else if (wishes->roles[TLW_ROLE_TIME].kind == TLW_WISH_NONE) {
    return;
  } else if (s->rank[KIND_WHEN] != RANK_NONE && !(clock_is_wished && s->rank[KIND_DAY] != RANK_NONE)) {
    *time = s->column[KIND_WHEN];
  } else if (s->rank[KIND_DAY] != RANK_NONE) {
    *time = s->column[KIND_DAY];
    is_day = true;
  } else if (clock_is_named && strcmp(names[s->rank[TLW_ROLE_CLOCK]].name, "time") == 0) {
    *time = s->column[TLW_ROLE_CLOCK];
  }
  if (clock_is_wished) {
    *clock = s->wished[TLW_ROLE_CLOCK];
    columns->hours = s->wished_is_hour;
  } else if (is_day && clock_is_named && wishes->roles[TLW_ROLE_CLOCK].kind == TLW_WISH_ANY) {
    *clock = s->column[TLW_ROLE_CLOCK];
    columns->hours = strcmp(names[s->rank[TLW_ROLE_CLOCK]].name, "hour") == 0;
  }
}

static void choose(const struct search *s, const struct tlw_wishes *wishes, struct tlw_columns *columns) {
  for (int role = 0; role < TLW_ROLES; role++) {
    const bool is_read = role < TLW_ROLE_NUMBERS || wishes->needs[role];
    if (role == TLW_ROLE_TIME || role == TLW_ROLE_CLOCK || !is_read) continue;
    if (is_wished(wishes, (enum tlw_role)role))
      columns->of[role] = s->wished[role];
    else if (wishes->roles[role].kind == TLW_WISH_ANY && s->rank[role] != RANK_NONE)
      columns->of[role] = s->column[role];
  }
  choose_time(s, wishes, columns);
}

/* Each role that is needed, or that was asked for, has its column. */
static bool is_complete(const struct tlw_wishes *wishes, const struct tlw_columns *columns) {
  for (int role = 0; role < TLW_ROLES; role++) {
    const bool is_asked = is_wished(wishes, (enum tlw_role)role) && role != TLW_ROLE_ADJUSTED;
    if ((wishes->needs[role] || is_asked) && columns->of[role] < 0) return false;
  }
  return true;
}

static void start(struct tlw_columns *columns, bool has_header) {
  *columns = (struct tlw_columns){.has_header = has_header};
  for (int role = 0; role < TLW_ROLES; role++) columns->of[role] = -1;
}

/* Keeps what the header calls the time, if there is one. */
static void keep_time_name(const char *line, size_t length, char delimiter, struct tlw_columns *columns) {
  struct tlw_field field = {0};
  const struct tlw_place places[2] = {{columns->of[TLW_ROLE_TIME], 0}, {-1, 0}};
  tlw_record_split(line, length, delimiter, places, &field);
  const size_t size = field.length < TLW_TIME_NAME_SIZE - 1 ? field.length : TLW_TIME_NAME_SIZE - 1;
  if (size > 0) memcpy(columns->time_name, field.text, size);
}

int32_t tlw_columns_by_name(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                            struct tlw_columns *columns) {
  const char *const end = line + length;
  const char *at = line;
  struct search s;
  for (int kind = 0; kind < KINDS; kind++) s.rank[kind] = RANK_NONE;
  for (int role = 0; role < TLW_ROLES; role++) {
    s.wished_rank[role] = 2;
    s.wished[role] = -1;
  }
  s.wished_is_day = s.wished_is_hour = false;
  start(columns, true);
  for (;; at++) {
    struct tlw_field f;
    at = tlw_field_take(at, end, delimiter, &f);
    if (!at) return columns->n_columns + 1;
    search_name(&s, wishes, &f, columns->n_columns++);
    columns->last_is_empty = f.length == 0;
    if (at == end) break;
  }
  choose(&s, wishes, columns);
  if (!is_complete(wishes, columns)) return -1;
  keep_time_name(line, length, delimiter, columns);
  return 0;
}

/* --- Places ----------------------------------------------------------------------------------------------------- */

/* The first column from at on that was not asked for. */
static int32_t next_free(const struct tlw_wishes *wishes, int32_t at) {
  for (int role = 0; role < TLW_ROLES; role++)
    if (wishes->roles[role].kind == TLW_WISH_NUMBER && wishes->roles[role].number == at)
      return next_free(wishes, at + 1);
  return at;
}

/* Whether the column holds a time of day. */
static bool holds_clock(const char *line, size_t length, char delimiter, int32_t column) {
  struct tlw_field field = {0};
  const struct tlw_place places[2] = {{column, 0}, {-1, 0}};
  tlw_record_split(line, length, delimiter, places, &field);
  return field.length > 0 && tlw_time_is_clock(field.text, field.length);
}

int32_t tlw_columns_by_place(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                             struct tlw_columns *columns) {
  static const struct tlw_place no_places[1] = {{-1, 0}};
  start(columns, false);
  const int32_t n_fields = tlw_record_split(line, length, delimiter, no_places, NULL);
  if (n_fields < 0) return -n_fields;
  columns->n_columns = n_fields;
  columns->last_is_empty = tlw_record_ends_empty(line, length, delimiter);
  static const enum tlw_role order[] = {TLW_ROLE_TIME, TLW_ROLE_CLOCK, TLW_ROLE_OPEN,  TLW_ROLE_HIGH,
                                        TLW_ROLE_LOW,  TLW_ROLE_CLOSE, TLW_ROLE_VOLUME};
  for (int role = 0; role < TLW_ROLES; role++)
    if (wishes->roles[role].kind == TLW_WISH_NUMBER && (wishes->needs[role] || role != TLW_ROLE_ADJUSTED))
      columns->of[role] = wishes->roles[role].number < n_fields ? wishes->roles[role].number : -1;
  int32_t at = next_free(wishes, 0);
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (wishes->roles[order[i]].kind != TLW_WISH_ANY || at >= n_fields) continue;
    if (order[i] == TLW_ROLE_CLOCK && !holds_clock(line, length, delimiter, at)) continue;
    columns->of[order[i]] = at;
    at = next_free(wishes, at + 1);
  }
  return is_complete(wishes, columns) ? 0 : -1;
}

/* --- Messages --------------------------------------------------------------------------------------------------- */

static void append(char *list, size_t capacity, const char *item) {
  const size_t used = strlen(list);
  snprintf(list + used, capacity - used, "%s%s", used ? ", " : "", item);
}

void tlw_columns_list(const char *line, size_t length, char delimiter, char found[TLW_FOUND_SIZE]) {
  const char *const end = line + length;
  for (const char *at = line;; at++) {
    struct tlw_field f;
    at = tlw_field_take(at, end, delimiter, &f);
    if (!at) return;
    if (strlen(found) + TLW_SHOWN_SIZE + sizeof ", ..." > TLW_FOUND_SIZE) {
      append(found, TLW_FOUND_SIZE, "...");
      return;
    }
    char shown[TLW_SHOWN_SIZE];
    append(found, TLW_FOUND_SIZE - sizeof ", ...", tlw_show_text(shown, sizeof shown, f.text, f.length));
    if (at == end) return;
  }
}

void tlw_columns_explain(const char *line, size_t length, char delimiter, const struct tlw_wishes *wishes,
                         const struct tlw_columns *columns, char out[TLW_COLUMNS_MESSAGE_SIZE]) {
  static const enum tlw_role order[] = {TLW_ROLE_TIME,   TLW_ROLE_CLOCK,    TLW_ROLE_OPEN,
                                        TLW_ROLE_HIGH,   TLW_ROLE_LOW,      TLW_ROLE_CLOSE,
                                        TLW_ROLE_VOLUME, TLW_ROLE_ADJUSTED, TLW_ROLE_SYMBOL};
  char found[TLW_FOUND_SIZE] = "", missing[64] = "";
  tlw_columns_list(line, length, delimiter, found);
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    const enum tlw_role role = order[i];
    const struct tlw_wish *wish = &wishes->roles[role];
    if (columns->of[role] >= 0) continue;
    if (wish->kind == TLW_WISH_NAME && (wishes->needs[role] || role != TLW_ROLE_ADJUSTED)) {
      char shown[TLW_SHOWN_SIZE];
      tlw_show_text(shown, sizeof shown, wish->name, wish->length);
      snprintf(out, TLW_COLUMNS_MESSAGE_SIZE, "no column %s for the %s (found: %s)", shown, role_names[role], found);
      return;
    }
    if (wish->kind == TLW_WISH_NUMBER && (wishes->needs[role] || role != TLW_ROLE_ADJUSTED)) {
      snprintf(out, TLW_COLUMNS_MESSAGE_SIZE, "no column %" PRId32 " for the %s, there are %" PRId32 " (found: %s)",
               wish->number + 1, role_names[role], columns->n_columns, found);
      return;
    }
    if (wishes->needs[role]) append(missing, sizeof missing, role == TLW_ROLE_TIME ? "date or time" : role_names[role]);
  }
  snprintf(out, TLW_COLUMNS_MESSAGE_SIZE, "no column for %s (found: %s)", missing, found);
}

bool tlw_columns_is_time_name(const struct tlw_columns *columns, const struct tlw_field *field) {
  const size_t length = strlen(columns->time_name);
  return length > 0 &&
         tlw_columns_same_name(columns->time_name, length, field->text,
                               field->length < TLW_TIME_NAME_SIZE - 1 ? field->length : TLW_TIME_NAME_SIZE - 1);
}
