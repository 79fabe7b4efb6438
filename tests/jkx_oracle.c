#include "jkx_oracle.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BARS_MAX 60
#define INK 255

int32_t jkx_oracle_width(int64_t n) { return (int32_t)(3 * n); }
int32_t jkx_oracle_height(int64_t n) { return n == 5 ? 32 : n == 20 ? 64 : 96; }

/* ---- candles ---- */

/* The number of a row of a column; NaN: it is missing. */
static double number_at(const tlw_candles *candles, const void *column, int64_t row) {
  const int64_t size = candles->type == TLW_TYPE_F32 ? 4 : 8;
  const char *place = (const char *)column + row * (candles->stride != 0 ? candles->stride : size);
  double number;
  float narrow;
  if (size == 8) {
    memcpy(&number, place, sizeof number);
  } else {
    memcpy(&narrow, place, sizeof narrow);
    number = (double)narrow;
  }
  return isfinite(number) ? number : (double)NAN;
}

static int64_t first_row(const tlw_candles *candles, int64_t series) {
  return candles->offsets != NULL ? candles->offsets[series] : 0;
}

/* A window's bars. Of averages all are missing where the image has none. */
typedef struct bars {
  int n;
  double open[BARS_MAX], high[BARS_MAX], low[BARS_MAX], close[BARS_MAX], volume[BARS_MAX], average[BARS_MAX];
} bars;

/* Of the closes of n rows up to this. */
static double average_at(const tlw_candles *candles, int64_t row, int n) {
  double sum = 0.0;
  for (int64_t i = row - n + 1; i <= row; i++) {
    const double close = number_at(candles, candles->close, i);
    if (isnan(close)) return (double)NAN;
    sum = sum + close;
  }
  const double average = sum / (double)n;
  return isfinite(average) ? average : (double)NAN;
}

static void read_bars(bars *b, const tlw_candles *candles, int64_t n, tlw_image_window window) {
  const int64_t first = window.last - n + 1; /* row of the series */
  const int64_t begin = first_row(candles, window.series) + first;
  *b = (bars){.n = (int)n};
  for (int i = 0; i < b->n; i++) {
    b->open[i] = number_at(candles, candles->open, begin + i);
    b->high[i] = number_at(candles, candles->high, begin + i);
    b->low[i] = number_at(candles, candles->low, begin + i);
    b->close[i] = number_at(candles, candles->close, begin + i);
    b->volume[i] = candles->volume != NULL ? number_at(candles, candles->volume, begin + i) : (double)NAN;
    b->average[i] = first >= n ? average_at(candles, begin + i, b->n) : (double)NAN;
  }
}

/* ---- an image ---- */

typedef struct image {
  int width, height, volume_rows, price_rows;
  uint8_t *pixels;
  double min, k; /* of prices */
  jkx_oracle_seen *seen;
} image;

static void ink(image *m, int x, int row) {
  if (x < 0 || x >= m->width || row < 0 || row >= m->height) abort();
  m->pixels[row * m->width + x] = INK;
}

/* y counts upwards from the lowest row of the price panel. */
static void ink_price(image *m, int x, int y) {
  if (y < 0 || y >= m->price_rows) abort();
  ink(m, x, m->height - 1 - (m->volume_rows + 1 + y));
}

static bool is_half(double x) { return fabs(x - trunc(x)) == 0.5; }

static int height_of(image *m, double price) {
  const double y = (price - m->min) * m->k;
  if (is_half(y)) m->seen->price_halves++;
  return (int)nearbyint(y);
}

static void widen(double price, double *min, double *max) {
  if (isnan(price)) return;
  if (isnan(*min) || price < *min) *min = price;
  if (isnan(*max) || price > *max) *max = price;
}

static tlw_image_reason set_scale(image *m, const bars *b) {
  double min = (double)NAN, max = (double)NAN;
  for (int i = 0; i < b->n; i++) {
    widen(b->open[i], &min, &max);
    widen(b->high[i], &min, &max);
    widen(b->low[i], &min, &max);
    widen(b->close[i], &min, &max);
    widen(b->average[i], &min, &max);
  }
  if (max == min) return TLW_IMAGE_FLAT;
  m->min = min;
  m->k = (double)(m->price_rows - 1) / (max - min);
  return isfinite(max - min) && isfinite(m->k) ? TLW_IMAGE_DRAWN : TLW_IMAGE_BEYOND;
}

/* ---- the line ---- */

/* All points from one to the next but the last. */
static void draw_piece(image *m, int x0, int y0, int x1, int y1) {
  const int dx = x1 - x0, dy = abs(y1 - y0), up = y1 > y0 ? 1 : -1;
  int x = x0, y = y0;
  if (dx > dy) {
    int e = 2 * dy - dx;
    m->seen->shallow++;
    for (int step = 0; step < dx; step++) {
      ink_price(m, x, y);
      if (e >= 0) {
        y += up;
        e -= 2 * dx;
      }
      e += 2 * dy;
      x += 1;
    }
  } else {
    int e = 2 * dx - dy;
    m->seen->steep++;
    for (int step = 0; step < dy; step++) {
      ink_price(m, x, y);
      if (e >= 0) {
        x += 1;
        e -= 2 * dy;
      }
      e += 2 * dx;
      y += up;
    }
  }
}

static bool has_average(const bars *b, int i) { return i >= 0 && i < b->n && !isnan(b->average[i]); }

