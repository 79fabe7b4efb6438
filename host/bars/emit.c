#include "emit.h"

#include "host/base/error.h"
#include "kinds.h"
#include "share.h"

__extension__ typedef unsigned __int128 wide;

/* Turnover by volume, at 1e-8. */
static int64_t divide(tlk_u128 quote, tlk_u128 volume) {
  const wide dividend = (wide)quote.high << 64 | quote.low, divisor = (wide)volume.high << 64 | volume.low;
  const wide quotient = dividend / divisor;
  return quotient > INT64_MAX ? INT64_MAX : (int64_t)quotient;
}

static tlw_u128 public_of(tlk_u128 number) { return (tlw_u128){number.low, number.high}; }

static void fill_sides(uint32_t fields, const tlk_bar_part *part, tlw_bar *bar) {
  if (fields & TLW_BAR_VOLUME) {
    bar->buy_volume = public_of(part->buy_volume);
    bar->sell_volume = public_of(tlk_u128_subtract(part->volume, part->buy_volume));
  }
  if (fields & TLW_BAR_QUOTE) {
    bar->buy_quote_volume = public_of(part->buy_quote);
    bar->sell_quote_volume = public_of(tlk_u128_subtract(part->quote, part->buy_quote));
  }
  bar->buy_trades = part->buy_trades;
  bar->sell_trades = part->trades - part->buy_trades;
}

void tlw_bars_fill(const tlw_bars *bars, const tlk_bar_part *part, tlw_bar *bar) {
  const uint32_t fields = bars->options.fields;
  *bar = (tlw_bar){
      .open = part->open, .high = part->high, .low = part->low, .close = part->close, .agg_trades = part->rows};
  if (fields & TLW_BAR_VOLUME) bar->volume = public_of(part->volume);
  if (tlw_bars_gives_quote(bars)) {
    bar->quote_volume = public_of(part->quote);
    bar->vwap = (part->volume.low | part->volume.high) ? divide(part->quote, part->volume) : part->close;
  }
  if (fields & TLW_BAR_SIDES) fill_sides(fields, part, bar);
  if (fields & TLW_BAR_IDS) bar->trades = part->trades;
}

tlk_bar_part tlw_bars_part_of_carry(const tlw_bars *bars, const struct tlw_bars_carry *carry) {
  tlk_bar_part part = tlk_bar_none();
  part.open = part.high = part.low = part.close = carry->price;
  if (bars->fields & TLW_BAR_VOLUME) part.volume = tlk_u128_of((uint64_t)carry->quantity);
  if (bars->fields & TLW_BAR_QUOTE) part.quote = tlk_u128_product((uint64_t)carry->price, (uint64_t)carry->quantity);
  if (bars->fields & TLW_BAR_SIDES && carry->is_buy) {
    part.buy_volume = part.volume;
    part.buy_quote = part.quote;
  }
  return part;
}

/* tlk_bar_join takes a part without rows for none. */
tlk_bar_part tlw_bars_whole_part(const tlw_bars *bars) {
  const struct tlw_bars_forming *forming = &bars->forming;
  if (forming->carry.quantity == 0) return forming->part;
  tlk_bar_part carried = tlw_bars_part_of_carry(bars, &forming->carry);
  if (forming->part.rows == 0) return carried;
  carried.rows = 1;
  tlk_bar_part whole = tlk_bar_join(carried, forming->part);
  whole.rows--;
  return whole;
}

tlw_bar *tlw_bars_close_forming(tlw_bars *bars) {
  struct tlw_bars_forming *forming = &bars->forming;
  tlw_bar *bar = tlw_bars_next(bars);
  if (bars->script && bars->script->plans) {
    /* Nobody gets it. */
    forming->carry.quantity = 0;
  } else if (forming->carry.quantity == 0) {
    tlw_bars_fill(bars, &forming->part, bar);
  } else {
    const tlk_bar_part whole = tlw_bars_whole_part(bars);
    tlw_bars_fill(bars, &whole, bar);
    forming->carry.quantity = 0;
  }
  tlw_bars_place(bars, forming->open_time, forming->close_time, forming->first_id, forming->last_id, bar);
  forming->part.rows = 0;
  return bar;
}

/* ---- giving ---- */

static tlw_status give(const tlw_bars *bars, int32_t n, tlw_error *failure) {
  struct tlw_crew *crew = bars->crew;
  if (!crew) return bars->sink(bars->user, bars->pending, n, failure);
  const int64_t left = tlw_crew_leave(crew);
  const tlw_status status = bars->sink(bars->user, bars->pending, n, failure);
  tlw_crew_return(crew, left, (uint64_t)n * sizeof *bars->pending, status);
  return status;
}

tlw_status tlw_bars_flush(tlw_bars *bars, tlw_error *error) {
  if (bars->n_pending == 0) return TLW_OK;
  const int32_t n = bars->n_pending;
  tlw_error failure;
  tlw_fail(&failure, TLW_OK, "the sink of bars failed, and did not say why");
  const tlw_status status = give(bars, n, &failure);
  bars->sink_failed = status != TLW_OK;
  if (status != TLW_OK) {
    failure.code = status;
    if (error) *error = failure;
    return status;
  }
  bars->n_pending = 0;
  bars->report.bars += n;
  return TLW_OK;
}

tlw_status tlw_bars_settle(tlw_bars *bars, tlw_error *error) {
  struct tlw_bars_owed *owed = &bars->owed;
  if (bars->script && bars->script->plans) owed->count = 0;
  while (owed->count > 0) {
    const tlw_status status = tlw_bars_reserve(bars, error);
    if (status != TLW_OK) return status;
    tlw_bar *bar = tlw_bars_next(bars);
    bars->way->owe(bars, bar);
    owed->count--;
  }
  return TLW_OK;
}
