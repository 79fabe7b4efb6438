/*
 * JKX images of every SIMD tier against those of kernels/core/jkx.h column by column: every shape, type and order of
 * numbers, with and without averages and volumes, of prices of every kind and in columns that end where memory does;
 * and of lines between any two heights.
 *
 *   TALLOW_TEST_CASES=N   random columns
 *   TALLOW_TEST_SEED=S    the first seed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "host/cpu/images.h"
#include "host/cpu/images_tier.h"
#include "host/cpu/tier.h"
#include "series.h"

#define CASES 150
#define FIRST_SEED 11
#define ROWS_MAX 400
#define WINDOWS 6
#define GUARD 64

static const int32_t all_bars[] = {5, 20, 60};

/* ---- tiers ---- */

static const char *const names[] = {"baseline", "avx2", "avx512"};
#define N_NAMES (sizeof names / sizeof *names)

static const struct tlw_cpu_tier *tiers[N_NAMES];
static size_t n_tiers;

static int find_tiers(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    tlw_error error;
    setenv("TALLOW_CPU_TIER", names[i], 1);
    if (tlw_cpu_tier(&tiers[n_tiers], &error) == TLW_OK)
      n_tiers++;
    else
      printf("%s: skipped: %s\n", names[i], error.message);
  }
  unsetenv("TALLOW_CPU_TIER");
  return n_tiers > 0 ? 0 : -1;
}

/* ---- the reference: bytes of one channel, by the functions of the core ---- */

static void find_averages(const struct tlw_images_job *job, const tlk_jkx_window *window, double *averages) {
  const int64_t n = job->jkx.bars;
  for (int64_t i = 0; i < n; i++) {
    averages[i] = TLK_NAN;
    if (!window->averages) continue;
    double sum = 0.0;
    for (int64_t j = i + 1 - n; j <= i; j++) sum += job->close[window->begin + j];
    averages[i] = sum / (double)n;
  }
}

static tlk_jkx_scale find_scale(const struct tlw_images_job *job, const tlk_jkx_window *window,
                                const double *averages) {
  tlk_jkx_range prices = tlk_jkx_no_range(), volumes = tlk_jkx_no_range();
  for (int64_t i = 0; i < job->jkx.bars; i++) {
    const int64_t row = window->begin + i;
    prices = tlk_jkx_widen(tlk_jkx_widen(prices, job->open[row]), job->high[row]);
    prices = tlk_jkx_widen(tlk_jkx_widen(prices, job->low[row]), job->close[row]);
    prices = tlk_jkx_widen(prices, averages[i]);
    if (job->volume) volumes = tlk_jkx_widen(volumes, job->volume[row]);
  }
  return tlk_jkx_scale_of(job->jkx, job->close[window->begin], prices.low, prices.high, volumes.high);
}

static int32_t height_of(const struct tlw_images_job *job, double p, const tlk_jkx_scale *scale) {
  if (!tlk_finite(p)) return -1;
  return job->jkx.volume_rows + 1 + tlk_jkx_height(p, scale->low, scale->k);
}

static tlk_jkx_bar bar_of(const struct tlw_images_job *job, int64_t row, double average, const tlk_jkx_scale *scale) {
  tlk_jkx_bar bar = {.open = height_of(job, job->open[row], scale),
                     .high = height_of(job, job->high[row], scale),
                     .low = height_of(job, job->low[row], scale),
                     .close = height_of(job, job->close[row], scale),
                     .average = height_of(job, average, scale)};
  if (scale->volume_scale != 0.0 && tlk_finite(job->volume[row]))
    bar.volume = tlk_jkx_volume(job->volume[row], scale->volume_scale);
  return bar;
}

static void draw_column(const tlk_jkx *jkx, int32_t x, tlk_jkx_rows rows, uint8_t *grey) {
  for (int32_t y = 0; y < jkx->height; y++) {
    const int32_t row = jkx->height - 1 - y;
    if ((row < 64 ? rows.low >> row : rows.high >> (row - 64)) & 1) grey[y * jkx->width + x] = TLK_JKX_INK;
  }
}

