/*
 * Folds where some rows are missing or skipped: parts count their rows. They are kept in columns, each level of the tree
 * a few hundred starts at a time, and go through one join per kind, which is all that is compiled for each.
 */
#include "window_fold_parts.h"

/* Parts in columns that lie so many numbers apart. */
struct parts {
  double *first;
  int64_t apart;
};

static struct parts part_at(struct columns *c, int64_t row) { return (struct parts){c->at + row, COUNTED_ROWS}; }

INLINE tlk_part load_part(int kind, struct parts p, int64_t i) {
  tlk_part part = tlk_empty();
  for (int m = 0; m < TLK_PART_MEMBERS; m++)
    if (m < tlk_part_members(kind)) part.v[m] = load(p.first + m * p.apart + i);
  part.n = load(p.first + tlk_part_members(kind) * p.apart + i);
  return part;
}

INLINE void save_part(int kind, struct parts p, int64_t i, tlk_part part) {
  for (int m = 0; m < TLK_PART_MEMBERS; m++)
    if (m < tlk_part_members(kind)) save(p.first + m * p.apart + i, part.v[m]);
  save(p.first + tlk_part_members(kind) * p.apart + i, part.n);
}

/* What is made for each kind: target = a + b for n parts, a multiple of 8; parts of rows; results. */
struct kind {
  void (*join)(struct parts a, struct parts b, struct parts target, int64_t n);
  void (*rows)(const struct view *v, struct parts target, int64_t n);
  void (*finish)(const tlk_window *w, struct parts p, double newest, double *results, int64_t n);
};

#define DEFINE(name, kind)                                                                                             \
  static void join_##name(struct parts a, struct parts b, struct parts target, int64_t n) {                            \
    for (int64_t i = 0; i < n; i += TLK_LANES)                                                                         \
      save_part(kind, target, i, tlk_join(kind, load_part(kind, a, i), load_part(kind, b, i)));                        \
  }                                                                                                                    \
  static void rows_##name(const struct view *v, struct parts target, int64_t n) {                                      \
    for (int64_t i = 0; i < n; i += TLK_LANES) {                                                                       \
      const tlk_real y = kind == TLK_FOLD_CROSS ? load(v->y + i) : tlk_splat(0.0);                                     \
      tlk_part part = tlk_row(kind, load(v->x + i), y, lanes() + (v->row + (double)i));                                \
      part.n = load(v->valid + i);                                                                                     \
      save_part(kind, target, i, part);                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void finish_##name(const tlk_window *w, struct parts p, double newest, double *results, int64_t n) {          \
    for (int64_t i = 0; i < n; i += TLK_LANES)                                                                         \
      save(results + i, result_of(kind, w, load_part(kind, p, i), lanes() + (newest + (double)i)));                    \
  }

DEFINE(sum, TLK_FOLD_SUM)
DEFINE(min, TLK_FOLD_MIN)
DEFINE(max, TLK_FOLD_MAX)
DEFINE(argmin, TLK_FOLD_ARGMIN)
DEFINE(argmax, TLK_FOLD_ARGMAX)
DEFINE(moments, TLK_FOLD_MOMENTS)
DEFINE(higher, TLK_FOLD_HIGHER)
DEFINE(cross, TLK_FOLD_CROSS)
DEFINE(weighted, TLK_FOLD_WEIGHTED)
DEFINE(ends, TLK_FOLD_ENDS)

