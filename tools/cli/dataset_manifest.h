/*
 * The manifest of a set of images: lines of JSON, whose bytes follow from the inputs, the options and the versions of
 * libraries alone.
 *
 *   {"tallow": "0.1.0", "dataset": 1, "image": {"shape": [1, 64, 60], "type": "u8"}, "chart": null, "parameters":
 *     {"preset": "jkx", ...}, "libraries": {}}
 *   {"ordinal": 0, "image": 0, "source": "a.csv", "symbol": null, "row": 19, "range": {"first":
 *     "2020-01-01T00:00:00Z", "last": "2020-01-20T00:00:00Z", "rows": 20}, "labels": {"5": 0.25}, "status": "ok"}
 *   {"ordinal": 1, "image": null, "source": "a.csv", "symbol": null, "row": 20, "range": {...}, "labels": {"5":
 *     null}, "status": "left out", "reason": "flat prices"}
 *   {"ordinal": null, "image": null, "source": "b.csv", "symbol": null, "row": null, "range": null, "status":
 *     "failed", "exit_code": 65, "reason": "b.csv:3: ..."}
 *   {"windows": 2, "images": 1, "left out": {"flat prices": 1}, "failed": 1, "data": "89ab..."}
 *
 * each on one line. "row" is that of the window's last bar in its series, from 0. "labels" are there where horizons
 * are.
 */
#ifndef CLI_DATASET_MANIFEST_H
#define CLI_DATASET_MANIFEST_H

#include <stdint.h>

#include "dataset_text.h"
#include "exit_codes.h"
#include "parse.h"

typedef struct dataset_manifest_options {
  const char *output;   /* "set.npy": the manifest is "set.manifest.jsonl" */
  const cli_args *args; /* whose options of what is drawn or computed, of input and of bad rows are the parameters */
  const tlw_image_options *images;
  dataset_horizons horizons;
  cli_span chart;    /* what is drawn, as JSON on one line; a text of NULL: null */
  const char *zones; /* the version of the time zones; NULL where none is needed */
  int has_png;       /* 1: images are PNG files */
} dataset_manifest_options;

/* Adds the first line to out, without its newline. */
cli_exit dataset_manifest_header(cli_buffer *out, const dataset_manifest_options *options);

typedef struct dataset_manifest dataset_manifest;

/*
 * The file appears, by rename, when it is closed with CLI_OK; else none does. images and horizons must outlive it.
 * Each returns CLI_OK, or another code after a message; close the first failure.
 */
cli_exit dataset_manifest_open(dataset_manifest **manifest, const dataset_manifest_options *options);
cli_exit dataset_manifest_add(dataset_manifest *manifest, const dataset_window *windows, int64_t n);

/* An input that can't be read. */
cli_exit dataset_manifest_add_failure(dataset_manifest *manifest, const char *source, cli_exit exit_code,
                                      const char *reason);

/* data: a number made of all that was read. */
cli_exit dataset_manifest_close(dataset_manifest **manifest, uint64_t data, cli_exit code);

#endif
