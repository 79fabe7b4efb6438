/* The loops over trades of one tier. Compiled once per tier. */
#include "bars_cut.h"
#include "bars_join.h"

static inline bool is_bars(const tlw_trades *rows) { return rows->open && rows->high && rows->low; }

static inline bool has_ranges(const tlw_trades *rows) { return rows->first_id && rows->last_id; }

/* Trades that a row may be made of. */
#define TRADES_MAX (INT64_C(1) << 31)

static inline bool good_ids(const tlw_trades *rows, int64_t i) {
  if (rows->count && (rows->count[i] < 0 || rows->count[i] > TRADES_MAX)) return false;
  if (!has_ranges(rows)) return true;
  const int64_t first = rows->first_id[i], last = rows->last_id[i];
  return first >= 0 && last >= first && last - first < TRADES_MAX;
}

static inline bool good_prices(const tlw_trades *rows, int64_t i) {
  const int64_t close = rows->price[i];
  if (!is_bars(rows)) return close > 0;
  const int64_t open = rows->open[i], high = rows->high[i], low = rows->low[i];
  return low > 0 && low <= open && low <= close && high >= open && high >= close;
}

static inline bool good_amounts(const tlw_trades *rows, int64_t i) {
  if (rows->quantity && rows->quantity[i] < !is_bars(rows)) return false;
  return !rows->quote || rows->quote[i] >= 0;
}

static tlk_bar_row row_at(const tlw_trades *rows, uint32_t fields, int64_t i) {
  const bool bars = is_bars(rows);
  const int64_t price = rows->price[i];
  tlk_bar_row row = {.open = price, .high = price, .low = price, .close = price, .trades = 1};
  if (bars) {
    row.open = rows->open[i];
    row.high = rows->high[i];
    row.low = rows->low[i];
    row.trades = rows->count ? rows->count[i] : 0;
  } else if (has_ranges(rows)) {
    row.trades = rows->last_id[i] - rows->first_id[i] + 1;
  }
  if (rows->quantity) row.quantity = rows->quantity[i];
  if (fields & TLK_BAR_QUOTE && bars && rows->quote)
    row.quote = tlk_u128_product((tlk_u64)rows->quote[i], TLW_DECIMAL_ONE);
  else if (fields & TLK_BAR_QUOTE && !bars)
    row.quote = tlk_u128_product((tlk_u64)price, (tlk_u64)row.quantity);
  row.is_buy = rows->is_buyer_maker && !rows->is_buyer_maker[i];
  return row;
}

/* ---- row by row ---- */

/* Rows examined and joined so far. */
struct state {
  struct tlw_bars_checks checks;
  struct tlw_cpu_extremes extremes;
  tlk_bar_part part;
};

static bool is_good(const tlw_trades *rows, const struct tlw_bars_checks *checks, int64_t i) {
  const int64_t time = rows->time[i];
  if (time < checks->first_time || time > checks->last_time || time < checks->before.time) return false;
  if (rows->id && rows->id[i] <= checks->before.id) return false;
  return good_ids(rows, i) && good_prices(rows, i) && good_amounts(rows, i);
}

static void join_row(struct state *state, const tlw_trades *rows, uint32_t fields, int64_t i) {
  const tlk_bar_row row = row_at(rows, fields, i);
  struct tlw_cpu_extremes *extremes = &state->extremes;
  if (row.low < extremes->low) extremes->low = row.low;
  if (row.high > extremes->high) extremes->high = row.high;
  if (row.quantity > extremes->quantity) extremes->quantity = row.quantity;
  state->part = tlk_bar_join(state->part, tlk_bar_of_row(row, fields));
  state->checks.before = (struct tlw_cpu_last_row){rows->time[i], rows->id ? rows->id[i] : -1};
}

static int64_t take_rows(struct state *state, const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end,
                         struct tlw_cpu_cut *cut, enum tlw_cpu_taken *taken) {
  *taken = TLW_CPU_TAKEN_ALL;
  for (int64_t i = begin; i < end && *taken == TLW_CPU_TAKEN_ALL; i++) {
    if (!is_good(rows, &state->checks, i))
      *taken = TLW_CPU_TAKEN_TO_BAD;
    else if (cuts_row(rows, cut, cut->kind, i))
      *taken = TLW_CPU_TAKEN_TO_CUT;
    if (*taken == TLW_CPU_TAKEN_TO_BAD || (*taken == TLW_CPU_TAKEN_TO_CUT && is_apart(cut))) return i;
    join_row(state, rows, fields, i);
    begin = i + 1;
  }
  return begin;
}

/* ---- rows ---- */

static unsigned work_of(const tlw_trades *rows, uint32_t fields) {
  unsigned work = has_ranges(rows) ? TLW_BARS_RANGES : 0;
  if (rows->quantity && fields & TLK_BAR_VOLUME) work |= TLW_BARS_VOLUME;
  if (rows->quantity && fields & TLK_BAR_QUOTE) work |= TLW_BARS_QUOTE;
  if (rows->is_buyer_maker && fields & TLK_BAR_SIDES) work |= TLW_BARS_SIDES;
  if (fields & (TLK_BAR_SIDES | TLK_BAR_IDS)) work |= TLW_BARS_TRADES;
  return work;
}

static unsigned examination_of(const tlw_trades *rows) {
  unsigned work = TLW_BARS_EXAMINE;
  if (rows->id) work |= TLW_BARS_ID;
  if (rows->quantity) work |= TLW_BARS_QUANTITY;
  return work;
}

/* Columns that trades have no use for, and that are examined all the same. */
static bool is_plain(const tlw_trades *rows) { return !is_bars(rows) && !rows->quote && !rows->count; }

