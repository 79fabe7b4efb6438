/*
 * The loops over trades of every SIMD tier against the same row by row: with and without each column, from any row to any
 * other, with numbers up to the greatest there is, rows that are bad, and columns that end where memory does.
 *
 *   TALLOW_TEST_CASES=N   random columns on each tier
 *   TALLOW_TEST_SEED=S    the first seed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "host/cpu/bars_tier.h"
#include "host/cpu/tier.h"
#include "series.h"

#define CASES 3000
#define FIRST_SEED 7
#define MOST_ROWS 300
#define LONG_ROWS 5000
#define GUARD UINT64_C(0x5bd1e995a5a5a5a5)

/* ---- tiers ---- */

static const char *const names[] = {"baseline", "avx2", "avx512"};
#define N_NAMES (sizeof names / sizeof *names)

static const struct tlw_cpu_tier *tiers[N_NAMES];
static size_t n_tiers;

static int find_tiers(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    tlw_error error;
    setenv("TALLOW_CPU_TIER", names[i], 1);
    if (tlw_cpu_tier(&tiers[n_tiers], &error) == TLW_OK)
      n_tiers++;
    else
      printf("%s: skipped: %s\n", names[i], error.message);
  }
  unsetenv("TALLOW_CPU_TIER");
  return n_tiers > 0 ? 0 : -1;
}

/* ---- columns, at one end of memory that can be read ---- */

enum { TIME, PRICE, QUANTITY, ID, FIRST_ID, LAST_ID, OPEN, HIGH, LOW, QUOTE, COUNT, MAKER, COLUMNS };

struct field {
  uint8_t *pages[COLUMNS]; /* between two that can't be read */
  size_t size;
  int64_t *columns[COLUMNS];
  uint8_t *maker;
  tlw_trades rows;
};

static void field_open(struct field *f) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  f->size = (LONG_ROWS * sizeof(int64_t) + page - 1) / page * page;
  for (int i = 0; i < COLUMNS; i++) {
    uint8_t *all = mmap(NULL, f->size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(all != MAP_FAILED);
    f->pages[i] = all + page;
    assert_int_equal(mprotect(f->pages[i], f->size, PROT_READ | PROT_WRITE), 0);
  }
}

static void field_close(struct field *f) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < COLUMNS; i++) munmap(f->pages[i] - page, f->size + 2 * page);
}

static void field_place(struct field *f, int64_t n_rows, rng *r) {
  for (int i = 0; i < COLUMNS; i++) {
    const size_t size = (size_t)n_rows * (i == MAKER ? 1 : sizeof(int64_t));
    uint8_t *place = rng_below(r, 2) ? f->pages[i] : f->pages[i] + f->size - size;
    if (i == MAKER)
      f->maker = place;
    else
      f->columns[i] = (int64_t *)(void *)place;
  }
}

/* ---- rows ---- */

/* How large numbers are: up to a billion times 1e8, or up to 2^63 - 1. */
static int64_t any_number(rng *r, bool huge) {
  if (huge) return rng_below(r, 4) ? (int64_t)(rng_next(r) >> (1 + rng_below(r, 63))) | 1 : INT64_MAX;
  return 1 + (int64_t)rng_below(r, UINT64_C(1) << (1 + rng_below(r, 56)));
}

static int64_t wrong_number(rng *r) {
  static const int64_t wrong[] = {0, -1, INT64_MIN, INT64_MIN + 1, -100000000, INT64_MAX, 1};
  return wrong[rng_below(r, sizeof wrong / sizeof *wrong)];
}

static void fill_order(struct field *f, int64_t n_rows, rng *r) {
  const uint64_t step = rng_below(r, 3) ? rng_below(r, 1000) : 0;
  int64_t time = rng_below(r, 4) ? (int64_t)rng_below(r, INT64_C(1) << 40) : INT64_MIN;
  int64_t id = rng_below(r, 4) ? (int64_t)rng_below(r, INT64_C(1) << 40) : INT64_MAX - n_rows;
  for (int64_t i = 0; i < n_rows; i++) {
    f->columns[TIME][i] = time;
    f->columns[ID][i] = id;
    const uint64_t spread = rng_below(r, 8) ? UINT64_C(100) : (UINT64_C(1) << 31) + 2;
    f->columns[FIRST_ID][i] = rng_below(r, 9) ? id >> 1 : 0;
    f->columns[LAST_ID][i] = f->columns[FIRST_ID][i] + (int64_t)rng_below(r, rng_below(r, 3) ? 3 : spread) % (1 << 30);
    if (rng_below(r, 50) == 0) f->columns[LAST_ID][i] = f->columns[FIRST_ID][i] + INT32_MAX;
    time += (int64_t)rng_below(r, step + 1);
    id += id < INT64_MAX - n_rows ? 1 + (int64_t)rng_below(r, rng_below(r, 8) ? 1 : 50) : 1;
  }
}

