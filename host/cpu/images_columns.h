/*
 * The pixel columns of a JKX image as words of bits, TLK_LANES bars at a time: what kernels/core/jkx.h says of one
 * column at a time. Compiled once per tier.
 *
 * Instead of masks of lanes, a number that is missing is NaN, and so is a sum of which one is missing: finite numbers
 * never add up to NaN. The rows between two ends are the exclusive or of the rows up to the one and those up to the
 * other, whichever is higher.
 */
#ifndef TALLOW_CPU_IMAGES_COLUMNS_H
#define TALLOW_CPU_IMAGES_COLUMNS_H

#include <stdbool.h>

#include "host/seam/backend.h"
#include "images_vector.h"

#define GROUPS_MAX ((TLK_JKX_BARS_MAX + TLK_LANES - 1) / TLK_LANES)

/* Rows of a word. A higher image has two, of which strips of 8 rows each are used as bytes. */
#define WORD_ROWS 64
#define SPLIT_ROWS 48

/* Numbers of a window by TLK_LANES bars; of each, and of lanes without a bar, NaN where it is missing. */
struct tlw_images_numbers {
  tlk_real open[GROUPS_MAX], high[GROUPS_MAX], low[GROUPS_MAX], close[GROUPS_MAX], volume[GROUPS_MAX],
      average[GROUPS_MAX];
};

/* 0 or NaN, which it makes a number that is not finite. */
INLINE tlk_real known(tlk_real x) { return x + (x - x); }

INLINE void load_column(const double *column, int32_t n, tlk_real *numbers) {
  for (int32_t i = 0; i < n; i += TLK_LANES) numbers[i / TLK_LANES] = known(load_first(column + i, n - i));
}

/* Groups whose sums are made together: so many that an addition need not wait for the one before. */
#define SUMS 5

/* close: of the window's first bar, n rows before which are the series' too. */
INLINE void load_averages(const double *close, int32_t n, tlk_real *averages) {
  const int32_t groups = (n + TLK_LANES - 1) / TLK_LANES;
  for (int32_t from = 0; from < groups; from += SUMS) {
    tlk_real sums[SUMS] = {{0}};
    for (int32_t j = 1 - n; j <= 0; j++)
      for (int32_t k = 0; k < SUMS; k++)
        if (from + k < groups) sums[k] += load_first(close + (from + k) * TLK_LANES + j, n - (from + k) * TLK_LANES);
    for (int32_t k = 0; k < SUMS; k++)
      if (from + k < groups) averages[from + k] = known(sums[k] / tlk_splat((double)n));
  }
}

/* The least and the greatest of prices so far. */
INLINE tlk_jkx_range widen(tlk_jkx_range range, const tlk_real *numbers, int32_t groups) {
  for (int32_t g = 0; g < groups; g++) {
    range.low = lesser(numbers[g], range.low);
    range.high = greater(numbers[g], range.high);
  }
  return range;
}

INLINE tlk_jkx_range load_prices(const struct tlw_images_job *job, int64_t begin, int32_t n,
                                 struct tlw_images_numbers *numbers) {
  const int32_t groups = (n + TLK_LANES - 1) / TLK_LANES;
  load_column(job->open + begin, n, numbers->open);
  load_column(job->high + begin, n, numbers->high);
  load_column(job->low + begin, n, numbers->low);
  load_column(job->close + begin, n, numbers->close);
  tlk_jkx_range range = widen(tlk_jkx_no_range(), numbers->open, groups);
  range = widen(range, numbers->high, groups);
  range = widen(range, numbers->low, groups);
  return widen(range, numbers->close, groups);
}

/* Fills in the numbers of n bars; averages where the window has them, volumes where the job has them. */
INLINE tlk_jkx_scale find_scale(const struct tlw_images_job *job, const tlk_jkx_window *window, int32_t n,
                                struct tlw_images_numbers *numbers) {
  const int32_t groups = (n + TLK_LANES - 1) / TLK_LANES;
  const int64_t begin = window->begin;
  tlk_jkx_range range = load_prices(job, begin, n, numbers);
  if (window->averages) {
    load_averages(job->close + begin, n, numbers->average);
    range = widen(range, numbers->average, groups);
  }
  tlk_real volume = tlk_splat(-TLK_INFINITY);
  if (job->volume) {
    load_column(job->volume + begin, n, numbers->volume);
    for (int32_t g = 0; g < groups; g++) volume = greater(numbers->volume[g], volume);
  }
  return tlk_jkx_scale_of(tlk_jkx_of(n), job->close[begin], least_of(range.low), greatest_of(range.high),
                          greatest_of(volume));
}

/* ---- reasons ---- */

/* Prices up to here have averages and differences that are finite. */
#define TAME 0x1p1000

