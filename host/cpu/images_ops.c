/* JKX images of one tier. Compiled once per tier. */
#include "images_columns.h"
#include "images_expand.h"
#include "images_tier.h"
#include "window_tier.h"

/* What an image is made in. */
struct scratch {
  struct tlw_images_numbers numbers;
  uint64_t words[2 * COLUMNS_MAX]; /* by pixel column, the lower ones first */
  uint64_t tripled[2 * STRIP_MAX]; /* the same by number of a row, where a pixel
                                      has three of them there */
  uint8_t strips[STRIPS_MAX * STRIP_MAX];
};

#define LOWER_STRIPS (SPLIT_ROWS / STRIP_ROWS)

/* ---- one image of n bars: n, and most else of it, is known where these are
 * called ---- */

INLINE uint32_t make_words(const struct tlw_images_job *job, const tlk_jkx_window *window, int32_t n,
                           struct scratch *scratch) {
  const tlk_jkx_scale scale = find_scale(job, window, n, &scratch->numbers);
  if (scale.reason != TLK_IMAGE_DRAWN) return scale.reason;
  const bool has_volumes = scale.volume_scale != 0.0;
  if (window->averages && has_volumes)
    find_words(&scratch->numbers, &scale, n, true, true, scratch->words);
  else
    find_words(&scratch->numbers, &scale, n, window->averages, has_volumes, scratch->words);
  return TLK_IMAGE_DRAWN;
}

INLINE void triple(const uint64_t *words, int32_t n, uint64_t *tripled) {
  for (int32_t i = 0; i < n; i += TLK_LANES) {
    tlk_word x;
    memcpy(&x, words + i, sizeof x);
    save_in_turn(tripled + TLK_IMAGE_CHANNELS * i, x, x, x);
  }
}

INLINE void make_strips(const uint64_t *words, int32_t row, int32_t count, uint8_t *strips) {
  for (int32_t i = 0; i < row; i += BYTES) turn_words(words + i, count, strips + i);
}

INLINE void draw_words(int32_t n, struct scratch *scratch, bool is_float, int32_t planes, bool tripled,
                       uint8_t *target) {
  const tlk_jkx jkx = tlk_jkx_of(n);
  const int32_t row = tripled ? TLK_IMAGE_CHANNELS * jkx.width : jkx.width, strips = jkx.height / STRIP_ROWS;
  const int32_t lower = jkx.height > WORD_ROWS ? LOWER_STRIPS : strips;
  if (tripled) triple(scratch->words, jkx.width, scratch->tripled);
  if (tripled && lower < strips) triple(scratch->words + COLUMNS_MAX, jkx.width, scratch->tripled + STRIP_MAX);
  const uint64_t *words = tripled ? scratch->tripled : scratch->words;
  make_strips(words, row, lower, scratch->strips);
  if (lower < strips)
    make_strips(words + (tripled ? STRIP_MAX : COLUMNS_MAX), row, strips - lower, scratch->strips + lower * STRIP_MAX);
  const struct tlw_images_form form = {row, jkx.height, planes, is_float};
  expand(&form, scratch->strips, target);
}

INLINE uint32_t draw_image(const struct tlw_images_job *job, const tlk_jkx_window *window, int32_t n,
                           struct scratch *scratch, uint8_t *target) {
  const uint32_t reason = window->few ? TLK_IMAGE_FEW_BARS : make_words(job, window, n, scratch);
  if (reason != TLK_IMAGE_DRAWN) {
    memset(target, 0, tlk_image_size(job->image));
    return reason;
  }
  const bool is_float = job->image.is_float, has_one = job->image.channels == 1,
             tripled = !has_one && job->image.is_last;
#if defined(TLW_FEW_COPIES)
  draw_words(n, scratch, is_float, has_one || tripled ? 1 : TLK_IMAGE_CHANNELS, tripled, target);
#else
  if (has_one && is_float)
    draw_words(n, scratch, true, 1, false, target);
  else if (has_one)
    draw_words(n, scratch, false, 1, false, target);
  else if (tripled && is_float)
    draw_words(n, scratch, true, 1, true, target);
  else if (tripled)
    draw_words(n, scratch, false, 1, true, target);
  else if (is_float)
    draw_words(n, scratch, true, TLK_IMAGE_CHANNELS, false, target);
  else
    draw_words(n, scratch, false, TLK_IMAGE_CHANNELS, false, target);
#endif
  return TLK_IMAGE_DRAWN;
}

/* ---- images ---- */

INLINE void draw_images(const struct tlw_images_job *job, int64_t begin, int64_t end, int32_t n) {
  struct scratch scratch;
  /* Of the words all are turned to strips, those behind the columns too. */
  memset(scratch.words, 0, sizeof scratch.words);
  memset(scratch.tripled, 0, sizeof scratch.tripled);
  const uint64_t size = tlk_image_size(job->image);
  for (int64_t i = begin; i < end; i++) {
    const uint32_t reason = draw_image(job, &job->windows[i], n, &scratch, job->images + (uint64_t)i * size);
    if (job->reasons) job->reasons[i] = (uint8_t)reason;
  }
}

static __attribute__((noinline)) void draw_5(const struct tlw_images_job *job, int64_t begin, int64_t end) {
  draw_images(job, begin, end, 5);
}

static __attribute__((noinline)) void draw_20(const struct tlw_images_job *job, int64_t begin, int64_t end) {
  draw_images(job, begin, end, 20);
}

static __attribute__((noinline)) void draw_60(const struct tlw_images_job *job, int64_t begin, int64_t end) {
  draw_images(job, begin, end, 60);
}

static void draw(const struct tlw_images_job *job, int64_t begin, int64_t end) {
  if (job->jkx.bars == 5)
    draw_5(job, begin, end);
  else if (job->jkx.bars == 20)
    draw_20(job, begin, end);
  else
    draw_60(job, begin, end);
}

/* ---- reasons ---- */

INLINE void find_reasons_of(const struct tlw_images_job *job, int64_t begin, int64_t end, int32_t n) {
  struct tlw_images_numbers numbers;
  for (int64_t i = begin; i < end; i++) {
    const tlk_jkx_window *window = &job->windows[i];
    job->reasons[i] = (uint8_t)(window->few ? TLK_IMAGE_FEW_BARS : find_reason(job, window, n, &numbers));
  }
}

static void find_reasons(const struct tlw_images_job *job, int64_t begin, int64_t end) {
  if (job->jkx.bars == 5)
    find_reasons_of(job, begin, end, 5);
  else if (job->jkx.bars == 20)
    find_reasons_of(job, begin, end, 20);
  else
    find_reasons_of(job, begin, end, 60);
}

extern const struct tlw_cpu_images_tier TLW_TIERED(tlw_cpu_images_of);

const struct tlw_cpu_images_tier TLW_TIERED(tlw_cpu_images_of) = {
    .draw = draw,
    .reasons = find_reasons,
};
