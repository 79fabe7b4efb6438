/* Why windows give no image, without an engine. */
#include <string.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/cpu/images_tier.h"
#include "host/cpu/tier.h"
#include "pack.h"
#include "request.h"

/* Windows at a time, where their rows are read in place; else it is one. */
#define GROUP 256
/* Of one window. */
#define ROWS_MOST (5 * 2 * TLK_JKX_BARS_MAX)

static void find_jkx(const struct tlw_image_request *request, const struct tlw_cpu_tier *tier, uint8_t *reasons) {
  tlk_jkx_window windows[GROUP];
  double rows[ROWS_MOST];
  const bool packs = tlw_image_rows_each(request) > 0;
  struct tlw_images_job job = {.jkx = tlk_jkx_of((tlk_i32)request->options->window), .windows = windows};
  if (!packs) tlw_image_columns(&request->candles, &job);
  for (int64_t first = 0; first < request->n; first += job.n) {
    const int64_t left = request->n - first, most = packs ? 1 : GROUP;
    job.n = left < most ? left : most;
    job.reasons = reasons + first;
    tlw_image_list(request, first, job.n, windows);
    if (packs) tlw_image_pack(request, windows, job.n, rows, &job);
    tier->images->reasons(&job, 0, job.n);
  }
}

void tlw_image_chart_reasons(const struct tlw_image_request *request, uint8_t *reasons) {
  for (int64_t i = 0; i < request->n; i++) {
    int64_t begin, before;
    reasons[i] = tlw_image_rows(request, i, &begin, &before) ? TLW_IMAGE_DRAWN : TLW_IMAGE_FEW_BARS;
  }
}

tlw_status tlw_image_reasons(const tlw_candles *candles, const tlw_image_options *options,
                             const tlw_image_window *windows, int64_t n, uint8_t *reasons, tlw_error *error) {
  struct tlw_image_request request;
  tlw_status status = tlw_image_request_of(candles, options, windows, n, &request, error);
  if (status != TLW_OK) return status;
  if (n > 0 && !reasons) return tlw_fail(error, TLW_ERR_ARGUMENT, "reasons is NULL");
  if (options->style == TLW_IMAGES_CHART) {
    tlw_image_chart_reasons(&request, reasons);
    return TLW_OK;
  }
  const struct tlw_cpu_tier *tier;
  status = tlw_cpu_tier(&tier, error);
  if (status != TLW_OK) return status;
  struct tlw_arithmetic callers;
  tlw_arithmetic_enter(&callers);
  find_jkx(&request, tier, reasons);
  tlw_arithmetic_leave(&callers);
  return TLW_OK;
}
