/* Folds of rolling windows, cut where rows are missing or skipped. Compiled once per tier. */
#include "window_fold_parts.h"

static struct weights weigh(double na, double nb) {
  const double p = nb / (na + nb);
  return (struct weights){na, nb, p, na / (na + nb), na * p};
}

/* ---- results and rows ---- */

double *TLW_TIERED(tlw_window_buffer)(const struct fold *f) { return f->scratch->results + GROUP + f->held; }

/* What lies in a line that is not full waits where lines are streamed. */
void TLW_TIERED(tlw_window_deliver)(struct fold *f, int64_t n) {
  double *results = f->scratch->results + GROUP;
  int64_t ready = f->held + n;
  if (ready >= f->left) {
    ready = f->left;
    f->held = 0;
  } else if (f->streams) {
    f->held = (int64_t)((uintptr_t)(f->output + ready) / sizeof(double) % GROUP);
    if (f->held > ready) f->held = ready;
    ready -= f->held;
  } else {
    f->held = 0;
  }
  if (f->streams)
    TLW_TIERED(tlw_window_store)(f->output, results, ready);
  else
    memcpy(f->output, results, (size_t)ready * sizeof(double));
  memmove(results, results + ready, (size_t)f->held * sizeof(double));
  f->output += ready;
  f->left -= ready;
}

void TLW_TIERED(tlw_window_copy_rows)(const struct fold *f, const double *column, int64_t row, int64_t n,
                                      double *target) {
  const int64_t first = row > f->lowest ? row : f->lowest, end = row + n < f->highest ? row + n : f->highest;
  if (first >= end) {
    memset(target, 0, (size_t)n * sizeof(double));
    return;
  }
  memset(target, 0, (size_t)(first - row) * sizeof(double));
  memcpy(target + (first - row), column + (first - f->rows->first), (size_t)(end - first) * sizeof(double));
  memset(target + (end - row), 0, (size_t)(row + n - end) * sizeof(double));
}

/* ---- pieces ---- */

static bool weighs(const tlk_window *w) {
  return w->kind == TLK_FOLD_MOMENTS || w->kind == TLK_FOLD_HIGHER || w->kind == TLK_FOLD_CROSS ||
         w->kind == TLK_FOLD_WEIGHTED;
}

static int64_t places_of(const tlk_window *w) { return weighs(w) ? w->window / GROUP : 0; }

