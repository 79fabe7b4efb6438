/*
 * Rows of trades examined and joined, in one pass. Compiled once per tier.
 *
 * Sums of 128 bits are kept in lanes of 64: beside the sum of numbers modulo 2^64 the sum of their upper halves,
 * which is exact for 2^32 of them, and with which the first gives the sum of the lower halves.
 */
#include "bars_join.h"

#include "bars_cut.h"

/* Rows of a pass: if one is bad, as many have been in vain. Sums of halves stay far below 2^64. */
#define PASS 1024

/* Numbers of 64 bits: their sum modulo 2^64, and, unless that is all of it, that of their upper halves. */
struct sum {
  whole all, upper;
};

/* Of numbers a and b: lower times lower half, both products of a lower with an upper half, upper times upper. */
struct turnover {
  struct sum lower, middle, upper;
};

struct joined {
  whole high, low, least, most; /* prices; quantities */
  struct sum volume, buy_volume;
  struct turnover quote, buy_quote;
  whole trades, buy_trades; /* with ranges their last_id - first_id, otherwise 1 for each buy */
  whole time, id;           /* of the rows before */
  whole spans, ends;        /* bits of last_id - first_id, of both */
  choice disorder;
};

INLINE struct sum no_sum(void) { return (struct sum){splat(0), splat(0)}; }

INLINE struct turnover no_turnover(void) { return (struct turnover){no_sum(), no_sum(), no_sum()}; }

INLINE void add_to(struct sum *sum, bool is_small, whole x) {
  sum->all = add(sum->all, x);
  if (!is_small) sum->upper = add(sum->upper, upper(x));
}

INLINE void add_chosen_to(choice c, struct sum *sum, bool is_small, whole x) {
  sum->all = add_chosen(c, sum->all, x);
  if (!is_small) sum->upper = add_chosen(c, sum->upper, upper(x));
}

/* ---- a vector of rows ---- */

/* Columns from row i on: all lanes, or those that are chosen. */
struct place {
  const tlw_trades *rows;
  int64_t i;
  bool all, calls_ahead;
  choice here;
};

INLINE struct place whole_place(const tlw_trades *rows, unsigned work, int64_t i) {
  return (struct place){rows, i, true, TLK_LANES >= 4 && !(work & TLW_BARS_RANGES), choose_first(TLK_LANES)};
}

INLINE struct place last_place(const tlw_trades *rows, int64_t i, int64_t end) {
  return (struct place){rows, i, false, false, choose_first(end - i)};
}

/*
 * Rows ahead whose lines are called for, since the prefetchers of a CPU stop at each end of a page: with few columns.
 * Of many a first-level cache does not hold so much.
 */
#define AHEAD 384

INLINE whole column(struct place p, const int64_t *x) {
  if (p.calls_ahead) __builtin_prefetch((const void *)((uintptr_t)(x + p.i) + AHEAD * sizeof *x));
  return p.all ? load(x + p.i) : load_chosen(p.here, x + p.i);
}

INLINE choice among(struct place p, choice c) { return p.all ? c : both(p.here, c); }

/* x, and in lanes that are not chosen what changes nothing. */
INLINE whole otherwise(struct place p, whole x, whole rest) { return p.all ? x : pick(p.here, x, rest); }

INLINE void examine_order(struct joined *j, unsigned work, struct place p) {
  const whole time = column(p, p.rows->time);
  j->disorder = either(j->disorder, among(p, less(time, BEHIND(j->time, time))));
  j->time = time;
  if (!(work & TLW_BARS_ID)) return;
  const whole id = column(p, p.rows->id);
  j->disorder = either(j->disorder, among(p, not_less(BEHIND(j->id, id), id)));
  j->id = id;
}

INLINE void join_ranges(struct joined *j, unsigned work, struct place p, choice buys) {
  const whole first = column(p, p.rows->first_id), last = column(p, p.rows->last_id);
  const whole span = subtract(last, first);
  if (work & TLW_BARS_EXAMINE) {
    j->spans |= span;
    j->ends |= first | last;
  }
  if (work & TLW_BARS_TRADES) j->trades = add(j->trades, span);
  if (work & TLW_BARS_SIDES) j->buy_trades = add_chosen(buys, j->buy_trades, add(span, splat(1)));
}

INLINE void join_turnover(struct joined *j, unsigned work, whole price, whole quantity, choice buys) {
  const whole price_upper = upper(price), quantity_upper = upper(quantity);
  const whole lower = product(price, quantity);
  const whole middle = add(product(price_upper, quantity), product(price, quantity_upper));
  const whole both_upper = product(price_upper, quantity_upper);
  const bool is_small = (work & TLW_BARS_SMALL) != 0;
  add_to(&j->quote.lower, false, lower);
  add_to(&j->quote.middle, is_small, middle);
  add_to(&j->quote.upper, is_small, both_upper);
  if (!(work & TLW_BARS_SIDES)) return;
  add_chosen_to(buys, &j->buy_quote.lower, false, lower);
  add_chosen_to(buys, &j->buy_quote.middle, is_small, middle);
  add_chosen_to(buys, &j->buy_quote.upper, is_small, both_upper);
}

