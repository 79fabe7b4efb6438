/* The fast path of trade files of one tier: compiled once per tier, with TLW_TRADE_PLAIN_TIER naming the result. */
#include <string.h>

#include "plain_time.h"
#include "text.h"
#include "trades_plain_tier.h"
#include "trades_plain_vector.h"

/* ---- stops ---- */

/*
 * Text is taken in chunks, each up to twice as long as the one before: where every other line is not plain, little is
 * looked at in vain. A line that is longer than a chunk can be is not plain.
 */
#define FIRST_CHUNK 512
#define CHUNK 16384
#define ROWS 1024 /* of a chunk at most */
#define AT_ONCE 8 /* stops of a block that are taken without a question */

struct chunk {
  const char *text;
  size_t n_stops, n_feeds;
  bool is_cut; /* before something that no plain line has */
  size_t cr;   /* 1: lines end in CRLF */
  /* The places behind the stops, from the beginning of the text; the first is that itself. */
  uint16_t behind[1 + CHUNK + AT_ONCE];
};

static inline uint32_t count_bits(uint64_t x) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return (uint32_t)__builtin_popcountll(x);
#else
  x -= x >> 1 & UINT64_C(0x5555555555555555);
  x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
  x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return (uint32_t)(x * UINT64_C(0x0101010101010101) >> 56);
#endif
}

/* The lowest bit that is set; any where there is none. */
static inline size_t lowest_bit(uint64_t x) {
#if defined(__BMI__) && !defined(TLW_PLAIN_PORTABLE)
  return (size_t)_tzcnt_u64(x);
#else
  return (size_t)__builtin_ctzll(x | UINT64_C(1) << 63);
#endif
}

static inline uint16_t *take_stop(uint16_t *next, uint64_t stops, size_t at) {
  *next = (uint16_t)(at + 1 + lowest_bit(stops));
  return next + 1;
}

static inline uint16_t *take_stops(uint16_t *end, uint64_t stops, size_t at) {
  const uint32_t count = count_bits(stops);
  uint16_t *next = end;
  for (int i = 0; i < AT_ONCE; i++) {
    next = take_stop(next, stops, at);
    stops &= stops - 1;
  }
  for (; stops; stops &= stops - 1) next = take_stop(next, stops, at);
  return end + count;
}

/* size is at most CHUNK. */
static void find_stops(struct chunk *chunk, const char *text, size_t size, char delimiter) {
  uint16_t *end = chunk->behind;
  size_t n_feeds = 0;
  bool is_cut = false;
  *end++ = 0;
  for (size_t at = 0; at < size && !is_cut; at += TLW_PLAIN_BLOCK) {
    const struct tlw_trade_marks marks = tlw_trade_marks(text + at, delimiter);
    uint64_t within = ~UINT64_C(0);
    if (size - at < TLW_PLAIN_BLOCK) within = (UINT64_C(1) << (size - at)) - 1;
    if (marks.odd & within) {
      within &= (marks.odd & -marks.odd) - 1;
      is_cut = true;
    }
    end = take_stops(end, marks.stops & within, at);
    n_feeds += count_bits(marks.feeds & within);
  }
  chunk->text = text;
  chunk->n_stops = (size_t)(end - chunk->behind) - 1;
  chunk->n_feeds = n_feeds;
  chunk->is_cut = is_cut;
}

/* ---- lines ---- */

/* Whether the stop that ends the row is a line feed, alone or behind a carriage return as in the first row. */
static inline bool has_line_end(const struct chunk *chunk, size_t n_columns, size_t row) {
  const char *const end = chunk->text + chunk->behind[(row + 1) * n_columns];
  return (end[-1] == '\n') & ((end[-2] == '\r') == (chunk->cr == 1));
}

static inline bool begins_well(const struct tlw_trade_plain *plain, const struct chunk *chunk, size_t row) {
  return chunk->text[chunk->behind[row * (size_t)plain->n_columns]] != plain->comment;
}

static size_t count_carefully(const struct tlw_trade_plain *plain, const struct chunk *chunk, size_t n_rows) {
  const size_t n = (size_t)plain->n_columns;
  for (size_t row = 0; row < n_rows; row++) {
    if (!has_line_end(chunk, n, row) || !begins_well(plain, chunk, row)) return row;
    for (size_t i = 1; i < n; i++)
      if (chunk->text[chunk->behind[row * n + i] - 1] != plain->delimiter) return row;
  }
  return n_rows;
}

