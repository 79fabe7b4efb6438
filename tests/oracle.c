#include "oracle.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_oracle.h"
#include "label_oracle.h"

typedef unsigned __int128 wide;

/* The candles of a pixel column. */
typedef struct merged_candle {
  bool drawn;
  double open, high, low, close;
  double volume;
  double partial[8];
  int64_t count; /* gaps too */
  int64_t time;  /* of the first */
} merged_candle;

/* Positions along the x axis: candle i lies at position (time or index) u, of the span. */
typedef struct slots {
  const int64_t *time; /* of the first candle of the series; NULL for the index axis */
  unsigned shift;
  wide step, span;
} slots;

typedef struct canvas {
  uint8_t *pixels;
  frame frame;
} canvas;

/* A series as its chart sees it. */
typedef struct scene {
  const tlw_chart_options *options;
  frame frame;
  merged_candle *merged; /* by pixel column of the plot */
  double **values;       /* of each line by pixel column; NaN: a gap */
  bool any;              /* whether a candle is drawn; else the rest means nothing */
  double high, low;      /* HI and LO, as prices */
  double volume;         /* VMAX */
  int32_t last;          /* the rightmost column with a drawn candle */
  int32_t body, wick;
} scene;

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

void oracle_layout(const tlw_chart_options *options, tlw_chart_layout *layout) {
  const frame f = frame_of(options);
  *layout = (tlw_chart_layout){.plot_x = f.x,
                               .plot_width = f.plot_width,
                               .price_y = f.y,
                               .price_height = f.price_height,
                               .volume_y = f.volume_y,
                               .volume_height = f.volume_height};
}

/* Fills columns x0 to x1 and rows y0 to y1, the last ones included. */
static void fill(canvas *to, int32_t x0, int32_t x1, int32_t y0, int32_t y1, uint8_t ink) {
  const frame *const f = &to->frame;
  require(x0 >= f->x && x1 < f->x + f->plot_width, "what is drawn lies within the columns of the plot");
  require(y0 >= f->y && y1 < f->y + f->plot_height, "what is drawn lies within the rows of the plot");
  for (int32_t y = y0; y <= y1; y++) {
    for (int32_t x = x0; x <= x1; x++) to->pixels[(size_t)y * (size_t)f->width + (size_t)x] = ink;
  }
}

/* ---- grid ---- */

static void draw_grid_row(canvas *to, int32_t y) {
  fill(to, to->frame.x, to->frame.x + to->frame.plot_width - 1, y, y, TLW_INK_GRID);
}

static void draw_grid_column(canvas *to, int32_t x) {
  fill(to, x, x, to->frame.y, to->frame.y + to->frame.plot_height - 1, TLW_INK_GRID);
}

static void draw_cell_rows(canvas *to, int32_t first, int32_t rows, int32_t cells) {
  for (int32_t j = 0; cells > 0 && j <= cells; j++) draw_grid_row(to, first + j * (rows - 1) / cells);
}

/* all: NULL without text. */
static void draw_grid(canvas *to, const labels *all) {
  const frame *const f = &to->frame;
  if (all == NULL) {
    draw_cell_rows(to, f->y, f->price_height, least(f->price_height / 48, 8));
    draw_cell_rows(to, f->volume_y, f->volume_height, least(f->volume_height / 32, 2));
  } else {
    for (int32_t i = 0; i < all->n_rows; i++) draw_grid_row(to, all->rows[i]);
  }
  const int32_t cells = all != NULL && all->n_columns > 0 ? 0 : least(f->plot_width / 80, 10);
  for (int32_t j = 0; cells > 0 && j <= cells; j++) draw_grid_column(to, f->x + j * (f->plot_width - 1) / cells);
  for (int32_t i = 0; all != NULL && i < all->n_columns; i++) draw_grid_column(to, all->columns[i]);
}

/* ---- slots and merging ---- */

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

/* high and low as the scale has them */
static int32_t row_of(double price, double high, double low, const frame *f) {
  double range = high / 2 - low / 2;
  if (range == 0.0) return f->y + f->pad + (f->price_rows - 1) / 2;
  double part = (high / 2 - price / 2) / range;
  return f->y + f->pad + round_down(part * (double)(f->price_rows - 1) + 0.5);
}

static uint8_t ink_of(const merged_candle *c) { return c->close >= c->open ? TLW_INK_UP : TLW_INK_DOWN; }

