#include "title.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "tallow/chart.h"

#define NAME_SIZE 64

enum { PART_SYMBOL, PART_FIRST, PART_LAST, PART_N, PARTS };

static const char *const part_names[PARTS] = {
    [PART_SYMBOL] = "{symbol}", [PART_FIRST] = "{first}", [PART_LAST] = "{last}", [PART_N] = "{n}"};

/* The part that begins at text; PARTS: it is none. */
static int find_part(const char *text) {
  int part = 0;
  while (part < PARTS && strncmp(text, part_names[part], strlen(part_names[part])) != 0) part++;
  return part;
}

static cli_exit fail_part(const cli_origin *origin, const char *text, size_t length) {
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)length, text);
  cli_nearest nearest;
  cli_nearest_start(&nearest, name);
  for (int i = 0; i < PARTS && length > strlen("{}"); i++) cli_nearest_try(&nearest, part_names[i]);
  const char *dashes = origin->place ? "" : "--";
  if (nearest.best) return cli_origin_fail(origin, nearest.best, "%stitle: there is no part %s", dashes, name);
  return cli_origin_fail(
      origin, NULL,
      "%stitle: there is no part %s: there are {symbol}, {first}, {last} and {n}, and {{ and }} for the signs", dashes,
      name);
}

cli_exit cli_title_check(const cli_origin *origin, const char *text, int *varies) {
  const char *dashes = origin->place ? "" : "--";
  *varies = 0;
  while (*(text += strcspn(text, "{}"))) {
    if (text[0] == text[1]) {
      text += 2;
      continue;
    }
    const size_t inside = text[0] == '{' ? 1 + strcspn(text + 1, "{}") : 0;
    if (text[inside] != '}' || inside == 0)
      return cli_origin_fail(origin, NULL, "%stitle: there is a %c without its %c: write %c%c for the sign itself",
                             dashes, text[0], text[0] == '{' ? '}' : '{', text[0], text[0]);
    if (find_part(text) == PARTS) return fail_part(origin, text, inside + 1);
    *varies = 1;
    text += inside + 1;
  }
  return CLI_OK;
}

int cli_title_has_times(const char *text) {
  while (*(text += strcspn(text, "{}"))) {
    const int part = find_part(text);
    if (text[0] != text[1] && (part == PART_FIRST || part == PART_LAST)) return 1;
    text += text[0] == text[1] ? 2 : 1;
  }
  return 0;
}

static void put_part(cli_buffer *out, int part, const cli_title *chart) {
  switch (part) {
  case PART_SYMBOL:
    cli_buffer_format(out, "%s", chart->symbol);
    return;
  case PART_FIRST:
    cli_buffer_format(out, "%s", chart->first);
    return;
  case PART_LAST:
    cli_buffer_format(out, "%s", chart->last);
    return;
  default:
    cli_buffer_format(out, "%" PRId64, chart->n);
    return;
  }
}

/* No character is cut in two. */
static void cut(cli_buffer *out, size_t start) {
  size_t length = out->length - start;
  if (length <= TLW_TEXT_MOST) return;
  for (length = TLW_TEXT_MOST; length > 0 && ((unsigned char)out->bytes[start + length] & 0xC0) == 0x80;) length--;
  out->length = start + length;
}

void cli_title_put(cli_buffer *out, const char *text, const cli_title *chart) {
  const size_t start = out->length;
  while (*text) {
    const size_t plain = strcspn(text, "{}");
    cli_buffer_add(out, text, plain);
    text += plain;
    if (!*text) break;
    if (text[0] == text[1]) {
      cli_buffer_add(out, text, 1);
      text += 2;
      continue;
    }
    const int part = find_part(text);
    put_part(out, part, chart);
    text += strlen(part_names[part]);
  }
  cut(out, start);
  cli_buffer_add(out, "", 1);
}
