/* The lines over candles: averages of the close, and columns of the file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "report.h"

static int is_number(const char *text) { return strspn(text, "0123456789") == strlen(text); }

/* ---- what was asked for ---- */

static cli_exit fail_option(const render *r, int option, const char *wrong) {
  const cli_origin origin = {.command = r->args->command->name, .place = render_value(r, option)->place};
  return cli_origin_fail(&origin, NULL, "%s%s %s", origin.place ? "" : "--", r->args->command->options[option].name,
                         wrong);
}

static cli_exit fail_twice(const render *r, int option, const char *what) {
  char wrong[160];
  snprintf(wrong, sizeof wrong, "has %.100s twice: give it once", what);
  return fail_option(r, option, wrong);
}

static cli_exit plan_averages(render *r) {
  const cli_value *mav = render_value(r, RENDER_MAV);
  for (int i = 0; i < mav->n_parts; i++) {
    r->averages[i] = (int64_t)mav->parts[i].number;
    snprintf(r->average_names[i], sizeof r->average_names[i], "MA %" PRIu64, mav->parts[i].number);
    for (int k = 0; k < i; k++)
      if (r->averages[k] == r->averages[i]) return fail_twice(r, RENDER_MAV, r->average_names[i] + strlen("MA "));
    r->lines[i].name = r->average_names[i];
  }
  r->n_averages = mav->n_parts;
  return CLI_OK;
}

/* The texts are cut from that of the option, each with a terminator. */
static cli_exit plan_columns(render *r) {
  const cli_value *lines = render_value(r, RENDER_LINES);
  for (int i = 0; i < lines->n_parts; i++) {
    cli_buffer_add(&r->column_texts, lines->parts[i].text, (size_t)lines->parts[i].length);
    cli_buffer_add(&r->column_texts, "", 1);
  }
  if (r->column_texts.failed) return cli_fail(CLI_NO_MEMORY, "no memory for --lines");
  const char *at = r->column_texts.bytes;
  for (int i = 0; i < lines->n_parts; i++, at += strlen(at) + 1) {
    r->columns[i] = at;
    r->names_vary |= is_number(at);
    for (int k = 0; k < i; k++)
      if (strcmp(r->columns[k], at) == 0) return fail_twice(r, RENDER_LINES, at);
    r->lines[r->n_averages + i].name = at;
  }
  r->n_columns = lines->n_parts;
  return CLI_OK;
}

static cli_exit plan_colors(render *r) {
  const cli_value *colors = render_value(r, RENDER_LINE_COLORS);
  const int32_t n = r->n_averages + r->n_columns;
  if (colors->n_parts > n) {
    char wrong[160];
    snprintf(wrong, sizeof wrong, "has more colours than there are lines, %d for %" PRId32 " of --mav and --lines",
             (int)colors->n_parts, n);
    return fail_option(r, RENDER_LINE_COLORS, wrong);
  }
  for (int32_t i = 0; i < n; i++) {
    const uint64_t color = i < colors->n_parts ? colors->parts[i].number : CLI_COLOR_AUTO;
    r->lines[i].color = color == CLI_COLOR_AUTO ? TLW_COLOR_AUTO : (int32_t)color;
  }
  return CLI_OK;
}

cli_exit render_lines_plan(render *r) {
  cli_exit code = plan_averages(r);
  if (!code) code = plan_columns(r);
  if (!code) code = plan_colors(r);
  r->chart.lines = r->lines;
  r->chart.n_lines = r->n_averages + r->n_columns;
  return code;
}

void render_lines_free(render *r) { cli_buffer_free(&r->column_texts); }

/* ---- names ---- */

void render_lines_name(render *r, const void *file, render_line_name name) {
  for (int32_t i = 0; i < r->n_columns; i++) {
    tlw_line *line = &r->lines[r->n_averages + i];
    const char *header = is_number(r->columns[i]) ? name(file, i) : NULL;
    const char *text = header && *header ? header : r->columns[i];
    /* Charts of the file before may still be drawn with the same name. */
    if (r->names_vary || !line->name || strcmp(line->name, text) != 0) line->name = text;
    render_check_text(r, "the name of a line", text);
  }
}

tlw_line *render_lines_copy(const render *r) {
  const size_t n = (size_t)r->chart.n_lines;
  size_t size = n * sizeof(tlw_line);
  for (size_t i = 0; i < n; i++) size += strlen(r->lines[i].name) + 1;
  tlw_line *copy = malloc(size);
  if (!copy) return NULL;
  char *at = (char *)(copy + n);
  for (size_t i = 0; i < n; i++) {
    const size_t length = strlen(r->lines[i].name) + 1;
    copy[i] = (tlw_line){.name = memcpy(at, r->lines[i].name, length), .color = r->lines[i].color};
    at += length;
  }
  return copy;
}

/* ---- averages ---- */

static void set_spec(const render *r, int32_t i, tlw_window_spec *spec) {
  tlw_window_spec_init(spec, TLW_WINDOW_MEAN, r->averages[i]);
}

tlw_status render_averages_open(const render *r, render_averages *averages, tlw_error *error) {
  *averages = (render_averages){.n = r->n_averages};
  for (int32_t i = 0; i < averages->n; i++) {
    tlw_window_spec spec;
    set_spec(r, i, &spec);
    const tlw_status status = tlw_window_state_open(&spec, 0, render_engine(r), &averages->states[i], error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

void render_averages_close(render_averages *averages) {
  for (int32_t i = 0; i < averages->n; i++) tlw_window_state_close(&averages->states[i]);
}

void render_averages_clear(render_averages *averages) {
  for (int32_t i = 0; i < averages->n; i++) tlw_window_state_clear(averages->states[i]);
}

void render_averages_feed(render_averages *averages, const double *close, int64_t n, double *const *lines,
                          int64_t first) {
  for (int32_t i = 0; i < averages->n; i++) tlw_window_feed(averages->states[i], close, NULL, n, lines[i] + first);
}

/* Each series by itself. */
static void fill(const tlw_table *table, render_averages *averages, double *const *lines) {
  tlw_candles candles;
  tlw_table_candles(table, &candles);
  const double *close = candles.close;
  for (int64_t i = 0; i < candles.n_series; i++) {
    const int64_t first = candles.offsets ? candles.offsets[i] : 0;
    const int64_t end = candles.offsets ? candles.offsets[i + 1] : candles.n_rows;
    render_averages_clear(averages);
    render_averages_feed(averages, close + first, end - first, lines, first);
  }
}

tlw_status render_averages_add(const render *r, tlw_table *table, tlw_error *error) {
  if (r->n_averages == 0) return TLW_OK;
  render_averages averages;
  double *lines[CLI_PARTS_MAX];
  tlw_status status = render_averages_open(r, &averages, error);
  for (int32_t i = 0; i < r->n_averages && status == TLW_OK; i++) status = tlw_table_add_line(table, &lines[i], error);
  if (status == TLW_OK) fill(table, &averages, lines);
  render_averages_close(&averages);
  return status;
}

uint64_t render_averages_bytes(const render *r) {
  uint64_t bytes = 0;
  for (int32_t i = 0; i < r->n_averages; i++) {
    tlw_window_spec spec;
    set_spec(r, i, &spec);
    bytes += tlw_window_state_size(&spec);
  }
  return bytes;
}
