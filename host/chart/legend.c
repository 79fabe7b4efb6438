#include "legend.h"

#include <string.h>

#include "text_room.h"

int32_t tlw_legend_named(const tlw_chart_options *options, int32_t from) {
  if (!options->lines) return options->n_lines;
  while (from < options->n_lines && !tlw_is_text(options->lines[from].name)) from++;
  return from;
}

void tlw_legend_begin(struct tlw_legend *legend, const tlw_chart_options *options, const struct tlw_font *font,
                      int32_t x, int32_t end) {
  *legend =
      (struct tlw_legend){.options = options, .font = font, .next = tlw_legend_named(options, 0), .end = end, .x = x};
}

/* The ellipsis has room, but not always where the first name has none. */
static bool end_without_name(struct tlw_legend *legend) {
  legend->line = -1;
  legend->text = TLW_ELLIPSIS;
  legend->text_x = (int32_t)legend->x;
  legend->fit = tlw_text_fit(legend->font, TLW_ELLIPSIS, strlen(TLW_ELLIPSIS), legend->end - legend->x);
  return legend->fit.width > 0;
}

bool tlw_legend_next(struct tlw_legend *legend) {
  const tlw_chart_options *const o = legend->options;
  if (legend->next >= o->n_lines) return false;
  const int32_t cap = legend->font->cap_height;
  legend->line = legend->next;
  legend->next = tlw_legend_named(o, legend->next + 1);
  legend->text = o->lines[legend->line].name;
  const int64_t begin = legend->x + cap + cap / 2;
  int64_t room = legend->end - begin;
  if (legend->next < o->n_lines)
    room -= 2 * cap + tlw_text_width(legend->font, TLW_ELLIPSIS, strlen(TLW_ELLIPSIS), NULL);
  legend->fit = tlw_text_fit(legend->font, legend->text, strlen(legend->text), room);
  const bool is_cut = legend->fit.ellipsis || legend->fit.width == 0;
  if (is_cut) legend->next = o->n_lines;
  if (legend->fit.width == 0) return end_without_name(legend);
  legend->box_x = (int32_t)legend->x;
  legend->text_x = (int32_t)begin;
  legend->x = begin + legend->fit.width + 2 * (int64_t)cap;
  return true;
}
