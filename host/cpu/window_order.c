/*
 * Order statistics. Short windows are kept sorted in vectors, of which each row replaces one number by another in one
 * pass, several runs of rows in turn so that they do not wait for each other. Long windows are kept sorted in blocks.
 * Ranks in windows that are not long are counted. Where a row is missing, sorted windows have an infinity in its
 * place, at their end.
 */
#include "window_order.h"

#include <stdbool.h>
#include <string.h>

#include "vector.h"
#include "window_fold.h"
#include "window_minmax.h"

#define INLINE static inline __attribute__((always_inline))

/* Longest windows that are sorted in one pass, and that are counted. */
#define MOST_PASS (64 * TLK_LANES)
#define MOST_COUNT (128 * TLK_LANES)

#define RUNS 6
#define LEAST_ROWS 16384 /* of a piece of runs; windows likewise */
#define LEAST_WINDOWS 128
#define TILE 64 /* rows between two looks at the results */
#define LINE 8  /* doubles */

static int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* Lanes of two vectors that follow each other, from the last lane of the first on. */
#if TLK_LANES == 8
INLINE tlk_real from_last(tlk_real a, tlk_real b) { return __builtin_shufflevector(a, b, 7, 8, 9, 10, 11, 12, 13, 14); }
#elif TLK_LANES == 4
INLINE tlk_real from_last(tlk_real a, tlk_real b) { return __builtin_shufflevector(a, b, 3, 4, 5, 6); }
#else
INLINE tlk_real from_last(tlk_real a, tlk_real b) { return __builtin_shufflevector(a, b, 1, 2); }
#endif

/* Numbers below a limit stay, others make place for the one after them; next: the vector after. */
#if TLK_LANES == 8 && defined(__AVX512F__)
INLINE tlk_real close_up(tlk_real here, tlk_real next, tlk_real limit) {
  const __mmask8 moves = _mm512_cmp_pd_mask((__m512d)here, (__m512d)limit, _CMP_GE_OQ);
  return (tlk_real)_mm512_mask_alignr_epi64((__m512i)here, moves, (__m512i)next, (__m512i)here, 1);
}
#else
INLINE tlk_real close_up(tlk_real here, tlk_real next, tlk_real limit) {
#if TLK_LANES == 8
  const tlk_real after = __builtin_shufflevector(here, next, 1, 2, 3, 4, 5, 6, 7, 8);
#elif TLK_LANES == 4
  const tlk_real after = __builtin_shufflevector(here, next, 1, 2, 3, 4);
#else
  const tlk_real after = __builtin_shufflevector(here, next, 1, 2);
#endif
  return tlk_pick(here < limit, here, after);
}
#endif

/* ---- which rows count ---- */

/* Rows of a piece; at(i) is row i of the series. */
struct piece {
  const tlk_window *w;
  const double *x; /* row 0 of the series, if it were there */
  int64_t from, to;
};

/* The row, or NaN before the series. */
INLINE double at(const struct piece *piece, int64_t i) { return i < 0 ? TLK_NAN : piece->x[i]; }

INLINE double or_infinity(double x) { return x == x ? x : TLK_INFINITY; }

/* Whether n valid rows are enough in the window that ends at row i. */
INLINE bool is_enough(const tlk_window *w, int64_t n, int64_t i) {
  return n > 0 && n >= w->min_periods && (w->skip || n == lesser(i + 1, w->window));
}

/* Whether all windows of the piece are whole and without NaN. */
static bool is_full(const struct piece *piece) {
  const int64_t first = piece->from - piece->w->window + 1;
  const int64_t n = piece->to - first;
  return first >= 0 && TLW_TIERED(tlw_window_find_nan)(piece->x + first, piece->x + first, n) == n;
}

static int64_t count_valid(const struct piece *piece, int64_t begin, int64_t end) {
  int64_t n = 0;
  for (int64_t i = greater(begin, 0); i < end; i++) n += piece->x[i] == piece->x[i];
  return n;
}

/* Where the quantile of n sorted numbers lies: between i and the one after it. */
struct point {
  int64_t i, next;
  double f;
};

INLINE struct point point_of(const tlk_window *w, int64_t n) {
  const double h = (double)(n - 1) * w->quantile;
  const int64_t i = (int64_t)h;
  return (struct point){i, i + 1 < n ? i + 1 : i, h - (double)i};
}

/* Between two infinities there is nothing. */
INLINE double between(double low, double high, double f) {
  const double x = tlk_between(low, high, f);
  return x == x ? x : TLK_NAN;
}

