#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "parse.h"
#include "progress.h"
#include "report.h"
#include "tallow/tune.h"
#include "terminal.h"

/* What sizes are told in, where units are many. */
#define CHART_WIDTH 1280
#define CHART_HEIGHT 720
#define IMAGE_WIDTH 60
#define IMAGE_HEIGHT 64

#define SIZE_TEXT 80
#define WINS_TEXT (2 * SIZE_TEXT + 16)

static const char *label_of(int kind) {
  static const char *const labels[TLW_TUNE_KINDS] = {
      [TLW_TUNE_CHARTS] = "charts",
      [TLW_TUNE_FILES] = "charts as PNG files",
      [TLW_TUNE_FOLD] = "windows",
      [TLW_TUNE_ORDER] = "windows of ranks, quantiles",
      [TLW_TUNE_SCAN] = "recursive filters",
      [TLW_TUNE_BARS] = "bars",
      [TLW_TUNE_IMAGES] = "images of 20 bars",
  };
  return labels[kind];
}

/* ---- sizes and rates ---- */

static void print_count(char text[SIZE_TEXT], double n, const char *what) {
  char count[CLI_COUNT_SIZE];
  cli_count_text((int64_t)fmin(ceil(n), 9e15), count);
  snprintf(text, SIZE_TEXT, "%s %s%s", count, what, n > 1 ? "s" : "");
}

/* "12 charts of 1280x720", "50,000 results". */
static void size_text(int kind, double units, char text[SIZE_TEXT]) {
  const double charts = units / (CHART_WIDTH * CHART_HEIGHT);
  if (kind == TLW_TUNE_IMAGES) {
    print_count(text, units / (IMAGE_WIDTH * IMAGE_HEIGHT), "image");
  } else if (kind != TLW_TUNE_CHARTS && kind != TLW_TUNE_FILES) {
    print_count(text, units, kind == TLW_TUNE_BARS ? "tick" : "result");
  } else if (charts > 1) {
    print_count(text, charts, "chart");
    const size_t length = strlen(text);
    snprintf(text + length, SIZE_TEXT - length, " of %dx%d", CHART_WIDTH, CHART_HEIGHT);
  } else {
    snprintf(text, SIZE_TEXT, "1 chart of %.0fx%.0f", CHART_WIDTH * sqrt(charts), CHART_HEIGHT * sqrt(charts));
  }
}

static void wins_text(int kind, const tlw_tune_result_of_kind *found, char text[WINS_TEXT]) {
  char from[SIZE_TEXT], until[SIZE_TEXT];
  size_text(kind, found->from, from);
  size_text(kind, isinf(found->until) ? 0 : found->until, until);
  if (found->verdict == TLW_TUNE_UNKNOWN)
    snprintf(text, WINS_TEXT, "can't do it");
  else if (found->verdict == TLW_TUNE_TOO_LITTLE)
    snprintf(text, WINS_TEXT, "too little time to tell");
  else if (found->verdict == TLW_TUNE_NEVER)
    snprintf(text, WINS_TEXT, "never");
  else if (found->verdict == TLW_TUNE_ALWAYS)
    snprintf(text, WINS_TEXT, "always");
  else if (isinf(found->until))
    snprintf(text, WINS_TEXT, "from %s on", from);
  else if (found->from == 0)
    snprintf(text, WINS_TEXT, "up to %s", until);
  else
    snprintf(text, WINS_TEXT, "%s to %s", from, until);
}

/* Units a second: "1.23 G". */
static void rate_text(double units, double seconds, char text[SIZE_TEXT]) {
  static const char prefixes[] = " kMGT";
  double rate = units / seconds;
  int prefix = 0;
  while (rate >= 999.5 && prefixes[prefix + 1]) {
    rate /= 1000;
    prefix++;
  }
  snprintf(text, SIZE_TEXT, "%.3g %c", rate, prefixes[prefix]);
}

/* ---- for people ---- */

static void print_kind(int kind, const tlw_tune_result_of_kind *found) {
  char wins[WINS_TEXT], device[SIZE_TEXT] = "", cpu[SIZE_TEXT] = "", unit[SIZE_TEXT] = "";
  wins_text(kind, found, wins);
  if (found->n_points > 0) {
    const tlw_tune_point *last = &found->points[found->n_points - 1];
    rate_text(last->units, last->device_seconds, device);
    rate_text(last->units, last->cpu_seconds, cpu);
    snprintf(unit, sizeof unit, "%s/s", tlw_tune_unit((tlw_tune_kind)kind));
  }
  printf("%-28s%-40s%10s%10s %s\n", label_of(kind), wins, device, cpu, unit);
}

static void print_table(const tlw_tune_result *result) {
  printf("%s %d, ", tlw_backend_name(result->device.backend), (int)result->device.index);
  cli_print_plain(stdout, result->device.name);
  printf(", beside the CPU with %" PRIu32 " thread%s; measured in %.1f s\n\n", result->threads,
         result->threads == 1 ? "" : "s", result->seconds);
  printf("%-28s%-40s%10s%10s at the largest size\n", "work", "the device is faster",
         tlw_backend_name(result->device.backend), "cpu");
  for (int kind = 0; kind < TLW_TUNE_KINDS; kind++) print_kind(kind, &result->kinds[kind]);
  if (!result->stored) return;
  printf("\nkept in ");
  cli_print_plain(stdout, result->path);
  printf(";\nthat is what --backend auto goes by from now on\n");
}

static void print_no_device(const tlw_tune_result *result) {
  printf("auto uses the CPU (");
  cli_print_plain(stdout, result->device.driver);
  printf(", %" PRIu32 " thread%s): there is no device that it would take, and nothing to choose.\n", result->threads,
         result->threads == 1 ? "" : "s");
  if (*result->reason)
    cli_print_plain(stdout, result->reason);
  else
    printf("'tallow devices' says why.");
  putchar('\n');
}

