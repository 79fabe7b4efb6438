/* Bars of a number of rows. */
#include "emit.h"
#include "kinds.h"

static void begin(tlw_bars *bars) { bars->rule.rest = bars->options.size; }

static tlw_status walk(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  while (span->begin < span->end) {
    tlw_status status = tlw_bars_reserve(bars, error);
    if (status != TLW_OK) return status;
    const int64_t from = span->begin, rest = bars->rule.rest;
    status = tlw_bars_collect_all(bars, span, rest < span->end - from ? from + rest : span->end, error);
    bars->rule.rest -= span->begin - from;
    if (status != TLW_OK || bars->rule.rest > 0) return status;
    tlw_bars_close_forming(bars);
    bars->rule.rest = bars->options.size;
  }
  return TLW_OK;
}

static bool holds(tlw_bars *bars) {
  const int64_t rows = bars->forming.part.rows;
  return rows < bars->options.size && bars->rule.rest == bars->options.size - rows;
}

const struct tlw_bars_way tlw_bars_tick = {
    .name = "tick", .from_bars = true, .begin = begin, .walk = walk, .holds = holds};