INLINE void join_amounts(struct joined *j, unsigned work, struct place p, whole price, choice buys) {
  const whole quantity = column(p, p.rows->quantity);
  if (work & TLW_BARS_EXAMINE) j->least = least(j->least, otherwise(p, quantity, j->least));
  if (work & (TLW_BARS_EXAMINE | TLW_BARS_SMALL)) j->most = greatest(j->most, quantity);
  const bool is_small = (work & TLW_BARS_SMALL) != 0;
  if (work & TLW_BARS_VOLUME) add_to(&j->volume, is_small, quantity);
  if (work & TLW_BARS_VOLUME && work & TLW_BARS_SIDES) add_chosen_to(buys, &j->buy_volume, is_small, quantity);
  if (work & TLW_BARS_QUOTE) join_turnover(j, work, price, quantity, buys);
}

INLINE void join_rows(struct joined *j, unsigned work, struct place p) {
  if (work & TLW_BARS_EXAMINE) examine_order(j, work, p);
  const whole price = column(p, p.rows->price);
  j->low = least(j->low, otherwise(p, price, j->low));
  j->high = greatest(j->high, otherwise(p, price, j->high));
  choice buys = choose_none();
  if (work & TLW_BARS_SIDES) buys = choose_zeros(p.here, p.rows->is_buyer_maker + p.i);
  if (work & (TLW_BARS_QUANTITY | TLW_BARS_VOLUME | TLW_BARS_QUOTE)) join_amounts(j, work, p, price, buys);
  if (work & TLW_BARS_RANGES)
    join_ranges(j, work, p, buys);
  else if (work & TLW_BARS_SIDES)
    j->buy_trades = add_chosen(buys, j->buy_trades, splat(1));
}

/* ---- results ---- */

INLINE wide all_of(struct sum sum, bool is_small) {
  if (is_small) return sum_of(sum.all);
  const uint64_t high = sum_of(sum.upper);
  return ((wide)high << 32) + (sum_of(sum.all) - (high << 32));
}

INLINE tlk_u128 number_of(wide x) { return (tlk_u128){(uint64_t)x, (uint64_t)(x >> 64)}; }

/* overflow: 1 if there are more than 128 bits. */
INLINE tlk_u128 turnover_of(struct turnover t, bool is_small, uint64_t *overflow) {
  const wide middle = all_of(t.middle, is_small);
  const wide low = all_of(t.lower, false) + ((wide)(uint32_t)middle << 32);
  const wide high = all_of(t.upper, is_small) + (middle >> 32) + (low >> 64);
  *overflow = high >> 64 != 0;
  return (tlk_u128){(uint64_t)low, (uint64_t)high};
}

INLINE bool is_bad(const struct joined *j, unsigned work, int64_t low) {
  if (low <= 0 || bits_of(j->disorder)) return true;
  if (work & TLW_BARS_QUANTITY && least_of(j->least) <= 0) return true;
  if (!(work & TLW_BARS_RANGES)) return false;
  /* A span of 2^31 or more has a bit there, and one below 0 the sign, unless an end is below 0. */
  return any((j->spans >> 31) | (j->ends >> 63));
}

INLINE void join_all(struct joined *j, const tlw_trades *rows, unsigned work, int64_t begin, int64_t end) {
  int64_t i = begin;
  for (; i + TLK_LANES <= end; i += TLK_LANES) join_rows(j, work, whole_place(rows, work, i));
  if (i < end) join_rows(j, work, last_place(rows, i, end));
}

/* What join_pass returns where it comes to no end. */
#define BAD -1
#define LARGE -2

/* Prices and quantities that are small are below this: sums of lower times upper halves in a pass then have 64 bits. */
#define SMALL_BITS 52

