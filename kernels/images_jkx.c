/*
 * JKX images: a lane a bar, as many images a group as make 60 bars. Each bar's three columns of pixels become bits,
 * which are then turned into rows, from which lanes write words of the image one behind the other.
 *
 * Columns lie in bands of 32 rows, from the bottom, a word a column; rows in bands of 32, from the top, a bit a pixel.
 * Strides are such that lanes meet in no bank: behind eight columns a word is left free, behind a band a row.
 */
#include "images_args.h"

#define TLK_JKX_BAND 32 /* rows */
#define TLK_JKX_FIVES (TLK_JKX_BARS / 5)
#define TLK_JKX_KINDS 3 /* of which the greatest is found: -low, high, volume */

/* Eights of columns of an image, and words that a band of them has; of 60 bars these are most, of any group. */
#define TLK_JKX_EIGHTS(bars) (((bars)*TLK_JKX_STEP + 7) / 8)
#define TLK_JKX_COLUMN_WORDS(bars) (TLK_JKX_EIGHTS(bars) * 9)
/* Half words of a row. */
#define TLK_JKX_ROW_HALVES(bars) (((bars)*TLK_JKX_STEP + 15) / 16)
#define TLK_JKX_BANDS_MAX (TLK_JKX_HEIGHT_MAX / TLK_JKX_BAND)

/* What the lanes of a group share. */
typedef struct {
  double closes[2 * TLK_JKX_BARS];
  double most[TLK_JKX_KINDS][TLK_JKX_BARS], most_of_five[TLK_JKX_KINDS][TLK_JKX_FIVES];
  tlk_jkx_scale scales[TLK_JKX_FIVES];
  tlk_i32 averages[TLK_JKX_BARS]; /* heights */
  tlk_u32 columns[TLK_JKX_BANDS_MAX * TLK_JKX_COLUMN_WORDS(TLK_JKX_BARS_MAX)];
  tlk_u16 rows[TLK_JKX_BANDS_MAX * (TLK_JKX_BAND + 1) * TLK_JKX_ROW_HALVES(TLK_JKX_BARS_MAX)];
} tlk_jkx_shared;

/* A lane's bar, `bar` of image `image` of the group; numbers that are not finite are missing. */
typedef struct {
  tlk_u32 image, bar;
  tlk_u32 averages; /* as in tlk_jkx_window */
  double open, high, low, close, volume, average;
} tlk_jkx_lane;

TLK_FN tlk_jkx_lane tlk_jkx_load(tlk_u32 bars, tlk_jkx_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL tlk_jkx_shared *shared) {
  tlk_jkx_lane l;
  l.image = TLK_LANE() / bars;
  l.bar = TLK_LANE() % bars;
  l.averages = 0;
  l.open = l.high = l.low = l.close = l.volume = l.average = TLK_NAN;
  const tlk_u32 number = TLK_GROUP() * (TLK_JKX_BARS / bars) + l.image;
  if (TLK_LANE() >= TLK_JKX_BARS) return l;
  TLK_LOCAL double *closes = shared->closes + 2 * bars * l.image + l.bar;
  if (number < a.n) {
    const tlk_jkx_window window = TLK_AT(const tlk_jkx_window, m, a.windows)[number];
    if (!window.few) {
      const tlk_i64 row = window.begin + l.bar;
      l.averages = window.averages;
      l.open = TLK_AT(const double, m, a.open)[row];
      l.high = TLK_AT(const double, m, a.high)[row];
      l.low = TLK_AT(const double, m, a.low)[row];
      l.close = TLK_AT(const double, m, a.close)[row];
      if (a.has_volume) l.volume = TLK_AT(const double, m, a.volume)[row];
      if (l.averages) closes[0] = TLK_AT(const double, m, a.close)[row - bars];
    }
  }
  closes[bars] = l.close;
  return l;
}

