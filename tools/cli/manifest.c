#include "manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "tallow/png.h"
#include "tallow/version.h"

#define HEADER_START "{\"tallow\": \""
#define SHOWN_VALUE 80
#define FIRST_BUFFER 16384
#define MOST_BUFFER ((size_t)4 << 20) /* names and reasons are far shorter */

#define LITERAL(text) (text), sizeof(text) - 1

/* ---- names ---- */

void cli_manifest_name(const cli_shard *shard, char out[CLI_MANIFEST_NAME_SIZE]) {
  if (shard->count == 0)
    snprintf(out, CLI_MANIFEST_NAME_SIZE, "manifest.jsonl");
  else
    snprintf(out, CLI_MANIFEST_NAME_SIZE, "manifest-%" PRId64 "-of-%" PRId64 ".jsonl", shard->index, shard->count);
}

/* ---- writing ---- */

static void add_part(cli_buffer *out, const cli_option *option, const cli_part *part) {
  cli_buffer text = {0};
  cli_buffer_format(&text, "%.*s", part->length, part->given ? part->text : "");
  const cli_value value = {.text = part->given ? text.bytes : NULL, .number = part->number};
  cli_manifest_value(out, option, &value);
  out->failed |= text.failed;
  cli_buffer_free(&text);
}

static void add_list(cli_buffer *out, const cli_option *option, const cli_value *value) {
  for (int i = 0; i < value->n_parts; i++) {
    cli_buffer_format(out, i ? ", " : "[");
    add_part(out, option->parts, &value->parts[i]);
  }
  cli_buffer_format(out, value->n_parts ? "]" : "null");
}

static void add_members(cli_buffer *out, const cli_option *option, const cli_value *value) {
  for (int i = 0; i < option->n_parts; i++) {
    cli_buffer_format(out, "%s\"%s\": ", i ? ", " : "{", option->parts[i].name);
    add_part(out, &option->parts[i], &value->parts[i]);
  }
  cli_buffer_add(out, "}", 1);
}

void cli_manifest_value(cli_buffer *out, const cli_option *option, const cli_value *value) {
  char time[CLI_TIME_SIZE];
  switch (option->kind) {
  case CLI_FLAG:
    cli_buffer_format(out, value->given ? "true" : "false");
    return;
  case CLI_CHOICE: /* the first is the default of those that name none */
    cli_buffer_json(out, option->choices((int)value->number));
    return;
  case CLI_SIZE:
    if (!value->text) break;
    cli_buffer_format(out, "\"%" PRId32 "x%" PRId32 "\"", value->width, value->height);
    return;
  case CLI_TIME:
    cli_time_text(value->time, time);
    cli_buffer_json(out, value->text ? time : NULL);
    return;
  case CLI_TEXT:
    cli_buffer_json(out, value->text);
    return;
  case CLI_COLOR:
    if (value->number == CLI_COLOR_AUTO)
      cli_buffer_json(out, "auto");
    else
      cli_buffer_format(out, "\"#%06" PRIX64 "\"", value->number);
    return;
  case CLI_LIST:
    add_list(out, option, value);
    return;
  case CLI_MEMBERS:
    add_members(out, option, value);
    return;
  case CLI_NUMBER:
  case CLI_BYTES:
  case CLI_DURATION:
  case CLI_STREAM:
    break;
  }
  if (value->text)
    cli_buffer_format(out, "%" PRIu64, value->number);
  else
    cli_buffer_format(out, "null");
}

/* Whether an option decides the files. */
static int is_parameter(const cli_option *option) {
  return cli_is_setting(option) || option->group == CLI_GROUP_INPUT || option->group == CLI_GROUP_BAD_ROWS;
}

