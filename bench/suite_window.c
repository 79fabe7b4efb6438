/*
 * Rolling windows from memory to memory: each operation at some windows, every window of the mean up to 200, columns of
 * other forms, many short series, several operations in one call, and rows fed to a state.
 */
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "tallow/tallow.h"

#define ROWS 5000000
#define STATE_ROWS 20000
#define SHORT_ROWS 10000 /* of each of many series */
#define EVERY_WINDOW 200
#define SPECS_MAX 8
#define SLOW_WINDOW 200 /* from there on operations by order get a tenth of the rows */

enum { KIND, OP, WINDOW, N_ROWS, FORM };
enum { ONE, SERIES, TOGETHER, APART, UPDATE, FEED, PEEK };

/* Of every column, of which a case may use fewer. */
static int64_t column_rows;

struct state {
  int64_t kind, n_rows, n_series;
  int64_t *offsets; /* or NULL */
  const double *columns[2];
  tlw_engine *engine;
  tlw_window_state *rolling;
  int32_t n_specs;
  tlw_window_spec specs[SPECS_MAX];
  double *outputs[SPECS_MAX];
};

/* ---- batches ---- */

static tlw_status run(void *state, int64_t calls, tlw_error *error) {
  const struct state *s = state;
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = (const void *const *)s->columns;
  batch.n_columns = s->columns[1] ? 2 : 1;
  batch.n_rows = s->n_rows;
  batch.n_series = s->n_series;
  batch.offsets = s->offsets;
  const int32_t step = s->kind == APART ? 1 : s->n_specs;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls; i++)
    for (int32_t k = 0; k < s->n_specs && status == TLW_OK; k += step)
      status = tlw_window_run(s->engine, &batch, s->specs + k, step, s->outputs + k, error);
  return status;
}

/* ---- states ---- */

static tlw_status update_rows(void *state, int64_t calls, tlw_error *error) {
  (void)error;
  const struct state *s = state;
  const double *x = s->columns[0], *y = s->columns[1] ? s->columns[1] : s->columns[0];
  for (int64_t i = 0; i < calls; i++)
    for (int64_t r = 0; r < s->n_rows; r++) s->outputs[0][r] = tlw_window_update(s->rolling, x[r], y[r]);
  return TLW_OK;
}

static tlw_status feed_rows(void *state, int64_t calls, tlw_error *error) {
  (void)error;
  const struct state *s = state;
  const double *y = s->columns[1] ? s->columns[1] : s->columns[0];
  for (int64_t i = 0; i < calls; i++) tlw_window_feed(s->rolling, s->columns[0], y, s->n_rows, s->outputs[0]);
  return TLW_OK;
}

static tlw_status peek_rows(void *state, int64_t calls, tlw_error *error) {
  (void)error;
  const struct state *s = state;
  const double *x = s->columns[0], *y = s->columns[1] ? s->columns[1] : s->columns[0];
  for (int64_t i = 0; i < calls; i++)
    for (int64_t r = 0; r < s->n_rows; r++) s->outputs[0][r] = tlw_window_peek(s->rolling, x[r], y[r]);
  return TLW_OK;
}

/* ---- the suite ---- */

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  const struct state *s = state;
  const tlw_status status = run(state, 1, error);
  *hash = BENCH_HASH_START;
  for (int32_t k = 0; k < s->n_specs; k++) *hash = bench_hash(*hash, s->outputs[k], (size_t)s->n_rows * sizeof(double));
  return status;
}

static void close_state(void *state) {
  struct state *s = state;
  tlw_window_state_close(&s->rolling);
  tlw_engine_close(&s->engine);
  free(s->offsets);
  free(s);
}

static bool is_state(int64_t kind) { return kind >= UPDATE; }

static void choose_specs(struct state *s, const bench_case *what) {
  static const tlw_window_op ops[] = {TLW_WINDOW_MEAN, TLW_WINDOW_STD, TLW_WINDOW_MAX, TLW_WINDOW_EMA};
  static const int64_t windows[] = {20, 200};
  if (s->kind != TOGETHER && s->kind != APART) {
    tlw_window_spec_init(&s->specs[s->n_specs++], (tlw_window_op)what->numbers[OP], what->numbers[WINDOW]);
    return;
  }
  for (size_t i = 0; i < BENCH_COUNT(ops); i++)
    for (size_t k = 0; k < BENCH_COUNT(windows); k++) tlw_window_spec_init(&s->specs[s->n_specs++], ops[i], windows[k]);
}

static tlw_status open_columns(struct state *s, const bench_case *what, int64_t all_rows, tlw_error *error) {
  const int form = (int)what->numbers[FORM];
  const bool pairs = s->n_specs == 1 && tlw_window_describe(s->specs[0].op)->inputs > 1;
  for (int i = 0; i < (pairs ? 2 : 1); i++)
    if (!(s->columns[i] = bench_column(form, i, all_rows, error))) return error->code;
  double *space = bench_space((size_t)s->n_rows * (size_t)s->n_specs * sizeof *space, error);
  for (int32_t k = 0; k < s->n_specs && space; k++) s->outputs[k] = space + s->n_rows * k;
  if (!space || s->kind != SERIES) return space ? TLW_OK : error->code;
  s->n_series = s->n_rows / SHORT_ROWS;
  s->offsets = bench_alloc((size_t)(s->n_series + 1) * sizeof *s->offsets, error);
  for (int64_t i = 0; s->offsets && i <= s->n_series; i++) s->offsets[i] = i * SHORT_ROWS;
  return s->offsets ? TLW_OK : TLW_ERR_MEMORY;
}

