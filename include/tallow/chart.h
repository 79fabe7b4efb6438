/*
 * Candle charts: candles in the caller's memory, 8-bit indexed pixels in the caller's memory.
 *
 * ## What is drawn
 *
 * All divisions below are of non-negative integers and round down unless another rule is given; floating-point
 * operations are IEEE 754 binary64, each rounded to nearest even, none fused. odd(k) is the greatest odd number that
 * is at most k, for k >= 1. The rules are complete: they decide every pixel.
 *
 * **Text.** A chart has text if options.labels is 1, W >= 160 and H >= 120. Its font is the embedded one with lines of
 * LH = 13 rows if M = min(W, H) is below 300, else 16 if below 720, 21 if below 1440, 28 if below 2000, else 40; CAP
 * is the height of its capitals (7, 9, 12, 16, 24) and DA the advance of its digits (6, 7, 10, 12, 18); the title's
 * font is the next larger one, if there is one, with TLH rows a line. p = LH / 4. A line of text that begins at row t
 * has its baseline, the first row under the capitals, at t + (LH + CAP + 1) / 2, with the height and capitals of its
 * font. A text that is cut to a room is whole where it fits; else it is the longest part, without blanks at its end,
 * that fits with an ellipsis (U+2026) behind it; nothing if not even the ellipsis fits. A combining mark is drawn with
 * its letter where the font has both as one, else it is left out; a character that the font lacks is drawn as a box.
 * host/chart/font.h states both in full.
 *
 * **Plot.** The image is width W, height H, row 0 at the top. A margin that is TLW_MARGIN_AUTO becomes, with m = min(M
 * / 32, 24): left = m; without text the others too; with text
 *   top = max(m, TH + SH + 2 * p) if TH + SH > 0, else m;
 *   right = k * DA + 2 * p, k = 6 if W < 400, else 9 if W < 1440, else 10;
 *   bottom = LH + NH + 2 * p;
 * where TH = TLH if there is a title and H >= 10 * TLH, else 0; SH = LH if there is a price_name or a line with a
 * name, and H >= 10 * LH + TH, else 0; NH = LH if there is a time_name and H >= 16 * LH, else 0. A text that is NULL
 * or empty is not there. The plot is what the margins leave: PW columns by PH rows, at least 1 x 2, from column X and
 * row Y on.
 *
 * **Panels.** With volume, the lowest VH = PH / 5 rows of the plot, at least 1, are the volume panel; above it max(1,
 * PH / 40) rows stay empty if PH is 10 or more, else none; the rest is the price panel, PR rows. Without volume the
 * price panel is the whole plot.
 *
 * **Grid** (where asked for). With text, the rows of the ticks of prices and volumes (below) are lines. Without text,
 * the price panel has n = min(PR / 48, 8) cells: if n > 0, rows j * (PR - 1) / n below its first row are lines, for j
 * = 0..n; and the volume panel likewise with n = min(VH / 32, 2). If there are time labels, their columns (below) are
 * lines; else columns likewise with n = min(PW / 80, 10). Columns are lines over the whole height of the plot, rows
 * over its whole width.
 *
 * **Slots.** Candle i of a series of N has the position u = i, the step D = 1 and the span S = N (TLW_AXIS_INDEX); or
 * (TLW_AXIS_TIME), with t its time, u = (t - t[0]) >> k, D = max(1, d >> k) and S = u[N - 1] + D, where d is the least
 * positive difference of neighbouring times (1 if there is none), and k is the least shift for which ((t[N - 1] -
 * t[0]) >> k) + (d >> k) < 2^46. Its centre is the pixel column (2 * u + D) * PW / (2 * S) of the plot. So centres are
 * spaced evenly to a pixel and fill the plot.
 *
 * **Merging.** All valid candles with the same centre are merged into one: open of the first, close of the last, the
 * highest of all high, the lowest of all low, the sum of the volumes. No candle is ever left out. A candle is valid if
 * its four prices are finite; another is a gap, its volume included. high and low are the greatest and least of the
 * four prices, so that a candle whose open lies above its high is drawn as given. A volume that is NaN, infinite or
 * negative counts as 0. The sum: candle j of the merged ones, counted over all candles of that centre, gaps too (as
 * +0.0), is added to partial sum j mod 8, in order, each from +0.0; the sum is ((0+1)+(2+3))+((4+5)+(6+7)), or the
 * greatest finite number where that overflows.
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
 * with w = 0x1.6a09e667f3bcdp-1, the double nearest to the root of 1/2, let p = 2^k * m where w <= m < 2 * w, f = m -
 * 1, and g be f with the last 27 of its 64 bits set to 0; then
 *   s = f / (f + 2), z = s * s, q = z * (2/3 + z * (2/5 + z * (2/7 + ... + z * (2/19 + z * (2/21))))),
 *   h = g * g * 0.5, e = (f - g) * (f + g) * 0.5, r = s * (h + (e + q)),
 *   a = f - h, b = (f - a) - h, c = k * A + a, d = a - (c - k * A), ln(p) = c + ((b + d) + (k * B + (r - e))),
 * where A = 0x1.62e42fefa38p-1, B = 0x1.ef35793c7673p-45 and a fraction is the double nearest to it.
 *
 * **Ticks.** With text, and if any candle is drawn, prices have the ticks that kernels/core/ticks.h states for the
 * range LO to HI, rows Y + P on, R of them, a distance of max(2 * LH, PR / 9) and the scale; volumes, if VMAX > 0,
 * those of 0 to VMAX, the first row of the volume panel, VH rows and a distance of max(3 * LH / 2, VH / 3). Where a
 * label is wider than RW = right - 2 * p columns, labels of prices are written scientific (all of them); where one is
 * wider still, the distance is doubled, again and again (a distance of the panel's R or VH rows or more is not), and
 * the first ticks that fit so, plain or scientific, are taken; if none do, or RW < 1, the ticks are the first ones,
 * without labels.
 *
 * **Price and volume labels.** The label of a tick in row r is a line of text that begins at row r - LH / 2 and column
 * X + PW + p. It is left out if its LH rows are not all within the panel's label rows or meet the last price. Label
 * rows of prices end above row PE and begin at row p + TH + SH of what is drawn of these, else at row 0; with g the
 * rows between the panels, PE = Y + PR + g / 2, without volume Y + PH. Label rows of volumes begin at row PE and end
 * at the plot's end. A volume_name stands, cut to RW, in the line that begins at row v = Y + PR + g / 2 - LH / 2,
 * column X + PW + p, if RW > 0 and VH >= 3 * LH; label rows of prices then end above v, those of volumes begin at v +
 * LH.
 *
 * **Last price** (options.last_price, with text). C is the close of the rightmost drawn candle. Its label is a line of
 * text from column X + PW + p on; it begins at row r - LH / 2, r being the row of C, moved into the label rows of
 * prices by the fewest rows; without room there it is left out. Behind it is a box of its LH rows, from p / 2 columns
 * before to p / 2 behind the text, in the ink of the candle; the text is in TLW_INK_BACKGROUND. The label is C to 14
 * digits, of which one power of ten lower would have 15 or more (the product as tlk_roughly_scaled of
 * kernels/core/decimal.h, plus 0.5, rounded down), without zeros at their end; where these are more than 8 and C is
 * the same binary32 as if rounded to 7 digits (1e-30 < |C| < 1e30), so rounded; with the decimals that it then needs,
 * as tlk_label_of. If that is wider than RW, scientific; if that is too, both are tried with a digit less, and so on,
 * always rounded from the first digits, halves away from 0, as long as a digit is left; where none fits there is no
 * label.
 *
 * **Time labels.** With text, if candles.time is there and bottom >= LH + 2 * p: those that host/chart/time_ticks.h
 * states, of the pixel columns that hold candles, gaps too, each with the time of its last candle; for the zone of
 * options.zone, the font, a gap of 4 * DA columns, room_left = X, room_right = W - X - PW, at most min(64, W / (6 *
 * DA) + 1) of them. Their line of text begins at row Y + PH + p. The time_name, cut to PW, is a line that begins at
 * row Y + PH + p + LH, from column X + (PW - its width) / 2 on, if NH > 0 and bottom >= 2 * LH + 2 * p.
 *
 * **Title and legend.** The title, cut to W - X - p columns, begins at row p, column X, if TH > 0 and top >= TH + 2 *
 * p. The second line begins at row p + TH (of a title that is drawn), if SH > 0 and top >= p + TH + SH + p. It has the
 * price_name, cut to W / 4 columns, so that it ends at column W - p; and the legend: for each line with a name, in
 * order, a box of CAP columns and max(2, CAP / 4) rows, b, from row (LH - b) / 2 of the line on, in the line's full
 * colour, and its name CAP + CAP / 2 columns right of where the box begins. The first box begins at column X, the next
 * 2 * CAP columns right of the name's end. A name is cut to what is left of column W - p (or, with a price_name, of the
 * column 2 * CAP left of where that begins), if a name follows it less 2 * CAP and the width of an ellipsis. A name
 * that is cut ends the legend; where nothing of it is left, an ellipsis stands in the place of its box, if there is
 * room for that.
 *
 * **Lines.** A point of line i is a pixel column that holds candles, gaps too, with the value that the last of these
 * for which it is finite (on a log scale: and above 0) has in the line's column; a pixel column whose candles all lack
 * such a value is a gap. Neighbouring points without a gap between them are joined. Rows are counted in 1 / 256 from
 * the top of the image: a value v is at (Y + P) * 256 + 128 + z, z being ((HI/2 - v/2) / (HI/2 - LO/2)), no more than
 * 64 and no less than -64, times (R - 1), times 256, plus 0.5 where that is 0 or more, else less 0.5, and then cut to
 * an integer; where HI/2 - LO/2 = 0 it is that of the row of prices, or 64 * 256 * PR less or more, as v equals HI or
 * is above or below it. On a log scale ln(v), ln(HI) and ln(LO) stand in their places. Pixel column x has samples at
 * its column plus (2 * i - 3) / 8, i = 0..3; between the points (x0, y0) and (x1, y1) a sample lies at y = y0 + (y1 -
 * y0) * d / (8 * (x1 - x0)), d being eighths of columns from x0, the quotient rounded towards 0. With T = max(384, M *
 * 256 / 720), t = T / 2 and f = t * sqrt(a * a + b * b) / a, a = (x1 - x0) * 256, b = y1 - y0, a binary64 that is cut
 * to an integer (at most 2^29), it covers the rows from max(y - f, min(y0, y1) - t) to min(y + f, max(y0, y1) + t).
 * The area of a line in a pixel is the sum over the samples of the 1 / 256 rows that it covers there, 0 to 1024. In
 * the price panel, line by line: a pixel that is TLW_INK_BACKGROUND takes level q = (area * L + 512) / 1024 of the
 * line if q > 0; another takes level L if area >= 512. A chart of gaps alone has no lines.
 *
 * **Colours.** Candle, wick and bar are TLW_INK_UP where close >= open, else TLW_INK_DOWN; they lie above the grid
 * (TLW_INK_GRID), which lies above TLW_INK_BACKGROUND; lines lie above candles, in order; text is TLW_INK_TEXT and
 * lies above all. Level q of L of line i is the index TLW_INK_LINES + i * L + q - 1, with L = 4 if all of these are
 * below 256, else 2, else 1. Its colour, by channel, is (b * (L - q) + c * q + L / 2) / L, b being the background's
 * and c the line's, which is by default, in turn, 2D8CFF, FF9F1C, B15DFF, 00B8D9, FF5DA2, 7CB342, D4B106, A1887F. The
 * palette of a chart without text and lines has the first 4 colours alone.
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
#include "tallow/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TLW_CHART_MIN_SIDE 16
#define TLW_CHART_MAX_SIDE 16384

typedef enum tlw_theme {
  TLW_THEME_CLASSIC = 0,     /* 000000, up 00FF00, down FF0000, grid 333333, text C8C8C8 */
  TLW_THEME_MODERN = 1,      /* 1E1E1E, up 26A69A, down EF5350, grid 424242, text C4C4C4 */
  TLW_THEME_TRADINGVIEW = 2, /* 131722, up 089981, down F23645, grid 2A2E39, text B2B5BE */
  TLW_THEME_LIGHT = 3        /* FFFFFF, up 26A69A, down EF5350, grid E0E0E0, text 404040 */
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
typedef enum tlw_ink {
  TLW_INK_BACKGROUND = 0,
  TLW_INK_GRID = 1,
  TLW_INK_UP = 2,
  TLW_INK_DOWN = 3,
  TLW_INK_TEXT = 4,
  TLW_INK_LINES = 5 /* and what follows */
} tlw_ink;
#define TLW_INK_COUNT 5
#define TLW_COLORS_MOST 256

