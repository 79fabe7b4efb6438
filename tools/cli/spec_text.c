#include "spec_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define MOST_BYTES ((size_t)1 << 20)
#define PIECE 65536
#define SHOWN_TOKEN 40

#define BLANKS " \t\r\n"
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* ---- reading ---- */

static cli_exit fail_read(const cli_spec_text *text, int code) {
  const cli_exit exit_code = code == EIO ? CLI_IO : CLI_NO_INPUT;
  return cli_fail(exit_code, "--spec %s: can't read it: %s", text->name, strerror(code));
}

static cli_exit read_all(cli_spec_text *text, int descriptor) {
  char piece[PIECE];
  for (;;) {
    const ssize_t n = read(descriptor, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_read(text, errno);
    if (n == 0) return CLI_OK;
    cli_buffer_add(&text->bytes, piece, (size_t)n);
    if (text->bytes.failed) return cli_fail(CLI_NO_MEMORY, "no memory for --spec %s", text->name);
    if (text->bytes.length > MOST_BYTES)
      return cli_fail(CLI_DATA, "%s is longer than 1 MiB: that is no description of a chart", text->name);
  }
}

static void drop_byte_order_mark(cli_buffer *bytes) {
  const size_t size = sizeof BYTE_ORDER_MARK - 1;
  if (bytes->length < size || memcmp(bytes->bytes, BYTE_ORDER_MARK, size) != 0) return;
  bytes->length -= size;
  memmove(bytes->bytes, bytes->bytes + size, bytes->length);
}

cli_exit cli_spec_text_read(cli_spec_text *text, const char *path) {
  *text = (cli_spec_text){.name = cli_shown_name(path)};
  if (strcmp(path, "-") == 0) {
    const cli_exit code = read_all(text, STDIN_FILENO);
    if (!code) drop_byte_order_mark(&text->bytes);
    return code;
  }
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail_read(text, errno);
  const cli_exit code = read_all(text, descriptor);
  close(descriptor);
  if (!code) drop_byte_order_mark(&text->bytes);
  return code;
}

void cli_spec_text_free(cli_spec_text *text) { cli_buffer_free(&text->bytes); }

/* ---- places ---- */

static int is_one_of(char c, const char *set) { return c != 0 && strchr(set, c) != NULL; }

void cli_spec_text_place(const cli_spec_text *text, size_t offset, cli_buffer *out) {
  size_t line = 1, column = 1;
  for (size_t i = 0; i < offset && i < text->bytes.length; i++) {
    const unsigned char c = (unsigned char)text->bytes.bytes[i];
    if (c == '\n') line++;
    if (c == '\n')
      column = 1;
    else if ((c & 0xC0) != 0x80) /* of a character of several bytes the first counts */
      column++;
  }
  cli_buffer_clear(out);
  cli_buffer_format(out, "%s:%zu:%zu", text->name, line, column);
}

size_t cli_spec_text_skip(const cli_spec_text *text, size_t at, const char *separators) {
  const cli_buffer *b = &text->bytes;
  while (at < b->length && (is_one_of(b->bytes[at], BLANKS) || is_one_of(b->bytes[at], separators))) at++;
  return at;
}

static size_t string_end(const cli_buffer *b, size_t at) {
  for (at++; at < b->length && b->bytes[at] != '"' && b->bytes[at] != '\n'; at++)
    if (b->bytes[at] == '\\') at++;
  return at < b->length ? at + 1 : b->length;
}

/* Behind the string, the word, the number or the sign at `at`. */
static size_t token_end(const cli_buffer *b, size_t at) {
  if (b->bytes[at] == '"') return string_end(b, at);
  size_t end = at;
  while (end < b->length && !is_one_of(b->bytes[end], BLANKS "{}[],:\"")) end++;
  return end > at ? end : at + 1;
}

size_t cli_spec_text_end(const cli_spec_text *text, size_t at) {
  const cli_buffer *b = &text->bytes;
  int depth = 0;
  do {
    at = cli_spec_text_skip(text, at, "");
    if (at >= b->length) return b->length;
    depth += is_one_of(b->bytes[at], "{[");
    depth -= is_one_of(b->bytes[at], "}]");
    at = token_end(b, at);
  } while (depth > 0);
  return at;
}

/* ---- why it is no JSON ---- */

/* The last token that begins ahead of an offset; *before: what stands ahead of it, 0 for nothing. */
static size_t token_before(const cli_spec_text *text, size_t offset, char *before) {
  const cli_buffer *b = &text->bytes;
  size_t token = 0;
  *before = 0;
  for (size_t at = cli_spec_text_skip(text, 0, ""); at < offset && at < b->length;) {
    if (at > token) *before = b->bytes[token];
    token = at;
    at = cli_spec_text_skip(text, token_end(b, at), "");
  }
  return token;
}

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static int begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* What is wrong with a token, by the sign it begins with, the one ahead of it and what the parser says; NULL: unknown. */
static const char *common_mistake(char first, char before, const char *says) {
  if (first == '/' || first == '#') return "JSON has no comments";
  if ((first == '}' || first == ']') && before == ',') return "there must be no comma ahead of it";
  if (first == '\'') return "text stands in double quotes";
  if (begins(says, "':' expected")) return "a colon is missing ahead of it";
  if (begins(says, "'}' expected") || begins(says, "']' expected")) return "a comma is missing ahead of it";
  if (is_letter(first)) return "text and keys stand in double quotes; words without are true, false and null";
  return NULL;
}

static cli_exit fail_at(const cli_spec_text *text, size_t offset, const char *why) {
  cli_buffer place = {0};
  cli_spec_text_place(text, offset, &place);
  const cli_exit code = place.failed ? cli_fail(CLI_NO_MEMORY, "no memory for --spec %s", text->name)
                                     : cli_fail(CLI_DATA, "%s: %s", place.bytes, why);
  cli_buffer_free(&place);
  return code;
}

/* The parser stands behind the token that it did not expect. */
static cli_exit fail_syntax(const cli_spec_text *text, const json_error_t *error) {
  char before, why[256];
  const size_t position = (size_t)(error->position > 0 ? error->position : 1);
  const size_t token = token_before(text, position, &before);
  const char *start = text->bytes.bytes + token;
  if (strstr(error->text, "escape") || strstr(error->text, "Unicode"))
    return fail_at(text, position - 1, "this is no escape of JSON");
  if (*start == '"' && token_end(&text->bytes, token) > position)
    return fail_at(text, position, "text must not hold the end of a line or another control character: write \\n");
  const int length = (int)(token_end(&text->bytes, token) - token);
  const char *mistake = common_mistake(*start, before, error->text);
  snprintf(why, sizeof why, "'%.*s%s' is no JSON here%s%s", length < SHOWN_TOKEN ? length : SHOWN_TOKEN, start,
           length < SHOWN_TOKEN ? "" : "...", mistake ? ": " : "", mistake ? mistake : "");
  return fail_at(text, token, why);
}

static cli_exit fail_parse(const cli_spec_text *text, const json_error_t *error) {
  char before, why[256];
  const size_t position = (size_t)error->position;
  const size_t token = token_before(text, position, &before);
  const int length = (int)(token_end(&text->bytes, token) - token);
  switch (json_error_code(error)) {
  case json_error_out_of_memory:
    return cli_fail(CLI_NO_MEMORY, "no memory for --spec %s", text->name);
  case json_error_stack_overflow:
    return fail_at(text, position, "it is nested too deeply: a description is one object of settings");
  case json_error_invalid_utf8:
    return fail_at(text, position, "this byte is not UTF-8, in which a description must be");
  case json_error_premature_end_of_input:
    return fail_at(text, position, "it ends too early: a quote, ] or } is missing");
  case json_error_end_of_input_expected:
    return fail_at(text, token, "nothing may follow the object");
  case json_error_null_character:
  case json_error_null_byte_in_key:
    return fail_at(text, token, "text must not hold \\u0000");
  case json_error_duplicate_key:
    snprintf(why, sizeof why, "%.*s is there twice: give it once", length < SHOWN_TOKEN ? length : SHOWN_TOKEN,
             text->bytes.bytes + token);
    return fail_at(text, token, why);
  case json_error_numeric_overflow:
    return fail_at(text, token, "this number is too large");
  default:
    return fail_syntax(text, error);
  }
}

json_t *cli_spec_text_parse(const cli_spec_text *text, cli_exit *code) {
  const cli_buffer *b = &text->bytes;
  const size_t start = cli_spec_text_skip(text, 0, "");
  const char *zero = b->length ? memchr(b->bytes, 0, b->length) : NULL;
  json_t *root = NULL;
  json_error_t error;
  if (zero)
    *code = fail_at(text, (size_t)(zero - b->bytes), "this byte is zero: a description is text in UTF-8");
  else if (start == b->length)
    *code = cli_fail(CLI_DATA, "%s is empty: a description is an object, at least {}", text->name);
  else if (!(root = json_loadb(b->bytes, b->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL,
                               &error)))
    *code = fail_parse(text, &error);
  else if (!json_is_object(root))
    *code = fail_at(text, start, "a description is an object, such as {\"size\": \"800x600\"}");
  if (*code) json_decref(root);
  return *code ? NULL : root;
}
