#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "event_stream.h"
#include "format.h"
#include "progress_text.h"
#include "report.h"
#include "terminal.h"

#define SEE_HELP "; try 'tallow %s --help'"

#define FATES 4
#define BAD_FILES_MAX 1000 /* of which the summary tells */

#define MILLISECOND INT64_C(1000000)
#define SECOND (1000 * MILLISECOND)
#define DRAW_EVERY (100 * MILLISECOND)
#define SAMPLE_EVERY SECOND
#define LOG_EVERY (10 * SECOND)
#define SAMPLES 10         /* rates are those of so many seconds */
#define RATE_AFTER 0.5     /* seconds from which there is a rate */
#define TIME_LEFT_AFTER 1. /* likewise */
#define LAST_EVENT_WAIT 1000
#define MOST_FRACTION 0.9999 /* of a run that is not done */

typedef enum line_kind {
  LINE_NONE,
  LINE_DRAWN, /* on a terminal, over the one before */
  LINE_LOGGED /* elsewhere, one below the other */
} line_kind;

typedef struct sample {
  int64_t time, charts;
  double fraction;
} sample;

typedef struct bad_file {
  int index;
  int has_report;
  tlw_csv_report report;
  char *error; /* NULL: it was not refused */
  int64_t row; /* of the error; -1: not known */
  int32_t column;
} bad_file;

/* A file of the run. */
typedef struct file_state {
  uint64_t weight; /* for the fraction */
  int64_t charts;  /* that were pushed and are not settled */
  int is_over;     /* no more of them come */
} file_state;

struct cli_progress {
  const cli_args *args;
  int files;
  int are_images;      /* 1: charts are called images */
  const char *summary; /* more of it, lines of members; NULL: none */
  int64_t started;
  line_kind line;
  cli_event_stream stream;
  pthread_t thread;
  int has_thread;

  _Atomic int64_t fates[FATES];
  _Atomic uint64_t read; /* of the file at hand */

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t ending;
  int ended;
  const char *name; /* of the file at hand; NULL: none */
  int index;
  uint64_t size;
  int files_begun, files_done, files_read;
  uint64_t read_before; /* in files that have ended */
  file_state *states;   /* of each file */
  int sizes_known;
  double weight_done, weight_total;
  double taken;     /* the weight of the file at hand that its charts have taken so far */
  bad_file refusal; /* of the file at hand */
  int is_refused;
  sample samples[SAMPLES]; /* a ring */
  int64_t n_samples;
  int64_t rows, skipped, defects[TLW_DEFECTS];
  bad_file *bad_files; /* for the summary; NULL: none is wanted */
  int n_bad_files;
  int64_t bad_files_left_out;
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static double seconds_between(int64_t from, int64_t to) { return (double)(to - from) / (double)SECOND; }

static const cli_value *value_of(const cli_progress *p, int option) { return &p->args->values[option]; }

/* ---- standard error ---- */

static pthread_mutex_t error_lock = PTHREAD_MUTEX_INITIALIZER;
static char line_text[CLI_LINE_SIZE]; /* under it: the line that is shown; "": there is none */

/* On a terminal that is stopped the line is not worth a wait. Nobody can be told what fails. */
static void write_error(const char *text, size_t size) {
  struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT)) return;
  const ssize_t n = write(STDERR_FILENO, text, size);
  (void)n;
}

static void clear_line(void) {
  char blanks[CLI_LINE_SIZE + 2];
  const size_t n = strlen(line_text);
  if (n == 0) return;
  if (cli_on_smart_terminal()) {
    write_error("\r\033[K", 4);
  } else {
    memset(blanks, ' ', sizeof blanks);
    blanks[0] = blanks[n + 1] = '\r';
    write_error(blanks, n + 2);
  }
  line_text[0] = 0;
}

void cli_progress_hide(void) {
  pthread_mutex_lock(&error_lock);
  clear_line();
}

