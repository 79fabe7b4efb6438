/* The contract of tallow/chart.h on the CPU backend: options, layout, themes, expansion, and every error of a render.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extras.h"
#include "harness.h"
#include "oracle.h"
#include "series.h"
#include "text_oracle.h"

#define WIDTH 200
#define HEIGHT 130
#define ROWS 12
#define SERIES 3
#define LINES 2

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

/*
 * A call that is right in all respects: three charts of 12 rows, the middle one empty, with all texts and two lines.
 * Tests break one thing each.
 */
typedef struct call {
  columns data;
  int64_t offsets[SERIES + 1];
  tlw_candles candles;
  tlw_chart_options options;
  tlw_line lines[LINES];
  guarded images;
} call;

static void call_open(call *c) {
  memset(c, 0, sizeof *c);
  rng r = {7};
  columns_open(&c->data, ROWS);
  fill_prices(&c->data, 0, ROWS, PRICES_WALK, &r);
  fill_volumes(&c->data, 0, ROWS, VOLUMES_PLAIN, &r);
  fill_times(&c->data, 0, ROWS, TIMES_REGULAR, &r);
  columns_open_lines(&c->data, LINES);
  fill_line(&c->data, 0, 0, ROWS, LINES_AVERAGE, &r);
  fill_line(&c->data, 1, 0, ROWS, LINES_AROUND, &r);
  columns_view(&c->data, &c->candles);
  const int64_t offsets[SERIES + 1] = {0, 7, 7, ROWS};
  memcpy(c->offsets, offsets, sizeof offsets);
  c->candles.offsets = c->offsets;
  c->candles.n_series = SERIES;
  tlw_chart_options_init(&c->options);
  c->options.width = WIDTH;
  c->options.height = HEIGHT;
  c->options.title = "Title";
  c->options.price_name = "Price";
  c->options.volume_name = "Volume";
  c->options.time_name = "Time";
  c->lines[0] = (tlw_line){"one", TLW_COLOR_AUTO};
  c->lines[1] = (tlw_line){NULL, 0xffffff};
  c->options.lines = c->lines;
  c->options.n_lines = LINES;
  guarded_open(&c->images, &(guarded_shape){WIDTH, HEIGHT, SERIES, 3, 5, 16, 16}, 11);
}

static void call_close(call *c) {
  guarded_close(&c->images);
  columns_close(&c->data);
}

static tlw_status render(call *c, tlw_error *error) {
  return tlw_chart_render(engine, &c->candles, &c->options, &c->images.raster, error);
}

static void assert_drawn(const call *c, int64_t n_series) {
  uint8_t *expected = malloc((size_t)c->options.width * (size_t)c->options.height);
  assert_non_null(expected);
  for (int64_t i = 0; i < n_series; i++) {
    oracle_render(&c->candles, i, &c->options, expected);
    difference where;
    bool equal = guarded_equal(&c->images, i, expected, &where);
    if (!equal)
      print_error("chart %d: (%d, %d): %d, expected %d\n", (int)i, where.x, where.y, where.got, where.expected);
    assert_true(equal);
  }
  free(expected);
  assert_true(guarded_intact(&c->images));
}

/* The record of an error without a row: everything set, one sentence. */
static void assert_record(const tlw_error *error, tlw_status code) {
  assert_int_equal(error->code, code);
  assert_int_equal(error->native, 0);
  assert_int_equal(error->column, -1);
  assert_int_equal(error->bytes, 0);
  if (code != TLW_ERR_DATA) assert_int_equal(error->row, -1);
  const char *end = memchr(error->message, '\0', sizeof error->message);
  assert_non_null(end);
  assert_true(end - error->message >= 10);
  assert_null(strchr(error->message, '\n'));
}

/* The call fails with the code, with and without a record, and nothing beside the pixels changes. */
static void assert_refused(call *c, tlw_status code) {
  tlw_error error;
  memset(&error, 0x5A, sizeof error);
  assert_int_equal(render(c, &error), code);
  assert_record(&error, code);
  assert_int_equal(render(c, NULL), code);
  assert_true(guarded_intact(&c->images));
}

static void test_a_right_call(void **state) {
  (void)state;
  call c;
  call_open(&c);
  tlw_error error, before;
  memset(&error, 0x5A, sizeof error);
  before = error;
  assert_int_equal(render(&c, &error), TLW_OK);
  assert_memory_equal(&error, &before, sizeof error);
  assert_drawn(&c, SERIES);
  call_close(&c);
}

static void test_options_defaults(void **state) {
  (void)state;
  tlw_chart_options o;
  memset(&o, 0x5A, sizeof o);
  tlw_chart_options_init(&o);
  assert_int_equal(o.struct_size, sizeof o);
  assert_int_equal(o.width, 1280);
  assert_int_equal(o.height, 720);
  assert_int_equal(o.theme, TLW_THEME_MODERN);
  assert_int_equal(o.axis, TLW_AXIS_INDEX);
  assert_int_equal(o.scale, TLW_SCALE_LINEAR);
  assert_int_equal(o.volume, 1);
  assert_int_equal(o.grid, 1);
  assert_int_equal(o.margin_left, TLW_MARGIN_AUTO);
  assert_int_equal(o.margin_top, TLW_MARGIN_AUTO);
  assert_int_equal(o.margin_right, TLW_MARGIN_AUTO);
  assert_int_equal(o.margin_bottom, TLW_MARGIN_AUTO);
  assert_int_equal(o.labels, 1);
  assert_int_equal(o.last_price, 1);
  assert_null(o.title);
  assert_null(o.price_name);
  assert_null(o.volume_name);
  assert_null(o.time_name);
  assert_null(o.zone);
  assert_null(o.lines);
  assert_int_equal(o.n_lines, 0);
}

static void test_candles_defaults(void **state) {
  (void)state;
  tlw_candles c;
  memset(&c, 0x5A, sizeof c);
  tlw_candles_init(&c);
  assert_int_equal(c.struct_size, sizeof c);
  assert_null(c.open);
  assert_null(c.high);
  assert_null(c.low);
  assert_null(c.close);
  assert_null(c.volume);
  assert_null(c.time);
  assert_null(c.offsets);
  assert_int_equal(c.n_rows, 0);
  assert_int_equal(c.n_series, 1);
  assert_null(c.lines);
  assert_int_equal(c.n_lines, 0);
}

