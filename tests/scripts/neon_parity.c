/*
 * Draws random charts on the CPU backend and holds them against the oracle, merges candles in chunks, computes
 * windows, reads random CSV files, and packs rows of PNG files: for CPUs on which the suite can't run.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tallow/chart.h>

#include "host/cpu/bars_tier.h"
#include "host/cpu/files.h"
#include "tests/merging.h"
#include "tests/oracle.h"
#include "tests/plain_kit.h"
#include "tests/png_kit.h"
#include "tests/series.h"
#include "tests/window_cases.h"
#include "tests/window_oracle.h"

#define MOST_SIDE 400
#define MOST_ROWS 3000
#define MOST_WINDOW 70

/* In place of host/cpu/files.c: nothing here draws files. */
uint64_t tlw_cpu_file_size(const tlk_layout *layout) {
  (void)layout;
  abort();
}

tlw_status tlw_cpu_file(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, int64_t i,
                        const struct tlw_cpu_scratch *scratch, void *memory, tlw_error *error) {
  (void)tier, (void)job, (void)i, (void)scratch, (void)memory, (void)error;
  abort();
}

static uint8_t pixels[MOST_SIDE * MOST_SIDE], expected[MOST_SIDE * MOST_SIDE];

static bool chart_agrees(tlw_engine *engine, uint64_t seed) {
  rng r = {seed};
  columns data;
  columns_open(&data, 1 + (int64_t)rng_below(&r, rng_below(&r, 2) ? MOST_ROWS : 60));
  const price_kind prices = (price_kind)rng_below(&r, PRICE_KIND_COUNT);
  const volume_kind volumes = (volume_kind)rng_below(&r, VOLUME_KIND_COUNT);
  fill_prices(&data, 0, data.n_rows, prices, &r);
  fill_volumes(&data, 0, data.n_rows, volumes, &r);
  fill_times(&data, 0, data.n_rows, (time_kind)rng_below(&r, TIME_KIND_COUNT), &r);
  const tlw_scale scale = (tlw_scale)(seed % 2);
  if (scale == TLW_SCALE_LOG) lift_prices(&data, 0, data.n_rows, 0x1p-1074);
  tlw_candles candles;
  columns_view(&data, &candles);
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = rng_between(&r, TLW_CHART_MIN_SIDE, MOST_SIDE);
  options.height = rng_between(&r, TLW_CHART_MIN_SIDE, MOST_SIDE);
  options.axis = (tlw_axis)rng_below(&r, 2);
  options.scale = scale;
  options.volume = (int32_t)rng_below(&r, 2);
  options.grid = (int32_t)rng_below(&r, 2);

  const size_t width = (size_t)options.width, size = width * (size_t)options.height;
  const tlw_raster raster = {pixels, size, width, size};
  memset(pixels, 0xEE, size);
  tlw_error error;
  const tlw_status status = tlw_chart_render(engine, &candles, &options, &raster, &error);
  if (status != TLW_OK) printf("seed %" PRIu64 ": %s\n", seed, error.message);
  oracle_render(&candles, 0, &options, expected);
  const bool good = status == TLW_OK && memcmp(pixels, expected, size) == 0;
  if (!good)
    printf("seed %" PRIu64 ", %" PRId64
           " candles, prices '%s', volumes '%s', scale %d, %d x %d: not what it should be\n",
           seed, data.n_rows, price_kind_name(prices), volume_kind_name(volumes), (int)scale, options.width,
           options.height);
  columns_close(&data);
  return good;
}

/* Every operation with one window over a few series, against the oracle of windows. */
static bool windows_agree(tlw_engine *engine, int64_t window, int64_t *n_outputs) {
  window_case c;
  window_case_open(&c, (uint64_t)window, 3, 300);
  window_case_add_all(&c, window, window);
  bool good = true;
  for (int32_t k = 0; k < c.n_specs; k++) {
    const tlw_window_spec *spec = &c.specs[k];
    poisoned output;
    poisoned_open(&output, c.batch.n_rows, (uint64_t)k);
    tlw_error error;
    const tlw_status status = tlw_window_run(engine, &c.batch, spec, 1, &output.rows, &error);
    if (status != TLW_OK) printf("%s\n", error.message);
    bool same = status == TLW_OK;
    for (int64_t i = 0; i < c.batch.n_series && same; i++) {
      const int64_t first = c.offsets[i], rows = c.offsets[i + 1] - first;
      const bool two = tlw_window_describe(spec->op)->inputs == 2;
      const oracle_series series = {c.wide[spec->column] + first, two ? c.wide[spec->other] + first : NULL, rows,
                                    c.batch.origin ? c.batch.origin[i] : 0};
      double *wanted = calloc(rows > 0 ? (size_t)rows : 1, sizeof *wanted);
      if (!wanted) abort();
      oracle_windows(spec, &series, wanted);
      same = memcmp(wanted, output.rows + first, (size_t)rows * sizeof *wanted) == 0;
      free(wanted);
    }
    char text[256];
    if (!same) printf("%s: not what it should be\n", window_text(spec, text, sizeof text));
    good &= same;
    poisoned_close(&output);
    ++*n_outputs;
  }
  window_case_close(&c);
  return good;
}

