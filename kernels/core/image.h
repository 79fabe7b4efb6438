/* Images as tensors, as include/tallow/images.h states them: how numbers lie, and what an index or a byte becomes. */
#ifndef TLK_CORE_IMAGE_H
#define TLK_CORE_IMAGE_H

#include "../dialect.h"

/* Inks of a table, each with a number for each channel: of floats binary32, else bytes. */
#define TLK_IMAGE_INKS 256
#define TLK_IMAGE_CHANNELS 3

typedef struct {
  tlk_i32 width, height;
  tlk_i32 channels; /* 1 or 3 */
  tlk_i32 is_float; /* 1: binary32 numbers, else bytes */
  tlk_i32 is_last;  /* 1: NHWC, else NCHW */
} tlk_image;

/* Bytes of an image. */
TLK_FN tlk_u64 tlk_image_size(tlk_image image) {
  return (tlk_u64)image.width * (tlk_u64)image.height * (tlk_u64)image.channels * (image.is_float ? 4 : 1);
}

/* The place of a channel of a pixel, in numbers from the image's first. */
TLK_FN tlk_u64 tlk_image_at(tlk_image image, tlk_i32 x, tlk_i32 y, tlk_i32 channel) {
  const tlk_u64 pixel = (tlk_u64)y * (tlk_u64)image.width + (tlk_u64)x;
  if (image.is_last) return pixel * (tlk_u64)image.channels + (tlk_u64)channel;
  return (tlk_u64)channel * (tlk_u64)image.width * (tlk_u64)image.height + pixel;
}

/* ITU-R BT.601, in 16 bits of fraction. */
TLK_FN tlk_u32 tlk_image_luma(tlk_u32 red, tlk_u32 green, tlk_u32 blue) {
  return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

#endif