/* Takes trades in vectors as far as they are good. */
static int64_t take_trades(struct state *state, const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end,
                           struct tlw_cpu_cut *cut, enum tlw_cpu_taken *taken) {
  *taken = TLW_CPU_TAKEN_TO_BAD; /* Where most rows are bad, to join many before one is found takes too long. */
  if (begin < end && !is_good(rows, &state->checks, begin)) return begin;
  const unsigned work = work_of(rows, fields) | examination_of(rows);
  const int64_t i = TLW_TIERED(tlw_bars_join)(rows, work, begin, end, &state->checks, cut, &state->part,
                                              &state->extremes.quantity, taken);
  if (i > begin) {
    state->extremes.low = state->part.low;
    state->extremes.high = state->part.high;
  }
  if (*taken == TLW_CPU_TAKEN_TO_CUT && is_apart(cut) && !is_good(rows, &state->checks, i))
    *taken = TLW_CPU_TAKEN_TO_BAD;
  else if (*taken == TLW_CPU_TAKEN_TO_BAD)
    return take_rows(state, rows, fields, i, end, cut, taken);
  return i;
}

static int64_t take_any(struct state *state, const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end,
                        struct tlw_cpu_cut *cut, enum tlw_cpu_taken *taken) {
  return is_plain(rows) ? take_trades(state, rows, fields, begin, end, cut, taken)
                        : take_rows(state, rows, fields, begin, end, cut, taken);
}

static struct state begin_state(struct tlw_cpu_last_row before, int64_t first_time, int64_t last_time) {
  return (struct state){{before, first_time, last_time}, {INT64_MAX, INT64_MIN, 0}, tlk_bar_none()};
}

static int64_t take(const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end, struct tlw_cpu_last_row before,
                    int64_t first_time, int64_t last_time, struct tlw_cpu_cut *cut, tlk_bar_part *part,
                    enum tlw_cpu_taken *taken) {
  struct state state = begin_state(before, first_time, last_time);
  const int64_t i = take_any(&state, rows, fields, begin, end, cut, taken);
  *part = state.part;
  return i;
}

static int64_t examine_and_join(const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end,
                                struct tlw_cpu_last_row before, int64_t first_time, int64_t last_time,
                                tlk_bar_part *part) {
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_NONE};
  enum tlw_cpu_taken taken;
  return take(rows, fields, begin, end, before, first_time, last_time, &cut, part, &taken);
}

static int64_t examine(const tlw_trades *rows, int64_t begin, int64_t end, struct tlw_cpu_last_row before,
                       int64_t first_time, int64_t last_time, struct tlw_cpu_extremes *extremes) {
  struct state state = begin_state(before, first_time, last_time);
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_NONE};
  enum tlw_cpu_taken taken;
  const int64_t i = take_any(&state, rows, 0, begin, end, &cut, &taken);
  *extremes = state.extremes;
  return i;
}

static void join(const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end, tlk_bar_part *part) {
  if (!is_bars(rows)) {
    struct tlw_bars_checks checks = {{0, 0}, 0, 0};
    struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_NONE};
    enum tlw_cpu_taken taken;
    int64_t quantity;
    unsigned work = work_of(rows, fields);
    if (!(work & TLW_BARS_TRADES)) work &= ~(unsigned)TLW_BARS_RANGES;
    TLW_TIERED(tlw_bars_join)(rows, work, begin, end, &checks, &cut, part, &quantity, &taken);
    return;
  }
  struct state state = begin_state((struct tlw_cpu_last_row){0, 0}, 0, 0);
  for (int64_t i = begin; i < end; i++) join_row(&state, rows, fields, i);
  *part = state.part;
}

/* ---- cuts alone ---- */

static int64_t find(const tlw_trades *rows, int64_t i, int64_t end, struct tlw_cpu_cut *cut) {
  while (i + GROUP <= end && !may_cut(rows, cut, i)) i += GROUP;
  return cut_rows(rows, cut, i, end);
}

static int64_t find_time(const int64_t *time, int64_t begin, int64_t end, int64_t limit) {
  const tlw_trades rows = {.time = time};
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_TIME, .time = limit};
  return find(&rows, begin, end, &cut);
}

static int64_t find_price(const int64_t *price, int64_t i, int64_t end, int64_t low, int64_t high) {
  const struct tlw_cpu_cut cut = {.low = low, .high = high - (high > INT64_MIN)};
  for (; i + GROUP <= end; i += GROUP) {
    choice found = choose_none();
    for (int k = 0; k < VECTORS; k++) found = either(found, is_beyond(&cut, load(price + i + k * TLK_LANES)));
    if (bits_of(found)) break;
  }
  while (i < end && price[i] > low && price[i] < high) i++;
  return i;
}

static int64_t find_volume(const int64_t *quantity, int64_t begin, int64_t end, tlk_u128 *rest) {
  const tlw_trades rows = {.quantity = quantity};
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_VOLUME, .need = *rest};
  const int64_t i = find(&rows, begin, end, &cut);
  *rest = cut.need;
  return i;
}

static int64_t find_value(const int64_t *price, const int64_t *quantity, int64_t begin, int64_t end, tlk_u128 *rest) {
  const tlw_trades rows = {.price = price, .quantity = quantity};
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_VALUE, .need = *rest};
  const int64_t i = find(&rows, begin, end, &cut);
  *rest = cut.need;
  return i;
}

extern const struct tlw_cpu_bars_tier TLW_TIERED(tlw_cpu_bars_of);

const struct tlw_cpu_bars_tier TLW_TIERED(tlw_cpu_bars_of) = {
    .take = take,
    .examine = examine,
    .find_time = find_time,
    .find_price = find_price,
    .find_volume = find_volume,
    .find_value = find_value,
    .join = join,
    .examine_and_join = examine_and_join,
};
