/* The oracle against pictures and numbers that were worked out by hand from the rules in tallow/chart.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "label_oracle.h"
#include "oracle.h"

#define MINUTE INT64_C(60000000000)
#define DAY INT64_C(86400000000000)

/* Rows of a picture from top to bottom: . background, + grid, U up, D down, T text, levels of lines 1234 and abcd. */
typedef struct strip {
  int32_t rows;
  const char *text;
} strip;

typedef struct candle {
  double open, high, low, close, volume;
} candle;

#define MAX_CANDLES 64

typedef struct drawing {
  double columns[5][MAX_CANDLES];
  tlw_candles candles;
  tlw_chart_options options;
  uint8_t *pixels;
} drawing;

static void options_of(tlw_chart_options *options, int32_t width, int32_t height, int32_t margin) {
  memset(options, 0, sizeof *options);
  options->struct_size = sizeof *options;
  options->width = width;
  options->height = height;
  options->margin_left = options->margin_top = options->margin_right = options->margin_bottom = margin;
}

/* Without margins, volume and grid. */
static void drawing_open(drawing *d, int32_t width, int32_t height, const candle *candles, int64_t n) {
  memset(d, 0, sizeof *d);
  assert_true(n <= MAX_CANDLES);
  options_of(&d->options, width, height, 0);
  for (int64_t i = 0; i < n; i++) {
    d->columns[0][i] = candles[i].open;
    d->columns[1][i] = candles[i].high;
    d->columns[2][i] = candles[i].low;
    d->columns[3][i] = candles[i].close;
    d->columns[4][i] = candles[i].volume;
  }
  d->candles = (tlw_candles){.struct_size = sizeof d->candles,
                             .open = d->columns[0],
                             .high = d->columns[1],
                             .low = d->columns[2],
                             .close = d->columns[3],
                             .volume = d->columns[4],
                             .n_rows = n,
                             .n_series = 1};
  d->pixels = malloc((size_t)width * (size_t)height);
  assert_non_null(d->pixels);
  memset(d->pixels, 0xA5, (size_t)width * (size_t)height);
}

static char letter_at(const drawing *d, int32_t x, int32_t y) {
  uint8_t ink = d->pixels[(size_t)y * (size_t)d->options.width + (size_t)x];
  return ink < TLW_INK_LINES + 8 ? ".+UDT1234abcd"[ink] : '?';
}

static void expect_picture(drawing *d, const strip *strips, size_t n) {
  oracle_render(&d->candles, 0, &d->options, d->pixels);
  int32_t y = 0;
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(strlen(strips[i].text), d->options.width);
    for (int32_t row = 0; row < strips[i].rows; row++, y++) {
      for (int32_t x = 0; x < d->options.width; x++) {
        if (letter_at(d, x, y) == strips[i].text[x]) continue;
        fail_msg("column %d, row %d is '%c', expected '%c'", x, y, letter_at(d, x, y), strips[i].text[x]);
      }
    }
  }
  assert_int_equal(y, d->options.height);
  free(d->pixels);
}

#define EXPECT(d, ...)                                                                                                 \
  do {                                                                                                                 \
    const strip expected[] = {__VA_ARGS__};                                                                            \
    expect_picture((d), expected, sizeof expected / sizeof expected[0]);                                               \
  } while (0)

/* The rows of a column that have an ink: one run, or first -1 and count 0. */
typedef struct run {
  int32_t first, count;
} run;

static run run_in_column(const drawing *d, int32_t x, int32_t from, int32_t to, char letter) {
  run r = {-1, 0};
  for (int32_t y = from; y < to; y++) {
    if (letter_at(d, x, y) != letter) continue;
    if (r.count == 0) r.first = y;
    assert_int_equal(r.first + r.count, y);
    r.count++;
  }
  return r;
}

static void test_single_up_candle(void **state) {
  (void)state;
  const candle candles[] = {{4, 15, 0, 10, 0}};
  drawing d;
  drawing_open(&d, 16, 16, candles, 1);
  EXPECT(&d, {16, "........U......."});

  drawing_open(&d, 32, 16, candles, 1);
  EXPECT(&d, {5, "................U..............."}, {7, "...............UUU.............."},
         {4, "................U..............."});
}

static void test_doji(void **state) {
  (void)state;
  const candle candles[] = {{8, 15, 0, 8, 0}};
  drawing d;
  drawing_open(&d, 32, 16, candles, 1);
  EXPECT(&d, {7, "................U..............."}, {1, "...............UUU.............."},
         {8, "................U..............."});
}

static void test_gap(void **state) {
  (void)state;
  for (int column = 0; column < 4; column++) {
    for (int kind = 0; kind < 3; kind++) {
      const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
      const candle candles[] = {{0, 15, 0, 15, 7}, {4, 12, 3, 10, 9}, {12, 14, 4, 5, 3}};
      drawing d;
      drawing_open(&d, 48, 21, candles, 3);
      d.columns[column][1] = bad[kind];
      d.options.volume = 1;
      EXPECT(&d, {1, ".......UUU......................................"},
             {2, ".......UUU..............................D......."},
             {8, ".......UUU.............................DDD......"},
             {1, ".......UUU..............................D......."},
             {4, ".......UUU......................................"},
             {1, "................................................"},
             {2, ".......UUU......................................"},
             {2, ".......UUU.............................DDD......"});
    }
  }
}

static void test_two_candles(void **state) {
  (void)state;
  const candle candles[] = {{2, 15, 1, 13, 0}, {14, 14, 0, 5, 0}};
  drawing d;
  drawing_open(&d, 40, 16, candles, 2);
  EXPECT(&d, {1, "..........U............................."}, {1, "..........U..................DDD........"},
         {9, ".........UUU.................DDD........"}, {3, ".........UUU..................D........."},
         {1, "..........U...................D........."}, {1, "..............................D........."});
}

static void test_merge(void **state) {
  (void)state;
  const candle candles[] = {{4, 9, 2, 6, 0}, {6, 15, 5, 3, 0}, {3, 8, 0, 5, 0}, {5, 7, 4, 7, 0}};
  drawing d;
  drawing_open(&d, 16, 16, candles, 4);
  d.options.margin_left = d.options.margin_right = 7;
  EXPECT(&d, {7, ".......D........"}, {7, ".......DU......."}, {2, "........U......."});
}

