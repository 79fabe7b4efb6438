/*
 * Bars: trades aggregated by time, ticks, volume, value, range or renko bricks, exactly, as they come.
 *
 * A tlw_bars takes rows in chunks of any size and gives each bar to a sink as it closes. Its memory is fixed. The
 * bars are the same for every way to cut the rows into chunks, every number of threads and every backend. Numbers are
 * whole numbers at 1e-8 (tallow/trades.h); sums and products are of 128 bits; volume in is volume out.
 *
 * ROWS come in order: time does not go back, ids increase strictly. Without ids the number of a row, from 0, is its
 * id, and times may repeat. Rows are examined in this order; a bad one is an error or skipped and counted:
 *
 *   TLW_TRADE_BAD_TIME      beyond the years 1678 to 2261, or before the row above it
 *   TLW_TRADE_BAD_ID        below 0, or not above that of the row before it (doubled or going back); first_id above
 *                           last_id, below 0, or a row of more than 2^31 trades; a count of a bar beyond 0 to 2^31
 *   TLW_TRADE_BAD_PRICE     0 or below; of a bar any of its four prices, or low above, or high below, one of them
 *   TLW_TRADE_BAD_QUANTITY  0 or below; of a bar below 0, or a quote below 0
 *
 * "The row above it" is the last good one. Columns: time and price; quantity if fields have VOLUME or QUOTE or the kind
 * is VOLUME or VALUE; is_buyer_maker if they have SIDES. Whatever else is there is examined as well. Once rows have
 * come, id, open, high and low, and the quote of bars may neither come nor go.
 *
 * KINDS. In all of them the row that crosses a threshold belongs whole to the bar that it closes, unless split says
 * otherwise, and the next row opens the next bar. Rows that are bars make time and tick bars alone.
 *
 *   TLW_BARS_TIME    intervals of `size` units. A bar begins whenever the clock comes to, or jumps forward over, a
 *                    multiple of the interval: the clock of the zone (daylight saving and all) less `offset`, counted
 *                    from its 1970-01-01 00:00, weeks from Monday 1970-01-05, months from 1970-01. The rows from one
 *                    such moment up to the next, exclusive, make a bar, which closes when a row at or behind its end
 *                    comes. open_time is the first moment of the interval, close_time the last, which is one time
 *                    unit before the next interval. Intervals without rows are left out; or are bars with all prices
 *                    and vwap the close before (FLAT); or are marked TLW_BAR_NULL, prices 0 (NULL).
 *                    The interval and the offset must be whole units of the rows' time. Times beyond 64 bits are the
 *                    nearest.
 *   TLW_BARS_TICK    `size` rows
 *   TLW_BARS_VOLUME  closes with the row that brings volume to `size`, at 1e-8, or above
 *   TLW_BARS_VALUE   likewise turnover, price times quantity; `size` at 1e-8
 *   TLW_BARS_RANGE   threshold `size` in 1/100,000 of the bar's open: delta = trunc(open * size / 100,000), fixed
 *                    when the bar opens. A row with price >= open + delta or <= open - delta closes it, but not the
 *                    row that opened it; nor, with the gate on, a row at the time at which it opened: such a row is
 *                    like any other.
 *   TLW_BARS_RENKO   bricks of `size`, at 1e-8. The first price is the level L and there is no direction. Without
 *                    one, or upward, a row with price >= L + size closes a brick from L to L + size, upward; L moves
 *                    along; without one, or downward, likewise price <= L - size. Upward, price <= L - 2 size closes
 *                    a brick from L - size to L - 2 size, downward; downward, price >= L + 2 size one from L + size
 *                    to L + 2 size. One row may close several bricks; it belongs to the first; the others have no
 *                    rows, both times are its time, and the ids its ids. high and low are the extremes of the brick's
 *                    open and close and of all prices since the brick before it, of which the price of the row that
 *                    closed that one is the first, and that of the row that closes this one is not one. vwap of a
 *                    brick without rows is its close. A brick forms once a row has come behind the last one: from L
 *                    to the last price.
 *
 *   split   (VOLUME, VALUE) the part of a row that fills a bar to its threshold belongs to it and the rest to the
 *           next bar, or bars. By value the part is the least quantity whose turnover suffices. The row counts
 *           (trades, agg_trades, and buys or sells) in the first of its bars alone; first_id, last_id and the times
 *           name it in each.
 *
 * A row that would close more than TLW_BARS_ROW_MAX bars is TLW_ERR_DATA, whatever on_bad says: the size is too
 * small. So is a row with which a sum would leave 128 bits.
 *
 * Thread-safety: any thread, one at a time on a tlw_bars; the sink is called on the thread that pushes, or in
 * tlw_bars_run on any thread, one at a time for each tlw_bars.
 */