static uint32_t draw_plainly(const struct tlw_images_job *job, const tlk_jkx_window *window, uint8_t *grey) {
  const int32_t n = job->jkx.bars;
  memset(grey, 0, (size_t)job->jkx.width * (size_t)job->jkx.height);
  if (window->few) return TLK_IMAGE_FEW_BARS;
  double averages[TLK_JKX_BARS_MAX];
  find_averages(job, window, averages);
  const tlk_jkx_scale scale = find_scale(job, window, averages);
  if (scale.reason != TLK_IMAGE_DRAWN) return scale.reason;
  tlk_jkx_bar bars[TLK_JKX_BARS_MAX];
  for (int32_t i = 0; i < n; i++) bars[i] = bar_of(job, window->begin + i, averages[i], &scale);
  for (int32_t i = 0; i < n; i++)
    for (int32_t side = 0; side < TLK_JKX_STEP; side++) {
      const int32_t before = i > 0 ? bars[i - 1].average : -1, next = i + 1 < n ? bars[i + 1].average : -1;
      draw_column(&job->jkx, i * TLK_JKX_STEP + side, tlk_jkx_column(side, before, bars[i], next), grey);
    }
  return TLK_IMAGE_DRAWN;
}

static void spread(const tlk_image *image, const uint8_t *grey, uint8_t *tensor) {
  for (int32_t y = 0; y < image->height; y++)
    for (int32_t x = 0; x < image->width; x++)
      for (int32_t channel = 0; channel < image->channels; channel++) {
        const uint8_t number = grey[y * image->width + x];
        const float ratio = (float)number / 255.0F;
        const uint64_t at = tlk_image_at(*image, x, y, channel);
        if (image->is_float)
          memcpy(tensor + at * sizeof ratio, &ratio, sizeof ratio);
        else
          tensor[at] = number;
      }
}

/* ---- columns, at one end of memory that can be read ---- */

enum { OPEN, HIGH, LOW, CLOSE, VOLUME, COLUMNS };

struct field {
  uint8_t *pages[COLUMNS]; /* between two that can't be read */
  size_t size;
  double *columns[COLUMNS];
  int64_t n_rows;
};

static void field_open(struct field *f) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  f->size = (ROWS_MAX * sizeof(double) + page - 1) / page * page;
  for (int i = 0; i < COLUMNS; i++) {
    uint8_t *all = mmap(NULL, f->size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(all != MAP_FAILED);
    f->pages[i] = all + page;
    assert_int_equal(mprotect(f->pages[i], f->size, PROT_READ | PROT_WRITE), 0);
  }
}

static void field_close(struct field *f) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < COLUMNS; i++) munmap(f->pages[i] - page, f->size + 2 * page);
}

static void field_place(struct field *f, int64_t n_rows, rng *r) {
  f->n_rows = n_rows;
  for (int i = 0; i < COLUMNS; i++) {
    uint8_t *place = rng_below(r, 2) ? f->pages[i] : f->pages[i] + f->size - (size_t)n_rows * sizeof(double);
    f->columns[i] = (double *)(void *)place;
  }
}

static void field_fill(struct field *f, rng *r) {
  columns c = {.n_rows = f->n_rows,
               .open = f->columns[OPEN],
               .high = f->columns[HIGH],
               .low = f->columns[LOW],
               .close = f->columns[CLOSE],
               .volume = f->columns[VOLUME]};
  fill_prices(&c, 0, f->n_rows, (price_kind)rng_below(r, PRICE_KIND_COUNT), r);
  fill_volumes(&c, 0, f->n_rows, (volume_kind)rng_below(r, VOLUME_KIND_COUNT), r);
  static const double odd[] = {0.0, -0.0, 1e308, -1e308, 5e-324, -1.0, 1.0};
  for (int64_t spoilt = rng_below(r, 2) ? (int64_t)rng_below(r, 20) : 0; spoilt > 0; spoilt--) {
    const double number = rng_below(r, 2) ? odd[rng_below(r, sizeof odd / sizeof *odd)] : TLK_NAN;
    f->columns[rng_below(r, COLUMNS)][rng_below(r, (uint64_t)f->n_rows)] = number;
  }
}