/* What decides the bytes of the files beside Tallow, or the version of its own coding. */
static void add_libraries(cli_buffer *out, tlw_png_coding coding) {
  if (coding == TLW_PNG_FAST) cli_buffer_format(out, "\"tallow-png\": \"%d\"", TLW_PNG_FAST_VERSION);
  if (coding == TLW_PNG_SMALL)
    cli_buffer_format(out, "\"libdeflate\": \"0\""); /* of its interface; it tells no other */
  for (int i = 0; coding == TLW_PNG_LIBPNG && tlw_library_name(i); i++) {
    cli_buffer_format(out, "%s\"%s\": ", i ? ", " : "", tlw_library_name(i));
    cli_buffer_json(out, tlw_library_version(i));
  }
}

void cli_manifest_header(cli_buffer *out, const cli_args *args, const char *zones) {
  const char *comma = "";
  cli_buffer_format(out, HEADER_START "%s\", \"manifest\": 1, \"parameters\": {", tlw_version());
  for (int i = 0; i < args->command->n_options; i++) {
    const cli_option *option = &args->command->options[i];
    if (!is_parameter(option)) continue;
    const int follows_window = i == RENDER_STRIDE && !args->values[i].given;
    cli_buffer_format(out, "%s\"%s\": ", comma, option->name);
    cli_manifest_value(out, option, &args->values[follows_window ? RENDER_WINDOW : i]);
    comma = ", ";
  }
  cli_buffer_format(out, "}, \"libraries\": {");
  add_libraries(out, (tlw_png_coding)args->values[RENDER_PNG].number);
  if (zones) cli_buffer_format(out, ", \"tzdata\": ");
  if (zones) cli_buffer_json(out, zones);
  cli_buffer_format(out, "}}");
}

static void add_digest(cli_buffer *out, const char *name, const uint8_t *digest) {
  cli_buffer_format(out, ", \"%s\": \"", name);
  cli_buffer_hex(out, digest, TLW_DIGEST_SIZE);
  cli_buffer_add(out, "\"", 1);
}

void cli_manifest_identity(cli_buffer *out, const cli_manifest_job *job) {
  cli_buffer_format(out, "\"name\": ");
  cli_buffer_json(out, job->name);
  cli_buffer_format(out, ", \"source\": ");
  cli_buffer_json(out, job->source);
  cli_buffer_format(out, ", \"symbol\": ");
  cli_buffer_json(out, job->symbol);
  if (job->window < 0)
    cli_buffer_format(out, ", \"window\": null");
  else
    cli_buffer_format(out, ", \"window\": %" PRId64, job->window);
  if (job->rows == 0) {
    cli_buffer_format(out, ", \"range\": null, \"data\": null");
    return;
  }
  char first[CLI_TIME_SIZE], last[CLI_TIME_SIZE];
  cli_time_text(job->first, first);
  cli_time_text(job->last, last);
  cli_buffer_format(out, ", \"range\": {\"first\": ");
  cli_buffer_json(out, job->lacks_times ? NULL : first);
  cli_buffer_format(out, ", \"last\": ");
  cli_buffer_json(out, job->lacks_times ? NULL : last);
  cli_buffer_format(out, ", \"rows\": %" PRId64 "}", job->rows);
  add_digest(out, "data", job->data);
}

void cli_manifest_drawn(cli_buffer *out, int64_t size, int32_t width, int32_t height, const uint8_t *file,
                        const uint8_t *raster) {
  cli_buffer_format(out, "\"status\": \"ok\", \"size\": %" PRId64 ", \"width\": %" PRId32 ", \"height\": %" PRId32,
                    size, width, height);
  add_digest(out, "sha256", file);
  add_digest(out, "raster_sha256", raster);
}

void cli_manifest_failed(cli_buffer *out, int code, const char *reason) {
  cli_buffer_format(out, "\"status\": \"failed\", \"exit_code\": %d, \"reason\": ", code);
  cli_buffer_json(out, reason);
}

void cli_manifest_line(cli_buffer *out, int64_t ordinal, cli_span identity, cli_span result) {
  cli_buffer_format(out, "{\"ordinal\": %" PRId64 ", ", ordinal);
  cli_buffer_add(out, identity.text, identity.length);
  cli_buffer_add(out, LITERAL(", "));
  cli_buffer_add(out, result.text, result.length);
  cli_buffer_add(out, "}", 1);
}

