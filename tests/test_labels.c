/*
 * Text of charts: that none overlaps, is cut or lies where it may not, and that labels are true, over thousands of
 * random charts as the oracle lays them out, a part of which the library draws too; and all that there is on a large
 * chart, found by its pixels.
 *
 *   TALLOW_TEST_CASES=N             random charts
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extras.h"
#include "harness.h"
#include "label_oracle.h"
#include "oracle.h"
#include "series.h"

#define DAY INT64_C(86400000000000)
#define KINDS (LABEL_TIME_NAME + 1)

static tlw_engine *engine;

static int open_engine(void **state) {
  (void)state;
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 2;
  return tlw_engine_open(&engine, &options, NULL) == TLW_OK ? 0 : -1;
}

static int close_engine(void **state) {
  (void)state;
  tlw_engine_close(&engine);
  return engine == NULL ? 0 : -1;
}

/* ---- random charts ---- */

typedef struct chart {
  columns data;
  extras extras;
  tlw_candles candles;
  tlw_chart_options options;
} chart;

static void random_margins(tlw_chart_options *o, rng *r) {
  if (rng_below(r, 3) != 0) return;
  o->margin_left = rng_between(r, TLW_MARGIN_AUTO, o->width / 5);
  o->margin_right = rng_between(r, TLW_MARGIN_AUTO, o->width / 3);
  o->margin_top = rng_between(r, TLW_MARGIN_AUTO, o->height / 4);
  o->margin_bottom = rng_between(r, TLW_MARGIN_AUTO, o->height / 4);
}

static void chart_open(chart *c, uint64_t seed) {
  rng r = {seed};
  const int32_t most = rng_below(&r, 12) == 0 ? 2600 : rng_below(&r, 3) == 0 ? 900 : 400;
  memset(c, 0, sizeof *c);
  tlw_chart_options_init(&c->options);
  c->options.width = rng_between(&r, 160, most);
  c->options.height = rng_between(&r, 120, most * 2 / 3);
  c->options.volume = rng_below(&r, 4) != 0;
  random_margins(&c->options, &r);
  const int64_t n = (int64_t)rng_below(&r, rng_below(&r, 3) == 0 ? 10 : 400);
  columns_open(&c->data, n);
  fill_prices(&c->data, 0, n, (price_kind)rng_below(&r, PRICE_KIND_COUNT), &r);
  fill_volumes(&c->data, 0, n, (volume_kind)rng_below(&r, VOLUME_KIND_COUNT), &r);
  fill_times(&c->data, 0, n, (time_kind)rng_below(&r, TIME_KIND_COUNT), &r);
  extras_open(&c->extras, &c->options, &c->data, &r);
  c->options.labels = 1;
  c->options.axis = (tlw_axis)rng_below(&r, 2);
  if (rng_below(&r, 3) == 0) {
    c->options.scale = TLW_SCALE_LOG;
    lift_prices(&c->data, 0, n, 0x1p-1074);
  }
  for (int32_t i = 0; i < c->options.n_lines; i++)
    fill_line(&c->data, i, 0, n, (line_kind)rng_below(&r, LINE_KIND_COUNT), &r);
  columns_view(&c->data, &c->candles);
}

static void chart_close(chart *c) {
  extras_close(&c->extras);
  columns_close(&c->data);
}

/* ---- where text may be ---- */

typedef struct box {
  int32_t x, y, right, bottom; /* the last two left out */
} box;

static box box_of(const label *l) { return (box){l->x, l->top, l->x + l->part.width, l->top + l->font->line}; }

/* What its pixels cover. */
static box ink_of(const label *l) {
  const text_extent ink = text_draw(NULL, l->font->tables, label_text(l), l->part, l->x,
                                    l->top + (l->font->line + l->font->cap + 1) / 2, 1);
  return (box){ink.left, ink.top, ink.right, ink.bottom};
}

static bool meet(box a, box b) { return a.x < b.right && b.x < a.right && a.y < b.bottom && b.y < a.bottom; }

static bool is_within(box inner, box outer) {
  return inner.x >= outer.x && inner.right <= outer.right && inner.y >= outer.y && inner.bottom <= outer.bottom;
}

static box image_of(const frame *f) { return (box){0, 0, f->width, f->height}; }

