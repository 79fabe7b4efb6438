#include "host/base/error.h"
#include "host/engine/engine.h"
#include "layout.h"
#include "slots.h"

void tlw_candles_init(tlw_candles *candles) { *candles = (tlw_candles){.struct_size = sizeof *candles, .n_series = 1}; }

static tlw_status missing(const char *name, tlw_error *error) {
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", name);
}

static tlw_status check_columns(const tlw_candles *c, const tlw_chart_options *options, tlw_error *error) {
  if (c->n_rows == 0) return TLW_OK;
  if (!c->open) return missing("candles.open", error);
  if (!c->high) return missing("candles.high", error);
  if (!c->low) return missing("candles.low", error);
  if (!c->close) return missing("candles.close", error);
  if (options->volume && !c->volume)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.volume is NULL: give volumes or set options.volume to 0");
  if (options->axis == TLW_AXIS_TIME && !c->time)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.time is NULL: give times or set options.axis to TLW_AXIS_INDEX");
  return TLW_OK;
}

static tlw_status check_offsets(const tlw_candles *c, tlw_error *error) {
  if (!c->offsets) {
    if (c->n_series != 1)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.offsets is NULL but n_series is %lld: it must be 1",
                      (long long)c->n_series);
    return TLW_OK;
  }
  int64_t last = 0;
  for (int64_t i = 0; i <= c->n_series; i++) {
    if (c->offsets[i] < last || c->offsets[i] > c->n_rows)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.offsets[%lld] is %lld: it must be %lld to n_rows, %lld",
                      (long long)i, (long long)c->offsets[i], (long long)last, (long long)c->n_rows);
    last = c->offsets[i];
  }
  return TLW_OK;
}

static tlw_status check_candles(const tlw_candles *c, const tlw_chart_options *options, tlw_error *error) {
  if (!c) return missing("candles", error);
  if (c->struct_size != sizeof *c)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.struct_size is %zu, not %zu: call tlw_candles_init first",
                    c->struct_size, sizeof *c);
  if (c->n_rows < 0 || c->n_rows > TLW_SERIES_MAX_ROWS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.n_rows is %lld: it must be 0 to %lld", (long long)c->n_rows,
                    (long long)TLW_SERIES_MAX_ROWS);
  if (c->n_series < 0 || c->n_series == INT64_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.n_series is %lld: it must be 0 or more", (long long)c->n_series);
  const tlw_status status = check_columns(c, options, error);
  return status == TLW_OK ? check_offsets(c, error) : status;
}

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
  if (!r) return missing("raster", error);
  if (n_series == 0) return TLW_OK;
  if (!r->pixels) return missing("raster.pixels", error);
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

/* Draws n series from the first on, within an operation. */
static tlw_status render_some(tlw_engine *engine, const tlw_candles *candles, bool by_time, struct tlw_render_job *job,
                              int64_t first, int64_t n, tlw_error *error) {
  tlk_series *series = tlw_engine_series(engine);
  for (int64_t i = 0; i < n; i++) {
    const tlw_status status = tlw_slots_of(candles, first + i, by_time, job->layout.plot_width, &series[i], error);
    if (status != TLW_OK) return status;
  }
  job->series = series;
  job->n_series = n;
  return tlw_engine_render(engine, job, error);
}

tlw_status tlw_chart_render(tlw_engine *engine, const tlw_candles *candles, const tlw_chart_options *options,
                            const tlw_raster *raster, tlw_error *error) {
  if (!engine) return missing("engine", error);
  struct tlw_render_job job = {0};
  tlw_status status = tlw_layout_of(options, &job.layout, error);
  if (status == TLW_OK) status = check_candles(candles, options, error);
  if (status == TLW_OK) status = check_raster(raster, &job.layout, candles->n_series, error);
  if (status != TLW_OK) return status;
  const bool by_time = options->axis == TLW_AXIS_TIME;
  job.open = candles->open;
  job.high = candles->high;
  job.low = candles->low;
  job.close = candles->close;
  job.volume = options->volume ? candles->volume : NULL;
  job.time = by_time ? candles->time : NULL;
  job.row_stride = raster->row_stride;
  job.image_stride = raster->image_stride;

  status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  for (int64_t first = 0; first < candles->n_series && status == TLW_OK; first += TLW_ENGINE_SERIES) {
    const int64_t left = candles->n_series - first;
    job.pixels = raster->pixels + (size_t)first * raster->image_stride;
    status =
        render_some(engine, candles, by_time, &job, first, left < TLW_ENGINE_SERIES ? left : TLW_ENGINE_SERIES, error);
  }
  tlw_engine_end(engine);
  return status;
}
