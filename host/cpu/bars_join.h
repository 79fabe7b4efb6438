/* Rows examined and joined in vectors: see bars_tier.h. Compiled once per tier. */
#ifndef TALLOW_CPU_BARS_JOIN_H
#define TALLOW_CPU_BARS_JOIN_H

#include <stdbool.h>

#include "bars_tier.h"
#include "window_tier.h"

/* What is to be done with rows, and of which columns. */
enum tlw_bars_work {
  TLW_BARS_EXAMINE = 1,
  TLW_BARS_ID = 2,       /* examine ids */
  TLW_BARS_RANGES = 4,   /* first_id and last_id: examine them, sum them up */
  TLW_BARS_QUANTITY = 8, /* examine quantities */
  TLW_BARS_VOLUME = 16,  /* sums, as TLK_BAR_... */
  TLW_BARS_QUOTE = 32,
  TLW_BARS_SIDES = 64,
  TLW_BARS_TRADES = 128,
  TLW_BARS_SMALL = 256 /* for sums: prices and quantities are small */
};

/* The row before the next one, and what times may be. */
struct tlw_bars_checks {
  struct tlw_cpu_last_row before;
  int64_t first_time, last_time;
};

/*
 * Trades from row begin on as one part, and the greatest quantity that was examined, up to the row that comes back:
 * that of the cut, end, or one behind which there is a bad row before either of these. checks and cut are those of
 * that row. Where rows are examined, that of begin is known to be good.
 */
int64_t TLW_TIERED(tlw_bars_join)(const tlw_trades *rows, unsigned work, int64_t begin, int64_t end,
                                  struct tlw_bars_checks *checks, struct tlw_cpu_cut *cut, tlk_bar_part *part,
                                  int64_t *quantity, enum tlw_cpu_taken *taken);

#endif
