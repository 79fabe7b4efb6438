/* How much room the text of a chart takes, by its size and its texts. include/tallow/chart.h states the rules. */
#ifndef TALLOW_CHART_TEXT_ROOM_H
#define TALLOW_CHART_TEXT_ROOM_H

#include "font.h"
#include "tallow/chart.h"

struct tlw_text_room {
  const struct tlw_font *font, *title_font; /* NULL: the chart has no text */
  int32_t pad;
  int32_t title, second, time_name; /* rows that are wanted for the title, the second line and the name of time */
};

/* For checked options. */
struct tlw_text_room tlw_text_room_of(const tlw_chart_options *options);

/* The lines above the plot that a margin has room for. */
struct tlw_header {
  bool title, second;
  int32_t second_row; /* where the second line begins */
  int32_t end;        /* the row below all of it; 0: there is none */
};

struct tlw_header tlw_header_of(const struct tlw_text_room *room, int32_t margin_top);

/* The row where the name of volumes begins. */
static inline int32_t tlw_volume_name_row(const struct tlw_text_room *room, int32_t price_end, int32_t gap) {
  return price_end + gap / 2 - room->font->line_height / 2;
}

static inline bool tlw_is_text(const char *text) { return text && text[0]; }

#endif
