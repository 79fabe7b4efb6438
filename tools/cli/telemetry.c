#include "telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commit.h"
#include "interrupt.h"
#include "output.h"
#include "report.h"
#include "tallow/version.h"
#include "temporary.h"
#include "write_all.h"

#define SECOND INT64_C(1000000000)
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

struct cli_telemetry {
  cli_targets *targets;        /* or NULL */
  const char *stats, *metrics; /* names; NULL: not asked for */
  cli_buffer run;              /* the name of the run, with a terminator */
  cli_trace *trace;
  int64_t started; /* by cli_trace_now */
  int64_t interval;
  _Atomic uint64_t counts[CLI_COUNTS], row_bytes;

  /* Of the thread that writes metrics, and then of who ends it. */
  pthread_t thread;
  int has_thread;
  int has_failed; /* 1: it was said that metrics can't be written */
  int is_quiet;
  cli_buffer text;
  cli_snapshot now;

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t ending;
  int ended;
  tlw_engine *engines[TLW_STREAM_ENGINES_MAX];
  int n_engines;
};

/* ---- options ---- */

static const char *const files[] = {"stats", "metrics", "trace", "alloc-log"};

static int find_option(const cli_args *args, const char *name) {
  for (int i = 0; i < args->command->n_options; i++)
    if (strcmp(args->command->options[i].name, name) == 0) return i;
  return -1;
}

/* What was given for it; NULL: nothing. */
static const char *text_of(const cli_args *args, const char *name) {
  const int option = find_option(args, name);
  return option < 0 ? NULL : args->values[option].text;
}

int cli_telemetry_option(const cli_args *args, int index) {
  for (int i = 0; i < COUNT(files); i++) {
    const int option = find_option(args, files[i]);
    if (option >= 0 && index-- == 0) return option;
  }
  return -1;
}

static int is_same(const char *a, const char *b) { return b && strcmp(b, "-") != 0 && cli_is_same_file(a, b); }

static cli_exit refuse_same(const cli_args *args, const char *option, const char *other, const char *text) {
  return cli_fail(CLI_USAGE, "--%s and --%s name the same file, %s; try 'tallow %s --help'", option, other, text,
                  args->command->name);
}

/* What is written beside the results must not take the place of an input, of them, or of something else beside them. */
static cli_exit check_place(const cli_args *args, int file) {
  static const char *const others[] = {"output", "spec", "checkpoint"};
  const char *text = text_of(args, files[file]), *command = args->command->name;
  if (!text) return CLI_OK;
  if (strcmp(text, "-") == 0 && strcmp(files[file], "alloc-log") != 0)
    return cli_fail(CLI_USAGE, "--%s needs the name of a file, not -; try 'tallow %s --help'", files[file], command);
  for (int i = 0; i < COUNT(others); i++)
    if (is_same(text, text_of(args, others[i]))) return refuse_same(args, files[file], others[i], text);
  for (int i = 0; i < args->n_operands; i++)
    if (is_same(text, args->operands[i]))
      return cli_fail(CLI_USAGE, "--%s %s would replace the FILE %s; try 'tallow %s --help'", files[file], text,
                      args->operands[i], command);
  for (int i = file + 1; i < COUNT(files); i++)
    if (is_same(text, text_of(args, files[i]))) return refuse_same(args, files[file], files[i], text);
  return CLI_OK;
}

cli_exit cli_telemetry_check(const cli_args *args) {
  cli_exit code = CLI_OK;
  for (int i = 0; i < COUNT(files) && !code; i++) code = check_place(args, i);
  const int interval = find_option(args, "metrics-interval");
  if (!code && interval >= 0 && args->values[interval].given && !text_of(args, "metrics"))
    return cli_fail(CLI_USAGE, "--metrics-interval needs --metrics; try 'tallow %s --help'", args->command->name);
  return code;
}

/* ---- a snapshot ---- */

static void look_at_engine(cli_engine_snapshot *seen, const tlw_engine *engine) {
  tlw_engine_describe(engine, &seen->device, NULL);
  tlw_engine_stats(engine, &seen->stats, NULL);
  for (int i = 0; i < TLW_OPERATION_COUNT; i++)
    tlw_engine_operation(engine, (tlw_operation)i, &seen->operations[i], NULL);
}

