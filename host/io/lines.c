#include "lines.h"

#include <inttypes.h>
#include <string.h>

#include "heap.h"
#include "host/base/error.h"

#define BLOCK_SIZE ((size_t)64 << 10)

static tlw_status grow(struct tlw_lines *lines, size_t capacity, tlw_error *error) {
  char *grown = tlw_heap_grow(lines->memory, lines->buffer, lines->capacity, capacity, "reading a CSV file", error);
  if (!grown) return error->code;
  lines->buffer = grown;
  lines->capacity = capacity;
  return TLW_OK;
}

tlw_status tlw_lines_open(struct tlw_lines *lines, const char *path, struct tlw_memory *memory, tlw_error *error) {
  *lines = (struct tlw_lines){.memory = memory};
  const tlw_status status = tlw_input_open(path, memory, &lines->input, error);
  return status == TLW_OK ? grow(lines, BLOCK_SIZE, error) : status;
}

static tlw_status hand_out(struct tlw_lines *lines, size_t size, size_t length, char **line, size_t *line_length,
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

/* Reads more behind what is left, which is at most the longest line. */
static tlw_status refill(struct tlw_lines *lines, tlw_error *error) {
  const size_t size = lines->end - lines->begin;
  memmove(lines->buffer, lines->buffer + lines->begin, size);
  lines->begin = 0;
  lines->end = size;
  if (lines->capacity - size < BLOCK_SIZE / 2) {
    const size_t most = TLW_LINE_SIZE + BLOCK_SIZE;
    const tlw_status status = grow(lines, lines->capacity < most / 2 ? 2 * lines->capacity : most, error);
    if (status != TLW_OK) return status;
  }
  size_t got = 0;
  const tlw_status status = tlw_input_read(lines->input, lines->buffer + size, lines->capacity - size, &got, error);
  if (status != TLW_OK) return status;
  lines->end += got;
  lines->ended = got == 0;
  return TLW_OK;
}

tlw_status tlw_lines_next(struct tlw_lines *lines, char **line, size_t *length, tlw_error *error) {
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
    const tlw_status status = refill(lines, error);
    if (status != TLW_OK) return status;
  }
}

void tlw_lines_close(struct tlw_lines *lines) {
  tlw_input_close(&lines->input);
  tlw_heap_free(lines->memory, lines->buffer, lines->capacity);
  lines->buffer = NULL;
}
