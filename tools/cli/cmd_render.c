#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv_options.h"
#include "interrupt.h"
#include "render.h"
#include "report.h"
#include "spec.h"
#include "title.h"
#include "zone_names.h"

#define SEE_HELP "; try 'tallow render --help'"

/* The output must not take the place of what it is made of. */
static cli_exit check_output(const render *r) {
  const char *text = r->targets.out, *spec = render_value(r, RENDER_SPEC)->text;
  if (r->targets.in_folder || strcmp(text, "-") == 0) return CLI_OK;
  for (int i = 0; i < r->args->n_operands; i++)
    if (cli_is_same_file(text, r->args->operands[i]))
      return cli_fail(CLI_USAGE, "--output %s would replace the FILE %s" SEE_HELP, text, r->args->operands[i]);
  if (spec && cli_is_same_file(text, spec))
    return cli_fail(CLI_USAGE, "--output and --spec name the same file, %s" SEE_HELP, text);
  return CLI_OK;
}

/* What is wrong with a setting: of a description its place is told. other: what it does not go with, or the same. */
static cli_exit refuse(const cli_value *setting, const cli_value *other, const char *wrong) {
  const char *place = setting->place ? setting->place : other->place;
  if (!place) return cli_fail(CLI_USAGE, "%s" SEE_HELP, wrong);
  return cli_fail(setting->place && other->place ? CLI_DATA : CLI_USAGE, "%s: %s", place, wrong);
}

/* Settings that do not go together, typed or from --spec. */
static cli_exit check_settings(const render *r) {
  const cli_value *from = render_value(r, RENDER_FROM), *to = render_value(r, RENDER_TO);
  const cli_value *window = render_value(r, RENDER_WINDOW), *last = render_value(r, RENDER_LAST);
  const cli_value *stride = render_value(r, RENDER_STRIDE), *margins = render_value(r, RENDER_MARGINS);
  tlw_chart_layout layout;
  tlw_error error;
  char wrong[256];
  if (from->given && to->given && from->time >= to->time) {
    snprintf(wrong, sizeof wrong, "--from %.96s must lie before --to %.96s", from->text, to->text);
    return refuse(to, from, wrong);
  }
  if (stride->given && !window->given) return refuse(stride, stride, "--stride needs --window");
  if (last->given && window->given) return refuse(window, last, "--last and --window exclude each other: use --from");
  if (tlw_chart_layout_of(&r->chart, &layout, &error) != TLW_OK) return refuse(margins, margins, error.message);
  return CLI_OK;
}

/* What can't be had of files without times. */
static cli_exit check_times(const render *r) {
  const cli_value *title = render_value(r, RENDER_TITLE), *axis = render_value(r, RENDER_AXIS);
  const struct {
    const cli_value *value;
    int needs_times;
    const char *wrong;
  } settings[] = {
      {render_value(r, RENDER_FROM), render_value(r, RENDER_FROM)->given,
       "--from needs times: --columns has time=none"},
      {render_value(r, RENDER_TO), render_value(r, RENDER_TO)->given, "--to needs times: --columns has time=none"},
      {axis, axis->number == TLW_AXIS_TIME, "--axis time needs times: --columns has time=none"},
      {title, title->given && cli_title_has_times(title->text),
       "{first} and {last} of --title need times: --columns has time=none"},
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings && r->lacks_times; i++)
    if (settings[i].needs_times) return refuse(settings[i].value, settings[i].value, settings[i].wrong);
  return CLI_OK;
}

static cli_exit check_options(const render *r) {
  if (r->verbose && r->quiet) return cli_fail(CLI_USAGE, "--verbose and --quiet exclude each other" SEE_HELP);
  const uint64_t backend = render_value(r, RENDER_BACKEND)->number;
  if (render_value(r, RENDER_DEVICE)->given && backend != TLW_BACKEND_OPENCL && backend != TLW_BACKEND_CUDA)
    return cli_fail(CLI_USAGE, "--device needs --backend opencl or --backend cuda" SEE_HELP);
  if (strcmp(render_value(r, RENDER_OUTPUT)->text, "-") == 0 && !r->dry_run && isatty(STDOUT_FILENO))
    return cli_fail(CLI_USAGE, "--output -: standard output is a terminal: send it to a file, or name one" SEE_HELP);
  return cli_telemetry_check(r->args);
}

