/* Where intervals of time begin, as tallow/bars.h has it: on the clock of a zone, less an offset. */
#ifndef TALLOW_BARS_CLOCK_H
#define TALLOW_BARS_CLOCK_H

#include "host/io/zone.h"
#include "tallow/bars.h"

struct tlw_clock {
  struct tlw_zone zone; /* a view */
  tlw_interval interval;
  int64_t size, offset; /* offset in nanoseconds */
  int64_t unit;         /* of times: nanoseconds */
  int64_t step;         /* of an interval in units of time; 0: it is not always the same */
  /* Intervals from even_begin on and up to even_end are a step long. Where they are is found as they are needed. */
  int64_t even_begin, even_end;
};

/* Times begin to end - 1. Those beyond 64 bits are the nearest. */
struct tlw_clock_interval {
  int64_t begin, end;
};

/* Nanoseconds of a unit of times, and of an interval unit; 0 for months. */
int64_t tlw_clock_unit(tlw_time_unit unit);
int64_t tlw_clock_length(tlw_interval interval);

/* options are valid ones of kind TIME. */
void tlw_clock_init(struct tlw_clock *clock, const tlw_bars_options *options);

/* The interval of a time. */
struct tlw_clock_interval tlw_clock_at(struct tlw_clock *clock, int64_t time);

/* How many intervals begin from one begin of an interval on and before another; more than `most`: any such number. */
int64_t tlw_clock_count(struct tlw_clock *clock, int64_t from, int64_t to, int64_t most);

#endif
