/*
 * Folds where all rows are valid: windows of eight neighbouring starts at a time, in one vector or several. Groups of
 * eight rows come from pairs and quads of rows that slide along; they are joined into prefixes in registers and into
 * suffixes in memory, one block of window / 8 groups after the other.
 */
#include "window_fold_parts.h"
#include "window_minmax.h"

/* TLK_FOLD_MIN and TLK_FOLD_MAX where nothing is NaN. */
#define CLEAN_MIN TLK_FOLDS
#define CLEAN_MAX (TLK_FOLDS + 1)

/* Rows that are asked for ahead of their use, for the hardware's own prefetch stops at the end of a page. */
#define AHEAD 256

/*
 * Eights between moments and their results. Divisions and roots take so long that a CPU would fill up with what waits
 * for them; so far behind, they have their numbers at once.
 */
#define LAG 4

/* Parts of eight neighbouring starts. */
typedef struct {
  tlk_part at[VECTORS];
} octet;

/* Eight rows as they are. */
struct rows {
  tlk_real x[VECTORS], y[VECTORS];
};

INLINE struct rows load_rows(int kind, const struct view *v, int64_t at) {
  struct rows r;
  for (int h = 0; h < VECTORS; h++) {
    r.x[h] = load(v->x + at + h * TLK_LANES);
    r.y[h] = kind == TLK_FOLD_CROSS ? load(v->y + at + h * TLK_LANES) : tlk_splat(0.0);
  }
  return r;
}

/* As parts, of rows from this one on. */
INLINE octet parts_of(int kind, const struct rows *r, double row) {
  octet o;
  for (int h = 0; h < VECTORS; h++) {
    const tlk_real number = numbers_rows(kind) ? lanes() + (row + h * TLK_LANES) : tlk_splat(0.0);
    o.at[h] = tlk_row(kind, r->x[h], r->y[h], number);
  }
  return o;
}

/* A part in memory: its members. */
INLINE octet load_slot(int kind, const double *slot) {
  octet o;
  for (int h = 0; h < VECTORS; h++) {
    o.at[h] = tlk_empty();
    for (int m = 0; m < TLK_PART_MEMBERS; m++)
      if (m < tlk_part_members(kind)) o.at[h].v[m] = load(slot + m * GROUP + h * TLK_LANES);
  }
  return o;
}

INLINE void save_slot(int kind, double *slot, octet o) {
  for (int h = 0; h < VECTORS; h++) {
    for (int m = 0; m < TLK_PART_MEMBERS; m++)
      if (m < tlk_part_members(kind)) save(slot + m * GROUP + h * TLK_LANES, o.at[h].v[m]);
  }
}

INLINE int64_t slot_size(int kind) { return tlk_part_members(kind) * GROUP; }

INLINE bool is_extreme(int kind) { return kind == TLK_FOLD_MIN || kind == TLK_FOLD_MAX; }
INLINE bool is_clean(int kind) { return kind == CLEAN_MIN || kind == CLEAN_MAX; }

/* Whether there is a part that changes nothing, so that blocks need no special first and last place; and that. */
INLINE bool has_neutral(int kind) { return kind == TLK_FOLD_SUM || is_extreme(kind) || is_clean(kind); }

INLINE octet neutral(int kind) {
  octet o;
  const double x = kind == TLK_FOLD_SUM                        ? -0.0
                   : kind == TLK_FOLD_MIN || kind == CLEAN_MIN ? TLK_INFINITY
                                                               : -TLK_INFINITY;
  for (int h = 0; h < VECTORS; h++) {
    o.at[h] = tlk_empty();
    o.at[h].v[0] = tlk_splat(x);
  }
  return o;
}

/* a where the mask has its lanes set, else b. */
INLINE tlk_real choose(tlk_mask m, tlk_real a, tlk_real b) {
#if TLK_LANES == 8 && defined(__AVX512DQ__)
  return (tlk_real)_mm512_mask_mov_pd((__m512d)b, _mm512_movepi64_mask((__m512i)m), (__m512d)a);
#else
  return tlk_pick(m, a, b);
#endif
}

/*
 * As tlk_lesser and tlk_greater, but for the sign of a zero and of a NaN, which results do not have. Where the system's
 * instruction gives its second operand when one is NaN, only b is left to be looked at.
 */
