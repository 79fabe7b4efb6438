#include "frame_oracle.h"

#include <stdio.h>
#include <stdlib.h>

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }

bool frame_has(const char *text) { return text != NULL && text[0] != '\0'; }

const char *frame_line_name(const tlw_chart_options *options, int32_t i) {
  return options->lines != NULL ? options->lines[i].name : NULL;
}

static const frame_font fonts[] = {
    {NULL, 13, 7, 6}, {NULL, 16, 9, 7}, {NULL, 21, 12, 10}, {NULL, 28, 16, 12}, {NULL, 40, 24, 18}};

static frame_font font_at(int32_t i) {
  frame_font font = fonts[least(i, 4)];
  font.tables = tlw_font((enum tlw_font_size)least(i, 4));
  return font;
}

static int32_t font_for(int32_t side) {
  return side < 300 ? 0 : side < 720 ? 1 : side < 1440 ? 2 : side < 2000 ? 3 : 4;
}

static bool has_named_line(const tlw_chart_options *options) {
  for (int32_t i = 0; i < options->n_lines; i++)
    if (frame_has(frame_line_name(options, i))) return true;
  return false;
}

static void find_text(frame *f, const tlw_chart_options *o) {
  f->has_text = o->labels == 1 && f->width >= 160 && f->height >= 120;
  if (!f->has_text) return;
  const int32_t size = font_for(least(f->width, f->height));
  f->font = font_at(size);
  f->title_font = font_at(size + 1);
  f->p = f->font.line / 4;
  if (frame_has(o->title) && f->height >= 10 * f->title_font.line) f->title_rows = f->title_font.line;
  if ((frame_has(o->price_name) || has_named_line(o)) && f->height >= 10 * f->font.line + f->title_rows)
    f->second_rows = f->font.line;
  if (frame_has(o->time_name) && f->height >= 16 * f->font.line) f->time_name_rows = f->font.line;
}

static int32_t margin(int32_t asked, int32_t automatic) { return asked == TLW_MARGIN_AUTO ? automatic : asked; }

static void find_plot(frame *f, const tlw_chart_options *o) {
  const int32_t m = least(least(f->width, f->height) / 32, 24);
  const int32_t above = f->title_rows + f->second_rows;
  int32_t top = m, right = m, bottom = m;
  if (f->has_text) {
    if (above > 0) top = greatest(m, above + 2 * f->p);
    right = (f->width < 400 ? 6 : f->width < 1440 ? 9 : 10) * f->font.digit + 2 * f->p;
    bottom = f->font.line + f->time_name_rows + 2 * f->p;
  }
  f->x = margin(o->margin_left, m);
  f->y = margin(o->margin_top, top);
  f->right = margin(o->margin_right, right);
  f->bottom = margin(o->margin_bottom, bottom);
  f->plot_width = f->width - f->x - f->right;
  f->plot_height = f->height - f->y - f->bottom;
  if (f->plot_width >= 1 && f->plot_height >= 2) return;
  fprintf(stderr, "oracle: the plot is %d x %d\n", f->plot_width, f->plot_height);
  abort();
}

static void find_panels(frame *f, const tlw_chart_options *o) {
  f->price_height = f->plot_height;
  if (o->volume) {
    f->volume_height = greatest(1, f->plot_height / 5);
    f->volume_y = f->y + f->plot_height - f->volume_height;
    f->between = f->plot_height >= 10 ? greatest(1, f->plot_height / 40) : 0;
    f->price_height = f->plot_height - f->volume_height - f->between;
  }
  f->pad = f->price_height / 20;
  f->price_rows = f->price_height - 2 * f->pad;
}

frame frame_of(const tlw_chart_options *options) {
  frame f = {.width = options->width, .height = options->height};
  find_text(&f, options);
  find_plot(&f, options);
  find_panels(&f, options);
  f.room = f.right - 2 * f.p;
  const int32_t n = options->n_lines;
  f.levels = TLW_INK_LINES + 4 * n <= 256 ? 4 : TLW_INK_LINES + 2 * n <= 256 ? 2 : 1;
  f.thickness = greatest(384, least(f.width, f.height) * 256 / 720);
  return f;
}
