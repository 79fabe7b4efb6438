#include "oracle.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

typedef struct plot {
  int32_t x, y, width, height;
  int32_t price_y, price_height;
  int32_t volume_y, volume_height;
} plot;

typedef struct merged_candle {
  bool drawn;
  double open, high, low, close;
  double volume;
  double partial[8];
  int64_t count;
} merged_candle;

/* Positions along the x axis: candle i lies at position (time or index) u, of the span. */
typedef struct slots {
  const int64_t *time; /* of the first candle of the series; NULL for the index axis */
  unsigned shift;
  wide step, span;
} slots;

typedef struct canvas {
  uint8_t *pixels;
  int32_t width;
  plot plot;
} canvas;

static void require(bool holds, const char *rule) {
  if (holds) return;
  fprintf(stderr, "oracle: this does not hold: %s\n", rule);
  abort();
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }

static int32_t odd(int32_t k) { return k % 2 == 1 ? k : k - 1; }

/* floor, for values that are known to be non-negative and small */
static int32_t round_down(double value) {
  require(value >= 0.0 && value < 1e9, "a row is not negative and not far away");
  return (int32_t)value;
}

static int32_t margin(int32_t asked, int32_t automatic) { return asked == TLW_MARGIN_AUTO ? automatic : asked; }

static plot plot_of(const tlw_chart_options *options) {
  int32_t w = options->width;
  int32_t h = options->height;
  int32_t m = least(least(w, h) / 32, 24);
  int32_t left = margin(options->margin_left, m);
  int32_t top = margin(options->margin_top, m);
  int32_t right = margin(options->margin_right, w < 160 ? m : least(greatest(w / 16, 40), 96));
  int32_t bottom = margin(options->margin_bottom, h < 120 ? m : least(greatest(h / 20, 20), 48));

  plot p = {.x = left, .y = top, .width = w - left - right, .height = h - top - bottom};
  require(p.width >= 1 && p.height >= 2, "the plot is at least 1 x 2");
  p.price_y = top;
  p.price_height = p.height;
  if (options->volume) {
    p.volume_height = greatest(1, p.height / 5);
    p.volume_y = top + p.height - p.volume_height;
    p.price_height = p.height - p.volume_height - (p.height < 10 ? 0 : greatest(1, p.height / 40));
  }
  return p;
}

void oracle_layout(const tlw_chart_options *options, tlw_chart_layout *layout) {
  plot p = plot_of(options);
  *layout = (tlw_chart_layout){.plot_x = p.x,
                               .plot_width = p.width,
                               .price_y = p.price_y,
                               .price_height = p.price_height,
                               .volume_y = p.volume_y,
                               .volume_height = p.volume_height};
}

/* Fills columns x0 to x1 and rows y0 to y1, the last ones included. */
static void fill(canvas *to, int32_t x0, int32_t x1, int32_t y0, int32_t y1, uint8_t ink) {
  require(x0 >= to->plot.x && x1 < to->plot.x + to->plot.width, "what is drawn lies within the columns of the plot");
  require(y0 >= to->plot.y && y1 < to->plot.y + to->plot.height, "what is drawn lies within the rows of the plot");
  for (int32_t y = y0; y <= y1; y++) {
    for (int32_t x = x0; x <= x1; x++) to->pixels[(size_t)y * (size_t)to->width + (size_t)x] = ink;
  }
}

static void draw_grid_rows(canvas *to, int32_t first, int32_t rows, int32_t cells) {
  for (int32_t j = 0; cells > 0 && j <= cells; j++) {
    int32_t y = first + j * (rows - 1) / cells;
    fill(to, to->plot.x, to->plot.x + to->plot.width - 1, y, y, TLW_INK_GRID);
  }
}

static void draw_grid(canvas *to) {
  const plot *p = &to->plot;
  draw_grid_rows(to, p->price_y, p->price_height, least(p->price_height / 48, 8));
  draw_grid_rows(to, p->volume_y, p->volume_height, least(p->volume_height / 32, 2));
  int32_t cells = least(p->width / 80, 10);
  for (int32_t j = 0; cells > 0 && j <= cells; j++) {
    int32_t x = p->x + j * (p->width - 1) / cells;
    fill(to, x, x, p->y, p->y + p->height - 1, TLW_INK_GRID);
  }
}

