/* The members of WebDataset shards as bytes of a tar archive: see dataset_tar.h. */
#ifndef CLI_DATASET_MEMBERS_H
#define CLI_DATASET_MEMBERS_H

#include <stdint.h>

#include "dataset_text.h"
#include "exit_codes.h"

#define DATASET_TAR_BLOCK 512

/* What makes members; one for each thread. */
typedef struct dataset_members dataset_members;

/* writes_npy: 1 for KEY.npy, 0 for KEY.png of images of TLW_IMAGE_U8. NULL after a message. */
dataset_members *dataset_members_open(const tlw_image_options *images, int writes_npy, dataset_horizons horizons);
void dataset_members_close(dataset_members *members);

/* Adds the members of an image to out. CLI_OK, or another code after a message. */
cli_exit dataset_members_add(dataset_members *members, const dataset_window *window, const void *pixels,
                             cli_buffer *out);

#endif
