#include "share.h"

#include <time.h>

#include "kinds.h"
#include "push.h"
#include "rows.h"

#define MOST_STEPS (INT64_C(1) << 13)
#define MOST_WINDOWS (INT64_C(1) << 10)

/* Rows that are pushed before the first round, which grow from a window on: a chunk may end at a row that is bad. */
#define FIRST_ROWS 4096

/* Of a round, for each thread: enough to share out, and few enough that bars are walked while rows are in a cache. */
#define WINDOWS_PER_THREAD 6

/* Rows of a window, which a thread examines at a time. No piece crosses its end. */
#define WINDOW_ROWS (INT64_C(1) << 14)

uint64_t tlw_bars_script_size(void) {
  return (uint64_t)MOST_STEPS * (sizeof(struct tlw_bars_step) + sizeof(int64_t) + sizeof(tlk_bar_part)) +
         (uint64_t)(MOST_WINDOWS + 1) * sizeof(int64_t);
}

void tlw_bars_script_place(struct tlw_bars_script *script, void *memory) {
  *script = (struct tlw_bars_script){.steps = memory};
  script->parts = (tlk_bar_part *)(script->steps + MOST_STEPS);
  script->ends = (int64_t *)(script->parts + MOST_STEPS);
  script->firsts = script->ends + MOST_STEPS;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- cuts ---- */

/* Rows that are looked through in turn before a search leaps: its leaps miss every cache. */
#define NEAR_ROWS 1024

/* The first row of a time of `limit` or later, or end, if times do not decrease. */
static int64_t search_time(const tlw_bars *bars, const int64_t *time, int64_t begin, int64_t end, int64_t limit) {
  const int64_t near = least(begin + NEAR_ROWS, end);
  begin = bars->tier->find_time(time, begin, near, limit);
  if (begin < near) return begin;
  int64_t step = NEAR_ROWS;
  while (begin + step < end && time[begin + step] < limit) {
    begin += step;
    step *= 2;
  }
  end = least(begin + step, end);
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    if (time[middle] < limit)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

/* The row that the cut stands at, or `end`. As good rows would have it: others are found as they are examined. */
static int64_t find(const tlw_bars *bars, const tlw_trades *rows, int64_t begin, int64_t end, struct tlw_cpu_cut *cut) {
  const struct tlw_cpu_bars_tier *tier = bars->tier;
  switch (cut->kind) {
  case TLW_CPU_CUT_NONE:
    return end;
  case TLW_CPU_CUT_TIME:
    return search_time(bars, rows->time, begin, end, cut->time);
  case TLW_CPU_CUT_VOLUME:
    return tier->find_volume(rows->quantity, begin, end, &cut->need);
  case TLW_CPU_CUT_VALUE:
    return tier->find_value(rows->price, rows->quantity, begin, end, &cut->need);
  case TLW_CPU_CUT_PRICE:
    break;
  }
  if (cut->gate != INT64_MIN) begin = search_time(bars, rows->time, begin, end, cut->gate + 1);
  const bool has_high = cut->high < INT64_MAX;
  for (; begin < end; begin++) {
    begin = tier->find_price(rows->price, begin, end, cut->low, has_high ? cut->high + 1 : INT64_MAX);
    if (has_high || begin == end || rows->price[begin] <= cut->low) return begin;
  }
  return end;
}

static void plan_step(const tlw_bars *bars, const struct tlw_bars_span *span, int64_t end, struct tlw_cpu_cut *cut,
                      struct tlw_bars_piece *piece) {
  struct tlw_bars_script *script = bars->script;
  *piece = (struct tlw_bars_piece){.part = tlk_bar_none(), .end = span->begin, .taken = TLW_CPU_TAKEN_ALL};
  if (script->n == MOST_STEPS) return;
  /* Who looks again at rows takes fewer of them. */
  if (script->n > 0 && script->steps[script->n - 1].end > span->begin) script->n--;
  const int64_t row = find(bars, span->rows, span->begin, end, cut);
  /* A bad row at the cut ends the plan: kinds reckon with its numbers. */
  const bool cuts = row < end && tlw_bars_is_good(bars, span->rows, row);
  const bool is_before = cut->kind == TLW_CPU_CUT_TIME || cut->apart;
  if (cuts) piece->taken = TLW_CPU_TAKEN_TO_CUT;
  piece->end = row + (cuts && !is_before);
  piece->part.rows = piece->end - span->begin;
  script->steps[script->n++] =
      (struct tlw_bars_step){span->begin, piece->end, cut->need, piece->taken, cuts && is_before};
}

void tlw_bars_look_up(const tlw_bars *bars, const struct tlw_bars_span *span, int64_t end, struct tlw_cpu_cut *cut,
                      struct tlw_bars_piece *piece) {
  struct tlw_bars_script *script = bars->script;
  if (script->plans) {
    plan_step(bars, span, end, cut, piece);
    return;
  }
  *piece = (struct tlw_bars_piece){.part = tlk_bar_none(), .end = span->begin, .taken = TLW_CPU_TAKEN_ALL};
  if (script->next == script->n) return;
  const struct tlw_bars_step *step = &script->steps[script->next];
  piece->part = script->parts[script->next++];
  piece->end = step->end;
  piece->taken = step->taken;
  cut->need = step->need;
}

/* ---- the steps of a round ---- */

/* Where rows are taken. Each place is tried once, with few rows, and then the fastest is kept for these bars. */
enum place { ON_DEVICE, ON_THREADS, ALONE, PLACES };
_Static_assert(PLACES == TLW_BARS_PLACES, "bars know how fast each is");

#define TRIAL_WINDOWS 8

struct share {
  tlw_bars *bars;
  const tlw_trades *rows;
  const struct tlw_crew *crew;
  struct tlw_bars_script *script;
  int64_t begin, end; /* rows of the round */
  int64_t windows;    /* of the next round, at most */
  bool has_device;
  double spent[PLACES]; /* nanoseconds, and rows that were taken meanwhile */
  int64_t taken[PLACES];
  _Atomic int64_t bad; /* on threads: the first step that meets a bad row */
};

static struct tlw_bars_span window_at(const struct share *s, int64_t row) {
  return (struct tlw_bars_span){s->rows, row, least(row + WINDOW_ROWS, s->rows->n_rows)};
}

static tlw_status give_nobody(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  (void)user;
  (void)bars;
  (void)n;
  (void)error;
  return TLW_OK;
}

static enum place choose_place(const struct share *s) {
  const double *pace = s->bars->pace;
  enum place best = ALONE;
  for (int i = s->has_device ? ON_DEVICE : ON_THREADS; i < PLACES; i++) {
    if (pace[i] == 0) return (enum place)i;
    if (pace[i] < pace[best]) best = (enum place)i;
  }
  return best;
}

static int64_t most_windows(const struct share *s, enum place place) {
  int64_t most = place == ON_DEVICE ? MOST_WINDOWS : s->crew->workers * WINDOWS_PER_THREAD;
  if (s->bars->pace[place] == 0) most = TRIAL_WINDOWS;
  return least(least(most, s->windows), MOST_WINDOWS);
}

/* Finds the cuts from a row on. */
static void plan(struct share *s, int64_t row, int64_t windows) {
  struct tlw_bars_script *script = s->script;
  tlw_bars copy = *s->bars;
  copy.sink = give_nobody;
  copy.crew = NULL;
  copy.script = script;
  copy.first_number = copy.report.rows - row;
  script->plans = true;
  script->n = script->n_windows = 0;
  s->begin = row;
  tlw_status status = TLW_OK;
  while (row < s->rows->n_rows && status == TLW_OK && script->n_windows < windows) {
    script->firsts[script->n_windows++] = script->n;
    struct tlw_bars_span span = window_at(s, row);
    status = copy.way->walk(&copy, &span, NULL);
    row = span.begin;
    if (row < span.end) break;
  }
  script->firsts[script->n_windows] = script->n;
  script->plans = false;
  script->next = 0;
  s->end = row;
}

/* The row before one of the round, which is good if all before it are. */
static struct tlw_cpu_last_row before_row(const struct share *s, int64_t row) {
  if (row == s->begin) return (struct tlw_cpu_last_row){s->bars->report.last_time, s->bars->report.last_id};
  return (struct tlw_cpu_last_row){s->rows->time[row - 1], s->rows->id ? s->rows->id[row - 1] : -1};
}

/* The first bad row of begin to end - 1, or end. */
static int64_t examine(const struct share *s, int64_t begin, int64_t end) {
  const tlw_bars *bars = s->bars;
  struct tlw_cpu_extremes extremes;
  return bars->tier->examine(s->rows, begin, end, before_row(s, begin), bars->first_time, bars->last_time, &extremes);
}

static void join_step(const struct share *s, struct tlw_bars_step *step, tlk_bar_part *part) {
  const tlw_bars *bars = s->bars;
  int64_t good = step->end;
  *part = tlk_bar_none();
  if (step->begin < step->end)
    good = bars->tier->examine_and_join(s->rows, bars->fields, step->begin, step->end, before_row(s, step->begin),
                                        bars->first_time, bars->last_time, part);
  if (good == step->end && !(step->is_before && examine(s, good, good + 1) == good)) return;
  step->end = good;
  step->taken = TLW_CPU_TAKEN_TO_BAD;
}

static void lower(_Atomic int64_t *number, int64_t to) {
  int64_t is = atomic_load(number);
  while (to < is && !atomic_compare_exchange_weak(number, &is, to)) {
  }
}

static void join_window(void *context, uint32_t worker, int64_t window) {
  (void)worker;
  struct share *s = context;
  struct tlw_bars_script *script = s->script;
  for (int64_t i = script->firsts[window]; i < script->firsts[window + 1]; i++) {
    join_step(s, &script->steps[i], &script->parts[i]);
    if (script->steps[i].taken != TLW_CPU_TAKEN_TO_BAD) continue;
    lower(&s->bad, i);
    return;
  }
}

static void examine_window(void *context, uint32_t worker, int64_t window) {
  (void)worker;
  struct share *s = context;
  const int64_t begin = s->begin + window * WINDOW_ROWS, end = least(begin + WINDOW_ROWS, s->rows->n_rows);
  if (examine(s, begin, end) < end) lower(&s->bad, window);
}

/* All rows being good. False: they are not, or the device is of no use. */
static bool join_on_device(struct share *s) {
  struct tlw_bars_script *script = s->script;
  /* One window more, for the row at the last cut. */
  const int64_t windows = (s->end - s->begin) / WINDOW_ROWS + 1;
  atomic_store(&s->bad, INT64_MAX);
  tlw_crew_run(s->crew, windows, examine_window, s);
  if (atomic_load(&s->bad) < INT64_MAX) return false;
  for (int64_t i = 0; i < script->n; i++) script->ends[i] = script->steps[i].end;
  const struct tlw_bars_job job = {
      .rows = s->rows,
      .fields = s->bars->fields,
      .begin = s->begin,
      .ends = script->ends,
      .n_parts = script->n,
      .parts = script->parts,
  };
  s->has_device = tlw_crew_join(s->crew, &job);
  return s->has_device;
}

/* Whether all of them are good. Steps behind one that is not are dropped. */
static bool join_at(struct share *s, enum place place) {
  if (place == ON_DEVICE && join_on_device(s)) return true;
  atomic_store(&s->bad, INT64_MAX);
  tlw_crew_run(s->crew, s->script->n_windows, join_window, s);
  const int64_t bad = atomic_load(&s->bad);
  if (bad == INT64_MAX) return true;
  s->script->n = bad + 1;
  return false;
}

static double nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

/* Walks the bars themselves. *row moves on. */
static tlw_status play(struct share *s, int64_t *row, tlw_error *error) {
  tlw_bars *bars = s->bars;
  const struct tlw_bars_script *script = s->script;
  const int64_t first = *row;
  tlw_status status = TLW_OK;
  bars->script = s->script;
  bars->first_number = bars->report.rows - first;
  while (status == TLW_OK && script->next < script->n) {
    struct tlw_bars_span span = window_at(s, *row);
    status = bars->way->walk(bars, &span, error);
    *row = span.begin;
    if (span.begin < span.end) break;
  }
  bars->script = NULL;
  tlw_bars_remember(bars, s->rows, first, *row);
  return status;
}

/* Takes rows from *row on. Where some are bad, those that come with them are pushed one behind the other. */
static tlw_status share_round(struct share *s, enum place place, int64_t *row, tlw_error *error) {
  plan(s, *row, most_windows(s, place));
  const bool are_good = s->script->n > 0 && join_at(s, place);
  const tlw_status status = play(s, row, error);
  s->windows = least(2 * s->windows, MOST_WINDOWS);
  if (status != TLW_OK || (are_good && *row > s->begin)) return status;
  s->windows = 1;
  const int64_t window = least(*row + WINDOW_ROWS, s->rows->n_rows);
  return tlw_bars_take(s->bars, s->rows, row, window > s->end ? window : s->end, error);
}

/* On one thread: some rows where it is tried, else all that are left. */
static tlw_status take_alone(struct share *s, int64_t *row, tlw_error *error) {
  const int64_t left = s->rows->n_rows - *row;
  const int64_t n = s->bars->pace[ALONE] == 0 ? least(TRIAL_WINDOWS * WINDOW_ROWS, left) : left;
  return tlw_bars_take(s->bars, s->rows, row, *row + n, error);
}

/* A round at the place that is due, whose pace is known once it has taken enough rows to tell. */
static tlw_status take_round(struct share *s, int64_t *row, tlw_error *error) {
  const enum place place = choose_place(s);
  const int64_t first = *row;
  const double begun = nanoseconds();
  const tlw_status status = place == ALONE ? take_alone(s, row, error) : share_round(s, place, row, error);
  s->spent[place] += nanoseconds() - begun;
  s->taken[place] += *row - first;
  if (s->taken[place] >= 2 * WINDOW_ROWS) s->bars->pace[place] = s->spent[place] / (double)s->taken[place];
  return status;
}

tlw_status tlw_bars_share(tlw_bars *bars, const tlw_trades *rows, const struct tlw_crew *crew,
                          struct tlw_bars_script *script, tlw_error *error) {
  int64_t row;
  tlw_status status = tlw_bars_ready(bars, rows, &row, error);
  if (status != TLW_OK) return status;
  struct share s = {.bars = bars, .rows = rows, .crew = crew, .script = script, .windows = 1};
  /* A device takes pieces without a gap, as split rows make them. */
  s.has_device = tlw_crew_has_device(crew) && !bars->options.split;
  if (row < rows->n_rows) status = tlw_bars_take(bars, rows, &row, least(row + FIRST_ROWS, rows->n_rows), error);
  while (row < rows->n_rows && status == TLW_OK) status = take_round(&s, &row, error);
  return tlw_bars_end(bars, status, error);
}
