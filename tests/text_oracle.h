/*
 * UTF-8 text set in the embedded font, as host/chart/font.h states it: the reference for what text looks like. Only
 * the tables of the font are the library's.
 */
#ifndef TALLOW_TESTS_TEXT_ORACLE_H
#define TALLOW_TESTS_TEXT_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/chart/font.h"

#define TEXT_REPLACEMENT 0xfffdu

/* The code point at the front of a text that is not empty, and its bytes. */
uint32_t text_code_point(const char *text, size_t size, size_t *bytes);

/* Takes the glyph off the front of a text that is not empty; *lacks is set where the font has it not in full. */
const struct tlw_glyph *text_glyph(const struct tlw_font *font, const char **text, const char *end, bool *lacks);

/* The first character that the font lacks; 0: there is none. A mark that can't be composed counts. */
uint32_t text_missing(const struct tlw_font *font, const char *text);

int32_t text_width(const struct tlw_font *font, const char *text, size_t size);

/* The part of a text that is drawn in a room, before an ellipsis or not. */
typedef struct text_part {
  size_t size;
  bool ellipsis;
  int32_t width; /* of both */
} text_part;

text_part text_cut(const struct tlw_font *font, const char *text, int32_t room);

/* Pixels of an image without gaps between rows. */
typedef struct text_canvas {
  uint8_t *pixels;
  int32_t width, height;
} text_canvas;

/* Columns and rows that glyphs cover: from left and top to before right and bottom. Empty: all 0. */
typedef struct text_extent {
  int32_t left, top, right, bottom;
} text_extent;

/* Draws a part of a text; what lies outside of the image is not. canvas may be NULL. Gives what the ink covers. */
text_extent text_draw(const text_canvas *canvas, const struct tlw_font *font, const char *text, text_part part,
                      int32_t x, int32_t baseline, uint8_t ink);

#endif