static void test_merge_passes_over_gaps(void **state) {
  (void)state;
  const double nan = (double)NAN;
  const candle candles[] = {{nan, 99, -99, 9, 9}, {5, 6, 4, 5, 1}, {7, 15, 7, 8, 1}, {2, 3, 0, nan, 9}};
  drawing d;
  drawing_open(&d, 16, 21, candles, 4);
  d.options.margin_left = 8;
  d.options.margin_right = 7;
  d.options.volume = 1;
  /* One column: open 5, close 8, high 15, low 4 of the two valid ones, over all 16 rows of the price panel. */
  EXPECT(&d, {16, "........U......."}, {1, "................"}, {4, "........U......."});
}

static void test_volume_bars(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 100}, {15, 15, 0, 0, 40}};
  drawing d;
  drawing_open(&d, 40, 21, candles, 2);
  d.options.volume = 1;
  EXPECT(&d, {16, ".........UUU.................DDD........"}, {1, "........................................"},
         {2, ".........UUU............................"}, {2, ".........UUU.................DDD........"});
}

/* Height 110: 22 rows of volume, 2 empty rows, 86 rows of prices. One candle in each of 16 columns. */
static void test_volume_heights(void **state) {
  (void)state;
  candle candles[16];
  const double volumes[16] = {
      22,     1,   0.4999, 0,    -5,    (double)NAN, (double)INFINITY, -(double)INFINITY, DBL_MIN / 2,
      1.4999, 1.5, 11,     10.5, 10.49, 21.5,        0x1p-1074};
  const int32_t rows[16] = {22, 1, 1, 0, 0, 0, 0, 0, 1, 1, 2, 11, 11, 10, 22, 1};
  for (int i = 0; i < 16; i++) candles[i] = (candle){1, 1, 1, 1, volumes[i]};
  drawing d;
  drawing_open(&d, 16, 110, candles, 16);
  d.options.volume = 1;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  for (int i = 0; i < 16; i++) {
    run bar = run_in_column(&d, i, 86, 110, 'U');
    assert_int_equal(bar.count, rows[i]);
    if (bar.count > 0) assert_int_equal(bar.first + bar.count, 110);
  }
  free(d.pixels);
}

/* A sum that overflows is the greatest number and fills the panel; 1e308 beside it is 0.56 of it, 2 rows of 4. */
static void test_volume_overflow(void **state) {
  (void)state;
  const candle candles[] = {{1, 1, 1, 1, 1.7e308}, {1, 1, 1, 1, 1.7e308}, {1, 1, 1, 1, 1e308}, {1, 1, 1, 1, 0}};
  drawing d;
  drawing_open(&d, 16, 20, candles, 4);
  d.options.margin_left = d.options.margin_right = 7;
  d.options.volume = 1;
  EXPECT(&d, {7, "................"}, {1, ".......UU......."}, {8, "................"}, {2, ".......U........"},
         {2, ".......UU......."});
}

/*
 * 2^53 and seven times 1: ((2^53 + 1) + (1 + 1)) + ((1 + 1) + (1 + 1)) = 2^53 + 6, from left to right 2^53. Beside
 * 2^54 + 12 that is one half of 5 rows, 2.5, so 3 rows; a smaller sum has 2.
 */
static void test_volume_order(void **state) {
  (void)state;
  candle candles[16];
  for (int i = 0; i < 16; i++) candles[i] = (candle){1, 1, 1, 1, i < 8 ? 1.0 : 0.0};
  candles[0].volume = 0x1p53;
  candles[8].volume = 0x1p54 + 12.0;
  drawing d;
  drawing_open(&d, 16, 25, candles, 16);
  d.options.margin_left = d.options.margin_right = 7;
  d.options.volume = 1;
  EXPECT(&d, {9, "................"}, {1, ".......UU......."}, {10, "................"}, {2, "........U......."},
         {3, ".......UU......."});
}

/* 18 flat candles in two columns, with a volume panel of 5 rows: how many of them the bars of the columns have. */
static void expect_bars(const candle *candles, int32_t left, int32_t right) {
  drawing d;
  drawing_open(&d, 16, 25, candles, 18);
  d.options.margin_left = d.options.margin_right = 7;
  d.options.volume = 1;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  assert_int_equal(run_in_column(&d, 7, 20, 25, 'U').count, left);
  assert_int_equal(run_in_column(&d, 8, 20, 25, 'U').count, right);
  free(d.pixels);
}

static void flat_candles(candle *candles) {
  for (int i = 0; i < 18; i++) candles[i] = (candle){1, 1, 1, 1, 0.0};
}

/* Which partial sum a volume joins is counted within its column, over all candles, gaps too. */
static void test_partial_sums(void **state) {
  (void)state;
  candle candles[18];
  /* A gap, 2^53, 1, 1: (0 + 2^53) + (1 + 1) = 2^53 + 2. Without counting the gap: (2^53 + 1) + 1 = 2^53. */
  flat_candles(candles);
  candles[0].open = (double)NAN;
  candles[1].volume = 0x1p53;
  candles[2].volume = candles[3].volume = 1.0;
  candles[9].volume = 0x1p54 + 4.0;
  expect_bars(candles, 3, 5);

  /* 2^53, 1, 1 in the right column: (2^53 + 1) + 1 = 2^53. Counted from the start of the series: 2^53 + 2. */
  flat_candles(candles);
  candles[0].volume = 0x1p54 + 4.0;
  candles[9].volume = 0x1p53;
  candles[10].volume = candles[11].volume = 1.0;
  expect_bars(candles, 5, 2);

  /* There are 8: 2^53, four candles later 1, then 1, are in three of them: 2^53 + (1 + 1). */
  flat_candles(candles);
  candles[0].volume = 0x1p53;
  candles[4].volume = candles[5].volume = 1.0;
  candles[9].volume = 0x1p54 + 4.0;
  expect_bars(candles, 3, 5);

  /* And no more: the ninth candle's 1 joins 2^53 and is lost. */
  flat_candles(candles);
  candles[0].volume = 0x1p53;
  candles[8].volume = candles[1].volume = 1.0;
  candles[9].volume = 0x1p54 + 4.0;
  expect_bars(candles, 2, 5);
}

