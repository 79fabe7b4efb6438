#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

#include "host/base/error.h"
#include "kinds.h"

/* ---- columns ---- */

static const char *missing_column(const tlw_bars *bars, const tlw_trades *rows) {
  const uint32_t fields = bars->options.fields;
  const bool counts_quantity = fields & (TLW_BAR_VOLUME | TLW_BAR_QUOTE) || bars->way->needs_quantity;
  if (!rows->time) return "time";
  if (!rows->price) return "price";
  if (!rows->quantity && counts_quantity) return "quantity";
  if (!rows->is_buyer_maker && fields & TLW_BAR_SIDES) return "is_buyer_maker";
  if (!rows->first_id && rows->last_id) return "first_id";
  if (!rows->last_id && rows->first_id) return "last_id";
  if (!rows->open && !rows->high && !rows->low) return NULL;
  return !rows->open ? "open" : !rows->high ? "high" : !rows->low ? "low" : NULL;
}

static uint32_t shape_of(const tlw_trades *rows) {
  uint32_t shape = TLW_BARS_SHAPE_KNOWN;
  if (rows->id) shape |= TLW_BARS_SHAPE_IDS;
  if (rows->open) shape |= TLW_BARS_SHAPE_BARS;
  if (rows->open && rows->quote) shape |= TLW_BARS_SHAPE_QUOTE;
  return shape;
}

/* The column in which rows of one shape and of another differ. */
static const char *differing_column(uint32_t a, uint32_t b) {
  const uint32_t differing = a ^ b;
  return differing & TLW_BARS_SHAPE_BARS ? "open, high and low" : differing & TLW_BARS_SHAPE_IDS ? "id" : "quote";
}

tlw_status tlw_bars_check_rows(const tlw_bars *bars, const tlw_trades *rows, uint32_t *shape, tlw_error *error) {
  if (!rows) return tlw_fail(error, TLW_ERR_ARGUMENT, "trades is NULL");
  if (rows->struct_size != sizeof *rows)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "trades.struct_size is %zu: call tlw_trades_init", rows->struct_size);
  if (rows->n_rows < 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "trades.n_rows is %lld: it must be 0 or more", (long long)rows->n_rows);
  *shape = bars->shape;
  if (rows->n_rows == 0) return TLW_OK;
  const char *missing = missing_column(bars, rows);
  if (missing)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "trades.%s is NULL: these bars, or a column beside it, need it", missing);
  *shape = shape_of(rows);
  if (rows->open && !bars->way->from_bars)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "rows are bars: %s bars are made of trades alone", bars->way->name);
  if (bars->report.rows > 0 && *shape != bars->shape)
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "trades.%s came or went since the rows before: leave columns as they are, or clear first",
                    differing_column(*shape, bars->shape));
  return TLW_OK;
}

/* ---- bad rows ---- */

#define MOST_TRADES (INT64_C(1) << 31)

static bool has_bad_id(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  if (rows->id && (rows->id[row] < 0 || rows->id[row] <= bars->report.last_id)) return true;
  if (rows->count && (rows->count[row] < 0 || rows->count[row] > MOST_TRADES)) return true;
  if (!rows->first_id) return false;
  const int64_t first = rows->first_id[row], last = rows->last_id[row];
  return first < 0 || last < first || last - first >= MOST_TRADES;
}

static bool has_bad_price(const tlw_trades *rows, int64_t row) {
  const int64_t price = rows->price[row];
  if (!rows->open) return price <= 0;
  const int64_t open = rows->open[row], high = rows->high[row], low = rows->low[row];
  return low <= 0 || low > open || low > price || high < open || high < price;
}

static bool has_bad_time(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  const int64_t time = rows->time[row];
  return time < bars->first_time || time > bars->last_time || time < bars->report.last_time;
}

static bool has_bad_quantity(const tlw_trades *rows, int64_t row) {
  if (rows->quantity && rows->quantity[row] < (rows->open ? 0 : 1)) return true;
  return rows->quote && rows->quote[row] < 0;
}

bool tlw_bars_is_good(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  return !has_bad_time(bars, rows, row) && !has_bad_id(bars, rows, row) && !has_bad_price(rows, row) &&
         !has_bad_quantity(rows, row);
}

