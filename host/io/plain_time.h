/* Times in the commonest forms, eight bytes at a time. What is refused here may still be one for the general path. */
#ifndef TALLOW_IO_PLAIN_TIME_H
#define TALLOW_IO_PLAIN_TIME_H

#include <string.h>

#include "plain_tier.h"
#include "plain_vector.h"
#include "time_text.h"

#define TLW_PLAIN_SECOND INT64_C(1000000000)

struct tlw_plain_moment {
  int64_t seconds;
  uint32_t nanoseconds;
};

/* Eight bytes, the first of them lowest. */
static inline uint64_t tlw_plain_load(const char *text) {
  uint64_t word;
  memcpy(&word, text, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

static inline uint32_t tlw_plain_digit(char c) { return (uint32_t)(unsigned char)c - '0'; }

#define TLW_PLAIN_NO_PAIR 10000 /* so much that what it is part of is out of range too */

/* Two digits. */
static inline uint32_t tlw_plain_pair(const char *text) {
  const uint32_t tens = tlw_plain_digit(text[0]), ones = tlw_plain_digit(text[1]);
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : TLW_PLAIN_NO_PAIR;
}

/* Whether a byte of word is above its limit, which is 127 less what is added to it. */
static inline bool tlw_plain_exceeds(uint64_t word, uint64_t added) {
  /* Only bytes above 127 carry, and they show as such. */
  return ((word + added) | word) & UINT64_C(0x8080808080808080);
}

/* ---- days ---- */

static inline bool tlw_plain_find_month(struct tlw_plain_month *month, uint64_t key, const char *year,
                                        uint32_t number) {
  return tlw_plain_month_find(month, key, tlw_plain_pair(year) * 100 + tlw_plain_pair(year + 2), number);
}

static inline bool tlw_plain_set_day(struct tlw_plain_moment *m, const struct tlw_plain_month *month, uint32_t day) {
  m->seconds = month->start + (int64_t)(day - 1) * TLW_TIME_DAY;
  return day - 1 < month->days;
}

/* YYYY-MM-DD, YYYY/MM/DD or YYYY.MM.DD */
static inline bool tlw_plain_year_first(struct tlw_plain_month *month, const char *text, struct tlw_plain_moment *m) {
  const uint64_t key = tlw_plain_load(text);
  if (key != month->key) {
    if (text[4] != text[7] || (text[4] != '-' && text[4] != '/' && text[4] != '.')) return false;
    if (!tlw_plain_find_month(month, key, text, tlw_plain_pair(text + 5))) return false;
  }
  return tlw_plain_set_day(m, month, tlw_plain_pair(text + 8));
}

/* YYYYMMDD */
static inline bool tlw_plain_compact(struct tlw_plain_month *month, const char *text, struct tlw_plain_moment *m) {
  const uint64_t key = tlw_plain_load(text) & UINT64_C(0xffffffffffff);
  if (key != month->key && !tlw_plain_find_month(month, key, text, tlw_plain_pair(text + 4))) return false;
  return tlw_plain_set_day(m, month, tlw_plain_pair(text + 6));
}

/* One or two digits and a slash. Returns what is behind it; NULL: it is something else. */
static inline const char *tlw_plain_part(const char *text, uint32_t *value) {
  if (text[1] == '/') {
    *value = tlw_plain_digit(text[0]);
    return *value <= 9 ? text + 2 : NULL;
  }
  *value = tlw_plain_pair(text);
  return text[2] == '/' ? text + 3 : NULL;
}

/* M/D/YYYY. Returns its end; NULL: it is something else. */
static inline const char *tlw_plain_year_last(struct tlw_plain_month *month, const char *text,
                                              struct tlw_plain_moment *m) {
  uint32_t number, day;
  text = tlw_plain_part(text, &number);
  if (!text) return NULL;
  text = tlw_plain_part(text, &day);
  if (!text) return NULL;
  /* Not the text of another form: what is above the number is 0. */
  const uint64_t key = (tlw_plain_load(text) & 0xffffffff) | (uint64_t)number << 32;
  if (key != month->key && !tlw_plain_find_month(month, key, text, number)) return NULL;
  return tlw_plain_set_day(m, month, day) ? text + 4 : NULL;
}

/* ---- times of day ---- */

/* 1 to 9 digits behind the point */
static inline bool tlw_plain_fraction(const char *text, size_t n_digits, struct tlw_plain_moment *m) {
  if (n_digits - 1 > 8) return false;
  uint64_t x = tlw_plain_load(text) ^ UINT64_C(0x3030303030303030);
  uint32_t last = 0;
  if (n_digits < 8) x &= (UINT64_C(1) << (8 * n_digits)) - 1;
  if (n_digits == 9) last = tlw_plain_digit(text[8]);
  if (last > 9 || tlw_plain_exceeds(x, UINT64_C(0x7676767676767676))) return false;
  x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
  x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
  x = (x * 10000 + (x >> 32)) & UINT64_C(0xffffffff);
  m->nanoseconds = (uint32_t)x * 10 + last;
  return true;
}

/* +HH:MM or -HH:MM */
static inline bool tlw_plain_offset(const char *text, struct tlw_plain_moment *m) {
  const uint32_t hours = tlw_plain_pair(text + 1), minutes = tlw_plain_pair(text + 4);
  const int64_t ahead = (int64_t)hours * 3600 + minutes * 60;
  m->seconds += text[0] == '-' ? ahead : -ahead;
  return text[3] == ':' && hours <= 23 && minutes <= 59;
}

/* H:MM or HH:MM, then nothing or :SS; then nothing, a fraction, Z or an offset */
static inline bool tlw_plain_colons(const char *text, size_t length, struct tlw_plain_moment *m) {
  uint64_t x = tlw_plain_load(text);
  if (text[1] == ':') { /* as if there were a zero before it */
    x = x << 8 | '0';
    text--;
    length++;
  }
  if (length > 5 && text[length - 1] == 'Z') {
    length--;
  } else if (length > 8 && (text[length - 6] == '+' || text[length - 6] == '-')) {
    length -= 6;
    if (!tlw_plain_offset(text + length, m)) return false;
  }
  if (length == 5)
    x = (x & UINT64_C(0xffffffffff)) | (uint64_t)('0' << 16 | '0' << 8 | ':') << 40;
  else if (length < 8 || (length > 8 && (text[8] != '.' || !tlw_plain_fraction(text + 9, length - 9, m))))
    return false;
  x ^= UINT64_C(0x30303a30303a3030);
  if (tlw_plain_exceeds(x, UINT64_C(0x767a7f767a7f767d))) return false;
  x = x * 10 + (x >> 8);
  const uint32_t hour = x & 0xff, minute = x >> 24 & 0xff, second = x >> 48 & 0xff;
  m->seconds += hour * 3600 + minute * 60 + second;
  return hour <= 23;
}

/* HHMM, HHMMSS or HHMMSSmmm */
static inline bool tlw_plain_no_colons(const char *text, size_t length, struct tlw_plain_moment *m) {
  uint64_t x = tlw_plain_load(text) ^ UINT64_C(0x3030303030303030);
  if (length == 9) {
    if (!tlw_plain_fraction(text + 6, 3, m)) return false;
  } else if (length != 6 && length != 4) {
    return false;
  }
  x &= length == 4 ? UINT64_C(0xffffffff) : UINT64_C(0xffffffffffff);
  if (tlw_plain_exceeds(x, UINT64_C(0x7f7f767a767a767d))) return false;
  x = x * 10 + (x >> 8);
  const uint32_t hour = x & 0xff, minute = x >> 16 & 0xff, second = x >> 32 & 0xff;
  m->seconds += hour * 3600 + minute * 60 + second;
  return hour <= 23;
}

/* ---- epochs ---- */

/* Up to 19 digits, but not as many as a date without separators has. */
static inline bool tlw_plain_epoch(struct tlw_plain_piece piece, int64_t *time) {
  const size_t length = piece.length;
  if (length - 1 > 18 || length == 4 || length == 6 || length == 8 || length == 12 || length == 14) return false;
  const size_t n_low = length < 16 ? length : 16;
  uint32_t places = 0;
  bool odd = false;
  uint64_t value = tlw_plain_digits((struct tlw_plain_piece){piece.end, n_low}, &places, &odd), high = 0;
  for (size_t i = 0; i < length - n_low; i++) {
    const uint32_t digit = tlw_plain_digit(piece.end[(ptrdiff_t)i - (ptrdiff_t)length]);
    odd = odd || digit > 9;
    high = high * 10 + digit;
  }
  if (odd || places > 0) return false;
  value += high * UINT64_C(10000000000000000);
  uint64_t unit = 1; /* in nanoseconds */
  if (value < UINT64_C(100000000000))
    unit = 1000000000;
  else if (value < UINT64_C(100000000000000))
    unit = 1000000;
  else if (value < UINT64_C(100000000000000000))
    unit = 1000;
  if (value >= (uint64_t)TLW_TIME_END * TLW_PLAIN_SECOND / unit) return false;
  *time = (int64_t)(value * unit);
  return true;
}

/* ---- all of it ---- */

static inline bool tlw_plain_has_colon(const char *clock) { return clock[1] == ':' || clock[2] == ':'; }

static inline bool tlw_plain_clock(const char *text, size_t length, struct tlw_plain_moment *m) {
  return tlw_plain_has_colon(text) ? tlw_plain_colons(text, length, m) : tlw_plain_no_colons(text, length, m);
}

/* Returns where the day ends; NULL: it is none. */
static inline const char *tlw_plain_day(struct tlw_plain_month *month, bool month_first, const char *text,
                                        size_t length, struct tlw_plain_moment *m) {
  if (length < 8) return NULL;
  if (length >= 10 && tlw_plain_digit(text[4]) > 9 && text[7] == text[4])
    return tlw_plain_year_first(month, text, m) ? text + 10 : NULL;
  if (text[1] == '/' || text[2] == '/') return month_first ? tlw_plain_year_last(month, text, m) : NULL;
  return tlw_plain_compact(month, text, m) ? text + 8 : NULL;
}

/* false: an offset has led out of the years that times may have. */
static inline bool tlw_plain_finish(const struct tlw_plain_moment *m, int64_t *time) {
  *time = m->seconds * TLW_PLAIN_SECOND + m->nanoseconds; /* no offset leads so far that this overflows */
  return m->seconds >= TLW_TIME_FIRST && m->seconds < TLW_TIME_END;
}

/* What is behind a day, if anything is. compact: it may be digits alone. */
static inline bool tlw_plain_behind_day(const char *text, size_t length, bool compact, struct tlw_plain_moment *m) {
  if (length == 0) return true;
  if (text[0] != ' ' && text[0] != 'T') return false;
  return (compact || tlw_plain_has_colon(text + 1)) && tlw_plain_clock(text + 1, length - 1, m);
}

/* A time in one field. */
static inline bool tlw_plain_time(struct tlw_plain_month *month, bool month_first, struct tlw_plain_piece piece,
                                  int64_t *time) {
  const size_t length = piece.length;
  const char *const text = piece.end - length;
  struct tlw_plain_moment m = {0, 0};
  if (length >= 10 && tlw_plain_load(text) == month->key) /* most rows: YYYY-MM- as in the one before */
    return tlw_plain_set_day(&m, month, tlw_plain_pair(text + 8)) &&
           tlw_plain_behind_day(text + 10, length - 10, false, &m) && tlw_plain_finish(&m, time);
  const bool digits = tlw_plain_digit(text[1]) <= 9 && tlw_plain_digit(text[2]) <= 9 && tlw_plain_digit(text[4]) <= 9;
  const bool more = digits && (length < 8 || (length > 8 && tlw_plain_digit(text[8]) <= 9));
  if (more && length != 14) return tlw_plain_epoch(piece, time);
  const char *const end = tlw_plain_day(month, month_first, text, length, &m);
  if (!end) return false;
  const size_t rest = (size_t)(piece.end - end);
  return (more ? tlw_plain_no_colons(end, rest, &m) : tlw_plain_behind_day(end, rest, digits, &m)) &&
         tlw_plain_finish(&m, time);
}

/* A day in one field and a time of day in another. */
static inline bool tlw_plain_time_pair(struct tlw_plain_month *month, bool month_first, struct tlw_plain_piece day,
                                       struct tlw_plain_piece clock, int64_t *time) {
  struct tlw_plain_moment m = {0, 0};
  const char *const end = tlw_plain_day(month, month_first, day.end - day.length, day.length, &m);
  return end == day.end && tlw_plain_clock(clock.end - clock.length, clock.length, &m) && tlw_plain_finish(&m, time);
}

#endif