void cli_progress_show(void) { pthread_mutex_unlock(&error_lock); }

/* In the place of the line that is shown. */
static void replace_line(const char *text) {
  char out[CLI_LINE_SIZE + 8];
  const int smart = cli_on_smart_terminal();
  if (!smart) clear_line();
  const int n = snprintf(out, sizeof out, "\r%s%s", text, smart ? "\033[K" : "");
  write_error(out, (size_t)n);
  memcpy(line_text, text, sizeof line_text);
}

/* The last column stays free, for some terminals begin a new line there. */
static void draw_line(const cli_progress_state *state) {
  char text[CLI_LINE_SIZE] = "";
  if (!cli_in_foreground()) return;
  cli_progress_line(state, cli_terminal_width() - 1, text);
  pthread_mutex_lock(&error_lock);
  if (strcmp(text, line_text) != 0) replace_line(text);
  pthread_mutex_unlock(&error_lock);
}

void cli_progress_draw(const char *text) {
  char out[CLI_LINE_SIZE] = "";
  snprintf(out, sizeof out, "%.*s", cli_terminal_width() - 1, text);
  pthread_mutex_lock(&error_lock);
  if (*out == 0)
    clear_line();
  else if (strcmp(out, line_text) != 0)
    replace_line(out);
  pthread_mutex_unlock(&error_lock);
}

static void log_line(const cli_progress_state *state) {
  char text[CLI_LINE_SIZE];
  cli_progress_line(state, CLI_LINE_SIZE, text);
  cli_say("%s", text);
}

/* ---- what is shown ---- */

static int64_t fate(const cli_progress *p, cli_chart_fate f) {
  return atomic_load_explicit(&p->fates[f], memory_order_relaxed);
}

/*
 * Of the work, by the bytes whose charts are done; below 0 if that is not known. What was read ahead counts for
 * nothing, and nothing is whole before its last chart.
 */
static double fraction_done(const cli_progress *p) {
  if (p->files_done == p->files) return 1;
  if (p->files == 1 && !p->sizes_known) return -1;
  const double fraction = p->weight_done / p->weight_total;
  return fraction < MOST_FRACTION ? fraction : MOST_FRACTION;
}

/* What the rate is reckoned from: the oldest sample. */
static const sample *oldest_sample(const cli_progress *p) {
  return &p->samples[p->n_samples > SAMPLES ? p->n_samples % SAMPLES : 0];
}

static void add_sample(cli_progress *p, int64_t time, double fraction) {
  p->samples[p->n_samples++ % SAMPLES] =
      (sample){.time = time, .charts = fate(p, CLI_CHART_WRITTEN), .fraction = fraction};
}

static double time_left(const cli_progress *p, int64_t time, double fraction) {
  const double elapsed = seconds_between(p->started, time);
  if (fraction <= 0 || fraction >= 1 || elapsed < TIME_LEFT_AFTER) return -1;
  const sample *base = oldest_sample(p);
  const double moved = fraction - base->fraction;
  if (base->fraction >= 0 && moved > 0) return (1 - fraction) / moved * seconds_between(base->time, time);
  return (1 - fraction) / fraction * elapsed;
}

/* Under the lock. */
static cli_progress_state state_of(const cli_progress *p, int64_t time) {
  const sample *base = oldest_sample(p);
  const double since = seconds_between(base->time, time), fraction = fraction_done(p);
  const int64_t charts = fate(p, CLI_CHART_WRITTEN);
  return (cli_progress_state){
      .charts = charts,
      .found = fate(p, CLI_CHART_FOUND),
      .failed = fate(p, CLI_CHART_FAILED),
      .elsewhere = fate(p, CLI_CHART_ELSEWHERE),
      .files = p->files,
      .files_done = p->files_done,
      .name = p->name,
      .bytes = p->read_before + atomic_load_explicit(&p->read, memory_order_relaxed),
      .fraction = fraction,
      .rate = since >= RATE_AFTER ? (double)(charts - base->charts) / since : -1,
      .seconds_left = time_left(p, time, fraction),
      .files_begun = p->files_begun,
      .are_images = p->are_images,
  };
}

