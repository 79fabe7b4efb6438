/*
 * Candle charts: candles in the caller's memory, 8-bit indexed pixels in the caller's memory.
 *
 * ## What is drawn
 *
 * All divisions below are of non-negative integers and round down unless another rule is given; floating-point
 * operations are IEEE 754 binary64, each rounded to nearest even, none fused. odd(k) is the greatest odd number that
 * is at most k, for k >= 1. The rules are complete: they decide every pixel.
 *
 * **Plot.** The image is width W, height H, row 0 at the top. A margin that is TLW_MARGIN_AUTO becomes, with
 * m = min(min(W, H) / 32, 24):
 *   left = top = m;
 *   right = W < 160 ? m : min(max(W / 16, 40), 96), the room for price labels;
 *   bottom = H < 120 ? m : min(max(H / 20, 20), 48), the room for time labels.
 * The plot is what the margins leave: PW columns by PH rows, at least 1 x 2.
 *
 * **Panels.** With volume, the lowest VH = PH / 5 rows of the plot, at least 1, are the volume panel; above it
 * max(1, PH / 40) rows stay empty if PH is 10 or more, else none; the rest is the price panel, PR rows. Without volume
 * the price panel is the whole plot.
 *
 * **Grid** (where asked for). The price panel has n = min(PR / 48, 8) cells: if n > 0, rows j * (PR - 1) / n below
 * its first row are lines, for j = 0..n. The volume panel likewise with n = min(VH / 32, 2). Columns likewise with n
 * = min(PW / 80, 10), over the whole height of the plot; rows are lines over its whole width.
 *
 * **Slots.** Candle i of a series of N has the position u = i, the step D = 1 and the span S = N (TLW_AXIS_INDEX); or
 * (TLW_AXIS_TIME), with t its time, u = (t - t[0]) >> k, D = max(1, d >> k) and S = u[N - 1] + D, where d is the
 * least positive difference of neighbouring times (1 if there is none), and k is the least shift for which ((t[N - 1]
 * - t[0]) >> k) + (d >> k) < 2^46. Its centre is the pixel column (2 * u + D) * PW / (2 * S) of the plot. So centres
 * are spaced evenly to a pixel and fill the plot.
 *
 * **Merging.** All valid candles with the same centre are merged into one: open of the first, close of the last, the
 * highest of all high, the lowest of all low, the sum of the volumes. No candle is ever left out. A candle is valid
 * if its four prices are finite; another is a gap, its volume included. high and low are the greatest and least of
 * the four prices, so that a candle whose open lies above its high is drawn as given. A volume that is NaN, infinite
 * or negative counts as 0. The sum: candle j of the merged ones, counted over all candles of that centre, gaps too
 * (as +0.0), is added to partial sum j mod 8, in order, each from +0.0; the sum is ((0+1)+(2+3))+((4+5)+(6+7)), or
 * the greatest finite number where that overflows.
 *
 * **Widths.** Slot s = D * PW / S. Body b = odd(max(1, min(4 * s / 5, PW / 10))), so there is at least one pixel
 * between bodies where s > 1. Wick w = odd(max(1, b / 12)). Both are centred on the centre column. The bar in the
 * volume panel is as wide as the body.
 *
 * **Rows.** With HI and LO the greatest high and least low of the chart, the pad P = PR / 20 rows and R = PR - 2 * P,
 * a price p is in row P + floor(((HI/2 - p/2) / (HI/2 - LO/2)) * (R - 1) + 0.5) of the price panel, or, where HI/2 -
 * LO/2 = 0, in row P + (R - 1) / 2. On a log scale ln(p), ln(HI) and ln(LO) stand in the place of p, HI and LO. The
 * wick covers the rows of high to low, the body the rows of open and close and all between, so it is never less than
 * one row. With VMAX the greatest merged volume, the bar of a volume v > 0 covers the lowest max(1, floor(v / VMAX *
 * VH + 0.5)) rows of the volume panel.
 *
 * **Logarithms** (TLW_SCALE_LOG). ln(p) is within 1 ulp of the natural logarithm, and never decreases where p grows:
 * with w = 0x1.6a09e667f3bcdp-1, the double nearest to the root of 1/2, let p = 2^k * m where w <= m < 2 * w, f =
 * m - 1, and g be f with the last 27 of its 64 bits set to 0; then
 *   s = f / (f + 2), z = s * s, q = z * (2/3 + z * (2/5 + z * (2/7 + ... + z * (2/19 + z * (2/21))))),
 *   h = g * g * 0.5, e = (f - g) * (f + g) * 0.5, r = s * (h + (e + q)),
 *   a = f - h, b = (f - a) - h, c = k * A + a, d = a - (c - k * A), ln(p) = c + ((b + d) + (k * B + (r - e))),
 * where A = 0x1.62e42fefa38p-1, B = 0x1.ef35793c7673p-45 and a fraction is the double nearest to it.
 *
 * **Colours.** Candle, wick and bar are TLW_INK_UP where close >= open, else TLW_INK_DOWN; they lie above the grid
 * (TLW_INK_GRID), which lies above TLW_INK_BACKGROUND.
 *
 * The pixels are the same on every backend, SIMD tier, thread count, budget and split of a batch.
 */
