/*
 * Averages that remember and running totals. Whole groups of rows take the fast way: as long as no row of a block is
 * skipped, a of its pairs depends on their places alone and comes from a table. Other groups carry a along.
 */
#include "window_scan.h"

#include <string.h>

#include "vector.h"
#include "window_fold.h"
#include "window_minmax.h"

/* A group of rows is this many vectors. */
#define PARTS (TLK_SCAN_GROUP / TLK_LANES)
#define GROUPS (TLK_SCAN_BLOCK / TLK_SCAN_GROUP)
#define STEPS 3

#define EACH_PART _Pragma("GCC unroll 4") for (int p = 0; p < PARTS; p++)
#define EACH_STEP _Pragma("GCC unroll 4") for (int s = 0; s < STEPS; s++)

#define INLINE static inline __attribute__((always_inline))

struct numbers {
  tlk_real part[PARTS];
};

struct pairs {
  struct numbers a, v;
};

/* struct tlw_cpu_chain, each number in all lanes. */
struct chain {
  tlk_pair before, u;
  tlk_real c;
};

/* What blocks without skipped rows share. */
struct tables {
  struct numbers step[STEPS]; /* a of a group before each step */
  struct numbers group;       /* and after them */
  struct numbers a[GROUPS];   /* of a block's rows */
  struct numbers one[GROUPS]; /* what x = 1 gives */
};

/* ---- numbers of a group ---- */

INLINE struct numbers load_numbers(const double *x) {
  struct numbers n;
  EACH_PART { n.part[p] = load(x + p * TLK_LANES); }
  return n;
}

INLINE void save_numbers(double *x, struct numbers n) {
  EACH_PART { save(x + p * TLK_LANES, n.part[p]); }
}

INLINE struct numbers splat(tlk_real x) {
  struct numbers n;
  EACH_PART { n.part[p] = x; }
  return n;
}

INLINE double last_of(struct numbers n) { return n.part[PARTS - 1][TLK_LANES - 1]; }

/* The last number in all lanes. */
INLINE tlk_real spread_last(struct numbers n) {
  const tlk_real x = n.part[PARTS - 1];
#if TLK_LANES == 8
  return __builtin_shufflevector(x, x, 7, 7, 7, 7, 7, 7, 7, 7);
#elif TLK_LANES == 4
  return __builtin_shufflevector(x, x, 3, 3, 3, 3);
#else
  return __builtin_shufflevector(x, x, 1, 1);
#endif
}

/* Row i gets the number of row i - d, the first ones get that of fill. */
#if TLK_LANES == 8
INLINE struct numbers shift(struct numbers n, int d, tlk_real fill) {
  const tlk_real x = n.part[0];
  struct numbers s;
  s.part[0] = d == 1   ? __builtin_shufflevector(fill, x, 7, 8, 9, 10, 11, 12, 13, 14)
              : d == 2 ? __builtin_shufflevector(fill, x, 6, 7, 8, 9, 10, 11, 12, 13)
                       : __builtin_shufflevector(fill, x, 4, 5, 6, 7, 8, 9, 10, 11);
  return s;
}
#elif TLK_LANES == 4
INLINE struct numbers shift(struct numbers n, int d, tlk_real fill) {
  struct numbers s;
  EACH_PART {
    const tlk_real x = n.part[p], before = p > 0 ? n.part[p - 1] : fill;
    s.part[p] = d == 1 ? __builtin_shufflevector(before, x, 3, 4, 5, 6)
                : d == 2 ? __builtin_shufflevector(before, x, 2, 3, 4, 5)
                         : before;
  }
  return s;
}
#else
INLINE struct numbers shift(struct numbers n, int d, tlk_real fill) {
  struct numbers s;
  EACH_PART {
    const tlk_real x = n.part[p], before = p > 0 ? n.part[p - 1] : fill;
    s.part[p] = d == 1 ? __builtin_shufflevector(before, x, 1, 2) : d == 2 ? before : (p > 1 ? n.part[p - 2] : fill);
  }
  return s;
}
#endif

/* ---- joining ---- */

