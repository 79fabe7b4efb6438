/* What a tlw_bars is: options, the rule's state between two rows, the forming bar, bars that wait for the sink. */
#ifndef TALLOW_BARS_STATE_H
#define TALLOW_BARS_STATE_H

#include <stdbool.h>

#include "clock.h"
#include "host/cpu/bars_tier.h"
#include "tallow/bars.h"

#define TLW_BARS_ZONE_SIZE 128
#define TLW_BARS_PENDING 64
#define TLW_BARS_REMEMBERED 16

/* No more trades in a bar. */
#define TLW_BARS_MOST_TRADES (INT64_C(1) << 62)

/* A whole number of 64 bits times 10^8 brings one at 1e-8 to 1e-16. */
#define TLW_BARS_SQUARE UINT64_C(100000000)

/* What columns rows have: told by the first, as they may not change. */
#define TLW_BARS_SHAPE_KNOWN 1u
#define TLW_BARS_SHAPE_IDS 2u
#define TLW_BARS_SHAPE_BARS 4u
#define TLW_BARS_SHAPE_QUOTE 8u /* of bars */

/* Where the rule of a kind stands. Of members that are not its own all are 0. */
struct tlw_bars_rule {
  struct tlw_clock_interval interval; /* TIME: of the forming bar; both 0 before the first row */
  int64_t rest;                       /* TICK: rows */
  tlk_u128 need;                      /* VOLUME, at 1e-8, VALUE, at 1e-16: until the bar closes */
  int64_t low, high;                  /* RANGE, RENKO: a price up to low, or above high, closes */
  int64_t level;                      /* RENKO: 0 before the first row */
  int32_t direction;                  /* RENKO: 1, -1; 0: none yet */
};

/* What is left of a row that filled a bar. */
struct tlw_bars_carry {
  int64_t price, quantity; /* quantity 0: nothing */
  int32_t is_buy;
};

struct tlw_bars_forming {
  tlk_bar_part part;
  int64_t open_time, close_time, first_id, last_id;
  struct tlw_bars_carry carry; /* before the rows of the part */
  int64_t seed; /* RENKO: price of the row that closed the last brick, which counts for high and low; 0: none */
};

/* Bars that a row closed beside the first. */
struct tlw_bars_owed {
  int64_t count;
  int64_t time, first_id, last_id;
  struct tlw_bars_carry part; /* VOLUME, VALUE: of each */
  int64_t open, step;         /* RENKO: of the next brick, and to its close. TIME: open is when the next begins */
};

/* A row that has come, by the place of its number in a ring. */
struct tlw_bars_seen {
  uint64_t hash; /* 0: there is none */
  int64_t id;
  bool skipped;
};

struct tlw_bars_way;
struct tlw_crew;

/* Where long chunks may be taken, see share.c. */
#define TLW_BARS_PLACES 3
struct tlw_bars_script;

/* Rows begin to end - 1, which are examined as they are taken; begin moves on with them. */
struct tlw_bars_span {
  const tlw_trades *rows;
  int64_t begin, end;
};

struct tlw_bars {
  tlw_bars_options options;
  char zone_name[TLW_BARS_ZONE_SIZE];
  tlw_bars_sink sink;
  void *user;
  struct tlw_memory *memory; /* or NULL */
  const struct tlw_cpu_bars_tier *tier;
  const struct tlw_bars_way *way;
  struct tlw_clock clock;        /* TIME */
  uint32_t fields;               /* that are joined: vwap needs volume */
  int64_t first_time, last_time; /* that rows may have */
  double pace[TLW_BARS_PLACES];  /* of long chunks: nanoseconds a row by place; 0: not tried */

  bool runs;                      /* it is one of those that tlw_bars_run is called for */
  struct tlw_crew *crew;          /* of tlw_bars_run, which tells what the sink takes; or NULL */
  struct tlw_bars_script *script; /* of pieces that are joined elsewhere; NULL: they are joined as they are taken */

  /* From here on what changes with rows. */
  uint32_t shape;
  struct tlw_bars_rule rule;
  struct tlw_bars_forming forming;
  int64_t close; /* TIME: of the last bar */
  struct tlw_bars_owed owed;
  tlw_bars_report report;
  int64_t first_number; /* that of row 0 of this push */
  uint32_t skips;       /* of the last 32 rows, the newest lowest: it was skipped */
  bool comes_again;     /* after a load, until a row that is new */
  bool last_came;       /* of these the last good one: a row behind it is new, whatever its id */
  int64_t again;        /* rows without ids that will come again; with ids those that have */
  struct tlw_bars_seen seen[TLW_BARS_REMEMBERED];
  bool sink_failed; /* when it was last called */
  int32_t n_pending;
  tlw_bar pending[TLW_BARS_PENDING];
};