void cli_manifest_end(cli_buffer *out, const cli_shard *shard, int64_t jobs, int64_t failed, int64_t total) {
  cli_buffer_format(out, "{\"jobs\": %" PRId64 ", \"failed\": %" PRId64, jobs, failed);
  if (shard->count > 0)
    cli_buffer_format(out, ", \"shard\": %" PRId64 ", \"of\": %" PRId64 ", \"total\": %" PRId64, shard->index,
                      shard->count, total);
  cli_buffer_add(out, "}", 1);
}

/* ---- reading ---- */

/* What is left of a text. Each take goes behind what it was asked for and returns 1, or returns 0. */
struct cursor {
  const char *at, *end;
};

static int take(struct cursor *c, const char *literal, size_t length) {
  if ((size_t)(c->end - c->at) < length || memcmp(c->at, literal, length) != 0) return 0;
  c->at += length;
  return 1;
}

/* As it is written: without leading zeros, below 2^62. */
static int take_number(struct cursor *c, int64_t *number) {
  const char *start = c->at;
  *number = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
    if (*number >= INT64_C(1) << 58) return 0;
    *number = *number * 10 + (*c->at - '0');
  }
  return c->at > start && (*start != '0' || c->at == start + 1);
}

static int take_string(struct cursor *c, cli_span *inside) {
  if (!take(c, "\"", 1)) return 0;
  inside->text = c->at;
  for (; c->at < c->end && *c->at != '"'; c->at++) {
    if ((unsigned char)*c->at < 0x20) return 0;
    if (*c->at == '\\' && ++c->at == c->end) return 0;
  }
  inside->length = (size_t)(c->at - inside->text);
  return take(c, "\"", 1);
}

static int take_string_or_null(struct cursor *c, cli_span *inside) {
  *inside = (cli_span){0};
  return take(c, LITERAL("null")) || take_string(c, inside);
}

static int take_digest(struct cursor *c, uint8_t *out) {
  cli_span hex;
  if (!take_string(c, &hex) || hex.length != 2 * TLW_DIGEST_SIZE) return 0;
  for (size_t i = 0; i < hex.length; i++) {
    const char digit = hex.text[i];
    const int value = digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
    if (value < 0) return 0;
    out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] << 4 | value : value);
  }
  return 1;
}

static int take_range(struct cursor *c) {
  cli_span time;
  uint8_t digest[TLW_DIGEST_SIZE];
  int64_t rows;
  if (take(c, LITERAL("null, \"data\": null"))) return 1;
  return take(c, LITERAL("{\"first\": ")) && take_string_or_null(c, &time) && take(c, LITERAL(", \"last\": ")) &&
         take_string_or_null(c, &time) && take(c, LITERAL(", \"rows\": ")) && take_number(c, &rows) && rows > 0 &&
         take(c, LITERAL("}, \"data\": ")) && take_digest(c, digest);
}

static int take_identity(struct cursor *c, cli_manifest_entry *entry) {
  cli_span other;
  int64_t window;
  return take(c, LITERAL("\"name\": ")) && take_string_or_null(c, &entry->name) && take(c, LITERAL(", \"source\": ")) &&
         take_string(c, &other) && take(c, LITERAL(", \"symbol\": ")) && take_string_or_null(c, &other) &&
         take(c, LITERAL(", \"window\": ")) && (take(c, LITERAL("null")) || take_number(c, &window)) &&
         take(c, LITERAL(", \"range\": ")) && take_range(c);
}

