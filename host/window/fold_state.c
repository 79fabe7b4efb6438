/*
 * Folds row by row. With t = window mod 8, a row completes the group that ends t rows before it. Groups whose first rows
 * are equal mod 8 make a phase; each phase has the join of its groups in the block that is being filled, and of the
 * block before it the suffixes that windows still need, whose places the new groups take one by one.
 */
#include <string.h>

#include "state.h"

#define PHASES TLK_FOLD_GROUP
#define LEVELS 4            /* parts of 1, 2, 4 and 8 rows */
#define RING TLK_FOLD_GROUP /* newest rows whose parts are kept */
#define NEWEST_PARTS (RING * LEVELS)
#define FIRST_SUFFIX (NEWEST_PARTS + PHASES)

#define ALWAYS static inline __attribute__((always_inline))

/* ---- parts in memory: n and the members that a kind uses ---- */

ALWAYS size_t place_of(int32_t kind, int64_t index) { return (size_t)index * (size_t)(1 + tlk_part_members(kind)); }

ALWAYS tlk_part load(int32_t kind, const double *room, int64_t index) {
  const double *from = room + place_of(kind, index);
  tlk_part part = tlk_empty();
  part.n = from[0];
  for (int32_t i = 0; i < TLK_PART_MEMBERS; i++)
    if (i < tlk_part_members(kind)) part.v[i] = from[1 + i];
  return part;
}

ALWAYS void store(int32_t kind, double *room, int64_t index, tlk_part part) {
  double *to = room + place_of(kind, index);
  to[0] = part.n;
  for (int32_t i = 0; i < TLK_PART_MEMBERS; i++)
    if (i < tlk_part_members(kind)) to[1 + i] = part.v[i];
}

/* The part that ends with this row; empty before the first row of the series. */
ALWAYS int64_t newest_at(int64_t row, int32_t level) { return (row & (RING - 1)) * LEVELS + level; }

ALWAYS int64_t prefix_at(int32_t phase) { return NEWEST_PARTS + phase; }

/* Of the groups from this place of a block on; not of the first place. */
ALWAYS int64_t suffix_at(const struct tlw_fold_state *fold, int32_t phase, int64_t place) {
  return FIRST_SUFFIX + phase * (fold->groups - 1) + place - 1;
}

/* ---- a row ---- */

/* What a row brings. */
struct row {
  tlk_part parts[LEVELS]; /* that end with it */
  tlk_part group;         /* that it completes */
  tlk_part prefix;        /* of the block with this group */
};

ALWAYS tlk_part row_part(const tlk_window *w, int32_t kind, int64_t row, double x, double y) {
  const bool other = kind == TLK_FOLD_CROSS && y != y;
  return w->skip && (x != x || other) ? tlk_empty() : tlk_row(kind, x, y, (double)row);
}

ALWAYS tlk_part short_window(const tlw_window_state *s, int32_t kind, tlk_part newest) {
  if (s->window.window == 1) return newest;
  const int64_t row = s->fold.row;
  tlk_part part = load(kind, s->room, newest_at(row - s->window.window + 1, 0));
  for (int64_t i = row - s->window.window + 2; i < row; i++)
    part = tlk_join(kind, part, load(kind, s->room, newest_at(i, 0)));
  return tlk_join(kind, part, newest);
}

ALWAYS void complete_group(const tlw_window_state *s, int32_t kind, struct row *r) {
  const struct tlw_fold_state *fold = &s->fold;
  for (int32_t i = 1; i < LEVELS; i++) {
    const tlk_part before = load(kind, s->room, newest_at(fold->row - (1 << (i - 1)), i - 1));
    r->parts[i] = tlk_join(kind, before, r->parts[i - 1]);
  }
  r->group = fold->tail ? load(kind, s->room, newest_at(fold->row - fold->tail, LEVELS - 1)) : r->parts[LEVELS - 1];
  r->prefix = r->group;
  if (fold->place > 0) r->prefix = tlk_join(kind, load(kind, s->room, prefix_at(fold->phase)), r->group);
}

ALWAYS tlk_part long_window(const tlw_window_state *s, int32_t kind, const struct row *r) {
  const struct tlw_fold_state *fold = &s->fold;
  tlk_part part = r->prefix;
  if (fold->place < fold->groups - 1)
    part = tlk_join(kind, load(kind, s->room, suffix_at(fold, fold->phase, fold->place + 1)), part);
  int64_t last = fold->row - fold->tail;
  for (int32_t level = LEVELS - 2; level >= 0; level--) {
    if (!(fold->tail & (1 << level))) continue;
    last += 1 << level;
    part = tlk_join(kind, part, last == fold->row ? r->parts[level] : load(kind, s->room, newest_at(last, level)));
  }
  return part;
}

