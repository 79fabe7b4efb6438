#include "time_ticks.h"

#include <string.h>

#include "host/io/time_text.h"

#define SECOND INT64_C(1000000000)

/* ---- candles that count ---- */

/*
 * A number of a candle that counts: its place in the columns that are given; on the index axis, where a pixel column
 * holds several candles, the pixel column; else its row. On the time axis rows may be of candles that don't count: after
 * a search the one of the same pixel column that does is taken.
 */

static bool is_by_column(const struct tlw_time_axis *axis) {
  return !axis->columns && !axis->slots->by_time && axis->slots->count > axis->plot_width;
}

static int64_t count_of(const struct tlw_time_axis *axis) {
  if (axis->columns) return axis->n_columns;
  return is_by_column(axis) ? axis->plot_width : axis->slots->count;
}

static int64_t row_of(const struct tlw_time_axis *axis, int64_t candle) {
  return is_by_column(axis) ? tlk_slot_first((int32_t)candle + 1, axis->slots->count, axis->plot_width) - 1 : candle;
}

static int64_t time_at(const struct tlw_time_axis *axis, int64_t candle) {
  const int64_t row = row_of(axis, candle);
  if (axis->stride == 0) return axis->times[row];
  int64_t time;
  memcpy(&time, (const char *)axis->times + (size_t)row * (size_t)axis->stride, sizeof time);
  return time;
}

static int32_t centre_of(const struct tlw_time_axis *axis, int64_t candle) {
  const tlk_series *const slots = axis->slots;
  if (axis->columns) return axis->columns[candle];
  if (is_by_column(axis)) return (int32_t)candle;
  const uint64_t u =
      slots->by_time ? tlk_slot_position(time_at(axis, candle), slots->origin, slots->shift) : (uint64_t)candle;
  return tlk_slot_centre(u, slots->step, slots->span, axis->plot_width);
}

/* The first candle from `from` on in column x or right of it; the count if there is none. */
static int64_t find_column(const struct tlw_time_axis *axis, int64_t from, int32_t x) {
  int64_t end = count_of(axis);
  while (from < end) {
    const int64_t middle = from + (end - from) / 2;
    if (centre_of(axis, middle) < x)
      from = middle + 1;
    else
      end = middle;
  }
  return from;
}

/* The first candle from this one on that counts; the count if there is none. */
static int64_t next_that_counts(const struct tlw_time_axis *axis, int64_t candle) {
  if (axis->columns || !axis->slots->by_time || candle + 1 >= count_of(axis)) return candle;
  const int32_t x = centre_of(axis, candle);
  return centre_of(axis, candle + 1) == x ? find_column(axis, candle, x + 1) - 1 : candle;
}

/* Whether its pixel column holds others. */
static bool is_shared(const struct tlw_time_axis *axis, int64_t candle) {
  if (axis->columns) return axis->shared[candle];
  if (is_by_column(axis)) {
    const tlk_series *const slots = axis->slots;
    const int32_t x = (int32_t)candle;
    return tlk_slot_first(x + 1, slots->count, axis->plot_width) - tlk_slot_first(x, slots->count, axis->plot_width) >
           1;
  }
  return axis->slots->by_time && candle > 0 && centre_of(axis, candle - 1) == centre_of(axis, candle);
}

/* ---- times ---- */

static bool are_in_order(const struct tlw_time_axis *axis) {
  const int64_t count = count_of(axis);
  int64_t before = time_at(axis, 0);
  for (int64_t i = 1; i < count; i++) {
    const int64_t time = time_at(axis, i);
    if (time < before) return false;
    before = time;
  }
  return true;
}

static bool have_times(const struct tlw_time_axis *axis) {
  if (!axis->times || count_of(axis) == 0 || (!axis->in_order && !are_in_order(axis))) return false;
  const int64_t first = time_at(axis, next_that_counts(axis, 0)), last = time_at(axis, count_of(axis) - 1);
  return first >= TLW_TIME_FIRST * SECOND && last < TLW_TIME_END * SECOND;
}

