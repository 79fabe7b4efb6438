/*
 * The CSV fast path held against the readers of single numbers and times. Without a test framework, for it also runs
 * where there is none.
 */
#ifndef TALLOW_TESTS_PLAIN_KIT_H
#define TALLOW_TESTS_PLAIN_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/io/plain_tier.h"

/* Text in memory of which not one byte beyond the padding can be read. */
typedef struct arena {
  char *pages;
  size_t size; /* of the pages between the two that can't be read */
} arena;

/* Room for size bytes of text. Aborts where there is no memory. */
void arena_open(arena *a, size_t size);
void arena_close(arena *a);
/* Copies text to one end or the other, with random bytes around it. */
const char *arena_place(arena *a, const char *text, size_t size, bool at_end, uint64_t seed);

/* Columns of rows, poisoned. */
typedef struct rows_kit {
  tlw_csv_rows rows; /* tests may set volume or time to NULL */
  int64_t capacity;
  void *columns[6];
} rows_kit;

void rows_open(rows_kit *kit, int64_t capacity);
void rows_close(rows_kit *kit);
void rows_poison(rows_kit *kit);
/* Whether rows from to to - 1 are as poison made them. */
bool rows_untouched(const rows_kit *kit, int64_t from, int64_t to);

/* What a line without its end says, by the contract of plain.h and the readers of single fields. */
typedef struct plain_row {
  int64_t time;
  double numbers[TLW_PLAIN_NUMBERS]; /* without volume the last is NaN */
} plain_row;

/* false: the line is not plain. Its order is not looked at. */
bool plain_reference(const struct tlw_plain *plain, const char *line, size_t length, plain_row *row);

/* The tier, and files of random, ordinary and hostile lines. False, with the reason printed. */
bool plain_agrees(const struct tlw_plain_tier *tier, uint64_t seed, int64_t *n_rows);

#endif