/* Where the line of a label may be. */
static box home_of(const labels *all, const label *l) {
  const frame *const f = &all->frame;
  const int32_t end = f->y + f->plot_height, panels_meet = f->y + f->price_height + f->between;
  const box axis = {f->x + f->plot_width, 0, f->width, end};
  switch (l->kind) {
  case LABEL_PRICE:
  case LABEL_LAST_PRICE:
    return (box){axis.x, 0, axis.right, f->volume_height > 0 ? panels_meet : end};
  case LABEL_VOLUME:
    return (box){axis.x, f->y + f->price_height, axis.right, end};
  case LABEL_VOLUME_NAME:
    return axis;
  case LABEL_TIME:
    return (box){0, end, f->width, f->height};
  case LABEL_TIME_NAME:
    return (box){f->x, end, f->x + f->plot_width, f->height};
  default:
    return (box){0, 0, f->width, f->y};
  }
}

static bool is_own(const label *l, const label_box *b) {
  return l->kind == LABEL_LAST_PRICE && b->height == l->font->line && b->y == l->top && b->x < l->x;
}

static void check_boxes(const labels *all) {
  for (int32_t i = 0; i < all->n_boxes; i++) {
    const label_box *const b = &all->boxes[i];
    const box filled = {b->x, b->y, b->x + b->width, b->y + b->height};
    assert_true(is_within(filled, image_of(&all->frame)));
    for (int32_t k = 0; k < all->n_labels; k++)
      if (!is_own(&all->labels[k], b)) assert_false(meet(filled, box_of(&all->labels[k])));
    for (int32_t k = 0; k < i; k++) {
      const label_box *const other = &all->boxes[k];
      assert_false(meet(filled, (box){other->x, other->y, other->x + other->width, other->y + other->height}));
    }
  }
}

static void check_places(const labels *all) {
  const frame *const f = &all->frame;
  const box plot = {f->x, f->y, f->x + f->plot_width, f->y + f->plot_height};
  for (int32_t i = 0; i < all->n_labels; i++) {
    const label *const l = &all->labels[i];
    const box ink = ink_of(l);
    assert_true(is_within(box_of(l), home_of(all, l)));
    if (ink.right > ink.x) assert_true(is_within(ink, image_of(f)));
    assert_false(meet(ink, plot));
    for (int32_t k = 0; k < i; k++) {
      assert_false(meet(box_of(l), box_of(&all->labels[k])));
      assert_false(meet(ink, ink_of(&all->labels[k])));
    }
  }
}

/* ---- what labels say ---- */

/* A number with k, M, B or T behind it, or none of these. */
static double number_of(const char *text) {
  char *end, whole[DECIMAL_TEXT + 8];
  const double plain = strtod(text, &end);
  if (*end == '\0') return plain;
  const char *const unit = strchr("kMBT", *end);
  assert_non_null(unit);
  snprintf(whole, sizeof whole, "%.*se%d", (int)(end - text), text, 3 * (int)(unit - "kMBT" + 1));
  return strtod(whole, NULL);
}

/* What its last digit counts that is not a 0 before the point: such ones may fill up. */
static double last_digit_of(const char *text) {
  const char *const point = strchr(text, '.'), *const power = strchr(text, 'e');
  int exponent = power != NULL ? atoi(power + 1) : 0;
  const char *end = power != NULL ? power : text + strlen(text);
  if (point != NULL) exponent -= (int)(end - point) - 1;
  for (; point == NULL && end[-1] == '0' && end - text > 1; end--) exponent++;
  return pow(10.0, exponent);
}

static ticks_range range_of(const labels *all, const tlw_chart_options *o, label_kind kind) {
  const frame *const f = &all->frame;
  if (kind == LABEL_VOLUME) return (ticks_range){0, all->data.volume, f->volume_y, f->volume_height, 1, TICKS_VOLUME};
  const ticks_scale scale = o->scale == TLW_SCALE_LOG ? TICKS_LOG : TICKS_LINEAR;
  return (ticks_range){all->data.low, all->data.high, f->y + f->pad, f->price_rows, 1, scale};
}

/* A label is in the row of the number that it says. One tick alone may lie beside the range, by some bits of it. */
static void check_number(const labels *all, const tlw_chart_options *o, const label *l) {
  const ticks_range range = range_of(all, o, l->kind);
  const double number = number_of(label_text(l));
  if (l->kind == LABEL_LAST_PRICE) {
    /* Rounded to 14 digits first. The greatest double of one digit is beyond all doubles. */
    const double error = isfinite(number) ? fabs(number - all->data.close) : 0.0;
    if (error > 0.5000001 * last_digit_of(label_text(l)) && error > 0x1p-1074)
      fail_msg("the last price is %.17g, not %s", all->data.close, label_text(l));
    return;
  }
  assert_int_equal(l->top, l->at - l->font->line / 2);
  assert_int_equal(ticks_row(number, &range), l->at);
}