/* The first candle from `from` on whose time is not before `time`; the count if there is none. */
static int64_t find_time(const struct tlw_time_axis *axis, int64_t from, int64_t time) {
  const int64_t count = count_of(axis);
  int64_t reach = 1, high = from;
  while (high < count && time_at(axis, high) < time) {
    from = high + 1;
    high = reach < count - high ? high + reach : count;
    reach *= 2;
  }
  while (from < high) {
    const int64_t middle = from + (high - from) / 2;
    if (time_at(axis, middle) < time)
      from = middle + 1;
    else
      high = middle;
  }
  return from;
}

struct clock {
  const struct tlw_time_axis *axis;
  struct tlw_zone_span span; /* of the zone, that was needed last */
};

/* How far the zone is ahead at a time, in ns; the span is set to that of the time. */
static int64_t ahead_at(struct clock *clock, int64_t time) {
  const int64_t seconds = time / SECOND - (time % SECOND < 0);
  return tlw_zone_offset(clock->axis->zone, &clock->span, seconds) * SECOND;
}

static int64_t local_at(struct clock *clock, int64_t candle) {
  const int64_t time = time_at(clock->axis, candle);
  return time + ahead_at(clock, time);
}

/* The first row from `from` on whose local time is not before `local`; the count if there is none. */
static int64_t find_row(struct clock *clock, int64_t from, int64_t local) {
  const int64_t count = count_of(clock->axis);
  while (from < count) {
    const int64_t ahead = ahead_at(clock, time_at(clock->axis, from));
    const int64_t found = find_time(clock->axis, from, local - ahead);
    if (clock->span.end >= TLW_TIME_END) return found;
    const int64_t end = clock->span.end * SECOND;
    if (found < count && time_at(clock->axis, found) < end) return found;
    from = find_time(clock->axis, from, end);
  }
  return count;
}

/* The first candle that counts; where the clock is put back, the next one after a row may lie before it again. */
static int64_t find_local(struct clock *clock, int64_t from, int64_t local) {
  const int64_t count = count_of(clock->axis);
  for (;;) {
    from = next_that_counts(clock->axis, find_row(clock, from, local));
    if (from >= count || local_at(clock, from) >= local) return from;
  }
}

/* ---- candidates ---- */

struct candidate {
  int64_t candle, local;
  int64_t boundary; /* the first time of the step that is later than M */
  int32_t x, left, width;
  int8_t weight;
  bool counts, placed;
};

struct candidates {
  int32_t count;
  struct candidate at[TLW_TIME_CANDIDATES];
};

/* What is asked, and what every step needs of it. */
struct search {
  const struct tlw_time_axis *axis;
  struct clock clock;
  int64_t first_local;   /* L of candle 0 */
  int64_t latest;        /* no L is later */
  int32_t most;          /* candidates */
  int16_t advances[128]; /* of letters, which the font looks for; -1: not known yet */
};

static struct search begin_search(const struct tlw_time_axis *axis) {
  struct search search = {.axis = axis, .clock = {.axis = axis}};
  const int32_t width = axis->room_left + axis->plot_width + axis->room_right;
  const int32_t most = 3 * (width / (axis->font->digit_advance + axis->gap) + 1) / 2;
  search.most = most < TLW_TIME_CANDIDATES ? most : TLW_TIME_CANDIDATES;
  search.first_local = local_at(&search.clock, next_that_counts(axis, 0));
  search.latest = time_at(axis, count_of(axis) - 1) + 2 * TLW_TIME_DAY * SECOND;
  memset(search.advances, -1, sizeof search.advances);
  return search;
}

static int32_t advance_of(struct search *search, char letter) {
  int16_t *const advance = &search->advances[letter & 127];
  if (*advance < 0) *advance = (int16_t)tlw_text_width(search->axis->font, &letter, 1, NULL);
  return *advance;
}

/* The time that its text says: in a pixel column of several candles that of the boundary, which one of them crosses. */
static int64_t said_by(const struct tlw_time_axis *axis, const struct candidate *c) {
  return is_shared(axis, c->candle) ? tlw_time_weight_floor(c->weight, c->local) : c->local;
}

