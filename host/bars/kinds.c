#include "kinds.h"

static const struct tlw_bars_way *const ways[TLW_BARS_KINDS] = {
    [TLW_BARS_TIME] = &tlw_bars_time,   [TLW_BARS_TICK] = &tlw_bars_tick,   [TLW_BARS_VOLUME] = &tlw_bars_volume,
    [TLW_BARS_VALUE] = &tlw_bars_value, [TLW_BARS_RANGE] = &tlw_bars_range, [TLW_BARS_RENKO] = &tlw_bars_renko,
};

const struct tlw_bars_way *tlw_bars_way_of(tlw_bars_kind kind) {
  return (int)kind >= 0 && (int)kind < TLW_BARS_KINDS ? ways[kind] : NULL;
}

const char *tlw_bars_kind_name(tlw_bars_kind kind) {
  const struct tlw_bars_way *way = tlw_bars_way_of(kind);
  return way ? way->name : NULL;
}