/* Up to PASS rows. Returns where they end; or BAD: one of them is; or LARGE: they are not small. */
INLINE int64_t join_pass(const tlw_trades *rows, unsigned work, int64_t begin, int64_t end,
                         const struct tlw_bars_checks *checks, struct tlw_cpu_cut *cut, tlk_bar_part *part,
                         int64_t *quantity, bool *is_cut) {
  struct joined j = {.high = splat(0),
                     .low = splat(INT64_MAX),
                     .least = splat(INT64_MAX),
                     .most = splat(0),
                     .volume = no_sum(),
                     .buy_volume = no_sum(),
                     .quote = no_turnover(),
                     .buy_quote = no_turnover(),
                     .trades = splat(0),
                     .buy_trades = splat(0),
                     .time = splat(checks->before.time),
                     .id = splat(checks->before.id),
                     .spans = splat(0),
                     .ends = splat(0),
                     .disorder = choose_none()};
  int64_t i = begin;
  /* One loop in place of one for groups in one for rows, which would be unrolled until it needs too many registers. */
  for (int64_t known = begin; i < known || (i + GROUP <= end && !may_cut(rows, cut, i)); i += TLK_LANES) {
    if (i == known) known += GROUP;
    join_rows(&j, work, whole_place(rows, work, i));
  }
  if (i < end) {
    const int64_t closing = cut_rows(rows, cut, i, end);
    *is_cut = closing < end;
    end = closing + (*is_cut && !is_apart(cut));
  }
  join_all(&j, rows, work, i, end);
  *part = tlk_bar_none();
  if (begin == end) return end;
  const int64_t low = least_of(j.low), high = greatest_of(j.high);
  if (work & TLW_BARS_EXAMINE) {
    if (rows->time[end - 1] > checks->last_time) return BAD;
    if (is_bad(&j, work, low)) return BAD;
  }
  *quantity = greatest_of(j.most);
  const bool is_small = (work & TLW_BARS_SMALL) != 0;
  if (is_small && (high | *quantity) >> SMALL_BITS) return LARGE;
  part->rows = end - begin;
  part->open = rows->price[begin];
  part->close = rows->price[end - 1];
  part->low = low;
  part->high = high;
  if (work & TLW_BARS_VOLUME) part->volume = number_of(all_of(j.volume, is_small));
  if (work & TLW_BARS_QUOTE) part->quote = turnover_of(j.quote, is_small, &part->overflow);
  if (work & TLW_BARS_TRADES) part->trades = part->rows + (int64_t)sum_of(j.trades);
  if (!(work & TLW_BARS_SIDES)) return end;
  uint64_t ignored;
  if (work & TLW_BARS_VOLUME) part->buy_volume = number_of(all_of(j.buy_volume, is_small));
  if (work & TLW_BARS_QUOTE) part->buy_quote = turnover_of(j.buy_quote, is_small, &ignored);
  part->buy_trades = (int64_t)sum_of(j.buy_trades);
  return end;
}

/* A loop for the usual work, and one for any other. */
static int64_t join_by_work(const tlw_trades *rows, unsigned work, int64_t begin, int64_t end,
                            const struct tlw_bars_checks *checks, struct tlw_cpu_cut *cut, tlk_bar_part *part,
                            int64_t *quantity, bool *is_cut) {
#define FOR(usual)                                                                                                     \
  if (work == (usual)) return join_pass(rows, usual, begin, end, checks, cut, part, quantity, is_cut)
#ifndef TLW_FEW_COPIES
  enum {
    AMOUNTS = TLW_BARS_EXAMINE | TLW_BARS_QUANTITY,
    VOLUME = AMOUNTS | TLW_BARS_VOLUME | TLW_BARS_SMALL,
    QUOTE = VOLUME | TLW_BARS_QUOTE,
    ALL = QUOTE | TLW_BARS_SIDES | TLW_BARS_TRADES
  };
  FOR(QUOTE);
  FOR(QUOTE | TLW_BARS_ID);
  FOR(VOLUME);
  FOR(VOLUME | TLW_BARS_ID);
  FOR(AMOUNTS);
  FOR(ALL);
  FOR(ALL | TLW_BARS_ID);
  FOR(ALL | TLW_BARS_ID | TLW_BARS_RANGES);
#endif
#undef FOR
  return join_pass(rows, work, begin, end, checks, cut, part, quantity, is_cut);
}

/* Whether it is worth trying: the first row is. */
static bool may_be_small(const tlw_trades *rows, unsigned work, int64_t i) {
  return work & (TLW_BARS_VOLUME | TLW_BARS_QUOTE) && (rows->price[i] | rows->quantity[i]) >> SMALL_BITS == 0;
}

int64_t TLW_TIERED(tlw_bars_join)(const tlw_trades *rows, unsigned work, int64_t begin, int64_t end,
                                  struct tlw_bars_checks *checks, struct tlw_cpu_cut *cut, tlk_bar_part *part,
                                  int64_t *quantity, enum tlw_cpu_taken *taken) {
  *part = tlk_bar_none();
  *quantity = 0;
  *taken = TLW_CPU_TAKEN_ALL;
  while (begin < end && *taken == TLW_CPU_TAKEN_ALL) {
    const tlk_u128 need = cut->need;
    const int64_t pass = end - begin > PASS ? begin + PASS : end;
    bool is_cut = false;
    tlk_bar_part next;
    int64_t most = 0, until = LARGE;
    if (may_be_small(rows, work, begin))
      until = join_by_work(rows, work | TLW_BARS_SMALL, begin, pass, checks, cut, &next, &most, &is_cut);
    if (until == LARGE) {
      cut->need = need;
      until = join_by_work(rows, work, begin, pass, checks, cut, &next, &most, &is_cut);
    }
    if (until == BAD) {
      cut->need = need;
      *taken = TLW_CPU_TAKEN_TO_BAD;
      break;
    }
    *part = tlk_bar_join(*part, next);
    if (most > *quantity) *quantity = most;
    if (until > begin) checks->before.time = rows->time[until - 1];
    if (until > begin && work & TLW_BARS_ID) checks->before.id = rows->id[until - 1];
    if (is_cut) *taken = TLW_CPU_TAKEN_TO_CUT;
    begin = until;
  }
  return begin;
}
