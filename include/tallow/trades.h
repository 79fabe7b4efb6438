/*
 * Trades: views of columns that the caller owns, and readers of trade files.
 *
 * Prices and quantities are whole numbers at 1e-8 (TLW_DECIMALS digits behind the point), so that decimal text stays
 * exact: 61800.30 is 6180030000000. They reach 92,233,720,368.54775807.
 */
#ifndef TALLOW_TRADES_H
#define TALLOW_TRADES_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TLW_DECIMALS 8
#define TLW_DECIMAL_ONE 100000000

/* The unit of a column of times: whole numbers since 1970-01-01 00:00 UTC. */
typedef enum tlw_time_unit {
  TLW_UNIT_DEFAULT = 0, /* where times are given: milliseconds; where a file is read: told by the first row's size */
  TLW_UNIT_S = 1,
  TLW_UNIT_MS = 2,
  TLW_UNIT_US = 3,
  TLW_UNIT_NS = 4
} tlw_time_unit;

/*
 * Rows in order of time. A row is a trade; or, where trades are aggregated, those of an id range at one price; or, with
 * open, high and low, a bar. Columns are contiguous and never copied. NULL: there is no such column.
 */
typedef struct tlw_trades {
  size_t struct_size; /* set by tlw_trades_init */
  int64_t n_rows;
  const int64_t *time;     /* in one unit, which the receiver is told; within the years 1678 to 2261 */
  const int64_t *price;    /* of a bar its close; above 0 */
  const int64_t *quantity; /* above 0; of a bar its volume, 0 or above */
  /* Strictly increasing, 0 or above: of a trade, an aggregated trade. NULL: the number of the row is its id. */
  const int64_t *id;
  /* The trades that a row is made of, first_id to last_id, both; at most 2^31. NULL: the row is one trade, id. */
  const int64_t *first_id, *last_id;
  const uint8_t *is_buyer_maker; /* 0: the buyer took the initiative; any other: the seller did */
  /* Of bars. low <= open, price <= high. */
  const int64_t *open, *high, *low;
  const int64_t *quote; /* turnover of a bar at 1e-8, 0 or above; of trades NULL: it is price times quantity */
  const int64_t *count; /* trades of a bar, 0 to 2^31. NULL: it is not known and counts as 0 */
} tlw_trades;

/* No rows, no columns. Thread-safety: any thread. */
TLW_API void tlw_trades_init(tlw_trades *trades);

/*
 * Rounds n doubles to the grid of 1e-8: each to the nearest whole number of hundred-millionths of its exact value, of
 * two as near the even one. TLW_ERR_DATA: row is the first that is NaN, infinite or beyond 64 bits; those before it are
 * written. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_decimals_from_f64(const double *numbers, int64_t n, int64_t *decimals, tlw_error *error);

/* ---- files ---- */

/*
 * FILES. As for tallow/csv.h: plain, gzip, Zstandard or zip, told by content; several, one behind the other, are one
 * stream, and each may have a header. Lines end in LF or CRLF and are at most 1 MiB long. Blank lines and those that
 * begin with # are passed over.
 *
 * COLUMNS. The header, the first line, names them, in any case; only letters and digits of a name count. Where several
 * columns fit a role, the name that is earlier in the list wins. "ROLE=COLUMN" in options.columns names others. A time
 * and a price must be there.
 *
 *   time      transacttime, opentime, timestamp, time, tradetime, datetime, ts, t, date, day, tradedate, tradingday
 *   price     price, p, close, last           quantity  quantity, qty, q, size, amount, volume, basevolume, v
 *   id        aggtradeid, aggregatetradeid, a, tradeid, id
 *   first_id  firsttradeid, firstid, f        last_id   lasttradeid, lastid, l
 *   maker     isbuyermaker, buyermaker, m; or sides: takerside, aggressorside, aggressor, side
 *   open      open, o     high  high, h       low  low      quote  quotevolume, quoteassetvolume, turnover
 *   count     count, trades, numberoftrades, numtrades
 *   symbol    symbol, ticker, sym, instrument, pair
 *
 * A maker is true or false, 1 or 0; or the side that took the initiative, buy or b for 0, sell or s for 1; in any case.
 * A column that is called one of sides has sides alone. All rows are of one symbol, that of the first good row, of up to
 * 64 bytes; symbol=none: whatever they are of.
 *
 * open, high and low all three make bars of rows; then l is the low, v the volume, and quote and count are read.
 *
 * A file without a header has as many columns as one of these, and is one of them:
 *   7 or 8    aggTrades: id, price, quantity, first_id, last_id, time, maker, and whether it was the best match
 *   6 or 7    trades: id, price, quantity, turnover, time, maker, and whether it was the best match
 *   12        klines: open time, open, high, low, close, volume, close time, turnover, count, and others
 *   3         time, price, quantity
 * Of 7 columns the fourth tells: whole numbers make aggTrades. Numbers of columns in options.columns come first, and
 * make a file of any number of columns one that can be read.
 *
 * TIMES are whole numbers of one unit throughout, told by the size of the first (as in tallow/csv.h); a row whose time
 * is of another size is bad. They may be text in any other form of tallow/csv.h, throughout; their unit is then the
 * nanosecond. Where options.unit says the unit, times are whole numbers of any size. They lie within the years 1678 to
 * 2261.
 *
 * NUMBERS are decimal text, [+-] digits [point digits]. More than 8 decimals, other than zeros, are bad, or rounded
 * to the nearest, half to even, and counted. An exponent is fine. Ids and counts are whole numbers.
 *
 * BAD ROWS: a field that can't be read, another number of fields than in the first row, a zero byte, a header that is
 * repeated within a file, nan, a number beyond the grid, a time of another unit, another symbol. Fields of columns that
 * are not wanted, and all but the time of a row that is before from or behind to, are not looked at. Nor are the
 * stream's order and signs, but where bars are made.
 */