static tlw_status open_state(struct state *s, const bench_case *what, const bench_lane *lane, tlw_error *error) {
  tlw_status status = open_columns(s, what, column_rows, error);
  if (status != TLW_OK) return status;
  if (!is_state(s->kind)) return bench_engine_open(lane, &s->engine, error);
  status = tlw_window_state_open(&s->specs[0], 0, NULL, &s->rolling, error);
  if (status == TLW_OK) feed_rows(s, 1, error);
  return status;
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  struct state *s = bench_alloc(sizeof *s, error);
  if (!s) return TLW_ERR_MEMORY;
  *s = (struct state){.kind = what->numbers[KIND], .n_rows = what->numbers[N_ROWS], .n_series = 1};
  choose_specs(s, what);
  const tlw_status status = open_state(s, what, lane, error);
  if (status != TLW_OK) {
    close_state(s);
    return status;
  }
  double columns = 0; /* read and written */
  for (int32_t k = 0; k < s->n_specs; k++) columns += tlw_window_describe(s->specs[k].op)->inputs + 1;
  *subject = (bench_subject){.state = s,
                             .run = s->kind == UPDATE ? update_rows
                                    : s->kind == FEED ? feed_rows
                                    : s->kind == PEEK ? peek_rows
                                                      : run,
                             .hash = is_state(s->kind) ? NULL : hash,
                             .close = close_state,
                             .engine = s->engine,
                             .item = "rows",
                             .items = (double)s->n_rows * s->n_specs,
                             .bytes = columns * sizeof(double) * (double)s->n_rows};
  return TLW_OK;
}

static bool remembers_all(tlw_window_op op) { return op >= TLW_WINDOW_CUMSUM; }

static int64_t rows_of(tlw_window_op op, int64_t window, int64_t rows) {
  const bool slow = op == TLW_WINDOW_MEDIAN || op == TLW_WINDOW_QUANTILE || op == TLW_WINDOW_RANK;
  return slow && window >= SLOW_WINDOW && rows >= 10 ? rows / 10 : rows;
}

static bool is_usual(tlw_window_op op, int64_t window) {
  return (op == TLW_WINDOW_MEAN || op == TLW_WINDOW_STD || op == TLW_WINDOW_EMA) && window == 20;
}

static void list_op(bench_cases *cases, tlw_window_op op, int64_t rows) {
  static const int64_t windows[] = {20, 200, 2000};
  const char *name = tlw_window_describe(op)->name;
  for (size_t i = 0; i < (remembers_all(op) ? 1 : BENCH_COUNT(windows)); i++) {
    const int64_t window = remembers_all(op) ? 0 : windows[i];
    const bench_case add = {.lanes = BENCH_LANES_ALL,
                            .usual = is_usual(op, window),
                            .numbers = {ONE, op, window, rows_of(op, window, rows), BENCH_FORM_WALK}};
    if (window)
      bench_add(cases, &add, "window/%s/%lld", name, (long long)window);
    else
      bench_add(cases, &add, "window/%s", name);
  }
}

/* What is measured where all operations would take too long. */
static void list_others(bench_cases *cases, tlw_window_op op, int64_t rows) {
  static const char *const names[] = {[SERIES] = "series", [UPDATE] = "update", [FEED] = "feed", [PEEK] = "peek"};
  static const int64_t windows[] = {20, 200, 2000};
  const char *name = tlw_window_describe(op)->name;
  for (size_t i = 0; i < BENCH_COUNT(windows); i++) {
    const int64_t w = windows[i], n = rows_of(op, w, rows);
    for (int form = BENCH_FORM_NOISE; form < BENCH_FORMS; form++) {
      const bench_case add = {.lanes = BENCH_LANES_ALL, .numbers = {ONE, op, w, n, form}};
      bench_add(cases, &add, "window/%s/%lld/%s", name, (long long)w, bench_form_name(form));
    }
    if (n >= SHORT_ROWS) {
      const bench_case add = {.lanes = BENCH_LANES_ALL, .numbers = {SERIES, op, w, n / SHORT_ROWS * SHORT_ROWS}};
      bench_add(cases, &add, "window/%s/%lld/series", name, (long long)w);
    }
    for (int kind = UPDATE; kind <= PEEK; kind++) {
      const int64_t fed = rows < STATE_ROWS ? rows : STATE_ROWS;
      const bench_case add = {.lanes = BENCH_LANES_ALONE, .numbers = {kind, op, w, fed}};
      bench_add(cases, &add, "window/%s/%lld/%s", name, (long long)w, names[kind]);
    }
  }
}

static void list(bench_cases *cases) {
  static const tlw_window_op others[] = {TLW_WINDOW_MEAN, TLW_WINDOW_STD, TLW_WINDOW_MAX, TLW_WINDOW_MEDIAN,
                                         TLW_WINDOW_EMA};
  const int64_t rows = column_rows = cases->rows ? cases->rows : ROWS;
  for (tlw_window_op op = 0; op < TLW_WINDOW_OPS; op++) list_op(cases, op, rows);
  for (size_t i = 0; i < BENCH_COUNT(others); i++) list_others(cases, others[i], rows);
  for (int64_t w = 1; w <= EVERY_WINDOW; w++) {
    const bench_case add = {.lanes = BENCH_LANES_ALL, .numbers = {ONE, TLW_WINDOW_MEAN, w, rows}};
    if (w != 20 && w != 200) bench_add(cases, &add, "window/mean/%lld", (long long)w);
  }
  for (int kind = TOGETHER; kind <= APART; kind++) {
    const bench_case add = {.lanes = BENCH_LANES_ALL, .numbers = {kind, 0, 0, rows < 4 ? 1 : rows / 4}};
    bench_add(cases, &add, "window/eight-outputs/%s", kind == TOGETHER ? "one-call" : "one-by-one");
  }
}

const bench_suite bench_suite_window = {"window", "rolling windows over columns in memory", list, open_case};