typedef void (*option_change)(tlw_chart_options *o);

static void option_size_zero(tlw_chart_options *o) { o->struct_size = 0; }
static void option_size_short(tlw_chart_options *o) { o->struct_size = offsetof(tlw_chart_options, theme); }
static void option_width_small(tlw_chart_options *o) { o->width = TLW_CHART_MIN_SIDE - 1; }
static void option_width_large(tlw_chart_options *o) { o->width = TLW_CHART_MAX_SIDE + 1; }
static void option_width_negative(tlw_chart_options *o) { o->width = INT32_MIN; }
static void option_height_small(tlw_chart_options *o) { o->height = TLW_CHART_MIN_SIDE - 1; }
static void option_height_large(tlw_chart_options *o) { o->height = INT32_MAX; }
static void option_height_zero(tlw_chart_options *o) { o->height = 0; }
static void option_theme_large(tlw_chart_options *o) { o->theme = (tlw_theme)TLW_THEME_COUNT; }
static void option_theme_negative(tlw_chart_options *o) { o->theme = (tlw_theme)-1; }
static void option_axis_large(tlw_chart_options *o) { o->axis = (tlw_axis)2; }
static void option_axis_negative(tlw_chart_options *o) { o->axis = (tlw_axis)-1; }
static void option_scale_large(tlw_chart_options *o) { o->scale = (tlw_scale)2; }
static void option_scale_negative(tlw_chart_options *o) { o->scale = (tlw_scale)-1; }
static void option_volume_large(tlw_chart_options *o) { o->volume = 2; }
static void option_grid_negative(tlw_chart_options *o) { o->grid = -1; }
static void option_left_negative(tlw_chart_options *o) { o->margin_left = -2; }
static void option_top_negative(tlw_chart_options *o) { o->margin_top = INT32_MIN; }
static void option_right_negative(tlw_chart_options *o) { o->margin_right = -2; }
static void option_bottom_negative(tlw_chart_options *o) { o->margin_bottom = -2; }
static void option_no_width(tlw_chart_options *o) { o->margin_left = WIDTH - o->margin_right; }
static void option_no_height(tlw_chart_options *o) { o->margin_top = HEIGHT - 1 - o->margin_bottom; }
static void option_left_huge(tlw_chart_options *o) { o->margin_left = o->margin_right = INT32_MAX; }
static void option_top_huge(tlw_chart_options *o) { o->margin_top = o->margin_bottom = INT32_MAX; }

/* One byte too long; and a line's name may be. */
static char long_text[TLW_TEXT_MOST + 2];
static tlw_line bad_lines[LINES];

static void option_labels_large(tlw_chart_options *o) { o->labels = 2; }
static void option_labels_negative(tlw_chart_options *o) { o->labels = -1; }
static void option_last_price_large(tlw_chart_options *o) { o->last_price = 2; }
static void option_last_price_negative(tlw_chart_options *o) { o->last_price = INT32_MIN; }
static void option_title_long(tlw_chart_options *o) { o->title = long_text; }
static void option_price_name_long(tlw_chart_options *o) { o->price_name = long_text; }
static void option_volume_name_long(tlw_chart_options *o) { o->volume_name = long_text; }
static void option_time_name_long(tlw_chart_options *o) { o->time_name = long_text; }
static void option_n_lines_negative(tlw_chart_options *o) { o->n_lines = -1; }
static void option_n_lines_large(tlw_chart_options *o) { o->n_lines = TLW_LINES_MOST + 1; }
static void option_n_lines_huge(tlw_chart_options *o) { o->n_lines = INT32_MAX; }
static void option_bad_line(tlw_chart_options *o, const char *name, int32_t color) {
  bad_lines[0] = (tlw_line){"", TLW_COLOR_AUTO};
  bad_lines[1] = (tlw_line){name, color};
  o->lines = bad_lines;
}
static void option_line_name_long(tlw_chart_options *o) { option_bad_line(o, long_text, 0); }
static void option_color_negative(tlw_chart_options *o) { option_bad_line(o, NULL, -2); }
static void option_color_large(tlw_chart_options *o) { option_bad_line(o, NULL, 0x1000000); }

static const option_change bad_options[] = {
    option_labels_large,     option_labels_negative, option_last_price_large, option_last_price_negative,
    option_title_long,       option_price_name_long, option_volume_name_long, option_time_name_long,
    option_n_lines_negative, option_n_lines_large,   option_n_lines_huge,     option_line_name_long,
    option_color_negative,   option_color_large,     option_size_zero,        option_size_short,
    option_width_small,      option_width_large,     option_width_negative,   option_height_small,
    option_height_large,     option_height_zero,     option_theme_large,      option_theme_negative,
    option_axis_large,       option_axis_negative,   option_volume_large,     option_grid_negative,
    option_left_negative,    option_top_negative,    option_right_negative,   option_bottom_negative,
    option_no_width,         option_no_height,       option_left_huge,        option_top_huge,
    option_scale_large,      option_scale_negative};

static void test_option_errors(void **state) {
  (void)state;
  memset(long_text, 'x', sizeof long_text - 1);
  for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
    call c;
    call_open(&c);
    c.options.margin_left = c.options.margin_top = c.options.margin_right = c.options.margin_bottom = 4;
    assert_int_equal(render(&c, NULL), TLW_OK);
    bad_options[i](&c.options);
    assert_refused(&c, TLW_ERR_ARGUMENT);

    tlw_chart_layout layout;
    tlw_error error;
    memset(&error, 0x5A, sizeof error);
    assert_int_equal(tlw_chart_layout_of(&c.options, &layout, &error), TLW_ERR_ARGUMENT);
    assert_record(&error, TLW_ERR_ARGUMENT);
    assert_int_equal(tlw_chart_layout_of(&c.options, &layout, NULL), TLW_ERR_ARGUMENT);
    uint8_t rgb[TLW_COLORS_MOST * 3];
    int32_t n_colors;
    memset(&error, 0x5A, sizeof error);
    assert_int_equal(tlw_chart_palette(&c.options, rgb, &n_colors, &error), TLW_ERR_ARGUMENT);
    assert_record(&error, TLW_ERR_ARGUMENT);
    assert_int_equal(tlw_chart_palette(&c.options, rgb, &n_colors, NULL), TLW_ERR_ARGUMENT);
    call_close(&c);
  }
}