/* Only one of them can be standard input. */
static cli_exit check_spec(const render *r) {
  const char *spec = render_value(r, RENDER_SPEC)->text;
  for (int i = 0; spec && strcmp(spec, "-") == 0 && i < r->args->n_operands; i++)
    if (strcmp(r->args->operands[i], "-") == 0)
      return cli_fail(CLI_USAGE, "--spec - and the FILE - can't both be standard input" SEE_HELP);
  return CLI_OK;
}

/* What the run would make of this path; NULL: nothing. */
static const char *written_as(render *r, const char *path) {
  char *entry = strcmp(path, "-") == 0 ? NULL : cli_targets_entry(&r->targets, path);
  const char *what = NULL;
  if (entry && r->wants_manifest && cli_journal_replaces(&r->targets, &r->shard, entry)) what = "manifest";
  if (entry && cli_targets_has(&r->targets, entry, r->args->n_operands, r->args->operands)) what = "chart";
  free(entry);
  return what;
}

/* Nor must the file of an option have the name of what is written. */
static cli_exit check_name(render *r, int option) {
  const char *text = render_value(r, option)->text, *what = text ? written_as(r, text) : NULL;
  if (!what) return CLI_OK;
  return cli_fail(CLI_USAGE, "--%s %s has the name of a %s of the run" SEE_HELP, r->args->command->options[option].name,
                  text, what);
}

/* A run into the folder of its inputs must not take what it has written there before for one of them. */
static cli_exit check_inputs(render *r) {
  for (int i = 0; i < r->args->n_operands; i++) {
    const char *what = written_as(r, render_name(r, i));
    if (what)
      return cli_fail(CLI_USAGE,
                      "the FILE %s is a %s that the run would replace: leave it out, or use another folder" SEE_HELP,
                      render_name(r, i), what);
  }
  cli_exit code = check_name(r, RENDER_SPEC);
  for (int i = 0, option; (option = cli_telemetry_option(r->args, i)) >= 0 && !code; i++) code = check_name(r, option);
  return code;
}

static const char *find_variable(void *user, const char *name) {
  (void)user;
  return getenv(name);
}

/* What is written down of the run, and which part of it this is. */
static cli_exit plan_run(render *r) {
  const cli_value *manifest = render_value(r, RENDER_MANIFEST), *shard = render_value(r, RENDER_SHARD);
  const int is_off = manifest->given && manifest->number == SWITCH_OFF;
  char reason[512];
  r->wants_manifest = manifest->given ? !is_off : r->targets.in_folder;
  if (shard->given && !cli_shard_parse(shard->text, find_variable, NULL, &r->shard, reason, sizeof reason))
    return cli_fail(CLI_USAGE, "%s" SEE_HELP, reason);
  if (shard->given && reason[0] && !r->quiet) cli_say("%s", reason);
  if (shard->given && !r->targets.in_folder)
    return cli_fail(CLI_USAGE, "--shard needs a folder: --output %s is a file" SEE_HELP, r->targets.out);
  if ((shard->given || r->resume) && is_off)
    return cli_fail(CLI_USAGE, "--%s needs the manifest: leave out --manifest off" SEE_HELP,
                    r->resume ? "resume" : "shard");
  if (r->resume && !r->wants_manifest)
    return cli_fail(CLI_USAGE, "--resume needs --manifest on where --output is a file" SEE_HELP);
  if (r->wants_manifest && strcmp(r->targets.out, "-") == 0)
    return cli_fail(CLI_USAGE, "--manifest on needs a folder or a file, not --output -" SEE_HELP);
  return CLI_OK;
}

