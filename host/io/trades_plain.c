#include "trades_plain.h"

#include "host/base/simd.h"
#include "time_text.h"
#include "trades_plain_tier.h"
#include "trades_reader.h"

#define MOST_WAIT 256 /* lines of the general path between tries of the fast one */
#define FEW 8         /* rows that do not make up for a try */

/* ---- tiers ---- */

#if defined(__aarch64__)
#define LEAST tlw_trade_plain_tier_neon
#else
#define LEAST tlw_trade_plain_tier_baseline
#endif

extern const struct tlw_trade_plain_tier LEAST;
#if defined(TALLOW_WITH_AVX2)
extern const struct tlw_trade_plain_tier tlw_trade_plain_tier_avx2;
#endif
#if defined(TALLOW_WITH_AVX512)
extern const struct tlw_trade_plain_tier tlw_trade_plain_tier_avx512;
#endif

const struct tlw_trade_plain_tier *tlw_trade_plain_tier(void) {
  static const struct tlw_trade_plain_tier *const tiers[] = {
    [TLW_SIMD_BASELINE] = &LEAST,
#if defined(TALLOW_WITH_AVX2)
    [TLW_SIMD_AVX2] = &tlw_trade_plain_tier_avx2,
#endif
#if defined(TALLOW_WITH_AVX512)
    [TLW_SIMD_AVX512] = &tlw_trade_plain_tier_avx512,
#endif
  };
  enum tlw_simd simd = TLW_SIMD_BASELINE;
  return tlw_simd_choose(&simd, NULL) == TLW_OK ? tiers[simd] : &LEAST;
}

struct tlw_trade_plain_part tlw_trade_plain_read(const struct tlw_trade_plain *plain, const char *text, size_t size) {
  return plain->tier->read(plain, text, size);
}

/* ---- a file ---- */

/*
 * Whole numbers that the general path reads as times of the unit. Those of a unit that was told must be of its size,
 * and less digits than these have may be a date.
 */
static void bound_times(const struct tlw_trade_times *times, struct tlw_trade_plain *plain) {
  static const int64_t least[] = {[TLW_UNIT_S] = 100000000,
                                  [TLW_UNIT_MS] = 1000000000000,
                                  [TLW_UNIT_US] = 100000000000000,
                                  [TLW_UNIT_NS] = 100000000000000000};
  static const int64_t per_second[] = {
      [TLW_UNIT_S] = 1, [TLW_UNIT_MS] = 1000, [TLW_UNIT_US] = 1000000, [TLW_UNIT_NS] = 1000000000};
  plain->time_least = times->is_given ? 0 : least[times->unit];
  plain->time_end = TLW_TIME_END * per_second[times->unit];
}

static void describe_file(struct tlw_trade_reader *reader) {
  struct tlw_trade_plain *plain = &reader->plain;
  const struct tlw_trade_times *times = &reader->times;
  if (!plain->tier) plain->tier = tlw_trade_plain_tier();
  plain->delimiter = reader->delimiter;
  plain->comment = TLW_TRADE_COMMENT;
  plain->n_columns = reader->row_fields;
  for (int role = 0; role < TLW_TRADE_ROLES; role++)
    plain->column_of[role] = reader->read >> role & 1 ? reader->columns.of[role] : -1;
  plain->column_of[TLW_TRADE_ROLE_SYMBOL] = reader->columns.of[TLW_TRADE_ROLE_SYMBOL];
  plain->maker_is_side = reader->columns.maker_is_side;
  plain->symbol = reader->has_symbol ? reader->symbol : NULL;
  plain->symbol_length = reader->symbol_length;
  plain->time_is_text = times->is_text;
  if (times->unit != TLW_UNIT_DEFAULT) bound_times(times, plain);
  plain->has_bounds = times->has_bounds;
  plain->from = times->from;
  plain->to = times->to;
}

static void describe_rows(struct tlw_trade_plain *plain, const tlw_trade_rows *out, int64_t n_rows) {
  int64_t *const numbers[TLW_TRADE_ROLES] = {
      [TLW_TRADE_ROLE_TIME] = out->time,         [TLW_TRADE_ROLE_PRICE] = out->price,
      [TLW_TRADE_ROLE_QUANTITY] = out->quantity, [TLW_TRADE_ROLE_ID] = out->id,
      [TLW_TRADE_ROLE_FIRST_ID] = out->first_id, [TLW_TRADE_ROLE_LAST_ID] = out->last_id,
      [TLW_TRADE_ROLE_OPEN] = out->open,         [TLW_TRADE_ROLE_HIGH] = out->high,
      [TLW_TRADE_ROLE_LOW] = out->low,           [TLW_TRADE_ROLE_QUOTE] = out->quote,
      [TLW_TRADE_ROLE_COUNT] = out->count};
  for (int role = 0; role < TLW_TRADE_ROLES; role++)
    plain->numbers[role] = numbers[role] ? numbers[role] + n_rows : NULL;
  plain->makers = out->is_buyer_maker ? out->is_buyer_maker + n_rows : NULL;
  plain->capacity = out->capacity - n_rows;
}

/* ---- rows ---- */

static void note_try(struct tlw_trade_reader *reader, int64_t n_lines) {
  const int32_t misses = reader->plain_misses;
  reader->plain_misses = n_lines >= FEW ? 0 : misses < 8 ? misses + 1 : 8;
  reader->plain_wait = reader->plain_misses > 2 ? 1 << reader->plain_misses : 0;
}

_Static_assert(1 << 8 == MOST_WAIT, "misses are counted up to 8");

void tlw_trade_take_plain(struct tlw_trade_reader *reader, const tlw_trade_rows *out, int64_t *n_rows) {
  const bool is_ready = reader->row_fields > 1 && (reader->times.unit || !(reader->read & TLW_TRADE_TIME));
  if (!is_ready || reader->plain_is_off) return;
  if (reader->plain_wait > 0) {
    reader->plain_wait--;
    return;
  }
  describe_file(reader);
  int64_t n_lines = 0;
  size_t size;
  for (;;) {
    const char *text = tlw_lines_block(&reader->lines, &size);
    if (size == 0) return; /* no fault of the lines */
    describe_rows(&reader->plain, out, *n_rows);
    const struct tlw_trade_plain_part part = tlw_trade_plain_read(&reader->plain, text, size);
    if (part.n == 0) break;
    n_lines += part.n;
    if (part.is_outside)
      reader->report.outside += part.n;
    else
      tlw_trade_note_rows(reader, *n_rows, part.n, reader->lines.number + 1);
    if (!part.is_outside) *n_rows += part.n;
    tlw_lines_take(&reader->lines, part.size, part.n);
    if (*n_rows == out->capacity || reader->n_runs == TLW_TRADE_RUNS) return;
  }
  note_try(reader, n_lines);
}
