/* Bars of a volume, and of a value, its turnover. */
#include "emit.h"
#include "kinds.h"
#include "rows.h"

__extension__ typedef unsigned __int128 wide;

static bool is_value(const tlw_bars *bars) { return bars->options.kind == TLW_BARS_VALUE; }

static void begin_volume(tlw_bars *bars) { bars->rule.need = tlk_u128_of((uint64_t)bars->options.size); }

static void begin_value(tlw_bars *bars) {
  bars->rule.need = tlk_u128_product((uint64_t)bars->options.size, TLW_BARS_SQUARE);
}

/* The least quantity at a price that brings as much. Of a value it is one that a row has. */
static wide quantity_for(const tlw_bars *bars, tlk_u128 need, int64_t price) {
  const wide wanted = (wide)need.high << 64 | need.low;
  return is_value(bars) ? (wanted + (uint64_t)price - 1) / (uint64_t)price : wanted;
}

/* ---- splitting ---- */

/* How the quantity of a row is divided. */
struct division {
  int64_t first;       /* what fills the forming bar */
  int64_t each, count; /* bars of the row alone */
  int64_t left;        /* for the next bar */
};

static struct division divide(const tlw_bars *bars, tlk_u128 need, int64_t price, int64_t quantity) {
  const tlk_u128 size = tlk_u128_product((uint64_t)bars->options.size, is_value(bars) ? TLW_BARS_SQUARE : 1);
  struct division parts = {.first = (int64_t)quantity_for(bars, need, price)};
  const int64_t rest = quantity - parts.first;
  const wide each = quantity_for(bars, size, price);
  parts.left = rest;
  if (each > (wide)rest) return parts;
  parts.each = (int64_t)each;
  parts.count = rest / parts.each;
  parts.left = rest % parts.each;
  return parts;
}

/* Takes the closing row, of which only a part is the forming bar's. */
static void collect_first(tlw_bars *bars, struct tlw_bars_span *span, int64_t quantity) {
  const int64_t row = span->begin;
  const tlk_bar_part part = tlw_bars_part_of_row(bars, span->rows, row, quantity);
  tlw_bars_extend(bars, span->rows, row, row + 1);
  tlw_bars_note(bars, span->rows, row, row + 1);
  bars->forming.part = tlk_bar_join(bars->forming.part, part);
  span->begin++;
}

/* The rest of the row: whole bars of it, and what the next bar begins with. */
static void divide_rest(tlw_bars *bars, const tlw_trades *rows, int64_t row, const struct division *parts) {
  struct tlw_bars_carry of_row = {.price = rows->price[row], .quantity = parts->each};
  of_row.is_buy = rows->is_buyer_maker && !rows->is_buyer_maker[row];
  bars->owed = (struct tlw_bars_owed){
      .count = parts->count,
      .time = rows->time[row],
      .first_id = tlw_bars_first_id(bars, rows, row),
      .last_id = tlw_bars_last_id(bars, rows, row),
      .part = of_row,
  };
  bars->way->begin(bars);
  if (parts->left == 0) return;
  tlw_bars_extend(bars, rows, row, row + 1);
  of_row.quantity = parts->left;
  bars->forming.carry = of_row;
  const uint64_t price = is_value(bars) ? (uint64_t)of_row.price : 1;
  bars->rule.need = tlk_u128_subtract(bars->rule.need, tlk_u128_product((uint64_t)parts->left, price));
}

static void owe(tlw_bars *bars, tlw_bar *bar) {
  const tlk_bar_part part = tlw_bars_part_of_carry(bars, &bars->owed.part);
  tlw_bars_fill(bars, &part, bar);
  tlw_bars_place_owed(bars, bar);
}

/* ---- rows ---- */

/* The row that meets the need is the span's first. */
static tlw_status split_row(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  const tlw_trades *rows = span->rows;
  const int64_t row = span->begin;
  const struct division parts = divide(bars, bars->rule.need, rows->price[row], rows->quantity[row]);
  if (parts.count >= TLW_BARS_ROW_MAX) return tlw_bars_refuse(row, error);
  collect_first(bars, span, parts.first);
  tlw_bars_close_forming(bars);
  divide_rest(bars, rows, row, &parts);
  return tlw_bars_settle(bars, error);
}

/* What is needed behind rows that were taken from the forming bar's need, short of the cut. */
static void lower_need(tlw_bars *bars, const tlw_trades *rows, int64_t begin, int64_t end) {
  if (is_value(bars))
    bars->tier->find_value(rows->price, rows->quantity, begin, end, &bars->rule.need);
  else
    bars->tier->find_volume(rows->quantity, begin, end, &bars->rule.need);
}

static tlw_status walk(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  const bool splits = bars->options.split;
  struct tlw_cpu_cut cut = {.kind = is_value(bars) ? TLW_CPU_CUT_VALUE : TLW_CPU_CUT_VOLUME, .apart = splits};
  while (span->begin < span->end) {
    tlw_status status = tlw_bars_reserve(bars, error);
    if (status != TLW_OK) return status;
    const int64_t from = span->begin;
    cut.need = bars->rule.need;
    if (!tlw_bars_collect(bars, span, span->end, &cut, &status, error)) {
      lower_need(bars, span->rows, from, span->begin);
      return status;
    }
    bars->rule.need = cut.need;
    if (splits) {
      status = split_row(bars, span, error);
      if (status != TLW_OK) return status;
    } else {
      tlw_bars_close_forming(bars);
      bars->way->begin(bars);
    }
  }
  return TLW_OK;
}

/* The need is what the size has beyond the forming bar, as far as its sums are there. */
static bool holds(tlw_bars *bars) {
  const tlk_u128 need = bars->rule.need;
  const tlk_u128 size = tlk_u128_product((uint64_t)bars->options.size, is_value(bars) ? TLW_BARS_SQUARE : 1);
  if ((need.low | need.high) == 0 || tlk_u128_less(size, need)) return false;
  if (!tlw_bars_is_forming(bars)) return need.low == size.low && need.high == size.high;
  const tlk_bar_part whole = tlw_bars_whole_part(bars);
  const tlk_u128 sum = tlk_u128_add(is_value(bars) ? whole.quote : whole.volume, need);
  const bool is_known = bars->fields & (is_value(bars) ? TLW_BAR_QUOTE : TLW_BAR_VOLUME);
  return !is_known || (sum.low == size.low && sum.high == size.high);
}

const struct tlw_bars_way tlw_bars_volume = {.name = "volume",
                                             .splits = true,
                                             .needs_quantity = true,
                                             .begin = begin_volume,
                                             .walk = walk,
                                             .owe = owe,
                                             .holds = holds};

const struct tlw_bars_way tlw_bars_value = {.name = "value",
                                            .splits = true,
                                            .needs_quantity = true,
                                            .begin = begin_value,
                                            .walk = walk,
                                            .owe = owe,
                                            .holds = holds};