/* An earlier pair that changes not even the sign of a zero: a is never negative. */
INLINE tlk_pair neutral(int kind) {
  tlk_pair pair = tlk_scan_empty(kind);
  if (kind == TLK_SCAN_LINEAR) pair.v = tlk_splat(-0.0);
  return pair;
}

/* v of a join, which needs no a of the earlier pair. */
INLINE tlk_real join_value(int kind, tlk_real earlier, tlk_real a, tlk_real v) {
  const tlk_pair e = {tlk_splat(1.0), earlier}, l = {a, v};
  return tlk_scan_join(kind, e, l).v;
}

INLINE struct pairs join(int kind, struct pairs earlier, struct pairs later) {
  EACH_PART {
    const tlk_pair e = {earlier.a.part[p], earlier.v.part[p]}, l = {later.a.part[p], later.v.part[p]};
    const tlk_pair joined = tlk_scan_join(kind, e, l);
    later.a.part[p] = joined.a;
    later.v.part[p] = joined.v;
  }
  return later;
}

INLINE struct pairs join_one(int kind, tlk_pair earlier, struct pairs later) {
  const struct pairs e = {splat(earlier.a), splat(earlier.v)};
  return join(kind, e, later);
}

INLINE struct pairs step(int kind, struct pairs rows, int d) {
  const tlk_pair first = neutral(kind);
  const struct pairs earlier = {shift(rows.a, d, first.a), shift(rows.v, d, first.v)};
  return join(kind, earlier, rows);
}

INLINE struct numbers values(int kind, struct pairs rows, tlk_real carried) {
  EACH_PART { rows.v.part[p] = join_value(kind, carried, rows.a.part[p], rows.v.part[p]); }
  return rows.v;
}

INLINE struct numbers results(int kind, int adjust, struct numbers value, struct numbers one) {
  EACH_PART { value.part[p] = tlk_scan_result(kind, adjust, value.part[p], one.part[p]); }
  return value;
}

/* ---- chains ---- */

INLINE tlk_pair spread(struct tlw_cpu_pair pair) {
  const tlk_pair p = {tlk_splat(pair.a), tlk_splat(pair.v)};
  return p;
}

INLINE struct tlw_cpu_pair first(tlk_pair pair) { return (struct tlw_cpu_pair){tlk_first(pair.a), tlk_first(pair.v)}; }

INLINE struct chain chain_of(const struct tlw_cpu_chain *from) {
  const struct chain chain = {spread(from->before), spread(from->u), tlk_splat(from->c)};
  return chain;
}

INLINE void keep_chain(struct tlw_cpu_chain *to, struct chain chain) {
  to->before = first(chain.before);
  to->u = first(chain.u);
  to->c = tlk_first(chain.c);
}

/* What is carried into a block, or out of the stretch after its last block. */
INLINE tlk_real carried_by(int kind, struct chain chain) {
  const tlk_pair c = {tlk_splat(1.0), chain.c};
  return tlk_scan_join(kind, c, chain.u).v;
}

INLINE struct chain close_block(int kind, struct chain chain) {
  chain.u = tlk_scan_join(kind, chain.u, chain.before);
  chain.before = tlk_scan_empty(kind);
  return chain;
}

INLINE struct chain close_stretch(int kind, struct chain chain) {
  chain.c = carried_by(kind, chain);
  chain.u = tlk_scan_empty(kind);
  return chain;
}

/* After the group that ends at so many rows. go_on: beyond the end of a stretch, which is left open otherwise. */
INLINE struct chain close_group(int kind, struct chain chain, int64_t rows, bool go_on) {
  if (rows % TLK_SCAN_BLOCK == 0) chain = close_block(kind, chain);
  return go_on && rows % TLK_SCAN_STRETCH == 0 ? close_stretch(kind, chain) : chain;
}

/* ---- whole groups ---- */

