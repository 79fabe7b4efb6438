/* The embedded font: its tables, how UTF-8 is read, how wide text is, and how it is cut to fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/chart/font.h"
#include "host/chart/font_data.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define EACH_SIZE(font) for (const struct tlw_font *font = tlw_fonts; font < tlw_fonts + TLW_N_FONTS; ++font)

static const struct {
  uint32_t first, last;
} ranges[] = {{0x20, 0x7e},     {0xa0, 0x17f},    {0x218, 0x21b},   {0x2010, 0x2015},
              {0x2018, 0x201a}, {0x201c, 0x201e}, {0x2020, 0x2022}, {0x2070, 0x2070},
              {0x2074, 0x2079}, {0x2190, 0x2193}, {0x2264, 0x2265}, {0x2000, 0x200f}};

static const uint32_t singles[] = {0x192,  0x2c6,  0x2c7,  0x2da,  0x394,  0x3a3,  0x3a9,  0x3b1,  0x3b2,  0x3b3,
                                   0x3b4,  0x3b8,  0x3bb,  0x3bc,  0x3c0,  0x3c1,  0x3c3,  0x3c4,  0xe3f,  0x2026,
                                   0x202f, 0x2030, 0x2032, 0x2033, 0x2039, 0x203a, 0x20a1, 0x20a3, 0x20a4, 0x20a6,
                                   0x20a8, 0x20a9, 0x20aa, 0x20ab, 0x20ac, 0x20ad, 0x20ae, 0x20b1, 0x20b2, 0x20b4,
                                   0x20b5, 0x20b8, 0x20b9, 0x20ba, 0x20bc, 0x20bd, 0x20be, 0x20bf, 0x2116, 0x2122,
                                   0x2212, 0x221e, 0x2248, 0x2260, 0x25a0, 0x25b2, 0x25bc, 0x25cf};

static const uint32_t without_ink[] = {0x20,   0xa0,   0xad,   0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                       0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x200b, 0x200c,
                                       0x200d, 0x200e, 0x200f, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff};

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static bool is_blank(uint32_t code_point) {
  for (size_t i = 0; i < COUNT(without_ink); ++i)
    if (without_ink[i] == code_point) return true;
  return false;
}

static const struct tlw_glyph *glyph_of(const struct tlw_font *font, uint32_t code_point) {
  return &font->glyphs[tlw_font_find(font, code_point)];
}

/* The pixel of a glyph `column` right of the pen, `row` above the baseline. */
static bool pixel(const struct tlw_font *font, const struct tlw_glyph *glyph, int column, int row) {
  int x = column - glyph->left, y = glyph->top - 1 - row;
  return x >= 0 && x < glyph->width && y >= 0 && y < glyph->height && (font->rows[glyph->first + y] >> x & 1) != 0;
}

/* How many pixels differ between two glyphs, at the place of their ink that makes them most alike. */
static int difference(const struct tlw_font *font, uint32_t one, uint32_t other) {
  const struct tlw_glyph *a = glyph_of(font, one), *b = glyph_of(font, other);
  int least = INT32_MAX;
  for (int shift = -3; shift <= 3; ++shift) {
    int n = 0;
    for (int row = -font->descent; row < font->ascent; ++row)
      for (int column = -4; column < 44; ++column)
        n += pixel(font, a, column, row) != pixel(font, b, column + shift, row);
    if (n < least) least = n;
  }
  return least;
}

static size_t encode(uint32_t code_point, char *text) {
  uint8_t *bytes = (uint8_t *)text;
  if (code_point < 0x80) {
    bytes[0] = (uint8_t)code_point;
    return 1;
  }
  size_t n = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; --i, code_point >>= 6) bytes[i] = (uint8_t)(0x80 | (code_point & 0x3f));
  bytes[0] = (uint8_t)((0xf00u >> n & 0xf0u) | code_point);
  return n;
}

/* A copy of the bytes that ends where its memory does. */
static char *exactly(const char *text, size_t bytes) {
  char *copy = malloc(bytes + (bytes == 0));
  assert_non_null(copy);
  memcpy(copy, text, bytes);
  return copy;
}

