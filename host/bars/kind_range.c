/* Bars of a range of prices around their open. */
#include "emit.h"
#include "kinds.h"
#include "rows.h"

__extension__ typedef __int128 wide;

#define UNITS 100000 /* of a threshold */

/* The prices at which a bar that opens here closes. */
static void open_at(struct tlw_bars_rule *rule, int64_t size, int64_t price) {
  const wide delta = (wide)price * size / UNITS;
  const wide low = price - delta, high = price + delta - 1;
  rule->low = low < 0 ? 0 : (int64_t)low;
  rule->high = high > INT64_MAX ? INT64_MAX : (int64_t)high;
}

/* The span's first row, which is good, opens a bar. */
static tlw_status open_bar(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  const int64_t row = span->begin;
  open_at(&bars->rule, bars->options.size, span->rows->price[row]);
  /* Where delta is 0 it would close the bar at once. */
  const bool is_apart = bars->options.no_gate && bars->rule.low == span->rows->price[row];
  bars->forming.open_time = span->rows->time[row];
  return is_apart ? tlw_bars_collect_all(bars, span, row + 1, error) : TLW_OK;
}

static tlw_status walk(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_PRICE};
  while (span->begin < span->end) {
    tlw_status status = tlw_bars_reserve(bars, error);
    if (status != TLW_OK) return status;
    if (!tlw_bars_is_forming(bars)) {
      if (!tlw_bars_is_good(bars, span->rows, span->begin)) return TLW_OK;
      status = open_bar(bars, span, error);
      if (status != TLW_OK) return status;
    }
    cut.gate = bars->options.no_gate ? INT64_MIN : bars->forming.open_time;
    cut.low = bars->rule.low;
    cut.high = bars->rule.high;
    if (!tlw_bars_collect(bars, span, span->end, &cut, &status, error)) return status;
    tlw_bars_close_forming(bars);
  }
  return TLW_OK;
}

/* What it should be follows from the open. */
static bool holds(tlw_bars *bars) {
  const struct tlw_bars_rule *rule = &bars->rule;
  if (!tlw_bars_is_forming(bars)) return true;
  struct tlw_bars_rule right = {0};
  open_at(&right, bars->options.size, bars->forming.part.open);
  return rule->low == right.low && rule->high == right.high;
}

const struct tlw_bars_way tlw_bars_range = {.name = "range", .walk = walk, .holds = holds};
