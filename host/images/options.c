#include "options.h"

#include "host/base/error.h"
#include "kernels/core/jkx.h"

void tlw_image_options_init(tlw_image_options *options) {
  if (options) *options = (tlw_image_options){.struct_size = sizeof *options, .style = TLW_IMAGES_JKX, .window = 20};
}

static tlw_status check_window(const tlw_image_options *options, tlw_error *error) {
  const int64_t window = options->window;
  if (options->style == TLW_IMAGES_JKX && window != 5 && window != 20 && window != 60)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.window is %lld: JKX images have 5, 20 or 60 bars",
                    (long long)window);
  if (window < 1 || window > TLW_IMAGE_BARS_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.window is %lld: it must be 1 to %lld", (long long)window,
                    (long long)TLW_IMAGE_BARS_MAX);
  return TLW_OK;
}

static tlw_status check_numbers(const tlw_image_options *options, tlw_error *error) {
  if (options->type != TLW_IMAGE_U8 && options->type != TLW_IMAGE_F32)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.type is %d: it must be TLW_IMAGE_U8 or TLW_IMAGE_F32",
                    (int)options->type);
  if (options->order != TLW_ORDER_NCHW && options->order != TLW_ORDER_NHWC)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.order is %d: it must be TLW_ORDER_NCHW or TLW_ORDER_NHWC",
                    (int)options->order);
  if (options->color != TLW_IMAGE_LUMA && options->color != TLW_IMAGE_RGB)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.color is %d: it must be TLW_IMAGE_LUMA or TLW_IMAGE_RGB",
                    (int)options->color);
  return TLW_OK;
}

static tlw_status check_chart(const tlw_image_options *options, tlw_error *error) {
  if (options->style == TLW_IMAGES_JKX) return TLW_OK;
  if (!options->chart)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.chart is NULL: TLW_IMAGES_CHART needs options of a chart");
  tlw_chart_layout unused;
  return tlw_chart_layout_of(options->chart, &unused, error);
}

tlw_status tlw_image_options_check(const tlw_image_options *options, tlw_error *error) {
  if (!options) return tlw_fail(error, TLW_ERR_ARGUMENT, "options is NULL");
  if (options->struct_size != sizeof *options)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_image_options_init first",
                    options->struct_size, sizeof *options);
  if (options->style != TLW_IMAGES_JKX && options->style != TLW_IMAGES_CHART)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.style is %d: it must be TLW_IMAGES_JKX or TLW_IMAGES_CHART",
                    (int)options->style);
  tlw_status status = check_window(options, error);
  if (status == TLW_OK) status = check_numbers(options, error);
  return status == TLW_OK ? check_chart(options, error) : status;
}

tlk_image tlw_image_of(const tlw_image_options *options) {
  tlk_image image = {
      .channels = options->color == TLW_IMAGE_RGB ? 3 : 1,
      .is_float = options->type == TLW_IMAGE_F32,
      .is_last = options->order == TLW_ORDER_NHWC,
  };
  if (options->style == TLW_IMAGES_JKX) {
    const tlk_jkx jkx = tlk_jkx_of((tlk_i32)options->window);
    image.width = jkx.width;
    image.height = jkx.height;
  } else {
    image.width = options->chart->width;
    image.height = options->chart->height;
  }
  return image;
}

tlw_status tlw_image_shape_of(const tlw_image_options *options, tlw_image_shape *shape, tlw_error *error) {
  const tlw_status status = tlw_image_options_check(options, error);
  if (status != TLW_OK) return status;
  if (!shape) return tlw_fail(error, TLW_ERR_ARGUMENT, "shape is NULL");
  const tlk_image image = tlw_image_of(options);
  *shape = (tlw_image_shape){image.channels, image.height, image.width, (size_t)tlk_image_size(image)};
  return TLW_OK;
}

const char *tlw_image_reason_text(tlw_image_reason reason) {
  static const char *const texts[TLW_IMAGE_REASONS] = {
      [TLW_IMAGE_DRAWN] = "drawn",
      [TLW_IMAGE_FEW_BARS] = "too few bars",
      [TLW_IMAGE_NO_CLOSE] = "first close is 0 or missing",
      [TLW_IMAGE_FLAT] = "flat prices",
      [TLW_IMAGE_BEYOND] = "prices beyond range",
  };
  return (unsigned)reason < TLW_IMAGE_REASONS ? texts[reason] : NULL;
}

int64_t tlw_image_windows(int64_t n_bars, int64_t window, int64_t stride) {
  if (n_bars < 1 || window < 1 || stride < 1 || n_bars < window) return 0;
  return 1 + (n_bars - window) / stride;
}
