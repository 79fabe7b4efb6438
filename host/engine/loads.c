#include "loads.h"

#include <math.h>

/* Of many series or images so many are looked at. */
#define SAMPLES 64

/* ---- charts ---- */

static double rows_of(const tlw_candles *c, int64_t n) {
  if (!c->offsets) return (double)c->n_rows;
  if (!c->counts) return (double)(c->offsets[n] - c->offsets[0]);
  const int64_t samples = n < SAMPLES ? n : SAMPLES;
  double rows = 0;
  for (int64_t i = 0; i < samples; i++) rows += (double)c->counts[n / samples * i];
  return rows * ((double)n / (double)samples);
}

static double pixels_of(const tlk_layout *layout, int64_t n) {
  return (double)layout->width * (double)layout->height * (double)n;
}

struct tlw_load tlw_load_of_charts(enum tlw_work work, const struct tlw_source *source, int64_t n) {
  const tlk_layout *layout = &source->layout;
  return (struct tlw_load){
      .work = work,
      .units = pixels_of(layout, n),
      .extra = source->merged ? (double)layout->plot_width : rows_of(&source->candles, n),
  };
}

/* ---- windows ---- */

static enum tlw_work work_of(const tlk_window *window) {
  if (window->kind < TLK_FOLDS) return TLW_WORK_FOLD;
  return window->kind < TLK_SCAN_LINEAR ? TLW_WORK_ORDER : TLW_WORK_SCAN;
}

/*
 * What operations of windows take of arithmetic on the CPU, in terms of those that are measured (mean of 20, median of
 * 100, EMA): nanoseconds a row of one thread with AVX-512, 200,000 rows that are in the cache, over 0.325, 8.7 and 0.352.
 * Folds differ little by the window: those of 20 rows count up to 32, those of 400 above.
 */
#define SHORT_WINDOW 32

static const double folds[][2] = {
    [TLK_OP_SUM] = {0.9, 0.95},     [TLK_OP_MEAN] = {1, 1.06},     [TLK_OP_VAR] = {2.44, 3.2},
    [TLK_OP_STD] = {2.5, 3.3},      [TLK_OP_MIN] = {1.12, 1.19},   [TLK_OP_MAX] = {1.12, 1.22},
    [TLK_OP_ARGMIN] = {3.1, 4},     [TLK_OP_ARGMAX] = {3.1, 4},    [TLK_OP_SKEW] = {8.2, 9.5},
    [TLK_OP_KURTOSIS] = {8.3, 9.8}, [TLK_OP_COV] = {7.3, 8.3},     [TLK_OP_CORR] = {9.2, 10.3},
    [TLK_OP_BETA] = {7.3, 8.8},     [TLK_OP_WMA] = {1.52, 1.9},    [TLK_OP_FIRST] = {0.77, 0.74},
    [TLK_OP_LAST] = {0.77, 0.74},   [TLK_OP_DELTA] = {0.77, 0.74}, [TLK_OP_RETURN] = {0.8, 0.76},
};

static const double scans[] = {
    [TLK_OP_EMA] = 1,        [TLK_OP_RMA] = 0.98,    [TLK_OP_CUMSUM] = 0.62,
    [TLK_OP_CUMPROD] = 0.57, [TLK_OP_CUMMIN] = 0.76, [TLK_OP_CUMMAX] = 0.76,
};

/* Up to 512 rows are sorted in one pass, more in blocks. */
static const struct {
  double window, quantile, rank;
} orders[] = {
    {2, 0.178, 0.137}, {5, 0.179, 0.162}, {10, 0.206, 0.202}, {20, 0.247, 0.287}, {50, 0.57, 0.53},
    {100, 1, 0.95},    {200, 1.83, 1.73}, {400, 3.8, 3.3},    {600, 5.1, 4.95},   {1000, 5.5, 8.2},
    {2000, 7.2, 12.5}, {5000, 10.5, 16},  {10000, 14, 16},
};

#define ORDERS (int)(sizeof orders / sizeof *orders)
#define ORDER_MEASURED 100.0 /* rows */
#define IDLE 0.28e-9         /* of rows of series that are shorter than min_periods */

/* In logarithms of the window straight between those measured. */
static double order_weight(const tlk_window *window, double rows) {
  const bool is_rank = window->kind == TLK_ORDER_RANK;
  int i = 1;
  while (i + 1 < ORDERS && orders[i].window < rows) i++;
  const double part = log(rows / orders[i - 1].window) / log(orders[i].window / orders[i - 1].window);
  const double a = is_rank ? orders[i - 1].rank : orders[i - 1].quantile;
  const double b = is_rank ? orders[i].rank : orders[i].quantile;
  return a * pow(b / a, fmin(fmax(part, 0), 1));
}

/* Of the rows that a window reads once for what it knows of them, and twice for each halving until it has its place. */
static double kernel_rows(double rows) { return rows * (1 + 2 * (1 + log2(rows))); }

/* rows: of its windows, no more than series have on average. */
static double cpu_weight(const tlk_window *window, enum tlw_work work, double rows, bool is_idle) {
  if (work == TLW_WORK_FOLD) return is_idle ? IDLE / 0.325e-9 : folds[window->op][rows > SHORT_WINDOW];
  if (work == TLW_WORK_ORDER) return is_idle ? IDLE / 8.7e-9 : order_weight(window, rows);
  return scans[window->op];
}