/* ---- jobs ---- */

/* Images between guards, and all that is needed to judge them. */
struct trial {
  struct tlw_images_job job;
  tlk_jkx_window windows[WINDOWS];
  uint8_t grey[WINDOWS][TLK_JKX_WIDTH_MAX * TLK_JKX_HEIGHT_MAX];
  uint8_t expected_reasons[WINDOWS], reasons[WINDOWS];
  uint8_t *block, *expected;
  uint64_t seed;
  int64_t met[TLK_IMAGE_BEYOND + 1];
};

#define IMAGE_MAX ((size_t)TLK_JKX_WIDTH_MAX * TLK_JKX_HEIGHT_MAX * TLK_IMAGE_CHANNELS * sizeof(float))

static void trial_open(struct trial *t) {
  *t = (struct trial){.block = malloc(WINDOWS * IMAGE_MAX + 2 * GUARD), .expected = malloc(IMAGE_MAX)};
  assert_non_null(t->block);
  assert_non_null(t->expected);
}

static void trial_close(struct trial *t) {
  free(t->block);
  free(t->expected);
}

static void trial_set(struct trial *t, const struct field *f, int32_t bars, bool has_volume) {
  t->job = (struct tlw_images_job){.jkx = tlk_jkx_of(bars),
                                   .open = f->columns[OPEN],
                                   .high = f->columns[HIGH],
                                   .low = f->columns[LOW],
                                   .close = f->columns[CLOSE],
                                   .volume = has_volume ? f->columns[VOLUME] : NULL,
                                   .windows = t->windows,
                                   .n = WINDOWS,
                                   .reasons = t->reasons};
}

static void draw_expected(struct trial *t) {
  for (int64_t i = 0; i < t->job.n; i++) {
    t->expected_reasons[i] = (uint8_t)draw_plainly(&t->job, &t->windows[i], t->grey[i]);
    t->met[t->expected_reasons[i]]++;
  }
}

static void set_form(struct trial *t, int32_t channels, bool is_float, bool is_last) {
  const tlk_jkx *jkx = &t->job.jkx;
  t->job.image = (tlk_image){jkx->width, jkx->height, channels, is_float, is_last};
}

static uint8_t poison(size_t i) { return (uint8_t)(0x81 + i % 59); }

static void check_poison(const struct trial *t, const struct tlw_cpu_tier *tier, size_t from, size_t to) {
  for (size_t i = from; i < to; i++)
    if (t->block[i] != poison(i)) fail_msg("%s: byte %zu is written", tier->name, i);
}

static void check_image(const struct trial *t, const struct tlw_cpu_tier *tier, int64_t i) {
  const tlk_image *image = &t->job.image;
  const size_t size = tlk_image_size(*image);
  const uint8_t *got = t->job.images + (size_t)i * size;
  spread(image, t->grey[i], t->expected);
  if (memcmp(got, t->expected, size) == 0) return;
  size_t at = 0;
  while (got[at] == t->expected[at]) at++;
  fail_msg("%s, seed %" PRIu64 ": n %d, %d channels, float %d, last %d, image %d: byte %zu is %u, not %u", tier->name,
           t->seed, t->job.jkx.bars, image->channels, image->is_float, image->is_last, (int)i, at, got[at],
           t->expected[at]);
}