static void send_progress(cli_progress *p, const cli_progress_state *state) {
  char event[CLI_EVENT_SIZE];
  const size_t size = cli_progress_event(state, event);
  cli_event_stream_send(&p->stream, event, size, 0);
}

/* ---- the thread ---- */

/* Waits until `until`. Returns 0 if the run has ended before. Under the lock. */
static int wait_until(cli_progress *p, int64_t until) {
  const struct timespec time = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};
  while (!p->ended)
    if (pthread_cond_timedwait(&p->ending, &p->lock, &time) == ETIMEDOUT) break;
  return !p->ended;
}

static void *watch(void *user) {
  cli_progress *p = user;
  const int64_t every = p->line == LINE_DRAWN ? DRAW_EVERY : SAMPLE_EVERY;
  int64_t next_sample = p->started + SAMPLE_EVERY, next_log = p->started + LOG_EVERY;
  pthread_mutex_lock(&p->lock);
  while (wait_until(p, now() + every)) {
    const int64_t time = now();
    const cli_progress_state state = state_of(p, time);
    const int sampled = time >= next_sample - MILLISECOND;
    if (sampled) add_sample(p, time, state.fraction);
    pthread_mutex_unlock(&p->lock);
    if (sampled) {
      next_sample = time + SAMPLE_EVERY;
      send_progress(p, &state);
    }
    if (p->line == LINE_DRAWN) draw_line(&state);
    if (p->line == LINE_LOGGED && time >= next_log) {
      next_log = time + LOG_EVERY;
      log_line(&state);
    }
    pthread_mutex_lock(&p->lock);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* Without the signals of the process, which others wait for. */
static cli_exit start_thread(cli_progress *p) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int code = pthread_create(&p->thread, NULL, watch, p);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0) return cli_fail(CLI_NO_MEMORY, "no thread for the progress: %s", strerror(code));
  p->has_thread = 1;
  return CLI_OK;
}

static void stop_thread(cli_progress *p) {
  if (!p->has_thread) return;
  pthread_mutex_lock(&p->lock);
  p->ended = 1;
  pthread_cond_signal(&p->ending);
  pthread_mutex_unlock(&p->lock);
  pthread_join(p->thread, NULL);
  pthread_mutex_lock(&error_lock);
  clear_line();
  pthread_mutex_unlock(&error_lock);
}

/* ---- begin ---- */

static cli_exit check_options(const char *command, const cli_args *args) {
  const cli_value *values = args->values;
  const int json = values[RENDER_JSON].given, dry_run = values[RENDER_DRY_RUN].given;
  const int to_output = strcmp(values[RENDER_OUTPUT].text, "-") == 0;
  const cli_value *stream = &values[RENDER_PROGRESS_FD], *line = &values[RENDER_PROGRESS];
  if (json && to_output)
    return cli_fail(CLI_USAGE, "--json and --output - exclude each other: name a file or folder for --output" SEE_HELP,
                    command);
  if (json && dry_run)
    return cli_fail(CLI_USAGE, "--json and --dry-run exclude each other: both print on standard output" SEE_HELP,
                    command);
  if (stream->given && stream->number == STDOUT_FILENO && (json || dry_run || to_output))
    return cli_fail(CLI_USAGE, "--progress-fd 1 is standard output, which %s needs: choose another" SEE_HELP,
                    json      ? "--json"
                    : dry_run ? "--dry-run"
                              : "--output -",
                    command);
  if (values[RENDER_QUIET].given && line->given && line->number == SWITCH_ON)
    return cli_fail(CLI_USAGE, "--quiet and --progress on exclude each other" SEE_HELP, command);
  return CLI_OK;
}

