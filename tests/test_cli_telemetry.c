/* What the command writes of a run: hostile names in metrics, statistics and traces, events of threads, lost ones. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "folder.h"
#include "tools/cli/report.h"
#include "tools/cli/snapshot.h"
#include "tools/cli/trace.h"

#define HOSTILE "a \"GPU\" \\ of\nhell\t\xFF\x7F {},\xC3\xA9"
#define THREADS 4
#define SPANS 3000 /* of each */
#define MANY 60000 /* more than wait, and than a pipe holds */

/* ---- in place of those that print ---- */

static int n_warnings;
static char warning[512];

void cli_warn(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(warning, sizeof warning, format, args);
  va_end(args);
  n_warnings++;
}

cli_exit cli_fail(cli_exit code, const char *format, ...) {
  (void)format;
  return code;
}

cli_exit cli_fail_file(const char *option, const char *path, int code) {
  (void)option;
  (void)path;
  (void)code;
  return CLI_CANT_CREATE;
}

/* ---- names ---- */

static cli_snapshot *make_snapshot(void) {
  cli_snapshot *s = calloc(1, sizeof *s);
  assert_non_null(s);
  *s = (cli_snapshot){.command = "render", .run = HOSTILE, .version = "1", .commit = "c", .n_engines = 2};
  s->counts[CLI_COUNT_IMAGES] = UINT64_MAX;
  s->has_count[CLI_COUNT_IMAGES] = 1;
  s->started = 1500000000;
  for (int i = 0; i < 2; i++) {
    cli_engine_snapshot *engine = &s->engines[i];
    engine->opened.backend = engine->device.backend = TLW_BACKEND_CUDA;
    strcpy(engine->opened.name, HOSTILE);
    strcpy(engine->device.name, HOSTILE);
    strcpy(engine->stats.reason, HOSTILE);
    engine->stats.host_budget = UINT64_MAX;
    engine->stats.device_budget = 4096;
    engine->operations[TLW_OP_STREAM].stage[TLW_STAGE_ENCODE] = UINT64_C(12345678901);
  }
  return s;
}

static void test_metrics(void **state) {
  (void)state;
#define SHOWN "a \\\"GPU\\\" \\\\ of\\nhell\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD {},\xC3\xA9"
#define ENGINE "run=\"" SHOWN "\",engine=\"1\",backend=\"cuda\",device=\"" SHOWN "\""
  static const char *const lines[] = {
      "\ntallow_start_time_seconds{run=\"" SHOWN "\"} 1.500000000\n",
      "\ntallow_images_written_total{run=\"" SHOWN "\"} 18446744073709551615\n",
      "\ntallow_passed_over_devices{" ENGINE "} 0\n",
      "\ntallow_memory_limit_bytes{" ENGINE ",memory=\"host\"} +Inf\n",
      "\ntallow_memory_limit_bytes{" ENGINE ",memory=\"device\"} 4096\n",
      "\ntallow_stage_seconds_total{" ENGINE ",operation=\"stream\",stage=\"encode\"} 12.345678901\n",
  };
  cli_snapshot *s = make_snapshot();
  cli_buffer text = {0};
  cli_snapshot_prometheus(s, &text);
  cli_buffer_add(&text, "", 1);
  assert_false(text.failed);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!strstr(text.bytes, lines[i])) fail_msg("missing: %s in %s", lines[i], text.bytes);
  assert_null(strstr(text.bytes, "tallow_exit_code"));
  cli_buffer_free(&text);
  free(s);
}

#define PLAIN "a \"GPU\" \\ of\nhell\t\xEF\xBF\xBD\x7F {},\xC3\xA9"

