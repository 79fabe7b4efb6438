/* Where the rows of a bar end, looked for in columns that need not have been examined. Compiled once per tier. */
#ifndef TALLOW_CPU_BARS_CUT_H
#define TALLOW_CPU_BARS_CUT_H

#include "bars_tier.h"
#include "bars_vector.h"

__extension__ typedef unsigned __int128 wide;

/* Vectors between two looks at where the cut is. */
#define VECTORS 4
#define GROUP (VECTORS * TLK_LANES)

/* Whether what is needed comes with this amount. If not, less is. */
INLINE bool suffices(struct tlw_cpu_cut *cut, wide amount) {
  const wide need = (wide)cut->need.high << 64 | cut->need.low;
  if (amount >= need) return true;
  cut->need = (tlk_u128){(uint64_t)(need - amount), (uint64_t)((need - amount) >> 64)};
  return false;
}

INLINE wide turnover_at(const tlw_trades *rows, int64_t i) {
  return (wide)(uint64_t)rows->price[i] * (uint64_t)rows->quantity[i];
}

/* ---- a row ---- */

/* Whether this is the row that the cut is before or behind. If not, what is needed behind it is noted. */
INLINE bool cuts_row(const tlw_trades *rows, struct tlw_cpu_cut *cut, enum tlw_cpu_cut_kind kind, int64_t i) {
  switch (kind) {
  case TLW_CPU_CUT_NONE:
    break;
  case TLW_CPU_CUT_TIME:
    return rows->time[i] >= cut->time;
  case TLW_CPU_CUT_PRICE:
    return (rows->price[i] <= cut->low || rows->price[i] > cut->high) && rows->time[i] > cut->gate;
  case TLW_CPU_CUT_VOLUME:
    return suffices(cut, (uint64_t)rows->quantity[i]);
  case TLW_CPU_CUT_VALUE:
    return suffices(cut, turnover_at(rows, i));
  }
  return false;
}

INLINE bool is_apart(const struct tlw_cpu_cut *cut) { return cut->kind == TLW_CPU_CUT_TIME || cut->apart; }

INLINE int64_t cut_rows_by(const tlw_trades *rows, struct tlw_cpu_cut *cut, enum tlw_cpu_cut_kind kind, int64_t i,
                           int64_t end) {
  while (i < end && !cuts_row(rows, cut, kind, i)) i++;
  return i;
}

/* The first row from i on that cuts, or end. */
static inline int64_t cut_rows(const tlw_trades *rows, struct tlw_cpu_cut *cut, int64_t i, int64_t end) {
#define CASE(kind)                                                                                                     \
  case kind:                                                                                                           \
    return cut_rows_by(rows, cut, kind, i, end)
  switch (cut->kind) {
    CASE(TLW_CPU_CUT_TIME);
    CASE(TLW_CPU_CUT_PRICE);
    CASE(TLW_CPU_CUT_VOLUME);
    CASE(TLW_CPU_CUT_VALUE);
  case TLW_CPU_CUT_NONE:
    break;
  }
#undef CASE
  return end;
}

/* ---- a group of rows ---- */

INLINE choice is_late(const struct tlw_cpu_cut *cut, whole time) { return not_less(time, splat(cut->time)); }

INLINE choice is_beyond(const struct tlw_cpu_cut *cut, whole price) {
  return either(less(splat(cut->high), price), not_less(splat(cut->low), price));
}

/* The greatest number where it may be beyond 64 bits. */
INLINE uint64_t volume_of_group(const int64_t *quantity) {
  whole sum = splat(0), bits = splat(0);
  for (int k = 0; k < VECTORS; k++) {
    const whole x = load(quantity + k * TLK_LANES);
    sum = add(sum, x);
    bits |= x;
  }
  return any(bits & ~splat(INT64_MAX / GROUP)) ? UINT64_MAX : sum_of(sum);
}

/* Likewise of turnovers, and 128 bits. */
INLINE wide value_of_group(const tlw_trades *rows, int64_t i) {
  wide sum = 0;
  uint64_t bits = 0;
  for (int k = 0; k < GROUP; k++) {
    const wide turnover = turnover_at(rows, i + k);
    sum += turnover;
    bits |= (uint64_t)(turnover >> 64);
  }
  return bits <= UINT64_MAX / GROUP / 2 ? sum : ~(wide)0;
}

INLINE bool passes(struct tlw_cpu_cut *cut, wide amount, wide unknown) {
  return amount == unknown || suffices(cut, amount);
}

/* Whether one of these rows may cut. If not, what is needed behind them is noted. */
INLINE bool may_cut(const tlw_trades *rows, struct tlw_cpu_cut *cut, int64_t i) {
  choice found = choose_none();
  switch (cut->kind) {
  case TLW_CPU_CUT_NONE:
    return false;
  case TLW_CPU_CUT_TIME:
    for (int k = 0; k < VECTORS; k++) found = either(found, is_late(cut, load(rows->time + i + k * TLK_LANES)));
    return bits_of(found) != 0;
  case TLW_CPU_CUT_PRICE:
    for (int k = 0; k < VECTORS; k++) found = either(found, is_beyond(cut, load(rows->price + i + k * TLK_LANES)));
    return bits_of(found) != 0 && rows->time[i + GROUP - 1] > cut->gate;
  case TLW_CPU_CUT_VOLUME:
    return passes(cut, volume_of_group(rows->quantity + i), UINT64_MAX);
  case TLW_CPU_CUT_VALUE:
    return passes(cut, value_of_group(rows, i), ~(wide)0);
  }
  return false;
}

#endif
