/* Which texts of a chart have no room. What has some is in sheet.c. */
#include <string.h>

#include "host/base/error.h"
#include "layout.h"
#include "legend.h"
#include "text_room.h"

/* Without text there is nothing to be left out, nor a name of volumes without volumes. */
static uint32_t asked_by(const tlw_chart_options *o) {
  uint32_t asked = 0;
  if (!o->labels) return 0;
  if (tlw_is_text(o->title)) asked |= TLW_TEXT_TITLE;
  if (tlw_is_text(o->price_name)) asked |= TLW_TEXT_PRICE_NAME;
  if (tlw_is_text(o->volume_name) && o->volume) asked |= TLW_TEXT_VOLUME_NAME;
  if (tlw_is_text(o->time_name)) asked |= TLW_TEXT_TIME_NAME;
  if (tlw_legend_named(o, 0) < o->n_lines) asked |= TLW_TEXT_LEGEND;
  return asked;
}

static bool fits(const struct tlw_font *font, const char *text, int64_t room) {
  return tlw_text_fit(font, text, strlen(text), room).width > 0;
}

static bool has_whole_legend(const tlw_chart_options *o, const struct tlw_font *font, int32_t x, int32_t end) {
  int32_t names = 0, whole = 0;
  for (int32_t i = tlw_legend_named(o, 0); i < o->n_lines; i = tlw_legend_named(o, i + 1)) names++;
  struct tlw_legend legend;
  tlw_legend_begin(&legend, o, font, x, end);
  while (tlw_legend_next(&legend)) whole += tlw_legend_is_whole(&legend);
  return whole == names;
}

/* Of those in the second line above the plot. */
static uint32_t second_line(const tlw_chart_options *o, const tlk_layout *l, const struct tlw_text_room *room) {
  const struct tlw_font *const font = room->font;
  int32_t end = l->width - room->pad;
  uint32_t has = 0;
  if (tlw_is_text(o->price_name)) {
    const struct tlw_text_fit name = tlw_text_fit(font, o->price_name, strlen(o->price_name), l->width / 4);
    if (name.width > 0) {
      has |= TLW_TEXT_PRICE_NAME;
      end -= (int32_t)name.width + 2 * font->cap_height;
    }
  }
  return has_whole_legend(o, font, l->plot_x, end) ? has | TLW_TEXT_LEGEND : has;
}

static uint32_t drawn_by(const tlw_chart_options *o, const tlk_layout *l) {
  const struct tlw_text_room room = tlw_text_room_of(o);
  if (!room.font) return 0;
  const struct tlw_header header = tlw_header_of(&room, l->price_y);
  uint32_t has = 0;
  if (header.title && fits(room.title_font, o->title, l->width - room.pad - l->plot_x)) has |= TLW_TEXT_TITLE;
  if (header.second) has |= second_line(o, l, &room);
  if (l->volume_label_top != l->price_label_end && fits(room.font, o->volume_name, l->axis_room))
    has |= TLW_TEXT_VOLUME_NAME;
  const int32_t below = l->height - tlk_plot_end(*l);
  if (room.time_name > 0 && below >= 2 * (room.font->line_height + room.pad) &&
      fits(room.font, o->time_name, l->plot_width))
    has |= TLW_TEXT_TIME_NAME;
  return has;
}

tlw_status tlw_chart_left_out(const tlw_chart_options *options, uint32_t *left_out, tlw_error *error) {
  if (!left_out) return tlw_fail(error, TLW_ERR_ARGUMENT, "left_out is NULL: pass the address of a uint32_t");
  tlk_layout layout;
  const tlw_status status = tlw_layout_of(options, &layout, error);
  if (status != TLW_OK) return status;
  *left_out = asked_by(options) & ~drawn_by(options, &layout);
  return TLW_OK;
}
