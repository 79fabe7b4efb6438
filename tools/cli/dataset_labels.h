/* Labels of windows: what the close does behind them. */
#ifndef CLI_DATASET_LABELS_H
#define CLI_DATASET_LABELS_H

#include <stdint.h>

#include "dataset_text.h"
#include "exit_codes.h"

/*
 * The labels of n windows that end at these rows of a series of n_bars, close[row + h] / close[row] - 1 for each
 * horizon h, to out: n x horizons.n. NaN where there is no such row, where one of the two closes is missing, or where
 * the result is not finite.
 */
void dataset_labels_of(const double *close, int64_t n_bars, const int64_t *rows, int64_t n, dataset_horizons horizons,
                       double *out);

/* 1 if one of the labels of a window is NaN. */
int dataset_lacks_label(const double *labels, int32_t n_horizons);

/* "set.labels.npy" of "set.npy": an array of doubles, (images, horizons). */
typedef struct dataset_labels dataset_labels;

/*
 * The file appears, by rename, when it is closed with CLI_OK; else none does. A window without an image has no row in
 * it. Each returns CLI_OK, or another code after a message; close the first failure.
 */
cli_exit dataset_labels_open(dataset_labels **labels, const char *output, int32_t n_horizons);
cli_exit dataset_labels_add(dataset_labels *labels, const dataset_window *windows, int64_t n);
cli_exit dataset_labels_close(dataset_labels **labels, cli_exit code);

/* Ahead of the close: warns of horizons for which no image has a label. */
void dataset_labels_warn(const dataset_labels *labels, dataset_horizons horizons);

#endif
