/* Joins the rows of a run: each lane every 64th row, then the lanes two by two. */
#include "bars_args.h"

/* Trades that a row stands for. */
TLK_FN tlk_i64 tlk_bars_trades(tlk_bars_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 row) {
  if (a.columns & TLK_BARS_RANGES)
    return TLK_AT(const tlk_i64, m, a.last_id)[row] - TLK_AT(const tlk_i64, m, a.first_id)[row] + 1;
  if (a.columns & TLK_BARS_COUNTS) return TLK_AT(const tlk_i64, m, a.count)[row];
  return a.columns & TLK_BARS_PRICES ? 0 : 1;
}

TLK_FN tlk_u128 tlk_bars_quote(tlk_bars_args a, TLK_GLOBAL tlk_u8 *m, tlk_bar_row row, tlk_i64 at) {
  if (a.columns & TLK_BARS_QUOTES)
    return tlk_u128_product((tlk_u64)TLK_AT(const tlk_i64, m, a.quote)[at], TLK_DECIMAL_ONE);
  return a.columns & TLK_BARS_PRICES ? tlk_u128_of(0) : tlk_u128_product((tlk_u64)row.close, (tlk_u64)row.quantity);
}

TLK_FN tlk_bar_row tlk_bars_row(tlk_bars_args a, TLK_GLOBAL tlk_u8 *m, tlk_i64 at) {
  tlk_bar_row row;
  row.open = row.high = row.low = row.close = TLK_AT(const tlk_i64, m, a.price)[at];
  if (a.columns & TLK_BARS_PRICES) {
    row.open = TLK_AT(const tlk_i64, m, a.open)[at];
    row.high = TLK_AT(const tlk_i64, m, a.high)[at];
    row.low = TLK_AT(const tlk_i64, m, a.low)[at];
  }
  row.quantity = a.columns & TLK_BARS_QUANTITIES ? TLK_AT(const tlk_i64, m, a.quantity)[at] : 0;
  row.trades = tlk_bars_trades(a, m, at);
  row.quote = tlk_bars_quote(a, m, row, at);
  row.is_buy = a.columns & TLK_BARS_MAKERS && m[a.maker + (tlk_u64)at] == 0;
  return row;
}

TLK_KERNEL(tlk_bars_join, tlk_bars_args) {
  TLK_SHARED(tlk_bar_part, parts, TLK_BARS_LANES);
  const tlk_bars_run run = TLK_AT(const tlk_bars_run, m, a.runs)[TLK_GROUP()];
  const tlk_i32 lane = (tlk_i32)TLK_LANE();
  tlk_bar_part part = tlk_bar_none();
  for (tlk_i32 i = lane; i < run.count; i += TLK_BARS_LANES)
    part = tlk_bar_join(part, tlk_bar_of_row(tlk_bars_row(a, m, run.begin + i), a.fields));
  parts[lane] = part;
  for (tlk_i32 step = TLK_BARS_LANES / 2; step > 0; step /= 2) {
    TLK_BARRIER();
    if (lane < step) parts[lane] = tlk_bar_join(parts[lane], parts[lane + step]);
  }
  if (lane > 0) return;
  /* Lanes do not have rows one behind the other: the ends are those of the run. */
  part = parts[0];
  part.open = tlk_bars_row(a, m, run.begin).open;
  part.close = tlk_bars_row(a, m, run.begin + run.count - 1).close;
  TLK_AT(tlk_bar_part, m, a.parts)[TLK_GROUP()] = part;
}
