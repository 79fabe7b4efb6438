#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "output.h"
#include "parse.h"
#include "report.h"
#include "tallow/tallow.h"
#include "targets.h"

typedef struct render {
  const cli_args *args;
  cli_targets targets;
  tlw_chart_options chart;
  uint8_t palette[TLW_INK_COUNT * 3];
  tlw_raster raster;
  tlw_engine *engine;
  char engine_name[TLW_NAME_SIZE + 32];
  int verbose, quiet;
  int lost; /* the engine can only be closed */
} render;

static const cli_value *value_of(const render *r, int option) { return &r->args->values[option]; }

static cli_exit check_options(const render *r) {
  if (r->verbose && r->quiet)
    return cli_fail(CLI_USAGE, "--verbose and --quiet exclude each other; try 'tallow render --help'");
  const cli_value *from = value_of(r, RENDER_FROM), *to = value_of(r, RENDER_TO);
  if (from->given && to->given && from->time >= to->time)
    return cli_fail(CLI_USAGE, "--from %s must lie before --to %s; try 'tallow render --help'", from->text, to->text);
  uint64_t backend = value_of(r, RENDER_BACKEND)->number;
  if (value_of(r, RENDER_DEVICE)->given && backend != TLW_BACKEND_OPENCL && backend != TLW_BACKEND_CUDA)
    return cli_fail(CLI_USAGE, "--device needs --backend opencl or --backend cuda; try 'tallow render --help'");
  return CLI_OK;
}

static void set_chart_options(render *r) {
  tlw_chart_options_init(&r->chart);
  r->chart.width = value_of(r, RENDER_SIZE)->width;
  r->chart.height = value_of(r, RENDER_SIZE)->height;
  r->chart.theme = (tlw_theme)value_of(r, RENDER_THEME)->number;
  r->chart.axis = (tlw_axis)value_of(r, RENDER_AXIS)->number;
  r->chart.volume = value_of(r, RENDER_VOLUME)->number == SWITCH_ON;
  r->chart.grid = value_of(r, RENDER_GRID)->number == SWITCH_ON;
}

static void on_log(void *user, tlw_log_level level, const char *message) {
  const render *r = user;
  if (level == TLW_LOG_WARNING && !r->quiet) cli_say("warning: %s", message);
  if (level == TLW_LOG_INFO && r->verbose) cli_say("%s", message);
}

static cli_exit open_engine(render *r) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = (tlw_backend)value_of(r, RENDER_BACKEND)->number;
  options.device = value_of(r, RENDER_DEVICE)->text;
  if (value_of(r, RENDER_DEVICE_MEM)->given) options.device_budget = value_of(r, RENDER_DEVICE_MEM)->number;
  if (value_of(r, RENDER_HOST_MEM)->given) options.host_budget = value_of(r, RENDER_HOST_MEM)->number;
  if (value_of(r, RENDER_THREADS)->given) options.threads = (uint32_t)value_of(r, RENDER_THREADS)->number;
  options.log = on_log;
  options.log_user = r;
  tlw_error error;
  if (tlw_engine_open(&r->engine, &options, &error) != TLW_OK) return cli_fail_library(&error);
  return CLI_OK;
}

/* Notes what the engine runs on; the log has told how it was chosen. */
static cli_exit name_engine(render *r) {
  tlw_device device;
  tlw_error error;
  if (tlw_engine_describe(r->engine, &device, &error) != TLW_OK) return cli_fail_library(&error);
  snprintf(r->engine_name, sizeof r->engine_name, "%s (%s)", tlw_backend_name(device.backend), device.driver);
  return CLI_OK;
}

static cli_exit make_raster(render *r) {
  size_t width = (size_t)r->chart.width, height = (size_t)r->chart.height;
  r->raster = (tlw_raster){.size = width * height, .row_stride = width, .image_stride = width * height};
  r->raster.pixels = malloc(r->raster.size);
  if (r->raster.pixels) return CLI_OK;
  return cli_fail(CLI_NO_MEMORY, "no memory for a chart of %dx%d pixels; use a smaller --size", r->chart.width,
                  r->chart.height);
}

/* The first of n increasing times that is at or after `time`. */
static int64_t lower_bound(const int64_t *times, int64_t n, int64_t time) {
  int64_t low = 0;
  while (low < n) {
    int64_t middle = low + (n - low) / 2;
    if (times[middle] < time)
      low = middle + 1;
    else
      n = middle;
  }
  return low;
}

/* Narrows candles to what --from, --to and --last leave. */
static void select_rows(const render *r, tlw_candles *candles) {
  int64_t first = 0, end = candles->n_rows;
  if (value_of(r, RENDER_FROM)->given) first = lower_bound(candles->time, end, value_of(r, RENDER_FROM)->time);
  if (value_of(r, RENDER_TO)->given) end = lower_bound(candles->time, end, value_of(r, RENDER_TO)->time);
  const cli_value *last = value_of(r, RENDER_LAST);
  if (last->given && (uint64_t)(end - first) > last->number) first = end - (int64_t)last->number;
  candles->open += first;
  candles->high += first;
  candles->low += first;
  candles->close += first;
  candles->time += first;
  if (candles->volume) candles->volume += first;
  candles->n_rows = end - first;
}