TLK_FN double tlk_jkx_average(tlk_u32 bars, tlk_jkx_lane l, TLK_LOCAL const tlk_jkx_shared *shared) {
  TLK_LOCAL const double *closes = shared->closes + 2 * bars * l.image + l.bar + 1;
  double sum = 0.0;
  if (!l.averages) return TLK_NAN;
  for (tlk_u32 i = 0; i < bars; i++) sum += closes[i];
  return sum / (double)bars;
}

TLK_FN void tlk_jkx_keep_most(tlk_jkx_lane l, TLK_LOCAL tlk_jkx_shared *shared) {
  tlk_jkx_range prices = tlk_jkx_no_range();
  prices = tlk_jkx_widen(prices, l.open);
  prices = tlk_jkx_widen(prices, l.high);
  prices = tlk_jkx_widen(prices, l.low);
  prices = tlk_jkx_widen(prices, l.close);
  prices = tlk_jkx_widen(prices, l.average);
  shared->most[0][TLK_LANE()] = -prices.low;
  shared->most[1][TLK_LANE()] = prices.high;
  shared->most[2][TLK_LANE()] = tlk_jkx_widen(tlk_jkx_no_range(), l.volume).high;
}

TLK_FN double tlk_jkx_most_of(TLK_LOCAL const double *numbers, tlk_u32 count) {
  double most = numbers[0];
  for (tlk_u32 i = 1; i < count; i++) most = tlk_max(most, numbers[i]);
  return most;
}

/* The scale and the reason of each image, by a lane each. */
TLK_FN void tlk_jkx_decide(tlk_u32 bars, tlk_jkx_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL tlk_jkx_shared *shared) {
  const tlk_u32 image = TLK_LANE(), fives = bars / 5, number = TLK_GROUP() * (TLK_JKX_BARS / bars) + image;
  if (image >= TLK_JKX_BARS / bars) return;
  double most[TLK_JKX_KINDS];
  for (tlk_u32 kind = 0; kind < TLK_JKX_KINDS; kind++)
    most[kind] = tlk_jkx_most_of(shared->most_of_five[kind] + image * fives, fives);
  tlk_jkx_scale scale =
      tlk_jkx_scale_of(tlk_jkx_of((tlk_i32)bars), shared->closes[bars * (2 * image + 1)], -most[0], most[1], most[2]);
  if (number < a.n) {
    if (TLK_AT(const tlk_jkx_window, m, a.windows)[number].few) scale.reason = TLK_IMAGE_FEW_BARS;
    m[a.reasons + number] = (tlk_u8)scale.reason;
  }
  shared->scales[image] = scale;
}

/* In rows from the bottom of the image. */
TLK_FN tlk_i32 tlk_jkx_row_of(tlk_jkx jkx, double price, tlk_jkx_scale scale) {
  if (!tlk_finite(price)) return -1;
  return jkx.volume_rows + 1 + tlk_jkx_height(price, scale.low, scale.k);
}

TLK_FN tlk_jkx_bar tlk_jkx_no_bar(void) {
  tlk_jkx_bar bar;
  bar.open = bar.high = bar.low = bar.close = bar.average = -1;
  bar.volume = 0;
  return bar;
}

TLK_FN tlk_jkx_bar tlk_jkx_bar_of(tlk_jkx jkx, tlk_jkx_lane l, tlk_jkx_scale scale) {
  tlk_jkx_bar bar = tlk_jkx_no_bar();
  if (scale.reason != TLK_IMAGE_DRAWN) return bar;
  bar.open = tlk_jkx_row_of(jkx, l.open, scale);
  bar.high = tlk_jkx_row_of(jkx, l.high, scale);
  bar.low = tlk_jkx_row_of(jkx, l.low, scale);
  bar.close = tlk_jkx_row_of(jkx, l.close, scale);
  bar.average = tlk_jkx_row_of(jkx, l.average, scale);
  if (scale.volume_scale != 0.0 && tlk_finite(l.volume)) bar.volume = tlk_jkx_volume(l.volume, scale.volume_scale);
  return bar;
}

