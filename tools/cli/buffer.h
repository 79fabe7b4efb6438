/* Text that grows, and JSON strings in it. */
#ifndef CLI_BUFFER_H
#define CLI_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* All 0: empty. */
typedef struct cli_buffer {
  char *bytes; /* without a terminator; NULL: none yet */
  size_t length, capacity;
  int failed; /* 1: there was no memory, something is missing */
} cli_buffer;

void cli_buffer_free(cli_buffer *buffer);

/* Empties it; keeps its memory. */
void cli_buffer_clear(cli_buffer *buffer);

void cli_buffer_add(cli_buffer *buffer, const void *bytes, size_t size);

/* Where the next size bytes go: who writes them adds to length. NULL: there was no memory. */
char *cli_buffer_room(cli_buffer *buffer, size_t size);

void cli_buffer_format(cli_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Adds a JSON string in quotes, or null. Each byte that is not of valid UTF-8 becomes \udc80 to \udcff, so that
 * nothing of a file's name is lost.
 */
void cli_buffer_json(cli_buffer *buffer, const char *string);

/* Likewise, but each such byte becomes U+FFFD: for readers that take nothing else. */
void cli_buffer_plain_json(cli_buffer *buffer, const char *string);

void cli_buffer_hex(cli_buffer *buffer, const uint8_t *bytes, size_t size);

/*
 * Reads what stands between the quotes of a JSON string into out, with a terminator. Its length; -1 if it is not the
 * inside of such a string, holds a zero byte or does not fit.
 */
int64_t cli_json_decode(const char *string, size_t size, char *out, size_t capacity);

#endif
