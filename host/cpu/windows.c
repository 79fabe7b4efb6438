/*
 * Rolling windows on the CPU: which rows of which task are worked on when, by whom and with what memory. Rows of a batch
 * are cut into pieces without regard to series, so that long series are shared out and short ones come together; results
 * do not depend on the cuts.
 */
#include "windows.h"

#include <string.h>

#include "window_tier.h"

/* Rows of a piece: as many as stay in the cache for the next task, more for long windows, which begin anew in each. */
#define PIECE_ROWS ((int64_t)1 << 16)
#define PIECE_WINDOWS 8
/* No less where threads share few rows. */
#define LEAST_ROWS ((int64_t)1 << 12)
#define LEAST_WINDOWS 2
#define PIECES_PER_THREAD 4
/* Sorted windows are dear to begin. */
#define ORDER_WINDOWS 16

/* Floats are widened so many rows at a time, or windows. */
#define WIDE_ROWS ((int64_t)1 << 14)
#define WIDE_WINDOWS 4

/* Stretches of a scan that a thread has in a round; where there are fewer, one thread takes a series. */
#define ROUND_STRETCHES 4
#define LEAST_STRETCHES 4

/* Outputs of more bytes do not stay in the cache anyway. */
#define STREAMED_BYTES ((uint64_t)8 << 20)

struct plan {
  const struct tlw_window_job *job;
  const struct tlw_cpu_window_tier *tier;
  uint32_t workers;
  bool streams;
  bool shares_scans;          /* threads share each series of a scan, for there are fewer of these than threads */
  bool in_turn;               /* a single thread takes scans piece by piece between the other tasks */
  int64_t longest;            /* window of a fold or an order */
  int64_t wide;               /* rows that are widened at a time; where columns are doubles, all */
  int64_t piece, order_piece; /* rows */
  int64_t scan_items, order_items, fold_items;
  uint64_t task_bytes, column_bytes, worker_bytes; /* of scratch; of a widened column in it; of all for a worker */
  uint64_t scan_bytes;                             /* of scans taken in turn */
  uint64_t stretch_bytes;                          /* of stretches of a worker, at the end of its scratch */
  char *scratch;
};

