/* What is said of a window of "tallow dataset", in its manifest and beside its image in a shard. */
#ifndef CLI_DATASET_TEXT_H
#define CLI_DATASET_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buffer.h"
#include "dataset.h"
#include "manifest.h"

/* How many bars ahead of a window labels look; n is 0 where none are asked for. */
typedef struct dataset_horizons {
  const int64_t *bars;
  int32_t n;
} dataset_horizons;

/*
 * Replaces what is in out by the name of a file beside output, with a terminator: "set.npy" and ".labels.npy" give
 * "set.labels.npy".
 */
void dataset_name_beside(cli_buffer *out, const char *output, const char *ending);

/* The text of the source that was asked for last. All 0: none was. */
typedef struct dataset_sources {
  cli_buffer source, symbol, text;
} dataset_sources;

void dataset_sources_free(dataset_sources *sources);

/* "source": "a.csv", "symbol": null; valid until the next call. text is NULL if there was no memory. */
cli_span dataset_source_text(dataset_sources *sources, const char *source, const char *symbol);

/* Bytes that the functions below take for a window at most, and DATASET_TEXT_MORE of others of the caller. */
#define DATASET_TEXT_MORE 256
size_t dataset_text_bound(size_t source_length, int32_t n_horizons);

/* Each writes to out and returns the end. */
char *dataset_put_time(char *out, const dataset_window *window, int64_t time);

/* {"5": 0.25, "20": null} */
char *dataset_put_labels(char *out, dataset_horizons horizons, const double *labels);

static inline char *dataset_put_span(char *out, const char *text, size_t length) {
  memcpy(out, text, length);
  return out + length;
}

#define DATASET_PUT(out, literal) dataset_put_span((out), (literal), sizeof(literal) - 1)

#endif
