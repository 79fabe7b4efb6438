/*
 * A rolling mean and standard deviation of a candle stream: each closed candle is added, and with each trade the
 * window is looked at as if the forming candle closed now.
 *
 *     roll_rows
 */
#include <stdio.h>
#include <stdlib.h>
#include <tallow/tallow.h>

#define CANDLES 200
#define TRADES 50 /* of each candle */

struct bands {
  tlw_window_state *mean, *deviation;
};

static tlw_status bands_open(struct bands *bands, tlw_error *error) {
  tlw_window_spec mean, deviation;
  tlw_window_spec_init(&mean, TLW_WINDOW_MEAN, 20);
  tlw_window_spec_init(&deviation, TLW_WINDOW_STD, 20);
  tlw_status status = tlw_window_state_open(&mean, 0, NULL, &bands->mean, error);
  if (status == TLW_OK) status = tlw_window_state_open(&deviation, 0, NULL, &bands->deviation, error);
  return status;
}

/* Whether a trade lies more than two deviations from the mean. */
static int is_far(const struct bands *bands, double price) {
  const double mean = tlw_window_peek(bands->mean, price, 0);
  const double reach = 2 * tlw_window_peek(bands->deviation, price, 0);
  return price > mean + reach || price < mean - reach; /* both are NaN before there are 20 candles */
}

static void bands_close_candle(struct bands *bands, double close) {
  tlw_window_update(bands->mean, close, 0);
  tlw_window_update(bands->deviation, close, 0);
}

int main(void) {
  tlw_error error;
  struct bands bands = {NULL, NULL};
  const tlw_status status = bands_open(&bands, &error);
  uint32_t noise = 1;
  double price = 100;
  int n_far = 0;
  for (int i = 0; i < CANDLES * TRADES && status == TLW_OK; i++) {
    noise = noise * 1664525u + 1013904223u;
    price += (double)(noise >> 24) / 256 - 0.5;
    n_far += is_far(&bands, price);
    if (i % TRADES == TRADES - 1) bands_close_candle(&bands, price);
  }
  tlw_window_state_close(&bands.mean);
  tlw_window_state_close(&bands.deviation);
  if (status != TLW_OK) {
    fprintf(stderr, "%s\n", error.message);
    return EXIT_FAILURE;
  }
  printf("%d of %d trades lie more than two deviations from the mean\n", n_far, CANDLES * TRADES);
  return EXIT_SUCCESS;
}