INLINE tlk_real extreme_of(int kind, tlk_real a, tlk_real b) {
  return choose(b != b, b, kind == TLK_FOLD_MIN ? tlw_least(b, a) : tlw_most(b, a));
}

INLINE tlk_part join_parts(int kind, tlk_part a, tlk_part b, const struct weights *w) {
  if (is_extreme(kind)) {
    a.v[0] = extreme_of(kind, a.v[0], b.v[0]);
    return a;
  }
  if (is_clean(kind)) {
    a.v[0] = kind == CLEAN_MIN ? tlw_least(a.v[0], b.v[0]) : tlw_most(a.v[0], b.v[0]);
    return a;
  }
  tlk_weights weights = {tlk_splat(0.0), tlk_splat(0.0), tlk_splat(0.0)};
  if (kind == TLK_FOLD_MOMENTS || kind == TLK_FOLD_HIGHER || kind == TLK_FOLD_CROSS)
    weights = (tlk_weights){tlk_splat(w->p), tlk_splat(w->q), tlk_splat(w->r)};
  if (kind == TLK_FOLD_WEIGHTED) a.n = tlk_splat(w->na);
  return tlk_join_full(kind, a, b, weights);
}

INLINE octet join(int kind, octet a, octet b, const struct weights *w) {
  octet c;
  for (int h = 0; h < VECTORS; h++) c.at[h] = join_parts(kind, a.at[h], b.at[h], w);
  return c;
}

/* The vector that begins so many lanes, 1 to 7, behind x[0]. */
INLINE tlk_real slide(int by, const tlk_real *x) {
  const tlk_real a = x[by / TLK_LANES], b = x[by / TLK_LANES + 1];
#if TLK_LANES == 8
#define FROM(i) __builtin_shufflevector(a, b, i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7)
#elif TLK_LANES == 4
#define FROM(i) __builtin_shufflevector(a, b, i, i + 1, i + 2, i + 3)
#else
#define FROM(i) __builtin_shufflevector(a, b, i, i + 1)
#endif
  switch (by % TLK_LANES) {
  case 1:
    return FROM(1);
#if TLK_LANES > 2
  case 2:
    return FROM(2);
  case 3:
    return FROM(3);
#endif
#if TLK_LANES > 4
  case 4:
    return FROM(4);
  case 5:
    return FROM(5);
  case 6:
    return FROM(6);
  case 7:
    return FROM(7);
#endif
  default:
    return a;
  }
#undef FROM
}

/* Eight that begin by so many behind those of a, whose next eight are b. */
INLINE void slide_eight(int by, const tlk_real *a, const tlk_real *b, tlk_real *to) {
  tlk_real x[2 * VECTORS];
  for (int h = 0; h < VECTORS; h++) {
    x[h] = a[h];
    x[VECTORS + h] = b[h];
  }
  for (int h = 0; h < VECTORS; h++) to[h] = slide(by, x + h);
}

/* Rows that are loaded once and slid take half the time of loads across lines that are not in the cache yet. */
INLINE struct rows later_rows(int kind, int by, const struct rows *a, const struct rows *b) {
  struct rows r = *a;
  slide_eight(by, a->x, b->x, r.x);
  if (kind == TLK_FOLD_CROSS) slide_eight(by, a->y, b->y, r.y);
  return r;
}

/* Parts of the starts that lie 1 to 7 behind those of a, whose next eight are b. */
INLINE octet later(int kind, int by, octet a, octet b) {
  octet c = a;
  for (int m = 0; m < TLK_PART_MEMBERS; m++) {
    if (m >= tlk_part_members(kind)) continue;
    tlk_real from[VECTORS], next[VECTORS], to[VECTORS];
    for (int h = 0; h < VECTORS; h++) {
      from[h] = a.at[h].v[m];
      next[h] = b.at[h].v[m];
    }
    slide_eight(by, from, next, to);
    for (int h = 0; h < VECTORS; h++) c.at[h].v[m] = to[h];
  }
  return c;
}

/*
 * Moments of two rows, and of a part and a row behind it, as tlk_join makes them but for the sign of zeros in the mean,
 * which M2 does not depend on, and for an infinity, of which M2 is here infinite at once or NaN as there: neither is
 * finite ever after, and a window of one row does not come here.
 */
INLINE tlk_part join_two_rows(tlk_part a, tlk_part b) {
  const tlk_real d = b.v[0] - a.v[0];
  a.v[1] = d * 0.5;
  a.v[2] = (d * d) * 0.5;
  return a;
}