/* How many of the first rows have n_columns fields. */
static size_t count_rows(const struct tlw_trade_plain *plain, struct chunk *chunk) {
  const size_t n = (size_t)plain->n_columns, n_rows = chunk->n_stops / n;
  if (n_rows == 0) return 0;
  chunk->cr = chunk->text[chunk->behind[n] - 2] == '\r';
  bool all = chunk->n_feeds == n_rows; /* then the other stops are delimiters, if these are line feeds */
  for (size_t row = 0; row < n_rows; row++) {
    all &= has_line_end(chunk, n, row);
    all &= begins_well(plain, chunk, row);
  }
  return all ? n_rows : count_carefully(plain, chunk, n_rows);
}

/* ---- numbers ---- */

static inline struct tlw_plain_piece piece_of(const struct tlw_trade_strip *strip, size_t row) {
  const size_t begin = strip->behind[row * strip->stride];
  const size_t end = (size_t)strip->behind[row * strip->stride + 1] - 1 - strip->cut;
  return (struct tlw_plain_piece){strip->text + end, end - begin};
}

#define LONGEST (TLW_PLAIN_DIGITS + 3)

/* The digits of a piece of up to LONGEST bytes, and how many of them are behind its point. */
static inline bool read_digits(struct tlw_plain_piece piece, uint64_t *digits, uint32_t *decimals) {
  uint32_t places = 0, high_places = 0;
  uint64_t high = 0;
  bool odd = piece.length - 1 >= LONGEST;
  if (piece.length > TLW_PLAIN_DIGITS && !odd) {
    high = tlw_plain_digits((struct tlw_plain_piece){piece.end - TLW_PLAIN_DIGITS, piece.length - TLW_PLAIN_DIGITS},
                            &high_places, &odd);
    piece.length = TLW_PLAIN_DIGITS;
  }
  const uint64_t low = tlw_plain_digits(piece, &places, &odd);
  if (odd || high_places > 0 || places == piece.length) return false;
  *decimals = places > 0 ? places - 1 : 0;
  *digits = places > 0 ? low / 10 + high * UINT64_C(1000000000000000) : low + high * UINT64_C(10000000000000000);
  return true;
}

static bool read_whole(struct tlw_plain_piece piece, int64_t *value) {
  uint64_t digits;
  uint32_t decimals;
  const bool has_point = piece.length > 0 && piece.end[-1] == '.';
  if (!read_digits(piece, &digits, &decimals) || decimals > 0 || has_point || digits > (uint64_t)INT64_MAX)
    return false;
  *value = (int64_t)digits;
  return true;
}

#define DECIMALS 8

static bool read_decimal(struct tlw_plain_piece piece, int64_t *value) {
  static const uint64_t powers[DECIMALS + 1] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
  static const uint64_t most[DECIMALS + 1] = {INT64_MAX / 100000000, INT64_MAX / 10000000, INT64_MAX / 1000000,
                                              INT64_MAX / 100000,    INT64_MAX / 10000,    INT64_MAX / 1000,
                                              INT64_MAX / 100,       INT64_MAX / 10,       INT64_MAX};
  uint64_t digits;
  uint32_t decimals;
  if (!read_digits(piece, &digits, &decimals) || decimals > DECIMALS || digits > most[decimals]) return false;
  *value = (int64_t)(digits * powers[decimals]);
  return true;
}

/* Reads a field of each row. Returns how many could be read. */
static size_t read_singly(const struct tlw_trade_strip *strip, size_t n_rows, bool is_whole, int64_t *out) {
  for (size_t row = 0; row < n_rows; row++) {
    const struct tlw_plain_piece piece = piece_of(strip, row);
    if (!(is_whole ? read_whole(piece, &out[row]) : read_decimal(piece, &out[row]))) return row;
  }
  return n_rows;
}

#if defined(TLW_TRADE_GROUP)

/* Decimals of the first field. */
static int count_decimals(struct tlw_plain_piece piece) {
  int places = 0;
  while ((size_t)places < piece.length && piece.end[-1 - places] != '.') places++;
  return (size_t)places == piece.length ? 0 : places;
}

static size_t read_numbers(const struct tlw_trade_strip *strip, size_t n_rows, bool is_whole, int64_t *out) {
  const struct tlw_plain_piece first = piece_of(strip, 0);
  if (n_rows < TLW_TRADE_GROUP || first.length > TLW_PLAIN_DIGITS) return read_singly(strip, n_rows, is_whole, out);
  const struct tlw_trade_form form = tlw_trade_form(is_whole ? TLW_TRADE_WHOLE : count_decimals(first));
  if (!form.is_usable) return read_singly(strip, n_rows, is_whole, out);
  struct tlw_trade_strip group = *strip;
  for (size_t row = 0; row < n_rows; row += TLW_TRADE_GROUP) {
    if (n_rows - row < TLW_TRADE_GROUP) row = n_rows - TLW_TRADE_GROUP; /* some once more */
    group.behind = strip->behind + row * strip->stride;
    if (tlw_trade_group(&group, &form, out + row)) continue;
    const size_t n = read_singly(&group, TLW_TRADE_GROUP, is_whole, out + row);
    if (n < TLW_TRADE_GROUP) return row + n;
  }
  return n_rows;
}

