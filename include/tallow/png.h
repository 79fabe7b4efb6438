/* PNG files of indexed rasters, by libpng. */
#ifndef TALLOW_PNG_H
#define TALLOW_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An indexed image in the caller's memory. */
typedef struct tlw_png_image {
  const uint8_t *pixels; /* row y, column x at pixels[y * row_stride + x]; each less than n_colors */
  size_t row_stride;     /* bytes, at least width */
  int32_t width;         /* 1 to 16384 */
  int32_t height;        /* 1 to 16384 */
  const uint8_t *rgb;    /* n_colors red, green, blue triples */
  int32_t n_colors;      /* 1 to 256 */
} tlw_png_image;

/* Bytes that tlw_png_encode may need at most for such an image; 0 if a side is out of range. */
TLW_API size_t tlw_png_bound(int32_t width, int32_t height);

/*
 * Encodes to memory: palette colour, the smallest bit depth that holds n_colors, filter Up (None for a single row),
 * zlib level 6. Writes at most capacity bytes to out and the length to *size.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_BUDGET: capacity is too small (bytes: tlw_png_bound); TLW_ERR_MEMORY.
 * Thread-safety: any thread. The bytes follow the versions of libpng and zlib; the pixels do not.
 */
TLW_API tlw_status tlw_png_encode(const tlw_png_image *image, uint8_t *out, size_t capacity, size_t *size,
                                  tlw_error *error);

/*
 * Encodes to a file. The file appears under path by rename once it is complete, so that a failure or a crash leaves
 * neither a part of it nor harms an older one. A path that is a link is replaced, not followed; a device, pipe or
 * socket is refused. The temporary name is about 20 bytes longer. Data is not forced to disk.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_IO: with errno in native; TLW_ERR_MEMORY. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_png_write(const tlw_png_image *image, const char *path, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
