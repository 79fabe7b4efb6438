/* The progress of a run as text, and the stream of its events: whoever reads it or not, nothing waits or fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/cli/event_stream.h"
#include "tools/cli/format.h"
#include "tools/cli/progress_text.h"

static const cli_progress_state unknown = {.charts = 0, .files = 1, .fraction = -1, .rate = -1, .seconds_left = -1};

static const cli_progress_state busy = {
    .charts = 12345,
    .found = 1000,
    .failed = 2,
    .elsewhere = 7,
    .files = 120,
    .files_done = 2,
    .name = "data/2024/aapl.csv",
    .bytes = 123456789012,
    .fraction = 0.4199,
    .rate = 812.4,
    .seconds_left = 31.2,
    .files_begun = 3,
};

static void check_line(const cli_progress_state *state, int width, const char *expected) {
  char line[CLI_LINE_SIZE];
  memset(line, 'x', sizeof line);
  cli_progress_line(state, width, line);
  assert_string_equal(line, expected);
}

static void test_line(void **unused) {
  (void)unused;
  check_line(&unknown, 80, "0 charts");
  check_line(&busy, 200, " 41%  12,345 charts  812/s  0:32 left  2 failed  1,000 found  file 3 of 120  aapl.csv");
  cli_progress_state state = unknown;
  state.charts = 1;
  state.rate = 0.44;
  check_line(&state, 80, "1 chart  0.4/s");
  state.fraction = 1;
  check_line(&state, 80, "100%  1 chart  0.4/s");
  state.name = "-";
  check_line(&state, 80, "100%  1 chart  0.4/s  -");
}

/* What has no room is left out; no line is wider than it may be. */
static void test_narrow(void **unused) {
  (void)unused;
  check_line(&busy, 0, "");
  check_line(&busy, 3, "");
  check_line(&busy, 4, " 41%");
  check_line(&busy, 19, " 41%  12,345 charts");
  check_line(&busy, 26, " 41%  12,345 charts  812/s");
  check_line(&busy, 85, " 41%  12,345 charts  812/s  0:32 left  2 failed  1,000 found  file 3 of 120  aapl.csv");
  check_line(&busy, 84, " 41%  12,345 charts  812/s  0:32 left  2 failed  1,000 found  file 3 of 120");
  cli_progress_state state = busy;
  state.name = "a-name-that-is-long.csv";
  check_line(&state, 90, " 41%  12,345 charts  812/s  0:32 left  2 failed  1,000 found  file 3 of 120  a-name-tha...");
  for (int width = 0; width < 200; width++) {
    char line[CLI_LINE_SIZE];
    cli_progress_line(&state, width, line);
    assert_true((int)strlen(line) <= width);
  }
}

/* Names are whole characters without control characters; one beyond ASCII may take two columns. */
static void test_names(void **unused) {
  (void)unused;
  cli_progress_state state = unknown;
  state.name = "caf\xc3\xa9.csv";
  check_line(&state, 80, "0 charts  caf\xc3\xa9.csv");
  state.name = "\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94.csv";
  check_line(&state, 10 + 14, "0 charts  \xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94.csv");
  check_line(&state, 10 + 13, "0 charts  \xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94...");
  check_line(&state, 10 + 12, "0 charts  \xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94...");
  state.name = "a\x1b[2J\n.csv";
  check_line(&state, 80, "0 charts  a?[2J?.csv");
  state.name = "folder/";
  check_line(&state, 80, "0 charts  folder/");
  char name[400];
  for (size_t length = 80; length < 120; length++) {
    memset(name, 'n', length);
    snprintf(name + length, sizeof name - length, "\xe6\xaf\x94\xe6\xaf\x94\xe6\xaf\x94.csv");
    state.name = name;
    char line[CLI_LINE_SIZE], plain[CLI_LINE_SIZE];
    cli_progress_line(&state, 300, line);
    memcpy(plain, line, sizeof plain);
    cli_make_plain(plain);
    assert_string_equal(line, plain);
    assert_memory_equal(line + 10, name, 70);
  }
}

