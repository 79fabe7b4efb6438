/* Candles for tests: realistic and hostile, the same from the same seed everywhere. */
#ifndef TALLOW_TESTS_SERIES_H
#define TALLOW_TESTS_SERIES_H

#include <stdint.h>

#include "tallow/candles.h"

/* splitmix64 */
typedef struct rng {
  uint64_t state;
} rng;

uint64_t rng_next(rng *r);
/* 0 to n - 1; 0 if n is 0 */
uint64_t rng_below(rng *r, uint64_t n);
/* from to to, both included */
int32_t rng_between(rng *r, int32_t from, int32_t to);
/* 0 up to, but not, 1 */
double rng_unit(rng *r);

/* Owned columns, each allocated to its exact size, so that a sanitizer sees every step beyond. */
typedef struct columns {
  int64_t n_rows;
  double *open, *high, *low, *close, *volume;
  int64_t *time;
  double **lines; /* n_lines of them; NULL: none */
  int32_t n_lines;
} columns;

/* Without lines. Aborts where there is no memory. */
void columns_open(columns *c, int64_t n_rows);
/* Once: with lines, of zeros. */
void columns_open_lines(columns *c, int32_t n_lines);
void columns_close(columns *c);
/* A view of all rows as one series. */
void columns_view(const columns *c, tlw_candles *candles);
/* A number that changes with any bit of the columns. */
uint64_t columns_hash(const columns *c);

typedef enum price_kind {
  PRICES_WALK,       /* a random walk, at a scale from 1e-12 to 1e12 */
  PRICES_TICKS,      /* small whole multiples of a tick, so that rows fall on exact halves */
  PRICES_FLAT,       /* one price */
  PRICES_GAPS,       /* a walk with NaN in any one of the columns here and there */
  PRICES_ALL_GAPS,   /* no valid candle */
  PRICES_INFINITE,   /* a walk with infinities here and there */
  PRICES_DENORMAL,   /* denormals of both signs */
  PRICES_HUGE,       /* up to the greatest double, of both signs */
  PRICES_NEGATIVE,   /* a walk below and through zero */
  PRICES_ZEROS,      /* zeros of both signs, and little else */
  PRICES_INSIDE_OUT, /* four unrelated prices: open outside low..high, high below low */
  PRICES_NARROW,     /* a large price that moves by single bits */
  PRICES_SPIKE,      /* flat but for one candle */
  PRICES_BITS        /* any 64 bits, NaN with payload too */
} price_kind;
#define PRICE_KIND_COUNT 14

typedef enum volume_kind {
  VOLUMES_PLAIN,
  VOLUMES_ZERO,    /* of both signs */
  VOLUMES_LATTICE, /* small whole numbers, so that heights fall on exact halves */
  VOLUMES_HOSTILE, /* plain ones beside NaN, infinite and negative ones */
  VOLUMES_HUGE,    /* whose sums overflow */
  VOLUMES_DENORMAL,
  VOLUMES_WILD, /* from 2^-40 to 2^60: sums that differ by the order of adding */
  VOLUMES_BITS
} volume_kind;
#define VOLUME_KIND_COUNT 8

typedef enum time_kind {
  TIMES_REGULAR,   /* one step, from 1 ns to 7 days */
  TIMES_NIGHTS,    /* minutes with a gap after each session */
  TIMES_DOUBLED,   /* regular, with repeated times */
  TIMES_EQUAL,     /* all the same */
  TIMES_EXTREME,   /* from INT64_MIN to INT64_MAX */
  TIMES_IRREGULAR, /* uneven nanoseconds */
  TIMES_BURSTS,    /* nanoseconds apart, with months between */
  TIMES_SAVING,    /* minutes to hours around the changes of clocks of 2024 and 2025 */
  TIMES_YEARS      /* days to years apart, through years of four digits */
} time_kind;
#define TIME_KIND_COUNT 9

/* Columns of lines. */
typedef enum line_kind {
  LINES_AVERAGE, /* of the newest closes, none at first */
  LINES_AROUND,  /* values about the range of prices, and beyond */
  LINES_FLAT,    /* one price */
  LINES_GAPS,    /* prices with NaN and infinities here and there */
  LINES_ALL_GAPS,
  LINES_SPARSE,   /* a value here and there */
  LINES_JUMPS,    /* from the lowest to the highest and back */
  LINES_HUGE,     /* up to the greatest double, of both signs */
  LINES_NEGATIVE, /* zeros and below */
  LINES_BITS
} line_kind;
#define LINE_KIND_COUNT 10

const char *price_kind_name(price_kind kind);
const char *volume_kind_name(volume_kind kind);
const char *time_kind_name(time_kind kind);

/* Fill n rows from first on. */
void fill_prices(columns *c, int64_t first, int64_t n, price_kind kind, rng *r);
void fill_volumes(columns *c, int64_t first, int64_t n, volume_kind kind, rng *r);
/* Makes the finite prices of n rows fit for a log scale: none is negative, or less than least. */
void lift_prices(columns *c, int64_t first, int64_t n, double least);
/* Never decreasing. */
void fill_times(columns *c, int64_t first, int64_t n, time_kind kind, rng *r);
/* Exchanges some of n times, or gives them any bits: fit for the index axis alone. */
void mix_times(columns *c, int64_t first, int64_t n, rng *r);
/* Of the prices that are there. */
void fill_line(columns *c, int32_t line, int64_t first, int64_t n, line_kind kind, rng *r);

#endif