static void test_statistics(void **state) {
  (void)state;
  cli_snapshot *s = make_snapshot();
  cli_buffer text = {0};
  cli_snapshot_json(s, &text);
  assert_false(text.failed);
  json_t *object = json_loadb(text.bytes, text.length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
  assert_non_null(object);
  const json_t *engine = json_array_get(json_object_get(object, "engines"), 1);
  assert_string_equal(json_string_value(json_object_get(engine, "device")), PLAIN);
  assert_string_equal(json_string_value(json_object_get(engine, "reason")), PLAIN);
  assert_true(json_is_null(json_object_get(engine, "host_budget")));
  const json_t *stream = json_object_get(json_object_get(engine, "by_operation"), "stream");
  const json_t *encode = json_object_get(json_object_get(stream, "stage_seconds"), "encode");
  assert_true(json_number_value(encode) == 12.345678901);
  json_decref(object);
  cli_buffer_free(&text);
  free(s);
}

/* ---- traces ---- */

static void *send_spans(void *user) {
  const tlw_engine_options *options = user;
  for (int i = 0; i < SPANS; i++) {
    const tlw_span span = {.begin = i * 10,
                           .duration = 5,
                           .operation = TLW_OP_STREAM,
                           .stage = TLW_STAGE_ENCODE,
                           .track = (uint32_t)options->threads,
                           .items = i};
    options->trace(options->trace_user, &span);
  }
  return NULL;
}

/* Events that are complete and of this track; each must begin behind the one before. */
static int count_events(const json_t *events, int process, int track) {
  int n = 0;
  double end = -1;
  for (size_t i = 0; i < json_array_size(events); i++) {
    const json_t *event = json_array_get(events, i);
    if (strcmp(json_string_value(json_object_get(event, "ph")), "X") != 0) continue;
    if (json_integer_value(json_object_get(event, "pid")) != process) continue;
    if (json_integer_value(json_object_get(event, "tid")) != track) continue;
    const double begin = json_number_value(json_object_get(event, "ts"));
    assert_true(begin >= end);
    end = begin + json_number_value(json_object_get(event, "dur")) - 0.001;
    n++;
  }
  return n;
}

/* Whether a process, or a track of one (-1: none), has this name. */
static int is_named(const json_t *events, const char *kind, int process, int track, const char *name) {
  for (size_t i = 0; i < json_array_size(events); i++) {
    const json_t *event = json_array_get(events, i);
    if (strcmp(json_string_value(json_object_get(event, "name")), kind) == 0 &&
        json_integer_value(json_object_get(event, "pid")) == process &&
        (track < 0 || json_integer_value(json_object_get(event, "tid")) == track))
      return strcmp(json_string_value(json_object_get(json_object_get(event, "args"), "name")), name) == 0;
  }
  return 0;
}

static void test_threads(void **state) {
  (void)state;
  char *path = strdup(path_of("trace.json"));
  cli_trace *trace;
  assert_int_equal(cli_trace_open(&trace, path, "render"), CLI_OK);
  tlw_engine_options options[THREADS];
  pthread_t threads[THREADS];
  tlw_device device = {.backend = TLW_BACKEND_CPU, .name = HOSTILE};
  for (int i = 0; i < THREADS; i++) {
    tlw_engine_options_init(&options[i]);
    if (i % 2 == 0) cli_trace_listen(trace, i / 2, &options[i]);
    if (i % 2 == 1) options[i] = options[i - 1];
    options[i].threads = TLW_TRACK_ENCODER((uint32_t)i);
  }
  cli_trace_name(trace, 0, &device);
  cli_trace_name(trace, 1, &device);
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, send_spans, &options[i]), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  cli_trace_end(trace);
  send_spans(&options[0]); /* nothing comes of it */
  cli_trace_close(&trace);
  assert_null(trace);
  json_t *events = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(events);
  for (int i = 0; i < THREADS; i++) assert_int_equal(count_events(events, 2 + i / 2, 16 + i), SPANS);
  assert_true(is_named(events, "process_name", 1, -1, "tallow render"));
  assert_true(is_named(events, "process_name", 3, -1, "engine 1: cpu, " PLAIN));
  /* Which of two threads comes first is as it happens; each has its name. */
  assert_true(is_named(events, "thread_name", 2, 16, "encoder 0"));
  assert_true(is_named(events, "thread_name", 2, 17, "encoder 1"));
  assert_true(is_named(events, "thread_name", 3, 18, "encoder 2"));
  assert_true(is_named(events, "thread_name", 3, 19, "encoder 3"));
  assert_int_equal(n_warnings, 0);
  json_decref(events);
  unlink(path);
  free(path);
}

static void *read_all(void *user) {
  cli_buffer *text = user;
  char piece[4096];
  ssize_t n;
  const int descriptor = *(const int *)(const void *)text->bytes;
  cli_buffer_free(text);
  while ((n = read(descriptor, piece, sizeof piece)) > 0) cli_buffer_add(text, piece, (size_t)n);
  return NULL;
}

