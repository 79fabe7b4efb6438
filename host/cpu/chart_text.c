#include "chart_text.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the first byte of a word must be its lowest"
#endif

/* Glyphs side by side, given as indices of the sheet or as ASCII. */
struct writing {
  int32_t x, baseline, ink;
  uint32_t count;
  const uint16_t *indices; /* NULL: ascii */
  const char *ascii;
};

/* All text of a chart: that of the sheet, of the axis, and of the times, in this order. */
struct texts {
  const uint8_t *sheet;
  tlk_sheet head;
  const tlk_glyph *glyphs;
  const uint32_t *rows;
  const tlk_axis *axis;
  const tlk_time_mark *marks;
  int32_t time_baseline;
  uint32_t n_axis, n_marks;
};

static struct texts texts_of(const struct tlw_render_job *job, const struct tlw_cpu_scratch *source) {
  const uint8_t *sheet = (const uint8_t *)job->sheet;
  const tlk_notes *notes = source->chart->notes;
  return (struct texts){
      .sheet = sheet,
      .head = *job->sheet,
      .glyphs = (const tlk_glyph *)(sheet + job->sheet->glyphs),
      .rows = (const uint32_t *)(sheet + job->sheet->rows),
      .axis = source->axis,
      .n_axis = (uint32_t)source->axis->n_texts,
      .marks = notes ? (const tlk_time_mark *)((const uint8_t *)notes + tlk_notes_marks()) : NULL,
      .time_baseline = job->layout.time_baseline,
      .n_marks = notes ? (uint32_t)notes->n_marks : 0,
  };
}

static const tlk_box *boxes_of(const struct texts *texts) {
  return (const tlk_box *)(const void *)(texts->sheet + texts->head.boxes);
}

static uint32_t count_texts(const struct texts *texts) { return texts->head.n_texts + texts->n_axis + texts->n_marks; }

static struct writing writing_of(const struct texts *texts, uint32_t i) {
  if (i < texts->head.n_texts) {
    const tlk_text *text = (const tlk_text *)(texts->sheet + texts->head.texts) + i;
    const uint16_t *indices = (const uint16_t *)(texts->sheet + texts->head.indices);
    return (struct writing){text->x, text->baseline, text->ink, text->count, indices + text->first, NULL};
  }
  i -= texts->head.n_texts;
  if (i < texts->n_axis) {
    const tlk_axis_text *text = &texts->axis->texts[i];
    return (struct writing){text->x, text->baseline, text->ink, (uint32_t)text->label.length, NULL, text->label.text};
  }
  const tlk_time_mark *mark = &texts->marks[i - texts->n_axis];
  return (struct writing){mark->left, texts->time_baseline, TLK_INK_TEXT, (uint32_t)mark->length, NULL, mark->text};
}

static const tlk_glyph *glyph_of(const struct texts *texts, const struct writing *writing, uint32_t i) {
  const uint32_t index =
      writing->indices ? writing->indices[i] : (uint32_t)(uint8_t)writing->ascii[i] - TLK_GLYPH_FIRST_ASCII;
  return &texts->glyphs[index];
}

/* ---- rows ---- */

static void set_rows(uint8_t *rows, int32_t height, int32_t top, int32_t end) {
  const int32_t from = top > 0 ? top : 0, to = end < height ? end : height;
  if (from < to) memset(rows + from, 1, (size_t)(to - from));
}

static void set_rows_of_box(uint8_t *rows, int32_t height, const tlk_box *box) {
  set_rows(rows, height, box->y, box->y + box->height);
}

void tlw_cpu_place_text(const struct tlw_render_job *job, const struct tlw_cpu_scratch *scratch) {
  const struct texts texts = texts_of(job, scratch);
  struct tlw_cpu_chart *chart = scratch->chart;
  const int32_t height = job->layout.height;
  chart->text_above = chart->text_below = 0;
  for (uint32_t i = 0; i < texts.head.n_glyphs; i++) {
    const tlk_glyph *glyph = &texts.glyphs[i];
    if (glyph->top > chart->text_above) chart->text_above = glyph->top;
    if (glyph->height - glyph->top > chart->text_below) chart->text_below = glyph->height - glyph->top;
  }
  memset(scratch->has_text, 0, (size_t)height);
  for (uint32_t i = 0; i < texts.head.n_boxes; i++) set_rows_of_box(scratch->has_text, height, &boxes_of(&texts)[i]);
  set_rows_of_box(scratch->has_text, height, &texts.axis->box);
  for (uint32_t i = 0; i < count_texts(&texts); i++) {
    const int32_t baseline = writing_of(&texts, i).baseline;
    set_rows(scratch->has_text, height, baseline - chart->text_above, baseline + chart->text_below);
  }
}

static bool has_text(const struct tlw_cpu_scratch *source, int32_t y0, int32_t y1) {
  return memchr(source->has_text + y0, 1, (size_t)(y1 - y0));
}

static bool is_near(const struct writing *writing, const struct tlw_cpu_chart *chart, int32_t y0, int32_t y1) {
  return writing->baseline - chart->text_above < y1 && writing->baseline + chart->text_below > y0;
}

/* ---- blocks ---- */

static void touch_box(const struct tlw_cpu_blocks *blocks, const tlk_box *box) {
  tlw_cpu_touch(blocks, box->x, box->x + box->width, box->y, box->y + box->height);
}

