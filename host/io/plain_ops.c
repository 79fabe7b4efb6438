/* The CSV fast path of one tier: compiled once per tier, with TLW_PLAIN_TIER and TLW_TIER_NAME naming the result. */
#include <math.h>

#include "plain_tier.h"
#include "plain_time.h"
#include "plain_vector.h"

/* ---- stops ---- */

/*
 * Text is taken in chunks, each up to twice as long as the one before: where every other line is not plain, little is
 * looked at in vain. A line that is longer than a chunk can be is not plain.
 */
#define FIRST_CHUNK 512
#define CHUNK 4096
#define AT_ONCE 12 /* stops of a block that are taken without a question */

/* The places behind the stops of a chunk, from its beginning; the first is that itself. */
struct stops {
  uint16_t behind[1 + CHUNK + AT_ONCE];
  size_t count; /* without the first */
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

static inline uint16_t *take_stop(uint16_t *next, uint64_t stops, size_t at) {
  *next = (uint16_t)(at + 1 + (size_t)__builtin_ctzll(stops));
  return next + 1;
}

/* size is at most CHUNK. */
static void find_stops(struct stops *stops, const char *text, size_t size, char delimiter) {
  const uint64_t top = UINT64_C(1) << 63; /* for a block without stops left, of which nothing counts */
  uint16_t *end = stops->behind;
  *end++ = 0;
  for (size_t at = 0; at < size; at += TLW_PLAIN_BLOCK) {
    uint64_t left = tlw_plain_stops(text + at, delimiter);
    if (size - at < TLW_PLAIN_BLOCK) left &= (UINT64_C(1) << (size - at)) - 1;
    const uint32_t count = count_bits(left);
    uint16_t *next = end;
    for (int i = 0; i < AT_ONCE; i++) {
      next = take_stop(next, left | top, at);
      left &= left - 1;
    }
    for (; left; left &= left - 1) next = take_stop(next, left, at);
    end += count;
  }
  stops->count = (size_t)(end - stops->behind) - 1;
}

/* ---- rows ---- */

struct row {
  int64_t time;
  double prices[4]; /* open, high, low, close */
  double volume;
};

struct reader {
  const struct tlw_plain *plain;
  struct tlw_plain_month month;
  int64_t previous; /* time of the row before, or what any time is beyond */
  bool stopped;     /* a line is not plain */
};

/* A line: where its fields begin, from text, and where the last of them ends. */
struct line {
  const char *text;
  const uint16_t *begins;
};

static inline struct tlw_plain_piece field(const struct line *line, int32_t column) {
  const size_t begin = line->begins[column], end = (size_t)line->begins[column + 1] - 1;
  return (struct tlw_plain_piece){line->text + end, end - begin};
}

/* How many of the stops that are left the line has: n_columns, one more with a carriage return. 0: it has others. */
static inline size_t measure_line(const struct tlw_plain *plain, const struct line *line, size_t left) {
  const size_t n = (size_t)plain->n_columns;
  if (line->text[line->begins[0]] == plain->comment) return 0;
  const char *const stops = line->text - 1; /* they lie before what is behind them */
  char differs = 0;
  for (size_t i = 1; i < n; i++) differs = (char)(differs | (stops[line->begins[i]] ^ plain->delimiter));
  if (differs) return 0;
  if (stops[line->begins[n]] == '\n') return n;
  const bool crlf = stops[line->begins[n]] == '\r' && stops[line->begins[n] + 1] == '\n';
  return crlf && left > n ? n + 1 : 0;
}

/* ---- numbers ---- */

#define TEN_16 UINT64_C(10000000000000000)

/* A number of 17 to 20 bytes, in two pieces: prices that were floats in other programs are such. */
static bool read_long_number(struct tlw_plain_piece piece, double *value) {
#if defined(TLW_PLAIN_QUOTIENT)
  const size_t n_high = piece.length - TLW_PLAIN_DIGITS;
  if (piece.length <= TLW_PLAIN_DIGITS || n_high > 4) return false;
  uint32_t high_places = 0, places = 0;
  bool odd = false;
  uint64_t high = tlw_plain_digits((struct tlw_plain_piece){piece.end - TLW_PLAIN_DIGITS, n_high}, &high_places, &odd);
  const uint64_t low = tlw_plain_digits((struct tlw_plain_piece){piece.end, TLW_PLAIN_DIGITS}, &places, &odd);
  if (high_places > 0) {
    if (places > 0) return false;
    high /= 10;
    places = TLW_PLAIN_DIGITS + high_places - 1;
  }
  if (odd || high > (UINT64_MAX - TEN_16) / TEN_16) return false;
  *value = tlw_plain_quotient(high * TEN_16 + low, places);
  return true;
#else
  (void)piece, (void)value;
  return false;
#endif
}

static inline bool read_number(struct tlw_plain_piece piece, double *value) {
  return tlw_plain_decimal(piece, value) || read_long_number(piece, value) ||
         tlw_plain_number(piece.end - piece.length, piece.length, value);
}

static bool read_prices(const struct tlw_plain_piece pieces[4], double prices[4]) {
  for (int i = 0; i < 4; i++)
    if (!read_number(pieces[i], &prices[i])) return false;
  return true;
}

static inline bool read_numbers(const struct tlw_plain *plain, const struct line *line, struct row *row) {
  struct tlw_plain_piece prices[4];
  for (int i = 0; i < 4; i++) prices[i] = field(line, plain->numbers[i]);
  if (!tlw_plain_prices(prices, row->prices) && !read_prices(prices, row->prices)) return false;
  const int32_t volume = plain->numbers[TLW_PLAIN_VOLUME];
  return volume < 0 || read_number(field(line, volume), &row->volume);
}

static inline bool is_candle(const double *p) {
  return (p[TLW_PLAIN_LOW] <= p[TLW_PLAIN_OPEN]) & (p[TLW_PLAIN_LOW] <= p[TLW_PLAIN_CLOSE]) &
         (p[TLW_PLAIN_OPEN] <= p[TLW_PLAIN_HIGH]) & (p[TLW_PLAIN_CLOSE] <= p[TLW_PLAIN_HIGH]);
}

static inline bool read_time(struct reader *reader, const struct line *line, int64_t *time) {
  const struct tlw_plain *plain = reader->plain;
  const struct tlw_plain_piece day = field(line, plain->time);
  if (plain->clock < 0) return tlw_plain_time(&reader->month, plain->month_first, day, time);
  return tlw_plain_time_pair(&reader->month, plain->month_first, day, field(line, plain->clock), time);
}

static inline bool read_row(struct reader *reader, const struct line *line, struct row *row) {
  if (!read_time(reader, line, &row->time)) return false;
  if (reader->plain->descending ? row->time >= reader->previous : row->time <= reader->previous) return false;
  return read_numbers(reader->plain, line, row) && is_candle(row->prices);
}

static inline void store_row(const tlw_csv_rows *rows, int64_t i, const struct row *row) {
  rows->open[i] = row->prices[TLW_PLAIN_OPEN];
  rows->high[i] = row->prices[TLW_PLAIN_HIGH];
  rows->low[i] = row->prices[TLW_PLAIN_LOW];
  rows->close[i] = row->prices[TLW_PLAIN_CLOSE];
  if (rows->volume) rows->volume[i] = row->volume;
  if (rows->time) rows->time[i] = row->time;
}

/* Reads the complete lines of a chunk, while they are plain. Returns how many stops they have. */
static size_t read_chunk(struct reader *reader, const char *text, const struct stops *stops, const tlw_csv_rows *rows,
                         int64_t *n_rows) {
  struct row row = {.volume = (double)NAN};
  const size_t least = (size_t)reader->plain->n_columns;
  size_t at = 0;
  int64_t n = *n_rows;
  while (n < rows->capacity && stops->count - at >= least) {
    const struct line line = {text, stops->behind + at};
    const size_t n_stops = measure_line(reader->plain, &line, stops->count - at);
    if (n_stops == 0 || !read_row(reader, &line, &row)) {
      reader->stopped = true;
      break;
    }
    store_row(rows, n++, &row);
    reader->previous = row.time;
    at += n_stops;
  }
  *n_rows = n;
  return at;
}

static size_t read_text(struct tlw_plain *plain, const char *text, size_t size, const tlw_csv_rows *rows,
                        int64_t *n_rows) {
  struct stops stops;
  struct reader reader = {.plain = plain, .previous = plain->descending ? INT64_MAX : INT64_MIN};
  if (plain->any) reader.previous = plain->previous_time;
  const int64_t first = *n_rows;
  size_t at = 0, chunk = FIRST_CHUNK;
  while (at < size && *n_rows < rows->capacity && !reader.stopped) {
    const bool is_last = size - at <= chunk;
    size_t part = is_last ? size - at : chunk;
    if (!is_last && text[at + part - 1] == '\r') part--; /* it stays with its line feed */
    find_stops(&stops, text + at, part, plain->delimiter);
    const size_t n_stops = read_chunk(&reader, text + at, &stops, rows, n_rows);
    if (n_stops == 0 && (is_last || chunk == CHUNK)) break;
    at += stops.behind[n_stops];
    if (chunk < CHUNK) chunk *= 2;
  }
  if (*n_rows > first) {
    plain->any = true;
    plain->previous_time = reader.previous;
  }
  return at;
}

extern const struct tlw_plain_tier TLW_PLAIN_TIER;
const struct tlw_plain_tier TLW_PLAIN_TIER = {TLW_TIER_NAME, read_text};
