/* The symbols of a file, numbered in the order in which they came. Errors that functions take must not be NULL. */
#ifndef TALLOW_IO_CSV_SYMBOLS_H
#define TALLOW_IO_CSV_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/memory.h"

#define TLW_SYMBOL_SIZE 255 /* the longest, in bytes */

struct tlw_symbols {
  struct tlw_memory *memory; /* or NULL */
  int64_t n;
  struct tlw_block names;  /* of the symbols so far: where each begins in text, size_t */
  struct tlw_block text;   /* each ended by a zero byte */
  struct tlw_block places; /* a hash table of numbers from 1; 0: free */
  size_t used;             /* of text */
  int64_t last;            /* the one found last */
  uint64_t seed;
};

/*
 * The number of the symbol, which is added if it is new: *number is then n - 1. It holds no zero byte.
 * TLW_ERR_MEMORY, TLW_ERR_BUDGET: nothing was added.
 */
tlw_status tlw_symbols_find(struct tlw_symbols *symbols, const char *text, size_t length, int64_t *number,
                            tlw_error *error);

const char *tlw_symbols_name(const struct tlw_symbols *symbols, int64_t number);

/* Frees what only finding needs. */
void tlw_symbols_seal(struct tlw_symbols *symbols);

void tlw_symbols_close(struct tlw_symbols *symbols);

#endif
