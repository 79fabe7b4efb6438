/* Windows to draw as callers give them, checked. */
#ifndef TALLOW_IMAGES_REQUEST_H
#define TALLOW_IMAGES_REQUEST_H

#include <stdbool.h>

#include "kernels/core/image.h"
#include "kernels/core/jkx.h"
#include "tallow/images.h"

struct tlw_image_request {
  tlw_candles candles; /* for JKX without what that does not look at */
  const tlw_image_options *options;
  tlk_image image;
  const tlw_image_window *windows;
  int64_t n;
};

/* Checks all but where images and reasons go. TLW_ERR_ARGUMENT. */
tlw_status tlw_image_request_of(const tlw_candles *candles, const tlw_image_options *options,
                                const tlw_image_window *windows, int64_t n, struct tlw_image_request *request,
                                tlw_error *error);

/* The rows of image i; false: there are too few, and *begin is 0. *before: rows of the series before them. */
bool tlw_image_rows(const struct tlw_image_request *request, int64_t i, int64_t *begin, int64_t *before);

/* The reasons of charts. */
void tlw_image_chart_reasons(const struct tlw_image_request *request, uint8_t *reasons);

/* Lists JKX windows of n images from `first` on. */
void tlw_image_list(const struct tlw_image_request *request, int64_t first, int64_t n, tlk_jkx_window *windows);

#endif