/* Of kinds of work for which there was too little time. */
static void warn_of_time(const tlw_tune_result *result) {
  int n = 0;
  for (int kind = 0; kind < TLW_TUNE_KINDS; kind++) n += result->kinds[kind].verdict == TLW_TUNE_TOO_LITTLE;
  if (n > 0)
    cli_warn("auto estimates %d of %d kinds of work, for there was too little time to measure them: ask for more with "
             "--time",
             n, TLW_TUNE_KINDS);
}

static void warn_if_lost(const tlw_tune_result *result) {
  if (!result->has_device || result->stored) return;
  if (*result->path)
    cli_warn("what was measured is lost, for %s can't be written: auto goes on by an estimate", result->path);
  else
    cli_warn("what was measured is lost, for there is no folder to keep it in: set XDG_CACHE_HOME or HOME to one");
}

/* ---- for programs ---- */

/* As JSON has no infinity. */
static void print_number(double number) {
  char text[CLI_DOUBLE_SIZE + 1];
  if (isinf(number)) {
    printf("null");
    return;
  }
  *cli_put_double(text, number) = 0;
  printf("%s", text);
}

static void print_json_text(const char *name, const char *text, const char *end) {
  printf("\"%s\": ", name);
  cli_print_json(stdout, text);
  printf("%s", end);
}

static const char *verdict_name(int verdict) {
  static const char *const names[] = {[TLW_TUNE_UNKNOWN] = "unknown",
                                      [TLW_TUNE_NEVER] = "never",
                                      [TLW_TUNE_ALWAYS] = "always",
                                      [TLW_TUNE_BETWEEN] = "between",
                                      [TLW_TUNE_TOO_LITTLE] = "too little time"};
  return names[verdict];
}

static void print_json_kind(int kind, const tlw_tune_result_of_kind *found) {
  printf("    {\"work\": \"%s\", \"unit\": \"%s\", \"device_wins\": \"%s\", \"from\": ",
         tlw_tune_kind_name((tlw_tune_kind)kind), tlw_tune_unit((tlw_tune_kind)kind), verdict_name(found->verdict));
  print_number(found->verdict == TLW_TUNE_BETWEEN ? found->from : (double)INFINITY);
  printf(", \"until\": ");
  print_number(found->verdict == TLW_TUNE_BETWEEN ? found->until : (double)INFINITY);
  printf(", \"points\": [");
  for (int i = 0; i < found->n_points; i++) {
    printf("%s\n      {\"units\": ", i > 0 ? "," : "");
    print_number(found->points[i].units);
    printf(", \"cpu_seconds\": ");
    print_number(found->points[i].cpu_seconds);
    printf(", \"device_seconds\": ");
    print_number(found->points[i].device_seconds);
    printf("}");
  }
  printf("]}");
}

static void print_json(const tlw_tune_result *result) {
  printf("{\n  \"device\": ");
  if (result->has_device) {
    printf("{\"backend\": \"%s\", \"index\": %d, ", tlw_backend_name(result->device.backend),
           (int)result->device.index);
    print_json_text("name", result->device.name, ", ");
    print_json_text("uuid", result->device.uuid, ", ");
    print_json_text("driver", result->device.driver, "}");
  } else {
    printf("null");
  }
  printf(",\n  \"threads\": %" PRIu32 ",\n  \"seconds\": ", result->threads);
  print_number(result->seconds);
  printf(",\n  \"stored\": %s,\n  ", result->stored ? "true" : "false");
  print_json_text("path", result->path, ",\n");
  printf("  \"works\": [");
  for (int kind = 0; kind < TLW_TUNE_KINDS && result->has_device; kind++) {
    printf(kind > 0 ? ",\n" : "\n");
    print_json_kind(kind, &result->kinds[kind]);
  }
  printf(result->has_device ? "\n  ]\n}\n" : "]\n}\n");
}

/* ---- progress ---- */

#define DRAW_EVERY 0.1 /* seconds */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int32_t show_progress(void *user, double done) {
  double *shown = user;
  char text[SIZE_TEXT];
  const double time = now();
  if (time - *shown < DRAW_EVERY || !cli_in_foreground()) return 0;
  *shown = time;
  snprintf(text, sizeof text, "%3.0f%%  measuring", 100 * fmin(fmax(done, 0), 1));
  cli_progress_draw(text);
  return 0;
}

static tlw_status tune(tlw_tune_options *options, tlw_tune_result *result, tlw_error *error) {
  double shown = now();
  const int is_shown = cli_on_smart_terminal();
  options->watch = is_shown ? show_progress : NULL;
  options->watch_user = &shown;
  const tlw_status status = tlw_tune(options, result, error);
  if (is_shown) cli_progress_draw("");
  return status;
}

cli_exit cli_run_tune(const cli_args *args) {
  tlw_tune_options options;
  tlw_tune_options_init(&options);
  if (args->values[TUNE_THREADS].given) options.threads = (uint32_t)args->values[TUNE_THREADS].number;
  options.seconds = (double)args->values[TUNE_TIME].number * 1e-9;
  static tlw_tune_result result = {.struct_size = sizeof result};
  tlw_error error;
  if (tune(&options, &result, &error) != TLW_OK) return cli_fail_library(&error);
  if (args->values[TUNE_JSON].given)
    print_json(&result);
  else
    result.has_device ? print_table(&result) : print_no_device(&result);
  warn_of_time(&result);
  warn_if_lost(&result);
  return CLI_OK;
}