/* Bytes of a result and of the columns that it is from, but those that the task before has had moved already. */
static double moved_weight(const struct tlw_window_job *job, const struct tlw_window_task *task,
                           const struct tlw_window_task *before) {
  const double each = job->type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double);
  const bool moves_x = !before || task->x != before->x, moves_y = task->y && (!before || task->y != before->y);
  return (sizeof(double) + each * (moves_x + moves_y)) / (2 * sizeof(double));
}

/* No less than cpu_weight, by tables alone. */
static double weight_at_most(const tlk_window *window, enum tlw_work work, double rows, bool is_idle) {
  if (work != TLW_WORK_ORDER || is_idle) return cpu_weight(window, work, rows, is_idle);
  int i = 0;
  while (i < ORDERS && orders[i].window < rows) i++;
  if (i == ORDERS) return (double)INFINITY;
  return window->kind == TLK_ORDER_RANK ? orders[i].rank : orders[i].quantile;
}

static enum tlw_heft heft_of(const tlk_window *window, enum tlw_work work, double rows, bool is_idle) {
  const double weight = weight_at_most(window, work, rows, is_idle);
  int heft = TLW_HEFT_ALIKE;
  while (heft > TLW_HEFT_ANY && weight > tlw_heft_most(work, (enum tlw_heft)heft)) heft--;
  return (enum tlw_heft)heft;
}

/* The load of this kind, which may be a new one. */
static struct tlw_load *find_load(struct tlw_load *loads, int *n, enum tlw_work work) {
  int at = 0;
  while (at < *n && loads[at].work != work) at++;
  if (at == *n) loads[(*n)++] = (struct tlw_load){.work = work, .heft = TLW_HEFT_ALIKE};
  return &loads[at];
}

static double rows_of_job(const struct tlw_window_job *job) {
  return (double)(job->offsets[job->n_series] - job->offsets[0]);
}

/* The average of a series, and what windows have of it at most. */
static double rows_of_each(const struct tlw_window_job *job) {
  return job->n_series > 1 ? rows_of_job(job) / (double)job->n_series : rows_of_job(job);
}

static double reach_of(const tlk_window *window, double each) {
  const double rows = (double)window->window < each ? (double)window->window : each;
  return rows > 1 ? rows : 1;
}

/* Whether series have too few rows for results, on average. */
static bool is_idle_in(const tlk_window *window, double each) { return each < (double)window->min_periods; }

/* Adds what is told soon. */
static struct tlw_load *count_task(struct tlw_load *loads, int *n, const struct tlw_window_job *job,
                                   const tlk_window *window) {
  const enum tlw_work work = work_of(window);
  const double each = rows_of_each(job);
  const enum tlw_heft heft = heft_of(window, work, reach_of(window, each), is_idle_in(window, each));
  struct tlw_load *load = find_load(loads, n, work);
  load->units += rows_of_job(job);
  if (heft < load->heft) load->heft = heft;
  return load;
}

int tlw_units_of_windows(const struct tlw_window_job *job, const struct tlw_window_task *tasks,
                         struct tlw_load loads[TLW_WINDOW_LOADS]) {
  int n = 0;
  for (int32_t i = 0; i < job->n_tasks; i++)
    count_task(loads, &n, job, &tasks[i].window)->extra += (double)job->n_series;
  return n;
}

static void add_task(struct tlw_load *load, const struct tlw_window_job *job, const struct tlw_window_task *task,
                     const struct tlw_window_task *before) {
  const double rows = rows_of_job(job), series = (double)job->n_series;
  const double each = rows_of_each(job), reach = reach_of(&task->window, each);
  const bool is_idle = is_idle_in(&task->window, each);
  load->extra += is_idle ? 0 : series;
  load->cpu_more += rows * (cpu_weight(&task->window, load->work, reach, is_idle) - 1);
  load->moved_more += rows * (moved_weight(job, task, before) - 1);
  if (load->work == TLW_WORK_ORDER) load->kernel_more += rows * (kernel_rows(reach) / kernel_rows(ORDER_MEASURED) - 1);
}

int tlw_loads_of_windows(const struct tlw_window_source *source, const struct tlw_window_task *tasks,
                         struct tlw_load loads[TLW_WINDOW_LOADS]) {
  const struct tlw_window_job *job = &source->job;
  struct tlw_window_task made[2];
  int n = 0;
  for (int32_t i = 0; i < job->n_tasks; i++) {
    if (!tasks) source->make(source->context, i, &made[i % 2]);
    const struct tlw_window_task *task = tasks ? &tasks[i] : &made[i % 2];
    const struct tlw_window_task *before = i == 0 ? NULL : tasks ? &tasks[i - 1] : &made[(i - 1) % 2];
    add_task(count_task(loads, &n, job, &task->window), job, task, before);
  }
  return n;
}

/* ---- images ---- */

static double rows_of_images(const struct tlw_images_source *source) {
  const int64_t samples = source->n < SAMPLES ? source->n : SAMPLES;
  double rows = 0;
  for (int64_t i = 0; i < samples; i++) {
    int64_t offset, count;
    source->place(source->context, source->n / samples * i, 1, &offset, &count);
    rows += (double)count;
  }
  return rows * ((double)source->n / (double)samples);
}

struct tlw_load tlw_load_of_images(const struct tlw_images_source *source) {
  if (source->charts)
    return (struct tlw_load){
        .work = TLW_WORK_CHARTS,
        .units = pixels_of(&source->charts->layout, source->n),
        .extra = rows_of_images(source),
    };
  return (struct tlw_load){
      .work = TLW_WORK_IMAGES,
      .units = (double)source->n * (double)source->size,
      .extra = (double)source->n,
  };
}
