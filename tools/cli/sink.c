#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "render.h"
#include "report.h"

/* Whether something other than a file is in the place of one. */
static int is_taken(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* Nothing may be opened any more once the run is finished: nobody would take it back. */
static cli_exit open_output(render *r) {
  pthread_mutex_lock(&r->lock);
  const cli_exit code = r->finished ? CLI_INTERRUPTED : cli_output_open(r->output, r->path);
  r->output_open = code == CLI_OK;
  pthread_mutex_unlock(&r->lock);
  return code;
}

static cli_exit begin_chart(render *r, const render_job *job) {
  pthread_mutex_lock(&r->lock);
  const cli_exit code = r->refused == job->input ? r->codes[job->input] : CLI_OK;
  pthread_mutex_unlock(&r->lock);
  if (code) return code;
  const char *input = render_name(r, job->input);
  r->path = cli_targets_path(&r->targets, input, job->window);
  if (!r->path) return cli_fail(CLI_NO_MEMORY, "%s: no memory for the name of its chart", input);
  if (is_taken(r->path))
    return cli_fail(CLI_CANT_CREATE, "%s: can't write: a device, pipe or socket has this name", r->path);
  return open_output(r);
}

/* Standard output may be a pipe that nobody reads. */
static cli_exit write_bytes(render *r, const void *bytes, size_t size) {
  const int waits = r->output->path == NULL;
  cli_exit code = waits ? cli_interrupt_wait_begin() : CLI_OK;
  if (code) return code;
  code = bytes ? cli_output_write(r->output, bytes, size) : cli_output_flush(r->output);
  if (waits) cli_interrupt_wait_end();
  return code;
}

static cli_exit close_output(render *r, cli_exit code) {
  if (!code) code = write_bytes(r, NULL, 0);
  pthread_mutex_lock(&r->lock);
  if (r->output_open && !r->finished) {
    code = cli_output_close(r->output, code);
    r->output_open = 0;
  }
  r->images += code == CLI_OK;
  pthread_mutex_unlock(&r->lock);
  return code;
}

static void tell(const render *r, const render_job *job, const tlw_piece *piece) {
  tlw_device device;
  if (tlw_engine_describe(r->engines[0], &device, NULL) != TLW_OK) return;
  char others[48] = "";
  if (r->n_engines > 1) snprintf(others, sizeof others, " on %zu devices", r->n_engines);
  cli_say("%s: %" PRId64 " %s, %dx%d, %s (%s)%s%s", r->path, job->candles, job->candles == 1 ? "candle" : "candles",
          piece->width, piece->height, tlw_backend_name(device.backend), device.driver, others,
          job->no_volume ? ", no volume in the file" : "");
}

static void refuse(render *r, int input, cli_exit code) {
  render_fail_input(r, input, code);
  pthread_mutex_lock(&r->lock);
  r->refused = input;
  pthread_mutex_unlock(&r->lock);
}

static void count_chart(render *r, render_job *job) {
  pthread_mutex_lock(&r->lock);
  job->window++;
  const int done = --job->left == 0;
  if (done) {
    r->jobs = job->next;
    if (!r->jobs) r->last_job = NULL;
  }
  const int unused = done && job->released;
  pthread_mutex_unlock(&r->lock);
  if (unused) free(job);
}

static void end_chart(render *r, render_job *job, const tlw_piece *piece) {
  const cli_exit code = close_output(r, r->chart_code);
  if (code)
    refuse(r, job->input, code);
  else if (r->verbose)
    tell(r, job, piece);
  free(r->path);
  r->path = NULL;
  count_chart(r, job);
}

/* A file that can't be written is a failure of its input alone. */
tlw_status render_sink(void *user, const tlw_piece *piece, tlw_error *error) {
  (void)error;
  render *r = user;
  render_job *job = piece->user;
  if (piece->first) r->chart_code = begin_chart(r, job);
  if (!r->chart_code) r->chart_code = write_bytes(r, piece->data, piece->size);
  if (piece->last) end_chart(r, job, piece);
  return TLW_OK;
}

void render_release(void *user) {
  render_job *job = user;
  render *r = job->run;
  const int has_table = job->table != NULL;
  tlw_table_close(&job->table);
  pthread_mutex_lock(&r->lock);
  r->tables -= has_table;
  if (job->in_use) *job->in_use = 0;
  job->released = 1;
  const int unused = job->left == 0;
  pthread_cond_broadcast(&r->released);
  pthread_mutex_unlock(&r->lock);
  if (unused) free(job);
}
