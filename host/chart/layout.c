#include "layout.h"

#include "host/base/error.h"

/* Rows of a plot that can spare one between its panels. */
#define LEAST_WITH_GAP 10

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

void tlw_chart_options_init(tlw_chart_options *options) {
  *options = (tlw_chart_options){
      .struct_size = sizeof *options,
      .width = 1280,
      .height = 720,
      .theme = TLW_THEME_MODERN,
      .axis = TLW_AXIS_INDEX,
      .scale = TLW_SCALE_LINEAR,
      .volume = 1,
      .grid = 1,
      .margin_left = TLW_MARGIN_AUTO,
      .margin_top = TLW_MARGIN_AUTO,
      .margin_right = TLW_MARGIN_AUTO,
      .margin_bottom = TLW_MARGIN_AUTO,
  };
}

static tlw_status check_side(const char *name, int32_t side, tlw_error *error) {
  if (side >= TLW_CHART_MIN_SIDE && side <= TLW_CHART_MAX_SIDE) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is %d pixels: it must be %d to %d", name, side, TLW_CHART_MIN_SIDE,
                  TLW_CHART_MAX_SIDE);
}

static tlw_status check_switch(const char *name, int32_t value, tlw_error *error) {
  if (value == 0 || value == 1) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is %d: it must be 0 or 1", name, value);
}

static tlw_status check_margin(const char *name, int32_t margin, tlw_error *error) {
  if (margin >= TLW_MARGIN_AUTO && margin <= TLW_CHART_MAX_SIDE) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is %d pixels: it must be 0 to %d, or TLW_MARGIN_AUTO", name, margin,
                  TLW_CHART_MAX_SIDE);
}

static tlw_status check(const tlw_chart_options *o, tlw_error *error) {
  if (!o) return tlw_fail(error, TLW_ERR_ARGUMENT, "options is NULL: pass what tlw_chart_options_init filled in");
  if (o->struct_size != sizeof *o)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_chart_options_init first",
                    o->struct_size, sizeof *o);
  tlw_status status = check_side("width", o->width, error);
  if (status == TLW_OK) status = check_side("height", o->height, error);
  if (status == TLW_OK) status = check_switch("volume", o->volume, error);
  if (status == TLW_OK) status = check_switch("grid", o->grid, error);
  if (status == TLW_OK) status = check_margin("margin_left", o->margin_left, error);
  if (status == TLW_OK) status = check_margin("margin_top", o->margin_top, error);
  if (status == TLW_OK) status = check_margin("margin_right", o->margin_right, error);
  if (status == TLW_OK) status = check_margin("margin_bottom", o->margin_bottom, error);
  if (status != TLW_OK) return status;
  if (!tlw_theme_name(o->theme))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "theme is %d: it must be 0 to %d", (int)o->theme, TLW_THEME_COUNT - 1);
  if (o->axis != TLW_AXIS_INDEX && o->axis != TLW_AXIS_TIME)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "axis is %d: it must be TLW_AXIS_INDEX or TLW_AXIS_TIME", (int)o->axis);
  if (o->scale != TLW_SCALE_LINEAR && o->scale != TLW_SCALE_LOG)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "scale is %d: it must be TLW_SCALE_LINEAR or TLW_SCALE_LOG",
                    (int)o->scale);
  return TLW_OK;
}

/* The rectangle that the margins leave. */
struct plot {
  int32_t x, y, width, height;
};

static struct plot plot_of(const tlw_chart_options *o) {
  const int32_t edge = least(least(o->width, o->height) / 32, 24);
  const int32_t price_labels = o->width < 160 ? edge : least(most(o->width / 16, 40), 96);
  const int32_t time_labels = o->height < 120 ? edge : least(most(o->height / 20, 20), 48);
  const int32_t left = o->margin_left == TLW_MARGIN_AUTO ? edge : o->margin_left;
  const int32_t top = o->margin_top == TLW_MARGIN_AUTO ? edge : o->margin_top;
  const int32_t right = o->margin_right == TLW_MARGIN_AUTO ? price_labels : o->margin_right;
  const int32_t bottom = o->margin_bottom == TLW_MARGIN_AUTO ? time_labels : o->margin_bottom;
  return (struct plot){left, top, o->width - left - right, o->height - top - bottom};
}

static int32_t cells(int32_t grid, int32_t extent, int32_t cell, int32_t limit) {
  return grid ? least(extent / cell, limit) : 0;
}

tlw_status tlw_layout_of(const tlw_chart_options *options, tlk_layout *layout, tlw_error *error) {
  const tlw_status status = check(options, error);
  if (status != TLW_OK) return status;
  const struct plot plot = plot_of(options);
  if (plot.width < 1 || plot.height < 2)
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "the margins leave %d x %d pixels for the plot of a %d x %d chart: at least 1 x 2 are needed",
                    plot.width, plot.height, options->width, options->height);
  const int32_t volume = options->volume ? most(plot.height / 5, 1) : 0;
  const int32_t gap = options->volume && plot.height >= LEAST_WITH_GAP ? most(plot.height / 40, 1) : 0;
  const int32_t price = plot.height - volume - gap;
  const int32_t grid = options->grid;
  *layout = (tlk_layout){
      .width = options->width,
      .height = options->height,
      .plot_x = plot.x,
      .plot_width = plot.width,
      .price_y = plot.y,
      .price_height = price,
      .price_pad = price / 20,
      .volume_y = plot.y + price + gap,
      .volume_height = volume,
      .price_cells = cells(grid, price, 48, 8),
      .volume_cells = cells(grid, volume, 32, 2),
      .column_cells = cells(grid, plot.width, 80, 10),
      .price_scale = options->scale == TLW_SCALE_LOG ? TLK_SCALE_LOG : TLK_SCALE_LINEAR,
  };
  return TLW_OK;
}

tlw_status tlw_chart_layout_of(const tlw_chart_options *options, tlw_chart_layout *out, tlw_error *error) {
  if (!out) return tlw_fail(error, TLW_ERR_ARGUMENT, "layout is NULL: pass the address of a tlw_chart_layout");
  tlk_layout layout;
  const tlw_status status = tlw_layout_of(options, &layout, error);
  if (status != TLW_OK) return status;
  *out = (tlw_chart_layout){layout.plot_x,
                            layout.plot_width,
                            layout.price_y,
                            layout.price_height,
                            options->volume ? layout.volume_y : 0,
                            layout.volume_height};
  return TLW_OK;
}