#ifndef TALLOW_BARS_H
#define TALLOW_BARS_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/engine.h"
#include "tallow/status.h"
#include "tallow/trades.h"
#include "tallow/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A whole number of 0 to 2^128 - 1: high * 2^64 + low. */
typedef struct tlw_u128 {
  uint64_t low, high;
} tlw_u128;

typedef enum tlw_bars_kind {
  TLW_BARS_TIME = 0,
  TLW_BARS_TICK = 1,
  TLW_BARS_VOLUME = 2,
  TLW_BARS_VALUE = 3,
  TLW_BARS_RANGE = 4,
  TLW_BARS_RENKO = 5
} tlw_bars_kind;

#define TLW_BARS_KINDS 6

/* "time", "tick", "volume", "value", "range", "renko"; NULL for another value. Thread-safety: any thread, any time. */
TLW_API const char *tlw_bars_kind_name(tlw_bars_kind kind);

/* The units of intervals. */
typedef enum tlw_interval {
  TLW_INTERVAL_MS = 0,
  TLW_INTERVAL_SECOND = 1,
  TLW_INTERVAL_MINUTE = 2,
  TLW_INTERVAL_HOUR = 3,
  TLW_INTERVAL_DAY = 4,
  TLW_INTERVAL_WEEK = 5,
  TLW_INTERVAL_MONTH = 6
} tlw_interval;

typedef enum tlw_empty_bars { TLW_EMPTY_NONE = 0, TLW_EMPTY_FLAT = 1, TLW_EMPTY_NULL = 2 } tlw_empty_bars;

/* What bars have beside times, prices, agg_trades. Members that were not asked for are 0. */
#define TLW_BAR_VOLUME 1u /* volume */
#define TLW_BAR_QUOTE 2u  /* quote_volume, vwap; of rows that are bars only if they have a quote */
#define TLW_BAR_SIDES 4u  /* buy_..., sell_...: with VOLUME and QUOTE those of each; needs is_buyer_maker */
#define TLW_BAR_IDS 8u    /* first_id, last_id, trades */

#define TLW_BARS_ROW_MAX (1 << 24)

typedef struct tlw_bars_options {
  size_t struct_size; /* set by tlw_bars_options_init */
  tlw_bars_kind kind;
  tlw_interval interval; /* TIME: of `size` */
  /* As KINDS has it, 1 or more. TIME: up to 2^31, and an interval of 300 years at most; RANGE: up to 2^31. */
  int64_t size;
  int64_t offset;        /* TIME: nanoseconds, less than 10 years either way */
  const tlw_zone *zone;  /* TIME: must stay open; NULL: UTC */
  const char *zone_name; /* what a checkpoint calls it, at most 127 bytes; NULL: "UTC". Copied */
  tlw_empty_bars empty;  /* TIME */
  tlw_time_unit unit;    /* of the rows; default milliseconds */
  int32_t split;         /* 1: VOLUME, VALUE */
  int32_t no_gate;       /* 1: RANGE */
  uint32_t fields;       /* TLW_BAR_... */
  tlw_on_bad on_bad;     /* default TLW_BAD_ERROR */
} tlw_bars_options;

