#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "interrupt.h"
#include "render.h"
#include "report.h"

/* More windows in one push, or more memory for them, make nothing faster. */
#define MOST_CHARTS 4096
#define MOST_BYTES ((uint64_t)32 << 20)

/* Of --host-mem, what is for rows where more than the least does not have to be. */
#define ROWS_PART 4

#define COLUMNS 5 /* of doubles: open, high, low, close, volume */

/* Rows of one push: windows from row 0 on, each `step` rows behind the last, then what is left of the next. */
struct rows {
  double *columns[COLUMNS]; /* volume is NULL where it is not drawn */
  int64_t *time;            /* NULL where nothing needs it */
  int64_t n;
  int in_use; /* under the lock of the run: pushed and not released */
};

/* Rows are read into one of the two while the other's are drawn. */
struct render_windows {
  render *run;
  int64_t window, step, gap; /* rows that each window has, adds, and passes over before the next */
  int64_t capacity;          /* rows of each of the two */
  int64_t *offsets, *counts; /* the same for every push */
  struct rows pair[2];
};

/* A file that is being read. */
struct reader {
  render_windows *windows;
  tlw_csv *csv;
  int input;
  int waits; /* 1: a read may take for ever */
  int begun; /* 1: --from is behind */
  int ended;
  int64_t skip;   /* rows to pass over next */
  int64_t kept;   /* rows that --from and --to left */
  int64_t window; /* number of the next */
  tlw_error error;
};

static int64_t window_rows(const render *r) { return (int64_t)render_value(r, RENDER_WINDOW)->number; }

static int64_t stride_rows(const render *r) {
  const cli_value *stride = render_value(r, RENDER_STRIDE);
  return stride->given ? (int64_t)stride->number : window_rows(r);
}

static int64_t step_rows(const render *r) { return stride_rows(r) < window_rows(r) ? stride_rows(r) : window_rows(r); }

static int needs_time(const render *r) {
  return r->chart.axis == TLW_AXIS_TIME || render_value(r, RENDER_FROM)->given || render_value(r, RENDER_TO)->given;
}

/* ---- memory ---- */

static uint64_t bytes_per_row(const render *r) {
  return sizeof(double) * (uint64_t)(COLUMNS - 1 + r->chart.volume) + (needs_time(r) ? sizeof(int64_t) : 0);
}

static uint64_t least_bytes(const render *r) {
  return 2 * bytes_per_row(r) * (uint64_t)window_rows(r) + 2 * sizeof(int64_t);
}

static uint64_t bytes_per_chart(const render *r) {
  return 2 * bytes_per_row(r) * (uint64_t)step_rows(r) + 2 * sizeof(int64_t);
}

void render_windows_plan(render *r) {
  const cli_value *host_mem = render_value(r, RENDER_HOST_MEM);
  const uint64_t part = host_mem->given ? host_mem->number / ROWS_PART : MOST_BYTES;
  const uint64_t most = part < MOST_BYTES ? part : MOST_BYTES, least = least_bytes(r);
  const uint64_t more = most > least ? (most - least) / bytes_per_chart(r) : 0;
  r->window_charts = 1 + (int64_t)(more < MOST_CHARTS ? more : MOST_CHARTS - 1);
  r->row_bytes = least + (uint64_t)(r->window_charts - 1) * bytes_per_chart(r);
}

uint64_t render_windows_host_mem(const render *r, uint64_t bytes) {
  const uint64_t beside_least = bytes + least_bytes(r);
  const uint64_t beside_part = bytes + bytes / (ROWS_PART - 1) + 1;
  return beside_least > beside_part ? beside_least : beside_part;
}

static int make_rows(const render *r, struct rows *rows, int64_t capacity) {
  const size_t size = (size_t)capacity * sizeof(double);
  for (int i = 0; i < COLUMNS - 1 + r->chart.volume; i++)
    if (!(rows->columns[i] = malloc(size))) return 0;
  return !needs_time(r) || (rows->time = malloc(size));
}

static int make_windows(render_windows *w) {
  const int64_t n = w->run->window_charts;
  w->offsets = malloc((size_t)n * sizeof *w->offsets);
  w->counts = malloc((size_t)n * sizeof *w->counts);
  if (!w->offsets || !w->counts) return 0;
  for (int64_t i = 0; i < n; i++) {
    w->offsets[i] = i * w->step;
    w->counts[i] = w->window;
  }
  return make_rows(w->run, &w->pair[0], w->capacity) && make_rows(w->run, &w->pair[1], w->capacity);
}

