/* The text of a chart description: reading it, telling why it is no JSON, and finding places in it. */
#ifndef CLI_SPEC_TEXT_H
#define CLI_SPEC_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "buffer.h"
#include "exit_codes.h"

typedef struct cli_spec_text {
  const char *name; /* for messages */
  cli_buffer bytes;
} cli_spec_text;

/*
 * Reads the file, or standard input where path is "-". CLI_OK, or another code after a message; *text must be freed in
 * both cases.
 */
cli_exit cli_spec_text_read(cli_spec_text *text, const char *path);
void cli_spec_text_free(cli_spec_text *text);

/* What it is as JSON, for json_decref; NULL after a message. Its strings are UTF-8 without zero bytes. */
json_t *cli_spec_text_parse(const cli_spec_text *text, cli_exit *code);

/* Puts "chart.json:3:12" in out, with a terminator: line and character at this offset, both from 1. */
void cli_spec_text_place(const cli_spec_text *text, size_t offset, cli_buffer *out);

/* ---- within what was parsed ---- */

/* The first byte at or behind `at` that is neither blank nor one of separators. */
size_t cli_spec_text_skip(const cli_spec_text *text, size_t at, const char *separators);

/* Behind the value that begins at `at`. */
size_t cli_spec_text_end(const cli_spec_text *text, size_t at);

#endif