/* What has no manifest by its own choice must not fail for the want of libcrypto. */
static cli_exit open_digest(render *r) {
  tlw_error error;
  if (!r->wants_manifest || tlw_digest_open(&r->digest, &error) == TLW_OK) return CLI_OK;
  const int is_asked = render_value(r, RENDER_MANIFEST)->given || r->resume || r->shard.count > 0;
  if (is_asked || error.code != TLW_ERR_UNAVAILABLE) return cli_fail_library(&error);
  r->wants_manifest = 0;
  if (!r->quiet) cli_warn("there will be no manifest: %s", error.message);
  return CLI_OK;
}

cli_exit render_plan_chart(render *r) {
  tlw_chart_options_init(&r->chart);
  r->chart.width = render_value(r, RENDER_SIZE)->width;
  r->chart.height = render_value(r, RENDER_SIZE)->height;
  r->chart.theme = (tlw_theme)render_value(r, RENDER_THEME)->number;
  r->chart.axis = (tlw_axis)render_value(r, RENDER_AXIS)->number;
  r->chart.scale = (tlw_scale)render_value(r, RENDER_SCALE)->number;
  r->chart.volume = render_value(r, RENDER_VOLUME)->number == SWITCH_ON;
  r->chart.grid = render_value(r, RENDER_GRID)->number == SWITCH_ON;
  int32_t *const margins[] = {[MARGIN_LEFT] = &r->chart.margin_left,
                              [MARGIN_TOP] = &r->chart.margin_top,
                              [MARGIN_RIGHT] = &r->chart.margin_right,
                              [MARGIN_BOTTOM] = &r->chart.margin_bottom};
  for (int i = 0; i <= MARGIN_BOTTOM; i++) {
    const cli_part *side = &render_value(r, RENDER_MARGINS)->parts[i];
    *margins[i] = side->given ? (int32_t)side->number : TLW_MARGIN_AUTO;
  }
  cli_exit code = render_texts_plan(r);
  if (!code) code = render_lines_plan(r);
  return code ? code : check_settings(r);
}

/* ---- the stream ---- */

static cli_exit open_stream(render *r) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  options.coding = (tlw_png_coding)render_value(r, RENDER_PNG)->number;
  options.sink = render_sink;
  options.sink_user = r;
  options.digest = r->journal != NULL;
  tlw_stream *stream;
  tlw_error error;
  if (tlw_stream_open(&stream, r->engines, r->n_engines, &options, &error) != TLW_OK)
    return render_fail_library(r, NULL, &error, 0);
  pthread_mutex_lock(&r->stream_lock);
  r->stream = stream;
  pthread_mutex_unlock(&r->stream_lock);
  r->pushed = 0;
  r->drawing = 1;
  return cli_interrupt_code(); /* one that came before could not stop it */
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
  if (code != CLI_DATA && code != CLI_NO_INPUT) r->incomplete = 1;
  pthread_mutex_unlock(&r->lock);
}

static cli_exit first_failure(const render *r) {
  for (int i = 0; i < r->args->n_operands; i++)
    if (r->codes[i]) return r->codes[i];
  return CLI_OK;
}

/* Says which input the stream failed at, and which ones are left. */
static cli_exit fail_stream(render *r, const tlw_error *error) {
  tlw_stream_finish(r->stream, NULL); /* charts before the one that failed are still written */
  close_stream(r);
  r->incomplete = 1;
  cli_exit code = cli_interrupt_code();
  if (code) return code;
  const int n = r->args->n_operands;
  const int input = r->fatal ? r->refused : r->jobs ? r->jobs->input : -1;
  code = r->fatal ? r->fatal : render_fail_library(r, input < 0 ? NULL : render_name(r, input), error, 0);
  if (input >= 0) render_fail_input(r, input, code);
  int left = 0;
  for (int i = input + 1; i < n; i++) left += !r->codes[i];
  const char *why = error->code == TLW_ERR_DEVICE_LOST ? ", for the device is lost" : "";
  if (left > 0) cli_say("%d of %d files were not %s%s", left, n, r->fatal ? "finished" : "tried", why);
  return code;
}

