#include "report_html.h"

#include <math.h>
#include <string.h>

#include "common.h"
#include "table.h"

/* ---- text and numbers ---- */

void report_text(FILE *file, const char *text) {
  for (; *text; text++) switch (*text) {
    case '&':
      fputs("&amp;", file);
      break;
    case '<':
      fputs("&lt;", file);
      break;
    case '>':
      fputs("&gt;", file);
      break;
    case '"':
      fputs("&quot;", file);
      break;
    case '\'':
      fputs("&#39;", file);
      break;
    default:
      fputc(*text, file);
    }
}

void report_time(FILE *file, double seconds) {
  char text[BENCH_TEXT_SIZE];
  bench_time_text(seconds, text);
  const size_t end = strlen(text) - 2;
  if (strcmp(text + end, "us") == 0)
    fprintf(file, "%.*s\u00b5s", (int)end, text);
  else
    fputs(text, file);
}

void report_time_interval(FILE *file, const bench_interval *time) {
  report_time(file, time->value);
  if (!isfinite(time->high)) return;
  fputs(" (", file);
  report_time(file, time->low);
  fputs(" to ", file);
  report_time(file, time->high);
  fputc(')', file);
}

void report_number(FILE *file, double ratio) {
  char text[BENCH_TEXT_SIZE];
  bench_ratio_text(ratio, text);
  fputs(text, file);
}

void report_reach(FILE *file, const bench_interval *ratio) {
  if (!isfinite(ratio->high)) {
    fputs("(not sure)", file);
    return;
  }
  fputc('(', file);
  report_number(file, ratio->low);
  fputs(" to ", file);
  report_number(file, ratio->high);
  fputc(')', file);
}

void report_run(FILE *file, const char *date, const char *commit) {
  char day[32], *letter;
  snprintf(day, sizeof day, "%.16s", date);
  if ((letter = strchr(day, 'T'))) *letter = ' ';
  report_text(file, *day ? day : "no date");
  fputs(", commit ", file);
  report_text(file, *commit ? commit : "not known");
}

/* ---- scales ---- */

double report_place(const report_scale *scale, double value) {
  const double low = scale->low, high = scale->high;
  double place = scale->is_log ? log(fmax(value, 1e-300) / low) / log(high / low) : (value - low) / (high - low);
  place = isfinite(place) ? fmin(fmax(place, 0), 1) : value > low;
  return 100 * place;
}

static double nice_step(double step) {
  const double power = pow(10, floor(log10(step))), first = step / power;
  return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
}

static void add_tick(report_scale *scale, double tick) {
  const double reach = 1e-9 * (scale->high - scale->low);
  if (scale->n < REPORT_TICKS && tick >= scale->low - reach && tick <= scale->high + reach)
    scale->ticks[scale->n++] = tick;
}

report_scale report_scale_from_zero(double most) {
  report_scale scale = {.high = isfinite(most) && most > 1e-12 ? most : 1};
  const double step = nice_step(scale.high / 4);
  scale.high = step * ceil(scale.high / step - 1e-9);
  for (int i = 0; i < REPORT_TICKS; i++) add_tick(&scale, i * step);
  return scale;
}

#define FACTORS_MOST 100 /* between the ends; beyond, ticks are powers of ten */

report_scale report_scale_of_ratios(double least, double most) {
  const double down = fmin(fmax(least, 1e-6), 1), up = fmax(fmin(most, 1e6), 2);
  const double base = up / down > FACTORS_MOST ? 10 : 2;
  const int low = (int)floor(log(down) / log(base) + 1e-9), high = (int)ceil(log(up) / log(base) - 1e-9);
  const int step = (high - low + REPORT_TICKS - 2) / (REPORT_TICKS - 1);
  report_scale scale = {.is_log = true, .low = pow(base, low), .high = pow(base, high)};
  for (int i = -low / step * -step; i <= high; i += step) add_tick(&scale, pow(base, i)); /* 1 among them */
  return scale;
}

#define SPREAD_LEAST 1.06 /* from the middle up or down, so that noise does not look like change */
#define SPREAD_LINEAR 4   /* from here on ticks are 1, 2, 5, 10 ... */

static void add_decades(report_scale *scale) {
  static const double firsts[][3] = {{1, 2, 5}, {1, 3, 0}, {1, 0, 0}};
  const int begin = (int)floor(log10(scale->low)), end = (int)ceil(log10(scale->high));
  const size_t form = end - begin <= 2 ? 0 : end - begin <= 3 ? 1 : 2;
  const int step = (end - begin + REPORT_TICKS - 2) / (REPORT_TICKS - 1);
  for (int power = begin; power <= end; power += step > 0 ? step : 1)
    for (int i = 0; i < 3 && firsts[form][i] > 0; i++) add_tick(scale, firsts[form][i] * pow(10, power));
}

report_scale report_scale_of_times(double least, double most) {
  const double low = fmin(fmax(least, 1e-12), 1e9), high = fmin(fmax(most, low), 1e12), middle = sqrt(low * high);
  const double reach = fmax(high / middle, SPREAD_LEAST) * 1.02;
  report_scale scale = {.is_log = true, .low = middle / reach, .high = middle * reach};
  if (scale.high / scale.low > SPREAD_LINEAR) {
    add_decades(&scale);
    return scale;
  }
  const double step = nice_step((scale.high - scale.low) / 4);
  for (double tick = step * ceil(scale.low / step); tick <= scale.high; tick += step) add_tick(&scale, tick);
  return scale;
}

/* ---- the page ---- */

/* report.css */
extern const char tlw_report_style_begin[];

void report_begin(FILE *file) {
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Tallow benchmarks</title>\n<style>\n",
        file);
  fputs(tlw_report_style_begin, file);
  fputs("</style>\n</head>\n<body>\n", file);
}

void report_end(FILE *file) {
  fputs(
      "<footer><p>Made by <code>tallow bench report</code>. A time is the median of a run's batches, with the interval "
      "that holds it in 95 of 100 runs; batches that a busy machine spoiled are left out, and where there were such "
      "the mark is hollow.</p></footer>\n</body>\n</html>\n",
      file);
}
