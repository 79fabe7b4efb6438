#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv_options.h"
#include "format.h"
#include "interrupt.h"
#include "render.h"
#include "report.h"

/*
 * A table being read takes up to about 16 times its text, and something however short that is. Tables beside each
 * other get a sixteenth of --host-mem each.
 */
#define TABLE_BASE ((uint64_t)512 << 10)
#define TABLE_PER_BYTE 16
#define TABLE_PART 16

/* Rows that a table begins with room for; it doubles whenever there are more, and then holds a column twice. */
#define TABLE_ROWS 4096
#define TABLE_ROW_COLUMNS 7

int64_t render_lower_bound(const int64_t *times, int64_t n, int64_t time) {
  int64_t low = 0;
  while (low < n) {
    const int64_t middle = low + (n - low) / 2;
    if (times[middle] < time)
      low = middle + 1;
    else
      n = middle;
  }
  return low;
}

/* Rows of a table. */
struct range {
  int64_t first, end;
};

/* Narrows the rows of a series to what --from, --to and --last leave. */
static struct range select_rows(const render *r, const int64_t *time, struct range rows) {
  const cli_value *from = render_value(r, RENDER_FROM), *to = render_value(r, RENDER_TO);
  const cli_value *last = render_value(r, RENDER_LAST);
  const int64_t *start = time ? time + rows.first : NULL; /* only with times there is a --from or a --to */
  const int64_t n = rows.end - rows.first;
  int64_t first = 0, end = n;
  if (from->given) first = render_lower_bound(start, end, from->time);
  if (to->given) end = render_lower_bound(start, end, to->time);
  if (first > end) first = end;
  if (last->given && (uint64_t)(end - first) > last->number) first = end - (int64_t)last->number;
  return (struct range){rows.first + first, rows.first + end};
}

static void put_subject(const render *r, int input, const char *symbol, cli_buffer *out) {
  cli_buffer_format(out, "%s: ", render_name(r, input));
  if (symbol) cli_buffer_format(out, "%s: ", symbol);
}

static void explain_empty(render *r, int input, const char *symbol, const int64_t *time, struct range rows) {
  char first[CLI_TIME_SIZE], last[CLI_TIME_SIZE];
  cli_time_text(time[rows.first], first);
  cli_time_text(time[rows.end - 1], last);
  cli_buffer_clear(&r->reason);
  put_subject(r, input, symbol, &r->reason);
  cli_buffer_format(&r->reason,
                    "none of its %" PRId64 " candles, from %s to %s, lies in the range asked for: change --from or "
                    "--to",
                    rows.end - rows.first, first, last);
}

/* gzip, Zstandard, zip */
static int is_packed(const unsigned char head[4]) {
  return memcmp(head, "\x1F\x8B", 2) == 0 || memcmp(head, "\x28\xB5\x2F\xFD", 4) == 0 ||
         memcmp(head, "PK\x03\x04", 4) == 0;
}

/* Whether a file is plain text so short that its table may stand beside others in --host-mem. */
static int is_small(const render *r, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  const uint64_t part = render_value(r, RENDER_HOST_MEM)->number / TABLE_PART;
  const uint64_t base = TABLE_BASE + render_averages_bytes(r);
  const uint64_t per_byte = TABLE_PER_BYTE + TABLE_PER_BYTE * (uint64_t)r->chart.n_lines / TABLE_ROW_COLUMNS;
  if (part < base || (uint64_t)info.st_size > (part - base) / per_byte) return 0;
  unsigned char head[4];
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  const ssize_t n = read(descriptor, head, sizeof head);
  close(descriptor);
  return n == sizeof head && !is_packed(head);
}

/*
 * Waits until another table may be read beside those that are being drawn. A large one gets what --host-mem has for
 * the first, so that no file fails for those before it.
 */
static cli_exit make_room(render *r, const char *path) {
  if (render_value(r, RENDER_HOST_MEM)->given && !is_small(r, path)) return render_restart(r);
  pthread_mutex_lock(&r->lock);
  while (r->tables >= RENDER_TABLES - 1) pthread_cond_wait(&r->released, &r->lock);
  pthread_mutex_unlock(&r->lock);
  return CLI_OK;
}

static void note_table(render *r, const char *path, const tlw_table *table, int64_t begun) {
  tlw_candles candles;
  tlw_csv_report report;
  tlw_table_candles(table, &candles);
  tlw_table_get_report(table, &report);
  const cli_stage stage = {
      .name = "read and parse", .file = path, .begun = begun, .items = candles.n_rows, .bytes = (uint64_t)report.bytes};
  cli_telemetry_stage(r->telemetry, &stage);
  cli_telemetry_count(r->telemetry, CLI_COUNT_ROWS, (uint64_t)candles.n_rows);
  cli_telemetry_count(r->telemetry, CLI_COUNT_FILES, 1);
}