INLINE tlk_part join_last_row(tlk_part a, tlk_part b, const struct weights *w) {
  const tlk_real d = (b.v[0] - a.v[0]) - a.v[1];
  a.v[1] = a.v[1] + d * w->p;
  a.v[2] = a.v[2] + (d * d) * w->r;
  return a;
}

INLINE octet append_row(int kind, octet a, octet b, const struct weights *w) {
  if (kind != TLK_FOLD_MOMENTS) return join(kind, a, b, w);
  for (int h = 0; h < VECTORS; h++) a.at[h] = join_last_row(a.at[h], b.at[h], w);
  return a;
}

/* ---- groups ---- */

static const struct weights pair_weights = {1, 1, 0.5, 0.5, 0.5}, quad_weights = {2, 2, 0.5, 0.5, 1},
                            group_weights = {4, 4, 0.5, 0.5, 2};

/*
 * Pairs of the starts at these rows. Sums are as fast as memory, and rows slid into place are quicker then than rows
 * loaded across lines that are still on their way; elsewhere a load leaves more to the units that calculate.
 */
INLINE octet pairs_at(int kind, const struct view *v, int64_t at, const struct rows *rows, const struct rows *next) {
  const struct rows second = kind == TLK_FOLD_SUM ? later_rows(kind, 1, rows, next) : load_rows(kind, v, at + 1);
  octet a = parts_of(kind, rows, v->row + (double)at), b = parts_of(kind, &second, v->row + (double)(at + 1));
  if (kind != TLK_FOLD_MOMENTS) return join(kind, a, b, &pair_weights);
  for (int h = 0; h < VECTORS; h++) a.at[h] = join_two_rows(a.at[h], b.at[h]);
  return a;
}

INLINE octet quads_of(int kind, octet pairs, octet next) {
  return join(kind, pairs, later(kind, 2, pairs, next), &quad_weights);
}

/* Quads of starts at a group, pairs of starts at the next, the rows after those. */
struct sliding {
  octet quads, pairs;
  struct rows rows;
};

INLINE struct sliding slide_to(int kind, const struct view *v, int64_t at) {
  const struct rows first = load_rows(kind, v, at), second = load_rows(kind, v, at + GROUP);
  struct sliding s = {.rows = load_rows(kind, v, at + 2 * GROUP)};
  s.pairs = pairs_at(kind, v, at + GROUP, &second, &s.rows);
  s.quads = quads_of(kind, pairs_at(kind, v, at, &first, &second), s.pairs);
  return s;
}

/* The group at this row; after is what s becomes at the next. */
INLINE octet group_at(int kind, const struct view *v, int64_t at, const struct sliding *s, struct sliding *after) {
  __builtin_prefetch(v->x + at + AHEAD);
  after->rows = load_rows(kind, v, at + 3 * GROUP);
  after->pairs = pairs_at(kind, v, at + 2 * GROUP, &s->rows, &after->rows);
  after->quads = quads_of(kind, s->pairs, after->pairs);
  return join(kind, s->quads, later(kind, 4, s->quads, after->quads), &group_weights);
}

/* The part of whole groups, the last of them at this row, with the rows behind it. */
INLINE octet with_tail(int kind, int tail, const struct weights *tails, octet part, const struct view *v, int64_t at,
                       const struct sliding *s, const struct sliding *after) {
  if (tail & 4) part = join(kind, part, after->quads, &tails[0]);
  if (tail & 2) {
    octet pairs = s->pairs;
    if (tail & 4) pairs = later(kind, 4, s->pairs, after->pairs);
    part = join(kind, part, pairs, &tails[1]);
  }
  if (tail & 1) {
    const int64_t last = at + GROUP + (tail & 6);
    const struct rows rows = load_rows(kind, v, last);
    part = append_row(kind, part, parts_of(kind, &rows, v->row + (double)last), &tails[2]);
  }
  return part;
}

/* Results of windows that start at this row of the view and the seven after it. */
INLINE void finish(int kind, const tlk_window *w, octet o, double start, double *results) {
  for (int h = 0; h < VECTORS; h++) {
    o.at[h].n = tlk_splat((double)w->window);
    const tlk_real newest =
        numbers_rows(kind) ? lanes() + (start + (double)(w->window - 1 + h * TLK_LANES)) : tlk_splat(0.0);
    const int shown = kind == CLEAN_MIN ? TLK_FOLD_MIN : kind == CLEAN_MAX ? TLK_FOLD_MAX : kind;
    save(results + h * TLK_LANES, result_of(shown, w, o.at[h], newest));
  }
}