static cli_exit fail_empty(const char *input, const tlw_candles *all) {
  if (all->n_rows == 0) return cli_fail(CLI_DATA, "%s: there is no candle in it: add rows below its header", input);
  char first[CLI_TIME_SIZE], last[CLI_TIME_SIZE];
  cli_time_text(all->time[0], first);
  cli_time_text(all->time[all->n_rows - 1], last);
  return cli_fail(CLI_DATA,
                  "%s: none of its %" PRId64 " candles, from %s to %s, lies in the range asked for: change --from or "
                  "--to",
                  input, all->n_rows, first, last);
}

static cli_exit write_standard_output(const tlw_png_image *image) {
  size_t capacity = tlw_png_bound(image->width, image->height), size = 0;
  uint8_t *bytes = malloc(capacity);
  cli_output *output = malloc(sizeof *output);
  cli_exit code = CLI_OK;
  tlw_error error;
  if (!bytes || !output)
    code = cli_fail(CLI_NO_MEMORY, "no memory to encode a PNG");
  else if (tlw_png_encode(image, bytes, capacity, &size, &error) != TLW_OK)
    code = cli_fail_library(&error);
  else if (!(code = cli_output_open(output, "-")))
    code = cli_output_close(output, cli_output_write(output, bytes, size));
  free(output);
  free(bytes);
  return code;
}

static cli_exit write_png(const render *r, const char *path) {
  tlw_png_image image = {
      .pixels = r->raster.pixels,
      .row_stride = r->raster.row_stride,
      .width = r->chart.width,
      .height = r->chart.height,
      .rgb = r->palette,
      .n_colors = TLW_INK_COUNT,
  };
  if (strcmp(path, "-") == 0) return write_standard_output(&image);
  tlw_error error;
  tlw_status status = tlw_png_write(&image, path, &error);
  if (status == TLW_ERR_IO) return cli_fail(cli_exit_of_output(error.native), "%s", error.message);
  return status == TLW_OK ? CLI_OK : cli_fail_library(&error);
}

static cli_exit draw(render *r, const char *input, const tlw_candles *all, const char *path) {
  tlw_candles candles = *all;
  select_rows(r, &candles);
  if (candles.n_rows == 0) return fail_empty(input, all);
  tlw_chart_options chart = r->chart;
  if (!candles.volume) chart.volume = 0;
  tlw_error error;
  tlw_status status = tlw_chart_render(r->engine, &candles, &chart, &r->raster, &error);
  if (status != TLW_OK) {
    r->lost = status == TLW_ERR_DEVICE_LOST;
    return cli_fail(cli_exit_of(status), "%s: %s", input, error.message);
  }
  cli_exit code = write_png(r, path);
  if (!code && r->verbose)
    cli_say("%s: %" PRId64 " %s, %dx%d, %s%s", path, candles.n_rows, candles.n_rows == 1 ? "candle" : "candles",
            chart.width, chart.height, r->engine_name,
            chart.volume == r->chart.volume ? "" : ", no volume in the file");
  return code;
}

static cli_exit render_file(render *r, const char *input) {
  char *path = cli_targets_path(&r->targets, input);
  if (!path) return cli_fail(CLI_NO_MEMORY, "%s: no memory for the name of its chart", input);
  tlw_table *table;
  tlw_error error;
  cli_exit code;
  if (tlw_csv_read_candles(input, &table, &error) == TLW_OK) {
    tlw_candles candles;
    tlw_table_candles(table, &candles);
    code = draw(r, input, &candles, path);
    tlw_table_close(&table);
  } else {
    code = cli_fail_library(&error);
  }
  free(path);
  return code;
}

static cli_exit render_files(render *r) {
  cli_exit first = CLI_OK;
  int n = r->args->n_operands, i = 0;
  for (; i < n && !r->lost; i++) {
    cli_exit code = render_file(r, r->args->operands[i]);
    if (!first) first = code;
  }
  if (i < n) cli_say("%d of %d files were not tried, for the device is lost: run the command again for them", n - i, n);
  return first;
}

cli_exit cli_run_render(const cli_args *args) {
  render r = {.args = args, .verbose = args->values[RENDER_VERBOSE].given, .quiet = args->values[RENDER_QUIET].given};
  cli_exit code = check_options(&r);
  if (!code) code = cli_targets_plan(&r.targets, value_of(&r, RENDER_OUTPUT)->text, args->n_operands, args->operands);
  if (code) return code;
  set_chart_options(&r);
  tlw_error error;
  if (tlw_theme_palette(r.chart.theme, r.palette, &error) != TLW_OK) return cli_fail_library(&error);
  code = open_engine(&r);
  if (!code) code = name_engine(&r);
  if (!code) code = make_raster(&r);
  if (!code) code = cli_targets_make_folder(&r.targets);
  if (!code) code = render_files(&r);
  free(r.raster.pixels);
  tlw_engine_close(&r.engine);
  return code;
}