static void fill_tables(const tlk_window *w, struct tables *t) {
  struct pairs rows = {splat(tlk_splat(w->keep)), splat(tlk_splat(1.0))};
  EACH_STEP {
    t->step[s] = rows.a;
    rows = step(TLK_SCAN_LINEAR, rows, 1 << s);
  }
  t->group = rows.a;
  tlk_pair before = tlk_scan_empty(TLK_SCAN_LINEAR);
  for (int g = 0; g < GROUPS; g++) {
    const struct pairs block = join_one(TLK_SCAN_LINEAR, before, rows);
    t->a[g] = block.a;
    t->one[g] = block.v;
    before.a = spread_last(block.a);
    before.v = spread_last(block.v);
  }
}

/* Whether groups of a block from g on go with the tables, of those before it. */
INLINE bool is_plain(const struct tables *t, const struct tlw_cpu_scan *scan, int adjust, int g) {
  if (g == 0) return true;
  return scan->values.before.a == last_of(t->a[g - 1]) && (!adjust || scan->ones.before.v == last_of(t->one[g - 1]));
}

INLINE bool has_nan(const double *x, int64_t groups) {
  tlk_mask found = {0};
  for (int64_t g = 0; g < groups; g++) {
    const struct numbers n = load_numbers(x + g * TLK_SCAN_GROUP);
    EACH_PART { found |= tlk_is_nan(n.part[p]); }
  }
  for (int i = 0; i < TLK_LANES; i++)
    if (found[i]) return true;
  return false;
}

/* Groups g to end - 1 of a block of averages without skipped rows. */
INLINE void plain_groups(int adjust, int emit, double gain, const struct tables *t, const double *x, int g, int end,
                         struct chain *chain, struct chain *ones, double *output) {
  const int kind = TLK_SCAN_LINEAR;
  const tlk_real carried = carried_by(kind, *chain), carried_one = carried_by(kind, *ones);
  const tlk_real group_a = spread_last(t->group), none = neutral(kind).v;
  tlk_real before = chain->before.v;
  for (; g < end; g++, x += TLK_SCAN_GROUP) {
    struct pairs rows = {t->step[0], load_numbers(x)};
    EACH_PART {
      if (!adjust) rows.v.part[p] = gain * rows.v.part[p];
    }
    EACH_STEP {
      const struct numbers earlier = shift(rows.v, 1 << s, none);
      EACH_PART { rows.v.part[p] = join_value(kind, earlier.part[p], t->step[s].part[p], rows.v.part[p]); }
    }
    /* The last row is also joined by itself, in all lanes: a shorter way to the next group. */
    const tlk_real last = join_value(kind, before, group_a, spread_last(rows.v));
    if (emit) {
      EACH_PART { rows.v.part[p] = join_value(kind, before, t->group.part[p], rows.v.part[p]); }
      rows.a = t->a[g];
      const struct pairs one = {t->a[g], t->one[g]};
      save_numbers(output, results(kind, adjust, values(kind, rows, carried), values(kind, one, carried_one)));
      output += TLK_SCAN_GROUP;
    }
    before = last;
  }
  chain->before.a = spread_last(t->a[end - 1]);
  chain->before.v = before;
  ones->before.a = chain->before.a;
  ones->before.v = spread_last(t->one[end - 1]);
}

/* clean: there is no NaN, so that the lesser and the greater take one instruction. */
INLINE tlk_real join_total(int kind, int clean, tlk_real earlier, tlk_real v) {
  if (clean && kind == TLK_SCAN_MIN) return tlw_least(earlier, v);
  if (clean && kind == TLK_SCAN_MAX) return tlw_most(earlier, v);
  return join_value(kind, earlier, tlk_splat(1.0), v);
}

