#include "progress_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#define GAP 2
#define PART_SIZE 96
#define DOTS "..."
#define LEAST_NAME 8 /* columns; less of a name says nothing */

typedef struct line {
  char *text; /* CLI_LINE_SIZE bytes */
  size_t length;
  int column, width;
} line;

/* Adds a part that takes so many columns, if there is room. */
static void add(line *l, const char *part, int columns) {
  const size_t length = strlen(part);
  const int gap = l->column > 0 ? GAP : 0;
  if (l->column + gap + columns > l->width || l->length + (size_t)gap + length >= CLI_LINE_SIZE) return;
  for (int i = 0; i < gap; i++) l->text[l->length++] = ' ';
  memcpy(l->text + l->length, part, length + 1);
  l->length += length;
  l->column += gap + columns;
}

static void add_ascii(line *l, const char *part) { add(l, part, (int)strlen(part)); }

static void add_count(line *l, int64_t count, const char *one, const char *many) {
  char number[CLI_COUNT_SIZE], part[PART_SIZE];
  cli_count_text(count, number);
  snprintf(part, sizeof part, "%s %s", number, count == 1 ? one : many);
  add_ascii(l, part);
}

static void add_rate(line *l, double rate) {
  char number[CLI_COUNT_SIZE], part[PART_SIZE];
  if (rate < 9.95)
    snprintf(number, sizeof number, "%.1f", rate);
  else
    cli_count_text((int64_t)(rate + 0.5), number);
  snprintf(part, sizeof part, "%s/s", number);
  add_ascii(l, part);
}

static void add_time_left(line *l, double seconds) {
  char time[CLI_DURATION_SIZE], part[PART_SIZE];
  cli_duration_text(seconds, time);
  snprintf(part, sizeof part, "%s left", time);
  add_ascii(l, part);
}

/* As much of the last part of a path as has room. Characters beyond ASCII count as two columns, as wide ones take. */
static void add_name(line *l, const char *path) {
  const char *slash = strrchr(path, '/');
  char name[PART_SIZE];
  snprintf(name, sizeof name - sizeof DOTS, "%s", slash && slash[1] ? slash + 1 : path);
  cli_make_plain(name); /* also a character that was cut in two */
  const int room = l->width - l->column - GAP;
  if (room < LEAST_NAME) return;
  int columns = 0;
  size_t at = 0, cut = 0; /* cut: so many bytes have room together with dots */
  while (name[at] && columns <= room) {
    columns += (unsigned char)name[at] < 0x80 ? 1 : 2;
    for (at++; ((unsigned char)name[at] & 0xC0) == 0x80; at++) continue;
    if (columns <= room - (int)strlen(DOTS)) cut = at;
  }
  if (columns > room) {
    memcpy(name + cut, DOTS, sizeof DOTS);
    columns = room;
  }
  add(l, name, columns);
}

void cli_progress_line(const cli_progress_state *state, int width, char out[CLI_LINE_SIZE]) {
  line l = {.text = out, .width = width};
  char part[PART_SIZE];
  out[0] = 0;
  if (state->fraction >= 0) {
    snprintf(part, sizeof part, "%3d%%", (int)(state->fraction * 100));
    add_ascii(&l, part);
  }
  add_count(&l, state->charts, state->are_images ? "image" : "chart", state->are_images ? "images" : "charts");
  if (state->rate >= 0) add_rate(&l, state->rate);
  if (state->seconds_left >= 0) add_time_left(&l, state->seconds_left);
  if (state->failed > 0) add_count(&l, state->failed, "failed", "failed");
  if (state->found > 0) add_count(&l, state->found, "found", "found");
  if (state->files > 1) {
    snprintf(part, sizeof part, "file %d of %d", state->files_begun, state->files);
    add_ascii(&l, part);
  }
  if (state->name) add_name(&l, state->name);
}

/* A number of JSON. */
static void number_text(double number, const char *format, char *out, size_t size) {
  if (number < 0)
    snprintf(out, size, "null");
  else
    snprintf(out, size, format, number);
}

size_t cli_progress_event(const cli_progress_state *state, char out[CLI_EVENT_SIZE]) {
  char fraction[32], rate[32], left[32];
  number_text(state->fraction, "%.4f", fraction, sizeof fraction);
  number_text(state->rate, "%.3f", rate, sizeof rate);
  number_text(state->seconds_left, "%.1f", left, sizeof left);
  const int n = snprintf(out, CLI_EVENT_SIZE,
                         "{\"event\":\"progress\",\"%s\":%" PRId64 ",\"found\":%" PRId64 ",\"failed\":%" PRId64
                         ",\"elsewhere\":%" PRId64 ",\"files\":%d,\"files_total\":%d,\"bytes\":%" PRIu64
                         ",\"fraction\":%s,\"rate\":%s,\"seconds_left\":%s}\n",
                         state->are_images ? "images" : "charts", state->charts, state->found, state->failed,
                         state->elsewhere, state->files_done, state->files, state->bytes, fraction, rate, left);
  return (size_t)n;
}
