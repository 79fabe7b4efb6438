/* The kinds of bars: what each does with rows. A new kind is a new entry of the table. */
#ifndef TALLOW_BARS_KINDS_H
#define TALLOW_BARS_KINDS_H

#include "state.h"

struct tlw_bars_way {
  const char *name;
  bool splits;    /* options.split */
  bool from_bars; /* rows may be bars */
  bool needs_quantity;
  /* What the rule is before the first row, where it is not all 0. NULL: it is. */
  void (*begin)(tlw_bars *bars);
  /* Takes the rows of a span and closes bars. Where it fails, span->begin is the first row that was not taken. */
  tlw_status (*walk)(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error);
  /* The next of the bars that are owed. NULL: none ever is. */
  void (*owe)(tlw_bars *bars, tlw_bar *bar);
  /* What the forming bar, of which there are rows, has of its own in place of its part's. NULL: nothing. */
  void (*form)(const tlw_bars *bars, tlw_bar *bar);
  /* Whether a rule that was loaded can be, options and last row being good. */
  bool (*holds)(tlw_bars *bars);
};

/* NULL: there is no such kind. */
const struct tlw_bars_way *tlw_bars_way_of(tlw_bars_kind kind);

extern const struct tlw_bars_way tlw_bars_time, tlw_bars_tick, tlw_bars_volume, tlw_bars_value, tlw_bars_range,
    tlw_bars_renko;

#endif