static void check_numbers(const labels *all, const tlw_chart_options *o) {
  const label *before = NULL;
  for (int32_t i = 0; i < all->n_labels; i++) {
    const label *const l = &all->labels[i];
    if (l->kind != LABEL_PRICE && l->kind != LABEL_VOLUME && l->kind != LABEL_LAST_PRICE) continue;
    check_number(all, o, l);
    if (before != NULL && before->kind == l->kind) {
      assert_true(number_of(label_text(l)) > number_of(label_text(before)));
      assert_true(l->at < before->at);
    }
    before = l;
  }
}

static void check_times(const labels *all) {
  int32_t n = 0;
  for (int32_t i = 0; i < all->n_labels; i++) {
    const label *const l = &all->labels[i];
    if (l->kind != LABEL_TIME) continue;
    assert_int_equal(l->at, all->columns[n++]);
    assert_int_equal(l->x, l->at - l->part.width / 2);
    assert_in_range(l->at, all->frame.x, all->frame.x + all->frame.plot_width - 1);
  }
  assert_int_equal(n, all->n_columns);
}

static bool is_asked(const char *text) { return text != NULL && text[0] != '\0'; }

/* Names of lines that options has, less those that are drawn in full. */
static int32_t names_cut(const labels *all, const tlw_chart_options *o) {
  int32_t n = 0;
  for (int32_t i = 0; i < o->n_lines; i++) n += o->lines != NULL && is_asked(o->lines[i].name);
  for (int32_t i = 0; i < all->n_labels; i++) {
    const label *const l = &all->labels[i];
    if (l->kind == LABEL_LINE_NAME && l->part.size == strlen(l->text) && !l->part.ellipsis) n--;
  }
  /* An ellipsis alone is no name. */
  for (int32_t i = 0; i < all->n_labels; i++) {
    const label *const l = &all->labels[i];
    bool is_name = l->kind != LABEL_LINE_NAME;
    for (int32_t k = 0; k < o->n_lines && !is_name; k++) is_name = o->lines[k].name == l->text;
    if (!is_name) n++;
  }
  return n;
}

/* What the library says of texts without room is what is not there. */
static void check_left_out(const labels *all, const tlw_chart_options *o, int64_t seen[5]) {
  const struct {
    label_kind kind;
    uint32_t bit;
    bool asked;
  } texts[] = {{LABEL_TITLE, TLW_TEXT_TITLE, is_asked(o->title)},
               {LABEL_PRICE_NAME, TLW_TEXT_PRICE_NAME, is_asked(o->price_name)},
               {LABEL_VOLUME_NAME, TLW_TEXT_VOLUME_NAME, is_asked(o->volume_name) && o->volume == 1},
               {LABEL_TIME_NAME, TLW_TEXT_TIME_NAME, is_asked(o->time_name)}};
  uint32_t expected = names_cut(all, o) > 0 ? TLW_TEXT_LEGEND : 0, left_out = 77;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bool is_there = false;
    for (int32_t k = 0; k < all->n_labels; k++) is_there = is_there || all->labels[k].kind == texts[i].kind;
    if (texts[i].asked && !is_there) expected |= texts[i].bit;
  }
  assert_int_equal(tlw_chart_left_out(o, &left_out, NULL), TLW_OK);
  assert_int_equal(left_out, expected);
  for (int i = 0; i < 5; i++) seen[i] += left_out >> i & 1;
}

static void draw_and_compare(const chart *c) {
  const tlw_chart_options *const o = &c->options;
  guarded images;
  guarded_open(&images, &(guarded_shape){o->width, o->height, 1, 0, 0, 0, 0}, 5);
  uint8_t *const expected = malloc((size_t)o->width * (size_t)o->height);
  assert_non_null(expected);
  oracle_render(&c->candles, 0, o, expected);
  assert_int_equal(tlw_chart_render(engine, &c->candles, o, &images.raster, NULL), TLW_OK);
  difference where;
  assert_true(guarded_equal(&images, 0, expected, &where));
  free(expected);
  guarded_close(&images);
}

