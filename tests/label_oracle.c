#include "label_oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "time_oracle.h"

#define ELLIPSIS "\xe2\x80\xa6"

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }

const char *label_text(const label *l) { return l->text != NULL ? l->text : l->own; }

/* Nothing where the part is nothing. */
static void add_part(labels *all, label_kind kind, const frame_font *font, const char *text, text_part part, int32_t x,
                     int32_t top) {
  if (part.width == 0) return;
  if (all->n_labels == LABELS_MOST) abort();
  all->labels[all->n_labels++] =
      (label){.kind = kind, .font = font, .x = x, .top = top, .text = text, .part = part, .ink = TLW_INK_TEXT};
}

static label *add_own(labels *all, label_kind kind, const char *text, int32_t x, int32_t top) {
  const frame_font *const font = &all->frame.font;
  const text_part part = {strlen(text), false, text_width(font->tables, text, strlen(text))};
  add_part(all, kind, font, NULL, part, x, top);
  label *const l = &all->labels[all->n_labels - 1];
  snprintf(l->own, sizeof l->own, "%s", text);
  return l;
}

static void add_box(labels *all, int32_t x, int32_t y, int32_t width, int32_t height, int32_t ink) {
  all->boxes[all->n_boxes++] = (label_box){x, y, width, height, (uint8_t)ink};
}

/* ---- title and legend ---- */

/* Of the two lines above the plot: whether they are drawn, and the row below them; 0: none is. */
typedef struct header {
  bool title, second;
  int32_t second_top, end;
} header;

static header header_of(const frame *f) {
  header h = {0};
  h.title = f->title_rows > 0 && f->y >= f->title_rows + 2 * f->p;
  h.second_top = f->p + (h.title ? f->title_rows : 0);
  h.second = f->second_rows > 0 && f->y >= h.second_top + f->second_rows + f->p;
  if (h.title) h.end = f->p + f->title_rows;
  if (h.second) h.end = h.second_top + f->second_rows;
  return h;
}

static int32_t names_from(const tlw_chart_options *o, int32_t line) {
  int32_t n = 0;
  for (; line < o->n_lines; line++) n += frame_has(frame_line_name(o, line));
  return n;
}

static void add_legend(labels *all, const tlw_chart_options *o, int32_t top, int32_t end) {
  const frame *const f = &all->frame;
  const int32_t cap = f->font.cap, box = greatest(2, cap / 4);
  const int32_t ellipsis = text_width(f->font.tables, ELLIPSIS, strlen(ELLIPSIS));
  int32_t x = f->x;
  for (int32_t i = 0; i < o->n_lines; i++) {
    const char *const name = frame_line_name(o, i);
    if (!frame_has(name)) continue;
    const int32_t begin = x + cap + cap / 2;
    const int32_t end_of_name = names_from(o, i + 1) > 0 ? end - 2 * cap - ellipsis : end;
    const text_part part = text_cut(f->font.tables, name, end_of_name - begin);
    if (part.width == 0) {
      if (x + ellipsis <= end)
        add_part(all, LABEL_LINE_NAME, &f->font, ELLIPSIS, (text_part){strlen(ELLIPSIS), false, ellipsis}, x, top);
      return;
    }
    add_box(all, x, top + (f->font.line - box) / 2, cap, box, TLW_INK_LINES + i * f->levels + f->levels - 1);
    add_part(all, LABEL_LINE_NAME, &f->font, name, part, begin, top);
    if (part.ellipsis) return;
    x = begin + part.width + 2 * cap;
  }
}

static void add_header(labels *all, const tlw_chart_options *o) {
  const frame *const f = &all->frame;
  const header h = header_of(f);
  if (h.title)
    add_part(all, LABEL_TITLE, &f->title_font, o->title,
             text_cut(f->title_font.tables, o->title, f->width - f->x - f->p), f->x, f->p);
  if (!h.second) return;
  int32_t end = f->width - f->p;
  if (frame_has(o->price_name)) {
    const text_part part = text_cut(f->font.tables, o->price_name, f->width / 4);
    add_part(all, LABEL_PRICE_NAME, &f->font, o->price_name, part, end - part.width, h.second_top);
    end -= part.width + 2 * f->font.cap;
  }
  add_legend(all, o, h.second_top, end);
}

/* ---- rows that labels may take ---- */

/* From top to before end. */
typedef struct label_rows {
  int32_t top, end;
} label_rows;

static bool has_volume_name(const frame *f, const tlw_chart_options *o) {
  return frame_has(o->volume_name) && f->room > 0 && f->volume_height >= 3 * f->font.line;
}