/* Of a row that is bad. */
static tlw_trade_defect defect_of(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  if (has_bad_time(bars, rows, row)) return TLW_TRADE_BAD_TIME;
  if (has_bad_id(bars, rows, row)) return TLW_TRADE_BAD_ID;
  return has_bad_price(rows, row) ? TLW_TRADE_BAD_PRICE : TLW_TRADE_BAD_QUANTITY;
}

static tlw_status fail_of_time(const tlw_bars *bars, int64_t row, int64_t time, tlw_error *error) {
  if (time < bars->first_time || time > bars->last_time)
    return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                       "time %lld lies beyond the years 1678 to 2261: is it of another unit?", (long long)time);
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "time %lld is before that of the row above, %lld: sort the rows, or skip bad ones",
                     (long long)time, (long long)bars->report.last_time);
}

static tlw_status fail_of_id(const tlw_bars *bars, const tlw_trades *rows, int64_t row, tlw_error *error) {
  const int64_t last = bars->report.last_id;
  if (rows->id && rows->id[row] < 0)
    return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                       "id %lld: it must be 0 or above; correct the row, or skip bad ones", (long long)rows->id[row]);
  if (rows->id && rows->id[row] <= last)
    return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                       "id %lld is not above that of the row above, %lld: the row is doubled or out of order; sort the "
                       "rows, or skip bad ones",
                       (long long)rows->id[row], (long long)last);
  return tlw_fail_at(
      error, TLW_ERR_DATA, row, -1,
      "the row must be of 1 to 2^31 trades, first_id to last_id, or as a bar of 0 to 2^31: correct it, or skip "
      "bad ones");
}

#define DECIMAL_SIZE 24

/* A number at 1e-8, without zeros at its end. */
static const char *decimal_text(int64_t number, char out[DECIMAL_SIZE]) {
  const uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  int length = snprintf(out, DECIMAL_SIZE, "%s%" PRIu64 ".%08" PRIu64, number < 0 ? "-" : "", size / TLW_DECIMAL_ONE,
                        size % TLW_DECIMAL_ONE);
  while (out[length - 1] == '0') length--;
  if (out[length - 1] == '.') length--;
  out[length] = 0;
  return out;
}

static tlw_status fail_of_price(const tlw_trades *rows, int64_t row, tlw_error *error) {
  char text[DECIMAL_SIZE];
  if (!rows->open)
    return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                       "the price must be above 0, not %s: correct the row, or skip bad ones",
                       decimal_text(rows->price[row], text));
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "the prices of a bar must be above 0, and lie between its low and its high: correct the row, or "
                     "skip bad ones");
}

static tlw_status fail_of_quantity(const tlw_trades *rows, int64_t row, tlw_error *error) {
  char text[DECIMAL_SIZE];
  if (!rows->open)
    return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                       "the quantity must be above 0, not %s: correct the row, or skip bad ones",
                       decimal_text(rows->quantity[row], text));
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "volume and quote of a bar must be 0 or above: correct the row, or skip bad ones");
}

static tlw_status fail_of_row(const tlw_bars *bars, const tlw_trades *rows, int64_t row, tlw_error *error) {
  switch (defect_of(bars, rows, row)) {
  case TLW_TRADE_BAD_TIME:
    return fail_of_time(bars, row, rows->time[row], error);
  case TLW_TRADE_BAD_ID:
    return fail_of_id(bars, rows, row, error);
  case TLW_TRADE_BAD_PRICE:
    return fail_of_price(rows, row, error);
  case TLW_TRADE_BAD_QUANTITY:
    break;
  }
  return fail_of_quantity(rows, row, error);
}

tlw_status tlw_bars_meet_bad(tlw_bars *bars, const tlw_trades *rows, int64_t row, tlw_error *error) {
  if (bars->options.on_bad == TLW_BAD_ERROR) return fail_of_row(bars, rows, row, error);
  const tlw_trade_defect defect = defect_of(bars, rows, row);
  tlw_bars_report *report = &bars->report;
  if (report->skipped[defect]++ == 0) report->first_skipped[defect] = bars->first_number + row;
  report->rows++;
  bars->skips = bars->skips << 1 | 1;
  return TLW_OK;
}

/* ---- rows that come again ---- */

