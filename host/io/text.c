#include "text.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

bool tlw_same_word(const char *text, size_t length, const char *word) {
  if (length != strlen(word)) return false;
  for (size_t i = 0; i < length; i++) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != word[i]) return false;
  }
  return true;
}

const char *tlw_show_text(char *out, size_t capacity, const char *text, size_t length) {
  size_t used = 0;
  size_t mark = 0; /* where "..." still fits */
  for (size_t i = 0; i < length; i++) {
    const unsigned char byte = (unsigned char)text[i];
    const size_t need = byte >= 0x20 && byte < 0x7f ? 1 : 4;
    if (used + need >= capacity) {
      memcpy(out + mark, "...", sizeof "...");
      return out;
    }
    if (need == 1)
      out[used] = (char)byte;
    else
      snprintf(out + used, 5, "\\x%02X", (unsigned)byte);
    used += need;
    if (used + sizeof "..." <= capacity) mark = used;
  }
  out[used] = '\0';
  return out;
}

const char *tlw_show_path(char out[TLW_SHOWN_PATH_SIZE], const char *path) {
  const size_t length = strlen(path);
  if (length < TLW_SHOWN_PATH_SIZE) return memcpy(out, path, length + 1);
  const char *tail = path + length - (TLW_SHOWN_PATH_SIZE - sizeof "...");
  while (((unsigned char)*tail & 0xc0) == 0x80) tail++; /* not from the middle of a UTF-8 character */
  snprintf(out, TLW_SHOWN_PATH_SIZE, "...%s", tail);
  return out;
}

const char *tlw_show_errno(char out[TLW_SHOWN_ERRNO_SIZE], int code) {
  const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (plain) {
    snprintf(out, TLW_SHOWN_ERRNO_SIZE, "%s", strerror_l(code, plain));
    freelocale(plain);
  } else {
    snprintf(out, TLW_SHOWN_ERRNO_SIZE, "errno %d", code);
  }
  return out;
}
