#include "request.h"

#include "host/base/error.h"
#include "host/chart/source.h"
#include "options.h"

/* JKX images need what a chart without volume panel and lines, on the index axis, needs. */
static tlw_status check_candles(struct tlw_image_request *request, const tlw_candles *candles, tlw_error *error) {
  if (request->options->style == TLW_IMAGES_CHART) {
    request->candles = *candles;
    return tlw_candles_check(candles, request->options->chart, error);
  }
  tlw_chart_options needs;
  tlw_chart_options_init(&needs);
  needs.volume = 0;
  request->candles = *candles;
  request->candles.time = NULL;
  request->candles.time_stride = 0;
  request->candles.lines = NULL;
  request->candles.n_lines = 0;
  return tlw_candles_check(&request->candles, &needs, error);
}

static void series_of(const tlw_candles *candles, int64_t i, int64_t *begin, int64_t *count) {
  *begin = candles->offsets ? candles->offsets[i] : 0;
  *count = candles->counts ? candles->counts[i] : candles->offsets ? candles->offsets[i + 1] - *begin : candles->n_rows;
}

static tlw_status check_windows(const struct tlw_image_request *request, tlw_error *error) {
  const tlw_candles *candles = &request->candles;
  for (int64_t i = 0; i < request->n; i++) {
    const tlw_image_window window = request->windows[i];
    if (window.series < 0 || window.series >= candles->n_series)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "windows[%lld].series is %lld: there are %lld series", (long long)i,
                      (long long)window.series, (long long)candles->n_series);
    int64_t begin, count;
    series_of(candles, window.series, &begin, &count);
    if (window.last < 0 || window.last >= count)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "windows[%lld].last is %lld: series %lld has %lld rows", (long long)i,
                      (long long)window.last, (long long)window.series, (long long)count);
  }
  return TLW_OK;
}

tlw_status tlw_image_request_of(const tlw_candles *candles, const tlw_image_options *options,
                                const tlw_image_window *windows, int64_t n, struct tlw_image_request *request,
                                tlw_error *error) {
  tlw_status status = tlw_image_options_check(options, error);
  if (status != TLW_OK) return status;
  if (!candles) return tlw_fail(error, TLW_ERR_ARGUMENT, "candles is NULL");
  if (n < 0) return tlw_fail(error, TLW_ERR_ARGUMENT, "n is %lld: it must be 0 or more", (long long)n);
  if (n > 0 && !windows) return tlw_fail(error, TLW_ERR_ARGUMENT, "windows is NULL");
  *request = (struct tlw_image_request){.options = options, .image = tlw_image_of(options), .windows = windows, .n = n};
  status = check_candles(request, candles, error);
  return status == TLW_OK ? check_windows(request, error) : status;
}

bool tlw_image_rows(const struct tlw_image_request *request, int64_t i, int64_t *begin, int64_t *before) {
  const tlw_image_window window = request->windows[i];
  int64_t first, count;
  series_of(&request->candles, window.series, &first, &count);
  *before = window.last + 1 - request->options->window;
  const bool are_enough = *before >= 0;
  *begin = are_enough ? first + *before : 0;
  return are_enough;
}

void tlw_image_list(const struct tlw_image_request *request, int64_t first, int64_t n, tlk_jkx_window *windows) {
  for (int64_t i = 0; i < n; i++) {
    int64_t begin, before;
    const bool are_enough = tlw_image_rows(request, first + i, &begin, &before);
    windows[i] = (tlk_jkx_window){
        .begin = begin, .few = !are_enough, .averages = are_enough && before >= request->options->window};
  }
}