/* Beside 10: the volume of a gap does not count, nor does a negative one; the greatest is found wherever it is. */
static void test_volumes_that_count(void **state) {
  (void)state;
  candle candles[18];
  flat_candles(candles);
  candles[0].close = (double)NAN;
  candles[0].volume = 4.0;
  candles[1].volume = 4.0;
  candles[9].volume = 10.0;
  expect_bars(candles, 2, 5);

  flat_candles(candles);
  candles[0].volume = -9.0;
  candles[1].volume = 10.0;
  candles[9].volume = 4.0;
  expect_bars(candles, 5, 2);

  flat_candles(candles);
  candles[0].volume = 0.5;
  candles[9].volume = 1.0;
  expect_bars(candles, 3, 5);
}

static void test_grid(void **state) {
  (void)state;
  char all[81], sides[81];
  memset(all, '+', 80);
  memset(sides, '.', 80);
  all[80] = sides[80] = '\0';
  sides[0] = sides[79] = '+';
  drawing d;
  drawing_open(&d, 80, 48, NULL, 0);
  d.options.grid = 1;
  EXPECT(&d, {1, all}, {46, sides}, {1, all});

  char none[80];
  memset(none, '.', 79);
  none[79] = '\0';
  drawing_open(&d, 79, 47, NULL, 0);
  d.options.grid = 1;
  EXPECT(&d, {47, none});
}

/*
 * 160 x 160 at margins 2, 3, 4, 5: plot 154 x 152; volume 30 rows without lines, 3 empty, 119 price rows with 2
 * cells. 340 x 220 without margins: volume 44 rows from row 176 with one cell, 5 empty, 171 price rows with 3 cells;
 * 4 cells of columns, which also cross the empty rows.
 */
static void test_grid_lines(void **state) {
  (void)state;
  drawing d;
  drawing_open(&d, 160, 160, NULL, 0);
  d.options.grid = d.options.volume = 1;
  d.options.margin_left = 2;
  d.options.margin_top = 3;
  d.options.margin_right = 4;
  d.options.margin_bottom = 5;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  for (int32_t y = 0; y < 160; y++) {
    for (int32_t x = 0; x < 160; x++) {
      bool row = y == 3 || y == 62 || y == 121;
      bool column = x == 2 || x == 155;
      bool line = (row && x >= 2 && x <= 155) || (column && y >= 3 && y <= 154);
      assert_int_equal(letter_at(&d, x, y), line ? '+' : '.');
    }
  }
  free(d.pixels);

  drawing_open(&d, 340, 220, NULL, 0);
  d.options.grid = d.options.volume = 1;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  for (int32_t y = 0; y < 220; y++) {
    for (int32_t x = 0; x < 340; x++) {
      bool row = y == 0 || y == 56 || y == 113 || y == 170 || y == 176 || y == 219;
      bool column = x == 0 || x == 84 || x == 169 || x == 254 || x == 339;
      assert_int_equal(letter_at(&d, x, y), row || column ? '+' : '.');
    }
  }
  free(d.pixels);
}

/* The greatest numbers of cells: 10 columns, 8 price rows, 2 volume rows. */
static void test_grid_most_lines(void **state) {
  (void)state;
  drawing d;
  drawing_open(&d, 1000, 1000, NULL, 0);
  d.options.grid = d.options.volume = 1;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  /* 200 rows of volume from row 800, 25 empty rows, 775 price rows: lines at j * 774 / 8 and 800 + j * 199 / 2. */
  const int32_t rows[] = {0, 96, 193, 290, 387, 483, 580, 677, 774, 800, 899, 999};
  const int32_t columns[] = {0, 99, 199, 299, 399, 499, 599, 699, 799, 899, 999};
  size_t next = 0;
  for (int32_t y = 0; y < 1000; y++) {
    if (letter_at(&d, 1, y) != '+') continue;
    assert_true(next < sizeof rows / sizeof rows[0]);
    assert_int_equal(y, rows[next++]);
  }
  assert_int_equal(next, sizeof rows / sizeof rows[0]);
  next = 0;
  for (int32_t x = 0; x < 1000; x++) {
    if (letter_at(&d, x, 785) != '+') continue;
    assert_true(next < sizeof columns / sizeof columns[0]);
    assert_int_equal(x, columns[next++]);
  }
  assert_int_equal(next, sizeof columns / sizeof columns[0]);
  free(d.pixels);
}

static void test_candles_lie_above_grid(void **state) {
  (void)state;
  const candle candles[] = {{47, 47, 0, 0, 0}};
  drawing d;
  drawing_open(&d, 80, 48, candles, 1);
  d.options.grid = 1;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  /* Height 48: pad 2. Body of 7 columns at 37..43 over rows 2..45; the lines are at rows 0 and 47. */
  for (int32_t x = 36; x <= 44; x++) {
    run body = run_in_column(&d, x, 0, 48, 'D');
    bool inside = x >= 37 && x <= 43;
    assert_int_equal(body.count, inside ? 44 : 0);
    if (inside) assert_int_equal(body.first, 2);
  }
  free(d.pixels);

  const candle edge[] = {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}};
  drawing_open(&d, 160, 160, edge, 2);
  d.options.grid = d.options.volume = 1;
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  /* Volume rows 128..159 with lines at 128 and 159; bars of 15 columns around 40 and 120 over all of them. */
  for (int32_t y = 128; y < 160; y++) {
    for (int32_t x = 1; x < 159; x++) {
      bool bar = (x >= 33 && x <= 47) || (x >= 113 && x <= 127);
      bool line = y == 128 || y == 159 || x == 79;
      assert_int_equal(letter_at(&d, x, y), bar ? 'U' : line ? '+' : '.');
    }
  }
  free(d.pixels);
}

/*
 * Width 400: slot 400, body odd(min(320, 40)) = 39, wick odd(39 / 12) = 3. Height 40: pad 2, 36 rows from row 2 on.
 */
