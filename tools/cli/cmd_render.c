#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "render.h"
#include "report.h"

#define SEE_HELP "; try 'tallow render --help'"

static int is_same_file(const char *a, const char *b) {
  struct stat one, other;
  if (strcmp(a, b) == 0) return 1;
  return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino &&
         S_ISREG(one.st_mode);
}

/* What is written beside the charts must not take the place of an input or a chart. */
static cli_exit check_reports(const render *r) {
  const cli_value *stats = render_value(r, RENDER_STATS), *log = render_value(r, RENDER_ALLOC_LOG);
  const cli_value *const reports[] = {stats, log};
  const char *const names[] = {"--stats", "--alloc-log"};
  for (int i = 0; i < 2; i++) {
    if (!reports[i]->given) continue;
    const char *text = reports[i]->text;
    if (is_same_file(text, render_value(r, RENDER_OUTPUT)->text))
      return cli_fail(CLI_USAGE, "%s and --output name the same file, %s" SEE_HELP, names[i], text);
    for (int k = 0; k < r->args->n_operands; k++)
      if (is_same_file(text, r->args->operands[k]))
        return cli_fail(CLI_USAGE, "%s %s would replace the FILE %s" SEE_HELP, names[i], text, r->args->operands[k]);
  }
  if (stats->given && log->given && is_same_file(stats->text, log->text))
    return cli_fail(CLI_USAGE, "--stats and --alloc-log name the same file, %s" SEE_HELP, stats->text);
  return CLI_OK;
}

static cli_exit check_options(const render *r) {
  if (r->verbose && r->quiet) return cli_fail(CLI_USAGE, "--verbose and --quiet exclude each other" SEE_HELP);
  const cli_value *from = render_value(r, RENDER_FROM), *to = render_value(r, RENDER_TO);
  if (from->given && to->given && from->time >= to->time)
    return cli_fail(CLI_USAGE, "--from %s must lie before --to %s" SEE_HELP, from->text, to->text);
  const uint64_t backend = render_value(r, RENDER_BACKEND)->number;
  if (render_value(r, RENDER_DEVICE)->given && backend != TLW_BACKEND_OPENCL && backend != TLW_BACKEND_CUDA)
    return cli_fail(CLI_USAGE, "--device needs --backend opencl or --backend cuda" SEE_HELP);
  const int windows = render_value(r, RENDER_WINDOW)->given;
  if (render_value(r, RENDER_STRIDE)->given && !windows) return cli_fail(CLI_USAGE, "--stride needs --window" SEE_HELP);
  if (render_value(r, RENDER_LAST)->given && windows)
    return cli_fail(CLI_USAGE, "--last and --window exclude each other: use --from" SEE_HELP);
  const cli_value *stats = render_value(r, RENDER_STATS);
  if (stats->given && strcmp(stats->text, "-") == 0)
    return cli_fail(CLI_USAGE, "--stats needs the name of a file, not -" SEE_HELP);
  return check_reports(r);
}

static void set_chart_options(render *r) {
  tlw_chart_options_init(&r->chart);
  r->chart.width = render_value(r, RENDER_SIZE)->width;
  r->chart.height = render_value(r, RENDER_SIZE)->height;
  r->chart.theme = (tlw_theme)render_value(r, RENDER_THEME)->number;
  r->chart.axis = (tlw_axis)render_value(r, RENDER_AXIS)->number;
  r->chart.volume = render_value(r, RENDER_VOLUME)->number == SWITCH_ON;
  r->chart.grid = render_value(r, RENDER_GRID)->number == SWITCH_ON;
}

/* ---- the stream ---- */

static cli_exit open_stream(render *r) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  options.sink = render_sink;
  options.sink_user = r;
  tlw_stream *stream;
  tlw_error error;
  if (tlw_stream_open(&stream, r->engines, r->n_engines, &options, &error) != TLW_OK)
    return render_fail_library(r, NULL, &error, 0);
  pthread_mutex_lock(&r->stream_lock);
  r->stream = stream;
  pthread_mutex_unlock(&r->stream_lock);
  r->pushed = 0;
  return cli_interrupt_code(); /* one that came before could not cancel it */
}

static void close_stream(render *r) {
  pthread_mutex_lock(&r->stream_lock);
  tlw_stream *stream = r->stream;
  r->stream = NULL;
  pthread_mutex_unlock(&r->stream_lock);
  tlw_stream_close(&stream);
}

/* ---- inputs ---- */

void render_fail_input(render *r, int input, cli_exit code) {
  pthread_mutex_lock(&r->lock);
  if (!r->codes[input]) r->codes[input] = code;
  pthread_mutex_unlock(&r->lock);
}

static cli_exit first_failure(const render *r) {
  for (int i = 0; i < r->args->n_operands; i++)
    if (r->codes[i]) return r->codes[i];
  return CLI_OK;
}

render_job *render_job_make(render *r, int input, int64_t n) {
  render_job *job = calloc(1, sizeof *job);
  if (job) {
    *job = (render_job){.run = r, .input = input, .left = n};
    return job;
  }
  render_fail_input(r, input, cli_fail(CLI_NO_MEMORY, "%s: no memory for its charts", render_name(r, input)));
  return NULL;
}

