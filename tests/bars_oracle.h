/*
 * The bars of tallow/bars.h by its text, one row at a time, in the plainest way: the reference that every chunking,
 * thread, tier and backend is held against. Of the library it has tlw_zone_local.
 */
#ifndef TALLOW_TESTS_BARS_ORACLE_H
#define TALLOW_TESTS_BARS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tallow/bars.h"

/* Takes each bar as it closes. */
typedef void (*bars_oracle_sink)(void *user, const tlw_bar *bar);

typedef struct bars_oracle {
  tlw_bars_options options;
  bars_oracle_sink sink;
  void *user;
  tlw_bars_report report;
  int64_t of_this_row; /* bars */

  /* What is forming. */
  bool is_forming;
  int64_t open_time, close_time, open, high, low, close;
  unsigned __int128 volume, quote, buy_volume, buy_quote;
  int64_t trades, rows, buy_trades, first_id, last_id;
  bool has_quote;

  __int128 interval_begin, interval_next; /* TIME: of what is forming, in nanoseconds */
  __int128 delta;                         /* RANGE */
  bool has_level;                         /* RENKO */
  __int128 level;
  int direction;           /* 1: upward, -1: downward */
  bool has_since;          /* prices since the brick before */
  int64_t highest, lowest; /* of these */
} bars_oracle;

/* Options that tlw_bars_check allows. */
void bars_oracle_open(bars_oracle *o, const tlw_bars_options *options, bars_oracle_sink sink, void *user);

/* Takes one row of trades. TLW_ERR_DATA: the row is at fault and was not taken. */
tlw_status bars_oracle_take(bars_oracle *o, const tlw_trades *trades, int64_t row);

/* As tlw_bars_forming. */
int bars_oracle_forming(const bars_oracle *o, tlw_bar *bar);

#endif