cli_exit render_windows_open(render_windows **windows, render *r) {
  render_windows *w = *windows = calloc(1, sizeof *w);
  if (w) {
    w->run = r;
    w->window = window_rows(r);
    w->step = step_rows(r);
    w->gap = stride_rows(r) - w->step;
    w->capacity = w->window + (r->window_charts - 1) * w->step;
    if (make_windows(w)) return CLI_OK;
    render_windows_close(windows);
  }
  return cli_fail(CLI_NO_MEMORY, "no memory for windows of %" PRId64 " candles: use a smaller --window",
                  window_rows(r));
}

void render_windows_close(render_windows **windows) {
  render_windows *w = *windows;
  if (!w) return;
  for (int i = 0; i < 2; i++) {
    for (int c = 0; c < COLUMNS; c++) free(w->pair[i].columns[c]);
    free(w->pair[i].time);
  }
  free(w->offsets);
  free(w->counts);
  free(w);
  *windows = NULL;
}

/* ---- rows ---- */

/* Moves n rows within the columns, or from those of another. */
static void move_rows(struct rows *to, int64_t at, const struct rows *from, int64_t first, int64_t n) {
  const size_t size = (size_t)n * sizeof(double);
  for (int c = 0; c < COLUMNS; c++)
    if (to->columns[c]) memmove(to->columns[c] + at, from->columns[c] + first, size);
  if (to->time) memmove(to->time + at, from->time + first, size);
}

static tlw_csv_rows room_behind(const struct rows *rows, int64_t capacity) {
  double *const *c = rows->columns;
  const int64_t n = rows->n;
  return (tlw_csv_rows){
      .open = c[0] + n,
      .high = c[1] + n,
      .low = c[2] + n,
      .close = c[3] + n,
      .volume = c[4] ? c[4] + n : NULL,
      .time = rows->time ? rows->time + n : NULL,
      .capacity = capacity,
  };
}

/* How many of n rows that were read behind the others lie before --to. */
static int64_t apply_to(struct reader *in, const struct rows *rows, int64_t n) {
  const cli_value *to = render_value(in->windows->run, RENDER_TO);
  if (!to->given) return n;
  const int64_t end = render_lower_bound(rows->time + rows->n, n, to->time);
  in->ended |= end < n;
  return end;
}

/* How many of n such rows are to be passed over: those before --from, those between windows. */
static int64_t apply_from(struct reader *in, const struct rows *rows, int64_t n) {
  const cli_value *from = render_value(in->windows->run, RENDER_FROM);
  if (from->given && !in->begun) {
    const int64_t first = render_lower_bound(rows->time + rows->n, n, from->time);
    in->begun = first < n;
    return first;
  }
  const int64_t passed = in->skip < n ? in->skip : n;
  in->skip -= passed;
  return passed;
}

/* Keeps what is wanted of n rows that were read behind the others. */
static void keep_rows(struct reader *in, struct rows *rows, int64_t n) {
  n = apply_to(in, rows, n);
  const int64_t passed = apply_from(in, rows, n);
  if (passed > 0) move_rows(rows, rows->n, rows, rows->n + passed, n - passed);
  rows->n += n - passed;
  in->kept += n - passed;
  const render_windows *w = in->windows;
  if (n > passed && w->gap > 0 && rows->n % w->window == 0) in->skip = w->gap;
}

/* How many rows to read next. Those of a window and those of a gap between windows are never read together. */
static int64_t next_rows(const struct reader *in, const struct rows *rows) {
  const render_windows *w = in->windows;
  const int64_t room = w->capacity - rows->n;
  if (in->skip > 0) return in->skip < room ? in->skip : room;
  return w->gap > 0 ? w->window - rows->n % w->window : room;
}

/* Fills the rows as far as the file goes. A failure ends the file behind the rows before it; in->error keeps it. */
static cli_exit fill(struct reader *in, struct rows *rows) {
  while (rows->n < in->windows->capacity && !in->ended) {
    const tlw_csv_rows room = room_behind(rows, next_rows(in, rows));
    int64_t n = 0;
    const cli_exit code = in->waits ? cli_interrupt_wait_begin() : cli_interrupt_code();
    if (code) return code;
    const tlw_status status = tlw_csv_next(in->csv, &room, &n, &in->error);
    if (in->waits) cli_interrupt_wait_end();
    in->error.code = status;
    in->ended = status != TLW_OK || n < room.capacity;
    keep_rows(in, rows, n);
  }
  return CLI_OK;
}