/* Rows of the columns of a task as doubles; x[0] is row `first` of the batch. */
struct columns {
  const double *x, *y;
  int64_t first;
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static uint64_t lines(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

static bool is_scan(const tlk_window *w) { return w->kind >= TLK_SCAN_LINEAR; }
static bool is_fold(const tlk_window *w) { return w->kind < TLK_FOLDS; }
static bool is_order(const tlk_window *w) { return !is_scan(w) && !is_fold(w); }

/* ---- pieces of one task ---- */

static const double *widen(const float *column, int64_t first, int64_t end, char *target) {
  double *wide = (double *)target;
  for (int64_t i = first; i < end; i++) wide[i - first] = (double)column[i];
  return wide;
}

static struct columns columns_of(const struct plan *plan, uint32_t worker, const struct tlw_window_task *task,
                                 int64_t first, int64_t end) {
  if (plan->job->type == TLW_TYPE_F64) return (struct columns){task->x, task->y, 0};
  char *wide = plan->scratch + worker * plan->worker_bytes + plan->task_bytes;
  struct columns columns = {widen(task->x, first, end, wide), NULL, first};
  if (task->y) columns.y = widen(task->y, first, end, wide + plan->column_bytes);
  return columns;
}

/* The first series that has rows from this one on. */
static int64_t series_at(const struct tlw_window_job *job, int64_t row) {
  int64_t low = 0, high = job->n_series;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (job->offsets[middle + 1] > row)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Rows begin to end - 1 of the batch, for one worker and one task. */
struct work {
  const struct plan *plan;
  const struct tlw_window_task *task;
  uint32_t worker;
  int64_t begin, end;
  struct tlw_cpu_scan *scan;
};

static void run_series(const struct work *work, const struct columns *columns, int64_t series, int64_t first,
                       int64_t end) {
  const struct plan *plan = work->plan;
  const struct tlw_window_job *job = plan->job;
  const tlk_window *w = &work->task->window;
  char *scratch = plan->scratch + work->worker * plan->worker_bytes;
  const int64_t begin = job->offsets[series], there = most(columns->first, begin);
  const int64_t from = most(first, begin) - begin, to = least(end, job->offsets[series + 1]) - begin;
  if (from >= to) return;
  const struct tlw_cpu_rows rows = {
      .x = columns->x + (there - columns->first),
      .y = columns->y ? columns->y + (there - columns->first) : NULL,
      .first = there - begin,
      .n = job->offsets[series + 1] - begin,
      .origin = job->origin ? job->origin[series] : 0,
  };
  double *output = work->task->output + begin + from;
  if (!is_scan(w) && rows.n < w->min_periods) {
    /* So that many short series do not each prepare a long window. */
    for (int64_t i = 0; i < to - from; i++) output[i] = TLK_NAN;
  } else if (is_fold(w)) {
    plan->tier->fold(w, &rows, from, to, output, plan->streams, scratch);
  } else if (is_order(w)) {
    if (begin + from == most(work->begin, begin)) memset(scratch, 0, 64);
    plan->tier->order(w, &rows, from, to, output, scratch);
  } else {
    if (from == 0) memset(work->scan, 0, sizeof *work->scan);
    plan->tier->scan(w, &rows, from, to, work->scan, output, plan->streams);
  }
}

/* What was streamed is there for other threads from here on. */
static void end_stores(const struct plan *plan) {
#if defined(__x86_64__)
  if (plan->streams) __builtin_ia32_sfence();
#else
  (void)plan;
#endif
}

static void run(const struct work *work) {
  const struct plan *plan = work->plan;
  const struct tlw_window_job *job = plan->job;
  const tlk_window *w = &work->task->window;
  const int64_t back = is_scan(w) ? 0 : w->window - 1;
  if (is_fold(w)) plan->tier->fold_begin(w, plan->scratch + work->worker * plan->worker_bytes);
  for (int64_t row = work->begin, end; row < work->end; row = end) {
    end = plan->wide < work->end - row ? row + plan->wide : work->end;
    const struct columns columns = columns_of(plan, work->worker, work->task, most(row - back, 0), end);
    for (int64_t i = series_at(job, row); i < job->n_series && job->offsets[i] < end; i++)
      run_series(work, &columns, i, row, end);
  }
  end_stores(plan);
}

/* ---- items ---- */

/* The series that begin in this piece, whole. */
static void run_scan(const struct plan *plan, uint32_t worker, const struct tlw_window_task *task, int64_t piece) {
  const struct tlw_window_job *job = plan->job;
  const int64_t begin = piece * plan->piece, end = least(begin + plan->piece, job->n_rows);
  int64_t i = series_at(job, begin);
  while (i < job->n_series && job->offsets[i] < begin) i++;
  struct tlw_cpu_scan scan;
  struct work work = {plan, task, worker, 0, 0, &scan};
  for (; i < job->n_series && job->offsets[i] < end; i++) {
    work.begin = job->offsets[i];
    work.end = job->offsets[i + 1];
    run(&work);
  }
}

static void run_piece(const struct plan *plan, uint32_t worker, const struct tlw_window_task *task, int64_t rows,
                      int64_t piece, struct tlw_cpu_scan *scan) {
  const struct work work = {plan, task, worker, piece * rows, least((piece + 1) * rows, plan->job->n_rows), scan};
  run(&work);
}

static void run_item(void *context, uint32_t worker, int64_t item) {
  const struct plan *plan = context;
  const int64_t n_tasks = plan->job->n_tasks;
  const struct tlw_window_task *task = &plan->job->tasks[item % n_tasks];
  const tlk_window *w = &task->window;
  int64_t piece = item / n_tasks;
  if (piece < plan->scan_items) {
    if (is_scan(w) && !plan->shares_scans) run_scan(plan, worker, task, piece);
    return;
  }
  piece -= plan->scan_items;
  if (piece < plan->order_items) {
    if (is_order(w)) run_piece(plan, worker, task, plan->order_piece, piece, NULL);
    return;
  }
  if (is_fold(w)) run_piece(plan, worker, task, plan->piece, piece - plan->order_items, NULL);
}

/* Scans in turn with folds, so that they find their rows in the cache. */
static void run_in_turn(const struct plan *plan) {
  const struct tlw_window_job *job = plan->job;
  struct tlw_cpu_scan *scans = (struct tlw_cpu_scan *)(plan->scratch + plan->worker_bytes);
  for (int32_t t = 0; t < job->n_tasks; t++)
    if (is_order(&job->tasks[t].window)) run_piece(plan, 0, &job->tasks[t], job->n_rows, 0, NULL);
  for (int64_t piece = 0; piece < plan->fold_items; piece++) {
    struct tlw_cpu_scan *scan = scans;
    for (int32_t t = 0; t < job->n_tasks; t++) {
      const tlk_window *w = &job->tasks[t].window;
      if (is_order(w)) continue;
      run_piece(plan, 0, &job->tasks[t], plan->piece, piece, scan);
      if (is_scan(w)) scan++;
    }
  }
}

/* ---- scans that threads share ---- */

/* One series of a scan. */
struct shared {
  const struct plan *plan;
  const struct tlw_window_task *task;
  struct tlw_cpu_rows rows;
  double *output;
  int64_t from; /* first row of the round */
};

struct part {
  struct tlw_cpu_stretch stretch;
  struct tlw_cpu_scan before;
};

static struct part *part_of(const struct plan *plan, int64_t i) {
  const uint64_t worker = (uint64_t)i / ROUND_STRETCHES;
  struct part *parts = (struct part *)(plan->scratch + (worker + 1) * plan->worker_bytes - plan->stretch_bytes);
  return &parts[i % ROUND_STRETCHES];
}

static void scan_rows(const struct shared *s, int64_t from, int64_t to, struct tlw_cpu_scan *scan) {
  s->plan->tier->scan(&s->task->window, &s->rows, from, to, scan, s->output + from, s->plan->streams);
  end_stores(s->plan);
}

static void measure_stretch(void *context, uint32_t worker, int64_t i) {
  (void)worker;
  const struct shared *s = context;
  s->plan->tier->stretch(&s->task->window, &s->rows, s->from + i * TLK_SCAN_STRETCH, &part_of(s->plan, i)->stretch);
}

static void finish_stretch(void *context, uint32_t worker, int64_t i) {
  (void)worker;
  const struct shared *s = context;
  const int64_t from = s->from + i * TLK_SCAN_STRETCH;
  scan_rows(s, from, from + TLK_SCAN_STRETCH, &part_of(s->plan, i)->before);
}

/* In rounds: each stretch by itself, then what each begins with, then the results. */
static void share_series(struct shared *s, struct tlw_team *team) {
  const struct plan *plan = s->plan;
  struct tlw_cpu_scan scan = {0};
  while (s->from < s->rows.n && (scan.rows == 0 || scan.rows % TLK_SCAN_STRETCH != 0)) {
    const int64_t rows = scan.rows ? TLK_SCAN_STRETCH - scan.rows % TLK_SCAN_STRETCH : LEAST_ROWS;
    const int64_t end = least(s->from + rows, s->rows.n);
    scan_rows(s, s->from, end, &scan);
    s->from = end;
  }
  for (int64_t n; (n = (s->rows.n - s->from) / TLK_SCAN_STRETCH) > 0; s->from += n * TLK_SCAN_STRETCH) {
    n = least(n, (int64_t)plan->workers * ROUND_STRETCHES);
    tlw_team_run(team, plan->workers, n, measure_stretch, s);
    for (int64_t i = 0; i < n; i++) {
      part_of(plan, i)->before = scan;
      plan->tier->advance(&s->task->window, &part_of(plan, i)->stretch, &scan);
    }
    tlw_team_run(team, plan->workers, n, finish_stretch, s);
  }
  scan_rows(s, s->from, s->rows.n, &scan);
}

static void share_scans(const struct plan *plan, struct tlw_team *team) {
  const struct tlw_window_job *job = plan->job;
  for (int32_t t = 0; t < job->n_tasks; t++) {
    const struct tlw_window_task *task = &job->tasks[t];
    for (int64_t i = 0; i < job->n_series && is_scan(&task->window); i++) {
      const int64_t begin = job->offsets[i];
      struct shared s = {.plan = plan, .task = task, .output = task->output + begin};
      s.rows = (struct tlw_cpu_rows){.x = (const double *)task->x + begin, .n = job->offsets[i + 1] - begin};
      share_series(&s, team);
    }
  }
}

/* ---- the plan ---- */

static void measure_tasks(struct plan *plan) {
  const struct tlw_window_job *job = plan->job;
  int64_t longest_order = 1, scans = 0, orders = 0;
  bool two = false;
  plan->longest = 1;
  for (int32_t t = 0; t < job->n_tasks; t++) {
    const tlk_window *w = &job->tasks[t].window;
    two = two || job->tasks[t].y;
    scans += is_scan(w);
    orders += is_order(w);
    if (is_scan(w)) continue;
    const uint64_t bytes = is_fold(w) ? plan->tier->fold_scratch(w) : plan->tier->order_scratch(w);
    if (bytes > plan->task_bytes) plan->task_bytes = lines(bytes);
    plan->longest = most(plan->longest, w->window);
    if (is_order(w)) longest_order = most(longest_order, w->window);
  }
  const int64_t shares = (int64_t)plan->workers * PIECES_PER_THREAD;
  const int64_t share = job->n_rows / shares + 1;
  plan->piece = least(most(share, most(LEAST_ROWS, LEAST_WINDOWS * plan->longest)),
                      most(PIECE_ROWS, PIECE_WINDOWS * plan->longest));
  plan->order_piece = most(share, most(LEAST_ROWS, ORDER_WINDOWS * longest_order));
  plan->wide = INT64_MAX;
  if (job->type == TLW_TYPE_F32) {
    plan->wide = most(WIDE_ROWS, WIDE_WINDOWS * plan->longest);
    plan->column_bytes = lines((uint64_t)(plan->wide + plan->longest) * sizeof(double));
  }
  plan->worker_bytes = lines(1 + plan->task_bytes + (two ? 2 : 1) * plan->column_bytes);
  plan->in_turn = plan->workers == 1;
  plan->shares_scans = scans && !plan->in_turn && job->type == TLW_TYPE_F64 && job->n_series * scans < plan->workers &&
                       job->n_rows >= LEAST_STRETCHES * TLK_SCAN_STRETCH;
  if (plan->shares_scans) plan->stretch_bytes = lines(ROUND_STRETCHES * sizeof(struct part));
  plan->worker_bytes += plan->stretch_bytes;
  if (plan->in_turn && job->n_tasks - orders <= 1) plan->piece = most(job->n_rows, 1);
  if (plan->in_turn) plan->scan_bytes = (uint64_t)scans * sizeof(struct tlw_cpu_scan);
  plan->fold_items = (job->n_rows + plan->piece - 1) / plan->piece;
  plan->scan_items = scans ? plan->fold_items : 0;
  plan->order_items = orders ? (job->n_rows + plan->order_piece - 1) / plan->order_piece : 0;
}

/* Scratch for as many workers as the budget and the system allow. */
static tlw_status reserve(struct plan *plan, struct tlw_memory *memory, struct tlw_block *block, tlw_error *error) {
  const uint64_t held = block->data ? tlw_memory_counted(block->size) : 0;
  const uint64_t others = tlw_gauge_read(&memory->bytes).current - held;
  const uint64_t room = memory->budget > others ? memory->budget - others : 0;
  if (!plan->in_turn && room / 64 * 64 < plan->worker_bytes * plan->workers) {
    const uint64_t fit = room / 64 * 64 / plan->worker_bytes;
    plan->workers = fit ? (uint32_t)fit : 1;
  }
  for (;; plan->workers /= 2) {
    const uint64_t size = plan->worker_bytes * plan->workers + plan->scan_bytes;
    const tlw_status status = tlw_block_reserve(memory, block, size, "rolling windows", error);
    if (status == TLW_OK) plan->scratch = block->data;
    if (status == TLW_OK || plan->workers == 1) return status;
  }
}

tlw_status tlw_cpu_windows(const struct tlw_cpu_tier *tier, struct tlw_memory *memory, struct tlw_team *team,
                           struct tlw_block *block, const struct tlw_window_job *job, tlw_error *error) {
  struct plan plan = {.job = job, .tier = tier->windows, .workers = tlw_team_threads(team)};
  plan.streams = (uint64_t)job->n_rows * (uint64_t)job->n_tasks * sizeof(double) > STREAMED_BYTES;
  measure_tasks(&plan);
  const tlw_status status = reserve(&plan, memory, block, error);
  if (status != TLW_OK) return status;
  if (plan.shares_scans) share_scans(&plan, team);
  if (plan.in_turn)
    run_in_turn(&plan);
  else
    tlw_team_run(team, plan.workers, (plan.scan_items + plan.order_items + plan.fold_items) * job->n_tasks, run_item,
                 &plan);
  return TLW_OK;
}