static wide time_between(int64_t from, int64_t to) { return (wide)((__int128)to - (__int128)from); }

static slots slots_of(const int64_t *time, int64_t n) {
  if (time == NULL) return (slots){.step = 1, .span = (wide)n};
  wide all = time_between(time[0], time[n - 1]);
  wide step = 0;
  for (int64_t i = 1; i < n; i++) {
    wide difference = time_between(time[i - 1], time[i]);
    if (difference > 0 && (step == 0 || difference < step)) step = difference;
  }
  if (step == 0) step = 1;
  slots s = {.time = time};
  while ((all >> s.shift) + (step >> s.shift) >= (wide)1 << 46) s.shift++;
  s.step = step >> s.shift > 1 ? step >> s.shift : 1;
  s.span = (all >> s.shift) + s.step;
  return s;
}

static int32_t centre_of(const slots *s, int64_t candle, wide columns) {
  wide u = s->time == NULL ? (wide)candle : time_between(s->time[0], s->time[candle]) >> s->shift;
  return (int32_t)((2 * u + s->step) * columns / (2 * s->span));
}

static void merge(merged_candle *into, double open, double high, double low, double close, double volume) {
  bool valid = isfinite(open) && isfinite(high) && isfinite(low) && isfinite(close);
  bool counts = valid && isfinite(volume) && volume > 0.0;
  into->partial[into->count % 8] += counts ? volume : 0.0;
  into->count++;
  if (!valid) return;

  double prices[4] = {open, high, low, close};
  if (!into->drawn) {
    into->drawn = true;
    into->open = open;
    into->high = open;
    into->low = open;
  }
  for (int k = 0; k < 4; k++) {
    if (prices[k] > into->high) into->high = prices[k];
    if (prices[k] < into->low) into->low = prices[k];
  }
  into->close = close;
}

/* Without the last 27 bits. */
static double cut(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = bits >> 27 << 27;
  memcpy(&x, &bits, sizeof x);
  return x;
}

double oracle_ln(double p) {
  const double A = 0x1.62e42fefa38p-1, B = 0x1.ef35793c7673p-45, w = 0x1.6a09e667f3bcdp-1;
  int exponent;
  double m = frexp(p, &exponent);
  if (m < w) {
    m *= 2.0;
    exponent--;
  }
  require(m >= w && m < 2.0 * w, "m lies around 1");
  double k = exponent;
  double f = m - 1.0;
  double g = cut(f);
  double s = f / (f + 2.0);
  double z = s * s;
  double q = z * (2.0 / 21.0);
  for (int n = 19; n >= 3; n -= 2) q = z * (2.0 / n + q);
  double h = g * g * 0.5;
  double e = (f - g) * (f + g) * 0.5;
  double r = s * (h + (e + q));
  double a = f - h;
  double b = (f - a) - h;
  double c = k * A + a;
  double d = a - (c - k * A);
  return c + ((b + d) + (k * B + (r - e)));
}

static double on_scale(double price, tlw_scale scale) {
  if (scale == TLW_SCALE_LINEAR) return price;
  require(price > 0.0, "prices of a log scale are above 0");
  return oracle_ln(price);
}

static int32_t row_of(double price, double high, double low, const plot *p) {
  int32_t pad = p->price_height / 20;
  int32_t rows = p->price_height - 2 * pad;
  double range = high / 2 - low / 2;
  if (range == 0.0) return p->price_y + pad + (rows - 1) / 2;
  double part = (high / 2 - price / 2) / range;
  return p->price_y + pad + round_down(part * (double)(rows - 1) + 0.5);
}

