#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "format.h"
#include "report.h"
#include "tallow/stream.h"
#include "write_all.h"

/* Events that wait to be written, at most. A busy run has some thousands a second. */
#define EVENTS 16384

#define MILLISECOND INT64_C(1000000)
#define SECOND (1000 * MILLISECOND)
#define WRITE_EVERY (200 * MILLISECOND)

/* Short stages that are no further apart are told together, up to a length: one event for each name. */
#define SHORT_GAP (MILLISECOND / 50)
#define SHORT_LENGTH MILLISECOND
#define SHORT_NAMES 4

/* Text of an event without its file, at most. */
#define EVENT_SIZE 512
#define TEXT_SIZE (64 << 10)

#define PROCESSES (1 + TLW_STREAM_ENGINES_MAX)
#define PROCESS_NAME_SIZE (TLW_NAME_SIZE + 64)

/* Tracks of an engine, on which the command has one stream at a time. */
#define ENGINE_TRACKS TLW_TRACK_STREAM

typedef struct event {
  int64_t begin, duration; /* nanoseconds of the trace */
  const char *name, *category, *file;
  int64_t items;
  uint64_t bytes;
  uint32_t process; /* from 0 */
  uint32_t track;
} event;

/* An engine whose spans come. */
typedef struct source {
  cli_trace *trace;
  uint32_t process;
  int64_t opened; /* nanoseconds of the trace */
} source;

/* Short stages of a track that are not told yet; each from its first one on, with the sums of all. */
typedef struct moment {
  event stages[SHORT_NAMES];
  int n;
  int64_t begin, end; /* nanoseconds of the trace */
} moment;

struct cli_trace {
  const char *path;
  int descriptor;
  int64_t opened; /* by cli_trace_now */
  source sources[TLW_STREAM_ENGINES_MAX];
  pthread_t writer;
  int has_writer;

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t changed;
  event *events; /* that wait */
  size_t n;
  uint64_t lost; /* for which there was no room */
  int ended;
  moment moments[CLI_TRACKS];
  char names[PROCESSES][PROCESS_NAME_SIZE];
  int n_names;

  /* Of the thread that writes. */
  event *taken;
  char text[TEXT_SIZE];
  size_t used;
  int failed;                                    /* 1: nothing is written any more */
  int n_named;                                   /* processes whose names are written */
  unsigned char known[PROCESSES][ENGINE_TRACKS]; /* tracks whose names are */
  const char *file;                              /* whose name is at hand as JSON */
  cli_buffer file_text;
};

int64_t cli_trace_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

/* ---- writing ---- */

static void fail(cli_trace *trace, int code) {
  if (!trace->failed) cli_warn("--trace %s: can't write: %s: the trace ends here", trace->path, strerror(code));
  trace->failed = 1;
}

static void flush(cli_trace *trace) {
  const int code = trace->failed ? 0 : cli_write_all(trace->descriptor, trace->text, trace->used);
  trace->used = 0;
  if (code) fail(trace, code);
}

static void add(cli_trace *trace, const char *bytes, size_t size) {
  if (size > sizeof trace->text - trace->used) flush(trace);
  if (size > sizeof trace->text) {
    fail(trace, ENAMETOOLONG);
    return;
  }
  memcpy(trace->text + trace->used, bytes, size);
  trace->used += size;
}

static void add_buffer(cli_trace *trace, cli_buffer *buffer) {
  if (buffer->failed)
    fail(trace, ENOMEM);
  else
    add(trace, buffer->bytes, buffer->length);
  cli_buffer_free(buffer);
}

/* The first event of the array is the name of the command, so that a comma comes ahead of all others. */
static void name_process(cli_trace *trace, int process) {
  cli_buffer out = {0};
  cli_buffer_format(&out, "%s{\"ph\":\"M\",\"pid\":%d,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":",
                    process == 0 ? "[\n" : ",\n", process + 1);
  cli_buffer_plain_json(&out, trace->names[process]);
  cli_buffer_format(&out,
                    "}},\n{\"ph\":\"M\",\"pid\":%d,\"tid\":0,\"name\":\"process_sort_index\",\"args\":{"
                    "\"sort_index\":%d}}",
                    process + 1, process);
  add_buffer(trace, &out);
}

