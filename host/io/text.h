/* Words read and pieces of messages written. None of it depends on the locale. */
#ifndef TALLOW_IO_TEXT_H
#define TALLOW_IO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TLW_SHOWN_SIZE 48
#define TLW_SHOWN_PATH_SIZE 132
#define TLW_SHOWN_ERRNO_SIZE 96

/* Is the text that word of lower-case ASCII letters, in any case? */
bool tlw_same_word(const char *text, size_t length, const char *word);

/*
 * Writes text of any bytes as printable ASCII, others as \xHH, cut with "..." where it does not fit. Returns out.
 * capacity is at least 8.
 */
const char *tlw_show_text(char *out, size_t capacity, const char *text, size_t length);

/* The path as it is or, if it is too long, "..." and its end. Returns out. */
const char *tlw_show_path(char out[TLW_SHOWN_PATH_SIZE], const char *path);

/* The English text of an errno. Returns out. */
const char *tlw_show_errno(char out[TLW_SHOWN_ERRNO_SIZE], int code);

#endif