/* Groups of a running total, whose a are 1. */
INLINE void total_groups(int kind, int emit, int skip, int clean, const double *x, int groups, struct chain *chain,
                         double *output) {
  const tlk_real carried = carried_by(kind, *chain), none = neutral(kind).v, empty = tlk_scan_empty(kind).v;
  tlk_real before = chain->before.v;
  for (int g = 0; g < groups; g++, x += TLK_SCAN_GROUP) {
    struct numbers v = load_numbers(x);
    EACH_PART {
      if (skip) v.part[p] = tlk_pick(tlk_is_nan(v.part[p]), empty, v.part[p]);
    }
    EACH_STEP {
      const struct numbers earlier = shift(v, 1 << s, none);
      EACH_PART { v.part[p] = join_total(kind, clean, earlier.part[p], v.part[p]); }
    }
    const tlk_real last = join_total(kind, clean, before, spread_last(v));
    if (emit) {
      EACH_PART {
        const tlk_real row = join_total(kind, clean, before, v.part[p]);
        v.part[p] = tlk_scan_result(kind, 0, join_total(kind, clean, carried, row), empty);
      }
      save_numbers(output, v);
      output += TLK_SCAN_GROUP;
    }
    before = last;
  }
  chain->before.a = tlk_splat(1.0);
  chain->before.v = before;
}

INLINE void add_total(int kind, int emit, bool skip, const double *x, int groups, struct chain *chain, double *output) {
  const bool chooses = kind == TLK_SCAN_MIN || kind == TLK_SCAN_MAX;
  const double before = tlk_first(tlk_lesser(carried_by(kind, *chain), chain->before.v));
  if (skip)
    total_groups(kind, emit, 1, 1, x, groups, chain, output);
  else if (chooses && before == before && !has_nan(x, groups))
    total_groups(kind, emit, 0, 1, x, groups, chain, output);
  else
    total_groups(kind, emit, 0, 0, x, groups, chain, output);
}

/* The rows of a group through its steps, after the rows before it in the block. */
INLINE struct pairs join_group(int kind, struct pairs rows, tlk_pair before) {
  EACH_STEP { rows = step(kind, rows, 1 << s); }
  return join_one(kind, before, rows);
}

INLINE void end_group(struct pairs rows, struct chain *chain) {
  chain->before.a = spread_last(rows.a);
  chain->before.v = spread_last(rows.v);
}

/* Groups of averages, NaN being skipped. */
INLINE void skipping_groups(int adjust, int emit, const tlk_window *w, const double *x, int groups, struct chain *chain,
                            struct chain *ones, double *output) {
  const int kind = TLK_SCAN_LINEAR;
  const tlk_real carried = carried_by(kind, *chain), carried_one = carried_by(kind, *ones);
  const tlk_pair empty = tlk_scan_empty(kind);
  for (int g = 0; g < groups; g++, x += TLK_SCAN_GROUP) {
    struct pairs rows = {.v = load_numbers(x)}, one;
    EACH_PART {
      const tlk_mask out = tlk_is_nan(rows.v.part[p]);
      rows.a.part[p] = tlk_pick(out, empty.a, tlk_splat(w->keep));
      rows.v.part[p] = tlk_pick(out, empty.v, adjust ? rows.v.part[p] : w->gain * rows.v.part[p]);
      one.v.part[p] = tlk_pick(out, empty.v, tlk_splat(1.0));
    }
    one.a = rows.a;
    rows = join_group(kind, rows, chain->before);
    end_group(rows, chain);
    if (adjust) {
      one = join_group(kind, one, ones->before);
      end_group(one, ones);
    }
    if (emit) {
      save_numbers(output, results(kind, adjust, values(kind, rows, carried), values(kind, one, carried_one)));
      output += TLK_SCAN_GROUP;
    }
  }
}

/* Where results go. */
struct sink {
  double *output;
  bool streams;
  int64_t held; /* results in the buffer, where they are streamed: a line of memory that is not full */
  double buffer[TLK_SCAN_GROUP + TLK_SCAN_BLOCK];
};

/* n results have come, of which the last part of a line stays in the buffer, unless they are all. */
INLINE void deliver(struct sink *sink, int64_t n, bool all) {
  if (!sink->streams) {
    sink->output += n;
    return;
  }
  const int64_t come = sink->held + n, beyond = (int64_t)((uintptr_t)(sink->output + come) / sizeof(double) % 8);
  sink->held = all ? 0 : beyond < come ? beyond : come;
  const int64_t ready = come - sink->held;
  TLW_TIERED(tlw_window_store)(sink->output, sink->buffer, ready);
  memmove(sink->buffer, sink->buffer + ready, (size_t)sink->held * sizeof(double));
  sink->output += ready;
}