static void name_track(cli_trace *trace, uint32_t process, uint32_t track) {
  static const char *const own[CLI_TRACKS] = {[CLI_TRACK_MAIN] = "main", [CLI_TRACK_WRITER] = "writer"};
  static const char *const engine[] = {[TLW_TRACK_HOST] = "host",
                                       [TLW_TRACK_UPLOAD] = "upload",
                                       [TLW_TRACK_COMPUTE] = "compute",
                                       [TLW_TRACK_DOWNLOAD] = "download",
                                       [TLW_TRACK_ROWS] = "rows"};
  cli_buffer name = {0}, out = {0};
  if (process == 0)
    cli_buffer_format(&name, "%s", own[track]);
  else if (track < sizeof engine / sizeof *engine)
    cli_buffer_format(&name, "%s", engine[track]);
  else if (track >= TLW_TRACK_ENCODER(0))
    cli_buffer_format(&name, "encoder %u", track - TLW_TRACK_ENCODER(0));
  else
    cli_buffer_format(&name, "track %u", track);
  cli_buffer_format(&out,
                    ",\n{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%.*s\"}}"
                    ",\n{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":{"
                    "\"sort_index\":%u}}",
                    process + 1, track, (int)name.length, name.bytes, process + 1, track, track);
  out.failed |= name.failed;
  cli_buffer_free(&name);
  add_buffer(trace, &out);
}

static char *put_number(char *out, const char *name, uint64_t number) {
  return cli_put_digits(stpcpy(out, name), number, 1);
}

/* The name of a file in JSON; most events have that of the one before. */
static void find_file(cli_trace *trace, const char *file) {
  if (file == trace->file) return;
  cli_buffer_clear(&trace->file_text);
  cli_buffer_format(&trace->file_text, ",\"file\":");
  cli_buffer_plain_json(&trace->file_text, file);
  trace->file = trace->file_text.failed ? NULL : file;
}

/* Times are microseconds. */
static void write_event(cli_trace *trace, const event *e) {
  char text[EVENT_SIZE], *out = text;
  if (!trace->known[e->process][e->track]) name_track(trace, e->process, e->track);
  trace->known[e->process][e->track] = 1;
  out = put_number(out, ",\n{\"ph\":\"X\",\"pid\":", e->process + 1);
  out = put_number(out, ",\"tid\":", e->track);
  out = cli_put_fixed(stpcpy(out, ",\"ts\":"), e->begin > 0 ? e->begin : 0, 3);
  out = cli_put_fixed(stpcpy(out, ",\"dur\":"), e->duration > 0 ? e->duration : 0, 3);
  out = stpcpy(stpcpy(out, ",\"name\":\""), e->name);
  out = stpcpy(stpcpy(out, "\",\"cat\":\""), e->category);
  out = put_number(out, "\",\"args\":{\"items\":", (uint64_t)e->items);
  out = put_number(out, ",\"bytes\":", e->bytes);
  add(trace, text, (size_t)(out - text));
  if (e->file) {
    find_file(trace, e->file);
    if (trace->file) add(trace, trace->file_text.bytes, trace->file_text.length);
  }
  add(trace, "}}", 2);
}

static void write_lost(cli_trace *trace, uint64_t lost) {
  cli_buffer out = {0};
  if (lost == 0) return;
  cli_warn("--trace %s: %llu events are missing, for the file could not be written as fast as they came", trace->path,
           (unsigned long long)lost);
  cli_buffer_format(&out, ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"lost_events\",\"args\":{\"lost\":%llu}}",
                    (unsigned long long)lost);
  add_buffer(trace, &out);
}

/* Waits for what is to be written; returns how many events, and whether more may come. Under the lock. */
static size_t wait_for_events(cli_trace *trace) {
  const int64_t until = cli_trace_now() + WRITE_EVERY;
  const struct timespec time = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};
  while (!trace->ended && trace->n < EVENTS / 2)
    if (pthread_cond_timedwait(&trace->changed, &trace->lock, &time) == ETIMEDOUT) break;
  event *const taken = trace->events;
  const size_t n = trace->n;
  trace->events = trace->taken;
  trace->taken = taken;
  trace->n = 0;
  return n;
}

