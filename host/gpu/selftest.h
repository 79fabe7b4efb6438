/* The known-answer self-tests of the kernels, one a program. */
#ifndef TALLOW_GPU_SELFTEST_H
#define TALLOW_GPU_SELFTEST_H

#include <stdbool.h>

#include "state.h"

#define TLW_SELFTEST_SERIES 3
#define TLW_SELFTEST_SCALES 2 /* each chart is drawn on each of TLK_SCALE_ */
#define TLW_SELFTEST_ROWS 400
#define TLW_SELFTEST_WIDTH 200
#define TLW_SELFTEST_HEIGHT 160
#define TLW_SELFTEST_PIXELS (TLW_SELFTEST_SERIES * TLW_SELFTEST_WIDTH * TLW_SELFTEST_HEIGHT)

/* Windows are rolled along the prices and the volume. */
#define TLW_SELFTEST_WINDOWS 21

/* The candles of the charts. */
struct tlw_selftest {
  double columns[5][TLW_SELFTEST_ROWS];
  int64_t time[TLW_SELFTEST_ROWS];
  tlk_series series[TLW_SELFTEST_SERIES];
};

/* Fills *test and points *job, of a linear scale, at it and at TLW_SELFTEST_PIXELS bytes for the images. */
void tlw_selftest_prepare(struct tlw_selftest *test, uint8_t *pixels, struct tlw_render_job *job);

/* Whether the pixels are the known ones of the scale. */
bool tlw_selftest_passed(const uint8_t *pixels, int32_t scale);

/* One of TLW_SELFTEST_WINDOWS, whose output has TLW_SELFTEST_ROWS rows; and the job of this one. */
void tlw_selftest_window(const struct tlw_selftest *test, int i, double *output, struct tlw_window_task *task,
                         struct tlw_window_job *job);

/* Whether the hash is that of all outputs, one after the other. */
bool tlw_selftest_rolled(uint64_t hash);

/* Host memory that the self-test of a program needs. */
uint64_t tlw_gpu_selftest_bytes(const struct tlw_gpu *gpu, enum tlw_gpu_program program);

/* Draw charts, or roll windows, whose results are known and compare. TLW_ERR_UNAVAILABLE: they differ. */
tlw_status tlw_gpu_selftest_charts(struct tlw_backend_state *state, tlw_error *error);
tlw_status tlw_gpu_selftest_windows(struct tlw_backend_state *state, tlw_error *error);

#endif