/* Whole groups from the start of one on, through blocks and stretches. */
INLINE void run(int kind, int unit, int adjust, int emit, const tlk_window *w, const struct tables *t, const double *x,
                int64_t groups, struct tlw_cpu_scan *scan, struct sink *sink) {
  while (groups > 0) {
    const int g = (int)(scan->rows % TLK_SCAN_BLOCK) / TLK_SCAN_GROUP;
    const int n = groups < GROUPS - g ? (int)groups : GROUPS - g;
    struct chain chain = chain_of(&scan->values), ones = chain_of(&scan->ones);
    double *output = !emit ? NULL : sink->streams ? sink->buffer + sink->held : sink->output;
    if (kind != TLK_SCAN_LINEAR || unit)
      add_total(kind, emit, w->skip, x, n, &chain, output);
    else if (is_plain(t, scan, adjust, g) && !(w->skip && has_nan(x, n)))
      plain_groups(adjust, emit, w->gain, t, x, g, g + n, &chain, &ones, output);
    else
      skipping_groups(adjust, emit, w, x, n, &chain, &ones, output);
    scan->rows += n * TLK_SCAN_GROUP;
    keep_chain(&scan->values, close_group(kind, chain, scan->rows, emit));
    if (adjust) keep_chain(&scan->ones, close_group(kind, ones, scan->rows, emit));
    x += n * TLK_SCAN_GROUP;
    groups -= n;
    if (emit) deliver(sink, n * TLK_SCAN_GROUP, groups == 0);
  }
}

/* sink: NULL for the inside of a stretch alone. */
static void run_average(const tlk_window *w, const double *x, int64_t groups, struct tlw_cpu_scan *scan,
                        struct sink *sink) {
  struct tables t;
  fill_tables(w, &t);
  if (w->adjust) {
    if (sink)
      run(TLK_SCAN_LINEAR, 0, 1, 1, w, &t, x, groups, scan, sink);
    else
      run(TLK_SCAN_LINEAR, 0, 1, 0, w, &t, x, groups, scan, sink);
  } else {
    if (sink)
      run(TLK_SCAN_LINEAR, 0, 0, 1, w, &t, x, groups, scan, sink);
    else
      run(TLK_SCAN_LINEAR, 0, 0, 0, w, &t, x, groups, scan, sink);
  }
}

INLINE void run_total(int kind, const tlk_window *w, const double *x, int64_t groups, struct tlw_cpu_scan *scan,
                      struct sink *sink) {
  if (sink)
    run(kind, 1, 0, 1, w, NULL, x, groups, scan, sink);
  else
    run(kind, 1, 0, 0, w, NULL, x, groups, scan, sink);
}

static void run_groups(const tlk_window *w, const double *x, int64_t groups, struct tlw_cpu_scan *scan,
                       struct sink *sink) {
  if (groups == 0) return;
  if (w->kind == TLK_SCAN_PRODUCT)
    run_total(TLK_SCAN_PRODUCT, w, x, groups, scan, sink);
  else if (w->kind == TLK_SCAN_MIN)
    run_total(TLK_SCAN_MIN, w, x, groups, scan, sink);
  else if (w->kind == TLK_SCAN_MAX)
    run_total(TLK_SCAN_MAX, w, x, groups, scan, sink);
  else if (w->op == TLK_OP_CUMSUM)
    run_total(TLK_SCAN_LINEAR, w, x, groups, scan, sink);
  else
    run_average(w, x, groups, scan, sink);
}

/* ---- groups that are not whole ---- */

INLINE struct pairs group_of(const struct tlw_cpu_chain *chain) {
  double a[TLK_SCAN_GROUP], v[TLK_SCAN_GROUP];
  for (int i = 0; i < TLK_SCAN_GROUP; i++) {
    a[i] = chain->group[i].a;
    v[i] = chain->group[i].v;
  }
  const struct pairs rows = {load_numbers(a), load_numbers(v)};
  return rows;
}