static void look(cli_telemetry *t) {
  cli_snapshot *s = &t->now;
  for (int i = 0; i < CLI_COUNTS; i++) s->counts[i] = atomic_load_explicit(&t->counts[i], memory_order_relaxed);
  s->row_bytes = atomic_load_explicit(&t->row_bytes, memory_order_relaxed);
  s->elapsed = cli_trace_now() - t->started;
  pthread_mutex_lock(&t->lock);
  for (int i = 0; i < t->n_engines; i++) look_at_engine(&s->engines[i], t->engines[i]);
  s->n_engines = t->n_engines;
  pthread_mutex_unlock(&t->lock);
}

/* ---- files ---- */

/* 0, or errno. */
static int write_metrics(cli_telemetry *t) {
  cli_temporary file;
  look(t);
  cli_buffer_clear(&t->text);
  cli_snapshot_prometheus(&t->now, &t->text);
  if (t->text.failed) return ENOMEM;
  if (cli_temporary_open(&file, t->metrics, 0) != 0) return errno;
  const int code = cli_write_all(file.descriptor, t->text.bytes, t->text.length);
  if (code != 0) cli_temporary_drop(&file);
  return code == 0 && cli_temporary_keep(&file, t->metrics) != 0 ? errno : code;
}

/* A run is worth more than what it tells. */
static void update_metrics(cli_telemetry *t) {
  const int code = write_metrics(t);
  if (code != 0 && !t->has_failed)
    cli_warn("--metrics %s: can't write: %s: the metrics there may be old", t->metrics, strerror(code));
  t->has_failed |= code != 0;
}

/* What runs that were killed have left of the file. */
static void sweep(const char *path) {
  const cli_targets place = {.kind = &cli_charts, .out = path};
  cli_targets_sweep(&place);
}