static void test_wide_candle(void **state) {
  (void)state;
  const candle candles[] = {{25, 35, 0, 10, 0}};
  drawing d;
  drawing_open(&d, 400, 40, candles, 1);
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  for (int32_t x = 0; x < 400; x++) {
    run r = run_in_column(&d, x, 0, 40, 'D');
    bool wick = x >= 199 && x <= 201;
    bool body = x >= 181 && x <= 219;
    assert_int_equal(r.count, wick ? 36 : body ? 16 : 0);
    if (r.count > 0) assert_int_equal(r.first, wick ? 2 : 12);
  }
  free(d.pixels);
}

/* One candle as wide as PW / 10 allows: body, and wick of a twelfth of it, both odd. */
static void test_wick_widths(void **state) {
  (void)state;
  const int32_t widths[][3] = {{29, 1, 1},   {30, 3, 1},   {40, 3, 1},   {359, 35, 1}, {369, 35, 1},
                               {370, 37, 3}, {489, 47, 3}, {490, 49, 3}, {599, 59, 3}, {610, 61, 5}};
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
    const candle candles[] = {{0, 15, 0, 7, 0}};
    drawing d;
    drawing_open(&d, widths[i][0], 16, candles, 1);
    oracle_render(&d.candles, 0, &d.options, d.pixels);
    int32_t body = 0;
    int32_t wick = 0;
    for (int32_t x = 0; x < widths[i][0]; x++) {
      body += letter_at(&d, x, 15) == 'U';
      wick += letter_at(&d, x, 0) == 'U';
    }
    assert_int_equal(body, widths[i][1]);
    assert_int_equal(wick, widths[i][2]);
    assert_int_equal(letter_at(&d, widths[i][0] / 2 - body / 2, 15), 'U');
    assert_int_equal(letter_at(&d, widths[i][0] / 2 - wick / 2, 0), 'U');
    free(d.pixels);
  }
}

/* Bodies by slot: the greatest odd width that leaves a pixel. */
static void test_body_widths(void **state) {
  (void)state;
  const int32_t widths[][2] = {{1, 1}, {2, 1}, {3, 1}, {4, 3}, {5, 3}, {6, 3}, {7, 5}, {8, 5}, {9, 7}, {10, 7}};
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
    candle candles[20];
    for (int k = 0; k < 20; k++) candles[k] = (candle){1, 1, 1, 1, 0};
    int32_t slot = widths[i][0];
    drawing d;
    drawing_open(&d, 20 * slot, 16, candles, 20);
    oracle_render(&d.candles, 0, &d.options, d.pixels);
    for (int32_t x = 0; x < 20 * slot; x++) {
      int32_t from_centre = abs(x % slot - slot / 2);
      /* The limit PW / 10 is two slots and never acts. */
      assert_int_equal(letter_at(&d, x, 7), 2 * from_centre < widths[i][1] ? 'U' : '.');
    }
    free(d.pixels);
  }
}

/* Four candles at 0, 1, 2 and 5 steps: centres (2 * u + 1) * 48 / 12 = 4, 12, 20, 44. */
static void test_time_axis(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}, {0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}};
  const int64_t steps[] = {1, 1000, MINUTE, DAY, 7 * DAY};
  const int64_t starts[] = {0, INT64_MIN, -MINUTE, INT64_C(1700000000000000000)};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
      const int64_t time[] = {starts[k], starts[k] + steps[i], starts[k] + 2 * steps[i], starts[k] + 5 * steps[i]};
      drawing d;
      drawing_open(&d, 48, 16, candles, 4);
      d.options.axis = TLW_AXIS_TIME;
      d.candles.time = time;
      EXPECT(&d, {16, "...UUU.....DDD.....UUU.....................DDD.."});
    }
  }
}

/* The same candles on the index axis: centres (2 * i + 1) * 48 / 8 = 6, 18, 30, 42. */
static void test_index_axis(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}, {0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}};
  const int64_t time[] = {0, 1, 2, 5};
  drawing d;
  drawing_open(&d, 48, 16, candles, 4);
  d.candles.time = time;
  EXPECT(&d, {16, ".....UUU.........DDD.........UUU.........DDD...."});
}

static void test_equal_times_merge(void **state) {
  (void)state;
  const candle candles[] = {{15, 15, 3, 3, 0}, {3, 3, 0, 0, 0}, {0, 12, 0, 9, 0}};
  const int64_t equal[] = {DAY, DAY, DAY};
  drawing d;
  drawing_open(&d, 32, 16, candles, 3);
  d.options.axis = TLW_AXIS_TIME;
  d.candles.time = equal;
  /* One candle: open 15, close 9; the rest of the way down to 0 is wick. */
  EXPECT(&d, {7, "...............DDD.............."}, {9, "................D..............."});

  const int64_t pair[] = {0, 4, 4};
  drawing_open(&d, 32, 16, candles, 3);
  d.options.axis = TLW_AXIS_TIME;
  d.candles.time = pair;
  /* d = 4, S = 8: centres (0 + 4) * 32 / 16 = 8 and 24. The second: open 3, close 9, high 12, low 0. */
  EXPECT(&d, {3, ".......DDD......................"}, {3, ".......DDD..............U......."},
         {7, ".......DDD.............UUU......"}, {3, "........................U......."});
}

/*
 * The whole range of int64: 2^64 - 1, with d = 1. k = 18 is the least shift: (2^64 - 1) >> 18 = 2^46 - 1, and 1 >> 18
 * = 0. So D = 1 and S = 2^46. The positions 0, 0, 2^45 and 2^46 - 1 have the centres 0, 0, 16 and 31 of 32 columns.
 */
static void test_extreme_times(void **state) {
  (void)state;
  const candle candles[] = {{15, 15, 10, 10, 0}, {10, 10, 0, 0, 0}, {0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}};
  const int64_t time[] = {INT64_MIN, INT64_MIN + 1, 0, INT64_MAX};
  drawing d;
  drawing_open(&d, 32, 16, candles, 4);
  d.options.axis = TLW_AXIS_TIME;
  d.candles.time = time;
  EXPECT(&d, {16, "D...............U..............D"});
}