static void fill_amounts(struct field *f, int64_t n_rows, rng *r) {
  const bool huge = rng_below(r, 3) == 0;
  const int64_t level = any_number(r, huge) / 2 + 2;
  for (int64_t i = 0; i < n_rows; i++) {
    f->columns[PRICE][i] = huge ? any_number(r, true) : level + (int64_t)rng_below(r, (uint64_t)level / 2 + 1);
    f->columns[QUANTITY][i] = any_number(r, huge);
    f->columns[OPEN][i] = any_number(r, huge);
    const int64_t open = f->columns[OPEN][i], close = f->columns[PRICE][i];
    const int64_t most = open > close ? open : close, least = open < close ? open : close;
    f->columns[HIGH][i] = rng_below(r, 2) ? most : most + (int64_t)rng_below(r, (uint64_t)(INT64_MAX - most) + 1);
    f->columns[LOW][i] = rng_below(r, 2) ? least : 1 + (int64_t)rng_below(r, (uint64_t)least);
    f->columns[QUOTE][i] = rng_below(r, 5) ? any_number(r, huge) : 0;
    f->columns[COUNT][i] = rng_below(r, 5) ? (int64_t)rng_below(r, 1000) : INT64_C(1) << 31;
    f->maker[i] = (uint8_t)(rng_below(r, 3) ? rng_below(r, 2) : rng_below(r, 256));
  }
}

/* Modulo 2^64. */
static int64_t moved(int64_t x, int64_t by) { return (int64_t)((uint64_t)x + (uint64_t)by); }

static void spoil(struct field *f, int64_t n_rows, rng *r) {
  for (uint64_t n = 1 + rng_below(r, 3); n_rows > 0 && n > 0; n--) {
    const uint64_t column = rng_below(r, MAKER);
    const int64_t i = (int64_t)rng_below(r, (uint64_t)n_rows);
    int64_t *x = &f->columns[column][i];
    if (column == LAST_ID && rng_below(r, 2))
      *x = moved(f->columns[FIRST_ID][i], rng_below(r, 2) ? -1 : INT64_C(1) << 31);
    else
      *x = rng_below(r, 3) ? wrong_number(r) : moved(*x, -1);
  }
}

/* Trades, or rows that are bars. */
static void choose_columns(struct field *f, int64_t n_rows, rng *r) {
  const bool bars = rng_below(r, 5) == 0, ranges = rng_below(r, 2);
  f->rows = (tlw_trades){.struct_size = sizeof f->rows, .n_rows = n_rows};
  f->rows.time = f->columns[TIME];
  f->rows.price = f->columns[PRICE];
  if (rng_below(r, 6)) f->rows.quantity = f->columns[QUANTITY];
  if (rng_below(r, 2)) f->rows.id = f->columns[ID];
  if (ranges) f->rows.first_id = f->columns[FIRST_ID];
  if (ranges) f->rows.last_id = f->columns[LAST_ID];
  if (rng_below(r, 2)) f->rows.is_buyer_maker = f->maker;
  if (bars) f->rows.open = f->columns[OPEN];
  if (bars) f->rows.high = f->columns[HIGH];
  if (bars) f->rows.low = f->columns[LOW];
  if (rng_below(r, bars ? 2 : 20) == 0) f->rows.quote = f->columns[QUOTE];
  if (rng_below(r, bars ? 2 : 20) == 0) f->rows.count = f->columns[COUNT];
}

static void field_fill(struct field *f, int64_t n_rows, rng *r) {
  field_place(f, n_rows, r);
  fill_order(f, n_rows, r);
  fill_amounts(f, n_rows, r);
  if (rng_below(r, 3) == 0) spoil(f, n_rows, r);
  choose_columns(f, n_rows, r);
}

/* ---- row by row ---- */