/* ---- sorted numbers ---- */

/* Takes a number out of whole vectors of sorted numbers, size in all, and puts another one in. */
INLINE void replace(double *sorted, int64_t size, double out, double in) {
  const tlk_real outs = tlk_splat(out), ins = tlk_splat(in);
  tlk_real here = load(sorted), before = tlk_splat(-TLK_INFINITY);
  int64_t k = 0;
  for (; k < size - TLK_LANES; k += TLK_LANES) {
    const tlk_real next = load(sorted + k + TLK_LANES), kept = close_up(here, next, outs);
    save(sorted + k, tlw_most(from_last(before, kept), tlw_least(kept, ins)));
    before = kept;
    here = next;
  }
  const tlk_real kept = close_up(here, tlk_splat(TLK_INFINITY), outs);
  save(sorted + k, tlw_most(from_last(before, kept), tlw_least(kept, ins)));
}

/* How many of n sorted numbers are less than x; or_equal: or equal it. Without a branch that no one could foresee. */
INLINE int64_t count_below(const double *sorted, int64_t n, double x, bool or_equal) {
  int64_t base = 0;
  for (; n > 1; n -= n / 2) {
    const double middle = sorted[base + n / 2 - 1];
    base += n / 2 & -(int64_t)(or_equal ? middle <= x : middle < x);
  }
  return base + (or_equal ? sorted[base] <= x : sorted[base] < x);
}

/* ---- quantiles of short windows ---- */

/* A run of rows. */
struct run {
  double *sorted;
  const double *x; /* the next row */
  double *output;
  int64_t row, n;    /* of the next row; valid rows in the window but for it */
  double oldest;     /* what the next row replaces */
  double high[TILE]; /* numbers after those in the output */
};

static int64_t room_of(const tlk_window *w) { return round_up(w->window, LINE); }

static void begin_run(const struct piece *piece, int64_t row, double *output, double *memory, struct run *run) {
  const int64_t window = piece->w->window, size = round_up(window, LINE);
  run->sorted = memory;
  run->x = piece->x + row;
  run->output = output;
  run->row = row;
  run->oldest = TLK_INFINITY;
  for (int64_t k = 0; k < size; k++) memory[k] = TLK_INFINITY;
  for (int64_t i = greater(row - window + 1, 0); i < row; i++)
    replace(run->sorted, size, TLK_INFINITY, or_infinity(piece->x[i]));
  run->n = count_valid(piece, row - window + 1, row);
}

/* One row, all rows being valid: the numbers around the quantile go to output and high. */
INLINE void roll_full(int64_t window, int64_t size, struct point point, struct run *run, int64_t t) {
  replace(run->sorted, size, run->oldest, run->x[t]);
  run->output[t] = run->sorted[point.i];
  run->high[t] = run->sorted[point.next];
  run->oldest = run->x[t - window + 1];
}

INLINE void finish_tile(struct run *run, int64_t n, double f) {
  const tlk_mask exact = f == 0.0 ? tlk_splat(0.0) == tlk_splat(0.0) : tlk_splat(0.0) != tlk_splat(0.0);
  int64_t i = 0;
  for (; i + TLK_LANES <= n; i += TLK_LANES) {
    const tlk_real low = load(run->output + i), high = load(run->high + i);
    save(run->output + i, tlk_one_nan(tlk_pick(exact | (low == high), low, low + (high - low) * f) + 0.0));
  }
  for (; i < n; i++) run->output[i] = between(run->output[i], run->high[i], f);
  run->output += n;
  run->x += n;
  run->row += n;
}

INLINE void roll_all_full(const tlk_window *w, int64_t size, int n_runs, struct run *runs, int64_t rows) {
  const struct point point = point_of(w, w->window);
  while (rows > 0) {
    const int64_t n = lesser(rows, TILE);
    for (int64_t t = 0; t < n; t++)
      for (int r = 0; r < n_runs; r++) roll_full(w->window, size, point, &runs[r], t);
    for (int r = 0; r < n_runs; r++) finish_tile(&runs[r], n, point.f);
    rows -= n;
  }
}

/* One row like any other. */
INLINE void roll_any(const struct piece *piece, int64_t size, struct run *run) {
  const tlk_window *w = piece->w;
  const double newest = *run->x;
  run->n += newest == newest;
  replace(run->sorted, size, run->oldest, or_infinity(newest));
  const struct point point = point_of(w, greater(run->n, 1));
  const double result = between(run->sorted[point.i], run->sorted[point.next], point.f);
  *run->output++ = is_enough(w, run->n, run->row) ? result : TLK_NAN;
  const double oldest = at(piece, run->row - w->window + 1);
  run->n -= oldest == oldest;
  run->oldest = or_infinity(oldest);
  run->x++;
  run->row++;
}

