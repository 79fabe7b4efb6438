#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "interrupt.h"
#include "render.h"
#include "report.h"

/* ---- memory ---- */

render_job *render_job_make(render *r, int input, int64_t room, render_table *table) {
  render_job *job = calloc(1, sizeof *job);
  if (job) {
    *job = (render_job){.run = r, .input = input, .room = room};
    job->charts = malloc((size_t)room * sizeof *job->charts);
    job->offsets = malloc((size_t)room * sizeof *job->offsets);
    job->counts = malloc((size_t)room * sizeof *job->counts);
    if (job->charts && job->offsets && job->counts) {
      job->table = table;
      pthread_mutex_lock(&r->lock);
      if (table) table->users++;
      if (table) table->readers++;
      pthread_mutex_unlock(&r->lock);
      return job;
    }
    render_job_free(job);
  }
  render_fail_input(r, input, cli_fail(CLI_NO_MEMORY, "%s: no memory for its charts", render_name(r, input)));
  return NULL;
}

static void stop_reading(render *r, render_table *table) {
  pthread_mutex_lock(&r->lock);
  const int is_last = --table->readers == 0;
  pthread_mutex_unlock(&r->lock);
  if (!is_last) return;
  tlw_table_close(&table->table);
  pthread_mutex_lock(&r->lock);
  r->tables--;
  pthread_cond_broadcast(&r->released);
  pthread_mutex_unlock(&r->lock);
}

static void stop_using(render *r, render_table *table) {
  pthread_mutex_lock(&r->lock);
  const int is_last = --table->users == 0;
  pthread_mutex_unlock(&r->lock);
  if (!is_last) return;
  free(table->symbols);
  free(table->texts);
  free(table);
}

void render_table_leave(render *r, render_table *table) {
  stop_reading(r, table);
  stop_using(r, table);
}

void render_job_release(render_job *job) {
  if (job->table) stop_reading(job->run, job->table);
}

void render_job_free(render_job *job) {
  if (job->table) stop_using(job->run, job->table);
  free(job->charts);
  free(job->offsets);
  free(job->counts);
  free(job->title);
  free(job->lines);
  free(job);
}

void render_job_finish(render_job *job) {
  render *r = job->run;
  render_job_release(job);
  pthread_mutex_lock(&r->lock);
  if (job->in_use) --*job->in_use;
  pthread_cond_broadcast(&r->released);
  pthread_mutex_unlock(&r->lock);
  render_job_free(job);
}

void render_job_fail(render_job *job) {
  render *r = job->run;
  render_fail_input(r, job->input, cli_fail(CLI_NO_MEMORY, "%s: no memory for its charts", render_name(r, job->input)));
  cli_progress_settle(r->progress, job->input, job->share, job->n);
  render_job_finish(job);
}

render_job *render_job_make_one(render_job *job, int64_t i, double share) {
  render *r = job->run;
  render_job *one = render_job_make(r, job->input, 1, job->table);
  if (!one) {
    cli_progress_settle(r->progress, job->input, share, 1);
    return NULL;
  }
  one->charts[0] = job->charts[i];
  one->offsets[0] = job->offsets[i];
  one->counts[0] = job->counts[i];
  one->n = 1;
  one->share = share;
  one->in_use = job->in_use;
  pthread_mutex_lock(&r->lock);
  if (one->in_use) ++*one->in_use;
  pthread_mutex_unlock(&r->lock);
  return one;
}

void render_job_drop(render_job *job) {
  cli_progress_settle(job->run->progress, job->input, job->share, 0);
  render_job_release(job);
  render_job_free(job);
}

/* ---- the manifest ---- */

/* Columns in the order of the manifest, little-endian, some rows at a time. */
#define GATHERED 512

struct gather {
  tlw_digest *digest;
  uint64_t values[GATHERED];
  size_t n;
};

static void add_column(struct gather *g, const void *column, int64_t first, int64_t n) {
  const char *at = (const char *)column + (size_t)first * sizeof(uint64_t);
  for (int64_t done = 0; done < n;) {
    const size_t room = GATHERED - g->n, left = (size_t)(n - done), part = left < room ? left : room;
    memcpy(g->values + g->n, at + (size_t)done * sizeof(uint64_t), part * sizeof(uint64_t));
    for (size_t i = g->n; i < g->n + part; i++) g->values[i] = htole64(g->values[i]);
    g->n += part;
    done += (int64_t)part;
    if (g->n < GATHERED) continue;
    tlw_digest_add(g->digest, g->values, sizeof g->values);
    g->n = 0;
  }
}

