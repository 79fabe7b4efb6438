/*
 * Rolling windows over three series at once: means, standard deviations, an EMA and the correlation of price and
 * volume, each with one number for each row.
 *
 *     roll_batch
 */
#include <stdio.h>
#include <stdlib.h>
#include <tallow/tallow.h>

#define SERIES 3
#define ROWS 900

static double close[ROWS], volume[ROWS];
static const int64_t offsets[SERIES + 1] = {0, 300, 500, ROWS}; /* they need not be equally long */

static void fill(void) {
  uint32_t noise = 1;
  double price = 100;
  for (int i = 0; i < ROWS; i++) {
    noise = noise * 1664525u + 1013904223u;
    price += (double)(noise >> 24) / 256 - 0.5;
    close[i] = price;
    volume[i] = noise >> 20;
  }
}

enum { MEAN, DEVIATION, AVERAGE, CORRELATION, RESULTS };

static double results[RESULTS][ROWS];

static tlw_status roll(tlw_engine *engine, tlw_error *error) {
  const void *columns[] = {close, volume};
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = columns;
  batch.n_columns = 2;
  batch.n_rows = ROWS;
  batch.offsets = offsets;
  batch.n_series = SERIES;

  tlw_window_spec specs[RESULTS];
  tlw_window_spec_init(&specs[MEAN], TLW_WINDOW_MEAN, 20);
  tlw_window_spec_init(&specs[DEVIATION], TLW_WINDOW_STD, 20);
  tlw_window_spec_init(&specs[AVERAGE], TLW_WINDOW_EMA, 12);
  tlw_window_spec_init(&specs[CORRELATION], TLW_WINDOW_CORR, 50);
  specs[CORRELATION].min_periods = 10;

  double *const outputs[] = {results[MEAN], results[DEVIATION], results[AVERAGE], results[CORRELATION]};
  return tlw_window_run(engine, &batch, specs, RESULTS, outputs, error);
}

int main(void) {
  fill();
  tlw_error error;
  tlw_engine *engine;
  tlw_status status = tlw_engine_open(&engine, NULL, &error);
  if (status == TLW_OK) status = roll(engine, &error);
  tlw_engine_close(&engine);
  if (status != TLW_OK) {
    fprintf(stderr, "%s\n", error.message);
    return EXIT_FAILURE;
  }
  for (int i = 0; i < SERIES; i++) {
    const int64_t last = offsets[i + 1] - 1;
    printf("series %d: close %.2f, mean %.4f, deviation %.4f, ema %.4f, correlation %.4f\n", i, close[last],
           results[MEAN][last], results[DEVIATION][last], results[AVERAGE][last], results[CORRELATION][last]);
  }
  return EXIT_SUCCESS;
}
