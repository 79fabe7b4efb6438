/* What the files of folds share: window_fold.c, window_fold_whole.c, window_fold_counted.c. Compiled once per tier. */
#ifndef TALLOW_CPU_WINDOW_FOLD_PARTS_H
#define TALLOW_CPU_WINDOW_FOLD_PARTS_H

#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "vector.h"
#include "window_fold.h"

/* Starts of windows go by eights; TLK_LANES is the doubles of a vector. */
#define GROUP 8
#define VECTORS (GROUP / TLK_LANES)

/* Eights whose results go through one buffer; rows that they read, those behind their last groups included. */
#define TILE 64
#define TILE_ROWS (TILE * GROUP + 4 * GROUP)

/* Eights at a time where rows are counted. */
#define COUNTED_TILE 16
#define COUNTED_ROWS (COUNTED_TILE * GROUP + 3 * GROUP)

#define INLINE static inline __attribute__((always_inline, unused))

/* Of a join: valid rows of both sides, and tlk_weigh of them. */
struct weights {
  double na, nb, p, q, r;
};

/* What joins at one place of a block need: of the prefix with the next group, of a group with the suffix, of both. */
struct place {
  struct weights prefix, suffix, window;
};

/* Rows at hand, from the one numbered row on. valid: 1 where a row is. */
struct view {
  const double *x, *y, *valid;
  double row;
};

/* Parts of neighbouring starts: members, then n, in columns of COUNTED_ROWS. */
struct columns {
  double at[(TLK_PART_MEMBERS + 1) * COUNTED_ROWS];
};

struct scratch {
  double x[TILE_ROWS], y[TILE_ROWS], valid[TILE_ROWS];
  double results[GROUP + TILE * GROUP + GROUP]; /* eight that no one wants, then those waiting and those of a tile */
  double prefix[(TLK_PART_MEMBERS + 1) * GROUP];
  struct columns rows, pairs, quads, groups, parts; /* of rows that are counted */
};

struct fold {
  const tlk_window *w;
  const struct tlw_cpu_rows *rows;
  int64_t lowest, highest; /* rows that may be read: lowest to highest - 1 */
  int64_t groups, place;   /* of a block; in it */
  int64_t begun, suffixes; /* places from which on slots have groups of this block; suffixes of the one before */
  struct weights tails[3], lefts[GROUP];
  const struct place *places;
  double *slots; /* suffixes of the block before, and groups of this one in front of them */
  struct scratch *scratch;
  double *output;
  int64_t wary;       /* groups until none has anything to do with a NaN */
  int64_t held, left; /* results in the buffer, below 0 where there are too many; results still to be written */
  bool streams;
};

/* Results of rows from to to - 1, where all rows of the windows are valid; where they need not be. By kind. */
typedef void (*fold_fn)(struct fold *f, int64_t from, int64_t to);
extern const fold_fn TLW_TIERED(tlw_window_whole)[TLK_FOLDS];
void TLW_TIERED(tlw_window_counted)(struct fold *f, int64_t from, int64_t to);

/* n rows of a column from this one on, 0 for those that may not be read. */
void TLW_TIERED(tlw_window_copy_rows)(const struct fold *f, const double *column, int64_t row, int64_t n,
                                      double *target);
/* Where the next results go, and so many more of them delivered. */
double *TLW_TIERED(tlw_window_buffer)(const struct fold *f);
void TLW_TIERED(tlw_window_deliver)(struct fold *f, int64_t n);

/* Whether any number of two vectors is NaN. */
#if defined(__SSE2__)
INLINE bool any_nan(tlk_real a, tlk_real b) {
#if TLK_LANES == 8
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_UNORD_Q) != 0;
#elif TLK_LANES == 4
  return _mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_UNORD_Q)) != 0;
#else
  return _mm_movemask_pd(_mm_cmpunord_pd((__m128d)a, (__m128d)b)) != 0;
#endif
}
#else
INLINE bool any_nan(tlk_real a, tlk_real b) {
  const tlk_mask nan = (a != a) | (b != b);
  tlk_i64 any = 0;
  for (int i = 0; i < TLK_LANES; i++) any |= nan[i];
  return any != 0;
}
#endif

INLINE tlk_real lanes(void) {
  tlk_real x;
  for (int i = 0; i < TLK_LANES; i++) x[i] = i;
  return x;
}

INLINE int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

INLINE bool numbers_rows(int kind) { return kind == TLK_FOLD_ARGMIN || kind == TLK_FOLD_ARGMAX; }

INLINE tlk_real result_of(int kind, const tlk_window *w, tlk_part part, tlk_real newest) {
  const double ddof = w->ddof, periods = (double)w->min_periods;
#define RESULT(o) tlk_result(TLK_OP_##o, part, newest, ddof, periods)
  switch (kind) {
  case TLK_FOLD_SUM:
    return w->op == TLK_OP_MEAN ? RESULT(MEAN) : RESULT(SUM);
  case TLK_FOLD_MIN:
    return RESULT(MIN);
  case TLK_FOLD_MAX:
    return RESULT(MAX);
  case TLK_FOLD_ARGMIN:
    return RESULT(ARGMIN);
  case TLK_FOLD_ARGMAX:
    return RESULT(ARGMAX);
  case TLK_FOLD_MOMENTS:
    return w->op == TLK_OP_STD ? RESULT(STD) : RESULT(VAR);
  case TLK_FOLD_HIGHER:
    return w->op == TLK_OP_SKEW ? RESULT(SKEW) : RESULT(KURTOSIS);
  case TLK_FOLD_CROSS:
    return w->op == TLK_OP_COV ? RESULT(COV) : w->op == TLK_OP_CORR ? RESULT(CORR) : RESULT(BETA);
  case TLK_FOLD_WEIGHTED:
    return RESULT(WMA);
  default:
    return w->op == TLK_OP_FIRST   ? RESULT(FIRST)
           : w->op == TLK_OP_LAST  ? RESULT(LAST)
           : w->op == TLK_OP_DELTA ? RESULT(DELTA)
                                   : RESULT(RETURN);
  }
#undef RESULT
}

#endif