#ifndef TALLOW_CHART_H
#define TALLOW_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TLW_CHART_MIN_SIDE 16
#define TLW_CHART_MAX_SIDE 16384

typedef enum tlw_theme {
  TLW_THEME_CLASSIC = 0,     /* 000000, up 00FF00, down FF0000, grid 333333 */
  TLW_THEME_MODERN = 1,      /* 1E1E1E, up 26A69A, down EF5350, grid 424242 */
  TLW_THEME_TRADINGVIEW = 2, /* 131722, up 089981, down F23645, grid 2A2E39 */
  TLW_THEME_LIGHT = 3        /* FFFFFF, up 26A69A, down EF5350, grid E0E0E0 */
} tlw_theme;
#define TLW_THEME_COUNT 4

typedef enum tlw_axis {
  TLW_AXIS_INDEX = 0, /* every candle has the same room */
  TLW_AXIS_TIME = 1   /* room in proportion to time; candles.time must not decrease within a series */
} tlw_axis;

typedef enum tlw_scale {
  TLW_SCALE_LINEAR = 0, /* rows in proportion to prices */
  TLW_SCALE_LOG = 1     /* rows in proportion to the logarithms of prices, all of which must be above 0 */
} tlw_scale;

/* Values of the pixels: indices into the palette. */
typedef enum tlw_ink { TLW_INK_BACKGROUND = 0, TLW_INK_GRID = 1, TLW_INK_UP = 2, TLW_INK_DOWN = 3 } tlw_ink;
#define TLW_INK_COUNT 4

#define TLW_MARGIN_AUTO (-1)

typedef struct tlw_chart_options {
  size_t struct_size; /* set by tlw_chart_options_init */
  int32_t width;      /* pixels, TLW_CHART_MIN_SIDE to TLW_CHART_MAX_SIDE; default 1280 */
  int32_t height;     /* likewise; default 720 */
  tlw_theme theme;    /* default TLW_THEME_MODERN; for the palette, the pixels are the same */
  tlw_axis axis;      /* default TLW_AXIS_INDEX */
  tlw_scale scale;    /* of prices; default TLW_SCALE_LINEAR */
  int32_t volume;     /* 1: with volume panel (default), needs candles.volume; 0: without */
  int32_t grid;       /* 1: with grid (default); 0: without */
  int32_t margin_left, margin_top, margin_right, margin_bottom; /* pixels, or TLW_MARGIN_AUTO (default) */
} tlw_chart_options;