/* As tlw_text_width has it: text of ASCII is as wide as its letters. */
static void measure(struct search *search, struct candidate *c, enum tlw_time_context context) {
  char text[TLW_TIME_TEXT_SIZE];
  const int32_t length = tlw_time_text(text, c->weight, said_by(search->axis, c), context);
  c->width = 0;
  for (int32_t i = 0; i < length; i++) c->width += advance_of(search, text[i]);
  c->left = c->x - c->width / 2;
}

static bool is_in_bounds(const struct tlw_time_axis *axis, const struct candidate *c) {
  return c->left >= -axis->room_left && c->left + c->width <= axis->plot_width + axis->room_right;
}

/* The heaviest weight with a time from the boundary on: all times of heavier weights are times of the step too. */
static int8_t weigh(const struct candidate *c) {
  const bool is_midnight = tlw_time_weight_floor(TLW_WEIGHT_DAY, c->local) >= c->boundary;
  int8_t weight = is_midnight ? TLW_WEIGHT_YEAR : TLW_WEIGHT_PERIODS;
  while (weight < TLW_WEIGHTS - 1 && tlw_time_weight_floor(weight, c->local) < c->boundary) weight++;
  return weight;
}

/* The candidates of a step. false: there are more than most. */
static bool find_candidates(struct search *search, int32_t step, struct candidates *all) {
  const struct tlw_time_axis *const axis = search->axis;
  int64_t candle = next_that_counts(axis, 0), local = search->first_local;
  all->count = 0;
  for (;;) {
    const int64_t boundary = tlw_time_step_next(step, local);
    if (boundary > search->latest) return true;
    candle = find_local(&search->clock, candle + 1, boundary);
    if (candle >= count_of(axis)) return true;
    if (all->count == search->most) return false;
    local = local_at(&search->clock, candle);
    all->at[all->count++] = (struct candidate){.candle = candle, .local = local, .boundary = boundary};
  }
}

static bool gather(struct search *search, int32_t step, struct candidates *all) {
  if (!find_candidates(search, step, all)) return false;
  for (int32_t i = 0; i < all->count; i++) {
    struct candidate *const c = &all->at[i];
    c->weight = weigh(c);
    c->x = centre_of(search->axis, c->candle);
    measure(search, c, TLW_TIME_SHORT);
    c->counts = is_in_bounds(search->axis, c);
  }
  return true;
}

/* ---- placing ---- */

/* Whether the nearest labels on both sides are far enough. Placed ones lie in the order of their candles. */
static bool has_room(const struct candidates *all, int32_t i, int32_t gap) {
  const struct candidate *const c = &all->at[i];
  int32_t before = i - 1, behind = i + 1;
  while (before >= 0 && !all->at[before].placed) before--;
  while (behind < all->count && !all->at[behind].placed) behind++;
  if (before >= 0 && all->at[before].left + all->at[before].width + gap > c->left) return false;
  return behind == all->count || c->left + c->width + gap <= all->at[behind].left;
}

static int32_t place(struct candidates *all, int32_t gap) {
  int32_t n_placed = 0;
  uint64_t weights = 0;
  for (int32_t i = 0; i < all->count; i++) weights |= (uint64_t)all->at[i].counts << all->at[i].weight;
  for (int8_t weight = 0; weights >> weight; weight++) {
    for (int32_t i = 0; i < all->count && weights >> weight & 1; i++) {
      struct candidate *const c = &all->at[i];
      if (c->weight != weight || !c->counts || !has_room(all, i, gap)) continue;
      c->placed = true;
      n_placed++;
    }
  }
  return n_placed;
}

/* Whether a candidate has no room beside a heavier one that is placed. */
static bool yields(const struct candidates *all, const struct candidate *c, int32_t gap) {
  for (int32_t i = 0; i < all->count; i++) {
    const struct candidate *const other = &all->at[i];
    if (other->placed && other->weight < c->weight && other->left < c->left + c->width + gap &&
        c->left < other->left + other->width + gap)
      return true;
  }
  return false;
}