typedef void (*call_change)(call *c);

static void call_candles_size_zero(call *c) { c->candles.struct_size = 0; }
static void call_candles_size_short(call *c) { c->candles.struct_size = offsetof(tlw_candles, time); }
static void call_no_open(call *c) { c->candles.open = NULL; }
static void call_no_high(call *c) { c->candles.high = NULL; }
static void call_no_low(call *c) { c->candles.low = NULL; }
static void call_no_close(call *c) { c->candles.close = NULL; }
static void call_no_volume(call *c) { c->candles.volume = NULL; }
static void call_no_lines(call *c) { c->candles.lines = NULL; }
static void call_no_line(call *c) {
  static const void *lines[LINES];
  lines[0] = c->data.lines[0];
  lines[1] = NULL;
  c->candles.lines = lines;
}
static void call_fewer_lines(call *c) { c->candles.n_lines = LINES - 1; }
static void call_more_lines(call *c) { c->candles.n_lines = LINES + 1; }
static void call_lines_negative(call *c) { c->candles.n_lines = -1; }
static void call_unknown_lines(call *c) { c->options.n_lines = 0; }
static void call_no_time(call *c) {
  c->options.axis = TLW_AXIS_TIME;
  c->candles.time = NULL;
}
static void call_rows_negative(call *c) { c->candles.n_rows = -1; }
static void call_rows_negative_alone(call *c) {
  c->candles.offsets = NULL;
  c->candles.n_series = 1;
  c->candles.n_rows = INT64_MIN;
}
static void call_series_negative(call *c) { c->candles.n_series = -1; }
static void call_series_without_offsets(call *c) { c->candles.offsets = NULL; }
static void call_offsets_negative(call *c) { c->offsets[0] = -1; }
static void call_offsets_decrease(call *c) { c->offsets[1] = 8; }
static void call_offsets_beyond(call *c) { c->offsets[SERIES] = ROWS + 1; }
static void call_offsets_far_beyond(call *c) { c->offsets[SERIES] = INT64_MAX; }
static void call_offsets_beyond_between(call *c) { c->offsets[1] = ROWS + 1; }
static void call_no_pixels(call *c) { c->images.raster.pixels = NULL; }
static void call_size_zero(call *c) { c->images.raster.size = 0; }
static void call_size_one_less(call *c) { c->images.raster.size--; }
static void call_row_stride_short(call *c) { c->images.raster.row_stride = WIDTH - 1; }
static void call_row_stride_zero(call *c) { c->images.raster.row_stride = 0; }
static void call_row_stride_huge(call *c) { c->images.raster.row_stride = SIZE_MAX / 2; }
static void call_row_stride_wraps(call *c) { c->images.raster.row_stride = SIZE_MAX / (HEIGHT - 1) + 1; }
static void call_image_stride_short(call *c) {
  c->images.raster.image_stride = (HEIGHT - 1) * c->images.raster.row_stride + WIDTH - 1;
}
static void call_image_stride_zero(call *c) { c->images.raster.image_stride = 0; }
static void call_image_stride_huge(call *c) { c->images.raster.image_stride = SIZE_MAX; }
static void call_image_stride_wraps(call *c) { c->images.raster.image_stride = SIZE_MAX / 2 + 1; }

static const call_change bad_calls[] = {call_no_lines,
                                        call_no_line,
                                        call_fewer_lines,
                                        call_more_lines,
                                        call_lines_negative,
                                        call_unknown_lines,
                                        call_candles_size_zero,
                                        call_candles_size_short,
                                        call_no_open,
                                        call_no_high,
                                        call_no_low,
                                        call_no_close,
                                        call_no_volume,
                                        call_no_time,
                                        call_rows_negative,
                                        call_rows_negative_alone,
                                        call_series_negative,
                                        call_series_without_offsets,
                                        call_offsets_negative,
                                        call_offsets_decrease,
                                        call_offsets_beyond,
                                        call_offsets_far_beyond,
                                        call_offsets_beyond_between,
                                        call_no_pixels,
                                        call_size_zero,
                                        call_size_one_less,
                                        call_row_stride_short,
                                        call_row_stride_zero,
                                        call_row_stride_huge,
                                        call_row_stride_wraps,
                                        call_image_stride_short,
                                        call_image_stride_zero,
                                        call_image_stride_huge,
                                        call_image_stride_wraps};

static void test_call_errors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_calls / sizeof bad_calls[0]; i++) {
    call c;
    call_open(&c);
    if (bad_calls[i] == call_offsets_decrease) c.offsets[2] = 7;
    bad_calls[i](&c);
    tlw_status status = render(&c, NULL);
    if (status != TLW_ERR_ARGUMENT) print_error("bad call %d is not refused: %s\n", (int)i, tlw_status_name(status));
    assert_refused(&c, TLW_ERR_ARGUMENT);
    call_close(&c);
  }
}