/*
 * Where the shift sets in: times 0, 3, t = 2^44 - 1 and the last one, on 32 columns. d = 3.
 * Last 2^46 - 4: with d the sum is 2^46 - 1, so k = 0: (2 * t + 3) * 32 / (2 * (2^46 - 1)) = (2^49 + 16) / (2^46 - 1)
 * = 8. Last 2^46 - 3: the sum is 2^46, so k = 1, u = 2^43 - 1, D = 1, S = 2^45 - 2 + 1: (2^44 - 1) * 32 / (2^46 - 2)
 * = 7.
 */
static void test_first_shift(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 0}, {0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}, {0, 15, 0, 15, 0}};
  for (int64_t sum = 0; sum < 2; sum++) {
    const int64_t time[] = {0, 3, (INT64_C(1) << 44) - 1, (INT64_C(1) << 46) - 4 + sum};
    drawing d;
    drawing_open(&d, 32, 16, candles, 4);
    d.options.axis = TLW_AXIS_TIME;
    d.candles.time = time;
    if (sum == 0) {
      EXPECT(&d, {16, "U.......D......................U"});
    } else {
      EXPECT(&d, {16, "U......D.......................U"});
    }
  }
}

static void test_flat_price(void **state) {
  (void)state;
  const double levels[] = {0.0, -0.0, 1.0, -3.5, 1e-12, 1e12, DBL_MAX, -DBL_MAX, 0x1p-1074};
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    const candle candles[] = {{levels[i], levels[i], levels[i], levels[i], 0}};
    drawing d;
    drawing_open(&d, 32, 16, candles, 1);
    EXPECT(&d, {7, "................................"}, {1, "...............UUU.............."},
           {8, "................................"});
    /* Height 41: pad 2, 37 rows, the middle one is 2 + 18. */
    drawing_open(&d, 16, 41, candles, 1);
    EXPECT(&d, {20, "................"}, {1, "........U......."}, {20, "................"});
  }
}

/* Half of the least denormal rounds to zero, so a range of it is flat; twice of it is not. */
static void test_denormal_prices(void **state) {
  (void)state;
  const candle least[] = {{0, 0x1p-1074, 0, 0x1p-1074, 0}};
  drawing d;
  drawing_open(&d, 16, 16, least, 1);
  EXPECT(&d, {7, "................"}, {1, "........U......."}, {8, "................"});
  const candle twice[] = {{0, 0x1p-1073, 0, 0x1p-1073, 0}};
  drawing_open(&d, 16, 16, twice, 1);
  EXPECT(&d, {16, "........U......."});
}

static void test_huge_prices(void **state) {
  (void)state;
  const candle candles[] = {{DBL_MAX, DBL_MAX, 0, 0, 0}, {0, 0, -DBL_MAX, -DBL_MAX, 0}};
  drawing d;
  drawing_open(&d, 16, 16, candles, 2);
  /* 0 is at 0.5 * 15 + 0.5 = 8. */
  EXPECT(&d, {8, "....D..........."}, {1, "....D.......D..."}, {7, "............D..."});
}

/* Equal ratios have equal heights: of 1 to 1000, or of 15 powers of two, denormal ones too, a third each. */
static void test_log_scale(void **state) {
  (void)state;
  const candle candles[] = {{10, 1000, 1, 100, 0},
                            {0x1p5, 0x1p15, 1, 0x1p10, 0},
                            {0x1p-1069, 0x1p-1059, 0x1p-1074, 0x1p-1064, 0},
                            {0x1p1013, 0x1p1023, 0x1p1008, 0x1p1018, 0}};
  for (size_t i = 0; i < sizeof candles / sizeof candles[0]; i++) {
    drawing d;
    drawing_open(&d, 32, 16, &candles[i], 1);
    d.options.scale = TLW_SCALE_LOG;
    EXPECT(&d, {5, "................U..............."}, {6, "...............UUU.............."},
           {5, "................U..............."});
  }
}

/* Merged first: the column of 8 and 2 reaches from 8 to 2, half of 1 to 16. */
static void test_log_scale_of_merged_candles(void **state) {
  (void)state;
  const candle candles[] = {{8, 8, 8, 8, 0}, {2, 2, 2, 2, 0}, {1, 16, 1, 16, 0}, {16, 16, 1, 16, 0}};
  drawing d;
  drawing_open(&d, 16, 17, candles, 4);
  d.options.scale = TLW_SCALE_LOG;
  d.options.margin_left = d.options.margin_right = 7;
  EXPECT(&d, {4, "........U......."}, {9, ".......DU......."}, {4, "........U......."});
}

/* One price, and two that have the same logarithm. */
static void test_flat_price_on_a_log_scale(void **state) {
  (void)state;
  const double levels[] = {1.0, 3.5, 1e-12, DBL_MAX, 0x1p-1074, 1e300};
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    const double next = levels[i] == 1e300 ? nextafter(1e300, DBL_MAX) : levels[i];
    const candle candles[] = {{levels[i], next, levels[i], next, 0}};
    drawing d;
    drawing_open(&d, 32, 16, candles, 1);
    d.options.scale = TLW_SCALE_LOG;
    EXPECT(&d, {7, "................................"}, {1, "...............UUU.............."},
           {8, "................................"});
  }
}

static void test_prices_as_given(void **state) {
  (void)state;
  /* The open lies above the high, the close below the low; then high and low the wrong way round. */
  const candle candles[] = {{15, 12, 5, 0, 0}, {4, 3, 10, 6, 0}};
  drawing d;
  drawing_open(&d, 40, 16, candles, 2);
  EXPECT(&d, {5, ".........DDD............................"}, {4, ".........DDD..................U........."},
         {3, ".........DDD.................UUU........"}, {1, ".........DDD..................U........."},
         {3, ".........DDD............................"});
}

/* In a column each of the four prices of each candle can be the highest or the lowest. */
static void test_every_price_counts(void **state) {
  (void)state;
  for (int k = 0; k < 16; k++) {
    candle candles[] = {{5, 5, 5, 5, 0}, {5, 5, 5, 5, 0}, {0, 15, 0, 15, 0}, {0, 15, 0, 15, 0}};
    double *prices[] = {&candles[k / 8].open, &candles[k / 8].high, &candles[k / 8].low, &candles[k / 8].close};
    *prices[k % 4] = k % 8 < 4 ? 12.0 : 2.0;
    drawing d;
    drawing_open(&d, 16, 16, candles, 4);
    d.options.margin_left = d.options.margin_right = 7;
    oracle_render(&d.candles, 0, &d.options, d.pixels);
    /* 15 at row 0, 12 at row 3, 5 at row 10, 2 at row 13. */
    int32_t first = k % 8 < 4 ? 3 : 10;
    for (int32_t y = 0; y < 16; y++)
      assert_int_equal(letter_at(&d, 7, y) != '.', y >= first && y <= first + (first == 3 ? 7 : 3));
    free(d.pixels);
  }
}