/* Images begin to end - 1 by one tier. */
static void check_draw(struct trial *t, const struct tlw_cpu_tier *tier, int64_t begin, int64_t end) {
  const size_t size = tlk_image_size(t->job.image), all = (size_t)t->job.n * size + 2 * GUARD;
  for (size_t i = 0; i < all; i++) t->block[i] = poison(i);
  memset(t->reasons, 0xee, sizeof t->reasons);
  t->job.images = t->block + GUARD;
  tier->images->draw(&t->job, begin, end);
  check_poison(t, tier, 0, GUARD + (size_t)begin * size);
  check_poison(t, tier, GUARD + (size_t)end * size, all);
  for (int64_t i = begin; i < end; i++) check_image(t, tier, i);
  if (!t->job.reasons) return;
  for (int64_t i = 0; i < t->job.n; i++)
    assert_int_equal(t->reasons[i], i < begin || i >= end ? 0xee : t->expected_reasons[i]);
}

static void check_reasons(struct trial *t, const struct tlw_cpu_tier *tier) {
  memset(t->reasons, 0xee, sizeof t->reasons);
  tier->images->reasons(&t->job, 0, t->job.n);
  assert_memory_equal(t->reasons, t->expected_reasons, (size_t)t->job.n);
}

/* ---- tests ---- */

static void choose_windows(struct trial *t, int64_t n_rows, rng *r) {
  const int64_t n = t->job.jkx.bars;
  for (int64_t i = 0; i < WINDOWS; i++) {
    tlk_jkx_window *w = &t->windows[i];
    *w = (tlk_jkx_window){.few = rng_below(r, 20) == 0, .averages = n_rows >= 2 * n && rng_below(r, 5) > 0};
    const int64_t first = w->averages ? n : 0, last = n_rows - n;
    w->begin = first + (int64_t)rng_below(r, (uint64_t)(last - first) + 1);
    if (i == 0) w->begin = first;
    if (i == 1) w->begin = last;
    if (w->few) *w = (tlk_jkx_window){.begin = INT64_MIN, .few = 1, .averages = w->averages};
  }
}

static void check_forms(struct trial *t, rng *r) {
  const int64_t begin = (int64_t)rng_below(r, 2), end = t->job.n - (int64_t)rng_below(r, 2);
  for (int form = 0; form < 8; form++) {
    set_form(t, form & 1 ? TLK_IMAGE_CHANNELS : 1, form & 2, form & 4);
    t->job.reasons = rng_below(r, 8) ? t->reasons : NULL;
    for (size_t i = 0; i < n_tiers; i++) check_draw(t, tiers[i], begin, end);
  }
  t->job.reasons = t->reasons;
  for (size_t i = 0; i < n_tiers; i++) check_reasons(t, tiers[i]);
}

static void test_images_of_any_prices(void **unused) {
  (void)unused;
  const uint64_t cases = environment_number("TALLOW_TEST_CASES", CASES);
  const uint64_t seed = environment_number("TALLOW_TEST_SEED", FIRST_SEED);
  struct field f;
  struct trial t;
  field_open(&f);
  trial_open(&t);
  for (uint64_t i = 0; i < cases; i++) {
    rng r = {t.seed = seed + i};
    const int32_t n = all_bars[i % 3];
    const uint64_t more =
        rng_below(&r, 3) ? rng_below(&r, (uint64_t)(ROWS_MAX - n) + 1) : rng_below(&r, 2) * (uint64_t)n;
    field_place(&f, n + (int64_t)more, &r);
    field_fill(&f, &r);
    trial_set(&t, &f, n, rng_below(&r, 6) > 0);
    choose_windows(&t, f.n_rows, &r);
    draw_expected(&t);
    check_forms(&t, &r);
  }
  for (uint32_t reason = 0; reason <= TLK_IMAGE_BEYOND; reason++)
    if (cases >= CASES) assert_true(t.met[reason] > 0);
  trial_close(&t);
  field_close(&f);
}

/*
 * Prices from 0 to the greatest height, so that each is its own height, and closes whose first two averages are a and
 * b; the others lie between b and half the height.
 */