/* n rows of a column from this one on, where they lie or, where some of them must not be read, in the buffer. */
static const double *rows_at(const struct fold *f, const double *column, int64_t row, int64_t n, double *buffer) {
  if (row >= f->lowest && row + n <= f->highest) return column + (row - f->rows->first);
  TLW_TIERED(tlw_window_copy_rows)(f, column, row, n, buffer);
  return buffer;
}

static struct view view_of(const struct fold *f, int64_t row, int64_t n) {
  struct view v = {.x = rows_at(f, f->rows->x, row, n, f->scratch->x), .row = (double)row};
  if (f->rows->y) v.y = rows_at(f, f->rows->y, row, n, f->scratch->y);
  return v;
}

/* ---- windows of 8 rows and more ---- */

/* Suffixes of the block in the slots, down to the one at this place. */
INLINE void join_suffixes(int kind, const struct fold *f, int64_t lowest) {
  const int64_t size = slot_size(kind);
  double *const slots = f->slots;
  const struct place *const places = f->places;
  if (f->groups < 2) return;
  octet suffix = load_slot(kind, slots + (f->groups - 1) * size);
  for (int64_t i = f->groups - 2; i >= lowest; i--) {
    const octet group = load_slot(kind, slots + i * size);
    suffix = is_extreme(kind) ? join(kind, suffix, group, NULL) : join(kind, group, suffix, &places[i].suffix);
    save_slot(kind, slots + i * size, suffix);
  }
}

/* Results of moments whose M2 are in their place. */
INLINE void finish_moments(const tlk_window *w, double *results) {
  octet o;
  for (int h = 0; h < VECTORS; h++) {
    o.at[h] = tlk_empty();
    o.at[h].v[2] = load(results + h * TLK_LANES);
  }
  finish(TLK_FOLD_MOMENTS, w, o, 0.0, results);
}

INLINE bool has_nan(const struct rows *r) {
  bool any = any_nan(r->x[0], r->x[VECTORS - 1]);
  for (int h = 1; h + 1 < VECTORS; h++) any = any || any_nan(r->x[h], r->x[h]);
  return any;
}

/*
 * Results of as many starts of eight, which have their last groups in the view. tail: rows behind the last group. Where
 * nothing may be NaN it ends before what is; gives how many it did.
 */
INLINE int64_t pass_tile(int kind, int tail, struct fold *f, const struct view *v, int64_t count) {
  /* Copies, which stores into buffers cannot change. */
  const tlk_window w = *f->w;
  const int64_t size = slot_size(kind), groups = f->groups;
  double *const slots = f->slots;
  const struct place *const places = f->places;
  double *results = TLW_TIERED(tlw_window_buffer)(f);
  octet prefix = load_slot(kind, f->scratch->prefix);
  struct sliding s = slide_to(kind, v, 0);
  int64_t place = f->place, i = 0;
  if (is_clean(kind) && TLW_TIERED(tlw_window_find_nan)(v->x, v->x, 3 * GROUP) < 3 * GROUP) return 0;
  /* The next group at the same time, for joins of this one wait for each other. */
  struct sliding after, after_next;
  octet group = group_at(kind, v, 0, &s, &after), next;
  for (; i < count; i++, group = next, s = after, after = after_next) {
    next = group_at(kind, v, (i + 1) * GROUP, &after, &after_next);
    if (is_clean(kind) && has_nan(&after.rows)) break;
    prefix = place || has_neutral(kind) ? join(kind, prefix, group, &places[place].prefix) : group;
    const bool last = place + 1 == groups;
    octet part = prefix;
    if (!last || has_neutral(kind))
      part = join(kind, load_slot(kind, slots + (place + 1) * size), prefix, &places[place].window);
    save_slot(kind, slots + place * size, group);
    part = with_tail(kind, tail, f->tails, part, v, i * GROUP, &s, &after);
    if (kind == TLK_FOLD_MOMENTS) {
      for (int h = 0; h < VECTORS; h++) save(results + i * GROUP + h * TLK_LANES, part.at[h].v[2]);
      if (i >= LAG) finish_moments(&w, results + (i - LAG) * GROUP);
    } else {
      finish(kind, &w, part, v->row + (double)((i + 1 - groups) * GROUP), results + i * GROUP);
    }
    place++;
    if (last) {
      join_suffixes(kind, f, 1);
      if (has_neutral(kind)) prefix = neutral(kind);
      place = 0;
    }
  }
  if (kind == TLK_FOLD_MOMENTS)
    for (int64_t k = count > LAG ? count - LAG : 0; k < count; k++) finish_moments(&w, results + k * GROUP);
  f->place = place;
  save_slot(kind, f->scratch->prefix, prefix);
  return i;
}

