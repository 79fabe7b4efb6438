#include "host/base/error.h"
#include "tallow/chart.h"

tlw_status tlw_raster_expand(const uint8_t *source, size_t source_stride, int32_t width, int32_t height,
                             const uint8_t *rgb, int32_t n_colors, tlw_pixel_format format, uint8_t *target,
                             size_t target_stride, tlw_error *error) {
  if (!source || !rgb || !target)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", !source ? "source" : !rgb ? "rgb" : "target");
  if (width < 1 || height < 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the raster is %d x %d pixels: each side must be 1 or more", width,
                    height);
  if (n_colors < 1 || n_colors > 256)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_colors is %d: it must be 1 to 256", n_colors);
  if (format != TLW_PIXELS_RGB && format != TLW_PIXELS_RGBA)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "format is %d: it must be TLW_PIXELS_RGB or TLW_PIXELS_RGBA", (int)format);
  const size_t columns = (size_t)width, size = (size_t)format;
  if (source_stride < columns || target_stride / size < columns)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is %zu bytes: a row of %d pixels needs %zu",
                    source_stride < columns ? "source_stride" : "target_stride",
                    source_stride < columns ? source_stride : target_stride, width,
                    source_stride < columns ? columns : columns * size);
  uint8_t colors[256][4];
  for (int i = 0; i < 256; i++) {
    const uint8_t *color = rgb + 3 * (i < n_colors ? i : 0);
    for (int k = 0; k < 3; k++) colors[i][k] = color[k];
    colors[i][3] = 255;
  }
  for (size_t y = 0; y < (size_t)height; y++) {
    const uint8_t *from = source + y * source_stride;
    uint8_t *to = target + y * target_stride;
    for (size_t x = 0; x < columns; x++, to += size)
      for (size_t k = 0; k < size; k++) to[k] = colors[from[x]][k];
  }
  return TLW_OK;
}