/* A pipe or terminal may give nothing for ever. */
cli_exit render_read_table(render *r, const char *path, tlw_table **table, tlw_error *error) {
  const cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  const int64_t begun = cli_telemetry_now(r->telemetry);
  error->code = tlw_csv_read(path, &r->csv, render_engine(r), table, error);
  if (error->code == TLW_OK) error->code = render_averages_add(r, *table, error);
  if (error->code != TLW_OK) tlw_table_close(table);
  if (error->code == TLW_OK) note_table(r, path, *table, begun);
  cli_interrupt_wait_end();
  return CLI_OK;
}

static int64_t count_rows(tlw_csv *csv) {
  double numbers[4][256];
  const tlw_csv_rows rows = {
      .open = numbers[0], .high = numbers[1], .low = numbers[2], .close = numbers[3], .capacity = 256};
  int64_t n = 0, got;
  while (tlw_csv_next(csv, &rows, &got, NULL) == TLW_OK && got > 0) n += got;
  return n;
}

/* A refusal names what the first rows take. */
uint64_t render_table_bytes(const render *r, const char *path) {
  struct stat info;
  tlw_csv_options options = r->csv;
  options.by = NULL;
  tlw_csv *csv;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || tlw_csv_open(path, &options, NULL, &csv, NULL) != TLW_OK)
    return 0;
  const int64_t n = count_rows(csv);
  tlw_csv_close(&csv);
  uint64_t capacity = TABLE_ROWS;
  while (capacity < (uint64_t)n) capacity *= 2;
  return capacity * (TABLE_ROW_COLUMNS + (uint64_t)r->chart.n_lines) * sizeof(double);
}

cli_exit render_explain_file(render *r, int input, const tlw_error *error, uint64_t more) {
  const char *name = render_name(r, input);
  cli_progress_file_error(r->progress, error);
  cli_buffer_clear(&r->reason);
  if (error->code == TLW_ERR_BUDGET) return render_explain(r, name, error, more, &r->reason);
  cli_csv_explain(name, error->message, &r->reason);
  return cli_exit_of(error->code);
}

/* ---- charts ---- */

/* What goes to the stream from one table. */
struct source {
  render *run;
  int input;
  render_table *table;
  tlw_candles candles;
  render_job *job; /* that gets the next chart; NULL: one is to be made */
  int64_t most;    /* charts, an upper bound */
  int64_t left;    /* of them: they may come */
  int passes_over; /* 1: symbols that give no charts */
};

static cli_exit push_job(struct source *s) {
  render_job *job = s->job;
  s->job = NULL;
  if (!job) return CLI_OK;
  job->share = cli_progress_push(s->run->progress, 1 - (double)s->left / (double)s->most, job->n);
  return render_push(s->run, job, &s->candles);
}

/* Otherwise than CLI_OK the run must end. *lost: there was no memory, and the file is given up. */
static cli_exit add_chart(struct source *s, struct range rows, const char *symbol, int64_t window, int *lost) {
  const int64_t room = s->left < RENDER_PUSH_CHARTS ? s->left : RENDER_PUSH_CHARTS;
  if (!s->job) s->job = render_job_make(s->run, s->input, room, s->table);
  *lost = s->job == NULL;
  if (*lost) return CLI_OK;
  s->left--;
  const cli_exit code = render_add_chart(s->job, &s->candles, rows.first, rows.end - rows.first, symbol, window);
  return code || s->job->n < s->job->room ? code : push_job(s);
}

static int64_t count_windows(const render *r, struct range rows) {
  const int64_t n = rows.end - rows.first, window = render_window_rows(r);
  return n < window ? 0 : (n - window) / render_stride_rows(r) + 1;
}

static cli_exit add_windows(struct source *s, struct range rows, const char *symbol, int *lost) {
  render *r = s->run;
  const int64_t n = count_windows(r, rows), window = render_window_rows(r);
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n && !code && !*lost; i++) {
    const int64_t first = rows.first + i * render_stride_rows(r);
    code = add_chart(s, (struct range){first, first + window}, symbol, i, lost);
  }
  return code;
}

static int64_t n_series(const tlw_candles *candles) { return candles->offsets ? candles->n_series : 1; }

static struct range series_rows(const tlw_candles *candles, int64_t series) {
  if (!candles->offsets) return (struct range){0, candles->n_rows};
  return (struct range){candles->offsets[series], candles->offsets[series + 1]};
}