static line_kind choose_line(const cli_args *args) {
  const cli_value *values = args->values;
  if (values[RENDER_PROGRESS].given) {
    if (values[RENDER_PROGRESS].number != SWITCH_ON) return LINE_NONE;
    return cli_on_terminal() ? LINE_DRAWN : LINE_LOGGED;
  }
  const int listed_there = values[RENDER_DRY_RUN].given && isatty(STDOUT_FILENO);
  const int events_there = values[RENDER_PROGRESS_FD].given && values[RENDER_PROGRESS_FD].number == STDERR_FILENO;
  const int wanted = cli_on_smart_terminal() && !values[RENDER_QUIET].given && !listed_there && !events_there;
  return wanted ? LINE_DRAWN : LINE_NONE;
}

/* By size; where one has none that is known, all count the same. */
static void weigh_files(cli_progress *p) {
  int known = 1;
  for (int i = 0; i < p->files && known; i++) {
    struct stat info;
    known = stat(p->args->operands[i], &info) == 0 && S_ISREG(info.st_mode);
    if (known) p->states[i].weight = (uint64_t)info.st_size + 1;
  }
  for (int i = 0; i < p->files; i++) {
    if (!known) p->states[i].weight = 1;
    p->weight_total += (double)p->states[i].weight;
  }
  p->sizes_known = known;
}

static void free_progress(cli_progress *p) {
  pthread_mutex_destroy(&p->lock);
  pthread_cond_destroy(&p->ending);
  for (int i = 0; i < p->n_bad_files; i++) free(p->bad_files[i].error);
  free(p->refusal.error);
  free(p->bad_files);
  free(p->states);
  free(p);
}

static cli_progress *make_progress(const cli_args *args, int files) {
  cli_progress *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->args = args;
  p->files = files;
  p->started = now();
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&p->ending, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&p->lock, NULL);
  p->states = calloc((size_t)files + 1, sizeof *p->states);
  const int json = value_of(p, RENDER_JSON)->given;
  const int most = files < BAD_FILES_MAX ? files : BAD_FILES_MAX;
  if (json) p->bad_files = calloc((size_t)most + 1, sizeof *p->bad_files);
  if (p->states && (p->bad_files || !json)) return p;
  free_progress(p);
  return NULL;
}

cli_exit cli_progress_begin(cli_progress **progress, const char *command, const cli_args *args, int files) {
  *progress = NULL;
  cli_exit code = check_options(command, args);
  if (code) return code;
  cli_progress *p = make_progress(args, files);
  if (!p) return cli_fail(CLI_NO_MEMORY, "no memory for the progress of %d files", files);
  p->are_images = strcmp(command, "dataset") == 0;
  const cli_value *stream = value_of(p, RENDER_PROGRESS_FD);
  p->line = choose_line(args);
  cli_event_stream_start(&p->stream, stream->given ? (int)stream->number : -1);
  if (p->line || stream->given) {
    weigh_files(p);
    add_sample(p, p->started, -1);
    const cli_progress_state state = state_of(p, p->started);
    send_progress(p, &state);
    code = start_thread(p);
  }
  if (code) {
    free_progress(p);
    return code;
  }
  *progress = p;
  return CLI_OK;
}

/* ---- underway ---- */

void cli_progress_file(cli_progress *p, int index, const char *name, uint64_t size) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  p->index = index;
  p->name = cli_shown_name(name);
  p->size = size;
  p->files_begun++;
  p->taken = 0;
  p->is_refused = 0;
  p->refusal = (bad_file){.index = index, .row = -1, .column = -1};
  pthread_mutex_unlock(&p->lock);
}

void cli_progress_read(cli_progress *p, uint64_t bytes) {
  if (p) atomic_store_explicit(&p->read, bytes, memory_order_relaxed);
}

double cli_progress_part(const cli_progress *p) {
  if (!p || p->size == 0) return 0;
  const double part = (double)atomic_load_explicit(&p->read, memory_order_relaxed) / (double)p->size;
  return part < 1 ? part : 1;
}

