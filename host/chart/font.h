/* The embedded font: glyphs of one bit a pixel in five sizes, and how UTF-8 text is set in them. */
#ifndef TALLOW_CHART_FONT_H
#define TALLOW_CHART_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes by line height in pixels, smallest first. Their capitals and digits are 7, 9, 12, 16 and 24 pixels high. */
enum tlw_font_size { TLW_FONT_13, TLW_FONT_16, TLW_FONT_21, TLW_FONT_28, TLW_FONT_40, TLW_N_FONTS };

/*
 * A glyph's pixels lie in a box. With the pen at column x and `baseline` the first row under the feet of letters
 * (rows count downwards), the box's first pixel is at column x + left, row baseline - top; the pen then moves to
 * x + advance. A glyph without ink has neither width nor height.
 */
struct tlw_glyph {
  uint8_t width, height, advance;
  int8_t left, top;
  uint16_t first; /* its first row in the rows of the font */
};

/* No font has more glyphs than these. */
#define TLW_GLYPHS_MOST 512

struct tlw_font {
  int32_t ascent;  /* rows that any glyph reaches above the baseline, */
  int32_t descent; /* and from it downwards */
  int32_t line_height;
  int32_t cap_height; /* of capitals and digits */
  int32_t x_height;
  int32_t digit_advance; /* of each digit, figure space, plus and minus */
  uint32_t n_glyphs;
  uint32_t n_rows;
  const uint32_t *code_points; /* [n_glyphs], ascending, one table for all sizes */
  const struct tlw_glyph *glyphs;
  const uint32_t *rows; /* bit i is the pixel in column i of the box; no bit is set beyond its width */
};

/* The box that stands for what the font lacks. Its code point in the table is 0. */
#define TLW_GLYPH_MISSING 0u

/* size < TLW_N_FONTS. The font is constant. All functions here may run at the same time. */
const struct tlw_font *tlw_font(enum tlw_font_size size);

/* The index of the glyph of a code point, TLW_GLYPH_MISSING if there is none. */
uint32_t tlw_font_find(const struct tlw_font *font, uint32_t code_point);

/*
 * Takes a code point off the front of the text up to end, which must not be empty. Bytes that are not UTF-8 (overlong
 * forms, surrogates and values above U+10FFFF are not) give U+FFFD, one for each maximal part of a valid sequence.
 */
uint32_t tlw_text_next(const char **text, const char *end);

/*
 * Takes a glyph off the front of the text up to end, which must not be empty: a code point, and the combining marks
 * that follow it. A mark for which the font has the letter with the mark is composed; other marks are left out and
 * count as missing, as does what is shown as the box. Sets *missing then, and else leaves it as it is.
 */
uint32_t tlw_text_glyph(const struct tlw_font *font, const char **text, const char *end, bool *missing);

/* The sum of the advances. missing may be NULL; else it is set to whether any glyph is. */
int64_t tlw_text_width(const struct tlw_font *font, const char *text, size_t bytes, bool *missing);

struct tlw_text_fit {
  size_t bytes;  /* of the text to draw */
  bool ellipsis; /* whether U+2026 is to be drawn after them */
  int64_t width; /* of both */
};

/*
 * As much of the text as fits into `room` columns: all of it; or the longest part, cut between glyphs and without
 * spaces at its end, that fits with an ellipsis; or nothing where not even the ellipsis does.
 */
struct tlw_text_fit tlw_text_fit(const struct tlw_font *font, const char *text, size_t bytes, int64_t room);

#endif