static void test_random_charts(void **state) {
  (void)state;
  int64_t seen[KINDS] = {0}, left_out[5] = {0};
  const uint64_t n = environment_number("TALLOW_TEST_CASES", 3000);
  for (uint64_t i = 0; i < n; i++) {
    chart c;
    chart_open(&c, i);
    labels *const all = oracle_labels(&c.candles, 0, &c.options);
    assert_non_null(all);
    check_boxes(all);
    check_places(all);
    check_numbers(all, &c.options);
    check_times(all);
    check_left_out(all, &c.options, left_out);
    for (int32_t k = 0; k < all->n_labels; k++) seen[all->labels[k].kind]++;
    if (i % 8 == 0) draw_and_compare(&c);
    free(all);
    chart_close(&c);
  }
  for (int kind = 0; kind < KINDS; kind++) assert_true(seen[kind] > (int64_t)n / 20);
  for (int i = 0; i < 5; i++) assert_true(left_out[i] > (int64_t)n / 100);
}

/* ---- by pixels ---- */

typedef struct drawn {
  tlw_chart_options options;
  tlw_chart_layout layout;
  uint8_t *pixels;
} drawn;

/* 300 days of prices from 100 to 200, the last one 139, and volumes up to a million. */
static void draw(drawn *d, int32_t width, int32_t height) {
  static const tlw_line lines[] = {{"First", TLW_COLOR_AUTO}, {NULL, 0xffffff}, {"Third \xe2\x82\xac", 0x123456}};
  enum { N = 300 };
  columns data;
  tlw_candles candles;
  columns_open(&data, N);
  columns_open_lines(&data, 3);
  for (int64_t i = 0; i < N; i++) {
    const double close = i == N - 1 ? 139.0 : 150.0 + 50.0 * sin((double)i / 20.0);
    data.open[i] = data.close[i] = data.high[i] = data.low[i] = close;
    data.high[i] = i == 10 ? 200.0 : close;
    data.low[i] = i == 70 ? 100.0 : close;
    data.volume[i] = i == 5 ? 1e6 : 3e5;
    data.time[i] = 19723 * DAY + i * DAY; /* from 2024-01-01 on */
    for (int k = 0; k < 3; k++) data.lines[k][i] = 120.0 + 20.0 * k;
  }
  columns_view(&data, &candles);
  tlw_chart_options_init(&d->options);
  d->options.width = width;
  d->options.height = height;
  d->options.title = "Nothing but a title";
  d->options.price_name = "What it costs";
  d->options.volume_name = "Pieces";
  d->options.time_name = "Days of the year";
  d->options.lines = lines;
  d->options.n_lines = 3;
  d->pixels = malloc((size_t)width * (size_t)height);
  assert_non_null(d->pixels);
  const tlw_raster raster = {d->pixels, (size_t)width * (size_t)height, (size_t)width, 0};
  tlw_error error;
  if (tlw_chart_render(engine, &candles, &d->options, &raster, &error) != TLW_OK) fail_msg("%s", error.message);
  assert_int_equal(tlw_chart_layout_of(&d->options, &d->layout, NULL), TLW_OK);
  columns_close(&data);
}

static uint8_t pixel(const drawn *d, int32_t x, int32_t y) {
  return d->pixels[(size_t)y * (size_t)d->options.width + (size_t)x];
}

/* Whether a pattern of 1 where text is lies there. */
static bool is_at(const drawn *d, const text_canvas *pattern, int32_t x, int32_t y, uint8_t ink) {
  for (int32_t r = 0; r < pattern->height; r++)
    for (int32_t i = 0; i < pattern->width; i++)
      if ((pixel(d, x + i, y + r) == ink) != pattern->pixels[r * pattern->width + i]) return false;
  return true;
}

typedef struct found {
  int n;
  box at; /* the last one, by its pixels */
} found;

/* Everywhere in an area. */
static found find(const drawn *d, enum tlw_font_size size, const char *text, uint8_t ink, box area) {
  static uint8_t pixels[60 * 600];
  const struct tlw_font *const font = tlw_font(size);
  const text_part whole = {strlen(text), false, 0};
  const text_extent e = text_draw(NULL, font, text, whole, 0, 0, 1);
  const text_canvas pattern = {pixels, e.right - e.left, e.bottom - e.top};
  assert_true(pattern.width <= 600 && pattern.height <= 60);
  memset(pixels, 0, sizeof pixels);
  text_draw(&pattern, font, text, whole, -e.left, -e.top, 1);
  found all = {0};
  for (int32_t y = area.y; y + pattern.height <= area.bottom; y++) {
    for (int32_t x = area.x; x + pattern.width <= area.right; x++) {
      if (!is_at(d, &pattern, x, y, ink)) continue;
      all.n++;
      all.at = (box){x, y, x + pattern.width, y + pattern.height};
    }
  }
  return all;
}