/* The values of a group's rows so far; full: it ends with them, rows being those of the scan after it. */
INLINE struct numbers finish_group(int kind, struct tlw_cpu_chain *state, bool full, int64_t rows) {
  struct chain chain = chain_of(state);
  const struct pairs joined = join_group(kind, group_of(state), chain.before);
  const struct numbers value = values(kind, joined, carried_by(kind, chain));
  if (full) {
    end_group(joined, &chain);
    keep_chain(state, close_group(kind, chain, rows, true));
  }
  return value;
}

/* The results of the newest n rows, which are in the group. */
INLINE void finish(int kind, const tlk_window *w, int n, struct tlw_cpu_scan *scan, double *output) {
  const int k = (int)(scan->rows % TLK_SCAN_GROUP);
  const bool full = k + n == TLK_SCAN_GROUP;
  scan->rows += n;
  const struct numbers value = finish_group(kind, &scan->values, full, scan->rows);
  struct numbers one = value;
  if (w->adjust) one = finish_group(kind, &scan->ones, full, scan->rows);
  double result[TLK_SCAN_GROUP];
  save_numbers(result, results(kind, w->adjust, value, one));
  for (int i = 0; i < n; i++) output[i] = result[k + i];
}

static void finish_rows(const tlk_window *w, int n, struct tlw_cpu_scan *scan, double *output) {
  if (w->kind == TLK_SCAN_LINEAR)
    finish(TLK_SCAN_LINEAR, w, n, scan, output);
  else if (w->kind == TLK_SCAN_PRODUCT)
    finish(TLK_SCAN_PRODUCT, w, n, scan, output);
  else if (w->kind == TLK_SCAN_MIN)
    finish(TLK_SCAN_MIN, w, n, scan, output);
  else
    finish(TLK_SCAN_MAX, w, n, scan, output);
}

static struct tlw_cpu_pair empty_of(const tlk_window *w) { return first(tlk_scan_empty(w->kind)); }

/* Some rows of one group. */
static void add_rows(const tlk_window *w, const double *x, int n, struct tlw_cpu_scan *scan, double *output) {
  const int k = (int)(scan->rows % TLK_SCAN_GROUP);
  for (int i = 0; i < n; i++) {
    const bool out = w->skip && x[i] != x[i], gains = w->kind == TLK_SCAN_LINEAR && !w->adjust;
    const struct tlw_cpu_pair pair = {w->keep, gains ? w->gain * x[i] : x[i]}, one = {w->keep, 1.0};
    scan->values.group[k + i] = out ? empty_of(w) : pair;
    scan->ones.group[k + i] = out ? empty_of(w) : one;
  }
  finish_rows(w, n, scan, output);
}

/* Rows of a scan that has begun. */
static void add(const tlk_window *w, const double *x, int64_t n, struct tlw_cpu_scan *scan, double *output,
                bool streams) {
  const int64_t k = scan->rows % TLK_SCAN_GROUP, lacking = k ? TLK_SCAN_GROUP - k : 0;
  const int64_t head = lacking < n ? lacking : n, groups = (n - head) / TLK_SCAN_GROUP;
  const int64_t body = head + groups * TLK_SCAN_GROUP;
  struct sink sink;
  sink.output = output + head;
  sink.streams = streams;
  sink.held = 0;
  if (head > 0) add_rows(w, x, (int)head, scan, output);
  run_groups(w, x + head, groups, scan, &sink);
  if (body < n) add_rows(w, x + body, (int)(n - body), scan, output + body);
}

/* ---- beginnings ---- */

static struct tlw_cpu_chain new_chain(const tlk_window *w) {
  struct tlw_cpu_chain chain;
  for (int i = 0; i < TLK_SCAN_GROUP; i++) chain.group[i] = empty_of(w);
  chain.before = chain.u = empty_of(w);
  chain.c = chain.u.v;
  return chain;
}

static void begin_with(const tlk_window *w, double value, struct tlw_cpu_scan *scan, double *output) {
  scan->values = scan->ones = new_chain(w);
  scan->values.group[0] = (struct tlw_cpu_pair){w->keep, value};
  scan->ones.group[0] = (struct tlw_cpu_pair){w->keep, 1.0};
  finish_rows(w, 1, scan, output);
}