static void draw_candles(canvas *to, const scene *s) {
  const frame *const f = &to->frame;
  const tlw_scale scale = s->options->scale;
  if (!s->any) return;
  const double high = on_scale(s->high, scale), low = on_scale(s->low, scale);
  int32_t drawn_to = -1;
  for (int32_t column = 0; column < f->plot_width; column++) {
    const merged_candle *c = &s->merged[column];
    if (!c->drawn) continue;
    int32_t x = f->x + column;
    int32_t left = x - s->body / 2;
    int32_t right = x + s->body / 2;
    require(left > drawn_to, "candles do not overlap");
    drawn_to = right;

    uint8_t ink = ink_of(c);
    int32_t top = row_of(on_scale(c->high, scale), high, low, f);
    int32_t bottom = row_of(on_scale(c->low, scale), high, low, f);
    fill(to, x - s->wick / 2, x + s->wick / 2, top, bottom, ink);
    int32_t open = row_of(on_scale(c->open, scale), high, low, f);
    int32_t close = row_of(on_scale(c->close, scale), high, low, f);
    fill(to, left, right, least(open, close), greatest(open, close), ink);
    if (f->volume_height > 0 && c->volume > 0.0) {
      int32_t rows = greatest(1, round_down(c->volume / s->volume * (double)f->volume_height + 0.5));
      int32_t below = f->volume_y + f->volume_height;
      fill(to, left, right, below - rows, below - 1, ink);
    }
  }
}

/* ---- lines ---- */

/* In 1 / 256 of a row. */
static int32_t line_row(double value, const scene *s) {
  const frame *const f = &s->frame;
  const tlw_scale scale = s->options->scale;
  const double high = on_scale(s->high, scale), low = on_scale(s->low, scale), at = on_scale(value, scale);
  const int32_t first = (f->y + f->pad) * 256 + 128;
  if (high / 2 - low / 2 == 0.0) {
    const int32_t row = first + (f->price_rows - 1) / 2 * 256, far = 64 * 256 * f->price_height;
    return at > high ? row - far : at < high ? row + far : row;
  }
  const double part = fmax(-64.0, fmin(64.0, (high / 2 - at / 2) / (high / 2 - low / 2)));
  const double rows = part * (f->price_rows - 1) * 256;
  return first + (int32_t)(rows < 0.0 ? ceil(rows - 0.5) : floor(rows + 0.5));
}

/* Adds the rows of 1 / 256 that a sample covers, from top to before end, to the areas of a pixel column. */
static void add_cover(int32_t *areas, const frame *f, int32_t top, int32_t end) {
  top = greatest(top, f->y * 256);
  end = least(end, (f->y + f->price_height) * 256);
  for (int32_t row = top / 256; row * 256 < end; row++)
    areas[row - f->y] += least(end, row * 256 + 256) - greatest(top, row * 256);
}

/* Between the points in columns x0 and x1, rows y0 and y1. */
static void add_segment(int32_t *areas, const frame *f, int32_t x0, int32_t y0, int32_t x1, int32_t y1) {
  const int32_t t = f->thickness / 2;
  const double a = (x1 - x0) * 256, b = y1 - y0, far = t * sqrt(a * a + b * b) / a;
  const int32_t half = far < 0x1p29 ? (int32_t)far : 1 << 29;
  for (int32_t x = x0; x <= x1; x++) {
    for (int32_t i = 0; i < 4; i++) {
      const int64_t d = 8 * (x - x0) + 2 * i - 3;
      if (d < 0 || d > 8 * (x1 - x0)) continue;
      const int32_t y = y0 + (int32_t)((y1 - y0) * d / (8 * (x1 - x0)));
      add_cover(areas + (size_t)x * (size_t)f->price_height, f, greatest(y - half, least(y0, y1) - t),
                least(y + half, greatest(y0, y1) + t));
    }
  }
}

/* Pixel columns that hold no candle are passed over. */
static void add_line(int32_t *areas, const scene *s, const double *values) {
  int32_t before = -1;
  for (int32_t x = 0; x < s->frame.plot_width; x++) {
    if (s->merged[x].count == 0) continue;
    const bool has_point = !isnan(values[x]);
    if (has_point && before >= 0)
      add_segment(areas, &s->frame, before, line_row(values[before], s), x, line_row(values[x], s));
    before = has_point ? x : -1;
  }
}

