/*
 * Images of windows: every tier draws what the oracle has, from prices that may be any bits. Six bytes are settings,
 * then come windows of a byte each and rows.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "tallow/tallow.h"
#include "tests/jkx_cases.h"

#define HEAD 6
#define WINDOWS 6
#define ROWS 150
#define COLUMNS 5
#define TIERS 3

/* One for each tier that this CPU and build have, for all inputs. */
static tlw_engine *engine_of(size_t tier) {
  static const char *const names[TIERS] = {"baseline", "avx2", "avx512"};
  static tlw_engine *engines[TIERS];
  static bool is_known[TIERS];
  if (is_known[tier]) return engines[tier];
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  setenv("TALLOW_CPU_TIER", names[tier], 1);
  const tlw_status status = tlw_engine_open(&engines[tier], &options, NULL);
  unsetenv("TALLOW_CPU_TIER");
  FUZZ_CHECK(status == TLW_OK || (status == TLW_ERR_UNAVAILABLE && tier > 0));
  is_known[tier] = true;
  return engines[tier];
}

/* A price or volume of one byte: most are small, some are what seldom comes. */
static double number_of(uint8_t byte) {
  static const double rare[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, 0.0,       -0.0, 1e300, -1e300,
                                1e-300,      1e-320,           1.7e308,           0x1p-1022, 100.0};
  const size_t n_rare = sizeof rare / sizeof *rare;
  return byte < n_rare ? rare[byte] : 100.0 + (double)byte / 4;
}

/* Rows of eight bytes a number or of one. Behind the end of the data they begin anew. */
static void fill_rows(columns *rows, const uint8_t *data, size_t size, bool has_bits) {
  double *const all[COLUMNS] = {rows->open, rows->high, rows->low, rows->close, rows->volume};
  const size_t number = has_bits ? sizeof(double) : 1, row = COLUMNS * number, n = size / row;
  for (int64_t i = 0; i < rows->n_rows; i++) {
    const uint8_t *from = n > 0 ? data + (size_t)i % n * row : NULL;
    for (size_t k = 0; k < COLUMNS; k++) {
      all[k][i] = 1.0;
      if (from && has_bits) memcpy(&all[k][i], from + k * number, number);
      if (from && !has_bits) all[k][i] = number_of(from[k]);
    }
    rows->time[i] = i;
  }
}

static void make_case(jkx_case *c, const uint8_t *data, size_t size) {
  static const int64_t bars[] = {5, 20, 60};
  memset(c, 0, sizeof *c);
  jkx_case_options(&c->options, &c->shape, bars[data[0] % 3], (tlw_image_type)(data[1] & 1),
                   (tlw_image_order)(data[1] >> 1 & 1), (tlw_image_color)(data[1] >> 2 & 1));
  const size_t n_windows = 1 + data[2] % WINDOWS;
  if (size < HEAD + n_windows) return;
  columns_open(&c->data, 1 + data[3] % ROWS);
  fill_rows(&c->data, data + HEAD + n_windows, size - HEAD - n_windows, data[4] & 1);
  c->how.type = (tlw_type)(data[4] >> 1 & 1);
  if (data[4] & 4) c->how.stride = packing_record(c->how.type, 0) + data[5] % 16;
  if (data[4] & 4) c->how.misalign = data[5] / 16 % 8;
  pack(&c->packed, &c->data, &c->how, 0, c->data.n_rows);
  c->candles = c->packed.candles;
  if (data[4] & 8) c->candles.volume = NULL;
  c->prices[0] = c->volumes[0] = "of the input";
  c->offsets[1] = c->candles.n_rows;
  c->candles.offsets = c->offsets;
  for (size_t i = 0; i < n_windows; i++) c->windows[i].last = data[HEAD + i] % c->candles.n_rows;
  c->n_windows = (int64_t)n_windows;
}

static void check_tier(const jkx_case *c, size_t tier) {
  uint8_t reasons[WINDOWS];
  jkx_images m;
  tlw_engine *engine = engine_of(tier);
  if (!engine) return;
  jkx_images_open(&m, c->shape.size * (size_t)c->n_windows, 0, 0);
  FUZZ_CHECK(tlw_images_draw(engine, &c->candles, &c->options, c->windows, c->n_windows, m.images, m.size, reasons,
                             NULL) == TLW_OK);
  FUZZ_CHECK(jkx_images_right("cpu", c, m.images, reasons, NULL));
  jkx_images_close(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jkx_case c;
  if (size < HEAD) return 0;
  make_case(&c, data, size);
  if (c.n_windows == 0) return 0;
  for (size_t tier = 0; tier < TIERS; tier++) check_tier(&c, tier);
  jkx_case_close(&c);
  return 0;
}
