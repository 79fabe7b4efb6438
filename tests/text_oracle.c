#include "text_oracle.h"

#include <string.h>

#include "host/chart/font_data.h"

/* ---- characters ---- */

/* Bytes of the sequence that a byte leads; 0: none. Overlong forms are sorted out by their values. */
static size_t length_by(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >> 5 == 6) return 2;
  if (lead >> 4 == 14) return 3;
  return lead >> 3 == 30 ? 4 : 0;
}

/*
 * Whether some valid sequence begins with these bytes: whether some value that they may become is one of its length.
 */
static bool begins_valid(const uint8_t *bytes, size_t n, size_t length, uint32_t *value) {
  static const uint32_t first[] = {0, 0, 0x80, 0x800, 0x10000}, last[] = {0, 0x7f, 0x7ff, 0xffff, 0x10ffff};
  uint32_t low = length == 1 ? bytes[0] : bytes[0] & (0xffu >> (length + 1)), high = low;
  for (size_t i = 1; i < length; i++) {
    if (i < n && bytes[i] >> 6 != 2) return false;
    low = low << 6 | (i < n ? bytes[i] & 0x3fu : 0);
    high = high << 6 | (i < n ? bytes[i] & 0x3fu : 0x3fu);
  }
  *value = low;
  if (high < first[length] || low > last[length]) return false;
  return !(low >= 0xd800 && high <= 0xdfff);
}

uint32_t text_code_point(const char *text, size_t size, size_t *bytes) {
  uint8_t sequence[4] = {0};
  memcpy(sequence, text, size < 4 ? size : 4);
  const size_t length = length_by(sequence[0]);
  uint32_t value = 0;
  size_t n = 0;
  while (n < length && n < size && begins_valid(sequence, n + 1, length, &value)) n++;
  *bytes = n > 0 ? n : 1;
  return n > 0 && n == length ? value : TEXT_REPLACEMENT;
}

/* Blocks of combining diacritical marks: the plain ones, extended, supplement, for symbols, half marks. */
static bool is_mark(uint32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x1dc0 && c <= 0x1dff) ||
         (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe20 && c <= 0xfe2f);
}

static uint32_t with_mark(uint32_t letter, uint32_t mark) {
  for (uint32_t i = 0; i < tlw_n_compositions; i++)
    if (tlw_compositions[i].letter == letter && tlw_compositions[i].mark == mark) return tlw_compositions[i].both;
  return 0;
}

/* The box where the font has no such glyph. */
static const struct tlw_glyph *glyph_of(const struct tlw_font *font, uint32_t code_point, bool *lacks) {
  for (uint32_t i = 1; i < font->n_glyphs; i++)
    if (font->code_points[i] == code_point) return &font->glyphs[i];
  *lacks = true;
  return &font->glyphs[0];
}

const struct tlw_glyph *text_glyph(const struct tlw_font *font, const char **text, const char *end, bool *lacks) {
  size_t bytes;
  uint32_t letter = text_code_point(*text, (size_t)(end - *text), &bytes);
  *text += bytes;
  while (*text < end) {
    const uint32_t mark = text_code_point(*text, (size_t)(end - *text), &bytes);
    if (!is_mark(mark)) break;
    *text += bytes;
    const uint32_t both = with_mark(letter, mark);
    if (both == 0) *lacks = true;
    if (both != 0) letter = both;
  }
  return glyph_of(font, letter, lacks);
}

uint32_t text_missing(const struct tlw_font *font, const char *text) {
  const char *const end = text + strlen(text);
  while (text < end) {
    const char *const glyph = text;
    bool lacks = false;
    text_glyph(font, &text, end, &lacks);
    if (!lacks) continue;
    size_t bytes;
    uint32_t letter = text_code_point(glyph, (size_t)(end - glyph), &bytes);
    bool is_missing = false;
    glyph_of(font, letter, &is_missing);
    for (const char *at = glyph + bytes; at < text && !is_missing; at += bytes) {
      const uint32_t mark = text_code_point(at, (size_t)(end - at), &bytes), both = with_mark(letter, mark);
      is_missing = both == 0;
      letter = is_missing ? mark : both;
    }
    return letter;
  }
  return 0;
}

/* ---- widths ---- */

int32_t text_width(const struct tlw_font *font, const char *text, size_t size) {
  const char *const end = text + size;
  int32_t width = 0;
  bool lacks = false;
  while (text < end) width += text_glyph(font, &text, end, &lacks)->advance;
  return width;
}

text_part text_cut(const struct tlw_font *font, const char *text, int32_t room) {
  bool lacks = false;
  const size_t size = strlen(text);
  const int32_t all = text_width(font, text, size), ellipsis = glyph_of(font, 0x2026, &lacks)->advance;
  if (all <= room) return (text_part){size, false, all};
  if (ellipsis > room) return (text_part){0, false, 0};
  text_part longest = {0, true, ellipsis};
  int32_t width = 0;
  for (const char *at = text; at < text + size;) {
    const struct tlw_glyph *const glyph = text_glyph(font, &at, text + size, &lacks);
    width += glyph->advance;
    const bool blank = glyph->height == 0;
    if (!blank && width + ellipsis <= room) longest = (text_part){(size_t)(at - text), true, width + ellipsis};
  }
  return longest;
}

/* ---- drawing ---- */

static void widen(text_extent *extent, int32_t x, int32_t y) {
  if (extent->right == extent->left) *extent = (text_extent){x, y, x + 1, y + 1};
  if (x < extent->left) extent->left = x;
  if (y < extent->top) extent->top = y;
  if (x >= extent->right) extent->right = x + 1;
  if (y >= extent->bottom) extent->bottom = y + 1;
}

static void put(const text_canvas *canvas, int32_t x, int32_t y, uint8_t ink) {
  if (canvas != NULL && x >= 0 && x < canvas->width && y >= 0 && y < canvas->height)
    canvas->pixels[(size_t)y * (size_t)canvas->width + (size_t)x] = ink;
}

static void draw_glyph(const text_canvas *canvas, const struct tlw_font *font, const struct tlw_glyph *glyph, int32_t x,
                       int32_t baseline, uint8_t ink, text_extent *extent) {
  for (int32_t r = 0; r < glyph->height; r++) {
    for (int32_t i = 0; i < glyph->width; i++) {
      if (!(font->rows[glyph->first + r] >> i & 1)) continue;
      put(canvas, x + glyph->left + i, baseline - glyph->top + r, ink);
      widen(extent, x + glyph->left + i, baseline - glyph->top + r);
    }
  }
}

text_extent text_draw(const text_canvas *canvas, const struct tlw_font *font, const char *text, text_part part,
                      int32_t x, int32_t baseline, uint8_t ink) {
  text_extent extent = {0, 0, 0, 0};
  bool lacks = false;
  const char *const end = text + part.size;
  while (text < end) {
    const struct tlw_glyph *const glyph = text_glyph(font, &text, end, &lacks);
    draw_glyph(canvas, font, glyph, x, baseline, ink, &extent);
    x += glyph->advance;
  }
  if (part.ellipsis) draw_glyph(canvas, font, glyph_of(font, 0x2026, &lacks), x, baseline, ink, &extent);
  return extent;
}
