/* Bars as they are given: made of parts, collected, handed to the sink. */
#ifndef TALLOW_BARS_EMIT_H
#define TALLOW_BARS_EMIT_H

#include "state.h"

/* The sums and prices of the forming bar, what was carried into it included. */
tlk_bar_part tlw_bars_whole_part(const tlw_bars *bars);

/* Fills in what follows from a part: prices, sums, counts. The rest is 0. */
void tlw_bars_fill(const tlw_bars *bars, const tlk_bar_part *part, tlw_bar *bar);

/* The part of what is left of a row. It has no rows. */
tlk_bar_part tlw_bars_part_of_carry(const tlw_bars *bars, const struct tlw_bars_carry *carry);

/* Times and ids of a bar. */
static inline void tlw_bars_place(const tlw_bars *bars, int64_t open_time, int64_t close_time, int64_t first_id,
                                  int64_t last_id, tlw_bar *bar) {
  bar->open_time = open_time;
  bar->close_time = close_time;
  if (!(bars->options.fields & TLW_BAR_IDS)) return;
  bar->first_id = first_id;
  bar->last_id = last_id;
}

/* Those of a bar that the row alone makes. */
static inline void tlw_bars_place_owed(const tlw_bars *bars, tlw_bar *bar) {
  const struct tlw_bars_owed *owed = &bars->owed;
  tlw_bars_place(bars, owed->time, owed->time, owed->first_id, owed->last_id, bar);
}

/* Gives all bars that wait. */
tlw_status tlw_bars_flush(tlw_bars *bars, tlw_error *error);

/* Makes room for one more bar. */
static inline tlw_status tlw_bars_reserve(tlw_bars *bars, tlw_error *error) {
  return bars->n_pending < TLW_BARS_PENDING ? TLW_OK : tlw_bars_flush(bars, error);
}

/* Where the next bar goes. There is room. */
static inline tlw_bar *tlw_bars_next(tlw_bars *bars) { return &bars->pending[bars->n_pending++]; }

/* Closes the forming bar, and returns it. There is room. */
tlw_bar *tlw_bars_close_forming(tlw_bars *bars);

/* Makes all bars that are owed. */
tlw_status tlw_bars_settle(tlw_bars *bars, tlw_error *error);

#endif
