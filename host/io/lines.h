/* The lines of an input. The error that a function takes must not be NULL. */
#ifndef TALLOW_IO_LINES_H
#define TALLOW_IO_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

#define TLW_LINE_SIZE ((size_t)1 << 20) /* the longest line, in bytes */

struct tlw_lines {
  struct tlw_input *input;
  struct tlw_memory *memory; /* or NULL */
  char *block;               /* the buffer, with room to read beyond both of its ends */
  char *buffer;              /* as large as the longest line so far needs it */
  size_t capacity;
  size_t begin, end; /* what has been read and not yet handed out */
  size_t whole;      /* where the last whole line of that ends */
  size_t last;       /* where the line handed out last begins */
  int64_t number;    /* of the line handed out last, from 1 */
  bool too_long;     /* that line is longer than TLW_LINE_SIZE: its beginning was handed out */
  bool passing;      /* the rest of it is still to be passed over */
  bool ended;
};

/* Opens path as tlw_input_open does. *lines must be given to tlw_lines_close, also after a failure. */
tlw_status tlw_lines_open(struct tlw_lines *lines, const char *path, uint32_t expansion, struct tlw_memory *memory,
                          tlw_error *error);

/*
 * The next line without its LF or CRLF, nor the file's byte order mark; NULL at the end. It lies in the buffer and is
 * gone with the next call. TLW_ERR_MEMORY, TLW_ERR_BUDGET, and what tlw_input_read gives.
 */
tlw_status tlw_lines_next(struct tlw_lines *lines, const char **line, size_t *length, tlw_error *error);

/* The line handed out last, which was not too long, is the next one again. */
void tlw_lines_again(struct tlw_lines *lines);

/*
 * Whole lines that have been read and not yet handed out, with their line feeds: *size bytes, none if there are none,
 * and none that is too long. TLW_PLAIN_PADDING bytes before and behind them may be read.
 */
const char *tlw_lines_block(const struct tlw_lines *lines, size_t *size);

/* Takes so many bytes of the block, n_lines whole lines, as handed out. */
void tlw_lines_take(struct tlw_lines *lines, size_t size, int64_t n_lines);

void tlw_lines_close(struct tlw_lines *lines);

#endif