static int64_t width_of(const struct tlw_font *font, const char *text) {
  return tlw_text_width(font, text, strlen(text), NULL);
}

static bool is_missing(const struct tlw_font *font, const char *text) {
  bool missing = true;
  tlw_text_width(font, text, strlen(text), &missing);
  return missing;
}

/* --- The tables ------------------------------------------------------------------------------------------------- */

static void every_size_has_every_character(void **state) {
  (void)state;
  EACH_SIZE(font) {
    assert_ptr_equal(font->code_points, tlw_font(TLW_FONT_13)->code_points);
    assert_int_equal(font->n_glyphs, tlw_font(TLW_FONT_13)->n_glyphs);
    assert_in_range(font->n_glyphs, 1, TLW_GLYPHS_MOST);
    assert_int_equal(font->code_points[0], 0);
    for (uint32_t i = 1; i < font->n_glyphs; ++i) assert_true(font->code_points[i - 1] < font->code_points[i]);
    for (uint32_t i = 0; i < font->n_glyphs; ++i) assert_int_equal(tlw_font_find(font, font->code_points[i]), i);
    for (size_t i = 0; i < COUNT(ranges); ++i)
      for (uint32_t c = ranges[i].first; c <= ranges[i].last; ++c) assert_int_not_equal(tlw_font_find(font, c), 0);
    for (size_t i = 0; i < COUNT(singles); ++i) assert_int_not_equal(tlw_font_find(font, singles[i]), 0);
  }
}

static void other_code_points_are_the_box(void **state) {
  (void)state;
  EACH_SIZE(font) {
    uint32_t found = 0;
    for (uint32_t c = 0; c < 0x110000; ++c) {
      uint32_t glyph = tlw_font_find(font, c);
      if (glyph != TLW_GLYPH_MISSING) assert_int_equal(font->code_points[glyph], c);
      found += glyph != TLW_GLYPH_MISSING;
    }
    assert_int_equal(found, font->n_glyphs - 1);
    assert_int_equal(tlw_font_find(font, UINT32_MAX), TLW_GLYPH_MISSING);
  }
}

static void check_box(const struct tlw_font *font, const struct tlw_glyph *glyph) {
  assert_true(glyph->width >= 1 && glyph->width <= 32 && glyph->height >= 1);
  assert_true(glyph->left >= 0 && glyph->left + glyph->width <= glyph->advance);
  assert_true(glyph->top <= font->ascent && glyph->height - glyph->top <= font->descent);
  assert_true(glyph->first + glyph->height <= font->n_rows);
  const uint32_t *rows = &font->rows[glyph->first];
  uint32_t all = 0;
  for (int y = 0; y < glyph->height; ++y) all |= rows[y];
  assert_true((all & 1) != 0 && (uint64_t)all >> (glyph->width - 1) == 1); /* ink at both sides, none beyond */
  assert_true(rows[0] != 0 && rows[glyph->height - 1] != 0);
}

static void bitmaps_stay_in_their_boxes_and_lines(void **state) {
  (void)state;
  EACH_SIZE(font) {
    assert_true(font->ascent + font->descent <= font->line_height);
    for (uint32_t i = 0; i < font->n_glyphs; ++i) {
      const struct tlw_glyph *glyph = &font->glyphs[i];
      if (is_blank(font->code_points[i]))
        assert_true(glyph->width == 0 && glyph->height == 0);
      else
        check_box(font, glyph);
    }
  }
}

static void sizes_are_what_their_names_say(void **state) {
  (void)state;
  static const int32_t lines[] = {13, 16, 21, 28, 40}, caps[] = {7, 9, 12, 16, 24};
  EACH_SIZE(font) {
    ptrdiff_t size = font - tlw_fonts;
    assert_ptr_equal(tlw_font((enum tlw_font_size)size), font);
    assert_int_equal(font->line_height, lines[size]);
    assert_int_equal(font->cap_height, caps[size]);
    for (const char *c = "0123456789ABCDEFGHIJKLMNOPRSTUVWXYZ"; *c; ++c) {
      assert_int_equal(glyph_of(font, (uint32_t)*c)->top, font->cap_height);
      assert_int_equal(glyph_of(font, (uint32_t)*c)->height, font->cap_height);
    }
    for (const char *c = "acemnorsuvwxz"; *c; ++c) {
      assert_int_equal(glyph_of(font, (uint32_t)*c)->top, font->x_height);
      assert_int_equal(glyph_of(font, (uint32_t)*c)->height, font->x_height);
    }
  }
}

