/*
 * What decides the numbers of bars, as include/tallow/bars.h defines them: whole numbers of 128 bits, rows as parts,
 * the join of two parts. All of it is exact, so that any order of joins gives the same.
 */
#ifndef TLK_CORE_BARS_H
#define TLK_CORE_BARS_H

#include "../dialect.h"

/* Prices and quantities are whole numbers of this part. */
#define TLK_DECIMAL_ONE 100000000

/* A whole number of 0 to 2^128 - 1. */
typedef struct {
  tlk_u64 low, high;
} tlk_u128;

TLK_FN tlk_u128 tlk_u128_of(tlk_u64 number) {
  tlk_u128 wide;
  wide.low = number;
  wide.high = 0;
  return wide;
}

TLK_FN tlk_u128 tlk_u128_add(tlk_u128 a, tlk_u128 b) {
  tlk_u128 sum;
  sum.low = a.low + b.low;
  sum.high = a.high + b.high + (sum.low < a.low);
  return sum;
}

/* a - b, b being a or less. */
TLK_FN tlk_u128 tlk_u128_subtract(tlk_u128 a, tlk_u128 b) {
  tlk_u128 rest;
  rest.low = a.low - b.low;
  rest.high = a.high - b.high - (a.low < b.low);
  return rest;
}

TLK_FN tlk_i32 tlk_u128_less(tlk_u128 a, tlk_u128 b) { return a.high < b.high || (a.high == b.high && a.low < b.low); }

TLK_FN tlk_u128 tlk_u128_product(tlk_u64 a, tlk_u64 b) {
  const tlk_u64 a_low = a & 0xffffffff, a_high = a >> 32, b_low = b & 0xffffffff, b_high = b >> 32;
  const tlk_u64 low = a_low * b_low;
  const tlk_u64 middle = a_high * b_low + (low >> 32);
  const tlk_u64 other = a_low * b_high + (middle & 0xffffffff);
  tlk_u128 product;
  product.low = other << 32 | (low & 0xffffffff);
  product.high = a_high * b_high + (middle >> 32) + (other >> 32);
  return product;
}

/*
 * Rows one behind the other, or none (rows 0, the rest 0). Members whose field (TLW_BAR_...) was not asked for are 0.
 * Prices of rows that are bars: the open of the first, the close of the last, extremes of highs and lows.
 */
typedef struct {
  tlk_i64 open, high, low, close;
  tlk_u128 volume, quote;         /* 1e-8, 1e-16 */
  tlk_u128 buy_volume, buy_quote; /* of rows whose buyer was not the maker */
  tlk_i64 rows, trades, buy_trades;
  tlk_u64 overflow; /* 1: quote has left 128 bits */
} tlk_bar_part;

TLK_FN tlk_bar_part tlk_bar_none(void) {
  tlk_bar_part part;
  part.open = part.high = part.low = part.close = 0;
  part.volume = part.quote = part.buy_volume = part.buy_quote = tlk_u128_of(0);
  part.rows = part.trades = part.buy_trades = 0;
  part.overflow = 0;
  return part;
}

/* Rows of a, then rows of b. */
TLK_FN tlk_bar_part tlk_bar_join(tlk_bar_part a, tlk_bar_part b) {
  if (a.rows == 0) return b;
  if (b.rows == 0) return a;
  tlk_bar_part part;
  part.open = a.open;
  part.high = a.high > b.high ? a.high : b.high;
  part.low = a.low < b.low ? a.low : b.low;
  part.close = b.close;
  part.volume = tlk_u128_add(a.volume, b.volume);
  part.quote = tlk_u128_add(a.quote, b.quote);
  part.buy_volume = tlk_u128_add(a.buy_volume, b.buy_volume);
  part.buy_quote = tlk_u128_add(a.buy_quote, b.buy_quote);
  part.rows = a.rows + b.rows;
  part.trades = a.trades + b.trades;
  part.buy_trades = a.buy_trades + b.buy_trades;
  part.overflow = a.overflow | b.overflow | (tlk_u64)tlk_u128_less(part.quote, a.quote);
  return part;
}

/* A row: of a trade all prices are its price, quote is price * quantity, trades those that it is made of. */
typedef struct {
  tlk_i64 open, high, low, close, quantity, trades;
  tlk_u128 quote;
  tlk_i32 is_buy;
} tlk_bar_row;

/* fields: TLK_BAR_..., with the numbers of TLW_BAR_.... */
#define TLK_BAR_VOLUME 1u
#define TLK_BAR_QUOTE 2u
#define TLK_BAR_SIDES 4u
#define TLK_BAR_IDS 8u

TLK_FN tlk_bar_part tlk_bar_of_row(tlk_bar_row row, tlk_u32 fields) {
  tlk_bar_part part = tlk_bar_none();
  part.open = row.open;
  part.high = row.high;
  part.low = row.low;
  part.close = row.close;
  part.rows = 1;
  if (fields & TLK_BAR_VOLUME) part.volume = tlk_u128_of((tlk_u64)row.quantity);
  if (fields & TLK_BAR_QUOTE) part.quote = row.quote;
  if (fields & (TLK_BAR_IDS | TLK_BAR_SIDES)) part.trades = row.trades;
  if (fields & TLK_BAR_SIDES && row.is_buy) {
    part.buy_volume = part.volume;
    part.buy_quote = part.quote;
    part.buy_trades = row.trades;
  }
  return part;
}

#endif