ALWAYS double look(const tlw_window_state *s, int32_t kind, double x, double y, struct row *r) {
  const tlk_window *w = &s->window;
  tlk_part part;
  r->parts[0] = row_part(w, kind, s->fold.row, x, y);
  if (s->fold.groups == 0) {
    part = short_window(s, kind, r->parts[0]);
  } else {
    complete_group(s, kind, r);
    part = long_window(s, kind, r);
  }
  return tlk_result(w->op, part, (double)s->fold.row, w->ddof, (double)w->min_periods);
}

/* Groups of a whole block become its suffixes; no window needs that of the first group. */
ALWAYS void make_suffixes(tlw_window_state *s, int32_t kind) {
  const struct tlw_fold_state *fold = &s->fold;
  if (fold->groups < 3) return;
  tlk_part part = load(kind, s->room, suffix_at(fold, fold->phase, fold->groups - 1));
  for (int64_t place = fold->groups - 2; place > 0; place--) {
    const int64_t at = suffix_at(fold, fold->phase, place);
    part = tlk_join(kind, load(kind, s->room, at), part);
    store(kind, s->room, at, part);
  }
}

ALWAYS void keep_group(tlw_window_state *s, int32_t kind, const struct row *r) {
  struct tlw_fold_state *fold = &s->fold;
  store(kind, s->room, prefix_at(fold->phase), r->prefix);
  if (fold->place > 0) store(kind, s->room, suffix_at(fold, fold->phase, fold->place), r->group);
  const bool whole = fold->place == fold->groups - 1;
  if (whole) make_suffixes(s, kind);
  if (++fold->phase < PHASES) return;
  fold->phase = 0;
  fold->place = whole ? 0 : fold->place + 1;
}

ALWAYS double update(tlw_window_state *s, int32_t kind, double x, double y) {
  struct row r;
  const double result = look(s, kind, x, y, &r);
  store(kind, s->room, newest_at(s->fold.row, 0), r.parts[0]);
  if (s->fold.groups > 0) {
    for (int32_t i = 1; i < LEVELS; i++) store(kind, s->room, newest_at(s->fold.row, i), r.parts[i]);
    keep_group(s, kind, &r);
  }
  s->fold.row++;
  return result;
}

/* ---- the way, for each kind ---- */

static uint64_t room(const tlk_window *w) {
  const int64_t groups = w->window / TLK_FOLD_GROUP;
  const int64_t parts = groups == 0 ? NEWEST_PARTS : FIRST_SUFFIX + PHASES * (groups - 1);
  return place_of(w->kind, parts) * sizeof(double);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* The first row completes the group that began so many rows before it. */
static void begin(tlw_window_state *s) {
  struct tlw_fold_state *fold = &s->fold;
  *fold = (struct tlw_fold_state){.groups = s->window.window / TLK_FOLD_GROUP,
                                  .tail = (int32_t)(s->window.window % TLK_FOLD_GROUP)};
  if (fold->groups == 0) return;
  const int64_t first = s->origin - fold->tail - (RING - 1), group = floor_div(first, PHASES);
  fold->phase = (int32_t)(first - group * PHASES);
  fold->place = group - floor_div(group, fold->groups) * fold->groups;
}

#define WAY(kind)                                                                                                      \
  __attribute__((flatten)) static double update_##kind(tlw_window_state *s, double x, double y) {                      \
    return update(s, TLK_FOLD_##kind, x, y);                                                                           \
  }                                                                                                                    \
  __attribute__((flatten)) static double peek_##kind(const tlw_window_state *s, double x, double y) {                  \
    struct row r;                                                                                                      \
    return look(s, TLK_FOLD_##kind, x, y, &r);                                                                         \
  }

WAY(SUM)
WAY(MIN)
WAY(MAX)
WAY(ARGMIN)
WAY(ARGMAX)
WAY(MOMENTS)
WAY(HIGHER)
WAY(CROSS)
WAY(WEIGHTED)
WAY(ENDS)

#define ENTRY(kind) [TLK_FOLD_##kind] = {room, begin, update_##kind, peek_##kind}

static const struct tlw_state_way ways[TLK_FOLDS] = {ENTRY(SUM),      ENTRY(MIN),     ENTRY(MAX),    ENTRY(ARGMIN),
                                                     ENTRY(ARGMAX),   ENTRY(MOMENTS), ENTRY(HIGHER), ENTRY(CROSS),
                                                     ENTRY(WEIGHTED), ENTRY(ENDS)};

const struct tlw_state_way *tlw_fold_way(int32_t kind) { return &ways[kind]; }