INLINE bool is_tame(tlk_jkx_range range) { return least_of(range.low) >= -TAME && greatest_of(range.high) <= TAME; }

/*
 * The reason of the scale that find_scale finds. Prices alone decide, for averages only widen their range, unless it
 * is empty or so wide that they could matter.
 */
INLINE uint32_t find_reason(const struct tlw_images_job *job, const tlk_jkx_window *window, int32_t n,
                            struct tlw_images_numbers *numbers) {
  const int32_t groups = (n + TLK_LANES - 1) / TLK_LANES;
  tlk_jkx_range range = load_prices(job, window->begin, n, numbers);
  const tlk_jkx_scale scale = tlk_jkx_scale_of(tlk_jkx_of(n), job->close[window->begin], least_of(range.low),
                                               greatest_of(range.high), -TLK_INFINITY);
  if (!window->averages || scale.reason == TLK_IMAGE_NO_CLOSE) return scale.reason;
  load_column(job->close + window->begin - n, n, numbers->average);
  range = widen(range, numbers->average, groups);
  if (scale.reason == TLK_IMAGE_DRAWN && is_tame(range)) return TLK_IMAGE_DRAWN;
  return find_scale(job, window, n, numbers).reason;
}

/* ---- heights ---- */

/* 1.5 * 2^52: the lowest bits of a double from there to 2^53 are a whole number, to which adding it rounds. */
#define WHOLE 6755399441055744.0

/* x, rounded, and `more`. */
INLINE tlk_word count_of(tlk_real x, int32_t more) {
  return tlk_bits(x + tlk_splat(WHOLE)) - tlk_splat_word(TLK_BITS(WHOLE) - (tlk_u64)more);
}

/* As tlk_jkx_height, before rounding; of a price that is missing 0. */
INLINE tlk_real height_of(tlk_real price, tlk_real low, tlk_real k) { return (greater(price, low) - low) * k; }

/* As tlk_jkx_volume; of a volume that is missing 1. */
INLINE tlk_word volume_of(tlk_real volume, tlk_real s) {
  return count_of(greater(tlk_jkx_round(greater(volume, tlk_splat(0.0)) * s), tlk_splat(1.0)), -1);
}

/*
 * Rows that bars have ink in, counted from the bottom of the image: those of prices, above `bottom` up to `top`, and up
 * to `volume`. ends[0] to ends[4] are of the line to the next bar, which has in its column c the rows above the lower
 * to the higher one of ends[c] and ends[c + 1], and points[c - 1] in its columns 1 and 2.
 */
struct tlw_images_ends {
  tlk_word open, close, bottom, top, average, volume;
  tlk_word ends[5], points[2];
  tlk_real has_bar, has_open, has_close, has_average, has_line, has_volume; /* NaN: no */
};

/*
 * The line from `height` to `next`, by tlk_jkx_line. With d the rise, column c ends behind d * (2 * c + 1) / 6 steps,
 * rounded away from 0. That is at most 5 / 6 away, so that 2.5 / 6 more, rounded to the nearest, gives it and is no
 * half. Downwards steps count from the upper edge of the first row. In columns 1 and 2 a flat line has but the pixel
 * at d * c / 3, which a steep one has too.
 */
INLINE void find_line(struct tlw_images_ends *e, tlk_real height, tlk_real next, int32_t bottom) {
  const tlk_real rise = next - height;
  const tlk_word sign = tlk_bits(rise) & tlk_splat_word((tlk_u64)1 << 63), down = sign >> 63;
  const tlk_word below = count_of(height, bottom - 1);
  const tlk_real away = tlk_from_bits(tlk_splat_word(TLK_BITS(2.5 / 6.0)) | sign),
                 half = tlk_from_bits(tlk_splat_word(TLK_BITS(0.25)) | sign);
  e->ends[0] = below + down;
  e->ends[1] = e->ends[0] + count_of(rise * tlk_splat(1.0 / 6.0) + away, 0);
  e->ends[2] = e->ends[0] + count_of(rise * tlk_splat(0.5) + half, 0);
  e->ends[3] = e->ends[0] + count_of(rise * tlk_splat(5.0 / 6.0) + away, 0);
  e->ends[4] = count_of(next, bottom) - down;
  e->points[0] = below + count_of(rise * tlk_splat(1.0 / 3.0), 1);
  e->points[1] = below + count_of(rise * tlk_splat(2.0 / 3.0), 1);
}

/* ---- words ---- */

/*
 * The bits of a row, and of all rows up to it, in word `word` of `words`. Of two words the bits of the first go on
 * behind its rows, and the rows of the second begin at bit 1.
 */
INLINE tlk_word bit_of(tlk_word row, int32_t word, int32_t words) {
  if (words == 2) row = word == 0 ? limited(row, SPLIT_ROWS) : lessened(row, SPLIT_ROWS - 1);
  return tlk_splat_word(1) << row;
}

