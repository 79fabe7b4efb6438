#include "bars_text.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EIGHT UINT64_C(100000000)
#define SIXTEEN UINT64_C(10000000000000000)

typedef unsigned __int128 wide;

/* What a column holds. */
typedef enum holds { TIME, COUNT, ID, PRICE, AMOUNT, TURNOVER, FLAG } holds;

#define NAME(text) .name = (text), .name_length = sizeof(text) - 1

static const struct {
  const char *name;
  size_t name_length;
  holds holds;
  size_t offset;
} columns_known[BARS_COLUMN_COUNT] = {
    [BARS_COLUMN_OPEN_TIME] = {NAME("open_time"), TIME, offsetof(tlw_bar, open_time)},
    [BARS_COLUMN_CLOSE_TIME] = {NAME("close_time"), TIME, offsetof(tlw_bar, close_time)},
    [BARS_COLUMN_OPEN] = {NAME("open"), PRICE, offsetof(tlw_bar, open)},
    [BARS_COLUMN_HIGH] = {NAME("high"), PRICE, offsetof(tlw_bar, high)},
    [BARS_COLUMN_LOW] = {NAME("low"), PRICE, offsetof(tlw_bar, low)},
    [BARS_COLUMN_CLOSE] = {NAME("close"), PRICE, offsetof(tlw_bar, close)},
    [BARS_COLUMN_VOLUME] = {NAME("volume"), AMOUNT, offsetof(tlw_bar, volume)},
    [BARS_COLUMN_QUOTE_VOLUME] = {NAME("quote_volume"), TURNOVER, offsetof(tlw_bar, quote_volume)},
    [BARS_COLUMN_VWAP] = {NAME("vwap"), PRICE, offsetof(tlw_bar, vwap)},
    [BARS_COLUMN_TRADES] = {NAME("trades"), COUNT, offsetof(tlw_bar, trades)},
    [BARS_COLUMN_AGG_TRADES] = {NAME("agg_trades"), COUNT, offsetof(tlw_bar, agg_trades)},
    [BARS_COLUMN_BUY_VOLUME] = {NAME("buy_volume"), AMOUNT, offsetof(tlw_bar, buy_volume)},
    [BARS_COLUMN_SELL_VOLUME] = {NAME("sell_volume"), AMOUNT, offsetof(tlw_bar, sell_volume)},
    [BARS_COLUMN_BUY_QUOTE_VOLUME] = {NAME("buy_quote_volume"), TURNOVER, offsetof(tlw_bar, buy_quote_volume)},
    [BARS_COLUMN_SELL_QUOTE_VOLUME] = {NAME("sell_quote_volume"), TURNOVER, offsetof(tlw_bar, sell_quote_volume)},
    [BARS_COLUMN_BUY_TRADES] = {NAME("buy_trades"), COUNT, offsetof(tlw_bar, buy_trades)},
    [BARS_COLUMN_SELL_TRADES] = {NAME("sell_trades"), COUNT, offsetof(tlw_bar, sell_trades)},
    [BARS_COLUMN_FIRST_ID] = {NAME("first_id"), ID, offsetof(tlw_bar, first_id)},
    [BARS_COLUMN_LAST_ID] = {NAME("last_id"), ID, offsetof(tlw_bar, last_id)},
    [BARS_COLUMN_TIMESTAMP_OPEN] = {NAME("timestamp"), TIME, offsetof(tlw_bar, open_time)},
    [BARS_COLUMN_TIMESTAMP_CLOSE] = {NAME("timestamp"), TIME, offsetof(tlw_bar, close_time)},
    [BARS_COLUMN_PARTIAL] = {NAME("partial"), FLAG, offsetof(tlw_bar, flags)},
};

const char *bars_choice_name(int index) { return index < BARS_CHOICES ? columns_known[index].name : NULL; }
const char *bars_column_name(bars_column column) { return columns_known[column].name; }

/* ---- digits ---- */

/* The eight digits of a number below 10^8, a byte each, the first one in the lowest byte. */
static inline uint64_t digits_of(uint64_t number) {
  const uint64_t fours = number / 10000 | number % 10000 << 32;
  const uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x7f0000007f);
  const uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);
  return tens | (twos - 10 * tens) << 8;
}

/* Writes eight bytes, of which those from `first` on count. */
static inline void put_bytes(char *out, uint64_t digits, int first) {
  const uint64_t text = htole64((digits | UINT64_C(0x3030303030303030)) >> 8 * first);
  memcpy(out, &text, sizeof text);
}

static inline char *put_eight(char *out, uint64_t number) {
  put_bytes(out, digits_of(number), 0);
  return out + 8;
}

/* Below 10^8, without zeros ahead; up to eight bytes behind the end are written too. */
static inline char *put_short(char *out, uint64_t number) {
  const uint64_t digits = digits_of(number);
  const int zeros = __builtin_ctzll(digits | UINT64_C(1) << 56) / 8;
  put_bytes(out, digits, zeros);
  return out + 8 - zeros;
}