static void digits_are_tabular(void **state) {
  (void)state;
  static const uint32_t alike[] = {'+', '<', '=', '>', 0xb1, 0xd7, 0xf7, 0x2007, 0x2212, 0x2248, 0x2260};
  EACH_SIZE(font) {
    int32_t digit = font->digit_advance;
    for (uint32_t c = '0'; c <= '9'; ++c) assert_int_equal(glyph_of(font, c)->advance, digit);
    for (size_t i = 0; i < COUNT(alike); ++i) assert_int_equal(glyph_of(font, alike[i])->advance, digit);
    assert_int_equal(width_of(font, "1111.11"), width_of(font, "8888.88"));
    assert_int_equal(width_of(font, "+1,000"), width_of(font, "\xe2\x88\x92"
                                                              "7,654"));
  }
}

static void look_alikes_differ(void **state) {
  (void)state;
  static const struct {
    uint32_t one, other;
  } pairs[] = {
      {'0', 'O'}, {'0', 'D'},       {'0', 'Q'},    {'0', '8'},       {'1', 'l'},     {'1', 'I'},  {'l', 'I'},
      {'l', '|'}, {'I', '|'},       {'1', '7'},    {'1', 'i'},       {'5', 'S'},     {'8', 'B'},  {'2', 'Z'},
      {'6', 'G'}, {'6', 'b'},       {'9', 'g'},    {'9', 'q'},       {'3', '8'},     {'6', '8'},  {'5', '6'},
      {'3', '9'}, {'.', ','},       {':', ';'},    {'-', '='},       {'~', '-'},     {'+', 0xb1}, {'c', 'e'},
      {'c', 'o'}, {'u', 'v'},       {'U', 'V'},    {'(', '['},       {'x', 0xd7},    {'/', '|'},  {'C', 'G'},
      {'O', 'Q'}, {0x2264, 0x2265}, {'=', 0x2260}, {0x20ac, 0x20b5}, {0x12b, 0x12d}, {'$', 'S'},  {'B', 0xdf},
  };
  EACH_SIZE(font) {
    for (size_t i = 0; i < COUNT(pairs); ++i) {
      int n = difference(font, pairs[i].one, pairs[i].other);
      if (n < 2 || n * 8 < font->cap_height)
        fail_msg("U+%04X and U+%04X of line height %d differ in %d pixels", (unsigned)pairs[i].one,
                 (unsigned)pairs[i].other, (int)font->line_height, n);
    }
  }
}

static bool same_ink(const struct tlw_font *font, const struct tlw_glyph *a, const struct tlw_glyph *b) {
  return a->width == b->width && a->height == b->height && a->top == b->top &&
         memcmp(&font->rows[a->first], &font->rows[b->first], a->height * sizeof *font->rows) == 0;
}

static void no_two_latin_letters_are_equal(void **state) {
  (void)state;
  EACH_SIZE(font) {
    for (uint32_t one = 0x21; one < 0x180; ++one)
      for (uint32_t other = one + 1; other < 0x180; ++other) {
        const struct tlw_glyph *a = glyph_of(font, one), *b = glyph_of(font, other);
        bool crossed_d = one == 0xd0 && other == 0x110; /* two letters that are written alike */
        if (!crossed_d && a->height != 0 && one != 0x7f && !(one > 0x7f && one < 0xa0) && same_ink(font, a, b))
          fail_msg("U+%04X and U+%04X of line height %d are equal", (unsigned)one, (unsigned)other,
                   (int)font->line_height);
      }
  }
}

