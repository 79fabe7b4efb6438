#include <stdbool.h>

#include "slots.h"

#include "host/base/error.h"

/* Positions and spans stay below this, so that 2 * span * 16384 fits in 64 bits. */
#define SPAN_BITS 46

/* The least positive difference of neighbours, 1 if there is none. */
static tlw_status least_step(const int64_t *time, int64_t begin, int64_t end, uint64_t *step, tlw_error *error) {
  uint64_t least = 0;
  for (int64_t i = begin + 1; i < end; i++) {
    if (time[i] < time[i - 1])
      return tlw_fail_at(error, TLW_ERR_DATA, i, -1, "time of row %lld is before that of the row above: sort the rows",
                         (long long)i);
    const uint64_t difference = (uint64_t)time[i] - (uint64_t)time[i - 1];
    if (difference > 0 && (least == 0 || difference < least)) least = difference;
  }
  *step = least ? least : 1;
  return TLW_OK;
}

static tlw_status time_slots(const int64_t *time, tlk_series *series, tlw_error *error) {
  const int64_t last = series->begin + series->count - 1;
  uint64_t step = 1;
  const tlw_status status = least_step(time, series->begin, last + 1, &step, error);
  if (status != TLW_OK) return status;
  const uint64_t range = (uint64_t)time[last] - (uint64_t)time[series->begin];
  uint32_t shift = 0;
  while ((range >> shift) >> SPAN_BITS || ((range >> shift) + (step >> shift)) >> SPAN_BITS) shift++;
  series->by_time = 1;
  series->origin = time[series->begin];
  series->shift = shift;
  series->step = step >> shift ? step >> shift : 1;
  series->span = (range >> shift) + series->step;
  return TLW_OK;
}

tlw_status tlw_slots_of(const tlw_candles *candles, int64_t i, bool by_time, int32_t plot_width, tlk_series *series,
                        tlw_error *error) {
  const int64_t begin = candles->offsets ? candles->offsets[i] : 0;
  const int64_t end = candles->offsets ? candles->offsets[i + 1] : candles->n_rows;
  *series = (tlk_series){.begin = begin, .count = end - begin, .step = 1, .span = (uint64_t)(end - begin)};
  if (series->count == 0) {
    series->span = 1;
    return TLW_OK;
  }
  if (by_time) {
    const tlw_status status = time_slots(candles->time, series, error);
    if (status != TLW_OK) return status;
  }
  const int32_t body = tlk_body_width(tlk_slot_width(series->step, series->span, plot_width), plot_width);
  series->body_half = body / 2;
  series->wick_half = tlk_wick_width(body) / 2;
  return TLW_OK;
}