/* What the chart options of a push point to lives as long as its job. 0: there is no memory. */
static int set_texts(const render *r, render_job *job, tlw_chart_options *chart) {
  if (r->title_varies) chart->title = job->title = render_make_title(job->run, job->input, &job->charts[0]);
  if (r->names_vary) chart->lines = job->lines = render_lines_copy(r);
  return (!r->title_varies || job->title) && (!r->names_vary || job->lines);
}

static cli_exit push(render *r, render_job *job, const tlw_candles *candles) {
  tlw_chart_options chart = r->chart;
  if (!candles->volume) chart.volume = 0;
  job->no_volume = chart.volume != r->chart.volume;
  if (!set_texts(r, job, &chart)) {
    render_job_fail(job);
    return CLI_OK;
  }
  render_check_room(r, &chart);
  tlw_candles batch = *candles;
  batch.offsets = job->offsets;
  batch.counts = job->counts;
  batch.n_series = job->n;
  pthread_mutex_lock(&r->lock);
  if (r->last_job)
    r->last_job->next = job;
  else
    r->jobs = job;
  r->last_job = job;
  pthread_mutex_unlock(&r->lock);
  r->pushed = 1;
  tlw_error error;
  const cli_stage stage = {
      .name = "push", .file = render_name(r, job->input), .begun = cli_telemetry_now(r->telemetry), .items = job->n};
  const tlw_status status = tlw_stream_push(r->stream, &batch, &chart, render_release, job, &error);
  cli_telemetry_stage(r->telemetry, &stage);
  return status == TLW_OK ? CLI_OK : fail_stream(r, &error);
}

/* One push for each chart of the job, for it has a title of its own. */
static cli_exit push_each(render *r, render_job *job, const tlw_candles *candles) {
  cli_exit code = CLI_OK;
  const double share = job->share / (double)job->n;
  job->share = 0;
  for (int64_t i = 0; i < job->n && !code; i++) {
    render_job *one = render_job_make_one(job, i, share);
    if (one) code = push(r, one, candles);
  }
  render_job_finish(job);
  return code;
}

cli_exit render_push(render *r, render_job *job, const tlw_candles *candles) {
  if (r->title_varies && job->n > 1) return push_each(r, job, candles);
  if (job->n > 0) return push(r, job, candles);
  render_job_drop(job);
  return CLI_OK;
}