static bool in_range(const int64_t *column, int64_t i, int64_t least, int64_t most) {
  return !column || (column[i] >= least && column[i] <= most);
}

static bool is_good(const tlw_trades *t, int64_t i) {
  const bool bars = t->open != NULL;
  if (bars && (t->low[i] > t->open[i] || t->low[i] > t->high[i] || t->low[i] > t->price[i])) return false;
  if (bars && (t->high[i] < t->open[i] || t->high[i] < t->price[i])) return false;
  if (t->first_id && (t->first_id[i] < 0 || t->last_id[i] < t->first_id[i])) return false;
  if (t->first_id && t->last_id[i] - t->first_id[i] >= INT64_C(1) << 31) return false;
  return in_range(t->price, i, 1, INT64_MAX) && in_range(t->open, i, 1, INT64_MAX) &&
         in_range(t->high, i, 1, INT64_MAX) && in_range(t->low, i, 1, INT64_MAX) &&
         in_range(t->quantity, i, bars ? 0 : 1, INT64_MAX) && in_range(t->quote, i, 0, INT64_MAX) &&
         in_range(t->count, i, 0, INT64_C(1) << 31) && in_range(t->id, i, 0, INT64_MAX);
}

static bool is_behind(const tlw_trades *t, int64_t i, struct tlw_cpu_last_row before) {
  return t->time[i] >= before.time && (!t->id || t->id[i] > before.id);
}

static void widen(struct tlw_cpu_extremes *e, int64_t low, int64_t high, int64_t quantity) {
  if (low < e->low) e->low = low;
  if (high > e->high) e->high = high;
  if (quantity > e->quantity) e->quantity = quantity;
}

static tlk_bar_part part_of(const tlw_trades *t, uint32_t fields, int64_t i) {
  tlk_bar_row row = {.close = t->price[i], .open = t->price[i], .high = t->price[i], .low = t->price[i], .trades = 1};
  if (t->quantity) row.quantity = t->quantity[i];
  if (t->first_id) row.trades = t->last_id[i] - t->first_id[i] + 1;
  row.quote = tlk_u128_product((uint64_t)row.close, (uint64_t)row.quantity);
  if (t->open) {
    row.open = t->open[i];
    row.high = t->high[i];
    row.low = t->low[i];
    row.trades = t->count ? t->count[i] : 0;
    row.quote = t->quote ? tlk_u128_product((uint64_t)t->quote[i], TLW_DECIMAL_ONE) : tlk_u128_of(0);
  }
  row.is_buy = t->is_buyer_maker && t->is_buyer_maker[i] == 0;
  return tlk_bar_of_row(row, fields);
}

static tlk_bar_part join_rows(const tlw_trades *t, uint32_t fields, int64_t begin, int64_t end) {
  tlk_bar_part part = tlk_bar_none();
  for (int64_t i = begin; i < end; i++) part = tlk_bar_join(part, part_of(t, fields, i));
  return part;
}

static int64_t examine_rows(const tlw_trades *t, int64_t begin, int64_t end, struct tlw_cpu_last_row before,
                            int64_t first_time, int64_t last_time, struct tlw_cpu_extremes *extremes) {
  *extremes = (struct tlw_cpu_extremes){INT64_MAX, INT64_MIN, 0};
  for (int64_t i = begin; i < end; i++) {
    if (!is_good(t, i) || !is_behind(t, i, before) || !in_range(t->time, i, first_time, last_time)) return i;
    widen(extremes, t->open ? t->low[i] : t->price[i], t->open ? t->high[i] : t->price[i],
          t->quantity ? t->quantity[i] : 0);
    before = (struct tlw_cpu_last_row){t->time[i], t->id ? t->id[i] : -1};
  }
  return end;
}

static int64_t find_amount(const int64_t *price, const int64_t *quantity, int64_t begin, int64_t end, tlk_u128 *rest) {
  for (int64_t i = begin; i < end; i++) {
    const tlk_u128 amount = tlk_u128_product(price ? (uint64_t)price[i] : 1, (uint64_t)quantity[i]);
    if (!tlk_u128_less(amount, *rest)) return i;
    *rest = tlk_u128_subtract(*rest, amount);
  }
  return end;
}

/* ---- comparisons ---- */

/* By enum tlw_cpu_taken, how often rows ended so; and rows that were taken: that the test meets what it is for. */
static int64_t counts[3], counted_rows;

#define SAME(a, b) assert_int_equal(a, b)