static void test_null_arguments(void **state) {
  (void)state;
  call c;
  call_open(&c);
  tlw_error error;
  for (int k = 0; k < 4; k++) {
    tlw_engine *e = k == 0 ? NULL : engine;
    const tlw_candles *candles = k == 1 ? NULL : &c.candles;
    const tlw_chart_options *options = k == 2 ? NULL : &c.options;
    const tlw_raster *raster = k == 3 ? NULL : &c.images.raster;
    assert_int_equal(tlw_chart_render(e, candles, options, raster, &error), TLW_ERR_ARGUMENT);
    assert_record(&error, TLW_ERR_ARGUMENT);
    assert_int_equal(tlw_chart_render(e, candles, options, raster, NULL), TLW_ERR_ARGUMENT);
  }
  tlw_chart_layout layout;
  assert_int_equal(tlw_chart_layout_of(NULL, &layout, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_chart_layout_of(&c.options, NULL, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  assert_true(guarded_untouched(&c.images));
  call_close(&c);
}

/* After errors of every kind the engine draws as before. */
static void test_engine_survives_errors(void **state) {
  (void)state;
  call c;
  for (size_t i = 0; i < sizeof bad_calls / sizeof bad_calls[0]; i++) {
    call_open(&c);
    bad_calls[i](&c);
    assert_int_equal(render(&c, NULL), TLW_ERR_ARGUMENT);
    call_close(&c);
  }
  call_open(&c);
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  call_close(&c);
}

static void test_what_is_not_needed_may_be_missing(void **state) {
  (void)state;
  call c;
  call_open(&c);
  c.candles.volume = NULL;
  c.candles.time = NULL;
  c.options.volume = 0;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  c.options.lines = NULL;
  c.options.title = c.options.price_name = c.options.volume_name = c.options.time_name = "";
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  c.options.title = c.options.price_name = c.options.volume_name = c.options.time_name = NULL;
  c.options.n_lines = c.candles.n_lines = 0;
  c.candles.lines = NULL;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  c.options.labels = 0;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  call_close(&c);
}

/* Columns of lines are not needed where there are no rows. */
static void test_no_rows_of_lines(void **state) {
  (void)state;
  call c;
  call_open(&c);
  tlw_candles_init(&c.candles);
  assert_int_equal(render(&c, NULL), TLW_OK);
  c.candles.lines = (const void *const *)c.data.lines;
  c.candles.n_lines = c.options.n_lines;
  assert_drawn(&c, 1);
  call_close(&c);
}

/* The longest texts that there may be. */
static void test_long_texts(void **state) {
  (void)state;
  call c;
  call_open(&c);
  char text[TLW_TEXT_MOST + 1];
  memset(text, 'x', TLW_TEXT_MOST);
  text[TLW_TEXT_MOST] = '\0';
  c.options.title = c.options.price_name = c.options.volume_name = c.options.time_name = text;
  c.lines[1].name = text;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  memset(text, 0xe2, TLW_TEXT_MOST);
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  call_close(&c);
}

static void expect_drawable(const char *text, uint32_t missing) {
  uint32_t got = 0x5A5A5A5A;
  assert_int_equal(tlw_text_is_drawable(text, &got), missing == 0);
  assert_int_equal(got, missing == 0 ? 0x5A5A5A5A : missing);
  assert_int_equal(tlw_text_is_drawable(text, NULL), missing == 0);
}

static void test_drawable_texts(void **state) {
  (void)state;
  expect_drawable("", 0);
  expect_drawable("BTC/\xe2\x82\xac 1\xc2\xbd", 0);
  expect_drawable("e\xcc\x81", 0); /* e and an acute */
  expect_drawable("\xe4\xb8\xad", 0x4e2d);
  expect_drawable("abc\xf0\x9f\x98\x80\xe4\xb8\xad", 0x1f600);
  expect_drawable("a\x80", 0xfffd);
  expect_drawable("a\xed\xa0\x80", 0xfffd);    /* a surrogate */
  expect_drawable("a\xc0\xaf", 0xfffd);        /* an overlong form */
  expect_drawable("a\xe2\x82", 0xfffd);        /* cut off */
  expect_drawable("x\xcc\x81", 0x301);         /* x has no acute, */
  expect_drawable("e\xcc\x81\xcc\xb3", 0x333); /* and no e with one is underlined twice */
  expect_drawable("\xe4\xb8\xad\xcc\x81", 0x4e2d);
  assert_int_equal(tlw_text_is_drawable(NULL, NULL), 1);
  rng r = {77};
  const struct tlw_font *const font = tlw_font(TLW_FONT_21);
  int32_t n_missing = 0;
  for (int i = 0; i < 4000; i++) {
    char text[TLW_TEXT_MOST + 1];
    random_text(text, &r);
    const uint32_t missing = text_missing(font, text);
    expect_drawable(text, missing);
    n_missing += missing != 0;
  }
  assert_in_range(n_missing, 1000, 3500);
}

/* Nothing behind the colours is touched. */
static void test_palettes(void **state) {
  (void)state;
  rng r = {78};
  for (int i = 0; i < 1000; i++) {
    columns data;
    extras texts;
    tlw_chart_options o;
    tlw_chart_options_init(&o);
    columns_open(&data, 0);
    extras_open(&texts, &o, &data, &r);
    o.theme = (tlw_theme)rng_below(&r, TLW_THEME_COUNT);
    o.width = rng_between(&r, 100, 300);
    o.height = rng_between(&r, 100, 300);
    if (rng_below(&r, 4) == 0) o.n_lines = 0;
    uint8_t rgb[TLW_COLORS_MOST * 3 + 1], expected[TLW_COLORS_MOST * 3];
    int32_t n_colors = -1;
    memset(rgb, 0x5A, sizeof rgb);
    assert_int_equal(tlw_chart_palette(&o, rgb, &n_colors, NULL), TLW_OK);
    assert_int_equal(n_colors, oracle_n_colors(&o));
    oracle_palette(&o, expected);
    assert_memory_equal(rgb, expected, 3 * (size_t)n_colors);
    for (size_t k = 3 * (size_t)n_colors; k < sizeof rgb; k++) assert_int_equal(rgb[k], 0x5A);
    extras_close(&texts);
    columns_close(&data);
  }
  tlw_chart_options o;
  tlw_error error;
  uint8_t rgb[TLW_COLORS_MOST * 3];
  int32_t n_colors;
  tlw_chart_options_init(&o);
  assert_int_equal(tlw_chart_palette(NULL, rgb, &n_colors, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_chart_palette(&o, NULL, &n_colors, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_chart_palette(&o, rgb, NULL, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
}

static void test_image_stride_of_one_chart(void **state) {
  (void)state;
  const size_t strides[] = {0, 1, SIZE_MAX};
  for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
    call c;
    call_open(&c);
    c.candles.offsets = NULL;
    c.candles.n_series = 1;
    guarded_close(&c.images);
    guarded_open(&c.images, &(guarded_shape){WIDTH, HEIGHT, 1, 3, 0, 16, 16}, 12);
    c.images.raster.image_stride = strides[i];
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_drawn(&c, 1);
    call_close(&c);
  }
}

static void test_decreasing_times(void **state) {
  (void)state;
  for (int64_t row = 1; row < ROWS; row++) {
    call c;
    call_open(&c);
    c.options.axis = TLW_AXIS_TIME;
    c.data.time[row] = c.data.time[row - 1] - 1;
    if (row == 7) {
      /* The first row of another series may be earlier. */
      for (int64_t i = row + 1; i < ROWS; i++) c.data.time[i] = c.data.time[row] + i;
      assert_int_equal(render(&c, NULL), TLW_OK);
      assert_drawn(&c, SERIES);
    } else {
      tlw_error error;
      memset(&error, 0x5A, sizeof error);
      assert_int_equal(render(&c, &error), TLW_ERR_DATA);
      assert_record(&error, TLW_ERR_DATA);
      assert_int_equal(error.row, row);
      assert_int_equal(render(&c, NULL), TLW_ERR_DATA);
      assert_true(guarded_intact(&c.images));
    }
    call_close(&c);
  }
}

/* Rows are counted from the start of the columns, and the first one at fault is told. */
static void test_decreasing_times_of_two(void **state) {
  (void)state;
  call c;
  call_open(&c);
  c.options.axis = TLW_AXIS_TIME;
  c.offsets[0] = 2;
  c.data.time[1] = INT64_MAX; /* belongs to no series */
  c.data.time[5] = INT64_MIN;
  c.data.time[9] = INT64_MIN;
  tlw_error error;
  assert_int_equal(render(&c, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 5);
  c.options.axis = TLW_AXIS_INDEX;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  call_close(&c);
}

/* ---- prices and log scales ---- */

static const char *const price_names[] = {"open", "high", "low", "close"};

static double *price_column(call *c, int k) {
  double *const all[] = {c->data.open, c->data.high, c->data.low, c->data.close};
  return all[k];
}

/* Both calls that look at rows say so. */
static void assert_price_refused(call *c, int64_t row, const char *message) {
  tlw_error error;
  memset(&error, 0x5A, sizeof error);
  assert_int_equal(render(c, &error), TLW_ERR_DATA);
  assert_record(&error, TLW_ERR_DATA);
  assert_int_equal(error.row, row);
  assert_string_equal(error.message, message);
  assert_int_equal(render(c, NULL), TLW_ERR_DATA);
  assert_true(guarded_intact(&c->images));
  memset(&error, 0x5A, sizeof error);
  assert_int_equal(tlw_chart_check(&c->candles, &c->options, &error), TLW_ERR_DATA);
  assert_record(&error, TLW_ERR_DATA);
  assert_int_equal(error.row, row);
  assert_string_equal(error.message, message);
  assert_int_equal(tlw_chart_check(&c->candles, &c->options, NULL), TLW_ERR_DATA);
}

static void expect_price_refused(call *c, int64_t row, const char *price, const char *name) {
  char message[TLW_ERROR_MESSAGE_SIZE];
  snprintf(message, sizeof message, "row %lld: a log scale has no place for the price %s (%s): use the linear scale",
           (long long)row, price, name);
  assert_price_refused(c, row, message);
}

static void test_log_scale_refuses_prices(void **state) {
  (void)state;
  static const struct {
    double price;
    const char *text;
  } prices[] = {{-37.63, "-37.63"},
                {0.0, "0"},
                {-0.0, "-0"},
                {-1e-7, "-1e-07"},
                {-0.1 - 0.2, "-0.30000000000000004"},
                {-0x1p-1074, "-4.94066e-324"},
                {-DBL_MAX, "-1.7976931348623157e+308"}};
  for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
    for (int k = 0; k < 4; k++) {
      const int64_t row = 1 + 3 * (int64_t)k;
      call c;
      call_open(&c);
      c.options.scale = TLW_SCALE_LOG;
      assert_int_equal(render(&c, NULL), TLW_OK);
      assert_drawn(&c, SERIES);
      assert_int_equal(tlw_chart_check(&c.candles, &c.options, NULL), TLW_OK);
      price_column(&c, k)[row] = prices[i].price;
      expect_price_refused(&c, row, prices[i].text, price_names[k]);
      c.options.scale = TLW_SCALE_LINEAR;
      assert_int_equal(render(&c, NULL), TLW_OK);
      assert_drawn(&c, SERIES);
      assert_int_equal(tlw_chart_check(&c.candles, &c.options, NULL), TLW_OK);
      call_close(&c);
    }
  }
}

/* Told are the first row, and of its prices the first; gaps and rows of no series are passed over. */
static void test_log_scale_refuses_the_first(void **state) {
  (void)state;
  call c;
  call_open(&c);
  c.options.scale = TLW_SCALE_LOG;
  c.offsets[0] = 2;
  c.data.low[1] = -1.0;
  c.data.low[3] = -2.0;
  c.data.open[3] = (double)NAN;
  c.data.low[4] = -3.0;
  c.data.close[4] = -(double)INFINITY;
  c.data.volume[5] = -4.0;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  c.data.close[9] = -9.0;
  c.data.low[8] = -8.0;
  c.data.close[8] = -5.0;
  expect_price_refused(&c, 8, "-8", "low");
  call_close(&c);
}

/* Floats and records; the price is what a float has, in as few digits. */
static void test_log_scale_refuses_floats(void **state) {
  (void)state;
  call c;
  call_open(&c);
  c.options.scale = TLW_SCALE_LOG;
  c.candles.n_lines = c.options.n_lines = 0;
  float records[ROWS][5];
  for (int i = 0; i < ROWS; i++) {
    for (int k = 0; k < 4; k++) records[i][k] = (float)price_column(&c, k)[i];
    records[i][4] = (float)c.data.volume[i];
  }
  c.candles.type = TLW_TYPE_F32;
  c.candles.stride = sizeof records[0];
  c.candles.open = &records[0][0];
  c.candles.high = &records[0][1];
  c.candles.low = &records[0][2];
  c.candles.close = &records[0][3];
  c.candles.volume = &records[0][4];
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_drawn(&c, SERIES);
  records[11][3] = 0.0f;
  expect_price_refused(&c, 11, "0", "close");
  records[10][2] = -37.63f;
  expect_price_refused(&c, 10, "-37.63", "low");
  call_close(&c);
}

static void test_log_scale_refuses_in_any_locale(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  bool comma = false;
  for (size_t i = 0; i < sizeof names / sizeof *names && !comma; i++)
    comma = setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0;
  if (!comma) {
    setlocale(LC_ALL, "C");
    print_message("skipped: no locale with a decimal comma is installed\n");
    return;
  }
  call c;
  call_open(&c);
  c.options.scale = TLW_SCALE_LOG;
  c.data.low[2] = -37.63;
  expect_price_refused(&c, 2, "-37.63", "low");
  c.data.low[2] = -1.5e-9;
  expect_price_refused(&c, 2, "-1.5e-09", "low");
  c.data.low[2] = -5.0;
  expect_price_refused(&c, 2, "-5", "low");
  setlocale(LC_ALL, "C");
  call_close(&c);
}

/* What a render would refuse, and nothing else. */
static void test_check(void **state) {
  (void)state;
  call c;
  call_open(&c);
  tlw_error error;
  assert_int_equal(tlw_chart_check(&c.candles, &c.options, &error), TLW_OK);
  c.data.time[5] = c.data.time[4] - 1;
  assert_int_equal(tlw_chart_check(&c.candles, &c.options, &error), TLW_OK);
  c.options.axis = TLW_AXIS_TIME;
  assert_int_equal(tlw_chart_check(&c.candles, &c.options, &error), TLW_ERR_DATA);
  assert_int_equal(error.row, 5);
  c.offsets[1] = c.offsets[2] = 5;
  assert_int_equal(tlw_chart_check(&c.candles, &c.options, &error), TLW_OK);
  c.candles.n_series = 0;
  assert_int_equal(tlw_chart_check(&c.candles, &c.options, &error), TLW_OK);
  c.candles.time = NULL;
  assert_int_equal(tlw_chart_check(&c.candles, &c.options, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_chart_check(NULL, &c.options, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_chart_check(&c.candles, NULL, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  call_close(&c);
}

static void test_no_series(void **state) {
  (void)state;
  call c;
  call_open(&c);
  c.candles.n_series = 0;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_true(guarded_untouched(&c.images));
  c.images.raster.size = 0;
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_true(guarded_untouched(&c.images));
  call_close(&c);
}

static void test_no_rows(void **state) {
  (void)state;
  for (int axis = 0; axis < 2; axis++) {
    call c;
    call_open(&c);
    c.options.axis = (tlw_axis)axis;
    memset(c.offsets, 0, sizeof c.offsets);
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_drawn(&c, SERIES);

    guarded_poison(&c.images);
    for (int i = 0; i <= SERIES; i++) c.offsets[i] = ROWS;
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_drawn(&c, SERIES);

    guarded_poison(&c.images);
    c.candles.offsets = NULL;
    c.candles.n_rows = 0;
    c.candles.n_series = 1;
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_drawn(&c, 1);
    call_close(&c);
  }
}

static void test_inputs_are_not_changed(void **state) {
  (void)state;
  call c;
  call_open(&c);
  uint64_t before = columns_hash(&c.data);
  assert_int_equal(render(&c, NULL), TLW_OK);
  assert_true(columns_hash(&c.data) == before);
  call_close(&c);
}

static void test_second_call_allocates_nothing(void **state) {
  (void)state;
  call c;
  call_open(&c);
  tlw_stats first = {.struct_size = sizeof first};
  tlw_stats second = {.struct_size = sizeof second};
  for (int axis = 0; axis < 2; axis++) {
    c.options.axis = (tlw_axis)axis;
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_int_equal(tlw_engine_stats(engine, &first, NULL), TLW_OK);
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_int_equal(tlw_engine_stats(engine, &second, NULL), TLW_OK);
    assert_int_equal(second.host_bytes.total, first.host_bytes.total);
    assert_int_equal(second.host_bytes.current, first.host_bytes.current);
    assert_int_equal(second.charts, first.charts + SERIES);
    assert_int_equal(second.candles, first.candles + ROWS);
    assert_int_equal(second.pixels, first.pixels + (uint64_t)SERIES * WIDTH * HEIGHT);
  }
  call_close(&c);
}

static void test_layout_is_the_oracles(void **state) {
  (void)state;
  rng r = {2024};
  for (int i = 0; i < 20000; i++) {
    tlw_chart_options o;
    tlw_chart_options_init(&o);
    int32_t most = i % 3 == 0 ? TLW_CHART_MAX_SIDE : 400;
    o.width = rng_between(&r, TLW_CHART_MIN_SIDE, most);
    o.height = rng_between(&r, TLW_CHART_MIN_SIDE, most);
    o.volume = rng_between(&r, 0, 1);
    o.labels = rng_below(&r, 4) != 0;
    o.title = rng_below(&r, 2) ? "x" : rng_below(&r, 2) ? "" : NULL;
    o.price_name = rng_below(&r, 3) ? NULL : "x";
    o.time_name = rng_below(&r, 2) ? NULL : "x";
    o.volume_name = rng_below(&r, 2) ? NULL : "x";
    const tlw_line line = {rng_below(&r, 2) ? "x" : NULL, TLW_COLOR_AUTO};
    o.n_lines = rng_between(&r, 0, 1);
    o.lines = rng_below(&r, 3) ? &line : NULL;
    if (rng_below(&r, 2) == 0) {
      o.margin_left = rng_between(&r, TLW_MARGIN_AUTO, o.width / 3);
      o.margin_right = rng_between(&r, TLW_MARGIN_AUTO, o.width / 3);
      o.margin_top = rng_between(&r, TLW_MARGIN_AUTO, o.height / 3);
      o.margin_bottom = rng_between(&r, TLW_MARGIN_AUTO, o.height / 3);
    }
    tlw_chart_layout got, expected;
    memset(&got, 0x5A, sizeof got);
    assert_int_equal(tlw_chart_layout_of(&o, &got, NULL), TLW_OK);
    oracle_layout(&o, &expected);
    assert_int_equal(got.plot_x, expected.plot_x);
    assert_int_equal(got.plot_width, expected.plot_width);
    assert_int_equal(got.price_y, expected.price_y);
    assert_int_equal(got.price_height, expected.price_height);
    assert_int_equal(got.volume_height, expected.volume_height);
    if (expected.volume_height > 0) assert_int_equal(got.volume_y, expected.volume_y);
  }
}

/* The smallest plot, 1 x 2, is drawn; one less is refused. */
static void test_least_plot(void **state) {
  (void)state;
  for (int volume = 0; volume < 2; volume++) {
    call c;
    call_open(&c);
    c.options.volume = volume;
    c.options.margin_left = 20;
    c.options.margin_right = WIDTH - 21;
    c.options.margin_top = 0;
    c.options.margin_bottom = HEIGHT - 2;
    assert_int_equal(render(&c, NULL), TLW_OK);
    assert_drawn(&c, SERIES);
    c.options.margin_bottom++;
    assert_refused(&c, TLW_ERR_ARGUMENT);
    c.options.margin_bottom--;
    c.options.margin_left++;
    assert_refused(&c, TLW_ERR_ARGUMENT);
    call_close(&c);
  }
}

static void test_themes(void **state) {
  (void)state;
  static const struct {
    tlw_theme theme;
    const char *name, *other;
    uint32_t background, grid, up, down, text;
  } themes[TLW_THEME_COUNT] = {
      {TLW_THEME_CLASSIC, "classic", "Classic", 0x000000, 0x333333, 0x00FF00, 0xFF0000, 0xC8C8C8},
      {TLW_THEME_MODERN, "modern", "MODERN", 0x1E1E1E, 0x424242, 0x26A69A, 0xEF5350, 0xC4C4C4},
      {TLW_THEME_TRADINGVIEW, "tradingview", "TradingView", 0x131722, 0x2A2E39, 0x089981, 0xF23645, 0xB2B5BE},
      {TLW_THEME_LIGHT, "light", "lIGHT", 0xFFFFFF, 0xE0E0E0, 0x26A69A, 0xEF5350, 0x404040},
  };
  for (int i = 0; i < TLW_THEME_COUNT; i++) {
    assert_string_equal(tlw_theme_name(themes[i].theme), themes[i].name);
    tlw_theme found = (tlw_theme)-1;
    assert_int_equal(tlw_theme_find(themes[i].name, &found, NULL), TLW_OK);
    assert_int_equal(found, themes[i].theme);
    found = (tlw_theme)-1;
    assert_int_equal(tlw_theme_find(themes[i].other, &found, NULL), TLW_OK);
    assert_int_equal(found, themes[i].theme);

    uint8_t rgb[TLW_INK_COUNT * 3 + 1];
    memset(rgb, 0x5A, sizeof rgb);
    assert_int_equal(tlw_theme_palette(themes[i].theme, rgb, NULL), TLW_OK);
    uint32_t colours[TLW_INK_COUNT];
    colours[TLW_INK_BACKGROUND] = themes[i].background;
    colours[TLW_INK_GRID] = themes[i].grid;
    colours[TLW_INK_UP] = themes[i].up;
    colours[TLW_INK_DOWN] = themes[i].down;
    colours[TLW_INK_TEXT] = themes[i].text;
    for (int ink = 0; ink < TLW_INK_COUNT; ink++) {
      assert_int_equal((uint32_t)rgb[3 * ink] << 16 | (uint32_t)rgb[3 * ink + 1] << 8 | rgb[3 * ink + 2], colours[ink]);
    }
    assert_int_equal(rgb[TLW_INK_COUNT * 3], 0x5A);
  }
}

static void test_theme_errors(void **state) {
  (void)state;
  const tlw_theme none[] = {(tlw_theme)-1, (tlw_theme)TLW_THEME_COUNT, (tlw_theme)INT32_MAX};
  uint8_t rgb[TLW_INK_COUNT * 3];
  tlw_error error;
  for (int i = 0; i < 3; i++) {
    assert_null(tlw_theme_name(none[i]));
    assert_int_equal(tlw_theme_palette(none[i], rgb, &error), TLW_ERR_ARGUMENT);
    assert_record(&error, TLW_ERR_ARGUMENT);
    assert_int_equal(tlw_theme_palette(none[i], rgb, NULL), TLW_ERR_ARGUMENT);
  }
  assert_int_equal(tlw_theme_palette(TLW_THEME_LIGHT, NULL, &error), TLW_ERR_ARGUMENT);

  const char *const names[] = {"", "dark", "moder", "modern ", "modernn", NULL};
  for (int i = 0; i < 6; i++) {
    tlw_theme theme;
    assert_int_equal(tlw_theme_find(names[i], &theme, NULL), TLW_ERR_ARGUMENT);
    memset(&error, 0x5A, sizeof error);
    assert_int_equal(tlw_theme_find(names[i], &theme, &error), TLW_ERR_ARGUMENT);
    assert_record(&error, TLW_ERR_ARGUMENT);
    if (names[i] == NULL) continue;
    for (int k = 0; k < TLW_THEME_COUNT; k++) assert_non_null(strstr(error.message, tlw_theme_name((tlw_theme)k)));
  }
  assert_int_equal(tlw_theme_find("modern", NULL, &error), TLW_ERR_ARGUMENT);

  /* A name of any length does not overflow the record. */
  char *name = malloc(5000);
  assert_non_null(name);
  memset(name, 'x', 4999);
  name[4999] = '\0';
  tlw_theme theme;
  assert_int_equal(tlw_theme_find(name, &theme, &error), TLW_ERR_ARGUMENT);
  assert_record(&error, TLW_ERR_ARGUMENT);
  free(name);
}

static void test_expand(void **state) {
  (void)state;
  rng r = {5};
  for (int i = 0; i < 400; i++) {
    int32_t width = rng_between(&r, 1, i % 20 == 0 ? 2000 : 70);
    int32_t height = rng_between(&r, 1, 5);
    int32_t n_colors = i % 4 == 0 ? 256 : i % 4 == 1 ? 4 : rng_between(&r, 1, 256);
    tlw_pixel_format format = i % 2 == 0 ? TLW_PIXELS_RGB : TLW_PIXELS_RGBA;
    size_t source_stride = (size_t)width + rng_below(&r, 3);
    size_t source_size = source_stride * (size_t)(height - 1) + (size_t)width;
    uint8_t *source = malloc(source_size);
    uint8_t *rgb = malloc((size_t)n_colors * 3);
    assert_non_null(source);
    assert_non_null(rgb);
    for (size_t k = 0; k < source_size; k++) source[k] = (uint8_t)rng_next(&r);
    for (size_t k = 0; k < (size_t)n_colors * 3; k++) rgb[k] = (uint8_t)(rng_next(&r) & 0x7F);

    guarded g;
    guarded_open(&g, &(guarded_shape){width * (int32_t)format, height, 1, rng_below(&r, 9), 0, rng_below(&r, 64), 8},
                 rng_next(&r));
    assert_int_equal(tlw_raster_expand(source, source_stride, width, height, rgb, n_colors, format, g.raster.pixels,
                                       g.raster.row_stride, NULL),
                     TLW_OK);
    assert_true(guarded_intact(&g));
    for (int32_t y = 0; y < height; y++) {
      for (int32_t x = 0; x < width; x++) {
        uint8_t index = source[(size_t)y * source_stride + (size_t)x];
        const uint8_t *colour = rgb + (index < n_colors ? index : 0) * 3;
        const uint8_t *got = g.raster.pixels + (size_t)y * g.raster.row_stride + (size_t)x * (size_t)format;
        for (int k = 0; k < 3; k++) assert_int_equal(got[k], colour[k]);
        if (format == TLW_PIXELS_RGBA) assert_int_equal(got[3], 255);
      }
    }
    guarded_close(&g);
    free(source);
    free(rgb);
  }
}

typedef struct expansion {
  const uint8_t *source;
  size_t source_stride;
  int32_t width, height;
  const uint8_t *rgb;
  int32_t n_colors;
  tlw_pixel_format format;
  uint8_t *target;
  size_t target_stride;
} expansion;

static void test_expand_errors(void **state) {
  (void)state;
  const uint8_t source[8 * 4] = {0};
  const uint8_t rgb[256 * 3] = {0};
  uint8_t pixels[8 * 4 * 4];
  const expansion right = {source, 8, 8, 4, rgb, 256, TLW_PIXELS_RGBA, pixels, 32};
  expansion bad[13];
  for (int i = 0; i < 13; i++) bad[i] = right;
  bad[1].source = NULL;
  bad[2].source_stride = 7;
  bad[3].width = -1;
  bad[4].height = -1;
  bad[5].rgb = NULL;
  bad[6].n_colors = 0;
  bad[7].n_colors = 257;
  bad[8].n_colors = -1;
  bad[9].format = (tlw_pixel_format)5;
  bad[10].format = (tlw_pixel_format)0;
  bad[11].target = NULL;
  bad[12].target_stride = 31;
  for (int i = 0; i < 13; i++) {
    const expansion *e = &bad[i];
    for (int with = 0; with < 2; with++) {
      memset(pixels, 0x5A, sizeof pixels);
      tlw_error error;
      tlw_status status = tlw_raster_expand(e->source, e->source_stride, e->width, e->height, e->rgb, e->n_colors,
                                            e->format, e->target, e->target_stride, with ? &error : NULL);
      assert_int_equal(status, i == 0 ? TLW_OK : TLW_ERR_ARGUMENT);
      if (i == 0) continue;
      if (with) assert_record(&error, TLW_ERR_ARGUMENT);
      for (size_t k = 0; k < sizeof pixels; k++) assert_int_equal(pixels[k], 0x5A);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_right_call),
      cmocka_unit_test(test_options_defaults),
      cmocka_unit_test(test_candles_defaults),
      cmocka_unit_test(test_option_errors),
      cmocka_unit_test(test_call_errors),
      cmocka_unit_test(test_null_arguments),
      cmocka_unit_test(test_engine_survives_errors),
      cmocka_unit_test(test_what_is_not_needed_may_be_missing),
      cmocka_unit_test(test_no_rows_of_lines),
      cmocka_unit_test(test_long_texts),
      cmocka_unit_test(test_drawable_texts),
      cmocka_unit_test(test_palettes),
      cmocka_unit_test(test_image_stride_of_one_chart),
      cmocka_unit_test(test_decreasing_times),
      cmocka_unit_test(test_decreasing_times_of_two),
      cmocka_unit_test(test_log_scale_refuses_prices),
      cmocka_unit_test(test_log_scale_refuses_the_first),
      cmocka_unit_test(test_log_scale_refuses_floats),
      cmocka_unit_test(test_log_scale_refuses_in_any_locale),
      cmocka_unit_test(test_check),
      cmocka_unit_test(test_no_series),
      cmocka_unit_test(test_no_rows),
      cmocka_unit_test(test_inputs_are_not_changed),
      cmocka_unit_test(test_second_call_allocates_nothing),
      cmocka_unit_test(test_layout_is_the_oracles),
      cmocka_unit_test(test_least_plot),
      cmocka_unit_test(test_themes),
      cmocka_unit_test(test_theme_errors),
      cmocka_unit_test(test_expand),
      cmocka_unit_test(test_expand_errors),
  };
  return cmocka_run_group_tests(tests, open_engine, close_engine);
}
