#include "dataset_manifest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "format.h"
#include "output.h"
#include "report.h"
#include "tallow/png.h"
#include "tallow/version.h"

struct dataset_manifest {
  dataset_manifest_options options;
  dataset_sources sources;
  cli_buffer name, text; /* text: lines that are not written yet */
  int64_t n_windows, n_images, n_failed, n_left_out[DATASET_REASONS];
  cli_output output;
};

static cli_exit fail_memory(void) { return cli_fail(CLI_NO_MEMORY, "no memory for the manifest"); }

/* Writes the lines that there are. */
static cli_exit flush(dataset_manifest *m) {
  if (m->text.failed) return fail_memory();
  const cli_exit code = cli_output_write(&m->output, m->text.bytes, m->text.length);
  cli_buffer_clear(&m->text);
  return code;
}

/* ---- the first and the last line ---- */

/* Whether an option decides the files. The names of files do not. */
static int is_parameter(const cli_option *option) {
  const cli_group group = option->group;
  return option->hint != CLI_HINT_FILE && (group == CLI_GROUP_DRAWN || group == CLI_GROUP_COMPUTED ||
                                           group == CLI_GROUP_INPUT || group == CLI_GROUP_BAD_ROWS);
}

static void add_parameters(cli_buffer *out, const cli_args *args) {
  const char *comma = "";
  for (int i = 0; i < args->command->n_options; i++) {
    const cli_option *option = &args->command->options[i];
    if (!is_parameter(option)) continue;
    cli_buffer_format(out, "%s\"%s\": ", comma, option->name);
    cli_manifest_value(out, option, &args->values[i]);
    comma = ", ";
  }
}

static void add_image(cli_buffer *out, const tlw_image_options *images, const tlw_image_shape *shape) {
  const int is_nchw = images->order == TLW_ORDER_NCHW;
  cli_buffer_format(out, "{\"shape\": [%" PRId32 ", %" PRId32 ", %" PRId32 "], \"type\": \"%s\"}",
                    is_nchw ? shape->channels : shape->height, is_nchw ? shape->height : shape->width,
                    is_nchw ? shape->width : shape->channels, images->type == TLW_IMAGE_U8 ? "u8" : "f32");
}

static void add_libraries(cli_buffer *out, const dataset_manifest_options *options) {
  if (options->has_png) cli_buffer_format(out, "\"tallow-png\": \"%d\"", TLW_PNG_FAST_VERSION);
  if (!options->zones) return;
  cli_buffer_format(out, options->has_png ? ", \"tzdata\": " : "\"tzdata\": ");
  cli_buffer_json(out, options->zones);
}

cli_exit dataset_manifest_header(cli_buffer *out, const dataset_manifest_options *options) {
  tlw_image_shape shape;
  tlw_error error;
  if (tlw_image_shape_of(options->images, &shape, &error) != TLW_OK) return cli_fail_library(&error);
  cli_buffer_format(out, "{\"tallow\": \"%s\", \"dataset\": 1, \"image\": ", tlw_version());
  add_image(out, options->images, &shape);
  cli_buffer_format(out, ", \"chart\": ");
  if (options->chart.text)
    cli_buffer_add(out, options->chart.text, options->chart.length);
  else
    cli_buffer_json(out, NULL);
  cli_buffer_format(out, ", \"parameters\": {");
  add_parameters(out, options->args);
  cli_buffer_format(out, "}, \"libraries\": {");
  add_libraries(out, options);
  cli_buffer_format(out, "}}");
  return out->failed ? fail_memory() : CLI_OK;
}

static cli_exit write_first(dataset_manifest *m) {
  const cli_exit code = dataset_manifest_header(&m->text, &m->options);
  cli_buffer_add(&m->text, "\n", 1);
  return code ? code : flush(m);
}

static cli_exit write_last(dataset_manifest *m, uint64_t data) {
  const char *comma = "";
  cli_buffer_format(&m->text, "{\"windows\": %" PRId64 ", \"images\": %" PRId64 ", \"left out\": {", m->n_windows,
                    m->n_images);
  for (int reason = 0; reason < DATASET_REASONS; reason++) {
    if (m->n_left_out[reason] == 0) continue;
    cli_buffer_format(&m->text, "%s\"%s\": %" PRId64, comma, dataset_reason_text(reason), m->n_left_out[reason]);
    comma = ", ";
  }
  cli_buffer_format(&m->text, "}, \"failed\": %" PRId64 ", \"data\": \"%016" PRIx64 "\"}\n", m->n_failed, data);
  return flush(m);
}

/* ---- windows ---- */

