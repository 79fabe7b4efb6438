/* Arguments of the kernel of bars. A piece of work is some rows of the columns; offsets are of the slab. */
#ifndef TLK_BARS_ARGS_H
#define TLK_BARS_ARGS_H

#include "core/bars.h"

/* Lanes of a group, which joins one run. */
#define TLK_BARS_LANES 64

/* Most rows of a run. */
#define TLK_BARS_RUN 1024

/* Rows of one part, counted from the first of the piece; one or more. */
typedef struct {
  tlk_i32 begin, count;
  tlk_i64 part; /* for the host */
} tlk_bars_run;

/* Columns that there are. Quantities are where VOLUME or, without quotes, QUOTE is asked for. */
#define TLK_BARS_PRICES 1u /* open, high, low */
#define TLK_BARS_QUOTES 2u
#define TLK_BARS_RANGES 4u /* first_id, last_id */
#define TLK_BARS_COUNTS 8u
#define TLK_BARS_MAKERS 16u
#define TLK_BARS_QUANTITIES 32u

typedef struct {
  tlk_u64 open, high, low, price, quantity, quote, first_id, last_id, count, maker;
  tlk_u64 runs;  /* tlk_bars_run, one a group */
  tlk_u64 parts; /* results: tlk_bar_part, one a group */
  tlk_u32 fields, columns;
} tlk_bars_args;

#endif