/* Sets kind and size, minutes, VOLUME and QUOTE, and the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_bars_options_init(tlw_bars_options *options, tlw_bars_kind kind, int64_t size);

/*
 * Whether options will do; what is of other kinds alone must be 0 (offset, zone, empty, split, no_gate).
 * TLW_ERR_ARGUMENT: the message names what is wrong and its range.
 */
TLW_API tlw_status tlw_bars_check(const tlw_bars_options *options, tlw_error *error);

#define TLW_BAR_PARTIAL 1u /* it has not closed yet */
#define TLW_BAR_EMPTY 2u   /* an interval without rows, flat or null */
#define TLW_BAR_NULL 4u    /* EMPTY, and without prices */

typedef struct tlw_bar {
  int64_t open_time, close_time;  /* in the unit of the rows; but for TIME those of the first and last row */
  int64_t open, high, low, close; /* 1e-8 */
  tlw_u128 volume;                /* 1e-8 */
  tlw_u128 quote_volume;          /* 1e-16 */
  int64_t vwap;       /* quote_volume / volume, truncated to 1e-8, at most INT64_MAX; without volume the close */
  int64_t trades;     /* last_id - first_id + 1 of each row, summed; of bars their counts */
  int64_t agg_trades; /* rows */
  tlw_u128 buy_volume, sell_volume;             /* 1e-8 */
  tlw_u128 buy_quote_volume, sell_quote_volume; /* 1e-16 */
  int64_t buy_trades, sell_trades;
  int64_t first_id, last_id; /* the first row's first_id and the last row's last_id, or their ids. EMPTY: -1 */
  uint32_t flags;            /* TLW_BAR_PARTIAL ... */
  uint32_t reserved;         /* 0 */
} tlw_bar;

/*
 * Takes bars, oldest first, which are the caller's to read until it returns. Another status than TLW_OK ends the push
 * with it; the bars then count as not given and are given again, first, by the next push. It may fill in *error, which
 * is never NULL, and must call nothing on the tlw_bars.
 */
typedef tlw_status (*tlw_bars_sink)(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error);

typedef struct tlw_bars tlw_bars;

/*
 * options and what they point at, but zone, are copied. engine: whose host budget its memory counts against, and which
 * must be closed after it; or NULL. TLW_ERR_ARGUMENT, TLW_ERR_BUDGET, TLW_ERR_MEMORY, TLW_ERR_UNAVAILABLE (as
 * TALLOW_CPU_TIER): *bars is NULL.
 */
TLW_API tlw_status tlw_bars_open(const tlw_bars_options *options, tlw_bars_sink sink, void *user, tlw_engine *engine,
                                 tlw_bars **bars, tlw_error *error);

/* Frees it and sets *bars to NULL. NULL is fine. */
TLW_API void tlw_bars_close(tlw_bars **bars);

/* Bytes of a tlw_bars, all told; the same for all. */
TLW_API uint64_t tlw_bars_size(void);

/*
 * Takes the next rows, all of them unless it fails, and gives every bar that they close to the sink before it
 * returns. Neither allocates nor keeps a view of the columns.
 *
 * TLW_ERR_ARGUMENT: a column that the options need is missing or rows turned from trades into bars; nothing was
 * taken. TLW_ERR_DATA: row, the number of the bad row within this push; the rows before it were taken and their bars
 * given; the push may be repeated from there, or from the row behind. Any status of the sink: the report says how
 * many rows were taken; bars of theirs that were not given yet come first with the next push, which may have no rows.
 */
TLW_API tlw_status tlw_bars_push(tlw_bars *bars, const tlw_trades *trades, tlw_error *error);