static void *write_events(void *user) {
  cli_trace *trace = user;
  for (int ended = 0; !ended;) {
    pthread_mutex_lock(&trace->lock);
    const size_t n = wait_for_events(trace);
    const int n_names = trace->n_names;
    ended = trace->ended;
    pthread_mutex_unlock(&trace->lock);
    while (trace->n_named < n_names) name_process(trace, trace->n_named++);
    for (size_t i = 0; i < n && !trace->failed; i++) write_event(trace, &trace->taken[i]);
    flush(trace);
  }
  write_lost(trace, trace->lost);
  add(trace, "\n]\n", 3);
  flush(trace);
  if (close(trace->descriptor) != 0) fail(trace, errno);
  return NULL;
}

/* ---- events ---- */

/* Under the lock. */
static void keep(cli_trace *trace, const event *e) {
  if (trace->n == EVENTS) {
    trace->lost++;
    return;
  }
  trace->events[trace->n++] = *e;
  if (trace->n == EVENTS / 2) pthread_cond_signal(&trace->changed);
}

static void on_span(void *user, const tlw_span *span) {
  const source *from = user;
  cli_trace *trace = from->trace;
  const event e = {
      .begin = from->opened + span->begin,
      .duration = (int64_t)span->duration,
      .name = tlw_stage_name((tlw_stage)span->stage),
      .category = tlw_operation_name((tlw_operation)span->operation),
      .items = span->items > 0 ? span->items : 0,
      .bytes = span->bytes,
      .process = from->process,
      .track = span->track % ENGINE_TRACKS,
  };
  pthread_mutex_lock(&trace->lock);
  if (!trace->ended) keep(trace, &e);
  pthread_mutex_unlock(&trace->lock);
}

/* That of this name and file; NULL: there is none. */
static event *find_stage(moment *m, const event *e) {
  for (int i = 0; i < m->n; i++)
    if (m->stages[i].name == e->name && m->stages[i].file == e->file) return &m->stages[i];
  return NULL;
}

static event *add_stage(moment *m, const event *e) {
  event *stage = &m->stages[m->n++];
  *stage = *e;
  stage->duration = stage->items = 0;
  stage->bytes = 0;
  return stage;
}

static int is_of(moment *m, const event *e) {
  return m->n > 0 && e->begin >= m->end && e->begin - m->end <= SHORT_GAP &&
         e->begin + e->duration - m->begin <= SHORT_LENGTH && (m->n < SHORT_NAMES || find_stage(m, e));
}

/* Under the lock. One behind the other, as if each had been done at once: all of them take no longer than the moment. */
static void end_moment(cli_trace *trace, moment *m) {
  int64_t begin = m->begin;
  for (int i = 0; i < m->n; i++) {
    m->stages[i].begin = begin;
    begin += m->stages[i].duration;
    keep(trace, &m->stages[i]);
  }
  m->n = 0;
}

/* Under the lock. */
static void keep_short(cli_trace *trace, moment *m, const event *e) {
  if (!is_of(m, e)) end_moment(trace, m);
  if (m->n == 0) m->begin = e->begin;
  event *stage = find_stage(m, e);
  if (!stage) stage = add_stage(m, e);
  stage->duration += e->duration;
  stage->items += e->items;
  stage->bytes += e->bytes;
  m->end = e->begin + e->duration;
}

