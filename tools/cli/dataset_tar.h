/*
 * Images as WebDataset shards: tar archives "set-000000.tar", "set-000001.tar" and so on, of KEY.png or KEY.npy,
 * KEY.json and, where the first label is there, KEY.cls for each image, KEY being its number in 12 digits.
 *
 *   KEY.png   the image with a palette, of the smallest depth that holds its colours
 *   KEY.npy   the image as an array of three dimensions
 *   KEY.json  {"source": "a.csv", "symbol": null, "row": 19, "first": "2020-01-01T00:00:00Z", "last":
 *             "2020-01-20T00:00:00Z", "labels": {"5": 0.25}}; "labels" are there where horizons are
 *   KEY.cls   1 if the first label is above 0, else 0
 *
 * The bytes follow from the images and what is said of them alone.
 */
#ifndef CLI_DATASET_TAR_H
#define CLI_DATASET_TAR_H

#include <stdint.h>

#include "dataset_text.h"
#include "exit_codes.h"

typedef struct dataset_tar_options {
  const char *output;              /* "set.tar" */
  const tlw_image_options *images; /* of type TLW_IMAGE_U8 where png is 1 */
  int writes_npy;                  /* 1: KEY.npy; 0: KEY.png */
  dataset_horizons horizons;
  int threads; /* 1 or more, that of the caller included */
} dataset_tar_options;

typedef struct dataset_tar dataset_tar;

/* Replaces what is in out by the name of the shard of this number, from 0; with a terminator. */
void dataset_tar_name(cli_buffer *out, const char *output, int64_t number);

/* 1 if the shard is there. */
int dataset_tar_is_there(const char *output, int64_t number);

/* Has the shard reach the disk. CLI_OK, or another code after a message. */
cli_exit dataset_tar_sync(const char *output, int64_t number);

/* Removes the shards from this number on, up to the first that is not there. */
void dataset_tar_remove(const char *output, int64_t number);

/*
 * A writer of shards, one after the other: begin, add as often as one likes, end. A shard appears, by rename, when it
 * is ended with CLI_OK; else it does not. What options points at must outlive the writer. All of them on one thread;
 * each returns CLI_OK, or another code after a message, behind which the shard must be ended; end the first failure.
 */
cli_exit dataset_tar_open(dataset_tar **tar, const dataset_tar_options *options);
cli_exit dataset_tar_begin(dataset_tar *tar, int64_t number);

/* Adds n images, one behind the other in pixels, with what is said of them: windows[i].image is 0 or more. */
cli_exit dataset_tar_add(dataset_tar *tar, const dataset_window *windows, int64_t n, const void *pixels);
cli_exit dataset_tar_end(dataset_tar *tar, cli_exit code);

/* Ends what has begun as a failure, and sets *tar to NULL. NULL is fine. */
void dataset_tar_close(dataset_tar **tar);

#endif
