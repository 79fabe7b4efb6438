#include "dataset_text.h"

#include <math.h>

#include "format.h"
#include "targets.h"

#define NUMBERS_SIZE 256                              /* whole numbers and times of a window */
#define LABEL_SIZE (CLI_DOUBLE_SIZE + CLI_COUNT_SIZE) /* with its horizon and what stands between */

void dataset_name_beside(cli_buffer *out, const char *output, const char *ending) {
  static const char *const endings[] = {".npy", ".dat", ".tar"};
  size_t length = strlen(output);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (cli_ends_in(output, endings[i])) length = strlen(output) - strlen(endings[i]);
  cli_buffer_clear(out);
  cli_buffer_add(out, output, length);
  cli_buffer_add(out, ending, strlen(ending) + 1);
}

/* ---- sources ---- */

void dataset_sources_free(dataset_sources *sources) {
  cli_buffer_free(&sources->source);
  cli_buffer_free(&sources->symbol);
  cli_buffer_free(&sources->text);
}

/* A buffer holds a text with its terminator, or nothing where there is no text. */
static void keep(cli_buffer *buffer, const char *text) {
  cli_buffer_clear(buffer);
  if (text) cli_buffer_add(buffer, text, strlen(text) + 1);
}

static int is_kept(const cli_buffer *buffer, const char *text) {
  return text ? buffer->length > 0 && strcmp(buffer->bytes, text) == 0 : buffer->length == 0;
}

cli_span dataset_source_text(dataset_sources *sources, const char *source, const char *symbol) {
  cli_buffer *text = &sources->text;
  if (text->length == 0 || !is_kept(&sources->source, source) || !is_kept(&sources->symbol, symbol)) {
    keep(&sources->source, source);
    keep(&sources->symbol, symbol);
    cli_buffer_clear(text);
    cli_buffer_format(text, "\"source\": ");
    cli_buffer_json(text, source);
    cli_buffer_format(text, ", \"symbol\": ");
    cli_buffer_json(text, symbol);
    if (sources->source.failed || sources->symbol.failed || text->failed) {
      cli_buffer_clear(text);
      return (cli_span){0};
    }
  }
  return (cli_span){text->bytes, text->length};
}

/* ---- numbers ---- */

size_t dataset_text_bound(size_t source_length, int32_t n_horizons) {
  return source_length + (size_t)n_horizons * LABEL_SIZE + NUMBERS_SIZE + DATASET_TEXT_MORE;
}

char *dataset_put_time(char *out, const dataset_window *window, int64_t time) {
  if (!window->has_times) return DATASET_PUT(out, "null");
  *out++ = '"';
  out = cli_put_time(out, time, cli_time_digits(time));
  *out++ = '"';
  return out;
}

char *dataset_put_labels(char *out, dataset_horizons horizons, const double *labels) {
  *out++ = '{';
  for (int32_t i = 0; i < horizons.n; i++) {
    out = i ? DATASET_PUT(out, ", \"") : DATASET_PUT(out, "\"");
    out = cli_put_digits(out, (uint64_t)horizons.bars[i], 1);
    out = DATASET_PUT(out, "\": ");
    out = isnan(labels[i]) ? DATASET_PUT(out, "null") : cli_put_double(out, labels[i]);
  }
  *out++ = '}';
  return out;
}