#else

static size_t read_numbers(const struct tlw_trade_strip *strip, size_t n_rows, bool is_whole, int64_t *out) {
  return read_singly(strip, n_rows, is_whole, out);
}

#endif

/* ---- makers ---- */

/* A word behind a delimiter, as the last of 8 bytes. */
struct ending {
  uint64_t small; /* to small letters */
  uint64_t word;
  uint32_t shift;
};

static struct ending ending_of(uint64_t word, uint32_t length, char delimiter) {
  const uint32_t shift = 8 * (7 - length);
  return (struct ending){UINT64_C(0x2020202020202020) << (shift + 8), word << 8 | (unsigned char)delimiter, shift};
}

static inline bool ends_with(uint64_t bytes, const struct ending *e) {
  return (bytes | e->small) >> e->shift == e->word;
}

/* The words that most files have at once, others one by one. */
static size_t read_makers(const struct tlw_trade_plain *plain, const struct tlw_trade_strip *strip, size_t n_rows,
                          uint8_t *out) {
  const bool is_side = plain->maker_is_side;
  const struct ending yes = ending_of(is_side ? 0x6c6c6573 : 0x65757274, 4, plain->delimiter); /* sell, true */
  const struct ending no = is_side ? ending_of(0x797562, 3, plain->delimiter)
                                   : ending_of(UINT64_C(0x65736c6166), 5, plain->delimiter); /* buy, false */
  const char *const text = strip->text - 1 - strip->cut - 8;
  for (size_t row = 0; row < n_rows; row++) {
    const uint64_t word = tlw_plain_load(text + strip->behind[row * strip->stride + 1]);
    const bool is_yes = ends_with(word, &yes), is_no = ends_with(word, &no);
    out[row] = is_yes;
    if (is_yes | is_no) continue;
    const struct tlw_plain_piece piece = piece_of(strip, row);
    if (!tlw_trade_maker(piece.end - piece.length, piece.length, is_side, &out[row])) return row;
  }
  return n_rows;
}

/* ---- symbols ---- */

static size_t count_same_symbols(const struct tlw_trade_plain *plain, const struct tlw_trade_strip *strip,
                                 size_t n_rows) {
  const size_t length = plain->symbol_length;
  size_t row = 0;
  if (!plain->symbol) return 0;
  for (; row < n_rows; row++) {
    const struct tlw_plain_piece piece = piece_of(strip, row);
    if (piece.length != length || memcmp(piece.end - length, plain->symbol, length) != 0) break;
  }
  return row;
}

/* ---- times ---- */

static size_t read_texts(const struct tlw_trade_strip *strip, size_t n_rows, int64_t *out) {
  struct tlw_plain_month month = {0, 0, 0};
  for (size_t row = 0; row < n_rows; row++) {
    const struct tlw_plain_piece piece = piece_of(strip, row);
    if (piece.length < 10 || tlw_plain_digit(piece.end[4 - (ptrdiff_t)piece.length]) <= 9) return row;
    if (!tlw_plain_time(&month, true, piece, &out[row])) return row;
  }
  return n_rows;
}

static size_t read_epochs(const struct tlw_trade_plain *plain, const struct tlw_trade_strip *strip, size_t n_rows,
                          int64_t *out) {
  n_rows = read_numbers(strip, n_rows, true, out);
  const uint64_t span = (uint64_t)(plain->time_end - plain->time_least);
  bool all = true;
  for (size_t row = 0; row < n_rows; row++) all &= (uint64_t)(out[row] - plain->time_least) < span;
  if (all) return n_rows;
  size_t row = 0;
  while ((uint64_t)(out[row] - plain->time_least) < span) row++;
  return row;
}

/* ---- rows ---- */

static struct tlw_trade_strip strip_of(const struct tlw_trade_plain *plain, const struct chunk *chunk,
                                       enum tlw_trade_role role) {
  const int32_t column = plain->column_of[role];
  return (struct tlw_trade_strip){chunk->text, chunk->behind + column, (size_t)plain->n_columns,
                                  column == plain->n_columns - 1 ? chunk->cr : 0};
}

/* The rows from the first on that are like it, within the bounds or not. */
static size_t count_alike(const struct tlw_trade_plain *plain, const int64_t *times, size_t n_rows, bool *is_outside) {
  size_t row = 0;
  for (; row < n_rows; row++) {
    const bool outside = times[row] < plain->from || times[row] >= plain->to;
    if (row == 0) *is_outside = outside;
    if (outside != *is_outside) break;
  }
  return row;
}

