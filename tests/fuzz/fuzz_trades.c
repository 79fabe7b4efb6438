/*
 * The first line chooses options by a digit each, and behind it is a file of trades. It must keep the promises of its
 * header (trades_kit.c checks them), and every SIMD tier must read what the general path reads, however many rows are
 * taken at a time.
 */
#include <string.h>

#include "../trades_kit.h"
#include "fuzz.h"

#define LINE_MAX_SIZE 64

static unsigned choice(const uint8_t *line, size_t length, size_t at, unsigned n) {
  return at < length ? (unsigned)(uint8_t)(line[at] - '0') % n : 0;
}

static tlw_trade_options choose_options(const uint8_t *line, size_t length) {
  static const char *const columns[] = {NULL,
                                        "time=1,price=2,quantity=3",
                                        "time=5,price=2",
                                        "price=Last,id=none",
                                        "maker=7,first_id=4,last_id=5",
                                        "open=2,high=2,low=2,quote=3"};
  static const uint32_t wanted[] = {0, TLW_TRADE_TIME, TLW_TRADE_PRICE | TLW_TRADE_QUANTITY, TLW_TRADE_MAKER, 4095};
  static const int64_t bounds[][2] = {
      {0, 0}, {1700000000000000000, INT64_MAX}, {1498793709153000000, 1498793709154000000}, {-5, 1722988800000000000}};
  tlw_trade_options o;
  tlw_trade_options_init(&o);
  o.delimiter = "\0,;\t|"[choice(line, length, 0, 5)];
  o.header = (int8_t)choice(line, length, 1, 3);
  o.round = (int8_t)choice(line, length, 2, 2);
  o.unit = (tlw_time_unit)choice(line, length, 3, 5);
  o.on_bad = (tlw_on_bad)choice(line, length, 4, 2);
  o.columns = columns[choice(line, length, 5, 6)];
  o.wanted = wanted[choice(line, length, 6, 5)];
  o.from = bounds[choice(line, length, 7, 4)][0];
  o.to = bounds[choice(line, length, 7, 4)][1];
  return o;
}

static void check_tier(const char *path, const tlw_trade_options *o, int64_t capacity, const char *name,
                       const trades_result *expected) {
  const char *const paths[] = {path, path};
  trades_result r;
  setenv("TALLOW_CPU_TIER", name, 1);
  const struct tlw_trade_plain_tier *tier = tlw_trade_plain_tier();
  unsetenv("TALLOW_CPU_TIER");
  trades_read(paths, 2, o, capacity, tier, NULL, &r);
  FUZZ_CHECK(trades_same(&r, expected));
  trades_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t capacities[] = {1, 3, 64, 600};
  static const char *const tiers[] = {"baseline", "avx2", "avx512"};
  const uint8_t *feed = memchr(data, '\n', size < LINE_MAX_SIZE ? size : LINE_MAX_SIZE);
  if (!feed) return 0;
  const size_t length = (size_t)(feed - data);
  const tlw_trade_options o = choose_options(data, length);
  const char *path = fuzz_file(feed + 1, size - length - 1);
  const char *const paths[] = {path, path};
  trades_result expected;
  trades_read(paths, 2, &o, 100, NULL, NULL, &expected);
  const int64_t capacity = capacities[choice(data, length, 8, 4)];
  for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) check_tier(path, &o, capacity, tiers[i], &expected);
  trades_free(&expected);
  return 0;
}