/*
 * By tail, where that is worth the code: not in tiers whose vectors are so short that calculating takes most of the time
 * and compiling most of a minute, and not where sanitizers would look at the same code again.
 */
INLINE int64_t pass(int kind, struct fold *f, const struct view *v, int64_t count) {
  const int tail = (int)(f->w->window % GROUP);
#if TLK_LANES > 2 && !defined(TLW_FEW_COPIES)
#define PASS_TAIL(n)                                                                                                   \
  case n:                                                                                                              \
    return pass_tile(kind, n, f, v, count)
  if (kind == TLK_FOLD_SUM || kind == TLK_FOLD_MOMENTS || is_clean(kind)) {
    switch (tail) {
      PASS_TAIL(0);
      PASS_TAIL(1);
      PASS_TAIL(2);
      PASS_TAIL(3);
      PASS_TAIL(4);
      PASS_TAIL(5);
      PASS_TAIL(6);
      PASS_TAIL(7);
    }
  }
#undef PASS_TAIL
#endif
  return pass_tile(kind, tail, f, v, count);
}

/* Groups into slots. */
INLINE void fill_tile(int kind, const struct view *v, int64_t count, double *slots) {
  struct sliding s = slide_to(kind, v, 0), after;
  for (int64_t i = 0; i < count; i++, s = after)
    save_slot(kind, slots + i * slot_size(kind), group_at(kind, v, i * GROUP, &s, &after));
}

INLINE void prefix_slots(int kind, const struct fold *f, int64_t n) {
  const int64_t size = slot_size(kind);
  octet prefix = load_slot(kind, f->slots);
  for (int64_t i = 1; i < n; i++)
    prefix = join(kind, prefix, load_slot(kind, f->slots + i * size), &f->places[i].prefix);
  save_slot(kind, f->scratch->prefix, prefix);
}

#define READ(count) ((count)*GROUP + 4 * GROUP)

/* Looks for NaN in the view. Groups and suffixes made of it are gone two blocks later. */
static void watch(struct fold *f, const struct view *v, int64_t n) {
  if (TLW_TIERED(tlw_window_find_nan)(v->x, v->x, n) < n) f->wary = 2 * f->groups + TILE;
}

/* Groups into slots from this place on. */
INLINE void fill(int kind, struct fold *f, int64_t group, int64_t n, int64_t place) {
  for (int64_t done = 0; done < n; done += TILE) {
    const int64_t count = n - done < TILE ? n - done : TILE;
    const struct view v = view_of(f, (group + done) * GROUP - f->rows->origin, READ(count));
    if (is_extreme(kind)) watch(f, &v, READ(count));
    fill_tile(kind, &v, count, f->slots + (place + done) * slot_size(kind));
  }
}

/* Suffixes and the prefix that the first window needs besides its last group, whose number this gives. */
INLINE int64_t warm_up(int kind, struct fold *f, int64_t first) {
  const int64_t place = first - floor_div(first, f->groups) * f->groups, ahead = place ? f->groups - place : 0;
  f->place = place ? place - 1 : f->groups - 1;
  fill(kind, f, first, ahead, place);
  if (place) join_suffixes(kind, f, place);
  fill(kind, f, first + ahead, f->place, 0);
  if (has_neutral(kind)) {
    save_slot(kind, f->scratch->prefix, neutral(kind));
    save_slot(kind, f->slots + f->groups * slot_size(kind), neutral(kind));
  }
  if (f->place) prefix_slots(kind, f, f->place);
  return first + ahead + f->place;
}