#define ENTRY(name)                                                                                                    \
  { join_##name, rows_##name, finish_##name }
static const struct kind kinds[TLK_FOLDS] = {
    [TLK_FOLD_SUM] = ENTRY(sum),       [TLK_FOLD_MIN] = ENTRY(min),       [TLK_FOLD_MAX] = ENTRY(max),
    [TLK_FOLD_ARGMIN] = ENTRY(argmin), [TLK_FOLD_ARGMAX] = ENTRY(argmax), [TLK_FOLD_MOMENTS] = ENTRY(moments),
    [TLK_FOLD_HIGHER] = ENTRY(higher), [TLK_FOLD_CROSS] = ENTRY(cross),   [TLK_FOLD_WEIGHTED] = ENTRY(weighted),
    [TLK_FOLD_ENDS] = ENTRY(ends),
};

static const struct kind *kind_of(const struct fold *f) { return &kinds[f->w->kind]; }

/* ---- rows ---- */

static void count_rows(const struct fold *f, const double *y, int64_t row, int64_t n) {
  const double *x = f->scratch->x;
  double *valid = f->scratch->valid;
  for (int64_t i = 0; i < n; i++) {
    const bool there = row + i >= f->lowest && row + i < f->highest;
    valid[i] = there && !(f->w->skip && (x[i] != x[i] || (y && y[i] != y[i])));
  }
}

/* Parts of n rows from this one on. */
static void load_rows(const struct fold *f, int64_t row, int64_t n) {
  struct scratch *s = f->scratch;
  TLW_TIERED(tlw_window_copy_rows)(f, f->rows->x, row, n, s->x);
  if (f->rows->y) TLW_TIERED(tlw_window_copy_rows)(f, f->rows->y, row, n, s->y);
  count_rows(f, f->rows->y ? s->y : NULL, row, n);
  const struct view v = {s->x, s->y, s->valid, (double)row};
  kind_of(f)->rows(&v, part_at(&s->rows, 0), n);
}

/* All levels of the tree for count groups of which the first begins with this row, with two groups more of quads. */
static void load_groups(const struct fold *f, int64_t row, int64_t count) {
  struct scratch *s = f->scratch;
  const struct kind *kind = kind_of(f);
  const int64_t n = count * GROUP;
  load_rows(f, row, n + 3 * GROUP);
  kind->join(part_at(&s->rows, 0), part_at(&s->rows, 1), part_at(&s->pairs, 0), n + 2 * GROUP);
  kind->join(part_at(&s->pairs, 0), part_at(&s->pairs, 2), part_at(&s->quads, 0), n + GROUP);
  kind->join(part_at(&s->quads, 0), part_at(&s->quads, 4), part_at(&s->groups, 0), n);
}

/* ---- windows of 8 rows and more ---- */

static struct parts slot_at(const struct fold *f, int64_t place) {
  return (struct parts){f->slots + place * (tlk_part_members(f->w->kind) + 1) * GROUP, GROUP};
}

static struct parts prefix_of(const struct fold *f) { return (struct parts){f->scratch->prefix, GROUP}; }

static void copy_parts(const struct fold *f, struct parts source, struct parts target, int64_t n) {
  for (int m = 0; m <= tlk_part_members(f->w->kind); m++)
    memcpy(target.first + m * target.apart, source.first + m * source.apart, (size_t)n * sizeof(double));
}

/*
 * Suffixes of the block in the slots, down to the one at this place. Groups before it are empty, and their suffixes are
 * the same as this one, or none where it is behind the block: a short series takes no longer for a long window.
 */
static void join_suffixes(struct fold *f, int64_t lowest) {
  for (int64_t i = f->groups - 2; i >= lowest; i--)
    kind_of(f)->join(slot_at(f, i), slot_at(f, i + 1), slot_at(f, i), GROUP);
  f->suffixes = lowest;
}

/* Adds the group, the one of this number in the tile, to the prefix. */
static void extend_prefix(const struct fold *f, struct parts group) {
  if (f->place > f->begun)
    kind_of(f)->join(prefix_of(f), group, prefix_of(f), GROUP);
  else
    copy_parts(f, group, prefix_of(f), GROUP);
}

/* Windows whose last group is this one. */
static void pass_group(struct fold *f, int64_t number) {
  struct scratch *s = f->scratch;
  const struct parts group = part_at(&s->groups, number * GROUP), part = part_at(&s->parts, number * GROUP);
  const bool last = f->place + 1 == f->groups;
  const int64_t suffix = last ? f->groups : f->place + 1 > f->suffixes ? f->place + 1 : f->suffixes;
  extend_prefix(f, group);
  if (suffix == f->groups)
    copy_parts(f, prefix_of(f), part, GROUP);
  else
    kind_of(f)->join(slot_at(f, suffix), prefix_of(f), part, GROUP);
  copy_parts(f, group, slot_at(f, f->place), GROUP);
  f->place++;
  if (last) {
    join_suffixes(f, f->begun > 1 ? f->begun : 1);
    f->begun = f->place = 0;
  }
}

/* The rows behind the groups. */
static void join_tails(const struct fold *f, int64_t n) {
  struct scratch *s = f->scratch;
  const int64_t window = f->w->window;
  const struct kind *kind = kind_of(f);
  const struct parts parts = part_at(&s->parts, 0);
  if (window & 4) kind->join(parts, part_at(&s->quads, GROUP), parts, n);
  if (window & 2) kind->join(parts, part_at(&s->pairs, GROUP + (window & 4)), parts, n);
  if (window & 1) kind->join(parts, part_at(&s->rows, GROUP + (window & 6)), parts, n);
}

/* Groups into slots from the current place on, and into the prefix if told. */
static void fill(struct fold *f, int64_t group, int64_t n, bool prefix) {
  for (int64_t done = 0; done < n; done += COUNTED_TILE) {
    const int64_t count = n - done < COUNTED_TILE ? n - done : COUNTED_TILE;
    load_groups(f, (group + done) * GROUP - f->rows->origin, count);
    for (int64_t i = 0; i < count; i++, f->place++) {
      const struct parts parts = part_at(&f->scratch->groups, i * GROUP);
      if (prefix) extend_prefix(f, parts);
      copy_parts(f, parts, slot_at(f, f->place), GROUP);
    }
  }
}

/* Of n groups from this one on those that lie before the first row, all eight of each. */
static int64_t empty_groups(const struct fold *f, int64_t group, int64_t n) {
  const int64_t begun = floor_div(f->rows->origin + f->lowest - (GROUP - 1), GROUP);
  return begun <= group ? 0 : begun - group < n ? begun - group : n;
}

/* Suffixes and the prefix that the first window needs besides its last group, whose number this gives. */
static int64_t warm_up(struct fold *f, int64_t first) {
  const int64_t place = first - floor_div(first, f->groups) * f->groups, ahead = place ? f->groups - place : 0;
  const int64_t behind = place ? place - 1 : f->groups - 1, second = first + ahead;
  int64_t empty = empty_groups(f, first, ahead);
  f->place = f->groups - ahead + empty;
  fill(f, first + empty, ahead - empty, false);
  join_suffixes(f, f->groups - ahead + empty);
  empty = empty_groups(f, second, behind);
  f->begun = f->place = empty;
  fill(f, second + empty, behind - empty, true);
  return second + behind;
}

static void fold_long(struct fold *f, int64_t from, int64_t to) {
  const int64_t origin = f->rows->origin, window = f->w->window;
  const int64_t first = floor_div(origin + from - window + 1, GROUP);
  const int64_t end = floor_div(origin + to - window, GROUP) + f->groups;
  f->held = first * GROUP - (origin + from - window + 1);
  int64_t group = warm_up(f, first);
  while (group < end) {
    const int64_t count = end - group < COUNTED_TILE ? end - group : COUNTED_TILE, n = count * GROUP;
    load_groups(f, group * GROUP - origin, count);
    for (int64_t i = 0; i < count; i++) pass_group(f, i);
    join_tails(f, n);
    const double newest = (double)((group + 1 - f->groups) * GROUP - origin + window - 1);
    kind_of(f)->finish(f->w, part_at(&f->scratch->parts, 0), newest, TLW_TIERED(tlw_window_buffer)(f), n);
    TLW_TIERED(tlw_window_deliver)(f, n);
    group += count;
  }
}

/* ---- windows of less than 8 rows ---- */

static void fold_short(struct fold *f, int64_t from, int64_t to) {
  const int64_t window = f->w->window, most = COUNTED_TILE * GROUP;
  struct scratch *s = f->scratch;
  const struct parts parts = part_at(&s->parts, 0);
  f->held = 0;
  for (int64_t row = from; row < to; row += most) {
    const int64_t n = to - row < most ? (to - row + GROUP - 1) / GROUP * GROUP : most;
    load_rows(f, row - window + 1, n + GROUP);
    copy_parts(f, part_at(&s->rows, 0), parts, n);
    for (int64_t k = 1; k < window; k++) kind_of(f)->join(parts, part_at(&s->rows, k), parts, n);
    kind_of(f)->finish(f->w, parts, (double)row, TLW_TIERED(tlw_window_buffer)(f), n);
    TLW_TIERED(tlw_window_deliver)(f, n);
  }
}

void TLW_TIERED(tlw_window_counted)(struct fold *f, int64_t from, int64_t to) {
  if (f->w->window < GROUP)
    fold_short(f, from, to);
  else
    fold_long(f, from, to);
}