/* Sets the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_chart_options_init(tlw_chart_options *options);

/* "classic", "modern", "tradingview" or "light"; NULL for another value. Thread-safety: any thread, any time. */
TLW_API const char *tlw_theme_name(tlw_theme theme);

/*
 * Finds a theme by name, in any case. TLW_ERR_ARGUMENT: no such theme; the message lists them.
 * Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_theme_find(const char *name, tlw_theme *theme, tlw_error *error);

/*
 * Writes the theme's colours as red, green, blue bytes, in the order of tlw_ink. TLW_ERR_ARGUMENT.
 * Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_theme_palette(tlw_theme theme, uint8_t rgb[TLW_INK_COUNT * 3], tlw_error *error);

/* Where things lie, in pixels of the image. Without volume panel, volume_y and volume_height are 0. */
typedef struct tlw_chart_layout {
  int32_t plot_x, plot_width;
  int32_t price_y, price_height;
  int32_t volume_y, volume_height;
} tlw_chart_layout;

/*
 * The layout that options gives: a pure function. TLW_ERR_ARGUMENT: an option is out of range, or the margins leave
 * no room. Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_chart_layout_of(const tlw_chart_options *options, tlw_chart_layout *layout, tlw_error *error);

/*
 * Memory for finished charts. Chart i, row y, column x is pixels[i * image_stride + y * row_stride + x]. Bytes
 * between rows and between images are not touched.
 */
typedef struct tlw_raster {
  uint8_t *pixels;
  size_t size;         /* bytes at pixels; must hold the last pixel of the last chart */
  size_t row_stride;   /* bytes, at least width, at most 2^31 - 1 */
  size_t image_stride; /* bytes, at least (height - 1) * row_stride + width; any for one chart */
} tlw_raster;

/*
 * Draws one chart a series. An empty series, or one of gaps alone, gives an empty grid. No series at all draws
 * nothing; with no rows at all the columns may be NULL.
 *
 * TLW_ERR_ARGUMENT: an argument is out of range or missing; TLW_ERR_DATA: times decrease within a series (row: the
 * one that is earlier than the row before it, counted from the start of the columns), or, with TLW_SCALE_LOG, a valid
 * candle has a price that is not above 0 (row: the first such of the first such series; the message has the price);
 * TLW_ERR_BUDGET: not even one series at a time fits (bytes: what the budget that the message names must be);
 * TLW_ERR_MEMORY; TLW_ERR_DEVICE; TLW_ERR_DEVICE_LOST: the engine can now only be closed. After an error the pixels
 * are unspecified, but nothing outside of them is touched.
 *
 * Thread-safety: any thread; calls on one engine run one after the other. Cost: O(candles + pixels); no memory is
 * allocated by the second call of the same shape.
 */
TLW_API tlw_status tlw_chart_render(tlw_engine *engine, const tlw_candles *candles, const tlw_chart_options *options,
                                    const tlw_raster *raster, tlw_error *error);

/*
 * Whether tlw_chart_render, or a stream that they are pushed to, would take these candles: TLW_ERR_ARGUMENT and
 * TLW_ERR_DATA as there. Every row is looked at where the axis is of time or the scale is log, else none.
 * Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_chart_check(const tlw_candles *candles, const tlw_chart_options *options, tlw_error *error);

typedef enum tlw_pixel_format { TLW_PIXELS_RGB = 3, TLW_PIXELS_RGBA = 4 } tlw_pixel_format; /* bytes a pixel */

/*
 * Expands width x height indexed pixels through a palette of n_colors (1 to 256) red, green, blue triples; alpha is
 * 255. An index beyond the palette becomes colour 0. width and height are 1 or more. Strides are in bytes. source and
 * target must not overlap.
 * TLW_ERR_ARGUMENT. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_raster_expand(const uint8_t *source, size_t source_stride, int32_t width, int32_t height,
                                     const uint8_t *rgb, int32_t n_colors, tlw_pixel_format format, uint8_t *target,
                                     size_t target_stride, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
