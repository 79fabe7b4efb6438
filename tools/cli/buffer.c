#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define FIRST_CAPACITY 512

void cli_buffer_free(cli_buffer *text) {
  free(text->bytes);
  *text = (cli_buffer){0};
}

void cli_buffer_clear(cli_buffer *text) {
  text->length = 0;
  text->failed = 0;
}

/* Room for size more bytes and a terminator. */
static int make_room(cli_buffer *text, size_t size) {
  if (text->failed) return 0;
  size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
  while (capacity - text->length <= size && capacity <= SIZE_MAX / 2) capacity *= 2;
  char *bytes = capacity > text->capacity ? realloc(text->bytes, capacity) : text->bytes;
  text->failed = bytes == NULL || capacity - text->length <= size;
  if (text->failed) return 0;
  text->bytes = bytes;
  text->capacity = capacity;
  return 1;
}

void cli_buffer_add(cli_buffer *text, const void *bytes, size_t size) {
  if (size == 0 || !make_room(text, size)) return;
  memcpy(text->bytes + text->length, bytes, size);
  text->length += size;
}

char *cli_buffer_room(cli_buffer *text, size_t size) {
  return make_room(text, size) ? text->bytes + text->length : NULL;
}

void cli_buffer_format(cli_buffer *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const int size = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (size < 0 || !make_room(text, (size_t)size)) return;
  va_start(args, format);
  vsnprintf(text->bytes + text->length, (size_t)size + 1, format, args);
  va_end(args);
  text->length += (size_t)size;
}

static void put_json(cli_buffer *text, const char *string, int is_lossless) {
  if (!string) {
    cli_buffer_add(text, "null", 4);
    return;
  }
  cli_buffer_add(text, "\"", 1);
  for (const unsigned char *c = (const unsigned char *)string; *c;) {
    const int length = cli_character_length(c);
    if (length == 0 && is_lossless)
      cli_buffer_format(text, "\\udc%02x", *c);
    else if (length == 0)
      cli_buffer_format(text, "\\ufffd");
    else if (*c == '"' || *c == '\\')
      cli_buffer_format(text, "\\%c", *c);
    else if (*c < 0x20 || *c == 0x7F)
      cli_buffer_format(text, "\\u%04x", *c);
    else
      cli_buffer_add(text, c, (size_t)length);
    c += length ? length : 1;
  }
  cli_buffer_add(text, "\"", 1);
}

void cli_buffer_json(cli_buffer *text, const char *string) { put_json(text, string, 1); }

void cli_buffer_plain_json(cli_buffer *text, const char *string) { put_json(text, string, 0); }

void cli_buffer_hex(cli_buffer *text, const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    cli_buffer_add(text, pair, sizeof pair);
  }
}

/* ---- reading ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of the four digits behind \u; -1. */
static int32_t unit_at(const char *string, size_t size) {
  if (size < 6 || string[0] != '\\' || string[1] != 'u') return -1;
  int32_t unit = 0;
  for (int i = 2; i < 6; i++) {
    const int digit = hex_digit(string[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/* The character in UTF-8, or the byte that a low surrogate alone stands for. Returns its bytes; 0: there is none. */
static size_t put_character(int32_t c, char out[4]) {
  if (c <= 0 || (c >= 0xD800 && c < 0xDC80) || (c > 0xDCFF && c < 0xE000)) return 0;
  if (c < 0x80 || (c >= 0xDC80 && c <= 0xDCFF)) {
    out[0] = (char)(c & 0xFF);
    return 1;
  }
  const size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const int heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = size - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (c & 0x3F));
    c >>= 6;
  }
  out[0] = (char)(heads[size] | c);
  return size;
}

/* Reads the escape at string. Returns its length and sets *n to how many bytes it gives; 0: it is none. */
static size_t read_escape(const char *string, size_t size, char out[4], size_t *n) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (size < 2) return 0;
  const char *letter = string[1] ? strchr(letters, string[1]) : NULL;
  if (letter) {
    out[0] = meant[letter - letters];
    *n = 1;
    return 2;
  }
  const int32_t high = unit_at(string, size);
  const int is_pair = high >= 0xD800 && high < 0xDC00;
  const int32_t low = is_pair ? unit_at(string + 6, size - 6) : -1;
  if (is_pair && (low < 0xDC00 || low > 0xDFFF)) return 0;
  *n = put_character(is_pair ? 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00) : high, out);
  return *n == 0 ? 0 : is_pair ? 12 : 6;
}

int64_t cli_json_decode(const char *string, size_t size, char *out, size_t capacity) {
  size_t used = 0;
  for (size_t i = 0; i < size;) {
    char bytes[4] = {string[i]};
    size_t n = 1, taken = 1;
    if (string[i] == '\\') taken = read_escape(string + i, size - i, bytes, &n);
    const int is_bare = taken == 1 && ((unsigned char)string[i] < 0x20 || string[i] == '"');
    if (taken == 0 || is_bare || used + n >= capacity) return -1;
    memcpy(out + used, bytes, n);
    used += n;
    i += taken;
  }
  if (capacity == 0) return -1;
  out[used] = 0;
  return (int64_t)used;
}
