/*
 * Draws text over all else, one group a chart: boxes, then the texts on them. The lanes of a team share the rows of each
 * text.
 */
#include "chart_args.h"

/* The pixels of a chart, and the lane that draws on them. */
typedef struct {
  TLK_GLOBAL tlk_u8 *pixels; /* row y0 */
  tlk_i32 y0, y1, width, pitch;
  TLK_GLOBAL const tlk_glyph *glyphs;
  TLK_GLOBAL const tlk_u32 *rows;
  tlk_u32 lane;
} tlk_pen;

TLK_FN tlk_pen tlk_pen_of(tlk_chart_args a, TLK_GLOBAL tlk_u8 *m, TLK_GLOBAL const tlk_sheet *sheet, tlk_u32 chart) {
  tlk_pen pen;
  pen.pixels = m + a.pixels + (tlk_u64)chart * (tlk_u64)(a.y1 - a.y0) * (tlk_u64)a.pitch;
  pen.y0 = a.y0;
  pen.y1 = a.y1;
  pen.width = a.layout.width;
  pen.pitch = a.pitch;
  pen.glyphs = tlk_sheet_glyphs(sheet);
  pen.rows = TLK_AT(const tlk_u32, (TLK_GLOBAL const tlk_u8 *)sheet, sheet->rows);
  pen.lane = TLK_LANE();
  return pen;
}

TLK_FN void tlk_ink_pixel(tlk_pen pen, tlk_i32 x, tlk_i32 y, tlk_i32 ink) {
  if (x < 0 || x >= pen.width || y < pen.y0 || y >= pen.y1) return;
  pen.pixels[(tlk_u64)(y - pen.y0) * (tlk_u64)pen.pitch + (tlk_u64)x] = (tlk_u8)ink;
}

/* All lanes of the group share the pixels. */
TLK_FN void tlk_ink_box(tlk_pen pen, tlk_box box) {
  const tlk_i32 pixels = box.width > 0 ? box.width * box.height : 0;
  for (tlk_i32 i = (tlk_i32)pen.lane; i < pixels; i += TLK_TEXT_LANES)
    tlk_ink_pixel(pen, box.x + i % box.width, box.y + i / box.width, box.ink);
}

/*
 * Each row of the image has a lane of the team, so that no pixel is written by two where glyphs meet. Returns where the
 * pen moves to.
 */
TLK_FN tlk_i32 tlk_ink_glyph(tlk_pen pen, tlk_u32 index, tlk_i32 x, tlk_i32 baseline, tlk_i32 ink) {
  const tlk_glyph glyph = pen.glyphs[index];
  const tlk_i32 top = baseline - glyph.top;
  const tlk_u32 first = (pen.lane - (tlk_u32)top) % TLK_TEXT_TEAM;
  for (tlk_i32 row = (tlk_i32)first; row < glyph.height; row += TLK_TEXT_TEAM) {
    const tlk_u32 bits = pen.rows[glyph.first + (tlk_u32)row];
    for (tlk_i32 column = 0; column < glyph.width; column++)
      if (bits >> column & 1) tlk_ink_pixel(pen, x + glyph.left + column, top + row, ink);
  }
  return x + glyph.advance;
}

TLK_FN void tlk_ink_ascii(tlk_pen pen, TLK_GLOBAL const char *text, tlk_i32 length, tlk_i32 x, tlk_i32 baseline,
                          tlk_i32 ink) {
  for (tlk_i32 i = 0; i < length; i++)
    x = tlk_ink_glyph(pen, (tlk_u32)(text[i] - TLK_GLYPH_FIRST_ASCII), x, baseline, ink);
}

/* Team t of a group has texts t, t + TLK_TEXT_TEAMS and so on. */
#define TLK_TEXT_TEAMS (TLK_TEXT_LANES / TLK_TEXT_TEAM)

TLK_FN void tlk_ink_sheet(tlk_pen pen, TLK_GLOBAL const tlk_sheet *sheet) {
  TLK_GLOBAL const tlk_u8 *bytes = (TLK_GLOBAL const tlk_u8 *)sheet;
  TLK_GLOBAL const tlk_u16 *indices = TLK_AT(const tlk_u16, bytes, sheet->indices);
  for (tlk_u32 i = pen.lane / TLK_TEXT_TEAM; i < sheet->n_texts; i += TLK_TEXT_TEAMS) {
    const tlk_text text = TLK_AT(const tlk_text, bytes, sheet->texts)[i];
    tlk_i32 x = text.x;
    for (tlk_u32 j = 0; j < text.count; j++)
      x = tlk_ink_glyph(pen, indices[text.first + j], x, text.baseline, text.ink);
  }
}

TLK_FN void tlk_ink_axis(tlk_pen pen, TLK_GLOBAL const tlk_axis *axis) {
  for (tlk_i32 i = (tlk_i32)(pen.lane / TLK_TEXT_TEAM); i < axis->n_texts; i += TLK_TEXT_TEAMS) {
    TLK_GLOBAL const tlk_axis_text *text = &axis->texts[i];
    tlk_ink_ascii(pen, text->label.text, text->label.length, text->x, text->baseline, text->ink);
  }
}

TLK_FN void tlk_ink_times(tlk_pen pen, TLK_GLOBAL const tlk_notes *notes, tlk_i32 baseline) {
  TLK_GLOBAL const tlk_time_mark *marks = tlk_chart_marks(notes);
  for (tlk_i32 i = (tlk_i32)(pen.lane / TLK_TEXT_TEAM); i < notes->n_marks; i += TLK_TEXT_TEAMS)
    tlk_ink_ascii(pen, marks[i].text, marks[i].length, marks[i].left, baseline, TLK_INK_TEXT);
}

TLK_KERNEL(tlk_chart_text, tlk_chart_args) {
  const tlk_u32 chart = TLK_GROUP();
  TLK_GLOBAL const tlk_sheet *sheet = TLK_AT(const tlk_sheet, m, a.sheet);
  TLK_GLOBAL const tlk_axis *axis = TLK_AT(const tlk_axis, m, a.axis) + chart;
  const tlk_pen pen = tlk_pen_of(a, m, sheet, chart);
  for (tlk_u32 i = 0; i < sheet->n_boxes; i++)
    tlk_ink_box(pen, TLK_AT(const tlk_box, (TLK_GLOBAL const tlk_u8 *)sheet, sheet->boxes)[i]);
  TLK_GLOBAL_BARRIER();
  tlk_ink_sheet(pen, sheet);
  TLK_GLOBAL_BARRIER();
  tlk_ink_box(pen, axis->box);
  TLK_GLOBAL_BARRIER();
  tlk_ink_axis(pen, axis);
  if (a.layout.time_marks > 0) tlk_ink_times(pen, tlk_chart_notes(a, m, chart), a.layout.time_baseline);
}
