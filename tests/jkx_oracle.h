/*
 * The images of tallow/images.h by their text, pixel by pixel, in the plainest way: the reference that every backend,
 * tier, thread and split is held against. It has nothing of the library.
 */
#ifndef TALLOW_TESTS_JKX_ORACLE_H
#define TALLOW_TESTS_JKX_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/images.h"

/* Of an image of n bars: 5, 20 or 60. */
int32_t jkx_oracle_width(int64_t n);
int32_t jkx_oracle_height(int64_t n);

#define JKX_ORACLE_WIDTH_MAX 180
#define JKX_ORACLE_HEIGHT_MAX 96

/* What a window had that tests may want to have met. */
typedef struct jkx_oracle_seen {
  int64_t price_halves, volume_halves; /* numbers that lay right between two rows */
  int64_t averages, lone_averages;     /* drawn; without a neighbour */
  int64_t steep, shallow;              /* pieces of the line, by the greater axis */
  int64_t blank_bars, no_open, no_close, open_outside;
  int64_t blank_panels, lifted; /* volumes of no row that have one pixel all the same */
} jkx_oracle_seen;

/*
 * Draws a window of n bars into width * height bytes, 0 and 255, row 0 on top. The window is one of the candles' series
 * and rows. seen: is added to, or NULL.
 */
tlw_image_reason jkx_oracle_draw(const tlw_candles *candles, int64_t n, tlw_image_window window, uint8_t *pixels,
                                 jkx_oracle_seen *seen);

/*
 * An image as a tensor: rgb has three bytes a pixel, by rows; of options type, order and color are looked at. Returns
 * the bytes that it wrote.
 */
size_t tensor_oracle(const uint8_t *rgb, int32_t width, int32_t height, const tlw_image_options *options, void *out);

/* The same of an image of one byte a pixel, which is red, green and blue alike. */
size_t tensor_oracle_grey(const uint8_t *pixels, int32_t width, int32_t height, const tlw_image_options *options,
                          void *out);

#endif