TLK_FN void tlk_jkx_keep_columns(tlk_u32 bars, tlk_jkx_lane l, tlk_jkx_bar bar, TLK_LOCAL tlk_jkx_shared *shared) {
  const tlk_u32 bands = (tlk_u32)tlk_jkx_of((tlk_i32)bars).height / TLK_JKX_BAND, words = TLK_JKX_COLUMN_WORDS(bars);
  const tlk_i32 before = l.bar > 0 ? shared->averages[TLK_LANE() - 1] : -1;
  const tlk_i32 next = l.bar + 1 < bars ? shared->averages[TLK_LANE() + 1] : -1;
  for (tlk_i32 side = 0; side < TLK_JKX_STEP; side++) {
    const tlk_jkx_rows rows = tlk_jkx_column(side, before, bar, next);
    const tlk_u32 x = l.bar * TLK_JKX_STEP + (tlk_u32)side;
    TLK_LOCAL tlk_u32 *column = shared->columns + l.image * bands * words + x + x / 8;
    column[0] = (tlk_u32)rows.low;
    if (bands > 1) column[words] = (tlk_u32)(rows.low >> 32);
    if (bands > 2) column[2 * words] = (tlk_u32)rows.high;
  }
}

/* ---- columns to rows ---- */

/* Swaps the bits of a that stand `shift` above those of the mask with those of b in the mask. */
#define TLK_JKX_SWAP(a, b, shift, mask)                                                                                \
  do {                                                                                                                 \
    const tlk_u32 differing = ((a) >> (shift) ^ (b)) & (mask);                                                         \
    (b) ^= differing;                                                                                                  \
    (a) ^= differing << (shift);                                                                                       \
  } while (0)

/* Eight columns of a band, which become 32 rows of eight pixels. `top`: a byte of the uppermost one. */
TLK_FN void tlk_jkx_turn(TLK_LOCAL const tlk_u32 *columns, tlk_u32 count, TLK_LOCAL tlk_u8 *top, tlk_u32 row_size) {
  tlk_u32 c0 = columns[0], c1 = columns[1], c2 = columns[2], c3 = columns[3];
  tlk_u32 c4 = count > 4 ? columns[4] : 0, c5 = count > 4 ? columns[5] : 0, c6 = count > 4 ? columns[6] : 0;
  tlk_u32 c7 = count > 7 ? columns[7] : 0;
  TLK_JKX_SWAP(c0, c4, 4, 0x0f0f0f0fu);
  TLK_JKX_SWAP(c1, c5, 4, 0x0f0f0f0fu);
  TLK_JKX_SWAP(c2, c6, 4, 0x0f0f0f0fu);
  TLK_JKX_SWAP(c3, c7, 4, 0x0f0f0f0fu);
  TLK_JKX_SWAP(c0, c2, 2, 0x33333333u);
  TLK_JKX_SWAP(c1, c3, 2, 0x33333333u);
  TLK_JKX_SWAP(c4, c6, 2, 0x33333333u);
  TLK_JKX_SWAP(c5, c7, 2, 0x33333333u);
  TLK_JKX_SWAP(c0, c1, 1, 0x55555555u);
  TLK_JKX_SWAP(c2, c3, 1, 0x55555555u);
  TLK_JKX_SWAP(c4, c5, 1, 0x55555555u);
  TLK_JKX_SWAP(c6, c7, 1, 0x55555555u);
  for (tlk_u32 i = 0; i < 4; i++) {
    TLK_LOCAL tlk_u8 *row = top + (TLK_JKX_BAND - 8 - 8 * i) * row_size;
    row[7 * row_size] = (tlk_u8)(c0 >> 8 * i);
    row[6 * row_size] = (tlk_u8)(c1 >> 8 * i);
    row[5 * row_size] = (tlk_u8)(c2 >> 8 * i);
    row[4 * row_size] = (tlk_u8)(c3 >> 8 * i);
    row[3 * row_size] = (tlk_u8)(c4 >> 8 * i);
    row[2 * row_size] = (tlk_u8)(c5 >> 8 * i);
    row[row_size] = (tlk_u8)(c6 >> 8 * i);
    row[0] = (tlk_u8)(c7 >> 8 * i);
  }
}