/* ---- trades ---- */

#define MOST_TRADES 300
#define ALL_FIELDS (TLK_BAR_VOLUME | TLK_BAR_QUOTE | TLK_BAR_SIDES | TLK_BAR_IDS)

static tlk_bar_part trade_at(const tlw_trades *t, int64_t i) {
  const tlk_bar_row row = {.open = t->price[i],
                           .high = t->price[i],
                           .low = t->price[i],
                           .close = t->price[i],
                           .quantity = t->quantity[i],
                           .trades = 1,
                           .quote = tlk_u128_product((uint64_t)t->price[i], (uint64_t)t->quantity[i]),
                           .is_buy = !t->is_buyer_maker[i]};
  return tlk_bar_of_row(row, ALL_FIELDS);
}

/* Rows up to the first price that is not between two, one by one, as the loops take them. */
static bool trades_agree(const struct tlw_cpu_bars_tier *tier, uint64_t seed) {
  static int64_t time[MOST_TRADES], price[MOST_TRADES], quantity[MOST_TRADES];
  static uint8_t makers[MOST_TRADES];
  rng r = {seed};
  const int64_t n = 1 + (int64_t)rng_below(&r, MOST_TRADES), begin = (int64_t)rng_below(&r, (uint64_t)n);
  const uint64_t bits = 1 + rng_below(&r, 62);
  for (int64_t i = 0; i < n; i++) {
    time[i] = i / 3;
    price[i] = 1 + (int64_t)(rng_next(&r) >> (64 - bits));
    quantity[i] = 1 + (int64_t)(rng_next(&r) >> (64 - bits));
    makers[i] = (uint8_t)rng_below(&r, 2);
  }
  const tlw_trades t = {.n_rows = n, .time = time, .price = price, .quantity = quantity, .is_buyer_maker = makers};
  const int64_t high = price[rng_below(&r, (uint64_t)n)];
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_PRICE, .gate = INT64_MIN, .low = 0, .high = high};
  tlk_bar_part part, joined = tlk_bar_none();
  enum tlw_cpu_taken taken;
  const struct tlw_cpu_last_row before = {INT64_MIN, -1};
  const int64_t end = tier->take(&t, ALL_FIELDS, begin, n, before, 0, INT64_MAX, &cut, &part, &taken);
  int64_t row = begin;
  while (row < n) {
    joined = tlk_bar_join(joined, trade_at(&t, row));
    if (price[row++] > high) break;
  }
  return end == row && memcmp(&part, &joined, sizeof part) == 0;
}

int main(int argc, char **argv) {
  const long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 2;
  tlw_engine *engine;
  tlw_error error;
  if (n <= 0 || tlw_engine_open(&engine, &options, &error) != TLW_OK) {
    fprintf(stderr, "%s\n", n <= 0 ? "usage: neon_parity CHARTS" : error.message);
    return EXIT_FAILURE;
  }
  tlw_device device;
  if (tlw_engine_describe(engine, &device, &error) == TLW_OK) printf("tier %s\n", device.driver);
  long bad = 0;
  for (long i = 0; i < n; i++) bad += !chart_agrees(engine, (uint64_t)i);
  long untrue = 0;
  int64_t n_outputs = 0;
  for (int64_t window = 1; window <= MOST_WINDOW; window++) untrue += !windows_agree(engine, window, &n_outputs);
  printf("%ld of %d windows give what the oracle gives, %" PRId64 " outputs\n", MOST_WINDOW - untrue, MOST_WINDOW,
         n_outputs);
  tlw_engine_close(&engine);
  printf("%ld of %ld charts are equal to the oracle's\n", n - bad, n);

  const struct tlw_cpu_tier *tier;
  if (tlw_cpu_tier(&tier, NULL) != TLW_OK) return EXIT_FAILURE;
  long wrong = 0;
  for (long i = 0; i < n; i++) wrong += !merging_agrees(tier, (uint64_t)i);
  printf("%ld of %ld series are merged in chunks as in one go\n", n - wrong, n);

  long apart = 0;
  for (long i = 0; i < n; i++) apart += !trades_agree(tier->bars, (uint64_t)i);
  printf("%ld of %ld series of trades are joined as row by row\n", n - apart, n);

  const struct tlw_plain_tier *plain = tlw_plain_tier();
  printf("plain tier %s\n", plain->name);
  long misread = 0;
  int64_t n_rows = 0;
  for (long i = 0; i < n; i++) misread += !plain_agrees(plain, (uint64_t)i, &n_rows);
  printf("%ld of %ld files, %" PRId64 " rows, are read as their fields are\n", n - misread, n, n_rows);

  extern const struct tlw_png_tier tlw_png_tier_neon;
  long unlike = 0;
  for (long i = 0; i < n; i++) unlike += !png_tier_agrees(&tlw_png_tier_neon, (uint64_t)i);
  printf("png tier %s\n%ld of %ld rows are packed and filtered as they should be\n", tlw_png_tier_neon.name, n - unlike,
         n);
  return bad || wrong || misread || untrue || unlike || apart ? EXIT_FAILURE : EXIT_SUCCESS;
}