static cli_exit digest_rows(render *r, const tlw_candles *c, int64_t first, int64_t n, uint8_t *out) {
  struct gather g;
  g.digest = r->digest;
  g.n = 0;
  if (c->time) add_column(&g, c->time, first, n);
  add_column(&g, c->open, first, n);
  add_column(&g, c->high, first, n);
  add_column(&g, c->low, first, n);
  add_column(&g, c->close, first, n);
  if (r->chart.volume && c->volume) add_column(&g, c->volume, first, n);
  for (int32_t i = 0; i < c->n_lines; i++) add_column(&g, c->lines[i], first, n);
  tlw_digest_add(r->digest, g.values, g.n * sizeof *g.values);
  tlw_error error;
  return tlw_digest_end(r->digest, out, &error) == TLW_OK ? CLI_OK : cli_fail_library(&error);
}

static cli_span span_of(const cli_buffer *buffer) { return (cli_span){buffer->bytes, buffer->length}; }

static cli_exit fail_memory(const render *r, int input) {
  return cli_fail(CLI_NO_MEMORY, "%s: no memory for the names of its charts", render_name(r, input));
}

static void make_name(const render *r, int input, const char *symbol, int64_t window, cli_buffer *name) {
  cli_buffer_clear(name);
  cli_targets_name(&r->targets, render_name(r, input), symbol, window, name);
  cli_buffer_add(name, "", 1);
}

static void make_identity(const render *r, int input, const render_chart *chart, const char *name, cli_buffer *out) {
  const cli_manifest_job job = {
      .name = name,
      .source = render_name(r, input),
      .symbol = chart->symbol,
      .window = chart->window,
      .rows = chart->rows,
      .lacks_times = r->lacks_times,
      .first = chart->first,
      .last = chart->last,
      .data = chart->data,
  };
  cli_buffer_clear(out);
  cli_manifest_identity(out, &job);
}

cli_exit render_note_chart(render *r, const render_job *job, const render_chart *chart, const tlw_piece *piece) {
  if (!r->journal) return CLI_OK;
  cli_buffer *name = &r->sink_result; /* whose place the result takes */
  make_name(r, job->input, chart->symbol, chart->window, name);
  if (name->failed) return fail_memory(r, job->input);
  make_identity(r, job->input, chart, name->bytes, &r->sink_identity);
  cli_buffer_clear(&r->sink_result);
  cli_manifest_drawn(&r->sink_result, r->chart_size, piece->width, piece->height, piece->file_digest,
                     piece->raster_digest);
  if (r->sink_identity.failed || r->sink_result.failed) return fail_memory(r, job->input);
  return cli_journal_add(r->journal, chart->ordinal, span_of(&r->sink_identity), span_of(&r->sink_result));
}

/* ---- failures ---- */

/* A failure that follows from the input is a line of the manifest; any other leaves the run incomplete. */
static cli_exit fail_job(render *r, int input, const render_chart *chart, const char *name, cli_exit code) {
  const int follows = code == CLI_DATA || code == CLI_NO_INPUT;
  if (follows && !cli_shard_has(&r->shard, chart->ordinal)) {
    cli_progress_chart(r->progress, CLI_CHART_ELSEWHERE, 1);
    return CLI_OK;
  }
  cli_buffer_add(&r->reason, "", 1);
  if (r->reason.failed) return fail_memory(r, input);
  render_fail_input(r, input, cli_fail(code, "%s", r->reason.bytes));
  cli_progress_chart(r->progress, CLI_CHART_FAILED, 1);
  if (!chart->symbol && chart->window < 0) cli_progress_file_refused(r->progress, r->reason.bytes);
  if (!follows || !r->journal) return CLI_OK;
  cli_buffer result = {0};
  make_identity(r, input, chart, name, &r->identity);
  cli_manifest_failed(&result, (int)code, r->reason.bytes);
  cli_exit added = r->identity.failed || result.failed ? fail_memory(r, input) : CLI_OK;
  if (!added) added = cli_journal_add(r->journal, chart->ordinal, span_of(&r->identity), span_of(&result));
  cli_buffer_free(&result);
  return added;
}

cli_exit render_fail_series(render *r, int input, const char *symbol, cli_exit code) {
  if (!symbol) return render_fail_file(r, input, code);
  const render_chart chart = {.ordinal = r->n_jobs++, .window = -1, .symbol = symbol};
  make_name(r, input, symbol, -1, &r->name);
  if (r->name.failed) return fail_memory(r, input);
  return fail_job(r, input, &chart, r->targets.numbered ? NULL : r->name.bytes, code);
}