INLINE void fold_long(int kind, struct fold *f, int64_t from, int64_t to) {
  const int64_t origin = f->rows->origin, window = f->w->window;
  const int64_t first = floor_div(origin + from - window + 1, GROUP);
  const int64_t end = floor_div(origin + to - window, GROUP) + f->groups;
  f->held = first * GROUP - (origin + from - window + 1);
  int64_t group = warm_up(kind, f, first);
  while (group < end) {
    int64_t count = end - group < TILE ? end - group : TILE;
    const struct view v = view_of(f, group * GROUP - origin, READ(count));
    if (is_extreme(kind) && f->wary <= 0) {
      count = pass(kind == TLK_FOLD_MIN ? CLEAN_MIN : CLEAN_MAX, f, &v, count);
      if (count < TILE) f->wary = 1;
    } else {
      if (is_extreme(kind)) watch(f, &v, READ(count));
      pass(kind, f, &v, count);
      f->wary -= count;
    }
    if (count) TLW_TIERED(tlw_window_deliver)(f, count * GROUP);
    group += count;
  }
}

/* ---- windows of less than 8 rows ---- */

INLINE void fold_short(int kind, struct fold *f, int64_t from, int64_t to) {
  const tlk_window w = *f->w;
  const int64_t window = w.window;
  f->held = 0;
  for (int64_t row = from; row < to; row += TILE * GROUP) {
    const int64_t count = to - row < TILE * GROUP ? (to - row + GROUP - 1) / GROUP : TILE;
    const struct view v = view_of(f, row - window + 1, count * GROUP + GROUP);
    double *results = TLW_TIERED(tlw_window_buffer)(f);
    struct rows rows = load_rows(kind, &v, 0);
    for (int64_t i = 0; i < count; i++) {
      __builtin_prefetch(v.x + i * GROUP + AHEAD);
      const struct rows next = load_rows(kind, &v, (i + 1) * GROUP);
      const double row_number = v.row + (double)(i * GROUP);
      octet part = parts_of(kind, &rows, row_number);
#define APPEND(k)                                                                                                      \
  if (window > (k)) {                                                                                                  \
    const struct rows later = later_rows(kind, k, &rows, &next);                                                       \
    part = join(kind, part, parts_of(kind, &later, row_number + (k)), &f->lefts[k]);                                   \
  }
      APPEND(1)
      APPEND(2)
      APPEND(3)
      APPEND(4)
      APPEND(5)
      APPEND(6)
#undef APPEND
      finish(kind, &w, part, row_number, results + i * GROUP);
      rows = next;
    }
    TLW_TIERED(tlw_window_deliver)(f, count * GROUP);
  }
}

/* ---- first and last rows ---- */

/* Under TLW_NAN_PROPAGATE, or where no row is NaN. */
static void fold_ends(struct fold *f, int64_t from, int64_t to) {
  const tlk_window w = *f->w;
  f->held = 0;
  for (int64_t row = from; row < to; row += TILE * GROUP) {
    const int64_t n = to - row < TILE * GROUP ? to - row : TILE * GROUP, read = (n + GROUP - 1) / GROUP * GROUP;
    double *results = TLW_TIERED(tlw_window_buffer)(f), *first = f->scratch->x;
    const double *old = rows_at(f, f->rows->x, row - w.window + 1, read, first);
    const double *newest = rows_at(f, f->rows->x, row, read, f->scratch->y);
    /* Windows that begin before the series are in scratch. */
    for (int64_t i = 0; i < n && row + i < w.window - 1; i++) first[i] = f->rows->x[-f->rows->first];
    for (int64_t i = 0; i < n; i += TLK_LANES) {
      const tlk_real rows = lanes() + (double)(row + i + 1);
      tlk_part part = tlk_empty();
      part.n = tlk_min(rows, tlk_splat((double)w.window));
      part.v[0] = load(old + i);
      part.v[1] = load(newest + i);
      save(results + i, result_of(TLK_FOLD_ENDS, &w, part, tlk_splat(0.0)));
    }
    TLW_TIERED(tlw_window_deliver)(f, n);
  }
}

/* ---- by kind ---- */

#define DEFINE(name, kind)                                                                                             \
  static void name(struct fold *f, int64_t from, int64_t to) {                                                         \
    if (f->w->window < GROUP)                                                                                          \
      fold_short(kind, f, from, to);                                                                                   \
    else                                                                                                               \
      fold_long(kind, f, from, to);                                                                                    \
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

const fold_fn TLW_TIERED(tlw_window_whole)[TLK_FOLDS] = {sum,     min,    max,   argmin,   argmax,
                                                         moments, higher, cross, weighted, fold_ends};