static inline char *put_whole(char *out, uint64_t number) {
  if (number < EIGHT) return put_short(out, number);
  if (number < SIXTEEN) return put_eight(put_short(out, number / EIGHT), number % EIGHT);
  const uint64_t low = number % SIXTEEN;
  return put_eight(put_eight(put_short(out, number / SIXTEEN), low / EIGHT), low % EIGHT);
}

static inline char *put_signed(char *out, int64_t number) {
  if (number < 0) *out++ = '-';
  return put_whole(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* Eight digits behind the point without zeros at the end; not all are zeros. */
static inline char *put_end(char *out, uint64_t number) {
  const uint64_t digits = digits_of(number);
  put_bytes(out, digits, 0);
  return out + 8 - __builtin_clzll(digits) / 8;
}

static inline char *put_eight_decimals(char *out, uint64_t number) {
  out = put_whole(out, number / EIGHT);
  const uint64_t rest = number % EIGHT;
  if (rest == 0) return out;
  *out++ = '.';
  return put_end(out, rest);
}

static char *put_sixteen(char *out, uint64_t number) {
  return put_eight(put_eight(out, number / EIGHT), number % EIGHT);
}

static char *put_wide_whole(char *out, wide number) {
  uint64_t parts[2];
  int n = 0;
  for (; number >> 64 != 0; number /= SIXTEEN) parts[n++] = (uint64_t)(number % SIXTEEN);
  out = put_whole(out, (uint64_t)number);
  while (n > 0) out = put_sixteen(out, parts[--n]);
  return out;
}

static char *put_sixteen_decimals(char *out, wide number) {
  const wide whole = number / SIXTEEN;
  const uint64_t rest = (uint64_t)(number - whole * SIXTEEN);
  out = put_wide_whole(out, whole);
  if (rest == 0) return out;
  *out++ = '.';
  if (rest % EIGHT == 0) return put_end(out, rest / EIGHT);
  return put_end(put_eight(out, rest / EIGHT), rest % EIGHT);
}

static wide wide_of(tlw_u128 number) { return (wide)number.high << 64 | number.low; }

char *bars_put_decimal(char *out, tlw_u128 number, int decimals) {
  if (decimals == 16) return put_sixteen_decimals(out, wide_of(number));
  if (number.high == 0) return decimals == 8 ? put_eight_decimals(out, number.low) : put_whole(out, number.low);
  if (decimals == 0) return put_wide_whole(out, wide_of(number));
  const wide whole = wide_of(number) / EIGHT;
  const uint64_t rest = (uint64_t)(wide_of(number) - whole * EIGHT);
  out = put_wide_whole(out, whole);
  if (rest == 0) return out;
  *out++ = '.';
  return put_end(out, rest);
}

/* ---- doubles ---- */

/*
 * Both numbers of the plain quotient are exact doubles. Beyond that it is made in 74 bits or more, of which the last
 * one stands for all that are left out, so that it is rounded once.
 */
double bars_decimal_to_double(tlw_u128 number, int decimals) {
  const uint64_t one = decimals == 16 ? SIXTEEN : decimals == 8 ? EIGHT : 1;
  if (number.high == 0 && number.low <= UINT64_C(1) << 53) return (double)number.low / (double)one;
  const int shift = number.high ? __builtin_clzll(number.high) : 64 + __builtin_clzll(number.low);
  const wide scaled = wide_of(number) << shift;
  const wide quotient = scaled / one;
  return ldexp((double)(quotient | (quotient * one != scaled)), -shift);
}

/* ---- members ---- */

static inline int64_t whole_of(const tlw_bar *bar, bars_column column) {
  int64_t number;
  memcpy(&number, (const char *)bar + columns_known[column].offset, sizeof number);
  return number;
}

static inline tlw_u128 wide_member(const tlw_bar *bar, bars_column column) {
  tlw_u128 number;
  memcpy(&number, (const char *)bar + columns_known[column].offset, sizeof number);
  return number;
}

/* The label of bars by time is the moment at which the next begins. */
static inline int64_t time_of(const tlw_bar *bar, bars_column column, tlw_bars_kind kind) {
  return whole_of(bar, column) + (column == BARS_COLUMN_TIMESTAMP_CLOSE && kind == TLW_BARS_TIME);
}

static inline int is_missing(const tlw_bar *bar, holds h) {
  return (h == PRICE && bar->flags & TLW_BAR_NULL) || (h == ID && bar->flags & TLW_BAR_EMPTY);
}

/* none: what stands where there is no number. */
static inline char *put_member(char *out, const tlw_bar *bar, bars_column column, tlw_bars_kind kind, const char *none,
                               size_t none_length) {
  const holds h = columns_known[column].holds;
  if (__builtin_expect(bar->flags != 0, 0) && is_missing(bar, h)) {
    memcpy(out, none, none_length);
    return out + none_length;
  }
  switch (h) {
  case TIME:
    return put_signed(out, time_of(bar, column, kind));
  case COUNT:
  case ID:
    return put_signed(out, whole_of(bar, column));
  case PRICE:
    return put_eight_decimals(out, (uint64_t)whole_of(bar, column));
  case AMOUNT:
    return bars_put_decimal(out, wide_member(bar, column), 8);
  case TURNOVER:
    return put_sixteen_decimals(out, wide_of(wide_member(bar, column)));
  case FLAG:
    break;
  }
  *out = bar->flags & TLW_BAR_PARTIAL ? '1' : '0';
  return out + 1;
}

/* ---- rows ---- */

char *bars_put_csv(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind) {
  for (int i = 0; i < columns->n; i++) {
    out = put_member(out, bar, columns->list[i], kind, "", 0);
    *out++ = ',';
  }
  out[-1] = '\n';
  return out;
}

char *bars_put_json(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind) {
  for (int i = 0; i < columns->n; i++) {
    const bars_column column = columns->list[i];
    memcpy(out, i ? ",\"" : "{\"", 2);
    memcpy(out + 2, columns_known[column].name, columns_known[column].name_length);
    out += 2 + columns_known[column].name_length;
    memcpy(out, "\":", 2);
    out = put_member(out + 2, bar, column, kind, "null", 4);
  }
  memcpy(out, "}\n", 2);
  return out + 2;
}

char *bars_put_names(char *out, const bars_columns *columns) {
  for (int i = 0; i < columns->n; i++) {
    const size_t length = columns_known[columns->list[i]].name_length;
    memcpy(out, columns_known[columns->list[i]].name, length);
    out += length;
    *out++ = i == columns->n - 1 ? '\n' : ',';
  }
  return out;
}

/* ---- arrays ---- */

static char *put_bits(char *out, uint64_t bits) {
  bits = htole64(bits);
  memcpy(out, &bits, sizeof bits);
  return out + sizeof bits;
}

static char *put_double(char *out, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return put_bits(out, bits);
}

char *bars_put_array(char *out, const bars_columns *columns, const tlw_bar *bar, tlw_bars_kind kind) {
  for (int i = 0; i < columns->n; i++) {
    const bars_column column = columns->list[i];
    const holds h = columns_known[column].holds;
    if (h == FLAG)
      *out++ = bar->flags & TLW_BAR_PARTIAL ? 1 : 0;
    else if (h == PRICE && is_missing(bar, h))
      out = put_double(out, (double)NAN);
    else if (h == PRICE)
      out = put_double(out, bars_decimal_to_double((tlw_u128){.low = (uint64_t)whole_of(bar, column)}, 8));
    else if (h == AMOUNT || h == TURNOVER)
      out = put_double(out, bars_decimal_to_double(wide_member(bar, column), h == AMOUNT ? 8 : 16));
    else
      out = put_bits(out, (uint64_t)(h == TIME ? time_of(bar, column, kind) : whole_of(bar, column)));
  }
  return out;
}

static const char *type_of(bars_column column) {
  const holds h = columns_known[column].holds;
  if (h == FLAG) return "|b1";
  return h == TIME || h == COUNT || h == ID ? "<i8" : "<f8";
}

#define PREFACE "\x93NUMPY\x01\x00" /* and 16 bits for the length of what follows */
#define PREFACE_LENGTH 10
#define ALIGNMENT 64

char *bars_put_array_header(char *out, const bars_columns *columns, int64_t n_rows) {
  char *begin = out;
  memcpy(out, PREFACE, PREFACE_LENGTH - 2);
  out += PREFACE_LENGTH;
  out += strlen(strcpy(out, "{'descr': ["));
  for (int i = 0; i < columns->n; i++)
    out += snprintf(out, BARS_ROW_SIZE / 8, "('%s', '%s'), ", columns_known[columns->list[i]].name,
                    type_of(columns->list[i]));
  out += strlen(strcpy(out, "], 'fortran_order': False, 'shape': ("));
  char *number = out;
  out = put_signed(out, n_rows);
  out += strlen(strcpy(out, ",), }"));
  /* As long as the longest number would make it. */
  const size_t firm = (size_t)(number - begin) + sizeof "9223372036854775807,), }\n" - 1;
  char *end = begin + (firm + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  memset(out, ' ', (size_t)(end - out));
  end[-1] = '\n';
  const size_t length = (size_t)(end - begin) - PREFACE_LENGTH;
  begin[PREFACE_LENGTH - 2] = (char)(length & 255);
  begin[PREFACE_LENGTH - 1] = (char)(length >> 8);
  return end;
}