static void draw_line(canvas *to, const scene *s, int32_t line) {
  const frame *const f = &to->frame;
  const int32_t levels = f->levels, faintest = TLW_INK_LINES + line * levels;
  int32_t *const areas = calloc((size_t)f->plot_width * (size_t)f->price_height, sizeof *areas);
  require(areas != NULL, "there is memory for a line");
  add_line(areas, s, s->values[line]);
  for (int32_t x = 0; x < f->plot_width; x++) {
    for (int32_t y = 0; y < f->price_height; y++) {
      const int32_t area = areas[(size_t)x * (size_t)f->price_height + (size_t)y];
      require(area <= 1024, "a line covers a pixel once");
      uint8_t *const pixel = &to->pixels[(size_t)(f->y + y) * (size_t)f->width + (size_t)(f->x + x)];
      const int32_t level = *pixel == TLW_INK_BACKGROUND ? (area * levels + 512) / 1024 : area >= 512 ? levels : 0;
      if (level > 0) *pixel = (uint8_t)(faintest + level - 1);
    }
  }
  free(areas);
}

/* ---- text ---- */

static void draw_labels(canvas *to, const labels *all) {
  const text_canvas text = {to->pixels, to->frame.width, to->frame.height};
  for (int32_t i = 0; i < all->n_boxes; i++) {
    const label_box *const b = &all->boxes[i];
    for (int32_t y = greatest(b->y, 0); y < least(b->y + b->height, text.height); y++)
      for (int32_t x = greatest(b->x, 0); x < least(b->x + b->width, text.width); x++)
        text.pixels[(size_t)y * (size_t)text.width + (size_t)x] = b->ink;
  }
  for (int32_t i = 0; i < all->n_labels; i++) {
    const label *const l = &all->labels[i];
    text_draw(&text, l->font->tables, label_text(l), l->part, l->x, l->top + (l->font->line + l->font->cap + 1) / 2,
              l->ink);
  }
}

/* ---- columns of the caller ---- */

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

static void merge_all(scene *c, const tlw_candles *candles, int64_t first, int64_t n) {
  const tlw_chart_options *const o = c->options;
  const wide columns = (wide)c->frame.plot_width;
  int64_t *const times = candles->time != NULL ? times_of(candles, first, n) : NULL;
  const slots s = slots_of(o->axis == TLW_AXIS_TIME ? times : NULL, n);
  for (int64_t i = 0; i < n; i++) {
    const int64_t row = first + i;
    const int32_t centre = centre_of(&s, i, columns);
    require(centre >= 0 && centre < c->frame.plot_width, "a centre lies within the plot");
    merged_candle *const into = &c->merged[centre];
    if (times != NULL) into->time = times[i];
    merge(into, value_at(candles, candles->open, row), value_at(candles, candles->high, row),
          value_at(candles, candles->low, row), value_at(candles, candles->close, row),
          o->volume ? value_at(candles, candles->volume, row) : 0.0);
    for (int32_t line = 0; line < o->n_lines; line++) {
      const double value = value_at(candles, candles->lines[line], row);
      if (isfinite(value) && (o->scale == TLW_SCALE_LINEAR || value > 0.0)) c->values[line][centre] = value;
    }
  }
  free(times);
  const wide slot = s.step * columns / s.span;
  c->body = odd(greatest(1, least((int32_t)(4 * slot / 5), c->frame.plot_width / 10)));
  c->wick = odd(greatest(1, c->body / 12));
}

static void find_scale(scene *c) {
  for (int32_t column = 0; column < c->frame.plot_width; column++) {
    merged_candle *const m = &c->merged[column];
    const double *v = m->partial;
    double sum = ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
    m->volume = isinf(sum) ? DBL_MAX : sum;
    if (!m->drawn) continue;
    if (!c->any || m->high > c->high) c->high = m->high;
    if (!c->any || m->low < c->low) c->low = m->low;
    if (m->volume > c->volume) c->volume = m->volume;
    c->any = true;
    c->last = column;
  }
}

static void *allocate(size_t n, size_t size) {
  void *const memory = calloc(n > 0 ? n : 1, size);
  require(memory != NULL, "there is memory for a chart");
  return memory;
}

static scene scene_of(const tlw_candles *candles, int64_t series, const tlw_chart_options *options) {
  scene c = {.options = options, .frame = frame_of(options)};
  const size_t columns = (size_t)c.frame.plot_width;
  c.merged = allocate(columns, sizeof *c.merged);
  c.values = allocate((size_t)options->n_lines, sizeof *c.values);
  for (int32_t line = 0; line < options->n_lines; line++) {
    c.values[line] = allocate(columns, sizeof **c.values);
    for (size_t x = 0; x < columns; x++) c.values[line][x] = (double)NAN;
  }
  const int64_t first = candles->offsets != NULL ? candles->offsets[series] : 0;
  const int64_t n = candles->counts != NULL    ? candles->counts[series]
                    : candles->offsets != NULL ? candles->offsets[series + 1] - first
                                               : candles->n_rows;
  if (n > 0) merge_all(&c, candles, first, n);
  find_scale(&c);
  return c;
}

