#include <stdbool.h>

#include "slots.h"

#include <string.h>

#include "host/base/error.h"

/* Positions and spans stay below this, so that 2 * span * 16384 fits in 64 bits. */
#define SPAN_BITS 46

static int64_t time_at(const tlw_candles *candles, int64_t row) {
  if (candles->time_stride == 0) return candles->time[row];
  int64_t time;
  memcpy(&time, (const char *)candles->time + (size_t)row * (size_t)candles->time_stride, sizeof time);
  return time;
}

/* The least positive difference of neighbours, 1 if there is none. */
static tlw_status least_step(const tlw_candles *candles, int64_t begin, int64_t end, uint64_t *step, tlw_error *error) {
  uint64_t least = 0;
  int64_t last = time_at(candles, begin);
  for (int64_t i = begin + 1; i < end; i++) {
    const int64_t time = time_at(candles, i);
    if (time < last)
      return tlw_fail_at(error, TLW_ERR_DATA, i, -1, "time of row %lld is before that of the row above: sort the rows",
                         (long long)i);
    const uint64_t difference = (uint64_t)time - (uint64_t)last;
    if (difference > 0 && (least == 0 || difference < least)) least = difference;
    last = time;
  }
  *step = least ? least : 1;
  return TLW_OK;
}

void tlw_slots_by_time(int64_t first, int64_t last, uint64_t step, tlk_series *series) {
  const uint64_t range = (uint64_t)last - (uint64_t)first;
  uint32_t shift = 0;
  while ((range >> shift) >> SPAN_BITS || ((range >> shift) + (step >> shift)) >> SPAN_BITS) shift++;
  series->by_time = 1;
  series->origin = first;
  series->shift = shift;
  series->step = step >> shift ? step >> shift : 1;
  series->span = (range >> shift) + series->step;
}

void tlw_slots_by_index(int64_t count, tlk_series *series) {
  *series = (tlk_series){.count = count, .step = 1, .span = count ? (uint64_t)count : 1};
}

void tlw_slots_widths(int32_t plot_width, tlk_series *series) {
  const int32_t body = tlk_body_width(tlk_slot_width(series->step, series->span, plot_width), plot_width);
  series->body_half = body / 2;
  series->wick_half = tlk_wick_width(body) / 2;
}

tlw_status tlw_slots_of(const tlw_candles *candles, int64_t i, bool by_time, int32_t plot_width, tlk_series *series,
                        tlw_error *error) {
  const int64_t begin = candles->offsets ? candles->offsets[i] : 0;
  const int64_t end = candles->counts    ? begin + candles->counts[i]
                      : candles->offsets ? candles->offsets[i + 1]
                                         : candles->n_rows;
  tlw_slots_by_index(end - begin, series);
  series->begin = begin;
  if (series->count == 0) return TLW_OK;
  if (by_time) {
    uint64_t step = 1;
    const tlw_status status = least_step(candles, begin, end, &step, error);
    if (status != TLW_OK) return status;
    tlw_slots_by_time(time_at(candles, begin), time_at(candles, end - 1), step, series);
  }
  tlw_slots_widths(plot_width, series);
  return TLW_OK;
}
