/* The names of lines above the plot: which of them have room. include/tallow/chart.h states the rules. */
#ifndef TALLOW_CHART_LEGEND_H
#define TALLOW_CHART_LEGEND_H

#include "font.h"
#include "tallow/chart.h"

#define TLW_ELLIPSIS "\xe2\x80\xa6"

/* A walk over what the legend shows. */
struct tlw_legend {
  int32_t line; /* whose box and name it is; -1: the ellipsis alone, for names without room */
  int32_t box_x, text_x;
  const char *text;
  struct tlw_text_fit fit;

  const tlw_chart_options *options;
  const struct tlw_font *font;
  int32_t next, end; /* the line that is looked at next, and the column that nothing goes beyond */
  int64_t x;
};

/* From column x to before column end. */
void tlw_legend_begin(struct tlw_legend *legend, const tlw_chart_options *options, const struct tlw_font *font,
                      int32_t x, int32_t end);

/* False: there is no more. */
bool tlw_legend_next(struct tlw_legend *legend);

/* Whether that which is at hand is a name in full. */
static inline bool tlw_legend_is_whole(const struct tlw_legend *legend) {
  return legend->line >= 0 && !legend->fit.ellipsis;
}

/* The first line from `from` on that has a name; n_lines if there is none. */
int32_t tlw_legend_named(const tlw_chart_options *options, int32_t from);

#endif