static void scene_free(scene *c) {
  for (int32_t line = 0; line < c->options->n_lines; line++) free(c->values[line]);
  free(c->values);
  free(c->merged);
}

/* NULL without text. */
static labels *labels_of(const scene *c, const tlw_candles *candles) {
  if (!c->frame.has_text) return NULL;
  int32_t *const columns = allocate((size_t)c->frame.plot_width, sizeof *columns);
  int64_t *const times = allocate((size_t)c->frame.plot_width, sizeof *times);
  label_data data = {.any = c->any, .high = c->high, .low = c->low, .volume = c->volume, .columns = columns};
  bool *const shared = allocate((size_t)c->frame.plot_width, sizeof *shared);
  data.times = candles->time != NULL ? times : NULL;
  data.shared = shared;
  if (c->any) data.close = c->merged[c->last].close;
  if (c->any) data.last_ink = ink_of(&c->merged[c->last]);
  for (int32_t x = 0; x < c->frame.plot_width; x++) {
    if (c->merged[x].count == 0) continue;
    columns[data.n_columns] = x;
    shared[data.n_columns] = c->merged[x].count > 1;
    times[data.n_columns++] = c->merged[x].time;
  }
  labels *const all = labels_oracle(c->options, &data);
  free(columns);
  free(times);
  free(shared);
  return all;
}

labels *oracle_labels(const tlw_candles *candles, int64_t series, const tlw_chart_options *options) {
  scene c = scene_of(candles, series, options);
  labels *const all = labels_of(&c, candles);
  scene_free(&c);
  return all;
}

void oracle_render(const tlw_candles *candles, int64_t series, const tlw_chart_options *options, uint8_t *pixels) {
  scene c = scene_of(candles, series, options);
  canvas to = {.pixels = pixels, .frame = c.frame};
  labels *const all = labels_of(&c, candles);
  memset(pixels, TLW_INK_BACKGROUND, (size_t)options->width * (size_t)options->height);
  if (options->grid) draw_grid(&to, all);
  draw_candles(&to, &c);
  for (int32_t line = 0; c.any && line < options->n_lines; line++) draw_line(&to, &c, line);
  if (all != NULL) draw_labels(&to, all);
  free(all);
  scene_free(&c);
}

/* ---- colours ---- */

int32_t oracle_n_colors(const tlw_chart_options *options) {
  const frame f = frame_of(options);
  return !f.has_text && options->n_lines == 0 ? 4 : TLW_INK_LINES + options->n_lines * f.levels;
}

static int32_t channel_of(uint32_t color, int channel) { return color >> (16 - 8 * channel) & 0xff; }

void oracle_palette(const tlw_chart_options *options, uint8_t *rgb) {
  static const uint32_t themes[TLW_THEME_COUNT][5] = {
      {0x000000, 0x333333, 0x00FF00, 0xFF0000, 0xC8C8C8},
      {0x1E1E1E, 0x424242, 0x26A69A, 0xEF5350, 0xC4C4C4},
      {0x131722, 0x2A2E39, 0x089981, 0xF23645, 0xB2B5BE},
      {0xFFFFFF, 0xE0E0E0, 0x26A69A, 0xEF5350, 0x404040},
  };
  static const uint32_t in_turn[8] = {0x2D8CFF, 0xFF9F1C, 0xB15DFF, 0x00B8D9, 0xFF5DA2, 0x7CB342, 0xD4B106, 0xA1887F};
  const uint32_t *const theme = themes[options->theme];
  const int32_t n = oracle_n_colors(options), levels = frame_of(options).levels;
  for (int32_t ink = 0; ink < n; ink++) {
    const int32_t line = (ink - TLW_INK_LINES) / levels, q = (ink - TLW_INK_LINES) % levels + 1;
    for (int channel = 0; channel < 3; channel++) {
      if (ink < TLW_INK_LINES) {
        rgb[3 * ink + channel] = (uint8_t)channel_of(theme[ink], channel);
        continue;
      }
      const bool automatic = options->lines == NULL || options->lines[line].color == TLW_COLOR_AUTO;
      const uint32_t color = automatic ? in_turn[line % 8] : (uint32_t)options->lines[line].color;
      const int32_t b = channel_of(theme[TLW_INK_BACKGROUND], channel), c = channel_of(color, channel);
      rgb[3 * ink + channel] = (uint8_t)((b * (levels - q) + c * q + levels / 2) / levels);
    }
  }
}
