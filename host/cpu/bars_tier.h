/*
 * Loops over trades in SIMD tiers: compiled once per instruction set and chosen at run time with the tier of the
 * backend. Rows begin to end - 1 of columns as tallow/trades.h has them; results are those of going row by row.
 */
#ifndef TALLOW_CPU_BARS_TIER_H
#define TALLOW_CPU_BARS_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/core/bars.h"
#include "tallow/trades.h"

/* The row before the first one that is examined: time INT64_MIN and id -1 if there is none. */
struct tlw_cpu_last_row {
  int64_t time, id;
};

/* What is known of examined rows. */
struct tlw_cpu_extremes {
  int64_t low, high; /* of prices, lows and highs too */
  int64_t quantity;  /* the greatest */
};

/* Where rows end that are taken together. */
enum tlw_cpu_cut_kind {
  TLW_CPU_CUT_NONE,
  TLW_CPU_CUT_TIME,   /* before the first row of `time` or later, which must be good: otherwise it is met as bad */
  TLW_CPU_CUT_PRICE,  /* behind the first row later than `gate` with price <= low or price > high */
  TLW_CPU_CUT_VOLUME, /* behind the row that brings the sum of quantities, or of turnovers, to `need`; or, with apart, */
  TLW_CPU_CUT_VALUE   /* before it, which must be good as for TIME */
};

struct tlw_cpu_cut {
  enum tlw_cpu_cut_kind kind;
  int64_t time;
  int64_t gate, low, high; /* gate INT64_MIN: any row */
  bool apart;
  tlk_u128 need; /* above 0; becomes what was needed from the closing row alone, or what is still needed */
};

/* What rows were taken up to. */
enum tlw_cpu_taken { TLW_CPU_TAKEN_ALL, TLW_CPU_TAKEN_TO_CUT, TLW_CPU_TAKEN_TO_BAD };

struct tlw_cpu_bars_tier {
  /*
   * Examines rows from begin on as far as the cut, a bad row or end, and joins them to one part. Returns the first row
   * that was not taken.
   */
  int64_t (*take)(const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end, struct tlw_cpu_last_row before,
                  int64_t first_time, int64_t last_time, struct tlw_cpu_cut *cut, tlk_bar_part *part,
                  enum tlw_cpu_taken *taken);
  /*
   * The first row that is bad by tallow/bars.h, or end; extremes of the rows before it (of none: INT64_MAX, INT64_MIN
   * and 0). first_time, last_time: what times may be.
   */
  int64_t (*examine)(const tlw_trades *rows, int64_t begin, int64_t end, struct tlw_cpu_last_row before,
                     int64_t first_time, int64_t last_time, struct tlw_cpu_extremes *extremes);
  /*
   * The first row of a time of `limit` or later, or end. This and what follows it find the first row in order that
   * does, whether rows are good or not.
   */
  int64_t (*find_time)(const int64_t *time, int64_t begin, int64_t end, int64_t limit);
  /* The first row with price <= low or price >= high, or end. */
  int64_t (*find_price)(const int64_t *price, int64_t begin, int64_t end, int64_t low, int64_t high);
  /*
   * The first row with which the sum of quantities from begin on, or of turnovers, price times quantity, is *rest or
   * more; *rest becomes what was needed from that row alone, or, where end comes back, what is still needed. *rest > 0.
   * Numbers below 0 are as their bits without a sign.
   */
  int64_t (*find_volume)(const int64_t *quantity, int64_t begin, int64_t end, tlk_u128 *rest);
  int64_t (*find_value)(const int64_t *price, const int64_t *quantity, int64_t begin, int64_t end, tlk_u128 *rest);
  /* Rows as one part. Rows are good. */
  void (*join)(const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end, tlk_bar_part *part);
  /* examine and join in one: the first bad row, or end; the rows before it as one part. */
  int64_t (*examine_and_join)(const tlw_trades *rows, uint32_t fields, int64_t begin, int64_t end,
                              struct tlw_cpu_last_row before, int64_t first_time, int64_t last_time,
                              tlk_bar_part *part);
};

#endif
