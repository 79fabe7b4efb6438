/*
 * Synthetic market data for demos, tests and benchmarks.
 *
 * A series is a function of its options: the same rows on every machine, one by one or in blocks of any size. All
 * arithmetic is on integers, and a generator is a small struct that never grows. Volatility is by row, whatever the
 * interval.
 *
 * Thread-safety: different generators share nothing.
 */
#ifndef SYNTH_SYNTH_H
#define SYNTH_SYNTH_H

#include <stddef.h>
#include <stdint.h>

#define SYNTH_TICKS 100 /* price ticks in one unit of money */
#define SYNTH_LOTS 1000 /* quantity lots in one unit of a trade */
#define SYNTH_SECOND INT64_C(1000000000)
#define SYNTH_DAY (INT64_C(86400) * SYNTH_SECOND)
#define SYNTH_TIME_MIN (-106650 * SYNTH_DAY) /* 1678-01-01 */
#define SYNTH_TIME_END (106651 * SYNTH_DAY)  /* 2262-01-01, exclusive */
#define SYNTH_INTERVAL_MAX (366 * SYNTH_DAY)

typedef enum synth_shape {
  SYNTH_QUIET = 0,    /* small moves about a level */
  SYNTH_TRENDING = 1, /* long runs up and down */
  SYNTH_GAPS = 2,     /* open Monday to Friday, 09:30 to 16:00 UTC; the price leaps while closed */
  SYNTH_JUMPS = 3     /* rare large moves, with high volume and volatility behind them */
} synth_shape;
#define SYNTH_SHAPE_COUNT 4

typedef struct synth_options {
  uint64_t seed;
  synth_shape shape;
  int64_t start;    /* nanoseconds since 1970, SYNTH_TIME_MIN to SYNTH_TIME_END - 1; the first row is not before it */
  int64_t interval; /* nanoseconds, 1 to SYNTH_INTERVAL_MAX: from candle to candle, or the mean between trades */
} synth_options;

/* low <= open, close <= high; all at least 1 tick; volume at least 1. */
typedef struct synth_candle {
  int64_t time;                   /* nanoseconds since 1970, when the candle opens */
  int64_t open, high, low, close; /* ticks */
  int64_t volume;                 /* whole units */
} synth_candle;

typedef struct synth_trade {
  int64_t time;  /* nanoseconds since 1970, whole milliseconds after start if the interval is 1 ms or more; repeats */
  int64_t id;    /* 1, 2, 3 ... */
  int64_t price; /* ticks, at least 1 */
  int64_t quantity; /* lots, at least 1 */
  int32_t side;     /* 1: a buyer took the offer; -1: a seller took the bid */
  int32_t reserved;
} synth_trade;

/* One generator of rows; its members are private. */
typedef struct synth_source {
  synth_options options;
  uint64_t random;
  int64_t rows;       /* made so far */
  int64_t time;       /* of the newest row */
  int64_t price;      /* in 1/256 tick */
  int64_t anchor;     /* the price that it is pulled to */
  int64_t heat;       /* volatility: 256 is usual */
  int64_t surge;      /* what is left of the last jump; 0 at rest */
  int64_t drift;      /* parts per million of the price in a step */
  int64_t drift_left; /* steps until the drift changes */
  int64_t activity;   /* volume that one usual step makes */
} synth_source;

/* "quiet", "trending", "gaps" or "jumps"; NULL for another value. */
const char *synth_shape_name(synth_shape shape);

/* Starts a series of candles or of trades. Use one source for one of them only. */
void synth_start(synth_source *source, const synth_options *options);

/* The next row. Returns 1; or 0, and leaves *candle or *trade alone, if it would lie at or beyond SYNTH_TIME_END. */
int synth_next_candle(synth_source *source, synth_candle *candle);
int synth_next_trade(synth_source *source, synth_trade *trade);

/* Columns of the caller, n doubles each; any may be NULL. Prices are in units of money: the nearest to ticks / 100. */
typedef struct synth_columns {
  int64_t *time;
  double *open, *high, *low, *close, *volume;
} synth_columns;

/* Fills rows 0 to n - 1 of the columns with the next n candles. Returns how many: fewer only at SYNTH_TIME_END. */
size_t synth_fill_candles(synth_source *source, const synth_columns *columns, size_t n);

#endif