static int gives_charts(const render *r, struct range rows) {
  return r->targets.numbered ? count_windows(r, rows) > 0 : rows.end > rows.first;
}

static void warn_passed_over(const render *r, int input, int64_t passed, int64_t n) {
  const int limited = render_value(r, RENDER_FROM)->given || render_value(r, RENDER_TO)->given;
  char count[CLI_COUNT_SIZE], all[CLI_COUNT_SIZE], what[64] = "no candle";
  cli_count_text(passed, count);
  cli_count_text(n, all);
  if (r->targets.numbered) snprintf(what, sizeof what, "fewer than %" PRId64 " candles", render_window_rows(r));
  cli_warn("%s: %s of %s symbols %s %s%s: no charts of these", render_name(r, input), count, all,
           passed == 1 ? "has" : "have", what, limited ? " in the range asked for" : "");
}

/* 1: symbols without charts are passed over, for others of the file have some. */
static int pass_over(const struct source *s, const tlw_candles *all) {
  const render *r = s->run;
  const int64_t n = n_series(all);
  int64_t passed = 0;
  for (int64_t i = 0; i < n; i++) passed += !gives_charts(r, select_rows(r, all->time, series_rows(all, i)));
  if (passed == 0 || passed == n) return 0;
  if (!r->quiet) warn_passed_over(r, s->input, passed, n);
  return 1;
}

static int has_a_candle(const tlw_candles *c, struct range rows) {
  const double *const columns[] = {c->open, c->high, c->low, c->close};
  for (int64_t i = rows.first; i < rows.end; i++)
    if (isfinite(columns[0][i]) && isfinite(columns[1][i]) && isfinite(columns[2][i]) && isfinite(columns[3][i]))
      return 1;
  return 0;
}

/* A window of gaps is nothing strange; a whole chart of them is. */
static void warn_of_gaps(const struct source *s, struct range rows, const char *symbol) {
  const render *r = s->run;
  if (r->quiet || !cli_shard_has(&r->shard, r->n_jobs) || has_a_candle(&s->candles, rows)) return;
  cli_warn("%s: %s%sno candle to draw: every one lacks a price", render_name(r, s->input), symbol ? symbol : "",
           symbol ? ": " : "");
}

static cli_exit add_series(struct source *s, struct range all, const char *symbol, int *lost) {
  render *r = s->run;
  const struct range rows = select_rows(r, s->candles.time, all);
  const int is_empty = rows.end == rows.first;
  if (s->passes_over && !gives_charts(r, rows)) return CLI_OK;
  if (is_empty || (r->targets.numbered && count_windows(r, rows) == 0)) {
    if (is_empty)
      explain_empty(r, s->input, symbol, s->candles.time, all);
    else
      render_explain_short(r, s->input, symbol, rows.end - rows.first);
    return render_fail_series(r, s->input, symbol, CLI_DATA);
  }
  if (r->targets.numbered) return add_windows(s, rows, symbol, lost);
  warn_of_gaps(s, rows, symbol);
  return add_chart(s, rows, symbol, -1, lost);
}

/* An upper bound of the charts that the table gives. */
static int64_t most_charts(const render *r, const tlw_candles *candles) {
  int64_t n = 0;
  for (int64_t i = 0; i < n_series(candles); i++)
    n += r->targets.numbered ? count_windows(r, series_rows(candles, i)) : 1;
  return n > 0 ? n : 1;
}

static cli_exit add_all(struct source *s) {
  const tlw_candles all = s->candles;
  const int64_t most = most_charts(s->run, &all);
  s->most = s->left = most;
  s->candles.offsets = NULL; /* those of the charts take their place */
  s->passes_over = s->run->targets.by_symbol && pass_over(s, &all);
  int lost = 0;
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n_series(&all) && !code && !lost; i++)
    code = add_series(s, series_rows(&all, i), s->table->symbols ? s->table->symbols[i] : NULL, &lost);
  if (!code) code = push_job(s);
  if (!code && !lost && s->run->targets.numbered)
    render_tell_windows(s->run, s->input, most - s->left, 0, all.volume != NULL);
  return code;
}

/* ---- tables ---- */

static int copy_symbols(render_table *held, int64_t n) {
  size_t size = 0;
  for (int64_t i = 0; i < n; i++) size += strlen(tlw_table_symbol(held->table, i)) + 1;
  held->symbols = malloc((size_t)n * sizeof *held->symbols);
  held->texts = malloc(size);
  if (!held->symbols || !held->texts) return 0;
  char *at = held->texts;
  for (int64_t i = 0; i < n; i++) {
    const char *symbol = tlw_table_symbol(held->table, i);
    held->symbols[i] = strcpy(at, symbol);
    at += strlen(symbol) + 1;
  }
  return 1;
}

