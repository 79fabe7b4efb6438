/* The lines of manifests: what is read and written again is the same, byte for byte, and nothing else is read. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "tools/cli/manifest.h"

static void check_written(cli_buffer *out, const char *line, size_t length) {
  FUZZ_CHECK(!out->failed && out->length == length && memcmp(out->bytes, line, length) == 0);
  cli_buffer_free(out);
}

static void check_inside(cli_span span, const char *line, size_t length) {
  FUZZ_CHECK(span.text >= line && span.text + span.length <= line + length);
}

static void check_entry(const char *line, size_t length) {
  cli_manifest_entry e;
  if (!cli_manifest_read_entry(line, length, &e)) return;
  FUZZ_CHECK(e.ordinal >= 0 && e.size >= 0);
  check_inside(e.identity, line, length);
  check_inside(e.result, line, length);
  if (e.name.text) check_inside(e.name, line, length);
  cli_buffer out = {0};
  cli_manifest_line(&out, e.ordinal, e.identity, e.result);
  check_written(&out, line, length);
}

static void check_end(const char *line, size_t length) {
  cli_manifest_tail tail;
  if (!cli_manifest_read_end(line, length, &tail)) return;
  cli_buffer out = {0};
  cli_manifest_end(&out, &tail.shard, tail.jobs, tail.failed, tail.total);
  check_written(&out, line, length);
}

static void check_name(const char *line, size_t length) {
  cli_shard shard = {0};
  if (!cli_manifest_read_name(line, length, &shard)) return;
  char name[CLI_MANIFEST_NAME_SIZE];
  cli_manifest_name(&shard, name);
  FUZZ_CHECK(strlen(name) == length && memcmp(name, line, length) == 0);
}

/* Any text written as a JSON string is read back. What is read as one is the same when it is written and read again. */
static void check_json(const char *line, size_t length) {
  char *text = malloc(length + 1), *back = malloc(length + 1);
  FUZZ_CHECK(text && back);
  const int64_t decoded = cli_json_decode(line, length, text, length + 1);
  for (int i = 0; i < 2; i++) {
    if (i == 0) {
      memcpy(text, line, length);
      text[length] = 0;
    } else {
      if (decoded < 0) break;
      FUZZ_CHECK(cli_json_decode(line, length, text, length + 1) == decoded && strlen(text) == (size_t)decoded);
    }
    cli_buffer out = {0};
    cli_buffer_json(&out, text);
    FUZZ_CHECK(!out.failed && out.length >= 2 && out.bytes[0] == '"' && out.bytes[out.length - 1] == '"');
    FUZZ_CHECK(cli_json_decode(out.bytes + 1, out.length - 2, back, length + 1) == (int64_t)strlen(text));
    FUZZ_CHECK(strcmp(text, back) == 0);
    cli_buffer_free(&out);
  }
  free(text);
  free(back);
}

/* A copy of its own, so that a byte beyond the line is seen. */
static void check_line(const uint8_t *bytes, size_t length) {
  char *line = malloc(length ? length : 1);
  FUZZ_CHECK(line);
  memcpy(line, bytes, length);
  check_entry(line, length);
  check_end(line, length);
  check_name(line, length);
  check_json(line, length);
  cli_manifest_is_header(line, length);
  free(line);
}

static void check_lines(const uint8_t *data, size_t size) {
  const int descriptor = open(fuzz_file(data, size), O_RDONLY | O_CLOEXEC);
  FUZZ_CHECK(descriptor >= 0);
  cli_lines lines;
  cli_lines_start(&lines, descriptor, 0);
  cli_span line;
  size_t at = 0;
  while (cli_lines_next(&lines, &line)) {
    FUZZ_CHECK((size_t)lines.offset == at && at + line.length < size && data[at + line.length] == '\n');
    FUZZ_CHECK(line.length == 0 || memcmp(line.text, data + at, line.length) == 0);
    at += line.length + 1;
  }
  FUZZ_CHECK(!memchr(data + at, '\n', size - at));
  cli_lines_end(&lines);
  close(descriptor);
}

static void check_difference(const uint8_t *data, size_t size) {
  const uint8_t *feed = size ? memchr(data, '\n', size) : NULL;
  if (!feed) return;
  const size_t length = (size_t)(feed - data);
  char shown[CLI_MANIFEST_SHOWN];
  memset(shown, 0x7f, sizeof shown);
  cli_manifest_difference((cli_span){(const char *)data, length}, (cli_span){(const char *)feed + 1, size - length - 1},
                          shown);
  FUZZ_CHECK(memchr(shown, 0, sizeof shown));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_lines(data, size);
  check_difference(data, size);
  for (size_t at = 0; at <= size;) {
    const uint8_t *feed = at < size ? memchr(data + at, '\n', size - at) : NULL;
    const size_t length = feed ? (size_t)(feed - data) - at : size - at;
    check_line(data + at, length);
    at += length + 1;
  }
  return 0;
}