/* ---- windows ---- */

static int64_t count_windows(const render_windows *w, const struct rows *rows) {
  return rows->n < w->window ? 0 : (rows->n - w->window) / w->step + 1;
}

static cli_exit push_windows(struct reader *in, struct rows *rows, int64_t n) {
  const render_windows *w = in->windows;
  render *r = w->run;
  render_job *job = render_job_make(r, in->input, n);
  in->window += n;
  in->ended |= job == NULL;
  if (!job) return CLI_OK;
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = rows->columns[0];
  candles.high = rows->columns[1];
  candles.low = rows->columns[2];
  candles.close = rows->columns[3];
  candles.volume = tlw_csv_has_volume(in->csv) ? rows->columns[4] : NULL;
  candles.time = rows->time;
  candles.n_rows = rows->n;
  candles.offsets = w->offsets;
  candles.counts = w->counts;
  candles.n_series = n;
  job->candles = w->window;
  job->window = in->window - n;
  job->in_use = &rows->in_use;
  pthread_mutex_lock(&r->lock);
  rows->in_use = 1;
  pthread_mutex_unlock(&r->lock);
  return render_push(r, job, &candles);
}

/* Waits until the rows may be written. Ends the file if its charts can't be. */
static void take_turn(struct reader *in, const struct rows *rows) {
  render *r = in->windows->run;
  pthread_mutex_lock(&r->lock);
  while (rows->in_use) pthread_cond_wait(&r->released, &r->lock);
  in->ended |= r->refused == in->input;
  pthread_mutex_unlock(&r->lock);
}

static cli_exit push_all(struct reader *in) {
  render_windows *w = in->windows;
  struct rows *rows = &w->pair[0];
  take_turn(in, rows);
  rows->n = 0;
  while (!in->ended) {
    cli_exit code = fill(in, rows);
    const int64_t n = count_windows(w, rows);
    if (!code && n > 0) code = push_windows(in, rows, n);
    if (code) return code;
    if (in->ended) break;
    struct rows *next = rows == &w->pair[0] ? &w->pair[1] : &w->pair[0];
    take_turn(in, next);
    next->n = rows->n - n * w->step;
    move_rows(next, 0, rows, n * w->step, next->n);
    rows = next;
  }
  return CLI_OK;
}

static cli_exit fail_short(const struct reader *in) {
  const render *r = in->windows->run;
  const int limited = render_value(r, RENDER_FROM)->given || render_value(r, RENDER_TO)->given;
  return cli_fail(CLI_DATA, "%s: %" PRId64 " %s %s: --window %" PRId64 " needs at least as many: use a smaller one",
                  render_name(r, in->input), in->kept, in->kept == 1 ? "candle" : "candles",
                  limited ? "in the range asked for" : "in it", in->windows->window);
}

/* A pipe or terminal may give nothing for ever. */
static int may_wait(const char *path) {
  struct stat info;
  return stat(path, &info) != 0 || !S_ISREG(info.st_mode);
}

static cli_exit open_reader(struct reader *in) {
  const render *r = in->windows->run;
  const cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  in->error.code = tlw_csv_open(render_name(r, in->input), r->engines[0], &in->csv, &in->error);
  cli_interrupt_wait_end();
  return CLI_OK;
}

cli_exit render_windows_file(render_windows *windows, int input) {
  render *r = windows->run;
  const char *name = render_name(r, input);
  struct reader in = {.windows = windows, .input = input, .waits = may_wait(name)};
  cli_exit code = open_reader(&in);
  if (code) return code;
  if (in.error.code == TLW_OK) code = push_all(&in);
  tlw_csv_close(&in.csv);
  if (code) return code;
  if (in.error.code != TLW_OK)
    render_fail_input(r, input, render_fail_library(r, in.error.code == TLW_ERR_BUDGET ? name : NULL, &in.error, 0));
  else if (in.window == 0)
    render_fail_input(r, input, fail_short(&in));
  return CLI_OK;
}