cli_exit render_drain(render *r) {
  if (!r->stream) return CLI_OK;
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

static cli_exit push_files(render *r, render_windows *windows) {
  cli_exit code = CLI_OK;
  for (int i = 0; i < r->args->n_operands && !code; i++) {
    code = cli_interrupt_code();
    if (!code) code = windows ? render_windows_file(windows, i) : render_file(r, i);
  }
  return code ? code : render_drain(r);
}

static cli_exit open_journal(render *r) {
  if (!r->wants_manifest || (r->dry_run && !r->resume)) return CLI_OK;
  char zones[CLI_ZONE_VERSION_SIZE];
  const int is_utc = strcmp(render_value(r, RENDER_TIMEZONE)->text, "UTC") == 0;
  cli_manifest_header(&r->header, r->args, is_utc ? NULL : cli_zone_version(zones));
  if (r->header.failed) return cli_fail(CLI_NO_MEMORY, "no memory for the manifest");
  const cli_journal_options options = {
      .targets = &r->targets,
      .header = {r->header.bytes, r->header.length},
      .shard = r->shard,
      .resume = r->resume,
      .dry_run = r->dry_run,
      .quiet = r->quiet,
  };
  return cli_journal_open(&r->journal, &options);
}

static cli_exit draw(render *r) {
  render_windows *windows = NULL;
  cli_exit code = open_digest(r);
  if (!code && !r->dry_run) code = render_engines_open(r);
  if (!code && r->streams_windows) code = render_windows_open(&windows, r);
  if (!code && !r->dry_run) code = cli_targets_make_folder(&r->targets);
  if (!code) code = open_journal(r);
  if (!code && !r->dry_run) code = open_stream(r);
  if (!code) code = push_files(r, windows);
  if (code == CLI_STOPPED && r->stream) tlw_stream_finish(r->stream, NULL); /* what is in flight is still written */
  close_stream(r);
  render_windows_close(&windows);
  return code;
}

/* The manifest is that of all jobs, or there is none yet. */
static cli_exit end_journal(render *r, cli_exit code) {
  if (!r->journal || code || r->incomplete) return code;
  return cli_journal_finish(r->journal, r->n_jobs);
}

static void tell_stopped(const render *r, int64_t n) {
  if (r->dry_run)
    cli_say("stopped by %s", cli_interrupt_name());
  else
    cli_say("stopped by %s: %" PRId64 " %s written; run the same command %s to go on", cli_interrupt_name(), n,
            n == 1 ? "chart is" : "charts are", r->wants_manifest ? "with --resume" : "again");
}

/* What a run that failed has done, where another may go on from it. */
static void tell_failed(const render *r, cli_exit code) {
  const int64_t n = r->images + r->found;
  const int helps = n > 0 || code != CLI_NO_MEMORY;
  if (r->drawing && r->targets.in_folder && helps)
    cli_say("%" PRId64 " %s written; run the same command %s to go on", n, n == 1 ? "chart is" : "charts are",
            r->wants_manifest ? "with --resume" : "again");
}

/* Tells the end once: either the command's own or that by a signal, which comes on another thread. 0: it was told. */
static int finish(render *r, cli_exit *code) {
  pthread_mutex_lock(&r->lock);
  const int is_first = !r->finished;
  const int64_t n = r->images + r->found;
  r->finished = 1;
  pthread_mutex_unlock(&r->lock);
  if (!is_first) return 0;
  if (*code == CLI_STOPPED) tell_stopped(r, n);
  *code = cli_telemetry_end(r->telemetry, *code);
  return 1;
}

/* What the stream has left behind where it failed. */
static void discard(render *r) {
  if (r->output_open) cli_output_close(r->output, CLI_STOPPED);
  for (render_job *next, *job = r->jobs; job; job = next) {
    next = job->next;
    if (!job->released) render_job_release(job);
    render_job_free(job);
  }
  cli_names_free(&r->names);
  tlw_digest_close(&r->digest);
  cli_buffer *const buffers[] = {&r->header, &r->identity,  &r->name,          &r->path,
                                 &r->reason, &r->sink_path, &r->sink_identity, &r->sink_result};
  for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) cli_buffer_free(buffers[i]);
}

/* Everything between two signals' handling. */
static cli_exit run(render *r) {
  cli_exit code = draw(r);
  code = end_journal(r, code);
  if (code && code != CLI_STOPPED) tell_failed(r, code);
  const cli_exit first = first_failure(r);
  if (!code && !first && r->dry_run && r->resume && r->n_named == 0 && !r->quiet) cli_say("nothing is left to draw");
  if (first && code != CLI_STOPPED) code = first;
  if (!finish(r, &code)) cli_interrupt_wait_for_end();
  cli_journal_close(&r->journal);
  discard(r);
  if (!r->dry_run) cli_targets_sweep(&r->targets);
  cli_targets_remove_folder(&r->targets);
  code = cli_progress_end(&r->progress, code);
  render_engines_close(r);
  return code;
}

/* ---- signals: on threads of their own ---- */

static void stop(void *user) {
  render *r = user;
  pthread_mutex_lock(&r->stream_lock);
  tlw_stream_stop(r->stream);
  pthread_mutex_unlock(&r->stream_lock);
}

/* The thread that pushes waits for something else, and will do so until the end. */
static void settle(void *user) {
  render *r = user;
  if (r->stream) tlw_stream_finish(r->stream, NULL);
  r->settled = 1;
}

static int leave(void *user) {
  render *r = user;
  cli_exit code = CLI_STOPPED;
  if (!finish(r, &code)) return 0;
  if (r->settled) {
    cli_journal_close(&r->journal);
    cli_targets_remove_folder(&r->targets);
    cli_progress_end(&r->progress, code);
    fflush(stdout);
  } else {
    cli_progress_hide();
  }
  return 1;
}