static void test_empty(void **state) {
  (void)state;
  const candle gap[] = {{1, (double)NAN, 1, 1, 9}};
  for (int64_t n = 0; n < 2; n++) {
    drawing d;
    drawing_open(&d, 16, 16, gap, n);
    d.options.volume = 1;
    EXPECT(&d, {16, "................"});
  }
}

static void test_series_of_a_batch(void **state) {
  (void)state;
  const candle candles[] = {{99, 99, 99, 99, 0}, {0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}, {-99, 99, -99, 99, 0}};
  const int64_t offsets[] = {1, 2, 2, 3};
  drawing d;
  for (int64_t series = 0; series < 3; series++) {
    drawing_open(&d, 16, 16, candles, 4);
    d.candles.offsets = offsets;
    d.candles.n_series = 3;
    oracle_render(&d.candles, series, &d.options, d.pixels);
    for (int32_t y = 0; y < 16; y++) assert_int_equal(letter_at(&d, 8, y), "U.D"[series]);
    free(d.pixels);
  }
}

static void expect_layout(const tlw_chart_options *options, const int32_t *expected) {
  tlw_chart_layout layout;
  oracle_layout(options, &layout);
  assert_int_equal(layout.plot_x, expected[0]);
  assert_int_equal(layout.plot_width, expected[1]);
  assert_int_equal(layout.price_y, expected[2]);
  assert_int_equal(layout.price_height, expected[3]);
  assert_int_equal(layout.volume_y, expected[4]);
  assert_int_equal(layout.volume_height, expected[5]);
}

