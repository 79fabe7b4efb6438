/* Text to the value of an option, from the command line or from a file that has the same settings. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "options.h"

#define CLI_PARTS_MAX 16

/* The number of a CLI_COLOR that is none. */
#define CLI_COLOR_AUTO (UINT64_C(1) << 24)

typedef struct cli_part {
  int given;
  uint64_t number;  /* as that of a value */
  const char *text; /* where it begins in the text of the value */
  int length;
} cli_part;

typedef struct cli_value {
  const char *text;  /* as typed, or the default; NULL: neither, and then the rest is 0 */
  int given;         /* 1: typed, or in a file */
  const char *place; /* of a value from a file, such as "chart.json:3:12" */
  /* CLI_NUMBER; CLI_BYTES: bytes; CLI_DURATION: nanoseconds; CLI_CHOICE: index; CLI_FLAG: 1; CLI_COLOR: 0xRRGGBB */
  uint64_t number;
  int64_t time; /* CLI_TIME */
  int32_t width, height;
  int32_t n_parts;               /* CLI_LIST */
  cli_part parts[CLI_PARTS_MAX]; /* CLI_LIST: one behind the other; CLI_MEMBERS: as option->parts */
} cli_value;

/* Where a value was given, for messages. */
typedef struct cli_origin {
  const char *command; /* on its command line */
  const char *place;   /* or in a file: here, such as "chart.json:3:12" */
  const char *shown;   /* what is there, for people; NULL: the text that is read */
  const char *within;  /* the name of the option that has the part; NULL: it is no part */
} cli_origin;

/* Reads text into *value, but for given and place. CLI_OK, or another code after a message. */
cli_exit cli_value_read(const cli_origin *origin, const cli_option *option, const char *text, cli_value *value);

/* Says what the value must be, with `how` behind it, and what it is. */
cli_exit cli_value_refuse(const cli_origin *origin, const cli_option *option, const char *how);

/* Says what is wrong, and what was meant unless that is NULL. */
cli_exit cli_origin_fail(const cli_origin *origin, const char *meant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The part of that name, length bytes; NULL: there is none. */
const cli_option *cli_find_part(const cli_option *option, const char *name, size_t length);

/* Finds word among names, in any case. Otherwise says what "<what> must be" and returns -1; may name the nearest. */
int cli_find_name(const char *what, const char *word, cli_names names, const char *command);

/* Whether people elsewhere say word for what has these other names. */
int cli_is_also(const char *also, const char *word);

#endif
