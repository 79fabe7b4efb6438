#include "csv_record.h"

#include <string.h>

static inline bool is_blank(char c, char delimiter) {
  return (unsigned char)c <= ' ' && (c == ' ' || (c == '\t' && delimiter != '\t'));
}

static inline struct tlw_field trimmed(const char *begin, const char *end, char delimiter) {
  while (begin < end && is_blank(*begin, delimiter)) begin++;
  while (begin < end && is_blank(end[-1], delimiter)) end--;
  return (struct tlw_field){begin, (size_t)(end - begin), false};
}

/* As tlw_field_take, of a field that begins with a quote. */
static const char *take_quoted(const char *at, const char *end, char delimiter, struct tlw_field *field) {
  const char *const begin = ++at;
  bool doubled = false;
  for (;;) {
    at = memchr(at, '"', (size_t)(end - at));
    if (!at) return NULL;
    if (at + 1 == end || at[1] != '"') break;
    doubled = true;
    at += 2;
  }
  *field = trimmed(begin, at, delimiter);
  field->doubled = doubled;
  at++;
  while (at < end && is_blank(*at, delimiter)) at++;
  return at < end && *at != delimiter ? NULL : at;
}

/* The first delimiter, or end. Eight bytes at a time: a byte at a time, the length is hard to predict, and it costs. */
static inline const char *find(const char *at, const char *end, char delimiter) {
  const uint64_t wanted = UINT64_C(0x0101010101010101) * (unsigned char)delimiter;
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= wanted;
    const uint64_t found = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
    if (found) return at + __builtin_ctzll(found) / 8; /* the lowest bit is right, whatever is above it */
  }
  while (at < end && *at != delimiter) at++;
  return at;
}

static inline const char *take(const char *at, const char *end, char delimiter, struct tlw_field *field) {
  while (at < end && is_blank(*at, delimiter)) at++;
  if (at < end && *at == '"') return take_quoted(at, end, delimiter, field);
  const char *const begin = at;
  at = find(at, end, delimiter);
  const char *last = at;
  while (last > begin && is_blank(last[-1], delimiter)) last--;
  *field = (struct tlw_field){begin, (size_t)(last - begin), false};
  return at;
}

const char *tlw_field_take(const char *at, const char *end, char delimiter, struct tlw_field *field) {
  return take(at, end, delimiter, field);
}

bool tlw_field_copy(const struct tlw_field *field, char *out, size_t capacity, size_t *size) {
  size_t used = 0;
  for (size_t i = 0; i < field->length; i++) {
    if (used == capacity) return false;
    out[used++] = field->text[i];
    i += field->doubled && field->text[i] == '"';
  }
  *size = used;
  return true;
}

int32_t tlw_record_split(const char *line, size_t length, char delimiter, const struct tlw_place *place,
                         struct tlw_field *fields) {
  const char *const end = line + length;
  struct tlw_field ignored;
  const char *at = line;
  for (int32_t n = 0;; n++, at++) {
    struct tlw_field *field = n == place->column ? &fields[place->field] : &ignored;
    at = take(at, end, delimiter, field);
    if (!at) return -1 - n;
    if (n == place->column)
      for (place++; n == place->column; place++) fields[place->field] = *field;
    if (at == end) return n + 1;
  }
}

bool tlw_record_ends_empty(const char *line, size_t length, char delimiter) {
  while (length > 0 && is_blank(line[length - 1], delimiter)) length--;
  return length > 0 && line[length - 1] == delimiter;
}
