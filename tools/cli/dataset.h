/* What is known of a window of "tallow dataset". */
#ifndef CLI_DATASET_H
#define CLI_DATASET_H

#include <stdint.h>

#include "tallow/images.h"

/* Why a window gives no image, behind the reasons of the library. */
enum {
  DATASET_NO_LABEL = TLW_IMAGE_REASONS, /* with --labelled */
  DATASET_OUTSIDE,                      /* its series has no window that ends from --from to --to */
  DATASET_REASONS
};

/* A few words, such as "flat prices". */
const char *dataset_reason_text(int reason);

/* A window of the run, or the lack of one: a series that has none counts as one window with a reason. */
typedef struct dataset_window {
  int64_t ordinal;      /* among the windows of the run, from 0 */
  int64_t image;        /* among its images, from 0; -1: it gives none */
  const char *source;   /* the FILE, as it was given */
  const char *symbol;   /* NULL: it has none */
  int64_t row;          /* its last bar, among the rows of its series from 0; -1: there is no bar */
  int64_t first, last;  /* times of its first and its last bar, nanoseconds */
  const double *labels; /* one for each of --horizons; NULL: there are none */
  int32_t has_times;    /* 0: first and last say nothing */
  int32_t reason;       /* TLW_IMAGE_DRAWN, another tlw_image_reason, or one of those above */
} dataset_window;

#endif
