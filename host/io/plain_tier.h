/* The tiers of the CSV fast path: plain_ops.c, compiled once per instruction set, and what all of them call. */
#ifndef TALLOW_IO_PLAIN_TIER_H
#define TALLOW_IO_PLAIN_TIER_H

#include "plain.h"

struct tlw_plain_tier {
  const char *name;
  /* As tlw_plain_read. */
  size_t (*read)(struct tlw_plain *plain, const char *text, size_t size, const tlw_csv_rows *rows, int64_t *n_rows);
};

/* The best tier that this CPU has, or what TALLOW_CPU_TIER names; the least where that names none of this CPU. */
const struct tlw_plain_tier *tlw_plain_tier(void);

/* A month of the calendar, known by text that stands for it. */
struct tlw_plain_month {
  uint64_t key;  /* 0: none yet */
  int64_t start; /* seconds since 1970-01-01 */
  uint32_t days;
};

/* Sets the month. false: there is none, or its year is not one of 1678 to 2261. */
bool tlw_plain_month_find(struct tlw_plain_month *month, uint64_t key, uint32_t year, uint32_t number);

#if defined(__SIZEOF_INT128__)
#define TLW_PLAIN_QUOTIENT
/* digits / 10^places to the nearest double, ties to even. places is at most 19. */
double tlw_plain_quotient(uint64_t digits, uint32_t places);
#endif

/* Reads what is too long for the loops. false: the text is not made of digits and at most one point. */
bool tlw_plain_number(const char *text, size_t length, double *value);

#endif