static void draw_candles(canvas *to, const merged_candle *candles, int32_t body, int32_t wick, tlw_scale scale) {
  const plot *p = &to->plot;
  bool any = false;
  double high = 0.0;
  double low = 0.0;
  double most = 0.0;
  for (int32_t column = 0; column < p->width; column++) {
    const merged_candle *c = &candles[column];
    if (!c->drawn) continue;
    if (!any || c->high > high) high = c->high;
    if (!any || c->low < low) low = c->low;
    if (c->volume > most) most = c->volume;
    any = true;
  }
  if (any) {
    high = on_scale(high, scale);
    low = on_scale(low, scale);
  }

  int32_t drawn_to = -1;
  for (int32_t column = 0; column < p->width; column++) {
    const merged_candle *c = &candles[column];
    if (!c->drawn) continue;
    int32_t x = p->x + column;
    int32_t left = x - body / 2;
    int32_t right = x + body / 2;
    require(left > drawn_to, "candles do not overlap");
    drawn_to = right;

    uint8_t ink = c->close >= c->open ? TLW_INK_UP : TLW_INK_DOWN;
    int32_t top = row_of(on_scale(c->high, scale), high, low, p);
    int32_t bottom = row_of(on_scale(c->low, scale), high, low, p);
    fill(to, x - wick / 2, x + wick / 2, top, bottom, ink);
    int32_t open = row_of(on_scale(c->open, scale), high, low, p);
    int32_t close = row_of(on_scale(c->close, scale), high, low, p);
    fill(to, left, right, least(open, close), greatest(open, close), ink);
    if (p->volume_height > 0 && c->volume > 0.0) {
      int32_t rows = greatest(1, round_down(c->volume / most * (double)p->volume_height + 0.5));
      int32_t below = p->volume_y + p->volume_height;
      fill(to, left, right, below - rows, below - 1, ink);
    }
  }
}

static double value_at(const tlw_candles *candles, const void *column, int64_t row) {
  size_t size = candles->type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double);
  const char *at = (const char *)column + (size_t)row * (candles->stride ? (size_t)candles->stride : size);
  float single;
  double value;
  if (candles->type == TLW_TYPE_F64) {
    memcpy(&value, at, sizeof value);
    return value;
  }
  memcpy(&single, at, sizeof single);
  return (double)single;
}

/* The times of n rows from the first on, to be freed. */
static int64_t *times_of(const tlw_candles *candles, int64_t first, int64_t n) {
  size_t stride = candles->time_stride ? (size_t)candles->time_stride : sizeof(int64_t);
  int64_t *times = calloc((size_t)n + 1, sizeof *times);
  require(times != NULL, "there is memory for the times");
  for (int64_t i = 0; i < n; i++)
    memcpy(&times[i], (const char *)candles->time + (size_t)(first + i) * stride, sizeof *times);
  return times;
}

void oracle_render(const tlw_candles *candles, int64_t series, const tlw_chart_options *options, uint8_t *pixels) {
  canvas to = {.pixels = pixels, .width = options->width, .plot = plot_of(options)};
  memset(pixels, TLW_INK_BACKGROUND, (size_t)options->width * (size_t)options->height);
  if (options->grid) draw_grid(&to);

  int64_t first = candles->offsets != NULL ? candles->offsets[series] : 0;
  int64_t n = candles->counts != NULL    ? candles->counts[series]
              : candles->offsets != NULL ? candles->offsets[series + 1] - first
                                         : candles->n_rows;
  if (n == 0) return;

  int32_t columns = to.plot.width;
  merged_candle *merged = calloc((size_t)columns, sizeof *merged);
  require(merged != NULL, "there is memory for the merged candles");
  wide plot_columns = (wide)columns;
  int64_t *times = options->axis == TLW_AXIS_TIME ? times_of(candles, first, n) : NULL;
  slots s = slots_of(times, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t row = first + i;
    int32_t centre = centre_of(&s, i, plot_columns);
    require(centre >= 0 && centre < columns, "a centre lies within the plot");
    merge(&merged[centre], value_at(candles, candles->open, row), value_at(candles, candles->high, row),
          value_at(candles, candles->low, row), value_at(candles, candles->close, row),
          options->volume ? value_at(candles, candles->volume, row) : 0.0);
  }
  free(times);
  for (int32_t column = 0; column < columns; column++) {
    const double *v = merged[column].partial;
    double sum = ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
    merged[column].volume = isinf(sum) ? DBL_MAX : sum;
  }

  wide slot = s.step * plot_columns / s.span;
  int32_t body = odd(greatest(1, least((int32_t)(4 * slot / 5), columns / 10)));
  int32_t wick = odd(greatest(1, body / 12));
  draw_candles(&to, merged, body, wick, options->scale);
  free(merged);
}
