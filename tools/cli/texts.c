/* What is written on charts: title, names, and the zone of times. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "render.h"
#include "report.h"
#include "title.h"
#include "zone_names.h"

#define NANOSECONDS INT64_C(1000000000)
#define TIME_SIZE 24
#define LEFT_OUT_SIZE 128
#define ADVICE_SIZE 64
#define MOST_GROWTH 8 /* a chart so many times as wide is no advice */

static cli_origin origin_of(const render *r, int option) {
  return (cli_origin){.command = r->args->command->name, .place = render_value(r, option)->place};
}

static const char *dashes_of(const cli_origin *origin) { return origin->place ? "" : "--"; }

void render_check_text(render *r, const char *what, const char *text) {
  uint32_t missing;
  if (r->quiet || r->told_of_character || !r->chart.labels || tlw_text_is_drawable(text, &missing)) return;
  r->told_of_character = 1;
  cli_warn("%s has a character that the font lacks, U+%04" PRIX32 ": it is drawn as a box", what, missing);
}

static cli_exit check_length(const render *r, int option, const char *text) {
  const cli_origin origin = origin_of(r, option);
  const size_t length = strlen(text);
  if (length <= TLW_TEXT_MOST) return CLI_OK;
  return cli_origin_fail(&origin, NULL, "%s%s has %zu bytes: %d at most", dashes_of(&origin),
                         r->args->command->options[option].name, length, TLW_TEXT_MOST);
}

static cli_exit plan_name(render *r, int option, const char **name) {
  *name = render_value(r, option)->text;
  return *name ? check_length(r, option, *name) : CLI_OK;
}

static cli_exit plan_title(render *r) {
  const cli_origin origin = origin_of(r, RENDER_TITLE);
  const char *text = render_value(r, RENDER_TITLE)->text;
  if (!text) return CLI_OK;
  cli_exit code = check_length(r, RENDER_TITLE, text);
  if (!code) code = cli_title_check(&origin, text, &r->title_varies);
  if (code || r->title_varies) return code;
  cli_title_put(&r->title, text, NULL);
  r->chart.title = r->title.bytes;
  return r->title.failed ? cli_fail(CLI_NO_MEMORY, "no memory for --title") : CLI_OK;
}

static cli_exit fail_zone(const render *r, const char *name, const tlw_error *error) {
  const cli_origin origin = origin_of(r, RENDER_TIMEZONE);
  char meant[CLI_ZONE_NAME_SIZE];
  const int is_unknown = error->code == TLW_ERR_NOT_FOUND || error->code == TLW_ERR_ARGUMENT;
  if (is_unknown && cli_zone_nearest(name, meant))
    return cli_origin_fail(&origin, meant, "%stimezone: there is no zone '%.200s'", dashes_of(&origin), name);
  if (is_unknown) return cli_origin_fail(&origin, NULL, "%stimezone: %s", dashes_of(&origin), error->message);
  return cli_fail_library(error);
}

static cli_exit plan_zone(render *r) {
  const char *name = render_value(r, RENDER_TIMEZONE)->text;
  tlw_error error;
  if (tlw_zone_open(&r->zone, name, &error) != TLW_OK) return fail_zone(r, name, &error);
  r->chart.zone = r->zone;
  return CLI_OK;
}

cli_exit render_texts_plan(render *r) {
  r->chart.labels = render_value(r, RENDER_LABELS)->number == SWITCH_ON;
  r->chart.last_price = render_value(r, RENDER_LAST_PRICE)->number == SWITCH_ON;
  cli_exit code = plan_title(r);
  if (!code) code = plan_name(r, RENDER_PRICE_NAME, &r->chart.price_name);
  if (!code) code = plan_name(r, RENDER_VOLUME_NAME, &r->chart.volume_name);
  if (!code) code = plan_name(r, RENDER_TIME_NAME, &r->chart.time_name);
  return code ? code : plan_zone(r);
}

void render_check_texts(render *r) {
  const struct {
    int option;
    const char *text;
  } texts[] = {{RENDER_TITLE, r->chart.title},
               {RENDER_PRICE_NAME, r->chart.price_name},
               {RENDER_VOLUME_NAME, r->chart.volume_name},
               {RENDER_TIME_NAME, r->chart.time_name}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char name[32];
    snprintf(name, sizeof name, "--%s", r->args->command->options[texts[i].option].name);
    if (texts[i].text) render_check_text(r, name, texts[i].text);
  }
}

/* ---- texts without room ---- */

static uint32_t left_out_of(const tlw_chart_options *chart) {
  uint32_t left_out;
  return tlw_chart_left_out(chart, &left_out, NULL) == TLW_OK ? left_out : 0;
}