static cli_exit begin_metrics(cli_telemetry *t) {
  struct stat info;
  if (!t->metrics) return CLI_OK;
  if (stat(t->metrics, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
    return cli_fail(CLI_CANT_CREATE,
                    "--metrics %s: a device, pipe or socket has this name: it must be a regular file, for it is "
                    "replaced by rename",
                    t->metrics);
  sweep(t->metrics);
  const int code = write_metrics(t);
  if (code != 0) return cli_fail_file("metrics", t->metrics, code);
  if (!t->is_quiet && !cli_ends_in(t->metrics, ".prom"))
    cli_warn("--metrics %s: the textfile collector of node_exporter reads only files whose names end in .prom",
             t->metrics);
  return CLI_OK;
}

/* Before the work, that it is not done for nothing. */
static cli_exit check_stats(const cli_telemetry *t) {
  struct stat info;
  cli_temporary file;
  const int is_there = t->stats && stat(t->stats, &info) == 0;
  if (is_there && S_ISDIR(info.st_mode)) return cli_fail_file("stats", t->stats, EISDIR);
  if (!t->stats || (is_there && !S_ISREG(info.st_mode))) return CLI_OK;
  if (cli_temporary_open(&file, t->stats, 0) != 0) return cli_fail_file("stats", t->stats, errno);
  cli_temporary_drop(&file);
  return CLI_OK;
}

static cli_exit write_stats(cli_telemetry *t) {
  cli_output *output = malloc(sizeof *output);
  cli_buffer_clear(&t->text);
  cli_snapshot_json(&t->now, &t->text);
  cli_buffer shown = {0};
  cli_buffer_format(&shown, "--stats %s", t->stats);
  cli_buffer_add(&shown, "", 1);
  cli_exit code = output && !t->text.failed && !shown.failed
                      ? CLI_OK
                      : cli_fail(CLI_NO_MEMORY, "--stats %s: no memory to write it", t->stats);
  if (!code) code = cli_output_open_as(output, t->stats, shown.bytes);
  if (!code) code = cli_output_close(output, cli_output_write(output, t->text.bytes, t->text.length));
  cli_buffer_free(&shown);
  free(output);
  return code;
}

/* ---- the thread ---- */

/* Returns 0 once the run ends. */
static int wait_for_turn(cli_telemetry *t) {
  const int64_t until = cli_trace_now() + t->interval;
  const struct timespec time = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};
  pthread_mutex_lock(&t->lock);
  while (!t->ended)
    if (pthread_cond_timedwait(&t->ending, &t->lock, &time) == ETIMEDOUT) break;
  const int goes_on = !t->ended;
  pthread_mutex_unlock(&t->lock);
  return goes_on;
}

static void *watch(void *user) {
  while (wait_for_turn(user)) update_metrics(user);
  return NULL;
}

/* Without the signals of the process, which others wait for. */
static cli_exit start_thread(cli_telemetry *t) {
  sigset_t all, before;
  if (!t->metrics) return CLI_OK;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int code = pthread_create(&t->thread, NULL, watch, t);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  t->has_thread = code == 0;
  return code == 0 ? CLI_OK : cli_fail(CLI_NO_MEMORY, "no thread for the metrics: %s", strerror(code));
}

static void stop_thread(cli_telemetry *t) {
  if (t->has_thread) pthread_join(t->thread, NULL);
  t->has_thread = 0;
}

/* ---- begin and end ---- */

static void set_counts(cli_snapshot *s) {
  static const struct {
    const char *command;
    int has[CLI_COUNTS];
  } commands[] = {
      {"render", {[CLI_COUNT_FILES] = 1, [CLI_COUNT_ROWS] = 1, [CLI_COUNT_IMAGES] = 1}},
      {"dataset", {[CLI_COUNT_FILES] = 1, [CLI_COUNT_ROWS] = 1, [CLI_COUNT_IMAGES] = 1}},
      {"window", {[CLI_COUNT_FILES] = 1, [CLI_COUNT_ROWS] = 1, [CLI_COUNT_RESULTS] = 1}},
      {"bars", {[CLI_COUNT_ROWS] = 1, [CLI_COUNT_BARS] = 1}},
  };
  for (int i = 0; i < COUNT(commands); i++)
    if (strcmp(commands[i].command, s->command) == 0) memcpy(s->has_count, commands[i].has, sizeof s->has_count);
}

/* nightly for metrics/nightly.prom */
static void name_run(cli_telemetry *t) {
  const char *slash = t->metrics ? strrchr(t->metrics, '/') : NULL;
  const char *name = slash ? slash + 1 : t->metrics ? t->metrics : "";
  const size_t length = strlen(name) - (cli_ends_in(name, ".prom") ? strlen(".prom") : 0);
  cli_buffer_add(&t->run, name, length);
  cli_buffer_add(&t->run, "", 1);
}

static void free_telemetry(cli_telemetry *t) {
  stop_thread(t);
  cli_trace_close(&t->trace);
  if (t->targets) cli_targets_remove_folder(t->targets);
  pthread_mutex_destroy(&t->lock);
  pthread_cond_destroy(&t->ending);
  cli_buffer_free(&t->run);
  cli_buffer_free(&t->text);
  free(t);
}

static cli_telemetry *make_telemetry(const cli_args *args) {
  cli_telemetry *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&t->ending, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&t->lock, NULL);
  t->stats = text_of(args, "stats");
  t->metrics = text_of(args, "metrics");
  t->interval = (int64_t)args->values[find_option(args, "metrics-interval")].number;
  t->is_quiet = find_option(args, "quiet") >= 0 && args->values[find_option(args, "quiet")].given;
  t->started = cli_trace_now();
  name_run(t);
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  t->now = (cli_snapshot){.command = args->command->name, .version = tlw_version(), .commit = BENCH_COMMIT};
  t->now.run = t->run.bytes;
  t->now.started = (int64_t)time.tv_sec * SECOND + time.tv_nsec;
  set_counts(&t->now);
  for (int i = 0; i < TLW_STREAM_ENGINES_MAX; i++) {
    t->now.engines[i].stats.struct_size = sizeof(tlw_stats);
    for (int k = 0; k < TLW_OPERATION_COUNT; k++)
      t->now.engines[i].operations[k].struct_size = sizeof(tlw_operation_totals);
  }
  if (!t->run.failed) return t;
  free_telemetry(t);
  return NULL;
}

