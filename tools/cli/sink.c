#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "render.h"
#include "report.h"

/* Whether something other than a file is in the place of one. */
static int is_taken(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

static int make_path(render *r, const render_job *job, const render_chart *chart) {
  cli_buffer *name = &r->sink_identity; /* not yet in use */
  cli_buffer_clear(name);
  cli_targets_name(&r->targets, render_name(r, job->input), chart->symbol, chart->window, name);
  cli_buffer_clear(&r->sink_path);
  if (!name->failed) cli_targets_path(&r->targets, name->bytes, name->length, &r->sink_path);
  return !name->failed && !r->sink_path.failed;
}

static cli_exit begin_chart(render *r, const render_job *job, const render_chart *chart) {
  r->chart_size = 0;
  r->output->error = 0; /* nothing was opened yet */
  pthread_mutex_lock(&r->lock);
  const cli_exit code = r->fatal ? r->fatal : r->refused == job->input ? r->codes[job->input] : CLI_OK;
  pthread_mutex_unlock(&r->lock);
  if (code) return code;
  if (!make_path(r, job, chart))
    return cli_fail(CLI_NO_MEMORY, "%s: no memory for the name of its chart", render_name(r, job->input));
  const char *path = r->sink_path.bytes;
  if (is_taken(path)) return cli_fail(CLI_CANT_CREATE, "%s: can't write: a device, pipe or socket has this name", path);
  const cli_exit opened = cli_output_open(r->output, r->targets.in_folder || path[0] != '-' ? path : r->targets.out);
  r->output_open = opened == CLI_OK;
  return opened;
}

static cli_exit write_bytes(render *r, const tlw_piece *piece) {
  r->chart_size += (int64_t)piece->size;
  return cli_output_write(r->output, piece->data, piece->size);
}

/* Once the end has been told, and with it how many charts are written, there are no more. */
static cli_exit close_output(render *r, cli_exit code) {
  if (!code) code = cli_output_flush(r->output); /* which may wait for ever */
  pthread_mutex_lock(&r->lock);
  if (!code && r->finished) code = CLI_STOPPED;
  if (r->output_open) code = cli_output_close(r->output, code);
  r->output_open = 0;
  r->images += !code;
  pthread_mutex_unlock(&r->lock);
  cli_telemetry_count(r->telemetry, CLI_COUNT_IMAGES, !code);
  return code;
}

static void tell(const render *r, const render_job *job, const render_chart *chart, const tlw_piece *piece) {
  char engines[RENDER_ENGINES_SIZE];
  render_engines_text(r, engines);
  cli_say("%s: %" PRId64 " %s, %dx%d, %s%s", r->sink_path.bytes, chart->rows, chart->rows == 1 ? "candle" : "candles",
          piece->width, piece->height, engines, job->no_volume ? ", no volume in the file" : "");
}

/* What no other file will escape either. */
static int hits_all(int error) { return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO; }

/* The charts of an input that can't be written are given up; or those of the run. */
static void refuse(render *r, int input, cli_exit code, int is_fatal) {
  pthread_mutex_lock(&r->lock);
  const int is_news = r->refused != input && !r->fatal;
  pthread_mutex_unlock(&r->lock);
  if (is_news) render_fail_input(r, input, code);
  pthread_mutex_lock(&r->lock);
  r->refused = input;
  if (is_fatal && !r->fatal) r->fatal = code;
  pthread_mutex_unlock(&r->lock);
}

/* Once its charts are done who releases the job may free it. */
static void count_chart(render *r, render_job *job, int is_written) {
  const int input = job->input;
  const double share = job->share / (double)job->n;
  pthread_mutex_lock(&r->lock);
  const int done = ++job->done == job->n;
  if (done) {
    r->jobs = job->next;
    if (!r->jobs) r->last_job = NULL;
  }
  const int unused = done && job->released;
  pthread_mutex_unlock(&r->lock);
  if (is_written) cli_progress_chart(r->progress, CLI_CHART_WRITTEN, 1);
  cli_progress_settle(r->progress, input, share, 1);
  if (unused) render_job_free(job);
}

static void end_chart(render *r, render_job *job, const render_chart *chart, const tlw_piece *piece) {
  cli_exit code = close_output(r, r->chart_code);
  const int error = r->chart_code || code ? r->output->error : 0;
  int is_fatal = hits_all(error);
  if (!code) {
    code = render_note_chart(r, job, chart, piece);
    is_fatal = code != CLI_OK;
  }
  if (code)
    refuse(r, job->input, code, is_fatal);
  else if (r->verbose && !r->targets.numbered)
    tell(r, job, chart, piece);
  count_chart(r, job, !code);
}

/* A file that can't be written is a failure of its input alone, unless no other could be. */
tlw_status render_sink(void *user, const tlw_piece *piece, tlw_error *error) {
  render *r = user;
  render_job *job = piece->user;
  const render_chart *chart = &job->charts[job->done];
  const int64_t begun = cli_telemetry_now(r->telemetry);
  if (piece->first) r->chart_code = begin_chart(r, job, chart);
  if (!r->chart_code) r->chart_code = write_bytes(r, piece);
  if (piece->last) end_chart(r, job, chart, piece);
  const cli_stage stage = {.track = CLI_TRACK_WRITER,
                           .name = "write",
                           .begun = begun,
                           .items = piece->last,
                           .bytes = piece->size,
                           .is_short = 1};
  cli_telemetry_stage(r->telemetry, &stage);
  if (!r->fatal) return TLW_OK;
  error->code = TLW_ERR_IO;
  snprintf(error->message, sizeof error->message, "%s: can't write", r->sink_path.bytes);
  return TLW_ERR_IO;
}

void render_release(void *user) {
  render_job *job = user;
  render *r = job->run;
  render_job_release(job);
  pthread_mutex_lock(&r->lock);
  if (job->in_use) --*job->in_use;
  job->released = 1;
  const int unused = job->done == job->n;
  pthread_cond_broadcast(&r->released);
  pthread_mutex_unlock(&r->lock);
  if (unused) render_job_free(job);
}