/* As if no row had come. */
void tlw_bars_begin(tlw_bars *bars);

/* The id of a row of this push, by which it is in order. */
static inline int64_t tlw_bars_id(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  return rows->id ? rows->id[row] : bars->first_number + row;
}

/* Of the trades that it is made of. */
static inline int64_t tlw_bars_first_id(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  return rows->first_id ? rows->first_id[row] : tlw_bars_id(bars, rows, row);
}

static inline int64_t tlw_bars_last_id(const tlw_bars *bars, const tlw_trades *rows, int64_t row) {
  return rows->last_id ? rows->last_id[row] : tlw_bars_id(bars, rows, row);
}

/* Whether bars have a turnover. */
static inline bool tlw_bars_gives_quote(const tlw_bars *bars) {
  return bars->options.fields & TLW_BAR_QUOTE &&
         (!(bars->shape & TLW_BARS_SHAPE_BARS) || bars->shape & TLW_BARS_SHAPE_QUOTE);
}

static inline bool tlw_bars_is_forming(const tlw_bars *bars) {
  return bars->forming.part.rows > 0 || bars->forming.carry.quantity > 0;
}

/* Rows from the first of a span on that belong together. */
struct tlw_bars_piece {
  tlk_bar_part part;
  int64_t end;
  enum tlw_cpu_taken taken; /* what made the end */
};

/* Examines rows of the span before `end`, as far as the cut, and joins them. Takes none. */
void tlw_bars_look(const tlw_bars *bars, const struct tlw_bars_span *span, int64_t end, struct tlw_cpu_cut *cut,
                   struct tlw_bars_piece *piece);

/* Takes the rows of a piece into the forming bar. TLW_ERR_DATA: up to that with which a sum would be too large. */
tlw_status tlw_bars_commit(tlw_bars *bars, struct tlw_bars_span *span, const struct tlw_bars_piece *piece,
                           tlw_error *error);

/* Both. Whether it was the cut that made the end. */
static inline bool tlw_bars_collect(tlw_bars *bars, struct tlw_bars_span *span, int64_t end, struct tlw_cpu_cut *cut,
                                    tlw_status *status, tlw_error *error) {
  struct tlw_bars_piece piece;
  tlw_bars_look(bars, span, end, cut, &piece);
  *status = tlw_bars_commit(bars, span, &piece, error);
  return *status == TLW_OK && piece.taken == TLW_CPU_TAKEN_TO_CUT;
}

/* Takes all rows before `end` up to a bad one. */
static inline tlw_status tlw_bars_collect_all(tlw_bars *bars, struct tlw_bars_span *span, int64_t end,
                                              tlw_error *error) {
  struct tlw_cpu_cut none = {.kind = TLW_CPU_CUT_NONE};
  tlw_status status;
  tlw_bars_collect(bars, span, end, &none, &status, error);
  return status;
}

/* The times and ids of the forming bar with rows begin to end - 1, of which there are some. */
static inline void tlw_bars_extend(tlw_bars *bars, const tlw_trades *rows, int64_t begin, int64_t end) {
  struct tlw_bars_forming *forming = &bars->forming;
  if (!tlw_bars_is_forming(bars)) {
    forming->open_time = rows->time[begin];
    forming->first_id = tlw_bars_first_id(bars, rows, begin);
  }
  forming->close_time = rows->time[end - 1];
  forming->last_id = tlw_bars_last_id(bars, rows, end - 1);
}

/* Notes that good rows begin to end - 1, at least one, were taken. */
static inline void tlw_bars_note(tlw_bars *bars, const tlw_trades *rows, int64_t begin, int64_t end) {
  const int64_t n = end - begin;
  bars->report.rows += n;
  bars->report.last_time = rows->time[end - 1];
  bars->report.last_id = tlw_bars_id(bars, rows, end - 1);
  bars->skips = n < 32 ? bars->skips << n : 0;
}

/* Row of the span as a part, with this quantity in place of its own. */
tlk_bar_part tlw_bars_part_of_row(const tlw_bars *bars, const tlw_trades *rows, int64_t row, int64_t quantity);

/* TLW_ERR_DATA: the row would close too many bars. */
tlw_status tlw_bars_refuse(int64_t row, tlw_error *error);

#endif
