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
  char *buffer;              /* as large as the longest line so far needs it */
  size_t capacity;
  size_t begin, end; /* what has been read and not yet handed out */
  int64_t number;    /* of the line handed out last, from 1 */
  bool ended;
};

/* Opens path as tlw_input_open does. *lines must be given to tlw_lines_close, also after a failure. */
tlw_status tlw_lines_open(struct tlw_lines *lines, const char *path, struct tlw_memory *memory, tlw_error *error);

/*
 * The next line without its LF or CRLF, nor the file's byte order mark; NULL at the end. It lies in the buffer, may
 * be written to, and is gone with the next call. TLW_ERR_DATA: the line is longer than TLW_LINE_SIZE;
 * TLW_ERR_MEMORY, TLW_ERR_BUDGET; and what tlw_input_read gives.
 */
tlw_status tlw_lines_next(struct tlw_lines *lines, char **line, size_t *length, tlw_error *error);

void tlw_lines_close(struct tlw_lines *lines);

#endif