/* A pipe opens when somebody reads it, which may be never. */
static cli_exit open_trace(cli_telemetry *t, const char *path) {
  cli_interrupt_release();
  const cli_exit code = cli_trace_open(&t->trace, path, t->now.command);
  cli_interrupt_hold();
  return code;
}

cli_exit cli_telemetry_begin(cli_telemetry **telemetry, const cli_args *args, cli_targets *targets) {
  *telemetry = NULL;
  const char *trace = text_of(args, "trace");
  if (!trace && !text_of(args, "stats") && !text_of(args, "metrics")) return CLI_OK;
  cli_telemetry *t = make_telemetry(args);
  if (!t) return cli_fail(CLI_NO_MEMORY, "no memory for statistics");
  t->targets = targets;
  cli_interrupt_hold();
  cli_exit code = targets ? cli_targets_make_folder(targets) : CLI_OK;
  if (!code) code = check_stats(t);
  if (!code && trace) code = open_trace(t, trace);
  if (!code) code = begin_metrics(t);
  if (!code) code = start_thread(t);
  if (code) {
    free_telemetry(t);
    cli_interrupt_release();
  } else {
    *telemetry = t;
  }
  return code;
}

/* 1 for who comes first. */
static int take_end(cli_telemetry *t) {
  pthread_mutex_lock(&t->lock);
  const int is_first = !t->ended;
  t->ended = 1;
  pthread_cond_signal(&t->ending);
  pthread_mutex_unlock(&t->lock);
  return is_first;
}

static cli_exit tell_end(cli_telemetry *t, cli_exit code) {
  stop_thread(t);
  cli_trace_end(t->trace);
  look(t);
  t->now.is_over = 1;
  t->now.code = code;
  const cli_exit written = t->stats ? write_stats(t) : CLI_OK;
  if (!code) code = written;
  t->now.code = code;
  if (t->metrics) update_metrics(t);
  return code;
}

cli_exit cli_telemetry_end(cli_telemetry *t, cli_exit code) {
  if (!t) return code;
  if (!take_end(t)) cli_interrupt_wait_for_end();
  return tell_end(t, code);
}

cli_exit cli_telemetry_close(cli_telemetry **telemetry, cli_exit code) {
  cli_telemetry *t = *telemetry;
  if (!t) return code;
  if (!t->now.is_over) code = cli_telemetry_end(t, code);
  free_telemetry(t);
  *telemetry = NULL;
  return code;
}

int cli_telemetry_leave(void *telemetry, cli_exit code) {
  if (telemetry && !take_end(telemetry)) return 0;
  if (telemetry) tell_end(telemetry, code);
  return 1;
}

/* ---- underway ---- */

void cli_telemetry_listen(cli_telemetry *t, tlw_engine_options *options) {
  if (!t) return;
  options->timing = 1;
  if (t->trace) cli_trace_listen(t->trace, t->n_engines, options);
}

void cli_telemetry_add_engine(cli_telemetry *t, tlw_engine *engine) {
  if (!t) return;
  cli_engine_snapshot *seen = &t->now.engines[t->n_engines];
  pthread_mutex_lock(&t->lock);
  tlw_engine_describe(engine, &seen->opened, NULL);
  tlw_engine_stats(engine, &seen->stats, NULL);
  t->engines[t->n_engines++] = engine;
  pthread_mutex_unlock(&t->lock);
  if (t->trace) cli_trace_name(t->trace, t->n_engines - 1, &seen->opened);
}

void cli_telemetry_count(cli_telemetry *t, cli_count count, uint64_t n) {
  if (t) atomic_fetch_add_explicit(&t->counts[count], n, memory_order_relaxed);
}

void cli_telemetry_row_bytes(cli_telemetry *t, uint64_t bytes) {
  if (t) atomic_store_explicit(&t->row_bytes, bytes, memory_order_relaxed);
}

int64_t cli_telemetry_now(const cli_telemetry *t) { return t && t->trace ? cli_trace_now() : 0; }

void cli_telemetry_stage(const cli_telemetry *t, const cli_stage *stage) {
  if (t && t->trace) cli_trace_add(t->trace, stage);
}