double cli_progress_push(cli_progress *p, double part, int64_t charts) {
  if (!p) return 0;
  pthread_mutex_lock(&p->lock);
  file_state *state = &p->states[p->index];
  const double weight = part * (double)state->weight;
  const double share = weight > p->taken ? weight - p->taken : 0;
  p->taken += share;
  state->charts += charts;
  pthread_mutex_unlock(&p->lock);
  return share;
}

/* Under the lock. */
static void count_file(cli_progress *p, const file_state *state) { p->files_done += state->is_over && !state->charts; }

void cli_progress_settle(cli_progress *p, int index, double share, int64_t charts) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  file_state *state = &p->states[index];
  p->weight_done += share;
  state->charts -= charts;
  if (charts > 0) count_file(p, state);
  pthread_mutex_unlock(&p->lock);
}

void cli_progress_file_error(cli_progress *p, const tlw_error *error) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  p->is_refused = 1;
  p->refusal.row = error->row;
  p->refusal.column = error->column;
  pthread_mutex_unlock(&p->lock);
}

void cli_progress_file_refused(cli_progress *p, const char *message) {
  if (!p || !p->bad_files) return;
  char *copy = strdup(message);
  pthread_mutex_lock(&p->lock);
  free(p->refusal.error);
  p->refusal.error = copy;
  p->bad_files_left_out += copy == NULL;
  pthread_mutex_unlock(&p->lock);
}

/* Under the lock. Takes the refusal over. */
static void add_bad_file(cli_progress *p, const tlw_csv_report *report) {
  if (p->n_bad_files == BAD_FILES_MAX || p->n_bad_files == p->files) {
    p->bad_files_left_out++;
    return;
  }
  bad_file *bad = &p->bad_files[p->n_bad_files++];
  *bad = p->refusal;
  p->refusal.error = NULL;
  bad->has_report = report != NULL;
  if (report) bad->report = *report;
}

/* Under the lock. Returns whether there are bad rows. */
static int add_report(cli_progress *p, const tlw_csv_report *report) {
  int bad = 0;
  p->files_read += !p->is_refused;
  p->rows += report->rows;
  p->skipped += report->skipped;
  for (int i = 0; i < TLW_DEFECTS; i++) {
    p->defects[i] += report->defects[i];
    bad |= report->defects[i] > 0;
  }
  return bad;
}

/* Under the lock. What its charts have not taken is done. */
static void end_whole_file(cli_progress *p) {
  file_state *state = &p->states[p->index];
  if ((double)state->weight > p->taken) p->weight_done += (double)state->weight - p->taken;
  state->is_over = 1;
  count_file(p, state);
}

void cli_progress_file_end(cli_progress *p, const tlw_csv_report *report, int is_whole) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  const int has_bad_rows = report && add_report(p, report);
  if (p->bad_files && (has_bad_rows || p->refusal.error)) add_bad_file(p, report);
  if (is_whole) end_whole_file(p);
  free(p->refusal.error);
  p->refusal.error = NULL;
  p->read_before += atomic_exchange_explicit(&p->read, 0, memory_order_relaxed);
  p->name = NULL;
  pthread_mutex_unlock(&p->lock);
}

void cli_progress_chart(cli_progress *p, cli_chart_fate f, int64_t n) {
  if (p) atomic_fetch_add_explicit(&p->fates[f], n, memory_order_relaxed);
}

/* ---- end ---- */

void cli_progress_summary(cli_progress *p, const char *members) {
  if (p) p->summary = members;
}

static const char *things(const cli_progress *p) { return p->are_images ? "images" : "charts"; }

