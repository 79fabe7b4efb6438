/*
 * Text and what else is drawn over the candles of a chart, as the host hands it to the backends: the sheet, which all
 * charts of a batch share, and the notes of each chart. Offsets are in bytes from the start of each.
 */
#ifndef TLK_CORE_TEXT_H
#define TLK_CORE_TEXT_H

#include "chart.h"

/*
 * Pixels of a glyph, in a box whose first pixel is at column x + left, row baseline - top; the pen moves by advance.
 * Bit i of row r is the pixel in its column i; its rows begin at `first` of the sheet's.
 */
typedef struct {
  tlk_u32 first;
  tlk_i32 width, height, advance, left, top;
} tlk_glyph;

/* The glyphs of ASCII from the blank on, in the size of labels, are the first ones of a sheet. */
#define TLK_GLYPH_FIRST_ASCII 32
#define TLK_GLYPHS_ASCII 95

/* A filled rectangle, in pixels of the image. */
typedef struct {
  tlk_i32 x, y, width, height;
  tlk_i32 ink;
} tlk_box;

/* Glyphs side by side from column x on: `count` indices of the sheet from `first` on. */
typedef struct {
  tlk_i32 x, baseline;
  tlk_u32 first, count;
  tlk_i32 ink;
} tlk_text;

/* The head of a sheet: boxes, then texts over them, and the font that all text of a chart needs. */
typedef struct {
  tlk_u32 n_boxes, n_texts, n_glyphs, n_indices, n_rows;
  tlk_u32 boxes, texts, glyphs, indices, rows; /* offsets: tlk_box, tlk_text, tlk_glyph, tlk_u16, tlk_u32 */
  tlk_u32 size;
} tlk_sheet;

/* A time label: ASCII, from column `left` of the image on, and the column of the plot that it stands for. */
#define TLK_TIME_TEXT 32
typedef struct {
  tlk_i32 column, left, length;
  char text[TLK_TIME_TEXT];
} tlk_time_mark;

#define TLK_TIME_MARKS_MOST 64

/*
 * The head of a chart's notes. Behind it are layout.time_marks places for time marks, and, if there are lines, the
 * columns of the plot that hold candles, as tlk_i32 by point, then for each line its values there, as double by point;
 * both have plot_width places. A value that is not finite is a gap of the line.
 */
typedef struct {
  tlk_i32 n_marks, n_points;
} tlk_notes;

TLK_FN tlk_u64 tlk_notes_marks(void) { return sizeof(tlk_notes); }

TLK_FN tlk_u64 tlk_notes_points(tlk_layout layout) {
  return tlk_notes_marks() + (tlk_u64)layout.time_marks * sizeof(tlk_time_mark);
}

TLK_FN tlk_u64 tlk_notes_values(tlk_layout layout, tlk_i32 line) {
  const tlk_u64 width = (tlk_u64)layout.plot_width;
  const tlk_u64 points = tlk_notes_points(layout) + width * sizeof(tlk_i32);
  return (points + 7) / 8 * 8 + (tlk_u64)line * width * sizeof(double);
}

/* Bytes of the notes of a chart, a multiple of 8; 0: it has none. */
TLK_FN tlk_u64 tlk_notes_size(tlk_layout layout) {
  if (layout.n_lines > 0) return tlk_notes_values(layout, layout.n_lines);
  return layout.time_marks > 0 ? (tlk_notes_points(layout) + 7) / 8 * 8 : 0;
}

/* The first row of the line of text that is centred on a row, and the baseline of one that begins at a row. */
TLK_FN tlk_i32 tlk_text_top(tlk_i32 centre, tlk_layout layout) { return centre - layout.line_height / 2; }
TLK_FN tlk_i32 tlk_text_baseline(tlk_i32 top, tlk_layout layout) {
  return top + (layout.line_height + layout.cap_height + 1) / 2;
}

#endif