static void touch_writing(const struct tlw_cpu_blocks *blocks, const struct texts *texts,
                          const struct writing *writing) {
  int32_t left = INT32_MAX, right = INT32_MIN, top = INT32_MAX, end = INT32_MIN, pen = writing->x;
  for (uint32_t i = 0; i < writing->count; i++) {
    const tlk_glyph *glyph = glyph_of(texts, writing, i);
    const int32_t x = pen + glyph->left, y = writing->baseline - glyph->top;
    if (x < left) left = x;
    if (x + glyph->width > right) right = x + glyph->width;
    if (y < top) top = y;
    if (y + glyph->height > end) end = y + glyph->height;
    pen += glyph->advance;
  }
  tlw_cpu_touch(blocks, left, right, top, end);
}

void tlw_cpu_touch_text(const struct tlw_render_job *job, const struct tlw_cpu_scratch *source,
                        const struct tlw_cpu_blocks *blocks) {
  if (!has_text(source, blocks->y0, blocks->y1)) return;
  const struct texts texts = texts_of(job, source);
  for (uint32_t i = 0; i < texts.head.n_boxes; i++) touch_box(blocks, &boxes_of(&texts)[i]);
  touch_box(blocks, &texts.axis->box);
  for (uint32_t i = 0; i < count_texts(&texts); i++) {
    const struct writing writing = writing_of(&texts, i);
    if (is_near(&writing, source->chart, blocks->y0, blocks->y1)) touch_writing(blocks, &texts, &writing);
  }
}

/* ---- pixels ---- */

static void draw_box(const struct tlw_cpu_canvas *canvas, const tlk_box *box) {
  const int32_t left = box->x > 0 ? box->x : 0;
  const int32_t right = box->x + box->width < canvas->width ? box->x + box->width : canvas->width;
  const int32_t top = box->y > canvas->y0 ? box->y : canvas->y0;
  const int32_t end = box->y + box->height < canvas->y1 ? box->y + box->height : canvas->y1;
  if (left >= right) return;
  for (int32_t y = top; y < end; y++) memset(tlw_cpu_row(canvas, y) + left, box->ink, (size_t)(right - left));
}

/* 0xff in the bytes whose bit is set. */
static uint64_t spread(uint32_t eight_bits) {
  const uint64_t bits = eight_bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
  const uint64_t highest = (bits + UINT64_C(0x7f7f7f7f7f7f7f7f)) & UINT64_C(0x8080808080808080);
  return (highest >> 7) * 0xff;
}

/* The pixels of a row of a glyph, eight at a time, all of which lie within the row of the image. */
static void draw_whole(uint8_t *row, uint32_t bits, uint64_t inks) {
  for (; bits; bits >>= 8, row += 8) {
    uint64_t pixels;
    const uint64_t mask = spread(bits & 0xff);
    memcpy(&pixels, row, sizeof pixels);
    pixels = (pixels & ~mask) | (inks & mask);
    memcpy(row, &pixels, sizeof pixels);
  }
}

/* Near an edge of the image. */
static void draw_cut(uint8_t *row, int32_t column, int32_t width, uint32_t bits, int32_t ink) {
  for (; bits; bits >>= 1, column++)
    if (bits & 1 && column >= 0 && column < width) row[column] = (uint8_t)ink;
}

static void draw_glyph(const struct tlw_cpu_canvas *canvas, const tlk_glyph *glyph, const uint32_t *rows, int32_t pen,
                       int32_t baseline, int32_t ink) {
  const int32_t column = pen + glyph->left, first = baseline - glyph->top;
  const int32_t top = first > canvas->y0 ? first : canvas->y0;
  const int32_t end = first + glyph->height < canvas->y1 ? first + glyph->height : canvas->y1;
  const bool whole = column >= 0 && column + (glyph->width + 7) / 8 * 8 <= canvas->width;
  const uint64_t inks = (uint64_t)ink * UINT64_C(0x0101010101010101);
  for (int32_t y = top; y < end; y++) {
    const uint32_t bits = rows[glyph->first + (uint32_t)(y - first)];
    if (whole)
      draw_whole(tlw_cpu_row(canvas, y) + column, bits, inks);
    else
      draw_cut(tlw_cpu_row(canvas, y), column, canvas->width, bits, ink);
  }
}

static void draw_writings(const struct tlw_cpu_canvas *canvas, const struct texts *texts,
                          const struct tlw_cpu_chart *chart, uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i < end; i++) {
    const struct writing writing = writing_of(texts, i);
    if (!is_near(&writing, chart, canvas->y0, canvas->y1)) continue;
    int32_t pen = writing.x;
    for (uint32_t k = 0; k < writing.count; k++) {
      const tlk_glyph *glyph = glyph_of(texts, &writing, k);
      draw_glyph(canvas, glyph, texts->rows, pen, writing.baseline, writing.ink);
      pen += glyph->advance;
    }
  }
}

void tlw_cpu_draw_text(const struct tlw_render_job *job, const struct tlw_cpu_scratch *source,
                       const struct tlw_cpu_canvas *canvas) {
  if (!has_text(source, canvas->y0, canvas->y1)) return;
  const struct texts texts = texts_of(job, source);
  for (uint32_t i = 0; i < texts.head.n_boxes; i++) draw_box(canvas, &boxes_of(&texts)[i]);
  draw_writings(canvas, &texts, source->chart, 0, texts.head.n_texts);
  draw_box(canvas, &texts.axis->box);
  draw_writings(canvas, &texts, source->chart, texts.head.n_texts, count_texts(&texts));
}