static void test_event(void **unused) {
  (void)unused;
  char event[CLI_EVENT_SIZE];
  size_t size = cli_progress_event(&busy, event);
  assert_int_equal(size, strlen(event));
  assert_string_equal(event, "{\"event\":\"progress\",\"charts\":12345,\"found\":1000,\"failed\":2,\"elsewhere\":7,"
                             "\"files\":2,\"files_total\":120,\"bytes\":123456789012,\"fraction\":0.4199,"
                             "\"rate\":812.400,\"seconds_left\":31.2}\n");
  cli_progress_event(&unknown, event);
  assert_non_null(strstr(event, "\"fraction\":null,\"rate\":null,\"seconds_left\":null}\n"));
  const cli_progress_state most = {INT64_MIN,  INT64_MIN, INT64_MIN, INT64_MIN, INT32_MIN, INT32_MIN, NULL,
                                   UINT64_MAX, 1,         1e15,      1e15,      INT32_MIN, 0};
  size = cli_progress_event(&most, event);
  assert_int_equal(size, strlen(event));
  assert_int_equal(event[size - 1], '\n');
}

/* ---- the stream ---- */

typedef struct ends {
  int reader, writer;
} ends;

static ends make_pipe(void) {
  int both[2];
  assert_int_equal(pipe(both), 0);
  return (ends){both[0], both[1]};
}

static void send_text(cli_event_stream *stream, const char *line) {
  cli_event_stream_send(stream, line, strlen(line), 0);
}

static void test_stream(void **unused) {
  (void)unused;
  const ends e = make_pipe();
  cli_event_stream stream;
  cli_event_stream_start(&stream, e.writer);
  send_text(&stream, "one\n");
  send_text(&stream, "two\n");
  char got[16] = "";
  assert_int_equal(read(e.reader, got, sizeof got), 8);
  assert_memory_equal(got, "one\ntwo\n", 8);
  assert_int_equal(fcntl(e.writer, F_GETFL) & O_NONBLOCK, 0); /* others may share it */
  close(e.reader);
  close(e.writer);
}

static void test_no_stream(void **unused) {
  (void)unused;
  cli_event_stream stream;
  cli_event_stream_start(&stream, -1);
  send_text(&stream, "one\n");
  assert_int_equal(stream.descriptor, -1);
}

static void test_reader_gone(void **unused) {
  (void)unused;
  const ends e = make_pipe();
  cli_event_stream stream;
  cli_event_stream_start(&stream, e.writer);
  close(e.reader);
  send_text(&stream, "one\n");
  assert_int_equal(stream.descriptor, -1);
  send_text(&stream, "two\n");
  close(e.writer);
}

/* Lines that a full pipe does not take are lost; those that it takes are whole. */
static void check_full(int reader, int writer) {
  cli_event_stream stream;
  cli_event_stream_start(&stream, writer);
  char line[CLI_EVENT_SIZE];
  for (int i = 0; i < 100000; i++) {
    snprintf(line, sizeof line, "%06d %0300d\n", i, i);
    send_text(&stream, line);
  }
  assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
  static char got[1 << 22];
  size_t n = 0;
  int last = -1;
  for (int round = 0; round < 3; round++) {
    for (ssize_t k; n < sizeof got && (k = read(reader, got + n, sizeof got - n)) > 0;) n += (size_t)k;
    send_text(&stream, "the end\n");
  }
  for (ssize_t k; n < sizeof got && (k = read(reader, got + n, sizeof got - n)) > 0;) n += (size_t)k;
  assert_true(n < sizeof got);
  got[n] = 0;
  char *c = got;
  for (; *c && *c != 't'; c = strchr(c, '\n') + 1) {
    int i, again, used = 0;
    assert_int_equal(sscanf(c, "%d %d%n", &i, &again, &used), 2);
    assert_true(i > last && i == again);
    assert_int_equal(c[used], '\n');
    last = i;
  }
  assert_true(last >= 2 && last < 99999);
  assert_string_equal(c, "the end\nthe end\nthe end\n");
}

static void test_full_pipe(void **unused) {
  (void)unused;
  const ends e = make_pipe();
  check_full(e.reader, e.writer);
  close(e.reader);
  close(e.writer);
}

/* A socket may take a part of a line. */
static void test_full_socket(void **unused) {
  (void)unused;
  int both[2], size = 100000;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
  setsockopt(both[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  check_full(both[0], both[1]);
  close(both[0]);
  close(both[1]);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_line),        cmocka_unit_test(test_narrow),    cmocka_unit_test(test_names),
      cmocka_unit_test(test_event),       cmocka_unit_test(test_stream),    cmocka_unit_test(test_no_stream),
      cmocka_unit_test(test_reader_gone), cmocka_unit_test(test_full_pipe), cmocka_unit_test(test_full_socket),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
