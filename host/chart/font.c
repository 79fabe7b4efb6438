#include "host/chart/font.h"

#include <string.h>

#include "host/chart/font_data.h"
#include "tallow/chart.h"

#define REPLACEMENT 0xfffdu
#define ELLIPSIS 0x2026u
#define FIRST_ASCII 0x20u
#define LAST_ASCII 0x7eu

const struct tlw_font *tlw_font(enum tlw_font_size size) { return &tlw_fonts[size]; }

uint32_t tlw_font_find(const struct tlw_font *font, uint32_t code_point) {
  if (code_point >= FIRST_ASCII && code_point <= LAST_ASCII) return code_point - FIRST_ASCII + 1; /* after the box */
  uint32_t first = 0, end = font->n_glyphs;
  while (first < end) {
    uint32_t at = first + (end - first) / 2;
    if (font->code_points[at] < code_point)
      first = at + 1;
    else
      end = at;
  }
  return first < font->n_glyphs && font->code_points[first] == code_point ? first : TLW_GLYPH_MISSING;
}

/* --- UTF-8 ------------------------------------------------------------------------------------------------------ */

struct sequence {
  int32_t length;
  uint8_t least, most; /* of the second byte: leaves out overlong forms, surrogates and what is beyond U+10FFFF */
};

/* Of a lead byte; the length is 0 for a byte that leads nothing. */
static struct sequence sequence_of(uint8_t lead) {
  if (lead < 0x80) return (struct sequence){1, 0, 0};
  if (lead < 0xc2 || lead > 0xf4) return (struct sequence){0, 0, 0};
  if (lead < 0xe0) return (struct sequence){2, 0x80, 0xbf};
  if (lead < 0xf0) return (struct sequence){3, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf};
  return (struct sequence){4, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf};
}

uint32_t tlw_text_next(const char **text, const char *end) {
  uint8_t lead = (uint8_t) * (*text)++;
  struct sequence sequence = sequence_of(lead);
  if (sequence.length == 0) return REPLACEMENT;
  uint32_t code_point = sequence.length == 1 ? lead : lead & (0x7fu >> sequence.length);
  for (int32_t i = 1; i < sequence.length; ++i) {
    if (*text == end) return REPLACEMENT;
    uint8_t byte = (uint8_t) * *text;
    if (byte < sequence.least || byte > sequence.most) return REPLACEMENT;
    code_point = code_point << 6 | (byte & 0x3fu);
    sequence.least = 0x80;
    sequence.most = 0xbf;
    ++*text;
  }
  return code_point;
}

/* --- Glyphs of a text ------------------------------------------------------------------------------------------- */

static bool combines(uint32_t code_point) {
  return (code_point >= 0x300 && code_point <= 0x36f) || (code_point >= 0x1ab0 && code_point <= 0x1aff) ||
         (code_point >= 0x1dc0 && code_point <= 0x1dff) || (code_point >= 0x20d0 && code_point <= 0x20ff) ||
         (code_point >= 0xfe20 && code_point <= 0xfe2f);
}

/* The character that is the letter with the mark, 0 if there is none. */
static uint32_t composed(uint32_t letter, uint32_t mark) {
  uint32_t first = 0, end = tlw_n_compositions;
  while (first < end) {
    uint32_t at = first + (end - first) / 2;
    const struct tlw_composition *here = &tlw_compositions[at];
    if (here->letter == letter && here->mark == mark) return here->both;
    if (here->letter < letter || (here->letter == letter && here->mark < mark))
      first = at + 1;
    else
      end = at;
  }
  return 0;
}

uint32_t tlw_text_glyph(const struct tlw_font *font, const char **text, const char *end, bool *missing) {
  uint32_t code_point = tlw_text_next(text, end);
  while (*text < end) {
    const char *after = *text;
    uint32_t mark = tlw_text_next(&after, end);
    if (!combines(mark)) break;
    *text = after;
    uint32_t both = composed(code_point, mark);
    if (both == 0)
      *missing = true;
    else
      code_point = both;
  }
  uint32_t glyph = tlw_font_find(font, code_point);
  if (glyph == TLW_GLYPH_MISSING) *missing = true;
  return glyph;
}

int64_t tlw_text_width(const struct tlw_font *font, const char *text, size_t bytes, bool *missing) {
  const char *end = text + bytes;
  bool any = false;
  int64_t width = 0;
  while (text < end) width += font->glyphs[tlw_text_glyph(font, &text, end, &any)].advance;
  if (missing) *missing = any;
  return width;
}

/* --- Fitting ---------------------------------------------------------------------------------------------------- */

static bool is_blank(const struct tlw_glyph *glyph) { return glyph->height == 0; }

struct tlw_text_fit tlw_text_fit(const struct tlw_font *font, const char *text, size_t bytes, int64_t room) {
  int64_t ellipsis = font->glyphs[tlw_font_find(font, ELLIPSIS)].advance;
  const char *end = text + bytes, *at = text;
  struct tlw_text_fit cut = {0, ellipsis <= room, ellipsis <= room ? ellipsis : 0};
  int64_t width = 0;
  bool missing;
  while (at < end && width <= room) {
    const struct tlw_glyph *glyph = &font->glyphs[tlw_text_glyph(font, &at, end, &missing)];
    width += glyph->advance;
    if (!is_blank(glyph) && width + ellipsis <= room)
      cut = (struct tlw_text_fit){(size_t)(at - text), true, width + ellipsis};
  }
  if (at == end && width <= room) return (struct tlw_text_fit){bytes, false, width};
  return cut;
}

/* The first code point from the front of a text on that a glyph lacks: a letter, or a mark that it can't have. */
static uint32_t find_missing(const struct tlw_font *font, const char *at, const char *end) {
  uint32_t letter = tlw_text_next(&at, end);
  while (at < end && tlw_font_find(font, letter) != TLW_GLYPH_MISSING) {
    const uint32_t mark = tlw_text_next(&at, end);
    if (!combines(mark)) break;
    const uint32_t both = composed(letter, mark);
    if (both == 0) return mark;
    letter = both;
  }
  return letter;
}

int32_t tlw_text_is_drawable(const char *text, uint32_t *missing) {
  const struct tlw_font *font = tlw_font(TLW_FONT_13); /* all sizes have the same characters */
  const char *at = text, *const end = text ? text + strlen(text) : text;
  while (at < end) {
    const char *const glyph = at;
    bool lacks = false;
    tlw_text_glyph(font, &at, end, &lacks);
    if (!lacks) continue;
    if (missing) *missing = find_missing(font, glyph, end);
    return 0;
  }
  return 1;
}