TLK_FN void tlk_jkx_turn_all(tlk_u32 bars, TLK_LOCAL tlk_jkx_shared *shared) {
  const tlk_u32 bands = (tlk_u32)tlk_jkx_of((tlk_i32)bars).height / TLK_JKX_BAND, eights = TLK_JKX_EIGHTS(bars);
  const tlk_u32 row_size = 2 * TLK_JKX_ROW_HALVES(bars), width = bars * TLK_JKX_STEP;
  TLK_LOCAL tlk_u8 *rows = (TLK_LOCAL tlk_u8 *)shared->rows;
  for (tlk_u32 i = TLK_LANE(); i < TLK_JKX_BARS / bars * bands * eights; i += TLK_JKX_LANES) {
    const tlk_u32 eight = i % eights, band = i / eights, image = band / bands, from_top = bands - 1 - band % bands;
    const tlk_u32 left = width - 8 * eight;
    tlk_jkx_turn(shared->columns + band * TLK_JKX_COLUMN_WORDS(bars) + 9 * eight, left < 8 ? left : 8,
                 rows + (image * bands + from_top) * (TLK_JKX_BAND + 1) * row_size + eight, row_size);
  }
}

/* ---- rows to words ---- */

/* 16 pixels or more from one on, the first in the lowest bit. Those behind the end of the image are not looked at. */
TLK_FN tlk_u32 tlk_jkx_pixels(tlk_u32 bars, TLK_LOCAL const tlk_jkx_shared *shared, tlk_u32 image, tlk_u32 pixel) {
  const tlk_u32 height = (tlk_u32)tlk_jkx_of((tlk_i32)bars).height, width = bars * TLK_JKX_STEP;
  const tlk_u32 halves = TLK_JKX_ROW_HALVES(bars), y = pixel / width, x = pixel % width, next = y + 1;
  TLK_LOCAL const tlk_u16 *rows = shared->rows + image * (height / TLK_JKX_BAND) * (TLK_JKX_BAND + 1) * halves;
  TLK_LOCAL const tlk_u16 *row = rows + (y + y / TLK_JKX_BAND) * halves;
  tlk_u32 bits = row[x / 16];
  if (x / 16 + 1 < halves) bits |= (tlk_u32)row[x / 16 + 1] << 16;
  bits >>= x % 16;
  if (x + 16 <= width) return bits;
  bits &= (1u << (width - x)) - 1; /* nobody has written the half word that the row does not fill */
  if (next < height) bits |= (tlk_u32)rows[(next + next / TLK_JKX_BAND) * halves] << (width - x);
  return bits;
}

/* Each of eight bits three times. */
TLK_FN tlk_u32 tlk_jkx_triple(tlk_u32 bits) {
  bits &= 0xff;
  bits = (bits | bits << 8) & 0x00f00fu;
  bits = (bits | bits << 4) & 0x0c30c3u;
  bits = (bits | bits << 2) & 0x249249u;
  return 7 * bits;
}

/* 255 for each of four bits, the lowest in the lowest byte. */
TLK_FN tlk_u32 tlk_jkx_bytes(tlk_u32 bits) { return ((bits & 15) * 0x204081u & 0x01010101u) * TLK_JKX_INK; }

/* 1.0 for the lowest bit. */
TLK_FN tlk_u32 tlk_jkx_float(tlk_u32 bits) { return (bits & 1) * 0x3f800000u; }

TLK_FN tlk_quad tlk_jkx_word(tlk_u32 bits, tlk_i32 is_float) {
  tlk_quad word;
  word.x = is_float ? tlk_jkx_float(bits) : tlk_jkx_bytes(bits);
  word.y = is_float ? tlk_jkx_float(bits >> 1) : tlk_jkx_bytes(bits >> 4);
  word.z = is_float ? tlk_jkx_float(bits >> 2) : tlk_jkx_bytes(bits >> 8);
  word.w = is_float ? tlk_jkx_float(bits >> 3) : tlk_jkx_bytes(bits >> 12);
  return word;
}

