/*
 * The fast path of the reader of trade files: rows that have nothing unusual about them, many at a time. What it
 * accepts it reads as the general path, trades_row.c, does; at the first line that is not plain it stops and leaves it
 * to that.
 */
#ifndef TALLOW_IO_TRADES_PLAIN_H
#define TALLOW_IO_TRADES_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plain.h"
#include "trades_columns.h"

/* What is plain in a file, and where its numbers go. */
struct tlw_trade_plain {
  char delimiter;
  char comment;                         /* no plain line begins with it */
  int32_t n_columns;                    /* fields of each line, 2 or more */
  int32_t column_of[TLW_TRADE_COLUMNS]; /* of what is read, from 0; -1: it is not */
  bool maker_is_side;
  const char *symbol; /* NULL: no row that has one is plain */
  size_t symbol_length;
  bool time_is_text;
  int64_t time_least, time_end; /* of whole numbers: those that are plain; 0 or above */
  bool has_bounds;
  int64_t from, to;
  int64_t *numbers[TLW_TRADE_ROLES]; /* capacity of each; NULL: they are read, but not wanted */
  uint8_t *makers;
  int64_t capacity; /* 1 or more */
  const struct tlw_trade_plain_tier *tier;
};

/* Lines that were read: rows, or times that are out of the bounds and rows that nobody wants. */
struct tlw_trade_plain_part {
  int64_t n;
  size_t size; /* of their text */
  bool is_outside;
};

/*
 * Reads lines of text, size bytes that end behind a line feed, until it ends, the rows are full, a line is not plain,
 * or lines within the bounds change to such without or the other way. Around the text TLW_PLAIN_PADDING bytes may be
 * read. What lies behind the rows may be written over, up to the capacity.
 *
 * A plain line has n_columns fields without quotes or zero bytes; a time as a whole number of up to 19 digits, or as
 * text that begins with YYYY-MM-DD (or / or . between) as in plain.h; whole numbers of up to 19 digits; decimals of up
 * to 19 bytes, of which 8 are behind the point; makers as tlw_trade_maker reads them; the symbol. A line of more than
 * 4,000 bytes may be called not plain too.
 */
struct tlw_trade_plain_part tlw_trade_plain_read(const struct tlw_trade_plain *plain, const char *text, size_t size);

#endif