static int take_result(struct cursor *c, cli_manifest_entry *entry) {
  uint8_t raster[TLW_DIGEST_SIZE];
  cli_span reason;
  int64_t code = 0, width, height;
  entry->failed = take(c, LITERAL("\"status\": \"failed\", \"exit_code\": "));
  if (entry->failed) {
    const int read =
        take_number(c, &code) && code <= 255 && take(c, LITERAL(", \"reason\": ")) && take_string(c, &reason);
    entry->exit_code = (int)code;
    return read;
  }
  return take(c, LITERAL("\"status\": \"ok\", \"size\": ")) && take_number(c, &entry->size) &&
         take(c, LITERAL(", \"width\": ")) && take_number(c, &width) && take(c, LITERAL(", \"height\": ")) &&
         take_number(c, &height) && take(c, LITERAL(", \"sha256\": ")) && take_digest(c, entry->sha256) &&
         take(c, LITERAL(", \"raster_sha256\": ")) && take_digest(c, raster);
}

int cli_manifest_read_entry(const char *text, size_t length, cli_manifest_entry *entry) {
  struct cursor c = {text, text + length};
  *entry = (cli_manifest_entry){0};
  if (!take(&c, LITERAL("{\"ordinal\": ")) || !take_number(&c, &entry->ordinal) || !take(&c, LITERAL(", "))) return 0;
  entry->identity.text = c.at;
  if (!take_identity(&c, entry)) return 0;
  entry->identity.length = (size_t)(c.at - entry->identity.text);
  if (!take(&c, LITERAL(", "))) return 0;
  entry->result.text = c.at;
  if (!take_result(&c, entry)) return 0;
  entry->result.length = (size_t)(c.at - entry->result.text);
  return take(&c, "}", 1) && c.at == c.end && (entry->failed || entry->name.text);
}

int cli_manifest_read_end(const char *text, size_t length, cli_manifest_tail *tail) {
  struct cursor c = {text, text + length};
  *tail = (cli_manifest_tail){0};
  if (!take(&c, LITERAL("{\"jobs\": ")) || !take_number(&c, &tail->jobs) || !take(&c, LITERAL(", \"failed\": ")) ||
      !take_number(&c, &tail->failed))
    return 0;
  tail->total = tail->jobs;
  if (take(&c, LITERAL(", \"shard\": ")) &&
      !(take_number(&c, &tail->shard.index) && take(&c, LITERAL(", \"of\": ")) && take_number(&c, &tail->shard.count) &&
        tail->shard.index >= 1 && tail->shard.index <= tail->shard.count && tail->shard.count <= CLI_SHARDS_MAX &&
        take(&c, LITERAL(", \"total\": ")) && take_number(&c, &tail->total)))
    return 0;
  return take(&c, "}", 1) && c.at == c.end;
}

int cli_manifest_read_name(const char *name, size_t length, cli_shard *shard) {
  struct cursor c = {name, name + length};
  *shard = (cli_shard){0};
  if (!take(&c, LITERAL("manifest"))) return 0;
  if (take(&c, "-", 1) &&
      !(take_number(&c, &shard->index) && take(&c, LITERAL("-of-")) && take_number(&c, &shard->count) &&
        shard->index >= 1 && shard->index <= shard->count && shard->count <= CLI_SHARDS_MAX))
    return 0;
  return take(&c, LITERAL(".jsonl")) && c.at == c.end;
}

int cli_manifest_is_header(const char *text, size_t length) {
  struct cursor c = {text, text + length};
  return take(&c, LITERAL(HEADER_START));
}

/* A list of what is no list itself. */
static int pass_list(struct cursor *c) {
  cli_span inside;
  while (c->at < c->end && *c->at != ']') {
    if (*c->at != '"')
      c->at++;
    else if (!take_string(c, &inside))
      return 0;
  }
  return take(c, "]", 1);
}

