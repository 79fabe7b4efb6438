#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "csv_options.h"
#include "interrupt.h"
#include "render.h"
#include "report.h"

/* More memory for the windows of a push makes nothing faster. */
#define MOST_BYTES ((uint64_t)32 << 20)

/* Of --host-mem, what is for rows where more than the least does not have to be. */
#define ROWS_PART 4

#define COLUMNS 5 /* of doubles: open, high, low, close, volume */

/* Rows of one push: windows from row 0 on, each `step` rows behind the last, then what is left of the next. */
struct rows {
  double *columns[COLUMNS]; /* volume is NULL where it is not drawn */
  int64_t *time;            /* NULL where nothing needs it */
  double *lines[RENDER_MOST_LINES];
  const void *view[RENDER_MOST_LINES]; /* of the lines, for the stream */
  int64_t n;
  int in_use; /* under the lock of the run: pushes that are not released */
};

/* Rows are read into one of the two while the other's are drawn. */
struct render_windows {
  render *run;
  int64_t window, step, gap; /* rows that each window has, adds, and passes over before the next */
  int64_t capacity;          /* rows of each of the two */
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
  int64_t got;    /* rows so far */
  int64_t kept;   /* rows that --from and --to left */
  int64_t window; /* number of the next */
  render_averages averages;
  tlw_error error;
};

int64_t render_window_rows(const render *r) { return (int64_t)render_value(r, RENDER_WINDOW)->number; }

int64_t render_stride_rows(const render *r) {
  const cli_value *stride = render_value(r, RENDER_STRIDE);
  return stride->given ? (int64_t)stride->number : render_window_rows(r);
}

static int64_t step_rows(const render *r) {
  return render_stride_rows(r) < render_window_rows(r) ? render_stride_rows(r) : render_window_rows(r);
}

static int needs_time(const render *r) {
  if (r->lacks_times) return 0;
  return r->chart.labels || r->title_varies || r->chart.axis == TLW_AXIS_TIME || render_value(r, RENDER_FROM)->given ||
         render_value(r, RENDER_TO)->given || r->wants_manifest || r->chart.scale == TLW_SCALE_LOG;
}

/* ---- memory ---- */

static uint64_t bytes_per_row(const render *r) {
  const uint64_t n_columns = (uint64_t)(COLUMNS - 1 + r->chart.volume + r->chart.n_lines);
  return sizeof(double) * n_columns + (needs_time(r) ? sizeof(int64_t) : 0);
}

/* What is kept of a chart until it is written. */
static uint64_t note_bytes(void) { return RENDER_PUSHES * (sizeof(render_chart) + 2 * sizeof(int64_t)); }

static uint64_t least_bytes(const render *r) {
  return 2 * bytes_per_row(r) * (uint64_t)render_window_rows(r) + note_bytes();
}

static uint64_t bytes_per_chart(const render *r) {
  return 2 * bytes_per_row(r) * (uint64_t)step_rows(r) + note_bytes();
}

void render_windows_plan(render *r) {
  const cli_value *host_mem = render_value(r, RENDER_HOST_MEM);
  const uint64_t part = host_mem->given ? host_mem->number / ROWS_PART : MOST_BYTES;
  const uint64_t most = part < MOST_BYTES ? part : MOST_BYTES, least = least_bytes(r);
  const uint64_t more = most > least ? (most - least) / bytes_per_chart(r) : 0;
  r->window_charts = 1 + (int64_t)(more < RENDER_PUSH_CHARTS ? more : RENDER_PUSH_CHARTS - 1);
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
  for (int32_t i = 0; i < r->chart.n_lines; i++)
    if (!(rows->view[i] = rows->lines[i] = malloc(size))) return 0;
  return !needs_time(r) || (rows->time = malloc(size));
}

cli_exit render_windows_open(render_windows **windows, render *r) {
  render_windows *w = *windows = calloc(1, sizeof *w);
  if (w) {
    w->run = r;
    w->window = render_window_rows(r);
    w->step = step_rows(r);
    w->gap = render_stride_rows(r) - w->step;
    w->capacity = w->window + (r->window_charts - 1) * w->step;
    if (make_rows(r, &w->pair[0], w->capacity) && make_rows(r, &w->pair[1], w->capacity)) return CLI_OK;
    render_windows_close(windows);
  }
  return cli_fail(CLI_NO_MEMORY, "no memory for windows of %" PRId64 " candles: use a smaller --window",
                  render_window_rows(r));
}

void render_windows_close(render_windows **windows) {
  render_windows *w = *windows;
  if (!w) return;
  for (int i = 0; i < 2; i++) {
    for (int c = 0; c < COLUMNS; c++) free(w->pair[i].columns[c]);
    for (int c = 0; c < RENDER_MOST_LINES; c++) free(w->pair[i].lines[c]);
    free(w->pair[i].time);
  }
  free(w);
  *windows = NULL;
}

