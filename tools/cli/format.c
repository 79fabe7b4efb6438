#include "format.h"

#include <inttypes.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define DAY_SECONDS 86400

char *cli_put_digits(char *out, uint64_t value, int width) {
  char reversed[20];
  int n = 0;
  do {
    reversed[n++] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  for (; width > n; width--) *out++ = '0';
  while (n > 0) *out++ = reversed[--n];
  return out;
}

char *cli_put_fixed(char *out, int64_t value, int decimals) {
  int64_t scale = 1;
  for (int i = 0; i < decimals; i++) scale *= 10;
  out = cli_put_digits(out, (uint64_t)(value / scale), 1);
  *out++ = '.';
  return cli_put_digits(out, (uint64_t)(value % scale), decimals);
}

int cli_time_digits(int64_t time) {
  if (time % SECOND == 0) return 0;
  if (time % 1000000 == 0) return 3;
  return time % 1000 == 0 ? 6 : 9;
}

typedef struct civil_date {
  int64_t year, month, day;
} civil_date;

/* Gregorian date of a day since 1970-01-01. Years run from March, so that the leap day is the last. */
static civil_date civil_date_of(int64_t day) {
  int64_t since = day + 719468; /* 0000-03-01 */
  int64_t cycle = since / 146097 - (since % 146097 < 0);
  int64_t in_cycle = since - cycle * 146097;
  int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * in_year + 2) / 153; /* March is 0 */
  civil_date date = {.day = in_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9};
  date.year = year + cycle * 400 + (date.month <= 2);
  return date;
}

/* A number below 100. */
static char *put_pair(char *out, int64_t number) {
  *out++ = (char)('0' + number / 10);
  *out++ = (char)('0' + number % 10);
  return out;
}

char *cli_put_time(char *out, int64_t time, int digits) {
  int64_t seconds = time / SECOND - (time % SECOND < 0);
  int64_t fraction = time - seconds * SECOND;
  int64_t day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
  int64_t clock = seconds - day * DAY_SECONDS;
  civil_date date = civil_date_of(day);
  out = put_pair(put_pair(out, date.year / 100), date.year % 100);
  *out++ = '-';
  out = put_pair(out, date.month);
  *out++ = '-';
  out = put_pair(out, date.day);
  *out++ = 'T';
  out = put_pair(out, clock / 3600);
  *out++ = ':';
  out = put_pair(out, clock / 60 % 60);
  *out++ = ':';
  out = put_pair(out, clock % 60);
  if (digits > 0) {
    for (int i = digits; i < 9; i++) fraction /= 10;
    *out++ = '.';
    out = cli_put_digits(out, (uint64_t)fraction, digits);
  }
  *out++ = 'Z';
  return out;
}

void cli_time_text(int64_t time, char out[CLI_TIME_SIZE]) { *cli_put_time(out, time, cli_time_digits(time)) = 0; }

void cli_bytes_text(uint64_t bytes, char out[CLI_BYTES_SIZE]) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) {
    snprintf(out, CLI_BYTES_SIZE, "%" PRIu64 " bytes", bytes);
    return;
  }
  int unit = 0;
  for (; bytes >= UINT64_C(1) << 20; bytes >>= 10) unit++;
  snprintf(out, CLI_BYTES_SIZE, "%" PRIu64 ".%" PRIu64 " %s", bytes >> 10, ((bytes & 1023) * 10) >> 10, units[unit]);
}

void cli_count_text(int64_t count, char out[CLI_COUNT_SIZE]) {
  char digits[CLI_COUNT_SIZE];
  const int n = snprintf(digits, sizeof digits, "%" PRId64, count);
  char *end = out;
  for (int i = 0; i < n; i++) {
    if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-') *end++ = ',';
    *end++ = digits[i];
  }
  *end = 0;
}

void cli_duration_text(double seconds, char out[CLI_DURATION_SIZE]) {
  if (!(seconds < 99 * 3600)) {
    snprintf(out, CLI_DURATION_SIZE, "more than 99 hours");
    return;
  }
  int left = (int)seconds;
  left += left < seconds;
  if (left < 3600)
    snprintf(out, CLI_DURATION_SIZE, "%d:%02d", left / 60, left % 60);
  else
    snprintf(out, CLI_DURATION_SIZE, "%d:%02d:%02d", left / 3600, left / 60 % 60, left % 60);
}

int cli_character_length(const unsigned char *text) {
  if (text[0] < 0x80) return 1;
  int length = text[0] >= 0xC2 && text[0] < 0xE0 ? 2 : text[0] >= 0xE0 && text[0] < 0xF0 ? 3 : 4;
  if (text[0] < 0xC2 || text[0] > 0xF4) return 0;
  for (int i = 1; i < length; i++)
    if ((text[i] & 0xC0) != 0x80) return 0;
  int overlong = (text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xF0 && text[1] < 0x90);
  int beyond = text[0] == 0xF4 && text[1] > 0x8F;
  int surrogate = text[0] == 0xED && text[1] > 0x9F;
  return overlong || beyond || surrogate ? 0 : length;
}

static int is_control(const unsigned char *text) {
  return text[0] < 0x20 || text[0] == 0x7F || (text[0] == 0xC2 && text[1] < 0xA0);
}

void cli_make_plain(char *text) {
  const unsigned char *c = (const unsigned char *)text;
  char *out = text;
  while (*c) {
    const int length = cli_character_length(c);
    if (length == 0 || is_control(c))
      *out++ = '?';
    else
      for (int i = 0; i < length; i++) *out++ = (char)c[i];
    c += length ? length : 1;
  }
  *out = 0;
}

void cli_print_plain(FILE *file, const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  while (*c) {
    int length = cli_character_length(c);
    if (length == 0 || is_control(c))
      fputc('?', file);
    else
      fwrite(c, 1, (size_t)length, file);
    c += length ? length : 1;
  }
}

void cli_print_json(FILE *file, const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  fputc('"', file);
  while (*c) {
    int length = cli_character_length(c);
    if (length == 0)
      fputs("\\ufffd", file);
    else if (*c == '"' || *c == '\\')
      fprintf(file, "\\%c", *c);
    else if (*c < 0x20 || *c == 0x7F)
      fprintf(file, "\\u%04x", *c);
    else
      fwrite(c, 1, (size_t)length, file);
    c += length ? length : 1;
  }
  fputc('"', file);
}