INLINE tlk_word bits_to(tlk_word row, int32_t word, int32_t words) {
  if (words == 2) row = word == 0 ? limited(row, SPLIT_ROWS) : lessened(row, SPLIT_ROWS - 1);
  return (tlk_splat_word(2) << row) - tlk_splat_word(1);
}

/* Words of the columns left of, at and right of the centres of bars. */
struct tlw_images_words {
  tlk_word left, centre, right;
};

/* left_line, centre_line: columns of lines that lie with the bars after: of the bars before, then of these. */
INLINE struct tlw_images_words join_words(const struct tlw_images_ends *e, int32_t word, int32_t words, bool has_lines,
                                          bool has_volumes, tlk_word *left_line, tlk_word *centre_line) {
  struct tlw_images_words w;
  w.left = where(e->has_open, bit_of(e->open, word, words));
  w.centre = w.left | where(e->has_bar, bits_to(e->bottom, word, words) ^ bits_to(e->top, word, words));
  w.right = where(e->has_close, bit_of(e->close, word, words));
  if (has_volumes && word == 0) w.centre |= where(e->has_volume, bits_to(e->volume, word, words));
  if (has_lines) {
    tlk_word b[5];
    for (int32_t i = 0; i < 5; i++) b[i] = bits_to(e->ends[i], word, words);
    w.centre |= where(e->has_average, bit_of(e->average, word, words)) | where(e->has_line, b[0] ^ b[1]);
    w.right |= where(e->has_line, (b[1] ^ b[2]) | bit_of(e->points[0], word, words));
    const tlk_word left = where(e->has_line, (b[2] ^ b[3]) | bit_of(e->points[1], word, words));
    const tlk_word centre = where(e->has_line, b[3] ^ b[4]);
    w.left |= TAKE_BEFORE(*left_line, left);
    w.centre |= TAKE_BEFORE(*centre_line, centre);
    *left_line = left;
    *centre_line = centre;
  }
  if (word == 1) {
    w.left >>= 1;
    w.centre >>= 1;
    w.right >>= 1;
  }
  return w;
}

/* Words of the columns: COLUMNS_MAX of the lower ones, then of the upper ones. */
#define COLUMNS_MAX 192

INLINE void find_words(const struct tlw_images_numbers *numbers, const tlk_jkx_scale *scale, int32_t n, bool has_lines,
                       bool has_volumes, uint64_t *target) {
  const tlk_jkx jkx = tlk_jkx_of(n);
  const int32_t groups = (n + TLK_LANES - 1) / TLK_LANES, words = jkx.height > WORD_ROWS ? 2 : 1;
  const int32_t bottom = jkx.volume_rows + 1;
  const tlk_real low = tlk_splat(scale->low), k = tlk_splat(scale->k), s = tlk_splat(scale->volume_scale);
  tlk_word left_line[2] = {{0}}, centre_line[2] = {{0}};
  tlk_real average = tlk_splat(0.0);
  if (has_lines) average = numbers->average[0];
  tlk_real height = tlk_jkx_round(height_of(average, low, k));
  for (int32_t g = 0; g < groups; g++) {
    struct tlw_images_ends e = {0};
    e.has_bar = numbers->high[g] + numbers->low[g];
    e.has_open = numbers->open[g] + e.has_bar;
    e.has_close = numbers->close[g] + e.has_bar;
    const tlk_real one = height_of(numbers->high[g], low, k), other = height_of(numbers->low[g], low, k);
    e.bottom = count_of(lesser(one, other), bottom - 1);
    e.top = count_of(greater(one, other), bottom);
    e.open = count_of(height_of(numbers->open[g], low, k), bottom);
    e.close = count_of(height_of(numbers->close[g], low, k), bottom);
    if (has_volumes) {
      e.has_volume = numbers->volume[g];
      e.volume = volume_of(numbers->volume[g], s);
    }
    if (has_lines) {
      const tlk_real after = g + 1 < groups ? numbers->average[g + 1] : tlk_splat(TLK_NAN);
      const tlk_real height_after = tlk_jkx_round(height_of(after, low, k));
      e.average = count_of(height, bottom);
      e.has_average = average;
      e.has_line = average + TAKE_NEXT(average, after);
      find_line(&e, height, TAKE_NEXT(height, height_after), bottom);
      average = after;
      height = height_after;
    }
    for (int32_t word = 0; word < words; word++) {
      const struct tlw_images_words w =
          join_words(&e, word, words, has_lines, has_volumes, &left_line[word], &centre_line[word]);
      save_in_turn(target + word * COLUMNS_MAX + g * TLK_LANES * TLK_JKX_STEP, w.left, w.centre, w.right);
    }
  }
}

#endif
