/*
 * Time labels as host/chart/time_ticks.h states them, by looking at every candle by the C library's calendar: the
 * reference for them. Of the library it has only the font's and the zone's tables.
 */
#ifndef TALLOW_TESTS_TIME_ORACLE_H
#define TALLOW_TESTS_TIME_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/chart/font.h"
#include "host/io/zone.h"

/* The candles that count, the last of each pixel column, from left to right. */
typedef struct times_question {
  const int64_t *times;
  const int32_t *columns; /* of the plot */
  const bool *shared;     /* whether other candles are there too */
  int32_t n;
  const struct tlw_zone *zone; /* NULL: UTC */
  const struct tlw_font *font;
  int32_t plot_width, room_left, room_right, gap;
} times_question;

typedef struct times_label {
  int32_t candle; /* its number among those that count */
  int32_t x;      /* its column */
  int32_t left, width;
  int32_t weight;
  char text[64];
} times_label;

/* The labels from left to right, room of them at most; returns how many. Room for 2 or more are at labels. */
int32_t times_oracle(const times_question *question, times_label *labels, int32_t room);

#endif