/* A result between words that must stay. */
struct guarded_part {
  uint64_t before;
  tlk_bar_part part;
  uint64_t behind;
};

static void check_part(const struct guarded_part *got, const tlk_bar_part *expected) {
  assert_true(got->before == GUARD && got->behind == GUARD);
  assert_memory_equal(&got->part, expected, sizeof *expected);
}

static struct guarded_part poisoned_part(void) {
  struct guarded_part g = {GUARD, tlk_bar_none(), GUARD};
  memset(&g.part, 0xa5, sizeof g.part);
  return g;
}

struct span {
  int64_t begin, end;
  struct tlw_cpu_last_row before;
  int64_t first_time, last_time;
};

static struct span any_span(const struct field *f, rng *r) {
  const int64_t n = f->rows.n_rows;
  struct span s = {.first_time = INT64_MIN, .last_time = INT64_MAX, .before = {INT64_MIN, -1}};
  s.begin = (int64_t)rng_below(r, rng_below(r, 2) ? (uint64_t)n + 1 : 1);
  s.end = s.begin + (int64_t)rng_below(r, (uint64_t)(n - s.begin) + 1);
  if (rng_below(r, 2)) s.end = n;
  if (s.begin > 0 && rng_below(r, 2)) s.before = (struct tlw_cpu_last_row){f->rows.time[s.begin - 1], s.begin - 2};
  if (s.begin > 0 && f->rows.id) s.before.id = f->rows.id[s.begin - 1];
  if (n > 0 && rng_below(r, 8) == 0) s.first_time = f->rows.time[rng_below(r, (uint64_t)n)];
  if (n > 0 && rng_below(r, 8) == 0) s.last_time = f->rows.time[rng_below(r, (uint64_t)n)];
  if (s.end > s.begin && rng_below(r, 16) == 0) s.before.time = moved(f->rows.time[s.begin], rng_below(r, 2) ? 1 : 0);
  if (s.end > s.begin && f->rows.id && rng_below(r, 16) == 0) s.before.id = f->rows.id[s.begin];
  return s;
}

static void check_examined(const struct tlw_cpu_bars_tier *tier, const struct field *f, const struct span *s,
                           uint32_t fields) {
  struct tlw_cpu_extremes extremes, expected;
  const int64_t bad = examine_rows(&f->rows, s->begin, s->end, s->before, s->first_time, s->last_time, &expected);
  SAME(tier->examine(&f->rows, s->begin, s->end, s->before, s->first_time, s->last_time, &extremes), bad);
  assert_memory_equal(&extremes, &expected, sizeof expected);
  const tlk_bar_part part = join_rows(&f->rows, fields, s->begin, bad);
  struct guarded_part joined = poisoned_part(), both = poisoned_part();
  tier->join(&f->rows, fields, s->begin, bad, &joined.part);
  check_part(&joined, &part);
  SAME(tier->examine_and_join(&f->rows, fields, s->begin, s->end, s->before, s->first_time, s->last_time, &both.part),
       bad);
  check_part(&both, &part);
}

/* A number of the column, or one beside it, or any. */
static int64_t number_near(const int64_t *column, const struct span *s, rng *r) {
  if (s->begin == s->end || rng_below(r, 8) == 0) return (int64_t)rng_next(r);
  const int64_t x = column[s->begin + (int64_t)rng_below(r, (uint64_t)(s->end - s->begin))];
  return (int64_t)((uint64_t)x + rng_below(r, 3) - 1);
}

static void check_searches(const struct tlw_cpu_bars_tier *tier, const struct field *f, const struct span *s, rng *r) {
  const int64_t *time = f->rows.time, *price = f->rows.price;
  const int64_t limit = number_near(time, s, r);
  int64_t i = s->begin;
  while (i < s->end && time[i] < limit) i++;
  SAME(tier->find_time(time, s->begin, s->end, limit), i);

  const int64_t low = rng_below(r, 2) ? number_near(price, s, r) : INT64_MIN;
  const int64_t high = rng_below(r, 2) ? number_near(price, s, r) : INT64_MAX;
  for (i = s->begin; i < s->end && price[i] > low && price[i] < high;) i++;
  SAME(tier->find_price(price, s->begin, s->end, low, high), i);
}

