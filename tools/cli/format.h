/* Numbers and names as text. */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_TIME_SIZE 40
#define CLI_BYTES_SIZE 32
#define CLI_COUNT_SIZE 32
#define CLI_DURATION_SIZE 32

/* Decimal digits of value, at least `width` of them, leading zeros included; no terminator. Returns the end. */
char *cli_put_digits(char *out, uint64_t value, int width);

/* value / 10^decimals, exactly; value must not be negative. Returns the end. */
char *cli_put_fixed(char *out, int64_t value, int decimals);

/* More than any number takes. */
#define CLI_DOUBLE_SIZE 32

/* 17 significant digits without zeros at the end, as "%.17g" prints them in the C locale. Returns the end. */
char *cli_put_double(char *out, double value);

/* The fewest of 0, 3, 6 and 9 digits behind the second that hold `time` nanoseconds. */
int cli_time_digits(int64_t time);

/* 2020-01-01T00:00:00Z with that many digits behind the second. Returns the end. Years 1 to 9999. */
char *cli_put_time(char *out, int64_t time, int digits);

/* The same, whole and terminated. */
void cli_time_text(int64_t time, char out[CLI_TIME_SIZE]);

/* "15.6 GiB" */
void cli_bytes_text(uint64_t bytes, char out[CLI_BYTES_SIZE]);

/* Bytes of the valid UTF-8 character at text, which ends with a zero byte; 0 if there is none. */
int cli_character_length(const unsigned char *text);

/* "1,234,567" */
void cli_count_text(int64_t count, char out[CLI_COUNT_SIZE]);

/* "0:42", "12:05" or "3:07:12", rounded up; "more than 99 hours" is as exact as it gets. seconds: 0 or more. */
void cli_duration_text(double seconds, char out[CLI_DURATION_SIZE]);

/* Text of unknown origin for people: what is neither printable ASCII nor valid UTF-8 becomes '?', in place or printed. */
void cli_make_plain(char *text);
void cli_print_plain(FILE *file, const char *text);

/* Prints text of unknown origin as a JSON string in quotes: what is not valid UTF-8 becomes U+FFFD. */
void cli_print_json(FILE *file, const char *text);

#endif
