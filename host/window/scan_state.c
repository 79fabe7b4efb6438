/* Averages that remember and running totals, row by row. */
#include "state.h"

#define STEPS 3

/* What a row becomes in the steps of its group, and in its block. */
struct row {
  tlk_pair steps[STEPS];
  tlk_pair whole;
};

struct look {
  int64_t valid;
  bool begun;
  double seed;
  struct row value, one;
};

static double follow(const tlw_window_state *s, const struct tlw_scan_chain *chain, tlk_pair pair, struct row *r) {
  const int32_t kind = s->window.kind;
  const int64_t k = s->scan.rows, i = k % TLK_SCAN_GROUP;
  const tlk_pair none = tlk_scan_empty(kind);
  for (int64_t step = 0; step < STEPS; step++) {
    const int64_t distance = (int64_t)1 << step;
    r->steps[step] = pair;
    if (i >= distance) pair = tlk_scan_join(kind, chain->steps[step][i - distance], pair);
  }
  r->whole = tlk_scan_join(kind, k % TLK_SCAN_BLOCK < TLK_SCAN_GROUP ? none : chain->before, pair);
  return tlk_scan_value(kind, r->whole, k % TLK_SCAN_STRETCH < TLK_SCAN_BLOCK ? none : chain->blocks,
                        k < TLK_SCAN_STRETCH ? none.v : chain->carry);
}

static void keep(const tlw_window_state *s, struct tlw_scan_chain *chain, const struct row *r) {
  const int32_t kind = s->window.kind;
  const int64_t k = s->scan.rows, i = k % TLK_SCAN_GROUP;
  for (int64_t step = 0; step < STEPS; step++) chain->steps[step][i] = r->steps[step];
  if (i < TLK_SCAN_GROUP - 1) return;
  chain->before = r->whole;
  if (k % TLK_SCAN_BLOCK < TLK_SCAN_BLOCK - 1) return;
  const tlk_pair none = tlk_scan_empty(kind);
  chain->blocks = tlk_scan_join(kind, k % TLK_SCAN_STRETCH < TLK_SCAN_BLOCK ? none : chain->blocks, r->whole);
  if (k % TLK_SCAN_STRETCH < TLK_SCAN_STRETCH - 1) return;
  chain->carry = tlk_scan_value(kind, none, chain->blocks, k < TLK_SCAN_STRETCH ? none.v : chain->carry);
}

/* What x adds to the row before it; the first one is the seed where that is not a mean. */
static tlk_pair pair_of(const tlk_window *w, const struct look *l, bool first, double x) {
  const bool itself = w->kind != TLK_SCAN_LINEAR || w->adjust || (first && !w->seed_mean);
  tlk_pair pair = {w->keep, itself ? x : w->gain * x};
  if (w->seed_mean && l->valid == w->window) pair.v = l->seed / (double)w->window;
  return pair;
}

static double look(const tlw_window_state *s, double x, struct look *l) {
  const tlk_window *w = &s->window;
  const struct tlw_scan_state *scan = &s->scan;
  const bool valid = x == x || (scan->valid > 0 && !w->skip);
  l->valid = scan->valid + valid;
  l->seed = scan->seed;
  if (w->seed_mean && valid && l->valid <= w->window) l->seed = l->valid == 1 ? x : scan->seed + x;
  l->begun = l->valid >= (w->seed_mean ? w->window : 1);
  if (!l->begun) return TLK_NAN;
  const tlk_pair none = tlk_scan_empty(w->kind), one = {w->keep, 1.0};
  const double value = follow(s, &scan->values, valid ? pair_of(w, l, scan->valid == 0, x) : none, &l->value);
  const double ones = w->adjust ? follow(s, &scan->ones, valid ? one : none, &l->one) : 1.0;
  return l->valid >= w->min_periods ? tlk_scan_result(w->kind, w->adjust, value, ones) : TLK_NAN;
}

static double peek(const tlw_window_state *s, double x, double y) {
  (void)y;
  struct look l;
  return look(s, x, &l);
}

static double update(tlw_window_state *s, double x, double y) {
  (void)y;
  struct look l;
  const double result = look(s, x, &l);
  struct tlw_scan_state *scan = &s->scan;
  scan->valid = l.valid;
  scan->seed = l.seed;
  if (!l.begun) return result;
  keep(s, &scan->values, &l.value);
  if (s->window.adjust) keep(s, &scan->ones, &l.one);
  scan->rows++;
  return result;
}

static uint64_t room(const tlk_window *w) {
  (void)w;
  return 0;
}

static void begin(tlw_window_state *s) { s->scan = (struct tlw_scan_state){0}; }

const struct tlw_state_way tlw_scan_way = {room, begin, update, peek};