static int32_t volume_name_row(const frame *f) { return f->y + f->price_height + f->between / 2 - f->font.line / 2; }

static label_rows price_label_rows(const frame *f, const tlw_chart_options *o) {
  label_rows rows = {header_of(f).end, f->y + f->plot_height};
  if (f->volume_height > 0) rows.end = f->y + f->price_height + f->between / 2;
  if (has_volume_name(f, o)) rows.end = volume_name_row(f);
  return rows;
}

static label_rows volume_label_rows(const frame *f, const tlw_chart_options *o) {
  label_rows rows = {price_label_rows(f, o).end, f->y + f->plot_height};
  if (has_volume_name(f, o)) rows.top += f->font.line;
  return rows;
}

static int32_t axis_x(const frame *f) { return f->x + f->plot_width + f->p; }

/* ---- ticks ---- */

static bool all_fit(const labels *all, const ticks_set *set) {
  char text[DECIMAL_TEXT];
  for (int i = 0; i < set->count; i++) {
    ticks_text(text, set, i);
    if (text_width(all->frame.font.tables, text, strlen(text)) > all->frame.room) return false;
  }
  return true;
}

/* The first ticks that fit, plain or scientific, at greater and greater distances. False: none; then the first. */
static bool find_ticks(const labels *all, ticks_set *set, ticks_range range) {
  const ticks_range first = range;
  if (all->frame.room >= 1) {
    for (;;) {
      ticks_oracle(set, &range);
      if (all_fit(all, set)) return true;
      if (range.scale != TICKS_VOLUME) {
        set->scientific = true;
        if (all_fit(all, set)) return true;
      }
      if (range.distance >= range.rows) break;
      range.distance *= 2;
    }
  }
  ticks_oracle(set, &first);
  return false;
}

static bool meets(int32_t top, int32_t rows, const label_box *box) {
  return top < box->y + box->height && box->y < top + rows;
}

/* last: the box of the last price, or NULL. */
static void add_ticks(labels *all, ticks_range range, label_rows rows, label_kind kind, const label_box *last) {
  const frame *const f = &all->frame;
  ticks_set set;
  const bool fits = find_ticks(all, &set, range);
  for (int i = 0; i < set.count; i++) {
    char text[DECIMAL_TEXT];
    const int32_t top = set.rows[i] - f->font.line / 2;
    all->rows[all->n_rows++] = set.rows[i];
    if (!fits || top < rows.top || top + f->font.line > rows.end) continue;
    if (last != NULL && meets(top, f->font.line, last)) continue;
    ticks_text(text, &set, i);
    add_own(all, kind, text, axis_x(f), top)->at = set.rows[i];
  }
}

/* ---- the last price ---- */

static bool fits_axis(const labels *all, const char *text) {
  return text_width(all->frame.font.tables, text, strlen(text)) <= all->frame.room;
}

/* Without the last so many digits, halves away from 0. */
static decimal rounded(decimal d, int dropped) {
  if (dropped == 0) return d;
  int64_t unit = 10;
  for (int i = 1; i < dropped; i++) unit *= 10;
  const int64_t half = d.digits < 0 ? -unit / 2 : unit / 2;
  return (decimal){(d.digits + half) / unit, d.exponent + dropped};
}

/* x * 10^n, by steps of 22 powers. */
static double roughly_scaled(double x, int n) {
  for (; n > 0; n -= least(n, 22)) x *= decimal_value((decimal){1, least(n, 22)});
  for (; n < 0; n += least(-n, 22)) x /= decimal_value((decimal){1, least(-n, 22)});
  return x;
}

/* To 14 digits, or to 13 where the first is a 1 that was rounded up to. */
static decimal fourteen_digits(double x) {
  if (x == 0.0) return (decimal){0, 0};
  int exponent = (int)floor(log10(fabs(x))) - 16;
  while (floor(roughly_scaled(fabs(x), -exponent) + 0.5) >= 1e14) exponent++;
  const int64_t digits = (int64_t)floor(roughly_scaled(fabs(x), -exponent) + 0.5);
  return decimal_trimmed((decimal){x < 0.0 ? -digits : digits, exponent});
}