/* A line over the candles: column i of candles.lines is drawn by line i of the options. */
#define TLW_COLOR_AUTO (-1)
typedef struct tlw_line {
  const char *name; /* UTF-8, for the legend; or NULL */
  int32_t color;    /* 0xRRGGBB, or TLW_COLOR_AUTO */
} tlw_line;

#define TLW_LINES_MOST 251

/* Bytes of a text, at most, its end not counted. */
#define TLW_TEXT_MOST 1023

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
  int32_t labels;     /* 1: with text where there is room (default); 0: without any, which changes the grid */
  int32_t last_price; /* 1: with a label for the last price (default); 0: without */
  /*
   * UTF-8, or NULL (default). Bytes that are not UTF-8 are drawn as U+FFFD. What options points to must stay as it is
   * as long as the columns of the candles must; tlw_stream_series says it for chunks.
   */
  const char *title, *price_name, *volume_name, *time_name;
  const tlw_zone *zone;  /* of time labels; NULL: UTC (default) */
  const tlw_line *lines; /* n_lines of them; may be NULL: all of automatic colour and without a name */
  int32_t n_lines;       /* 0 (default) to TLW_LINES_MOST; candles.n_lines must be the same */
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

/*
 * Writes the colours of a chart's pixels, *n_colors of them: those of the theme, and those of the lines.
 * TLW_ERR_ARGUMENT: as for tlw_chart_layout_of. Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_chart_palette(const tlw_chart_options *options, uint8_t rgb[TLW_COLORS_MOST * 3],
                                     int32_t *n_colors, tlw_error *error);

/*
 * Whether the embedded font has all characters of a UTF-8 text, or there is none (NULL). If not, *missing is the first
 * that it lacks, U+FFFD for bytes that are not UTF-8; missing may be NULL. Thread-safety: any thread, any time.
 */
TLW_API int32_t tlw_text_is_drawable(const char *text, uint32_t *missing);

/* Texts that options asks for, as bits. */
typedef enum tlw_chart_text {
  TLW_TEXT_TITLE = 1,
  TLW_TEXT_PRICE_NAME = 2,
  TLW_TEXT_VOLUME_NAME = 4,
  TLW_TEXT_TIME_NAME = 8,
  TLW_TEXT_LEGEND = 16
} tlw_chart_text;

/*
 * Which of the texts that options asks for the chart has no room for, by the rules above: *left_out is the sum of
 * their bits, 0 if none. A title or a name that is cut is there; of a legend every name must be there in full. What
 * options itself leaves out, by labels or volume, was not asked for.
 * TLW_ERR_ARGUMENT: as for tlw_chart_layout_of. Thread-safety: any thread, any time.
 */
TLW_API tlw_status tlw_chart_left_out(const tlw_chart_options *options, uint32_t *left_out, tlw_error *error);

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