static void fill_heights(struct field *f, int32_t n, int32_t top, int32_t a, int32_t b) {
  const int32_t half = top / 2, sum = n * b - 2 * half;
  for (int64_t i = 0; i < 2 * n; i++) {
    f->columns[OPEN][i] = f->columns[CLOSE][i] = half;
    f->columns[HIGH][i] = i % 2 ? top : half;
    f->columns[LOW][i] = i % 2 ? half : 0;
  }
  /* Both averages are of the closes of rows 2 to n - 1, which are as even as whole numbers can be. */
  int32_t left = sum;
  for (int32_t i = 2; i < n; i++) {
    const int32_t close = left / (n - i);
    f->columns[CLOSE][i] = close;
    left -= close;
  }
  f->columns[CLOSE][1] = half + n * (a - b);
}

static void test_lines_between_any_heights(void **unused) {
  (void)unused;
  struct field f;
  struct trial t;
  rng r = {1};
  field_open(&f);
  trial_open(&t);
  for (size_t k = 0; k < sizeof all_bars / sizeof *all_bars; k++) {
    const int32_t n = all_bars[k], top = tlk_jkx_of(n).price_rows - 1;
    field_place(&f, 2 * n, &r);
    trial_set(&t, &f, n, false);
    t.job.n = 1;
    t.windows[0] = (tlk_jkx_window){.begin = n, .averages = 1};
    set_form(&t, 1, false, false);
    for (int32_t a = 0; a <= top; a++)
      for (int32_t b = 0; b <= top; b++) {
        t.seed = (uint64_t)(a * 100 + b);
        fill_heights(&f, n, top, a, b);
        double averages[TLK_JKX_BARS_MAX];
        find_averages(&t.job, &t.windows[0], averages);
        assert_true(averages[0] == a && averages[1] == b);
        draw_expected(&t);
        for (size_t i = 0; i < n_tiers; i++) check_draw(&t, tiers[i], 0, 1);
      }
  }
  trial_close(&t);
  field_close(&f);
}

/* More images than a thread draws at a time, by any number of threads. */
#define MANY 300

static void test_threads_share_images(void **unused) {
  (void)unused;
  struct field f;
  struct trial t;
  rng r = {5};
  field_open(&f);
  trial_open(&t);
  field_place(&f, ROWS_MAX, &r);
  field_fill(&f, &r);
  trial_set(&t, &f, 20, true);
  set_form(&t, 1, false, false);
  static tlk_jkx_window windows[MANY];
  for (int64_t i = 0; i < MANY; i++) windows[i] = (tlk_jkx_window){.begin = 20 + i, .averages = 1};
  const size_t size = tlk_image_size(t.job.image);
  uint8_t *expected = malloc(MANY * size), *got = malloc(MANY * size), reasons[2][MANY];
  assert_non_null(expected);
  assert_non_null(got);
  struct tlw_images_job job = t.job;
  job.windows = windows;
  job.n = MANY;
  job.images = expected;
  job.reasons = reasons[0];
  tiers[0]->images->draw(&job, 0, MANY);
  job.images = got;
  job.reasons = reasons[1];
  for (uint32_t threads = 1; threads <= 3; threads++) {
    struct tlw_memory memory = {.budget = UINT64_MAX};
    struct tlw_team *team;
    assert_int_equal(tlw_team_open(&team, threads, &memory, NULL), TLW_OK);
    memset(got, 0xa5, MANY * size);
    memset(reasons[1], 0xee, MANY);
    tlw_cpu_images(tiers[n_tiers - 1], team, &job);
    assert_memory_equal(got, expected, MANY * size);
    assert_memory_equal(reasons[1], reasons[0], MANY);
    tlw_team_close(&team);
  }
  free(expected);
  free(got);
  trial_close(&t);
  field_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_images_of_any_prices),
      cmocka_unit_test(test_lines_between_any_heights),
      cmocka_unit_test(test_threads_share_images),
  };
  return cmocka_run_group_tests(tests, find_tiers, NULL);
}