static box expect_once(const drawn *d, enum tlw_font_size size, const char *text, uint8_t ink, box area) {
  const found all = find(d, size, text, ink, area);
  if (all.n != 1) fail_msg("'%s' is there %d times", text, all.n);
  return all.at;
}

static bool has_ink(const drawn *d, uint8_t least) {
  for (int32_t i = 0; i < d->options.width * d->options.height; i++)
    if (d->pixels[i] >= least) return true;
  return false;
}

/* All of the text, each piece where it belongs: rows of 21, the title's of 28, p = 5. */
static void test_all_of_a_large_chart(void **state) {
  (void)state;
  drawn d;
  draw(&d, 1920, 1080);
  const tlw_chart_layout *const l = &d.layout;
  const int32_t right = l->plot_x + l->plot_width, bottom = l->volume_y + l->volume_height;
  const box above = {0, 0, 1920, l->price_y}, axis = {right, 0, 1920, bottom}, below = {0, bottom, 1920, 1080};
  assert_int_equal(l->price_y, 28 + 21 + 10);
  assert_int_equal(bottom, 1080 - 21 - 21 - 10);

  const box title = expect_once(&d, TLW_FONT_28, "Nothing but a title", TLW_INK_TEXT, above);
  assert_in_range(title.x, l->plot_x, l->plot_x + 3);
  assert_true(title.bottom <= 5 + 28);
  const box name = expect_once(&d, TLW_FONT_21, "What it costs", TLW_INK_TEXT, above);
  assert_in_range(name.right, 1910, 1915);
  assert_true(name.y >= 5 + 28);
  const box first = expect_once(&d, TLW_FONT_21, "First", TLW_INK_TEXT, above);
  const box third = expect_once(&d, TLW_FONT_21, "Third \xe2\x82\xac", TLW_INK_TEXT, above);
  assert_true(first.right < third.x && third.right < name.x);
  /* Boxes of 12 x 3 in the lines' full colours, from row 33 + 9 on. */
  for (int32_t x = 0; x < 12; x++)
    for (int32_t y = 0; y < 3; y++) assert_int_equal(pixel(&d, l->plot_x + x, 42 + y), TLW_INK_LINES + 3);
  assert_int_equal(pixel(&d, l->plot_x + 12, 42), TLW_INK_BACKGROUND);
  assert_int_equal(pixel(&d, l->plot_x, 45), TLW_INK_BACKGROUND);
  const int32_t mark = third.x - 18;
  assert_in_range(pixel(&d, mark + 4, 43), TLW_INK_LINES + 11, TLW_INK_LINES + 11);

  /* Prices on the right, upwards; a line of the grid passes the middle of each. */
  int32_t before = bottom;
  for (int price = 100; price <= 200; price += 20) {
    char text[8];
    snprintf(text, sizeof text, "%d", price);
    if (price == 140) continue; /* behind the last price */
    const box at = expect_once(&d, TLW_FONT_21, text, TLW_INK_TEXT, axis);
    assert_true(at.bottom <= before);
    before = at.y;
    bool has_line = false;
    for (int32_t y = at.y; y < at.bottom; y++) has_line = has_line || pixel(&d, l->plot_x, y) == TLW_INK_GRID;
    assert_true(has_line);
  }
  const box last = expect_once(&d, TLW_FONT_21, "139", TLW_INK_BACKGROUND, axis);
  for (int32_t x = last.x - 2; x < last.right + 2; x++) assert_int_equal(pixel(&d, x, last.y - 1), TLW_INK_UP);
  assert_int_equal(find(&d, TLW_FONT_21, "140", TLW_INK_TEXT, axis).n, 0);
  const box pieces = expect_once(&d, TLW_FONT_21, "Pieces", TLW_INK_TEXT, axis);
  const box half = expect_once(&d, TLW_FONT_21, "500k", TLW_INK_TEXT, axis);
  assert_true(pieces.bottom < half.y && half.y > l->volume_y);

  const box days = expect_once(&d, TLW_FONT_21, "Days of the year", TLW_INK_TEXT, below);
  static const char *const months[] = {"2024", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct"};
  int32_t end = 0;
  for (size_t i = 0; i < sizeof months / sizeof *months; i++) {
    const box at = expect_once(&d, TLW_FONT_21, months[i], TLW_INK_TEXT, below);
    assert_true(at.x > end && at.bottom < days.y);
    end = at.right;
  }
  assert_true(has_ink(&d, TLW_INK_LINES));
  free(d.pixels);
}

/* The same on a thumbnail, and on the widest and highest charts without text: the lines alone. */
static void test_none_of_a_small_chart(void **state) {
  (void)state;
  static const int32_t sizes[][2] = {{64, 64}, {16, 16}, {159, 1000}, {1000, 119}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    drawn d;
    draw(&d, sizes[i][0], sizes[i][1]);
    for (int32_t k = 0; k < d.options.width * d.options.height; k++) assert_int_not_equal(d.pixels[k], TLW_INK_TEXT);
    free(d.pixels);
  }
}

/* ---- texts without room ---- */

static uint32_t left_out_of(const tlw_chart_options *o) {
  uint32_t left_out = 77;
  assert_int_equal(tlw_chart_left_out(o, &left_out, NULL), TLW_OK);
  return left_out;
}

static void test_left_out(void **state) {
  (void)state;
  static const tlw_line lines[] = {{"First", TLW_COLOR_AUTO}, {"Second", TLW_COLOR_AUTO}};
  tlw_chart_options o;
  tlw_chart_options_init(&o);
  assert_int_equal(left_out_of(&o), 0);
  o.title = o.price_name = o.volume_name = o.time_name = "x";
  o.lines = lines;
  o.n_lines = 2;
  assert_int_equal(left_out_of(&o), 0);
  o.width = o.height = 64;
  assert_int_equal(left_out_of(&o),
                   TLW_TEXT_TITLE | TLW_TEXT_PRICE_NAME | TLW_TEXT_VOLUME_NAME | TLW_TEXT_TIME_NAME | TLW_TEXT_LEGEND);
  o.volume = 0;
  o.price_name = "";
  assert_int_equal(left_out_of(&o), TLW_TEXT_TITLE | TLW_TEXT_TIME_NAME | TLW_TEXT_LEGEND);
  o.labels = 0;
  assert_int_equal(left_out_of(&o), 0);
  o.labels = 1;
  o.width = o.height = 300;
  o.margin_top = o.margin_bottom = 20;
  assert_int_equal(left_out_of(&o), TLW_TEXT_TITLE | TLW_TEXT_TIME_NAME | TLW_TEXT_LEGEND);
  o.margin_bottom = 60;
  assert_int_equal(left_out_of(&o), TLW_TEXT_TITLE | TLW_TEXT_LEGEND);

  tlw_error error;
  assert_int_equal(tlw_chart_left_out(&o, NULL, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "left_out is NULL: pass the address of a uint32_t");
  uint32_t left_out = 77;
  o.width = 3;
  assert_int_equal(tlw_chart_left_out(&o, &left_out, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "width is 3 pixels"));
  assert_int_equal(left_out, 77);
}

/* A legend that is cut shows it, wherever it is cut. */
static void test_cut_legend_has_a_sign(void **state) {
  (void)state;
  static const tlw_line lines[] = {
      {"MA 10", TLW_COLOR_AUTO}, {"MA 20", TLW_COLOR_AUTO}, {"MA 50", TLW_COLOR_AUTO}, {"MA 100", TLW_COLOR_AUTO}};
  const label_data nothing = {0};
  tlw_chart_options o;
  tlw_chart_options_init(&o);
  o.height = 400;
  o.lines = lines;
  o.n_lines = 4;
  int n_cut = 0, n_alone = 0;
  for (o.width = 160; o.width < 600; o.width++) {
    labels *const all = labels_oracle(&o, &nothing);
    const label *const last = &all->labels[all->n_labels - 1];
    assert_int_equal(last->kind, LABEL_LINE_NAME);
    const bool is_alone = strcmp(label_text(last), "\xe2\x80\xa6") == 0;
    assert_true(left_out_of(&o) == 0 ? all->n_labels == 4 && !last->part.ellipsis : last->part.ellipsis || is_alone);
    n_cut += last->part.ellipsis;
    n_alone += is_alone;
    free(all);
  }
  assert_true(n_cut > 20 && n_alone > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_charts),         cmocka_unit_test(test_all_of_a_large_chart),
      cmocka_unit_test(test_none_of_a_small_chart), cmocka_unit_test(test_left_out),
      cmocka_unit_test(test_cut_legend_has_a_sign),
  };
  return cmocka_run_group_tests(tests, open_engine, close_engine);
}