INLINE void roll_all(const struct piece *piece, int64_t size, int n_runs, struct run *runs, int64_t rows, bool full) {
  if (full) {
    roll_all_full(piece->w, size, n_runs, runs, rows);
    return;
  }
  for (int64_t t = 0; t < rows; t++)
    for (int r = 0; r < n_runs; r++) roll_any(piece, size, &runs[r]);
}

/* As many runs as are worth their beginnings, and then the rows that are left, in the last one. */
INLINE void roll_short(const struct piece *piece, int64_t size, double *output, double *memory) {
  const int64_t rows = piece->to - piece->from, room = room_of(piece->w), share = rows / RUNS;
  const bool full = is_full(piece);
  struct run runs[RUNS];
  if (share < 4 * piece->w->window) {
    begin_run(piece, piece->from, output, memory, runs);
    roll_all(piece, size, 1, runs, rows, full);
    return;
  }
  for (int r = 0; r < RUNS; r++)
    begin_run(piece, piece->from + r * share, output + r * share, memory + r * room, &runs[r]);
  roll_all(piece, size, RUNS, runs, share, full);
  roll_all(piece, size, 1, &runs[RUNS - 1], rows - RUNS * share, full);
}

/* Windows of few vectors have loops of their own. */
static void roll_by_size(const struct piece *piece, double *output, double *memory) {
  const int64_t size = round_up(piece->w->window, TLK_LANES);
  if (size == TLK_LANES)
    roll_short(piece, TLK_LANES, output, memory);
  else if (size == 2 * TLK_LANES)
    roll_short(piece, 2 * TLK_LANES, output, memory);
  else if (size == 3 * TLK_LANES)
    roll_short(piece, 3 * TLK_LANES, output, memory);
  else if (size == 4 * TLK_LANES)
    roll_short(piece, 4 * TLK_LANES, output, memory);
  else
    roll_short(piece, size, output, memory);
}

/*
 * Piece by piece, whose rows stay in the cache, and which are long beside their beginnings. Windows that reach back
 * before the series are a piece of their own, which is slower.
 */
static void roll_pieces(const struct piece *piece, double *output, double *memory) {
  const int64_t window = piece->w->window, rows = greater(LEAST_ROWS, LEAST_WINDOWS * window);
  int64_t from = piece->from;
  while (from < piece->to) {
    const int64_t end = from < window - 1 ? window - 1 : from + rows;
    const struct piece part = {piece->w, piece->x, from, lesser(end, piece->to)};
    roll_by_size(&part, output + (from - piece->from), memory);
    from = part.to;
  }
}

/* ---- ranks that are counted ---- */

static double rank_of(const struct piece *piece, int64_t row) {
  const double newest = piece->x[row];
  int64_t sum = 0;
  for (int64_t i = greater(row - piece->w->window + 1, 0); i <= row; i++)
    sum += (piece->x[i] < newest) + (piece->x[i] <= newest);
  return (double)(sum + 1) * 0.5;
}

INLINE tlk_real ranks_of(const double *x, int64_t window) {
  const tlk_real newest = load(x);
  tlk_mask less = {0}, not_more = {0};
  for (int64_t k = 0; k < window; k++) {
    const tlk_real other = load(x - k);
    less -= other < newest;
    not_more -= other <= newest;
  }
  return (__builtin_convertvector(less + not_more, tlk_real) + 1.0) * 0.5;
}

static void count_ranks(const struct piece *piece, double *output) {
  const int64_t window = piece->w->window;
  int64_t i = piece->from;
  for (; i < lesser(window - 1, piece->to); i++) output[i - piece->from] = rank_of(piece, i);
  for (; i + TLK_LANES <= piece->to; i += TLK_LANES) save(output + (i - piece->from), ranks_of(piece->x + i, window));
  for (; i < piece->to; i++) output[i - piece->from] = rank_of(piece, i);
}

/* Takes away results of windows that have too few rows, or whose newest row is not valid. */
static void hide_ranks(const struct piece *piece, double *output) {
  const tlk_window *w = piece->w;
  if (is_full(piece)) return;
  int64_t n = count_valid(piece, piece->from - w->window + 1, piece->from);
  for (int64_t i = piece->from; i < piece->to; i++) {
    const double newest = piece->x[i], oldest = at(piece, i - w->window + 1);
    n += newest == newest;
    if (newest != newest || !is_enough(w, n, i)) output[i - piece->from] = TLK_NAN;
    n -= oldest == oldest;
  }
}

