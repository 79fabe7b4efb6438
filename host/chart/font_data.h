/* The tables of the embedded font, which tools/font/generate makes. */
#ifndef TALLOW_CHART_FONT_DATA_H
#define TALLOW_CHART_FONT_DATA_H

#include "host/chart/font.h"

/* A letter and a combining mark, and the character that is both. */
struct tlw_composition {
  uint16_t letter, mark, both;
};

extern const struct tlw_font tlw_fonts[TLW_N_FONTS];
extern const struct tlw_composition tlw_compositions[]; /* ascending by letter, then mark */
extern const uint32_t tlw_n_compositions;

#endif