/* Two symbols must not share a name. */
static cli_exit take_names(render *r, int input, const render_table *held, int64_t n) {
  cli_exit code = CLI_OK;
  cli_buffer_clear(&r->reason);
  for (int64_t i = 0; i < n && !code; i++)
    code = cli_names_take(&r->names, &r->targets, render_name(r, input), held->symbols[i], &r->reason);
  return code;
}

/* Takes the table over. NULL after *code was set. */
static render_table *hold_table(render *r, int input, tlw_table *table, cli_exit *code) {
  render_table *held = calloc(1, sizeof *held);
  if (!held) tlw_table_close(&table);
  if (!held) render_fail_input(r, input, cli_fail(CLI_NO_MEMORY, "%s: no memory for it", render_name(r, input)));
  if (!held) return NULL;
  *held = (render_table){.table = table, .readers = 1, .users = 1};
  pthread_mutex_lock(&r->lock);
  r->tables++;
  pthread_mutex_unlock(&r->lock);
  if (!r->targets.by_symbol) return held;
  tlw_candles candles;
  tlw_table_candles(table, &candles);
  cli_exit failed = CLI_NO_MEMORY;
  if (copy_symbols(held, n_series(&candles))) {
    failed = take_names(r, input, held, n_series(&candles));
    if (!failed) return held;
  } else {
    cli_buffer_clear(&r->reason);
    cli_buffer_format(&r->reason, "%s: no memory for the names of its symbols", render_name(r, input));
  }
  *code = render_fail_file(r, input, failed);
  render_table_leave(r, held);
  return NULL;
}

static const char *line_name(const void *table, int32_t i) { return tlw_table_line_name(table, i); }

/* Of its lines the averages, which were added last, come first. */
static void take_candles(struct source *s) {
  const render *r = s->run;
  const void **lines = s->table->lines;
  tlw_table_candles(s->table->table, &s->candles);
  for (int32_t i = 0; i < r->n_averages; i++) lines[i] = s->candles.lines[r->n_columns + i];
  for (int32_t i = 0; i < r->n_columns; i++) lines[r->n_averages + i] = s->candles.lines[i];
  s->candles.lines = lines;
  render_lines_name(s->run, s->table->table, line_name);
}

static cli_exit push_table(render *r, int input, tlw_table *table) {
  cli_exit code = CLI_OK;
  struct source s = {.run = r, .input = input, .table = hold_table(r, input, table, &code)};
  if (!s.table) return code;
  take_candles(&s);
  code = add_all(&s);
  if (s.job) render_job_drop(s.job);
  render_table_leave(r, s.table);
  return code;
}

void render_begin_file(render *r, int input) {
  const char *name = render_name(r, input);
  struct stat info;
  const int has_size = strcmp(name, "-") != 0 && stat(name, &info) == 0 && S_ISREG(info.st_mode);
  cli_progress_file(r->progress, input, name, has_size ? (uint64_t)info.st_size : 0);
  r->file_own = r->file_found = 0;
}

/* A FILE that gives one chart, which belongs to another part, is not looked at. */
static int is_elsewhere(render *r, int input) {
  if (r->targets.numbered || r->targets.by_symbol || cli_shard_has(&r->shard, r->n_jobs)) return 0;
  r->n_jobs++;
  cli_progress_file(r->progress, input, render_name(r, input), 0);
  cli_progress_chart(r->progress, CLI_CHART_ELSEWHERE, 1);
  cli_progress_file_end(r->progress, NULL, 1);
  return 1;
}

cli_exit render_file(render *r, int input) {
  if (is_elsewhere(r, input)) return CLI_OK;
  const char *name = render_name(r, input);
  tlw_error error;
  tlw_table *table;
  render_begin_file(r, input);
  cli_exit code = make_room(r, name);
  if (!code) code = render_read_table(r, name, &table, &error);
  if (code) return code;
  if (error.code != TLW_OK) {
    const uint64_t more = error.code == TLW_ERR_BUDGET ? render_table_bytes(r, name) : 0;
    code = render_fail_file(r, input, render_explain_file(r, input, &error, more));
    cli_progress_file_end(r->progress, NULL, code == CLI_OK);
    return code;
  }
  tlw_csv_report report;
  tlw_table_get_report(table, &report);
  cli_csv_tell(r->args, name, &report);
  cli_csv_warn(r->args, name, &report, r->quiet);
  cli_progress_read(r->progress, (uint64_t)report.bytes);
  code = push_table(r, input, table);
  cli_progress_file_end(r->progress, &report, code == CLI_OK);
  return code;
}