typedef enum tlw_on_bad { TLW_BAD_ERROR = 0, TLW_BAD_SKIP = 1 } tlw_on_bad;

/* Columns that a reader fills in. */
#define TLW_TRADE_TIME 1u
#define TLW_TRADE_PRICE 2u
#define TLW_TRADE_QUANTITY 4u
#define TLW_TRADE_ID 8u
#define TLW_TRADE_FIRST_ID 16u
#define TLW_TRADE_LAST_ID 32u
#define TLW_TRADE_MAKER 64u
#define TLW_TRADE_OPEN 128u
#define TLW_TRADE_HIGH 256u
#define TLW_TRADE_LOW 512u
#define TLW_TRADE_QUOTE 1024u
#define TLW_TRADE_COUNT 2048u

typedef struct tlw_trade_options {
  size_t struct_size;  /* set by tlw_trade_options_init */
  const char *columns; /* "ROLE=COLUMN,...": COLUMN is a name of the header, a number from 1, or none. NULL: by name */
  char delimiter;      /* ',', ';', '\t' or '|'; 0: told by the first line */
  int8_t header;       /* a tlw_csv_header: default AUTO, a first line of which a price can't be read is one */
  int8_t round;        /* 1: more than 8 decimals are rounded and counted; 0: bad */
  int8_t reserved;
  tlw_time_unit unit; /* default: told by the first row */
  tlw_on_bad on_bad;  /* default TLW_BAD_ERROR */
  int64_t from, to;   /* nanoseconds; rows with from <= time < to are given, others counted. Both 0: all */
  uint32_t wanted;    /* TLW_TRADE_...: columns that are read, if they are there; 0: all of them */
  uint32_t expansion; /* as in tlw_csv_options */
} tlw_trade_options;

/* The defaults named above. Thread-safety: any thread. */
TLW_API void tlw_trade_options_init(tlw_trade_options *options);

/* What was found, as far as the files have been read. */
typedef struct tlw_trade_report {
  int64_t bytes;          /* of the files, packed as they may be */
  int64_t lines;          /* of the files, all of them */
  int64_t rows;           /* that were given */
  int64_t outside;        /* before from or behind to */
  int64_t bad;            /* rows that were skipped */
  int64_t rounded;        /* numbers of more than 8 decimals */
  int32_t first_bad_file; /* of `bad`: index of the file, and the line from 1; -1 and 0: there is none */
  int32_t n_files_begun;
  int64_t first_bad_line;
} tlw_trade_report;

typedef struct tlw_trade_reader tlw_trade_reader;

/*
 * Opens the first file ("-": standard input), reads its first lines and says in *columns (may be NULL) which columns
 * it has, as TLW_TRADE_...; others are opened as their turn comes and must have those of them that are read. paths are
 * n_paths, 1 or more, and must stay valid. With an engine the reader's memory, fixed once the first file is open but
 * for long lines (less than 4 MiB and what unpacking needs, see tlw_csv_open), counts against its host budget, and
 * the engine must be closed after it; NULL: it is not counted. On failure *reader is NULL.
 *
 * TLW_ERR_ARGUMENT, TLW_ERR_NOT_FOUND, TLW_ERR_IO, TLW_ERR_MEMORY, TLW_ERR_BUDGET, TLW_ERR_UNAVAILABLE, TLW_ERR_DATA:
 * as tlw_csv_open; the message names the file where there are several. Thread-safety: any thread; one at a time on a
 * reader.
 */
TLW_API tlw_status tlw_trade_reader_open(const char *const *paths, int32_t n_paths, const tlw_trade_options *options,
                                         tlw_engine *engine, tlw_trade_reader **reader, uint32_t *columns,
                                         tlw_error *error);

/* The unit of the times that are given. TLW_UNIT_DEFAULT: no time was read so far, for there was no good row. */
TLW_API tlw_time_unit tlw_trade_reader_unit(const tlw_trade_reader *reader);

/* Memory of the caller for rows: capacity of each; NULL where one is not wanted. What is not there is not written. */
typedef struct tlw_trade_rows {
  int64_t capacity; /* 1 or more */
  int64_t *time, *price, *quantity, *id, *first_id, *last_id;
  int64_t *open, *high, *low, *quote, *count;
  uint8_t *is_buyer_maker;
} tlw_trade_rows;

/*
 * Reads the next rows, as many as fit, and says how many in *n_rows; fewer than capacity may come at any time, 0 only
 * behind the last. After a failure *n_rows good rows before it were written, and every further call gives the same
 * failure and none. What lies behind *n_rows may be written over. Rows behind `to` are read too, for times may go back.
 * TLW_ERR_DATA: row is the line of the file, column the field.
 */
TLW_API tlw_status tlw_trade_reader_next(tlw_trade_reader *reader, const tlw_trade_rows *rows, int64_t *n_rows,
                                         tlw_error *error);

/* Where row `index` of the last call of tlw_trade_reader_next stood: its file and its line, from 1. */
TLW_API void tlw_trade_reader_locate(const tlw_trade_reader *reader, int64_t index, int32_t *file, int64_t *line);

TLW_API void tlw_trade_reader_get_report(const tlw_trade_reader *reader, tlw_trade_report *report);

/* Closes the files and sets *reader to NULL. NULL is fine. */
TLW_API void tlw_trade_reader_close(tlw_trade_reader **reader);

#ifdef __cplusplus
}
#endif

#endif
