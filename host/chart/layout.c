#include "layout.h"

#include <string.h>

#include "host/base/error.h"
#include "kernels/core/line.h"
#include "sheet.h"

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
      .labels = 1,
      .last_price = 1,
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

static tlw_status check_text(const char *name, const char *text, tlw_error *error) {
  if (!text || strnlen(text, TLW_TEXT_MOST + 1) <= TLW_TEXT_MOST) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "%s has more than %d bytes", name, TLW_TEXT_MOST);
}

static tlw_status check_texts(const tlw_chart_options *o, tlw_error *error) {
  tlw_status status = check_text("title", o->title, error);
  if (status == TLW_OK) status = check_text("price_name", o->price_name, error);
  if (status == TLW_OK) status = check_text("volume_name", o->volume_name, error);
  if (status == TLW_OK) status = check_text("time_name", o->time_name, error);
  return status;
}

static tlw_status check_lines(const tlw_chart_options *o, tlw_error *error) {
  if (o->n_lines < 0 || o->n_lines > TLW_LINES_MOST)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_lines is %d: it must be 0 to %d, so that 256 colours do", o->n_lines,
                    TLW_LINES_MOST);
  tlw_status status = TLW_OK;
  for (int32_t i = 0; o->lines && i < o->n_lines && status == TLW_OK; i++) {
    const tlw_line *line = &o->lines[i];
    if (line->color != TLW_COLOR_AUTO && (line->color < 0 || line->color > 0xffffff))
      return tlw_fail(error, TLW_ERR_ARGUMENT, "lines[%d].color is %d: it must be 0 to 0xFFFFFF, or TLW_COLOR_AUTO", i,
                      line->color);
    status = check_text("the name of a line", line->name, error);
  }
  return status;
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
  if (status == TLW_OK) status = check_switch("labels", o->labels, error);
  if (status == TLW_OK) status = check_switch("last_price", o->last_price, error);
  if (status == TLW_OK) status = check_texts(o, error);
  if (status == TLW_OK) status = check_lines(o, error);
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

static int32_t margin(int32_t asked, int32_t automatic) { return asked == TLW_MARGIN_AUTO ? automatic : asked; }

static struct plot plot_of(const tlw_chart_options *o, const struct tlw_text_room *room) {
  const int32_t edge = least(least(o->width, o->height) / 32, 24);
  int32_t automatic_top = edge, automatic_right = edge, automatic_bottom = edge;
  if (room->font) {
    const int32_t digits = o->width < 400 ? 6 : o->width < 1440 ? 9 : 10, around = 2 * room->pad;
    if (room->title + room->second > 0) automatic_top = most(edge, room->title + room->second + around);
    automatic_right = digits * room->font->digit_advance + around;
    automatic_bottom = room->font->line_height + room->time_name + around;
  }
  const int32_t left = margin(o->margin_left, edge), top = margin(o->margin_top, automatic_top);
  return (struct plot){left, top, o->width - left - margin(o->margin_right, automatic_right),
                       o->height - top - margin(o->margin_bottom, automatic_bottom)};
}

static int32_t cells(int32_t grid, int32_t extent, int32_t cell, int32_t limit) {
  return grid ? least(extent / cell, limit) : 0;
}

/* ---- text ---- */

/* Rows of volumes that have room for a name above their labels. */
static bool has_volume_name(const tlw_chart_options *o, const tlk_layout *l) {
  return tlw_is_text(o->volume_name) && l->axis_room > 0 && l->volume_height >= 3 * l->line_height;
}

static void place_labels(const tlw_chart_options *o, const struct tlw_text_room *room, tlk_layout *l) {
  const int32_t line = room->font->line_height, price_end = l->price_y + l->price_height;
  const int32_t gap = l->volume_y - price_end, right = l->width - l->plot_x - l->plot_width;
  l->line_height = line;
  l->cap_height = room->font->cap_height;
  l->axis_x = l->plot_x + l->plot_width + room->pad;
  l->axis_room = most(right - 2 * room->pad, 0);
  l->axis_pad = room->pad / 2;
  l->price_label_top = tlw_header_of(room, l->price_y).end;
  l->price_label_end = l->volume_label_top = price_end + gap / 2;
  if (has_volume_name(o, l)) {
    l->price_label_end = tlw_volume_name_row(room, price_end, gap);
    l->volume_label_top = l->price_label_end + line;
  }
  l->price_distance = most(2 * line, l->price_height / 9);
  l->volume_distance = most(3 * line / 2, l->volume_height / 3);
  l->last_price = o->last_price;
}

static void place_times(const struct tlw_text_room *room, tlk_layout *l) {
  const int32_t line = room->font->line_height, plot_end = tlk_plot_end(*l);
  if (l->height - plot_end < line + 2 * room->pad) return;
  l->time_baseline = tlk_text_baseline(plot_end + room->pad, *l);
  l->time_marks = least(l->width / (6 * room->font->digit_advance) + 1, TLK_TIME_MARKS_MOST);
}

/* The most coverage levels for which all colours are one byte. */
static int32_t levels_for(int32_t n_lines) {
  int32_t levels = 4;
  while (TLK_INK_LINES + levels * n_lines > TLW_COLORS_MOST) levels /= 2;
  return levels;
}

static void place_lines(const tlw_chart_options *o, tlk_layout *l) {
  l->n_lines = o->n_lines;
  l->line_levels = levels_for(o->n_lines);
  l->line_half = most(384, least(o->width, o->height) * 256 / 720) / 2;
}

tlw_status tlw_layout_of(const tlw_chart_options *options, tlk_layout *layout, tlw_error *error) {
  const tlw_status status = check(options, error);
  if (status != TLW_OK) return status;
  const struct tlw_text_room room = tlw_text_room_of(options);
  const struct plot plot = plot_of(options, &room);
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
      .grid = grid,
  };
  place_lines(options, layout);
  if (!room.font) return TLW_OK;
  place_labels(options, &room, layout);
  place_times(&room, layout);
  layout->sheet_size = tlw_sheet_size(options, layout);
  return TLW_OK;
}

int32_t tlw_layout_colors(const tlk_layout *layout) {
  if (layout->line_height == 0 && layout->n_lines == 0) return TLW_INK_TEXT;
  return TLW_INK_LINES + layout->n_lines * layout->line_levels;
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