/* What the rows up to one of them add up to, or a bit less or more; or any number. */
static tlk_u128 amount_near(const int64_t *price, const int64_t *quantity, const struct span *s, rng *r) {
  tlk_u128 sum = {1 + rng_below(r, 2), 0};
  if (rng_below(r, 16) == 0) return (tlk_u128){rng_next(r), rng_next(r) >> rng_below(r, 64)};
  const int64_t end = s->begin + (int64_t)rng_below(r, (uint64_t)(s->end - s->begin) + 1);
  for (int64_t i = s->begin; i < end; i++)
    sum = tlk_u128_add(sum, tlk_u128_product(price ? (uint64_t)price[i] : 1, (uint64_t)quantity[i]));
  if (rng_below(r, 2) && (sum.low > 2 || sum.high)) sum = tlk_u128_subtract(sum, tlk_u128_of(2));
  return sum.low | sum.high ? sum : tlk_u128_of(1);
}

static void check_sums(const struct tlw_cpu_bars_tier *tier, const struct field *f, const struct span *s, rng *r) {
  const int64_t *price = f->columns[PRICE], *quantity = f->columns[QUANTITY];
  tlk_u128 rest = amount_near(NULL, quantity, s, r), expected = rest;
  int64_t found = find_amount(NULL, quantity, s->begin, s->end, &expected);
  SAME(tier->find_volume(quantity, s->begin, s->end, &rest), found);
  assert_memory_equal(&rest, &expected, sizeof rest);
  rest = expected = amount_near(price, quantity, s, r);
  found = find_amount(price, quantity, s->begin, s->end, &expected);
  SAME(tier->find_value(price, quantity, s->begin, s->end, &rest), found);
  assert_memory_equal(&rest, &expected, sizeof rest);
}

/* ---- rows up to a cut ---- */

static bool ends_at(const tlw_trades *t, struct tlw_cpu_cut *cut, int64_t i) {
  if (cut->kind == TLW_CPU_CUT_TIME) return t->time[i] >= cut->time;
  if (cut->kind == TLW_CPU_CUT_PRICE)
    return t->time[i] > cut->gate && (t->price[i] <= cut->low || t->price[i] > cut->high);
  if (cut->kind == TLW_CPU_CUT_NONE) return false;
  return find_amount(cut->kind == TLW_CPU_CUT_VALUE ? t->price : NULL, t->quantity, i, i + 1, &cut->need) == i;
}

static int64_t take_rows(const tlw_trades *t, const struct span *s, struct tlw_cpu_cut *cut,
                         enum tlw_cpu_taken *taken) {
  struct tlw_cpu_last_row before = s->before;
  for (int64_t i = s->begin; i < s->end; i++) {
    *taken = TLW_CPU_TAKEN_TO_BAD;
    if (!is_good(t, i) || !is_behind(t, i, before) || !in_range(t->time, i, s->first_time, s->last_time)) return i;
    *taken = TLW_CPU_TAKEN_TO_CUT;
    if (ends_at(t, cut, i)) return i + (cut->kind != TLW_CPU_CUT_TIME && !cut->apart);
    before = (struct tlw_cpu_last_row){t->time[i], t->id ? t->id[i] : -1};
  }
  *taken = TLW_CPU_TAKEN_ALL;
  return s->end;
}

static struct tlw_cpu_cut any_cut(const struct field *f, const struct span *s, rng *r) {
  struct tlw_cpu_cut cut = {.kind = (enum tlw_cpu_cut_kind)rng_below(r, f->rows.quantity ? 5 : 3)};
  const bool is_value = cut.kind == TLW_CPU_CUT_VALUE;
  cut.time = number_near(f->rows.time, s, r);
  cut.gate = rng_below(r, 2) ? number_near(f->rows.time, s, r) : INT64_MIN;
  cut.low = rng_below(r, 2) ? number_near(f->rows.price, s, r) : 0;
  cut.high = rng_below(r, 2) ? number_near(f->rows.price, s, r) : INT64_MAX;
  if (cut.kind == TLW_CPU_CUT_VOLUME || is_value) {
    cut.need = amount_near(is_value ? f->columns[PRICE] : NULL, f->columns[QUANTITY], s, r);
    cut.apart = rng_below(r, 2);
  }
  return cut;
}

