#include "text_room.h"

/* Below these sides a chart has no text. */
#define LEAST_WIDTH 160
#define LEAST_HEIGHT 120

static enum tlw_font_size size_for(int32_t side) {
  if (side < 300) return TLW_FONT_13;
  if (side < 720) return TLW_FONT_16;
  if (side < 1440) return TLW_FONT_21;
  return side < 2000 ? TLW_FONT_28 : TLW_FONT_40;
}

static bool has_legend(const tlw_chart_options *o) {
  for (int32_t i = 0; o->lines && i < o->n_lines; i++)
    if (tlw_is_text(o->lines[i].name)) return true;
  return false;
}

struct tlw_text_room tlw_text_room_of(const tlw_chart_options *o) {
  struct tlw_text_room room = {0};
  if (!o->labels || o->width < LEAST_WIDTH || o->height < LEAST_HEIGHT) return room;
  const enum tlw_font_size size = size_for(o->width < o->height ? o->width : o->height);
  room.font = tlw_font(size);
  room.title_font = tlw_font(size + 1 < TLW_N_FONTS ? size + 1 : size);
  const int32_t line = room.font->line_height, title_line = room.title_font->line_height;
  room.pad = line / 4;
  if (tlw_is_text(o->title) && o->height >= 10 * title_line) room.title = title_line;
  if ((tlw_is_text(o->price_name) || has_legend(o)) && o->height >= 10 * line + room.title) room.second = line;
  if (tlw_is_text(o->time_name) && o->height >= 16 * line) room.time_name = line;
  return room;
}

struct tlw_header tlw_header_of(const struct tlw_text_room *room, int32_t margin_top) {
  struct tlw_header header = {0};
  header.title = room->title > 0 && margin_top >= room->title + 2 * room->pad;
  header.second_row = room->pad + (header.title ? room->title : 0);
  header.second = room->second > 0 && margin_top >= header.second_row + room->second + room->pad;
  if (header.title || header.second) header.end = header.second_row + (header.second ? room->second : 0);
  return header;
}