static void draw_line(image *m, const bars *b) {
  for (int i = 0; i < b->n; i++) {
    if (!has_average(b, i)) continue;
    const int x = 3 * i + 1, y = height_of(m, b->average[i]);
    m->seen->averages++;
    if (has_average(b, i + 1))
      draw_piece(m, x, y, x + 3, height_of(m, b->average[i + 1]));
    else
      ink_price(m, x, y);
    if (!has_average(b, i - 1) && !has_average(b, i + 1)) m->seen->lone_averages++;
  }
}

/* ---- bars ---- */

static void draw_bar(image *m, const bars *b, int i) {
  const int x = 3 * i + 1;
  if (isnan(b->high[i]) || isnan(b->low[i])) {
    m->seen->blank_bars++;
    return;
  }
  const int low = height_of(m, b->low[i]), high = height_of(m, b->high[i]);
  for (int y = low < high ? low : high; y <= low || y <= high; y++) ink_price(m, x, y);
  if (!isnan(b->open[i])) {
    const int open = height_of(m, b->open[i]);
    ink_price(m, x - 1, open);
    ink_price(m, x, open);
    if ((open > low && open > high) || (open < low && open < high)) m->seen->open_outside++;
  } else {
    m->seen->no_open++;
  }
  if (!isnan(b->close[i]))
    ink_price(m, x + 1, height_of(m, b->close[i]));
  else
    m->seen->no_close++;
}

/* ---- volume ---- */

static void draw_volumes(image *m, const bars *b) {
  double greatest = (double)NAN;
  for (int i = 0; i < b->n; i++)
    if (!isnan(b->volume[i]) && (isnan(greatest) || b->volume[i] > greatest)) greatest = b->volume[i];
  const double s = (double)m->volume_rows / greatest;
  if (isnan(greatest) || greatest <= 0.0 || !isfinite(s)) {
    m->seen->blank_panels++;
    return;
  }
  for (int i = 0; i < b->n; i++) {
    if (isnan(b->volume[i])) continue;
    const double exact = b->volume[i] * s;
    double h = nearbyint(exact);
    if (is_half(exact)) m->seen->volume_halves++;
    if (h < 1.0) {
      m->seen->lifted++;
      h = 1.0;
    }
    if (h > (double)m->volume_rows) abort();
    for (int row = 0; row < (int)h; row++) ink(m, 3 * i + 1, m->height - 1 - row);
  }
}

tlw_image_reason jkx_oracle_draw(const tlw_candles *candles, int64_t n, tlw_image_window window, uint8_t *pixels,
                                 jkx_oracle_seen *seen) {
  jkx_oracle_seen unseen = {0};
  image m = {.width = jkx_oracle_width(n), .height = jkx_oracle_height(n), .pixels = pixels};
  bars b;
  m.volume_rows = m.height / 5;
  m.price_rows = m.height - m.volume_rows - 1;
  m.seen = seen != NULL ? seen : &unseen;
  memset(pixels, 0, (size_t)m.width * (size_t)m.height);
  if (window.last + 1 < n) return TLW_IMAGE_FEW_BARS;
  read_bars(&b, candles, n, window);
  if (isnan(b.close[0]) || b.close[0] == 0.0) return TLW_IMAGE_NO_CLOSE;
  const tlw_image_reason reason = set_scale(&m, &b);
  if (reason != TLW_IMAGE_DRAWN) return reason;
  draw_line(&m, &b);
  for (int i = 0; i < b.n; i++) draw_bar(&m, &b, i);
  draw_volumes(&m, &b);
  return TLW_IMAGE_DRAWN;
}

/* ---- tensors ---- */

/* What a channel of a pixel is. */
static uint8_t byte_of(const uint8_t *rgb, tlw_image_color color, int channel) {
  if (color == TLW_IMAGE_RGB) return rgb[channel];
  return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

static size_t put(void *out, size_t at, tlw_image_type type, uint8_t byte) {
  const float number = (float)byte / 255.0f;
  if (type == TLW_IMAGE_U8) {
    memcpy((char *)out + at, &byte, sizeof byte);
    return at + sizeof byte;
  }
  memcpy((char *)out + at, &number, sizeof number);
  return at + sizeof number;
}

size_t tensor_oracle(const uint8_t *rgb, int32_t width, int32_t height, const tlw_image_options *options, void *out) {
  const int channels = options->color == TLW_IMAGE_RGB ? 3 : 1;
  const int32_t pixels = width * height;
  size_t at = 0;
  if (options->order == TLW_ORDER_NCHW) {
    for (int c = 0; c < channels; c++)
      for (int32_t i = 0; i < pixels; i++)
        at = put(out, at, options->type, byte_of(rgb + (size_t)i * 3, options->color, c));
  } else {
    for (int32_t i = 0; i < pixels; i++)
      for (int c = 0; c < channels; c++)
        at = put(out, at, options->type, byte_of(rgb + (size_t)i * 3, options->color, c));
  }
  return at;
}

size_t tensor_oracle_grey(const uint8_t *pixels, int32_t width, int32_t height, const tlw_image_options *options,
                          void *out) {
  uint8_t rgb[3 * JKX_ORACLE_WIDTH_MAX * JKX_ORACLE_HEIGHT_MAX];
  if (width > JKX_ORACLE_WIDTH_MAX || height > JKX_ORACLE_HEIGHT_MAX) abort();
  for (int32_t i = 0; i < width * height; i++) rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = pixels[i];
  return tensor_oracle(rgb, width, height, options, out);
}