/*
 * The images of the group as they lie in memory: one or three planes an image, all alike, of one or three numbers a
 * pixel.
 */
TLK_FN void tlk_jkx_write(tlk_u32 bars, tlk_jkx_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL const tlk_jkx_shared *shared) {
  const tlk_u32 pixels = (tlk_u32)tlk_jkx_of((tlk_i32)bars).height * bars * TLK_JKX_STEP;
  const tlk_u32 first = TLK_GROUP() * (TLK_JKX_BARS / bars), left = a.n - first;
  const tlk_u32 images = left < TLK_JKX_BARS / bars ? left : TLK_JKX_BARS / bars;
  const tlk_u32 is_rgb = a.image.channels == 3, is_last = is_rgb && a.image.is_last;
  const tlk_u32 planes = is_rgb && !is_last ? 3 : 1, numbers = a.image.is_float ? 4 : 16;
  const tlk_u32 words = pixels * (is_last ? 3 : 1) / numbers, end = images * planes * words;
  TLK_GLOBAL tlk_quad *target = TLK_AT(tlk_quad, m, a.images) + (tlk_u64)first * planes * words;
  tlk_u32 plane = 0, word = TLK_LANE();
  for (tlk_u32 i = TLK_LANE(); i < end; i += TLK_JKX_LANES) {
    for (; word >= words; word -= words) plane++;
    const tlk_u32 image = planes == 3 ? plane / 3 : plane, number = word * numbers,
                  pixel = is_last ? number / 3 : number;
    tlk_u32 bits = tlk_jkx_pixels(bars, shared, image, pixel);
    if (is_last) bits = tlk_jkx_triple(bits) >> (number - 3 * pixel);
    target[i] = tlk_jkx_word(bits, a.image.is_float);
    word += TLK_JKX_LANES;
  }
}

/* ---- a group ---- */

TLK_FN void tlk_jkx_draw(tlk_u32 bars, tlk_jkx_args a, TLK_GLOBAL tlk_u8 *m, TLK_LOCAL tlk_jkx_shared *shared) {
  const tlk_jkx jkx = tlk_jkx_of((tlk_i32)bars);
  const tlk_u32 lane = TLK_LANE(), has_bar = lane < TLK_JKX_BARS;
  tlk_jkx_lane l = tlk_jkx_load(bars, a, m, shared);
  tlk_jkx_bar bar = tlk_jkx_no_bar();
  TLK_BARRIER();
  l.average = tlk_jkx_average(bars, l, shared);
  if (has_bar) tlk_jkx_keep_most(l, shared);
  TLK_BARRIER();
  if (lane < TLK_JKX_KINDS * TLK_JKX_FIVES)
    shared->most_of_five[lane / TLK_JKX_FIVES][lane % TLK_JKX_FIVES] =
        tlk_jkx_most_of(shared->most[lane / TLK_JKX_FIVES] + lane % TLK_JKX_FIVES * 5, 5);
  TLK_BARRIER();
  tlk_jkx_decide(bars, a, m, shared);
  TLK_BARRIER();
  if (has_bar) {
    bar = tlk_jkx_bar_of(jkx, l, shared->scales[l.image]);
    shared->averages[lane] = bar.average;
  }
  TLK_BARRIER();
  if (has_bar) tlk_jkx_keep_columns(bars, l, bar, shared);
  TLK_BARRIER();
  tlk_jkx_turn_all(bars, shared);
  TLK_BARRIER();
  tlk_jkx_write(bars, a, m, shared);
}

#define TLK_JKX_KERNEL(name, bars)                                                                                     \
  TLK_KERNEL(name, tlk_jkx_args) {                                                                                     \
    TLK_SHARED(tlk_jkx_shared, shared, 1);                                                                             \
    tlk_jkx_draw(bars, a, m, shared);                                                                                  \
  }

TLK_JKX_KERNEL(tlk_jkx_5, 5)
TLK_JKX_KERNEL(tlk_jkx_20, 20)
TLK_JKX_KERNEL(tlk_jkx_60, 60)