/* The times of rows. Returns how many of them can be read and go with the part. */
static size_t read_times(const struct tlw_trade_plain *plain, const struct chunk *chunk, size_t n_rows,
                         struct tlw_trade_plain_part *part) {
  int64_t scratch[ROWS];
  int64_t *const wanted = plain->numbers[TLW_TRADE_ROLE_TIME];
  int64_t *const times = plain->has_bounds || !wanted ? scratch : wanted + part->n;
  const struct tlw_trade_strip strip = strip_of(plain, chunk, TLW_TRADE_ROLE_TIME);
  n_rows = plain->time_is_text ? read_texts(&strip, n_rows, times) : read_epochs(plain, &strip, n_rows, times);
  if (!plain->has_bounds || n_rows == 0) return n_rows;
  bool is_outside;
  n_rows = count_alike(plain, times, n_rows, &is_outside);
  if (part->n > 0 && is_outside != part->is_outside) return 0;
  part->is_outside = is_outside;
  const int64_t room = plain->capacity - part->n;
  if (is_outside) return n_rows;
  if (room < (int64_t)n_rows) n_rows = (size_t)room;
  if (wanted) memcpy(wanted + part->n, times, n_rows * sizeof *times);
  return n_rows;
}

static size_t read_column(const struct tlw_trade_plain *plain, const struct chunk *chunk, enum tlw_trade_role role,
                          size_t n_rows, int64_t at) {
  int64_t scratch[ROWS];
  const struct tlw_trade_strip strip = strip_of(plain, chunk, role);
  if (role == TLW_TRADE_ROLE_MAKER)
    return read_makers(plain, &strip, n_rows, plain->makers ? plain->makers + at : (uint8_t *)scratch);
  if (role == TLW_TRADE_ROLE_SYMBOL) return count_same_symbols(plain, &strip, n_rows);
  const bool is_whole = role == TLW_TRADE_ROLE_ID || role == TLW_TRADE_ROLE_FIRST_ID ||
                        role == TLW_TRADE_ROLE_LAST_ID || role == TLW_TRADE_ROLE_COUNT;
  return read_numbers(&strip, n_rows, is_whole, plain->numbers[role] ? plain->numbers[role] + at : scratch);
}

/* Reads rows of the chunk. Returns how many of them go with the part. */
static size_t read_rows(const struct tlw_trade_plain *plain, const struct chunk *chunk, size_t n_rows,
                        struct tlw_trade_plain_part *part) {
  if (plain->column_of[TLW_TRADE_ROLE_TIME] >= 0) n_rows = read_times(plain, chunk, n_rows, part);
  for (int role = TLW_TRADE_ROLE_PRICE; role < TLW_TRADE_COLUMNS && n_rows > 0 && !part->is_outside; role++)
    if (plain->column_of[role] >= 0) n_rows = read_column(plain, chunk, (enum tlw_trade_role)role, n_rows, part->n);
  part->n += (int64_t)n_rows;
  return n_rows;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static struct tlw_trade_plain_part read_text(const struct tlw_trade_plain *plain, const char *text, size_t size) {
  struct chunk chunk;
  struct tlw_trade_plain_part part = {0, 0, false};
  size_t chunk_size = FIRST_CHUNK;
  bool stopped = false;
  while (!stopped && part.size < size && (part.is_outside || part.n < plain->capacity)) {
    const size_t taken = least(size - part.size, chunk_size);
    find_stops(&chunk, text + part.size, taken, plain->delimiter);
    const size_t n_whole = count_rows(plain, &chunk);
    size_t n_rows = least(n_whole, ROWS);
    if (!part.is_outside && !plain->has_bounds) n_rows = least(n_rows, (size_t)(plain->capacity - part.n));
    const size_t n_read = read_rows(plain, &chunk, n_rows, &part);
    part.size += chunk.behind[n_read * (size_t)plain->n_columns];
    const bool is_short = chunk.n_stops < (size_t)plain->n_columns && !chunk.is_cut; /* not one whole line */
    stopped = n_read < n_rows || n_whole < chunk.n_stops / (size_t)plain->n_columns ||
              (n_read == 0 && (!is_short || taken < chunk_size || chunk_size == CHUNK));
    if (chunk_size < CHUNK) chunk_size *= 2;
  }
  return part;
}

extern const struct tlw_trade_plain_tier TLW_TRADE_PLAIN_TIER;
const struct tlw_trade_plain_tier TLW_TRADE_PLAIN_TIER = {TLW_TIER_NAME, read_text};