/* Says which input the stream failed at, and which ones are left. */
static cli_exit fail_stream(render *r, const tlw_error *error) {
  tlw_stream_finish(r->stream, NULL); /* charts before the one that failed are still written */
  close_stream(r);
  cli_exit code = cli_interrupt_code();
  if (code) return code;
  const int n = r->args->n_operands, input = r->jobs ? r->jobs->input : -1;
  code = render_fail_library(r, input < 0 ? NULL : render_name(r, input), error, 0);
  if (input >= 0) render_fail_input(r, input, code);
  int left = 0;
  for (int i = input + 1; i < n; i++) left += !r->codes[i];
  const char *why = error->code == TLW_ERR_DEVICE_LOST ? ", for the device is lost" : "";
  if (left > 0) cli_say("%d of %d files were not tried%s: run the command again for them", left, n, why);
  return code;
}

cli_exit render_push(render *r, render_job *job, const tlw_candles *candles) {
  tlw_chart_options chart = r->chart;
  if (!candles->volume) chart.volume = 0;
  job->no_volume = chart.volume != r->chart.volume;
  pthread_mutex_lock(&r->lock);
  if (r->last_job)
    r->last_job->next = job;
  else
    r->jobs = job;
  r->last_job = job;
  r->tables += job->table != NULL;
  pthread_mutex_unlock(&r->lock);
  r->pushed = 1;
  tlw_error error;
  if (tlw_stream_push(r->stream, candles, &chart, render_release, job, &error) == TLW_OK) return CLI_OK;
  return fail_stream(r, &error);
}

cli_exit render_drain(render *r) {
  tlw_error error;
  return tlw_stream_finish(r->stream, &error) == TLW_OK ? CLI_OK : fail_stream(r, &error);
}

cli_exit render_restart(render *r) {
  if (!r->pushed) return CLI_OK;
  const cli_exit code = render_drain(r);
  if (code) return code;
  close_stream(r);
  return open_stream(r);
}

/* ---- the run ---- */

/* On the thread for signals. */
static void stop(void *user) {
  render *r = user;
  pthread_mutex_lock(&r->stream_lock);
  tlw_stream_cancel(r->stream);
  pthread_mutex_unlock(&r->stream_lock);
}

/* Takes back the file that is not complete and writes --stats. Any thread, also while the others go on. */
static cli_exit finish(render *r, cli_exit code) {
  pthread_mutex_lock(&r->lock);
  cli_exit written = CLI_OK;
  if (!r->finished) {
    if (r->output_open && r->output->temporary) unlink(r->output->temporary);
    written = render_stats_write(r, code);
  }
  r->finished = 1;
  pthread_mutex_unlock(&r->lock);
  return code ? code : written;
}

static void leave(void *user, cli_exit code) { finish(user, code); }

static cli_exit push_files(render *r) {
  cli_exit code = CLI_OK;
  for (int i = 0; i < r->args->n_operands && !code; i++) {
    code = cli_interrupt_code();
    if (!code) code = render_file(r, i);
  }
  return code ? code : render_drain(r);
}

static cli_exit push_windows(render *r, render_windows *windows) {
  cli_exit code = CLI_OK;
  for (int i = 0; i < r->args->n_operands && !code; i++) {
    code = cli_interrupt_code();
    if (!code) code = render_windows_file(windows, i);
  }
  return code ? code : render_drain(r);
}

static cli_exit draw(render *r) {
  render_windows *windows = NULL;
  cli_exit code = render_engines_open(r);
  if (!code && r->targets.numbered) code = render_windows_open(&windows, r);
  if (!code) code = cli_targets_make_folder(&r->targets);
  if (!code) code = open_stream(r);
  if (!code) code = windows ? push_windows(r, windows) : push_files(r);
  close_stream(r);
  render_windows_close(&windows);
  return code;
}

/* What the stream has left behind where it failed. */
static void discard(render *r) {
  if (r->output_open) cli_output_close(r->output, CLI_INTERRUPTED);
  free(r->path);
  for (render_job *next, *job = r->jobs; job; job = next) {
    next = job->next;
    tlw_table_close(&job->table);
    free(job);
  }
}

/* Everything between two signals' handling: what it ends with if none comes. */
static cli_exit run(render *r) {
  cli_exit code = draw(r);
  const cli_exit first = first_failure(r), interrupted = cli_interrupt_code();
  if (first) code = first;
  if (interrupted) code = interrupted;
  code = finish(r, code);
  discard(r);
  render_engines_close(r);
  return code;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static cli_exit run_interruptibly(render *r) {
  const cli_interrupt_actions actions = {.stop = stop, .leave = leave, .user = r};
  cli_exit code = cli_interrupt_begin(&actions);
  if (code) return code;
  code = run(r);
  const cli_exit interrupted = cli_interrupt_end();
  return interrupted ? interrupted : code;
}

cli_exit cli_run_render(const cli_args *args) {
  render r = {
      .args = args,
      .verbose = args->values[RENDER_VERBOSE].given,
      .quiet = args->values[RENDER_QUIET].given,
      .started = now(),
      .stream_lock = PTHREAD_MUTEX_INITIALIZER,
      .lock = PTHREAD_MUTEX_INITIALIZER,
      .released = PTHREAD_COND_INITIALIZER,
      .refused = -1,
  };
  cli_exit code = check_options(&r);
  const int windows = args->values[RENDER_WINDOW].given;
  if (!code)
    code = cli_targets_plan(&r.targets, args->values[RENDER_OUTPUT].text, windows, args->n_operands, args->operands);
  if (code) return code;
  set_chart_options(&r);
  if (windows) render_windows_plan(&r);
  r.output = malloc(sizeof *r.output);
  r.codes = calloc((size_t)args->n_operands, sizeof *r.codes);
  code =
      r.output && r.codes ? run_interruptibly(&r) : cli_fail(CLI_NO_MEMORY, "no memory for %d files", args->n_operands);
  free(r.codes);
  free(r.output);
  return code;
}
