#include "host/base/error.h"
#include "source.h"

/* Bytes up to the last pixel of the last chart, or SIZE_MAX where they can't be counted. */
static size_t raster_size(const tlw_raster *r, const tlk_layout *layout, int64_t n_series) {
  size_t rows, images, size;
  if (__builtin_mul_overflow(r->row_stride, (size_t)layout->height - 1, &rows) ||
      __builtin_mul_overflow(r->image_stride, (size_t)n_series - 1, &images) ||
      __builtin_add_overflow(rows, images, &size) || __builtin_add_overflow(size, (size_t)layout->width, &size))
    return SIZE_MAX;
  return size;
}

static tlw_status check_raster(const tlw_raster *r, const tlk_layout *layout, int64_t n_series, tlw_error *error) {
  if (!r) return tlw_fail(error, TLW_ERR_ARGUMENT, "raster is NULL");
  if (n_series == 0) return TLW_OK;
  if (!r->pixels) return tlw_fail(error, TLW_ERR_ARGUMENT, "raster.pixels is NULL");
  if (r->row_stride < (size_t)layout->width || r->row_stride > INT32_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "raster.row_stride is %zu bytes: it must be %d, the width, to %d",
                    r->row_stride, layout->width, INT32_MAX);
  const size_t one = raster_size(r, layout, 1), all = raster_size(r, layout, n_series);
  if (n_series > 1 && r->image_stride < one)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "raster.image_stride is %zu bytes: a chart needs at least %zu",
                    r->image_stride, one);
  if (r->size < all)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "raster.size is %zu bytes: %lld charts of %d x %d need %zu", r->size,
                    (long long)n_series, layout->width, layout->height, all);
  return TLW_OK;
}

tlw_status tlw_chart_check(const tlw_candles *candles, const tlw_chart_options *options, tlw_error *error) {
  struct tlw_source source;
  tlw_status status = tlw_source_of(candles, options, &source, error);
  for (int64_t i = 0; status == TLW_OK && i < candles->n_series; i++) {
    tlk_series unused;
    status = source.shape(&source, i, &unused, error);
  }
  return status;
}

tlw_status tlw_chart_render(tlw_engine *engine, const tlw_candles *candles, const tlw_chart_options *options,
                            const tlw_raster *raster, tlw_error *error) {
  if (!engine) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL");
  struct tlw_source source;
  tlw_status status = tlw_source_of(candles, options, &source, error);
  if (status == TLW_OK) status = check_raster(raster, &source.layout, candles->n_series, error);
  if (status != TLW_OK) return status;
  return tlw_draw_all(engine, &source, candles->n_series, raster, error);
}