void cli_trace_add(cli_trace *trace, const cli_stage *stage) {
  const event e = {
      .begin = stage->begun - trace->opened,
      .duration = cli_trace_now() - stage->begun,
      .name = stage->name,
      .category = "command",
      .file = stage->file,
      .items = stage->items,
      .bytes = stage->bytes,
      .track = stage->track,
  };
  moment *m = &trace->moments[stage->track];
  pthread_mutex_lock(&trace->lock);
  if (!trace->ended && stage->is_short) {
    keep_short(trace, m, &e);
  } else if (!trace->ended) {
    end_moment(trace, m);
    keep(trace, &e);
  }
  pthread_mutex_unlock(&trace->lock);
}

/* ---- engines ---- */

void cli_trace_listen(cli_trace *trace, int engine, tlw_engine_options *options) {
  source *from = &trace->sources[engine];
  *from = (source){.trace = trace, .process = (uint32_t)engine + 1, .opened = cli_trace_now() - trace->opened};
  options->trace = on_span;
  options->trace_user = from;
}

void cli_trace_name(cli_trace *trace, int engine, const tlw_device *device) {
  pthread_mutex_lock(&trace->lock);
  snprintf(trace->names[engine + 1], PROCESS_NAME_SIZE, "engine %d: %s, %s", engine, tlw_backend_name(device->backend),
           device->name);
  trace->n_names = engine + 2;
  pthread_mutex_unlock(&trace->lock);
}

/* ---- open and close ---- */

static void free_trace(cli_trace *trace) {
  pthread_mutex_destroy(&trace->lock);
  pthread_cond_destroy(&trace->changed);
  cli_buffer_free(&trace->file_text);
  free(trace->events);
  free(trace->taken);
  free(trace);
}

static cli_trace *make_trace(const char *path, const char *command) {
  cli_trace *trace = calloc(1, sizeof *trace);
  if (!trace) return NULL;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&trace->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&trace->lock, NULL);
  trace->path = path;
  trace->opened = cli_trace_now();
  snprintf(trace->names[0], PROCESS_NAME_SIZE, "tallow %s", command);
  trace->n_names = 1;
  trace->events = malloc(EVENTS * sizeof *trace->events);
  trace->taken = malloc(EVENTS * sizeof *trace->taken);
  if (trace->events && trace->taken) return trace;
  free_trace(trace);
  return NULL;
}

/* The beginning is written at once, and where there is no room for it that is said ahead of the work. */
static cli_exit open_file(cli_trace *trace) {
  do trace->descriptor = open(trace->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  while (trace->descriptor < 0 && errno == EINTR);
  if (trace->descriptor < 0) return cli_fail_file("trace", trace->path, errno);
  name_process(trace, trace->n_named++);
  flush(trace);
  return CLI_OK;
}

/* Without the signals of the process, which others wait for. */
static cli_exit start_writer(cli_trace *trace) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int code = pthread_create(&trace->writer, NULL, write_events, trace);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  trace->has_writer = code == 0;
  if (code == 0) return CLI_OK;
  close(trace->descriptor);
  return cli_fail(CLI_NO_MEMORY, "no thread for the trace: %s", strerror(code));
}

cli_exit cli_trace_open(cli_trace **out, const char *path, const char *command) {
  *out = NULL;
  cli_trace *trace = make_trace(path, command);
  if (!trace) return cli_fail(CLI_NO_MEMORY, "%s: no memory for a trace", path);
  cli_exit code = open_file(trace);
  if (!code) code = start_writer(trace);
  if (code)
    free_trace(trace);
  else
    *out = trace;
  return code;
}

void cli_trace_end(cli_trace *trace) {
  if (!trace || !trace->has_writer) return;
  pthread_mutex_lock(&trace->lock);
  for (int i = 0; i < CLI_TRACKS; i++) end_moment(trace, &trace->moments[i]);
  trace->ended = 1;
  pthread_cond_signal(&trace->changed);
  pthread_mutex_unlock(&trace->lock);
  pthread_join(trace->writer, NULL);
  trace->has_writer = 0;
}

void cli_trace_close(cli_trace **trace) {
  if (!*trace) return;
  cli_trace_end(*trace);
  free_trace(*trace);
  *trace = NULL;
}