static cli_exit run_interruptibly(render *r) {
  const cli_interrupt_actions actions = {.stop = stop, .settle = settle, .leave = leave, .user = r};
  cli_exit code = cli_interrupt_begin(&actions);
  if (code) return code;
  code = run(r);
  cli_interrupt_end();
  return code;
}

/* What can be known before anything is opened. */
static cli_exit plan(render *r) {
  const cli_args *args = r->args;
  const int windows = args->values[RENDER_WINDOW].given, by = args->values[RENDER_BY].given;
  cli_exit code = render_plan_chart(r);
  if (!code) code = check_options(r);
  if (!code)
    code = cli_targets_plan(&r->targets, &cli_charts, args->values[RENDER_OUTPUT].text, windows, by, args->n_operands,
                            args->operands);
  if (!code) code = check_output(r);
  if (!code) code = plan_run(r);
  if (!code) code = check_inputs(r);
  if (!code) code = cli_csv_options(args, r->columns, r->n_columns, &r->csv);
  r->lacks_times = cli_csv_lacks_times(args);
  if (!code) code = check_times(r);
  if (code) return code;
  if (!r->dry_run) render_check_texts(r);
  r->streams_windows = windows && !by;
  if (r->streams_windows) render_windows_plan(r);
  return CLI_OK;
}

static cli_exit print_spec(render *r) {
  const cli_exit planned = render_plan_chart(r);
  if (planned) return planned;
  cli_exit code = CLI_OK;
  cli_buffer text = {0};
  cli_spec_put(&text, r->args);
  if (!code && text.failed) code = cli_fail(CLI_NO_MEMORY, "no memory for a description");
  if (!code) fwrite(text.bytes, 1, text.length, stdout);
  cli_buffer_free(&text);
  return code;
}

static cli_exit draw_charts(render *r) {
  const int n = r->args->n_operands;
  cli_exit code = plan(r);
  if (!code) code = cli_progress_begin(&r->progress, "render", r->args, n);
  if (code) return code;
  r->output = malloc(sizeof *r->output);
  r->codes = calloc((size_t)n, sizeof *r->codes);
  if (!r->output || !r->codes) code = cli_fail(CLI_NO_MEMORY, "no memory for %d files", n);
  if (!code && !r->dry_run) code = cli_telemetry_begin(&r->telemetry, r->args, &r->targets);
  cli_telemetry_row_bytes(r->telemetry, r->row_bytes);
  code = code ? cli_progress_end(&r->progress, code) : run_interruptibly(r);
  code = cli_telemetry_close(&r->telemetry, code);
  free(r->codes);
  free(r->output);
  return code;
}

/* An empty text has won over that of a description, and says no more. */
static void drop_empty_texts(cli_args *args) {
  for (int i = 0; i < args->command->n_options; i++) {
    cli_value *value = &args->values[i];
    if (args->command->options[i].clears && value->given && !*value->text) *value = (cli_value){0};
  }
}

cli_exit cli_run_render(const cli_args *typed) {
  cli_args described = *typed;
  const cli_args *args = &described;
  render r = {
      .args = args,
      .verbose = args->values[RENDER_VERBOSE].given,
      .quiet = args->values[RENDER_QUIET].given,
      .dry_run = args->values[RENDER_DRY_RUN].given,
      .resume = args->values[RENDER_RESUME].given,
      .stream_lock = PTHREAD_MUTEX_INITIALIZER,
      .lock = PTHREAD_MUTEX_INITIALIZER,
      .released = PTHREAD_COND_INITIALIZER,
      .refused = -1,
  };
  cli_spec spec = {0};
  cli_exit code = check_spec(&r);
  if (!code && args->values[RENDER_SPEC].given) code = cli_spec_read(&spec, args->values[RENDER_SPEC].text, &described);
  drop_empty_texts(&described);
  if (!code) code = args->values[RENDER_PRINT_SPEC].given ? print_spec(&r) : draw_charts(&r);
  render_texts_free(&r);
  render_lines_free(&r);
  cli_spec_free(&spec);
  return code;
}