cli_exit render_fail_file(render *r, int input, cli_exit code) {
  const render_chart chart = {.ordinal = r->n_jobs++, .window = -1};
  const int has_name = !r->targets.numbered && !r->targets.by_symbol;
  make_name(r, input, NULL, -1, &r->name);
  if (r->name.failed) return fail_memory(r, input);
  return fail_job(r, input, &chart, has_name ? r->name.bytes : NULL, code);
}

/* ---- charts ---- */

/* Takes the line of an earlier run over if the file is still that of then. 1; 0: it must be drawn; -1: *code. */
static int take_over(render *r, const render_chart *chart, cli_exit *code) {
  cli_manifest_entry entry;
  if (!cli_journal_find(r->journal, span_of(&r->identity), &entry) ||
      !cli_journal_check_file(r->path.bytes, entry.size, entry.sha256))
    return 0;
  *code = cli_journal_add(r->journal, chart->ordinal, span_of(&r->identity), entry.result);
  pthread_mutex_lock(&r->lock);
  r->found++;
  pthread_mutex_unlock(&r->lock);
  r->file_found++;
  cli_progress_chart(r->progress, CLI_CHART_FOUND, 1);
  return 1;
}

/* A log scale has no place for some prices. */
static int can_be_drawn(const render *r, const tlw_candles *candles, int64_t first, int64_t n, tlw_error *error) {
  if (r->chart.scale != TLW_SCALE_LOG) return 1;
  tlw_candles one = *candles;
  one.offsets = &first;
  one.counts = &n;
  one.n_series = 1;
  tlw_chart_options options = r->chart;
  if (!candles->volume) options.volume = 0;
  return tlw_chart_check(&one, &options, error) == TLW_OK;
}

/* People know a candle by its time, not by its row. */
static void explain_price(render *r, int input, const tlw_candles *candles, const tlw_error *error) {
  const char *what = strstr(error->message, ": ");
  cli_buffer_clear(&r->reason);
  cli_buffer_format(&r->reason, "%s: %s: ", render_name(r, input), r->name.bytes);
  if (error->code == TLW_ERR_DATA && error->row >= 0 && candles->time && what) {
    char time[CLI_TIME_SIZE];
    cli_time_text(candles->time[error->row], time);
    cli_buffer_format(&r->reason, "the candle of %s%s", time, what);
  } else {
    cli_buffer_format(&r->reason, "%s", error->message);
  }
}

static void append(render_job *job, const render_chart *chart, int64_t first) {
  job->charts[job->n] = *chart;
  job->offsets[job->n] = first;
  job->counts[job->n] = chart->rows;
  job->n++;
}

static cli_exit print_name(render *r, int input) {
  if (r->path.failed) return fail_memory(r, input);
  const char *name = strcmp(r->targets.out, "-") == 0 ? "-" : r->path.bytes;
  r->n_named++;
  return printf("%s\n", name) < 0 ? cli_fail_output("standard output", errno) : CLI_OK;
}

cli_exit render_add_chart(render_job *job, const tlw_candles *candles, int64_t first, int64_t n, const char *symbol,
                          int64_t window) {
  render *r = job->run;
  render_chart chart = {.ordinal = r->n_jobs++, .window = window, .rows = n, .symbol = symbol};
  cli_exit code = cli_interrupt_code();
  if (code) return code;
  if (!cli_shard_has(&r->shard, chart.ordinal)) {
    cli_progress_chart(r->progress, CLI_CHART_ELSEWHERE, 1);
    return CLI_OK;
  }
  r->file_own++;
  if ((r->journal || r->title_varies) && candles->time) {
    chart.first = candles->time[first];
    chart.last = candles->time[first + n - 1];
  }
  if (r->journal) {
    code = digest_rows(r, candles, first, n, chart.data);
    if (code) return code;
  }
  tlw_error error;
  const int is_drawable = can_be_drawn(r, candles, first, n, &error);
  if (is_drawable && !r->resume && !r->dry_run) { /* most charts: nothing needs their names yet */
    append(job, &chart, first);
    return CLI_OK;
  }
  make_name(r, job->input, symbol, window, &r->name);
  if (r->name.failed) return fail_memory(r, job->input);
  if (!is_drawable) {
    explain_price(r, job->input, candles, &error);
    return fail_job(r, job->input, &chart, r->name.bytes, cli_exit_of(error.code));
  }
  cli_buffer_clear(&r->path);
  cli_targets_path(&r->targets, r->name.bytes, r->name.length - 1, &r->path);
  make_identity(r, job->input, &chart, r->name.bytes, &r->identity);
  if (r->path.failed || r->identity.failed) return fail_memory(r, job->input);
  if (r->resume && take_over(r, &chart, &code)) return code;
  if (r->dry_run) return print_name(r, job->input);
  append(job, &chart, first);
  return CLI_OK;
}