static void check_take(const struct tlw_cpu_bars_tier *tier, const struct field *f, const struct span *s,
                       uint32_t fields, rng *r) {
  struct tlw_cpu_cut cut = any_cut(f, s, r), expected_cut = cut;
  enum tlw_cpu_taken taken, expected_taken;
  const int64_t end = take_rows(&f->rows, s, &expected_cut, &expected_taken);
  const tlk_bar_part part = join_rows(&f->rows, fields, s->begin, end);
  struct guarded_part got = poisoned_part();
  SAME(tier->take(&f->rows, fields, s->begin, s->end, s->before, s->first_time, s->last_time, &cut, &got.part, &taken),
       end);
  SAME(taken, expected_taken);
  check_part(&got, &part);
  assert_memory_equal(&cut.need, &expected_cut.need, sizeof cut.need);
  counts[taken]++;
  counted_rows += end - s->begin;
}

/* ---- tests ---- */

static void check_case(const struct tlw_cpu_bars_tier *tier, struct field *f, uint64_t seed) {
  rng r = {seed};
  field_fill(f, (int64_t)rng_below(&r, seed % 50 ? MOST_ROWS + 1 : LONG_ROWS + 1), &r);
  for (int k = 0; k < 6; k++) {
    const struct span s = any_span(f, &r);
    check_examined(tier, f, &s, (uint32_t)rng_below(&r, 16));
    check_take(tier, f, &s, (uint32_t)rng_below(&r, 16), &r);
    check_searches(tier, f, &s, &r);
    check_sums(tier, f, &s, &r);
  }
}

static void test_random(void **unused) {
  (void)unused;
  const uint64_t first = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  const uint64_t n = environment_number("TALLOW_TEST_CASES", CASES);
  struct field f;
  field_open(&f);
  for (size_t i = 0; i < n_tiers; i++) {
    for (uint64_t seed = first; seed < first + n; seed++) check_case(tiers[i]->bars, &f, seed);
    printf("%s: %" PRIu64 " cases, %" PRId64 " rows; whole %" PRId64 ", cut %" PRId64 ", bad %" PRId64 "\n",
           tiers[i]->name, n, counted_rows, counts[TLW_CPU_TAKEN_ALL], counts[TLW_CPU_TAKEN_TO_CUT],
           counts[TLW_CPU_TAKEN_TO_BAD]);
    for (int k = 0; k < 3; k++) assert_true(counts[k] >= (int64_t)n / 2);
    assert_true(counted_rows > (int64_t)n * 100);
  }
  field_close(&f);
}

/* Prices and quantities are 2^bits - 1, all of them. */
static void fill_bits(struct field *f, int bits, rng *r) {
  field_place(f, LONG_ROWS, r);
  for (int64_t i = 0; i < LONG_ROWS; i++) {
    f->columns[PRICE][i] = f->columns[QUANTITY][i] = (int64_t)((UINT64_C(1) << bits) - 1);
    f->columns[TIME][i] = INT64_MAX - LONG_ROWS + i;
    f->columns[FIRST_ID][i] = INT64_MAX - INT32_MAX;
    f->columns[LAST_ID][i] = INT64_MAX;
    f->maker[i] = 0;
  }
  f->rows = (tlw_trades){.n_rows = LONG_ROWS,
                         .time = f->columns[TIME],
                         .price = f->columns[PRICE],
                         .quantity = f->columns[QUANTITY],
                         .first_id = f->columns[FIRST_ID],
                         .last_id = f->columns[LAST_ID],
                         .is_buyer_maker = f->maker};
}

/* Sums of 128 bits, and beyond; and where sums of 64 bits stop to suffice. */
static void test_greatest(void **unused) {
  (void)unused;
  struct field f;
  rng r = {1};
  field_open(&f);
  for (int bits = 48; bits <= 63; bits++) {
    fill_bits(&f, bits, &r);
    for (size_t i = 0; i < n_tiers; i++)
      for (int64_t n = 1; n <= LONG_ROWS; n = n < 70 ? n + 1 : n * 2 + 1) {
        const struct span s = {0, n, {INT64_MIN, -1}, INT64_MIN, INT64_MAX};
        check_examined(tiers[i]->bars, &f, &s, 15);
        check_sums(tiers[i]->bars, &f, &s, &r);
      }
  }
  assert_true(join_rows(&f.rows, 15, 0, 4).overflow == 0);
  assert_true(join_rows(&f.rows, 15, 0, 5).overflow == 1);
  field_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_greatest)};
  return cmocka_run_group_tests(tests, find_tiers, NULL);
}
