#include "lines.h"

#include <string.h>

#include "host/base/heap.h"
#include "plain.h"

#define BLOCK_SIZE ((size_t)256 << 10)
#define MOST (TLW_LINE_SIZE + BLOCK_SIZE)

static size_t padded(size_t capacity) { return capacity + 2 * (size_t)TLW_PLAIN_PADDING; }

static tlw_status grow(struct tlw_lines *lines, size_t capacity, tlw_error *error) {
  const size_t old_size = lines->block ? padded(lines->capacity) : 0;
  char *grown =
      tlw_heap_grow(lines->memory, lines->block, old_size, padded(capacity), "the lines of a CSV file", error);
  if (!grown) return error->code;
  memset(grown + old_size, 0, padded(capacity) - old_size);
  lines->block = grown;
  lines->buffer = grown + TLW_PLAIN_PADDING;
  lines->capacity = capacity;
  return TLW_OK;
}

tlw_status tlw_lines_open(struct tlw_lines *lines, const char *path, uint32_t expansion, struct tlw_memory *memory,
                          tlw_error *error) {
  *lines = (struct tlw_lines){.memory = memory};
  const tlw_status status = tlw_input_open(path, expansion, memory, &lines->input, error);
  return status == TLW_OK ? grow(lines, BLOCK_SIZE, error) : status;
}

/* A line of length bytes that takes size of the buffer. */
static void hand_out(struct tlw_lines *lines, size_t size, size_t length, const char **line, size_t *line_length) {
  const char *text = lines->buffer + lines->begin;
  lines->last = lines->begin;
  lines->begin += size;
  lines->number++;
  lines->too_long = length > TLW_LINE_SIZE;
  if (lines->too_long)
    length = TLW_LINE_SIZE;
  else if (length > 0 && text[length - 1] == '\r')
    length--;
  if (lines->number == 1 && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
    text += 3;
    length -= 3;
  }
  *line = text;
  *line_length = length;
}

/* Reads more behind what is left, which is at most the longest line. */
static tlw_status refill(struct tlw_lines *lines, tlw_error *error) {
  const size_t size = lines->end - lines->begin;
  memmove(lines->buffer, lines->buffer + lines->begin, size);
  lines->begin = 0;
  lines->end = size;
  lines->whole = 0;
  if (lines->capacity - size < BLOCK_SIZE / 2) {
    const tlw_status status = grow(lines, lines->capacity < MOST / 2 ? 2 * lines->capacity : MOST, error);
    if (status != TLW_OK) return status;
  }
  size_t got = 0;
  const tlw_status status = tlw_input_read(lines->input, lines->buffer + size, lines->capacity - size, &got, error);
  if (status != TLW_OK) return status;
  lines->end += got;
  lines->ended = got == 0;
  const char *feed = got ? memrchr(lines->buffer + size, '\n', got) : NULL;
  if (feed) lines->whole = (size_t)(feed - lines->buffer) + 1;
  return TLW_OK;
}

/* Drops what is left of a line that was too long. */
static tlw_status pass_over(struct tlw_lines *lines, tlw_error *error) {
  while (lines->passing) {
    const char *text = lines->buffer + lines->begin;
    const char *feed = memchr(text, '\n', lines->end - lines->begin);
    lines->begin = feed ? lines->begin + (size_t)(feed - text) + 1 : lines->end;
    lines->passing = !feed && !lines->ended;
    if (!lines->passing) break;
    const tlw_status status = refill(lines, error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

tlw_status tlw_lines_next(struct tlw_lines *lines, const char **line, size_t *length, tlw_error *error) {
  if (lines->passing) {
    const tlw_status status = pass_over(lines, error);
    if (status != TLW_OK) return status;
  }
  size_t searched = 0;
  for (;;) {
    const char *text = lines->buffer + lines->begin;
    const size_t size = lines->end - lines->begin;
    const char *feed = memchr(text + searched, '\n', size - searched);
    if (feed || size > TLW_LINE_SIZE || (lines->ended && size > 0)) {
      hand_out(lines, feed ? (size_t)(feed - text) + 1 : size, feed ? (size_t)(feed - text) : size, line, length);
      lines->passing = !feed && lines->too_long;
      return TLW_OK;
    }
    *line = NULL;
    if (lines->ended) return TLW_OK;
    searched = size;
    const tlw_status status = refill(lines, error);
    if (status != TLW_OK) return status;
  }
}

void tlw_lines_again(struct tlw_lines *lines) {
  lines->begin = lines->last;
  lines->number--;
}

const char *tlw_lines_block(const struct tlw_lines *lines, size_t *size) {
  const char *text = lines->buffer + lines->begin;
  *size = lines->whole > lines->begin && !lines->passing ? lines->whole - lines->begin : 0;
  if (*size > TLW_LINE_SIZE) { /* one of them may be too long */
    const char *feed = memrchr(text, '\n', TLW_LINE_SIZE);
    *size = feed ? (size_t)(feed - text) + 1 : 0;
  }
  return text;
}

void tlw_lines_take(struct tlw_lines *lines, size_t size, int64_t n_lines) {
  lines->begin += size;
  lines->number += n_lines;
}

void tlw_lines_close(struct tlw_lines *lines) {
  tlw_input_close(&lines->input);
  tlw_heap_free(lines->memory, lines->block, padded(lines->capacity));
  lines->block = NULL;
}