/* "--title, --time-name and the legend of --mav" */
static void name_left_out(const render *r, uint32_t left_out, char out[LEFT_OUT_SIZE]) {
  const struct {
    uint32_t bit;
    const char *name;
  } texts[] = {{TLW_TEXT_TITLE, "--title"},
               {TLW_TEXT_PRICE_NAME, "--price-name"},
               {TLW_TEXT_VOLUME_NAME, "--volume-name"},
               {TLW_TEXT_TIME_NAME, "--time-name"},
               {TLW_TEXT_LEGEND, r->n_columns == 0    ? "some names of --mav"
                                 : r->n_averages == 0 ? "some names of --lines"
                                                      : "some names of --mav and --lines"}};
  size_t used = 0;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (!(left_out & texts[i].bit)) continue;
    left_out &= ~texts[i].bit;
    used += (size_t)snprintf(out + used, LEFT_OUT_SIZE - used, "%s%s",
                             used == 0  ? ""
                             : left_out ? ", "
                                        : " and ",
                             texts[i].name);
  }
}

/* A chart of that many eighths of the size; 0: none is that large. */
static int grow_chart(const tlw_chart_options *chart, int32_t eighths, int only_wider, tlw_chart_options *out) {
  *out = *chart;
  out->width = chart->width * eighths / 8;
  if (!only_wider) out->height = chart->height * eighths / 8;
  return out->width <= TLW_CHART_MAX_SIDE && out->height <= TLW_CHART_MAX_SIDE;
}

/* The least that has room for all, of the same shape or the same height. */
static int find_larger(const tlw_chart_options *chart, int only_wider, tlw_chart_options *out) {
  for (int32_t eighths = 9; eighths <= 8 * MOST_GROWTH && grow_chart(chart, eighths, only_wider, out); eighths++)
    if (left_out_of(out) == 0) return 1;
  return 0;
}

/* What would give room for all. */
static void advise_room(const tlw_chart_options *chart, uint32_t left_out, char out[ADVICE_SIZE]) {
  tlw_chart_options other = *chart;
  other.margin_left = other.margin_top = other.margin_right = other.margin_bottom = TLW_MARGIN_AUTO;
  if (left_out_of(&other) == 0)
    snprintf(out, ADVICE_SIZE, "without --margins there is");
  else if ((left_out == TLW_TEXT_LEGEND && find_larger(chart, 1, &other)) || find_larger(chart, 0, &other))
    snprintf(out, ADVICE_SIZE, "--size %" PRId32 "x%" PRId32 " has it", other.width, other.height);
  else
    snprintf(out, ADVICE_SIZE, "a larger --size may have it");
}

void render_check_room(render *r, const tlw_chart_options *chart) {
  char names[LEFT_OUT_SIZE], advice[ADVICE_SIZE];
  if (r->quiet || r->told_of_room) return;
  const uint32_t left_out = left_out_of(chart);
  if (left_out == 0) return;
  r->told_of_room = 1;
  name_left_out(r, left_out, names);
  advise_room(chart, left_out, advice);
  cli_warn("left out for want of room at %" PRId32 "x%" PRId32 ": %s; %s", chart->width, chart->height, names, advice);
}

void render_texts_free(render *r) {
  cli_buffer_free(&r->title);
  tlw_zone_close(&r->zone);
}

/* ---- titles of their own ---- */

/* 2022-01-31, and behind it the time of day as far as one of both needs it. */
static void put_times(const render *r, const render_chart *chart, char first[TIME_SIZE], char last[TIME_SIZE]) {
  const int64_t times[2] = {tlw_zone_local(r->zone, chart->first), tlw_zone_local(r->zone, chart->last)};
  char *const out[2] = {first, last};
  size_t length = strlen("YYYY-MM-DD");
  for (int i = 0; i < 2; i++) {
    const int64_t seconds = times[i] / NANOSECONDS - (times[i] % NANOSECONDS < 0);
    if (seconds % 86400 != 0 && length < strlen("YYYY-MM-DD HH:MM")) length = strlen("YYYY-MM-DD HH:MM");
    if (seconds % 60 != 0) length = strlen("YYYY-MM-DD HH:MM:SS");
  }
  for (int i = 0; i < 2; i++) {
    char text[CLI_TIME_SIZE];
    cli_time_text(times[i], text);
    text[strlen("YYYY-MM-DD")] = ' ';
    snprintf(out[i], TIME_SIZE, "%.*s", (int)length, text);
  }
}

char *render_make_title(render *r, int input, const render_chart *chart) {
  char first[TIME_SIZE], last[TIME_SIZE];
  cli_buffer stem = {0}, title = {0};
  cli_targets_stem(render_name(r, input), &stem);
  cli_buffer_add(&stem, "", 1);
  put_times(r, chart, first, last);
  const cli_title parts = {
      .symbol = chart->symbol ? chart->symbol
                : stem.failed ? ""
                              : stem.bytes,
      .first = first,
      .last = last,
      .n = chart->rows,
  };
  cli_title_put(&title, render_value(r, RENDER_TITLE)->text, &parts);
  if (stem.failed || title.failed) cli_buffer_free(&title);
  cli_buffer_free(&stem);
  if (title.bytes) render_check_text(r, "--title", title.bytes);
  return title.bytes;
}