static void add(uint64_t *hash, uint64_t word) {
  *hash = (*hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  *hash ^= *hash >> 29;
}

static void add_of(uint64_t *hash, const int64_t *column, int64_t row) {
  add(hash, column ? (uint64_t)column[row] : UINT64_C(0x5bd1e9955bd1e995));
}

/* Never 0. */
static uint64_t hash_of(const tlw_trades *rows, int64_t row) {
  uint64_t hash = 1;
  add_of(&hash, rows->time, row);
  add_of(&hash, rows->price, row);
  add_of(&hash, rows->quantity, row);
  add_of(&hash, rows->id, row);
  add_of(&hash, rows->first_id, row);
  add_of(&hash, rows->last_id, row);
  add(&hash, rows->is_buyer_maker ? 1 + (uint64_t)(rows->is_buyer_maker[row] != 0) : 0);
  if (rows->open) {
    add_of(&hash, rows->open, row);
    add_of(&hash, rows->high, row);
    add_of(&hash, rows->low, row);
    add_of(&hash, rows->quote, row);
    add_of(&hash, rows->count, row);
  }
  return hash | 1;
}

static tlw_status fail_of_number(int64_t row, tlw_error *error) {
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "the checkpoint has seen another row here: rows without ids are known by their number, so those "
                     "that it has seen must come again, first and unchanged");
}

static tlw_status fail_of_same_id(const tlw_trades *rows, int64_t row, tlw_error *error) {
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "the checkpoint has seen another row with id %lld: rows that come again must be unchanged",
                     (long long)rows->id[row]);
}

static tlw_status pass_over_numbers(tlw_bars *bars, const tlw_trades *rows, int64_t *row, tlw_error *error) {
  for (; bars->again > 0 && *row < rows->n_rows; ++*row) {
    const int64_t number = bars->report.rows - bars->again;
    const struct tlw_bars_seen *seen = &bars->seen[number % TLW_BARS_REMEMBERED];
    const bool is_remembered = bars->again <= TLW_BARS_REMEMBERED && seen->hash;
    if (is_remembered && seen->hash != hash_of(rows, *row)) return fail_of_number(*row, error);
    bars->again--;
    bars->report.seen++;
  }
  if (bars->again == 0) bars->comes_again = false;
  return TLW_OK;
}

enum match { UNKNOWN, SAME, OTHER };

/* Rows that were skipped have any id: such a one can be the same, but not another. */
static enum match match(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  const int64_t id = rows->id[row];
  enum match result = UNKNOWN;
  uint64_t hash = 0;
  for (int32_t i = 0; i < TLW_BARS_REMEMBERED; i++) {
    const struct tlw_bars_seen *seen = &bars->seen[i];
    if (!seen->hash || seen->id != id) continue;
    if (!hash) hash = hash_of(rows, row);
    if (seen->hash == hash) return SAME;
    if (!seen->skipped) result = OTHER;
  }
  return result;
}

/* A bad row may have any id, and ends nothing where it was skipped among others that come again. */
static bool is_new(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  if (bars->last_came) return true;
  if (rows->id[row] <= bars->report.last_id) return false;
  return bars->options.on_bad == TLW_BAD_ERROR || bars->again == 0 || tlw_bars_is_good(bars, rows, row);
}

static tlw_status pass_over_ids(tlw_bars *bars, const tlw_trades *rows, int64_t *row, tlw_error *error) {
  for (; *row < rows->n_rows; ++*row) {
    const enum match found = match(bars, rows, *row);
    if (found != SAME && is_new(bars, rows, *row)) {
      bars->comes_again = false;
      return TLW_OK;
    }
    if (found == OTHER) return fail_of_same_id(rows, *row, error);
    if (rows->id[*row] == bars->report.last_id) bars->last_came = true;
    bars->again++;
    bars->report.seen++;
  }
  return TLW_OK;
}

tlw_status tlw_bars_pass_over(tlw_bars *bars, const tlw_trades *rows, int64_t *row, tlw_error *error) {
  if (!bars->comes_again) return TLW_OK;
  return rows->id ? pass_over_ids(bars, rows, row, error) : pass_over_numbers(bars, rows, row, error);
}

void tlw_bars_remember(tlw_bars *bars, const tlw_trades *rows, int64_t begin, int64_t end) {
  const int64_t first = end - begin > TLW_BARS_REMEMBERED ? end - TLW_BARS_REMEMBERED : begin;
  for (int64_t row = first; row < end; row++)
    bars->seen[(bars->first_number + row) % TLW_BARS_REMEMBERED] = (struct tlw_bars_seen){
        .hash = hash_of(rows, row),
        .id = tlw_bars_id(bars, rows, row),
        .skipped = bars->skips >> (end - 1 - row) & 1,
    };
}