/* ---- long windows ---- */

/*
 * A sorted window in blocks of `size` numbers. Each block begins anywhere in a space of twice its size, so that one
 * number can leave at one end while another comes at the other end.
 */
struct sorted {
  int64_t size, blocks;
  double *space;  /* of all blocks */
  double *last;   /* number of each block */
  int64_t *start; /* of each block in its space */
};

/* The first line of scratch. */
struct memo {
  int64_t next; /* row, whose window but for itself is in the blocks; 0: nothing is */
  int64_t n;    /* valid rows of it */
};

static int64_t block_size(const tlk_window *w) {
  int64_t size = 64;
  while (size * size < 2 * w->window) size *= 2;
  return size;
}

static int64_t block_count(const tlk_window *w) { return (w->window + block_size(w) - 1) / block_size(w); }

static struct sorted sorted_of(const tlk_window *w, void *scratch) {
  struct sorted s = {.size = block_size(w), .blocks = block_count(w)};
  s.space = (double *)scratch + LINE;
  s.last = s.space + 2 * s.size * s.blocks;
  s.start = (int64_t *)(void *)(s.last + s.blocks);
  return s;
}

/* Bytes of the blocks, and as many again as sorting needs. */
static uint64_t long_scratch(const tlk_window *w) {
  const int64_t blocks = block_count(w), numbers = block_size(w) * blocks;
  return (uint64_t)round_up(LINE + 3 * numbers + 2 * blocks, LINE) * sizeof(double);
}

INLINE double *block_at(const struct sorted *s, int64_t b) { return s->space + 2 * s->size * b + s->start[b]; }

INLINE double number_at(const struct sorted *s, int64_t i) { return block_at(s, i / s->size)[i % s->size]; }

static int64_t block_of(const struct sorted *s, double x, bool after_equal) {
  return lesser(count_below(s->last, s->blocks, x, after_equal), s->blocks - 1);
}

/* Makes room on both sides of a block. */
static void centre(struct sorted *s, int64_t b) {
  const double *block = block_at(s, b);
  s->start[b] = s->size / 2;
  memmove(block_at(s, b), block, (size_t)s->size * sizeof(double));
}

/* A number comes after the end of a block. Returns its first one, which leaves. */
INLINE double push_last(struct sorted *s, int64_t b, double x) {
  if (s->start[b] == s->size) centre(s, b);
  double *block = block_at(s, b);
  const double first = block[0];
  block[s->size] = s->last[b] = x;
  s->start[b]++;
  return first;
}

/* A number comes before the beginning of a block. Returns its last one, which leaves. */
INLINE double push_first(struct sorted *s, int64_t b, double x) {
  if (s->start[b] == 0) centre(s, b);
  double *block = block_at(s, b);
  const double last = s->last[b];
  block[-1] = x;
  s->start[b]--;
  s->last[b] = block[s->size - 2];
  return last;
}

INLINE void replace_in_block(struct sorted *s, int64_t b, double out, double in) {
  double *block = block_at(s, b);
  replace(block, s->size, out, in);
  s->last[b] = block[s->size - 1];
}

/* Takes a number out of the window and puts another one in; numbers between them go one place on, through blocks. */
static void exchange(struct sorted *s, double out, double in) {
  const int64_t from = block_of(s, out, false);
  int64_t to = block_of(s, in, false);
  if (to > from && in <= block_at(s, to)[0]) to--;
  double carried = in;
  if (to > from) {
    carried = block_at(s, to)[0];
    replace_in_block(s, to, carried, in);
    for (int64_t b = to - 1; b > from; b--) carried = push_last(s, b, carried);
  } else if (to < from) {
    carried = s->last[to];
    replace_in_block(s, to, carried, in);
    for (int64_t b = to + 1; b < from; b++) carried = push_first(s, b, carried);
  }
  replace_in_block(s, from, out, carried);
}

/* ---- their beginnings ---- */

/* Merges sorted neighbours. */
static void merge(const double *a, int64_t n_a, const double *b, int64_t n_b, double *to) {
  const double *end_a = a + n_a, *end_b = b + n_b;
  while (a < end_a && b < end_b) {
    const bool second = *b < *a;
    *to++ = second ? *b : *a;
    b += second;
    a += !second;
  }
  memcpy(to, a, (size_t)(end_a - a) * sizeof(double));
  memcpy(to + (end_a - a), b, (size_t)(end_b - b) * sizeof(double));
}