static bool fits(const struct candidates *all, int32_t n_placed, int32_t gap, int32_t room) {
  int32_t n_counting = 0;
  for (int32_t i = 0; i < all->count; i++) n_counting += all->at[i].counts;
  if (n_placed == 0 || n_placed > room || 3 * n_placed < 2 * n_counting) return false;
  for (int32_t i = 0; i < all->count; i++) {
    const struct candidate *const c = &all->at[i];
    if (c->counts && !c->placed && !yields(all, c, gap)) return false;
  }
  return true;
}

/* ---- labels ---- */

static void write_label(const struct tlw_time_axis *axis, struct tlw_time_label *label, const struct candidate *c,
                        enum tlw_time_context context) {
  *label = (struct tlw_time_label){
      .candle = row_of(axis, c->candle), .x = c->x, .left = c->left, .width = c->width, .weight = c->weight};
  label->length = tlw_time_text(label->text, c->weight, said_by(axis, c), context);
}

/* Gives a label its wider text, if there is room. */
static bool widen(struct search *search, struct candidates *all, int32_t i, enum tlw_time_context context) {
  struct candidate *const c = &all->at[i];
  const struct candidate kept = *c;
  measure(search, c, context);
  if (is_in_bounds(search->axis, c) && has_room(all, i, search->axis->gap / 4)) return true;
  *c = kept;
  return false;
}

/* Of those before the first of a year, the candidate that has room for the most, and for what. */
static int32_t find_context(struct search *search, struct candidates *all, enum tlw_time_context *context) {
  for (*context = TLW_TIME_WITH_YEAR; *context != TLW_TIME_SHORT; --*context)
    for (int32_t i = 0; i < all->count && !(all->at[i].placed && all->at[i].weight == TLW_WEIGHT_YEAR); i++)
      if (all->at[i].placed && widen(search, all, i, *context)) return i;
  return -1;
}

static int32_t write_labels(struct search *search, struct candidates *all, struct tlw_time_label *labels) {
  enum tlw_time_context context = TLW_TIME_SHORT;
  const int32_t widened = find_context(search, all, &context);
  int32_t n = 0;
  for (int32_t i = 0; i < all->count; i++)
    if (all->at[i].placed)
      write_label(search->axis, &labels[n++], &all->at[i], i == widened ? context : TLW_TIME_SHORT);
  return n;
}

static int32_t label_middle(struct search *search, struct tlw_time_label *labels) {
  const struct tlw_time_axis *const axis = search->axis;
  const int64_t middle = find_column(axis, 0, axis->plot_width / 2);
  struct candidate c = {.candle = middle < count_of(axis) ? next_that_counts(axis, middle) : count_of(axis) - 1};
  c.local = local_at(&search->clock, c.candle);
  c.x = centre_of(search->axis, c.candle);
  c.weight = (int8_t)tlw_time_exact_weight(c.local);
  measure(search, &c, TLW_TIME_WITH_YEAR);
  if (!is_in_bounds(search->axis, &c)) return 0;
  write_label(axis, labels, &c, TLW_TIME_WITH_YEAR);
  return 1;
}

/* Places the labels of the finest step that fits in one of two, which comes back; NULL: none does. */
static struct candidates *choose(struct search *search, struct candidates two[2], int32_t room) {
  struct candidates *best = NULL, *next = &two[0];
  for (int32_t step = 0; step < TLW_TIME_STEPS && gather(search, step, next); step++) {
    const int64_t count = next->count;
    if (fits(next, place(next, search->axis->gap), search->axis->gap, room)) {
      best = next;
      next = best == &two[0] ? &two[1] : &two[0];
    }
    if (count == count_of(search->axis) - 1 && tlw_time_step_is_in_finer(step)) break; /* these are all again */
  }
  return best;
}

int32_t tlw_time_ticks(const struct tlw_time_axis *axis, struct tlw_time_label *labels, int32_t room) {
  if (room < 1 || !have_times(axis)) return 0;
  struct search search = begin_search(axis);
  struct candidates two[2];
  struct candidates *const best = choose(&search, two, room);
  return best ? write_labels(&search, best, labels) : label_middle(&search, labels);
}