static bool last_text(char out[DECIMAL_TEXT], const labels *all, double close) {
  char digits[DECIMAL_TEXT];
  const decimal first = fourteen_digits(close);
  snprintf(digits, sizeof digits, "%lld", llabs(first.digits));
  const int n = (int)strlen(digits);
  const decimal seven = rounded(first, n > 8 ? n - 7 : 0);
  const bool of_float = fabs(close) > 1e-30 && fabs(close) < 1e30 && (float)close == (float)decimal_value(seven);
  for (int dropped = n > 8 && of_float ? n - 7 : 0; dropped < n; dropped++) {
    decimal_alone(out, rounded(first, dropped));
    if (fits_axis(all, out)) return true;
    decimal_scientific(out, rounded(first, dropped));
    if (fits_axis(all, out)) return true;
  }
  return false;
}

/* True: it is there, its box being the newest. */
static bool add_last(labels *all, const tlw_chart_options *o, const label_data *data, const ticks_range *range) {
  const frame *const f = &all->frame;
  const label_rows rows = price_label_rows(f, o);
  char text[DECIMAL_TEXT];
  if (!o->last_price || rows.end - rows.top < f->font.line || !last_text(text, all, data->close)) return false;
  const int32_t row = ticks_row(data->close, range);
  const int32_t top = greatest(rows.top, least(row - f->font.line / 2, rows.end - f->font.line));
  label *const l = add_own(all, LABEL_LAST_PRICE, text, axis_x(f), top);
  l->ink = TLW_INK_BACKGROUND;
  l->at = row;
  add_box(all, l->x - f->p / 2, top, l->part.width + 2 * (f->p / 2), f->font.line, data->last_ink);
  return true;
}

static void add_axis(labels *all, const tlw_chart_options *o, const label_data *data) {
  const frame *const f = &all->frame;
  if (!data->any) return;
  const ticks_range prices = {data->low,
                              data->high,
                              f->y + f->pad,
                              f->price_rows,
                              greatest(2 * f->font.line, f->price_height / 9),
                              o->scale == TLW_SCALE_LOG ? TICKS_LOG : TICKS_LINEAR};
  const ticks_range volumes = {
      0.0,         data->volume, f->volume_y, f->volume_height, greatest(3 * f->font.line / 2, f->volume_height / 3),
      TICKS_VOLUME};
  const bool has_last = add_last(all, o, data, &prices);
  const label_box *const last = has_last ? &all->boxes[all->n_boxes - 1] : NULL;
  add_ticks(all, prices, price_label_rows(f, o), LABEL_PRICE, last);
  if (f->volume_height > 0 && data->volume > 0.0) add_ticks(all, volumes, volume_label_rows(f, o), LABEL_VOLUME, last);
}

/* ---- times and names ---- */

static void add_times(labels *all, const tlw_chart_options *o, const label_data *data) {
  const frame *const f = &all->frame;
  if (data->times == NULL || f->bottom < f->font.line + 2 * f->p) return;
  const times_question question = {.times = data->times,
                                   .columns = data->columns,
                                   .shared = data->shared,
                                   .n = data->n_columns,
                                   .zone = o->zone,
                                   .font = f->font.tables,
                                   .plot_width = f->plot_width,
                                   .room_left = f->x,
                                   .room_right = f->width - f->x - f->plot_width,
                                   .gap = 4 * f->font.digit};
  times_label found[64];
  const int32_t n = times_oracle(&question, found, least(64, f->width / (6 * f->font.digit) + 1));
  for (int32_t i = 0; i < n; i++) {
    label *const l = add_own(all, LABEL_TIME, found[i].text, f->x + found[i].left, f->y + f->plot_height + f->p);
    l->at = f->x + found[i].x;
    all->columns[all->n_columns++] = l->at;
  }
}

static void add_names(labels *all, const tlw_chart_options *o) {
  const frame *const f = &all->frame;
  const struct tlw_font *const font = f->font.tables;
  if (has_volume_name(f, o))
    add_part(all, LABEL_VOLUME_NAME, &f->font, o->volume_name, text_cut(font, o->volume_name, f->room), axis_x(f),
             volume_name_row(f));
  if (f->time_name_rows == 0 || f->bottom < 2 * f->font.line + 2 * f->p) return;
  const text_part part = text_cut(font, o->time_name, f->plot_width);
  add_part(all, LABEL_TIME_NAME, &f->font, o->time_name, part, f->x + (f->plot_width - part.width) / 2,
           f->y + f->plot_height + f->p + f->font.line);
}

labels *labels_oracle(const tlw_chart_options *options, const label_data *data) {
  labels *const all = calloc(1, sizeof *all);
  if (all == NULL) abort();
  all->frame = frame_of(options);
  all->data = *data;
  all->data.columns = NULL;
  all->data.times = NULL;
  all->data.shared = NULL;
  add_header(all, options);
  add_axis(all, options, data);
  add_times(all, options, data);
  add_names(all, options);
  return all;
}
