/* Pixels of charts to the numbers of tensors. */
#ifndef TALLOW_IMAGES_EXPAND_H
#define TALLOW_IMAGES_EXPAND_H

#include <stdbool.h>
#include <stdint.h>

#include "host/cpu/tier.h"
#include "kernels/core/image.h"

/* What each ink of a palette becomes. */
struct tlw_image_inks {
  bool are_few; /* TLW_CPU_FEW_INKS at most */
  /* By channel, luma being the only one. */
  uint8_t bytes[TLK_IMAGE_CHANNELS][TLK_IMAGE_INKS];
  float floats[TLK_IMAGE_CHANNELS][TLK_IMAGE_INKS];
  /* Red, green and blue together, with room for a whole load. */
  uint8_t rgb_bytes[TLK_IMAGE_INKS][4];
  float rgb_floats[TLK_IMAGE_INKS][4];
};

/* channels: of the image. Inks beyond the palette must not be met. */
void tlw_image_inks_of(const uint8_t *rgb, int32_t n_colors, int32_t channels, struct tlw_image_inks *inks);

/* Makes an image of its pixels, which are the last width * height bytes of its memory. */
void tlw_image_expand(const struct tlw_cpu_tier *tier, tlk_image image, const struct tlw_image_inks *inks,
                      uint8_t *memory);

#endif