/* Who does not read the trace costs events, which are counted, and no time. */
static void test_lost(void **state) {
  (void)state;
  char *path = strdup(path_of("pipe"));
  assert_int_equal(mkfifo(path, 0666), 0);
  const int descriptor = open(path, O_RDONLY | O_NONBLOCK);
  assert_true(descriptor >= 0);
  cli_trace *trace;
  assert_int_equal(cli_trace_open(&trace, path, "render"), CLI_OK);
  for (int i = 0; i < MANY; i++) {
    const cli_stage stage = {.track = CLI_TRACK_MAIN, .name = "read", .file = "a.csv", .begun = cli_trace_now()};
    cli_trace_add(trace, &stage);
  }
  assert_int_equal(fcntl(descriptor, F_SETFL, 0), 0);
  cli_buffer text = {0};
  cli_buffer_add(&text, &descriptor, sizeof descriptor);
  pthread_t reader;
  assert_int_equal(pthread_create(&reader, NULL, read_all, &text), 0);
  cli_trace_close(&trace);
  pthread_join(reader, NULL);
  close(descriptor);
  json_t *events = json_loadb(text.bytes, text.length, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(events);
  const json_t *last = json_array_get(events, json_array_size(events) - 1);
  assert_string_equal(json_string_value(json_object_get(last, "name")), "lost_events");
  const json_int_t lost = json_integer_value(json_object_get(json_object_get(last, "args"), "lost"));
  assert_true(lost > 0);
  assert_int_equal(count_events(events, 1, CLI_TRACK_MAIN) + lost, MANY);
  assert_int_equal(n_warnings, 1);
  assert_non_null(strstr(warning, "events are missing"));
  json_decref(events);
  cli_buffer_free(&text);
  unlink(path);
  free(path);
}

#define SHORT_STAGES 1000
#define SHORT_NAMES 6 /* more than one moment has */

/* Short stages that follow each other by turns are an event for each name, one behind the other, with the sums of all. */
static void check_short_stages(int names) {
  static const char *const name[SHORT_NAMES] = {"read", "parse", "make", "draw", "write", "wait"};
  char *path = strdup(path_of("trace.json"));
  cli_trace *trace;
  assert_int_equal(cli_trace_open(&trace, path, "render"), CLI_OK);
  for (int i = 0; i < SHORT_STAGES; i++) {
    const cli_stage stage = {.track = CLI_TRACK_WRITER,
                             .name = name[i % names],
                             .begun = cli_trace_now(),
                             .items = 1 + i % names,
                             .bytes = 7,
                             .is_short = 1};
    cli_trace_add(trace, &stage);
  }
  cli_trace_close(&trace);
  json_t *events = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(events);
  int64_t items[SHORT_NAMES] = {0}, bytes = 0;
  for (size_t i = 0; i < json_array_size(events); i++) {
    const json_t *event = json_array_get(events, i), *args = json_object_get(event, "args");
    for (int k = 0; k < names; k++)
      if (strcmp(json_string_value(json_object_get(event, "name")), name[k]) == 0)
        items[k] += json_integer_value(json_object_get(args, "items"));
    bytes += json_integer_value(json_object_get(args, "bytes"));
  }
  for (int k = 0; k < names; k++) assert_int_equal(items[k], (k + 1) * ((SHORT_STAGES - k + names - 1) / names));
  assert_int_equal(bytes, 7 * SHORT_STAGES);
  assert_in_range(count_events(events, 1, CLI_TRACK_WRITER), names, SHORT_STAGES - (names > 4 ? 0 : 1));
  json_decref(events);
  unlink(path);
  free(path);
}

static void test_short_stages(void **state) {
  (void)state;
  for (int names = 1; names <= SHORT_NAMES; names++) check_short_stages(names);
}

static int forget_warnings(void **state) {
  (void)state;
  n_warnings = 0;
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_metrics),
      cmocka_unit_test(test_statistics),
      cmocka_unit_test_setup(test_threads, forget_warnings),
      cmocka_unit_test_setup(test_lost, forget_warnings),
      cmocka_unit_test_setup(test_short_stages, forget_warnings),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