static void the_box_is_a_hollow_rectangle(void **state) {
  (void)state;
  EACH_SIZE(font) {
    const struct tlw_glyph *box = &font->glyphs[TLW_GLYPH_MISSING];
    const uint32_t *rows = &font->rows[box->first];
    uint32_t full = (uint32_t)((UINT64_C(1) << box->width) - 1);
    assert_int_equal(rows[0], full);
    assert_int_equal(rows[box->height - 1], full);
    for (int y = 1; y < box->height - 1; ++y)
      assert_true((rows[y] & 1) != 0 && rows[y] >> (box->width - 1) == 1 && rows[y] == rows[box->height - 1 - y]);
    assert_true((rows[box->height / 2] & 1u << box->width / 2) == 0);
  }
}

/* --- UTF-8 ------------------------------------------------------------------------------------------------------ */

static void every_code_point_is_read(void **state) {
  (void)state;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    char text[5] = {0};
    size_t n = encode(c, text);
    const char *at = text;
    if (c >= 0xd800 && c < 0xe000) {
      for (size_t i = 0; i < 3; ++i) assert_int_equal(tlw_text_next(&at, text + n), 0xfffd);
    } else {
      assert_int_equal(tlw_text_next(&at, text + n), c);
    }
    assert_ptr_equal(at, text + n);
  }
}

static void bad_bytes_give_one_replacement_each_part(void **state) {
  (void)state;
  enum { BAD = 0xfffd };
  static const struct {
    const char *bytes;
    size_t n;
    uint32_t expected[12];
  } cases[] = {
      {"\x80", 1, {BAD}},
      {"\xff\xfe", 2, {BAD, BAD}},
      {"\xc0\xaf", 2, {BAD, BAD}},                                     /* overlong */
      {"\xc1\xbf", 2, {BAD, BAD}},                                     /* overlong */
      {"\xe0\x80\xaf", 3, {BAD, BAD, BAD}},                            /* overlong */
      {"\xe0\x9f\xbf", 3, {BAD, BAD, BAD}},                            /* overlong */
      {"\xf0\x80\x80\xaf", 4, {BAD, BAD, BAD, BAD}},                   /* overlong */
      {"\xf0\x8f\xbf\xbf", 4, {BAD, BAD, BAD, BAD}},                   /* overlong */
      {"\xed\xa0\x80\xed\xbf\xbf", 6, {BAD, BAD, BAD, BAD, BAD, BAD}}, /* surrogates */
      {"\xf4\x90\x80\x80", 4, {BAD, BAD, BAD, BAD}},                   /* beyond U+10FFFF */
      {"\xf5\x80\x80\x80", 4, {BAD, BAD, BAD, BAD}},
      {"\xc3", 1, {BAD}},
      {"\xe2\x82", 2, {BAD}},
      {"\xf0\x9f\x98", 3, {BAD}},
      {"\xc3"
       "A",
       2,
       {BAD, 'A'}},
      {"\xe2\x82"
       "A",
       3,
       {BAD, 'A'}},
      {"\xf0\x9f\x98"
       "A",
       4,
       {BAD, 'A'}},
      {"\xe2\x82\xc3\xa9", 4, {BAD, 0xe9}},
      {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
       "A",
       9,
       {BAD, BAD, BAD, BAD, 'A'}},
      {"\xe2\x82\xac\xac", 4, {0x20ac, BAD}},
      {"A\0B", 3, {'A', 0, 'B'}},
  };
  for (size_t i = 0; i < COUNT(cases); ++i) {
    char *text = exactly(cases[i].bytes, cases[i].n);
    const char *at = text, *end = text + cases[i].n;
    size_t n = 0;
    for (; at < end; ++n) assert_int_equal(tlw_text_next(&at, end), cases[i].expected[n]);
    assert_ptr_equal(at, end);
    assert_true(n == COUNT(cases[i].expected) || cases[i].expected[n] == 0);
    free(text);
  }
}