/*
 * Pushes trades[i] into bars[i], for n different ones, on all threads of the engine, or on its device where that is
 * worth it. Statuses, if not NULL, are those of each; what comes back is the first that is not TLW_OK, after all
 * others were done. Bars are those of tlw_bars_push. Of one long chunk alone, threads share its rows. TLW_ERR_BUDGET
 * and TLW_ERR_MEMORY: nothing was taken. Several calls on one engine wait for their turn, which lasts while sinks are
 * called: they must not use the engine. TLW_ERR_DEVICE_LOST: the engine's device was lost before, nothing was taken;
 * a device that fails during the call is done without.
 */
TLW_API tlw_status tlw_bars_run(tlw_engine *engine, tlw_bars *const *bars, const tlw_trades *trades, int64_t n,
                                tlw_status *statuses, tlw_error *error);

/* The bar that is forming, marked TLW_BAR_PARTIAL: 1; there is none: 0, and *bar is all 0. */
TLW_API int tlw_bars_forming(const tlw_bars *bars, tlw_bar *bar);

typedef enum tlw_trade_defect {
  TLW_TRADE_BAD_TIME = 0,
  TLW_TRADE_BAD_ID = 1,
  TLW_TRADE_BAD_PRICE = 2,
  TLW_TRADE_BAD_QUANTITY = 3
} tlw_trade_defect;

#define TLW_TRADE_DEFECTS 4

/* "time", "id", "price", "quantity"; NULL for another value. Thread-safety: any thread, any time. */
TLW_API const char *tlw_trade_defect_name(tlw_trade_defect defect);

/* Since open, clear or load; a checkpoint carries it. */
typedef struct tlw_bars_report {
  int64_t rows; /* taken, skipped ones included, seen ones not */
  int64_t bars; /* given to the sink */
  int64_t seen; /* rows that were recognised after a resume */
  int64_t skipped[TLW_TRADE_DEFECTS];
  int64_t first_skipped[TLW_TRADE_DEFECTS]; /* the number of the first such row in the stream, from 0; -1: none */
  int64_t last_time, last_id;               /* of the last good row; INT64_MIN and -1: there is none */
} tlw_bars_report;

TLW_API void tlw_bars_get_report(const tlw_bars *bars, tlw_bars_report *report);

/* Makes it as if it had just been opened. */
TLW_API void tlw_bars_clear(tlw_bars *bars);

/* ---- checkpoints ---- */

#define TLW_BARS_CHECKPOINT_SIZE 2048

/*
 * Writes what a tlw_bars needs to go on, in TLW_BARS_CHECKPOINT_SIZE bytes, the same on every machine.
 * TLW_ERR_ARGUMENT: bars wait for a sink that failed.
 */
TLW_API tlw_status tlw_bars_save(const tlw_bars *bars, void *bytes, tlw_error *error);

/*
 * Goes on from a checkpoint: the next bars are those of an unbroken run. Rows that the checkpoint has seen may be
 * pushed again first; they are recognised and passed over: with ids by their id, up to the first that is above the
 * last one seen; without ids by their number, `row` being that of the first row that will be pushed, 0 to the
 * report's rows (which means: none again). The last 16 rows seen are compared by a hash where they come again; those of
 * them that were skipped are recognised by it.
 *
 * TLW_ERR_DATA: it is damaged, or of another version; then, at the push, a row that comes again is another.
 * TLW_ERR_ARGUMENT: it is of other options (the message names the first that differs; fields, on_bad and the name of
 * the zone are of them), or row is out of range. *bars is unchanged.
 */
TLW_API tlw_status tlw_bars_load(tlw_bars *bars, const void *bytes, size_t size, int64_t row, tlw_error *error);

/*
 * The same to and from a file, which is replaced as a whole or not at all and has reached the disk. TLW_ERR_NOT_FOUND,
 * TLW_ERR_IO.
 */
TLW_API tlw_status tlw_bars_save_file(const tlw_bars *bars, const char *path, tlw_error *error);
TLW_API tlw_status tlw_bars_load_file(tlw_bars *bars, const char *path, int64_t row, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