/* ---- rows ---- */

/* Moves n rows within the columns, or from those of another. */
static void move_rows(struct rows *to, int64_t at, const struct rows *from, int64_t first, int64_t n) {
  const size_t size = (size_t)n * sizeof(double);
  for (int c = 0; c < COLUMNS; c++)
    if (to->columns[c]) memmove(to->columns[c] + at, from->columns[c] + first, size);
  for (int c = 0; c < RENDER_MOST_LINES && to->lines[c]; c++) memmove(to->lines[c] + at, from->lines[c] + first, size);
  if (to->time) memmove(to->time + at, from->time + first, size);
}

/* ahead: where the columns of the file go that are drawn as lines. */
static tlw_csv_rows room_behind(const render *r, const struct rows *rows, int64_t capacity,
                                double *ahead[CLI_PARTS_MAX]) {
  double *const *c = rows->columns;
  const int64_t n = rows->n;
  for (int32_t i = 0; i < r->n_columns; i++) ahead[i] = rows->lines[r->n_averages + i] + n;
  return (tlw_csv_rows){
      .open = c[0] + n,
      .high = c[1] + n,
      .low = c[2] + n,
      .close = c[3] + n,
      .volume = c[4] ? c[4] + n : NULL,
      .time = rows->time ? rows->time + n : NULL,
      .capacity = capacity,
      .lines = ahead,
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

static void note_rows(const struct reader *in, int64_t begun, int64_t n) {
  render *r = in->windows->run;
  const cli_stage stage = {
      .name = "read and parse", .file = render_name(r, in->input), .begun = begun, .items = n, .is_short = 1};
  cli_telemetry_stage(r->telemetry, &stage);
  cli_telemetry_count(r->telemetry, CLI_COUNT_ROWS, (uint64_t)n);
}

/* Fills the rows as far as the file goes. A failure ends the file behind the rows before it; in->error keeps it. */
static cli_exit fill(struct reader *in, struct rows *rows) {
  while (rows->n < in->windows->capacity && !in->ended) {
    double *ahead[CLI_PARTS_MAX];
    const tlw_csv_rows room = room_behind(in->windows->run, rows, next_rows(in, rows), ahead);
    int64_t n = 0;
    const cli_exit code = in->waits ? cli_interrupt_wait_begin() : cli_interrupt_code();
    if (code) return code;
    const int64_t begun = cli_telemetry_now(in->windows->run->telemetry);
    const tlw_status status = tlw_csv_next(in->csv, &room, &n, &in->error);
    if (in->waits) cli_interrupt_wait_end();
    note_rows(in, begun, n);
    in->error.code = status;
    in->got += n;
    in->ended = status != TLW_OK || n < room.capacity;
    tlw_csv_report report;
    tlw_csv_get_report(in->csv, &report);
    cli_progress_read(in->windows->run->progress, (uint64_t)report.bytes);
    render_averages_feed(&in->averages, rows->columns[3] + rows->n, n, rows->lines, rows->n); /* of all rows */
    keep_rows(in, rows, n);
  }
  return CLI_OK;
}

/* ---- windows ---- */

static int64_t count_windows(const render_windows *w, const struct rows *rows) {
  return rows->n < w->window ? 0 : (rows->n - w->window) / w->step + 1;
}

static tlw_candles candles_of(const struct reader *in, const struct rows *rows) {
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = rows->columns[0];
  candles.high = rows->columns[1];
  candles.low = rows->columns[2];
  candles.close = rows->columns[3];
  candles.volume = tlw_csv_has_volume(in->csv) ? rows->columns[4] : NULL;
  candles.time = rows->time;
  candles.n_rows = rows->n;
  candles.lines = rows->view;
  candles.n_lines = in->windows->run->chart.n_lines;
  return candles;
}

/* Of the file, how much has been given. One that had to be held was read whole before its first row. */
static double part_given(const struct reader *in) {
  tlw_csv_report report;
  tlw_csv_get_report(in->csv, &report);
  const int64_t rows = report.rows - report.skipped;
  const double given = in->got < rows ? (double)in->got / (double)rows : 1;
  return given * cli_progress_part(in->windows->run->progress);
}

static cli_exit push_windows(struct reader *in, struct rows *rows, int64_t n) {
  const render_windows *w = in->windows;
  render *r = w->run;
  render_job *job = render_job_make(r, in->input, n, NULL);
  in->ended |= job == NULL;
  if (!job) return CLI_OK;
  const tlw_candles candles = candles_of(in, rows);
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n && !code; i++)
    code = render_add_chart(job, &candles, i * w->step, w->window, NULL, in->window + i);
  in->window += n;
  job->share = cli_progress_push(r->progress, part_given(in), job->n);
  if (code || job->n == 0) {
    render_job_drop(job);
    return code;
  }
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
  in->ended |= r->refused == in->input || r->fatal;
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

void render_explain_short(render *r, int input, const char *symbol, int64_t candles) {
  const int limited = render_value(r, RENDER_FROM)->given || render_value(r, RENDER_TO)->given;
  cli_buffer_clear(&r->reason);
  cli_buffer_format(&r->reason, "%s: ", render_name(r, input));
  if (symbol) cli_buffer_format(&r->reason, "%s: ", symbol);
  cli_buffer_format(&r->reason, "%" PRId64 " %s %s: --window %" PRId64 " needs at least as many: use a smaller one",
                    candles, candles == 1 ? "candle" : "candles", limited ? "in the range asked for" : "in it",
                    render_window_rows(r));
}

void render_tell_windows(const render *r, int input, int64_t windows, int64_t left_over, int has_volume) {
  if (!r->verbose) return;
  char engines[RENDER_ENGINES_SIZE], rest[96] = "", own[48] = "", found[48] = "";
  if (r->shard.count > 0) snprintf(own, sizeof own, ", %" PRId64 " of this part", r->file_own);
  if (r->resume) snprintf(found, sizeof found, ", %" PRId64 " found", r->file_found);
  render_engines_text(r, engines);
  if (left_over > 0)
    snprintf(rest, sizeof rest, ", its last %" PRId64 " %s no window", left_over,
             left_over == 1 ? "candle fills" : "candles fill");
  cli_say("%s: %" PRId64 " %s of %" PRId64 " candles%s%s, %dx%d%s%s%s%s", render_name(r, input), windows,
          windows == 1 ? "window" : "windows", render_window_rows(r), own, found, (int)r->chart.width,
          (int)r->chart.height, engines[0] ? ", " : "", engines,
          r->chart.volume && !has_volume ? ", no volume in the file" : "", rest);
}

/* Candles behind the last window. Those of gaps between windows are not kept. */
static int64_t left_over(const struct reader *in) {
  const render_windows *w = in->windows;
  if (w->gap > 0) return in->kept - in->window * w->window;
  return in->kept - ((in->window - 1) * w->step + w->window);
}

/* A pipe or terminal may give nothing for ever. */
static int may_wait(const char *path) {
  struct stat info;
  return stat(path, &info) != 0 || !S_ISREG(info.st_mode);
}

static const char *line_name(const void *csv, int32_t i) { return tlw_csv_line_name(csv, i); }

static cli_exit open_reader(struct reader *in) {
  render *r = in->windows->run;
  const cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  in->error.code = render_averages_open(r, &in->averages, &in->error);
  if (in->error.code == TLW_OK)
    in->error.code = tlw_csv_open(render_name(r, in->input), &r->csv, render_engine(r), &in->csv, &in->error);
  cli_interrupt_wait_end();
  if (in->error.code == TLW_OK) render_lines_name(r, in->csv, line_name);
  return CLI_OK;
}

/* Whether the file was left because its charts can't be written, which has been told. */
static int is_given_up(render *r, int input) {
  pthread_mutex_lock(&r->lock);
  const int given_up = r->codes[input] != CLI_OK || r->fatal;
  pthread_mutex_unlock(&r->lock);
  return given_up;
}

/* The file is read, as far as it can be. */
static cli_exit end_file(struct reader *in, const tlw_csv_report *report) {
  render *r = in->windows->run;
  if (in->error.code != TLW_OK) {
    return render_fail_file(r, in->input, render_explain_file(r, in->input, &in->error, 0));
  }
  if (in->window > 0) {
    render_tell_windows(r, in->input, in->window, left_over(in), report->has_volume);
    return CLI_OK;
  }
  if (is_given_up(r, in->input)) return CLI_OK;
  render_explain_short(r, in->input, NULL, in->kept);
  return render_fail_file(r, in->input, CLI_DATA);
}

cli_exit render_windows_file(render_windows *windows, int input) {
  render *r = windows->run;
  const char *name = render_name(r, input);
  struct reader in = {.windows = windows, .input = input, .waits = may_wait(name)};
  tlw_csv_report report = {0};
  render_begin_file(r, input);
  cli_exit code = open_reader(&in);
  if (code) return code;
  const int is_open = in.error.code == TLW_OK;
  if (is_open) code = push_all(&in);
  if (is_open) tlw_csv_get_report(in.csv, &report);
  tlw_csv_close(&in.csv);
  render_averages_close(&in.averages);
  if (is_open && !code && in.error.code == TLW_OK) cli_csv_tell(r->args, name, &report);
  if (is_open && !code && in.error.code == TLW_OK) cli_telemetry_count(r->telemetry, CLI_COUNT_FILES, 1);
  if (is_open && !code) cli_csv_warn(r->args, name, &report, r->quiet);
  if (!code) code = end_file(&in, &report);
  cli_progress_file_end(r->progress, is_open ? &report : NULL, code == CLI_OK);
  return code;
}
