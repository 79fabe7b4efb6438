/* Streams of trades and settings of bars for tests, realistic and hostile, the same from the same seed everywhere. */
#ifndef TALLOW_TESTS_BARS_CASES_H
#define TALLOW_TESTS_BARS_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "series.h"
#include "tallow/bars.h"

#define STREAM_COLUMNS 11

/* Owned columns, each in memory that ends where it ends and begins at any address aligned to its type. */
typedef struct bars_stream {
  uint64_t seed;
  tlw_time_unit unit;
  tlw_trades trades;
  void *blocks[STREAM_COLUMNS + 1];
  const char *times, *prices, *quantities, *ids; /* the names of what they are made of */
  uint64_t hash;                                 /* of what the columns hold */
} bars_stream;

typedef struct bars_shape {
  int64_t n_rows;
  bool are_bars;
  bool are_good; /* no row that is at fault, and no sum that leaves 128 bits */
} bars_shape;

/* Aborts where there is no memory. */
void bars_stream_open(bars_stream *s, const bars_shape *shape, uint64_t seed);
void bars_stream_close(bars_stream *s);
/* Whether the columns still hold what they held. */
bool bars_stream_unharmed(const bars_stream *s);

/* Rows from first on, at most n of them. */
tlw_trades bars_stream_view(const bars_stream *s, int64_t first, int64_t n);

#define BARS_ZONES 9

/* Zones of clocks that change in all manners; those that this system lacks are NULL, UTC. False: it has none. */
typedef struct bars_zones {
  tlw_zone *zones[BARS_ZONES];
} bars_zones;

extern const char *const bars_zone_names[BARS_ZONES];

bool bars_zones_open(bars_zones *z);
void bars_zones_close(bars_zones *z);

/* Settings that suit a stream: from about no bar to some bars a row. */
void bars_options_for(tlw_bars_options *options, const bars_stream *s, const bars_zones *zones, rng *r);

/* "range, size 250, no gate, fields 15" */
const char *bars_options_text(const tlw_bars_options *options, char *text, size_t size);

#endif
