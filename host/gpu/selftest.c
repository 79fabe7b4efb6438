#include "selftest.h"

#include "chart.h"
#include "host/base/error.h"
#include "host/base/hash.h"
#include "memory.h"
#include "plan.h"

/* Of the pixels by scale, by the scalar reference of the tests. */
static const uint64_t answers[TLW_SELFTEST_SCALES] = {
    [TLK_SCALE_LINEAR] = 0x6edd9563172119efu,
    [TLK_SCALE_LOG] = 0x36e2bac99cdcc4f4u,
};

/* A few candles with wide bodies, many to merge, and some along time; gaps, infinities and great ranges among them. */
static const int64_t counts[TLW_SELFTEST_SERIES] = {9, 300, 91};

/* With margins of 3, 2, 7 and 9 pixels at left, top, right and bottom. */
static const tlk_layout layout = {
    .width = TLW_SELFTEST_WIDTH,
    .height = TLW_SELFTEST_HEIGHT,
    .plot_x = 3,
    .plot_width = 190,
    .price_y = 2,
    .price_height = 117,
    .price_pad = 5,
    .volume_y = 122,
    .volume_height = 29,
    .price_cells = 2,
    .volume_cells = 0,
    .column_cells = 2,
};

/* Integers that look random, the same everywhere. */
static int32_t noise(uint32_t *state, int32_t below) {
  *state = *state * 1664525u + 1013904223u;
  return (int32_t)((*state >> 8) % (uint32_t)below);
}

static void fill_rows(struct tlw_selftest *test) {
  uint32_t state = 1;
  double price = 100.0;
  int64_t time = 0;
  for (int i = 0; i < TLW_SELFTEST_ROWS; i++) {
    const double open = price, close = open + (noise(&state, 401) - 200) / 64.0;
    test->columns[0][i] = open;
    test->columns[1][i] = (open > close ? open : close) + noise(&state, 100) / 128.0;
    test->columns[2][i] = (open < close ? open : close) - noise(&state, 100) / 128.0;
    test->columns[3][i] = close;
    test->columns[4][i] = noise(&state, 1000) / 3.0;
    test->time[i] = time;
    time += 1 + noise(&state, 5) * (int64_t)noise(&state, 3);
    price = close;
  }
  const double inf = TLK_INFINITY;
  test->columns[0][4] = TLK_NAN;
  test->columns[1][50] = inf;
  test->columns[2][120] = -inf;
  test->columns[4][60] = -1.0;
  test->columns[4][61] = inf;
  test->columns[4][62] = TLK_NAN;
}

static void fill_series(struct tlw_selftest *test) {
  int64_t begin = 0;
  for (int i = 0; i < TLW_SELFTEST_SERIES; i++) {
    tlk_series *s = &test->series[i];
    *s = (tlk_series){.begin = begin, .count = counts[i], .step = 1, .span = (uint64_t)counts[i]};
    begin += counts[i];
    if (i == 2) {
      s->by_time = 1;
      s->origin = test->time[s->begin];
      s->span = (uint64_t)(test->time[begin - 1] - s->origin) + 1;
    }
    const int32_t body = tlk_body_width(tlk_slot_width(s->step, s->span, layout.plot_width), layout.plot_width);
    s->body_half = body / 2;
    s->wick_half = tlk_wick_width(body) / 2;
  }
}

void tlw_selftest_prepare(struct tlw_selftest *test, uint8_t *pixels, struct tlw_render_job *job) {
  fill_rows(test);
  fill_series(test);
  *job = (struct tlw_render_job){
      .layout = layout,
      .open = test->columns[0],
      .high = test->columns[1],
      .low = test->columns[2],
      .close = test->columns[3],
      .volume = test->columns[4],
      .time = test->time,
      .series = test->series,
      .n_series = TLW_SELFTEST_SERIES,
      .y1 = TLW_SELFTEST_HEIGHT,
      .pixels = pixels,
      .row_stride = TLW_SELFTEST_WIDTH,
      .image_stride = TLW_SELFTEST_WIDTH * TLW_SELFTEST_HEIGHT,
  };
}

bool tlw_selftest_passed(const uint8_t *pixels, int32_t scale) {
  return tlw_hash(TLW_HASH_START, pixels, TLW_SELFTEST_PIXELS) == answers[scale];
}

/* The series that takes the most memory by itself. */
static int largest_series(void) {
  int largest = 0;
  for (int i = 1; i < TLW_SELFTEST_SERIES; i++)
    if (counts[i] > counts[largest]) largest = i;
  return largest;
}

/* Device memory for any one of the charts. */
static uint64_t chart_bytes(const struct tlw_render_job *job) {
  struct tlw_render_job one = *job;
  one.series = &job->series[largest_series()];
  one.n_series = 1;
  return tlw_plan_of(&one, 0).size;
}

uint64_t tlw_gpu_selftest_bytes(const struct tlw_gpu *gpu) {
  struct tlw_selftest test;
  struct tlw_render_job job;
  tlw_selftest_prepare(&test, NULL, &job);
  const uint64_t beside = tlw_memory_counted(sizeof test) + tlw_memory_counted(TLW_SELFTEST_PIXELS);
  return gpu->unified ? beside + chart_bytes(&job) : beside;
}

/* Draws as many charts at a time as there is room for. */
static tlw_status draw_all(struct tlw_backend_state *state, struct tlw_render_job job, tlw_error *error) {
  const uint64_t needed = chart_bytes(&job);
  tlw_status status = TLW_OK;
  for (int64_t left = job.n_series; left > 0 && status == TLW_OK; left -= job.n_series) {
    struct tlw_ticket ticket = {0};
    job.n_series = left;
    job.n_series = tlw_gpu_chart_fit(state, &job, 1, UINT64_MAX);
    if (job.n_series == 0) return tlw_gpu_memory_refuse(state, needed, error);
    status = tlw_gpu_chart_draw(state, &job, &ticket, error);
    if (status == TLW_OK) status = tlw_flights_wait(state, &ticket, error);
    job.series += job.n_series;
    job.pixels += (size_t)job.n_series * job.image_stride;
  }
  return status;
}

static tlw_status draw_and_compare(struct tlw_backend_state *state, struct tlw_selftest *test, tlw_error *error) {
  struct tlw_block pixels = {0};
  struct tlw_render_job job;
  tlw_status status = tlw_gpu_staging_open(state, &pixels, TLW_SELFTEST_PIXELS, error);
  if (status != TLW_OK) return status;
  tlw_selftest_prepare(test, pixels.data, &job);
  for (int32_t scale = 0; scale < TLW_SELFTEST_SCALES && status == TLW_OK; scale++) {
    job.layout.price_scale = scale;
    status = draw_all(state, job, error);
    if (status == TLW_OK && !tlw_selftest_passed(pixels.data, scale))
      status =
          tlw_fail(error, TLW_ERR_UNAVAILABLE,
                   "the device draws other pixels than it should (self-test of the chart kernels): update its driver");
  }
  tlw_gpu_staging_close(state, &pixels);
  return status;
}

tlw_status tlw_gpu_selftest(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  struct tlw_selftest *test = tlw_memory_alloc(memory, sizeof *test, "the self-test", &failure);
  if (!test) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = draw_and_compare(state, test, error);
  tlw_memory_free(memory, test, sizeof *test);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  return status;
}