static void test_layouts(void **state) {
  (void)state;
  /* width, height, margin, volume; x, width; price y, height; volume y, height */
  const int32_t cases[][10] = {
      {16, 16, TLW_MARGIN_AUTO, 1, 0, 16, 0, 12, 13, 3},
      {159, 119, TLW_MARGIN_AUTO, 1, 3, 153, 3, 89, 94, 22},
      {160, 120, TLW_MARGIN_AUTO, 1, 3, 154, 3, 90, 95, 22},
      {800, 600, TLW_MARGIN_AUTO, 1, 18, 764, 18, 438, 470, 112},
      {1920, 1080, TLW_MARGIN_AUTO, 1, 24, 1872, 24, 801, 850, 206},
      {1920, 1080, TLW_MARGIN_AUTO, 0, 24, 1872, 24, 1032, 0, 0},
      {16384, 16384, TLW_MARGIN_AUTO, 1, 24, 16336, 24, 12661, 13093, 3267},
      {16384, 16, TLW_MARGIN_AUTO, 1, 0, 16384, 0, 12, 13, 3},
      {16, 16384, TLW_MARGIN_AUTO, 1, 0, 16, 0, 12699, 13108, 3276},
      {18, 18, 8, 1, 8, 2, 8, 1, 9, 1},
      {25, 25, 8, 1, 8, 9, 8, 8, 16, 1},
      {26, 26, 8, 1, 8, 10, 8, 7, 16, 2},
      {100, 200, 10, 0, 10, 80, 10, 180, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const int32_t *c = cases[i];
    tlw_chart_options options;
    options_of(&options, c[0], c[1], c[2]);
    options.volume = c[3];
    expect_layout(&options, c + 4);
  }
}

/*
 * With text, and all names but those that are 0: of 160 x 120, rows of text are 13 high, p = 3 and a digit is 6 wide,
 * so the margins are 3, 3, 6 * 6 + 6 = 42 and 13 + 6 = 19. Of 800 x 600: 16, 4 and 7, and 21 a row of the title: 18,
 * 21 + 16 + 8 = 45, 9 * 7 + 8 = 71 and 2 * 16 + 8 = 40.
 */
static void test_layouts_with_text(void **state) {
  (void)state;
  /* width, height; title, price_name, time_name; x, width; price y, height; volume y, height */
  const int32_t cases[][11] = {
      {150, 130, 1, 1, 1, 4, 142, 4, 95, 102, 24},          {160, 120, 0, 0, 0, 3, 115, 3, 77, 82, 19},
      {160, 120, 1, 1, 1, 3, 115, 3, 77, 82, 19},           {399, 200, 1, 0, 0, 6, 351, 22, 125, 150, 31},
      {400, 200, 1, 0, 0, 6, 334, 22, 125, 150, 31},        {800, 600, 0, 0, 0, 18, 711, 18, 434, 465, 111},
      {800, 600, 1, 1, 1, 18, 711, 45, 400, 457, 103},      {1920, 1080, 0, 0, 0, 24, 1786, 24, 795, 844, 205},
      {3840, 2160, 0, 0, 0, 24, 3616, 24, 1610, 1685, 415},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const int32_t *c = cases[i];
    tlw_chart_options options;
    options_of(&options, c[0], c[1], TLW_MARGIN_AUTO);
    options.volume = options.labels = 1;
    options.title = c[2] ? "t" : "";
    options.price_name = c[3] ? "p" : NULL;
    options.time_name = c[4] ? "t" : NULL;
    expect_layout(&options, c + 5);
  }
}

/* ---- labels ---- */

static void expect_label(const labels *all, int32_t i, label_kind kind, const char *text, int32_t x, int32_t top) {
  assert_true(i < all->n_labels);
  assert_int_equal(all->labels[i].kind, kind);
  assert_string_equal(label_text(&all->labels[i]), text);
  assert_int_equal(all->labels[i].x, x);
  assert_int_equal(all->labels[i].top, top);
}

/*
 * 160 x 120: 71 rows of prices from 6 on, ticks 26 rows apart or more: 1.0, 1.5 and 2.0 in rows 76, 41 and 6. The
 * last price, 2, takes the place of 2.0; the label of 1.0 would end in row 82, below row 80. Of the volumes, of 19
 * rows, 0 alone has a tick, whose label would end in row 106, below the plot.
 */
static void test_labels(void **state) {
  (void)state;
  const candle candles[] = {{1, 2, 1, 2, 100}};
  drawing d;
  drawing_open(&d, 160, 120, candles, 1);
  free(d.pixels);
  options_of(&d.options, 160, 120, TLW_MARGIN_AUTO);
  d.options.volume = d.options.labels = d.options.last_price = 1;
  labels *all = oracle_labels(&d.candles, 0, &d.options);
  assert_int_equal(all->n_labels, 2);
  expect_label(all, 0, LABEL_LAST_PRICE, "2", 121, 0);
  expect_label(all, 1, LABEL_PRICE, "1.5", 121, 35);
  assert_int_equal(all->labels[0].ink, TLW_INK_BACKGROUND);
  assert_int_equal(all->labels[1].ink, TLW_INK_TEXT);
  assert_int_equal(all->n_boxes, 1);
  const label_box box = {120, 0, 8, 13, TLW_INK_UP};
  assert_memory_equal(&all->boxes[0], &box, offsetof(label_box, ink) + 1);
  assert_int_equal(all->n_columns, 0);
  assert_int_equal(all->n_rows, 4);
  const int32_t rows[] = {76, 41, 6, 100};
  assert_memory_equal(all->rows, rows, sizeof rows);
  free(all);

  /* Without a last price the label of 2.0 is there; with no candle there is none. */
  d.options.last_price = 0;
  all = oracle_labels(&d.candles, 0, &d.options);
  assert_int_equal(all->n_labels, 2);
  expect_label(all, 0, LABEL_PRICE, "1.5", 121, 35);
  expect_label(all, 1, LABEL_PRICE, "2.0", 121, 0);
  free(all);
  d.candles.n_rows = 0;
  all = oracle_labels(&d.candles, 0, &d.options);
  assert_int_equal(all->n_labels + all->n_boxes + all->n_rows + all->n_columns, 0);
  free(all);
  d.options.labels = 0;
  assert_null(oracle_labels(&d.candles, 0, &d.options));
}

/*
 * 800 x 600 with all names: the title at row 4, the second line at 25, names of lines behind boxes of 9 x 2. The
 * price name ends at column 796; the names of volumes and times begin 8 rows above the middle of the 12 rows between
 * the panels, and 4 + 16 rows below the plot. One candle, at noon: its time is at column 18 + 355.
 */
static void test_labels_of_a_large_chart(void **state) {
  (void)state;
  const candle candles[] = {{1, 2, 1, 1, 100}};
  const int64_t time[] = {DAY / 2};
  const double values[] = {1.5};
  const void *columns[] = {values, values};
  const tlw_line lines[] = {{NULL, TLW_COLOR_AUTO}, {"1234", TLW_COLOR_AUTO}};
  drawing d;
  drawing_open(&d, 800, 600, candles, 1);
  free(d.pixels);
  options_of(&d.options, 800, 600, TLW_MARGIN_AUTO);
  d.options.volume = d.options.labels = 1;
  d.options.title = "1";
  d.options.price_name = "22";
  d.options.volume_name = "333";
  d.options.time_name = "4444";
  d.options.lines = lines;
  d.options.n_lines = d.candles.n_lines = 2;
  d.candles.lines = columns;
  d.candles.time = time;
  labels *const all = oracle_labels(&d.candles, 0, &d.options);
  const int32_t n = all->n_labels;
  expect_label(all, 0, LABEL_TITLE, "1", 18, 4);
  expect_label(all, 1, LABEL_PRICE_NAME, "22", 796 - 14, 25);
  expect_label(all, 2, LABEL_LINE_NAME, "1234", 18 + 13, 25);
  assert_int_equal(all->n_boxes, 1);
  const label_box box = {18, 25 + 7, 9, 2, TLW_INK_LINES + 7};
  assert_memory_equal(&all->boxes[0], &box, offsetof(label_box, ink) + 1);
  expect_label(all, n - 2, LABEL_VOLUME_NAME, "333", 733, 45 + 400 + 6 - 8);
  expect_label(all, n - 1, LABEL_TIME_NAME, "4444", 18 + (711 - 28) / 2, 560 + 20);
  const label *const noon = &all->labels[n - 3];
  assert_string_equal(label_text(noon), "1 Jan 1970 12:00");
  assert_int_equal(noon->at, 18 + 355);
  assert_int_equal(noon->x, 18 + 355 - noon->part.width / 2);
  assert_int_equal(noon->top, 564);
  assert_int_equal(all->n_columns, 1);
  free(all);
}

/* ---- lines ---- */

/* Draws candles of 0 to 15 in 16 rows, so that value v is in the middle of row 15 - v, with lines. */
static void open_lines(drawing *d, int32_t width, const candle *candles, int64_t n, const void **columns,
                       int32_t n_lines) {
  drawing_open(d, width, 16, candles, n);
  d->candles.lines = columns;
  d->candles.n_lines = d->options.n_lines = n_lines;
}

/*
 * A line is 1.5 rows thick: of the rows above and below its own it covers a quarter. Half of the columns of its ends
 * belongs to it. Level 1 of 4 begins at an eighth, 2 at three of them; over candles one half counts.
 */
static void test_level_line(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}};
  const double level[] = {7, 7}, on_an_edge[] = {7.5, 7.5};
  const void *columns[] = {level, on_an_edge};
  drawing d;
  open_lines(&d, 16, candles, 2, columns, 1);
  EXPECT(&d, {7, "....U.......D..."}, {1, "....U1111111D..."}, {1, "....444444444..."}, {1, "....U1111111D..."},
         {6, "....U.......D..."});
  /* Between two rows: three quarters of both. */
  open_lines(&d, 16, candles, 2, columns + 1, 1);
  EXPECT(&d, {7, "....U.......D..."}, {2, "....U3333333D..."}, {7, "....U.......D..."});
}