static void hostile_bytes_are_read_to_their_end(void **state) {
  (void)state;
  uint32_t random = 1;
  for (int round = 0; round < 20000; ++round) {
    char bytes[24];
    size_t n = (size_t)round % sizeof bytes;
    for (size_t i = 0; i < n; ++i) {
      random = random * 1664525u + 1013904223u;
      bytes[i] = (char)(random >> 24 | (random >> 20 & 0x80));
    }
    char *text = exactly(bytes, n);
    bool missing;
    int64_t width = tlw_text_width(tlw_font(TLW_FONT_13), text, n, &missing);
    assert_true(width >= 0 && width <= 40 * (int64_t)n);
    struct tlw_text_fit fit = tlw_text_fit(tlw_font(TLW_FONT_13), text, n, round % 70);
    assert_true(fit.bytes <= n && fit.width <= round % 70);
    free(text);
  }
}

/* --- Widths ----------------------------------------------------------------------------------------------------- */

static void a_width_is_the_sum_of_advances(void **state) {
  (void)state;
  EACH_SIZE(font) {
    bool missing = true;
    assert_int_equal(tlw_text_width(font, "", 0, &missing), 0);
    assert_false(missing);
    assert_int_equal(width_of(font, "Ab 1"), glyph_of(font, 'A')->advance + glyph_of(font, 'b')->advance +
                                                 glyph_of(font, ' ')->advance + font->digit_advance);
    assert_int_equal(width_of(font, "A\xc2\xad"
                                    "B"),
                     width_of(font, "AB")); /* a soft hyphen isn't seen */
    assert_int_equal(width_of(font, "A\xc2\xa0"
                                    "B"),
                     width_of(font, "A B"));
    assert_true(width_of(font, "A\xe2\x80\x89"
                               "B") < width_of(font, "A B"));
    assert_false(is_missing(font, "A\xc2\xa0\xe2\x80\x89\xe2\x82\xac"));
  }
}

static void what_is_missing_is_told(void **state) {
  (void)state;
  EACH_SIZE(font) {
    int64_t box = font->glyphs[TLW_GLYPH_MISSING].advance;
    assert_true(is_missing(font, "\xe6\x97\xa5")); /* a letter of Chinese */
    assert_true(is_missing(font, "good \xff"));
    assert_true(is_missing(font, "two\nlines"));
    assert_int_equal(width_of(font, "a\xe6\x97\xa5"), glyph_of(font, 'a')->advance + box);
    bool missing = false;
    const char *text = "a\xff", *at = text, *end = text + 2;
    assert_int_equal(tlw_text_glyph(font, &at, end, &missing), tlw_font_find(font, 'a'));
    assert_false(missing);
    assert_int_equal(tlw_text_glyph(font, &at, end, &missing), TLW_GLYPH_MISSING);
    assert_true(missing && at == end);
  }
}

static void marks_are_composed(void **state) {
  (void)state;
  assert_true(tlw_n_compositions > 160);
  for (uint32_t i = 0; i < tlw_n_compositions; ++i) {
    const struct tlw_composition *one = &tlw_compositions[i];
    char text[8];
    size_t n = encode(one->letter, text);
    n += encode(one->mark, text + n);
    bool missing = false;
    const char *at = text;
    const struct tlw_font *font = tlw_font(TLW_FONT_21);
    assert_int_equal(tlw_text_glyph(font, &at, text + n, &missing), tlw_font_find(font, one->both));
    assert_true(!missing && at == text + n);
  }
  assert_int_equal(width_of(tlw_font(TLW_FONT_16), "Zaz\xcc\x87o\xcc\x81\xc5\x82\xc4\x87"),
                   width_of(tlw_font(TLW_FONT_16), "Za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87"));
}

static void other_marks_are_left_out_and_told(void **state) {
  (void)state;
  EACH_SIZE(font) {
    assert_int_equal(width_of(font, "x\xcc\x81y"), width_of(font, "xy"));
    assert_true(is_missing(font, "x\xcc\x81y"));
    assert_int_equal(width_of(font, "a\xcc\x8a\xcc\x81"), width_of(font, "\xc3\xa5")); /* the ring alone */
    assert_true(is_missing(font, "a\xcc\x8a\xcc\x81"));
    assert_int_equal(width_of(font, "\xcc\x81"
                                    "a"), /* no letter before it */
                     font->glyphs[TLW_GLYPH_MISSING].advance + glyph_of(font, 'a')->advance);
    assert_int_equal(width_of(font, "a\xe2\x83\x9d"), width_of(font, "a")); /* U+20DD */
  }
}