/* Sorts n numbers with the help of as many others. Returns where they are. */
static double *sort(double *x, int64_t n, double *other) {
  for (int64_t width = 1; width < n; width *= 2) {
    for (int64_t i = 0; i < n; i += 2 * width) {
      const int64_t n_a = lesser(width, n - i), n_b = lesser(width, n - i - n_a);
      merge(x + i, n_a, x + i + n_a, n_b, other + i);
    }
    double *sorted = other;
    other = x;
    x = sorted;
  }
  return x;
}

/* The window of the piece's first row, but for itself. */
static void begin_long(const struct piece *piece, struct sorted *s, struct memo *memo) {
  const int64_t all = s->size * s->blocks, first = piece->from - piece->w->window + 1;
  double *numbers = (double *)(void *)(s->start + s->blocks);
  for (int64_t i = 0; i < all; i++) {
    const int64_t row = first + i;
    numbers[i] = row < piece->from ? or_infinity(at(piece, row)) : TLK_INFINITY;
  }
  double *sorted = sort(numbers, all, s->space);
  if (sorted == s->space) {
    memcpy(numbers, sorted, (size_t)all * sizeof(double));
    sorted = numbers;
  }
  for (int64_t b = 0; b < s->blocks; b++) {
    s->start[b] = s->size / 2;
    memcpy(block_at(s, b), sorted + b * s->size, (size_t)s->size * sizeof(double));
    s->last[b] = sorted[(b + 1) * s->size - 1];
  }
  memo->n = count_valid(piece, first, piece->from);
}

/* ---- their results ---- */

static double quantile_now(const tlk_window *w, const struct sorted *s, int64_t n) {
  const struct point point = point_of(w, n);
  return between(number_at(s, point.i), number_at(s, point.next), point.f);
}

INLINE int64_t count_all_below(const struct sorted *s, double x, bool or_equal) {
  const int64_t b = block_of(s, x, or_equal);
  return b * s->size + count_below(block_at(s, b), s->size, x, or_equal);
}

/* The missing rows at the end do not count. */
static double rank_now(const struct sorted *s, double newest, int64_t n) {
  const int64_t less = count_all_below(s, newest, false), up_to = lesser(count_all_below(s, newest, true), n);
  return (double)(less + up_to + 1) * 0.5;
}

static void roll_long(const struct piece *piece, double *output, void *scratch) {
  const tlk_window *w = piece->w;
  struct memo *memo = scratch;
  struct sorted s = sorted_of(w, scratch);
  if (memo->next == 0 || memo->next != piece->from) begin_long(piece, &s, memo);
  double oldest = TLK_NAN;
  for (int64_t i = piece->from; i < piece->to; i++) {
    const double newest = piece->x[i];
    memo->n += newest == newest;
    exchange(&s, or_infinity(oldest), or_infinity(newest));
    double result = TLK_NAN;
    if (is_enough(w, memo->n, i)) {
      if (w->kind == TLK_ORDER_QUANTILE)
        result = quantile_now(w, &s, memo->n);
      else if (newest == newest)
        result = rank_now(&s, newest, memo->n);
    }
    output[i - piece->from] = result;
    oldest = at(piece, i - w->window + 1);
    memo->n -= oldest == oldest;
  }
  exchange(&s, or_infinity(oldest), TLK_INFINITY);
  memo->next = piece->to;
}

/* ---- choosing ---- */

static bool is_counted(const tlk_window *w) { return w->kind == TLK_ORDER_RANK && w->window <= MOST_COUNT; }
static bool is_short(const tlk_window *w) { return w->kind == TLK_ORDER_QUANTILE && w->window <= MOST_PASS; }

uint64_t TLW_TIERED(tlw_window_order_scratch)(const tlk_window *w) {
  if (is_counted(w)) return LINE * sizeof(double);
  if (is_short(w)) return (uint64_t)(RUNS * room_of(w)) * sizeof(double);
  return long_scratch(w);
}

void TLW_TIERED(tlw_window_order)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
                                  double *output, void *scratch) {
  const struct piece piece = {w, rows->x - rows->first, from, to};
  if (from >= to) return;
  if (is_counted(w)) {
    count_ranks(&piece, output);
    hide_ranks(&piece, output);
  } else if (is_short(w)) {
    roll_pieces(&piece, output, scratch);
  } else {
    roll_long(&piece, output, scratch);
  }
}
