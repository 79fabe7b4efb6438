#include "sheet.h"

#include <string.h>

#include "legend.h"

/* A sheet in the making; counted only where `sheet` is NULL. */
struct draft {
  const tlw_chart_options *options;
  const tlk_layout *layout;
  struct tlw_text_room room;
  tlk_sheet head; /* what there is so far */
  tlk_sheet *sheet;
  uint16_t label_places[TLW_GLYPHS_MOST],
      title_places[TLW_GLYPHS_MOST]; /* of glyphs in the sheet, from 1 on; 0: not there */
};

static void *part(const struct draft *draft, uint32_t offset) { return (uint8_t *)draft->sheet + offset; }

/* ---- glyphs ---- */

static uint16_t add_glyph(struct draft *draft, const struct tlw_font *font, uint32_t number) {
  const struct tlw_glyph *glyph = &font->glyphs[number];
  if (draft->sheet) {
    tlk_glyph *const glyphs = part(draft, draft->sheet->glyphs);
    tlk_u32 *const rows = part(draft, draft->sheet->rows);
    glyphs[draft->head.n_glyphs] =
        (tlk_glyph){draft->head.n_rows, glyph->width, glyph->height, glyph->advance, glyph->left, glyph->top};
    memcpy(rows + draft->head.n_rows, font->rows + glyph->first, glyph->height * sizeof *rows);
  }
  draft->head.n_rows += glyph->height;
  return (uint16_t)draft->head.n_glyphs++;
}

static uint16_t place_of(struct draft *draft, const struct tlw_font *font, uint32_t number) {
  uint16_t *place = font == draft->room.font ? &draft->label_places[number] : &draft->title_places[number];
  if (*place == 0) *place = (uint16_t)(add_glyph(draft, font, number) + 1);
  return (uint16_t)(*place - 1);
}

static void add_ascii(struct draft *draft) {
  const struct tlw_font *const font = draft->room.font;
  for (uint32_t i = 0; i < TLK_GLYPHS_ASCII; i++) place_of(draft, font, tlw_font_find(font, TLK_GLYPH_FIRST_ASCII + i));
}

/* ---- texts and boxes ---- */

static void add_glyphs(struct draft *draft, const struct tlw_font *font, const char *text, size_t bytes) {
  const char *at = text, *const end = text + bytes;
  bool missing = false;
  while (at < end) {
    const uint16_t place = place_of(draft, font, tlw_text_glyph(font, &at, end, &missing));
    if (draft->sheet) ((tlk_u16 *)part(draft, draft->sheet->indices))[draft->head.n_indices] = place;
    draft->head.n_indices++;
  }
}

/* A text in a line that begins at a row, from a column on. */
static void add_text(struct draft *draft, const struct tlw_font *font, const char *text, struct tlw_text_fit fit,
                     int32_t x, int32_t row) {
  if (fit.width == 0) return;
  const uint32_t first = draft->head.n_indices;
  add_glyphs(draft, font, text, fit.bytes);
  if (fit.ellipsis) add_glyphs(draft, font, TLW_ELLIPSIS, strlen(TLW_ELLIPSIS));
  const int32_t baseline = row + (font->line_height + font->cap_height + 1) / 2;
  if (draft->sheet)
    ((tlk_text *)part(draft, draft->sheet->texts))[draft->head.n_texts] =
        (tlk_text){x, baseline, first, draft->head.n_indices - first, TLK_INK_TEXT};
  draft->head.n_texts++;
}

static void add_box(struct draft *draft, tlk_box box) {
  if (draft->sheet) ((tlk_box *)part(draft, draft->sheet->boxes))[draft->head.n_boxes] = box;
  draft->head.n_boxes++;
}

static struct tlw_text_fit fit(const struct tlw_font *font, const char *text, int32_t room) {
  return tlw_text_fit(font, text, strlen(text), room);
}

/* ---- what stands where ---- */

/* The columns that the name of prices takes; 0: there is none. */
static int32_t add_price_name(struct draft *draft, int32_t row) {
  const tlw_chart_options *o = draft->options;
  const struct tlw_font *const font = draft->room.font;
  if (!tlw_is_text(o->price_name)) return 0;
  const struct tlw_text_fit name = fit(font, o->price_name, o->width / 4);
  add_text(draft, font, o->price_name, name, o->width - draft->room.pad - (int32_t)name.width, row);
  return (int32_t)name.width;
}

