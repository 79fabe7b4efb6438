/* The lines of an input. */
#ifndef TALLOW_IO_LINES_H
#define TALLOW_IO_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

#define TLW_LINE_SIZE ((size_t)1 << 20) /* the longest line, in bytes */

typedef struct tlw_lines {
  tlw_input *input;
  char *buffer;
  size_t begin, end; /* what has been read and not yet handed out */
  int64_t number;    /* of the line handed out last, from 1 */
  bool ended;
} tlw_lines;

/* Opens path as tlw_input_open does. *lines must be given to tlw_lines_close, also after a failure. */
tlw_status tlw_lines_open(tlw_lines *lines, const char *path, tlw_error *error);

/*
 * The next line without its LF or CRLF, nor the file's byte order mark; NULL at the end. It lies in the buffer, may
 * be written to, and is gone with the next call. TLW_ERR_DATA: the line is longer than TLW_LINE_SIZE; and what
 * tlw_input_read gives.
 */
tlw_status tlw_lines_next(tlw_lines *lines, char **line, size_t *length, tlw_error *error);

void tlw_lines_close(tlw_lines *lines);

#endif