/* The next member whose value is no object, of this one or of one within it. */
static int next_member(struct cursor *c, cli_span *name, cli_span *value) {
  for (; c->at < c->end; c->at++) {
    if (*c->at != '"') continue;
    if (!take_string(c, name) || !take(c, LITERAL(": "))) return 0;
    if (c->at < c->end && *c->at == '{') continue;
    value->text = c->at;
    cli_span inside;
    if (c->at < c->end && *c->at == '"') {
      if (!take_string(c, &inside)) return 0;
    } else if (c->at < c->end && *c->at == '[') {
      if (!pass_list(c)) return 0;
    } else {
      while (c->at < c->end && *c->at != ',' && *c->at != '}') c->at++;
    }
    value->length = (size_t)(c->at - value->text);
    return 1;
  }
  return 0;
}

static int is_equal(cli_span a, cli_span b) { return a.length == b.length && memcmp(a.text, b.text, a.length) == 0; }

static int shown(cli_span span) { return (int)(span.length < SHOWN_VALUE ? span.length : SHOWN_VALUE); }

void cli_manifest_difference(cli_span ours, cli_span theirs, char out[CLI_MANIFEST_SHOWN]) {
  struct cursor a = {ours.text, ours.text + ours.length}, b = {theirs.text, theirs.text + theirs.length};
  cli_span name, value, other_name, other_value;
  snprintf(out, CLI_MANIFEST_SHOWN, "the names of its parameters are others");
  while (next_member(&a, &name, &value) && next_member(&b, &other_name, &other_value) && is_equal(name, other_name)) {
    if (is_equal(value, other_value)) continue;
    snprintf(out, CLI_MANIFEST_SHOWN, "%.*s is %.*s, and was %.*s there", shown(name), name.text, shown(value),
             value.text, shown(other_value), other_value.text);
    return;
  }
}

/* ---- lines of an open file ---- */

void cli_lines_start(cli_lines *lines, int descriptor, int64_t offset) {
  *lines = (cli_lines){.descriptor = descriptor, .next = offset};
}

void cli_lines_end(cli_lines *lines) {
  free(lines->buffer);
  lines->buffer = NULL;
}

void cli_lines_seek(cli_lines *lines, int64_t offset) { lines->next = offset; }

static int grow(cli_lines *lines) {
  const size_t capacity = lines->capacity ? 2 * lines->capacity : FIRST_BUFFER;
  char *buffer = capacity <= MOST_BUFFER ? realloc(lines->buffer, capacity) : NULL;
  if (!buffer) {
    lines->error = capacity <= MOST_BUFFER ? ENOMEM : EFBIG;
    return 0;
  }
  lines->buffer = buffer;
  lines->capacity = capacity;
  return 1;
}

/* Reads on behind what is in the buffer, of which what lies before the next line is dropped. 0: nothing was read. */
static int read_on(cli_lines *lines) {
  const int64_t passed = lines->next - lines->at;
  const int is_near = passed >= 0 && passed <= (int64_t)lines->used;
  const size_t kept = is_near ? lines->used - (size_t)passed : 0;
  if (kept > 0) memmove(lines->buffer, lines->buffer + passed, kept);
  lines->at = lines->next;
  lines->used = kept;
  if (kept == lines->capacity && !grow(lines)) return 0;
  ssize_t n;
  do n = pread(lines->descriptor, lines->buffer + kept, lines->capacity - kept, lines->at + (int64_t)kept);
  while (n < 0 && errno == EINTR);
  if (n < 0) lines->error = errno;
  if (n > 0) lines->used += (size_t)n;
  return n > 0;
}

int cli_lines_next(cli_lines *lines, cli_span *line) {
  size_t searched = 0;
  for (;;) {
    const int64_t passed = lines->next - lines->at;
    if (passed >= 0 && passed <= (int64_t)lines->used) {
      const char *start = lines->buffer ? lines->buffer + passed : NULL;
      const size_t size = lines->used - (size_t)passed;
      const char *end = size > searched ? memchr(start + searched, '\n', size - searched) : NULL;
      searched = size;
      if (end) {
        *line = (cli_span){start, (size_t)(end - start)};
        lines->offset = lines->next;
        lines->next += (int64_t)line->length + 1;
        return 1;
      }
    }
    if (!read_on(lines)) return 0;
  }
}