static uint64_t lines(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

uint64_t TLW_TIERED(tlw_window_fold_scratch)(const tlk_window *w) {
  const bool may_count = w->skip || w->min_periods < w->window;
  return lines(sizeof(struct scratch)) + lines((uint64_t)places_of(w) * sizeof(struct place)) +
         (uint64_t)((w->window / GROUP + 1) * (tlk_part_members(w->kind) + may_count) * GROUP) * sizeof(double);
}

void TLW_TIERED(tlw_window_fold_begin)(const tlk_window *w, void *scratch) {
  struct place *places = (struct place *)((char *)scratch + lines(sizeof(struct scratch)));
  const int64_t n = places_of(w);
  memset(scratch, 0, sizeof(struct scratch));
  for (int64_t i = 0; i < n; i++) {
    const double before = (double)(GROUP * i), behind = (double)(GROUP * (n - 1 - i));
    places[i] = (struct place){weigh(before, GROUP), weigh(GROUP, behind), weigh(behind, before + GROUP)};
  }
}

static void begin(struct fold *f, int64_t from, int64_t to, double *output) {
  const int64_t window = f->w->window, groups = window / GROUP * GROUP;
  f->lowest = from - window + 1 > 0 ? from - window + 1 : 0;
  f->highest = to;
  f->output = output;
  f->left = to - from;
  f->tails[0] = weigh((double)groups, 4);
  f->tails[1] = weigh((double)(groups + (window & 4)), 2);
  f->tails[2] = weigh((double)(window - 1), 1);
  for (int k = 1; k < GROUP; k++) f->lefts[k] = weigh(k, 1);
}

/* Gives nothing where there is nothing to do. */
static void run(fold_fn fold, struct fold *f, int64_t from, int64_t to, double *output) {
  if (from >= to) return;
  begin(f, from, to, output);
  fold(f, from, to);
}

static int64_t find_nan(const struct tlw_cpu_rows *rows, int64_t row, int64_t end) {
  const double *x = rows->x + (row - rows->first), *y = rows->y ? rows->y + (row - rows->first) : x;
  return row + TLW_TIERED(tlw_window_find_nan)(x, y, end - row);
}

/* Rows whose windows lie in the series whole, some of which may have rows to skip. */
static void fold_around_nan(struct fold *f, int64_t from, int64_t to, double *output) {
  const int64_t window = f->w->window, worth = window > 2 * TILE * GROUP ? window : 2 * TILE * GROUP;
  for (int64_t row = from; row < to;) {
    int64_t nan = find_nan(f->rows, row - window + 1, to);
    const int64_t clean = nan < to && nan - row < worth ? row : nan;
    run(TLW_TIERED(tlw_window_whole)[f->w->kind], f, row, clean, output + (clean > row ? row - from : 0));
    row = clean;
    if (nan == to) break;
    int64_t end = nan + window;
    while ((nan = find_nan(f->rows, nan + 1, to)) < to && nan < end + worth) end = nan + window;
    if (end > to) end = to;
    run(TLW_TIERED(tlw_window_counted), f, row, end, output + (row - from));
    row = end;
  }
}

void TLW_TIERED(tlw_window_fold)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
                                 double *output, bool streams, void *scratch) {
  char *memory = scratch;
  const uint64_t places = lines(sizeof(struct scratch));
  const uint64_t slots = places + lines((uint64_t)places_of(w) * sizeof(struct place));
  struct fold f = {.w = w,
                   .rows = rows,
                   .groups = w->window / GROUP,
                   .places = (const struct place *)(memory + places),
                   .slots = (double *)(memory + slots),
                   .scratch = scratch,
                   .streams = streams};
  int64_t row = from;
  for (; row < to && row < w->min_periods - 1; row++) output[row - from] = TLK_NAN;
  if (w->kind == TLK_FOLD_ENDS && !w->skip) {
    run(TLW_TIERED(tlw_window_whole)[w->kind], &f, row, to, output + (row - from));
    return;
  }
  const int64_t whole = w->window - 1 < to ? w->window - 1 : to;
  if (row < whole) {
    run(TLW_TIERED(tlw_window_counted), &f, row, whole, output + (row - from));
    row = whole;
  }
  if (w->skip)
    fold_around_nan(&f, row, to, output + (row - from));
  else
    run(TLW_TIERED(tlw_window_whole)[w->kind], &f, row, to, output + (row - from));
}

/* ---- whole vectors ---- */

#if defined(__SSE2__)
INLINE void stream(double *target, const double *source) {
#if TLK_LANES == 8
  _mm512_stream_pd(target, _mm512_loadu_pd(source));
#elif TLK_LANES == 4
  _mm256_stream_pd(target, _mm256_loadu_pd(source));
#else
  _mm_stream_pd(target, _mm_loadu_pd(source));
#endif
}
#else
INLINE void stream(double *target, const double *source) { save(target, load(source)); }
#endif

/* Two vectors of one column at a time where there is no other. */
int64_t TLW_TIERED(tlw_window_find_nan)(const double *x, const double *y, int64_t n) {
  int64_t i = 0;
  if (x == y)
    while (i + 2 * TLK_LANES <= n && !any_nan(load(x + i), load(x + i + TLK_LANES))) i += 2 * TLK_LANES;
  else
    while (i + TLK_LANES <= n && !any_nan(load(x + i), load(y + i))) i += TLK_LANES;
  while (i < n && x[i] == x[i] && y[i] == y[i]) i++;
  return i;
}

void TLW_TIERED(tlw_window_store)(double *target, const double *source, int64_t n) {
  int64_t i = 0;
  for (; i < n && (uintptr_t)(target + i) % 64 != 0; i++) target[i] = source[i];
  for (; i + GROUP <= n; i += GROUP)
    for (int h = 0; h < VECTORS; h++) stream(target + i + h * TLK_LANES, source + i + h * TLK_LANES);
  for (; i < n; i++) target[i] = source[i];
}