static char *put_range(char *out, const dataset_window *window, int64_t bars) {
  out = DATASET_PUT(out, ", \"row\": ");
  if (window->row < 0) return DATASET_PUT(out, "null, \"range\": null");
  out = cli_put_digits(out, (uint64_t)window->row, 1);
  out = DATASET_PUT(out, ", \"range\": {\"first\": ");
  out = dataset_put_time(out, window, window->first);
  out = DATASET_PUT(out, ", \"last\": ");
  out = dataset_put_time(out, window, window->last);
  out = DATASET_PUT(out, ", \"rows\": ");
  out = cli_put_digits(out, (uint64_t)(window->row < bars ? window->row + 1 : bars), 1);
  *out++ = '}';
  return out;
}

static char *put_result(char *out, const dataset_window *window) {
  if (window->image >= 0) return DATASET_PUT(out, ", \"status\": \"ok\"}\n");
  const char *reason = dataset_reason_text(window->reason);
  out = DATASET_PUT(out, ", \"status\": \"left out\", \"reason\": \"");
  out = dataset_put_span(out, reason, strlen(reason));
  return DATASET_PUT(out, "\"}\n");
}

static char *put_window(char *out, const dataset_manifest *m, const dataset_window *window, cli_span source) {
  out = DATASET_PUT(out, "{\"ordinal\": ");
  out = cli_put_digits(out, (uint64_t)window->ordinal, 1);
  out = DATASET_PUT(out, ", \"image\": ");
  out = window->image < 0 ? DATASET_PUT(out, "null") : cli_put_digits(out, (uint64_t)window->image, 1);
  out = DATASET_PUT(out, ", ");
  out = dataset_put_span(out, source.text, source.length);
  out = put_range(out, window, m->options.images->window);
  if (m->options.horizons.n > 0 && window->labels) {
    out = DATASET_PUT(out, ", \"labels\": ");
    out = dataset_put_labels(out, m->options.horizons, window->labels);
  }
  return put_result(out, window);
}

static cli_exit add_window(dataset_manifest *m, const dataset_window *window) {
  const cli_span source = dataset_source_text(&m->sources, window->source, window->symbol);
  const size_t size = dataset_text_bound(source.length, m->options.horizons.n);
  char *out = source.text ? cli_buffer_room(&m->text, size) : NULL;
  if (!out) return fail_memory();
  m->text.length += (size_t)(put_window(out, m, window, source) - out);
  m->n_windows++;
  m->n_images += window->image >= 0;
  if (window->image < 0) m->n_left_out[window->reason]++;
  return m->text.length > CLI_OUTPUT_BUFFER ? flush(m) : CLI_OK;
}

cli_exit dataset_manifest_add(dataset_manifest *m, const dataset_window *windows, int64_t n) {
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n && !code; i++) code = add_window(m, &windows[i]);
  return code;
}

cli_exit dataset_manifest_add_failure(dataset_manifest *m, const char *source, cli_exit exit_code, const char *reason) {
  const cli_span text = dataset_source_text(&m->sources, source, NULL);
  if (!text.text) return fail_memory();
  cli_buffer_format(&m->text, "{\"ordinal\": null, \"image\": null, ");
  cli_buffer_add(&m->text, text.text, text.length);
  cli_buffer_format(
      &m->text,
      ", \"row\": null, \"range\": null, \"status\": \"failed\", \"exit_code\": %d, \"reason\": ", (int)exit_code);
  cli_buffer_json(&m->text, reason);
  cli_buffer_format(&m->text, "}\n");
  m->n_failed++;
  return flush(m);
}

/* ---- the file ---- */

static void drop(dataset_manifest **manifest) {
  dataset_sources_free(&(*manifest)->sources);
  cli_buffer_free(&(*manifest)->name);
  cli_buffer_free(&(*manifest)->text);
  free(*manifest);
  *manifest = NULL;
}

static cli_exit begin(dataset_manifest *m) {
  dataset_name_beside(&m->name, m->options.output, ".manifest.jsonl");
  if (m->name.failed) return fail_memory();
  cli_exit code = cli_output_open(&m->output, m->name.bytes);
  if (code) return code;
  code = write_first(m);
  return code ? cli_output_close(&m->output, code) : CLI_OK;
}

cli_exit dataset_manifest_open(dataset_manifest **manifest, const dataset_manifest_options *options) {
  *manifest = calloc(1, sizeof **manifest);
  if (!*manifest) return fail_memory();
  (*manifest)->options = *options;
  const cli_exit code = begin(*manifest);
  if (code) drop(manifest);
  return code;
}

cli_exit dataset_manifest_close(dataset_manifest **manifest, uint64_t data, cli_exit code) {
  if (!*manifest) return code;
  if (!code) code = write_last(*manifest, data);
  code = cli_output_close(&(*manifest)->output, code);
  drop(manifest);
  return code;
}