/* Rows up to the one that the scan begins with, if it is among them. Returns their number. */
static int64_t begin(const tlk_window *w, const double *x, int64_t n, struct tlw_cpu_scan *scan, double *output) {
  for (int64_t i = 0; i < n; i++) {
    output[i] = TLK_NAN;
    if (x[i] != x[i] && (w->skip || scan->valid == 0)) continue;
    scan->valid++;
    scan->seed = scan->valid == 1 ? x[i] : scan->seed + x[i];
    if (w->seed_mean && scan->valid < w->window) continue;
    begin_with(w, w->seed_mean ? scan->seed / (double)w->window : x[i], scan, output + i);
    return i + 1;
  }
  return n;
}

static int64_t count_valid(const double *x, int64_t n) {
  int64_t valid = 0;
  for (int64_t i = 0; i < n; i++) valid += x[i] == x[i];
  return valid;
}

/* Counts valid rows until there are enough of them, and takes away the results before. */
static void wait_for_periods(const tlk_window *w, const double *x, int64_t n, struct tlw_cpu_scan *scan,
                             double *output) {
  for (int64_t i = 0; i < n && scan->valid < w->min_periods; i++) {
    scan->valid += x[i] == x[i] || !w->skip;
    if (scan->valid < w->min_periods) output[i] = TLK_NAN;
  }
}

void TLW_TIERED(tlw_window_scan)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from, int64_t to,
                                 struct tlw_cpu_scan *scan, double *output, bool streams) {
  const double *x = rows->x + (from - rows->first);
  const int64_t n = to - from, begun = scan->rows ? 0 : begin(w, x, n, scan, output);
  if (begun > 0 && scan->valid < w->min_periods) output[begun - 1] = TLK_NAN;
  add(w, x + begun, n - begun, scan, output + begun, streams);
  wait_for_periods(w, x + begun, n - begun, scan, output + begun);
}

/* ---- stretches ---- */

void TLW_TIERED(tlw_window_stretch)(const tlk_window *w, const struct tlw_cpu_rows *rows, int64_t from,
                                    struct tlw_cpu_stretch *stretch) {
  const double *x = rows->x + (from - rows->first);
  struct tlw_cpu_scan scan = {.values = new_chain(w), .ones = new_chain(w)};
  run_groups(w, x, TLK_SCAN_STRETCH / TLK_SCAN_GROUP, &scan, NULL);
  stretch->value = scan.values.u;
  stretch->one = scan.ones.u;
  /* One row is always valid before. */
  stretch->valid = w->skip && w->min_periods > 1 ? count_valid(x, TLK_SCAN_STRETCH) : TLK_SCAN_STRETCH;
}

INLINE double after_stretch(int kind, struct tlw_cpu_pair u, double c) {
  const struct chain chain = {.u = spread(u), .c = tlk_splat(c)};
  return tlk_first(close_stretch(kind, chain).c);
}

void TLW_TIERED(tlw_window_advance)(const tlk_window *w, const struct tlw_cpu_stretch *stretch,
                                    struct tlw_cpu_scan *scan) {
  double *c = &scan->values.c;
  if (w->kind == TLK_SCAN_LINEAR) {
    *c = after_stretch(TLK_SCAN_LINEAR, stretch->value, *c);
    scan->ones.c = after_stretch(TLK_SCAN_LINEAR, stretch->one, scan->ones.c);
  } else if (w->kind == TLK_SCAN_PRODUCT) {
    *c = after_stretch(TLK_SCAN_PRODUCT, stretch->value, *c);
  } else if (w->kind == TLK_SCAN_MIN) {
    *c = after_stretch(TLK_SCAN_MIN, stretch->value, *c);
  } else {
    *c = after_stretch(TLK_SCAN_MAX, stretch->value, *c);
  }
  scan->rows += TLK_SCAN_STRETCH;
  scan->valid += stretch->valid;
}
