#include "lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"

#define BLOCK_SIZE ((size_t)256 << 10)

tlw_status tlw_lines_open(tlw_lines *lines, const char *path, tlw_error *error) {
  *lines = (tlw_lines){0};
  const tlw_status status = tlw_input_open(path, &lines->input, error);
  if (status != TLW_OK) return status;
  lines->buffer = malloc(TLW_LINE_SIZE + BLOCK_SIZE);
  if (!lines->buffer) return tlw_fail(error, TLW_ERR_MEMORY, "no memory to read %s", tlw_input_name(lines->input));
  return TLW_OK;
}

static tlw_status hand_out(tlw_lines *lines, size_t size, size_t length, char **line, size_t *line_length,
                           tlw_error *error) {
  char *text = lines->buffer + lines->begin;
  lines->begin += size;
  lines->number++;
  if (length > TLW_LINE_SIZE)
    return tlw_fail_at(error, TLW_ERR_DATA, lines->number, -1,
                       "%s:%" PRId64 ": the line is longer than 1 MiB: give a CSV file, one row a line",
                       tlw_input_name(lines->input), lines->number);
  if (length > 0 && text[length - 1] == '\r') length--;
  if (lines->number == 1 && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
    text += 3;
    length -= 3;
  }
  *line = text;
  *line_length = length;
  return TLW_OK;
}

tlw_status tlw_lines_next(tlw_lines *lines, char **line, size_t *length, tlw_error *error) {
  size_t searched = 0;
  for (;;) {
    const char *text = lines->buffer + lines->begin;
    const size_t size = lines->end - lines->begin;
    const char *feed = memchr(text + searched, '\n', size - searched);
    if (feed) return hand_out(lines, (size_t)(feed - text) + 1, (size_t)(feed - text), line, length, error);
    if (size > TLW_LINE_SIZE || (lines->ended && size > 0)) return hand_out(lines, size, size, line, length, error);
    *line = NULL;
    if (lines->ended) return TLW_OK;

    searched = size;
    memmove(lines->buffer, text, size);
    lines->begin = 0;
    lines->end = size;
    size_t got = 0;
    const tlw_status status = tlw_input_read(lines->input, lines->buffer + size, BLOCK_SIZE, &got, error);
    if (status != TLW_OK) return status;
    lines->end += got;
    lines->ended = got == 0;
  }
}

void tlw_lines_close(tlw_lines *lines) {
  tlw_input_close(&lines->input);
  free(lines->buffer);
  lines->buffer = NULL;
}