static void send_end(cli_progress *p, cli_exit code, double seconds) {
  char event[CLI_EVENT_SIZE];
  const int n = snprintf(event, sizeof event,
                         "{\"event\":\"end\",\"code\":%d,\"%s\":%" PRId64 ",\"found\":%" PRId64 ",\"failed\":%" PRId64
                         ",\"elsewhere\":%" PRId64 ",\"files\":%d,\"files_total\":%d,\"bytes\":"
                         "%" PRIu64 ",\"seconds\":%.3f}\n",
                         (int)code, things(p), fate(p, CLI_CHART_WRITTEN), fate(p, CLI_CHART_FOUND),
                         fate(p, CLI_CHART_FAILED), fate(p, CLI_CHART_ELSEWHERE), p->files_done, p->files,
                         p->read_before + atomic_load_explicit(&p->read, memory_order_relaxed), seconds);
  cli_event_stream_send(&p->stream, event, (size_t)n, LAST_EVENT_WAIT);
}

static void print_error(const bad_file *bad) {
  printf(", \"error\": ");
  cli_print_json(stdout, bad->error);
  if (bad->row >= 0) printf(", \"row\": %" PRId64, bad->row);
  if (bad->column >= 0) printf(", \"column\": %" PRId32, bad->column);
}

static void print_bad_file(const cli_progress *p, const bad_file *bad) {
  const tlw_csv_report *report = &bad->report;
  printf("    {\"file\": ");
  cli_print_json(stdout, p->args->operands[bad->index]);
  if (bad->has_report) printf(", \"rows\": %" PRId64 ", \"skipped\": %" PRId64, report->rows, report->skipped);
  for (int i = 0; i < TLW_DEFECTS; i++)
    if (report->defects[i] > 0)
      printf(", \"%s\": {\"rows\": %" PRId64 ", \"first_line\": %" PRId64 "}", tlw_defect_name((tlw_defect)i),
             report->defects[i], report->first_line[i]);
  if (bad->error) print_error(bad);
  printf("}");
}

static void print_summary(const cli_progress *p, cli_exit code, double seconds) {
  printf("{\n  \"code\": %d,\n  \"%s\": %" PRId64 ",\n  \"found\": %" PRId64 ",\n  \"failed\": %" PRId64
         ",\n  \"elsewhere\": %" PRId64 ",\n",
         (int)code, things(p), fate(p, CLI_CHART_WRITTEN), fate(p, CLI_CHART_FOUND), fate(p, CLI_CHART_FAILED),
         fate(p, CLI_CHART_ELSEWHERE));
  if (p->summary) printf("%s", p->summary);
  printf("  \"files\": %d,\n  \"files_read\": %d,\n  \"rows\": %" PRId64 ",\n  \"skipped\": %" PRId64
         ",\n  \"defects\": {",
         p->files, p->files_read, p->rows, p->skipped);
  for (int i = 0; i < TLW_DEFECTS; i++)
    printf("%s\"%s\": %" PRId64, i ? ", " : "", tlw_defect_name((tlw_defect)i), p->defects[i]);
  printf("},\n  \"bad_files\": [");
  for (int i = 0; i < p->n_bad_files; i++) {
    printf(i ? ",\n" : "\n");
    print_bad_file(p, &p->bad_files[i]);
  }
  printf("%s],\n  \"bad_files_left_out\": %" PRId64 ",\n  \"seconds\": %.3f\n}\n", p->n_bad_files ? "\n  " : "",
         p->bad_files_left_out, seconds);
}

cli_exit cli_progress_end(cli_progress **progress, cli_exit code) {
  cli_progress *p = *progress;
  *progress = NULL;
  if (!p) return code;
  stop_thread(p);
  const int64_t time = now();
  const double seconds = seconds_between(p->started, time);
  if (p->line == LINE_LOGGED) {
    const cli_progress_state state = state_of(p, time);
    log_line(&state);
  }
  send_end(p, code, seconds);
  if (value_of(p, RENDER_JSON)->given) {
    print_summary(p, code, seconds);
    if (fflush(stdout) != 0) {
      const cli_exit failed = cli_fail_output("standard output", errno);
      if (!code) code = failed;
    }
  }
  free_progress(p);
  return code;
}
