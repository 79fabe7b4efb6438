/* Images into the caller's memory, or into a buffer. */
#include <string.h>

#include "expand.h"
#include "host/base/error.h"
#include "host/chart/source.h"
#include "host/engine/images.h"
#include "pack.h"
#include "request.h"

/* ---- JKX ---- */

static uint64_t list(const void *context, int64_t first, int64_t n, tlk_jkx_window *windows, double *rows,
                     struct tlw_images_job *job) {
  const struct tlw_image_request *request = context;
  tlw_image_list(request, first, n, windows);
  return tlw_image_rows_each(request) > 0 ? tlw_image_pack(request, windows, n, rows, job) : 0;
}

static struct tlw_images_source jkx_source(const struct tlw_image_request *request, uint8_t *reasons) {
  struct tlw_images_source source = {
      .n = request->n,
      .size = tlk_image_size(request->image),
      .context = request,
      .job = {.jkx = tlk_jkx_of((tlk_i32)request->options->window), .image = request->image, .reasons = reasons},
      .rows_each = tlw_image_rows_each(request),
      .list = list,
  };
  if (!source.rows_each) tlw_image_columns(&request->candles, &source.job);
  return source;
}

/* ---- charts ---- */

struct charts {
  const struct tlw_image_request *request;
  const struct tlw_cpu_tier *tier;
  struct tlw_image_inks inks;
  uint32_t words[TLK_IMAGE_CHANNELS][TLK_IMAGE_INKS]; /* the same as bits of numbers */
};

static void place(const void *context, int64_t first, int64_t n, int64_t *offsets, int64_t *counts) {
  const struct tlw_image_request *request = ((const struct charts *)context)->request;
  for (int64_t i = 0; i < n; i++) {
    int64_t before;
    counts[i] = tlw_image_rows(request, first + i, &offsets[i], &before) ? request->options->window : 0;
  }
}

static void expand(const void *context, int64_t i, uint8_t *image) {
  const struct charts *charts = context;
  const tlk_image shape = charts->request->image;
  int64_t begin, before;
  if (!tlw_image_rows(charts->request, i, &begin, &before)) {
    const size_t pixels = (size_t)shape.width * (size_t)shape.height;
    memset(image + tlk_image_size(shape) - pixels, TLW_INK_BACKGROUND, pixels);
  }
  tlw_image_expand(charts->tier, shape, &charts->inks, image);
}

static void list_words(struct charts *charts) {
  const tlk_image shape = charts->request->image;
  memset(charts->words, 0, sizeof charts->words);
  for (int32_t channel = 0; channel < shape.channels; channel++)
    for (int32_t ink = 0; ink < TLK_IMAGE_INKS; ink++) {
      if (shape.is_float)
        memcpy(&charts->words[channel][ink], &charts->inks.floats[channel][ink], sizeof(float));
      else
        charts->words[channel][ink] = charts->inks.bytes[channel][ink];
    }
}

static tlw_status chart_source(const struct tlw_image_request *request, struct charts *charts, struct tlw_source *drawn,
                               struct tlw_images_source *source, tlw_error *error) {
  const tlw_chart_options *options = request->options->chart;
  tlw_status status = tlw_source_of(&request->candles, options, drawn, error);
  if (status != TLW_OK) return status;
  uint8_t rgb[TLW_COLORS_MOST * 3];
  int32_t n_colors;
  status = tlw_chart_palette(options, rgb, &n_colors, error);
  if (status != TLW_OK) return status;
  status = tlw_cpu_tier(&charts->tier, error);
  if (status != TLW_OK) return status;
  charts->request = request;
  tlw_image_inks_of(rgb, n_colors, request->image.channels, &charts->inks);
  list_words(charts);
  *source = (struct tlw_images_source){
      .n = request->n,
      .size = tlk_image_size(request->image),
      .context = charts,
      .charts = drawn,
      .place = place,
      .expand = expand,
      .image = request->image,
      .inks = (const uint32_t(*)[TLK_IMAGE_INKS])charts->words,
  };
  return TLW_OK;
}

/* ---- the calls ---- */

/* Where images go: the caller's memory, or a buffer. */
struct target {
  uint8_t *images;
  tlw_buffer *buffer;
};

static tlw_status submit(tlw_engine *engine, const struct tlw_images_source *source, struct target target,
                         tlw_error *error) {
  if (target.buffer) return tlw_engine_images_to_buffer(engine, source, target.buffer, error);
  return tlw_engine_images(engine, source, target.images, error);
}

static tlw_status draw(tlw_engine *engine, const struct tlw_image_request *request, struct target target,
                       uint8_t *reasons, tlw_error *error) {
  if (request->options->style == TLW_IMAGES_JKX) {
    const struct tlw_images_source source = jkx_source(request, reasons);
    return submit(engine, &source, target, error);
  }
  struct charts charts;
  struct tlw_source drawn;
  struct tlw_images_source source;
  const tlw_status status = chart_source(request, &charts, &drawn, &source, error);
  if (status != TLW_OK) return status;
  if (reasons) tlw_image_chart_reasons(request, reasons);
  return submit(engine, &source, target, error);
}

/* Bytes of all images. */
static tlw_status size_all(const struct tlw_image_request *request, uint64_t *size, tlw_error *error) {
  if (!__builtin_mul_overflow((uint64_t)request->n, tlk_image_size(request->image), size)) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "n is %lld: no memory holds so many images", (long long)request->n);
}

static tlw_status check_memory(const struct tlw_image_request *request, const void *images, size_t size,
                               tlw_error *error) {
  uint64_t needed;
  const tlw_status status = size_all(request, &needed, error);
  if (status != TLW_OK) return status;
  if (request->n > 0 && !images) return tlw_fail(error, TLW_ERR_ARGUMENT, "images is NULL");
  if (request->image.is_float && (uintptr_t)images % sizeof(float) != 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "images is not aligned to %zu bytes, as floats must be", sizeof(float));
  if (size >= needed) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "size is %zu bytes: %lld images of %d x %d x %d need %llu", size,
                  (long long)request->n, request->image.channels, request->image.height, request->image.width,
                  (unsigned long long)needed);
}

tlw_status tlw_images_draw(tlw_engine *engine, const tlw_candles *candles, const tlw_image_options *options,
                           const tlw_image_window *windows, int64_t n, void *images, size_t size, uint8_t *reasons,
                           tlw_error *error) {
  if (!engine) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL");
  struct tlw_image_request request;
  tlw_status status = tlw_image_request_of(candles, options, windows, n, &request, error);
  if (status == TLW_OK) status = check_memory(&request, images, size, error);
  if (status != TLW_OK) return status;
  return draw(engine, &request, (struct target){.images = images}, reasons, error);
}

tlw_status tlw_images_to_buffer(tlw_engine *engine, const tlw_candles *candles, const tlw_image_options *options,
                                const tlw_image_window *windows, int64_t n, tlw_buffer *buffer, uint8_t *reasons,
                                tlw_error *error) {
  if (!engine) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL");
  if (!buffer) return tlw_fail(error, TLW_ERR_ARGUMENT, "buffer is NULL");
  buffer->id = 0;
  struct tlw_image_request request;
  tlw_status status = tlw_image_request_of(candles, options, windows, n, &request, error);
  if (status == TLW_OK && n < 1) status = tlw_fail(error, TLW_ERR_ARGUMENT, "n is 0: a buffer of images has 1 or more");
  uint64_t unused;
  if (status == TLW_OK) status = size_all(&request, &unused, error);
  if (status != TLW_OK) return status;
  return draw(engine, &request, (struct target){.buffer = buffer}, reasons, error);
}