/* Ends of half a column, where there is no candle: a merged column's is at its last value. */
static void test_line_ends(void **state) {
  (void)state;
  const double nan = (double)NAN;
  const candle candles[] = {{0, 15, 0, 15, 0}, {0, nan, 0, 15, 0}, {0, nan, 0, 15, 0}, {0, nan, 0, 15, 0}};
  const double level[] = {nan, 7, 7, nan}, apart[] = {7, nan, 7, nan};
  const void *columns[] = {level, apart};
  drawing d;
  open_lines(&d, 16, candles, 4, columns, 1);
  EXPECT(&d, {7, "..U............."}, {1, "..U...11111....."}, {1, "..U...24442....."}, {1, "..U...11111....."},
         {6, "..U............."});
  open_lines(&d, 16, candles, 4, columns + 1, 1);
  EXPECT(&d, {16, "..U............."});
}

/* Up by a row a column: at each sample the line is 1.5 * sqrt(2) = 2.12 rows high, 271 / 256 both ways. */
static void test_steep_line(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 0}, {15, 15, 0, 0, 0}};
  const double up[] = {4, 12};
  const void *columns[] = {up};
  drawing d;
  open_lines(&d, 16, candles, 2, columns, 1);
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  /*
   * In column 8 the samples lie 96 and 32 above and below the middle of row 7: of row 6 they cover 47, 111, 175, 239.
   */
  assert_int_equal(letter_at(&d, 8, 5), '.');
  assert_int_equal(letter_at(&d, 8, 6), '2');
  assert_int_equal(letter_at(&d, 8, 7), '4');
  assert_int_equal(letter_at(&d, 8, 8), '2');
  assert_int_equal(letter_at(&d, 8, 9), '.');
  free(d.pixels);
}

/*
 * Values beyond the panel are left out, and so is what lies between the panels; the second line lies above the first.
 */
static void test_lines_cross(void **state) {
  (void)state;
  const candle candles[] = {{0, 15, 0, 15, 9}, {15, 15, 0, 0, 9}};
  const double level[] = {7, 7}, other[] = {7, 7}, far[] = {1000, 1000}, huge[] = {DBL_MAX, -DBL_MAX};
  const void *columns[] = {level, other, far};
  const void *steep[] = {huge};
  drawing d;
  open_lines(&d, 16, candles, 2, columns, 3);
  EXPECT(&d, {7, "....U.......D..."}, {1, "....U1111111D..."}, {1, "....ddddddddd..."}, {1, "....U1111111D..."},
         {6, "....U.......D..."});
  /* 64 ranges up and down: within the panel it is upright, at column 8. */
  open_lines(&d, 16, candles, 2, steep, 1);
  oracle_render(&d.candles, 0, &d.options, d.pixels);
  for (int32_t y = 0; y < 16; y++) {
    assert_int_equal(letter_at(&d, 5, y), '.');
    assert_int_equal(letter_at(&d, 8, y), '4');
    assert_int_equal(letter_at(&d, 11, y), '.');
  }
  free(d.pixels);
}

/* Levels by the number of lines, and colours between that of the background and the line's. */
static void test_palette(void **state) {
  (void)state;
  tlw_chart_options o;
  options_of(&o, 100, 100, 0);
  assert_int_equal(oracle_n_colors(&o), 4);
  o.n_lines = 62;
  assert_int_equal(oracle_n_colors(&o), 5 + 4 * 62);
  o.n_lines = 63;
  assert_int_equal(oracle_n_colors(&o), 5 + 2 * 63);
  o.n_lines = 126;
  assert_int_equal(oracle_n_colors(&o), 5 + 126);
  o.n_lines = TLW_LINES_MOST;
  assert_int_equal(oracle_n_colors(&o), 256);
  uint8_t rgb[TLW_COLORS_MOST * 3];
  const tlw_line lines[] = {{NULL, TLW_COLOR_AUTO}, {NULL, 0x0102FF}};
  o.n_lines = 2;
  o.lines = lines;
  oracle_palette(&o, rgb);
  const uint8_t expected[] = {0xC8, 0xC8, 0xC8, 11, 35, 64, 23,  70, 128, 34,  105, 191, 0x2D, 0x8C,
                              0xFF, 0,    1,    64, 1,  1,  128, 1,  2,   191, 1,   2,   255};
  assert_memory_equal(rgb + 3 * TLW_INK_TEXT, expected, sizeof expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_single_up_candle),
      cmocka_unit_test(test_doji),
      cmocka_unit_test(test_gap),
      cmocka_unit_test(test_two_candles),
      cmocka_unit_test(test_merge),
      cmocka_unit_test(test_merge_passes_over_gaps),
      cmocka_unit_test(test_volume_bars),
      cmocka_unit_test(test_volume_heights),
      cmocka_unit_test(test_volume_overflow),
      cmocka_unit_test(test_volume_order),
      cmocka_unit_test(test_partial_sums),
      cmocka_unit_test(test_volumes_that_count),
      cmocka_unit_test(test_grid),
      cmocka_unit_test(test_grid_lines),
      cmocka_unit_test(test_grid_most_lines),
      cmocka_unit_test(test_candles_lie_above_grid),
      cmocka_unit_test(test_wide_candle),
      cmocka_unit_test(test_wick_widths),
      cmocka_unit_test(test_body_widths),
      cmocka_unit_test(test_time_axis),
      cmocka_unit_test(test_index_axis),
      cmocka_unit_test(test_equal_times_merge),
      cmocka_unit_test(test_extreme_times),
      cmocka_unit_test(test_first_shift),
      cmocka_unit_test(test_flat_price),
      cmocka_unit_test(test_denormal_prices),
      cmocka_unit_test(test_huge_prices),
      cmocka_unit_test(test_log_scale),
      cmocka_unit_test(test_log_scale_of_merged_candles),
      cmocka_unit_test(test_flat_price_on_a_log_scale),
      cmocka_unit_test(test_prices_as_given),
      cmocka_unit_test(test_every_price_counts),
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_series_of_a_batch),
      cmocka_unit_test(test_layouts),
      cmocka_unit_test(test_layouts_with_text),
      cmocka_unit_test(test_labels),
      cmocka_unit_test(test_labels_of_a_large_chart),
      cmocka_unit_test(test_level_line),
      cmocka_unit_test(test_line_ends),
      cmocka_unit_test(test_steep_line),
      cmocka_unit_test(test_lines_cross),
      cmocka_unit_test(test_palette),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