/* --- Fitting ---------------------------------------------------------------------------------------------------- */

/* The same by trying every cut. */
static struct tlw_text_fit fit_by_trial(const struct tlw_font *font, const char *text, size_t bytes, int64_t room) {
  int64_t ellipsis = width_of(font, "\xe2\x80\xa6"), all = tlw_text_width(font, text, bytes, NULL);
  if (all <= room) return (struct tlw_text_fit){bytes, false, all};
  struct tlw_text_fit best = {0, false, 0};
  if (ellipsis <= room) best = (struct tlw_text_fit){0, true, ellipsis};
  bool missing;
  for (const char *at = text; at < text + bytes;) {
    const struct tlw_glyph *glyph = &font->glyphs[tlw_text_glyph(font, &at, text + bytes, &missing)];
    size_t n = (size_t)(at - text);
    int64_t width = tlw_text_width(font, text, n, NULL) + ellipsis;
    if (width <= room && glyph->height > 0) best = (struct tlw_text_fit){n, true, width};
  }
  return best;
}

static void the_longest_part_that_fits_is_kept(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "A",
      " ",
      "   ",
      "iiiiiiiiii",
      "AAPL  daily,  split-adjusted",
      "a b  c",
      "\xff\xff\xff",
      "Za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 ge\xcc\xa8s\xcc\x81la\xcc\xa8 ja\xc5\xba\xc5\x84",
      "\xe2\x82\xac 1,234.50 \xe2\x80\x94 \xe6\x97\xa5\xe6\x9c\xac",
      "."};
  EACH_SIZE(font) {
    for (size_t i = 0; i < COUNT(texts); ++i) {
      size_t bytes = strlen(texts[i]);
      char *text = exactly(texts[i], bytes);
      for (int64_t room = -2; room < tlw_text_width(font, text, bytes, NULL) + 3; ++room) {
        struct tlw_text_fit fit = tlw_text_fit(font, text, bytes, room);
        struct tlw_text_fit trial = fit_by_trial(font, text, bytes, room);
        assert_int_equal(fit.bytes, trial.bytes);
        assert_int_equal(fit.ellipsis, trial.ellipsis);
        assert_int_equal(fit.width, trial.width);
      }
      free(text);
    }
  }
}

static void a_cut_leaves_no_space_before_the_ellipsis(void **state) {
  (void)state;
  const struct tlw_font *font = tlw_font(TLW_FONT_13);
  int64_t room = width_of(font, "AAPL   \xe2\x80\xa6");
  struct tlw_text_fit fit = tlw_text_fit(font, "AAPL     daily", 14, room);
  assert_int_equal(fit.bytes, 4);
  assert_true(fit.ellipsis);
  assert_int_equal(fit.width, width_of(font, "AAPL\xe2\x80\xa6"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_size_has_every_character),
      cmocka_unit_test(other_code_points_are_the_box),
      cmocka_unit_test(bitmaps_stay_in_their_boxes_and_lines),
      cmocka_unit_test(sizes_are_what_their_names_say),
      cmocka_unit_test(digits_are_tabular),
      cmocka_unit_test(look_alikes_differ),
      cmocka_unit_test(no_two_latin_letters_are_equal),
      cmocka_unit_test(the_box_is_a_hollow_rectangle),
      cmocka_unit_test(every_code_point_is_read),
      cmocka_unit_test(bad_bytes_give_one_replacement_each_part),
      cmocka_unit_test(hostile_bytes_are_read_to_their_end),
      cmocka_unit_test(a_width_is_the_sum_of_advances),
      cmocka_unit_test(what_is_missing_is_told),
      cmocka_unit_test(marks_are_composed),
      cmocka_unit_test(other_marks_are_left_out_and_told),
      cmocka_unit_test(the_longest_part_that_fits_is_kept),
      cmocka_unit_test(a_cut_leaves_no_space_before_the_ellipsis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