static void add_legend(struct draft *draft, int32_t row, int32_t end) {
  const tlk_layout *l = draft->layout;
  const struct tlw_font *const font = draft->room.font;
  const int32_t cap = font->cap_height, height = cap / 4 > 2 ? cap / 4 : 2;
  struct tlw_legend legend;
  tlw_legend_begin(&legend, draft->options, font, l->plot_x, end);
  while (tlw_legend_next(&legend)) {
    if (legend.line >= 0)
      add_box(draft, (tlk_box){legend.box_x, row + (font->line_height - height) / 2, cap, height,
                               TLK_INK_LINES + (legend.line + 1) * l->line_levels - 1});
    add_text(draft, font, legend.text, legend.fit, legend.text_x, row);
  }
}

static void add_header(struct draft *draft) {
  const tlw_chart_options *o = draft->options;
  const tlk_layout *l = draft->layout;
  const struct tlw_text_room *room = &draft->room;
  const struct tlw_header header = tlw_header_of(room, l->price_y);
  const int32_t end = l->width - room->pad;
  if (header.title)
    add_text(draft, room->title_font, o->title, fit(room->title_font, o->title, end - l->plot_x), l->plot_x, room->pad);
  if (!header.second) return;
  const int32_t name = add_price_name(draft, header.second_row);
  add_legend(draft, header.second_row, name > 0 ? end - name - 2 * room->font->cap_height : end);
}

static void add_names(struct draft *draft) {
  const tlw_chart_options *o = draft->options;
  const tlk_layout *l = draft->layout;
  const struct tlw_font *const font = draft->room.font;
  const int32_t price_end = l->price_y + l->price_height, plot_end = tlk_plot_end(*l);
  if (l->volume_height > 0 && l->volume_label_top != l->price_label_end)
    add_text(draft, font, o->volume_name, fit(font, o->volume_name, l->axis_room), l->axis_x,
             tlw_volume_name_row(&draft->room, price_end, l->volume_y - price_end));
  const int32_t rows = font->line_height + draft->room.pad;
  if (draft->room.time_name == 0 || l->height - plot_end < rows + font->line_height + draft->room.pad) return;
  const struct tlw_text_fit name = fit(font, o->time_name, l->plot_width);
  add_text(draft, font, o->time_name, name, l->plot_x + (l->plot_width - (int32_t)name.width) / 2, plot_end + rows);
}

/* ---- the sheet ---- */

static uint32_t take(tlk_sheet *head, uint32_t count, size_t size) {
  const uint32_t at = head->size;
  head->size += count * (uint32_t)size;
  return at;
}

/* Offsets for what has been counted. */
static void place_parts(tlk_sheet *head) {
  head->size = sizeof *head;
  head->boxes = take(head, head->n_boxes, sizeof(tlk_box));
  head->texts = take(head, head->n_texts, sizeof(tlk_text));
  head->glyphs = take(head, head->n_glyphs, sizeof(tlk_glyph));
  head->rows = take(head, head->n_rows, sizeof(tlk_u32));
  head->indices = take(head, head->n_indices, sizeof(tlk_u16));
  head->size = (head->size + 7) / 8 * 8;
}

static tlk_sheet draft_all(const tlw_chart_options *options, const tlk_layout *layout, tlk_sheet *sheet) {
  struct draft draft = {.options = options, .layout = layout, .room = tlw_text_room_of(options), .sheet = sheet};
  add_ascii(&draft);
  add_header(&draft);
  add_names(&draft);
  place_parts(&draft.head);
  return draft.head;
}

int32_t tlw_sheet_size(const tlw_chart_options *options, const tlk_layout *layout) {
  return (int32_t)draft_all(options, layout, NULL).size;
}

void tlw_sheet_make(const tlw_chart_options *options, const tlk_layout *layout, tlk_sheet *sheet) {
  memset(sheet, 0, (size_t)layout->sheet_size);
  *sheet = draft_all(options, layout, NULL);
  draft_all(options, layout, sheet);
}
