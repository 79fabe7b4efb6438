#include "source.h"

#include "host/base/error.h"
#include "layout.h"
#include "notes.h"
#include "prices.h"
#include "sheet.h"
#include "slots.h"

#define MOST_STRIDE ((int64_t)1 << 20)

void tlw_candles_init(tlw_candles *candles) { *candles = (tlw_candles){.struct_size = sizeof *candles, .n_series = 1}; }

static tlw_status missing(const char *name, tlw_error *error) {
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", name);
}

static tlw_status check_stride(const char *name, int64_t stride, int64_t size, tlw_error *error) {
  if (stride == 0 || (stride >= size && stride <= MOST_STRIDE)) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.%s is %lld bytes: it must be 0, or %lld to %lld", name,
                  (long long)stride, (long long)size, (long long)MOST_STRIDE);
}

static tlw_status check_types(const tlw_candles *c, tlw_error *error) {
  if (c->type != TLW_TYPE_F64 && c->type != TLW_TYPE_F32)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.type is %d: it must be TLW_TYPE_F64 or TLW_TYPE_F32",
                    (int)c->type);
  const int64_t size = c->type == TLW_TYPE_F64 ? sizeof(double) : sizeof(float);
  const tlw_status status = check_stride("stride", c->stride, size, error);
  return status == TLW_OK ? check_stride("time_stride", c->time_stride, sizeof(int64_t), error) : status;
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

static tlw_status check_lines(const tlw_candles *c, const tlw_chart_options *options, tlw_error *error) {
  if (c->n_rows == 0) return TLW_OK;
  if (c->n_lines != options->n_lines)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.n_lines is %d but options.n_lines is %d: they must be the same",
                    c->n_lines, options->n_lines);
  if (c->n_lines > 0 && !c->lines) return missing("candles.lines", error);
  for (int32_t i = 0; i < c->n_lines; i++)
    if (!c->lines[i]) return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.lines[%d] is NULL", i);
  return TLW_OK;
}

static tlw_status check_counts(const tlw_candles *c, tlw_error *error) {
  for (int64_t i = 0; i < c->n_series; i++) {
    if (c->offsets[i] < 0 || c->offsets[i] > c->n_rows)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.offsets[%lld] is %lld: it must be 0 to n_rows, %lld",
                      (long long)i, (long long)c->offsets[i], (long long)c->n_rows);
    if (c->counts[i] < 0 || c->counts[i] > c->n_rows - c->offsets[i])
      return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.counts[%lld] is %lld: from row %lld on it must be 0 to %lld",
                      (long long)i, (long long)c->counts[i], (long long)c->offsets[i],
                      (long long)(c->n_rows - c->offsets[i]));
  }
  return TLW_OK;
}

static tlw_status check_offsets(const tlw_candles *c, tlw_error *error) {
  if (!c->offsets) {
    if (c->counts) return missing("candles.offsets", error);
    if (c->n_series != 1)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.offsets is NULL but n_series is %lld: it must be 1",
                      (long long)c->n_series);
    return TLW_OK;
  }
  if (c->counts) return check_counts(c, error);
  int64_t last = 0;
  for (int64_t i = 0; i <= c->n_series; i++) {
    if (c->offsets[i] < last || c->offsets[i] > c->n_rows)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.offsets[%lld] is %lld: it must be %lld to n_rows, %lld",
                      (long long)i, (long long)c->offsets[i], (long long)last, (long long)c->n_rows);
    last = c->offsets[i];
  }
  return TLW_OK;
}

tlw_status tlw_candles_check(const tlw_candles *c, const tlw_chart_options *options, tlw_error *error) {
  if (!c) return missing("candles", error);
  if (c->struct_size != sizeof *c)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.struct_size is %zu, not %zu: call tlw_candles_init first",
                    c->struct_size, sizeof *c);
  if (c->n_rows < 0 || c->n_rows > TLW_SERIES_MAX_ROWS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.n_rows is %lld: it must be 0 to %lld", (long long)c->n_rows,
                    (long long)TLW_SERIES_MAX_ROWS);
  if (c->n_series < 0 || c->n_series == INT64_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.n_series is %lld: it must be 0 or more", (long long)c->n_series);
  tlw_status status = check_types(c, error);
  if (status == TLW_OK) status = check_columns(c, options, error);
  if (status == TLW_OK) status = check_lines(c, options, error);
  return status == TLW_OK ? check_offsets(c, error) : status;
}

static tlw_status shape(const struct tlw_source *source, int64_t i, tlk_series *series, tlw_error *error) {
  const tlw_candles *c = &source->candles;
  const tlw_status status = tlw_slots_of(c, i, c->time != NULL, source->layout.plot_width, series, error);
  if (status != TLW_OK || source->layout.price_scale != TLK_SCALE_LOG) return status;
  return tlw_prices_above_zero(c, series->begin, series->count, series->begin, error);
}

tlw_status tlw_source_of(const tlw_candles *candles, const tlw_chart_options *options, struct tlw_source *source,
                         tlw_error *error) {
  *source = (struct tlw_source){.shape = shape, .make_sheet = tlw_sheet_make, .note = tlw_notes_fill};
  tlw_status status = tlw_layout_of(options, &source->layout, error);
  if (status == TLW_OK) status = tlw_candles_check(candles, options, error);
  if (status != TLW_OK) return status;
  source->candles = *candles;
  source->options = options;
  source->times = candles->time;
  source->zone = options->zone;
  source->font = tlw_text_room_of(options).font;
  if (!options->volume) source->candles.volume = NULL;
  if (options->axis != TLW_AXIS_TIME) source->candles.time = NULL;
  return TLW_OK;
}
